//! What a connector reads of its configuration: the versions, the ETag over both, and the long poll that answers when either
//! moves.

use std::thread;

use heliograph_bench::http::Response;
use serde_json::{Value, json};

use crate::{
    harness::{Desk, json_of, refused},
    said::GUILD,
};

fn path(desk: &Desk, more: &str) -> String {
    format!(
        "/connectors/{}/runtime-config?tenant_key=tenant{more}",
        desk.connector.connector_id
    )
}

fn poll(desk: &Desk, etag: Option<&str>, more: &str) -> Response {
    let headers: Vec<(&str, &str)> = etag
        .map(|etag| ("if-none-match", etag))
        .into_iter()
        .collect();
    desk.ask("GET", &path(desk, more), &headers, None)
}

/// The two versions in a weak ETag.
fn versions(etag: &str) -> (u64, u64) {
    let inner = etag
        .strip_prefix("W/\"")
        .and_then(|rest| rest.strip_suffix('"'))
        .unwrap_or_else(|| panic!("not weak: {etag}"));
    let (config, discovery) = inner.split_once(':').unwrap();
    (config.parse().unwrap(), discovery.parse().unwrap())
}

#[test]
fn the_configuration_reads_as_the_contract_has_it() {
    let desk = Desk::shared();
    let (source, target) = (desk.source(), desk.target());
    let wish = json!({"source_channel_id": source.to_string(), "target_channel_id": target.to_string(), "priority": 3});
    desk.admin
        .ask("POST", "/api/mappings", Some(&wish))
        .unwrap();
    let answer = poll(&desk, None, "");
    let body = json_of(&answer);
    let config = &body["config"];
    assert_eq!(
        (&body["ok"], body["correlation_id"].is_string()),
        (&json!(true), true)
    );
    let role = |channel: u64, is_source: bool| {
        json!({"guild_id": GUILD.to_string(), "channel_id": channel.to_string(), "is_source": is_source,
            "is_target": !is_source, "thread_mode": "include", "is_enabled": true})
    };
    let expected = json!({
        "connector_id": desk.connector.connector_id, "tenant_key": "tenant", "status": "active",
        "config_version": config["config_version"], "ingest_enabled": true, "forward_enabled": true,
        "sources": [role(source, true), role(target, false)],
        "mappings": [{"source_channel_id": source.to_string(), "target_channel_id": target.to_string(), "priority": 3}],
    });
    assert_eq!(config, &expected);
    let etag = answer.etag.unwrap();
    assert_eq!(
        versions(&etag),
        (config["config_version"].as_u64().unwrap(), 0)
    );

    let same = poll(&desk, Some(&etag), "");
    assert_eq!(
        (same.status, same.etag.as_deref(), same.body.len()),
        (304, Some(etag.as_str()), 0)
    );
}

#[test]
fn a_discovery_request_moves_its_own_version_alone() {
    let desk = Desk::shared();
    let before = poll(&desk, None, "");
    let (config_version, _) = versions(before.etag.as_deref().unwrap());
    assert!(
        json_of(&before)["config"]
            .get("discovery_request")
            .is_none()
    );
    let discovery = format!("/api/connectors/{}/discovery", desk.connector.connector_id);
    for (number, guild) in [(1, Value::Null), (2, json!(GUILD.to_string()))] {
        let asked = desk
            .admin
            .call("POST", &discovery, Some(&json!({ "guild_id": guild })))
            .unwrap();
        let answer = json_of(&asked);
        assert_eq!(
            (asked.status, &answer["discovery_request_version"]),
            (202, &json!(number))
        );
        assert_eq!(answer["discovery"]["version"], number);
        let after = poll(&desk, before.etag.as_deref(), "");
        assert_eq!(
            versions(after.etag.as_deref().unwrap()),
            (config_version, number)
        );
        let config = &json_of(&after)["config"];
        assert_eq!(config["config_version"], config_version);
        let request = &config["discovery_request"];
        assert_eq!(
            (&request["version"], &request["guild_id"]),
            (&json!(number), &guild)
        );
        assert!(request["requested_at"].is_i64());
    }
}

#[test]
fn a_long_poll_answers_when_something_changes() {
    let desk = Desk::shared();
    let etag = poll(&desk, None, "").etag.unwrap();
    assert_eq!(poll(&desk, Some(&etag), "&wait=1").status, 304);
    // By itself this poll could only end with a 304.
    thread::scope(|scope| {
        let polling = scope.spawn(|| poll(&desk, Some(&etag), "&wait=30"));
        let discovery = format!("/api/connectors/{}/discovery", desk.connector.connector_id);
        desk.admin
            .ask("POST", &discovery, Some(&json!({})))
            .unwrap();
        let answer = polling.join().unwrap();
        assert_eq!(answer.status, 200);
        assert_ne!(answer.etag.as_deref(), Some(etag.as_str()));
    });
}

#[test]
fn a_rotated_token_ends_a_long_poll() {
    let desk = Desk::shared();
    let etag = poll(&desk, None, "").etag.unwrap();
    thread::scope(|scope| {
        let polling = scope.spawn(|| poll(&desk, Some(&etag), "&wait=30"));
        desk.admin.rotate(&desk.connector.connector_id).unwrap();
        refused(&polling.join().unwrap(), 401, "unauthorized");
    });
}
