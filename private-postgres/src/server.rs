//! The running server: started, watched, started again, stopped. Puts the other parts in order and keeps what must live as
//! long as the server: its process, the thread that started it, and the lock on the data directory.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::ROLE;
use crate::binaries::{Binaries, find_binaries_for};
use crate::cluster::{self, Initialise};
use crate::conf::{Conf, WalCompression};
use crate::database;
use crate::error::{StartError, StopError};
use crate::files::{self, Lock};
use crate::keeper::Keeper;
use crate::launch::{Launcher, Signal, bare, signal};
use crate::leftover::{self, Traces};
use crate::location::{self, Location};
use crate::log::{Log, last_lines};
use crate::process::PostmasterFile;
use crate::url::socket_url;

/// How long a server may take to accept connections, seconds.
const READY_SECONDS_MAX: u64 = 30;
/// The same while it recovers from a crash: stopping it then would only start the recovery again.
const RECOVERY_SECONDS_MAX: u64 = 600;
/// How long each shutdown may take, seconds: the fast one writes a checkpoint.
const STOP_FAST_SECONDS_MAX: u64 = 20;
const STOP_IMMEDIATE_SECONDS_MAX: u64 = 5;

const POLL: Duration = Duration::from_millis(3);
/// Between two tries while backends of a killed server still end.
const RETRY_PAUSE: Duration = Duration::from_millis(50);

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

/// Everything about the server but its process.
#[derive(Debug)]
struct Place {
    settings: Settings,
    location: Location,
    binaries: Binaries,
    launcher: Launcher,
    cluster: PathBuf,
    conf: PathBuf,
    socket_dir: PathBuf,
    log: Log,
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

impl Place {
    /// Decides everything that can be decided without changing anything on disk.
    fn find(settings: &Settings) -> Result<Self, StartError> {
        let location = Location::find(&settings.data_dir)?;
        let (home, accounts) = (&location.home, &location.accounts);
        let cluster = home.join("cluster");
        let made_by = cluster::made_by(&cluster).and_then(|version| version.parse().ok());
        let binaries = find_binaries_for(settings.bin_dir.as_deref(), made_by)?;
        cluster::check(&cluster, &binaries, accounts)?;
        Ok(Self {
            launcher: Launcher::new(*accounts)?,
            conf: home.join("postgresql.conf"),
            socket_dir: location::socket_dir(home, settings.port, location::short_base(accounts)),
            log: Log::in_home(home),
            settings: settings.clone(),
            cluster,
            binaries,
            location,
        })
    }

    /// Starts the server on an existing cluster and waits until it is ready.
    fn launch(&self, keeper: &Keeper) -> Result<Child, StartError> {
        files::private_dir(&self.socket_dir, &self.location.accounts)?;
        self.write_conf(keeper)?;
        let started = Instant::now();
        loop {
            leftover::end(&Traces {
                home: &self.location.home,
                cluster: &self.cluster,
                conf: &self.conf,
                socket_dir: &self.socket_dir,
                port: self.settings.port,
            })?;
            let (mut child, log_from) = self.spawn(keeper)?;
            let status = match self.until_ready(&mut child) {
                Ok(Progress::Ready) => return Ok(child),
                Ok(Progress::Ended(status)) => status,
                Ok(Progress::Late { seconds }) => {
                    // How it ends does not matter any more; the log says why it was late.
                    let _ = end(&mut child);
                    return Err(StartError::NotReady {
                        seconds,
                        log: self.log.path().to_owned(),
                        last_lines: self.log.last_lines(log_from),
                    });
                }
                Err(error) => {
                    return Err(StartError::io("wait for the server of", &self.cluster)(
                        error,
                    ));
                }
            };
            let said = self.log.last_lines(log_from);
            if !is_passing(&said) || started.elapsed().as_secs() >= READY_SECONDS_MAX {
                return Err(StartError::Ended {
                    status: status.to_string(),
                    log: self.log.path().to_owned(),
                    last_lines: said,
                });
            }
            thread::sleep(RETRY_PAUSE);
        }
    }

    /// Writes the settings file and lets PostgreSQL check it, which also tells whether lz4 was built in.
    fn write_conf(&self, keeper: &Keeper) -> Result<(), StartError> {
        let local_conf = self.location.home.join("local.conf");
        let mut last_said = String::new();
        for wal_compression in [WalCompression::Lz4, WalCompression::Pglz] {
            let conf = Conf {
                socket_dir: &self.socket_dir.to_string_lossy(),
                port: self.settings.port,
                connections_max: self.settings.max_connections,
                durable: self.settings.durable,
                wal_compression,
                local_conf: local_conf.is_file().then_some(local_conf.as_path()),
            };
            files::replace(&self.conf, &conf.text())?;
            let mut check = self.server_command();
            check
                .args(["-C", "wal_compression"])
                .stdout(Stdio::null())
                .stderr(Stdio::piped());
            let output = keeper
                .spawn(check)
                .and_then(|child| child.wait_with_output())
                .map_err(StartError::io("check", &self.conf))?;
            if output.status.success() {
                return Ok(());
            }
            last_said = last_lines(&output.stderr);
        }
        Err(StartError::SettingsRefused {
            conf: self.conf.clone(),
            last_lines: last_said,
        })
    }

