//! `heliograph channel …`.

use super::{
    Failure, Shown,
    client::{Client, segment},
    show::{self, CHANNELS, ROLES},
};
use clap::{Args, Subcommand, ValueEnum};
use reqwest::Method;
use serde_json::{Value, json};

#[derive(Debug, Subcommand)]
pub(super) enum Channel {
    /// Say what a channel is to a connector; what is not said is off
    Set(Set),
    /// Known channels, or those that a connector has marked
    List {
        /// Those of this connector
        #[arg(long, conflicts_with = "guild")]
        connector: Option<String>,
        /// Those of this guild
        #[arg(long)]
        guild: Option<String>,
    },
    /// Who sees a channel live
    Visibility {
        channel_id: String,
        /// The lowest tier that sees it, or `hidden`
        #[arg(value_parser = tier_or_hidden)]
        min_tier: Visible,
    },
}

#[derive(Debug, Args)]
pub(super) struct Set {
    connector_id: String,
    channel_id: String,
    /// The channel's guild; needed when the channel is new to the connector
    #[arg(long)]
    guild: Option<String>,
    /// Capture from it
    #[arg(long)]
    source: bool,
    /// Allow to mirror into it
    #[arg(long)]
    target: bool,
    /// Keep the settings, do nothing
    #[arg(long)]
    disabled: bool,
    /// What of it is captured
    #[arg(long, value_enum, default_value = "include")]
    threads: Threads,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Threads {
    /// Channel and threads
    Include,
    /// Only outside threads
    Exclude,
    /// Only inside threads
    Only,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Visible(Option<i16>);

fn tier_or_hidden(text: &str) -> Result<Visible, String> {
    match text {
        "hidden" => Ok(Visible(None)),
        tier => tier
            .parse()
            .map(|tier| Visible(Some(tier)))
            .map_err(|_| "expected a tier or `hidden`".to_owned()),
    }
}

pub(super) async fn run(client: &Client, command: Channel) -> Result<Shown, Failure> {
    match command {
        Channel::Set(wanted) => set(client, &wanted).await,
        Channel::List {
            connector: Some(connector_id),
            ..
        } => Ok(show::rows(
            ROLES,
            client.list(&roles_of(&connector_id)).await?,
        )),
        Channel::List { guild, .. } => {
            let query = guild
                .map(|guild| format!("?guild_id={}", segment(&guild)))
                .unwrap_or_default();
            Ok(show::rows(
                CHANNELS,
                client.list(&format!("/api/channels{query}")).await?,
            ))
        }
        Channel::Visibility {
            channel_id,
            min_tier: Visible(min_tier),
        } => {
            let path = format!("/api/channels/{}/visibility", segment(&channel_id));
            Ok(show::row(
                CHANNELS,
                client
                    .ask(Method::PUT, &path, Some(json!({ "min_tier": min_tier })))
                    .await?,
            ))
        }
    }
}

fn roles_of(connector_id: &str) -> String {
    format!("/api/connectors/{}/channels", segment(connector_id))
}

async fn set(client: &Client, wanted: &Set) -> Result<Shown, Failure> {
    let roles = roles_of(&wanted.connector_id);
    let before = client
        .find(&roles, "channel_id", &wanted.channel_id)
        .await?
        .unwrap_or_default();
    let guild_id = wanted
        .guild
        .clone()
        .map_or_else(|| before["guild_id"].clone(), Value::from);
    if guild_id.is_null() {
        return Err(Failure::Other(
            "the channel is new to this connector: say its guild with --guild".to_owned(),
        ));
    }
    let threads = match wanted.threads {
        Threads::Include => "include",
        Threads::Exclude => "exclude",
        Threads::Only => "only",
    };
    let body = json!({
        "guild_id": guild_id, "is_source": wanted.source, "is_target": wanted.target, "is_enabled": !wanted.disabled,
        "thread_mode": threads, "version": before["version"],
    });
    let path = format!("{roles}/{}", segment(&wanted.channel_id));
    Ok(show::row(
        ROLES,
        client.ask(Method::PUT, &path, Some(body)).await?,
    ))
}
