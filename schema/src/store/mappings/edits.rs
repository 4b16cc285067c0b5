//! Every change of mappings goes through here, one or many: all are judged together by how the table will stand, and written
//! together or not at all. So a loop that is there only in between refuses nothing, and what is looked up for the judgement is
//! looked up once.

use super::{MappingChange, MappingRow, MappingSettings, RuledMapping, SOURCE, TARGET};
use crate::{
    ids::{ChannelId, RoleId},
    loops_core::{self, Edge},
    rules::MappingRules,
    sql::Sql,
    store::{
        StoreError, audit::record, connectors::move_config_version, rule_sets, tables::mappings,
    },
};
use chrono::{DateTime, Utc};
use diesel::{
    dsl::now,
    pg::PgConnection,
    prelude::*,
    sql_types::{Array, BigInt, Bool, Integer, Nullable, SmallInt, Timestamptz},
};
use std::collections::{BTreeMap, HashMap, HashSet};

/// One change of one mapping.
#[derive(Debug, Clone)]
pub(in crate::store) enum Edit {
    /// A new one between channels that are marked, even while it is off.
    Create(MappingSettings),
    /// The same, but one that is off needs no marks: it was made when there were some.
    Import(MappingSettings),
    /// One that was there comes back with its id.
    Restore {
        mapping_id: i64,
        /// The one it gets.
        version: i64,
        created_at: DateTime<Utc>,
        settings: MappingSettings,
    },
    Change {
        mapping_id: i64,
        version: i64,
        change: MappingChange,
    },
    Remove {
        mapping_id: i64,
        version: i64,
    },
}

/// An edit with what stands before and what is to stand after it.
#[derive(Debug)]
struct Step {
    before: Option<RuledMapping>,
    wanted: Option<MappingSettings>,
}

impl Edit {
    fn existing(&self) -> Option<(i64, i64)> {
        match self {
            Self::Change {
                mapping_id,
                version,
                ..
            }
            | Self::Remove {
                mapping_id,
                version,
            } => Some((*mapping_id, *version)),
            Self::Create(_) | Self::Import(_) | Self::Restore { .. } => None,
        }
    }
}

impl Step {
    fn pair_before(&self) -> Option<Edge> {
        self.before.as_ref().map(|before| before.row.pair())
    }

    fn new_pair(&self) -> Option<Edge> {
        let pair = self.wanted.as_ref().map(MappingSettings::pair);
        pair.filter(|pair| self.pair_before() != Some(*pair))
    }

    /// A mapping that is only switched off, or stays off, may outlive the marks of its channels.
    fn needs_marks(&self, edit: &Edit) -> bool {
        let Some(wanted) = &self.wanted else {
            return false;
        };
        let may_be_off = match edit {
            Edit::Create(_) => false,
            Edit::Import(_) | Edit::Restore { .. } => true,
            Edit::Change { .. } | Edit::Remove { .. } => self.new_pair().is_none(),
        };
        wanted.is_enabled || !may_be_off
    }

    fn changes_nothing(&self) -> bool {
        match (&self.before, &self.wanted) {
            (Some(before), Some(wanted)) => *wanted == before.settings(),
            _ => false,
        }
    }
}

/// Makes these changes, all or none. What comes back is in their order: how each mapping stands now, `None` for one that is gone.
/// Saying what is so already changes nothing. `located` tells where in the request an edit was asked for. In a transaction of the
/// caller's that holds the lock of the configuration.
///
/// # Errors
/// [`StoreError::Conflict`] for a version that is not the present one, [`StoreError::NotFound`], or a refusal with the field, each
/// as `located` makes it.
pub(in crate::store) fn edit_all(
    conn: &mut PgConnection,
    actor: &str,
    edits: &[Edit],
    located: &dyn Fn(usize, StoreError) -> StoreError,
) -> Result<Vec<Option<RuledMapping>>, StoreError> {
    let steps = steps(conn, edits, located)?;
    judge(conn, edits, &steps, located)?;
    let mut sets = RuleSets::default();
    let mut done: Vec<Option<RuledMapping>> = vec![None; edits.len()];
    // What goes makes room for what comes.
    let is_removal = |step: &Step| step.wanted.is_none();
    let (removals, rest): (Vec<usize>, Vec<usize>) =
        (0..steps.len()).partition(|at| is_removal(&steps[*at]));
    let mut channels = HashSet::new();
    for at in removals.into_iter().chain(rest) {
        let step = &steps[at];
        if step.changes_nothing() {
            done[at].clone_from(&step.before);
            continue;
        }
        let after = write(conn, &edits[at], step, &mut sets)?;
        let (action, mapping_id) = match (&step.before, &after) {
            (None, Some(after)) => ("mapping.create", after.row.mapping_id),
            (Some(before), Some(_)) => ("mapping.change", before.row.mapping_id),
            (Some(before), None) => ("mapping.remove", before.row.mapping_id),
            (None, None) => continue,
        };
        record(
            conn,
            actor,
            action,
            &mapping_id.to_string(),
            step.before.as_ref(),
            after.as_ref(),
        )?;
        let pairs = step.pair_before().into_iter().chain(step.new_pair());
        channels.extend(pairs.flat_map(|(source, target)| [source, target]));
        done[at] = after;
    }
    if !channels.is_empty() {
        move_config_version(conn, &channels.into_iter().collect::<Vec<_>>())?;
    }
    Ok(done)
}

