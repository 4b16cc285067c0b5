//! The traps of the contract, each of which has bitten someone: what a signal becomes when connectors repeat, reorder, leave
//! out and contradict, with the exact counts of every answer.

use crate::{
    harness::{Desk, server, start},
    said::{GUILD, create, delete, edited_at, embed, file, fresh_id, signal_id, update, with},
};
use serde_json::{Value, json};

fn text(signal: &Value) -> &str {
    signal["text"].as_str().unwrap()
}

#[test]
fn every_edit_counts_though_all_carry_one_key() {
    let desk = Desk::shared();
    let (channel, signal) = (desk.source(), signal_id());
    desk.says([1, 0, 0, 0, 0], &[create(channel, signal, "one")]);
    desk.says([1, 0, 0, 0, 0], &[update(channel, signal, "two", 2)]);
    desk.says([1, 0, 0, 0, 0], &[update(channel, signal, "three", 3)]);
    desk.says([0, 1, 0, 0, 0], &[update(channel, signal, "three", 3)]);
    // An older edit that comes late changes nothing.
    desk.says([0, 1, 0, 0, 0], &[update(channel, signal, "two", 2)]);
    let seen = desk.signal(channel, signal).unwrap();
    assert_eq!(
        (text(&seen), seen["revision"].as_i64(), desk.seq(channel)),
        ("three", Some(3), 3)
    );
}

#[test]
fn sparse_updates_add_and_never_erase() {
    let desk = Desk::shared();
    let (channel, signal) = (desk.source(), signal_id());
    let chart = embed(json!({"title": "Chart", "image": {"url": "https://cdn.example/chart.png"}}));
    desk.says([1, 0, 0, 0, 0], &[create(channel, signal, "long")]);
    let attachments_only = with(
        update(channel, signal, "", 1),
        json!({"attachments": [file(1, "a.png")]}),
    );
    desk.says([1, 0, 0, 0, 0], &[attachments_only]);
    desk.says([1, 0, 0, 0, 0], &[update(channel, signal, "longer", 2)]);
    // Discord resolves links after the fact: no edit, only embeds.
    let embeds_only = with(update(channel, signal, "", 0), json!({ "embeds": [chart] }));
    desk.says([1, 0, 0, 0, 0], std::slice::from_ref(&embeds_only));
    desk.says([0, 1, 0, 0, 0], &[embeds_only]);
    let seen = desk.signal(channel, signal).unwrap();
    assert_eq!(text(&seen), "longer");
    assert_eq!(seen["attachments"][0]["filename"], "a.png");
    assert_eq!(
        seen["embeds"][0]["image_url"],
        "https://cdn.example/chart.png"
    );

    // An edit that carries the two others in full says that the third was removed.
    let without_files = with(
        update(channel, signal, "longest", 3),
        json!({ "embeds": [chart] }),
    );
    desk.says([1, 0, 0, 0, 0], &[without_files]);
    let seen = desk.signal(channel, signal).unwrap();
    assert_eq!((text(&seen), &seen["attachments"]), ("longest", &json!([])));
    assert_eq!(
        seen["edited_at_ms"],
        chrono::DateTime::parse_from_rfc3339(&edited_at(3))
            .unwrap()
            .timestamp_millis()
    );
}

#[test]
fn an_edit_before_its_create_is_held_and_joined() {
    let desk = Desk::shared();
    let (channel, signal) = (desk.source(), signal_id());
    desk.says([0, 0, 0, 1, 0], &[update(channel, signal, "edited", 1)]);
    assert_eq!((desk.signal(channel, signal), desk.seq(channel)), (None, 0));
    desk.says([1, 0, 0, 0, 0], &[create(channel, signal, "first")]);
    let seen = desk.signal(channel, signal).unwrap();
    assert_eq!((text(&seen), desk.seq(channel)), ("edited", 1));
}

#[test]
fn a_create_never_appears_after_its_delete() {
    let desk = Desk::shared();
    let (channel, early, late) = (desk.source(), signal_id(), signal_id());
    desk.says([0, 0, 0, 1, 0], &[delete(channel, early)]);
    desk.says([0, 1, 0, 0, 0], &[create(channel, early, "never seen")]);
    desk.says([0, 1, 0, 0, 0], &[update(channel, early, "never seen", 1)]);
    assert_eq!(desk.seq(channel), 0);
    desk.says([1, 0, 0, 0, 0], &[create(channel, late, "seen")]);
    desk.says([1, 0, 0, 0, 0], &[delete(channel, late)]);
    desk.says(
        [0, 2, 0, 0, 0],
        &[delete(channel, late), create(channel, late, "again")],
    );
    let left = desk.signals(channel);
    assert_eq!(
        (
            left.len(),
            &left[0]["deleted"],
            text(&left[0]),
            desk.seq(channel)
        ),
        (1, &json!(true), "", 2)
    );
    assert_eq!(left[0]["signal_id"], late.to_string());
}

