//! What a channel is to a connector: captured from, mirrored into, or neither for now.

use super::{
    Page, StoreError,
    audit::{Recorded, changing, grouped, record_all},
    connectors, sightings,
    tables::channel_roles,
};
use crate::{
    ids::{ChannelId, GuildId},
    sql::Sql,
};
use diesel::{
    pg::PgConnection,
    prelude::*,
    sql_types::{Array, BigInt, Bool, Text},
};
use serde::Serialize;
use std::collections::HashMap;

/// One channel of one connector.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Serialize, utoipa::ToSchema)]
#[diesel(table_name = channel_roles)]
pub struct ChannelRoleRow {
    /// The connector.
    pub connector_id: String,
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
    /// What of it is captured: `include`, `exclude` or `only`.
    pub thread_mode: String,
    /// Optimistic lock.
    pub version: i64,
}

/// What the channel is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleSettings {
    /// Its guild.
    pub guild_id: GuildId,
    /// See [`ChannelRoleRow`].
    pub is_source: bool,
    /// See [`ChannelRoleRow`].
    pub is_target: bool,
    /// See [`ChannelRoleRow`].
    pub is_enabled: bool,
    /// See [`ChannelRoleRow`].
    pub thread_mode: String,
}

/// The channels of a connector, by id; [`StoreError::NotFound`] when there is no such connector.
pub fn list(
    conn: &mut PgConnection,
    connector_id: &str,
    page: Page<ChannelId>,
) -> Result<Vec<ChannelRoleRow>, StoreError> {
    connectors::find(conn, connector_id)?;
    let rows = channel_roles::table
        .filter(channel_roles::connector_id.eq(connector_id))
        .filter(channel_roles::channel_id.gt(page.after.map_or(0, ChannelId::get)))
        .order(channel_roles::channel_id)
        .limit(page.limit)
        .select(ChannelRoleRow::as_select())
        .load(conn)?;
    Ok(rows)
}

/// A channel that is to be marked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marked {
    /// The channel.
    pub channel_id: ChannelId,
    /// What it is to be.
    pub settings: RoleSettings,
    /// What it stands at; `None`: it is new to the connector.
    pub version: Option<i64>,
}

/// Marks a channel. Without a version it must be new to the connector, with one it must stand at it; [`StoreError::Conflict`]
/// else. Saying what is so already changes nothing.
pub fn put(
    conn: &mut PgConnection,
    actor: &str,
    connector_id: &str,
    channel_id: ChannelId,
    settings: &RoleSettings,
    version: Option<i64>,
) -> Result<ChannelRoleRow, StoreError> {
    let marked = Marked {
        channel_id,
        settings: settings.clone(),
        version,
    };
    changing(conn, |conn| {
        let rows = mark(conn, actor, connector_id, &[marked]);
        let mut rows = rows.map_err(|error| match error {
            StoreError::StaleField(_) => StoreError::Conflict,
            other => other,
        })?;
        rows.pop().ok_or(StoreError::NotFound("such channel role"))
    })
}

/// Marks these channels under the same conditions, all or none, as one group of the audit. No channel twice.
/// [`StoreError::StaleField`] names the one that stands otherwise.
pub fn put_all(
    conn: &mut PgConnection,
    actor: &str,
    connector_id: &str,
    marked: &[Marked],
) -> Result<Vec<ChannelRoleRow>, StoreError> {
    changing(conn, |conn| {
        grouped(conn, |conn| mark(conn, actor, connector_id, marked))
    })
}

