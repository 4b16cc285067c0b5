//! Reads the file. What is wrong with it is said with line and column, and nothing of it is taken then.

use super::{
    Channel, Configuration, Connector, DOCUMENT_BYTES_MAX, FORMAT, Mapping, Pair, Status, Target,
    ThreadMode, Visibility,
};
use crate::{
    ids::{ChannelId, GuildId, RoleId},
    rules::{AuthorStyle, Filters, HandDeletions, MappingRules, ThreadStyle, Transform},
    words,
};
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor},
};
use std::{borrow::Cow, collections::BTreeMap, fmt, marker::PhantomData, ops::Range, str::FromStr};
use toml::Spanned;

/// Where something stands in the file; the first is 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Place {
    /// Line.
    pub line: usize,
    /// Character in the line.
    pub column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// What is wrong with the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {message}")]
pub struct DocumentError {
    /// Where.
    pub place: Place,
    /// For people.
    pub message: String,
}

/// What the file says, and where.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReadDocument {
    /// What it says.
    pub configuration: Configuration,
    /// Where each connector begins.
    pub connectors: BTreeMap<String, Place>,
    /// Where each target begins.
    pub targets: BTreeMap<ChannelId, Place>,
    /// Where each mapping begins.
    pub mappings: BTreeMap<Pair, Place>,
}

/// Reads the file. `judged` says what is wrong with rules that cannot be carried out.
///
/// # Errors
/// The first thing that is wrong.
pub fn read(
    text: &str,
    judged: &dyn Fn(&MappingRules) -> Result<(), String>,
) -> Result<ReadDocument, DocumentError> {
    let places = Places::of(text);
    if text.len() > DOCUMENT_BYTES_MAX {
        let message = format!("{} bytes, at most {DOCUMENT_BYTES_MAX}", text.len());
        return Err(places.error(0, message));
    }
    let said: Document = toml::from_str(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        places.error(at, error.message())
    })?;
    if *said.format.get_ref() != FORMAT {
        let message = format!(
            "format {} is not known: this is read by format {FORMAT}",
            said.format.get_ref()
        );
        return Err(places.error(said.format.span().start, message));
    }
    let mut read = ReadDocument::default();
    let taken = &mut read.configuration;
    for (Key(id), said) in said.connectors.0 {
        read.connectors
            .insert(id.clone(), places.at(said.span().start));
        let said = said.into_inner();
        for (Id(channel), role) in said.channels.0 {
            taken.channels.insert((id.clone(), channel), role.into());
        }
        let name = said.name.map_or_else(|| id.clone(), |Name(name)| name);
        let connector = Connector {
            tenant_key: said.tenant_key.0,
            name,
            status: said.status,
            ingest_enabled: said.ingest_enabled,
            forward_enabled: said.forward_enabled,
        };
        taken.connectors.insert(id, connector);
    }
    for (Id(channel), said) in said.visibility.0 {
        let visibility = Visibility {
            guild_id: said.guild_id,
            min_tier: said.min_tier.0,
        };
        taken.visibility.insert(channel, visibility);
    }
    for (Id(channel), said) in said.targets.0 {
        read.targets.insert(channel, places.at(said.span().start));
        let said = said.into_inner();
        let target = Target {
            is_target: said.is_target,
            is_paused: said.is_paused,
        };
        // Where nothing is decided, nothing is said.
        if target != Target::default() {
            taken.targets.insert(channel, target);
        }
    }
    for said in said.mappings {
        let Range { start, .. } = said.span();
        let (pair, mapping) = said.into_inner().settings();
        if pair.0 == pair.1 {
            let message = format!("channel {} cannot be mapped into itself", pair.0);
            return Err(places.error(start, message));
        }
        judged(&mapping.rules).map_err(|message| places.error(start, message))?;
        if let Some(first) = read.mappings.insert(pair, places.at(start)) {
            let message = format!(
                "channel {} is mapped into {} in line {} already",
                pair.0, pair.1, first.line
            );
            return Err(places.error(start, message));
        }
        taken.mappings.insert(pair, mapping);
    }
    Ok(read)
}

/// Finds line and column of a byte.
struct Places<'a> {
    text: &'a str,
    line_starts: Vec<usize>,
}

impl<'a> Places<'a> {
    fn of(text: &'a str) -> Self {
        let breaks = text.match_indices('\n').map(|(at, _)| at + 1);
        Self {
            text,
            line_starts: std::iter::once(0).chain(breaks).collect(),
        }
    }

    fn at(&self, byte: usize) -> Place {
        let line = self.line_starts.partition_point(|start| *start <= byte);
        let start = self.line_starts[line.saturating_sub(1)];
        let before = self.text.get(start..byte.max(start)).unwrap_or_default();
        Place {
            line,
            column: before.chars().count() + 1,
        }
    }

