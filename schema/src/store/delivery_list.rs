//! Deliveries as the administration looks at them. They are written by the store writer and the mirrors' own queries.

use super::{Page, StoreError};
use crate::{
    ids::{ChannelId, RoleId, SignalId},
    sql::Sql,
};
use chrono::{
    DateTime, Utc,
    serde::{ts_milliseconds, ts_milliseconds_option},
};
use diesel::{
    pg::{PgConnection, sql_types::CChar},
    prelude::*,
    sql_types::{BigInt, Integer, Nullable, Text, Timestamptz},
};
use serde::{Deserialize, Serialize, Serializer};
use std::{fmt, num::ParseIntError, str::FromStr};

/// How a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// There is work to do.
    Pending,
    /// Discord shows the desired revision.
    Delivered,
    /// Given up, with its reason.
    DeadLetter,
}

impl DeliveryState {
    fn letter(self) -> u8 {
        match self {
            Self::Pending => b'p',
            Self::Delivered => b'd',
            Self::DeadLetter => b'x',
        }
    }
}

/// One delivery.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Serialize)]
pub struct DeliveryListRow {
    /// The signal.
    pub signal_id: SignalId,
    /// Mirrored into.
    pub target_channel_id: ChannelId,
    /// Captured from.
    pub source_channel_id: ChannelId,
    /// By this mapping.
    pub mapping_id: i64,
    /// Role to ping.
    pub ping_role_id: Option<RoleId>,
    /// Order of commit.
    pub ordinal: i64,
    /// What Discord should show.
    pub desired_revision: i32,
    /// What it shows; 0 for nothing.
    pub delivered_revision: i32,
    /// In JSON `pending`, `delivered` or `dead_letter`.
    #[serde(serialize_with = "word")]
    pub state: u8,
    /// Failed attempts since the last success.
    pub attempts: i32,
    /// Not before this.
    #[serde(rename = "next_attempt_at_ms", with = "ts_milliseconds_option")]
    pub next_attempt_at: Option<DateTime<Utc>>,
    /// Why the last attempt failed.
    pub last_error: Option<String>,
    /// When it was planned.
    #[serde(rename = "created_at_ms", with = "ts_milliseconds")]
    pub created_at: DateTime<Utc>,
    /// When it was last delivered.
    #[serde(rename = "delivered_at_ms", with = "ts_milliseconds_option")]
    pub delivered_at: Option<DateTime<Utc>>,
}

// serde passes a reference.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn word<S: Serializer>(letter: &u8, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(match letter {
        b'p' => "pending",
        b'd' => "delivered",
        _ => "dead_letter",
    })
}

impl DeliveryListRow {
    /// Where it stands in the list.
    pub fn place(&self) -> DeliveryPlace {
        DeliveryPlace {
            target_channel_id: self.target_channel_id.get(),
            ordinal: self.ordinal,
        }
    }
}

/// A place in the list; as text `<target>:<ordinal>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeliveryPlace {
    target_channel_id: i64,
    ordinal: i64,
}

impl fmt::Display for DeliveryPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.target_channel_id, self.ordinal)
    }
}

impl FromStr for DeliveryPlace {
    type Err = ParseIntError;
    fn from_str(text: &str) -> Result<Self, ParseIntError> {
        let (target, ordinal) = text.split_once(':').unwrap_or((text, ""));
        Ok(Self {
            target_channel_id: target.parse()?,
            ordinal: ordinal.parse()?,
        })
    }
}

/// Which deliveries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DeliveryFilter {
    /// Into this channel only.
    pub target_channel_id: Option<ChannelId>,
    /// In this state only.
    pub state: Option<DeliveryState>,
}

/// Deliveries by target channel, oldest first in each.
pub fn list(
    conn: &mut PgConnection,
    filter: DeliveryFilter,
    page: Page<DeliveryPlace>,
) -> Result<Vec<DeliveryListRow>, StoreError> {
    let rows = Sql::new(
        "select signal_id, target_channel_id, source_channel_id, mapping_id, ping_role_id, ordinal, desired_revision, \
         delivered_revision, state, attempts, next_attempt_at, last_error, created_at, delivered_at from deliveries \
         where (target_channel_id, ordinal) > ($1, $2) and ($3 is null or target_channel_id = $3) \
         and ($4 is null or state = $4) order by target_channel_id, ordinal limit $5",
    )
    .bind::<BigInt, _>(page.after.map_or(0, |after| after.target_channel_id))
    .bind::<BigInt, _>(page.after.map_or(0, |after| after.ordinal))
    .bind::<Nullable<BigInt>, _>(filter.target_channel_id)
    .bind::<Nullable<CChar>, _>(filter.state.map(DeliveryState::letter))
    .bind::<BigInt, _>(page.limit)
    .rows::<(
        BigInt,
        BigInt,
        BigInt,
        BigInt,
        Nullable<BigInt>,
        BigInt,
        Integer,
        Integer,
        CChar,
        Integer,
        Nullable<Timestamptz>,
        Nullable<Text>,
        Timestamptz,
        Nullable<Timestamptz>,
    )>()
    .load(conn)?;
    Ok(rows)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::test_database::TestDatabase;

    #[test]
    fn deliveries_are_found_by_target_and_state_page_by_page() {
        let db = TestDatabase::new();
        let conn = &mut db.connect();
        Sql::new(
            "insert into deliveries (signal_id, target_channel_id, source_channel_id, mapping_id, desired_revision, state) values \
             (1, 20, 1, 1, 1, 'd'), (1, 10, 1, 1, 1, 'p'), (2, 10, 1, 1, 1, 'x'), (3, 10, 1, 1, 1, 'p')",
        )
        .execute(conn)
        .unwrap();
        let mut found = |target: Option<i64>, state, after: Option<&str>, limit| {
            let filter = DeliveryFilter {
                target_channel_id: target.and_then(ChannelId::new),
                state,
            };
            let page = Page {
                after: after.map(|after| after.parse().unwrap()),
                limit,
            };
            let rows = list(conn, filter, page).unwrap();
            rows.iter()
                .map(|row| format!("{} {}", row.place(), row.signal_id))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            found(None, None, None, 9),
            ["10:2 1", "10:3 2", "10:4 3", "20:1 1"]
        );
        assert_eq!(found(None, None, Some("10:3"), 9), ["10:4 3", "20:1 1"]);
        assert_eq!(found(Some(10), None, None, 2), ["10:2 1", "10:3 2"]);
        assert_eq!(
            found(None, Some(DeliveryState::Pending), None, 9),
            ["10:2 1", "10:4 3"]
        );
        assert_eq!(
            found(Some(10), Some(DeliveryState::DeadLetter), None, 9),
            ["10:3 2"]
        );
        assert_eq!(
            found(Some(20), Some(DeliveryState::Delivered), None, 9),
            ["20:1 1"]
        );
        assert!("10".parse::<DeliveryPlace>().is_err());
    }
}
