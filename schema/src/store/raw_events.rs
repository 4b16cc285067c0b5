//! Connectors' bodies as they came, to be looked at. They have no key of their own: a body is found again by when it came and
//! where it lies, as long as it is kept.

use super::StoreError;
use crate::sql::Sql;
use chrono::{DateTime, Utc, serde::ts_milliseconds};
use diesel::{
    pg::PgConnection,
    prelude::*,
    sql_types::{BigInt, Bool, Bytea, Integer, Nullable, Text, Timestamptz},
};
use serde::{Serialize, Serializer};
use std::{fmt, str::FromStr};

/// How much of a body is shown, in bytes.
pub const BODY_SHOWN_BYTES_MAX: i32 = 256 * 1024;

/// Bodies that one page looks through for those that are asked for.
const LOOKED_THROUGH_MAX: i64 = 20_000;

/// Names a body. For others it is a word to hand back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawEventId {
    /// When it came.
    received_at: DateTime<Utc>,
    /// Where it lies, in PostgreSQL's words: `(block,offset)`.
    block: u32,
    offset: u16,
}

impl RawEventId {
    fn place(&self) -> String {
        format!("({},{})", self.block, self.offset)
    }
}

impl fmt::Display for RawEventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (at_us, block, offset) = (self.received_at.timestamp_micros(), self.block, self.offset);
        write!(f, "{at_us}-{block}-{offset}")
    }
}

impl FromStr for RawEventId {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let read = || {
            let mut parts = text.splitn(3, '-');
            Some(Self {
                received_at: DateTime::from_timestamp_micros(parts.next()?.parse().ok()?)?,
                block: parts.next()?.parse().ok()?,
                offset: parts.next()?.parse().ok()?,
            })
        };
        read()
            .filter(|id| id.to_string() == text)
            .ok_or("not the id of a raw event")
    }
}

impl Serialize for RawEventId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A body that came, without what it says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct RawEventRow {
    /// To ask for it by.
    #[schema(value_type = String)]
    pub raw_event_id: RawEventId,
    /// When it came.
    #[serde(rename = "received_at_ms", with = "ts_milliseconds")]
    #[schema(value_type = i64)]
    pub received_at: DateTime<Utc>,
    /// Who sent it.
    pub connector_id: String,
    /// `message-batch`, `thread` or `channel-guild-sync`.
    pub kind: String,
    /// For the logs of both sides.
    pub correlation_id: String,
    /// How long it is.
    pub bytes: i32,
}

/// A body with its words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct RawEvent {
    /// What is known of it.
    #[serde(flatten)]
    pub row: RawEventRow,
    /// Its beginning, as text.
    pub body: String,
    /// It goes on.
    pub is_cut: bool,
}

/// Which bodies; `None`: all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RawEventFilter {
    /// Of this connector.
    pub connector_id: Option<String>,
    /// Of this kind.
    pub kind: Option<String>,
}

/// A page of bodies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawEventPage {
    /// Newest first.
    pub rows: Vec<RawEventRow>,
    /// Where the next page goes on; `None` when there is nothing more.
    pub next_after: Option<RawEventId>,
}

type Columns = (Timestamptz, Text, Text, Text, Text, Integer);
type Row = (DateTime<Utc>, String, String, String, String, i32);

/// The bodies behind `after`, newest first. A page looks through so many bodies at most and may hold few or none although there are
/// more.
pub fn list(
    conn: &mut PgConnection,
    filter: &RawEventFilter,
    after: Option<&RawEventId>,
    limit: i64,
) -> Result<RawEventPage, StoreError> {
    let (at, place) = after.map(|id| (id.received_at, id.place())).unzip();
    // Without a filter a page is as far as looking goes.
    let end = if *filter == RawEventFilter::default() {
        None
    } else {
        end_of_looking(conn, at, place.as_deref())?
    };
    let (end_at, end_place) = end.clone().unzip();
    let rows: Vec<Row> = Sql::new(
        "select received_at, ctid::text, connector_id, kind, correlation_id, octet_length(body) from raw_batches \
         where received_at <= coalesce($1, 'infinity') and ($1 is null or received_at < $1 or ctid < $2::tid) \
         and received_at >= coalesce($3, '-infinity') and ($3 is null or received_at > $3 or ctid >= $4::tid) \
         and ($5 is null or connector_id = $5) and ($6 is null or kind = $6) \
         order by received_at desc, ctid desc limit $7",
    )
    .bind::<Nullable<Timestamptz>, _>(at)
    .bind::<Nullable<Text>, _>(place)
    .bind::<Nullable<Timestamptz>, _>(end_at)
    .bind::<Nullable<Text>, _>(end_place)
    .bind::<Nullable<Text>, _>(filter.connector_id.as_deref())
    .bind::<Nullable<Text>, _>(filter.kind.as_deref())
    .bind::<BigInt, _>(limit + 1)
    .rows::<Columns>()
    .load(conn)?;
    let mut rows = rows.into_iter().map(shown).collect::<Result<Vec<_>, _>>()?;
    let is_full = rows.len() as i64 > limit;
    rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let next_after = match end {
        _ if is_full => rows.last().map(|row| row.raw_event_id.clone()),
        Some((at, place)) => Some(id(at, &place)?),
        None => None,
    };
    Ok(RawEventPage { rows, next_after })
}

