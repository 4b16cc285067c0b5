//! What a person does with connectors: tokens that overlap, discovery from the request to the tree, what is gone and comes back,
//! channels marked in bulk, and connectors that go. The connector in these tests says what connectors in the field say.

use std::{thread, time::Duration};

use heliograph_bench::http::HttpClient;
use serde_json::{Value, json};

use crate::{
    harness::{Desk, json_of, refused, wait_for},
    said::{create, fresh_id, signal_id},
};

fn of(desk: &Desk, more: &str) -> String {
    format!("/api/connectors/{}{more}", desk.connector.connector_id)
}

fn connector(desk: &Desk) -> Value {
    desk.admin.ask("GET", &of(desk, ""), None).unwrap()
}

/// A poll of the runtime configuration with this token: status and ETag.
fn poll(desk: &Desk, token: &str, etag: &str, more: &str) -> (u16, Option<String>) {
    let path = format!(
        "/connectors/{}/runtime-config?tenant_key=tenant{more}",
        desk.connector.connector_id
    );
    let bearer = format!("Bearer {token}");
    let headers = [
        ("authorization", bearer.as_str()),
        ("if-none-match", etag),
        ("connection", "close"),
    ];
    let mut client = HttpClient::new(desk.book.now().ingest, Duration::from_secs(40));
    let response = client.request("GET", &path, &headers, None).unwrap();
    (response.status, response.etag)
}

fn rotate(desk: &Desk, overlap_s: u64) -> String {
    let version = connector(desk)["version"].clone();
    let wish = json!({ "version": version, "overlap_s": overlap_s });
    let answer = desk
        .admin
        .ask("POST", &of(desk, "/rotate"), Some(&wish))
        .unwrap();
    let until = &answer["connector"]["previous_token_until_ms"];
    assert_eq!(until.is_i64(), overlap_s > 0, "{answer}");
    answer["token"].as_str().unwrap().to_owned()
}

#[test]
fn two_tokens_overlap_and_a_third_ends_the_first() {
    let desk = Desk::shared();
    let first = desk.connector.token.clone();
    let status = |token: &str| poll(&desk, token, "", "").0;
    let second = rotate(&desk, 3_600);
    assert_eq!((status(&first), status(&second)), (200, 200));
    // What the old token brings is taken as before.
    let channel = desk.source();
    desk.says(
        [1, 0, 0, 0, 0],
        &[create(channel, signal_id(), "old token")],
    );
    let third = rotate(&desk, 3_600);
    let all = [status(&first), status(&second), status(&third)];
    assert_eq!(all, [401, 200, 200]);
    let fourth = rotate(&desk, 0);
    let all = [status(&second), status(&third), status(&fourth)];
    assert_eq!(all, [401, 401, 200]);
    let version = connector(&desk)["version"].clone();
    for overlap_s in [json!(-1), json!(604_801), json!("1")] {
        let wish = json!({ "version": version, "overlap_s": overlap_s });
        let response = desk
            .admin
            .call("POST", &of(&desk, "/rotate"), Some(&wish))
            .unwrap();
        assert_eq!(
            (response.status, &json_of(&response)["field"]),
            (400, &json!("overlap_s"))
        );
    }
}

#[test]
fn an_overlap_that_ends_ends_the_long_poll_of_the_old_token() {
    let desk = Desk::shared();
    let first = desk.connector.token.clone();
    rotate(&desk, 1);
    let (status, etag) = poll(&desk, &first, "", "");
    assert_eq!(status, 200);
    // By itself this poll could only end with a 304, and nothing changes meanwhile.
    let (status, _) = poll(&desk, &first, &etag.unwrap(), "&wait=30");
    assert_eq!(status, 401);
    assert_eq!(
        desk.ask("POST", "/ingest/thread", &[], Some(b"{}")).status,
        401
    );
}

fn ask_for(desk: &Desk, guild: Option<u64>) -> Value {
    let wish = json!({ "guild_id": guild.map(|id| id.to_string()) });
    let answer = desk
        .admin
        .ask("POST", &of(desk, "/discovery"), Some(&wish))
        .unwrap();
    assert_eq!(answer["discovery"]["state"], "requested", "{answer}");
    answer
}

