//! `heliograph bot …`: the guilds and roles that the bot sees.

use super::{
    Failure, Shown,
    client::{Client, segment},
    show::{self, Columns},
};
use clap::Subcommand;
use reqwest::Method;
use serde_json::Value;

const BOT: Columns = &[
    ("STATE", "state"),
    ("USER", "user.name"),
    ("ID", "user.user_id"),
    ("GUILDS", "guilds"),
    ("REFRESHED", "refreshed_at_ms"),
    ("REASON", "reason"),
];

const GUILDS: Columns = &[
    ("GUILD", "guild_id"),
    ("NAME", "name"),
    ("CHANNELS", "channels"),
    ("TARGETS", "targets"),
    ("ROLES", "roles"),
    ("SEEN", "seen_at_ms"),
    ("GONE", "gone_at_ms"),
];

const ROLES: Columns = &[
    ("ROLE", "role_id"),
    ("NAME", "name"),
    ("POSITION", "position"),
    ("MANAGED", "is_managed"),
    ("MENTIONABLE", "is_mentionable"),
];

#[derive(Debug, Subcommand)]
pub(super) enum Bot {
    /// Who the bot is, and whether Discord answers it
    Show,
    /// Ask Discord now for guilds, channels and roles
    Refresh,
    /// The guilds it is in
    Guilds,
    /// The roles of a guild, highest first
    Roles { guild_id: String },
}

pub(super) async fn run(client: &Client, command: Bot) -> Result<Shown, Failure> {
    match command {
        Bot::Show => Ok(show::row(BOT, client.get("/api/bot").await?)),
        Bot::Refresh => {
            let answer: Value = client.ask(Method::POST, "/api/bot/refresh", None).await?;
            Ok(show::row(BOT, answer))
        }
        Bot::Guilds => Ok(show::rows(GUILDS, client.list("/api/bot/guilds").await?)),
        Bot::Roles { guild_id } => {
            let path = format!("/api/bot/guilds/{}/roles", segment(&guild_id));
            Ok(show::rows(ROLES, client.list(&path).await?))
        }
    }
}
