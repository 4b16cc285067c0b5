//! Changes of the configuration while the server works: the next batch meets them, they are guarded by versions, checked
//! before they are saved, and audited.

use serde_json::{Value, json};

use crate::{
    harness::{Desk, json_of, refused},
    said::{GUILD, create, fresh_id, signal_id},
};

fn deliveries(desk: &Desk, target: u64) -> Vec<Value> {
    desk.admin
        .all(&format!("/api/deliveries?target_channel_id={target}"))
        .unwrap()
}

fn map(desk: &Desk, source: u64, target: u64) -> heliograph_bench::http::Response {
    let wish =
        json!({"source_channel_id": source.to_string(), "target_channel_id": target.to_string()});
    desk.admin
        .call("POST", "/api/mappings", Some(&wish))
        .unwrap()
}

#[test]
fn a_rotated_token_ends_at_once() {
    let mut desk = Desk::shared();
    let channel = desk.source();
    let old = desk.connector.token.clone();
    let new = desk.admin.rotate(&desk.connector.connector_id).unwrap();
    assert_ne!(old, new);
    refused(
        &desk.try_push(&[create(channel, signal_id(), "old")]),
        401,
        "unauthorized",
    );
    desk.connector.token.clone_from(&new);
    desk.says([1, 0, 0, 0, 0], &[create(channel, signal_id(), "new")]);
    // Neither token is kept anywhere it could be read.
    for list in ["/api/connectors", "/api/audit"] {
        let shown = Value::from(desk.admin.all(list).unwrap()).to_string();
        assert!(
            !shown.contains(&old) && !shown.contains(&new) && !shown.contains("token_hash"),
            "{list}"
        );
    }
}

#[test]
fn the_next_signal_goes_by_the_mappings_of_that_moment() {
    let desk = Desk::shared();
    let (source, target, other) = (desk.source(), desk.target(), desk.target());
    let say = || {
        let signal = signal_id();
        desk.says([1, 0, 0, 0, 0], &[create(source, signal, "x")]);
        [target, other].map(|target| {
            deliveries(&desk, target)
                .iter()
                .any(|row| row["signal_id"] == signal.to_string())
        })
    };
    assert_eq!(say(), [false, false]);
    let made = map(&desk, source, target);
    assert_eq!(made.status, 201);
    let mapping = json_of(&made);
    let path = format!("/api/mappings/{}", mapping["mapping_id"]);
    assert_eq!(say(), [true, false]);
    assert_eq!(map(&desk, source, other).status, 201);
    assert_eq!(say(), [true, true]);
    let off = desk
        .admin
        .ask(
            "PATCH",
            &path,
            Some(&json!({"version": mapping["version"], "is_enabled": false})),
        )
        .unwrap();
    assert_eq!(say(), [false, true]);
    let on = desk
        .admin
        .ask(
            "PATCH",
            &path,
            Some(&json!({"version": off["version"], "is_enabled": true})),
        )
        .unwrap();
    assert_eq!(say(), [true, true]);
    let connector = &desk.connector.connector_id;
    desk.admin
        .patch_connector(connector, &json!({"forward_enabled": false}))
        .unwrap();
    assert_eq!(say(), [false, false]);
    desk.admin
        .patch_connector(connector, &json!({"forward_enabled": true}))
        .unwrap();
    let stale = desk
        .admin
        .call(
            "DELETE",
            &format!("{path}?version={}", mapping["version"]),
            None,
        )
        .unwrap();
    refused(&stale, 409, "stale_version");
    assert_eq!(
        desk.admin
            .call("DELETE", &format!("{path}?version={}", on["version"]), None)
            .unwrap()
            .status,
        204
    );
    assert_eq!(say(), [false, true]);
    refused(
        &desk
            .admin
            .call("DELETE", &format!("{path}?version={}", on["version"]), None)
            .unwrap(),
        404,
        "not_found",
    );
}

#[test]
fn the_next_batch_goes_by_the_roles_of_that_moment() {
    let desk = Desk::shared();
    let channel = desk.source();
    let path = format!(
        "/api/connectors/{}/channels/{channel}",
        desk.connector.connector_id
    );
    let put = |is_source: bool, version: Option<i64>| {
        let mut role = json!({"guild_id": GUILD.to_string(), "is_source": is_source, "is_target": false, "is_enabled": true, "thread_mode": "include"});
        if let Some(version) = version {
            role["version"] = json!(version);
        }
        desk.admin.call("PUT", &path, Some(&role)).unwrap()
    };
    desk.says([1, 0, 0, 0, 0], &[create(channel, signal_id(), "x")]);
    refused(&put(false, None), 409, "stale_version");
    refused(&put(false, Some(9)), 409, "stale_version");
    assert_eq!(json_of(&put(false, Some(1)))["version"], 2);
    desk.says([0, 0, 1, 0, 0], &[create(channel, signal_id(), "x")]);
    assert_eq!(put(true, Some(2)).status, 200);
    desk.says([1, 0, 0, 0, 0], &[create(channel, signal_id(), "x")]);
    assert_eq!(desk.seq(channel), 2);
    // The running actor went and came with the role.
    let name = format!("source_channel/{channel}");
    assert_eq!(
        crate::harness::actor(&desk.admin, &name)["state"],
        "running"
    );
}

