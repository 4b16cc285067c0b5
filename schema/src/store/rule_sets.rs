//! Sets of rules as mappings hold them and deliveries are finished by. A set is written once, found again by what it says, and
//! never changed.

use super::StoreError;
use crate::{rules::MappingRules, sql::Sql};
use diesel::{
    pg::PgConnection,
    prelude::*,
    sql_types::{Array, BigInt, Bytea, Text},
};
use sha2::{Digest, Sha256};

/// The set that says this; `None` for plain rules.
///
/// # Errors
/// When the database does not answer.
pub fn ensure(conn: &mut PgConnection, rules: &MappingRules) -> Result<Option<i64>, StoreError> {
    if *rules == MappingRules::default() {
        return Ok(None);
    }
    let text = serde_json::to_string(rules)
        .map_err(|error| StoreError::Corrupt(format!("rules: {error}")))?;
    // The update that changes nothing makes an existing row come back.
    let rule_set_id: i64 = Sql::new(
        "insert into rule_sets (digest, rules) values ($1, $2) \
         on conflict (digest) do update set digest = excluded.digest returning rule_set_id",
    )
    .bind::<Bytea, _>(Sha256::digest(&text).to_vec())
    .bind::<Text, _>(text)
    .rows::<BigInt>()
    .get_result(conn)?;
    Ok(Some(rule_set_id))
}

/// These sets, as far as they exist and read. One that does not read is left out, with a word in the log: it must not hold up the
/// others.
///
/// # Errors
/// When the database does not answer.
pub fn load(conn: &mut PgConnection, ids: &[i64]) -> Result<Vec<(i64, MappingRules)>, StoreError> {
    let rows: Vec<(i64, String)> =
        Sql::new("select rule_set_id, rules from rule_sets where rule_set_id = any($1)")
            .bind::<Array<BigInt>, _>(ids)
            .rows::<(BigInt, Text)>()
            .load(conn)?;
    let typed = |(id, text): (i64, String)| {
        let rules = serde_json::from_str(&text)
            .inspect_err(
                |error| tracing::error!(rule_set_id = id, %error, "rule_sets.rules does not read"),
            )
            .ok()?;
        Some((id, rules))
    };
    Ok(rows.into_iter().filter_map(typed).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{rules::AuthorStyle, test_database::TestDatabase};

    #[test]
    fn equal_rules_are_one_set_and_plain_ones_none() {
        let db = TestDatabase::new();
        let conn = &mut db.connect();
        assert_eq!(ensure(conn, &MappingRules::default()).unwrap(), None);
        let rules = MappingRules {
            author_style: AuthorStyle::NameLine,
            ..MappingRules::default()
        };
        let first = ensure(conn, &rules).unwrap().unwrap();
        assert_eq!(ensure(conn, &rules).unwrap(), Some(first));
        let spoilt: i64 = Sql::new(
            "insert into rule_sets (digest, rules) values ('x', '[1]') returning rule_set_id",
        )
        .rows::<BigInt>()
        .get_result(conn)
        .unwrap();
        let read = load(conn, &[first, spoilt, spoilt + 1]).unwrap();
        assert_eq!(read, [(first, rules)]);
    }
}
