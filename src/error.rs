//! The one answer that is not a success, and the only place that turns our errors into HTTP status codes. What went wrong
//! inside is for the log; the caller gets a code for programs and a sentence for people.

use crate::http::correlation::{CorrelationId, correlation_id};
use actix_web::{
    HttpRequest, HttpResponse, HttpResponseBuilder, ResponseError,
    error::{JsonPayloadError, PathError, QueryPayloadError},
    http::{StatusCode, header},
    web::{JsonConfig, PathConfig, QueryConfig, ServiceConfig},
};
use heliograph_schema::store::StoreError;
use serde::Serialize;

/// What a client should wait, in seconds, before it tries again what failed for want of a database.
const UNAVAILABLE_RETRY_AFTER_S: u32 = 1;

/// A refusal or a failure: status, `error_code`, `message`, the field at fault where it is one, and `Retry-After` where trying
/// again helps.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{error_code}: {message}")]
pub struct ApiError {
    status: StatusCode,
    error_code: &'static str,
    message: String,
    field: Option<String>,
    retry_after_s: Option<u32>,
}

/// The body of every error, on every listener.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Problem<'a> {
    /// Always `false`.
    ok: bool,
    /// For programs: `invalid`, `stale_version` …
    error_code: &'a str,
    /// For people.
    message: &'a str,
    /// Where one field of the request is at fault: its dotted path in the body (`items[3].version`), or the name of a parameter.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    field: Option<&'a str>,
    /// The same as in the header `X-Correlation-Id`, and in the log.
    correlation_id: &'a str,
}

impl ApiError {
    /// An error with this status and code. The message is shown to the caller: no secrets, nothing of our insides.
    pub fn new(status: StatusCode, error_code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            error_code,
            message: message.into(),
            field: None,
            retry_after_s: None,
        }
    }

    /// 400 with a code of the route's own.
    pub fn bad_request(error_code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error_code, message)
    }

    /// 400 `invalid`: the request does not have the form it must have.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::bad_request("invalid", message)
    }

    /// 401 `unauthorized`.
    pub fn unauthorized() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            "a valid token is needed in the Authorization header",
        )
    }

    /// 403 with a code of the route's own.
    pub fn forbidden(error_code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, error_code, message)
    }

    /// 404 `not_found`: there is no such `what`.
    pub fn not_found(what: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not_found",
            format!("there is no {what}"),
        )
    }

    /// 409 `stale_version`.
    pub fn stale_version() -> Self {
        Self::new(
            StatusCode::CONFLICT,
            "stale_version",
            "it was changed by somebody else meanwhile: read it again",
        )
    }

    /// 413 `body_too_large`.
    pub fn body_too_large(bytes_max: usize) -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "body_too_large",
            format!("a body may have {bytes_max} bytes"),
        )
    }

    /// 422 `refused`: understood, and against a rule.
    pub fn refused(reason: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "refused", reason)
    }

    /// 429 with a code of the route's own and `Retry-After`.
    pub fn too_many(
        error_code: &'static str,
        message: impl Into<String>,
        retry_after_s: u32,
    ) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, error_code, message).retry_after_s(retry_after_s)
    }

    /// 503 with `unavailable` or `stopping` and `Retry-After`.
    pub fn unavailable(
        error_code: &'static str,
        message: impl Into<String>,
        retry_after_s: u32,
    ) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, error_code, message).retry_after_s(retry_after_s)
    }

    /// 500 `internal`. `cause` goes to the log, not to the caller.
    pub fn internal(cause: &dyn std::error::Error) -> Self {
        let causes: Vec<String> = std::iter::successors(cause.source(), |cause| cause.source())
            .map(ToString::to_string)
            .collect();
        tracing::error!(error = %cause, causes = ?causes, "a request failed by a fault of ours");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "a fault of ours, described in the log",
        )
    }

    /// Adds `Retry-After`, in seconds.
    pub fn retry_after_s(mut self, seconds: u32) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }

    /// Names the field of the request that is at fault.
    pub fn field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// The code for programs.
    pub fn error_code(&self) -> &'static str {
        self.error_code
    }

    /// The field of the request that is at fault, where it is one.
    pub fn field_at_fault(&self) -> Option<&str> {
        self.field.as_deref()
    }

    /// The answer, with the correlation id of its request.
    pub fn answer(&self, correlation_id: &CorrelationId) -> HttpResponse {
        let mut response = HttpResponseBuilder::new(self.status);
        if let Some(seconds) = self.retry_after_s {
            response.insert_header((header::RETRY_AFTER, seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
        }
        response.json(Problem {
            ok: false,
            error_code: self.error_code,
            message: &self.message,
            field: self.field.as_deref(),
            correlation_id: correlation_id.as_str(),
        })
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    /// Without a request at hand; the correlation middleware puts the id in.
    fn error_response(&self) -> HttpResponse {
        self.answer(&CorrelationId::default())
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) | StoreError::Interrupted(_) => {
                tracing::warn!(%error, "a request found no database");
                Self::unavailable(
                    "unavailable",
                    "the database is unavailable",
                    UNAVAILABLE_RETRY_AFTER_S,
                )
            }
            StoreError::Conflict => Self::stale_version(),
            StoreError::StaleField(field) => Self::stale_version().field(field),
            StoreError::OtherState(reason) => {
                Self::new(StatusCode::CONFLICT, "other_state", reason)
            }
            StoreError::NotFound(what) => Self::not_found(what),
            StoreError::Refused(reason) => Self::refused(reason),
            StoreError::RefusedField { field, reason } => Self::refused(reason).field(field),
            StoreError::Corrupt(_) | StoreError::Unusable(_) | StoreError::Database(_) => {
                Self::internal(&error)
            }
        }
    }
}

