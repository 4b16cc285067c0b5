//! The words of the connector contract, version 1, exactly as they stand on the wire. No rules live here.
//! What the connector says is serialised; what the server says is read leniently, so that it may add fields.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What an event says about a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageEventType {
    /// First sight of the message.
    Create,
    /// A change: an edit when `edited_at` is set, else embeds resolved, a pin or flags.
    Update,
    /// The message is gone.
    Delete,
}

/// One message event of a batch.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Message {
    /// `tenant:connector:message:<message id>:<event_type>`: the same for every edit of one message.
    pub idempotency_key: String,
    /// Create, update or delete.
    pub event_type: MessageEventType,
    /// Snowflake of the message.
    pub discord_message_id: String,
    /// Snowflake of its guild.
    pub discord_guild_id: String,
    /// Snowflake of its channel; for a message in a thread the **parent** channel.
    pub discord_channel_id: String,
    /// Snowflake of its thread, if it is in one.
    pub discord_thread_id: Option<String>,
    /// Snowflake of the author, when the connector knows it.
    pub discord_author_id: Option<String>,
    /// Account name of the author.
    pub author_username: Option<String>,
    /// Display name of the author.
    pub author_global_name: Option<String>,
    /// Text with Discord's mention markup. Empty means "not said" in an update.
    pub content_raw: String,
    /// The same text with mentions as names.
    pub content_clean: String,
    /// ISO-8601. For a delete of a message the connector no longer had, the moment of the delete.
    pub created_at: String,
    /// ISO-8601 of the edit; null when nobody edited the text.
    pub edited_at: Option<String>,
    /// ISO-8601 of the delete.
    pub deleted_at: Option<String>,
    /// Files of the message.
    pub attachments: Vec<Attachment>,
    /// Embeds of the message.
    pub embeds: Vec<Embed>,
    /// Roles mentioned; absent when none is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mentioned_role_ids: Vec<String>,
    /// Users mentioned; absent when none is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mentioned_user_ids: Vec<String>,
}

/// A file of a message.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Attachment {
    /// Snowflake of the file.
    pub discord_attachment_id: String,
    /// Name it was uploaded with.
    pub filename: String,
    /// Where its bytes can be fetched.
    pub source_url: String,
    /// Size in bytes.
    pub size: u64,
    /// MIME type, when known.
    pub content_type: Option<String>,
}

/// An embed of a message; `raw_json` holds all of it, the rest is a summary.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Embed {
    /// Its place in the message, from 0.
    pub embed_index: u32,
    /// `rich`, `image`, `link` …
    pub embed_type: Option<String>,
    /// Headline.
    pub title: Option<String>,
    /// Body.
    pub description: Option<String>,
    /// Link of the headline.
    pub url: Option<String>,
    /// The whole embed as the client had it.
    pub raw_json: Value,
}

/// Body of `POST /ingest/message-batch`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MessageBatch {
    /// Tenant of the token.
    pub tenant_key: String,
    /// Connector of the token.
    pub connector_id: String,
    /// ISO-8601 of the first try.
    pub sent_at: String,
    /// The same for every try of one batch.
    pub batch_id: String,
    /// 1 to 100 messages.
    pub messages: Vec<Message>,
}

/// What an event says about a thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ThreadEventType {
    /// The thread was opened.
    Create,
    /// Its name or state changed.
    Update,
    /// It is gone.
    Delete,
    /// Members came or went; says nothing about `archived` and `locked`, whatever it carries.
    MembersUpdate,
}

/// Body of `POST /ingest/thread`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ThreadEvent {
    /// Tenant of the token.
    pub tenant_key: String,
    /// Connector of the token.
    pub connector_id: String,
    /// `tenant:connector:thread:<thread id>:<event_type>`.
    pub idempotency_key: String,
    /// Create, update, delete or members_update.
    pub event_type: ThreadEventType,
    /// The thread.
    pub thread: Thread,
    /// Who came and went, for `members_update`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub member_delta: Option<MemberDelta>,
}

