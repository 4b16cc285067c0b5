//! A real PostgreSQL for tests: a schema of its own for each test, on the server that `DATABASE_URL` names, else on one private
//! server per test process, which ends with it. Only compiled for tests and with the feature `test-database`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::missing_panics_doc)]

use crate::store::{Store, connect_single, migrate};
use diesel::{connection::SimpleConnection, pg::PgConnection, prelude::*, sql_types::Text};
use private_postgres::{PrivatePostgres, Settings, StartError};
use std::{
    path::PathBuf,
    process,
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::SystemTime,
};

/// Test processes that may have a private server at the same time.
const SERVERS_MAX: u32 = 32;

/// Connections of one server: many tests run at once and each may have a pool.
const CONNECTIONS_MAX: u16 = 300;

/// Connections in the pool of [`TestDatabase::store`].
const POOL_SIZE: u32 = 4;

/// A schema that goes when this does.
#[derive(Debug)]
pub struct TestDatabase {
    schema: String,
    url: String,
}

impl TestDatabase {
    /// A new schema with all tables.
    pub fn new() -> Self {
        let db = Self::empty();
        migrate::run(&mut db.connect()).expect("the migrations run on an empty schema");
        db
    }

    /// A new schema with nothing in it.
    pub fn empty() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let since_1970 = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap();
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let schema = format!("test_{}_{}_{number}", process::id(), since_1970.as_micros());
        server_connection()
            .batch_execute(&format!("create schema {schema}"))
            .unwrap();
        let joint = if server_url().contains('?') { '&' } else { '?' };
        let url = format!("{}{joint}options=-csearch_path%3D{schema}", server_url());
        Self { schema, url }
    }

    /// What `DATABASE_URL` of a server process on this schema is.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A connection of its own, set as a writer's is.
    pub fn connect(&self) -> PgConnection {
        connect_single(&self.url).expect("the test server accepts connections")
    }

    /// A small pool.
    pub fn store(&self) -> Store {
        Store::connect(&self.url, POOL_SIZE).expect("the test server accepts connections")
    }
}

impl Default for TestDatabase {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        // Somebody may still hold a lock in it (a test that fails); the schema then stays until the server's next start.
        let drop = format!(
            "set client_min_messages = warning; set lock_timeout = 2000; drop schema {} cascade",
            self.schema
        );
        let _ = server_connection().batch_execute(&drop);
    }
}

fn server_connection() -> PgConnection {
    connect_single(server_url()).expect("the test server accepts connections")
}

fn server_url() -> &'static str {
    static URL: OnceLock<String> = OnceLock::new();
    URL.get_or_init(|| {
        std::env::var("DATABASE_URL")
            .ok()
            .filter(|url| !url.is_empty())
            .unwrap_or_else(private_server)
    })
}

/// Starts the private server. Nothing stops it: the kernel ends it with this process.
fn private_server() -> String {
    static SERVER: OnceLock<PrivatePostgres> = OnceLock::new();
    let server = SERVER.get_or_init(first_free);
    server
        .ensure_database("test")
        .expect("a database can be made");
    let url = server.url("test");
    drop_leftovers(&url);
    url
}

fn first_free() -> PrivatePostgres {
    for number in 0..SERVERS_MAX {
        let mut settings = Settings::new(servers_dir().join(number.to_string()));
        settings.max_connections = CONNECTIONS_MAX;
        match PrivatePostgres::start(&settings) {
            Ok(server) => return server,
            Err(StartError::InUse { .. }) => {}
            Err(error) => panic!("no private PostgreSQL for the tests: {error}"),
        }
    }
    panic!("{SERVERS_MAX} test processes have a private PostgreSQL already");
}

/// Beside the build, so that the next run starts warm and `cargo clean` takes it away.
fn servers_dir() -> PathBuf {
    let program = std::env::current_exe().expect("the path of this program");
    let target = program
        .ancestors()
        .find(|dir| dir.join("CACHEDIR.TAG").is_file());
    target
        .map_or_else(std::env::temp_dir, PathBuf::from)
        .join("test-postgres")
}

/// Drops what killed test processes left in a server that only we use.
fn drop_leftovers(url: &str) {
    let mut conn = connect_single(url).expect("the test server accepts connections");
    let left: Vec<String> = crate::sql::Sql::new(
        "select nspname::text from pg_namespace where nspname like 'test\\_%'",
    )
    .rows::<Text>()
    .load(&mut conn)
    .unwrap();
    conn.batch_execute("set client_min_messages = warning")
        .unwrap();
    for schema in left {
        conn.batch_execute(&format!("drop schema {schema} cascade"))
            .unwrap();
    }
}
