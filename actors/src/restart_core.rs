//! How often an actor may come back: so many restarts in a sliding window, then it is parked or the process ends.

use std::{collections::VecDeque, time::Duration};

/// Restarts allowed in a period (OTP calls it restart intensity).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RestartBudget {
    /// So many restarts …
    pub restarts_max: usize,
    /// … in this time.
    pub window: Duration,
}

/// The restarts of one actor that still count.
#[derive(Debug, Default)]
pub struct RestartHistory(VecDeque<Duration>);

impl RestartHistory {
    /// Whether one more restart at `now` (since any fixed moment) is within the budget; counts it when it is.
    pub fn allow(&mut self, budget: RestartBudget, now: Duration) -> bool {
        while self
            .0
            .front()
            .is_some_and(|&then| now.saturating_sub(then) >= budget.window)
        {
            self.0.pop_front();
        }
        if self.0.len() >= budget.restarts_max {
            return false;
        }
        self.0.push_back(now);
        true
    }

    /// A person says: try again.
    pub fn forgive(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_budget_slides() {
        let budget = RestartBudget {
            restarts_max: 2,
            window: Duration::from_secs(10),
        };
        let mut history = RestartHistory::default();
        let table = [
            (0, true),
            (1, true),
            (2, false),
            (9, false),
            (10, true),
            (10, false),
            (11, true),
            (12, false),
        ];
        for (at_s, allowed) in table {
            assert_eq!(
                history.allow(budget, Duration::from_secs(at_s)),
                allowed,
                "at {at_s} s"
            );
        }
        history.forgive();
        assert!(history.allow(budget, Duration::from_secs(12)));
    }
}
