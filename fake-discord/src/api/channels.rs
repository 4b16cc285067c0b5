//! Channels, and threads as channels: show and change. `threads` opens and lists threads.

use serde_json::Value;

use super::{Answer, Job, threads::thread_name};
use crate::{
    fake::Fake,
    id::Id,
    message_store::Page,
    render,
    reply::{ApiError, Reply},
    settings::Channel,
};

/// What may be said of an archived thread without waking it.
const OF_ARCHIVED: [&str; 2] = ["archived", "locked"];

impl Fake {
    pub(super) fn get_channel(&mut self, id: Id) -> Answer {
        let channel = self.world.visible(id)?.clone();
        Ok(Reply::json(200, &self.render_channel(&channel)))
    }

    pub(super) fn edit_channel(&mut self, job: &Job<'_>, id: Id) -> Answer {
        let (body, _) = job.json()?;
        let channel = self.world.visible(id)?;
        if channel.is_thread() {
            self.edit_thread(job.now_ms, id, &body)?;
        } else if let Some(name) = body["name"].as_str() {
            channel.name = name.to_owned();
        }
        self.get_channel(id)
    }

    fn edit_thread(&mut self, now_ms: u64, id: Id, body: &Value) -> Result<(), ApiError> {
        let thread = self.world.visible(id)?.clone();
        let archived = body["archived"].as_bool().unwrap_or(thread.archived);
        let says_more = body
            .as_object()
            .is_some_and(|parts| parts.keys().any(|key| !OF_ARCHIVED.contains(&key.as_str())));
        if thread.archived && archived && says_more {
            return Err(ApiError::thread_archived());
        }
        if thread.archived && !archived {
            self.check_room_for_thread(thread.guild_id)?;
        }
        let name = match body.get("name") {
            None => thread.name,
            Some(_) => thread_name(body)?,
        };
        let thread = self.world.visible(id)?;
        thread.name = name;
        thread.locked = body["locked"].as_bool().unwrap_or(thread.locked);
        thread.auto_archive_minutes = body["auto_archive_duration"]
            .as_u64()
            .or(thread.auto_archive_minutes);
        thread.set_archived(archived, now_ms);
        Ok(())
    }

    pub(super) fn render_channel(&self, channel: &Channel) -> Value {
        let overwrites = self.world.overwrites(channel);
        let last = self
            .store
            .list(channel.id, Page::Latest, 1)
            .first()
            .map(|message| message.id);
        let owner = channel.owner_id.or_else(|| self.bot_ids().first().copied());
        render::channel(channel, &overwrites, owner, last)
    }

    pub(super) fn bot_ids(&self) -> Vec<Id> {
        self.settings.bots.iter().map(|bot| bot.user_id).collect()
    }
}
