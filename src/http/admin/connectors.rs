//! `/api/connectors`: making connectors known, their tokens, what they may do, and asking them what they see.

use super::{
    Admin, actor,
    extract::{Json, Query},
    fields::{Key, Name},
    lists::{Asked, Listed},
};
use crate::{
    clock,
    error::ApiError,
    http::connector_view::{self, Connector, Discovery, Surrounded},
    token::{self, CONNECTOR_PREFIX},
};
use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Path},
};
use diesel::PgConnection;
use heliograph_schema::{
    ids::GuildId,
    store::{
        StoreError,
        connectors::{self, ConnectorChange, ConnectorRow, ConnectorStatus, NewConnector},
    },
};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type},
};

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
    /// Seconds that the old token works yet; 0: it ends at once.
    #[serde(default)]
    overlap_s: Overlap,
}

/// How long the old token works beside the new one, in seconds.
#[derive(Debug, Clone, Copy, Default)]
struct Overlap(u32);

/// A week.
const OVERLAP_S_MAX: u32 = 604_800;

impl<'de> Deserialize<'de> for Overlap {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let seconds = i64::deserialize(deserializer)?;
        u32::try_from(seconds)
            .ok()
            .filter(|seconds| *seconds <= OVERLAP_S_MAX)
            .map(Self)
            .ok_or_else(|| D::Error::custom(format!("expected 0 to {OVERLAP_S_MAX} seconds")))
    }
}

impl PartialSchema for Overlap {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::Integer)
            .minimum(Some(0))
            .maximum(Some(OVERLAP_S_MAX))
            .into()
    }
}

impl ToSchema for Overlap {}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct AtVersion {
    /// The one that was read.
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
    connector: Connector,
    token: String,
}

/// What came of asking for a discovery.
#[derive(Serialize, utoipa::ToSchema)]
struct DiscoveryAsked {
    discovery_request_version: i64,
    discovery: Option<Discovery>,
}

/// One row with what the tables know around it.
fn surrounded(conn: &mut PgConnection, row: ConnectorRow) -> Result<Surrounded, StoreError> {
    let mut all = connector_view::surround(conn, vec![row])?;
    all.pop().ok_or(StoreError::NotFound("such connector"))
}

impl Admin {
    fn shown(&self, connector: Surrounded) -> Connector {
        connector.shown(&self.connectors, clock::now_ms())
    }
}

/// All connectors.
#[utoipa::path(get, path = "/api/connectors", params(Asked), responses((status = 200, body = Listed<Connector>)))]
pub(super) async fn list(
    admin: Data<Admin>,
    asked: Query<Asked>,
) -> Result<HttpResponse, ApiError> {
    let page = asked.page()?;
    let rows = admin
        .read(move |conn| {
            let rows = connectors::list(conn, &page)?;
            connector_view::surround(conn, rows)
        })
        .await?;
    let shown: Vec<Connector> = rows.into_iter().map(|row| admin.shown(row)).collect();
    Ok(HttpResponse::Ok().json(asked.answer(shown, Connector::connector_id)?))
}

/// One connector.
#[utoipa::path(
    get,
    path = "/api/connectors/{connector_id}",
    responses((status = 200, body = Connector))
)]
pub(super) async fn show(
    admin: Data<Admin>,
    connector_id: Path<Key>,
) -> Result<HttpResponse, ApiError> {
    let row = admin
        .read(move |conn| {
            let row = connectors::find(conn, &connector_id.0)?;
            surrounded(conn, row)
        })
        .await?;
    Ok(HttpResponse::Ok().json(admin.shown(row)))
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
        .change(move |conn| {
            let row = connectors::create(conn, &actor, &new)?;
            surrounded(conn, row)
        })
        .await?;
    Ok(HttpResponse::Created().json(WithToken {
        connector: admin.shown(connector),
        token: token.text,
    }))
}

/// Gives a connector another token; it is shown once. The old one can work beside it for a while.
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
    let Overlap(overlap_s) = body.overlap_s;
    let connector = admin
        .change(move |conn| {
            let row = connectors::rotate(conn, &actor, &connector_id.0, version, hash, overlap_s)?;
            surrounded(conn, row)
        })
        .await?;
    Ok(HttpResponse::Ok().json(WithToken {
        connector: admin.shown(connector),
        token: token.text,
    }))
}

/// Changes what a connector is called and what it may do.
#[utoipa::path(
    patch,
    path = "/api/connectors/{connector_id}",
    request_body = Change,
    responses((status = 200, body = Connector), (status = 409))
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
        .change(move |conn| {
            let row = connectors::change(conn, &actor, &connector_id.0, version, &change)?;
            surrounded(conn, row)
        })
        .await?;
    Ok(HttpResponse::Ok().json(admin.shown(row)))
}

/// Takes a connector away, with its channel roles. Refused while enabled mappings need it.
#[utoipa::path(
    delete,
    path = "/api/connectors/{connector_id}",
    params(AtVersion),
    responses((status = 204), (status = 409), (status = 422))
)]
pub(super) async fn remove(
    request: HttpRequest,
    admin: Data<Admin>,
    connector_id: Path<Key>,
    at: Query<AtVersion>,
) -> Result<HttpResponse, ApiError> {
    let (Key(connector_id), version) = (connector_id.into_inner(), at.version);
    let (actor, gone) = (actor(&request), connector_id.clone());
    admin
        .change(move |conn| connectors::remove(conn, &actor, &connector_id, version))
        .await?;
    admin.connectors.forget(&gone);
    Ok(HttpResponse::NoContent().finish())
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
    let (number, row) = admin
        .change(move |conn| {
            let number = connectors::request_discovery(conn, &actor, &connector_id.0, guild_id)?;
            let row = connectors::find(conn, &connector_id.0)?;
            Ok((number, surrounded(conn, row)?))
        })
        .await?;
    Ok(HttpResponse::Accepted().json(DiscoveryAsked {
        discovery_request_version: number,
        discovery: row.discovery(clock::now_ms()),
    }))
}
