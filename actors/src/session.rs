//! One actor per socket: hears the client, keeps its heartbeat, its silence and its access in view, and asks the hub for
//! channels. What the session receives goes past it, from the hub into its outbox; a blocked socket therefore never stops it.

use crate::{
    hub_core::SessionKey,
    outbox::Outbox,
    port::Port,
    session_hub::{HubRequest, LocalSessions},
    wire::{self, ClientSaid},
};
use actix::{Actor, ActorContext, AsyncContext, Context, StreamHandler};
use bytes::Bytes;
use heliograph_schema::frame::{ClientFrame, CloseCode, ServerFrame};
use std::time::{Duration, Instant};

/// Client frames in [`TALK_WINDOW`]; more is a client out of control.
const TALK_MAX: u32 = 100;
const TALK_WINDOW: Duration = Duration::from_secs(10);

/// What a session is made of.
pub struct SessionMakings {
    /// Its key in its hub.
    pub key: SessionKey,
    /// Its socket's queue.
    pub outbox: Outbox,
    /// Its hub.
    pub hub: Port<HubRequest>,
    /// Where it is registered.
    pub sessions: LocalSessions,
    /// How often it says that we live.
    pub heartbeat: Duration,
    /// Nothing heard for so long: the client is gone.
    pub silence_max: Duration,
    /// When its access ends.
    pub access_for: Option<Duration>,
    /// Milliseconds since 1970.
    pub now_ms: fn() -> i64,
}

/// The actor.
pub struct Session {
    makings: SessionMakings,
    heard_at: Instant,
    talk: (Instant, u32),
}

impl Session {
    /// A session that is in its thread's [`LocalSessions`] already.
    pub fn new(makings: SessionMakings) -> Self {
        Self {
            makings,
            heard_at: Instant::now(),
            talk: (Instant::now(), 0),
        }
    }

    fn end(&self, code: CloseCode) {
        self.makings.outbox.close(wire::close(code), false);
        if let Ok(mut sessions) = self.makings.sessions.try_borrow_mut()
            && let Some(local) = sessions.get_mut(&self.makings.key)
        {
            local.closing_since.get_or_insert_with(Instant::now);
        }
    }

    fn ask(&self, request: HubRequest) {
        if self.makings.hub.post(request).is_err() {
            self.end(CloseCode::Internal);
        }
    }

    fn say(&self, frame: &Bytes) {
        if self.makings.outbox.push(frame).is_err() {
            self.end(CloseCode::SlowSession);
        }
    }

    fn beat(&self) {
        if self.heard_at.elapsed() > self.makings.silence_max {
            return self.end(CloseCode::Silent);
        }
        self.say(&wire::frame(&ServerFrame::Heartbeat {
            server_time_ms: (self.makings.now_ms)(),
        }));
        self.say(&wire::ping());
    }

    /// Counts a client frame; `false` when there were too many.
    fn may_talk(&mut self) -> bool {
        let now = Instant::now();
        if now.duration_since(self.talk.0) > TALK_WINDOW {
            self.talk = (now, 0);
        }
        self.talk.1 += 1;
        self.talk.1 <= TALK_MAX
    }

    fn heard(&mut self, text: &[u8]) {
        let key = self.makings.key;
        match serde_json::from_slice(text) {
            Ok(ClientFrame::Attach { channels }) => self.ask(HubRequest::Attach(key, channels)),
            Ok(ClientFrame::Detach { channels }) => self.ask(HubRequest::Detach(key, channels)),
            Ok(ClientFrame::Ack { .. } | ClientFrame::Pong {}) => {}
            Err(error) if error.is_syntax() || error.is_eof() => self.end(CloseCode::BadFrame),
            Err(error) => {
                let message = error.to_string();
                self.say(&wire::frame(&ServerFrame::Error {
                    code: "not_understood",
                    message: &message,
                }));
            }
        }
    }
}

impl Actor for Session {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        self.ask(HubRequest::Join(self.makings.key));
        ctx.run_interval(self.makings.heartbeat, |session, _| session.beat());
        if let Some(left) = self.makings.access_for {
            ctx.run_later(left, |session, _| session.end(CloseCode::AccessEnded));
        }
    }
}

/// Also after a panic: the socket is closed and the hub forgets it.
impl Drop for Session {
    fn drop(&mut self) {
        self.makings
            .outbox
            .close(wire::close(CloseCode::Internal), false);
        if let Ok(mut sessions) = self.makings.sessions.try_borrow_mut() {
            sessions.remove(&self.makings.key);
        }
        let _ = self.makings.hub.post(HubRequest::Leave(self.makings.key));
        metrics::gauge!("heliograph_sessions").decrement(1.0);
    }
}

impl StreamHandler<ClientSaid> for Session {
    fn handle(&mut self, said: ClientSaid, ctx: &mut Context<Self>) {
        self.heard_at = Instant::now();
        if !self.may_talk() {
            return self.end(CloseCode::TooManyFrames);
        }
        match said {
            ClientSaid::Text(text) => self.heard(&text),
            ClientSaid::Ping(payload) => self.say(&wire::pong(&payload)),
            ClientSaid::Pong => {}
            ClientSaid::Nonsense => self.end(CloseCode::BadFrame),
            ClientSaid::Close => ctx.stop(),
        }
    }

    /// The socket is gone.
    fn finished(&mut self, ctx: &mut Context<Self>) {
        ctx.stop();
    }
}
