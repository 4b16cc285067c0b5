//! The thread that starts processes. The kernel ties a parent-death signal to the *thread* that forked, so a server started
//! from a worker thread would end with that worker; this thread lives as long as the server may.

use std::io;
use std::process::{Child, Command};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::{self, JoinHandle};

struct Job {
    command: Command,
    reply: SyncSender<io::Result<Child>>,
}

/// Owns the thread. When it is dropped the thread ends, and the kernel signals what it started and still runs.
#[derive(Debug)]
pub(crate) struct Keeper {
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Keeper {
    pub(crate) fn start() -> io::Result<Self> {
        let (jobs, inbox) = channel();
        let thread = thread::Builder::new()
            .name("private-postgres".to_owned())
            .spawn(move || keep(&inbox))?;
        Ok(Self {
            jobs: Some(jobs),
            thread: Some(thread),
        })
    }

    /// Starts a process from the thread. The caller waits for it, or leaves it to the kernel.
    pub(crate) fn spawn(&self, command: Command) -> io::Result<Child> {
        let gone = || io::Error::other("the thread that starts PostgreSQL has ended");
        let (reply, answer) = sync_channel(1);
        let jobs = self.jobs.as_ref().ok_or_else(gone)?;
        jobs.send(Job { command, reply }).map_err(|_| gone())?;
        answer.recv().map_err(|_| gone())?
    }
}

fn keep(inbox: &Receiver<Job>) {
    while let Ok(mut job) = inbox.recv() {
        // Nobody waits for the answer if the caller panicked; the process then ends with this thread.
        let _ = job.reply.send(job.command.spawn());
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // It only ever receives and spawns: a panic in there has nothing to add.
            let _ = thread.join();
        }
    }
}
