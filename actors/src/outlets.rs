//! Where committed signals leave: the hubs of the public workers, the mirrors of the target channels, and while an administrator
//! watches the feed. Filled by whoever
//! starts those actors, read by the store writer at every commit. What a full mailbox refuses is not lost: a hub sees the hole
//! in the sequence and a mirror its mark, and both read the tables.

use crate::{
    messages::{Committed, CommittedFrame, Inspected, Wanted},
    port::Port,
    session_hub::HubRequest,
};
use heliograph_schema::{delivery::WantedDelivery, ids::ChannelId};
use std::{
    collections::HashMap,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
};

/// A mirror, as the outlets know it.
#[derive(Clone)]
pub struct MirrorOutlet {
    /// Leads to it.
    pub port: Port<Wanted>,
    /// For what Discord says of its target channel.
    pub inspected: Port<Inspected>,
    /// Set when something could not be posted: it has more to do than it was told.
    pub fell_behind: Arc<AtomicBool>,
}

/// A hub, as the outlets know it.
#[derive(Clone)]
pub struct HubOutlet {
    /// For committed frames.
    pub committed: Port<Committed>,
    /// For word of a new configuration, and the farewell.
    pub requests: Port<HubRequest>,
    /// Set when something was committed that it was not told of.
    pub fell_behind: Arc<AtomicBool>,
}

/// The feed of administrators, as the outlets know it. What does not fit into its mailbox is left out, and counted.
#[derive(Clone)]
pub struct FeedOutlet {
    /// For committed frames.
    pub committed: Port<Committed>,
    /// Frames that were left out since it last looked.
    pub left_out: Arc<AtomicU64>,
}

/// Called with a target channel that has work but no mirror.
pub type OnMissingMirror = Arc<dyn Fn(ChannelId) + Send + Sync>;

#[derive(Default)]
struct Inner {
    hubs: RwLock<Vec<HubOutlet>>,
    mirrors: RwLock<HashMap<ChannelId, MirrorOutlet>>,
    on_missing: RwLock<Option<OnMissingMirror>>,
    feed: RwLock<Option<FeedOutlet>>,
}

/// All outlets; a clone is the same set.
#[derive(Clone, Default)]
pub struct Outlets(Arc<Inner>);

impl Outlets {
    /// Adds a hub for the rest of the process.
    pub fn add_hub(&self, hub: HubOutlet) {
        self.0
            .hubs
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .push(hub);
    }

    /// From now on the feed hears every commit, or no more.
    pub fn set_feed(&self, feed: Option<FeedOutlet>) {
        *self.0.feed.write().unwrap_or_else(PoisonError::into_inner) = feed;
    }

    /// Adds or replaces the mirror of a target channel.
    pub fn add_mirror(&self, target: ChannelId, outlet: MirrorOutlet) {
        self.0
            .mirrors
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(target, outlet);
    }

    /// Takes a mirror out.
    pub fn remove_mirror(&self, target: ChannelId) {
        self.0
            .mirrors
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&target);
    }

    /// Whom to tell of a target channel that has work but no mirror.
    pub fn when_mirror_is_missing(&self, tell: OnMissingMirror) {
        *self
            .0
            .on_missing
            .write()
            .unwrap_or_else(PoisonError::into_inner) = Some(tell);
    }

    /// Frames to every hub.
    pub fn publish(&self, frames: Vec<CommittedFrame>) {
        if frames.is_empty() {
            return;
        }
        let committed = Committed {
            frames: Arc::new(frames),
        };
        for hub in self
            .0
            .hubs
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
        {
            if hub.committed.post(committed.clone()).is_err() {
                hub.fell_behind.store(true, SeqCst);
                metrics::counter!("heliograph_hub_refusals_total").increment(1);
            }
        }
        self.tell_feed(committed);
    }

    fn tell_feed(&self, committed: Committed) {
        let feed = self.0.feed.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(feed) = feed.as_ref()
            && let Err((_, committed)) = feed.committed.post(committed)
        {
            feed.left_out
                .fetch_add(committed.frames.len() as u64, SeqCst);
        }
    }

    /// Something may have been committed that nobody was told of: everyone looks at the tables.
    pub fn look_at_tables(&self) {
        for hub in self
            .0
            .hubs
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
        {
            hub.fell_behind.store(true, SeqCst);
        }
        for mirror in self
            .0
            .mirrors
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .values()
        {
            mirror.fell_behind.store(true, SeqCst);
        }
    }

    /// Asks every hub the same.
    pub fn tell_hubs(&self, request: fn() -> HubRequest) {
        for hub in self
            .0
            .hubs
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
        {
            if let Err((refused, request)) = hub.requests.post(request()) {
                tracing::error!(%refused, ?request, "a hub did not take word");
            }
        }
    }

    /// Work to the mirrors it is for.
    pub fn wake_mirrors(&self, wanted: HashMap<ChannelId, Vec<WantedDelivery>>) {
        let mirrors = self
            .0
            .mirrors
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        for (target, deliveries) in wanted {
            match mirrors.get(&target) {
                Some(outlet) if outlet.port.post(Wanted(deliveries)).is_err() => {
                    outlet.fell_behind.store(true, SeqCst);
                }
                Some(_) => {}
                None => self.tell_missing(target),
            }
        }
    }

    /// What Discord says of a target channel, to its mirror. One that is not there or takes nothing finds out by itself.
    pub fn tell_mirror(&self, target: ChannelId, inspected: Inspected) {
        let mirrors = self
            .0
            .mirrors
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        let told = mirrors
            .get(&target)
            .map(|outlet| outlet.inspected.post(inspected));
        if let Some(Err((refused, _))) = told {
            tracing::warn!(target_channel_id = %target, %refused, "a mirror did not take what was seen of its channel");
        }
    }

    /// Something was changed in the table that its mirror was not told of: it looks at once.
    pub fn look_at(&self, target: ChannelId) {
        let mirrors = self
            .0
            .mirrors
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        match mirrors.get(&target) {
            Some(outlet) => {
                outlet.fell_behind.store(true, SeqCst);
                // Refused: it sees the mark with whatever fills its mailbox.
                let _ = outlet.port.post(Wanted(Vec::new()));
            }
            None => self.tell_missing(target),
        }
    }

    fn tell_missing(&self, target: ChannelId) {
        if let Some(tell) = self
            .0
            .on_missing
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .as_ref()
        {
            tell(target);
        }
    }
}
