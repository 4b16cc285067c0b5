//! What a fake starts with: bots, guilds, channels, limits, sizes. The same types declare things later through the
//! control.

use serde::{Deserialize, Serialize};

use crate::{
    faults_core::FaultRule, id::Id, invalid_core::InvalidLimits, limits::Limits, permissions_core,
};

/// Everything a fake starts with. The default has one bot (token [`DEFAULT_BOT_TOKEN`]), no channel, Discord's
/// observed limits and an ephemeral port.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Port on 127.0.0.1; 0 picks a free one.
    pub port: u16,
    /// The bots whose tokens are accepted.
    pub bots: Vec<Bot>,
    /// Declared guilds.
    pub guilds: Vec<Guild>,
    /// Declared channels.
    pub channels: Vec<Channel>,
    /// Any channel id exists, with every right, in the first declared guild; in one made for it where none is declared.
    pub auto_create_channels: bool,
    /// Rate limits.
    pub limits: Limits,
    /// When invalid requests bring a ban.
    pub invalid_requests: InvalidLimits,
    /// How long an enforced nonce is remembered, milliseconds.
    pub nonce_window_ms: u64,
    /// Start with a clock that stands still at this moment (milliseconds since the Unix epoch) and only moves when
    /// told. `None`: the real time.
    pub manual_clock_at_ms: Option<u64>,
    /// Active threads a guild may have before code 160006.
    pub active_threads_max: usize,
    /// Messages remembered, deleted ones included, and nonces; the oldest are forgotten first.
    pub messages_max: usize,
    /// Lines of the request log remembered.
    pub request_log_max: usize,
    /// Characters of content kept in a line of the request log.
    pub content_prefix_chars_max: usize,
    /// Bytes of attachments remembered; the oldest are forgotten first.
    pub attachment_bytes_max: usize,
    /// Fault rules in force from the start.
    pub faults: Vec<FaultRule>,
    /// Threads that answer requests.
    pub worker_threads: usize,
}

/// The token of the default bot.
pub const DEFAULT_BOT_TOKEN: &str = "fake-bot-token";

impl Default for Settings {
    fn default() -> Self {
        Self {
            port: 0,
            bots: vec![Bot::new(DEFAULT_BOT_TOKEN, 900_000_000_000_000_001)],
            guilds: Vec::new(),
            channels: Vec::new(),
            auto_create_channels: false,
            limits: Limits::default(),
            invalid_requests: InvalidLimits::default(),
            nonce_window_ms: 180_000,
            manual_clock_at_ms: None,
            active_threads_max: 1_000,
            messages_max: 1_000_000,
            request_log_max: 200_000,
            content_prefix_chars_max: 96,
            attachment_bytes_max: 256 * 1024 * 1024,
            faults: Vec::new(),
            worker_threads: 1,
        }
    }
}

impl Settings {
    /// Any channel exists and nothing is limited: for the demo and for throughput measurements.
    pub fn open() -> Self {
        Self {
            auto_create_channels: true,
            limits: Limits::off(),
            ..Self::default()
        }
    }
}

/// A bot and its token.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Bot {
    /// What follows `Bot ` in the Authorization header.
    pub token: String,
    /// The bot's user id.
    pub user_id: Id,
    /// The bot's user name.
    #[serde(default = "fake_bot")]
    pub username: String,
}

fn fake_bot() -> String {
    "fake-bot".to_owned()
}

impl Bot {
    /// A bot with this token and user id.
    pub fn new(token: &str, user_id: u64) -> Self {
        Self {
            token: token.to_owned(),
            user_id: Id(user_id),
            username: fake_bot(),
        }
    }
}

/// What bots may do in a channel: a shorthand for overwrites that deny the rest to each bot. Everything is allowed by
/// default, as far as the guild and the channel's own overwrites allow it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Rights {
    /// Without it every request in the channel is 403 code 50001.
    pub view: bool,
    pub send: bool,
    /// Without it a list of messages is empty, and a single one is 403 code 50013.
    pub read_history: bool,
    pub embed_links: bool,
    pub attach_files: bool,
    /// Without it `@everyone`, `@here` and roles that are not mentionable ping nobody.
    pub mention_everyone: bool,
    /// Needed to delete messages of others.
    pub manage_messages: bool,
    pub manage_webhooks: bool,
    pub create_threads: bool,
}

