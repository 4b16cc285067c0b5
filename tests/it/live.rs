//! Sessions on `/live`: what a viewer is told, from where, and in which order; and the pages of signals that go with it.

use std::{collections::HashSet, thread};

use heliograph_bench::live_client::session::{Event, Follower};
use serde_json::{Value, json};

use crate::{
    harness::{Desk, PATIENCE, server, start},
    said::{GUILD, create, delete, fresh_id, signal_id, update},
    watcher::Watcher,
};

fn watch(desk: &Desk) -> Watcher {
    Watcher::open(desk.book.now().public, None)
}

fn watch_at(desk: &Desk, channel: u64, seq: i64) -> Watcher {
    Watcher::open_at(desk.book.now().public, channel, seq)
}

fn push_many(desk: &Desk, channel: u64, count: usize) {
    let items: Vec<Value> = (0..count)
        .map(|_| create(channel, signal_id(), "said"))
        .collect();
    desk.says([count as u64, 0, 0, 0, 0], &items);
}

#[test]
fn the_welcome_says_what_may_be_attached_and_where_it_stands() {
    let desk = Desk::shared();
    let (channel, hidden) = (desk.source(), desk.source());
    desk.admin.set_visibility(hidden, None).unwrap();
    push_many(&desk, channel, 3);
    let welcome = watch_at(&desk, channel, 3).welcome;
    assert_eq!(
        (&welcome["protocol"], &welcome["heartbeat_ms"]),
        (&json!(1), &json!(25_000))
    );
    assert!(
        welcome["session_id"].is_string() && welcome["server_time_ms"].is_i64(),
        "{welcome}"
    );
    let channels = welcome["channels"].as_array().unwrap();
    let mine: Vec<&Value> = channels
        .iter()
        .filter(|seen| seen["channel_id"] == channel.to_string())
        .collect();
    let expected = json!({"channel_id": channel.to_string(), "name": channel.to_string(), "guild_id": GUILD.to_string(),
        "guild_name": GUILD.to_string(), "epoch": 1, "seq": 3});
    assert_eq!(mine, [&expected]);
    assert!(
        channels
            .iter()
            .all(|seen| seen["channel_id"] != hidden.to_string())
    );
}

#[test]
fn from_the_head_on_every_change_is_told_in_full() {
    let desk = Desk::shared();
    let (channel, early, signal) = (desk.source(), signal_id(), signal_id());
    push_many(&desk, channel, 1);
    let mut watcher = watch_at(&desk, channel, 1);
    let attached = watcher.attach(&[(channel, None)]);
    assert_eq!(
        attached,
        [json!({"channel_id": channel.to_string(), "status": "resumed", "epoch": 1, "seq": 1})]
    );
    assert_eq!(
        watcher.next("live"),
        json!({"type": "live", "channel_id": channel.to_string(), "epoch": 1, "seq": 1})
    );

    desk.says([1, 0, 0, 0, 0], &[create(channel, signal, "one")]);
    let created = watcher.revision(2);
    assert_eq!(
        (&created["kind"], &created["epoch"], &created["late"]),
        (&json!("create"), &json!(1), &json!(true))
    );
    assert!(created["accepted_at_ms"].is_i64());
    let seen = &created["signal"];
    assert_eq!(
        (&seen["signal_id"], &seen["channel_id"]),
        (&json!(signal.to_string()), &json!(channel.to_string()))
    );
    assert_eq!(
        (&seen["guild_id"], &seen["revision"]),
        (&json!(GUILD.to_string()), &json!(1))
    );
    assert_eq!(
        (&seen["text"], &seen["deleted"]),
        (&json!("one"), &json!(false))
    );
    assert_eq!(
        seen["author"],
        json!({"user_id": "77", "username": "desk", "global_name": "The Desk"})
    );

    desk.says([1, 0, 0, 0, 0], &[update(channel, signal, "two", 1)]);
    let updated = watcher.revision(3);
    assert_eq!(
        (&updated["kind"], &updated["signal"]["text"]),
        (&json!("update"), &json!("two"))
    );
    assert!(updated["signal"]["edited_at_ms"].is_i64());
    desk.says([1, 0, 0, 0, 0], &[create(channel, early, "older")]);
    assert_eq!(watcher.revision(4)["late"], true);
    desk.says([1, 0, 0, 0, 0], &[delete(channel, signal)]);
    let deleted = watcher.revision(5);
    let seen = &deleted["signal"];
    assert_eq!(
        (&deleted["kind"], &seen["deleted"], &seen["revision"]),
        (&json!("delete"), &json!(true), &json!(3))
    );
    assert_eq!(
        (&seen["text"], &seen["attachments"], &seen["embeds"]),
        (&json!(""), &json!([]), &json!([]))
    );
    assert!(seen.get("author").is_none(), "{seen}");
    // What changes nothing is told to nobody: the next thing told is the next change.
    desk.says([0, 1, 0, 0, 0], &[delete(channel, signal)]);
    push_many(&desk, channel, 1);
    assert_eq!(watcher.revision(6)["late"], false);
}

