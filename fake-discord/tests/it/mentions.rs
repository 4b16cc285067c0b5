//! Pings on create and edit.

use fake_discord::{Channel, Id, Rights};
use reqwest::Method;
use serde_json::json;

use crate::harness::{CHANNEL, GUILD, Harness, message_path};

const LOUD: &str = "@everyone <@5> <@&501>";

#[tokio::test]
async fn a_create_pings_everything_unless_told_not_to() {
    let fake = Harness::plain();
    let loud = fake.post(json!({ "content": LOUD })).await;
    assert_eq!(loud.json()["mention_everyone"], true);
    assert_eq!(loud.json()["mentions"][0]["id"], "5");
    assert_eq!(loud.json()["mention_roles"], json!(["501"]));
    let quiet = fake
        .post(json!({ "content": LOUD, "allowed_mentions": { "parse": [] } }))
        .await;
    assert_eq!(quiet.json()["mention_everyone"], false);
    assert_eq!(quiet.json()["mentions"], json!([]));
    let one = json!({ "content": LOUD, "allowed_mentions": { "parse": [], "roles": ["501"] } });
    fake.post(one).await;
    let messages = fake.control().messages(None);
    let pings: Vec<_> = messages.iter().map(|message| message.pings.len()).collect();
    assert_eq!(pings, [1, 0, 1]);
    assert!(messages[0].pings[0].pinged.everyone && !messages[0].pings[0].by_edit);
    assert_eq!(messages[2].pings[0].pinged.roles, [Id(501)]);
    assert_eq!(fake.control().stats().pings, 2);
}

#[tokio::test]
async fn an_edit_of_the_content_pings_by_default_again() {
    let fake = Harness::plain();
    let quiet = json!({ "content": LOUD, "allowed_mentions": { "parse": [] } });
    let id = fake.post(quiet.clone()).await.id();
    fake.api(Method::PATCH, &message_path(id), quiet).await;
    fake.api(
        Method::PATCH,
        &message_path(id),
        json!({ "embeds": [{ "title": "t" }] }),
    )
    .await;
    assert_eq!(fake.control().stats().pings, 0);
    let edited = fake
        .api(Method::PATCH, &message_path(id), json!({ "content": LOUD }))
        .await;
    assert_eq!(edited.json()["mention_everyone"], true);
    let message = fake.control().messages(None).remove(0);
    assert!(message.pings.len() == 1 && message.pings[0].by_edit);
}

#[tokio::test]
async fn without_the_right_everyone_and_closed_roles_stay_quiet() {
    let fake = Harness::plain();
    let rights = Rights {
        mention_everyone: false,
        ..Rights::default()
    };
    fake.control()
        .put_channel(Channel::text(CHANNEL, GUILD).with_rights(rights));
    let answer = fake.post(json!({ "content": LOUD })).await.json();
    assert_eq!(answer["mention_everyone"], false);
    assert_eq!(answer["mention_roles"], json!([]));
    assert_eq!(answer["mentions"][0]["id"], "5");
}

#[tokio::test]
async fn a_reply_pings_its_author_unless_told_not_to() {
    let fake = Harness::plain();
    let first = fake
        .control()
        .post_as(Id(CHANNEL), Id(5), "somebody", "hello");
    let reference = json!({ "message_id": first });
    fake.post(json!({ "content": "x", "message_reference": reference, "allowed_mentions": { "parse": [] } })).await;
    assert_eq!(fake.control().stats().pings, 0);
    fake.post(json!({ "content": "x", "message_reference": reference }))
        .await;
    assert_eq!(fake.control().stats().pings, 1);
}
