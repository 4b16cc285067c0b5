//! What the bot sees: its guilds, channels and roles read from Discord, and channels offered as targets by the bot itself, without
//! any connector that knows them.

use fake_discord::{Channel, Control, Guild, Overwrite, OverwriteKind, Role, Settings};
use heliograph_bench::stage::Stage;
use serde_json::{Value, json};

use crate::{
    harness::{Desk, actor, json_of, refused, server, start, wait_for},
    said::{GUILD, create, fresh_id, signal_id},
};

const CATEGORY: u64 = 40;
const HIDDEN: u64 = 43;
const SEND: u64 = 1 << 11;

/// A server whose bot is in one guild: two channels in a category, one outside, and one in which nobody may write.
fn with_guild(target: u64) -> (Stage, Control) {
    let mut settings = server().with_env("HELIOGRAPH_DISCORD_GLOBAL_REQUESTS_PER_S", "1000");
    let closed = Overwrite::deny(OverwriteKind::Role, GUILD.into(), SEND);
    settings.fake_discord = Some(Settings {
        auto_create_channels: false,
        guilds: vec![Guild {
            name: "Customers".to_owned(),
            ..Guild::new(
                GUILD,
                vec![
                    Role {
                        name: "VIP".to_owned(),
                        color: 255,
                        mentionable: true,
                        ..Role::new(70, 1)
                    },
                    Role::new(71, 2),
                ],
                Vec::new(),
            )
        }],
        channels: vec![
            Channel::text(CATEGORY, GUILD).placed(4, "SIGNALS", None, 0),
            Channel::text(41, GUILD).placed(2, "floor", Some(CATEGORY), 0),
            Channel::text(target, GUILD).placed(0, "alerts", Some(CATEGORY), 2),
            Channel::text(42, GUILD).placed(15, "ideas", Some(CATEGORY), 1),
            Channel::text(HIDDEN, GUILD)
                .placed(0, "welcome", None, 9)
                .with_overwrites(vec![closed]),
        ],
        ..Settings::open()
    });
    let stage = start(settings);
    let control = stage.fake_discord().unwrap().control();
    (stage, control)
}

fn names(list: &Value) -> Vec<&str> {
    let items = list.as_array().unwrap();
    items
        .iter()
        .map(|item| item["name"].as_str().unwrap())
        .collect()
}

#[test]
fn a_channel_that_only_the_bot_knows_is_offered_mapped_and_mirrored_into() {
    let target = fresh_id();
    let (stage, control) = with_guild(target);
    let desk = Desk::on(&stage);
    let admin = &desk.admin;
    let bot = admin.refresh_bot().unwrap();
    assert_eq!(
        (&bot["user"]["name"], &bot["guilds"], &bot["reason"]),
        (&json!("fake-bot"), &json!(1), &Value::Null),
        "{bot}"
    );
    assert!(
        bot["refreshed_at_ms"].is_i64() && bot["invalid_requests"] == 0,
        "{bot}"
    );
    assert_eq!(actor(admin, "directory")["detail"]["state"], "ok");

    let guilds = admin.all("/api/bot/guilds").unwrap();
    assert_eq!(guilds.len(), 1);
    let guild = &guilds[0];
    assert_eq!(
        (
            &guild["name"],
            &guild["channels"],
            &guild["targets"],
            &guild["roles"]
        ),
        (&json!("Customers"), &json!(5), &json!(0), &json!(3)),
        "{guild}"
    );
    let path = format!("/api/bot/guilds/{GUILD}");
    let tree = || admin.ask("GET", &format!("{path}/tree"), None).unwrap();
    let shown = tree();
    assert_eq!(
        names(&shown["channels"]),
        ["welcome", "SIGNALS", "ideas", "alerts", "floor"]
    );
    assert_eq!(shown["guild"]["name"], "Customers");
    assert_eq!(shown["channels"][1]["target"], Value::Null);
    assert_eq!(shown["channels"][3]["target"]["version"], 0);
    let roles = admin
        .ask("GET", &format!("{path}/roles?limit=2"), None)
        .unwrap();
    assert_eq!(names(&roles["items"]), ["bots", "role-71"]);
    let rest = format!(
        "{path}/roles?after={}",
        roles["next_after"].as_str().unwrap()
    );
    let roles = admin.ask("GET", &rest, None).unwrap();
    assert_eq!(names(&roles["items"]), ["VIP"]);
    assert_eq!(roles["items"][0]["color"], 255);

    // Not offered, it cannot be mapped into.
    let source = desk.source();
    let wish =
        json!({"source_channel_id": source.to_string(), "target_channel_id": target.to_string()});
    let response = admin.call("POST", "/api/mappings", Some(&wish)).unwrap();
    refused(&response, 422, "refused");
    let put = format!("/api/targets/{target}");
    let offer = |is_target: bool, version: i64| {
        let body = json!({"is_target": is_target, "version": version});
        admin.call("PUT", &put, Some(&body)).unwrap()
    };
    let offered = json_of(&offer(true, 0));
    assert_eq!(
        (
            &offered["is_target"],
            &offered["version"],
            &offered["obstacle"]
        ),
        (&json!(true), &json!(1), &Value::Null),
        "{offered}"
    );
    let mapping = admin.ask("POST", "/api/mappings", Some(&wish)).unwrap();
    let mark = tree()["channels"][3].clone();
    assert_eq!(
        (&mark["target"]["is_target"], &mark["mappings"]),
        (&json!(true), &json!(1)),
        "{mark}"
    );
    desk.push_until_taken(&[create(source, signal_id(), "over the bot's own target")]);
    wait_for("the signal to be mirrored", || {
        let posted = control.live_messages(target.into());
        (posted.len() == 1).then_some(())
    });

    // No longer offered: the mapping stays, does not work, and the connector is told.
    let config_version = || {
        let connector = admin
            .connector(&desk.connector.connector_id)
            .unwrap()
            .unwrap();
        connector["config_version"].as_i64().unwrap()
    };
    let before = config_version();
    refused(&offer(false, 0), 409, "stale_version");
    assert_eq!(json_of(&offer(false, 1))["is_target"], false);
    assert_eq!(config_version(), before + 1);
    assert_eq!(
        admin.all("/api/mappings").unwrap()[0]["mapping_id"],
        mapping["mapping_id"]
    );
    let id = signal_id();
    desk.push_until_taken(&[create(source, id, "into nowhere")]);
    let trail = admin
        .ask("GET", &format!("/api/signals/{id}/trail"), None)
        .unwrap();
    assert_eq!(trail["deliveries"], json!([]), "{trail}");
    assert_eq!(
        trail["not_delivered"][0]["mapping_id"], mapping["mapping_id"],
        "{trail}"
    );
    let audit = admin.ask("GET", "/api/audit?limit=1", None).unwrap();
    assert_eq!(audit["items"][0]["action"], "target.offer");
}

