//! The supervision tree and the behaviour: cores with the rules, shells that carry messages.

pub mod exchange;
pub mod global_gate;
pub mod hub_core;
pub mod join_core;
pub mod limits_core;
pub mod messages;
pub mod observation;
pub mod outbox;
pub mod outlets;
pub mod payload;
pub mod port;
pub mod render_core;
pub mod restart_core;
pub mod router;
pub mod router_core;
pub mod routing;
pub mod source_channel;
pub mod source_channel_core;
pub mod split_core;
pub mod store_writer;
pub mod supervision;
pub mod term;
pub mod vitals;
pub mod wire;
