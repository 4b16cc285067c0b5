//! `/api/connectors/{connector_id}/channels`: what a channel is to a connector.

use super::{
    Admin, actor,
    extract::{Json, Query},
    fields::{self, Key},
    lists::{Asked, Listed},
};
use crate::error::ApiError;
use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Path},
};
use heliograph_actors::routing::ThreadMode;
use heliograph_schema::{
    ids::{ChannelId, GuildId},
    store::channel_roles::{self, ChannelRoleRow, RoleSettings},
};
use serde::Deserialize;

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = ChannelRolePut)]
#[serde(deny_unknown_fields)]
pub(super) struct Put {
    guild_id: GuildId,
    is_source: bool,
    is_target: bool,
    is_enabled: bool,
    #[serde(deserialize_with = "fields::thread_mode")]
    #[schema(value_type = fields::ThreadModeWord)]
    thread_mode: ThreadMode,
    /// Absent: the channel must be new to the connector.
    version: Option<i64>,
}

/// What channels are to a connector.
#[utoipa::path(
    get,
    path = "/api/connectors/{connector_id}/channels",
    params(Asked),
    responses((status = 200, body = Listed<ChannelRoleRow>))
)]
pub(super) async fn list(
    admin: Data<Admin>,
    connector_id: Path<Key>,
    asked: Query<Asked>,
) -> Result<HttpResponse, ApiError> {
    let page = asked.page()?;
    let rows = admin
        .read(move |conn| channel_roles::list(conn, &connector_id.0, page))
        .await?;
    Ok(HttpResponse::Ok().json(asked.answer(rows, |row| row.channel_id)?))
}

/// Marks a channel of a connector.
#[utoipa::path(
    put,
    path = "/api/connectors/{connector_id}/channels/{channel_id}",
    request_body = Put,
    responses((status = 200, body = ChannelRoleRow), (status = 409), (status = 422))
)]
pub(super) async fn put(
    request: HttpRequest,
    admin: Data<Admin>,
    path: Path<(Key, ChannelId)>,
    body: Json<Put>,
) -> Result<HttpResponse, ApiError> {
    let (Key(connector_id), channel_id) = path.into_inner();
    let settings = RoleSettings {
        guild_id: body.guild_id,
        is_source: body.is_source,
        is_target: body.is_target,
        is_enabled: body.is_enabled,
        thread_mode: body.thread_mode.word().to_owned(),
    };
    let (actor, version) = (actor(&request), body.version);
    let put = move |conn: &mut _| {
        channel_roles::put(conn, &actor, &connector_id, channel_id, &settings, version)
    };
    Ok(HttpResponse::Ok().json(admin.change(put).await?))
}