#[test]
fn what_cannot_be_a_target_is_not_offered_and_what_goes_is_marked() {
    let target = fresh_id();
    let (stage, control) = with_guild(target);
    let desk = Desk::on(&stage);
    let admin = &desk.admin;
    admin.refresh_bot().unwrap();
    let offer = |channel: u64| {
        let body = json!({"is_target": true, "version": 0});
        admin
            .call("PUT", &format!("/api/targets/{channel}"), Some(&body))
            .unwrap()
    };
    for (channel, part) in [
        (CATEGORY, "#SIGNALS takes no messages"),
        (fresh_id(), "the bot does not see channel"),
        (
            HIDDEN,
            "In #welcome give the bot's role \"bots\" the permission \"Send Messages\".",
        ),
    ] {
        let response = offer(channel);
        refused(&response, 422, "refused");
        let said = json_of(&response)["message"].as_str().unwrap().to_owned();
        assert!(said.contains(part), "{said}");
    }
    let response = admin.call("GET", "/api/bot/guilds/5/tree", None).unwrap();
    refused(&response, 404, "not_found");

    // What was offered and goes stays offered, marked as gone; the guild goes, and so does what stood in it.
    assert_eq!(offer(target).status, 200);
    control.remove_channel(target.into());
    admin.refresh_bot().unwrap();
    let tree = admin
        .ask("GET", &format!("/api/bot/guilds/{GUILD}/tree"), None)
        .unwrap();
    let gone = tree["channels"]
        .as_array()
        .unwrap()
        .iter()
        .find(|channel| channel["name"] == "alerts")
        .unwrap();
    assert!(
        gone["gone_at_ms"].is_i64() && gone["target"]["is_target"] == true,
        "{gone}"
    );
    control.change_guild(GUILD.into(), None, Some(false));
    assert_eq!(admin.refresh_bot().unwrap()["guilds"], 0);
    let guilds = admin.all("/api/bot/guilds").unwrap();
    assert!(guilds[0]["gone_at_ms"].is_i64(), "{guilds:?}");
    control.set_bots(Vec::new());
    let bot = admin.ask("POST", "/api/bot/refresh", None).unwrap();
    assert_eq!(
        (&bot["state"], &bot["reason"]),
        (&json!("failing"), &json!("the bot token was refused")),
        "{bot}"
    );
}

#[test]
fn without_a_token_there_is_nothing_to_refresh() {
    let desk = Desk::shared();
    let bot = desk.admin.ask("POST", "/api/bot/refresh", None).unwrap();
    assert_eq!(
        (&bot["state"], &bot["user"], &bot["guilds"]),
        (&json!("no_token"), &Value::Null, &json!(0)),
        "{bot}"
    );
    assert_eq!(bot, desk.admin.ask("GET", "/api/bot", None).unwrap());
}
