//! Mappings: from which source channel into which target channel. What may be mapped is decided in [`edits`], beside the rows it
//! depends on and in the transaction that writes; how a mapping stands is told in [`list`].

mod bulk;
mod edits;
mod list;
mod state_core;

pub use bulk::{BULK_MAX, ORDERED_MAX, Versioned, change_many, clone_settings, order, remove_many};
pub(super) use edits::{Edit, check, edit_all};
pub use list::{End, MappingFilter, PlaceInOrder, ShownMapping, list, show};
pub use state_core::MappingState;

use super::{StoreError, audit::changing, rule_sets, tables::mappings};
use crate::{
    ids::{ChannelId, RoleId},
    rules::{AuthorStyle, Filters, HandDeletions, MappingRules, ThreadStyle, Transform},
};
use chrono::{DateTime, Utc, serde::ts_milliseconds};
use diesel::{pg::PgConnection, prelude::*};
use serde::Serialize;
use std::{
    collections::{BTreeMap, HashMap},
    slice,
};

/// The fields that a refusal names.
const SOURCE: &str = "source_channel_id";
const TARGET: &str = "target_channel_id";

/// One mapping, without what its rules say.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Serialize, utoipa::ToSchema)]
#[diesel(table_name = mappings)]
pub struct MappingRow {
    /// Counts up.
    pub mapping_id: i64,
    /// Captured from.
    pub source_channel_id: ChannelId,
    /// Mirrored into.
    pub target_channel_id: ChannelId,
    /// Who the target is for; shown to admins.
    pub tier: i16,
    /// Role of the target guild to ping with a new signal.
    pub ping_role_id: Option<RoleId>,
    /// Order among the mappings of a source, for connectors.
    pub priority: i32,
    /// Off without losing its settings.
    pub is_enabled: bool,
    /// Optimistic lock.
    pub version: i64,
    /// When it was made.
    #[serde(rename = "created_at_ms", with = "ts_milliseconds")]
    #[schema(value_type = i64)]
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    #[serde(rename = "updated_at_ms", with = "ts_milliseconds")]
    #[schema(value_type = i64)]
    pub updated_at: DateTime<Utc>,
    /// What is made of its signals; `None`: nothing is changed.
    #[serde(skip)]
    pub rule_set_id: Option<i64>,
}

/// One mapping as the administration shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct RuledMapping {
    /// The row.
    #[serde(flatten)]
    pub row: MappingRow,
    /// What is made of its signals.
    #[serde(flatten)]
    pub rules: MappingRules,
}

/// What a mapping is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappingSettings {
    /// Captured from.
    pub source_channel_id: ChannelId,
    /// Mirrored into.
    pub target_channel_id: ChannelId,
    /// See [`MappingRow`].
    pub tier: i16,
    /// See [`MappingRow`].
    pub ping_role_id: Option<RoleId>,
    /// See [`MappingRow`].
    pub priority: i32,
    /// See [`MappingRow`].
    pub is_enabled: bool,
    /// What is made of its signals. That they can be carried out is for the caller to know.
    pub rules: MappingRules,
}

/// What is to be different; `None` leaves as it is.
#[derive(Debug, Clone, Default)]
pub struct MappingChange {
    /// Captured from.
    pub source_channel_id: Option<ChannelId>,
    /// Mirrored into.
    pub target_channel_id: Option<ChannelId>,
    /// See [`MappingRow`].
    pub tier: Option<i16>,
    /// `Some(None)` takes the ping away.
    pub ping_role_id: Option<Option<RoleId>>,
    /// See [`MappingRow`].
    pub priority: Option<i32>,
    /// See [`MappingRow`].
    pub is_enabled: Option<bool>,
    /// What is made of its signals from now on.
    pub rules: RulesChange,
}

/// Fields of the rules that are to be replaced; `None` leaves as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RulesChange {
    /// See [`MappingRules`].
    pub filters: Option<Filters>,
    /// See [`MappingRules`].
    pub transform: Option<Transform>,
    /// See [`MappingRules`].
    pub author_style: Option<AuthorStyle>,
    /// See [`MappingRules`].
    pub thread_style: Option<ThreadStyle>,
    /// See [`MappingRules`].
    pub hand_deletions: Option<HandDeletions>,
}

impl MappingRow {
    fn pair(&self) -> (ChannelId, ChannelId) {
        (self.source_channel_id, self.target_channel_id)
    }
}

impl MappingSettings {
    fn pair(&self) -> (ChannelId, ChannelId) {
        (self.source_channel_id, self.target_channel_id)
    }
}

impl RuledMapping {
    /// What a person decided of it.
    pub fn settings(&self) -> MappingSettings {
        MappingChange::default().applied_to(self)
    }
}

impl RulesChange {
    /// All of these rules.
    pub fn to(rules: &MappingRules) -> Self {
        Self {
            filters: Some(rules.filters.clone()),
            transform: Some(rules.transform.clone()),
            author_style: Some(rules.author_style),
            thread_style: Some(rules.thread_style),
            hand_deletions: Some(rules.hand_deletions),
        }
    }

