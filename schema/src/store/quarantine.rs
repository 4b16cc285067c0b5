//! Items of connectors that could not be taken, with the reason and their bytes, until somebody looks.

use super::{Page, StoreError, tables::quarantine};
use crate::sql::Sql;
use chrono::{DateTime, Utc, serde::ts_milliseconds};
use diesel::{
    pg::PgConnection,
    prelude::*,
    sql_types::{Array, Bytea, Integer, Text},
};
use serde::{Serialize, Serializer};

/// How much of an item a list shows.
const BODY_SHOWN_CHARS_MAX: usize = 4_000;

/// How much of a reason is kept.
const REASON_BYTES_MAX: usize = 1_000;

/// An item as the administration sees it.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Serialize)]
#[diesel(table_name = quarantine)]
pub struct QuarantinedRow {
    /// Counts up.
    pub quarantine_id: i64,
    /// When it came.
    #[serde(rename = "received_at_ms", with = "ts_milliseconds")]
    pub received_at: DateTime<Utc>,
    /// Who sent it.
    pub connector_id: String,
    /// What it was sent as: `message`, `thread`, …
    pub kind: String,
    /// Of its request.
    pub correlation_id: String,
    /// Its place in the batch.
    pub item_index: i32,
    /// Why it was not taken.
    pub reason: String,
    /// Exactly as it came; in JSON as text, its beginning only.
    #[serde(serialize_with = "beginning")]
    pub body: Vec<u8>,
}

fn beginning<S: Serializer>(body: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(
        &String::from_utf8_lossy(body)
            .chars()
            .take(BODY_SHOWN_CHARS_MAX)
            .collect::<String>(),
    )
}

/// An item to keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewQuarantined {
    /// Who sent it.
    pub connector_id: String,
    /// What it was sent as.
    pub kind: &'static str,
    /// Of its request.
    pub correlation_id: String,
    /// Its place in the batch.
    pub item_index: i32,
    /// Why it was not taken.
    pub reason: String,
    /// Exactly as it came.
    pub body: Vec<u8>,
}

/// Newest first; `after` is the `quarantine_id` of the last one seen.
pub fn list(conn: &mut PgConnection, page: Page<i64>) -> Result<Vec<QuarantinedRow>, StoreError> {
    let rows = quarantine::table
        .filter(quarantine::quarantine_id.lt(page.after.unwrap_or(i64::MAX)))
        .order(quarantine::quarantine_id.desc())
        .limit(page.limit)
        .select(QuarantinedRow::as_select())
        .load(conn)?;
    Ok(rows)
}

/// Keeps these items, in the transaction of whoever calls.
pub fn insert(conn: &mut PgConnection, items: &[NewQuarantined]) -> Result<(), StoreError> {
    if items.is_empty() {
        return Ok(());
    }
    Sql::new(
        "insert into quarantine (connector_id, kind, correlation_id, item_index, reason, body) \
         select * from unnest($1, $2, $3, $4, $5, $6)",
    )
    .bind::<Array<Text>, _>(
        items
            .iter()
            .map(|item| item.connector_id.as_str())
            .collect::<Vec<_>>(),
    )
    .bind::<Array<Text>, _>(items.iter().map(|item| item.kind).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(
        items
            .iter()
            .map(|item| item.correlation_id.as_str())
            .collect::<Vec<_>>(),
    )
    .bind::<Array<Integer>, _>(items.iter().map(|item| item.item_index).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(
        items
            .iter()
            .map(|item| storable(&item.reason))
            .collect::<Vec<_>>(),
    )
    .bind::<Array<Bytea>, _>(
        items
            .iter()
            .map(|item| item.body.as_slice())
            .collect::<Vec<_>>(),
    )
    .execute(conn)?;
    Ok(())
}

/// A reason may quote what it refuses: bounded, and without the one character that PostgreSQL's text cannot hold.
fn storable(reason: &str) -> String {
    reason[..reason.floor_char_boundary(REASON_BYTES_MAX)].replace('\0', "\u{fffd}")
}
