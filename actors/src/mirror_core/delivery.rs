//! One delivery in a mirror's hands: what stands in Discord, what shall stand there, and the next step from the one to the
//! other. A create whose answer was lost leaves a doubt, which is settled before anything else is done.

use super::{
    doubt::Doubt,
    inventory::Inventory,
    places::lane,
    planted::{Bug, planted},
};
use crate::{
    limits_core::{Lane, Route},
    markup_core::Names,
    payload::{Identity, PartPayload, Posting, nonce},
    render_core::{How, Rendering, render_with},
    rules_core::CompiledRules,
};
use heliograph_schema::{
    delivery::{Address, PendingDelivery, PostedPart, WantedDelivery},
    ids::{ChannelId, MessageId, RoleId, SignalId, ThreadId, WebhookId},
    signal::SignalState,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Instant,
};

/// A digest that no payload has: the message stands, but what it shows is not certain.
pub(super) const UNCERTAIN: &[u8] = b"?";

/// Clocks may drift by so much while a row is read.
const START_MARGIN_MS: i64 = 5_000;

/// What a mirror holds of a signal.
#[derive(Debug)]
pub(super) struct Delivery {
    pub(super) signal: Arc<SignalState>,
    pub(super) ping_role_id: Option<RoleId>,
    pub(super) rules: Arc<CompiledRules>,
    pub(super) names: Arc<Names>,
    pub(super) thread_name: Option<String>,
    /// Where its next messages go.
    pub(super) at: Address,
    pub(super) reply: Reply,
    pub(super) repairs: u32,
    pub(super) ordinal: i64,
    pub(super) desired_revision: i32,
    pub(super) delivered_revision: i32,
    pub(super) parts: BTreeMap<u16, PostedPart>,
    /// What stands in Discord is known; else its row is being read.
    pub(super) known: bool,
    pub(super) doubt: Option<Doubt>,
    /// Parts that were posted and then deleted by somebody else; not posted again.
    pub(super) gone: BTreeSet<u16>,
    /// Parts whose deletion was asked for and not answered.
    pub(super) deleting: BTreeSet<u16>,
    /// Parts that show this digest, unless an older edit that is still under way arrives after it: until this moment. Then the
    /// edit is sent once more.
    pub(super) overtaken: BTreeMap<u16, (Vec<u8>, i64)>,
    /// It was wanted before this life began: an earlier one may have sent edits that are still under way.
    pub(super) is_inherited: bool,
    /// The word of its first commit came before anybody could have read its row.
    pub(super) is_heard_new: bool,
    /// An earlier life may have asked for deletions.
    pub(super) may_have_deleted: bool,
    /// Parts taken away since the last complete delivery.
    pub(super) removals: u32,
    /// Refusals.
    pub(super) attempts: u32,
    /// Failures in a row that say nothing of the message itself.
    pub(super) faults: u32,
    pub(super) not_before_ms: i64,
    pub(super) wanted_at_ms: i64,
    /// When the latest change became known.
    pub(super) changed_at_ms: i64,
    pub(super) committed_at: Option<Instant>,
    pub(super) received_at: Option<Instant>,
    pub(super) note: Option<String>,
    /// Why its rules hold it back.
    pub(super) held_back: Option<String>,
    /// Why it can never be rendered.
    pub(super) poison: Option<String>,
    /// What earlier revisions looked like in the part in doubt.
    pub(super) earlier: Earlier,
    pub(super) rendered: Option<Vec<Rendered>>,
}

/// The message that the first part answers, asked for when its turn has come: whatever comes before it is on record then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reply {
    Unasked,
    Asked,
    Read(Option<(MessageId, Address)>),
}

/// Of the revisions between what was delivered and what is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Earlier {
    Unasked,
    Asked,
    Read(Vec<Identity>),
}

#[derive(Debug, Clone)]
pub(super) struct Rendered {
    pub(super) payload: PartPayload,
    pub(super) digest: Vec<u8>,
}

