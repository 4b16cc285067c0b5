//! The kinds of values that bodies and paths hold, checked where they are read: what got through is of the right form.

use heliograph_actors::routing::ThreadMode;
use heliograph_schema::words::{self, NAME_CHARS_MAX, TIER_MAX};
use serde::{Deserialize, Deserializer, de::Error};
use std::borrow::Cow;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type},
};

/// An id of a connector or a tenant.
#[derive(Debug, Clone, PartialEq, Eq, utoipa::ToSchema)]
#[schema(pattern = "^[A-Za-z0-9_.-]{1,64}$")]
pub(super) struct Key(pub(super) String);

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        words::key(&text).map_err(D::Error::custom)?;
        Ok(Self(text.into_owned()))
    }
}

/// A name for people: one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name(pub(super) String);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        let name = words::name(&text).map_err(D::Error::custom)?;
        Ok(Self(name.to_owned()))
    }
}

/// A tier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tier(pub(super) i16);

impl<'de> Deserialize<'de> for Tier {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        words::tier(i64::deserialize(deserializer)?)
            .map(Self)
            .map_err(D::Error::custom)
    }
}

impl PartialSchema for Name {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .min_length(Some(1))
            .max_length(Some(NAME_CHARS_MAX))
            .into()
    }
}

impl ToSchema for Name {}

impl PartialSchema for Tier {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::Integer)
            .minimum(Some(0))
            .maximum(Some(TIER_MAX))
            .into()
    }
}

impl ToSchema for Tier {}

/// The words of a thread mode, for descriptions: see [`thread_mode`].
#[derive(utoipa::ToSchema)]
#[schema(as = ThreadMode, rename_all = "lowercase")]
#[allow(dead_code)]
pub(super) enum ThreadModeWord {
    /// The channel and its threads.
    Include,
    /// The channel alone.
    Exclude,
    /// Its threads alone.
    Only,
}

/// A thread mode, by its word.
pub(super) fn thread_mode<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<ThreadMode, D::Error> {
    let word = Cow::<'de, str>::deserialize(deserializer)?;
    ThreadMode::from_word(&word)
        .ok_or_else(|| D::Error::custom("expected include, exclude or only"))
}

/// Tells `null` (`Some(None)`) from a field that is not there (`None`, by `#[serde(default)]`).
pub(super) fn said<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// A field that must be there and may be `null`: serde alone takes its absence for `null`.
pub(super) fn required<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    Option::deserialize(deserializer)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde::de::DeserializeOwned;

    fn takes<T: DeserializeOwned>(json: &str) -> bool {
        serde_json::from_str::<T>(json).is_ok()
    }

    #[test]
    fn what_each_kind_takes() {
        let long = |n: usize| format!("\"{}\"", "x".repeat(n));
        for (json, ok) in [
            ("\"Mirror-1.a_b\"", true),
            ("\"\"", false),
            ("\"a b\"", false),
            ("\"..\"", false),
            ("\"...\"", true),
            ("\"a/b\"", false),
            ("\"é\"", false),
            ("\"a\\u0000\"", false),
            (&long(64), true),
            (&long(65), false),
        ] {
            assert_eq!(takes::<Key>(json), ok, "{json}");
        }
        for (json, ok) in [
            ("\"Küche, links\"", true),
            ("\" \"", false),
            ("\"a\\u0000b\"", false),
            ("\"a\\nb\"", false),
            (&long(100), true),
            (&long(101), false),
        ] {
            assert_eq!(takes::<Name>(json), ok, "{json}");
        }
        for (json, ok) in [
            ("0", true),
            ("100", true),
            ("101", false),
            ("-1", false),
            ("1.5", false),
            ("\"1\"", false),
            ("65536", false),
        ] {
            assert_eq!(takes::<Tier>(json), ok, "{json}");
        }
    }
}
