//! Rules of mappings from the admin API to Discord: what they hold back, what they change, from when on a change of them holds,
//! and that a dry run says beforehand what stands there afterwards.

use fake_discord::{Control, Guild, Message, Role, Settings};
use heliograph_bench::stage::Stage;
use serde_json::{Value, json};

use crate::{
    harness::{Desk, json_of, refused, server, start, wait_for},
    said::{GUILD, create, embed, file, fresh_id, signal_id, update, with},
};

fn with_discord() -> (Stage, Control) {
    let mut settings = server();
    settings.fake_discord = Some(Settings {
        guilds: vec![Guild::new(GUILD, vec![Role::new(17, 1)], Vec::new())],
        ..Settings::open()
    });
    let stage = start(
        settings
            .with_env("HELIOGRAPH_DISCORD_GLOBAL_REQUESTS_PER_S", "1000")
            // A post through a webhook waits until no earlier one can still be on its way.
            .with_env("HELIOGRAPH_DISCORD_REQUEST_TIMEOUT_MS", "2000")
            .with_env("HELIOGRAPH_MIRRORS_RETRY_DELAY_MS_MIN", "50"),
    );
    let control = stage.fake_discord().unwrap().control();
    (stage, control)
}

/// Maps `source` into a new target by these rules: the mapping and the target.
fn map(desk: &Desk, source: u64, rules: &Value) -> (Value, u64) {
    let target = desk.target();
    let wish =
        json!({"source_channel_id": source.to_string(), "target_channel_id": target.to_string()});
    let wish = with(wish, rules.clone());
    let ask = desk.admin.ask("POST", "/api/mappings", Some(&wish));
    (ask.unwrap(), target)
}

/// Changes fields of a mapping, which is then read anew.
fn change(desk: &Desk, mapping: &mut Value, fields: Value) {
    let path = format!("/api/mappings/{}", mapping["mapping_id"]);
    let body = with(json!({"version": mapping["version"]}), fields);
    *mapping = desk.admin.ask("PATCH", &path, Some(&body)).unwrap();
}

fn dry_run(desk: &Desk, mapping: &Value) -> Vec<Value> {
    let path = format!("/api/mappings/{}/dry-run?last=200", mapping["mapping_id"]);
    let answer = desk.admin.ask("GET", &path, None).unwrap();
    assert_eq!(answer["cut_short"], Value::Null, "{answer}");
    answer["items"].as_array().unwrap().clone()
}

/// The deliveries into a target once nothing is left to do for them.
fn settled(desk: &Desk, target: u64) -> Vec<Value> {
    let path = format!("/api/deliveries?target_channel_id={target}");
    let rows = wait_for("the mirror to come to rest", || {
        let rows = desk.admin.all(&path).unwrap();
        let is_done = |row: &Value| row["state"] != "pending";
        rows.iter().all(is_done).then_some(rows)
    });
    for row in &rows {
        assert_eq!(row["state"], "delivered", "{row}");
    }
    rows
}

fn contents(control: &Control, target: u64) -> Vec<String> {
    let live = control.live_messages(target.into()).into_iter();
    live.map(|message| message.content).collect()
}

/// Says one thing and waits until the target shows it: what stands there.
fn told(desk: &Desk, control: &Control, target: u64, item: Value) -> Vec<String> {
    desk.says([1, 0, 0, 0, 0], &[item]);
    settled(desk, target);
    contents(control, target)
}

#[test]
fn rules_go_from_the_admin_to_discord() {
    let (stage, control) = with_discord();
    let desk = Desk::on(&stage);
    filters_hold_back_and_an_edit_is_judged_anew(&desk, &control);
    changes_arrive(&desk, &control);
    a_change_of_rules_holds_for_new_signals(&desk, &control);
    what_cannot_be_carried_out_is_not_saved(&desk, &control);
    connectors_are_told(&desk);
    assert_eq!(crate::harness::restarts(&desk.admin), 0);
}

