//! The words of the field (ids, signals, revisions, cursors, frames) and the tables that hold them. Knows nothing of actors
//! or HTTP. Row structs and their queries stand together, one file per subject, under [`store`].

pub mod channel_order;
pub mod configuration_core;
pub mod delivery;
pub mod frame;
pub mod ids;
mod loops_core;
#[cfg(test)]
mod protocol_types;
pub mod rules;
pub mod signal;
pub mod sql;
pub mod store;
#[cfg(any(test, feature = "test-database"))]
pub mod test_database;
pub mod words;