#[test]
fn a_cursor_decides_what_comes_first() {
    let desk = Desk::shared();
    let (channel, silent, hidden) = (desk.source(), desk.source(), desk.source());
    desk.admin.set_visibility(hidden, None).unwrap();
    push_many(&desk, channel, 5);
    let status = |answer: &[Value]| answer[0]["status"].as_str().unwrap().to_owned();
    for (seen, next) in [(0, 1), (3, 4), (4, 5)] {
        let mut watcher = watch_at(&desk, channel, 5);
        assert_eq!(
            status(&watcher.attach(&[(channel, Some((1, seen)))])),
            "resumed"
        );
        for seq in next..=5 {
            watcher.revision(seq);
        }
        assert_eq!(watcher.next("live")["seq"], 5);
    }
    let mut watcher = watch_at(&desk, channel, 5);
    assert_eq!(
        status(&watcher.attach(&[(channel, Some((1, 5)))])),
        "resumed"
    );
    assert_eq!(watcher.next("live")["seq"], 5);
    for cursor in [(1, 6), (2, 5), (2, 0), (0, 0)] {
        assert_eq!(
            status(&watch_at(&desk, channel, 5).attach(&[(channel, Some(cursor))])),
            "resync_required",
            "{cursor:?}"
        );
    }
    let mut watcher = watch_at(&desk, channel, 5);
    let answer = watcher.attach(&[(silent, Some((1, 0))), (hidden, None), (fresh_id(), None)]);
    let statuses: Vec<&str> = answer
        .iter()
        .map(|channel| channel["status"].as_str().unwrap())
        .collect();
    assert_eq!(statuses, ["resumed", "forbidden", "forbidden"]);
    assert_eq!(watcher.next("live")["seq"], 0);
}

/// A cursor ahead of the server is looked up before it is refused, and keeps no other channel waiting.
#[test]
fn a_cursor_ahead_is_answered_by_itself() {
    let desk = Desk::shared();
    let (behind, ahead) = (desk.source(), desk.source());
    push_many(&desk, behind, 1);
    push_many(&desk, ahead, 1);
    // Committed last, so heard of last.
    let mut watcher = watch_at(&desk, ahead, 1);
    let mut answers = watcher.attach(&[(ahead, Some((1, 2))), (behind, Some((1, 0)))]);
    watcher.revision(1);
    watcher.next("live");
    if answers.len() == 1 {
        answers.extend(
            watcher.next("attached")["channels"]
                .as_array()
                .unwrap()
                .clone(),
        );
    }
    let expected = [(behind, "resumed"), (ahead, "resync_required")]
        .map(|(id, status)| json!({"channel_id": id.to_string(), "status": status, "epoch": 1, "seq": 1}));
    assert_eq!(answers, expected);
    // Far ahead, again and again: refused each time, and the session goes on.
    for _ in 0..10 {
        assert_eq!(
            watcher.attach(&[(ahead, Some((1, i64::MAX)))])[0]["status"],
            "resync_required"
        );
    }
    push_many(&desk, behind, 1);
    watcher.revision(2);
}

