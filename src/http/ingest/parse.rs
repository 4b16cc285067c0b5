//! From the body of a message batch to observations. A field connector drops a whole batch on a 4xx, so one bad item never
//! costs its neighbours: the envelope is read first with its items untouched, then each item alone, and what cannot be taken
//! is handed back with its reason. No clock, no HTTP, no database.

use super::{
    field::{self, Value},
    item,
};
use heliograph_actors::observation::Observation;
use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, SeqAccess, Visitor},
};
use serde_json::value::RawValue;
use std::fmt;

/// Items looked at whatever the configuration says; more are only counted.
const ITEMS_KEPT_MAX: usize = 10_000;
const BATCH_ID_CHARS_MAX: usize = 128;

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
            field::cut_text("batch_id", Some(raw), BATCH_ID_CHARS_MAX)
                .ok()
                .flatten()
        }),
        observations: Vec::with_capacity(count),
        rejected: Vec::new(),
        items: count,
    };
    for (index, raw) in (0u32..).zip(kept) {
        match item::observation(index, &field::repaired(raw.get()), received_at_ms) {
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

/// The JSON of one item of a batch that was parsed before, as it came.
pub(super) fn item_body(body: &[u8], index: u32) -> Option<Vec<u8>> {
    let text = field::body_text(body);
    let envelope: Envelope<'_> = object(&text).ok()?;
    let item = envelope.messages.kept.get(usize::try_from(index).ok()?)?;
    Some(item.get().as_bytes().to_vec())
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

#[cfg(test)]
mod tests;
