//! What a client says over its socket: bytes become whole messages, bounded. Beyond the frames' form nothing is judged here.

use actix_codec::Decoder;
use actix_http::ws::{Codec, Frame, Item};
use actix_web::{error::PayloadError, web::Bytes};
use bytes::BytesMut;
use futures_util::Stream;
use heliograph_actors::wire::ClientSaid;
use std::{
    pin::Pin,
    task::{Context, Poll},
};

/// Longest client message.
const MESSAGE_BYTES_MAX: usize = 65_536;

/// Client messages out of a request's payload.
pub struct ClientStream<P> {
    payload: P,
    codec: Codec,
    buffer: BytesMut,
    /// A text message that is still coming, frame by frame.
    partial: Option<BytesMut>,
    over: bool,
}

impl<P> ClientStream<P> {
    /// Of an upgraded request's payload.
    pub fn new(payload: P) -> Self {
        let codec = Codec::new().max_size(MESSAGE_BYTES_MAX);
        Self {
            payload,
            codec,
            buffer: BytesMut::new(),
            partial: None,
            over: false,
        }
    }

    /// The next whole message in the buffer.
    fn decode(&mut self) -> Option<ClientSaid> {
        loop {
            let frame = match self.codec.decode(&mut self.buffer) {
                Ok(Some(frame)) => frame,
                Ok(None) => return None,
                Err(_) => {
                    self.over = true;
                    return Some(ClientSaid::Nonsense);
                }
            };
            match frame {
                Frame::Text(text) => return Some(ClientSaid::Text(text)),
                Frame::Ping(payload) => return Some(ClientSaid::Ping(payload)),
                Frame::Pong(_) => return Some(ClientSaid::Pong),
                Frame::Close(_) => return Some(ClientSaid::Close),
                Frame::Binary(_) => return Some(ClientSaid::Nonsense),
                Frame::Continuation(item) => {
                    if let Some(said) = self.continued(item) {
                        return Some(said);
                    }
                }
            }
        }
    }

    fn continued(&mut self, item: Item) -> Option<ClientSaid> {
        let (bytes, last) = match item {
            Item::FirstText(bytes) => {
                self.partial = Some(BytesMut::new());
                (bytes, false)
            }
            Item::FirstBinary(_) => return Some(ClientSaid::Nonsense),
            Item::Continue(bytes) => (bytes, false),
            Item::Last(bytes) => (bytes, true),
        };
        let Some(partial) = self
            .partial
            .as_mut()
            .filter(|so_far| so_far.len() + bytes.len() <= MESSAGE_BYTES_MAX)
        else {
            self.over = true;
            return Some(ClientSaid::Nonsense);
        };
        partial.extend_from_slice(&bytes);
        if !last {
            return None;
        }
        self.partial
            .take()
            .map(|whole| ClientSaid::Text(whole.freeze()))
    }
}

impl<P: Stream<Item = Result<Bytes, PayloadError>> + Unpin> Stream for ClientStream<P> {
    type Item = ClientSaid;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<ClientSaid>> {
        let this = self.get_mut();
        loop {
            if this.over {
                return Poll::Ready(None);
            }
            if let Some(said) = this.decode() {
                return Poll::Ready(Some(said));
            }
            match Pin::new(&mut this.payload).poll_next(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Some(Ok(bytes))) => this.buffer.extend_from_slice(&bytes),
                Poll::Ready(Some(Err(_)) | None) => this.over = true,
            }
        }
    }
}
