//! Webhooks: made, listed, posted through in channels, threads and forums, limited and deleted.

use fake_discord::{Channel, Id, Limits, RefusalKind, Settings};
use reqwest::Method;
use serde_json::{Value, json};
use twilight_model::channel::{Message, Webhook};

use crate::harness::{Answer, CHANNEL, GUILD, Harness, settings};

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

/// Makes a webhook in a channel and gives its path.
async fn made(fake: &Harness, channel: u64) -> String {
    let path = format!("/channels/{channel}/webhooks");
    let webhook = fake
        .api(Method::POST, &path, json!({ "name": "hook" }))
        .await;
    let webhook = webhook.json();
    let text = |key: &str| webhook[key].as_str().unwrap().to_owned();
    format!("/webhooks/{}/{}", text("id"), text("token"))
}

#[tokio::test]
async fn a_webhook_works_inside_a_thread_of_its_channel_alone() {
    let fake = Harness::plain();
    fake.control().put_channel(Channel::text(11, GUILD));
    let path = made(&fake, CHANNEL).await;
    let open = async |channel: u64| -> Id {
        let body = json!({ "name": "talk", "type": 11 });
        let path = format!("/channels/{channel}/threads");
        fake.api(Method::POST, &path, body).await.id()
    };
    let (inside, elsewhere) = (open(CHANNEL).await, open(11).await);
    fake.control().set_thread(inside, true, false);
    let post = async |query: &str| -> Answer {
        let path = format!("{path}?wait=true{query}");
        fake.api(Method::POST, &path, json!({ "content": "x" }))
            .await
    };
    let posted = post(&format!("&thread_id={inside}")).await;
    assert_eq!(posted.json()["channel_id"], json!(inside));
    assert!(!fake.control().channel(inside).unwrap().archived, "it woke");
    for other in [elsewhere, Id(11), Id(404)] {
        let refused = post(&format!("&thread_id={other}")).await;
        assert_eq!(refused.failure(), (404, 10003), "{other}");
    }

    let message = format!("{path}/messages/{}", posted.id());
    let there = format!("{message}?thread_id={inside}");
    let edit = json!({ "content": "y" });
    let without = fake.api(Method::PATCH, &message, edit.clone()).await;
    assert_eq!(
        without.failure(),
        (404, 10008),
        "it does not stand in the channel"
    );
    assert_eq!(
        fake.api(Method::PATCH, &there, edit.clone()).await.json()["content"],
        "y"
    );
    assert_eq!(fake.get(&there).await.json()["content"], "y");
    fake.control().set_thread(inside, true, false);
    assert_eq!(
        fake.api(Method::PATCH, &there, edit).await.failure(),
        (400, 50083)
    );
    fake.control().set_thread(inside, false, false);
    assert_eq!(fake.delete(&there).await.status, 204);
    assert!(fake.control().live_messages(inside).is_empty());
}

#[tokio::test]
async fn a_webhook_opens_posts_in_a_forum_and_only_there() {
    let fake = Harness::plain();
    let forum = Channel {
        kind: 15,
        ..Channel::text(20, GUILD)
    };
    fake.control().put_channel(forum);
    let (in_forum, in_text) = (made(&fake, 20).await, made(&fake, CHANNEL).await);
    let post = async |path: &str, body: Value| -> Answer {
        fake.api(Method::POST, &format!("{path}?wait=true"), body)
            .await
    };
    let named = json!({ "content": "x", "thread_name": "talk" });
    let first = post(&in_forum, named.clone()).await.json();
    assert_eq!(
        first["id"], first["channel_id"],
        "thread and first message have the same id"
    );
    let thread = fake.control().threads(Id(20)).remove(0);
    assert_eq!(
        (thread.name.as_str(), json!(thread.owner_id)),
        ("talk", first["webhook_id"].clone())
    );
    let plain = json!({ "content": "x" });
    assert_eq!(post(&in_forum, plain).await.failure(), (400, 220001));
    assert_eq!(post(&in_text, named.clone()).await.failure(), (400, 220003));
    let both = format!("{in_forum}?thread_id={}", thread.id);
    assert_eq!(
        fake.api(Method::POST, &both, named).await.failure(),
        (400, 220002)
    );
    let nameless = json!({ "content": "x", "thread_name": " " });
    assert_eq!(post(&in_forum, nameless).await.failure(), (400, 50035));
}

