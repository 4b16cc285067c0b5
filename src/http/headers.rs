//! What every answer of the admin listener says to browsers, whatever it is: nobody frames it, nothing of it is guessed, kept or
//! read by pages of others. What a route says itself stands.

use actix_web::{
    Error,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    error::InternalError,
    http::header::{
        CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderMap, HeaderName, HeaderValue,
        REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
    },
    middleware::Next,
};

/// Of an answer that is no page: nothing may be run or loaded from it.
const NO_PAGE: &str = "default-src 'none'; frame-ancestors 'none'";

fn all() -> [(HeaderName, &'static str); 7] {
    [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "no-referrer"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
        (CONTENT_SECURITY_POLICY, NO_PAGE),
        (CACHE_CONTROL, "no-store"),
    ]
}

fn complete(headers: &mut HeaderMap) {
    for (name, value) in all() {
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
}

/// The middleware around all others.
pub async fn protect<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    match next.call(request).await {
        Ok(mut response) => {
            complete(response.headers_mut());
            Ok(response)
        }
        // The request is gone with the error, so the answer travels inside another error.
        Err(error) => {
            let mut response = error.error_response();
            complete(response.headers_mut());
            Err(InternalError::from_response(error, response).into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_route_says_stands() {
        let mut headers = HeaderMap::new();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        complete(&mut headers);
        let said = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        assert_eq!(said("cache-control"), Some("no-cache"));
        assert_eq!(said("x-content-type-options"), Some("nosniff"));
        assert_eq!(said("content-security-policy"), Some(NO_PAGE));
        assert_eq!(headers.len(), all().len());
    }
}
