//! How processes of PostgreSQL are started and signalled: through `setpriv`, as the right account, tied to their parent, with
//! a clean environment. Decides no order and waits for nothing but `kill`.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::account::Accounts;
use crate::binaries::search_path;
use crate::error::StartError;
use std::os::unix::process::CommandExt;

/// What every process of PostgreSQL is started with.
#[derive(Debug, Clone)]
pub(crate) struct Launcher {
    setpriv: PathBuf,
    accounts: Accounts,
}

/// Signals by the names `kill` and `setpriv` know.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Signal {
    /// SIGINT: PostgreSQL's fast shutdown, which ends sessions and writes a checkpoint.
    Fast,
    /// SIGQUIT: PostgreSQL's immediate shutdown, which leaves recovery to the next start.
    Immediate,
    /// SIGKILL.
    Kill,
}

impl Signal {
    fn name(self) -> &'static str {
        match self {
            Self::Fast => "INT",
            Self::Immediate => "QUIT",
            Self::Kill => "KILL",
        }
    }
}

impl Launcher {
    pub(crate) fn new(accounts: Accounts) -> Result<Self, StartError> {
        let system = ["/usr/bin", "/bin"].map(PathBuf::from);
        let setpriv = search_path()
            .into_iter()
            .chain(system)
            .map(|dir| dir.join("setpriv"))
            .find(|path| path.is_file())
            .ok_or(StartError::SetprivMissing)?;
        Ok(Self { setpriv, accounts })
    }

    /// A command that becomes `program`, with the same process id, and gets `at_death` when its parent is gone.
    pub(crate) fn command(&self, program: &Path, at_death: Signal) -> Command {
        let mut command = bare(&self.setpriv);
        command.args(["--pdeathsig", at_death.name()]);
        if self.accounts.steps_down {
            let account = self.accounts.server;
            command
                .args(["--reuid", &account.uid.to_string()])
                .args(["--regid", &account.gid.to_string()])
                .arg(if account.is_known {
                    "--init-groups"
                } else {
                    "--clear-groups"
                });
        }
        command.arg("--").arg(program);
        command
    }
}

/// A command in `/` (the account may not be able to see our directory) without our environment (it may hold secrets, or
/// `PG...` variables that mean another server) and outside our process group (Ctrl-C is for the parent, which stops the
/// server when it is done with it).
pub(crate) fn bare(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command
        .current_dir("/")
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("LC_ALL", "C")
        .env("TZ", "UTC")
        .stdin(Stdio::null())
        .process_group(0);
    command
}

/// Sends a signal through the shell's `kill`: every system has it, and std has none. True if it was delivered.
pub(crate) fn signal(pid: u32, signal: Signal) -> bool {
    bare("/bin/sh")
        .args([
            "-c",
            r#"kill -s "$1" "$2""#,
            "sh",
            signal.name(),
            &pid.to_string(),
        ])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
