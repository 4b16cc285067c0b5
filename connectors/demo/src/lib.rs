//! A connector that plays a realistic day of trading signals over the real HTTP contract, with no account anywhere.
//!
//! ```text
//! day_core (seed → timed events) ─▶ connector (player) ─▶ outbox_core ─▶ ingest_client ─▶ server
//!      ▲ stories, market, prose, pictures      ▲ subscription_core ◀─ runtime-config ◀────┘
//! charts (127.0.0.1) ◀─ chart_core
//! ```
//!
//! What is played is decided in [`day_core`] from a seed alone; how it reaches the server is decided in
//! [`outbox_core`], [`retry_core`], [`poll_core`] and [`subscription_core`]. Only [`connector`], [`ingest_client`]
//! and [`charts`] touch a socket or a clock. Nothing here depends on the server: the two meet at the contract.

pub mod chart_core;
pub mod charts;
pub mod connector;
pub mod contract;
pub mod day_core;
mod dice;
pub mod guilds;
pub mod ingest_client;
mod market;
pub mod outbox_core;
mod phrases;
mod pictures;
pub mod poll_core;
mod prose;
pub mod retry_core;
pub mod settings;
mod signal_core;
pub mod snowflake;
mod stories;
pub mod subscription_core;
mod teller;

pub use day_core::{Day, Event};
pub use guilds::{
    Channel, Guild, customer_guild, demo_guild, snapshot, source_channels, target_channels,
};
