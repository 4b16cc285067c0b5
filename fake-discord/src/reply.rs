//! An answer before it meets an HTTP framework: status, headers, body, and how the connection ends. The only place
//! that knows Discord's error bodies and rate-limit headers.

use bytes::Bytes;
use serde_json::{Value, json};

use crate::{
    limits::Limits,
    limits_core::{Refusal, RefusalKind, Scope},
    window_core::BucketView,
};

/// A whole answer.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) content_type: Option<String>,
    pub(crate) body: Bytes,
    /// A 429 for everybody: no invalid request.
    pub(crate) shared: bool,
}

/// An answer and the fate of its connection.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) reply: Reply,
    /// Silence before the end, milliseconds of real time.
    pub(crate) hang_ms: u64,
    pub(crate) end: End,
}

/// What happens to the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Answer,
    Close,
    Reset,
    /// Half of the body, then close.
    Cut,
}

impl Outcome {
    pub(crate) const fn ending(reply: Reply, end: End) -> Self {
        Self {
            reply,
            hang_ms: 0,
            end,
        }
    }
}

impl From<Reply> for Outcome {
    fn from(reply: Reply) -> Self {
        Self::ending(reply, End::Answer)
    }
}

/// An error in Discord's form.
#[derive(Clone, Debug)]
pub(crate) struct ApiError {
    pub(crate) status: u16,
    pub(crate) code: u32,
    pub(crate) message: String,
    /// The tree of form errors of code 50035.
    pub(crate) errors: Option<Value>,
}

impl ApiError {
    pub(crate) fn new(status: u16, code: u32, message: &str) -> Self {
        Self {
            status,
            code,
            message: message.to_owned(),
            errors: None,
        }
    }

    pub(crate) fn unauthorized() -> Self {
        Self::new(401, 0, "401: Unauthorized")
    }

    pub(crate) fn missing_access() -> Self {
        Self::new(403, 50001, "Missing Access")
    }

    pub(crate) fn missing_permissions() -> Self {
        Self::new(403, 50013, "Missing Permissions")
    }

    pub(crate) fn unknown_channel() -> Self {
        Self::new(404, 10003, "Unknown Channel")
    }

    pub(crate) fn unknown_message() -> Self {
        Self::new(404, 10008, "Unknown Message")
    }

    pub(crate) fn empty_message() -> Self {
        Self::new(400, 50006, "Cannot send an empty message")
    }

    pub(crate) fn too_large() -> Self {
        Self::new(413, 40005, "Request entity too large")
    }

    pub(crate) fn wrong_channel_type() -> Self {
        Self::new(400, 50024, "Cannot execute action on this channel type")
    }

    pub(crate) fn thread_archived() -> Self {
        Self::new(400, 50083, "Thread is archived")
    }

    pub(crate) fn form(errors: Value) -> Self {
        Self {
            errors: Some(errors),
            ..Self::new(400, 50035, "Invalid Form Body")
        }
    }

    /// A name of a wrong length.
    pub(crate) fn bad_length(field: &str, chars_max: usize) -> Self {
        let message = format!("Must be between 1 and {chars_max} in length.");
        let error = json!({ "code": "BASE_TYPE_BAD_LENGTH", "message": message });
        Self::form(json!({ field: { "_errors": [error] } }))
    }

    pub(crate) fn bad_json() -> Self {
        Self::new(400, 50109, "The request body contains invalid JSON.")
    }
}

impl From<ApiError> for Reply {
    fn from(error: ApiError) -> Self {
        let mut body = json!({ "message": error.message, "code": error.code });
        if let Some(errors) = error.errors {
            body["errors"] = errors;
        }
        Self::json(error.status, &body)
    }
}

impl Reply {
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self {
            status,
            headers: Vec::new(),
            content_type: Some("application/json".to_owned()),
            body: body.to_string().into(),
            shared: false,
        }
    }

    pub(crate) const fn empty(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            content_type: None,
            body: Bytes::new(),
            shared: false,
        }
    }

    pub(crate) fn html(status: u16, title: &str) -> Self {
        let body = format!(
            "<!DOCTYPE html>\n<html><head><title>{title}</title></head>\n<body><h1>{title}</h1></body></html>\n"
        );
        Self {
            status,
            headers: Vec::new(),
            content_type: Some("text/html; charset=UTF-8".to_owned()),
            body: body.into(),
            shared: false,
        }
    }

    /// The 429 of a refusal at this moment (milliseconds since the Unix epoch).
    pub(crate) fn refusal(now_ms: u64, limits: &Limits, refusal: &Refusal) -> Self {
        // Whole seconds, rounded up: the float is in the body.
        let retry_after = (
            "retry-after",
            refusal.retry_after_ms.div_ceil(1_000).to_string(),
        );
        if refusal.kind == RefusalKind::Cloudflare {
            let mut reply = Self::html(429, "error code: 1015 - You are being rate limited");
            reply.headers.push(retry_after);
            return reply;
        }
        let global = refusal.kind == RefusalKind::Global;
        let mut body = json!({
            "message": refusal.message,
            "retry_after": seconds(refusal.retry_after_ms),
            "global": global,
        });
        if let Some(code) = refusal.code {
            body["code"] = code.into();
        }
        let mut reply = Self::json(429, &body);
        reply.headers.push(retry_after);
        if limits.headers {
            if global {
                reply
                    .headers
                    .push(("x-ratelimit-global", "true".to_owned()));
            }
            reply.headers.push((
                "x-ratelimit-scope",
                refusal.kind.scope().as_str().to_owned(),
            ));
            if let Some(bucket) = &refusal.bucket {
                reply.push_bucket(now_ms, bucket);
            }
        }
        reply
    }

    /// Adds the headers of a request that passed.
    pub(crate) fn with_bucket(
        mut self,
        now_ms: u64,
        limits: &Limits,
        bucket: Option<&BucketView>,
    ) -> Self {
        if let Some(bucket) = bucket
            && limits.headers
        {
            self.push_bucket(now_ms, bucket);
            if limits.scope_on_success {
                self.headers
                    .push(("x-ratelimit-scope", Scope::User.as_str().to_owned()));
            }
        }
        self
    }

    fn push_bucket(&mut self, now_ms: u64, bucket: &BucketView) {
        let reset_at_ms = now_ms + bucket.reset_after_ms;
        self.headers.extend([
            ("x-ratelimit-limit", bucket.limit.to_string()),
            ("x-ratelimit-remaining", bucket.remaining.to_string()),
            (
                "x-ratelimit-reset",
                format!("{}.{:03}", reset_at_ms / 1_000, reset_at_ms % 1_000),
            ),
            (
                "x-ratelimit-reset-after",
                format!(
                    "{}.{:03}",
                    bucket.reset_after_ms / 1_000,
                    bucket.reset_after_ms % 1_000
                ),
            ),
            ("x-ratelimit-bucket", bucket.hash.clone()),
        ]);
    }
}

/// Milliseconds as the float of a `retry_after`.
pub(crate) fn seconds(ms: u64) -> f64 {
    ms as f64 / 1_000.0
}
