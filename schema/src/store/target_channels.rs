//! Target channels as the administration and Discord see them: paused by a person, and what stands in the way of the bot. A
//! channel without a row is neither offered nor paused nor looked at yet.

use super::{
    StoreError,
    audit::{changing, record},
    connectors::move_config_version,
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

/// Discord's channel types that a bot can post messages into, of itself or in threads: text, voice, announcements, threads,
/// stage, forum, media.
const TAKES_MESSAGES: [i16; 9] = [0, 2, 5, 10, 11, 12, 13, 15, 16];

/// Whether a channel of this type can be a target at all.
pub fn takes_messages(kind: i16) -> bool {
    TAKES_MESSAGES.contains(&kind)
}

/// One target channel.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Serialize, utoipa::ToSchema)]
#[diesel(table_name = target_channels)]
pub struct TargetChannelRow {
    /// The channel.
    pub target_channel_id: ChannelId,
    /// Offered by the bot as the target of mappings, whether or not a connector marks it.
    pub is_target: bool,
    /// Nothing is sent to it until a person resumes it; what is wanted waits.
    pub is_paused: bool,
    /// Its guild, as Discord said.
    pub guild_id: Option<GuildId>,
    /// Discord's channel type.
    pub kind: Option<i16>,
    /// When Discord was last asked.
    #[serde(rename = "inspected_at_ms", with = "ts_milliseconds_option")]
    #[schema(value_type = Option<i64>)]
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
            is_target: false,
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

/// Where the channel is said to be: by Discord when it was looked at, else by who sees it, our bot before others, else by whoever
/// marked it for a connector.
///
/// # Errors
/// When the database does not answer.
pub fn said_guild(
    conn: &mut PgConnection,
    target: ChannelId,
) -> Result<Option<GuildId>, StoreError> {
    let said: Option<i64> = Sql::new(
        "select coalesce((select guild_id from target_channels where target_channel_id = $1), \
         (select guild_id from channel_sightings where channel_id = $1 order by observer <> '@bot', gone_at desc nulls first limit 1), \
         (select guild_id from channel_roles where channel_id = $1 order by is_target desc, connector_id limit 1))",
    )
    .bind::<BigInt, _>(target)
    .rows::<Nullable<BigInt>>()
    .get_result(conn)?;
    Ok(said.and_then(GuildId::new))
}

/// Offers a channel that stands at `version` as a target by the bot, or no longer, with an audit row. Only what the bot sees and
/// can post into is offered; what it can no longer see stays offered, and mappings into what is no longer offered stay and do not
/// work. Saying what is so already changes nothing.
///
/// # Errors
/// [`StoreError::Conflict`] when somebody else changed it meanwhile, [`StoreError::Refused`] with the reason, or when the database
/// does not answer.
pub fn set_offered(
    conn: &mut PgConnection,
    actor: &str,
    target: ChannelId,
    version: i64,
    is_target: bool,
) -> Result<TargetChannelRow, StoreError> {
    changing(conn, |conn| {
        let before = check_offer(conn, target, version, is_target)?;
        if before.is_target == is_target {
            return Ok(before);
        }
        let after = decide(conn, target, is_target, before.is_paused)?;
        let subject = target.to_string();
        record(
            conn,
            actor,
            "target.offer",
            &subject,
            Some(&before),
            Some(&after),
        )?;
        move_config_version(conn, &[target])?;
        Ok(after)
    })
}

/// What [`set_offered`] would refuse is refused, and nothing is written: the channel as it stands.
///
/// # Errors
/// As [`set_offered`].
pub fn check_offer(
    conn: &mut PgConnection,
    target: ChannelId,
    version: i64,
    is_target: bool,
) -> Result<TargetChannelRow, StoreError> {
    let before = get(conn, target)?;
    if before.version != version {
        return Err(StoreError::Conflict);
    }
    if is_target && !before.is_target {
        check_seen(conn, target)?;
    }
    Ok(before)
}

/// Whether the bot sees the channel and what it sees takes messages.
pub(super) fn check_seen(conn: &mut PgConnection, target: ChannelId) -> Result<(), StoreError> {
    let seen: Option<(Option<i16>, String)> = Sql::new(
        "select c.kind, c.name from channels_seen s join guild_sightings using (observer, guild_id) join channels c \
         on c.channel_id = s.channel_id where s.channel_id = $1 and s.observer = '@bot' and s.gone_at is null",
    )
    .bind::<BigInt, _>(target)
    .rows::<(Nullable<SmallInt>, Text)>()
    .get_result(conn)
    .optional()?;
    match seen {
        Some((kind, _)) if kind.is_none_or(takes_messages) => Ok(()),
        Some((_, name)) => Err(StoreError::Refused(format!(
            "#{name} takes no messages: choose a text channel or a forum"
        ))),
        None => Err(StoreError::Refused(format!(
            "the bot does not see channel {target}: add the bot to its server, or refresh what the bot sees"
        ))),
    }
}

/// Writes what a person decided on a channel that may have no row yet.
fn decide(
    conn: &mut PgConnection,
    target: ChannelId,
    is_target: bool,
    is_paused: bool,
) -> Result<TargetChannelRow, StoreError> {
    let decided = (
        target_channels::is_target.eq(is_target),
        target_channels::is_paused.eq(is_paused),
    );
    let row = diesel::insert_into(target_channels::table)
        .values((target_channels::target_channel_id.eq(target.get()), decided))
        .on_conflict(target_channels::target_channel_id)
        .do_update()
        .set((
            decided,
            target_channels::version.eq(target_channels::version + 1),
        ))
        .returning(TargetChannelRow::as_returning())
        .get_result(conn)?;
    Ok(row)
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
        let after = decide(conn, target, before.is_target, is_paused)?;
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
    use crate::{
        store::{mappings, routing},
        test_database::TestDatabase,
    };
    use diesel::connection::SimpleConnection;

    #[test]
    fn what_the_bot_offers_is_an_enabled_target_until_it_is_taken_back() {
        let db = TestDatabase::new();
        let conn = &mut db.connect();
        conn.batch_execute(
            "insert into connectors (connector_id, tenant_key, name, token_hash) values ('c', 't', 'n', ''), ('d', 't', 'n', 'd'); \
             insert into channel_roles (connector_id, channel_id, guild_id, is_source, is_target, is_enabled, thread_mode) \
             values ('c', 1, 7, true, false, true, 'include'); \
             insert into channels (channel_id, guild_id, name, kind) values (20, 8, 'alerts', 0), (21, 8, 'Desk', 4), \
                (22, 8, 'old', 0), (23, 9, 'lost', 0), (24, 8, 'others', 0); \
             insert into guild_sightings (observer, guild_id, gone_at) values ('@bot', 8, null), ('@bot', 9, now()), ('c', 8, null); \
             insert into channel_sightings (observer, channel_id, guild_id, gone_at) values ('@bot', 20, 8, null), \
                ('@bot', 21, 8, null), ('@bot', 22, 8, now()), ('@bot', 23, 9, null), ('c', 24, 8, null)",
        )
        .unwrap();
        let channel = |id| ChannelId::new(id).unwrap();
        for (id, part) in [
            (21, "#Desk takes no messages"),
            (22, "does not see channel 22"),
            (23, "does not see channel 23"),
            (24, "does not see channel 24"),
            (25, "does not see channel 25"),
        ] {
            let refused = set_offered(conn, "admin", channel(id), 0, true).unwrap_err();
            assert!(
                matches!(&refused, StoreError::Refused(reason) if reason.contains(part)),
                "{id}: {refused}"
            );
        }
        let wish = mappings::MappingSettings {
            source_channel_id: channel(1),
            target_channel_id: channel(20),
            tier: 0,
            ping_role_id: None,
            priority: 0,
            is_enabled: true,
            rules: crate::rules::MappingRules::default(),
        };
        assert!(mappings::create(conn, "admin", &wish).is_err());
        let offered = set_offered(conn, "admin", channel(20), 0, true).unwrap();
        assert!(offered.is_target && !offered.is_paused && offered.version == 1);
        mappings::create(conn, "admin", &wish).unwrap();
        assert_eq!(routing::load(conn).unwrap().mappings.len(), 1);
        assert_eq!(said_guild(conn, channel(20)).unwrap(), GuildId::new(8));

        let versions = |conn: &mut PgConnection| -> Vec<i64> {
            Sql::new("select config_version from connectors order by connector_id")
                .rows::<BigInt>()
                .load(conn)
                .unwrap()
        };
        let before = versions(conn);
        assert!(matches!(
            set_offered(conn, "admin", channel(20), 0, false),
            Err(StoreError::Conflict)
        ));
        let same = set_offered(conn, "admin", channel(20), 1, true).unwrap();
        assert_eq!((same.version, versions(conn)), (1, before.clone()));
        // Its mapping stays and does not work; the connector that captures for it is told, the other is not.
        let taken_back = set_offered(conn, "admin", channel(20), 1, false).unwrap();
        assert!(!taken_back.is_target && taken_back.version == 2);
        assert_eq!(versions(conn), [before[0] + 1, before[1]]);
        let rows = routing::load(conn).unwrap();
        assert_eq!((rows.mappings.len(), rows.targets.len()), (0, 1));
        let actions: i64 =
            Sql::new("select count(*) from audit where action = 'target.offer' and subject = '20'")
                .rows::<BigInt>()
                .get_result(conn)
                .unwrap();
        assert_eq!(actions, 2);
        // A pause leaves an offer as it is.
        set_offered(conn, "admin", channel(20), 2, true).unwrap();
        let paused = set_paused(conn, "admin", channel(20), 3, true).unwrap();
        assert!(paused.is_target && paused.is_paused);
    }

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
