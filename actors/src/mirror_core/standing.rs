//! How a mirror stands, for people and metrics.

use super::{MirrorCore, Parked};
use serde::Serialize;

/// In one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Nothing stands in the way.
    Healthy,
    /// Waits for a rate limit.
    Limited,
    /// Discord does not answer, or answers with faults of its own.
    Failing,
    /// Discord refuses this channel or this bot; it is tried now and then.
    Parked,
    /// A person has paused it.
    Paused,
    /// Nothing can be sent at all.
    NoBotToken,
}

impl State {
    /// The label of metrics.
    pub fn word(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Limited => "limited",
            Self::Failing => "failing",
            Self::Parked => "parked",
            Self::Paused => "paused",
            Self::NoBotToken => "no_bot_token",
        }
    }
}

/// What was done since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Counts {
    /// Messages posted.
    pub posted: u64,
    /// Messages edited.
    pub edited: u64,
    /// Messages taken away.
    pub deleted: u64,
    /// Messages found in the channel whose answer was lost.
    pub adopted: u64,
    /// Deliveries given up.
    pub dead: u64,
    /// 429s.
    pub rate_limited: u64,
    /// Answers that were lost or were faults of Discord.
    pub faults: u64,
}

/// The whole of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// In one word.
    pub state: State,
    /// Why, when it is not healthy.
    pub reason: Option<String>,
    /// Deliveries in memory.
    pub backlog: usize,
    /// More of them wait in the table.
    pub behind: bool,
    /// How long ago the oldest of them was wanted.
    pub oldest_age_ms: Option<i64>,
    /// Until when a limit holds it.
    pub limited_until_ms: Option<i64>,
    /// Since the start.
    #[serde(flatten)]
    pub counts: Counts,
}

impl MirrorCore {
    /// How it stands.
    pub fn standing(&self, now_ms: i64) -> Standing {
        let held = self.held.filter(|wait| wait.until_ms > now_ms);
        let idle = self.deliveries.is_empty();
        let limited_until_ms = held
            .map(|wait| wait.until_ms)
            .max(self.limits.limited_until_ms(now_ms))
            .filter(|_| !idle);
        let (state, reason) = match (&self.parked, &self.failing) {
            _ if !self.settings.has_token => (State::NoBotToken, None),
            _ if self.is_paused && !self.behind => (State::Paused, None),
            (Some(Parked { reason, .. }), _) => (State::Parked, Some(reason.clone())),
            (None, Some(reason)) => (State::Failing, Some(reason.clone())),
            _ if limited_until_ms.is_some() => {
                (State::Limited, held.map(|wait| wait.why.word().to_owned()))
            }
            _ => (State::Healthy, None),
        };
        Standing {
            state,
            reason,
            backlog: self.deliveries.len(),
            behind: self.behind,
            oldest_age_ms: self
                .deliveries
                .values()
                .map(|delivery| now_ms - delivery.wanted_at_ms)
                .max(),
            limited_until_ms,
            counts: self.counts,
        }
    }
}
