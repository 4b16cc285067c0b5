//! The form of every answer to a connector: JSON with `ok` and the request's `correlation_id`, and `Retry-After` where the
//! connector shall come again.

use super::parse::BatchError;
use crate::{error::ApiError, http::correlation::CorrelationId};
use actix_web::HttpResponse;
use heliograph_schema::store::StoreError;
use serde::Serialize;

/// Seconds a connector waits before it sends a refused body again. Its own retries begin below a second.
pub(super) const RETRY_AFTER_S: u32 = 1;

/// 200 with `ok`, the fields of `body` and the correlation id.
pub(super) fn done<T: Serialize>(body: &T, correlation_id: &CorrelationId) -> HttpResponse {
    HttpResponse::Ok().json(Done {
        ok: true,
        body,
        correlation_id: correlation_id.as_str(),
    })
}

#[derive(Serialize)]
struct Done<'a, T> {
    ok: bool,
    #[serde(flatten)]
    body: &'a T,
    correlation_id: &'a str,
}

/// That, or the refusal.
pub(super) fn of<T: Serialize>(
    outcome: Result<T, ApiError>,
    correlation_id: &CorrelationId,
) -> HttpResponse {
    match outcome {
        Ok(body) => done(&body, correlation_id),
        Err(error) => error.answer(correlation_id),
    }
}

/// What a connector hears when the tables failed: always to come again, because on a 4xx it would drop what it has.
pub(super) fn not_stored(error: &StoreError) -> ApiError {
    if error.is_transient() {
        tracing::warn!(%error, "what a connector sent found no database");
    } else {
        tracing::error!(%error, "what a connector sent could not be stored");
    }
    ApiError::unavailable("unavailable", "the database is unavailable", RETRY_AFTER_S)
}

impl From<BatchError> for ApiError {
    fn from(error: BatchError) -> Self {
        let message = error.to_string();
        match error {
            BatchError::InvalidJson(_) => Self::bad_request("invalid_json", message),
            BatchError::InvalidBatch(_) => Self::bad_request("invalid_batch", message),
            BatchError::TooLarge { .. } => {
                Self::too_many("batch_too_large", message, RETRY_AFTER_S)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::RETRY_AFTER;

    #[test]
    fn only_what_may_work_later_is_retried() {
        let table = [
            (
                BatchError::InvalidJson("x".into()).into(),
                400,
                "invalid_json",
                false,
            ),
            (
                BatchError::InvalidBatch("x".into()).into(),
                400,
                "invalid_batch",
                false,
            ),
            (
                BatchError::TooLarge {
                    items: 2,
                    items_max: 1,
                }
                .into(),
                429,
                "batch_too_large",
                true,
            ),
            (
                not_stored(&StoreError::Unavailable("x".into())),
                503,
                "unavailable",
                true,
            ),
            // These would be 409 and 404 to an admin, and lost signals to a connector.
            (not_stored(&StoreError::Conflict), 503, "unavailable", true),
            (
                not_stored(&StoreError::NotFound("x")),
                503,
                "unavailable",
                true,
            ),
        ];
        for (error, status, error_code, is_retried) in table {
            let error: ApiError = error;
            let answer = error.answer(&CorrelationId::default());
            assert_eq!(
                (answer.status().as_u16(), error.error_code()),
                (status, error_code)
            );
            assert_eq!(
                answer.headers().contains_key(RETRY_AFTER),
                is_retried,
                "{error_code}"
            );
        }
    }
}
