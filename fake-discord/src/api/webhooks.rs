//! Webhooks: create, list, execute, and their own messages. Nonces are not enforced here, as on Discord.

use serde_json::{Value, json};

use super::{
    Answer, Job,
    threads::{NewThread, thread_name},
};
use crate::{
    fake::{Fake, Speaker},
    id::Id,
    permissions_core::MANAGE_WEBHOOKS,
    render,
    reply::{ApiError, Reply},
    world::Webhook,
};

const NAME_CHARS_MAX: usize = 80;
/// No name of a webhook may contain these, however they are written.
const NOT_IN_NAMES: [&str; 2] = ["clyde", "discord"];
const WEBHOOKS_OF_CHANNEL_MAX: usize = 15;

impl Fake {
    pub(super) fn create_webhook(&mut self, job: &Job<'_>, channel: Id, bot: &Speaker) -> Answer {
        let home = self.world.allowed(channel, MANAGE_WEBHOOKS)?;
        if home.is_thread() {
            return Err(ApiError::wrong_channel_type());
        }
        let guild = home.guild_id;
        let (body, _) = job.json()?;
        let name = body["name"].as_str().unwrap_or_default().trim();
        check_name("name", name)?;
        if self.world.webhooks_of(channel).count() >= WEBHOOKS_OF_CHANNEL_MAX {
            let message = format!("Maximum number of webhooks reached ({WEBHOOKS_OF_CHANNEL_MAX})");
            return Err(ApiError::new(400, 30007, &message));
        }
        let id = self.snowflakes.next(job.now_ms);
        let webhook = Webhook::new(id, channel, bot.id, name);
        let shown = render::webhook(&webhook, guild, &self.bot_ids(), bot.id);
        self.world.webhooks.insert(id, webhook);
        Ok(Reply::json(200, &shown))
    }

    pub(super) fn list_webhooks(&mut self, channel: Id, bot: &Speaker) -> Answer {
        let guild = self.world.allowed(channel, MANAGE_WEBHOOKS)?.guild_id;
        let bots = self.bot_ids();
        let list = self
            .world
            .webhooks_of(channel)
            .map(|webhook| render::webhook(webhook, guild, &bots, bot.id))
            .collect();
        Ok(Reply::json(200, &Value::Array(list)))
    }

    pub(super) fn execute_webhook(&mut self, job: &mut Job<'_>, id: Id, token: &str) -> Answer {
        let (mut speaker, home) = self.webhook_speaker(id, token)?;
        let thread = self.webhook_thread(job, home)?;
        let (draft, uploads) = job.draft()?;
        self.trace_content(job, &draft);
        if let Some(name) = &draft.username {
            check_name("username", name)?;
            speaker.name.clone_from(name);
        }
        speaker.avatar_url.clone_from(&draft.avatar_url);
        let is_forum = self.world.visible(home)?.is_forum();
        let (channel, message) = match (thread, draft.thread_name.clone(), is_forum) {
            (None, Some(name), true) => {
                let new = NewThread {
                    name: thread_name(&json!({ "name": name }))?,
                    auto_archive_minutes: None,
                };
                let thread = self.open_post(job, home, new, &speaker, draft, uploads)?;
                (thread.id, thread.id)
            }
            (Some(channel), None, _) => (
                channel,
                self.post(job, channel, &speaker, draft, uploads, None)?,
            ),
            (None, None, false) => (home, self.post(job, home, &speaker, draft, uploads, None)?),
            (Some(_), Some(_), _) => return Err(ApiError::new(400, 220002, BOTH)),
            (None, None, true) => return Err(ApiError::new(400, 220001, NEITHER)),
            (None, Some(_), false) => return Err(ApiError::new(400, 220003, NO_FORUM)),
        };
        if job.query("wait") == Some("true") {
            self.message_reply(channel, message, false)
        } else {
            Ok(Reply::empty(204))
        }
    }

    pub(super) fn get_webhook_message(
        &mut self,
        job: &Job<'_>,
        id: Id,
        token: &str,
        message: Id,
    ) -> Answer {
        let (_, channel) = self.webhook_message(job, id, token, message)?;
        self.message_reply(channel, message, false)
    }

    pub(super) fn edit_webhook_message(
        &mut self,
        job: &mut Job<'_>,
        id: Id,
        token: &str,
        message: Id,
    ) -> Answer {
        let (speaker, channel) = self.webhook_message(job, id, token, message)?;
        self.edit_message(job, channel, message, &speaker)
    }

    pub(super) fn delete_webhook_message(
        &mut self,
        job: &Job<'_>,
        id: Id,
        token: &str,
        message: Id,
    ) -> Answer {
        let (speaker, channel) = self.webhook_message(job, id, token, message)?;
        self.delete_message(job, channel, message, &speaker)
    }

    /// The bot that made a webhook; people have no application.
    pub(super) fn maker_of(&self, webhook: Id) -> Option<Id> {
        let maker = self.world.webhooks.get(&webhook)?.owner_id;
        self.bot_ids().contains(&maker).then_some(maker)
    }

    fn webhook_speaker(&self, id: Id, token: &str) -> Result<(Speaker, Id), ApiError> {
        let webhook = self.world.webhook(id, token)?;
        let speaker = Speaker {
            id,
            name: webhook.name.clone(),
            avatar_url: None,
            webhook_id: Some(id),
        };
        Ok((speaker, webhook.channel_id))
    }

    /// The thread that a request names in its query, which must be one of the webhook's channel.
    fn webhook_thread(&mut self, job: &Job<'_>, home: Id) -> Result<Option<Id>, ApiError> {
        match job.query("thread_id").map(str::parse::<Id>) {
            None => Ok(None),
            Some(Ok(thread)) if self.world.visible(thread)?.parent_id == Some(home) => {
                Ok(Some(thread))
            }
            Some(_) => Err(ApiError::unknown_channel()),
        }
    }

    /// The webhook of a message with the channel or thread it stands in. One in a thread is found there alone.
    fn webhook_message(
        &mut self,
        job: &Job<'_>,
        id: Id,
        token: &str,
        message: Id,
    ) -> Result<(Speaker, Id), ApiError> {
        let (speaker, home) = self.webhook_speaker(id, token)?;
        let channel = self.webhook_thread(job, home)?.unwrap_or(home);
        self.check_own(channel, message, &speaker)?;
        Ok((speaker, channel))
    }

    /// A webhook sees only its own messages.
    fn check_own(&self, channel: Id, message: Id, speaker: &Speaker) -> Result<(), ApiError> {
        match self.store.get(channel, message) {
            Some(message) if message.webhook_id == speaker.webhook_id => Ok(()),
            _ => Err(ApiError::unknown_message()),
        }
    }
}

const NEITHER: &str = "Webhooks posted to forum channels must have a thread_name or thread_id";
const BOTH: &str = "Webhooks posted to forum channels cannot have both a thread_name and thread_id";
const NO_FORUM: &str = "Webhooks can only create threads in forum channels";

fn check_name(field: &str, name: &str) -> Result<(), ApiError> {
    if !(1..=NAME_CHARS_MAX).contains(&name.chars().count()) {
        return Err(ApiError::bad_length(field, NAME_CHARS_MAX));
    }
    let lower = name.to_lowercase();
    let Some(word) = NOT_IN_NAMES.iter().find(|word| lower.contains(**word)) else {
        return Ok(());
    };
    let message = format!("Username cannot contain \"{word}\"");
    let error = json!({ "code": "USERNAME_INVALID_CONTAINS", "message": message });
    Err(ApiError::form(json!({ field: { "_errors": [error] } })))
}
