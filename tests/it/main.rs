//! The whole program from outside: the real server process against a database of its own in a real PostgreSQL, with a fake
//! Discord over real HTTP. One binary, a module a subject. Tests that use channels of their own share a server; those that
//! break something start one for themselves. Faults inside the server need the feature `failpoints`.
#![allow(clippy::unwrap_used, unreachable_pub)]
// An id is a string in JSON: compared as a number it would never be equal.
#![allow(clippy::cmp_owned)]
// Tables are written as values.
#![allow(clippy::needless_pass_by_value, clippy::cast_possible_truncation)]

mod admin_figures;
mod admin_live;
mod admin_session;
mod administration;
mod bad_input;
mod bad_items;
mod bench_tiny;
mod bot;
mod configuration;
mod configuration_by_command_line;
mod connectors;
#[cfg(feature = "failpoints")]
mod faults;
mod fidelity;
mod harness;
mod ingest;
mod ingest_joins;
mod ingest_limits;
mod ingest_threads;
mod live;
mod live_closes;
mod live_tokens;
mod mapping_rules;
mod mentions;
mod mirror_limits;
mod mirroring;
mod order;
mod permissions;
mod prove_tiny;
mod quarantine_replay;
mod runtime_config;
mod said;
mod tidy;
mod watcher;
