//! Reads single values out of a connector's JSON: texts, ids, times, lists. Each reading says in one short line what is
//! wrong and with which field, because that line is all an operator sees of a quarantined item. Knows nothing of messages
//! or threads.

use chrono::{DateTime, NaiveDateTime};
use heliograph_schema::ids::DISCORD_EPOCH_MS;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::{borrow::Cow, str::FromStr};

/// How far ahead of our clock a time may be. A stamp from the far future would win every later edit, for ever.
const AHEAD_MS_MAX: i64 = 24 * 60 * 60 * 1000;

/// Longest address that is kept, in bytes. Discord's own signed addresses have about 300.
const ADDRESS_BYTES_MAX: usize = 4096;

/// Longest reason that is kept, in bytes.
const REASON_BYTES_MAX: usize = 400;

/// A value that may be absent; JSON's null counts as absent.
pub(super) type Value<'a> = Option<&'a RawValue>;

/// What is wrong, with the field's name in front.
pub(super) type Reason = String;

/// The body as text: bytes that are no UTF-8, and NUL, become U+FFFD instead of costing the whole body.
pub(super) fn body_text(body: &[u8]) -> Cow<'_, str> {
    let text = String::from_utf8_lossy(body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body));
    if text.contains('\0') {
        text.replace('\0', "\u{FFFD}").into()
    } else {
        text
    }
}

/// JSON with the escapes that no text can hold (`\u0000`, a surrogate without its other half) replaced by `\ufffd`.
pub(super) fn repaired(json: &str) -> Cow<'_, str> {
    let bytes = json.as_bytes();
    let (mut out, mut copied, mut at) = (String::new(), 0, 0);
    // In JSON a backslash stands only in strings, and escapes are read from the left: no need to know where strings begin.
    while let Some(skip) = bytes
        .get(at..)
        .and_then(|rest| rest.iter().position(|byte| *byte == b'\\'))
    {
        at += skip;
        let Some(unit) = escaped_unit(bytes, at) else {
            at += 2;
            continue;
        };
        let is_high = (0xD800..0xDC00).contains(&unit);
        if is_high && escaped_unit(bytes, at + 6).is_some_and(|low| (0xDC00..0xE000).contains(&low))
        {
            at += 12;
            continue;
        }
        if unit == 0 || (0xD800..0xE000).contains(&unit) {
            out.push_str(&json[copied..at]);
            out.push_str("\\ufffd");
            copied = at + 6;
        }
        at += 6;
    }
    if copied == 0 {
        return json.into();
    }
    out.push_str(&json[copied..]);
    out.into()
}

/// The code unit of the escape `\uXXXX` that begins at `at`, if one does.
fn escaped_unit(bytes: &[u8], at: usize) -> Option<u32> {
    let digits = bytes.get(at..at + 6)?.strip_prefix(b"\\u")?;
    digits.iter().try_fold(0, |unit, digit| {
        Some(unit * 16 + char::from(*digit).to_digit(16)?)
    })
}

/// What a value is, for a reason.
fn kind(raw: &RawValue) -> &'static str {
    match raw.get().as_bytes().first() {
        Some(b'{') => "an object",
        Some(b'[') => "an array",
        Some(b'"') => "a string",
        Some(b't' | b'f') => "a boolean",
        Some(b'n') => "null",
        _ => "a number",
    }
}

/// Refuses a value because it is not `expected`.
pub(super) fn unexpected(name: &str, expected: &str, raw: &RawValue) -> Reason {
    format!("{name}: expected {expected}, got {}", kind(raw))
}

/// A reason from inside the entry at `at` of the list `name`. Names are put together only when something is wrong.
pub(super) fn within(name: &str, at: usize, reason: &str) -> Reason {
    let dot = if reason.starts_with(':') { "" } else { "." };
    format!("{name}[{at}]{dot}{reason}")
}

/// A reason of bounded length: parsers quote what they read, which may be the whole item.
pub(super) fn bounded_reason(mut reason: Reason) -> Reason {
    if reason.len() > REASON_BYTES_MAX {
        let end = (0..=REASON_BYTES_MAX)
            .rev()
            .find(|at| reason.is_char_boundary(*at))
            .unwrap_or(0);
        reason.truncate(end);
        reason.push('…');
    }
    reason
}

/// The first `chars_max` characters.
pub(super) fn bounded(text: &str, chars_max: usize) -> String {
    // At most four bytes a character: a short text needs no counting.
    if text.len() <= chars_max {
        return text.to_owned();
    }
    text.chars().take(chars_max).collect()
}

/// Whether this is an object. Derived readers also take arrays for structs, in the order of the fields.
fn is_object(raw: &RawValue) -> bool {
    raw.get().starts_with('{')
}

/// Reads an object. Its reasons have no name in front: it is the caller that knows where it stands.
pub(super) fn object<'a, T: Deserialize<'a>>(raw: &'a RawValue) -> Result<T, Reason> {
    if !is_object(raw) {
        return Err(unexpected("", "an object", raw));
    }
    serde_json::from_str(raw.get()).map_err(|error| format!(": {error}"))
}

/// Refuses an absent value.
pub(super) fn required<T>(name: &str, value: Option<T>) -> Result<T, Reason> {
    value.ok_or_else(|| format!("{name}: missing"))
}

