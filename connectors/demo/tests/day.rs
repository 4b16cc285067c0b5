//! The day as the server will hear it: deterministic, within the contract field by field, and with every trap in it.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};

use chrono::DateTime;
use demo_connector::day_core::{Happening, NATURAL_EVENTS_PER_1000_S};
use demo_connector::snowflake::created_ms;
use demo_connector::{
    Day, Event, customer_guild, demo_guild, snapshot, source_channels, target_channels,
};
use serde_json::Value;

const START_MS: u64 = 1_760_016_600_000;
const SEEDS: std::ops::Range<u64> = 0..12;
const EVENTS: usize = 2_000;

fn day(seed: u64) -> Day {
    Day::new(seed, &source_channels(), START_MS).with_charts("http://127.0.0.1:8089")
}

fn events(seed: u64) -> Vec<Event> {
    day(seed).take(EVENTS).collect()
}

fn wire(event: &Event) -> Value {
    match &event.happening {
        Happening::Message(message) => serde_json::to_value(message).unwrap(),
        Happening::Thread(thread) => serde_json::to_value(thread).unwrap(),
    }
}

/// Message events as JSON, with the offset at which they are heard.
fn messages(seed: u64) -> Vec<(u64, Value)> {
    let heard = events(seed);
    let messages = heard
        .iter()
        .filter(|event| matches!(event.happening, Happening::Message(_)));
    messages.map(|event| (event.at_ms, wire(event))).collect()
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field]
        .as_str()
        .unwrap_or_else(|| panic!("{field} is no string in {value}"))
}

fn unix_ms(value: &Value, field: &str) -> u64 {
    let stamp = text(value, field);
    assert!(
        stamp.ends_with('Z') && stamp.len() == "2025-10-09T13:30:00.000Z".len(),
        "{stamp}"
    );
    DateTime::parse_from_rfc3339(stamp)
        .unwrap()
        .timestamp_millis()
        .try_into()
        .unwrap()
}

// The contract, field by field.

#[derive(Clone, Copy)]
enum Shape {
    Snowflake,
    Text,
    Stamp,
    Number,
    Flag,
    Object,
    List(fn(&Value)),
    Nested(fn(&Value)),
}

