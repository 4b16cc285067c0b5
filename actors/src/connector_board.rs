//! What connectors said and sent in this process, to be looked at without asking anybody: one place for each, written by the
//! ingest listener with every request, read by the administration. What must outlive the process stands in the tables.

use crate::{
    observation::{Event, Observation},
    rate_core::Rate,
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
};

/// How a connector stands, as far as this process knows.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ConnectorStanding {
    /// The configuration version that it last said it works by: what it was given and asked with afterwards.
    pub applied_config_version: Option<i64>,
    /// Of the newest batch that told a time: from the newest thing in it to when it came in, in ms.
    pub lag_ms: Option<i64>,
    /// Items of its batches a second, over the last minute.
    pub events_per_s: f64,
    /// Items of its batches, whatever became of them.
    pub events: u64,
    /// Its batches.
    pub batches: u64,
    /// Items that were rejected.
    pub rejected: u64,
    /// When the newest batch came in, in ms since 1970.
    pub last_batch_at_ms: Option<i64>,
}

/// A batch that was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BatchTaken {
    /// When it was complete, in ms since 1970.
    pub received_at_ms: i64,
    /// See [`happened_at_ms`].
    pub happened_at_ms: Option<i64>,
    /// Items in it.
    pub events: u64,
    /// Items that were rejected.
    pub rejected: u64,
}

#[derive(Default)]
struct Shown {
    applied_config_version: Option<i64>,
    /// The newest discovery request that it has read.
    discovery_read: i64,
    lag_ms: Option<i64>,
    rate: Rate,
    events: u64,
    batches: u64,
    rejected: u64,
    last_batch_at_ms: Option<i64>,
}

/// The place of one connector; a clone is the same place.
#[derive(Clone, Default)]
pub struct ConnectorPlace(Arc<Mutex<Shown>>);

impl ConnectorPlace {
    fn shown(&self) -> MutexGuard<'_, Shown> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// It asks with the configuration of this version in hand, so it was given it before and works by it. A version beyond `newest`,
    /// the one that stands, was never given to anybody.
    pub fn asks_with(&self, config_version: i64, newest: i64) {
        if config_version <= newest {
            self.shown().applied_config_version = Some(config_version);
        }
    }

    /// It has read the discovery request with this number. `true` when that is new, and so to be written down.
    pub fn reads_discovery(&self, number: i64) -> bool {
        let mut shown = self.shown();
        let is_new = number > shown.discovery_read;
        if is_new {
            shown.discovery_read = number;
        }
        is_new
    }

    /// That it has read this request could not be written down: it counts as new again.
    pub fn forget_discovery(&self, number: i64) {
        let mut shown = self.shown();
        shown.discovery_read = shown.discovery_read.min(number - 1);
    }

    /// Whether it has read the discovery request with this number, in this process.
    pub fn has_read_discovery(&self, number: i64) -> bool {
        self.shown().discovery_read >= number
    }

    /// A batch of it was taken.
    pub fn takes(&self, batch: BatchTaken) {
        let mut shown = self.shown();
        if let Some(happened_at_ms) = batch.happened_at_ms {
            shown.lag_ms = Some(batch.received_at_ms.saturating_sub(happened_at_ms).max(0));
        }
        shown.rate.record(batch.received_at_ms, batch.events);
        shown.events += batch.events;
        shown.batches += 1;
        shown.rejected += batch.rejected;
        shown.last_batch_at_ms = Some(batch.received_at_ms);
    }

    fn standing(&self, now_ms: i64) -> ConnectorStanding {
        let shown = self.shown();
        ConnectorStanding {
            applied_config_version: shown.applied_config_version,
            lag_ms: shown.lag_ms,
            events_per_s: shown.rate.per_second(now_ms),
            events: shown.events,
            batches: shown.batches,
            rejected: shown.rejected,
            last_batch_at_ms: shown.last_batch_at_ms,
        }
    }
}

/// When the newest of these happened at the source, in ms since 1970; `None` when none of them tells.
pub fn happened_at_ms(observations: &[Observation]) -> Option<i64> {
    let moment = |said: &Observation| match said.event {
        Event::Create => Some(said.signal_id.created_at_ms()),
        // Without a stamp it is of any time after the creation.
        Event::Update => (said.stamp_ms > 0).then_some(said.stamp_ms),
        Event::Delete => said.deleted_at_ms,
    };
    observations.iter().filter_map(moment).max()
}

/// All places; a clone is the same board. Only connectors that proved who they are have one, so that it does not grow without
/// bound.
#[derive(Clone, Default)]
pub struct ConnectorBoard(Arc<RwLock<HashMap<String, ConnectorPlace>>>);

impl ConnectorBoard {
    /// The place of this connector, made when there is none.
    pub fn place(&self, connector_id: &str) -> ConnectorPlace {
        let known = self
            .0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(connector_id)
            .cloned();
        known.unwrap_or_else(|| {
            let mut places = self.0.write().unwrap_or_else(PoisonError::into_inner);
            places.entry(connector_id.to_owned()).or_default().clone()
        })
    }

