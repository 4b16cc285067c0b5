//! The one HTTP request of a call: method, path and JSON. Pure; the only place that puts a webhook's token into a path, and
//! paths are never logged.

use super::learned::WebhookToken;
use crate::{
    exchange::{Call, Request},
    payload::PartPayload,
};
use heliograph_schema::ids::{ChannelId, GuildId, MessageId, ThreadId, WebhookId};
use serde_json::{Value, json};
use twilight_http::{
    request::{Request as Built, RequestBuilder},
    routing::Route,
};

/// The name of the webhooks that this program makes, and by which it knows them.
pub(super) const WEBHOOK_NAME: &str = "Heliograph";
/// Messages in one page of a channel, and threads in one of archived threads; Discord's most (documented).
pub(super) const PAGE: u16 = 100;
/// A thread without messages for so long is archived; Discord's most (documented).
const AUTO_ARCHIVE_MINUTES: u16 = 10_080;
/// Discord's number of a public thread.
const PUBLIC_THREAD: u8 = 11;

/// The webhook that carries the call out; `None`: the bot does.
pub(super) fn by_webhook(request: &Request) -> Option<WebhookId> {
    match request.call {
        Call::Create { .. } | Call::Edit { .. } | Call::Delete { .. } | Call::OpenPost { .. } => {
            request.at.webhook_id
        }
        Call::List { .. }
        | Call::Survey { .. }
        | Call::OpenThread { .. }
        | Call::FindThread { .. }
        | Call::Archive { .. }
        | Call::FindWebhook
        | Call::MakeWebhook => None,
    }
}

/// The request; by this webhook, or by the bot. `None`: there is no such request.
pub(super) fn build(
    request: &Request,
    webhook: Option<(WebhookId, &WebhookToken)>,
) -> Option<Built> {
    let built = match webhook {
        Some((webhook_id, token)) => {
            of_webhook(request, webhook_id, token)?.use_authorization_token(false)
        }
        None => of_bot(request)?,
    };
    built.build().ok()
}

fn of_bot(request: &Request) -> Option<RequestBuilder> {
    let target = number(request.target_channel_id.get());
    // A thread is a channel of its own.
    let channel_id = thread(request).unwrap_or(target);
    Some(match &request.call {
        Call::Create {
            payload,
            nonce,
            reply_to,
        } => Built::builder(&Route::CreateMessage { channel_id })
            .json(&create_json(payload, nonce, *reply_to)),
        Call::Edit {
            message_id,
            payload,
        } => Built::builder(&Route::UpdateMessage {
            channel_id,
            message_id: number(message_id.get()),
        })
        .json(&payload.to_json()),
        Call::Delete { message_id } => Built::builder(&Route::DeleteMessage {
            channel_id,
            message_id: number(message_id.get()),
        }),
        Call::List { after } | Call::Survey { after } => Built::builder(&Route::GetMessages {
            after: Some(number(*after)),
            around: None,
            before: None,
            channel_id,
            limit: Some(PAGE),
        }),
        Call::OpenThread { name, from } => open_thread(target, name, *from),
        Call::OpenPost { name, payload } => {
            Built::builder(&Route::CreateForumThread { channel_id: target }).json(&json!({
                "name": name,
                "auto_archive_duration": AUTO_ARCHIVE_MINUTES,
                "message": payload.to_json(),
            }))
        }
        Call::Archive { archived } => Built::builder(&Route::UpdateChannel {
            channel_id: thread(request)?,
        })
        .json(&json!({ "archived": archived })),
        Call::FindWebhook => Built::builder(&Route::GetChannelWebhooks { channel_id: target }),
        Call::MakeWebhook => Built::builder(&Route::CreateWebhook { channel_id: target })
            .json(&json!({ "name": WEBHOOK_NAME })),
        // Takes several.
        Call::FindThread { .. } => return None,
    })
}

