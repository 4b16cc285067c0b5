//! The listener from outside: its routes on a real database, its refusals, and bodies over a real socket.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use crate::http::{changes::NotApplied, correlation::correlate};
use actix_web::{
    App, HttpServer,
    body::{MessageBody, to_bytes},
    http::header::HeaderMap,
    middleware::from_fn,
    test::{self, TestRequest},
};
use diesel::{RunQueryDsl as _, sql_types::BigInt};
use futures_util::future::BoxFuture;
use heliograph_actors::outlets::Outlets;
use heliograph_schema::{sql::Sql, test_database::TestDatabase};
use serde_json::{Value as Json, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

const LIMITS: IngestLimits = IngestLimits {
    body_bytes_max: 4096,
    batch_items_max: 100,
    commit_timeout_ms: 5_000,
    long_poll_s_max: 30,
};

#[derive(Default)]
struct CountedChanges(AtomicUsize);

impl ConfigurationChanged for CountedChanges {
    fn apply(&self) -> BoxFuture<'static, Result<(), NotApplied>> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Box::pin(async { Err(NotApplied("busy".to_owned())) })
    }
}

/// The listener on a database of its own, with the connectors `c1` and `paused`.
struct Listener {
    db: TestDatabase,
    ingest: web::Data<Ingest>,
    readiness: web::Data<Readiness>,
    changes: Arc<CountedChanges>,
    _swap: watch::Sender<Arc<RoutingTable>>,
}

struct Answered {
    status: u16,
    headers: HeaderMap,
    body: Json,
}

impl Listener {
    fn new(limits: IngestLimits) -> Self {
        let mut paused = fixture::connector("paused");
        paused.is_paused = true;
        let table = fixture::table([fixture::connector("c1"), paused]);
        let (swap, routing) = watch::channel(Arc::new(table));
        let (db, changes) = (TestDatabase::new(), Arc::new(CountedChanges::default()));
        let ingest = Ingest::new(
            routing,
            db.store(),
            Arc::clone(&changes) as Arc<dyn ConfigurationChanged>,
            Outlets::default(),
            ConnectorBoard::default(),
            Noticeboard::default(),
            limits,
        );
        Self {
            db,
            ingest: web::Data::new(ingest),
            readiness: web::Data::new(Readiness {
                can_commit: Arc::new(true.into()),
                stopping: Arc::default(),
            }),
            changes,
            _swap: swap,
        }
    }

    async fn call(&self, request: TestRequest) -> Answered {
        let app = App::new()
            .app_data(self.ingest.clone())
            .app_data(self.readiness.clone())
            .configure(routes)
            .wrap(from_fn(correlate));
        let app = test::init_service(app).await;
        let response = test::call_service(&app, request.to_request()).await;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = to_bytes(response.into_body().boxed()).await.unwrap();
        let body = if bytes.is_empty() {
            Json::Null
        } else {
            serde_json::from_slice(&bytes).unwrap()
        };
        Answered {
            status,
            headers,
            body,
        }
    }

    async fn push(&self, path: &str, body: &Json) -> Answered {
        self.call(of("c1", TestRequest::post().uri(path)).set_payload(body.to_string()))
            .await
    }

    fn count(&self, query: &'static str) -> i64 {
        Sql::new(query)
            .rows::<BigInt>()
            .get_result(&mut self.db.connect())
            .unwrap()
    }
}

fn of(connector_id: &str, request: TestRequest) -> TestRequest {
    request
        .insert_header(("authorization", format!("Bearer token-of-{connector_id}")))
        .insert_header(("x-correlation-id", "abc"))
}

fn thread_event(event_type: &str) -> Json {
    let thread = json!({"discord_thread_id": "3", "parent_channel_id": "2", "guild_id": "1", "name": "BTC", "archived": false, "locked": false});
    json!({"tenant_key": "tenant", "connector_id": "c1", "idempotency_key": "k", "event_type": event_type, "thread": thread})
}

fn snapshot(guilds: &Json, channels: &Json) -> Json {
    json!({"tenant_key": "tenant", "connector_id": "c1", "idempotency_key": "k", "guilds": guilds, "channels": channels})
}

