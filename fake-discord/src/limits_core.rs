//! Discord's rate limits as rules: buckets per route and top-level resource, hidden sub-limits, the channel-wide write
//! limit and the global one. Pure: the time is passed in, the answer is a verdict;
//! turning it into headers is the work of `reply`.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
};

use serde::{Deserialize, Serialize};

use crate::{
    limits::Limits,
    window_core::{BucketView, Usage, Window},
};

/// Buckets remembered before the idle ones are forgotten.
const BUCKETS_MAX: usize = 20_000;

/// How often idle buckets are looked for, milliseconds.
const FORGET_PERIOD_MS: u64 = 1_000;

/// `message` of a 429 without a code of its own.
const RATE_LIMITED: &str = "You are being rate limited.";

/// The group of routes that share a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Class {
    MessageCreate,
    MessageEdit { age_ms: u64 },
    MessageDelete { age_ms: u64 },
    MessageRead,
    MemberRole,
    WebhookExecute,
    WebhookOther,
    ThreadCreate,
    Other,
}

/// One request that asks to pass.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ask {
    /// The bot; `None` for webhooks, which know neither a bot nor the global limit.
    pub(crate) bot: Option<u64>,
    pub(crate) class: Class,
    /// Top-level resource: channel, guild or webhook.
    pub(crate) resource: u64,
    /// The channel written to, for the channel-wide limits.
    pub(crate) writes_channel: Option<u64>,
}

/// Whose limit was hit, as Discord names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// This bot's bucket.
    User,
    /// This bot's requests together.
    Global,
    /// The resource, for everybody. Does not count as an invalid request.
    Shared,
}

impl Scope {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Global => "global",
            Self::Shared => "shared",
        }
    }
}

/// A 429.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) kind: RefusalKind,
    /// Until the next request may pass, milliseconds, at least 1.
    pub(crate) retry_after_ms: u64,
    pub(crate) code: Option<u32>,
    pub(crate) message: &'static str,
    /// Absent on a global refusal.
    pub(crate) bucket: Option<BucketView>,
}

/// The kinds of 429 a client has to tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalKind {
    /// The bucket is empty: `Remaining` is 0.
    Bucket,
    /// A hidden limit below the bucket: `Remaining` is above 0. May carry a code.
    SubLimit,
    /// The resource is limited for everybody.
    Shared,
    /// The bot's requests together; no bucket headers.
    Global,
    /// Refused before Discord: an HTML body, `Retry-After`, no `X-RateLimit-*`.
    Cloudflare,
}

impl RefusalKind {
    pub(crate) const fn scope(self) -> Scope {
        match self {
            Self::Bucket | Self::SubLimit | Self::Cloudflare => Scope::User,
            Self::Shared => Scope::Shared,
            Self::Global => Scope::Global,
        }
    }
}

/// The answer to an [`Ask`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Pass(Option<BucketView>),
    Refuse(Refusal),
}

/// The groups of requests that are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Lane {
    Global {
        bot: u64,
    },
    ChannelWrite {
        channel: u64,
    },
    Route {
        bot: u64,
        bucket: &'static str,
        resource: u64,
    },
}

/// All buckets.
#[derive(Debug, Default)]
pub(crate) struct Limiter {
    usages: HashMap<Lane, Usage>,
    forgot_at_ms: u64,
}

/// A second limit behind a bucket.
struct Hidden {
    lane: Lane,
    window: Window,
    kind: RefusalKind,
    code: Option<u32>,
    message: &'static str,
}

impl Limiter {
    /// Judges one request. A refused one counts nowhere.
    pub(crate) fn check(&mut self, now_ms: u64, limits: &Limits, ask: &Ask) -> Verdict {
        if !limits.enabled {
            return Verdict::Pass(None);
        }
        self.forget_idle(now_ms);
        let global = ask.bot.map(|bot| Lane::Global { bot });
        if let Some(lane) = global
            && let Some(retry_after_ms) = self.wait_ms(now_ms, lane, limits.global)
        {
            return Verdict::Refuse(Refusal {
                kind: RefusalKind::Global,
                retry_after_ms,
                code: None,
                message: RATE_LIMITED,
                bucket: None,
            });
        }
        let (bucket, window) = bucket_of(limits, ask.class);
        let lane = route_lane(ask, bucket);
        if let Some(retry_after_ms) = self.wait_ms(now_ms, lane, window) {
            return Verdict::Refuse(Refusal {
                kind: RefusalKind::Bucket,
                retry_after_ms,
                code: None,
                message: RATE_LIMITED,
                bucket: Some(self.view(now_ms, limits, ask)),
            });
        }
        let hidden = hidden_of(limits, ask);
        for limit in &hidden {
            if let Some(retry_after_ms) = self.wait_ms(now_ms, limit.lane, limit.window) {
                return Verdict::Refuse(Refusal {
                    kind: limit.kind,
                    retry_after_ms,
                    code: limit.code,
                    message: limit.message,
                    bucket: Some(self.view(now_ms, limits, ask)),
                });
            }
        }
        for lane in global
            .into_iter()
            .chain([lane])
            .chain(hidden.iter().map(|limit| limit.lane))
        {
            self.usages.entry(lane).or_default().hit(now_ms);
        }
        Verdict::Pass(Some(self.view(now_ms, limits, ask)))
    }

