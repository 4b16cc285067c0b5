//! Who changed what in the configuration, and the way every such change goes: alone, in one transaction with its audit row.

use super::{Page, StoreError, tables::audit};
use crate::sql::Sql;
use chrono::{DateTime, Utc, serde::ts_milliseconds};
use diesel::{pg::PgConnection, prelude::*};
use serde::Serialize;
use serde_json::Value;

/// One change that was made.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Serialize)]
#[diesel(table_name = audit)]
pub struct AuditEntry {
    /// Counts up.
    pub audit_id: i64,
    /// When.
    #[serde(rename = "at_ms", with = "ts_milliseconds")]
    pub at: DateTime<Utc>,
    /// Who.
    pub actor: String,
    /// What was done: `mapping.create`.
    pub action: String,
    /// To what: the id.
    pub subject: String,
    /// The row before; `None` where there was none.
    pub before: Option<Value>,
    /// The row afterwards; `None` where there is none.
    pub after: Option<Value>,
}

/// The changes, newest first; `after` is the `audit_id` of the last one seen.
pub fn list(conn: &mut PgConnection, page: Page<i64>) -> Result<Vec<AuditEntry>, StoreError> {
    let entries = audit::table
        .filter(audit::audit_id.lt(page.after.unwrap_or(i64::MAX)))
        .order(audit::audit_id.desc())
        .limit(page.limit)
        .select(AuditEntry::as_select())
        .load(conn)?;
    Ok(entries)
}

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

/// Writes down a change, in its transaction. The rows are what the administration shows of them, so they hold no token.
pub(super) fn record<Row: Serialize>(
    conn: &mut PgConnection,
    actor: &str,
    action: &str,
    subject: &str,
    before: Option<&Row>,
    after: Option<&Row>,
) -> Result<(), StoreError> {
    let json = |row: Option<&Row>| {
        row.map(serde_json::to_value)
            .transpose()
            .map_err(|error| StoreError::Corrupt(format!("a row is no JSON: {error}")))
    };
    diesel::insert_into(audit::table)
        .values((
            audit::actor.eq(actor),
            audit::action.eq(action),
            audit::subject.eq(subject),
            audit::before.eq(json(before)?),
            audit::after.eq(json(after)?),
        ))
        .execute(conn)?;
    Ok(())
}
