//! What is wanted: from commits while the mirror keeps up, from the table when it does not. In memory is only what stands at
//! the front of the table, so that order holds.

use super::delivery::{Delivery, Earlier, Reply};
use super::planted::{Bug, planted};
use super::{Effect, MirrorCore};
use crate::rules_core::CompiledRules;
use heliograph_schema::{
    delivery::{PendingDelivery, PendingPage, WantedDelivery},
    ids::SignalId,
};
use std::{collections::HashSet, sync::Arc};

/// A read that failed is repeated after this long.
const READ_RETRY_MS: i64 = 1_000;
/// Sets of rules that are remembered; beyond it they are learned anew with the rows that speak of them.
const RULES_MAX: usize = 1_000;

impl MirrorCore {
    pub(super) fn wanted(
        &mut self,
        now_ms: i64,
        wanted: WantedDelivery,
        effects: &mut Vec<Effect>,
    ) {
        let (signal_id, names) = (wanted.signal.signal_id, self.names.clone());
        if let Some(delivery) = self.delivery(signal_id) {
            let (signal, revision) = (wanted.signal, wanted.desired_revision);
            delivery.want(now_ms, signal, revision, wanted.committed_at, &names);
            return;
        }
        // The first revision of a signal: nothing of it can stand anywhere, unless its row was read before the word of its
        // commit came.
        let is_new = wanted.desired_revision == 1
            && (wanted.ordinal > self.read_up_to || planted(Bug::PostedFromRowAndWord));
        let out_of_turn = is_new && self.behind;
        if self.reading || out_of_turn || self.deliveries.len() >= self.settings.backlog_max {
            if !(self.reading && planted(Bug::WantedWhileReading)) {
                self.pass_over();
            }
            return;
        }
        // A row knows the thread's name and brings the rules that nobody has told of yet.
        let rules = self.rules_of(wanted.rule_set_id);
        let is_known = is_new && wanted.signal.thread_id.is_none() && rules.is_some();
        let rules = rules.and_then(Result::ok).unwrap_or_default();
        let mut delivery = Delivery::wanted(now_ms, wanted, is_known, rules, names);
        delivery.is_heard_new = is_new;
        self.insert(delivery);
        if !is_known {
            effects.push(Effect::ReadRow(signal_id));
        }
    }

    /// `None`: not known yet; an error: they cannot be carried out.
    fn rules_of(&self, rule_set_id: Option<i64>) -> Option<Result<Arc<CompiledRules>, String>> {
        match rule_set_id {
            None => Some(Ok(Arc::default())),
            Some(id) => self.rules.get(&id).cloned(),
        }
    }

    pub(super) fn learn_rules(&mut self, rules: Vec<(i64, Result<Arc<CompiledRules>, String>)>) {
        if self.rules.len() + rules.len() > RULES_MAX {
            self.rules.clear();
        }
        self.rules.extend(rules);
    }

    pub(super) fn pass_over(&mut self) {
        self.behind = true;
        self.passed_over = true;
    }