/// The next thing to do.
#[derive(Debug)]
pub(super) enum Step {
    /// Everything stands as wanted.
    Done,
    Create {
        part: u16,
        payload: PartPayload,
        digest: Vec<u8>,
        nonce: String,
        reply_to: Option<MessageId>,
        at: Address,
    },
    Edit {
        part: u16,
        message_id: MessageId,
        payload: PartPayload,
        digest: Vec<u8>,
        at: Address,
    },
    Delete {
        part: u16,
        message_id: MessageId,
        at: Address,
    },
    /// The first message of a thread of a forum, which opens it.
    OpenPost {
        thread_id: ThreadId,
        name: String,
        payload: PartPayload,
        digest: Vec<u8>,
        webhook_id: Option<WebhookId>,
    },
    OpenThread {
        thread_id: ThreadId,
        name: String,
        from: Option<MessageId>,
    },
    FindThread {
        thread_id: ThreadId,
        name: String,
        since_ms: i64,
    },
    FindWebhook,
    MakeWebhook,
    /// A part somebody else deleted is not wanted any more.
    Forget {
        part: u16,
    },
    /// The message of the part in doubt was found.
    Adopt {
        part: u16,
        message_id: MessageId,
        digest: Vec<u8>,
        at: Address,
    },
    /// The channel, or this thread of it, must be read back from this moment on.
    List {
        from_ms: i64,
        thread_id: Option<ThreadId>,
    },
    /// Earlier revisions must be read.
    ReadRevisions,
    /// The message that stands for the signal it answers must be read.
    ReadReply(SignalId),
    /// What is known of a thread must be read.
    ReadThread(ThreadId),
    /// Nothing before this moment; `None`: before something else has happened.
    Wait(Option<i64>),
    /// It cannot be rendered.
    Poison(String),
}

impl Step {
    /// Whose limits the request it needs falls under; `None` when it needs none.
    pub(super) fn lane(&self, target: ChannelId) -> Option<Lane> {
        let (route, at) = match self {
            Self::Create { at, .. } => (Route::Create, *at),
            Self::Edit { at, .. } => (Route::Edit, *at),
            Self::Delete { at, .. } => (Route::Delete, *at),
            Self::List { thread_id, .. } => {
                let at = Address {
                    thread_id: *thread_id,
                    webhook_id: None,
                };
                (Route::List, at)
            }
            Self::OpenPost { webhook_id, .. } => {
                let at = Address {
                    thread_id: None,
                    webhook_id: *webhook_id,
                };
                (Route::OpenThread, at)
            }
            Self::OpenThread { .. } => (Route::OpenThread, Address::default()),
            Self::FindThread { .. } => (Route::FindThread, Address::default()),
            Self::FindWebhook | Self::MakeWebhook => (Route::Webhook, Address::default()),
            _ => return None,
        };
        Some(lane(route, at, target))
    }
}

/// The durations a step depends on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spans {
    /// How long after its first attempt a create may be repeated.
    pub(super) trust_ms: i64,
    /// After so long no attempt can still be on its way.
    pub(super) settle_ms: i64,
}

impl Delivery {
    pub(super) fn wanted(
        now_ms: i64,
        wanted: WantedDelivery,
        known: bool,
        rules: Arc<CompiledRules>,
        names: Arc<Names>,
    ) -> Self {
        Self {
            signal: wanted.signal,
            ping_role_id: wanted.ping_role_id,
            rules,
            names,
            thread_name: None,
            at: Address::default(),
            reply: Reply::Unasked,
            repairs: 0,
            ordinal: wanted.ordinal,
            desired_revision: wanted.desired_revision,
            delivered_revision: 0,
            parts: BTreeMap::new(),
            known,
            doubt: None,
            gone: BTreeSet::new(),
            deleting: BTreeSet::new(),
            overtaken: BTreeMap::new(),
            is_inherited: false,
            is_heard_new: false,
            may_have_deleted: false,
            removals: 0,
            attempts: 0,
            faults: 0,
            not_before_ms: now_ms,
            wanted_at_ms: now_ms,
            changed_at_ms: now_ms,
            committed_at: wanted.committed_at,
            received_at: wanted.received_at,
            note: None,
            held_back: None,
            poison: None,
            earlier: Earlier::Unasked,
            rendered: None,
        }
    }

    /// From its row, which was asked for at `asked_ms`. `started_ms`: what was wanted before may have been attempted by an
    /// earlier life.
    pub(super) fn pending(
        asked_ms: i64,
        row: PendingDelivery,
        inherited_ms: Option<i64>,
        spans: Spans,
        rules: Arc<CompiledRules>,
        names: Arc<Names>,
    ) -> Self {
        let wanted = WantedDelivery {
            signal: row.signal.clone(),
            mapping_id: row.mapping_id,
            ping_role_id: row.ping_role_id,
            rule_set_id: row.rule_set_id,
            ordinal: row.ordinal,
            desired_revision: row.desired_revision,
            committed_at: None,
            received_at: None,
        };
        let mut delivery = Self::wanted(asked_ms, wanted, false, rules.clone(), names);
        delivery.learn(asked_ms, row, inherited_ms, spans, rules);
        delivery
    }

