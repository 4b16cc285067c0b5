//! Guilds and channels by name, as the connectors' snapshots tell them, and who may see a channel live.

use super::{
    Page, StoreError,
    audit::{changing, record},
};
use crate::{
    ids::{ChannelId, GuildId},
    sql::Sql,
};
use chrono::{DateTime, Utc, serde::ts_milliseconds};
use diesel::{
    pg::PgConnection,
    prelude::*,
    sql_types::{Array, BigInt, Bool, Integer, Nullable, SmallInt, Text, Timestamptz},
};
use serde::Serialize;
use std::collections::BTreeMap;

/// A known channel.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Serialize, utoipa::ToSchema)]
pub struct ChannelRow {
    /// The channel.
    pub channel_id: ChannelId,
    /// Its guild.
    pub guild_id: GuildId,
    /// The guild's name, or its id where no snapshot named it.
    pub guild_name: String,
    /// The category or channel it stands in.
    pub parent_id: Option<ChannelId>,
    /// Its name.
    pub name: String,
    /// Discord's channel type.
    pub kind: Option<i16>,
    /// Order in its guild.
    pub position: Option<i32>,
    /// Lowest tier that sees it live; `None` hides it.
    pub min_tier: Option<i16>,
    /// When a snapshot last named it.
    #[serde(rename = "seen_at_ms", with = "ts_milliseconds")]
    #[schema(value_type = i64)]
    pub seen_at: DateTime<Utc>,
}

type ChannelColumns = (
    BigInt,
    BigInt,
    Text,
    Nullable<BigInt>,
    Text,
    Nullable<SmallInt>,
    Nullable<Integer>,
    Nullable<SmallInt>,
    Timestamptz,
);

/// The known channels by id, of one guild or of all.
pub fn list(
    conn: &mut PgConnection,
    guild_id: Option<GuildId>,
    page: Page<ChannelId>,
) -> Result<Vec<ChannelRow>, StoreError> {
    let rows = Sql::new(
        "select c.channel_id, c.guild_id, coalesce(g.name, c.guild_id::text), c.parent_id, c.name, c.kind, c.position, \
         c.min_tier, c.seen_at from channels c left join guilds g using (guild_id) \
         where c.channel_id > $1 and ($2 is null or c.guild_id = $2) order by c.channel_id limit $3",
    )
    .bind::<BigInt, _>(page.after.map_or(0, ChannelId::get))
    .bind::<Nullable<BigInt>, _>(guild_id)
    .bind::<BigInt, _>(page.limit)
    .rows::<ChannelColumns>()
    .load(conn)?;
    Ok(rows)
}

fn find(conn: &mut PgConnection, channel_id: ChannelId) -> Result<Option<ChannelRow>, StoreError> {
    let row = Sql::new(
        "select c.channel_id, c.guild_id, coalesce(g.name, c.guild_id::text), c.parent_id, c.name, c.kind, c.position, \
         c.min_tier, c.seen_at from channels c left join guilds g using (guild_id) where c.channel_id = $1",
    )
    .bind::<BigInt, _>(channel_id)
    .rows::<ChannelColumns>()
    .get_result(conn)
    .optional()?;
    Ok(row)
}

/// Lets viewers from this tier on see the channel live; `None` hides it. A channel that no snapshot has named yet must at
/// least be marked by a connector; [`StoreError::NotFound`] else.
pub fn set_visibility(
    conn: &mut PgConnection,
    actor: &str,
    channel_id: ChannelId,
    min_tier: Option<i16>,
) -> Result<ChannelRow, StoreError> {
    changing(conn, |conn| {
        let before = find(conn, channel_id)?;
        if let Some(before) = before.clone().filter(|before| before.min_tier == min_tier) {
            return Ok(before);
        }
        Sql::new(
            "insert into channels (channel_id, guild_id, name, min_tier) \
             select $1, guild_id, channel_id::text, $2 from (\
             select channel_id, guild_id from channels where channel_id = $1 \
             union all select channel_id, guild_id from channel_roles where channel_id = $1 limit 1) as known \
             on conflict (channel_id) do update set min_tier = excluded.min_tier",
        )
        .bind::<BigInt, _>(channel_id)
        .bind::<Nullable<SmallInt>, _>(min_tier)
        .execute(conn)?;
        let after = find(conn, channel_id)?.ok_or(StoreError::NotFound("such channel"))?;
        record(
            conn,
            actor,
            "channel.visibility",
            &channel_id.to_string(),
            before.as_ref(),
            Some(&after),
        )?;
        Ok(after)
    })
}

/// A guild of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotGuild {
    /// The guild.
    pub guild_id: GuildId,
    /// Its name; empty means not said.
    pub name: String,
}

/// A channel of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotChannel {
    /// The channel.
    pub channel_id: ChannelId,
    /// Its guild.
    pub guild_id: GuildId,
    /// Its name; empty means not said.
    pub name: String,
    /// Discord's channel type; `None` means not said.
    pub kind: Option<i16>,
    /// The category or channel it stands in; `None` means none where kind and position are said, else not said.
    pub parent_id: Option<ChannelId>,
    /// Order in its guild; `None` means not said.
    pub position: Option<i32>,
}

