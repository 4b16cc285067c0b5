//! Signing in to the admin listener with a browser, and what holds for every answer of that listener: who gets it, and what it tells
//! the browser.

use std::net::SocketAddr;

use serde_json::Value;

use crate::harness::{raw, server, start, status_of};

const TOKEN: &str = "a-secret-of-some-length";

/// One request with these header lines; the whole answer as text.
pub fn ask(address: SocketAddr, method: &str, path: &str, headers: &[&str], body: &str) -> String {
    let mut request =
        format!("{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n");
    for header in headers {
        request += header;
        request += "\r\n";
    }
    request += &format!("content-length: {}\r\n\r\n{body}", body.len());
    raw(address, request.as_bytes())
}

/// Signs in: `name=value` of the cookie.
pub fn sign_in(address: SocketAddr, token: &str) -> String {
    let body = serde_json::json!({ "token": token }).to_string();
    let answer = ask(address, "POST", "/api/session", &[], &body);
    assert_eq!(status_of(&answer), 204, "{answer}");
    let cookie = header(&answer, "set-cookie").unwrap();
    cookie.split(';').next().unwrap().to_owned()
}

fn header<'a>(answer: &'a str, name: &str) -> Option<&'a str> {
    let head = answer.split("\r\n\r\n").next()?;
    head.lines().find_map(|line| {
        let (key, value) = line.split_once(": ")?;
        key.eq_ignore_ascii_case(name).then_some(value)
    })
}

fn body(answer: &str) -> Value {
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {answer}"))
}

fn state(address: SocketAddr, headers: &[&str]) -> [bool; 2] {
    let said = body(&ask(address, "GET", "/api/session", headers, ""));
    ["token_needed", "signed_in"].map(|key| said[key].as_bool().unwrap())
}

#[test]
fn a_browser_signs_in_and_out() {
    let stage = start(server().with_env("HELIOGRAPH_ADMIN_TOKEN", TOKEN));
    let address = stage.book().now().admin;
    assert_eq!(state(address, &[]), [true, false]);
    let wrong = ask(address, "POST", "/api/session", &[], r#"{"token":"other"}"#);
    assert_eq!(
        (status_of(&wrong), &body(&wrong)["error_code"]),
        (401, &"unauthorized".into())
    );
    let right = serde_json::json!({ "token": TOKEN }).to_string();
    let answer = ask(address, "POST", "/api/session", &[], &right);
    let said = header(&answer, "set-cookie").unwrap();
    for attribute in ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=43200"] {
        assert!(said.contains(attribute), "{attribute} in {said}");
    }
    assert!(!said.contains("Secure") && !said.contains(TOKEN), "{said}");
    let forwarded = ["x-forwarded-proto: https"];
    let by_https = ask(address, "POST", "/api/session", &forwarded, &right);
    assert!(header(&by_https, "set-cookie").unwrap().contains("Secure"));
    let cookie = format!("cookie: {}", said.split(';').next().unwrap());
    assert_eq!(state(address, &[&cookie]), [true, true]);
    what_the_cookie_opens(address, &cookie);
    let own = format!("origin: http://{address}");
    let out = ask(address, "DELETE", "/api/session", &[&cookie, &own], "");
    assert_eq!(status_of(&out), 204);
    assert!(
        header(&out, "set-cookie").unwrap().contains("Max-Age=0"),
        "{out}"
    );
    assert_eq!(state(address, &[&cookie]), [true, false]);
    assert_eq!(
        status_of(&ask(address, "GET", "/api/connectors", &[&cookie], "")),
        401
    );
}

