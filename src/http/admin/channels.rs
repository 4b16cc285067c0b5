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
    store::channels::{self, ChannelFilter, ChannelRow, ChannelUse},
};
use serde::Deserialize;

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    /// Only those of this guild.
    guild_id: Option<GuildId>,
    /// Only those that can be this of a mapping now.
    #[serde(rename = "use")]
    #[param(rename = "use", inline)]
    usable_as: Option<ChannelUse>,
    /// A part of the name of the channel or of its guild, whatever the case, or one of their ids.
    #[param(max_length = 100)]
    q: Option<String>,
}

/// Longest text that is looked for.
const TEXT_CHARS_MAX: usize = 100;

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Visibility {
    /// The lowest tier that sees the channel live; `null` hides it.
    #[schema(required = true)]
    #[serde(deserialize_with = "fields::required")]
    min_tier: Option<Tier>,
}

/// Known channels with their names.
#[utoipa::path(get, path = "/api/channels", params(Which, Asked), responses((status = 200, body = Listed<ChannelRow>)))]
pub(super) async fn list(
    admin: Data<Admin>,
    which: Query<Which>,
    asked: Query<Asked>,
) -> Result<HttpResponse, ApiError> {
    let page = asked.page()?;
    let filter = ChannelFilter {
        guild_id: which.guild_id,
        usable_as: which.usable_as,
        text: which.q.as_deref().map(looked_for).transpose()?,
    };
    let rows = admin
        .read(move |conn| channels::list(conn, &filter, page))
        .await?;
    Ok(HttpResponse::Ok().json(asked.answer(rows, |row| row.channel_id)?))
}

/// A text that names can hold.
fn looked_for(text: &str) -> Result<String, ApiError> {
    let text = text.trim();
    if text.chars().count() > TEXT_CHARS_MAX || text.contains('\0') {
        let said = format!("q: at most {TEXT_CHARS_MAX} characters, without U+0000");
        return Err(ApiError::invalid(said).field("q"));
    }
    Ok(text.to_owned())
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