impl Default for Rights {
    fn default() -> Self {
        Self {
            view: true,
            send: true,
            read_history: true,
            embed_links: true,
            attach_files: true,
            mention_everyone: true,
            manage_messages: true,
            manage_webhooks: true,
            create_threads: true,
        }
    }
}

/// Whom an overwrite is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OverwriteKind {
    /// Everybody with a role; the role with the guild's id is everybody.
    Role,
    /// One member.
    Member,
}

/// What a channel gives and takes beyond the roles, in Discord's permission bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Overwrite {
    /// The role or the member.
    pub id: Id,
    /// Which of the two.
    pub kind: OverwriteKind,
    /// Given.
    #[serde(default)]
    pub allow: u64,
    /// Taken.
    #[serde(default)]
    pub deny: u64,
}

impl Overwrite {
    /// Takes these bits.
    pub const fn deny(kind: OverwriteKind, id: Id, deny: u64) -> Self {
        Self {
            id,
            kind,
            allow: 0,
            deny,
        }
    }
}

/// A channel or thread.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Channel {
    /// The channel's id.
    pub id: Id,
    /// The guild it belongs to.
    #[serde(default)]
    pub guild_id: Option<Id>,
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// Discord's number of the type: 0 text, 2 voice, 4 category, 5 announcement, 11 public thread, 12 private thread, 15 forum.
    #[serde(default, rename = "type")]
    pub kind: u8,
    /// The category it stands in, or the channel a thread hangs below.
    #[serde(default)]
    pub parent_id: Option<Id>,
    /// Its place among its neighbours.
    #[serde(default)]
    pub position: i64,
    /// Threads: who opened it, a bot or a webhook.
    #[serde(default)]
    pub owner_id: Option<Id>,
    /// Threads: edits and deletes are refused with code 50083; a new message wakes it, unless it is locked.
    #[serde(default)]
    pub archived: bool,
    /// Threads: when it was last archived or woken, milliseconds since the Unix epoch on the fake's clock; `None`: never.
    #[serde(default)]
    pub archived_at_ms: Option<u64>,
    /// Threads: minutes of silence after which Discord would archive it. This fake only shows them.
    #[serde(default)]
    pub auto_archive_minutes: Option<u64>,
    /// Threads: a new message does not wake it, and is refused with code 160005 while it is awake.
    #[serde(default)]
    pub locked: bool,
    /// What bots may do there.
    #[serde(default)]
    pub rights: Rights,
    /// Overwrites beside those that follow from the rights. A thread has its parent's.
    #[serde(default)]
    pub overwrites: Vec<Overwrite>,
}

impl Channel {
    /// A text channel with every right.
    pub fn text(id: u64, guild_id: u64) -> Self {
        Self {
            id: Id(id),
            guild_id: Some(Id(guild_id)),
            name: format!("channel-{id}"),
            kind: 0,
            parent_id: None,
            position: 0,
            owner_id: None,
            archived: false,
            archived_at_ms: None,
            auto_archive_minutes: None,
            locked: false,
            rights: Rights::default(),
            overwrites: Vec::new(),
        }
    }

    /// The same channel of another kind, with a name, in a category and at a place.
    pub fn placed(mut self, kind: u8, name: &str, category: Option<u64>, position: i64) -> Self {
        self.kind = kind;
        name.clone_into(&mut self.name);
        self.parent_id = category.map(Id);
        self.position = position;
        self
    }

    /// The same channel with these overwrites.
    pub fn with_overwrites(mut self, overwrites: Vec<Overwrite>) -> Self {
        self.overwrites = overwrites;
        self
    }

    /// The same channel with other rights.
    pub fn with_rights(mut self, rights: Rights) -> Self {
        self.rights = rights;
        self
    }

