//! Raw SQL with typed binds and typed rows that is prepared once per connection. diesel's own `sql_query` is planned anew each
//! time; here the text is `'static`, so it serves as the key of the statement cache. Knows no table.

use diesel::{
    pg::Pg,
    prelude::*,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    result::Error::QueryBuilderError,
    serialize::ToSql,
    sql_types::HasSqlType,
};
use std::marker::PhantomData;

/// A statement: `Sql::new("select seq from channel_heads where channel_id = any($1)").bind::<Array<BigInt>, _>(&ids)`.
///
/// Binds are given in the order `$1`, `$2`, …, which is also the order in which they must first appear in the text; later on
/// each may be repeated. A statement that returns rows says their SQL types with [`Sql::rows`] and is then loaded by position:
/// `.rows::<(BigInt, Integer)>().load::<(i64, i32)>(conn)`. The types are a promise that only PostgreSQL checks.
#[derive(Debug)]
#[must_use = "a statement does nothing until it is executed or loaded"]
pub struct Sql<Binds = NoBinds, Rows = ()> {
    binds: Binds,
    count: usize,
    rest: &'static str,
    rows: PhantomData<Rows>,
}

/// No bind yet.
#[derive(Debug, Clone, Copy)]
pub struct NoBinds;

/// One bind more than `Before`, with the text between the two.
#[derive(Debug)]
pub struct Bound<Before, ST, V> {
    before: Before,
    /// `None` when the text has no such placeholder behind the ones before it.
    text: Option<&'static str>,
    value: V,
    sql_type: PhantomData<ST>,
}

impl Sql {
    /// The statement with this text.
    pub const fn new(text: &'static str) -> Self {
        Self {
            binds: NoBinds,
            count: 0,
            rest: text,
            rows: PhantomData,
        }
    }
}

impl<Binds, Rows> Sql<Binds, Rows> {
    /// Gives the next placeholder its value, of the SQL type `ST`.
    pub fn bind<ST, V>(self, value: V) -> Sql<Bound<Binds, ST, V>, Rows> {
        let count = self.count + 1;
        let split = split_at_placeholder(self.rest, count);
        let (text, rest) = split.map_or((None, self.rest), |(text, rest)| (Some(text), rest));
        let binds = Bound {
            before: self.binds,
            text,
            value,
            sql_type: PhantomData,
        };
        Sql {
            binds,
            count,
            rest,
            rows: PhantomData,
        }
    }

    /// Says the SQL types of the columns that come back, in their order; a single column without a tuple.
    pub fn rows<Returned>(self) -> Sql<Binds, Returned> {
        Sql {
            binds: self.binds,
            count: self.count,
            rest: self.rest,
            rows: PhantomData,
        }
    }
}

/// `text` before and behind the first `$number`.
fn split_at_placeholder(text: &'static str, number: usize) -> Option<(&'static str, &'static str)> {
    let placeholder = format!("${number}");
    text.match_indices(&placeholder).find_map(|(at, _)| {
        let rest = &text[at + placeholder.len()..];
        let whole = !rest.starts_with(|next: char| next.is_ascii_digit());
        whole.then(|| (&text[..at], rest))
    })
}

impl QueryFragment<Pg> for NoBinds {
    fn walk_ast<'b>(&'b self, _out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        Ok(())
    }
}

impl<Before, ST, V> QueryFragment<Pg> for Bound<Before, ST, V>
where
    Before: QueryFragment<Pg>,
    Pg: HasSqlType<ST>,
    V: ToSql<ST, Pg>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.before.walk_ast(out.reborrow())?;
        let text = self.text.ok_or_else(|| {
            QueryBuilderError(
                "a bind has no placeholder, or placeholders first appear out of order".into(),
            )
        })?;
        out.push_sql(text);
        out.push_bind_param(&self.value)
    }
}

impl<Binds: QueryFragment<Pg>, Rows> QueryFragment<Pg> for Sql<Binds, Rows> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.binds.walk_ast(out.reborrow())?;
        out.push_sql(self.rest);
        Ok(())
    }
}

// Without a static id the cache goes by the text and the types of the binds, which is what tells our statements apart.
impl<Binds, Rows> QueryId for Sql<Binds, Rows> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Binds, Rows> Query for Sql<Binds, Rows> {
    type SqlType = Rows;
}

impl<Binds, Rows, Conn> RunQueryDsl<Conn> for Sql<Binds, Rows> {}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::test_database::TestDatabase;
    use diesel::sql_types::{Array, BigInt, Integer, Nullable, Text};

    #[test]
    fn the_text_stays_as_it_was_written() {
        let text = "select $1, $2, $1 from t where x = $10 and y = $2";
        let sql = Sql::new(text)
            .bind::<BigInt, _>(1_i64)
            .bind::<Text, _>("two");
        let built = diesel::debug_query::<Pg, _>(&sql).to_string();
        assert!(built.starts_with(text), "{built}");
    }

    #[test]
    fn a_bind_without_a_place_is_an_error_and_no_panic() {
        let db = TestDatabase::empty();
        for text in ["select 1", "select $2 + $1", "select $10"] {
            let sql = Sql::new(text)
                .bind::<BigInt, _>(1_i64)
                .bind::<BigInt, _>(1_i64)
                .rows::<BigInt>();
            let error = sql.load::<i64>(&mut db.connect()).unwrap_err();
            assert!(matches!(error, QueryBuilderError(_)), "{text}: {error}");
        }
    }

    #[test]
    fn rows_come_typed_and_the_statement_is_prepared_once() {
        let db = TestDatabase::empty();
        let conn = &mut db.connect();
        for _ in 0..3 {
            let found: Vec<(i64, Option<String>)> = Sql::new(
                "select * from unnest($1, $2) as pairs (id, word) where id > $3 order by id",
            )
            .bind::<Array<BigInt>, _>(vec![1_i64, 2, 3])
            .bind::<Array<Nullable<Text>>, _>(vec![Some("a"), None, Some("c")])
            .bind::<Integer, _>(1)
            .rows::<(BigInt, Nullable<Text>)>()
            .load(conn)
            .unwrap();
            assert_eq!(found, [(2, None), (3, Some("c".to_owned()))]);
        }
        let prepared: i64 =
            Sql::new("select count(*) from pg_prepared_statements where statement like '%as pairs (id, word)%' and $1 = 1")
                .bind::<Integer, _>(1)
                .rows::<BigInt>()
                .get_result(conn)
                .unwrap();
        // The one that counts contains the words as well.
        assert_eq!(prepared, 2);
    }
}
