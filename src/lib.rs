//! The process.

pub mod cli;
pub mod clock;
pub mod config;
pub mod database;
pub mod error;
pub mod http;
mod mirroring;
pub mod serve;
pub mod token;
pub mod topology;