/// The last body that a page behind this place looks at; `None` when it looks at all there are.
fn end_of_looking(
    conn: &mut PgConnection,
    at: Option<DateTime<Utc>>,
    place: Option<&str>,
) -> Result<Option<(DateTime<Utc>, String)>, StoreError> {
    let end = Sql::new(
        "select received_at, ctid::text from raw_batches where received_at <= coalesce($1, 'infinity') \
         and ($1 is null or received_at < $1 or ctid < $2::tid) order by received_at desc, ctid desc offset $3 limit 1",
    )
    .bind::<Nullable<Timestamptz>, _>(at)
    .bind::<Nullable<Text>, _>(place)
    .bind::<BigInt, _>(LOOKED_THROUGH_MAX - 1)
    .rows::<(Timestamptz, Text)>()
    .get_result(conn)
    .optional()?;
    Ok(end)
}

/// The body with this id; [`StoreError::NotFound`] when it is not kept any more.
pub fn find(conn: &mut PgConnection, raw_event_id: &RawEventId) -> Result<RawEvent, StoreError> {
    type BodyColumns = (Columns, Bytea, Bool);
    let found: Option<(Row, Vec<u8>, bool)> = Sql::new(
        "select received_at, ctid::text, connector_id, kind, correlation_id, octet_length(body), substring(body for $1), \
         octet_length(body) > $1 from raw_batches where received_at = $2 and ctid = $3::tid limit 1",
    )
    .bind::<Integer, _>(BODY_SHOWN_BYTES_MAX)
    .bind::<Timestamptz, _>(raw_event_id.received_at)
    .bind::<Text, _>(raw_event_id.place())
    .rows::<BodyColumns>()
    .get_result(conn)
    .optional()?;
    let (row, body, is_cut) = found.ok_or(StoreError::NotFound("such raw event any more"))?;
    Ok(RawEvent {
        row: shown(row)?,
        body: String::from_utf8_lossy(&body).into_owned(),
        is_cut,
    })
}

fn shown(row: Row) -> Result<RawEventRow, StoreError> {
    let (received_at, place, connector_id, kind, correlation_id, bytes) = row;
    Ok(RawEventRow {
        raw_event_id: id(received_at, &place)?,
        received_at,
        connector_id,
        kind,
        correlation_id,
        bytes,
    })
}

