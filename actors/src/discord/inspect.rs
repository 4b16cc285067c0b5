//! Looks at a target channel: what it is, what the bot may do there, and what a person must change. Every request passes the
//! gate that all mirrors share. Whatever Discord does not clearly say is "not known", never an obstacle.

use super::{
    Discord,
    asking::{Asking, Said, Unsaid},
};
use crate::{
    global_gate::Gate,
    messages::{NotKnown, Obstacle, Seen, Sight},
    permissions_core::{self, ChannelFacts, GuildFacts, RoleFacts},
    steady_clock::SteadyClock,
};
use heliograph_schema::ids::{ChannelId, GuildId, RoleId, UserId};
use serde::{Deserialize, de::DeserializeOwned};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use twilight_http::routing::Route;
use twilight_model::{
    channel::{ChannelType, permission_overwrite::PermissionOverwrite},
    guild::Permissions,
};

/// Guilds remembered; the one asked for longest ago is forgotten first.
const GUILDS_MAX: usize = 256;
/// Discord's codes that say that something is not there or not shown (documented).
const UNKNOWN_CHANNEL: u64 = 10_003;
const MISSING_ACCESS: u64 = 50_001;
const NO_SUCH_GUILD_OR_MEMBER: [u64; 3] = [10_004, 10_007, MISSING_ACCESS];

/// What all inspections share with the mirrors.
#[derive(Clone)]
pub struct Way {
    /// The way to Discord.
    pub discord: Arc<Discord>,
    /// Shared by all requests of the bot.
    pub gate: Gate,
    /// The gate's.
    pub clock: SteadyClock,
}

/// What guilds said lately, so that the inspections of one guild's channels ask once. A remembered guild may say that all is
/// well, never that something is missing: then it is asked anew.
#[derive(Debug, Default)]
pub(super) struct Guilds(Mutex<HashMap<GuildId, (i64, Arc<GuildFacts>)>>);

impl Guilds {
    fn remembered(&self, guild_id: GuildId, since_ms: i64) -> Option<Arc<GuildFacts>> {
        let guilds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (asked_ms, facts) = guilds.get(&guild_id)?;
        (*asked_ms > since_ms).then(|| facts.clone())
    }

    fn remember(&self, now_ms: i64, facts: Arc<GuildFacts>) {
        let mut guilds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if guilds.len() >= GUILDS_MAX && !guilds.contains_key(&facts.guild_id) {
            let oldest = guilds.iter().min_by_key(|(_, (asked_ms, _))| *asked_ms);
            if let Some(oldest) = oldest.map(|(guild_id, _)| *guild_id) {
                guilds.remove(&oldest);
            }
        }
        guilds.insert(facts.guild_id, (now_ms, facts));
    }
}

#[derive(Debug, Deserialize)]
struct ChannelBody {
    id: ChannelId,
    #[serde(rename = "type")]
    kind: ChannelType,
    guild_id: Option<GuildId>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    parent_id: Option<ChannelId>,
    #[serde(default)]
    permission_overwrites: Option<Vec<PermissionOverwrite>>,
}

#[derive(Debug, Deserialize)]
struct GuildBody {
    owner_id: UserId,
    roles: Vec<RoleBody>,
}

#[derive(Debug, Deserialize)]
struct RoleBody {
    id: RoleId,
    name: String,
    position: i64,
    permissions: Permissions,
    #[serde(default)]
    tags: TagsBody,
}

#[derive(Debug, Default, Deserialize)]
struct TagsBody {
    #[serde(default)]
    bot_id: Option<UserId>,
}

#[derive(Debug, Deserialize)]
struct MemberBody {
    roles: Vec<RoleId>,
}

/// One look. Its requests take the turns of its target and count as the target's.
struct Look<'a> {
    way: &'a Way,
    target: ChannelId,
}

impl Way {
    /// Looks at a channel. `guild_id`: where it is said to be, for a channel that Discord does not show. A guild that was asked
    /// less than `age_max` ago need not be asked again.
    ///
    /// # Errors
    /// When Discord does not say.
    pub async fn inspect(
        &self,
        target: ChannelId,
        guild_id: Option<GuildId>,
        age_max: Duration,
    ) -> Seen {
        let age_ms = i64::try_from(age_max.as_millis()).unwrap_or(i64::MAX);
        let since_ms = self.clock.now_ms().saturating_sub(age_ms);
        let look = Look { way: self, target };
        match look.channel(target).await? {
            Said::Refused(UNKNOWN_CHANNEL) => Ok(blocked(permissions_core::channel_is_gone())),
            Said::Refused(MISSING_ACCESS) => look.at_hidden(guild_id).await,
            Said::Refused(code) => Err(refused("the channel", code)),
            Said::Here(channel) => look.at_shown(channel, since_ms).await,
        }
    }
}

