//! The programs outside that capture and push: who they are and what they may do. `config_version` moves with everything a
//! connector must see, `version` with every change of its row; a discovery request moves neither.

use super::{
    Page, StoreError,
    audit::{changing, record},
    tables::connectors,
};
use crate::{
    ids::{ChannelId, GuildId},
    sql::Sql,
};
use chrono::{
    DateTime, Utc,
    serde::{ts_milliseconds, ts_milliseconds_option},
};
use diesel::{
    dsl::now,
    pg::PgConnection,
    prelude::*,
    sql_types::{Array, BigInt, Text},
};
use serde::{Deserialize, Serialize, Serializer};

/// A connector as the administration sees it: everything but its token.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Serialize, utoipa::ToSchema)]
#[diesel(table_name = connectors)]
pub struct ConnectorRow {
    /// Its id, unique in this installation.
    pub connector_id: String,
    /// The tenant it belongs to.
    pub tenant_key: String,
    /// For people.
    pub name: String,
    /// Ingest refused, configuration still readable. In JSON `status`: `active` or `paused`.
    #[serde(rename = "status", serialize_with = "status")]
    #[schema(value_type = ConnectorStatus)]
    pub is_paused: bool,
    /// May push at all.
    pub ingest_enabled: bool,
    /// Its signals are mirrored.
    pub forward_enabled: bool,
    /// What the connector compares.
    pub config_version: i64,
    /// Counts the discovery requests; 0 means never asked.
    pub discovery_request_version: i64,
    /// Of the last request: the guild whose channels are wanted; `None`: the guilds.
    pub discovery_guild_id: Option<GuildId>,
    /// When the last request was made.
    #[serde(rename = "discovery_requested_at_ms", with = "ts_milliseconds_option")]
    #[schema(value_type = Option<i64>)]
    pub discovery_requested_at: Option<DateTime<Utc>>,
    /// Optimistic lock.
    pub version: i64,
    /// When it last asked or pushed, to about a minute.
    #[serde(rename = "last_seen_at_ms", with = "ts_milliseconds_option")]
    #[schema(value_type = Option<i64>)]
    pub last_seen_at: Option<DateTime<Utc>>,
    /// When it was made known.
    #[serde(rename = "created_at_ms", with = "ts_milliseconds")]
    #[schema(value_type = i64)]
    pub created_at: DateTime<Utc>,
}

/// Whether a connector may work, in the words of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ConnectorStatus {
    /// It may.
    Active,
    /// A person paused it.
    Paused,
}

// serde passes a reference.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn status<S: Serializer>(is_paused: &bool, serializer: S) -> Result<S::Ok, S::Error> {
    let status = if *is_paused {
        ConnectorStatus::Paused
    } else {
        ConnectorStatus::Active
    };
    status.serialize(serializer)
}

/// What a new connector is.
#[derive(Debug, Clone)]
pub struct NewConnector {
    /// Its id.
    pub connector_id: String,
    /// The tenant it belongs to.
    pub tenant_key: String,
    /// For people.
    pub name: String,
    /// SHA-256 of its token.
    pub token_hash: [u8; 32],
}

/// What is to be different; `None` leaves as it is.
#[derive(Debug, Clone, Default)]
pub struct ConnectorChange {
    /// For people.
    pub name: Option<String>,
    /// See [`ConnectorRow`].
    pub is_paused: Option<bool>,
    /// See [`ConnectorRow`].
    pub ingest_enabled: Option<bool>,
    /// See [`ConnectorRow`].
    pub forward_enabled: Option<bool>,
}

/// All connectors, by id.
pub fn list(conn: &mut PgConnection, page: &Page<String>) -> Result<Vec<ConnectorRow>, StoreError> {
    let rows = connectors::table
        .filter(connectors::connector_id.gt(page.after.as_deref().unwrap_or_default()))
        .order(connectors::connector_id)
        .limit(page.limit)
        .select(ConnectorRow::as_select())
        .load(conn)?;
    Ok(rows)
}

/// The connector with this id; [`StoreError::NotFound`] else.
pub fn find(conn: &mut PgConnection, connector_id: &str) -> Result<ConnectorRow, StoreError> {
    let found = connectors::table
        .find(connector_id)
        .select(ConnectorRow::as_select())
        .first(conn)
        .optional()?;
    found.ok_or(StoreError::NotFound("such connector"))
}

/// Makes a connector known; [`StoreError::Refused`] when the id is taken.
pub fn create(
    conn: &mut PgConnection,
    actor: &str,
    new: &NewConnector,
) -> Result<ConnectorRow, StoreError> {
    changing(conn, |conn| {
        let made = diesel::insert_into(connectors::table)
            .values((
                connectors::connector_id.eq(&new.connector_id),
                connectors::tenant_key.eq(&new.tenant_key),
                connectors::name.eq(&new.name),
                connectors::token_hash.eq(&new.token_hash[..]),
            ))
            .on_conflict(connectors::connector_id)
            .do_nothing()
            .returning(ConnectorRow::as_returning())
            .get_result(conn)
            .optional()?;
        let made = made.ok_or_else(|| {
            let reason = format!("connector {} exists already", new.connector_id);
            StoreError::refused_field("connector_id", reason)
        })?;
        record(
            conn,
            actor,
            "connector.create",
            &made.connector_id,
            None,
            Some(&made),
        )?;
        Ok(made)
    })
}

