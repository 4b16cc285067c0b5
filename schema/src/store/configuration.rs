//! The whole configuration between the tables and the file: read at one moment, compared, and applied in one transaction through
//! the functions that every change goes through. What was shown is what is applied: the digest holds both sides.

use super::{
    StoreError,
    audit::{changing, grouped},
    channel_roles::{self, Marked, RoleSettings},
    channels,
    connectors::{self, ConnectorChange, NewConnector},
    mappings::{self, Edit, MappingChange, MappingSettings},
    rule_sets, sightings, target_channels,
};
use crate::{
    configuration_core::{
        self, Channel, Comparison, Configuration, Connector, DocumentError, KnownNames, Mapping,
        Named, Pair, ReadDocument, Status, Target, ThreadMode, Visibility, compare, differences,
    },
    ids::{ChannelId, GuildId, RoleId},
    sql::Sql,
};
use diesel::{
    pg::PgConnection,
    prelude::*,
    sql_types::{Array, BigInt, Bool, Integer, Nullable, SmallInt, Text},
};
use sha2::{Digest, Sha256};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt::Write as _,
};

/// The field of the request that holds the file.
const DOCUMENT: &str = "document";

/// What a file would change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compared {
    /// Stands for the present configuration and the file together.
    pub digest: String,
    /// What is different.
    pub comparison: Comparison,
}

/// Makes the hash of the token of a connector that is new.
pub type TokenOf<'a> = dyn FnMut(&str) -> [u8; 32] + 'a;

/// What was applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// Things that are different now.
    pub changes: usize,
    /// Target channels of which a person's decision changed: their mirrors have to be told.
    pub targets: Vec<ChannelId>,
}

/// The configuration as a file.
///
/// # Errors
/// When the database does not answer.
pub fn export(conn: &mut PgConnection) -> Result<String, StoreError> {
    let (configuration, _) = load(conn)?;
    Ok(configuration_core::write(&configuration, &names(conn)?))
}

/// What applying this file would change.
///
/// # Errors
/// [`StoreError::RefusedField`] with the place in the file, when it says what may not be.
pub fn compare_with(
    conn: &mut PgConnection,
    document: &str,
    read: &ReadDocument,
) -> Result<Compared, StoreError> {
    let (present, _) = load(conn)?;
    let names = names(conn)?;
    let mut comparison = compare(&present, read, &names).map_err(|error| refused(&error))?;
    check_offers(conn, &present, read)?;
    let obstructed = obstructed(conn, &present, read, &names)?;
    comparison.warnings.extend(obstructed);
    Ok(Compared {
        digest: digest(&present, document),
        comparison,
    })
}

/// Makes the configuration what the file says, all of it or nothing, as one group of the audit. `digest` is what was answered
/// when it was compared.
///
/// # Errors
/// [`StoreError::OtherState`] when the comparison would say something else now, or as [`compare_with`].
pub fn apply(
    conn: &mut PgConnection,
    actor: &str,
    document: &str,
    read: &ReadDocument,
    shown_digest: &str,
    token_of: &mut TokenOf<'_>,
) -> Result<Applied, StoreError> {
    changing(conn, |conn| {
        sightings::alone_for_all_connectors(conn)?;
        let (present, versions) = load(conn)?;
        if digest(&present, document) != shown_digest {
            return Err(StoreError::OtherState(
                "the configuration or the file is not what was compared: compare again".to_owned(),
            ));
        }
        let comparison =
            compare(&present, read, &KnownNames::default()).map_err(|error| refused(&error))?;
        check_offers(conn, &present, read)?;
        let application = Application {
            actor,
            present: &present,
            read,
            versions: &versions,
        };
        grouped(conn, |conn| application.run(conn, token_of))?;
        let targets = differences(&present.targets, &read.configuration.targets);
        Ok(Applied {
            changes: comparison.changes.len(),
            targets: targets.iter().map(|named| *named.key).collect(),
        })
    })
}

fn refused(error: &DocumentError) -> StoreError {
    StoreError::refused_field(DOCUMENT, error.to_string())
}

/// Stands for a configuration and a file.
fn digest(present: &Configuration, document: &str) -> String {
    let standing = configuration_core::write(present, &KnownNames::default());
    let mut hasher = Sha256::new();
    hasher.update(standing.len().to_le_bytes());
    hasher.update(standing);
    hasher.update(document);
    hasher
        .finalize()
        .iter()
        .fold(String::new(), |mut hex, byte| {
            // Writing to a String cannot fail.
            let _ = write!(hex, "{byte:02x}");
            hex
        })
}

