//! Windows: so many requests in so long, sliding or fixed, and the count of what is used. Pure: the time is passed in.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// How a window gives its requests back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WindowKind {
    /// Each request comes back one period after it was made.
    Sliding,
    /// All come back together, one period after the first.
    Fixed,
}

/// So many requests in so long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Requests allowed in one period.
    pub limit: u32,
    /// Length of the period, milliseconds.
    pub period_ms: u64,
    /// How requests come back.
    pub kind: WindowKind,
}

impl Window {
    /// A window in which each request comes back one period after it was made.
    pub const fn sliding(limit: u32, period_ms: u64) -> Self {
        Self {
            limit,
            period_ms,
            kind: WindowKind::Sliding,
        }
    }

    /// A window in which all requests come back together.
    pub const fn fixed(limit: u32, period_ms: u64) -> Self {
        Self {
            limit,
            period_ms,
            kind: WindowKind::Fixed,
        }
    }
}

/// What the headers say about a bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BucketView {
    pub(crate) limit: u32,
    pub(crate) remaining: u32,
    /// Until the bucket is full again, milliseconds.
    pub(crate) reset_after_ms: u64,
    /// Opaque; the same for every resource of the route.
    pub(crate) hash: String,
}

/// The requests counted in one window.
#[derive(Debug, Default)]
pub(crate) struct Usage {
    hits_at_ms: VecDeque<u64>,
    period_ms: u64,
}

impl Usage {
    /// Forgets what has come back by now.
    pub(crate) fn expire(&mut self, now_ms: u64, window: Window) {
        self.period_ms = window.period_ms;
        let gone = |at_ms: u64| at_ms.saturating_add(window.period_ms) <= now_ms;
        match window.kind {
            WindowKind::Sliding => {
                while self.hits_at_ms.front().is_some_and(|at_ms| gone(*at_ms)) {
                    self.hits_at_ms.pop_front();
                }
            }
            WindowKind::Fixed => {
                if self.hits_at_ms.front().is_some_and(|at_ms| gone(*at_ms)) {
                    self.hits_at_ms.clear();
                }
            }
        }
    }

    /// How long until one more fits; `None` when it fits now.
    pub(crate) fn wait_ms(&self, now_ms: u64, window: Window) -> Option<u64> {
        let (used, limit) = (self.hits_at_ms.len(), window.limit as usize);
        if used < limit {
            return None;
        }
        // After a limit was lowered more than one request must come back first.
        let blocking = match window.kind {
            WindowKind::Sliding => self.hits_at_ms.get(used - limit),
            WindowKind::Fixed => self.hits_at_ms.front(),
        };
        let back_at_ms = blocking
            .copied()
            .unwrap_or(now_ms)
            .saturating_add(window.period_ms);
        Some(back_at_ms.saturating_sub(now_ms).max(1))
    }

    pub(crate) fn view(&self, now_ms: u64, window: Window, hash: String) -> BucketView {
        let used = u32::try_from(self.hits_at_ms.len()).unwrap_or(u32::MAX);
        let full_at_ms = match window.kind {
            WindowKind::Sliding => self.hits_at_ms.back(),
            WindowKind::Fixed => self.hits_at_ms.front(),
        }
        .map_or(now_ms, |at_ms| at_ms.saturating_add(window.period_ms));
        BucketView {
            limit: window.limit,
            remaining: window.limit.saturating_sub(used),
            reset_after_ms: full_at_ms.saturating_sub(now_ms),
            hash,
        }
    }

    /// Counts one more.
    pub(crate) fn hit(&mut self, now_ms: u64) {
        self.hits_at_ms.push_back(now_ms);
    }

    /// Everything has come back.
    pub(crate) fn is_idle(&self, now_ms: u64) -> bool {
        self.hits_at_ms
            .back()
            .is_none_or(|at_ms| at_ms.saturating_add(self.period_ms) <= now_ms)
    }
}
