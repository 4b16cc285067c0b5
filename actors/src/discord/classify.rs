//! What an answer of Discord means: the status, the headers and the body together, in the words of `exchange`. Every kind of 429
//! is told apart, and whatever does not read is said to be ambiguous.

use super::{
    build::by_webhook,
    lists::{self, Ours},
};
use crate::{
    exchange::{Answer, Call, Outcome, Request},
    limits_core::{LimitHeaders, LimitKind},
};
use heliograph_schema::ids::{GuildId, MessageId, ThreadId, UserId};
use reqwest::header::HeaderMap;
use serde::Deserialize;

/// Codes of limits that are not in the headers (documented: the first; observed: the others).
const OLD_EDITS: u64 = 30_046;
const CHANNEL_WRITES: u64 = 20_028;
const SLOW_MODE: u64 = 20_016;
/// Of codes that change what is known or what is answered (documented).
const UNKNOWN_WEBHOOK: u64 = 10_015;
const WRONG_WEBHOOK_TOKEN: u64 = 50_027;
const THREAD_EXISTS: u64 = 160_004;
/// Content Too Large.
const TOO_LARGE: u16 = 413;
/// A 429 that does not say how long.
const RETRY_AFTER_MS_DEFAULT: i64 = 5_000;
/// A 429 that says more is asked again after this.
const RETRY_AFTER_MS_MAX: i64 = 3_600_000;
const SECOND_MS: i64 = 1_000;
const MESSAGE_CHARS_MAX: usize = 300;

/// An answer as it came.
#[derive(Debug, Default)]
pub(super) struct Raw {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
    /// When it came, for headers that speak of a moment.
    pub(super) epoch_ms: i64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct LimitBody {
    code: u64,
    retry_after: f64,
    global: bool,
}

/// Every refusal of Discord has a code; what stands before Discord says something else.
#[derive(Debug, Default, Deserialize)]
struct RefusalBody {
    code: u64,
    #[serde(default)]
    message: String,
    #[serde(default)]
    errors: serde_json::Value,
}

#[derive(Debug, Deserialize)]
struct Posted {
    id: MessageId,
    /// Of a webhook's post in a forum: the thread that was opened for it.
    #[serde(default)]
    channel_id: Option<ThreadId>,
}

#[derive(Debug, Deserialize)]
struct OpenedThread {
    id: ThreadId,
}

#[derive(Debug, Deserialize)]
struct AccountBody {
    id: UserId,
}

#[derive(Debug, Deserialize)]
struct PlaceBody {
    guild_id: GuildId,
}

/// What `raw` means as the answer to the one request of a call. `ours`: which messages of a list are.
pub(super) fn classify(request: &Request, raw: &Raw, ours: Option<&Ours>) -> Answer {
    let is_webhooks = by_webhook(request).is_some();
    let outcome = match failure(raw, is_webhooks) {
        None => succeeded(&request.call, is_webhooks, raw, ours),
        Some(Outcome::Rejected { code, .. }) if code == THREAD_EXISTS => existing_thread(request)
            .map_or_else(|| rejected(raw), |thread_id| Outcome::Opened { thread_id }),
        Some(failure) => failure,
    };
    answer(outcome, raw)
}

/// What a request came to that was not done; `None`: it was done. Of a webhook's request a 401 says that the webhook's token is
/// not taken, and nothing of the bot's.
pub(super) fn failure(raw: &Raw, is_webhooks: bool) -> Option<Outcome> {
    Some(match raw.status {
        200..=299 => return None,
        401 if !is_webhooks => Outcome::Unauthorized,
        429 => limited(raw),
        408 => ambiguous("408"),
        400..=499 => rejected(raw),
        status => ambiguous(&status.to_string()),
    })
}

/// The outcome with what the headers say.
pub(super) fn answer(outcome: Outcome, raw: &Raw) -> Answer {
    Answer {
        outcome,
        headers: Some(limit_headers(&raw.headers, raw.epoch_ms)),
    }
}

/// Whether the answer says that this webhook is no more, or not under this token.
pub(super) fn is_webhook_lost(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Rejected { code, .. } if [UNKNOWN_WEBHOOK, WRONG_WEBHOOK_TOKEN].contains(code))
}

