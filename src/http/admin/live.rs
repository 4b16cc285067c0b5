//! `GET /api/live`: the socket of an administrator's page. The upgrade and what the page says are here; what it is told goes past
//! this, from the feed into the socket's queue, so that a blocked socket stops nobody.

pub(super) mod views;

use super::{Admin, access, session};
use crate::{
    clock,
    error::ApiError,
    http::socket::{ClientStream, OutboxBody, SocketHandle},
};
use actix_web::{HttpRequest, HttpResponse, web};
use actix_web_actors::ws;
use futures_util::StreamExt as _;
use heliograph_actors::{
    admin_feed::{AdminSocket, AdminSockets, FeedRequest},
    feed_core::{SocketKey, Watched},
    outbox::Outbox,
    port::Port,
    wire::{self, ClientSaid},
};
use heliograph_schema::frame::{CloseCode, ServerFrame};
use serde::Deserialize;
use std::{
    cell::Cell,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

/// Sockets at a time.
const SOCKETS_MAX: usize = 64;
/// Seconds a page waits when there is no room.
const NO_ROOM_RETRY_AFTER_S: u32 = 5;
/// Queued for one socket; over it the page is cut, connects again and reads anew.
const OUTBOX_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Client frames in [`TALK_WINDOW`]; more is a client out of control.
const TALK_MAX: u32 = 100;
const TALK_WINDOW: Duration = Duration::from_secs(10);

/// What belongs to the thread of the admin listener.
pub struct AdminThread {
    /// Its feed.
    pub feed: Port<FeedRequest>,
    /// Its sockets.
    pub sockets: AdminSockets,
    /// How many there are; the process waits for them when it stops.
    pub count: Arc<AtomicUsize>,
    /// No new ones.
    pub stopping: Arc<AtomicBool>,
    /// The next one's key.
    pub next_key: Cell<SocketKey>,
}

/// One of the sockets that may be; given back when the socket's body is dropped.
struct Seat(Arc<AtomicUsize>);

impl Seat {
    fn take(thread: &AdminThread) -> Result<Self, ApiError> {
        if thread.stopping.load(SeqCst) {
            let message = "the server stops";
            return Err(ApiError::unavailable(
                "stopping",
                message,
                NO_ROOM_RETRY_AFTER_S,
            ));
        }
        let seat = Self(thread.count.clone());
        if seat.0.fetch_add(1, SeqCst) < SOCKETS_MAX {
            return Ok(seat);
        }
        Err(ApiError::too_many(
            "too_many_sockets",
            format!("there are {SOCKETS_MAX} pages at a time"),
            NO_ROOM_RETRY_AFTER_S,
        ))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

/// What a page says.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum PageSays {
    /// It watches these from now on, and nothing else.
    Watch {
        /// Which.
        topics: Vec<Watched>,
    },
    /// It lives.
    Pong {},
}

/// The live socket of a page: frames as in docs/PROTOCOL.md.
#[utoipa::path(
    get,
    path = "/api/live",
    responses(
        (status = 101, description = "The WebSocket."),
        (status = 400, description = "No WebSocket was asked for."),
        (status = 429, description = "Too many pages.")
    )
)]
pub(super) async fn get(
    request: HttpRequest,
    payload: web::Payload,
    admin: web::Data<Admin>,
    thread: web::Data<AdminThread>,
) -> Result<HttpResponse, actix_web::Error> {
    let mut response =
        ws::handshake(&request).map_err(|error| ApiError::invalid(error.to_string()))?;
    let seat = Seat::take(&thread)?;
    let outbox = Outbox::new(OUTBOX_BYTES_MAX);
    let key = thread.next_key.replace(thread.next_key.get() + 1);
    let socket = AdminSocket {
        outbox: outbox.clone(),
        shut: SocketHandle::shutter_of(&request),
        may_look: may_look(&request, &admin),
        heard_at: Instant::now(),
        closing_since: None,
    };
    thread.sockets.borrow_mut().insert(key, socket);
    metrics::gauge!("heliograph_admin_sockets").increment(1.0);
    let page = Page {
        key,
        outbox: outbox.clone(),
        thread: thread.into_inner(),
        talk: (Instant::now(), 0),
    };
    if page.thread.feed.post(FeedRequest::Join(key)).is_err() {
        // Dropped, the page takes its socket out again.
        let message = "the feed does not run";
        return Err(ApiError::unavailable("unavailable", message, NO_ROOM_RETRY_AFTER_S).into());
    }
    actix_web::rt::spawn(page.listen(ClientStream::new(payload.into_inner())));
    Ok(response.body(OutboxBody::new(outbox, seat)))
}