    /// One whose rules cannot be carried out.
    pub(super) fn poisoned(
        now_ms: i64,
        row: PendingDelivery,
        reason: String,
        names: Arc<Names>,
    ) -> Self {
        let wanted = WantedDelivery {
            signal: row.signal,
            mapping_id: row.mapping_id,
            ping_role_id: row.ping_role_id,
            rule_set_id: row.rule_set_id,
            ordinal: row.ordinal,
            desired_revision: row.desired_revision,
            committed_at: None,
            received_at: None,
        };
        let mut delivery = Self::wanted(now_ms, wanted, false, Arc::default(), names);
        delivery.poison(reason);
        delivery
    }

    /// Its rules cannot be carried out.
    pub(super) fn poison(&mut self, reason: String) {
        (self.known, self.poison) = (true, Some(reason));
    }

    /// Takes over what the row says of Discord. Only for a delivery of which nothing was known. `inherited_ms`: when this life began,
    /// for what an earlier one may have attempted.
    pub(super) fn learn(
        &mut self,
        asked_ms: i64,
        row: PendingDelivery,
        inherited_ms: Option<i64>,
        spans: Spans,
        rules: Arc<CompiledRules>,
    ) {
        (self.rules, self.thread_name, self.repairs) = (rules, row.thread_name, row.repairs);
        self.rendered = None;
        // Its age is that of a moment between question and answer, which may lie far apart: rather too old than too young.
        self.wanted_at_ms = asked_ms - row.wanted_age_ms;
        self.changed_at_ms = self.changed_at_ms.min(self.wanted_at_ms);
        self.delivered_revision = row.delivered_revision;
        self.attempts = row.attempts;
        self.not_before_ms = asked_ms + row.wait_ms.max(0);
        self.parts = row
            .parts
            .iter()
            .cloned()
            .map(|part| (part.part, part))
            .collect();
        self.known = true;
        let names = self.names.clone();
        self.want(asked_ms, row.signal, row.desired_revision, None, &names);
        let is_old = |started_ms: &i64| self.wanted_at_ms < started_ms + START_MARGIN_MS;
        let inherited_ms = inherited_ms.filter(is_old);
        if let Some(started_ms) = inherited_ms.filter(|_| !planted(Bug::NoInheritedDoubt)) {
            self.is_inherited = true;
            self.doubt_what_stands();
            self.doubt = self.inherit_doubt(started_ms, spans);
            self.may_have_deleted = !self.is_single();
        }
    }

    /// Raises what is wanted; older news is ignored.
    pub(super) fn want(
        &mut self,
        now_ms: i64,
        signal: Arc<SignalState>,
        desired_revision: i32,
        committed_at: Option<Instant>,
        names: &Arc<Names>,
    ) {
        if desired_revision > self.desired_revision && !planted(Bug::OlderRevisionWins) {
            (self.signal, self.names) = (signal, names.clone());
            self.changed_at_ms = now_ms;
            self.desired_revision = desired_revision;
            self.committed_at = committed_at.or(self.committed_at);
            self.attempts = 0;
            self.rendered = None;
        }
    }

    pub(super) fn signal_id(&self) -> SignalId {
        self.signal.signal_id
    }

    pub(super) fn is_deleted(&self) -> bool {
        self.signal.deleted_at_ms.is_some()
    }

    /// Some of its messages are still to appear for the first time: they do so in the order of ordinals.
    pub(super) fn is_to_appear(&mut self) -> bool {
        if !self.known || self.delivered_revision > 0 || self.is_deleted() {
            return false;
        }
        // Most of a backlog ends here: nothing is rendered before its turn.
        if self.parts.is_empty() && self.gone.is_empty() {
            return true;
        }
        // What cannot be rendered will never appear.
        let wanted = self.rendered().map_or(0, <[Rendered]>::len);
        (0..).take(wanted).any(|part| self.is_missing(part))
    }

    /// It was deleted before anything of it was ever sent.
    pub(super) fn is_cancelled(&self) -> bool {
        let is_sure = self.doubt.is_none() || planted(Bug::CancelledInDoubt);
        self.known && self.is_deleted() && self.parts.is_empty() && is_sure
    }

    pub(super) fn is_single(&self) -> bool {
        self.desired_revision <= self.delivered_revision + 1
    }

    /// A message that is not there was taken away by us, as far as we can know.
    pub(super) fn is_our_deletion(&self, part: u16) -> bool {
        self.may_have_deleted || self.deleting.contains(&part)
    }

    /// The create of `part` succeeded, now or by an earlier attempt.
    pub(super) fn posted(&mut self, part: u16, message_id: MessageId, digest: &[u8], at: Address) {
        let single = self.is_single();
        let sure = self.doubt.take().is_none_or(|doubt| {
            doubt.sent.iter().all(|(_, sent)| sent == digest) && (!doubt.inherited || single)
        });
        self.stand(part, message_id, if sure { digest } else { UNCERTAIN }, at);
    }

