//! Owns what a scenario stands on: one server process, its database, a fake Discord, and the files it leaves behind.
//! Everything is started in order, waited for with a deadline, and gone when the stage is dropped. It refuses to know what
//! is played on it, and it judges nothing.
//!
//! ```text
//! Stage ── ServerProcess (kill -9, terminate, restart; its stderr in a file, shown when something fails)
//!   ├───── PostgreSQL: the server's own, one of ours that outlives the server, or any by URL
//!   ├───── FakeDiscord
//!   └───── AddressBook: where the listeners are now; a restart may move them
//! ```

mod admin;
mod database;
mod server;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fake_discord::FakeDiscord;

use crate::failure::{Doing, Failure, Outcome};
use crate::http::HttpClient;

pub use admin::{Admin, Connector, Mapping, MappingWish};
pub use database::{Table, TestPostgres};
pub use server::{Addresses, ServerProcess, tail_of};

/// How long a server may take to become ready unless the settings say otherwise.
pub const READY_WITHIN: Duration = Duration::from_secs(30);
/// How long a graceful end may take: the promise is 10 s, the rest is for a loaded machine.
pub const END_WITHIN: Duration = Duration::from_secs(20);
/// The token the fake Discord and the server agree on.
pub const BOT_TOKEN: &str = fake_discord::DEFAULT_BOT_TOKEN;

/// Where the server's tables are.
#[derive(Clone, Debug)]
pub enum Database {
    /// The server starts its own PostgreSQL in this directory and ends it again.
    Private(PathBuf),
    /// An existing database, as a libpq URL.
    Url(String),
    /// A fresh database of a PostgreSQL that this process shares among its stages and that outlives a kill -9 of a server.
    Fresh,
    /// The same, of a PostgreSQL that this stage has for itself: for runs that kill it.
    Own,
}

/// What a stage is made of.
#[derive(Clone, Debug)]
pub struct StageSettings {
    /// The server to start.
    pub server_binary: PathBuf,
    /// A configuration file for `--config`.
    pub config_file: Option<PathBuf>,
    /// Environment of the server; wins over what the stage sets by itself.
    pub env: Vec<(String, String)>,
    /// Where the tables are.
    pub database: Database,
    /// A fake Discord to start, and to point the server at.
    pub fake_discord: Option<fake_discord::Settings>,
    /// How long a start may take.
    pub ready_within: Duration,
}

impl StageSettings {
    /// A fresh database, no fake Discord, visitors without a token are viewers of tier 9.
    #[must_use]
    pub fn new(server_binary: impl Into<PathBuf>) -> Self {
        Self {
            server_binary: server_binary.into(),
            config_file: None,
            env: Vec::new(),
            database: Database::Fresh,
            fake_discord: None,
            ready_within: READY_WITHIN,
        }
    }

    /// The same with a fake Discord in which every channel exists and nothing is limited.
    #[must_use]
    pub fn with_open_fake_discord(mut self) -> Self {
        self.fake_discord = Some(fake_discord::Settings::open());
        self
    }

    /// The same with one configuration key set, e.g. `("HELIOGRAPH_SESSIONS_COUNT_MAX", "10")`.
    #[must_use]
    pub fn with_env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.env.push((name.to_owned(), value.into()));
        self
    }
}

/// Where the listeners are now. Clients look here before every connection, since a restart may move them.
#[derive(Clone, Debug)]
pub struct AddressBook(Arc<Mutex<Addresses>>);

impl AddressBook {
    /// A book that begins with these.
    #[must_use]
    pub fn of(addresses: Addresses) -> Self {
        Self(Arc::new(Mutex::new(addresses)))
    }

    /// The addresses of the latest start.
    #[must_use]
    pub fn now(&self) -> Addresses {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, addresses: Addresses) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = addresses;
    }
}

/// A running server with its surroundings.
pub struct Stage {
    server: ServerProcess,
    book: AddressBook,
    database_url: Option<String>,
    // Held so that it lives as long as the server; dropped after it.
    fake_discord: Option<FakeDiscord>,
    postgres: Option<Arc<TestPostgres>>,
    directory: PathBuf,
}

