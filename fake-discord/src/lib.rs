//! A faithful fake Discord REST API v10 over real HTTP, for tests, benches and the demo; never a dependency of the
//! server. It keeps messages, enforces nonces, works out pings, limits rates with Discord's headers, fails on
//! demand, and tells what it was asked.
//!
//! ```no_run
//! use fake_discord::{Channel, FakeDiscord, Settings};
//!
//! let settings = Settings { channels: vec![Channel::text(10, 1)], ..Settings::default() };
//! let discord = FakeDiscord::start(settings)?;
//! let api = format!("{}/api/v10", discord.base_url());
//! let posted = discord.control().messages(Some(10.into()));
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! The way of a request: `http` reads it, `fake` takes it through ban, fault, authorization and limits to an operation
//! in `api`, which works on `world` and `message_store`; `reply` words the answer. Files named `*_core` are pure rules.
//! One lock guards the state; no wait happens under it.
//!
//! Absent: the gateway, OAuth2, signed attachment URLs, permissions of anybody but bots, reactions, pins,
//! stickers, checks of components and polls.

mod api;
mod clock;
mod control;
mod control_http;
mod fake;
mod faults_core;
mod faulty;
mod form_core;
mod http;
mod id;
mod invalid_core;
mod limits;
mod limits_core;
mod mentions_core;
mod message_store;
mod multipart_core;
mod permissions_core;
mod render;
mod reply;
mod request_log;
mod route_core;
mod settings;
mod window_core;
mod world;

pub use control::Control;
pub use faults_core::{Fault, FaultBody, FaultRule, HangEnd, When};
pub use http::FakeDiscord;
pub use id::{DISCORD_EPOCH_MS, Id};
pub use invalid_core::InvalidLimits;
pub use limits::Limits;
pub use limits_core::{RefusalKind, Scope};
pub use mentions_core::Pinged;
pub use message_store::{Attachment, Edit, Message, Ping, ReplyTo};
pub use request_log::{ChannelCounts, RequestLine, Stats};
pub use route_core::RouteKind;
pub use settings::{
    Bot, Channel, DEFAULT_BOT_TOKEN, Guild, Member, Overwrite, OverwriteKind, Rights, Role,
    Settings,
};
pub use window_core::{Window, WindowKind};
pub use world::Webhook;
