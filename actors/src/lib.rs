//! The supervision tree and the behaviour: cores with the rules, shells that carry messages.

pub mod join_core;
pub mod observation;
pub mod port;
pub mod restart_core;
pub mod routing;
pub mod supervision;
pub mod vitals;
