//! Reads what the bot sees: who it is, which guilds it is in, their channels and roles. Knows no table and keeps nothing.

use super::{
    asking::{Asking, Said, Unsaid},
    inspect::Way,
};
use crate::{directory_core::Silence, exchange::Outcome, global_gate::Closed};
use heliograph_schema::{
    ids::{ChannelId, GuildId, RoleId, UserId},
    store::{
        bot_guilds::RoleSeen,
        channels::{SnapshotChannel, SnapshotGuild},
    },
};
use serde::{Deserialize, de::DeserializeOwned};
use std::time::Duration;
use twilight_http::routing::Route;

/// Guilds of one page: Discord's most.
const PAGE: u16 = 200;
/// Pages of one list. A bot that is in more guilds than this is none of ours.
const PAGES_MAX: usize = 50;
/// Longest name that is kept; Discord's are shorter.
const NAME_CHARS_MAX: usize = 200;

/// The account of the bot and the guilds it is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnGuilds {
    /// Its id.
    pub user_id: UserId,
    /// Its name, as people see it.
    pub name: String,
    /// All guilds.
    pub guilds: Vec<SnapshotGuild>,
}

/// What stands in a guild.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contents {
    /// Its channels, without threads, and also those that the bot may not view.
    pub channels: Vec<SnapshotChannel>,
    /// Its roles, without `@everyone`.
    pub roles: Vec<RoleSeen>,
}

/// What a guild says: what stands in it, or the code with which it refuses.
pub type GuildSays = Result<Contents, u64>;

#[derive(Debug, Deserialize)]
struct AccountBody {
    id: UserId,
    username: String,
    #[serde(default)]
    global_name: Option<String>,
}

#[derive(Debug, Deserialize)]
struct GuildBody {
    id: GuildId,
    name: String,
}

#[derive(Debug, Deserialize)]
struct ChannelBody {
    id: ChannelId,
    #[serde(rename = "type")]
    kind: i16,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    parent_id: Option<ChannelId>,
    #[serde(default)]
    position: Option<i32>,
}

#[derive(Debug, Deserialize)]
struct RoleBody {
    id: RoleId,
    name: String,
    position: i32,
    #[serde(default)]
    color: i32,
    #[serde(default)]
    managed: bool,
    #[serde(default)]
    mentionable: bool,
}

/// The questions of one reading, each with its distance from the one before.
struct Reader<'a> {
    asking: Asking<'a>,
    spacing: Duration,
}

impl Way {
    /// Who the bot is and which guilds it is in, all pages of the list; `spacing` lies between two requests.
    ///
    /// # Errors
    /// When that is not heard as a whole.
    pub async fn own_guilds(&self, spacing: Duration) -> Result<OwnGuilds, Silence> {
        let reader = self.reader(spacing);
        let account: AccountBody = reader
            .must("who the bot is", &Route::GetCurrentUser)
            .await?;
        let (mut guilds, mut after) = (Vec::new(), None);
        for _ in 0..PAGES_MAX {
            tokio::time::sleep(spacing).await;
            let page: Vec<GuildBody> = reader
                .must(
                    "its guilds",
                    &Route::GetGuilds {
                        after,
                        before: None,
                        limit: Some(PAGE),
                        shard: None,
                    },
                )
                .await?;
            let is_last = page.len() < usize::from(PAGE);
            after = page.iter().map(|guild| guild.id.get().unsigned_abs()).max();
            guilds.extend(page.into_iter().map(|guild| SnapshotGuild {
                guild_id: guild.id,
                name: shortened(&guild.name),
            }));
            if is_last {
                return Ok(OwnGuilds {
                    user_id: account.id,
                    name: shortened(&account.global_name.unwrap_or(account.username)),
                    guilds,
                });
            }
        }
        Err(Silence::Away("the list of guilds does not end".to_owned()))
    }

