//! A viewer that reads every frame in its turn: what is expected next must come next.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
};

use heliograph_bench::live_client::{
    session::{Event, Session},
    wire,
};
use serde_json::Value;

use crate::harness::{PATIENCE, wait_for};

/// A place in a channel: epoch and number.
pub type Place = (i64, i64);

/// One open session.
pub struct Watcher {
    session: Session,
    /// Its first frame.
    pub welcome: Value,
}

impl Watcher {
    /// Connects; the welcome must come.
    pub fn open(address: SocketAddr, token: Option<&str>) -> Self {
        let (session, welcome) =
            Session::open(address, token).unwrap_or_else(|failure| panic!("{failure}"));
        Self { session, welcome }
    }

    /// Connects as a visitor to a hub that knows so many revisions of a channel: a commit is answered a moment before the hubs
    /// hear of it.
    pub fn open_at(address: SocketAddr, channel: u64, seq: i64) -> Self {
        wait_for("the hub to know what was committed", || {
            let watcher = Self::open(address, None);
            let channels = watcher.welcome["channels"].as_array().unwrap();
            let known = channels
                .iter()
                .any(|seen| seen["channel_id"] == channel.to_string() && seen["seq"] == seq);
            known.then_some(watcher)
        })
    }

    /// Connects as a visitor and attaches; the answer and everything until all are live must come.
    pub fn live(address: SocketAddr, channels: &[u64]) -> Self {
        Self::open(address, None).go_live(channels)
    }

    /// Attaches from the head on; the answer and everything until all are live must come.
    pub fn go_live(mut self, channels: &[u64]) -> Self {
        self.attach(
            &channels
                .iter()
                .map(|channel| (*channel, None))
                .collect::<Vec<_>>(),
        );
        for _ in channels {
            self.next("live");
        }
        self
    }

    /// Says something.
    pub fn say(&mut self, text: &str) {
        self.session.send(text).unwrap();
    }

    /// Attaches: the answer.
    pub fn attach(&mut self, channels: &[(u64, Option<Place>)]) -> Vec<Value> {
        self.say(&wire::attach(channels.iter().copied()));
        self.next("attached")["channels"]
            .as_array()
            .unwrap()
            .clone()
    }

    /// The next frame but heartbeats, or the close code.
    pub fn frame(&mut self) -> Result<Value, u16> {
        loop {
            match self.session.next(PATIENCE).unwrap() {
                Event::Frame(frame) if frame["type"] == "heartbeat" => {}
                Event::Frame(frame) => return Ok(frame),
                Event::Closed(code) => return Err(code),
                Event::Silence => panic!("nothing came within {PATIENCE:?}"),
            }
        }
    }

    /// The next frame, which must be of this type.
    #[track_caller]
    pub fn next(&mut self, kind: &str) -> Value {
        match self.frame() {
            Ok(frame) if frame["type"] == kind => frame,
            other => panic!("expected {kind}, got {other:?}"),
        }
    }

    /// The next revision, which must be this one of its channel.
    #[track_caller]
    pub fn revision(&mut self, seq: i64) -> Value {
        let frame = self.next("revision");
        assert_eq!(frame["seq"], seq, "{frame}");
        frame
    }

    /// Reads until the server closes: the code.
    pub fn closed(&mut self) -> u16 {
        loop {
            if let Err(code) = self.frame() {
                return code;
            }
        }
    }
}

/// Asks for an upgrade with these header lines besides: the head of the answer, and the connection.
pub fn upgrade(address: SocketAddr, headers: &[String]) -> (String, TcpStream) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut request = wire::upgrade_request(&address.to_string(), None);
    request.truncate(request.len() - 2);
    for header in headers {
        request += header;
        request += "\r\n";
    }
    stream
        .write_all(format!("{request}\r\n").as_bytes())
        .unwrap();
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() == 1 {
        head.push(byte[0]);
    }
    (String::from_utf8_lossy(&head).into_owned(), stream)
}

/// Reads what is left of a connection: the close code, 0 when it just ended.
pub fn rest_of(mut stream: TcpStream) -> u16 {
    let mut bytes = Vec::new();
    // A reset is an end too.
    let _ = stream.read_to_end(&mut bytes);
    let mut rest = bytes.as_slice();
    while let Ok(Some((kind, range))) = wire::next_frame(rest) {
        if kind == wire::Kind::Close {
            return wire::close_code(&rest[range]);
        }
        rest = &rest[range.end..];
    }
    0
}
