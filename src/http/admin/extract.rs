//! What comes in with a request of the admin listener, read with its place: a body or a query that is not what is expected is
//! refused with the field at fault.

use crate::{error::ApiError, http::listeners::JSON_BYTES_MAX};
use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    web::{self, BytesMut},
};
use futures_util::{StreamExt as _, future::LocalBoxFuture};
use serde::de::DeserializeOwned;
use serde_path_to_error::{Deserializer, Track};
use std::{
    fmt::Display,
    future::{Ready, ready},
    ops::Deref,
};

/// So many times the bound is read and thrown away, because a client that still sends does not see our answer.
const DISCARDED_BODIES_MAX: usize = 2;

/// A JSON body of at most so many bytes, whatever its content type is said to be.
#[derive(Debug)]
pub(super) struct Json<T, const BYTES_MAX: usize = JSON_BYTES_MAX>(T);

impl<T, const BYTES_MAX: usize> Json<T, BYTES_MAX> {
    /// What was read.
    pub(super) fn into_inner(self) -> T {
        self.0
    }
}

impl<T, const BYTES_MAX: usize> Deref for Json<T, BYTES_MAX> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: DeserializeOwned, const BYTES_MAX: usize> FromRequest for Json<T, BYTES_MAX> {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let payload = web::Payload::from_request(request, payload).into_inner();
        Box::pin(async move {
            let payload = payload.map_err(unreadable)?;
            read(&collect(payload, BYTES_MAX).await?).map(Self)
        })
    }
}

async fn collect(mut payload: web::Payload, bytes_max: usize) -> Result<BytesMut, ApiError> {
    let (mut body, mut arrived) = (BytesMut::new(), 0_usize);
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(unreadable)?;
        arrived = arrived.saturating_add(chunk.len());
        if arrived <= bytes_max {
            body.extend_from_slice(&chunk);
        } else if arrived > bytes_max.saturating_mul(DISCARDED_BODIES_MAX + 1) {
            break;
        }
    }
    if arrived > bytes_max {
        return Err(ApiError::body_too_large(bytes_max));
    }
    Ok(body)
}

// What `map_err` hands over.
#[allow(clippy::needless_pass_by_value)]
fn unreadable(error: impl Display) -> ApiError {
    ApiError::invalid(format!("the body cannot be read: {error}"))
}

fn read<T: DeserializeOwned>(json: &[u8]) -> Result<T, ApiError> {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let refused = |error| misread("the body", error);
    let value = with_place(&mut deserializer).map_err(refused)?;
    deserializer.end().map_err(|error| {
        ApiError::invalid(format!("the body is not JSON that can be read: {error}"))
    })?;
    Ok(value)
}

/// A query string.
#[derive(Debug)]
pub(super) struct Query<T>(T);

impl<T> Deref for Query<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: DeserializeOwned> FromRequest for Query<T> {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let pairs = url::form_urlencoded::parse(request.query_string().as_bytes());
        let read = with_place(serde_urlencoded::Deserializer::new(pairs));
        ready(read.map(Self).map_err(|error| misread("the query", error)))
    }
}

/// Where something stands that does not read, and why not.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Misread {
    /// A dotted path; `None` when it is the whole.
    pub(super) place: Option<String>,
    /// In serde's words.
    pub(super) reason: String,
}

impl Display for Misread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.place {
            // Where the reason is enough to find it again, it is said once.
            Some(place) if named_in(&self.reason).as_ref() != Some(place) => {
                write!(f, "{place}: {}", self.reason)
            }
            _ => f.write_str(&self.reason),
        }
    }
}

/// Reads a value; what it says when that fails begins with the place, where there is one. Values that are read inside of others,
/// by this function again, say theirs through the words of their error, for serde carries nothing else.
pub(super) fn with_place<'de, T, D>(deserializer: D) -> Result<T, Misread>
where
    T: serde::Deserialize<'de>,
    D: serde::Deserializer<'de>,
{
    let mut track = Track::new();
    T::deserialize(Deserializer::new(deserializer, &mut track)).map_err(|error| {
        let outer = track.path().to_string();
        let outer = Some(outer).filter(|path| path != "." && !path.contains('?'));
        let said = error.to_string();
        let (inner, reason) = match said.split_once(": ") {
            Some((place, reason)) if is_place(place) => (Some(place.to_owned()), reason.to_owned()),
            _ => (None, said),
        };
        let named = inner.or_else(|| named_in(&reason));
        Misread {
            place: joined(outer, named),
            reason,
        }
    })
}

/// The field that serde names in its sentence: one that is not there has no place of its own.
fn named_in(reason: &str) -> Option<String> {
    let rest = ["missing field `", "unknown field `", "duplicate field `"]
        .iter()
        .find_map(|start| reason.strip_prefix(start))?;
    let name = rest.split('`').next()?;
    is_place(name).then(|| name.to_owned())
}

fn is_place(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"_.[]".contains(&b);
    !text.is_empty() && text.bytes().all(plain)
}

/// One place inside of another.
pub(super) fn joined(outer: Option<String>, inner: Option<String>) -> Option<String> {
    match (outer, inner) {
        (Some(outer), Some(inner)) if outer == inner || outer.ends_with(&format!(".{inner}")) => {
            Some(outer)
        }
        (Some(outer), Some(inner)) if inner.starts_with('[') => Some(outer + &inner),
        (Some(outer), Some(inner)) => Some(format!("{outer}.{inner}")),
        (outer, inner) => outer.or(inner),
    }
}

fn misread(what: &str, misread: Misread) -> ApiError {
    let refused = ApiError::invalid(format!("{what} is not what is expected: {misread}"));
    match misread.place {
        Some(place) => refused.field(place),
        None => refused,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Item {
        version: i64,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Body {
        items: Vec<Item>,
        name: Option<String>,
    }

    #[derive(Debug, Deserialize)]
    #[allow(dead_code)]
    struct Asked {
        limit: Option<i64>,
    }

    #[test]
    fn what_does_not_read_is_placed() {
        for (body, place) in [
            (
                "{\"items\":[{\"version\":1},{\"version\":\"1\"}]}",
                Some("items[1].version"),
            ),
            ("{\"items\":[{}]}", Some("items[0].version")),
            ("{\"items\":[{\"version\":1,\"x\":1}]}", Some("items[0].x")),
            ("{\"items\":[1]}", Some("items[0]")),
            ("{\"items\":7}", Some("items")),
            ("{}", Some("items")),
            ("{\"items\":[],\"names\":1}", Some("names")),
            ("[]", None),
            ("7", None),
            ("", None),
            ("{\"items\":[]} x", None),
            ("{\"items\":[],\"name\":\"\\ud800\"}", Some("name")),
        ] {
            let refused = read::<Body>(body.as_bytes()).unwrap_err();
            assert_eq!(refused.field_at_fault(), place, "{body}: {refused}");
            assert_eq!(refused.error_code(), "invalid", "{body}");
        }
        assert!(read::<Body>(b"{\"items\":[]}").is_ok());
    }

    #[test]
    fn a_query_names_its_parameter() {
        for (query, place) in [
            ("limit=x", Some("limit")),
            ("limit=1&limit=2", Some("limit")),
        ] {
            let pairs = url::form_urlencoded::parse(query.as_bytes());
            let read = with_place::<Asked, _>(serde_urlencoded::Deserializer::new(pairs));
            assert_eq!(read.unwrap_err().place.as_deref(), place, "{query}");
        }
    }
}
