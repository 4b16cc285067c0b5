//! Who a viewer is: a session token by header or by cookie, what its tier may see, and how its access ends.

use heliograph_bench::{http::HttpClient, stage::Stage};
use serde_json::{Value, json};

use crate::{
    harness::{Desk, PATIENCE, json_of, raw, refused, server, start, status_of},
    said::{create, signal_id},
    watcher::{Watcher, upgrade},
};

/// A server that lets nobody in without a token.
fn closed() -> Stage {
    start(server().with_env("HELIOGRAPH_SESSIONS_OPEN_TIER", "-1"))
}

/// A new token and its id.
fn token(desk: &Desk, tier: i16, expires_at_ms: Option<i64>) -> (String, i64) {
    let wish = json!({"name": "a viewer", "tier": tier, "expires_at_ms": expires_at_ms});
    let made = desk
        .admin
        .ask("POST", "/api/session-tokens", Some(&wish))
        .unwrap();
    (
        made["token"].as_str().unwrap().to_owned(),
        made["session_token"]["session_token_id"].as_i64().unwrap(),
    )
}

fn get(desk: &Desk, path: &str, authorization: &str) -> heliograph_bench::http::Response {
    let mut client = HttpClient::new(desk.book.now().public, PATIENCE);
    let headers: &[(&str, &str)] = if authorization.is_empty() {
        &[]
    } else {
        &[("authorization", authorization)]
    };
    client.request("GET", path, headers, None).unwrap()
}

#[test]
fn a_token_opens_what_its_tier_may_see_until_it_ends() {
    let stage = closed();
    let desk = Desk::on(&stage);
    let (low, high) = (desk.source(), desk.source());
    desk.admin.set_visibility(high, Some(2)).unwrap();
    desk.says(
        [2, 0, 0, 0, 0],
        &[
            create(low, signal_id(), "low"),
            create(high, signal_id(), "high"),
        ],
    );
    without_a_token(&desk, low);
    by_tier(&desk, low, high);
    by_cookie(&desk, low);
    from_elsewhere(&desk);
    revoked(&desk, low);
    run_out(&desk);
    // Tokens are shown once and kept nowhere.
    let (secret, _) = token(&desk, 1, None);
    for list in ["/api/session-tokens", "/api/audit"] {
        assert!(
            !Value::from(desk.admin.all(list).unwrap())
                .to_string()
                .contains(&secret)
        );
    }
    assert!(!crate::harness::log_of(&stage).contains(&secret));
}

fn without_a_token(desk: &Desk, channel: u64) {
    for authorization in ["", "Bearer", "Bearer nobody", "Basic bm9ib2R5"] {
        for path in [
            "/api/me",
            "/api/channels",
            &format!("/api/channels/{channel}/signals"),
        ] {
            refused(&get(desk, path, authorization), 401, "unauthorized");
        }
    }
    let (head, _) = upgrade(desk.book.now().public, &[]);
    assert_eq!(status_of(&head), 401, "{head}");
    let (head, _) = upgrade(
        desk.book.now().public,
        &["authorization: Bearer nobody".to_owned()],
    );
    assert_eq!(status_of(&head), 401, "{head}");
    // The page holds no data, and health is nobody's secret.
    for path in ["/", "/healthz", "/readyz"] {
        assert_eq!(get(desk, path, "").status, 200, "{path}");
    }
}

fn by_tier(desk: &Desk, low: u64, high: u64) {
    for (tier, sees) in [
        (0, vec![low]),
        (1, vec![low]),
        (2, vec![low, high]),
        (9, vec![low, high]),
    ] {
        let (token, _) = token(desk, tier, None);
        let bearer = format!("Bearer {token}");
        assert_eq!(
            json_of(&get(desk, "/api/me", &bearer)),
            json!({"name": "a viewer", "tier": tier})
        );
        let channels = json_of(&get(desk, "/api/channels", &bearer));
        let ids: Vec<&str> = channels["channels"]
            .as_array()
            .unwrap()
            .iter()
            .map(|c| c["channel_id"].as_str().unwrap())
            .collect();
        assert_eq!(
            ids,
            sees.iter().map(u64::to_string).collect::<Vec<_>>(),
            "tier {tier}"
        );
        let mut watcher = Watcher::open(desk.book.now().public, Some(&token));
        assert_eq!(
            watcher.welcome["channels"].as_array().unwrap().len(),
            sees.len()
        );
        let may = sees.contains(&high);
        assert_eq!(
            watcher.attach(&[(high, None)])[0]["status"],
            if may { "resumed" } else { "forbidden" }
        );
        let signals = get(desk, &format!("/api/channels/{high}/signals"), &bearer);
        if may {
            assert_eq!(signals.status, 200);
        } else {
            refused(&signals, 404, "not_found");
        }
    }
}