    fn error(&self, byte: usize, message: impl Into<String>) -> DocumentError {
        DocumentError {
            place: self.at(byte),
            message: message.into(),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    format: Spanned<i64>,
    #[serde(default)]
    connectors: Entries<Key, Spanned<SaidConnector>>,
    #[serde(default)]
    visibility: Entries<Id, SaidVisibility>,
    #[serde(default)]
    targets: Entries<Id, Spanned<SaidTarget>>,
    #[serde(default)]
    mappings: Vec<Spanned<SaidMapping>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SaidConnector {
    tenant_key: Key,
    name: Option<Name>,
    #[serde(default)]
    status: Status,
    #[serde(default = "yes")]
    ingest_enabled: bool,
    #[serde(default)]
    forward_enabled: bool,
    #[serde(default)]
    channels: Entries<Id, SaidChannel>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SaidChannel {
    guild_id: GuildId,
    #[serde(default)]
    is_source: bool,
    #[serde(default)]
    is_target: bool,
    #[serde(default = "yes")]
    is_enabled: bool,
    #[serde(default)]
    thread_mode: ThreadMode,
}

impl From<SaidChannel> for Channel {
    fn from(said: SaidChannel) -> Self {
        Self {
            guild_id: said.guild_id,
            is_source: said.is_source,
            is_target: said.is_target,
            is_enabled: said.is_enabled,
            thread_mode: said.thread_mode,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SaidVisibility {
    guild_id: GuildId,
    min_tier: Tier,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SaidTarget {
    #[serde(default)]
    is_target: bool,
    #[serde(default)]
    is_paused: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SaidMapping {
    source_channel_id: ChannelId,
    target_channel_id: ChannelId,
    #[serde(default)]
    tier: Tier,
    ping_role_id: Option<RoleId>,
    #[serde(default)]
    priority: i32,
    #[serde(default = "yes")]
    is_enabled: bool,
    #[serde(default)]
    filters_json: Filters,
    #[serde(default)]
    transform_json: Transform,
    #[serde(default)]
    author_style: AuthorStyle,
    #[serde(default)]
    thread_style: ThreadStyle,
    #[serde(default)]
    hand_deletions: HandDeletions,
}

impl SaidMapping {
    fn settings(self) -> (Pair, Mapping) {
        let mapping = Mapping {
            tier: self.tier.0,
            ping_role_id: self.ping_role_id,
            priority: self.priority,
            is_enabled: self.is_enabled,
            rules: MappingRules {
                filters: self.filters_json,
                transform: self.transform_json,
                author_style: self.author_style,
                thread_style: self.thread_style,
                hand_deletions: self.hand_deletions,
            },
        };
        ((self.source_channel_id, self.target_channel_id), mapping)
    }
}

fn yes() -> bool {
    true
}

struct Key(String);

impl FromStr for Key {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        words::key(text).map(|()| Self(text.to_owned()))
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

/// An id as a key. Written in one way only, so that no two keys mean the same.
struct Id(ChannelId);

impl FromStr for Id {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let id: ChannelId = text
            .parse()
            .map_err(|error: crate::ids::NotASnowflake| error.to_string())?;
        if id.to_string() == text {
            Ok(Self(id))
        } else {
            Err(format!("write {id}"))
        }
    }
}

struct Name(String);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        words::name(&text)
            .map(|name| Self(name.to_owned()))
            .map_err(D::Error::custom)
    }
}

#[derive(Default)]
struct Tier(i16);

impl<'de> Deserialize<'de> for Tier {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        words::tier(i64::deserialize(deserializer)?)
            .map(Self)
            .map_err(D::Error::custom)
    }
}

/// A table whose keys are of one kind.
struct Entries<K, V>(Vec<(K, V)>);

impl<K, V> Default for Entries<K, V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, K: FromStr<Err = String>, V: Deserialize<'de>> Deserialize<'de> for Entries<K, V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OfMap<K, V>(PhantomData<(K, V)>);
        impl<'de, K: FromStr<Err = String>, V: Deserialize<'de>> Visitor<'de> for OfMap<K, V> {
            type Value = Entries<K, V>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(key) = map.next_key_seed(OfKey(PhantomData))? {
                    entries.push((key, map.next_value()?));
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(OfMap(PhantomData))
    }
}

/// Reads a key where it stands, so that what is wrong with it is told with its place.
struct OfKey<K>(PhantomData<K>);

impl<'de, K: FromStr<Err = String>> serde::de::DeserializeSeed<'de> for OfKey<K> {
    type Value = K;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<K, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        text.parse()
            .map_err(|error| D::Error::custom(format_args!("{text:?} as a key: {error}")))
    }
}
