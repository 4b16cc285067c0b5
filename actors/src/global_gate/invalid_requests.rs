//! The requests that Discord counts as invalid, and for whose number it bans an address: how many there were lately, who caused
//! them, and how much slower that makes us.

use super::forget;
use heliograph_schema::ids::ChannelId;
use std::collections::{HashMap, VecDeque};

/// Discord counts invalid requests over this long (documented).
const WINDOW_MS: i64 = 600_000;
/// Of the 10,000 that bring a ban: from here on one request in [`SLOW_SPACING_MS`] …
const SLOW: usize = 1_000;
/// … and from here on none until some are forgotten.
const STOP: usize = 5_000;
const SLOW_SPACING_MS: i64 = 1_000;
/// A target that caused so many of them may send …
const OFFENDER: usize = 100;
/// … one request in so long, until its own are forgotten.
const OFFENDER_PAUSE_MS: i64 = 60_000;

/// What somebody should know of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alarm {
    /// There are so many that all mirrors slow down.
    Slow,
    /// There are so many that all mirrors stop.
    Stop,
    /// This target causes so many that it is held back.
    Offender(ChannelId),
}

#[derive(Debug, Default)]
struct Caused {
    at_ms: VecDeque<i64>,
    /// Since there was none.
    is_told: bool,
}

/// Those of the window.
#[derive(Debug, Default)]
pub(super) struct InvalidRequests {
    all_ms: VecDeque<i64>,
    /// Of those that are the target's own doing.
    caused: HashMap<ChannelId, Caused>,
    alarms: Vec<Alarm>,
    /// The most that was told of them since there were few.
    told: usize,
}

impl InvalidRequests {
    /// One more. `cause` is the target when its own limits or rights were the reason, not the token or the address.
    pub(super) fn add(&mut self, now_ms: i64, cause: Option<ChannelId>) {
        self.forget(now_ms);
        self.all_ms.push_back(now_ms);
        if self.all_ms.len() > STOP {
            self.all_ms.pop_front();
        }
        // The number goes up and down around where it makes us slow: told is what is new.
        for (count, alarm) in [(SLOW, Alarm::Slow), (STOP, Alarm::Stop)] {
            if self.all_ms.len() >= count && self.told < count {
                self.told = count;
                self.alarms.push(alarm);
            }
        }
        let Some(target) = cause else { return };
        let caused = self.caused.entry(target).or_default();
        caused.at_ms.push_back(now_ms);
        if caused.at_ms.len() > OFFENDER {
            caused.at_ms.pop_front();
        }
        if caused.at_ms.len() == OFFENDER && !caused.is_told {
            caused.is_told = true;
            self.alarms.push(Alarm::Offender(target));
        }
    }

    /// Forgets what Discord has forgotten.
    pub(super) fn forget(&mut self, now_ms: i64) {
        let until_ms = now_ms - WINDOW_MS;
        let oldest_ms = self.all_ms.front().copied();
        forget(&mut self.all_ms, until_ms);
        if oldest_ms != self.all_ms.front().copied() {
            self.caused.retain(|_, caused| {
                forget(&mut caused.at_ms, until_ms);
                !caused.at_ms.is_empty()
            });
        }
        if self.all_ms.len() < SLOW / 2 {
            self.told = 0;
        }
    }

    pub(super) fn count(&self) -> usize {
        self.all_ms.len()
    }

    /// Crossings since the last call, each told once.
    pub(super) fn alarms(&mut self) -> Vec<Alarm> {
        std::mem::take(&mut self.alarms)
    }

    /// Until when nobody may send, when the last request went out at `last_ms`.
    pub(super) fn wall_ms(&self, now_ms: i64, last_ms: Option<i64>) -> i64 {
        match self.all_ms.len() {
            0..SLOW => i64::MIN,
            SLOW..STOP => last_ms.map_or(i64::MIN, |last_ms| last_ms + SLOW_SPACING_MS),
            _ => self
                .all_ms
                .front()
                .map_or(now_ms, |oldest_ms| oldest_ms + WINDOW_MS),
        }
    }

    /// Until when this target may not send.
    pub(super) fn offender_wall_ms(&self, target: ChannelId) -> i64 {
        let caused = self.caused.get(&target).map(|caused| &caused.at_ms);
        caused
            .filter(|at_ms| at_ms.len() >= OFFENDER)
            .and_then(|at_ms| {
                let forgotten_ms = at_ms.front()? + WINDOW_MS;
                Some(forgotten_ms.min(at_ms.back()? + OFFENDER_PAUSE_MS))
            })
            .unwrap_or(i64::MIN)
    }
}