    /// The edit of `part` succeeded. `unsure_until_ms`: an older one may still arrive.
    pub(super) fn edited(
        &mut self,
        part: u16,
        message_id: MessageId,
        digest: &[u8],
        unsure_until_ms: Option<i64>,
    ) {
        self.overtaken.remove(&part);
        let at = self.parts.get(&part).map_or(self.at, |stands| stands.at);
        let Some(at_ms) = unsure_until_ms.filter(|_| !planted(Bug::NoEditRepeated)) else {
            return self.stand(part, message_id, digest, at);
        };
        self.overtaken.insert(part, (digest.to_vec(), at_ms));
        self.stand(part, message_id, UNCERTAIN, at);
    }

    /// An earlier life may have sent edits of every change that is not delivered, even if what is wanted in the end is what is
    /// on record. Certain is only what the one such change leaves as it is.
    fn doubt_what_stands(&mut self) {
        let is_single = self.is_single();
        let wanted: Vec<_> = self
            .rendered()
            .unwrap_or_default()
            .iter()
            .map(|part| part.digest.clone())
            .collect();
        let is_certain = |stands: &PostedPart| {
            is_single && wanted.get(usize::from(stands.part)) == Some(&stands.digest)
        };
        let doubtful: Vec<u16> = self
            .parts
            .values()
            .filter(|stands| !is_certain(stands))
            .map(|stands| stands.part)
            .collect();
        for part in doubtful {
            self.shows_something_else(part);
        }
    }

    /// An edit of `part` may have been carried out: what is on record may not be what it shows.
    pub(super) fn shows_something_else(&mut self, part: u16) {
        if let Some(stands) = self
            .parts
            .get_mut(&part)
            .filter(|stands| !stands.digest.is_empty())
        {
            stands.digest = UNCERTAIN.to_vec();
        }
    }

    pub(super) fn stand(&mut self, part: u16, message_id: MessageId, digest: &[u8], at: Address) {
        self.parts.insert(
            part,
            PostedPart {
                part,
                message_id,
                digest: digest.to_vec(),
                at,
            },
        );
    }

    pub(super) fn rendered(&mut self) -> Result<&[Rendered], String> {
        if let Some(reason) = &self.poison {
            return Err(reason.clone());
        }
        if self.rendered.is_none() {
            let rendering = catch_unwind(AssertUnwindSafe(|| self.render(&self.signal)))
                .map_err(|_| "the signal cannot be rendered".to_owned())?;
            let with_digest = |payload: PartPayload| Rendered {
                digest: payload.digest(),
                payload,
            };
            self.held_back = rendering.held_back;
            self.rendered = Some(rendering.parts.into_iter().map(with_digest).collect());
        }
        Ok(self.rendered.as_deref().unwrap_or_default())
    }

    /// This state of it as messages.
    pub(super) fn render(&self, signal: &SignalState) -> Rendering {
        let how = How {
            rules: &self.rules,
            ping_role_id: self.ping_role_id,
            names: &self.names,
            thread_name: self.thread_name.as_deref(),
        };
        render_with(signal, &how)
    }

    /// Why it stands as it does, when that is not as the signal reads: for people.
    pub(super) fn remark(&self) -> Option<String> {
        let held_back = self.held_back.as_ref();
        self.note
            .clone()
            .or_else(|| held_back.map(|reason| format!("held back by {reason}")))
    }

    /// As it is now, it shows something.
    pub(super) fn wants_messages(&mut self) -> bool {
        self.rendered().is_ok_and(|parts| !parts.is_empty())
    }

    /// Something of it is to be posted, or may have been.
    pub(super) fn is_to_post(&mut self) -> bool {
        let wanted = self.rendered().map_or(0, <[Rendered]>::len);
        self.doubt.is_some() || (0..).take(wanted).any(|part| self.is_missing(part))
    }

    fn is_missing(&self, part: u16) -> bool {
        !self.parts.contains_key(&part) && !self.gone.contains(&part)
    }

    /// Whether this is what `part` shall show.
    pub(super) fn wants(&mut self, part: u16, digest: &[u8]) -> bool {
        let wanted = self.rendered().unwrap_or_default();
        wanted
            .get(usize::from(part))
            .is_some_and(|part| part.digest == digest)
    }

