//! Who sees which guild and channel: an observer is a connector by its id, or [`BOT`]. Names and sightings are written together.
//! What an observer does not see any more is marked for it and never deleted, because settings hang on it; seen again, the mark
//! goes.

use super::{
    StoreError,
    channels::{Snapshot, take_snapshot},
};
use crate::{
    ids::{ChannelId, GuildId},
    sql::Sql,
};
use diesel::{
    pg::PgConnection,
    prelude::*,
    sql_types::{Array, BigInt, Bool, Text},
};
use std::collections::{BTreeMap, BTreeSet};

/// The observer that is our own bot. No connector can be called so.
pub const BOT: &str = "@bot";

/// What a snapshot tells by leaving something out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Completeness {
    /// Nothing: it names some of what there is. So is a snapshot of which an entry could not be read.
    Some,
    /// Of each guild of which it names a channel, it names all: so connectors send channels, one guild in one body. Of a guild
    /// of which it names none it tells nothing.
    NamedGuilds,
    /// That, and all channels of this guild even when it names none: the answer to a request for it.
    Guild(GuildId),
    /// That of [`Completeness::NamedGuilds`], and all guilds of the observer: the answer to a request for guilds.
    AllGuilds,
}

/// What an observation brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Observed {
    /// A name is new or different: the routing snapshot is to be read again.
    pub has_new_names: bool,
    /// Something appeared, came back, moved to another guild or went: whoever lists what this observer sees reads anew.
    pub has_moved: bool,
}

/// Takes in what an observer sees now: names, its sightings, and by `completeness` what it does not see any more. The same again
/// changes nothing but when it was seen. In the caller's transaction or in one of its own.
pub fn observe(
    conn: &mut PgConnection,
    observer: &str,
    snapshot: &Snapshot,
    completeness: Completeness,
) -> Result<Observed, StoreError> {
    conn.transaction(|conn| {
        alone(conn, observer)?;
        let has_new_names = take_snapshot(conn, snapshot)?;
        let channels: BTreeMap<ChannelId, GuildId> = snapshot
            .channels
            .iter()
            .map(|channel| (channel.channel_id, channel.guild_id))
            .collect();
        let guilds: BTreeSet<GuildId> = snapshot
            .guilds
            .iter()
            .map(|guild| guild.guild_id)
            .chain(channels.values().copied())
            .collect();
        let guilds_moved = see_guilds(conn, observer, &guilds)?;
        let channels_moved = see_channels(conn, observer, &channels)?;
        let mut gone = 0;
        if completeness == Completeness::AllGuilds {
            gone += miss_guilds(conn, observer, &guilds)?;
        }
        let mut told_in_full: BTreeSet<GuildId> = channels.values().copied().collect();
        match completeness {
            Completeness::Some => told_in_full.clear(),
            Completeness::Guild(guild_id) => {
                told_in_full.insert(guild_id);
            }
            Completeness::NamedGuilds | Completeness::AllGuilds => {}
        }
        gone += miss_channels(conn, observer, &told_in_full, &channels)?;
        Ok(Observed {
            has_new_names,
            has_moved: guilds_moved || channels_moved || gone > 0,
        })
    })
}

/// Until the end of the transaction nobody else writes what this observer sees: two at once would take each other's rows in
/// different orders. To be taken before the row of a connector.
pub(super) fn alone(conn: &mut PgConnection, observer: &str) -> Result<(), StoreError> {
    Sql::new(
        "select pg_advisory_xact_lock(hashtext('heliograph sightings'), \
         hashtext(current_database() || '/' || current_schema() || '/' || $1))",
    )
    .bind::<Text, _>(observer)
    .execute(conn)?;
    Ok(())
}

/// The same for every connector there is, for a change that touches the rows of several of them: whoever takes in a snapshot has
/// taken its own before it comes to that row.
pub(super) fn alone_for_all_connectors(conn: &mut PgConnection) -> Result<(), StoreError> {
    let connectors: Vec<String> =
        Sql::new("select connector_id from connectors order by connector_id")
            .rows::<Text>()
            .load(conn)?;
    connectors
        .iter()
        .try_for_each(|connector_id| alone(conn, connector_id))
}

