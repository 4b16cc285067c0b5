//! How long what a mirror does has taken over the last hour: five-minute slots of counts in milliseconds, so that a quiet mirror
//! costs nothing. Knows no clock: moments come in.

use crate::buckets_core::{Counts, bucket};
use serde::Serialize;

/// Length of a slot.
const SLOT_MS: i64 = 300_000;
/// Slots that are kept: together an hour.
const SLOTS_KEPT: i64 = 12;

/// What took its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LatencyKind {
    /// From the commit of a signal until its first message stood.
    Create,
    /// From the commit of an edit until a message showed it; each message counts.
    Edit,
    /// From the commit of what takes a message away until it was gone; each message counts.
    Delete,
}

const KINDS: usize = 3;

#[derive(Debug, Clone, Default)]
struct Slot {
    /// Slots since 1970.
    number: i64,
    counts: [Counts; KINDS],
}

/// The last hour.
#[derive(Debug, Clone, Default)]
pub struct LatencyRing {
    /// By number modulo their count; none before the first record.
    slots: Vec<Slot>,
}

/// The place of a slot.
fn place(number: i64) -> usize {
    usize::try_from(number.rem_euclid(SLOTS_KEPT)).unwrap_or_default()
}

impl LatencyRing {
    /// Counts one that is done now and was committed so long ago.
    pub fn record(&mut self, now_ms: i64, kind: LatencyKind, latency_ms: i64) {
        if self.slots.is_empty() {
            self.slots = (0..SLOTS_KEPT).map(|_| Slot::default()).collect();
        }
        let number = now_ms.div_euclid(SLOT_MS);
        let slot = &mut self.slots[place(number)];
        if slot.number != number {
            *slot = Slot {
                number,
                ..Slot::default()
            };
        }
        slot.counts[kind as usize].add(bucket(latency_ms), 1);
    }

    /// What the last hour was like: the slot that runs and the eleven before it.
    pub fn summary(&self, now_ms: i64) -> LatencySummary {
        let newest = now_ms.div_euclid(SLOT_MS);
        let of = |kind: LatencyKind| {
            let mut all = Counts::default();
            let recent = |slot: &&Slot| slot.number > newest - SLOTS_KEPT;
            for slot in self.slots.iter().filter(recent) {
                all.add_all(&slot.counts[kind as usize]);
            }
            Percentiles::of(&all)
        };
        LatencySummary {
            create: of(LatencyKind::Create),
            edit: of(LatencyKind::Edit),
            delete: of(LatencyKind::Delete),
        }
    }
}

/// From commit to done over the last hour; `None` where nothing of the kind was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, utoipa::ToSchema)]
pub struct LatencySummary {
    /// See [`LatencyKind::Create`].
    pub create: Option<Percentiles>,
    /// See [`LatencyKind::Edit`].
    pub edit: Option<Percentiles>,
    /// See [`LatencyKind::Delete`].
    pub delete: Option<Percentiles>,
}

/// Milliseconds, each right to 5 %.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Percentiles {
    /// How many were done.
    pub count: u64,
    /// Half of them took no longer.
    pub p50_ms: i64,
    /// 95 of 100 took no longer.
    pub p95_ms: i64,
    /// 99 of 100 took no longer.
    pub p99_ms: i64,
}

impl Percentiles {
    fn of(counts: &Counts) -> Option<Self> {
        Some(Self {
            count: counts.total(),
            p50_ms: counts.percentile(50)?,
            p95_ms: counts.percentile(95)?,
            p99_ms: counts.percentile(99)?,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use LatencyKind::{Create, Delete, Edit};
    use proptest::prelude::*;

    /// The smallest that so many of a hundred do not exceed, by sorting.
    fn exact(mut all: Vec<i64>, percent: usize) -> i64 {
        all.sort_unstable();
        all[(all.len() * percent).div_ceil(100).max(1) - 1].max(1)
    }

    fn is_near(found: i64, exact: i64) -> bool {
        (found - exact).abs() * 20 <= exact
    }

    proptest! {
        #[test]
        fn percentiles_are_right_to_five_percent(
            latencies in proptest::collection::vec(prop_oneof![0_i64..50, 50_i64..5_000, 5_000_i64..100_000_000], 1..400),
        ) {
            let mut ring = LatencyRing::default();
            for (n, latency) in latencies.iter().enumerate() {
                // Over the whole hour.
                ring.record(i64::try_from(n).unwrap() % 12 * SLOT_MS, Create, *latency);
            }
            let found = ring.summary(11 * SLOT_MS).create.unwrap();
            prop_assert_eq!(found.count, latencies.len() as u64);
            for (found, percent) in [(found.p50_ms, 50), (found.p95_ms, 95), (found.p99_ms, 99)] {
                let exact = exact(latencies.clone(), percent);
                prop_assert!(is_near(found, exact), "{} for {} at {}", found, exact, percent);
            }
        }
    }

    #[test]
    fn kinds_are_apart_and_what_is_older_than_an_hour_is_forgotten() {
        let start_ms = 1_700_000_000_000;
        let mut ring = LatencyRing::default();
        assert_eq!(ring.summary(start_ms), LatencySummary::default());
        ring.record(start_ms, Create, 100);
        ring.record(start_ms, Delete, 10_000);
        ring.record(start_ms + SLOT_MS, Edit, 1_000);
        let now = ring.summary(start_ms + SLOT_MS);
        let medians = [now.create, now.edit, now.delete].map(|kind| kind.unwrap().p50_ms);
        for (found, exact) in medians.into_iter().zip([100, 1_000, 10_000]) {
            assert!(is_near(found, exact), "{found} for {exact}");
        }
        let later = ring.summary(start_ms + 12 * SLOT_MS);
        assert_eq!((later.create, later.delete), (None, None));
        assert_eq!(later.edit.unwrap().count, 1);
        // The slot of an hour ago is used anew.
        ring.record(start_ms + 12 * SLOT_MS, Create, 5);
        assert_eq!(
            ring.summary(start_ms + 12 * SLOT_MS).create.unwrap().count,
            1
        );
    }

    #[test]
    fn extremes_have_a_bucket() {
        let mut ring = LatencyRing::default();
        for latency in [i64::MIN, -1, 0, 1] {
            ring.record(0, Create, latency);
        }
        ring.record(0, Edit, i64::MAX);
        let summary = ring.summary(0);
        assert_eq!(summary.create.unwrap().p99_ms, 1);
        assert!(summary.edit.unwrap().p50_ms > 14 * 24 * 3_600_000);
    }
}
