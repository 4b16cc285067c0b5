//! One router on one schema. The lock belongs to the session that takes it, the store writer's own: whoever loses the
//! connection has lost the lock, and whoever holds it is the only one that writes.

use super::StoreError;
use crate::sql::Sql;
use diesel::{pg::PgConnection, prelude::*, sql_types::Bool};

/// Takes the lock if nobody holds it; `false` when another session does. Held until the connection ends.
pub fn try_router_lock(conn: &mut PgConnection) -> Result<bool, StoreError> {
    // Two numbers, so that it cannot meet the locks of migrations, which are of one.
    let held = Sql::new(
        "select pg_try_advisory_lock(hashtext('heliograph router'), hashtext(current_database() || '/' || current_schema()))",
    )
    .rows::<Bool>()
    .get_result(conn)?;
    Ok(held)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::test_database::TestDatabase;

    #[test]
    fn one_router_per_schema_until_its_connection_ends() {
        let (db, other_schema) = (TestDatabase::empty(), TestDatabase::empty());
        let mut first = db.connect();
        assert!(try_router_lock(&mut first).unwrap());
        assert!(!try_router_lock(&mut db.connect()).unwrap());
        assert!(try_router_lock(&mut other_schema.connect()).unwrap());
        drop(first);
        // The server notices the end of a connection a moment after we do.
        let mut second = db.connect();
        let taken = (0..200).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(10));
            try_router_lock(&mut second).unwrap()
        });
        assert!(taken);
    }
}
