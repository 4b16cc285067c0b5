//! What became of one signal, from its capture to each target channel: a page for people, put together from the rows of
//! everyone who had it in hand. Says why something did not happen where the rows tell it, and that it is not known where not.

mod deliveries;
mod reasons;

use super::StoreError;
use crate::{
    frame::Cursor,
    ids::{ChannelId, MessageId, SignalId},
    sql::Sql,
};
use chrono::{
    DateTime, Utc,
    serde::{ts_milliseconds, ts_milliseconds_option},
};
use diesel::{
    pg::{PgConnection, sql_types::CChar},
    prelude::*,
    sql_types::{Array, BigInt, Bool, Integer, Nullable, Text, Timestamptz},
};
use serde::Serialize;
use serde_json::Value;

/// Revisions of a signal that are told, the earliest ones.
const REVISIONS_MAX: i64 = 100;
/// Bodies that came in the same millisecond and are looked into.
const BODIES_MAX: i64 = 100;

/// Everything that is known of a signal's way.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Trail {
    /// The signal itself.
    pub signal: TrailSignal,
    /// Bodies of connectors that brought its revisions; none any more when their retention is over.
    pub captured: Vec<Captured>,
    /// Its revisions, earliest first; none any more when their retention is over.
    pub committed: Vec<Committed>,
    /// Where it is to stand.
    pub deliveries: Vec<TrailDelivery>,
    /// Where it does not stand although it might.
    pub not_delivered: Vec<NotDelivered>,
}

/// A signal and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct TrailSignal {
    /// The source message.
    pub signal_id: SignalId,
    /// When it was written, by its id.
    pub created_at_ms: i64,
    /// Captured from.
    pub source_channel_id: ChannelId,
    /// That channel's name.
    pub source_channel_name: Option<String>,
    /// Its guild's name.
    pub source_guild_name: Option<String>,
    /// Readers see it; else its create has not come.
    pub is_visible: bool,
    /// When it was deleted.
    pub deleted_at_ms: Option<i64>,
    /// How often it has changed.
    pub revision: i32,
}

/// A body that spoke of the signal.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Serialize, utoipa::ToSchema)]
pub struct Captured {
    /// Who sent it.
    pub connector_id: String,
    /// When it came in.
    #[serde(rename = "received_at_ms", with = "ts_milliseconds")]
    #[schema(value_type = i64)]
    pub received_at: DateTime<Utc>,
    /// For the logs of both sides.
    pub correlation_id: String,
}

/// A revision in its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Committed {
    /// From 1.
    pub revision: i32,
    /// `create`, `update` or `delete`.
    pub kind: &'static str,
    /// Its place in the source channel.
    #[serde(flatten)]
    pub place: Cursor,
    /// When the router took it in.
    pub accepted_at_ms: Option<i64>,
    /// When it became durable.
    #[serde(rename = "committed_at_ms", with = "ts_milliseconds")]
    #[schema(value_type = i64)]
    pub committed_at: DateTime<Utc>,
    /// Something newer of the channel had been committed before.
    pub late: bool,
    /// To how many sessions it was sent live; `None` when that is not known any more. Those that replayed it are not counted.
    pub sessions: Option<u64>,
}

/// A delivery and how it went.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct TrailDelivery {
    /// Where to.
    pub target_channel_id: ChannelId,
    /// That channel's name.
    pub target_channel_name: Option<String>,
    /// By this mapping.
    pub mapping_id: i64,
    /// `pending`, `delivered`, `dead_letter` or `dropped`.
    pub state: &'static str,
    /// In words for people.
    pub explanation: String,
    /// What Discord should show.
    pub desired_revision: i32,
    /// What it shows completely; 0 for nothing.
    pub delivered_revision: i32,
    /// Refusals since the last success.
    pub attempts: i32,
    /// What was said last.
    pub last_error: Option<String>,
    /// Not before this.
    #[serde(rename = "next_attempt_at_ms", with = "ts_milliseconds_option")]
    #[schema(value_type = Option<i64>)]
    pub next_attempt_at: Option<DateTime<Utc>>,
    /// When it was planned: with the commit, or by a back-fill.
    #[serde(rename = "created_at_ms", with = "ts_milliseconds")]
    #[schema(value_type = i64)]
    pub created_at: DateTime<Utc>,
    /// From then until its first message stood.
    pub delay_ms: Option<i64>,
    /// Its messages.
    pub parts: Vec<TrailPart>,
}

/// A mirrored message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct TrailPart {
    /// From 0.
    pub part: i16,
    /// The message.
    pub message_id: MessageId,
    /// Where people see it; `None` while the guild is not known.
    pub link: Option<String>,
    /// When it was recorded to stand.
    #[serde(rename = "posted_at_ms", with = "ts_milliseconds")]
    #[schema(value_type = i64)]
    pub posted_at: DateTime<Utc>,
}

