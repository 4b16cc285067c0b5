//! Mappings as people look at them: with the names of both channels, and whether they work. One statement a page, whatever is
//! known of their channels.

use super::{
    MappingRow, RuledMapping,
    state_core::{Facts, MappingState, state},
};
use crate::{
    ids::{ChannelId, GuildId, RoleId},
    sql::Sql,
    store::{Page, StoreError, rule_sets},
};
use chrono::{DateTime, Utc};
use diesel::{
    pg::PgConnection,
    prelude::*,
    sql_types::{Array, BigInt, Bool, Integer, Nullable, SmallInt, Text, Timestamptz},
};
use serde::Serialize;
use std::{collections::HashMap, fmt, str::FromStr};

/// Mappings that are read at a time where only those in a state are wanted.
const READ_AT_A_TIME: i64 = 500;

/// One end of a mapping.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = MappingEnd)]
pub struct End {
    /// The channel.
    pub channel_id: ChannelId,
    /// Its name, or its id where it is not known.
    pub name: String,
    /// Its guild, as far as it is known.
    pub guild_id: Option<GuildId>,
    /// What that is called, as far as it is known.
    pub guild_name: Option<String>,
}

/// One mapping with everything that tells a person what it is and whether it works.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct ShownMapping {
    /// The mapping.
    #[serde(flatten)]
    pub mapping: RuledMapping,
    /// Captured from.
    pub source: End,
    /// Mirrored into.
    pub target: End,
    /// What the role is called that is pinged, as far as it is known.
    pub ping_role_name: Option<String>,
    /// Whether it works.
    pub state: MappingState,
    /// Why not, and what to do about it.
    pub trouble: Option<String>,
}

/// Which mappings are meant; `None` means all.
#[derive(Debug, Clone, Default)]
pub struct MappingFilter {
    /// Of this source, then in their order.
    pub source_channel_id: Option<ChannelId>,
    /// Into this target.
    pub target_channel_id: Option<ChannelId>,
    /// With this in the name of a channel or guild of theirs, or with an id that begins so.
    pub q: Option<String>,
    /// That stand so.
    pub state: Option<MappingState>,
}

/// After which mapping a page goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlaceInOrder {
    /// Where mappings are listed in their order.
    pub priority: Option<i32>,
    /// The mapping.
    pub mapping_id: i64,
}

impl fmt::Display for PlaceInOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.priority {
            Some(priority) => write!(f, "{priority}:{}", self.mapping_id),
            None => self.mapping_id.fmt(f),
        }
    }
}

impl FromStr for PlaceInOrder {
    type Err = std::num::ParseIntError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (priority, mapping_id) = match text.split_once(':') {
            Some((priority, mapping_id)) => (Some(priority.parse()?), mapping_id),
            None => (None, text),
        };
        Ok(Self {
            priority,
            mapping_id: mapping_id.parse()?,
        })
    }
}

impl MappingFilter {
    /// The place of a mapping in a list by this filter.
    pub fn place(&self, row: &MappingRow) -> PlaceInOrder {
        PlaceInOrder {
            priority: self.source_channel_id.map(|_| row.priority),
            mapping_id: row.mapping_id,
        }
    }
}

type Columns = (
    (
        BigInt,
        BigInt,
        BigInt,
        SmallInt,
        Nullable<BigInt>,
        Integer,
        Bool,
        BigInt,
        Timestamptz,
        Timestamptz,
        Nullable<BigInt>,
    ),
    (Nullable<Text>, Nullable<BigInt>, Nullable<Text>),
    (Nullable<Text>, Nullable<BigInt>, Nullable<Text>),
    Nullable<Text>,
    (
        Bool,
        Bool,
        Bool,
        Nullable<Bool>,
        Bool,
        Nullable<Bool>,
        Nullable<Text>,
        Nullable<Bool>,
    ),
);
type Named = (Option<String>, Option<GuildId>, Option<String>);
type Known = (
    bool,
    bool,
    bool,
    Option<bool>,
    bool,
    Option<bool>,
    Option<String>,
    Option<bool>,
);
#[derive(Queryable)]
struct Row {
    row: Stands,
    source: Named,
    target: Named,
    ping_role_name: Option<String>,
    known: Known,
}
type Stands = (
    i64,
    ChannelId,
    ChannelId,
    i16,
    Option<RoleId>,
    i32,
    bool,
    i64,
    DateTime<Utc>,
    DateTime<Utc>,
    Option<i64>,
);