/// Field, shape, whether null is allowed, whether it may be absent.
type Field = (&'static str, Shape, bool, bool);

fn snowflake(value: &Value) {
    let id = value.as_str().unwrap();
    let number: u64 = id.parse().unwrap();
    assert_eq!(number.to_string(), id);
    assert!(
        (1_500_000_000_000..START_MS + 86_400_000_000).contains(&created_ms(number)),
        "{id}"
    );
}

fn check(value: &Value, fields: &[Field]) {
    let object = value.as_object().unwrap();
    for key in object.keys() {
        assert!(
            fields.iter().any(|(name, ..)| name == key),
            "the contract has no field {key}"
        );
    }
    for (name, shape, nullable, optional) in fields {
        let Some(field) = object.get(*name) else {
            assert!(optional, "{name} is missing in {value}");
            continue;
        };
        if field.is_null() {
            assert!(nullable, "{name} is null in {value}");
            continue;
        }
        match shape {
            Shape::Snowflake => snowflake(field),
            Shape::Text => assert!(field.is_string(), "{name}: {field}"),
            Shape::Stamp => assert!(unix_ms(value, name) >= START_MS, "{name}: {field}"),
            Shape::Number => assert!(field.is_u64(), "{name}: {field}"),
            Shape::Flag => assert!(field.is_boolean(), "{name}: {field}"),
            Shape::Object => assert!(field.is_object(), "{name}: {field}"),
            Shape::List(item) => field.as_array().unwrap().iter().for_each(item),
            Shape::Nested(item) => item(field),
        }
    }
}

const fn must(name: &'static str, shape: Shape) -> Field {
    (name, shape, false, false)
}

const fn may(name: &'static str, shape: Shape) -> Field {
    (name, shape, true, true)
}

fn check_message(message: &Value) {
    use Shape::{List, Snowflake, Stamp, Text};
    check(
        message,
        &[
            must("idempotency_key", Text),
            must("event_type", Text),
            must("discord_message_id", Snowflake),
            must("discord_guild_id", Snowflake),
            must("discord_channel_id", Snowflake),
            may("discord_thread_id", Snowflake),
            may("discord_author_id", Snowflake),
            may("author_username", Text),
            may("author_global_name", Text),
            must("content_raw", Text),
            must("content_clean", Text),
            must("created_at", Stamp),
            may("edited_at", Stamp),
            may("deleted_at", Stamp),
            must("attachments", List(check_attachment)),
            must("embeds", List(check_embed)),
            may("mentioned_role_ids", List(snowflake)),
            may("mentioned_user_ids", List(snowflake)),
        ],
    );
    let (id, event_type) = (
        text(message, "discord_message_id"),
        text(message, "event_type"),
    );
    assert!(["create", "update", "delete"].contains(&event_type));
    assert_eq!(
        text(message, "idempotency_key"),
        format!("demo:demo:message:{id}:{event_type}")
    );
    assert_eq!(message["deleted_at"].is_string(), event_type == "delete");
    assert!(text(message, "content_raw").chars().count() <= 4_000);
    assert_eq!(text(message, "discord_guild_id"), demo_guild().id);
    assert!(
        source_channels()
            .iter()
            .any(|channel| channel.id == text(message, "discord_channel_id"))
    );
    for role in message["mentioned_role_ids"]
        .as_array()
        .into_iter()
        .flatten()
    {
        assert!(text(message, "content_raw").contains(&format!("<@&{}>", role.as_str().unwrap())));
    }
}

fn check_attachment(attachment: &Value) {
    use Shape::{Number, Snowflake, Text};
    check(
        attachment,
        &[
            must("discord_attachment_id", Snowflake),
            must("filename", Text),
            must("source_url", Text),
            must("size", Number),
            may("content_type", Text),
        ],
    );
}

fn check_embed(embed: &Value) {
    use Shape::{Number, Object, Text};
    check(
        embed,
        &[
            must("embed_index", Number),
            may("embed_type", Text),
            may("title", Text),
            may("description", Text),
            may("url", Text),
            must("raw_json", Object),
        ],
    );
}

fn check_thread_event(event: &Value) {
    use Shape::{Nested, Text};
    check(
        event,
        &[
            must("tenant_key", Text),
            must("connector_id", Text),
            must("idempotency_key", Text),
            must("event_type", Text),
            must("thread", Nested(check_thread)),
            may("member_delta", Nested(check_member_delta)),
        ],
    );
    let (id, event_type) = (
        text(&event["thread"], "discord_thread_id"),
        text(event, "event_type"),
    );
    assert!(["create", "update", "delete", "members_update"].contains(&event_type));
    assert_eq!(
        text(event, "idempotency_key"),
        format!("demo:demo:thread:{id}:{event_type}")
    );
    assert_eq!(
        event["member_delta"].is_object(),
        event_type == "members_update"
    );
}

fn check_thread(thread: &Value) {
    use Shape::{Flag, Number, Snowflake, Stamp, Text};
    check(
        thread,
        &[
            must("discord_thread_id", Snowflake),
            must("parent_channel_id", Snowflake),
            must("guild_id", Snowflake),
            must("name", Text),
            may("archived", Flag),
            may("locked", Flag),
            may("auto_archive_duration", Number),
            may("archive_timestamp", Stamp),
            may("message_count", Number),
            may("member_count", Number),
            may("rate_limit_per_user", Number),
            may("owner_id", Snowflake),
            may("owner_username", Text),
            may("owner_global_name", Text),
            may("last_message_id", Snowflake),
            may("last_message_at", Stamp),
            may("created_timestamp", Stamp),
        ],
    );
}

fn check_member_delta(delta: &Value) {
    check(
        delta,
        &[
            may("added", Shape::List(snowflake)),
            may("removed", Shape::List(snowflake)),
        ],
    );
}

#[test]
fn every_event_is_within_the_contract() {
    for seed in SEEDS {
        for event in events(seed) {
            match event.happening {
                Happening::Message(_) => check_message(&wire(&event)),
                Happening::Thread(_) => check_thread_event(&wire(&event)),
            }
        }
    }
}

#[test]
fn snapshots_are_within_the_contract() {
    use Shape::{List, Number, Snowflake, Text};
    fn guild(value: &Value) {
        check(
            value,
            &[must("discord_guild_id", Snowflake), must("name", Text)],
        );
    }
    fn channel(value: &Value) {
        check(
            value,
            &[
                must("discord_channel_id", Snowflake),
                must("guild_id", Snowflake),
                must("name", Text),
                may("type", Number),
                may("parent_id", Snowflake),
                may("position", Number),
            ],
        );
    }
    for guild_id in [None, Some(demo_guild().id), Some(customer_guild().id)] {
        let snapshot =
            serde_json::to_value(snapshot("demo", "demo", 3, guild_id).unwrap()).unwrap();
        check(
            &snapshot,
            &[
                must("tenant_key", Text),
                must("connector_id", Text),
                must("idempotency_key", Text),
                must("guilds", List(guild)),
                must("channels", List(channel)),
            ],
        );
    }
    assert!(
        target_channels()
            .iter()
            .all(|channel| channel.guild_id == customer_guild().id)
    );
}

#[test]
fn a_seed_is_a_day() {
    assert_eq!(events(7), events(7));
    assert_ne!(events(7), events(8));
}

#[test]
fn another_start_moves_the_day_and_changes_nothing_else() {
    let moved: Vec<Event> = Day::new(7, &source_channels(), START_MS + 3_600_000)
        .with_charts("http://127.0.0.1:8089")
        .take(200)
        .collect();
    for (event, later) in events(7).iter().zip(&moved) {
        assert_eq!(
            (event.at_ms, event.channel_id, event.in_thread),
            (later.at_ms, later.channel_id, later.in_thread)
        );
    }
}

#[test]
fn events_come_in_time_and_ids_ascend_with_creation() {
    for seed in SEEDS {
        let heard = events(seed);
        assert!(heard.is_sorted_by_key(|event| event.at_ms));
        let mut created: BTreeMap<u64, u64> = BTreeMap::new();
        for (at_ms, message) in messages(seed) {
            let id: u64 = text(&message, "discord_message_id").parse().unwrap();
            assert!(
                created_ms(id) <= START_MS + at_ms,
                "heard before it was written"
            );
            match text(&message, "event_type") {
                "create" => {
                    assert_eq!(created_ms(id), unix_ms(&message, "created_at"));
                    created.insert(id, created_ms(id));
                }
                "update" => assert_eq!(created_ms(id), unix_ms(&message, "created_at")),
                _ => assert_eq!(unix_ms(&message, "deleted_at"), START_MS + at_ms),
            }
            if message["edited_at"].is_string() {
                assert_eq!(unix_ms(&message, "edited_at"), START_MS + at_ms);
            }
        }
        assert!(created.values().is_sorted(), "seed {seed}");
        // What is heard the moment it is written has an ascending id.
        let on_time = messages(seed).into_iter().filter(|(at_ms, message)| {
            text(message, "event_type") == "create"
                && unix_ms(message, "created_at") == START_MS + at_ms
        });
        let mut ids: Vec<u64> = on_time
            .map(|(_, message)| text(&message, "discord_message_id").parse().unwrap())
            .collect();
        ids.dedup();
        assert!(ids.is_sorted_by(|a, b| a < b), "seed {seed}");
    }
}

#[test]
fn the_pace_is_lively_with_bursts_and_pauses_and_can_be_changed() {
    for seed in SEEDS {
        let heard = events(seed);
        let span_ms = heard.last().unwrap().at_ms;
        let rate_per_1000_s = EVENTS as u64 * 1_000_000 / span_ms;
        let expected = NATURAL_EVENTS_PER_1000_S * 7 / 10..NATURAL_EVENTS_PER_1000_S * 13 / 10;
        assert!(
            expected.contains(&rate_per_1000_s),
            "seed {seed}: {rate_per_1000_s}"
        );
        assert!(
            heard[19].at_ms < 3_000,
            "the open is no burst: {}",
            heard[19].at_ms
        );
        assert!(
            heard
                .windows(2)
                .any(|pair| pair[1].at_ms - pair[0].at_ms > 1_500),
            "no quiet phase"
        );

        let fast: Vec<Event> = day(seed)
            .paced(NATURAL_EVENTS_PER_1000_S * 50)
            .take(EVENTS)
            .collect();
        assert_eq!(fast.last().unwrap().at_ms, span_ms / 50);
    }
}

#[test]
fn every_trap_is_in_two_thousand_events() {
    for seed in SEEDS {
        let heard = messages(seed);
        let all: Vec<&Value> = heard.iter().map(|(_, message)| message).collect();
        let count = |what: &str, test: &dyn Fn(&&&Value) -> bool| {
            let found = all.iter().filter(test).count();
            assert!(found > 0, "seed {seed}: no {what}");
        };
        let is = |message: &Value, event_type: &str| message["event_type"] == event_type;
        let empty =
            |message: &Value, field: &str| message[field].as_array().is_some_and(Vec::is_empty);
        let silent = |message: &Value| message["content_raw"] == "";

        count("embed that carries all", &|m| {
            is(m, "create") && silent(m) && !empty(m, "embeds")
        });
        count("attachment alone", &|m| {
            is(m, "create") && silent(m) && empty(m, "embeds") && !empty(m, "attachments")
        });
        count("update with attachments alone", &|m| {
            is(m, "update") && silent(m) && !empty(m, "attachments")
        });
        count("update that resolves embeds", &|m| {
            is(m, "update") && silent(m) && !empty(m, "embeds") && m["edited_at"].is_null()
        });
        count("pin", &|m| {
            is(m, "update") && !silent(m) && m["edited_at"].is_null()
        });
        count("long post", &|m| {
            text(m, "content_raw").chars().count() > 2_000 && text(m, "content_raw").contains("```")
        });
        count("role mention", &|m| {
            !empty(m, "mentioned_role_ids") && m["mentioned_role_ids"].is_array()
        });
        count("reply", &|m| {
            text(m, "content_raw").starts_with("> ") && m["mentioned_user_ids"].is_array()
        });
        for letter in ['ロ', 'ش', 'क', 'ш', 'ü'] {
            count("other script", &|m| text(m, "content_raw").contains(letter));
        }
        count("joined emoji", &|m| {
            text(m, "content_raw").contains('\u{200d}')
        });
        count("custom emoji", &|m| {
            text(m, "content_raw").contains("<:helio_bull:")
        });
        count("message in a thread", &|m| {
            m["discord_thread_id"].is_string()
        });
        count("delete with a wrong creation time", &|m| {
            is(m, "delete") && m["created_at"] == m["deleted_at"]
        });
        count("delete with the right creation time", &|m| {
            is(m, "delete") && m["created_at"] != m["deleted_at"]
        });
        for name in ["url", "proxy_url", "proxyURL", "proxyUrl"] {
            count(name, &|m| {
                m["embeds"].as_array().unwrap().iter().any(|embed| {
                    ["image", "thumbnail"]
                        .iter()
                        .any(|picture| embed["raw_json"][picture][name].is_string())
                })
            });
        }
        count("image without url", &|m| {
            m["embeds"].as_array().unwrap().iter().any(|embed| {
                let image = &embed["raw_json"]["image"];
                image.is_object() && image["url"].is_null()
            })
        });
    }
}

#[test]
fn orders_and_repetitions_of_the_field_occur() {
    for seed in SEEDS {
        let mut kinds: BTreeMap<String, Vec<(u64, Value)>> = BTreeMap::new();
        for (at_ms, message) in messages(seed) {
            kinds
                .entry(text(&message, "discord_message_id").to_owned())
                .or_default()
                .push((at_ms, message));
        }
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        for story in kinds.values() {
            let of = |event_type: &str| -> Vec<&(u64, Value)> {
                story
                    .iter()
                    .filter(|(_, message)| message["event_type"] == event_type)
                    .collect()
            };
            let place = |event_type: &str| {
                story
                    .iter()
                    .position(|(_, message)| message["event_type"] == event_type)
            };
            let (create, update, delete) = (place("create"), place("update"), place("delete"));
            if create.is_some() && update.is_some() && update < create {
                seen.insert("update before create");
            }
            if create.is_some() && delete.is_some() && delete < create {
                seen.insert("delete before create");
            }
            if let [(first_ms, first), (second_ms, second), ..] = of("create")[..] {
                assert_eq!(first, second);
                seen.insert(if first_ms == second_ms {
                    "duplicate at once"
                } else {
                    "duplicate long after"
                });
            }
            let edits: BTreeSet<&str> = of("update")
                .iter()
                .filter_map(|(_, m)| m["edited_at"].as_str())
                .collect();
            if edits.len() > 1 {
                seen.insert("several edits under one key");
            }
            let had_files = of("create")
                .iter()
                .any(|(_, m)| m["attachments"] != Value::Array(Vec::new()));
            let lost_files = |(_, m): &&(u64, Value)| {
                m["edited_at"].is_string() && m["attachments"] == Value::Array(Vec::new())
            };
            if had_files && of("update").iter().any(lost_files) {
                seen.insert("edit with an empty attachment list");
            }
        }
        let expected = [
            "delete before create",
            "duplicate at once",
            "duplicate long after",
            "edit with an empty attachment list",
            "several edits under one key",
            "update before create",
        ];
        assert_eq!(
            seen.into_iter().collect::<Vec<_>>(),
            expected,
            "seed {seed}"
        );
    }
}

#[test]
fn threads_live_through_every_event_and_their_messages_name_the_parent() {
    for seed in SEEDS {
        let heard = events(seed);
        let mut threads: BTreeMap<String, String> = BTreeMap::new();
        let mut event_types: BTreeSet<String> = BTreeSet::new();
        let mut archived: BTreeSet<String> = BTreeSet::new();
        let mut claimed_open_after_the_end = 0;
        for event in &heard {
            assert_eq!(event.in_thread, {
                let wire = wire(event);
                wire["discord_thread_id"].is_string() || wire["thread"].is_object()
            });
            let wire = wire(event);
            let Happening::Thread(_) = event.happening else {
                if let Some(thread_id) = wire["discord_thread_id"].as_str() {
                    assert_eq!(
                        threads.get(thread_id).map(String::as_str),
                        wire["discord_channel_id"].as_str()
                    );
                }
                continue;
            };
            let (id, parent) = (
                text(&wire["thread"], "discord_thread_id"),
                text(&wire["thread"], "parent_channel_id"),
            );
            assert_eq!(parent, event.channel_id);
            threads.insert(id.to_owned(), parent.to_owned());
            event_types.insert(text(&wire, "event_type").to_owned());
            if wire["event_type"] == "members_update" {
                assert_eq!(
                    (&wire["thread"]["archived"], &wire["thread"]["locked"]),
                    (&false.into(), &false.into())
                );
                claimed_open_after_the_end += usize::from(archived.contains(id));
            } else if wire["thread"]["archived"] == true {
                archived.insert(id.to_owned());
            }
        }
        assert_eq!(
            event_types.into_iter().collect::<Vec<_>>(),
            ["create", "delete", "members_update", "update"]
        );
        assert!(claimed_open_after_the_end > 0);
    }
}

#[test]
fn without_charts_nothing_points_to_a_picture() {
    let plain = Day::new(3, &source_channels(), START_MS).take(EVENTS);
    for event in plain {
        let wire = wire(&event).to_string();
        assert!(!wire.contains("/charts/"), "{wire}");
    }
    assert_eq!(Day::new(3, &[], START_MS).next(), None);
}

#[test]
fn every_channel_and_every_key_speaks_for_its_connector() {
    let heard: Vec<Event> = day(1).speaking_as("acme", "left").take(500).collect();
    let channels: BTreeSet<&str> = heard.iter().map(|event| event.channel_id).collect();
    assert_eq!(channels.len(), source_channels().len());
    for event in &heard {
        let wire = wire(event);
        assert!(text(&wire, "idempotency_key").starts_with("acme:left:"));
    }
}
