//! Channels and threads.

use serde_json::Value;

use super::{Answer, Job};
use crate::{
    fake::{Fake, Speaker},
    form_core,
    id::Id,
    message_store::Page,
    permissions_core::CREATE_THREADS,
    render,
    reply::{ApiError, Reply},
    settings::Channel,
};

const PUBLIC_THREAD: u8 = 11;
const PRIVATE_THREAD: u8 = 12;
const NAME_CHARS_MAX: usize = 100;

impl Fake {
    pub(super) fn get_channel(&mut self, id: Id) -> Answer {
        let channel = self.world.visible(id)?.clone();
        Ok(Reply::json(200, &self.render_channel(&channel)))
    }

    pub(super) fn edit_channel(&mut self, job: &Job<'_>, id: Id) -> Answer {
        let (body, _) = job.json()?;
        let channel = self.world.visible(id)?;
        if let Some(name) = body["name"].as_str() {
            channel.name = name.to_owned();
        }
        if channel.is_thread() {
            channel.archived = body["archived"].as_bool().unwrap_or(channel.archived);
            channel.locked = body["locked"].as_bool().unwrap_or(channel.locked);
        }
        self.get_channel(id)
    }

    /// A thread from a message has the message's id.
    pub(super) fn thread_from_message(&mut self, job: &mut Job<'_>, parent: Id, id: Id) -> Answer {
        self.world.allowed(parent, CREATE_THREADS)?;
        let (body, _) = job.json()?;
        let name = thread_name(&body)?;
        let message = self
            .store
            .get(parent, id)
            .ok_or_else(ApiError::unknown_message)?;
        if message.has_thread {
            let text = "A thread has already been created for this message";
            return Err(ApiError::new(400, 160004, text));
        }
        let thread = self.open_thread(parent, id, name, PUBLIC_THREAD)?;
        if let Some(message) = self.store.get_mut(parent, id) {
            message.has_thread = true;
        }
        Ok(Reply::json(201, &self.render_channel(&thread)))
    }

    /// A thread without a message; in a forum its first message comes with the request and has the thread's id.
    pub(super) fn create_thread(&mut self, job: &mut Job<'_>, parent: Id, bot: &Speaker) -> Answer {
        let channel = self.world.allowed(parent, CREATE_THREADS)?;
        let forum = channel.is_forum();
        let (body, uploads) = job.json()?;
        let name = thread_name(&body)?;
        let id = self.snowflakes.next(job.now_ms);
        if !forum {
            let kind = body["type"]
                .as_u64()
                .and_then(|kind| u8::try_from(kind).ok());
            let kind = kind
                .filter(|kind| (10..=12).contains(kind))
                .unwrap_or(PRIVATE_THREAD);
            let thread = self.open_thread(parent, id, name, kind)?;
            return Ok(Reply::json(201, &self.render_channel(&thread)));
        }
        let draft = form_core::read(&body["message"]).map_err(ApiError::form)?;
        self.trace_content(job, &draft);
        self.check_rights(parent, &draft, &uploads)?;
        let thread = self.open_thread(parent, id, name, PUBLIC_THREAD)?;
        if let Err(error) = self.post(job, id, bot, draft, uploads, Some(id)) {
            self.world.channels.remove(&id);
            return Err(error);
        }
        let mut shown = self.render_channel(&thread);
        let first = self.message_reply(id, id, false)?;
        shown["message"] = serde_json::from_slice(&first.body).unwrap_or(Value::Null);
        Ok(Reply::json(201, &shown))
    }

    fn open_thread(
        &mut self,
        parent: Id,
        id: Id,
        name: String,
        kind: u8,
    ) -> Result<Channel, ApiError> {
        let parent = self.world.visible(parent)?.clone();
        if self.world.active_threads(parent.guild_id) >= self.settings.active_threads_max {
            return Err(ApiError::new(
                400,
                160006,
                "Maximum number of active threads reached",
            ));
        }
        let thread = Channel {
            id,
            name,
            kind,
            parent_id: Some(parent.id),
            archived: false,
            locked: false,
            ..parent
        };
        self.world.channels.insert(id, thread.clone());
        Ok(thread)
    }

    pub(super) fn render_channel(&self, channel: &Channel) -> Value {
        let overwrites = self.world.overwrites(channel);
        let last = self
            .store
            .list(channel.id, Page::Latest, 1)
            .first()
            .map(|message| message.id);
        let owner = self.settings.bots.first().map(|bot| bot.user_id);
        render::channel(channel, &overwrites, owner, last)
    }
}

fn thread_name(body: &Value) -> Result<String, ApiError> {
    let name = body["name"].as_str().unwrap_or_default();
    if (1..=NAME_CHARS_MAX).contains(&name.chars().count()) {
        return Ok(name.to_owned());
    }
    let message = format!("Must be between 1 and {NAME_CHARS_MAX} in length.");
    let error = serde_json::json!({ "code": "BASE_TYPE_BAD_LENGTH", "message": message });
    Err(ApiError::form(
        serde_json::json!({ "name": { "_errors": [error] } }),
    ))
}
