//! Comparisons of what stands in Discord with what is on record: asked for by a person, carried out by the mirror page by page,
//! and what each page showed. What is put right is ordinary work of the mirror afterwards.

use super::{
    Page, StoreError,
    audit::{changing, record},
    tables::reconciliations,
};
use crate::{
    delivery::Reconciliation,
    ids::{ChannelId, MessageId, RoleId, SignalId, ThreadId},
    signal::SignalState,
    sql::Sql,
};
use chrono::{
    DateTime, Utc,
    serde::{ts_milliseconds, ts_milliseconds_option},
};
use diesel::{
    pg::PgConnection,
    prelude::*,
    sql_types::{Array, BigInt, Bool, Integer, Jsonb, Nullable, SmallInt, Text},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Findings that a report names one by one; beyond it they are counted.
pub const NAMED_MAX: usize = 200;

/// One comparison.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Serialize)]
#[diesel(table_name = reconciliations)]
pub struct ReconciliationRow {
    /// Counts up.
    pub reconciliation_id: i64,
    /// The channel.
    pub target_channel_id: ChannelId,
    /// When it was asked for.
    #[serde(rename = "asked_at_ms", with = "ts_milliseconds")]
    pub asked_at: DateTime<Utc>,
    /// By whom.
    pub asked_by: String,
    /// When it came to its end; `None` while it is under way.
    #[serde(rename = "finished_at_ms", with = "ts_milliseconds_option")]
    pub finished_at: Option<DateTime<Utc>>,
    /// See [`Report`].
    pub report: Option<Value>,
}

/// What a comparison has shown so far.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Report {
    /// Messages on record that were looked for.
    pub looked_for: u64,
    /// Not there, and left so by the mapping's policy.
    pub missing_kept: u64,
    /// Not there, and posted again.
    pub missing_reposted: u64,
    /// There, but showing something else: edited again.
    pub changed: u64,
    /// There, by our hand, and on no record. They are left alone.
    pub unrecorded: u64,
    /// Why it was broken off, when it was: nothing was changed from there on.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub broken_off: Option<String>,
    /// The first of the findings.
    pub findings: Vec<NamedFinding>,
}

/// One finding, for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedFinding {
    /// `missing_kept`, `missing_reposted`, `changed` or `unrecorded`.
    pub kind: String,
    /// Of what.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub signal_id: Option<SignalId>,
    /// The message in Discord.
    pub message_id: MessageId,
}

/// What is on record for one message, with all that says how it should look.
#[derive(Debug, Clone)]
pub struct RecordedPart {
    /// The signal.
    pub signal_id: SignalId,
    /// From 0.
    pub part: u16,
    /// The message.
    pub message_id: MessageId,
    /// What the signal is now.
    pub signal: SignalState,
    /// Its rules.
    pub rule_set_id: Option<i64>,
    /// Whom it pings.
    pub ping_role_id: Option<RoleId>,
    /// The name of its thread.
    pub thread_name: Option<String>,
}

/// What is to be done about one message on record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repair {
    /// Never touch it again: somebody deleted it.
    Keep,
    /// Post it again.
    Repost,
    /// Edit it again.
    Edit,
}

/// Asks for a comparison of this channel, with an audit row.
///
/// # Errors
/// [`StoreError::Refused`] while one is under way.
pub fn ask(
    conn: &mut PgConnection,
    actor: &str,
    target: ChannelId,
) -> Result<ReconciliationRow, StoreError> {
    changing(conn, |conn| {
        if unfinished(conn, target)?.is_some() {
            return Err(StoreError::Refused(format!(
                "a reconciliation of channel {target} is under way"
            )));
        }
        let asked: ReconciliationRow = diesel::insert_into(reconciliations::table)
            .values((
                reconciliations::target_channel_id.eq(target.get()),
                reconciliations::asked_by.eq(actor),
            ))
            .returning(ReconciliationRow::as_returning())
            .get_result(conn)?;
        let subject = target.to_string();
        record(
            conn,
            actor,
            "target.reconcile",
            &subject,
            None,
            Some(&asked),
        )?;
        Ok(asked)
    })
}

/// The comparisons of a channel, newest first; `after` is the id of the last one seen.
///
/// # Errors
/// When the database does not answer.
pub fn list(
    conn: &mut PgConnection,
    target: ChannelId,
    page: Page<i64>,
) -> Result<Vec<ReconciliationRow>, StoreError> {
    Ok(reconciliations::table
        .filter(reconciliations::target_channel_id.eq(target.get()))
        .filter(reconciliations::reconciliation_id.lt(page.after.unwrap_or(i64::MAX)))
        .order(reconciliations::reconciliation_id.desc())
        .limit(page.limit)
        .select(ReconciliationRow::as_select())
        .load(conn)?)
}

/// The comparison of this channel that is under way, if there is one.
///
/// # Errors
/// When the database does not answer.
pub fn unfinished(
    conn: &mut PgConnection,
    target: ChannelId,
) -> Result<Option<Reconciliation>, StoreError> {
    let found: Option<i64> = reconciliations::table
        .filter(reconciliations::target_channel_id.eq(target.get()))
        .filter(reconciliations::finished_at.is_null())
        .order(reconciliations::reconciliation_id.desc())
        .select(reconciliations::reconciliation_id)
        .first(conn)
        .optional()?;
    let Some(reconciliation_id) = found else {
        return Ok(None);
    };
    let threads = Sql::new(
        "select mirrored_thread_id from mirrored_threads where target_channel_id = $1 order by 1",
    )
    .bind::<BigInt, _>(target)
    .rows::<BigInt>()
    .load(conn)?;
    Ok(Some(Reconciliation {
        reconciliation_id,
        threads,
    }))
}

