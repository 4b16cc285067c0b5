//! `/api/channels`: known channels by name, and who sees them live.

use super::{
    Admin, actor,
    fields::{self, Tier},
    lists::Asked,
};
use crate::error::ApiError;
use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Json, Path, Query},
};
use heliograph_schema::{
    ids::{ChannelId, GuildId},
    store::channels,
};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
pub(super) struct OfGuild {
    guild_id: Option<GuildId>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Visibility {
    #[serde(deserialize_with = "fields::required")]
    min_tier: Option<Tier>,
}

pub(super) async fn list(
    admin: Data<Admin>,
    of: Query<OfGuild>,
    asked: Query<Asked>,
) -> Result<HttpResponse, ApiError> {
    let (page, guild_id) = (asked.page()?, of.guild_id);
    let rows = admin
        .read(move |conn| channels::list(conn, guild_id, page))
        .await?;
    Ok(HttpResponse::Ok().json(asked.answer(rows, |row| row.channel_id)?))
}

pub(super) async fn set_visibility(
    request: HttpRequest,
    admin: Data<Admin>,
    channel_id: Path<ChannelId>,
    body: Json<Visibility>,
) -> Result<HttpResponse, ApiError> {
    let (actor, channel_id) = (actor(&request), channel_id.into_inner());
    let min_tier = body.min_tier.map(|Tier(tier)| tier);
    let row = admin
        .change(move |conn| channels::set_visibility(conn, &actor, channel_id, min_tier))
        .await?;
    Ok(HttpResponse::Ok().json(row))
}
