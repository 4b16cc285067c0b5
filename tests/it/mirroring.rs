//! From a commit to a message at Discord: posted, edited and deleted as the signal is, once each, whatever Discord answers and
//! however the server ends.

use std::collections::BTreeSet;

use fake_discord::{Control, Fault, FaultRule, RefusalKind, RouteKind, When};
use heliograph_bench::stage::Stage;
use serde_json::{Value, json};

use crate::{
    harness::{Desk, actor, server, start, wait_for},
    said::{create, delete, embed, file, fresh_id, signal_id, update, with},
};

/// A server with a Discord in which every channel exists, and that tries again soon.
fn with_discord() -> (Stage, Control) {
    let stage = start(
        server()
            .with_open_fake_discord()
            .with_env("HELIOGRAPH_DISCORD_GLOBAL_REQUESTS_PER_S", "1000")
            .with_env("HELIOGRAPH_DISCORD_REQUEST_TIMEOUT_MS", "2000")
            .with_env("HELIOGRAPH_MIRRORS_RETRY_DELAY_MS_MIN", "50")
            .with_env("HELIOGRAPH_MIRRORS_RETRY_DELAY_MS_MAX", "200"),
    );
    let control = stage.fake_discord().unwrap().control();
    (stage, control)
}

/// A source mapped into a new target.
fn mapped(desk: &Desk) -> (u64, u64) {
    let source = desk.source();
    (source, map(desk, source))
}

fn map(desk: &Desk, source: u64) -> u64 {
    let target = desk.target();
    let wish =
        json!({"source_channel_id": source.to_string(), "target_channel_id": target.to_string()});
    desk.admin
        .ask("POST", "/api/mappings", Some(&wish))
        .unwrap();
    target
}

/// Waits until nothing is left to do for a target: its deliveries.
pub fn settled(desk: &Desk, target: u64) -> Vec<Value> {
    wait_for("the mirror to come to rest", || {
        let rows = desk
            .admin
            .all(&format!("/api/deliveries?target_channel_id={target}"))
            .unwrap();
        rows.iter()
            .all(|row| row["state"] == "delivered")
            .then_some(rows)
    })
}

/// What stands in a target, oldest first.
fn contents(control: &Control, target: u64) -> Vec<String> {
    control
        .live_messages(target.into())
        .into_iter()
        .map(|message| message.content)
        .collect()
}

#[test]
fn a_mirrored_message_follows_its_signal() {
    let (stage, control) = with_discord();
    let desk = Desk::on(&stage);
    follows_and_pings_nobody(&desk, &control);
    is_split_into_parts(&desk, &control);
    shows_what_is_no_text(&desk, &control);
    two_targets_and_none(&desk, &control);
    assert_eq!(control.stats().pings, 0);
    assert_eq!(crate::harness::restarts(&desk.admin), 0);
}

fn follows_and_pings_nobody(desk: &Desk, control: &Control) {
    let ((source, target), signal) = (mapped(desk), signal_id());
    let loud = "@everyone @here <@&17> <@18> long from 64250";
    let mentions = json!({"mentioned_role_ids": ["17"], "mentioned_user_ids": ["18"]});
    desk.says(
        [1, 0, 0, 0, 0],
        &[with(create(source, signal, loud), mentions)],
    );
    settled(desk, target);
    let posted = contents(control, target);
    assert!(
        posted.len() == 1 && posted[0].contains("long from 64250"),
        "{posted:?}"
    );
    desk.says(
        [1, 0, 0, 0, 0],
        &[update(source, signal, "@everyone now from 65000", 1)],
    );
    settled(desk, target);
    let edited = contents(control, target);
    assert!(
        edited.len() == 1 && edited[0].contains("now from 65000") && !edited[0].contains("64250"),
        "{edited:?}"
    );
    desk.says([1, 0, 0, 0, 0], &[delete(source, signal)]);
    settled(desk, target);
    let all = control.messages(Some(target.into()));
    assert!(
        all.len() == 1 && all[0].deleted_at_ms.is_some() && all[0].edit_count == 1,
        "{all:?}"
    );
    assert!(all[0].nonce_enforced);
}

