//! In what two configurations differ, thing by thing and field by field, and whether one may become the other.

use super::{
    Channel, Configuration, DocumentError, KnownNames, Mapping, Pair, Place, ReadDocument,
};
use crate::loops_core;
use serde::Serialize;
use serde_json::{Map, Value};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Display,
};

/// Names that a warning counts out.
const NAMED_MAX: usize = 10;

/// What becomes of a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, utoipa::ToSchema)]
#[schema(as = ConfigurationAction)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// It is new.
    Create,
    /// It is different.
    Change,
    /// It goes away.
    Remove,
}

/// One thing that is different.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = ConfigurationChange)]
pub struct Change {
    /// What becomes of it.
    pub action: Action,
    /// `connector`, `channel`, `visibility`, `target` or `mapping`.
    pub kind: &'static str,
    /// Its id; of a channel with its connector, of a mapping source and target, with a slash between.
    pub key: String,
    /// What it is called, as far as it is known.
    pub name: Option<String>,
    /// What is different of it.
    pub fields: Vec<FieldChange>,
}

/// One field that is different.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = ConfigurationFieldChange)]
pub struct FieldChange {
    /// The field.
    pub field: String,
    /// Before; null where there was nothing.
    pub before: Value,
    /// Afterwards; null where there is nothing.
    pub after: Value,
}

/// How a thing is before and after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Named<'a, K, T> {
    /// What tells it apart.
    pub key: &'a K,
    /// Before.
    pub before: Option<&'a T>,
    /// After.
    pub after: Option<&'a T>,
}

/// In what two configurations differ.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Comparison {
    /// In the order of kinds, and of keys within a kind.
    pub changes: Vec<Change>,
    /// What a person should know before.
    pub warnings: Vec<String>,
}

/// What differs between two maps, by key.
pub fn differences<'a, K: Ord, T: PartialEq>(
    before: &'a BTreeMap<K, T>,
    after: &'a BTreeMap<K, T>,
) -> Vec<Named<'a, K, T>> {
    let keys: BTreeSet<&K> = before.keys().chain(after.keys()).collect();
    let named = keys.into_iter().map(|key| Named {
        key,
        before: before.get(key),
        after: after.get(key),
    });
    named.filter(|named| named.before != named.after).collect()
}

/// What is to be done to come from `present` to what the file says.
///
/// # Errors
/// With the place in the file, when it says what may not be.
pub fn compare(
    present: &Configuration,
    wanted: &ReadDocument,
    names: &KnownNames,
) -> Result<Comparison, DocumentError> {
    check(present, wanted)?;
    let after = &wanted.configuration;
    let channel_name = |channel| names.channels.get(channel).cloned();
    let mut found = Comparison::default();
    for named in differences(&present.connectors, &after.connectors) {
        let name = named.before.or(named.after).map(|row| row.name.clone());
        found.add("connector", named.key, name, &named);
    }
    for named in differences(&present.channels, &after.channels) {
        // They go with their connector.
        if after.connectors.contains_key(&named.key.0) || named.after.is_some() {
            let key = format!("{}/{}", named.key.0, named.key.1);
            found.add("channel", key, channel_name(&named.key.1), &named);
        }
    }
    for named in differences(&present.visibility, &after.visibility) {
        // Where it stands is no decision.
        if named.before.map(|v| v.min_tier) != named.after.map(|v| v.min_tier) {
            found.add("visibility", named.key, channel_name(named.key), &named);
        }
    }
    for named in differences(&present.targets, &after.targets) {
        found.add("target", named.key, channel_name(named.key), &named);
    }
    for named in differences(&present.mappings, &after.mappings) {
        let key = format!("{}/{}", named.key.0, named.key.1);
        found.add("mapping", key, names.pair(*named.key), &named);
    }
    found.warnings = warnings(present, after, names);
    Ok(found)
}

impl Comparison {
    fn add<K, T: Serialize>(
        &mut self,
        kind: &'static str,
        key: impl Display,
        name: Option<String>,
        named: &Named<'_, K, T>,
    ) {
        let action = match (named.before, named.after) {
            (None, _) => Action::Create,
            (Some(_), Some(_)) => Action::Change,
            (Some(_), None) => Action::Remove,
        };
        self.changes.push(Change {
            action,
            kind,
            key: key.to_string(),
            name,
            fields: fields(named.before, named.after),
        });
    }
}

fn fields<T: Serialize>(before: Option<&T>, after: Option<&T>) -> Vec<FieldChange> {
    let [before, after] = [before, after].map(|row| match serde_json::to_value(row) {
        Ok(Value::Object(fields)) => fields,
        _ => Map::new(),
    });
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let value = |row: &Map<String, Value>, field: &str| row.get(field).cloned().unwrap_or_default();
    let change = |field: &String| FieldChange {
        field: field.clone(),
        before: value(&before, field),
        after: value(&after, field),
    };
    let changes = names.into_iter().map(change);
    changes.filter(|one| one.before != one.after).collect()
}

