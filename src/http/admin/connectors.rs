//! `/api/connectors`: making connectors known, their tokens, what they may do, and asking them what they see.

use super::{
    Admin, actor,
    extract::{Json, Query},
    fields::{Key, Name},
    lists::{Asked, Listed},
};
use crate::{
    error::ApiError,
    token::{self, CONNECTOR_PREFIX},
};
use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Path},
};
use heliograph_schema::{
    ids::GuildId,
    store::connectors::{self, ConnectorChange, ConnectorRow, ConnectorStatus, NewConnector},
};
use serde::{Deserialize, Serialize};

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = ConnectorCreate)]
#[serde(deny_unknown_fields)]
pub(super) struct Create {
    connector_id: Key,
    tenant_key: Key,
    name: Option<Name>,
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = ConnectorRotate)]
#[serde(deny_unknown_fields)]
pub(super) struct Rotate {
    version: i64,
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = ConnectorChange)]
#[serde(deny_unknown_fields)]
pub(super) struct Change {
    version: i64,
    name: Option<Name>,
    status: Option<ConnectorStatus>,
    ingest_enabled: Option<bool>,
    forward_enabled: Option<bool>,
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = ConnectorDiscover)]
#[serde(deny_unknown_fields)]
pub(super) struct Discover {
    /// The guild whose channels are wanted; `null` or absent: the guilds.
    #[serde(default)]
    guild_id: Option<GuildId>,
}

/// A connector with its token: the only answer that holds one.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = ConnectorWithToken)]
struct WithToken {
    connector: ConnectorRow,
    token: String,
}

/// What came of asking for a discovery.
#[derive(Serialize, utoipa::ToSchema)]
struct DiscoveryAsked {
    discovery_request_version: i64,
}

/// All connectors.
#[utoipa::path(get, path = "/api/connectors", params(Asked), responses((status = 200, body = Listed<ConnectorRow>)))]
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

/// Makes a connector known. Its token is shown once.
#[utoipa::path(
    post,
    path = "/api/connectors",
    request_body = Create,
    responses((status = 201, body = WithToken), (status = 422))
)]
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

/// Gives a connector another token; it is shown once.
#[utoipa::path(
    post,
    path = "/api/connectors/{connector_id}/rotate",
    request_body = Rotate,
    responses((status = 200, body = WithToken), (status = 409))
)]
pub(super) async fn rotate(
    request: HttpRequest,
    admin: Data<Admin>,
    connector_id: Path<Key>,
    body: Json<Rotate>,
) -> Result<HttpResponse, ApiError> {
    let token = token::make(CONNECTOR_PREFIX, rand::random());
    let (actor, hash, version) = (actor(&request), token.hash, body.version);
    let connector = admin
        .change(move |conn| connectors::rotate(conn, &actor, &connector_id.0, version, hash))
        .await?;
    Ok(HttpResponse::Ok().json(WithToken {
        connector,
        token: token.text,
    }))
}

/// Changes what a connector is called and what it may do.
#[utoipa::path(
    patch,
    path = "/api/connectors/{connector_id}",
    request_body = Change,
    responses((status = 200, body = ConnectorRow), (status = 409))
)]
pub(super) async fn change(
    request: HttpRequest,
    admin: Data<Admin>,
    connector_id: Path<Key>,
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
        is_paused: status.map(|status| status == ConnectorStatus::Paused),
        ingest_enabled,
        forward_enabled,
    };
    let actor = actor(&request);
    let row = admin
        .change(move |conn| connectors::change(conn, &actor, &connector_id.0, version, &change))
        .await?;
    Ok(HttpResponse::Ok().json(row))
}

/// Asks a connector what it sees. Its `config_version` does not move.
#[utoipa::path(
    post,
    path = "/api/connectors/{connector_id}/discovery",
    request_body = Discover,
    responses((status = 202, body = DiscoveryAsked))
)]
pub(super) async fn discover(
    request: HttpRequest,
    admin: Data<Admin>,
    connector_id: Path<Key>,
    body: Json<Discover>,
) -> Result<HttpResponse, ApiError> {
    let (actor, guild_id) = (actor(&request), body.guild_id);
    let number = admin
        .change(move |conn| connectors::request_discovery(conn, &actor, &connector_id.0, guild_id))
        .await?;
    Ok(HttpResponse::Accepted().json(DiscoveryAsked {
        discovery_request_version: number,
    }))
}
