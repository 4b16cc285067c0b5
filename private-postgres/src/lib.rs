//! A PostgreSQL of our own in a data directory: found, initialised, started and stopped with the parent.
//!
//! Linux only: elsewhere set a database URL. It owns the processes and the files of one cluster and listens on a unix socket only. It knows nothing of tables,
//! drivers or the environment: the caller says where, and gets a libpq URL back.
//!
//! What lies in the data directory:
//!
//! | name | owner | what |
//! |---|---|---|
//! | `cluster/` | the account PostgreSQL runs as | the cluster itself (`PGDATA`) |
//! | `socket/` | the same, mode 0700 | the unix socket; elsewhere if its path would be too long |
//! | `postgresql.conf` | the parent | our settings, written again at each start |
//! | `local.conf` | the operator | optional; its settings come last and win |
//! | `postgres.log`, `postgres.log.1` | the parent | what the server says, rotated at start |
//! | `private-postgres.lock` | the parent | held while a process uses the directory |
//! | `stands-in-for` | the parent | only below `/var/lib/heliograph`: the directory that was asked for |
//!
//! Started as root, the server runs as the owner of the cluster, or as `postgres`, or as `nobody`. That account must be able
//! to reach the directory: where an ancestor forbids it (a checkout below root's home), a directory below
//! `/var/lib/heliograph` takes its place, and [`PrivatePostgres::home`] tells which.
//!
//! # How it ends with the parent
//! The kernel sends SIGINT (fast shutdown) to the server when the *thread* that started it ends, for whatever reason, kill -9
//! included. So each [`PrivatePostgres`] has a thread of its own that does nothing but start processes: `start` may be
//! called from any thread. If the parent dies in the few microseconds between fork and `setpriv`, the server stays; the next
//! start on that directory finds it and ends it.

mod account;
mod binaries;
mod cluster;
mod conf;
mod database;
mod error;
mod files;
mod keeper;
mod launch;
mod leftover;
mod location;
mod log;
mod place;
mod process;
mod server;
mod stop;
mod url;

pub use binaries::{Binaries, Version, find_binaries};
pub use error::{StartError, StopError};
pub use server::{PrivatePostgres, Settings};

/// The superuser role of every private cluster, and the database that exists in it from the first start.
pub const ROLE: &str = "heliograph";
