//! What stands in the channels a viewer may see: their heads, and their signals page by page with the cursor of that moment.

use super::{Public, viewer};
use crate::error::ApiError;
use actix_web::{HttpRequest, HttpResponse, web};
use heliograph_actors::router_core::BEFORE_ALL;
use heliograph_schema::{
    frame::{ChannelStanding, SignalView},
    ids::{ChannelId, SignalId},
    store::signals,
};
use serde::Deserialize;
use serde_json::json;
use std::collections::HashMap;

const LIMIT_DEFAULT: i64 = 50;
const LIMIT_MAX: i64 = 200;

#[derive(Deserialize)]
pub(super) struct Asked {
    limit: Option<i64>,
    before: Option<SignalId>,
}

/// `GET /api/channels`.
pub(super) async fn list(
    request: HttpRequest,
    public: web::Data<Public>,
) -> Result<HttpResponse, ApiError> {
    let viewer = viewer::of(&request, &public).await?;
    let routing = public.routing.borrow().clone();
    let visible: Vec<_> = routing.visible_to(viewer.tier).cloned().collect();
    let ids: Vec<ChannelId> = visible.iter().map(|source| source.channel_id).collect();
    let heads = public
        .store
        .run(move |connection| signals::heads(connection, &ids))
        .await?;
    let heads: HashMap<_, _> = heads
        .into_iter()
        .map(|head| (head.channel_id, head.cursor))
        .collect();
    let mut channels: Vec<_> = visible
        .iter()
        .map(|source| ChannelStanding {
            channel_id: source.channel_id,
            name: source.name.clone(),
            guild_id: source.guild_id,
            guild_name: source.guild_name.clone(),
            head: heads.get(&source.channel_id).copied().unwrap_or(BEFORE_ALL),
        })
        .collect();
    channels.sort_by_key(|channel| channel.channel_id);
    Ok(HttpResponse::Ok().json(json!({ "channels": channels })))
}

/// `GET /api/channels/{channel_id}/signals`.
pub(super) async fn signals(
    request: HttpRequest,
    public: web::Data<Public>,
    channel_id: web::Path<ChannelId>,
    asked: web::Query<Asked>,
) -> Result<HttpResponse, ApiError> {
    let viewer = viewer::of(&request, &public).await?;
    let channel_id = channel_id.into_inner();
    if !public.routing.borrow().may_see(viewer.tier, channel_id) {
        return Err(ApiError::not_found("such channel"));
    }
    let limit = asked.limit.unwrap_or(LIMIT_DEFAULT);
    if !(1..=LIMIT_MAX).contains(&limit) {
        return Err(ApiError::invalid(format!(
            "limit must be between 1 and {LIMIT_MAX}"
        )));
    }
    let before = asked.before;
    let found = public
        .store
        .run(move |connection| signals::history(connection, channel_id, before, limit))
        .await?;
    let (cursor, states) = found.unwrap_or((BEFORE_ALL, Vec::new()));
    let full = i64::try_from(states.len()).is_ok_and(|count| count == limit);
    let next_before = states
        .last()
        .filter(|_| full)
        .map(|oldest| oldest.signal_id);
    let views: Vec<SignalView<'_>> = states.iter().map(SignalView::of).collect();
    Ok(HttpResponse::Ok()
        .json(json!({ "cursor": cursor, "signals": views, "next_before": next_before })))
}
