//! What all mirrors of one bot token share: the limit over all channels, a 429 that speaks of all requests, a token that was
//! refused, and the count of invalid requests for which Discord bans an address. The rules are in [`GateCore`]; [`Gate`] only
//! puts a lock around it.

use crate::{exchange::Outcome, limits_core::LimitKind};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

/// Discord counts invalid requests over this long (documented).
const INVALID_WINDOW_MS: i64 = 600_000;
/// Of the 10,000 that bring a ban: from here on one request in [`SLOW_SPACING_MS`] …
const INVALID_SLOW: usize = 1_000;
/// … and from here on none until some are forgotten.
const INVALID_STOP: usize = 5_000;
const SLOW_SPACING_MS: i64 = 1_000;
/// A refused token is tried again this much later: one 401 may be a mistake of Discord. Doubles while they go on …
const UNAUTHORIZED_PAUSE_MS_MIN: i64 = 5_000;
/// … up to this: somebody may have repaired it on Discord's side.
const UNAUTHORIZED_PAUSE_MS_MAX: i64 = 300_000;
const SECOND_MS: i64 = 1_000;

/// Why nothing may go now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// The limit over all channels is spent.
    GlobalRate,
    /// Discord asked all requests to wait.
    GlobalLimit,
    /// The bot token was refused.
    Unauthorized,
    /// Too many requests were invalid lately.
    InvalidRequests,
}