#[actix_web::test]
async fn refusals_have_one_form_and_store_nothing() {
    let listener = Listener::new(LIMITS);
    let thread = thread_event("create").to_string();
    let foreign = thread.replace("\"c1\"", "\"c2\"");
    let table = [
        (
            TestRequest::post().uri("/ingest/thread"),
            thread.as_str(),
            401,
            "unauthorized",
        ),
        (
            of("nobody", TestRequest::post().uri("/ingest/thread")),
            &thread,
            401,
            "unauthorized",
        ),
        (
            of("paused", TestRequest::post().uri("/ingest/thread")),
            &thread,
            403,
            "connector_paused",
        ),
        (
            of(
                "paused",
                TestRequest::post().uri("/ingest/channel-guild-sync"),
            ),
            &thread,
            403,
            "connector_paused",
        ),
        (
            of("c1", TestRequest::post().uri("/ingest/thread")),
            &foreign,
            403,
            "forbidden",
        ),
        (
            of("c1", TestRequest::post().uri("/ingest/thread")),
            "{\"tenant_key\":",
            400,
            "invalid_json",
        ),
        (
            of("c1", TestRequest::post().uri("/ingest/thread")),
            "{\"tenant_key\":\"tenant\",\"connector_id\":\"c1\"}",
            400,
            "invalid_batch",
        ),
        (
            of("c1", TestRequest::post().uri("/ingest/channel-guild-sync")),
            "[]",
            400,
            "invalid_batch",
        ),
        (
            of("c1", TestRequest::get().uri("/ingest/thread")),
            "",
            405,
            "method_not_allowed",
        ),
        (
            of(
                "c1",
                TestRequest::post().uri("/connectors/c1/runtime-config"),
            ),
            "",
            405,
            "method_not_allowed",
        ),
        (
            of("c1", TestRequest::get().uri("/nowhere")),
            "",
            404,
            "not_found",
        ),
        (
            of(
                "c1",
                TestRequest::get().uri("/connectors/c1/runtime-config"),
            ),
            "",
            403,
            "forbidden",
        ),
        (
            of(
                "c1",
                TestRequest::get().uri("/connectors/c2/runtime-config?tenant_key=tenant"),
            ),
            "",
            403,
            "forbidden",
        ),
        (
            of(
                "c1",
                TestRequest::get().uri("/connectors/c1/runtime-config?tenant_key=other"),
            ),
            "",
            403,
            "forbidden",
        ),
        (
            of(
                "nobody",
                TestRequest::get().uri("/connectors/c1/runtime-config?tenant_key=tenant"),
            ),
            "",
            401,
            "unauthorized",
        ),
    ];
    for (request, body, status, error_code) in table {
        let answered = listener
            .call(
                request
                    .insert_header(("x-correlation-id", "abc"))
                    .set_payload(body.to_owned()),
            )
            .await;
        assert_eq!(
            (answered.status, answered.body["error_code"].as_str()),
            (status, Some(error_code)),
            "{}",
            answered.body
        );
        assert_eq!(
            (&answered.body["ok"], &answered.body["correlation_id"]),
            (&json!(false), &json!("abc"))
        );
    }
    assert_eq!(listener.count("select count(*) from raw_batches"), 0);
}

#[actix_web::test]
async fn a_thread_event_is_kept_with_its_body_and_may_come_again() {
    let listener = Listener::new(LIMITS);
    for event_type in ["create", "members_update", "create"] {
        let answered = listener
            .push("/ingest/thread", &thread_event(event_type))
            .await;
        assert_eq!(
            (answered.status, answered.body),
            (200, json!({"ok": true, "correlation_id": "abc"}))
        );
    }
    assert_eq!(listener.count("select count(*) from threads where thread_id = 3 and parent_channel_id = 2 and name = 'BTC'"), 1);
    assert_eq!(listener.count("select count(*) from raw_batches where kind = 'thread' and connector_id = 'c1' and correlation_id = 'abc'"), 3);
}

#[actix_web::test]
async fn only_a_snapshot_with_other_names_changes_the_configuration() {
    let listener = Listener::new(LIMITS);
    let guilds = json!([{"discord_guild_id": "1", "name": "Desk"}]);
    let channels = json!([{"discord_channel_id": "10", "guild_id": "1", "name": "btc", "type": 0}]);
    let renamed = json!([{"discord_channel_id": "10", "guild_id": "1", "name": "bitcoin"}]);
    let steps = [
        (&guilds, &channels, 1),
        (&guilds, &channels, 1),
        (&guilds, &json!([]), 1),
        (&guilds, &renamed, 2),
    ];
    for (guilds, channels, changes) in steps {
        let answered = listener
            .push("/ingest/channel-guild-sync", &snapshot(guilds, channels))
            .await;
        assert_eq!(
            (answered.status, answered.body),
            (200, json!({"ok": true, "correlation_id": "abc"}))
        );
        assert_eq!(
            listener.changes.0.load(Ordering::Relaxed),
            changes,
            "{channels}"
        );
    }
    assert_eq!(
        listener.count(
            "select count(*) from channels where channel_id = 10 and name = 'bitcoin' and kind = 0"
        ),
        1
    );
    assert_eq!(
        listener.count("select count(*) from raw_batches where kind = 'channel-guild-sync'"),
        4
    );
}

