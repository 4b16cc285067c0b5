//! Faults inside the server, on demand: a panic in any actor loses nothing that was acknowledged, the tree heals, and what
//! cannot heal is parked and shown, or ends the process.

use heliograph_bench::{
    live_client::session::{Event, Follower},
    stage::{Stage, StageSettings},
};
use serde_json::{Value, json};

use crate::{
    harness::{Desk, PATIENCE, actor, counts, json_of, server, start, wait_for},
    said::{create, delete, signal_id, update},
};

/// A server with these faults: `<point>=<so many times>*panic(<word>)`, with one public thread so that there is one hub.
fn with_faults(faults: &str) -> StageSettings {
    server()
        .with_env("FAILPOINTS", faults)
        .with_env("HELIOGRAPH_PUBLIC_THREADS", "1")
}

/// The actor, which must have come back so many times.
#[track_caller]
fn healed(desk: &Desk, name: &str, restarts: u64) {
    let shown = wait_for("the actor to run again", || {
        Some(actor(&desk.admin, name)).filter(|shown| shown["state"] == "running")
    });
    assert_eq!(
        (&shown["restarts"], &shown["generation"]),
        (&json!(restarts), &json!(restarts + 1)),
        "{shown}"
    );
    assert_eq!(shown["last_panic"].is_string(), restarts > 0, "{shown}");
}

/// Pushes signals one by one as connectors do, with an edit and a delete among them: so many revisions. A viewer reads along
/// and comes back with its cursor whenever it is cut.
fn a_day_of_signals(stage: &Stage, desk: &Desk, channel: u64) -> i64 {
    const SIGNALS: i64 = 40;
    let revisions = SIGNALS + SIGNALS / 4 + SIGNALS / 8;
    std::thread::scope(|scope| {
        let viewer = scope.spawn(|| follow(desk, channel, revisions));
        for number in 0..SIGNALS {
            let signal = signal_id();
            desk.push_until_taken(&[create(channel, signal, "said")]);
            if number % 4 == 0 {
                desk.push_until_taken(&[update(channel, signal, "edited", 1)]);
            }
            if number % 8 == 0 {
                desk.push_until_taken(&[delete(channel, signal)]);
            }
        }
        viewer.join().unwrap();
    });
    let mut table = stage.table().unwrap();
    let rows = format!("SELECT count(*) AS number FROM revisions WHERE channel_id = {channel}");
    assert_eq!(table.number(&rows).unwrap(), revisions);
    let dense = format!(
        "SELECT count(*) AS number FROM (SELECT seq, row_number() OVER (ORDER BY seq) AS place FROM revisions
          WHERE channel_id = {channel}) AS numbered WHERE seq <> place"
    );
    assert_eq!(table.number(&dense).unwrap(), 0, "holes in the sequence");
    let deleted = desk
        .signals(channel)
        .iter()
        .filter(|signal| signal["deleted"] == true)
        .count() as i64;
    assert_eq!(
        (desk.signals(channel).len() as i64, deleted),
        (SIGNALS, SIGNALS / 8)
    );
    revisions
}

/// Reads until so many revisions came, each once and in order; gives how often it had to connect.
fn follow(desk: &Desk, channel: u64, revisions: i64) -> u64 {
    let mut follower = Follower::from_the_beginning(&[channel]);
    let mut session = follower.connect(desk.book.now().public, None).unwrap();
    while follower.seq(channel) < revisions {
        match session.next(PATIENCE).unwrap() {
            Event::Frame(frame) => {
                follower.take_in(&frame).unwrap();
            }
            Event::Closed(_) => session = follower.connect(desk.book.now().public, None).unwrap(),
            Event::Silence => panic!("nothing came after {}", follower.seq(channel)),
        }
    }
    assert_eq!(
        (follower.doubled, follower.gaps, follower.resyncs),
        (0, 0, 0),
        "doubled, gaps, resyncs"
    );
    follower.connects
}

