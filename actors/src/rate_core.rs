//! How many of something happened a second, over the last minute: a ring of seconds. No clock: the moment is an input.

/// The span that is looked at, in seconds.
pub const RATE_SPAN_S: i64 = 60;

const SECONDS: usize = 60;

/// Counts of the last [`RATE_SPAN_S`] seconds.
#[derive(Debug, Clone)]
pub struct Rate {
    counts: [u64; SECONDS],
    /// The second, since 1970, of the newest count; `None` before there is any.
    newest_s: Option<i64>,
}

impl Default for Rate {
    fn default() -> Self {
        Self {
            counts: [0; SECONDS],
            newest_s: None,
        }
    }
}

impl Rate {
    /// So many happened at `now_ms`, in milliseconds since 1970. A moment before the newest one counts with the newest, so that a
    /// clock that was set back loses nothing.
    pub fn record(&mut self, now_ms: i64, count: u64) {
        let now_s = now_ms.div_euclid(1_000);
        let newest_s = *self.newest_s.get_or_insert(now_s);
        let passed_s = usize::try_from(now_s.saturating_sub(newest_s)).unwrap_or(0);
        // Each second that has begun since is empty, and so is this one.
        for second in 1..=passed_s.min(SECONDS) {
            self.counts[place(newest_s + second as i64)] = 0;
        }
        if passed_s >= SECONDS {
            self.counts = [0; SECONDS];
        }
        let newest_s = newest_s.max(now_s);
        self.newest_s = Some(newest_s);
        let here = &mut self.counts[place(newest_s)];
        *here = here.saturating_add(count);
    }

    /// The mean over the [`RATE_SPAN_S`] seconds up to `now_ms`, the running one included.
    pub fn per_second(&self, now_ms: i64) -> f64 {
        let Some(newest_s) = self.newest_s else {
            return 0.0;
        };
        let now_s = now_ms.div_euclid(1_000).max(newest_s);
        let oldest_s = now_s
            .saturating_sub(RATE_SPAN_S - 1)
            .max(newest_s - RATE_SPAN_S + 1);
        let sum: u64 = (oldest_s..=newest_s)
            .map(|second| self.counts[place(second)])
            .fold(0, u64::saturating_add);
        sum as f64 / RATE_SPAN_S as f64
    }
}

/// The place of a second in the ring.
fn place(second: i64) -> usize {
    usize::try_from(second.rem_euclid(RATE_SPAN_S)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_minute_counts_and_nothing_older() {
        // (ms, count) as recorded; (ms, sum over the minute up to then)
        type Case = (&'static [(i64, u64)], &'static [(i64, u64)]);
        let table: &[Case] = &[
            (&[], &[(0, 0), (1_000_000, 0)]),
            (&[(500, 3), (999, 4)], &[(999, 7), (59_999, 7), (60_000, 0)]),
            (
                &[(0, 1), (1_000, 2), (59_000, 4)],
                &[
                    (59_999, 7),
                    (60_000, 6),
                    (61_000, 4),
                    (118_999, 4),
                    (119_000, 0),
                ],
            ),
            // The ring comes round, with a gap, with a long pause, and with one of exactly a minute.
            (&[(0, 1), (61_000, 2)], &[(61_000, 2)]),
            (&[(5_000, 1), (3_600_000, 2)], &[(3_600_000, 2)]),
            (&[(5_000, 1), (65_000, 2)], &[(65_000, 2)]),
            (&[(5_000, 1), (64_999, 2)], &[(64_999, 3)]),
            // The clock goes back.
            (
                &[(100_000, 1), (40_000, 2)],
                &[(100_000, 3), (0, 3), (160_000, 0)],
            ),
            (&[(-500, 1)], &[(0, 1)]),
            (&[(0, u64::MAX), (0, 1)], &[(0, u64::MAX)]),
            (&[(i64::MIN, 1), (i64::MAX, 2)], &[(i64::MAX, 2)]),
        ];
        for (recorded, expected) in table {
            let mut rate = Rate::default();
            for &(at_ms, count) in *recorded {
                rate.record(at_ms, count);
            }
            for &(at_ms, sum) in *expected {
                let got = rate.per_second(at_ms) * RATE_SPAN_S as f64;
                let tolerance = sum as f64 * 1e-9;
                assert!(
                    (got - sum as f64).abs() <= tolerance,
                    "{recorded:?} at {at_ms}: {got}, not {sum}"
                );
            }
        }
    }
}
