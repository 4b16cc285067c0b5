//! Figures of the last day by the minute: how much was accepted and posted, and how long it took until sessions and Discord had it.
//! A minute that is over keeps its percentiles alone. Bounded, and a quiet day costs nothing. Knows no clock: moments come in.

use crate::buckets_core::Counts;
use serde::Serialize;
use std::collections::VecDeque;

/// Length of a slot.
pub const SLOT_MS: i64 = 60_000;
/// Slots that are kept: together a day.
pub const SLOTS_KEPT: usize = 1_440;

/// What was counted since the last time. Durations in microseconds.
#[derive(Debug, Clone, Default)]
pub struct Heard {
    /// Changes that were committed.
    pub accepted: u64,
    /// Signals whose first message stood.
    pub posted: u64,
    /// From received at ingest until sessions had it; each session counts.
    pub screen: Counts,
    /// From received at ingest until Discord had answered the post.
    pub discord: Counts,
}

impl Heard {
    fn add(&mut self, more: &Self) {
        self.accepted += more.accepted;
        self.posted += more.posted;
        self.screen.add_all(&more.screen);
        self.discord.add_all(&more.discord);
    }

    fn minute(&self, number: i64) -> Minute {
        Minute {
            number,
            accepted: self.accepted,
            posted: self.posted,
            screen: Spread::of(&self.screen),
            discord: Spread::of(&self.discord),
        }
    }
}

/// How long something took, in milliseconds, right to 5 %.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Spread {
    /// How many there were.
    pub count: u64,
    /// Half of them took no longer.
    pub p50_ms: f32,
    /// 95 of 100 took no longer.
    pub p95_ms: f32,
    /// 99 of 100 took no longer.
    pub p99_ms: f32,
}

impl Spread {
    fn of(counts: &Counts) -> Option<Self> {
        let ms = |percent| {
            let us = counts.percentile(percent)?;
            // A day of microseconds has fewer digits than are lost here.
            #[allow(clippy::cast_possible_truncation)]
            Some((us as f64 / 1_000.0) as f32)
        };
        Some(Self {
            count: counts.total(),
            p50_ms: ms(50)?,
            p95_ms: ms(95)?,
            p99_ms: ms(99)?,
        })
    }

    /// Of two parts of a minute whose buckets are gone: each percentile by weight, which is near and not exact.
    fn and(self, other: Self) -> Self {
        let count = self.count + other.count;
        let weight = other.count as f32 / count.max(1) as f32;
        let between = |a: f32, b: f32| a + (b - a) * weight;
        Self {
            count,
            p50_ms: between(self.p50_ms, other.p50_ms),
            p95_ms: between(self.p95_ms, other.p95_ms),
            p99_ms: between(self.p99_ms, other.p99_ms),
        }
    }
}

/// One minute.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Minute {
    /// Minutes since 1970.
    pub number: i64,
    /// See [`Heard`].
    pub accepted: u64,
    /// See [`Heard`].
    pub posted: u64,
    /// See [`Heard`].
    pub screen: Option<Spread>,
    /// See [`Heard`].
    pub discord: Option<Spread>,
}

impl Minute {
    fn is_quiet(&self) -> bool {
        self.accepted == 0 && self.posted == 0 && self.screen.is_none() && self.discord.is_none()
    }

    fn add(&mut self, other: &Self) {
        let both = |a: Option<Spread>, b: Option<Spread>| match (a, b) {
            (Some(a), Some(b)) => Some(a.and(b)),
            (one, other) => one.or(other),
        };
        self.accepted += other.accepted;
        self.posted += other.posted;
        self.screen = both(self.screen, other.screen);
        self.discord = both(self.discord, other.discord);
    }
}

/// A minute as charts show it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Point {
    /// When it began.
    pub at_ms: i64,
    /// See [`Heard`].
    pub accepted: u64,
    /// See [`Heard`].
    pub posted: u64,
    /// See [`Heard`]; `None`: no session was told anything.
    pub screen: Option<Spread>,
    /// See [`Heard`]; `None`: nothing was posted.
    pub discord: Option<Spread>,
}

impl From<Minute> for Point {
    fn from(minute: Minute) -> Self {
        Self {
            at_ms: minute.number * SLOT_MS,
            accepted: minute.accepted,
            posted: minute.posted,
            screen: minute.screen,
            discord: minute.discord,
        }
    }
}

/// The last day.
#[derive(Debug, Default)]
pub struct Series {
    /// Minutes that are over and were not quiet, oldest first.
    over: VecDeque<Minute>,
    /// Those of them that are still to be written down.
    unwritten: VecDeque<Minute>,
    /// The minute that runs.
    number: i64,
    running: Heard,
}

impl Series {
    /// Counts what was heard until now, and ends the running minute when it is over.
    pub fn add(&mut self, now_ms: i64, heard: &Heard) {
        let number = now_ms.div_euclid(SLOT_MS);
        // A clock that goes back counts in the minute that runs.
        if number > self.number {
            self.end_running();
            self.number = number;
        }
        self.running.add(heard);
    }

    /// Ends the running minute before it is over.
    pub fn end_running(&mut self) {
        let minute = std::mem::take(&mut self.running).minute(self.number);
        if !minute.is_quiet() {
            self.keep(minute);
            self.unwritten.push_back(minute);
        }
        while self.unwritten.len() > SLOTS_KEPT {
            self.unwritten.pop_front();
        }
    }

    /// What is to be written down, once.
    pub fn take_unwritten(&mut self) -> Vec<Minute> {
        self.unwritten.drain(..).collect()
    }

