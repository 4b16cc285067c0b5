//! When to ask for the runtime config again: at once after a long poll, every second or two when the server answers
//! without waiting, later when it is in trouble. No clock and no socket.

use crate::retry_core::Schedule;

/// The tempo of the runtime-config loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PollTempo {
    /// What `?wait=` asks for, in seconds; the server allows 30.
    pub long_poll_s: u64,
    /// Shortest time between two requests.
    pub poll_ms: u64,
}

impl PollTempo {
    /// The tempo of the field client, with the long poll.
    pub const FIELD: Self = Self {
        long_poll_s: 20,
        poll_ms: 1_500,
    };
}

/// How one request for the runtime config ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Polled {
    /// 200 with a config.
    Fresh,
    /// 304.
    Unchanged,
    /// 400: a server that does not know `wait`.
    NotUnderstood,
    /// Any other status, no answer, or a body that is no config.
    Failed,
}

/// What the next request looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NextPoll {
    /// Wait this long before it, in milliseconds.
    pub delay_ms: u64,
    /// Ask the server to hold it this long, in seconds.
    pub wait_s: Option<u64>,
}

/// The loop's memory: whether the server can wait, and how often it failed in a row.
#[derive(Debug, Clone)]
pub struct Poll {
    tempo: PollTempo,
    schedule: Schedule,
    server_waits: bool,
    failures: u32,
}

impl Poll {
    /// A loop that has not asked yet.
    #[must_use]
    pub fn new(tempo: PollTempo, schedule: Schedule) -> Self {
        Self {
            tempo,
            schedule,
            server_waits: true,
            failures: 0,
        }
    }

    /// The next request after one that ended as `polled` within `elapsed_ms`.
    pub fn after(&mut self, polled: Polled, elapsed_ms: u64) -> NextPoll {
        self.failures = match polled {
            Polled::Fresh | Polled::Unchanged => 0,
            Polled::NotUnderstood | Polled::Failed => self.failures.saturating_add(1),
        };
        if polled == Polled::NotUnderstood {
            self.server_waits = false;
        }
        let spent_ms = if polled == Polled::Failed {
            0
        } else {
            elapsed_ms
        };
        let trouble_ms = if polled == Polled::Failed {
            self.schedule.delay_ms(self.failures)
        } else {
            0
        };
        NextPoll {
            delay_ms: self.tempo.poll_ms.saturating_sub(spent_ms).max(trouble_ms),
            wait_s: self.server_waits.then_some(self.tempo.long_poll_s),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loop_follows_what_the_server_can_do() {
        let waiting = |delay_ms| NextPoll {
            delay_ms,
            wait_s: Some(20),
        };
        let plain = |delay_ms| NextPoll {
            delay_ms,
            wait_s: None,
        };
        let mut poll = Poll::new(PollTempo::FIELD, Schedule::FIELD);
        for (polled, elapsed_ms, next) in [
            (Polled::Fresh, 5, waiting(1_495)),
            // A server that holds the request is asked again at once.
            (Polled::Unchanged, 20_000, waiting(0)),
            (Polled::Fresh, 4_000, waiting(0)),
            // One that answers at once is asked every 1.5 s.
            (Polled::Unchanged, 3, waiting(1_497)),
            (Polled::Failed, 30_000, waiting(1_500)),
            (Polled::Failed, 1, waiting(1_500)),
            (Polled::Failed, 1, waiting(3_000)),
            (Polled::Unchanged, 10, waiting(1_490)),
            (Polled::Failed, 1, waiting(1_500)),
            // One that refuses `wait` is never asked for it again.
            (Polled::NotUnderstood, 2, plain(1_498)),
            (Polled::Unchanged, 4, plain(1_496)),
        ] {
            assert_eq!(
                poll.after(polled, elapsed_ms),
                next,
                "{polled:?} after {elapsed_ms} ms"
            );
        }
    }

    #[test]
    fn trouble_never_makes_the_loop_slower_than_half_a_minute() {
        let mut poll = Poll::new(PollTempo::FIELD, Schedule::FIELD);
        let last = (0..100)
            .map(|_| poll.after(Polled::Failed, 0).delay_ms)
            .last();
        assert_eq!(last, Some(30_000));
    }
}
