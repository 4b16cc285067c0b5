//! What an answer means for the delivery it was for, and for the target channel as a whole.

use super::{
    Effect, Errand, Flight, Inventory, MirrorCore, StrayEdit,
    delivery::{Step, UNCERTAIN},
    planted::{Bug, planted},
    refusals::refusal,
    retries::UNAUTHORIZED_PROBE_MS,
};
use crate::{
    exchange::{Answer, Call, Listed, Outcome},
    limits_core::Route,
};
use heliograph_schema::{
    delivery::{Address, MirroredThread, PartChange, PostedPart, Progress},
    ids::{MessageId, SignalId, ThreadId, WebhookId},
};

impl MirrorCore {
    pub(super) fn answered(
        &mut self,
        now_ms: i64,
        request_id: u64,
        answer: Answer,
        effects: &mut Vec<Effect>,
    ) {
        let Some(flight) = self
            .flight
            .take_if(|flight| flight.request_id == request_id)
        else {
            return;
        };
        if std::mem::take(&mut self.is_dropping) {
            self.pass_over();
            self.look_again = true;
        }
        let lane = flight.errand.lane(self.settings.target_channel_id);
        self.limits.heard(now_ms, lane, &answer);
        if let (Errand::Reading { inventory, after }, false) = (
            &flight.errand,
            matches!(answer.outcome, Outcome::Listed { .. }),
        ) {
            self.paging = Some((inventory.clone(), *after));
        }
        match answer.outcome {
            Outcome::RateLimited { .. } => self.counts.rate_limited += 1,
            Outcome::Unauthorized => self.park(
                now_ms,
                UNAUTHORIZED_PROBE_MS,
                "the bot token is refused (401)".to_owned(),
            ),
            Outcome::Rejected {
                status,
                code,
                message,
            } => {
                let reason = format!("{status} {code}: {message}");
                let refusal = refusal(status, code, flight.errand.at());
                self.rejected(now_ms, flight.errand, refusal, reason, effects);
            }
            Outcome::Unreachable { reason } => {
                if flight.errand.at().webhook_id.is_some() {
                    // Its token may not be known in this life: it is looked for again.
                    self.places.forget_webhook();
                }
                self.fault(now_ms, &flight, reason, effects);
            }
            Outcome::Ambiguous { reason } => {
                self.doubt(now_ms, &flight);
                self.fault(now_ms, &flight, reason, effects);
            }
            done => {
                self.faults = 0;
                self.failing = None;
                self.parked = None;
                self.done(now_ms, flight.sent_ms, flight.errand, done, effects);
            }
        }
    }

    fn done(
        &mut self,
        now_ms: i64,
        sent_ms: i64,
        errand: Errand,
        outcome: Outcome,
        effects: &mut Vec<Effect>,
    ) {
        match (errand, outcome) {
            (
                Errand::Reading { inventory, .. },
                Outcome::Listed {
                    unrecorded,
                    next_after,
                },
            ) => {
                self.listed(inventory, unrecorded, next_after);
            }
            (
                Errand::Delivery {
                    signal_id,
                    part,
                    digest,
                    at,
                    ..
                },
                Outcome::Posted { message_id },
            ) => {
                self.counts.posted += 1;
                self.claim(message_id);
                if let Some(delivery) = self.delivery(signal_id) {
                    delivery.posted(part, message_id, &digest, at);
                    if part == 0 {
                        let took_ms = now_ms - delivery.wanted_at_ms;
                        let received_at = delivery.received_at;
                        effects.push(Effect::Took(Route::Create, took_ms, received_at));
                    }
                }
                self.stands(now_ms, signal_id, part, effects);
            }
            (
                Errand::Delivery {
                    signal_id,
                    part,
                    call: Call::Edit { message_id, .. },
                    digest,
                    ..
                },
                Outcome::Edited,
            ) => {
                self.counts.edited += 1;
                let unsure_until_ms = self.unsure_until_ms(now_ms, signal_id, message_id, &digest);
                if let Some(delivery) = self.delivery(signal_id) {
                    delivery.edited(part, message_id, &digest, unsure_until_ms);
                    let took_ms = now_ms - delivery.changed_at_ms;
                    effects.push(Effect::Took(Route::Edit, took_ms, None));
                }
                self.stands(now_ms, signal_id, part, effects);
            }
            (
                Errand::Delivery {
                    signal_id, part, ..
                },
                Outcome::Deleted,
            ) => {
                if let Some(delivery) = self.delivery(signal_id) {
                    let took_ms = now_ms - delivery.changed_at_ms;
                    effects.push(Effect::Took(Route::Delete, took_ms, None));
                }
                self.removed(now_ms, signal_id, part, effects);
            }
            (
                Errand::Thread {
                    signal_id,
                    thread_id,
                    call,
                    digest,
                    webhook_id,
                },
                Outcome::Opened {
                    thread_id: mirrored_thread_id,
                },
            ) => {
                let posted = matches!(call, Call::OpenPost { .. }).then_some((digest, webhook_id));
                self.opened(
                    now_ms,
                    signal_id,
                    thread_id,
                    mirrored_thread_id,
                    posted,
                    effects,
                );
            }
            (
                Errand::Thread {
                    signal_id,
                    thread_id,
                    ..
                },
                Outcome::Found {
                    thread_id: Some(found),
                },
            ) => {
                // Of a forum its first message stands too, as an attempt left it that nobody answered.
                // Whose hand it was cannot be told for certain: the mapping's choice is.
                let webhook_id = self
                    .delivery(signal_id)
                    .and_then(|delivery| delivery.at.webhook_id);
                let posted = self
                    .places
                    .is_forum
                    .then(|| (UNCERTAIN.to_vec(), webhook_id));
                self.opened(now_ms, signal_id, thread_id, found, posted, effects);
            }
            (Errand::Thread { thread_id, .. }, Outcome::Found { thread_id: None }) => {
                self.places.not_found(thread_id, sent_ms);
            }
            (
                Errand::Survey { .. },
                Outcome::Listed {
                    unrecorded,
                    next_after,
                },
            ) => self.surveyed(sent_ms, unrecorded, next_after, effects),
            (Errand::Webhook { .. }, Outcome::Webhook { webhook_id }) => {
                self.places.webhook_is(webhook_id);
            }
            (Errand::Archive(thread), Outcome::Archived) => {
                self.archiving
                    .retain(|other| other.mirrored_thread_id != thread.mirrored_thread_id);
                self.record_with_threads(now_ms, Vec::new(), vec![thread], effects);
            }
            // An answer that does not fit its question says nothing.
            _ => {}
        }
    }