fn of_webhook(
    request: &Request,
    webhook_id: WebhookId,
    token: &WebhookToken,
) -> Option<RequestBuilder> {
    let (webhook_id, token) = (number(webhook_id.get()), token.reveal());
    let execute = |thread_id| Route::ExecuteWebhook {
        thread_id,
        token,
        wait: Some(true),
        with_components: None,
        webhook_id,
    };
    let thread_id = thread(request);
    Some(match &request.call {
        Call::Create { payload, .. } => {
            Built::builder(&execute(thread_id)).json(&spoken_json(payload))
        }
        Call::Edit {
            message_id,
            payload,
        } => Built::builder(&Route::UpdateWebhookMessage {
            message_id: number(message_id.get()),
            thread_id,
            token,
            webhook_id,
        })
        .json(&payload.to_json()),
        Call::Delete { message_id } => Built::builder(&Route::DeleteWebhookMessage {
            message_id: number(message_id.get()),
            thread_id,
            token,
            webhook_id,
        }),
        Call::OpenPost { name, payload } => {
            let mut body = spoken_json(payload);
            body["thread_name"] = json!(name);
            Built::builder(&execute(None)).json(&body)
        }
        _ => return None,
    })
}

fn open_thread(channel_id: u64, name: &str, from: Option<MessageId>) -> RequestBuilder {
    let mut body = json!({ "name": name, "auto_archive_duration": AUTO_ARCHIVE_MINUTES });
    match from {
        Some(message_id) => Built::builder(&Route::CreateThreadFromMessage {
            channel_id,
            message_id: number(message_id.get()),
        }),
        None => {
            body["type"] = json!(PUBLIC_THREAD);
            Built::builder(&Route::CreateThread { channel_id })
        }
    }
    .json(&body)
}

/// "Who am I".
pub(super) fn own_account() -> Built {
    Built::from_route(&Route::GetCurrentUser)
}

/// What says in which guild a channel is.
pub(super) fn channel(target: ChannelId) -> Built {
    Built::from_route(&Route::GetChannel {
        channel_id: number(target.get()),
    })
}

/// All threads of a guild that are not archived; Discord gives them at once.
pub(super) fn active_threads(guild_id: GuildId) -> Built {
    Built::from_route(&Route::GetActiveThreads {
        guild_id: number(guild_id.get()),
    })
}

/// The threads of a channel that were archived last.
pub(super) fn archived_threads(target: ChannelId) -> Built {
    Built::from_route(&Route::GetPublicArchivedThreads {
        before: None,
        channel_id: number(target.get()),
        limit: Some(u64::from(PAGE)),
    })
}

/// A reply never pings whom it answers.
fn create_json(payload: &PartPayload, nonce: &str, reply_to: Option<MessageId>) -> Value {
    let mut body = payload.to_create_json(nonce);
    if let Some(message_id) = reply_to {
        body["message_reference"] =
            json!({ "message_id": message_id, "fail_if_not_exists": false });
        body["allowed_mentions"]["replied_user"] = json!(false);
    }
    body
}

/// What a webhook posts, under the name and picture of whom it speaks for. An edit cannot change either.
fn spoken_json(payload: &PartPayload) -> Value {
    let mut body = payload.to_json();
    if let Some(author) = &payload.author {
        body["username"] = json!(author.name);
        if let Some(url) = &author.avatar_url {
            body["avatar_url"] = json!(url);
        }
    }
    body
}

fn thread(request: &Request) -> Option<u64> {
    request.at.thread_id.map(ThreadId::get).map(number)
}