/// Makes actix-web's own refusals of bodies, queries and paths speak as ours do, and bounds JSON bodies.
pub fn uniform_errors(json_bytes_max: usize) -> impl FnOnce(&mut ServiceConfig) {
    move |service| {
        service
            .app_data(
                JsonConfig::default()
                    .limit(json_bytes_max)
                    .content_type_required(false)
                    .error_handler(move |error, _| refused_json(&error, json_bytes_max).into()),
            )
            .app_data(QueryConfig::default().error_handler(refused_query))
            .app_data(PathConfig::default().error_handler(refused_path));
    }
}

/// The answer to a route that is not there.
pub async fn no_such_route(request: HttpRequest) -> HttpResponse {
    ApiError::not_found("such route").answer(&correlation_id(&request))
}

/// The answer to a method that this path does not take; `allow` are those that it does.
pub fn wrong_method(request: &HttpRequest, allow: &str) -> HttpResponse {
    let message = format!("{} is not for this path: {allow}", request.method());
    let refused = ApiError::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        message,
    );
    let mut response = refused.answer(&correlation_id(request));
    if let Ok(allow) = header::HeaderValue::from_str(allow) {
        response.headers_mut().insert(header::ALLOW, allow);
    }
    response
}

fn refused_json(error: &JsonPayloadError, json_bytes_max: usize) -> ApiError {
    match error {
        JsonPayloadError::Deserialize(reason) => {
            ApiError::invalid(format!("the body is not what is expected: {reason}"))
        }
        JsonPayloadError::Overflow { .. } | JsonPayloadError::OverflowKnownLength { .. } => {
            ApiError::body_too_large(json_bytes_max)
        }
        other => ApiError::invalid(format!("the body is not JSON that can be read: {other}")),
    }
}

// actix-web hands its errors over.
#[allow(clippy::needless_pass_by_value)]
fn refused_query(error: QueryPayloadError, _request: &HttpRequest) -> actix_web::Error {
    ApiError::invalid(format!("the query is not what is expected: {error}")).into()
}

fn refused_path(_error: PathError, _request: &HttpRequest) -> actix_web::Error {
    ApiError::not_found("such thing: the path holds no id").into()
}
