//! What the lists hold that Discord gives: messages, threads and webhooks, and which of them are ours. Pure; knows no status and
//! no limits. `None` everywhere means that a list does not read.

use super::{
    build::{PAGE, WEBHOOK_NAME},
    learned::WebhookToken,
};
use crate::{
    exchange::{Listed, Outcome},
    payload::Identity,
};
use heliograph_schema::{
    ids::{ChannelId, MessageId, ThreadId, UserId, WebhookId},
    signal::{Embed, EmbedField},
};
use serde::Deserialize;

/// The clocks of this machine and of Discord may differ by this.
const CLOCK_DIFFERENCE_MS_MAX: i64 = 60_000;
/// Discord's numbers of messages that somebody wrote: plain ones and replies. The others Discord writes, partly in the bot's name.
const WRITTEN: [u8; 2] = [0, 19];
/// Discord's number of a webhook that takes posts.
const INCOMING: u8 = 1;

/// By whom a thing must be to be ours.
#[derive(Debug, Clone)]
pub(super) struct Ours {
    /// The bot.
    pub(super) me: UserId,
    /// Its webhooks.
    pub(super) webhook_ids: Vec<WebhookId>,
}

impl Ours {
    /// Whether this account is the bot or one of its webhooks, which Discord shows as accounts.
    pub(super) fn is(&self, account: UserId) -> bool {
        account == self.me
            || self
                .webhook_ids
                .iter()
                .any(|webhook| webhook.get() == account.get())
    }
}

/// A thread that is looked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct WantedThread<'a> {
    pub(super) target: ChannelId,
    pub(super) name: &'a str,
    pub(super) since_ms: i64,
}

/// A webhook that may be ours.
#[derive(Debug)]
pub(super) struct NamedWebhook {
    pub(super) id: WebhookId,
    /// Who made it.
    pub(super) maker: Option<UserId>,
    pub(super) token: WebhookToken,
}

#[derive(Debug, Deserialize)]
struct AccountBody {
    id: UserId,
}

