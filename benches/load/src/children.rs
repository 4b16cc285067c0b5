//! Owns the starting and ending of child processes, so that none is left behind: a child gets SIGTERM from the kernel when
//! this process dies, however it dies. It refuses to know what the children are.

use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus};
use std::sync::OnceLock;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use crate::failure::{Doing, Failure, Outcome};

/// How often a wait looks again.
pub const POLL_INTERVAL: Duration = Duration::from_millis(5);

type Order = (Command, mpsc::Sender<io::Result<Child>>);

/// A command for `program` whose process is told to end when we die, where the system has `setpriv`.
#[must_use]
pub fn command(program: &std::path::Path) -> Command {
    static SETPRIV: OnceLock<Option<PathBuf>> = OnceLock::new();
    let setpriv = SETPRIV.get_or_init(|| {
        ["/usr/bin/setpriv", "/bin/setpriv"]
            .into_iter()
            .map(PathBuf::from)
            .find(|path| path.exists())
    });
    let mut command = match setpriv {
        Some(setpriv) => {
            let mut command = Command::new(setpriv);
            command.args(["--pdeathsig", "TERM", "--"]).arg(program);
            command
        }
        None => Command::new(program),
    };
    // Ctrl-C in a terminal reaches us alone, and we end the children in their order.
    command.process_group(0);
    command
}

/// Starts `command`. The kernel ties the death signal to the *thread* that forked, so all children are started by one
/// thread that lives as long as this process.
///
/// # Errors
/// The program could not be started.
pub fn spawn(command: Command) -> io::Result<Child> {
    static SPAWNER: OnceLock<mpsc::Sender<Order>> = OnceLock::new();
    let spawner = SPAWNER.get_or_init(|| {
        let (orders, inbox) = mpsc::channel::<Order>();
        std::thread::spawn(move || {
            for (mut command, reply) in inbox {
                // A caller that went away still has its child reaped by the death signal.
                let _ = reply.send(command.spawn());
            }
        });
        orders
    });
    let (reply, answer) = mpsc::channel();
    spawner
        .send((command, reply))
        .map_err(|_| io::Error::other("the thread that starts children is gone"))?;
    answer
        .recv()
        .map_err(|_| io::Error::other("the thread that starts children is gone"))?
}

/// Sends the named signal (`TERM`, `KILL`, `STOP`, `CONT`) to one process.
///
/// # Errors
/// There is no such process, or it is not ours.
pub fn signal(pid: u32, name: &str) -> Outcome<()> {
    let status = Command::new("kill")
        .args([&format!("-{name}"), &pid.to_string()])
        .stderr(std::process::Stdio::null())
        .status()
        .doing("running kill")?;
    if status.success() {
        Ok(())
    } else {
        Err(Failure::new(format!("no process {pid} to send {name} to")))
    }
}

/// Waits for `child` to end by itself.
///
/// # Errors
/// It still runs after `within`.
pub fn wait(child: &mut Child, within: Duration) -> Outcome<ExitStatus> {
    let deadline = Instant::now() + within;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if Instant::now() >= deadline {
            return Err(Failure::new(format!(
                "process {} did not end within {within:?}",
                child.id()
            )));
        }
        std::thread::sleep(POLL_INTERVAL);
    }
}

/// Asks `child` to end and waits; after `within` it is killed.
///
/// # Errors
/// It had to be killed; it is gone then all the same.
pub fn terminate(child: &mut Child, within: Duration) -> Outcome<ExitStatus> {
    if child.try_wait()?.is_none() {
        signal(child.id(), "TERM")?;
    }
    wait(child, within).or_else(|failure| {
        child.kill()?;
        child.wait()?;
        Err(Failure::new(format!("{failure}; it was killed")))
    })
}

/// Waits until `ready` gives something.
///
/// # Errors
/// Nothing came within `within` (the message says what was waited for), or `ready` itself failed.
pub fn wait_for<T>(
    what: &str,
    within: Duration,
    mut ready: impl FnMut() -> Outcome<Option<T>>,
) -> Outcome<T> {
    let deadline = Instant::now() + within;
    loop {
        if let Some(value) = ready()? {
            return Ok(value);
        }
        if Instant::now() >= deadline {
            return Err(Failure::new(format!(
                "waited {within:?} for {what}, in vain"
            )));
        }
        std::thread::sleep(POLL_INTERVAL);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::path::Path;

    #[test]
    fn a_child_that_obeys_is_terminated_and_one_that_does_not_is_killed() {
        let mut sleeper = command(Path::new("sleep"));
        sleeper.arg("60");
        let mut child = spawn(sleeper).unwrap();
        assert!(terminate(&mut child, Duration::from_secs(10)).is_ok());

        let mut deaf = command(Path::new("sh"));
        deaf.args(["-c", "trap '' TERM; echo; while :; do sleep 1; done"]);
        deaf.stdout(std::process::Stdio::piped());
        let mut child = spawn(deaf).unwrap();
        // The first byte says that the trap is set.
        let mut byte = [0];
        io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut byte).unwrap();
        assert!(terminate(&mut child, Duration::from_millis(200)).is_err());
        assert!(!crate::proc_stat::is_alive(child.id()));
    }

    #[test]
    fn a_wait_in_vain_says_for_what() {
        let failure = wait_for("a miracle", Duration::ZERO, || Ok(None::<()>)).unwrap_err();
        assert!(failure.to_string().contains("a miracle"));
    }
}
