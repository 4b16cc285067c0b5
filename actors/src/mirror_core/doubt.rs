//! A part that may stand in Discord without our knowing, because the answer to its create was lost or an earlier life may have
//! sent one. It is settled by repeating the create while its nonce is recognised, else by what the channel holds.

use super::{
    delivery::{Delivery, Earlier, Spans, Step, UNCERTAIN},
    inventory::Inventory,
    planted::{Bug, planted},
};
use crate::payload::{Identity, PartPayload};
use heliograph_schema::{ids::ChannelId, signal::SignalState};
use std::sync::Arc;

/// What is known of the attempts.
#[derive(Debug, Clone)]
pub(super) struct Doubt {
    pub(super) part: u16,
    /// What attempts of this life said, one for each different payload.
    pub(super) sent: Vec<(Identity, Vec<u8>)>,
    /// An earlier life may have made an attempt.
    pub(super) inherited: bool,
    /// No attempt is older.
    pub(super) first_ms: i64,
    /// No attempt is younger.
    pub(super) last_ms: i64,
    /// Until then a repeated create is certainly recognised by its nonce.
    pub(super) trusted_until_ms: i64,
    /// A repeated create was refused, or would have another nonce: only reading the channel back can tell what became of the
    /// ones before.
    pub(super) is_refused: bool,
}

impl Delivery {
    /// An attempt of this life is in doubt.
    pub(super) fn is_in_doubt(&self) -> bool {
        self.doubt
            .as_ref()
            .is_some_and(|doubt| !doubt.sent.is_empty())
    }

    /// The part in doubt is not wanted any more, so that what stands need not wait until the doubt is settled. After a refusal
    /// it does: a delivery is not given up before its doubt is settled.
    pub(super) fn may_edit_before_settling(&self) -> bool {
        let wanted = self.rendered.as_ref().map_or(0, Vec::len);
        self.doubt
            .as_ref()
            .is_some_and(|doubt| usize::from(doubt.part) >= wanted && !doubt.is_refused)
    }

    pub(super) fn inherit_doubt(&mut self, started_ms: i64, spans: Spans) -> Option<Doubt> {
        let part = (0..=u16::MAX).find(|part| !self.parts.contains_key(part))?;
        let needs_it = self
            .rendered()
            .is_ok_and(|parts| parts.len() > usize::from(part));
        // When only one change is not delivered, no other payload can ever have been sent.
        if self.is_single() && !needs_it {
            return None;
        }
        Some(Doubt {
            part,
            sent: Vec::new(),
            inherited: true,
            first_ms: self.wanted_at_ms,
            last_ms: started_ms,
            // Between two changes it may have taken parts away: its creates after that had nonces of which the row knows nothing.
            trusted_until_ms: match self.is_single() {
                true => self.wanted_at_ms + spans.trust_ms,
                false => i64::MIN,
            },
            is_refused: false,
        })
    }

    /// A create of this payload got no answer.
    pub(super) fn doubt_create(
        &mut self,
        part: u16,
        payload: &PartPayload,
        digest: &[u8],
        sent_ms: i64,
        now_ms: i64,
        spans: Spans,
    ) {
        let doubt = self.doubt.get_or_insert_with(|| Doubt {
            part,
            sent: Vec::new(),
            inherited: false,
            first_ms: sent_ms,
            last_ms: now_ms,
            trusted_until_ms: sent_ms + spans.trust_ms,
            is_refused: false,
        });
        doubt.last_ms = now_ms;
        if !doubt.sent.iter().any(|(_, sent)| sent == digest) {
            doubt.sent.push((payload.identity(), digest.to_vec()));
        }
    }

