//! What a query can answer instead of rows. Callers outside see these and never diesel's errors by kind.

use diesel::result::{DatabaseErrorKind, Error};

/// Why the tables did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No connection, or it broke. Trying again later is right; whether the work was done is not known if it had begun.
    #[error("the database is unavailable: {0}")]
    Unavailable(String),
    /// The row was changed since it was read: read it again.
    #[error("it was changed by somebody else meanwhile")]
    Conflict,
    /// One of several rows was changed since it was read: the field of the request that names it or its version.
    #[error("{0} is not what it was: it was changed by somebody else meanwhile")]
    StaleField(String),
    /// It stands otherwise than the request supposes; the reason is for people.
    #[error("{0}")]
    OtherState(String),
    /// There is no such row.
    #[error("there is no {0}")]
    NotFound(&'static str),
    /// A rule of ours forbids it; the reason is for people.
    #[error("{0}")]
    Refused(String),
    /// The same where one field of the request is at fault.
    #[error("{reason}")]
    RefusedField {
        /// Where in the request: a dotted path, such as `items[3].version`.
        field: String,
        /// For people.
        reason: String,
    },
    /// A row holds what we never write.
    #[error("the tables hold what cannot be: {0}")]
    Corrupt(String),
    /// The server is set up so that an acknowledged signal could be lost, or its tables are not ours.
    #[error("the database is not usable: {0}")]
    Unusable(String),
    /// The work panicked or its runtime stopped.
    #[error("the work was interrupted: {0}")]
    Interrupted(String),
    /// Anything else PostgreSQL or diesel said.
    #[error("the database refused a statement: {0}")]
    Database(#[source] Error),
}

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        match error {
            Error::DatabaseError(
                DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand,
                ref said,
            ) => Self::unavailable(said.message()),
            // A time-out of ours or a deadlock: all was taken back, and the same again may go well. Diesel has no kind of its own for
            // them, so they are known by their words: in English, which is sure of the private PostgreSQL alone.
            Error::DatabaseError(DatabaseErrorKind::Unknown, ref said)
                if said.message().starts_with("canceling statement due to")
                    || said.message() == "deadlock detected" =>
            {
                Self::unavailable(said.message())
            }
            Error::BrokenTransactionManager => {
                Self::Unavailable("the connection broke in a transaction".to_owned())
            }
            // The commit could not even be taken back: the connection is gone.
            Error::RollbackErrorOnCommit { commit_error, .. } => Self::from(*commit_error),
            other => Self::Database(other),
        }
    }
}

impl StoreError {
    /// A rule of ours forbids what this field of the request says.
    pub fn refused_field(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::RefusedField {
            field: field.into(),
            reason: reason.into(),
        }
    }

    /// The same for who asked without naming any field.
    pub fn of_no_field(self) -> Self {
        match self {
            Self::RefusedField { reason, .. } => Self::Refused(reason),
            other => other,
        }
    }

    /// For what libpq and the pool say, in one line.
    // What `map_err` hands over.
    #[allow(clippy::needless_pass_by_value)]
    pub(super) fn unavailable(said: impl ToString) -> Self {
        Self::Unavailable(
            said.to_string()
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" "),
        )
    }

    /// It may well work a moment later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Interrupted(_))
            || matches!(
                self,
                Self::Database(Error::DatabaseError(
                    DatabaseErrorKind::SerializationFailure,
                    _
                ))
            )
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{sql::Sql, test_database::TestDatabase};
    use diesel::{RunQueryDsl, connection::SimpleConnection};

    #[test]
    fn who_waited_too_long_for_a_lock_may_come_again() {
        let db = TestDatabase::new();
        let (mut holder, mut waiter) = (db.connect(), db.connect());
        let locked = "begin; lock table guilds in access exclusive mode";
        holder.batch_execute(locked).unwrap();
        waiter.batch_execute("set lock_timeout = 1").unwrap();
        let refused = Sql::new("insert into guilds (guild_id, name) values (1, 'g')")
            .execute(&mut waiter)
            .map_err(StoreError::from);
        assert!(
            matches!(refused, Err(StoreError::Unavailable(_))),
            "{refused:?}"
        );
    }
}