/// What the bot is to offer it must see, as when a person offers it.
fn check_offers(
    conn: &mut PgConnection,
    present: &Configuration,
    read: &ReadDocument,
) -> Result<(), StoreError> {
    for named in differences(&present.targets, &read.configuration.targets) {
        let is_target = |target: Option<&Target>| target.is_some_and(|target| target.is_target);
        if is_target(named.after) && !is_target(named.before) {
            target_channels::check_seen(conn, *named.key).map_err(|error| match error {
                StoreError::Refused(message) => refused(&DocumentError {
                    place: read.targets.get(named.key).copied().unwrap_or_default(),
                    message,
                }),
                other => other,
            })?;
        }
    }
    Ok(())
}

/// What is known to stand in the way where mappings are new or switched on. Discord is not asked.
fn obstructed(
    conn: &mut PgConnection,
    present: &Configuration,
    read: &ReadDocument,
    names: &KnownNames,
) -> Result<Vec<String>, StoreError> {
    let is_on = |mapping: Option<&Mapping>| mapping.is_some_and(|mapping| mapping.is_enabled);
    let targets: BTreeSet<ChannelId> = differences(&present.mappings, &read.configuration.mappings)
        .into_iter()
        .filter(|named| is_on(named.after) && !is_on(named.before))
        .map(|named| named.key.1)
        .collect();
    if targets.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<(ChannelId, String)> = Sql::new(
        "select target_channel_id, obstacle from target_channels where target_channel_id = any($1) and obstacle is not null \
         order by target_channel_id",
    )
    .bind::<Array<BigInt>, _>(targets.into_iter().collect::<Vec<_>>())
    .rows::<(BigInt, Text)>()
    .load(conn)?;
    let warning = |(target, obstacle): (ChannelId, String)| {
        let name = names.channels.get(&target).cloned();
        let name = name.unwrap_or_else(|| target.to_string());
        format!("{name}: {obstacle}")
    };
    Ok(rows.into_iter().map(warning).collect())
}

/// The optimistic locks of what stands.
#[derive(Debug, Default)]
struct Versions {
    connectors: HashMap<String, i64>,
    channels: HashMap<(String, ChannelId), i64>,
    mappings: HashMap<Pair, (i64, i64)>,
}

fn load(conn: &mut PgConnection) -> Result<(Configuration, Versions), StoreError> {
    let (mut taken, mut versions) = (Configuration::default(), Versions::default());
    type ConnectorRow = (String, String, String, bool, bool, bool, i64);
    let rows: Vec<ConnectorRow> = Sql::new(
        "select connector_id, tenant_key, name, is_paused, ingest_enabled, forward_enabled, version from connectors",
    )
    .rows::<(Text, Text, Text, Bool, Bool, Bool, BigInt)>()
    .load(conn)?;
    for (id, tenant_key, name, is_paused, ingest_enabled, forward_enabled, version) in rows {
        let connector = Connector {
            tenant_key,
            name,
            status: if is_paused {
                Status::Paused
            } else {
                Status::Active
            },
            ingest_enabled,
            forward_enabled,
        };
        versions.connectors.insert(id.clone(), version);
        taken.connectors.insert(id, connector);
    }
    type RoleRow = (String, ChannelId, GuildId, bool, bool, bool, String, i64);
    let rows: Vec<RoleRow> = Sql::new(
        "select connector_id, channel_id, guild_id, is_source, is_target, is_enabled, thread_mode, version from channel_roles",
    )
    .rows::<(Text, BigInt, BigInt, Bool, Bool, Bool, Text, BigInt)>()
    .load(conn)?;
    for (connector, id, guild_id, is_source, is_target, is_enabled, mode, version) in rows {
        let thread_mode = ThreadMode::from_word(&mode).ok_or_else(|| {
            StoreError::Corrupt(format!("channel {id} has the thread mode {mode}"))
        })?;
        let channel = Channel {
            guild_id,
            is_source,
            is_target,
            is_enabled,
            thread_mode,
        };
        versions.channels.insert((connector.clone(), id), version);
        taken.channels.insert((connector, id), channel);
    }
    let rows: Vec<(ChannelId, GuildId, i16)> =
        Sql::new("select channel_id, guild_id, min_tier from channels where min_tier is not null")
            .rows::<(BigInt, BigInt, SmallInt)>()
            .load(conn)?;
    for (id, guild_id, min_tier) in rows {
        let visibility = Visibility { guild_id, min_tier };
        taken.visibility.insert(id, visibility);
    }
    let rows: Vec<(ChannelId, bool, bool)> = Sql::new(
        "select target_channel_id, is_target, is_paused from target_channels where is_target or is_paused",
    )
    .rows::<(BigInt, Bool, Bool)>()
    .load(conn)?;
    for (id, is_target, is_paused) in rows {
        let target = Target {
            is_target,
            is_paused,
        };
        taken.targets.insert(id, target);
    }
    load_mappings(conn, &mut taken, &mut versions)?;
    Ok((taken, versions))
}

