//! Where a message goes that is not posted yet: into the target channel or a thread of it, by the bot or through a webhook, and
//! what must be found or made before. Threads are opened once: what may have been opened by an attempt that nobody answered is
//! looked for first, but for a thread that hangs on a message, of which Discord allows only one.

use super::delivery::{Delivery, Spans, Step};
use crate::limits_core::{Lane, Route};
use heliograph_schema::{
    delivery::{Address, KnownThread},
    ids::{ChannelId, MessageId, ThreadId, WebhookId},
    rules::{AuthorStyle, ThreadStyle},
};
use std::collections::HashMap;

/// Threads that are remembered; beyond it those that are not open are asked for again.
const THREADS_MAX: usize = 10_000;
/// Characters of a thread's name (documented).
const NAME_CHARS_MAX: usize = 100;
/// Of a thread whose name nobody said.
const NAMELESS: &str = "thread";

/// The webhook of the target channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Webhook {
    #[default]
    Unsought,
    Absent,
    Known(WebhookId),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Thread {
    /// The tables are being asked.
    Asked,
    Open(ThreadId),
    /// Nothing mirrors it, as far as is known.
    Closed {
        name: Option<String>,
        starter: Option<MessageId>,
        /// Until then an attempt to open it may still be carried out.
        unsure_until_ms: Option<i64>,
        /// When it was last looked for in vain.
        looked_ms: Option<i64>,
        /// The name it was last tried to be opened under: an edit may ask for another by now.
        tried_name: Option<String>,
    },
}

/// What is known of the target channel beyond its messages.
#[derive(Debug, Default)]
pub(super) struct Places {
    pub(super) is_forum: bool,
    webhook: Webhook,
    threads: HashMap<ThreadId, Thread>,
}

impl Delivery {
    /// The source thread whose mirror its messages stand in. In a forum a signal outside of threads begins one of its own,
    /// which has its id, as Discord itself numbers a thread that hangs on a message.
    pub(super) fn thread_key(&self, is_forum: bool) -> Option<ThreadId> {
        if is_forum {
            let own = || ThreadId::new(self.signal_id().get());
            return self.signal.thread_id.or_else(own);
        }
        let is_mirrored = self.rules.thread_style() == ThreadStyle::Mirrored;
        self.signal.thread_id.filter(|_| is_mirrored)
    }

    fn is_by_webhook(&self) -> bool {
        self.rules.author_style() == AuthorStyle::Webhook
    }
}

impl Places {
    /// What must be done before the messages of this delivery can be posted; `None` when they can, at `delivery.at`.
    pub(super) fn prepare(
        &mut self,
        now_ms: i64,
        delivery: &mut Delivery,
        started_ms: i64,
        spans: Spans,
    ) -> Option<Step> {
        if delivery.is_by_webhook() {
            match self.webhook {
                Webhook::Unsought => return Some(Step::FindWebhook),
                Webhook::Absent => return Some(Step::MakeWebhook),
                Webhook::Known(webhook_id) => delivery.at.webhook_id = Some(webhook_id),
            }
        }
        let key = delivery.thread_key(self.is_forum)?;
        let thread = self.threads.get(&key);
        match thread {
            None => Some(Step::ReadThread(key)),
            Some(Thread::Asked) => Some(Step::Wait(None)),
            Some(&Thread::Open(thread_id)) => {
                delivery.at.thread_id = Some(thread_id);
                None
            }
            Some(Thread::Closed {
                name,
                starter,
                unsure_until_ms,
                looked_ms,
                tried_name,
            }) => {
                let wants = delivery.wants_messages();
                let name = thread_name(name.as_deref(), delivery);
                if let Some(from) = starter.filter(|_| !self.is_forum && wants) {
                    return Some(Step::OpenThread {
                        thread_id: key,
                        name,
                        from: Some(from),
                    });
                }
                // What an earlier life was about to open may be opened until its last request has come to its end.
                let inherited_ms = delivery
                    .is_inherited
                    .then_some(started_ms + spans.settle_ms);
                let unsure_until_ms = inherited_ms.max(*unsure_until_ms);
                if let Some(unsure_until_ms) = unsure_until_ms
                    && looked_ms.is_none_or(|looked_ms| looked_ms < unsure_until_ms)
                {
                    if now_ms < unsure_until_ms {
                        return Some(Step::Wait(Some(unsure_until_ms)));
                    }
                    return Some(Step::FindThread {
                        thread_id: key,
                        name: tried_name.clone().unwrap_or(name),
                        since_ms: delivery
                            .signal_id()
                            .created_at_ms()
                            .min(key.created_at_ms()),
                    });
                }
                if !wants {
                    // Nothing can stand in a thread that is not there, and nothing is to.
                    delivery.doubt = None;
                    return None;
                }
                Some(self.open(key, name, delivery))
            }
        }
    }

