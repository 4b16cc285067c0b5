//! The command line: run the process, migrate its tables, or administer a running one as a client of its admin listener. Reads
//! no environment itself: the configuration does, the admin token included, which is never an argument.

mod audit;
mod bot;
mod channel;
mod client;
mod configuration;
mod connector;
mod figures;
mod intake;
mod mapping;
mod migrate;
mod mirroring;
mod session_token;
mod show;
mod trail;
mod tree;

use crate::{
    config::{Config, ConfigError},
    serve::{self, NotServing},
};
use clap::{Args, Parser, Subcommand};
use client::Client;
use heliograph_schema::store::StoreError;
use serde_json::Value;
use std::{io::Write, path::PathBuf, process::ExitCode};

/// A router for signals: captured, ordered, committed, delivered within milliseconds.
#[derive(Debug, Parser)]
#[command(name = "heliograph", version)]
pub struct CommandLine {
    /// Configuration file; without it HELIOGRAPH_CONFIG, else the defaults and the environment
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the process until SIGTERM
    Serve {
        /// Write the addresses that were taken here, as JSON, when ready
        #[arg(long, value_name = "FILE")]
        addresses_file: Option<PathBuf>,
    },
    /// Bring the tables to the form this program knows
    Migrate {
        /// Change nothing; fail when a migration is pending
        #[arg(long)]
        check: bool,
        /// Take the last migration back and run it again; loses what its tables hold
        #[arg(long, conflicts_with = "check")]
        redo: bool,
    },
    /// Programs outside that capture and push
    Connector {
        #[command(flatten)]
        to: To,
        #[command(subcommand)]
        command: connector::Connector,
    },
    /// Channels: what they are to a connector, and who sees them
    Channel {
        #[command(flatten)]
        to: To,
        #[command(subcommand)]
        command: channel::Channel,
    },
    /// From which source channel into which target channel
    Mapping {
        #[command(flatten)]
        to: To,
        #[command(subcommand)]
        command: mapping::Mapping,
    },
    /// Deliveries that were given up
    DeadLetter {
        #[command(flatten)]
        to: To,
        #[command(subcommand)]
        command: mirroring::DeadLetter,
    },
    /// Target channels: how their mirrors stand
    Target {
        #[command(flatten)]
        to: To,
        #[command(subcommand)]
        command: mirroring::Target,
    },
    /// The bot: who it is and what it sees
    Bot {
        #[command(flatten)]
        to: To,
        #[command(subcommand)]
        command: bot::Bot,
    },
    /// One signal's way
    Signal {
        #[command(flatten)]
        to: To,
        #[command(subcommand)]
        command: mirroring::Signal,
    },
    /// Who may watch live
    SessionToken {
        #[command(flatten)]
        to: To,
        #[command(subcommand)]
        command: session_token::SessionToken,
    },
    /// The tree of actors, with their mailboxes and restarts
    Actors {
        #[command(flatten)]
        to: To,
    },
    /// Who changed what, and taking it back
    Audit {
        #[command(flatten)]
        to: To,
        #[command(subcommand)]
        command: audit::Audit,
    },
    /// The whole configuration as one file
    Config {
        #[command(flatten)]
        to: To,
        #[command(subcommand)]
        command: configuration::Configuration,
    },
    /// What connectors sent, as it came
    Raw {
        #[command(flatten)]
        to: To,
        #[command(subcommand)]
        command: intake::Raw,
    },
    /// Items of connectors that could not be taken
    Quarantine {
        #[command(flatten)]
        to: To,
        #[command(subcommand)]
        command: intake::Quarantine,
    },
    /// How much came and went minute by minute, and how long it took
    Figures {
        #[command(flatten)]
        to: To,
        /// Of how long until now
        #[arg(long, value_enum, default_value = "hour")]
        span: figures::Span,
    },
}

