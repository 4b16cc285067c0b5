//! What all mirrors of one bot token share: the limit over all channels and whose turn it is under it, a 429 that speaks of all
//! requests, a token that was refused, and the count of invalid requests for which Discord bans an address. The rules are in
//! [`GateCore`]; [`Gate`] puts a lock around it and tells people what they should know.

mod invalid_requests;
mod turns;

use crate::{exchange::Outcome, limits_core::LimitKind};
use heliograph_schema::ids::ChannelId;
pub use invalid_requests::Alarm;
use invalid_requests::InvalidRequests;
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};
use turns::Turns;

/// A refused token is tried again this much later: one 401 may be a mistake of Discord. Doubles while they go on …
const UNAUTHORIZED_PAUSE_MS_MIN: i64 = 5_000;
/// … up to this: somebody may have repaired it on Discord's side.
const UNAUTHORIZED_PAUSE_MS_MAX: i64 = 300_000;
/// While one mirror finds out whether the token works again, the others ask again after this.
const TRIAL_SPACING_MS: i64 = 1_000;
/// A trial that nobody heard of again, longer than any request may take.
const TRIAL_MS_MAX: i64 = 60_000;

/// Why nothing may go now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// The limit over all channels is spent, or what is left of it is promised to others.
    GlobalRate,
    /// Discord asked all requests to wait.
    GlobalLimit,
    /// The bot token was refused.
    Unauthorized,
    /// Too many requests were invalid lately.
    InvalidRequests,
    /// Too many requests of this target were.
    Offender,
}

impl Closed {
    /// For people.
    pub fn word(self) -> &'static str {
        match self {
            Self::GlobalRate => "global_rate",
            Self::GlobalLimit => "global_limit",
            Self::Unauthorized => "unauthorized",
            Self::InvalidRequests => "invalid_requests",
            Self::Offender => "offender",
        }
    }
}

/// Not now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait {
    /// Ask again then.
    pub until_ms: i64,
    /// Why.
    pub why: Closed,
}

/// The token after it was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    Works,
    /// Refused: nothing goes before this moment, and then one request.
    Refused {
        until_ms: i64,
    },
    /// That one is under way.
    OnTrial {
        by: ChannelId,
        since_ms: i64,
    },
}

/// The rules, on a clock that is passed in.
#[derive(Debug)]
pub struct GateCore {
    turns: Turns,
    invalid: InvalidRequests,
    closed_until_ms: i64,
    token: Token,
    /// The next pause after a 401.
    unauthorized_pause_ms: i64,
}

impl GateCore {
    /// A gate that lets `requests_per_s` through in any one second.
    pub fn new(requests_per_s: u32) -> Self {
        Self {
            turns: Turns::new(requests_per_s),
            invalid: InvalidRequests::default(),
            closed_until_ms: i64::MIN,
            token: Token::Works,
            unauthorized_pause_ms: UNAUTHORIZED_PAUSE_MS_MIN,
        }
    }

    /// Takes a place for one request of this target.
    ///
    /// # Errors
    /// When to ask again, and why.
    pub fn enter(&mut self, now_ms: i64, target: ChannelId) -> Result<(), Wait> {
        self.invalid.forget(now_ms);
        let walls = [
            (self.token_wall_ms(now_ms), Closed::Unauthorized),
            (self.closed_until_ms, Closed::GlobalLimit),
            (
                self.invalid.wall_ms(now_ms, self.turns.last_ms()),
                Closed::InvalidRequests,
            ),
            (self.invalid.offender_wall_ms(target), Closed::Offender),
        ];
        if let Some(&(until_ms, why)) = walls.iter().find(|(until_ms, _)| *until_ms > now_ms) {
            return Err(Wait { until_ms, why });
        }
        self.turns.take(now_ms, target).map_err(|until_ms| Wait {
            until_ms,
            why: Closed::GlobalRate,
        })?;
        if self.token != Token::Works {
            self.token = Token::OnTrial {
                by: target,
                since_ms: now_ms,
            };
        }
        Ok(())
    }

    /// Learns from what came of a request of this target.
    pub fn hear(&mut self, now_ms: i64, target: ChannelId, outcome: &Outcome) {
        match *outcome {
            Outcome::RateLimited {
                kind,
                retry_after_ms,
            } => {
                let is_of_all = matches!(kind, LimitKind::Global | LimitKind::Address);
                if is_of_all {
                    self.refused(now_ms, retry_after_ms);
                }
                if kind != LimitKind::Shared {
                    self.invalid.add(now_ms, (!is_of_all).then_some(target));
                }
                self.try_again(now_ms, target);
            }
            Outcome::Unauthorized => {
                self.invalid.add(now_ms, None);
                self.unauthorized(now_ms, target);
            }
            Outcome::Rejected { status, code, .. } => {
                if status == 403 {
                    self.invalid.add(now_ms, Some(target));
                }
                // Discord looks at the token before it finds a fault of its own numbering.
                if code == 0 {
                    self.try_again(now_ms, target);
                } else {
                    self.authorized();
                }
            }
            Outcome::Posted { .. }
            | Outcome::Edited
            | Outcome::Deleted
            | Outcome::Listed { .. }
            | Outcome::Opened { .. }
            | Outcome::Found { .. }
            | Outcome::Archived
            | Outcome::Webhook { .. } => self.authorized(),
            Outcome::Unreachable { .. } | Outcome::Ambiguous { .. } => {
                self.try_again(now_ms, target);
            }
        }
    }

