//! Create, list, get, edit, delete; rights; attachments; replies.

use fake_discord::{Bot, Channel, DEFAULT_BOT_TOKEN, Id, Rights, Settings};
use reqwest::Method;
use serde_json::{Value, json};
use twilight_model::channel::Message;

use crate::harness::{Answer, CHANNEL, GUILD, Harness, NOON_MS, message_path, settings};

fn model(answer: &Answer) -> Message {
    serde_json::from_str(&answer.text).unwrap_or_else(|error| panic!("{error}: {}", answer.text))
}

fn ids(answer: &Answer) -> Vec<Id> {
    let list = answer.json();
    list.as_array()
        .unwrap()
        .iter()
        .map(|message| message["id"].as_str().unwrap().parse().unwrap())
        .collect()
}

#[tokio::test]
async fn a_message_lives_and_dies() {
    let fake = Harness::plain();
    let embed = json!({
        "title": "t", "description": "d", "color": 5, "timestamp": "2026-01-02T03:04:05.000000+00:00",
        "fields": [{ "name": "n", "value": "v" }], "image": { "url": "https://example.com/a.png" },
        "footer": { "text": "f" }, "author": { "name": "a" },
    });
    let created = fake
        .post(json!({ "content": " first ", "embeds": [embed], "nonce": "abc" }))
        .await;
    assert_eq!(created.status, 200, "{}", created.text);
    let message = model(&created);
    let id = created.id();
    assert_eq!(message.content, "first", "white space around is stripped");
    assert_eq!(message.channel_id.get(), CHANNEL);
    assert_eq!(
        message.timestamp.as_micros(),
        i64::try_from(NOON_MS).unwrap() * 1_000
    );
    assert_eq!(message.edited_timestamp, None);
    assert_eq!(message.embeds[0].kind, "rich");
    assert!(message.author.bot);
    assert_eq!(created.json()["nonce"], "abc");
    assert_eq!(id.created_at_ms(), NOON_MS);

    let fetched = fake.get(&message_path(id)).await;
    assert_eq!(model(&fetched), message);
    assert_eq!(
        fetched.json().get("nonce"),
        None,
        "a nonce cannot be read back"
    );

    fake.control().advance_clock(5);
    // The same content again still moves the edit stamp.
    let edited = fake
        .api(
            Method::PATCH,
            &message_path(id),
            json!({ "content": "first" }),
        )
        .await;
    let stamp = model(&edited).edited_timestamp.unwrap();
    assert_eq!(
        stamp.as_micros(),
        i64::try_from(NOON_MS + 5).unwrap() * 1_000
    );
    assert_eq!(
        model(&edited).embeds.len(),
        1,
        "what an edit does not name stays"
    );
    let emptied = fake
        .api(
            Method::PATCH,
            &message_path(id),
            json!({ "embeds": [], "content": "second" }),
        )
        .await;
    assert!(model(&emptied).embeds.is_empty());

    assert_eq!(fake.delete(&message_path(id)).await.status, 204);
    assert_eq!(fake.delete(&message_path(id)).await.failure(), (404, 10008));
    assert_eq!(fake.get(&message_path(id)).await.failure(), (404, 10008));
    let edit = fake
        .api(
            Method::PATCH,
            &message_path(id),
            json!({ "content": "late" }),
        )
        .await;
    assert_eq!(edit.failure(), (404, 10008));

    let seen = fake.control().messages(Some(Id(CHANNEL)));
    assert_eq!(seen.len(), 1);
    assert_eq!(
        (seen[0].created_at_ms, seen[0].deleted_at_ms),
        (NOON_MS, Some(NOON_MS + 5))
    );
    let edits: Vec<_> = seen[0]
        .edits
        .iter()
        .map(|edit| edit.content.as_str())
        .collect();
    assert_eq!(edits, ["first", "second"]);
    assert!(fake.control().live_messages(Id(CHANNEL)).is_empty());
}

