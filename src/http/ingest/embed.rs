//! From a connector's embed to ours. The interesting part is `raw_json`: it comes in the spelling of Discord's API
//! (`proxy_url`, `title`) or in that of the client's own stores (`proxyURL`, `rawTitle`), and a chart often exists only there.
//! What is not understood inside it is left out; it never costs the signal.

use super::field::{self, Reason, Value};
use heliograph_schema::signal::{Embed, EmbedField};
use serde::Deserialize;
use serde_json::{Map, Value as Json, value::RawValue};

/// Embeds of one message; Discord allows 10.
const EMBEDS_MAX: usize = 25;

// Characters kept, about twice what Discord lets anybody write: what it unfurls from other sites has no promised length.
const TITLE_CHARS_MAX: usize = 512;
const DESCRIPTION_CHARS_MAX: usize = 8192;
const FIELD_NAME_CHARS_MAX: usize = 512;
const FIELD_VALUE_CHARS_MAX: usize = 2048;
const FOOTER_CHARS_MAX: usize = 4096;
const AUTHOR_CHARS_MAX: usize = 512;
const KIND_CHARS_MAX: usize = 32;
const FIELDS_MAX: usize = 25;

/// Spellings of the address behind Discord's proxy.
const PROXY_SPELLINGS: [&str; 3] = ["proxy_url", "proxyURL", "proxyUrl"];

/// An embed as the contract has it.
#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(borrow)]
    embed_index: Value<'a>,
    #[serde(borrow)]
    embed_type: Value<'a>,
    #[serde(borrow)]
    title: Value<'a>,
    #[serde(borrow)]
    description: Value<'a>,
    #[serde(borrow)]
    url: Value<'a>,
    #[serde(borrow)]
    raw_json: Value<'a>,
}

/// The embeds of one message in the order of their index, without those that show nothing.
pub(super) fn embeds(name: &str, value: Value<'_>) -> Result<Vec<Embed>, Reason> {
    let mut indexed = Vec::new();
    for (at, raw) in field::list(name, value, EMBEDS_MAX)? {
        let (index, embed) = embed(raw).map_err(|reason| field::within(name, at, &reason))?;
        if embed != Embed::default() {
            indexed.push((index.or(i64::try_from(at).ok()), embed));
        }
    }
    indexed.sort_by_key(|(index, _)| *index);
    Ok(indexed.into_iter().map(|(_, embed)| embed).collect())
}

/// One embed and the index it came with.
fn embed(raw: &RawValue) -> Result<(Option<i64>, Embed), Reason> {
    let wire: Wire<'_> = field::object(raw)?;
    let inner = inner(wire.raw_json)?;
    let said = field::cut_text;
    let url = field::text("url", wire.url)?;
    let embed = Embed {
        kind: said("embed_type", wire.embed_type, KIND_CHARS_MAX)?
            .or_else(|| words(&inner, &["type"], KIND_CHARS_MAX)),
        title: said("title", wire.title, TITLE_CHARS_MAX)?
            .or_else(|| words(&inner, &["rawTitle", "title"], TITLE_CHARS_MAX)),
        description: said("description", wire.description, DESCRIPTION_CHARS_MAX)?.or_else(|| {
            words(
                &inner,
                &["rawDescription", "description"],
                DESCRIPTION_CHARS_MAX,
            )
        }),
        url: url
            .as_deref()
            .and_then(field::web_address)
            .map(str::to_owned)
            .or_else(|| address(&inner, "url")),
        ..shown(&inner)
    };
    Ok((field::integer(wire.embed_index), embed))
}

/// The object in `raw_json`, empty when there is none. The parser's own limit of depth ends hostile nesting here, inside this
/// one item.
fn inner(value: Value<'_>) -> Result<Map<String, Json>, Reason> {
    let Some(raw) = value else {
        return Ok(Map::new());
    };
    field::object(raw).map_err(|reason| format!("raw_json{reason}"))
}

/// Everything that only `raw_json` says.
fn shown(inner: &Map<String, Json>) -> Embed {
    let author = object(inner, "author");
    let footer =
        object(inner, "footer").and_then(|footer| words(footer, &["text"], FOOTER_CHARS_MAX));
    let fields = inner.get("fields").and_then(Json::as_array);
    Embed {
        color: inner.get("color").and_then(color),
        timestamp: inner
            .get("timestamp")
            .and_then(Json::as_str)
            .filter(|at| field::moment_ms(at).is_some())
            .map(str::to_owned),
        author_name: author.and_then(|author| words(author, &["name"], AUTHOR_CHARS_MAX)),
        author_url: author.and_then(|author| address(author, "url")),
        footer,
        image_url: inner
            .get("image")
            .and_then(picture)
            .or_else(|| first_picture(inner)),
        thumbnail_url: inner.get("thumbnail").and_then(picture),
        fields: fields
            .into_iter()
            .flatten()
            .filter_map(row)
            .take(FIELDS_MAX)
            .collect(),
        ..Embed::default()
    }
}

/// The object under `key`.
fn object<'a>(map: &'a Map<String, Json>, key: &str) -> Option<&'a Map<String, Json>> {
    map.get(key).and_then(Json::as_object)
}

/// The first of these keys that holds words. In the client's stores the plain key may hold a parsed tree, the raw one the text.
fn words(map: &Map<String, Json>, keys: &[&str], chars_max: usize) -> Option<String> {
    let said = keys
        .iter()
        .filter_map(|key| map.get(*key)?.as_str())
        .find(|text| !text.is_empty())?;
    Some(field::bounded(said, chars_max))
}

/// The web address under `key`.
fn address(map: &Map<String, Json>, key: &str) -> Option<String> {
    map.get(key)
        .and_then(Json::as_str)
        .and_then(field::web_address)
        .map(str::to_owned)
}

/// Where a picture can be fetched: from its own address, else through any spelling of the proxy's.
fn picture(value: &Json) -> Option<String> {
    match value {
        Json::String(url) => field::web_address(url).map(str::to_owned),
        Json::Object(map) => {
            address(map, "url").or_else(|| PROXY_SPELLINGS.iter().find_map(|key| address(map, key)))
        }
        _ => None,
    }
}

/// The client's stores gather several pictures of one address under `images`.
fn first_picture(inner: &Map<String, Json>) -> Option<String> {
    inner.get("images")?.as_array()?.iter().find_map(picture)
}

/// A row, unless it says nothing.
fn row(value: &Json) -> Option<EmbedField> {
    let map = value.as_object()?;
    let name = words(map, &["rawName", "name"], FIELD_NAME_CHARS_MAX).unwrap_or_default();
    let value = words(map, &["rawValue", "value"], FIELD_VALUE_CHARS_MAX).unwrap_or_default();
    let inline = map.get("inline").and_then(Json::as_bool).unwrap_or(false);
    (!name.is_empty() || !value.is_empty()).then_some(EmbedField {
        name,
        value,
        inline,
    })
}

/// 24-bit RGB from a number or `#rrggbb`; the client's `hsl(…)` has no exact counterpart and is left out.
fn color(value: &Json) -> Option<u32> {
    let number = match value {
        Json::Number(number) => u32::try_from(number.as_u64()?).ok()?,
        Json::String(text) => {
            let digits = text.strip_prefix('#').filter(|digits| {
                digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_hexdigit())
            })?;
            u32::from_str_radix(digits, 16).ok()?
        }
        _ => return None,
    };
    (number <= 0x00FF_FFFF).then_some(number)
}

#[cfg(test)]
mod tests;
