//! Deliveries that were given up, and what a person decides about them: put them back, drop them, restore what was dropped.
//! Each decision is one transaction with its audit row, and doing it again changes nothing. Who works on deliveries has to be
//! told afterwards: that is the caller's business.

use super::{
    Page, StoreError,
    audit::record,
    delivery_list::{DeliveryPlace, DeliveryState},
};
use crate::{
    frame::SignalView,
    ids::{ChannelId, MessageId, SignalId, ThreadId},
    signal::SignalState,
    sql::Sql,
};
use chrono::{DateTime, Utc, serde::ts_milliseconds};
use diesel::{
    pg::{PgConnection, sql_types::CChar},
    prelude::*,
    sql_types::{Array, BigInt, Bool, Integer, Nullable, SmallInt, Text, Timestamptz},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{HashMap, HashSet};

/// Deliveries that one request may name.
pub const NAMED_MAX: usize = 500;
/// Deliveries that one request changes when it names none.
pub const CHANGED_MAX: i64 = 1_000;

/// Which delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeliveryKey {
    /// The signal.
    pub signal_id: SignalId,
    /// Where to.
    pub target_channel_id: ChannelId,
}

/// A message that stands in Discord.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
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
#[derive(Debug, Clone, PartialEq, Serialize)]
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
    pub created_at: DateTime<Utc>,
    /// Since when what is desired has been wanted.
    #[serde(rename = "wanted_at_ms", with = "ts_milliseconds")]
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
    let (from, last) = super::delivery_list::span(target, page.after);
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

/// Which deliveries a person means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// These, at most [`NAMED_MAX`].
    Named(Vec<DeliveryKey>),
    /// As many of this target as one request may change, oldest first.
    OfTarget(ChannelId),
    /// The same over all targets.
    All,
}

/// What is put back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PutBack {
    /// What was given up: a redrive.
    DeadLetters,
    /// What was dropped: it is restored.
    Dropped,
}

impl PutBack {
    fn state(self) -> DeliveryState {
        match self {
            Self::DeadLetters => DeliveryState::DeadLetter,
            Self::Dropped => DeliveryState::Dropped,
        }
    }

    fn action(self) -> &'static str {
        match self {
            Self::DeadLetters => "delivery.redrive",
            Self::Dropped => "delivery.restore",
        }
    }
}

/// What a decision did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// What is different now; what was so already is not among it.
    pub keys: Vec<DeliveryKey>,
    /// More of what was meant is left: ask again.
    pub more: bool,
}

/// What the audit holds of a decision.
#[derive(Debug, Serialize)]
struct Decision<'a> {
    deliveries: &'a [Stood],
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

/// How a delivery stood before a decision.
#[derive(Debug, Clone, Serialize)]
struct Stood {
    #[serde(flatten)]
    key: DeliveryKey,
    #[serde(serialize_with = "super::delivery_list::word")]
    state: u8,
    attempts: i32,
    last_error: Option<String>,
}

/// Puts deliveries back: wanted from now on, in the present revision of their signals, with a fresh budget.
///
/// # Errors
/// [`StoreError::NotFound`] for a named one that is not there, [`StoreError::OtherState`] for one that is neither what is to be put
/// back nor pending; then nothing is changed. Or when the database does not answer.
pub fn put_back(
    conn: &mut PgConnection,
    actor: &str,
    from: PutBack,
    which: &Which,
) -> Result<Changed, StoreError> {
    conn.transaction(|conn| {
        let state = from.state();
        let chosen = match which {
            Which::Named(keys) => {
                let stood = locked(conn, keys)?;
                still_to_do(stood, &[state], DeliveryState::Pending)?
            }
            Which::OfTarget(_) | Which::All => oldest(conn, state, which)?,
        };
        if chosen.is_empty() {
            return Ok(Changed {
                keys: Vec::new(),
                more: false,
            });
        }
        let keys: Vec<DeliveryKey> = chosen.iter().map(|stood| stood.key).collect();
        Sql::new(
            "update deliveries d set state = 'p', attempts = 0, next_attempt_at = null, last_error = null, wanted_at = now(), \
             desired_revision = greatest(d.desired_revision, s.revision) \
             from unnest($1, $2) as k (signal_id, target), signals s \
             where d.signal_id = k.signal_id and d.target_channel_id = k.target and s.signal_id = d.signal_id",
        )
        .bind::<Array<BigInt>, _>(signals(&keys))
        .bind::<Array<BigInt>, _>(targets(&keys))
        .execute(conn)?;
        audit(conn, actor, from.action(), &chosen, None)?;
        let more = match which {
            Which::Named(_) => false,
            Which::OfTarget(_) | Which::All => is_any(conn, state, which)?,
        };
        Ok(Changed { keys, more })
    })
}