/// The account in an answer to "who am I".
pub(super) fn user_id(raw: &Raw) -> Option<UserId> {
    let account: AccountBody = serde_json::from_slice(&raw.body).ok()?;
    Some(account.id)
}

/// The guild in an answer to "what is this channel".
pub(super) fn guild_id(raw: &Raw) -> Option<GuildId> {
    let place: PlaceBody = serde_json::from_slice(&raw.body).ok()?;
    Some(place.guild_id)
}

/// What the headers say of limits.
pub(super) fn limit_headers(headers: &HeaderMap, epoch_ms: i64) -> LimitHeaders {
    let reset_after_ms = seconds(headers, "x-ratelimit-reset-after");
    let reset_at_ms = seconds(headers, "x-ratelimit-reset");
    LimitHeaders {
        bucket: text(headers, "x-ratelimit-bucket").map(str::to_owned),
        limit: text(headers, "x-ratelimit-limit").and_then(|limit| limit.parse().ok()),
        remaining: text(headers, "x-ratelimit-remaining").and_then(|left| left.parse().ok()),
        reset_after_ms: reset_after_ms.or(reset_at_ms.map(|at_ms| (at_ms - epoch_ms).max(0))),
        answered_at_ms: reset_at_ms
            .zip(reset_after_ms)
            .map(|(at_ms, after_ms)| at_ms - after_ms),
    }
}

fn succeeded(call: &Call, is_webhooks: bool, raw: &Raw, ours: Option<&Ours>) -> Outcome {
    let body = raw.body.as_slice();
    let read = match call {
        Call::Edit { .. } => return Outcome::Edited,
        Call::Delete { .. } => return Outcome::Deleted,
        Call::Archive { .. } => return Outcome::Archived,
        Call::Create { .. } => posted(body).map(|post| Outcome::Posted {
            message_id: post.id,
        }),
        Call::OpenPost { .. } if is_webhooks => posted(body)
            .and_then(|post| post.channel_id)
            .map(|thread_id| Outcome::Opened { thread_id }),
        Call::OpenThread { .. } | Call::OpenPost { .. } => {
            let thread: Option<OpenedThread> = serde_json::from_slice(body).ok();
            thread.map(|thread| Outcome::Opened {
                thread_id: thread.id,
            })
        }
        Call::List { .. } | Call::Survey { .. } => {
            let of_all = matches!(call, Call::Survey { .. });
            ours.and_then(|ours| lists::messages(body, ours, of_all))
        }
        // Take several requests, each of which is read where it is made.
        Call::FindThread { .. } | Call::FindWebhook | Call::MakeWebhook => None,
    };
    read.unwrap_or_else(|| unreadable(raw).outcome)
}

fn posted(body: &[u8]) -> Option<Posted> {
    serde_json::from_slice(body).ok()
}

/// The thread of a message has the message's id.
fn existing_thread(request: &Request) -> Option<ThreadId> {
    match request.call {
        Call::OpenThread {
            from: Some(message_id),
            ..
        } => ThreadId::new(message_id.get()),
        _ => None,
    }
}

/// Done, as far as the status goes, and the answer is not what it should be.
pub(super) fn unreadable(raw: &Raw) -> Answer {
    answer(ambiguous("the answer does not read"), raw)
}

