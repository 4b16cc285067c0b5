//! Owns one careful session: it reads every field, keeps its cursors, and can come back where it was. Blocking, one thread
//! each. [`Follower`] keeps the whole record of what a viewer was shown, through any number of cuts.

use std::collections::BTreeMap;
use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::wire::{self, Kind};
use crate::failure::{Doing, Failure, Outcome};

/// What one wait for bytes lasts, so that a deadline is kept.
const READ_SLICE: Duration = Duration::from_millis(20);
/// How long the upgrade and the welcome may take.
const WELCOME_WITHIN: Duration = Duration::from_secs(10);

/// A change as a viewer was told of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Told {
    /// The channel's incarnation.
    pub epoch: i64,
    /// Its number.
    pub seq: i64,
    /// The signal.
    pub signal_id: u64,
    /// The signal's revision.
    pub revision: i64,
    /// `create`, `update` or `delete`.
    pub kind: String,
}

/// What came over the socket.
#[derive(Clone, Debug)]
pub enum Event {
    /// A text frame of the protocol.
    Frame(Value),
    /// The server closed, with this code; 0 when the connection just ended.
    Closed(u16),
    /// Nothing came in time.
    Silence,
}

/// One open socket.
#[derive(Debug)]
pub struct Session {
    stream: TcpStream,
    bytes: Vec<u8>,
    consumed: usize,
}

impl Session {
    /// Connects and waits for the welcome.
    ///
    /// # Errors
    /// Refused, or no welcome in time.
    pub fn open(address: SocketAddr, token: Option<&str>) -> Outcome<(Self, Value)> {
        Self::open_by(address, &wire::upgrade_request(&address.to_string(), token))
    }

    /// Connects by this upgrade request and waits for the welcome.
    ///
    /// # Errors
    /// Refused, or no welcome in time.
    pub fn open_by(address: SocketAddr, request: &str) -> Outcome<(Self, Value)> {
        let stream = TcpStream::connect_timeout(&address, WELCOME_WITHIN).doing("connecting")?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(READ_SLICE))?;
        stream.set_write_timeout(Some(WELCOME_WITHIN))?;
        let mut session = Self {
            stream,
            bytes: Vec::new(),
            consumed: 0,
        };
        session.stream.write_all(request.as_bytes())?;
        let deadline = Instant::now() + WELCOME_WITHIN;
        loop {
            if let Some(answer) = wire::upgrade_answer(&session.bytes) {
                session.consumed = answer.map_err(Failure::new)?;
                break;
            }
            if session.read()? == Some(0) || Instant::now() >= deadline {
                return Err(Failure::new("the upgrade was not answered"));
            }
        }
        match session.next(WELCOME_WITHIN)? {
            Event::Frame(frame) if frame["type"] == "welcome" => Ok((session, frame)),
            other => Err(Failure::new(format!("instead of a welcome: {other:?}"))),
        }
    }

    /// Sends one text frame.
    ///
    /// # Errors
    /// The connection broke.
    pub fn send(&mut self, text: &str) -> Outcome<()> {
        let frame = wire::client_frame(Kind::Text, text.as_bytes());
        self.stream.write_all(&frame).doing("sending a frame")
    }

    /// The next text frame, or the end, or silence after `within`. Pings are answered on the way.
    ///
    /// # Errors
    /// The connection broke, or what came is not the protocol.
    pub fn next(&mut self, within: Duration) -> Outcome<Event> {
        let deadline = Instant::now() + within;
        loop {
            let unread = &self.bytes[self.consumed..];
            if let Some((kind, range)) = wire::next_frame(unread).map_err(Failure::new)? {
                let payload = unread[range.clone()].to_vec();
                self.consumed += range.end;
                match kind {
                    Kind::Text => return Ok(Event::Frame(serde_json::from_slice(&payload)?)),
                    Kind::Close => return Ok(Event::Closed(wire::close_code(&payload))),
                    Kind::Ping => self
                        .stream
                        .write_all(&wire::client_frame(Kind::Pong, &payload))?,
                    Kind::Pong => {}
                    Kind::Other => return Err(Failure::new("a fragment or a binary frame")),
                }
                continue;
            }
            if self.read()? == Some(0) {
                return Ok(Event::Closed(0));
            }
            if Instant::now() >= deadline && self.consumed == self.bytes.len() {
                return Ok(Event::Silence);
            }
        }
    }

    /// Ends the connection without a word, as a lost network would.
    pub fn cut(self) {
        let _ = self.stream.shutdown(Shutdown::Both);
    }

    /// Reads what is there: `None` after a slice without anything, `Some(0)` at the end.
    fn read(&mut self) -> Outcome<Option<usize>> {
        self.bytes.drain(..self.consumed);
        self.consumed = 0;
        let mut piece = [0; 16 * 1024];
        match self.stream.read(&mut piece) {
            Ok(count) => {
                self.bytes.extend_from_slice(&piece[..count]);
                Ok(Some(count))
            }
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::WouldBlock
                        | io::ErrorKind::TimedOut
                        | io::ErrorKind::Interrupted
                ) =>
            {
                Ok(None)
            }
            Err(error) => Err(error).doing("reading a frame"),
        }
    }
}

