//! Reads a request's body into memory, bounded in bytes and in time, whether its length was announced or not. Over the bound
//! nothing is kept and the connector is told to come again later, never to drop what it has.

use super::answer::RETRY_AFTER_S;
use crate::error::ApiError;
use actix_web::{
    HttpRequest,
    http::header::CONTENT_LENGTH,
    web::{self, Bytes, BytesMut},
};
use futures_util::StreamExt as _;
use std::time::Duration;

/// Longest time a body may take to arrive.
const BODY_MS_MAX: u64 = 30_000;

/// So many times the bound is read and thrown away, because a client that still sends does not see our answer.
const DISCARDED_BODIES_MAX: usize = 2;

/// The whole body.
///
/// # Errors
/// 429 `body_too_large` over `bytes_max`; 503 `unavailable` when it takes too long or breaks off: the line was bad, not the batch.
pub(super) async fn read(
    request: &HttpRequest,
    payload: web::Payload,
    bytes_max: usize,
) -> Result<Bytes, ApiError> {
    let announced = request
        .headers()
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    let discarded_max = bytes_max.saturating_mul(DISCARDED_BODIES_MAX + 1);
    if announced.is_some_and(|bytes| bytes > discarded_max) {
        return Err(too_large(bytes_max));
    }
    let whole = collect(payload, announced.unwrap_or(0), bytes_max, discarded_max);
    match tokio::time::timeout(Duration::from_millis(BODY_MS_MAX), whole).await {
        Ok(outcome) => outcome,
        Err(_) => Err(again("the body took too long to arrive")),
    }
}

async fn collect(
    mut payload: web::Payload,
    announced: usize,
    bytes_max: usize,
    discarded_max: usize,
) -> Result<Bytes, ApiError> {
    let mut body = BytesMut::with_capacity(announced.min(bytes_max));
    let mut arrived = 0_usize;
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|error| again(&format!("the body broke off: {error}")))?;
        arrived = arrived.saturating_add(chunk.len());
        if arrived > discarded_max {
            break;
        }
        if arrived <= bytes_max {
            body.extend_from_slice(&chunk);
        } else {
            body = BytesMut::new();
        }
    }
    if arrived > bytes_max {
        Err(too_large(bytes_max))
    } else {
        Ok(body.freeze())
    }
}

fn again(message: &str) -> ApiError {
    ApiError::unavailable("unavailable", message, RETRY_AFTER_S)
}

fn too_large(bytes_max: usize) -> ApiError {
    let message = format!("a body has at most {bytes_max} bytes");
    ApiError::too_many("body_too_large", message, RETRY_AFTER_S)
}
