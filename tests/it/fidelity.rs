//! What a mirrored message keeps of its signal beyond words: what it answers, the thread it stands in, whose name it bears; and
//! that the whole channel can be put right after people and faults have been at it.

use fake_discord::{Channel, Control, Guild, Message};
use heliograph_bench::stage::Stage;
use serde_json::{Value, json};

use crate::{
    harness::{Desk, server, start, wait_for},
    mirroring::settled,
    said::{GUILD, create, fresh_id, signal_id, update, with},
};

fn with_discord() -> (Stage, Control) {
    let stage = start(
        server()
            .with_open_fake_discord()
            .with_env("HELIOGRAPH_DISCORD_GLOBAL_REQUESTS_PER_S", "1000")
            // A thread and a post through a webhook wait until no earlier request can still be on its way.
            .with_env("HELIOGRAPH_DISCORD_REQUEST_TIMEOUT_MS", "2000")
            .with_env("HELIOGRAPH_MIRRORS_RETRY_DELAY_MS_MIN", "50"),
    );
    let control = stage.fake_discord().unwrap().control();
    (stage, control)
}

/// A source mapped into a new target by these rules.
fn mapped(desk: &Desk, rules: Value) -> (u64, u64) {
    let (source, target) = (desk.source(), desk.target());
    map(desk, source, target, rules);
    (source, target)
}

fn map(desk: &Desk, source: u64, target: u64, rules: Value) {
    let wish =
        json!({"source_channel_id": source.to_string(), "target_channel_id": target.to_string()});
    let wish = with(wish, rules);
    desk.admin
        .ask("POST", "/api/mappings", Some(&wish))
        .unwrap();
}

fn push(desk: &Desk, item: Value) {
    desk.push_until_taken(&[item]);
}

fn live(control: &Control, channel: u64) -> Vec<Message> {
    control.live_messages(channel.into())
}

fn said_of_thread(desk: &Desk, source: u64, thread: u64, fields: Value) {
    let ids = json!({"discord_thread_id": thread.to_string(), "parent_channel_id": source.to_string(),
        "guild_id": GUILD.to_string()});
    let body = json!({"idempotency_key": "k", "event_type": "update", "thread": with(ids, fields)});
    assert_eq!(desk.post("/ingest/thread", &desk.body(body)).status, 200);
}

#[test]
fn a_mirror_keeps_replies_threads_and_names() {
    let (stage, control) = with_discord();
    let desk = Desk::on(&stage);
    an_answer_answers(&desk, &control);
    a_thread_is_mirrored_and_follows(&desk, &control);
    a_thread_is_named_where_it_is_not_mirrored(&desk, &control);
    a_webhook_speaks_for_the_author(&desk, &control);
    assert_eq!(control.stats().pings, 0);
    assert_eq!(crate::harness::restarts(&desk.admin), 0);
}

fn an_answer_answers(desk: &Desk, control: &Control) {
    let (source, target) = mapped(desk, json!({}));
    let (question, answer, stranger) = (signal_id(), signal_id(), signal_id());
    let reply = |signal, to: u64| {
        let to = json!({"reply_to_message_id": to.to_string()});
        with(create(source, signal, "an answer"), to)
    };
    // In one batch: the answer waits until what it answers stands.
    desk.push_until_taken(&[
        create(source, question, "a question"),
        reply(answer, question),
        reply(stranger, 1),
    ]);
    settled(desk, target);
    let all = live(control, target);
    assert_eq!(all.len(), 3, "{all:?}");
    let answered = |message: &Message| message.reply_to.as_ref().map(|to| to.message_id);
    assert_eq!(
        all.iter().map(answered).collect::<Vec<_>>(),
        [None, Some(all[0].id), None]
    );
}

fn a_thread_is_mirrored_and_follows(desk: &Desk, control: &Control) {
    let (source, target) = mapped(desk, json!({"thread_style": "mirrored"}));
    let thread = fresh_id();
    said_of_thread(desk, source, thread, json!({"name": "ideas of the week"}));
    let inside = json!({"discord_thread_id": thread.to_string()});
    push(
        desk,
        with(create(source, signal_id(), "inside one"), inside.clone()),
    );
    push(desk, create(source, signal_id(), "outside"));
    let second = signal_id();
    push(
        desk,
        with(create(source, second, "inside two"), inside.clone()),
    );
    settled(desk, target);
    let opened = control.threads(target.into());
    assert_eq!(opened.len(), 1, "{opened:?}");
    assert_eq!(opened[0].name, "ideas of the week");
    let contents = |channel: u64| -> Vec<String> {
        let all = live(control, channel).into_iter();
        all.filter(|it| it.kind == 0).map(|it| it.content).collect()
    };
    assert_eq!(contents(opened[0].id.0), ["inside one", "inside two"]);
    assert_eq!(contents(target), ["outside"]);
    // The source thread is archived, and so is its mirror; an edit there still arrives.
    said_of_thread(desk, source, thread, json!({"archived": true}));
    wait_for("the thread to be archived", || {
        control.threads(target.into())[0].archived.then_some(())
    });
    push(
        desk,
        with(update(source, second, "inside three", 1), inside),
    );
    settled(desk, target);
    assert_eq!(contents(opened[0].id.0), ["inside one", "inside three"]);
}

