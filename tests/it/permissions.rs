//! What the bot may do at Discord: a mirror that is refused says what a person must change, and goes on when it is changed.

use fake_discord::{Channel, Control, Guild, Overwrite, OverwriteKind, RouteKind, Settings};
use heliograph_bench::stage::Stage;
use serde_json::{Value, json};

use crate::{
    harness::{Desk, actor, refused, server, start, wait_for},
    said::{GUILD, create, fresh_id, signal_id},
};

const SEND: u64 = 1 << 11;

/// A server with a Discord in which the channel is all there is.
fn with_channel(target: u64) -> (Stage, Control) {
    let mut settings = server()
        .with_env("HELIOGRAPH_DISCORD_GLOBAL_REQUESTS_PER_S", "1000")
        .with_env("HELIOGRAPH_MIRRORS_RETRY_DELAY_MS_MIN", "50");
    settings.fake_discord = Some(Settings {
        guilds: vec![Guild::new(GUILD, Vec::new(), Vec::new())],
        channels: vec![Channel::text(target, GUILD)],
        ..Settings::open()
    });
    let stage = start(settings);
    let control = stage.fake_discord().unwrap().control();
    (stage, control)
}

fn wish(source: u64, target: u64) -> Value {
    json!({"source_channel_id": source.to_string(), "target_channel_id": target.to_string()})
}

fn closed(target: u64) -> Channel {
    let nobody_sends = Overwrite::deny(OverwriteKind::Role, GUILD.into(), SEND);
    Channel::text(target, GUILD).with_overwrites(vec![nobody_sends])
}

#[test]
fn a_refused_mirror_says_what_to_change_and_goes_on_when_it_is_changed() {
    let target = fresh_id();
    let (stage, control) = with_channel(target);
    let desk = Desk::on(&stage);
    let source = desk.source();
    desk.admin
        .mark_channel(&desk.connector.connector_id, GUILD, target, false, true)
        .unwrap();
    let sentence = format!(
        "In #channel-{target} give the bot's role \"bots\" the permission \"Send Messages\"."
    );
    let mirror = || actor(&desk.admin, &format!("mirror/{target}"))["detail"].clone();
    let inspect = || {
        let path = format!("/api/targets/{target}/inspect");
        desk.admin.ask("POST", &path, None).unwrap()
    };

    // Not allowed yet: not saved, with the repair.
    control.put_channel(closed(target));
    let response = desk
        .admin
        .call("POST", "/api/mappings", Some(&wish(source, target)))
        .unwrap();
    refused(&response, 422, "refused");
    assert!(
        response.text().contains("Send Messages"),
        "{}",
        response.text()
    );
    control.put_channel(Channel::text(target, GUILD));
    desk.admin
        .ask("POST", "/api/mappings", Some(&wish(source, target)))
        .unwrap();

    // Allowed when it was saved, and no longer: the mirror finds out, asks, and shows the sentence.
    control.put_channel(closed(target));
    desk.push_until_taken(&[create(source, signal_id(), "waits for the right")]);
    wait_for("the mirror to be parked with the sentence", || {
        let shown = mirror();
        (shown["state"] == "parked" && shown["reason"] == sentence.as_str()).then_some(())
    });
    assert_eq!(inspect()["obstacle"], sentence.as_str());
    let attempts = || {
        let requests = control.requests(0);
        let creates = requests
            .iter()
            .filter(|line| line.route == Some(RouteKind::MessageCreate));
        creates.count()
    };
    assert_eq!(
        attempts(),
        1,
        "a parked mirror does not try again and again"
    );
    assert!(metrics_of(&desk).contains("heliograph_mirror_obstructed_targets 1"));

    // Repaired: at once, without a restart.
    control.put_channel(Channel::text(target, GUILD));
    assert_eq!(inspect()["obstacle"], Value::Null);
    wait_for("what waited to be posted", || {
        let posted = control.live_messages(target.into());
        (posted.len() == 1 && posted[0].content.contains("waits for the right")).then_some(())
    });
    wait_for("the mirror to be healthy", || {
        (mirror()["state"] == "healthy").then_some(())
    });
    assert!(metrics_of(&desk).contains("heliograph_mirror_obstructed_targets 0"));
    assert_eq!(crate::harness::restarts(&desk.admin), 0);
}

fn metrics_of(desk: &Desk) -> String {
    desk.admin.call("GET", "/metrics", None).unwrap().text()
}
