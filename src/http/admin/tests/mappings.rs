//! Mappings through the admin routes: as they are shown and found, many at once, copied, put in order and taken back.

use super::*;
use diesel::connection::SimpleConnection;

/// Sources 1 to 3 and targets 11 to 13 of a connector that forwards; their guild and they have names.
async fn marked() -> Listener {
    let l = Listener::new(None);
    l.connector("c1").await;
    let forward = json!({ "version": 1, "forward_enabled": true });
    l.done(Method::PATCH, "/api/connectors/c1", forward).await;
    for n in 1..4 {
        l.role("c1", n, true, false).await;
        l.role("c1", n + 10, false, true).await;
    }
    l.db.connect()
        .batch_execute(
            "insert into guilds (guild_id, name) values (7, 'Desk') on conflict (guild_id) do update set name = excluded.name; \
             update channels set name = 'channel ' || channel_id; \
             insert into guild_roles (role_id, guild_id, name, position) values (70, 7, 'Traders', 1)",
        )
        .unwrap();
    l
}

async fn map(l: &Listener, source: i64, target: i64) -> Value {
    l.done(Method::POST, "/api/mappings", mapping(source, target))
        .await
}

fn item(mapping: &Value) -> Value {
    json!({ "mapping_id": mapping["mapping_id"], "version": mapping["version"] })
}

async fn all(l: &Listener, query: &str) -> Vec<Value> {
    let path = format!("/api/mappings?{query}");
    let list = l.done(Method::GET, &path, Value::Null).await;
    list["items"].as_array().unwrap().clone()
}

#[actix_web::test]
async fn a_mapping_tells_names_and_whether_it_works() {
    let l = marked().await;
    let mut wish = mapping(1, 11);
    wish["ping_role_id"] = json!("70");
    let made = l.done(Method::POST, "/api/mappings", wish).await;
    let end = |id: &str| json!({ "channel_id": id, "name": format!("channel {id}"), "guild_id": "7", "guild_name": "Desk" });
    assert_eq!((&made["source"], &made["target"]), (&end("1"), &end("11")));
    assert_eq!(
        (&made["ping_role_name"], &made["state"], &made["trouble"]),
        (&json!("Traders"), &json!("working"), &Value::Null)
    );
    let path = format!("/api/mappings/{}", made["mapping_id"]);
    let mut shown = l.done(Method::GET, &path, Value::Null).await;
    shown["warning"] = made["warning"].clone();
    assert_eq!(shown, made);
    l.refused(
        Method::GET,
        "/api/mappings/99",
        Value::Null,
        404,
        "not_found",
    )
    .await;
    let pause = json!({ "version": 0 });
    l.done(Method::POST, "/api/targets/11/pause", pause).await;
    let broken = all(&l, "state=broken").await;
    assert!(broken[0]["trouble"].as_str().unwrap().contains("paused"));
    let change = json!({ "version": 1, "is_enabled": false });
    let off = l.done(Method::PATCH, &path, change).await;
    assert_eq!(
        (&off["state"], &off["trouble"]),
        (&json!("off"), &Value::Null)
    );
    map(&l, 2, 12).await;
    for (query, found) in [
        ("q=channel%202", 1),
        ("q=desk", 2),
        ("q=70", 0),
        ("q=12", 1),
        ("q=", 2),
        ("state=working", 1),
        ("source_channel_id=1", 1),
        ("target_channel_id=12&q=desk", 1),
        ("target_channel_id=13", 0),
        ("limit=1", 1),
    ] {
        assert_eq!(all(&l, query).await.len(), found, "{query}");
    }
    for (query, field) in [
        ("q=%00", "q"),
        ("state=bad", "state"),
        ("source_channel_id=0", "source_channel_id"),
    ] {
        let path = format!("/api/mappings?{query}");
        let (status, answer) = l.ask(Method::GET, &path, Value::Null).await;
        assert_eq!((status, &answer["field"]), (400, &json!(field)), "{answer}");
    }
}

