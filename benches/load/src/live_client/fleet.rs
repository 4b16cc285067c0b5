//! Owns thousands of live sessions on a thread or two. The hot path looks for four markers in the bytes of a frame and
//! parses no JSON; it checks that every channel of every socket is dense, and counts how long each text was under way.
//! It does not resume: a socket that closes is counted and stays closed.

use std::collections::{BTreeMap, HashMap};
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, ready};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncRead as _, AsyncWriteExt as _, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, watch};

use super::wire::{self, Kind};
use crate::clock;
use crate::failure::{Doing, Failure, Outcome};
use crate::histogram::Histogram;

/// Sockets of one thread that are between connecting and attached at a time.
const CONNECTING_MAX: usize = 64;
/// What one read may bring.
const READ_BYTES_MAX: usize = 256 * 1024;
/// A socket keeps a buffer for halves of frames up to this size: a long welcome must not be remembered by each of thousands.
const CARRY_BYTES_KEPT_MAX: usize = 8 * 1024;
/// How many sentences about failed sockets are kept.
const FAILURES_MAX: usize = 5;

/// What a fleet is made of.
#[derive(Clone, Debug)]
pub struct FleetSettings {
    /// The public listener.
    pub address: SocketAddr,
    /// A session token, when the server wants one.
    pub token: Option<String>,
    /// One entry a socket: the channels it attaches, from the head on.
    pub sockets: Vec<Vec<u64>>,
    /// Threads that share the sockets.
    pub threads: usize,
    /// How long connecting and attaching all of them may take.
    pub attach_within: Duration,
}

/// Where the sockets that attached a channel stand in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// How many sockets attached it.
    pub sockets: u64,
    /// The least advanced socket's sequence.
    pub seq_min: u64,
    /// Sum over the sockets.
    pub seq_sum: u64,
}

/// What a fleet has seen so far.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Revision frames, over all sockets.
    pub deliveries: u64,
    /// Sockets that attached all their channels.
    pub attached: u64,
    /// Frames with a sequence that was there already.
    pub doubled: u64,
    /// Holes in a sequence.
    pub gaps: u64,
    /// Revisions in those holes.
    pub missing: u64,
    /// Frames of another epoch than the one attached to.
    pub out_of_order: u64,
    /// Sockets the server closed, by close code; 0 is an end without a close frame.
    pub closed: BTreeMap<u16, u64>,
    /// What went wrong, the first few.
    pub failures: Vec<String>,
    /// From the mark in the text to the moment it was read.
    pub latency: Histogram,
    /// Where the sockets stand, by channel.
    pub places: HashMap<u64, Place>,
}

impl Tally {
    fn add(&mut self, other: &Self) {
        self.deliveries += other.deliveries;
        self.attached += other.attached;
        self.doubled += other.doubled;
        self.gaps += other.gaps;
        self.missing += other.missing;
        self.out_of_order += other.out_of_order;
        for (code, count) in &other.closed {
            *self.closed.entry(*code).or_default() += count;
        }
        self.failures.extend(other.failures.iter().cloned());
        self.failures.truncate(FAILURES_MAX);
        self.latency.merge(&other.latency);
    }

    fn fail(&mut self, sentence: String) {
        if self.failures.len() < FAILURES_MAX {
            self.failures.push(sentence);
        }
    }

    /// Revisions that some socket should have and has not, given the head of each channel.
    #[must_use]
    pub fn lost(&self, heads: &HashMap<u64, u64>) -> u64 {
        let behind: u64 = self
            .places
            .iter()
            .filter_map(|(channel, place)| {
                Some((heads.get(channel)? * place.sockets).saturating_sub(place.seq_sum))
            })
            .sum();
        self.missing + behind
    }

    /// Whether every socket has seen the head of each of its channels.
    #[must_use]
    pub fn is_caught_up(&self, heads: &HashMap<u64, u64>) -> bool {
        self.places
            .iter()
            .all(|(channel, place)| heads.get(channel).is_none_or(|head| place.seq_min >= *head))
    }
}

