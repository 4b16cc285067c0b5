//! The correlation id of a request: taken from `X-Correlation-Id` when it is usable, else made; in the answer's header, in the
//! body of every error, and at hand for handlers as an extractor.

use crate::{error::ApiError, token};
use actix_web::{
    Error, FromRequest, HttpMessage, HttpRequest,
    body::{BoxBody, MessageBody},
    dev::{Payload, ServiceRequest, ServiceResponse},
    error::InternalError,
    http::header::{HeaderMap, HeaderName, HeaderValue},
    middleware::Next,
};
use std::{
    future::{Ready, ready},
    rc::Rc,
};

/// The header, both ways.
pub const HEADER: &str = "x-correlation-id";

/// A longer one is not taken over.
const CORRELATION_ID_BYTES_MAX: usize = 128;

/// Ties a request, its answer and the lines in the log together. Visible ASCII.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CorrelationId(Rc<str>);

impl CorrelationId {
    /// The text of it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn of(headers: &HeaderMap) -> Self {
        let given = headers.get(HEADER).and_then(|value| value.to_str().ok());
        let usable = |id: &&str| {
            (1..=CORRELATION_ID_BYTES_MAX).contains(&id.len())
                && id.bytes().all(|b| b.is_ascii_graphic())
        };
        given
            .filter(usable)
            .map_or_else(Self::made, |id| Self(id.into()))
    }

    fn made() -> Self {
        Self(token::hex(&rand::random::<[u8; 16]>()).into())
    }
}

/// The id of this request; made now if no middleware did.
pub fn correlation_id(request: &HttpRequest) -> CorrelationId {
    if let Some(id) = request.extensions().get::<CorrelationId>() {
        return id.clone();
    }
    let id = CorrelationId::of(request.headers());
    request.extensions_mut().insert(id.clone());
    id
}

impl FromRequest for CorrelationId {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        ready(Ok(correlation_id(request)))
    }
}

/// The outermost middleware of a listener: gives each request its id, and each answer the same, errors of inner middlewares
/// and of actix-web included.
pub async fn correlate(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let id = correlation_id(request.request());
    match next.call(request).await {
        Ok(response) => {
            let refusal = response
                .response()
                .error()
                .and_then(|error| error.as_error::<ApiError>())
                .cloned();
            let mut response = match refusal {
                Some(refusal) => response.into_response(refusal.answer(&id)),
                None => response.map_into_boxed_body(),
            };
            mark(response.headers_mut(), &id);
            Ok(response)
        }
        // The request is gone with the error, so the answer travels inside another error.
        Err(error) => {
            let mut response = match error.as_error::<ApiError>() {
                Some(refusal) => refusal.answer(&id),
                None => error.error_response(),
            };
            mark(response.headers_mut(), &id);
            Err(InternalError::from_response(error, response).into())
        }
    }
}

fn mark(headers: &mut HeaderMap, id: &CorrelationId) {
    if let Ok(value) = HeaderValue::from_str(id.as_str()) {
        headers.insert(HeaderName::from_static(HEADER), value);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::error::{no_such_route, uniform_errors};
    use actix_web::{App, HttpResponse, body::to_bytes, middleware::from_fn, test, web};
    use serde_json::{Value, json};

    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body {
        #[allow(dead_code)]
        number: u32,
    }

    async fn inner(
        request: ServiceRequest,
        next: Next<BoxBody>,
    ) -> Result<ServiceResponse<BoxBody>, Error> {
        if request.path() == "/stopped" {
            return Err(ApiError::unavailable("stopping", "later", 7).into());
        }
        next.call(request).await
    }

    async fn answer(path: &str, given: Option<&str>) -> (u16, HeaderMap, Value) {
        let app = App::new()
            .configure(uniform_errors(64))
            .route(
                "/refused",
                web::post().to(async || Err::<HttpResponse, _>(ApiError::refused("no"))),
            )
            .route(
                "/json",
                web::post()
                    .to(async |_: web::Json<Body>| HttpResponse::Ok().json(json!({"ok": true}))),
            )
            .default_service(web::to(no_such_route))
            .wrap(from_fn(inner))
            .wrap(from_fn(correlate));
        let app = test::init_service(app).await;
        let mut request = test::TestRequest::post()
            .uri(path)
            .set_payload("{\"numbers\":1}");
        if let Some(id) = given {
            request = request.insert_header((HEADER, id));
        }
        let response = match test::try_call_service(&app, request.to_request()).await {
            Ok(response) => response.into_parts().1,
            Err(error) => error.error_response(),
        };
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = to_bytes(response.into_body()).await.ok().unwrap();
        (status, headers, serde_json::from_slice(&body).unwrap())
    }

    #[actix_web::test]
    async fn every_error_has_one_form_and_the_id_of_its_request() {
        let table = [
            ("/refused", 422, "refused"),
            ("/json", 400, "invalid"),
            ("/nowhere", 404, "not_found"),
            ("/stopped", 503, "stopping"),
        ];
        for (path, status, error_code) in table {
            let (got, headers, body) = answer(path, Some("abc-1")).await;
            assert_eq!(got, status, "{path}");
            assert_eq!(headers.get(HEADER).unwrap(), "abc-1", "{path}");
            assert_eq!(body["ok"], false, "{path}");
            assert_eq!(body["error_code"], error_code, "{path}");
            assert_eq!(body["correlation_id"], "abc-1", "{path}");
            assert!(
                body["message"]
                    .as_str()
                    .is_some_and(|message| !message.is_empty()),
                "{path}"
            );
        }
    }

    #[actix_web::test]
    async fn retry_after_is_sent() {
        let (_, headers, _) = answer("/stopped", None).await;
        assert_eq!(headers.get("retry-after").unwrap(), "7");
    }

    #[actix_web::test]
    async fn an_id_that_is_missing_or_unusable_is_made() {
        let long = "x".repeat(CORRELATION_ID_BYTES_MAX + 1);
        for given in [None, Some(""), Some("with space"), Some(long.as_str())] {
            let (_, headers, body) = answer("/refused", given).await;
            let id = headers.get(HEADER).unwrap().to_str().unwrap();
            assert_eq!(id.len(), 32, "{given:?}");
            assert_eq!(body["correlation_id"], id);
        }
    }
}
