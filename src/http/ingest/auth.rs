//! Who pushes: from the bearer token to its connector, by the routing snapshot and never by a query. The token itself is
//! hashed at once and kept nowhere. Whether one that was replaced still works is asked with every request, by the time it is.

use crate::{error::ApiError, http::bearer, token};
use actix_web::http::header::HeaderMap;
use heliograph_actors::routing::{Connector, RoutingTable};
use std::sync::Arc;

/// Longest token that is hashed, in bytes. Ours are far shorter.
const TOKEN_BYTES_MAX: usize = 512;

/// Who a request is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authenticated {
    /// Whose token it carries.
    pub connector: Arc<Connector>,
    /// When that token ends, in ms since 1970; `None` for the one that stands.
    pub until_ms: Option<i64>,
}

/// The connector whose token this request carries at `now_ms`: the one that stands, or the one before it as long as both are valid.
///
/// # Errors
/// 401 `unauthorized` when the token is missing, of another scheme, of no connector, or over.
pub fn authenticate(
    headers: &HeaderMap,
    table: &RoutingTable,
    now_ms: i64,
) -> Result<Authenticated, ApiError> {
    let hash = bearer::token(headers)
        .filter(|text| text.len() <= TOKEN_BYTES_MAX)
        .map(token::hash)
        .ok_or_else(ApiError::unauthorized)?;
    let connector = table
        .connector_by_token
        .get(&hash)
        .ok_or_else(ApiError::unauthorized)?;
    let until_ms = if connector.token_hash == hash {
        None
    } else {
        let previous = connector
            .previous_token
            .filter(|previous| previous.hash == hash && now_ms < previous.until_ms);
        Some(previous.ok_or_else(ApiError::unauthorized)?.until_ms)
    };
    Ok(Authenticated {
        connector: Arc::clone(connector),
        until_ms,
    })
}

/// Checks that what a body or query says of its owner is true.
///
/// # Errors
/// 403 `forbidden` when it names another tenant or connector.
pub fn belongs(
    connector: &Connector,
    tenant_key: &str,
    connector_id: &str,
) -> Result<(), ApiError> {
    if connector.tenant_key == tenant_key && connector.connector_id == connector_id {
        return Ok(());
    }
    Err(ApiError::forbidden(
        "forbidden",
        "the token is of another connector",
    ))
}

/// Checks that this connector may push now.
///
/// # Errors
/// 403 `connector_paused` when it is paused or its ingest is off.
pub fn may_push(connector: &Connector) -> Result<(), ApiError> {
    if !connector.is_paused && connector.ingest_enabled {
        return Ok(());
    }
    Err(ApiError::forbidden(
        "connector_paused",
        "the connector is paused or its ingest is off",
    ))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::http::ingest::fixture;
    use actix_web::http::header::{AUTHORIZATION, HeaderValue};
    use heliograph_actors::routing::PreviousToken;

    fn asked_with(authorization: Option<&str>) -> Result<String, &'static str> {
        let mut headers = HeaderMap::new();
        if let Some(value) = authorization {
            headers.insert(AUTHORIZATION, HeaderValue::from_str(value).unwrap());
        }
        let table = fixture::table([fixture::connector("c1"), fixture::connector("c2")]);
        authenticate(&headers, &table, 0)
            .map(|who| who.connector.connector_id.clone())
            .map_err(|error| error.error_code())
    }

    #[test]
    fn the_token_decides() {
        let long = format!("Bearer {}", "x".repeat(TOKEN_BYTES_MAX + 1));
        let unauthorized = Err("unauthorized");
        let table = [
            (Some("Bearer token-of-c1"), Ok("c1".to_owned())),
            (Some("bearer  token-of-c2 "), Ok("c2".to_owned())),
            (Some("Bearer token-of-c3"), unauthorized.clone()),
            (Some("Bearer"), unauthorized.clone()),
            (Some("Bearer "), unauthorized.clone()),
            (Some("Basic token-of-c1"), unauthorized.clone()),
            (Some("token-of-c1"), unauthorized.clone()),
            (Some(long.as_str()), unauthorized.clone()),
            (None, unauthorized),
        ];
        for (authorization, expected) in table {
            assert_eq!(asked_with(authorization), expected, "{authorization:?}");
        }
    }

    #[test]
    fn the_token_before_works_until_its_time() {
        let mut connector = fixture::connector("c1");
        connector.previous_token = Some(PreviousToken {
            hash: token::hash("token-before"),
            until_ms: 1_000,
        });
        let table = fixture::table([connector, fixture::connector("c2")]);
        let asked = |token: &str, now_ms| {
            let mut headers = HeaderMap::new();
            let value = HeaderValue::from_str(&format!("Bearer {token}")).unwrap();
            headers.insert(AUTHORIZATION, value);
            authenticate(&headers, &table, now_ms)
                .map(|who| (who.connector.connector_id.clone(), who.until_ms))
                .map_err(|error| error.error_code())
        };
        let c1 = |until_ms| Ok(("c1".to_owned(), until_ms));
        for (token, now_ms, expected) in [
            ("token-before", 999, c1(Some(1_000))),
            ("token-before", 1_000, Err("unauthorized")),
            ("token-before", 9_999, Err("unauthorized")),
            ("token-of-c1", 999, c1(None)),
            ("token-of-c1", 9_999, c1(None)),
        ] {
            assert_eq!(asked(token, now_ms), expected, "{token} at {now_ms}");
        }
    }

    #[test]
    fn both_names_must_be_its_own() {
        let connector = fixture::connector("c1");
        assert!(belongs(&connector, "tenant", "c1").is_ok());
        for (tenant_key, connector_id) in [
            ("tenant", "c2"),
            ("other", "c1"),
            ("", ""),
            ("TENANT", "c1"),
        ] {
            assert_eq!(
                belongs(&connector, tenant_key, connector_id)
                    .unwrap_err()
                    .error_code(),
                "forbidden"
            );
        }
    }

    #[test]
    fn pause_and_switch_both_stop_it() {
        let mut connector = fixture::connector("c1");
        assert!(may_push(&connector).is_ok());
        connector.is_paused = true;
        assert_eq!(
            may_push(&connector).unwrap_err().error_code(),
            "connector_paused"
        );
        connector.is_paused = false;
        connector.ingest_enabled = false;
        assert_eq!(
            may_push(&connector).unwrap_err().error_code(),
            "connector_paused"
        );
    }
}
