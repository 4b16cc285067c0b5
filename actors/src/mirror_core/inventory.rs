//! What a channel held that no delivery is known to have posted, read back once for all deliveries in doubt.

use super::doubt::Doubt;
use crate::{exchange::Listed, payload::Identity};
use heliograph_schema::ids::{DISCORD_EPOCH_MS, MessageId, ThreadId};

/// Our clock may be ahead of Discord's by so much.
const SKEW_MS: i64 = 60_000;
/// Unrecorded messages kept at most. There is one for each lost answer; more means that somebody else posts as this bot.
const ORPHANS_MAX: usize = 10_000;

/// A reading of the channel, complete from `from_ms` on.
#[derive(Debug, Clone)]
pub(super) struct Inventory {
    pub(super) from_ms: i64,
    /// Of this thread of it; `None`: of the channel itself.
    pub(super) thread_id: Option<ThreadId>,
    /// When the reading began.
    pub(super) at_ms: i64,
    /// Oldest first.
    orphans: Vec<Listed>,
}

impl Inventory {
    pub(super) fn new(from_ms: i64, thread_id: Option<ThreadId>, at_ms: i64) -> Self {
        Self {
            from_ms,
            thread_id,
            at_ms,
            orphans: Vec::new(),
        }
    }

    /// The id behind which the reading starts.
    pub(super) fn first_after(&self) -> i64 {
        (self.from_ms - SKEW_MS - DISCORD_EPOCH_MS).max(0) << 22
    }

    pub(super) fn add(&mut self, page: Vec<Listed>) {
        let room = ORPHANS_MAX.saturating_sub(self.orphans.len());
        self.orphans.extend(page.into_iter().take(room));
    }

    /// Whether it says anything of this doubt: every attempt lies between its two ends.
    pub(super) fn covers(&self, doubt: &Doubt, thread_id: Option<ThreadId>) -> bool {
        self.thread_id == thread_id && self.from_ms <= doubt.first_ms && self.at_ms >= doubt.last_ms
    }

    /// The oldest that looks like one of these and is no older than the doubt: what stood before belongs to somebody else.
    pub(super) fn find(&self, doubt: &Doubt, candidates: &[Identity]) -> Option<Listed> {
        let from_ms = doubt.first_ms - SKEW_MS;
        self.orphans.iter().copied().find(|orphan| {
            orphan.message_id.created_at_ms() >= from_ms && candidates.contains(&orphan.identity)
        })
    }

    /// The message belongs to a delivery.
    pub(super) fn claim(&mut self, message_id: MessageId) {
        self.orphans
            .retain(|orphan| orphan.message_id != message_id);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.orphans.is_empty()
    }
}
