//! How connections are made and what each session of ours is set to. Refuses a server that may forget what it acknowledged.

use super::StoreError;
use crate::sql::Sql;
use diesel::{
    connection::SimpleConnection,
    pg::PgConnection,
    prelude::*,
    r2d2::{self, ConnectionManager, CustomizeConnection, HandleError, Pool},
    sql_types::Text,
};
use std::time::Duration;

/// libpq gives up on a server that does not answer after this; 2 s is the least it knows.
const CONNECT_TIMEOUT_S: u32 = 2;

/// What a session of the pool is set to. Compiling a statement costs more than any of ours takes.
const POOL_SESSION: &str = "set application_name = 'heliograph'; set jit = off; set synchronous_commit = on; set statement_timeout = 10000; set lock_timeout = 3000; \
    set idle_in_transaction_session_timeout = 30000";

/// What the session of a writer is set to. Its plans are made once: planning the commit anew would cost as much as running it. Its statements are few and known; a lock it waits for means that somebody is at the
/// tables by hand.
const WRITER_SESSION: &str = "set application_name = 'heliograph-writer'; set statement_timeout = 10000; \
    set lock_timeout = 5000; set synchronous_commit = on; set plan_cache_mode = force_generic_plan";

/// Size and patience of the pool.
#[derive(Debug, Clone, Copy)]
pub(super) struct PoolSettings {
    /// Connections at most.
    pub(super) size: u32,
    /// Longest wait for one.
    pub(super) wait: Duration,
}

/// Opens the pool; fails unless a first connection is made within its wait.
pub(super) fn pool(
    url: &str,
    settings: PoolSettings,
) -> Result<Pool<ConnectionManager<PgConnection>>, StoreError> {
    Pool::builder()
        .max_size(settings.size)
        .min_idle(Some(1))
        .connection_timeout(settings.wait)
        .connection_customizer(Box::new(SetSession))
        .error_handler(Box::new(LogFailure))
        .build(ConnectionManager::new(with_patience(url)))
        .map_err(StoreError::unavailable)
}

/// Opens one connection for a writer, which keeps it for itself. Blocks for at most about 2 s. [`StoreError::Unusable`] when
/// the server would acknowledge a commit that a power cut can take back.
pub fn connect_single(url: &str) -> Result<PgConnection, StoreError> {
    let mut conn = PgConnection::establish(&with_patience(url)).map_err(StoreError::unavailable)?;
    conn.batch_execute(WRITER_SESSION)?;
    assert_durable(&mut conn)?;
    Ok(conn)
}

/// An acknowledged signal is never lost only if these three are on; each can be off without any other sign.
fn assert_durable(conn: &mut PgConnection) -> Result<(), StoreError> {
    let off: Vec<String> = Sql::new(
        "select name from pg_settings where name in ('fsync', 'full_page_writes', 'synchronous_commit') and setting = 'off'",
    )
    .rows::<Text>()
    .load(conn)?;
    if off.is_empty() {
        return Ok(());
    }
    Err(StoreError::Unusable(format!(
        "{} is off, so a power cut would lose acknowledged signals: turn it on",
        off.join(", ")
    )))
}

/// What libpq is told of patience, unless the address says some of it itself: a server that is cut off or frozen is given up
/// after seconds, not after TCP's quarter of an hour.
const PATIENCE: [(&str, u32); 5] = [
    ("connect_timeout", CONNECT_TIMEOUT_S),
    ("tcp_user_timeout", 5_000),
    ("keepalives_idle", 5),
    ("keepalives_interval", 2),
    ("keepalives_count", 3),
];

/// `url` with our patience. Both forms that libpq knows are understood.
fn with_patience(url: &str) -> String {
    let is_uri = url.starts_with("postgresql://") || url.starts_with("postgres://");
    let mut patient = url.to_owned();
    for (key, value) in PATIENCE.iter().filter(|(key, _)| !url.contains(key)) {
        patient.push_str(match (is_uri, patient.contains('?')) {
            (false, _) => " ",
            (true, false) => "?",
            (true, true) if patient.ends_with(['?', '&']) => "",
            (true, true) => "&",
        });
        patient.push_str(&format!("{key}={value}"));
    }
    patient
}

#[derive(Debug)]
struct SetSession;

impl CustomizeConnection<PgConnection, r2d2::Error> for SetSession {
    fn on_acquire(&self, conn: &mut PgConnection) -> Result<(), r2d2::Error> {
        conn.batch_execute(POOL_SESSION)
            .map_err(r2d2::Error::QueryError)
    }
}

#[derive(Debug)]
struct LogFailure;

impl HandleError<r2d2::Error> for LogFailure {
    fn handle_error(&self, error: r2d2::Error) {
        tracing::warn!(%error, "no database connection could be made");
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::test_database::TestDatabase;

    #[test]
    fn patience_is_added_once_and_in_the_form_of_the_address() {
        let uri = "connect_timeout=2&tcp_user_timeout=5000&keepalives_idle=5&keepalives_interval=2&keepalives_count=3";
        let words = uri.replace('&', " ");
        let table = [
            ("postgres://u@h/d", format!("postgres://u@h/d?{uri}")),
            (
                "postgresql:///d?host=%2Frun",
                format!("postgresql:///d?host=%2Frun&{uri}"),
            ),
            ("postgresql:///d?", format!("postgresql:///d?{uri}")),
            ("host=h dbname=d", format!("host=h dbname=d {words}")),
        ];
        for (url, want) in table {
            assert_eq!(with_patience(url), want);
            assert_eq!(with_patience(&want), want);
        }
        assert!(
            with_patience("postgresql:///d?connect_timeout=9")
                .starts_with("postgresql:///d?connect_timeout=9&tcp")
        );
    }

    #[test]
    fn a_forgetful_session_is_refused_by_name() {
        let db = TestDatabase::empty();
        let mut conn = connect_single(db.url()).unwrap();
        conn.batch_execute("set synchronous_commit = off").unwrap();
        let error = assert_durable(&mut conn).unwrap_err();
        assert!(
            matches!(&error, StoreError::Unusable(reason) if reason.contains("synchronous_commit is off")),
            "{error}"
        );
    }
}
