//! Nobody is pinged by what somebody else wrote: whatever mention stands in whatever field, when a signal is posted and when it
//! is edited. The one exception is the role that a mapping names.

use fake_discord::{Control, Guild, Id, Member, Pinged, Role, Settings};
use heliograph_bench::{
    http::HttpClient,
    stage::{BOT_TOKEN, Stage},
};
use serde_json::{Value, json};

use crate::{
    harness::{Desk, PATIENCE, server, start},
    mirroring::settled,
    said::{create, embed, file, fresh_id, signal_id, update, with},
};

const TARGET_GUILD: u64 = 8_000_000_000_000_001;
/// The role that a mapping pings.
const MEANT: u64 = 501;
const OTHER: u64 = 502;
const MEMBER: u64 = 700;
const LOUD: &str = "@everyone @here <@&501> <@&502> <@700> <@!700>";

/// Every place where a connector may put words, by name: the fields that put loud ones there.
fn places(thread: u64) -> Vec<(&'static str, Value)> {
    let card = |raw_json: Value| json!({ "embeds": [embed(raw_json)] });
    let said = |text: String| json!({ "content_raw": text, "content_clean": text });
    vec![
        ("content", said(LOUD.to_owned())),
        ("content in a code block", said(format!("```\n{LOUD}\n```"))),
        (
            "content of several parts",
            said(format!("{LOUD}\n").repeat(60)),
        ),
        ("title of an embed", card(json!({ "title": LOUD }))),
        (
            "description of an embed",
            card(json!({ "description": LOUD })),
        ),
        (
            "name of a field",
            card(json!({ "fields": [{ "name": LOUD, "value": "64250" }] })),
        ),
        (
            "value of a field",
            card(json!({ "fields": [{ "name": "entry", "value": LOUD }] })),
        ),
        (
            "footer of an embed",
            card(json!({ "title": "t", "footer": { "text": LOUD } })),
        ),
        (
            "author of an embed",
            card(json!({ "title": "t", "author": { "name": LOUD } })),
        ),
        (
            "name of a file",
            json!({ "attachments": [file(fresh_id(), LOUD)] }),
        ),
        (
            "address of a file",
            json!({ "attachments": [file(fresh_id(), "@everyone,@here.png")] }),
        ),
        (
            "name of the author",
            json!({ "author_username": LOUD, "author_global_name": LOUD }),
        ),
        (
            "name of the thread",
            json!({ "discord_thread_id": thread.to_string() }),
        ),
    ]
}

fn with_members() -> (Stage, Control) {
    let roles = [MEANT, OTHER].map(|id| Role {
        mentionable: true,
        ..Role::new(id, 5)
    });
    let guild = Guild::new(TARGET_GUILD, roles.to_vec(), vec![Member::new(MEMBER)]);
    let mut settings = server().with_env("HELIOGRAPH_DISCORD_GLOBAL_REQUESTS_PER_S", "1000");
    settings.fake_discord = Some(Settings {
        guilds: vec![guild],
        ..Settings::open()
    });
    let stage = start(settings);
    let control = stage.fake_discord().unwrap().control();
    (stage, control)
}

/// A source that is mapped into two targets: one where nobody is to be pinged, and one where a role is.
fn mapped(desk: &Desk) -> (u64, u64, u64) {
    let (source, quiet, pinging) = (desk.source(), desk.target(), desk.target());
    for (target, role) in [(quiet, Value::Null), (pinging, json!(MEANT.to_string()))] {
        let wish = json!({ "source_channel_id": source.to_string(), "target_channel_id": target.to_string(),
            "ping_role_id": role });
        desk.admin
            .ask("POST", "/api/mappings", Some(&wish))
            .unwrap();
    }
    (source, quiet, pinging)
}

/// A thread of this channel with a loud name.
fn loud_thread(desk: &Desk, source: u64) -> u64 {
    let id = fresh_id();
    let thread = json!({ "discord_thread_id": id.to_string(), "parent_channel_id": source.to_string(),
        "guild_id": crate::said::GUILD.to_string(), "name": LOUD, "archived": false, "locked": false });
    let body = json!({ "idempotency_key": "k", "event_type": "create", "thread": thread });
    let answer = desk.post("/ingest/thread", &desk.body(body));
    assert_eq!(answer.status, 200, "{}", answer.text());
    id
}