fn a_thread_is_named_where_it_is_not_mirrored(desk: &Desk, control: &Control) {
    let (source, target) = mapped(desk, json!({}));
    let thread = fresh_id();
    said_of_thread(desk, source, thread, json!({"name": "setups"}));
    let inside = json!({"discord_thread_id": thread.to_string()});
    push(desk, with(create(source, signal_id(), "BUY"), inside));
    settled(desk, target);
    let all = live(control, target);
    assert!(
        all.len() == 1 && all[0].content.contains("setups") && all[0].content.ends_with("BUY"),
        "{all:?}"
    );
}

fn a_webhook_speaks_for_the_author(desk: &Desk, control: &Control) {
    let (source, target) = mapped(desk, json!({"author_style": "webhook"}));
    let signal = signal_id();
    let avatar = json!({"author_avatar_url": "https://cdn.example/avatars/77.png"});
    push(desk, with(create(source, signal, "BUY"), avatar));
    settled(desk, target);
    push(desk, update(source, signal, "SELL", 1));
    settled(desk, target);
    let all = live(control, target);
    assert_eq!(all.len(), 1, "{all:?}");
    let message = &all[0];
    assert_eq!(
        (message.content.as_str(), message.author_name.as_str()),
        ("SELL", "The Desk")
    );
    assert!(message.webhook_id.is_some());
    assert_eq!(
        message.avatar_url.as_deref(),
        Some("https://cdn.example/avatars/77.png")
    );
    assert_eq!(control.webhooks(target.into()).len(), 1);
}

#[test]
fn a_forum_gets_a_post_for_each_signal() {
    let (stage, control) = with_discord();
    let desk = Desk::on(&stage);
    let (source, target) = (desk.source(), desk.target());
    let mut forum = Channel::text(target, GUILD);
    forum.kind = 15;
    control.put_guild(Guild::new(GUILD, Vec::new(), Vec::new()));
    control.put_channel(forum);
    // Saving looks at the channel: from here on it is known to be a forum.
    map(&desk, source, target, json!({}));
    for text in ["long BTC\nfrom 64250", "short ETH"] {
        push(&desk, create(source, signal_id(), text));
    }
    settled(&desk, target);
    let mut posts: Vec<(String, Vec<String>)> = control
        .threads(target.into())
        .into_iter()
        .map(|thread| {
            let all = live(&control, thread.id.0);
            (thread.name, all.into_iter().map(|it| it.content).collect())
        })
        .collect();
    posts.sort();
    let expected = [
        ("long BTC", "long BTC\nfrom 64250"),
        ("short ETH", "short ETH"),
    ]
    .map(|(name, text)| (name.to_owned(), vec![text.to_owned()]));
    assert_eq!(posts, expected);
}

#[test]
fn a_reconciliation_finds_what_people_did_and_puts_it_right() {
    let (stage, control) = with_discord();
    let desk = Desk::on(&stage);
    for (policy, expected) in [("keep", vec!["two"]), ("repost", vec!["two", "one"])] {
        let (source, target) = mapped(&desk, json!({"hand_deletions": policy}));
        for text in ["one", "two"] {
            push(&desk, create(source, signal_id(), text));
        }
        settled(&desk, target);
        let before = live(&control, target);
        assert!(control.delete_message(target.into(), before[0].id));
        let path = format!("/api/targets/{target}/reconcile");
        // What is younger than the last message of the list may be left out: it may not have been there yet.
        control.post_as(target.into(), 1.into(), "somebody", "not ours");
        let asked = desk.admin.ask("POST", &path, None).unwrap();
        let list = format!("/api/targets/{target}/reconciliations");
        let done = wait_for("the reconciliation to end", || {
            let rows = desk.admin.all(&list).unwrap();
            rows.into_iter()
                .find(|row| row["reconciliation_id"] == asked["reconciliation_id"])
                .filter(|row| row["finished_at_ms"].is_i64())
        });
        settled(&desk, target);
        let contents: Vec<String> = live(&control, target)
            .into_iter()
            .map(|it| it.content)
            .filter(|content| content != "not ours")
            .collect();
        assert_eq!(contents, expected, "{policy}: {done}");
        let report = &done["report"];
        assert_eq!(report["looked_for"], 2, "{report}");
        let missing = format!(
            "missing_{}",
            if policy == "keep" { "kept" } else { "reposted" }
        );
        assert_eq!(report[&missing], 1, "{report}");
    }
}
