//! Items that no good connector sends, each between two good ones: the bad one is repaired or quarantined with its reason, its
//! neighbours are kept, nothing panics.

use serde_json::{Value, json};

use crate::{
    harness::{Desk, counts, json_of, log_of, restarts},
    said::{create, embed, file, signal_id, with},
};

/// What must become of an item.
enum Fate {
    /// Quarantined, with these words in the reason.
    Rejected(&'static str),
    /// Taken, and this is its text.
    Reads(&'static str),
}
use Fate::{Reads, Rejected};

/// Pushes the raw JSON of an item between two good ones and checks what becomes of the three.
fn check(desk: &Desk, channel: u64, name: &str, signal: u64, item: &str, fate: &Fate) {
    let neighbours = [
        create(channel, signal_id(), "before"),
        create(channel, signal_id(), "after"),
    ];
    let marker = json!("the item");
    let body = desk
        .batch(&[neighbours[0].clone(), marker.clone(), neighbours[1].clone()])
        .to_string();
    let response = desk.post_bytes(
        "/ingest/message-batch",
        body.replace(&marker.to_string(), item).as_bytes(),
    );
    assert_eq!(response.status, 200, "{name}: {}", response.text());
    let answer = json_of(&response);
    match fate {
        Rejected(words) => {
            assert_eq!(counts(&answer), [2, 0, 0, 0, 1], "{name}: {answer}");
            let rejected = &answer["rejected"][0];
            assert_eq!(rejected["index"], 1, "{name}");
            assert!(
                rejected["reason"].as_str().unwrap().contains(words),
                "{name}: {rejected}"
            );
            let kept = &desk.quarantined()[0];
            assert_eq!(
                (&kept["reason"], &kept["item_index"]),
                (&rejected["reason"], &json!(1)),
                "{name}"
            );
        }
        Reads(text) => {
            assert_eq!(counts(&answer), [3, 0, 0, 0, 0], "{name}: {answer}");
            assert_eq!(
                desk.signal(channel, signal).unwrap()["text"],
                *text,
                "{name}"
            );
        }
    }
}

fn nothing_broke(desk: &Desk) {
    assert_eq!(restarts(&desk.admin), 0);
    assert!(
        !log_of(desk.stage()).contains("panicked"),
        "{}",
        desk.stage().log_tail()
    );
}

#[test]
fn nasty_texts_and_ids() {
    let desk = Desk::shared();
    let channel = desk.source();
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let deep_unknown = format!(r#""content_raw":"TEXT","extra":{deep}"#);
    let deep_embed = format!(r#""embeds":[{{"embed_index":0,"raw_json":{{"a":{deep}}}}}]"#);
    let long = format!(r#""{}""#, "x".repeat(70_000));
    // name, what of the item is replaced, by what, what must become of it
    let table: [(&str, &str, &str, Fate); 34] = [
        ("NUL", r#""TEXT""#, r#""a\u0000b""#, Reads("a\u{FFFD}b")),
        (
            "a high surrogate alone",
            r#""TEXT""#,
            r#""a\ud800b""#,
            Reads("a\u{FFFD}b"),
        ),
        (
            "a low surrogate alone",
            r#""TEXT""#,
            r#""a\udc00b""#,
            Reads("a\u{FFFD}b"),
        ),
        (
            "surrogates the wrong way round",
            r#""TEXT""#,
            r#""\udc00\ud800""#,
            Reads("\u{FFFD}\u{FFFD}"),
        ),
        (
            "a pair",
            r#""TEXT""#,
            r#""\ud83d\ude80""#,
            Reads("\u{1F680}"),
        ),
        (
            "right to left",
            r#""TEXT""#,
            "\"\u{202E}txet\u{2066}\"",
            Reads("\u{202E}txet\u{2066}"),
        ),
        (
            "combining marks",
            r#""TEXT""#,
            "\"e\u{301}\u{301}\u{301}Z\u{351}\"",
            Reads("e\u{301}\u{301}\u{301}Z\u{351}"),
        ),
        (
            "controls",
            r#""TEXT""#,
            r#""a\u0001\u001b[31mb\u007f""#,
            Reads("a\u{1}\u{1b}[31mb\u{7f}"),
        ),
        ("a text too long", r#""TEXT""#, &long, Rejected("at most")),
        (
            "a text that is a number",
            r#""content_raw":"TEXT""#,
            r#""content_raw":1"#,
            Rejected("content_raw: expected a string"),
        ),
        (
            "deep nesting nobody reads",
            r#""content_raw":"TEXT""#,
            &deep_unknown,
            Reads("TEXT"),
        ),
        (
            "deep nesting in an embed",
            r#""embeds":[]"#,
            &deep_embed,
            Rejected("recursion limit"),
        ),
        (
            "an id of 2^53+1 as a number",
            r#""SIGNAL""#,
            "9007199254740993",
            Rejected("discord_message_id: expected a string"),
        ),
        (
            "an id beyond u64 as a number",
            r#""SIGNAL""#,
            "99999999999999999999999",
            Rejected("discord_message_id: expected a string"),
        ),
        (
            "an id beyond u64",
            r#""SIGNAL""#,
            r#""99999999999999999999999""#,
            Rejected("not a snowflake"),
        ),
        (
            "an id beyond i64",
            r#""SIGNAL""#,
            r#""9223372036854775808""#,
            Rejected("not a snowflake"),
        ),
        (
            "an id of the far future",
            r#""SIGNAL""#,
            r#""9223372036854775807""#,
            Rejected("ahead of our clock"),
        ),
        (
            "a negative id",
            r#""SIGNAL""#,
            r#""-5""#,
            Rejected("not a snowflake"),
        ),
        ("zero", r#""SIGNAL""#, r#""0""#, Rejected("not a snowflake")),
        (
            "an id with a space",
            r#""SIGNAL""#,
            r#"" 5""#,
            Rejected("not a snowflake"),
        ),
        (
            "an id in other digits",
            r#""SIGNAL""#,
            "\"\u{FF11}\u{FF12}\"",
            Rejected("not a snowflake"),
        ),
        (
            "an id in hex",
            r#""SIGNAL""#,
            r#""0x5""#,
            Rejected("not a snowflake"),
        ),
        (
            "no id",
            r#""SIGNAL""#,
            "null",
            Rejected("discord_message_id: missing"),
        ),
        (
            "an id injected",
            r#""SIGNAL""#,
            r#""1; DROP TABLE signals""#,
            Rejected("not a snowflake"),
        ),
        (
            "an author beyond u64",
            r#""77""#,
            r#""99999999999999999999999""#,
            Rejected("discord_author_id"),
        ),
        (
            "the year 9999",
            r#""edited_at":null"#,
            r#""edited_at":"9999-12-31T23:59:59Z""#,
            Rejected("ahead of our clock"),
        ),
        (
            "the year 99999",
            r#""edited_at":null"#,
            r#""edited_at":"+99999-12-31T23:59:59Z""#,
            Rejected("edited_at"),
        ),
        (
            "a time before Discord",
            r#""edited_at":null"#,
            r#""edited_at":"1969-12-31T23:59:59Z""#,
            Rejected("before Discord"),
        ),
        (
            "no time",
            r#""edited_at":null"#,
            r#""edited_at":"yesterday""#,
            Rejected("ISO-8601"),
        ),
        (
            "a time as a number",
            r#""edited_at":null"#,
            r#""edited_at":1750000000000"#,
            Rejected("edited_at: expected a string"),
        ),
        (
            "a creation that is not trusted",
            r#""created_at":"2025-06-01T09:00:00.000Z""#,
            r#""created_at":{"a":[1e400]}"#,
            Reads("TEXT"),
        ),
        (
            "a key twice",
            r#""event_type":"create""#,
            r#""event_type":"create","event_type":"delete""#,
            Rejected("duplicate field"),
        ),
        (
            "an unknown event",
            r#""event_type":"create""#,
            r#""event_type":"CREATE""#,
            Rejected("event_type"),
        ),
        (
            "half a name",
            r#""author_username":"desk""#,
            r#""author_username":"\ud83d""#,
            Reads("TEXT"),
        ),
    ];
    for (name, from, to, fate) in &table {
        let signal = signal_id();
        let item = create(channel, signal, "TEXT").to_string();
        let from = from.replace("SIGNAL", &signal.to_string());
        assert!(item.contains(&from), "{name}: nothing to replace");
        check(
            &desk,
            channel,
            name,
            signal,
            &item.replacen(&from, to, 2),
            fate,
        );
    }
    nothing_broke(&desk);
}

#[test]
fn nasty_items() {
    let desk = Desk::shared();
    let channel = desk.source();
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let table = [
        ("null", "null"),
        ("a number", "17"),
        ("a huge number", "1e400"),
        ("a text", r#""text""#),
        ("an array", "[]"),
        (
            "an array in the order of the fields",
            r#"["create","5","6"]"#,
        ),
        ("nesting", deep.as_str()),
    ];
    for (name, item) in table {
        check(
            &desk,
            channel,
            name,
            0,
            item,
            &Rejected("a message must be an object"),
        );
    }
    check(&desk, channel, "nothing", 0, "{}", &Rejected("missing"));
    nothing_broke(&desk);
}

#[test]
fn nasty_files_and_embeds() {
    let desk = Desk::shared();
    let channel = desk.source();
    let files = |edit: Value| json!({ "attachments": [with(file(1, "a.png"), edit)] });
    let many_files: Vec<Value> = (1..=51).map(|id| file(id, "a.png")).collect();
    let many_embeds: Vec<Value> = (0..26).map(|_| embed(json!({"title": "x"}))).collect();
    let table: [(&str, Value, Fate); 16] = [
        (
            "a way up",
            files(json!({"filename": "../../etc/passwd"})),
            Reads("TEXT"),
        ),
        (
            "a device",
            files(json!({"filename": "C:\\..\\NUL\u{0}"})),
            Reads("TEXT"),
        ),
        (
            "a long name",
            files(json!({"filename": "a".repeat(100_000)})),
            Reads("TEXT"),
        ),
        (
            "markup named as a picture",
            files(json!({"filename": "<svg onload=alert(1)>.png"})),
            Reads("TEXT"),
        ),
        (
            "a private address",
            files(json!({"source_url": "http://169.254.169.254/latest"})),
            Reads("TEXT"),
        ),
        (
            "a script",
            files(json!({"source_url": "javascript:alert(1)"})),
            Reads("TEXT"),
        ),
        (
            "a file",
            files(json!({"source_url": "file:///etc/passwd"})),
            Reads("TEXT"),
        ),
        (
            "no host",
            files(json!({"source_url": "https:///x"})),
            Reads("TEXT"),
        ),
        (
            "no address",
            files(json!({"source_url": null})),
            Reads("TEXT"),
        ),
        ("a negative size", files(json!({"size": -1})), Reads("TEXT")),
        (
            "a size in words",
            files(json!({"size": {"a": 1}})),
            Reads("TEXT"),
        ),
        (
            "a file without an id",
            files(json!({"discord_attachment_id": "x"})),
            Rejected("attachments[0].discord_attachment_id"),
        ),
        (
            "files in an object",
            json!({"attachments": {}}),
            Rejected("attachments: expected an array"),
        ),
        (
            "too many files",
            json!({ "attachments": many_files }),
            Rejected("attachments: 51 entries"),
        ),
        (
            "too many embeds",
            json!({ "embeds": many_embeds }),
            Rejected("embeds: 26 entries"),
        ),
        (
            "an embed that is a text",
            json!({"embeds": ["x"]}),
            Rejected("embeds[0]: expected an object"),
        ),
    ];
    for (name, edit, fate) in table {
        let signal = signal_id();
        check(
            &desk,
            channel,
            name,
            signal,
            &with(create(channel, signal, "TEXT"), edit).to_string(),
            &fate,
        );
    }
    let odd = embed(
        json!({"title": {"a": 1}, "image": 7, "thumbnail": [], "fields": "x", "color": "#zz", "timestamp": 9, "author": [1],
        "footer": {"text": 1}, "images": [null, {"url": "ftp://x"}], "description": "kept"}),
    );
    let signal = signal_id();
    desk.says(
        [1, 0, 0, 0, 0],
        &[with(
            create(channel, signal, ""),
            json!({ "embeds": [odd] }),
        )],
    );
    let seen = desk.signal(channel, signal).unwrap();
    assert_eq!(
        seen["embeds"],
        json!([{"kind": "rich", "description": "kept"}])
    );
    nothing_broke(&desk);
}

/// Every field with a value of every kind, in one batch with good items in between.
#[test]
fn wrong_kinds_everywhere() {
    let desk = Desk::shared();
    let channel = desk.source();
    let keys: Vec<String> = create(1, 1, "")
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect();
    let kinds = [
        json!(null),
        json!(true),
        json!(17),
        json!(-1.5),
        json!(""),
        json!("x"),
        json!([[1]]),
        json!({"a": {}}),
    ];
    let (mut items, mut good) = (Vec::new(), 0);
    for key in &keys {
        for kind in &kinds {
            items.push(with(
                create(channel, signal_id(), "odd"),
                json!({ key.as_str(): kind }),
            ));
        }
        items.push(create(channel, signal_id(), "good"));
        good += 1;
    }
    let answer = desk.push(&items);
    assert_eq!(
        counts(&answer).iter().sum::<u64>(),
        items.len() as u64,
        "{answer}"
    );
    assert_eq!(
        desk.signals(channel)
            .iter()
            .filter(|signal| signal["text"] == "good")
            .count(),
        good
    );
    assert_eq!(desk.quarantined().len() as u64, counts(&answer)[4]);
    nothing_broke(&desk);
}
