//! The seam between a committed change of the configuration and the router that works by it.

use crate::error::ApiError;
use futures_util::future::BoxFuture;

/// The change is in the tables, but the running router does not work by it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the change is stored, but the router does not work by it yet: {0}")]
pub struct NotApplied(pub String);

/// Whoever makes the router read its configuration again.
pub trait ConfigurationChanged: Send + Sync {
    /// Call it after the commit. When it resolves without an error, the running router works by what was committed.
    fn apply(&self) -> BoxFuture<'static, Result<(), NotApplied>>;
}

impl From<NotApplied> for ApiError {
    fn from(error: NotApplied) -> Self {
        tracing::warn!(%error, "a change was stored and not applied");
        Self::unavailable("unavailable", error.to_string(), 1)
    }
}
