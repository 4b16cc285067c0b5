//! The way to Discord against the fake Discord over real HTTP: every call, in channels, threads and forums, by the bot and by a
//! webhook, and what is known after an answer was lost.
#![allow(clippy::unwrap_used)]

use fake_discord::{
    Bot, Channel, Control, DEFAULT_BOT_TOKEN, FakeDiscord, Fault, FaultRule, Guild, Id, Limits,
    RequestLine, RouteKind, Settings, When,
};
use heliograph_actors::{
    discord::{Discord, DiscordSettings},
    exchange::{Answer, Call, Outcome, Request, WEBHOOK_TOKEN_UNKNOWN},
    payload::{Identity, PartAuthor, PartPayload},
};
use heliograph_schema::{
    delivery::Address,
    ids::{ChannelId, MessageId, ThreadId, WebhookId},
};
use std::time::Duration;

const GUILD: u64 = 1;
const TEXT: u64 = 900;
const FORUM: u64 = 901;
const BOT: Id = Id(900_000_000_000_000_001);
const OTHER_BOT: Id = Id(77);
const PERSON: Id = Id(700);
const NOON_MS: u64 = 1_800_000_000_000;

struct Stage {
    fake: FakeDiscord,
    discord: Discord,
}

/// A way that has learned nothing yet.
fn way_to(fake: &FakeDiscord) -> Discord {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let settings = DiscordSettings {
        base_url: fake.base_url(),
        bot_token: DEFAULT_BOT_TOKEN.to_owned(),
        request_timeout: Duration::from_secs(30),
        version: "0".to_owned(),
    };
    Discord::new(reqwest::Client::new(), &settings).unwrap()
}

impl Stage {
    /// One guild with a text channel and a forum, no limits, a clock that stands at noon.
    fn new() -> Self {
        Self::with_limits(Limits::off())
    }

    fn with_limits(limits: Limits) -> Self {
        let forum = Channel {
            kind: 15,
            ..Channel::text(FORUM, GUILD)
        };
        let mut settings = Settings {
            guilds: vec![Guild::new(GUILD, vec![], vec![])],
            channels: vec![Channel::text(TEXT, GUILD), forum],
            limits,
            manual_clock_at_ms: Some(NOON_MS),
            ..Settings::default()
        };
        settings.bots.push(Bot::new("other", OTHER_BOT.0));
        let fake = FakeDiscord::start(settings).unwrap();
        Self {
            discord: way_to(&fake),
            fake,
        }
    }

    fn control(&self) -> Control {
        self.fake.control()
    }

    async fn answer(&self, target: u64, at: Address, call: Call) -> Answer {
        self.discord.carry_out(&request(target, at, call)).await
    }

    async fn ask(&self, target: u64, at: Address, call: Call) -> Outcome {
        self.answer(target, at, call).await.outcome
    }

    async fn posted(&self, target: u64, at: Address, content: &str) -> MessageId {
        match self.ask(target, at, create(content, None)).await {
            Outcome::Posted { message_id } => message_id,
            other => panic!("{other:?}"),
        }
    }

    async fn opened(&self, target: u64, at: Address, call: Call) -> ThreadId {
        match self.ask(target, at, call).await {
            Outcome::Opened { thread_id } => thread_id,
            other => panic!("{other:?}"),
        }
    }

    async fn found(&self, target: u64, at: Address, name: &str, since_ms: u64) -> Option<ThreadId> {
        let call = Call::FindThread {
            name: name.to_owned(),
            since_ms: since_ms.cast_signed(),
        };
        match self.ask(target, at, call).await {
            Outcome::Found { thread_id } => thread_id,
            other => panic!("{other:?}"),
        }
    }

    async fn webhook(&self, target: u64, call: Call) -> Option<WebhookId> {
        match self.ask(target, Address::default(), call).await {
            Outcome::Webhook { webhook_id } => webhook_id,
            other => panic!("{other:?}"),
        }
    }

    /// Makes one and gives the address of what it posts in the channel.
    async fn by_webhook(&self, target: u64) -> Address {
        let webhook_id = self.webhook(target, Call::MakeWebhook).await;
        assert!(webhook_id.is_some());
        Address {
            thread_id: None,
            webhook_id,
        }
    }

