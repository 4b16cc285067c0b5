//! Who changed what in the configuration, and the way every such change goes: alone, in one transaction with its audit row.
//! Changes that are made together share a group, and one that takes another back says so. What was written is read in
//! [`entries`].

mod entries;

pub(super) use entries::later;
pub use entries::{AuditEntry, AuditFilter, list, list_of};

use super::StoreError;
use crate::sql::Sql;
use diesel::{
    pg::PgConnection,
    prelude::*,
    sql_types::{Array, Jsonb, Nullable, Text},
};
use serde::Serialize;
use serde_json::Value;

/// Runs a change of the configuration in a transaction, after every other one that has begun: what it checks still holds when
/// it commits.
pub(super) fn changing<T>(
    conn: &mut PgConnection,
    change: impl FnOnce(&mut PgConnection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    conn.transaction(|conn| {
        Sql::new(
            "select pg_advisory_xact_lock(hashtext('heliograph configuration'), \
             hashtext(current_database() || '/' || current_schema()))",
        )
        .execute(conn)?;
        change(conn)
    })
}

/// Gives all changes that are recorded in `changes` one group, so that they can be found and taken back together. In a
/// transaction of the caller's; not inside another group.
pub(super) fn grouped<T>(
    conn: &mut PgConnection,
    changes: impl FnOnce(&mut PgConnection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    Sql::new(
        "select set_config('heliograph.audit_group', nextval(pg_get_serial_sequence('audit', 'audit_id'))::text, true)",
    )
    .execute(conn)?;
    let done = changes(conn)?;
    Sql::new("select set_config('heliograph.audit_group', '', true)").execute(conn)?;
    Ok(done)
}

/// The one change that is recorded in `change` takes back the one with this id. In a transaction of the caller's.
pub(super) fn undoing<T>(
    conn: &mut PgConnection,
    audit_id: i64,
    change: impl FnOnce(&mut PgConnection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    Sql::new("select set_config('heliograph.audit_undoes', $1, true)")
        .bind::<Text, _>(audit_id.to_string())
        .execute(conn)?;
    let done = change(conn)?;
    Sql::new("select set_config('heliograph.audit_undoes', '', true)").execute(conn)?;
    Ok(done)
}

/// Writes down a change, in its transaction and in the group that is open there. The rows are what the administration shows of
/// them, so they hold no token.
pub(super) fn record<Row: Serialize>(
    conn: &mut PgConnection,
    actor: &str,
    action: &str,
    subject: &str,
    before: Option<&Row>,
    after: Option<&Row>,
) -> Result<(), StoreError> {
    // What is open is known to the transaction alone: a function that changes one row need not know of what it is a part.
    Sql::new(
        "insert into audit (actor, action, subject, before, after, group_id, undoes) values ($1, $2, $3, $4, $5, \
         nullif(current_setting('heliograph.audit_group', true), '')::bigint, \
         nullif(current_setting('heliograph.audit_undoes', true), '')::bigint)",
    )
    .bind::<Text, _>(actor)
    .bind::<Text, _>(action)
    .bind::<Text, _>(subject)
    .bind::<Nullable<Jsonb>, _>(json(before)?)
    .bind::<Nullable<Jsonb>, _>(json(after)?)
    .execute(conn)?;
    Ok(())
}

/// A change of one of many rows.
pub(super) struct Recorded<'a, Row> {
    /// What was changed: the id.
    pub(super) subject: String,
    /// The row before; `None` where there was none.
    pub(super) before: Option<&'a Row>,
    /// The row afterwards; `None` where there is none.
    pub(super) after: Option<&'a Row>,
}

/// Writes down changes of the same kind at once, each as [`record`] does.
pub(super) fn record_all<'a, Row: Serialize + 'a>(
    conn: &mut PgConnection,
    actor: &str,
    action: &str,
    changes: impl Iterator<Item = Recorded<'a, Row>>,
) -> Result<(), StoreError> {
    let (mut subjects, mut befores, mut afters) = (Vec::new(), Vec::new(), Vec::new());
    for change in changes {
        subjects.push(change.subject);
        befores.push(json(change.before)?);
        afters.push(json(change.after)?);
    }
    Sql::new(
        "insert into audit (actor, action, subject, before, after, group_id, undoes) \
         select $1, $2, subject, before, after, nullif(current_setting('heliograph.audit_group', true), '')::bigint, \
         nullif(current_setting('heliograph.audit_undoes', true), '')::bigint \
         from unnest($3, $4, $5) with ordinality as changes (subject, before, after, place) order by place",
    )
    .bind::<Text, _>(actor)
    .bind::<Text, _>(action)
    .bind::<Array<Text>, _>(subjects)
    .bind::<Array<Nullable<Jsonb>>, _>(befores)
    .bind::<Array<Nullable<Jsonb>>, _>(afters)
    .execute(conn)?;
    Ok(())
}

/// The row as the audit keeps it.
fn json<Row: Serialize>(row: Option<&Row>) -> Result<Option<Value>, StoreError> {
    row.map(serde_json::to_value)
        .transpose()
        .map_err(|error| StoreError::Corrupt(format!("a row is no JSON: {error}")))
}