impl Stage {
    /// Starts everything and waits until the server is ready.
    ///
    /// # Errors
    /// Something did not start in time; the message has the tail of the server's log.
    pub fn start(settings: StageSettings) -> Outcome<Self> {
        let directory = fresh_directory()?;
        let fake_discord = settings
            .fake_discord
            .map(|wish| FakeDiscord::start(wish).doing("starting the fake Discord"))
            .transpose()?;
        let mut env: Vec<(String, String)> = vec![
            ("HELIOGRAPH_SESSIONS_OPEN_TIER".into(), "9".into()),
            ("HELIOGRAPH_PUBLIC_LISTEN".into(), "127.0.0.1:0".into()),
            ("HELIOGRAPH_INGEST_LISTEN".into(), "127.0.0.1:0".into()),
            ("HELIOGRAPH_ADMIN_LISTEN".into(), "127.0.0.1:0".into()),
        ];
        if let Some(fake) = &fake_discord {
            env.push(("HELIOGRAPH_DISCORD_BASE_URL".into(), fake.base_url()));
            env.push(("HELIOGRAPH_DISCORD_BOT_TOKEN".into(), BOT_TOKEN.into()));
        }
        let mut postgres = None;
        let database_url = match settings.database {
            Database::Url(url) => Some(url),
            Database::Fresh | Database::Own => {
                let chosen = match settings.database {
                    Database::Own => Arc::new(TestPostgres::start(&directory.join("postgres"))?),
                    _ => TestPostgres::shared()?,
                };
                let url = chosen.fresh_database()?;
                postgres = Some(chosen);
                Some(url)
            }
            Database::Private(data_dir) => {
                let data_dir = data_dir.to_string_lossy().into_owned();
                env.push(("HELIOGRAPH_DATABASE_DATA_DIR".into(), data_dir));
                None
            }
        };
        if let Some(url) = &database_url {
            env.push(("DATABASE_URL".into(), url.clone()));
        }
        env.extend(settings.env);
        let server = ServerProcess::start(
            settings.server_binary,
            settings.config_file,
            env,
            &directory,
            settings.ready_within,
        )?;
        Ok(Self {
            book: AddressBook::of(server.addresses()),
            server,
            database_url,
            fake_discord,
            postgres,
            directory,
        })
    }

    /// Where the listeners are, now and after restarts.
    #[must_use]
    pub fn book(&self) -> AddressBook {
        self.book.clone()
    }

    /// A client of the admin listener.
    #[must_use]
    pub fn admin(&self) -> Admin {
        Admin::new(self.book())
    }

    /// A keep-alive client of the ingest listener as it is now.
    #[must_use]
    pub fn ingest_client(&self) -> HttpClient {
        HttpClient::new(self.book.now().ingest, Duration::from_secs(10))
    }

    /// A keep-alive client of the public listener as it is now.
    #[must_use]
    pub fn public_client(&self) -> HttpClient {
        HttpClient::new(self.book.now().public, Duration::from_secs(10))
    }