#[test]
fn any_order_within_a_batch_comes_to_the_same() {
    let desk = Desk::shared();
    let (channel, signal, other) = (desk.source(), signal_id(), signal_id());
    // Creates come first and by age, whatever the order in the batch.
    desk.says(
        [3, 0, 0, 0, 0],
        &[
            update(channel, signal, "b", 1),
            create(channel, other, "x"),
            create(channel, signal, "a"),
        ],
    );
    let seen = desk.signals(channel);
    let ids: Vec<&Value> = seen.iter().map(|signal| &signal["signal_id"]).collect();
    assert_eq!(ids, [&json!(other.to_string()), &json!(signal.to_string())]);
    assert_eq!(text(&seen[1]), "b");
}

#[test]
fn what_comes_again_whole_or_regrouped_is_recognised() {
    let desk = Desk::shared();
    let channel = desk.source();
    let ids: Vec<u64> = (0..6).map(|_| signal_id()).collect();
    let all: Vec<Value> = ids.iter().map(|id| create(channel, *id, "said")).collect();
    desk.says([4, 0, 0, 0, 0], &all[..4]);
    desk.says([0, 4, 0, 0, 0], &all[..4]);
    desk.says([2, 4, 0, 0, 0], &[&all[3..], &all[..3]].concat());
    desk.says([0, 4, 0, 0, 0], &[&all[..2], &all[..2]].concat());
    assert_eq!((desk.signals(channel).len(), desk.seq(channel)), (6, 6));
    // Another signature on the same address is the same file.
    let signed = |ex: u32| {
        let url = format!("https://cdn.example/9/a.png?ex={ex}&is=2&hm=3");
        let file = with(file(9, "a.png"), json!({ "source_url": url }));
        with(
            update(channel, ids[0], "", 0),
            json!({ "attachments": [file] }),
        )
    };
    desk.says([1, 0, 0, 0, 0], &[signed(1)]);
    desk.says([0, 1, 0, 0, 0], &[signed(2)]);
    assert_eq!(desk.seq(channel), 7);
}

#[test]
fn embeds_alone_are_a_signal_in_every_spelling_of_their_picture() {
    let desk = Desk::shared();
    let channel = desk.source();
    let pictures = [
        json!({"image": {"url": "https://cdn.example/p.png"}}),
        json!({"image": {"proxy_url": "https://cdn.example/p.png"}}),
        json!({"image": {"proxyURL": "https://cdn.example/p.png"}}),
        json!({"image": {"proxyUrl": "https://cdn.example/p.png"}}),
        json!({"images": [{"url": "https://cdn.example/p.png"}]}),
    ];
    for picture in pictures {
        let signal = signal_id();
        let said = with(
            create(channel, signal, ""),
            json!({ "embeds": [embed(picture.clone())] }),
        );
        desk.says([1, 0, 0, 0, 0], &[said]);
        let seen = desk.signal(channel, signal).unwrap();
        assert_eq!(
            (text(&seen), &seen["embeds"][0]["image_url"]),
            ("", &json!("https://cdn.example/p.png")),
            "{picture}"
        );
    }
    let signal = signal_id();
    let thumbnail = embed(
        json!({"thumbnail": {"proxyURL": "https://cdn.example/t.png"}, "rawTitle": "Short", "color": 255}),
    );
    desk.says(
        [1, 0, 0, 0, 0],
        &[with(
            create(channel, signal, ""),
            json!({ "embeds": [thumbnail] }),
        )],
    );
    let seen = desk.signal(channel, signal).unwrap();
    assert_eq!(
        seen["embeds"][0]["thumbnail_url"],
        "https://cdn.example/t.png"
    );
    assert_eq!(
        (&seen["embeds"][0]["title"], &seen["embeds"][0]["color"]),
        (&json!("Short"), &json!(255))
    );
}

