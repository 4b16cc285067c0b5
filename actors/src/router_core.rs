//! Order and deduplication: every visible change gets the next number of its channel, a change that was planned before gets
//! none, and the mappings say in which target channels a new signal is to stand. Gapless by construction; the writer's
//! transaction is the judge.

use crate::{
    messages::{Change, Counts, Planned, PlannedRevision, Route, Write},
    routing::RoutingTable,
};
use heliograph_schema::{
    frame::{Cursor, ServerFrame, SignalView},
    ids::{ChannelId, SignalId},
    signal::{RevisionKind, SignalState},
    store::signals::{Head, NewDelivery},
};
use std::collections::{HashMap, VecDeque};

/// Recently planned changes kept for deduplication, over all channels. Older ones are in the tables, where channels find them.
const PLANNED_REMEMBERED_MAX: usize = 65_536;

/// What the router knows in one term.
#[derive(Debug, Default)]
pub struct RouterCore {
    heads: HashMap<ChannelId, Head>,
    planned: HashMap<SignalId, i32>,
    planned_order: VecDeque<SignalId>,
    duplicates: u64,
}

impl RouterCore {
    /// Puts the changes of a route in their places. The plan is to be written under the same term or not at all.
    ///
    /// # Errors
    /// When a change cannot be said in JSON.
    pub fn plan(&mut self, table: &RoutingTable, route: Route) -> Result<Write, serde_json::Error> {
        let before = *self
            .heads
            .entry(route.opened_at.channel_id)
            .or_insert(route.opened_at);
        let mut after = before;
        let mut counts = route.counts;
        let mut changes = Vec::with_capacity(route.changes.len());
        for change in route.changes {
            if self.is_planned(&change) {
                duplicate(&mut counts);
                self.duplicates += 1;
                continue;
            }
            changes.push(place(
                table,
                route.forward,
                route.received.at_ms,
                &mut after,
                change,
            )?);
        }
        self.heads.insert(after.channel_id, after);
        Ok(Write {
            term: route.term,
            before,
            after,
            received: route.received,
            changes,
            keep: route.keep,
            counts,
            answer: route.answer,
        })
    }

    /// Whether this visible change was planned before; remembers it.
    fn is_planned(&mut self, change: &Change) -> bool {
        if change.kind.is_none() {
            return false;
        }
        let (signal_id, revision) = (change.state.signal_id, change.state.revision);
        match self.planned.insert(signal_id, revision) {
            Some(last) if last >= revision => {
                self.planned.insert(signal_id, last);
                return true;
            }
            Some(_) => {}
            None => self.planned_order.push_back(signal_id),
        }
        if self.planned_order.len() > PLANNED_REMEMBERED_MAX
            && let Some(oldest) = self.planned_order.pop_front()
        {
            self.planned.remove(&oldest);
        }
        false
    }

    /// Channels with a head in memory.
    pub fn channels(&self) -> usize {
        self.heads.len()
    }

    /// Changes dropped because they were planned before.
    pub fn duplicates(&self) -> u64 {
        self.duplicates
    }
}

fn duplicate(counts: &mut Counts) {
    counts.accepted = counts.accepted.saturating_sub(1);
    counts.deduped += 1;
}

fn place(
    table: &RoutingTable,
    forward: bool,
    accepted_at_ms: i64,
    head: &mut Head,
    change: Change,
) -> Result<Planned, serde_json::Error> {
    let Change { kind, state } = change;
    let signal_id = state.signal_id.get();
    head.newest_known_id = head.newest_known_id.max(signal_id);
    let state_json = serde_json::to_string(&*state)?;
    let Some(kind) = kind else {
        return Ok(Planned {
            state,
            state_json,
            revision: None,
            deliveries: Vec::new(),
        });
    };
    head.cursor.seq += 1;
    let is_create = kind == RevisionKind::Create;
    let late = is_create && signal_id < head.newest_created_id;
    if is_create {
        head.newest_created_id = head.newest_created_id.max(signal_id);
    }
    let frame = serde_json::to_string(&ServerFrame::Revision {
        channel_id: head.channel_id,
        place: head.cursor,
        kind,
        late,
        accepted_at_ms,
        signal: SignalView::of(&state),
    })?;
    let deliveries = if is_create && forward {
        deliveries(table, head.channel_id, &state)
    } else {
        Vec::new()
    };
    Ok(Planned {
        state,
        state_json,
        revision: Some(PlannedRevision {
            place: head.cursor,
            kind,
            frame,
        }),
        deliveries,
    })
}

/// Where a new signal is to stand. Later changes follow the deliveries that exist, whatever the mappings say by then.
fn deliveries(
    table: &RoutingTable,
    source_channel_id: ChannelId,
    state: &SignalState,
) -> Vec<NewDelivery> {
    let mappings = table
        .mappings
        .get(&source_channel_id)
        .map_or(&[][..], Vec::as_slice);
    let wanted = |mapping: &crate::routing::Mapping| NewDelivery {
        signal_id: state.signal_id,
        target_channel_id: mapping.target_channel_id,
        source_channel_id,
        mapping_id: mapping.mapping_id,
        ping_role_id: mapping.ping_role_id,
        rule_set_id: mapping.rule_set_id,
        desired_revision: state.revision,
    };
    mappings.iter().map(wanted).collect()
}

