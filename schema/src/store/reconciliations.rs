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
    sql_types::{Array, BigInt, Bool, Bytea, Jsonb, Nullable, SmallInt, Text},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, HashSet};

/// Findings that a report names one by one; beyond it they are counted.
pub const NAMED_MAX: usize = 200;
/// Why a comparison ended that a person cancelled.
const CANCELLED: &str = "cancelled";

/// One comparison.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Serialize, utoipa::ToSchema)]
#[diesel(table_name = reconciliations)]
pub struct ReconciliationRow {
    /// Counts up.
    pub reconciliation_id: i64,
    /// The channel.
    pub target_channel_id: ChannelId,
    /// When it was asked for.
    #[serde(rename = "asked_at_ms", with = "ts_milliseconds")]
    #[schema(value_type = i64)]
    pub asked_at: DateTime<Utc>,
    /// By whom.
    pub asked_by: String,
    /// When it came to its end; `None` while it is under way.
    #[serde(rename = "finished_at_ms", with = "ts_milliseconds_option")]
    #[schema(value_type = Option<i64>)]
    pub finished_at: Option<DateTime<Utc>>,
    /// See [`Report`].
    pub report: Option<Value>,
}

/// What a comparison has shown so far.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
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
    /// It was found missing before, and left so.
    pub is_gone: bool,
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

/// Ends the comparison of this channel that is under way, with an audit row: nothing is changed from there on.
///
/// # Errors
/// [`StoreError::NotFound`] when none is.
pub fn cancel(
    conn: &mut PgConnection,
    actor: &str,
    target: ChannelId,
) -> Result<ReconciliationRow, StoreError> {
    changing(conn, |conn| {
        let before: ReconciliationRow = reconciliations::table
            .filter(reconciliations::target_channel_id.eq(target.get()))
            .filter(reconciliations::finished_at.is_null())
            .order(reconciliations::reconciliation_id.desc())
            .select(ReconciliationRow::as_select())
            .for_update()
            .first(conn)
            .optional()?
            .ok_or(StoreError::NotFound("reconciliation of it under way"))?;
        let mut told = report(conn, before.reconciliation_id)?;
        told.broken_off = Some(CANCELLED.to_owned());
        let told = serde_json::to_value(told)
            .map_err(|error| StoreError::Corrupt(format!("reconciliations.report: {error}")))?;
        let after: ReconciliationRow =
            diesel::update(reconciliations::table.find(before.reconciliation_id))
                .set((
                    reconciliations::finished_at.eq(diesel::dsl::now),
                    reconciliations::report.eq(Some(told)),
                ))
                .returning(ReconciliationRow::as_returning())
                .get_result(conn)?;
        let subject = target.to_string();
        let action = "target.reconcile.cancel";
        record(conn, actor, action, &subject, Some(&before), Some(&after))?;
        Ok(after)
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

/// The messages on record in this range of ids, `after` exclusive, `until` inclusive, of deliveries with nothing left to do, lowest
/// ids first; and whether these are all.
///
/// # Errors
/// When the database does not answer.
pub fn recorded_parts(
    conn: &mut PgConnection,
    target: ChannelId,
    thread_id: Option<ThreadId>,
    (after, until): (i64, i64),
    limit: i64,
) -> Result<(Vec<RecordedPart>, bool), StoreError> {
    type Row = (
        SignalId,
        i16,
        MessageId,
        Option<i64>,
        Option<RoleId>,
        String,
        Option<String>,
        bool,
    );
    let rows: Vec<Row> = Sql::new(
        "select p.signal_id, p.part, p.message_id, d.rule_set_id, d.ping_role_id, s.state, \
         (select t.name from threads t where t.thread_id = (s.state::json ->> 'thread_id')::bigint), \
         length(p.digest) = 0 \
         from mirrored_parts p join deliveries d using (signal_id, target_channel_id) \
         join signals s on s.signal_id = p.signal_id \
         where p.target_channel_id = $1 and p.message_id > $2 and p.message_id <= $3 \
         and p.mirrored_thread_id is not distinct from $4 and d.state = 'd' \
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
        Bool,
    )>()
    .load(conn)?;
    let typed = |row: Row| {
        let (signal_id, part, message_id, rule_set_id, ping_role_id, state, thread_name, is_gone) =
            row;
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
            is_gone,
        })
    };
    let is_all = i64::try_from(rows.len()).is_ok_and(|count| count < limit);
    Ok((rows.into_iter().filter_map(typed).collect(), is_all))
}

/// Writes down what a page showed, and makes work of it. What has got work to do meanwhile is left alone, and so is everything when
/// the comparison was cancelled meanwhile. Nobody is pinged by what is posted again. To be run in a transaction.
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
    let report = serde_json::to_value(report)
        .map_err(|error| StoreError::Corrupt(format!("reconciliations.report: {error}")))?;
    let written = Sql::new(
        "update reconciliations set report = $1, finished_at = case when $2 then now() end \
         where reconciliation_id = $3 and finished_at is null",
    )
    .bind::<Jsonb, _>(report)
    .bind::<Bool, _>(is_finished)
    .bind::<BigInt, _>(reconciliation_id)
    .execute(conn)?;
    if written == 0 {
        return Ok(());
    }
    let at_rest = at_rest(conn, target, repairs)?;
    let mut todo: BTreeMap<SignalId, bool> = BTreeMap::new();
    for (signal_id, part, repair) in repairs {
        if !at_rest.contains(signal_id) {
            continue;
        }
        mark(conn, target, (*signal_id, *part), *repair)?;
        if *repair != Repair::Keep {
            *todo.entry(*signal_id).or_default() |= *repair == Repair::Repost;
        }
    }
    raise(conn, target, &todo)
}