    /// Archives a thread or wakes it, at this moment in milliseconds since the Unix epoch.
    pub(crate) const fn set_archived(&mut self, archived: bool, now_ms: u64) {
        if self.archived != archived {
            self.archived = archived;
            self.archived_at_ms = Some(now_ms);
        }
    }

    pub(crate) const fn is_thread(&self) -> bool {
        matches!(self.kind, 10..=12)
    }

    /// A thread that everybody who sees its channel sees too.
    pub(crate) const fn is_public_thread(&self) -> bool {
        matches!(self.kind, 10 | 11)
    }

    pub(crate) const fn is_forum(&self) -> bool {
        matches!(self.kind, 15 | 16)
    }
}

/// A guild with its roles and members.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Guild {
    /// The guild's id.
    pub id: Id,
    /// Its name.
    pub name: String,
    /// Its roles, without `@everyone`, which is always there with the guild's id.
    #[serde(default)]
    pub roles: Vec<Role>,
    /// Its members, without the bots, which are always there.
    #[serde(default)]
    pub members: Vec<Member>,
    /// Position of the bots' highest role: they manage only the roles below it.
    #[serde(default = "top_position")]
    pub bot_role_position: i64,
    /// Whether bots may give and take roles at all.
    #[serde(default = "yes")]
    pub bot_manages_roles: bool,
    /// Its owner, who may do everything.
    #[serde(default = "first_user")]
    pub owner_id: Id,
    /// Whether bots are members. Where they are not, its channels are hidden from them.
    #[serde(default = "yes")]
    pub has_bots: bool,
    /// Permission bits of `@everyone`; by default all that [`Rights`] speaks of.
    #[serde(default = "every_right")]
    pub everyone_permissions: u64,
    /// Permission bits of the bots' own role, beside managing roles.
    #[serde(default = "every_right")]
    pub bot_permissions: u64,
    /// Declared roles that bots hold beside their own.
    #[serde(default)]
    pub bot_roles: Vec<Id>,
}

const fn first_user() -> Id {
    Id(1)
}

fn every_right() -> u64 {
    permissions_core::bits(&Rights::default())
}

const fn top_position() -> i64 {
    100
}

const fn yes() -> bool {
    true
}

impl Guild {
    /// A guild with these roles and members.
    pub fn new(id: u64, roles: Vec<Role>, members: Vec<Member>) -> Self {
        Self {
            id: Id(id),
            name: format!("guild-{id}"),
            roles,
            members,
            bot_role_position: top_position(),
            bot_manages_roles: true,
            owner_id: first_user(),
            has_bots: true,
            everyone_permissions: every_right(),
            bot_permissions: every_right(),
            bot_roles: Vec::new(),
        }
    }
}

/// A role of a guild.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Role {
    /// The role's id.
    pub id: Id,
    /// Its name.
    pub name: String,
    /// Its place in the hierarchy; higher is mightier.
    #[serde(default)]
    pub position: i64,
    /// Its color, 24 bits; 0: none.
    #[serde(default)]
    pub color: u32,
    /// Belongs to an integration: nobody can give it.
    #[serde(default)]
    pub managed: bool,
    /// The bot it belongs to, said in its tags.
    #[serde(default)]
    pub bot_id: Option<Id>,
    /// Everybody may ping it.
    #[serde(default)]
    pub mentionable: bool,
    /// Its permission bits.
    #[serde(default)]
    pub permissions: u64,
}

impl Role {
    /// A role at this position.
    pub fn new(id: u64, position: i64) -> Self {
        Self {
            id: Id(id),
            name: format!("role-{id}"),
            position,
            color: 0,
            managed: false,
            bot_id: None,
            mentionable: false,
            permissions: 0,
        }
    }
}

/// A member of a guild.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// The user.
    pub user_id: Id,
    /// The user's name.
    #[serde(default)]
    pub username: String,
    /// The roles held.
    #[serde(default)]
    pub roles: Vec<Id>,
}

impl Member {
    /// A member without roles.
    pub fn new(user_id: u64) -> Self {
        Self {
            user_id: Id(user_id),
            username: format!("user-{user_id}"),
            roles: Vec::new(),
        }
    }
}
