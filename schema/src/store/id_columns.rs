//! Discord's ids as values of `bigint` columns, so that rows carry them typed. A number that is no id in a column of ids is an
//! error of the table, not a row.

use crate::ids::{
    AttachmentId, ChannelId, GuildId, MessageId, RoleId, SignalId, ThreadId, UserId, WebhookId,
};
use diesel::{
    deserialize::{self, FromSql, Queryable},
    pg::{Pg, PgValue},
    serialize::{self, Output, ToSql},
    sql_types::BigInt,
};

macro_rules! bigint_column {
    ($($id:ident),+ $(,)?) => {$(
        impl FromSql<BigInt, Pg> for $id {
            fn from_sql(bytes: PgValue<'_>) -> deserialize::Result<Self> {
                let number = <i64 as FromSql<BigInt, Pg>>::from_sql(bytes)?;
                Self::new(number).ok_or_else(|| format!("{number} is no id").into())
            }
        }
        impl Queryable<BigInt, Pg> for $id {
            type Row = Self;
            fn build(row: Self) -> deserialize::Result<Self> {
                Ok(row)
            }
        }
        impl ToSql<BigInt, Pg> for $id {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
                <i64 as ToSql<BigInt, Pg>>::to_sql(&self.get(), &mut out.reborrow())
            }
        }
    )+};
}

bigint_column!(
    SignalId,
    ChannelId,
    ThreadId,
    GuildId,
    UserId,
    RoleId,
    MessageId,
    AttachmentId,
    WebhookId
);