#[actix_web::test]
async fn many_are_changed_and_taken_away_at_once() {
    let l = marked().await;
    let made = [
        map(&l, 1, 11).await,
        map(&l, 2, 12).await,
        map(&l, 3, 13).await,
    ];
    let items: Vec<Value> = made.iter().rev().map(item).collect();
    let path = "/api/mappings/bulk";
    let change = json!({ "tier": 5, "filters_json": { "has_embed": true } });
    let applied = l.changes.applied.load(Ordering::SeqCst);
    let body = json!({ "items": items, "change": change });
    let changed = l.done(Method::POST, path, body.clone()).await;
    assert_eq!(l.changes.applied.load(Ordering::SeqCst), applied + 1);
    let rows = changed["items"].as_array().unwrap();
    let told: Vec<_> = rows
        .iter()
        .map(|row| (&row["mapping_id"], &row["tier"], &row["version"]))
        .collect();
    assert_eq!(told[0], (&made[2]["mapping_id"], &json!(5), &json!(2)));
    assert!(
        rows.iter()
            .all(|row| row["filters_json"]["has_embed"] == true && row["warning"].is_null())
    );
    // Each refusal names its place, and nothing of it is done.
    let items: Vec<Value> = rows.iter().map(item).collect();
    let mut stale = items.clone();
    stale[1]["version"] = json!(1);
    let gone = [&items[..], &[json!({ "mapping_id": 99, "version": 1 })]].concat();
    let twice = [&items[..], &items[..1]].concat();
    let odd_pattern = json!({ "tier": 1, "filters_json": { "regex_any": ["("] } });
    for (body, status, field) in [
        (body, 409, "items[0].version"),
        (
            json!({ "items": stale, "change": { "tier": 6 } }),
            409,
            "items[1].version",
        ),
        (
            json!({ "items": gone, "change": { "tier": 6 } }),
            409,
            "items[3].mapping_id",
        ),
        (
            json!({ "items": twice, "change": { "tier": 6 } }),
            422,
            "items[3].mapping_id",
        ),
        (
            json!({ "items": [], "change": { "tier": 6 } }),
            422,
            "items",
        ),
        (
            json!({ "items": items, "change": odd_pattern }),
            422,
            "change.filters_json.regex_any[0]",
        ),
        (
            json!({ "items": items, "change": { "tier": 101 } }),
            400,
            "change.tier",
        ),
        (
            json!({ "items": items, "change": { "filters_json": { "x": 1 } } }),
            400,
            "change.filters_json.x",
        ),
        (
            json!({ "items": items, "change": { "tier": 1 }, "remove": true }),
            400,
            "remove",
        ),
        (json!({ "items": items }), 400, "change"),
        (
            json!({ "items": vec![json!({ "mapping_id": 1, "version": 1 }); 501], "remove": true }),
            422,
            "items",
        ),
    ] {
        let (got, answer) = l.ask(Method::POST, path, body.clone()).await;
        assert_eq!((got, &answer["field"]), (status, &json!(field)), "{answer}");
    }
    l.done(
        Method::PUT,
        "/api/connectors/c1/channels/2",
        json!({ "guild_id": "7", "is_source": false, "is_target": false, "is_enabled": true, "thread_mode": "include", "version": 1 }),
    )
    .await;
    let (status, answer) = l
        .ask(
            Method::POST,
            path,
            json!({ "items": items, "change": { "tier": 6 } }),
        )
        .await;
    assert_eq!(
        (status, &answer["field"]),
        (422, &json!("items[1]")),
        "{answer}"
    );
    assert!(all(&l, "").await.iter().all(|row| row["tier"] == 5));
    let none = l
        .done(
            Method::POST,
            path,
            json!({ "items": items, "remove": true }),
        )
        .await;
    assert_eq!((none, all(&l, "").await.len()), (json!({ "items": [] }), 0));
    // One group, and back.
    let audit = l
        .done(Method::GET, "/api/audit?action=mapping.remove", Value::Null)
        .await;
    let entries = audit["items"].as_array().unwrap();
    assert!(
        entries.len() == 3
            && entries
                .iter()
                .all(|entry| entry["group_id"] == entries[0]["group_id"])
    );
    let (status, _) = l
        .ask(
            Method::POST,
            &undo_path(&entries[0]),
            json!({ "whole_group": true }),
        )
        .await;
    assert_eq!(status, 422, "channel 2 is no source any more");
    l.role_at("c1", 2, 2).await;
    let undone = l
        .done(
            Method::POST,
            &undo_path(&entries[0]),
            json!({ "whole_group": true }),
        )
        .await;
    assert_eq!(undone["undone"], 3);
    let ids: Vec<_> = all(&l, "")
        .await
        .iter()
        .map(|row| row["mapping_id"].clone())
        .collect();
    assert_eq!(ids, made.each_ref().map(|row| row["mapping_id"].clone()));
}

impl Listener {
    /// Marks a channel as a source again.
    async fn role_at(&self, connector_id: &str, channel_id: i64, version: i64) {
        let mut body = role(true, false);
        body["version"] = json!(version);
        let path = format!("/api/connectors/{connector_id}/channels/{channel_id}");
        self.done(Method::PUT, &path, body).await;
    }
}

