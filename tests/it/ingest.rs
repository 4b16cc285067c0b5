//! The routes of the connector contract and every refusal that needs no fault: who may say what, what counts as a body, and
//! what each answer has in it.

use std::time::Duration;

use heliograph_bench::http::HttpClient;
use serde_json::{Value, json};

use crate::{
    harness::{Desk, json_of, refused},
    said::{GUILD, create, fresh_id, signal_id, with},
};

const ROUTES: [&str; 3] = [
    "/ingest/message-batch",
    "/ingest/thread",
    "/ingest/channel-guild-sync",
];

/// A body that the route takes.
fn good_body(desk: &Desk, route: &str) -> Value {
    match route {
        "/ingest/message-batch" => desk.batch(&[]),
        "/ingest/thread" => desk.body(json!({"idempotency_key": "k", "event_type": "create", "thread":
            {"discord_thread_id": fresh_id().to_string(), "parent_channel_id": "2", "guild_id": "3", "name": "n"}})),
        _ => desk.body(json!({"idempotency_key": "k", "guilds": [], "channels": []})),
    }
}

#[test]
fn who_is_unknown_is_refused_on_every_route() {
    let desk = Desk::shared();
    let runtime_config = format!(
        "/connectors/{}/runtime-config?tenant_key=tenant",
        desk.connector.connector_id
    );
    let mut client = HttpClient::new(desk.book.now().ingest, Duration::from_secs(10));
    for authorization in [
        None,
        Some("Bearer"),
        Some("Bearer nobody"),
        Some("Basic bm9ib2R5"),
    ] {
        let headers: Vec<(&str, &str)> = authorization
            .map(|value| ("authorization", value))
            .into_iter()
            .collect();
        for route in ROUTES {
            // The body is never looked at.
            let answer = client.request("POST", route, &headers, Some(b"{")).unwrap();
            refused(&answer, 401, "unauthorized");
        }
        refused(
            &client
                .request("GET", &runtime_config, &headers, None)
                .unwrap(),
            401,
            "unauthorized",
        );
    }
}

#[test]
fn a_body_or_query_of_another_connector_is_forbidden() {
    let (desk, other) = (Desk::shared(), Desk::shared());
    let channel = other.source();
    let stolen = with(other.batch(&[create(channel, signal_id(), "x")]), json!({}));
    refused(
        &desk.post("/ingest/message-batch", &stolen),
        403,
        "forbidden",
    );
    assert!(other.signals(channel).is_empty());
    for route in ROUTES {
        for owner in [
            json!({"tenant_key": "elsewhere"}),
            json!({ "connector_id": other.connector.connector_id }),
        ] {
            refused(
                &desk.post(route, &with(good_body(&desk, route), owner)),
                403,
                "forbidden",
            );
        }
    }
    let (own, foreign) = (&desk.connector.connector_id, &other.connector.connector_id);
    for path in [
        format!("/connectors/{foreign}/runtime-config?tenant_key=tenant"),
        format!("/connectors/{own}/runtime-config?tenant_key=elsewhere"),
        format!("/connectors/{own}/runtime-config"),
    ] {
        refused(&desk.ask("GET", &path, &[], None), 403, "forbidden");
    }
}

#[test]
fn a_paused_connector_pushes_nothing_and_still_reads_its_configuration() {
    let desk = Desk::shared();
    let id = desk.connector.connector_id.clone();
    let runtime_config = format!("/connectors/{id}/runtime-config?tenant_key=tenant");
    for (off, on) in [
        (json!({"status": "paused"}), json!({"status": "active"})),
        (
            json!({"ingest_enabled": false}),
            json!({"ingest_enabled": true}),
        ),
    ] {
        desk.admin.patch_connector(&id, &off).unwrap();
        for route in ROUTES {
            refused(
                &desk.post(route, &good_body(&desk, route)),
                403,
                "connector_paused",
            );
        }
        let config = desk.ask("GET", &runtime_config, &[], None);
        assert_eq!(config.status, 200);
        let shown = &json_of(&config)["config"];
        for (key, value) in off.as_object().unwrap() {
            assert_eq!(&shown[key], value);
        }
        desk.admin.patch_connector(&id, &on).unwrap();
        for route in ROUTES {
            assert_eq!(
                desk.post(route, &good_body(&desk, route)).status,
                200,
                "{route}"
            );
        }
    }
}

#[test]
fn what_is_no_body_of_the_contract_is_refused_as_a_whole() {
    let desk = Desk::shared();
    for (body, code) in [
        ("", "invalid_json"),
        ("{", "invalid_json"),
        ("nonsense", "invalid_json"),
        ("null", "invalid_batch"),
        ("17", "invalid_batch"),
        ("[]", "invalid_batch"),
        ("{}", "invalid_batch"),
    ] {
        for route in ROUTES {
            refused(&desk.post_bytes(route, body.as_bytes()), 400, code);
        }
    }
    let trailing = format!("{} trailing", desk.batch(&[]));
    refused(
        &desk.post_bytes("/ingest/message-batch", trailing.as_bytes()),
        400,
        "invalid_json",
    );
    for fields in [
        json!({"messages": {}}),
        json!({"messages": "x"}),
        json!({}),
        json!({"messages": null}),
        json!({"messages": [], "tenant_key": 7}),
    ] {
        refused(
            &desk.post("/ingest/message-batch", &desk.body(fields)),
            400,
            "invalid_batch",
        );
    }
}

