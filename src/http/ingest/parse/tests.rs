//! Every trap of the contract as a row of a table, and the promise that no bytes make the reader panic or cost a neighbour.

#![allow(clippy::unwrap_used)]

use super::{
    super::item::{MENTIONS_MAX, TEXT_BYTES_MAX},
    *,
};
use heliograph_actors::observation::Event;
use heliograph_schema::signal::{Attachment, Author, Embed, Mentions, Text};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

/// 2026-11-21T10:00:00Z.
const NOW_MS: i64 = 1_795_255_200_000;
const LIMITS: BatchLimits = BatchLimits { items_max: 100 };

fn message() -> Json {
    json!({
        "idempotency_key": "t:c:message:1300000000000000001:create", "event_type": "create",
        "discord_message_id": "1300000000000000001", "discord_guild_id": "900", "discord_channel_id": "910", "discord_thread_id": null,
        "discord_author_id": "77", "author_username": "ada", "author_global_name": "Ada",
        "content_raw": "<@5> BTC", "content_clean": "@bob BTC", "created_at": "2026-11-21T09:59:59.000Z", "edited_at": null, "deleted_at": null,
        "attachments": [{"discord_attachment_id": "31", "filename": "../chart.png", "source_url": "https://cdn.x/chart.png?ex=1", "size": 12, "content_type": "image/png"}],
        "embeds": [{"embed_index": 0, "embed_type": "rich", "title": "T", "description": null, "url": null, "raw_json": {"color": 255}}],
        "mentioned_role_ids": ["41"], "mentioned_user_ids": ["5"],
    })
}

/// The message with some of its fields set to other values; `null` in the table means JSON's null.
fn with(changes: &Json) -> Json {
    let mut message = message();
    for (key, value) in changes.as_object().unwrap() {
        message[key] = value.clone();
    }
    message
}

fn body(messages: &[Json]) -> Vec<u8> {
    batch_of(&messages.iter().map(Json::to_string).collect::<Vec<_>>())
}

fn batch_of(items: &[String]) -> Vec<u8> {
    format!(
        r#"{{"tenant_key":"t","connector_id":"c","sent_at":"x","batch_id":"b1","messages":[{}]}}"#,
        items.join(",")
    )
    .into_bytes()
}

fn parse(body: &[u8]) -> ParsedBatch {
    parse_batch(body, &LIMITS, NOW_MS).unwrap()
}

/// The one item read, or why not.
fn item(json: &str) -> Result<Observation, String> {
    let mut batch = parse(&batch_of(&[json.to_owned()]));
    assert_eq!(batch.items, 1);
    assert_eq!(batch.observations.len() + batch.rejected.len(), 1);
    batch
        .observations
        .pop()
        .ok_or_else(|| batch.rejected.remove(0).reason)
}

fn changed(changes: &Json) -> Result<Observation, String> {
    item(&with(changes).to_string())
}

fn expected() -> Observation {
    Observation {
        index: 0,
        signal_id: "1300000000000000001".parse().unwrap(),
        channel_id: "910".parse().unwrap(),
        guild_id: "900".parse().unwrap(),
        reply_to: None,
        thread_id: None,
        event: Event::Create,
        stamp_ms: 0,
        deleted_at_ms: None,
        author: Some(Author {
            user_id: "77".parse().unwrap(),
            username: Some("ada".into()),
            global_name: Some("Ada".into()),
            avatar_url: None,
        }),
        text: Text {
            raw: "<@5> BTC".into(),
            clean: "@bob BTC".into(),
        },
        embeds: vec![Embed {
            kind: Some("rich".into()),
            title: Some("T".into()),
            color: Some(255),
            ..Embed::default()
        }],
        attachments: vec![Attachment {
            attachment_id: "31".parse().unwrap(),
            filename: "../chart.png".into(),
            url: "https://cdn.x/chart.png?ex=1".into(),
            size: 12,
            content_type: Some("image/png".into()),
        }],
        mentions: Mentions {
            roles: vec!["41".parse().unwrap()],
            users: vec!["5".parse().unwrap()],
        },
    }
}

