//! What is wanted: from commits while the mirror keeps up, from the table when it does not. In memory is only what stands at
//! the front of the table, so that order holds.

use super::delivery::{Delivery, Earlier};
use super::{Effect, MirrorCore};
use heliograph_schema::{
    delivery::{PendingDelivery, WantedDelivery},
    ids::SignalId,
};

/// A read that failed is repeated after this long.
const READ_RETRY_MS: i64 = 1_000;

impl MirrorCore {
    pub(super) fn wanted(
        &mut self,
        now_ms: i64,
        wanted: WantedDelivery,
        effects: &mut Vec<Effect>,
    ) {
        let signal_id = wanted.signal.signal_id;
        if let Some(delivery) = self.delivery(signal_id) {
            delivery.want(wanted.signal, wanted.desired_revision, wanted.committed_at);
            return;
        }
        // The first revision of a signal: nothing of it can stand anywhere.
        let is_new = wanted.desired_revision == 1;
        let out_of_turn = is_new && self.behind;
        if self.reading || out_of_turn || self.deliveries.len() >= self.settings.backlog_max {
            self.pass_over();
            return;
        }
        self.insert(Delivery::wanted(now_ms, wanted, is_new));
        if !is_new {
            effects.push(Effect::ReadRow(signal_id));
        }
    }

    pub(super) fn pass_over(&mut self) {
        self.behind = true;
        self.passed_over = true;
    }

    pub(super) fn read(&mut self, now_ms: i64, effects: &mut Vec<Effect>) {
        let has_room = self.deliveries.len() * 2 <= self.settings.backlog_max;
        if !self.is_settled || self.reading || !self.behind || !has_room {
            return;
        }
        if now_ms < self.read_not_before_ms {
            effects.push(Effect::WakeAt(self.read_not_before_ms));
            return;
        }
        self.reading = true;
        self.passed_over = false;
        self.touched.clear();
        if let Some(recording) = &self.recording {
            self.touched
                .extend(recording.records.iter().map(|record| record.signal_id));
        }
        effects.push(Effect::ReadPending {
            limit: self.settings.backlog_max.max(1),
        });
    }

    pub(super) fn pending(&mut self, now_ms: i64, rows: Vec<PendingDelivery>, complete: bool) {
        if !std::mem::replace(&mut self.reading, false) {
            return;
        }
        let (started_ms, spans) = (self.started_ms, self.settings.spans());
        let mut all_taken = complete;
        for row in rows {
            let signal_id = row.signal.signal_id;
            let is_full = self.deliveries.len() >= self.settings.backlog_max;
            let is_touched = self.touched.contains(&signal_id);
            match self.delivery(signal_id) {
                // Of one that is not known yet a reading of its own is under way, which alone may tell.
                Some(delivery) => delivery.want(row.signal, row.desired_revision, None),
                // The row may be older than what we recorded meanwhile: it is read once more.
                None if is_touched => all_taken = false,
                None if is_full => {
                    all_taken = false;
                    break;
                }
                None => self.insert(Delivery::pending(now_ms, row, started_ms, spans)),
            }
        }
        self.behind = !all_taken || self.passed_over;
    }

    pub(super) fn row(
        &mut self,
        now_ms: i64,
        signal_id: SignalId,
        row: Option<Box<PendingDelivery>>,
    ) {
        let (started_ms, spans, behind) = (self.started_ms, self.settings.spans(), self.behind);
        let Some(delivery) = self.delivery(signal_id).filter(|delivery| !delivery.known) else {
            return;
        };
        match row {
            Some(row) => delivery.learn(now_ms, *row, started_ms, spans),
            None => return self.remove(signal_id),
        }
        // Its messages have yet to appear, and others that come before it may still wait in the table.
        if behind && delivery.delivered_revision == 0 {
            self.remove(signal_id);
        }
    }

    pub(super) fn read_failed(&mut self, now_ms: i64, read: &Effect) {
        self.read_not_before_ms = now_ms + READ_RETRY_MS;
        match read {
            Effect::ReadPending { .. } => self.reading = false,
            Effect::ReadRow(signal_id) => {
                // The table is asked for everything again.
                if self
                    .delivery(*signal_id)
                    .is_some_and(|delivery| !delivery.known)
                {
                    self.remove(*signal_id);
                }
                self.pass_over();
            }
            Effect::ReadRevisions(signal_id, _) => {
                if let Some(delivery) = self.delivery(*signal_id) {
                    delivery.earlier = Earlier::Unasked;
                    delivery.not_before_ms = delivery.not_before_ms.max(now_ms + READ_RETRY_MS);
                }
            }
            Effect::Send { .. } | Effect::Record { .. } | Effect::WakeAt(_) => {}
        }
    }
}
