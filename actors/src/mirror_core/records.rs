//! What was done goes on record before anything else is done, and is handed over again until it is confirmed.

use super::planted::{Bug, planted};
use super::{Effect, MirrorCore, RECORD_REPEAT_MS, Recording};
use crate::exchange::{Answer, Outcome};
use heliograph_schema::{
    delivery::{DeliveryRecord, MirroredThread, PartChange, Progress},
    ids::SignalId,
};

impl MirrorCore {
    pub(super) fn record(
        &mut self,
        now_ms: i64,
        records: Vec<DeliveryRecord>,
        effects: &mut Vec<Effect>,
    ) {
        self.record_with_threads(now_ms, records, Vec::new(), effects);
    }

    pub(super) fn record_with_threads(
        &mut self,
        now_ms: i64,
        records: Vec<DeliveryRecord>,
        threads: Vec<MirroredThread>,
        effects: &mut Vec<Effect>,
    ) {
        let record_id = self.fresh_id();
        if self.reading {
            self.touched
                .extend(records.iter().map(|record| record.signal_id));
        }
        effects.push(Effect::Record {
            record_id,
            records: records.clone(),
            threads: threads.clone(),
        });
        effects.push(Effect::WakeAt(now_ms + RECORD_REPEAT_MS));
        self.recording = Some(Recording {
            record_id,
            handed_over_ms: now_ms,
            records,
            threads,
        });
    }

    pub(super) fn record_of(
        &self,
        signal_id: SignalId,
        change: Option<PartChange>,
        progress: Progress,
    ) -> DeliveryRecord {
        DeliveryRecord {
            signal_id,
            target_channel_id: self.settings.target_channel_id,
            change,
            progress,
        }
    }

    pub(super) fn recorded(&mut self, record_id: u64) {
        let Some(recording) = self
            .recording
            .take_if(|recording| recording.record_id == record_id)
        else {
            return;
        };
        self.is_settled = true;
        for record in recording.records {
            let Some(delivery) = self.delivery(record.signal_id) else {
                continue;
            };
            let (Progress::Delivered { revision, .. } | Progress::Dead { revision, .. }) =
                record.progress
            else {
                continue;
            };
            if delivery.desired_revision <= revision {
                self.remove(record.signal_id);
            } else if matches!(record.progress, Progress::Delivered { .. }) {
                delivery.delivered_revision = revision;
                if !planted(Bug::RemovalsKept) {
                    delivery.removals = 0;
                }
                delivery.gone.clear();
                delivery.deleting.clear();
                delivery.may_have_deleted = false;
                delivery.note = None;
            }
        }
    }

    /// Hands over again what was not confirmed, and gives up on a request whose answer never came.
    pub(super) fn repeat(&mut self, now_ms: i64, effects: &mut Vec<Effect>) {
        if let Some(recording) = self
            .recording
            .as_mut()
            .filter(|it| now_ms >= it.handed_over_ms + RECORD_REPEAT_MS)
        {
            recording.handed_over_ms = now_ms;
            effects.push(Effect::Record {
                record_id: recording.record_id,
                records: recording.records.clone(),
                threads: recording.threads.clone(),
            });
        }
        let patience_ms = 2 * self.settings.request_timeout_ms;
        if let Some(request_id) = self
            .flight
            .as_ref()
            .filter(|it| now_ms > it.sent_ms + patience_ms)
            .map(|it| it.request_id)
        {
            let outcome = Outcome::Ambiguous {
                reason: "no answer came back".to_owned(),
            };
            self.answered(
                now_ms,
                request_id,
                Answer {
                    outcome,
                    headers: None,
                },
                effects,
            );
        }
    }
}