#[test]
fn a_full_message_reads_in_full() {
    let batch = parse(&body(&[message()]));
    assert_eq!(
        (
            batch.tenant_key.as_str(),
            batch.connector_id.as_str(),
            batch.batch_id.as_deref()
        ),
        ("t", "c", Some("b1"))
    );
    assert_eq!(batch.observations, vec![expected()]);
    assert_eq!(batch.rejected, vec![]);
}

#[test]
fn only_ids_and_event_are_needed() {
    let least = json!({"event_type": "update", "discord_message_id": "1300000000000000001", "discord_guild_id": "900", "discord_channel_id": "910"});
    let empty = Observation {
        event: Event::Update,
        author: None,
        text: Text::default(),
        embeds: vec![],
        attachments: vec![],
        mentions: Mentions::default(),
        ..expected()
    };
    assert_eq!(item(&least.to_string()).unwrap(), empty);
    let mut nulls = message();
    for (key, value) in nulls.as_object_mut().unwrap() {
        if least.get(key).is_none() {
            *value = Json::Null;
        }
    }
    nulls["event_type"] = json!("update");
    assert_eq!(item(&nulls.to_string()).unwrap(), empty);
}

#[test]
fn what_is_tolerated() {
    let table = [
        (json!({"discord_thread_id": "910"}), expected()),
        (json!({"discord_thread_id": ""}), expected()),
        (
            json!({"discord_thread_id": "911"}),
            Observation {
                reply_to: None,
                thread_id: Some("911".parse().unwrap()),
                ..expected()
            },
        ),
        (
            json!({"created_at": 5, "idempotency_key": [], "whatever": {"deep": [1e300]}}),
            expected(),
        ),
        (json!({"edited_at": ""}), expected()),
        (
            json!({"edited_at": "2026-11-21T09:59:59.250Z"}),
            Observation {
                stamp_ms: NOW_MS - 750,
                ..expected()
            },
        ),
        (
            json!({"edited_at": "2026-11-21T11:59:59.250999+02:00"}),
            Observation {
                stamp_ms: NOW_MS - 750,
                ..expected()
            },
        ),
        (
            json!({"event_type": "update"}),
            Observation {
                event: Event::Update,
                ..expected()
            },
        ),
        (
            json!({"discord_author_id": ""}),
            Observation {
                author: None,
                ..expected()
            },
        ),
        (json!({"deleted_at": 7}), expected()),
        (
            json!({"content_clean": ""}),
            Observation {
                text: Text {
                    raw: "<@5> BTC".into(),
                    clean: "<@5> BTC".into(),
                },
                ..expected()
            },
        ),
        (
            json!({"content_raw": null}),
            Observation {
                text: Text {
                    raw: "@bob BTC".into(),
                    clean: "@bob BTC".into(),
                },
                ..expected()
            },
        ),
        (
            json!({"content_raw": "a\u{0}b", "content_clean": "\u{202E}e\u{301}"}),
            Observation {
                text: Text {
                    raw: "a\u{FFFD}b".into(),
                    clean: "\u{202E}e\u{301}".into(),
                },
                ..expected()
            },
        ),
    ];
    for (changes, expected) in table {
        assert_eq!(changed(&changes), Ok(expected), "{changes}");
    }
    for size in [
        json!(-4),
        json!(1.5),
        json!("many"),
        Json::Null,
        json!(1e30),
    ] {
        let attachment =
            json!({"discord_attachment_id": "31", "source_url": "http://c/x", "size": size});
        assert_eq!(
            changed(&json!({"attachments": [attachment]}))
                .unwrap()
                .attachments[0]
                .size,
            0,
            "{size}"
        );
    }
}

