//! Starts a private PostgreSQL in the directory given as its first argument, prints the server's process id and the URL of its
//! database on one line, and holds it until its standard input ends. For a look with `psql`, and for the tests that kill it.
#![allow(clippy::print_stdout)]

use std::io::{Read, Write};
use std::process::ExitCode;

use private_postgres::{PrivatePostgres, ROLE, Settings};

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let Some(data_dir) = arguments.next() else {
        println!("usage: hold-private-postgres <data directory> [--without-fsync]");
        return Ok(ExitCode::from(2));
    };
    let settings = Settings {
        durable: arguments
            .next()
            .is_none_or(|flag| flag != "--without-fsync"),
        ..Settings::new(data_dir)
    };
    let postgres = match PrivatePostgres::start(&settings) {
        Ok(postgres) => postgres,
        Err(error) => {
            println!("error {error}");
            return Ok(ExitCode::FAILURE);
        }
    };
    println!("{} {}", postgres.pid(), postgres.url(ROLE));
    std::io::stdout().flush()?;
    std::io::stdin().read_to_end(&mut Vec::new())?;
    postgres.stop()?;
    Ok(ExitCode::SUCCESS)
}