/// Marks these channels in a transaction of the caller's that holds the lock of the configuration.
pub(super) fn mark(
    conn: &mut PgConnection,
    actor: &str,
    connector_id: &str,
    marked: &[Marked],
) -> Result<Vec<ChannelRoleRow>, StoreError> {
    connectors::find(conn, connector_id)?;
    let ids: Vec<i64> = marked.iter().map(|one| one.channel_id.get()).collect();
    let before: HashMap<ChannelId, ChannelRoleRow> = channel_roles::table
        .filter(channel_roles::connector_id.eq(connector_id))
        .filter(channel_roles::channel_id.eq_any(ids))
        .select(ChannelRoleRow::as_select())
        .load(conn)?
        .into_iter()
        .map(|row: ChannelRoleRow| (row.channel_id, row))
        .collect();
    for (place, one) in marked.iter().enumerate() {
        let version = before.get(&one.channel_id).map(|before| before.version);
        if version != one.version {
            return Err(StoreError::StaleField(format!("items[{place}].version")));
        }
    }
    let is_different = |one: &&Marked| {
        let before = before.get(&one.channel_id);
        before.is_none_or(|before| settings_of(before) != one.settings)
    };
    let different: Vec<&Marked> = marked.iter().filter(is_different).collect();
    let changed = write(conn, connector_id, &different)?;
    let recorded = changed.iter().map(|after| Recorded {
        subject: format!("{connector_id}/{}", after.channel_id),
        before: before.get(&after.channel_id),
        after: Some(after),
    });
    record_all(conn, actor, "channel_role.put", recorded)?;
    make_known(conn, connector_id, &different)?;
    let ids: Vec<ChannelId> = different.iter().map(|one| one.channel_id).collect();
    connectors::move_config_version(conn, &ids)?;
    let mut after = before;
    after.extend(changed.into_iter().map(|row| (row.channel_id, row)));
    let rows = marked
        .iter()
        .filter_map(|one| after.remove(&one.channel_id));
    Ok(rows.collect())
}

/// A channel that no snapshot has named yet is listed and stands in the tree of its connector all the same.
fn make_known(
    conn: &mut PgConnection,
    connector_id: &str,
    marked: &[&Marked],
) -> Result<(), StoreError> {
    if marked.is_empty() {
        return Ok(());
    }
    sightings::alone(conn, connector_id)?;
    let channels: Vec<ChannelId> = marked.iter().map(|one| one.channel_id).collect();
    let guilds: Vec<GuildId> = marked.iter().map(|one| one.settings.guild_id).collect();
    Sql::new(
        "with marked as (select * from unnest($1, $2) as marked (channel_id, guild_id) order by channel_id), \
         listed as (insert into channels (channel_id, guild_id, name) select channel_id, guild_id, channel_id::text from marked \
         on conflict do nothing), \
         guilds_seen as (insert into guild_sightings (observer, guild_id) select distinct $3, guild_id from marked \
         on conflict do nothing) \
         insert into channel_sightings (observer, channel_id, guild_id) select $3, channel_id, guild_id from marked \
         on conflict do nothing",
    )
    .bind::<Array<BigInt>, _>(channels)
    .bind::<Array<BigInt>, _>(guilds)
    .bind::<Text, _>(connector_id)
    .execute(conn)?;
    Ok(())
}

/// What the channel is to the connector; `None` when it is nothing.
pub(super) fn find(
    conn: &mut PgConnection,
    connector_id: &str,
    channel_id: ChannelId,
) -> Result<Option<ChannelRoleRow>, StoreError> {
    let row = channel_roles::table.find((connector_id, channel_id.get()));
    let found = row.select(ChannelRoleRow::as_select()).first(conn);
    Ok(found.optional()?)
}

/// Takes the mark of a channel that stands at `version` away. Mappings stay, and do not work without marks.
pub(super) fn remove(
    conn: &mut PgConnection,
    actor: &str,
    connector_id: &str,
    channel_id: ChannelId,
    version: i64,
) -> Result<(), StoreError> {
    changing(conn, |conn| {
        let before = find(conn, connector_id, channel_id)?
            .ok_or(StoreError::NotFound("such channel role"))?;
        if before.version != version {
            return Err(StoreError::Conflict);
        }
        unmark(conn, actor, connector_id, &[channel_id])
    })
}

/// Takes the marks of these channels away, in a transaction of the caller's that holds the lock of the configuration.
pub(super) fn unmark(
    conn: &mut PgConnection,
    actor: &str,
    connector_id: &str,
    channels: &[ChannelId],
) -> Result<(), StoreError> {
    // While the rows say who must see the change.
    connectors::move_config_version(conn, channels)?;
    let ids: Vec<i64> = channels.iter().map(|channel| channel.get()).collect();
    let marks = channel_roles::table
        .filter(channel_roles::connector_id.eq(connector_id))
        .filter(channel_roles::channel_id.eq_any(ids));
    let mut gone: Vec<ChannelRoleRow> = diesel::delete(marks)
        .returning(ChannelRoleRow::as_returning())
        .get_results(conn)?;
    gone.sort_by_key(|row| row.channel_id);
    let recorded = gone.iter().map(|row| Recorded {
        subject: format!("{connector_id}/{}", row.channel_id),
        before: Some(row),
        after: None,
    });
    record_all(conn, actor, "channel_role.remove", recorded)
}

