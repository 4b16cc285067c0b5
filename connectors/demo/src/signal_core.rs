//! One signal as its author sees it, and the contract messages that tell its create, edits and delete. Owns which field
//! is full, null or empty in which event; knows nothing of time passing.

use crate::contract::{
    Attachment, Embed, MemberDelta, Message, MessageEventType, Thread, ThreadEvent, ThreadEventType,
};
use crate::guilds::{Author, Channel};
use crate::prose::Text;
use crate::snowflake::{created_ms, iso};

/// In whose name events are sent.
#[derive(Debug, Clone)]
pub(crate) struct Speaker {
    pub(crate) tenant_key: String,
    pub(crate) connector_id: String,
}

impl Speaker {
    fn key(&self, kind: &str, id: &str, event_type: &str) -> String {
        format!(
            "{}:{}:{kind}:{id}:{event_type}",
            self.tenant_key, self.connector_id
        )
    }

    pub(crate) fn thread_event(
        &self,
        event_type: ThreadEventType,
        thread: Thread,
        member_delta: Option<MemberDelta>,
    ) -> ThreadEvent {
        let word = match event_type {
            ThreadEventType::Create => "create",
            ThreadEventType::Update => "update",
            ThreadEventType::Delete => "delete",
            ThreadEventType::MembersUpdate => "members_update",
        };
        ThreadEvent {
            tenant_key: self.tenant_key.clone(),
            connector_id: self.connector_id.clone(),
            idempotency_key: self.key("thread", &thread.discord_thread_id, word),
            event_type,
            thread,
            member_delta,
        }
    }
}

/// What a members update or a delete says of a thread: its identity, and that it is open whether true or not.
pub(crate) fn bare_thread(thread: &Thread) -> Thread {
    Thread {
        discord_thread_id: thread.discord_thread_id.clone(),
        parent_channel_id: thread.parent_channel_id.clone(),
        guild_id: thread.guild_id.clone(),
        name: thread.name.clone(),
        archived: Some(false),
        locked: Some(false),
        ..Thread::default()
    }
}

/// One signal in its present state.
#[derive(Debug, Clone)]
pub(crate) struct Signal {
    pub(crate) id: u64,
    pub(crate) channel: Channel,
    pub(crate) thread_id: Option<String>,
    pub(crate) author: Author,
    pub(crate) text: Text,
    pub(crate) attachments: Vec<Attachment>,
    pub(crate) embeds: Vec<Embed>,
}

impl Signal {
    pub(crate) fn new(id: u64, channel: Channel, author: Author, text: Text) -> Self {
        Self {
            id,
            channel,
            thread_id: None,
            author,
            text,
            attachments: Vec::new(),
            embeds: Vec::new(),
        }
    }

    pub(crate) fn create(&self, speaker: &Speaker) -> Message {
        self.full(speaker, MessageEventType::Create, None)
    }

    /// An edit that carries every field in full.
    pub(crate) fn edit(&self, speaker: &Speaker, edited_unix_ms: u64) -> Message {
        self.full(speaker, MessageEventType::Update, Some(iso(edited_unix_ms)))
    }

    /// An update that is no edit and says nothing yet: the story fills in the one thing it says.
    pub(crate) fn sparse_update(&self, speaker: &Speaker) -> Message {
        self.bare(speaker, MessageEventType::Update)
    }

    /// A delete. A connector that no longer has the message does not know its author and takes the moment of the
    /// delete for its creation.
    pub(crate) fn delete(
        &self,
        speaker: &Speaker,
        deleted_unix_ms: u64,
        remembered: bool,
    ) -> Message {
        let deleted_at = iso(deleted_unix_ms);
        let bare = self.bare(speaker, MessageEventType::Delete);
        if remembered {
            return Message {
                deleted_at: Some(deleted_at),
                discord_author_id: Some(self.author.id.to_owned()),
                author_username: Some(self.author.username.to_owned()),
                author_global_name: Some(self.author.global_name.to_owned()),
                ..bare
            };
        }
        Message {
            created_at: deleted_at.clone(),
            deleted_at: Some(deleted_at),
            ..bare
        }
    }

    fn full(
        &self,
        speaker: &Speaker,
        event_type: MessageEventType,
        edited_at: Option<String>,
    ) -> Message {
        Message {
            discord_author_id: Some(self.author.id.to_owned()),
            author_username: Some(self.author.username.to_owned()),
            author_global_name: Some(self.author.global_name.to_owned()),
            content_raw: self.text.raw.clone(),
            content_clean: self.text.clean.clone(),
            edited_at,
            attachments: self.attachments.clone(),
            embeds: self.embeds.clone(),
            mentioned_role_ids: self.text.role_ids.clone(),
            mentioned_user_ids: self.text.user_ids.clone(),
            ..self.bare(speaker, event_type)
        }
    }

    fn bare(&self, speaker: &Speaker, event_type: MessageEventType) -> Message {
        let id = self.id.to_string();
        let word = match event_type {
            MessageEventType::Create => "create",
            MessageEventType::Update => "update",
            MessageEventType::Delete => "delete",
        };
        Message {
            idempotency_key: speaker.key("message", &id, word),
            event_type,
            discord_message_id: id,
            discord_guild_id: self.channel.guild_id.to_owned(),
            discord_channel_id: self.channel.id.to_owned(),
            discord_thread_id: self.thread_id.clone(),
            discord_author_id: None,
            author_username: None,
            author_global_name: None,
            content_raw: String::new(),
            content_clean: String::new(),
            created_at: iso(created_ms(self.id)),
            edited_at: None,
            deleted_at: None,
            attachments: Vec::new(),
            embeds: Vec::new(),
            mentioned_role_ids: Vec::new(),
            mentioned_user_ids: Vec::new(),
        }
    }
}
