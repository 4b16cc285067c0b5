//! What a person decides about deliveries: put them back, drop them, restore what was dropped. Each decision is one transaction
//! with its audit row, and doing it again changes nothing. Who works on deliveries has to be told afterwards: that is the caller's
//! business.

use super::{
    StoreError,
    audit::record,
    delivery_list::{self, DeliveryKey, DeliveryState},
};
use crate::{
    ids::{ChannelId, SignalId},
    sql::Sql,
};
use diesel::{
    pg::{PgConnection, sql_types::CChar},
    prelude::*,
    sql_types::{Array, BigInt, Bool, Integer, Nullable, Text},
};
use serde::Serialize;
use std::collections::HashSet;

/// Deliveries that one request may name.
pub const NAMED_MAX: usize = 500;
/// Deliveries that one request changes when it names none.
pub const CHANGED_MAX: i64 = 1_000;
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

/// Puts deliveries back: wanted from now on, in the present revision of their signals, with a fresh budget, and pinging nobody. Of
/// what was dropped a message may have been on its way: it stays wanted since when it was.
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
            "update deliveries d set state = 'p', attempts = 0, next_attempt_at = null, last_error = null, ping_role_id = null, \
             wanted_at = case d.state when 'c' then d.wanted_at else now() end, desired_revision = greatest(d.desired_revision, s.revision) \
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
            delivery_list::word_of(odd.state).replace('_', " ")
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
