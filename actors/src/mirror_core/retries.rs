//! When something is tried again: later and later, at random, so that mirrors do not return all at once.

use super::{
    Effect, Flight, MirrorCore, Parked,
    planted::{Bug, planted},
};
use crate::messages::{Inspected, Obstacle};
use heliograph_schema::{delivery::Progress, ids::SignalId};

/// A target that refuses us is tried again after this long.
pub(super) const PARKED_PROBE_MS: i64 = 600_000;
/// A refused token as soon as the gate over all mirrors lets a request through, but not at once.
pub(super) const UNAUTHORIZED_PROBE_MS: i64 = 1_000;
const DOUBLINGS_MAX: u32 = 20;

impl MirrorCore {
    /// A failure that says nothing of the message: tried for ever, ever more slowly, and while it lasts the whole target goes
    /// slowly.
    pub(super) fn fault(
        &mut self,
        now_ms: i64,
        flight: &Flight,
        reason: String,
        effects: &mut Vec<Effect>,
    ) {
        self.counts.faults += 1;
        self.pause(now_ms, reason.clone());
        if let Some(signal_id) = flight.signal_id()
            && let Some(delivery) = self.delivery(signal_id)
        {
            delivery.faults += 1;
            let doublings = delivery.faults - 1;
            self.retry(now_ms, signal_id, doublings, reason, effects);
        }
    }

    pub(super) fn pause(&mut self, now_ms: i64, reason: String) {
        self.not_before_ms = now_ms + self.delay_ms(self.faults);
        self.faults += 1;
        self.failing = Some(reason);
    }

    pub(super) fn retry(
        &mut self,
        now_ms: i64,
        signal_id: SignalId,
        doublings: u32,
        error: String,
        effects: &mut Vec<Effect>,
    ) {
        let wait_ms = self.delay_ms(doublings);
        let Some(delivery) = self.delivery(signal_id) else {
            return;
        };
        delivery.not_before_ms = now_ms + wait_ms;
        let progress = Progress::Retrying {
            attempts: delivery.attempts,
            wait_ms,
            error,
        };
        let record = self.record_of(signal_id, None, progress);
        self.record(now_ms, vec![record], effects);
    }

    /// An obstacle is a better reason than a code, and the inspector tells when it is gone: what waits is then tried at once.
    pub(super) fn inspected(&mut self, now_ms: i64, inspected: Inspected) {
        match inspected.obstacle {
            Some(Obstacle(sentence)) => self.park(now_ms, PARKED_PROBE_MS, sentence),
            None => self.parked = None,
        }
    }

    pub(super) fn park(&mut self, now_ms: i64, probe_ms: i64, reason: String) {
        let probe_at_ms = match planted(Bug::ParkedForEver) {
            true => i64::MAX,
            false => now_ms + probe_ms,
        };
        self.parked = Some(Parked {
            reason,
            probe_at_ms,
        });
    }

    /// Between the least delay and the one that doubled so often, at random, so that mirrors do not return all at once.
    fn delay_ms(&mut self, doublings: u32) -> i64 {
        let (least, most) = (
            self.settings.retry_delay_ms_min.max(1),
            self.settings.retry_delay_ms_max.max(1),
        );
        let bound = least
            .saturating_mul(1 << doublings.min(DOUBLINGS_MAX))
            .min(most)
            .max(least);
        let spread = u64::try_from(bound - least).unwrap_or(0) + 1;
        least + i64::try_from(self.draw() % spread).unwrap_or(0)
    }

    /// The next number of a splitmix64 sequence.
    fn draw(&mut self) -> u64 {
        self.seed = self.seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.seed;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}
