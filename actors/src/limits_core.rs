//! What a target channel's rate limits are, learned from answers alone: no limit of Discord is written here. One of these
//! belongs to one mirror; the limit over all channels is in `global_gate`. Knows no clock: `now_ms` is any steady one.

use std::collections::HashMap;

/// Requests that share fate as far as we know before Discord says more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Route {
    /// Post a message.
    Create,
    /// Edit one.
    Edit,
    /// Delete one.
    Delete,
    /// Read the channel back.
    List,
    /// Open a thread.
    OpenThread,
    /// Look for one.
    FindThread,
    /// Archive one, or open it again.
    ChangeThread,
    /// Look for the webhook, or make it.
    Webhook,
}

impl Route {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Create,
        Self::Edit,
        Self::Delete,
        Self::List,
        Self::OpenThread,
        Self::FindThread,
        Self::ChangeThread,
        Self::Webhook,
    ];

    /// The label of metrics.
    pub fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Edit => "edit",
            Self::Delete => "delete",
            Self::List => "list",
            Self::OpenThread => "open_thread",
            Self::FindThread => "find_thread",
            Self::ChangeThread => "change_thread",
            Self::Webhook => "webhook",
        }
    }
}

/// The rate limit headers of one answer, as far as it carried them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LimitHeaders {
    /// Opaque name of the bucket.
    pub bucket: Option<String>,
    /// Requests a window takes.
    pub limit: Option<u32>,
    /// Requests left in it.
    pub remaining: Option<u32>,
    /// Until there are more.
    pub reset_after_ms: Option<i64>,
}

/// Which limit a 429 speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LimitKind {
    /// The bucket of the route, whatever `Remaining` said (some have hidden limits below).
    Bucket,
    /// The same, but caused by others too; not counted against us.
    Shared,
    /// All requests of this bot.
    Global,
    /// A limit with a code of its own: 30046, edits of old messages.
    OldEdits,
    /// Another with a code: 20028, all writes into the channel; or 20016, its slow mode.
    ChannelWrites,
    /// The network in front of Discord: all requests of this address.
    Address,
}

/// Whether a request may go now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permit {
    /// It may.
    Now,
    /// Not before this moment.
    At(i64),
    /// Not before an answer on the way has said what the limit is.
    AfterAnswer,
}

#[derive(Debug, Clone, Copy, Default)]
struct Bucket {
    limit: Option<u32>,
    /// As far as known.
    remaining: Option<u32>,
    reset_at_ms: i64,
    in_flight: u32,
}

/// All that is known.
#[derive(Debug, Default)]
pub struct Limits {
    /// Which bucket a route was last said to be in.
    bucket_of: HashMap<Route, String>,
    buckets: HashMap<String, Bucket>,
    /// Of a route whose bucket is not known.
    unknown_in_flight: HashMap<Route, u32>,
    /// Routes that answered at least once without naming a bucket.
    unlimited: HashMap<Route, bool>,
    /// Set by 429s.
    closed_until_ms: HashMap<Route, i64>,
}

impl Limits {
    /// Whether a request of this route may go.
    pub fn may_send(&self, now_ms: i64, route: Route) -> Permit {
        let closed = self
            .closed_until_ms
            .get(&route)
            .copied()
            .unwrap_or(i64::MIN);
        if closed > now_ms {
            return Permit::At(closed);
        }
        let Some(bucket) = self.bucket(route) else {
            let probing = self.unknown_in_flight.get(&route).is_some_and(|n| *n > 0);
            let open = self.unlimited.get(&route).copied().unwrap_or(false);
            return if probing && !open {
                Permit::AfterAnswer
            } else {
                Permit::Now
            };
        };
        let spent = bucket.remaining == Some(0);
        if spent && bucket.reset_at_ms > now_ms {
            return Permit::At(bucket.reset_at_ms);
        }
        // The window is over and nobody has told what the next one holds: one request finds out.
        if spent && bucket.in_flight > 0 {
            return Permit::AfterAnswer;
        }
        Permit::Now
    }

    /// A request of this route goes out.
    pub fn sent(&mut self, now_ms: i64, route: Route) {
        let Some(bucket) = self
            .bucket_of
            .get(&route)
            .and_then(|name| self.buckets.get_mut(name))
        else {
            *self.unknown_in_flight.entry(route).or_default() += 1;
            return;
        };
        bucket.in_flight += 1;
        if bucket.remaining == Some(0) && bucket.reset_at_ms <= now_ms {
            // The probe of a new window: it takes the one token that is certain.
            return;
        }
        bucket.remaining = bucket.remaining.map(|left| left.saturating_sub(1));
    }