/// These mappings by id, or in their order where the source is given.
///
/// # Errors
/// When the database does not answer.
pub fn list(
    conn: &mut PgConnection,
    filter: &MappingFilter,
    page: Page<PlaceInOrder>,
) -> Result<Vec<ShownMapping>, StoreError> {
    let (mut found, mut after) = (Vec::new(), page.after);
    let limit = usize::try_from(page.limit).unwrap_or(0);
    while found.len() < limit {
        // Whether a mapping works is no column: those that stand otherwise are left out here.
        let reads = match filter.state {
            None => page.limit,
            Some(_) => page.limit.max(READ_AT_A_TIME),
        };
        let rows = read(conn, filter, None, after, reads)?;
        let is_last =
            i64::try_from(rows.len()).unwrap_or(i64::MAX) < reads || filter.state.is_none();
        after = rows.last().map(|last| filter.place(&last.mapping.row));
        let wanted = |shown: &ShownMapping| filter.state.is_none_or(|state| state == shown.state);
        found.extend(rows.into_iter().filter(wanted));
        if is_last {
            break;
        }
    }
    found.truncate(limit);
    Ok(found)
}

/// These mappings, in this order; one that is not there is left out.
///
/// # Errors
/// When the database does not answer.
pub fn show(conn: &mut PgConnection, ids: &[i64]) -> Result<Vec<ShownMapping>, StoreError> {
    let limit = i64::try_from(ids.len()).unwrap_or(i64::MAX);
    let found = read(conn, &MappingFilter::default(), Some(ids), None, limit)?;
    let id = |shown: ShownMapping| (shown.mapping.row.mapping_id, shown);
    let mut by_id: HashMap<i64, ShownMapping> = found.into_iter().map(id).collect();
    Ok(ids.iter().filter_map(|id| by_id.remove(id)).collect())
}

