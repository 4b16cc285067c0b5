//! Who may use the admin listener: whoever brings its token, and no page of another origin in an administrator's browser.

use super::Admin;
use crate::{
    error::ApiError,
    http::{bearer, origin},
    token,
};
use actix_web::{
    Error,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::{
        Method,
        header::{HOST, HeaderMap, HeaderName},
    },
    middleware::Next,
    web,
};
use std::net::{IpAddr, SocketAddr};

/// The middleware of the whole admin listener, [`crate::http::correlation::correlate`] around it. `/healthz` and `/readyz`
/// are for everybody; so are `/` and `/assets/…`, which hold no data.
pub async fn guard<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    if !is_for_everybody(request.method(), request.path()) {
        let admin = request.app_data::<web::Data<Admin>>();
        let token = admin.and_then(|admin| admin.token.as_ref());
        check(
            request.method(),
            request.headers(),
            token.map(|token| token.expose()),
        )?;
    }
    next.call(request).await
}

fn is_for_everybody(method: &Method, path: &str) -> bool {
    let open = matches!(path, "/healthz" | "/readyz" | "/") || path.starts_with("/assets/");
    open && (method == Method::GET || method == Method::HEAD)
}

/// Whether a request with these headers may be served.
fn check(method: &Method, headers: &HeaderMap, token: Option<&str>) -> Result<(), ApiError> {
    match token {
        Some(token)
            if !bearer::token(headers).is_some_and(|given| token::is_same(given, token)) =>
        {
            return Err(ApiError::unauthorized());
        }
        // A foreign name that resolves to this machine would make a foreign page one of our own origin.
        None if !is_named_plainly(headers) => {
            return Err(ApiError::forbidden(
                "forbidden",
                "without a token ask by address or as localhost",
            ));
        }
        _ => {}
    }
    let changes_nothing = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
    if !changes_nothing && is_from_a_foreign_page(headers) {
        return Err(ApiError::forbidden(
            "forbidden",
            "a page of another origin may change nothing",
        ));
    }
    Ok(())
}

/// Whether the host is an address or `localhost`. A program that sends none is no browser.
fn is_named_plainly(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(HOST) else {
        return true;
    };
    let Ok(host) = value.to_str() else {
        return false;
    };
    let name = host.rsplit_once(':').map_or(host, |(name, _port)| name);
    host.parse::<SocketAddr>().is_ok()
        || host.parse::<IpAddr>().is_ok()
        || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok()
        || name.eq_ignore_ascii_case("localhost")
        || name.parse::<IpAddr>().is_ok()
}

/// Browsers say where a request comes from; programs say nothing.
fn is_from_a_foreign_page(headers: &HeaderMap) -> bool {
    let site = HeaderName::from_static("sec-fetch-site");
    let foreign_site = headers
        .get(site)
        .is_some_and(|site| site != "same-origin" && site != "none");
    foreign_site || origin::is_foreign(headers)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use actix_web::http::header::HeaderValue;

    fn answer(
        method: &Method,
        token: Option<&str>,
        headers: &[(&'static str, &'static str)],
    ) -> &'static str {
        let headers: HeaderMap = headers
            .iter()
            .map(|&(name, value)| {
                (
                    HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            })
            .collect();
        check(method, &headers, token).map_or_else(|error| error.error_code(), |()| "")
    }

    #[test]
    fn who_may_ask() {
        type Case<'a> = (Option<&'a str>, &'a [(&'static str, &'static str)], &'a str);
        let table: [Case<'_>; 13] = [
            (Some("t"), &[], "unauthorized"),
            (Some("t"), &[("authorization", "Bearer x")], "unauthorized"),
            (Some("t"), &[("authorization", "Basic t")], "unauthorized"),
            (Some("t"), &[("authorization", "t")], "unauthorized"),
            (Some("t"), &[("authorization", "bearer t")], ""),
            (
                Some("t"),
                &[
                    ("authorization", "Bearer t"),
                    ("host", "heliograph.example"),
                ],
                "",
            ),
            (None, &[], ""),
            (None, &[("host", "127.0.0.1:8081")], ""),
            (None, &[("host", "[::1]:8081")], ""),
            (None, &[("host", "[::1]")], ""),
            (None, &[("host", "LOCALHOST:8081")], ""),
            (None, &[("host", "rebound.example:8081")], "forbidden"),
            (None, &[("host", "localhost.example")], "forbidden"),
        ];
        for (token, headers, want) in table {
            assert_eq!(
                answer(&Method::GET, token, headers),
                want,
                "{token:?} {headers:?}"
            );
        }
    }

    #[test]
    fn a_foreign_page_changes_nothing() {
        type Case<'a> = (&'a [(&'static str, &'static str)], &'a str);
        let table: [Case<'_>; 7] = [
            (
                &[
                    ("host", "127.0.0.1:8081"),
                    ("origin", "http://127.0.0.1:8081"),
                    ("sec-fetch-site", "same-origin"),
                ],
                "",
            ),
            (&[("sec-fetch-site", "none")], ""),
            (&[("sec-fetch-site", "cross-site")], "forbidden"),
            (&[("sec-fetch-site", "same-site")], "forbidden"),
            (
                &[
                    ("host", "127.0.0.1:8081"),
                    ("origin", "http://127.0.0.1:9999"),
                ],
                "forbidden",
            ),
            (
                &[
                    ("host", "127.0.0.1:8081"),
                    ("origin", "https://evil.example"),
                ],
                "forbidden",
            ),
            (
                &[("host", "127.0.0.1:8081"), ("origin", "null")],
                "forbidden",
            ),
        ];
        for (headers, want) in table {
            for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
                assert_eq!(answer(&method, None, headers), want, "{method} {headers:?}");
            }
        }
        assert_eq!(
            answer(&Method::GET, None, &[("sec-fetch-site", "cross-site")]),
            ""
        );
    }

    #[test]
    fn only_what_holds_no_data_is_for_everybody() {
        for (method, path, open) in [
            (Method::GET, "/healthz", true),
            (Method::GET, "/readyz", true),
            (Method::GET, "/", true),
            (Method::GET, "/assets/a.js", true),
            (Method::POST, "/", false),
            (Method::GET, "/api/connectors", false),
            (Method::GET, "/metrics", false),
            (Method::GET, "/debug/actors", false),
            (Method::GET, "/healthz/../api/connectors", false),
        ] {
            assert_eq!(is_for_everybody(&method, path), open, "{method} {path}");
        }
    }
}
