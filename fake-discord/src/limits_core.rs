//! Discord's rate limits as rules: buckets per route and top-level resource, hidden sub-limits, the channel-wide write
//! limit and the global one, with sliding and fixed windows. Pure: the time is passed in, the answer is a verdict;
//! turning it into headers is the work of `reply`.

use std::{
    collections::{HashMap, VecDeque},
    hash::{DefaultHasher, Hash, Hasher},
};

use serde::{Deserialize, Serialize};

/// Buckets remembered before the idle ones are forgotten.
const BUCKETS_MAX: usize = 20_000;

/// How often idle buckets are looked for, milliseconds.
const FORGET_PERIOD_MS: u64 = 1_000;

/// `message` of a 429 without a code of its own.
const RATE_LIMITED: &str = "You are being rate limited.";

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

/// Every limit of the fake. The default holds the numbers others have observed; they are no promise of Discord's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Off: nothing is counted, nothing refused, no rate-limit header sent.
    pub enabled: bool,
    /// Whether answers carry `X-RateLimit-*` headers at all. Limits hold either way.
    pub headers: bool,
    /// Whether answers other than 429 carry `X-RateLimit-Scope` (documented: they do not).
    pub scope_on_success: bool,
    /// Changes the opaque bucket hashes.
    pub bucket_salt: u64,
    /// All requests of one bot.
    pub global: Window,
    /// All writes in one channel, whoever makes them (code 20028). The number is this fake's own.
    pub channel_write: Window,
    /// `POST` message.
    pub message_create: Window,
    /// `PATCH` message.
    pub message_edit: Window,
    /// `PATCH` of a message older than `old_edit_age_ms_min` (code 30046), hidden behind `message_edit`.
    pub old_edit: Window,
    /// From this age on an edit also counts as an old one, milliseconds.
    pub old_edit_age_ms_min: u64,
    /// `DELETE` of a message younger than 10 s.
    pub message_delete_young: Window,
    /// `DELETE` of a message between 10 s and 14 days.
    pub message_delete_middle: Window,
    /// `DELETE` of a message older than 14 days.
    pub message_delete_old: Window,
    /// `GET` of messages.
    pub message_read: Window,
    /// `PUT` and `DELETE` of a member's role, per guild.
    pub member_role: Window,
    /// Webhook requests, per webhook.
    pub webhook: Window,
    /// Webhook executes per channel, hidden behind `webhook`.
    pub webhook_channel: Window,
    /// Thread creation.
    pub thread_create: Window,
    /// Every other route, per resource.
    pub other: Window,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            enabled: true,
            headers: true,
            scope_on_success: false,
            bucket_salt: 0,
            global: Window::fixed(50, 1_000),
            channel_write: Window::sliding(60, 10_000),
            message_create: Window::sliding(5, 5_000),
            message_edit: Window::sliding(5, 5_000),
            old_edit: Window::sliding(3, 6_000),
            old_edit_age_ms_min: 3_600_000,
            message_delete_young: Window::sliding(5, 1_000),
            message_delete_middle: Window::sliding(3, 333),
            message_delete_old: Window::sliding(30, 4_000),
            message_read: Window::sliding(5, 5_000),
            member_role: Window::fixed(10, 10_000),
            webhook: Window::sliding(5, 2_000),
            webhook_channel: Window::sliding(30, 60_000),
            thread_create: Window::sliding(5, 5_000),
            other: Window::sliding(20, 5_000),
        }
    }
}

impl Limits {
    /// No limits at all, for throughput measurements.
    pub fn off() -> Self {
        Self {
            enabled: false,
            ..Self::default()
        }
    }

    /// Every number of requests times `percent` / 100, at least 1. Periods stay.
    pub fn scaled_percent(mut self, percent: u32) -> Self {
        for window in [
            &mut self.global,
            &mut self.channel_write,
            &mut self.message_create,
            &mut self.message_edit,
            &mut self.old_edit,
            &mut self.message_delete_young,
            &mut self.message_delete_middle,
            &mut self.message_delete_old,
            &mut self.message_read,
            &mut self.member_role,
            &mut self.webhook,
            &mut self.webhook_channel,
            &mut self.thread_create,
            &mut self.other,
        ] {
            let scaled = u64::from(window.limit) * u64::from(percent) / 100;
            window.limit = u32::try_from(scaled).unwrap_or(u32::MAX).max(1);
        }
        self
    }
}

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

/// The requests counted in one window.
#[derive(Debug, Default)]
struct Usage {
    hits_at_ms: VecDeque<u64>,
    period_ms: u64,
}

impl Usage {
    /// Forgets what has come back by now.
    fn expire(&mut self, now_ms: u64, window: Window) {
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
    fn wait_ms(&self, now_ms: u64, window: Window) -> Option<u64> {
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

    fn view(&self, now_ms: u64, window: Window, hash: String) -> BucketView {
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
            self.usages
                .entry(lane)
                .or_default()
                .hits_at_ms
                .push_back(now_ms);
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
            self.usages.retain(|_, usage| {
                usage
                    .hits_at_ms
                    .back()
                    .is_some_and(|at_ms| at_ms.saturating_add(usage.period_ms) > now_ms)
            });
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