impl Closed {
    /// For people.
    pub fn word(self) -> &'static str {
        match self {
            Self::GlobalRate => "global_rate",
            Self::GlobalLimit => "global_limit",
            Self::Unauthorized => "unauthorized",
            Self::InvalidRequests => "invalid_requests",
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

/// The rules, on a clock that is passed in.
#[derive(Debug)]
pub struct GateCore {
    requests_per_s: usize,
    /// Requests of the last second.
    sent_ms: VecDeque<i64>,
    invalid_ms: VecDeque<i64>,
    closed_until_ms: i64,
    unauthorized_until_ms: i64,
    /// The next pause after a 401.
    unauthorized_pause_ms: i64,
}

impl GateCore {
    /// A gate that lets `requests_per_s` through in any one second.
    pub fn new(requests_per_s: u32) -> Self {
        Self {
            requests_per_s: requests_per_s.max(1) as usize,
            sent_ms: VecDeque::new(),
            invalid_ms: VecDeque::new(),
            closed_until_ms: i64::MIN,
            unauthorized_until_ms: i64::MIN,
            unauthorized_pause_ms: UNAUTHORIZED_PAUSE_MS_MIN,
        }
    }

    /// Takes a place for one request.
    ///
    /// # Errors
    /// Until when the gate is closed, and why.
    pub fn enter(&mut self, now_ms: i64) -> Result<(), Wait> {
        forget(&mut self.sent_ms, now_ms - SECOND_MS);
        forget(&mut self.invalid_ms, now_ms - INVALID_WINDOW_MS);
        let walls = [
            (self.unauthorized_until_ms, Closed::Unauthorized),
            (self.closed_until_ms, Closed::GlobalLimit),
            (self.invalid_wall_ms(now_ms), Closed::InvalidRequests),
            (self.rate_wall_ms(), Closed::GlobalRate),
        ];
        if let Some(&(until_ms, why)) = walls.iter().find(|(until_ms, _)| *until_ms > now_ms) {
            return Err(Wait { until_ms, why });
        }
        self.sent_ms.push_back(now_ms);
        Ok(())
    }

    /// Learns from what came of a request.
    pub fn hear(&mut self, now_ms: i64, outcome: &Outcome) {
        match *outcome {
            Outcome::RateLimited {
                kind,
                retry_after_ms,
            } => {
                if matches!(kind, LimitKind::Global | LimitKind::Address) {
                    self.refused(now_ms, retry_after_ms);
                }
                if kind != LimitKind::Shared {
                    self.invalid(now_ms);
                }
            }
            Outcome::Unauthorized => {
                self.invalid(now_ms);
                self.unauthorized(now_ms);
            }
            Outcome::Rejected { status, code, .. } => {
                if status == 403 {
                    self.invalid(now_ms);
                }
                // Discord looks at the token before it finds a fault of its own numbering.
                if code != 0 {
                    self.authorized();
                }
            }
            Outcome::Unreachable { .. } | Outcome::Ambiguous { .. } => {}
            Outcome::Posted { .. }
            | Outcome::Edited
            | Outcome::Deleted
            | Outcome::Listed { .. }
            | Outcome::Opened { .. }
            | Outcome::Found { .. }
            | Outcome::Archived
            | Outcome::Webhook { .. } => self.authorized(),
        }
    }

    /// A 429 that speaks of all requests.
    pub fn refused(&mut self, now_ms: i64, retry_after_ms: i64) {
        self.closed_until_ms = self.closed_until_ms.max(now_ms + retry_after_ms.max(1));
    }

    /// An answer that Discord counts as invalid: 401, 403, or a 429 that is ours alone.
    pub fn invalid(&mut self, now_ms: i64) {
        self.invalid_ms.push_back(now_ms);
        if self.invalid_ms.len() > INVALID_STOP {
            self.invalid_ms.pop_front();
        }
    }

    /// A 401. Those that come during a pause answer requests from before it and do not prolong it.
    pub fn unauthorized(&mut self, now_ms: i64) {
        if now_ms < self.unauthorized_until_ms {
            return;
        }
        self.unauthorized_until_ms = now_ms + self.unauthorized_pause_ms;
        self.unauthorized_pause_ms =
            (2 * self.unauthorized_pause_ms).min(UNAUTHORIZED_PAUSE_MS_MAX);
    }

    /// An answer that proves that the token works.
    pub fn authorized(&mut self) {
        self.unauthorized_until_ms = i64::MIN;
        self.unauthorized_pause_ms = UNAUTHORIZED_PAUSE_MS_MIN;
    }

    /// Invalid requests that still count.
    pub fn invalid_count(&self) -> usize {
        self.invalid_ms.len()
    }

    fn rate_wall_ms(&self) -> i64 {
        let full = self.sent_ms.len().checked_sub(self.requests_per_s);
        full.and_then(|place| self.sent_ms.get(place))
            .map_or(i64::MIN, |oldest| oldest + SECOND_MS)
    }

    fn invalid_wall_ms(&self, now_ms: i64) -> i64 {
        match self.invalid_ms.len() {
            0..INVALID_SLOW => i64::MIN,
            INVALID_SLOW..INVALID_STOP => self
                .sent_ms
                .back()
                .map_or(i64::MIN, |last| last + SLOW_SPACING_MS),
            _ => self
                .invalid_ms
                .front()
                .map_or(now_ms, |oldest| oldest + INVALID_WINDOW_MS),
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

    /// Asks or tells the gate something.
    pub fn with<T>(&self, turn: impl FnOnce(&mut GateCore) -> T) -> T {
        // A panic while it was held leaves plain numbers behind: they are as good as before.
        turn(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn no_second_holds_more_than_the_limit() {
        let mut gate = GateCore::new(50);
        let mut sent = Vec::new();
        for now_ms in 0..5_000 {
            while gate.enter(now_ms).is_ok() {
                sent.push(now_ms);
            }
        }
        assert_eq!(sent.len(), 250);
        assert!(
            sent.windows(51)
                .all(|window| window[50] - window[0] >= SECOND_MS)
        );
        let wait = gate.enter(4_500).unwrap_err();
        assert_eq!(wait.why, Closed::GlobalRate);
    }

    #[test]
    fn a_global_429_closes_it_for_all() {
        let mut gate = GateCore::new(50);
        gate.refused(1_000, 2_500);
        gate.refused(1_100, 10);
        assert_eq!(
            gate.enter(3_499),
            Err(Wait {
                until_ms: 3_500,
                why: Closed::GlobalLimit
            })
        );
        assert_eq!(gate.enter(3_500), Ok(()));
    }

    #[test]
    fn a_refused_token_pauses_and_one_success_opens() {
        let mut gate = GateCore::new(50);
        gate.unauthorized(0);
        assert_eq!(gate.enter(4_999).unwrap_err().why, Closed::Unauthorized);
        gate.authorized();
        assert_eq!(gate.enter(4_999), Ok(()));
    }

    #[test]
    fn pauses_double_while_the_token_is_refused_and_begin_anew_after_an_authorised_answer() {
        let mut gate = GateCore::new(50);
        let mut now_ms = 0;
        for pause_ms in [
            5_000, 10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000,
        ] {
            assert_eq!(gate.enter(now_ms), Ok(()));
            // Of all mirrors at once, but the last of them comes late.
            (0..20).for_each(|_| gate.hear(now_ms, &Outcome::Unauthorized));
            gate.hear(now_ms + pause_ms - 1, &Outcome::Unauthorized);
            let shut = Wait {
                until_ms: now_ms + pause_ms,
                why: Closed::Unauthorized,
            };
            assert_eq!(gate.enter(now_ms + pause_ms - 1), Err(shut));
            now_ms += pause_ms;
        }
        let rejected = |status, code| Outcome::Rejected {
            status,
            code,
            message: String::new(),
        };
        let table = [
            (Outcome::Edited, true),
            (rejected(404, 10_008), true),
            (rejected(403, 50_013), true),
            (rejected(413, 0), false),
            (
                Outcome::Ambiguous {
                    reason: "502".to_owned(),
                },
                false,
            ),
        ];
        for (outcome, proves) in table {
            gate.hear(now_ms, &Outcome::Unauthorized);
            gate.hear(now_ms, &outcome);
            assert_eq!(gate.enter(now_ms).is_ok(), proves, "{outcome:?}");
            now_ms += if proves { 5_000 } else { 300_000 };
            gate.authorized();
        }
        gate.hear(now_ms, &Outcome::Unauthorized);
        assert_eq!(gate.enter(now_ms).unwrap_err().until_ms, now_ms + 5_000);
    }

    #[test]
    fn invalid_requests_stay_far_below_the_ban() {
        let mut gate = GateCore::new(50);
        let mut invalid_in_window = VecDeque::new();
        // Everything is refused for an hour, and we always ask as soon as we may.
        let mut now_ms = 0;
        while now_ms < 3_600_000 {
            match gate.enter(now_ms) {
                Ok(()) => {
                    gate.invalid(now_ms);
                    invalid_in_window.push_back(now_ms);
                    forget(&mut invalid_in_window, now_ms - INVALID_WINDOW_MS);
                    assert!(invalid_in_window.len() <= INVALID_STOP);
                }
                Err(wait) => now_ms = wait.until_ms,
            }
        }
        assert!(gate.invalid_count() >= INVALID_SLOW / 2);
        assert_eq!(
            gate.enter(now_ms + INVALID_WINDOW_MS),
            Ok(()),
            "forgotten after the window"
        );
    }
}