    /// The request came back, with or without an answer. Call before [`Limits::refused`].
    pub fn heard(&mut self, now_ms: i64, route: Route, headers: Option<&LimitHeaders>) {
        self.landed(route);
        let Some(headers) = headers else { return };
        let Some(name) = headers.bucket.clone() else {
            self.unlimited
                .insert(route, !self.bucket_of.contains_key(&route));
            return;
        };
        if self.bucket_of.get(&route) != Some(&name) {
            self.bucket_of.insert(route, name.clone());
            let used = &self.bucket_of;
            self.buckets.retain(|known, bucket| {
                bucket.in_flight > 0 || used.values().any(|name| name == known)
            });
        }
        let bucket = self.buckets.entry(name).or_default();
        bucket.limit = headers.limit.or(bucket.limit);
        bucket.remaining = headers
            .remaining
            .map(|left| left.saturating_sub(bucket.in_flight));
        bucket.reset_at_ms = headers
            .reset_after_ms
            .map_or(now_ms, |after| now_ms + after.max(0));
    }

    /// A 429 of this kind that asks to wait. Global kinds concern the gate, not these limits.
    pub fn refused(&mut self, now_ms: i64, route: Route, kind: LimitKind, retry_after_ms: i64) {
        let until = now_ms + retry_after_ms.max(1);
        match kind {
            LimitKind::Bucket | LimitKind::Shared => {
                let name = self.bucket_of.get(&route).cloned();
                for other in Route::ALL {
                    if other == route
                        || (name.is_some() && self.bucket_of.get(&other) == name.as_ref())
                    {
                        self.close(other, until);
                    }
                }
            }
            LimitKind::OldEdits => self.close(Route::Edit, until),
            LimitKind::ChannelWrites => {
                for route in [Route::Create, Route::Edit, Route::Delete] {
                    self.close(route, until);
                }
            }
            LimitKind::Global | LimitKind::Address => {}
        }
    }

    /// The latest moment anything is closed until, when that is still ahead.
    pub fn limited_until_ms(&self, now_ms: i64) -> Option<i64> {
        let waits = Route::ALL.map(|route| match self.may_send(now_ms, route) {
            Permit::At(at) => Some(at),
            Permit::Now | Permit::AfterAnswer => None,
        });
        waits.into_iter().flatten().max()
    }

    fn close(&mut self, route: Route, until_ms: i64) {
        let closed = self.closed_until_ms.entry(route).or_insert(until_ms);
        *closed = until_ms.max(*closed);
    }

    fn bucket(&self, route: Route) -> Option<&Bucket> {
        self.bucket_of
            .get(&route)
            .and_then(|name| self.buckets.get(name))
    }

