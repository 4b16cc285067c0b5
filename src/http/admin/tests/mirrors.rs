//! The administration of mirroring over HTTP: dead letters, drops, pauses, back-fills and trails.

use super::*;
use diesel::connection::SimpleConnection;

impl Listener {
    /// Signals 1 to 3 of channel 5, delivered into 9 in these states.
    fn deliveries(&self, states: [&str; 3]) {
        let conn = &mut self.db.connect();
        for (n, state) in (1..).zip(states) {
            let said = json!({ "signal_id": n.to_string(), "channel_id": "5", "guild_id": "6", "created": true, "revision": 1,
                "text": { "stamp_ms": 0, "value": { "raw": "", "clean": format!("text {n}") } } });
            conn.batch_execute(&format!(
                "insert into signals (signal_id, channel_id, is_visible, revision, state) values ({n}, 5, true, 1, '{said}'); \
                 insert into deliveries (signal_id, target_channel_id, source_channel_id, mapping_id, desired_revision, state, \
                    attempts, last_error) values ({n}, 9, 5, 1, 1, '{state}', 8, '50035: no')"
            ))
            .unwrap();
        }
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        self.done(Method::POST, path, body).await
    }

    async fn states(&self) -> Vec<String> {
        let list = self.done(Method::GET, "/api/deliveries", Value::Null).await;
        let items = list["items"].as_array().unwrap().clone();
        items
            .iter()
            .map(|item| item["state"].as_str().unwrap().to_owned())
            .collect()
    }

    fn looked_at(&self) -> Vec<i64> {
        std::mem::take(&mut *self.still.looked_at.lock().unwrap())
    }
}

fn item(signal: i64) -> Value {
    json!({ "signal_id": signal.to_string(), "target_channel_id": "9" })
}

#[actix_web::test]
async fn dead_letters_are_shown_and_put_back() {
    let l = Listener::new(None);
    l.deliveries(["x", "d", "x"]);
    let list = l
        .done(
            Method::GET,
            "/api/dead-letters?target_channel_id=9&limit=1",
            Value::Null,
        )
        .await;
    let letter = &list["items"][0];
    assert_eq!(
        (
            &letter["reason"],
            &letter["payload"]["text"],
            &letter["attempts"]
        ),
        (&json!("50035: no"), &json!("text 1"), &json!(8))
    );
    assert_eq!(list["next_after"], "9:1");
    let redrive = "/api/dead-letters/redrive";
    let one = json!({ "items": [item(1), item(1)] });
    assert_eq!(
        l.post(redrive, one.clone()).await,
        json!({ "redriven": 1, "more": false })
    );
    assert_eq!(l.looked_at(), [9]);
    assert_eq!(l.post(redrive, one).await["redriven"], 0);
    assert_eq!(l.looked_at(), [0; 0]);
    let rest = l.post(redrive, json!({ "target_channel_id": "9" })).await;
    assert_eq!(rest, json!({ "redriven": 1, "more": false }));
    assert_eq!(l.states().await, ["pending", "delivered", "pending"]);
    assert_eq!(l.post(redrive, json!({ "all": true })).await["redriven"], 0);
}

#[actix_web::test]
async fn what_is_dropped_waits_for_nobody_until_it_is_restored() {
    let l = Listener::new(None);
    l.deliveries(["p", "x", "d"]);
    let drop = json!({ "items": [item(1), item(2)], "reason": "not for customers" });
    let done = l.post("/api/deliveries/drop", drop.clone()).await;
    assert_eq!(done, json!({ "dropped": 2 }));
    assert_eq!(l.looked_at(), [9]);
    assert_eq!(l.post("/api/deliveries/drop", drop).await["dropped"], 0);
    let dropped = l
        .done(Method::GET, "/api/deliveries?state=dropped", Value::Null)
        .await;
    assert_eq!(
        dropped["items"][0]["last_error"],
        "dropped: not for customers"
    );
    let audit = l.done(Method::GET, "/api/audit?limit=1", Value::Null).await;
    let entry = &audit["items"][0];
    assert_eq!(
        (&entry["action"], &entry["before"]["reason"]),
        (&json!("delivery.drop"), &json!("not for customers"))
    );
    assert_eq!(entry["before"]["deliveries"][1]["state"], "dead_letter");
    let restored = l
        .post("/api/deliveries/restore", json!({ "items": [item(1)] }))
        .await;
    assert_eq!(restored, json!({ "restored": 1, "more": false }));
    assert_eq!(l.states().await, ["pending", "dropped", "delivered"]);
}

