//! Create, list, get, edit and delete messages.

use serde_json::Value;

use super::{Answer, Job, Upload};
use crate::{
    fake::{Fake, Speaker},
    form_core::Draft,
    id::Id,
    message_store::{Edit, Message, NonceUse, Page},
    permissions_core::{MANAGE_MESSAGES, READ_HISTORY, SEND, SEND_IN_THREADS},
    render,
    reply::{ApiError, Reply},
};

const LIST_DEFAULT: usize = 50;
const LIST_MAX: usize = 100;

/// Discord's numbers of types of messages.
const WRITTEN: u8 = 0;
const REPLY: u8 = 19;

/// The flag that makes components the whole of a message.
const COMPONENTS_V2: u64 = 1 << 15;

impl Fake {
    pub(super) fn create_message(
        &mut self,
        job: &mut Job<'_>,
        channel: Id,
        bot: &Speaker,
    ) -> Answer {
        let is_thread = self.world.visible(channel)?.is_thread();
        let needed = if is_thread { SEND_IN_THREADS } else { SEND };
        let forum = self.world.allowed(channel, needed)?.is_forum();
        if forum {
            return Err(ApiError::new(
                400,
                50008,
                "Cannot send messages in a non-text channel",
            ));
        }
        let (draft, uploads) = job.draft()?;
        self.trace_content(job, &draft);
        self.check_rights(channel, &draft, &uploads)?;
        let nonce = draft
            .nonce
            .as_ref()
            .filter(|_| draft.enforce_nonce)
            .map(Value::to_string);
        if let Some(nonce) = &nonce {
            let window_ms = self.settings.nonce_window_ms;
            match self
                .store
                .nonce_use(bot.id, channel, nonce, job.now_ms, window_ms)
            {
                NonceUse::Fresh => {}
                NonceUse::Deleted => return Err(ApiError::unknown_message()),
                NonceUse::Alive(first) => {
                    job.trace.message_id = Some(first);
                    job.trace.nonce_repeat = true;
                    self.counters.nonce_repeats += 1;
                    return self.message_reply(channel, first, true);
                }
            }
        }
        let id = self.post(job, channel, bot, draft, uploads, None)?;
        if let Some(nonce) = nonce {
            self.store.remember_nonce(
                (bot.id, channel, nonce),
                id,
                job.now_ms,
                self.settings.messages_max,
            );
        }
        self.message_reply(channel, id, true)
    }

    /// Posts a draft whose form and rights are checked. `id` is given for the first message of a forum post.
    pub(super) fn post(
        &mut self,
        job: &mut Job<'_>,
        channel: Id,
        speaker: &Speaker,
        draft: Draft,
        uploads: Vec<Upload>,
        id: Option<Id>,
    ) -> Result<Id, ApiError> {
        // A webhook cannot reply: its request has no such field.
        let reference = draft.reference.filter(|_| speaker.webhook_id.is_none());
        let reply_to = self.find_reply(channel, reference)?;
        let attachments = self.store_uploads(job.now_ms, &draft.attachments, uploads, &[])?;
        let author = (speaker.id, speaker.name.as_str());
        let content = draft.content.unwrap_or_default();
        let mut message = Message {
            avatar_url: speaker.avatar_url.clone(),
            webhook_id: speaker.webhook_id,
            application_id: speaker.webhook_id.and_then(|id| self.maker_of(id)),
            kind: if reply_to.is_some() { REPLY } else { WRITTEN },
            embeds: draft.embeds.unwrap_or_default(),
            components: draft.components.unwrap_or_default(),
            attachments,
            flags: draft.flags.unwrap_or_default(),
            tts: draft.tts,
            nonce: draft.nonce,
            nonce_enforced: draft.enforce_nonce,
            reply_to,
            ..Message::written(Id(0), channel, author, &content, job.now_ms)
        };
        if is_empty(&message) && !draft.has_other_content {
            return Err(ApiError::empty_message());
        }
        self.wake_thread(channel, job.now_ms)?;
        message.id = id.unwrap_or_else(|| self.snowflakes.next(job.now_ms));
        self.mention(job.now_ms, &mut message, draft.allowed_mentions, false)?;
        let id = message.id;
        job.trace.message_id = Some(id);
        self.counters.messages_created += 1;
        self.store.insert(message, self.settings.messages_max);
        Ok(id)
    }

    pub(super) fn list_messages(&mut self, job: &Job<'_>, channel: Id) -> Answer {
        let shown = self.world.visible(channel)?.clone();
        let may_read = self.world.permissions(&shown) & READ_HISTORY != 0;
        let limit = job
            .query("limit")
            .map_or(Ok(LIST_DEFAULT), str::parse)
            .unwrap_or(0);
        if !(1..=LIST_MAX).contains(&limit) {
            let message = format!("int value should be between 1 and {LIST_MAX}.");
            let error = serde_json::json!({ "code": "NUMBER_TYPE_MAX", "message": message });
            return Err(ApiError::form(
                serde_json::json!({ "limit": { "_errors": [error] } }),
            ));
        }
        let id = |name| job.query(name).and_then(|text| text.parse().ok());
        let page = match (id("around"), id("before"), id("after")) {
            (Some(around), _, _) => Page::Around(around),
            (None, Some(before), _) => Page::Before(before),
            (None, None, Some(after)) => Page::After(after),
            (None, None, None) => Page::Latest,
        };
        // Without the right to read history Discord shows an empty channel, not an error.
        let found = if may_read {
            self.store.list(channel, page, limit)
        } else {
            Vec::new()
        };
        let list = found
            .into_iter()
            .map(|message| self.render(message))
            .collect();
        Ok(Reply::json(200, &Value::Array(list)))
    }

