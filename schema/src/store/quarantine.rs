//! Reads the items of connectors that could not be taken, with the reason and their bytes. They are written with the batch they
//! came in.

use super::{Page, StoreError, tables::quarantine};
use chrono::{DateTime, Utc, serde::ts_milliseconds};
use diesel::{pg::PgConnection, prelude::*};
use serde::{Serialize, Serializer};

/// How much of an item a list shows.
const BODY_SHOWN_CHARS_MAX: usize = 4_000;

/// An item as the administration sees it.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Serialize, utoipa::ToSchema)]
#[diesel(table_name = quarantine)]
pub struct QuarantinedRow {
    /// Counts up.
    pub quarantine_id: i64,
    /// When it came.
    #[serde(rename = "received_at_ms", with = "ts_milliseconds")]
    #[schema(value_type = i64)]
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
    #[schema(value_type = String)]
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
