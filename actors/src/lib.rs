//! The supervision tree and the behaviour: cores with the rules, shells that carry messages.

pub mod observation;
pub mod routing;