/// Ids are positive.
const fn number(id: i64) -> u64 {
    id.unsigned_abs()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::payload::PartAuthor;
    use heliograph_schema::delivery::Address;
    use twilight_http::request::Method;

    const TOKEN: &str = "tok-1";

    fn at(thread: i64, webhook: i64) -> Address {
        Address {
            thread_id: ThreadId::new(thread),
            webhook_id: WebhookId::new(webhook),
        }
    }

    fn payload() -> PartPayload {
        PartPayload {
            content: "BUY".into(),
            ..PartPayload::default()
        }
    }

    fn create(reply_to: i64) -> Call {
        Call::Create {
            payload: payload(),
            nonce: "n".into(),
            reply_to: MessageId::new(reply_to),
        }
    }

    fn edit() -> Call {
        Call::Edit {
            message_id: MessageId::new(5).unwrap(),
            payload: payload(),
        }
    }

    fn delete() -> Call {
        Call::Delete {
            message_id: MessageId::new(5).unwrap(),
        }
    }

    fn open(from: i64) -> Call {
        Call::OpenThread {
            name: "talk".into(),
            from: MessageId::new(from),
        }
    }

    fn post() -> Call {
        Call::OpenPost {
            name: "talk".into(),
            payload: payload(),
        }
    }

    /// The request of this call in channel 1, and whether the bot signs it.
    fn built(at: Address, call: Call) -> Option<(Method, String, Option<Value>, bool)> {
        let request = Request {
            request_id: 1,
            target_channel_id: ChannelId::new(1).unwrap(),
            at,
            call,
        };
        let token = WebhookToken::new(TOKEN.to_owned()).unwrap();
        let built = build(&request, by_webhook(&request).map(|id| (id, &token)))?;
        let body = built
            .body()
            .map(|body| serde_json::from_slice(body).unwrap());
        let path = built.path().to_owned();
        Some((built.method(), path, body, built.use_authorization_token()))
    }

    fn shown() -> Value {
        json!({ "content": "BUY", "embeds": [], "allowed_mentions": { "parse": [] } })
    }

    fn with(more: &Value) -> Value {
        let mut body = shown();
        for (key, value) in more.as_object().unwrap() {
            body[key] = value.clone();
        }
        body
    }

    #[test]
    fn every_call_is_this_request_of_the_bot() {
        let once = json!({ "nonce": "n", "enforce_nonce": true });
        let reply = json!({
            "nonce": "n", "enforce_nonce": true,
            "message_reference": { "message_id": "4", "fail_if_not_exists": false },
            "allowed_mentions": { "parse": [], "replied_user": false },
        });
        let thread = json!({ "name": "talk", "auto_archive_duration": 10_080 });
        let public = json!({ "name": "talk", "auto_archive_duration": 10_080, "type": 11 });
        let forum = json!({ "name": "talk", "auto_archive_duration": 10_080, "message": shown() });
        let (post_, patch, delete_, get) =
            (Method::Post, Method::Patch, Method::Delete, Method::Get);
        let in_thread = || at(8, 0);
        let table = [
            (
                at(0, 0),
                create(0),
                post_,
                "channels/1/messages",
                Some(with(&once)),
            ),
            (
                in_thread(),
                create(0),
                post_,
                "channels/8/messages",
                Some(with(&once)),
            ),
            (
                in_thread(),
                create(4),
                post_,
                "channels/8/messages",
                Some(with(&reply)),
            ),
            (
                at(0, 0),
                edit(),
                patch,
                "channels/1/messages/5",
                Some(shown()),
            ),
            (
                in_thread(),
                edit(),
                patch,
                "channels/8/messages/5",
                Some(shown()),
            ),
            (
                in_thread(),
                delete(),
                delete_,
                "channels/8/messages/5",
                None,
            ),
            (
                in_thread(),
                Call::List { after: 3 },
                get,
                "channels/8/messages?after=3&limit=100",
                None,
            ),
            (
                in_thread(),
                Call::Survey { after: 3 },
                get,
                "channels/8/messages?after=3&limit=100",
                None,
            ),
            (
                at(8, 7),
                Call::List { after: 3 },
                get,
                "channels/8/messages?after=3&limit=100",
                None,
            ),
            (
                at(0, 7),
                open(6),
                post_,
                "channels/1/messages/6/threads",
                Some(thread),
            ),
            (at(0, 0), open(0), post_, "channels/1/threads", Some(public)),
            (at(0, 0), post(), post_, "channels/1/threads", Some(forum)),
            (
                at(8, 7),
                Call::Archive { archived: true },
                patch,
                "channels/8",
                Some(json!({ "archived": true })),
            ),
            (
                at(0, 0),
                Call::FindWebhook,
                get,
                "channels/1/webhooks",
                None,
            ),
            (
                at(0, 0),
                Call::MakeWebhook,
                post_,
                "channels/1/webhooks",
                Some(json!({ "name": "Heliograph" })),
            ),
        ];
        for (at, call, method, path, body) in table {
            let said = format!("{call:?} {at:?}");
            assert_eq!(
                built(at, call),
                Some((method, path.to_owned(), body, true)),
                "{said}"
            );
        }
    }

    #[test]
    fn a_webhook_posts_edits_and_deletes_by_its_token_alone() {
        let (post_, patch, delete_) = (Method::Post, Method::Patch, Method::Delete);
        let (here, inside) = (at(0, 7), at(8, 7));
        let named = with(&json!({ "thread_name": "talk" }));
        let table = [
            (
                here,
                create(4),
                post_,
                "webhooks/7/tok-1?wait=true",
                Some(shown()),
            ),
            (
                inside,
                create(0),
                post_,
                "webhooks/7/tok-1?thread_id=8&wait=true",
                Some(shown()),
            ),
            (
                here,
                edit(),
                patch,
                "webhooks/7/tok-1/messages/5",
                Some(shown()),
            ),
            (
                inside,
                edit(),
                patch,
                "webhooks/7/tok-1/messages/5?thread_id=8",
                Some(shown()),
            ),
            (here, delete(), delete_, "webhooks/7/tok-1/messages/5", None),
            (
                inside,
                delete(),
                delete_,
                "webhooks/7/tok-1/messages/5?thread_id=8",
                None,
            ),
            (
                here,
                post(),
                post_,
                "webhooks/7/tok-1?wait=true",
                Some(named),
            ),
        ];
        for (at, call, method, path, body) in table {
            let said = format!("{call:?} {at:?}");
            assert_eq!(
                built(at, call),
                Some((method, path.to_owned(), body, false)),
                "{said}"
            );
        }
    }

    #[test]
    fn a_webhook_speaks_for_an_author_and_the_bot_for_nobody() {
        let by = |avatar_url: Option<&str>| PartPayload {
            author: Some(PartAuthor {
                name: "Ada".into(),
                avatar_url: avatar_url.map(str::to_owned),
            }),
            ..payload()
        };
        let says = |at, payload: PartPayload| {
            let call = Call::Create {
                payload,
                nonce: "n".into(),
                reply_to: None,
            };
            built(at, call).unwrap().2.unwrap()
        };
        assert_eq!(
            says(at(0, 7), by(Some("https://x/a.png"))),
            with(&json!({ "username": "Ada", "avatar_url": "https://x/a.png" }))
        );
        assert_eq!(
            says(at(0, 7), by(None)),
            with(&json!({ "username": "Ada" }))
        );
        assert_eq!(says(at(0, 0), by(None)), says(at(0, 0), payload()));
        let edit = Call::Edit {
            message_id: MessageId::new(5).unwrap(),
            payload: by(None),
        };
        assert_eq!(built(at(0, 7), edit).unwrap().2, Some(shown()));
    }

    #[test]
    fn without_a_thread_there_is_nothing_to_archive() {
        assert_eq!(built(at(0, 0), Call::Archive { archived: true }), None);
    }

    #[test]
    fn lists_are_asked_for_where_they_are() {
        let channel_id = ChannelId::new(1).unwrap();
        let paths = [
            (own_account(), "users/@me"),
            (channel(channel_id), "channels/1"),
            (
                active_threads(GuildId::new(2).unwrap()),
                "guilds/2/threads/active",
            ),
            (
                archived_threads(channel_id),
                "channels/1/threads/archived/public?limit=100",
            ),
        ];
        for (built, path) in paths {
            assert_eq!((built.method(), built.path()), (Method::Get, path));
        }
    }
}