#[tokio::test]
async fn bad_messages_are_refused_on_create_and_edit() {
    let fake = Harness::plain();
    let id = fake.posted("fine").await;
    let cases = [
        (json!({ "content": "x".repeat(2_001) }), (400, 50035)),
        (json!({ "content": "" }), (400, 50006)),
        (json!({ "content": " \n " }), (400, 50006)),
        (json!({ "content": null }), (400, 50006)),
        (json!({ "content": "", "embeds": [{}] }), (400, 50006)),
        (
            json!({ "content": "x", "embeds": [{ "title": "t".repeat(257) }] }),
            (400, 50035),
        ),
        (json!("text"), (400, 50035)),
    ];
    for (body, expected) in cases {
        assert_eq!(
            fake.post(body.clone()).await.failure(),
            expected,
            "create {body}"
        );
        let edited = fake
            .api(Method::PATCH, &message_path(id), body.clone())
            .await;
        assert_eq!(edited.failure(), expected, "edit {body}");
    }
    assert_eq!(fake.post(json!({})).await.failure(), (400, 50006));
    let tree = fake
        .post(json!({ "content": "x".repeat(2_001) }))
        .await
        .json();
    let code = &tree["errors"]["content"]["_errors"][0]["code"];
    assert_eq!(code, "BASE_TYPE_MAX_LENGTH");
    let messages = fake.control().live_messages(Id(CHANNEL));
    assert_eq!(messages.len(), 1, "nothing was posted");
    assert_eq!(
        (messages[0].content.as_str(), messages[0].edit_count),
        ("fine", 0)
    );
}

#[tokio::test]
async fn lists_page_newest_first() {
    let fake = Harness::plain();
    let mut all = Vec::new();
    for number in 0..6 {
        all.push(fake.posted(&format!("m{number}")).await);
    }
    assert_eq!(fake.delete(&message_path(all.remove(3))).await.status, 204);
    all.reverse();
    let path = format!("/channels/{CHANNEL}/messages");
    let middle = all[2];
    let cases = [
        (String::new(), all.clone()),
        ("?limit=2".to_owned(), all[..2].to_vec()),
        (format!("?before={middle}"), all[3..].to_vec()),
        (format!("?after={middle}"), all[..2].to_vec()),
        (format!("?after={middle}&limit=1"), all[1..2].to_vec()),
        (format!("?after={}", Id::at_ms(NOON_MS - 1)), all.clone()),
        (format!("?around={middle}&limit=3"), all[1..4].to_vec()),
    ];
    for (query, expected) in cases {
        assert_eq!(
            ids(&fake.get(&format!("{path}{query}")).await),
            expected,
            "{query}"
        );
    }
    for limit in ["0", "101", "x"] {
        let refused = fake.get(&format!("{path}?limit={limit}")).await;
        assert_eq!(refused.failure(), (400, 50035), "{limit}");
    }
}