fn filters_hold_back_and_an_edit_is_judged_anew(desk: &Desk, control: &Control) {
    let (source, signal) = (desk.source(), signal_id());
    let rules = json!({"filters_json": {"keywords_any": ["btc"], "regex_none": ["(?i)giveaway"]}});
    let (_, target) = map(desk, source, &rules);
    let steps = [
        (
            create(source, signal, "eth long"),
            "held back by filters_json.keywords_any: ",
        ),
        (update(source, signal, "btc long", 1), ""),
        (
            update(source, signal, "btc GIVEAWAY", 2),
            "held back by filters_json.regex_none: ",
        ),
        (update(source, signal, "BTC short", 3), ""),
    ];
    for (item, reason) in steps {
        let text = item["content_raw"].as_str().unwrap().to_owned();
        let shown = told(desk, control, target, item);
        let delivery = settled(desk, target).remove(0);
        if reason.is_empty() {
            assert_eq!((shown, &delivery["last_error"]), (vec![text], &Value::Null));
        } else {
            assert_eq!(shown, Vec::<String>::new(), "{text}");
            let said = delivery["last_error"].as_str().unwrap_or_default();
            assert!(said.starts_with(reason), "{text}: {delivery}");
        }
    }
}

fn changes_arrive(desk: &Desk, control: &Control) {
    let source = desk.source();
    let sync = json!({"idempotency_key": "k", "guilds": [],
        "channels": [{"discord_channel_id": source.to_string(), "guild_id": GUILD.to_string(), "name": "calls"}]});
    let answer = desk.post("/ingest/channel-guild-sync", &desk.body(sync));
    assert_eq!(answer.status, 200, "{}", answer.text());
    let table = [
        (
            json!({"transform_json": {"prefix": "> ", "suffix": " (end)"}}),
            "> long <t:1> https://t.example/x (end)",
        ),
        (
            json!({"author_style": "name_line", "filters_json": {"domains_stripped": ["t.example"]}}),
            "**The Desk**\nlong <t:1> ",
        ),
        (
            json!({"transform_json": {"replace_words": [{"from": "LONG", "to": "buy", "whole_word": true}], "template": "{author} in {channel}: {text}"}}),
            "The Desk in calls: buy <t:1> https://t.example/x",
        ),
    ];
    let targets: Vec<u64> = table
        .iter()
        .map(|(rules, _)| map(desk, source, rules).1)
        .collect();
    let text = "long <t:1> https://t.example/x";
    desk.says([1, 0, 0, 0, 0], &[create(source, signal_id(), text)]);
    for (target, (rules, expected)) in targets.into_iter().zip(table) {
        settled(desk, target);
        let shown = contents(control, target);
        // Discord trims what it is given.
        assert_eq!(shown.len(), 1, "{rules}: {shown:?}");
        assert_eq!(shown[0].trim(), expected.trim(), "{rules}");
    }
}

fn a_change_of_rules_holds_for_new_signals(desk: &Desk, control: &Control) {
    let (source, first) = (desk.source(), signal_id());
    let rules = |prefix: &str| json!({"transform_json": {"prefix": prefix}});
    let (mut mapping, target) = map(desk, source, &rules("old "));
    let shown = told(desk, control, target, create(source, first, "one"));
    assert_eq!(shown, ["old one"]);
    change(desk, &mut mapping, rules("new "));
    assert_eq!(mapping["transform_json"], json!({"prefix": "new "}));
    let shown = told(desk, control, target, update(source, first, "one more", 1));
    assert_eq!(shown, ["old one more"]);
    let shown = told(desk, control, target, create(source, signal_id(), "two"));
    assert_eq!(shown, ["old one more", "new two"]);
    // Another field of the mapping leaves them; null takes them away.
    change(desk, &mut mapping, json!({"priority": 4}));
    let shown = told(desk, control, target, create(source, signal_id(), "three"));
    assert_eq!(shown[2], "new three");
    change(desk, &mut mapping, json!({"transform_json": null}));
    assert_eq!(mapping.get("transform_json"), None);
    let shown = told(desk, control, target, create(source, signal_id(), "four"));
    assert_eq!(shown, ["old one more", "new two", "new three", "four"]);
    let mut audit = desk.admin.all("/api/audit").unwrap();
    audit.retain(|entry| entry["subject"] == mapping["mapping_id"].to_string());
    let said = ["before", "after"].map(|side| audit[0][side]["transform_json"].clone());
    assert_eq!(said, [json!({"prefix": "new "}), Value::Null]);
}

