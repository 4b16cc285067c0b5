//! One hub per public worker thread: takes one message per commit and loops over the sessions of its thread. It owns replay,
//! hand-over, slow-session cuts and farewells; a session owns what its client says. Both meet in [`LocalSessions`], which
//! never leaves the thread. Knows nothing of HTTP.

mod replay;

use crate::{
    audience::HubAudience,
    figures::Recorder,
    hub_core::{Arrival, CatchUp, HubCore, Next, RingBounds, SessionKey},
    messages::Committed,
    outbox::Outbox,
    port::Mail,
    routing::RoutingTable,
    supervision::{Observe, Restartable},
    wire,
};
use actix::{
    Actor, ActorFutureExt, AsyncContext, Context, Handler, MessageResult, Supervised, WrapFuture,
};
use bytes::Bytes;
use diesel::pg::PgConnection;
use heliograph_schema::{
    frame::{
        AttachChannel, AttachStatus, AttachedChannel, ChannelCursor, ChannelStanding, CloseCode,
        Cursor, PROTOCOL, ServerFrame,
    },
    ids::ChannelId,
    store::{
        Store, StoreError, session_tokens,
        signals::{self, Head},
    },
};
use serde_json::json;
use std::{
    cell::RefCell,
    collections::{HashMap, HashSet},
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};
use tokio::sync::{Semaphore, watch};

/// How often the hub looks for sessions that do not read.
const PATROL_EVERY: Duration = Duration::from_millis(250);
/// After its close frame a session has so long to take it before the socket is shut.
const FAREWELL: Duration = Duration::from_millis(1_000);
/// Pause before a read is tried again that the database did not answer.
const READ_AGAIN_AFTER: Duration = Duration::from_millis(300);
/// Replays of one hub that may read at the same time; the others wait their turn.
const REPLAYS_AT_ONCE: usize = 2;

/// A session, as its hub holds it.
pub struct LocalSession {
    /// Its socket's queue.
    pub outbox: Outbox,
    /// What it may see.
    pub tier: i16,
    /// By which token it came; `None` for a visitor.
    pub session_token_id: Option<i64>,
    /// For the logs of both sides.
    pub session_id: String,
    /// Shuts the socket, whatever it is doing.
    pub shut: Box<dyn Fn()>,
    /// Since when it is ending.
    pub closing_since: Option<Instant>,
}

/// The sessions of one worker thread.
pub type LocalSessions = Rc<RefCell<HashMap<SessionKey, LocalSession>>>;

/// What a hub is asked by sessions and by the configuration.
#[derive(Debug)]
pub enum HubRequest {
    /// A session has begun; it is in [`LocalSessions`].
    Join(SessionKey),
    /// It wants channels.
    Attach(SessionKey, Vec<AttachChannel>),
    /// It wants no more of them.
    Detach(SessionKey, Vec<ChannelId>),
    /// It has ended.
    Leave(SessionKey),
    /// The configuration was swapped.
    Reconfigured,
    /// The process stops: farewell to all.
    Drain,
}

/// Bounds of sessions; see `config/default.toml`.
#[derive(Debug, Clone, Copy)]
pub struct SessionBounds {
    /// Attached channels of one session.
    pub channels_max: usize,
    /// Longest a queued frame may wait.
    pub outbox_age_max: Duration,
    /// Revisions read from the table at a time.
    pub replay_page: i64,
    /// Recent frames kept per channel.
    pub ring: RingBounds,
    /// How often clients hear from us.
    pub heartbeat: Duration,
}

/// What a hub is made of; all generations share it.
#[derive(Clone)]
pub struct SessionHubMakings {
    /// The configuration, swapped live.
    pub routing: watch::Receiver<Arc<RoutingTable>>,
    /// For replay and healing.
    pub store: Store,
    /// The sessions of this thread.
    pub sessions: LocalSessions,
    /// Limits.
    pub bounds: SessionBounds,
    /// Set when something was committed that it was not told of.
    pub fell_behind: Arc<AtomicBool>,
    /// Milliseconds since 1970.
    pub now_ms: fn() -> i64,
    /// Where it counts whom it told.
    pub audience: HubAudience,
    /// Where it counts how long they waited.
    pub screen: Recorder,
}