#[test]
fn what_is_detached_is_silent_until_it_is_attached_again() {
    let desk = Desk::shared();
    let (left, kept) = (desk.source(), desk.source());
    let mut watcher = Watcher::live(desk.book.now().public, &[left, kept]);
    watcher.say(&json!({"type": "detach", "channels": [left.to_string()]}).to_string());
    assert_eq!(
        watcher.next("detached"),
        json!({"type": "detached", "channel_id": left.to_string(), "reason": "asked"})
    );
    push_many(&desk, left, 2);
    push_many(&desk, kept, 1);
    assert_eq!(watcher.revision(1)["channel_id"], kept.to_string());
    watcher.attach(&[(left, Some((1, 0)))]);
    assert_eq!(watcher.revision(1)["channel_id"], left.to_string());
    watcher.revision(2);
    watcher.next("live");
}

#[test]
fn what_is_not_understood_is_said_and_the_session_goes_on() {
    let desk = Desk::shared();
    let channel = desk.source();
    let mut watcher = Watcher::live(desk.book.now().public, &[channel]);
    for text in [
        r#"{"type":"nonsense"}"#,
        "{}",
        "[]",
        "17",
        r#"{"type":"attach"}"#,
        r#"{"type":"attach","channels":[{"channel_id":7}]}"#,
        r#"{"type":"attach","channels":[{"channel_id":"x"}]}"#,
        r#"{"type":"attach","channels":[{"channel_id":"7","cursor":{"epoch":99999999999,"seq":0}}]}"#,
    ] {
        watcher.say(text);
        let error = watcher.next("error");
        assert!(
            error["code"].is_string() && error["message"].is_string(),
            "{text}: {error}"
        );
    }
    for text in [
        json!({"type": "pong"}),
        json!({"type": "ack", "channel_id": channel.to_string(), "epoch": 1, "seq": 0}),
    ] {
        watcher.say(&text.to_string());
    }
    push_many(&desk, channel, 1);
    watcher.revision(1);
}

#[test]
fn a_hidden_channel_is_detached_before_the_admin_is_answered() {
    let desk = Desk::shared();
    let channel = desk.source();
    push_many(&desk, channel, 1);
    let mut watcher = watch_at(&desk, channel, 1).go_live(&[channel]);
    desk.admin.set_visibility(channel, None).unwrap();
    push_many(&desk, channel, 1);
    let hidden = json!({"type": "detached", "channel_id": channel.to_string(), "reason": "hidden"});
    assert_eq!(watcher.next("detached"), hidden);
    assert_eq!(
        watcher.attach(&[(channel, Some((1, 1)))])[0]["status"],
        "forbidden"
    );
    desk.admin.set_visibility(channel, Some(9)).unwrap();
    assert_eq!(
        watcher.attach(&[(channel, Some((1, 1)))])[0]["status"],
        "resumed"
    );
    watcher.revision(2);
    watcher.next("live");
    // A tier above the visitor's hides it as well.
    desk.admin.set_visibility(channel, Some(10)).unwrap();
    assert_eq!(watcher.next("detached"), hidden);
}

/// Sessions that begin anywhere, with pages and rings far smaller than what they missed, while the channel goes on.
#[test]
fn replay_becomes_live_without_a_hole_or_a_double() {
    const BEFORE: i64 = 90;
    const DURING: i64 = 90;
    let stage = start(
        server()
            .with_env("HELIOGRAPH_SESSIONS_REPLAY_PAGE", "7")
            .with_env("HELIOGRAPH_SESSIONS_RING_FRAMES_MAX", "4"),
    );
    let desk = Desk::on(&stage);
    let channel = desk.source();
    push_many(&desk, channel, BEFORE as usize);
    let address = desk.book.now().public;
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut follower = Follower::from_the_beginning(&[channel]);
                let (mut session, mut live) = (follower.connect(address, None).unwrap(), 0);
                while follower.seq(channel) < BEFORE + DURING {
                    match session.next(PATIENCE).unwrap() {
                        Event::Frame(frame) => {
                            live += i64::from(frame["type"] == "live");
                            follower.take_in(&frame).unwrap();
                        }
                        other => panic!("{other:?} at {}", follower.seq(channel)),
                    }
                    // Now and then the connection is lost.
                    if follower.seq(channel) % 50 == 49
                        && follower.connects * 50 <= follower.seq(channel).unsigned_abs()
                    {
                        session.cut();
                        session = follower.connect(address, None).unwrap();
                    }
                }
                let problems = (follower.doubled, follower.gaps, follower.resyncs);
                assert_eq!(problems, (0, 0, 0), "doubled, gaps, resyncs");
                assert_eq!(follower.told(channel).len() as i64, BEFORE + DURING);
                assert!(follower.connects > 1 && live <= follower.connects as i64);
            });
        }
        for _ in 0..DURING {
            push_many(&desk, channel, 1);
        }
    });
}