fn read(
    conn: &mut PgConnection,
    filter: &MappingFilter,
    ids: Option<&[i64]>,
    after: Option<PlaceInOrder>,
    limit: i64,
) -> Result<Vec<ShownMapping>, StoreError> {
    macro_rules! mappings {
        ($place:literal, $order:literal, $named:literal, $found:literal) => {
            concat!(
                "select m.mapping_id, m.source_channel_id, m.target_channel_id, m.tier, m.ping_role_id, m.priority, m.is_enabled, \
                 m.version, m.created_at, m.updated_at, m.rule_set_id, \
                 s.name, coalesce(s.guild_id, (select r.guild_id from channel_roles r where r.channel_id = m.source_channel_id limit 1)), \
                 sg.name, t.name, coalesce(t.guild_id, o.guild_id, \
                    (select r.guild_id from channel_roles r where r.channel_id = m.target_channel_id limit 1)), tg.name, p.name, \
                 coalesce(c.is_marked, false), coalesce(c.is_taken, false), coalesce(c.is_forwarded, false), \
                 (select bool_and(i.gone_at is not null) from channels_seen i \
                    where i.channel_id = m.source_channel_id and i.observer <> '@bot'), \
                 exists (select from enabled_targets e where e.channel_id = m.target_channel_id), \
                 o.is_paused, o.obstacle, \
                 (select bool_and(i.gone_at is not null) from channels_seen i where i.channel_id = m.target_channel_id) \
                 from (select m.* from mappings m ",
                $named,
                " where (",
                $place,
                ", m.mapping_id) > ($1, $2) and ($3 is null or m.mapping_id = any($3)) \
                 and ($4 is null or m.source_channel_id = $4) and ($5 is null or m.target_channel_id = $5) and ",
                $found,
                " order by ",
                $order,
                " limit $7) m left join channels s on s.channel_id = m.source_channel_id \
                 left join guilds sg on sg.guild_id = s.guild_id \
                 left join channels t on t.channel_id = m.target_channel_id \
                 left join target_channels o on o.target_channel_id = m.target_channel_id \
                 left join guilds tg on tg.guild_id = coalesce(t.guild_id, o.guild_id) \
                 left join guild_roles p on p.role_id = m.ping_role_id \
                 left join lateral (select true as is_marked, bool_or(not k.is_paused and k.ingest_enabled) as is_taken, \
                    bool_or(not k.is_paused and k.ingest_enabled and k.forward_enabled) as is_forwarded \
                    from channel_roles r join connectors k using (connector_id) \
                    where r.channel_id = m.source_channel_id and r.is_source and r.is_enabled having count(*) > 0) c on true \
                 order by ",
                $order
            )
        };
        ($place:literal, $order:literal) => {
            match filter.q {
                None => mappings!($place, $order, "", "$6 is null"),
                // Only what is looked for by name is joined with names before the page is cut.
                Some(_) => mappings!(
                    $place,
                    $order,
                    "left join channels s on s.channel_id = m.source_channel_id \
                     left join guilds sg on sg.guild_id = s.guild_id \
                     left join channels t on t.channel_id = m.target_channel_id \
                     left join target_channels o on o.target_channel_id = m.target_channel_id \
                     left join guilds tg on tg.guild_id = coalesce(t.guild_id, o.guild_id)",
                    "(position(lower($6) in lower(s.name)) > 0 or position(lower($6) in lower(t.name)) > 0 \
                     or position(lower($6) in lower(sg.name)) > 0 or position(lower($6) in lower(tg.name)) > 0 \
                     or starts_with(m.source_channel_id::text, $6) or starts_with(m.target_channel_id::text, $6) \
                     or starts_with(s.guild_id::text, $6) or starts_with(coalesce(t.guild_id, o.guild_id)::text, $6) \
                     or m.mapping_id::text = $6)"
                ),
            }
        };
    }
    let (text, first) = match filter.source_channel_id {
        Some(_) => (
            mappings!("m.priority", "m.priority, m.mapping_id"),
            i32::MIN,
        ),
        None => (mappings!("0", "m.mapping_id"), 0),
    };
    let (priority, mapping_id) = match after {
        Some(after) => (after.priority.unwrap_or(first), after.mapping_id),
        None => (first, 0),
    };
    let rows: Vec<Row> = Sql::new(text)
        .bind::<Integer, _>(priority)
        .bind::<BigInt, _>(mapping_id)
        .bind::<Nullable<Array<BigInt>>, _>(ids)
        .bind::<Nullable<BigInt>, _>(filter.source_channel_id)
        .bind::<Nullable<BigInt>, _>(filter.target_channel_id)
        .bind::<Nullable<Text>, _>(filter.q.as_deref())
        .bind::<BigInt, _>(limit)
        .rows::<Columns>()
        .load(conn)?;
    let named: Vec<i64> = rows.iter().filter_map(|row| row.row.10).collect();
    let sets: HashMap<_, _> = if named.is_empty() {
        HashMap::new()
    } else {
        rule_sets::load(conn, &named)?.into_iter().collect()
    };
    let shown = |row: Row| {
        let rules = row.row.10.and_then(|id| sets.get(&id).cloned());
        shown(row, rules.unwrap_or_default())
    };
    Ok(rows.into_iter().map(shown).collect())
}

fn shown(row: Row, rules: crate::rules::MappingRules) -> ShownMapping {
    let Row {
        row,
        source,
        target,
        ping_role_name,
        known,
    } = row;
    let row = MappingRow {
        mapping_id: row.0,
        source_channel_id: row.1,
        target_channel_id: row.2,
        tier: row.3,
        ping_role_id: row.4,
        priority: row.5,
        is_enabled: row.6,
        version: row.7,
        created_at: row.8,
        updated_at: row.9,
        rule_set_id: row.10,
    };
    let facts = Facts {
        is_enabled: row.is_enabled,
        source_is_marked: known.0,
        source_is_taken: known.1,
        source_is_forwarded: known.2,
        source_is_gone: known.3 == Some(true),
        target_is_offered: known.4,
        target_is_paused: known.5 == Some(true),
        obstacle: known.6,
        target_is_gone: known.7 == Some(true),
    };
    let (state, trouble) = state(&facts);
    ShownMapping {
        source: end(row.source_channel_id, source),
        target: end(row.target_channel_id, target),
        ping_role_name,
        state,
        trouble,
        mapping: RuledMapping { row, rules },
    }
}

fn end(channel_id: ChannelId, (name, guild_id, guild_name): Named) -> End {
    End {
        channel_id,
        name: name.unwrap_or_else(|| channel_id.to_string()),
        guild_id,
        guild_name,
    }
}