#[test]
fn what_may_not_be_is_refused_with_the_reason() {
    let desk = Desk::shared();
    let (a, b, c, unmarked) = (desk.source(), desk.source(), desk.source(), fresh_id());
    let both = |channel: u64| {
        let path = format!(
            "/api/connectors/{}/channels/{channel}",
            desk.connector.connector_id
        );
        let role = json!({"guild_id": GUILD.to_string(), "is_source": true, "is_target": true, "is_enabled": true,
            "thread_mode": "include", "version": 1});
        desk.admin.ask("PUT", &path, Some(&role)).unwrap();
    };
    let refuses = |source: u64, target: u64, words: &str| {
        let answer = map(&desk, source, target);
        refused(&answer, 422, "refused");
        let message = json_of(&answer)["message"].as_str().unwrap().to_owned();
        assert!(message.contains(words), "{message}");
    };
    refuses(a, unmarked, "not marked as an enabled target");
    refuses(unmarked, a, "not an enabled source");
    refuses(a, b, "not marked as an enabled target");
    [a, b, c].into_iter().for_each(both);
    refuses(a, a, "into itself");
    assert_eq!(map(&desk, a, b).status, 201);
    refuses(a, b, "already");
    assert_eq!(map(&desk, b, c).status, 201);
    refuses(c, a, "loop");
    refuses(b, a, "loop");
    let filters = json!({"source_channel_id": c.to_string(), "target_channel_id": desk.target().to_string(), "filters_json": {"words": ["x"]}});
    refused(
        &desk
            .admin
            .call("POST", "/api/mappings", Some(&filters))
            .unwrap(),
        400,
        "invalid",
    );
    let again = json!({"connector_id": desk.connector.connector_id, "tenant_key": "tenant"});
    refused(
        &desk
            .admin
            .call("POST", "/api/connectors", Some(&again))
            .unwrap(),
        422,
        "refused",
    );
    refused(
        &desk
            .admin
            .call(
                "PUT",
                &format!("/api/channels/{unmarked}/visibility"),
                Some(&json!({"min_tier": 1})),
            )
            .unwrap(),
        404,
        "not_found",
    );
}

#[test]
fn a_stale_version_changes_nothing() {
    let desk = Desk::shared();
    let id = &desk.connector.connector_id;
    let connector = desk.admin.connector(id).unwrap().unwrap();
    let stale = connector["version"].as_i64().unwrap() - 1;
    let path = format!("/api/connectors/{id}");
    refused(
        &desk
            .admin
            .call(
                "PATCH",
                &path,
                Some(&json!({"version": stale, "status": "paused"})),
            )
            .unwrap(),
        409,
        "stale_version",
    );
    refused(
        &desk
            .admin
            .call(
                "POST",
                &format!("{path}/rotate"),
                Some(&json!({ "version": stale })),
            )
            .unwrap(),
        409,
        "stale_version",
    );
    let now = desk.admin.connector(id).unwrap().unwrap();
    assert_eq!(
        (&now["version"], &now["config_version"]),
        (&connector["version"], &connector["config_version"])
    );
    desk.says([0, 0, 0, 0, 0], &[]);
    refused(
        &desk
            .admin
            .call(
                "PATCH",
                "/api/connectors/nobody",
                Some(&json!({"version": 1})),
            )
            .unwrap(),
        404,
        "not_found",
    );
}

#[test]
fn every_change_leaves_a_row_with_before_and_after() {
    let desk = Desk::shared();
    let (source, target) = (desk.source(), desk.target());
    let id = &desk.connector.connector_id;
    let mapping = json_of(&map(&desk, source, target));
    let path = format!("/api/mappings/{}", mapping["mapping_id"]);
    let changed = desk
        .admin
        .ask("PATCH", &path, Some(&json!({"version": 1, "priority": 5})))
        .unwrap();
    desk.admin
        .ask(
            "DELETE",
            &format!("{path}?version={}", changed["version"]),
            None,
        )
        .unwrap();
    desk.admin
        .ask(
            "POST",
            &format!("/api/connectors/{id}/discovery"),
            Some(&json!({})),
        )
        .unwrap();
    desk.admin.rotate(id).unwrap();
    let rows = desk.admin.all("/api/audit").unwrap();
    let of = |subject: String| {
        let mut rows: Vec<&Value> = rows
            .iter()
            .filter(|row| row["subject"] == subject.as_str())
            .collect();
        rows.reverse();
        rows
    };
    let actions = |rows: &[&Value]| {
        rows.iter()
            .map(|row| row["action"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let of_mapping: Vec<&Value> = of(mapping["mapping_id"].to_string())
        .into_iter()
        .filter(|row| row["action"].as_str().unwrap().starts_with("mapping."))
        .collect();
    assert_eq!(
        actions(&of_mapping),
        ["mapping.create", "mapping.change", "mapping.remove"]
    );
    assert_eq!(
        (
            &of_mapping[1]["before"]["priority"],
            &of_mapping[1]["after"]["priority"]
        ),
        (&json!(0), &json!(5))
    );
    assert_eq!(
        (&of_mapping[0]["before"], &of_mapping[2]["after"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(actions(&of(format!("{id}/{source}"))), ["channel_role.put"]);
    assert_eq!(actions(&of(source.to_string())), ["channel.visibility"]);
    let of_connector = actions(&of(id.clone()));
    assert_eq!(of_connector[0], "connector.create", "{of_connector:?}");
    assert!(of_connector.len() >= 4, "{of_connector:?}");
    assert!(
        rows.iter()
            .all(|row| row["actor"] == "admin@127.0.0.1" && row["at_ms"].is_i64())
    );
}