#[test]
fn the_time_of_a_signal_is_in_its_id() {
    let desk = Desk::shared();
    let (channel, signal) = (desk.source(), signal_id());
    desk.says(
        [1, 0, 0, 0, 0],
        &[with(
            create(channel, signal, "x"),
            json!({"created_at": "1999-01-01T00:00:00Z"}),
        )],
    );
    let seen = desk.signal(channel, signal).unwrap();
    assert_eq!(
        seen["created_at_ms"].as_u64().unwrap(),
        heliograph_bench::messages::created_ms(signal)
    );
}

#[test]
fn a_message_in_a_thread_stands_in_its_parent() {
    let desk = Desk::shared();
    // mode, ignored, whether the plain one and the one in the thread are left
    for (mode, ignored, left) in [
        ("include", 0, [true, true]),
        ("exclude", 1, [true, false]),
        ("only", 1, [false, true]),
    ] {
        let (channel, thread, in_thread, plain) =
            (desk.source(), fresh_id(), signal_id(), signal_id());
        let threaded = with(
            create(channel, in_thread, "in"),
            json!({ "discord_thread_id": thread.to_string() }),
        );
        let path = format!(
            "/api/connectors/{}/channels/{channel}",
            desk.connector.connector_id
        );
        let role = json!({"guild_id": crate::said::GUILD.to_string(), "is_source": true, "is_target": false,
            "is_enabled": true, "thread_mode": mode, "version": 1});
        desk.admin.ask("PUT", &path, Some(&role)).unwrap();
        desk.says(
            [2 - ignored, 0, ignored, 0, 0],
            &[threaded, create(channel, plain, "out")],
        );
        let (out, within) = (desk.signal(channel, plain), desk.signal(channel, in_thread));
        assert_eq!([out.is_some(), within.is_some()], left, "{mode}");
        if let Some(within) = within {
            assert_eq!(
                (&within["thread_id"], &within["channel_id"]),
                (&json!(thread.to_string()), &json!(channel.to_string()))
            );
        }
    }
}

#[test]
fn two_connectors_of_one_channel_tell_one_story() {
    let (desk, other) = (Desk::shared(), Desk::shared());
    let (channel, signal) = (desk.source(), signal_id());
    let id = &other.connector.connector_id;
    other
        .admin
        .mark_channel(id, GUILD, channel, true, false)
        .unwrap();
    desk.says([1, 0, 0, 0, 0], &[create(channel, signal, "one")]);
    other.says([0, 1, 0, 0, 0], &[create(channel, signal, "one")]);
    other.says([1, 0, 0, 0, 0], &[update(channel, signal, "two", 1)]);
    desk.says([0, 1, 0, 0, 0], &[update(channel, signal, "two", 1)]);
    assert_eq!(text(&desk.signal(channel, signal).unwrap()), "two");
    assert_eq!(desk.seq(channel), 2);
}

/// Memory is small and then gone: the tables know everything that was said.
#[test]
fn what_is_known_and_held_outlives_memory_and_a_kill() {
    let mut stage = start(server().with_env("HELIOGRAPH_STORE_CHANNEL_SIGNALS_CACHED_MAX", "2"));
    let desk = Desk::on(&stage);
    let channel = desk.source();
    let [held, gone, edited] = [(); 3].map(|()| signal_id());
    let said = |signals: &[u64]| {
        signals
            .iter()
            .map(|id| create(channel, *id, "said"))
            .collect::<Vec<_>>()
    };
    desk.says([0, 0, 0, 1, 0], &[update(channel, held, "held", 1)]);
    desk.says([0, 0, 0, 1, 0], &[delete(channel, gone)]);
    desk.says(
        [2, 0, 0, 0, 0],
        &[
            create(channel, edited, "one"),
            update(channel, edited, "two", 2),
        ],
    );
    let many: Vec<u64> = (0..10).map(|_| signal_id()).collect();
    desk.says([10, 0, 0, 0, 0], &said(&many));
    desk.says([0, 10, 0, 0, 0], &said(&many));
    stage.kill9().unwrap();
    stage.restart().unwrap();
    desk.says([0, 10, 0, 0, 0], &said(&many));
    desk.says(
        [0, 2, 0, 0, 0],
        &[
            update(channel, edited, "one and a half", 1),
            create(channel, gone, "never"),
        ],
    );
    desk.says([1, 0, 0, 0, 0], &[create(channel, held, "first")]);
    assert_eq!(text(&desk.signal(channel, held).unwrap()), "held");
    assert_eq!(text(&desk.signal(channel, edited).unwrap()), "two");
    assert_eq!((desk.signal(channel, gone), desk.seq(channel)), (None, 13));
}