/// Marks a channel as it was marked before the mark was taken away, at the version of `row`.
pub(super) fn restore(
    conn: &mut PgConnection,
    actor: &str,
    row: &ChannelRoleRow,
) -> Result<(), StoreError> {
    changing(conn, |conn| {
        connectors::find(conn, &row.connector_id)?;
        let marked = Marked {
            channel_id: row.channel_id,
            settings: settings_of(row),
            version: None,
        };
        write(conn, &row.connector_id, &[&marked])?;
        let after: ChannelRoleRow =
            diesel::update(channel_roles::table.find((&row.connector_id, row.channel_id.get())))
                .set(channel_roles::version.eq(row.version))
                .returning(ChannelRoleRow::as_returning())
                .get_result(conn)?;
        let recorded = Recorded {
            subject: format!("{}/{}", row.connector_id, row.channel_id),
            before: None,
            after: Some(&after),
        };
        record_all(conn, actor, "channel_role.put", [recorded].into_iter())?;
        connectors::move_config_version(conn, &[row.channel_id])
    })
}

impl ChannelRoleRow {
    /// The row with these settings.
    pub(super) fn from_settings(
        connector_id: &str,
        channel_id: ChannelId,
        settings: RoleSettings,
        version: i64,
    ) -> Self {
        Self {
            connector_id: connector_id.to_owned(),
            channel_id,
            guild_id: settings.guild_id,
            is_source: settings.is_source,
            is_target: settings.is_target,
            is_enabled: settings.is_enabled,
            thread_mode: settings.thread_mode,
            version,
        }
    }
}

fn settings_of(row: &ChannelRoleRow) -> RoleSettings {
    RoleSettings {
        guild_id: row.guild_id,
        is_source: row.is_source,
        is_target: row.is_target,
        is_enabled: row.is_enabled,
        thread_mode: row.thread_mode.clone(),
    }
}

fn write(
    conn: &mut PgConnection,
    connector_id: &str,
    marked: &[&Marked],
) -> Result<Vec<ChannelRoleRow>, StoreError> {
    fn column<'a, T>(marked: &[&'a Marked], of: impl Fn(&'a Marked) -> T) -> Vec<T> {
        marked.iter().map(|one| of(one)).collect()
    }
    type Columns = (Text, BigInt, BigInt, Bool, Bool, Bool, Text, BigInt);
    let rows = Sql::new(
        "insert into channel_roles (connector_id, channel_id, guild_id, is_source, is_target, is_enabled, thread_mode) \
         select $1, marked.* from unnest($2, $3, $4, $5, $6, $7) \
         as marked (channel_id, guild_id, is_source, is_target, is_enabled, thread_mode) order by channel_id \
         on conflict (connector_id, channel_id) do update set guild_id = excluded.guild_id, is_source = excluded.is_source, \
         is_target = excluded.is_target, is_enabled = excluded.is_enabled, thread_mode = excluded.thread_mode, \
         version = channel_roles.version + 1 \
         returning connector_id, channel_id, guild_id, is_source, is_target, is_enabled, thread_mode, version",
    )
    .bind::<Text, _>(connector_id)
    .bind::<Array<BigInt>, _>(column(marked, |one| one.channel_id))
    .bind::<Array<BigInt>, _>(column(marked, |one| one.settings.guild_id))
    .bind::<Array<Bool>, _>(column(marked, |one| one.settings.is_source))
    .bind::<Array<Bool>, _>(column(marked, |one| one.settings.is_target))
    .bind::<Array<Bool>, _>(column(marked, |one| one.settings.is_enabled))
    .bind::<Array<Text>, _>(column(marked, |one| one.settings.thread_mode.as_str()))
    .rows::<Columns>()
    .load(conn)?;
    Ok(rows)
}