fn load_mappings(
    conn: &mut PgConnection,
    taken: &mut Configuration,
    versions: &mut Versions,
) -> Result<(), StoreError> {
    type Row = (
        i64,
        i64,
        ChannelId,
        ChannelId,
        i16,
        Option<RoleId>,
        i32,
        bool,
        Option<i64>,
    );
    let rows: Vec<Row> = Sql::new(
        "select mapping_id, version, source_channel_id, target_channel_id, tier, ping_role_id, priority, is_enabled, rule_set_id \
         from mappings",
    )
    .rows::<(
        BigInt,
        BigInt,
        BigInt,
        BigInt,
        SmallInt,
        Nullable<BigInt>,
        Integer,
        Bool,
        Nullable<BigInt>,
    )>()
    .load(conn)?;
    let named: Vec<i64> = rows.iter().filter_map(|row| row.8).collect();
    let sets: HashMap<i64, _> = rule_sets::load(conn, &named)?.into_iter().collect();
    for (id, version, source, target, tier, ping_role_id, priority, is_enabled, set) in rows {
        let rules = match set {
            None => Default::default(),
            // A file without them would make them plain.
            Some(set) => sets.get(&set).cloned().ok_or_else(|| {
                StoreError::Corrupt(format!("the rules of mapping {id} do not read"))
            })?,
        };
        let mapping = Mapping {
            tier,
            ping_role_id,
            priority,
            is_enabled,
            rules,
        };
        versions.mappings.insert((source, target), (id, version));
        taken.mappings.insert((source, target), mapping);
    }
    Ok(())
}

fn names(conn: &mut PgConnection) -> Result<KnownNames, StoreError> {
    let channels: Vec<(ChannelId, String)> = Sql::new(
        "select c.channel_id, coalesce(g.name || ' / ', '') || c.name from channels c left join guilds g using (guild_id)",
    )
    .rows::<(BigInt, Text)>()
    .load(conn)?;
    let roles: Vec<(RoleId, String)> = Sql::new("select role_id, name from guild_roles")
        .rows::<(BigInt, Text)>()
        .load(conn)?;
    // A channel that nobody has seen is called by its id.
    let is_named = |(id, name): &(ChannelId, String)| *name != id.to_string();
    Ok(KnownNames {
        channels: channels.into_iter().filter(is_named).collect(),
        roles: roles.into_iter().collect(),
    })
}

/// What is done to come from what stands to what the file says. In this order nothing is refused for what is there only in between:
/// mappings go before their channels' marks, and come after them.
struct Application<'a> {
    actor: &'a str,
    present: &'a Configuration,
    read: &'a ReadDocument,
    versions: &'a Versions,
}

