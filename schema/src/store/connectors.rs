//! The programs outside that capture and push: who they are and what they may do. `config_version` moves with everything a
//! connector must see, `version` with every change of its row; a discovery request moves neither.

use super::{
    Page, StoreError,
    audit::{changing, record},
    sightings,
    tables::{channel_roles, connectors},
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
    sql_types::{Array, BigInt, Bytea, Text},
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
    /// Until when the token before the last rotation works, as the last rotation said.
    #[serde(rename = "previous_token_until_ms", with = "ts_milliseconds_option")]
    #[schema(value_type = Option<i64>)]
    pub previous_token_until: Option<DateTime<Utc>>,
    /// Of the last discovery request: when the connector read it.
    #[serde(skip)]
    pub discovery_picked_up_at: Option<DateTime<Utc>>,
    /// When its snapshot came.
    #[serde(skip)]
    pub discovery_answered_at: Option<DateTime<Utc>>,
    /// How many guilds that named.
    #[serde(skip)]
    pub discovery_guilds: Option<i32>,
    /// How many channels.
    #[serde(skip)]
    pub discovery_channels: Option<i32>,
}

/// What the tokens of a connector are recognised by.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = connectors)]
pub struct TokenHashes {
    /// SHA-256 of its token.
    #[diesel(column_name = token_hash)]
    pub current: Vec<u8>,
    /// Of the one before it, kept while that may still be used.
    #[diesel(column_name = previous_token_hash)]
    pub previous: Option<Vec<u8>>,
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

/// Gives the connector another token. The old one works for `overlap_s` seconds more, with 0 from the commit on no more; one that
/// was on its way out already ends now.
pub fn rotate(
    conn: &mut PgConnection,
    actor: &str,
    connector_id: &str,
    version: i64,
    token_hash: [u8; 32],
    overlap_s: u32,
) -> Result<ConnectorRow, StoreError> {
    changing(conn, |conn| {
        let before = at_version(conn, connector_id, version)?;
        Sql::new(
            "update connectors set token_hash = $1, version = version + 1, \
             previous_token_hash = case when $2 > 0 then token_hash end, \
             previous_token_until = case when $2 > 0 then now() + $2 * interval '1 second' end where connector_id = $3",
        )
        .bind::<Bytea, _>(&token_hash[..])
        .bind::<BigInt, _>(i64::from(overlap_s))
        .bind::<Text, _>(connector_id)
        .execute(conn)?;
        let after = find(conn, connector_id)?;
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

/// Takes a connector away, with its channel roles and what it saw; what it captured stays. [`StoreError::Refused`] while enabled
/// mappings can capture only through it, or have a target that nobody else offers.
pub fn remove(
    conn: &mut PgConnection,
    actor: &str,
    connector_id: &str,
    version: i64,
) -> Result<(), StoreError> {
    changing(conn, |conn| {
        let before = at_version(conn, connector_id, version)?;
        if let Some(reason) = needed_by(conn, connector_id)? {
            return Err(StoreError::Refused(reason));
        }
        let channels: Vec<ChannelId> = channel_roles::table
            .filter(channel_roles::connector_id.eq(connector_id))
            .select(channel_roles::channel_id)
            .load(conn)?;
        sightings::alone(conn, connector_id)?;
        diesel::delete(connectors::table.find(connector_id)).execute(conn)?;
        Sql::new("with gone as (delete from guild_sightings where observer = $1) delete from channel_sightings where observer = $1")
            .bind::<Text, _>(connector_id)
            .execute(conn)?;
        record(
            conn,
            actor,
            "connector.remove",
            connector_id,
            Some(&before),
            None,
        )?;
        // The others that capture what was mapped into its channels.
        move_config_version(conn, &channels)
    })
}

/// Why the connector cannot be taken away; `None` when it can.
fn needed_by(conn: &mut PgConnection, connector_id: &str) -> Result<Option<String>, StoreError> {
    let (captured, offered): (i64, i64) = Sql::new(
        "with only_here as (select channel_id, is_source and not exists (select from channel_roles o \
         where o.channel_id = r.channel_id and o.connector_id <> r.connector_id and o.is_source and o.is_enabled) as is_source, \
         is_target and not exists (select from channel_roles o \
         where o.channel_id = r.channel_id and o.connector_id <> r.connector_id and o.is_target and o.is_enabled) \
         and not exists (select from target_channels t where t.target_channel_id = r.channel_id and t.is_target) as is_target \
         from channel_roles r where r.connector_id = $1 and r.is_enabled) \
         select count(*) filter (where source_channel_id in (select channel_id from only_here where is_source)), \
         count(*) filter (where target_channel_id in (select channel_id from only_here where is_target)) \
         from mappings where is_enabled",
    )
    .bind::<Text, _>(connector_id)
    .rows::<(BigInt, BigInt)>()
    .get_result(conn)?;
    Ok(match (captured, offered) {
        (0, 0) => None,
        (0, offered) => Some(format!(
            "{offered} enabled mappings have a target that only this connector offers: switch them off or move them first"
        )),
        (captured, _) => Some(format!(
            "{captured} enabled mappings capture only through this connector: switch them off or move them first"
        )),
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
                connectors::discovery_picked_up_at.eq(None::<DateTime<Utc>>),
                connectors::discovery_answered_at.eq(None::<DateTime<Utc>>),
                connectors::discovery_guilds.eq(None::<i32>),
                connectors::discovery_channels.eq(None::<i32>),
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

#[cfg(test)]
mod tests;
