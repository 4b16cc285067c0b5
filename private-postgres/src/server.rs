//! The running server: what a caller starts, asks, starts again and stops. Keeps what must live as long as the server: its
//! process, the thread that started it, and the lock on the data directory.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Child;

use crate::ROLE;
use crate::binaries::Binaries;
use crate::cluster::Initialise;
use crate::database;
use crate::error::{StartError, StopError};
use crate::files::{self, Lock};
use crate::keeper::Keeper;
use crate::place::Place;
use crate::stop::end;
use crate::url::socket_url;

/// What a private PostgreSQL is started with.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Holds the cluster, the socket, the log; created if it is missing. See the crate's documentation for its layout.
    pub data_dir: PathBuf,
    /// The directory with `postgres`; if none, the installed version that fits.
    pub bin_dir: Option<PathBuf>,
    /// Connections the server accepts.
    pub max_connections: u16,
    /// True in everything but tests: false turns fsync off, and a crash of the machine may then destroy the cluster.
    /// A killed server still loses nothing.
    pub durable: bool,
    /// Only names the socket file; nothing listens on TCP.
    pub port: u16,
}

impl Settings {
    /// Durable, 50 connections, port 5432, the installed binaries.
    #[must_use]
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            bin_dir: None,
            max_connections: 50,
            durable: true,
            port: 5432,
        }
    }
}

/// A running PostgreSQL that ends with this value, and with this process however it ends.
///
/// The calls that start and stop block; in an async program call them from a blocking thread.
#[derive(Debug)]
pub struct PrivatePostgres {
    child: Child,
    place: Place,
    // Dropped after the server has been stopped: the thread first, then the lock that keeps others out.
    keeper: Keeper,
    _lock: Lock,
}

impl PrivatePostgres {
    /// Starts the server, making the cluster first if there is none, and returns when it accepts connections and the database
    /// `heliograph` exists. A server that a killed process left behind on the same directory is ended first.
    ///
    /// # Errors
    /// See [`StartError`]. At once if another live process uses the directory; after 30 s if the server does not become
    /// ready, or 10 minutes if it recovers from a crash. Whatever was started is stopped again.
    pub fn start(settings: &Settings) -> Result<Self, StartError> {
        let place = Place::find(settings)?;
        let home = &place.location.home;
        files::create_home(home, &place.location.accounts)?;
        let lock = Lock::take(home)?;
        if let Some((requested, closed)) = &place.location.instead_of {
            tracing::info!(
                requested = %requested.display(), used = %home.display(), closed = %closed.display(),
                "the account that runs postgresql cannot reach the data directory, another one is used"
            );
            files::replace(
                &home.join("stands-in-for"),
                &format!("{}\n", requested.display()),
            )?;
        }
        let keeper = Keeper::start().map_err(StartError::io("start a thread for", home))?;
        Initialise {
            home,
            cluster: &place.cluster,
            binaries: &place.binaries,
            accounts: &place.location.accounts,
            launcher: &place.launcher,
            keeper: &keeper,
            durable: settings.durable,
        }
        .run()?;
        let child = place.launch(&keeper)?;
        let postgres = Self {
            child,
            place,
            keeper,
            _lock: lock,
        };
        postgres.ensure_database(ROLE)?;
        Ok(postgres)
    }

    /// Starts the server again after it ended by itself; does nothing while it runs. Its URLs stay the same.
    ///
    /// # Errors
    /// As [`PrivatePostgres::start`].
    pub fn relaunch(&mut self) -> Result<(), StartError> {
        if self.is_running() {
            return Ok(());
        }
        self.child = self.place.launch(&self.keeper)?;
        self.ensure_database(ROLE)
    }

    /// The libpq URL of a database, over the unix socket. Holds no secret: the socket's directory is the protection.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        socket_url(
            &self.place.socket_dir,
            self.place.settings.port,
            ROLE,
            database,
        )
    }

    /// Creates a database unless it exists.
    ///
    /// # Errors
    /// [`StartError::DatabaseRefused`] with the reason of PostgreSQL.
    pub fn ensure_database(&self, database: &str) -> Result<(), StartError> {
        database::ensure(&self.place.binaries, &self.url("postgres"), database)
    }

    /// The process id of the server; another one after [`PrivatePostgres::relaunch`].
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// False once the server process has ended; reaps it, so that its lock files do not outlive it.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// The directory that is really used: the data directory asked for, or the one in its place.
    #[must_use]
    pub fn home(&self) -> &Path {
        &self.place.location.home
    }

    /// The log of the server.
    #[must_use]
    pub fn log_path(&self) -> &Path {
        self.place.log.path()
    }

    /// The binaries in use, for `pg_dump` and its like.
    #[must_use]
    pub fn binaries(&self) -> &Binaries {
        &self.place.binaries
    }

    /// Stops the server with a checkpoint. Takes at most 30 s; dropping the value does the same and logs what goes wrong.
    ///
    /// # Errors
    /// [`StopError::Forced`] if it had to be ended without a checkpoint, [`StopError::Stuck`] if it does not end.
    pub fn stop(mut self) -> Result<(), StopError> {
        end(&mut self.child)
    }
}

impl Drop for PrivatePostgres {
    fn drop(&mut self) {
        if let Err(error) = end(&mut self.child) {
            tracing::warn!(%error, "postgresql did not stop in order");
        }
        if !self.place.socket_dir.starts_with(self.home()) {
            // A short socket directory would stay behind for ever; one that is still in use is not empty.
            let _ = fs::remove_dir(&self.place.socket_dir);
        }
    }
}
