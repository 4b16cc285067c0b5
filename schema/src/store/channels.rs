//! Guilds and channels by name, as the connectors' snapshots tell them, and who may see a channel live.

use super::{
    Page, StoreError,
    audit::{changing, record},
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
    pg::PgConnection,
    prelude::*,
    sql_types::{Array, BigInt, Bool, Integer, Nullable, SmallInt, Text, Timestamptz},
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};

/// A known channel.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Serialize, utoipa::ToSchema)]
pub struct ChannelRow {
    /// The channel.
    pub channel_id: ChannelId,
    /// Its name, or its id where no snapshot named it.
    pub name: String,
    /// Its guild.
    pub guild_id: GuildId,
    /// The guild's name, or its id where no snapshot named it.
    pub guild_name: String,
    /// The category or channel it stands in.
    pub parent_id: Option<ChannelId>,
    /// The name of that, where it is known.
    pub parent_name: Option<String>,
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
    /// Since when nobody who saw it sees it any more.
    #[serde(rename = "gone_at_ms", with = "ts_milliseconds_option")]
    #[schema(value_type = Option<i64>)]
    pub gone_at: Option<DateTime<Utc>>,
    /// It can be the source of a mapping now.
    pub is_source: bool,
    /// It can be the target of a mapping now.
    pub is_target: bool,
}

type ChannelColumns = (
    BigInt,
    Text,
    BigInt,
    Text,
    Nullable<BigInt>,
    Nullable<Text>,
    Nullable<SmallInt>,
    Nullable<Integer>,
    Nullable<SmallInt>,
    Timestamptz,
    Nullable<Timestamptz>,
    Bool,
    Bool,
);

/// The columns of a channel. It is gone when everybody who saw it sees it no more.
macro_rules! channel_rows {
    ($rest:literal) => {
        concat!(
            "select c.channel_id, c.name, c.guild_id, coalesce(g.name, c.guild_id::text), c.parent_id, p.name, c.kind, \
             c.position, c.min_tier, c.seen_at, case when not seen.by_any then seen.gone_at end, \
             c.channel_id in (select channel_id from channel_roles where is_source and is_enabled), \
             c.channel_id in (select channel_id from enabled_targets) \
             from channels c left join guilds g using (guild_id) left join channels p on p.channel_id = c.parent_id \
             left join lateral (select bool_or(s.gone_at is null) as by_any, max(s.gone_at) as gone_at from channels_seen s \
             where s.channel_id = c.channel_id) seen on true ",
            $rest
        )
    };
}

/// What a channel is to be good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ChannelUse {
    /// The source of a mapping.
    Source,
    /// The target of a mapping.
    Target,
}

/// Which channels; `None`: all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChannelFilter {
    /// Of this guild.
    pub guild_id: Option<GuildId>,
    /// That can be used so now.
    pub usable_as: Option<ChannelUse>,
    /// Whose name or whose guild's name holds this, whatever the case; or with this id.
    pub text: Option<String>,
}

/// The known channels by id.
pub fn list(
    conn: &mut PgConnection,
    filter: &ChannelFilter,
    page: Page<ChannelId>,
) -> Result<Vec<ChannelRow>, StoreError> {
    let usable_as = filter.usable_as.map(|usable_as| match usable_as {
        ChannelUse::Source => "source",
        ChannelUse::Target => "target",
    });
    let text = filter.text.as_deref().filter(|text| !text.is_empty());
    let rows = Sql::new(channel_rows!(
        "where c.channel_id > $1 and ($2 is null or c.guild_id = $2) \
         and ($3 is null or case $3 when 'source' then c.channel_id in (select channel_id from channel_roles \
         where is_source and is_enabled) else c.channel_id in (select channel_id from enabled_targets) end) \
         and ($4 is null or strpos(lower(c.name), lower($4)) > 0 or strpos(lower(g.name), lower($4)) > 0 \
         or c.channel_id::text = $4 or c.guild_id::text = $4) order by c.channel_id limit $5"
    ))
    .bind::<BigInt, _>(page.after.map_or(0, ChannelId::get))
    .bind::<Nullable<BigInt>, _>(filter.guild_id)
    .bind::<Nullable<Text>, _>(usable_as)
    .bind::<Nullable<Text>, _>(text)
    .bind::<BigInt, _>(page.limit)
    .rows::<ChannelColumns>()
    .load(conn)?;
    Ok(rows)
}

