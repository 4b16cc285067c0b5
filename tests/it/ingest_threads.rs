//! Thread events and snapshots: what they leave in the tables and in the names that admins and viewers read.

use serde_json::{Value, json};

use crate::{
    harness::{Desk, json_of},
    said::fresh_id,
};

fn thread(desk: &Desk, event: &str, thread: Value) {
    let answer = desk.post(
        "/ingest/thread",
        &desk.body(json!({"idempotency_key": "k", "event_type": event, "thread": thread})),
    );
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[test]
fn a_thread_is_joined_from_events_that_say_only_a_part() {
    let desk = Desk::shared();
    let id = fresh_id();
    let row = || {
        let sql = format!(
            "SELECT format('%s %s archived=%s locked=%s members=%s deleted=%s', name, parent_channel_id, archived, locked,
                (SELECT count(*) FROM thread_members m WHERE m.thread_id = t.thread_id), deleted_at IS NOT NULL) AS text
               FROM threads t WHERE thread_id = {id}"
        );
        desk.stage()
            .table()
            .unwrap()
            .texts(&sql)
            .unwrap()
            .join("; ")
    };
    let ids = |more: Value| {
        crate::said::with(
            json!({"discord_thread_id": id.to_string(), "parent_channel_id": "2", "guild_id": "3"}),
            more,
        )
    };
    thread(
        &desk,
        "create",
        ids(json!({"name": "setups", "archived": false, "locked": false})),
    );
    assert_eq!(row(), "setups 2 archived=f locked=f members=0 deleted=f");
    thread(
        &desk,
        "update",
        ids(json!({"name": "old setups", "archived": true, "locked": true, "message_count": null})),
    );
    assert_eq!(
        row(),
        "old setups 2 archived=t locked=t members=0 deleted=f"
    );
    // It always says that the thread is open, whether it is or not.
    let delta = json!({"added": ["11", "12"], "removed": ["13"]});
    let said = ids(json!({"name": "old setups", "archived": false, "locked": false}));
    let body = desk.body(json!({"idempotency_key": "k", "event_type": "members_update", "thread": said, "member_delta": delta}));
    assert_eq!(desk.post("/ingest/thread", &body).status, 200);
    assert_eq!(desk.post("/ingest/thread", &body).status, 200);
    assert_eq!(
        row(),
        "old setups 2 archived=t locked=t members=2 deleted=f"
    );
    thread(&desk, "delete", ids(json!({})));
    assert_eq!(
        row(),
        "old setups 2 archived=t locked=t members=0 deleted=t"
    );
    // Deleted stays deleted, whatever comes late.
    thread(&desk, "create", ids(json!({"name": "setups"})));
    assert!(row().ends_with("deleted=t"), "{}", row());
}

#[test]
fn a_snapshot_names_and_never_removes() {
    let desk = Desk::shared();
    let (guild, channel, quiet) = (fresh_id(), desk.source(), fresh_id());
    let sync = |fields: Value| {
        let answer = desk.post(
            "/ingest/channel-guild-sync",
            &desk.body(crate::said::with(json!({"idempotency_key": "k"}), fields)),
        );
        assert_eq!(answer.status, 200, "{}", answer.text());
        json_of(&answer)
    };
    let known = || {
        let mut rows = desk
            .admin
            .all(&format!("/api/channels?guild_id={guild}"))
            .unwrap();
        rows.sort_by_key(|row| row["channel_id"].as_str().unwrap().to_owned());
        rows.iter()
            .map(|row| {
                format!(
                    "{}/{}",
                    row["guild_name"].as_str().unwrap(),
                    row["name"].as_str().unwrap()
                )
            })
            .collect::<Vec<_>>()
    };
    let channel_of = |id: u64, name: &str| json!({"discord_channel_id": id.to_string(), "guild_id": guild.to_string(), "name": name});
    sync(
        json!({"guilds": [{"discord_guild_id": guild.to_string(), "name": "Desk"}], "channels": [channel_of(channel, "majors"), channel_of(quiet, "quiet")]}),
    );
    let mut expected = vec!["Desk/majors", "Desk/quiet"];
    assert_eq!(known(), expected);
    // Guilds only: known channels stay.
    sync(
        json!({"guilds": [{"discord_guild_id": guild.to_string(), "name": "The Desk"}], "channels": []}),
    );
    expected = vec!["The Desk/majors", "The Desk/quiet"];
    assert_eq!(known(), expected);
    // Viewers read the new names at once.
    let mut public =
        heliograph_bench::http::HttpClient::new(desk.book.now().public, crate::harness::PATIENCE);
    let seen = json_of(&public.request("GET", "/api/channels", &[], None).unwrap());
    let mine = seen["channels"]
        .as_array()
        .unwrap()
        .iter()
        .find(|seen| seen["channel_id"] == channel.to_string())
        .unwrap()
        .clone();
    assert_eq!(
        (&mine["name"], &mine["seq"], &mine["epoch"]),
        (&json!("majors"), &json!(0), &json!(1))
    );
    // One bad entry is named and kept, the others are taken.
    let answer = sync(
        json!({"guilds": [], "channels": [channel_of(channel, "renamed"), {"discord_channel_id": "x"}]}),
    );
    assert_eq!(
        (
            &answer["rejected"][0]["index"],
            &answer["rejected"][0]["kind"]
        ),
        (&json!(1), &json!("channel"))
    );
    assert_eq!(known(), ["The Desk/renamed", "The Desk/quiet"]);
    assert_eq!(desk.quarantined().len(), 1);
}
