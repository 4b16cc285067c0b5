//! Requests that no good client sends, to all three listeners: an answer below 500 in our form, and a server that goes on.

use std::io::Write as _;

use heliograph_bench::http::HttpClient;
use serde_json::json;

use crate::{
    harness::{Desk, PATIENCE, chunked, json_of, log_of, raw, restarts, status_of},
    said::{create, signal_id},
};

fn nothing_broke(desk: &Desk) {
    assert_eq!(restarts(&desk.admin), 0);
    assert!(
        !log_of(desk.stage()).contains("panicked"),
        "{}",
        desk.stage().log_tail()
    );
    desk.says(
        [1, 0, 0, 0, 0],
        &[create(desk.source(), signal_id(), "still here")],
    );
}

/// "{}" as gzip makes it.
const GZIPPED: [u8; 22] = [
    0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0xab, 0xae, 5, 0, 0x43, 0xbf, 0xa6, 0xa3, 2, 0, 0, 0,
];

#[test]
fn nasty_bodies() {
    let desk = Desk::shared();
    let owner = desk.body(json!({}));
    let owner = owner.to_string();
    let owner = owner.trim_matches(['{', '}']);
    let deep_array = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let deep_object = format!("{}1{}", r#"{"a":"#.repeat(10_000), "}".repeat(10_000));
    let unclosed = "[".repeat(100_000);
    let deep_messages = format!(r#"{{{owner},"messages":{deep_array}}}"#);
    let deep_beside = format!(r#"{{{owner},"messages":[],"extra":{deep_object}}}"#);
    let twice = format!(r#"{{{owner},"tenant_key":"tenant","messages":[]}}"#);
    let many_nothings = format!(r#"{{{owner},"messages":[{}0]}}"#, "0,".repeat(200_000));
    let mut not_utf8 = format!(r#"{{{owner},"batch_id":""#).into_bytes();
    not_utf8.extend([0xff, 0xfe, 0xc0, 0x80, 0xed, 0xa0, 0x80]);
    not_utf8.extend(br#"","messages":[]}"#);
    let mut with_mark = b"\xEF\xBB\xBF".to_vec();
    with_mark.extend(format!(r#"{{{owner},"messages":[]}}"#).bytes());
    let utf_16: Vec<u8> = "{}".encode_utf16().flat_map(u16::to_le_bytes).collect();
    // name, body, status
    let table: [(&str, &[u8], u16); 15] = [
        ("nothing", b"", 400),
        ("spaces", b" \r\n\t ", 400),
        ("zeroes", &[0; 1000], 400),
        ("not UTF-8 at all", &[0xff; 1000], 400),
        ("UTF-16", &utf_16, 400),
        ("gzip", &GZIPPED, 400),
        ("a deep array", deep_array.as_bytes(), 400),
        ("a deep object", deep_object.as_bytes(), 400),
        ("brackets without end", unclosed.as_bytes(), 400),
        ("a key twice", twice.as_bytes(), 400),
        (
            "more items than anybody sends",
            many_nothings.as_bytes(),
            429,
        ),
        ("deep messages", deep_messages.as_bytes(), 200),
        (
            "something deep beside the messages",
            deep_beside.as_bytes(),
            200,
        ),
        ("bytes that are no UTF-8 in a text", &not_utf8, 200),
        ("a byte order mark", &with_mark, 200),
    ];
    for (name, body, status) in table {
        let answer = desk.post_bytes("/ingest/message-batch", body);
        assert_eq!(answer.status, status, "{name}: {}", answer.text());
        assert_eq!(json_of(&answer)["ok"], status == 200, "{name}");
        for route in ["/ingest/thread", "/ingest/channel-guild-sync"] {
            let answer = desk.post_bytes(route, body);
            assert!(answer.status < 500, "{name} at {route}: {}", answer.text());
        }
    }
    let encoded = desk.ask(
        "POST",
        "/ingest/message-batch",
        &[("content-encoding", "gzip")],
        Some(&GZIPPED),
    );
    assert_eq!(encoded.status, 400, "{}", encoded.text());
    nothing_broke(&desk);
}

#[test]
fn nasty_http() {
    let desk = Desk::shared();
    let body = desk.batch(&[]).to_string();
    let path = "/ingest/message-batch";
    let whole = |headers: &[&str], body: &[u8]| {
        let mut request = desk.head("POST", path, headers).into_bytes();
        request.write_all(body).unwrap();
        request
    };
    let (length, one) = (
        format!("content-length: {}", body.len()),
        chunked(body.as_bytes(), 1),
    );
    let long_header = format!("x-correlation-id: {}", "x".repeat(4_000));
    // name, request, status
    let table: [(&str, Vec<u8>, u16); 8] = [
        (
            "chunks of one byte",
            whole(&["transfer-encoding: chunked"], &one),
            200,
        ),
        (
            "another content type",
            whole(&[&length, "content-type: image/png"], body.as_bytes()),
            200,
        ),
        (
            "a correlation id that is none",
            whole(
                &[&length, "x-correlation-id: a b\u{1F680}"],
                body.as_bytes(),
            ),
            200,
        ),
        (
            "a correlation id too long",
            whole(&[&length, &long_header], body.as_bytes()),
            200,
        ),
        ("no length at all", whole(&[], b""), 400),
        (
            "two lengths",
            whole(&[&length, "content-length: 1"], body.as_bytes()),
            400,
        ),
        (
            "a negative length",
            whole(&["content-length: -1"], b""),
            400,
        ),
        (
            "no HTTP",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n".to_vec(),
            400,
        ),
    ];
    for (name, request, status) in table {
        let answer = raw(desk.book.now().ingest, &request);
        assert_eq!(status_of(&answer), status, "{name}: {answer}");
    }
    // What is no whole body is to come again: the line was bad, not the batch.
    let broken = raw(
        desk.book.now().ingest,
        &whole(&["transfer-encoding: chunked"], b"zz\r\nno chunk\r\n"),
    );
    assert!([400, 503].contains(&status_of(&broken)), "{broken}");
    nothing_broke(&desk);
}

#[test]
fn nasty_paths_and_queries() {
    let desk = Desk::shared();
    let channel = desk.source();
    let addresses = desk.book.now();
    let beyond = "9".repeat(40);
    let long = "x".repeat(20_000);
    let public = [
        ("/api/channels/abc/signals".to_owned(), 404),
        (format!("/api/channels/{beyond}/signals"), 404),
        ("/api/channels/0/signals".to_owned(), 404),
        ("/api/channels/%00/signals".to_owned(), 404),
        ("/api/channels/..%2f..%2fetc/signals".to_owned(), 404),
        ("/assets/../../Cargo.toml".to_owned(), 404),
        ("/assets/..%2f..%2fCargo.toml".to_owned(), 404),
        (format!("/api/channels/{channel}/signals?limit=0"), 400),
        (format!("/api/channels/{channel}/signals?limit=-1"), 400),
        (format!("/api/channels/{channel}/signals?limit=201"), 400),
        (
            format!("/api/channels/{channel}/signals?limit={beyond}"),
            400,
        ),
        (format!("/api/channels/{channel}/signals?before=x"), 400),
        (format!("/api/channels/{channel}/signals?before=0"), 400),
        (format!("/{long}"), 404),
        ("/live".to_owned(), 400),
    ];
    for (path, status) in public {
        let answer = HttpClient::new(addresses.public, PATIENCE)
            .request("GET", &path, &[], None)
            .unwrap();
        assert_eq!(
            answer.status,
            status,
            "{}: {}",
            &path[..path.len().min(80)],
            answer.text()
        );
    }
    let admin = [
        ("GET", "/api/connectors?limit=501", None, 400),
        ("GET", "/api/quarantine?after=x", None, 400),
        ("GET", "/api/deliveries?state=lost", None, 400),
        ("POST", "/api/connectors", Some("{"), 400),
        (
            "POST",
            "/api/connectors",
            Some(r#"{"connector_id":"a b","tenant_key":"t"}"#),
            400,
        ),
        (
            "POST",
            "/api/connectors",
            Some(r#"{"connector_id":"a","tenant_key":"t","unknown":1}"#),
            400,
        ),
        (
            "POST",
            "/api/mappings",
            Some(r#"{"source_channel_id":7,"target_channel_id":8}"#),
            400,
        ),
        ("PATCH", "/api/mappings/x", Some(r#"{"version":1}"#), 404),
        ("DELETE", "/api/mappings/1", None, 400),
        (
            "PUT",
            "/api/channels/7/visibility",
            Some(r#"{"min_tier":-1}"#),
            400,
        ),
        (
            "PUT",
            "/api/channels/7/visibility",
            Some(r#"{"min_tier":40000}"#),
            400,
        ),
        (
            "POST",
            "/api/session-tokens",
            Some(r#"{"name":"a","tier":1,"expires_at_ms":1}"#),
            422,
        ),
        ("POST", "/api/actors/no-such-actor/unpark", None, 404),
        ("POST", "/api/actors/..%2f..%2fx/unpark", None, 404),
    ];
    for (method, path, body, status) in admin {
        let answer = HttpClient::new(addresses.admin, PATIENCE)
            .request(method, path, &[], body.map(str::as_bytes))
            .unwrap();
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text());
        assert!(
            json_of(&answer)["correlation_id"].is_string(),
            "{method} {path}: {}",
            answer.text()
        );
    }
    for body in ["", "{", "[]", r#"{"token":7}"#] {
        let answer = HttpClient::new(addresses.public, PATIENCE)
            .request("POST", "/api/session", &[], Some(body.as_bytes()))
            .unwrap();
        assert_eq!(answer.status, 400, "{body}: {}", answer.text());
    }
    nothing_broke(&desk);
}