/// One channel of one socket.
#[derive(Clone, Copy, Debug)]
struct Track {
    channel: u64,
    epoch: u64,
    seq: u64,
    is_attached: bool,
}

/// What one thread shares with whoever asks for the tally.
struct State {
    buffer: Box<[u8]>,
    seen: Seen,
}

#[derive(Default)]
struct Seen {
    tally: Tally,
    sockets: Vec<Vec<Track>>,
}

/// Open sessions that count what they receive.
pub struct Fleet {
    states: Vec<Arc<Mutex<State>>>,
    threads: Vec<std::thread::JoinHandle<()>>,
    stop: watch::Sender<bool>,
}

impl Fleet {
    /// Connects all sockets and waits until every channel of each is attached.
    ///
    /// # Errors
    /// A socket was refused, or not all were attached in time.
    pub fn connect(settings: FleetSettings) -> Outcome<Self> {
        let wanted = settings.sockets.len() as u64;
        let (stop, stopped) = watch::channel(false);
        let mut shares = vec![Vec::new(); settings.threads.max(1)];
        for (index, channels) in settings.sockets.into_iter().enumerate() {
            let share = index % shares.len();
            shares[share].push(channels);
        }
        let (mut states, mut threads) = (Vec::new(), Vec::new());
        for share in shares {
            let state = Arc::new(Mutex::new(State {
                buffer: vec![0; READ_BYTES_MAX].into_boxed_slice(),
                seen: Seen {
                    sockets: share.iter().map(|channels| tracks(channels)).collect(),
                    ..Seen::default()
                },
            }));
            states.push(Arc::clone(&state));
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_io()
                .build()
                .doing("starting a thread of sessions")?;
            let (address, stopped) = (settings.address, stopped.clone());
            let token: Option<Arc<str>> = settings.token.as_deref().map(Arc::from);
            threads.push(std::thread::spawn(move || {
                runtime.block_on(run_thread(state, address, token, stopped));
            }));
        }
        let fleet = Self {
            states,
            threads,
            stop,
        };
        crate::children::wait_for(
            &format!("{wanted} sessions to be attached"),
            settings.attach_within,
            || {
                let tally = fleet.counts();
                let closed: u64 = tally.closed.values().sum();
                if closed > 0 {
                    return Err(Failure::new(format!(
                        "{closed} sessions ended while attaching: {:?}",
                        tally.failures
                    )));
                }
                Ok((tally.attached >= wanted).then_some(()))
            },
        )?;
        Ok(fleet)
    }

    /// The counts so far without the places, which cost a walk over all sockets.
    #[must_use]
    pub fn counts(&self) -> Tally {
        let mut sum = Tally::default();
        for state in &self.states {
            sum.add(&lock(state).seen.tally);
        }
        sum
    }

    /// Everything seen so far.
    #[must_use]
    pub fn tally(&self) -> Tally {
        let mut sum = Tally::default();
        for state in &self.states {
            let state = lock(state);
            sum.add(&state.seen.tally);
            for track in state.seen.sockets.iter().flatten() {
                let place = sum.places.entry(track.channel).or_insert(Place {
                    seq_min: u64::MAX,
                    ..Place::default()
                });
                place.sockets += 1;
                place.seq_min = place.seq_min.min(track.seq);
                place.seq_sum += track.seq;
            }
        }
        sum
    }

    /// Begins the latencies and the count of deliveries anew; losses stay counted.
    pub fn begin_window(&self) {
        for state in &self.states {
            let tally = &mut lock(state).seen.tally;
            tally.latency = Histogram::default();
            tally.deliveries = 0;
        }
    }

