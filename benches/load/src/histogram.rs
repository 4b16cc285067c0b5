//! Owns the counting of latencies: log-linear buckets, less than 1 % wide, from one microsecond to hours. It knows no clock.

use std::time::Duration;

/// Buckets per doubling; an error of at most 1/128.
const SUB_BITS: u32 = 7;
const SUB_BUCKETS: u64 = 1 << SUB_BITS;
/// Values above 2^36 µs (19 hours) fall into the last bucket.
const BUCKETS: usize = (1 << SUB_BITS) * (36 - SUB_BITS as usize + 1);

/// Counts of latencies in microseconds.
#[derive(Clone, Debug)]
pub struct Histogram {
    counts: Vec<u64>,
    total: u64,
    max_us: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self {
            counts: vec![0; BUCKETS],
            total: 0,
            max_us: 0,
        }
    }
}

impl Histogram {
    /// Counts one latency.
    pub fn record_us(&mut self, us: u64) {
        let bucket = bucket_of(us).min(BUCKETS - 1);
        self.counts[bucket] += 1;
        self.total += 1;
        self.max_us = self.max_us.max(us);
    }

    /// Counts one latency.
    pub fn record(&mut self, latency: Duration) {
        self.record_us(u64::try_from(latency.as_micros()).unwrap_or(u64::MAX));
    }

    /// Adds all of another's counts.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.counts.iter_mut().zip(&other.counts) {
            *mine += theirs;
        }
        self.total += other.total;
        self.max_us = self.max_us.max(other.max_us);
    }

    /// How many were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.total
    }

    /// The latency that the share `quantile` (0 to 1) of all does not exceed, in ms; zero when nothing was counted.
    #[must_use]
    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss
    )]
    pub fn quantile_ms(&self, quantile: f64) -> f64 {
        let wanted = ((self.total as f64 * quantile).ceil() as u64).max(1);
        let mut seen = 0;
        for (bucket, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= wanted {
                return upper_bound_us(bucket).min(self.max_us) as f64 / 1000.0;
            }
        }
        self.max_us as f64 / 1000.0
    }

    /// The greatest, in ms.
    #[must_use]
    #[allow(clippy::cast_precision_loss)]
    pub fn max_ms(&self) -> f64 {
        self.max_us as f64 / 1000.0
    }
}

#[allow(clippy::cast_possible_truncation)]
fn bucket_of(us: u64) -> usize {
    if us < SUB_BUCKETS {
        return us as usize;
    }
    let shift = us.ilog2() - SUB_BITS;
    // The leading one is in the row, the bits after it are the place within the row.
    ((u64::from(shift) + 1) * SUB_BUCKETS + ((us >> shift) - SUB_BUCKETS)) as usize
}

fn upper_bound_us(bucket: usize) -> u64 {
    let (row, place) = (bucket as u64 / SUB_BUCKETS, bucket as u64 % SUB_BUCKETS);
    if row == 0 {
        place
    } else {
        ((SUB_BUCKETS + place + 1) << (row - 1)) - 1
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rand::{Rng as _, SeedableRng as _};

    #[test]
    fn every_value_lies_in_a_bucket_at_most_one_percent_wide() {
        let mut random = rand::rngs::SmallRng::seed_from_u64(1);
        for _ in 0..100_000 {
            let bits = random.random_range(1..36);
            let us = random.random_range(0..1_u64 << bits);
            let bucket = bucket_of(us);
            let upper = upper_bound_us(bucket);
            assert!(upper >= us, "{us} in {bucket} up to {upper}");
            assert!(upper - us <= us / 100 + 1, "{us} in {bucket} up to {upper}");
            assert!(bucket == 0 || upper_bound_us(bucket - 1) < us);
        }
    }

    #[test]
    fn quantiles_agree_with_sorting() {
        let mut random = rand::rngs::SmallRng::seed_from_u64(2);
        let mut values: Vec<u64> = (0..10_000)
            .map(|_| random.random_range(1..50_000))
            .collect();
        let (mut left, mut right) = (Histogram::default(), Histogram::default());
        for (index, value) in values.iter().enumerate() {
            if index % 2 == 0 {
                &mut left
            } else {
                &mut right
            }
            .record_us(*value);
        }
        left.merge(&right);
        values.sort_unstable();
        for quantile in [0.5, 0.95, 0.99, 0.999] {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let exact = values[(10_000.0 * quantile) as usize - 1] as f64 / 1000.0;
            let got = left.quantile_ms(quantile);
            assert!((got - exact).abs() <= exact * 0.01 + 0.001, "{got} {exact}");
        }
        assert_eq!(left.count(), 10_000);
        assert_eq!(left.max_ms(), *values.last().unwrap() as f64 / 1000.0);
        left.record_us(u64::MAX);
        assert!(left.quantile_ms(1.0) > 0.0);
    }
}
