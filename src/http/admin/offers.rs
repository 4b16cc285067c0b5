//! `PUT /api/targets/{target_channel_id}`: offering a channel as a target by the bot itself, and no longer.

use super::{Admin, actor, extract::Json, inspection::With};
use crate::error::ApiError;
use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Path},
};
use heliograph_schema::{
    ids::ChannelId,
    store::target_channels::{self, TargetChannelRow},
};
use serde::Deserialize;

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Offer {
    /// Whether mappings may lead into it.
    is_target: bool,
    version: i64,
}

/// Offers a channel as a target by the bot, or no longer. Mappings into a channel that is no longer offered, by the bot or by a
/// connector, stay and do not work.
#[utoipa::path(
    put,
    path = "/api/targets/{target_channel_id}",
    request_body = Offer,
    responses((status = 200, body = With<TargetChannelRow>), (status = 409), (status = 422))
)]
pub(super) async fn put(
    request: HttpRequest,
    admin: Data<Admin>,
    target: Path<ChannelId>,
    body: Json<Offer>,
) -> Result<HttpResponse, ApiError> {
    let (actor, target) = (actor(&request), target.into_inner());
    let Offer { is_target, version } = body.into_inner();
    let known = admin
        .read(move |conn| target_channels::check_offer(conn, target, version, is_target))
        .await?;
    let warning = if known.is_target == is_target || !is_target {
        None
    } else {
        admin.check_target(target).await?
    };
    let row = admin
        .change(move |conn| target_channels::set_offered(conn, &actor, target, version, is_target))
        .await?;
    Ok(HttpResponse::Ok().json(With::warning(row, warning)))
}
