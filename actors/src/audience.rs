//! To how many sessions the latest revisions were sent live: each hub counts its own, for people who follow one signal's way.
//! Bounded: what is older is not known any more. Replays are not counted.

use heliograph_schema::{frame::Cursor, ids::ChannelId};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

/// Revisions that each hub remembers.
const REVISIONS_MAX: usize = 4_096;

type Counts = VecDeque<(ChannelId, Cursor, usize)>;

/// What one hub has sent; a clone is the same count.
#[derive(Clone, Default)]
pub struct HubAudience(Arc<Mutex<Counts>>);

impl HubAudience {
    /// A revision went to so many sessions of this hub.
    pub fn count(&self, channel_id: ChannelId, place: Cursor, sessions: usize) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() >= REVISIONS_MAX {
            counts.pop_front();
        }
        counts.push_back((channel_id, place, sessions));
    }

    fn of(&self, channel_id: ChannelId, place: Cursor) -> Option<usize> {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let newest_first = counts.iter().rev();
        newest_first
            .filter(|(channel, at, _)| (*channel, *at) == (channel_id, place))
            .map(|(_, _, sessions)| *sessions)
            .next()
    }
}

/// What all hubs have sent; a clone is the same.
#[derive(Clone, Default)]
pub struct Audience(Arc<Mutex<Vec<HubAudience>>>);

impl Audience {
    /// The count of one more hub, for the rest of the process.
    pub fn of_new_hub(&self) -> HubAudience {
        let hub = HubAudience::default();
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(hub.clone());
        hub
    }

    /// To how many sessions this revision was sent; `None` when a hub does not know it any more, or never heard of it.
    pub fn of(&self, channel_id: ChannelId, place: Cursor) -> Option<u64> {
        let hubs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let counts = hubs.iter().map(|hub| hub.of(channel_id, place));
        let known = counts.sum::<Option<usize>>();
        known
            .filter(|_| !hubs.is_empty())
            .map(|sessions| sessions as u64)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn hubs_are_summed_up_as_long_as_all_of_them_know() {
        let (audience, channel) = (Audience::default(), ChannelId::new(1).unwrap());
        let at = |seq| Cursor { epoch: 1, seq };
        assert_eq!(audience.of(channel, at(1)), None);
        let (one, two) = (audience.of_new_hub(), audience.of_new_hub());
        one.count(channel, at(1), 3);
        assert_eq!(audience.of(channel, at(1)), None);
        two.count(channel, at(1), 0);
        assert_eq!(audience.of(channel, at(1)), Some(3));
        for seq in 2..2 + REVISIONS_MAX as i64 {
            two.count(channel, at(seq), 1);
        }
        assert_eq!(audience.of(channel, at(1)), None);
        assert_eq!(two.of(channel, at(2)), Some(1));
    }
}
