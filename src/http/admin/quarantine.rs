//! `/api/quarantine`: items of connectors that could not be taken, and what a person makes of them.

use super::{
    Admin, actor,
    extract::{Json, Query},
    fields::{Key, Name},
    lists::{Asked, Listed},
};
use crate::{
    error::ApiError,
    http::{
        correlation::CorrelationId,
        ingest::{
            Ingest,
            message_batch::Intake,
            replay::{self, Outcome},
        },
    },
};
use actix_web::{HttpRequest, HttpResponse, web::Data};
use heliograph_schema::store::{
    StoreError,
    quarantine::{self, QuarantineFilter, QuarantinedRow, Tried},
};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// Items that one request names.
const ITEMS_MAX: usize = 100;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[schema(as = QuarantineState)]
#[serde(rename_all = "lowercase")]
enum State {
    /// Waits for a person.
    Open,
    /// Taken or dropped.
    Done,
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    /// Only those of this connector.
    connector_id: Option<Key>,
    /// Only those that stand so.
    #[param(inline)]
    state: Option<State>,
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = QuarantineReplay)]
#[serde(deny_unknown_fields)]
pub(super) struct Replay {
    /// Their `quarantine_id`s.
    #[schema(min_items = 1, max_items = 100)]
    items: Vec<i64>,
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = QuarantineDrop)]
#[serde(deny_unknown_fields)]
pub(super) struct DropItems {
    /// Their `quarantine_id`s.
    #[schema(min_items = 1, max_items = 100)]
    items: Vec<i64>,
    /// For the audit.
    reason: Name,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = QuarantineReplayed)]
struct Replayed {
    results: Vec<ReplayResult>,
}

/// What became of one item.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = QuarantineReplayResult)]
struct ReplayResult {
    quarantine_id: i64,
    /// `accepted`, `deduped`, `ignored`, `held` or `rejected`.
    outcome: String,
    /// Why it was rejected.
    reason: Option<String>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = QuarantineDropped)]
struct Dropped {
    /// Those that were not done yet.
    dropped: usize,
}

/// Items of connectors that could not be taken, newest first.
#[utoipa::path(
    get,
    path = "/api/quarantine",
    params(Which, Asked),
    responses((status = 200, body = Listed<QuarantinedRow>))
)]
pub(super) async fn list(
    admin: Data<Admin>,
    which: Query<Which>,
    asked: Query<Asked>,
) -> Result<HttpResponse, ApiError> {
    let page = asked.page()?;
    let filter = QuarantineFilter {
        connector_id: which.connector_id.clone().map(|Key(id)| id),
        is_done: which.state.map(|state| state == State::Done),
    };
    let rows = admin
        .read(move |conn| quarantine::list(conn, &filter, page))
        .await?;
    Ok(HttpResponse::Ok().json(asked.answer(rows, |row| row.quarantine_id)?))
}

/// Takes items as if their connectors sent them now. What is not rejected is done; what is done already is told and not taken again.
#[utoipa::path(
    post,
    path = "/api/quarantine/replay",
    request_body = Replay,
    responses((status = 200, body = Replayed), (status = 404), (status = 409), (status = 429))
)]
pub(super) async fn replay(
    request: HttpRequest,
    admin: Data<Admin>,
    ingest: Data<Ingest>,
    intake: Data<Intake>,
    correlation_id: CorrelationId,
    body: Json<Replay>,
) -> Result<HttpResponse, ApiError> {
    let ids = distinct(&body.items)?;
    let actor = actor(&request);
    let results = admin
        .to_its_end(async move |admin: Admin| {
            let rows = admin
                .read(move |conn| to_replay(conn, &ids, &actor))
                .await?;
            let mut results = Vec::with_capacity(rows.len());
            for row in rows {
                let tried = try_again(&admin, &ingest, &intake, &row, &correlation_id);
                results.push(tried.await?);
            }
            Ok(results)
        })
        .await?;
    Ok(HttpResponse::Ok().json(Replayed { results }))
}

/// The items that are asked for, audited when one of them is to be tried.
fn to_replay(
    conn: &mut diesel::PgConnection,
    ids: &[i64],
    actor: &str,
) -> Result<Vec<QuarantinedRow>, StoreError> {
    let rows = quarantine::find(conn, ids)?;
    let dropped = |row: &&QuarantinedRow| row.outcome.as_deref() == Some("dropped");
    if let Some(row) = rows.iter().find(dropped) {
        let reason = format!("item {} was dropped", row.quarantine_id);
        return Err(StoreError::OtherState(reason));
    }
    let open: Vec<i64> = rows
        .iter()
        .filter(|row| row.done_at.is_none())
        .map(|row| row.quarantine_id)
        .collect();
    if !open.is_empty() {
        quarantine::record_replay(conn, actor, &open)?;
    }
    Ok(rows)
}

async fn try_again(
    admin: &Admin,
    ingest: &Data<Ingest>,
    intake: &Intake,
    row: &QuarantinedRow,
    correlation_id: &CorrelationId,
) -> Result<ReplayResult, ApiError> {
    let quarantine_id = row.quarantine_id;
    if row.done_at.is_some() {
        return Ok(ReplayResult {
            quarantine_id,
            outcome: row.outcome.clone().unwrap_or_default(),
            reason: None,
        });
    }
    let outcome = replay::replay(ingest, intake, row, correlation_id).await?;
    let word = outcome.word();
    let (reason, by_itself) = match outcome {
        Outcome::Rejected { reason, by_itself } => (Some(reason), by_itself),
        _ => (None, false),
    };
    let tried = Tried {
        quarantine_id,
        outcome: word,
        reason: reason.clone().filter(|_| by_itself),
    };
    admin
        .write(move |conn| quarantine::tried(conn, &tried))
        .await?;
    Ok(ReplayResult {
        quarantine_id,
        outcome: word.to_owned(),
        reason,
    })
}

/// Gives items up: nothing more is done about them.
#[utoipa::path(
    post,
    path = "/api/quarantine/drop",
    request_body = DropItems,
    responses((status = 200, body = Dropped), (status = 404), (status = 409))
)]
pub(super) async fn drop_items(
    request: HttpRequest,
    admin: Data<Admin>,
    body: Json<DropItems>,
) -> Result<HttpResponse, ApiError> {
    let ids = distinct(&body.items)?;
    let (actor, reason) = (actor(&request), body.reason.0.clone());
    let dropped = admin
        .write(move |conn| quarantine::drop_items(conn, &actor, &ids, &reason))
        .await?;
    Ok(HttpResponse::Ok().json(Dropped { dropped }))
}

/// The ids, each once.
fn distinct(items: &[i64]) -> Result<Vec<i64>, ApiError> {
    if !(1..=ITEMS_MAX).contains(&items.len()) {
        return Err(ApiError::invalid(format!("items: 1 to {ITEMS_MAX}")).field("items"));
    }
    let mut seen = HashSet::new();
    Ok(items
        .iter()
        .copied()
        .filter(|id| seen.insert(*id))
        .collect())
}