fn undo_path(entry: &Value) -> String {
    format!("/api/audit/{}/undo", entry["audit_id"])
}

#[actix_web::test]
async fn a_copy_is_made_between_other_channels() {
    let l = marked().await;
    let mut wish = mapping(1, 11);
    wish["tier"] = json!(4);
    wish["ping_role_id"] = json!("70");
    wish["author_style"] = json!("name_line");
    let made = l.done(Method::POST, "/api/mappings", wish).await;
    let path = format!("/api/mappings/{}/clone", made["mapping_id"]);
    let copy = l
        .done(
            Method::POST,
            &path,
            json!({ "target_channel_id": "12", "is_enabled": false }),
        )
        .await;
    assert_eq!(
        (
            &copy["tier"],
            &copy["ping_role_id"],
            &copy["author_style"],
            &copy["state"]
        ),
        (&json!(4), &json!("70"), &json!("name_line"), &json!("off"))
    );
    let (status, answer) = l.ask(Method::POST, &path, json!({})).await;
    assert_eq!(
        (status, &answer["field"]),
        (422, &json!("target_channel_id")),
        "{answer}"
    );
    l.refused(
        Method::POST,
        "/api/mappings/99/clone",
        json!({}),
        404,
        "not_found",
    )
    .await;
    let filled = l
        .done(
            Method::POST,
            &path,
            json!({ "source_channel_id": "2", "start": { "last": 5 } }),
        )
        .await;
    assert_eq!(
        (&filled["source_channel_id"], &filled["tier"]),
        (&json!("2"), &json!(4))
    );
}

