//! The operations behind the routes, one file per resource. By the time they run the request is authorized and within
//! its limits.

mod channels;
mod guilds;
mod message_parts;
mod messages;
mod threads;
mod webhooks;

use bytes::Bytes;
use serde_json::Value;

use crate::{
    fake::{Call, Fake, Speaker, Trace},
    form_core::{self, Draft},
    multipart_core,
    reply::{ApiError, Reply},
    route_core::Route,
};

/// Bytes of one file.
const FILE_BYTES_MAX: usize = 10 * 1024 * 1024;

/// One operation at work.
struct Job<'a> {
    now_ms: u64,
    call: &'a Call,
    body: &'a Bytes,
    trace: &'a mut Trace,
}

/// A file that came with a request.
struct Upload {
    number: u64,
    filename: String,
    content_type: Option<String>,
    data: Bytes,
}

type Answer = Result<Reply, ApiError>;

impl Fake {
    /// Runs the operation of a route. `speaker` is `None` exactly for the webhook routes, which bring their own token.
    pub(crate) fn operate(
        &mut self,
        now_ms: u64,
        call: &Call,
        body: &Bytes,
        route: &Route,
        speaker: Option<&Speaker>,
        trace: &mut Trace,
    ) -> Answer {
        let mut job = Job {
            now_ms,
            call,
            body,
            trace,
        };
        let bots = self.settings.bots.iter().map(|bot| bot.user_id);
        self.world.ask_as(speaker.map(|bot| bot.id), bots);
        match (route, speaker) {
            (Route::WebhookExecute { webhook, token }, _) => {
                self.execute_webhook(&mut job, *webhook, token)
            }
            (
                Route::WebhookMessageGet {
                    webhook,
                    token,
                    message,
                },
                _,
            ) => self.get_webhook_message(&job, *webhook, token, *message),
            (
                Route::WebhookMessageEdit {
                    webhook,
                    token,
                    message,
                },
                _,
            ) => self.edit_webhook_message(&mut job, *webhook, token, *message),
            (
                Route::WebhookMessageDelete {
                    webhook,
                    token,
                    message,
                },
                _,
            ) => self.delete_webhook_message(&job, *webhook, token, *message),
            (_, None) => Err(ApiError::unauthorized()),
            (route, Some(bot)) => self.operate_as(&mut job, route, bot),
        }
    }

    fn operate_as(&mut self, job: &mut Job<'_>, route: &Route, bot: &Speaker) -> Answer {
        match *route {
            Route::CurrentUser => Ok(self.current_user(bot)),
            Route::CurrentUserGuilds => self.current_user_guilds(job, bot),
            Route::ChannelGet { channel } => self.get_channel(channel),
            Route::ChannelEdit { channel } => self.edit_channel(job, channel),
            Route::MessageCreate { channel } => self.create_message(job, channel, bot),
            Route::MessageList { channel } => self.list_messages(job, channel),
            Route::MessageGet { channel, message } => self.get_message(channel, message),
            Route::MessageEdit { channel, message } => {
                self.edit_message(job, channel, message, bot)
            }
            Route::MessageDelete { channel, message } => {
                self.delete_message(job, channel, message, bot)
            }
            Route::ThreadFromMessage { channel, message } => {
                self.thread_from_message(job, channel, message, bot)
            }
            Route::ThreadCreate { channel } => self.create_thread(job, channel, bot),
            Route::ThreadsArchivedPublic { channel } => {
                self.archived_public_threads(job, channel, bot)
            }
            Route::WebhookList { channel } => self.list_webhooks(channel, bot),
            Route::WebhookCreate { channel } => self.create_webhook(job, channel, bot),
            Route::GuildGet { guild } => self.get_guild(guild),
            Route::GuildChannels { guild } => self.guild_channels(guild),
            Route::GuildRoles { guild } => self.guild_roles(guild),
            Route::GuildThreadsActive { guild } => self.active_threads(guild, bot),
            Route::MemberGet { guild, user } => self.get_member(guild, user),
            Route::MemberRoleAdd { guild, user, role } => self.change_role(guild, user, role, true),
            Route::MemberRoleRemove { guild, user, role } => {
                self.change_role(guild, user, role, false)
            }
            Route::WebhookExecute { .. }
            | Route::WebhookMessageGet { .. }
            | Route::WebhookMessageEdit { .. }
            | Route::WebhookMessageDelete { .. } => Err(ApiError::unauthorized()),
        }
    }
}

impl Job<'_> {
    /// A parameter of the query.
    fn query(&self, name: &str) -> Option<&str> {
        self.call.query.split('&').find_map(|pair| {
            let (key, value) = pair.split_once('=')?;
            (key == name).then_some(value)
        })
    }

    /// The JSON of the body and the files beside it.
    fn json(&self) -> Result<(Value, Vec<Upload>), ApiError> {
        let content_type = self.call.content_type.as_deref().unwrap_or_default();
        let Some(boundary) = multipart_core::boundary(content_type) else {
            let body = serde_json::from_slice(self.body).map_err(|_| ApiError::bad_json())?;
            return Ok((body, Vec::new()));
        };
        let parts = multipart_core::parse(boundary, self.body).ok_or_else(ApiError::bad_json)?;
        let mut body = Value::Object(serde_json::Map::new());
        let mut uploads = Vec::new();
        for part in parts {
            let number = part
                .name
                .strip_prefix("files[")
                .and_then(|rest| rest.strip_suffix(']'));
            if part.name == "payload_json" {
                body = serde_json::from_slice(&part.data).map_err(|_| ApiError::bad_json())?;
            } else if let Some(number) = number.and_then(|number| number.parse().ok()) {
                if part.data.len() > FILE_BYTES_MAX {
                    return Err(ApiError::too_large());
                }
                uploads.push(Upload {
                    number,
                    filename: part.filename.unwrap_or_else(|| "unknown".to_owned()),
                    content_type: part.content_type,
                    data: part.data,
                });
            }
        }
        Ok((body, uploads))
    }

    /// The message the body asks for.
    fn draft(&self) -> Result<(Draft, Vec<Upload>), ApiError> {
        let (body, uploads) = self.json()?;
        let draft = form_core::read(&body).map_err(ApiError::form)?;
        Ok((draft, uploads))
    }
}
