//! The messages of all channels, alive and deleted, the nonces that are remembered and the bytes of attachments, all
//! bounded. Knows no HTTP and no rights; the time is passed in.

use std::{
    collections::{BTreeMap, HashMap, HashSet, VecDeque},
    hash::{DefaultHasher, Hash, Hasher},
};

use bytes::Bytes;
use serde::Serialize;
use serde_json::Value;

use crate::{id::Id, mentions_core::Pinged};

/// A message as it is now, with all that happened to it.
#[derive(Clone, Debug, Serialize)]
pub struct Message {
    /// The message's id.
    pub id: Id,
    /// The channel it is in.
    pub channel_id: Id,
    /// Its author: a bot, a webhook, or somebody a test spoke for.
    pub author_id: Id,
    /// The author's name.
    pub author_name: String,
    /// The picture the webhook gave with it.
    pub avatar_url: Option<String>,
    /// The webhook it came through.
    pub webhook_id: Option<Id>,
    /// The bot that made that webhook.
    pub application_id: Option<Id>,
    /// Discord's number of the type: 0 written, 19 a reply, 18 the note that a thread was opened.
    #[serde(rename = "type")]
    pub kind: u8,
    /// Its text now.
    pub content: String,
    /// Its embeds now.
    pub embeds: Vec<Value>,
    /// Its components now.
    pub components: Vec<Value>,
    /// Its attachments now.
    pub attachments: Vec<Attachment>,
    /// Discord's flags.
    pub flags: u64,
    /// Read aloud.
    pub tts: bool,
    /// When it was created, milliseconds since the Unix epoch on the fake's clock.
    pub created_at_ms: u64,
    /// When it was last edited.
    pub edited_at_ms: Option<u64>,
    /// When it was deleted; `None` while it lives.
    pub deleted_at_ms: Option<u64>,
    /// The nonce of its creation.
    pub nonce: Option<Value>,
    /// Whether that nonce was enforced.
    pub nonce_enforced: bool,
    /// The message it replies to, with its channel.
    pub reply_to: Option<ReplyTo>,
    /// A thread was started from it.
    pub has_thread: bool,
    /// Whom its content mentions now.
    pub mentions: Pinged,
    /// Every ping it ever caused.
    pub pings: Vec<Ping>,
    /// Its edits, oldest first, the last 1,000.
    pub edits: Vec<Edit>,
    /// How often it was edited.
    pub edit_count: u64,
}

impl Message {
    /// Edits remembered per message; the count goes on.
    pub const EDITS_KEPT_MAX: usize = 1_000;

    /// A plain text that was written at this moment (milliseconds since the Unix epoch) and pings nobody.
    pub(crate) fn written(
        id: Id,
        channel_id: Id,
        (author_id, author_name): (Id, &str),
        content: &str,
        now_ms: u64,
    ) -> Self {
        Self {
            id,
            channel_id,
            author_id,
            author_name: author_name.to_owned(),
            avatar_url: None,
            webhook_id: None,
            application_id: None,
            kind: 0,
            content: content.to_owned(),
            embeds: Vec::new(),
            components: Vec::new(),
            attachments: Vec::new(),
            flags: 0,
            tts: false,
            created_at_ms: now_ms,
            edited_at_ms: None,
            deleted_at_ms: None,
            nonce: None,
            nonce_enforced: false,
            reply_to: None,
            has_thread: false,
            mentions: Pinged::default(),
            pings: Vec::new(),
            edits: Vec::new(),
            edit_count: 0,
        }
    }
}

/// The target of a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ReplyTo {
    /// The message.
    pub message_id: Id,
    /// Its channel.
    pub channel_id: Id,
}

/// One edit.
#[derive(Clone, Debug, Serialize)]
pub struct Edit {
    /// When, milliseconds since the Unix epoch on the fake's clock.
    pub at_ms: u64,
    /// The text after it.
    pub content: String,
}

/// People were pinged.
#[derive(Clone, Debug, Serialize)]
pub struct Ping {
    /// When, milliseconds since the Unix epoch on the fake's clock.
    pub at_ms: u64,
    /// By an edit, not by the creation.
    pub by_edit: bool,
    /// Who.
    #[serde(flatten)]
    pub pinged: Pinged,
}