fn what_cannot_be_carried_out_is_not_saved(desk: &Desk, control: &Control) {
    let source = desk.source();
    let (mut mapping, target) = map(desk, source, &json!({}));
    let path = format!("/api/mappings/{}", mapping["mapping_id"]);
    for (rules, status, error_code, words) in [
        (
            json!({"filters_json": {"regex_any": ["fine", "(unclosed"]}}),
            422,
            "refused",
            "filters_json.regex_any[1]: ",
        ),
        (
            json!({"filters_json": {"contains": ["x"]}}),
            400,
            "invalid",
            "unknown field `contains`",
        ),
    ] {
        let body = with(json!({"version": mapping["version"]}), rules);
        let response = desk.admin.call("PATCH", &path, Some(&body)).unwrap();
        refused(&response, status, error_code);
        let message = json_of(&response)["message"].to_string();
        assert!(message.contains(words), "{message}");
    }
    let shown = told(
        desk,
        control,
        target,
        create(source, signal_id(), "as it is"),
    );
    assert_eq!(shown, ["as it is"]);
    let before = mapping.clone();
    change(desk, &mut mapping, json!({}));
    assert_eq!(mapping, before);
}

fn connectors_are_told(desk: &Desk) {
    let path = format!(
        "/connectors/{}/runtime-config?tenant_key=tenant",
        desk.connector.connector_id
    );
    let config = || json_of(&desk.ask("GET", &path, &[], None))["config"].clone();
    let told = |config: &Value, target: u64| -> Value {
        let mappings = config["mappings"].as_array().unwrap();
        let is_it = |it: &&Value| it["target_channel_id"] == target.to_string();
        mappings.iter().find(is_it).unwrap().clone()
    };
    let source = desk.source();
    let rules = json!({"filters_json": {"has_embed": true}, "author_style": "name_line"});
    let (mut mapping, target) = map(desk, source, &rules);
    let before = config();
    let plain = json!({"source_channel_id": source.to_string(), "target_channel_id": target.to_string(), "priority": 0});
    let filtered = with(plain.clone(), json!({"filters_json": {"has_embed": true}}));
    assert_eq!(told(&before, target), filtered);
    change(desk, &mut mapping, json!({"filters_json": null}));
    let after = config();
    assert_eq!(told(&after, target), plain);
    let version = |config: &Value| config["config_version"].as_u64().unwrap();
    assert_eq!(version(&after), version(&before) + 1);
}

/// Signals of every shape, oldest first.
fn signals(source: u64, thread: u64) -> Vec<Value> {
    let words: Vec<String> = (0..600).map(|number| format!("word{number}")).collect();
    let chart = json!({"title": "BTC chart", "description": "for <@&17>", "color": 255,
        "image": {"url": "https://cdn.example/chart.png"}, "fields": [{"name": "tp", "value": "70000", "inline": true}]});
    let said = |text: &str| create(source, signal_id(), text);
    let shows_only = |fields: Value| with(said(""), fields);
    vec![
        said("btc long from 64250 @everyone <@&17> <#18>"),
        said(&format!("btc {}", words.join(" "))),
        shows_only(json!({"embeds": [embed(chart.clone())]})),
        shows_only(json!({"attachments": [file(fresh_id(), "btc.png")]})),
        with(
            said("btc with *both*"),
            json!({"embeds": [embed(chart)], "attachments": [file(fresh_id(), "a.png")]}),
        ),
        with(
            said("btc in a thread"),
            json!({"discord_thread_id": thread.to_string()}),
        ),
        with(
            said("btc of somebody"),
            json!({"discord_author_id": "78", "author_username": "bob_1", "author_global_name": null}),
        ),
        said("an advertisement https://spam.example/x"),
        said("https://spam.example/only"),
    ]
}

