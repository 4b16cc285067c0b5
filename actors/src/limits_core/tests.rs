//! The rules of limits, told step by step.
#![allow(clippy::unwrap_used)]

use super::*;

const ROUTES: [Route; 4] = [Route::Create, Route::Edit, Route::Delete, Route::List];

fn lane(route: Route) -> Lane {
    Lane::new(route, ChannelId::new(1).unwrap())
}

fn told(headers: Option<LimitHeaders>) -> Answer {
    Answer {
        outcome: Outcome::Edited,
        headers,
    }
}

fn refusal(kind: LimitKind, retry_after_ms: i64, headers: Option<LimitHeaders>) -> Answer {
    let outcome = Outcome::RateLimited {
        kind,
        retry_after_ms,
    };
    Answer { outcome, headers }
}

fn headers(bucket: &str, limit: u32, remaining: u32, reset_after_ms: i64) -> LimitHeaders {
    LimitHeaders {
        bucket: Some(bucket.to_owned()),
        limit: Some(limit),
        remaining: Some(remaining),
        reset_after_ms: Some(reset_after_ms),
        answered_at_ms: None,
    }
}

fn exchange(limits: &mut Limits, now_ms: i64, route: Route, answer: Option<&LimitHeaders>) {
    assert_eq!(
        limits.may_send(now_ms, lane(route)),
        Permit::Now,
        "at {now_ms}"
    );
    limits.sent(now_ms, lane(route));
    limits.heard(now_ms, lane(route), &told(answer.cloned()));
}

#[test]
fn an_unknown_route_probes_with_one_request() {
    let mut limits = Limits::default();
    assert_eq!(limits.may_send(0, lane(Route::Create)), Permit::Now);
    limits.sent(0, lane(Route::Create));
    assert_eq!(limits.may_send(0, lane(Route::Create)), Permit::AfterAnswer);
    assert_eq!(
        limits.may_send(0, lane(Route::Edit)),
        Permit::Now,
        "other routes are not held up"
    );
    limits.heard(
        10,
        lane(Route::Create),
        &told(Some(headers("a", 5, 4, 1000))),
    );
    assert_eq!(limits.may_send(10, lane(Route::Create)), Permit::Now);
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
    assert_eq!(limits.may_send(200, lane(Route::Create)), Permit::At(500));
    assert_eq!(limits.limited_until_ms(200), Some(500));
    assert_eq!(limits.may_send(500, lane(Route::Create)), Permit::Now);
    limits.sent(500, lane(Route::Create));
    assert_eq!(
        limits.may_send(501, lane(Route::Create)),
        Permit::AfterAnswer
    );
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
        assert_eq!(limits.may_send(1, lane(Route::Create)), Permit::Now);
        limits.sent(1, lane(Route::Create));
    }
    assert_eq!(limits.may_send(1, lane(Route::Create)), Permit::At(1000));
    // Discord has seen only the first of them when it writes 2.
    limits.heard(2, lane(Route::Create), &told(Some(headers("a", 5, 2, 998))));
    assert_eq!(limits.may_send(2, lane(Route::Create)), Permit::At(1000));
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
    limits.sent(20, lane(Route::Edit));
    assert_eq!(limits.may_send(20, lane(Route::Edit)), Permit::Now);
    let headers = Some(LimitHeaders::default());
    limits.heard(
        21,
        lane(Route::Edit),
        &refusal(LimitKind::Bucket, 700, headers),
    );
    assert_eq!(limits.may_send(21, lane(Route::Edit)), Permit::At(721));
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
    assert_eq!(limits.may_send(2, lane(Route::Create)), Permit::At(9001));
    assert_eq!(limits.buckets.len(), 1, "the old bucket is forgotten");
    exchange(
        &mut limits,
        9001,
        Route::Create,
        Some(&headers("b", 100, 99, 1000)),
    );
    assert_eq!(limits.may_send(9002, lane(Route::Create)), Permit::Now);
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
        limits.sent(1, lane(Route::Edit));
        limits.heard(2, lane(Route::Edit), &refusal(kind, 3000, None));
        for route in ROUTES {
            let expected = if closed.contains(&route) {
                Permit::At(3002)
            } else {
                Permit::Now
            };
            assert_eq!(
                limits.may_send(2, lane(route)),
                expected,
                "{kind:?} {route:?}"
            );
            assert_eq!(
                limits.may_send(3002, lane(route)),
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
    assert_eq!(limits.may_send(2, lane(Route::Create)), Permit::At(800));
}

/// Two lanes share a bucket and the answer of its probe comes from another one: the lane that stays behind may go on.
#[test]
fn a_probe_that_is_answered_by_another_bucket_holds_nobody_up() {
    let mut limits = Limits::default();
    let old = headers("old", 1, 0, 1_000);
    exchange(&mut limits, 0, Route::Edit, Some(&old));
    exchange(&mut limits, 0, Route::Delete, Some(&old));
    let new = headers("new", 1, 0, 1_000);
    exchange(&mut limits, 2_000, Route::Edit, Some(&new));
    assert_eq!(limits.may_send(4_000, lane(Route::Delete)), Permit::Now);
}