/// Gives the connector another token: the old one is worth nothing from the commit on.
pub fn rotate(
    conn: &mut PgConnection,
    actor: &str,
    connector_id: &str,
    version: i64,
    token_hash: [u8; 32],
) -> Result<ConnectorRow, StoreError> {
    changing(conn, |conn| {
        let before = at_version(conn, connector_id, version)?;
        let after = diesel::update(connectors::table.find(connector_id))
            .set((
                connectors::token_hash.eq(&token_hash[..]),
                connectors::version.eq(connectors::version + 1),
            ))
            .returning(ConnectorRow::as_returning())
            .get_result(conn)?;
        record(
            conn,
            actor,
            "connector.rotate",
            connector_id,
            Some(&before),
            Some(&after),
        )?;
        Ok(after)
    })
}

/// Changes what the connector is called and may do. Saying what is so already changes nothing, versions included.
pub fn change(
    conn: &mut PgConnection,
    actor: &str,
    connector_id: &str,
    version: i64,
    change: &ConnectorChange,
) -> Result<ConnectorRow, StoreError> {
    changing(conn, |conn| {
        let before = at_version(conn, connector_id, version)?;
        let wanted = ConnectorRow {
            name: change.name.clone().unwrap_or_else(|| before.name.clone()),
            is_paused: change.is_paused.unwrap_or(before.is_paused),
            ingest_enabled: change.ingest_enabled.unwrap_or(before.ingest_enabled),
            forward_enabled: change.forward_enabled.unwrap_or(before.forward_enabled),
            ..before.clone()
        };
        if wanted == before {
            return Ok(before);
        }
        // The connector is not told its name.
        let seen_by_it = ConnectorRow {
            name: before.name.clone(),
            ..wanted.clone()
        } != before;
        let after = diesel::update(connectors::table.find(connector_id))
            .set((
                connectors::name.eq(&wanted.name),
                connectors::is_paused.eq(wanted.is_paused),
                connectors::ingest_enabled.eq(wanted.ingest_enabled),
                connectors::forward_enabled.eq(wanted.forward_enabled),
                connectors::config_version.eq(connectors::config_version + i64::from(seen_by_it)),
                connectors::version.eq(connectors::version + 1),
            ))
            .returning(ConnectorRow::as_returning())
            .get_result(conn)?;
        record(
            conn,
            actor,
            "connector.change",
            connector_id,
            Some(&before),
            Some(&after),
        )?;
        Ok(after)
    })
}

/// Asks the connector for its guilds, or for the channels of one. Returns the number of the request.
pub fn request_discovery(
    conn: &mut PgConnection,
    actor: &str,
    connector_id: &str,
    guild_id: Option<GuildId>,
) -> Result<i64, StoreError> {
    changing(conn, |conn| {
        let before = find(conn, connector_id)?;
        let after = diesel::update(connectors::table.find(connector_id))
            .set((
                connectors::discovery_request_version.eq(connectors::discovery_request_version + 1),
                connectors::discovery_guild_id.eq(guild_id.map(GuildId::get)),
                connectors::discovery_requested_at.eq(now),
            ))
            .returning(ConnectorRow::as_returning())
            .get_result(conn)?;
        record(
            conn,
            actor,
            "connector.discovery",
            connector_id,
            Some(&before),
            Some(&after),
        )?;
        Ok(after.discovery_request_version)
    })
}

/// Notes that these connectors were heard of. Call it seldom: to about a minute is exact enough.
pub fn mark_seen(conn: &mut PgConnection, connector_ids: &[String]) -> Result<(), StoreError> {
    Sql::new("update connectors set last_seen_at = now() where connector_id = any($1)")
        .bind::<Array<Text>, _>(connector_ids)
        .execute(conn)?;
    Ok(())
}

fn at_version(
    conn: &mut PgConnection,
    connector_id: &str,
    version: i64,
) -> Result<ConnectorRow, StoreError> {
    let row = find(conn, connector_id)?;
    if row.version == version {
        Ok(row)
    } else {
        Err(StoreError::Conflict)
    }
}

/// Moves the configuration version of every connector that must see a change of these channels or of the mappings between
/// them: those with a role on one of them, and those whose source is mapped into one.
pub(super) fn move_config_version(
    conn: &mut PgConnection,
    channels: &[ChannelId],
) -> Result<(), StoreError> {
    Sql::new(
        "update connectors set config_version = config_version + 1 where connector_id in (\
         select connector_id from channel_roles where channel_id = any($1) or channel_id in (\
         select source_channel_id from mappings where target_channel_id = any($1)))",
    )
    .bind::<Array<BigInt>, _>(channels)
    .execute(conn)?;
    Ok(())
}
