//! The items of connectors that could not be taken, with the reason and their bytes, and what a person made of them: tried again or
//! dropped. They are written with the batch they came in.

use super::{
    Page, StoreError,
    audit::{changing, record},
    tables::quarantine,
};
use chrono::{
    DateTime, Utc,
    serde::{ts_milliseconds, ts_milliseconds_option},
};
use diesel::{dsl::now, pg::PgConnection, prelude::*};
use serde::{Serialize, Serializer};
use std::collections::HashMap;

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
    /// When it was last tried again.
    #[serde(rename = "tried_at_ms", with = "ts_milliseconds_option")]
    #[schema(value_type = Option<i64>)]
    pub tried_at: Option<DateTime<Utc>>,
    /// What came of that: `accepted`, `deduped`, `ignored`, `held` or `rejected`; or `dropped`.
    pub outcome: Option<String>,
    /// Since when nothing more is to be done about it.
    #[serde(rename = "done_at_ms", with = "ts_milliseconds_option")]
    #[schema(value_type = Option<i64>)]
    pub done_at: Option<DateTime<Utc>>,
}

fn beginning<S: Serializer>(body: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(
        &String::from_utf8_lossy(body)
            .chars()
            .take(BODY_SHOWN_CHARS_MAX)
            .collect::<String>(),
    )
}

/// Which items; `None`: all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QuarantineFilter {
    /// Of this connector.
    pub connector_id: Option<String>,
    /// Whether nothing more is to be done about them.
    pub is_done: Option<bool>,
}

/// Newest first; `after` is the `quarantine_id` of the last one seen.
pub fn list(
    conn: &mut PgConnection,
    filter: &QuarantineFilter,
    page: Page<i64>,
) -> Result<Vec<QuarantinedRow>, StoreError> {
    let mut rows = quarantine::table
        .filter(quarantine::quarantine_id.lt(page.after.unwrap_or(i64::MAX)))
        .order(quarantine::quarantine_id.desc())
        .limit(page.limit)
        .select(QuarantinedRow::as_select())
        .into_boxed();
    if let Some(connector_id) = &filter.connector_id {
        rows = rows.filter(quarantine::connector_id.eq(connector_id));
    }
    rows = match filter.is_done {
        Some(true) => rows.filter(quarantine::done_at.is_not_null()),
        Some(false) => rows.filter(quarantine::done_at.is_null()),
        None => rows,
    };
    Ok(rows.load(conn)?)
}

/// How many items wait for a person.
pub fn count_open(conn: &mut PgConnection) -> Result<i64, StoreError> {
    Ok(quarantine::table
        .filter(quarantine::done_at.is_null())
        .count()
        .get_result(conn)?)
}

/// The items with these ids, in their order; [`StoreError::NotFound`] when one is not there (any more).
pub fn find(conn: &mut PgConnection, ids: &[i64]) -> Result<Vec<QuarantinedRow>, StoreError> {
    let mut found: HashMap<i64, QuarantinedRow> = quarantine::table
        .filter(quarantine::quarantine_id.eq_any(ids))
        .select(QuarantinedRow::as_select())
        .load(conn)?
        .into_iter()
        .map(|row: QuarantinedRow| (row.quarantine_id, row))
        .collect();
    ids.iter()
        .map(|id| {
            found
                .remove(id)
                .ok_or(StoreError::NotFound("such quarantined item"))
        })
        .collect()
}

/// What a try came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    /// Which item.
    pub quarantine_id: i64,
    /// `accepted`, `deduped`, `ignored`, `held` or `rejected`.
    pub outcome: &'static str,
    /// Of what was rejected: what is wrong with the item now; `None` where it was not the item.
    pub reason: Option<String>,
}

impl Tried {
    /// Nothing more is to be done about it.
    pub fn is_done(&self) -> bool {
        self.outcome != "rejected"
    }
}

/// Writes down what a try came to. What is done already stays as it is.
pub fn tried(conn: &mut PgConnection, tried: &Tried) -> Result<(), StoreError> {
    let open = quarantine::table
        .find(tried.quarantine_id)
        .filter(quarantine::done_at.is_null());
    let came_to = (
        quarantine::tried_at.eq(now),
        quarantine::outcome.eq(tried.outcome),
    );
    if tried.is_done() {
        diesel::update(open)
            .set((came_to, quarantine::done_at.eq(now)))
            .execute(conn)?;
    } else if let Some(reason) = &tried.reason {
        diesel::update(open)
            .set((came_to, quarantine::reason.eq(reason)))
            .execute(conn)?;
    } else {
        diesel::update(open).set(came_to).execute(conn)?;
    }
    Ok(())
}

/// What a person decided about items.
#[derive(Debug, Serialize)]
struct Decision<'a> {
    quarantine_ids: &'a [i64],
    reason: Option<&'a str>,
}

/// Audits that these items were tried again.
pub fn record_replay(conn: &mut PgConnection, actor: &str, ids: &[i64]) -> Result<(), StoreError> {
    let decision = Decision {
        quarantine_ids: ids,
        reason: None,
    };
    record(
        conn,
        actor,
        "quarantine.replay",
        &subject(ids),
        None,
        Some(&decision),
    )
}