/// A file of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Attachment {
    /// The attachment's id.
    pub id: Id,
    /// Its name.
    pub filename: String,
    /// Its description.
    pub description: Option<String>,
    /// Its media type, when it was given.
    pub content_type: Option<String>,
    /// Its length in bytes.
    pub size: usize,
}

/// What a nonce was used for before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NonceUse {
    Fresh,
    Alive(Id),
    Deleted,
}

/// Author, channel, text.
pub(crate) type NonceKey = (Id, Id, String);

#[derive(Debug, Default)]
struct Lane {
    live: BTreeMap<Id, Message>,
    deleted: BTreeMap<Id, Message>,
}

#[derive(Debug, Default)]
pub(crate) struct MessageStore {
    lanes: HashMap<Id, Lane>,
    /// All remembered messages, oldest first.
    order: VecDeque<(Id, Id)>,
    nonces: HashMap<NonceKey, (Id, u64)>,
    nonce_order: VecDeque<(NonceKey, u64)>,
    /// Fingerprints of (channel, content) and (channel, author, nonce), to count what was posted twice.
    seen_contents: HashSet<u64>,
    seen_nonces: HashSet<u64>,
    pub(crate) duplicate_contents: u64,
    pub(crate) duplicate_nonces: u64,
    files: HashMap<Id, (Option<String>, Bytes)>,
    file_order: VecDeque<Id>,
    file_bytes: usize,
}

