//! The guilds that a connector sees and what stands in one of them: its channels with what they are to the connector, and their
//! threads. What it does not see any more is in it, with the moment.

use super::{Page, StoreError, channel_roles::ChannelRoleRow, tables::channel_roles};
use crate::{
    channel_order::{Place, in_order},
    ids::{ChannelId, GuildId, ThreadId},
    sql::Sql,
};
use chrono::{
    DateTime, Utc,
    serde::{ts_milliseconds, ts_milliseconds_option},
};
use diesel::{
    pg::PgConnection,
    prelude::*,
    sql_types::{Array, BigInt, Bool, Integer, Nullable, SmallInt, Text, Timestamptz},
};
use serde::Serialize;
use std::collections::HashMap;

/// Threads that a tree shows of one channel, and in all: the newest.
const THREADS_OF_CHANNEL_MAX: i64 = 100;
const THREADS_MAX: i64 = 1_000;

/// A guild that a connector sees or saw.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Serialize, utoipa::ToSchema)]
pub struct GuildSeenRow {
    /// The guild.
    pub guild_id: GuildId,
    /// Its name, or its id where no snapshot named it.
    pub name: String,
    /// Channels that the connector sees there, categories included.
    pub channels: i64,
    /// Those that it captures.
    pub sources: i64,
    /// Those that it offers as targets.
    pub targets: i64,
    /// When the connector last named it.
    #[serde(rename = "seen_at_ms", with = "ts_milliseconds")]
    #[schema(value_type = i64)]
    pub seen_at: DateTime<Utc>,
    /// Since when it is not among the guilds of the connector.
    #[serde(rename = "gone_at_ms", with = "ts_milliseconds_option")]
    #[schema(value_type = Option<i64>)]
    pub gone_at: Option<DateTime<Utc>>,
}

type GuildColumns = (
    BigInt,
    Text,
    BigInt,
    BigInt,
    BigInt,
    Timestamptz,
    Nullable<Timestamptz>,
);

/// The guilds of a connector, by id.
pub fn guilds(
    conn: &mut PgConnection,
    connector_id: &str,
    page: Page<GuildId>,
) -> Result<Vec<GuildSeenRow>, StoreError> {
    let rows = Sql::new(
        "select s.guild_id, coalesce(g.name, s.guild_id::text), coalesce(c.channels, 0), coalesce(r.sources, 0), \
         coalesce(r.targets, 0), s.seen_at, s.gone_at from guild_sightings s left join guilds g using (guild_id) \
         left join (select guild_id, count(*) as channels from channel_sightings \
         where observer = $1 and gone_at is null group by guild_id) c using (guild_id) \
         left join (select guild_id, count(*) filter (where is_source) as sources, count(*) filter (where is_target) as targets \
         from channel_roles where connector_id = $1 and is_enabled group by guild_id) r using (guild_id) \
         where s.observer = $1 and s.guild_id > $2 order by s.guild_id limit $3",
    )
    .bind::<Text, _>(connector_id)
    .bind::<BigInt, _>(page.after.map_or(0, GuildId::get))
    .bind::<BigInt, _>(page.limit)
    .rows::<GuildColumns>()
    .load(conn)?;
    Ok(rows)
}

/// What stands in a guild.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct ChannelTree {
    /// The guild.
    pub guild: TreeGuild,
    /// In the order in which Discord shows them: a category is followed by its channels.
    pub channels: Vec<TreeChannel>,
    /// By channel, the newest first.
    pub threads: Vec<TreeThread>,
    /// There are more threads than are shown.
    pub threads_are_more: bool,
}

/// The guild of a tree.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Serialize, utoipa::ToSchema)]
pub struct TreeGuild {
    /// The guild.
    pub guild_id: GuildId,
    /// Its name, or its id where no snapshot named it.
    pub name: String,
    /// When it was last seen.
    #[serde(rename = "seen_at_ms", with = "ts_milliseconds")]
    #[schema(value_type = i64)]
    pub seen_at: DateTime<Utc>,
    /// Since when it is not.
    #[serde(rename = "gone_at_ms", with = "ts_milliseconds_option")]
    #[schema(value_type = Option<i64>)]
    pub gone_at: Option<DateTime<Utc>>,
}