#[actix_web::test]
async fn decisions_that_make_no_sense_are_refused_whole() {
    let l = Listener::new(None);
    l.deliveries(["x", "d", "c"]);
    let redrive = "/api/dead-letters/redrive";
    let many: Vec<Value> = (0..501).map(|_| item(1)).collect();
    let no_reason = json!({ "items": [item(1)], "reason": " " });
    let table = [
        (redrive, json!({}), 422, "refused"),
        (redrive, json!({ "all": false }), 422, "refused"),
        (
            redrive,
            json!({ "all": true, "items": [item(1)] }),
            422,
            "refused",
        ),
        (redrive, json!({ "items": [] }), 422, "refused"),
        (redrive, json!({ "items": many }), 422, "refused"),
        (redrive, json!({ "item": [item(1)] }), 400, "invalid"),
        (
            redrive,
            json!({ "items": [item(1), item(4)] }),
            404,
            "not_found",
        ),
        (
            redrive,
            json!({ "items": [item(1), item(2)] }),
            409,
            "other_state",
        ),
        (
            redrive,
            json!({ "items": [item(1), item(3)] }),
            409,
            "other_state",
        ),
        (
            "/api/deliveries/restore",
            json!({ "items": [item(1)] }),
            409,
            "other_state",
        ),
        ("/api/deliveries/drop", no_reason, 400, "invalid"),
        (
            "/api/deliveries/drop",
            json!({ "items": [item(2)], "reason": "r" }),
            409,
            "other_state",
        ),
    ];
    for (path, body, status, code) in table {
        l.refused(Method::POST, path, body, status, code).await;
    }
    assert_eq!(l.states().await, ["dead_letter", "delivered", "dropped"]);
    assert_eq!(l.looked_at(), [0; 0]);
}

#[actix_web::test]
async fn a_reconciliation_is_cancelled_once() {
    let l = Listener::new(None);
    l.deliveries(["d", "d", "d"]);
    let cancel = "/api/targets/9/reconcile/cancel";
    l.refused(Method::POST, cancel, Value::Null, 404, "not_found")
        .await;
    l.post("/api/targets/9/reconcile", Value::Null).await;
    let ended = l.post(cancel, Value::Null).await;
    assert_eq!(ended["report"]["broken_off"], "cancelled");
    assert!(ended["finished_at_ms"].is_i64(), "{ended}");
    assert_eq!(l.looked_at(), [9, 9]);
    l.refused(Method::POST, cancel, Value::Null, 404, "not_found")
        .await;
}

#[actix_web::test]
async fn what_is_committed_is_seen_to_even_when_nobody_waits_for_it() {
    let l = Listener::new(None);
    let (begin, begun) = tokio::sync::oneshot::channel();
    let (go, may_go) = tokio::sync::oneshot::channel::<()>();
    let (done, seen) = tokio::sync::oneshot::channel();
    let admin = l.admin.clone();
    let asked = actix_web::rt::spawn(async move {
        let work = async move |_: Admin| {
            begin.send(()).unwrap();
            done.send(may_go.await).unwrap();
            Ok(())
        };
        admin.to_its_end(work).await
    });
    begun.await.unwrap();
    asked.abort();
    assert!(asked.await.unwrap_err().is_cancelled());
    go.send(()).unwrap();
    assert_eq!(seen.await, Ok(Ok(())));
}

#[actix_web::test]
async fn a_mapping_that_was_not_filled_in_whole_says_so() {
    let l = Listener::new(None);
    l.connector("c1").await;
    for (channel, is_source) in [(5, true), (9, false)] {
        l.role("c1", channel, is_source, !is_source).await;
    }
    l.changes.fails.store(true, Ordering::SeqCst);
    let mut body = mapping(5, 9);
    body["start"] = json!({ "last": 5 });
    let message = l
        .refused(Method::POST, "/api/mappings", body, 503, "unavailable")
        .await;
    assert!(
        message.contains("mapped; run a back-fill again"),
        "{message}"
    );
}

