//! Items that were quarantined and are tried again, dropped or left, and the bodies as they came.

use serde_json::{Value, json};

use crate::{
    harness::{Desk, json_of, refused},
    said::{create, fresh_id, signal_id, with},
};

fn replay(desk: &Desk, items: &[Value]) -> Vec<(String, Option<String>)> {
    let answer = desk
        .admin
        .ask(
            "POST",
            "/api/quarantine/replay",
            Some(&json!({ "items": items })),
        )
        .unwrap();
    let results = answer["results"].as_array().unwrap().iter().zip(items);
    results
        .map(|(result, id)| {
            assert_eq!(&result["quarantine_id"], id);
            let reason = result["reason"].as_str().map(str::to_owned);
            (result["outcome"].as_str().unwrap().to_owned(), reason)
        })
        .collect()
}

/// The quarantined items of this connector that stand so, newest first.
fn listed(desk: &Desk, state: &str) -> Vec<Value> {
    let id = &desk.connector.connector_id;
    let path = format!("/api/quarantine?connector_id={id}&state={state}");
    desk.admin.all(&path).unwrap()
}

/// Quarantines an item as an older server would have that could not read it yet.
fn quarantine(desk: &Desk, kind: &str, body: &str) -> Value {
    let (connector_id, stage) = (&desk.connector.connector_id, desk.stage());
    stage
        .table()
        .unwrap()
        .run(&format!(
            "insert into quarantine (connector_id, kind, correlation_id, item_index, reason, body) values \
             ('{connector_id}', '{kind}', 'k', 0, 'not understood', convert_to('{}', 'UTF8'))",
            body.replace('\'', "''")
        ))
        .unwrap();
    listed(desk, "open")[0]["quarantine_id"].clone()
}

#[test]
fn an_item_that_can_be_taken_now_is_taken_once() {
    let desk = Desk::shared();
    let (channel, signal) = (desk.source(), signal_id());
    let id = quarantine(
        &desk,
        "message-batch",
        &create(channel, signal, "late").to_string(),
    );
    let items = [id];
    assert_eq!(replay(&desk, &items), [("accepted".to_owned(), None)]);
    assert_eq!(desk.signal(channel, signal).unwrap()["text"], "late");
    // Again: it is done, and nothing is taken twice.
    assert_eq!(replay(&desk, &items), [("accepted".to_owned(), None)]);
    assert_eq!(desk.seq(channel), 1);
    assert!(listed(&desk, "open").is_empty());
    let done = &listed(&desk, "done")[0];
    assert_eq!(done["outcome"], "accepted");
    assert!(
        done["tried_at_ms"].is_i64() && done["done_at_ms"].is_i64(),
        "{done}"
    );

    // The same content once more says nothing new; another channel is nobody's.
    let same = quarantine(
        &desk,
        "message-batch",
        &create(channel, signal, "late").to_string(),
    );
    let foreign = create(fresh_id(), signal_id(), "x").to_string();
    let foreign = quarantine(&desk, "message-batch", &foreign);
    let outcomes: Vec<String> = replay(&desk, &[same, foreign])
        .into_iter()
        .map(|(outcome, _)| outcome)
        .collect();
    assert_eq!(outcomes, ["deduped", "ignored"]);
    // The trail tells of the body that brought it.
    let trail = desk
        .admin
        .ask("GET", &format!("/api/signals/{signal}/trail"), None)
        .unwrap();
    assert_eq!(
        trail["captured"][0]["connector_id"],
        desk.connector.connector_id.as_str(),
        "{trail}"
    );
}

