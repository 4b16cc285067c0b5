//! How a value of TOML becomes a value of ours. The reasons say what is expected and never repeat a secret.

use super::keys::LogFormat;
use std::{fmt, net::SocketAddr, path::PathBuf};
use toml::Value;

/// A token or a password: shown nowhere by accident.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Hides this text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for the one who has to send or compare it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// A type that a key can have. The error says what is expected.
pub(super) trait Setting: Sized {
    fn from_value(value: &Value) -> Result<Self, String>;
}

fn text(value: &Value) -> Result<&str, String> {
    value.as_str().ok_or_else(|| "expected a string".to_owned())
}

impl Setting for String {
    fn from_value(value: &Value) -> Result<Self, String> {
        match text(value)? {
            "" => Err("must not be empty".to_owned()),
            text => Ok(text.to_owned()),
        }
    }
}

impl Setting for SocketAddr {
    fn from_value(value: &Value) -> Result<Self, String> {
        text(value)?
            .parse()
            .map_err(|_| "expected an address with a port, like 127.0.0.1:8080".to_owned())
    }
}

impl Setting for PathBuf {
    fn from_value(value: &Value) -> Result<Self, String> {
        String::from_value(value).map(Self::from)
    }
}

impl Setting for Option<PathBuf> {
    fn from_value(value: &Value) -> Result<Self, String> {
        Ok(Some(text(value)?)
            .filter(|text| !text.is_empty())
            .map(PathBuf::from))
    }
}

impl Setting for Option<Secret> {
    fn from_value(value: &Value) -> Result<Self, String> {
        Ok(Some(text(value)?.trim())
            .filter(|text| !text.is_empty())
            .map(Secret::new))
    }
}

impl Setting for bool {
    fn from_value(value: &Value) -> Result<Self, String> {
        value
            .as_bool()
            .ok_or_else(|| "expected true or false".to_owned())
    }
}

impl Setting for LogFormat {
    fn from_value(value: &Value) -> Result<Self, String> {
        match text(value)? {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err("expected \"text\" or \"json\"".to_owned()),
        }
    }
}

/// A tier, or none where it is negative.
impl Setting for Option<i16> {
    fn from_value(value: &Value) -> Result<Self, String> {
        let tier = value.as_integer().filter(|tier| (-1..=100).contains(tier));
        let tier = tier.and_then(|tier| i16::try_from(tier).ok());
        tier.map(|tier| Some(tier).filter(|tier| *tier >= 0))
            .ok_or_else(|| "expected a tier up to 100, or -1 for none".to_owned())
    }
}

/// Where 0 has no meaning is known by the key, not by the type.
macro_rules! counts {
    ($($Type:ty),+) => {$(
        impl Setting for $Type {
            fn from_value(value: &Value) -> Result<Self, String> {
                let number = value.as_integer().and_then(|number| <$Type>::try_from(number).ok());
                number.ok_or_else(|| format!("expected an integer from 0 to {}", <$Type>::MAX))
            }
        }
    )+};
}

counts!(u32, u64, usize);
