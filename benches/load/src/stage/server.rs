//! Owns one server process through its lives: start, ready, kill, graceful end, start again. It knows the command line, the
//! addresses file and the log file of the server, and nothing of HTTP.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use serde::Deserialize;

use crate::children;
use crate::failure::{Doing, Failure, Outcome};

/// How much of the log is shown when something fails.
const LOG_TAIL_BYTES: u64 = 4096;

/// What the addresses file says.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Addresses {
    /// Live sessions, API and page.
    pub public: SocketAddr,
    /// The connector contract.
    pub ingest: SocketAddr,
    /// Administration, metrics and the tree.
    pub admin: SocketAddr,
    /// The process that wrote it.
    pub pid: u32,
}

/// A server process and how to start it again.
#[derive(Debug)]
pub struct ServerProcess {
    binary: PathBuf,
    config_file: Option<PathBuf>,
    env: Vec<(String, String)>,
    addresses_file: PathBuf,
    log_file: PathBuf,
    ready_within: Duration,
    child: Option<Child>,
    addresses: Option<Addresses>,
}

impl ServerProcess {
    /// Starts `binary serve` and waits until it says where it listens. Log and addresses are kept in `directory`.
    ///
    /// # Errors
    /// It ended or was not ready in time; the message has the tail of its log.
    pub fn start(
        binary: PathBuf,
        config_file: Option<PathBuf>,
        env: Vec<(String, String)>,
        directory: &Path,
        ready_within: Duration,
    ) -> Outcome<Self> {
        let mut server = Self {
            binary,
            config_file,
            env,
            addresses_file: directory.join("addresses.json"),
            log_file: directory.join("server.log"),
            ready_within,
            child: None,
            addresses: None,
        };
        server.start_again()?;
        Ok(server)
    }

    /// Starts the process, which must not run, and waits for nothing.
    ///
    /// # Errors
    /// The program could not be started.
    pub(super) fn launch(&mut self) -> Outcome<()> {
        // A file of an earlier life would be taken for readiness.
        let _ = fs::remove_file(&self.addresses_file);
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.log_file)
            .doing(format!("opening {}", self.log_file.display()))?;
        let mut command = children::command(&self.binary);
        command
            .arg("serve")
            .arg("--addresses-file")
            .arg(&self.addresses_file);
        if let Some(config) = &self.config_file {
            command.arg("--config").arg(config);
        }
        command
            .env_remove("DATABASE_URL")
            .env_remove("HELIOGRAPH_CONFIG")
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        let child =
            children::spawn(command).doing(format!("starting {}", self.binary.display()))?;
        self.child = Some(child);
        Ok(())
    }

    /// Starts the process, which must not run, and waits until it is ready.
    ///
    /// # Errors
    /// It ended or was not ready in time; the message has the tail of its log.
    pub fn start_again(&mut self) -> Outcome<()> {
        self.launch()?;
        let Some(child) = self.child.as_mut() else {
            return Err(Failure::new("the server was not launched"));
        };
        let addresses_file = &self.addresses_file;
        let ready = children::wait_for("the server to be ready", self.ready_within, || {
            if let Some(status) = child.try_wait()? {
                return Err(Failure::new(format!("the server ended early: {status}")));
            }
            Ok(fs::read(addresses_file)
                .ok()
                .and_then(|bytes| serde_json::from_slice::<Addresses>(&bytes).ok()))
        });
        match ready {
            Ok(addresses) => {
                self.addresses = Some(addresses);
                Ok(())
            }
            Err(failure) => {
                let failure = Failure::new(format!("{failure}\n{}", self.log_tail()));
                let _ = self.kill9();
                Err(failure)
            }
        }
    }

    /// Where the process listens, as of its latest start.
    ///
    /// # Panics
    /// Never: there is no value of this type before its first start succeeded.
    #[must_use]
    pub fn addresses(&self) -> Addresses {
        #[allow(clippy::expect_used)]
        self.addresses.expect("started")
    }

    /// The process id of the latest start.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.addresses().pid
    }

    /// Whether the process lives.
    pub fn is_running(&mut self) -> bool {
        self.child
            .as_mut()
            .is_some_and(|child| matches!(child.try_wait(), Ok(None)))
    }

    /// Ends the process at once and reaps it.
    ///
    /// # Errors
    /// It could not be killed.
    pub fn kill9(&mut self) -> Outcome<()> {
        if let Some(mut child) = self.child.take() {
            child.kill().doing("killing the server")?;
            child.wait().doing("reaping the server")?;
        }
        Ok(())
    }

    /// Asks the process to end and waits.
    ///
    /// # Errors
    /// It had to be killed, or its exit code was not 0.
    pub fn terminate(&mut self, within: Duration) -> Outcome<()> {
        let Some(mut child) = self.child.take() else {
            return Ok(());
        };
        let ended = children::terminate(&mut child, within);
        match ended {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(Failure::new(format!(
                "the server ended with {status}\n{}",
                self.log_tail()
            ))),
            Err(failure) => Err(Failure::new(format!("{failure}\n{}", self.log_tail()))),
        }
    }

    /// Ends the process by any means; tells whether it ended as it should.
    pub(super) fn end(&mut self, within: Duration) -> bool {
        self.terminate(within).is_ok()
    }

    /// The last lines of the log.
    #[must_use]
    pub fn log_tail(&self) -> String {
        let tail = tail_of(&self.log_file).unwrap_or_default();
        format!("--- end of {}\n{tail}", self.log_file.display())
    }
}

/// The last lines of a log file, if it can be read.
#[must_use]
pub fn tail_of(path: &Path) -> Option<String> {
    let mut file = File::open(path).ok()?;
    let length = file.metadata().ok()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(LOG_TAIL_BYTES)))
        .ok()?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn script(directory: &Path, body: &str) -> PathBuf {
        let path = directory.join("server.sh");
        fs::write(&path, format!("#!/bin/sh\n{body}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    fn directory(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("server-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        path
    }

    #[test]
    fn a_server_that_ends_early_is_reported_with_its_log() {
        let directory = directory("early");
        let binary = script(&directory, "echo 'no database today' >&2; exit 1");
        let failure =
            ServerProcess::start(binary, None, vec![], &directory, Duration::from_secs(10))
                .unwrap_err()
                .to_string();
        assert!(failure.contains("ended early"), "{failure}");
        assert!(failure.contains("no database today"), "{failure}");
        fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn a_server_is_ready_when_its_addresses_are_there_and_can_live_twice() {
        let directory = directory("lives");
        let binary = script(
            &directory,
            r#"printf '{"public":"127.0.0.1:1","ingest":"127.0.0.1:2","admin":"127.0.0.1:3","pid":%s}' $$ > "$3"
               trap 'exit 0' TERM; while :; do sleep 0.05; done"#,
        );
        let mut server =
            ServerProcess::start(binary, None, vec![], &directory, Duration::from_secs(10))
                .unwrap();
        let first = server.pid();
        assert!(server.is_running());
        server.kill9().unwrap();
        assert!(!server.is_running());
        server.start_again().unwrap();
        assert_ne!(server.pid(), first);
        assert_eq!(server.addresses().ingest.port(), 2);
        server.terminate(Duration::from_secs(10)).unwrap();
        fs::remove_dir_all(directory).unwrap();
    }
}
