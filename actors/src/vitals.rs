//! What can be seen of an actor from outside, always, even while it is stuck: counters in atomics, shared between the actor's
//! shell, the ports that lead to it and the tree that shows it.

use serde::Serialize;
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

/// What kind of actor; also the label of its metrics, so that they stay few.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Watches all others.
    Root,
    /// Commits.
    StoreWriter,
    /// Plans.
    Router,
    /// Joins one channel's events.
    SourceChannel,
    /// The sessions of one worker thread.
    SessionHub,
    /// One target channel.
    Mirror,
    /// Records what mirrors did.
    DeliveryLedger,
    /// Looks whether the bot may do in target channels what mirrors need.
    Inspector,
    /// Reads which guilds, channels and roles the bot sees.
    Directory,
    /// Deletes what is old.
    Retention,
    /// Writes down the figures of each minute.
    Figures,
    /// Tells the pages of administrators what happens.
    AdminFeed,
}

impl Kind {
    /// As metrics and the tree spell it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::StoreWriter => "store_writer",
            Self::Router => "router",
            Self::SourceChannel => "source_channel",
            Self::SessionHub => "session_hub",
            Self::Mirror => "mirror",
            Self::DeliveryLedger => "delivery_ledger",
            Self::Inspector => "inspector",
            Self::Directory => "directory",
            Self::Retention => "retention",
            Self::Figures => "figures",
            Self::AdminFeed => "admin_feed",
        }
    }
}

/// Where an actor is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LifeState {
    /// Takes messages.
    Running,
    /// Between a panic and the successor's start.
    Restarting,
    /// Its restart budget is spent; it waits for a person.
    Parked,
    /// Ended on purpose.
    Stopped,
}

/// The counters of one actor over all its generations.
#[derive(Debug)]
pub struct Vitals {
    /// Unique in the tree, e.g. `mirror/123`.
    pub name: String,
    /// Its kind.
    pub kind: Kind,
    /// Messages it may have waiting; over it a port refuses.
    pub capacity: usize,
    state: AtomicU8,
    restarts: AtomicU64,
    depth: AtomicUsize,
    refused: AtomicU64,
    handled: AtomicU64,
    busy_ns: AtomicU64,
    slowest_ns: AtomicU64,
    last_panic: Mutex<Option<String>>,
}

impl Vitals {
    /// Of an actor about to start.
    pub fn new(name: impl Into<String>, kind: Kind, capacity: usize) -> Arc<Self> {
        Arc::new(Self {
            name: name.into(),
            kind,
            capacity,
            state: AtomicU8::new(0),
            restarts: AtomicU64::new(0),
            depth: AtomicUsize::new(0),
            refused: AtomicU64::new(0),
            handled: AtomicU64::new(0),
            busy_ns: AtomicU64::new(0),
            slowest_ns: AtomicU64::new(0),
            last_panic: Mutex::new(None),
        })
    }

    /// Where it is in its life.
    pub fn state(&self) -> LifeState {
        match self.state.load(Relaxed) {
            0 => LifeState::Running,
            1 => LifeState::Restarting,
            2 => LifeState::Parked,
            _ => LifeState::Stopped,
        }
    }

    pub(crate) fn set_state(&self, state: LifeState) {
        let code = match state {
            LifeState::Running => 0,
            LifeState::Restarting => 1,
            LifeState::Parked => 2,
            LifeState::Stopped => 3,
        };
        self.state.store(code, Relaxed);
    }

    pub(crate) fn record_panic(&self, what: String) {
        self.restarts.fetch_add(1, Relaxed);
        // A poisoned lock only means that another panic was being written down.
        *self
            .last_panic
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner) = Some(what);
    }

    /// What its last panic said, over all generations.
    pub fn last_panic(&self) -> Option<String> {
        self.last_panic
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .clone()
    }

    /// Takes a place in the mailbox; `false` when all are taken.
    pub(crate) fn enter(&self) -> bool {
        let taken = self.depth.fetch_add(1, Relaxed);
        if taken >= self.capacity {
            self.depth.fetch_sub(1, Relaxed);
            self.refused.fetch_add(1, Relaxed);
            return false;
        }
        true
    }

    pub(crate) fn leave(&self) {
        self.depth.fetch_sub(1, Relaxed);
    }

    /// Counts one handled message and how long it took.
    pub fn handled(&self, took: Duration) {
        let ns = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.handled.fetch_add(1, Relaxed);
        self.busy_ns.fetch_add(ns, Relaxed);
        self.slowest_ns.fetch_max(ns, Relaxed);
    }

    /// Messages waiting.
    pub fn depth(&self) -> usize {
        self.depth.load(Relaxed)
    }

    /// Everything, for the tree; `detail` is the actor's own word on itself.
    pub fn report(&self, detail: serde_json::Value) -> ActorReport {
        let handled = self.handled.load(Relaxed);
        let restarts = self.restarts.load(Relaxed);
        ActorReport {
            name: self.name.clone(),
            kind: self.kind,
            parent: if self.kind == Kind::Root { "" } else { "root" },
            state: self.state(),
            generation: restarts + 1,
            restarts,
            mailbox: MailboxReport {
                depth: self.depth(),
                capacity: self.capacity,
                refused: self.refused.load(Relaxed),
            },
            handled,
            handling_us: HandlingReport {
                mean: self.busy_ns.load(Relaxed) as f64 / 1000.0 / handled.max(1) as f64,
                max: self.slowest_ns.load(Relaxed) as f64 / 1000.0,
            },
            last_panic: self.last_panic(),
            detail,
        }
    }
}

/// One actor as `/debug/actors` shows it; see `docs/PROTOCOL.md`.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct ActorReport {
    /// Unique in the tree.
    pub name: String,
    /// Its kind.
    pub kind: Kind,
    /// Who restarts it; empty for the root.
    pub parent: &'static str,
    /// Where it is in its life.
    pub state: LifeState,
    /// Which life this is, from 1.
    pub generation: u64,
    /// Lives that ended in a panic.
    pub restarts: u64,
    /// What waits for it.
    pub mailbox: MailboxReport,
    /// Messages handled.
    pub handled: u64,
    /// How long they took.
    pub handling_us: HandlingReport,
    /// What the last panic said.
    pub last_panic: Option<String>,
    /// Its own word on itself.
    pub detail: serde_json::Value,
}

/// See [`ActorReport`].
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct MailboxReport {
    /// Messages waiting.
    pub depth: usize,
    /// Most that may wait.
    pub capacity: usize,
    /// Messages refused because of it.
    pub refused: u64,
}

/// See [`ActorReport`].
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct HandlingReport {
    /// Microseconds a message.
    pub mean: f64,
    /// The slowest.
    pub max: f64,
}
