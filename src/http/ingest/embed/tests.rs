//! Embeds in both spellings, and what is left of nonsense.

#![allow(clippy::unwrap_used)]

use super::*;
use serde_json::json;

fn read(embeds_json: &Json) -> Result<Vec<Embed>, Reason> {
    let text = embeds_json.to_string();
    embeds("embeds", Some(serde_json::from_str(&text).unwrap()))
}

fn one(raw_json: &Json) -> Embed {
    let mut all = read(&json!([{"embed_index": 0, "raw_json": raw_json}])).unwrap();
    all.pop().unwrap_or_default()
}

#[test]
fn both_spellings_read_the_same() {
    let api = one(&json!({
        "type": "rich", "title": "BTC long", "description": "**entry** 1", "url": "https://e.x/1", "color": 0x00FF_8800,
        "timestamp": "2026-11-21T10:00:00.000000+00:00", "author": {"name": "desk", "url": "https://e.x/d"},
        "footer": {"text": "not advice"}, "image": {"url": "https://e.x/c.png", "proxy_url": "https://p.x/c.png"},
        "thumbnail": {"proxy_url": "https://p.x/t.png"}, "fields": [{"name": "TP", "value": "2", "inline": true}],
    }));
    let store = one(&json!({
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
            one(&json!({"type": "image", "image": value}))
                .image_url
                .as_deref(),
            expected,
            "{value}"
        );
        assert_eq!(
            one(&json!({"type": "image", "thumbnail": value}))
                .thumbnail_url
                .as_deref(),
            expected,
            "{value}"
        );
    }
    assert_eq!(
        one(&json!({"images": [{"url": "x"}, {"url": own}]}))
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
            &json!({"title": "t", "color": color, "timestamp": "later", "author": "x", "footer": [], "image": 1, "fields": [1, {}, {"name": 2}]}),
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
        &json!({"type": long, "title": long, "description": long, "footer": {"text": long}, "author": {"name": long}, "fields": vec![field; 40]}),
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