/// A target without a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct NotDelivered {
    /// The mapping that might have led there; `None` when there is no mapping at all.
    pub mapping_id: Option<i64>,
    /// Where to.
    pub target_channel_id: Option<ChannelId>,
    /// That channel's name.
    pub target_channel_name: Option<String>,
    /// Why not, for people.
    pub reason: String,
}

/// The trail of a signal. To be run in a transaction that sees one moment.
///
/// # Errors
/// [`StoreError::NotFound`] when nothing was ever heard of it, or when the database does not answer.
pub fn of(conn: &mut PgConnection, signal_id: SignalId) -> Result<Trail, StoreError> {
    let signal = signal(conn, signal_id)?;
    let committed = committed(conn, signal_id)?;
    let captured = captured(conn, signal_id, &committed)?;
    let deliveries = deliveries::made(conn, signal_id)?;
    let not_delivered = deliveries::missing(conn, &signal, &committed, &deliveries)?;
    Ok(Trail {
        signal,
        captured,
        committed,
        deliveries,
        not_delivered,
    })
}

fn signal(conn: &mut PgConnection, signal_id: SignalId) -> Result<TrailSignal, StoreError> {
    type Row = (
        ChannelId,
        bool,
        i32,
        Option<String>,
        Option<String>,
        Option<String>,
    );
    let row: Option<Row> = Sql::new(
        "select s.channel_id, s.is_visible, s.revision, s.state::json ->> 'deleted_at_ms', c.name, g.name from signals s \
         left join channels c on c.channel_id = s.channel_id left join guilds g on g.guild_id = c.guild_id \
         where s.signal_id = $1",
    )
    .bind::<BigInt, _>(signal_id)
    .rows::<(BigInt, Bool, Integer, Nullable<Text>, Nullable<Text>, Nullable<Text>)>()
    .get_result(conn)
    .optional()?;
    let (
        source_channel_id,
        is_visible,
        revision,
        deleted_at,
        source_channel_name,
        source_guild_name,
    ) = row.ok_or(StoreError::NotFound("such signal"))?;
    Ok(TrailSignal {
        signal_id,
        created_at_ms: signal_id.created_at_ms(),
        source_channel_id,
        source_channel_name,
        source_guild_name,
        is_visible,
        deleted_at_ms: deleted_at.and_then(|at| at.parse().ok()),
        revision,
    })
}

fn committed(conn: &mut PgConnection, signal_id: SignalId) -> Result<Vec<Committed>, StoreError> {
    type Row = (i32, i64, i32, u8, DateTime<Utc>, String);
    let rows: Vec<Row> = Sql::new(
        "select epoch, seq, revision, kind, committed_at, frame from revisions where signal_id = $1 \
         order by revision limit $2",
    )
    .bind::<BigInt, _>(signal_id)
    .bind::<BigInt, _>(REVISIONS_MAX)
    .rows::<(Integer, BigInt, Integer, CChar, Timestamptz, Text)>()
    .load(conn)?;
    let typed = |(epoch, seq, revision, kind, committed_at, frame): Row| {
        let frame: Value = serde_json::from_str(&frame).unwrap_or_default();
        Committed {
            revision,
            kind: match kind {
                b'c' => "create",
                b'u' => "update",
                _ => "delete",
            },
            place: Cursor { epoch, seq },
            accepted_at_ms: frame["accepted_at_ms"].as_i64(),
            committed_at,
            late: frame["late"] == true,
            sessions: None,
        }
    };
    Ok(rows.into_iter().map(typed).collect())
}

/// The bodies that came when its revisions were accepted and speak of it: a moment leads to them, for they have no other key.
fn captured(
    conn: &mut PgConnection,
    signal_id: SignalId,
    committed: &[Committed],
) -> Result<Vec<Captured>, StoreError> {
    let moments = committed
        .iter()
        .filter_map(|revision| DateTime::from_timestamp_millis(revision.accepted_at_ms?))
        .collect::<Vec<DateTime<Utc>>>();
    if moments.is_empty() {
        return Ok(Vec::new());
    }
    Ok(Sql::new(
        "select b.connector_id, b.received_at, b.correlation_id from \
            (select distinct at from unnest($1) as m (at)) m \
         cross join lateral (select * from raw_batches r where r.received_at = m.at limit $2) b \
         where b.kind = 'message-batch' and position(convert_to($3, 'UTF8') in b.body) > 0 order by b.received_at",
    )
    .bind::<Array<Timestamptz>, _>(moments)
    .bind::<BigInt, _>(BODIES_MAX)
    .bind::<Text, _>(signal_id.to_string())
    .rows::<(Text, Timestamptz, Text)>()
    .load(conn)?)
}

#[cfg(test)]
mod tests;
