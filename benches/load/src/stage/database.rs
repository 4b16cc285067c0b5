//! Owns a PostgreSQL that outlives any server of this process, a fresh database for each stage, and the connection with
//! which checks look into the server's tables. It writes nothing by itself.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, PgConnection, QueryableByName, RunQueryDsl as _, sql_types};
use private_postgres::{PrivatePostgres, Settings, StartError};

use crate::failure::{Doing, Failure, Outcome};

/// Connections the shared PostgreSQL accepts: several stages at once, each with a pool, writers and checks.
const CONNECTIONS_MAX: u16 = 200;
/// Processes that may have stages of one build at the same time.
const SLOTS: u32 = 8;

/// A durable PostgreSQL below this process.
#[derive(Debug)]
pub struct TestPostgres {
    postgres: Mutex<PrivatePostgres>,
    databases: AtomicU64,
}

impl TestPostgres {
    /// The one that all stages of this process share; started by the first, ended with the process.
    ///
    /// # Errors
    /// It did not start.
    pub fn shared() -> Outcome<Arc<Self>> {
        static SHARED: Mutex<Option<Arc<TestPostgres>>> = Mutex::new(None);
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(postgres) = shared.as_ref() {
            return Ok(Arc::clone(postgres));
        }
        let postgres = Arc::new(Self::in_a_free_slot()?);
        *shared = Some(Arc::clone(&postgres));
        Ok(postgres)
    }

    /// Clusters are kept and used again, since making one takes longer than starting it; each is one process' at a time.
    fn in_a_free_slot() -> Outcome<Self> {
        let parent = crate::report::target_dir().join("stage");
        for slot in 0..SLOTS {
            match launch(&parent.join(format!("postgres-{slot}"))) {
                Err(StartError::InUse { .. }) => {}
                other => {
                    let postgres = Self::of(other.doing("starting a PostgreSQL")?);
                    postgres.drop_those_left_behind()?;
                    return Ok(postgres);
                }
            }
        }
        Err(Failure::new(format!(
            "all {SLOTS} places below {} are in use",
            parent.display()
        )))
    }

    /// Databases of an earlier process that had no time to drop them.
    fn drop_those_left_behind(&self) -> Outcome<()> {
        let mut admin = Table::open(&self.lock().url("postgres"))?;
        let left = admin.texts(
            r"SELECT datname::text AS text FROM pg_database WHERE datname LIKE 'stage\_%'",
        )?;
        for name in left {
            admin.run(&format!("DROP DATABASE {name} WITH (FORCE)"))?;
        }
        Ok(())
    }

    /// Another one, with its files in `data_dir`; it ends with this value.
    ///
    /// # Errors
    /// It did not start.
    pub fn start(data_dir: &Path) -> Outcome<Self> {
        launch(data_dir)
            .doing("starting a PostgreSQL")
            .map(Self::of)
    }

    fn of(postgres: PrivatePostgres) -> Self {
        Self {
            postgres: Mutex::new(postgres),
            databases: AtomicU64::new(0),
        }
    }

