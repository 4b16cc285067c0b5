//! The way to Discord: requests built by twilight, sent once over the process's HTTP client, their answers classified. Neither
//! retries nor waits: that is what mirrors and their limits are for. Never says the bot token or a webhook's.

mod asking;
mod build;
mod classify;
pub mod directory;
pub mod inspect;
mod learned;
mod lists;

use crate::exchange::{Answer, Call, Outcome, Request, WEBHOOK_TOKEN_UNKNOWN};
use build::{build, by_webhook};
use classify::{Raw, answer, classify, failure, is_webhook_lost, unreadable};
use heliograph_schema::ids::{ChannelId, GuildId, UserId};
use learned::Learned;
use lists::{NamedWebhook, Ours, WantedThread};
use reqwest::{
    Client,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, USER_AGENT},
};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::OnceCell;
use twilight_http::request::{Method, Request as BuiltRequest};

/// An answer longer than this is not read. The longest is that of a guild with a thousand active threads, Discord's most.
const BODY_BYTES_MAX: usize = 4_194_304;
const API_PATH: &str = "/api/v10/";

/// Where and as whom.
#[derive(Clone)]
pub struct DiscordSettings {
    /// Without `/api/v10`.
    pub base_url: String,
    /// Of the bot, without `Bot `.
    pub bot_token: String,
    /// Longest wait for a whole answer.
    pub request_timeout: Duration,
    /// Of this program.
    pub version: String,
}

/// The token holds characters that no header takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the bot token is not one: it holds characters that a header cannot")]
pub struct NotAToken;

/// The way. Shared by all mirrors.
pub struct Discord {
    http: Client,
    base: String,
    authorization: HeaderValue,
    user_agent: HeaderValue,
    timeout: Duration,
    me: OnceCell<UserId>,
    guilds: inspect::Guilds,
    learned: Learned,
}

impl std::fmt::Debug for Discord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Discord")
            .field("base", &self.base)
            .finish_non_exhaustive()
    }
}

impl Discord {
    /// A way over `http`, which follows no redirects.
    ///
    /// # Errors
    /// When the token cannot be one.
    pub fn new(http: Client, settings: &DiscordSettings) -> Result<Self, NotAToken> {
        let mut authorization =
            HeaderValue::from_str(&format!("Bot {}", settings.bot_token.trim()))
                .map_err(|_| NotAToken)?;
        authorization.set_sensitive(true);
        let agent = format!("DiscordBot (heliograph, {})", settings.version);
        Ok(Self {
            http,
            base: format!("{}{API_PATH}", settings.base_url.trim_end_matches('/')),
            authorization,
            user_agent: HeaderValue::from_str(&agent)
                .unwrap_or(HeaderValue::from_static("DiscordBot")),
            timeout: settings.request_timeout,
            me: OnceCell::new(),
            guilds: inspect::Guilds::default(),
            learned: Learned::default(),
        })
    }

    /// Sends a request once; what has to look around for its answer sends a few, see [`Call`]. A list holds all messages of our
    /// own, recorded or not.
    pub async fn carry_out(&self, request: &Request) -> Answer {
        let done = match &request.call {
            Call::FindThread { name, since_ms } => self.find_thread(request, name, *since_ms).await,
            Call::FindWebhook => self.find_webhook(request).await,
            Call::MakeWebhook => self.make_webhook(request).await,
            Call::List { .. } | Call::Survey { .. } => self.list(request).await,
            _ => self.send_once(request).await,
        };
        done.unwrap_or_else(|answer| answer)
    }

    async fn send_once(&self, request: &Request) -> Result<Answer, Answer> {
        let webhook = match by_webhook(request) {
            None => None,
            Some(webhook_id) => Some((
                webhook_id,
                self.learned
                    .token(webhook_id)
                    .ok_or_else(|| unsent(WEBHOOK_TOKEN_UNKNOWN))?,
            )),
        };
        let by = webhook.as_ref().map(|(id, token)| (*id, token));
        let raw = self.exchange(buildable(build(request, by))?).await?;
        let answer = classify(request, &raw, None);
        if let Some((webhook_id, _)) = webhook
            && is_webhook_lost(&answer.outcome)
        {
            self.learned.forget_webhook(webhook_id);
        }
        Ok(answer)
    }

    async fn list(&self, request: &Request) -> Result<Answer, Answer> {
        let ours = self.ours(request).await?;
        let raw = self.exchange(buildable(build(request, None))?).await?;
        Ok(classify(request, &raw, Some(&ours)))
    }

    async fn find_thread(
        &self,
        request: &Request,
        name: &str,
        since_ms: i64,
    ) -> Result<Answer, Answer> {
        let target = request.target_channel_id;
        let wanted = WantedThread {
            target,
            name,
            since_ms,
        };
        let guild_id = self.guild_of(target).await?;
        let active = self.ask(build::active_threads(guild_id)).await?;
        if let Some(found) = self.thread_in(request, &active, wanted).await? {
            return Ok(found);
        }
        let archived = self.ask(build::archived_threads(target)).await?;
        let found = self.thread_in(request, &archived, wanted).await?;
        Ok(found.unwrap_or_else(|| answer(Outcome::Found { thread_id: None }, &archived)))
    }

    /// The wanted thread in a list. Who the bot is does not matter while there is none like it.
    async fn thread_in(
        &self,
        request: &Request,
        list: &Raw,
        wanted: WantedThread<'_>,
    ) -> Result<Option<Answer>, Answer> {
        let candidates = lists::threads(&list.body, wanted).ok_or_else(|| unreadable(list))?;
        if candidates.is_empty() {
            return Ok(None);
        }
        let ours = self.ours(request).await?;
        let mut opened_by_us = candidates.iter().filter(|(_, owner)| ours.is(*owner));
        Ok(opened_by_us.next().map(|(thread_id, _)| {
            let thread_id = Some(*thread_id);
            answer(Outcome::Found { thread_id }, list)
        }))
    }

