//! The token of `Authorization: Bearer …`, read alike on every listener. Whose it is, each listener decides.

use actix_web::http::header::{AUTHORIZATION, HeaderMap};

/// The token; `None` without one or with another scheme, whose case does not matter. It may be empty, which is nobody's.
pub fn token(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.trim_start().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;

    #[test]
    fn only_its_scheme_brings_a_token() {
        for (value, want) in [
            ("Bearer abc", Some("abc")),
            ("bEARER  abc ", Some("abc")),
            ("Bearer ", Some("")),
            ("Bearer", None),
            ("Basic abc", None),
            ("abc", None),
            ("Bearer \u{e9}", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, HeaderValue::from_str(value).expect(value));
            assert_eq!(token(&headers), want, "{value}");
        }
        assert_eq!(token(&HeaderMap::new()), None);
    }
}