    /// A 429 of this kind without any limit being reached.
    pub(crate) fn forced(
        &mut self,
        now_ms: u64,
        limits: &Limits,
        ask: &Ask,
        kind: RefusalKind,
        retry_after_ms: u64,
        code: Option<u32>,
    ) -> Refusal {
        let bucket = match kind {
            RefusalKind::Global | RefusalKind::Cloudflare => None,
            RefusalKind::Bucket => Some(BucketView {
                remaining: 0,
                reset_after_ms: retry_after_ms,
                ..self.view(now_ms, limits, ask)
            }),
            RefusalKind::SubLimit | RefusalKind::Shared => {
                let view = self.view(now_ms, limits, ask);
                Some(BucketView {
                    remaining: view.remaining.max(1),
                    ..view
                })
            }
        };
        Refusal {
            kind,
            retry_after_ms: retry_after_ms.max(1),
            code,
            message: RATE_LIMITED,
            bucket,
        }
    }

    fn wait_ms(&mut self, now_ms: u64, lane: Lane, window: Window) -> Option<u64> {
        let usage = self.usages.entry(lane).or_default();
        usage.expire(now_ms, window);
        usage.wait_ms(now_ms, window)
    }

    fn view(&mut self, now_ms: u64, limits: &Limits, ask: &Ask) -> BucketView {
        let (bucket, window) = bucket_of(limits, ask.class);
        let usage = self.usages.entry(route_lane(ask, bucket)).or_default();
        usage.expire(now_ms, window);
        usage.view(now_ms, window, bucket_hash(bucket, limits.bucket_salt))
    }

    fn forget_idle(&mut self, now_ms: u64) {
        // Not with each request: looking at every bucket is slow, and the busy ones stay anyway.
        let due_at_ms = self.forgot_at_ms.saturating_add(FORGET_PERIOD_MS);
        if self.usages.len() > BUCKETS_MAX && now_ms >= due_at_ms {
            self.forgot_at_ms = now_ms;
            self.usages.retain(|_, usage| !usage.is_idle(now_ms));
        }
    }
}

const fn route_lane(ask: &Ask, bucket: &'static str) -> Lane {
    let bot = match ask.bot {
        Some(bot) => bot,
        None => 0,
    };
    Lane::Route {
        bot,
        bucket,
        resource: ask.resource,
    }
}

const DELETE_YOUNG_AGE_MS_MAX: u64 = 10_000;
const DELETE_MIDDLE_AGE_MS_MAX: u64 = 14 * 24 * 3_600_000;

const fn bucket_of(limits: &Limits, class: Class) -> (&'static str, Window) {
    match class {
        Class::MessageCreate => ("message-create", limits.message_create),
        Class::MessageEdit { .. } => ("message-edit", limits.message_edit),
        Class::MessageDelete { age_ms } if age_ms < DELETE_YOUNG_AGE_MS_MAX => {
            ("message-delete-young", limits.message_delete_young)
        }
        Class::MessageDelete { age_ms } if age_ms < DELETE_MIDDLE_AGE_MS_MAX => {
            ("message-delete-middle", limits.message_delete_middle)
        }
        Class::MessageDelete { .. } => ("message-delete-old", limits.message_delete_old),
        Class::MessageRead => ("message-read", limits.message_read),
        Class::MemberRole => ("member-role", limits.member_role),
        Class::WebhookExecute | Class::WebhookOther => ("webhook", limits.webhook),
        Class::ThreadCreate => ("thread-create", limits.thread_create),
        Class::Other => ("other", limits.other),
    }
}

fn hidden_of(limits: &Limits, ask: &Ask) -> Vec<Hidden> {
    let mut hidden = Vec::new();
    if let Class::MessageEdit { age_ms } = ask.class
        && age_ms >= limits.old_edit_age_ms_min
    {
        hidden.push(Hidden {
            lane: route_lane(ask, "old-edit"),
            window: limits.old_edit,
            kind: RefusalKind::SubLimit,
            code: Some(30046),
            message: "Maximum number of edits to messages older than 1 hour reached. Try again later.",
        });
    }
    let Some(channel) = ask.writes_channel else {
        return hidden;
    };
    if ask.class == Class::WebhookExecute {
        hidden.push(Hidden {
            lane: Lane::Route {
                bot: 0,
                bucket: "webhook-channel",
                resource: channel,
            },
            window: limits.webhook_channel,
            kind: RefusalKind::SubLimit,
            code: None,
            message: RATE_LIMITED,
        });
    }
    hidden.push(Hidden {
        lane: Lane::ChannelWrite { channel },
        window: limits.channel_write,
        kind: RefusalKind::Shared,
        code: Some(20028),
        message: "The write action you are performing on the channel has hit the write rate limit.",
    });
    hidden
}

fn bucket_hash(bucket: &str, salt: u64) -> String {
    let half = |seed: u64| {
        let mut hasher = DefaultHasher::new();
        (bucket, salt, seed).hash(&mut hasher);
        hasher.finish()
    };
    format!("{:016x}{:016x}", half(1), half(2))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
