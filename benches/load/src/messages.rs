//! Owns what a field connector would say, as bytes: messages and batches true to the connector contract, version 1.
//! It sends nothing and draws nothing at random.

use std::io::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, SecondsFormat};

use crate::stage::Connector;

/// Discord's epoch, milliseconds since 1970.
const DISCORD_EPOCH_MS: u64 = 1_420_070_400_000;
/// A create with a text of this length becomes a frame of about 600 bytes.
pub const TEXT_BYTES: usize = 200;
const FILLER: &str = "BTC long from 64250, target 66100 and 67400, stop below 63100. Size two percent, \
    take a third off at the first target and move the stop to the entry. Funding is flat, the open interest grows. \
    Second entry at 63600 when the four hour close holds above the range. No leverage over five. ";

/// Snowflakes in increasing order, none twice in one process.
#[derive(Debug)]
pub struct Snowflakes(AtomicU64);

impl Snowflakes {
    /// From this moment (milliseconds since 1970) on. Ids of one source are one apart: four million a millisecond.
    #[must_use]
    pub fn from_ms(now_ms: u64) -> Self {
        Self(AtomicU64::new(
            now_ms.saturating_sub(DISCORD_EPOCH_MS) << 22,
        ))
    }

    /// The next id.
    pub fn next(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }
}

/// When the message of this id was created, milliseconds since 1970.
#[must_use]
pub fn created_ms(snowflake: u64) -> u64 {
    (snowflake >> 22) + DISCORD_EPOCH_MS
}

/// What is said of a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// It was posted.
    Create,
    /// It was edited at this time, milliseconds since 1970.
    Edit(u64),
    /// It was deleted.
    Delete,
}

/// One event of a signal. The text must not need escaping in JSON.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// The signal.
    pub signal_id: u64,
    /// Where it was said.
    pub channel_id: u64,
    /// The guild of the channel.
    pub guild_id: u64,
    /// What happened.
    pub said: Said,
    /// Its text.
    pub text: &'a str,
}

/// A text with the mark of this moment, as long as makes a typical frame.
pub fn marked_text(out: &mut String, at_us: u64) {
    use std::fmt::Write as _;
    out.clear();
    // Writing to a String cannot fail.
    let _ = write!(out, "[[t={at_us}]] ");
    while out.len() < TEXT_BYTES {
        let rest = TEXT_BYTES - out.len();
        out.push_str(&FILLER[..rest.min(FILLER.len())]);
    }
}

/// Builds batch bodies in a buffer that is used again.
#[derive(Debug, Default)]
pub struct Batch {
    body: Vec<u8>,
    items: usize,
    identity: String,
}

impl Batch {
    /// Begins a batch of this connector.
    pub fn begin(&mut self, connector: &Connector, batch_id: u64, now_ms: u64) {
        let (tenant, id) = (&connector.tenant_key, &connector.connector_id);
        self.items = 0;
        self.identity = format!("{tenant}:{id}:message:");
        self.body.clear();
        // Writing to a Vec cannot fail.
        let _ = write!(
            self.body,
            r#"{{"tenant_key":"{tenant}","connector_id":"{id}","sent_at":"{}","batch_id":"{id}-{batch_id}","messages":["#,
            iso(now_ms)
        );
    }

    /// Adds one message.
    pub fn push(&mut self, message: &Message<'_>) {
        if self.items > 0 {
            self.body.push(b',');
        }
        self.items += 1;
        let Message {
            signal_id,
            channel_id,
            guild_id,
            said,
            text,
        } = *message;
        let created_at = iso(created_ms(signal_id));
        let (event, edited, deleted) = match said {
            Said::Create => ("create", "null".to_owned(), "null".to_owned()),
            Said::Edit(at) => ("update", format!("\"{}\"", iso(at)), "null".to_owned()),
            Said::Delete => ("delete", "null".to_owned(), format!("\"{created_at}\"")),
        };
        let identity = &self.identity;
        let _ = write!(
            self.body,
            concat!(
                r#"{{"idempotency_key":"{}{}:{}","event_type":"{}","discord_message_id":"{}","discord_guild_id":"{}","#,
                r#""discord_channel_id":"{}","discord_thread_id":null,"discord_author_id":"700000000000000001","#,
                r#""author_username":"desk","author_global_name":"The Desk","content_raw":"{}","content_clean":"{}","#,
                r#""created_at":"{}","edited_at":{},"deleted_at":{},"attachments":[],"embeds":[]}}"#
            ),
            identity,
            signal_id,
            event,
            event,
            signal_id,
            guild_id,
            channel_id,
            text,
            text,
            created_at,
            edited,
            deleted
        );
    }

    /// Ends the batch: its body.
    pub fn end(&mut self) -> &[u8] {
        self.body.extend_from_slice(b"]}");
        &self.body
    }

    /// How many messages it has.
    #[must_use]
    pub fn items(&self) -> usize {
        self.items
    }
}

fn iso(ms: u64) -> String {
    i64::try_from(ms)
        .ok()
        .and_then(DateTime::from_timestamp_millis)
        .unwrap_or_default()
        .to_rfc3339_opts(SecondsFormat::Millis, true)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_batch_is_json_of_the_contract() {
        let connector = Connector {
            connector_id: "c1".into(),
            tenant_key: "t1".into(),
            token: "secret".into(),
        };
        let ids = Snowflakes::from_ms(1_790_000_000_000);
        let (first, second) = (ids.next(), ids.next());
        assert!(second > first);
        assert_eq!(created_ms(first), 1_790_000_000_000);
        let mut text = String::new();
        marked_text(&mut text, 77);
        assert_eq!(text.len(), TEXT_BYTES);
        assert_eq!(crate::clock::mark_in(text.as_bytes()), Some(77));
        let mut batch = Batch::default();
        batch.begin(&connector, 3, 1_790_000_000_000);
        for said in [Said::Create, Said::Edit(1_790_000_000_500), Said::Delete] {
            batch.push(&Message {
                signal_id: first,
                channel_id: 5,
                guild_id: 6,
                said,
                text: &text,
            });
        }
        assert_eq!(batch.items(), 3);
        let body: serde_json::Value = serde_json::from_slice(batch.end()).unwrap();
        assert_eq!(body["tenant_key"], "t1");
        let messages = body["messages"].as_array().unwrap();
        assert_eq!(messages[0]["event_type"], "create");
        assert_eq!(messages[0]["discord_message_id"], first.to_string());
        assert_eq!(messages[0]["content_clean"], text.as_str());
        assert_eq!(messages[0]["created_at"], "2026-09-21T14:13:20.000Z");
        assert_eq!(messages[1]["edited_at"], "2026-09-21T14:13:20.500Z");
        assert_eq!(
            messages[1]["idempotency_key"],
            format!("t1:c1:message:{first}:update")
        );
        assert_eq!(messages[2]["event_type"], "delete");
        assert!(messages[2]["deleted_at"].is_string());
        // Nothing of a connector but its names is in a body.
        assert!(!body.to_string().contains("secret"));
    }
}