/// A thread as far as an event tells it; everything optional is left out when not told.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Thread {
    /// Snowflake of the thread.
    pub discord_thread_id: String,
    /// Snowflake of the channel it hangs under.
    pub parent_channel_id: String,
    /// Snowflake of its guild.
    pub guild_id: String,
    /// Its name.
    pub name: String,
    /// Put away after a time without messages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archived: Option<bool>,
    /// Closed to new messages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locked: Option<bool>,
    /// Minutes without messages until it is archived.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auto_archive_duration: Option<u32>,
    /// ISO-8601 of the last change of `archived`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archive_timestamp: Option<String>,
    /// Messages in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_count: Option<u32>,
    /// Members of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub member_count: Option<u32>,
    /// Slow mode in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_limit_per_user: Option<u32>,
    /// Snowflake of who opened it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner_id: Option<String>,
    /// Account name of who opened it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner_username: Option<String>,
    /// Display name of who opened it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner_global_name: Option<String>,
    /// Snowflake of its newest message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_message_id: Option<String>,
    /// ISO-8601 of its newest message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_message_at: Option<String>,
    /// ISO-8601 of its opening.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_timestamp: Option<String>,
}

/// Members that came and went, as snowflakes.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct MemberDelta {
    /// Joined.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub added: Vec<String>,
    /// Left.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub removed: Vec<String>,
}

/// Body of `POST /ingest/channel-guild-sync`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChannelGuildSync {
    /// Tenant of the token.
    pub tenant_key: String,
    /// Connector of the token.
    pub connector_id: String,
    /// One per discovery request and scope.
    pub idempotency_key: String,
    /// Guilds the connector sees, or the one asked for.
    pub guilds: Vec<SyncGuild>,
    /// Channels of the guild asked for; empty in a guild-only snapshot.
    pub channels: Vec<SyncChannel>,
}

/// A guild in a snapshot.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SyncGuild {
    /// Snowflake.
    pub discord_guild_id: String,
    /// Its name.
    pub name: String,
}

/// A channel in a snapshot.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SyncChannel {
    /// Snowflake.
    pub discord_channel_id: String,
    /// Snowflake of its guild.
    pub guild_id: String,
    /// Its name.
    pub name: String,
    /// Discord's channel type: 0 text, 4 category.
    #[serde(rename = "type")]
    pub kind: Option<u8>,
    /// Snowflake of its category.
    pub parent_id: Option<String>,
    /// Its place in the list.
    pub position: Option<u32>,
}

/// Answer of `GET /connectors/{connector_id}/runtime-config`.
#[derive(Debug, Clone, Deserialize)]
pub struct RuntimeConfigAnswer {
    /// What the connector has to do.
    pub config: RuntimeConfig,
}

/// What the connector has to do.
#[derive(Debug, Clone, Deserialize)]
pub struct RuntimeConfig {
    /// Moves when sources, mappings or flags change, never for a discovery request.
    pub config_version: i64,
    /// `active` or `paused`.
    pub status: String,
    /// Whether anything may be sent to the ingest routes.
    pub ingest_enabled: bool,
    /// The newest request for a snapshot, if there ever was one.
    #[serde(default)]
    pub discovery_request: Option<DiscoveryRequest>,
    /// The channels known to the server and what they are.
    #[serde(default)]
    pub sources: Vec<Source>,
}

/// A request for a snapshot.
#[derive(Debug, Clone, Deserialize)]
pub struct DiscoveryRequest {
    /// Moves with every request.
    pub version: i64,
    /// Null: guilds only. Else: that guild with its channels.
    #[serde(default)]
    pub guild_id: Option<String>,
}

/// One channel and what it is to the server.
#[derive(Debug, Clone, Deserialize)]
pub struct Source {
    /// Snowflake of the channel.
    pub channel_id: String,
    /// Captured from.
    pub is_source: bool,
    /// What to do with threads under it.
    #[serde(default)]
    pub thread_mode: ThreadMode,
    /// Off: as if it were not listed.
    pub is_enabled: bool,
}

/// What to do with threads under a source channel.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ThreadMode {
    /// Capture channel and threads.
    #[default]
    Include,
    /// Capture the channel only.
    Exclude,
    /// Capture threads only.
    Only,
}

/// What every ingest route answers, as far as this connector reads it.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct IngestAnswer {
    /// New or changed signals.
    #[serde(default)]
    pub accepted: u64,
    /// Known already.
    #[serde(default)]
    pub deduped: u64,
    /// Not of a source channel.
    #[serde(default)]
    pub ignored: u64,
    /// Items set aside by the server, each with its place and reason.
    #[serde(default)]
    pub rejected: Vec<Value>,
    /// Why a request failed, for the log.
    #[serde(default)]
    pub error_code: Option<String>,
    /// The same in a sentence.
    #[serde(default)]
    pub message: Option<String>,
    /// The id to look for in the server's log.
    #[serde(default)]
    pub correlation_id: Option<String>,
}
