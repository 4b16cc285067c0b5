//! The fake Discord over real HTTP, one module per subject.
#![allow(clippy::unwrap_used)]

mod control;
mod faults;
mod guilds;
mod harness;
mod limits;
mod mentions;
mod messages;
mod nonces;
mod threads;
mod webhooks;
