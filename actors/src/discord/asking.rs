//! Questions to Discord that are no mirror's requests. Each passes the gate that all mirrors share, takes the turn of whom it is
//! for and counts as that one's. Says what Discord said, or why it did not; what follows from that is for who asks.

use super::{classify, inspect::Way};
use crate::{
    exchange::Outcome,
    global_gate::{Closed, Wait},
    messages::NotKnown,
};
use heliograph_schema::ids::ChannelId;
use serde::de::DeserializeOwned;
use std::time::Duration;
use twilight_http::{request::Request as BuiltRequest, routing::Route};

/// Longest wait for the gate; behind it a question is not asked.
const GATE_WAIT_MS_MAX: i64 = 5_000;

/// Questions for one: a target channel, or whoever else has turns.
pub(super) struct Asking<'a> {
    pub(super) way: &'a Way,
    pub(super) turn: ChannelId,
}

/// Discord's word: the thing, or the code with which it is refused.
pub(super) enum Said<T> {
    Here(T),
    Refused(u64),
}

/// Why there is no word of Discord's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unsaid {
    /// It was not asked: the gate stays closed until then.
    Closed { until_ms: i64, why: Closed },
    /// It answered something else, or nothing.
    Came(Outcome),
    /// The answer does not read.
    Unreadable(String),
}

impl Unsaid {
    /// For people. `what` was asked for.
    pub(super) fn of(self, what: &str) -> NotKnown {
        NotKnown(match self {
            Self::Closed { why, .. } => {
                format!("no request may go to Discord now ({})", why.word())
            }
            Self::Unreadable(error) => format!("an answer does not read: {error}"),
            Self::Came(Outcome::Unauthorized) => "Discord refuses the bot token".to_owned(),
            Self::Came(Outcome::RateLimited { .. }) => {
                "Discord limits the rate of requests".to_owned()
            }
            Self::Came(Outcome::Unreachable { reason } | Outcome::Ambiguous { reason }) => {
                format!("Discord does not answer: {reason}")
            }
            Self::Came(other) => format!("Discord does not say {what} ({})", other.word()),
        })
    }
}

impl Asking<'_> {
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        route: &Route<'_>,
    ) -> Result<Said<T>, Unsaid> {
        self.pass_gate().await?;
        let built = BuiltRequest::from_route(route);
        let asked = self.way.discord.exchange(built).await;
        let raw = asked.map_err(|answer| {
            self.heard(&answer.outcome);
            Unsaid::Came(answer.outcome)
        })?;
        match classify::failure(&raw, false) {
            None => {
                self.way.gate.authorized();
                serde_json::from_slice(&raw.body)
                    .map(Said::Here)
                    .map_err(|error| Unsaid::Unreadable(error.to_string()))
            }
            Some(outcome) => {
                self.heard(&outcome);
                match outcome {
                    Outcome::Rejected { code, .. } => Ok(Said::Refused(code)),
                    other => Err(Unsaid::Came(other)),
                }
            }
        }
    }

    pub(super) fn heard(&self, outcome: &Outcome) {
        let now_ms = self.way.clock.now_ms();
        self.way.gate.hear(now_ms, self.turn, outcome);
    }

    /// Waits for a place under the limits over all channels, as long as it is worth waiting.
    pub(super) async fn pass_gate(&self) -> Result<(), Unsaid> {
        let worth_ms = self.way.clock.now_ms() + GATE_WAIT_MS_MAX;
        loop {
            let now_ms = self.way.clock.now_ms();
            let Err(Wait { until_ms, why }) = self.way.gate.enter(now_ms, self.turn) else {
                return Ok(());
            };
            if until_ms > worth_ms {
                return Err(Unsaid::Closed { until_ms, why });
            }
            let wait_ms = u64::try_from(until_ms - now_ms).unwrap_or(0).max(1);
            tokio::time::sleep(Duration::from_millis(wait_ms)).await;
        }
    }
}
