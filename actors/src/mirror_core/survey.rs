//! A comparison of the whole target channel with what is on record, page by page, when nothing else is to be done. The core only
//! walks: what a page means is decided in `reconcile_core`, and what is put right comes back as ordinary work.

use super::{Door, Effect, Errand, MirrorCore};
use crate::{exchange::Listed, limits_core::Permit};
use heliograph_schema::{
    delivery::Reconciliation,
    ids::{DISCORD_EPOCH_MS, ThreadId},
};
use std::collections::VecDeque;

/// What is younger than this when a page is asked for, and younger than everything in it, is left out of the comparison: our clock
/// may differ from Discord's.
const YOUNG_MS: i64 = 60_000;

/// A page of the channel beside the part of the records it is to be compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Of which reconciliation.
    pub reconciliation_id: i64,
    /// Of this thread of the channel; `None`: of the channel itself.
    pub thread_id: Option<ThreadId>,
    /// Message ids from here, exclusive …
    pub after: i64,
    /// … to here, inclusive.
    pub until: i64,
    /// Our messages in that range.
    pub messages: Vec<Listed>,
    /// Nothing comes after it.
    pub is_last: bool,
}

#[derive(Debug)]
pub(super) struct Survey {
    reconciliation_id: i64,
    places: VecDeque<Option<ThreadId>>,
    after: i64,
    /// Where it goes on when the page in hand has been compared; `None`: in the next place.
    next_after: Option<i64>,
    is_comparing: bool,
}

impl Survey {
    fn new(asked: Reconciliation, is_forum: bool) -> Self {
        let channel = (!is_forum).then_some(None);
        Self {
            reconciliation_id: asked.reconciliation_id,
            places: channel
                .into_iter()
                .chain(asked.threads.into_iter().map(Some))
                .collect(),
            after: 0,
            next_after: None,
            is_comparing: false,
        }
    }
}

impl MirrorCore {
    /// What the tables say of an unfinished reconciliation.
    pub(super) fn hear_of_reconciliation(&mut self, asked: Option<Reconciliation>) {
        let is_known = |survey: &Survey| {
            asked
                .as_ref()
                .is_some_and(|asked| asked.reconciliation_id == survey.reconciliation_id)
        };
        if !self.survey.as_ref().is_some_and(is_known) {
            let is_forum = self.places.is_forum;
            self.survey = asked.map(|asked| Survey::new(asked, is_forum));
        }
    }

    /// A page is being compared: what it shows must not change meanwhile.
    pub(super) fn is_comparing(&self) -> bool {
        self.survey
            .as_ref()
            .is_some_and(|survey| survey.is_comparing)
    }

    /// Asks for the next page.
    pub(super) fn survey(&mut self, now_ms: i64, door: Door<'_>, effects: &mut Vec<Effect>) {
        let Some(survey) = &mut self.survey else {
            return;
        };
        let Some(&thread_id) = survey.places.front() else {
            // A forum without threads: there is nothing to compare but the end.
            return self.compare(Vec::new(), 0, effects);
        };
        let after = survey.after;
        let errand = Errand::Survey { thread_id, after };
        let lane = errand.lane(self.settings.target_channel_id);
        match self.limits.may_send(now_ms, lane) {
            Permit::Now => self.send(now_ms, errand, door, effects),
            Permit::At(at_ms) => effects.push(Effect::WakeAt(at_ms)),
            Permit::AfterAnswer => {}
        }
    }

    /// A page came.
    pub(super) fn surveyed(
        &mut self,
        asked_ms: i64,
        messages: Vec<Listed>,
        next_after: Option<i64>,
        effects: &mut Vec<Effect>,
    ) {
        // The list is complete up to its last message, and beyond it as far as no clock can be wrong.
        let last = messages
            .last()
            .map_or(0, |message| message.message_id.get());
        let old = (asked_ms - YOUNG_MS - DISCORD_EPOCH_MS).max(0) << 22;
        let until = next_after.unwrap_or(last.max(old));
        if let Some(survey) = &mut self.survey {
            survey.next_after = next_after;
            self.compare(messages, until, effects);
        }
    }

    fn compare(&mut self, messages: Vec<Listed>, until: i64, effects: &mut Vec<Effect>) {
        if let Some(survey) = &mut self.survey {
            survey.is_comparing = true;
            effects.push(Effect::Compare(Page {
                reconciliation_id: survey.reconciliation_id,
                thread_id: survey.places.front().copied().flatten(),
                after: survey.after,
                until,
                messages,
                is_last: survey.next_after.is_none() && survey.places.len() <= 1,
            }));
        }
    }

    /// The place is not there any more: what stood in it is left alone.
    pub(super) fn skip_place(&mut self, effects: &mut Vec<Effect>) {
        if let Some(survey) = &mut self.survey {
            survey.next_after = None;
            self.compare(Vec::new(), 0, effects);
        }
    }

    /// The page is compared, and what it showed is written down.
    pub(super) fn compared(&mut self) {
        let Some(survey) = &mut self.survey else {
            return;
        };
        survey.is_comparing = false;
        match survey.next_after.take() {
            Some(after) => survey.after = after,
            None => {
                survey.places.pop_front();
                survey.after = 0;
            }
        }
        if survey.places.is_empty() {
            self.survey = None;
        }
        // What was found to be wrong is work now.
        self.pass_over();
    }

    /// It could not be compared: the page is asked for again.
    pub(super) fn not_compared(&mut self) {
        if let Some(survey) = &mut self.survey {
            (survey.is_comparing, survey.next_after) = (false, None);
        }
    }
}
