//! `/api/targets`: how every target channel stands, by the tables and by its mirror, and pausing it.

use super::{
    Admin, actor,
    extract::{Json, Query},
    lists::{Asked, Listed},
};
use crate::error::ApiError;
use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Path},
};
use heliograph_actors::{
    latency_core::LatencySummary, mirror_board::MirrorSeen, vitals::LifeState,
};
use heliograph_schema::{
    ids::ChannelId,
    store::{
        Page as StorePage, StoreError,
        reconciliations::{self, ReconciliationRow},
        target_channels::{self, TargetChannelRow},
        targets::{self, TargetRow},
    },
};
use serde::{Deserialize, Serialize};

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AtVersion {
    version: i64,
}

/// A target as it is shown.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Target {
    #[serde(flatten)]
    row: TargetRow,
    #[serde(flatten)]
    mirror: Mirror,
}

/// What is known of the mirror of a target.
#[derive(Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
struct Mirror {
    /// `paused`, `not_running`, `stopped`, or the word of the mirror itself.
    state: &'static str,
    reason: Option<String>,
    limited_until_ms: Option<i64>,
    /// From commit to done over the last hour.
    latency: LatencySummary,
}

impl Mirror {
    /// What matters most: a person's decision, then whether the actor lives, then what it says of itself.
    fn of(row: &TargetRow, seen: Option<&MirrorSeen>) -> Self {
        let latency = seen.map_or_else(LatencySummary::default, |seen| seen.latencies);
        let standing = seen.and_then(|seen| seen.standing.as_ref());
        let (state, reason) = match seen {
            _ if row.is_paused => ("paused", Some("a person paused it".to_owned())),
            None => ("not_running", None),
            Some(seen) if seen.life == LifeState::Parked => ("stopped", seen.last_panic.clone()),
            Some(_) => standing.map_or(("not_running", None), |standing| {
                (standing.state.word(), standing.reason.clone())
            }),
        };
        let limited_until_ms = standing
            .filter(|_| state == "limited")
            .and_then(|standing| standing.limited_until_ms);
        Self {
            state,
            reason,
            limited_until_ms,
            latency,
        }
    }
}

impl Target {
    /// Which.
    pub(super) fn target_channel_id(&self) -> ChannelId {
        self.row.target_channel_id
    }
}

/// How these target channels stand now.
pub(super) async fn rows(
    admin: &Admin,
    page: StorePage<ChannelId>,
) -> Result<Vec<Target>, ApiError> {
    let rows = admin.read(move |conn| targets::list(conn, page)).await?;
    let seen = |row: TargetRow| {
        let seen = admin.running.mirror(row.target_channel_id);
        let mirror = Mirror::of(&row, seen.as_ref());
        Target { row, mirror }
    };
    Ok(rows.into_iter().map(seen).collect())
}

/// How every target channel stands.
#[utoipa::path(get, path = "/api/targets", params(Asked), responses((status = 200, body = Listed<Target>)))]
pub(super) async fn list(
    admin: Data<Admin>,
    asked: Query<Asked>,
) -> Result<HttpResponse, ApiError> {
    let items = rows(&admin, asked.page()?).await?;
    Ok(HttpResponse::Ok().json(asked.answer(items, |target| target.row.target_channel_id)?))
}

/// Pauses a target channel: nothing is sent to it, and what is wanted waits.
#[utoipa::path(
    post,
    path = "/api/targets/{target_channel_id}/pause",
    request_body = AtVersion,
    responses((status = 200, body = TargetChannelRow), (status = 409))
)]
pub(super) async fn pause(
    request: HttpRequest,
    admin: Data<Admin>,
    target: Path<ChannelId>,
    body: Json<AtVersion>,
) -> Result<HttpResponse, ApiError> {
    set_paused(&request, &admin, target.into_inner(), body.version, true).await
}

/// Resumes a target channel.
#[utoipa::path(
    post,
    path = "/api/targets/{target_channel_id}/resume",
    request_body = AtVersion,
    responses((status = 200, body = TargetChannelRow), (status = 409))
)]
pub(super) async fn resume(
    request: HttpRequest,
    admin: Data<Admin>,
    target: Path<ChannelId>,
    body: Json<AtVersion>,
) -> Result<HttpResponse, ApiError> {
    set_paused(&request, &admin, target.into_inner(), body.version, false).await
}

async fn set_paused(
    request: &HttpRequest,
    admin: &Admin,
    target: ChannelId,
    version: i64,
    is_paused: bool,
) -> Result<HttpResponse, ApiError> {
    let actor = actor(request);
    let row = admin
        .to_its_end(async move |admin: Admin| {
            let paused = admin.write(move |conn| {
                if !targets::is_known(conn, target)? {
                    return Err(StoreError::NotFound("such target channel"));
                }
                target_channels::set_paused(conn, &actor, target, version, is_paused)
            });
            let row = paused.await?;
            admin.running.look_at(target);
            Ok(row)
        })
        .await?;
    Ok(HttpResponse::Ok().json(row))
}

