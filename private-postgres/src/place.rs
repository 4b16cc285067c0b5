//! One cluster and how a server is started on it: settings written and checked, leftovers ended, readiness awaited. Knows the
//! order of these steps; what each one is lies in its own file.

use std::io;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::binaries::{Binaries, find_binaries_for};
use crate::cluster;
use crate::conf::{Conf, WalCompression};
use crate::error::StartError;
use crate::files;
use crate::keeper::Keeper;
use crate::launch::{Launcher, Signal, bare};
use crate::leftover::{self, Traces};
use crate::location::{self, Location};
use crate::log::{Log, last_lines};
use crate::process::PostmasterFile;
use crate::server::Settings;
use crate::stop::end;

/// How long a server may take to accept connections, seconds.
const READY_SECONDS_MAX: u64 = 30;
/// The same while it recovers from a crash: stopping it then would only start the recovery again.
const RECOVERY_SECONDS_MAX: u64 = 600;

const POLL: Duration = Duration::from_millis(3);
/// Between two tries while backends of a killed server still end.
const RETRY_PAUSE: Duration = Duration::from_millis(50);

/// Everything about the server but its process.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) settings: Settings,
    pub(crate) location: Location,
    pub(crate) binaries: Binaries,
    pub(crate) launcher: Launcher,
    pub(crate) cluster: PathBuf,
    conf: PathBuf,
    pub(crate) socket_dir: PathBuf,
    pub(crate) log: Log,
}

impl Place {
    /// Decides everything that can be decided without changing anything on disk.
    pub(crate) fn find(settings: &Settings) -> Result<Self, StartError> {
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

    /// Starts the server on an existing cluster and waits until it is ready. Tries again while the backends of a killed server
    /// are still there.
    pub(crate) fn launch(&self, keeper: &Keeper) -> Result<Child, StartError> {
        files::private_dir(&self.socket_dir, &self.location.accounts)?;
        self.write_conf(keeper)?;
        let started = Instant::now();
        loop {
            leftover::end(&self.traces())?;
            match self.launch_once(keeper) {
                Err(StartError::Ended { last_lines, .. })
                    if is_passing(&last_lines)
                        && started.elapsed().as_secs() < READY_SECONDS_MAX =>
                {
                    thread::sleep(RETRY_PAUSE);
                }
                outcome => return outcome,
            }
        }
    }

    fn launch_once(&self, keeper: &Keeper) -> Result<Child, StartError> {
        let (mut child, log_from) = self.spawn(keeper)?;
        let progress = self
            .until_ready(&mut child)
            .map_err(StartError::io("wait for the server of", &self.cluster))?;
        let log = self.log.path().to_owned();
        match progress {
            Progress::Ready => Ok(child),
            Progress::Ended(status) => Err(StartError::Ended {
                status: status.to_string(),
                log,
                last_lines: self.log.last_lines(log_from),
            }),
            Progress::Late { seconds } => {
                // How it ends does not matter any more; the log says why it was late.
                let _ = end(&mut child);
                Err(StartError::NotReady {
                    seconds,
                    log,
                    last_lines: self.log.last_lines(log_from),
                })
            }
        }
    }

    fn traces(&self) -> Traces<'_> {
        Traces {
            home: &self.location.home,
            cluster: &self.cluster,
            conf: &self.conf,
            socket_dir: &self.socket_dir,
            port: self.settings.port,
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

    fn server_command(&self) -> Command {
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