/// Marks these items as done without taking them: how many were not yet. [`StoreError::NotFound`] when one is not there,
/// [`StoreError::OtherState`] when one was taken meanwhile.
pub fn drop_items(
    conn: &mut PgConnection,
    actor: &str,
    ids: &[i64],
    reason: &str,
) -> Result<usize, StoreError> {
    changing(conn, |conn| {
        let taken = find(conn, ids)?
            .into_iter()
            .find(|row| row.done_at.is_some() && row.outcome.as_deref() != Some("dropped"));
        if let Some(row) = taken {
            let (id, outcome) = (row.quarantine_id, row.outcome.unwrap_or_default());
            let reason = format!("item {id} was tried again meanwhile: {outcome}");
            return Err(StoreError::OtherState(reason));
        }
        let open = quarantine::table
            .filter(quarantine::quarantine_id.eq_any(ids))
            .filter(quarantine::done_at.is_null());
        let dropped = diesel::update(open)
            .set((
                quarantine::outcome.eq("dropped"),
                quarantine::done_at.eq(now),
            ))
            .execute(conn)?;
        if dropped > 0 {
            let decision = Decision {
                quarantine_ids: ids,
                reason: Some(reason),
            };
            record(
                conn,
                actor,
                "quarantine.drop",
                &subject(ids),
                None,
                Some(&decision),
            )?;
        }
        Ok(dropped)
    })
}

/// The id, or the first and how many more.
fn subject(ids: &[i64]) -> String {
    match ids {
        [] => String::new(),
        [id] => id.to_string(),
        [first, more @ ..] => format!("{first} and {} more", more.len()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::test_database::TestDatabase;
    use diesel::connection::SimpleConnection;

    fn database() -> TestDatabase {
        let db = TestDatabase::new();
        db.connect()
            .batch_execute(
                "insert into quarantine (connector_id, kind, correlation_id, item_index, reason, body) \
                 select case when n % 2 = 0 then 'even' else 'odd' end, 'message-batch', 'k', n, 'bad', 'x' \
                 from generate_series(1, 4) n",
            )
            .unwrap();
        db
    }

    fn listed(conn: &mut PgConnection, connector: Option<&str>, is_done: Option<bool>) -> Vec<i64> {
        let filter = QuarantineFilter {
            connector_id: connector.map(str::to_owned),
            is_done,
        };
        let page = Page {
            after: None,
            limit: 10,
        };
        let rows = list(conn, &filter, page).unwrap();
        rows.iter().map(|row| row.quarantine_id).collect()
    }

    #[test]
    fn an_item_is_open_until_it_was_not_rejected_or_is_dropped() {
        let db = database();
        let conn = &mut db.connect();
        let came_to = |quarantine_id, outcome, reason: Option<&str>| Tried {
            quarantine_id,
            outcome,
            reason: reason.map(str::to_owned),
        };
        // what was tried; reason, outcome and whether it is done afterwards
        for (what, expected) in [
            (came_to(1, "rejected", None), ("bad", "rejected", false)),
            (
                came_to(1, "rejected", Some("worse")),
                ("worse", "rejected", false),
            ),
            (came_to(1, "accepted", None), ("worse", "accepted", true)),
            (
                came_to(1, "rejected", Some("late")),
                ("worse", "accepted", true),
            ),
            (came_to(2, "deduped", None), ("bad", "deduped", true)),
        ] {
            tried(conn, &what).unwrap();
            let row = find(conn, &[what.quarantine_id]).unwrap().remove(0);
            assert!(row.tried_at.is_some());
            let outcome = row.outcome.as_deref().unwrap();
            let got = (row.reason.as_str(), outcome, row.done_at.is_some());
            assert_eq!(got, expected, "{what:?}");
        }
        assert_eq!(listed(conn, None, None), [4, 3, 2, 1]);
        assert_eq!(listed(conn, None, Some(false)), [4, 3]);
        assert_eq!(listed(conn, Some("even"), Some(false)), [4]);
        assert_eq!(listed(conn, Some("odd"), Some(true)), [1]);
        assert_eq!(count_open(conn).unwrap(), 2);

        assert!(matches!(
            drop_items(conn, "test", &[3, 1], "old"),
            Err(StoreError::OtherState(_))
        ));
        assert!(matches!(
            drop_items(conn, "test", &[3, 9], "old"),
            Err(StoreError::NotFound(_))
        ));
        assert_eq!(listed(conn, None, Some(false)), [4, 3]);
        assert_eq!(drop_items(conn, "test", &[3], "old").unwrap(), 1);
        assert_eq!(drop_items(conn, "test", &[4, 3], "old").unwrap(), 1);
        assert_eq!(drop_items(conn, "test", &[4, 3], "old").unwrap(), 0);
        assert_eq!(count_open(conn).unwrap(), 0);
    }

    #[test]
    fn items_are_found_in_the_order_asked_for() {
        let db = database();
        let conn = &mut db.connect();
        let found = find(conn, &[3, 1]).unwrap();
        let ids: Vec<i64> = found.iter().map(|row| row.quarantine_id).collect();
        assert_eq!(ids, [3, 1]);
        assert!(find(conn, &[]).unwrap().is_empty());
    }
}
