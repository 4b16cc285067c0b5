//! Where mirrors show how they stand, to be looked at without asking them: one place for each, written by its mirror, read by
//! the administration. A place outlives the generations of its mirror.

use crate::{
    latency_core::{LatencyKind, LatencyRing, LatencySummary},
    mirror_core::Standing,
    vitals::{LifeState, Vitals},
};
use heliograph_schema::ids::ChannelId;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
};

/// The place of one mirror; a clone is the same place.
#[derive(Clone, Default)]
pub struct MirrorPlace(Arc<Mutex<Shown>>);

#[derive(Default)]
struct Shown {
    standing: Option<Standing>,
    latencies: LatencyRing,
}

impl MirrorPlace {
    fn shown(&self) -> MutexGuard<'_, Shown> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// This is how it stands.
    pub fn show(&self, standing: Standing) {
        self.shown().standing = Some(standing);
    }

    /// Something is done that was committed so long ago.
    pub fn record(&self, now_ms: i64, kind: LatencyKind, latency_ms: i64) {
        self.shown().latencies.record(now_ms, kind, latency_ms);
    }
}

/// A mirror, as it is seen from outside.
#[derive(Debug, Clone)]
pub struct MirrorSeen {
    /// Whether the actor itself lives.
    pub life: LifeState,
    /// What its last life ended with.
    pub last_panic: Option<String>,
    /// What it showed last; `None` before it has shown anything.
    pub standing: Option<Standing>,
    /// From commit to done over the last hour.
    pub latencies: LatencySummary,
}

struct Entry {
    vitals: Arc<Vitals>,
    place: MirrorPlace,
}

/// All places; a clone is the same board.
#[derive(Clone, Default)]
pub struct MirrorBoard(Arc<RwLock<HashMap<ChannelId, Entry>>>);

impl MirrorBoard {
    /// The place of the mirror that these vitals are of. Places of mirrors that were stopped are given up.
    pub fn place(&self, target: ChannelId, vitals: &Arc<Vitals>) -> MirrorPlace {
        let mut entries = self.0.write().unwrap_or_else(PoisonError::into_inner);
        entries.retain(|_, entry| entry.vitals.state() != LifeState::Stopped);
        let place = MirrorPlace::default();
        let entry = Entry {
            vitals: vitals.clone(),
            place: place.clone(),
        };
        entries.insert(target, entry);
        place
    }

    /// How the mirror of a target stands; `None` when there is none.
    pub fn see(&self, target: ChannelId, now_ms: i64) -> Option<MirrorSeen> {
        let entries = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let entry = entries.get(&target)?;
        let life = entry.vitals.state();
        if life == LifeState::Stopped {
            return None;
        }
        let shown = entry.place.shown();
        Some(MirrorSeen {
            life,
            last_panic: entry.vitals.last_panic(),
            standing: shown.standing.clone(),
            latencies: shown.latencies.summary(now_ms),
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{mirror_core::State, vitals::Kind};

    fn standing(state: State) -> Standing {
        Standing {
            state,
            reason: None,
            backlog: 3,
            behind: false,
            oldest_age_ms: None,
            limited_until_ms: None,
            counts: crate::mirror_core::Counts::default(),
        }
    }

    #[test]
    fn what_a_mirror_shows_is_seen_until_it_is_stopped() {
        let (board, target) = (MirrorBoard::default(), ChannelId::new(7).unwrap());
        assert!(board.see(target, 0).is_none());
        let vitals = Vitals::new("mirror/7", Kind::Mirror, 1);
        let place = board.place(target, &vitals);
        assert!(board.see(target, 0).unwrap().standing.is_none());
        place.show(standing(State::Failing));
        place.record(0, LatencyKind::Edit, 5);
        let seen = board.see(target, 0).unwrap();
        assert_eq!(seen.standing, Some(standing(State::Failing)));
        assert_eq!(seen.latencies.edit.unwrap().count, 1);
        vitals.record_panic("boom".to_owned());
        vitals.set_state(LifeState::Parked);
        let seen = board.see(target, 0).unwrap();
        assert_eq!(
            (seen.life, seen.last_panic.as_deref()),
            (LifeState::Parked, Some("boom"))
        );
        vitals.set_state(LifeState::Stopped);
        assert!(board.see(target, 0).is_none());
    }
}