/// Drops deliveries: they are never tried again, whatever becomes of their signals, until they are restored. What stands in
/// Discord stays there.
///
/// # Errors
/// [`StoreError::NotFound`] for one that is not there, [`StoreError::OtherState`] for one that is delivered; then nothing is
/// changed. Or when the database does not answer.
pub fn drop_named(
    conn: &mut PgConnection,
    actor: &str,
    keys: &[DeliveryKey],
    reason: &str,
) -> Result<Changed, StoreError> {
    conn.transaction(|conn| {
        let droppable = [DeliveryState::Pending, DeliveryState::DeadLetter];
        let chosen = still_to_do(locked(conn, keys)?, &droppable, DeliveryState::Dropped)?;
        let keys: Vec<DeliveryKey> = chosen.iter().map(|stood| stood.key).collect();
        if !keys.is_empty() {
            Sql::new(
                "update deliveries d set state = 'c', next_attempt_at = null, last_error = 'dropped: ' || $1 \
                 from unnest($2, $3) as k (signal_id, target) \
                 where d.signal_id = k.signal_id and d.target_channel_id = k.target",
            )
            .bind::<Text, _>(reason)
            .bind::<Array<BigInt>, _>(signals(&keys))
            .bind::<Array<BigInt>, _>(targets(&keys))
            .execute(conn)?;
            audit(conn, actor, "delivery.drop", &chosen, Some(reason))?;
        }
        Ok(Changed { keys, more: false })
    })
}

/// Raises what is desired of these deliveries to the present revision of their signals: an edit that was being committed while
/// they were put back or made did not see them. Call it when every such commit is over.
///
/// # Errors
/// When the database does not answer.
pub fn raise_missed(conn: &mut PgConnection, keys: &[DeliveryKey]) -> Result<usize, StoreError> {
    Ok(Sql::new(
        "update deliveries d set desired_revision = s.revision, state = 'p', attempts = 0, next_attempt_at = null, \
         wanted_at = case d.state when 'p' then d.wanted_at else now() end \
         from unnest($1, $2) as k (signal_id, target), signals s \
         where d.signal_id = k.signal_id and d.target_channel_id = k.target and s.signal_id = d.signal_id \
         and d.desired_revision < s.revision and d.state <> 'c'",
    )
    .bind::<Array<BigInt>, _>(signals(keys))
    .bind::<Array<BigInt>, _>(targets(keys))
    .execute(conn)?)
}

/// The named deliveries as they stand, held until the transaction ends.
fn locked(conn: &mut PgConnection, keys: &[DeliveryKey]) -> Result<Vec<Stood>, StoreError> {
    let rows = Sql::new(
        "select d.signal_id, d.target_channel_id, d.state, d.attempts, d.last_error from deliveries d \
         where (d.signal_id, d.target_channel_id) in (select * from unnest($1, $2)) \
         order by d.signal_id, d.target_channel_id for update",
    )
    .bind::<Array<BigInt>, _>(signals(keys))
    .bind::<Array<BigInt>, _>(targets(keys))
    .rows::<StoodSql>()
    .load::<StoodRow>(conn)?;
    let found = stood(rows);
    let known: HashSet<DeliveryKey> = found.iter().map(|stood| stood.key).collect();
    if keys.iter().all(|key| known.contains(key)) {
        Ok(found)
    } else {
        Err(StoreError::NotFound(
            "delivery of this signal into this channel",
        ))
    }
}