    /// These rules with the fields replaced.
    pub fn applied_to(&self, rules: &MappingRules) -> MappingRules {
        let (filters, transform) = (self.filters.clone(), self.transform.clone());
        MappingRules {
            filters: filters.unwrap_or_else(|| rules.filters.clone()),
            transform: transform.unwrap_or_else(|| rules.transform.clone()),
            author_style: self.author_style.unwrap_or(rules.author_style),
            thread_style: self.thread_style.unwrap_or(rules.thread_style),
            hand_deletions: self.hand_deletions.unwrap_or(rules.hand_deletions),
        }
    }
}

impl MappingChange {
    /// To all of these settings.
    pub fn to(settings: &MappingSettings) -> Self {
        Self {
            source_channel_id: Some(settings.source_channel_id),
            target_channel_id: Some(settings.target_channel_id),
            tier: Some(settings.tier),
            ping_role_id: Some(settings.ping_role_id),
            priority: Some(settings.priority),
            is_enabled: Some(settings.is_enabled),
            rules: RulesChange::to(&settings.rules),
        }
    }

    /// What the mapping would be after it.
    pub fn applied_to(&self, RuledMapping { row, rules }: &RuledMapping) -> MappingSettings {
        MappingSettings {
            source_channel_id: self.source_channel_id.unwrap_or(row.source_channel_id),
            target_channel_id: self.target_channel_id.unwrap_or(row.target_channel_id),
            tier: self.tier.unwrap_or(row.tier),
            ping_role_id: self.ping_role_id.unwrap_or(row.ping_role_id),
            priority: self.priority.unwrap_or(row.priority),
            is_enabled: self.is_enabled.unwrap_or(row.is_enabled),
            rules: self.rules.applied_to(rules),
        }
    }
}

/// Those of these mappings that are there, by id; [`StoreError::Corrupt`] when the rules of one do not read: a change of something
/// else would make them plain.
fn by_id(conn: &mut PgConnection, ids: &[i64]) -> Result<BTreeMap<i64, RuledMapping>, StoreError> {
    let rows: Vec<MappingRow> = mappings::table
        .filter(mappings::mapping_id.eq_any(ids))
        .select(MappingRow::as_select())
        .load(conn)?;
    let named: Vec<i64> = rows.iter().filter_map(|row| row.rule_set_id).collect();
    let sets: HashMap<i64, MappingRules> = if named.is_empty() {
        HashMap::new()
    } else {
        rule_sets::load(conn, &named)?.into_iter().collect()
    };
    let ruled = |row: MappingRow| {
        let rules = match row.rule_set_id {
            None => MappingRules::default(),
            Some(id) => sets.get(&id).cloned().ok_or_else(|| {
                let mapping_id = row.mapping_id;
                StoreError::Corrupt(format!("the rules of mapping {mapping_id} do not read"))
            })?,
        };
        Ok((row.mapping_id, RuledMapping { row, rules }))
    };
    rows.into_iter().map(ruled).collect()
}

/// One mapping; [`StoreError::NotFound`] without it, [`StoreError::Corrupt`] when its rules do not read.
pub fn find(conn: &mut PgConnection, mapping_id: i64) -> Result<RuledMapping, StoreError> {
    by_id(conn, &[mapping_id])?
        .remove(&mapping_id)
        .ok_or(StoreError::NotFound("such mapping"))
}

/// Maps; [`StoreError::RefusedField`] with the reason when that may not be.
pub fn create(
    conn: &mut PgConnection,
    actor: &str,
    new: &MappingSettings,
) -> Result<RuledMapping, StoreError> {
    one(conn, actor, &Edit::Create(new.clone()))?.ok_or(StoreError::NotFound("such mapping"))
}

/// Changes a mapping under the same conditions. Switching off is always allowed; saying what is so already changes nothing.
/// Deliveries that have begun are finished by the rules they began with.
pub fn change(
    conn: &mut PgConnection,
    actor: &str,
    mapping_id: i64,
    version: i64,
    change: &MappingChange,
) -> Result<RuledMapping, StoreError> {
    let edit = Edit::Change {
        mapping_id,
        version,
        change: change.clone(),
    };
    one(conn, actor, &edit)?.ok_or(StoreError::NotFound("such mapping"))
}

/// Takes a mapping away. What was mirrored by it stays.
pub fn remove(
    conn: &mut PgConnection,
    actor: &str,
    mapping_id: i64,
    version: i64,
) -> Result<(), StoreError> {
    let edit = Edit::Remove {
        mapping_id,
        version,
    };
    one(conn, actor, &edit).map(drop)
}

/// One edit; its errors are the request's.
pub(super) fn one(
    conn: &mut PgConnection,
    actor: &str,
    edit: &Edit,
) -> Result<Option<RuledMapping>, StoreError> {
    changing(conn, |conn| {
        let mut done = edit_all(conn, actor, slice::from_ref(edit), &|_, error| error)?;
        Ok(done.pop().flatten())
    })
}

#[cfg(test)]
mod tests;
