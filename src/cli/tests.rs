//! The commands against real admin routes over HTTP and a real database.
#![allow(clippy::unwrap_used)]

mod administration;

use super::*;
use crate::{
    config::Secret,
    error::{no_such_route, uniform_errors},
    http::{
        admin::{Admin, access::guard, routes},
        changes::{ConfigurationChanged, NotApplied},
        correlation::correlate,
        listeners::JSON_BYTES_MAX,
        running::Running as AtWork,
    },
};
use actix_web::{App, HttpServer, dev::ServerHandle, middleware::from_fn, web};
use clap::CommandFactory;
use diesel::{
    RunQueryDsl,
    connection::SimpleConnection,
    sql_types::{BigInt, Text},
};
use futures_util::future::{BoxFuture, ready};
use heliograph_actors::{connector_board::ConnectorBoard, mirror_board::MirrorSeen};
use heliograph_schema::{
    frame::Cursor, ids::ChannelId, sql::Sql, store::signals, test_database::TestDatabase,
};
use serde_json::json;
use std::sync::Arc;

struct NothingToApply;

impl ConfigurationChanged for NothingToApply {
    fn apply(&self) -> BoxFuture<'static, Result<(), NotApplied>> {
        Box::pin(ready(Ok(())))
    }
}

struct NobodyAtWork;

impl AtWork for NobodyAtWork {
    fn look_at(&self, _: ChannelId) {}

    fn settled(&self) -> BoxFuture<'static, Result<(), NotApplied>> {
        Box::pin(ready(Ok(())))
    }

    fn mirror(&self, _: ChannelId) -> Option<MirrorSeen> {
        None
    }

    fn sessions_told(&self, _: ChannelId, _: Cursor) -> Option<u64> {
        None
    }
}

struct Running {
    db: TestDatabase,
    server: ServerHandle,
    url: String,
}

impl Running {
    fn start() -> Self {
        let db = TestDatabase::new();
        let token = Some(Secret::new("the-token"));
        let admin = web::Data::new(Admin {
            store: db.store(),
            changes: Arc::new(NothingToApply),
            inspector: None,
            connectors: ConnectorBoard::default(),
            running: Arc::new(NobodyAtWork),
            routing: tokio::sync::watch::channel(Arc::default()).1,
            token,
            sign_ins: Arc::default(),
            figures: heliograph_actors::figures::Figures::default(),
            notices: heliograph_actors::noticeboard::Noticeboard::default(),
        });
        let server = HttpServer::new(move || {
            App::new()
                .configure(uniform_errors(JSON_BYTES_MAX))
                .app_data(admin.clone())
                .configure(routes)
                .default_service(web::to(no_such_route))
                .wrap(from_fn(guard))
                .wrap(from_fn(correlate))
        });
        let server = server
            .workers(1)
            .disable_signals()
            .bind("127.0.0.1:0")
            .unwrap();
        let url = format!("http://{}", server.addrs()[0]);
        let server = server.run();
        let handle = server.handle();
        actix_web::rt::spawn(server);
        Self {
            db,
            server: handle,
            url,
        }
    }

    /// Stores a signal of channel 1.
    fn tell(&self, text: &str, number: i64) {
        let conn = &mut self.db.connect();
        signals::open_heads(conn, &["1".parse().unwrap()]).unwrap();
        let state = json!({
            "signal_id": number.to_string(), "channel_id": "1", "guild_id": "7", "created": true, "revision": 1,
            "author": { "user_id": "77", "username": "desk" },
            "text": { "stamp_ms": 0, "value": { "raw": text, "clean": text } },
        });
        Sql::new("insert into signals (signal_id, channel_id, is_visible, revision, state) values ($1, 1, true, 1, $2)")
            .bind::<BigInt, _>(number)
            .bind::<Text, _>(state.to_string())
            .execute(conn)
            .unwrap();
    }