    /// The server's process id; another one after each restart.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.server.pid()
    }

    /// The fake Discord, when the settings asked for one.
    #[must_use]
    pub fn fake_discord(&self) -> Option<&FakeDiscord> {
        self.fake_discord.as_ref()
    }

    /// The same, to make it go away and come back.
    pub fn fake_discord_mut(&mut self) -> Option<&mut FakeDiscord> {
        self.fake_discord.as_mut()
    }

    /// The PostgreSQL of ours that the server uses, with [`Database::Fresh`] or [`Database::Own`].
    #[must_use]
    pub fn postgres(&self) -> Option<&Arc<TestPostgres>> {
        self.postgres.as_ref()
    }

    /// The libpq URL of the server's database, unless the server keeps its own.
    #[must_use]
    pub fn database_url(&self) -> Option<&str> {
        self.database_url.as_deref()
    }

    /// A connection to the server's tables for checks.
    ///
    /// # Errors
    /// The server keeps its own database, or it does not answer.
    pub fn table(&self) -> Outcome<Table> {
        let url = self
            .database_url()
            .doing("reading the tables of a server that keeps its own database")?;
        Table::open(url)
    }

    /// Ends the server at once, as a crash would. It can be started again with [`Stage::restart`].
    ///
    /// # Errors
    /// The process could not be killed.
    pub fn kill9(&mut self) -> Outcome<()> {
        self.server.kill9()
    }

    /// Asks the server to end and waits for it.
    ///
    /// # Errors
    /// It did not end in time (it is killed then), or ended with another code than 0.
    pub fn terminate(&mut self) -> Outcome<()> {
        self.server.terminate(END_WITHIN)
    }

    /// Starts the server again on the same database, ending it first (gracefully) if it still runs.
    /// The listeners may have moved; see [`Stage::book`].
    ///
    /// # Errors
    /// It did not end, or did not become ready in time.
    pub fn restart(&mut self) -> Outcome<()> {
        if self.server.is_running() {
            self.terminate()?;
        }
        self.server.start_again()?;
        self.book.set(self.server.addresses());
        Ok(())
    }

    /// Starts the server again and kills it after `delay`, ready or not: a crash while it recovers.
    ///
    /// # Errors
    /// The process could not be started or killed.
    pub fn start_and_kill9(&mut self, delay: Duration) -> Outcome<()> {
        self.server.launch()?;
        std::thread::sleep(delay);
        self.server.kill9()
    }

    /// Whether the server process lives.
    pub fn is_running(&mut self) -> bool {
        self.server.is_running()
    }

    /// The last lines of the server's log.
    #[must_use]
    pub fn log_tail(&self) -> String {
        self.server.log_tail()
    }

    /// Adds the tail of the server's log to a failure, so that one look is enough.
    #[must_use]
    pub fn explain(&self, failure: &Failure) -> Failure {
        Failure::new(format!("{failure}\n{}", self.log_tail()))
    }

    /// Waits until `ready` gives something; on failure the message has the tail of the server's log.
    ///
    /// # Errors
    /// Nothing came within `within`, or `ready` failed.
    pub fn wait_for<T>(
        &self,
        what: &str,
        within: Duration,
        ready: impl FnMut() -> Outcome<Option<T>>,
    ) -> Outcome<T> {
        crate::children::wait_for(what, within, ready).map_err(|failure| self.explain(&failure))
    }

    /// CPU time of the server process alone (its own PostgreSQL, if any, is another process).
    #[must_use]
    pub fn server_cpu(&self) -> Duration {
        crate::proc_stat::cpu_time(self.pid())
    }

    /// Resident memory of the server process alone, KiB.
    #[must_use]
    pub fn server_rss_kb(&self) -> u64 {
        crate::proc_stat::rss_kb(self.pid())
    }

    /// Resident memory of the PostgreSQL processes below the server, KiB; pages they share are counted for each of them.
    #[must_use]
    pub fn server_postgres_rss_kb(&self) -> u64 {
        crate::proc_stat::descendants(self.pid())
            .into_iter()
            .map(crate::proc_stat::rss_kb)
            .sum()
    }

    /// A directory of this stage's own, removed with it.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let ended_well = self.server.end(END_WITHIN);
        if let (Some(postgres), Some(url)) = (&self.postgres, &self.database_url) {
            postgres.drop_database(url);
        }
        self.postgres = None;
        // The log of a server that had to be killed is worth keeping.
        if ended_well && !std::thread::panicking() {
            let _ = std::fs::remove_dir_all(&self.directory);
        }
    }
}

/// The server to use: the one given, else `heliograph` beside this program.
///
/// # Errors
/// There is none.
pub fn server_binary(given: Option<&Path>) -> Outcome<PathBuf> {
    let path = match given {
        Some(path) => path.to_path_buf(),
        None => std::env::current_exe()
            .doing("finding this program")?
            .with_file_name("heliograph"),
    };
    path.canonicalize()
        .doing(format!("the server {}", path.display()))
}

/// A new directory below target/stage, or below the system's temporary directory when there is no target.
fn fresh_directory() -> Outcome<PathBuf> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let name = format!(
        "stage-{}-{}",
        std::process::id(),
        COUNT.fetch_add(1, Ordering::Relaxed)
    );
    let directory = crate::report::target_dir().join("stage").join(name);
    std::fs::create_dir_all(&directory).doing(format!("making {}", directory.display()))?;
    Ok(directory)
}