/// What a connector sees of Discord.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Snapshot {
    /// Its guilds, or one of them.
    pub guilds: Vec<SnapshotGuild>,
    /// Channels; none in a snapshot of guilds only.
    pub channels: Vec<SnapshotChannel>,
}

/// Takes a snapshot in. What it does not name stays; what it does not say stays. `true` when a name is new or different, so
/// that the routing snapshot is to be read again.
pub fn take_snapshot(conn: &mut PgConnection, snapshot: &Snapshot) -> Result<bool, StoreError> {
    conn.transaction(|conn| {
        let guilds = take_guilds(conn, &snapshot.guilds)?;
        let channels = take_channels(conn, &snapshot.channels)?;
        Ok(guilds || channels)
    })
}

fn take_guilds(conn: &mut PgConnection, guilds: &[SnapshotGuild]) -> Result<bool, StoreError> {
    // A statement may touch a row only once, and everybody takes rows in the same order.
    let named: BTreeMap<GuildId, &str> = guilds
        .iter()
        .map(|guild| (guild.guild_id, guild.name.as_str()))
        .collect();
    let changed: Vec<bool> = Sql::new(
        "with said as (select * from unnest($1, $2) as said (guild_id, name)), \
         known as (select guild_id, name from guilds where guild_id = any($1)), \
         written as (insert into guilds (guild_id, name) \
         select guild_id, coalesce(nullif(name, ''), guild_id::text) from said order by guild_id \
         on conflict (guild_id) do update set seen_at = now(), name = case \
         when excluded.name = excluded.guild_id::text then guilds.name else excluded.name end \
         returning guild_id, name) \
         select written.name is distinct from known.name from written left join known using (guild_id)",
    )
    .bind::<Array<BigInt>, _>(named.keys().copied().collect::<Vec<_>>())
    .bind::<Array<Text>, _>(named.values().copied().collect::<Vec<_>>())
    .rows::<Bool>()
    .load(conn)?;
    Ok(changed.contains(&true))
}

