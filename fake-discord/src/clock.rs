//! The fake's clock: real, or standing still until told to move. Rate limits, nonces, bans and ids use it.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

#[derive(Debug)]
pub(crate) struct Clock {
    base_ms: u64,
    /// `None`: stands still at `base_ms`.
    runs_since: Option<Instant>,
}

impl Clock {
    /// A clock that stands at this moment, or follows the real time.
    pub(crate) fn new(manual_at_ms: Option<u64>) -> Self {
        match manual_at_ms {
            Some(at_ms) => Self {
                base_ms: at_ms,
                runs_since: None,
            },
            None => Self {
                base_ms: unix_us() / 1_000,
                runs_since: Some(Instant::now()),
            },
        }
    }

    /// Milliseconds since the Unix epoch.
    pub(crate) fn now_ms(&self) -> u64 {
        let ran_ms = self
            .runs_since
            .map_or(0, |since| since.elapsed().as_millis());
        self.base_ms + u64::try_from(ran_ms).unwrap_or(u64::MAX)
    }

    /// Moves the clock forward.
    pub(crate) fn advance(&mut self, by_ms: u64) {
        self.base_ms += by_ms;
    }
}

/// The machine's time, microseconds since the Unix epoch.
pub(crate) fn unix_us() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}
