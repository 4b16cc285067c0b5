//! What an answer means for the delivery it was for, and for the target channel as a whole.

use super::{Effect, Errand, Flight, Inventory, MirrorCore, Parked, StrayEdit, delivery::Step};
use crate::{
    exchange::{Answer, Call, Listed, Outcome},
    limits_core::Route,
};
use heliograph_schema::{
    delivery::{PartChange, PostedPart, Progress},
    ids::{MessageId, SignalId},
};

/// Discord's codes that mean something to a mirror (documented).
const UNKNOWN_CHANNEL: u64 = 10_003;
const UNKNOWN_MESSAGE: u64 = 10_008;
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
    /// Nothing we know: it may be tried again.
    Unknown,
}

fn refusal(status: u16, code: u64) -> Refusal {
    match (status, code) {
        (_, UNKNOWN_MESSAGE) => Refusal::Gone,
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
        let route = match &flight.errand {
            Errand::Delivery { call, .. } => call.route(),
            Errand::Reading { .. } => Route::List,
        };
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
                self.rejected(
                    now_ms,
                    flight.errand,
                    refusal(status, code),
                    reason,
                    effects,
                );
            }
            Outcome::Unreachable { reason } => self.fault(now_ms, &flight, reason, effects),
            Outcome::Ambiguous { reason } => {
                self.doubt(now_ms, &flight);
                self.fault(now_ms, &flight, reason, effects);
            }
            done => {
                self.faults = 0;
                self.failing = None;
                self.parked = None;
                self.done(now_ms, flight.errand, done, effects);
            }
        }
    }

    fn done(&mut self, now_ms: i64, errand: Errand, outcome: Outcome, effects: &mut Vec<Effect>) {
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
                    ..
                },
                Outcome::Posted { message_id },
            ) => {
                self.counts.posted += 1;
                self.claim(message_id);
                if let Some(delivery) = self.delivery(signal_id) {
                    delivery.posted(part, message_id, &digest);
                }
                self.stands(now_ms, signal_id, part, effects);
            }
            (
                Errand::Delivery {
                    signal_id,
                    part,
                    call: Call::Edit { message_id, .. },
                    digest,
                },
                Outcome::Edited,
            ) => {
                self.counts.edited += 1;
                let unsure_until_ms = self.unsure_until_ms(now_ms, signal_id, message_id, &digest);
                if let Some(delivery) = self.delivery(signal_id) {
                    delivery.edited(part, message_id, &digest, unsure_until_ms);
                }
                self.stands(now_ms, signal_id, part, effects);
            }
            (
                Errand::Delivery {
                    signal_id, part, ..
                },
                Outcome::Deleted,
            ) => self.removed(now_ms, signal_id, part, effects),
            // An answer that does not fit its question says nothing.
            _ => {}
        }
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
                note: delivery.note.clone(),
            }
        } else {
            Progress::Working
        };
        let record = self.record_of(signal_id, change, progress);
        self.record(now_ms, vec![record], effects);
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
        let Errand::Delivery {
            signal_id,
            part,
            call,
            ..
        } = errand
        else {
            return self.pause(now_ms, reason);
        };
        match (refusal, call) {
            (Refusal::Gone, Call::Delete { .. }) => self.removed(now_ms, signal_id, part, effects),
            (Refusal::Gone, Call::Edit { .. })
                if self
                    .delivery(signal_id)
                    .is_some_and(|it| it.is_our_deletion(part)) =>
            {
                self.removed(now_ms, signal_id, part, effects);
            }
            (Refusal::Gone, Call::Edit { message_id, .. }) => {
                if let Some(delivery) = self.delivery(signal_id) {
                    delivery.stand(part, message_id, &[]);
                    delivery.note =
                        Some("the mirrored message was deleted by somebody else".to_owned());
                }
                self.stands(now_ms, signal_id, part, effects);
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
        let Errand::Delivery {
            signal_id,
            part,
            call,
            digest,
        } = &flight.errand
        else {
            return;
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
            Call::List { .. } => {}
        }
    }

    /// A failure that says nothing of the message: tried for ever, ever more slowly, and while it lasts the whole target goes
    /// slowly.
    fn fault(&mut self, now_ms: i64, flight: &Flight, reason: String, effects: &mut Vec<Effect>) {
        self.counts.faults += 1;
        self.pause(now_ms, reason.clone());
        if let Errand::Delivery { signal_id, .. } = flight.errand
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
