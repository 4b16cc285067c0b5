//! Owns RFC 6455 as a client needs it: the upgrade request, the check of its answer, masked frames out, frames in.
//! Bytes in, bytes out: no socket and no clock.

use std::fmt::Write as _;

/// The key of the RFC's own example. A fixed key lets us check the answer without a hash.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
/// What a server must answer to [`KEY`].
pub const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
/// A frame longer than this is refused.
const PAYLOAD_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// The answer to an upgrade is never longer.
pub const ANSWER_BYTES_MAX: usize = 8 * 1024;
/// Any mask will do on a loopback; zero makes masking a copy.
const MASK: [u8; 4] = [0; 4];

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// UTF-8 text.
    Text,
    /// The peer closes.
    Close,
    /// To be answered with a pong of the same payload.
    Ping,
    /// An answer to a ping.
    Pong,
    /// Anything else, fragments included, which our server does not send.
    Other,
}

/// The upgrade request for `/live`.
#[must_use]
pub fn upgrade_request(host: &str, token: Option<&str>) -> String {
    upgrade_request_for("/live", host, token)
}

/// The upgrade request for this path.
#[must_use]
pub fn upgrade_request_for(path: &str, host: &str, token: Option<&str>) -> String {
    let mut request = format!(
        "GET {path} HTTP/1.1\r\nhost: {host}\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-version: 13\r\nsec-websocket-key: {KEY}\r\n"
    );
    if let Some(token) = token {
        // Writing to a String cannot fail.
        let _ = write!(request, "authorization: Bearer {token}\r\n");
    }
    request + "\r\n"
}

/// Reads the answer to the upgrade: `None` when more bytes are needed, else its length or what is wrong with it.
#[must_use]
pub fn upgrade_answer(bytes: &[u8]) -> Option<Result<usize, String>> {
    let Some(end) = crate::clock::find(bytes, b"\r\n\r\n") else {
        return (bytes.len() > ANSWER_BYTES_MAX)
            .then(|| Err("the answer to the upgrade does not end".to_owned()));
    };
    let head = String::from_utf8_lossy(&bytes[..end]);
    let status = head.lines().next().unwrap_or_default();
    if !status.starts_with("HTTP/1.1 101") {
        return Some(Err(format!("the upgrade was answered with {status:?}")));
    }
    if !head.contains(ACCEPT) {
        return Some(Err("the upgrade was answered with another key".to_owned()));
    }
    Some(Ok(end + 4))
}

/// The next whole frame in `bytes`: its kind, its payload's range and where the next one begins. `None` when more bytes are
/// needed.
///
/// # Errors
/// The bytes are no frame that a server may send.
pub fn next_frame(bytes: &[u8]) -> Result<Option<(Kind, std::ops::Range<usize>)>, String> {
    let &[first, second, ..] = bytes else {
        return Ok(None);
    };
    if second & 0x80 != 0 {
        return Err("a server must not mask".to_owned());
    }
    if first & 0x70 != 0 {
        return Err("an extension that was not agreed on".to_owned());
    }
    let (length, start) = match second & 0x7f {
        126 => match bytes.get(2..4) {
            Some(&[high, low]) => (u64::from(u16::from_be_bytes([high, low])), 4),
            _ => return Ok(None),
        },
        127 => match bytes.get(2..10).and_then(|raw| raw.try_into().ok()) {
            Some(raw) => (u64::from_be_bytes(raw), 10),
            None => return Ok(None),
        },
        short => (u64::from(short), 2),
    };
    if length > PAYLOAD_BYTES_MAX {
        return Err(format!("a frame of {length} bytes"));
    }
    #[allow(clippy::cast_possible_truncation)]
    let end = start + length as usize;
    if bytes.len() < end {
        return Ok(None);
    }
    let kind = match first {
        0x81 => Kind::Text,
        0x88 => Kind::Close,
        0x89 => Kind::Ping,
        0x8a => Kind::Pong,
        _ => Kind::Other,
    };
    Ok(Some((kind, start..end)))
}

/// The close code in the payload of a close frame; 1005 when there is none.
#[must_use]
pub fn close_code(payload: &[u8]) -> u16 {
    match payload {
        [high, low, ..] => u16::from_be_bytes([*high, *low]),
        _ => 1005,
    }
}

