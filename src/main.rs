//! The program: reads its arguments and leaves the rest to the library.

use clap::Parser;
use heliograph::cli;
use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run(cli::CommandLine::parse())
}