#[actix_web::test]
async fn a_bad_entry_is_quarantined_and_its_neighbours_are_taken() {
    let listener = Listener::new(LIMITS);
    let guilds = json!([{"discord_guild_id": "9223372036854775808", "name": "x"}, {"discord_guild_id": "2", "name": "Desk"}]);
    let answered = listener
        .push("/ingest/channel-guild-sync", &snapshot(&guilds, &json!([])))
        .await;
    let reason = "guilds[0].discord_guild_id: not a snowflake: expected a decimal string between 1 and 2^63-1";
    assert_eq!(
        answered.body["rejected"],
        json!([{"kind": "guild", "index": 0, "reason": reason}])
    );
    assert_eq!(listener.count("select count(*) from guilds"), 1);
    assert_eq!(
        listener.count("select count(*) from quarantine where kind = 'guild' and item_index = 0 and correlation_id = 'abc' and convert_from(body, 'utf8') like '%9223372036854775808%'"),
        1
    );
}

/// A transaction that keeps everybody else from storing bodies until it is dropped.
fn hold_up(listener: &Listener) -> PgConnection {
    let mut held = listener.db.connect();
    held.begin_test_transaction().unwrap();
    Sql::new("lock table raw_batches in access exclusive mode")
        .execute(&mut held)
        .unwrap();
    held
}

/// Waits until this is so, at most 5 s.
async fn until(what: &str, is_so: impl Fn() -> bool) {
    for _ in 0..500 {
        if is_so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("not within 5 s: {what}");
}

#[actix_web::test]
async fn without_a_commit_the_connector_is_told_to_come_again() {
    let listener = Listener::new(IngestLimits {
        commit_timeout_ms: 50,
        ..LIMITS
    });
    let _held = hold_up(&listener);
    let pushes = [
        ("/ingest/thread", thread_event("create")),
        (
            "/ingest/channel-guild-sync",
            snapshot(&json!([]), &json!([])),
        ),
    ];
    for (path, body) in pushes {
        let answered = listener.push(path, &body).await;
        assert_eq!(
            (answered.status, answered.body["error_code"].as_str()),
            (503, Some("unavailable"))
        );
        assert!(answered.headers.contains_key("retry-after"));
    }
}

#[actix_web::test]
async fn events_are_taken_only_while_there_is_room_and_no_stop() {
    let listener = Listener::new(LIMITS);
    let pushes = [
        ("/ingest/thread", thread_event("create")),
        (
            "/ingest/channel-guild-sync",
            snapshot(&json!([]), &json!([])),
        ),
    ];
    for (path, body) in pushes {
        let error_of = async || {
            let answered = listener.push(path, &body).await;
            let waits = answered.headers.contains_key("retry-after");
            assert_eq!(waits, answered.status != 200, "{path}");
            let code = answered.body["error_code"].as_str().unwrap_or_default();
            (answered.status, code.to_owned())
        };
        let all_places = u32::try_from(EVENTS_IN_FLIGHT_MAX).unwrap();
        let held = Arc::clone(&listener.ingest.events).acquire_many_owned(all_places);
        let held = held.await.unwrap();
        assert_eq!(error_of().await, (429, "too_many_batches".to_owned()));
        drop(held);
        assert_eq!(error_of().await.0, 200);
        listener.readiness.stopping.store(true, SeqCst);
        assert_eq!(error_of().await, (503, "stopping".to_owned()));
        listener.readiness.stopping.store(false, SeqCst);
        until("every place is given back", || {
            listener.ingest.events.available_permits() == EVENTS_IN_FLIGHT_MAX
        })
        .await;
    }
    assert_eq!(listener.count("select count(*) from raw_batches"), 2);
}

#[actix_web::test]
async fn names_that_are_committed_late_are_shown_all_the_same() {
    let listener = Listener::new(IngestLimits {
        commit_timeout_ms: 50,
        ..LIMITS
    });
    let held = hold_up(&listener);
    let guilds = json!([{"discord_guild_id": "1", "name": "Desk"}]);
    let answered = listener
        .push("/ingest/channel-guild-sync", &snapshot(&guilds, &json!([])))
        .await;
    assert_eq!(
        (answered.status, listener.changes.0.load(Ordering::Relaxed)),
        (503, 0)
    );
    drop(held);
    until("the names are shown", || {
        listener.changes.0.load(Ordering::Relaxed) == 1
    })
    .await;
    assert_eq!(listener.count("select count(*) from guilds"), 1);
}

#[actix_web::test]
async fn the_configuration_comes_with_its_etag_and_not_twice() {
    let listener = Listener::new(LIMITS);
    let ask = |tag: &'static str| {
        of(
            "paused",
            TestRequest::get().uri("/connectors/paused/runtime-config?tenant_key=tenant&wait=0"),
        )
        .insert_header(("if-none-match", tag))
    };
    let answered = listener.call(ask("W/\"6:0\"")).await;
    assert_eq!(
        (
            answered.status,
            answered.headers.get("etag").unwrap().to_str().unwrap()
        ),
        (200, "W/\"7:0\"")
    );
    assert_eq!(
        (
            &answered.body["ok"],
            &answered.body["config"]["status"],
            &answered.body["correlation_id"]
        ),
        (&json!(true), &json!("paused"), &json!("abc"))
    );
    let known = listener.call(ask("W/\"7:0\"")).await;
    assert_eq!(
        (
            known.status,
            known.headers.get("etag").unwrap().to_str().unwrap(),
            known.body
        ),
        (304, "W/\"7:0\"", Json::Null)
    );
}