#[test]
fn the_correlation_id_is_taken_or_made_and_always_returned() {
    let desk = Desk::shared();
    let answer = desk.ask(
        "POST",
        "/ingest/message-batch",
        &[("x-correlation-id", "from-outside-17")],
        Some(b"{"),
    );
    assert_eq!(json_of(&answer)["correlation_id"], "from-outside-17");
    let body = desk
        .batch(&[with(
            create(1, signal_id(), "x"),
            json!({"discord_message_id": "none"}),
        )])
        .to_string();
    let answer = desk.ask(
        "POST",
        "/ingest/message-batch",
        &[("x-correlation-id", "from-outside-18")],
        Some(body.as_bytes()),
    );
    assert_eq!(
        (answer.status, &json_of(&answer)["correlation_id"]),
        (200, &json!("from-outside-18"))
    );
    assert_eq!(desk.quarantined()[0]["correlation_id"], "from-outside-18");
    for route in ROUTES {
        let [first, second] = [(), ()].map(|()| {
            json_of(&desk.post(route, &good_body(&desk, route)))["correlation_id"].clone()
        });
        assert!(first.is_string() && first != second, "{first} {second}");
    }
}

#[test]
fn answers_have_exactly_the_fields_of_the_contract() {
    let desk = Desk::shared();
    let keys = |answer: Value| {
        answer
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect::<Vec<_>>()
    };
    let batch = desk.push(&[create(desk.source(), signal_id(), "x")]);
    assert_eq!(batch["ok"], true);
    assert_eq!(
        keys(batch),
        [
            "accepted",
            "correlation_id",
            "deduped",
            "held",
            "ignored",
            "ok"
        ]
    );
    for route in &ROUTES[1..] {
        let answer = desk.post(route, &good_body(&desk, route));
        assert_eq!(keys(json_of(&answer)), ["correlation_id", "ok"], "{route}");
    }
}

#[test]
fn only_enabled_sources_of_this_connector_are_captured() {
    let (desk, other) = (Desk::shared(), Desk::shared());
    let (mine, theirs, unmarked, target) =
        (desk.source(), other.source(), fresh_id(), desk.target());
    let off = desk.source();
    let path = format!(
        "/api/connectors/{}/channels/{off}",
        desk.connector.connector_id
    );
    let role = json!({"guild_id": GUILD.to_string(), "is_source": true, "is_target": false, "is_enabled": false,
        "thread_mode": "include", "version": 1});
    desk.admin.ask("PUT", &path, Some(&role)).unwrap();
    let items: Vec<Value> = [mine, theirs, unmarked, target, off]
        .map(|channel| create(channel, signal_id(), "x"))
        .into();
    desk.says([1, 0, 4, 0, 0], &items);
    assert_eq!(
        (desk.signals(mine).len(), desk.signals(theirs).len()),
        (1, 0)
    );
}

#[test]
fn one_bad_item_costs_its_neighbours_nothing() {
    let desk = Desk::shared();
    let channel = desk.source();
    let (first, last) = (signal_id(), signal_id());
    let bad = with(
        create(channel, signal_id(), "x"),
        json!({"discord_channel_id": 7}),
    );
    let ignored = create(fresh_id(), signal_id(), "x");
    let held = with(
        create(channel, signal_id(), "x"),
        json!({"event_type": "update"}),
    );
    let again = create(channel, first, "one");
    let answer = desk.push(&[
        create(channel, first, "one"),
        bad.clone(),
        ignored,
        held,
        again,
        create(channel, last, "two"),
    ]);
    assert_eq!(crate::harness::counts(&answer), [2, 1, 1, 1, 1]);
    let reason = "discord_channel_id: expected a string, got a number";
    assert_eq!(answer["rejected"], json!([{"index": 1, "reason": reason}]));
    assert_eq!(desk.signals(channel).len(), 2);
    let kept = &desk.quarantined()[0];
    assert_eq!(
        (&kept["reason"], &kept["item_index"], &kept["kind"]),
        (&json!(reason), &json!(1), &json!("message-batch"))
    );
    assert_eq!(
        serde_json::from_str::<Value>(kept["body"].as_str().unwrap()).unwrap(),
        bad
    );
}

#[test]
fn an_unknown_route_or_method_is_refused_in_our_form() {
    let desk = Desk::shared();
    refused(
        &desk.ask("GET", "/ingest/nothing", &[], None),
        404,
        "not_found",
    );
    for route in ROUTES {
        for method in ["GET", "PUT", "DELETE", "PATCH"] {
            refused(
                &desk.ask(method, route, &[], None),
                405,
                "method_not_allowed",
            );
        }
    }
}