    /// It could not be written down.
    pub fn give_back(&mut self, minutes: Vec<Minute>) {
        for minute in minutes.into_iter().rev() {
            if self.unwritten.len() < SLOTS_KEPT {
                self.unwritten.push_front(minute);
            }
        }
    }

    /// What earlier lives of the process have written down.
    pub fn learn(&mut self, minutes: impl IntoIterator<Item = Minute>) {
        for minute in minutes {
            self.keep(minute);
        }
    }

    fn keep(&mut self, minute: Minute) {
        match self
            .over
            .binary_search_by_key(&minute.number, |known| known.number)
        {
            Ok(at) => self.over[at].add(&minute),
            Err(at) => self.over.insert(at, minute),
        }
        while self.over.len() > SLOTS_KEPT {
            self.over.pop_front();
        }
    }

    /// The minute that runs.
    pub fn running(&self) -> Point {
        let mut minute = self.running.minute(self.number);
        if let Ok(at) = self
            .over
            .binary_search_by_key(&self.number, |known| known.number)
        {
            minute.add(&self.over[at]);
        }
        minute.into()
    }

    /// The last so many minutes with the running one as the last, oldest first, quiet ones filled in.
    pub fn points(&self, minutes: usize) -> Vec<Point> {
        let wanted = i64::try_from(minutes.min(SLOTS_KEPT)).unwrap_or(i64::MAX);
        let first = self.number - wanted + 1;
        let mut points: Vec<Point> = (first..=self.number)
            .map(|number| {
                Minute {
                    number,
                    ..Minute::default()
                }
                .into()
            })
            .collect();
        for minute in self.over.iter().filter(|minute| minute.number >= first) {
            if let Ok(at) = usize::try_from(minute.number - first)
                && let Some(point) = points.get_mut(at)
            {
                *point = (*minute).into();
            }
        }
        if let Some(last) = points.last_mut() {
            *last = self.running();
        }
        points
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::buckets_core::bucket;

    const START_MS: i64 = 1_700_000_040_000;

    fn heard(accepted: u64, screen_us: &[i64]) -> Heard {
        let mut heard = Heard {
            accepted,
            ..Heard::default()
        };
        for us in screen_us {
            heard.screen.add(bucket(*us), 1);
        }
        heard
    }

    #[test]
    fn a_minute_ends_with_the_first_word_of_the_next() {
        let mut series = Series::default();
        series.add(START_MS, &heard(1, &[400]));
        series.add(START_MS + 59_999, &heard(2, &[800, 900]));
        assert_eq!(series.take_unwritten(), []);
        assert_eq!(
            (series.running().at_ms, series.running().accepted),
            (START_MS, 3)
        );
        // Two quiet minutes are neither kept nor written.
        series.add(START_MS + 180_000, &heard(5, &[]));
        let written = series.take_unwritten();
        assert_eq!(written.len(), 1);
        assert_eq!(
            (written[0].number, written[0].accepted),
            (START_MS / SLOT_MS, 3)
        );
        let screen = written[0].screen.unwrap();
        assert_eq!(screen.count, 3);
        // Below a millisecond the figures are apart.
        assert!((0.76..0.84).contains(&screen.p50_ms), "{screen:?}");
        assert!((0.85..0.95).contains(&screen.p99_ms), "{screen:?}");
        assert_eq!(series.take_unwritten(), []);
        let accepted: Vec<u64> = series
            .points(5)
            .iter()
            .map(|point| point.accepted)
            .collect();
        assert_eq!(accepted, [0, 3, 0, 0, 5]);
        let first = series.points(5)[0];
        assert_eq!(first.at_ms, START_MS - SLOT_MS);
    }

    #[test]
    fn what_earlier_lives_wrote_is_joined_with_what_this_one_counts() {
        let mut series = Series::default();
        let number = START_MS / SLOT_MS;
        let spread = |count, ms| {
            Some(Spread {
                count,
                p50_ms: ms,
                p95_ms: ms,
                p99_ms: ms,
            })
        };
        let before = Minute {
            number,
            accepted: 4,
            posted: 1,
            screen: None,
            discord: spread(3, 100.0),
        };
        series.add(START_MS, &heard(1, &[1_000]));
        series.learn([before]);
        let running = series.running();
        assert_eq!((running.accepted, running.posted), (5, 1));
        assert_eq!(running.discord, spread(3, 100.0));
        series.end_running();
        assert_eq!(series.take_unwritten()[0].accepted, 1, "only what is new");
        assert_eq!(series.points(1)[0].accepted, 5);
        let joined = spread(1, 10.0).unwrap().and(spread(3, 50.0).unwrap());
        assert_eq!((joined.count, joined.p50_ms), (4, 40.0));
    }

    #[test]
    fn a_day_is_kept_and_no_more() {
        let mut series = Series::default();
        for minute in 0..2_000 {
            series.add(START_MS + minute * SLOT_MS, &heard(1, &[]));
        }
        let day = series.points(usize::MAX);
        assert_eq!(day.len(), SLOTS_KEPT);
        assert!(day.iter().all(|point| point.accepted == 1));
        let unwritten = series.take_unwritten();
        assert_eq!(unwritten.len(), SLOTS_KEPT);
        series.give_back(unwritten.clone());
        assert_eq!(series.take_unwritten(), unwritten);
    }

    #[test]
    fn a_clock_that_goes_back_changes_no_minute_that_is_over() {
        let mut series = Series::default();
        series.add(START_MS, &heard(1, &[]));
        series.add(START_MS - 3 * SLOT_MS, &heard(1, &[]));
        assert_eq!(series.running().accepted, 2);
        assert_eq!(series.take_unwritten(), []);
    }
}