/// The place before the first revision of a channel's first epoch.
pub const BEFORE_ALL: Cursor = Cursor { epoch: 1, seq: 0 };

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{messages::Received, routing::Mapping};
    use heliograph_schema::ids::GuildId;
    use std::sync::Arc;
    use tokio::sync::oneshot;

    fn channel() -> ChannelId {
        ChannelId::new(8).unwrap()
    }

    fn change(signal: i64, revision: i32, kind: Option<RevisionKind>) -> Change {
        let (signal_id, guild_id) = (SignalId::new(signal).unwrap(), GuildId::new(9).unwrap());
        let state = SignalState {
            revision,
            ..SignalState::unknown(signal_id, channel(), guild_id)
        };
        Change {
            kind,
            state: Arc::new(state),
        }
    }

    fn head() -> Head {
        Head {
            channel_id: channel(),
            cursor: Cursor { epoch: 1, seq: 41 },
            newest_known_id: 50,
            newest_created_id: 50,
        }
    }

    fn route(forward: bool, changes: Vec<Change>) -> Route {
        let counts = Counts {
            accepted: u32::try_from(changes.len()).unwrap(),
            ..Counts::default()
        };
        Route {
            term: 3,
            opened_at: head(),
            forward,
            received: Received {
                at_ms: 1,
                at: std::time::Instant::now(),
            },
            changes,
            keep: None,
            counts,
            answer: oneshot::channel().0,
        }
    }

    fn table() -> RoutingTable {
        let target = |id, ping| Mapping {
            mapping_id: id,
            source_channel_id: channel(),
            target_channel_id: ChannelId::new(100 + id).unwrap(),
            tier: 0,
            ping_role_id: ping,
            rule_set_id: None,
            priority: 0,
        };
        RoutingTable {
            mappings: [(channel(), vec![target(1, None), target(2, None)])].into(),
            ..RoutingTable::default()
        }
    }

    const CREATE: Option<RevisionKind> = Some(RevisionKind::Create);
    const UPDATE: Option<RevisionKind> = Some(RevisionKind::Update);

    fn seqs(write: &Write) -> Vec<Option<i64>> {
        write
            .changes
            .iter()
            .map(|change| change.revision.as_ref().map(|r| r.place.seq))
            .collect()
    }

    #[test]
    fn visible_changes_get_dense_numbers_and_held_ones_none() {
        let mut core = RouterCore::default();
        let first = core
            .plan(
                &table(),
                route(
                    true,
                    vec![
                        change(51, 1, CREATE),
                        change(52, 0, None),
                        change(51, 2, UPDATE),
                    ],
                ),
            )
            .unwrap();
        assert_eq!(seqs(&first), [Some(42), None, Some(43)]);
        assert_eq!((first.before.cursor.seq, first.after.cursor.seq), (41, 43));
        assert_eq!(
            (first.after.newest_known_id, first.after.newest_created_id),
            (52, 51)
        );
        let second = core
            .plan(&table(), route(true, vec![change(53, 1, CREATE)]))
            .unwrap();
        assert_eq!(
            (second.before, seqs(&second)),
            (first.after, vec![Some(44)])
        );
    }

    #[test]
    fn what_was_planned_before_is_dropped_and_counted() {
        let mut core = RouterCore::default();
        core.plan(
            &table(),
            route(true, vec![change(51, 1, CREATE), change(51, 2, UPDATE)]),
        )
        .unwrap();
        let again = core
            .plan(
                &table(),
                route(
                    true,
                    vec![
                        change(51, 2, UPDATE),
                        change(51, 1, CREATE),
                        change(51, 3, UPDATE),
                    ],
                ),
            )
            .unwrap();
        assert_eq!(seqs(&again), [Some(44)]);
        assert_eq!(
            again.counts,
            Counts {
                accepted: 1,
                deduped: 2,
                held: 0
            }
        );
    }

    #[test]
    fn only_creates_of_forwarding_connectors_are_delivered_by_mapping() {
        let mut core = RouterCore::default();
        let write = core
            .plan(
                &table(),
                route(true, vec![change(51, 1, CREATE), change(51, 2, UPDATE)]),
            )
            .unwrap();
        assert_eq!(
            write
                .changes
                .iter()
                .map(|c| c.deliveries.len())
                .collect::<Vec<_>>(),
            [2, 0]
        );
        let write = core
            .plan(&table(), route(false, vec![change(52, 1, CREATE)]))
            .unwrap();
        assert!(write.changes[0].deliveries.is_empty());
    }

    #[test]
    fn a_create_below_the_newest_is_marked_late() {
        let mut core = RouterCore::default();
        let write = core
            .plan(
                &table(),
                route(
                    true,
                    vec![
                        change(40, 1, CREATE),
                        change(60, 1, CREATE),
                        change(60, 2, UPDATE),
                    ],
                ),
            )
            .unwrap();
        let late = |change: &Planned| {
            change
                .revision
                .as_ref()
                .unwrap()
                .frame
                .contains("\"late\":true")
        };
        assert_eq!(
            write.changes.iter().map(late).collect::<Vec<_>>(),
            [true, false, false]
        );
    }
}
