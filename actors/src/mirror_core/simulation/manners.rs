//! How a mirror behaves towards Discord, judged while it happens: it asks nothing that it was told not to ask yet, one thing at
//! a time, and hardly anything while nobody answers.

use crate::{
    exchange::{Answer, Outcome},
    limits_core::{LimitKind, Route},
};
use std::collections::{HashMap, VecDeque};

const MINUTE_MS: i64 = 60_000;
/// Requests of one mirror in a minute in which nothing is answered.
const REQUESTS_IN_VAIN_MAX: usize = 20;
/// After so long a mirror may give a request up that nobody answered.
const PATIENCE_MS: i64 = 2 * super::world::REQUEST_TIMEOUT_MS;

/// The most that there and back take: a bucket is full again earlier than its word arrives, by the way back, and may be asked
/// earlier still, by the way there.
const WAYS_MS: i64 = 310;

/// Whoever has learned what a window takes may know better than the last header; not again and again.
const EARLY_MAX: u32 = 2;

/// What one life of a mirror was told.
#[derive(Debug, Default)]
pub(super) struct Manners {
    bucket_of: HashMap<Route, String>,
    /// By the last headers of this bucket.
    spent_until_ms: HashMap<String, i64>,
    /// By 429s.
    refused_until_ms: HashMap<Route, i64>,
    under_way: Option<(i64, Route)>,
    /// Requests in a row that came before their bucket was full again.
    early: u32,
    in_vain: VecDeque<i64>,
    /// The most of any minute.
    pub(super) in_vain_max: usize,
}

impl Manners {
    pub(super) fn sends(&mut self, now_ms: i64, route: Route, is_out: bool) -> Result<(), String> {
        let before = self.under_way.replace((now_ms, route));
        if before.is_some_and(|(sent_ms, _)| now_ms <= sent_ms + PATIENCE_MS) {
            return Err("a second request beside one that is under way".to_owned());
        }
        let bucket = self.bucket_of.get(&route);
        let spent_until_ms = bucket.and_then(|name| self.spent_until_ms.get(name));
        let is_spent = spent_until_ms.is_some_and(|until_ms| now_ms + WAYS_MS < *until_ms);
        self.early = if is_spent { self.early + 1 } else { 0 };
        if self.early > EARLY_MAX {
            return Err(format!("{} with nothing left in its bucket", route.word()));
        }
        let refused_until_ms = self.refused_until_ms.get(&route);
        if refused_until_ms.is_some_and(|until_ms| now_ms < *until_ms) {
            return Err(format!("{} before its 429 is over", route.word()));
        }
        if !is_out {
            self.in_vain.clear();
            return Ok(());
        }
        self.in_vain.push_back(now_ms);
        while self.in_vain[0] <= now_ms - MINUTE_MS {
            self.in_vain.pop_front();
        }
        self.in_vain_max = self.in_vain_max.max(self.in_vain.len());
        match self.in_vain.len() {
            0..=REQUESTS_IN_VAIN_MAX => Ok(()),
            count => Err(format!("{count} requests in a minute in vain")),
        }
    }

    pub(super) fn hears(&mut self, now_ms: i64, answer: &Answer) {
        let Some((_, route)) = self.under_way.take() else {
            return;
        };
        if let Some(headers) = &answer.headers
            && let Some(bucket) = &headers.bucket
        {
            let is_spent = headers.remaining == Some(0);
            let wait_ms = headers.reset_after_ms.filter(|_| is_spent).unwrap_or(0);
            self.bucket_of.insert(route, bucket.clone());
            self.spent_until_ms.insert(bucket.clone(), now_ms + wait_ms);
        }
        let Outcome::RateLimited {
            kind,
            retry_after_ms,
        } = answer.outcome
        else {
            return;
        };
        let closed: &[Route] = match kind {
            LimitKind::Bucket | LimitKind::Shared => &[route],
            LimitKind::OldEdits => &[Route::Edit],
            LimitKind::ChannelWrites => &[Route::Create, Route::Edit, Route::Delete],
            LimitKind::Global | LimitKind::Address => {
                &[Route::Create, Route::Edit, Route::Delete, Route::List]
            }
        };
        for route in closed {
            let until_ms = self.refused_until_ms.entry(*route).or_insert(i64::MIN);
            *until_ms = (*until_ms).max(now_ms + retry_after_ms);
        }
    }
}
