//! `GET /live`: the upgrade, and the socket's two halves. The handshake is actix-web-actors'; the body is our own, because its
//! context stops with a blocked socket: here a byte-bounded outbox feeds the socket, and the session beside it stays awake.
//! All that depends on how sockets are served is in `socket`.

use super::{Public, viewer};
use crate::{
    error::ApiError,
    http::socket::{ClientStream, OutboxBody, SocketHandle},
    token,
};
use actix::{Actor, AsyncContext};
use actix_web::{HttpRequest, HttpResponse, web};
use actix_web_actors::ws;
use heliograph_actors::{
    hub_core::SessionKey,
    outbox::Outbox,
    port::Port,
    session::{Session, SessionMakings},
    session_hub::{HubRequest, LocalSession, LocalSessions},
};
use std::{
    cell::Cell,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

/// Seconds a client waits when there is no room for a session.
const NO_ROOM_RETRY_AFTER_S: u32 = 5;

/// What belongs to one thread of the public listener.
pub struct PublicThread {
    /// Its hub.
    pub hub: Port<HubRequest>,
    /// Its sessions.
    pub sessions: LocalSessions,
    /// The next session's key.
    pub next_key: Cell<SessionKey>,
}

/// One of the sessions that may be; given back when the socket's body is dropped.
struct Seat(Arc<AtomicUsize>);

impl Seat {
    fn take(public: &Public) -> Result<Self, ApiError> {
        let seat = Self(public.sessions.clone());
        if seat.0.fetch_add(1, SeqCst) < public.sessions_max && !public.stopping.load(SeqCst) {
            return Ok(seat);
        }
        Err(ApiError::unavailable(
            "unavailable",
            "no room for another session",
            NO_ROOM_RETRY_AFTER_S,
        ))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

/// The route.
pub(super) async fn get(
    request: HttpRequest,
    payload: web::Payload,
    public: web::Data<Public>,
    thread: web::Data<PublicThread>,
) -> Result<HttpResponse, actix_web::Error> {
    viewer::same_origin(&request)?;
    let viewer = viewer::of(&request, &public).await?;
    let seat = Seat::take(&public)?;
    let mut response = ws::handshake(&request)?;
    let outbox = Outbox::new(public.outbox_bytes_max);
    let key = thread.next_key.replace(thread.next_key.get() + 1);
    thread.sessions.borrow_mut().insert(
        key,
        LocalSession {
            outbox: outbox.clone(),
            tier: viewer.tier,
            session_token_id: viewer.session_token_id,
            session_id: token::hex(&rand::random::<[u8; 8]>()),
            shut: SocketHandle::shutter_of(&request),
            closing_since: None,
        },
    );
    metrics::gauge!("heliograph_sessions").increment(1.0);
    let session = Session::new(SessionMakings {
        key,
        outbox: outbox.clone(),
        hub: thread.hub.clone(),
        sessions: thread.sessions.clone(),
        heartbeat: public.bounds.heartbeat,
        silence_max: public.silence_max,
        access_for: viewer.access_for,
        now_ms: crate::clock::now_ms,
    });
    Session::create(|context| {
        context.add_stream(ClientStream::new(payload.into_inner()));
        session
    });
    Ok(response.body(OutboxBody::new(outbox, seat)))
}
