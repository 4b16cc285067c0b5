//! What grows without bound and is let go: connectors' bodies by the partition, revisions and quarantined items by the slice.
//! Signals themselves stay.

use super::StoreError;
use crate::sql::Sql;
use chrono::{Days, NaiveDate};
use diesel::{
    connection::SimpleConnection,
    pg::PgConnection,
    prelude::*,
    sql_types::{BigInt, Integer, Text},
};

/// Rows deleted in one statement, so that none holds its locks for long.
const SLICE_ROWS: i64 = 5_000;
/// Days for which partitions are made ahead.
const DAYS_AHEAD: u64 = 2;

/// The name of the partition of one day.
fn partition(day: NaiveDate) -> String {
    format!("raw_batches_{}", day.format("%Y%m%d"))
}

/// Makes the partitions of `today` and the days ahead that are missing. Returns how many were made.
///
/// # Errors
/// When PostgreSQL refuses.
pub fn make_partitions(conn: &mut PgConnection, today: NaiveDate) -> Result<usize, StoreError> {
    let existing = partitions(conn)?;
    let days = (0..=DAYS_AHEAD).filter_map(|ahead| today.checked_add_days(Days::new(ahead)));
    let mut made = 0;
    for day in days.filter(|&day| !existing.contains(&partition(day))) {
        let Some(next) = day.succ_opt() else { continue };
        attach_partition(conn, day, next)?;
        made += 1;
    }
    Ok(made)
}

/// Makes one partition. Rows of that day may stand in the default one already, after a long sleep of the machine say: they move.
fn attach_partition(
    conn: &mut PgConnection,
    day: NaiveDate,
    next: NaiveDate,
) -> Result<(), StoreError> {
    let name = partition(day);
    // Names and bounds are made of dates only.
    conn.transaction(|conn| {
        conn.batch_execute(&format!(
            "create table {name} (like raw_batches including all); \
             with moved as (delete from raw_batches_default where received_at >= '{day}' and received_at < '{next}' returning *) \
             insert into {name} select * from moved; \
             alter table raw_batches attach partition {name} for values from ('{day}') to ('{next}')"
        ))?;
        Ok(())
    })
}

/// Drops the partitions of all days before `first_kept`, and what of those days stands in the default one. Returns how many.
///
/// # Errors
/// When PostgreSQL refuses.
pub fn drop_partitions(
    conn: &mut PgConnection,
    first_kept: NaiveDate,
) -> Result<usize, StoreError> {
    let oldest_kept = partition(first_kept);
    let mut dropped = 0;
    // The names sort as the days do.
    for name in partitions(conn)?
        .into_iter()
        .filter(|name| *name < oldest_kept)
    {
        conn.batch_execute(&format!("drop table if exists {name}"))?;
        dropped += 1;
    }
    Sql::new("delete from raw_batches_default where received_at < $1::date")
        .bind::<diesel::sql_types::Date, _>(first_kept)
        .execute(conn)?;
    Ok(dropped)
}

/// The partitions of days, by name.
fn partitions(conn: &mut PgConnection) -> Result<Vec<String>, StoreError> {
    Ok(Sql::new(
        "select c.relname::text from pg_inherits i join pg_class c on c.oid = i.inhrelid \
         where i.inhparent = to_regclass('raw_batches') and c.relname ~ '^raw_batches_[0-9]{8}$' order by 1",
    )
    .rows::<Text>()
    .load(conn)?)
}

/// Deletes one slice of revisions older than this. Returns how many; 0 when none is left. A cursor behind what is left must
/// resync.
///
/// # Errors
/// When PostgreSQL refuses.
pub fn delete_revisions(
    conn: &mut PgConnection,
    older_than_days: i32,
) -> Result<usize, StoreError> {
    Ok(Sql::new(
        "delete from revisions where ctid = any (array(select ctid from revisions \
         where committed_at < now() - make_interval(days => $1) limit $2))",
    )
    .bind::<Integer, _>(older_than_days)
    .bind::<BigInt, _>(SLICE_ROWS)
    .execute(conn)?)
}

/// Deletes one slice of quarantined items older than this. Returns how many.
///
/// # Errors
/// When PostgreSQL refuses.
pub fn delete_quarantine(
    conn: &mut PgConnection,
    older_than_days: i32,
) -> Result<usize, StoreError> {
    Ok(Sql::new(
        "delete from quarantine where ctid = any (array(select ctid from quarantine \
         where received_at < now() - make_interval(days => $1) limit $2))",
    )
    .bind::<Integer, _>(older_than_days)
    .bind::<BigInt, _>(SLICE_ROWS)
    .execute(conn)?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::test_database::TestDatabase;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn count(conn: &mut PgConnection, table: &str) -> i64 {
        diesel::select(diesel::dsl::sql::<BigInt>(&format!(
            "(select count(*) from {table})"
        )))
        .get_result(conn)
        .unwrap()
    }

    #[test]
    fn partitions_come_and_go_by_day() {
        let db = TestDatabase::new();
        let conn = &mut db.connect();
        conn.batch_execute(
            "insert into raw_batches values ('2026-02-27 08:00Z', 'c', 'message-batch', '', '')",
        )
        .unwrap();
        assert_eq!(make_partitions(conn, day("2026-02-27")).unwrap(), 3);
        assert_eq!(
            count(conn, "raw_batches_20260227"),
            1,
            "what stood in the default partition has moved"
        );
        assert_eq!(make_partitions(conn, day("2026-02-28")).unwrap(), 1);
        conn.batch_execute(
            "insert into raw_batches select d, 'c', 'message-batch', '', '' from unnest(array['2026-02-27 23:59Z', \
             '2026-02-28 00:00Z', '2026-03-01 12:00Z', '2026-01-01 00:00Z', '2026-05-01 00:00Z']::timestamptz[]) d",
        )
        .unwrap();
        assert_eq!(drop_partitions(conn, day("2026-03-01")).unwrap(), 2);
        assert_eq!(count(conn, "raw_batches"), 2);
        assert_eq!(drop_partitions(conn, day("2026-03-01")).unwrap(), 0);
    }

    #[test]
    fn only_old_rows_are_deleted() {
        let db = TestDatabase::new();
        let conn = &mut db.connect();
        conn.batch_execute(
            "insert into revisions select 1, 1, n, n, 1, 'c', now() - make_interval(days => n), '{}' from generate_series(1, 10) n; \
             insert into quarantine (received_at, connector_id, kind, correlation_id, item_index, reason, body) \
                select now() - make_interval(days => n), 'c', 'k', '', 0, 'r', '' from generate_series(1, 10) n",
        )
        .unwrap();
        assert_eq!(
            (
                delete_revisions(conn, 7).unwrap(),
                delete_revisions(conn, 7).unwrap()
            ),
            (4, 0)
        );
        assert_eq!(delete_quarantine(conn, 2).unwrap(), 9);
        assert_eq!(count(conn, "revisions"), 6);
    }
}
