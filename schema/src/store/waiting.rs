//! How much waits for a person or for a mirror, over everything, counted up to a bound so that a look at it costs little.

use super::StoreError;
use crate::sql::Sql;
use diesel::{pg::PgConnection, prelude::*, sql_types::BigInt};

/// Rows of each kind that are counted.
pub const COUNTED_MAX: i64 = 10_000;

/// What waits, each counted up to [`COUNTED_MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Waiting {
    /// Deliveries with work to do.
    pub backlog: i64,
    /// Deliveries given up.
    pub dead_letters: i64,
    /// Items that could not be taken and that nobody has seen to.
    pub quarantined: i64,
}

/// Counts now.
///
/// # Errors
/// When the database does not answer.
pub fn count(conn: &mut PgConnection) -> Result<Waiting, StoreError> {
    // In the order of their partial indexes, so that these are read and nothing else.
    let (backlog, dead_letters, quarantined) = Sql::new(
        "select (select count(*) from (select from deliveries where state = 'p' order by target_channel_id, ordinal limit $1) d), \
            (select count(*) from (select from deliveries where state = 'x' order by target_channel_id, ordinal limit $1) d), \
            (select count(*) from (select from quarantine where done_at is null order by quarantine_id limit $1) q)",
    )
    .bind::<BigInt, _>(COUNTED_MAX)
    .rows::<(BigInt, BigInt, BigInt)>()
    .get_result(conn)?;
    Ok(Waiting {
        backlog,
        dead_letters,
        quarantined,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::test_database::TestDatabase;
    use diesel::connection::SimpleConnection;

    #[test]
    fn what_waits_is_counted_up_to_a_bound() {
        let db = TestDatabase::new();
        let conn = &mut db.connect();
        assert_eq!(count(conn).unwrap(), Waiting::default());
        conn.batch_execute(
            "insert into deliveries (signal_id, target_channel_id, source_channel_id, mapping_id, desired_revision, state) \
             select n, 10, 1, 1, 1, 'p' from generate_series(1, 10001) n; \
             insert into deliveries (signal_id, target_channel_id, source_channel_id, mapping_id, desired_revision, state) \
             values (1, 11, 1, 1, 1, 'x'), (1, 12, 1, 1, 1, 'd'); \
             insert into quarantine (connector_id, kind, correlation_id, item_index, reason, body, done_at) \
             values ('c', 'thread', '', 0, '', '', null), ('c', 'thread', '', 0, '', '', now())",
        )
        .unwrap();
        let waiting = Waiting {
            backlog: COUNTED_MAX,
            dead_letters: 1,
            quarantined: 1,
        };
        assert_eq!(count(conn).unwrap(), waiting);
    }
}