/// The actor.
pub struct SessionHub {
    makings: SessionHubMakings,
    core: HubCore,
    attached: HashMap<SessionKey, HashSet<ChannelId>>,
    /// The configuration this hub last worked by.
    routing_version: u64,
    /// What sessions asked for with a cursor ahead of us, until the table has been read.
    waiting: HashMap<ChannelId, Vec<(SessionKey, AttachChannel)>>,
    turns: Arc<Semaphore>,
    /// Which replay of a session's channel counts: a page asked for before it was detached must not reach it.
    replays: HashMap<(SessionKey, ChannelId), u64>,
    replays_begun: u64,
    frames: u64,
    cut: u64,
}

impl SessionHub {
    /// The first generation.
    pub fn new(makings: SessionHubMakings) -> Self {
        let core = HubCore::new(makings.bounds.ring);
        let turns = Arc::new(Semaphore::new(REPLAYS_AT_ONCE));
        Self {
            makings,
            core,
            attached: HashMap::new(),
            routing_version: 0,
            waiting: HashMap::new(),
            turns,
            replays: HashMap::new(),
            replays_begun: 0,
            frames: 0,
            cut: 0,
        }
    }

    /// Reads the heads of source channels that are not known yet; nothing else is handled until they are.
    fn learn_heads(&self, ctx: &mut Context<Self>) {
        let routing = self.makings.routing.borrow().clone();
        let unknown: Vec<ChannelId> = routing
            .sources
            .keys()
            .copied()
            .filter(|&id| self.core.head(id).is_none())
            .collect();
        if unknown.is_empty() {
            return;
        }
        let read = heads_of(self.makings.store.clone(), unknown.clone());
        ctx.wait(read.into_actor(self).map(|heads, actor, ctx| {
            for head in heads {
                actor.core.learn_head(head.channel_id, head.cursor);
            }
            for channel_id in unknown {
                actor
                    .core
                    .learn_head(channel_id, crate::router_core::BEFORE_ALL);
                actor.attach_those_that_waited(channel_id, ctx);
            }
        }));
    }

    /// Something may have been committed that did not arrive here: whatever the tables have beyond us is read.
    fn look_at_tables(&self, ctx: &mut Context<Self>) {
        let known = self.core.channels().collect();
        let read = heads_of(self.makings.store.clone(), known);
        ctx.spawn(read.into_actor(self).map(|heads, actor, ctx| {
            for head in heads {
                if let CatchUp::Heal(after) = actor.core.catch_up(head.channel_id, head.cursor) {
                    actor.heal(head.channel_id, after, ctx);
                }
            }
        }));
    }

    fn push(&mut self, session: SessionKey, frame: &Bytes) {
        let overflowed = match self.makings.sessions.borrow().get(&session) {
            Some(local) => local.outbox.push(frame).is_err(),
            None => return,
        };
        self.frames += 1;
        if overflowed {
            self.end(session, CloseCode::SlowSession, true);
        }
    }

    fn push_all(&mut self, sessions: &[SessionKey], frames: &[Bytes]) {
        let mut overflowed = Vec::new();
        {
            let locals = self.makings.sessions.borrow();
            for session in sessions {
                let Some(local) = locals.get(session) else {
                    continue;
                };
                if frames.iter().any(|frame| local.outbox.push(frame).is_err()) {
                    overflowed.push(*session);
                }
            }
        }
        self.frames += (sessions.len() * frames.len()) as u64;
        for session in overflowed {
            self.end(session, CloseCode::SlowSession, true);
        }
    }

    /// Ends a session: its close frame is the last thing queued, and the patrol shuts the socket if it is not taken.
    fn end(&mut self, session: SessionKey, code: CloseCode, at_once: bool) {
        if code == CloseCode::SlowSession {
            self.cut += 1;
            metrics::counter!("heliograph_sessions_cut_total").increment(1);
        }
        self.forget(session);
        if let Some(local) = self.makings.sessions.borrow_mut().get_mut(&session) {
            tracing::info!(session_id = %local.session_id, reason = code.wire().1, "session ended by us");
            local.outbox.close(wire::close(code), at_once);
            local.closing_since.get_or_insert_with(Instant::now);
        }
    }

    fn forget(&mut self, session: SessionKey) {
        for channel_id in self.attached.remove(&session).unwrap_or_default() {
            self.leave_channel(session, channel_id);
        }
    }