/// A whole frame as a client sends it. Payloads up to 64 KiB.
#[must_use]
pub fn client_frame(kind: Kind, payload: &[u8]) -> Vec<u8> {
    let mut frame = head(kind, payload.len(), 0x80);
    frame.extend_from_slice(&MASK);
    frame.extend_from_slice(payload);
    frame
}

/// A whole frame as a server sends it. Payloads up to 64 KiB.
#[must_use]
pub fn server_frame(kind: Kind, payload: &[u8]) -> Vec<u8> {
    let mut frame = head(kind, payload.len(), 0);
    frame.extend_from_slice(payload);
    frame
}

#[allow(clippy::cast_possible_truncation)]
fn head(kind: Kind, length: usize, mask_bit: u8) -> Vec<u8> {
    let mut frame = Vec::with_capacity(length + 8);
    frame.push(match kind {
        Kind::Text => 0x81,
        Kind::Close => 0x88,
        Kind::Ping => 0x89,
        Kind::Pong => 0x8a,
        Kind::Other => 0x82,
    });
    if length < 126 {
        frame.push(mask_bit | length as u8);
    } else {
        debug_assert!(
            length <= usize::from(u16::MAX),
            "longer frames are not needed"
        );
        frame.push(mask_bit | 126);
        frame.extend_from_slice(&(length as u16).to_be_bytes());
    }
    frame
}

/// The `attach` frame for channels, each with its cursor if it has one.
#[must_use]
pub fn attach(channels: impl Iterator<Item = (u64, Option<(i64, i64)>)>) -> String {
    let list: Vec<String> = channels
        .map(|(channel, cursor)| match cursor {
            None => format!(r#"{{"channel_id":"{channel}"}}"#),
            Some((epoch, seq)) => {
                format!(r#"{{"channel_id":"{channel}","cursor":{{"epoch":{epoch},"seq":{seq}}}}}"#)
            }
        })
        .collect();
    format!(r#"{{"type":"attach","channels":[{}]}}"#, list.join(","))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn frames_of_every_length_are_read_from_any_cut() {
        for length in [0, 1, 125, 126, 600, 65_535] {
            let payload = vec![b'x'; length];
            let frame = server_frame(Kind::Text, &payload);
            for cut in [0, 1, 2, 3, frame.len() - 1] {
                if cut < frame.len() {
                    assert_eq!(next_frame(&frame[..cut]), Ok(None), "{length} {cut}");
                }
            }
            let (kind, range) = next_frame(&frame).unwrap().unwrap();
            assert_eq!(
                (kind, range.len(), range.end),
                (Kind::Text, length, frame.len())
            );
        }
        let mut long = vec![0x81, 127];
        long.extend_from_slice(&70_000_u64.to_be_bytes());
        assert_eq!(next_frame(&long), Ok(None));
        long.resize(10 + 70_000, b'x');
        assert_eq!(next_frame(&long).unwrap().unwrap().1, 10..70_010);
    }

    #[test]
    fn what_no_server_may_send_is_refused() {
        assert!(next_frame(&client_frame(Kind::Text, b"masked")).is_err());
        assert!(next_frame(&[0xc1, 0]).is_err());
        let mut endless = vec![0x81, 127];
        endless.extend_from_slice(&u64::MAX.to_be_bytes());
        assert!(next_frame(&endless).is_err());
        assert_eq!(close_code(&[0x0f, 0xa1]), 4001);
        assert_eq!(close_code(&[]), 1005);
    }

    #[test]
    fn an_upgrade_is_taken_only_with_its_key() {
        let good = format!(
            "HTTP/1.1 101 Switching Protocols\r\nsec-websocket-accept: {ACCEPT}\r\n\r\nrest"
        );
        assert_eq!(upgrade_answer(good.as_bytes()), Some(Ok(good.len() - 4)));
        assert_eq!(upgrade_answer(b"HTTP/1.1 101 Sw"), None);
        assert!(upgrade_answer(b"HTTP/1.1 503 No\r\n\r\n").unwrap().is_err());
        assert!(
            upgrade_answer(b"HTTP/1.1 101 Yes\r\n\r\n")
                .unwrap()
                .is_err()
        );
        assert!(upgrade_request("h", Some("secret")).contains("Bearer secret\r\n\r\n"));
    }

    #[test]
    fn attach_is_json_of_the_contract() {
        let text = attach([(7, None), (8, Some((1, 42)))].into_iter());
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["channels"][0], serde_json::json!({"channel_id": "7"}));
        assert_eq!(value["channels"][1]["cursor"]["seq"], 42);
    }
}
