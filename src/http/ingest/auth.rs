//! Who pushes: from the bearer token to its connector, by the routing snapshot and never by a query. The token itself is
//! hashed at once and kept nowhere.

use crate::{error::ApiError, http::bearer, token};
use actix_web::http::header::HeaderMap;
use heliograph_actors::routing::{Connector, RoutingTable};
use std::sync::Arc;

/// Longest token that is hashed, in bytes. Ours are far shorter.
const TOKEN_BYTES_MAX: usize = 512;

/// The connector whose token this request carries.
///
/// # Errors
/// 401 `unauthorized` when the token is missing, of another scheme, or of no connector.
pub fn authenticate(headers: &HeaderMap, table: &RoutingTable) -> Result<Arc<Connector>, ApiError> {
    bearer::token(headers)
        .filter(|text| text.len() <= TOKEN_BYTES_MAX)
        .and_then(|text| table.connector_by_token.get(&token::hash(text)).cloned())
        .ok_or_else(ApiError::unauthorized)
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

    fn asked_with(authorization: Option<&str>) -> Result<String, &'static str> {
        let mut headers = HeaderMap::new();
        if let Some(value) = authorization {
            headers.insert(AUTHORIZATION, HeaderValue::from_str(value).unwrap());
        }
        let table = fixture::table([fixture::connector("c1"), fixture::connector("c2")]);
        authenticate(&headers, &table)
            .map(|connector| connector.connector_id.clone())
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