fn wait_for_discovery(desk: &Desk, state: &str) -> Value {
    wait_for(&format!("discovery to be {state}"), || {
        let discovery = connector(desk)["discovery"].take();
        (discovery["state"] == state).then_some(discovery)
    })
}

fn sync(desk: &Desk, guilds: &[u64], channels: &[(u64, u64)]) {
    let guilds: Vec<Value> = guilds
        .iter()
        .map(|id| json!({ "discord_guild_id": id.to_string(), "name": format!("guild {id}") }))
        .collect();
    let channels: Vec<Value> = channels
        .iter()
        .zip(0..)
        .map(|((guild, id), position)| {
            json!({ "discord_channel_id": id.to_string(), "guild_id": guild.to_string(), "name": format!("channel {id}"),
                "type": 0, "parent_id": null, "position": position })
        })
        .collect();
    let body = desk.body(json!({ "idempotency_key": "k", "guilds": guilds, "channels": channels }));
    let response = desk.post("/ingest/channel-guild-sync", &body);
    assert_eq!(response.status, 200, "{}", response.text());
}

/// The channels of a guild as the tree has them, gone ones with a minus.
fn tree(desk: &Desk, guild: u64) -> Vec<String> {
    let path = of(desk, &format!("/guilds/{guild}/tree"));
    let tree = desk.admin.ask("GET", &path, None).unwrap();
    let channels = tree["channels"].as_array().unwrap().iter();
    channels
        .map(|channel| {
            let gone = if channel["gone_at_ms"].is_null() {
                ""
            } else {
                "-"
            };
            format!("{gone}{}", channel["channel_id"].as_str().unwrap())
        })
        .collect()
}

#[test]
fn discovery_is_seen_from_the_request_to_the_answer() {
    let desk = Desk::shared();
    let token = desk.connector.token.clone();
    let before = connector(&desk);
    assert_eq!(before["discovery"], Value::Null);
    let (guild, other) = (fresh_id(), fresh_id());
    let [a, b] = [fresh_id(), fresh_id()];

    let asked = ask_for(&desk, None);
    assert_eq!(asked["discovery_request_version"], 1);
    // What comes before the request was read answers nothing.
    sync(&desk, &[guild], &[]);
    assert_eq!(connector(&desk)["discovery"]["state"], "requested");
    let (_, etag) = poll(&desk, &token, "", "");
    wait_for_discovery(&desk, "picked_up");
    sync(&desk, &[guild, other], &[]);
    let discovery = wait_for_discovery(&desk, "answered");
    assert_eq!(
        (
            &discovery["guilds"],
            &discovery["channels"],
            &discovery["advice"]
        ),
        (&json!(2), &json!(0), &Value::Null)
    );
    assert!(discovery["took_ms"].as_i64().unwrap() >= 0, "{discovery}");
    let guilds = desk.admin.all(&of(&desk, "/guilds")).unwrap();
    assert_eq!(guilds.len(), 2);
    assert_eq!(guilds[0]["name"], format!("guild {guild}"));

    // The channels of one guild; read by a poll that shows it knows the request.
    let asked = ask_for(&desk, Some(guild));
    assert_eq!(asked["discovery"]["guild_name"], format!("guild {guild}"));
    poll(&desk, &token, &etag.unwrap(), "");
    wait_for_discovery(&desk, "picked_up");
    sync(&desk, &[guild], &[(guild, a), (guild, b)]);
    let discovery = wait_for_discovery(&desk, "answered");
    assert_eq!(
        (&discovery["guilds"], &discovery["channels"]),
        (&json!(1), &json!(2))
    );
    assert_eq!(tree(&desk, guild), [a.to_string(), b.to_string()]);

    let after = connector(&desk);
    assert_eq!(after["config_version"], before["config_version"]);
    assert_eq!(after["version"], before["version"]);
    assert_eq!(after["counts"]["guilds"], 2);
    assert_eq!(after["counts"]["channels"], 2);
}

