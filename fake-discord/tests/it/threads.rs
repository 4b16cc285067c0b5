//! Threads: how they are opened, listed, archived, woken and locked, and what may be done in them.

use fake_discord::{Channel, Id, Settings};
use reqwest::Method;
use serde_json::{Value, json};
use twilight_model::channel::{Channel as ChannelModel, thread::ThreadsListing};

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

/// Opens a public thread of this name and gives its id.
async fn opened(fake: &Harness, name: &str) -> Id {
    let body = json!({ "name": name, "type": 11, "auto_archive_duration": 10_080 });
    let answer = fake.api(Method::POST, "/channels/10/threads", body).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.id()
}

async fn change(fake: &Harness, thread: Id, body: Value) -> crate::harness::Answer {
    fake.api(Method::PATCH, &format!("/channels/{thread}"), body)
        .await
}

async fn say(fake: &Harness, thread: Id) -> crate::harness::Answer {
    let path = format!("/channels/{thread}/messages");
    fake.api(Method::POST, &path, json!({ "content": "in" }))
        .await
}

fn names(listing: &ThreadsListing) -> Vec<&str> {
    let names = listing.threads.iter().map(|thread| thread.name.as_deref());
    names.map(Option::unwrap).collect()
}

#[tokio::test]
async fn active_and_archived_threads_are_listed_apart() {
    let fake = Harness::plain();
    let (one, two) = (opened(&fake, "one").await, opened(&fake, "two").await);
    let private = json!({ "name": "private", "type": 12 });
    let private = fake
        .api(Method::POST, "/channels/10/threads", private)
        .await;
    let active = async || -> ThreadsListing {
        let answer = fake.get(&format!("/guilds/{GUILD}/threads/active")).await;
        serde_json::from_str(&answer.text).unwrap()
    };
    let archived = async |query: &str| -> ThreadsListing {
        let path = format!("/channels/10/threads/archived/public{query}");
        serde_json::from_str(&fake.get(&path).await.text).unwrap()
    };
    assert_eq!(names(&active().await), ["private", "two", "one"]);
    assert!(archived("").await.threads.is_empty());

    fake.control().advance_clock(1_000);
    change(&fake, two, json!({ "archived": true })).await;
    fake.control().advance_clock(1_000);
    change(&fake, one, json!({ "archived": true })).await;
    change(&fake, private.id(), json!({ "archived": true })).await;
    assert!(active().await.threads.is_empty());
    let page = archived("").await;
    assert_eq!(names(&page), ["one", "two"], "archived last, shown first");
    let bot = page.members[0].user_id.unwrap();
    assert!(
        page.threads
            .iter()
            .all(|thread| thread.owner_id == Some(bot))
    );
    let first = archived("?limit=1").await;
    assert_eq!((names(&first), first.has_more), (vec!["one"], Some(true)));
    let stamp = first.threads[0].thread_metadata.as_ref().unwrap();
    let before = stamp.archive_timestamp.iso_8601().to_string();
    assert_eq!(
        names(&archived(&format!("?before={before}")).await),
        ["two"]
    );

    let unknown = fake.get("/guilds/7/threads/active").await;
    assert_eq!(unknown.failure(), (404, 10004));
}

#[tokio::test]
async fn an_archived_thread_wakes_by_a_message_and_a_locked_one_takes_none() {
    let fake = Harness::plain();
    let thread = opened(&fake, "talk").await;
    let state = || {
        let thread = fake.control().channel(thread).unwrap();
        (thread.archived, thread.locked)
    };
    change(&fake, thread, json!({ "archived": true })).await;
    let renamed = change(&fake, thread, json!({ "name": "other" })).await;
    assert_eq!(
        renamed.failure(),
        (400, 50083),
        "nothing is said of an archived one"
    );
    assert_eq!(say(&fake, thread).await.status, 200);
    assert_eq!(state(), (false, false));
    let locked = change(&fake, thread, json!({ "locked": true })).await;
    assert_eq!(locked.json()["thread_metadata"]["locked"], true);
    assert_eq!(say(&fake, thread).await.failure(), (400, 160005));
    change(&fake, thread, json!({ "archived": true })).await;
    assert_eq!(say(&fake, thread).await.failure(), (400, 50083));
    assert_eq!(state(), (true, true));
    let back = change(&fake, thread, json!({ "archived": false, "name": "other" })).await;
    assert_eq!(back.json()["name"], "other");
    assert_eq!(state(), (false, true));
}

#[tokio::test]
async fn the_channel_says_that_a_thread_was_opened_without_a_message() {
    let fake = Harness::plain();
    let thread = opened(&fake, " talk ").await;
    let id = fake.posted("start").await;
    let path = format!("{}/threads", message_path(id));
    fake.api(Method::POST, &path, json!({ "name": "from it" }))
        .await;
    let listed = fake.get("/channels/10/messages").await.json();
    let oldest_first = listed.as_array().unwrap().iter().rev();
    let seen: Vec<_> = oldest_first
        .map(|message| {
            let content = message["content"].as_str().unwrap();
            (message["type"].as_u64().unwrap(), content)
        })
        .collect();
    assert_eq!(seen, [(18, "talk"), (0, "start")]);
    let nested = fake
        .api(
            Method::POST,
            &format!("/channels/{thread}/threads"),
            json!({ "name": "x" }),
        )
        .await;
    assert_eq!(nested.failure(), (400, 50024));
}

#[tokio::test]
async fn tests_see_threads_and_change_them() {
    let fake = Harness::plain();
    let thread = opened(&fake, "talk").await;
    let shown = fake
        .send(Method::GET, "/_fake/threads?channel=10", None)
        .await
        .json();
    assert_eq!(shown[0]["id"].as_str(), Some(thread.to_string().as_str()));
    assert_eq!(shown[0]["auto_archive_minutes"], 10_080);
    let path = format!("/_fake/threads/{thread}");
    let lock = json!({ "archived": true, "locked": true });
    assert_eq!(
        fake.send(Method::POST, &path, Some(lock.clone()))
            .await
            .status,
        200
    );
    let known = fake.control().threads(Id(CHANNEL)).remove(0);
    assert!(known.archived && known.locked && known.archived_at_ms.is_some());
    fake.control().remove_channel(Id(CHANNEL));
    assert_eq!(
        say(&fake, thread).await.failure(),
        (404, 10003),
        "it went with its channel"
    );
    assert_eq!(fake.send(Method::POST, &path, Some(lock)).await.status, 404);
}
