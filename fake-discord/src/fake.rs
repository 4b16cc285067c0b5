//! The whole state of a fake and the way of one request through it: ban, fault, authorization, limits, operation,
//! log. Knows no HTTP framework: a call comes in, an outcome goes out, without waiting.

use bytes::Bytes;
use serde_json::json;

use crate::{
    clock::Clock,
    faults_core::{Fault, Faults, Subject},
    id::{Id, Snowflakes},
    invalid_core::InvalidRequests,
    limits_core::{Ask, Class, Limiter, Refusal, RefusalKind, Verdict},
    message_store::MessageStore,
    reply::{ApiError, End, Outcome, Reply},
    request_log::{ChannelCounts, RequestLine, RequestLog, Stats},
    route_core::{self, NoRoute, Route},
    settings::Settings,
    world::World,
};

/// A request as it came from the wire.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) method: &'static str,
    /// The path behind `/api/v10`.
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) authorization: Option<String>,
    pub(crate) content_type: Option<String>,
    /// `None` when it was larger than Discord takes.
    pub(crate) body: Option<Bytes>,
    /// Microseconds since the Unix epoch, real time.
    pub(crate) received_at_us: u64,
}

/// Who speaks: a bot, or a webhook.
#[derive(Clone, Debug)]
pub(crate) struct Speaker {
    pub(crate) id: Id,
    pub(crate) name: String,
    pub(crate) avatar_url: Option<String>,
    pub(crate) webhook_id: Option<Id>,
}

/// What the operation leaves for the log.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    pub(crate) channel_id: Option<Id>,
    pub(crate) message_id: Option<Id>,
    pub(crate) nonce_repeat: bool,
    pub(crate) content: String,
}

/// The state of a fake.
#[derive(Debug)]
pub(crate) struct Fake {
    pub(crate) settings: Settings,
    pub(crate) base_url: String,
    pub(crate) clock: Clock,
    pub(crate) snowflakes: Snowflakes,
    pub(crate) world: World,
    pub(crate) store: MessageStore,
    pub(crate) log: RequestLog,
    pub(crate) counters: Stats,
    pub(crate) faults: Faults,
    pub(crate) limiter: Limiter,
    invalid: InvalidRequests,
}

impl Fake {
    pub(crate) fn new(settings: Settings, base_url: String) -> Self {
        let mut faults = Faults::default();
        settings
            .faults
            .iter()
            .cloned()
            .for_each(|rule| faults.add(rule));
        Self {
            clock: Clock::new(settings.manual_clock_at_ms),
            world: World::new(&settings),
            settings,
            base_url,
            snowflakes: Snowflakes::default(),
            store: MessageStore::default(),
            log: RequestLog::default(),
            counters: Stats::default(),
            faults,
            limiter: Limiter::default(),
            invalid: InvalidRequests::default(),
        }
    }

    /// The fault this request gets, to be passed to [`Fake::perform`] after the delay it may ask for.
    pub(crate) fn pick_fault(&mut self, call: &Call) -> Option<Fault> {
        let route = route_core::parse(call.method, &call.path).ok()?;
        let channel = self.channel_of(&route);
        self.faults.pick(Subject {
            method: call.method,
            route: route.kind(),
            channel,
        })
    }

    /// Does a request's work, counts and logs it, and says how to answer.
    pub(crate) fn perform(&mut self, call: &Call, fault: Option<&Fault>) -> Outcome {
        let now_ms = self.clock.now_ms();
        let route = route_core::parse(call.method, &call.path);
        let mut trace = Trace::default();
        if let Ok(route) = &route {
            trace.channel_id = self.channel_of(route);
            trace.message_id = route.message();
        }
        let outcome = if let Some(left_ms) = self.invalid.ban_left_ms(now_ms) {
            self.refuse(now_ms, &banned(left_ms)).into()
        } else {
            match &route {
                Err(no_route) => Reply::from(no_route.error()).into(),
                Ok(route) => self.with_fault(now_ms, call, route, fault, &mut trace),
            }
        };
        if trace.content.is_empty() {
            self.trace_undone(now_ms, call, &mut trace);
        }
        self.note(
            now_ms,
            call,
            route.as_ref().ok(),
            fault.is_some(),
            trace,
            &outcome,
        );
        outcome
    }

    /// Authorization, limits, operation.
    pub(crate) fn work(
        &mut self,
        now_ms: u64,
        call: &Call,
        route: &Route,
        trace: &mut Trace,
    ) -> Reply {
        let speaker = match route.webhook() {
            Some(_) => None,
            None => match self.bot(call) {
                Some(bot) => Some(bot),
                None => return ApiError::unauthorized().into(),
            },
        };
        let ask = self.ask(now_ms, route, speaker.as_ref().map(|bot| bot.id));
        let bucket = match self.limiter.check(now_ms, &self.settings.limits, &ask) {
            Verdict::Refuse(refusal) => return self.refuse(now_ms, &refusal),
            Verdict::Pass(bucket) => bucket,
        };
        let reply = match &call.body {
            None => Err(ApiError::too_large()),
            Some(body) => self.operate(now_ms, call, body, route, speaker.as_ref(), trace),
        };
        let reply = reply.unwrap_or_else(Reply::from);
        reply.with_bucket(now_ms, &self.settings.limits, bucket.as_ref())
    }

    pub(crate) fn bot(&self, call: &Call) -> Option<Speaker> {
        let token = call.authorization.as_deref()?.strip_prefix("Bot ")?;
        let bot = self.settings.bots.iter().find(|bot| bot.token == token)?;
        Some(Speaker {
            id: bot.user_id,
            name: bot.username.clone(),
            avatar_url: None,
            webhook_id: None,
        })
    }

