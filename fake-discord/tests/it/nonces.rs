//! Enforced nonces: the heart of posting exactly once.

use std::{collections::HashSet, sync::Arc};

use fake_discord::{Bot, DEFAULT_BOT_TOKEN, Id, Settings};
use proptest::prelude::*;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, CHANNEL, Harness, message_path, settings};

async fn create(fake: &Harness, content: &str, nonce: &Value, enforce: bool) -> Answer {
    fake.post(json!({ "content": content, "nonce": nonce, "enforce_nonce": enforce }))
        .await
}

#[tokio::test]
async fn a_repeat_gives_the_first_message_until_the_window_ends() {
    let fake = Harness::plain();
    let control = fake.control();
    let first = create(&fake, "first", &json!("n"), true).await;
    control.advance_clock(179_999);
    let repeat = create(&fake, "changed", &json!("n"), true).await;
    assert_eq!((repeat.status, repeat.id()), (200, first.id()));
    assert_eq!(repeat.json()["content"], "first", "unchanged");
    assert_eq!(control.stats().nonce_repeats, 1);
    assert!(control.requests(0)[1].nonce_repeat);
    control.advance_clock(1);
    let late = create(&fake, "first", &json!("n"), true).await;
    assert_ne!(
        late.id(),
        first.id(),
        "the window counts from the first use"
    );
    assert_eq!(control.messages(None).len(), 2);
    let stats = control.stats();
    assert_eq!(
        (
            stats.messages_created,
            stats.duplicate_nonces,
            stats.duplicate_contents
        ),
        (2, 1, 1)
    );
}

#[tokio::test]
async fn a_repeat_after_the_delete_says_unknown_message() {
    let fake = Harness::plain();
    let first = create(&fake, "first", &json!("n"), true).await.id();
    assert_eq!(fake.delete(&message_path(first)).await.status, 204);
    assert_eq!(
        create(&fake, "first", &json!("n"), true).await.failure(),
        (404, 10008)
    );
    assert!(fake.control().live_messages(Id(CHANNEL)).is_empty());
}

#[tokio::test]
async fn only_the_same_author_channel_and_nonce_repeat() {
    let mut fake = Harness::plain();
    let control = fake.control();
    control.put_channel(fake_discord::Channel::text(11, 1_000));
    control.set_bots(vec![Bot::new(DEFAULT_BOT_TOKEN, 7), Bot::new("second", 8)]);
    create(&fake, "x", &json!("n"), true).await;
    create(&fake, "x", &json!("m"), true).await;
    create(&fake, "x", &json!(5), true).await;
    let body = json!({ "content": "x", "nonce": "n", "enforce_nonce": true });
    fake.api(Method::POST, "/channels/11/messages", body).await;
    fake.speak_as("Bot second");
    create(&fake, "x", &json!("n"), true).await;
    assert_eq!(control.messages(None).len(), 5);
    assert_eq!(control.stats().nonce_repeats, 0);
}

#[tokio::test]
async fn without_enforcement_nothing_is_remembered() {
    let fake = Harness::plain();
    let first = create(&fake, "x", &json!("n"), false).await;
    let second = create(&fake, "x", &json!("n"), false).await;
    let third = create(&fake, "x", &json!("n"), true).await;
    assert!(first.id() < second.id() && second.id() < third.id());
    assert_eq!(fake.control().stats().duplicate_nonces, 2);
}

#[tokio::test]
async fn the_window_is_configurable_and_a_failed_create_uses_no_nonce() {
    let fake = Harness::plain();
    fake.control().set_nonce_window_ms(10);
    assert_eq!(
        create(&fake, "", &json!("n"), true).await.failure(),
        (400, 50006)
    );
    let first = create(&fake, "x", &json!("n"), true).await;
    assert_eq!(first.status, 200);
    fake.control().advance_clock(10);
    assert_ne!(create(&fake, "x", &json!("n"), true).await.id(), first.id());
    let long = create(&fake, "x", &json!("n".repeat(26)), true).await;
    assert_eq!(long.failure(), (400, 50035));
}

#[tokio::test]
async fn creates_at_the_same_moment_make_one_message() {
    let fake = Arc::new(Harness::start(Settings {
        worker_threads: 4,
        ..settings()
    }));
    let racing: Vec<_> = (0..32)
        .map(|_| {
            let fake = fake.clone();
            tokio::spawn(async move { create(&fake, "x", &json!("n"), true).await.id() })
        })
        .collect();
    let mut ids = HashSet::new();
    for id in racing {
        ids.insert(id.await.unwrap());
    }
    assert_eq!(ids.len(), 1);
    assert_eq!(fake.control().messages(None).len(), 1);
    assert_eq!(fake.control().stats().nonce_repeats, 31);
}

/// What a client may do with nonces while it retries.
#[derive(Clone, Debug)]
enum Step {
    Create { nonce: u8 },
    DeleteOldest,
    Wait { ms: u64 },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0_u8..4).prop_map(|nonce| Step::Create { nonce }),
        1 => Just(Step::DeleteOldest),
        2 => (1_u64..60_000).prop_map(|ms| Step::Wait { ms }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn an_enforced_nonce_never_creates_two_within_its_window(steps in proptest::collection::vec(step(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let fake = Harness::plain();
            let control = fake.control();
            for step in steps {
                match step {
                    Step::Create { nonce } => {
                        let answer = create(&fake, "x", &json!(nonce.to_string()), true).await;
                        prop_assert!(matches!(answer.status, 200 | 404));
                    }
                    Step::DeleteOldest => {
                        if let Some(message) = control.live_messages(Id(CHANNEL)).first() {
                            control.delete_message(Id(CHANNEL), message.id);
                        }
                    }
                    Step::Wait { ms } => {
                        control.advance_clock(ms);
                    }
                }
            }
            let all = control.messages(None);
            for (at, message) in all.iter().enumerate() {
                for later in &all[at + 1..] {
                    let apart_ms = later.created_at_ms - message.created_at_ms;
                    prop_assert!(later.nonce != message.nonce || apart_ms >= 180_000);
                }
            }
            Ok(())
        })?;
    }
}