    /// What to do next. Steps are small: the next one is asked for when this one has been recorded.
    pub(super) fn step(
        &mut self,
        now_ms: i64,
        target: ChannelId,
        inventory: Option<&Inventory>,
        spans: Spans,
    ) -> Step {
        if let Err(reason) = self.rendered() {
            return Step::Poison(reason);
        }
        // A deletion nobody answered may still be carried out: what is wanted again by now is taken away for certain first.
        let deleting = self.deleting.iter().filter_map(|it| self.parts.get(it));
        if let Some(stands) = { deleting }.next_back() {
            return Step::Delete {
                part: stands.part,
                message_id: stands.message_id,
                at: stands.at,
            };
        }
        if self.may_edit_before_settling()
            && let (Some(edit), _) = self.edit(now_ms)
        {
            return edit;
        }
        if let Some(step) = self.settle(now_ms, target, inventory, spans) {
            return step;
        }
        let wanted = self.rendered.as_deref().unwrap_or_default();
        let missing = (0..).take(wanted.len()).find(|part| self.is_missing(*part));
        // Parts appear one after the other: what stands before the missing one is put right first.
        let (edit, wait_ms) = self.edit(now_ms);
        if let Some(part) = missing
            .filter(|missing| !matches!(&edit, Some(Step::Edit { part, .. }) if part < missing))
        {
            return self.create(part, target);
        }
        if let Some(edit) = edit {
            return edit;
        }
        let wanted_parts = wanted.len();
        match self.parts.last_key_value() {
            Some((&part, stands)) if usize::from(part) >= wanted_parts => {
                if stands.digest.is_empty() {
                    return Step::Forget { part };
                }
                Step::Delete {
                    part,
                    message_id: stands.message_id,
                    at: stands.at,
                }
            }
            _ => wait_ms.map_or(Step::Done, |at_ms| Step::Wait(Some(at_ms))),
        }
    }

    /// The first edit that standing parts need; without one, until when the last of those waits that may have to be repeated.
    fn edit(&self, now_ms: i64) -> (Option<Step>, Option<i64>) {
        let wanted = self.rendered.as_deref().unwrap_or_default();
        let mut wait_ms: Option<i64> = None;
        for (part, want) in (0..).zip(wanted) {
            let Some(stands) = self
                .parts
                .get(&part)
                .filter(|stands| !stands.digest.is_empty() && stands.digest != want.digest)
            else {
                continue;
            };
            let overtaken = self
                .overtaken
                .get(&part)
                .filter(|(digest, at_ms)| *digest == want.digest && now_ms < *at_ms);
            if let Some((_, at_ms)) = overtaken {
                wait_ms = wait_ms.max(Some(*at_ms));
                continue;
            }
            let edit = Step::Edit {
                part,
                message_id: stands.message_id,
                payload: want.payload.clone(),
                digest: want.digest.clone(),
                at: stands.at,
            };
            return (Some(edit), None);
        }
        (None, wait_ms)
    }

    pub(super) fn create(&self, part: u16, target: ChannelId) -> Step {
        let Some(want) = self
            .rendered
            .as_deref()
            .and_then(|parts| parts.get(usize::from(part)))
        else {
            return Step::Done;
        };
        let reply_to = match (self.signal.reply_to.filter(|_| part == 0), self.reply) {
            (None, _) => None,
            (Some(answered), Reply::Unasked) => return Step::ReadReply(answered),
            (Some(_), Reply::Asked) => return Step::Wait(None),
            (Some(_), Reply::Read(found)) => found
                .filter(|(_, at)| at.thread_id == self.at.thread_id)
                .map(|(message_id, _)| message_id),
        };
        let posting = Posting {
            signal_id: self.signal_id(),
            target_channel_id: target,
            part,
            delivered_revision: self.delivered_revision,
            removals: match self.removals {
                _ if planted(Bug::RemovalsNotCounted) => 0,
                removals if planted(Bug::NoncePerAttempt) => removals + self.faults,
                removals => removals,
            },
            repairs: self.repairs,
        };
        Step::Create {
            part,
            payload: want.payload.clone(),
            digest: want.digest.clone(),
            nonce: nonce(&posting),
            reply_to,
            at: self.at,
        }
    }

    /// Its first message as the one that opens a thread of a forum.
    pub(super) fn post(&mut self, thread_id: ThreadId, name: String) -> Step {
        match self.rendered().map(<[Rendered]>::first) {
            Err(reason) => Step::Poison(reason),
            Ok(None) => Step::Wait(None),
            Ok(Some(first)) => {
                let (payload, digest) = (first.payload.clone(), first.digest.clone());
                Step::OpenPost {
                    thread_id,
                    name,
                    payload,
                    digest,
                    webhook_id: self.at.webhook_id,
                }
            }
        }
    }
}
