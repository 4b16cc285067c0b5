//! `GET /live`: the upgrade, and the socket's two halves. The handshake is actix-web-actors'; the body is our own, because its
//! context stops with a blocked socket: here a byte-bounded outbox feeds the socket, and the session beside it stays awake.
//! All that depends on how sockets are served is in this file and `client_stream.rs`.

use super::{Public, client_stream::ClientStream, viewer};
use crate::{error::ApiError, token};
use actix::{Actor, AsyncContext};
use actix_web::{
    HttpRequest, HttpResponse,
    body::{BodySize, MessageBody},
    web,
};
use actix_web_actors::ws;
use bytes::Bytes;
use heliograph_actors::{
    hub_core::SessionKey,
    outbox::Outbox,
    port::Port,
    session::{Session, SessionMakings},
    session_hub::{HubRequest, LocalSession, LocalSessions},
};
use nix::sys::socket::{Shutdown, shutdown};
use std::{
    cell::Cell,
    convert::Infallible,
    os::fd::{AsRawFd, RawFd},
    pin::Pin,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    task::{Context, Poll},
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

/// A connection's descriptor, kept in its connection data, which is dropped together with the connection and on its thread. So
/// whoever asks on that thread whether it is open knows that the number still means this connection.
pub struct SocketHandle {
    descriptor: RawFd,
    open: Rc<Cell<bool>>,
}

impl SocketHandle {
    /// Of a connection that was just accepted on this thread.
    pub fn of(connection: &impl AsRawFd) -> Self {
        Self {
            descriptor: connection.as_raw_fd(),
            open: Rc::new(Cell::new(true)),
        }
    }

    /// Shuts the connection from outside of whatever it is doing, if it is still there.
    fn shutter(&self) -> impl Fn() + 'static {
        let (descriptor, open) = (self.descriptor, self.open.clone());
        move || {
            if open.get() {
                // An error means that the other side was faster.
                let _ = shutdown(descriptor, Shutdown::Both);
            }
        }
    }
}

impl Drop for SocketHandle {
    fn drop(&mut self) {
        self.open.set(false);
    }
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

/// The half that goes out.
struct OutboxBody {
    outbox: Outbox,
    _seat: Seat,
}

impl MessageBody for OutboxBody {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Infallible>>> {
        self.outbox.poll_take(cx).map(|frame| frame.map(Ok))
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
            shut: request.conn_data::<SocketHandle>().map_or_else(
                || Box::new(|| ()) as _,
                |socket| Box::new(socket.shutter()) as _,
            ),
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
    Ok(response.body(OutboxBody {
        outbox,
        _seat: seat,
    }))
}
