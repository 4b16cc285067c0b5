//! What a person sees and decides of mirroring, against the real server and a Discord: dead letters and their return, drops,
//! pauses, back-fills beside live signals, and the trail that tells all of it.

use fake_discord::{Control, Fault, FaultRule, RouteKind, When};
use heliograph_bench::stage::Stage;
use serde_json::{Value, json};

use crate::{
    harness::{Desk, refused, server, start, wait_for},
    said::{create, delete, signal_id, update},
    watcher::Watcher,
};

fn with_discord() -> (Stage, Control) {
    let stage = start(
        server()
            .with_open_fake_discord()
            .with_env("HELIOGRAPH_DISCORD_GLOBAL_REQUESTS_PER_S", "1000")
            .with_env("HELIOGRAPH_DISCORD_REQUEST_TIMEOUT_MS", "2000")
            .with_env("HELIOGRAPH_MIRRORS_ATTEMPTS_MAX", "2")
            .with_env("HELIOGRAPH_MIRRORS_RETRY_DELAY_MS_MIN", "20")
            .with_env("HELIOGRAPH_MIRRORS_RETRY_DELAY_MS_MAX", "50"),
    );
    let control = stage.fake_discord().unwrap().control();
    (stage, control)
}

fn post(desk: &Desk, path: &str, body: Value) -> Value {
    desk.admin
        .ask("POST", path, Some(&body))
        .unwrap_or_else(|failure| panic!("{failure}"))
}

/// Maps a source into a new target: the target and the mapping.
fn map(desk: &Desk, source: u64, start: Value) -> (u64, Value) {
    let target = desk.target();
    let wish = json!({ "source_channel_id": source.to_string(), "target_channel_id": target.to_string(), "start": start });
    (target, post(desk, "/api/mappings", wish))
}

fn item(signal: u64, target: u64) -> Value {
    json!({ "signal_id": signal.to_string(), "target_channel_id": target.to_string() })
}

/// What stands in a target, oldest first.
fn contents(control: &Control, target: u64) -> Vec<String> {
    let live = control.live_messages(target.into());
    live.into_iter().map(|message| message.content).collect()
}

fn wait_for_contents(control: &Control, target: u64, count: usize) -> Vec<String> {
    wait_for("messages in the target", || {
        let contents = contents(control, target);
        (contents.len() >= count).then_some(contents)
    })
}

/// The marks `#n;` of these contents, in their order.
fn marks(contents: &[String]) -> Vec<usize> {
    let mark = |content: &String| {
        let (_, rest) = content.split_once('#')?;
        rest.split_once(';')?.0.parse().ok()
    };
    contents.iter().filter_map(mark).collect()
}

fn dead_letters(desk: &Desk, target: u64) -> Vec<Value> {
    let path = format!("/api/dead-letters?target_channel_id={target}");
    desk.admin.all(&path).unwrap()
}

fn trail(desk: &Desk, signal: u64) -> Value {
    let path = format!("/api/signals/{signal}/trail");
    desk.admin.ask("GET", &path, None).unwrap()
}

fn target_row(desk: &Desk, target: u64) -> Value {
    let rows = desk.admin.all("/api/targets").unwrap();
    let id = target.to_string();
    rows.into_iter()
        .find(|row| row["target_channel_id"] == id)
        .unwrap_or_else(|| panic!("no target {id}"))
}

/// Discord refuses every message of this target for its content.
fn poison(control: &Control, target: u64) {
    let refusal = Fault::Error {
        status: 400,
        code: 50_035,
        message: "Invalid Form Body".into(),
    };
    let rule = FaultRule::new(When::Always, refusal);
    control.add_fault(rule.on(RouteKind::MessageCreate).in_channel(target));
}

#[test]
fn a_poison_signal_is_put_back_when_its_reason_is_gone() {
    let (stage, control) = with_discord();
    let desk = Desk::on(&stage);
    let source = desk.source();
    let ((target, _), signal) = (map(&desk, source, json!("now")), signal_id());
    poison(&control, target);
    desk.says([1, 0, 0, 0, 0], &[create(source, signal, "poison #1;")]);
    let letter = wait_for("a dead letter", || dead_letters(&desk, target).pop());
    assert!(
        letter["reason"].as_str().unwrap().contains("50035"),
        "{letter}"
    );
    assert_eq!(
        (&letter["payload"]["text"], &letter["parts"]),
        (&json!("poison #1;"), &json!([]))
    );
    assert_eq!(target_row(&desk, target)["dead_letters"], 1);
    let told = trail(&desk, signal);
    assert_eq!(told["deliveries"][0]["state"], "dead_letter", "{told}");

    control.clear_faults();
    let redrive = json!({ "items": [item(signal, target)] });
    let done = post(&desk, "/api/dead-letters/redrive", redrive.clone());
    assert_eq!(done, json!({ "redriven": 1, "more": false }));
    assert_eq!(marks(&wait_for_contents(&control, target, 1)), [1]);
    wait_for("the row to be delivered", || {
        (trail(&desk, signal)["deliveries"][0]["state"] == "delivered").then_some(())
    });
    assert!(dead_letters(&desk, target).is_empty());
    let again = desk
        .admin
        .call("POST", "/api/dead-letters/redrive", Some(&redrive))
        .unwrap();
    refused(&again, 409, "other_state");
    // Its edits go on as if nothing had been.
    desk.says([1, 0, 0, 0, 0], &[update(source, signal, "cured #2;", 1)]);
    wait_for("the edit", || {
        (marks(&contents(&control, target)) == [2]).then_some(())
    });
    assert_eq!(crate::harness::restarts(&desk.admin), 0);
}

