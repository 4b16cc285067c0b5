//! The process.

pub mod config;
pub mod error;
pub mod http;
