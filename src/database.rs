//! The database of this process: the one that is configured, or a private PostgreSQL that is started, watched and stopped
//! here. Nobody else knows which of the two it is.

use crate::config;
use private_postgres::{PrivatePostgres, Settings, StartError};
use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    thread::JoinHandle,
    time::Duration,
};

/// Name of our database in a private PostgreSQL.
const PRIVATE_DATABASE: &str = "heliograph";
/// Connections beside the pool's: two writers, one for tools, a reserve for those that are just ending.
const EXTRA_CONNECTIONS: u32 = 14;
const WATCH_EVERY: Duration = Duration::from_millis(250);

/// Where the tables are.
pub struct Database {
    url: String,
    /// Held for its end: dropping it stops the server.
    _private: Option<Watched>,
}

struct Watched {
    postgres: Arc<Mutex<Option<PrivatePostgres>>>,
    stop: Arc<AtomicBool>,
    watcher: Option<JoinHandle<()>>,
}

impl Database {
    /// Opens what is configured; starts a private PostgreSQL when nothing is. Blocks until it takes connections.
    ///
    /// # Errors
    /// With one line that says what to do.
    pub fn open(config: &config::Database) -> Result<Self, StartError> {
        if let Some(url) = &config.url {
            return Ok(Self {
                url: url.expose().to_owned(),
                _private: None,
            });
        }
        let mut settings = Settings::new(&config.data_dir);
        settings.bin_dir = config.bin_dir.clone();
        settings.max_connections =
            u16::try_from(config.pool_size + EXTRA_CONNECTIONS).unwrap_or(u16::MAX);
        let postgres = PrivatePostgres::start(&settings)?;
        postgres.ensure_database(PRIVATE_DATABASE)?;
        tracing::info!(home = %postgres.home().display(), pid = postgres.pid(), "private postgresql runs");
        let url = postgres.url(PRIVATE_DATABASE);
        Ok(Self {
            url,
            _private: Some(Watched::over(postgres)),
        })
    }

    /// How to connect.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Watched {
    /// Starts the watch that brings a dead server back.
    fn over(postgres: PrivatePostgres) -> Self {
        let (postgres, stop) = (
            Arc::new(Mutex::new(Some(postgres))),
            Arc::new(AtomicBool::new(false)),
        );
        let (watched, stopped) = (postgres.clone(), stop.clone());
        let watcher = std::thread::spawn(move || {
            while !stopped.load(SeqCst) {
                revive(&watched);
                std::thread::park_timeout(WATCH_EVERY);
            }
        });
        Self {
            postgres,
            stop,
            watcher: Some(watcher),
        }
    }
}

fn revive(postgres: &Mutex<Option<PrivatePostgres>>) {
    let mut held = postgres.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(postgres) = held.as_mut() else {
        return;
    };
    if postgres.is_running() {
        return;
    }
    tracing::error!("private postgresql has ended; starting it again");
    match postgres.relaunch() {
        Ok(()) => tracing::info!(pid = postgres.pid(), "private postgresql runs again"),
        Err(error) => tracing::error!(%error, "private postgresql does not start"),
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.stop.store(true, SeqCst);
        if let Some(watcher) = self.watcher.take() {
            watcher.thread().unpark();
            // A panic of the watcher has been reported; the server is stopped all the same.
            let _ = watcher.join();
        }
        let postgres = self
            .postgres
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(Err(error)) = postgres.map(PrivatePostgres::stop) {
            tracing::error!(%error, "private postgresql did not stop cleanly");
        }
    }
}
