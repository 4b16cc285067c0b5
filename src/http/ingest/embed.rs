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
    for (at, raw) in field::list(name, value, EMBEDS_MAX)?
        .into_iter()
        .enumerate()
    {
        let place = format!("{name}[{at}]");
        let at = i64::try_from(at).unwrap_or(i64::MAX);
        let (index, embed) = embed(&place, raw)?;
        if embed != Embed::default() {
            indexed.push((index.unwrap_or(at), embed));
        }
    }
    indexed.sort_by_key(|(index, _)| *index);
    Ok(indexed.into_iter().map(|(_, embed)| embed).collect())
}

/// One embed and the index it came with.
fn embed(place: &str, raw: &RawValue) -> Result<(Option<i64>, Embed), Reason> {
    if !field::is_object(raw) {
        return Err(field::unexpected(place, "an object", raw));
    }
    let wire: Wire<'_> =
        serde_json::from_str(raw.get()).map_err(|error| format!("{place}: {error}"))?;
    let said = |name: &str, value, chars_max| {
        field::cut_text(&format!("{place}.{name}"), value, chars_max)
    };
    let inner = inner(place, wire.raw_json)?;
    let url = field::text(&format!("{place}.url"), wire.url)?;
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

/// The object in `raw_json`, empty when there is none.
fn inner(place: &str, value: Value<'_>) -> Result<Map<String, Json>, Reason> {
    let Some(raw) = value else {
        return Ok(Map::new());
    };
    if !field::is_object(raw) {
        return Err(field::unexpected(
            &format!("{place}.raw_json"),
            "an object",
            raw,
        ));
    }
    // The parser's own limit of depth ends hostile nesting here, inside this one item.
    serde_json::from_str(raw.get()).map_err(|error| format!("{place}.raw_json: {error}"))
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
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    fn read(embeds_json: &Json) -> Result<Vec<Embed>, Reason> {
        let text = embeds_json.to_string();
        embeds("embeds", Some(serde_json::from_str(&text).unwrap()))
    }

    fn one(raw_json: Json) -> Embed {
        let mut all = read(&json!([{"embed_index": 0, "raw_json": raw_json}])).unwrap();
        all.pop().unwrap_or_default()
    }

    #[test]
    fn both_spellings_read_the_same() {
        let api = one(json!({
            "type": "rich", "title": "BTC long", "description": "**entry** 1", "url": "https://e.x/1", "color": 0x00FF_8800,
            "timestamp": "2026-11-21T10:00:00.000000+00:00", "author": {"name": "desk", "url": "https://e.x/d"},
            "footer": {"text": "not advice"}, "image": {"url": "https://e.x/c.png", "proxy_url": "https://p.x/c.png"},
            "thumbnail": {"proxy_url": "https://p.x/t.png"}, "fields": [{"name": "TP", "value": "2", "inline": true}],
        }));
        let store = one(json!({
            "type": "rich", "rawTitle": "BTC long", "title": [{"type": "text"}], "rawDescription": "**entry** 1", "description": ["x"],
            "url": "https://e.x/1", "color": "#ff8800", "timestamp": "2026-11-21T10:00:00.000000+00:00",
            "author": {"name": "desk", "url": "https://e.x/d"}, "footer": {"text": "not advice"},
            "image": {"url": "https://e.x/c.png", "proxyURL": "https://p.x/c.png"}, "thumbnail": {"proxyUrl": "https://p.x/t.png"},
            "fields": [{"rawName": "TP", "rawValue": "2", "inline": true, "name": {}}],
        }));
        assert_eq!(api, store);
        let expected = Embed {
            kind: Some("rich".into()),
            title: Some("BTC long".into()),
            description: Some("**entry** 1".into()),
            url: Some("https://e.x/1".into()),
            color: Some(0x00FF_8800),
            timestamp: Some("2026-11-21T10:00:00.000000+00:00".into()),
            author_name: Some("desk".into()),
            author_url: Some("https://e.x/d".into()),
            footer: Some("not advice".into()),
            image_url: Some("https://e.x/c.png".into()),
            thumbnail_url: Some("https://p.x/t.png".into()),
            fields: vec![EmbedField {
                name: "TP".into(),
                value: "2".into(),
                inline: true,
            }],
        };
        assert_eq!(api, expected);
    }

    #[test]
    fn a_picture_is_found_under_every_spelling() {
        let (own, proxy) = ("https://e.x/a.png", "https://p.x/a.png");
        let table = [
            (json!({"url": own, "proxy_url": proxy}), Some(own)),
            (
                json!({"url": "attachment://a.png", "proxy_url": proxy}),
                Some(proxy),
            ),
            (json!({"url": "", "proxyURL": proxy}), Some(proxy)),
            (json!({"url": null, "proxyUrl": proxy}), Some(proxy)),
            (
                json!({"proxyURL": "javascript:alert(1)", "proxyUrl": proxy}),
                Some(proxy),
            ),
            (json!(own), Some(own)),
            (json!({"url": "javascript:alert(1)"}), None),
            (json!({"url": 5}), None),
            (json!([own]), None),
        ];
        for (value, expected) in table {
            assert_eq!(
                one(json!({"type": "image", "image": value}))
                    .image_url
                    .as_deref(),
                expected,
                "{value}"
            );
            assert_eq!(
                one(json!({"type": "image", "thumbnail": value}))
                    .thumbnail_url
                    .as_deref(),
                expected,
                "{value}"
            );
        }
        assert_eq!(
            one(json!({"images": [{"url": "x"}, {"url": own}]}))
                .image_url
                .as_deref(),
            Some(own)
        );
    }

    #[test]
    fn what_the_contract_says_outranks_what_stands_inside() {
        let all = read(&json!([
            {"embed_index": 0, "embed_type": "link", "title": "outer", "description": "", "url": "ftp://x", "raw_json": {"type": "rich", "title": "inner", "description": "inner", "url": "https://in/"}},
        ]));
        let expected = Embed {
            kind: Some("link".into()),
            title: Some("outer".into()),
            description: Some("inner".into()),
            url: Some("https://in/".into()),
            ..Embed::default()
        };
        assert_eq!(all.unwrap(), vec![expected]);
    }

    #[test]
    fn order_is_that_of_the_index() {
        let all = read(&json!([
            {"embed_index": 2, "title": "c"}, null, {"embed_index": 0, "title": "a"}, {"embed_index": 1, "title": "b", "raw_json": null}, {"raw_json": {}},
        ]));
        let titles: Vec<_> = all
            .unwrap()
            .into_iter()
            .map(|embed| embed.title.unwrap())
            .collect();
        assert_eq!(titles, ["a", "b", "c"]);
    }

    #[test]
    fn nonsense_inside_is_left_out() {
        let table = [
            json!(-1),
            json!(16_777_216),
            json!(1.5),
            json!("hsl(210, 50%, 40%)"),
            json!("#fff"),
            json!("#+fffff"),
            json!(null),
            json!([]),
        ];
        for color in table {
            let embed = one(
                json!({"title": "t", "color": color, "timestamp": "later", "author": "x", "footer": [], "image": 1, "fields": [1, {}, {"name": 2}]}),
            );
            assert_eq!(
                embed,
                Embed {
                    title: Some("t".into()),
                    ..Embed::default()
                },
                "{color}"
            );
        }
    }

    #[test]
    fn everything_is_bounded() {
        let long = "é".repeat(20_000);
        let field = json!({"name": long, "value": long});
        let embed = one(
            json!({"type": long, "title": long, "description": long, "footer": {"text": long}, "author": {"name": long}, "fields": vec![field; 40]}),
        );
        let chars = |text: &Option<String>| text.as_ref().unwrap().chars().count();
        assert_eq!(chars(&embed.title), TITLE_CHARS_MAX);
        assert_eq!(chars(&embed.description), DESCRIPTION_CHARS_MAX);
        assert_eq!(chars(&embed.footer), FOOTER_CHARS_MAX);
        assert_eq!(chars(&embed.author_name), AUTHOR_CHARS_MAX);
        assert_eq!(chars(&embed.kind), KIND_CHARS_MAX);
        assert_eq!(embed.fields.len(), FIELDS_MAX);
        assert_eq!(embed.fields[0].value.chars().count(), FIELD_VALUE_CHARS_MAX);
        assert_eq!(
            read(&json!(vec![json!({}); 26])).unwrap_err(),
            "embeds: 26 entries, at most 25"
        );
    }

    #[test]
    fn what_is_wrong_is_named() {
        let table = [
            (json!([5]), "embeds[0]: expected an object, got a number"),
            (
                json!([{}, {"title": 5}]),
                "embeds[1].title: expected a string, got a number",
            ),
            (
                json!([{"raw_json": "{}"}]),
                "embeds[0].raw_json: expected an object, got a string",
            ),
            (json!({}), "embeds: expected an array, got an object"),
        ];
        for (embeds_json, reason) in table {
            assert_eq!(read(&embeds_json).unwrap_err(), reason);
        }
    }
}
