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
    store::channel_roles::{self, ChannelRoleRow, Marked, RoleSettings},
};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

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

/// Channels that one request marks.
const ITEMS_MAX: usize = 500;
/// Bytes of such a request: about 200 an item.
const BULK_BYTES_MAX: usize = 256 * 1024;

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = ChannelRoleItem)]
#[serde(deny_unknown_fields)]
pub(super) struct Item {
    channel_id: ChannelId,
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

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = ChannelRoleBulk)]
#[serde(deny_unknown_fields)]
pub(super) struct Bulk {
    #[schema(min_items = 1, max_items = 500)]
    items: Vec<Item>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = ChannelRolesPut)]
struct AllPut {
    /// In the order of the request.
    items: Vec<ChannelRoleRow>,
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

/// Marks channels of a connector, all or none.
#[utoipa::path(
    post,
    path = "/api/connectors/{connector_id}/channels/bulk",
    request_body = Bulk,
    responses((status = 200, body = AllPut), (status = 409))
)]
pub(super) async fn bulk(
    request: HttpRequest,
    admin: Data<Admin>,
    connector_id: Path<Key>,
    body: Json<Bulk, BULK_BYTES_MAX>,
) -> Result<HttpResponse, ApiError> {
    let marked = marked(body.into_inner().items)?;
    let (actor, Key(connector_id)) = (actor(&request), connector_id.into_inner());
    let items = admin
        .change(move |conn| channel_roles::put_all(conn, &actor, &connector_id, &marked))
        .await?;
    Ok(HttpResponse::Ok().json(AllPut { items }))
}

fn marked(items: Vec<Item>) -> Result<Vec<Marked>, ApiError> {
    if !(1..=ITEMS_MAX).contains(&items.len()) {
        return Err(ApiError::invalid(format!("items: 1 to {ITEMS_MAX}")).field("items"));
    }
    let mut seen = HashSet::new();
    let one = |(place, item): (usize, Item)| {
        if !seen.insert(item.channel_id) {
            let said = format!("channel {} is named twice", item.channel_id);
            return Err(ApiError::invalid(said).field(format!("items[{place}].channel_id")));
        }
        Ok(Marked {
            channel_id: item.channel_id,
            settings: RoleSettings {
                guild_id: item.guild_id,
                is_source: item.is_source,
                is_target: item.is_target,
                is_enabled: item.is_enabled,
                thread_mode: item.thread_mode.word().to_owned(),
            },
            version: item.version,
        })
    };
    items.into_iter().enumerate().map(one).collect()
}
