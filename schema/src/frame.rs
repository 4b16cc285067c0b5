//! The frames of `GET /live`, both ways, and the close codes. `docs/PROTOCOL.md` says what each means; the TypeScript types in
//! `web/protocol.ts` are generated from these by a test that fails when they are stale.

use crate::{
    ids::{ChannelId, GuildId, SignalId, ThreadId},
    signal::{Attachment, Author, Embed, RevisionKind, SignalState},
};
use serde::{Deserialize, Serialize};

/// Version of the live protocol.
pub const PROTOCOL: u32 = 1;

/// A place in a source channel: the last revision a session has seen. `seq` is gapless inside an `epoch`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Cursor {
    /// Incarnation of the channel's sequence.
    pub epoch: i32,
    /// Number in it; 0 is before the first.
    #[cfg_attr(test, ts(type = "number"))]
    pub seq: i64,
}

/// A signal as readers see it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(test, ts(rename = "Signal", optional_fields))]
pub struct SignalView<'a> {
    /// The source message.
    #[cfg_attr(test, ts(type = "string"))]
    pub signal_id: SignalId,
    /// The source channel.
    #[cfg_attr(test, ts(type = "string"))]
    pub channel_id: ChannelId,
    /// Its guild.
    #[cfg_attr(test, ts(type = "string"))]
    pub guild_id: GuildId,
    /// The thread, when it stands in one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(type = "string"))]
    pub thread_id: Option<ThreadId>,
    /// How often it has changed.
    pub revision: i32,
    /// From the snowflake.
    #[cfg_attr(test, ts(type = "number"))]
    pub created_at_ms: i64,
    /// Latest edit heard of.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(type = "number"))]
    pub edited_at_ms: Option<i64>,
    /// Gone: all content is empty.
    pub deleted: bool,
    /// Who wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub author: Option<&'a Author>,
    /// With names in place of markup.
    pub text: &'a str,
    /// Charts and cards.
    pub embeds: &'a [Embed],
    /// Files.
    pub attachments: &'a [Attachment],
}

impl<'a> SignalView<'a> {
    /// What readers see of this state. A deleted signal shows nothing of what it said.
    pub fn of(state: &'a SignalState) -> Self {
        let deleted = state.deleted_at_ms.is_some();
        Self {
            signal_id: state.signal_id,
            channel_id: state.channel_id,
            guild_id: state.guild_id,
            thread_id: state.thread_id,
            revision: state.revision,
            created_at_ms: state.signal_id.created_at_ms(),
            edited_at_ms: state.edited_at_ms.filter(|_| !deleted),
            deleted,
            author: state.author.as_ref().filter(|_| !deleted),
            text: if deleted { "" } else { state.clean_text() },
            embeds: if deleted { &[] } else { state.embeds() },
            attachments: if deleted { &[] } else { state.attachments() },
        }
    }
}

/// Where a channel stands, with its names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct ChannelStanding {
    /// The source channel.
    #[cfg_attr(test, ts(type = "string"))]
    pub channel_id: ChannelId,
    /// Its name.
    pub name: String,
    /// Its guild.
    #[cfg_attr(test, ts(type = "string"))]
    pub guild_id: GuildId,
    /// The guild's name.
    pub guild_name: String,
    /// The head.
    #[serde(flatten)]
    pub head: Cursor,
}

/// What became of one channel of an `attach`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum AttachStatus {
    /// Frames follow from the cursor on, none missing.
    Resumed,
    /// Load the signals, attach again with their cursor.
    ResyncRequired,
    /// Not for this viewer, or unknown.
    Forbidden,
}

/// One channel of the `attached` answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct AttachedChannel {
    /// The source channel.
    #[cfg_attr(test, ts(type = "string"))]
    pub channel_id: ChannelId,
    /// What became of it.
    pub status: AttachStatus,
    /// The head at this moment.
    #[serde(flatten)]
    pub head: Cursor,
}

/// A channel and a place in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct ChannelCursor {
    /// The source channel.
    #[cfg_attr(test, ts(type = "string"))]
    pub channel_id: ChannelId,
    /// The place.
    #[serde(flatten)]
    pub cursor: Cursor,
}