    pub(crate) fn refuse(&mut self, now_ms: u64, refusal: &Refusal) -> Reply {
        *self.counters.rate_limited.entry(refusal.kind).or_default() += 1;
        let mut reply = Reply::refusal(now_ms, &self.settings.limits, refusal);
        reply.shared = refusal.kind == RefusalKind::Shared;
        reply
    }

    /// The channel a request is about, through its webhook if need be.
    fn channel_of(&self, route: &Route) -> Option<Id> {
        let through_webhook = || Some(self.world.webhooks.get(&route.webhook()?)?.channel_id);
        route.channel().or_else(through_webhook)
    }

    pub(crate) fn ask(&self, now_ms: u64, route: &Route, bot: Option<Id>) -> Ask {
        // Ids carry their time, so a limit needs no look at the message.
        let age_ms = || {
            route
                .message()
                .map_or(0, |id| now_ms.saturating_sub(id.created_at_ms()))
        };
        let class = match route {
            Route::MessageCreate { .. } => Class::MessageCreate,
            Route::MessageEdit { .. } => Class::MessageEdit { age_ms: age_ms() },
            Route::MessageDelete { .. } => Class::MessageDelete { age_ms: age_ms() },
            Route::MessageGet { .. } | Route::MessageList { .. } => Class::MessageRead,
            Route::MemberRoleAdd { .. } | Route::MemberRoleRemove { .. } => Class::MemberRole,
            Route::WebhookExecute { .. } => Class::WebhookExecute,
            Route::WebhookMessageGet { .. }
            | Route::WebhookMessageEdit { .. }
            | Route::WebhookMessageDelete { .. } => Class::WebhookOther,
            Route::ThreadCreate { .. } | Route::ThreadFromMessage { .. } => Class::ThreadCreate,
            _ => Class::Other,
        };
        let writes = matches!(
            route,
            Route::MessageCreate { .. }
                | Route::MessageEdit { .. }
                | Route::MessageDelete { .. }
                | Route::WebhookExecute { .. }
                | Route::WebhookMessageEdit { .. }
                | Route::WebhookMessageDelete { .. }
                | Route::ThreadCreate { .. }
                | Route::ThreadFromMessage { .. }
        );
        Ask {
            bot: bot.map(|bot| bot.0),
            class,
            resource: route.resource().0,
            writes_channel: self
                .channel_of(route)
                .filter(|_| writes)
                .map(|channel| channel.0),
        }
    }

    fn note(
        &mut self,
        now_ms: u64,
        call: &Call,
        route: Option<&Route>,
        faulted: bool,
        trace: Trace,
        outcome: &Outcome,
    ) {
        let status = outcome.reply.status;
        let unanswered = outcome.end != End::Answer;
        self.counters.requests += 1;
        self.counters.unanswered += u64::from(unanswered);
        self.counters.faulted += u64::from(faulted);
        *self.counters.by_status.entry(status).or_default() += 1;
        let shared = outcome.reply.shared;
        // During a ban nothing more is counted.
        if matches!(status, 401 | 403 | 429)
            && !shared
            && self.invalid.ban_left_ms(now_ms).is_none()
        {
            self.invalid.count(now_ms, &self.settings.invalid_requests);
        }
        let line = RequestLine {
            number: 0,
            received_at_us: call.received_at_us,
            clock_ms: now_ms,
            method: call.method,
            route: route.map(Route::kind),
            path: without_webhook_token(&call.path),
            status,
            unanswered,
            channel_id: trace.channel_id,
            message_id: trace.message_id,
            nonce_repeat: trace.nonce_repeat,
            content: trace.content.into(),
            faulted,
        };
        self.log.push(line, self.settings.request_log_max);
    }

    /// All counters now.
    pub(crate) fn stats(&mut self) -> Stats {
        let now_ms = self.clock.now_ms();
        let channels = self
            .store
            .counts()
            .map(|(id, live, deleted)| (id, ChannelCounts { live, deleted }))
            .collect();
        Stats {
            invalid_requests: self
                .invalid
                .in_period(now_ms, &self.settings.invalid_requests),
            banned: self.invalid.ban_left_ms(now_ms).is_some(),
            duplicate_nonces: self.store.duplicate_nonces,
            duplicate_contents: self.store.duplicate_contents,
            channels,
            ..self.counters.clone()
        }
    }

    /// Forgets messages, log, counters, faults and limits in use; settings are as at the start. The clock and the ids
    /// go on.
    pub(crate) fn reset(&mut self, settings: Settings) {
        let fresh = Self::new(settings, std::mem::take(&mut self.base_url));
        let old = std::mem::replace(self, fresh);
        self.clock = old.clock;
        self.snowflakes = old.snowflakes;
    }
}

impl NoRoute {
    fn error(self) -> ApiError {
        match self {
            Self::NotFound => ApiError::new(404, 0, "404: Not Found"),
            Self::MethodNotAllowed => ApiError::new(405, 0, "405: Method Not Allowed"),
            Self::BadId => ApiError::form(json!({
                "_errors": [{ "code": "NUMBER_TYPE_COERCE", "message": "Value is not snowflake." }]
            })),
        }
    }
}

const fn banned(left_ms: u64) -> Refusal {
    Refusal {
        kind: RefusalKind::Cloudflare,
        retry_after_ms: left_ms,
        code: None,
        message: "",
        bucket: None,
    }
}

fn without_webhook_token(path: &str) -> Box<str> {
    let mut parts: Vec<&str> = path.split('/').collect();
    if let Some(at) = parts.iter().position(|part| *part == "webhooks")
        && let Some(token) = parts.get_mut(at + 2)
    {
        *token = "-";
    }
    parts.join("/").into()
}
