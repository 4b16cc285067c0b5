//! Threads: opened from a message, without one, in a forum, and the lists of them.

use serde_json::{Value, json};

use super::{Answer, Job, Upload};
use crate::{
    fake::{Fake, Speaker},
    form_core::{self, Draft, THREAD_NAME_CHARS_MAX},
    id::Id,
    message_store::Message,
    permissions_core::{CREATE_THREADS, READ_HISTORY, VIEW},
    render,
    reply::{ApiError, Reply},
    settings::Channel,
};

const PUBLIC_THREAD: u8 = 11;
const PRIVATE_THREAD: u8 = 12;
/// Discord's number of the message by which a channel says that a thread was opened.
const THREAD_OPENED: u8 = 18;
const LIST_DEFAULT: usize = 50;
const LIST_MAX: usize = 100;

/// What a request says of the thread it opens.
pub(super) struct NewThread {
    pub(super) name: String,
    pub(super) auto_archive_minutes: Option<u64>,
}

impl NewThread {
    fn read(body: &Value) -> Result<Self, ApiError> {
        Ok(Self {
            name: thread_name(body)?,
            auto_archive_minutes: body["auto_archive_duration"].as_u64(),
        })
    }
}

impl Fake {
    /// A thread from a message has the message's id.
    pub(super) fn thread_from_message(
        &mut self,
        job: &mut Job<'_>,
        parent: Id,
        id: Id,
        bot: &Speaker,
    ) -> Answer {
        self.world.allowed(parent, CREATE_THREADS)?;
        let (body, _) = job.json()?;
        let new = NewThread::read(&body)?;
        let message = self
            .store
            .get(parent, id)
            .ok_or_else(ApiError::unknown_message)?;
        if message.has_thread {
            let text = "A thread has already been created for this message";
            return Err(ApiError::new(400, 160004, text));
        }
        let thread = self.open_thread(parent, id, new, PUBLIC_THREAD, bot)?;
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
        let new = NewThread::read(&body)?;
        if !forum {
            let kind = body["type"]
                .as_u64()
                .and_then(|kind| u8::try_from(kind).ok());
            let kind = kind
                .filter(|kind| (10..=12).contains(kind))
                .unwrap_or(PRIVATE_THREAD);
            let id = self.snowflakes.next(job.now_ms);
            let thread = self.open_thread(parent, id, new, kind, bot)?;
            if thread.is_public_thread() {
                self.note_opened(job.now_ms, &thread, bot);
            }
            return Ok(Reply::json(201, &self.render_channel(&thread)));
        }
        let draft = form_core::read(&body["message"]).map_err(ApiError::form)?;
        self.trace_content(job, &draft);
        self.check_rights(parent, &draft, &uploads)?;
        let thread = self.open_post(job, parent, new, bot, draft, uploads)?;
        let mut shown = self.render_channel(&thread);
        let first = self.message_reply(thread.id, thread.id, false)?;
        shown["message"] = serde_json::from_slice(&first.body).unwrap_or(Value::Null);
        Ok(Reply::json(201, &shown))
    }

    /// A thread of a forum with its first message, which has the same id.
    pub(super) fn open_post(
        &mut self,
        job: &mut Job<'_>,
        forum: Id,
        new: NewThread,
        speaker: &Speaker,
        draft: Draft,
        uploads: Vec<Upload>,
    ) -> Result<Channel, ApiError> {
        let id = self.snowflakes.next(job.now_ms);
        let thread = self.open_thread(forum, id, new, PUBLIC_THREAD, speaker)?;
        if let Err(error) = self.post(job, id, speaker, draft, uploads, Some(id)) {
            self.world.channels.remove(&id);
            return Err(error);
        }
        Ok(thread)
    }

    fn open_thread(
        &mut self,
        parent: Id,
        id: Id,
        new: NewThread,
        kind: u8,
        opener: &Speaker,
    ) -> Result<Channel, ApiError> {
        let parent = self.world.visible(parent)?.clone();
        if parent.is_thread() {
            return Err(ApiError::wrong_channel_type());
        }
        self.check_room_for_thread(parent.guild_id)?;
        let thread = Channel {
            id,
            name: new.name,
            kind,
            parent_id: Some(parent.id),
            owner_id: Some(opener.id),
            archived: false,
            archived_at_ms: None,
            auto_archive_minutes: new.auto_archive_minutes,
            locked: false,
            ..parent
        };
        self.world.channels.insert(id, thread.clone());
        Ok(thread)
    }

