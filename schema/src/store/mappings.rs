//! Mappings: from which source channel into which target channel. What may be mapped is decided here, beside the rows it
//! depends on and in the transaction that writes.

use super::{
    Page, StoreError,
    audit::{changing, record},
    connectors::move_config_version,
    rule_sets,
    tables::mappings,
};
use crate::{
    ids::{ChannelId, RoleId},
    rules::{AuthorStyle, Filters, HandDeletions, MappingRules, ThreadStyle, Transform},
    sql::Sql,
};
use chrono::{DateTime, Utc, serde::ts_milliseconds};
use diesel::{
    dsl::now,
    pg::PgConnection,
    prelude::*,
    result::{DatabaseErrorKind, Error},
    sql_types::{BigInt, Bool},
};
use serde::Serialize;
use std::collections::{HashMap, HashSet};

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

impl RulesChange {
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

/// All mappings, by id.
pub fn list(conn: &mut PgConnection, page: Page<i64>) -> Result<Vec<RuledMapping>, StoreError> {
    let rows = mappings::table
        .filter(mappings::mapping_id.gt(page.after.unwrap_or(0)))
        .order(mappings::mapping_id)
        .limit(page.limit)
        .select(MappingRow::as_select())
        .load(conn)?;
    let ids: Vec<i64> = rows.iter().filter_map(|row| row.rule_set_id).collect();
    let sets: HashMap<_, _> = rule_sets::load(conn, &ids)?.into_iter().collect();
    let ruled = |row: MappingRow| RuledMapping {
        rules: row
            .rule_set_id
            .and_then(|id| sets.get(&id).cloned())
            .unwrap_or_default(),
        row,
    };
    Ok(rows.into_iter().map(ruled).collect())
}

/// One mapping; [`StoreError::NotFound`] without it, [`StoreError::Corrupt`] when its rules do not read: a change of something else
/// would make them plain.
pub fn find(conn: &mut PgConnection, mapping_id: i64) -> Result<RuledMapping, StoreError> {
    let page = Page {
        after: Some(mapping_id.saturating_sub(1)),
        limit: 1,
    };
    let found = list(conn, page)?.pop();
    let found = found
        .filter(|mapping| mapping.row.mapping_id == mapping_id)
        .ok_or(StoreError::NotFound("such mapping"))?;
    // Plain rules are no set.
    if found.row.rule_set_id.is_some() && found.rules == MappingRules::default() {
        return Err(StoreError::Corrupt(format!(
            "the rules of mapping {mapping_id} do not read"
        )));
    }
    Ok(found)
}

/// Maps; [`StoreError::Refused`] with the reason when that may not be.
pub fn create(
    conn: &mut PgConnection,
    actor: &str,
    new: &MappingSettings,
) -> Result<RuledMapping, StoreError> {
    changing(conn, |conn| {
        check(conn, None, new)?;
        let rule_set_id = rule_sets::ensure(conn, &new.rules)?;
        let row: MappingRow = diesel::insert_into(mappings::table)
            .values(columns(new, rule_set_id))
            .returning(MappingRow::as_returning())
            .get_result(conn)
            .map_err(|error| mapped_already(error, new))?;
        let channels = [row.source_channel_id, row.target_channel_id];
        let made = RuledMapping {
            row,
            rules: new.rules.clone(),
        };
        record(
            conn,
            actor,
            "mapping.create",
            &made.row.mapping_id.to_string(),
            None,
            Some(&made),
        )?;
        move_config_version(conn, &channels)?;
        Ok(made)
    })
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
    changing(conn, |conn| {
        let before = at_version(conn, mapping_id, version)?;
        let wanted = change.applied_to(&before);
        if wanted == MappingChange::default().applied_to(&before) {
            return Ok(before);
        }
        check(conn, Some(&before.row), &wanted)?;
        let rule_set_id = rule_sets::ensure(conn, &wanted.rules)?;
        let row: MappingRow = diesel::update(mappings::table.find(mapping_id))
            .set((
                columns(&wanted, rule_set_id),
                mappings::version.eq(mappings::version + 1),
                mappings::updated_at.eq(now),
            ))
            .returning(MappingRow::as_returning())
            .get_result(conn)
            .map_err(|error| mapped_already(error, &wanted))?;
        let channels = [
            before.row.source_channel_id,
            before.row.target_channel_id,
            row.source_channel_id,
            row.target_channel_id,
        ];
        let after = RuledMapping {
            row,
            rules: wanted.rules,
        };
        record(
            conn,
            actor,
            "mapping.change",
            &mapping_id.to_string(),
            Some(&before),
            Some(&after),
        )?;
        move_config_version(conn, &channels)?;
        Ok(after)
    })
}

/// Takes a mapping away. What was mirrored by it stays.
pub fn remove(
    conn: &mut PgConnection,
    actor: &str,
    mapping_id: i64,
    version: i64,
) -> Result<(), StoreError> {
    changing(conn, |conn| {
        let before = at_version(conn, mapping_id, version)?;
        diesel::delete(mappings::table.find(mapping_id)).execute(conn)?;
        record(
            conn,
            actor,
            "mapping.remove",
            &mapping_id.to_string(),
            Some(&before),
            None,
        )?;
        let RuledMapping { row, .. } = before;
        move_config_version(conn, &[row.source_channel_id, row.target_channel_id])
    })
}

fn at_version(
    conn: &mut PgConnection,
    mapping_id: i64,
    version: i64,
) -> Result<RuledMapping, StoreError> {
    let found = find(conn, mapping_id)?;
    if found.row.version == version {
        Ok(found)
    } else {
        Err(StoreError::Conflict)
    }
}

// One line per column; the type says the same once more.
#[allow(clippy::type_complexity)]
fn columns(
    settings: &MappingSettings,
    rule_set_id: Option<i64>,
) -> (
    diesel::dsl::Eq<mappings::source_channel_id, i64>,
    diesel::dsl::Eq<mappings::target_channel_id, i64>,
    diesel::dsl::Eq<mappings::tier, i16>,
    diesel::dsl::Eq<mappings::ping_role_id, Option<i64>>,
    diesel::dsl::Eq<mappings::priority, i32>,
    diesel::dsl::Eq<mappings::is_enabled, bool>,
    diesel::dsl::Eq<mappings::rule_set_id, Option<i64>>,
) {
    (
        mappings::source_channel_id.eq(settings.source_channel_id.get()),
        mappings::target_channel_id.eq(settings.target_channel_id.get()),
        mappings::tier.eq(settings.tier),
        mappings::ping_role_id.eq(settings.ping_role_id.map(RoleId::get)),
        mappings::priority.eq(settings.priority),
        mappings::is_enabled.eq(settings.is_enabled),
        mappings::rule_set_id.eq(rule_set_id),
    )
}

fn mapped_already(error: Error, settings: &MappingSettings) -> StoreError {
    match error {
        Error::DatabaseError(DatabaseErrorKind::UniqueViolation, _) => {
            let (source, target) = (settings.source_channel_id, settings.target_channel_id);
            let reason = format!("channel {source} is mapped into {target} already");
            StoreError::refused_field(TARGET, reason)
        }
        other => other.into(),
    }
}

/// What the decision rests on.
#[derive(Debug, Clone, Default)]
struct Surroundings {
    source_is_enabled_source: bool,
    target_is_enabled_target: bool,
    /// The other mappings, enabled or not, so that switching one on can never close a loop.
    others: Vec<(ChannelId, ChannelId)>,
}

/// Reads the surroundings and asks the rules. `before` is the mapping as it stands, when it does.
pub(super) fn check(
    conn: &mut PgConnection,
    before: Option<&MappingRow>,
    wanted: &MappingSettings,
) -> Result<(), StoreError> {
    let (source_is_enabled_source, target_is_enabled_target) = Sql::new(
        "select exists (select from channel_roles where channel_id = $1 and is_source and is_enabled), \
         exists (select from enabled_targets where channel_id = $2)",
    )
    .bind::<BigInt, _>(wanted.source_channel_id)
    .bind::<BigInt, _>(wanted.target_channel_id)
    .rows::<(Bool, Bool)>()
    .get_result(conn)?;
    let others = Sql::new(
        "select source_channel_id, target_channel_id from mappings where mapping_id <> $1",
    )
    .bind::<BigInt, _>(before.map_or(0, |before| before.mapping_id))
    .rows::<(BigInt, BigInt)>()
    .load(conn)?;
    let surroundings = Surroundings {
        source_is_enabled_source,
        target_is_enabled_target,
        others,
    };
    // A mapping that is only switched off, or stays off, may outlive the marks of its channels.
    let stays_off = before.is_some_and(|before| {
        !wanted.is_enabled
            && (before.source_channel_id, before.target_channel_id)
                == (wanted.source_channel_id, wanted.target_channel_id)
    });
    refusal(wanted, &surroundings, stays_off).map_or(Ok(()), |(field, reason)| {
        Err(StoreError::refused_field(field, reason))
    })
}

/// Which field of this mapping may not be so, and why; `None` when it may.
fn refusal(
    wanted: &MappingSettings,
    surroundings: &Surroundings,
    stays_off: bool,
) -> Option<(&'static str, String)> {
    let (source, target) = (wanted.source_channel_id, wanted.target_channel_id);
    if source == target {
        let reason = format!("channel {source} cannot be mapped into itself");
        return Some((TARGET, reason));
    }
    if !stays_off && !surroundings.source_is_enabled_source {
        let reason = format!("channel {source} is not an enabled source of any connector");
        return Some((SOURCE, reason));
    }
    if !stays_off && !surroundings.target_is_enabled_target {
        let reason = format!(
            "channel {target} is not marked as an enabled target, neither for a connector nor by the bot"
        );
        return Some((TARGET, reason));
    }
    reaches(target, source, &surroundings.others).then(|| {
        let reason = format!(
            "it would close a loop: what reaches channel {target} is mapped back into {source}"
        );
        (TARGET, reason)
    })
}

/// Whether following the mappings from `from` comes to `to`.
fn reaches(from: ChannelId, to: ChannelId, mappings: &[(ChannelId, ChannelId)]) -> bool {
    let mut seen = HashSet::from([from]);
    let mut open = vec![from];
    while let Some(here) = open.pop() {
        if here == to {
            return true;
        }
        open.extend(
            mappings
                .iter()
                .filter(|(source, _)| *source == here)
                .map(|(_, target)| *target)
                .filter(|t| seen.insert(*t)),
        );
    }
    false
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn channel(number: i64) -> ChannelId {
        ChannelId::new(number).unwrap()
    }

    fn settings(source: i64, target: i64) -> MappingSettings {
        MappingSettings {
            source_channel_id: channel(source),
            target_channel_id: channel(target),
            tier: 0,
            ping_role_id: None,
            priority: 0,
            is_enabled: true,
            rules: MappingRules::default(),
        }
    }

    #[test]
    fn what_may_be_mapped() {
        // source, target, source marked, target marked, others, stays off, field and words of the reason (empty: allowed)
        type Case<'a> = (
            i64,
            i64,
            bool,
            bool,
            &'a [(i64, i64)],
            bool,
            &'a str,
            &'a str,
        );
        let table: [Case<'_>; 9] = [
            (1, 2, true, true, &[], false, "", ""),
            (1, 1, true, true, &[], false, TARGET, "into itself"),
            (
                1,
                2,
                false,
                true,
                &[],
                false,
                SOURCE,
                "not an enabled source",
            ),
            (
                1,
                2,
                true,
                false,
                &[],
                false,
                TARGET,
                "not marked as an enabled target",
            ),
            (1, 2, false, false, &[], true, "", ""),
            (1, 2, true, true, &[(2, 1)], false, TARGET, "loop"),
            (
                1,
                2,
                true,
                true,
                &[(2, 3), (3, 4), (4, 1)],
                false,
                TARGET,
                "loop",
            ),
            (1, 2, true, true, &[(1, 3), (2, 3), (3, 4)], false, "", ""),
            (1, 2, true, true, &[(2, 3), (3, 2)], false, "", ""),
        ];
        for (source, target, source_marked, target_marked, others, stays_off, field, words) in table
        {
            let surroundings = Surroundings {
                source_is_enabled_source: source_marked,
                target_is_enabled_target: target_marked,
                others: others
                    .iter()
                    .map(|&(a, b)| (channel(a), channel(b)))
                    .collect(),
            };
            let refused = refusal(&settings(source, target), &surroundings, stays_off);
            let named = refused.as_ref().map_or("", |(named, _)| named);
            assert_eq!(named, field, "{source}->{target} {others:?}");
            let reason = refused.map_or_else(String::new, |(_, reason)| reason);
            assert!(
                reason.contains(words),
                "{source}->{target} {others:?}: {reason}"
            );
        }
    }

