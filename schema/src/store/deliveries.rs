//! Deliveries as mirrors work on them: what is pending with all that is needed to do it, the record of what was done, and what
//! is needed to recognise a message whose answer was lost. Only the delivery ledger writes here; the store writer raises what is
//! wanted in its own transaction.

use super::{StoreError, mirrored_threads, reconciliations, target_channels};
use crate::{
    delivery::{
        Address, DeliveryRecord, PartChange, PendingDelivery, PendingPage, PostedPart, Progress,
    },
    ids::{ChannelId, GuildId, MessageId, RoleId, SignalId, ThreadId, WebhookId},
    signal::{Attachment, Author, Embed, SignalState, Stamped, Text as SignalText},
    sql::Sql,
};
use diesel::{
    pg::PgConnection,
    prelude::*,
    sql_types::{Array, BigInt, Bool, Bytea, Integer, Nullable, SmallInt, Text},
};
use serde::Deserialize;
use std::{collections::HashMap, sync::Arc};

/// Earlier revisions of one signal that are looked at.
const REVISIONS_MAX: i64 = 100;
/// Channel types whose messages all stand in threads: forum and media (documented).
const FORUM_KINDS: [i16; 2] = [15, 16];

type PendingSql = (
    BigInt,
    BigInt,
    Nullable<BigInt>,
    Nullable<BigInt>,
    BigInt,
    Integer,
    Integer,
    Integer,
    Nullable<BigInt>,
    BigInt,
    Bool,
    Integer,
    Text,
);
type PendingRow = (
    SignalId,
    i64,
    Option<RoleId>,
    Option<i64>,
    i64,
    i32,
    i32,
    i32,
    Option<i64>,
    i64,
    bool,
    i32,
    String,
);
type PartSql = (
    BigInt,
    SmallInt,
    BigInt,
    Bytea,
    Nullable<BigInt>,
    Nullable<BigInt>,
);
type PartRow = (
    SignalId,
    i16,
    MessageId,
    Vec<u8>,
    Option<ThreadId>,
    Option<WebhookId>,
);

/// Rows with work to do, in the columns of [`PendingSql`]; `$1` is the target channel.
macro_rules! pending_rows {
    ($more:literal) => {
        concat!(
            "select d.signal_id, d.mapping_id, d.ping_role_id, d.rule_set_id, d.ordinal, d.desired_revision, \
             d.delivered_revision, d.attempts, (extract(epoch from d.next_attempt_at - now()) * 1000)::bigint, \
             (extract(epoch from now() - d.wanted_at) * 1000)::bigint, d.wanted_at = d.created_at, d.repairs, s.state \
             from deliveries d join signals s on s.signal_id = d.signal_id \
             where d.target_channel_id = $1 and d.state = 'p' ",
            $more
        )
    };
}

/// The work of a target channel, lowest ordinals first. To be run in a transaction that sees one moment.
///
/// # Errors
/// When the database does not answer.
pub fn pending(
    conn: &mut PgConnection,
    target: ChannelId,
    limit: i64,
) -> Result<PendingPage, StoreError> {
    let rows: Vec<PendingRow> = Sql::new(pending_rows!("order by d.ordinal limit $2"))
        .bind::<BigInt, _>(target)
        .bind::<BigInt, _>(limit)
        .rows::<PendingSql>()
        .load(conn)?;
    let complete = i64::try_from(rows.len()).is_ok_and(|count| count < limit);
    let channel = target_channels::get(conn, target)?;
    Ok(PendingPage {
        rows: with_parts(conn, target, rows)?,
        complete,
        is_paused: channel.is_paused,
        is_forum: channel.kind.is_some_and(|kind| FORUM_KINDS.contains(&kind)),
        threads: mirrored_threads::to_change(conn, target)?,
        reconciliation: reconciliations::unfinished(conn, target)?,
    })
}

/// The work of one signal in a target channel; `None` when there is none.
///
/// # Errors
/// When the database does not answer.
pub fn pending_one(
    conn: &mut PgConnection,
    target: ChannelId,
    signal_id: SignalId,
) -> Result<Option<PendingDelivery>, StoreError> {
    let rows: Vec<PendingRow> = Sql::new(pending_rows!("and d.signal_id = $2"))
        .bind::<BigInt, _>(target)
        .bind::<BigInt, _>(signal_id)
        .rows::<PendingSql>()
        .load(conn)?;
    Ok(with_parts(conn, target, rows)?.pop())
}