    pub(super) fn check_room_for_thread(&self, guild: Option<Id>) -> Result<(), ApiError> {
        if self.world.active_threads(guild).count() < self.settings.active_threads_max {
            return Ok(());
        }
        let message = "Maximum number of active threads reached";
        Err(ApiError::new(400, 160006, message))
    }

    /// The channel shows that a thread was opened, in the name of whoever did.
    fn note_opened(&mut self, now_ms: u64, thread: &Channel, opener: &Speaker) {
        let Some(parent) = thread.parent_id else {
            return;
        };
        let id = self.snowflakes.next(now_ms);
        let author = (opener.id, opener.name.as_str());
        let note = Message {
            kind: THREAD_OPENED,
            ..Message::written(id, parent, author, &thread.name, now_ms)
        };
        self.store.insert(note, self.settings.messages_max);
    }

    /// Those that bots can see, newest first.
    pub(super) fn active_threads(&self, guild: Id, bot: &Speaker) -> Answer {
        self.world.guild(guild)?;
        let mut threads: Vec<&Channel> = self
            .world
            .active_threads(Some(guild))
            .filter(|thread| self.world.permissions(thread) & VIEW != 0)
            .collect();
        threads.reverse();
        Ok(Reply::json(200, &self.render_threads(&threads, bot)))
    }

    /// Those that were archived last come first; `before` is a moment in ISO 8601.
    pub(super) fn archived_public_threads(
        &mut self,
        job: &Job<'_>,
        parent: Id,
        bot: &Speaker,
    ) -> Answer {
        self.world.allowed(parent, READ_HISTORY)?;
        let limit = job.query("limit").map_or(Ok(LIST_DEFAULT), str::parse);
        let limit = limit.unwrap_or(LIST_DEFAULT).clamp(1, LIST_MAX);
        let before = job.query("before").map(|text| text.replace("%3A", ":"));
        let archived_at_ms = |thread: &Channel| {
            thread
                .archived_at_ms
                .unwrap_or_else(|| thread.id.created_at_ms())
        };
        let mut threads: Vec<&Channel> = self
            .world
            .threads_of(parent)
            .filter(|thread| thread.archived && thread.is_public_thread())
            .filter(|thread| {
                before
                    .as_ref()
                    .is_none_or(|before| render::timestamp(archived_at_ms(thread)) < *before)
            })
            .collect();
        threads.sort_by_key(|thread| std::cmp::Reverse((archived_at_ms(thread), thread.id)));
        let has_more = threads.len() > limit;
        threads.truncate(limit);
        let mut shown = self.render_threads(&threads, bot);
        shown["has_more"] = has_more.into();
        Ok(Reply::json(200, &shown))
    }

    /// Whoever opens a thread is its member.
    fn render_threads(&self, threads: &[&Channel], bot: &Speaker) -> Value {
        let joined = threads
            .iter()
            .filter(|thread| thread.owner_id == Some(bot.id))
            .map(|thread| {
                let since = render::timestamp(thread.id.created_at_ms());
                json!({ "id": thread.id, "user_id": bot.id, "join_timestamp": since, "flags": 0 })
            });
        json!({
            "members": joined.collect::<Vec<_>>(),
            "threads": threads.iter().map(|it| self.render_channel(it)).collect::<Vec<_>>(),
        })
    }
}

/// White space around a name goes before it is measured.
pub(super) fn thread_name(body: &Value) -> Result<String, ApiError> {
    let name = body["name"].as_str().unwrap_or_default().trim();
    if (1..=THREAD_NAME_CHARS_MAX).contains(&name.chars().count()) {
        Ok(name.to_owned())
    } else {
        Err(ApiError::bad_length("name", THREAD_NAME_CHARS_MAX))
    }
}