#[actix_web::test]
async fn a_connector_that_asks_is_seen() {
    let listener = Listener::new(LIMITS);
    Sql::new("insert into connectors (connector_id, tenant_key, name, token_hash) values ('c1', 'tenant', 'one', '\\x00')").execute(&mut listener.db.connect()).unwrap();
    listener
        .call(of(
            "c1",
            TestRequest::get().uri("/connectors/c1/runtime-config?tenant_key=tenant"),
        ))
        .await;
    let seen = "select count(*) from connectors where last_seen_at is not null";
    until("it is seen", || listener.count(seen) == 1).await;
}

/// Sends raw bytes to the listener over a socket and reads all it answers.
async fn over_a_socket(listener: &Listener, request: Vec<u8>) -> String {
    let (ingest, readiness) = (listener.ingest.clone(), listener.readiness.clone());
    let server = HttpServer::new(move || {
        App::new()
            .app_data(ingest.clone())
            .app_data(readiness.clone())
            .configure(routes)
            .wrap(from_fn(correlate))
    });
    let server = server
        .workers(1)
        .disable_signals()
        .bind(("127.0.0.1", 0))
        .unwrap();
    let address = server.addrs()[0];
    let server = server.run();
    let handle = server.handle();
    actix_web::rt::spawn(server);
    let mut socket = TcpStream::connect(address).await.unwrap();
    let (mut reader, mut writer) = socket.split();
    let mut answer = Vec::new();
    let reading = tokio::time::timeout(Duration::from_secs(20), reader.read_to_end(&mut answer));
    let (_written, read) = tokio::join!(writer.write_all(&request), reading);
    read.expect("the connection ends").ok();
    handle.stop(false).await;
    String::from_utf8(answer).unwrap()
}

/// A thread event of `body_bytes` bytes, in chunks or with its length announced.
fn raw_request(body_bytes: usize, chunked: bool) -> Vec<u8> {
    let mut body = thread_event("create").to_string();
    body.extend(std::iter::repeat_n(' ', body_bytes - body.len()));
    let head = "POST /ingest/thread HTTP/1.1\r\nhost: x\r\nauthorization: Bearer token-of-c1\r\nconnection: close\r\n";
    if !chunked {
        return format!("{head}content-length: {body_bytes}\r\n\r\n{body}").into_bytes();
    }
    let chunks: String = body
        .as_bytes()
        .chunks(1000)
        .map(|chunk| {
            format!(
                "{:x}\r\n{}\r\n",
                chunk.len(),
                String::from_utf8_lossy(chunk)
            )
        })
        .collect();
    format!("{head}transfer-encoding: chunked\r\n\r\n{chunks}0\r\n\r\n").into_bytes()
}

#[actix_web::test]
async fn a_body_over_the_bound_is_to_come_again_and_stores_nothing() {
    let listener = Listener::new(LIMITS);
    for chunked in [false, true] {
        let answer = over_a_socket(&listener, raw_request(LIMITS.body_bytes_max, chunked)).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    let stored = listener.count("select count(*) from raw_batches");
    assert_eq!(stored, 2);
    for (bytes, chunked) in [
        (4097, false),
        (4097, true),
        (8192, false),
        (8192, true),
        (1_000_000, false),
        (1_000_000, true),
    ] {
        let answer = over_a_socket(&listener, raw_request(bytes, chunked)).await;
        assert!(
            answer.starts_with("HTTP/1.1 429"),
            "{bytes} {chunked}: {answer}"
        );
        assert!(
            answer.to_lowercase().contains("retry-after: 1")
                && answer.contains("\"error_code\":\"body_too_large\""),
            "{answer}"
        );
    }
    assert_eq!(listener.count("select count(*) from raw_batches"), stored);
}