    /// Invalid requests that still count.
    pub fn invalid_count(&self) -> usize {
        self.invalid.count()
    }

    /// What somebody should know of, each once.
    pub fn alarms(&mut self) -> Vec<Alarm> {
        self.invalid.alarms()
    }

    fn refused(&mut self, now_ms: i64, retry_after_ms: i64) {
        self.closed_until_ms = self.closed_until_ms.max(now_ms + retry_after_ms.max(1));
    }

    /// A 401. Those that come during a pause, or of others during a trial, answer requests from before it.
    fn unauthorized(&mut self, now_ms: i64, target: ChannelId) {
        let is_old = match self.token {
            Token::Works => false,
            Token::Refused { until_ms } => now_ms < until_ms,
            Token::OnTrial { by, .. } => by != target,
        };
        if is_old {
            return;
        }
        self.token = Token::Refused {
            until_ms: now_ms + self.unauthorized_pause_ms,
        };
        self.unauthorized_pause_ms =
            (2 * self.unauthorized_pause_ms).min(UNAUTHORIZED_PAUSE_MS_MAX);
    }

    /// An answer that proves that the token works.
    fn authorized(&mut self) {
        self.token = Token::Works;
        self.unauthorized_pause_ms = UNAUTHORIZED_PAUSE_MS_MIN;
    }

    /// An answer that proves nothing: was it the trial, another may try.
    fn try_again(&mut self, now_ms: i64, target: ChannelId) {
        if matches!(self.token, Token::OnTrial { by, .. } if by == target) {
            self.token = Token::Refused { until_ms: now_ms };
        }
    }

    fn token_wall_ms(&self, now_ms: i64) -> i64 {
        match self.token {
            Token::Works => i64::MIN,
            Token::Refused { until_ms } => until_ms,
            Token::OnTrial { since_ms, .. } if now_ms < since_ms + TRIAL_MS_MAX => {
                now_ms + TRIAL_SPACING_MS
            }
            Token::OnTrial { .. } => i64::MIN,
        }
    }
}

fn forget(moments: &mut VecDeque<i64>, until_ms: i64) {
    while moments.front().is_some_and(|oldest| *oldest <= until_ms) {
        moments.pop_front();
    }
}

/// The gate as mirrors share it. The lock is held for a few comparisons, never across an await.
#[derive(Debug, Clone)]
pub struct Gate(Arc<Mutex<GateCore>>);

impl Gate {
    /// See [`GateCore::new`].
    pub fn new(requests_per_s: u32) -> Self {
        Self(Arc::new(Mutex::new(GateCore::new(requests_per_s))))
    }

    /// See [`GateCore::enter`].
    ///
    /// # Errors
    /// When to ask again, and why.
    pub fn enter(&self, now_ms: i64, target: ChannelId) -> Result<(), Wait> {
        self.with(|gate| gate.enter(now_ms, target))
    }

    /// See [`GateCore::hear`].
    pub fn hear(&self, now_ms: i64, target: ChannelId, outcome: &Outcome) {
        let alarms = self.with(|gate| {
            gate.hear(now_ms, target, outcome);
            gate.alarms()
        });
        for alarm in alarms {
            match alarm {
                Alarm::Slow => tracing::warn!("many invalid requests: all mirrors slow down"),
                Alarm::Stop => tracing::warn!("too many invalid requests: all mirrors stop"),
                Alarm::Offender(target_channel_id) => {
                    tracing::warn!(%target_channel_id, "many invalid requests: this mirror is held back");
                }
            }
        }
    }

    /// Invalid requests that still count at this moment.
    pub fn invalid_count(&self, now_ms: i64) -> usize {
        self.with(|gate| {
            gate.invalid.forget(now_ms);
            gate.invalid_count()
        })
    }

    /// An answer proved that the token works.
    pub fn authorized(&self) {
        self.with(GateCore::authorized);
    }

    fn with<T>(&self, turn: impl FnOnce(&mut GateCore) -> T) -> T {
        // A panic while it was held leaves plain numbers behind: they are as good as before.
        let mut gate = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = gate.invalid_count();
        let answer = turn(&mut gate);
        if gate.invalid_count() != before {
            metrics::gauge!("heliograph_mirror_invalid_requests").set(gate.invalid_count() as f64);
        }
        answer
    }
}

#[cfg(test)]
mod tests;
