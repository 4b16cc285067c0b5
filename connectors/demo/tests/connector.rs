//! The running connector against a small server that answers as told and remembers what it was asked.
#![allow(clippy::unwrap_used)]

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, rt, web};
use demo_connector::connector::run;
use demo_connector::ingest_client::{IngestClient, Token};
use demo_connector::outbox_core::OutboxLimits;
use demo_connector::poll_core::PollTempo;
use demo_connector::retry_core::{Answer, Schedule};
use demo_connector::settings::{Settings, StartError, Tally, Tempo};
use demo_connector::snowflake::iso;
use demo_connector::{charts, customer_guild, demo_guild, source_channels};
use serde_json::{Value, json};
use tokio::sync::{Notify, oneshot};
use tokio::time::timeout;

const TOKEN: &str = "hg_test_token";
const PATIENCE: Duration = Duration::from_secs(20);

/// The field tempo with every wait pressed to milliseconds.
const QUICK: Tempo = Tempo {
    schedule: Schedule {
        retry_delay_ms_min: 1,
        retry_delay_ms_max: 4,
        retry_after_ms_max: 5,
        tries_max: 6,
    },
    poll: PollTempo {
        long_poll_s: 20,
        poll_ms: 2,
    },
    outbox: OutboxLimits {
        items_max: 100_000,
        batch_messages_max: 100,
        flush_quiet_ms: 1,
        flush_delay_ms_max: 5,
    },
    request_timeout_ms: 10_000,
    drain_ms_max: 10_000,
    summary_ms: 5,
};

/// One request that the server saw.
#[derive(Debug, Clone)]
struct Seen {
    route: String,
    bytes: Vec<u8>,
    body: Value,
    status: u16,
}

#[derive(Debug, Default)]
struct Memory {
    /// Status and Retry-After of the next ingest answers; 200 when none is left.
    script: VecDeque<(u16, Option<&'static str>)>,
    config_script: VecDeque<u16>,
    config: Value,
    knows_wait: bool,
    ingest: Vec<Seen>,
    /// If-None-Match and wait of every config request.
    polls: Vec<(Option<String>, Option<String>)>,
}

#[derive(Default)]
struct Server {
    memory: Mutex<Memory>,
    changed: Notify,
    at_once: AtomicUsize,
    at_once_max: AtomicUsize,
}

impl Server {
    fn etag(config: &Value) -> String {
        let discovery = config["discovery_request"]["version"].as_i64().unwrap_or(0);
        format!("W/\"{}:{discovery}\"", config["config_version"])
    }

    fn set(&self, config: Value) {
        self.memory.lock().unwrap().config = config;
        self.changed.notify_waiters();
    }

    fn ingest(&self) -> Vec<Seen> {
        self.memory.lock().unwrap().ingest.clone()
    }

