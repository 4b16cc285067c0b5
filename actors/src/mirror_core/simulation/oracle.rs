//! Judges a run at its end by what was committed and what stands in the channel, and by nothing that a core says of itself.

use super::{
    Verdict,
    discord_model::{Channel, FORBIDDEN, Message, PUZZLING},
    table_model::{Row, Table},
};
use crate::{payload::PartPayload, render_core::render};
use heliograph_schema::{
    delivery::{DeliveryRecord, Progress},
    ids::{MessageId, SignalId},
    signal::SignalState,
};
use std::collections::HashMap;

/// Whether Discord ever has a reason to refuse it.
fn is_refusable(state: &SignalState) -> bool {
    let text = state.clean_text();
    text.contains(FORBIDDEN) || text.contains(PUZZLING)
}

impl Verdict {
    /// Nothing is given up but what Discord refuses.
    pub(super) fn give_ups(&mut self, table: &Table, records: &[DeliveryRecord]) {
        for record in records {
            let Progress::Dead {
                revision, error, ..
            } = &record.progress
            else {
                continue;
            };
            let row = table.get(record.signal_id);
            let given_up = usize::try_from(*revision - 1)
                .ok()
                .and_then(|place| row?.revisions.get(place));
            if !given_up.is_some_and(|state| is_refusable(state)) {
                self.lost += 1;
                let signal_id = record.signal_id;
                self.breach(format!("{signal_id}.{revision} was given up: {error}"));
            }
        }
    }

    pub(super) fn judge(&mut self, table: &Table, channel: &Channel) {
        self.doubled += channel.doubled.len() as u64;
        for content in &channel.doubled {
            self.breach(format!("one nonce made two messages: {content}"));
        }
        let mut standing: HashMap<SignalId, Vec<(i64, &Message)>> = HashMap::new();
        for (id, message) in &channel.live {
            match message.signal_id {
                Some(signal_id) => standing.entry(signal_id).or_default().push((*id, message)),
                None if channel.by_hand.get(id) == Some(&message.payload) => {}
                None => self.breach_lost(format!("{id}, posted by hand, was changed")),
            }
        }
        let by_hand = standing_by_hand(channel);
        if by_hand < channel.by_hand.len() {
            self.breach_lost("a message posted by hand was deleted".to_owned());
        }
        for row in &table.rows {
            let stands = standing.remove(&row.signal_id).unwrap_or_default();
            let is_moderated = channel.moderated.contains(&row.signal_id);
            self.judge_signal(row, &stands, is_moderated);
            for (id, _) in stands {
                if !is_moderated && !MessageId::new(id).is_some_and(|id| table.is_recorded(id)) {
                    self.breach_lost(format!("message {id} stands and is not on record"));
                }
            }
        }
        self.judge_order(table, channel);
    }

    fn judge_signal(&mut self, row: &Row, stands: &[(i64, &Message)], is_moderated: bool) {
        if row.state != 'd' {
            return;
        }
        let wanted = render(row.latest(), None);
        let signal_id = row.signal_id;
        if stands.len() > wanted.len() {
            self.doubled += (stands.len() - wanted.len()) as u64;
            self.breach(format!(
                "{} messages of {signal_id} stand, {} are wanted",
                stands.len(),
                wanted.len()
            ));
            return;
        }
        if is_moderated {
            // What a moderator took away is not posted again; what is left is up to date.
            let shows = |payload: &PartPayload| wanted.contains(payload);
            if !stands.iter().all(|(_, message)| shows(&message.payload)) {
                self.breach_lost(format!("{signal_id}, moderated, shows what was"));
            }
            return;
        }
        if let Some(note) = &row.note {
            self.breach_lost(format!("{signal_id} is thought to be moderated: {note}"));
        }
        if stands.len() < wanted.len() {
            let missing = (wanted.len() - stands.len()) as u64;
            self.lost += missing;
            self.gaps += u64::from(!stands.is_empty());
            self.breach(format!("{missing} messages of {signal_id} are missing"));
            return;
        }
        let right =
            |((_, message), wanted): &(&(i64, &Message), &PartPayload)| message.payload == **wanted;
        let wrong = stands
            .iter()
            .zip(&wanted)
            .filter(|pair| !right(pair))
            .count();
        if wrong == 0 {
            return;
        }
        let is_there = |payload: &PartPayload| {
            stands
                .iter()
                .any(|(_, message)| message.payload == *payload)
        };
        if wanted.iter().all(is_there) {
            self.out_of_order += 1;
            self.breach(format!("the parts of {signal_id} stand in disorder"));
        } else {
            self.breach_lost(format!("{signal_id} does not show its last revision"));
        }
    }

    /// Messages appeared in the order of commits, but for signals that could not be shown at first, those filled in later, of
    /// which no commit told in its turn, and those deleted: a request that was long under way may bring one back for a moment,
    /// after others.
    fn judge_order(&mut self, table: &Table, channel: &Channel) {
        let is_set_aside = |row: &Row| {
            let mut states = row.revisions.iter();
            row.is_filled_in
                || row.latest().deleted_at_ms.is_some()
                || states.any(|state| is_refusable(state) || state.clean_text().is_empty())
        };
        let rows = channel.appeared.iter().filter_map(|id| table.get(*id));
        let order: Vec<&Row> = rows.filter(|row| !is_set_aside(row)).collect();
        for pair in order.windows(2) {
            if pair[0].ordinal > pair[1].ordinal {
                let (first, then) = (pair[0].signal_id, pair[1].signal_id);
                self.out_of_order += 1;
                self.breach(format!("{first} appeared before {then}, which is older"));
            }
        }
    }

    fn breach_lost(&mut self, sentence: String) {
        self.lost += 1;
        self.breach(sentence);
    }
}

fn standing_by_hand(channel: &Channel) -> usize {
    let ids = channel.by_hand.keys();
    ids.filter(|id| channel.live.contains_key(id)).count()
}
