//! What was sent lately and counted by Discord, and what limits that shows.

use super::{Lane, pace::Arrival};
use std::collections::VecDeque;

/// More than any window is known to take; of larger ones the headers alone are believed.
const REQUESTS_MAX: usize = 512;
/// Of a limit that looks further back, nothing is learned.
pub(super) const AGE_MS_MAX: i64 = 600_000;
/// Moments at Discord are known this exactly, of a window: one in so many.
const SLACK: i64 = 20;

/// So many requests in so long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) requests: usize,
    pub(super) length_ms: i64,
}

/// In the order of arrival.
#[derive(Debug, Default)]
pub(super) struct History {
    counted: VecDeque<(Lane, Arrival)>,
}

impl History {
    pub(super) fn add(&mut self, lane: Lane, arrival: Arrival) {
        self.counted.push_back((lane, arrival));
        let oldest_ms = arrival.latest_ms - AGE_MS_MAX;
        while self.counted.len() > REQUESTS_MAX
            || self
                .counted
                .front()
                .is_some_and(|(_, oldest)| oldest.latest_ms < oldest_ms)
        {
            self.counted.pop_front();
        }
    }

    /// When the `n`-th last request of these lanes was counted; 1 is the last.
    pub(super) fn nth_last(&self, n: usize, of: impl Fn(Lane) -> bool) -> Option<Arrival> {
        let ours = self.counted.iter().rev().filter(|(lane, _)| of(*lane));
        ours.map(|(_, arrival)| *arrival).nth(n.checked_sub(1)?)
    }

    /// How many requests of these lanes were counted after this moment.
    pub(super) fn count_after(&self, after_ms: i64, of: impl Fn(Lane) -> bool) -> usize {
        let ours = self.counted.iter().rev().filter(|(lane, _)| of(*lane));
        ours.take_while(|(_, arrival)| arrival.latest_ms > after_ms)
            .count()
    }

    /// When a full window of these lanes takes one more, which may be now; `None` when requests of ours do not fill it.
    pub(super) fn opens_ms(
        &self,
        now_ms: i64,
        window: Window,
        of: impl Fn(Lane) -> bool,
    ) -> Option<i64> {
        let opens_ms = self.nth_last(window.requests, of)?.latest_ms + window.length_ms;
        (opens_ms > now_ms - window.length_ms / SLACK).then_some(opens_ms)
    }

    /// The strictest limit on these lanes that explains a refusal which ends at `until_ms` and does not contradict what was
    /// taken before: were it `n` requests, the `n`-th last would leave the window then.
    pub(super) fn strictest(&self, until_ms: i64, of: impl Fn(Lane) -> bool) -> Option<Window> {
        let ours: Vec<Arrival> = self
            .counted
            .iter()
            .filter(|(lane, _)| of(*lane))
            .map(|(_, arrival)| *arrival)
            .collect();
        (1..=ours.len()).find_map(|requests| {
            let length_ms = until_ms - ours[ours.len() - requests].earliest_ms;
            let contradicts = ours.windows(requests + 1).any(|taken| {
                let span_ms = taken[requests].latest_ms - taken[0].earliest_ms;
                span_ms < length_ms - length_ms / SLACK
            });
            // Of a longer one what is remembered is no proof.
            let is_provable = (1..=AGE_MS_MAX).contains(&length_ms);
            (is_provable && !contradicts).then_some(Window {
                requests,
                length_ms,
            })
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::Route;
    use super::*;
    use heliograph_schema::ids::ChannelId;

    fn history(moments: &[i64]) -> History {
        let lane = Lane::new(Route::Create, ChannelId::new(1).unwrap());
        let mut history = History::default();
        for at_ms in moments {
            history.add(lane, Arrival::at(*at_ms));
        }
        history
    }

    #[test]
    fn the_strictest_limit_that_nothing_contradicts_is_found() {
        type Row<'a> = (&'a [i64], i64, Option<(usize, i64)>);
        let table: [Row<'_>; 6] = [
            // Three in six seconds, from the first one on.
            (&[0, 100, 200], 6_000, Some((3, 6_000))),
            // The same later: what was long before shows that it is no more than three, and no less.
            (
                &[0, 100, 200, 20_000, 21_000, 22_000],
                26_000,
                Some((3, 6_000)),
            ),
            // One at a time.
            (&[0, 1_000, 2_000], 3_000, Some((1, 1_000))),
            (&[0, 10, 20, 1_000, 1_010, 1_020], 2_000, Some((3, 1_000))),
            (&[], 1_000, None),
            (&[0], AGE_MS_MAX + 1, None),
        ];
        for (moments, until_ms, expected) in table {
            let found = history(moments).strictest(until_ms, |_| true);
            let found = found.map(|window| (window.requests, window.length_ms));
            assert_eq!(found, expected, "{moments:?}");
        }
    }

    #[test]
    fn a_window_opens_when_its_first_request_leaves_it() {
        let history = history(&[0, 100, 200]);
        let window = |requests| Window {
            requests,
            length_ms: 1_000,
        };
        assert_eq!(history.opens_ms(300, window(2), |_| true), Some(1_100));
        assert_eq!(history.opens_ms(1_110, window(2), |_| true), Some(1_100));
        assert_eq!(history.opens_ms(1_200, window(2), |_| true), None);
        assert_eq!(history.opens_ms(300, window(4), |_| true), None);
        assert_eq!(history.count_after(99, |_| true), 2);
    }

    #[test]
    fn it_is_bounded() {
        let many: Vec<i64> = (0..2_000).collect();
        assert_eq!(history(&many).counted.len(), REQUESTS_MAX);
        assert_eq!(history(&[0, AGE_MS_MAX + 1]).counted.len(), 1);
    }
}
