//! `heliograph migrate`: on the configured database, or on the private one, which is started for it.

use super::Failure;
use crate::{config::Config, database::Database};
use heliograph_schema::store::{connect_single, migrate};

/// Migrates, looks (`check`) or proves the way down (`redo`); returns what to tell.
pub(super) fn run(config: &Config, check: bool, redo: bool) -> Result<String, Failure> {
    let database =
        Database::open(&config.database).map_err(|error| Failure::Other(error.to_string()))?;
    let mut conn = connect_single(database.url())?;
    if check {
        let pending = migrate::pending(&mut conn)?;
        return match pending.len() {
            0 => Ok("nothing is pending".to_owned()),
            _ => Err(Failure::Other(format!("pending: {}", pending.join(", ")))),
        };
    }
    if redo {
        return Ok(format!("redone: {}", migrate::redo(&mut conn)?));
    }
    let ran = migrate::run(&mut conn)?;
    Ok(if ran.is_empty() {
        "nothing was pending".to_owned()
    } else {
        format!("ran: {}", ran.join(", "))
    })
}