pub(super) fn find(
    conn: &mut PgConnection,
    channel_id: ChannelId,
) -> Result<Option<ChannelRow>, StoreError> {
    let row = Sql::new(channel_rows!("where c.channel_id = $1"))
        .bind::<BigInt, _>(channel_id)
        .rows::<ChannelColumns>()
        .get_result(conn)
        .optional()?;
    Ok(row)
}

/// The names of those of these guilds that a snapshot named.
pub fn guild_names(
    conn: &mut PgConnection,
    guilds: &[GuildId],
) -> Result<HashMap<GuildId, String>, StoreError> {
    let named: Vec<(GuildId, String)> =
        Sql::new("select guild_id, name from guilds where guild_id = any($1)")
            .bind::<Array<BigInt>, _>(guilds)
            .rows::<(BigInt, Text)>()
            .load(conn)?;
    Ok(named.into_iter().collect())
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
    use diesel::connection::SimpleConnection;

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
            &ChannelFilter::default(),
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

    #[test]
    fn channels_are_found_by_use_by_name_and_by_id() {
        let db = TestDatabase::new();
        let conn = &mut db.connect();
        conn.batch_execute(
            "insert into connectors (connector_id, tenant_key, name, token_hash) values ('c', 't', 'n', ''); \
             insert into guilds (guild_id, name) values (7, 'Trading Floor'); \
             insert into channels (channel_id, guild_id, name, kind, parent_id) values (1, 7, 'alerts-BTC', 0, 3), \
             (2, 7, 'lounge', 0, null), (3, 7, 'Signals', 4, null), (4, 8, 'mirror', 0, null), (5, 8, 'alerts', 0, null); \
             insert into channel_roles (connector_id, channel_id, guild_id, is_source, is_target, is_enabled, thread_mode) values \
             ('c', 1, 7, true, false, true, 'include'), ('c', 2, 7, true, true, false, 'include'), \
             ('c', 5, 8, false, true, true, 'include'); \
             insert into target_channels (target_channel_id, is_target) values (4, true), (3, false); \
             insert into guild_sightings (observer, guild_id, gone_at) values ('c', 7, null), ('d', 8, now()), ('@bot', 8, null); \
             insert into channel_sightings (observer, channel_id, guild_id, gone_at) values ('c', 1, 7, null), \
             ('c', 2, 7, now()), ('d', 4, 8, null), ('d', 5, 8, null), ('@bot', 5, 8, null)",
        )
        .unwrap();
        let mut ids = |filter: ChannelFilter| -> Vec<i64> {
            let page = Page {
                after: None,
                limit: 100,
            };
            let rows = list(conn, &filter, page).unwrap();
            rows.iter().map(|row| row.channel_id.get()).collect()
        };
        let by = |usable_as, text: Option<&str>| ChannelFilter {
            guild_id: None,
            usable_as,
            text: text.map(str::to_owned),
        };
        use ChannelUse::{Source, Target};
        assert_eq!(ids(by(None, None)), [1, 2, 3, 4, 5]);
        assert_eq!(ids(by(Some(Source), None)), [1]);
        assert_eq!(ids(by(Some(Target), None)), [4, 5]);
        assert_eq!(ids(by(None, Some("ALERTS"))), [1, 5]);
        assert_eq!(ids(by(Some(Target), Some("alerts"))), [5]);
        assert_eq!(ids(by(None, Some("floor"))), [1, 2, 3]);
        assert_eq!(ids(by(None, Some("8"))), [4, 5]);
        assert_eq!(ids(by(None, Some("%"))), [0; 0]);
        assert_eq!(ids(by(None, Some(""))), [1, 2, 3, 4, 5]);
        let of_guild = ChannelFilter {
            guild_id: GuildId::new(8),
            ..by(None, Some("alerts"))
        };
        assert_eq!(ids(of_guild), [5]);

        // Who is gone; names of guild and category; marks.
        let told: Vec<String> = [1, 2, 3, 4, 5]
            .into_iter()
            .map(|id| {
                let row = find(conn, ChannelId::new(id).unwrap()).unwrap().unwrap();
                let gone = if row.gone_at.is_some() { "-" } else { "" };
                let parent = row.parent_name.unwrap_or_default();
                let marks = (row.is_source, row.is_target);
                format!("{gone}{}/{parent}/{} {marks:?}", row.guild_name, row.name)
            })
            .collect();
        let expected = [
            "Trading Floor/Signals/alerts-BTC (true, false)",
            "-Trading Floor//lounge (false, false)",
            "Trading Floor//Signals (false, false)",
            "-8//mirror (false, true)",
            "8//alerts (false, true)",
        ];
        assert_eq!(told, expected);
    }
}
