//! Tables of the limit rules: windows, hidden limits, order of refusals, changes in mid-run.

use super::*;

const CREATE: Ask = Ask {
    bot: Some(1),
    class: Class::MessageCreate,
    resource: 10,
    writes_channel: Some(10),
};

/// What a verdict says, in short: (remaining, reset after) or (kind, retry after, code).
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    Pass(u32, u64),
    Refuse(RefusalKind, u64, Option<u32>),
}

use Seen::{Pass, Refuse};

fn seen(verdict: Verdict) -> Seen {
    match verdict {
        Verdict::Pass(bucket) => bucket.map_or(Pass(u32::MAX, 0), |bucket| {
            Pass(bucket.remaining, bucket.reset_after_ms)
        }),
        Verdict::Refuse(refusal) => Refuse(refusal.kind, refusal.retry_after_ms, refusal.code),
    }
}

fn check(limits: &Limits, steps: &[(u64, Ask, Seen)]) {
    let mut limiter = Limiter::default();
    for (step, (at_ms, ask, expected)) in steps.iter().enumerate() {
        assert_eq!(
            &seen(limiter.check(*at_ms, limits, ask)),
            expected,
            "step {step}"
        );
    }
}

fn only_create(window: Window) -> Limits {
    Limits {
        message_create: window,
        ..Limits::default()
    }
}

#[test]
fn a_sliding_window_gives_back_one_by_one() {
    check(
        &only_create(Window::sliding(2, 1_000)),
        &[
            (0, CREATE, Pass(1, 1_000)),
            (400, CREATE, Pass(0, 1_000)),
            (500, CREATE, Refuse(RefusalKind::Bucket, 500, None)),
            (999, CREATE, Refuse(RefusalKind::Bucket, 1, None)),
            (1_000, CREATE, Pass(0, 1_000)),
            (1_001, CREATE, Refuse(RefusalKind::Bucket, 399, None)),
            (1_400, CREATE, Pass(0, 1_000)),
            (9_000, CREATE, Pass(1, 1_000)),
        ],
    );
}

#[test]
fn a_fixed_window_gives_back_all_at_once() {
    check(
        &only_create(Window::fixed(2, 1_000)),
        &[
            (0, CREATE, Pass(1, 1_000)),
            (400, CREATE, Pass(0, 600)),
            (500, CREATE, Refuse(RefusalKind::Bucket, 500, None)),
            (1_000, CREATE, Pass(1, 1_000)),
            (1_001, CREATE, Pass(0, 999)),
        ],
    );
}

#[test]
fn the_observed_defaults() {
    let cases = [
        (Class::MessageCreate, 5, 5_000),
        (Class::MessageEdit { age_ms: 0 }, 5, 5_000),
        (Class::MessageDelete { age_ms: 9_999 }, 5, 1_000),
        (Class::MessageDelete { age_ms: 10_000 }, 3, 333),
        (
            Class::MessageDelete {
                age_ms: 15 * 24 * 3_600_000,
            },
            30,
            4_000,
        ),
        (Class::MemberRole, 10, 10_000),
        (Class::WebhookExecute, 5, 2_000),
    ];
    for (class, limit, period_ms) in cases {
        let ask = Ask { class, ..CREATE };
        let mut limiter = Limiter::default();
        for _ in 0..limit {
            let verdict = limiter.check(0, &Limits::default(), &ask);
            assert!(matches!(verdict, Verdict::Pass(_)), "{class:?}");
        }
        let refused = seen(limiter.check(0, &Limits::default(), &ask));
        assert_eq!(
            refused,
            Refuse(RefusalKind::Bucket, period_ms, None),
            "{class:?}"
        );
    }
}