/// Asks for a comparison of what stands in a target channel with what is on record. Its mirror carries it out when it has nothing
/// else to do, and puts right what differs.
#[utoipa::path(
    post,
    path = "/api/targets/{target_channel_id}/reconcile",
    responses((status = 202, body = ReconciliationRow), (status = 422))
)]
pub(super) async fn reconcile(
    request: HttpRequest,
    admin: Data<Admin>,
    target: Path<ChannelId>,
) -> Result<HttpResponse, ApiError> {
    let (target, actor) = (target.into_inner(), actor(&request));
    let asked = admin
        .to_its_end(async move |admin: Admin| {
            let asked = admin.write(move |conn| {
                if !targets::is_known(conn, target)? {
                    return Err(StoreError::NotFound("such target channel"));
                }
                reconciliations::ask(conn, &actor, target)
            });
            let asked = asked.await?;
            if admin.running.mirror(target).is_none() {
                // Nothing is mirrored into it any more: this gives it a mirror.
                admin.changes.apply().await?;
            }
            admin.running.look_at(target);
            Ok(asked)
        })
        .await?;
    Ok(HttpResponse::Accepted().json(asked))
}

/// Ends the reconciliation under way.
#[utoipa::path(
    post,
    path = "/api/targets/{target_channel_id}/reconcile/cancel",
    responses((status = 200, body = ReconciliationRow))
)]
pub(super) async fn cancel_reconciliation(
    request: HttpRequest,
    admin: Data<Admin>,
    target: Path<ChannelId>,
) -> Result<HttpResponse, ApiError> {
    let (target, actor) = (target.into_inner(), actor(&request));
    let ended = admin
        .to_its_end(async move |admin: Admin| {
            let ended = admin.write(move |conn| reconciliations::cancel(conn, &actor, target));
            let ended = ended.await?;
            admin.running.look_at(target);
            Ok(ended)
        })
        .await?;
    Ok(HttpResponse::Ok().json(ended))
}

/// The reconciliations of a target channel with their reports, newest first.
#[utoipa::path(
    get,
    path = "/api/targets/{target_channel_id}/reconciliations",
    params(Asked),
    responses((status = 200, body = Listed<ReconciliationRow>))
)]
pub(super) async fn reconciliations(
    admin: Data<Admin>,
    target: Path<ChannelId>,
    asked: Query<Asked>,
) -> Result<HttpResponse, ApiError> {
    let (target, page) = (target.into_inner(), asked.page()?);
    let rows = admin
        .read(move |conn| reconciliations::list(conn, target, page))
        .await?;
    Ok(HttpResponse::Ok().json(asked.answer(rows, |row| row.reconciliation_id)?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use heliograph_actors::mirror_core::{Counts, Standing, State};

    fn row(is_paused: bool) -> TargetRow {
        TargetRow {
            target_channel_id: ChannelId::new(1).unwrap(),
            name: None,
            guild_id: None,
            guild_name: None,
            is_target: false,
            is_paused,
            version: 0,
            obstacle: None,
            inspected_at: None,
            mappings: 1,
            backlog: 0,
            backlog_is_more: false,
            backlog_since: None,
            dead_letters: 0,
            dead_letters_are_more: false,
        }
    }

    fn seen(life: LifeState, state: Option<State>) -> MirrorSeen {
        let standing = |state| Standing {
            state,
            reason: Some("why".to_owned()),
            backlog: 0,
            behind: false,
            oldest_age_ms: None,
            limited_until_ms: Some(9),
            counts: Counts::default(),
        };
        MirrorSeen {
            life,
            last_panic: Some("boom".to_owned()),
            standing: state.map(standing),
            latencies: LatencySummary::default(),
        }
    }

    #[test]
    fn a_target_stands_as_what_matters_most_says() {
        use LifeState::{Parked, Running};
        let limited = seen(Running, Some(State::Limited));
        let table = [
            (false, None, "not_running", None, None),
            (false, Some(seen(Running, None)), "not_running", None, None),
            (
                false,
                Some(limited.clone()),
                "limited",
                Some("why"),
                Some(9),
            ),
            (
                false,
                Some(seen(Running, Some(State::Failing))),
                "failing",
                Some("why"),
                None,
            ),
            (
                false,
                Some(seen(Parked, Some(State::Limited))),
                "stopped",
                Some("boom"),
                None,
            ),
            (
                true,
                Some(limited),
                "paused",
                Some("a person paused it"),
                None,
            ),
        ];
        for (is_paused, seen, state, reason, until) in table {
            let mirror = Mirror::of(&row(is_paused), seen.as_ref());
            assert_eq!(
                (
                    mirror.state,
                    mirror.reason.as_deref(),
                    mirror.limited_until_ms
                ),
                (state, reason, until)
            );
        }
    }
}