/// What one of a dry run's parts says of the message that stands there in its place.
fn is_posted(part: &Value, message: &Message) {
    assert_eq!(
        part["content"].as_str().unwrap().trim(),
        message.content.trim()
    );
    let embeds = part["embeds"].as_array().unwrap();
    assert_eq!(embeds.len(), message.embeds.len(), "{part}");
    for (said, posted) in embeds.iter().zip(&message.embeds) {
        for (field, value) in said.as_object().unwrap() {
            match value.as_object() {
                // Discord adds to what it is given.
                Some(inner) => inner
                    .iter()
                    .for_each(|(name, value)| assert_eq!(&posted[field][name], value)),
                None => assert_eq!(&posted[field], value, "{field}"),
            }
        }
    }
    match part["sender"]["name"].as_str() {
        Some(name) => assert_eq!(
            (name, message.webhook_id.is_some()),
            (message.author_name.as_str(), true)
        ),
        None => assert_eq!(message.webhook_id, None),
    }
    let mentioned: Vec<String> = message
        .mentions
        .roles
        .iter()
        .map(|id| id.0.to_string())
        .collect();
    let expected: Vec<&str> = part["pings_role"].as_str().into_iter().collect();
    assert_eq!(mentioned, expected, "{part}");
}

#[test]
fn a_dry_run_says_what_is_then_posted() {
    let (stage, control) = with_discord();
    let desk = Desk::on(&stage);
    let (source, thread) = (desk.source(), fresh_id());
    let event = json!({"idempotency_key": "k", "event_type": "create", "thread": {"discord_thread_id": thread.to_string(),
        "parent_channel_id": source.to_string(), "guild_id": GUILD.to_string(), "name": "set*ups"}});
    let answer = desk.post("/ingest/thread", &desk.body(event));
    assert_eq!(answer.status, 200, "{}", answer.text());
    let rules = [
        json!({}),
        json!({"ping_role_id": "17", "author_style": "name_line"}),
        json!({"filters_json": {"keywords_any": ["btc"], "domains_blocked": ["spam.example"]}}),
        json!({"filters_json": {"domains_stripped": ["spam.example"], "has_attachment": false}, "transform_json": {"strip_mentions": true}}),
        json!({"transform_json": {"replace_words": [{"from": "btc", "to": "bitcoin"}], "prefix": "[", "suffix": "]"}}),
        json!({"transform_json": {"template": "{author} {thread}: {text}\n{link}"}, "ping_role_id": "17"}),
        json!({"filters_json": {"text_chars_min": 3, "authors_deny": ["Bob_1"]}, "hand_deletions": "repost"}),
        json!({"author_style": "webhook", "filters_json": {"keywords_any": ["btc"]}}),
    ];
    let mapped: Vec<_> = rules
        .iter()
        .map(|rules| map(&desk, source, rules))
        .collect();
    let said = signals(source, thread);
    desk.says([said.len() as u64, 0, 0, 0, 0], &said);
    let mut held_back = 0;
    for ((mapping, target), rules) in mapped.into_iter().zip(rules) {
        let deliveries = settled(&desk, target);
        let mut foretold = dry_run(&desk, &mapping);
        assert_eq!(foretold.len(), said.len());
        foretold.reverse();
        for item in &foretold {
            let is_it = |row: &&Value| row["signal_id"] == item["signal_id"];
            let reason = &deliveries.iter().find(is_it).unwrap()["last_error"];
            let expected = match item["result"].as_str().unwrap() {
                "held_back" => {
                    held_back += 1;
                    json!(format!("held back by {}", item["reason"].as_str().unwrap()))
                }
                _ => Value::Null,
            };
            assert_eq!(reason, &expected, "{rules}: {item}");
        }
        let parts: Vec<&Value> = foretold
            .iter()
            .flat_map(|item| item["parts"].as_array().unwrap())
            .collect();
        let posted = control.live_messages(target.into());
        assert_eq!(parts.len(), posted.len(), "{rules}");
        for (part, message) in parts.into_iter().zip(&posted) {
            is_posted(part, message);
        }
        // Unsaved rules that say the same show the same.
        let tried = with(
            json!({"source_channel_id": source.to_string(), "last": 200}),
            rules,
        );
        let tried = desk
            .admin
            .ask("POST", "/api/mappings/dry-run", Some(&tried))
            .unwrap();
        foretold.reverse();
        assert_eq!(tried["items"], json!(foretold));
    }
    assert!(held_back >= 8, "{held_back}");
}
