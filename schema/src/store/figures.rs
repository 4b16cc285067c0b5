//! Figures of the way of signals, a row a minute and series, so that charts survive a restart.

use super::StoreError;
use crate::sql::Sql;
use chrono::{DateTime, Utc};
use diesel::{
    pg::PgConnection,
    prelude::*,
    sql_types::{Array, BigInt, Float, Nullable, Text, Timestamptz},
};

/// Days after which a row goes.
const KEPT_DAYS: i32 = 2;

/// One minute of one series.
#[derive(Debug, Clone, PartialEq)]
pub struct FigureRow {
    /// When the minute began, in ms since 1970.
    pub slot_at_ms: i64,
    /// Of what.
    pub series: String,
    /// How many.
    pub count: i64,
    /// The 50th, 95th and 99th; `None` of what is only counted.
    pub percentiles_ms: Option<[f32; 3]>,
}

fn moment(ms: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(ms).unwrap_or_default()
}

/// Writes down these minutes, each series of each at most once. What is there already of a minute, by a process that ended in it,
/// is joined: counts are added, percentiles weighed.
///
/// # Errors
/// When the database does not answer.
pub fn add(conn: &mut PgConnection, rows: &[FigureRow]) -> Result<(), StoreError> {
    let percentile = |at: usize| -> Vec<Option<f32>> {
        let of = |row: &FigureRow| row.percentiles_ms.map(|all| all[at]);
        rows.iter().map(of).collect()
    };
    let slots: Vec<DateTime<Utc>> = rows.iter().map(|row| moment(row.slot_at_ms)).collect();
    let series: Vec<&str> = rows.iter().map(|row| row.series.as_str()).collect();
    let counts: Vec<i64> = rows.iter().map(|row| row.count).collect();
    Sql::new(
        "insert into figures as f (slot_at, series, count, p50_ms, p95_ms, p99_ms) \
         select * from unnest($1, $2, $3, $4, $5, $6) \
         on conflict (series, slot_at) do update set count = f.count + excluded.count, \
            p50_ms = coalesce(f.p50_ms + (excluded.p50_ms - f.p50_ms) * excluded.count / (f.count + excluded.count), \
                f.p50_ms, excluded.p50_ms), \
            p95_ms = coalesce(f.p95_ms + (excluded.p95_ms - f.p95_ms) * excluded.count / (f.count + excluded.count), \
                f.p95_ms, excluded.p95_ms), \
            p99_ms = coalesce(f.p99_ms + (excluded.p99_ms - f.p99_ms) * excluded.count / (f.count + excluded.count), \
                f.p99_ms, excluded.p99_ms)",
    )
    .bind::<Array<Timestamptz>, _>(slots)
    .bind::<Array<Text>, _>(series)
    .bind::<Array<BigInt>, _>(counts)
    .bind::<Array<Nullable<Float>>, _>(percentile(0))
    .bind::<Array<Nullable<Float>>, _>(percentile(1))
    .bind::<Array<Nullable<Float>>, _>(percentile(2))
    .execute(conn)?;
    Ok(())
}

/// Everything since this moment, oldest first.
///
/// # Errors
/// When the database does not answer.
pub fn since(conn: &mut PgConnection, since_ms: i64) -> Result<Vec<FigureRow>, StoreError> {
    type Row = (
        DateTime<Utc>,
        String,
        i64,
        Option<f32>,
        Option<f32>,
        Option<f32>,
    );
    let rows: Vec<Row> = Sql::new(
        "select slot_at, series, count, p50_ms, p95_ms, p99_ms from figures where slot_at >= $1 order by slot_at, series",
    )
    .bind::<Timestamptz, _>(moment(since_ms))
    .rows::<(
        Timestamptz,
        Text,
        BigInt,
        Nullable<Float>,
        Nullable<Float>,
        Nullable<Float>,
    )>()
    .load(conn)?;
    let typed = |(slot_at, series, count, p50, p95, p99): Row| FigureRow {
        slot_at_ms: slot_at.timestamp_millis(),
        series,
        count,
        percentiles_ms: match (p50, p95, p99) {
            (Some(p50), Some(p95), Some(p99)) => Some([p50, p95, p99]),
            _ => None,
        },
    };
    Ok(rows.into_iter().map(typed).collect())
}

/// Deletes what is older than charts show.
///
/// # Errors
/// When the database does not answer.
pub fn delete_old(conn: &mut PgConnection) -> Result<usize, StoreError> {
    Ok(
        Sql::new("delete from figures where slot_at < now() - make_interval(days => $1)")
            .bind::<diesel::sql_types::Integer, _>(KEPT_DAYS)
            .execute(conn)?,
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::test_database::TestDatabase;

    fn row(slot_at_ms: i64, series: &str, count: i64, ms: Option<f32>) -> FigureRow {
        FigureRow {
            slot_at_ms,
            series: series.to_owned(),
            count,
            percentiles_ms: ms.map(|ms| [ms; 3]),
        }
    }

    #[test]
    fn what_two_processes_wrote_of_a_minute_is_joined() {
        let db = TestDatabase::new();
        let conn = &mut db.connect();
        let (one, two) = (1_700_000_040_000, 1_700_000_100_000);
        add(
            conn,
            &[
                row(one, "screen", 1, Some(10.0)),
                row(one, "accepted", 7, None),
            ],
        )
        .unwrap();
        add(
            conn,
            &[
                row(one, "screen", 3, Some(50.0)),
                row(one, "accepted", 1, None),
                row(two, "screen", 2, Some(0.25)),
            ],
        )
        .unwrap();
        let all = [
            row(one, "accepted", 8, None),
            row(one, "screen", 4, Some(40.0)),
            row(two, "screen", 2, Some(0.25)),
        ];
        assert_eq!(since(conn, one).unwrap(), all);
        assert_eq!(since(conn, one + 1).unwrap(), all[2..]);
        assert_eq!(delete_old(conn).unwrap(), 3);
    }
}