fn with_parts(
    conn: &mut PgConnection,
    target: ChannelId,
    rows: Vec<PendingRow>,
) -> Result<Vec<PendingDelivery>, StoreError> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let stands: Vec<PartRow> = Sql::new(
        "select signal_id, part, message_id, digest, mirrored_thread_id, webhook_id from mirrored_parts \
         where target_channel_id = $1 and signal_id = any($2) order by signal_id, part",
    )
    .bind::<BigInt, _>(target)
    .bind::<Array<BigInt>, _>(rows.iter().map(|row| row.0).collect::<Vec<_>>())
    .rows::<PartSql>()
    .load(conn)?;
    let mut parts: HashMap<SignalId, Vec<PostedPart>> = HashMap::new();
    for (signal_id, part, message_id, digest, thread_id, webhook_id) in stands {
        let part = PostedPart {
            part: part.unsigned_abs(),
            message_id,
            digest,
            at: Address {
                thread_id,
                webhook_id,
            },
        };
        parts.entry(signal_id).or_default().push(part);
    }
    let typed = |row: PendingRow| {
        let parts = parts.remove(&row.0).unwrap_or_default();
        pending_delivery(row, parts)
    };
    let mut pending: Vec<PendingDelivery> = rows.into_iter().filter_map(typed).collect();
    let threads: Vec<ThreadId> = pending
        .iter()
        .filter_map(|it| it.signal.thread_id)
        .collect();
    if !threads.is_empty() {
        let names = mirrored_threads::names(conn, &threads)?;
        for delivery in &mut pending {
            let thread_id = delivery.signal.thread_id;
            delivery.thread_name = thread_id.and_then(|thread_id| names.get(&thread_id).cloned());
        }
    }
    Ok(pending)
}

/// `None`, with a word in the log, for a row that does not read: it must not hold up the others.
fn pending_delivery(row: PendingRow, parts: Vec<PostedPart>) -> Option<PendingDelivery> {
    let (
        signal_id,
        mapping_id,
        ping_role_id,
        rule_set_id,
        ordinal,
        desired,
        delivered,
        attempts,
        wait_ms,
        age_ms,
        is_first_wish,
        repairs,
        state,
    ) = row;
    let signal: SignalState = serde_json::from_str(&state)
        .inspect_err(|error| tracing::error!(%signal_id, %error, "signals.state does not read, its delivery waits"))
        .ok()?;
    Some(PendingDelivery {
        signal: Arc::new(signal),
        mapping_id,
        ping_role_id,
        rule_set_id,
        repairs: repairs.unsigned_abs(),
        ordinal,
        desired_revision: desired,
        delivered_revision: delivered,
        attempts: attempts.unsigned_abs(),
        wait_ms: wait_ms.unwrap_or(0).max(0),
        wanted_age_ms: age_ms.max(0),
        is_first_wish,
        parts,
        thread_name: None,
    })
}

/// Those of these messages that are recorded as part of a delivery.
///
/// # Errors
/// When the database does not answer.
pub fn recorded_messages(
    conn: &mut PgConnection,
    target: ChannelId,
    messages: &[MessageId],
) -> Result<Vec<MessageId>, StoreError> {
    Ok(Sql::new("select message_id from mirrored_parts where target_channel_id = $1 and message_id = any($2)")
        .bind::<BigInt, _>(target)
        .bind::<Array<BigInt>, _>(messages)
        .rows::<BigInt>()
        .load(conn)?)
}

/// The first message that stands for a signal in a target channel; `None` when there is none.
///
/// # Errors
/// When the database does not answer.
pub fn first_part(
    conn: &mut PgConnection,
    target: ChannelId,
    signal_id: SignalId,
) -> Result<Option<(MessageId, Address)>, StoreError> {
    let found: Option<(MessageId, Option<ThreadId>, Option<WebhookId>)> = Sql::new(
        "select message_id, mirrored_thread_id, webhook_id from mirrored_parts \
         where signal_id = $1 and target_channel_id = $2 and length(digest) > 0 order by part limit 1",
    )
    .bind::<BigInt, _>(signal_id)
    .bind::<BigInt, _>(target)
    .rows::<(BigInt, Nullable<BigInt>, Nullable<BigInt>)>()
    .get_result(conn)
    .optional()?;
    let address = |(message_id, thread_id, webhook_id)| {
        let at = Address {
            thread_id,
            webhook_id,
        };
        (message_id, at)
    };
    Ok(found.map(address))
}

