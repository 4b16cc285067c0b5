//! How WebSockets are served on every listener: what comes in as whole messages, what goes out from a byte-bounded outbox, and the
//! connection itself, so that it can be shut from outside. The handshake is actix-web-actors'; its context is not used, because it
//! stops with a blocked socket. Knows nothing of who the client is and what it is told.

mod client_stream;

pub use client_stream::ClientStream;

use actix_web::{
    HttpRequest,
    body::{BodySize, MessageBody},
    dev::Extensions,
    rt::net::TcpStream,
};
use bytes::Bytes;
use heliograph_actors::outbox::Outbox;
use nix::sys::socket::{Shutdown, shutdown};
use socket2::SockRef;
use std::{
    any::Any,
    cell::Cell,
    convert::Infallible,
    os::fd::{AsRawFd, RawFd},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
    time::Duration,
};

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

    /// Shuts the connection of this request from outside of whatever it is doing, if it is still there.
    pub fn shutter_of(request: &HttpRequest) -> Box<dyn Fn()> {
        let Some(handle) = request.conn_data::<Self>() else {
            return Box::new(|| ());
        };
        let (descriptor, open) = (handle.descriptor, handle.open.clone());
        Box::new(move || {
            if open.get() {
                // An error means that the other side was faster.
                let _ = shutdown(descriptor, Shutdown::Both);
            }
        })
    }
}

impl Drop for SocketHandle {
    fn drop(&mut self) {
        self.open.set(false);
    }
}

/// What every connection of a listener with sockets is given.
#[derive(Debug, Clone, Copy)]
pub struct Tuning {
    /// Kernel send buffer.
    pub send_buffer_bytes: usize,
    /// `TCP_USER_TIMEOUT`.
    pub user_timeout: Duration,
}

impl Tuning {
    /// Small kernel buffers and an early end for peers that acknowledge nothing: else the kernel holds megabytes for each.
    pub fn apply(&self, connection: &dyn Any, data: &mut Extensions) {
        let Some(connection) = connection.downcast_ref::<TcpStream>() else {
            return;
        };
        let socket = SockRef::from(connection);
        // A socket that cannot be tuned still works.
        let _ = socket.set_send_buffer_size(self.send_buffer_bytes);
        let _ = socket.set_tcp_user_timeout(Some(self.user_timeout));
        let _ = socket.set_tcp_nodelay(true);
        data.insert(SocketHandle::of(connection));
    }
}

/// The half that goes out. `S` is what the socket holds while it is there: its seat.
pub struct OutboxBody<S> {
    outbox: Outbox,
    _seat: S,
}

impl<S> OutboxBody<S> {
    /// Feeds the socket from this queue.
    pub fn new(outbox: Outbox, seat: S) -> Self {
        Self {
            outbox,
            _seat: seat,
        }
    }
}

impl<S> MessageBody for OutboxBody<S> {
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
