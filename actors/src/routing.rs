//! The configuration the running router works by: one immutable snapshot, swapped whole when an admin changes something.
//! Read from the tables by `heliograph_schema::store::routing`; nothing on the hot path asks the database for it.

use crate::markup_core::Names;
use heliograph_schema::{
    ids::{ChannelId, GuildId, RoleId, ThreadId},
    rules::MappingRules,
};
use std::{collections::HashMap, sync::Arc};

/// Which messages of a source channel are captured, by where they stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ThreadMode {
    /// Channel and threads.
    Include,
    /// Only outside threads.
    Exclude,
    /// Only inside threads.
    Only,
}

impl ThreadMode {
    /// Whether a message that stands in `thread` (or in none) is captured.
    pub fn takes(self, thread: Option<ThreadId>) -> bool {
        match self {
            Self::Include => true,
            Self::Exclude => thread.is_none(),
            Self::Only => thread.is_some(),
        }
    }

    /// The word in the tables and in the contract.
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

/// What a channel is to one connector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelRole {
    /// The channel.
    pub channel_id: ChannelId,
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

/// A pending or answered wish of an admin to see guilds or channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DiscoveryRequest {
    /// Counts up; 0 means never asked.
    pub version: i64,
    /// `None`: the guilds; else the channels of this one.
    pub guild_id: Option<GuildId>,
    /// When, ms since 1970.
    pub requested_at_ms: Option<i64>,
}

/// The token before the last rotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PreviousToken {
    /// SHA-256 of it.
    pub hash: [u8; 32],
    /// From then on it is worth nothing, in ms since 1970.
    pub until_ms: i64,
}

/// A connector and all it needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connector {
    /// Its id, unique in this installation.
    pub connector_id: String,
    /// The tenant it belongs to.
    pub tenant_key: String,
    /// SHA-256 of its token.
    pub token_hash: [u8; 32],
    /// The one before it, as long as it may still be valid.
    pub previous_token: Option<PreviousToken>,
    /// Ingest refused, configuration still readable.
    pub is_paused: bool,
    /// May push at all.
    pub ingest_enabled: bool,
    /// Its signals are mirrored.
    pub forward_enabled: bool,
    /// Moves with every change the connector must see.
    pub config_version: i64,
    /// Moves alone.
    pub discovery: DiscoveryRequest,
    /// Its channels.
    pub roles: HashMap<ChannelId, ChannelRole>,
}

/// From a source channel into a target channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mapping {
    /// Row id.
    pub mapping_id: i64,
    /// Captured from.
    pub source_channel_id: ChannelId,
    /// Mirrored into.
    pub target_channel_id: ChannelId,
    /// Who the target is for; shown to admins.
    pub tier: i16,
    /// Role of the target guild to ping with a new signal.
    pub ping_role_id: Option<RoleId>,
    /// What is made of its signals; `None`: nothing is changed.
    pub rule_set_id: Option<i64>,
    /// Order among the mappings of a source, for connectors.
    pub priority: i32,
}

/// A source channel as readers know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceChannel {
    /// The channel.
    pub channel_id: ChannelId,
    /// Its name, or its id where no snapshot named it.
    pub name: String,
    /// Its guild.
    pub guild_id: GuildId,
    /// The guild's name, or its id.
    pub guild_name: String,
    /// Lowest tier that sees it live; `None` hides it.
    pub min_tier: Option<i16>,
}

/// The whole snapshot.
#[derive(Debug, Clone, Default)]
pub struct RoutingTable {
    /// Counts the swaps of this process.
    pub version: u64,
    /// By id.
    pub connectors: HashMap<String, Arc<Connector>>,
    /// Connectors by the hash of their token, and by that of the one before it: whether that one is still valid is to be asked each
    /// time.
    pub connector_by_token: HashMap<[u8; 32], Arc<Connector>>,
    /// Every channel that is an enabled source of some connector.
    pub sources: HashMap<ChannelId, Arc<SourceChannel>>,
    /// Enabled mappings by source channel, in order of priority.
    pub mappings: HashMap<ChannelId, Vec<Mapping>>,
    /// The rules of those mappings by id, as connectors are told them.
    pub rule_sets: HashMap<i64, MappingRules>,
    /// Every channel that is or was mirrored into and may still have work: targets of mappings and of pending deliveries.
    pub targets: Vec<ChannelId>,
    /// The names of all known channels, for mirrors.
    pub names: Arc<Names>,
}

impl RoutingTable {
    /// The channels a viewer of this tier may see live.
    pub fn visible_to(&self, tier: i16) -> impl Iterator<Item = &Arc<SourceChannel>> {
        self.sources
            .values()
            .filter(move |source| source.min_tier.is_some_and(|min| min <= tier))
    }

    /// Whether a viewer of this tier may see this channel live.
    pub fn may_see(&self, tier: i16, channel_id: ChannelId) -> bool {
        self.sources
            .get(&channel_id)
            .and_then(|source| source.min_tier)
            .is_some_and(|min| min <= tier)
    }
}
