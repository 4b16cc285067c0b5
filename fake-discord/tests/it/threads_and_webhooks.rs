//! Threads and webhooks.

use fake_discord::{Channel, Id, Limits, RefusalKind, Settings};
use reqwest::Method;
use serde_json::json;
use twilight_model::channel::{Channel as ChannelModel, Message, Webhook};

use crate::harness::{CHANNEL, GUILD, Harness, message_path, settings};

#[tokio::test]
async fn a_thread_from_a_message() {
    let fake = Harness::plain();
    let id = fake.posted("start").await;
    let path = format!("{}/threads", message_path(id));
    let created = fake
        .api(Method::POST, &path, json!({ "name": "talk" }))
        .await;
    let thread: ChannelModel = serde_json::from_str(&created.text).unwrap();
    assert_eq!(
        (created.status, thread.id.get()),
        (201, id.0),
        "it has the message's id"
    );
    assert_eq!(thread.parent_id.unwrap().get(), CHANNEL);
    let again = fake
        .api(Method::POST, &path, json!({ "name": "talk" }))
        .await;
    assert_eq!(again.failure(), (400, 160004));
    let nameless = fake.api(Method::POST, &path, json!({})).await;
    assert_eq!(nameless.failure(), (400, 50035));
    let inside = format!("/channels/{id}/messages");
    let message = fake
        .api(Method::POST, &inside, json!({ "content": "in" }))
        .await
        .id();

    let archive = fake
        .api(
            Method::PATCH,
            &format!("/channels/{id}"),
            json!({ "archived": true }),
        )
        .await;
    assert_eq!(archive.json()["thread_metadata"]["archived"], true);
    let edit = fake
        .api(
            Method::PATCH,
            &format!("{inside}/{message}"),
            json!({ "content": "x" }),
        )
        .await;
    assert_eq!(edit.failure(), (400, 50083));
    assert_eq!(
        fake.delete(&format!("{inside}/{message}")).await.failure(),
        (400, 50083)
    );
    let wake = fake
        .api(Method::POST, &inside, json!({ "content": "wake" }))
        .await;
    assert_eq!(wake.status, 200);
    assert!(
        !fake.control().channel(id).unwrap().archived,
        "a message wakes it"
    );
    let lock = json!({ "archived": true, "locked": true });
    fake.api(Method::PATCH, &format!("/channels/{id}"), lock)
        .await;
    let locked = fake
        .api(Method::POST, &inside, json!({ "content": "wake" }))
        .await;
    assert_eq!(locked.failure(), (400, 50083));
}

#[tokio::test]
async fn threads_without_a_message_and_forum_posts() {
    let fake = Harness::start(Settings {
        active_threads_max: 2,
        ..settings()
    });
    let forum = Channel {
        kind: 15,
        ..Channel::text(20, GUILD)
    };
    fake.control().put_channel(forum);
    let thread = fake
        .api(
            Method::POST,
            "/channels/10/threads",
            json!({ "name": "t", "type": 11 }),
        )
        .await;
    assert_eq!(
        (thread.status, thread.json()["type"].as_u64()),
        (201, Some(11))
    );
    let direct = fake
        .api(
            Method::POST,
            "/channels/20/messages",
            json!({ "content": "x" }),
        )
        .await;
    assert_eq!(direct.failure(), (400, 50008));
    let empty = fake
        .api(
            Method::POST,
            "/channels/20/threads",
            json!({ "name": "t", "message": {} }),
        )
        .await;
    assert_eq!(empty.failure(), (400, 50006));
    let body = json!({ "name": "t", "message": { "content": "first" } });
    let post = fake
        .api(Method::POST, "/channels/20/threads", body.clone())
        .await;
    assert_eq!(post.json()["message"]["id"], post.json()["id"]);
    serde_json::from_str::<ChannelModel>(&post.text).unwrap();
    let full = fake.api(Method::POST, "/channels/20/threads", body).await;
    assert_eq!(full.failure(), (400, 160006));
}

#[tokio::test]
async fn a_webhook_posts_edits_and_deletes_without_a_token_of_a_bot() {
    let mut fake = Harness::plain();
    let created = fake
        .api(
            Method::POST,
            "/channels/10/webhooks",
            json!({ "name": "hook" }),
        )
        .await;
    let webhook: Webhook = serde_json::from_str(&created.text).unwrap();
    let path = format!("/webhooks/{}/{}", webhook.id, webhook.token.unwrap());
    fake.speak_as("");
    let body =
        json!({ "content": "x", "username": "speaker", "nonce": "n", "enforce_nonce": true });
    let waited = fake
        .api(Method::POST, &format!("{path}?wait=true"), body.clone())
        .await;
    let message: Message = serde_json::from_str(&waited.text).unwrap();
    assert_eq!(
        (message.author.name.as_str(), message.webhook_id),
        ("speaker", Some(webhook.id))
    );
    assert_eq!(fake.api(Method::POST, &path, body).await.status, 204);
    assert_eq!(
        fake.control().messages(None).len(),
        2,
        "no nonce is enforced for webhooks"
    );

    let own = format!("{path}/messages/{}", message.id);
    let edited = fake
        .api(Method::PATCH, &own, json!({ "content": "y" }))
        .await;
    assert_eq!(edited.json()["content"], "y");
    let foreign = fake
        .control()
        .post_as(Id(CHANNEL), Id(5), "somebody", "theirs");
    assert_eq!(
        fake.delete(&format!("{path}/messages/{foreign}"))
            .await
            .failure(),
        (404, 10008)
    );
    assert_eq!(fake.delete(&own).await.status, 204);
    assert_eq!(fake.get(&own).await.failure(), (404, 10008));
    let wrong = format!("/webhooks/{}/wrong", webhook.id);
    assert_eq!(
        fake.api(Method::POST, &wrong, json!({ "content": "x" }))
            .await
            .failure(),
        (401, 50027)
    );
    let unknown = fake
        .api(Method::POST, "/webhooks/1/wrong", json!({ "content": "x" }))
        .await;
    assert_eq!(unknown.failure(), (404, 10015));
    let logged = fake.control().requests(0);
    assert!(
        logged
            .iter()
            .all(|line| !line.path.contains("fake-webhook-token")),
        "no secret in the log"
    );
}

#[tokio::test]
async fn a_webhook_has_its_own_bucket_and_a_hidden_one() {
    let fake = Harness::start(Settings {
        limits: Limits::default(),
        ..settings()
    });
    let webhook = fake
        .api(
            Method::POST,
            "/channels/10/webhooks",
            json!({ "name": "hook" }),
        )
        .await
        .json();
    let path = format!(
        "/webhooks/{}/{}",
        webhook["id"].as_str().unwrap(),
        webhook["token"].as_str().unwrap()
    );
    for _ in 0..30 {
        fake.control().advance_clock(1_000);
        assert_eq!(
            fake.api(Method::POST, &path, json!({ "content": "x" }))
                .await
                .status,
            204
        );
    }
    fake.control().advance_clock(1_000);
    let refused = fake
        .api(Method::POST, &path, json!({ "content": "x" }))
        .await;
    assert_eq!(refused.status, 429);
    assert_eq!(refused.header("x-ratelimit-remaining"), Some("4"));
    assert_eq!(refused.json()["retry_after"].as_f64(), Some(30.0));
    assert_eq!(
        fake.control().stats().rate_limited[&RefusalKind::SubLimit],
        1
    );
}
