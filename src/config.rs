//! The one reader of the environment. `config/default.toml`, compiled in, is the manual: every key, its meaning, its default. A
//! file and then the environment override it key by key; whatever is unknown or of the wrong kind is an error that names the key.

mod keys;
mod layers;
mod setting;

pub use keys::{
    Admin, Config, Database, Discord, Ingest, Log, LogFormat, Mirrors, Public, Retention, Sessions,
    Shutdown, Store, Supervision,
};
pub use setting::Secret;

use std::path::{Path, PathBuf};

/// Names the configuration file where no `--config` does.
const FILE_VARIABLE: &str = "HELIOGRAPH_CONFIG";

/// Where 0 means something: one thread per core, no waiting, nothing kept, tier 0.
const MAY_BE_ZERO: &[&str] = &[
    "public.threads",
    "ingest.threads",
    "ingest.long_poll_s_max",
    "database.lock_wait_ms",
    "sessions.open_tier",
    "sessions.ring_frames_max",
    "sessions.ring_bytes_max",
    "supervision.restarts_max",
    "shutdown.drain_ms_max",
];

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file that is named cannot be read.
    #[error("{what}: {} cannot be read: {reason}", path.display())]
    Unreadable {
        /// What names it: a key, or `--config`.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system says.
        reason: std::io::Error,
    },
    /// A file that is no TOML.
    #[error("{}: {reason}", path.display())]
    NotToml {
        /// The file.
        path: PathBuf,
        /// What the parser says, with the line.
        reason: String,
    },
    /// A key that does not exist.
    #[error("{0} is no key of the configuration: see config/default.toml")]
    UnknownKey(String),
    /// A value that its key cannot have.
    #[error("{key}: {reason}")]
    BadValue {
        /// `section.key`, or the name of the variable.
        key: String,
        /// What is expected.
        reason: String,
    },
}

impl Config {
    /// Reads the file (`--config`, else `HELIOGRAPH_CONFIG`, else none) and the environment of this process.
    pub fn from_environment(file: Option<&Path>) -> Result<Self, ConfigError> {
        // A variable that is not UTF-8 is not one of ours.
        let variables = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        Self::read(file, &variables.collect::<Vec<_>>())
    }

    /// Reads the file and these variables.
    pub fn read(file: Option<&Path>, variables: &[(String, String)]) -> Result<Self, ConfigError> {
        let named = variables
            .iter()
            .find(|(name, value)| name == FILE_VARIABLE && !value.is_empty());
        let (what, path) = match (file, named) {
            (Some(path), _) => ("--config", path),
            (None, Some((_, path))) => (FILE_VARIABLE, Path::new(path)),
            (None, None) => return Self::of(layers::merged(None, variables)?, variables),
        };
        let text = read_file(what, path)?;
        let table = text
            .parse()
            .map_err(|error: toml::de::Error| ConfigError::NotToml {
                path: path.to_owned(),
                reason: error.to_string().trim().replace('\n', " "),
            })?;
        Self::of(layers::merged(Some(table), variables)?, variables)
    }

    fn of(mut table: toml::Table, variables: &[(String, String)]) -> Result<Self, ConfigError> {
        check_zeros(&table)?;
        let mut config = Self::from_table(&mut table)?;
        config.database.bin_dir = variables
            .iter()
            .find(|(name, _)| name == "PG_BIN")
            .map(|(_, dir)| PathBuf::from(dir));
        take_from_file(
            "admin.token_file",
            &mut config.admin.token,
            config.admin.token_file.as_deref(),
        )?;
        take_from_file(
            "discord.bot_token_file",
            &mut config.discord.bot_token,
            config.discord.bot_token_file.as_deref(),
        )?;
        config.check()?;
        Ok(config)
    }

    /// What no single key can tell.
    fn check(&self) -> Result<(), ConfigError> {
        let bad = |key: &str, reason: &str| {
            Err(ConfigError::BadValue {
                key: key.to_owned(),
                reason: reason.to_owned(),
            })
        };
        if !self.admin.listen.ip().is_loopback() && self.admin.token.is_none() {
            return bad(
                "admin.listen",
                "any address but loopback needs admin.token or admin.token_file",
            );
        }
        if !is_source_expressions(&self.public.picture_sources) {
            return bad(
                "public.picture_sources",
                "expected schemes and hosts with spaces between, like https: http://127.0.0.1:*",
            );
        }
        if self.mirrors.retry_delay_ms_min > self.mirrors.retry_delay_ms_max {
            return bad(
                "mirrors.retry_delay_ms_min",
                "must not be more than mirrors.retry_delay_ms_max",
            );
        }
        if self.sessions.silence_ms_max <= self.sessions.heartbeat_ms {
            return bad(
                "sessions.silence_ms_max",
                "must be more than sessions.heartbeat_ms, or every quiet session is cut",
            );
        }
        if self.ingest.batches_in_flight_per_connector_max > self.ingest.batches_in_flight_max {
            return bad(
                "ingest.batches_in_flight_per_connector_max",
                "must not be more than ingest.batches_in_flight_max",
            );
        }
        Ok(())
    }
}

/// Whether a text can stand in a directive of a content security policy without ending it or beginning another.
fn is_source_expressions(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b":/.*-_ ".contains(&byte))
}

/// A limit of 0 would refuse everything, which nobody means.
fn check_zeros(table: &toml::Table) -> Result<(), ConfigError> {
    let keys = table.iter().flat_map(|(section, keys)| {
        keys.as_table()
            .into_iter()
            .flatten()
            .map(move |(key, value)| (format!("{section}.{key}"), value))
    });
    match keys
        .into_iter()
        .find(|(key, value)| value.as_integer() == Some(0) && !MAY_BE_ZERO.contains(&key.as_str()))
    {
        Some((key, _)) => Err(ConfigError::BadValue {
            key,
            reason: "must be at least 1".to_owned(),
        }),
        None => Ok(()),
    }
}

fn read_file(what: &'static str, path: &Path) -> Result<String, ConfigError> {
    std::fs::read_to_string(path).map_err(|reason| ConfigError::Unreadable {
        what,
        path: path.to_owned(),
        reason,
    })
}

/// Fills a secret from the file that its other key names. A secret that is given directly wins.
fn take_from_file(
    key: &'static str,
    secret: &mut Option<Secret>,
    file: Option<&Path>,
) -> Result<(), ConfigError> {
    let (None, Some(path)) = (&secret, file) else {
        return Ok(());
    };
    let text = read_file(key, path)?;
    let line = text.trim();
    if line.is_empty() || line.contains(char::is_whitespace) {
        let reason = format!("{} must hold one token and nothing else", path.display());
        return Err(ConfigError::BadValue {
            key: key.to_owned(),
            reason,
        });
    }
    *secret = Some(Secret::new(line));
    Ok(())
}

#[cfg(test)]
mod tests;
