//! What can go wrong, each with one line that says what to do about it. Lines of PostgreSQL's own follow where it spoke.

use std::io;
use std::path::{Path, PathBuf};

use crate::binaries::Version;

/// Why a private PostgreSQL could not be started, or a database in it not be created.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No directory with `postgres`, `initdb` and `psql` was found.
    #[error(
        "PostgreSQL is not installed: run `apt-get install -y --no-install-recommends postgresql` or set DATABASE_URL \
         (looked in {looked_in})"
    )]
    NotInstalled {
        /// The directories that were tried.
        looked_in: String,
    },
    /// The installed PostgreSQL is older than the oldest we run on.
    #[error("PostgreSQL {found} in {} is too old: install PostgreSQL {oldest} or newer", bin_dir.display())]
    TooOld {
        /// The version that was found.
        found: Version,
        /// The oldest major version that works.
        oldest: u32,
        /// Where it was found.
        bin_dir: PathBuf,
    },
    /// The cluster was made by another major version.
    #[error(
        "{} was made by PostgreSQL {made_by}, but PostgreSQL {installed} is installed: install postgresql-{made_by}, or \
         convert the directory with pg_upgrade", cluster.display()
    )]
    OtherVersion {
        /// What `PG_VERSION` in the cluster says.
        made_by: String,
        /// The major version of the binaries that were found.
        installed: u32,
        /// The cluster directory.
        cluster: PathBuf,
    },
    /// Another live process uses the data directory.
    #[error(
        "{} is in use by process {pid}: stop that process first, or choose another data directory", data_dir.display()
    )]
    InUse {
        /// The data directory.
        data_dir: PathBuf,
        /// The process that holds it; `?` if it did not say.
        pid: String,
    },
    /// The account that runs PostgreSQL, or we ourselves, may not use a path.
    #[error("no permission for {}: {reason}", path.display())]
    NoPermission {
        /// The path in the way.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        reason: String,
    },
    /// A path that PostgreSQL's settings cannot express.
    #[error("{} cannot be used as a data directory: {reason}", path.display())]
    UnusablePath {
        /// The path.
        path: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// We are root, PostgreSQL refuses to run as root, and there is no account to run it as.
    #[error(
        "PostgreSQL does not run as root and neither user `postgres` nor `nobody` exists: add one with `useradd --system postgres`"
    )]
    NoAccount,
    /// `setpriv`, which ties the server to its parent, is not there.
    #[error("setpriv is missing: run `apt-get install -y util-linux` or set DATABASE_URL")]
    SetprivMissing,
    /// `initdb` failed.
    #[error("initdb could not make {}; read its last lines and start again:\n{last_lines}", cluster.display())]
    InitFailed {
        /// The directory it was making.
        cluster: PathBuf,
        /// Its last lines on stderr.
        last_lines: String,
    },
    /// The settings file is refused, by `local.conf` or by a PostgreSQL that lacks one of our settings.
    #[error("PostgreSQL refuses the settings in {}; check local.conf beside it:\n{last_lines}", conf.display())]
    SettingsRefused {
        /// The settings file.
        conf: PathBuf,
        /// What it said.
        last_lines: String,
    },
    /// The server ended before it accepted connections.
    #[error("PostgreSQL ended while starting ({status}); its log {} ends with:\n{last_lines}", log.display())]
    Ended {
        /// How it ended.
        status: String,
        /// The whole log.
        log: PathBuf,
        /// The last lines of this start.
        last_lines: String,
    },
    /// The server runs but did not accept connections in time; it was stopped again.
    #[error("PostgreSQL was not ready after {seconds} s and was stopped; its log {} ends with:\n{last_lines}", log.display())]
    NotReady {
        /// How long we waited, seconds.
        seconds: u64,
        /// The whole log.
        log: PathBuf,
        /// The last lines of this start.
        last_lines: String,
    },
    /// A database could not be created.
    #[error("database {database} could not be created: {last_lines}")]
    DatabaseRefused {
        /// Its name.
        database: String,
        /// What `psql` said.
        last_lines: String,
    },
    /// The operating system refused something else.
    #[error("could not {doing} {}: {source}", path.display())]
    Io {
        /// What was tried, as a verb.
        doing: &'static str,
        /// On which path.
        path: PathBuf,
        /// The refusal.
        source: io::Error,
    },
}

impl StartError {
    /// For `map_err`: names the path and the act, and keeps "permission denied" apart.
    pub(crate) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| match source.kind() {
            io::ErrorKind::PermissionDenied => Self::NoPermission {
                path,
                reason: format!(
                    "could not {doing} it: give it to the user that runs this program, or choose another data directory"
                ),
            },
            _ => Self::Io {
                doing,
                path,
                source,
            },
        }
    }
}

/// Why a server could not be stopped in an orderly way. It does not run any more, unless `Stuck`.
#[derive(Debug, thiserror::Error)]
pub enum StopError {
    /// It ignored the fast shutdown and was ended at once; the next start replays its log, nothing committed is lost.
    #[error(
        "PostgreSQL did not stop within {seconds} s and was ended at once; the next start recovers"
    )]
    Forced {
        /// How long the fast shutdown was given, seconds.
        seconds: u64,
    },
    /// Even SIGKILL did not end it.
    #[error("PostgreSQL process {pid} does not end: look at the disk below its data directory")]
    Stuck {
        /// The process that stays.
        pid: u32,
    },
    /// It could not be waited for.
    #[error("could not wait for PostgreSQL: {0}")]
    Wait(#[from] io::Error),
}