fn is_split_into_parts(desk: &Desk, control: &Control) {
    let ((source, target), signal) = (mapped(desk), signal_id());
    let words: Vec<String> = (0..700).map(|number| format!("word{number}")).collect();
    desk.says([1, 0, 0, 0, 0], &[create(source, signal, &words.join(" "))]);
    settled(desk, target);
    let parts = contents(control, target);
    assert!(
        parts.len() >= 3 && parts.iter().all(|part| part.chars().count() <= 2000),
        "{}",
        parts.len()
    );
    let together = parts.join(" ");
    let mut rest = together.as_str();
    for word in &words {
        let at = rest
            .find(word.as_str())
            .unwrap_or_else(|| panic!("{word} is lost or out of order"));
        rest = &rest[at + word.len()..];
    }
    desk.says([1, 0, 0, 0, 0], &[update(source, signal, "short", 1)]);
    settled(desk, target);
    let left = contents(control, target);
    assert!(left.len() == 1 && left[0].contains("short"), "{left:?}");
    desk.says(
        [1, 0, 0, 0, 0],
        &[update(source, signal, &words.join(" "), 2)],
    );
    settled(desk, target);
    desk.says([1, 0, 0, 0, 0], &[delete(source, signal)]);
    settled(desk, target);
    assert_eq!(contents(control, target), Vec::<String>::new());
}

fn shows_what_is_no_text(desk: &Desk, control: &Control) {
    let ((source, target), signal) = (mapped(desk), signal_id());
    let chart = embed(json!({"title": "Chart", "image": {"url": "https://cdn.example/chart.png"}}));
    desk.says(
        [1, 0, 0, 0, 0],
        &[with(
            create(source, signal, ""),
            json!({"embeds": [chart], "attachments": [file(fresh_id(), "a.png")]}),
        )],
    );
    settled(desk, target);
    let all = control.live_messages(target.into());
    let shown = format!("{all:?}");
    assert!(
        all.len() == 1 && shown.contains("chart.png") && shown.contains("a.png"),
        "{shown}"
    );
}

fn two_targets_and_none(desk: &Desk, control: &Control) {
    let (source, first) = mapped(desk);
    let (second, unmapped) = (map(desk, source), desk.source());
    let created = control.stats().messages_created;
    desk.says(
        [2, 0, 0, 0, 0],
        &[
            create(source, signal_id(), "twice"),
            create(unmapped, signal_id(), "never"),
        ],
    );
    for target in [first, second] {
        settled(desk, target);
        assert_eq!(contents(control, target).len(), 1);
    }
    assert_eq!(control.stats().messages_created, created + 2);
}

#[test]
fn what_discord_refuses_for_now_is_tried_again_when_it_said_so() {
    const RETRY_AFTER_MS: u64 = 300;
    let (stage, control) = with_discord();
    let desk = Desk::on(&stage);
    let (source, target) = mapped(&desk);
    let limited = Fault::RateLimited {
        kind: RefusalKind::Bucket,
        retry_after_ms: RETRY_AFTER_MS,
        code: None,
    };
    control.add_fault(
        FaultRule::new(When::Next { count: 2, skip: 0 }, limited)
            .on(RouteKind::MessageCreate)
            .in_channel(target),
    );
    desk.says([1, 0, 0, 0, 0], &[create(source, signal_id(), "patience")]);
    settled(&desk, target);
    assert_eq!(contents(&control, target).len(), 1);
    let tries: Vec<_> = control
        .requests(0)
        .into_iter()
        .filter(|line| line.route == Some(RouteKind::MessageCreate))
        .collect();
    assert_eq!(
        tries.iter().map(|line| line.status).collect::<Vec<_>>(),
        [429, 429, 200]
    );
    for pair in tries.windows(2) {
        let waited_us = pair[1].received_at_us - pair[0].received_at_us;
        assert!(
            waited_us >= RETRY_AFTER_MS * 1000,
            "tried again after {waited_us} µs"
        );
    }
}