fn id(received_at: DateTime<Utc>, place: &str) -> Result<RawEventId, StoreError> {
    let read = || {
        let (block, offset) = place
            .strip_prefix('(')?
            .strip_suffix(')')?
            .split_once(',')?;
        Some(RawEventId {
            received_at,
            block: block.parse().ok()?,
            offset: offset.parse().ok()?,
        })
    };
    read().ok_or_else(|| StoreError::Corrupt(format!("{place} is no place of a row")))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::test_database::TestDatabase;
    use diesel::connection::SimpleConnection;

    #[test]
    fn only_an_id_that_we_gave_is_one() {
        let good = "1795255200000000-12-3";
        assert_eq!(good.parse::<RawEventId>().unwrap().to_string(), good);
        for bad in [
            "",
            "1",
            "1-2",
            "1-2-x",
            "1-2-3-4",
            "01-2-3",
            "1-+2-3",
            "1-2-70000",
            "99999999999999999999-1-1",
            "9223372036854775807-1-1",
        ] {
            assert!(bad.parse::<RawEventId>().is_err(), "{bad}");
        }
    }

    /// All pages of `limit`, each as the correlation ids of its rows.
    fn pages(conn: &mut PgConnection, filter: &RawEventFilter, limit: i64) -> Vec<Vec<String>> {
        let (mut after, mut all) = (None, Vec::new());
        loop {
            let page = list(conn, filter, after.as_ref(), limit).unwrap();
            all.push(
                page.rows
                    .into_iter()
                    .map(|row| row.correlation_id)
                    .collect(),
            );
            after = page.next_after;
            if after.is_none() {
                return all;
            }
        }
    }

    #[test]
    fn bodies_come_newest_first_and_each_once() {
        let db = TestDatabase::new();
        let conn = &mut db.connect();
        let all = RawEventFilter::default();
        assert_eq!(pages(conn, &all, 2), [Vec::<String>::new()]);
        // Two of them at one moment.
        conn.batch_execute(
            "insert into raw_batches (received_at, connector_id, kind, correlation_id, body) values \
             ('2026-11-27 10:00Z', 'a', 'message-batch', '1', 'x'), ('2026-11-27 10:01Z', 'b', 'thread', '2', 'x'), \
             ('2026-11-27 10:01Z', 'a', 'thread', '3', 'x'), ('2026-11-27 10:02Z', 'a', 'message-batch', '4', 'x')",
        )
        .unwrap();
        assert_eq!(pages(conn, &all, 9), [["4", "3", "2", "1"]]);
        assert_eq!(pages(conn, &all, 2), [["4", "3"], ["2", "1"]]);
        assert_eq!(pages(conn, &all, 1), [["4"], ["3"], ["2"], ["1"]]);
        let of = |connector: Option<&str>, kind: Option<&str>| RawEventFilter {
            connector_id: connector.map(str::to_owned),
            kind: kind.map(str::to_owned),
        };
        for (filter, expected) in [
            (of(Some("a"), None), vec!["4", "3", "1"]),
            (of(None, Some("thread")), vec!["3", "2"]),
            (of(Some("a"), Some("thread")), vec!["3"]),
            (of(Some("z"), None), vec![]),
        ] {
            assert_eq!(pages(conn, &filter, 9), [expected], "{filter:?}");
        }
    }

    #[test]
    fn a_page_looks_through_so_many_and_says_where_to_go_on() {
        let db = TestDatabase::new();
        let conn = &mut db.connect();
        conn.batch_execute(&format!(
            "insert into raw_batches (received_at, connector_id, kind, correlation_id, body) values \
             ('2026-11-01Z', 'rare', 'thread', 'old', ''); \
             insert into raw_batches (received_at, connector_id, kind, correlation_id, body) \
             select '2026-11-02Z'::timestamptz + n * interval '1 ms', 'often', 'thread', '', '' \
             from generate_series(1, {LOOKED_THROUGH_MAX}) n"
        ))
        .unwrap();
        let rare = RawEventFilter {
            connector_id: Some("rare".into()),
            kind: None,
        };
        assert_eq!(pages(conn, &rare, 9), [vec![], vec!["old"]]);
    }

    #[test]
    fn a_body_is_found_by_its_id_and_cut() {
        let db = TestDatabase::new();
        let conn = &mut db.connect();
        conn.batch_execute(&format!(
            "insert into raw_batches (received_at, connector_id, kind, correlation_id, body) values \
             (now(), 'a', 'thread', 'short', '\\xff41'), \
             (now() + interval '1 s', 'a', 'thread', 'long', convert_to(repeat('x', {BODY_SHOWN_BYTES_MAX} + 1), 'UTF8'))"
        ))
        .unwrap();
        let rows = list(conn, &RawEventFilter::default(), None, 9)
            .unwrap()
            .rows;
        let [long, short] = [0, 1].map(|at| rows[at].raw_event_id.clone());
        let long = find(conn, &long).unwrap();
        assert_eq!(
            (long.row.bytes, long.is_cut),
            (BODY_SHOWN_BYTES_MAX + 1, true)
        );
        assert_eq!(long.body.len(), 256 * 1024);
        let found = find(conn, &short).unwrap();
        assert_eq!((found.body.as_str(), found.is_cut), ("\u{FFFD}A", false));
        assert_eq!(found.row, rows[1]);
        let elsewhere = RawEventId {
            offset: 77,
            ..short
        };
        assert!(matches!(
            find(conn, &elsewhere),
            Err(StoreError::NotFound(_))
        ));
    }
}
