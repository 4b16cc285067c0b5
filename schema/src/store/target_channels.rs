//! Target channels as the administration and Discord see them: paused by a person, and what stands in the way of the bot. A
//! channel without a row is neither paused nor looked at yet.

use super::{
    StoreError,
    audit::{changing, record},
    tables::target_channels,
};
use crate::{
    ids::{ChannelId, GuildId},
    sql::Sql,
};
use chrono::{DateTime, Utc, serde::ts_milliseconds_option};
use diesel::{
    pg::PgConnection,
    prelude::*,
    sql_types::{BigInt, Nullable, SmallInt, Text},
};
use serde::Serialize;

/// One target channel.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Serialize)]
#[diesel(table_name = target_channels)]
pub struct TargetChannelRow {
    /// The channel.
    pub target_channel_id: ChannelId,
    /// Nothing is sent to it until a person resumes it; what is wanted waits.
    pub is_paused: bool,
    /// Its guild, as Discord said.
    pub guild_id: Option<GuildId>,
    /// Discord's channel type.
    pub kind: Option<i16>,
    /// When Discord was last asked.
    #[serde(rename = "inspected_at_ms", with = "ts_milliseconds_option")]
    pub inspected_at: Option<DateTime<Utc>>,
    /// What a person must change before the bot can mirror there; `None` when nothing is known to stand in the way.
    pub obstacle: Option<String>,
    /// Optimistic lock; 0 until a person has decided something.
    pub version: i64,
}

impl TargetChannelRow {
    fn unknown(target_channel_id: ChannelId) -> Self {
        Self {
            target_channel_id,
            is_paused: false,
            guild_id: None,
            kind: None,
            inspected_at: None,
            obstacle: None,
            version: 0,
        }
    }
}

/// What Discord said of a channel when it was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspected {
    /// Its guild.
    pub guild_id: Option<GuildId>,
    /// Discord's channel type.
    pub kind: Option<i16>,
    /// What a person must change; `None` when the bot can mirror there.
    pub obstacle: Option<String>,
}

/// The channel, as it is known.
///
/// # Errors
/// When the database does not answer.
pub fn get(conn: &mut PgConnection, target: ChannelId) -> Result<TargetChannelRow, StoreError> {
    let row = target_channels::table
        .find(target.get())
        .select(TargetChannelRow::as_select())
        .first(conn)
        .optional()?;
    Ok(row.unwrap_or_else(|| TargetChannelRow::unknown(target)))
}

/// Where the channel is said to be: by Discord, else by whoever marked it for a connector.
///
/// # Errors
/// When the database does not answer.
pub fn said_guild(
    conn: &mut PgConnection,
    target: ChannelId,
) -> Result<Option<GuildId>, StoreError> {
    let said: Option<i64> = Sql::new(
        "select coalesce((select guild_id from target_channels where target_channel_id = $1), \
         (select guild_id from channel_roles where channel_id = $1 order by is_target desc, connector_id limit 1))",
    )
    .bind::<BigInt, _>(target)
    .rows::<Nullable<BigInt>>()
    .get_result(conn)?;
    Ok(said.and_then(GuildId::new))
}

/// Pauses or resumes a channel that stands at `version`, with an audit row. Saying what is so already changes nothing.
///
/// # Errors
/// [`StoreError::Conflict`] when somebody else changed it meanwhile, or when the database does not answer.
pub fn set_paused(
    conn: &mut PgConnection,
    actor: &str,
    target: ChannelId,
    version: i64,
    is_paused: bool,
) -> Result<TargetChannelRow, StoreError> {
    changing(conn, |conn| {
        let before = get(conn, target)?;
        if before.version != version {
            return Err(StoreError::Conflict);
        }
        if before.is_paused == is_paused {
            return Ok(before);
        }
        let paused = target_channels::is_paused.eq(is_paused);
        let after: TargetChannelRow = diesel::insert_into(target_channels::table)
            .values((target_channels::target_channel_id.eq(target.get()), paused))
            .on_conflict(target_channels::target_channel_id)
            .do_update()
            .set((
                paused,
                target_channels::version.eq(target_channels::version + 1),
            ))
            .returning(TargetChannelRow::as_returning())
            .get_result(conn)?;
        let action = if is_paused {
            "target.pause"
        } else {
            "target.resume"
        };
        let subject = target.to_string();
        record(conn, actor, action, &subject, Some(&before), Some(&after))?;
        Ok(after)
    })
}

/// Writes down what Discord said. Does not move the version, which is 0 as without a row: nobody decided anything.
///
/// # Errors
/// When the database does not answer.
pub fn inspected(
    conn: &mut PgConnection,
    target: ChannelId,
    said: &Inspected,
) -> Result<(), StoreError> {
    Sql::new(
        "insert into target_channels (target_channel_id, guild_id, kind, obstacle, inspected_at, version) \
         values ($1, $2, $3, $4, now(), 0) on conflict (target_channel_id) do update set guild_id = excluded.guild_id, \
         kind = excluded.kind, obstacle = excluded.obstacle, inspected_at = excluded.inspected_at",
    )
    .bind::<BigInt, _>(target)
    .bind::<Nullable<BigInt>, _>(said.guild_id)
    .bind::<Nullable<SmallInt>, _>(said.kind)
    .bind::<Nullable<Text>, _>(said.obstacle.as_deref())
    .execute(conn)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::test_database::TestDatabase;

    #[test]
    fn a_pause_is_a_decision_and_an_inspection_is_not() {
        let db = TestDatabase::new();
        let conn = &mut db.connect();
        let target = ChannelId::new(7).unwrap();
        assert_eq!(
            get(conn, target).unwrap(),
            TargetChannelRow::unknown(target)
        );
        let paused = set_paused(conn, "admin", target, 0, true).unwrap();
        assert!(paused.is_paused && paused.version == 1);
        assert!(matches!(
            set_paused(conn, "admin", target, 0, false),
            Err(StoreError::Conflict)
        ));
        let said = Inspected {
            guild_id: GuildId::new(3),
            kind: Some(0),
            obstacle: Some("give the bot Send Messages".to_owned()),
        };
        inspected(conn, target, &said).unwrap();
        let row = get(conn, target).unwrap();
        assert!(row.is_paused && row.version == 1 && row.inspected_at.is_some());
        assert_eq!(row.obstacle, said.obstacle);
        assert_eq!(said_guild(conn, target).unwrap(), GuildId::new(3));
        assert_eq!(said_guild(conn, ChannelId::new(8).unwrap()).unwrap(), None);
        let resumed = set_paused(conn, "admin", target, 1, false).unwrap();
        assert!(!resumed.is_paused && resumed.version == 2);
        // Looked at before anybody decided: who read that there is no row may still decide.
        let other = ChannelId::new(9).unwrap();
        inspected(conn, other, &said).unwrap();
        assert_eq!(get(conn, other).unwrap().version, 0);
        let paused = set_paused(conn, "admin", other, 0, true).unwrap();
        assert!(paused.is_paused && paused.version == 1);
    }
}