    fn leave_channel(&mut self, session: SessionKey, channel_id: ChannelId) {
        self.core.detach(session, channel_id);
        self.replays.remove(&(session, channel_id));
    }

    fn welcome(&mut self, session: SessionKey) {
        let frame = {
            let locals = self.makings.sessions.borrow();
            let Some(local) = locals.get(&session) else {
                return;
            };
            let routing = self.makings.routing.borrow().clone();
            let channels = routing
                .visible_to(local.tier)
                .map(|source| ChannelStanding {
                    channel_id: source.channel_id,
                    name: source.name.clone(),
                    guild_id: source.guild_id,
                    guild_name: source.guild_name.clone(),
                    head: self
                        .core
                        .head(source.channel_id)
                        .unwrap_or(crate::router_core::BEFORE_ALL),
                })
                .collect();
            wire::frame(&ServerFrame::Welcome {
                protocol: PROTOCOL,
                session_id: &local.session_id,
                server_time_ms: (self.makings.now_ms)(),
                heartbeat_ms: u64::try_from(self.makings.bounds.heartbeat.as_millis())
                    .unwrap_or(u64::MAX),
                channels,
            })
        };
        self.push(session, &frame);
    }

    /// Attaches what can be attached now. A cursor ahead of this hub waits until the hub has read the table.
    fn attach(&mut self, session: SessionKey, wanted: Vec<AttachChannel>, ctx: &mut Context<Self>) {
        let routing = self.makings.routing.borrow().clone();
        let mut unknown = false;
        let (later, now): (Vec<_>, Vec<_>) = wanted.into_iter().partition(|want| {
            let channel_id = want.channel_id;
            if self.core.head(channel_id).is_none() && routing.sources.contains_key(&channel_id) {
                unknown = true; // It is new, and word of it is still on its way to us.
                return true;
            }
            let catch_up = want
                .cursor
                .map(|cursor| self.core.catch_up(channel_id, cursor));
            if let Some(CatchUp::Heal(after)) = catch_up {
                self.heal(channel_id, after, ctx);
            }
            !matches!(catch_up, None | Some(CatchUp::NotNeeded))
        });
        if unknown {
            self.learn_heads(ctx);
        }
        let all_wait = now.is_empty() && !later.is_empty();
        for want in later {
            self.waiting
                .entry(want.channel_id)
                .or_default()
                .push((session, want));
        }
        // An answer about no channel would say nothing: each that waits has its own.
        if !all_wait {
            self.attach_now(session, &now, ctx);
        }
    }

    fn attach_those_that_waited(&mut self, channel_id: ChannelId, ctx: &mut Context<Self>) {
        for (session, want) in self.waiting.remove(&channel_id).unwrap_or_default() {
            self.attach_now(session, &[want], ctx);
        }
    }

    fn attach_now(
        &mut self,
        session: SessionKey,
        wanted: &[AttachChannel],
        ctx: &mut Context<Self>,
    ) {
        let local = self
            .makings
            .sessions
            .borrow()
            .get(&session)
            .map(|local| (local.tier, local.outbox.replay_room()));
        let Some((tier, mut room)) = local else {
            return;
        };
        let mut held = self.attached.get(&session).cloned().unwrap_or_default();
        held.extend(wanted.iter().map(|want| want.channel_id));
        if held.len() > self.makings.bounds.channels_max {
            return self.end(session, CloseCode::TooManyChannels, false);
        }
        let routing = self.makings.routing.borrow().clone();
        let mut answers = Vec::with_capacity(wanted.len());
        let mut nexts = Vec::new();
        for want in wanted {
            let channel_id = want.channel_id;
            if !routing.may_see(tier, channel_id) {
                let head = Cursor { epoch: 0, seq: 0 };
                answers.push(AttachedChannel {
                    channel_id,
                    status: AttachStatus::Forbidden,
                    head,
                });
                continue;
            }
            let was_attached = !self.attached.entry(session).or_default().insert(channel_id);
            let got = self.core.attach(session, channel_id, want.cursor, room);
            if let Next::Live(frames) = &got.then {
                room -= frames.iter().map(Bytes::len).sum::<usize>();
            }
            if got.status != AttachStatus::Resumed && !was_attached {
                self.attached
                    .entry(session)
                    .or_default()
                    .remove(&channel_id);
            }
            answers.push(AttachedChannel {
                channel_id,
                status: got.status,
                head: got.head,
            });
            nexts.push((channel_id, got.then));
        }
        self.push(
            session,
            &wire::frame(&ServerFrame::Attached { channels: answers }),
        );
        for (channel_id, next) in nexts {
            self.go_on(session, channel_id, next, ctx);
        }
    }

