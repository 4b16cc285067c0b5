//! The tables as a mirror needs them, in memory: what is committed survives a crash, nothing else does.

use heliograph_schema::{
    delivery::{
        DeliveryRecord, PartChange, PendingDelivery, PendingPage, PostedPart, Progress,
        WantedDelivery,
    },
    ids::{MessageId, SignalId},
    signal::SignalState,
};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
};

#[derive(Debug)]
pub(super) struct Row {
    pub(super) signal_id: SignalId,
    pub(super) ordinal: i64,
    /// It was put there long after it was said, and no commit told of it.
    pub(super) is_filled_in: bool,
    /// From revision 1 on.
    pub(super) revisions: Vec<Arc<SignalState>>,
    pub(super) delivered_revision: i32,
    pub(super) state: char,
    /// Since when there is work to do.
    wanted_ms: i64,
    planned_ms: i64,
    pub(super) attempts: u32,
    pub(super) next_attempt_ms: Option<i64>,
    pub(super) note: Option<String>,
    pub(super) parts: BTreeMap<u16, PostedPart>,
}

impl Row {
    pub(super) fn desired_revision(&self) -> i32 {
        i32::try_from(self.revisions.len()).unwrap()
    }

    pub(super) fn latest(&self) -> &Arc<SignalState> {
        self.revisions.last().unwrap()
    }
}

/// The rows of one target channel.
#[derive(Debug, Default)]
pub(super) struct Table {
    /// By ordinal, from 1.
    pub(super) rows: Vec<Row>,
    places: HashMap<SignalId, usize>,
    pending: BTreeSet<usize>,
    recorded: HashSet<MessageId>,
    /// A person has paused the channel.
    pub(super) is_paused: bool,
}

impl Table {
    /// A commit of the store writer.
    pub(super) fn want(&mut self, at_ms: i64, state: SignalState) -> WantedDelivery {
        let place = *self
            .places
            .entry(state.signal_id)
            .or_insert(self.rows.len());
        if place == self.rows.len() {
            self.rows.push(Row {
                signal_id: state.signal_id,
                ordinal: place as i64 + 1,
                is_filled_in: false,
                revisions: Vec::new(),
                delivered_revision: 0,
                state: 'p',
                wanted_ms: at_ms,
                planned_ms: at_ms,
                attempts: 0,
                next_attempt_ms: None,
                note: None,
                parts: BTreeMap::new(),
            });
        }
        let row = &mut self.rows[place];
        let signal = Arc::new(state);
        row.revisions.push(signal.clone());
        if row.state != 'p' {
            row.wanted_ms = at_ms;
        }
        (row.state, row.attempts, row.next_attempt_ms) = ('p', 0, None);
        self.pending.insert(place);
        WantedDelivery {
            signal,
            mapping_id: 1,
            ping_role_id: None,
            rule_set_id: None,
            ordinal: row.ordinal,
            desired_revision: row.desired_revision(),
            committed_at: None,
            received_at: None,
        }
    }

    /// A row that is put there with all that became of its signal.
    pub(super) fn fill_in(&mut self, now_ms: i64, revisions: Vec<SignalState>) {
        for state in revisions {
            self.want(now_ms, state);
        }
        if let Some(row) = self.rows.last_mut() {
            row.is_filled_in = true;
        }
    }

    /// A commit of the ledger.
    pub(super) fn record(&mut self, now_ms: i64, records: &[DeliveryRecord]) {
        for record in records {
            let place = self.places[&record.signal_id];
            let row = &mut self.rows[place];
            match &record.change {
                Some(PartChange::Stands(part)) => {
                    self.recorded.insert(part.message_id);
                    if let Some(before) = row.parts.insert(part.part, part.clone())
                        && before.message_id != part.message_id
                    {
                        self.recorded.remove(&before.message_id);
                    }
                }
                Some(PartChange::Removed { part }) => {
                    if let Some(before) = row.parts.remove(part) {
                        self.recorded.remove(&before.message_id);
                    }
                }
                None => {}
            }
            let desired = row.desired_revision();
            row.next_attempt_ms = None;
            match &record.progress {
                Progress::Working => {}
                Progress::Delivered { revision, note } => {
                    row.delivered_revision = row.delivered_revision.max(*revision);
                    (row.attempts, row.wanted_ms) = (0, now_ms);
                    row.note.clone_from(note);
                    row.state = if desired > *revision { row.state } else { 'd' };
                }
                Progress::Retrying {
                    attempts, wait_ms, ..
                } => {
                    (row.attempts, row.next_attempt_ms) = (*attempts, Some(now_ms + wait_ms));
                }
                Progress::Dead {
                    revision, attempts, ..
                } => {
                    row.attempts = *attempts;
                    row.state = if desired > *revision { row.state } else { 'x' };
                }
            }
            if row.state != 'p' {
                self.pending.remove(&place);
            }
        }
    }

    /// Somebody puts dead letters back; how many.
    pub(super) fn redrive(&mut self, now_ms: i64) -> usize {
        let mut count = 0;
        for (place, row) in self.rows.iter_mut().enumerate() {
            if row.state == 'x' {
                (row.state, row.attempts, row.next_attempt_ms) = ('p', 0, None);
                row.wanted_ms = now_ms;
                self.pending.insert(place);
                count += 1;
            }
        }
        count
    }

    pub(super) fn pending(&self, now_ms: i64, limit: usize) -> PendingPage {
        let rows = self.pending.iter().take(limit);
        PendingPage {
            rows: rows
                .map(|place| pending(now_ms, &self.rows[*place]))
                .collect(),
            complete: self.pending.len() < limit,
            is_paused: self.is_paused,
            ..PendingPage::default()
        }
    }

    pub(super) fn row(&self, now_ms: i64, signal_id: SignalId) -> Option<Box<PendingDelivery>> {
        self.get(signal_id)
            .filter(|row| row.state == 'p')
            .map(|row| Box::new(pending(now_ms, row)))
    }

    pub(super) fn get(&self, signal_id: SignalId) -> Option<&Row> {
        self.places.get(&signal_id).map(|place| &self.rows[*place])
    }

    pub(super) fn pending_count(&self) -> usize {
        self.pending.len()
    }

    /// What the signal was in revisions after this one, except when it was deleted.
    pub(super) fn revisions(&self, signal_id: SignalId, after: i32) -> Vec<Arc<SignalState>> {
        let revisions = self
            .get(signal_id)
            .map_or(&[][..], |row| row.revisions.as_slice());
        let later = revisions.iter().skip(usize::try_from(after).unwrap());
        later
            .filter(|state| state.deleted_at_ms.is_none())
            .cloned()
            .collect()
    }

    pub(super) fn is_recorded(&self, message_id: MessageId) -> bool {
        self.recorded.contains(&message_id)
    }
}

fn pending(now_ms: i64, row: &Row) -> PendingDelivery {
    PendingDelivery {
        signal: row.latest().clone(),
        mapping_id: 1,
        ping_role_id: None,
        rule_set_id: None,
        repairs: 0,
        thread_name: None,
        ordinal: row.ordinal,
        desired_revision: row.desired_revision(),
        delivered_revision: row.delivered_revision,
        attempts: row.attempts,
        wait_ms: row
            .next_attempt_ms
            .map_or(0, |at_ms| (at_ms - now_ms).max(0)),
        wanted_age_ms: now_ms - row.wanted_ms,
        is_first_wish: row.wanted_ms == row.planned_ms,
        parts: row.parts.values().cloned().collect(),
    }
}
