//! Items that were quarantined, tried again: each is taken as if its connector sent it now, by the same reading and on the same way
//! into the tree. What it says of its sender is not asked: who sent it stands beside it.

use super::{
    Ingest, Push, auth, guild_sync,
    message_batch::{self, Intake, NotTaken, OneTaken},
    thread,
};
use crate::{clock, error::ApiError, http::correlation::CorrelationId};
use actix_web::web;
use heliograph_actors::routing::Connector;
use heliograph_schema::store::quarantine::QuarantinedRow;
use serde_json::json;
use std::{sync::Arc, time::Instant};

/// What became of an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It changed something.
    Accepted,
    /// It said nothing new.
    Deduped,
    /// It is not of a channel that is captured.
    Ignored,
    /// It waits for its create.
    Held,
    /// It cannot be taken still.
    Rejected {
        /// Why.
        reason: String,
        /// For what it says, and not for what is around it.
        by_itself: bool,
    },
}

impl Outcome {
    /// The word of the tables and of the API.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Deduped => "deduped",
            Self::Ignored => "ignored",
            Self::Held => "held",
            Self::Rejected { .. } => "rejected",
        }
    }

    fn by_itself(reason: String) -> Self {
        Self::Rejected {
            reason,
            by_itself: true,
        }
    }

    fn elsewhere(reason: &str) -> Self {
        Self::Rejected {
            reason: reason.to_owned(),
            by_itself: false,
        }
    }
}

/// Tries an item again.
///
/// # Errors
/// 429 and 503 as its connector would hear them: nothing is known of the item then, and it may be tried again.
pub async fn replay(
    ingest: &web::Data<Ingest>,
    intake: &Intake,
    item: &QuarantinedRow,
    correlation_id: &CorrelationId,
) -> Result<Outcome, ApiError> {
    let table = Arc::clone(&ingest.routing.borrow());
    let Some(connector) = table.connectors.get(&item.connector_id) else {
        return Ok(Outcome::elsewhere("its connector is no more"));
    };
    if auth::may_push(connector).is_err() {
        let reason = "its connector is paused or its ingest is off";
        return Ok(Outcome::elsewhere(reason));
    }
    let push = |body: Vec<u8>| Push {
        connector: Arc::clone(connector),
        body: body.into(),
        received_at_ms: clock::now_ms(),
        received_at: Instant::now(),
    };
    match item.kind.as_str() {
        message_batch::KIND => {
            let push = push(alone_in_a_batch(connector, item));
            let taken = intake.take_again(ingest, &push, correlation_id).await?;
            Ok(match taken {
                Ok(OneTaken::Accepted) => Outcome::Accepted,
                Ok(OneTaken::Deduped) => Outcome::Deduped,
                Ok(OneTaken::Ignored) => Outcome::Ignored,
                Ok(OneTaken::Held) => Outcome::Held,
                Err(NotTaken::Item(reason)) => Outcome::by_itself(reason),
                Err(NotTaken::Elsewhere(reason)) => Outcome::elsewhere(reason),
            })
        }
        "thread" => {
            let push = push(item.body.clone());
            let taken = thread::take_again(ingest, &push, correlation_id).await?;
            Ok(taken.map_or_else(Outcome::by_itself, |()| Outcome::Accepted))
        }
        kind @ ("guild" | "channel") => {
            let snapshot = match guild_sync::parse_entry(kind, &item.body) {
                Ok(snapshot) => snapshot,
                Err(reason) => return Ok(Outcome::by_itself(reason)),
            };
            let observed = guild_sync::take_entry(ingest, &item.connector_id, snapshot).await?;
            Ok(if observed.has_new_names || observed.has_moved {
                Outcome::Accepted
            } else {
                Outcome::Deduped
            })
        }
        _ => Ok(Outcome::elsewhere(
            "items of this kind cannot be tried again",
        )),
    }
}

/// The body of a batch that holds this item and nothing else.
fn alone_in_a_batch(connector: &Connector, item: &QuarantinedRow) -> Vec<u8> {
    let (tenant_key, connector_id) = (json!(connector.tenant_key), json!(connector.connector_id));
    let mut body = format!(
        "{{\"tenant_key\":{tenant_key},\"connector_id\":{connector_id},\"batch_id\":\"quarantine-{}\",\"messages\":[",
        item.quarantine_id
    )
    .into_bytes();
    body.extend_from_slice(&item.body);
    body.extend_from_slice(b"]}");
    body
}