    /// How this connector stands; of one that was not heard nothing is known.
    pub fn see(&self, connector_id: &str, now_ms: i64) -> ConnectorStanding {
        let places = self.0.read().unwrap_or_else(PoisonError::into_inner);
        places
            .get(connector_id)
            .map(|place| place.standing(now_ms))
            .unwrap_or_default()
    }

    /// This connector is no more: one with its name begins anew.
    pub fn forget(&self, connector_id: &str) {
        let mut places = self.0.write().unwrap_or_else(PoisonError::into_inner);
        places.remove(connector_id);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use heliograph_schema::{
        ids::{ChannelId, DISCORD_EPOCH_MS, GuildId, SignalId},
        signal::{Mentions, Text},
    };

    const NOW_MS: i64 = 1_800_000_000_000;

    #[test]
    fn a_connector_that_was_not_heard_has_no_standing() {
        let board = ConnectorBoard::default();
        assert_eq!(board.see("c", NOW_MS), ConnectorStanding::default());
    }

    #[test]
    fn what_it_asks_with_is_what_it_works_by() {
        let board = ConnectorBoard::default();
        let applied = || board.see("c", NOW_MS).applied_config_version;
        let place = board.place("c");
        // asked with, newest, applied then
        for (version, newest, expected) in [
            (4, 5, Some(4)),
            (5, 5, Some(5)),
            (99, 5, Some(5)),
            (3, 5, Some(3)),
        ] {
            place.asks_with(version, newest);
            assert_eq!(applied(), expected, "{version} of {newest}");
        }
        board.forget("c");
        assert_eq!(applied(), None);
    }

    #[test]
    fn a_discovery_request_is_read_once() {
        let place = ConnectorBoard::default().place("c");
        assert!(!place.has_read_discovery(1));
        assert!(place.reads_discovery(2));
        assert!(!place.reads_discovery(2) && !place.reads_discovery(1));
        assert!(place.has_read_discovery(1) && place.has_read_discovery(2));
        assert!(place.reads_discovery(3));
        place.forget_discovery(3);
        assert!(place.has_read_discovery(2) && !place.has_read_discovery(3));
        assert!(place.reads_discovery(3));
    }

    #[test]
    fn batches_add_up_and_the_newest_tells_the_lag() {
        let board = ConnectorBoard::default();
        let place = board.place("c");
        let batch = |received_at_ms, happened_at_ms, events, rejected| BatchTaken {
            received_at_ms,
            happened_at_ms,
            events,
            rejected,
        };
        place.takes(batch(NOW_MS, Some(NOW_MS - 250), 40, 1));
        place.takes(batch(NOW_MS + 500, None, 20, 2));
        let seen = board.see("c", NOW_MS + 600);
        assert_eq!(
            seen,
            ConnectorStanding {
                applied_config_version: None,
                lag_ms: Some(250),
                events_per_s: 1.0,
                events: 60,
                batches: 2,
                rejected: 3,
                last_batch_at_ms: Some(NOW_MS + 500),
            }
        );
        // The source's clock is ahead of ours.
        place.takes(batch(NOW_MS, Some(NOW_MS + 80), 0, 0));
        assert_eq!(board.see("c", NOW_MS).lag_ms, Some(0));
        assert_eq!(board.see("other", NOW_MS).events, 0);
    }

    #[test]
    fn a_batch_happened_when_its_newest_item_did() {
        let said = |event, made_at_ms: i64, stamp_ms, deleted_at_ms| Observation {
            index: 0,
            signal_id: SignalId::new((made_at_ms - DISCORD_EPOCH_MS) << 22).unwrap(),
            channel_id: ChannelId::new(1).unwrap(),
            guild_id: GuildId::new(1).unwrap(),
            thread_id: None,
            reply_to: None,
            event,
            stamp_ms,
            deleted_at_ms,
            author: None,
            text: Text::default(),
            embeds: Vec::new(),
            attachments: Vec::new(),
            mentions: Mentions::default(),
        };
        use Event::{Create, Delete, Update};
        let made = said(Create, NOW_MS - 90, 0, None);
        let edited = said(Update, NOW_MS - 9_000, NOW_MS - 40, None);
        let resolved = said(Update, NOW_MS - 5, 0, None);
        let deleted = said(Delete, NOW_MS - 9_000, 0, Some(NOW_MS - 60));
        let table = [
            (vec![], None),
            (vec![resolved.clone()], None),
            (vec![made.clone()], Some(NOW_MS - 90)),
            (vec![deleted.clone(), made.clone()], Some(NOW_MS - 60)),
            (vec![made, edited, deleted, resolved], Some(NOW_MS - 40)),
        ];
        for (observations, expected) in table {
            assert_eq!(happened_at_ms(&observations), expected, "{observations:?}");
        }
    }
}