fn limited(raw: &Raw) -> Outcome {
    let body: Option<LimitBody> = serde_json::from_slice(&raw.body).ok();
    let said = body.as_ref();
    let scope = text(&raw.headers, "x-ratelimit-scope");
    let is_global = said.is_some_and(|body| body.global)
        || scope == Some("global")
        || text(&raw.headers, "x-ratelimit-global") == Some("true");
    let kind = match said.map_or(0, |body| body.code) {
        OLD_EDITS => LimitKind::OldEdits,
        CHANNEL_WRITES | SLOW_MODE => LimitKind::ChannelWrites,
        _ if is_global => LimitKind::Global,
        _ if scope == Some("shared") => LimitKind::Shared,
        // Discord itself always answers in JSON; what stands before it does not.
        _ if said.is_none() && text(&raw.headers, "x-ratelimit-bucket").is_none() => {
            LimitKind::Address
        }
        _ => LimitKind::Bucket,
    };
    let in_body = said
        .map(|body| millis(body.retry_after))
        .filter(|ms| *ms > 0);
    let in_header = seconds(&raw.headers, "retry-after");
    let retry_after_ms = match (in_header, in_body) {
        // The header is the body's number in whole seconds, rounded up; to wait for those would waste most of a short window.
        (Some(header_ms), Some(body_ms)) if header_ms - body_ms < SECOND_MS => body_ms,
        (header_ms, body_ms) => header_ms.max(body_ms).unwrap_or(RETRY_AFTER_MS_DEFAULT),
    };
    Outcome::RateLimited {
        kind,
        retry_after_ms: retry_after_ms.clamp(1, RETRY_AFTER_MS_MAX),
    }
}

fn rejected(raw: &Raw) -> Outcome {
    let body = match serde_json::from_slice::<RefusalBody>(&raw.body) {
        Ok(body) => body,
        // Too large is too large, whoever says so.
        Err(_) if raw.status == TOO_LARGE => RefusalBody::default(),
        Err(_) => return ambiguous(&format!("{}, and not in Discord's words", raw.status)),
    };
    let mut message = body.message;
    if !body.errors.is_null() {
        message.push(' ');
        message.push_str(&body.errors.to_string());
    }
    let message = message.chars().take(MESSAGE_CHARS_MAX).collect();
    Outcome::Rejected {
        status: raw.status,
        code: body.code,
        message,
    }
}