    fn client(&self, token: &str) -> Client {
        let variables = [("HELIOGRAPH_ADMIN_TOKEN".to_owned(), token.to_owned())];
        Client::new(
            Some(self.url.clone()),
            &Config::read(None, &variables).unwrap().admin,
        )
        .unwrap()
    }

    /// Runs the command as it would be typed, against this server.
    async fn run(&self, typed: &str) -> Result<Shown, Failure> {
        let client = self.client("the-token");
        let line = CommandLine::try_parse_from(
            std::iter::once("heliograph").chain(typed.split_whitespace()),
        )
        .unwrap();
        match line.command {
            Command::Connector { command, .. } => connector::run(&client, command).await,
            Command::Channel { command, .. } => channel::run(&client, command).await,
            Command::Mapping { command, .. } => mapping::run(&client, command).await,
            Command::DeadLetter { command, .. } => mirroring::dead_letter(&client, command).await,
            Command::Target { command, .. } => mirroring::target(&client, command).await,
            Command::Bot { command, .. } => bot::run(&client, command).await,
            Command::Signal { command, .. } => mirroring::signal(&client, command).await,
            Command::SessionToken { command, .. } => session_token::run(&client, command).await,
            Command::Audit { command, .. } => audit::run(&client, command).await,
            Command::Config { command, .. } => configuration::run(&client, command).await,
            Command::Raw { command, .. } => intake::raw(&client, command).await,
            Command::Quarantine { command, .. } => intake::quarantine(&client, command).await,
            Command::Figures { span, .. } => figures::run(&client, span).await,
            other => panic!("not administration: {other:?}"),
        }
    }
}

#[test]
fn the_command_line_is_consistent() {
    CommandLine::command().debug_assert();
    for typed in [
        "connector rotate c1 --overlap 3600",
        "connector guilds c1",
        "connector delete c1",
        "channel tree 7",
        "channel tree 7 --connector c1",
        "channel available btc --as source --guild 7",
        "mapping list --source 1 --state broken desk",
        "mapping clone 1 --target 3 --enabled off",
        "mapping bulk 1 2 --tier 3 --no-ping",
        "mapping bulk 1 2 --remove",
        "mapping order 1 2 3",
        "mapping history 1",
        "audit list --action mapping. --last 5",
        "audit undo 7 --group",
        "config export heliograph.toml",
        "config compare -",
        "config apply heliograph.toml --yes --json",
        "raw list --kind channel-guild-sync",
        "raw show x",
        "quarantine list --state open",
        "quarantine replay 1 2",
        "quarantine drop 1 --reason old",
        "figures --span day",
    ] {
        let line = std::iter::once("heliograph").chain(typed.split_whitespace());
        let parsed = CommandLine::try_parse_from(line);
        assert!(parsed.is_ok(), "{typed}: {}", parsed.unwrap_err());
    }
    let torn = "heliograph mapping bulk 1 --remove --tier 2".split_whitespace();
    assert!(CommandLine::try_parse_from(torn).is_err());
}

