//! From the body of a message batch to observations. A field connector drops a whole batch on a 4xx, so one bad item never
//! costs its neighbours: the envelope is read first with its items untouched, then each item alone, and what cannot be taken
//! is handed back with its reason. No clock, no HTTP, no database.

use super::{
    embed,
    field::{self, Reason, Value},
};
use heliograph_actors::observation::{Event, Observation};
use heliograph_schema::{
    ids::{ChannelId, GuildId, SignalId, ThreadId},
    signal::{Attachment, Author, Mentions, Text},
};
use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, SeqAccess, Visitor},
};
use serde_json::value::RawValue;
use std::fmt;

/// Longest text of a message, in bytes. Discord allows 4,000 characters.
pub const TEXT_BYTES_MAX: usize = 64 * 1024;
/// Attachments of one message; Discord allows 10.
pub const ATTACHMENTS_MAX: usize = 50;
/// Roles, and users, that one message mentions.
pub const MENTIONS_MAX: usize = 500;
/// Items looked at whatever the configuration says; more are only counted.
const ITEMS_KEPT_MAX: usize = 10_000;
const NAME_CHARS_MAX: usize = 128;
const FILENAME_CHARS_MAX: usize = 512;
const CONTENT_TYPE_CHARS_MAX: usize = 128;

/// How large a batch may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchLimits {
    /// Messages in one batch.
    pub items_max: usize,
}

/// A batch, item by item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParsedBatch {
    /// The tenant it says it is of.
    pub tenant_key: String,
    /// The connector it says it is of.
    pub connector_id: String,
    /// The connector's own name for it, for the logs.
    pub batch_id: Option<String>,
    /// The good items, in the order of the batch.
    pub observations: Vec<Observation>,
    /// The others.
    pub rejected: Vec<RejectedItem>,
    /// How many came in all.
    pub items: usize,
}

/// An item that cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectedItem {
    /// Its place in the batch.
    pub index: u32,
    /// Which field is wrong and how; at most a few hundred bytes.
    pub reason: String,
    /// Its JSON as it came.
    pub body: Vec<u8>,
}

/// Why a body is no batch at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// Not JSON: 400 `invalid_json`.
    #[error("the body is not JSON: {0}")]
    InvalidJson(String),
    /// JSON of another form: 400 `invalid_batch`.
    #[error("the body is not a batch: {0}")]
    InvalidBatch(String),
    /// More items than we take at once: 429 `batch_too_large`.
    #[error("{items} messages in one batch, at most {items_max}")]
    TooLarge {
        /// How many came.
        items: usize,
        /// How many may.
        items_max: usize,
    },
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    tenant_key: Value<'a>,
    #[serde(borrow)]
    connector_id: Value<'a>,
    #[serde(borrow)]
    batch_id: Value<'a>,
    #[serde(borrow)]
    messages: Items<'a>,
}

#[derive(Deserialize)]
struct Item<'a> {
    #[serde(borrow)]
    event_type: Value<'a>,
    #[serde(borrow)]
    discord_message_id: Value<'a>,
    #[serde(borrow)]
    discord_guild_id: Value<'a>,
    #[serde(borrow)]
    discord_channel_id: Value<'a>,
    #[serde(borrow)]
    discord_thread_id: Value<'a>,
    #[serde(borrow)]
    discord_author_id: Value<'a>,
    #[serde(borrow)]
    author_username: Value<'a>,
    #[serde(borrow)]
    author_global_name: Value<'a>,
    #[serde(borrow)]
    content_raw: Value<'a>,
    #[serde(borrow)]
    content_clean: Value<'a>,
    #[serde(borrow)]
    edited_at: Value<'a>,
    #[serde(borrow)]
    deleted_at: Value<'a>,
    #[serde(borrow)]
    attachments: Value<'a>,
    #[serde(borrow)]
    embeds: Value<'a>,
    #[serde(borrow)]
    mentioned_role_ids: Value<'a>,
    #[serde(borrow)]
    mentioned_user_ids: Value<'a>,
}

#[derive(Deserialize)]
struct WireAttachment<'a> {
    #[serde(borrow)]
    discord_attachment_id: Value<'a>,
    #[serde(borrow)]
    filename: Value<'a>,
    #[serde(borrow)]
    source_url: Value<'a>,
    #[serde(borrow)]
    size: Value<'a>,
    #[serde(borrow)]
    content_type: Value<'a>,
}

/// The items untouched. A body of nothing but commas and digits must not become a list a hundred times its size.
struct Items<'a> {
    kept: Vec<&'a RawValue>,
    count: usize,
}