    /// A thread is there. `posted`: with it the first message of this signal, which shows this digest, and through which webhook.
    fn opened(
        &mut self,
        now_ms: i64,
        signal_id: SignalId,
        thread_id: ThreadId,
        mirrored_thread_id: ThreadId,
        posted: Option<(Vec<u8>, Option<WebhookId>)>,
        effects: &mut Vec<Effect>,
    ) {
        self.places.opened(thread_id, mirrored_thread_id);
        let thread = MirroredThread {
            thread_id,
            mirrored_thread_id,
            is_archived: false,
        };
        let first = MessageId::new(mirrored_thread_id.get());
        let (Some((digest, webhook_id)), Some(message_id), Some(delivery)) =
            (posted, first, self.delivery(signal_id))
        else {
            return self.record_with_threads(now_ms, Vec::new(), vec![thread], effects);
        };
        let at = Address {
            thread_id: Some(mirrored_thread_id),
            webhook_id,
        };
        delivery.at.thread_id = Some(mirrored_thread_id);
        delivery.posted(0, message_id, &digest, at);
        let took_ms = now_ms - delivery.wanted_at_ms;
        effects.push(Effect::Took(Route::Create, took_ms, delivery.received_at));
        self.counts.posted += 1;
        let change = PartChange::Stands(PostedPart {
            part: 0,
            message_id,
            digest,
            at,
        });
        self.complete_with_threads(now_ms, signal_id, Some(change), vec![thread], effects);
    }

    pub(super) fn listed(
        &mut self,
        mut inventory: Inventory,
        page: Vec<Listed>,
        next_after: Option<i64>,
    ) {
        inventory.add(page);
        match next_after.filter(|_| !planted(Bug::FirstPageOnly)) {
            Some(after) => self.paging = Some((inventory, after)),
            None => self.inventory = Some(inventory),
        }
    }

    pub(super) fn stands(
        &mut self,
        now_ms: i64,
        signal_id: SignalId,
        part: u16,
        effects: &mut Vec<Effect>,
    ) {
        let stands: Option<PostedPart> = self
            .delivery(signal_id)
            .and_then(|delivery| delivery.parts.get(&part).cloned());
        self.complete(now_ms, signal_id, stands.map(PartChange::Stands), effects);
    }

    pub(super) fn removed(
        &mut self,
        now_ms: i64,
        signal_id: SignalId,
        part: u16,
        effects: &mut Vec<Effect>,
    ) {
        self.counts.deleted += 1;
        if let Some(delivery) = self.delivery(signal_id) {
            delivery.parts.remove(&part);
            delivery.deleting.remove(&part);
            delivery.removals += 1;
            if let Some(doubt) = &mut delivery.doubt {
                // From here on its create would have another nonce, and would not be recognised.
                doubt.is_refused = true;
            }
        }
        self.complete(
            now_ms,
            signal_id,
            Some(PartChange::Removed { part }),
            effects,
        );
    }

