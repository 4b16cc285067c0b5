//! What an answer means for the delivery it was for, and for the target channel as a whole.

use super::{
    Effect, Errand, Flight, Inventory, MirrorCore, Parked, StrayEdit,
    delivery::{Step, UNCERTAIN},
};
use crate::{
    exchange::{Answer, Call, Listed, Outcome},
    limits_core::Route,
    messages::{Inspected, Obstacle},
};
use heliograph_schema::{
    delivery::{Address, KnownThread, MirroredThread, PartChange, PostedPart, Progress},
    ids::{MessageId, SignalId, ThreadId},
};

/// Discord's codes that mean something to a mirror (documented).
const UNKNOWN_CHANNEL: u64 = 10_003;
const UNKNOWN_MESSAGE: u64 = 10_008;
const UNKNOWN_WEBHOOK: u64 = 10_015;
const UNKNOWN_GUILD: u64 = 10_004;
const MISSING_ACCESS: u64 = 50_001;
const NOT_A_TEXT_CHANNEL: u64 = 50_008;
const MISSING_PERMISSIONS: u64 = 50_013;
const ARCHIVED_THREAD: u64 = 50_083;
const LOCKED_THREAD: u64 = 160_005;
const TOO_LARGE: u64 = 40_005;
const OTHERS_MESSAGE: u64 = 50_005;
const EMPTY_MESSAGE: u64 = 50_006;
const INVALID_FORM: u64 = 50_035;
const BLOCKED_BY_AUTOMOD: [u64; 2] = [200_000, 200_001];
const HARMFUL_LINK: u64 = 240_000;

/// A target that refuses us is tried again after this long.
const PARKED_PROBE_MS: i64 = 600_000;
/// A refused token as soon as the gate over all mirrors lets a request through, but not at once.
const UNAUTHORIZED_PROBE_MS: i64 = 1_000;
const DOUBLINGS_MAX: u32 = 20;

/// What a definite refusal speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refusal {
    /// The message is not there.
    Gone,
    /// This message, whenever it is tried.
    Final,
    /// The channel: every message.
    Target,
    /// The thread it stands in is archived: it must be opened first.
    Archived,
    /// The thread it stands in is not there.
    ThreadGone,
    /// The webhook it goes through is not there.
    WebhookGone,
    /// Nothing we know: it may be tried again.
    Unknown,
}

