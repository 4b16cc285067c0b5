//! What actors say to each other on the way of a signal: capture → route → write → committed. Each carries the answer's way
//! back, so that whoever drops a message, by a panic or a full mailbox, is heard at the other end.

use crate::observation::Observation;
use bytes::Bytes;
use heliograph_schema::{
    delivery::{DeliveryRecord, MirroredThread, WantedDelivery},
    frame::Cursor,
    ids::{ChannelId, GuildId, RoleId, SignalId},
    signal::{RevisionKind, SignalState},
    store::signals::{Head, NewDelivery, QuarantinedItem, RawBatch},
};
use std::{sync::Arc, time::Instant};
use tokio::sync::oneshot;

/// What became of the items of one channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Changed something.
    pub accepted: u32,
    /// Said nothing new.
    pub deduped: u32,
    /// Wait for their create.
    pub held: u32,
}

/// The answer to a write, and so to a capture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteAnswer {
    /// Durable.
    Committed(Counts),
    /// Planned in a term that is over; nothing was written, the same again will be planned anew.
    Stale,
    /// The database does not take it now.
    Unavailable,
    /// The database will never take it: it is the data.
    Poisoned,
}

/// Where a write's answer goes.
pub type Answer = oneshot::Sender<WriteAnswer>;

/// When a batch came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Received {
    /// In ms since 1970, for people.
    pub at_ms: i64,
    /// To measure by.
    pub at: Instant,
}

/// To a source channel: what a connector says of its signals, creates first.
#[derive(Debug)]
pub struct Capture {
    /// The connector's signals are to be mirrored.
    pub forward: bool,
    /// When the batch came in.
    pub received: Received,
    /// All of one channel.
    pub observations: Vec<Observation>,
    /// The body they came in, when this is the first channel of its batch: it goes the same way, into the same transaction.
    pub keep: Option<Keep>,
    /// The way back.
    pub answer: Answer,
}

/// One joined change, not yet in its place.
#[derive(Debug, Clone)]
pub struct Change {
    /// What readers see of it; `None` when they see nothing and it is only to be stored.
    pub kind: Option<RevisionKind>,
    /// The signal after it.
    pub state: Arc<SignalState>,
}

/// To the router: joined changes of one channel, in order.
#[derive(Debug)]
pub struct Route {
    /// The term in which they were joined.
    pub term: u64,
    /// Where the channel stood when its actor began this term.
    pub opened_at: Head,
    /// See [`Capture`].
    pub forward: bool,
    /// See [`Capture`].
    pub received: Received,
    /// In order.
    pub changes: Vec<Change>,
    /// See [`Capture`].
    pub keep: Option<Keep>,
    /// What the answer will say.
    pub counts: Counts,
    /// The way back.
    pub answer: Answer,
}

/// Everything a source channel sends. One way for both: what it asks of the store must not overtake what it has routed.
#[derive(Debug)]
pub enum RouterRequest {
    /// See [`Route`].
    Route(Route),
    /// For the store writer, behind every plan of the routes before it.
    Forward(StoreRequest),
}

/// A change in its place.
#[derive(Debug)]
pub struct Planned {
    /// The signal after it.
    pub state: Arc<SignalState>,
    /// JSON of that state.
    pub state_json: String,
    /// What readers get; `None` when they see nothing.
    pub revision: Option<PlannedRevision>,
    /// Target channels it is to stand in.
    pub deliveries: Vec<NewDelivery>,
}

/// The visible side of a change.
#[derive(Debug)]
pub struct PlannedRevision {
    /// Its place.
    pub place: Cursor,
    /// What kind.
    pub kind: RevisionKind,
    /// What sessions receive, as JSON.
    pub frame: String,
}

/// To the store writer: a plan for one channel.
#[derive(Debug)]
pub struct Write {
    /// The term it was planned in.
    pub term: u64,
    /// The head before it.
    pub before: Head,
    /// The head after it.
    pub after: Head,
    /// See [`Capture`].
    pub received: Received,
    /// In order.
    pub changes: Vec<Planned>,
    /// See [`Capture`].
    pub keep: Option<Keep>,
    /// What the answer will say.
    pub counts: Counts,
    /// The way back.
    pub answer: Answer,
}

/// To the store writer: a body and its bad items, to be kept.
#[derive(Debug)]
pub struct Keep {
    /// The body.
    pub raw: Option<RawBatch>,
    /// What could not be taken of it.
    pub quarantined: Vec<QuarantinedItem>,
    /// The way back.
    pub answer: Answer,
}

