//! Single values: tables of what reads as what, and the repair of escapes against the standard library as yardstick.

#![allow(clippy::unwrap_used)]

use super::*;
use proptest::prelude::*;

fn raw(json: &str) -> &RawValue {
    serde_json::from_str(json).unwrap()
}

proptest! {
    /// The yardstick is the standard library's own reading of UTF-16.
    #[test]
    fn any_escaped_units_become_text(units in proptest::collection::vec(prop_oneof![
        0xD7F0u16..0xE010, 0u16..3, any::<u16>()
    ], 0..24)) {
        let json: String = units.iter().map(|unit| format!("\\u{unit:04x}")).collect();
        let read: String = serde_json::from_str(&repaired(&format!("\"{json}\""))).unwrap();
        prop_assert_eq!(read, String::from_utf16_lossy(&units).replace('\0', "\u{FFFD}"));
    }

    #[test]
    fn what_parses_already_is_not_changed(text in "[^\0]*") {
        let json = serde_json::to_string(&text).unwrap();
        prop_assert_eq!(repaired(&json), json.as_str());
    }

    #[test]
    fn repairing_never_panics(text in r#"([\\u0dD8aA9é"]|\\u)*"#) {
        let once = repaired(&text).into_owned();
        prop_assert_eq!(&repaired(&once), &once);
    }
}

#[test]
fn an_escaped_backslash_is_not_an_escape() {
    for json in [r#""\\ud800""#, r#""\\\\u0000""#, r#""\n\ud83d\ude00""#] {
        assert!(matches!(repaired(json), Cow::Borrowed(_)), "{json}");
    }
    assert_eq!(repaired(r#""\\\ud800x\ude00""#), r#""\\\ufffdx\ufffd""#);
}

#[test]
fn times_with_any_offset_are_one_moment() {
    let table = [
        ("2026-11-21T10:00:00Z", Some(1_795_255_200_000)),
        ("2026-11-21T10:00:00.123Z", Some(1_795_255_200_123)),
        ("2026-11-21T10:00:00.123999+00:00", Some(1_795_255_200_123)),
        ("2026-11-21T12:30:00+02:30", Some(1_795_255_200_000)),
        ("2026-11-21T03:00:00-0700", Some(1_795_255_200_000)),
        ("2026-11-21T10:00:00", Some(1_795_255_200_000)),
        ("2026-11-21", None),
        ("yesterday", None),
        ("2026-13-01T00:00:00Z", None),
        ("1795255200000", None),
    ];
    for (text, at_ms) in table {
        assert_eq!(moment_ms(text), at_ms, "{text}");
    }
}

#[test]
fn times_out_of_range_are_named() {
    let now_ms = 1_795_255_200_000;
    let table = [
        ("null", Ok(None)),
        ("\"\"", Ok(None)),
        ("\"1970-01-01T00:00:00.000Z\"", Ok(None)),
        ("\"2026-11-22T10:00:00Z\"", Ok(Some(now_ms + AHEAD_MS_MAX))),
        (
            "\"2026-11-22T10:00:00.001Z\"",
            Err("edited_at: more than a day ahead of our clock"),
        ),
        (
            "\"9999-12-31T23:59:59Z\"",
            Err("edited_at: more than a day ahead of our clock"),
        ),
        (
            "\"0001-01-01T00:00:00Z\"",
            Err("edited_at: before Discord existed"),
        ),
        ("\"soon\"", Err("edited_at: expected an ISO-8601 time")),
        (
            "1795255200000",
            Err("edited_at: expected a string, got a number"),
        ),
    ];
    for (json, expected) in table {
        let value: Value<'_> = serde_json::from_str(json).unwrap();
        assert_eq!(
            time_ms("edited_at", value, now_ms),
            expected.map_err(str::to_owned),
            "{json}"
        );
    }
}

#[test]
fn only_web_addresses_are_addresses() {
    for good in [
        "https://cdn.example/x.png?ex=1",
        "HTTP://h",
        " https://h/ ",
        "https://例え.jp/ü",
    ] {
        assert_eq!(web_address(good), Some(good.trim()));
    }
    for bad in [
        "",
        "https://",
        "https:///x",
        "http://?q",
        "javascript:alert(1)",
        "data:image/png;base64,x",
        "file:///etc/passwd",
        "//h/x",
        "https://h/a b",
        "https://h/\nx",
        "https://h/\u{7}",
        "éhttps://h",
    ] {
        assert_eq!(web_address(bad), None, "{bad}");
    }
    assert_eq!(
        web_address(&format!("https://h/{}", "x".repeat(ADDRESS_BYTES_MAX))),
        None
    );
}

#[test]
fn lists_are_bounded_and_skip_nulls() {
    assert_eq!(list("x", Some(raw("[1,null,2]")), 3).unwrap().len(), 2);
    assert_eq!(
        list("x", Some(raw("[1,2]")), 1).unwrap_err(),
        "x: 2 entries, at most 1"
    );
    assert_eq!(
        list("x", Some(raw("{}")), 1).unwrap_err(),
        "x: expected an array, got an object"
    );
}

#[test]
fn reasons_and_texts_are_cut_between_characters() {
    let long = bounded_reason("é".repeat(1000));
    assert!(long.len() <= REASON_BYTES_MAX + 3 && long.ends_with('…'));
    assert_eq!(bounded("aéb", 2), "aé");
    assert_eq!(bounded("👍🏽", 1), "👍");
}
