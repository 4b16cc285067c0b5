//! Stops a server process that is our child, with a bound on every wait.

use std::io;
use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

use crate::error::StopError;
use crate::launch::{Signal, signal};

/// How long each shutdown may take, seconds: the fast one writes a checkpoint.
const FAST_SECONDS_MAX: u64 = 20;
const IMMEDIATE_SECONDS_MAX: u64 = 5;

const POLL: Duration = Duration::from_millis(3);

/// Stops a server: fast, then immediate, then by force, each with a bounded wait. Does nothing if it has ended.
pub(crate) fn end(child: &mut Child) -> Result<(), StopError> {
    if child.try_wait()?.is_some() {
        return Ok(());
    }
    if signal(child.id(), Signal::Fast) && has_ended(child, FAST_SECONDS_MAX)? {
        return Ok(());
    }
    signal(child.id(), Signal::Immediate);
    if !has_ended(child, IMMEDIATE_SECONDS_MAX)? {
        child.kill()?;
        if !has_ended(child, IMMEDIATE_SECONDS_MAX)? {
            return Err(StopError::Stuck { pid: child.id() });
        }
    }
    Err(StopError::Forced {
        seconds: FAST_SECONDS_MAX,
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
