//! What connectors say, as JSON true to the contract, small enough to read in a test. Sends nothing.

use std::sync::{
    OnceLock,
    atomic::{AtomicU64, Ordering},
};

use heliograph_bench::messages::Snowflakes;
use serde_json::{Value, json};

/// The guild of every source channel of these tests.
pub const GUILD: u64 = 5_000_000_000_000_001;
/// How long ago the first signal of a run was made: all stamps of these tests are in the past.
const AGE_MS: u64 = 3_600_000;

/// The id of a signal made a while ago, greater than all before.
pub fn signal_id() -> u64 {
    static IDS: OnceLock<Snowflakes> = OnceLock::new();
    IDS.get_or_init(|| Snowflakes::from_ms(heliograph_bench::clock::now_ms() - AGE_MS))
        .next()
}

/// The id of a channel, a thread or a guild that no other test uses.
pub fn fresh_id() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(6_000_000_000_000_000);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// The stamp of the n-th edit.
pub fn edited_at(n: u32) -> String {
    format!("2025-06-01T10:00:{n:02}.000Z")
}

/// A create with nothing but a text.
pub fn create(channel: u64, signal: u64, text: &str) -> Value {
    item("create", channel, signal, text)
}

/// An update with nothing but a text, stamped as the n-th edit; 0 leaves the stamp out.
pub fn update(channel: u64, signal: u64, text: &str, n: u32) -> Value {
    let stamp = if n == 0 {
        Value::Null
    } else {
        json!(edited_at(n))
    };
    with(
        item("update", channel, signal, text),
        json!({ "edited_at": stamp }),
    )
}

/// A delete as connectors send it when they no longer have the message: made now, of nobody, empty.
pub fn delete(channel: u64, signal: u64) -> Value {
    let now = chrono::Utc::now().to_rfc3339();
    let said = json!({ "created_at": now, "deleted_at": now, "discord_author_id": null, "author_username": null });
    with(item("delete", channel, signal, ""), said)
}

fn item(event: &str, channel: u64, signal: u64, text: &str) -> Value {
    json!({
        "idempotency_key": format!("tenant:connector:message:{signal}:{event}"),
        "event_type": event,
        "discord_message_id": signal.to_string(),
        "discord_guild_id": GUILD.to_string(),
        "discord_channel_id": channel.to_string(),
        "discord_thread_id": null,
        "discord_author_id": "77",
        "author_username": "desk",
        "author_global_name": "The Desk",
        "content_raw": text,
        "content_clean": text,
        "created_at": "2025-06-01T09:00:00.000Z",
        "edited_at": null,
        "deleted_at": null,
        "attachments": [],
        "embeds": [],
    })
}

/// The item with these fields instead.
pub fn with(mut item: Value, fields: Value) -> Value {
    let Value::Object(fields) = fields else {
        panic!("fields are an object")
    };
    item.as_object_mut().unwrap().extend(fields);
    item
}

/// One file.
pub fn file(id: u64, name: &str) -> Value {
    json!({"discord_attachment_id": id.to_string(), "filename": name, "size": 10, "content_type": "image/png",
        "source_url": format!("https://cdn.example/{id}/{name}?ex=1&is=2&hm=3")})
}

/// One embed with nothing but what its `raw_json` says.
pub fn embed(raw_json: Value) -> Value {
    json!({"embed_index": 0, "embed_type": "rich", "title": null, "description": null, "url": null, "raw_json": raw_json})
}