fn see_guilds(
    conn: &mut PgConnection,
    observer: &str,
    guilds: &BTreeSet<GuildId>,
) -> Result<bool, StoreError> {
    let moved: Vec<bool> = Sql::new(
        "with known as (select guild_id, gone_at from guild_sightings where observer = $1 and guild_id = any($2)), \
         written as (insert into guild_sightings (observer, guild_id) select $1, said from unnest($2) as said order by said \
         on conflict (observer, guild_id) do update set seen_at = now(), gone_at = null returning guild_id) \
         select known.guild_id is null or known.gone_at is not null from written left join known using (guild_id)",
    )
    .bind::<Text, _>(observer)
    .bind::<Array<BigInt>, _>(guilds.iter().copied().collect::<Vec<_>>())
    .rows::<Bool>()
    .load(conn)?;
    Ok(moved.contains(&true))
}

fn see_channels(
    conn: &mut PgConnection,
    observer: &str,
    channels: &BTreeMap<ChannelId, GuildId>,
) -> Result<bool, StoreError> {
    let moved: Vec<bool> = Sql::new(
        "with known as (select channel_id, guild_id, gone_at from channel_sightings \
         where observer = $1 and channel_id = any($2)), \
         written as (insert into channel_sightings (observer, channel_id, guild_id) \
         select $1, channel_id, guild_id from unnest($2, $3) as said (channel_id, guild_id) order by channel_id \
         on conflict (observer, channel_id) do update set seen_at = now(), gone_at = null, guild_id = excluded.guild_id \
         returning channel_id, guild_id) \
         select written.guild_id is distinct from known.guild_id or known.gone_at is not null \
         from written left join known using (channel_id)",
    )
    .bind::<Text, _>(observer)
    .bind::<Array<BigInt>, _>(channels.keys().copied().collect::<Vec<_>>())
    .bind::<Array<BigInt>, _>(channels.values().copied().collect::<Vec<_>>())
    .rows::<Bool>()
    .load(conn)?;
    Ok(moved.contains(&true))
}

/// Marks every guild of the observer that is not among these as gone: how many.
fn miss_guilds(
    conn: &mut PgConnection,
    observer: &str,
    seen: &BTreeSet<GuildId>,
) -> Result<usize, StoreError> {
    let gone = Sql::new(
        "update guild_sightings set gone_at = now() \
         where observer = $1 and gone_at is null and guild_id <> all($2)",
    )
    .bind::<Text, _>(observer)
    .bind::<Array<BigInt>, _>(seen.iter().copied().collect::<Vec<_>>())
    .execute(conn)?;
    Ok(gone)
}