    /// Makes an empty database; its libpq URL.
    ///
    /// # Errors
    /// PostgreSQL refused.
    pub fn fresh_database(&self) -> Outcome<String> {
        let number = self.databases.fetch_add(1, Ordering::Relaxed);
        let name = format!("stage_{number}");
        let postgres = self.lock();
        let mut admin = Table::open(&postgres.url("postgres"))?;
        admin.run(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"))?;
        admin.run(&format!("CREATE DATABASE {name} TEMPLATE template0"))?;
        Ok(postgres.url(&name))
    }

    /// Drops a database made by [`TestPostgres::fresh_database`]; one that cannot be dropped goes with the directory.
    pub fn drop_database(&self, url: &str) {
        let postgres = self.lock();
        let made = self.databases.load(Ordering::Relaxed);
        let Some(name) = (0..made)
            .map(|number| format!("stage_{number}"))
            .find(|name| postgres.url(name) == url)
        else {
            return;
        };
        let _ = Table::open(&postgres.url("postgres"))
            .and_then(|mut admin| admin.run(&format!("DROP DATABASE {name} WITH (FORCE)")));
    }

    /// Kills the postmaster as a crash would; its children end by themselves.
    ///
    /// # Errors
    /// It could not be killed.
    pub fn kill9(&self) -> Outcome<()> {
        let mut postgres = self.lock();
        crate::children::signal(postgres.pid(), "KILL")?;
        crate::children::wait_for(
            "the killed PostgreSQL to be gone",
            std::time::Duration::from_secs(10),
            || Ok((!postgres.is_running()).then_some(())),
        )
    }

    /// Starts it again on the same files and URLs, recovering what was committed.
    ///
    /// # Errors
    /// It did not start.
    pub fn relaunch(&self) -> Outcome<()> {
        self.lock().relaunch().doing("starting PostgreSQL again")
    }

    /// The postmaster's process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.lock().pid()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, PrivatePostgres> {
        self.postgres.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn launch(data_dir: &Path) -> Result<PrivatePostgres, StartError> {
    PrivatePostgres::start(&Settings {
        max_connections: CONNECTIONS_MAX,
        ..Settings::new(data_dir)
    })
}

/// A connection for looking into the tables.
pub struct Table(PgConnection);

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = sql_types::BigInt)]
    number: i64,
}

#[derive(QueryableByName)]
struct Text {
    #[diesel(sql_type = sql_types::Text)]
    text: String,
}

impl Table {
    /// Connects.
    ///
    /// # Errors
    /// The database does not answer.
    pub fn open(url: &str) -> Outcome<Self> {
        PgConnection::establish(url)
            .map(Self)
            .doing("connecting to the database")
    }

    /// Runs statements that answer nothing.
    ///
    /// # Errors
    /// PostgreSQL refused.
    pub fn run(&mut self, sql: &str) -> Outcome<()> {
        self.0.batch_execute(sql).doing(sql)
    }

    /// One number: the query must name it `number` and make it a bigint.
    ///
    /// # Errors
    /// PostgreSQL refused, or there was not one row.
    pub fn number(&mut self, sql: &str) -> Outcome<i64> {
        let rows: Vec<Number> = diesel::sql_query(sql).load(&mut self.0).doing(sql)?;
        rows.first().map(|row| row.number).doing(sql)
    }

    /// A column of texts: the query must name it `text`.
    ///
    /// # Errors
    /// PostgreSQL refused.
    pub fn texts(&mut self, sql: &str) -> Outcome<Vec<String>> {
        let rows: Vec<Text> = diesel::sql_query(sql).load(&mut self.0).doing(sql)?;
        Ok(rows.into_iter().map(|row| row.text).collect())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_was_committed_outlives_a_kill_and_databases_are_apart() {
        let directory = std::env::temp_dir().join(format!("database-{}", std::process::id()));
        let postgres = TestPostgres::start(&directory).unwrap();
        let (first, second) = (
            postgres.fresh_database().unwrap(),
            postgres.fresh_database().unwrap(),
        );
        assert_ne!(first, second);
        let mut table = Table::open(&first).unwrap();
        table
            .run("CREATE TABLE kept (text text NOT NULL); INSERT INTO kept VALUES ('a'), ('b')")
            .unwrap();
        let pid = postgres.pid();
        postgres.kill9().unwrap();
        assert!(table.number("SELECT 1::bigint AS number").is_err());
        postgres.relaunch().unwrap();
        assert_ne!(postgres.pid(), pid);
        let mut table = Table::open(&first).unwrap();
        assert_eq!(
            table.texts("SELECT text FROM kept ORDER BY text").unwrap(),
            ["a", "b"]
        );
        assert_eq!(
            table.number("SELECT count(*) AS number FROM kept").unwrap(),
            2
        );
        let mut other = Table::open(&second).unwrap();
        assert!(other.texts("SELECT text FROM kept").is_err());
        drop((table, other));
        postgres.drop_database(&first);
        assert!(Table::open(&first).is_err());
        drop(postgres);
        let _ = std::fs::remove_dir_all(directory);
    }
}
