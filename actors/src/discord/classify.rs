//! What an answer of Discord means: the status, the headers and the body together, in the words of `exchange`. Every kind of 429
//! is told apart, and whatever does not read is said to be ambiguous.

use super::is_full_page;
use crate::{
    exchange::{Answer, Call, Listed, Outcome},
    limits_core::{LimitHeaders, LimitKind},
    payload::Identity,
};
use heliograph_schema::{
    ids::{MessageId, UserId},
    signal::{Embed, EmbedField},
};
use reqwest::header::HeaderMap;
use serde::Deserialize;

/// Codes of limits that are not in the headers (documented: the first; observed: the others).
const OLD_EDITS: u64 = 30_046;
const CHANNEL_WRITES: u64 = 20_028;
const SLOW_MODE: u64 = 20_016;
/// Content Too Large.
const TOO_LARGE: u16 = 413;
/// A 429 that does not say how long.
const RETRY_AFTER_MS_DEFAULT: i64 = 5_000;
/// A 429 that says more is asked again after this.
const RETRY_AFTER_MS_MAX: i64 = 3_600_000;
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
struct HasId {
    id: MessageId,
}

#[derive(Debug, Deserialize)]
struct AccountBody {
    id: UserId,
}

#[derive(Debug, Deserialize)]
struct MessageBody {
    id: MessageId,
    author: AccountBody,
    #[serde(default)]
    content: String,
    #[serde(default)]
    embeds: Vec<EmbedBody>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct EmbedBody {
    r#type: Option<String>,
    title: Option<String>,
    description: Option<String>,
    image: Option<ImageBody>,
    fields: Vec<EmbedField>,
}

#[derive(Debug, Deserialize)]
struct ImageBody {
    #[serde(default)]
    url: Option<String>,
}

/// What `raw` means as the answer to `call`. `me`: whose messages of a list are ours.
pub(super) fn classify(call: &Call, raw: &Raw, me: Option<UserId>) -> Answer {
    let outcome = failure(raw).unwrap_or_else(|| succeeded(call, raw, me));
    Answer {
        outcome,
        headers: Some(limit_headers(&raw.headers, raw.epoch_ms)),
    }
}

/// What an answer means that is no success.
pub(super) fn failure(raw: &Raw) -> Option<Outcome> {
    Some(match raw.status {
        200..=299 => return None,
        401 => Outcome::Unauthorized,
        429 => limited(raw),
        408 => ambiguous("408"),
        400..=499 => rejected(raw),
        status => ambiguous(&status.to_string()),
    })
}

/// The account in an answer to "who am I".
pub(super) fn user_id(raw: &Raw) -> Option<UserId> {
    let account: Option<AccountBody> = serde_json::from_slice(&raw.body).ok();
    account
        .filter(|_| raw.status == 200)
        .map(|account| account.id)
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
    }
}

fn succeeded(call: &Call, raw: &Raw, me: Option<UserId>) -> Outcome {
    match call {
        Call::Edit { .. } => Outcome::Edited,
        Call::Delete { .. } => Outcome::Deleted,
        Call::Create { .. } => match serde_json::from_slice::<HasId>(&raw.body) {
            Ok(message) => Outcome::Posted {
                message_id: message.id,
            },
            Err(_) => ambiguous("the answer to a create does not read"),
        },
        Call::List { .. } | Call::Survey { .. } => {
            match (serde_json::from_slice::<Vec<MessageBody>>(&raw.body), me) {
                (Ok(messages), Some(me)) => listed(messages, me),
                _ => ambiguous("the list of messages does not read"),
            }
        }
        _ => ambiguous("an answer to no question of ours"),
    }
}

/// Discord gives the page behind an id, newest first.
fn listed(mut messages: Vec<MessageBody>, me: UserId) -> Outcome {
    messages.sort_unstable_by_key(|message| message.id);
    let next_after = messages
        .last()
        .filter(|_| is_full_page(messages.len()))
        .map(|message| message.id.get());
    let ours = messages
        .into_iter()
        .filter(|message| message.author.id == me);
    Outcome::Listed {
        unrecorded: ours.map(MessageBody::listed).collect(),
        next_after,
    }
}

impl MessageBody {
    fn listed(self) -> Listed {
        // Others are previews that Discord added.
        let rich = self
            .embeds
            .into_iter()
            .filter(|embed| embed.r#type.as_deref().is_none_or(|kind| kind == "rich"));
        let embeds: Vec<Embed> = rich.map(EmbedBody::embed).collect();
        Listed {
            message_id: self.id,
            identity: Identity::of(&self.content, &embeds),
        }
    }
}

impl EmbedBody {
    fn embed(self) -> Embed {
        Embed {
            title: self.title,
            description: self.description,
            image_url: self.image.and_then(|image| image.url),
            fields: self.fields,
            ..Embed::default()
        }
    }
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
    let retry_after_ms = seconds(&raw.headers, "retry-after")
        .max(in_body)
        .unwrap_or(RETRY_AFTER_MS_DEFAULT);
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

    fn outcome(call: &Call, raw: &Raw) -> Outcome {
        classify(call, raw, UserId::new(9)).outcome
    }

    #[test]
    #[expect(clippy::type_complexity)]
    fn every_429_is_what_it_is() {
        let json = r#"{"message":"limited","retry_after":1.25,"global":false}"#;
        let table: [(&[(&'static str, &'static str)], &str, LimitKind, i64); 9] = [
            (
                &[
                    ("x-ratelimit-scope", "user"),
                    ("retry-after", "2"),
                    ("x-ratelimit-bucket", "b"),
                ],
                json,
                LimitKind::Bucket,
                2_000,
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
            (404, r#"{"code":10008,"message":"Unknown Message"}"#, 10_008),
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
    fn a_list_is_ours_alone_and_oldest_first() {
        let body = r#"[
            {"id":"7","author":{"id":"9"},"content":"two","embeds":[{"type":"rich","title":"t"},{"type":"link","title":"preview"}]},
            {"id":"6","author":{"id":"8"},"content":"somebody else"},
            {"id":"5","author":{"id":"9"},"content":"one "}]"#;
        let Outcome::Listed {
            unrecorded,
            next_after,
        } = outcome(&Call::List { after: 1 }, &raw(200, &[], body))
        else {
            panic!("a list")
        };
        assert_eq!(
            unrecorded
                .iter()
                .map(|it| it.message_id.get())
                .collect::<Vec<_>>(),
            [5, 7]
        );
        let titled = Embed {
            title: Some("t".into()),
            ..Embed::default()
        };
        assert_eq!(unrecorded[0].identity, Identity::of("one", &[]));
        assert_eq!(unrecorded[1].identity, Identity::of("two", &[titled]));
        assert_eq!(next_after, None);
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
            limit_headers(&raw(200, &both[..1], "").headers, 1_000_000).reset_after_ms,
            Some(2_500)
        );
        assert_eq!(limit_headers(&HeaderMap::new(), 0), LimitHeaders::default());
    }
}
