//! Every channel that is or was mirrored into or is offered by the bot, with its names, what the administration decided about it and how much waits for
//! it in the table. Counts stop at a bound, so that a backlog of a million rows costs no more to look at than one of a thousand.

use super::{Page, StoreError};
use crate::{
    ids::{ChannelId, GuildId},
    sql::Sql,
};
use chrono::{DateTime, Utc, serde::ts_milliseconds_option};
use diesel::{
    pg::PgConnection,
    prelude::*,
    sql_types::{BigInt, Bool, Nullable, Text, Timestamptz},
};
use serde::Serialize;

/// Rows of one target that are counted, of each kind.
pub const COUNTED_MAX: i64 = 1_000;

/// One target channel.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Serialize, utoipa::ToSchema)]
pub struct TargetRow {
    /// The channel.
    pub target_channel_id: ChannelId,
    /// Its name, if a snapshot named it.
    pub name: Option<String>,
    /// Its guild, as far as it is known.
    pub guild_id: Option<GuildId>,
    /// The guild's name, if a snapshot named it.
    pub guild_name: Option<String>,
    /// Offered by the bot as the target of mappings, whether or not a connector marks it.
    pub is_target: bool,
    /// Nothing is sent to it until a person resumes it.
    pub is_paused: bool,
    /// Optimistic lock of pausing; 0 when nobody ever decided anything.
    pub version: i64,
    /// What a person must change before the bot can mirror there.
    pub obstacle: Option<String>,
    /// When Discord was last asked.
    #[serde(rename = "inspected_at_ms", with = "ts_milliseconds_option")]
    #[schema(value_type = Option<i64>)]
    pub inspected_at: Option<DateTime<Utc>>,
    /// Mappings into it, enabled or not.
    pub mappings: i64,
    /// Deliveries with work to do, counted up to [`COUNTED_MAX`].
    pub backlog: i64,
    /// There are more of them.
    pub backlog_is_more: bool,
    /// Since when the longest waiting of those counted has been wanted.
    #[serde(rename = "backlog_since_ms", with = "ts_milliseconds_option")]
    #[schema(value_type = Option<i64>)]
    pub backlog_since: Option<DateTime<Utc>>,
    /// Deliveries given up, counted up to [`COUNTED_MAX`].
    pub dead_letters: i64,
    /// There are more of them.
    pub dead_letters_are_more: bool,
}

/// Targets of all mappings and of all deliveries, and what the bot offers, by id.
///
/// # Errors
/// When the database does not answer.
pub fn list(conn: &mut PgConnection, page: Page<ChannelId>) -> Result<Vec<TargetRow>, StoreError> {
    // From target to target along the index of deliveries, no further than the page.
    let rows = Sql::new(
        "with recursive step (target) as (\
            (select target_channel_id from deliveries where target_channel_id > $1 order by target_channel_id limit 1) \
            union all select (select d.target_channel_id from deliveries d where d.target_channel_id > step.target \
            order by d.target_channel_id limit 1) from step where step.target is not null), \
         delivered as (select target from step limit $2), \
         mapped as (select distinct target_channel_id as target from mappings where target_channel_id > $1 \
            order by target_channel_id limit $2), \
         offered as (select target_channel_id as target from target_channels where is_target and target_channel_id > $1 \
            order by target_channel_id limit $2), \
         page as (select target from (select target from delivered where target is not null union select target from mapped \
            union select target from offered) t order by target limit $2) \
         select p.target, c.name, g.guild_id, n.name, coalesce(t.is_target, false), coalesce(t.is_paused, false), \
            coalesce(t.version, 0), t.obstacle, t.inspected_at, (select count(*) from mappings m where m.target_channel_id = p.target), \
            least(w.waiting, $3), w.waiting > $3, w.since, least(x.dead, $3), x.dead > $3 \
         from page p left join target_channels t on t.target_channel_id = p.target \
         left join channels c on c.channel_id = p.target \
         cross join lateral (select coalesce(t.guild_id, c.guild_id, \
            (select r.guild_id from channel_roles r where r.channel_id = p.target limit 1)) as guild_id) g \
         left join guilds n on n.guild_id = g.guild_id \
         cross join lateral (select count(*) as waiting, min(wanted_at) as since from (select d.wanted_at from deliveries d \
            where d.target_channel_id = p.target and d.state = 'p' order by d.ordinal limit $3 + 1) d) w \
         cross join lateral (select count(*) as dead from (select from deliveries d \
            where d.target_channel_id = p.target and d.state = 'x' limit $3 + 1) d) x \
         order by p.target",
    )
    .bind::<BigInt, _>(page.after.map_or(0, ChannelId::get))
    .bind::<BigInt, _>(page.limit)
    .bind::<BigInt, _>(COUNTED_MAX)
    .rows::<(
        BigInt,
        Nullable<Text>,
        Nullable<BigInt>,
        Nullable<Text>,
        Bool,
        Bool,
        BigInt,
        Nullable<Text>,
        Nullable<Timestamptz>,
        BigInt,
        BigInt,
        Bool,
        Nullable<Timestamptz>,
        BigInt,
        Bool,
    )>()
    .load(conn)?;
    Ok(rows)
}

