//! `/api/connectors`: making connectors known, their tokens, what they may do, and asking them what they see.

use super::{
    Admin, actor,
    fields::{Key, Name},
    lists::Asked,
};
use crate::{
    error::ApiError,
    token::{self, CONNECTOR_PREFIX},
};
use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Json, Path, Query},
};
use heliograph_schema::{
    ids::GuildId,
    store::connectors::{self, ConnectorChange, ConnectorRow, NewConnector},
};
use serde::{Deserialize, Serialize};
use serde_json::json;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Create {
    connector_id: Key,
    tenant_key: Key,
    name: Option<Name>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rotate {
    version: i64,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Active,
    Paused,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Change {
    version: i64,
    name: Option<Name>,
    status: Option<Status>,
    ingest_enabled: Option<bool>,
    forward_enabled: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Discover {
    #[serde(default)]
    guild_id: Option<GuildId>,
}

/// A connector with its token: the only answer that holds one.
#[derive(Serialize)]
struct WithToken {
    connector: ConnectorRow,
    token: String,
}

pub(super) async fn list(
    admin: Data<Admin>,
    asked: Query<Asked>,
) -> Result<HttpResponse, ApiError> {
    let page = asked.page()?;
    let rows = admin
        .read(move |conn| connectors::list(conn, &page))
        .await?;
    Ok(HttpResponse::Ok().json(asked.answer(rows, |row| row.connector_id.clone())?))
}

pub(super) async fn create(
    request: HttpRequest,
    admin: Data<Admin>,
    body: Json<Create>,
) -> Result<HttpResponse, ApiError> {
    let Create {
        connector_id: Key(connector_id),
        tenant_key: Key(tenant_key),
        name,
    } = body.into_inner();
    let token = token::make(CONNECTOR_PREFIX, rand::random());
    let name = name.map_or_else(|| connector_id.clone(), |Name(name)| name);
    let new = NewConnector {
        connector_id,
        tenant_key,
        name,
        token_hash: token.hash,
    };
    let actor = actor(&request);
    let connector = admin
        .change(move |conn| connectors::create(conn, &actor, &new))
        .await?;
    Ok(HttpResponse::Created().json(WithToken {
        connector,
        token: token.text,
    }))
}

pub(super) async fn rotate(
    request: HttpRequest,
    admin: Data<Admin>,
    connector_id: Path<String>,
    body: Json<Rotate>,
) -> Result<HttpResponse, ApiError> {
    let token = token::make(CONNECTOR_PREFIX, rand::random());
    let (actor, hash, version) = (actor(&request), token.hash, body.version);
    let connector = admin
        .change(move |conn| connectors::rotate(conn, &actor, &connector_id, version, hash))
        .await?;
    Ok(HttpResponse::Ok().json(WithToken {
        connector,
        token: token.text,
    }))
}

pub(super) async fn change(
    request: HttpRequest,
    admin: Data<Admin>,
    connector_id: Path<String>,
    body: Json<Change>,
) -> Result<HttpResponse, ApiError> {
    let Change {
        version,
        name,
        status,
        ingest_enabled,
        forward_enabled,
    } = body.into_inner();
    let change = ConnectorChange {
        name: name.map(|Name(name)| name),
        is_paused: status.map(|status| matches!(status, Status::Paused)),
        ingest_enabled,
        forward_enabled,
    };
    let actor = actor(&request);
    let row = admin
        .change(move |conn| connectors::change(conn, &actor, &connector_id, version, &change))
        .await?;
    Ok(HttpResponse::Ok().json(row))
}

pub(super) async fn discover(
    request: HttpRequest,
    admin: Data<Admin>,
    connector_id: Path<String>,
    body: Json<Discover>,
) -> Result<HttpResponse, ApiError> {
    let (actor, guild_id) = (actor(&request), body.guild_id);
    let number = admin
        .change(move |conn| connectors::request_discovery(conn, &actor, &connector_id, guild_id))
        .await?;
    Ok(HttpResponse::Accepted().json(json!({ "discovery_request_version": number })))
}
