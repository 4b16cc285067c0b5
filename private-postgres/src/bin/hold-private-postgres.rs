//! Starts a private PostgreSQL in the directory given as its only argument, prints the server's process id and the URL of its
//! database on one line, and holds it until its standard input ends. For a look with `psql`, and for the tests that kill it.
#![allow(clippy::print_stdout)]

use std::io::{Read, Write};
use std::process::ExitCode;

use private_postgres::{PrivatePostgres, ROLE, Settings};

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let Some(data_dir) = std::env::args_os().nth(1) else {
        println!("usage: hold-private-postgres <data directory>");
        return Ok(ExitCode::from(2));
    };
    let postgres = match PrivatePostgres::start(&Settings::new(data_dir)) {
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