#[test]
fn what_is_dropped_is_never_sent_and_what_is_restored_is() {
    let (stage, control) = with_discord();
    let desk = Desk::on(&stage);
    let source = desk.source();
    let (target, _) = map(&desk, source, json!("now"));
    let away = Fault::Error {
        status: 500,
        code: 0,
        message: "away".into(),
    };
    control.add_fault(FaultRule::new(When::Always, away).in_channel(target));
    let signals: Vec<u64> = (0..3).map(|_| signal_id()).collect();
    for (n, signal) in signals.iter().enumerate() {
        desk.says(
            [1, 0, 0, 0, 0],
            &[create(source, *signal, &format!("#{n};"))],
        );
    }
    let drop = json!({ "items": [item(signals[1], target)], "reason": "not for customers" });
    assert_eq!(
        post(&desk, "/api/deliveries/drop", drop.clone()),
        json!({ "dropped": 1 })
    );
    assert_eq!(
        post(&desk, "/api/deliveries/drop", drop),
        json!({ "dropped": 0 })
    );
    // Nothing that is said of it brings it back.
    desk.says([1, 0, 0, 0, 0], &[update(source, signals[1], "#9;", 1)]);
    control.clear_faults();
    assert_eq!(marks(&wait_for_contents(&control, target, 2)), [0, 2]);
    let told = trail(&desk, signals[1]);
    assert_eq!(
        told["deliveries"][0]["explanation"],
        "dropped: not for customers"
    );
    let restore = json!({ "items": [item(signals[1], target)] });
    assert_eq!(
        post(&desk, "/api/deliveries/restore", restore)["restored"],
        1
    );
    assert_eq!(marks(&wait_for_contents(&control, target, 3)), [0, 2, 9]);
}

#[test]
fn a_paused_target_waits_and_goes_on_in_order() {
    let (stage, control) = with_discord();
    let desk = Desk::on(&stage);
    let source = desk.source();
    let ((held, _), (free, _)) = (
        map(&desk, source, json!("now")),
        map(&desk, source, json!("now")),
    );
    let say = |n: usize| {
        let signal = signal_id();
        desk.says(
            [1, 0, 0, 0, 0],
            &[create(source, signal, &format!("#{n};"))],
        );
        signal
    };
    say(0);
    wait_for_contents(&control, held, 1);
    let pause = format!("/api/targets/{held}/pause");
    let row = post(&desk, &pause, json!({ "version": 0 }));
    assert_eq!(target_row(&desk, held)["state"], "paused");
    let paused = target_row(&desk, held)["version"].clone();
    assert_eq!(row["version"], paused);
    // A word to a mirror is heard before whatever is said after it; so these are all behind the pause, for good.
    let waiting = [1, 2, 3, 4].map(say);
    wait_for_contents(&control, free, 5);
    desk.says([1, 0, 0, 0, 0], &[delete(source, waiting[1])]);
    let told = trail(&desk, waiting[0]);
    let deliveries = told["deliveries"].as_array().unwrap();
    let of_held = deliveries
        .iter()
        .find(|delivery| delivery["target_channel_id"] == held.to_string())
        .unwrap();
    assert_eq!(
        of_held["explanation"], "waits: the target channel is paused",
        "{told}"
    );
    assert_eq!(marks(&contents(&control, held)), [0]);
    let stale = desk
        .admin
        .call(
            "POST",
            &format!("/api/targets/{held}/resume"),
            Some(&json!({ "version": 0 })),
        )
        .unwrap();
    refused(&stale, 409, "stale_version");
    post(
        &desk,
        &format!("/api/targets/{held}/resume"),
        json!({ "version": paused }),
    );
    assert_eq!(marks(&wait_for_contents(&control, held, 4)), [0, 1, 3, 4]);
    let seen = wait_for("the mirror to be at rest", || {
        let row = target_row(&desk, held);
        (row["backlog"] == 0 && row["state"] == "healthy").then_some(row)
    });
    assert_eq!(
        (&seen["reason"], &seen["mappings"]),
        (&Value::Null, &json!(1))
    );
}

