//! Figures by the minute and the list of what came through, as the administration reads them.

use serde_json::{Value, json};

use crate::{
    harness::{Desk, server, start, wait_for},
    said::{create, delete, signal_id},
    watcher::Watcher,
};

fn points(desk: &Desk, span: &str) -> Vec<Value> {
    let answer = desk
        .admin
        .ask("GET", &format!("/api/figures?span={span}"), None)
        .unwrap();
    assert_eq!(answer["slot_s"], 60);
    answer["points"].as_array().unwrap().clone()
}

fn sum(points: &[Value], key: &str) -> u64 {
    points
        .iter()
        .map(|point| point[key].as_u64().unwrap())
        .sum()
}

fn counted(points: &[Value], series: &str) -> u64 {
    points
        .iter()
        .map(|point| point[series]["count"].as_u64().unwrap_or(0))
        .sum()
}

#[test]
fn minutes_tell_how_much_came_and_how_long_it_took_and_outlive_a_restart() {
    let mut stage = start(server().with_open_fake_discord());
    let desk = Desk::on(&stage);
    let (source, target) = (desk.source(), desk.target());
    let mapping =
        json!({"source_channel_id": source.to_string(), "target_channel_id": target.to_string()});
    desk.admin
        .ask("POST", "/api/mappings", Some(&mapping))
        .unwrap();
    let public = desk.book.now().public;
    let mut watchers = [
        Watcher::live(public, &[source]),
        Watcher::live(public, &[source]),
    ];
    for _ in 0..3 {
        desk.says([1, 0, 0, 0, 0], &[create(source, signal_id(), "a signal")]);
    }
    for watcher in &mut watchers {
        for seq in 1..=3 {
            watcher.revision(seq);
        }
    }
    let hour = wait_for("three posts", || {
        let hour = points(&desk, "hour");
        (sum(&hour, "posted") == 3 && counted(&hour, "screen") == 6).then_some(hour)
    });
    assert_eq!((hour.len(), sum(&hour, "accepted")), (60, 3));
    assert_eq!(counted(&hour, "discord"), 3);
    let at: Vec<i64> = hour
        .iter()
        .map(|point| point["at_ms"].as_i64().unwrap())
        .collect();
    assert!(
        at.windows(2).all(|pair| pair[1] - pair[0] == 60_000),
        "{at:?}"
    );
    let screen = hour
        .iter()
        .rev()
        .find(|point| !point["screen"].is_null())
        .unwrap();
    let ms = |key: &str| screen["screen"][key].as_f64().unwrap();
    assert!(
        0.0 < ms("p50_ms") && ms("p50_ms") <= ms("p95_ms") && ms("p95_ms") <= ms("p99_ms"),
        "{screen}"
    );
    drop(watchers);
    stage.terminate().unwrap();
    stage.restart().unwrap();
    let day = wait_for("the figures of the life before", || {
        let day = points(&desk, "day");
        (sum(&day, "posted") == 3).then_some(day)
    });
    assert_eq!((day.len(), sum(&day, "accepted")), (1_440, 3));
    assert_eq!((counted(&day, "screen"), counted(&day, "discord")), (6, 3));
    let wrong = desk
        .admin
        .call("GET", "/api/figures?span=year", None)
        .unwrap();
    assert_eq!(wrong.status, 400);
}

#[test]
fn the_latest_signals_are_listed_page_by_page() {
    let desk = Desk::shared();
    let (one, two) = (desk.source(), desk.source());
    let ids: Vec<u64> = (0..5).map(|_| signal_id()).collect();
    for (n, id) in ids.iter().enumerate() {
        let channel = if n % 2 == 0 { one } else { two };
        desk.says(
            [1, 0, 0, 0, 0],
            &[create(channel, *id, &format!("number {n}"))],
        );
    }
    desk.says([1, 0, 0, 0, 0], &[delete(one, ids[4])]);
    let list = |query: String| {
        let answer = desk
            .admin
            .ask("GET", &format!("/api/signals?{query}"), None)
            .unwrap();
        let shown: Vec<String> = answer["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|line| line["signal_id"].as_str().unwrap().to_owned())
            .collect();
        (shown, answer)
    };
    let of = |at: &[usize]| at.iter().map(|at| ids[*at].to_string()).collect::<Vec<_>>();
    let (shown, answer) = list(format!("channel_id={one}&limit=2"));
    assert_eq!(shown, of(&[4, 2]));
    assert_eq!(answer["next_before"], ids[2].to_string());
    let tombstone = &answer["items"][0];
    assert_eq!(
        (&tombstone["deleted"], &tombstone["text"]),
        (&json!(true), &json!(""))
    );
    let kept = &answer["items"][1];
    assert_eq!(kept["text"], "number 2");
    assert_eq!(
        kept["deliveries"],
        json!({"wanted": 0, "delivered": 0, "dead": 0, "dropped": 0})
    );
    assert!(kept["committed_at_ms"].is_i64());
    let (shown, answer) = list(format!("channel_id={one}&limit=2&before={}", ids[2]));
    assert_eq!((shown, &answer["next_before"]), (of(&[0]), &Value::Null));
    let (shown, _) = list(format!("channel_id={two}"));
    assert_eq!(shown, of(&[3, 1]));
    // Over all channels, among those of other tests.
    let (shown, _) = list(format!("before={}&limit=500", ids[4] + 1));
    let ours: Vec<String> = shown
        .into_iter()
        .filter(|id| ids.iter().any(|ours| ours.to_string() == *id))
        .collect();
    assert_eq!(ours, of(&[4, 3, 2, 1, 0]));
    for query in ["limit=0", "limit=501", "before=x", "channel_id=0"] {
        let wrong = desk
            .admin
            .call("GET", &format!("/api/signals?{query}"), None)
            .unwrap();
        assert_eq!(wrong.status, 400, "{query}");
    }
}