impl<'de: 'a, 'a> Deserialize<'de> for Items<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Counting;
        impl<'de> Visitor<'de> for Counting {
            type Value = Items<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array of messages")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut kept = Vec::new();
                while kept.len() < ITEMS_KEPT_MAX {
                    match seq.next_element::<&'de RawValue>()? {
                        Some(item) => kept.push(item),
                        None => {
                            return Ok(Items {
                                count: kept.len(),
                                kept,
                            });
                        }
                    }
                }
                let mut count = kept.len();
                while seq.next_element::<IgnoredAny>()?.is_some() {
                    count += 1;
                }
                Ok(Items { kept, count })
            }
        }
        deserializer.deserialize_seq(Counting)
    }
}

/// Reads a message batch that was received at `received_at_ms`.
///
/// # Errors
/// Only when the body as a whole is no batch, or one too large; a bad item is handed back in `rejected`.
pub fn parse_batch(
    body: &[u8],
    limits: &BatchLimits,
    received_at_ms: i64,
) -> Result<ParsedBatch, BatchError> {
    let text = field::body_text(body);
    let envelope: Envelope<'_> = object(&text)?;
    let Items { kept, count } = envelope.messages;
    let items_max = limits.items_max.min(ITEMS_KEPT_MAX);
    if count > items_max {
        return Err(BatchError::TooLarge {
            items: count,
            items_max,
        });
    }
    let mut batch = ParsedBatch {
        tenant_key: owner("tenant_key", envelope.tenant_key)?,
        connector_id: owner("connector_id", envelope.connector_id)?,
        batch_id: envelope.batch_id.and_then(|raw| {
            field::cut_text("batch_id", Some(raw), NAME_CHARS_MAX)
                .ok()
                .flatten()
        }),
        observations: Vec::with_capacity(count),
        rejected: Vec::new(),
        items: count,
    };
    for (index, raw) in (0u32..).zip(kept) {
        match observation(index, &field::repaired(raw.get()), received_at_ms) {
            Ok(observation) => batch.observations.push(observation),
            Err(reason) => {
                let (reason, body) = (field::bounded_reason(reason), raw.get().as_bytes().to_vec());
                batch.rejected.push(RejectedItem {
                    index,
                    reason,
                    body,
                });
            }
        }
    }
    Ok(batch)
}

/// Reads a body that must be one JSON object.
pub(super) fn object<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, BatchError> {
    let read = serde_json::from_str::<T>(text);
    let is_object = text.trim_start().starts_with('{');
    match read {
        Ok(value) if is_object => Ok(value),
        Ok(_) => Err(BatchError::InvalidBatch("expected an object".to_owned())),
        Err(error) if error.is_data() => Err(BatchError::InvalidBatch(field::bounded_reason(
            error.to_string(),
        ))),
        Err(error) => Err(BatchError::InvalidJson(field::bounded_reason(
            error.to_string(),
        ))),
    }
}

/// Whose a body says it is.
pub(super) fn owner(name: &str, value: Value<'_>) -> Result<String, BatchError> {
    let said = field::text(name, value).and_then(|text| field::required(name, text));
    said.map(|text| text.into_owned())
        .map_err(BatchError::InvalidBatch)
}

/// Reads one item.
fn observation(index: u32, json: &str, received_at_ms: i64) -> Result<Observation, Reason> {
    if !json.starts_with('{') {
        return Err("a message must be an object".to_owned());
    }
    let item: Item<'_> = serde_json::from_str(json).map_err(|error| error.to_string())?;
    let channel_id: ChannelId = required_id("discord_channel_id", item.discord_channel_id)?;
    let thread_id: Option<ThreadId> = field::id("discord_thread_id", item.discord_thread_id)?;
    let mut observation = Observation {
        index,
        signal_id: required_id::<SignalId>("discord_message_id", item.discord_message_id)?,
        channel_id,
        guild_id: required_id::<GuildId>("discord_guild_id", item.discord_guild_id)?,
        // Some connectors name the channel itself where a message stands in no thread.
        thread_id: thread_id.filter(|thread| thread.get() != channel_id.get()),
        event: event(item.event_type)?,
        stamp_ms: 0,
        deleted_at_ms: None,
        author: None,
        text: Text::default(),
        embeds: Vec::new(),
        attachments: Vec::new(),
        mentions: Mentions::default(),
    };
    match observation.event {
        // What else a delete says is a guess of the connector's: it often no longer had the message. Its time is only shown,
        // so that a bad one does not keep the signal alive.
        Event::Delete => {
            let said = field::time_ms("deleted_at", item.deleted_at, received_at_ms)
                .ok()
                .flatten();
            observation.deleted_at_ms = Some(said.unwrap_or(received_at_ms));
        }
        Event::Create | Event::Update => fill(&mut observation, &item, received_at_ms)?,
    }
    Ok(observation)
}