/// What each edit starts from, when it is there at its version, and comes to.
fn steps(
    conn: &mut PgConnection,
    edits: &[Edit],
    located: &dyn Fn(usize, StoreError) -> StoreError,
) -> Result<Vec<Step>, StoreError> {
    let ids: Vec<i64> = edits
        .iter()
        .filter_map(Edit::existing)
        .map(|(id, _)| id)
        .collect();
    let mut standing = if ids.is_empty() {
        BTreeMap::new()
    } else {
        super::by_id(conn, &ids)?
    };
    let mut steps = Vec::with_capacity(edits.len());
    for (at, edit) in edits.iter().enumerate() {
        let before = match edit.existing() {
            None => None,
            Some((mapping_id, version)) => {
                // Taken out: a second edit of it would start from what the first one leaves.
                let found = standing.remove(&mapping_id).ok_or_else(|| {
                    let is_twice = edits[..at]
                        .iter()
                        .any(|other| other.existing().is_some_and(|(id, _)| id == mapping_id));
                    let error = if is_twice {
                        StoreError::refused_field(
                            "mapping_id",
                            format!("mapping {mapping_id} is named twice"),
                        )
                    } else {
                        StoreError::NotFound("such mapping")
                    };
                    located(at, error)
                })?;
                if found.row.version != version {
                    return Err(located(at, StoreError::Conflict));
                }
                Some(found)
            }
        };
        let wanted = match edit {
            Edit::Create(settings) | Edit::Import(settings) | Edit::Restore { settings, .. } => {
                Some(settings.clone())
            }
            Edit::Change { change, .. } => before.as_ref().map(|before| change.applied_to(before)),
            Edit::Remove { .. } => None,
        };
        steps.push(Step { before, wanted });
    }
    Ok(steps)
}

/// Refuses what may not be, judged by how the table will stand.
fn judge(
    conn: &mut PgConnection,
    edits: &[Edit],
    steps: &[Step],
    located: &dyn Fn(usize, StoreError) -> StoreError,
) -> Result<(), StoreError> {
    let changing = |at: &usize| !steps[*at].changes_nothing();
    let places = || (0..steps.len()).filter(changing);
    let refused = |at: usize, field: &str, reason: String| {
        Err(located(at, StoreError::refused_field(field, reason)))
    };
    for at in places() {
        if let Some((source, target)) = steps[at].new_pair()
            && source == target
        {
            return refused(
                at,
                TARGET,
                format!("channel {source} cannot be mapped into itself"),
            );
        }
    }
    let in_need: Vec<usize> = places()
        .filter(|at| steps[*at].needs_marks(&edits[*at]))
        .collect();
    let pairs: Vec<Edge> = in_need
        .iter()
        .filter_map(|at| steps[*at].wanted.as_ref().map(MappingSettings::pair))
        .collect();
    let marks = Marks::of(conn, &pairs)?;
    for (at, (source, target)) in in_need.into_iter().zip(pairs) {
        if !marks.sources.contains(&source) {
            let reason = format!("channel {source} is not an enabled source of any connector");
            return refused(at, SOURCE, reason);
        }
        if !marks.targets.contains(&target) {
            let reason = format!(
                "channel {target} is not marked as an enabled target, neither for a connector nor by the bot"
            );
            return refused(at, TARGET, reason);
        }
    }
    let new: Vec<(usize, Edge)> = places()
        .filter_map(|at| steps[at].new_pair().map(|pair| (at, pair)))
        .collect();
    if new.is_empty() {
        return Ok(());
    }
    let leaving: HashSet<Edge> = steps
        .iter()
        .filter(|step| step.wanted.is_none() || step.new_pair().is_some())
        .filter_map(Step::pair_before)
        .collect();
    let mut all: Vec<Edge> = Sql::new("select source_channel_id, target_channel_id from mappings")
        .rows::<(BigInt, BigInt)>()
        .load(conn)?;
    all.retain(|pair| !leaving.contains(pair));
    let mut mapped: HashSet<Edge> = all.iter().copied().collect();
    for (at, (source, target)) in &new {
        if !mapped.insert((*source, *target)) {
            let reason = format!("channel {source} is mapped into {target} already");
            return refused(*at, TARGET, reason);
        }
        all.push((*source, *target));
    }
    let new_pairs: Vec<Edge> = new.iter().map(|(_, pair)| *pair).collect();
    match loops_core::closing(&all, &new_pairs) {
        None => Ok(()),
        Some(nth) => {
            let (at, (source, target)) = new[nth];
            let reason = format!(
                "it would close a loop: what reaches channel {target} is mapped back into {source}"
            );
            refused(at, TARGET, reason)
        }
    }
}

/// The channels among these that may be mapped.
#[derive(Debug, Default)]
struct Marks {
    sources: HashSet<ChannelId>,
    targets: HashSet<ChannelId>,
}