    #[test]
    fn a_change_of_rules_replaces_what_it_names() {
        let rules = MappingRules {
            author_style: AuthorStyle::NameLine,
            filters: Filters {
                has_embed: Some(true),
                ..Filters::default()
            },
            ..MappingRules::default()
        };
        assert_eq!(RulesChange::default().applied_to(&rules), rules);
        let other = RulesChange {
            filters: Some(Filters::default()),
            hand_deletions: Some(HandDeletions::Repost),
            ..RulesChange::default()
        };
        let expected = MappingRules {
            author_style: AuthorStyle::NameLine,
            hand_deletions: HandDeletions::Repost,
            ..MappingRules::default()
        };
        assert_eq!(other.applied_to(&rules), expected);
    }

    proptest! {
        #[test]
        fn mappings_that_were_all_allowed_hold_no_loop(wishes in proptest::collection::vec((1_i64..9, 1_i64..9), 0..40)) {
            let mut allowed = Vec::new();
            for (source, target) in wishes {
                let surroundings =
                    Surroundings { source_is_enabled_source: true, target_is_enabled_target: true, others: allowed.clone() };
                if refusal(&settings(source, target), &surroundings, false).is_none() {
                    allowed.push((channel(source), channel(target)));
                }
            }
            // Take away what leads nowhere until nothing changes: only loops would be left.
            let mut left = allowed;
            while let Some(end) = left.iter().position(|(_, target)| !left.iter().any(|(source, _)| source == target)) {
                left.remove(end);
            }
            prop_assert!(left.is_empty(), "{left:?}");
        }
    }
}
