//! The commands against a running server: a person sets a connector up, changes it and looks at it, without HTTP at hand.

use std::process::Command;

use serde_json::Value;

use crate::{
    harness::{Desk, refused},
    said::{GUILD, create, fresh_id, signal_id},
};

/// Runs a command against the server of this desk: exit code 0 or not, and what it printed.
fn run(desk: &Desk, words: &[&str]) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_heliograph"))
        .args(words)
        .args([
            "--json",
            "--admin",
            &format!("http://{}", desk.book.now().admin),
        ])
        .env_remove("HELIOGRAPH_CONFIG")
        .env_remove("DATABASE_URL")
        .output()
        .unwrap();
    let said = if output.status.success() {
        output.stdout
    } else {
        output.stderr
    };
    (output.status.success(), String::from_utf8(said).unwrap())
}

/// The answer of a command that must succeed.
fn ask(desk: &Desk, words: &[&str]) -> Value {
    let (succeeded, said) = run(desk, words);
    assert!(succeeded, "{words:?}: {said}");
    serde_json::from_str(&said).unwrap_or_else(|error| panic!("{words:?}: {error}: {said}"))
}

#[test]
fn commands_set_up_change_and_show() {
    let mut desk = Desk::shared();
    let [connector, source, target] = [(); 3].map(|()| fresh_id().to_string());
    let connector = format!("by-hand-{connector}");
    let guild = GUILD.to_string();
    let made = ask(
        &desk,
        &["connector", "create", &connector, "--tenant", "tenant"],
    );
    desk.connector.connector_id.clone_from(&connector);
    desk.connector.token = made["token"].as_str().unwrap().to_owned();
    ask(&desk, &["connector", "ingest", &connector, "on"]);
    ask(
        &desk,
        &[
            "channel", "set", &connector, &source, "--guild", &guild, "--source",
        ],
    );
    ask(
        &desk,
        &[
            "channel", "set", &connector, &target, "--guild", &guild, "--target",
        ],
    );
    ask(&desk, &["channel", "visibility", &source, "0"]);
    let channel: u64 = source.parse().unwrap();
    desk.says([1, 0, 0, 0, 0], &[create(channel, signal_id(), "by hand")]);
    assert_eq!(desk.signals(channel).len(), 1);

    ask(&desk, &["connector", "pause", &connector]);
    refused(&desk.try_push(&[]), 403, "connector_paused");
    ask(&desk, &["connector", "resume", &connector]);
    let rotated = ask(&desk, &["connector", "rotate", &connector]);
    refused(&desk.try_push(&[]), 401, "unauthorized");
    desk.connector.token = rotated["token"].as_str().unwrap().to_owned();
    desk.says([0, 0, 0, 0, 0], &[]);

    let mapping = ask(&desk, &["mapping", "add", &source, &target]);
    let id = mapping["mapping_id"].to_string();
    let listed = ask(&desk, &["mapping", "list"]);
    assert!(
        listed
            .as_array()
            .unwrap()
            .iter()
            .any(|row| row["mapping_id"] == mapping["mapping_id"])
    );
    ask(&desk, &["mapping", "change", &id, "--priority", "-2"]);
    let (succeeded, said) = run(&desk, &["mapping", "add", &target, &source]);
    assert!(
        !succeeded && said.starts_with("heliograph: ") && said.lines().count() == 1,
        "{said}"
    );
    assert!(run(&desk, &["mapping", "remove", &id]).0);

    let token = ask(
        &desk,
        &["session-token", "create", "a viewer", "--tier", "1"],
    );
    assert!(token["token"].is_string());
    let actors = ask(&desk, &["actors"]);
    assert!(actors.to_string().contains("store_writer"));
    ask(&desk, &["quarantine", "list"]);
    ask(&desk, &["connector", "list"]);
    // A server that is not there is a failure in one line.
    let nowhere = Command::new(env!("CARGO_BIN_EXE_heliograph"))
        .args(["connector", "list", "--admin", "http://127.0.0.1:1"])
        .output()
        .unwrap();
    assert_eq!(
        (
            nowhere.status.code(),
            String::from_utf8_lossy(&nowhere.stderr).lines().count()
        ),
        (Some(1), 1)
    );
}
