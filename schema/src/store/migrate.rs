//! Brings the tables to the form this program knows, under a lock so that two starts at once do it once. The migrations are
//! compiled in; a released one is never rewritten.

use super::StoreError;
use crate::sql::Sql;
use diesel::{
    connection::SimpleConnection,
    migration::{Migration, MigrationSource},
    pg::{Pg, PgConnection},
    prelude::*,
    sql_types::{Bool, Text},
};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../migrations");

/// Runs what is pending and returns the names, oldest first; empty when there was nothing to do. Blocks while another process
/// migrates the same schema. Uses and leaves alone the connection's own timeouts.
pub fn run(conn: &mut PgConnection) -> Result<Vec<String>, StoreError> {
    locked(conn, |conn| {
        let done = conn.run_pending_migrations(MIGRATIONS).map_err(failed)?;
        Ok(done.iter().map(ToString::to_string).collect())
    })
}

/// The names of the migrations that have not run, oldest first. Changes nothing but diesel's own bookkeeping table.
/// [`StoreError::Unusable`] when the tables come from a newer program.
pub fn pending(conn: &mut PgConnection) -> Result<Vec<String>, StoreError> {
    let known = MigrationSource::<Pg>::migrations(&MIGRATIONS).map_err(failed)?;
    let applied = conn.applied_migrations().map_err(failed)?;
    if let Some(newer) = applied
        .iter()
        .find(|version| !known.iter().any(|m| m.name().version() == **version))
    {
        return Err(StoreError::Unusable(format!(
            "its tables are of a newer program: migration {newer} is unknown here"
        )));
    }
    let pending = conn.pending_migrations(MIGRATIONS).map_err(failed)?;
    Ok(pending
        .iter()
        .map(|migration| migration.name().to_string())
        .collect())
}

/// Takes the last migration back and runs it again: the proof that its way down works. Loses what its tables hold. Returns
/// its name.
pub fn redo(conn: &mut PgConnection) -> Result<String, StoreError> {
    locked(conn, |conn| {
        let reverted = conn.revert_last_migration(MIGRATIONS).map_err(failed)?;
        conn.run_next_migration(MIGRATIONS).map_err(failed)?;
        Ok(reverted.to_string())
    })
}

// What `map_err` hands over.
#[allow(clippy::needless_pass_by_value)]
fn failed(error: Box<dyn std::error::Error + Send + Sync>) -> StoreError {
    StoreError::Unusable(format!("a migration failed: {error}"))
}

/// Runs `work` alone among all processes on this schema, without the time limits of ordinary statements.
fn locked<T>(
    conn: &mut PgConnection,
    work: impl FnOnce(&mut PgConnection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let (schema_exists, statement_timeout, lock_timeout): (bool, String, String) = Sql::new(
        "select current_schema() is not null, current_setting('statement_timeout'), current_setting('lock_timeout')",
    )
    .rows::<(Bool, Text, Text)>()
    .get_result(conn)?;
    if !schema_exists {
        return Err(StoreError::Unusable(
            "no schema of the search_path exists: create it first".to_owned(),
        ));
    }
    conn.batch_execute(
        "set statement_timeout = 0; set lock_timeout = 0; set client_min_messages = warning",
    )?;
    Sql::new(
        "select pg_advisory_lock(hashtextextended('heliograph migrations ' || current_database() || '/' || current_schema(), 0))",
    )
    .execute(conn)?;
    let result = work(conn);
    // On a connection that has broken nothing is left to restore: the server has let go of the lock itself.
    let restored = Sql::new(
        "select set_config('statement_timeout', $1, false), set_config('lock_timeout', $2, false), \
         pg_advisory_unlock(hashtextextended('heliograph migrations ' || current_database() || '/' || current_schema(), 0))",
    )
    .bind::<Text, _>(statement_timeout)
    .bind::<Text, _>(lock_timeout)
    .execute(conn);
    let value = result?;
    restored?;
    Ok(value)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::test_database::TestDatabase;

    #[test]
    fn an_empty_schema_is_brought_up_once_and_can_go_down() {
        let db = TestDatabase::empty();
        let conn = &mut db.connect();
        let pending_at_first = pending(conn).unwrap();
        assert!(!pending_at_first.is_empty());
        assert_eq!(run(conn).unwrap().len(), pending_at_first.len());
        assert!(pending(conn).unwrap().is_empty());
        assert!(run(conn).unwrap().is_empty());
        redo(conn).unwrap();
        assert!(pending(conn).unwrap().is_empty());
        let timeout: String = Sql::new("show statement_timeout")
            .rows::<Text>()
            .get_result(conn)
            .unwrap();
        assert_eq!(timeout, "10s");
    }

    #[test]
    fn migrating_gives_back_its_own_lock_and_no_other() {
        use crate::store::router_lock::try_router_lock;
        let db = TestDatabase::empty();
        let conn = &mut db.connect();
        assert!(try_router_lock(conn).unwrap());
        run(conn).unwrap();
        assert!(!try_router_lock(&mut db.connect()).unwrap());
        // Would wait for ever if the first had kept the lock of the migrations.
        run(&mut db.connect()).unwrap();
    }

    #[test]
    fn two_starts_at_once_migrate_once() {
        let db = TestDatabase::empty();
        let starts: Vec<usize> = std::thread::scope(|scope| {
            let start = || run(&mut db.connect()).unwrap().len();
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(start)).collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .collect()
        });
        assert_eq!(
            starts.iter().filter(|&&ran| ran > 0).count(),
            1,
            "{starts:?}"
        );
    }

    #[test]
    fn tables_of_a_newer_program_are_refused() {
        let db = TestDatabase::new();
        let conn = &mut db.connect();
        conn.batch_execute(
            "insert into __diesel_schema_migrations (version) values ('29991231000000')",
        )
        .unwrap();
        assert!(matches!(pending(conn), Err(StoreError::Unusable(_))));
    }
}