#[test]
fn an_item_that_cannot_be_taken_stays_with_its_new_reason() {
    let desk = Desk::shared();
    let channel = desk.source();
    let bad = with(
        create(channel, signal_id(), "x"),
        json!({ "event_type": "moved" }),
    );
    desk.says([0, 0, 0, 0, 1], &[bad]);
    let item = listed(&desk, "open").remove(0);
    let id = item["quarantine_id"].clone();
    let first = replay(&desk, std::slice::from_ref(&id)).remove(0);
    assert_eq!(first.0, "rejected");
    assert!(first.1.unwrap().contains("event_type"));
    let open = listed(&desk, "open").remove(0);
    assert_eq!(
        (&open["outcome"], &open["done_at_ms"]),
        (&json!("rejected"), &Value::Null)
    );
    assert!(open["tried_at_ms"].is_i64(), "{open}");
    assert_eq!(listed(&desk, "open").len(), 1);

    // A paused connector's items wait, and keep their own reason.
    desk.admin
        .patch_connector(&desk.connector.connector_id, &json!({ "status": "paused" }))
        .unwrap();
    let paused = replay(&desk, std::slice::from_ref(&id)).remove(0);
    assert!(paused.1.unwrap().contains("paused"));
    assert_eq!(listed(&desk, "open")[0]["reason"], open["reason"]);

    let drop = |items: Value| {
        let wish = json!({ "items": items, "reason": "not needed" });
        desk.admin
            .call("POST", "/api/quarantine/drop", Some(&wish))
            .unwrap()
    };
    assert_eq!(json_of(&drop(json!([id]))), json!({ "dropped": 1 }));
    assert_eq!(json_of(&drop(json!([id]))), json!({ "dropped": 0 }));
    let again = json!({ "items": [id] });
    let again = desk
        .admin
        .call("POST", "/api/quarantine/replay", Some(&again))
        .unwrap();
    refused(&again, 409, "other_state");
    refused(&drop(json!([999_999_999])), 404, "not_found");
    assert_eq!(drop(json!([])).status, 400);
}

#[test]
fn entries_of_snapshots_and_thread_events_are_taken_too() {
    let desk = Desk::shared();
    let (guild, channel, thread) = (fresh_id(), fresh_id(), fresh_id());
    let guild_entry = json!({ "discord_guild_id": guild.to_string(), "name": "Late guild" });
    let channel_entry = json!({ "discord_channel_id": channel.to_string(), "guild_id": guild.to_string(), "name": "late" });
    let event = desk.body(json!({ "event_type": "create", "idempotency_key": "k", "thread": {
        "discord_thread_id": thread.to_string(), "parent_channel_id": channel.to_string(), "guild_id": guild.to_string(), "name": "t" } }));
    let ids: Vec<Value> = [
        ("guild", guild_entry.to_string()),
        ("channel", channel_entry.to_string()),
        ("channel", channel_entry.to_string()),
        ("thread", event.to_string()),
        ("guild", "5".to_owned()),
        ("riddle", "{}".to_owned()),
    ]
    .iter()
    .map(|(kind, body)| quarantine(&desk, kind, body))
    .collect();
    let outcomes: Vec<String> = replay(&desk, &ids)
        .into_iter()
        .map(|(outcome, _)| outcome)
        .collect();
    assert_eq!(
        outcomes,
        [
            "accepted", "accepted", "deduped", "accepted", "rejected", "rejected"
        ]
    );
    let path = format!(
        "/api/connectors/{}/guilds/{guild}/tree",
        desk.connector.connector_id
    );
    let tree = desk.admin.ask("GET", &path, None).unwrap();
    assert_eq!(tree["guild"]["name"], "Late guild");
    assert_eq!(tree["channels"][0]["name"], "late");
    assert_eq!(tree["threads"][0]["thread_id"], thread.to_string());
}

#[test]
fn bodies_are_found_as_they_came() {
    let desk = Desk::shared();
    let channel = desk.source();
    for text in ["one", "two", "three"] {
        desk.says([1, 0, 0, 0, 0], &[create(channel, signal_id(), text)]);
    }
    let id = &desk.connector.connector_id;
    let path = format!("/api/raw-events?connector_id={id}&kind=message-batch");
    let rows = desk.admin.all(&path).unwrap();
    assert_eq!(rows.len(), 3);
    let texts: Vec<bool> = rows
        .iter()
        .zip(["three", "two", "one"])
        .map(|(row, text)| {
            let path = format!("/api/raw-events/{}", row["raw_event_id"].as_str().unwrap());
            let event = desk.admin.ask("GET", &path, None).unwrap();
            assert_eq!(
                (&event["bytes"], &event["is_cut"]),
                (&row["bytes"], &json!(false))
            );
            event["body"].as_str().unwrap().contains(text)
        })
        .collect();
    assert_eq!(texts, [true; 3]);
    let none = format!("/api/raw-events?connector_id={id}&kind=thread");
    assert!(desk.admin.all(&none).unwrap().is_empty());
    for (path, status) in [
        ("/api/raw-events/x", 404),
        ("/api/raw-events/1-1-1", 404),
        ("/api/raw-events?kind=x", 400),
    ] {
        assert_eq!(
            desk.admin.call("GET", path, None).unwrap().status,
            status,
            "{path}"
        );
    }
}