/// What readers were shown of a signal in its revisions after this one, as far as they are kept.
///
/// # Errors
/// When the database does not answer. A row that does not read is left out, with a word in the log.
pub fn revisions_after(
    conn: &mut PgConnection,
    signal_id: SignalId,
    revision: i32,
) -> Result<Vec<SignalState>, StoreError> {
    let frames: Vec<String> = Sql::new(
        "select frame from revisions where signal_id = $1 and revision > $2 and kind <> 'd' order by revision limit $3",
    )
    .bind::<BigInt, _>(signal_id)
    .bind::<Integer, _>(revision)
    .bind::<BigInt, _>(REVISIONS_MAX)
    .rows::<Text>()
    .load(conn)?;
    let readable = |frame: &String| {
        shown(frame)
            .inspect_err(|error| tracing::error!(%signal_id, %error, "revisions.frame does not read, it is left out"))
            .ok()
    };
    Ok(frames.iter().filter_map(readable).collect())
}

#[derive(Deserialize)]
struct Frame {
    signal: Shown,
}

/// As much of a signal in a frame as its messages are made of.
#[derive(Deserialize)]
struct Shown {
    signal_id: SignalId,
    channel_id: ChannelId,
    guild_id: GuildId,
    #[serde(default)]
    thread_id: Option<ThreadId>,
    #[serde(default)]
    author: Option<Author>,
    #[serde(default)]
    text: String,
    #[serde(default)]
    embeds: Vec<Embed>,
    #[serde(default)]
    attachments: Vec<Attachment>,
}

fn shown(frame: &str) -> serde_json::Result<SignalState> {
    let Frame { signal: shown } = serde_json::from_str(frame)?;
    let mut state = SignalState::unknown(shown.signal_id, shown.channel_id, shown.guild_id);
    state.thread_id = shown.thread_id;
    state.author = shown.author;
    state.text = Some(Stamped {
        stamp_ms: 0,
        value: SignalText {
            raw: String::new(),
            clean: shown.text,
        },
    });
    state.embeds = Some(Stamped {
        stamp_ms: 0,
        value: shown.embeds,
    });
    state.attachments = Some(Stamped {
        stamp_ms: 0,
        value: shown.attachments,
    });
    Ok(state)
}

/// Writes down what mirrors did, at most one record for each delivery. Doing it again changes nothing. To be run in a
/// transaction.
///
/// # Errors
/// When the database does not answer, or refuses the data.
pub fn record(conn: &mut PgConnection, records: &[DeliveryRecord]) -> Result<(), StoreError> {
    if records.is_empty() {
        return Ok(());
    }
    record_progress(conn, records)?;
    record_removals(conn, records)?;
    record_parts(conn, records)
}

fn record_progress(conn: &mut PgConnection, records: &[DeliveryRecord]) -> Result<(), StoreError> {
    // A newer wish that came meanwhile keeps the row pending; what a person dropped stays dropped, with the person's reason.
    Sql::new(
        "update deliveries d set \
            delivered_revision = case when r.kind = 'd' then greatest(d.delivered_revision, r.revision) \
                                      else d.delivered_revision end, \
            state = case when d.state = 'c' then d.state when d.desired_revision > r.revision then d.state when r.kind = 'd' then 'd' \
                         when r.kind = 'x' and d.state = 'p' then 'x' else d.state end, \
            wanted_at = case when r.kind = 'd' then now() else d.wanted_at end, \
            attempts = case when d.state = 'c' or r.kind = 'w' then d.attempts when r.kind = 'd' then 0 else r.attempts end, \
            next_attempt_at = case when r.kind = 'r' and d.state <> 'c' then now() + r.wait_ms * interval '1 millisecond' end, \
            last_error = case when d.state = 'c' or r.kind = 'w' then d.last_error else r.error end, \
            delivered_at = case when r.kind = 'd' then now() else d.delivered_at end \
         from unnest($1, $2, $3, $4, $5, $6, $7) as r (signal_id, target, kind, revision, attempts, wait_ms, error) \
         where d.signal_id = r.signal_id and d.target_channel_id = r.target",
    )
    .bind::<Array<BigInt>, _>(column(records, |r| r.signal_id))
    .bind::<Array<BigInt>, _>(column(records, |r| r.target_channel_id))
    .bind::<Array<Text>, _>(column(records, |r| kind(&r.progress)))
    .bind::<Array<Integer>, _>(column(records, |r| revision(&r.progress)))
    .bind::<Array<Integer>, _>(column(records, |r| attempts(&r.progress)))
    .bind::<Array<BigInt>, _>(column(records, |r| match r.progress {
        Progress::Retrying { wait_ms, .. } => wait_ms,
        _ => 0,
    }))
    .bind::<Array<Nullable<Text>>, _>(column(records, |r| words(&r.progress)))
    .execute(conn)?;
    Ok(())
}