    fn open(&self, thread_id: ThreadId, name: String, delivery: &mut Delivery) -> Step {
        if self.is_forum {
            return delivery.post(thread_id, name);
        }
        Step::OpenThread {
            thread_id,
            name,
            from: None,
        }
    }

    /// The tables are asked of a thread.
    pub(super) fn ask(&mut self, thread_id: ThreadId) {
        if self.threads.len() >= THREADS_MAX {
            self.threads
                .retain(|_, thread| matches!(thread, Thread::Asked));
        }
        self.threads.insert(thread_id, Thread::Asked);
    }

    /// They answered, or not.
    pub(super) fn learn(&mut self, thread_id: ThreadId, known: Option<KnownThread>) {
        let Some(known) = known else {
            self.threads.remove(&thread_id);
            return;
        };
        let thread = match known.mirrored_thread_id {
            Some(mirrored_thread_id) => Thread::Open(mirrored_thread_id),
            None => Thread::Closed {
                name: known.name,
                starter: known.starter,
                unsure_until_ms: None,
                looked_ms: None,
                tried_name: None,
            },
        };
        self.threads.insert(thread_id, thread);
    }

    pub(super) fn opened(&mut self, thread_id: ThreadId, mirrored_thread_id: ThreadId) {
        self.threads
            .insert(thread_id, Thread::Open(mirrored_thread_id));
    }

    /// It was looked for from this moment on and is not there.
    pub(super) fn not_found(&mut self, thread_id: ThreadId, asked_ms: i64) {
        if let Some(Thread::Closed { looked_ms, .. }) = self.threads.get_mut(&thread_id) {
            *looked_ms = Some(asked_ms);
        }
    }

    /// An attempt to open it, under this name, was not answered.
    pub(super) fn doubt(&mut self, thread_id: ThreadId, name: Option<String>, until_ms: i64) {
        if let Some(Thread::Closed {
            unsure_until_ms,
            tried_name,
            ..
        }) = self.threads.get_mut(&thread_id)
        {
            *unsure_until_ms = (*unsure_until_ms).max(Some(until_ms));
            *tried_name = name.or(tried_name.take());
        }
    }

    pub(super) fn webhook_is(&mut self, webhook_id: Option<WebhookId>) {
        self.webhook = webhook_id.map_or(Webhook::Absent, Webhook::Known);
    }

    /// It is gone, or was never learned in this life.
    pub(super) fn forget_webhook(&mut self) {
        self.webhook = Webhook::Unsought;
    }

    /// Whether a message at this address can be changed now; else what must be done first.
    pub(super) fn reach(&self, at: Address) -> Option<Step> {
        match (at.webhook_id?, self.webhook) {
            (wanted, Webhook::Known(known)) if wanted == known => None,
            (_, Webhook::Unsought) => Some(Step::FindWebhook),
            _ => Some(Step::Poison(
                "the webhook that posted it is gone: only it could edit the message".to_owned(),
            )),
        }
    }

    /// It was posted through a webhook, and in this life none was looked for yet.
    pub(super) fn is_unsought(&self, at: Address) -> bool {
        at.webhook_id.is_some() && self.webhook == Webhook::Unsought
    }

    /// How a message at this address is deleted: the bot can delete what a webhook posted.
    pub(super) fn for_deletion(&self, at: Address) -> Address {
        let webhook_id = at
            .webhook_id
            .filter(|webhook_id| self.webhook == Webhook::Known(*webhook_id));
        Address { webhook_id, ..at }
    }
}

/// Whose limits a request of this route to this address falls under: a webhook's, a thread's or the channel's.
pub(super) fn lane(route: Route, at: Address, target: ChannelId) -> Lane {
    let webhook = at.webhook_id.map(WebhookId::get);
    let thread = at.thread_id.map(ThreadId::get);
    let place = webhook.or(thread).and_then(ChannelId::new);
    Lane::new(route, place.unwrap_or(target))
}

fn thread_name(name: Option<&str>, delivery: &Delivery) -> String {
    // As the rules show it; the line of the ping is no title.
    let shown = delivery.rendered.as_deref().and_then(<[_]>::first);
    let own = || {
        let lines = shown?.payload.content.lines();
        lines
            .map(str::trim)
            .find(|line| !line.is_empty() && !line.starts_with("<@&"))
    };
    let name = name
        .or(delivery.thread_name.as_deref())
        .filter(|name| !name.trim().is_empty())
        .or_else(own)
        .unwrap_or(NAMELESS);
    name.trim().chars().take(NAME_CHARS_MAX).collect()
}
