//! The way to Discord: requests built by twilight, sent once over the process's HTTP client, their answers classified. Neither
//! retries nor waits: that is what mirrors and their limits are for. Never says the bot token.

mod classify;
pub mod inspect;

use crate::exchange::{Answer, Call, Outcome, Request};
use classify::{Raw, classify};
use heliograph_schema::ids::{ChannelId, UserId};
use reqwest::{
    Client,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, USER_AGENT},
};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::OnceCell;
use twilight_http::{
    request::{Method, Request as BuiltRequest},
    routing::Route,
};

/// Messages in one page of a channel; Discord's most (documented).
const PAGE: u16 = 100;
/// An answer longer than this is not read.
const BODY_BYTES_MAX: usize = 1_048_576;
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
        })
    }

    /// Sends a request once. A list holds all messages of our own, recorded or not.
    pub async fn carry_out(&self, request: &Request) -> Answer {
        let me = match (&request.call, self.me.get()) {
            (Call::List { .. } | Call::Survey { .. }, None) => match self.who_am_i().await {
                Ok(me) => Some(me),
                Err(answer) => return answer,
            },
            (_, me) => me.copied(),
        };
        let Some(built) = build(request.target_channel_id, &request.call) else {
            return unsent("the request cannot be written as JSON");
        };
        match self.exchange(built).await {
            Ok(raw) => classify(&request.call, &raw, me),
            Err(answer) => answer,
        }
    }

    /// The account of the bot, asked for once.
    async fn who_am_i(&self) -> Result<UserId, Answer> {
        let raw = self
            .exchange(BuiltRequest::from_route(&Route::GetCurrentUser))
            .await?;
        let me = classify::user_id(&raw)
            .ok_or_else(|| classify(&Call::List { after: 0 }, &raw, None))?;
        Ok(*self.me.get_or_init(|| async { me }).await)
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
            .header(AUTHORIZATION, self.authorization.clone())
            .header(USER_AGENT, self.user_agent.clone());
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

fn build(target: ChannelId, call: &Call) -> Option<BuiltRequest> {
    let channel_id = target.get().unsigned_abs();
    let built = match call {
        Call::Create { payload, nonce, .. } => {
            BuiltRequest::builder(&Route::CreateMessage { channel_id })
                .json(&payload.to_create_json(nonce))
        }
        Call::Edit {
            message_id,
            payload,
        } => {
            let message_id = message_id.get().unsigned_abs();
            BuiltRequest::builder(&Route::UpdateMessage {
                channel_id,
                message_id,
            })
            .json(&payload.to_json())
        }
        Call::Delete { message_id } => {
            let message_id = message_id.get().unsigned_abs();
            BuiltRequest::builder(&Route::DeleteMessage {
                channel_id,
                message_id,
            })
        }
        Call::List { after } | Call::Survey { after } => {
            let after = Some(after.unsigned_abs());
            let limit = Some(PAGE);
            BuiltRequest::builder(&Route::GetMessages {
                after,
                around: None,
                before: None,
                channel_id,
                limit,
            })
        }
        _ => return None,
    };
    built.build().ok()
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

/// Pages are full when Discord may have more.
const fn is_full_page(messages: usize) -> bool {
    messages >= PAGE as usize
}
