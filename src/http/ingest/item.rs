//! One message of a batch: from the contract's JSON to an observation, or to the reason why not. What an empty field means is
//! not decided here, only whether each field reads.

use super::{
    embed,
    field::{self, Reason, Value},
};
use heliograph_actors::observation::{Event, Observation};
use heliograph_schema::{
    ids::{ChannelId, SignalId, ThreadId},
    signal::{Attachment, Author, Mentions, Text},
};
use serde::Deserialize;
use serde_json::value::RawValue;

/// Longest text of a message, in bytes. Discord allows 4,000 characters.
pub(super) const TEXT_BYTES_MAX: usize = 64 * 1024;
/// Attachments of one message; Discord allows 10.
pub(super) const ATTACHMENTS_MAX: usize = 50;
/// Roles, and users, that one message mentions; more are left out.
pub(super) const MENTIONS_MAX: usize = 500;
const NAME_CHARS_MAX: usize = 128;
const AVATAR_URL_BYTES_MAX: usize = 2_048;
const FILENAME_CHARS_MAX: usize = 512;
const CONTENT_TYPE_CHARS_MAX: usize = 128;

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
    author_avatar_url: Value<'a>,
    #[serde(borrow)]
    reply_to_message_id: Value<'a>,
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

/// Reads the message at `index`, which was received at `received_at_ms`.
pub(super) fn observation(
    index: u32,
    json: &str,
    received_at_ms: i64,
) -> Result<Observation, Reason> {
    if !json.starts_with('{') {
        return Err("a message must be an object".to_owned());
    }
    let item: Item<'_> = serde_json::from_str(json).map_err(|error| error.to_string())?;
    let channel_id: ChannelId = field::required_id("discord_channel_id", item.discord_channel_id)?;
    let thread_id: Option<ThreadId> = field::id("discord_thread_id", item.discord_thread_id)?;
    let mut observation = Observation {
        index,
        signal_id: signal_id(item.discord_message_id, received_at_ms)?,
        channel_id,
        guild_id: field::required_id("discord_guild_id", item.discord_guild_id)?,
        // Some connectors name the channel itself where a message stands in no thread.
        thread_id: thread_id.filter(|thread| thread.get() != channel_id.get()),
        reply_to: None,
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
    observation.reply_to = field::id("reply_to_message_id", item.reply_to_message_id)
        .ok()
        .flatten();
    observation.mentions = Mentions {
        roles: field::ids(item.mentioned_role_ids, MENTIONS_MAX),
        users: field::ids(item.mentioned_user_ids, MENTIONS_MAX),
    };
    Ok(())
}

/// The message's id. One from the far future would make every real signal after it a late one.
fn signal_id(value: Value<'_>, received_at_ms: i64) -> Result<SignalId, Reason> {
    let id: SignalId = field::required_id("discord_message_id", value)?;
    if id.created_at_ms() > field::latest_ms(received_at_ms) {
        return Err("discord_message_id: made more than a day ahead of our clock".to_owned());
    }
    Ok(id)
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
        avatar_url: avatar_url(item.author_avatar_url),
    }))
}

/// Only shown, and not in every connector's vocabulary: a bad one does not cost the signal.
fn avatar_url(value: Value<'_>) -> Option<String> {
    let url = field::text("author_avatar_url", value).ok().flatten()?;
    (url.starts_with("https://") && url.len() <= AVATAR_URL_BYTES_MAX).then(|| url.into_owned())
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
    let read =
        |(at, raw)| attachment(raw).map_err(|reason| field::within("attachments", at, &reason));
    list.into_iter()
        .filter_map(|entry| read(entry).transpose())
        .collect()
}

/// A file; `None` for one that nobody could open: it is left out and does not cost the signal.
fn attachment(raw: &RawValue) -> Result<Option<Attachment>, Reason> {
    let wire: WireAttachment<'_> = field::object(raw)?;
    let address = field::text("", wire.source_url).ok().flatten();
    let Some(url) = address.as_deref().and_then(field::web_address) else {
        return Ok(None);
    };
    Ok(Some(Attachment {
        attachment_id: field::required_id("discord_attachment_id", wire.discord_attachment_id)?,
        filename: field::cut_text("filename", wire.filename, FILENAME_CHARS_MAX)?
            .unwrap_or_default(),
        url: url.to_owned(),
        // Only shown: what is no count of bytes reads as unknown.
        size: field::integer(wire.size)
            .filter(|bytes| *bytes > 0)
            .unwrap_or(0),
        content_type: field::cut_text("content_type", wire.content_type, CONTENT_TYPE_CHARS_MAX)?,
    }))
}