/// What the file may not say, and may not make of what is there.
fn check(present: &Configuration, wanted: &ReadDocument) -> Result<(), DocumentError> {
    let after = &wanted.configuration;
    let error = |place: Option<&Place>, message: String| {
        let place = place.copied().unwrap_or_default();
        Err(DocumentError { place, message })
    };
    for named in differences(&present.connectors, &after.connectors) {
        if let (Some(before), Some(row)) = (named.before, named.after)
            && before.tenant_key != row.tenant_key
        {
            let message = format!(
                "tenant_key: connector {} belongs to {}, and that never changes",
                named.key, before.tenant_key
            );
            return error(wanted.connectors.get(named.key), message);
        }
    }
    let all: Vec<Pair> = after.mappings.keys().copied().collect();
    let is_new = |pair: &Pair| !present.mappings.contains_key(pair);
    let new: Vec<Pair> = all.iter().copied().filter(is_new).collect();
    if let Some(nth) = loops_core::closing(&all, &new) {
        let (source, target) = new[nth];
        let message = format!(
            "it would close a loop: what reaches channel {target} is mapped back into {source}"
        );
        return error(wanted.mappings.get(&new[nth]), message);
    }
    for (pair, mapping) in after.mappings.iter().filter(|(_, m)| m.is_enabled) {
        let place = wanted.mappings.get(pair);
        // One that did not work before may stay so; the file may not break one, and may not make one that does not work.
        let may_be_broken =
            present.mappings.get(pair) == Some(mapping) && missing_mark(present, *pair).is_some();
        if let Some(message) = missing_mark(after, *pair).filter(|_| !may_be_broken) {
            return error(place, message);
        }
    }
    Ok(())
}

/// What the mapping lacks to be on.
fn missing_mark(configuration: &Configuration, (source, target): Pair) -> Option<String> {
    if !configuration.is_source(source) {
        return Some(format!(
            "source_channel_id: channel {source} is not an enabled source of any connector: mark it, or set is_enabled = false"
        ));
    }
    (!configuration.is_target(target)).then(|| {
        format!(
            "target_channel_id: channel {target} is not marked as an enabled target, neither for a connector nor by the bot: \
             mark it, or set is_enabled = false"
        )
    })
}

fn warnings(present: &Configuration, after: &Configuration, names: &KnownNames) -> Vec<String> {
    let mut warnings = Vec::new();
    for named in differences(&present.connectors, &after.connectors) {
        let id = named.key;
        match (named.before, named.after) {
            (None, _) => warnings.push(format!(
                "Connector {id} is made with a new token, which is shown once when this is applied."
            )),
            (_, None) => {
                let marks = present.channels.keys().filter(|(of, _)| of == id).count();
                warnings.push(format!(
                    "Connector {id} is taken away with its token and the marks of {marks} channels: that cannot be undone."
                ));
            }
            _ => {}
        }
    }
    let broken = after
        .mappings
        .iter()
        .filter(|(pair, mapping)| mapping.is_enabled && missing_mark(after, **pair).is_some());
    for (pair, _) in broken {
        let name = names
            .pair(*pair)
            .unwrap_or_else(|| format!("{} → {}", pair.0, pair.1));
        warnings.push(format!(
            "The mapping {name} is on and does not work: one of its channels is not marked."
        ));
    }
    let unknown: BTreeSet<_> = new_channels(present, after)
        .into_iter()
        .filter(|channel| !names.channels.contains_key(channel))
        .collect();
    if !unknown.is_empty() {
        let named: Vec<String> = unknown
            .iter()
            .take(NAMED_MAX)
            .map(ToString::to_string)
            .collect();
        let more = if unknown.len() > NAMED_MAX {
            ", …"
        } else {
            ""
        };
        warnings.push(format!(
            "Nobody has seen {} of these channels yet: {}{more}",
            unknown.len(),
            named.join(", ")
        ));
    }
    warnings
}

/// Channels that the file says something new about.
fn new_channels(present: &Configuration, after: &Configuration) -> BTreeSet<crate::ids::ChannelId> {
    fn of<'a, K: Ord + 'a, T: PartialEq + 'a>(
        before: &'a BTreeMap<K, T>,
        after: &'a BTreeMap<K, T>,
    ) -> impl Iterator<Item = &'a K> {
        let all = differences(before, after).into_iter();
        all.filter(|named| named.before.is_none())
            .map(|named| named.key)
    }
    let roles = of::<_, Channel>(&present.channels, &after.channels).map(|(_, channel)| *channel);
    let targets = of(&present.targets, &after.targets).copied();
    let visible = of(&present.visibility, &after.visibility).copied();
    let mapped = of::<_, Mapping>(&present.mappings, &after.mappings)
        .flat_map(|(source, target)| [*source, *target]);
    roles.chain(targets).chain(visible).chain(mapped).collect()
}
