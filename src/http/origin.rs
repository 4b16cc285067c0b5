//! Whether a browser sends a request from a page of another site. Programs that name no origin are of none.

use actix_web::http::header::{HOST, HeaderMap, ORIGIN};

/// Whether the origin is named and is not the host that was asked. What does not read counts as foreign.
pub fn is_foreign(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).map(|value| value.to_str().ok());
    let Some(origin) = text(ORIGIN) else {
        return false;
    };
    let authority = origin
        .and_then(|origin| origin.split_once("://"))
        .map(|(_scheme, authority)| authority);
    authority.is_none() || authority != text(HOST).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;

    #[test]
    fn only_the_host_that_was_asked_is_ours() {
        for (origin, host, foreign) in [
            (None, Some("a.example"), false),
            (None, None, false),
            (Some("https://a.example"), Some("a.example"), false),
            (Some("http://a.example:81"), Some("a.example:81"), false),
            (Some("http://a.example:81"), Some("a.example"), true),
            (Some("https://b.example"), Some("a.example"), true),
            (Some("null"), Some("a.example"), true),
            (Some("a.example"), Some("a.example"), true),
            (Some("https://a.example"), None, true),
        ] {
            let mut headers = HeaderMap::new();
            for (name, value) in [(ORIGIN, origin), (HOST, host)] {
                if let Some(value) = value {
                    headers.insert(name, HeaderValue::from_static(value));
                }
            }
            assert_eq!(is_foreign(&headers), foreign, "{origin:?} {host:?}");
        }
    }
}
