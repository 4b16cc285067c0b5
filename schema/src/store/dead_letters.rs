//! Deliveries that were given up, with all a person needs to decide about them: the reason, what the signal says, and what of it
//! stands in Discord. What is decided is in `decisions`.

use super::{
    Page, StoreError,
    delivery_list::{self, DeliveryKey, DeliveryPlace},
};
use crate::{
    frame::SignalView,
    ids::{ChannelId, MessageId, SignalId, ThreadId},
    signal::SignalState,
    sql::Sql,
};
use chrono::{DateTime, Utc, serde::ts_milliseconds};
use diesel::{
    pg::PgConnection,
    prelude::*,
    sql_types::{Array, BigInt, Integer, Nullable, SmallInt, Text, Timestamptz},
};
use serde::Serialize;
use serde_json::Value;
use std::collections::HashMap;

/// A message that stands in Discord.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct StandingPart {
    /// From 0.
    pub part: i16,
    /// The mirrored message.
    pub message_id: MessageId,
    /// The thread of the target channel it stands in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mirrored_thread_id: Option<ThreadId>,
}

/// A delivery that was given up.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct DeadLetter {
    /// Which.
    #[serde(flatten)]
    pub key: DeliveryKey,
    /// Captured from.
    pub source_channel_id: ChannelId,
    /// By this mapping.
    pub mapping_id: i64,
    /// Order of commit.
    pub ordinal: i64,
    /// Why it was given up, as Discord or the mirror said.
    pub reason: Option<String>,
    /// Refusals until then.
    pub attempts: i32,
    /// What Discord should show.
    pub desired_revision: i32,
    /// What it shows completely; 0 for nothing.
    pub delivered_revision: i32,
    /// When it was planned.
    #[serde(rename = "created_at_ms", with = "ts_milliseconds")]
    #[schema(value_type = i64)]
    pub created_at: DateTime<Utc>,
    /// Since when what is desired has been wanted.
    #[serde(rename = "wanted_at_ms", with = "ts_milliseconds")]
    #[schema(value_type = i64)]
    pub wanted_at: DateTime<Utc>,
    /// What the signal says now, as sessions see it; `None` when its row does not read.
    pub payload: Option<Value>,
    /// What of it stands in Discord.
    pub parts: Vec<StandingPart>,
}

impl DeadLetter {
    /// Where it stands in the list.
    pub fn place(&self) -> DeliveryPlace {
        DeliveryPlace::new(self.key.target_channel_id, self.ordinal)
    }
}

type DeadSql = (
    BigInt,
    BigInt,
    BigInt,
    BigInt,
    BigInt,
    Nullable<Text>,
    Integer,
    Integer,
    Integer,
    Timestamptz,
    Timestamptz,
    Nullable<Text>,
);
type DeadRow = (
    SignalId,
    ChannelId,
    ChannelId,
    i64,
    i64,
    Option<String>,
    i32,
    i32,
    i32,
    DateTime<Utc>,
    DateTime<Utc>,
    Option<String>,
);

/// Dead letters by target channel, oldest first in each.
///
/// # Errors
/// When the database does not answer.
pub fn list(
    conn: &mut PgConnection,
    target: Option<ChannelId>,
    page: Page<DeliveryPlace>,
) -> Result<Vec<DeadLetter>, StoreError> {
    let (from, last) = delivery_list::span(target, page.after);
    let rows: Vec<DeadRow> = Sql::new(
        "select d.signal_id, d.target_channel_id, d.source_channel_id, d.mapping_id, d.ordinal, d.last_error, d.attempts, \
         d.desired_revision, d.delivered_revision, d.created_at, d.wanted_at, s.state \
         from deliveries d left join signals s on s.signal_id = d.signal_id \
         where d.state = 'x' and (d.target_channel_id, d.ordinal) > ($1, $2) and d.target_channel_id <= $3 \
         order by d.target_channel_id, d.ordinal limit $4",
    )
    .bind::<BigInt, _>(from.0)
    .bind::<BigInt, _>(from.1)
    .bind::<BigInt, _>(last)
    .bind::<BigInt, _>(page.limit)
    .rows::<DeadSql>()
    .load(conn)?;
    let keys: Vec<_> = rows.iter().map(|row| (row.0, row.1)).collect();
    let mut parts = standing(conn, &keys)?;
    let typed = |row: DeadRow| {
        let parts = parts.remove(&(row.0, row.1)).unwrap_or_default();
        dead_letter(row, parts)
    };
    Ok(rows.into_iter().map(typed).collect())
}

fn dead_letter(row: DeadRow, parts: Vec<StandingPart>) -> DeadLetter {
    let (
        signal_id,
        target_channel_id,
        source_channel_id,
        mapping_id,
        ordinal,
        reason,
        attempts,
        desired_revision,
        delivered_revision,
        created_at,
        wanted_at,
        state,
    ) = row;
    DeadLetter {
        key: DeliveryKey {
            signal_id,
            target_channel_id,
        },
        source_channel_id,
        mapping_id,
        ordinal,
        reason,
        attempts,
        desired_revision,
        delivered_revision,
        created_at,
        wanted_at,
        payload: state.as_deref().and_then(payload),
        parts,
    }
}

/// What readers see of a state as the table holds it; `None` for one that does not read.
fn payload(state: &str) -> Option<Value> {
    let state: SignalState = serde_json::from_str(state).ok()?;
    serde_json::to_value(SignalView::of(&state)).ok()
}

/// What stands in Discord for these deliveries, in order of parts.
fn standing(
    conn: &mut PgConnection,
    keys: &[(SignalId, ChannelId)],
) -> Result<HashMap<(SignalId, ChannelId), Vec<StandingPart>>, StoreError> {
    let mut found: HashMap<_, Vec<_>> = HashMap::new();
    if keys.is_empty() {
        return Ok(found);
    }
    let rows: Vec<(SignalId, ChannelId, i16, MessageId, Option<ThreadId>)> = Sql::new(
        "select m.signal_id, m.target_channel_id, m.part, m.message_id, m.mirrored_thread_id \
         from unnest($1, $2) as k (signal_id, target) join mirrored_parts m \
         on m.signal_id = k.signal_id and m.target_channel_id = k.target order by m.part",
    )
    .bind::<Array<BigInt>, _>(keys.iter().map(|key| key.0).collect::<Vec<_>>())
    .bind::<Array<BigInt>, _>(keys.iter().map(|key| key.1).collect::<Vec<_>>())
    .rows::<(BigInt, BigInt, SmallInt, BigInt, Nullable<BigInt>)>()
    .load(conn)?;
    for (signal_id, target, part, message_id, mirrored_thread_id) in rows {
        let part = StandingPart {
            part,
            message_id,
            mirrored_thread_id,
        };
        found.entry((signal_id, target)).or_default().push(part);
    }
    Ok(found)
}

#[cfg(test)]
pub(super) mod tests;
