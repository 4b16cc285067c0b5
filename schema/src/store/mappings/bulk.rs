//! Many mappings at once, all or nothing and one group in the audit; and what a copy of a mapping is.

use super::{Edit, MappingChange, MappingSettings, RuledMapping, edit_all, find};
use crate::{
    ids::ChannelId,
    sql::Sql,
    store::{
        StoreError,
        audit::{changing, grouped},
        target_channels,
    },
};
use diesel::{
    pg::PgConnection,
    prelude::*,
    sql_types::{BigInt, Nullable},
};

/// Mappings that one request may change or take away.
pub const BULK_MAX: usize = 500;
/// Mappings of one source that can be put in order.
pub const ORDERED_MAX: usize = 2_000;
/// Between the priorities of two neighbours, so that one can be put between them later.
const PRIORITY_STEP: i32 = 10;

/// A mapping at the version it was read with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Versioned {
    /// The mapping.
    pub mapping_id: i64,
    /// Optimistic lock.
    pub version: i64,
}

/// Makes the same change of all of these. [`StoreError::RefusedField`] and [`StoreError::StaleField`] name the item.
pub fn change_many(
    conn: &mut PgConnection,
    actor: &str,
    items: &[Versioned],
    change: &MappingChange,
) -> Result<Vec<RuledMapping>, StoreError> {
    let edit = |item: &Versioned| Edit::Change {
        mapping_id: item.mapping_id,
        version: item.version,
        change: change.clone(),
    };
    edit_items(conn, actor, &items.iter().map(edit).collect::<Vec<_>>())
}

/// Takes all of these away.
pub fn remove_many(
    conn: &mut PgConnection,
    actor: &str,
    items: &[Versioned],
) -> Result<(), StoreError> {
    let edit = |item: &Versioned| Edit::Remove {
        mapping_id: item.mapping_id,
        version: item.version,
    };
    edit_items(conn, actor, &items.iter().map(edit).collect::<Vec<_>>()).map(drop)
}

/// Puts all mappings of a source in this order: their priorities become 0, 10, 20 …
///
/// # Errors
/// [`StoreError::OtherState`] when the source has other mappings now, or as [`change_many`].
pub fn order(
    conn: &mut PgConnection,
    actor: &str,
    source: ChannelId,
    items: &[Versioned],
) -> Result<Vec<RuledMapping>, StoreError> {
    changing(conn, |conn| {
        let standing: Vec<i64> =
            Sql::new("select mapping_id from mappings where source_channel_id = $1")
                .bind::<BigInt, _>(source)
                .rows::<BigInt>()
                .load(conn)?;
        let foreign = items
            .iter()
            .position(|item| !standing.contains(&item.mapping_id));
        if let Some(at) = foreign {
            let id = items[at].mapping_id;
            return Err(StoreError::refused_field(
                format!("items[{at}].mapping_id"),
                format!("mapping {id} is none of channel {source}"),
            ));
        }
        if standing.len() > items.len() {
            return Err(StoreError::OtherState(format!(
                "channel {source} has {} mappings and {} were put in order: read them again",
                standing.len(),
                items.len()
            )));
        }
        let edit = |(item, place): (&Versioned, i32)| Edit::Change {
            mapping_id: item.mapping_id,
            version: item.version,
            change: MappingChange {
                priority: Some(place * PRIORITY_STEP),
                ..MappingChange::default()
            },
        };
        edit_items(
            conn,
            actor,
            &items.iter().zip(0..).map(edit).collect::<Vec<_>>(),
        )
    })
}

fn edit_items(
    conn: &mut PgConnection,
    actor: &str,
    edits: &[Edit],
) -> Result<Vec<RuledMapping>, StoreError> {
    changing(conn, |conn| {
        let done = grouped(conn, |conn| edit_all(conn, actor, edits, &at_item))?;
        Ok(done.into_iter().flatten().collect())
    })
}

/// Says which item is at fault.
fn at_item(at: usize, error: StoreError) -> StoreError {
    match error {
        StoreError::Conflict => StoreError::StaleField(format!("items[{at}].version")),
        StoreError::NotFound(_) => StoreError::StaleField(format!("items[{at}].mapping_id")),
        StoreError::Refused(reason) => StoreError::refused_field(format!("items[{at}]"), reason),
        StoreError::RefusedField { field, reason } => {
            StoreError::refused_field(format!("items[{at}].{field}"), reason)
        }
        other => other,
    }
}

/// What a copy of this mapping between these channels would be. The ping is kept where its role is one of the new target's guild.
///
/// # Errors
/// [`StoreError::NotFound`] without the mapping.
pub fn clone_settings(
    conn: &mut PgConnection,
    mapping_id: i64,
    source: Option<ChannelId>,
    target: Option<ChannelId>,
) -> Result<MappingSettings, StoreError> {
    let original = find(conn, mapping_id)?.settings();
    let mut copy = MappingSettings {
        source_channel_id: source.unwrap_or(original.source_channel_id),
        target_channel_id: target.unwrap_or(original.target_channel_id),
        ..original.clone()
    };
    if let Some(role) = copy.ping_role_id
        && copy.target_channel_id != original.target_channel_id
    {
        let of_role: Option<i64> = Sql::new(
            "select (select guild_id from guild_roles where role_id = $1 and gone_at is null)",
        )
        .bind::<BigInt, _>(role)
        .rows::<Nullable<BigInt>>()
        .get_result(conn)?;
        let guild = guild_of(conn, copy.target_channel_id)?;
        let same_as_before =
            guild.is_some() && guild == guild_of(conn, original.target_channel_id)?;
        let is_there = match of_role {
            Some(of_role) => guild == Some(of_role),
            None => same_as_before,
        };
        if !is_there {
            copy.ping_role_id = None;
        }
    }
    Ok(copy)
}

fn guild_of(conn: &mut PgConnection, channel: ChannelId) -> Result<Option<i64>, StoreError> {
    let known: Option<i64> =
        Sql::new("select (select guild_id from channels where channel_id = $1)")
            .bind::<BigInt, _>(channel)
            .rows::<Nullable<BigInt>>()
            .get_result(conn)?;
    match known {
        Some(guild) => Ok(Some(guild)),
        None => Ok(target_channels::said_guild(conn, channel)?.map(crate::ids::GuildId::get)),
    }
}