/// Marks every channel of these guilds that is not among these as gone for the observer: how many.
fn miss_channels(
    conn: &mut PgConnection,
    observer: &str,
    guilds: &BTreeSet<GuildId>,
    seen: &BTreeMap<ChannelId, GuildId>,
) -> Result<usize, StoreError> {
    if guilds.is_empty() {
        return Ok(0);
    }
    let gone = Sql::new(
        "update channel_sightings set gone_at = now() where observer = $1 and gone_at is null and guild_id = any($2) \
         and not exists (select 1 from unnest($3) as seen (channel_id) where seen.channel_id = channel_sightings.channel_id)",
    )
    .bind::<Text, _>(observer)
    .bind::<Array<BigInt>, _>(guilds.iter().copied().collect::<Vec<_>>())
    .bind::<Array<BigInt>, _>(seen.keys().copied().collect::<Vec<_>>())
    .execute(conn)?;
    Ok(gone)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{
        store::channels::{SnapshotChannel, SnapshotGuild},
        test_database::TestDatabase,
    };

    fn guild_id(number: i64) -> GuildId {
        GuildId::new(number).unwrap()
    }

    /// Of these guilds, and of channels as (guild, channel).
    fn snapshot(guilds: &[i64], channels: &[(i64, i64)]) -> Snapshot {
        Snapshot {
            guilds: guilds
                .iter()
                .map(|&number| SnapshotGuild {
                    guild_id: guild_id(number),
                    name: format!("g{number}"),
                })
                .collect(),
            channels: channels
                .iter()
                .map(|&(guild, channel)| SnapshotChannel {
                    channel_id: ChannelId::new(channel).unwrap(),
                    guild_id: guild_id(guild),
                    name: format!("c{channel}"),
                    kind: Some(0),
                    parent_id: None,
                    position: Some(1),
                })
                .collect(),
        }
    }

    /// What an observer sees, gone things with a minus: `g1 -g2 1/10 -1/11`.
    fn seen(conn: &mut PgConnection, observer: &str) -> String {
        Sql::new(
            "select coalesce(string_agg(word, ' ' order by word_order, id), '') from (\
             select 1 as word_order, guild_id as id, case when gone_at is null then '' else '-' end || 'g' || guild_id as word \
             from guild_sightings where observer = $1 union all \
             select 2, channel_id, case when gone_at is null then '' else '-' end || guild_id || '/' || channel_id \
             from channel_sightings where observer = $1) as words",
        )
        .bind::<Text, _>(observer)
        .rows::<Text>()
        .get_result(conn)
        .unwrap()
    }

    /// Guilds, channels, what leaving out tells, whether something moved, and what is seen afterwards.
    type Step = (
        &'static [i64],
        &'static [(i64, i64)],
        Completeness,
        bool,
        &'static str,
    );

    #[test]
    fn what_is_left_out_is_gone_only_where_everything_was_told() {
        use Completeness::{AllGuilds, Guild, NamedGuilds, Some};
        let db = TestDatabase::new();
        let conn = &mut db.connect();
        let both: &[(i64, i64)] = &[(1, 10), (1, 11), (2, 20)];
        #[rustfmt::skip]
        let steps: &[Step] = &[
            (&[1, 2], &[], NamedGuilds, true, "g1 g2"),
            (&[], both, NamedGuilds, true, "g1 g2 1/10 1/11 2/20"),
            (&[], both, NamedGuilds, false, "g1 g2 1/10 1/11 2/20"),
            // Guilds only: no channel goes, and no guild that nobody asked for.
            (&[1], &[], NamedGuilds, false, "g1 g2 1/10 1/11 2/20"),
            // Of guild 2 nothing is told.
            (&[], &[(1, 10)], NamedGuilds, true, "g1 g2 1/10 -1/11 2/20"),
            (&[], &[(1, 11)], Some, true, "g1 g2 1/10 1/11 2/20"),
            (&[], &[], Guild(guild_id(1)), true, "g1 g2 -1/10 -1/11 2/20"),
            (&[], &[(2, 20)], Guild(guild_id(2)), false, "g1 g2 -1/10 -1/11 2/20"),
            (&[1, 3], &[], AllGuilds, true, "g1 -g2 g3 -1/10 -1/11 2/20"),
            // A channel shows that its guild is there again; a channel may move.
            (&[], &[(2, 11)], NamedGuilds, true, "g1 g2 g3 -1/10 2/11 -2/20"),
            (&[], &[], AllGuilds, true, "-g1 -g2 -g3 -1/10 2/11 -2/20"),
            (&[1], &[], Some, true, "g1 -g2 -g3 -1/10 2/11 -2/20"),
        ];
        for (guilds, channels, completeness, has_moved, after) in steps {
            let observed = observe(conn, "c1", &snapshot(guilds, channels), *completeness).unwrap();
            assert_eq!(
                observed.has_moved, *has_moved,
                "{guilds:?} {channels:?} {completeness:?}"
            );
            assert_eq!(
                seen(conn, "c1"),
                *after,
                "{guilds:?} {channels:?} {completeness:?}"
            );
        }
        assert_eq!(seen(conn, BOT), "");
    }

    #[test]
    fn each_observer_sees_for_itself() {
        let db = TestDatabase::new();
        let conn = &mut db.connect();
        let all = snapshot(&[1], &[(1, 10), (1, 11)]);
        let first = observe(conn, "c1", &all, Completeness::NamedGuilds).unwrap();
        assert!(first.has_new_names && first.has_moved, "{first:?}");
        let second = observe(conn, BOT, &all, Completeness::AllGuilds).unwrap();
        assert!(!second.has_new_names && second.has_moved, "{second:?}");
        observe(
            conn,
            "c1",
            &snapshot(&[], &[(1, 10)]),
            Completeness::Guild(guild_id(1)),
        )
        .unwrap();
        assert_eq!(seen(conn, "c1"), "g1 1/10 -1/11");
        assert_eq!(seen(conn, BOT), "g1 1/10 1/11");
    }
}