    /// Waits until every socket has seen these heads, or `within` is over; the tally then.
    #[must_use]
    pub fn settle(&self, heads: &HashMap<u64, u64>, within: Duration) -> Tally {
        // In vain is an answer too: the tally says what is lost.
        let _ = crate::children::wait_for("the sessions to catch up", within, || {
            Ok(self.tally().is_caught_up(heads).then_some(()))
        });
        self.tally()
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        let _ = self.stop.send(true);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn tracks(channels: &[u64]) -> Vec<Track> {
    channels
        .iter()
        .map(|channel| Track {
            channel: *channel,
            epoch: 0,
            seq: 0,
            is_attached: false,
        })
        .collect()
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn run_thread(
    state: Arc<Mutex<State>>,
    address: SocketAddr,
    token: Option<Arc<str>>,
    mut stopped: watch::Receiver<bool>,
) {
    let connecting = Arc::new(Semaphore::new(CONNECTING_MAX));
    let sockets = lock(&state).seen.sockets.len();
    for socket in 0..sockets {
        let (state, token, connecting) =
            (Arc::clone(&state), token.clone(), Arc::clone(&connecting));
        tokio::spawn(async move {
            let ended = live(socket, address, token.as_deref(), &state, &connecting).await;
            let mut state = lock(&state);
            let code = match ended {
                Ok(code) => code,
                Err(sentence) => {
                    state.seen.tally.fail(sentence);
                    0
                }
            };
            *state.seen.tally.closed.entry(code).or_default() += 1;
        });
    }
    // Ends when the fleet is dropped; the runtime then drops the sockets.
    let _ = stopped.wait_for(|stop| *stop).await;
}

/// One socket from connecting to its end; the close code it ended with.
async fn live(
    socket: usize,
    address: SocketAddr,
    token: Option<&str>,
    state: &Mutex<State>,
    connecting: &Semaphore,
) -> Result<u16, String> {
    let text = |error: std::io::Error| error.to_string();
    let mut permit = Some(connecting.acquire().await.map_err(|e| e.to_string())?);
    let mut stream = TcpStream::connect(address).await.map_err(text)?;
    stream.set_nodelay(true).map_err(text)?;
    let request = wire::upgrade_request(&address.to_string(), token);
    stream.write_all(request.as_bytes()).await.map_err(text)?;
    let (mut carry, mut replies, mut is_upgraded) = (Vec::new(), Vec::new(), false);
    loop {
        let ended = poll_fn(|context| {
            let mut guard = lock(state);
            let State { buffer, seen } = &mut *guard;
            let mut read = ReadBuf::new(buffer);
            ready!(Pin::new(&mut stream).poll_read(context, &mut read)).map_err(text)?;
            if read.filled().is_empty() {
                return Poll::Ready(Ok(Some(0)));
            }
            if !is_upgraded {
                carry.extend_from_slice(read.filled());
                let Some(answer) = wire::upgrade_answer(&carry) else {
                    return Poll::Ready(Ok(None));
                };
                carry.drain(..answer?);
                is_upgraded = true;
                return Poll::Ready(seen.take_in(socket, &mut carry, &[], &mut replies));
            }
            Poll::Ready(seen.take_in(socket, &mut carry, read.filled(), &mut replies))
        })
        .await?;
        if let Some(code) = ended {
            return Ok(code);
        }
        if !replies.is_empty() {
            stream.write_all(&replies).await.map_err(text)?;
            replies.clear();
        }
        if permit.is_some() && lock(state).seen.is_attached(socket) {
            permit = None;
        }
    }
}

impl Seen {
    fn is_attached(&self, socket: usize) -> bool {
        self.sockets[socket].iter().all(|track| track.is_attached)
    }

    /// Takes in what was read, `carry` before it; the close code when the peer closed.
    fn take_in(
        &mut self,
        socket: usize,
        carry: &mut Vec<u8>,
        fresh: &[u8],
        replies: &mut Vec<u8>,
    ) -> Result<Option<u16>, String> {
        if carry.is_empty() {
            let (consumed, code) = self.frames(socket, fresh, replies)?;
            carry.extend_from_slice(&fresh[consumed..]);
            return Ok(code);
        }
        carry.extend_from_slice(fresh);
        let (consumed, code) = self.frames(socket, carry, replies)?;
        carry.drain(..consumed);
        if carry.is_empty() && carry.capacity() > CARRY_BYTES_KEPT_MAX {
            *carry = Vec::new();
        }
        Ok(code)
    }

    fn frames(
        &mut self,
        socket: usize,
        bytes: &[u8],
        replies: &mut Vec<u8>,
    ) -> Result<(usize, Option<u16>), String> {
        let mut at = 0;
        while let Some((kind, range)) = wire::next_frame(&bytes[at..])? {
            let payload = &bytes[at + range.start..at + range.end];
            match kind {
                Kind::Text if payload.starts_with(br#"{"type":"revision""#) => {
                    self.revision(socket, payload)?;
                }
                // With a thousand channels it is long, and nothing in it is needed here.
                Kind::Text if payload.starts_with(br#"{"type":"welcome""#) => {
                    self.welcome(socket, replies);
                }
                Kind::Text => self.other_text(socket, payload, replies)?,
                Kind::Ping => {
                    replies.extend_from_slice(&wire::client_frame(Kind::Pong, payload));
                }
                Kind::Pong => {}
                Kind::Close => return Ok((bytes.len(), Some(wire::close_code(payload)))),
                Kind::Other => return Err("a fragment or a binary frame".to_owned()),
            }
            at += range.end;
        }
        Ok((at, None))
    }

    fn revision(&mut self, socket: usize, payload: &[u8]) -> Result<(), String> {
        let field = |marker: &[u8]| {
            clock::number_after(payload, marker)
                .ok_or_else(|| format!("no {} in a revision", String::from_utf8_lossy(marker)))
        };
        let (channel, epoch, seq) = (
            field(br#""channel_id":""#)?,
            field(br#""epoch":"#)?,
            field(br#""seq":"#)?,
        );
        let tally = &mut self.tally;
        tally.deliveries += 1;
        if let Some(sent_us) = clock::mark_in(payload) {
            tally
                .latency
                .record_us(clock::now_us().saturating_sub(sent_us));
        }
        let track = self.sockets[socket]
            .iter_mut()
            .find(|track| track.channel == channel)
            .ok_or_else(|| format!("a revision of channel {channel}, which was not attached"))?;
        if epoch != track.epoch {
            tally.out_of_order += 1;
            track.epoch = epoch;
        } else if seq <= track.seq {
            tally.doubled += 1;
            return Ok(());
        } else if seq > track.seq + 1 {
            tally.gaps += 1;
            tally.missing += seq - track.seq - 1;
        }
        track.seq = seq;
        Ok(())
    }

    /// Frames that are rare enough to be parsed.
    fn other_text(
        &mut self,
        socket: usize,
        payload: &[u8],
        replies: &mut Vec<u8>,
    ) -> Result<(), String> {
        let frame: Value = serde_json::from_slice(payload).map_err(|error| error.to_string())?;
        match frame["type"].as_str() {
            Some("revision") => self.revision(socket, payload),
            Some("welcome") => {
                self.welcome(socket, replies);
                Ok(())
            }
            Some("attached") => self.attached(socket, &frame),
            Some("heartbeat" | "live" | "going_away") => Ok(()),
            _ => Err(format!("not expected: {frame}")),
        }
    }

    fn welcome(&mut self, socket: usize, replies: &mut Vec<u8>) {
        let tracks = &self.sockets[socket];
        let attach = wire::attach(tracks.iter().map(|track| (track.channel, None)));
        replies.extend_from_slice(&wire::client_frame(Kind::Text, attach.as_bytes()));
        if tracks.is_empty() {
            self.tally.attached += 1;
        }
    }

    fn attached(&mut self, socket: usize, frame: &Value) -> Result<(), String> {
        let was_attached = self.is_attached(socket);
        for channel in frame["channels"].as_array().into_iter().flatten() {
            let id = channel["channel_id"]
                .as_str()
                .and_then(|id| id.parse::<u64>().ok());
            let track = self.sockets[socket]
                .iter_mut()
                .find(|track| Some(track.channel) == id);
            match (track, channel["epoch"].as_u64(), channel["seq"].as_u64()) {
                (Some(track), Some(epoch), Some(seq)) if channel["status"] == "resumed" => {
                    (track.epoch, track.seq, track.is_attached) = (epoch, seq, true);
                }
                _ => return Err(format!("attached with {channel}")),
            }
        }
        if !was_attached && self.is_attached(socket) {
            self.tally.attached += 1;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn seen(channels: &[u64]) -> Seen {
        Seen {
            sockets: vec![tracks(channels)],
            ..Seen::default()
        }
    }

    fn text(payload: &str) -> Vec<u8> {
        wire::server_frame(Kind::Text, payload.as_bytes())
    }

    fn revision(channel: u64, seq: u64) -> Vec<u8> {
        text(&format!(
            r#"{{"type":"revision","channel_id":"{channel}","epoch":1,"seq":{seq},"kind":"create","late":false,"accepted_at_ms":1,"signal":{{"text":"[[t=0]] say \"seq\":99"}}}}"#
        ))
    }

    fn attached(channel: u64, seq: u64) -> Vec<u8> {
        text(&format!(
            r#"{{"type":"attached","channels":[{{"channel_id":"{channel}","status":"resumed","epoch":1,"seq":{seq}}}]}}"#
        ))
    }

    #[test]
    fn holes_doubles_and_losses_are_counted_across_any_cut_of_the_bytes() {
        let mut bytes = text(r#"{"type":"welcome","channels":[]}"#);
        bytes.extend(attached(7, 10));
        for seq in [11, 12, 12, 15, 16] {
            bytes.extend(revision(7, seq));
        }
        bytes.extend(wire::server_frame(Kind::Ping, b"x"));
        for cut in 1..40 {
            let (mut seen, mut carry, mut replies) = (seen(&[7]), Vec::new(), Vec::new());
            for piece in bytes.chunks(cut) {
                assert_eq!(seen.take_in(0, &mut carry, piece, &mut replies), Ok(None));
            }
            assert!(carry.is_empty());
            assert_eq!(seen.tally.attached, 1);
            assert_eq!(seen.tally.deliveries, 5);
            assert_eq!(seen.tally.latency.count(), 5);
            assert_eq!(
                (seen.tally.doubled, seen.tally.gaps, seen.tally.missing),
                (1, 1, 2)
            );
            assert_eq!(seen.sockets[0][0].seq, 16);
            // The answers are an attach and a pong.
            assert!(replies.ends_with(&wire::client_frame(Kind::Pong, b"x")));
            assert!(replies.len() > 30);
        }
    }

    #[test]
    fn what_was_not_asked_for_ends_the_socket() {
        for bytes in [
            revision(8, 1),
            text(r#"{"type":"attached","channels":[{"channel_id":"7","status":"forbidden"}]}"#),
            text(r#"{"type":"error","code":"x","message":"y"}"#),
            text(r#"{"type":"revision"}"#),
            wire::server_frame(Kind::Other, b""),
        ] {
            let result = seen(&[7]).take_in(0, &mut Vec::new(), &bytes, &mut Vec::new());
            assert!(result.is_err(), "{result:?}");
        }
        let close = wire::server_frame(Kind::Close, &4001_u16.to_be_bytes());
        let result = seen(&[7]).take_in(0, &mut Vec::new(), &close, &mut Vec::new());
        assert_eq!(result, Ok(Some(4001)));
    }

    #[test]
    fn lost_is_what_is_behind_the_head_and_what_fell_into_holes() {
        let mut tally = Tally {
            missing: 2,
            ..Tally::default()
        };
        tally.places.insert(
            7,
            Place {
                sockets: 3,
                seq_min: 9,
                seq_sum: 29,
            },
        );
        let heads = HashMap::from([(7, 10)]);
        assert_eq!(tally.lost(&heads), 3);
        assert!(!tally.is_caught_up(&heads));
        assert!(tally.is_caught_up(&HashMap::from([(7, 9)])));
    }
}
