//! The process.

pub mod error;
pub mod http;