#[test]
fn a_blocked_target_holds_up_nobody_and_catches_up() {
    let (stage, control) = with_discord();
    let desk = Desk::on(&stage);
    let (source, blocked) = mapped(&desk);
    let free = map(&desk, source);
    let away = Fault::Error {
        status: 500,
        code: 0,
        message: "away".into(),
    };
    control.add_fault(FaultRule::new(When::Always, away).in_channel(blocked));
    let signals: Vec<u64> = (0..10).map(|_| signal_id()).collect();
    for signal in &signals {
        desk.says(
            [1, 0, 0, 0, 0],
            &[create(source, *signal, &format!("signal {signal}"))],
        );
    }
    settled(&desk, free);
    assert_eq!(contents(&control, free).len(), 10);
    assert!(contents(&control, blocked).is_empty());
    let shown = actor(&desk.admin, &format!("mirror/{blocked}"));
    assert_eq!(
        (&shown["kind"], &shown["state"]),
        (&json!("mirror"), &json!("running")),
        "{shown}"
    );
    // What is deleted before it could be posted is never posted; what is edited is posted as it reads then.
    desk.says(
        [2, 0, 0, 0, 0],
        &[
            delete(source, signals[0]),
            update(source, signals[1], "edited meanwhile", 1),
        ],
    );
    control.clear_faults();
    settled(&desk, blocked);
    let caught_up = contents(&control, blocked);
    assert_eq!(caught_up.len(), 9, "{caught_up:?}");
    assert!(caught_up[0].contains("edited meanwhile"), "{caught_up:?}");
    let order: Vec<usize> = signals[2..]
        .iter()
        .map(|signal| {
            caught_up
                .iter()
                .position(|content| content.contains(&signal.to_string()))
                .unwrap()
        })
        .collect();
    assert!(order.is_sorted(), "{caught_up:?}");
    assert_eq!(control.messages(Some(blocked.into())).len(), 9);
}

#[test]
fn killed_in_the_middle_and_with_lost_answers_nothing_is_posted_twice() {
    const SIGNALS: usize = 30;
    let (mut stage, control) = with_discord();
    let desk = Desk::on(&stage);
    let (source, target) = mapped(&desk);
    let lost = When::Probability {
        probability: 0.2,
        seed: 7,
    };
    control.add_fault(FaultRule::new(lost, Fault::CommitThenDrop).on(RouteKind::MessageCreate));
    let marks: BTreeSet<String> = (0..SIGNALS)
        .map(|number| format!("mark-{number:03}."))
        .collect();
    for (number, mark) in marks.iter().enumerate() {
        desk.push_until_taken(&[create(source, signal_id(), mark)]);
        if number % 10 == 9 {
            // In the middle: something is posted, something is not.
            wait_for("some to be posted", || {
                (contents(&control, target).len() > number / 2).then_some(())
            });
            stage.kill9().unwrap();
            stage.restart().unwrap();
        }
    }
    settled(&desk, target);
    let all = control.messages(Some(target.into()));
    assert_eq!(
        all.len(),
        SIGNALS,
        "{:?}",
        all.iter()
            .map(|message| &message.content)
            .collect::<Vec<_>>()
    );
    for mark in &marks {
        assert_eq!(
            all.iter()
                .filter(|message| message.content.contains(mark))
                .count(),
            1,
            "{mark}"
        );
    }
    assert!(all.iter().all(|message| message.deleted_at_ms.is_none()));
    assert!(control.stats().faulted > 0);
    // Nothing more comes: a later signal is the next message.
    desk.says([1, 0, 0, 0, 0], &[create(source, signal_id(), "the last")]);
    control.clear_faults();
    wait_for("the last one to be posted", || {
        contents(&control, target)
            .last()
            .filter(|content| content.contains("the last"))
            .map(drop)
    });
    assert_eq!(control.messages(Some(target.into())).len(), SIGNALS + 1);
}

/// Without a token deliveries wait, and signals are committed and shown all the same.
#[test]
fn without_a_bot_deliveries_wait() {
    let desk = Desk::shared();
    let (source, target) = mapped(&desk);
    desk.says([1, 0, 0, 0, 0], &[create(source, signal_id(), "waits")]);
    assert_eq!(desk.signals(source).len(), 1);
    let rows = desk
        .admin
        .all(&format!("/api/deliveries?target_channel_id={target}"))
        .unwrap();
    assert_eq!(
        (rows.len(), &rows[0]["state"], &rows[0]["attempts"]),
        (1, &json!("pending"), &json!(0))
    );
    assert_eq!(desk.ask("GET", "/healthz", &[], None).status, 200);
}
