//! Discord's ids, told apart by type. A snowflake is a decimal string on every wire and a `bigint` in the tables; zero and
//! anything beyond 63 bits are no ids.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{borrow::Cow, fmt, num::NonZeroI64, str::FromStr};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type},
};

/// Discord's first second, in milliseconds since 1970 ("Discord epoch", documented).
pub const DISCORD_EPOCH_MS: i64 = 1_420_070_400_000;

/// Why a string is not a snowflake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a snowflake: expected a decimal string between 1 and 2^63-1")]
pub struct NotASnowflake;

fn parse(text: &str) -> Result<NonZeroI64, NotASnowflake> {
    let plain = !text.is_empty() && text.len() <= 19 && text.bytes().all(|b| b.is_ascii_digit());
    let number: i64 = plain
        .then(|| text.parse().ok())
        .flatten()
        .ok_or(NotASnowflake)?;
    NonZeroI64::new(number).ok_or(NotASnowflake)
}

/// Every snowflake as API descriptions name it: readers of JSON see one kind.
fn schema() -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some(
            "An id of Discord: a decimal number between 1 and 2^63-1, as a string.",
        ))
        .pattern(Some("^[0-9]{1,19}$"))
        .examples(["175928847299117063"])
        .into()
}

macro_rules! snowflake {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(NonZeroI64);

        impl $name {
            /// The highest number that is an id. Discord will not come to it, so nothing has it.
            pub const HIGHEST: Self = Self(NonZeroI64::MAX);

            /// The id with this number; `None` for zero and below.
            pub fn new(number: i64) -> Option<Self> {
                NonZeroI64::new(number).filter(|n| n.get() > 0).map(Self)
            }
            /// The number, as the tables hold it.
            pub fn get(self) -> i64 {
                self.0.get()
            }
            /// When Discord made this id, in milliseconds since 1970.
            pub fn created_at_ms(self) -> i64 {
                (self.get() >> 22) + DISCORD_EPOCH_MS
            }
        }
        impl FromStr for $name {
            type Err = NotASnowflake;
            fn from_str(text: &str) -> Result<Self, NotASnowflake> {
                parse(text).map(Self)
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0)
            }
        }
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(de::Error::custom)
            }
        }
        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                schema()
            }
        }
        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed("Snowflake")
            }
        }
    )+};
}

snowflake! {
    /// A signal: the id of the source message, which Discord never reuses.
    SignalId,
    /// A channel, source or target.
    ChannelId,
    /// A thread, in a source channel or in a target channel.
    ThreadId,
    /// A guild.
    GuildId,
    /// A person or bot.
    UserId,
    /// A role.
    RoleId,
    /// A mirrored message in a target channel.
    MessageId,
    /// An attachment of a source message.
    AttachmentId,
    /// A webhook of a target channel.
    WebhookId,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn only_decimal_strings_of_63_bits_are_ids() {
        for good in ["1", "175928847299117063", "9223372036854775807"] {
            assert_eq!(good.parse::<SignalId>().unwrap().to_string(), good);
        }
        for bad in [
            "",
            "0",
            "-1",
            "+1",
            " 1",
            "1.0",
            "1e3",
            "9223372036854775808",
            "18446744073709551616",
            "٣",
        ] {
            assert_eq!(bad.parse::<SignalId>(), Err(NotASnowflake), "{bad}");
        }
    }

    #[test]
    fn the_time_is_in_the_id() {
        // The example in Discord's own reference.
        let id: SignalId = "175928847299117063".parse().unwrap();
        assert_eq!(id.created_at_ms(), 1_462_015_105_796);
    }

    #[test]
    fn json_is_a_string_and_never_a_number() {
        let id: ChannelId = serde_json::from_str("\"42\"").unwrap();
        assert_eq!(serde_json::to_string(&id).unwrap(), "\"42\"");
        assert!(serde_json::from_str::<ChannelId>("42").is_err());
    }
}
