//! Webhooks: create, execute, and their own messages. Nonces are not enforced here, as on Discord.

use super::{Answer, Job};
use crate::{
    fake::{Fake, Speaker},
    id::Id,
    permissions_core::MANAGE_WEBHOOKS,
    render,
    reply::{ApiError, Reply},
    world::Webhook,
};

impl Fake {
    pub(super) fn create_webhook(&mut self, job: &Job<'_>, channel: Id) -> Answer {
        let guild = self.world.allowed(channel, MANAGE_WEBHOOKS)?.guild_id;
        let (body, _) = job.json()?;
        let id = self.snowflakes.next(job.now_ms);
        let webhook = Webhook {
            id,
            token: format!(
                "fake-webhook-token-{:016x}",
                id.0.wrapping_mul(0x9E37_79B9_7F4A_7C15)
            ),
            channel_id: channel,
            name: body["name"].as_str().unwrap_or("webhook").to_owned(),
        };
        let shown = render::webhook(&webhook, guild);
        self.world.webhooks.insert(id, webhook);
        Ok(Reply::json(200, &shown))
    }

    pub(super) fn execute_webhook(&mut self, job: &mut Job<'_>, id: Id, token: &str) -> Answer {
        let (mut speaker, parent) = self.webhook_speaker(id, token)?;
        let channel = match job.query("thread_id").map(str::parse::<Id>) {
            None => parent,
            Some(Ok(thread)) if self.world.visible(thread)?.parent_id == Some(parent) => thread,
            Some(_) => return Err(ApiError::unknown_channel()),
        };
        let (draft, uploads) = job.draft()?;
        self.trace_content(job, &draft);
        if let Some(name) = &draft.username {
            speaker.name.clone_from(name);
        }
        let message = self.post(job, channel, &speaker, draft, uploads, None)?;
        if job.query("wait") == Some("true") {
            self.message_reply(channel, message, false)
        } else {
            Ok(Reply::empty(204))
        }
    }

    pub(super) fn get_webhook_message(&mut self, id: Id, token: &str, message: Id) -> Answer {
        let (speaker, channel) = self.webhook_speaker(id, token)?;
        self.check_own(channel, message, &speaker)?;
        self.message_reply(channel, message, false)
    }

    pub(super) fn edit_webhook_message(
        &mut self,
        job: &mut Job<'_>,
        id: Id,
        token: &str,
        message: Id,
    ) -> Answer {
        let (speaker, channel) = self.webhook_speaker(id, token)?;
        self.check_own(channel, message, &speaker)?;
        self.edit_message(job, channel, message, &speaker)
    }

    pub(super) fn delete_webhook_message(
        &mut self,
        job: &Job<'_>,
        id: Id,
        token: &str,
        message: Id,
    ) -> Answer {
        let (speaker, channel) = self.webhook_speaker(id, token)?;
        self.check_own(channel, message, &speaker)?;
        self.delete_message(job, channel, message, &speaker)
    }

    fn webhook_speaker(&self, id: Id, token: &str) -> Result<(Speaker, Id), ApiError> {
        let webhook = self.world.webhook(id, token)?;
        let speaker = Speaker {
            id,
            name: webhook.name.clone(),
            webhook_id: Some(id),
        };
        Ok((speaker, webhook.channel_id))
    }

    /// A webhook sees only its own messages.
    fn check_own(&self, channel: Id, message: Id, speaker: &Speaker) -> Result<(), ApiError> {
        match self.store.get(channel, message) {
            Some(message) if message.webhook_id == speaker.webhook_id => Ok(()),
            _ => Err(ApiError::unknown_message()),
        }
    }
}