/// Which process is administered, and how its answers are shown.
#[derive(Debug, Args)]
struct To {
    /// Address of the admin listener; without it `admin.listen` of the configuration
    #[arg(long, global = true, value_name = "URL")]
    admin: Option<String>,
    /// Print the answer as JSON
    #[arg(long, global = true)]
    json: bool,
}

/// Why a command did not do its work, in one line.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Serve(#[from] NotServing),
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What would be done is shown, and was not done.
    #[error("{reason}")]
    LeftUndone { shown: Shown, reason: String },
    #[error("{0}")]
    Other(String),
}

/// What a command has to show: JSON for programs, a form of it for people.
#[derive(Debug)]
struct Shown {
    json: Value,
    text: String,
}

/// Runs a command: 0 when it did its work, 1 and one line on stderr when it did not.
pub fn run(line: CommandLine) -> ExitCode {
    match execute(line) {
        Ok(code) => code,
        Err(failure) => {
            // Where nobody listens to errors, the exit code still tells.
            let _ = writeln!(std::io::stderr(), "heliograph: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn execute(line: CommandLine) -> Result<ExitCode, Failure> {
    let config = Config::from_environment(line.config.as_deref())?;
    match line.command {
        Command::Serve { addresses_file } => {
            serve::start_log(&config);
            Ok(serve::serve(&config, addresses_file.as_deref())?)
        }
        Command::Migrate { check, redo } => {
            print(&migrate::run(&config, check, redo)?);
            Ok(ExitCode::SUCCESS)
        }
        Command::Connector { to, command } => administer(&config, to, async |client| {
            connector::run(&client, command).await
        }),
        Command::Channel { to, command } => administer(&config, to, async |client| {
            channel::run(&client, command).await
        }),
        Command::Mapping { to, command } => administer(&config, to, async |client| {
            mapping::run(&client, command).await
        }),
        Command::DeadLetter { to, command } => administer(&config, to, async |client| {
            mirroring::dead_letter(&client, command).await
        }),
        Command::Target { to, command } => administer(&config, to, async |client| {
            mirroring::target(&client, command).await
        }),
        Command::Signal { to, command } => administer(&config, to, async |client| {
            mirroring::signal(&client, command).await
        }),
        Command::SessionToken { to, command } => administer(&config, to, async |client| {
            session_token::run(&client, command).await
        }),
        Command::Actors { to } => administer(&config, to, async |client| {
            show::actors(client.get("/debug/actors").await?)
        }),
        Command::Bot { to, command } => {
            administer(&config, to, async |client| bot::run(&client, command).await)
        }
        Command::Audit { to, command } => administer(&config, to, async |client| {
            audit::run(&client, command).await
        }),
        Command::Config { to, command } => administer(&config, to, async |client| {
            configuration::run(&client, command).await
        }),
        Command::Raw { to, command } => administer(&config, to, async |client| {
            intake::raw(&client, command).await
        }),
        Command::Quarantine { to, command } => administer(&config, to, async |client| {
            intake::quarantine(&client, command).await
        }),
        Command::Figures { to, span } => administer(&config, to, async |client| {
            figures::run(&client, span).await
        }),
    }
}

fn administer(
    config: &Config,
    to: To,
    command: impl AsyncFnOnce(Client) -> Result<Shown, Failure>,
) -> Result<ExitCode, Failure> {
    let client = Client::new(to.admin, &config.admin)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let outcome = runtime
        .map_err(|error| Failure::Other(error.to_string()))?
        .block_on(command(client));
    let (Ok(shown) | Err(Failure::LeftUndone { shown, .. })) = &outcome else {
        return outcome.map(|_| ExitCode::SUCCESS);
    };
    if to.json {
        print(&format!("{:#}", shown.json));
    } else {
        print(shown.text.trim_end());
    }
    outcome.map(|_| ExitCode::SUCCESS)
}

fn print(text: &str) {
    // A reader that went away (`| head`) is no fault.
    let _ = writeln!(std::io::stdout(), "{text}");
}

#[cfg(test)]
mod tests;