#[test]
fn what_is_left_out_is_gone_and_comes_back() {
    let desk = Desk::shared();
    let token = desk.connector.token.clone();
    let (guild, other) = (fresh_id(), fresh_id());
    let [a, b, c] = [fresh_id(), fresh_id(), fresh_id()];
    sync(
        &desk,
        &[guild, other],
        &[(guild, a), (guild, b), (other, c)],
    );
    sync(&desk, &[guild], &[]);
    assert_eq!(tree(&desk, guild), [a.to_string(), b.to_string()]);
    sync(&desk, &[], &[(guild, b)]);
    assert_eq!(tree(&desk, guild), [format!("-{a}"), b.to_string()]);
    assert_eq!(tree(&desk, other), [c.to_string()]);
    let path = format!("/api/channels?q={a}");
    let found = desk.admin.all(&path).unwrap();
    assert!(found[0]["gone_at_ms"].is_i64(), "{found:?}");
    sync(&desk, &[], &[(guild, a), (guild, b)]);
    assert_eq!(tree(&desk, guild), [a.to_string(), b.to_string()]);

    // A guild without a channel, and guilds that are not there any more: only an answer tells.
    ask_for(&desk, Some(guild));
    poll(&desk, &token, "", "");
    sync(&desk, &[guild], &[]);
    wait_for_discovery(&desk, "answered");
    assert_eq!(tree(&desk, guild), [format!("-{a}"), format!("-{b}")]);
    ask_for(&desk, None);
    poll(&desk, &token, "", "");
    sync(&desk, &[guild], &[]);
    wait_for_discovery(&desk, "answered");
    assert_eq!(tree(&desk, other), [format!("-{c}")]);
    let guilds = desk.admin.all(&of(&desk, "/guilds")).unwrap();
    let gone: Vec<bool> = guilds
        .iter()
        .map(|guild| guild["gone_at_ms"].is_i64())
        .collect();
    assert_eq!(gone, [false, true]);
    let unknown = of(&desk, &format!("/guilds/{}/tree", fresh_id()));
    refused(
        &desk.admin.call("GET", &unknown, None).unwrap(),
        404,
        "not_found",
    );
}

#[test]
fn a_connector_shows_what_it_works_by_and_sends() {
    let desk = Desk::shared();
    let (token, channel) = (desk.connector.token.clone(), desk.source());
    let standing = connector(&desk)["standing"].take();
    assert_eq!(
        (
            &standing["applied_config_version"],
            &standing["is_applied"],
            &standing["batches"]
        ),
        (&Value::Null, &json!(false), &json!(0))
    );
    let (_, etag) = poll(&desk, &token, "", "");
    assert_eq!(connector(&desk)["standing"]["is_applied"], false);
    // It says so when it asks, and not only when a long wait is over.
    thread::scope(|scope| {
        let polling = scope.spawn(|| poll(&desk, &token, etag.as_deref().unwrap(), "&wait=30"));
        wait_for("the configuration to be applied", || {
            (connector(&desk)["standing"]["is_applied"] == true).then_some(())
        });
        desk.says(
            [1, 0, 0, 0, 1],
            &[create(channel, signal_id(), "one"), json!(5)],
        );
        let shown = connector(&desk);
        let standing = &shown["standing"];
        assert_eq!(
            (
                &standing["batches"],
                &standing["events"],
                &standing["rejected"]
            ),
            (&json!(1), &json!(2), &json!(1)),
            "{standing}"
        );
        assert!(standing["lag_ms"].as_i64().unwrap() > 0, "{standing}");
        assert!(
            standing["events_per_s"].as_f64().unwrap() > 0.0,
            "{standing}"
        );
        assert!(standing["last_batch_at_ms"].is_i64(), "{standing}");
        // A change ends the wait; until it is asked with, it is not applied.
        desk.source();
        assert_eq!(polling.join().unwrap().0, 200);
    });
    let after = connector(&desk);
    assert_eq!(after["standing"]["is_applied"], false);
    let counts = json!({ "guilds": 1, "channels": 2, "sources": 2, "targets": 0, "mappings": 0 });
    assert_eq!(after["counts"], counts);
}

