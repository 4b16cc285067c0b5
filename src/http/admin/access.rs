//! Who may use the admin listener: whoever brings its token, or a browser that signed in with it; and no page of another origin in
//! an administrator's browser.

use super::{Admin, session};
use crate::{
    clock,
    error::ApiError,
    http::{admin_app, bearer, origin},
    token,
};
use actix_web::{
    Error,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::{
        Method,
        header::{AUTHORIZATION, HOST, HeaderMap, HeaderName, ORIGIN, UPGRADE},
    },
    middleware::Next,
    web,
};
use std::net::{IpAddr, SocketAddr};

/// The middleware of the whole admin listener, [`crate::http::correlation::correlate`] around it. `/healthz` and `/readyz`
/// are for everybody; so is the web app, which holds no data, and signing in.
pub async fn guard<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let pattern = request.match_pattern();
    let access = access(request.method(), request.path(), pattern.as_deref());
    if access != Access::Everybody {
        let admin = request.app_data::<web::Data<Admin>>();
        let token = admin.and_then(|admin| admin.token.as_ref());
        let cookie = request.cookie(session::COOKIE);
        let is_signed_in = || {
            cookie.as_ref().zip(admin).is_some_and(|(cookie, admin)| {
                admin.sign_ins.is_signed_in(clock::now_ms(), cookie.value())
            })
        };
        check(
            &Asking {
                method: request.method(),
                headers: request.headers(),
                is_open: access == Access::OurPages,
            },
            token.map(|token| token.expose()),
            is_signed_in,
        )?;
    }
    next.call(request).await
}

/// Who may ask for something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Access {
    /// Whoever reaches the listener.
    Everybody,
    /// The same, but from no page of another origin.
    OurPages,
    /// Whoever has proved to be an administrator.
    Administrators,
}

/// `pattern` is the route that is asked for, as the router knows it: what is no route is the web app's. A path with an escape in it
/// is read otherwise by the router than here, so it is none of the app's.
fn access(method: &Method, path: &str, pattern: Option<&str>) -> Access {
    let reads = method == Method::GET || method == Method::HEAD;
    match pattern {
        Some("/healthz" | "/readyz") if reads => Access::Everybody,
        Some("/api/session") => Access::OurPages,
        None if reads && !path.contains('%') && !admin_app::is_ours(path) => Access::Everybody,
        _ => Access::Administrators,
    }
}

/// What there is to judge by.
struct Asking<'a> {
    method: &'a Method,
    headers: &'a HeaderMap,
    /// Nothing is to be proved.
    is_open: bool,
}

/// Whether this may be served.
fn check(
    asking: &Asking<'_>,
    token: Option<&str>,
    is_signed_in: impl Fn() -> bool,
) -> Result<(), ApiError> {
    let headers = asking.headers;
    match token {
        Some(_) if asking.is_open => {}
        Some(token) if brings(headers, token) => {}
        Some(_) if headers.contains_key(AUTHORIZATION) => return Err(ApiError::unauthorized()),
        Some(_) => {
            if !is_signed_in() {
                return Err(ApiError::unauthorized());
            }
            // A browser adds the cookie by itself: who made it do so must be said.
            let reads = matches!(*asking.method, Method::GET | Method::HEAD | Method::OPTIONS);
            let opens_a_socket = headers.contains_key(UPGRADE);
            if (!reads || opens_a_socket) && !is_from_our_page(headers) {
                return Err(ApiError::forbidden(
                    "forbidden",
                    "with a cookie the request must say that a page of ours makes it",
                ));
            }
        }
        // A foreign name that resolves to this machine would make a foreign page one of our own origin.
        None if !is_named_plainly(headers) => {
            return Err(ApiError::forbidden(
                "forbidden",
                "without a token ask by address or as localhost",
            ));
        }
        None => {}
    }
    if is_from_a_foreign_page(headers) {
        return Err(ApiError::forbidden(
            "forbidden",
            "a page of another origin is answered nothing",
        ));
    }
    Ok(())
}

fn brings(headers: &HeaderMap, token: &str) -> bool {
    bearer::token(headers).is_some_and(|given| token::is_same(given, token))
}