#[test]
fn buckets_are_apart_by_bot_resource_and_class_and_share_a_hash_by_class() {
    let limits = only_create(Window::sliding(1, 1_000));
    let other_channel = Ask {
        resource: 11,
        writes_channel: Some(11),
        ..CREATE
    };
    let other_bot = Ask {
        bot: Some(2),
        ..CREATE
    };
    let other_class = Ask {
        class: Class::MessageRead,
        ..CREATE
    };
    let mut limiter = Limiter::default();
    let mut hash = |ask: &Ask, limits: &Limits| match limiter.check(0, limits, ask) {
        Verdict::Pass(Some(bucket)) => bucket.hash,
        other => panic!("{ask:?}: {other:?}"),
    };
    let first = hash(&CREATE, &limits);
    assert_eq!(first, hash(&other_channel, &limits));
    assert_eq!(first, hash(&other_bot, &limits));
    assert_ne!(first, hash(&other_class, &limits));
    let salted = Limits {
        bucket_salt: 1,
        ..limits
    };
    assert_ne!(
        first,
        hash(
            &Ask {
                resource: 12,
                ..CREATE
            },
            &salted
        )
    );
}

#[test]
fn the_global_limit_comes_first_and_spares_webhooks() {
    let limits = Limits {
        global: Window::fixed(2, 1_000),
        ..Limits::default()
    };
    let webhook = Ask {
        bot: None,
        class: Class::WebhookExecute,
        resource: 5,
        writes_channel: Some(10),
    };
    check(
        &limits,
        &[
            (0, CREATE, Pass(4, 5_000)),
            (
                0,
                Ask {
                    resource: 11,
                    writes_channel: Some(11),
                    ..CREATE
                },
                Pass(4, 5_000),
            ),
            (
                300,
                Ask {
                    resource: 12,
                    ..CREATE
                },
                Refuse(RefusalKind::Global, 700, None),
            ),
            (
                300,
                Ask {
                    bot: Some(2),
                    resource: 12,
                    ..CREATE
                },
                Pass(4, 5_000),
            ),
            (300, webhook, Pass(4, 2_000)),
            (1_000, CREATE, Pass(3, 5_000)),
        ],
    );
    let refusal = Limiter::default().forced(0, &limits, &CREATE, RefusalKind::Global, 5, None);
    assert_eq!(refusal.bucket, None);
}

#[test]
fn an_old_edit_is_limited_behind_its_bucket() {
    let edit = |age_ms| Ask {
        class: Class::MessageEdit { age_ms },
        ..CREATE
    };
    let hour_ms = 3_600_000;
    check(
        &Limits::default(),
        &[
            (0, edit(hour_ms), Pass(4, 5_000)),
            (0, edit(hour_ms), Pass(3, 5_000)),
            (0, edit(hour_ms), Pass(2, 5_000)),
            (
                100,
                edit(hour_ms),
                Refuse(RefusalKind::SubLimit, 5_900, Some(30046)),
            ),
            (100, edit(hour_ms - 1), Pass(1, 5_000)),
            (6_000, edit(hour_ms), Pass(4, 5_000)),
        ],
    );
}

#[test]
fn the_webhook_limit_of_a_channel_is_hidden() {
    let limits = Limits {
        webhook_channel: Window::sliding(2, 60_000),
        ..Limits::default()
    };
    let execute = |webhook| Ask {
        bot: None,
        class: Class::WebhookExecute,
        resource: webhook,
        writes_channel: Some(10),
    };
    check(
        &limits,
        &[
            (0, execute(5), Pass(4, 2_000)),
            (0, execute(6), Pass(4, 2_000)),
            (
                1_000,
                execute(7),
                Refuse(RefusalKind::SubLimit, 59_000, None),
            ),
        ],
    );
}

#[test]
fn the_write_limit_of_a_channel_is_shared_by_all() {
    let limits = Limits {
        channel_write: Window::sliding(2, 3_000),
        ..Limits::default()
    };
    check(
        &limits,
        &[
            (0, CREATE, Pass(4, 5_000)),
            (
                0,
                Ask {
                    bot: Some(2),
                    ..CREATE
                },
                Pass(4, 5_000),
            ),
            (
                1_000,
                CREATE,
                Refuse(RefusalKind::Shared, 2_000, Some(20028)),
            ),
            (
                1_000,
                Ask {
                    class: Class::MessageRead,
                    writes_channel: None,
                    ..CREATE
                },
                Pass(4, 5_000),
            ),
        ],
    );
}