    /// What is listed of ours, as identities.
    async fn listed(&self, target: u64, at: Address) -> Vec<Identity> {
        match self.ask(target, at, Call::List { after: 1 }).await {
            Outcome::Listed { unrecorded, .. } => unrecorded.iter().map(|it| it.identity).collect(),
            other => panic!("{other:?}"),
        }
    }

    fn contents(&self, channel: Id) -> Vec<String> {
        let messages = self.control().live_messages(channel);
        messages
            .into_iter()
            .map(|message| message.content)
            .collect()
    }

    /// The next request of this kind is carried out and not answered.
    fn lose_the_answer(&self, route: RouteKind) {
        let once = When::Next { count: 1, skip: 0 };
        self.control()
            .add_fault(FaultRule::new(once, Fault::CommitThenDrop).on(route));
    }

    /// The kinds of requests since then.
    fn requests_since(&self, number: u64) -> Vec<RouteKind> {
        let lines = self.control().requests(number);
        lines.iter().filter_map(|line| line.route).collect()
    }

    fn last_request(&self) -> RequestLine {
        self.control().requests(0).pop().unwrap()
    }
}

fn request(target: u64, at: Address, call: Call) -> Request {
    Request {
        request_id: 1,
        target_channel_id: ChannelId::new(target.cast_signed()).unwrap(),
        at,
        call,
    }
}

fn payload(content: &str) -> PartPayload {
    PartPayload {
        content: content.to_owned(),
        ..PartPayload::default()
    }
}

fn create(content: &str, reply_to: Option<MessageId>) -> Call {
    Call::Create {
        payload: payload(content),
        nonce: format!("n{content}"),
        reply_to,
    }
}

fn edit(message_id: MessageId, content: &str) -> Call {
    Call::Edit {
        message_id,
        payload: payload(content),
    }
}

fn open(name: &str, from: Option<MessageId>) -> Call {
    Call::OpenThread {
        name: name.to_owned(),
        from,
    }
}

fn post(name: &str, content: &str) -> Call {
    Call::OpenPost {
        name: name.to_owned(),
        payload: payload(content),
    }
}

fn inside(thread_id: ThreadId, at: Address) -> Address {
    Address {
        thread_id: Some(thread_id),
        ..at
    }
}

fn bot() -> Address {
    Address::default()
}

fn id(number: i64) -> Id {
    Id(number.cast_unsigned())
}

fn identity(content: &str) -> Identity {
    Identity::of(content, &[])
}

#[track_caller]
fn refused(outcome: Outcome, status: u16, code: u64) {
    let expected = (status, code);
    match outcome {
        Outcome::Rejected { status, code, .. } => assert_eq!((status, code), expected),
        other => panic!("{other:?} instead of {expected:?}"),
    }
}

#[track_caller]
fn lost(outcome: &Outcome) {
    assert!(matches!(outcome, Outcome::Ambiguous { .. }), "{outcome:?}");
}

#[tokio::test]
async fn the_bot_posts_edits_lists_and_deletes_in_a_thread_as_in_a_channel() {
    let stage = Stage::new();
    let thread = stage.opened(TEXT, bot(), open("talk", None)).await;
    for (at, channel) in [(bot(), Id(TEXT)), (inside(thread, bot()), id(thread.get()))] {
        let message = stage.posted(TEXT, at, "one").await;
        assert_eq!(
            stage.ask(TEXT, at, edit(message, "two")).await,
            Outcome::Edited
        );
        stage
            .control()
            .post_as(channel, PERSON, "somebody", "theirs");
        assert_eq!(
            stage.listed(TEXT, at).await,
            [identity("two")],
            "the note of the thread is none"
        );
        let delete = Call::Delete {
            message_id: message,
        };
        assert_eq!(stage.ask(TEXT, at, delete.clone()).await, Outcome::Deleted);
        refused(stage.ask(TEXT, at, delete).await, 404, 10_008);
        refused(stage.ask(TEXT, at, edit(message, "x")).await, 404, 10_008);
        assert!(!stage.contents(channel).contains(&"two".to_owned()));
    }
    assert_eq!(stage.control().stats().pings, 0);
}