#[derive(Debug, Deserialize)]
struct MessageBody {
    id: MessageId,
    #[serde(default)]
    r#type: u8,
    author: AccountBody,
    /// Of a message that came through a webhook: the application that made the webhook.
    #[serde(default)]
    application_id: Option<UserId>,
    #[serde(default)]
    content: String,
    #[serde(default)]
    embeds: Vec<EmbedBody>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct EmbedBody {
    r#type: Option<String>,
    title: Option<String>,
    description: Option<String>,
    image: Option<ImageBody>,
    fields: Vec<EmbedField>,
}

#[derive(Debug, Deserialize)]
struct ImageBody {
    #[serde(default)]
    url: Option<String>,
}

#[derive(Debug, Deserialize)]
struct ThreadsBody {
    threads: Vec<ThreadBody>,
}

#[derive(Debug, Deserialize)]
struct ThreadBody {
    id: ThreadId,
    parent_id: Option<ChannelId>,
    owner_id: Option<UserId>,
    #[serde(default)]
    name: String,
}

#[derive(Debug, Deserialize)]
struct WebhookBody {
    id: WebhookId,
    r#type: u8,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    user: Option<AccountBody>,
    #[serde(default)]
    token: Option<String>,
}

/// A page of messages, `of_all` or only ours, and where the next page begins. Discord gives the page behind an id, newest first.
pub(super) fn messages(body: &[u8], ours: &Ours, of_all: bool) -> Option<Outcome> {
    let mut messages: Vec<MessageBody> = serde_json::from_slice(body).ok()?;
    messages.sort_unstable_by_key(|message| message.id);
    let next_after = messages
        .last()
        .filter(|_| messages.len() >= usize::from(PAGE))
        .map(|message| message.id.get());
    // Of all but the oldest bots the application has the bot's id: webhooks that are not known in this life are seen by it.
    let is_ours = |message: &MessageBody| {
        ours.is(message.author.id) || message.application_id == Some(ours.me)
    };
    let written = messages.into_iter().map(|message| {
        let is_ours = is_ours(&message) && WRITTEN.contains(&message.r#type);
        message.listed(is_ours)
    });
    Some(Outcome::Listed {
        unrecorded: written.filter(|it| of_all || it.is_ours).collect(),
        next_after,
    })
}

/// The threads of a list that may be the wanted one, oldest first, with whoever opened them.
pub(super) fn threads(body: &[u8], wanted: WantedThread<'_>) -> Option<Vec<(ThreadId, UserId)>> {
    let body: ThreadsBody = serde_json::from_slice(body).ok()?;
    let since_ms = wanted.since_ms.saturating_sub(CLOCK_DIFFERENCE_MS_MAX);
    let may_be = |thread: &ThreadBody| {
        thread.parent_id == Some(wanted.target)
            && thread.name.trim() == wanted.name.trim()
            && thread.id.created_at_ms() >= since_ms
    };
    let mut found: Vec<_> = body
        .threads
        .iter()
        .filter(|thread| may_be(thread))
        .filter_map(|thread| Some((thread.id, thread.owner_id?)))
        .collect();
    found.sort_unstable();
    Some(found)
}

/// The webhooks of a list that have our name and can be posted through, oldest first. People may use the name too.
pub(super) fn webhooks(body: &[u8]) -> Option<Vec<NamedWebhook>> {
    let bodies: Vec<WebhookBody> = serde_json::from_slice(body).ok()?;
    let mut named: Vec<_> = bodies.into_iter().filter_map(WebhookBody::named).collect();
    named.sort_unstable_by_key(|webhook| webhook.id);
    Some(named)
}

/// The webhook in the answer to its making.
pub(super) fn made_webhook(body: &[u8]) -> Option<NamedWebhook> {
    serde_json::from_slice::<WebhookBody>(body).ok()?.named()
}

impl WebhookBody {
    fn named(self) -> Option<NamedWebhook> {
        if self.r#type != INCOMING || self.name.as_deref() != Some(WEBHOOK_NAME) {
            return None;
        }
        Some(NamedWebhook {
            id: self.id,
            maker: self.user.map(|user| user.id),
            token: WebhookToken::new(self.token?)?,
        })
    }
}

impl MessageBody {
    fn listed(self, is_ours: bool) -> Listed {
        // Others are previews that Discord added.
        let rich = self
            .embeds
            .into_iter()
            .filter(|embed| embed.r#type.as_deref().is_none_or(|kind| kind == "rich"));
        let embeds: Vec<Embed> = rich.map(EmbedBody::embed).collect();
        Listed {
            message_id: self.id,
            identity: Identity::of(&self.content, &embeds),
            is_ours,
        }
    }
}

impl EmbedBody {
    fn embed(self) -> Embed {
        Embed {
            title: self.title,
            description: self.description,
            image_url: self.image.and_then(|image| image.url),
            fields: self.fields,
            ..Embed::default()
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use heliograph_schema::ids::DISCORD_EPOCH_MS;
    use serde_json::json;

    fn ours() -> Ours {
        Ours {
            me: UserId::new(9).unwrap(),
            webhook_ids: vec![WebhookId::new(70).unwrap()],
        }
    }

    #[test]
    fn a_list_is_ours_alone_and_oldest_first() {
        let body = json!([
            { "id": "10", "type": 18, "author": { "id": "9" }, "content": "the name of a thread" },
            { "id": "11", "author": { "id": "72" }, "webhook_id": "72", "application_id": "9", "content": "four" },
            { "id": "9", "author": { "id": "71" }, "webhook_id": "71", "application_id": null, "content": "another" },
            { "id": "8", "type": 0, "author": { "id": "70" }, "webhook_id": "70", "content": "three" },
            { "id": "7", "type": 19, "author": { "id": "9" }, "content": "two",
              "embeds": [{ "type": "rich", "title": "t" }, { "type": "link", "title": "preview" }] },
            { "id": "6", "author": { "id": "8" }, "content": "somebody else" },
            { "id": "5", "author": { "id": "9" }, "content": "one " },
        ]);
        let Some(Outcome::Listed {
            unrecorded,
            next_after,
        }) = messages(body.to_string().as_bytes(), &ours(), false)
        else {
            panic!("a list")
        };
        let titled = Embed {
            title: Some("t".into()),
            ..Embed::default()
        };
        let expected = [
            (5, Identity::of("one", &[])),
            (7, Identity::of("two", &[titled])),
            (8, Identity::of("three", &[])),
            (11, Identity::of("four", &[])),
        ];
        let found: Vec<_> = unrecorded
            .iter()
            .map(|it| (it.message_id.get(), it.identity))
            .collect();
        assert_eq!(found, expected);
        assert_eq!(next_after, None);
    }

    #[test]
    fn a_full_page_has_a_next_one_even_when_none_of_it_is_ours() {
        let page: Vec<_> = (1..=PAGE)
            .map(|id| json!({ "id": id.to_string(), "author": { "id": "8" } }))
            .collect();
        assert_eq!(
            messages(json!(page).to_string().as_bytes(), &ours(), false),
            Some(Outcome::Listed {
                unrecorded: vec![],
                next_after: Some(PAGE.into()),
            })
        );
        assert_eq!(messages(b"{}", &ours(), false), None);
    }

    #[test]
    fn a_thread_is_told_by_place_name_and_time() {
        let since_ms = DISCORD_EPOCH_MS + 10_000_000;
        let id_at = |at_ms: i64| ((at_ms - DISCORD_EPOCH_MS) << 22) + 1;
        let earliest = id_at(since_ms - CLOCK_DIFFERENCE_MS_MAX);
        let thread = |id: i64, parent: &str, name: &str| json!({ "id": id.to_string(), "parent_id": parent, "owner_id": "9", "name": name });
        let body = json!({ "threads": [
            thread(id_at(since_ms), "1", "talk "),
            thread(earliest, "1", "talk"),
            thread(earliest - 2, "1", "talk"),
            thread(earliest + 1, "2", "talk"),
            thread(earliest + 2, "1", "Talk"),
            json!({ "id": (earliest + 3).to_string(), "parent_id": "1", "name": "talk" }),
        ], "members": [] });
        let wanted = WantedThread {
            target: ChannelId::new(1).unwrap(),
            name: "talk",
            since_ms,
        };
        let found = threads(body.to_string().as_bytes(), wanted).unwrap();
        let ids: Vec<_> = found
            .iter()
            .map(|(thread, owner)| (thread.get(), owner.get()))
            .collect();
        assert_eq!(ids, [(earliest, 9), (id_at(since_ms), 9)]);
        assert_eq!(threads(b"[]", wanted), None);
    }

    #[test]
    fn a_webhook_of_ours_has_the_name_the_kind_and_a_token() {
        let webhook = |id: &str, kind: u8, name: &str, token: Option<&str>| json!({ "id": id, "type": kind, "name": name, "token": token, "user": { "id": "9" } });
        let body = json!([
            webhook("6", 1, WEBHOOK_NAME, Some("tok")),
            webhook("5", 1, WEBHOOK_NAME, Some("tok")),
            webhook("4", 1, WEBHOOK_NAME, None),
            webhook("3", 2, WEBHOOK_NAME, Some("tok")),
            webhook("2", 1, "heliograph", Some("tok")),
            webhook("1", 1, WEBHOOK_NAME, Some("../x")),
        ]);
        let named = webhooks(body.to_string().as_bytes()).unwrap();
        let ids: Vec<_> = named.iter().map(|it| (it.id.get(), it.maker)).collect();
        assert_eq!(ids, [(5, UserId::new(9)), (6, UserId::new(9))]);
        assert!(made_webhook(body[0].to_string().as_bytes()).is_some());
        assert!(made_webhook(body[2].to_string().as_bytes()).is_none());
        assert!(webhooks(b"{}").is_none());
    }
}
