//! Owns `make run`: a fake Discord, the server with a private PostgreSQL, the demo connector, set up so that signals flow from
//! the first second and a second start finds everything as it was. It ends its children in order, and they end by themselves
//! when it dies.

mod discord;
mod set_up;

use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use fake_discord::FakeDiscord;

use crate::children;
use crate::failure::{Doing, Failure, Outcome};
use crate::stage::{AddressBook, Admin, END_WITHIN, ServerProcess, tail_of};

/// The token in config/development.toml.
const BOT_TOKEN: &str = "demo-bot-token";
/// The first start makes a database cluster.
const READY_WITHIN: Duration = Duration::from_secs(90);
const CONNECTOR_END_WITHIN: Duration = Duration::from_secs(10);
const WATCH_INTERVAL: Duration = Duration::from_millis(100);

/// How the demo runs.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The server.
    pub server_binary: PathBuf,
    /// The demo connector.
    pub connector_binary: PathBuf,
    /// The configuration of the server.
    pub config_file: PathBuf,
    /// Database, logs and the connector's token.
    pub data_dir: PathBuf,
    /// Ports on 127.0.0.1; 0 takes a free one.
    pub public_port: u16,
    /// See [`Settings::public_port`].
    pub admin_port: u16,
    /// See [`Settings::public_port`].
    pub ingest_port: u16,
    /// See [`Settings::public_port`].
    pub fake_discord_port: u16,
    /// Where the connector serves its charts; 0: no pictures.
    pub charts_port: u16,
    /// Events a second.
    pub rate: f64,
    /// Ends by itself after so long.
    pub lasts: Option<Duration>,
}

/// Where everything is, for whoever wants to look.
#[derive(Clone, Debug)]
pub struct Places {
    /// Live page.
    pub live_page: String,
    /// The tree, connectors and mappings.
    pub admin_page: String,
    /// The connector contract.
    pub ingest: String,
    /// What stands in the first target channel.
    pub fake_discord: String,
}

/// Runs until `stop`, or as long as the settings say. `show` is told the addresses once everything flows.
///
/// # Errors
/// Something did not start, or ended by itself; the message has the tail of its log.
pub fn run(settings: &Settings, stop: &Arc<AtomicBool>, show: impl FnOnce(&Places)) -> Outcome<()> {
    std::fs::create_dir_all(&settings.data_dir)
        .doing(format!("making {}", settings.data_dir.display()))?;
    let outcome = play(settings, stop, show);
    // Whoever asked us to stop does not want to hear what the stop interrupted.
    if stop.load(Ordering::Relaxed) {
        return Ok(());
    }
    outcome
}

fn play(settings: &Settings, stop: &AtomicBool, show: impl FnOnce(&Places)) -> Outcome<()> {
    let fake = FakeDiscord::start(discord::settings(settings.fake_discord_port, BOT_TOKEN)?)
        .doing(format!(
            "starting the fake Discord on port {}",
            settings.fake_discord_port
        ))?;
    let mut server = ServerProcess::start(
        settings.server_binary.clone(),
        Some(settings.config_file.clone()),
        environment(settings, &fake),
        &settings.data_dir,
        READY_WITHIN,
    )?;
    let outcome = with_server(settings, stop, &mut server, &fake, show);
    let ended = server.terminate(END_WITHIN);
    outcome.and(ended)
}

fn environment(settings: &Settings, fake: &FakeDiscord) -> Vec<(String, String)> {
    let listen = |port: u16| format!("127.0.0.1:{port}");
    let data_dir = settings.data_dir.join("postgres");
    [
        ("HELIOGRAPH_PUBLIC_LISTEN", listen(settings.public_port)),
        ("HELIOGRAPH_ADMIN_LISTEN", listen(settings.admin_port)),
        ("HELIOGRAPH_INGEST_LISTEN", listen(settings.ingest_port)),
        (
            "HELIOGRAPH_DATABASE_DATA_DIR",
            data_dir.display().to_string(),
        ),
        ("HELIOGRAPH_DISCORD_BASE_URL", fake.base_url()),
        ("HELIOGRAPH_DISCORD_BOT_TOKEN", BOT_TOKEN.to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .to_vec()
}

fn with_server(
    settings: &Settings,
    stop: &AtomicBool,
    server: &mut ServerProcess,
    fake: &FakeDiscord,
    show: impl FnOnce(&Places),
) -> Outcome<()> {
    let book = AddressBook::of(server.addresses());
    let admin = Admin::new(book.clone());
    let token_file = settings.data_dir.join("demo-connector-token");
    set_up::configure(&admin, &book, &token_file)?;
    let log_file = settings.data_dir.join("connector.log");
    let mut connector = start_connector(settings, &book, &token_file, &log_file)?;
    show(&places(&book, fake));
    let outcome = set_up::names(&admin, stop)
        .and_then(|()| watch(settings, stop, server, &mut connector, &log_file));
    let ended = children::terminate(&mut connector, CONNECTOR_END_WITHIN).map(drop);
    outcome.and(ended)
}

fn places(book: &AddressBook, fake: &FakeDiscord) -> Places {
    let now = book.now();
    let first_target = demo_connector::target_channels()[0].id;
    Places {
        live_page: format!("http://{}/", now.public),
        admin_page: format!("http://{}/", now.admin),
        ingest: format!("http://{}/", now.ingest),
        fake_discord: format!("{}/_fake/messages?channel={first_target}", fake.base_url()),
    }
}

fn start_connector(
    settings: &Settings,
    book: &AddressBook,
    token_file: &Path,
    log_file: &Path,
) -> Outcome<Child> {
    let log = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(log_file)
        .doing(format!("opening {}", log_file.display()))?;
    let mut command = children::command(&settings.connector_binary);
    command
        .arg("--server")
        .arg(format!("http://{}", book.now().ingest))
        .arg("--token-file")
        .arg(token_file)
        .args(["--tenant", set_up::TENANT, "--connector", set_up::CONNECTOR])
        .args(["--charts-port", &settings.charts_port.to_string()])
        .args(["--rate", &settings.rate.to_string()])
        // Another day at each start, else the second one would say nothing new.
        .args([
            "--seed",
            &(crate::clock::now_ms() / 1000 % 1_000_000).to_string(),
        ])
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log);
    children::spawn(command).doing(format!("starting {}", settings.connector_binary.display()))
}

/// Until the end is asked for, its time has come, or a child ended by itself.
fn watch(
    settings: &Settings,
    stop: &AtomicBool,
    server: &mut ServerProcess,
    connector: &mut Child,
    connector_log: &Path,
) -> Outcome<()> {
    let began = Instant::now();
    while !stop.load(Ordering::Relaxed)
        && settings.lasts.is_none_or(|lasts| began.elapsed() < lasts)
    {
        if !server.is_running() {
            return Err(Failure::new(format!(
                "the server ended\n{}",
                server.log_tail()
            )));
        }
        if let Some(status) = connector.try_wait()? {
            let tail = tail_of(connector_log).unwrap_or_default();
            return Err(Failure::new(format!(
                "the demo connector ended: {status}\n{tail}"
            )));
        }
        std::thread::sleep(WATCH_INTERVAL);
    }
    Ok(())
}