#[test]
fn channels_are_marked_together_or_not_at_all() {
    let desk = Desk::shared();
    let (guild, token) = (fresh_id(), desk.connector.token.clone());
    let channels: Vec<u64> = (0..3).map(|_| fresh_id()).collect();
    let item = |channel: u64, is_source: bool, version: Value| {
        json!({ "channel_id": channel.to_string(), "guild_id": guild.to_string(), "is_source": is_source, "is_target": !is_source,
            "is_enabled": true, "thread_mode": "include", "version": version })
    };
    let bulk = |items: Vec<Value>| {
        let path = of(&desk, "/channels/bulk");
        desk.admin
            .call("POST", &path, Some(&json!({ "items": items })))
            .unwrap()
    };
    let before = connector(&desk)["config_version"].as_i64().unwrap();
    let new = channels
        .iter()
        .map(|id| item(*id, true, Value::Null))
        .collect();
    let made = bulk(new);
    assert_eq!(made.status, 200, "{}", made.text());
    let versions: Vec<Value> = json_of(&made)["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["version"].clone())
        .collect();
    assert_eq!(versions, [1, 1, 1]);
    assert_eq!(connector(&desk)["config_version"], before + 1);
    let config = poll(&desk, &token, "", "");
    assert_eq!(config.0, 200);
    assert_eq!(tree(&desk, guild).len(), 3);

    // One that is stale, one twice, too many: nothing of it happens, and the place is told.
    let [a, b, c] = [channels[0], channels[1], channels[2]];
    let stale = bulk(vec![item(a, false, json!(1)), item(b, false, json!(7))]);
    assert_eq!(
        (stale.status, &json_of(&stale)["field"]),
        (409, &json!("items[1].version"))
    );
    let twice = bulk(vec![item(a, false, json!(1)), item(a, true, json!(1))]);
    assert_eq!(
        (twice.status, &json_of(&twice)["field"]),
        (400, &json!("items[1].channel_id"))
    );
    let none = bulk(Vec::new());
    assert_eq!(
        (none.status, &json_of(&none)["field"]),
        (400, &json!("items"))
    );
    let roles = desk.admin.all(&of(&desk, "/channels")).unwrap();
    assert!(
        roles.iter().all(|role| role["is_source"] == true),
        "{roles:?}"
    );

    let changed = bulk(vec![
        item(a, false, json!(1)),
        item(b, true, json!(1)),
        item(c, false, json!(1)),
    ]);
    assert_eq!(changed.status, 200, "{}", changed.text());
    let usable = |usable_as: &str| {
        let path = format!("/api/channels?guild_id={guild}&use={usable_as}");
        let found = desk.admin.all(&path).unwrap();
        let ids = found
            .iter()
            .map(|row| row["channel_id"].as_str().unwrap().to_owned());
        ids.collect::<Vec<_>>()
    };
    assert_eq!(usable("source"), [b.to_string()]);
    assert_eq!(usable("target"), [a.to_string(), c.to_string()]);

    // Both changes are one group of the audit.
    let audit = desk.admin.ask("GET", "/api/audit?limit=100", None).unwrap();
    let of_bulk = |channel: u64| {
        let subject = format!("{}/{channel}", desk.connector.connector_id);
        let entries = audit["items"].as_array().unwrap();
        let newest = entries.iter().find(|entry| entry["subject"] == subject);
        newest.unwrap()["group_id"].clone()
    };
    assert!(of_bulk(a).is_i64());
    assert_eq!(of_bulk(a), of_bulk(c));
}

#[test]
fn a_connector_goes_when_nothing_needs_it() {
    let desk = Desk::shared();
    let (source, target) = (desk.source(), desk.target());
    let wish =
        json!({ "source_channel_id": source.to_string(), "target_channel_id": target.to_string() });
    let mapping = desk
        .admin
        .ask("POST", "/api/mappings", Some(&wish))
        .unwrap();
    let remove = || {
        let path = of(&desk, &format!("?version={}", connector(&desk)["version"]));
        desk.admin.call("DELETE", &path, None).unwrap()
    };
    refused(&remove(), 422, "refused");
    let stale = desk
        .admin
        .call("DELETE", &of(&desk, "?version=999"), None)
        .unwrap();
    refused(&stale, 409, "stale_version");
    let path = format!("/api/mappings/{}", mapping["mapping_id"]);
    let off = json!({ "version": mapping["version"], "is_enabled": false });
    desk.admin.ask("PATCH", &path, Some(&off)).unwrap();
    assert_eq!(remove().status, 204);
    refused(
        &desk.admin.call("GET", &of(&desk, ""), None).unwrap(),
        404,
        "not_found",
    );
    assert_eq!(poll(&desk, &desk.connector.token, "", "").0, 401);
}
