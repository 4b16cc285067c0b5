//! The tables: rows and their queries, one file per subject, and the connections they run on. A pool serves reads and
//! administration from async code; each writer has one connection of its own. Decides nothing about signals.

pub mod audit;
pub mod backfill;
pub mod bot_guilds;
pub mod bot_tree;
pub mod channel_roles;
pub mod channel_tree;
pub mod channels;
pub mod configuration;
mod connection;
pub mod connector_counts;
pub mod connectors;
pub mod dead_letters;
pub mod decisions;
pub mod deliveries;
pub mod delivery_list;
pub mod discovery;
mod error;
pub mod figures;
mod id_columns;
pub mod mappings;
pub mod migrate;
pub mod mirrored_threads;
pub mod quarantine;
pub mod raw_events;
pub mod reconciliations;
pub mod retention;
pub mod router_lock;
pub mod routing;
pub mod rule_sets;
pub mod session_tokens;
pub mod sightings;
pub mod signal_lines;
pub mod signals;
pub mod tables;
pub mod target_channels;
pub mod targets;
pub mod threads;
pub mod trail;
pub mod undo;
pub mod undo_core;
pub mod waiting;

pub use connection::connect_single;
pub use error::StoreError;

use connection::{PoolSettings, pool};
use diesel::{
    pg::PgConnection,
    r2d2::{ConnectionManager, Pool},
};
use std::{sync::Arc, time::Duration};
use tokio::{sync::Semaphore, time::Instant};

/// How long a caller waits for a connection of the pool before it hears that the database is unavailable.
pub const POOL_WAIT_MS_MAX: u64 = 1_500;

/// A handle on the pool; a clone is cheap and means the same pool.
#[derive(Clone)]
pub struct Store {
    pool: Pool<ConnectionManager<PgConnection>>,
    // As many threads may wait on the database as there are connections; the rest waits without a thread.
    turns: Arc<Semaphore>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
            .field("pool", &self.pool.state())
            .finish()
    }
}

impl Store {
    /// Opens a pool of at most `pool_size` connections. Blocks; [`StoreError::Unavailable`] within 2 s when no connection
    /// could be made. The pool itself makes new connections for as long as it lives.
    pub fn connect(url: &str, pool_size: u32) -> Result<Self, StoreError> {
        let wait = Duration::from_millis(POOL_WAIT_MS_MAX);
        let pool = pool(
            url,
            PoolSettings {
                size: pool_size.max(1),
                wait,
            },
        )?;
        Ok(Self {
            pool,
            turns: Arc::new(Semaphore::new(pool_size.max(1) as usize)),
        })
    }

    /// Runs `work` with a connection on a blocking thread. [`StoreError::Unavailable`] when none is free or none can be made
    /// within [`POOL_WAIT_MS_MAX`]. Cancelling the future does not cancel work that has begun.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut PgConnection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let deadline = Instant::now() + Duration::from_millis(POOL_WAIT_MS_MAX);
        let turn = tokio::time::timeout_at(deadline, Arc::clone(&self.turns).acquire_owned())
            .await
            .map_err(|_| StoreError::Unavailable("every connection is busy".to_owned()))?
            .map_err(StoreError::unavailable)?;
        let pool = self.pool.clone();
        let done = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            let wait = deadline
                .saturating_duration_since(Instant::now())
                .max(Duration::from_millis(1));
            let mut conn = pool.get_timeout(wait).map_err(StoreError::unavailable)?;
            work(&mut conn)
        });
        done.await
            .map_err(|error| StoreError::Interrupted(error.to_string()))?
    }

    /// Like [`Store::run`], in a transaction that cannot write and sees one moment.
    pub async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut PgConnection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.run(move |conn| {
            conn.build_transaction()
                .repeatable_read()
                .read_only()
                .run(work)
        })
        .await
    }
}

/// How far a list goes and where it starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page<K> {
    /// The key of the last item of the page before; `None` for the first page.
    pub after: Option<K>,
    /// Items at most.
    pub limit: i64,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{sql::Sql, test_database::TestDatabase};
    use diesel::{RunQueryDsl, sql_types::Text};

    fn application_name(conn: &mut PgConnection) -> Result<String, StoreError> {
        Ok(Sql::new("select current_setting('application_name')")
            .rows::<Text>()
            .get_result(conn)?)
    }

    #[tokio::test]
    async fn work_runs_and_its_error_comes_back() {
        let store = TestDatabase::new().store();
        assert_eq!(store.run(application_name).await.unwrap(), "heliograph");
        let refused: Result<(), _> = store.run(|_| Err(StoreError::Conflict)).await;
        assert!(matches!(refused, Err(StoreError::Conflict)));
    }

    #[tokio::test]
    async fn a_read_cannot_write() {
        let db = TestDatabase::new();
        let write = |conn: &mut PgConnection| {
            Ok(Sql::new("insert into guilds (guild_id, name) values (1, 'g')").execute(conn)?)
        };
        assert!(matches!(
            db.store().read(write).await,
            Err(StoreError::Database(_))
        ));
        assert_eq!(db.store().run(write).await.unwrap(), 1);
    }

    #[tokio::test]
    async fn a_panic_in_the_work_is_an_error_and_the_pool_lives() {
        let db = TestDatabase::new();
        let store = Store::connect(db.url(), 1).unwrap();
        let failed: Result<(), _> = store.run(|_| panic!("on purpose")).await;
        assert!(matches!(failed, Err(StoreError::Interrupted(_))));
        assert!(store.run(application_name).await.is_ok());
    }

    #[tokio::test]
    async fn a_cut_connection_is_replaced() {
        let db = TestDatabase::new();
        let store = Store::connect(db.url(), 1).unwrap();
        let cut = |conn: &mut PgConnection| {
            Ok(Sql::new("select pg_terminate_backend(pg_backend_pid())").execute(conn)?)
        };
        assert!(matches!(
            store.run(cut).await,
            Err(StoreError::Unavailable(_))
        ));
        assert!(store.run(application_name).await.is_ok());
    }

    #[tokio::test]
    async fn whoever_finds_every_connection_busy_is_told_so() {
        let db = TestDatabase::new();
        let store = Store::connect(db.url(), 1).unwrap();
        let (free, busy) = std::sync::mpsc::channel::<()>();
        let (started, has_started) = tokio::sync::oneshot::channel();
        let holder = store.clone();
        let holding = tokio::spawn(async move {
            holder
                .run(move |_| {
                    let _ = started.send(());
                    // Until the other end is dropped.
                    let _ = busy.recv();
                    Ok(())
                })
                .await
        });
        has_started.await.unwrap();
        let refused = store.run(application_name).await;
        assert!(
            matches!(refused, Err(StoreError::Unavailable(_))),
            "{refused:?}"
        );
        drop(free);
        holding.await.unwrap().unwrap();
        assert!(store.run(application_name).await.is_ok());
    }

    #[test]
    fn nobody_there_is_said_clearly() {
        let absent = "postgresql:///none?host=%2Fnonexistent-heliograph";
        let error = Store::connect(absent, 2).unwrap_err();
        assert!(
            matches!(&error, StoreError::Unavailable(reason) if reason.contains("nonexistent-heliograph") && reason.lines().count() == 1),
            "{error}"
        );
        assert!(matches!(
            connect_single(absent),
            Err(StoreError::Unavailable(_))
        ));
    }
}
