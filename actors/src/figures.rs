//! Where the way of signals is counted: whoever commits, sends or posts adds to counters of its own, without a lock, and whoever
//! looks puts them into the series of the last day. Knows no clock of the day: moments come in.

use crate::{
    buckets_core::{BUCKETS, Counts, bucket},
    series_core::{Heard, Minute, Point, Series},
};
use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

/// Counts durations; a clone counts into the same place. Each thread that counts often has one of its own.
#[derive(Clone)]
pub struct Recorder(Arc<[AtomicU64; BUCKETS]>);

impl Default for Recorder {
    fn default() -> Self {
        Self(Arc::new(std::array::from_fn(|_| AtomicU64::new(0))))
    }
}

impl Recorder {
    /// So many took this long.
    pub fn record(&self, took: Duration, count: u64) {
        let us = i64::try_from(took.as_micros()).unwrap_or(i64::MAX);
        self.0[usize::from(bucket(us))].fetch_add(count, Relaxed);
    }

    fn take_into(&self, counts: &mut Counts) {
        for (at, cell) in (0..=u8::MAX).zip(self.0.iter()) {
            // Most are empty: a look costs less than a swap.
            if cell.load(Relaxed) > 0 {
                counts.add(at, cell.swap(0, Relaxed));
            }
        }
    }
}

/// How much there was since the process began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Changes that were committed.
    pub accepted: u64,
    /// Signals whose first message stood.
    pub posted: u64,
}

#[derive(Default)]
struct Inner {
    accepted: AtomicU64,
    posted: AtomicU64,
    discord: Recorder,
    screens: Mutex<Vec<Recorder>>,
    series: Mutex<Looked>,
}

#[derive(Default)]
struct Looked {
    series: Series,
    /// What of the totals is in it.
    seen: Totals,
}

/// All counters; a clone is the same.
#[derive(Clone, Default)]
pub struct Figures(Arc<Inner>);

impl Figures {
    /// So many changes were committed.
    pub fn accepted(&self, changes: u64) {
        self.0.accepted.fetch_add(changes, Relaxed);
    }

    /// Discord has answered the post of a signal's first message, so long after the signal was received.
    pub fn posted(&self, took: Duration) {
        self.0.posted.fetch_add(1, Relaxed);
        self.0.discord.record(took, 1);
    }

    /// For one more hub, for the rest of the process: how long until its sessions had what was received.
    pub fn of_new_hub(&self) -> Recorder {
        let recorder = Recorder::default();
        let mut screens = self
            .0
            .screens
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        screens.push(recorder.clone());
        recorder
    }

    /// How much there was since the process began.
    pub fn totals(&self) -> Totals {
        Totals {
            accepted: self.0.accepted.load(Relaxed),
            posted: self.0.posted.load(Relaxed),
        }
    }

    /// The last so many minutes, the running one included; oldest first.
    pub fn points(&self, now_ms: i64, minutes: usize) -> Vec<Point> {
        self.looked(now_ms).series.points(minutes)
    }

    /// The minute that runs.
    pub fn running(&self, now_ms: i64) -> Point {
        self.looked(now_ms).series.running()
    }

    /// Minutes that are over and not written down; with `all` also what the running one has so far.
    pub fn take_unwritten(&self, now_ms: i64, all: bool) -> Vec<Minute> {
        let mut looked = self.looked(now_ms);
        if all {
            looked.series.end_running();
        }
        looked.series.take_unwritten()
    }

    /// They could not be written down.
    pub fn give_back(&self, minutes: Vec<Minute>) {
        self.lock().series.give_back(minutes);
    }

    /// What earlier lives of the process have written down.
    pub fn learn(&self, minutes: Vec<Minute>) {
        self.lock().series.learn(minutes);
    }

    fn lock(&self) -> MutexGuard<'_, Looked> {
        self.0.series.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn looked(&self, now_ms: i64) -> MutexGuard<'_, Looked> {
        let mut looked = self.lock();
        let totals = self.totals();
        let mut heard = Heard {
            accepted: totals.accepted - looked.seen.accepted,
            posted: totals.posted - looked.seen.posted,
            ..Heard::default()
        };
        looked.seen = totals;
        self.0.discord.take_into(&mut heard.discord);
        let screens = self
            .0
            .screens
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        for screen in screens.iter() {
            screen.take_into(&mut heard.screen);
        }
        looked.series.add(now_ms, &heard);
        looked
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_all_count_is_in_the_running_minute_once() {
        let figures = Figures::default();
        let (one, two) = (figures.of_new_hub(), figures.of_new_hub());
        figures.accepted(3);
        figures.posted(Duration::from_millis(250));
        one.record(Duration::from_micros(700), 5);
        two.record(Duration::from_micros(700), 2);
        let running = figures.running(60_000);
        assert_eq!((running.accepted, running.posted), (3, 1));
        assert_eq!(running.screen.unwrap().count, 7);
        assert!((0.66..0.74).contains(&running.screen.unwrap().p95_ms));
        assert_eq!(running.discord.unwrap().count, 1);
        assert_eq!(figures.running(60_001), running);
        assert_eq!(
            figures.totals(),
            Totals {
                accepted: 3,
                posted: 1
            }
        );
        assert_eq!(figures.take_unwritten(60_002, false), []);
        assert_eq!(figures.take_unwritten(120_000, false).len(), 1);
    }

    #[test]
    fn the_last_bucket_is_counted_too() {
        let recorder = Recorder::default();
        recorder.record(Duration::MAX, 1);
        recorder.record(Duration::ZERO, 1);
        let mut counts = Counts::default();
        recorder.take_into(&mut counts);
        assert_eq!(counts.total(), 2);
        recorder.take_into(&mut counts);
        assert_eq!(counts.total(), 2);
    }
}
