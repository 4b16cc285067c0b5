//! The kinds of values that bodies and paths hold, checked where they are read: what got through is of the right form.

use heliograph_actors::routing::ThreadMode;
use serde::{Deserialize, Deserializer, de::Error};
use std::borrow::Cow;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type},
};

/// Longest id that we give ourselves.
const KEY_CHARS_MAX: usize = 64;

/// Longest name for people.
const NAME_CHARS_MAX: usize = 100;

/// The highest tier.
const TIER_MAX: i16 = 100;

/// An id of a connector or a tenant.
#[derive(Debug, Clone, PartialEq, Eq, utoipa::ToSchema)]
#[schema(pattern = "^[A-Za-z0-9_.-]{1,64}$")]
pub(super) struct Key(pub(super) String);

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        let plain = text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b));
        // A path would read these as "here" and "above".
        let is_a_path = text == "." || text == "..";
        if plain && !is_a_path && (1..=KEY_CHARS_MAX).contains(&text.len()) {
            return Ok(Self(text.into_owned()));
        }
        Err(D::Error::custom(format!(
            "expected 1 to {KEY_CHARS_MAX} of the characters A-Z a-z 0-9 _ . -"
        )))
    }
}

/// A name for people: one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name(pub(super) String);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        let trimmed = text.trim();
        let fits = (1..=NAME_CHARS_MAX).contains(&trimmed.chars().count());
        if fits && !trimmed.chars().any(char::is_control) {
            return Ok(Self(trimmed.to_owned()));
        }
        Err(D::Error::custom(format!(
            "expected 1 to {NAME_CHARS_MAX} characters without control characters"
        )))
    }
}

/// A tier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tier(pub(super) i16);

impl<'de> Deserialize<'de> for Tier {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let tier = i64::deserialize(deserializer)?;
        let tier = i16::try_from(tier)
            .ok()
            .filter(|tier| (0..=TIER_MAX).contains(tier));
        tier.map(Self)
            .ok_or_else(|| D::Error::custom(format!("expected a tier from 0 to {TIER_MAX}")))
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