/// What a create or an update says of the content.
fn fill(observation: &mut Observation, item: &Item<'_>, received_at_ms: i64) -> Result<(), Reason> {
    observation.stamp_ms =
        field::time_ms("edited_at", item.edited_at, received_at_ms)?.unwrap_or(0);
    observation.author = author(item)?;
    observation.text = content(item)?;
    observation.embeds = embed::embeds("embeds", item.embeds)?;
    observation.attachments = attachments(item.attachments)?;
    observation.mentions = Mentions {
        roles: field::ids("mentioned_role_ids", item.mentioned_role_ids, MENTIONS_MAX)?,
        users: field::ids("mentioned_user_ids", item.mentioned_user_ids, MENTIONS_MAX)?,
    };
    Ok(())
}

fn required_id<T: std::str::FromStr>(name: &str, value: Value<'_>) -> Result<T, Reason>
where
    T::Err: fmt::Display,
{
    field::required(name, field::id(name, value)?)
}

fn event(value: Value<'_>) -> Result<Event, Reason> {
    let word = field::required("event_type", field::text("event_type", value)?)?;
    match &*word {
        "create" => Ok(Event::Create),
        "update" => Ok(Event::Update),
        "delete" => Ok(Event::Delete),
        _ => Err(format!(
            "event_type: expected create, update or delete, got {}",
            field::bounded(&word, 40)
        )),
    }
}

fn author(item: &Item<'_>) -> Result<Option<Author>, Reason> {
    let user_id = field::id("discord_author_id", item.discord_author_id)?;
    let username = field::cut_text("author_username", item.author_username, NAME_CHARS_MAX)?;
    let global_name = field::cut_text(
        "author_global_name",
        item.author_global_name,
        NAME_CHARS_MAX,
    )?;
    Ok(user_id.map(|user_id| Author {
        user_id,
        username,
        global_name,
    }))
}

/// The text in both forms; a connector that sends one means it for both.
fn content(item: &Item<'_>) -> Result<Text, Reason> {
    let read = |name: &str, value| {
        let text = field::text(name, value)?.unwrap_or_default();
        if text.len() > TEXT_BYTES_MAX {
            Err(format!(
                "{name}: {} bytes, at most {TEXT_BYTES_MAX}",
                text.len()
            ))
        } else {
            Ok(text.into_owned())
        }
    };
    let (raw, clean) = (
        read("content_raw", item.content_raw)?,
        read("content_clean", item.content_clean)?,
    );
    Ok(match (raw.is_empty(), clean.is_empty()) {
        (false, true) => Text {
            clean: raw.clone(),
            raw,
        },
        (true, false) => Text {
            raw: clean.clone(),
            clean,
        },
        _ => Text { raw, clean },
    })
}

fn attachments(value: Value<'_>) -> Result<Vec<Attachment>, Reason> {
    let list = field::list("attachments", value, ATTACHMENTS_MAX)?;
    list.into_iter()
        .enumerate()
        .map(|(at, raw)| attachment(&format!("attachments[{at}]"), raw))
        .collect()
}

fn attachment(place: &str, raw: &RawValue) -> Result<Attachment, Reason> {
    if !field::is_object(raw) {
        return Err(field::unexpected(place, "an object", raw));
    }
    let wire: WireAttachment<'_> =
        serde_json::from_str(raw.get()).map_err(|error| format!("{place}: {error}"))?;
    let name = |field: &str| format!("{place}.{field}");
    let url = field::required(
        &name("source_url"),
        field::text(&name("source_url"), wire.source_url)?,
    )?;
    Ok(Attachment {
        attachment_id: required_id(&name("discord_attachment_id"), wire.discord_attachment_id)?,
        filename: field::cut_text(&name("filename"), wire.filename, FILENAME_CHARS_MAX)?
            .unwrap_or_default(),
        url: field::web_address(&url)
            .ok_or_else(|| format!("{}: not a web address", name("source_url")))?
            .to_owned(),
        // Only shown: what is no count of bytes reads as unknown.
        size: field::integer(wire.size)
            .filter(|bytes| *bytes > 0)
            .unwrap_or(0),
        content_type: field::cut_text(
            &name("content_type"),
            wire.content_type,
            CONTENT_TYPE_CHARS_MAX,
        )?,
    })
}

#[cfg(test)]
mod tests;