/// The record of one viewer: where it stands in each channel and everything it was told.
#[derive(Clone, Debug, Default)]
pub struct Follower {
    cursors: BTreeMap<u64, (i64, i64)>,
    told: BTreeMap<u64, Vec<Told>>,
    /// Revisions that came again.
    pub doubled: u64,
    /// Holes.
    pub gaps: u64,
    /// Times the server could not resume from a cursor.
    pub resyncs: u64,
    /// Connections made.
    pub connects: u64,
}

impl Follower {
    /// A viewer that wants everything of these channels from the first revision of epoch 1 on.
    #[must_use]
    pub fn from_the_beginning(channels: &[u64]) -> Self {
        Self {
            cursors: channels.iter().map(|channel| (*channel, (1, 0))).collect(),
            told: channels
                .iter()
                .map(|channel| (*channel, Vec::new()))
                .collect(),
            ..Self::default()
        }
    }

    /// What it was told of a channel, in order.
    #[must_use]
    pub fn told(&self, channel: u64) -> &[Told] {
        self.told.get(&channel).map_or(&[], Vec::as_slice)
    }

    /// Where it stands in a channel.
    #[must_use]
    pub fn seq(&self, channel: u64) -> i64 {
        self.cursors.get(&channel).map_or(0, |(_, seq)| *seq)
    }

    /// Connects and attaches every channel at its cursor.
    ///
    /// # Errors
    /// Refused.
    pub fn connect(&mut self, address: SocketAddr, token: Option<&str>) -> Outcome<Session> {
        let (mut session, _) = Session::open(address, token)?;
        let channels = self
            .cursors
            .iter()
            .map(|(channel, cursor)| (*channel, Some(*cursor)));
        session.send(&wire::attach(channels))?;
        self.connects += 1;
        Ok(session)
    }

    /// Takes in one frame; true when it was a revision.
    ///
    /// # Errors
    /// The frame is not of the protocol, or a channel may not be seen.
    pub fn take_in(&mut self, frame: &Value) -> Outcome<bool> {
        match frame["type"].as_str() {
            Some("revision") => self.revision(frame).map(|()| true),
            Some("attached") => self.attached(frame).map(|()| false),
            Some("live" | "heartbeat" | "going_away" | "detached") => Ok(false),
            _ => Err(Failure::new(format!("not expected: {frame}"))),
        }
    }

    fn revision(&mut self, frame: &Value) -> Outcome<()> {
        let channel = id(&frame["channel_id"])?;
        let told = Told {
            epoch: frame["epoch"].as_i64().doing("epoch")?,
            seq: frame["seq"].as_i64().doing("seq")?,
            signal_id: id(&frame["signal"]["signal_id"])?,
            revision: frame["signal"]["revision"].as_i64().doing("revision")?,
            kind: frame["kind"].as_str().doing("kind")?.to_owned(),
        };
        let cursor = self
            .cursors
            .get_mut(&channel)
            .doing(format!("channel {channel}, which was not attached"))?;
        if (told.epoch, told.seq) <= *cursor {
            self.doubled += 1;
            return Ok(());
        }
        if (told.epoch, told.seq) != (cursor.0, cursor.1 + 1) {
            self.gaps += 1;
        }
        *cursor = (told.epoch, told.seq);
        self.told.entry(channel).or_default().push(told);
        Ok(())
    }

    fn attached(&mut self, frame: &Value) -> Outcome<()> {
        for channel in frame["channels"].as_array().into_iter().flatten() {
            match channel["status"].as_str() {
                Some("resumed") => {}
                Some("resync_required") => self.resyncs += 1,
                _ => return Err(Failure::new(format!("attached with {channel}"))),
            }
        }
        Ok(())
    }
}

fn id(value: &Value) -> Outcome<u64> {
    value
        .as_str()
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| Failure::new(format!("not an id: {value}")))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    fn revision(epoch: i64, seq: i64) -> Value {
        json!({"type": "revision", "channel_id": "7", "epoch": epoch, "seq": seq, "kind": "create",
            "signal": {"signal_id": "99", "revision": 1}})
    }

    #[test]
    fn a_follower_keeps_its_record_and_sees_what_is_wrong_with_it() {
        let mut follower = Follower::from_the_beginning(&[7]);
        for (epoch, seq) in [(1, 1), (1, 2), (1, 2), (1, 1), (1, 4), (2, 1)] {
            assert!(follower.take_in(&revision(epoch, seq)).unwrap());
        }
        assert_eq!((follower.doubled, follower.gaps), (2, 2));
        assert_eq!(follower.told(7).len(), 4);
        assert_eq!(follower.seq(7), 1);
        let attached = json!({"type": "attached", "channels": [{"channel_id": "7", "status": "resync_required"}]});
        assert!(!follower.take_in(&attached).unwrap());
        assert_eq!(follower.resyncs, 1);
        for bad in [
            json!({"type": "error"}),
            json!({"type": "attached", "channels": [{"channel_id": "7", "status": "forbidden"}]}),
            json!({"type": "revision", "channel_id": "8", "epoch": 1, "seq": 1, "kind": "create",
                "signal": {"signal_id": "1", "revision": 1}}),
        ] {
            assert!(follower.take_in(&bad).is_err(), "{bad}");
        }
    }
}