#[test]
fn what_is_rejected_names_its_field() {
    let not_id = "not a snowflake: expected a decimal string between 1 and 2^63-1";
    let long = "x".repeat(TEXT_BYTES_MAX + 1);
    let attachment = |changes: Json| {
        let mut attachment = message()["attachments"][0].clone();
        for (key, value) in changes.as_object().unwrap() {
            attachment[key] = value.clone();
        }
        json!({"attachments": [attachment]})
    };
    let table = [
        (
            json!({"discord_message_id": "9223372036854775808"}),
            format!("discord_message_id: {not_id}"),
        ),
        (
            json!({"discord_message_id": "9223372036854775807"}),
            "discord_message_id: made more than a day ahead of our clock".into(),
        ),
        (
            json!({"discord_message_id": "18446744073709551616"}),
            format!("discord_message_id: {not_id}"),
        ),
        (
            json!({"discord_message_id": 9_007_199_254_740_993_i64}),
            "discord_message_id: expected a string, got a number".into(),
        ),
        (
            json!({"discord_message_id": null}),
            "discord_message_id: missing".into(),
        ),
        (
            json!({"discord_message_id": ""}),
            "discord_message_id: missing".into(),
        ),
        (
            json!({"discord_channel_id": "0"}),
            format!("discord_channel_id: {not_id}"),
        ),
        (
            json!({"discord_guild_id": "@me"}),
            format!("discord_guild_id: {not_id}"),
        ),
        (
            json!({"discord_thread_id": "-1"}),
            format!("discord_thread_id: {not_id}"),
        ),
        (
            json!({"discord_author_id": {}}),
            "discord_author_id: expected a string, got an object".into(),
        ),
        (
            json!({"author_username": true}),
            "author_username: expected a string, got a boolean".into(),
        ),
        (
            json!({"event_type": "bulk"}),
            "event_type: expected create, update or delete, got bulk".into(),
        ),
        (json!({"event_type": null}), "event_type: missing".into()),
        (
            json!({"content_raw": 5}),
            "content_raw: expected a string, got a number".into(),
        ),
        (
            json!({"content_raw": long}),
            "content_raw: 65537 bytes, at most 65536".into(),
        ),
        (
            json!({"content_clean": long}),
            "content_clean: 65537 bytes, at most 65536".into(),
        ),
        (
            json!({"edited_at": "9999-12-31T23:59:59Z"}),
            "edited_at: more than a day ahead of our clock".into(),
        ),
        (
            json!({"edited_at": "2026-11-22T10:00:00.001Z"}),
            "edited_at: more than a day ahead of our clock".into(),
        ),
        (
            json!({"edited_at": "just now"}),
            "edited_at: expected an ISO-8601 time".into(),
        ),
        (
            json!({"edited_at": 5}),
            "edited_at: expected a string, got a number".into(),
        ),
        (
            json!({"attachments": {}}),
            "attachments: expected an array, got an object".into(),
        ),
        (
            json!({"attachments": vec![Json::Null; 51]}),
            "attachments: 51 entries, at most 50".into(),
        ),
        (
            json!({"attachments": ["x"]}),
            "attachments[0]: expected an object, got a string".into(),
        ),
        (
            attachment(json!({"discord_attachment_id": null})),
            "attachments[0].discord_attachment_id: missing".into(),
        ),
        (
            json!({"embeds": [{"title": []}]}),
            "embeds[0].title: expected a string, got an array".into(),
        ),
    ];
    for (changes, reason) in table {
        assert_eq!(changed(&changes), Err(reason));
    }
}

#[test]
fn a_file_that_nobody_could_open_is_left_out() {
    let whole = message()["attachments"][0].clone();
    for url in [
        Json::Null,
        json!(7),
        json!(""),
        json!("file:///etc/passwd"),
        json!("javascript:alert(1)"),
        json!("https:///x"),
    ] {
        let mut odd = whole.clone();
        odd["source_url"] = url;
        let read = changed(&json!({"attachments": [odd, whole]}));
        assert_eq!(read, Ok(expected()), "{odd}");
    }
}

#[test]
fn mentions_that_are_none_are_left_out() {
    let users = |ids: &[&str]| ids.iter().map(|id| id.parse().unwrap()).collect::<Vec<_>>();
    let table = [
        (
            json!(["1", "x", null, 7, ["2"], "", "0", "3"]),
            users(&["1", "3"]),
        ),
        (json!(vec!["1"; 501]), users(&["1"; MENTIONS_MAX])),
        (json!({}), vec![]),
        (json!("1"), vec![]),
        (Json::Null, vec![]),
    ];
    for (said, users) in table {
        let mentions = changed(&json!({"mentioned_user_ids": said, "mentioned_role_ids": "x"}))
            .unwrap()
            .mentions;
        let expected = Mentions {
            roles: vec![],
            users,
        };
        assert_eq!(mentions, expected, "{said}");
    }
}