#[tokio::test]
async fn a_reply_stands_under_its_message_pings_nobody_and_survives_its_loss() {
    let stage = Stage::new();
    let question = stage
        .control()
        .post_as(Id(TEXT), PERSON, "somebody", "question");
    let to = MessageId::new(question.0.cast_signed());
    assert!(matches!(
        stage.ask(TEXT, bot(), create("answer", to)).await,
        Outcome::Posted { .. }
    ));
    stage.control().delete_message(Id(TEXT), question);
    assert!(matches!(
        stage.ask(TEXT, bot(), create("late", to)).await,
        Outcome::Posted { .. }
    ));
    let replies: Vec<_> = stage
        .control()
        .live_messages(Id(TEXT))
        .into_iter()
        .map(|message| (message.content, message.reply_to.map(|to| to.message_id)))
        .collect();
    let expected = [
        ("answer".to_owned(), Some(question)),
        ("late".to_owned(), None),
    ];
    assert_eq!(replies, expected);
    assert_eq!(
        stage.listed(TEXT, bot()).await,
        [identity("answer"), identity("late")]
    );
    assert_eq!(stage.control().stats().pings, 0);
}

#[tokio::test]
async fn a_thread_from_a_message_is_opened_once_whatever_is_lost() {
    let stage = Stage::new();
    let message = stage.posted(TEXT, bot(), "start").await;
    stage.lose_the_answer(RouteKind::ThreadFromMessage);
    lost(&stage.ask(TEXT, bot(), open("talk", Some(message))).await);
    let thread = stage.opened(TEXT, bot(), open("talk", Some(message))).await;
    assert_eq!(thread.get(), message.get());
    assert_eq!(stage.last_request().status, 400, "160004 is an answer");
    let threads = stage.control().threads(Id(TEXT));
    assert_eq!(threads.len(), 1);
    assert_eq!(
        (threads[0].kind, threads[0].auto_archive_minutes),
        (11, Some(10_080))
    );
    let gone = MessageId::new(5);
    refused(
        stage.ask(TEXT, bot(), open("talk", gone)).await,
        404,
        10_008,
    );
}

#[tokio::test]
async fn a_thread_whose_answer_was_lost_is_found_again_archived_or_not() {
    let stage = Stage::new();
    assert_eq!(stage.found(TEXT, bot(), "talk", NOON_MS).await, None);
    stage.lose_the_answer(RouteKind::ThreadCreate);
    lost(&stage.ask(TEXT, bot(), open("talk", None)).await);
    let thread = stage.control().threads(Id(TEXT)).remove(0).id;
    let is_it = |found: Option<ThreadId>| found.is_some_and(|found| id(found.get()) == thread);
    assert!(is_it(stage.found(TEXT, bot(), "talk", NOON_MS).await));
    assert!(
        is_it(stage.found(TEXT, bot(), "talk", NOON_MS + 60_000).await),
        "clocks differ"
    );
    assert_eq!(
        stage.found(TEXT, bot(), "talk", NOON_MS + 60_001).await,
        None,
        "an older one"
    );
    assert_eq!(stage.found(TEXT, bot(), "other", NOON_MS).await, None);
    assert_eq!(stage.found(FORUM, bot(), "talk", NOON_MS).await, None);
    stage.control().set_thread(thread, true, false);
    assert!(is_it(stage.found(TEXT, bot(), "talk", NOON_MS).await));
    let foreign = Channel {
        owner_id: Some(OTHER_BOT),
        ..stage.control().channel(thread).unwrap()
    };
    stage.control().put_channel(foreign);
    assert_eq!(
        stage.found(TEXT, bot(), "talk", NOON_MS).await,
        None,
        "by somebody else"
    );
}

#[tokio::test]
async fn finding_a_thread_takes_no_more_requests_than_promised() {
    use RouteKind::{ChannelGet, CurrentUser, GuildThreadsActive, ThreadsArchivedPublic};
    let stage = Stage::new();
    let thread = stage.opened(TEXT, bot(), open("talk", None)).await;
    let mut before = stage.last_request().number;
    let mut asked = || {
        let asked = stage.requests_since(before);
        before = stage.last_request().number;
        asked
    };
    stage.found(TEXT, bot(), "other", NOON_MS).await;
    assert_eq!(
        asked(),
        [ChannelGet, GuildThreadsActive, ThreadsArchivedPublic]
    );
    stage.found(TEXT, bot(), "talk", NOON_MS).await;
    assert_eq!(asked(), [GuildThreadsActive, CurrentUser]);
    stage.control().set_thread(id(thread.get()), true, false);
    stage.found(TEXT, bot(), "talk", NOON_MS).await;
    assert_eq!(
        asked(),
        [GuildThreadsActive, ThreadsArchivedPublic],
        "the rest is known"
    );
}

