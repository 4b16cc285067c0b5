//! The process.

pub mod http;