    pub(super) fn read(&mut self, now_ms: i64, effects: &mut Vec<Effect>) {
        self.read_rows_again(now_ms, effects);
        let has_room = self.look_again || self.deliveries.len() * 2 <= self.settings.backlog_max;
        if !self.is_settled || self.reading || !self.behind || !has_room {
            return;
        }
        if now_ms < self.read_not_before_ms {
            effects.push(Effect::WakeAt(self.read_not_before_ms));
            return;
        }
        self.reading = true;
        self.read_asked_ms = now_ms;
        self.look_again = false;
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

    pub(super) fn pending(&mut self, now_ms: i64, page: PendingPage) {
        if !std::mem::replace(&mut self.reading, false) {
            return;
        }
        (self.is_paused, self.places.is_forum) = (page.is_paused, page.is_forum);
        self.archiving = page.threads.iter().copied().collect();
        self.hear_of_reconciliation(page.reconciliation.clone());
        self.forget_dropped(&page);
        let (started_ms, spans) = (self.started_ms, self.settings.spans());
        let mut all_taken = page.complete;
        let mut first = None;
        for row in page.rows {
            let is_unsent = is_unsent(&row, first);
            let is_first = first.is_none() && is_fresh(&row) && row.desired_revision == 1;
            let wanted_age_ms = row.wanted_age_ms;
            let rules = self.rules_of(row.rule_set_id);
            let names = self.names.clone();
            let signal_id = row.signal.signal_id;
            let is_full = self.deliveries.len() >= self.settings.backlog_max;
            let is_touched = self.touched.contains(&signal_id) && !planted(Bug::StaleRows);
            let ordinal = row.ordinal;
            match self.delivery(signal_id) {
                // Of one that is not known yet a reading of its own is under way, which alone may tell.
                Some(delivery) => {
                    delivery.want(now_ms, row.signal, row.desired_revision, None, &names);
                }
                // The row may be older than what we recorded meanwhile: it is read once more.
                None if is_touched => all_taken = false,
                None if is_full => {
                    all_taken = false;
                    break;
                }
                None => match rules {
                    Some(Ok(rules)) => self.insert(Delivery::pending(
                        self.read_asked_ms,
                        row,
                        (!is_unsent).then_some(started_ms),
                        spans,
                        rules,
                        names,
                    )),
                    Some(Err(reason)) => {
                        self.insert(Delivery::poisoned(now_ms, row, reason, names))
                    }
                    None => {
                        all_taken = false;
                        break;
                    }
                },
            }
            if is_first
                && self
                    .delivery(signal_id)
                    .is_some_and(|it| it.known && it.is_to_post())
            {
                first = Some(wanted_age_ms);
            }
            self.read_up_to = self.read_up_to.max(ordinal);
        }
        self.behind = !all_taken || self.passed_over;
    }

    /// What is not among the rows any more was dropped by a person. Not so what was recorded while they were read, and what a
    /// request is under way for.
    fn forget_dropped(&mut self, page: &PendingPage) {
        let until = match page.rows.last() {
            Some(last) if !page.complete => last.ordinal,
            _ => i64::MAX,
        };
        let wanted: HashSet<SignalId> = page.rows.iter().map(|row| row.signal.signal_id).collect();
        let under_way = self.flight.as_ref().and_then(|flight| flight.signal_id());
        let dropped: Vec<SignalId> = self
            .deliveries
            .range(..=until)
            .map(|(_, delivery)| delivery.signal_id())
            .filter(|signal_id| !wanted.contains(signal_id) && !self.touched.contains(signal_id))
            .collect();
        for signal_id in dropped {
            if under_way == Some(signal_id) {
                // It is looked at again when the answer has come.
                self.is_dropping = true;
            } else {
                self.remove(signal_id);
            }
        }
    }

    pub(super) fn row(&mut self, signal_id: SignalId, row: Option<Box<PendingDelivery>>) {
        let (started_ms, spans) = (self.started_ms, self.settings.spans());
        let unread_from = if self.behind {
            self.read_up_to
        } else {
            i64::MAX
        };
        let rules = row.as_ref().map(|row| self.rules_of(row.rule_set_id));
        let Some(delivery) = self.delivery(signal_id).filter(|delivery| !delivery.known) else {
            return;
        };
        match (row, rules) {
            (Some(row), Some(Some(Ok(rules)))) => {
                // Asked for when it was wanted.
                let asked_ms = delivery.wanted_at_ms;
                // One that was heard of as new had not been read by anybody when it was: no earlier life knew of it.
                let inherited_ms = (!delivery.is_heard_new).then_some(started_ms);
                delivery.learn(asked_ms, *row, inherited_ms, spans, rules);
            }
            (Some(_), Some(Some(Err(reason)))) => delivery.poison(reason),
            (Some(_), _) => {
                self.remove(signal_id);
                return self.pass_over();
            }
            (None, _) => return self.remove(signal_id),
        }
        // Its messages have yet to appear, and others that come before it may still wait in the table.
        if delivery.ordinal > unread_from && delivery.delivered_revision == 0 {
            self.remove(signal_id);
        }
    }

    /// Asks once more for the rows whose reading failed. Their deliveries stay where they are meanwhile: what comes behind them
    /// must not appear before them.
    fn read_rows_again(&mut self, now_ms: i64, effects: &mut Vec<Effect>) {
        if self.rows_unread.is_empty() {
            return;
        }
        if now_ms < self.read_not_before_ms {
            effects.push(Effect::WakeAt(self.read_not_before_ms));
            return;
        }
        for signal_id in std::mem::take(&mut self.rows_unread) {
            if let Some(delivery) = self.delivery(signal_id).filter(|it| !it.known) {
                delivery.wanted_at_ms = now_ms;
                effects.push(Effect::ReadRow(signal_id));
            }
        }
    }

    pub(super) fn read_failed(&mut self, now_ms: i64, read: &Effect) {
        self.read_not_before_ms = now_ms + READ_RETRY_MS;
        match read {
            Effect::ReadPending { .. } => (self.reading, self.look_again) = (false, true),
            Effect::ReadRow(signal_id) => {
                if !self.rows_unread.contains(signal_id) {
                    self.rows_unread.push(*signal_id);
                }
            }
            Effect::ReadRevisions(signal_id, _) => {
                if let Some(delivery) = self.delivery(*signal_id) {
                    delivery.earlier = Earlier::Unasked;
                    delivery.not_before_ms = delivery.not_before_ms.max(now_ms + READ_RETRY_MS);
                }
            }
            Effect::ReadReply(signal_id, _) => {
                if let Some(delivery) = self.delivery(*signal_id) {
                    delivery.reply = Reply::Unasked;
                    delivery.not_before_ms = delivery.not_before_ms.max(now_ms + READ_RETRY_MS);
                }
            }
            Effect::ReadThread(thread_id) => {
                self.places.learn(*thread_id, None);
                self.not_before_ms = self.not_before_ms.max(now_ms + READ_RETRY_MS);
            }
            Effect::Compare(_) => {
                self.not_compared();
                self.not_before_ms = self.not_before_ms.max(now_ms + READ_RETRY_MS);
            }
            Effect::Send { .. } | Effect::Record { .. } | Effect::Took(..) | Effect::WakeAt(_) => {}
        }
    }
}

/// Nothing of it was ever posted, and there has been work to do since it was planned.
fn is_fresh(row: &PendingDelivery) -> bool {
    row.is_first_wish && row.delivered_revision == 0 && row.parts.is_empty()
}

/// No life can have sent anything for it: a message that was wanted before it, and is to appear before it, has not appeared yet.
/// `first`: how long ago the first such message of the same reading was wanted.
fn is_unsent(row: &PendingDelivery, first: Option<i64>) -> bool {
    is_fresh(row) && first.is_some_and(|wanted_age_ms| wanted_age_ms >= row.wanted_age_ms)
}