/// A text.
pub(super) fn text<'a>(name: &str, value: Value<'a>) -> Result<Option<Cow<'a, str>>, Reason> {
    let Some(raw) = value else { return Ok(None) };
    let Some(inner) = raw
        .get()
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
    else {
        return Err(unexpected(name, "a string", raw));
    };
    if !inner.contains('\\') {
        return Ok(Some(inner.into()));
    }
    let owned: String =
        serde_json::from_str(raw.get()).map_err(|error| format!("{name}: {error}"))?;
    Ok(Some(owned.into()))
}

/// A text of at most `chars_max` characters; what is longer is cut.
pub(super) fn cut_text(
    name: &str,
    value: Value<'_>,
    chars_max: usize,
) -> Result<Option<String>, Reason> {
    Ok(text(name, value)?
        .filter(|text| !text.is_empty())
        .map(|text| bounded(&text, chars_max)))
}

/// A snowflake in a string. Some connectors say "none" with an empty string.
pub(super) fn id<T: FromStr>(name: &str, value: Value<'_>) -> Result<Option<T>, Reason>
where
    T::Err: std::fmt::Display,
{
    let Some(text) = text(name, value)?.filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    text.parse()
        .map(Some)
        .map_err(|error| format!("{name}: {error}"))
}

/// A snowflake in a string that must be there.
pub(super) fn required_id<T: FromStr>(name: &str, value: Value<'_>) -> Result<T, Reason>
where
    T::Err: std::fmt::Display,
{
    required(name, id(name, value)?)
}

/// A list of at most `count_max` values with their places, without its nulls.
pub(super) fn list<'a>(
    name: &str,
    value: Value<'a>,
    count_max: usize,
) -> Result<Vec<(usize, &'a RawValue)>, Reason> {
    let Some(raw) = value else {
        return Ok(Vec::new());
    };
    if !raw.get().starts_with('[') {
        return Err(unexpected(name, "an array", raw));
    }
    let all: Vec<Value<'a>> =
        serde_json::from_str(raw.get()).map_err(|error| format!("{name}: {error}"))?;
    if all.len() > count_max {
        return Err(format!(
            "{name}: {} entries, at most {count_max}",
            all.len()
        ));
    }
    Ok(all
        .into_iter()
        .enumerate()
        .filter_map(|(at, value)| Some((at, value?)))
        .collect())
}

/// The first `count_max` snowflakes of a list. What is none is left out: who is mentioned does not cost a signal.
pub(super) fn ids<T: FromStr>(value: Value<'_>, count_max: usize) -> Vec<T>
where
    T::Err: std::fmt::Display,
{
    let all: Option<Vec<Value<'_>>> = value.and_then(|raw| serde_json::from_str(raw.get()).ok());
    all.into_iter()
        .flatten()
        .filter_map(|raw| id("", raw).ok().flatten())
        .take(count_max)
        .collect()
}

/// A whole number, also from a string; `None` for anything else. For values that are only shown.
pub(super) fn integer(value: Value<'_>) -> Option<i64> {
    value?.get().trim_matches('"').parse().ok()
}

/// A truth value; `None` for anything else.
pub(super) fn boolean(value: Value<'_>) -> Option<bool> {
    value?.get().parse().ok()
}

/// The latest time that is believed when our clock says `now_ms`.
pub(super) fn latest_ms(now_ms: i64) -> i64 {
    now_ms.saturating_add(AHEAD_MS_MAX)
}

/// A moment in ISO-8601, in milliseconds since 1970. Without an offset it is taken for UTC.
pub(super) fn moment_ms(text: &str) -> Option<i64> {
    let text = text.trim();
    let with_offset = DateTime::parse_from_rfc3339(text)
        .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z"));
    let moment = with_offset.map(|moment| moment.timestamp_millis());
    let plain = || {
        NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f")
            .map(|moment| moment.and_utc().timestamp_millis())
    };
    moment.or_else(|_| plain()).ok()
}

/// A time of Discord's, in milliseconds since 1970: not before its first second, not more than a day ahead of `now_ms`. An
/// empty string and 1970 itself, which is what JavaScript makes of null, say "none".
pub(super) fn time_ms(name: &str, value: Value<'_>, now_ms: i64) -> Result<Option<i64>, Reason> {
    let Some(text) = text(name, value)?.filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    match moment_ms(&text) {
        Some(0) => Ok(None),
        Some(at_ms) if at_ms < DISCORD_EPOCH_MS => Err(format!("{name}: before Discord existed")),
        Some(at_ms) if at_ms > latest_ms(now_ms) => {
            Err(format!("{name}: more than a day ahead of our clock"))
        }
        Some(at_ms) => Ok(Some(at_ms)),
        None => Err(format!("{name}: expected an ISO-8601 time")),
    }
}

/// The address when it is one of the web, with a host: what else a link could start is nothing to show or to fetch.
pub(super) fn web_address(text: &str) -> Option<&str> {
    let text = text.trim();
    let after = |scheme: &str| {
        text.get(..scheme.len())
            .filter(|head| head.eq_ignore_ascii_case(scheme))
            .map(|_| &text[scheme.len()..])
    };
    let rest = after("https://").or_else(|| after("http://"))?;
    let has_host = !rest.starts_with(['/', '?', '#', ':']) && !rest.is_empty();
    let is_clean = !text.chars().any(|c| c.is_whitespace() || c.is_control())
        && text.len() <= ADDRESS_BYTES_MAX;
    (has_host && is_clean).then_some(text)
}

#[cfg(test)]
mod tests;
