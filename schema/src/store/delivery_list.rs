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

/// Which delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeliveryKey {
    /// The signal.
    pub signal_id: SignalId,
    /// Where to.
    pub target_channel_id: ChannelId,
}

/// How a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// There is work to do.
    Pending,
    /// Discord shows the desired revision.
    Delivered,
    /// Given up, with its reason.
    DeadLetter,
    /// Dropped by a person.
    Dropped,
}

impl DeliveryState {
    pub(super) fn letter(self) -> u8 {
        match self {
            Self::Pending => b'p',
            Self::Delivered => b'd',
            Self::DeadLetter => b'x',
            Self::Dropped => b'c',
        }
    }
}

/// One delivery.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Serialize, utoipa::ToSchema)]
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
    /// In JSON `pending`, `delivered`, `dead_letter` or `dropped`.
    #[serde(serialize_with = "word")]
    #[schema(value_type = DeliveryState)]
    pub state: u8,
    /// Failed attempts since the last success.
    pub attempts: i32,
    /// Not before this.
    #[serde(rename = "next_attempt_at_ms", with = "ts_milliseconds_option")]
    #[schema(value_type = Option<i64>)]
    pub next_attempt_at: Option<DateTime<Utc>>,
    /// Why the last attempt failed.
    pub last_error: Option<String>,
    /// When it was planned.
    #[serde(rename = "created_at_ms", with = "ts_milliseconds")]
    #[schema(value_type = i64)]
    pub created_at: DateTime<Utc>,
    /// When it was last delivered.
    #[serde(rename = "delivered_at_ms", with = "ts_milliseconds_option")]
    #[schema(value_type = Option<i64>)]
    pub delivered_at: Option<DateTime<Utc>>,
}

// serde passes a reference.
#[allow(clippy::trivially_copy_pass_by_ref)]
pub(super) fn word<S: Serializer>(letter: &u8, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(word_of(*letter))
}

/// The state with this letter, as the administration spells it.
pub(super) fn word_of(letter: u8) -> &'static str {
    match letter {
        b'p' => "pending",
        b'd' => "delivered",
        b'c' => "dropped",
        _ => "dead_letter",
    }
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

impl DeliveryPlace {
    pub(super) fn new(target: ChannelId, ordinal: i64) -> Self {
        Self {
            target_channel_id: target.get(),
            ordinal,
        }
    }
}

/// What a page goes through: the place behind which it begins, and its last target. Both ends are bounds of an index, so that
/// one target among many costs no more than one alone.
pub(super) fn span(target: Option<ChannelId>, after: Option<DeliveryPlace>) -> ((i64, i64), i64) {
    let (first, last) = target.map_or((0, i64::MAX), |target| (target.get(), target.get()));
    let begins = (first, i64::MIN);
    let after = after.map_or(begins, |after| (after.target_channel_id, after.ordinal));
    (after.max(begins), last)
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

/// The columns of a [`DeliveryListRow`], of one state or of all: each text names its state, so that the small index of that
/// state serves it.
macro_rules! deliveries {
    ($state:literal) => {
        concat!(
            "select signal_id, target_channel_id, source_channel_id, mapping_id, ping_role_id, ordinal, desired_revision, \
             delivered_revision, state, attempts, next_attempt_at, last_error, created_at, delivered_at from deliveries \
             where (target_channel_id, ordinal) > ($1, $2) and target_channel_id <= $3 ",
            $state,
            " order by target_channel_id, ordinal limit $4"
        )
    };
}

/// Deliveries by target channel, oldest first in each.
///
/// # Errors
/// When the database does not answer.
pub fn list(
    conn: &mut PgConnection,
    filter: DeliveryFilter,
    page: Page<DeliveryPlace>,
) -> Result<Vec<DeliveryListRow>, StoreError> {
    let text = match filter.state {
        None => deliveries!(""),
        Some(DeliveryState::Pending) => deliveries!("and state = 'p'"),
        Some(DeliveryState::Delivered) => deliveries!("and state = 'd'"),
        Some(DeliveryState::DeadLetter) => deliveries!("and state = 'x'"),
        Some(DeliveryState::Dropped) => deliveries!("and state = 'c'"),
    };
    let (after, last) = span(filter.target_channel_id, page.after);
    let rows = Sql::new(text)
        .bind::<BigInt, _>(after.0)
        .bind::<BigInt, _>(after.1)
        .bind::<BigInt, _>(last)
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
             (1, 20, 1, 1, 1, 'd'), (1, 10, 1, 1, 1, 'p'), (2, 10, 1, 1, 1, 'x'), (3, 10, 1, 1, 1, 'p'), \
             (1, 30, 1, 1, 1, 'c')",
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
            ["10:2 1", "10:3 2", "10:4 3", "20:1 1", "30:5 1"]
        );
        assert_eq!(found(None, None, Some("10:3"), 2), ["10:4 3", "20:1 1"]);
        assert_eq!(found(Some(10), None, None, 2), ["10:2 1", "10:3 2"]);
        assert_eq!(found(Some(10), None, Some("10:3"), 9), ["10:4 3"]);
        // A place of another target: whoever mixes two lists is not led out of the one asked for.
        assert_eq!(found(Some(20), None, Some("10:3"), 9), ["20:1 1"]);
        assert_eq!(
            found(None, Some(DeliveryState::Dropped), None, 9),
            ["30:5 1"]
        );
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