    /// Records a change, and with it the end of the delivery when nothing is left to do.
    pub(super) fn complete(
        &mut self,
        now_ms: i64,
        signal_id: SignalId,
        change: Option<PartChange>,
        effects: &mut Vec<Effect>,
    ) {
        self.complete_with_threads(now_ms, signal_id, change, Vec::new(), effects);
    }

    fn complete_with_threads(
        &mut self,
        now_ms: i64,
        signal_id: SignalId,
        change: Option<PartChange>,
        threads: Vec<MirroredThread>,
        effects: &mut Vec<Effect>,
    ) {
        let (target, spans) = (self.settings.target_channel_id, self.settings.spans());
        let Some(delivery) = self
            .ordinals
            .get(&signal_id)
            .and_then(|ordinal| self.deliveries.get_mut(ordinal))
        else {
            return;
        };
        (delivery.faults, delivery.not_before_ms) = (0, now_ms);
        let is_done = matches!(
            delivery.step(now_ms, target, self.inventory.as_ref(), spans),
            Step::Done
        );
        let progress = if is_done {
            Progress::Delivered {
                revision: delivery.desired_revision,
                note: delivery.remark(),
            }
        } else {
            Progress::Working
        };
        let record = self.record_of(signal_id, change, progress);
        self.record_with_threads(now_ms, vec![record], threads, effects);
    }

    /// Until when an edit that was sent before this one, and says something else, may still arrive after it.
    fn unsure_until_ms(
        &mut self,
        now_ms: i64,
        signal_id: SignalId,
        message_id: MessageId,
        digest: &[u8],
    ) -> Option<i64> {
        let is_inherited = self
            .delivery(signal_id)
            .is_some_and(|delivery| delivery.is_inherited);
        self.stray_edits.retain(|stray| stray.until_ms > now_ms);
        let strays = self
            .stray_edits
            .iter()
            .filter(|stray| stray.message_id == message_id && stray.digest != digest);
        // Of what an earlier life had under way nothing is known but that it was wanted then and cannot concern younger
        // messages: when nothing was wanted at the start, every edit before it was answered and is on record.
        let start_settled_ms = self.started_ms + self.settings.spans().settle_ms;
        let inherited = is_inherited
            && message_id.created_at_ms() < self.started_ms
            && now_ms < start_settled_ms;
        strays
            .map(|stray| stray.until_ms)
            .chain(inherited.then_some(start_settled_ms))
            .max()
    }

    fn doubt(&mut self, now_ms: i64, flight: &Flight) {
        let spans = self.settings.spans();
        let (signal_id, part, call, digest) = match &flight.errand {
            Errand::Delivery {
                signal_id,
                part,
                call,
                digest,
                ..
            } => (signal_id, part, call, digest),
            Errand::Thread {
                signal_id,
                thread_id,
                call,
                ..
            } => {
                let until_ms = flight.sent_ms + spans.settle_ms;
                let name = match call {
                    Call::OpenThread { name, .. } | Call::OpenPost { name, .. } => {
                        Some(name.clone())
                    }
                    _ => return,
                };
                self.places.doubt(*thread_id, name, until_ms);
                if let Call::OpenPost { payload, .. } = call {
                    // Its first message may stand: it is not cancelled before that is known.
                    let (payload, digest) = (payload.clone(), payload.digest());
                    if let Some(delivery) = self.delivery(*signal_id) {
                        let (sent_ms, part) = (flight.sent_ms, 0);
                        delivery.doubt_create(part, &payload, &digest, sent_ms, now_ms, spans);
                    }
                }
                return;
            }
            Errand::Webhook { .. } => return self.places.forget_webhook(),
            Errand::Archive(_) | Errand::Survey { .. } | Errand::Reading { .. } => return,
        };
        if let Call::Edit { message_id, .. } = call {
            let until_ms = flight.sent_ms + spans.settle_ms;
            self.stray_edits.push(StrayEdit {
                message_id: *message_id,
                digest: digest.clone(),
                until_ms,
            });
        }
        let Some(delivery) = self.delivery(*signal_id) else {
            return;
        };
        match call {
            Call::Create { payload, .. } => {
                delivery.doubt_create(*part, payload, digest, flight.sent_ms, now_ms, spans)
            }
            Call::Delete { .. } => drop(delivery.deleting.insert(*part)),
            Call::Edit { .. } if planted(Bug::LostEditForgotten) => {}
            Call::Edit { .. } => delivery.shows_something_else(*part),
            _ => {}
        }
    }
}
