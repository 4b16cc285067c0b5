//! Milliseconds since 1970 that never run backwards: the wall clock at the start plus what has passed since. For everything
//! that counts delays and still needs to speak of moments, as the ids of Discord do.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// The clock; copies agree.
#[derive(Debug, Clone, Copy)]
pub struct SteadyClock {
    epoch_ms: i64,
    since: Instant,
}

impl SteadyClock {
    /// Started now.
    pub fn start() -> Self {
        let since_1970 = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Self {
            epoch_ms: i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX),
            since: Instant::now(),
        }
    }

    /// Milliseconds since 1970.
    pub fn now_ms(&self) -> i64 {
        self.epoch_ms
            .saturating_add(i64::try_from(self.since.elapsed().as_millis()).unwrap_or(i64::MAX))
    }
}