/// Whether anything is, was or may be mirrored into this channel.
///
/// # Errors
/// When the database does not answer.
pub fn is_known(conn: &mut PgConnection, target: ChannelId) -> Result<bool, StoreError> {
    Ok(Sql::new(
        "select exists (select from mappings where target_channel_id = $1) \
         or exists (select from deliveries where target_channel_id = $1) \
         or exists (select from channel_roles where channel_id = $1 and is_target) \
         or exists (select from target_channels where target_channel_id = $1 and is_target)",
    )
    .bind::<BigInt, _>(target)
    .rows::<Bool>()
    .get_result(conn)?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{store::target_channels, test_database::TestDatabase};
    use diesel::connection::SimpleConnection;

    fn channel(id: i64) -> ChannelId {
        ChannelId::new(id).unwrap()
    }

    #[test]
    fn targets_are_those_of_mappings_and_of_deliveries_page_by_page() {
        let db = TestDatabase::new();
        let conn = &mut db.connect();
        conn.batch_execute(
            "insert into guilds (guild_id, name) values (3, 'guild'); \
             insert into channels (channel_id, guild_id, name) values (20, 3, 'twenty'); \
             insert into mappings (source_channel_id, target_channel_id) values (1, 20), (2, 20), (1, 40); \
             insert into target_channels (target_channel_id, is_target) values (50, true), (60, false); \
             insert into deliveries (signal_id, target_channel_id, source_channel_id, mapping_id, desired_revision, state, wanted_at) \
             values (1, 20, 1, 1, 1, 'p', now() - interval '1 hour'), (2, 20, 1, 1, 1, 'p', now()), (3, 20, 1, 1, 1, 'x', now()), \
                (1, 10, 1, 9, 1, 'd', now()), (1, 30, 1, 9, 1, 'c', now())",
        )
        .unwrap();
        let ids = |rows: &[TargetRow]| {
            rows.iter()
                .map(|row| row.target_channel_id.get())
                .collect::<Vec<_>>()
        };
        let page = |after: Option<i64>, limit| Page {
            after: after.map(channel),
            limit,
        };
        let all = list(conn, page(None, 9)).unwrap();
        assert_eq!(ids(&all), [10, 20, 30, 40, 50]);
        assert!(all[4].is_target && all[4].mappings == 0 && !all[3].is_target);
        assert_eq!(ids(&list(conn, page(None, 2)).unwrap()), [10, 20]);
        assert_eq!(ids(&list(conn, page(Some(20), 2)).unwrap()), [30, 40]);
        let twenty = &all[1];
        assert_eq!(
            (
                twenty.name.as_deref(),
                twenty.guild_name.as_deref(),
                twenty.guild_id
            ),
            (Some("twenty"), Some("guild"), GuildId::new(3))
        );
        assert_eq!(
            (
                twenty.mappings,
                twenty.backlog,
                twenty.backlog_is_more,
                twenty.dead_letters
            ),
            (2, 2, false, 1)
        );
        assert!(twenty.backlog_since.unwrap() < Utc::now() - chrono::Duration::minutes(50));
        assert_eq!((all[0].backlog, all[0].backlog_since), (0, None));
        assert!(is_known(conn, channel(40)).unwrap() && is_known(conn, channel(30)).unwrap());
        assert!(!is_known(conn, channel(41)).unwrap());
        target_channels::set_paused(conn, "admin", channel(40), 0, true).unwrap();
        let paused = &list(conn, page(Some(30), 9)).unwrap()[0];
        assert_eq!((paused.is_paused, paused.version), (true, 1));
    }

    #[test]
    fn a_long_backlog_is_counted_up_to_a_bound() {
        let db = TestDatabase::new();
        let conn = &mut db.connect();
        conn.batch_execute(
            "insert into deliveries (signal_id, target_channel_id, source_channel_id, mapping_id, desired_revision) \
             select n, 10, 1, 1, 1 from generate_series(1, 1001) n",
        )
        .unwrap();
        let rows = list(
            conn,
            Page {
                after: None,
                limit: 9,
            },
        )
        .unwrap();
        assert_eq!(
            (rows[0].backlog, rows[0].backlog_is_more),
            (COUNTED_MAX, true)
        );
    }
}