/// A channel of a tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct TreeChannel {
    /// The channel.
    pub channel_id: ChannelId,
    /// Its name, or its id where no snapshot named it.
    pub name: String,
    /// Discord's channel type.
    pub kind: Option<i16>,
    /// The category it stands in.
    pub parent_id: Option<ChannelId>,
    /// Order among its siblings.
    pub position: Option<i32>,
    /// Lowest tier that sees it live; `null` hides it.
    pub min_tier: Option<i16>,
    /// When the connector last named it.
    #[serde(rename = "seen_at_ms", with = "ts_milliseconds")]
    #[schema(value_type = i64)]
    pub seen_at: DateTime<Utc>,
    /// Since when the connector sees it, or its guild, no more.
    #[serde(rename = "gone_at_ms", with = "ts_milliseconds_option")]
    #[schema(value_type = Option<i64>)]
    pub gone_at: Option<DateTime<Utc>>,
    /// What it is to the connector; `null`: not marked.
    pub role: Option<ChannelRoleRow>,
    /// Mappings from or into it.
    pub mappings: i64,
}

/// A thread of a tree.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Serialize, utoipa::ToSchema)]
pub struct TreeThread {
    /// The thread.
    pub thread_id: ThreadId,
    /// The channel it stands in.
    pub parent_channel_id: ChannelId,
    /// Its name.
    pub name: String,
    /// Archived by Discord or by hand.
    pub archived: bool,
    /// Only moderators may open it again.
    pub locked: bool,
    /// As Discord last told.
    pub message_count: Option<i32>,
}

/// One guild as a connector sees it; [`StoreError::NotFound`] when it never did.
pub fn tree(
    conn: &mut PgConnection,
    connector_id: &str,
    guild_id: GuildId,
) -> Result<ChannelTree, StoreError> {
    let guild = guild(conn, connector_id, guild_id)?;
    let mut roles: HashMap<ChannelId, ChannelRoleRow> = channel_roles::table
        .filter(channel_roles::connector_id.eq(connector_id))
        .filter(channel_roles::guild_id.eq(guild_id.get()))
        .select(ChannelRoleRow::as_select())
        .load(conn)?
        .into_iter()
        .map(|role: ChannelRoleRow| (role.channel_id, role))
        .collect();
    let mut channels = channels(conn, connector_id, guild_id)?;
    for channel in &mut channels {
        channel.role = roles.remove(&channel.channel_id);
    }
    let ids: Vec<ChannelId> = channels.iter().map(|channel| channel.channel_id).collect();
    let (threads, threads_are_more) = threads(conn, &ids)?;
    let channels = in_order(channels, |channel| Place {
        channel_id: channel.channel_id,
        parent_id: channel.parent_id,
        kind: channel.kind,
        position: channel.position,
    });
    Ok(ChannelTree {
        guild,
        channels,
        threads,
        threads_are_more,
    })
}

fn guild(
    conn: &mut PgConnection,
    observer: &str,
    guild_id: GuildId,
) -> Result<TreeGuild, StoreError> {
    let found = Sql::new(
        "select s.guild_id, coalesce(g.name, s.guild_id::text), s.seen_at, s.gone_at from guild_sightings s \
         left join guilds g using (guild_id) where s.observer = $1 and s.guild_id = $2",
    )
    .bind::<Text, _>(observer)
    .bind::<BigInt, _>(guild_id)
    .rows::<(BigInt, Text, Timestamptz, Nullable<Timestamptz>)>()
    .get_result(conn)
    .optional()?;
    found.ok_or(StoreError::NotFound(
        "such guild among those of this connector",
    ))
}

type Columns = (
    BigInt,
    Text,
    Nullable<SmallInt>,
    Nullable<BigInt>,
    Nullable<Integer>,
    Nullable<SmallInt>,
    Timestamptz,
    Nullable<Timestamptz>,
    BigInt,
);
type Row = (
    ChannelId,
    String,
    Option<i16>,
    Option<ChannelId>,
    Option<i32>,
    Option<i16>,
    DateTime<Utc>,
    Option<DateTime<Utc>>,
    i64,
);