#[tokio::test]
async fn rights_decide() {
    let closed = |rights| Channel::text(CHANNEL, GUILD).with_rights(rights);
    let all = Rights::default();
    let fake = Harness::plain();
    let id = fake.posted("mine").await;
    let foreign = fake
        .control()
        .post_as(Id(CHANNEL), Id(5), "somebody", "theirs");
    let list = format!("/channels/{CHANNEL}/messages");

    assert_eq!(
        fake.get("/channels/99/messages").await.failure(),
        (404, 10003)
    );
    let edit = fake
        .api(
            Method::PATCH,
            &message_path(foreign),
            json!({ "content": "x" }),
        )
        .await;
    assert_eq!(edit.failure(), (403, 50005));

    fake.control()
        .put_channel(closed(Rights { view: false, ..all }));
    assert_eq!(
        fake.post(json!({ "content": "x" })).await.failure(),
        (403, 50001)
    );
    assert_eq!(fake.get(&list).await.failure(), (403, 50001));

    fake.control()
        .put_channel(closed(Rights { send: false, ..all }));
    assert_eq!(
        fake.post(json!({ "content": "x" })).await.failure(),
        (403, 50013)
    );

    fake.control().put_channel(closed(Rights {
        read_history: false,
        ..all
    }));
    let hidden = fake.get(&list).await;
    assert_eq!((hidden.status, hidden.json()), (200, json!([])));
    assert_eq!(fake.get(&message_path(id)).await.failure(), (403, 50013));

    fake.control().put_channel(closed(Rights {
        embed_links: false,
        attach_files: false,
        ..all
    }));
    let embed = fake
        .post(json!({ "content": "x", "embeds": [{ "title": "t" }] }))
        .await;
    assert_eq!(embed.failure(), (403, 50013));
    let file = fake
        .upload(
            Method::POST,
            &list,
            &[("files[0]", Some("a.png"), b"a".to_vec())],
        )
        .await;
    assert_eq!(file.failure(), (403, 50013));

    fake.control().put_channel(closed(Rights {
        manage_messages: false,
        ..all
    }));
    assert_eq!(
        fake.delete(&message_path(foreign)).await.failure(),
        (403, 50013)
    );
    assert_eq!(fake.delete(&message_path(id)).await.status, 204);
    fake.control().put_channel(closed(all));
    assert_eq!(fake.delete(&message_path(foreign)).await.status, 204);
    fake.control().remove_channel(Id(CHANNEL));
    assert_eq!(
        fake.post(json!({ "content": "x" })).await.failure(),
        (404, 10003)
    );
}

#[tokio::test]
async fn tokens_are_checked() {
    let mut fake = Harness::plain();
    fake.control()
        .set_bots(vec![Bot::new(DEFAULT_BOT_TOKEN, 7), Bot::new("second", 8)]);
    assert_eq!(fake.get("/users/@me").await.json()["id"], "7");
    fake.speak_as("Bot second");
    assert_eq!(fake.get("/users/@me").await.json()["id"], "8");
    for authorization in ["Bot wrong", "second", "", "Bearer second"] {
        fake.speak_as(authorization);
        let refused = fake.get("/users/@me").await;
        assert_eq!(
            refused.json(),
            json!({ "message": "401: Unauthorized", "code": 0 })
        );
        assert_eq!(refused.status, 401);
    }
    assert_eq!(fake.control().stats().invalid_requests, 4);
}