/// What a channel must know to begin a term.
#[derive(Debug, Clone, Copy)]
pub struct Opened {
    /// The term.
    pub term: u64,
    /// Where the channel stands.
    pub head: Head,
}

/// To the store writer: begin a term for a channel. Answered after everything sent before has been committed or refused.
#[derive(Debug)]
pub struct Open {
    /// The channel.
    pub channel_id: ChannelId,
    /// `None` when the database is away.
    pub answer: oneshot::Sender<Option<Opened>>,
}

/// To the store writer: what is known of these signals. Answered in order with the writes.
#[derive(Debug)]
pub struct Recall {
    /// The signals.
    pub signals: Vec<SignalId>,
    /// The way back.
    pub answer: oneshot::Sender<Recalled>,
}

/// What the tables know; else why they do not say: away, or a row that does not read.
pub type Recalled = Result<Vec<SignalState>, WriteAnswer>;

/// Everything a store writer is asked.
#[derive(Debug)]
pub enum StoreRequest {
    /// See [`Write`].
    Write(Box<Write>),
    /// See [`Keep`].
    Keep(Keep),
    /// See [`Open`].
    Open(Open),
    /// See [`Recall`].
    Recall(Recall),
}

/// A revision that is durable, ready to go out.
#[derive(Debug, Clone)]
pub struct CommittedFrame {
    /// The source channel.
    pub channel_id: ChannelId,
    /// Its place.
    pub place: Cursor,
    /// The signal.
    pub signal_id: SignalId,
    /// What kind of change.
    pub kind: RevisionKind,
    /// When it came in.
    pub received: Received,
    /// WebSocket bytes, shared by all sessions.
    pub bytes: Bytes,
}

/// To hubs: what one transaction made durable, in order. The seam for more than one machine.
#[derive(Debug, Clone)]
pub struct Committed {
    /// In order within each channel.
    pub frames: Arc<Vec<CommittedFrame>>,
}

/// To a mirror: new work.
#[derive(Debug, Clone)]
pub struct Wanted(pub Vec<WantedDelivery>);

/// What a person must change before a mirror can work, in one sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obstacle(pub String);

/// To a mirror: what Discord says of its target channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspected {
    /// What stands in the way; `None`: nothing, so that what waits may be tried at once.
    pub obstacle: Option<Obstacle>,
    /// What stands in the channel can be read back.
    pub can_read_history: bool,
}

/// To the inspector: look at a target channel.
#[derive(Debug)]
pub struct Inspect {
    /// Which.
    pub target_channel_id: ChannelId,
    /// Who waits for it: at once for a person, in its turn for a mirror, which is told by [`Inspected`].
    pub asker: Asker,
}

/// Who wants a target channel looked at.
#[derive(Debug)]
pub enum Asker {
    /// A mirror that was refused.
    Mirror,
    /// A person, after the result is in the table.
    Person {
        /// Nothing remembered of the guild serves.
        afresh: bool,
        /// The way back.
        answer: oneshot::Sender<Seen>,
    },
}

/// To the directory: read what the bot sees, from now on.
#[derive(Debug)]
pub struct RefreshDirectory {
    /// The way back, when everything was read, or when it is known that it cannot be.
    pub answer: oneshot::Sender<()>,
}

/// What was seen of a target channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sight {
    /// Its guild, when it can be known.
    pub guild_id: Option<GuildId>,
    /// Discord's channel type, when it can be known.
    pub kind: Option<i16>,
    /// See [`Inspected`].
    pub obstacle: Option<Obstacle>,
    /// What would be better, in one sentence.
    pub advice: Option<String>,
    /// See [`Inspected`].
    pub can_read_history: bool,
    /// The roles of its guild that can be pinged; empty when it is not known.
    pub roles: Vec<RoleId>,
}

/// Discord did not say: it is away, limits us, or there is no bot token. Says nothing of the channel.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotKnown(pub String);

/// What came of an inspection.
pub type Seen = Result<Sight, NotKnown>;

/// To the delivery ledger: what a mirror did, to be written once and in the order in which it comes.
#[derive(Debug)]
pub struct RecordDeliveries {
    /// The mirror.
    pub target_channel_id: ChannelId,
    /// Tells a mirror's generations apart.
    pub life: u64,
    /// Counts up in a life. The same again means the same records.
    pub record_id: u64,
    /// At most one for each signal.
    pub records: Vec<DeliveryRecord>,
    /// How threads of the target channel stand since.
    pub threads: Vec<MirroredThread>,
    /// The way back, after COMMIT.
    pub answer: oneshot::Sender<Recorded>,
}

/// It is durable, and so is everything this mirror and its predecessors handed over before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recorded {
    /// Which.
    pub record_id: u64,
}
