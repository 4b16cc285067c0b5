//! The words of mirroring: a delivery is the desired state of one signal in one target channel. A mirror works from these and
//! hands back records of what stands in Discord; `store::deliveries` keeps both.

use crate::{
    ids::{ChannelId, MessageId, RoleId, SignalId, ThreadId, WebhookId},
    signal::SignalState,
};
use std::{sync::Arc, time::Instant};

/// A committed wish: this signal, in this revision, in that target channel.
#[derive(Debug, Clone)]
pub struct WantedDelivery {
    /// What the signal is now.
    pub signal: Arc<SignalState>,
    /// Why it goes there.
    pub mapping_id: i64,
    /// Role of the target guild to ping with the first message.
    pub ping_role_id: Option<RoleId>,
    /// What is made of it, see the table `rule_sets`; `None`: nothing is changed.
    pub rule_set_id: Option<i64>,
    /// Order of creates in the target.
    pub ordinal: i64,
    /// The revision of `signal`.
    pub desired_revision: i32,
    /// When the commit was known; only measures, decides nothing.
    pub committed_at: Option<Instant>,
    /// When what brought it was received; only measures, decides nothing.
    pub received_at: Option<Instant>,
}

/// A message that stands in Discord for one part of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostedPart {
    /// From 0.
    pub part: u16,
    /// The mirrored message.
    pub message_id: MessageId,
    /// SHA-256 of what it shows. Empty when it was deleted by somebody else: it is never touched again.
    pub digest: Vec<u8>,
    /// Where it stands and by whose hand.
    pub at: Address,
}

/// Where a mirrored message stands and by whose hand, beyond "in the target channel, by the bot".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Address {
    /// The thread of the target channel it stands in.
    pub thread_id: Option<ThreadId>,
    /// The webhook that posted it.
    pub webhook_id: Option<WebhookId>,
}

/// A row with work to do, and all that is needed to do it.
#[derive(Debug, Clone)]
pub struct PendingDelivery {
    /// What the signal is now.
    pub signal: Arc<SignalState>,
    /// Why it goes there.
    pub mapping_id: i64,
    /// Role to ping.
    pub ping_role_id: Option<RoleId>,
    /// What is made of it; `None`: nothing is changed.
    pub rule_set_id: Option<i64>,
    /// How often it was put right after the fact.
    pub repairs: u32,
    /// Order of creates in the target.
    pub ordinal: i64,
    /// What shall stand there.
    pub desired_revision: i32,
    /// What stood there completely when it was last recorded; 0 for nothing yet.
    pub delivered_revision: i32,
    /// Refusals so far.
    pub attempts: u32,
    /// How long to wait until the next attempt.
    pub wait_ms: i64,
    /// Since when there has been work to do: no request for it is older.
    pub wanted_age_ms: i64,
    /// There has been work to do ever since it was planned.
    pub is_first_wish: bool,
    /// What stands there now.
    pub parts: Vec<PostedPart>,
    /// The name of the source thread it stands in, where one is known.
    pub thread_name: Option<String>,
}

/// What a target channel has to do, as far as one reading goes, and how it stands.
#[derive(Debug, Default)]
pub struct PendingPage {
    /// In order of ordinals.
    pub rows: Vec<PendingDelivery>,
    /// Nothing behind them.
    pub complete: bool,
    /// A person has paused the channel.
    pub is_paused: bool,
    /// The channel is a forum: messages stand in threads of it, and each thread begins with one.
    pub is_forum: bool,
    /// Threads that are to be archived, or opened again, because their source threads were.
    pub threads: Vec<MirroredThread>,
    /// What stands in the channel is to be compared with what is on record.
    pub reconciliation: Option<Reconciliation>,
}

/// A comparison that somebody asked for and that is not finished.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reconciliation {
    /// Which.
    pub reconciliation_id: i64,
    /// The mirrored threads of the channel.
    pub threads: Vec<ThreadId>,
}

/// A thread of the target channel that mirrors one of a source channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MirroredThread {
    /// The source thread. In a forum also a signal that stands in none: its id is that of the thread it would open.
    pub thread_id: ThreadId,
    /// The thread of the target channel.
    pub mirrored_thread_id: ThreadId,
    /// Whether it is archived.
    pub is_archived: bool,
}

/// What the tables know of a source thread for one target channel.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KnownThread {
    /// The thread that mirrors it.
    pub mirrored_thread_id: Option<ThreadId>,
    /// Its name.
    pub name: Option<String>,
    /// The mirrored message of the signal it hangs on.
    pub starter: Option<MessageId>,
}

/// What became of one part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PartChange {
    /// It stands, new or edited.
    Stands(PostedPart),
    /// It was taken away.
    Removed {
        /// Which.
        part: u16,
    },
}

/// How far a delivery is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// More is to be done.
    Working,
    /// This revision stands there completely.
    Delivered {
        /// Which.
        revision: i32,
        /// What was odd about it, for people.
        note: Option<String>,
    },
    /// It failed and is tried again.
    Retrying {
        /// Refusals so far.
        attempts: u32,
        /// From now.
        wait_ms: i64,
        /// Why, for people.
        error: String,
    },
    /// Given up: a dead letter, unless something newer is wanted meanwhile.
    Dead {
        /// What could not be delivered.
        revision: i32,
        /// Refusals so far.
        attempts: u32,
        /// Why, for people.
        error: String,
    },
}

/// One thing that happened to a delivery, to be written down before anything else happens to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryRecord {
    /// The signal.
    pub signal_id: SignalId,
    /// Where.
    pub target_channel_id: ChannelId,
    /// What changed in Discord.
    pub change: Option<PartChange>,
    /// How far it is.
    pub progress: Progress,
}
