//! Tells the pages of administrators what happens, each over its socket: a frame is made once and shared. It works only while one of
//! them is there. It hears commits as hubs do, and may miss some: what it leaves out it counts. What there is to say it asks of
//! [`FeedViews`]; it knows neither tables nor HTTP. The sockets live on its thread.

use crate::{
    feed_core::{FeedCore, HeardSignal, SocketKey, Watched},
    messages::Committed,
    noticeboard::{Noticeboard, Topic},
    outbox::Outbox,
    outlets::{FeedOutlet, Outlets},
    port::Mail,
    supervision::{Observe, Restartable},
    wire,
};
use actix::{
    Actor, ActorFutureExt, AsyncContext, Context, Handler, MessageResult, SpawnHandle, Supervised,
    WrapFuture,
};
use bytes::Bytes;
use futures_util::future::LocalBoxFuture;
use heliograph_schema::{frame::CloseCode, ids::ChannelId, signal::RevisionKind};
use serde_json::json;
use std::{
    cell::RefCell,
    collections::HashMap,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

/// How often changes, leavers and those who do not read are looked for.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Changes are told of at most so often.
const CHANGED_EVERY: Duration = Duration::from_millis(500);
/// How often everybody hears how things stand.
const PULSE_EVERY: Duration = Duration::from_secs(1);
/// A view that took so long is asked for again after ten times as long, so that it takes no more than a tenth of anybody's time.
const REST_FACTOR: u32 = 10;
/// After its close frame a socket has so long to take it before it is shut.
const FAREWELL: Duration = Duration::from_millis(1_000);
/// Rows of target channels in one frame.
const ROWS_PER_FRAME: usize = 100;

/// A page's socket, as the feed holds it.
pub struct AdminSocket {
    /// Its queue.
    pub outbox: Outbox,
    /// Shuts it, whatever it is doing.
    pub shut: Box<dyn Fn()>,
    /// Whether whoever opened it may still look.
    pub may_look: Box<dyn Fn() -> bool>,
    /// When its client last said anything.
    pub heard_at: Instant,
    /// Since when it is ending.
    pub closing_since: Option<Instant>,
}

/// The sockets of the admin listener's thread.
pub type AdminSockets = Rc<RefCell<HashMap<SocketKey, AdminSocket>>>;

/// What the feed is asked.
#[derive(Debug)]
pub enum FeedRequest {
    /// A page is there; it is in [`AdminSockets`].
    Join(SocketKey),
    /// It watches these, and nothing else.
    Watch(SocketKey, Vec<Watched>),
    /// It is gone.
    Leave(SocketKey),
}

/// What there is to say, as JSON.
pub trait FeedViews {
    /// The first frame.
    fn welcome(&self) -> String;
    /// The frame of how things stand.
    fn pulse(&self) -> LocalBoxFuture<'static, String>;
    /// The frame of the tree.
    fn actors(&self) -> LocalBoxFuture<'static, String>;
    /// Every target channel's row; `None` when the database does not say.
    fn targets(&self) -> LocalBoxFuture<'static, Option<Vec<(ChannelId, String)>>>;
    /// The line of each of these signals that is there; `None` when the database does not say.
    fn lines(
        &self,
        heard: Vec<HeardSignal>,
    ) -> LocalBoxFuture<'static, Option<Vec<(HeardSignal, String)>>>;
}

/// Bounds of a page's socket.
#[derive(Debug, Clone, Copy)]
pub struct FeedBounds {
    /// Longest a queued frame may wait.
    pub outbox_age_max: Duration,
    /// How often a client is asked whether it lives.
    pub heartbeat: Duration,
    /// Nothing heard for so long: the client is gone.
    pub silence_max: Duration,
}

/// What the feed is made of; all generations share it.
#[derive(Clone)]
pub struct AdminFeedMakings {
    /// The sockets of this thread.
    pub sockets: AdminSockets,
    /// What there is to say.
    pub views: Rc<dyn FeedViews>,
    /// Where changes are said.
    pub notices: Noticeboard,
    /// Where commits are heard; registered there only while somebody watches.
    pub outlets: Outlets,
    /// The way to this actor, for the outlets.
    pub outlet: Rc<RefCell<Option<FeedOutlet>>>,
    /// The process is on its way out.
    pub stopping: Arc<AtomicBool>,
    /// Limits.
    pub bounds: FeedBounds,
    /// Milliseconds since 1970.
    pub now_ms: fn() -> i64,
}

/// A view that is asked for again and again.
#[derive(Debug, Default)]
struct Asked {
    is_asked: bool,
    not_before: Option<Instant>,
}

impl Asked {
    fn may_ask(&mut self, now: Instant) -> bool {
        let may = !self.is_asked && self.not_before.is_none_or(|at| now >= at);
        self.is_asked |= may;
        may
    }

    fn answered(&mut self, asked_at: Instant) {
        let took = asked_at.elapsed();
        self.is_asked = false;
        self.not_before = Some(asked_at + (took * REST_FACTOR).max(PULSE_EVERY) - LOOK_EVERY / 2);
    }
}

/// The actor.
pub struct AdminFeed {
    makings: AdminFeedMakings,
    core: FeedCore,
    looking: Option<SpawnHandle>,
    pulse: Asked,
    actors: Asked,
    targets: Asked,
    reads_lines: bool,
    pinged_at: Instant,
    /// When a change was last told of.
    said_at: Option<Instant>,
    hears_commits: bool,
    frames: u64,
    cut: u64,
}

impl AdminFeed {
    /// The first generation.
    pub fn new(makings: AdminFeedMakings) -> Self {
        Self {
            makings,
            core: FeedCore::default(),
            looking: None,
            pulse: Asked::default(),
            actors: Asked::default(),
            targets: Asked::default(),
            reads_lines: false,
            pinged_at: Instant::now(),
            said_at: None,
            hears_commits: false,
            frames: 0,
            cut: 0,
        }
    }

    fn join(&mut self, key: SocketKey, ctx: &mut Context<Self>) {
        self.core.join(key, &self.makings.notices.read());
        if self.looking.is_none() {
            self.looking = Some(ctx.run_interval(LOOK_EVERY, Self::look));
        }
        let welcome = wire::text(&self.makings.views.welcome());
        self.send(&[key], &[welcome]);
        // Not a second later: a page that has just come shows nothing until then.
        self.pulse.not_before = None;
        self.ask_views(ctx);
    }

    fn watch(&mut self, key: SocketKey, watched: Vec<Watched>, ctx: &mut Context<Self>) {
        let before = [Watched::Actors, Watched::Targets].map(|it| self.core.is_watched(it));
        self.core.watch(key, watched);
        self.hear_commits_if_watched();
        // The first who watches waits for nothing; who joins others waits for what comes next.
        for (view, was_watched) in [&mut self.actors, &mut self.targets]
            .into_iter()
            .zip(before)
        {
            if !was_watched {
                view.not_before = None;
            }
        }
        self.ask_views(ctx);
    }

    fn leave(&mut self, key: SocketKey, ctx: &mut Context<Self>) {
        self.core.leave(key);
        self.hear_commits_if_watched();
        self.rest_if_alone(ctx);
    }

    /// Looks for nothing while nobody is there.
    fn rest_if_alone(&mut self, ctx: &mut Context<Self>) {
        if self.core.is_empty()
            && let Some(looking) = self.looking.take()
        {
            ctx.cancel_future(looking);
        }
    }

    fn hear_commits_if_watched(&mut self) {
        let wanted = self.core.is_watched(Watched::Signals);
        if wanted != self.hears_commits {
            let outlet = self.makings.outlet.borrow().clone();
            self.makings.outlets.set_feed(outlet.filter(|_| wanted));
            self.hears_commits = wanted;
        }
    }

    /// Queues frames for these sockets; those that have no room are cut.
    fn send(&mut self, to: &[SocketKey], frames: &[Bytes]) {
        let mut overflowed = Vec::new();
        {
            let sockets = self.makings.sockets.borrow();
            for key in to {
                let Some(socket) = sockets.get(key) else {
                    continue;
                };
                if frames
                    .iter()
                    .any(|frame| socket.outbox.push(frame).is_err())
                {
                    overflowed.push(*key);
                }
            }
        }
        self.frames += (to.len() * frames.len()) as u64;
        for key in overflowed {
            self.end(key, CloseCode::SlowSession, true);
        }
    }

    fn end(&mut self, key: SocketKey, code: CloseCode, at_once: bool) {
        if code == CloseCode::SlowSession {
            self.cut += 1;
            metrics::counter!("heliograph_admin_sockets_cut_total").increment(1);
        }
        // Nothing more for it: it is gone when its socket is.
        self.core.watch(key, []);
        self.hear_commits_if_watched();
        if let Some(socket) = self.makings.sockets.borrow_mut().get_mut(&key) {
            tracing::info!(
                reason = code.wire().1,
                "socket of an admin page ended by us"
            );
            socket.outbox.close(wire::close(code), at_once);
            socket.closing_since.get_or_insert_with(Instant::now);
        }
    }

    /// Everything that is looked for again and again.
    fn look(&mut self, ctx: &mut Context<Self>) {
        self.patrol();
        self.forget_the_gone(ctx);
        // What is changed without end is said now and then: pages read all that they show with each word of it.
        let topics = if self.said_at.is_some_and(|at| at.elapsed() < CHANGED_EVERY) {
            Vec::new()
        } else {
            self.core.notice(&self.makings.notices.read())
        };
        if !topics.is_empty() {
            self.said_at = Some(Instant::now());
            let frame = wire::text(&changed_frame(&topics));
            self.send(&self.core.all(), &[frame]);
        }
        if self.pinged_at.elapsed() >= self.makings.bounds.heartbeat {
            self.pinged_at = Instant::now();
            self.send(&self.core.all(), &[wire::ping()]);
        }
        self.ask_views(ctx);
        // Those that found the mailbox full.
        self.show_signals(ctx);
        if self.makings.sockets.borrow().is_empty() {
            self.rest_if_alone(ctx);
        }
    }

    /// A page whose last word found the mailbox full is gone all the same. It joined with its socket in place, so that none is missed.
    fn forget_the_gone(&mut self, ctx: &mut Context<Self>) {
        let mut gone = self.core.all();
        {
            let sockets = self.makings.sockets.borrow();
            gone.retain(|key| !sockets.contains_key(key));
        }
        for key in gone {
            self.leave(key, ctx);
        }
    }

    /// Ends sockets that may not look any more, do not read, or say nothing; all of them when the process stops.
    fn patrol(&mut self) {
        let (now, bounds) = (Instant::now(), self.makings.bounds);
        let is_stopping = self.makings.stopping.load(SeqCst);
        let mut ending = Vec::new();
        for (&key, socket) in self.makings.sockets.borrow().iter() {
            if let Some(since) = socket.closing_since {
                if now.duration_since(since) > FAREWELL {
                    (socket.shut)();
                }
                continue;
            }
            let is_stuck = socket
                .outbox
                .stuck_for(now)
                .is_some_and(|age| age > bounds.outbox_age_max);
            let code = if is_stopping {
                Some(CloseCode::GoingAway)
            } else if !(socket.may_look)() {
                Some(CloseCode::AccessEnded)
            } else if is_stuck {
                Some(CloseCode::SlowSession)
            } else if now.duration_since(socket.heard_at) > bounds.silence_max {
                Some(CloseCode::Silent)
            } else {
                None
            };
            ending.extend(code.map(|code| (key, code)));
        }
        for (key, code) in ending {
            self.end(key, code, code == CloseCode::SlowSession);
        }
    }

    fn ask_views(&mut self, ctx: &mut Context<Self>) {
        let now = Instant::now();
        if !self.core.is_empty() && self.pulse.may_ask(now) {
            let pulse = self.makings.views.pulse();
            ctx.spawn(pulse.into_actor(self).map(move |frame, feed, _| {
                feed.pulse.answered(now);
                feed.send(&feed.core.all(), &[wire::text(&frame)]);
            }));
        }
        if self.core.is_watched(Watched::Actors) && self.actors.may_ask(now) {
            let actors = self.makings.views.actors();
            ctx.spawn(actors.into_actor(self).map(move |frame, feed, _| {
                feed.actors.answered(now);
                feed.send(&feed.core.watching(Watched::Actors), &[wire::text(&frame)]);
            }));
        }
        if self.core.is_watched(Watched::Targets) && self.targets.may_ask(now) {
            let targets = self.makings.views.targets();
            ctx.spawn(targets.into_actor(self).map(move |rows, feed, _| {
                feed.targets.answered(now);
                if let Some(rows) = rows {
                    feed.show_targets(rows);
                }
            }));
        }
    }

    fn show_targets(&mut self, rows: Vec<(ChannelId, String)>) {
        for news in self.core.targets(rows) {
            let frames: Vec<Bytes> = news
                .rows
                .chunks(ROWS_PER_FRAME)
                .map(|rows| wire::text(&targets_frame(rows)))
                .collect();
            self.send(&news.to, &frames);
        }
    }

    /// Reads the lines of what was heard, one reading at a time: what comes meanwhile is read together.
    fn show_signals(&mut self, ctx: &mut Context<Self>) {
        if self.reads_lines {
            return;
        }
        let left_out = self
            .makings
            .outlet
            .borrow()
            .as_ref()
            .map_or(0, |outlet| outlet.left_out.swap(0, SeqCst));
        self.core.skip(left_out);
        let (heard, skipped) = self.core.take_signals();
        if heard.is_empty() {
            return;
        }
        self.reads_lines = true;
        let count = heard.len() as u64;
        let lines = self.makings.views.lines(heard);
        ctx.spawn(lines.into_actor(self).map(move |lines, feed, ctx| {
            feed.reads_lines = false;
            match lines {
                None => feed.core.skip(skipped + count),
                Some(lines) => {
                    let mut skipped = skipped;
                    let frames: Vec<Bytes> = lines
                        .iter()
                        .map(|(heard, line)| {
                            wire::text(&signal_frame(heard, line, std::mem::take(&mut skipped)))
                        })
                        .collect();
                    feed.core.skip(skipped);
                    feed.send(&feed.core.watching(Watched::Signals), &frames);
                }
            }
            feed.show_signals(ctx);
        }));
    }
}

fn changed_frame(topics: &[Topic]) -> String {
    json!({ "type": "changed", "topics": topics }).to_string()
}

fn targets_frame(rows: &[String]) -> String {
    format!(r#"{{"type":"targets","items":[{}]}}"#, rows.join(","))
}

fn signal_frame(heard: &HeardSignal, line: &str, skipped: u64) -> String {
    let kind = match heard.kind {
        RevisionKind::Create => "create",
        RevisionKind::Update => "update",
        RevisionKind::Delete => "delete",
    };
    let at_ms = heard.accepted_at_ms;
    format!(
        r#"{{"type":"signal","kind":"{kind}","accepted_at_ms":{at_ms},"skipped":{skipped},"line":{line}}}"#
    )
}

impl Actor for AdminFeed {
    type Context = Context<Self>;

    /// Sockets that an earlier generation left are seen to their end.
    fn started(&mut self, ctx: &mut Context<Self>) {
        if !self.makings.sockets.borrow().is_empty() {
            self.looking = Some(ctx.run_interval(LOOK_EVERY, Self::look));
        }
    }
}

impl Supervised for AdminFeed {
    fn restarting(&mut self, _: &mut Context<Self>) {
        // Who watched what went with the old generation: pages connect anew.
        for socket in self.makings.sockets.borrow_mut().values_mut() {
            socket.outbox.close(wire::close(CloseCode::Internal), false);
            socket.closing_since.get_or_insert_with(Instant::now);
        }
        self.makings.outlets.set_feed(None);
        *self = self.successor();
    }
}

impl Restartable for AdminFeed {
    fn successor(&self) -> Self {
        Self::new(self.makings.clone())
    }
}

impl Handler<Mail<Committed>> for AdminFeed {
    type Result = ();

    fn handle(&mut self, mail: Mail<Committed>, ctx: &mut Context<Self>) {
        let (committed, _handling) = mail.open();
        let heard = committed.frames.iter().map(|frame| HeardSignal {
            signal_id: frame.signal_id,
            kind: frame.kind,
            accepted_at_ms: frame.received.at_ms,
        });
        self.core.hear((self.makings.now_ms)(), heard);
        self.show_signals(ctx);
    }
}

impl Handler<Mail<FeedRequest>> for AdminFeed {
    type Result = ();

    fn handle(&mut self, mail: Mail<FeedRequest>, ctx: &mut Context<Self>) {
        let (request, _handling) = mail.open();
        match request {
            FeedRequest::Join(key) => self.join(key, ctx),
            FeedRequest::Watch(key, watched) => self.watch(key, watched, ctx),
            FeedRequest::Leave(key) => self.leave(key, ctx),
        }
    }
}

impl Handler<Observe> for AdminFeed {
    type Result = MessageResult<Observe>;

    fn handle(&mut self, _: Observe, _: &mut Context<Self>) -> Self::Result {
        let sockets = self.makings.sockets.borrow();
        MessageResult(json!({
            "sockets": sockets.len(),
            "queued_bytes": sockets.values().map(|socket| socket.outbox.bytes()).sum::<usize>(),
            "hears_commits": self.hears_commits,
            "frames": self.frames,
            "cut": self.cut,
        }))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use heliograph_schema::ids::SignalId;
    use serde_json::Value;

    #[test]
    fn frames_are_json_of_the_contract() {
        let heard = HeardSignal {
            signal_id: SignalId::new(7).unwrap(),
            kind: RevisionKind::Update,
            accepted_at_ms: 5,
        };
        for (frame, want) in [
            (
                changed_frame(&[Topic::DeadLetters, Topic::SessionTokens]),
                json!({ "type": "changed", "topics": ["dead_letters", "session_tokens"] }),
            ),
            (
                targets_frame(&[r#"{"a":1}"#.to_owned(), r#"{"b":2}"#.to_owned()]),
                json!({ "type": "targets", "items": [{ "a": 1 }, { "b": 2 }] }),
            ),
            (
                signal_frame(&heard, r#"{"signal_id":"7"}"#, 3),
                json!({ "type": "signal", "kind": "update", "accepted_at_ms": 5, "skipped": 3, "line": { "signal_id": "7" } }),
            ),
        ] {
            assert_eq!(serde_json::from_str::<Value>(&frame).unwrap(), want);
        }
    }

    #[test]
    fn what_takes_long_is_asked_for_less_often() {
        let now = Instant::now();
        let mut asked = Asked::default();
        assert!(asked.may_ask(now));
        assert!(!asked.may_ask(now), "it is on its way");
        asked.answered(now);
        assert!(!asked.may_ask(now));
        assert!(asked.may_ask(now + PULSE_EVERY));
        // It took half a minute.
        asked.answered(now.checked_sub(Duration::from_secs(30)).unwrap());
        assert!(!asked.may_ask(now + Duration::from_secs(200)));
        assert!(asked.may_ask(now + Duration::from_secs(271)));
    }
}