#[test]
fn a_panic_in_the_source_channel_loses_nothing() {
    let stage = start(with_faults(
        "source_channel::join=10*off->1*panic(join)->10*off->1*panic(again)",
    ));
    let desk = Desk::on(&stage);
    let channel = desk.source();
    a_day_of_signals(&stage, &desk, channel);
    healed(&desk, &format!("source_channel/{channel}"), 2);
}

#[test]
fn a_panic_in_the_router_loses_nothing() {
    let stage = start(with_faults(
        "router::plan=10*off->1*panic(plan)->10*off->1*panic(again)",
    ));
    let desk = Desk::on(&stage);
    let (first, second) = (desk.source(), desk.source());
    desk.says([1, 0, 0, 0, 0], &[create(second, signal_id(), "bystander")]);
    a_day_of_signals(&stage, &desk, first);
    healed(&desk, "router", 2);
    desk.says([1, 0, 0, 0, 0], &[create(second, signal_id(), "bystander")]);
    assert_eq!(desk.seq(second), 2);
}

#[test]
fn a_panic_in_the_store_writer_loses_nothing() {
    let stage = start(with_faults(
        "store_writer::take=20*off->1*panic(take)->21*off->1*panic(again)",
    ));
    let desk = Desk::on(&stage);
    let channel = desk.source();
    a_day_of_signals(&stage, &desk, channel);
    healed(&desk, "store_writer", 2);
    wait_for("the server to be ready", || {
        desk.admin.is_ready().then_some(())
    });
}

#[test]
fn a_panic_in_the_hub_cuts_sessions_that_then_resume() {
    let stage = start(with_faults(
        "session_hub::committed=10*off->1*panic(committed)",
    ));
    let desk = Desk::on(&stage);
    let channel = desk.source();
    let mut watcher = crate::watcher::Watcher::live(desk.book.now().public, &[channel]);
    a_day_of_signals(&stage, &desk, channel);
    healed(&desk, "session_hub/0", 1);
    assert_eq!(watcher.closed(), 4002);
}

#[test]
fn a_poison_item_is_quarantined_and_its_neighbours_are_taken() {
    let stage = start(with_faults("source_channel::poison=panic(poison)"));
    let desk = Desk::on(&stage);
    let channel = desk.source();
    let [before, poison, after] =
        ["before", "skull \u{2620}", "after"].map(|text| create(channel, signal_id(), text));
    let answer = desk.push(&[before.clone(), poison.clone(), after.clone()]);
    assert_eq!(counts(&answer), [2, 0, 0, 0, 1], "{answer}");
    assert_eq!(
        answer["rejected"],
        json!([{"index": 1, "reason": "it could not be processed"}])
    );
    let kept = desk.quarantined();
    assert_eq!((kept.len(), &kept[0]["item_index"]), (1, &json!(1)));
    assert_eq!(
        serde_json::from_str::<Value>(kept[0]["body"].as_str().unwrap()).unwrap(),
        poison
    );
    // Once with its neighbours, twice alone.
    healed(&desk, &format!("source_channel/{channel}"), 3);
    assert_eq!((desk.signals(channel).len(), desk.seq(channel)), (2, 2));
    desk.says([0, 2, 0, 0, 0], &[before, after]);
    desk.says([1, 0, 0, 0, 0], &[create(channel, signal_id(), "later")]);
}

