//! What a definite refusal of Discord means: for the message, for the thread or the webhook it goes through, or for the target
//! channel as a whole.

use super::{
    Effect, Errand, MirrorCore,
    planted::{Bug, planted},
    retries::PARKED_PROBE_MS,
};
use crate::exchange::Call;
use heliograph_schema::{
    delivery::{Address, KnownThread, MirroredThread, Progress},
    ids::{MessageId, SignalId},
};

/// Discord's codes that mean something to a mirror (documented).
const UNKNOWN_CHANNEL: u64 = 10_003;
const UNKNOWN_MESSAGE: u64 = 10_008;
const UNKNOWN_WEBHOOK: u64 = 10_015;
const WRONG_WEBHOOK_TOKEN: u64 = 50_027;
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

/// What a definite refusal speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
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

pub(super) fn refusal(status: u16, code: u64, at: Address) -> Refusal {
    match (status, code) {
        (_, UNKNOWN_MESSAGE) => Refusal::Gone,
        (_, UNKNOWN_WEBHOOK | WRONG_WEBHOOK_TOKEN) => Refusal::WebhookGone,
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
    pub(super) fn rejected(
        &mut self,
        now_ms: i64,
        errand: Errand,
        refusal: Refusal,
        reason: String,
        effects: &mut Vec<Effect>,
    ) {
        if refusal == Refusal::Target
            && errand.speaks_of_target()
            && !self.deletes_for_webhook(&errand)
        {
            return self.park(now_ms, PARKED_PROBE_MS, reason);
        }
        if refusal == Refusal::WebhookGone {
            self.places.forget_webhook();
        }
        let (signal_id, part, call, at) = match errand {
            Errand::Delivery {
                signal_id,
                part,
                call: Call::Create { .. } | Call::Edit { .. },
                digest,
                ..
            } if refusal == Refusal::Final
                && self
                    .delivery(signal_id)
                    .is_some_and(|it| !it.wants(part, &digest)) =>
            {
                // It speaks of what was sent. By now something else is wanted, which is tried at once.
                return;
            }
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
            Errand::Survey {
                thread_id: Some(_), ..
            } => return self.skip_place(effects),
            Errand::Webhook { signal_id, .. } => {
                let reason = format!("no webhook to post through: {reason}");
                return self.count_refusal(now_ms, signal_id, reason, effects);
            }
            Errand::Survey { .. } | Errand::Reading { .. } => {
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
                // Somebody deleted the thread: what comes from now on stands in a new one.
                self.reopen(signal_id);
                self.count_refusal(now_ms, signal_id, reason, effects);
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
            // Its message was posted and is deleted: by an earlier life of ours, as far as we can know. The next one has another nonce.
            (Refusal::Gone, Call::Create { .. })
                if self
                    .delivery(signal_id)
                    .is_some_and(|it| it.may_have_deleted) =>
            {
                if let Some(delivery) = self.delivery(signal_id) {
                    delivery.doubt = None;
                    delivery.removals += 1;
                }
                self.complete(now_ms, signal_id, None, effects);
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

    /// The bot deletes what a webhook posted that is gone, for which it needs a permission of its own.
    fn deletes_for_webhook(&self, errand: &Errand) -> bool {
        let Errand::Delivery {
            signal_id,
            part,
            call: Call::Delete { .. },
            ..
        } = errand
        else {
            return false;
        };
        let ordinal = self.ordinals.get(signal_id);
        let delivery = ordinal.and_then(|ordinal| self.deliveries.get(ordinal));
        delivery
            .and_then(|delivery| delivery.parts.get(part))
            .is_some_and(|stands| stands.at.webhook_id.is_some())
    }

    /// The thread is not there any more.
    fn reopen(&mut self, signal_id: SignalId) {
        let is_forum = self.places.is_forum;
        let Some(delivery) = self.delivery(signal_id) else {
            return;
        };
        let name = delivery.thread_name.clone();
        delivery.at.thread_id = None;
        if let Some(thread_id) = delivery.thread_key(is_forum) {
            let closed = KnownThread {
                name,
                ..KnownThread::default()
            };
            self.places.learn(thread_id, Some(closed));
        }
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
        if !planted(Bug::DeadInDoubt)
            && delivery.may_have_sent_another()
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
}
