//! The parts of a message request against the state: rights, reply, mentions, attachments, and what the log keeps.

use super::{Job, Upload};
use crate::{
    fake::{Call, Fake, Trace},
    form_core::{ATTACHMENTS_MAX, AttachmentEntry, Draft, Reference},
    id::Id,
    mentions_core::{self, AllowedMentions},
    message_store::{Attachment, Message, Ping, ReplyTo},
    permissions_core::{ATTACH_FILES, EMBED_LINKS, MENTION_EVERYONE},
    reply::ApiError,
};

impl Fake {
    pub(super) fn check_rights(
        &mut self,
        channel: Id,
        draft: &Draft,
        uploads: &[Upload],
    ) -> Result<(), ApiError> {
        let embeds = draft
            .embeds
            .as_ref()
            .is_some_and(|embeds| !embeds.is_empty());
        let needed = if embeds { EMBED_LINKS } else { 0 }
            | if uploads.is_empty() { 0 } else { ATTACH_FILES };
        self.world.allowed(channel, needed)?;
        Ok(())
    }

    pub(super) fn find_reply(
        &self,
        channel: Id,
        reference: Option<Reference>,
    ) -> Result<Option<ReplyTo>, ApiError> {
        let Some(reference) = reference else {
            return Ok(None);
        };
        let channel_id = reference.channel_id.unwrap_or(channel);
        if channel_id == channel && self.store.get(channel, reference.message_id).is_some() {
            return Ok(Some(ReplyTo {
                message_id: reference.message_id,
                channel_id,
            }));
        }
        if !reference.fail_if_not_exists {
            return Ok(None);
        }
        Err(ApiError::form(serde_json::json!({
            "message_reference": { "_errors": [
                { "code": "REPLIES_UNKNOWN_MESSAGE", "message": "Unknown message" }
            ] }
        })))
    }

    /// Works out and records whom the content mentions and pings.
    pub(super) fn mention(
        &mut self,
        now_ms: u64,
        message: &mut Message,
        allowed: Option<AllowedMentions>,
        by_edit: bool,
    ) -> Result<(), ApiError> {
        let channel = self.world.visible(message.channel_id)?.clone();
        let by_webhook = message.webhook_id.is_some();
        let replied = message
            .reply_to
            .and_then(|reply_to| self.store.get(reply_to.channel_id, reply_to.message_id))
            .map(|target| target.author_id);
        message.mentions = mentions_core::pinged(
            &message.content,
            &allowed.unwrap_or_else(AllowedMentions::everything),
            replied,
            by_webhook || self.world.permissions(&channel) & MENTION_EVERYONE != 0,
            |role| by_webhook || self.world.role_pings(&channel, role),
        );
        if !message.mentions.is_empty() {
            let pinged = message.mentions.clone();
            message.pings.push(Ping {
                at_ms: now_ms,
                by_edit,
                pinged,
            });
            self.counters.pings += 1;
        }
        Ok(())
    }

    /// Keeps the uploads and gives the attachments of the message: of `old` ones those the request lists.
    pub(super) fn store_uploads(
        &mut self,
        now_ms: u64,
        entries: &Option<Vec<AttachmentEntry>>,
        uploads: Vec<Upload>,
        old: &[Attachment],
    ) -> Result<Vec<Attachment>, ApiError> {
        let listed = |id: u64| entries.iter().flatten().find(|entry| entry.id == id);
        let mut attachments: Vec<Attachment> = old
            .iter()
            .filter(|attachment| entries.is_none() || listed(attachment.id.0).is_some())
            .cloned()
            .collect();
        if attachments.len() + uploads.len() > ATTACHMENTS_MAX {
            let message = "Too many attachments";
            return Err(ApiError::new(400, 30015, message));
        }
        for upload in uploads {
            let entry = listed(upload.number);
            let attachment = Attachment {
                id: self.snowflakes.next(now_ms),
                filename: entry
                    .and_then(|entry| entry.filename.clone())
                    .unwrap_or(upload.filename),
                description: entry.and_then(|entry| entry.description.clone()),
                content_type: upload.content_type.clone(),
                size: upload.data.len(),
            };
            let bytes_max = self.settings.attachment_bytes_max;
            self.store
                .keep_file(attachment.id, upload.content_type, upload.data, bytes_max);
            attachments.push(attachment);
        }
        Ok(attachments)
    }

    pub(super) fn trace_content(&self, job: &mut Job<'_>, draft: &Draft) {
        let of_embed = || {
            let embed = draft.embeds.as_ref()?.first()?;
            embed["description"]
                .as_str()
                .or_else(|| embed["title"].as_str())
        };
        let content = draft
            .content
            .as_deref()
            .filter(|content| !content.is_empty());
        job.trace.content = content
            .or_else(of_embed)
            .unwrap_or_default()
            .chars()
            .take(self.settings.content_prefix_chars_max)
            .collect();
    }

    /// The same of a request whose work was not done: what was asked is told all the same.
    pub(crate) fn trace_undone(&self, now_ms: u64, call: &Call, trace: &mut Trace) {
        let Some(body) = call.body.as_ref().filter(|body| !body.is_empty()) else {
            return;
        };
        let mut job = Job {
            now_ms,
            call,
            body,
            trace,
        };
        if let Ok((draft, _)) = job.draft() {
            self.trace_content(&mut job, &draft);
        }
    }
}