#[test]
fn limits_lowered_in_mid_run_hold_for_what_is_used_already() {
    let mut limiter = Limiter::default();
    let wide = only_create(Window::sliding(4, 1_000));
    for at_ms in [0, 100, 200, 300] {
        assert!(matches!(
            limiter.check(at_ms, &wide, &CREATE),
            Verdict::Pass(_)
        ));
    }
    let halved = wide.scaled_percent(50);
    assert_eq!(halved.message_create.limit, 2);
    // Three of the four must come back before one of two fits.
    assert_eq!(
        seen(limiter.check(400, &halved, &CREATE)),
        Refuse(RefusalKind::Bucket, 800, None)
    );
    assert_eq!(seen(limiter.check(1_200, &halved, &CREATE)), Pass(0, 1_000));
}

#[test]
fn switched_off_nothing_is_counted() {
    let mut limiter = Limiter::default();
    for _ in 0..1_000 {
        assert_eq!(
            limiter.check(0, &Limits::off(), &CREATE),
            Verdict::Pass(None)
        );
    }
    assert_eq!(
        seen(limiter.check(0, &Limits::default(), &CREATE)),
        Pass(4, 5_000)
    );
}

#[test]
fn forced_refusals_look_like_their_kind() {
    let limits = Limits::default();
    let cases = [
        (RefusalKind::Bucket, Some(0)),
        (RefusalKind::SubLimit, Some(5)),
        (RefusalKind::Shared, Some(5)),
        (RefusalKind::Global, None),
        (RefusalKind::Cloudflare, None),
    ];
    for (kind, remaining) in cases {
        let refusal = Limiter::default().forced(0, &limits, &CREATE, kind, 0, Some(7));
        assert_eq!(
            refusal.bucket.map(|bucket| bucket.remaining),
            remaining,
            "{kind:?}"
        );
        assert_eq!((refusal.retry_after_ms, refusal.code), (1, Some(7)));
    }
}

#[test]
fn idle_buckets_are_forgotten() {
    let mut limiter = Limiter::default();
    let limits = Limits {
        global: Window::fixed(u32::MAX, 1_000),
        ..Limits::default()
    };
    for channel in 0..BUCKETS_MAX as u64 {
        limiter.check(
            0,
            &limits,
            &Ask {
                resource: channel,
                writes_channel: Some(channel),
                ..CREATE
            },
        );
    }
    limiter.check(60_000, &limits, &CREATE);
    assert!(limiter.usages.len() < 10, "{}", limiter.usages.len());
}

proptest::proptest! {
    /// Over any stretch of one period no more pass than a sliding window allows, and a retry at the named time passes.
    #[test]
    fn a_sliding_window_is_never_exceeded(limit in 1_u32..6, gaps_ms in proptest::collection::vec(0_u64..400, 1..200)) {
        let limits = Limits { channel_write: Window::sliding(1_000, 1), global: Window::fixed(1_000, 1), ..only_create(Window::sliding(limit, 1_000)) };
        let mut limiter = Limiter::default();
        let (mut now_ms, mut passed) = (0, Vec::new());
        for gap_ms in gaps_ms {
            now_ms += gap_ms;
            match limiter.check(now_ms, &limits, &CREATE) {
                Verdict::Pass(_) => passed.push(now_ms),
                Verdict::Refuse(refusal) => {
                    now_ms += refusal.retry_after_ms;
                    proptest::prop_assert!(matches!(limiter.check(now_ms, &limits, &CREATE), Verdict::Pass(_)));
                    passed.push(now_ms);
                }
            }
        }
        for window in passed.windows(limit as usize + 1) {
            proptest::prop_assert!(window[limit as usize] - window[0] >= 1_000);
        }
    }
}