fn refusal(status: u16, code: u64, at: Address) -> Refusal {
    match (status, code) {
        (_, UNKNOWN_MESSAGE) => Refusal::Gone,
        (_, UNKNOWN_WEBHOOK) => Refusal::WebhookGone,
        (_, UNKNOWN_CHANNEL) if at.thread_id.is_some() => Refusal::ThreadGone,
        (_, ARCHIVED_THREAD) if at.thread_id.is_some() => Refusal::Archived,
        (_, LOCKED_THREAD) if at.thread_id.is_some() => Refusal::Final,
        (
            _,
            UNKNOWN_CHANNEL | UNKNOWN_GUILD | MISSING_ACCESS | NOT_A_TEXT_CHANNEL
            | MISSING_PERMISSIONS | ARCHIVED_THREAD | LOCKED_THREAD,
        ) => Refusal::Target,
        (_, TOO_LARGE | OTHERS_MESSAGE | EMPTY_MESSAGE | INVALID_FORM | HARMFUL_LINK)
        | (413, _) => Refusal::Final,
        (_, code) if BLOCKED_BY_AUTOMOD.contains(&code) => Refusal::Final,
        (403, _) => Refusal::Target,
        _ => Refusal::Unknown,
    }
}

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
        let route = flight.errand.route();
        self.limits.heard(now_ms, route, answer.headers.as_ref());
        if let (Errand::Reading { inventory, after }, false) = (
            &flight.errand,
            matches!(answer.outcome, Outcome::Listed { .. }),
        ) {
            self.paging = Some((inventory.clone(), *after));
        }
        match answer.outcome {
            Outcome::RateLimited {
                kind,
                retry_after_ms,
            } => {
                self.counts.rate_limited += 1;
                self.limits.refused(now_ms, route, kind, retry_after_ms);
            }
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
                let refusal = refusal(status, code, flight.errand.request().1);
                self.rejected(now_ms, flight.errand, refusal, reason, effects);
            }
            Outcome::Unreachable { reason } => {
                if flight.errand.request().1.webhook_id.is_some() {
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
                        effects.push(Effect::Took(Route::Create, took_ms));
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
                    effects.push(Effect::Took(Route::Edit, now_ms - delivery.changed_at_ms));
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
                    effects.push(Effect::Took(Route::Delete, now_ms - delivery.changed_at_ms));
                }
                self.removed(now_ms, signal_id, part, effects);
            }
            (
                Errand::Thread {
                    signal_id,
                    thread_id,
                    call,
                    digest,
                },
                Outcome::Opened {
                    thread_id: mirrored_thread_id,
                },
            ) => {
                let posted = matches!(call, Call::OpenPost { .. }).then_some(digest);
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
                let posted = self.places.is_forum.then(|| UNCERTAIN.to_vec());
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
            (Errand::Webhook(_), Outcome::Webhook { webhook_id }) => {
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

    /// A thread is there. `posted`: with it the first message of this signal, which shows this digest.
    fn opened(
        &mut self,
        now_ms: i64,
        signal_id: SignalId,
        thread_id: ThreadId,
        mirrored_thread_id: ThreadId,
        posted: Option<Vec<u8>>,
        effects: &mut Vec<Effect>,
    ) {
        self.places.opened(thread_id, mirrored_thread_id);
        let thread = MirroredThread {
            thread_id,
            mirrored_thread_id,
            is_archived: false,
        };
        let first = MessageId::new(mirrored_thread_id.get());
        let at = Address {
            thread_id: Some(mirrored_thread_id),
            webhook_id: None,
        };
        let (Some(digest), Some(message_id), Some(delivery)) =
            (posted, first, self.delivery(signal_id))
        else {
            return self.record_with_threads(now_ms, Vec::new(), vec![thread], effects);
        };
        delivery.at.thread_id = Some(mirrored_thread_id);
        delivery.posted(0, message_id, &digest, at);
        effects.push(Effect::Took(Route::Create, now_ms - delivery.wanted_at_ms));
        self.counts.posted += 1;
        let change = PartChange::Stands(PostedPart {
            part: 0,
            message_id,
            digest,
            at,
        });
        self.complete_with_threads(now_ms, signal_id, Some(change), vec![thread], effects);
    }

    fn listed(&mut self, mut inventory: Inventory, page: Vec<Listed>, next_after: Option<i64>) {
        inventory.add(page);
        match next_after {
            Some(after) => self.paging = Some((inventory, after)),
            None => self.inventory = Some(inventory),
        }
    }

    fn stands(&mut self, now_ms: i64, signal_id: SignalId, part: u16, effects: &mut Vec<Effect>) {
        let stands: Option<PostedPart> = self
            .delivery(signal_id)
            .and_then(|delivery| delivery.parts.get(&part).cloned());
        self.complete(now_ms, signal_id, stands.map(PartChange::Stands), effects);
    }

    fn removed(&mut self, now_ms: i64, signal_id: SignalId, part: u16, effects: &mut Vec<Effect>) {
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

    fn rejected(
        &mut self,
        now_ms: i64,
        errand: Errand,
        refusal: Refusal,
        reason: String,
        effects: &mut Vec<Effect>,
    ) {
        if refusal == Refusal::Target {
            return self.park(now_ms, PARKED_PROBE_MS, reason);
        }
        if refusal == Refusal::WebhookGone {
            self.places.forget_webhook();
        }
        let (signal_id, part, call, at) = match errand {
            Errand::Delivery {
                signal_id,
                part,
                call,
                at,
                ..
            } => (signal_id, part, call, at),
            Errand::Thread {
                signal_id,
                thread_id,
                call: Call::OpenThread { from: Some(_), .. },
                ..
            } if refusal == Refusal::Gone => {
                // The message it was to hang on is gone: it hangs on none.
                self.places.learn(thread_id, Some(KnownThread::default()));
                return self.count_refusal(now_ms, signal_id, reason, effects);
            }
            Errand::Thread {
                signal_id, call, ..
            } => (signal_id, 0, call, Address::default()),
            Errand::Reading { inventory, .. } if refusal == Refusal::ThreadGone => {
                return self.listed(inventory, Vec::new(), None);
            }
            Errand::Archive(thread) => {
                // Not worth a word: the next reading of the tables asks again.
                self.archiving
                    .retain(|other| other.mirrored_thread_id != thread.mirrored_thread_id);
                return;
            }
            Errand::Survey { .. } if refusal == Refusal::ThreadGone => {
                return self.skip_place(effects);
            }
            Errand::Webhook(_) | Errand::Survey { .. } | Errand::Reading { .. } => {
                return self.pause(now_ms, reason);
            }
        };
        match (refusal, call) {
            (Refusal::ThreadGone, Call::Delete { .. }) => {
                self.removed(now_ms, signal_id, part, effects);
            }
            (Refusal::ThreadGone, Call::Edit { message_id, .. }) => {
                self.gone(now_ms, signal_id, part, message_id, effects);
            }
            (Refusal::ThreadGone, _) => {
                let reason = format!("the mirrored thread is gone ({reason})");
                self.give_up(now_ms, signal_id, reason, effects);
            }
            (Refusal::Archived, _) => {
                self.open_again(signal_id, at);
                self.count_refusal(now_ms, signal_id, reason, effects);
            }
            (Refusal::Gone, Call::Delete { .. }) => self.removed(now_ms, signal_id, part, effects),
            (Refusal::Gone, Call::Edit { .. })
                if self
                    .delivery(signal_id)
                    .is_some_and(|it| it.is_our_deletion(part)) =>
            {
                self.removed(now_ms, signal_id, part, effects);
            }
            (Refusal::Gone, Call::Edit { message_id, .. }) => {
                self.gone(now_ms, signal_id, part, message_id, effects);
            }
            // What a repeated create is told when its message was posted by an earlier attempt and is deleted.
            (Refusal::Gone, Call::Create { .. }) => {
                if let Some(delivery) = self.delivery(signal_id) {
                    delivery.doubt = None;
                    delivery.gone.insert(part);
                    delivery.note = Some("posted, then deleted by somebody else".to_owned());
                }
                self.complete(now_ms, signal_id, None, effects);
            }
            (Refusal::Final, _) => self.give_up(now_ms, signal_id, reason, effects),
            _ => self.count_refusal(now_ms, signal_id, reason, effects),
        }
    }

    /// Somebody else deleted the message: it is never touched again.
    fn gone(
        &mut self,
        now_ms: i64,
        signal_id: SignalId,
        part: u16,
        message_id: MessageId,
        effects: &mut Vec<Effect>,
    ) {
        if let Some(delivery) = self.delivery(signal_id) {
            let at = delivery
                .parts
                .get(&part)
                .map_or(delivery.at, |stands| stands.at);
            delivery.stand(part, message_id, &[], at);
            delivery.note = Some("the mirrored message was deleted by somebody else".to_owned());
        }
        self.stands(now_ms, signal_id, part, effects);
    }

    /// The thread is opened again before the request is repeated.
    fn open_again(&mut self, signal_id: SignalId, at: Address) {
        let is_forum = self.places.is_forum;
        let key = self
            .delivery(signal_id)
            .and_then(|delivery| delivery.thread_key(is_forum));
        if let (Some(thread_id), Some(mirrored_thread_id)) = (key, at.thread_id) {
            self.archiving.push_front(MirroredThread {
                thread_id,
                mirrored_thread_id,
                is_archived: false,
            });
        }
    }

    fn count_refusal(
        &mut self,
        now_ms: i64,
        signal_id: SignalId,
        reason: String,
        effects: &mut Vec<Effect>,
    ) {
        let attempts_max = self.settings.attempts_max;
        let Some(delivery) = self.delivery(signal_id) else {
            return;
        };
        delivery.attempts += 1;
        if delivery.attempts >= attempts_max {
            return self.give_up(now_ms, signal_id, reason, effects);
        }
        let doublings = delivery.attempts - 1;
        self.retry(now_ms, signal_id, doublings, reason, effects);
    }

    /// Gives up, unless an attempt before this one, with another payload, may have succeeded: that is found out first.
    fn give_up(
        &mut self,
        now_ms: i64,
        signal_id: SignalId,
        error: String,
        effects: &mut Vec<Effect>,
    ) {
        let Some(delivery) = self.delivery(signal_id) else {
            return;
        };
        if delivery.may_have_sent_another()
            && let Some(doubt) = &mut delivery.doubt
        {
            doubt.is_refused = true;
            return;
        }
        self.bury(now_ms, signal_id, error, effects);
    }

    /// A dead letter: it does not block what is behind it.
    pub(super) fn bury(
        &mut self,
        now_ms: i64,
        signal_id: SignalId,
        error: String,
        effects: &mut Vec<Effect>,
    ) {
        self.counts.dead += 1;
        let Some(delivery) = self.delivery(signal_id) else {
            return;
        };
        delivery.doubt = None;
        let progress = Progress::Dead {
            revision: delivery.desired_revision,
            attempts: delivery.attempts,
            error,
        };
        let record = self.record_of(signal_id, None, progress);
        self.record(now_ms, vec![record], effects);
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
            Errand::Thread { thread_id, .. } => {
                let until_ms = flight.sent_ms + spans.settle_ms;
                return self.places.doubt(*thread_id, until_ms);
            }
            Errand::Webhook(_) => return self.places.forget_webhook(),
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
            Call::Edit { .. } => delivery.shows_something_else(*part),
            _ => {}
        }
    }

    /// A failure that says nothing of the message: tried for ever, ever more slowly, and while it lasts the whole target goes
    /// slowly.
    fn fault(&mut self, now_ms: i64, flight: &Flight, reason: String, effects: &mut Vec<Effect>) {
        self.counts.faults += 1;
        self.pause(now_ms, reason.clone());
        if let Some(signal_id) = flight.signal_id()
            && let Some(delivery) = self.delivery(signal_id)
        {
            delivery.faults += 1;
            let doublings = delivery.faults - 1;
            self.retry(now_ms, signal_id, doublings, reason, effects);
        }
    }

    fn pause(&mut self, now_ms: i64, reason: String) {
        self.not_before_ms = now_ms + self.delay_ms(self.faults);
        self.faults += 1;
        self.failing = Some(reason);
    }

    fn retry(
        &mut self,
        now_ms: i64,
        signal_id: SignalId,
        doublings: u32,
        error: String,
        effects: &mut Vec<Effect>,
    ) {
        let wait_ms = self.delay_ms(doublings);
        let Some(delivery) = self.delivery(signal_id) else {
            return;
        };
        delivery.not_before_ms = now_ms + wait_ms;
        let progress = Progress::Retrying {
            attempts: delivery.attempts,
            wait_ms,
            error,
        };
        let record = self.record_of(signal_id, None, progress);
        self.record(now_ms, vec![record], effects);
    }

    /// An obstacle is a better reason than a code, and the inspector tells when it is gone: what waits is then tried at once.
    pub(super) fn inspected(&mut self, now_ms: i64, inspected: Inspected) {
        match inspected.obstacle {
            Some(Obstacle(sentence)) => self.park(now_ms, PARKED_PROBE_MS, sentence),
            None => self.parked = None,
        }
    }

    fn park(&mut self, now_ms: i64, probe_ms: i64, reason: String) {
        self.parked = Some(Parked {
            reason,
            probe_at_ms: now_ms + probe_ms,
        });
    }

    /// Between the least delay and the one that doubled so often, at random, so that mirrors do not return all at once.
    fn delay_ms(&mut self, doublings: u32) -> i64 {
        let (least, most) = (
            self.settings.retry_delay_ms_min.max(1),
            self.settings.retry_delay_ms_max.max(1),
        );
        let bound = least
            .saturating_mul(1 << doublings.min(DOUBLINGS_MAX))
            .min(most)
            .max(least);
        let spread = u64::try_from(bound - least).unwrap_or(0) + 1;
        least + i64::try_from(self.draw() % spread).unwrap_or(0)
    }

    /// The next number of a splitmix64 sequence.
    fn draw(&mut self) -> u64 {
        self.seed = self.seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.seed;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}