    fn detach(&mut self, session: SessionKey, channels: &[ChannelId], reason: &str) {
        for &channel_id in channels {
            if let Some(waiting) = self.waiting.get_mut(&channel_id) {
                waiting.retain(|(waits, _)| *waits != session);
            }
            let attached = self
                .attached
                .get_mut(&session)
                .is_some_and(|held| held.remove(&channel_id));
            if attached {
                self.leave_channel(session, channel_id);
                self.push(
                    session,
                    &wire::frame(&ServerFrame::Detached { channel_id, reason }),
                );
            }
        }
    }

    fn reconfigured(&mut self, ctx: &mut Context<Self>) {
        let routing = self.makings.routing.borrow().clone();
        self.routing_version = routing.version;
        let tiers: HashMap<SessionKey, i16> = self
            .makings
            .sessions
            .borrow()
            .iter()
            .map(|(&key, local)| (key, local.tier))
            .collect();
        let hidden: Vec<(SessionKey, Vec<ChannelId>)> = self
            .attached
            .iter()
            .map(|(&session, channels)| {
                let tier = tiers.get(&session).copied().unwrap_or(i16::MIN);
                (
                    session,
                    channels
                        .iter()
                        .copied()
                        .filter(|&id| !routing.may_see(tier, id))
                        .collect(),
                )
            })
            .collect();
        for (session, channels) in hidden {
            self.detach(session, &channels, "hidden");
        }
        self.end_revoked(ctx);
        self.learn_heads(ctx);
    }

    /// Asks which tokens have ended and ends their sessions.
    fn end_revoked(&self, ctx: &mut Context<Self>) {
        let mut tokens: Vec<i64> = self
            .makings
            .sessions
            .borrow()
            .values()
            .filter_map(|local| local.session_token_id)
            .collect();
        tokens.sort_unstable();
        tokens.dedup();
        if tokens.is_empty() {
            return;
        }
        let store = self.makings.store.clone();
        let read = read_until_told(store, "session tokens", move |connection| {
            session_tokens::ended_among(connection, &tokens)
        });
        ctx.spawn(read.into_actor(self).map(|ended, actor, _| {
            let of_ended =
                |local: &LocalSession| local.session_token_id.is_some_and(|id| ended.contains(&id));
            let sessions: Vec<SessionKey> = actor
                .makings
                .sessions
                .borrow()
                .iter()
                .filter(|(_, local)| of_ended(local))
                .map(|(&key, _)| key)
                .collect();
            for session in sessions {
                actor.end(session, CloseCode::AccessEnded, false);
            }
        }));
    }

    fn drain(&mut self) {
        let sessions: Vec<SessionKey> = self.makings.sessions.borrow().keys().copied().collect();
        for session in sessions {
            let cursors = self
                .attached
                .get(&session)
                .into_iter()
                .flatten()
                // One that still replays has not been given all that the head says: its own cursor is right.
                .filter(|&&channel_id| !self.replays.contains_key(&(session, channel_id)))
                .filter_map(|&channel_id| {
                    self.core
                        .head(channel_id)
                        .map(|cursor| ChannelCursor { channel_id, cursor })
                });
            let farewell = wire::frame(&ServerFrame::GoingAway {
                cursors: cursors.collect(),
            });
            self.push(session, &farewell);
            self.end(session, CloseCode::GoingAway, false);
        }
    }

    /// Cuts sessions whose queue has not moved for too long, shuts sockets that do not take their close frame. Works by a new
    /// configuration even when word of it found the mailbox full.
    fn patrol(&mut self, ctx: &mut Context<Self>) {
        let now = Instant::now();
        let newest = self.makings.routing.borrow().version;
        if newest != self.routing_version {
            self.reconfigured(ctx);
        }
        if self.makings.fell_behind.swap(false, SeqCst) {
            self.look_at_tables(ctx);
        }
        let mut slow = Vec::new();
        for (&session, local) in self.makings.sessions.borrow().iter() {
            match local.closing_since {
                Some(since) if now.duration_since(since) > FAREWELL => (local.shut)(),
                Some(_) => {}
                None if local
                    .outbox
                    .stuck_for(now)
                    .is_some_and(|age| age > self.makings.bounds.outbox_age_max) =>
                {
                    slow.push(session);
                }
                None => {}
            }
        }
        for session in slow {
            self.end(session, CloseCode::SlowSession, true);
        }
    }
}