impl Application<'_> {
    fn run(&self, conn: &mut PgConnection, token_of: &mut TokenOf<'_>) -> Result<(), StoreError> {
        let wanted = &self.read.configuration;
        let mappings = differences(&self.present.mappings, &wanted.mappings);
        let (leaving, staying): (Vec<_>, Vec<_>) = mappings
            .into_iter()
            .partition(|named| named.after.is_none());
        self.mappings(conn, &leaving)?;
        for named in differences(&self.present.connectors, &wanted.connectors) {
            self.connector(conn, &named, token_of)?;
        }
        let channels = differences(&self.present.channels, &wanted.channels);
        let (unmarked, marked): (Vec<_>, Vec<_>) = channels
            .into_iter()
            .partition(|named| named.after.is_none());
        let mut of_connectors: BTreeMap<&str, Vec<Marked>> = BTreeMap::new();
        for named in &marked {
            let of_it = of_connectors.entry(&named.key.0).or_default();
            of_it.extend(self.marked(named));
        }
        for (connector, marked) in of_connectors {
            channel_roles::mark(conn, self.actor, connector, &marked)?;
        }
        for named in differences(&self.present.visibility, &wanted.visibility) {
            self.visibility(conn, &named)?;
        }
        for named in differences(&self.present.targets, &wanted.targets) {
            self.target(conn, &named)?;
        }
        self.mappings(conn, &staying)?;
        let mut of_connectors: BTreeMap<&str, Vec<ChannelId>> = BTreeMap::new();
        for named in &unmarked {
            let of_it = of_connectors.entry(&named.key.0).or_default();
            of_it.push(named.key.1);
        }
        // Those of a connector that goes, go with it.
        of_connectors.retain(|connector, _| wanted.connectors.contains_key(*connector));
        for (connector, unmarked) in of_connectors {
            channel_roles::unmark(conn, self.actor, connector, &unmarked)?;
        }
        for id in self.present.connectors.keys() {
            if !wanted.connectors.contains_key(id) {
                connectors::remove(conn, self.actor, id, self.connector_version(id))?;
            }
        }
        Ok(())
    }

    fn connector_version(&self, id: &str) -> i64 {
        // A new one is at its first version.
        *self.versions.connectors.get(id).unwrap_or(&1)
    }

    fn connector(
        &self,
        conn: &mut PgConnection,
        named: &Named<'_, String, Connector>,
        token_of: &mut TokenOf<'_>,
    ) -> Result<(), StoreError> {
        let Some(wanted) = named.after else {
            return Ok(());
        };
        let id = named.key;
        if named.before.is_none() {
            let new = NewConnector {
                connector_id: id.clone(),
                tenant_key: wanted.tenant_key.clone(),
                name: wanted.name.clone(),
                token_hash: token_of(id),
            };
            connectors::create(conn, self.actor, &new)?;
        }
        let change = ConnectorChange {
            name: Some(wanted.name.clone()),
            is_paused: Some(wanted.status == Status::Paused),
            ingest_enabled: Some(wanted.ingest_enabled),
            forward_enabled: Some(wanted.forward_enabled),
        };
        let version = self.connector_version(id);
        connectors::change(conn, self.actor, id, version, &change).map(drop)
    }

    fn marked(&self, named: &Named<'_, (String, ChannelId), Channel>) -> Option<Marked> {
        let wanted = named.after?;
        let settings = RoleSettings {
            guild_id: wanted.guild_id,
            is_source: wanted.is_source,
            is_target: wanted.is_target,
            is_enabled: wanted.is_enabled,
            thread_mode: wanted.thread_mode.word().to_owned(),
        };
        Some(Marked {
            channel_id: named.key.1,
            settings,
            version: self.versions.channels.get(named.key).copied(),
        })
    }

    fn visibility(
        &self,
        conn: &mut PgConnection,
        named: &Named<'_, ChannelId, Visibility>,
    ) -> Result<(), StoreError> {
        if let Some(wanted) = named.after {
            // Nobody may have seen it yet.
            Sql::new(
                "insert into channels (channel_id, guild_id, name) values ($1, $2, $1::text) on conflict do nothing",
            )
            .bind::<BigInt, _>(*named.key)
            .bind::<BigInt, _>(wanted.guild_id)
            .execute(conn)?;
        }
        let min_tier = named.after.map(|wanted| wanted.min_tier);
        channels::set_visibility(conn, self.actor, *named.key, min_tier).map(drop)
    }

    fn target(
        &self,
        conn: &mut PgConnection,
        named: &Named<'_, ChannelId, Target>,
    ) -> Result<(), StoreError> {
        let (id, wanted) = (*named.key, named.after.copied().unwrap_or_default());
        let version = target_channels::get(conn, id)?.version;
        let paused = target_channels::set_paused(conn, self.actor, id, version, wanted.is_paused)?;
        let version = paused.version;
        target_channels::set_offered(conn, self.actor, id, version, wanted.is_target).map(drop)
    }

    fn mappings(
        &self,
        conn: &mut PgConnection,
        all: &[Named<'_, Pair, Mapping>],
    ) -> Result<(), StoreError> {
        if all.is_empty() {
            return Ok(());
        }
        let edit = |named: &Named<'_, Pair, Mapping>| {
            let standing = self.versions.mappings.get(named.key).copied();
            let settings = named.after.map(|wanted| settings(*named.key, wanted));
            match (standing, settings) {
                (None, None) => None,
                (None, Some(settings)) => Some(Edit::Import(settings)),
                (Some((mapping_id, version)), None) => Some(Edit::Remove {
                    mapping_id,
                    version,
                }),
                (Some((mapping_id, version)), Some(settings)) => Some(Edit::Change {
                    mapping_id,
                    version,
                    change: MappingChange::to(&settings),
                }),
            }
        };
        let edits: Vec<Edit> = all.iter().filter_map(edit).collect();
        let located = |at: usize, error: StoreError| match error {
            StoreError::Refused(message)
            | StoreError::RefusedField {
                reason: message, ..
            } => {
                let place = self.read.mappings.get(all[at].key);
                refused(&DocumentError {
                    place: place.copied().unwrap_or_default(),
                    message,
                })
            }
            other => other,
        };
        mappings::edit_all(conn, self.actor, &edits, &located).map(drop)
    }
}

fn settings((source, target): Pair, wanted: &Mapping) -> MappingSettings {
    MappingSettings {
        source_channel_id: source,
        target_channel_id: target,
        tier: wanted.tier,
        ping_role_id: wanted.ping_role_id,
        priority: wanted.priority,
        is_enabled: wanted.is_enabled,
        rules: wanted.rules.clone(),
    }
}

#[cfg(test)]
mod tests;
