//! When each connector was last heard, so that the tables are told now and then and not with every poll. Knows no clock and
//! writes nothing itself.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// A connector's row is touched at most once in this time.
const TOUCH_INTERVAL: Duration = Duration::from_secs(15);

/// The last touch of each connector. Only connectors with a valid token come here, so it does not grow without bound.
#[derive(Debug, Default)]
pub(super) struct LastSeen {
    touched: Mutex<HashMap<String, Instant>>,
}

impl LastSeen {
    /// Whether the tables should hear of `connector_id` at `now`; if so, it counts as done.
    pub(super) fn is_due(&self, connector_id: &str, now: Instant) -> bool {
        let mut touched = self.touched.lock().unwrap_or_else(PoisonError::into_inner);
        match touched.get_mut(connector_id) {
            Some(at) if now.saturating_duration_since(*at) < TOUCH_INTERVAL => false,
            Some(at) => {
                *at = now;
                true
            }
            None => {
                touched.insert(connector_id.to_owned(), now);
                true
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_connector_is_due_once_an_interval() {
        let (seen, start) = (LastSeen::default(), Instant::now());
        let at = |after: Duration| start + after;
        let almost = TOUCH_INTERVAL.saturating_sub(Duration::from_millis(1));
        let table = [
            ("a", Duration::ZERO, true),
            ("a", almost, false),
            ("b", almost, true),
            ("a", TOUCH_INTERVAL, true),
            ("a", TOUCH_INTERVAL + almost, false),
        ];
        for (connector_id, after, is_due) in table {
            assert_eq!(
                seen.is_due(connector_id, at(after)),
                is_due,
                "{connector_id} after {after:?}"
            );
        }
    }
}
