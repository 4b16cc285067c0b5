//! The tokens with which viewers prove themselves, and what they may see. Only hashes are kept.

use super::{
    Page, StoreError,
    audit::{changing, record},
    tables::session_tokens,
};
use crate::sql::Sql;
use chrono::{
    DateTime, Utc,
    serde::{ts_milliseconds, ts_milliseconds_option},
};
use diesel::{
    dsl::now,
    pg::PgConnection,
    prelude::*,
    sql_types::{Array, BigInt},
};
use serde::Serialize;

/// A session token as the administration sees it: everything but itself.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Serialize, utoipa::ToSchema)]
#[diesel(table_name = session_tokens)]
pub struct SessionTokenRow {
    /// Counts up.
    pub session_token_id: i64,
    /// Whose it is, for people.
    pub name: String,
    /// What the viewer may see: channels up to this tier.
    pub tier: i16,
    /// When it is over; `None`: never.
    #[serde(rename = "expires_at_ms", with = "ts_milliseconds_option")]
    #[schema(value_type = Option<i64>)]
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was revoked.
    #[serde(rename = "revoked_at_ms", with = "ts_milliseconds_option")]
    #[schema(value_type = Option<i64>)]
    pub revoked_at: Option<DateTime<Utc>>,
    /// When it was made.
    #[serde(rename = "created_at_ms", with = "ts_milliseconds")]
    #[schema(value_type = i64)]
    pub created_at: DateTime<Utc>,
}

/// What a new token is.
#[derive(Debug, Clone)]
pub struct NewSessionToken {
    /// Whose it is, for people.
    pub name: String,
    /// See [`SessionTokenRow`].
    pub tier: i16,
    /// See [`SessionTokenRow`].
    pub expires_at: Option<DateTime<Utc>>,
    /// SHA-256 of the token.
    pub token_hash: [u8; 32],
}

/// All tokens by id, those that are over included.
pub fn list(conn: &mut PgConnection, page: Page<i64>) -> Result<Vec<SessionTokenRow>, StoreError> {
    let rows = session_tokens::table
        .filter(session_tokens::session_token_id.gt(page.after.unwrap_or(0)))
        .order(session_tokens::session_token_id)
        .limit(page.limit)
        .select(SessionTokenRow::as_select())
        .load(conn)?;
    Ok(rows)
}

/// Makes a token known.
pub fn create(
    conn: &mut PgConnection,
    actor: &str,
    new: &NewSessionToken,
) -> Result<SessionTokenRow, StoreError> {
    changing(conn, |conn| {
        let made: SessionTokenRow = diesel::insert_into(session_tokens::table)
            .values((
                session_tokens::name.eq(&new.name),
                session_tokens::tier.eq(new.tier),
                session_tokens::expires_at.eq(new.expires_at),
                session_tokens::token_hash.eq(&new.token_hash[..]),
            ))
            .returning(SessionTokenRow::as_returning())
            .get_result(conn)?;
        record(
            conn,
            actor,
            "session_token.create",
            &made.session_token_id.to_string(),
            None,
            Some(&made),
        )?;
        Ok(made)
    })
}

/// Ends a token for ever. Revoking it twice is the same as once.
pub fn revoke(
    conn: &mut PgConnection,
    actor: &str,
    session_token_id: i64,
) -> Result<SessionTokenRow, StoreError> {
    changing(conn, |conn| {
        let row = session_tokens::table.find(session_token_id);
        let before = row
            .select(SessionTokenRow::as_select())
            .first(conn)
            .optional()?;
        let before = before.ok_or(StoreError::NotFound("such session token"))?;
        if before.revoked_at.is_some() {
            return Ok(before);
        }
        let after = diesel::update(row)
            .set(session_tokens::revoked_at.eq(now))
            .returning(SessionTokenRow::as_returning())
            .get_result(conn)?;
        record(
            conn,
            actor,
            "session_token.revoke",
            &session_token_id.to_string(),
            Some(&before),
            Some(&after),
        )?;
        Ok(after)
    })
}

/// The token with this hash, if it is neither over nor revoked.
pub fn find_alive(
    conn: &mut PgConnection,
    token_hash: &[u8; 32],
) -> Result<Option<SessionTokenRow>, StoreError> {
    let found = session_tokens::table
        .filter(session_tokens::token_hash.eq(&token_hash[..]))
        .filter(session_tokens::revoked_at.is_null())
        .filter(
            session_tokens::expires_at
                .is_null()
                .or(session_tokens::expires_at.gt(now)),
        )
        .select(SessionTokenRow::as_select())
        .first(conn)
        .optional()?;
    Ok(found)
}

/// Which of these tokens have ended meanwhile: their sessions are to be cut.
pub fn ended_among(
    conn: &mut PgConnection,
    session_token_ids: &[i64],
) -> Result<Vec<i64>, StoreError> {
    let ended = Sql::new(
        "select asked.id from unnest($1) as asked (id) where not exists (select from session_tokens \
         where session_token_id = asked.id and revoked_at is null and (expires_at is null or expires_at > now()))",
    )
    .bind::<Array<BigInt>, _>(session_token_ids)
    .rows::<BigInt>()
    .load(conn)?;
    Ok(ended)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::test_database::TestDatabase;

    #[test]
    fn a_token_lives_until_its_time_or_its_revocation() {
        let db = TestDatabase::new();
        let conn = &mut db.connect();
        let mut make = |number: u8, lives: Option<chrono::Duration>| {
            let expires_at = lives.map(|lives| Utc::now() + lives);
            let new = NewSessionToken {
                name: number.to_string(),
                tier: 4,
                expires_at,
                token_hash: [number; 32],
            };
            create(conn, "test", &new).unwrap().session_token_id
        };
        let hour = chrono::Duration::hours(1);
        let ids = [
            make(0, None),
            make(1, Some(hour)),
            make(2, Some(-hour)),
            make(3, None),
        ];
        revoke(conn, "test", ids[3]).unwrap();
        let alive: Vec<bool> = (0..5)
            .map(|number| find_alive(conn, &[number; 32]).unwrap().is_some())
            .collect();
        assert_eq!(alive, [true, true, false, false, false]);
        let mut asked = ids.to_vec();
        asked.push(999);
        assert_eq!(ended_among(conn, &asked).unwrap(), [ids[2], ids[3], 999]);
    }

    #[test]
    fn revoking_twice_is_revoking_once() {
        let db = TestDatabase::new();
        let conn = &mut db.connect();
        let new = NewSessionToken {
            name: "n".to_owned(),
            tier: 0,
            expires_at: None,
            token_hash: [1; 32],
        };
        let made = create(conn, "test", &new).unwrap();
        let first = revoke(conn, "test", made.session_token_id).unwrap();
        assert_eq!(revoke(conn, "test", made.session_token_id).unwrap(), first);
        let entries = super::super::audit::list(
            conn,
            Page {
                after: None,
                limit: 9,
            },
        )
        .unwrap();
        assert_eq!(
            entries
                .iter()
                .map(|entry| entry.action.as_str())
                .collect::<Vec<_>>(),
            ["session_token.revoke", "session_token.create"]
        );
    }
}
