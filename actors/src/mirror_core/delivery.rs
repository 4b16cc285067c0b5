//! One delivery in a mirror's hands: what stands in Discord, what shall stand there, and the next step from the one to the
//! other. A create whose answer was lost leaves a doubt, which is settled before anything else is done.

use super::{doubt::Doubt, inventory::Inventory};
use crate::{
    limits_core::Route,
    payload::{Identity, PartPayload, nonce},
    render_core::render,
};
use heliograph_schema::{
    delivery::{Address, PendingDelivery, PostedPart, WantedDelivery},
    ids::{ChannelId, MessageId, RoleId, SignalId},
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

/// The age of a row is only as exact as the time it took to read it.
const START_MARGIN_MS: i64 = 5_000;

/// What a mirror holds of a signal.
#[derive(Debug)]
pub(super) struct Delivery {
    pub(super) signal: Arc<SignalState>,
    pub(super) ping_role_id: Option<RoleId>,
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
    pub(super) committed_at: Option<Instant>,
    pub(super) note: Option<String>,
    /// What earlier revisions looked like in the part in doubt.
    pub(super) earlier: Earlier,
    pub(super) rendered: Option<Vec<Rendered>>,
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
    },
    Edit {
        part: u16,
        message_id: MessageId,
        payload: PartPayload,
        digest: Vec<u8>,
    },
    Delete {
        part: u16,
        message_id: MessageId,
    },
    /// A part somebody else deleted is not wanted any more.
    Forget {
        part: u16,
    },
    /// The message of the part in doubt was found.
    Adopt {
        part: u16,
        message_id: MessageId,
        digest: Vec<u8>,
    },
    /// The channel must be read back from this moment on.
    List {
        from_ms: i64,
    },
    /// Earlier revisions must be read.
    ReadRevisions,
    /// Nothing before this moment; `None`: before something else has happened.
    Wait(Option<i64>),
    /// It cannot be rendered.
    Poison(String),
}

impl Step {
    /// The route of the request it needs; `None` when it needs none.
    pub(super) fn route(&self) -> Option<Route> {
        match self {
            Self::Create { .. } => Some(Route::Create),
            Self::Edit { .. } => Some(Route::Edit),
            Self::Delete { .. } => Some(Route::Delete),
            Self::List { .. } => Some(Route::List),
            _ => None,
        }
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
    pub(super) fn wanted(now_ms: i64, wanted: WantedDelivery, known: bool) -> Self {
        Self {
            signal: wanted.signal,
            ping_role_id: wanted.ping_role_id,
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
            may_have_deleted: false,
            removals: 0,
            attempts: 0,
            faults: 0,
            not_before_ms: now_ms,
            wanted_at_ms: now_ms,
            committed_at: wanted.committed_at,
            note: None,
            earlier: Earlier::Unasked,
            rendered: None,
        }
    }

    /// From its row. `started_ms`: what was wanted before may have been attempted by an earlier life.
    pub(super) fn pending(
        now_ms: i64,
        row: PendingDelivery,
        started_ms: i64,
        spans: Spans,
    ) -> Self {
        let wanted = WantedDelivery {
            signal: row.signal.clone(),
            mapping_id: row.mapping_id,
            ping_role_id: row.ping_role_id,
            rule_set_id: row.rule_set_id,
            ordinal: row.ordinal,
            desired_revision: row.desired_revision,
            committed_at: None,
        };
        let mut delivery = Self::wanted(now_ms, wanted, false);
        delivery.learn(now_ms, row, started_ms, spans);
        delivery
    }

    /// Takes over what the row says of Discord. Only for a delivery of which nothing was known.
    pub(super) fn learn(
        &mut self,
        now_ms: i64,
        row: PendingDelivery,
        started_ms: i64,
        spans: Spans,
    ) {
        self.wanted_at_ms = now_ms - row.wanted_age_ms;
        self.delivered_revision = row.delivered_revision;
        self.attempts = row.attempts;
        self.not_before_ms = now_ms + row.wait_ms.max(0);
        self.parts = row
            .parts
            .iter()
            .cloned()
            .map(|part| (part.part, part))
            .collect();
        self.known = true;
        self.want(row.signal, row.desired_revision, None);
        if self.wanted_at_ms < started_ms + START_MARGIN_MS {
            self.is_inherited = true;
            self.doubt_what_stands();
            self.doubt = self.inherit_doubt(started_ms, spans);
            self.may_have_deleted = !self.is_single();
        }
    }

    /// Raises what is wanted; older news is ignored.
    pub(super) fn want(
        &mut self,
        signal: Arc<SignalState>,
        desired_revision: i32,
        committed_at: Option<Instant>,
    ) {
        if desired_revision > self.desired_revision {
            self.signal = signal;
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
        (0..)
            .take(wanted)
            .any(|part| !self.parts.contains_key(&part) && !self.gone.contains(&part))
    }

    /// It was deleted before anything of it was ever sent.
    pub(super) fn is_cancelled(&self) -> bool {
        self.known && self.is_deleted() && self.parts.is_empty() && self.doubt.is_none()
    }

    pub(super) fn is_single(&self) -> bool {
        self.desired_revision <= self.delivered_revision + 1
    }

    /// A message that is not there was taken away by us, as far as we can know.
    pub(super) fn is_our_deletion(&self, part: u16) -> bool {
        self.may_have_deleted || self.deleting.contains(&part)
    }

    /// The create of `part` succeeded, now or by an earlier attempt.
    pub(super) fn posted(&mut self, part: u16, message_id: MessageId, digest: &[u8]) {
        let single = self.is_single();
        let sure = self.doubt.take().is_none_or(|doubt| {
            doubt.sent.iter().all(|(_, sent)| sent == digest) && (!doubt.inherited || single)
        });
        self.stand(part, message_id, if sure { digest } else { UNCERTAIN });
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
        let Some(at_ms) = unsure_until_ms else {
            return self.stand(part, message_id, digest);
        };
        self.overtaken.insert(part, (digest.to_vec(), at_ms));
        self.stand(part, message_id, UNCERTAIN);
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

    pub(super) fn stand(&mut self, part: u16, message_id: MessageId, digest: &[u8]) {
        self.parts.insert(
            part,
            PostedPart {
                part,
                message_id,
                digest: digest.to_vec(),
                at: Address::default(),
            },
        );
    }

    pub(super) fn rendered(&mut self) -> Result<&[Rendered], String> {
        if self.rendered.is_none() {
            let (signal, ping) = (&self.signal, self.ping_role_id);
            let parts = catch_unwind(AssertUnwindSafe(|| render(signal, ping)))
                .map_err(|_| "the signal cannot be rendered".to_owned())?;
            let with_digest = |payload: PartPayload| Rendered {
                digest: payload.digest(),
                payload,
            };
            self.rendered = Some(parts.into_iter().map(with_digest).collect());
        }
        Ok(self.rendered.as_deref().unwrap_or_default())
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
        if self.may_edit_before_settling()
            && let (Some(edit), _) = self.edit(now_ms)
        {
            return edit;
        }
        if let Some(step) = self.settle(now_ms, target, inventory, spans) {
            return step;
        }
        let wanted = self.rendered.as_deref().unwrap_or_default();
        let missing = (0..)
            .take(wanted.len())
            .find(|part| !self.parts.contains_key(part) && !self.gone.contains(part));
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
        let nonce = nonce(
            self.signal_id(),
            target,
            part,
            self.delivered_revision,
            self.removals,
        );
        Step::Create {
            part,
            payload: want.payload.clone(),
            digest: want.digest.clone(),
            nonce,
        }
    }
}