/// Those of the signals whose deliveries have nothing left to do; held until the transaction ends.
fn at_rest(
    conn: &mut PgConnection,
    target: ChannelId,
    repairs: &[(SignalId, u16, Repair)],
) -> Result<HashSet<SignalId>, StoreError> {
    let signals: Vec<SignalId> = repairs.iter().map(|(signal_id, ..)| *signal_id).collect();
    let rows: Vec<SignalId> = Sql::new(
        "select signal_id from deliveries where target_channel_id = $1 and signal_id = any($2) and state = 'd' \
         order by signal_id for update",
    )
    .bind::<BigInt, _>(target)
    .bind::<Array<BigInt>, _>(signals)
    .rows::<BigInt>()
    .load(conn)?;
    Ok(rows.into_iter().collect())
}

/// Makes of the record of a part what its repair needs.
fn mark(
    conn: &mut PgConnection,
    target: ChannelId,
    (signal_id, part): (SignalId, u16),
    repair: Repair,
) -> Result<(), StoreError> {
    let digest: &[u8] = match repair {
        Repair::Keep => b"",
        Repair::Edit => b"?",
        Repair::Repost => {
            Sql::new(
                "delete from mirrored_parts where signal_id = $1 and target_channel_id = $2 and part = $3",
            )
            .bind::<BigInt, _>(signal_id)
            .bind::<BigInt, _>(target)
            .bind::<SmallInt, _>(i16::try_from(part).unwrap_or(i16::MAX))
            .execute(conn)?;
            return Ok(());
        }
    };
    Sql::new(
        "update mirrored_parts set digest = $1 where signal_id = $2 and target_channel_id = $3 and part = $4",
    )
    .bind::<Bytea, _>(digest)
    .bind::<BigInt, _>(signal_id)
    .bind::<BigInt, _>(target)
    .bind::<SmallInt, _>(i16::try_from(part).unwrap_or(i16::MAX))
    .execute(conn)?;
    Ok(())
}

