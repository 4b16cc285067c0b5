//! The program: reads the command line, does what it says, reports failure in one line.

use heliograph::{config::Config, serve};
use std::{path::PathBuf, process::ExitCode};

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let _ = args.next();
    let mut config = None;
    let mut addresses = None;
    while let Some(a) = args.next() {
        match a.as_str() {
            "--config" => config = args.next().map(PathBuf::from),
            "--addresses-file" => addresses = args.next().map(PathBuf::from),
            _ => {}
        }
    }
    let config = Config::from_environment(config.as_deref()).unwrap();
    serve::start_log(&config);
    serve::serve(&config, addresses.as_deref()).unwrap_or_else(|e| { tracing::error!(%e); ExitCode::FAILURE })
}