fn take_channels(
    conn: &mut PgConnection,
    channels: &[SnapshotChannel],
) -> Result<bool, StoreError> {
    let named: BTreeMap<ChannelId, &SnapshotChannel> = channels
        .iter()
        .map(|channel| (channel.channel_id, channel))
        .collect();
    let changed: Vec<bool> = Sql::new(
        "with said as (select * from unnest($1, $2, $3, $4, $5, $6) \
         as said (channel_id, guild_id, name, kind, parent_id, position)), \
         known as (select channel_id, name from channels where channel_id = any($1)), \
         written as (insert into channels (channel_id, guild_id, name, kind, parent_id, position) \
         select channel_id, guild_id, coalesce(nullif(name, ''), channel_id::text), kind, parent_id, position \
         from said order by channel_id \
         on conflict (channel_id) do update set seen_at = now(), guild_id = excluded.guild_id, name = case \
         when excluded.name = excluded.channel_id::text then channels.name else excluded.name end, \
         kind = coalesce(excluded.kind, channels.kind), parent_id = case when excluded.kind is not null and \
         excluded.position is not null then excluded.parent_id else coalesce(excluded.parent_id, channels.parent_id) end, \
         position = coalesce(excluded.position, channels.position) returning channel_id, name) \
         select written.name is distinct from known.name from written left join known using (channel_id)",
    )
    .bind::<Array<BigInt>, _>(named.keys().copied().collect::<Vec<_>>())
    .bind::<Array<BigInt>, _>(named.values().map(|c| c.guild_id).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(named.values().map(|c| c.name.as_str()).collect::<Vec<_>>())
    .bind::<Array<Nullable<SmallInt>>, _>(named.values().map(|c| c.kind).collect::<Vec<_>>())
    .bind::<Array<Nullable<BigInt>>, _>(named.values().map(|c| c.parent_id).collect::<Vec<_>>())
    .bind::<Array<Nullable<Integer>>, _>(named.values().map(|c| c.position).collect::<Vec<_>>())
    .rows::<Bool>()
    .load(conn)?;
    Ok(changed.contains(&true))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::test_database::TestDatabase;

    fn guild(number: i64, name: &str) -> SnapshotGuild {
        SnapshotGuild {
            guild_id: GuildId::new(number).unwrap(),
            name: name.to_owned(),
        }
    }

    fn channel(number: i64, name: &str, kind: Option<i16>, parent: Option<i64>) -> SnapshotChannel {
        SnapshotChannel {
            channel_id: ChannelId::new(number).unwrap(),
            guild_id: GuildId::new(7).unwrap(),
            name: name.to_owned(),
            kind,
            parent_id: parent.and_then(ChannelId::new),
            position: None,
        }
    }

    /// Each known channel as `id guild-name/name kind parent tier`.
    fn known(conn: &mut PgConnection) -> Vec<String> {
        let or_dash = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
        let rows = list(
            conn,
            None,
            Page {
                after: None,
                limit: 100,
            },
        )
        .unwrap();
        rows.into_iter()
            .map(|c| {
                let (kind, parent) = (
                    c.kind.map(|k| k.to_string()),
                    c.parent_id.map(|p| p.to_string()),
                );
                let tier = c.min_tier.map(|t| t.to_string());
                format!(
                    "{} {}/{} {} {} {}",
                    c.channel_id,
                    c.guild_name,
                    c.name,
                    or_dash(kind),
                    or_dash(parent),
                    or_dash(tier)
                )
            })
            .collect()
    }

    #[test]
    fn a_snapshot_adds_and_renames_and_takes_nothing_away() {
        let db = TestDatabase::new();
        let conn = &mut db.connect();
        // snapshot, whether a name changed, what is known afterwards
        let steps = [
            (
                Snapshot {
                    guilds: vec![guild(7, "Desk")],
                    channels: vec![
                        channel(1, "alerts", Some(0), Some(9)),
                        channel(2, "chat", None, None),
                    ],
                },
                true,
                vec!["1 Desk/alerts 0 9 -", "2 Desk/chat - - -"],
            ),
            (
                Snapshot {
                    guilds: vec![guild(7, "Desk")],
                    channels: Vec::new(),
                },
                false,
                vec!["1 Desk/alerts 0 9 -", "2 Desk/chat - - -"],
            ),
            (
                Snapshot {
                    guilds: vec![guild(7, "Floor")],
                    channels: Vec::new(),
                },
                true,
                vec!["1 Floor/alerts 0 9 -", "2 Floor/chat - - -"],
            ),
            (
                Snapshot {
                    guilds: vec![guild(7, "")],
                    channels: vec![
                        channel(1, "", None, None),
                        channel(2, "chat", Some(5), None),
                    ],
                },
                false,
                vec!["1 Floor/alerts 0 9 -", "2 Floor/chat 5 - -"],
            ),
            // The same twice in one snapshot: the last word counts.
            (
                Snapshot {
                    guilds: Vec::new(),
                    channels: vec![
                        channel(2, "talk", None, None),
                        channel(2, "lounge", None, None),
                    ],
                },
                true,
                vec!["1 Floor/alerts 0 9 -", "2 Floor/lounge 5 - -"],
            ),
            (
                Snapshot::default(),
                false,
                vec!["1 Floor/alerts 0 9 -", "2 Floor/lounge 5 - -"],
            ),
        ];
        for (snapshot, changed, want) in steps {
            assert_eq!(
                take_snapshot(conn, &snapshot).unwrap(),
                changed,
                "{snapshot:?}"
            );
            assert_eq!(known(conn), want, "{snapshot:?}");
        }
    }

    #[test]
    fn a_channel_leaves_its_category_when_it_is_told_in_full() {
        let db = TestDatabase::new();
        let conn = &mut db.connect();
        // kind, parent and position as told; parent afterwards
        let steps = [
            (Some(0), Some(9), Some(1), Some(9)),
            (None, None, None, Some(9)),
            (Some(0), None, None, Some(9)),
            (None, None, Some(2), Some(9)),
            (Some(0), None, Some(2), None),
            (None, Some(8), None, Some(8)),
        ];
        for (kind, parent, position, want) in steps {
            let told = SnapshotChannel {
                position,
                ..channel(1, "alerts", kind, parent)
            };
            take_snapshot(
                conn,
                &Snapshot {
                    guilds: Vec::new(),
                    channels: vec![told],
                },
            )
            .unwrap();
            let known = find(conn, ChannelId::new(1).unwrap()).unwrap().unwrap();
            assert_eq!(
                known.parent_id,
                want.and_then(ChannelId::new),
                "{kind:?} {parent:?} {position:?}"
            );
        }
    }

    #[test]
    fn visibility_outlives_a_snapshot_and_may_come_before_it() {
        let db = TestDatabase::new();
        let conn = &mut db.connect();
        let channel_id = ChannelId::new(1).unwrap();
        assert!(matches!(
            set_visibility(conn, "test", channel_id, Some(2)),
            Err(StoreError::NotFound(_))
        ));
        Sql::new("insert into connectors (connector_id, tenant_key, name, token_hash) values ('c', 't', 'n', '')").execute(conn).unwrap();
        Sql::new(
            "insert into channel_roles (connector_id, channel_id, guild_id, is_source, is_target, is_enabled, thread_mode) \
             values ('c', 1, 7, true, false, true, 'include')",
        )
        .execute(conn)
        .unwrap();
        assert_eq!(
            set_visibility(conn, "test", channel_id, Some(2))
                .unwrap()
                .min_tier,
            Some(2)
        );
        assert_eq!(known(conn), ["1 7/1 - - 2"]);
        take_snapshot(
            conn,
            &Snapshot {
                guilds: vec![guild(7, "Desk")],
                channels: vec![channel(1, "alerts", None, None)],
            },
        )
        .unwrap();
        assert_eq!(known(conn), ["1 Desk/alerts - - 2"]);
        assert_eq!(
            set_visibility(conn, "test", channel_id, None)
                .unwrap()
                .min_tier,
            None
        );
    }
}