    /// Channels and roles of a guild; `spacing` lies between the two requests.
    ///
    /// # Errors
    /// When neither they nor a refusal are heard.
    pub async fn guild_contents(
        &self,
        guild_id: GuildId,
        spacing: Duration,
    ) -> Result<GuildSays, Silence> {
        let reader = self.reader(spacing);
        let id = guild_id.get().unsigned_abs();
        let channels: Vec<ChannelBody> = match reader
            .ask("the channels", &Route::GetChannels { guild_id: id })
            .await?
        {
            Said::Here(channels) => channels,
            Said::Refused(code) => return Ok(Err(code)),
        };
        tokio::time::sleep(reader.spacing).await;
        let roles: Vec<RoleBody> = match reader
            .ask("the roles", &Route::GetGuildRoles { guild_id: id })
            .await?
        {
            Said::Here(roles) => roles,
            Said::Refused(code) => return Ok(Err(code)),
        };
        if roles.is_empty() {
            // There is always @everyone.
            return Err(Silence::Away(
                "Discord shows a guild without roles".to_owned(),
            ));
        }
        Ok(Ok(Contents {
            channels: channels
                .into_iter()
                .map(|channel| channel.seen(guild_id))
                .collect(),
            roles: roles
                .into_iter()
                .filter(|role| role.id.get() != guild_id.get())
                .map(RoleBody::seen)
                .collect(),
        }))
    }

    fn reader(&self, spacing: Duration) -> Reader<'_> {
        Reader {
            asking: Asking {
                way: self,
                // Turns of its own under the limit over all channels, behind all mirrors that have equal claims.
                turn: ChannelId::HIGHEST,
            },
            spacing,
        }
    }
}

impl Reader<'_> {
    async fn ask<T: DeserializeOwned>(
        &self,
        what: &str,
        route: &Route<'_>,
    ) -> Result<Said<T>, Silence> {
        let asked = self.asking.get(route).await;
        asked.map_err(|unsaid| self.silence(unsaid, what))
    }

    /// What cannot be refused.
    async fn must<T: DeserializeOwned>(&self, what: &str, route: &Route<'_>) -> Result<T, Silence> {
        match self.ask(what, route).await? {
            Said::Here(body) => Ok(body),
            Said::Refused(code) => Err(Silence::Away(format!(
                "Discord does not say {what} (code {code})"
            ))),
        }
    }

    fn silence(&self, unsaid: Unsaid, what: &str) -> Silence {
        let now_ms = self.asking.way.clock.now_ms();
        match unsaid {
            Unsaid::Came(Outcome::Unauthorized)
            | Unsaid::Closed {
                why: Closed::Unauthorized,
                ..
            } => Silence::Token,
            Unsaid::Came(Outcome::RateLimited { retry_after_ms, .. }) => Silence::Limited {
                wait_ms: retry_after_ms,
            },
            Unsaid::Closed { until_ms, .. } => Silence::Limited {
                wait_ms: until_ms - now_ms,
            },
            other => Silence::Away(other.of(what).0),
        }
    }
}

impl ChannelBody {
    fn seen(self, guild_id: GuildId) -> SnapshotChannel {
        SnapshotChannel {
            channel_id: self.id,
            guild_id,
            name: shortened(&self.name.unwrap_or_default()),
            kind: Some(self.kind),
            parent_id: self.parent_id,
            position: Some(self.position.unwrap_or(0)),
        }
    }
}

impl RoleBody {
    fn seen(self) -> RoleSeen {
        RoleSeen {
            role_id: self.id,
            name: shortened(&self.name),
            position: self.position,
            color: self.color,
            is_managed: self.managed,
            is_mentionable: self.mentionable,
        }
    }
}

/// What Discord sends is not trusted to be short, or free of what PostgreSQL does not take.
fn shortened(name: &str) -> String {
    let kept = name.chars().filter(|c| *c != '\0').take(NAME_CHARS_MAX);
    kept.collect()
}
