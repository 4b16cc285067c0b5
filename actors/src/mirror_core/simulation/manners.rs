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

/// What one life of a mirror was told.
#[derive(Debug, Default)]
pub(super) struct Manners {
    /// By the last headers of this route.
    spent_until_ms: HashMap<Route, i64>,
    /// By 429s.
    refused_until_ms: HashMap<Route, i64>,
    under_way: Option<(i64, Route)>,
    in_vain: VecDeque<i64>,
}

impl Manners {
    pub(super) fn sends(
        &mut self,
        now_ms: i64,
        route: Route,
        is_out: bool,
    ) -> Result<(), String> {
        let before = self.under_way.replace((now_ms, route));
        if before.is_some_and(|(sent_ms, _)| now_ms <= sent_ms + PATIENCE_MS) {
            return Err("a second request beside one that is under way".to_owned());
        }
        let closed = |until: &HashMap<Route, i64>| until.get(&route).copied().unwrap_or(i64::MIN);
        if now_ms < closed(&self.spent_until_ms) {
            return Err(format!("{} with nothing left in its bucket", route.word()));
        }
        if now_ms < closed(&self.refused_until_ms) {
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
        match self.in_vain.len() {
            0..=REQUESTS_IN_VAIN_MAX => Ok(()),
            count => Err(format!("{count} requests in a minute in vain")),
        }
    }

    pub(super) fn hears(&mut self, now_ms: i64, answer: &Answer) {
        let Some((_, route)) = self.under_way.take() else {
            return;
        };
        if let Some(headers) = answer.headers.as_ref().filter(|it| it.bucket.is_some()) {
            let wait_ms = headers.reset_after_ms.unwrap_or(0);
            let spent = headers.remaining == Some(0);
            self.spent_until_ms
                .insert(route, now_ms + if spent { wait_ms } else { 0 });
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
            LimitKind::Global | LimitKind::Address => &Route::ALL,
        };
        for route in closed {
            let until_ms = self.refused_until_ms.entry(*route).or_insert(i64::MIN);
            *until_ms = (*until_ms).max(now_ms + retry_after_ms);
        }
    }
}
