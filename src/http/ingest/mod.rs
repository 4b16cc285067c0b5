//! The ingest listener: the connector contract, version 1.

mod embed;
mod field;
pub mod parse;
