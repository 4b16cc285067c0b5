//! `stage`: a server with a fresh database and a fake Discord, for tests that are written in another language. Prints its
//! addresses as one line of JSON, then does what it reads, line by line, and ends when it can read no more.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::io::{BufRead as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use heliograph_bench::failure::{Doing, Failure, Outcome};
use heliograph_bench::stage::{Database, Stage, StageSettings, server_binary};
use serde_json::{Value, json};

/// Starts a server with a fresh database and a fake Discord. Understands the lines `restart`, `kill` (as a crash, then a
/// start) and `sql <statements>`, each answered by a line of JSON.
#[derive(Parser)]
#[command(name = "stage")]
struct Arguments {
    /// A configuration key of the server, e.g. HELIOGRAPH_ADMIN_TOKEN=t; may be given again
    #[arg(long, value_name = "NAME=VALUE")]
    env: Vec<String>,
    /// Settings of the fake Discord as JSON; without it one bot, no guild, and the limits that others have observed
    #[arg(long, value_name = "JSON")]
    fake_discord: Option<String>,
    /// The server keeps a PostgreSQL of its own here instead
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// The server [default: heliograph beside this program]
    #[arg(long, value_name = "PATH")]
    server: Option<PathBuf>,
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Outcome<()> {
    let mut settings = StageSettings::new(server_binary(arguments.server.as_deref())?);
    let fake = arguments.fake_discord.as_deref().unwrap_or("{}");
    settings.fake_discord = Some(serde_json::from_str(fake).doing("--fake-discord")?);
    if let Some(data_dir) = arguments.data_dir {
        settings.database = Database::Private(data_dir);
    }
    for pair in &arguments.env {
        let (name, value) = pair
            .split_once('=')
            .ok_or_else(|| Failure::new(format!("--env {pair} is not NAME=VALUE")))?;
        settings = settings.with_env(name, value);
    }
    let mut stage = Stage::start(settings)?;
    say(&addresses(&stage))?;
    for line in std::io::stdin().lock().lines() {
        let answer = obey(&mut stage, line?.trim())?;
        say(&answer)?;
    }
    Ok(())
}

fn say(answer: &Value) -> Outcome<()> {
    println!("{answer}");
    std::io::stdout().flush()?;
    Ok(())
}

fn addresses(stage: &Stage) -> Value {
    let now = stage.book().now();
    json!({
        "public": now.public.to_string(),
        "ingest": now.ingest.to_string(),
        "admin": now.admin.to_string(),
        "fake_discord": stage.fake_discord().map(fake_discord::FakeDiscord::base_url),
        "database_url": stage.database_url(),
        "server_pid": stage.pid(),
    })
}

/// What could be done and failed is told; the next line may go well.
fn obey(stage: &mut Stage, line: &str) -> Outcome<Value> {
    let done = match line.split_once(' ').unwrap_or((line, "")) {
        ("restart", "") => stage.restart().map(|()| addresses(stage)),
        ("kill", "") => stage
            .kill9()
            .and_then(|()| stage.restart())
            .map(|()| addresses(stage)),
        ("sql", statements) => stage
            .table()?
            .run(statements)
            .map(|()| json!({ "ok": true })),
        _ => Err(Failure::new(format!("not understood: {line}"))),
    };
    Ok(done.unwrap_or_else(|failure| json!({ "failed": failure.to_string() })))
}
