//! What a connector says of one message, in our words: the input of the join. Made at the edge from the contract's JSON,
//! where ids, times and strings have been checked; whether an empty field means anything is the join's business.

use heliograph_schema::{
    ids::{ChannelId, GuildId, SignalId, ThreadId},
    signal::{Attachment, Author, Embed, Mentions, Text},
};

/// Which event the connector heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// The message appeared.
    Create,
    /// It was edited, its embeds resolved, its flags changed.
    Update,
    /// It was deleted.
    Delete,
}

/// One item of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// Its place in the batch, for the answer.
    pub index: u32,
    /// The source message.
    pub signal_id: SignalId,
    /// The source channel; of a thread message the parent.
    pub channel_id: ChannelId,
    /// The guild.
    pub guild_id: GuildId,
    /// The thread, when it stands in one.
    pub thread_id: Option<ThreadId>,
    /// The message it answers, when said.
    pub reply_to: Option<SignalId>,
    /// What happened.
    pub event: Event,
    /// `edited_at` in ms since 1970; 0 when the connector said none.
    pub stamp_ms: i64,
    /// Of a delete: when; the time of receipt when the connector does not say.
    pub deleted_at_ms: Option<i64>,
    /// Who wrote it, when said.
    pub author: Option<Author>,
    /// As it came, perhaps empty.
    pub text: Text,
    /// As they came, perhaps empty.
    pub embeds: Vec<Embed>,
    /// As they came, perhaps empty.
    pub attachments: Vec<Attachment>,
    /// As they came, perhaps empty.
    pub mentions: Mentions,
}
