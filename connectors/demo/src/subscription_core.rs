//! What the runtime config makes of this connector: which channels it captures, whether it may send, and when a
//! snapshot is wanted. No clock and no socket.

use std::collections::BTreeMap;

use crate::contract::{RuntimeConfig, ThreadMode};
use crate::teller::Event;

/// What follows from a config.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Another set of source channels holds from now on.
    Sources {
        /// The config version that brought it.
        config_version: i64,
        /// How many channels are captured.
        captured: usize,
    },
    /// Sending was allowed or stopped.
    Sending {
        /// Whether it is allowed now.
        allowed: bool,
    },
    /// A snapshot has to be sent.
    SnapshotWanted {
        /// Version of the request.
        version: i64,
        /// Which guild's channels; `None`: guilds alone.
        guild_id: Option<String>,
    },
}

/// The state a connector keeps of its config. A new one captures nothing and may not send.
#[derive(Debug, Clone, Default)]
pub struct Subscription {
    config_version: Option<i64>,
    discovery_version: Option<i64>,
    sending: bool,
    captured: BTreeMap<String, ThreadMode>,
}

impl Subscription {
    /// Takes a config in. The first one only marks the discovery version: a request made before this connector
    /// started has been answered by its former life.
    pub fn apply(&mut self, config: &RuntimeConfig) -> Vec<Change> {
        let mut changes = Vec::new();
        if self.config_version != Some(config.config_version) {
            self.config_version = Some(config.config_version);
            self.captured = config
                .sources
                .iter()
                .filter(|source| source.is_source && source.is_enabled)
                .map(|source| (source.channel_id.clone(), source.thread_mode))
                .collect();
            let captured = self.captured.len();
            changes.push(Change::Sources {
                config_version: config.config_version,
                captured,
            });
        }
        let allowed = config.ingest_enabled && config.status == "active";
        if self.sending != allowed {
            self.sending = allowed;
            changes.push(Change::Sending { allowed });
        }
        let requested = config
            .discovery_request
            .as_ref()
            .map_or(0, |request| request.version);
        match self.discovery_version {
            // A paused connector is refused: the request stays open until it may send again.
            Some(seen) if requested > seen && allowed => {
                self.discovery_version = Some(requested);
                let guild_id = config
                    .discovery_request
                    .as_ref()
                    .and_then(|request| request.guild_id.clone());
                changes.push(Change::SnapshotWanted {
                    version: requested,
                    guild_id,
                });
            }
            Some(_) => {}
            None => self.discovery_version = Some(requested),
        }
        changes
    }

    /// Whether there is anything to capture at all.
    #[must_use]
    pub fn is_listening(&self) -> bool {
        self.sending && !self.captured.is_empty()
    }

    /// Whether an event is to be captured now.
    #[must_use]
    pub fn wants(&self, event: &Event) -> bool {
        self.sending
            && match self.captured.get(event.channel_id) {
                None => false,
                Some(ThreadMode::Include) => true,
                Some(ThreadMode::Exclude) => !event.in_thread,
                Some(ThreadMode::Only) => event.in_thread,
            }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;
    use crate::day_core::Day;
    use crate::guilds::source_channels;

    fn config(
        version: i64,
        discovery: Option<(i64, Option<&str>)>,
        status: &str,
        mode: &str,
    ) -> RuntimeConfig {
        let [futures, fx, ..] = source_channels();
        serde_json::from_value(json!({
            "connector_id": "demo", "tenant_key": "demo", "status": status, "config_version": version,
            "ingest_enabled": true, "forward_enabled": true, "a_later_field": [1],
            "discovery_request": discovery.map(|(version, guild_id)| {
                json!({"version": version, "guild_id": guild_id, "requested_at": 1_750_000_000_000_u64})
            }),
            "sources": [
                {"guild_id": futures.guild_id, "channel_id": futures.id, "is_source": true, "is_target": false,
                 "thread_mode": mode, "is_enabled": true},
                {"guild_id": fx.guild_id, "channel_id": fx.id, "is_source": true, "is_target": false,
                 "thread_mode": "include", "is_enabled": false},
            ],
            "mappings": [],
        }))
        .unwrap()
    }

    #[test]
    fn sources_follow_the_config_version_alone() {
        let mut subscription = Subscription::default();
        let first = subscription.apply(&config(3, None, "active", "include"));
        assert_eq!(
            first,
            [
                Change::Sources {
                    config_version: 3,
                    captured: 1
                },
                Change::Sending { allowed: true }
            ]
        );
        assert_eq!(
            subscription.apply(&config(3, None, "active", "exclude")),
            []
        );
        assert_eq!(
            subscription.apply(&config(4, None, "active", "exclude")),
            [Change::Sources {
                config_version: 4,
                captured: 1
            }]
        );
        assert_eq!(
            subscription.apply(&config(4, None, "paused", "exclude")),
            [Change::Sending { allowed: false }]
        );
    }

    #[test]
    fn only_a_request_made_after_the_start_is_answered_and_only_once() {
        let mut subscription = Subscription::default();
        let wanted = |subscription: &mut Subscription, request| {
            subscription
                .apply(&config(1, request, "active", "include"))
                .into_iter()
                .filter(|change| matches!(change, Change::SnapshotWanted { .. }))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            wanted(&mut subscription, Some((7, None))),
            [],
            "made before the start"
        );
        assert_eq!(wanted(&mut subscription, Some((7, None))), []);
        let all = Change::SnapshotWanted {
            version: 8,
            guild_id: None,
        };
        assert_eq!(wanted(&mut subscription, Some((8, None))), [all]);
        assert_eq!(wanted(&mut subscription, Some((8, None))), []);
        let one = Change::SnapshotWanted {
            version: 10,
            guild_id: Some("42".to_owned()),
        };
        assert_eq!(wanted(&mut subscription, Some((10, Some("42")))), [one]);
        assert_eq!(
            wanted(&mut subscription, Some((9, None))),
            [],
            "an old one seen late"
        );

        let paused = config(1, Some((11, None)), "paused", "include");
        assert_eq!(
            subscription.apply(&paused),
            [Change::Sending { allowed: false }]
        );
        let later = Change::SnapshotWanted {
            version: 11,
            guild_id: None,
        };
        assert_eq!(
            wanted(&mut subscription, Some((11, None))),
            [later],
            "made in a pause, answered after it"
        );

        let mut fresh = Subscription::default();
        assert_eq!(wanted(&mut fresh, None), []);
        let first = Change::SnapshotWanted {
            version: 1,
            guild_id: None,
        };
        assert_eq!(
            wanted(&mut fresh, Some((1, None))),
            [first],
            "the first request ever made"
        );
    }

    #[test]
    fn thread_modes_choose_between_channel_and_threads() {
        let futures = source_channels()[0].id;
        let heard = |mode: &str, status: &str| {
            let mut subscription = Subscription::default();
            subscription.apply(&config(1, None, status, mode));
            let wanted: Vec<Event> = Day::new(2, &source_channels(), 1_750_000_000_000)
                .take(2_000)
                .filter(|event| subscription.wants(event))
                .collect();
            assert!(wanted.iter().all(|event| event.channel_id == futures));
            let threads = wanted.iter().filter(|event| event.in_thread).count();
            (wanted.len() > threads, threads > 0)
        };
        assert_eq!(heard("include", "active"), (true, true));
        assert_eq!(heard("exclude", "active"), (true, false));
        assert_eq!(heard("only", "active"), (false, true));
        assert_eq!(heard("include", "paused"), (false, false));
        assert!(
            !Subscription::default().wants(&Day::new(2, &source_channels(), 0).next().unwrap())
        );
    }
}