#[tokio::test]
async fn a_list_shows_the_tokens_that_the_bot_may_have() {
    let other_bot = fake_discord::Bot::new("other", 77);
    let mut bots = settings().bots;
    bots.push(other_bot);
    let fake = Harness::start(Settings { bots, ..settings() });
    let made_here = made(&fake, CHANNEL).await;
    fake.control()
        .put_webhook(Id(CHANNEL), Id(77), "of another bot");
    fake.control()
        .put_webhook(Id(CHANNEL), Id(700), "of a person");
    fake.control().put_webhook(Id(11), Id(700), "elsewhere");
    let answer = fake.get("/channels/10/webhooks").await;
    let list: Vec<Webhook> = serde_json::from_str(&answer.text).unwrap();
    let seen: Vec<_> = list
        .iter()
        .map(|webhook| {
            let by_bot = webhook.application_id.is_some();
            (
                webhook.name.as_deref().unwrap(),
                webhook.token.is_some(),
                by_bot,
            )
        })
        .collect();
    let expected = [
        ("hook", true, true),
        ("of another bot", false, true),
        ("of a person", true, false),
    ];
    assert_eq!(seen, expected);
    assert!(made_here.ends_with(list[0].token.as_deref().unwrap()));
}

#[tokio::test]
async fn names_kinds_and_numbers_of_webhooks_are_checked() {
    let fake = Harness::plain();
    let make = async |channel: Id, name: &str| {
        let path = format!("/channels/{channel}/webhooks");
        fake.api(Method::POST, &path, json!({ "name": name })).await
    };
    let long = "x".repeat(81);
    for bad in ["", " ", long.as_str(), "My DisCord", "clyde 2"] {
        assert_eq!(
            make(Id(CHANNEL), bad).await.failure(),
            (400, 50035),
            "{bad}"
        );
    }
    let thread = json!({ "name": "talk", "type": 11 });
    let thread = fake
        .api(Method::POST, "/channels/10/threads", thread)
        .await
        .id();
    assert_eq!(make(thread, "hook").await.failure(), (400, 50024));
    let path = made(&fake, CHANNEL).await;
    for bad in ["", "discord", "a clyde"] {
        let body = json!({ "content": "x", "username": bad });
        let refused = fake.api(Method::POST, &path, body).await;
        assert_eq!(refused.failure(), (400, 50035), "{bad}");
    }
    for _ in 1..15 {
        assert_eq!(make(Id(CHANNEL), "hook").await.status, 200);
    }
    assert_eq!(make(Id(CHANNEL), "hook").await.failure(), (400, 30007));
}

#[tokio::test]
async fn tests_see_who_a_webhook_spoke_for_and_delete_it() {
    let fake = Harness::plain();
    let path = made(&fake, CHANNEL).await;
    let target = fake.posted("question").await;
    let body = json!({
        "content": "x", "username": "speaker", "avatar_url": "https://x/a.png",
        "message_reference": { "message_id": target },
    });
    assert_eq!(fake.api(Method::POST, &path, body).await.status, 204);
    let shown = fake
        .send(Method::GET, "/_fake/messages?channel=10", None)
        .await
        .json();
    assert_eq!(shown[1]["author_name"], "speaker");
    assert_eq!(shown[1]["avatar_url"], "https://x/a.png");
    assert_eq!(shown[1]["application_id"], shown[0]["author_id"]);
    assert_eq!(shown[1]["reply_to"], Value::Null, "a webhook cannot reply");
    let webhooks = fake
        .send(Method::GET, "/_fake/webhooks?channel=10", None)
        .await;
    assert!(!webhooks.text.contains("token"), "{}", webhooks.text);
    let id = webhooks.json()[0]["id"].as_str().unwrap().to_owned();
    let deletion = format!("/_fake/webhooks/{id}");
    assert_eq!(fake.send(Method::DELETE, &deletion, None).await.status, 200);
    assert_eq!(fake.send(Method::DELETE, &deletion, None).await.status, 404);
    let gone = fake
        .api(Method::POST, &path, json!({ "content": "x" }))
        .await;
    assert_eq!(gone.failure(), (404, 10015));
    assert!(fake.control().webhooks(Id(CHANNEL)).is_empty());
}
