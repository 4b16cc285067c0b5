//! Counts invalid requests (401, 403, and 429 that are not shared) and says when Discord would ban the address.
//! Pure: the time is passed in.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// When invalid requests bring a ban.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct InvalidLimits {
    /// So many invalid requests in one period bring the ban.
    pub requests_max: usize,
    /// The period, milliseconds.
    pub period_ms: u64,
    /// How long everything is then refused, milliseconds.
    pub ban_ms: u64,
}

impl Default for InvalidLimits {
    fn default() -> Self {
        Self {
            requests_max: 10_000,
            period_ms: 600_000,
            ban_ms: 600_000,
        }
    }
}

/// The invalid requests of the last period.
#[derive(Debug, Default)]
pub(crate) struct InvalidRequests {
    at_ms: VecDeque<u64>,
    banned_until_ms: u64,
}

impl InvalidRequests {
    /// Counts one more; the last one allowed starts the ban.
    pub(crate) fn count(&mut self, now_ms: u64, limits: &InvalidLimits) {
        self.at_ms.push_back(now_ms);
        if self.in_period(now_ms, limits) >= limits.requests_max {
            self.banned_until_ms = now_ms.saturating_add(limits.ban_ms);
            self.at_ms.clear();
        }
    }

    /// Invalid requests of the last period.
    pub(crate) fn in_period(&mut self, now_ms: u64, limits: &InvalidLimits) -> usize {
        while self
            .at_ms
            .front()
            .is_some_and(|at_ms| at_ms.saturating_add(limits.period_ms) <= now_ms)
        {
            self.at_ms.pop_front();
        }
        self.at_ms.len()
    }

    /// How long the ban still lasts, milliseconds.
    pub(crate) fn ban_left_ms(&self, now_ms: u64) -> Option<u64> {
        (self.banned_until_ms > now_ms).then(|| self.banned_until_ms - now_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ban_comes_with_the_last_allowed_and_ends() {
        let limits = InvalidLimits {
            requests_max: 3,
            period_ms: 100,
            ban_ms: 50,
        };
        let mut invalid = InvalidRequests::default();
        invalid.count(0, &limits);
        invalid.count(10, &limits);
        assert_eq!(invalid.in_period(99, &limits), 2);
        assert_eq!(
            invalid.in_period(100, &limits),
            1,
            "the first has left the period"
        );
        invalid.count(100, &limits);
        assert_eq!(invalid.ban_left_ms(100), None);
        invalid.count(105, &limits);
        assert_eq!(invalid.ban_left_ms(105), Some(50));
        assert_eq!(invalid.ban_left_ms(154), Some(1));
        assert_eq!(invalid.ban_left_ms(155), None);
    }
}
