//! `heliograph channel …`.

use super::{
    Failure, Shown,
    client::{Client, query, segment},
    show::{self, CHANNELS, Columns, ROLES},
    tree,
};
use clap::{Args, Subcommand, ValueEnum};
use reqwest::Method;
use serde_json::{Value, json};

const AVAILABLE: Columns = &[
    ("CHANNEL", "channel_id"),
    ("NAME", "name"),
    ("GUILD NAME", "guild_name"),
    ("UNDER", "parent_name"),
    ("SOURCE", "is_source"),
    ("TARGET", "is_target"),
    ("MIN TIER", "min_tier"),
    ("GONE", "gone_at_ms"),
];

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
    /// The channels of a guild as Discord shows them
    Tree {
        guild_id: String,
        /// As this connector saw them; without it as the bot sees them
        #[arg(long)]
        connector: Option<String>,
    },
    /// Known channels by name, in words or as part of one
    Available {
        /// Only what can be the source, or the target, of a mapping now
        #[arg(long = "as", value_enum, value_name = "USE")]
        usable: Option<Use>,
        /// Those of this guild
        #[arg(long)]
        guild: Option<String>,
        /// Whose name, or whose guild's name, holds this; or an id
        text: Option<String>,
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

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Use {
    Source,
    Target,
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
        Channel::Tree {
            guild_id,
            connector,
        } => {
            let of = connector.map_or_else(
                || "/api/bot".to_owned(),
                |id| format!("/api/connectors/{}", segment(&id)),
            );
            let path = format!("{of}/guilds/{}/tree", segment(&guild_id));
            Ok(tree::shown(client.get(&path).await?))
        }
        Channel::Available {
            usable,
            guild,
            text,
        } => {
            let usable = usable.map(|usable| match usable {
                Use::Source => "source",
                Use::Target => "target",
            });
            let path = query(
                "/api/channels",
                &[
                    ("use", usable),
                    ("guild_id", guild.as_deref()),
                    ("q", text.as_deref()),
                ],
            );
            Ok(show::rows(AVAILABLE, client.list(&path).await?))
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