#[tokio::test]
async fn unknown_paths_and_methods() {
    let fake = Harness::plain();
    assert_eq!(fake.get("/nothing").await.failure(), (404, 0));
    assert_eq!(
        fake.api(Method::PUT, "/channels/1/messages", Value::Null)
            .await
            .failure(),
        (405, 0)
    );
    assert_eq!(fake.get("/channels/one").await.failure(), (400, 50035));
    assert_eq!(
        fake.send(Method::GET, "/api/channels/10", None)
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn replies_need_their_message_unless_told_not_to() {
    let fake = Harness::plain();
    let first = fake.posted("first").await;
    let reply = |to: Id, fail: bool| {
        let reference = json!({ "message_id": to, "fail_if_not_exists": fail });
        fake.post(json!({ "content": "reply", "message_reference": reference }))
    };
    let answer = reply(first, true).await;
    let message = model(&answer);
    assert_eq!(
        message.reference.unwrap().message_id.unwrap().get(),
        first.0
    );
    assert_eq!(message.referenced_message.unwrap().content, "first");
    assert_eq!(reply(Id(1), true).await.failure(), (400, 50035));
    let message = model(&reply(Id(1), false).await);
    assert!(message.reference.is_none());
}

#[tokio::test]
async fn attachments_are_stored_served_kept_and_dropped() {
    let fake = Harness::plain();
    let path = format!("/channels/{CHANNEL}/messages");
    let payload =
        json!({ "content": "files", "attachments": [{ "id": 1, "description": "second" }] });
    let created = fake
        .upload(
            Method::POST,
            &path,
            &[
                ("payload_json", None, payload.to_string().into_bytes()),
                ("files[0]", Some("a.png"), b"first".to_vec()),
                ("files[1]", Some("b.png"), b"other".to_vec()),
            ],
        )
        .await;
    let message = model(&created);
    assert_eq!(message.attachments.len(), 2, "{}", created.text);
    assert_eq!(
        message.attachments[1].description.as_deref(),
        Some("second")
    );
    assert_eq!(
        message.attachments[0].content_type.as_deref(),
        Some("image/png")
    );
    let url = message.attachments[0]
        .url
        .strip_prefix(&fake.discord.base_url())
        .unwrap()
        .to_owned();
    let served = fake.send(Method::GET, &url, None).await;
    assert_eq!((served.status, served.text.as_str()), (200, "first"));

    let keep = json!({ "attachments": [{ "id": message.attachments[1].id }] });
    let edited = fake
        .api(Method::PATCH, &message_path(created.id()), keep)
        .await;
    let left = model(&edited).attachments;
    assert_eq!((left.len(), left[0].id), (1, message.attachments[1].id));

    let only_file = fake
        .upload(
            Method::POST,
            &path,
            &[("files[0]", Some("c.png"), b"c".to_vec())],
        )
        .await;
    assert_eq!(
        only_file.status, 200,
        "a file alone is a message: {}",
        only_file.text
    );
    let missing = fake.send(Method::GET, "/attachments/1/2/c.png", None).await;
    assert_eq!(missing.status, 404);
}

#[tokio::test]
async fn large_files_and_requests_are_refused() {
    let fake = Harness::plain();
    let path = format!("/channels/{CHANNEL}/messages");
    for megabytes in [11, 26] {
        let data = vec![0; megabytes * 1024 * 1024];
        let answer = fake
            .upload(Method::POST, &path, &[("files[0]", Some("a.bin"), data)])
            .await;
        assert_eq!(answer.failure(), (413, 40005), "{megabytes} MiB");
    }
    assert!(fake.control().messages(None).is_empty());
}

#[tokio::test]
async fn old_messages_and_files_are_forgotten_beyond_their_bounds() {
    let fake = Harness::start(Settings {
        messages_max: 3,
        attachment_bytes_max: 10,
        request_log_max: 2,
        ..settings()
    });
    let first = fake.posted("0").await;
    for number in 1..4 {
        fake.posted(&number.to_string()).await;
    }
    let contents: Vec<_> = fake
        .control()
        .messages(None)
        .into_iter()
        .map(|message| message.content)
        .collect();
    assert_eq!(contents, ["1", "2", "3"]);
    assert_eq!(fake.get(&message_path(first)).await.failure(), (404, 10008));
    let numbers: Vec<_> = fake
        .control()
        .requests(0)
        .into_iter()
        .map(|line| line.number)
        .collect();
    assert_eq!(numbers, [4, 5]);

    let path = format!("/channels/{CHANNEL}/messages");
    let mut urls = Vec::new();
    for _ in 0..2 {
        let answer = fake
            .upload(
                Method::POST,
                &path,
                &[("files[0]", Some("a"), vec![b'x'; 6])],
            )
            .await;
        urls.push(
            model(&answer).attachments[0]
                .url
                .strip_prefix(&fake.discord.base_url())
                .unwrap()
                .to_owned(),
        );
    }
    assert_eq!(fake.send(Method::GET, &urls[0], None).await.status, 404);
    assert_eq!(fake.send(Method::GET, &urls[1], None).await.status, 200);
}

#[tokio::test]
async fn channels_can_come_into_being_on_use() {
    let fake = Harness::start(Settings {
        manual_clock_at_ms: None,
        ..Settings::open()
    });
    let answer = fake
        .api(
            Method::POST,
            "/channels/123456/messages",
            json!({ "content": "x" }),
        )
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(
        answer.header("x-ratelimit-limit"),
        None,
        "no limits, no headers"
    );
}