fn ambiguous(reason: &str) -> Outcome {
    Outcome::Ambiguous {
        reason: reason.to_owned(),
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// A header in seconds, as milliseconds, rounded up.
fn seconds(headers: &HeaderMap, name: &str) -> Option<i64> {
    text(headers, name)
        .and_then(|value| value.parse().ok())
        .filter(|value: &f64| value.is_finite())
        .map(millis)
}

#[allow(
    clippy::cast_possible_truncation,
    reason = "a float beyond the range of i64 becomes its nearest end"
)]
fn millis(seconds: f64) -> i64 {
    (seconds * 1_000.0).ceil() as i64
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::payload::PartPayload;
    use heliograph_schema::{
        delivery::Address,
        ids::{ChannelId, WebhookId},
    };
    use reqwest::header::{HeaderName, HeaderValue};

    fn raw(status: u16, headers: &[(&'static str, &'static str)], body: &str) -> Raw {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        };
        Raw {
            status,
            headers: headers.iter().map(pair).collect(),
            body: body.into(),
            epoch_ms: 1_000_000,
        }
    }

    fn create() -> Call {
        Call::Create {
            payload: PartPayload::default(),
            nonce: "n".into(),
            reply_to: None,
        }
    }

    fn open(from: i64) -> Call {
        Call::OpenThread {
            name: "talk".into(),
            from: MessageId::new(from),
        }
    }

    fn post() -> Call {
        Call::OpenPost {
            name: "talk".into(),
            payload: PartPayload::default(),
        }
    }

    fn request(call: &Call, webhook: i64) -> Request {
        Request {
            request_id: 1,
            target_channel_id: ChannelId::new(1).unwrap(),
            at: Address {
                thread_id: None,
                webhook_id: WebhookId::new(webhook),
            },
            call: call.clone(),
        }
    }

    fn outcome(call: &Call, raw: &Raw) -> Outcome {
        classify(&request(call, 0), raw, None).outcome
    }

    #[test]
    #[expect(clippy::type_complexity)]
    fn every_429_is_what_it_is() {
        let json = r#"{"message":"limited","retry_after":1.25,"global":false}"#;
        let table: [(&[(&'static str, &'static str)], &str, LimitKind, i64); 10] = [
            (
                &[
                    ("x-ratelimit-scope", "user"),
                    ("retry-after", "2"),
                    ("x-ratelimit-bucket", "b"),
                ],
                json,
                LimitKind::Bucket,
                1_250,
            ),
            (
                &[
                    ("retry-after", "1"),
                    ("x-ratelimit-bucket", "b"),
                    ("x-ratelimit-remaining", "3"),
                ],
                json,
                LimitKind::Bucket,
                1_250,
            ),
            (
                &[("retry-after", "4"), ("x-ratelimit-bucket", "b")],
                json,
                LimitKind::Bucket,
                4_000,
            ),
            (
                &[("x-ratelimit-scope", "shared"), ("x-ratelimit-bucket", "b")],
                json,
                LimitKind::Shared,
                1_250,
            ),
            (
                &[("x-ratelimit-global", "true"), ("retry-after", "3")],
                json,
                LimitKind::Global,
                3_000,
            ),
            (
                &[],
                r#"{"retry_after":0.4,"global":true}"#,
                LimitKind::Global,
                400,
            ),
            (
                &[("x-ratelimit-bucket", "b")],
                r#"{"code":30046,"retry_after":2.5}"#,
                LimitKind::OldEdits,
                2_500,
            ),
            (
                &[],
                r#"{"code":20028,"retry_after":7}"#,
                LimitKind::ChannelWrites,
                7_000,
            ),
            (
                &[("retry-after", "60")],
                "<html>error 1015</html>",
                LimitKind::Address,
                60_000,
            ),
            (&[], "", LimitKind::Address, RETRY_AFTER_MS_DEFAULT),
        ];
        for (headers, body, kind, retry_after_ms) in table {
            let expected = Outcome::RateLimited {
                kind,
                retry_after_ms,
            };
            assert_eq!(
                outcome(&create(), &raw(429, headers, body)),
                expected,
                "{headers:?} {body}"
            );
        }
    }

    #[test]
    fn answers_that_say_nothing_are_ambiguous() {
        for (status, body) in [
            (500, "<html>"),
            (502, ""),
            (504, "{}"),
            (200, "{\"id\":"),
            (200, ""),
            (408, ""),
            (302, ""),
            (400, "<html>bad request</html>"),
            (403, "<html>blocked</html>"),
            (403, ""),
            (404, "not found"),
            (404, "{}"),
            (404, r#"{"error":"no such backend"}"#),
            (405, "[]"),
        ] {
            let said = outcome(&create(), &raw(status, &[], body));
            assert!(
                matches!(said, Outcome::Ambiguous { .. }),
                "{status} {body}: {said:?}"
            );
        }
    }

    #[test]
    fn refusals_carry_their_code() {
        let table = [
            (
                400,
                r#"{"code":50035,"message":"Invalid Form Body","errors":{"content":1}}"#,
                50_035,
            ),
            (404, r#"{"code":10003,"message":"Unknown Channel"}"#, 10_003),
            (404, r#"{"code":10008,"message":"Unknown Message"}"#, 10_008),
            (404, r#"{"code":10015,"message":"Unknown Webhook"}"#, 10_015),
            (
                400,
                r#"{"code":30007,"message":"Maximum number of webhooks reached (15)"}"#,
                30_007,
            ),
            (
                400,
                r#"{"code":50024,"message":"Cannot execute action on this channel type"}"#,
                50_024,
            ),
            (
                400,
                r#"{"code":50083,"message":"Thread is archived"}"#,
                50_083,
            ),
            (
                400,
                r#"{"code":160004,"message":"A thread has already been created"}"#,
                160_004,
            ),
            (
                400,
                r#"{"code":160005,"message":"Thread is locked"}"#,
                160_005,
            ),
            (
                400,
                r#"{"code":160006,"message":"Maximum number of active threads reached"}"#,
                160_006,
            ),
            (404, r#"{"code":0,"message":"404: Not Found"}"#, 0),
            (413, r#"{"code":40005}"#, 40_005),
            (413, "<html>", 0),
            (413, "", 0),
        ];
        for (status, body, code) in table {
            let Outcome::Rejected {
                status: said,
                code: found,
                ..
            } = outcome(&create(), &raw(status, &[], body))
            else {
                panic!("{status} is a refusal")
            };
            assert_eq!((said, found), (status, code));
        }
        assert_eq!(
            outcome(&create(), &raw(401, &[], "{}")),
            Outcome::Unauthorized
        );
    }

    #[test]
    fn successes_are_read() {
        let message_id = MessageId::new(5).unwrap();
        assert_eq!(
            outcome(&create(), &raw(200, &[], r#"{"id":"5"}"#)),
            Outcome::Posted { message_id }
        );
        let edit = Call::Edit {
            message_id,
            payload: PartPayload::default(),
        };
        assert_eq!(outcome(&edit, &raw(200, &[], "")), Outcome::Edited);
        assert_eq!(
            outcome(&Call::Delete { message_id }, &raw(204, &[], "")),
            Outcome::Deleted
        );
    }

    #[test]
    fn threads_are_opened_under_their_ids() {
        let opened = |thread_id| Outcome::Opened {
            thread_id: ThreadId::new(thread_id).unwrap(),
        };
        let (thread, message) = (r#"{"id":"6"}"#, r#"{"id":"6","channel_id":"7"}"#);
        let exists = r#"{"code":160004,"message":"A thread has already been created"}"#;
        let table = [
            (open(6), 0, 201, thread, opened(6)),
            (open(0), 0, 201, thread, opened(6)),
            (open(5), 0, 400, exists, opened(5)),
            (post(), 0, 201, thread, opened(6)),
            (post(), 3, 200, message, opened(7)),
            (
                Call::Archive { archived: true },
                0,
                200,
                thread,
                Outcome::Archived,
            ),
        ];
        for (call, webhook, status, body, expected) in table {
            let said = classify(&request(&call, webhook), &raw(status, &[], body), None).outcome;
            assert_eq!(said, expected, "{call:?} {status}");
        }
        for (call, webhook, body) in [(open(0), 0, "{}"), (post(), 3, thread)] {
            let said = classify(&request(&call, webhook), &raw(200, &[], body), None).outcome;
            assert!(
                matches!(said, Outcome::Ambiguous { .. }),
                "{call:?}: {said:?}"
            );
        }
        // Only of a thread from a message is it known which one there is.
        let said = outcome(&open(0), &raw(400, &[], exists));
        assert!(
            matches!(said, Outcome::Rejected { code: 160_004, .. }),
            "{said:?}"
        );
    }

    #[test]
    fn a_webhook_that_is_not_let_in_says_nothing_of_the_bot() {
        let table = [
            (
                401,
                r#"{"code":50027,"message":"Invalid Webhook Token"}"#,
                true,
            ),
            (404, r#"{"code":10015,"message":"Unknown Webhook"}"#, true),
            (404, r#"{"code":10008,"message":"Unknown Message"}"#, false),
        ];
        for (status, body, lost) in table {
            let raw = raw(status, &[], body);
            let said = classify(&request(&create(), 3), &raw, None).outcome;
            assert!(
                matches!(said, Outcome::Rejected { status: s, .. } if s == status),
                "{said:?}"
            );
            assert_eq!(is_webhook_lost(&said), lost, "{said:?}");
        }
        let to_the_bot = classify(&request(&open(1), 3), &raw(401, &[], "{}"), None).outcome;
        assert_eq!(to_the_bot, Outcome::Unauthorized);
    }

    #[test]
    fn reset_after_is_preferred_to_reset() {
        let both = [
            ("x-ratelimit-reset", "1002.5"),
            ("x-ratelimit-reset-after", "0.251"),
            ("x-ratelimit-limit", "5"),
        ];
        assert_eq!(
            limit_headers(&raw(200, &both, "").headers, 1_000_000).reset_after_ms,
            Some(251)
        );
        assert_eq!(
            limit_headers(&raw(200, &both, "").headers, 1_000_000).answered_at_ms,
            Some(1_002_249),
            "the moment of the reset less the time until then"
        );
        assert_eq!(
            limit_headers(&raw(200, &both[..1], "").headers, 1_000_000).reset_after_ms,
            Some(2_500)
        );
        assert_eq!(limit_headers(&HeaderMap::new(), 0), LimitHeaders::default());
    }
}
