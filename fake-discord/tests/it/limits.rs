//! Rate limits on the wire: headers, bodies, kinds of 429, bans.

use fake_discord::{
    Fault, FaultRule, Id, InvalidLimits, Limits, RefusalKind, Settings, When, Window,
};
use reqwest::Method;
use serde_json::json;

use crate::harness::{Answer, CHANNEL, Harness, message_path, settings};

fn limited(limits: Limits) -> Harness {
    Harness::start(Settings {
        limits,
        ..settings()
    })
}

async fn create(fake: &Harness) -> Answer {
    fake.post(json!({ "content": "x" })).await
}

#[tokio::test]
async fn an_empty_bucket_refuses_with_the_documented_headers() {
    let fake = limited(Limits::default());
    let first = create(&fake).await;
    let bucket = first.header("x-ratelimit-bucket").unwrap().to_owned();
    assert_eq!(first.header("x-ratelimit-limit"), Some("5"));
    assert_eq!(first.header("x-ratelimit-remaining"), Some("4"));
    assert_eq!(first.header("x-ratelimit-reset-after"), Some("5.000"));
    assert_eq!(first.header("x-ratelimit-reset"), Some("1800000005.000"));
    assert_eq!(
        first.header("x-ratelimit-scope"),
        None,
        "documented on 429 only"
    );
    for _ in 0..4 {
        fake.control().advance_clock(100);
        create(&fake).await;
    }
    let refused = create(&fake).await;
    assert_eq!(refused.status, 429);
    assert_eq!(refused.header("x-ratelimit-remaining"), Some("0"));
    assert_eq!(refused.header("x-ratelimit-scope"), Some("user"));
    assert_eq!(refused.header("x-ratelimit-bucket"), Some(bucket.as_str()));
    assert_eq!(refused.header("x-ratelimit-global"), None);
    assert_eq!(refused.header("retry-after"), Some("5"), "rounded up");
    let body = refused.json();
    assert_eq!(
        body,
        json!({ "message": "You are being rate limited.", "retry_after": 4.6, "global": false })
    );
    assert_ne!(
        refused.header("x-ratelimit-reset-after"),
        Some("4.600"),
        "full again later than the next token"
    );
    assert_eq!(
        fake.control().messages(None).len(),
        5,
        "a refused create posts nothing"
    );
    fake.control().advance_clock(4_600);
    assert_eq!(create(&fake).await.status, 200);
    let stats = fake.control().stats();
    assert_eq!(stats.rate_limited[&RefusalKind::Bucket], 1);
    assert_eq!(stats.invalid_requests, 1);
}

#[tokio::test]
async fn errors_carry_bucket_headers_too() {
    let fake = limited(Limits::default());
    let refused = fake.post(json!({ "content": "" })).await;
    assert_eq!(
        (refused.status, refused.header("x-ratelimit-remaining")),
        (400, Some("4"))
    );
}

#[tokio::test]
async fn headers_can_be_missing_or_say_more() {
    let fake = limited(Limits {
        headers: false,
        ..Limits::default()
    });
    for _ in 0..5 {
        assert_eq!(create(&fake).await.header("x-ratelimit-limit"), None);
    }
    let refused = create(&fake).await;
    assert_eq!(
        (refused.status, refused.header("x-ratelimit-scope")),
        (429, None)
    );
    assert_eq!(refused.header("retry-after"), Some("5"));
    fake.control().advance_clock(10_000);
    fake.control().set_limits(Limits {
        scope_on_success: true,
        ..Limits::default()
    });
    assert_eq!(
        create(&fake).await.header("x-ratelimit-scope"),
        Some("user")
    );
}

#[tokio::test]
async fn limits_change_in_mid_run() {
    let fake = limited(Limits::default());
    create(&fake).await;
    let halved = fake
        .send(
            Method::POST,
            "/_fake/limits",
            Some(json!({ "scale_percent": 50 })),
        )
        .await;
    assert_eq!(halved.status, 200, "{}", halved.text);
    let second = create(&fake).await;
    assert_eq!(second.header("x-ratelimit-limit"), Some("2"));
    assert_eq!(create(&fake).await.status, 429);
    let one = json!({ "message_create": { "limit": 7 } });
    fake.send(Method::POST, "/_fake/limits", Some(one)).await;
    let third = create(&fake).await;
    assert_eq!(third.header("x-ratelimit-limit"), Some("7"));
    assert_eq!(third.header("x-ratelimit-remaining"), Some("4"));
    let wrong = fake
        .send(
            Method::POST,
            "/_fake/limits",
            Some(json!({ "mesage_create": 1 })),
        )
        .await;
    assert_eq!(wrong.status, 400);
}