    fn authorised(request: &HttpRequest) -> bool {
        let header = request
            .headers()
            .get("Authorization")
            .and_then(|header| header.to_str().ok());
        assert!(
            !request.uri().to_string().contains(TOKEN),
            "the token is in an address"
        );
        header == Some(&format!("Bearer {TOKEN}"))
    }
}

async fn runtime_config(server: web::Data<Server>, request: HttpRequest) -> HttpResponse {
    if !Server::authorised(&request) || request.path() != "/connectors/demo/runtime-config" {
        let body = json!({"ok": false, "error_code": "unauthorized", "message": "unknown token"});
        return HttpResponse::Unauthorized().json(body);
    }
    let query = request.query_string().to_owned();
    assert!(query.starts_with("tenant_key=demo"));
    let wait = query.split_once("wait=").map(|(_, wait)| wait.to_owned());
    let matches = request
        .headers()
        .get("If-None-Match")
        .map(|etag| etag.to_str().unwrap().to_owned());
    let (scripted, knows_wait) = {
        let mut memory = server.memory.lock().unwrap();
        memory.polls.push((matches.clone(), wait.clone()));
        (memory.config_script.pop_front(), memory.knows_wait)
    };
    if let Some(status) = scripted {
        return HttpResponse::build(status.try_into().unwrap()).finish();
    }
    if wait.is_some() && !knows_wait {
        return HttpResponse::BadRequest().json(json!({"ok": false, "error_code": "bad_request"}));
    }
    let changed = server.changed.notified();
    let mut changed = std::pin::pin!(changed);
    changed.as_mut().enable();
    let current = || server.memory.lock().unwrap().config.clone();
    if wait.is_some() && matches == Some(Server::etag(&current())) {
        let _ = timeout(PATIENCE, changed).await;
    }
    let config = current();
    let etag = Server::etag(&config);
    if matches.as_ref() == Some(&etag) {
        return HttpResponse::NotModified()
            .insert_header(("ETag", etag))
            .finish();
    }
    HttpResponse::Ok()
        .insert_header(("ETag", etag))
        .json(json!({"ok": true, "config": config, "correlation_id": "c"}))
}

async fn ingest(
    server: web::Data<Server>,
    request: HttpRequest,
    bytes: web::Bytes,
) -> HttpResponse {
    let now = server.at_once.fetch_add(1, Ordering::SeqCst) + 1;
    server.at_once_max.fetch_max(now, Ordering::SeqCst);
    rt::task::yield_now().await;
    let body: Value = serde_json::from_slice(&bytes).unwrap();
    assert!(Server::authorised(&request));
    assert_eq!(
        (&body["tenant_key"], &body["connector_id"]),
        (&json!("demo"), &json!("demo"))
    );
    let (status, retry_after) = {
        let mut memory = server.memory.lock().unwrap();
        let (status, retry_after) = memory.script.pop_front().unwrap_or((200, None));
        let route = request.path().trim_start_matches("/ingest/").to_owned();
        memory.ingest.push(Seen {
            route,
            bytes: bytes.to_vec(),
            body: body.clone(),
            status,
        });
        (status, retry_after)
    };
    server.changed.notify_waiters();
    server.at_once.fetch_sub(1, Ordering::SeqCst);
    let mut answer = HttpResponse::build(status.try_into().unwrap());
    if let Some(seconds) = retry_after {
        answer.insert_header(("Retry-After", seconds));
    }
    if status != 200 {
        return answer.json(json!({"ok": false, "error_code": "told_so", "message": "as told", "correlation_id": "c"}));
    }
    let count = body["messages"].as_array().map_or(0, Vec::len);
    answer.json(
        json!({"ok": true, "accepted": count, "deduped": 0, "ignored": 0, "correlation_id": "c"}),
    )
}

/// Starts the server; the handle ends it.
fn serve() -> (Arc<Server>, reqwest::Url, ServerHandle) {
    let server = web::Data::new(Server::default());
    {
        let mut memory = server.memory.lock().unwrap();
        memory.config = config(1, &[0, 1, 2, 3, 4]);
        memory.knows_wait = true;
    }
    let shared = server.clone();
    let listener = HttpServer::new(move || {
        App::new()
            .app_data(shared.clone())
            .route(
                "/connectors/{connector}/runtime-config",
                web::get().to(runtime_config),
            )
            .route("/ingest/{route}", web::post().to(ingest))
    })
    .workers(1)
    .disable_signals()
    .bind(("127.0.0.1", 0))
    .unwrap();
    let url = format!("http://{}", listener.addrs()[0]).parse().unwrap();
    let running = listener.run();
    let handle = running.handle();
    rt::spawn(running);
    (server.into_inner(), url, handle)
}

fn config(version: i64, captured: &[usize]) -> Value {
    let channels = source_channels();
    let sources: Vec<Value> = captured
        .iter()
        .map(|&n| {
            json!({"guild_id": channels[n].guild_id, "channel_id": channels[n].id, "is_source": true,
                "is_target": false, "thread_mode": "include", "is_enabled": true})
        })
        .collect();
    json!({"connector_id": "demo", "tenant_key": "demo", "status": "active", "config_version": version,
        "ingest_enabled": true, "forward_enabled": true, "sources": sources, "mappings": []})
}

fn with(mut config: Value, field: &str, value: Value) -> Value {
    config[field] = value;
    config
}

fn settings(server: reqwest::Url, events_until: Option<u64>) -> Settings {
    Settings {
        server,
        tenant_key: "demo".to_owned(),
        connector_id: "demo".to_owned(),
        token: Token::new(TOKEN).unwrap(),
        seed: 4,
        events_per_1000_s: 2_000_000,
        events_until,
        charts_base_url: Some("http://127.0.0.1:8089".to_owned()),
        tempo: QUICK,
    }
}

async fn play(server: reqwest::Url, events: u64) -> Tally {
    timeout(
        PATIENCE,
        run(settings(server, Some(events)), std::future::pending()),
    )
    .await
    .unwrap()
    .unwrap()
}

/// Waits until the server's memory satisfies `condition`.
async fn until(server: &Server, what: &str, condition: impl Fn(&Memory) -> bool) {
    let reached = async {
        while !condition(&server.memory.lock().unwrap()) {
            rt::time::sleep(Duration::from_millis(1)).await;
        }
    };
    assert!(timeout(PATIENCE, reached).await.is_ok(), "never: {what}");
}

fn items(seen: &Seen) -> u64 {
    seen.body["messages"]
        .as_array()
        .map_or(1, |messages| messages.len() as u64)
}

#[actix_web::test]
async fn a_good_server_gets_every_event_once_in_order_and_one_request_at_a_time() {
    let (server, url, handle) = serve();
    let tally = play(url, 600).await;
    let seen = server.ingest();
    assert_eq!((tally.captured, tally.delivered), (600, 600));
    assert_eq!(
        tally.exhausted + tally.refused + tally.overflowed + tally.retries,
        0
    );
    assert_eq!(seen.iter().map(items).sum::<u64>(), 600);
    assert!(seen.iter().all(|seen| items(seen) <= 100));
    assert!(seen.iter().any(|seen| seen.route == "thread"));
    assert_eq!(server.at_once_max.load(Ordering::SeqCst), 1);

    let batches: Vec<&Seen> = seen
        .iter()
        .filter(|seen| seen.route == "message-batch")
        .collect();
    let ids: std::collections::BTreeSet<&str> = batches
        .iter()
        .map(|seen| seen.body["batch_id"].as_str().unwrap())
        .collect();
    assert_eq!(ids.len(), batches.len(), "a batch id is of one batch");
    for batch in &batches {
        let mut fields: Vec<&str> = batch
            .body
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        fields.sort_unstable();
        assert_eq!(
            fields,
            [
                "batch_id",
                "connector_id",
                "messages",
                "sent_at",
                "tenant_key"
            ]
        );
        assert!(batch.body["sent_at"].as_str().unwrap().ends_with('Z'));
    }
    assert_eq!(
        tally.accepted,
        batches.iter().map(|seen| items(seen)).sum::<u64>()
    );
    handle.stop(false).await;
}

#[actix_web::test]
async fn trouble_repeats_the_same_bytes_and_409_is_done() {
    let (server, url, handle) = serve();
    server.memory.lock().unwrap().script =
        [(429, Some("0")), (503, Some("1")), (500, None), (409, None)]
            .into_iter()
            .collect();
    let tally = play(url, 80).await;
    let seen = server.ingest();
    assert!(
        seen[..4]
            .iter()
            .all(|again| again.bytes == seen[0].bytes && again.route == seen[0].route)
    );
    assert_ne!(seen[4].bytes, seen[0].bytes);
    assert_eq!(
        (
            tally.retries,
            tally.delivered,
            tally.exhausted,
            tally.refused
        ),
        (3, 80, 0, 0)
    );
    handle.stop(false).await;
}

#[actix_web::test]
async fn any_other_4xx_drops_the_request_and_only_that() {
    for status in [400, 401, 403, 404, 413, 422] {
        let (server, url, handle) = serve();
        server.memory.lock().unwrap().script =
            [(200, None), (status, Some("9"))].into_iter().collect();
        let tally = play(url, 80).await;
        let seen = server.ingest();
        assert_eq!(tally.refused, items(&seen[1]), "{status}");
        assert_eq!(tally.delivered + tally.refused, 80, "{status}");
        assert_eq!(
            seen.iter()
                .filter(|again| again.bytes == seen[1].bytes)
                .count(),
            1,
            "{status}"
        );
        assert_eq!(tally.retries, 0, "{status}");
        handle.stop(false).await;
    }
}

#[actix_web::test]
async fn the_sixth_failure_is_the_last() {
    let (server, url, handle) = serve();
    server.memory.lock().unwrap().script = std::iter::repeat_n((503, None), 6).collect();
    let tally = play(url, 80).await;
    let seen = server.ingest();
    assert_eq!(
        seen.iter()
            .filter(|again| again.bytes == seen[0].bytes)
            .count(),
        6
    );
    assert_eq!((tally.exhausted, tally.retries), (items(&seen[0]), 5));
    assert_eq!(tally.delivered + tally.exhausted, 80);
    assert!(seen[6..].iter().all(|seen| seen.status == 200));
    handle.stop(false).await;
}

#[actix_web::test]
async fn the_client_reads_retry_after_and_tells_no_answer_from_a_bad_one() {
    let (server, url, handle) = serve();
    let token = Token::new(TOKEN).unwrap();
    let client = IngestClient::new(url, "demo", "demo", &token, 10_000).unwrap();
    let body =
        || serde_json::to_vec(&json!({"tenant_key": "demo", "connector_id": "demo"})).unwrap();
    server.memory.lock().unwrap().script = [(429, Some("7")), (503, None)].into_iter().collect();
    let (answer, said) = client.post("thread", "c", body()).await;
    assert_eq!(
        answer,
        Answer::Status {
            code: 429,
            retry_after_ms: Some(7_000)
        }
    );
    assert_eq!(said.error_code.as_deref(), Some("told_so"));
    let (answer, _) = client.post("thread", "c", body()).await;
    assert_eq!(
        answer,
        Answer::Status {
            code: 503,
            retry_after_ms: None
        }
    );
    handle.stop(false).await;

    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let nobody = IngestClient::new(
        format!("http://{free}").parse().unwrap(),
        "demo",
        "demo",
        &token,
        10_000,
    )
    .unwrap();
    let (answer, said) = nobody.post("thread", "c", body()).await;
    assert_eq!(answer, Answer::Unreachable);
    assert!(!said.message.unwrap().contains(TOKEN));
}

#[actix_web::test]
async fn the_day_waits_for_sources_and_follows_their_changes() {
    let (server, url, handle) = serve();
    server.set(config(1, &[]));
    let (stop, stopped) = oneshot::channel::<()>();
    let running = rt::spawn(run(settings(url, None), async {
        let _ = stopped.await;
    }));
    until(&server, "a long poll", |memory| {
        memory.polls.iter().any(|(_, wait)| wait.is_some())
    })
    .await;
    assert!(server.ingest().is_empty());

    let channels = source_channels();
    let channel_of = |seen: &Seen| -> Vec<String> {
        let messages = seen.body["messages"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        messages
            .iter()
            .map(|message| message["discord_channel_id"].as_str().unwrap().to_owned())
            .collect()
    };
    server.set(config(2, &[0]));
    until(&server, "a batch", |memory| {
        memory
            .ingest
            .iter()
            .any(|seen| seen.route == "message-batch")
    })
    .await;
    let first = server.ingest();
    assert!(
        first
            .iter()
            .flat_map(channel_of)
            .all(|id| id == channels[0].id)
    );

    server.set(config(3, &[2]));
    let only_the_other = |memory: &Memory| {
        memory
            .ingest
            .iter()
            .any(|seen| channel_of(seen).iter().any(|id| id == channels[2].id))
    };
    until(&server, "the other channel", only_the_other).await;

    // Nothing written after a pause has arrived here may ever come. The day goes on meanwhile: every config below is a
    // round trip, and events are half a millisecond apart.
    server.set(with(config(4, &[2]), "status", json!("paused")));
    let knows = |version: i64| {
        move |memory: &Memory| {
            memory
                .polls
                .iter()
                .any(|(etag, _)| etag.as_deref() == Some(&format!("W/\"{version}:0\"")))
        }
    };
    until(&server, "the pause", knows(4)).await;
    let paused_at = iso(chrono::Utc::now().timestamp_millis().unsigned_abs());
    for version in 5..25 {
        server.set(with(config(version, &[2]), "ingest_enabled", json!(false)));
        until(&server, "the next config", knows(version)).await;
    }
    let heard_while_paused = |seen: &Seen| {
        let messages = seen.body["messages"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        messages
            .iter()
            .any(|message| message["created_at"].as_str().unwrap() > paused_at.as_str())
    };
    assert!(
        !server.ingest().iter().any(heard_while_paused),
        "sent although paused"
    );
    server.set(config(25, &[2]));
    until(&server, "the end of the pause", |memory| {
        memory.ingest.iter().any(heard_while_paused)
    })
    .await;

    stop.send(()).unwrap();
    let tally = timeout(PATIENCE, running).await.unwrap().unwrap().unwrap();
    assert_eq!(tally.delivered, tally.captured);
    assert!(tally.skipped > 0);
    handle.stop(false).await;
}

#[actix_web::test]
async fn discovery_is_answered_once_and_never_again_after_a_restart() {
    let (server, url, handle) = serve();
    let ask = |version: i64, guild_id: Option<&str>| {
        let request = json!({"version": version, "guild_id": guild_id, "requested_at": 1_760_000_000_000_u64});
        with(config(1, &[0]), "discovery_request", request)
    };
    let snapshots = |memory: &Memory| -> Vec<Value> {
        let sync = memory
            .ingest
            .iter()
            .filter(|seen| seen.route == "channel-guild-sync");
        sync.map(|seen| seen.body.clone()).collect()
    };
    server.set(ask(4, None));
    for round in 0..2 {
        let before = snapshots(&server.memory.lock().unwrap()).len();
        let polls_before = server.memory.lock().unwrap().polls.len();
        let (stop, stopped) = oneshot::channel::<()>();
        let running = rt::spawn(run(settings(url.clone(), None), async {
            let _ = stopped.await;
        }));
        until(&server, "a poll that knows the config", |memory| {
            memory.polls[polls_before..]
                .iter()
                .any(|(etag, _)| etag.is_some())
        })
        .await;
        assert_eq!(
            snapshots(&server.memory.lock().unwrap()).len(),
            before,
            "round {round} replayed an old request"
        );

        let version = 5 + round * 2;
        server.set(ask(version, None));
        until(&server, "the guilds", |memory| {
            snapshots(memory).len() == before + 1
        })
        .await;
        server.set(ask(version + 1, Some(customer_guild().id)));
        until(&server, "the channels", |memory| {
            snapshots(memory).len() == before + 2
        })
        .await;
        let sent = snapshots(&server.memory.lock().unwrap());
        let (guilds, channels) = (&sent[before], &sent[before + 1]);
        assert_eq!(guilds["channels"], json!([]));
        assert!(
            guilds["guilds"]
                .as_array()
                .unwrap()
                .iter()
                .any(|guild| guild["discord_guild_id"] == demo_guild().id)
        );
        assert_eq!(
            channels["guilds"][0]["discord_guild_id"],
            customer_guild().id
        );
        assert!(channels["channels"].as_array().unwrap().len() >= 5);

        stop.send(()).unwrap();
        timeout(PATIENCE, running).await.unwrap().unwrap().unwrap();
    }
    handle.stop(false).await;
}

#[actix_web::test]
async fn polling_sends_the_etag_and_gives_up_wait_when_it_is_not_understood() {
    let (server, url, handle) = serve();
    {
        let mut memory = server.memory.lock().unwrap();
        memory.knows_wait = false;
        // A server that is still starting is waited for.
        memory.config_script = [503, 503, 429].into_iter().collect();
    }
    let (stop, stopped) = oneshot::channel::<()>();
    let running = rt::spawn(run(settings(url, None), async {
        let _ = stopped.await;
    }));
    until(&server, "eight polls", |memory| memory.polls.len() >= 8).await;
    stop.send(()).unwrap();
    timeout(PATIENCE, running).await.unwrap().unwrap().unwrap();
    let polls = server.memory.lock().unwrap().polls.clone();
    let known = Some("W/\"1:0\"".to_owned());
    assert!(polls[..4].iter().all(|poll| *poll == (None, None)));
    assert_eq!(polls[4], (known.clone(), Some("20".to_owned())));
    assert!(polls[5..].iter().all(|poll| *poll == (known.clone(), None)));
    handle.stop(false).await;
}

#[actix_web::test]
async fn a_wrong_token_ends_the_start_with_a_clear_error() {
    let (_server, url, handle) = serve();
    let wrong = Settings {
        token: Token::new("another").unwrap(),
        ..settings(url, Some(1))
    };
    let error = timeout(PATIENCE, run(wrong, std::future::pending()))
        .await
        .unwrap()
        .unwrap_err();
    assert!(
        matches!(&error, StartError::Refused { code: 401, .. }),
        "{error}"
    );
    assert!(error.to_string().contains("unauthorized"));
    handle.stop(false).await;
}

#[actix_web::test]
async fn charts_named_by_the_day_are_served() {
    let charts = charts::bind(0).unwrap();
    let handle = charts.server.handle();
    rt::spawn(charts.server);
    let attachment = demo_connector::Day::new(1, &source_channels(), 1_760_016_600_000)
        .with_charts(&charts.base_url)
        .find_map(|event| match event.happening {
            demo_connector::day_core::Happening::Message(message) => {
                message.attachments.into_iter().next()
            }
            demo_connector::day_core::Happening::Thread(_) => None,
        })
        .unwrap();
    let picture = reqwest::get(&attachment.source_url).await.unwrap();
    assert_eq!(picture.status(), 200);
    assert_eq!(picture.headers()["content-type"], "image/svg+xml");
    let bytes = picture.bytes().await.unwrap();
    assert!(bytes.starts_with(b"<svg "));
    assert_eq!(bytes.len() as u64, attachment.size);
    let missing = reqwest::get(format!("{}/charts/nothing.svg", charts.base_url))
        .await
        .unwrap();
    assert_eq!(missing.status(), 404);
    handle.stop(false).await;
}