fn channels(
    conn: &mut PgConnection,
    connector_id: &str,
    guild_id: GuildId,
) -> Result<Vec<TreeChannel>, StoreError> {
    let rows: Vec<Row> = Sql::new(
        "select s.channel_id, coalesce(c.name, s.channel_id::text), c.kind, c.parent_id, c.position, c.min_tier, s.seen_at, \
         s.gone_at, (select count(*) from mappings m where m.source_channel_id = s.channel_id) \
         + (select count(*) from mappings m where m.target_channel_id = s.channel_id) \
         from channels_seen s left join channels c using (channel_id) \
         where s.observer = $1 and s.guild_id = $2",
    )
    .bind::<Text, _>(connector_id)
    .bind::<BigInt, _>(guild_id)
    .rows::<Columns>()
    .load(conn)?;
    Ok(rows.into_iter().map(unmarked).collect())
}

fn unmarked(row: Row) -> TreeChannel {
    let (channel_id, name, kind, parent_id, position, min_tier, seen_at, gone_at, mappings) = row;
    TreeChannel {
        channel_id,
        name,
        kind,
        parent_id,
        position,
        min_tier,
        seen_at,
        gone_at,
        role: None,
        mappings,
    }
}

/// The newest threads of these channels that are not deleted, by channel; whether there are more.
pub fn threads(
    conn: &mut PgConnection,
    channels: &[ChannelId],
) -> Result<(Vec<TreeThread>, bool), StoreError> {
    type ThreadColumns = (BigInt, BigInt, Text, Bool, Bool, Nullable<Integer>);
    // Of each channel the same number before any shows more.
    let mut rows: Vec<TreeThread> = Sql::new(
        "select thread_id, parent_channel_id, name, archived, locked, message_count from unnest($1) as channel (channel_id) \
         cross join lateral (select *, row_number() over (order by thread_id desc) as place from threads \
         where parent_channel_id = channel.channel_id and deleted_at is null order by thread_id desc limit $2) as thread \
         order by place, thread_id desc limit $3",
    )
    .bind::<Array<BigInt>, _>(channels)
    .bind::<BigInt, _>(THREADS_OF_CHANNEL_MAX + 1)
    .bind::<BigInt, _>(THREADS_MAX + 1)
    .rows::<ThreadColumns>()
    .load(conn)?;
    let mut are_more = rows.len() as i64 > THREADS_MAX;
    if are_more {
        rows.pop();
    }
    let mut shown: HashMap<ChannelId, i64> = HashMap::new();
    rows.retain(|thread| {
        let count = shown.entry(thread.parent_channel_id).or_default();
        *count += 1;
        are_more |= *count > THREADS_OF_CHANNEL_MAX;
        *count <= THREADS_OF_CHANNEL_MAX
    });
    rows.sort_by_key(|thread| {
        (
            thread.parent_channel_id,
            std::cmp::Reverse(thread.thread_id),
        )
    });
    Ok((rows, are_more))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::test_database::TestDatabase;
    use diesel::connection::SimpleConnection;

    const SEEN: &str = "insert into connectors (connector_id, tenant_key, name, token_hash) values ('c', 't', 'n', ''); \
        insert into guilds (guild_id, name) values (7, 'Desk'); \
        insert into guild_sightings (observer, guild_id, gone_at) values ('c', 7, null), ('c', 8, now()), ('@bot', 9, null); \
        insert into channels (channel_id, guild_id, name, kind, parent_id, position, min_tier) values \
        (10, 7, 'Signals', 4, null, 1, null), (11, 7, 'btc', 0, 10, 2, 3), (12, 7, 'talk', 2, 10, 0, null), \
        (13, 7, 'rules', 0, null, 5, null); \
        insert into channel_sightings (observer, channel_id, guild_id, gone_at) values \
        ('c', 10, 7, null), ('c', 11, 7, null), ('c', 12, 7, now()), ('c', 13, 7, null), ('c', 14, 8, null), ('@bot', 15, 7, null); \
        insert into channel_roles (connector_id, channel_id, guild_id, is_source, is_target, is_enabled, thread_mode) values \
        ('c', 11, 7, true, true, true, 'only'), ('c', 12, 7, true, false, false, 'include'); \
        insert into mappings (source_channel_id, target_channel_id) values (11, 13), (11, 90), (91, 11)";

    #[test]
    fn guilds_tell_what_the_connector_sees_there() {
        let db = TestDatabase::new();
        let conn = &mut db.connect();
        conn.batch_execute(SEEN).unwrap();
        let page = |after: i64, limit| Page {
            after: GuildId::new(after),
            limit,
        };
        let told = |conn: &mut PgConnection, page| -> Vec<String> {
            guilds(conn, "c", page)
                .unwrap()
                .into_iter()
                .map(|g| {
                    let gone = if g.gone_at.is_some() { "-" } else { "" };
                    format!(
                        "{gone}{} {} {}/{}/{}",
                        g.guild_id, g.name, g.channels, g.sources, g.targets
                    )
                })
                .collect()
        };
        assert_eq!(told(conn, page(0, 10)), ["7 Desk 3/1/1", "-8 8 1/0/0"]);
        assert_eq!(told(conn, page(0, 1)), ["7 Desk 3/1/1"]);
        assert_eq!(told(conn, page(7, 10)), ["-8 8 1/0/0"]);
    }

    #[test]
    fn a_tree_holds_the_channels_in_order_with_what_they_are() {
        let db = TestDatabase::new();
        let conn = &mut db.connect();
        conn.batch_execute(SEEN).unwrap();
        let desk = tree(conn, "c", GuildId::new(7).unwrap()).unwrap();
        assert_eq!(desk.guild.name, "Desk");
        let told: Vec<String> = desk
            .channels
            .iter()
            .map(|c| {
                let gone = if c.gone_at.is_some() { "-" } else { "" };
                let role = c.role.as_ref().map_or("", |role| role.thread_mode.as_str());
                format!("{gone}{} {} {role} {:?}", c.name, c.mappings, c.min_tier)
            })
            .collect();
        assert_eq!(
            told,
            [
                "rules 1  None",
                "Signals 0  None",
                "btc 3 only Some(3)",
                "-talk 0 include None"
            ]
        );
        // A guild that is gone takes its channels along.
        let gone = tree(conn, "c", GuildId::new(8).unwrap()).unwrap();
        assert!(gone.guild.gone_at.is_some());
        assert_eq!(gone.channels.len(), 1);
        assert!(gone.channels[0].gone_at.is_some());
        for unseen in [9, 77] {
            assert!(matches!(
                tree(conn, "c", GuildId::new(unseen).unwrap()),
                Err(StoreError::NotFound(_))
            ));
        }
    }

    #[test]
    fn each_channel_shows_its_newest_threads() {
        let db = TestDatabase::new();
        let conn = &mut db.connect();
        // channels, threads of each, shown in all, whether there are more
        for (channels_count, threads_each, shown, are_more) in [
            (0, 0, 0, false),
            (2, 3, 6, false),
            (1, THREADS_OF_CHANNEL_MAX, THREADS_OF_CHANNEL_MAX, false),
            (1, THREADS_OF_CHANNEL_MAX + 1, THREADS_OF_CHANNEL_MAX, true),
            (20, 50, THREADS_MAX, false),
            (20, 51, THREADS_MAX, true),
        ] {
            conn.batch_execute(&format!(
                "truncate threads; insert into threads (thread_id, parent_channel_id, guild_id, name) \
                 select c * 1000 + t, c, 7, 't' from generate_series(1, {channels_count}) c, generate_series(1, {threads_each}) t; \
                 insert into threads (thread_id, parent_channel_id, guild_id, name, deleted_at) values (1999, 1, 7, 'x', now())"
            ))
            .unwrap();
            let ids: Vec<ChannelId> = (1..=channels_count).filter_map(ChannelId::new).collect();
            let (got, more) = threads(conn, &ids).unwrap();
            let case = format!("{channels_count} with {threads_each}");
            assert_eq!((got.len() as i64, more), (shown, are_more), "{case}");
            let of_first: Vec<i64> = got
                .iter()
                .filter(|thread| thread.parent_channel_id.get() == 1)
                .map(|thread| thread.thread_id.get())
                .collect();
            let newest = 1_000 + threads_each;
            assert!(
                of_first
                    .iter()
                    .zip(0..)
                    .all(|(id, back)| *id == newest - back),
                "{case}: {of_first:?}"
            );
        }
    }
}
