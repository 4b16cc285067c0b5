//! Durations counted in buckets that grow by a tenth, so that a percentile is right to 5 % and few counts are kept. The unit is
//! whoever's who counts: milliseconds or microseconds.

/// Buckets; the last takes whatever is longer.
pub const BUCKETS: usize = 256;

/// Where each bucket begins: at most a tenth above the one before it, so that its middle is at most 5 % away from everything in it.
/// The first ones hold one value each; the last begins after some 10^11.
const BEGINS: [i64; BUCKETS] = {
    let mut begins = [1; BUCKETS];
    let mut at = 1;
    while at < BUCKETS {
        let (next, tenth_above) = (begins[at - 1] + 1, begins[at - 1] * 11 / 10);
        begins[at] = if next > tenth_above {
            next
        } else {
            tenth_above
        };
        at += 1;
    }
    begins
};

/// The bucket of a duration. Below one counts as one.
pub fn bucket(duration: i64) -> u8 {
    let begun = BEGINS.partition_point(|&begins| begins <= duration.max(1));
    u8::try_from(begun - 1).unwrap_or(u8::MAX)
}

/// What stands for everything in a bucket.
fn middle(bucket: u8) -> i64 {
    let begins = BEGINS[usize::from(bucket)];
    let next = BEGINS.get(usize::from(bucket) + 1);
    next.map_or(begins, |next| i64::midpoint(begins, next - 1))
}

/// Counts by bucket, sorted by bucket. There are at most 256, and few are ever in use.
#[derive(Debug, Clone, Default)]
pub struct Counts(Vec<(u8, u64)>);

impl Counts {
    /// Counts so many more in a bucket.
    pub fn add(&mut self, bucket: u8, count: u64) {
        match self.0.binary_search_by_key(&bucket, |entry| entry.0) {
            Ok(at) => self.0[at].1 = self.0[at].1.saturating_add(count),
            Err(at) => self.0.insert(at, (bucket, count)),
        }
    }

    /// Counts everything that the other has.
    pub fn add_all(&mut self, other: &Self) {
        for &(bucket, count) in &other.0 {
            self.add(bucket, count);
        }
    }

    /// How many were counted.
    pub fn total(&self) -> u64 {
        self.0.iter().map(|entry| entry.1).sum()
    }

    /// The duration that so many of a hundred do not exceed. `None` without any.
    pub fn percentile(&self, percent: u64) -> Option<i64> {
        let rank = (self.total() * percent).div_ceil(100).max(1);
        let mut seen = 0;
        let bucket = self.0.iter().find(|entry| {
            seen += entry.1;
            seen >= rank
        });
        bucket.map(|entry| middle(entry.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_is_near_everything_in_its_bucket() {
        for duration in (1..2_000).chain([10_000, 123_456, 9_999_999, 86_400_000_000]) {
            let middle = middle(bucket(duration));
            assert!(
                (middle - duration).abs() * 20 <= duration,
                "{middle} for {duration}"
            );
        }
    }

    #[test]
    fn a_day_in_microseconds_has_a_bucket_of_its_own() {
        assert!(bucket(86_400_000_000) < u8::MAX);
        assert_eq!(bucket(i64::MAX), u8::MAX);
        assert_eq!((bucket(i64::MIN), bucket(0), bucket(1)), (0, 0, 0));
    }
}
