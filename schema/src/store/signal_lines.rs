//! Signals as a line each, newest first, over all channels or of one, with what became of their deliveries: for people who look at
//! what comes through. Bounded by its limit, however many there are.

use super::StoreError;
use crate::{
    frame::SignalView,
    ids::{ChannelId, SignalId, ThreadId},
    signal::SignalState,
    sql::Sql,
};
use chrono::{DateTime, Utc, serde::ts_milliseconds_option};
use diesel::{
    pg::PgConnection,
    prelude::*,
    sql_types::{Array, BigInt, Nullable, Text, Timestamptz},
};
use serde::Serialize;
use std::collections::HashMap;

/// Characters of the text that are shown.
const TEXT_CHARS_MAX: usize = 300;
/// Signals that nobody sees yet, because their create has not come, are stepped over, but no more than these.
const SCANNED_MAX: i64 = 20_000;

/// What became of a signal's deliveries, counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, utoipa::ToSchema)]
pub struct DeliveryCounts {
    /// Target channels it is to stand in, whatever became of it.
    pub wanted: i64,
    /// It stands there as it reads now.
    pub delivered: i64,
    /// Given up.
    pub dead: i64,
    /// Dropped by a person.
    pub dropped: i64,
}

/// One signal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct SignalLine {
    /// The source message.
    pub signal_id: SignalId,
    /// The source channel.
    pub channel_id: ChannelId,
    /// Its name, or its id where no snapshot named it.
    pub channel_name: String,
    /// The guild's name.
    pub guild_name: Option<String>,
    /// The thread's name, when it stands in one that is known.
    pub thread_name: Option<String>,
    /// The name the author shows; nothing of a deleted one.
    pub author: Option<String>,
    /// The beginning of its text, with names in place of markup; empty of a deleted one.
    pub text: String,
    /// Embeds it has.
    pub embeds: usize,
    /// Files it has.
    pub attachments: usize,
    /// How often it has changed.
    pub revision: i32,
    /// Gone.
    pub deleted: bool,
    /// From the snowflake.
    pub created_at_ms: i64,
    /// When its first revision that is still kept was committed.
    #[serde(rename = "committed_at_ms", with = "ts_milliseconds_option")]
    #[schema(value_type = Option<i64>)]
    pub committed_at: Option<DateTime<Utc>>,
    /// What became of it.
    pub deliveries: DeliveryCounts,
}

/// The newest signals before this one, of this channel or of all.
///
/// # Errors
/// When the database does not answer, or a row does not read.
pub fn list(
    conn: &mut PgConnection,
    channel_id: Option<ChannelId>,
    before: Option<SignalId>,
    limit: i64,
) -> Result<Vec<SignalLine>, StoreError> {
    let before = before.map_or(i64::MAX, SignalId::get);
    let ids: Vec<i64> = match channel_id {
        Some(channel_id) => Sql::new(
            "select signal_id from signals where channel_id = $1 and is_visible and signal_id < $2 \
             order by signal_id desc limit $3",
        )
        .bind::<BigInt, _>(channel_id.get())
        .bind::<BigInt, _>(before)
        .bind::<BigInt, _>(limit)
        .rows::<BigInt>()
        .load(conn)?,
        None => Sql::new(
            "select signal_id from (select signal_id, is_visible from signals where signal_id < $1 \
             order by signal_id desc limit $2) s where is_visible order by signal_id desc limit $3",
        )
        .bind::<BigInt, _>(before)
        .bind::<BigInt, _>(SCANNED_MAX)
        .bind::<BigInt, _>(limit)
        .rows::<BigInt>()
        .load(conn)?,
    };
    lines(conn, &ids)
}

/// Those of these signals that readers see, newest first.
///
/// # Errors
/// When the database does not answer, or a row does not read.
pub fn of(conn: &mut PgConnection, signals: &[SignalId]) -> Result<Vec<SignalLine>, StoreError> {
    let ids: Vec<i64> = signals.iter().map(|id| id.get()).collect();
    lines(conn, &ids)
}

type Row = (
    String,
    Option<String>,
    Option<String>,
    Option<DateTime<Utc>>,
    i64,
    i64,
    i64,
    i64,
);

fn lines(conn: &mut PgConnection, ids: &[i64]) -> Result<Vec<SignalLine>, StoreError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<Row> = Sql::new(
        "select s.state, c.name, g.name, \
            (select r.committed_at from revisions r where r.signal_id = s.signal_id order by r.revision limit 1), \
            d.wanted, d.delivered, d.dead, d.dropped \
         from signals s left join channels c on c.channel_id = s.channel_id left join guilds g on g.guild_id = c.guild_id \
         cross join lateral (select count(*) as wanted, count(*) filter (where state = 'd') as delivered, \
            count(*) filter (where state = 'x') as dead, count(*) filter (where state = 'c') as dropped \
            from deliveries d where d.signal_id = s.signal_id) d \
         where s.signal_id = any($1) and s.is_visible order by s.signal_id desc",
    )
    .bind::<Array<BigInt>, _>(ids)
    .rows::<(
        Text,
        Nullable<Text>,
        Nullable<Text>,
        Nullable<Timestamptz>,
        BigInt,
        BigInt,
        BigInt,
        BigInt,
    )>()
    .load(conn)?;
    let states = rows
        .iter()
        .map(|row| {
            serde_json::from_str(&row.0)
                .map_err(|error| StoreError::Corrupt(format!("signals.state: {error}")))
        })
        .collect::<Result<Vec<SignalState>, StoreError>>()?;
    let threads = thread_names(conn, &states)?;
    let line = |(row, state): (Row, &SignalState)| line(row, state, &threads);
    Ok(rows.into_iter().zip(&states).map(line).collect())
}