    fn server_command(&self) -> std::process::Command {
        let config_file = format!("config_file={}", self.conf.display());
        let mut command = self
            .launcher
            .command(&self.binaries.program("postgres"), Signal::Fast);
        command
            .arg("-D")
            .arg(&self.cluster)
            .args(["-c", &config_file]);
        command
    }

    /// Also returns how long the log was before.
    fn spawn(&self, keeper: &Keeper) -> Result<(Child, u64), StartError> {
        let (log, log_from) = self.log.open()?;
        let also_stdout = log
            .try_clone()
            .map_err(StartError::io("open", self.log.path()))?;
        let mut command = self.server_command();
        command.stdout(also_stdout).stderr(log);
        let child = keeper
            .spawn(command)
            .map_err(StartError::io("start the server of", &self.cluster))?;
        Ok((child, log_from))
    }

    fn until_ready(&self, child: &mut Child) -> io::Result<Progress> {
        let started = Instant::now();
        let mut seconds_max = READY_SECONDS_MAX;
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok(Progress::Ended(status));
            }
            let file = PostmasterFile::read(&self.cluster);
            if file.is_some_and(|file| file.is_ready && file.pid == child.id()) {
                return Ok(Progress::Ready);
            }
            if started.elapsed().as_secs() >= seconds_max {
                if seconds_max >= RECOVERY_SECONDS_MAX || !self.is_recovering() {
                    return Ok(Progress::Late {
                        seconds: seconds_max,
                    });
                }
                tracing::info!(
                    seconds = seconds_max,
                    "postgresql still recovers from a crash"
                );
                seconds_max += READY_SECONDS_MAX;
            }
            thread::sleep(POLL);
        }
    }

    fn is_recovering(&self) -> bool {
        let output = bare(self.binaries.program("pg_controldata"))
            .arg("-D")
            .arg(&self.cluster)
            .output();
        output.is_ok_and(|output| says_recovering(&String::from_utf8_lossy(&output.stdout)))
    }
}

/// How a start went.
enum Progress {
    Ready,
    Ended(ExitStatus),
    Late { seconds: u64 },
}

/// Reads the state line of `pg_controldata`: `Database cluster state:               in crash recovery`.
fn says_recovering(control_data: &str) -> bool {
    control_data
        .lines()
        .find_map(|line| line.strip_prefix("Database cluster state:"))
        .is_some_and(|state| state.trim().ends_with("recovery"))
}

/// True for refusals that pass by themselves: backends of a killed server notice its death a little later.
fn is_passing(log: &str) -> bool {
    log.contains("pre-existing shared memory block")
        || (log.contains("lock file") && log.contains("already exists"))
}

/// Stops a server: fast, then immediate, then by force, each with a bounded wait. Does nothing if it has ended.
fn end(child: &mut Child) -> Result<(), StopError> {
    if child.try_wait()?.is_some() {
        return Ok(());
    }
    if signal(child.id(), Signal::Fast) && has_ended(child, STOP_FAST_SECONDS_MAX)? {
        return Ok(());
    }
    signal(child.id(), Signal::Immediate);
    if !has_ended(child, STOP_IMMEDIATE_SECONDS_MAX)? {
        child.kill()?;
        if !has_ended(child, STOP_IMMEDIATE_SECONDS_MAX)? {
            return Err(StopError::Stuck { pid: child.id() });
        }
    }
    Err(StopError::Forced {
        seconds: STOP_FAST_SECONDS_MAX,
    })
}

fn has_ended(child: &mut Child, seconds_max: u64) -> io::Result<bool> {
    let deadline = Instant::now() + Duration::from_secs(seconds_max);
    loop {
        if child.try_wait()?.is_some() {
            return Ok(true);
        }
        if Instant::now() >= deadline {
            return Ok(false);
        }
        thread::sleep(POLL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_recovery_earns_more_time() {
        for (state, want) in [
            ("in crash recovery", true),
            ("in archive recovery", true),
            ("in production", false),
            ("shut down", false),
            ("shut down in recovery", true),
            ("shutting down", false),
        ] {
            let text = format!(
                "pg_control version number: 1300\nDatabase cluster state:     {state}\nx: recovery\n"
            );
            assert_eq!(says_recovering(&text), want, "{state}");
        }
        assert!(!says_recovering("pg_controldata: fatal: recovery"));
    }

    #[test]
    fn only_refusals_that_pass_are_tried_again() {
        for (line, want) in [
            (
                "FATAL:  pre-existing shared memory block (key 1, ID 2) is still in use",
                true,
            ),
            ("FATAL:  lock file \"postmaster.pid\" already exists", true),
            (
                "FATAL:  could not open lock file \"/x\": Permission denied",
                false,
            ),
            ("FATAL:  data directory \"/x\" has wrong ownership", false),
            ("", false),
        ] {
            assert_eq!(is_passing(line), want, "{line}");
        }
    }
}
