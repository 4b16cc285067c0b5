//! Refusals for now: too much at once, and a database that is away. Nothing is stored, `Retry-After` is given, and what comes
//! again is taken.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
};

use heliograph_bench::stage::Database;

use crate::{
    harness::{Desk, PATIENCE, chunked, json_of, raw, refused, server, start, status_of, wait_for},
    said::{create, signal_id},
};

const BODY_BYTES_MAX: usize = 4096;

#[test]
fn too_much_at_once_is_to_come_again_in_smaller_pieces() {
    let stage = start(
        server()
            .with_env(
                "HELIOGRAPH_INGEST_BODY_BYTES_MAX",
                BODY_BYTES_MAX.to_string(),
            )
            .with_env("HELIOGRAPH_INGEST_BATCH_ITEMS_MAX", "3")
            .with_env("HELIOGRAPH_INGEST_BATCHES_IN_FLIGHT_PER_CONNECTOR_MAX", "1"),
    );
    let desk = Desk::on(&stage);
    let channel = desk.source();
    a_batch_of_too_many_items(&desk, channel);
    a_body_of_too_many_bytes(&desk, channel);
    too_many_batches(&desk, channel);
}

fn a_batch_of_too_many_items(desk: &Desk, channel: u64) {
    let items: Vec<_> = (0..4).map(|_| create(channel, signal_id(), "x")).collect();
    refused(&desk.try_push(&items), 429, "batch_too_large");
    assert!(desk.signals(channel).is_empty());
    desk.says([3, 0, 0, 0, 0], &items[..3]);
}

fn a_body_of_too_many_bytes(desk: &Desk, channel: u64) {
    let before = desk.seq(channel);
    let body_of = |bytes: usize| {
        let with_text = |text: &str| {
            desk.batch(&[create(channel, signal_id(), text)])
                .to_string()
        };
        // The text stands in the body twice, in both of its forms.
        with_text(&"x".repeat((bytes - with_text("").len()) / 2))
    };
    let path = "/ingest/message-batch";
    refused(
        &desk.post_bytes(path, body_of(BODY_BYTES_MAX + 2).as_bytes()),
        429,
        "body_too_large",
    );
    refused(
        &desk.post_bytes(path, body_of(100 * BODY_BYTES_MAX).as_bytes()),
        429,
        "body_too_large",
    );
    let in_chunks = |body: &str| {
        let mut request = desk
            .head("POST", path, &["transfer-encoding: chunked"])
            .into_bytes();
        request.extend(chunked(body.as_bytes(), 1000));
        raw(desk.book.now().ingest, &request)
    };
    let answer = in_chunks(&body_of(BODY_BYTES_MAX + 2));
    assert_eq!(status_of(&answer), 429);
    assert!(
        answer.contains("\"body_too_large\"")
            && answer.to_lowercase().contains("\r\nretry-after: "),
        "{answer}"
    );
    assert_eq!(desk.seq(channel), before);
    // The bound itself is not over it, in either form.
    assert_eq!(
        desk.post_bytes(path, body_of(BODY_BYTES_MAX).as_bytes())
            .status,
        200
    );
    assert_eq!(status_of(&in_chunks(&body_of(BODY_BYTES_MAX))), 200);
    assert_eq!(desk.seq(channel), before + 2);
}

/// A batch whose body does not end holds the only place.
fn too_many_batches(desk: &Desk, channel: u64) {
    let body = desk
        .batch(&[create(channel, signal_id(), "slow")])
        .to_string();
    let (begin, rest) = body.as_bytes().split_at(10);
    let head = desk.head(
        "POST",
        "/ingest/message-batch",
        &[&format!("content-length: {}", body.len())],
    );
    let mut slow = TcpStream::connect(desk.book.now().ingest).unwrap();
    slow.set_read_timeout(Some(PATIENCE)).unwrap();
    slow.write_all(head.as_bytes()).unwrap();
    slow.write_all(begin).unwrap();
    let batch = [create(channel, signal_id(), "fast")];
    let answer = wait_for("the only place to be taken", || {
        let answer = desk.try_push(&batch);
        (answer.status != 200).then_some(answer)
    });
    refused(&answer, 429, "too_many_batches");
    slow.write_all(rest).unwrap();
    let mut answer = String::new();
    slow.read_to_string(&mut answer).unwrap();
    assert_eq!(status_of(&answer), 200, "{answer}");
    desk.push_until_taken(&batch);
    assert_eq!(
        desk.signals(channel)
            .iter()
            .filter(|signal| signal["text"] == "slow")
            .count(),
        1
    );
}

#[test]
fn without_a_database_everything_is_to_come_again_and_then_goes_on() {
    let mut settings = server().with_env("HELIOGRAPH_INGEST_COMMIT_TIMEOUT_MS", "500");
    settings.database = Database::Own;
    let stage = start(settings);
    let desk = Desk::on(&stage);
    let (channel, first) = (desk.source(), signal_id());
    desk.says([1, 0, 0, 0, 0], &[create(channel, first, "before")]);
    let postgres = stage.postgres().unwrap();
    postgres.kill9().unwrap();

    let while_away = create(channel, signal_id(), "while away");
    refused(
        &desk.try_push(std::slice::from_ref(&while_away)),
        503,
        "unavailable",
    );
    let sync = desk.body(serde_json::json!({"idempotency_key": "k", "guilds": [], "channels": []}));
    refused(
        &desk.post("/ingest/channel-guild-sync", &sync),
        503,
        "unavailable",
    );
    wait_for("the server to say that it is not ready", || {
        (!desk.admin.is_ready()).then_some(())
    });
    let tree = desk.admin.actors().unwrap();
    assert_eq!(tree["ready"], false);
    assert!(tree["not_ready_reason"].is_string());
    // What is known without the tables is still told.
    let path = format!(
        "/connectors/{}/runtime-config?tenant_key=tenant",
        desk.connector.connector_id
    );
    assert_eq!(desk.ask("GET", &path, &[], None).status, 200);

    postgres.relaunch().unwrap();
    let answer = desk.push_until_taken(&[create(channel, first, "before"), while_away]);
    assert_eq!(
        answer["accepted"].as_u64().unwrap() + answer["deduped"].as_u64().unwrap(),
        2,
        "{answer}"
    );
    wait_for("the server to be ready", || {
        desk.admin.is_ready().then_some(())
    });
    assert_eq!((desk.signals(channel).len(), desk.seq(channel)), (2, 2));
    let response = wait_for("snapshots to be taken", || {
        Some(desk.post("/ingest/channel-guild-sync", &sync)).filter(|r| r.status == 200)
    });
    assert_eq!(json_of(&response)["ok"], true);
}