fn record_removals(conn: &mut PgConnection, records: &[DeliveryRecord]) -> Result<(), StoreError> {
    let removed: Vec<_> = records
        .iter()
        .filter_map(|r| match r.change {
            Some(PartChange::Removed { part }) => {
                Some((r.signal_id, r.target_channel_id, small(part)))
            }
            _ => None,
        })
        .collect();
    if removed.is_empty() {
        return Ok(());
    }
    Sql::new(
        "delete from mirrored_parts m using unnest($1, $2, $3) as r (signal_id, target, part) \
         where m.signal_id = r.signal_id and m.target_channel_id = r.target and m.part = r.part",
    )
    .bind::<Array<BigInt>, _>(column(&removed, |r| r.0))
    .bind::<Array<BigInt>, _>(column(&removed, |r| r.1))
    .bind::<Array<SmallInt>, _>(column(&removed, |r| r.2))
    .execute(conn)?;
    Ok(())
}

fn record_parts(conn: &mut PgConnection, records: &[DeliveryRecord]) -> Result<(), StoreError> {
    let stands: Vec<_> = records
        .iter()
        .filter_map(|r| match &r.change {
            Some(PartChange::Stands(part)) => Some((r.signal_id, r.target_channel_id, part)),
            _ => None,
        })
        .collect();
    if stands.is_empty() {
        return Ok(());
    }
    Sql::new(
        "insert into mirrored_parts (signal_id, target_channel_id, part, message_id, digest, mirrored_thread_id, webhook_id) \
         select p.* from unnest($1, $2, $3, $4, $5, $6, $7) as p (signal_id, target, part, message_id, digest, thread, webhook) \
         join deliveries d on d.signal_id = p.signal_id and d.target_channel_id = p.target \
         on conflict (signal_id, target_channel_id, part) do update \
            set message_id = excluded.message_id, digest = excluded.digest, \
                mirrored_thread_id = excluded.mirrored_thread_id, webhook_id = excluded.webhook_id",
    )
    .bind::<Array<BigInt>, _>(column(&stands, |s| s.0))
    .bind::<Array<BigInt>, _>(column(&stands, |s| s.1))
    .bind::<Array<SmallInt>, _>(column(&stands, |s| small(s.2.part)))
    .bind::<Array<BigInt>, _>(column(&stands, |s| s.2.message_id))
    .bind::<Array<Bytea>, _>(column(&stands, |s| s.2.digest.as_slice()))
    .bind::<Array<Nullable<BigInt>>, _>(column(&stands, |s| s.2.at.thread_id))
    .bind::<Array<Nullable<BigInt>>, _>(column(&stands, |s| s.2.at.webhook_id))
    .execute(conn)?;
    Ok(())
}

fn kind(progress: &Progress) -> &'static str {
    match progress {
        Progress::Working => "w",
        Progress::Delivered { .. } => "d",
        Progress::Retrying { .. } => "r",
        Progress::Dead { .. } => "x",
    }
}

fn revision(progress: &Progress) -> i32 {
    match progress {
        Progress::Delivered { revision, .. } | Progress::Dead { revision, .. } => *revision,
        Progress::Working | Progress::Retrying { .. } => 0,
    }
}

fn attempts(progress: &Progress) -> i32 {
    match progress {
        Progress::Retrying { attempts, .. } | Progress::Dead { attempts, .. } => {
            i32::try_from(*attempts).unwrap_or(i32::MAX)
        }
        Progress::Working | Progress::Delivered { .. } => 0,
    }
}

/// For people. PostgreSQL takes no U+0000, whatever Discord says.
fn words(progress: &Progress) -> Option<String> {
    let words = match progress {
        Progress::Working => None,
        Progress::Delivered { note, .. } => note.as_deref(),
        Progress::Retrying { error, .. } | Progress::Dead { error, .. } => Some(error.as_str()),
    };
    words.map(|words| words.replace('\0', "\u{FFFD}"))
}

fn small(part: u16) -> i16 {
    i16::try_from(part).unwrap_or(i16::MAX)
}

fn column<'a, T, C>(rows: &'a [T], take: impl Fn(&'a T) -> C) -> Vec<C> {
    rows.iter().map(take).collect()
}

#[cfg(test)]
mod tests;