#[test]
fn a_delete_says_only_when_and_where() {
    let deleted = |at_ms| Observation {
        event: Event::Delete,
        deleted_at_ms: Some(at_ms),
        author: None,
        text: Text::default(),
        embeds: vec![],
        attachments: vec![],
        mentions: Mentions::default(),
        ..expected()
    };
    let table = [
        (json!({}), NOW_MS),
        (
            json!({"deleted_at": "2026-11-21T09:00:00Z"}),
            NOW_MS - 3_600_000,
        ),
        (json!({"deleted_at": "9999-01-01T00:00:00Z"}), NOW_MS),
        (json!({"deleted_at": []}), NOW_MS),
        (
            json!({"edited_at": "never", "content_raw": 5, "embeds": 7, "attachments": [1], "discord_author_id": "x", "mentioned_user_ids": 1}),
            NOW_MS,
        ),
    ];
    for (changes, at_ms) in table {
        let mut message = with(&changes);
        message["event_type"] = json!("delete");
        assert_eq!(item(&message.to_string()), Ok(deleted(at_ms)), "{changes}");
    }
}

#[test]
fn lone_surrogates_and_nul_are_repaired_not_rejected() {
    let table = [
        (r"\ud800", "\u{FFFD}"),
        (r"a\udc00b", "a\u{FFFD}b"),
        (r"\ud83d\ude00", "😀"),
        (r"\ud83d\ud83d\ude00", "\u{FFFD}😀"),
        (r"\u0000", "\u{FFFD}"),
        (r"\\ud800", r"\ud800"),
        ("\0", "\u{FFFD}"),
    ];
    for (escaped, text) in table {
        let json = message().to_string().replace("@bob BTC", escaped);
        assert_eq!(item(&json).unwrap().text.clean, text, "{escaped}");
    }
    let mut body = body(&[message(), message()]);
    let at = body.windows(4).position(|four| four == b"@bob").unwrap();
    body[at] = 0xFF;
    assert_eq!(parse(&body).observations[0].text.clean, "\u{FFFD}bob BTC");
}

