//! `heliograph bot …`: who the bot is and what it sees.

use super::{
    Failure, Shown,
    client::{Client, segment},
    show::{self, BOT, BOT_CHANNELS, BOT_GUILDS, GUILD_ROLES},
};
use clap::Subcommand;
use reqwest::Method;
use serde_json::Value;

#[derive(Debug, Subcommand)]
pub(super) enum Bot {
    /// Who it is, and whether what it sees can be read
    Show,
    /// Read what it sees now
    Refresh,
    /// The guilds it is in
    Guilds,
    /// The channels of a guild as Discord shows them, and how each stands as a target
    Channels { guild_id: String },
    /// The roles of a guild, the highest first
    Roles { guild_id: String },
}

pub(super) async fn run(client: &Client, command: Bot) -> Result<Shown, Failure> {
    let guild =
        |guild_id: &str, what: &str| format!("/api/bot/guilds/{}/{what}", segment(guild_id));
    Ok(match command {
        Bot::Show => show::row(BOT, client.get("/api/bot").await?),
        Bot::Refresh => show::row(
            BOT,
            client.ask(Method::POST, "/api/bot/refresh", None).await?,
        ),
        Bot::Guilds => show::rows(BOT_GUILDS, client.list("/api/bot/guilds").await?),
        Bot::Channels { guild_id } => {
            let tree = client.get(&guild(&guild_id, "tree")).await?;
            let channels = tree["channels"].as_array().cloned().unwrap_or_default();
            let text = show::rows(BOT_CHANNELS, channels).text;
            Shown { json: tree, text }
        }
        Bot::Roles { guild_id } => {
            show::rows(GUILD_ROLES, client.list(&guild(&guild_id, "roles")).await?)
        }
    })
}

/// Offers a channel as a target by the bot, or no longer.
pub(super) async fn offer(
    client: &Client,
    target_channel_id: &str,
    is_target: bool,
) -> Result<Value, Failure> {
    let known = client
        .find("/api/targets", "target_channel_id", target_channel_id)
        .await?;
    // What is in no list was never decided on.
    let version = known.map_or(Value::from(0), |row| row["version"].clone());
    let path = format!("/api/targets/{}", segment(target_channel_id));
    let body = serde_json::json!({ "is_target": is_target, "version": version });
    client.ask(Method::PUT, &path, Some(body)).await
}