/// Where these channels stand in the tables; asks until it is told.
async fn heads_of(store: Store, channels: Vec<ChannelId>) -> Vec<Head> {
    read_until_told(store, "heads", move |connection| {
        signals::heads(connection, &channels)
    })
    .await
}

/// Reads from the tables, again and again while they do not answer; `what` is for the log.
async fn read_until_told<T: Send + 'static>(
    store: Store,
    what: &'static str,
    read: impl Fn(&mut PgConnection) -> Result<T, StoreError> + Send + Sync + 'static,
) -> T {
    let read = Arc::new(read);
    loop {
        let attempt = read.clone();
        match store.run(move |connection| attempt(connection)).await {
            Ok(found) => return found,
            Err(error) => {
                tracing::warn!(%error, what, "could not be read");
                tokio::time::sleep(READ_AGAIN_AFTER).await;
            }
        }
    }
}

impl Actor for SessionHub {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        ctx.run_interval(PATROL_EVERY, |actor, ctx| actor.patrol(ctx));
        self.routing_version = self.makings.routing.borrow().version;
        self.learn_heads(ctx);
    }
}

impl Supervised for SessionHub {
    fn restarting(&mut self, _: &mut Context<Self>) {
        // What each session was attached to went with the old generation: they reconnect with their cursors.
        for local in self.makings.sessions.borrow_mut().values_mut() {
            local.outbox.close(wire::close(CloseCode::Internal), false);
            local.closing_since.get_or_insert_with(Instant::now);
        }
        *self = self.successor();
    }
}

impl Restartable for SessionHub {
    fn successor(&self) -> Self {
        Self::new(self.makings.clone())
    }
}

impl Handler<Mail<Committed>> for SessionHub {
    type Result = ();

    fn handle(&mut self, mail: Mail<Committed>, ctx: &mut Context<Self>) {
        let (committed, _handling) = mail.open();
        fail::fail_point!("session_hub::committed", |_| ());
        for frame in committed.frames.iter() {
            match self
                .core
                .arrived(frame.channel_id, frame.place, &frame.bytes)
            {
                Arrival::Deliver(sessions) => {
                    self.push_all(&sessions, std::slice::from_ref(&frame.bytes));
                    if !sessions.is_empty() {
                        let took = frame.received.at.elapsed();
                        self.makings.screen.record(took, sessions.len() as u64);
                    }
                    let audience = &self.makings.audience;
                    audience.count(frame.channel_id, frame.place, sessions.len());
                }
                Arrival::Nothing => {}
                Arrival::Heal(after) => self.heal(frame.channel_id, after, ctx),
                Arrival::Resync(sessions) => {
                    for session in sessions {
                        self.must_resync(session, frame.channel_id, frame.place);
                    }
                }
            }
        }
    }
}

impl Handler<Mail<HubRequest>> for SessionHub {
    type Result = ();

    fn handle(&mut self, mail: Mail<HubRequest>, ctx: &mut Context<Self>) {
        let (request, _handling) = mail.open();
        match request {
            HubRequest::Join(session) => self.welcome(session),
            HubRequest::Attach(session, wanted) => self.attach(session, wanted, ctx),
            HubRequest::Detach(session, channels) => self.detach(session, &channels, "asked"),
            HubRequest::Leave(session) => self.forget(session),
            HubRequest::Reconfigured => self.reconfigured(ctx),
            HubRequest::Drain => self.drain(),
        }
    }
}

impl Handler<Observe> for SessionHub {
    type Result = MessageResult<Observe>;

    fn handle(&mut self, _: Observe, _: &mut Context<Self>) -> Self::Result {
        let sessions = self.makings.sessions.borrow();
        MessageResult(json!({
            "sessions": sessions.len(),
            "queued_bytes": sessions.values().map(|local| local.outbox.bytes()).sum::<usize>(),
            "channels": self.core.channels().count(),
            "replaying": self.replays.len(),
            "frames": self.frames,
            "cut": self.cut,
        }))
    }
}
