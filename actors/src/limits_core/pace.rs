//! When a request was counted at Discord, and how early the next one may leave: between our sending and our hearing lies the
//! way there and back, and windows are counted at the other end.

use std::collections::VecDeque;

/// Exchanges looked at: enough to have seen a quick one, few enough to follow a way that changes.
const EXCHANGES_MAX: usize = 32;
/// Nothing leaves early before so many are known.
const EXCHANGES_MIN: usize = 16;

#[derive(Debug, Clone, Copy)]
struct Exchange {
    round_trip_ms: i64,
    /// Our clock at the answer less Discord's: how far ours is ahead, and the way back.
    behind_ms: Option<i64>,
}

/// Between when and when a request was counted at Discord, on our clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Arrival {
    pub(super) earliest_ms: i64,
    pub(super) latest_ms: i64,
}

impl Arrival {
    pub(super) fn at(at_ms: i64) -> Self {
        Self {
            earliest_ms: at_ms,
            latest_ms: at_ms,
        }
    }
}

/// The last exchanges with Discord.
#[derive(Debug, Default)]
pub(super) struct Pace {
    exchanges: VecDeque<Exchange>,
}

impl Pace {
    /// When the request was counted, on our clock. `told_ms` is Discord's clock when it answered. Of the answers that say it,
    /// the one that came back quickest shows how the clocks differ.
    pub(super) fn arrived(&mut self, sent_ms: i64, heard_ms: i64, told_ms: Option<i64>) -> Arrival {
        let unknown = Arrival {
            earliest_ms: sent_ms,
            latest_ms: heard_ms,
        };
        let exchange = Exchange {
            round_trip_ms: heard_ms - sent_ms,
            behind_ms: told_ms.map(|told_ms| heard_ms - told_ms),
        };
        self.exchanges.push_back(exchange);
        if self.exchanges.len() > EXCHANGES_MAX {
            self.exchanges.pop_front();
        }
        let quickest_ms = self.exchanges.iter().filter_map(|it| it.behind_ms).min();
        let Some(arrived_ms) = told_ms.zip(quickest_ms).map(|(told, behind)| told + behind) else {
            return unknown;
        };
        if arrived_ms < sent_ms {
            // Discord's clock was set back.
            self.exchanges.iter_mut().for_each(|it| it.behind_ms = None);
            return unknown;
        }
        Arrival::at(arrived_ms.min(heard_ms))
    }

    /// How long before a moment of Discord's a request may leave to arrive after it all the same: what the quickest exchange
    /// took, less twice what the usual one takes above it. Where answers take now this long and now that, nothing.
    pub(super) fn lead_ms(&self) -> i64 {
        if self.exchanges.len() < EXCHANGES_MIN {
            return 0;
        }
        let mut round_trips: Vec<i64> = self.exchanges.iter().map(|it| it.round_trip_ms).collect();
        round_trips.sort_unstable();
        let (quickest, usual) = (round_trips[0], round_trips[round_trips.len() / 2]);
        (quickest - 2 * (usual - quickest)).max(0)
    }

    /// A request came too early: what was known of the way no longer holds.
    pub(super) fn forget(&mut self) {
        self.exchanges.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quickest_answer_shows_how_the_clocks_differ() {
        let mut pace = Pace::default();
        let mut latest_ms = |sent, heard, told| pace.arrived(sent, heard, told).latest_ms;
        // Discord's clock is 1,000 behind ours.
        let told = |arrived_ms: i64| Some(arrived_ms - 1_000);
        assert_eq!(latest_ms(5_000, 5_100, told(5_020)), 5_100);
        assert_eq!(latest_ms(6_000, 6_030, told(6_020)), 6_030);
        assert_eq!(latest_ms(7_000, 7_150, told(7_020)), 7_030);
        assert_eq!(latest_ms(8_000, 8_090, None), 8_090);
        // It is set back by a second, and forward again.
        assert_eq!(latest_ms(9_000, 9_090, told(8_020)), 9_090);
        assert_eq!(latest_ms(9_200, 9_290, told(8_220)), 9_290);
        assert_eq!(latest_ms(9_400, 9_490, told(9_420)), 9_490);
    }

    #[test]
    fn a_steady_way_lets_requests_leave_early_and_an_unsteady_one_does_not() {
        let lead = |round_trips: &[i64]| {
            let mut pace = Pace::default();
            for round_trip_ms in round_trips.iter().cycle().take(20) {
                pace.arrived(0, *round_trip_ms, None);
            }
            pace.lead_ms()
        };
        assert_eq!(lead(&[200, 210, 220]), 180);
        assert_eq!(lead(&[10, 100, 300]), 0);
        assert_eq!(Pace::default().lead_ms(), 0);
    }
}
