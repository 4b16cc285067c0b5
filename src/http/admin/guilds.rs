//! `/api/connectors/{connector_id}/guilds`: what a connector sees of Discord.

use super::{
    Admin,
    extract::Query,
    fields::Key,
    lists::{Asked, Listed},
};
use crate::error::ApiError;
use actix_web::{
    HttpResponse,
    web::{Data, Path},
};
use heliograph_schema::{
    ids::GuildId,
    store::{
        channel_tree::{self, ChannelTree, GuildSeenRow},
        connectors,
    },
};

/// The guilds that a connector sees or saw.
#[utoipa::path(
    get,
    path = "/api/connectors/{connector_id}/guilds",
    params(Asked),
    responses((status = 200, body = Listed<GuildSeenRow>))
)]
pub(super) async fn list(
    admin: Data<Admin>,
    connector_id: Path<Key>,
    asked: Query<Asked>,
) -> Result<HttpResponse, ApiError> {
    let page = asked.page()?;
    let rows = admin
        .read(move |conn| {
            connectors::find(conn, &connector_id.0)?;
            channel_tree::guilds(conn, &connector_id.0, page)
        })
        .await?;
    Ok(HttpResponse::Ok().json(asked.answer(rows, |row| row.guild_id)?))
}

/// What stands in one guild, in the order in which Discord shows it.
#[utoipa::path(
    get,
    path = "/api/connectors/{connector_id}/guilds/{guild_id}/tree",
    responses((status = 200, body = ChannelTree))
)]
pub(super) async fn tree(
    admin: Data<Admin>,
    path: Path<(Key, GuildId)>,
) -> Result<HttpResponse, ApiError> {
    let (Key(connector_id), guild_id) = path.into_inner();
    let tree = admin
        .read(move |conn| {
            connectors::find(conn, &connector_id)?;
            channel_tree::tree(conn, &connector_id, guild_id)
        })
        .await?;
    Ok(HttpResponse::Ok().json(tree))
}