#[test]
fn bad_forms_of_an_item_cost_only_that_item() {
    let deep = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
    let valid = message().to_string();
    let twice = valid.replacen('{', r#"{"content_raw":"x","#, 1);
    let table = [
        ("null".to_owned(), "a message must be an object"),
        (
            "[\"k\",\"create\",\"1\",\"2\",\"3\"]".to_owned(),
            "a message must be an object",
        ),
        (twice, "duplicate field `content_raw`"),
        (
            valid.replace(r#"{"color":255}"#, &format!(r#"{{"x":{}}}"#, deep(100_000))),
            "embeds[0].raw_json: recursion limit exceeded",
        ),
        (
            valid.replace(r#""<@5> BTC""#, &deep(100_000)),
            "content_raw: expected a string, got an array",
        ),
        (
            valid.replace("255", "1e999"),
            "embeds[0].raw_json: number out of range",
        ),
    ];
    for (bad, reason) in table {
        let batch = parse(&batch_of(&[valid.clone(), bad.clone(), valid.clone()]));
        assert_eq!(
            batch
                .observations
                .iter()
                .map(|o| o.index)
                .collect::<Vec<_>>(),
            [0, 2],
            "{reason}"
        );
        let rejected = &batch.rejected[0];
        assert!(
            rejected.reason.starts_with(reason),
            "{} is not {reason}",
            rejected.reason
        );
        assert_eq!((rejected.index, &rejected.body), (1, &bad.into_bytes()));
    }
    // Nothing reads into a field that is not ours, so its depth harms nobody.
    assert_eq!(
        item(&valid.replacen('{', &format!(r#"{{"extra":{},"#, deep(100_000)), 1)),
        Ok(expected())
    );
}

#[test]
fn an_item_is_found_again_by_its_index() {
    let batch = batch_of(&["{\"a\": 1}".to_owned(), " [2]".to_owned()]);
    assert_eq!(item_body(&batch, 0).unwrap(), b"{\"a\": 1}");
    assert_eq!(item_body(&batch, 1).unwrap(), b"[2]");
    assert_eq!((item_body(&batch, 2), item_body(b"{", 0)), (None, None));
}

#[test]
fn only_a_body_that_is_no_batch_is_refused() {
    let of = |text: &str| parse_batch(text.as_bytes(), &LIMITS, NOW_MS);
    for bad in [
        "",
        "{",
        "nope",
        r#"{"tenant_key":"t","messages":[{]}"#,
        r#"{"tenant_key":"\uZZZZ"}"#,
    ] {
        assert!(
            matches!(of(bad), Err(BatchError::InvalidJson(_))),
            "{bad}: {:?}",
            of(bad)
        );
    }
    let no_batch = [
        "{}",
        "[]",
        "5",
        r#"["t","c","b",[]]"#,
        r#"{"tenant_key":"t","connector_id":"c"}"#,
        r#"{"tenant_key":"t","connector_id":"c","messages":null}"#,
        r#"{"tenant_key":"t","connector_id":"c","messages":{}}"#,
        r#"{"tenant_key":5,"connector_id":"c","messages":[]}"#,
        r#"{"tenant_key":"t","messages":[]}"#,
        r#"{"tenant_key":"t","tenant_key":"u","connector_id":"c","messages":[]}"#,
    ];
    for bad in no_batch {
        assert!(
            matches!(of(bad), Err(BatchError::InvalidBatch(_))),
            "{bad}: {:?}",
            of(bad)
        );
    }
    for good in [
        r#"{"tenant_key":"t","connector_id":"c","messages":[]}"#,
        "\u{FEFF} {\"connector_id\":\"c\",\"x\":[[1]],\"batch_id\":7,\"sent_at\":1,\"tenant_key\":\"t\",\"messages\":[]}\n",
    ] {
        assert_eq!(of(good).unwrap().items, 0, "{good}");
    }
}

#[test]
fn too_many_items_are_counted_and_refused() {
    let refused = |items, limits: &BatchLimits| {
        parse_batch(&batch_of(&vec!["0".to_owned(); items]), limits, NOW_MS).unwrap_err()
    };
    assert_eq!(
        refused(101, &LIMITS),
        BatchError::TooLarge {
            items: 101,
            items_max: 100
        }
    );
    let lavish = BatchLimits {
        items_max: usize::MAX,
    };
    assert_eq!(
        refused(25_000, &lavish),
        BatchError::TooLarge {
            items: 25_000,
            items_max: ITEMS_KEPT_MAX
        }
    );
    assert_eq!(
        parse(&batch_of(&vec!["0".to_owned(); 100])).rejected.len(),
        100
    );
}

fn any_json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        ".{0,12}".prop_map(Json::from),
        "[0-9]{1,22}".prop_map(Json::from),
        Just(json!("https://x/y")),
        Just(json!("2026-11-21T10:00:00Z")),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let key = prop_oneof![
            "url",
            "title",
            "rawTitle",
            "image",
            "fields",
            "color",
            "raw_json",
            "embed_index",
            "source_url",
            "discord_attachment_id",
            ".{0,4}"
        ];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
            proptest::collection::hash_map(key, inner, 0..4)
                .prop_map(|map| Json::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse_batch(&bytes, &LIMITS, NOW_MS);
    }

    #[test]
    fn a_mutated_batch_never_panics(cuts in proptest::collection::vec((any::<prop::sample::Index>(), 0usize..6, proptest::collection::vec(any::<u8>(), 0..6)), 1..6)) {
        let mut bytes = body(&[message(), message()]);
        for (at, remove, insert) in cuts {
            let at = at.index(bytes.len() + 1);
            let end = (at + remove).min(bytes.len());
            bytes.splice(at..end, insert);
        }
        if let Ok(batch) = parse_batch(&bytes, &LIMITS, NOW_MS) {
            prop_assert_eq!(batch.observations.len() + batch.rejected.len(), batch.items);
        }
    }

    /// Whatever stands in any field of one item, its neighbours are read as if it were not there.
    #[test]
    fn any_value_in_any_field_leaves_the_neighbours_alone(field in any::<prop::sample::Index>(), value in any_json()) {
        let mut odd = message();
        let keys: Vec<String> = odd.as_object().unwrap().keys().cloned().collect();
        odd[field.get(&keys)] = value;
        let batch = parse(&body(&[message(), odd, message()]));
        prop_assert_eq!(batch.observations.len() + batch.rejected.len(), 3);
        let neighbours: Vec<_> = batch.observations.iter().filter(|o| o.index != 1).cloned().collect();
        prop_assert_eq!(neighbours, vec![expected(), Observation { index: 2, ..expected() }]);
    }
}
