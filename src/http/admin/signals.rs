//! `/api/signals`: what comes through, newest first.

use super::{Admin, extract::Query};
use crate::error::ApiError;
use actix_web::{HttpResponse, web::Data};
use heliograph_schema::{
    ids::{ChannelId, SignalId},
    store::signal_lines::{self, SignalLine},
};
use serde::{Deserialize, Serialize};

const LIMIT_DEFAULT: i64 = 50;
const LIMIT_MAX: i64 = 500;

/// The query.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Asked {
    /// Of this source channel alone.
    channel_id: Option<ChannelId>,
    /// Signals at most; 50 without it.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<i64>,
    /// The `next_before` of an answer.
    before: Option<SignalId>,
}

/// Signals, newest first.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct SignalLines {
    items: Vec<SignalLine>,
    /// Where older ones begin; `null`: there are none.
    next_before: Option<SignalId>,
}

/// The latest signals of all channels or of one, deleted ones included, with what became of their deliveries.
#[utoipa::path(get, path = "/api/signals", params(Asked), responses((status = 200, body = SignalLines)))]
pub(super) async fn list(
    admin: Data<Admin>,
    asked: Query<Asked>,
) -> Result<HttpResponse, ApiError> {
    let limit = asked.limit.unwrap_or(LIMIT_DEFAULT);
    if !(1..=LIMIT_MAX).contains(&limit) {
        let said = format!("limit must be from 1 to {LIMIT_MAX}");
        return Err(ApiError::invalid(said).field("limit"));
    }
    let (channel_id, before) = (asked.channel_id, asked.before);
    let mut items = admin
        .store
        .read(move |conn| signal_lines::list(conn, channel_id, before, limit + 1))
        .await?;
    let shown = usize::try_from(limit).unwrap_or(usize::MAX);
    let is_more = items.len() > shown;
    items.truncate(shown);
    let next_before = items.last().filter(|_| is_more).map(|last| last.signal_id);
    Ok(HttpResponse::Ok().json(SignalLines { items, next_before }))
}
