//! Tables of what a message request may contain.

use serde_json::json;

use super::*;

fn text(chars: usize) -> String {
    "é".repeat(chars)
}

fn embed_of(description_chars: usize) -> Value {
    json!({ "description": text(description_chars) })
}

#[test]
fn limits_are_inclusive_and_count_code_points() {
    let fields =
        |count: usize| json!([{ "fields": vec![json!({ "name": "n", "value": "v" }); count] }]);
    let cases = [
        (json!({ "content": text(2_000) }), None),
        (json!({ "content": text(2_001) }), Some("/content")),
        (json!({ "content": format!("  {}\n", text(2_000)) }), None),
        (json!({ "content": 5 }), Some("/content")),
        (json!({ "nonce": text(25) }), None),
        (json!({ "nonce": text(26) }), Some("/nonce")),
        (json!({ "nonce": 5 }), None),
        (json!({ "embeds": vec![embed_of(1); 10] }), None),
        (json!({ "embeds": vec![embed_of(1); 11] }), Some("/embeds")),
        (json!({ "embeds": [embed_of(4_096)] }), None),
        (
            json!({ "embeds": [embed_of(4_097)] }),
            Some("/embeds/0/description"),
        ),
        (
            json!({ "embeds": [embed_of(3_000), embed_of(3_000)] }),
            None,
        ),
        (
            json!({ "embeds": [embed_of(3_000), embed_of(3_001)] }),
            Some("/embeds"),
        ),
        (json!({ "embeds": [{ "title": text(256) }] }), None),
        (
            json!({ "embeds": [{ "title": text(257) }] }),
            Some("/embeds/0/title"),
        ),
        (
            json!({ "embeds": [{ "footer": { "text": text(2_048) } }] }),
            None,
        ),
        (
            json!({ "embeds": [{ "footer": { "text": text(2_049) } }] }),
            Some("/embeds/0/footer/text"),
        ),
        (
            json!({ "embeds": [{ "author": { "name": text(257) } }] }),
            Some("/embeds/0/author/name"),
        ),
        (json!({ "embeds": fields(25) }), None),
        (json!({ "embeds": fields(26) }), Some("/embeds/0/fields")),
        (
            json!({ "embeds": [{ "fields": [{ "name": text(257), "value": "v" }] }] }),
            Some("/embeds/0/fields/0/name"),
        ),
        (
            json!({ "embeds": [{ "fields": [{ "name": "n", "value": text(1_025) }] }] }),
            Some("/embeds/0/fields/0/value"),
        ),
        (
            json!({ "embeds": [{ "fields": [{ "name": "n" }] }] }),
            Some("/embeds/0/fields/0/value"),
        ),
        (
            json!({ "embeds": [{ "image": { "url": "attachment://a.png" } }] }),
            None,
        ),
        (
            json!({ "embeds": [{ "url": "ftp://a" }] }),
            Some("/embeds/0/url"),
        ),
        (json!({ "embeds": "none" }), Some("/embeds")),
        (json!({ "embeds": ["none"] }), Some("/embeds/0")),
        (
            json!({ "attachments": [{ "filename": "a" }] }),
            Some("/attachments/0/id"),
        ),
        (
            json!({ "allowed_mentions": { "parse": ["users", "everyone", "roles"] } }),
            None,
        ),
        (
            json!({ "allowed_mentions": { "parse": ["nobody"] } }),
            Some("/allowed_mentions/parse/0"),
        ),
        (
            json!({ "allowed_mentions": { "parse": ["users"], "users": ["1"] } }),
            Some("/allowed_mentions"),
        ),
        (
            json!({ "allowed_mentions": { "parse": ["users"], "roles": ["1"] } }),
            None,
        ),
        (
            json!({ "allowed_mentions": { "users": vec!["1"; 101] } }),
            Some("/allowed_mentions/users"),
        ),
        (
            json!({ "message_reference": {} }),
            Some("/message_reference/message_id"),
        ),
        (json!([]), Some("")),
        (json!({}), None),
    ];
    for (body, expected) in cases {
        let shown: String = body.to_string().chars().take(80).collect();
        match (read(&body), expected) {
            (Ok(_), None) => {}
            (Err(tree), Some(path)) => {
                assert!(
                    tree.pointer(&format!("{path}/_errors/0/code")).is_some(),
                    "{shown}: {tree}"
                );
            }
            (got, _) => panic!("{shown}: expected {expected:?}, got {got:?}"),
        }
    }
}

#[test]
fn absent_and_null_are_told_apart() {
    let absent = read(&json!({})).unwrap();
    assert_eq!((absent.content, absent.embeds), (None, None));
    let null = read(&json!({ "content": null, "embeds": null, "allowed_mentions": null })).unwrap();
    assert_eq!(
        (null.content, null.embeds),
        (Some(String::new()), Some(Vec::new()))
    );
    assert_eq!(null.allowed_mentions, None);
}

#[test]
fn embeds_get_what_discord_adds() {
    let body = json!({ "embeds": [{ "title": "t", "fields": [{ "name": "n", "value": "v" }] }] });
    let embeds = read(&body).unwrap().embeds.unwrap();
    assert_eq!(embeds[0]["type"], "rich");
    assert_eq!(embeds[0]["fields"][0]["inline"], false);
}
