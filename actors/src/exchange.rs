//! One request to Discord and what came of it, in words that know no transport: what mirrors decide by.

use crate::{
    limits_core::{LimitHeaders, LimitKind, Route},
    payload::{Identity, PartPayload},
};
use heliograph_schema::{
    delivery::Address,
    ids::{ChannelId, MessageId, ThreadId, WebhookId},
};

/// The reason of an [`Outcome::Unreachable`] for want of the token of the request's webhook: it was never learned, was forgotten
/// for others, or Discord no longer takes it. [`Call::FindWebhook`] learns it, or says that the webhook is gone.
pub const WEBHOOK_TOKEN_UNKNOWN: &str = "the webhook's token is not known";

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// Post a message, at most once for this nonce.
    Create {
        /// What it shows.
        payload: PartPayload,
        /// Up to 25 characters. A webhook knows none.
        nonce: String,
        /// The message it answers, in the same channel or thread. Gone meanwhile: it answers nothing. A webhook answers nothing,
        /// whatever stands here.
        reply_to: Option<MessageId>,
    },
    /// Make a message show this.
    Edit {
        /// Which.
        message_id: MessageId,
        /// What it shows.
        payload: PartPayload,
    },
    /// Take a message away.
    Delete {
        /// Which.
        message_id: MessageId,
    },
    /// The oldest messages behind this id, up to a page.
    List {
        /// A message id, or the snowflake of a moment.
        after: i64,
    },
    /// The same for a comparison: all messages, whoever wrote them, on record or not.
    Survey {
        /// See [`Call::List`].
        after: i64,
    },
    /// Open a thread in the target channel. From a message there is at most one, and its id is that of the message; without
    /// one nothing keeps Discord from opening two.
    OpenThread {
        /// Its name, 1 to 100 characters.
        name: String,
        /// The message it hangs on.
        from: Option<MessageId>,
    },
    /// Open a thread of a forum with its first message; both have the same id. Nothing keeps Discord from opening two. By the
    /// webhook of the request's address, when there is one.
    OpenPost {
        /// Its name, 1 to 100 characters.
        name: String,
        /// The first message.
        payload: PartPayload,
    },
    /// The thread of this name that the bot or its webhook opened in the target channel at this moment or later, the oldest of
    /// several; some clock difference is allowed for. Up to three requests for the one permit, and once in the life of the
    /// process a fourth (who the bot is).
    FindThread {
        /// Its name.
        name: String,
        /// Milliseconds since 1970.
        since_ms: i64,
    },
    /// Archive the thread of the request's address, or open it again.
    Archive {
        /// Which of the two.
        archived: bool,
    },
    /// The webhook that this program made in the target channel before. Also learns its token, which no other word of ours
    /// ever holds. Up to two requests for the one permit.
    FindWebhook,
    /// Make one. Nothing keeps Discord from making two.
    MakeWebhook,
}

impl Call {
    /// Whose limits it falls under.
    pub fn route(&self) -> Route {
        match self {
            Self::Create { .. } => Route::Create,
            Self::Edit { .. } => Route::Edit,
            Self::Delete { .. } => Route::Delete,
            Self::List { .. } | Self::Survey { .. } => Route::List,
            Self::OpenThread { .. } | Self::OpenPost { .. } => Route::OpenThread,
            Self::FindThread { .. } => Route::FindThread,
            Self::Archive { .. } => Route::ChangeThread,
            Self::FindWebhook | Self::MakeWebhook => Route::Webhook,
        }
    }
}

/// A request of one mirror.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Comes back with the answer.
    pub request_id: u64,
    /// Where.
    pub target_channel_id: ChannelId,
    /// In which of its threads, and by whose hand.
    pub at: Address,
    /// What.
    pub call: Call,
}

/// A message that was read back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listed {
    /// Which.
    pub message_id: MessageId,
    /// What it shows.
    pub identity: Identity,
    /// It is by our hand. Only a comparison sees others.
    pub is_ours: bool,
}

/// What came of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The message of this create, made now or by an earlier attempt.
    Posted {
        /// Which.
        message_id: MessageId,
    },
    /// The edit was done.
    Edited,
    /// The message is gone.
    Deleted,
    /// The thread is open, now or since an earlier attempt.
    Opened {
        /// Which. Of a post also the id of its first message.
        thread_id: ThreadId,
    },
    /// What was looked for.
    Found {
        /// Which thread; `None`: there is none.
        thread_id: Option<ThreadId>,
    },
    /// The thread is archived, or open again.
    Archived,
    /// What was looked for or made, and can be posted through from now on.
    Webhook {
        /// Which; `None`: there is none.
        webhook_id: Option<WebhookId>,
    },
    /// A page of the channel. Only our own messages that no delivery is recorded to have posted.
    Listed {
        /// Oldest first.
        unrecorded: Vec<Listed>,
        /// Where the next page begins; `None` when this was the last.
        next_after: Option<i64>,
    },
    /// 429: not done.
    RateLimited {
        /// By what.
        kind: LimitKind,
        /// How long to wait.
        retry_after_ms: i64,
    },
    /// 401: not done, and nothing else will be.
    Unauthorized,
    /// Another 4xx: not done, for this reason.
    Rejected {
        /// HTTP status.
        status: u16,
        /// Discord's code; 0 when it gave none.
        code: u64,
        /// Discord's words, shortened.
        message: String,
    },
    /// The request cannot have arrived: no connection was made.
    Unreachable {
        /// Why, for people.
        reason: String,
    },
    /// Done or not done, nobody knows: a timeout, a reset, a 5xx, an answer that does not read.
    Ambiguous {
        /// Why, for people.
        reason: String,
    },
}

/// Discord's codes that speak of the channel and of what the bot may do there (documented): unknown channel, missing access,
/// missing permissions.
const PERMISSION_CODES: [u64; 3] = [10_003, 50_001, 50_013];

impl Outcome {
    /// A person must change something at Discord.
    pub fn speaks_of_permissions(&self) -> bool {
        matches!(self, Self::Rejected { code, .. } if PERMISSION_CODES.contains(code))
    }

    /// The label of metrics.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Posted { .. }
            | Self::Edited
            | Self::Deleted
            | Self::Listed { .. }
            | Self::Opened { .. }
            | Self::Found { .. }
            | Self::Archived
            | Self::Webhook { .. } => "ok",
            Self::RateLimited { .. } => "rate_limited",
            Self::Unauthorized => "unauthorized",
            Self::Rejected { .. } => "rejected",
            Self::Unreachable { .. } => "unreachable",
            Self::Ambiguous { .. } => "ambiguous",
        }
    }
}

/// The outcome with what the answer said of limits, when there was an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// What came of it.
    pub outcome: Outcome,
    /// `None` without an answer.
    pub headers: Option<LimitHeaders>,
}