#[actix_web::test]
async fn the_mappings_of_a_source_get_their_order() {
    let l = marked().await;
    let made = [
        map(&l, 1, 11).await,
        map(&l, 1, 12).await,
        map(&l, 1, 13).await,
    ];
    let other = map(&l, 2, 11).await;
    let items: Vec<Value> = [2, 0, 1].map(|at: usize| item(&made[at])).to_vec();
    let body = |items: &[Value]| json!({ "source_channel_id": "1", "items": items });
    let path = "/api/mappings/order";
    let ordered = l.done(Method::POST, path, body(&items)).await;
    let told: Vec<_> = ordered["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["target_channel_id"].clone(), row["priority"].clone()))
        .collect();
    assert_eq!(
        told,
        [("13", 0), ("11", 10), ("12", 20)].map(|(target, at)| (json!(target), json!(at)))
    );
    let listed: Vec<_> = all(&l, "source_channel_id=1")
        .await
        .iter()
        .map(|row| row["target_channel_id"].clone())
        .collect();
    assert_eq!(listed, ["13", "11", "12"]);
    // Page by page in that order.
    let first = l
        .done(
            Method::GET,
            "/api/mappings?source_channel_id=1&limit=2",
            Value::Null,
        )
        .await;
    let after = first["next_after"].as_str().unwrap();
    assert_eq!(
        all(&l, &format!("source_channel_id=1&after={after}")).await[0]["target_channel_id"],
        "12"
    );
    let now: Vec<Value> = ordered["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(item)
        .collect();
    l.refused(Method::POST, path, body(&now[1..]), 409, "other_state")
        .await;
    let (status, answer) = l
        .ask(
            Method::POST,
            path,
            body(&[&now[..], &[item(&other)]].concat()),
        )
        .await;
    assert_eq!(
        (status, &answer["field"]),
        (422, &json!("items[3].mapping_id")),
        "{answer}"
    );
    let (status, answer) = l.ask(Method::POST, path, body(&items)).await;
    assert_eq!(
        (status, &answer["field"]),
        (409, &json!("items[1].version")),
        "{answer}"
    );
}

#[actix_web::test]
async fn a_change_is_found_in_the_history_and_taken_back_once() {
    let l = marked().await;
    let made = map(&l, 1, 11).await;
    let path = format!("/api/mappings/{}", made["mapping_id"]);
    l.done(
        Method::PATCH,
        &path,
        json!({ "version": 1, "tier": 9, "thread_style": "mirrored" }),
    )
    .await;
    let version = l.config_version("c1").await;
    let history = format!("{path}/history");
    let list = l.done(Method::GET, &history, Value::Null).await;
    let entry = &list["items"][0];
    assert_eq!(
        (
            &entry["action"],
            &entry["can_undo"],
            &entry["undone_by"],
            &entry["subject_name"]
        ),
        (
            &json!("mapping.change"),
            &json!(true),
            &Value::Null,
            &json!("Desk / channel 1 → Desk / channel 11")
        )
    );
    let undone = l.done(Method::POST, &undo_path(entry), json!({})).await;
    assert_eq!(
        (&undone["undone"], &undone["items"][0]["undoes"]),
        (&json!(1), &entry["audit_id"])
    );
    let row = l.done(Method::GET, &path, Value::Null).await;
    assert_eq!(
        (&row["tier"], &row["version"], row.get("thread_style")),
        (&json!(0), &json!(3), None)
    );
    assert_eq!(l.config_version("c1").await, version + 1);
    l.refused(
        Method::POST,
        &undo_path(entry),
        json!({}),
        409,
        "other_state",
    )
    .await;
    let list = l.done(Method::GET, &history, Value::Null).await;
    let items = list["items"].as_array().unwrap();
    assert_eq!(items.len(), 3);
    assert_eq!(
        (&items[1]["can_undo"], &items[1]["undone_by"]),
        (&json!(false), &items[0]["audit_id"])
    );
    // And forth.
    l.done(Method::POST, &undo_path(&items[0]), json!({})).await;
    assert_eq!(l.done(Method::GET, &path, Value::Null).await["tier"], 9);
    // A change in between is named.
    l.done(Method::PATCH, &path, json!({ "version": 4, "tier": 3 }))
        .await;
    let created = &items[2];
    let said = l
        .refused(
            Method::POST,
            &undo_path(created),
            json!({}),
            409,
            "other_state",
        )
        .await;
    assert!(said.contains("was changed again by change"), "{said}");
    // The mapping that is gone keeps its history.
    l.done(Method::DELETE, &format!("{path}?version=5"), Value::Null)
        .await;
    let list = l.done(Method::GET, &history, Value::Null).await;
    assert_eq!(list["items"].as_array().unwrap().len(), 6);
    l.done(Method::POST, &undo_path(&list["items"][0]), json!({}))
        .await;
    let back = l.done(Method::GET, &path, Value::Null).await;
    assert_eq!(
        (&back["mapping_id"], &back["tier"], &back["version"]),
        (&made["mapping_id"], &json!(3), &json!(6))
    );
    assert_eq!(back["created_at_ms"], made["created_at_ms"]);
}

#[actix_web::test]
async fn the_audit_is_searched_and_a_pause_taken_back_tells_the_mirror() {
    let l = marked().await;
    map(&l, 1, 11).await;
    l.done(
        Method::POST,
        "/api/targets/11/pause",
        json!({ "version": 0 }),
    )
    .await;
    l.done(
        Method::PUT,
        "/api/channels/1/visibility",
        json!({ "min_tier": 3 }),
    )
    .await;
    let found = |query: &'static str| {
        let l = &l;
        async move {
            let list = l
                .done(Method::GET, &format!("/api/audit?{query}"), Value::Null)
                .await;
            list["items"].as_array().unwrap().clone()
        }
    };
    assert_eq!(found("action=mapping.").await.len(), 1);
    assert_eq!(found("subject=11&action=target.").await.len(), 1);
    assert_eq!(found("actor=nobody").await.len(), 0);
    assert!(found("actor=admin").await.len() > 5);
    let (status, answer) = l
        .ask(Method::GET, "/api/audit?subject=%00", Value::Null)
        .await;
    assert_eq!((status, &answer["field"]), (400, &json!("subject")));
    l.still.looked_at.lock().unwrap().clear();
    let pause = &found("action=target.pause").await[0];
    l.done(Method::POST, &undo_path(pause), json!({})).await;
    assert_eq!(*l.still.looked_at.lock().unwrap(), [11]);
    assert_eq!(found("action=target.resume").await.len(), 1);
    let seen = &found("action=channel.visibility").await[0];
    assert_eq!(seen["subject_name"], "Desk / channel 1");
    l.done(Method::POST, &undo_path(seen), json!({})).await;
    assert_eq!(l.routing().sources[&"1".parse().unwrap()].min_tier, None);
    let made = &found("action=connector.create").await[0];
    assert_eq!(made["can_undo"], false);
    l.refused(Method::POST, &undo_path(made), json!({}), 422, "refused")
        .await;
    l.refused(
        Method::POST,
        "/api/audit/999999/undo",
        json!({}),
        404,
        "not_found",
    )
    .await;
    l.refused(
        Method::POST,
        &undo_path(made),
        json!({ "all": true }),
        400,
        "invalid",
    )
    .await;
}
