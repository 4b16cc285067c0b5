//! The whole configuration as one value and as one readable file: what a person decided, by ids, without secrets, versions or
//! anything that counts up by itself. Reads and writes the file and says in what two configurations differ; knows no table.

mod compare;
mod document;
mod writing;

pub use compare::{Action, Change, Comparison, FieldChange, Named, compare, differences};
pub use document::{DocumentError, Place, ReadDocument, read};
pub use writing::write;

use crate::{
    ids::{ChannelId, GuildId, RoleId},
    rules::MappingRules,
};
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};

/// The form of the file. One that says another is not read.
pub const FORMAT: i64 = 1;
/// Bytes of a file.
pub const DOCUMENT_BYTES_MAX: usize = 2 * 1024 * 1024;

/// From which channel into which: what tells mappings apart in the file.
pub type Pair = (ChannelId, ChannelId);

/// All that a person decided.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Configuration {
    /// By their ids.
    pub connectors: BTreeMap<String, Connector>,
    /// What channels are to connectors.
    pub channels: BTreeMap<(String, ChannelId), Channel>,
    /// Channels that somebody sees live; all others are hidden.
    pub visibility: BTreeMap<ChannelId, Visibility>,
    /// Target channels about which something was decided.
    pub targets: BTreeMap<ChannelId, Target>,
    /// By source and target.
    pub mappings: BTreeMap<Pair, Mapping>,
}

/// A connector.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Connector {
    /// The tenant it belongs to; never changes.
    pub tenant_key: String,
    /// For people.
    pub name: String,
    /// Whether it is paused.
    pub status: Status,
    /// May push at all.
    pub ingest_enabled: bool,
    /// Its signals are mirrored.
    pub forward_enabled: bool,
}

/// Whether a connector is paused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It is not.
    #[default]
    Active,
    /// It is.
    Paused,
}

/// What a channel is to a connector.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Channel {
    /// Its guild.
    pub guild_id: GuildId,
    /// Captured from.
    pub is_source: bool,
    /// May be mirrored into.
    pub is_target: bool,
    /// Off without losing its settings.
    pub is_enabled: bool,
    /// What of it is captured.
    pub thread_mode: ThreadMode,
}

/// What of a channel with threads is captured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ThreadMode {
    /// Channel and threads.
    #[default]
    Include,
    /// The channel without its threads.
    Exclude,
    /// Its threads alone.
    Only,
}

impl ThreadMode {
    /// As the tables say it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Include => "include",
            Self::Exclude => "exclude",
            Self::Only => "only",
        }
    }

    /// The mode with this word.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Include, Self::Exclude, Self::Only]
            .into_iter()
            .find(|mode| mode.word() == word)
    }
}

/// Who sees a channel live.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Visibility {
    /// Its guild; says where it stands until somebody sees it, and is no decision.
    #[serde(skip)]
    pub guild_id: GuildId,
    /// The lowest tier that does.
    pub min_tier: i16,
}

/// A target channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Target {
    /// Offered by the bot.
    pub is_target: bool,
    /// Nothing is sent to it.
    pub is_paused: bool,
}

/// A mapping, without its channels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mapping {
    /// Who the target is for.
    pub tier: i16,
    /// Role to ping.
    pub ping_role_id: Option<RoleId>,
    /// Order among the mappings of a source.
    pub priority: i32,
    /// Off without losing its settings.
    pub is_enabled: bool,
    /// What is made of its signals.
    #[serde(flatten)]
    pub rules: MappingRules,
}

impl Configuration {
    /// Whether signals of this channel are captured.
    fn is_source(&self, channel: ChannelId) -> bool {
        self.any(channel, |role| role.is_source)
    }

    /// Whether something may be mirrored into this channel.
    fn is_target(&self, channel: ChannelId) -> bool {
        self.any(channel, |role| role.is_target)
            || self
                .targets
                .get(&channel)
                .is_some_and(|target| target.is_target)
    }

    fn any(&self, channel: ChannelId, is: impl Fn(&Channel) -> bool) -> bool {
        self.connectors.keys().any(|connector| {
            self.channels
                .get(&(connector.clone(), channel))
                .is_some_and(|role| role.is_enabled && is(role))
        })
    }
}

/// What channels and roles are called now, for comments and for people.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KnownNames {
    /// Guild and channel.
    pub channels: HashMap<ChannelId, String>,
    /// Roles.
    pub roles: HashMap<RoleId, String>,
}

impl KnownNames {
    fn pair(&self, (source, target): Pair) -> Option<String> {
        let name = |id: ChannelId| {
            self.channels
                .get(&id)
                .cloned()
                .unwrap_or_else(|| id.to_string())
        };
        let is_known = |id| self.channels.contains_key(id);
        (is_known(&source) || is_known(&target))
            .then(|| format!("{} → {}", name(source), name(target)))
    }
}

#[cfg(test)]
mod tests;
