//! Guilds, channels and webhooks: what exists and who may do what there. Knows no messages and no HTTP.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{
    id::Id,
    permissions_core::{self as may, MENTION_EVERYONE, VIEW},
    reply::ApiError,
    settings::{Channel, Guild, Member, Overwrite, Settings},
};

/// The guild of channels that are made on the spot where no guild is declared.
const OPEN_GUILD: u64 = 100;
/// What webhooks and the control may do: they are no members.
const EVERYTHING: u64 = u64::MAX;

/// A webhook that takes posts.
#[derive(Clone, Debug, Serialize)]
pub struct Webhook {
    /// The webhook's id.
    pub id: Id,
    /// Where it posts.
    pub channel_id: Id,
    /// Its name.
    pub name: String,
    /// Who made it, a bot or a person.
    pub owner_id: Id,
    #[serde(skip)]
    pub(crate) token: String,
}

impl Webhook {
    /// A webhook with a token of its own.
    pub(crate) fn new(id: Id, channel_id: Id, owner_id: Id, name: &str) -> Self {
        let digits = id.0.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        Self {
            id,
            channel_id,
            name: name.to_owned(),
            owner_id,
            token: format!("fake-webhook-token-{digits:016x}"),
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct World {
    pub(crate) guilds: BTreeMap<Id, Guild>,
    pub(crate) channels: BTreeMap<Id, Channel>,
    pub(crate) webhooks: BTreeMap<Id, Webhook>,
    auto_create_channels: bool,
    bots: Vec<Id>,
    /// The bot whose request is being worked on; `None`: a webhook, whose token is all it needs.
    asking: Option<Id>,
}

impl World {
    pub(crate) fn new(settings: &Settings) -> Self {
        let mut guilds: BTreeMap<Id, Guild> = settings
            .guilds
            .iter()
            .map(|guild| (guild.id, guild.clone()))
            .collect();
        if settings.auto_create_channels && guilds.is_empty() {
            let open = Guild::new(OPEN_GUILD, Vec::new(), Vec::new());
            guilds.insert(open.id, open);
        }
        Self {
            guilds,
            channels: settings
                .channels
                .iter()
                .map(|channel| (channel.id, channel.clone()))
                .collect(),
            webhooks: BTreeMap::new(),
            auto_create_channels: settings.auto_create_channels,
            bots: Vec::new(),
            asking: None,
        }
    }

    /// A request of this bot, of these, is worked on from now on.
    pub(crate) fn ask_as(&mut self, bot: Option<Id>, bots: impl Iterator<Item = Id>) {
        self.asking = bot;
        self.bots.clear();
        self.bots.extend(bots);
    }

    /// A channel bots can see; made on the spot where settings say so.
    pub(crate) fn visible(&mut self, id: Id) -> Result<&mut Channel, ApiError> {
        if self.auto_create_channels && !self.channels.contains_key(&id) {
            let mut channel = Channel::text(id.0, 0);
            channel.guild_id = self.guilds.keys().next().copied();
            self.channels.insert(id, channel);
        }
        let channel = self
            .channels
            .get(&id)
            .ok_or_else(ApiError::unknown_channel)?;
        if self.permissions(channel) & VIEW == 0 {
            return Err(ApiError::missing_access());
        }
        self.channels
            .get_mut(&id)
            .ok_or_else(ApiError::unknown_channel)
    }

    /// A visible channel in which whoever asks has all of these permissions.
    pub(crate) fn allowed(&mut self, id: Id, needed: u64) -> Result<&mut Channel, ApiError> {
        let channel = self.visible(id)?.clone();
        if self.permissions(&channel) & needed != needed {
            return Err(ApiError::missing_permissions());
        }
        self.visible(id)
    }

    /// What whoever asks may do in a channel.
    pub(crate) fn permissions(&self, channel: &Channel) -> u64 {
        let Some(bot) = self.asking else {
            return EVERYTHING;
        };
        let overwrites = self.overwrites(channel);
        let guild = channel.guild_id.and_then(|guild| self.guilds.get(&guild));
        match guild {
            Some(guild) if !guild.has_bots => 0,
            Some(guild) => may::in_channel(guild, bot, &overwrites),
            // A guild that nobody declared has nothing special.
            None => {
                let plain = Guild::new(OPEN_GUILD, Vec::new(), Vec::new());
                may::in_channel(&plain, bot, &overwrites)
            }
        }
    }

    /// The overwrites that count in a channel; a thread has its parent's.
    pub(crate) fn overwrites(&self, channel: &Channel) -> Vec<Overwrite> {
        let parent = channel
            .parent_id
            .filter(|_| channel.is_thread())
            .and_then(|parent| self.channels.get(&parent));
        may::overwrites(parent.unwrap_or(channel), &self.bots)
    }

    /// A guild that has bots.
    pub(crate) fn guild(&self, id: Id) -> Result<&Guild, ApiError> {
        self.guilds
            .get(&id)
            .filter(|guild| guild.has_bots)
            .ok_or_else(unknown_guild)
    }

    /// Whether a ping of this role in this channel reaches anybody. A role nobody declared does.
    pub(crate) fn role_pings(&self, channel: &Channel, role: Id) -> bool {
        self.permissions(channel) & MENTION_EVERYONE != 0
            || channel
                .guild_id
                .and_then(|guild| self.guilds.get(&guild))
                .and_then(|guild| guild.roles.iter().find(|declared| declared.id == role))
                .is_none_or(|role| role.mentionable)
    }

    /// A member whose roles a bot may change by this role.
    pub(crate) fn managed_member(
        &mut self,
        guild: Id,
        user: Id,
        role: Id,
    ) -> Result<&mut Member, ApiError> {
        let guild = self.guilds.get_mut(&guild).ok_or_else(unknown_guild)?;
        if !guild.bot_manages_roles {
            return Err(ApiError::missing_permissions());
        }
        let Some(member) = guild
            .members
            .iter_mut()
            .find(|member| member.user_id == user)
        else {
            return Err(unknown_member());
        };
        let Some(role) = guild.roles.iter().find(|declared| declared.id == role) else {
            return Err(ApiError::new(404, 10011, "Unknown Role"));
        };
        if role.managed || role.position >= guild.bot_role_position {
            return Err(ApiError::missing_permissions());
        }
        Ok(member)
    }

    pub(crate) fn member(&self, guild: Id, user: Id) -> Result<&Member, ApiError> {
        self.guild(guild)?
            .members
            .iter()
            .find(|member| member.user_id == user)
            .ok_or_else(unknown_member)
    }

    pub(crate) fn webhook(&self, id: Id, token: &str) -> Result<&Webhook, ApiError> {
        match self.webhooks.get(&id) {
            None => Err(ApiError::new(404, 10015, "Unknown Webhook")),
            Some(webhook) if webhook.token != token => {
                Err(ApiError::new(401, 50027, "Invalid Webhook Token"))
            }
            Some(webhook) => Ok(webhook),
        }
    }

    pub(crate) fn active_threads(&self, guild: Option<Id>) -> impl Iterator<Item = &Channel> {
        self.channels.values().filter(move |channel| {
            channel.is_thread() && !channel.archived && channel.guild_id == guild
        })
    }

    pub(crate) fn threads_of(&self, parent: Id) -> impl Iterator<Item = &Channel> {
        self.channels
            .values()
            .filter(move |channel| channel.is_thread() && channel.parent_id == Some(parent))
    }

    pub(crate) fn webhooks_of(&self, channel: Id) -> impl Iterator<Item = &Webhook> {
        self.webhooks
            .values()
            .filter(move |webhook| webhook.channel_id == channel)
    }

    /// Its channels go with it, as for a bot that is thrown out. False when it is not there.
    pub(crate) fn remove_guild(&mut self, id: Id) -> bool {
        let channels: Vec<Id> = self
            .channels
            .values()
            .filter(|channel| channel.guild_id == Some(id))
            .map(|channel| channel.id)
            .collect();
        channels
            .into_iter()
            .for_each(|channel| self.remove_channel(channel));
        self.guilds.remove(&id).is_some()
    }

    /// Its threads and webhooks go with it.
    pub(crate) fn remove_channel(&mut self, id: Id) {
        self.channels.remove(&id);
        self.channels
            .retain(|_, channel| !channel.is_thread() || channel.parent_id != Some(id));
        self.webhooks.retain(|_, webhook| webhook.channel_id != id);
    }
}

fn unknown_guild() -> ApiError {
    ApiError::new(404, 10004, "Unknown Guild")
}

fn unknown_member() -> ApiError {
    ApiError::new(404, 10007, "Unknown Member")
}
