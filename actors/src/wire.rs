//! Server frames as the bytes that go out (RFC 6455: final, unmasked), encoded once and shared by every session that gets them, and
//! what comes in.

use bytes::{BufMut, Bytes, BytesMut};
use heliograph_schema::frame::{CloseCode, ServerFrame};

const TEXT: u8 = 0x81;
const CLOSE: u8 = 0x88;
const PING: u8 = 0x89;

/// What came from a socket.
#[derive(Debug)]
pub enum ClientSaid {
    /// A whole text message.
    Text(Bytes),
    /// A ping to be answered.
    Ping(Bytes),
    /// It lives.
    Pong,
    /// It goes.
    Close,
    /// Binary, too long, or no WebSocket at all.
    Nonsense,
}

fn framed(opcode: u8, payload: &[u8]) -> Bytes {
    let mut bytes = BytesMut::with_capacity(payload.len() + 10);
    bytes.put_u8(opcode);
    match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
        (Ok(length @ 0..=125), _) => bytes.put_u8(length),
        (_, Ok(length)) => {
            bytes.put_u8(126);
            bytes.put_u16(length);
        }
        _ => {
            bytes.put_u8(127);
            bytes.put_u64(payload.len() as u64);
        }
    }
    bytes.put_slice(payload);
    bytes.freeze()
}

/// A text frame around JSON that is already encoded.
pub fn text(json: &str) -> Bytes {
    framed(TEXT, json.as_bytes())
}

/// A frame of ours, encoded.
pub fn frame(frame: &ServerFrame<'_>) -> Bytes {
    // Our frames hold nothing that JSON cannot say; an empty object would be seen by any test of the protocol.
    text(&serde_json::to_string(frame).unwrap_or_else(|_| "{}".to_owned()))
}

/// A close frame.
pub fn close(code: CloseCode) -> Bytes {
    let (number, reason) = code.wire();
    let mut payload = number.to_be_bytes().to_vec();
    payload.extend(reason.as_bytes());
    framed(CLOSE, &payload)
}

/// A ping, which the other side's WebSocket answers by itself.
pub fn ping() -> Bytes {
    framed(PING, b"")
}

/// The answer to a client's ping.
pub fn pong(payload: &[u8]) -> Bytes {
    framed(0x8a, &payload[..payload.len().min(125)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_said_in_the_shortest_form() {
        assert_eq!(&text("hi")[..], b"\x81\x02hi");
        assert_eq!(&text(&"x".repeat(126))[..4], b"\x81\x7e\x00\x7e");
        assert_eq!(
            &text(&"x".repeat(65_536))[..10],
            b"\x81\x7f\0\0\0\0\0\x01\0\0"
        );
        assert_eq!(
            &close(CloseCode::GoingAway)[..],
            b"\x88\x0c\x0f\xa0going_away"
        );
    }
}