impl Look<'_> {
    async fn at_shown(&self, channel: ChannelBody, since_ms: i64) -> Seen {
        let kind = i16::from(u8::from(channel.kind));
        let Some(guild_id) = channel.guild_id else {
            let obstacle =
                Obstacle("The channel belongs to no server: choose a text channel.".to_owned());
            return Ok(Sight {
                kind: Some(kind),
                ..blocked(obstacle)
            });
        };
        let is_thread = channel.kind.is_thread();
        let place = match channel.parent_id.filter(|_| is_thread) {
            None => None,
            Some(parent) => match self.channel(parent).await? {
                Said::Here(parent) => Some(parent),
                Said::Refused(code) => return Err(refused("the parent of the thread", code)),
            },
        };
        let facts = facts_of(channel.kind, place.unwrap_or(channel));
        if let Some(guild) = self.way.discord.guilds.remembered(guild_id, since_ms) {
            let sight = sight(&guild, &facts, kind);
            if sight.obstacle.is_none() && sight.advice.is_none() {
                return Ok(sight);
            }
        }
        Ok(match self.guild(guild_id).await? {
            Some(guild) => sight(&guild, &facts, kind),
            None => Sight {
                kind: Some(kind),
                guild_id: Some(guild_id),
                ..blocked(permissions_core::not_a_member(guild_id))
            },
        })
    }

    /// Discord shows no channel that the bot may not view, but in the list of a guild it shows all with their overwrites.
    async fn at_hidden(&self, guild_id: Option<GuildId>) -> Seen {
        let hidden = || blocked(permissions_core::channel_is_hidden());
        let Some(guild_id) = guild_id else {
            return Ok(hidden());
        };
        let Some(guild) = self.guild(guild_id).await? else {
            return Ok(blocked(permissions_core::not_a_member(guild_id)));
        };
        let route = Route::GetChannels {
            guild_id: guild_id.get().unsigned_abs(),
        };
        let Said::Here(channels) = self.get::<Vec<ChannelBody>>(&route).await? else {
            return Ok(hidden());
        };
        let found = channels
            .into_iter()
            .find(|channel| channel.id == self.target);
        let sight = found.map(|channel| {
            let kind = i16::from(u8::from(channel.kind));
            sight(&guild, &facts_of(channel.kind, channel), kind)
        });
        // It is not of this guild, or a thread, or the bot may view it by now.
        Ok(sight
            .filter(|sight| sight.obstacle.is_some())
            .unwrap_or_else(hidden))
    }

    async fn channel(&self, channel_id: ChannelId) -> Result<Said<ChannelBody>, NotKnown> {
        let channel_id = channel_id.get().unsigned_abs();
        self.get(&Route::GetChannel { channel_id }).await
    }

    /// The guild as it is now; `None` when the bot is not in it.
    async fn guild(&self, id: GuildId) -> Result<Option<Arc<GuildFacts>>, NotKnown> {
        let me = self.me().await?;
        let guild_id = id.get().unsigned_abs();
        let (guild, member) = (
            Route::GetGuild {
                guild_id,
                with_counts: false,
            },
            Route::GetMember {
                guild_id,
                user_id: me.get().unsigned_abs(),
            },
        );
        let guild: GuildBody = match self.get(&guild).await? {
            Said::Here(guild) => guild,
            Said::Refused(code) if NO_SUCH_GUILD_OR_MEMBER.contains(&code) => return Ok(None),
            Said::Refused(code) => return Err(refused("the server", code)),
        };
        let member: MemberBody = match self.get(&member).await? {
            Said::Here(member) => member,
            Said::Refused(code) if NO_SUCH_GUILD_OR_MEMBER.contains(&code) => return Ok(None),
            Said::Refused(code) => return Err(refused("the bot's membership", code)),
        };
        let facts = Arc::new(GuildFacts {
            guild_id: id,
            owner_id: guild.owner_id,
            roles: guild.roles.into_iter().map(RoleBody::facts).collect(),
            me,
            my_roles: member.roles,
        });
        let now_ms = self.way.clock.now_ms();
        self.way.discord.guilds.remember(now_ms, facts.clone());
        Ok(Some(facts))
    }

    async fn me(&self) -> Result<UserId, NotKnown> {
        if let Some(me) = self.way.discord.me.get() {
            return Ok(*me);
        }
        let (what, asking) = ("who the bot is", self.asking());
        asking.pass_gate().await.map_err(|unsaid| unsaid.of(what))?;
        let me = self.way.discord.who_am_i().await.map_err(|answer| {
            asking.heard(&answer.outcome);
            Unsaid::Came(answer.outcome).of(what)
        })?;
        self.way.gate.authorized();
        Ok(me)
    }

    async fn get<T: DeserializeOwned>(&self, route: &Route<'_>) -> Result<Said<T>, NotKnown> {
        let asked = self.asking().get(route).await;
        asked.map_err(|unsaid| unsaid.of("Discord"))
    }

    fn asking(&self) -> Asking<'_> {
        Asking {
            way: self.way,
            turn: self.target,
        }
    }
}

impl RoleBody {
    fn facts(self) -> RoleFacts {
        RoleFacts {
            role_id: self.id,
            name: self.name,
            position: self.position,
            permissions: self.permissions,
            bot_id: self.tags.bot_id,
        }
    }
}

/// `kind` is the target's; `place` is where its overwrites are.
fn facts_of(kind: ChannelType, place: ChannelBody) -> ChannelFacts {
    ChannelFacts {
        kind,
        name: place.name.unwrap_or_else(|| place.id.to_string()),
        overwrites: place.permission_overwrites.unwrap_or_default(),
    }
}

fn sight(guild: &GuildFacts, channel: &ChannelFacts, kind: i16) -> Sight {
    let verdict = permissions_core::judge(guild, channel);
    let roles = guild.roles.iter().map(|role| role.role_id);
    Sight {
        guild_id: Some(guild.guild_id),
        kind: Some(kind),
        obstacle: verdict.obstacle,
        advice: verdict.advice,
        can_read_history: verdict.can_read_history,
        // A ping of the role with the guild's id would be one of everybody, and is none.
        roles: roles
            .filter(|role| role.get() != guild.guild_id.get())
            .collect(),
    }
}

/// Nothing is known but this. Where the channel is said to be is no word of Discord's.
fn blocked(obstacle: Obstacle) -> Sight {
    Sight {
        guild_id: None,
        kind: None,
        obstacle: Some(obstacle),
        advice: None,
        can_read_history: false,
        roles: Vec::new(),
    }
}

fn refused(what: &str, code: u64) -> NotKnown {
    NotKnown(format!("Discord does not show {what} (code {code})"))
}