fn thread_names(
    conn: &mut PgConnection,
    states: &[SignalState],
) -> Result<HashMap<i64, String>, StoreError> {
    let threads: Vec<i64> = states
        .iter()
        .filter_map(|state| state.thread_id.map(ThreadId::get))
        .collect();
    if threads.is_empty() {
        return Ok(HashMap::new());
    }
    let names: Vec<(i64, String)> =
        Sql::new("select thread_id, name from threads where thread_id = any($1)")
            .bind::<Array<BigInt>, _>(threads)
            .rows::<(BigInt, Text)>()
            .load(conn)?;
    Ok(names.into_iter().collect())
}

fn line(row: Row, state: &SignalState, threads: &HashMap<i64, String>) -> SignalLine {
    let (_, channel_name, guild_name, committed_at, wanted, delivered, dead, dropped) = row;
    let view = SignalView::of(state);
    SignalLine {
        signal_id: view.signal_id,
        channel_id: view.channel_id,
        channel_name: channel_name.unwrap_or_else(|| view.channel_id.to_string()),
        guild_name,
        thread_name: view
            .thread_id
            .and_then(|thread| threads.get(&thread.get()).cloned()),
        author: view
            .author
            .and_then(|author| author.shown_name().map(str::to_owned)),
        text: view.text.chars().take(TEXT_CHARS_MAX).collect(),
        embeds: view.embeds.len(),
        attachments: view.attachments.len(),
        revision: view.revision,
        deleted: view.deleted,
        created_at_ms: view.created_at_ms,
        committed_at,
        deliveries: DeliveryCounts {
            wanted,
            delivered,
            dead,
            dropped,
        },
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{
        ids::GuildId,
        signal::{Stamped, Text as SignalText},
        test_database::TestDatabase,
    };
    use diesel::connection::SimpleConnection;

    fn signal(number: i64) -> SignalId {
        SignalId::new(number).unwrap()
    }

    fn put(
        conn: &mut PgConnection,
        number: i64,
        channel: i64,
        change: impl FnOnce(&mut SignalState),
    ) {
        let mut state = SignalState::unknown(
            signal(number),
            ChannelId::new(channel).unwrap(),
            GuildId::new(3).unwrap(),
        );
        state.revision = 1;
        change(&mut state);
        Sql::new("insert into signals (signal_id, channel_id, is_visible, revision, state) values ($1, $2, $3, $4, $5)")
            .bind::<BigInt, _>(number)
            .bind::<BigInt, _>(channel)
            .bind::<diesel::sql_types::Bool, _>(state.is_visible())
            .bind::<diesel::sql_types::Integer, _>(state.revision)
            .bind::<Text, _>(serde_json::to_string(&state).unwrap())
            .execute(conn)
            .unwrap();
    }

    fn ids(lines: &[SignalLine]) -> Vec<i64> {
        lines.iter().map(|line| line.signal_id.get()).collect()
    }

    #[test]
    fn the_newest_come_first_and_tombstones_are_among_them() {
        let db = TestDatabase::new();
        let conn = &mut db.connect();
        let long = "é".repeat(400);
        put(conn, 1, 10, |state| {
            state.text = Some(Stamped {
                stamp_ms: 0,
                value: SignalText {
                    raw: long.clone(),
                    clean: long.clone(),
                },
            });
        });
        put(conn, 2, 20, |state| state.thread_id = ThreadId::new(77));
        put(conn, 3, 10, |state| state.deleted_at_ms = Some(9));
        put(conn, 4, 10, |state| state.revision = 0);
        conn.batch_execute(
            "insert into guilds (guild_id, name) values (3, 'guild'); \
             insert into channels (channel_id, guild_id, name) values (10, 3, 'ten'); \
             insert into threads (thread_id, guild_id, parent_channel_id, name) values (77, 3, 20, 'a thread'); \
             insert into revisions (channel_id, epoch, seq, signal_id, revision, kind, frame) values (10, 1, 1, 1, 1, 'c', '{}'); \
             insert into deliveries (signal_id, target_channel_id, source_channel_id, mapping_id, desired_revision, state) \
             values (1, 50, 10, 1, 1, 'd'), (1, 51, 10, 2, 1, 'x'), (1, 52, 10, 3, 1, 'c'), (1, 53, 10, 4, 1, 'p')",
        )
        .unwrap();
        let all = list(conn, None, None, 10).unwrap();
        assert_eq!(ids(&all), [3, 2, 1]);
        assert_eq!(ids(&list(conn, None, None, 2).unwrap()), [3, 2]);
        assert_eq!(ids(&list(conn, None, Some(signal(3)), 10).unwrap()), [2, 1]);
        let ten = ChannelId::new(10);
        assert_eq!(ids(&list(conn, ten, None, 10).unwrap()), [3, 1]);
        assert_eq!(ids(&list(conn, ten, Some(signal(3)), 10).unwrap()), [1]);
        assert!(all[0].deleted && all[0].text.is_empty());
        assert_eq!(
            (all[1].channel_name.as_str(), all[1].thread_name.as_deref()),
            ("20", Some("a thread"))
        );
        let first = &all[2];
        assert_eq!(
            (first.channel_name.as_str(), first.guild_name.as_deref()),
            ("ten", Some("guild"))
        );
        assert_eq!(first.text, "é".repeat(TEXT_CHARS_MAX));
        assert!(first.committed_at.is_some() && all[1].committed_at.is_none());
        let counts = DeliveryCounts {
            wanted: 4,
            delivered: 1,
            dead: 1,
            dropped: 1,
        };
        assert_eq!(first.deliveries, counts);
        let some = of(conn, &[signal(1), signal(4), signal(9)]).unwrap();
        assert_eq!(ids(&some), [1]);
    }
}