    fn landed(&mut self, route: Route) {
        if let Some(bucket) = self
            .bucket_of
            .get(&route)
            .and_then(|name| self.buckets.get_mut(name))
            && bucket.in_flight > 0
        {
            bucket.in_flight -= 1;
            return;
        }
        if let Some(count) = self.unknown_in_flight.get_mut(&route) {
            *count = count.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(bucket: &str, limit: u32, remaining: u32, reset_after_ms: i64) -> LimitHeaders {
        LimitHeaders {
            bucket: Some(bucket.to_owned()),
            limit: Some(limit),
            remaining: Some(remaining),
            reset_after_ms: Some(reset_after_ms),
        }
    }

    fn exchange(limits: &mut Limits, now_ms: i64, route: Route, answer: Option<&LimitHeaders>) {
        assert_eq!(limits.may_send(now_ms, route), Permit::Now, "at {now_ms}");
        limits.sent(now_ms, route);
        limits.heard(now_ms, route, answer);
    }

    #[test]
    fn an_unknown_route_probes_with_one_request() {
        let mut limits = Limits::default();
        assert_eq!(limits.may_send(0, Route::Create), Permit::Now);
        limits.sent(0, Route::Create);
        assert_eq!(limits.may_send(0, Route::Create), Permit::AfterAnswer);
        assert_eq!(
            limits.may_send(0, Route::Edit),
            Permit::Now,
            "other routes are not held up"
        );
        limits.heard(10, Route::Create, Some(&headers("a", 5, 4, 1000)));
        assert_eq!(limits.may_send(10, Route::Create), Permit::Now);
    }

    #[test]
    fn a_spent_bucket_waits_for_its_reset_and_then_probes() {
        let mut limits = Limits::default();
        exchange(
            &mut limits,
            0,
            Route::Create,
            Some(&headers("a", 2, 1, 500)),
        );
        exchange(
            &mut limits,
            100,
            Route::Create,
            Some(&headers("a", 2, 0, 400)),
        );
        assert_eq!(limits.may_send(200, Route::Create), Permit::At(500));
        assert_eq!(limits.limited_until_ms(200), Some(500));
        assert_eq!(limits.may_send(500, Route::Create), Permit::Now);
        limits.sent(500, Route::Create);
        assert_eq!(limits.may_send(501, Route::Create), Permit::AfterAnswer);
    }

    #[test]
    fn several_in_flight_never_overspend() {
        let mut limits = Limits::default();
        exchange(
            &mut limits,
            0,
            Route::Create,
            Some(&headers("a", 5, 3, 1000)),
        );
        for _ in 0..3 {
            assert_eq!(limits.may_send(1, Route::Create), Permit::Now);
            limits.sent(1, Route::Create);
        }
        assert_eq!(limits.may_send(1, Route::Create), Permit::At(1000));
        // Discord has seen only the first of them when it writes 2.
        limits.heard(2, Route::Create, Some(&headers("a", 5, 2, 998)));
        assert_eq!(limits.may_send(2, Route::Create), Permit::At(1000));
    }

    #[test]
    fn no_headers_at_all_means_go_on() {
        let mut limits = Limits::default();
        for now_ms in 0..20 {
            exchange(
                &mut limits,
                now_ms,
                Route::Edit,
                Some(&LimitHeaders::default()),
            );
        }
        limits.sent(20, Route::Edit);
        assert_eq!(limits.may_send(20, Route::Edit), Permit::Now);
        limits.refused(21, Route::Edit, LimitKind::Bucket, 700);
        assert_eq!(limits.may_send(21, Route::Edit), Permit::At(721));
    }

    #[test]
    fn limits_that_change_mid_run_are_followed() {
        let mut limits = Limits::default();
        exchange(
            &mut limits,
            0,
            Route::Create,
            Some(&headers("a", 50, 49, 1000)),
        );
        exchange(
            &mut limits,
            1,
            Route::Create,
            Some(&headers("b", 2, 0, 9000)),
        );
        assert_eq!(limits.may_send(2, Route::Create), Permit::At(9001));
        assert_eq!(limits.buckets.len(), 1, "the old bucket is forgotten");
        exchange(
            &mut limits,
            9001,
            Route::Create,
            Some(&headers("b", 100, 99, 1000)),
        );
        assert_eq!(limits.may_send(9002, Route::Create), Permit::Now);
    }

    #[test]
    fn each_429_closes_what_it_speaks_of() {
        let table: [(LimitKind, &[Route]); 6] = [
            (LimitKind::Bucket, &[Route::Edit, Route::Delete]),
            (LimitKind::Shared, &[Route::Edit, Route::Delete]),
            (LimitKind::OldEdits, &[Route::Edit]),
            (
                LimitKind::ChannelWrites,
                &[Route::Create, Route::Edit, Route::Delete],
            ),
            (LimitKind::Global, &[]),
            (LimitKind::Address, &[]),
        ];
        for (kind, closed) in table {
            let mut limits = Limits::default();
            // Edits and deletes share a bucket here, creates have another.
            exchange(
                &mut limits,
                0,
                Route::Create,
                Some(&headers("c", 5, 4, 1000)),
            );
            exchange(&mut limits, 0, Route::Edit, Some(&headers("e", 5, 4, 1000)));
            exchange(
                &mut limits,
                0,
                Route::Delete,
                Some(&headers("e", 5, 3, 1000)),
            );
            limits.sent(1, Route::Edit);
            limits.heard(2, Route::Edit, None);
            limits.refused(2, Route::Edit, kind, 3000);
            for route in Route::ALL {
                let expected = if closed.contains(&route) {
                    Permit::At(3002)
                } else {
                    Permit::Now
                };
                assert_eq!(limits.may_send(2, route), expected, "{kind:?} {route:?}");
                assert_eq!(
                    limits.may_send(3002, route),
                    Permit::Now,
                    "{kind:?} {route:?}"
                );
            }
        }
    }

    #[test]
    fn an_answer_without_headers_keeps_what_was_known() {
        let mut limits = Limits::default();
        exchange(
            &mut limits,
            0,
            Route::Create,
            Some(&headers("a", 5, 1, 800)),
        );
        exchange(&mut limits, 1, Route::Create, None);
        assert_eq!(limits.may_send(2, Route::Create), Permit::At(800));
    }
}