    /// The next step towards certainty; `None` when there is no doubt (any more).
    pub(super) fn settle(
        &mut self,
        now_ms: i64,
        target: ChannelId,
        inventory: Option<&Inventory>,
        spans: Spans,
    ) -> Option<Step> {
        let doubt = self.doubt.clone()?;
        let is_wanted = usize::from(doubt.part) < self.rendered.as_ref().map_or(0, Vec::len);
        // A webhook knows no nonces: what it may have posted is looked for and never repeated in hope.
        let may_repeat = is_wanted && !doubt.is_refused && self.at.webhook_id.is_none();
        let is_trusted = now_ms <= doubt.trusted_until_ms || planted(Bug::TrustForEver);
        if may_repeat && is_trusted {
            return Some(self.create(doubt.part, target));
        }
        let list = Step::List {
            from_ms: doubt.first_ms,
            thread_id: self.at.thread_id,
        };
        let Some(inventory) = inventory.filter(|seen| seen.covers(&doubt, self.at.thread_id))
        else {
            return Some(list);
        };
        let Some(candidates) = self.candidates(&doubt, inventory) else {
            return Some(if self.earlier == Earlier::Asked {
                Step::Wait(None)
            } else {
                Step::ReadRevisions
            });
        };
        if let Some(found) = inventory.find(&doubt, &candidates) {
            let digest = self
                .only_payload(&doubt)
                .unwrap_or_else(|| UNCERTAIN.to_vec());
            return Some(Step::Adopt {
                part: doubt.part,
                message_id: found.message_id,
                digest,
                at: self.at,
            });
        }
        let settled_ms = doubt.last_ms + spans.settle_ms;
        if inventory.at_ms >= settled_ms || planted(Bug::NoSettling) {
            self.doubt = None;
            return None;
        }
        if may_repeat {
            // It was not there a moment ago: from that moment on the nonce is trusted again.
            let trusted_until_ms = inventory.at_ms + spans.trust_ms;
            if let Some(doubt) = self.doubt.as_mut().filter(|_| now_ms <= trusted_until_ms) {
                doubt.trusted_until_ms = trusted_until_ms;
                let part = doubt.part;
                return Some(self.create(part, target));
            }
            return Some(list);
        }
        Some(if now_ms >= settled_ms {
            list
        } else {
            Step::Wait(Some(settled_ms))
        })
    }

    /// A payload other than the present one may have been sent for the part in doubt; or the present one by an attempt of this
    /// life, which may still be under way to a Discord that has changed its mind when it arrives.
    pub(super) fn may_have_sent_another(&self) -> bool {
        let Some(doubt) = &self.doubt else {
            return false;
        };
        if !doubt.sent.is_empty() {
            return true;
        }
        let current = self
            .rendered
            .as_deref()
            .and_then(|parts| parts.get(usize::from(doubt.part)));
        self.only_payload(doubt)
            .is_none_or(|only| current.is_none_or(|current| current.digest != only))
    }

    /// The digest of what was sent, when nothing else can have been sent.
    fn only_payload(&self, doubt: &Doubt) -> Option<Vec<u8>> {
        let current = self
            .rendered
            .as_deref()?
            .get(usize::from(doubt.part))
            .map(|part| &part.digest);
        let inherited = doubt
            .inherited
            .then(|| current.filter(|_| self.is_single()));
        let mut possible = inherited
            .into_iter()
            .chain(doubt.sent.iter().map(|(_, digest)| Some(digest)));
        let first = possible.next()??;
        possible
            .all(|other| other == Some(first))
            .then(|| first.clone())
    }

    /// What the message in doubt may look like; `None` while earlier revisions must be read to know.
    fn candidates(&self, doubt: &Doubt, inventory: &Inventory) -> Option<Vec<Identity>> {
        if planted(Bug::NoSentPayloads) {
            let current = self.rendered.as_deref()?.get(usize::from(doubt.part));
            return Some(
                current
                    .map(|it| it.payload.identity())
                    .into_iter()
                    .collect(),
            );
        }
        let mut candidates: Vec<Identity> =
            doubt.sent.iter().map(|(identity, _)| *identity).collect();
        if !doubt.inherited || inventory.is_empty() {
            return Some(candidates);
        }
        let current = self
            .rendered
            .as_deref()
            .and_then(|parts| parts.get(usize::from(doubt.part)));
        candidates.extend(current.map(|part| part.payload.identity()));
        match &self.earlier {
            _ if self.is_single() || planted(Bug::NoEarlierPayloads) => Some(candidates),
            Earlier::Read(earlier) => {
                candidates.extend(earlier);
                Some(candidates)
            }
            Earlier::Unasked | Earlier::Asked => None,
        }
    }

    /// The revisions that were asked for.
    pub(super) fn learn_revisions(&mut self, states: &[Arc<SignalState>]) {
        let Some(part) = self.doubt.as_ref().map(|doubt| usize::from(doubt.part)) else {
            return;
        };
        // When parts before it were taken away, what is in doubt was a later one.
        let identities = |state: &Arc<SignalState>| -> Vec<Identity> {
            let parts = self.render(state).parts;
            parts.iter().skip(part).map(PartPayload::identity).collect()
        };
        let earlier = states.iter().flat_map(identities).collect();
        self.earlier = Earlier::Read(earlier);
    }
}