/// A page that was asked for before the detach reaches nobody after it.
#[test]
fn detached_in_the_middle_of_a_replay_and_attached_again_nothing_comes_twice() {
    let stage = start(
        server()
            .with_env("HELIOGRAPH_SESSIONS_REPLAY_PAGE", "7")
            .with_env("HELIOGRAPH_SESSIONS_RING_FRAMES_MAX", "4"),
    );
    let desk = Desk::on(&stage);
    let channel = desk.source();
    push_many(&desk, channel, 40);
    let attach = json!({"type": "attach", "channels": [{"channel_id": channel.to_string(), "cursor": {"epoch": 1, "seq": 0}}]});
    let detach = json!({"type": "detach", "channels": [channel.to_string()]});
    let mut watcher = watch_at(&desk, channel, 40);
    for _ in 0..5 {
        for said in [&attach, &detach, &attach] {
            watcher.say(&said.to_string());
        }
        watcher.next("attached");
        while watcher.frame().unwrap()["type"] != "detached" {}
        watcher.next("attached");
        for seq in 1..=40 {
            watcher.revision(seq);
        }
        watcher.next("live");
        watcher.say(&detach.to_string());
        watcher.next("detached");
    }
}

#[test]
fn pages_hold_every_signal_once_and_their_cursor_is_of_the_same_moment() {
    let desk = Desk::shared();
    let channel = desk.source();
    push_many(&desk, channel, 45);
    let mut seen = HashSet::new();
    let first = desk.page(channel, "?limit=20");
    assert_eq!(first["cursor"], json!({"epoch": 1, "seq": 45}));
    let (mut page, mut pages) = (first, 1);
    loop {
        for signal in page["signals"].as_array().unwrap() {
            assert!(
                seen.insert(signal["signal_id"].as_str().unwrap().to_owned()),
                "twice: {signal}"
            );
        }
        let Some(before) = page["next_before"].as_str() else {
            break;
        };
        page = desk.page(channel, &format!("?limit=20&before={before}"));
        pages += 1;
    }
    assert_eq!((seen.len(), pages), (45, 3));
    assert_eq!(
        desk.page(channel, "")["signals"].as_array().unwrap().len(),
        45
    );

    // While the channel goes on: what a page does not hold comes after its cursor, and nothing comes twice.
    thread::scope(|scope| {
        scope.spawn(|| (0..30).for_each(|_| push_many(&desk, channel, 1)));
        for _ in 0..5 {
            let page = desk.page(channel, "?limit=200");
            let held = page["signals"].as_array().unwrap().len() as i64;
            let cursor = page["cursor"]["seq"].as_i64().unwrap();
            assert_eq!(held, cursor, "creates only: as many signals as revisions");
            let mut watcher = watch(&desk);
            watcher.attach(&[(channel, Some((1, cursor)))]);
            let mut next = cursor + 1;
            while next <= 75 {
                match watcher.frame().unwrap() {
                    frame if frame["type"] == "live" => {}
                    frame => {
                        assert_eq!(frame["seq"], next, "{frame}");
                        next += 1;
                    }
                }
            }
        }
    });
    assert_eq!(
        desk.page(channel, "?limit=1&before=1")["signals"],
        json!([])
    );
}