#[actix_web::test]
async fn targets_are_listed_paused_and_resumed() {
    let l = Listener::new(None);
    l.deliveries(["p", "x", "d"]);
    let list = l.done(Method::GET, "/api/targets", Value::Null).await;
    let target = &list["items"][0];
    assert_eq!(
        (
            &target["backlog"],
            &target["dead_letters"],
            &target["state"]
        ),
        (&json!(1), &json!(1), &json!("not_running"))
    );
    assert_eq!(target["latency"]["create"], Value::Null);
    let paused = l
        .post("/api/targets/9/pause", json!({ "version": 0 }))
        .await;
    assert_eq!(
        (&paused["is_paused"], &paused["version"]),
        (&json!(true), &json!(1))
    );
    l.refused(
        Method::POST,
        "/api/targets/9/resume",
        json!({ "version": 0 }),
        409,
        "stale_version",
    )
    .await;
    l.refused(
        Method::POST,
        "/api/targets/8/pause",
        json!({ "version": 0 }),
        404,
        "not_found",
    )
    .await;
    let list = l.done(Method::GET, "/api/targets", Value::Null).await;
    assert_eq!(list["items"][0]["state"], "paused");
    l.post("/api/targets/9/resume", json!({ "version": 1 }))
        .await;
    assert_eq!(l.looked_at(), [9, 9]);
}

#[actix_web::test]
async fn a_mapping_starts_with_the_last_signals() {
    let l = Listener::new(None);
    l.deliveries(["d", "d", "d"]);
    l.connector("c1").await;
    l.role("c1", 5, true, false).await;
    l.role("c1", 8, false, true).await;
    let mapping = |start: Value| json!({ "source_channel_id": "5", "target_channel_id": "8", "ping_role_id": "3", "start": start });
    for last in [0, 1001] {
        l.refused(
            Method::POST,
            "/api/mappings",
            mapping(json!({ "last": last })),
            422,
            "refused",
        )
        .await;
    }
    for start in [json!("empty"), json!({ "first": 1 })] {
        l.refused(
            Method::POST,
            "/api/mappings",
            mapping(start),
            400,
            "invalid",
        )
        .await;
    }
    let applied = l.changes.applied.load(Ordering::SeqCst);
    let made = l.post("/api/mappings", mapping(json!({ "last": 2 }))).await;
    assert_eq!(l.changes.applied.load(Ordering::SeqCst), applied + 1);
    assert_eq!(l.looked_at(), [8, 8]);
    let into = "/api/deliveries?target_channel_id=8";
    let list = l.done(Method::GET, into, Value::Null).await;
    let items = list["items"].as_array().unwrap();
    let filled: Vec<_> = items
        .iter()
        .map(|item| {
            (
                item["signal_id"].as_str().unwrap(),
                item["ping_role_id"].is_null(),
            )
        })
        .collect();
    assert_eq!(filled, [("2", true), ("3", true)]);
    let path = format!("/api/mappings/{}/backfill", made["mapping_id"]);
    assert_eq!(
        l.post(&path, json!({ "last": 9 })).await,
        json!({ "backfilled": 1 })
    );
    l.refused(
        Method::POST,
        "/api/mappings/77/backfill",
        json!({ "last": 9 }),
        404,
        "not_found",
    )
    .await;
}

#[actix_web::test]
async fn a_trail_is_shown() {
    let l = Listener::new(None);
    l.deliveries(["x", "d", "d"]);
    let trail = l
        .done(Method::GET, "/api/signals/1/trail", Value::Null)
        .await;
    assert_eq!(trail["signal"]["source_channel_id"], "5");
    assert_eq!(trail["deliveries"][0]["explanation"], "given up: 50035: no");
    for (path, status, code) in [
        ("/api/signals/44/trail", 404, "not_found"),
        ("/api/signals/x/trail", 404, "not_found"),
    ] {
        l.refused(Method::GET, path, Value::Null, status, code)
            .await;
    }
}
