//! Ends a server that an earlier process left behind on the same cluster, and clears lock files that PostgreSQL would misread.
//! Called only while we hold the lock of the data directory, so no live parent of ours owns what is found.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use crate::error::StartError;
use crate::launch::{Signal, signal};
use crate::process::{Owner, PostmasterFile, owner};

/// How long a leftover server may take for each shutdown, seconds. It has usually been told by the kernel already.
const FAST_SECONDS_MAX: u64 = 15;
const IMMEDIATE_SECONDS_MAX: u64 = 5;

const POLL: Duration = Duration::from_millis(5);

/// The files of one cluster that tell of a running server.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Traces<'a> {
    pub(crate) home: &'a Path,
    pub(crate) cluster: &'a Path,
    pub(crate) conf: &'a Path,
    pub(crate) socket_dir: &'a Path,
    pub(crate) port: u16,
}

/// Returns when no server runs on the cluster that would keep another from starting.
pub(crate) fn end(traces: &Traces<'_>) -> Result<(), StartError> {
    let Some(PostmasterFile { pid, .. }) = PostmasterFile::read(traces.cluster) else {
        return Ok(());
    };
    match owner(pid, traces.cluster, traces.conf) {
        Owner::Gone => Ok(()),
        Owner::Mistaken => remove_misread(traces),
        Owner::Foreign => Err(in_use(traces, pid)),
        Owner::Ours => {
            tracing::info!(
                pid,
                "ending the postgresql that an earlier process left behind"
            );
            end_server(traces, pid)
        }
    }
}

fn end_server(traces: &Traces<'_>, pid: u32) -> Result<(), StartError> {
    for (how, seconds_max) in [
        (Signal::Fast, FAST_SECONDS_MAX),
        (Signal::Immediate, IMMEDIATE_SECONDS_MAX),
    ] {
        signal(pid, how);
        let deadline = Instant::now() + Duration::from_secs(seconds_max);
        while Instant::now() < deadline {
            match owner(pid, traces.cluster, traces.conf) {
                Owner::Ours | Owner::Foreign => thread::sleep(POLL),
                Owner::Gone => return Ok(()),
                // A zombie that nobody has reaped yet, maybe never will.
                Owner::Mistaken => return remove_misread(traces),
            }
        }
    }
    Err(in_use(traces, pid))
}

fn in_use(traces: &Traces<'_>, pid: u32) -> StartError {
    StartError::InUse {
        data_dir: traces.home.to_owned(),
        pid: pid.to_string(),
    }
}

/// PostgreSQL believes a lock file whose process id exists, whatever runs under it. Its second line of defence, the shared
/// memory segment of the cluster, stays: it still refuses to start while a backend of the old server lives.
fn remove_misread(traces: &Traces<'_>) -> Result<(), StartError> {
    let socket_lock = format!(".s.PGSQL.{}.lock", traces.port);
    for path in [
        traces.cluster.join("postmaster.pid"),
        traces.socket_dir.join(socket_lock),
    ] {
        match fs::remove_file(&path) {
            Ok(()) => {
                tracing::info!(path = %path.display(), "removed a stale lock file of postgresql")
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(StartError::io("remove", &path)(error)),
        }
    }
    Ok(())
}