fn sign_in(desk: &Desk, token: &str, more: &str) -> String {
    let body = json!({ "token": token }).to_string();
    let address = desk.book.now().public;
    raw(address, format!("POST /api/session HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{more}content-length: {}\r\n\r\n{body}", body.len()).as_bytes())
}

fn by_cookie(desk: &Desk, channel: u64) {
    let address = desk.book.now().public;
    assert_eq!(status_of(&sign_in(desk, "nobody", "")), 401);
    let (token, _) = token(desk, 1, None);
    let answer = sign_in(desk, &token, "");
    assert_eq!(status_of(&answer), 204, "{answer}");
    let set = answer
        .lines()
        .find_map(|line| line.strip_prefix("set-cookie: "))
        .unwrap_or_else(|| panic!("{answer}"));
    let cookie = set.split(';').next().unwrap();
    assert!(
        cookie.starts_with("heliograph_session=")
            && set.contains("HttpOnly")
            && set.contains("SameSite=Strict"),
        "{set}"
    );
    let mut client = HttpClient::new(address, PATIENCE);
    let me = client
        .request("GET", "/api/me", &[("cookie", cookie)], None)
        .unwrap();
    assert_eq!((me.status, &json_of(&me)["tier"]), (200, &json!(1)));
    let (head, _stream) = upgrade(address, &[format!("cookie: {cookie}")]);
    assert_eq!(status_of(&head), 101, "{head}");
    let page = client
        .request(
            "GET",
            &format!("/api/channels/{channel}/signals"),
            &[("cookie", cookie)],
            None,
        )
        .unwrap();
    assert_eq!(json_of(&page)["signals"][0]["text"], "low");
    let out = raw(address, format!("DELETE /api/session HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncookie: {cookie}\r\n\r\n").as_bytes());
    assert_eq!(status_of(&out), 204);
    assert!(
        out.contains("heliograph_session=;") && out.contains("Max-Age=0"),
        "{out}"
    );
}

fn from_elsewhere(desk: &Desk) {
    let address = desk.book.now().public;
    let (token, _) = token(desk, 1, None);
    let bearer = format!("authorization: Bearer {token}");
    for origin in [
        "https://elsewhere.example",
        "null",
        "http://127.0.0.1:1",
        "",
    ] {
        let (head, _) = upgrade(address, &[bearer.clone(), format!("origin: {origin}")]);
        assert_eq!(status_of(&head), 403, "{origin:?}: {head}");
        assert_eq!(
            status_of(&sign_in(desk, &token, &format!("origin: {origin}\r\n"))),
            403,
            "{origin:?}"
        );
    }
    let own = format!("origin: http://{address}");
    assert_eq!(status_of(&upgrade(address, &[bearer, own.clone()]).0), 101);
    assert_eq!(
        status_of(&sign_in(desk, &token, &format!("{own}\r\n"))),
        204
    );
}

fn revoked(desk: &Desk, channel: u64) {
    let ((token, id), (other, _)) = (token(desk, 1, None), token(desk, 1, None));
    let [mut watcher, mut spared] = [&token, &other].map(|token| {
        let mut watcher = Watcher::open(desk.book.now().public, Some(token));
        watcher.attach(&[(channel, None)]);
        watcher.next("live");
        watcher
    });
    desk.admin
        .ask("DELETE", &format!("/api/session-tokens/{id}"), None)
        .unwrap();
    refused(
        &get(desk, "/api/me", &format!("Bearer {token}")),
        401,
        "unauthorized",
    );
    assert_eq!(status_of(&sign_in(desk, &token, "")), 401);
    assert_eq!(watcher.frame(), Err(4403));
    // Nobody else's session is touched.
    desk.says([1, 0, 0, 0, 0], &[create(channel, signal_id(), "on")]);
    assert_eq!(spared.next("revision")["signal"]["text"], "on");
}

fn run_out(desk: &Desk) {
    let soon = chrono::Utc::now().timestamp_millis() + 1_500;
    let (token, _) = token(desk, 1, Some(soon));
    let mut watcher = Watcher::open(desk.book.now().public, Some(&token));
    assert_eq!(watcher.frame(), Err(4403));
    refused(
        &get(desk, "/api/me", &format!("Bearer {token}")),
        401,
        "unauthorized",
    );
}
