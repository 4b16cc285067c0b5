//! The composition root: from a configuration to a running process and back to nothing. The order of the start (database,
//! lock, migrations, tree, listeners) and of the stop is here and nowhere else.

use crate::{
    config::{Config, LogFormat},
    database::Database,
    http::listeners::{self, Listening},
    topology,
};
use diesel::pg::PgConnection;
use heliograph_actors::store_writer::connect_and_lock;
use heliograph_schema::store::{Store, migrate, retention};
use std::{
    path::Path,
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::mpsc,
};

/// Why the process does not run, in one line.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NotServing(pub String);

impl NotServing {
    fn because(error: impl std::fmt::Display) -> Self {
        Self(error.to_string())
    }
}

/// Pause between two attempts to take the router lock.
const LOCK_AGAIN_AFTER: Duration = Duration::from_millis(100);
/// After the drain the listeners get so long to close what is left.
const CLOSE_WITHIN_S: u64 = 1;

/// Starts the log as configured. Once in a process; later calls change nothing.
pub fn start_log(config: &Config) {
    let filter = tracing_subscriber::EnvFilter::new(&config.log.filter);
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    let _ = match config.log.format {
        LogFormat::Text => log.with_ansi(false).try_init(),
        LogFormat::Json => log.json().try_init(),
    };
}

/// Runs the server until a signal ends it. 0 after a graceful stop, 1 when an actor without which nothing works has given up.
///
/// # Errors
/// When it cannot start; nothing runs then.
pub fn serve(config: &Config, addresses_file: Option<&Path>) -> Result<ExitCode, NotServing> {
    // Faults that a test asked for in the environment.
    #[cfg(feature = "failpoints")]
    let _faults = fail::FailScenario::setup();
    raise_descriptors();
    // One TLS provider for the whole process; a second call only says that there is one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let database = Database::open(&config.database).map_err(NotServing::because)?;
    let connection = take_lock(
        database.url(),
        Duration::from_millis(config.database.lock_wait_ms),
    )?;
    let store =
        Store::connect(database.url(), config.database.pool_size).map_err(NotServing::because)?;
    prepare_tables(database.url())?;
    let system = actix::System::new();
    let code = system.block_on(run(
        config,
        addresses_file,
        &store,
        database.url(),
        connection,
    ))?;
    drop(store);
    drop(database);
    Ok(code)
}

/// Each session takes a descriptor; what the system allows us is used in full.
fn raise_descriptors() {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let raised = getrlimit(Resource::RLIMIT_NOFILE)
        .and_then(|(_, hard)| setrlimit(Resource::RLIMIT_NOFILE, hard, hard));
    if let Err(error) = raised {
        tracing::warn!(%error, "the limit on open files could not be raised");
    }
}

/// Takes the router lock, waiting for a router that is just ending.
fn take_lock(url: &str, patience: Duration) -> Result<PgConnection, NotServing> {
    let until = Instant::now() + patience;
    loop {
        match connect_and_lock(url) {
            Ok(connection) => return Ok(connection),
            Err(reason) if Instant::now() >= until => return Err(NotServing::because(reason)),
            Err(_) => std::thread::sleep(LOCK_AGAIN_AFTER),
        }
    }
}

/// Migrates, and makes the partitions that today needs.
fn prepare_tables(url: &str) -> Result<(), NotServing> {
    let mut connection =
        heliograph_schema::store::connect_single(url).map_err(NotServing::because)?;
    for name in migrate::run(&mut connection).map_err(NotServing::because)? {
        tracing::info!(%name, "migrated");
    }
    retention::make_partitions(&mut connection, chrono::Utc::now().date_naive())
        .map_err(NotServing::because)?;
    Ok(())
}

async fn run(
    config: &Config,
    addresses_file: Option<&Path>,
    store: &Store,
    database_url: &str,
    connection: PgConnection,
) -> Result<ExitCode, NotServing> {
    let (fatal, mut failed) = mpsc::unbounded_channel();
    let on_fatal = Arc::new(move |name: &str| {
        let _ = fatal.send(name.to_owned());
    });
    let topology = topology::start(config, store, database_url, connection, on_fatal)
        .await
        .map_err(NotServing::because)?;
    let listening = listeners::listen(config, store, &topology)
        .await
        .map_err(NotServing::because)?;
    if let Some(path) = addresses_file {
        listening
            .write_addresses(path)
            .map_err(NotServing::because)?;
    }
    let (mut terminate, mut interrupt) = (
        stop_signal(SignalKind::terminate())?,
        stop_signal(SignalKind::interrupt())?,
    );
    let code = tokio::select! {
        _ = terminate.recv() => ExitCode::SUCCESS,
        _ = interrupt.recv() => ExitCode::SUCCESS,
        Some(name) = failed.recv() => {
            tracing::error!(actor = %name, "the process cannot go on without it");
            ExitCode::FAILURE
        }
    };
    stop(
        &listening,
        Duration::from_millis(config.shutdown.drain_ms_max),
    )
    .await;
    Ok(code)
}

fn stop_signal(kind: SignalKind) -> Result<tokio::signal::unix::Signal, NotServing> {
    signal(kind).map_err(NotServing::because)
}

/// No new batches or sessions, what is in hand is finished, sessions get their farewell, then the sockets close.
async fn stop(listening: &Listening, drain_max: Duration) {
    tracing::info!("stopping");
    let until = Instant::now() + drain_max;
    listening.refuse_new();
    while Instant::now() < until && !listening.is_drained() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    listening.close().await;
    tracing::info!("stopped");
}

/// Seconds a listener waits for its open requests when it closes.
pub const fn close_within_s() -> u64 {
    CLOSE_WITHIN_S
}
