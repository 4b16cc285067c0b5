//! Lays a file and the environment over the defaults. The defaults say which keys there are and of what kind each is.

use super::{ConfigError, FILE_VARIABLE};
use toml::{Table, Value};

/// Compiled in, so that a binary alone is complete.
const DEFAULTS: &str = include_str!("../../config/default.toml");

const PREFIX: &str = "HELIOGRAPH_";

/// The defaults with the file and the variables over them.
pub(super) fn merged(
    file: Option<Table>,
    variables: &[(String, String)],
) -> Result<Table, ConfigError> {
    let mut table = defaults()?;
    for (section, keys) in file.unwrap_or_default() {
        let Value::Table(keys) = keys else {
            return Err(ConfigError::UnknownKey(section));
        };
        for (key, value) in keys {
            put(&mut table, &section, &key, value)?;
        }
    }
    // The name that every tool knows gives way to the name that only we have.
    if let Some((_, url)) = variables.iter().find(|(name, _)| name == "DATABASE_URL") {
        put(&mut table, "database", "url", Value::String(url.clone()))?;
    }
    for (name, text) in variables
        .iter()
        .filter(|(name, _)| name.starts_with(PREFIX) && name != FILE_VARIABLE)
    {
        let (section, key) =
            section_and_key(&table, name).ok_or_else(|| ConfigError::UnknownKey(name.clone()))?;
        let value = of_kind(default(&table, &section, &key), text).ok_or_else(|| {
            ConfigError::BadValue {
                key: name.clone(),
                reason: "expected an integer".to_owned(),
            }
        })?;
        put(&mut table, &section, &key, value)?;
    }
    Ok(table)
}

pub(super) fn defaults() -> Result<Table, ConfigError> {
    DEFAULTS
        .parse()
        .map_err(|error: toml::de::Error| ConfigError::NotToml {
            path: "config/default.toml".into(),
            reason: error.to_string(),
        })
}

fn default<'a>(table: &'a Table, section: &str, key: &str) -> Option<&'a Value> {
    table.get(section)?.get(key)
}

fn put(table: &mut Table, section: &str, key: &str, value: Value) -> Result<(), ConfigError> {
    let place = table
        .get_mut(section)
        .and_then(|section| section.get_mut(key));
    let place = place.ok_or_else(|| ConfigError::UnknownKey(format!("{section}.{key}")))?;
    if !place.same_type(&value) {
        let reason = format!("expected {}, not {}", kind(place), kind(&value));
        return Err(ConfigError::BadValue {
            key: format!("{section}.{key}"),
            reason,
        });
    }
    *place = value;
    Ok(())
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "a string",
        Value::Integer(_) => "an integer",
        Value::Float(_) => "a number with a fraction",
        Value::Boolean(_) => "true or false",
        Value::Datetime(_) => "a date",
        Value::Array(_) => "a list",
        Value::Table(_) => "a section",
    }
}

/// `HELIOGRAPH_PUBLIC_LISTEN`: `public`, `listen`.
fn section_and_key(table: &Table, name: &str) -> Option<(String, String)> {
    let (section, key) = name.strip_prefix(PREFIX)?.split_once('_')?;
    let (section, key) = (section.to_ascii_lowercase(), key.to_ascii_lowercase());
    default(table, &section, &key)?;
    Some((section, key))
}

/// The text as a value of the same kind as the default.
fn of_kind(default: Option<&Value>, text: &str) -> Option<Value> {
    match default {
        Some(Value::Integer(_)) => text.trim().parse().ok().map(Value::Integer),
        Some(Value::Boolean(_)) => text.trim().parse().ok().map(Value::Boolean),
        _ => Some(Value::String(text.to_owned())),
    }
}