#[tokio::test]
async fn what_stands_in_the_way_of_finding_a_thread_is_the_answer() {
    let stage = Stage::new();
    let find = || Call::FindThread {
        name: "talk".to_owned(),
        since_ms: NOON_MS.cast_signed(),
    };
    refused(stage.ask(5, bot(), find()).await, 404, 10_003);
    let once = || When::Next { count: 1, skip: 0 };
    let broken = FaultRule::new(once(), Fault::TruncatedJson).on(RouteKind::GuildThreadsActive);
    stage.control().add_fault(broken);
    lost(&stage.ask(TEXT, bot(), find()).await);
    let limited = Fault::RateLimited {
        kind: fake_discord::RefusalKind::Bucket,
        retry_after_ms: 1_500,
        code: None,
    };
    stage
        .control()
        .add_fault(FaultRule::new(once(), limited).on(RouteKind::ThreadsArchivedPublic));
    let outcome = stage.ask(TEXT, bot(), find()).await;
    assert!(
        matches!(outcome, Outcome::RateLimited { .. }),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn a_post_is_opened_with_its_message_and_found_when_the_answer_was_lost() {
    let stage = Stage::new();
    refused(
        stage.ask(FORUM, bot(), create("x", None)).await,
        400,
        50_008,
    );
    let by_webhook = stage.by_webhook(FORUM).await;
    for (at, route) in [
        (bot(), RouteKind::ThreadCreate),
        (by_webhook, RouteKind::WebhookExecute),
    ] {
        let (kept, gone) = (format!("kept {route:?}"), format!("gone {route:?}"));
        let thread = stage.opened(FORUM, at, post(&kept, "first")).await;
        let first = MessageId::new(thread.get()).unwrap();
        let there = inside(thread, at);
        assert_eq!(
            stage.ask(FORUM, there, edit(first, "edited")).await,
            Outcome::Edited
        );
        assert_eq!(stage.contents(id(thread.get())), ["edited"]);
        assert_eq!(stage.listed(FORUM, there).await, [identity("edited")]);

        stage.lose_the_answer(route);
        lost(&stage.ask(FORUM, at, post(&gone, "second")).await);
        let thread = stage.found(FORUM, at, &gone, NOON_MS).await.unwrap();
        assert_eq!(stage.contents(id(thread.get())), ["second"]);
        assert_eq!(
            stage.listed(FORUM, inside(thread, at)).await,
            [identity("second")]
        );
    }
    let names: Vec<_> = stage
        .control()
        .threads(Id(FORUM))
        .into_iter()
        .map(|it| it.name)
        .collect();
    assert_eq!(names.len(), 4, "{names:?}");
    assert_eq!(stage.control().stats().pings, 0);
}

#[tokio::test]
async fn a_thread_is_archived_and_opened_again_and_locked_is_an_answer() {
    let stage = Stage::new();
    let thread = stage.opened(TEXT, bot(), open("talk", None)).await;
    let (at, channel) = (inside(thread, bot()), id(thread.get()));
    let message = stage.posted(TEXT, at, "in").await;
    let is_archived = || stage.control().channel(channel).unwrap().archived;
    let archive = |archived| Call::Archive { archived };
    assert_eq!(stage.ask(TEXT, at, archive(true)).await, Outcome::Archived);
    assert!(is_archived());
    refused(stage.ask(TEXT, at, edit(message, "x")).await, 400, 50_083);
    assert_eq!(stage.ask(TEXT, at, archive(false)).await, Outcome::Archived);
    assert!(!is_archived());
    assert_eq!(stage.ask(TEXT, at, archive(true)).await, Outcome::Archived);
    stage.posted(TEXT, at, "wake").await;
    assert!(!is_archived());
    stage.control().set_thread(channel, false, true);
    refused(stage.ask(TEXT, at, create("x", None)).await, 400, 160_005);
    assert_eq!(stage.ask(TEXT, at, archive(true)).await, Outcome::Archived);
    assert!(
        stage.control().channel(channel).unwrap().locked,
        "left as it was"
    );
    stage.control().remove_channel(channel);
    for call in [archive(true), create("x", None), edit(message, "x")] {
        refused(stage.ask(TEXT, at, call).await, 404, 10_003);
    }
}

#[tokio::test]
async fn a_webhook_posts_edits_lists_and_deletes_in_channel_and_thread() {
    let stage = Stage::new();
    let webhook = stage.by_webhook(TEXT).await;
    let thread = stage.opened(TEXT, bot(), open("talk", None)).await;
    for (at, channel) in [
        (webhook, Id(TEXT)),
        (inside(thread, webhook), id(thread.get())),
    ] {
        let message = stage.posted(TEXT, at, "one @everyone").await;
        assert_eq!(
            stage.ask(TEXT, at, edit(message, "two @here")).await,
            Outcome::Edited
        );
        let known = stage.control().live_messages(channel).pop().unwrap();
        let by = known.webhook_id.map(|id| id.0.cast_signed());
        assert_eq!(by, at.webhook_id.map(WebhookId::get));
        assert_eq!(stage.listed(TEXT, at).await, [identity("two @here")]);
        let message_id = message;
        assert_eq!(
            stage.ask(TEXT, at, Call::Delete { message_id }).await,
            Outcome::Deleted
        );
        refused(
            stage.ask(TEXT, at, Call::Delete { message_id }).await,
            404,
            10_008,
        );
        assert!(!stage.contents(channel).contains(&"two @here".to_owned()));
    }
    assert_eq!(stage.control().stats().pings, 0);
}

#[tokio::test]
async fn a_webhook_is_found_again_and_nobody_elses_is_taken() {
    let mut stage = Stage::new();
    let control = stage.control();
    control.put_webhook(Id(TEXT), PERSON, "Heliograph");
    control.put_webhook(Id(TEXT), OTHER_BOT, "Heliograph");
    control.put_webhook(Id(TEXT), BOT, "another");
    assert_eq!(stage.webhook(TEXT, Call::FindWebhook).await, None);
    stage.lose_the_answer(RouteKind::WebhookCreate);
    lost(&stage.ask(TEXT, bot(), Call::MakeWebhook).await);
    let found = stage.webhook(TEXT, Call::FindWebhook).await;
    let at = Address {
        thread_id: None,
        webhook_id: found,
    };
    stage.posted(TEXT, at, "one").await;

    // A new life of the process knows the webhook's id from the tables, and its token from nobody.
    stage.discord = way_to(&stage.fake);
    let before = stage.last_request().number;
    let unsent = Outcome::Unreachable {
        reason: WEBHOOK_TOKEN_UNKNOWN.to_owned(),
    };
    assert_eq!(stage.ask(TEXT, at, create("two", None)).await, unsent);
    assert!(stage.requests_since(before).is_empty());
    assert_eq!(
        stage.listed(TEXT, bot()).await,
        [identity("one")],
        "it is seen all the same"
    );
    assert_eq!(stage.webhook(TEXT, Call::FindWebhook).await, found);
    stage.posted(TEXT, at, "two").await;
    assert_eq!(stage.contents(Id(TEXT)), ["one", "two"]);
}

#[tokio::test]
async fn a_webhook_shows_whom_it_speaks_for_and_keeps_it_when_edited() {
    let stage = Stage::new();
    let at = stage.by_webhook(TEXT).await;
    let spoken = |content: &str| PartPayload {
        author: Some(PartAuthor {
            name: "Ada".to_owned(),
            avatar_url: Some("https://cdn.example/ada.png".to_owned()),
        }),
        ..payload(content)
    };
    let call = Call::Create {
        payload: spoken("one"),
        nonce: String::new(),
        reply_to: None,
    };
    let Outcome::Posted { message_id } = stage.ask(TEXT, at, call).await else {
        panic!("it is posted")
    };
    let call = Call::Edit {
        message_id,
        payload: spoken("two"),
    };
    assert_eq!(stage.ask(TEXT, at, call).await, Outcome::Edited);
    let shown = stage.control().live_messages(Id(TEXT)).remove(0);
    assert_eq!(
        (shown.content.as_str(), shown.author_name.as_str()),
        ("two", "Ada")
    );
    assert_eq!(
        shown.avatar_url.as_deref(),
        Some("https://cdn.example/ada.png")
    );
}

#[tokio::test]
async fn a_webhook_that_is_gone_is_forgotten() {
    let stage = Stage::new();
    let at = stage.by_webhook(TEXT).await;
    let webhook = at.webhook_id.unwrap();
    stage.control().remove_webhook(id(webhook.get()));
    refused(stage.ask(TEXT, at, create("x", None)).await, 404, 10_015);
    let said = stage.ask(TEXT, at, create("x", None)).await;
    assert!(matches!(said, Outcome::Unreachable { .. }), "{said:?}");
    assert_eq!(stage.webhook(TEXT, Call::FindWebhook).await, None);
    let again = stage.by_webhook(TEXT).await;
    stage.posted(TEXT, again, "x").await;
}

#[tokio::test]
async fn a_token_that_is_not_taken_costs_the_webhook_and_not_the_bot() {
    let stage = Stage::new();
    let at = stage.by_webhook(TEXT).await;
    let wrong = Fault::Error {
        status: 401,
        code: 50_027,
        message: "Invalid Webhook Token".to_owned(),
    };
    let once = When::Next { count: 1, skip: 0 };
    stage
        .control()
        .add_fault(FaultRule::new(once, wrong).on(RouteKind::WebhookExecute));
    refused(stage.ask(TEXT, at, create("x", None)).await, 401, 50_027);
    let said = stage.ask(TEXT, at, create("x", None)).await;
    assert!(matches!(said, Outcome::Unreachable { .. }), "{said:?}");
    assert_eq!(stage.webhook(TEXT, Call::FindWebhook).await, at.webhook_id);
    stage.posted(TEXT, at, "x").await;
}

#[tokio::test]
async fn webhooks_that_cannot_be_made_say_why() {
    let stage = Stage::new();
    let thread = stage.opened(TEXT, bot(), open("talk", None)).await;
    let target = thread.get().cast_unsigned();
    refused(
        stage.ask(target, bot(), Call::MakeWebhook).await,
        400,
        50_024,
    );
    for _ in 0..15 {
        stage.control().put_webhook(Id(TEXT), PERSON, "theirs");
    }
    refused(stage.ask(TEXT, bot(), Call::MakeWebhook).await, 400, 30_007);
}

#[tokio::test]
async fn no_answer_and_no_description_ever_shows_a_webhooks_token() {
    let stage = Stage::new();
    let at = stage.by_webhook(TEXT).await;
    let mut said = vec![format!("{:?}", stage.discord)];
    for fault in [
        Fault::CommitThenDrop,
        Fault::DropBefore,
        Fault::Reset { commit: false },
        Fault::TruncatedJson,
        Fault::CutBody,
        Fault::Unauthorized,
    ] {
        let once = When::Next { count: 1, skip: 0 };
        stage
            .control()
            .add_fault(FaultRule::new(once, fault).on(RouteKind::WebhookExecute));
        said.push(format!(
            "{:?}",
            stage.answer(TEXT, at, create("x", None)).await
        ));
    }
    let token_is_known = stage.ask(TEXT, at, create("y", None)).await;
    assert!(
        matches!(token_is_known, Outcome::Posted { .. }),
        "{token_is_known:?}"
    );
    let Stage { fake, discord } = stage;
    drop(fake);
    let request = request(TEXT, at, create("z", None));
    said.push(format!("{:?}", discord.carry_out(&request).await));
    for words in said {
        assert!(
            !words.contains("fake-webhook-token") && !words.contains("/webhooks/"),
            "{words}"
        );
    }
}

#[tokio::test]
async fn the_limits_of_a_webhook_come_with_its_answers() {
    let stage = Stage::with_limits(Limits::default());
    let at = stage.by_webhook(TEXT).await;
    let first = stage
        .answer(TEXT, at, create("one", None))
        .await
        .headers
        .unwrap();
    assert_eq!((first.limit, first.remaining), (Some(5), Some(4)));
    let by_bot = stage
        .answer(TEXT, bot(), create("two", None))
        .await
        .headers
        .unwrap();
    assert!(by_bot.bucket.is_some() && by_bot.bucket != first.bucket);
    for _ in 0..4 {
        stage.posted(TEXT, at, "more").await;
    }
    let refused = stage.ask(TEXT, at, create("too many", None)).await;
    assert!(
        matches!(refused, Outcome::RateLimited { .. }),
        "{refused:?}"
    );
}
