//! `/api/channels`: known channels by name, and who sees them live.

use super::{
    Admin, actor,
    extract::{Json, Query},
    fields::{self, Tier},
    lists::{Asked, Listed},
};
use crate::error::ApiError;
use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Path},
};
use heliograph_schema::{
    ids::{ChannelId, GuildId},
    store::channels::{self, ChannelRow},
};
use serde::Deserialize;

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct OfGuild {
    /// Only those of this guild.
    guild_id: Option<GuildId>,
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Visibility {
    /// The lowest tier that sees the channel live; `null` hides it.
    #[schema(required = true)]
    #[serde(deserialize_with = "fields::required")]
    min_tier: Option<Tier>,
}

/// Known channels with their names.
#[utoipa::path(get, path = "/api/channels", params(OfGuild, Asked), responses((status = 200, body = Listed<ChannelRow>)))]
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

/// Says who sees a channel live.
#[utoipa::path(
    put,
    path = "/api/channels/{channel_id}/visibility",
    request_body = Visibility,
    responses((status = 200, body = ChannelRow))
)]
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
