//! Discord's 64-bit ids, which travel as text in JSON, and the generator of new ones. The generator is pure: the
//! time is passed in.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Milliseconds between the Unix epoch and Discord's (2015-01-01T00:00:00Z).
pub const DISCORD_EPOCH_MS: u64 = 1_420_070_400_000;

/// The bits of a snowflake below its time.
const TIME_SHIFT: u32 = 22;

/// A Discord id (snowflake). Text in JSON; numbers are accepted too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id(pub u64);

impl Id {
    /// When the id was made, in milliseconds since the Unix epoch.
    pub const fn created_at_ms(self) -> u64 {
        (self.0 >> TIME_SHIFT) + DISCORD_EPOCH_MS
    }

    /// The smallest id of that moment (milliseconds since the Unix epoch): what a client passes as `after`.
    pub const fn at_ms(at_ms: u64) -> Self {
        Self(at_ms.saturating_sub(DISCORD_EPOCH_MS) << TIME_SHIFT)
    }
}

impl From<u64> for Id {
    fn from(value: u64) -> Self {
        Self(value)
    }
}

impl FromStr for Id {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

impl fmt::Display for Id {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextOrNumber;

        impl de::Visitor<'_> for TextOrNumber {
            type Value = Id;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an id as text or number")
            }

            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Id, E> {
                Ok(Id(value))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Id, E> {
                text.parse().map_err(E::custom)
            }
        }

        deserializer.deserialize_any(TextOrNumber)
    }
}

/// Makes ids that never repeat and never go back, whatever the clock does.
#[derive(Debug, Default)]
pub(crate) struct Snowflakes {
    last: u64,
}

impl Snowflakes {
    /// A new id for this moment.
    pub(crate) fn next(&mut self, now_ms: u64) -> Id {
        self.last = Id::at_ms(now_ms).0.max(self.last + 1);
        Id(self.last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_grow_even_when_the_clock_does_not() {
        let mut snowflakes = Snowflakes::default();
        let now_ms = DISCORD_EPOCH_MS + 5_000;
        let mut last = Id(0);
        for at_ms in [now_ms, now_ms, now_ms - 4_000, now_ms + 1, now_ms + 1] {
            let id = snowflakes.next(at_ms);
            assert!(id > last);
            last = id;
        }
        assert_eq!(last.created_at_ms(), now_ms + 1);
    }
}