    pub(super) fn get_message(&mut self, channel: Id, id: Id) -> Answer {
        self.world.allowed(channel, READ_HISTORY)?;
        self.message_reply(channel, id, false)
    }

    pub(super) fn edit_message(
        &mut self,
        job: &mut Job<'_>,
        channel: Id,
        id: Id,
        speaker: &Speaker,
    ) -> Answer {
        self.check_not_archived(channel)?;
        let (draft, uploads) = job.draft()?;
        self.trace_content(job, &draft);
        let old = self
            .store
            .get(channel, id)
            .ok_or_else(ApiError::unknown_message)?;
        if old.author_id != speaker.id {
            return Err(ApiError::new(
                403,
                50005,
                "Cannot edit a message authored by another user",
            ));
        }
        let mut message = old.clone();
        if speaker.webhook_id.is_none() {
            self.check_rights(channel, &draft, &uploads)?;
        }
        if draft.attachments.is_some() || !uploads.is_empty() {
            let kept = std::mem::take(&mut message.attachments);
            message.attachments =
                self.store_uploads(job.now_ms, &draft.attachments, uploads, &kept)?;
        }
        message.embeds = draft.embeds.unwrap_or(message.embeds);
        message.components = draft.components.unwrap_or(message.components);
        message.flags = draft.flags.unwrap_or(message.flags);
        let content_given = draft.content.is_some();
        message.content = draft.content.unwrap_or(message.content);
        if is_empty(&message) && !draft.has_other_content {
            return Err(ApiError::empty_message());
        }
        // Mentions are worked out anew only when the content is part of the edit.
        if content_given {
            self.mention(job.now_ms, &mut message, draft.allowed_mentions, true)?;
        }
        message.note_edit(job.now_ms);
        if let Some(stored) = self.store.get_mut(channel, id) {
            *stored = message;
        }
        self.counters.messages_edited += 1;
        self.message_reply(channel, id, false)
    }

    pub(super) fn delete_message(
        &mut self,
        job: &Job<'_>,
        channel: Id,
        id: Id,
        speaker: &Speaker,
    ) -> Answer {
        self.check_not_archived(channel)?;
        let message = self
            .store
            .get(channel, id)
            .ok_or_else(ApiError::unknown_message)?;
        let own = message.author_id == speaker.id;
        if !own {
            self.world.allowed(channel, MANAGE_MESSAGES)?;
        }
        self.store.delete(channel, id, job.now_ms);
        self.counters.messages_deleted += 1;
        Ok(Reply::empty(204))
    }

    /// The answer that shows one message.
    pub(super) fn message_reply(&self, channel: Id, id: Id, with_nonce: bool) -> Answer {
        let message = self
            .store
            .get(channel, id)
            .ok_or_else(ApiError::unknown_message)?;
        let mut body = self.render(message);
        if with_nonce && let Some(nonce) = &message.nonce {
            body["nonce"] = nonce.clone();
        }
        Ok(Reply::json(200, &body))
    }

    fn render(&self, message: &Message) -> Value {
        let referenced = message
            .reply_to
            .and_then(|reply_to| self.store.get(reply_to.channel_id, reply_to.message_id));
        render::message(message, &self.base_url, referenced)
    }

    fn check_not_archived(&mut self, channel: Id) -> Result<(), ApiError> {
        if self.world.visible(channel)?.archived {
            Err(ApiError::thread_archived())
        } else {
            Ok(())
        }
    }

    /// A message wakes an archived thread. A locked one takes none: bots of this fake have no right to manage threads.
    fn wake_thread(&mut self, channel: Id, now_ms: u64) -> Result<(), ApiError> {
        let channel = self.world.visible(channel)?;
        if channel.locked {
            return Err(if channel.archived {
                ApiError::thread_archived()
            } else {
                ApiError::new(400, 160005, "Thread is locked")
            });
        }
        channel.set_archived(false, now_ms);
        Ok(())
    }
}

fn is_empty(message: &Message) -> bool {
    let embed_shows = |embed: &Value| {
        embed.as_object().is_some_and(|parts| {
            parts
                .iter()
                .any(|(name, value)| name != "type" && name != "color" && !value.is_null())
        })
    };
    message.content.is_empty()
        && message.attachments.is_empty()
        && !message.embeds.iter().any(embed_shows)
        && (message.flags & COMPONENTS_V2 == 0 || message.components.is_empty())
}

impl Message {
    /// Discord moves the edit stamp even when nothing changed.
    fn note_edit(&mut self, now_ms: u64) {
        self.edited_at_ms = Some(now_ms);
        self.edit_count += 1;
        self.edits.push(Edit {
            at_ms: now_ms,
            content: self.content.clone(),
        });
        if self.edits.len() > Self::EDITS_KEPT_MAX {
            self.edits.remove(0);
        }
    }
}