fn what_the_cookie_opens(address: SocketAddr, cookie: &str) {
    let own = format!("origin: http://{address}");
    let connector = |id: &str| format!(r#"{{"connector_id":"{id}","tenant_key":"t"}}"#);
    // method, path, header, body, status
    for (method, path, more, body, status) in [
        ("GET", "/api/connectors", "accept: */*", String::new(), 200),
        (
            "GET",
            "/debug/actors",
            "sec-fetch-site: none",
            String::new(),
            200,
        ),
        ("GET", "/metrics", "accept: */*", String::new(), 200),
        (
            "GET",
            "/api/connectors",
            "sec-fetch-site: cross-site",
            String::new(),
            403,
        ),
        (
            "GET",
            "/debug/actors",
            "origin: https://evil.example",
            String::new(),
            403,
        ),
        (
            "POST",
            "/api/connectors",
            "accept: */*",
            connector("a"),
            403,
        ),
        (
            "POST",
            "/api/connectors",
            "sec-fetch-site: none",
            connector("a"),
            403,
        ),
        (
            "POST",
            "/api/connectors",
            "origin: https://evil.example",
            connector("a"),
            403,
        ),
        (
            "POST",
            "/api/connectors",
            "sec-fetch-site: same-origin",
            connector("a"),
            201,
        ),
        ("POST", "/api/connectors", own.as_str(), connector("b"), 201),
        (
            "POST",
            "/api/connectors",
            "authorization: Bearer other",
            connector("c"),
            401,
        ),
        (
            "DELETE",
            "/api/session",
            "origin: https://evil.example",
            String::new(),
            403,
        ),
    ] {
        let answer = ask(address, method, path, &[cookie, more], &body);
        assert_eq!(
            status_of(&answer),
            status,
            "{method} {path} {more}: {answer}"
        );
    }
    let other = format!("{cookie}x");
    assert_eq!(
        status_of(&ask(address, "GET", "/api/connectors", &[&other], "")),
        401
    );
    let bearer = format!("authorization: Bearer {TOKEN}");
    let program = ask(
        address,
        "POST",
        "/api/connectors",
        &[&bearer],
        &connector("d"),
    );
    assert_eq!(status_of(&program), 201, "{program}");
}

#[test]
fn whoever_tries_tokens_must_wait() {
    let stage = start(server().with_env("HELIOGRAPH_ADMIN_TOKEN", TOKEN));
    let address = stage.book().now().admin;
    for _ in 0..10 {
        let answer = ask(address, "POST", "/api/session", &[], r#"{"token":"x"}"#);
        assert_eq!(status_of(&answer), 401, "{answer}");
    }
    let answer = ask(address, "POST", "/api/session", &[], r#"{"token":"x"}"#);
    assert_eq!(
        (status_of(&answer), &body(&answer)["error_code"]),
        (429, &"too_many_sign_ins".into())
    );
    let wait_s: u64 = header(&answer, "retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait_s), "{wait_s}");
    // Programs with the token go on.
    let bearer = format!("authorization: Bearer {TOKEN}");
    assert_eq!(
        status_of(&ask(address, "GET", "/api/connectors", &[&bearer], "")),
        200
    );
}

#[test]
fn what_holds_no_data_is_for_everybody_and_nothing_else_is() {
    let stage = start(server().with_env("HELIOGRAPH_ADMIN_TOKEN", TOKEN));
    let address = stage.book().now().admin;
    let page = "accept: text/html,application/xhtml+xml";
    for (path, status) in [
        ("/", 200),
        ("/connectors/x", 200),
        ("/healthz", 200),
        ("/api/session", 200),
        ("/assets/none.js", 404),
        ("/api/connectors", 401),
        ("/api/none", 401),
        ("/api/live", 401),
        ("/debug/actors", 401),
        ("/metrics", 401),
        ("/%61pi/connectors", 401),
        ("/api%2fconnectors", 401),
        ("//api/connectors", 401),
        ("/healthz/../api/connectors", 401),
    ] {
        let answer = ask(address, "GET", path, &[page], "");
        assert_eq!(status_of(&answer), status, "{path}: {answer}");
        assert!(!answer.contains("next_after"), "{path}: {answer}");
        let said = |name: &str| {
            header(&answer, name).unwrap_or_else(|| panic!("no {name} of {path}: {answer}"))
        };
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(said(name), value, "{path}");
        }
        let policy = said("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{path}: {policy}"
        );
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        if path.starts_with("/api") || path.starts_with("/debug") {
            assert_eq!(said("cache-control"), "no-store", "{path}");
        }
    }
}

#[test]
fn without_a_token_nobody_need_sign_in() {
    let stage = start(server());
    let address = stage.book().now().admin;
    assert_eq!(state(address, &[]), [false, true]);
    let answer = ask(address, "POST", "/api/session", &[], r#"{"token":"x"}"#);
    assert_eq!(status_of(&answer), 204);
    assert!(header(&answer, "set-cookie").is_none());
    // A foreign name that leads here is a foreign page's.
    let rebound = "GET /api/connectors HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n";
    assert_eq!(status_of(&raw(address, rebound.as_bytes())), 403);
}