#[actix_web::test]
async fn a_route_is_set_up_by_commands_alone() {
    let running = Running::start();
    let made = running
        .run("connector create c1 --tenant acme")
        .await
        .unwrap();
    assert!(made.text.starts_with("hgc_"), "{}", made.text);
    let steps = [
        (
            "channel set c1 1 --guild 7 --source",
            "is_source",
            json!(true),
        ),
        (
            "channel set c1 2 --guild 7 --target --threads exclude",
            "thread_mode",
            json!("exclude"),
        ),
        ("channel set c1 2 --target", "thread_mode", json!("include")),
        ("channel visibility 1 0", "min_tier", json!(0)),
        ("channel visibility 1 hidden", "min_tier", json!(null)),
        ("connector pause c1", "status", json!("paused")),
        ("connector resume c1", "status", json!("active")),
        ("connector forward c1 on", "forward_enabled", json!(true)),
        ("connector ingest c1 off", "ingest_enabled", json!(false)),
        (
            "connector discover c1 --guild 7",
            "discovery_request_version",
            json!(1),
        ),
        (
            "mapping add 1 2 --tier 3 --ping 9 --priority -1",
            "priority",
            json!(-1),
        ),
        ("mapping change 1 --no-ping", "ping_role_id", json!(null)),
        ("mapping change 1 --enabled off", "is_enabled", json!(false)),
    ];
    for (typed, field, want) in steps {
        let shown = running
            .run(typed)
            .await
            .unwrap_or_else(|failure| panic!("{typed}: {failure}"));
        assert_eq!(shown.json[field], want, "{typed}");
    }
    let list = running.run("mapping list").await.unwrap();
    assert_eq!(list.json[0]["tier"], 3);
    assert!(
        list.text.starts_with("MAPPING  SOURCE  TARGET") && list.text.lines().count() == 2,
        "{}",
        list.text
    );
    running.run("mapping remove 1").await.unwrap();
    assert!(
        running
            .run("session-token create bench --tier 9 --days 1")
            .await
            .unwrap()
            .text
            .starts_with("hgs_")
    );
    running.run("session-token revoke 1").await.unwrap();
    assert_eq!(
        running
            .run("channel list --connector c1")
            .await
            .unwrap()
            .json
            .as_array()
            .unwrap()
            .len(),
        2
    );
    assert_eq!(
        running.run("channel list --guild 7").await.unwrap().json[0]["channel_id"],
        "1"
    );
    running.server.stop(false).await;
}

/// A file of rules that lives as long as this.
struct RulesFile(std::path::PathBuf);

impl RulesFile {
    fn new(name: &str, text: &str) -> Self {
        let name = format!("heliograph-{}-{name}.json", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, text).unwrap();
        Self(path)
    }
}