/// Whether a request that was let through was so by its cookie.
pub(super) fn is_by_cookie(headers: &HeaderMap, admin: &Admin) -> bool {
    admin.token.is_some() && !headers.contains_key(AUTHORIZATION)
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

const SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Whether the browser says that a page of ours makes this request.
fn is_from_our_page(headers: &HeaderMap) -> bool {
    let own_origin = headers.contains_key(ORIGIN) && !origin::is_foreign(headers);
    own_origin || headers.get(SITE).is_some_and(|site| site == "same-origin")
}

/// Browsers say where a request comes from; programs say nothing.
fn is_from_a_foreign_page(headers: &HeaderMap) -> bool {
    let foreign_site = headers
        .get(SITE)
        .is_some_and(|site| site != "same-origin" && site != "none");
    foreign_site || origin::is_foreign(headers)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use actix_web::http::header::HeaderValue;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |&(name, value): &(&'static str, &'static str)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        };
        pairs.iter().map(pair).collect()
    }

    fn answer(
        method: &Method,
        token: Option<&str>,
        signed_in: bool,
        pairs: &[(&'static str, &'static str)],
    ) -> &'static str {
        let asking = Asking {
            method,
            headers: &headers(pairs),
            is_open: false,
        };
        check(&asking, token, || signed_in).map_or_else(|error| error.error_code(), |()| "")
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
                answer(&Method::GET, token, false, headers),
                want,
                "{token:?} {headers:?}"
            );
        }
    }

    #[test]
    fn a_cookie_serves_our_own_pages_alone() {
        let own = [("host", "a.example"), ("origin", "https://a.example")];
        let foreign = [("host", "a.example"), ("origin", "https://b.example")];
        let says_so = [("sec-fetch-site", "same-origin")];
        let typed = [("sec-fetch-site", "none")];
        let other = [("sec-fetch-site", "cross-site")];
        let socket = [("upgrade", "websocket")];
        let own_socket = [
            ("upgrade", "websocket"),
            ("host", "a.example"),
            ("origin", "https://a.example"),
        ];
        let wrong_bearer = [("authorization", "Bearer x")];
        type Case<'a> = (
            &'a Method,
            bool,
            &'a [(&'static str, &'static str)],
            &'a str,
        );
        let table: [Case<'_>; 14] = [
            (&Method::GET, false, &says_so, "unauthorized"),
            (&Method::GET, true, &[], ""),
            (&Method::GET, true, &typed, ""),
            (&Method::GET, true, &own, ""),
            (&Method::GET, true, &foreign, "forbidden"),
            (&Method::GET, true, &other, "forbidden"),
            (&Method::GET, true, &wrong_bearer, "unauthorized"),
            (&Method::GET, true, &socket, "forbidden"),
            (&Method::GET, true, &own_socket, ""),
            (&Method::POST, true, &[], "forbidden"),
            (&Method::POST, true, &typed, "forbidden"),
            (&Method::POST, true, &own, ""),
            (&Method::DELETE, true, &says_so, ""),
            (&Method::PATCH, true, &foreign, "forbidden"),
        ];
        for (method, signed_in, headers, want) in table {
            let found = answer(method, Some("t"), signed_in, headers);
            assert_eq!(found, want, "{method} {signed_in} {headers:?}");
        }
    }

    #[test]
    fn a_foreign_page_is_answered_nothing() {
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
        for (pairs, want) in table {
            for method in [Method::GET, Method::POST, Method::PUT, Method::DELETE] {
                let found = answer(&method, None, false, pairs);
                assert_eq!(found, want, "{method} {pairs:?}");
            }
            // Nor may it sign somebody in or out.
            let asking = Asking {
                method: &Method::POST,
                headers: &headers(pairs),
                is_open: true,
            };
            let found = check(&asking, Some("t"), || false);
            assert_eq!(found.map_or_else(|error| error.error_code(), |()| ""), want);
        }
    }

    #[test]
    fn only_what_holds_no_data_is_for_everybody() {
        use Access::{Administrators, Everybody, OurPages};
        for (method, path, pattern, want) in [
            (Method::GET, "/healthz", Some("/healthz"), Everybody),
            (Method::GET, "/readyz", Some("/readyz"), Everybody),
            (Method::POST, "/readyz", Some("/readyz"), Administrators),
            (Method::GET, "/", None, Everybody),
            (Method::HEAD, "/connectors/x", None, Everybody),
            (Method::GET, "/assets/a.js", None, Everybody),
            (Method::POST, "/", None, Administrators),
            (Method::POST, "/api/session", Some("/api/session"), OurPages),
            (
                Method::GET,
                "/api/connectors",
                Some("/api/connectors"),
                Administrators,
            ),
            (Method::GET, "/api/none", None, Administrators),
            (Method::GET, "/metrics", Some("/metrics"), Administrators),
            (
                Method::GET,
                "/debug/actors",
                Some("/debug/actors"),
                Administrators,
            ),
            // The router reads escapes, and may find a route.
            (Method::GET, "/%61pi/connectors", None, Administrators),
            // A route that somebody adds anywhere is not open by mistake.
            (Method::GET, "/later", Some("/later"), Administrators),
        ] {
            assert_eq!(access(&method, path, pattern), want, "{method} {path}");
        }
    }
}
