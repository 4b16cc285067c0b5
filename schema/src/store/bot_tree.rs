//! One guild's channels as the bot sees them, each with how it stands as a target.

use super::{
    StoreError,
    bot_guilds::{self, BotGuildRow},
    channel_tree::{self, TreeThread},
};
use crate::{
    channel_order::{Place, in_order},
    ids::{ChannelId, GuildId},
    sql::Sql,
};
use chrono::{
    DateTime, Utc,
    serde::{ts_milliseconds, ts_milliseconds_option},
};
use diesel::{
    pg::PgConnection,
    prelude::*,
    sql_types::{BigInt, Bool, Integer, Nullable, SmallInt, Text, Timestamptz},
};
use serde::Serialize;

/// How a channel stands as a target.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Serialize, utoipa::ToSchema)]
pub struct TargetMark {
    /// Offered by the bot.
    pub is_target: bool,
    /// Marked as an enabled target for a connector.
    pub is_target_of_connector: bool,
    /// Nothing is sent to it until a person resumes it.
    pub is_paused: bool,
    /// What a person must change before the bot can mirror there.
    pub obstacle: Option<String>,
    /// When Discord was last asked.
    #[serde(rename = "inspected_at_ms", with = "ts_milliseconds_option")]
    #[schema(value_type = Option<i64>)]
    pub inspected_at: Option<DateTime<Utc>>,
    /// Optimistic lock; 0 until a person has decided something.
    pub version: i64,
}

/// A channel of a guild, as the bot sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct BotChannelRow {
    /// The channel.
    pub channel_id: ChannelId,
    /// Its name.
    pub name: String,
    /// Discord's channel type.
    pub kind: Option<i16>,
    /// The category it stands in.
    pub parent_id: Option<ChannelId>,
    /// Order in its guild.
    pub position: Option<i32>,
    /// When the bot last saw it.
    #[serde(rename = "seen_at_ms", with = "ts_milliseconds")]
    #[schema(value_type = i64)]
    pub seen_at: DateTime<Utc>,
    /// Since when the bot sees it no more.
    #[serde(rename = "gone_at_ms", with = "ts_milliseconds_option")]
    #[schema(value_type = Option<i64>)]
    pub gone_at: Option<DateTime<Utc>>,
    /// `None` where no message can be posted.
    pub target: Option<TargetMark>,
    /// Mappings from or into it.
    pub mappings: i64,
}

type Columns = (
    BigInt,
    Text,
    Nullable<SmallInt>,
    Nullable<BigInt>,
    Nullable<Integer>,
    Timestamptz,
    Nullable<Timestamptz>,
    Bool,
    Bool,
    Bool,
    Nullable<Text>,
    Nullable<Timestamptz>,
    BigInt,
    BigInt,
);
type Row = (
    ChannelId,
    String,
    Option<i16>,
    Option<ChannelId>,
    Option<i32>,
    DateTime<Utc>,
    Option<DateTime<Utc>>,
    bool,
    bool,
    bool,
    Option<String>,
    Option<DateTime<Utc>>,
    i64,
    i64,
);

/// What stands in a guild of the bot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct BotTree {
    /// The guild.
    pub guild: BotGuildRow,
    /// In the order in which Discord shows them: a category is followed by its channels.
    pub channels: Vec<BotChannelRow>,
    /// Those that connectors told of, by channel, the newest first.
    pub threads: Vec<TreeThread>,
    /// There are more threads than are shown.
    pub threads_are_more: bool,
}

/// One guild as the bot sees it; [`StoreError::NotFound`] when it was never in it.
pub fn tree(conn: &mut PgConnection, guild_id: GuildId) -> Result<BotTree, StoreError> {
    let guild = bot_guilds::find(conn, guild_id)?;
    let channels = in_order(channels(conn, guild_id)?, |channel| Place {
        channel_id: channel.channel_id,
        parent_id: channel.parent_id,
        kind: channel.kind,
        position: channel.position,
    });
    let ids: Vec<ChannelId> = channels.iter().map(|channel| channel.channel_id).collect();
    let (threads, threads_are_more) = channel_tree::threads(conn, &ids)?;
    Ok(BotTree {
        guild,
        channels,
        threads,
        threads_are_more,
    })
}

/// All channels of a guild that the bot sees or saw, in no order.
pub fn channels(
    conn: &mut PgConnection,
    guild_id: GuildId,
) -> Result<Vec<BotChannelRow>, StoreError> {
    let rows: Vec<Row> = Sql::new(
        "select s.channel_id, coalesce(c.name, s.channel_id::text), c.kind, c.parent_id, c.position, s.seen_at, s.gone_at, \
            coalesce(t.is_target, false), r.channel_id is not null, coalesce(t.is_paused, false), t.obstacle, t.inspected_at, \
            coalesce(t.version, 0), coalesce(m.mappings, 0) \
         from channel_sightings s left join channels c using (channel_id) \
         left join target_channels t on t.target_channel_id = s.channel_id \
         left join (select distinct channel_id from channel_roles where is_target and is_enabled) r \
            on r.channel_id = s.channel_id \
         left join (select channel_id, count(*) as mappings from (select source_channel_id as channel_id from mappings \
            union all select target_channel_id from mappings) ends group by channel_id) m on m.channel_id = s.channel_id \
         where s.observer = '@bot' and s.guild_id = $1",
    )
    .bind::<BigInt, _>(guild_id)
    .rows::<Columns>()
    .load(conn)?;
    Ok(rows.into_iter().map(shown).collect())
}

fn shown(row: Row) -> BotChannelRow {
    #[rustfmt::skip]
    let (channel_id, name, kind, parent_id, position, seen_at, gone_at, is_target, is_target_of_connector, is_paused, obstacle,
        inspected_at, version, mappings) = row;
    let mark = TargetMark {
        is_target,
        is_target_of_connector,
        is_paused,
        obstacle,
        inspected_at,
        version,
    };
    BotChannelRow {
        channel_id,
        name,
        kind,
        parent_id,
        position,
        seen_at,
        gone_at,
        target: kind
            .is_none_or(super::target_channels::takes_messages)
            .then_some(mark),
        mappings,
    }
}