impl MessageStore {
    /// Adds a message; forgets the oldest ones beyond `messages_max`.
    pub(crate) fn insert(&mut self, message: Message, messages_max: usize) {
        if let Some(print) = content_print(&message)
            && !self.seen_contents.insert(print)
        {
            self.duplicate_contents += 1;
        }
        if let Some(print) = nonce_print(&message)
            && !self.seen_nonces.insert(print)
        {
            self.duplicate_nonces += 1;
        }
        let (channel, id) = (message.channel_id, message.id);
        self.lanes
            .entry(channel)
            .or_default()
            .live
            .insert(id, message);
        self.order.push_back((channel, id));
        while self.order.len() > messages_max {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        let Some((channel, id)) = self.order.pop_front() else {
            return;
        };
        let Some(lane) = self.lanes.get_mut(&channel) else {
            return;
        };
        if let Some(message) = lane.live.remove(&id).or_else(|| lane.deleted.remove(&id)) {
            content_print(&message).map(|print| self.seen_contents.remove(&print));
            nonce_print(&message).map(|print| self.seen_nonces.remove(&print));
        }
    }

    pub(crate) fn get(&self, channel: Id, id: Id) -> Option<&Message> {
        self.lanes.get(&channel)?.live.get(&id)
    }

    pub(crate) fn get_mut(&mut self, channel: Id, id: Id) -> Option<&mut Message> {
        self.lanes.get_mut(&channel)?.live.get_mut(&id)
    }

    /// Marks a message deleted; false when there is none.
    pub(crate) fn delete(&mut self, channel: Id, id: Id, now_ms: u64) -> bool {
        let Some(lane) = self.lanes.get_mut(&channel) else {
            return false;
        };
        let Some(mut message) = lane.live.remove(&id) else {
            return false;
        };
        message.deleted_at_ms = Some(now_ms);
        lane.deleted.insert(id, message);
        true
    }

    /// Living messages of a channel, newest first.
    pub(crate) fn list(&self, channel: Id, page: Page, limit: usize) -> Vec<&Message> {
        let Some(Lane { live, .. }) = self.lanes.get(&channel) else {
            return Vec::new();
        };
        let newest_first = |upper: Id| live.range(..upper).rev().map(|(_, message)| message);
        let oldest_first = |lower: Id| {
            live.range(Id(lower.0.saturating_add(1))..)
                .map(|(_, message)| message)
        };
        match page {
            Page::Latest => live.values().rev().take(limit).collect(),
            Page::Before(id) => newest_first(id).take(limit).collect(),
            Page::After(id) => {
                let mut found: Vec<_> = oldest_first(id).take(limit).collect();
                found.reverse();
                found
            }
            Page::Around(id) => {
                let half = limit / 2;
                let mut found: Vec<_> = oldest_first(id).take(half).collect();
                found.reverse();
                found.extend(live.get(&id));
                found.extend(newest_first(id).take(limit - half));
                found.truncate(limit);
                found
            }
        }
    }

    /// Everything remembered of one channel or of all, in the order of ids.
    pub(crate) fn everything(&self, channel: Option<Id>) -> Vec<Message> {
        let mut all: Vec<Message> = self
            .lanes
            .iter()
            .filter(|(id, _)| channel.is_none_or(|wanted| wanted == **id))
            .flat_map(|(_, lane)| lane.live.values().chain(lane.deleted.values()))
            .cloned()
            .collect();
        all.sort_by_key(|message| message.id);
        all
    }

    /// Living and deleted messages per channel.
    pub(crate) fn counts(&self) -> impl Iterator<Item = (Id, usize, usize)> {
        self.lanes
            .iter()
            .map(|(id, lane)| (*id, lane.live.len(), lane.deleted.len()))
    }

    /// What this author used a nonce for in this channel within the window.
    pub(crate) fn nonce_use(
        &mut self,
        author: Id,
        channel: Id,
        nonce: &str,
        now_ms: u64,
        window_ms: u64,
    ) -> NonceUse {
        while self
            .nonce_order
            .front()
            .is_some_and(|(_, at_ms)| at_ms.saturating_add(window_ms) <= now_ms)
        {
            self.forget_oldest_nonce();
        }
        match self.nonces.get(&(author, channel, nonce.to_owned())) {
            None => NonceUse::Fresh,
            Some((id, _)) if self.get(channel, *id).is_some() => NonceUse::Alive(*id),
            Some(_) => NonceUse::Deleted,
        }
    }

    /// Remembers what a nonce (author, channel, text) made; forgets the oldest beyond `nonces_max`.
    pub(crate) fn remember_nonce(&mut self, key: NonceKey, id: Id, now_ms: u64, nonces_max: usize) {
        self.nonces.insert(key.clone(), (id, now_ms));
        self.nonce_order.push_back((key, now_ms));
        while self.nonce_order.len() > nonces_max {
            self.forget_oldest_nonce();
        }
    }

    fn forget_oldest_nonce(&mut self) {
        // A nonce used again meanwhile has a newer entry in the order.
        if let Some((key, at_ms)) = self.nonce_order.pop_front()
            && self
                .nonces
                .get(&key)
                .is_some_and(|(_, used_at_ms)| *used_at_ms == at_ms)
        {
            self.nonces.remove(&key);
        }
    }

    /// Keeps the bytes of an attachment; forgets the oldest beyond `bytes_max`.
    pub(crate) fn keep_file(
        &mut self,
        id: Id,
        content_type: Option<String>,
        data: Bytes,
        bytes_max: usize,
    ) {
        self.file_bytes += data.len();
        self.files.insert(id, (content_type, data));
        self.file_order.push_back(id);
        while self.file_bytes > bytes_max
            && let Some(oldest) = self.file_order.pop_front()
        {
            if let Some((_, data)) = self.files.remove(&oldest) {
                self.file_bytes -= data.len();
            }
        }
    }

    pub(crate) fn file(&self, id: Id) -> Option<&(Option<String>, Bytes)> {
        self.files.get(&id)
    }
}

/// Which messages a list shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Page {
    Latest,
    Before(Id),
    After(Id),
    Around(Id),
}

fn content_print(message: &Message) -> Option<u64> {
    if message.content.is_empty() && message.embeds.is_empty() {
        return None;
    }
    let mut hasher = DefaultHasher::new();
    (message.channel_id, &message.content).hash(&mut hasher);
    for embed in &message.embeds {
        embed.to_string().hash(&mut hasher);
    }
    Some(hasher.finish())
}

fn nonce_print(message: &Message) -> Option<u64> {
    let nonce = message.nonce.as_ref()?;
    let mut hasher = DefaultHasher::new();
    (message.channel_id, message.author_id, nonce.to_string()).hash(&mut hasher);
    Some(hasher.finish())
}