/// Makes work of these deliveries; of each, whether something of it is posted again.
fn raise(
    conn: &mut PgConnection,
    target: ChannelId,
    todo: &BTreeMap<SignalId, bool>,
) -> Result<(), StoreError> {
    if todo.is_empty() {
        return Ok(());
    }
    Sql::new(
        "update deliveries d set state = 'p', wanted_at = now(), attempts = 0, next_attempt_at = null, \
         repairs = d.repairs + r.reposts::integer, ping_role_id = case when r.reposts then null else d.ping_role_id end \
         from unnest($1, $2) as r (signal_id, reposts) where d.signal_id = r.signal_id and d.target_channel_id = $3",
    )
    .bind::<Array<BigInt>, _>(todo.keys().copied().collect::<Vec<_>>())
    .bind::<Array<Bool>, _>(todo.values().copied().collect::<Vec<_>>())
    .bind::<BigInt, _>(target)
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{ids::GuildId, test_database::TestDatabase};
    use diesel::connection::SimpleConnection;

    fn target() -> ChannelId {
        ChannelId::new(9).unwrap()
    }

    fn signal(n: i64) -> SignalId {
        SignalId::new(n).unwrap()
    }

    /// Signals 1 to 3, two parts of each on record, pinging; 3 has work to do. The first part of 1 is known to be gone.
    fn compared() -> (TestDatabase, PgConnection, i64) {
        let db = TestDatabase::new();
        let mut conn = db.connect();
        for n in 1..=3 {
            let (channel, guild) = (ChannelId::new(5).unwrap(), GuildId::new(6).unwrap());
            let state =
                serde_json::to_string(&SignalState::unknown(signal(n), channel, guild)).unwrap();
            let at = if n == 3 { 'p' } else { 'd' };
            conn.batch_execute(&format!(
                "insert into signals (signal_id, channel_id, is_visible, revision, state) values ({n}, 5, true, 1, '{state}'); \
                 insert into deliveries (signal_id, target_channel_id, source_channel_id, mapping_id, desired_revision, state, \
                    ping_role_id) values ({n}, 9, 5, 1, 1, '{at}', 44); \
                 insert into mirrored_parts (signal_id, target_channel_id, part, message_id, digest) \
                    values ({n}, 9, 0, {n}0, case {n} when 1 then '' else 'x' end::bytea), ({n}, 9, 1, {n}1, 'x')"
            ))
            .unwrap();
        }
        let asked = ask(&mut conn, "admin", target()).unwrap();
        (db, conn, asked.reconciliation_id)
    }

    /// Of each delivery its state, repairs, whether it pings, and the digests of its parts.
    fn stands(conn: &mut PgConnection) -> Vec<String> {
        Sql::new(
            "select concat_ws(' ', state, repairs, ping_role_id, (select string_agg(part || '=' || encode(digest, 'escape'), ' ' \
             order by part) from mirrored_parts p where p.signal_id = d.signal_id)) from deliveries d order by signal_id",
        )
        .rows::<Text>()
        .load(conn)
        .unwrap()
    }

    #[test]
    fn all_parts_of_a_page_are_put_right_and_what_has_work_to_do_is_left_alone() {
        let (_db, mut conn, id) = compared();
        let repairs = [
            (signal(1), 0, Repair::Repost),
            (signal(1), 1, Repair::Repost),
            (signal(2), 0, Repair::Edit),
            (signal(2), 1, Repair::Keep),
            (signal(3), 0, Repair::Repost),
        ];
        apply(&mut conn, target(), id, &repairs, &Report::default(), false).unwrap();
        let expected = ["p 1", "p 0 44 0=? 1=", "p 0 44 0=x 1=x"];
        assert_eq!(stands(&mut conn), expected);
        // What it raised itself is not touched by a later page either.
        let late = [(signal(2), 0, Repair::Keep)];
        apply(&mut conn, target(), id, &late, &Report::default(), true).unwrap();
        assert_eq!(stands(&mut conn), expected);
        assert_eq!(unfinished(&mut conn, target()).unwrap(), None);
        // A straggler does not begin it again.
        apply(&mut conn, target(), id, &[], &Report::default(), false).unwrap();
        assert_eq!(unfinished(&mut conn, target()).unwrap(), None);
    }

    #[test]
    fn records_tell_which_messages_are_known_to_be_gone() {
        let (_db, mut conn, _) = compared();
        let (parts, _) = recorded_parts(&mut conn, target(), None, (0, 99), 9).unwrap();
        let told: Vec<_> = parts
            .iter()
            .map(|part| (part.message_id.get(), part.is_gone))
            .collect();
        assert_eq!(told, [(10, true), (11, false), (20, false), (21, false)]);
    }

    #[test]
    fn a_cancelled_comparison_changes_nothing_more() {
        let (_db, mut conn, id) = compared();
        let before = stands(&mut conn);
        let ended = cancel(&mut conn, "admin", target()).unwrap();
        assert!(ended.finished_at.is_some());
        let repairs = [(signal(1), 0, Repair::Repost)];
        apply(&mut conn, target(), id, &repairs, &Report::default(), false).unwrap();
        assert_eq!(stands(&mut conn), before);
        let told = report(&mut conn, id).unwrap();
        assert_eq!(told.broken_off.as_deref(), Some(CANCELLED));
        assert!(matches!(
            cancel(&mut conn, "admin", target()),
            Err(StoreError::NotFound(_))
        ));
        let actions: Vec<String> = Sql::new("select action from audit order by audit_id")
            .rows::<Text>()
            .load(&mut conn)
            .unwrap();
        assert_eq!(actions, ["target.reconcile", "target.reconcile.cancel"]);
    }
}