/// Server to client.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerFrame<'a> {
    /// First frame of a session.
    Welcome {
        /// Version of this protocol.
        protocol: u32,
        /// For the logs of both sides.
        session_id: &'a str,
        /// Server's clock.
        #[cfg_attr(test, ts(type = "number"))]
        server_time_ms: i64,
        /// How often to expect a heartbeat.
        #[cfg_attr(test, ts(type = "number"))]
        heartbeat_ms: u64,
        /// What may be attached.
        channels: Vec<ChannelStanding>,
    },
    /// Answer to `attach`.
    Attached {
        /// One entry per channel asked for.
        channels: Vec<AttachedChannel>,
    },
    /// One accepted change.
    Revision {
        /// The source channel.
        #[cfg_attr(test, ts(type = "string"))]
        channel_id: ChannelId,
        /// The place.
        #[serde(flatten)]
        place: Cursor,
        /// Create, update or delete.
        kind: RevisionKind,
        /// Something newer of this channel was delivered before.
        late: bool,
        /// When the router took it in.
        #[cfg_attr(test, ts(type = "number"))]
        accepted_at_ms: i64,
        /// How it reads now.
        signal: SignalView<'a>,
    },
    /// The replay of this channel is over.
    Live(ChannelCursor),
    /// No more of this channel.
    Detached {
        /// The source channel.
        #[cfg_attr(test, ts(type = "string"))]
        channel_id: ChannelId,
        /// `asked` or `hidden`.
        reason: &'a str,
    },
    /// The server lives.
    Heartbeat {
        /// Server's clock.
        #[cfg_attr(test, ts(type = "number"))]
        server_time_ms: i64,
    },
    /// The server stops.
    GoingAway {
        /// Resume from these.
        cursors: Vec<ChannelCursor>,
    },
    /// Something sent was not understood.
    Error {
        /// For programs.
        code: &'a str,
        /// For people.
        message: &'a str,
    },
}

/// One channel of an `attach`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(test, ts(optional_fields))]
pub struct AttachChannel {
    /// The source channel.
    #[cfg_attr(test, ts(type = "string"))]
    pub channel_id: ChannelId,
    /// The last revision seen; absent: from the head on.
    #[serde(default)]
    pub cursor: Option<Cursor>,
}

/// Client to server.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ClientFrame {
    /// Start receiving.
    Attach {
        /// From where.
        channels: Vec<AttachChannel>,
    },
    /// Stop receiving.
    Detach {
        /// Of these.
        #[cfg_attr(test, ts(type = "Array<string>"))]
        channels: Vec<ChannelId>,
    },
    /// Seen so far.
    Ack {
        /// The source channel.
        #[cfg_attr(test, ts(type = "string"))]
        channel_id: ChannelId,
        /// The place.
        #[serde(flatten)]
        cursor: Cursor,
    },
    /// Answer to a heartbeat.
    Pong {},
}

/// Why a session's socket is closed. 4000-4099: reconnect with cursors; 4400-4499: final.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CloseCode {
    /// The server stops or is replaced.
    GoingAway,
    /// Too much queued for it, or for too long.
    SlowSession,
    /// A fault of ours.
    Internal,
    /// Nothing heard from it for too long.
    Silent,
    /// Not one of our frames.
    BadFrame,
    /// The token ran out or was revoked.
    AccessEnded,
    /// Too many client frames.
    TooManyFrames,
    /// Too many channels attached.
    TooManyChannels,
}

impl CloseCode {
    /// The number on the wire and the reason beside it.
    pub fn wire(self) -> (u16, &'static str) {
        match self {
            Self::GoingAway => (4000, "going_away"),
            Self::SlowSession => (4001, "slow_session"),
            Self::Internal => (4002, "internal"),
            Self::Silent => (4003, "silent"),
            Self::BadFrame => (4400, "bad_frame"),
            Self::AccessEnded => (4403, "access_ended"),
            Self::TooManyFrames => (4408, "too_many_frames"),
            Self::TooManyChannels => (4429, "too_many_channels"),
        }
    }
}
