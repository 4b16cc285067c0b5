//! What a channel is to a connector: captured from, mirrored into, or neither for now.

use super::{
    Page, StoreError,
    audit::{changing, record},
    connectors,
    tables::channel_roles,
};
use crate::ids::{ChannelId, GuildId};
use diesel::{pg::PgConnection, prelude::*};
use serde::Serialize;

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
    changing(conn, |conn| {
        connectors::find(conn, connector_id)?;
        let row = channel_roles::table.find((connector_id, channel_id.get()));
        let before = row
            .select(ChannelRoleRow::as_select())
            .first(conn)
            .optional()?;
        if before.as_ref().map(|before| before.version) != version {
            return Err(StoreError::Conflict);
        }
        if let Some(before) = before
            .clone()
            .filter(|before| settings_of(before) == *settings)
        {
            return Ok(before);
        }
        let after = write(conn, connector_id, channel_id, settings)?;
        let subject = format!("{connector_id}/{channel_id}");
        record(
            conn,
            actor,
            "channel_role.put",
            &subject,
            before.as_ref(),
            Some(&after),
        )?;
        connectors::move_config_version(conn, &[channel_id])?;
        Ok(after)
    })
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
    channel_id: ChannelId,
    settings: &RoleSettings,
) -> Result<ChannelRoleRow, StoreError> {
    let columns = (
        channel_roles::guild_id.eq(settings.guild_id.get()),
        channel_roles::is_source.eq(settings.is_source),
        channel_roles::is_target.eq(settings.is_target),
        channel_roles::is_enabled.eq(settings.is_enabled),
        channel_roles::thread_mode.eq(&settings.thread_mode),
    );
    let row = diesel::insert_into(channel_roles::table)
        .values((
            channel_roles::connector_id.eq(connector_id),
            channel_roles::channel_id.eq(channel_id.get()),
            columns,
        ))
        .on_conflict((channel_roles::connector_id, channel_roles::channel_id))
        .do_update()
        .set((
            columns,
            channel_roles::version.eq(channel_roles::version + 1),
        ))
        .returning(ChannelRoleRow::as_returning())
        .get_result(conn)?;
    Ok(row)
}