#[tokio::test]
async fn the_global_limit_has_no_bucket() {
    let fake = limited(Limits {
        global: Window::fixed(1, 1_000),
        ..Limits::default()
    });
    assert_eq!(fake.get("/users/@me").await.status, 200);
    let refused = create(&fake).await;
    assert_eq!(
        (refused.status, refused.json()["global"].as_bool()),
        (429, Some(true))
    );
    assert_eq!(refused.header("x-ratelimit-global"), Some("true"));
    assert_eq!(refused.header("x-ratelimit-scope"), Some("global"));
    assert_eq!(refused.header("retry-after"), Some("1"));
    for absent in ["bucket", "limit", "remaining", "reset", "reset-after"] {
        assert_eq!(refused.header(&format!("x-ratelimit-{absent}")), None);
    }
}

#[tokio::test]
async fn an_old_edit_and_a_busy_channel_have_codes() {
    let fake = limited(Limits {
        channel_write: Window::sliding(4, 60_000),
        ..Limits::default()
    });
    let id = create(&fake).await.id();
    fake.control().advance_clock(3_600_000);
    for _ in 0..3 {
        let edited = fake
            .api(Method::PATCH, &message_path(id), json!({ "content": "y" }))
            .await;
        assert_eq!(edited.status, 200);
    }
    let refused = fake
        .api(Method::PATCH, &message_path(id), json!({ "content": "y" }))
        .await;
    assert_eq!(refused.failure(), (429, 30046));
    assert_eq!(
        refused.header("x-ratelimit-remaining"),
        Some("2"),
        "hidden behind its bucket"
    );
    assert_eq!(create(&fake).await.status, 200);
    let refused = create(&fake).await;
    assert_eq!(refused.failure(), (429, 20028));
    assert_eq!(refused.header("x-ratelimit-scope"), Some("shared"));
    let stats = fake.control().stats();
    assert_eq!(
        stats.invalid_requests, 1,
        "a shared 429 is no invalid request"
    );
}

#[tokio::test]
async fn a_role_window_is_fixed_and_per_guild() {
    let fake = limited(Limits::default());
    let path = "/api/v10/guilds/1000/members/700/roles/501";
    for _ in 0..10 {
        fake.control().advance_clock(100);
        assert_eq!(fake.send(Method::PUT, path, None).await.status, 204);
    }
    let refused = fake.send(Method::PUT, path, None).await;
    assert_eq!(
        (refused.status, refused.json()["retry_after"].as_f64()),
        (429, Some(9.1))
    );
}

#[tokio::test]
async fn every_kind_of_429_can_be_forced() {
    let fake = limited(Limits::default());
    let cases = [
        (RefusalKind::Bucket, Some("user"), Some("0")),
        (RefusalKind::SubLimit, Some("user"), Some("5")),
        (RefusalKind::Shared, Some("shared"), Some("5")),
        (RefusalKind::Global, Some("global"), None),
        (RefusalKind::Cloudflare, None, None),
    ];
    for (kind, scope, remaining) in cases {
        let fault = Fault::RateLimited {
            kind,
            retry_after_ms: 1_200,
            code: None,
        };
        fake.control()
            .add_fault(FaultRule::new(When::Next { count: 1, skip: 0 }, fault));
        let refused = create(&fake).await;
        assert_eq!(refused.status, 429);
        assert_eq!(refused.header("retry-after"), Some("2"), "{kind:?}");
        assert_eq!(refused.header("x-ratelimit-scope"), scope, "{kind:?}");
        assert_eq!(
            refused.header("x-ratelimit-remaining"),
            remaining,
            "{kind:?}"
        );
        let html = refused
            .header("content-type")
            .unwrap()
            .starts_with("text/html");
        assert_eq!(html, kind == RefusalKind::Cloudflare);
        assert_eq!(fake.control().stats().rate_limited[&kind], 1);
        fake.control().clear_faults();
    }
    assert!(fake.control().messages(None).is_empty());
    let fault = Fault::RateLimited {
        kind: RefusalKind::SubLimit,
        retry_after_ms: 1,
        code: Some(30046),
    };
    fake.control()
        .add_fault(FaultRule::new(When::Always, fault).in_channel(CHANNEL));
    assert_eq!(create(&fake).await.failure(), (429, 30046));
}

#[tokio::test]
async fn too_many_invalid_requests_bring_a_ban() {
    let invalid_requests = InvalidLimits {
        requests_max: 3,
        period_ms: 1_000,
        ban_ms: 5_000,
    };
    let mut fake = Harness::start(Settings {
        invalid_requests,
        ..settings()
    });
    fake.speak_as("Bot wrong");
    for _ in 0..3 {
        assert_eq!(create(&fake).await.status, 401);
    }
    assert!(fake.control().stats().banned);
    fake.speak_as(&format!("Bot {}", fake_discord::DEFAULT_BOT_TOKEN));
    let banned = create(&fake).await;
    assert_eq!(
        (banned.status, banned.header("retry-after")),
        (429, Some("5"))
    );
    assert_eq!(banned.header("x-ratelimit-scope"), None);
    fake.control().advance_clock(5_000);
    assert_eq!(create(&fake).await.status, 200);
    assert_eq!(fake.control().messages(Some(Id(CHANNEL))).len(), 1);
}
