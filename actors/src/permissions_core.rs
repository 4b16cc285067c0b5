//! Whether the bot can mirror into a channel, and if not, what a person must change: Discord's documented permission algorithm
//! over plain facts, and its outcome as one sentence in the words of Discord's own settings. Asks nobody anything.

use crate::messages::Obstacle;
use heliograph_schema::ids::{GuildId, RoleId, UserId};
use twilight_model::{
    channel::{
        ChannelType,
        permission_overwrite::{PermissionOverwrite, PermissionOverwriteType},
    },
    guild::Permissions,
};

/// A role, as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleFacts {
    /// Which.
    pub role_id: RoleId,
    /// Its name.
    pub name: String,
    /// Higher is mightier.
    pub position: i64,
    /// What it gives in the whole guild.
    pub permissions: Permissions,
    /// The bot whose own role it is.
    pub bot_id: Option<UserId>,
}

/// A guild and the bot in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuildFacts {
    /// Which; also the id of the role `@everyone`.
    pub guild_id: GuildId,
    /// Who may do everything.
    pub owner_id: UserId,
    /// All of them, `@everyone` included.
    pub roles: Vec<RoleFacts>,
    /// The bot.
    pub me: UserId,
    /// The roles it holds, without `@everyone`.
    pub my_roles: Vec<RoleId>,
}

/// A channel, as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelFacts {
    /// What takes messages in which way.
    pub kind: ChannelType,
    /// The name of the channel whose settings hold the overwrites: of a thread its parent.
    pub name: String,
    /// What the channel gives and takes beyond the roles: of a thread its parent's.
    pub overwrites: Vec<PermissionOverwrite>,
}

/// What follows for a mirror.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verdict {
    /// Nothing can be mirrored until this is changed.
    pub obstacle: Option<Obstacle>,
    /// Mirroring works without it, less well.
    pub advice: Option<String>,
    /// What stands in the channel can be read back.
    pub can_read_history: bool,
}

/// Permissions that mirrors speak of, with the names that Discord's settings give them.
const NAMES: [(Permissions, &str); 7] = [
    (Permissions::VIEW_CHANNEL, "View Channel"),
    (Permissions::CONNECT, "Connect"),
    (Permissions::SEND_MESSAGES, "Send Messages"),
    (
        Permissions::SEND_MESSAGES_IN_THREADS,
        "Send Messages in Threads",
    ),
    (Permissions::EMBED_LINKS, "Embed Links"),
    (Permissions::ATTACH_FILES, "Attach Files"),
    (Permissions::READ_MESSAGE_HISTORY, "Read Message History"),
];

/// Without these messages appear all the same; reading back what is in doubt and sending files do not work.
const WISHED: Permissions = Permissions::READ_MESSAGE_HISTORY.union(Permissions::ATTACH_FILES);

/// What a mirror needs in a channel of this kind; `None` where no bot can post messages.
pub fn needed(kind: ChannelType) -> Option<Permissions> {
    let always = Permissions::VIEW_CHANNEL | Permissions::EMBED_LINKS;
    let more = match kind {
        ChannelType::GuildText | ChannelType::GuildAnnouncement => Permissions::SEND_MESSAGES,
        // Where one cannot connect nothing else is allowed either (documented).
        ChannelType::GuildVoice | ChannelType::GuildStageVoice => {
            Permissions::SEND_MESSAGES | Permissions::CONNECT
        }
        // A post is made by the first, its later messages by the second.
        ChannelType::GuildForum | ChannelType::GuildMedia => {
            Permissions::SEND_MESSAGES | Permissions::SEND_MESSAGES_IN_THREADS
        }
        ChannelType::PublicThread
        | ChannelType::PrivateThread
        | ChannelType::AnnouncementThread => Permissions::SEND_MESSAGES_IN_THREADS,
        _ => return None,
    };
    Some(always | more)
}

/// What the bot may do in the guild before any channel is looked at.
pub fn base(guild: &GuildFacts) -> Permissions {
    if guild.owner_id == guild.me {
        return Permissions::all();
    }
    let everyone = guild.guild_id.get();
    let held = guild
        .roles
        .iter()
        .filter(|role| role.role_id.get() == everyone || guild.my_roles.contains(&role.role_id));
    let base = held.fold(Permissions::empty(), |all, role| all | role.permissions);
    if base.contains(Permissions::ADMINISTRATOR) {
        Permissions::all()
    } else {
        base
    }
}

/// What the bot may do under these overwrites: those for `@everyone`, then all of its roles together, then its own. Who may
/// not view a channel may do nothing there.
pub fn in_channel(guild: &GuildFacts, overwrites: &[PermissionOverwrite]) -> Permissions {
    let granted = granted(guild, overwrites);
    if granted.contains(Permissions::VIEW_CHANNEL) {
        granted
    } else {
        Permissions::empty()
    }
}