/// Whom each message of a target pinged, create and edits together.
fn pings(control: &Control, target: u64) -> Vec<Vec<Pinged>> {
    let messages = control.messages(Some(target.into()));
    let of_one = |message: fake_discord::Message| message.pings.into_iter().map(|ping| ping.pinged);
    messages
        .into_iter()
        .map(|message| of_one(message).collect())
        .collect()
}

#[test]
fn no_mention_pings_but_the_role_of_the_mapping() {
    let (stage, control) = with_members();
    let desk = Desk::on(&stage);
    let (source, quiet, pinging) = mapped(&desk);
    let thread = loud_thread(&desk, source);
    let only_the_role = Pinged {
        roles: vec![Id(MEANT)],
        ..Pinged::default()
    };
    for (place, loud) in places(thread) {
        let (mut quiet_before, mut pinging_before) =
            (pings(&control, quiet).len(), pings(&control, pinging).len());
        let (posted, edited) = (signal_id(), signal_id());
        let thread_of = json!({ "discord_thread_id": loud["discord_thread_id"] });
        let first = with(create(source, edited, "calm"), thread_of);
        let steps = [
            with(create(source, posted, "calm"), loud.clone()),
            first,
            with(update(source, edited, "calm, edited", 1), loud),
        ];
        for step in steps {
            let is_edit = step["event_type"] == "update";
            desk.says([1, 0, 0, 0, 0], &[step]);
            settled(&desk, quiet);
            settled(&desk, pinging);
            assert!(
                pings(&control, quiet).iter().all(Vec::is_empty),
                "{place} (edit: {is_edit}) pinged: {:?}",
                control.messages(Some(quiet.into()))
            );
            let all = pings(&control, pinging);
            assert!(
                all.iter().flatten().all(|pinged| *pinged == only_the_role),
                "{place} (edit: {is_edit}) pinged others: {all:?}"
            );
            if !is_edit {
                // Of several parts the first one pings, and no other.
                let fresh = &all[pinging_before..];
                assert!(
                    fresh[0].len() == 1 && fresh[1..].iter().all(Vec::is_empty),
                    "{place}: {fresh:?}"
                );
                assert!(
                    pings(&control, quiet).len() > quiet_before,
                    "{place}: nothing was posted"
                );
            }
            (quiet_before, pinging_before) =
                (pings(&control, quiet).len(), pings(&control, pinging).len());
        }
    }
    everything_was_shown(&control, quiet);
    would_have_pinged(&stage, &control, quiet);
}

/// The loud words did reach Discord, in texts and in embeds, and were edited in.
fn everything_was_shown(control: &Control, target: u64) {
    let messages = control.messages(Some(target.into()));
    for (place, shows) in [
        (
            "text",
            messages
                .iter()
                .filter(|message| message.content.contains("@everyone"))
                .count(),
        ),
        (
            "embed",
            messages
                .iter()
                .filter(|message| format!("{:?}", message.embeds).contains("@everyone"))
                .count(),
        ),
        (
            "edit",
            messages
                .iter()
                .filter(|message| message.edit_count > 0)
                .count(),
        ),
    ] {
        assert!(shows >= 4, "{place}: {shows} of {}", messages.len());
    }
}

/// The same words of somebody who does not close mentions ping everybody here: silence was no matter of course.
fn would_have_pinged(stage: &Stage, control: &Control, target: u64) {
    let address = stage.fake_discord().unwrap().base_url();
    let address = address.trim_start_matches("http://").parse().unwrap();
    let before = control.stats().pings;
    let body = json!({ "content": LOUD }).to_string();
    let answer = HttpClient::new(address, PATIENCE).request(
        "POST",
        &format!("/api/v10/channels/{target}/messages"),
        &[("authorization", &format!("Bot {BOT_TOKEN}"))],
        Some(body.as_bytes()),
    );
    assert_eq!(answer.unwrap().status, 200);
    assert_eq!(control.stats().pings, before + 1);
    let everybody = Pinged {
        everyone: true,
        users: vec![Id(MEMBER)],
        roles: vec![Id(MEANT), Id(OTHER)],
    };
    assert_eq!(pings(control, target).pop(), Some(vec![everybody]));
}
