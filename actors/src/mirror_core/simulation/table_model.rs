//! The tables as a mirror needs them, in memory: what is committed survives a crash, nothing else does.

use heliograph_schema::{
    delivery::{DeliveryRecord, PartChange, PendingDelivery, PostedPart, Progress, WantedDelivery},
    ids::{MessageId, SignalId},
    signal::SignalState,
};
use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

#[derive(Debug)]
pub(super) struct Row {
    pub(super) ordinal: i64,
    /// Every revision with the moment of its commit, from revision 1 on.
    pub(super) revisions: Vec<(i64, Arc<SignalState>)>,
    pub(super) delivered_revision: i32,
    pub(super) state: char,
    pub(super) attempts: u32,
    pub(super) next_attempt_ms: i64,
    pub(super) note: Option<String>,
    pub(super) parts: BTreeMap<u16, PostedPart>,
}

impl Row {
    pub(super) fn desired_revision(&self) -> i32 {
        i32::try_from(self.revisions.len()).unwrap()
    }

    pub(super) fn latest(&self) -> &Arc<SignalState> {
        &self.revisions.last().unwrap().1
    }
}

#[derive(Debug, Default)]
pub(super) struct Table {
    pub(super) rows: BTreeMap<SignalId, Row>,
    next_ordinal: i64,
}

impl Table {
    /// A commit of the store writer.
    pub(super) fn want(&mut self, now_ms: i64, state: SignalState) -> WantedDelivery {
        let next_ordinal = &mut self.next_ordinal;
        let row = self.rows.entry(state.signal_id).or_insert_with(|| {
            *next_ordinal += 1;
            Row {
                ordinal: *next_ordinal,
                revisions: Vec::new(),
                delivered_revision: 0,
                state: 'p',
                attempts: 0,
                next_attempt_ms: 0,
                note: None,
                parts: BTreeMap::new(),
            }
        });
        let signal = Arc::new(state);
        row.revisions.push((now_ms, signal.clone()));
        (row.state, row.attempts, row.next_attempt_ms) = ('p', 0, 0);
        WantedDelivery {
            signal,
            mapping_id: 1,
            ping_role_id: None,
            rule_set_id: None,
            ordinal: row.ordinal,
            desired_revision: row.desired_revision(),
            committed_at: None,
        }
    }

    /// A commit of the ledger.
    pub(super) fn record(&mut self, now_ms: i64, records: &[DeliveryRecord]) {
        for record in records {
            let row = self.rows.get_mut(&record.signal_id).unwrap();
            match &record.change {
                Some(PartChange::Stands(part)) => drop(row.parts.insert(part.part, part.clone())),
                Some(PartChange::Removed { part }) => drop(row.parts.remove(part)),
                None => {}
            }
            let desired = row.desired_revision();
            match &record.progress {
                Progress::Working => {}
                Progress::Delivered { revision, note } => {
                    row.delivered_revision = row.delivered_revision.max(*revision);
                    row.note.clone_from(note);
                    row.state = if desired > *revision { 'p' } else { 'd' };
                }
                Progress::Retrying {
                    attempts, wait_ms, ..
                } => {
                    (row.attempts, row.next_attempt_ms) = (*attempts, now_ms + wait_ms);
                }
                Progress::Dead { revision, .. } => {
                    row.state = if desired > *revision { 'p' } else { 'x' }
                }
            }
        }
    }

    pub(super) fn pending(&self, now_ms: i64, limit: usize) -> (Vec<PendingDelivery>, bool) {
        let mut rows: Vec<&Row> = self.rows.values().filter(|row| row.state == 'p').collect();
        rows.sort_by_key(|row| row.ordinal);
        let complete = rows.len() < limit;
        (
            rows.into_iter()
                .take(limit)
                .map(|row| pending(now_ms, row))
                .collect(),
            complete,
        )
    }

    pub(super) fn row(&self, now_ms: i64, signal_id: SignalId) -> Option<Box<PendingDelivery>> {
        self.rows
            .get(&signal_id)
            .filter(|row| row.state == 'p')
            .map(|row| Box::new(pending(now_ms, row)))
    }

    pub(super) fn revisions(&self, signal_id: SignalId, after: i32) -> Vec<Arc<SignalState>> {
        let revisions = &self.rows[&signal_id].revisions;
        let earlier = &revisions[..revisions.len() - 1];
        earlier
            .iter()
            .skip(usize::try_from(after).unwrap())
            .map(|(_, state)| state.clone())
            .collect()
    }

    pub(super) fn recorded(&self) -> HashSet<MessageId> {
        self.rows
            .values()
            .flat_map(|row| row.parts.values().map(|part| part.message_id))
            .collect()
    }
}

fn pending(now_ms: i64, row: &Row) -> PendingDelivery {
    let oldest = usize::try_from(row.delivered_revision)
        .unwrap()
        .min(row.revisions.len() - 1);
    PendingDelivery {
        signal: row.latest().clone(),
        mapping_id: 1,
        ping_role_id: None,
        rule_set_id: None,
        repairs: 0,
        ordinal: row.ordinal,
        desired_revision: row.desired_revision(),
        delivered_revision: row.delivered_revision,
        attempts: row.attempts,
        wait_ms: row.next_attempt_ms - now_ms,
        wanted_age_ms: now_ms - row.revisions[oldest].0,
        parts: row.parts.values().cloned().collect(),
        thread_name: None,
    }
}