    async fn find_webhook(&self, request: &Request) -> Result<Answer, Answer> {
        let raw = self.ask(buildable(build(request, None))?).await?;
        let named = lists::webhooks(&raw.body).ok_or_else(|| unreadable(&raw))?;
        if named.is_empty() {
            return Ok(answer(Outcome::Webhook { webhook_id: None }, &raw));
        }
        let me = self.who_am_i().await?;
        let made_by_us = named.into_iter().find(|webhook| webhook.maker == Some(me));
        Ok(self.learn(request.target_channel_id, made_by_us, &raw))
    }

    async fn make_webhook(&self, request: &Request) -> Result<Answer, Answer> {
        let raw = self.ask(buildable(build(request, None))?).await?;
        let made = lists::made_webhook(&raw.body).ok_or_else(|| unreadable(&raw))?;
        Ok(self.learn(request.target_channel_id, Some(made), &raw))
    }

    fn learn(&self, target: ChannelId, webhook: Option<NamedWebhook>, raw: &Raw) -> Answer {
        let webhook_id = webhook.map(|NamedWebhook { id, token, .. }| {
            self.learned.learn_webhook(target, id, token);
            id
        });
        answer(Outcome::Webhook { webhook_id }, raw)
    }

    /// Whose messages and threads in the target of this request are ours.
    async fn ours(&self, request: &Request) -> Result<Ours, Answer> {
        let me = self.who_am_i().await?;
        let mut webhook_ids = self.learned.webhooks_of(request.target_channel_id);
        webhook_ids.extend(request.at.webhook_id);
        Ok(Ours { me, webhook_ids })
    }

    /// The account of the bot, asked for once.
    async fn who_am_i(&self) -> Result<UserId, Answer> {
        if let Some(me) = self.me.get() {
            return Ok(*me);
        }
        let raw = self.ask(build::own_account()).await?;
        let me = classify::user_id(&raw).ok_or_else(|| unreadable(&raw))?;
        Ok(*self.me.get_or_init(|| async { me }).await)
    }

    /// The guild of a target channel, asked for once.
    async fn guild_of(&self, target: ChannelId) -> Result<GuildId, Answer> {
        if let Some(guild_id) = self.learned.guild(target) {
            return Ok(guild_id);
        }
        let raw = self.ask(build::channel(target)).await?;
        let guild_id = classify::guild_id(&raw).ok_or_else(|| unreadable(&raw))?;
        self.learned.learn_guild(target, guild_id);
        Ok(guild_id)
    }

    /// A request of the bot's that must succeed for its call to go on.
    async fn ask(&self, built: BuiltRequest) -> Result<Raw, Answer> {
        let raw = self.exchange(built).await?;
        match failure(&raw, false) {
            Some(failure) => Err(answer(failure, &raw)),
            None => Ok(raw),
        }
    }

    async fn exchange(&self, built: BuiltRequest) -> Result<Raw, Answer> {
        let method = match built.method() {
            Method::Delete => reqwest::Method::DELETE,
            Method::Get => reqwest::Method::GET,
            Method::Patch => reqwest::Method::PATCH,
            Method::Post => reqwest::Method::POST,
            Method::Put => reqwest::Method::PUT,
            _ => return Err(unsent("a method that is not known")),
        };
        let mut request = self
            .http
            .request(method, format!("{}{}", self.base, built.path()))
            .timeout(self.timeout)
            .header(USER_AGENT, self.user_agent.clone());
        // A webhook's token, in the path, stands for the bot's.
        if built.use_authorization_token() {
            request = request.header(AUTHORIZATION, self.authorization.clone());
        }
        if let Some(body) = built.body() {
            request = request
                .header(CONTENT_TYPE, "application/json")
                .body(body.to_vec());
        }
        let mut response = request.send().await.map_err(no_answer)?;
        let (status, headers) = (
            response.status().as_u16(),
            std::mem::take(response.headers_mut()),
        );
        let body = read_body(response).await;
        // Some refusals are clear from the status alone, and the others are ambiguous without their body; of a success the body
        // may be what matters.
        match body {
            Err(reason) if status < 400 => Err(ambiguous(reason, &headers)),
            body => Ok(Raw {
                status,
                headers,
                body: body.unwrap_or_default(),
                epoch_ms: epoch_ms(),
            }),
        }
    }
}

fn buildable(built: Option<BuiltRequest>) -> Result<BuiltRequest, Answer> {
    built.ok_or_else(|| unsent("there is no such request"))
}

async fn read_body(mut response: reqwest::Response) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|error| error.without_url().to_string())?
    {
        if body.len() + chunk.len() > BODY_BYTES_MAX {
            return Err("the answer is too long".to_owned());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn no_answer(error: reqwest::Error) -> Answer {
    if error.is_connect() || error.is_builder() {
        return unsent(&error.without_url().to_string());
    }
    let reason = if error.is_timeout() {
        "timeout".to_owned()
    } else {
        error.without_url().to_string()
    };
    Answer {
        outcome: Outcome::Ambiguous { reason },
        headers: None,
    }
}

fn unsent(reason: &str) -> Answer {
    Answer {
        outcome: Outcome::Unreachable {
            reason: reason.to_owned(),
        },
        headers: None,
    }
}

fn ambiguous(reason: String, headers: &HeaderMap) -> Answer {
    Answer {
        outcome: Outcome::Ambiguous { reason },
        headers: Some(classify::limit_headers(headers, epoch_ms())),
    }
}

fn epoch_ms() -> i64 {
    let since_1970 = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX)
}