/// Whether whoever opened this may still look: the token does not end, a sign-in does.
fn may_look(request: &HttpRequest, admin: &web::Data<Admin>) -> Box<dyn Fn() -> bool> {
    match request.cookie(session::COOKIE) {
        Some(cookie) if access::is_by_cookie(request.headers(), admin) => {
            let (admin, text) = (admin.clone(), cookie.value().to_owned());
            Box::new(move || admin.sign_ins.is_signed_in(clock::now_ms(), &text))
        }
        _ => Box::new(|| true),
    }
}

/// A page that listens and is listened to.
struct Page {
    key: SocketKey,
    outbox: Outbox,
    thread: Arc<AdminThread>,
    talk: (Instant, u32),
}

impl Page {
    async fn listen<P>(mut self, mut said: ClientStream<P>)
    where
        ClientStream<P>: futures_util::Stream<Item = ClientSaid> + Unpin,
    {
        while let Some(said) = said.next().await {
            if let Some(socket) = self.thread.sockets.borrow_mut().get_mut(&self.key) {
                socket.heard_at = Instant::now();
            }
            if !self.may_talk() {
                self.end(CloseCode::TooManyFrames);
                continue;
            }
            match said {
                ClientSaid::Text(text) => self.heard(&text),
                ClientSaid::Ping(payload) => self.say(&wire::pong(&payload)),
                ClientSaid::Pong => {}
                ClientSaid::Nonsense => self.end(CloseCode::BadFrame),
                ClientSaid::Close => return,
            }
        }
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

    fn heard(&self, text: &[u8]) {
        match serde_json::from_slice(text) {
            Ok(PageSays::Watch { topics }) => {
                let watch = FeedRequest::Watch(self.key, topics);
                if self.thread.feed.post(watch).is_err() {
                    self.end(CloseCode::Internal);
                }
            }
            Ok(PageSays::Pong {}) => {}
            Err(error) if error.is_syntax() || error.is_eof() => self.end(CloseCode::BadFrame),
            Err(error) => self.say(&wire::frame(&ServerFrame::Error {
                code: "not_understood",
                message: &error.to_string(),
            })),
        }
    }

    fn say(&self, frame: &bytes::Bytes) {
        if self.outbox.push(frame).is_err() {
            self.end(CloseCode::SlowSession);
        }
    }

    fn end(&self, code: CloseCode) {
        self.outbox.close(wire::close(code), false);
        if let Some(socket) = self.thread.sockets.borrow_mut().get_mut(&self.key) {
            socket.closing_since.get_or_insert_with(Instant::now);
        }
    }
}

/// Also after a panic: the socket is closed and the feed forgets it.
impl Drop for Page {
    fn drop(&mut self) {
        self.outbox.close(wire::close(CloseCode::Internal), false);
        if let Ok(mut sockets) = self.thread.sockets.try_borrow_mut() {
            sockets.remove(&self.key);
        }
        // Refused: the feed runs no more, or finds out when it next tells this page something.
        let _ = self.thread.feed.post(FeedRequest::Leave(self.key));
        metrics::gauge!("heliograph_admin_sockets").decrement(1.0);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_a_page_may_say() {
        use Watched::{Actors, Signals, Targets};
        for (text, want) in [
            (
                r#"{"type":"watch","topics":["signals","actors","targets"]}"#,
                Some(vec![Signals, Actors, Targets]),
            ),
            (r#"{"type":"watch","topics":[]}"#, Some(vec![])),
            (r#"{"type":"watch","topics":["all"]}"#, None),
            (r#"{"type":"watch"}"#, None),
            (r#"{"type":"attach","channels":[]}"#, None),
        ] {
            let said = serde_json::from_str::<PageSays>(text).ok();
            assert_eq!(
                said,
                want.map(|topics| PageSays::Watch { topics }),
                "{text}"
            );
        }
        assert_eq!(
            serde_json::from_str::<PageSays>(r#"{"type":"pong"}"#).unwrap(),
            PageSays::Pong {}
        );
    }
}