/// The same, without what follows from not viewing: all that is to be changed, not only the first of it.
fn granted(guild: &GuildFacts, overwrites: &[PermissionOverwrite]) -> Permissions {
    let base = base(guild);
    if base.contains(Permissions::ADMINISTRATOR) {
        return base;
    }
    let everyone = guild.guild_id.get().unsigned_abs();
    let my_role = |id: u64| {
        guild
            .my_roles
            .iter()
            .any(|role| role.get().unsigned_abs() == id)
    };
    let steps: [&dyn Fn(&PermissionOverwrite) -> bool; 3] = [
        &|one| one.kind == PermissionOverwriteType::Role && one.id.get() == everyone,
        &|one| {
            one.kind == PermissionOverwriteType::Role
                && one.id.get() != everyone
                && my_role(one.id.get())
        },
        &|one| is_mine(guild, one),
    ];
    steps.iter().fold(base, |permissions, concerns| {
        let (mut allow, mut deny) = (Permissions::empty(), Permissions::empty());
        for one in overwrites.iter().filter(|one| concerns(one)) {
            allow |= one.allow;
            deny |= one.deny;
        }
        (permissions - deny) | allow
    })
}

fn is_mine(guild: &GuildFacts, one: &PermissionOverwrite) -> bool {
    one.kind == PermissionOverwriteType::Member && one.id.get() == guild.me.get().unsigned_abs()
}

/// Whether mirroring works in this channel, and what to change.
pub fn judge(guild: &GuildFacts, channel: &ChannelFacts) -> Verdict {
    let Some(needed) = needed(channel.kind) else {
        let (name, kind) = (&channel.name, kind_word(channel.kind));
        return Verdict {
            obstacle: Some(Obstacle(format!(
                "#{name} is {kind} and takes no messages: choose a text channel."
            ))),
            ..Verdict::default()
        };
    };
    Verdict {
        obstacle: obstacle(needed, guild, channel),
        advice: missing(WISHED, guild, channel),
        can_read_history: in_channel(guild, &channel.overwrites)
            .contains(Permissions::READ_MESSAGE_HISTORY),
    }
}

/// One sentence that says what to change, when something of `needed` is missing.
pub fn obstacle(
    needed: Permissions,
    guild: &GuildFacts,
    channel: &ChannelFacts,
) -> Option<Obstacle> {
    missing(needed, guild, channel).map(Obstacle)
}

fn missing(needed: Permissions, guild: &GuildFacts, channel: &ChannelFacts) -> Option<String> {
    let missing = needed - granted(guild, &channel.overwrites);
    if missing.is_empty() {
        return None;
    }
    let (name, whom, what) = (&channel.name, whom(guild, channel, missing), list(missing));
    Some(if missing.contains(Permissions::VIEW_CHANNEL) {
        format!("The bot cannot see #{name}: there give {whom} {what}.")
    } else {
        format!("In #{name} give {whom} {what}.")
    })
}

/// To whom the permissions are to be given, so that it helps: a channel's word on a member comes after its words on roles.
fn whom(guild: &GuildFacts, channel: &ChannelFacts, missing: Permissions) -> String {
    let taken_from_me = channel
        .overwrites
        .iter()
        .any(|one| is_mine(guild, one) && one.deny.intersects(missing));
    let mine = guild
        .roles
        .iter()
        .filter(|role| guild.my_roles.contains(&role.role_id))
        .max_by_key(|role| (role.bot_id == Some(guild.me), role.position));
    match mine {
        Some(role) if !taken_from_me => format!("the bot's role \"{}\"", role.name),
        _ => "the bot itself, under Members,".to_owned(),
    }
}

/// `the permission "A"` or `the permissions "A", "B" and "C"`.
fn list(permissions: Permissions) -> String {
    let named = NAMES
        .iter()
        .filter(|(permission, _)| permissions.contains(*permission));
    let names: Vec<String> = named.map(|(_, name)| format!("\"{name}\"")).collect();
    match names.split_last() {
        Some((last, [])) => format!("the permission {last}"),
        Some((last, others)) => format!("the permissions {} and {last}", others.join(", ")),
        None => "what it needs".to_owned(),
    }
}

fn kind_word(kind: ChannelType) -> &'static str {
    match kind {
        ChannelType::GuildCategory => "a category",
        ChannelType::Private | ChannelType::Group => "a private conversation",
        ChannelType::GuildDirectory => "a directory",
        _ => "of a kind this version does not know",
    }
}

/// Discord's 10003.
pub fn channel_is_gone() -> Obstacle {
    Obstacle(
        "The channel does not exist any more: choose another target or delete the mapping."
            .to_owned(),
    )
}

/// Discord's 50001, where nothing more is known of the channel.
pub fn channel_is_hidden() -> Obstacle {
    Obstacle(
        "The bot cannot see the channel: add the bot to its server, and there give the bot's role the permission \
         \"View Channel\"."
            .to_owned(),
    )
}

/// The bot is in no such guild.
pub fn not_a_member(guild_id: GuildId) -> Obstacle {
    let text = needed(ChannelType::GuildText).unwrap_or(WISHED);
    let needs = list(text | WISHED);
    Obstacle(format!(
        "The bot is not on the server of the channel ({guild_id}): add it there with {needs}."
    ))
}

#[cfg(test)]
mod tests;