/// The messages on record in this range of ids, `after` exclusive, `until` inclusive, of deliveries with nothing left to do. Lowest
/// ids first.
///
/// # Errors
/// When the database does not answer.
pub fn recorded_parts(
    conn: &mut PgConnection,
    target: ChannelId,
    thread_id: Option<ThreadId>,
    (after, until): (i64, i64),
    limit: i64,
) -> Result<Vec<RecordedPart>, StoreError> {
    type Row = (
        SignalId,
        i16,
        MessageId,
        Option<i64>,
        Option<RoleId>,
        String,
        Option<String>,
    );
    let rows: Vec<Row> = Sql::new(
        "select p.signal_id, p.part, p.message_id, d.rule_set_id, d.ping_role_id, s.state, \
         (select t.name from threads t where t.thread_id = (s.state::json ->> 'thread_id')::bigint) \
         from mirrored_parts p join deliveries d using (signal_id, target_channel_id) \
         join signals s on s.signal_id = p.signal_id \
         where p.target_channel_id = $1 and p.message_id > $2 and p.message_id <= $3 \
         and p.mirrored_thread_id is not distinct from $4 and length(p.digest) > 0 and d.state = 'd' \
         order by p.message_id limit $5",
    )
    .bind::<BigInt, _>(target)
    .bind::<BigInt, _>(after)
    .bind::<BigInt, _>(until)
    .bind::<Nullable<BigInt>, _>(thread_id)
    .bind::<BigInt, _>(limit)
    .rows::<(
        BigInt,
        SmallInt,
        BigInt,
        Nullable<BigInt>,
        Nullable<BigInt>,
        Text,
        Nullable<Text>,
    )>()
    .load(conn)?;
    let typed = |row: Row| {
        let (signal_id, part, message_id, rule_set_id, ping_role_id, state, thread_name) = row;
        // One that does not read is left alone; its mirror says so in the log when there is work to do.
        let signal = serde_json::from_str(&state).ok()?;
        Some(RecordedPart {
            signal_id,
            part: part.unsigned_abs(),
            message_id,
            signal,
            rule_set_id,
            ping_role_id,
            thread_name,
        })
    };
    Ok(rows.into_iter().filter_map(typed).collect())
}

/// Writes down what a page showed, and makes work of it. What has got work to do meanwhile is left alone. To be run in a
/// transaction.
///
/// # Errors
/// When the database does not answer.
pub fn apply(
    conn: &mut PgConnection,
    target: ChannelId,
    reconciliation_id: i64,
    repairs: &[(SignalId, u16, Repair)],
    report: &Report,
    is_finished: bool,
) -> Result<(), StoreError> {
    for (signal_id, part, repair) in repairs {
        let (digest, state): (Option<&[u8]>, &str) = match repair {
            Repair::Keep => (Some(b""), "d"),
            Repair::Repost => (None, "p"),
            Repair::Edit => (Some(b"?"), "p"),
        };
        let raised: Vec<i64> = Sql::new(
            "update deliveries set state = $3::\"char\", wanted_at = now(), attempts = 0, next_attempt_at = null, \
             repairs = repairs + $4 where signal_id = $1 and target_channel_id = $2 and state in ('d', $3::\"char\") \
             returning signal_id",
        )
        .bind::<BigInt, _>(*signal_id)
        .bind::<BigInt, _>(target)
        .bind::<Text, _>(state)
        .bind::<Integer, _>(i32::from(*repair == Repair::Repost))
        .rows::<BigInt>()
        .load(conn)?;
        if raised.is_empty() {
            continue;
        }
        let part = i16::try_from(*part).unwrap_or(i16::MAX);
        match digest {
            Some(digest) => Sql::new(
                "update mirrored_parts set digest = $4 where signal_id = $1 and target_channel_id = $2 and part = $3",
            )
            .bind::<BigInt, _>(*signal_id)
            .bind::<BigInt, _>(target)
            .bind::<SmallInt, _>(part)
            .bind::<diesel::sql_types::Bytea, _>(digest)
            .execute(conn)?,
            None => Sql::new(
                "delete from mirrored_parts where signal_id = $1 and target_channel_id = $2 and part = $3",
            )
            .bind::<BigInt, _>(*signal_id)
            .bind::<BigInt, _>(target)
            .bind::<SmallInt, _>(part)
            .execute(conn)?,
        };
    }
    let report = serde_json::to_value(report)
        .map_err(|error| StoreError::Corrupt(format!("reconciliations.report: {error}")))?;
    Sql::new(
        "update reconciliations set report = $2, finished_at = case when $3 then now() end where reconciliation_id = $1",
    )
    .bind::<BigInt, _>(reconciliation_id)
    .bind::<Jsonb, _>(report)
    .bind::<Bool, _>(is_finished)
    .execute(conn)?;
    Ok(())
}

/// What a comparison has shown so far.
///
/// # Errors
/// When the database does not answer.
pub fn report(conn: &mut PgConnection, reconciliation_id: i64) -> Result<Report, StoreError> {
    let report: Option<Value> = reconciliations::table
        .find(reconciliation_id)
        .select(reconciliations::report)
        .first(conn)?;
    Ok(report
        .and_then(|report| serde_json::from_value(report).ok())
        .unwrap_or_default())
}

/// Those of these messages that are on record in the target channel.
///
/// # Errors
/// When the database does not answer.
pub fn on_record(
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
