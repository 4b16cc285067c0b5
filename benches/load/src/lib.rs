//! The load generator and the proofs: whole paths against real processes, a real PostgreSQL and a fake Discord over HTTP.
//! It speaks to the server only as anybody could: the three listeners, SIGTERM, kill -9, and the tables for the last word.
//!
//! - [`stage`] starts what a run needs and takes it down again.
//! - [`ingest_load`] pushes, [`live_client`] listens; both are cheap, and neither is the server's own code.
//! - [`scenarios`] measure, [`prove`] breaks things and checks the promises.

pub mod children;
pub mod clock;
pub mod demo;
pub mod failure;
pub mod histogram;
pub mod http;
pub mod ingest_load;
pub mod live_client;
pub mod messages;
pub mod proc_stat;
pub mod prove;
pub mod report;
pub mod scenarios;
pub mod stage;
