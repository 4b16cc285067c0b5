//! Looking in and steering, in process and over HTTP.

use std::{net::TcpStream, time::Duration};

use fake_discord::{FakeDiscord, Id, RouteKind, Settings};
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{CHANNEL, Harness, NOON_MS, message_path};

async fn read(fake: &Harness, path: &str) -> Value {
    let answer = fake.send(Method::GET, path, None).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()
}

async fn tell(fake: &Harness, path: &str, body: Value) -> Value {
    let answer = fake.send(Method::POST, path, Some(body)).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()
}

#[tokio::test]
async fn the_log_tells_what_was_asked() {
    let fake = Harness::plain();
    let before_us = NOON_MS;
    let id = fake.posted(&"é".repeat(200)).await;
    fake.post(json!({ "embeds": [{ "title": "t", "description": "marker 7" }] }))
        .await;
    fake.get(&message_path(id)).await;
    let lines = fake.control().requests(0);
    let seen: Vec<_> = lines
        .iter()
        .map(|line| (line.number, line.method, line.route.unwrap(), line.status))
        .collect();
    assert_eq!(
        seen,
        [
            (1, "POST", RouteKind::MessageCreate, 200),
            (2, "POST", RouteKind::MessageCreate, 200),
            (3, "GET", RouteKind::MessageGet, 200),
        ]
    );
    assert_eq!(lines[0].content.chars().count(), 96);
    assert_eq!(&*lines[1].content, "marker 7");
    assert_eq!(lines[0].message_id, Some(id));
    assert_eq!(
        (lines[0].channel_id, lines[0].clock_ms),
        (Some(Id(CHANNEL)), before_us)
    );
    assert!(lines[0].received_at_us <= lines[2].received_at_us);
    let late = read(&fake, "/_fake/requests?since=2").await;
    assert_eq!(late.as_array().unwrap().len(), 1);
    assert_eq!(late[0]["route"], "message_get");
}

#[tokio::test]
async fn everything_is_steered_over_http() {
    let fake = Harness::plain();
    let moved = tell(&fake, "/_fake/clock", json!({ "advance_ms": 5 })).await;
    assert_eq!(moved["now_ms"], NOON_MS + 5);
    assert_eq!(read(&fake, "/_fake/clock").await["now_ms"], NOON_MS + 5);
    tell(
        &fake,
        "/_fake/channels",
        json!([{ "id": "77", "guild_id": 1000 }, { "id": 78, "rights": { "send": false } }]),
    )
    .await;
    let posted = fake
        .api(
            Method::POST,
            "/channels/77/messages",
            json!({ "content": "x", "nonce": "n" }),
        )
        .await;
    assert_eq!(posted.status, 200);
    assert_eq!(
        fake.api(
            Method::POST,
            "/channels/78/messages",
            json!({ "content": "x" })
        )
        .await
        .failure(),
        (403, 50013)
    );
    let message = &read(&fake, "/_fake/messages?channel=77").await[0];
    assert_eq!(
        (&message["content"], &message["nonce"]),
        (&json!("x"), &json!("n"))
    );
    assert_eq!(
        (&message["created_at_ms"], &message["pings"]),
        (&json!(NOON_MS + 5), &json!([]))
    );
    tell(
        &fake,
        "/_fake/messages",
        json!({ "channel_id": "77", "author_id": "5", "content": "theirs" }),
    )
    .await;
    let stats = read(&fake, "/_fake/stats").await;
    assert_eq!(stats["messages_created"], 1);
    assert_eq!(stats["by_status"]["403"], 1);
    assert_eq!(stats["channels"]["77"], json!({ "live": 2, "deleted": 0 }));
    assert_eq!(
        fake.send(Method::DELETE, "/_fake/channels/77", None)
            .await
            .status,
        200
    );
    assert_eq!(fake.get("/channels/77").await.failure(), (404, 10003));
    tell(&fake, "/_fake/guilds", json!({ "id": "9", "name": "nine" })).await;
    assert_eq!(fake.get("/guilds/9").await.json()["name"], "nine");
    tell(
        &fake,
        "/_fake/nonce_window",
        json!({ "nonce_window_ms": 1 }),
    )
    .await;
    tell(
        &fake,
        "/_fake/bots",
        json!([{ "token": "other", "user_id": "3" }]),
    )
    .await;
    assert_eq!(fake.get("/users/@me").await.status, 401);

    tell(&fake, "/_fake/reset", json!({})).await;
    assert_eq!(fake.get("/users/@me").await.status, 200, "as at the start");
    assert_eq!(fake.get("/guilds/9").await.failure(), (404, 10004));
    assert!(fake.control().messages(None).is_empty());
    assert_eq!(read(&fake, "/_fake/stats").await["requests"], 2);
    assert_eq!(fake.control().now_ms(), NOON_MS + 5);
}

#[tokio::test]
async fn a_condition_is_waited_for() {
    let fake = Harness::plain();
    let control = fake.control();
    let waiting = tokio::spawn(async move {
        control
            .wait_for(Duration::from_secs(20), |control| {
                control.messages(None).len() == 2
            })
            .await
    });
    fake.posted("one").await;
    fake.posted("two").await;
    assert!(waiting.await.unwrap());
    assert!(
        !fake
            .control()
            .wait_for(Duration::from_millis(1), |_| false)
            .await
    );
}

#[test]
fn a_dropped_fake_is_gone_and_others_stay() {
    let first = FakeDiscord::start(Settings::default()).unwrap();
    let second = FakeDiscord::start(Settings::default()).unwrap();
    let address = |fake: &FakeDiscord| fake.base_url().replace("http://", "");
    let (gone, stays) = (address(&first), address(&second));
    drop(first);
    assert!(TcpStream::connect(gone).is_err());
    assert!(TcpStream::connect(stays).is_ok());
    let taken = Settings {
        port: address(&second).split(':').nth(1).unwrap().parse().unwrap(),
        ..Settings::default()
    };
    assert!(FakeDiscord::start(taken).is_err());
}

#[test]
fn a_real_clock_runs_and_can_be_pushed() {
    let fake = FakeDiscord::start(Settings::default()).unwrap();
    let control = fake.control();
    let start_ms = control.now_ms();
    assert!(control.advance_clock(60_000) >= start_ms + 60_000);
}