#[test]
fn a_trail_tells_where_a_signal_went() {
    let (stage, control) = with_discord();
    let desk = Desk::on(&stage);
    let source = desk.source();
    let ((target, _), signal) = (map(&desk, source, json!("now")), signal_id());
    let mut watchers = [(); 2].map(|()| Watcher::live(desk.book.now().public, &[source]));
    desk.says([1, 0, 0, 0, 0], &[create(source, signal, "#1;")]);
    for watcher in &mut watchers {
        watcher.revision(1);
    }
    desk.says([1, 0, 0, 0, 0], &[update(source, signal, "#2;", 1)]);
    wait_for("the edit in the target", || {
        (marks(&contents(&control, target)) == [2]).then_some(())
    });
    let (later, _) = map(&desk, source, json!("now"));
    let told = wait_for("the row to be delivered", || {
        let told = trail(&desk, signal);
        (told["deliveries"][0]["state"] == "delivered").then_some(told)
    });
    let bodies = told["captured"].as_array().unwrap();
    assert!(
        !bodies.is_empty()
            && bodies
                .iter()
                .all(|body| body["connector_id"] == desk.connector.connector_id.as_str()),
        "{told}"
    );
    let revisions = told["committed"].as_array().unwrap();
    let kinds: Vec<_> = revisions.iter().map(|one| &one["kind"]).collect();
    assert_eq!(kinds, ["create", "update"], "{told}");
    assert_eq!(
        (
            &revisions[0]["seq"],
            &revisions[0]["late"],
            &revisions[0]["sessions"]
        ),
        (&json!(1), &json!(false), &json!(2)),
        "{told}"
    );
    let delivery = &told["deliveries"][0];
    let message = &control.live_messages(target.into())[0];
    let link = delivery["parts"][0]["link"].as_str().unwrap();
    assert!(
        link.starts_with("https://discord.com/channels/")
            && link.ends_with(&format!("/{target}/{}", message.id)),
        "{link}"
    );
    assert!(delivery["delay_ms"].as_i64().unwrap() >= 0);
    let missing = &told["not_delivered"][0];
    assert_eq!(missing["target_channel_id"], later.to_string());
    assert!(
        missing["reason"].as_str().unwrap().contains("made after"),
        "{missing}"
    );
    let unheard = desk
        .admin
        .call("GET", &format!("/api/signals/{}/trail", signal_id()), None)
        .unwrap();
    refused(&unheard, 404, "not_found");
}

#[test]
fn a_back_fill_is_whole_and_in_order_while_signals_arrive() {
    const BEFORE: usize = 20;
    const LAST: usize = 15;
    const MEANWHILE: usize = 40;
    let (stage, control) = with_discord();
    let desk = Desk::on(&stage);
    let source = desk.source();
    let say = |n: usize| {
        desk.push_until_taken(&[create(source, signal_id(), &format!("#{n};"))]);
    };
    (0..BEFORE).for_each(say);
    let (target, mapping) = std::thread::scope(|scope| {
        let speaker = scope.spawn(|| (BEFORE..BEFORE + MEANWHILE).for_each(say));
        // In the middle of them.
        wait_for("some of those that arrive", || {
            (desk.seq(source) > BEFORE as u64 + 5).then_some(())
        });
        let made = map(&desk, source, json!({ "last": LAST }));
        speaker.join().unwrap();
        made
    });
    say(BEFORE + MEANWHILE);
    let posted = wait_for("the last of them", || {
        let marks = marks(&contents(&control, target));
        (marks.last() == Some(&(BEFORE + MEANWHILE))).then_some(marks)
    });
    let first = posted[0];
    // The fifteen before the mapping was made, which is somewhere among those that arrived, and all that came after.
    assert!(
        (BEFORE + 5 - LAST..=BEFORE + MEANWHILE + 1 - LAST).contains(&first),
        "{posted:?}"
    );
    let whole: Vec<usize> = (first..=BEFORE + MEANWHILE).collect();
    assert_eq!(posted, whole);
    // Once more, further back: what is there is left alone.
    let path = format!("/api/mappings/{}/backfill", mapping["mapping_id"]);
    let filled = post(&desk, &path, json!({ "last": 1000 }));
    assert_eq!(filled["backfilled"], first);
    let all = wait_for_contents(&control, target, BEFORE + MEANWHILE + 1);
    let expected: Vec<usize> = whole.into_iter().chain(0..first).collect();
    assert_eq!(marks(&all), expected);
}
