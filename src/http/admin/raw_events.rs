//! `/api/raw-events`: what connectors sent, as it came.

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
use heliograph_schema::store::raw_events::{
    self, RawEvent, RawEventFilter, RawEventId, RawEventRow,
};
use serde::Deserialize;

/// What a body was sent as.
#[derive(Debug, Clone, Copy, Deserialize, utoipa::ToSchema)]
#[schema(as = RawEventKind)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    MessageBatch,
    Thread,
    ChannelGuildSync,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::MessageBatch => "message-batch",
            Self::Thread => "thread",
            Self::ChannelGuildSync => "channel-guild-sync",
        }
    }
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    /// Only those of this connector.
    connector_id: Option<Key>,
    /// Only those that were sent as this.
    #[param(inline)]
    kind: Option<Kind>,
}

/// What connectors sent, newest first. With a filter a page may hold few or none and still have a `next_after`: there is more to
/// look through.
#[utoipa::path(
    get,
    path = "/api/raw-events",
    params(Which, Asked),
    responses((status = 200, body = Listed<RawEventRow>))
)]
pub(super) async fn list(
    admin: Data<Admin>,
    which: Query<Which>,
    asked: Query<Asked>,
) -> Result<HttpResponse, ApiError> {
    let page = asked.page::<RawEventId>()?;
    let filter = RawEventFilter {
        connector_id: which.connector_id.clone().map(|Key(id)| id),
        kind: which.kind.map(|kind| kind.word().to_owned()),
    };
    let found = admin
        .read(move |conn| raw_events::list(conn, &filter, page.after.as_ref(), page.limit - 1))
        .await?;
    let next_after = found.next_after.map(|id| id.to_string());
    Ok(HttpResponse::Ok().json(Listed::new(found.rows, next_after)))
}

/// One body with its words.
#[utoipa::path(
    get,
    path = "/api/raw-events/{raw_event_id}",
    responses((status = 200, body = RawEvent))
)]
pub(super) async fn show(
    admin: Data<Admin>,
    raw_event_id: Path<String>,
) -> Result<HttpResponse, ApiError> {
    let id: RawEventId = raw_event_id
        .parse()
        .map_err(|_| ApiError::not_found("such raw event"))?;
    let event = admin.read(move |conn| raw_events::find(conn, &id)).await?;
    Ok(HttpResponse::Ok().json(event))
}