#[test]
fn a_channel_that_does_not_heal_is_parked_alone_until_a_person_says_go() {
    let stage = start(
        with_faults("source_channel::poison=3*panic(poison)")
            .with_env("HELIOGRAPH_SUPERVISION_RESTARTS_MAX", "2"),
    );
    let desk = Desk::on(&stage);
    let (channel, other) = (desk.source(), desk.source());
    let name = format!("source_channel/{channel}");
    desk.says([1, 0, 0, 0, 0], &[create(channel, signal_id(), "well")]);
    assert_eq!(
        counts(&desk.push(&[create(channel, signal_id(), "\u{2620}")])),
        [0, 0, 0, 0, 1]
    );
    let shown = actor(&desk.admin, &name);
    assert_eq!(
        (&shown["state"], &shown["restarts"]),
        (&json!("parked"), &json!(3)),
        "{shown}"
    );
    assert_eq!(shown["last_panic"], "poison");
    assert!(
        desk.admin
            .metrics()
            .unwrap()
            .contains("heliograph_actors_parked{kind=\"source_channel\"} 1")
    );
    let signal = create(channel, signal_id(), "kept for later");
    let answer = desk.push(&[signal.clone(), create(other, signal_id(), "not concerned")]);
    assert_eq!(counts(&answer), [1, 0, 0, 0, 1]);
    assert_eq!(
        answer["rejected"][0]["reason"],
        "the source channel is parked"
    );
    assert_eq!(
        desk.quarantined()[0]["reason"],
        "the source channel is parked"
    );

    let unpark = |name: &str| {
        desk.admin
            .call("POST", &format!("/api/actors/{name}/unpark"), None)
            .unwrap()
    };
    assert_eq!(unpark(&format!("source_channel/{other}")).status, 404);
    assert_eq!(unpark(&name).status, 204);
    wait_for("the channel to run again", || {
        (actor(&desk.admin, &name)["state"] == "running").then_some(())
    });
    desk.says([1, 0, 0, 0, 0], &[signal]);
    assert_eq!(unpark(&name).status, 404);
    assert_eq!(desk.seq(channel), 2);
}

#[test]
fn without_a_router_or_a_writer_the_process_ends_and_the_next_one_goes_on() {
    for (point, name) in [
        ("router::plan", "router"),
        ("store_writer::take", "store_writer"),
    ] {
        // It breaks for ever, once it has worked for a while.
        let mut stage = start(
            with_faults(&format!("{point}=10*off->panic(for ever)"))
                .with_env("HELIOGRAPH_SUPERVISION_RESTARTS_MAX", "2"),
        );
        let desk = Desk::on(&stage);
        let channel = desk.source();
        let mut said = Vec::new();
        let mut acked = 0;
        // A server that ends breaks connections, which a client must expect.
        while stage.is_running() && said.len() < 1_000 {
            let signal = create(channel, signal_id(), "said");
            said.push(signal.clone());
            if let Some(answer) = push_bravely(&desk, &signal) {
                acked += u64::from(counts(&answer)[0] == 1);
            }
        }
        wait_for("the server to end", || (!stage.is_running()).then_some(()));
        let ended = stage.terminate().unwrap_err().to_string();
        assert!(ended.contains("exit status: 1"), "{name}: {ended}");
        assert!(
            crate::harness::log_of(&stage).contains(&format!("actor={name}")),
            "{name}"
        );
        let rows = format!("SELECT count(*) AS number FROM revisions WHERE channel_id = {channel}");
        assert!(
            stage.table().unwrap().number(&rows).unwrap().unsigned_abs() >= acked && acked > 0,
            "{name}: {acked} acked"
        );
        stage.restart().unwrap();
        assert!(desk.signals(channel).len() as u64 >= acked);
    }
}

/// Pushes one item; the answer when it was taken, nothing when the server refused or went away meanwhile.
fn push_bravely(desk: &Desk, item: &Value) -> Option<Value> {
    use heliograph_bench::http::HttpClient;
    let mut client = HttpClient::new(desk.book.now().ingest, PATIENCE);
    let bearer = format!("Bearer {}", desk.connector.token);
    let body = desk.batch(std::slice::from_ref(item)).to_string();
    let headers = [("authorization", bearer.as_str()), ("connection", "close")];
    let response = client
        .request(
            "POST",
            "/ingest/message-batch",
            &headers,
            Some(body.as_bytes()),
        )
        .ok()?;
    (response.status == 200).then(|| json_of(&response))
}
