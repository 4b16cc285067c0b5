//! The keys, typed. Their meaning and defaults stand in `config/default.toml`; a key that is only in one of the two fails a test.

use super::{
    ConfigError,
    setting::{Secret, Setting},
};
use std::{net::SocketAddr, path::PathBuf};

/// Declares the sections: each key is read by the rules of its type, and what is left over is unknown.
macro_rules! sections {
    ($($(#[$section_doc:meta])* $section:ident: $Section:ident {
        $($(#[$doc:meta])* $key:ident: $Type:ty,)+
        $(; $(#[$extra_doc:meta])* $extra:ident: $Extra:ty)?
    })+) => {
        /// All of it.
        #[derive(Debug, Clone)]
        pub struct Config {
            $($(#[$section_doc])* pub $section: $Section,)+
        }

        impl Config {
            /// Empties `table` into typed keys.
            pub(super) fn from_table(table: &mut toml::Table) -> Result<Self, ConfigError> {
                let config = Self { $($section: $Section::from_table(&mut section(table, stringify!($section)))?,)+ };
                match table.keys().next() {
                    Some(unknown) => Err(ConfigError::UnknownKey(unknown.clone())),
                    None => Ok(config),
                }
            }
        }

        $(
            $(#[$section_doc])*
            #[derive(Debug, Clone)]
            pub struct $Section {
                $($(#[$doc])* pub $key: $Type,)+
                $($(#[$extra_doc])* pub $extra: $Extra,)?
            }

            impl $Section {
                fn from_table(table: &mut toml::Table) -> Result<Self, ConfigError> {
                    let read = Self {
                        $($key: key(table, stringify!($section), stringify!($key))?,)+
                        $($extra: Default::default(),)?
                    };
                    match table.keys().next() {
                        Some(unknown) => Err(ConfigError::UnknownKey(format!("{}.{unknown}", stringify!($section)))),
                        None => Ok(read),
                    }
                }
            }
        )+
    };
}

fn section(table: &mut toml::Table, name: &str) -> toml::Table {
    match table.remove(name) {
        Some(toml::Value::Table(section)) => section,
        // The keys below are missed by name.
        _ => toml::Table::new(),
    }
}

fn key<T: Setting>(table: &mut toml::Table, section: &str, key: &str) -> Result<T, ConfigError> {
    let bad = |reason: String| ConfigError::BadValue {
        key: format!("{section}.{key}"),
        reason,
    };
    let value = table
        .remove(key)
        .ok_or_else(|| bad("has no value".to_owned()))?;
    T::from_value(&value).map_err(bad)
}

/// How lines of the log look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines: one JSON object a line.
    Json,
}

sections! {
    /// The public listener.
    public: Public {
        /// Where it listens; port 0 takes a free one.
        listen: SocketAddr,
        /// Worker threads; 0: one per core.
        threads: usize,
        /// Kernel send buffer of a socket.
        send_buffer_bytes: u32,
        /// `TCP_USER_TIMEOUT`.
        user_timeout_ms: u32,
        /// Where pictures of signals may come from: source expressions of a content security policy.
        picture_sources: String,
    }
    /// The ingest listener.
    ingest: Ingest {
        /// Where it listens; port 0 takes a free one.
        listen: SocketAddr,
        /// Worker threads; 0: one per core.
        threads: usize,
        /// Largest body.
        body_bytes_max: usize,
        /// Messages in one batch.
        batch_items_max: usize,
        /// Batches being worked on, over all connectors.
        batches_in_flight_max: usize,
        /// The same, of one connector.
        batches_in_flight_per_connector_max: usize,
        /// Longest wait for a commit before the connector is told to come again.
        commit_timeout_ms: u64,
        /// Longest wait of a long poll.
        long_poll_s_max: u64,
    }
    /// The admin listener.
    admin: Admin {
        /// Where it listens; port 0 takes a free one. Any address but loopback needs a token.
        listen: SocketAddr,
        /// What every request must bring; from `token` or `token_file`.
        token: Option<Secret>,
        /// Where the token was read from.
        token_file: Option<PathBuf>,
        /// The cookie of a browser goes over https only.
        secure_cookie: bool,
    }
    /// PostgreSQL.
    database: Database {
        /// libpq URL, which may hold a password; `None`: a private PostgreSQL in `data_dir`.
        url: Option<Secret>,
        /// Of the private PostgreSQL.
        data_dir: PathBuf,
        /// Connections for reads and administration.
        pool_size: u32,
        /// Longest wait of a start for another router on this schema to end.
        lock_wait_ms: u64,
        ;
        /// `PG_BIN`: where the programs of the private PostgreSQL are, when not where the system puts them.
        bin_dir: Option<PathBuf>
    }
    /// The store writer and what source channels remember.
    store: Store {
        /// Revisions in one transaction.
        group_commit_revisions_max: usize,
        /// Recent signals a source channel remembers.
        channel_signals_cached_max: usize,
    }
    /// Live streams.
    sessions: Sessions {
        /// Visitors without a token are viewers of this tier; `None`: they are refused.
        open_tier: Option<i16>,
        /// Sessions of this process.
        count_max: usize,
        /// Attached channels of one session.
        channels_max: usize,
        /// Queued for one session.
        outbox_bytes_max: usize,
        /// Age of the oldest queued byte.
        outbox_age_ms_max: u64,
        /// Time between heartbeats.
        heartbeat_ms: u64,
        /// Nothing heard from a client for so long: cut.
        silence_ms_max: u64,
        /// Revisions read from the table at a time.
        replay_page: usize,
        /// Recent frames of a channel each worker keeps.
        ring_frames_max: usize,
        /// The same, in bytes.
        ring_bytes_max: usize,
    }
    /// Discord.
    discord: Discord {
        /// Without `/api/v10`.
        base_url: String,
        /// From `bot_token` or `bot_token_file`; `None`: deliveries wait.
        bot_token: Option<Secret>,
        /// Where the token was read from.
        bot_token_file: Option<PathBuf>,
        /// Requests in a second, over all channels.
        global_requests_per_s: u32,
        /// Longest wait for an answer.
        request_timeout_ms: u64,
        /// How long a nonce is trusted to make a create safe to repeat.
        nonce_window_ms: u64,
        /// Time between two readings of what the bot sees.
        directory_interval_s: u64,
    }
    /// Mirrors.
    mirrors: Mirrors {
        /// Deliveries one mirror holds in memory.
        backlog_max: usize,
        /// Attempts before a delivery is a dead letter.
        attempts_max: u32,
        /// Shortest wait between two attempts.
        retry_delay_ms_min: u64,
        /// Longest wait between two attempts.
        retry_delay_ms_max: u64,
        /// Time between two looks at what the bot may do in a target channel.
        inspection_interval_s: u64,
    }
    /// What is kept for how long.
    retention: Retention {
        /// Connectors' bodies.
        raw_batches_days: u32,
        /// What a cursor can resume from.
        revisions_days: u32,
        /// Items that could not be taken.
        quarantine_days: u32,
        /// Time between two rounds.
        interval_s: u64,
    }
    /// Restarts.
    supervision: Supervision {
        /// Restarts of one actor within the window.
        restarts_max: u32,
        /// The window.
        restart_window_s: u64,
    }
    /// The end.
    shutdown: Shutdown {
        /// From SIGTERM to the end.
        drain_ms_max: u64,
    }
    /// The log.
    log: Log {
        /// In the words of `tracing_subscriber::EnvFilter`.
        filter: String,
        /// Text or JSON.
        format: LogFormat,
    }
}