type StoodSql = (BigInt, BigInt, CChar, Integer, Nullable<Text>);
type StoodRow = (SignalId, ChannelId, u8, i32, Option<String>);

fn stood(rows: Vec<StoodRow>) -> Vec<Stood> {
    let typed = |(signal_id, target_channel_id, state, attempts, last_error)| Stood {
        key: DeliveryKey {
            signal_id,
            target_channel_id,
        },
        state,
        attempts,
        last_error,
    };
    rows.into_iter().map(typed).collect()
}

/// Those that are not yet as they are wanted. All others must stand in one of the states that may be left.
fn still_to_do(
    all: Vec<Stood>,
    from: &[DeliveryState],
    wanted: DeliveryState,
) -> Result<Vec<Stood>, StoreError> {
    let rest: Vec<Stood> = all
        .into_iter()
        .filter(|stood| stood.state != wanted.letter())
        .collect();
    let odd = rest
        .iter()
        .find(|stood| !from.iter().any(|state| state.letter() == stood.state));
    match odd {
        None => Ok(rest),
        Some(odd) => Err(StoreError::OtherState(format!(
            "the delivery of signal {} into channel {} is {}",
            odd.key.signal_id,
            odd.key.target_channel_id,
            super::delivery_list::word_of(odd.state).replace('_', " ")
        ))),
    }
}

/// The oldest of a state, as many as one request changes. What somebody else works on right now is left for the next request.
fn oldest(
    conn: &mut PgConnection,
    state: DeliveryState,
    which: &Which,
) -> Result<Vec<Stood>, StoreError> {
    macro_rules! oldest {
        ($state:literal) => {
            concat!(
                "select signal_id, target_channel_id, state, attempts, last_error from deliveries where state = '",
                $state,
                "' and target_channel_id between $1 and $2 order by target_channel_id, ordinal limit $3 \
                 for update skip locked"
            )
        };
    }
    let text = match state {
        DeliveryState::Dropped => oldest!("c"),
        _ => oldest!("x"),
    };
    let (first, last) = which.channels();
    let rows = Sql::new(text)
        .bind::<BigInt, _>(first)
        .bind::<BigInt, _>(last)
        .bind::<BigInt, _>(CHANGED_MAX)
        .rows::<StoodSql>()
        .load(conn)?;
    Ok(stood(rows))
}

fn is_any(
    conn: &mut PgConnection,
    state: DeliveryState,
    which: &Which,
) -> Result<bool, StoreError> {
    let text = match state {
        DeliveryState::Dropped => {
            "select exists (select from deliveries where state = 'c' and target_channel_id between $1 and $2)"
        }
        _ => {
            "select exists (select from deliveries where state = 'x' and target_channel_id between $1 and $2)"
        }
    };
    let (first, last) = which.channels();
    Ok(Sql::new(text)
        .bind::<BigInt, _>(first)
        .bind::<BigInt, _>(last)
        .rows::<Bool>()
        .get_result(conn)?)
}

impl Which {
    /// The first and the last channel id it may concern.
    fn channels(&self) -> (i64, i64) {
        match self {
            Self::OfTarget(target) => (target.get(), target.get()),
            Self::Named(_) | Self::All => (0, i64::MAX),
        }
    }
}

/// One row for one decision, whatever it was about.
fn audit(
    conn: &mut PgConnection,
    actor: &str,
    action: &str,
    chosen: &[Stood],
    reason: Option<&str>,
) -> Result<(), StoreError> {
    let subject = match chosen {
        [one] => format!("{}/{}", one.key.signal_id, one.key.target_channel_id),
        many => format!("{} deliveries", many.len()),
    };
    let decision = Decision {
        deliveries: chosen,
        reason,
    };
    record(conn, actor, action, &subject, Some(&decision), None)
}

fn signals(keys: &[DeliveryKey]) -> Vec<SignalId> {
    keys.iter().map(|key| key.signal_id).collect()
}

fn targets(keys: &[DeliveryKey]) -> Vec<ChannelId> {
    keys.iter().map(|key| key.target_channel_id).collect()
}

#[cfg(test)]
mod tests;