impl Marks {
    fn of(conn: &mut PgConnection, pairs: &[Edge]) -> Result<Self, StoreError> {
        let (sources, targets): (Vec<ChannelId>, Vec<ChannelId>) = pairs.iter().copied().unzip();
        if sources.is_empty() {
            return Ok(Self::default());
        }
        let rows: Vec<(ChannelId, bool)> = Sql::new(
            "select channel_id, true from channel_roles where channel_id = any($1) and is_source and is_enabled \
             union all select channel_id, false from enabled_targets where channel_id = any($2)",
        )
        .bind::<Array<BigInt>, _>(sources)
        .bind::<Array<BigInt>, _>(targets)
        .rows::<(BigInt, Bool)>()
        .load(conn)?;
        let mut marks = Self::default();
        for (channel, is_source) in rows {
            if is_source {
                marks.sources.insert(channel);
            } else {
                marks.targets.insert(channel);
            }
        }
        Ok(marks)
    }
}

/// The sets of rules that were asked for already: a bulk change says the same of many.
#[derive(Default)]
struct RuleSets(HashMap<String, Option<i64>>);

impl RuleSets {
    fn ensure(
        &mut self,
        conn: &mut PgConnection,
        rules: &MappingRules,
    ) -> Result<Option<i64>, StoreError> {
        if *rules == MappingRules::default() {
            return Ok(None);
        }
        let key = format!("{rules:?}");
        if let Some(known) = self.0.get(&key) {
            return Ok(*known);
        }
        let id = rule_sets::ensure(conn, rules)?;
        self.0.insert(key, id);
        Ok(id)
    }
}

/// Writes one step; the mapping as it stands afterwards.
fn write(
    conn: &mut PgConnection,
    edit: &Edit,
    step: &Step,
    sets: &mut RuleSets,
) -> Result<Option<RuledMapping>, StoreError> {
    let Some(wanted) = &step.wanted else {
        if let Some(before) = &step.before {
            diesel::delete(mappings::table.find(before.row.mapping_id)).execute(conn)?;
        }
        return Ok(None);
    };
    let rule_set_id = sets.ensure(conn, &wanted.rules)?;
    let row: MappingRow = match edit {
        Edit::Restore {
            mapping_id,
            version,
            created_at,
            ..
        } => restored(
            conn,
            *mapping_id,
            *version,
            *created_at,
            wanted,
            rule_set_id,
        )?,
        Edit::Create(_) | Edit::Import(_) => diesel::insert_into(mappings::table)
            .values(columns(wanted, rule_set_id))
            .returning(MappingRow::as_returning())
            .get_result(conn)?,
        Edit::Change { mapping_id, .. } | Edit::Remove { mapping_id, .. } => {
            diesel::update(mappings::table.find(*mapping_id))
                .set((
                    columns(wanted, rule_set_id),
                    mappings::version.eq(mappings::version + 1),
                    mappings::updated_at.eq(now),
                ))
                .returning(MappingRow::as_returning())
                .get_result(conn)?
        }
    };
    Ok(Some(RuledMapping {
        row,
        rules: wanted.rules.clone(),
    }))
}

/// Ids are given by the table; this one was given before.
fn restored(
    conn: &mut PgConnection,
    mapping_id: i64,
    version: i64,
    created_at: DateTime<Utc>,
    wanted: &MappingSettings,
    rule_set_id: Option<i64>,
) -> Result<MappingRow, StoreError> {
    Sql::new(
        "insert into mappings (mapping_id, source_channel_id, target_channel_id, tier, ping_role_id, priority, is_enabled, \
         rule_set_id, version, created_at) overriding system value values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind::<BigInt, _>(mapping_id)
    .bind::<BigInt, _>(wanted.source_channel_id)
    .bind::<BigInt, _>(wanted.target_channel_id)
    .bind::<SmallInt, _>(wanted.tier)
    .bind::<Nullable<BigInt>, _>(wanted.ping_role_id)
    .bind::<Integer, _>(wanted.priority)
    .bind::<Bool, _>(wanted.is_enabled)
    .bind::<Nullable<BigInt>, _>(rule_set_id)
    .bind::<BigInt, _>(version)
    .bind::<Timestamptz, _>(created_at)
    .execute(conn)?;
    let row = mappings::table
        .find(mapping_id)
        .select(MappingRow::as_select())
        .first(conn)?;
    Ok(row)
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

/// Whether a mapping that stands could be made now, for who is about to do something by it.
pub(in crate::store) fn check(
    conn: &mut PgConnection,
    mapping: &RuledMapping,
) -> Result<(), StoreError> {
    let (source, target) = mapping.row.pair();
    let marks = Marks::of(conn, &[(source, target)])?;
    if !marks.sources.contains(&source) {
        return Err(StoreError::Refused(format!(
            "channel {source} is not an enabled source of any connector"
        )));
    }
    if !marks.targets.contains(&target) {
        return Err(StoreError::Refused(format!(
            "channel {target} is not marked as an enabled target, neither for a connector nor by the bot"
        )));
    }
    Ok(())
}