impl Drop for RulesFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[actix_web::test]
async fn rules_come_from_a_file_and_are_tried_before_they_are_saved() {
    let running = Running::start();
    for typed in [
        "connector create c1 --tenant acme",
        "channel set c1 1 --guild 7 --source",
        "channel set c1 2 --guild 7 --target",
    ] {
        running.run(typed).await.unwrap();
    }
    running.tell("long", 1);
    running.tell("an\nad", 2);
    let framed = RulesFile::new("framed", r#"{ "transform_json": { "prefix": "> " } }"#);
    let quiet = RulesFile::new(
        "quiet",
        r#"{ "filters_json": { "keywords_none": ["ad"] }, "author_style": null }"#,
    );
    let with = |typed: &str, file: &RulesFile| format!("{typed} --rules {}", file.0.display());
    let made = running
        .run(&with("mapping create 1 2", &framed))
        .await
        .unwrap();
    assert_eq!(made.json["transform_json"]["prefix"], "> ");

    let tried = running
        .run(&with("mapping dry-run 1", &quiet))
        .await
        .unwrap();
    let lines: Vec<&str> = tried.text.lines().collect();
    assert_eq!(
        lines,
        [
            "SIGNAL  AUTHOR  TEXT   RESULT     BECOMES",
            "2       desk    an ad  held_back  filters_json.keywords_none: \"ad\"",
            "1       desk    long   posts      > long",
        ]
    );
    let saved = running.run("mapping dry-run 1 --last 1").await.unwrap();
    assert_eq!(saved.text.lines().count(), 2);
    assert_eq!(saved.json["items"][0]["result"], "posts");

    let changed = running
        .run(&with("mapping change 1", &quiet))
        .await
        .unwrap();
    assert_eq!(changed.json["filters_json"]["keywords_none"][0], "ad");
    assert_eq!(changed.json["transform_json"]["prefix"], "> ");

    let table = [
        ("[]", "invalid type"),
        ("{ \"filters_json\": ", "line 1 column"),
        (
            "{ \"version\": 3 }",
            "unknown field \"version\", expected filters_json",
        ),
        (
            "{ \"filters_json\": { \"regex_any\": [\"(\"] } }",
            "filters_json.regex_any[0]: ",
        ),
        (
            "{ \"author_style\": \"loud\" }",
            "author_style: unknown variant",
        ),
    ];
    for (text, words) in table {
        let bad = RulesFile::new("bad", text);
        for typed in ["mapping change 1", "mapping dry-run 1"] {
            let failure = running.run(&with(typed, &bad)).await.err().unwrap();
            let failure = failure.to_string();
            assert!(
                failure.contains(words) && failure.lines().count() == 1,
                "{typed} {text}: {failure}"
            );
        }
    }
    let absent = running.run("mapping change 1 --rules /nonexistent.json");
    let failure = absent.await.err().unwrap().to_string();
    assert!(failure.contains("/nonexistent.json: "), "{failure}");
    running.server.stop(false).await;
}

#[actix_web::test]
async fn mirroring_is_administered_by_commands() {
    let running = Running::start();
    running
        .db
        .connect()
        .batch_execute(
            "insert into signals (signal_id, channel_id, is_visible, revision, state) values (1, 5, true, 1, '{}'), (2, 5, true, 1, '{}'); \
             insert into deliveries (signal_id, target_channel_id, source_channel_id, mapping_id, desired_revision, state, last_error) \
             values (1, 9, 5, 1, 1, 'x', '50035: no'), (2, 9, 5, 1, 1, 'x', '50035: no')",
        )
        .unwrap();
    let steps = [
        ("dead-letter list --target 9", "50035: no"),
        (
            "signal trail 1",
            "channel 9 (-): dead_letter, revision 0 of 1, given up: 50035: no",
        ),
        ("dead-letter redrive 1 9", "1 redriven"),
        ("dead-letter redrive --target 9", "1 redriven"),
        ("dead-letter redrive --all", "0 redriven"),
        ("dead-letter drop 1 9 --reason spam", "dropped"),
        ("dead-letter drop 1 9 --reason spam", "dropped already"),
        ("dead-letter restore 1 9", "1 restored"),
        ("target list", "not_running"),
        ("target pause 9", "yes"),
        ("target pause 9", "yes"),
        ("target resume 9", "no"),
    ];
    for (typed, words) in steps {
        let shown = running
            .run(typed)
            .await
            .unwrap_or_else(|failure| panic!("{typed}: {failure}"));
        assert!(shown.text.contains(words), "{typed}: {}", shown.text);
    }
    for (typed, words) in [
        ("target pause 8", "no target channel 8"),
        ("dead-letter redrive 3 9", "no delivery"),
        ("signal trail 3", "no such signal"),
        ("mapping backfill 3 10", "no such mapping"),
    ] {
        let failure = running.run(typed).await.err().unwrap().to_string();
        assert!(failure.contains(words), "{typed}: {failure}");
    }
    running.server.stop(false).await;
}

#[actix_web::test]
async fn what_the_bot_sees_is_shown_and_offered_by_commands() {
    let running = Running::start();
    running
        .db
        .connect()
        .batch_execute(
            "insert into guilds (guild_id, name) values (7, 'Customers'); \
             insert into channels (channel_id, guild_id, name, kind, position) values (20, 7, 'alerts', 0, 1), (21, 7, 'SIGNALS', 4, 0); \
             insert into guild_sightings (observer, guild_id) values ('@bot', 7); \
             insert into channel_sightings (observer, channel_id, guild_id) values ('@bot', 20, 7), ('@bot', 21, 7); \
             insert into guild_roles (role_id, guild_id, name, position) values (70, 7, 'VIP', 1)",
        )
        .unwrap();
    for (typed, words) in [
        ("bot show", "not_yet"),
        ("bot refresh", "not_yet"),
        ("bot guilds", "Customers"),
        ("bot channels 7", "alerts"),
        ("bot roles 7", "VIP"),
        ("target offer 20 on", "yes"),
        ("target offer 20 on", "yes"),
        ("target list", "alerts"),
        ("target offer 20 off", "no"),
    ] {
        let shown = running
            .run(typed)
            .await
            .unwrap_or_else(|failure| panic!("{typed}: {failure}"));
        assert!(shown.text.contains(words), "{typed}: {}", shown.text);
    }
    for (typed, words) in [
        ("target offer 21 on", "#SIGNALS takes no messages"),
        ("target offer 22 on", "does not see channel 22"),
        ("bot roles 8", "no such guild"),
    ] {
        let failure = running.run(typed).await.err().unwrap().to_string();
        assert!(failure.contains(words), "{typed}: {failure}");
    }
    running.server.stop(false).await;
}

#[actix_web::test]
async fn what_fails_says_why_in_one_line() {
    let running = Running::start();
    running
        .run("connector create c1 --tenant acme")
        .await
        .unwrap();
    for (typed, words) in [
        ("connector create c1 --tenant acme", "exists already"),
        ("connector create a/b --tenant acme", "characters"),
        ("connector rotate c9", "no such connector"),
        ("channel set c1 1 --source", "--guild"),
        ("channel list --connector c9", "no such connector"),
        ("mapping add 1 2", "not an enabled source"),
        ("mapping remove 4", "no such mapping"),
        ("mapping dry-run 4", "no such mapping"),
        ("mapping dry-run 4 --last 0", "from 1 to 200"),
    ] {
        let failure = running.run(typed).await.err().unwrap().to_string();
        assert!(
            failure.contains(words) && failure.lines().count() == 1,
            "{typed}: {failure}"
        );
    }
    let failure = running
        .client("another")
        .get("/api/connectors")
        .await
        .unwrap_err()
        .to_string();
    assert!(failure.contains("HELIOGRAPH_ADMIN_TOKEN"), "{failure}");
    let absent = Client::new(
        Some("http://127.0.0.1:1".to_owned()),
        &Config::read(None, &[]).unwrap().admin,
    )
    .unwrap();
    let failure = absent.get("/api/connectors").await.unwrap_err().to_string();
    assert!(
        failure.contains("127.0.0.1:1") && failure.contains("is it running"),
        "{failure}"
    );
    running.server.stop(false).await;
}

#[test]
fn migrations_can_be_looked_at_run_and_redone() {
    let db = TestDatabase::empty();
    let variables = [("DATABASE_URL".to_owned(), db.url().to_owned())];
    let config = Config::read(None, &variables).unwrap();
    assert!(
        migrate::run(&config, true, false)
            .unwrap_err()
            .to_string()
            .starts_with("pending: ")
    );
    assert!(
        migrate::run(&config, false, false)
            .unwrap()
            .starts_with("ran: ")
    );
    assert_eq!(
        migrate::run(&config, true, false).unwrap(),
        "nothing is pending"
    );
    assert!(
        migrate::run(&config, false, true)
            .unwrap()
            .starts_with("redone: ")
    );
}

#[test]
fn the_tree_is_drawn_below_its_root() {
    let actor = |name: &str, parent: &str| {
        json!({ "name": name, "parent": parent, "kind": "router", "state": "running", "generation": 1, "restarts": 0,
                "mailbox": { "depth": 2, "capacity": 8, "refused": 0 }, "handled": 5, "last_panic": null })
    };
    let answer = json!({ "ready": false, "not_ready_reason": "no database",
        "actors": [actor("source 1", "router"), actor("router", "root"), actor("root", "root")] });
    let text = show::actors(answer).unwrap().text;
    let names: Vec<&str> = text.lines().skip(3).map(|line| &line[..12]).collect();
    assert_eq!(text.lines().next(), Some("not ready: no database"));
    assert_eq!(names, ["root        ", "  router    ", "    source 1"]);
}

#[test]
fn what_others_wrote_cannot_steer_a_terminal() {
    let shown = show::rows(
        intake::QUARANTINE,
        vec![json!({ "quarantine_id": 1, "received_at_ms": 0, "reason": "a\u{1b}[2Jb\nc" })],
    );
    let line = shown.text.lines().nth(1).unwrap();
    assert!(
        line.contains("1970-01-01T00:00:00Z") && line.ends_with("a [2Jb c"),
        "{line}"
    );
}
