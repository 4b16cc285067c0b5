//! Creates databases in a running cluster, through `psql`: the crate carries no driver.

use std::io::Write;
use std::process::{Output, Stdio};

use crate::binaries::Binaries;
use crate::error::StartError;
use crate::launch::bare;
use crate::log::last_lines;

/// The name comes in as a variable of `psql` and is quoted by the server, so that no name can be more than a name.
const CREATE_IF_MISSING: &str = r"
SELECT format('CREATE DATABASE %I TEMPLATE template0', :'name')
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'name') \gexec
";

/// Creates `database` unless it exists. `url` is that of a database that exists, `postgres`.
pub(crate) fn ensure(binaries: &Binaries, url: &str, database: &str) -> Result<(), StartError> {
    // Two processes may both see that it is missing; the one that comes too late sees it on its second look.
    let mut output = run(binaries, url, database)?;
    if !output.status.success() {
        output = run(binaries, url, database)?;
    }
    if output.status.success() {
        return Ok(());
    }
    Err(StartError::DatabaseRefused {
        database: database.to_owned(),
        last_lines: last_lines(&output.stderr),
    })
}

fn run(binaries: &Binaries, url: &str, database: &str) -> Result<Output, StartError> {
    let psql = binaries.program("psql");
    let run = || -> std::io::Result<Output> {
        let mut child = bare(&psql)
            .args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-v"])
            .arg(format!("name={database}"))
            .args(["-d", url])
            .env("PGCONNECT_TIMEOUT", "10")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            // If psql has ended already its exit status tells more than a broken pipe.
            let _ = stdin.write_all(CREATE_IF_MISSING.as_bytes());
        }
        child.wait_with_output()
    };
    run().map_err(StartError::io("run", &psql))
}
