//! Owns the floor of a fan-out: a loop of `write()` calls of one frame, encoded once, to every socket. It speaks just enough
//! of the live protocol that the same fleet can listen to it, and tells the CPU time of its loop. What a real server costs
//! above this is the price of being a server; what the fleet can read from this is the ceiling of the fleet.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::children;
use crate::clock;
use crate::failure::{Doing, Failure, Outcome};
use crate::live_client::wire::{self, Kind};
use crate::messages::marked_text;
use crate::proc_stat;

/// The channel the floor's frames are of.
pub const CHANNEL: u64 = 7;

/// What the loop does.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Order {
    /// Sockets to wait for before the loop begins.
    pub sockets: usize,
    /// Frames a second to each socket.
    pub frames_per_s: f64,
    /// How long the loop lasts, ms.
    pub duration_ms: u64,
}

/// What the loop cost.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Cost {
    /// Frames written, over all sockets.
    pub deliveries: u64,
    /// CPU time of the loop, µs.
    pub cpu_us: u64,
    /// How long it really took, ms: longer than ordered when the loop could not keep up.
    pub elapsed_ms: u64,
}

/// Serves one order on a free port, which it tells through `listening`.
///
/// # Errors
/// A socket failed.
pub fn serve(order: Order, listening: impl FnOnce(SocketAddr)) -> Outcome<Cost> {
    let listener = TcpListener::bind("127.0.0.1:0").doing("binding the floor")?;
    listening(listener.local_addr()?);
    let mut sockets = Vec::with_capacity(order.sockets);
    while sockets.len() < order.sockets {
        let (stream, _) = listener.accept().doing("accepting at the floor")?;
        sockets.push(greet(stream)?);
    }
    // The fleet counts a socket as attached when it has read the answer; the loop begins a moment later.
    std::thread::sleep(Duration::from_millis(300));
    blast(&mut sockets, order)
}

/// Upgrade, welcome and attached, without looking at what is asked for.
fn greet(stream: TcpStream) -> Outcome<TcpStream> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    while line != "\r\n" {
        line.clear();
        if reader.read_line(&mut line)? == 0 {
            return Err(Failure::new("a session ended while it was greeted"));
        }
    }
    let mut bytes = format!(
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: {}\r\n\r\n",
        wire::ACCEPT
    )
    .into_bytes();
    for text in [
        r#"{"type":"welcome","protocol":1,"channels":[]}"#.to_owned(),
        format!(
            r#"{{"type":"attached","channels":[{{"channel_id":"{CHANNEL}","status":"resumed","epoch":1,"seq":0}}]}}"#
        ),
    ] {
        bytes.extend(wire::server_frame(Kind::Text, text.as_bytes()));
    }
    (&stream).write_all(&bytes)?;
    Ok(stream)
}

#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss
)]
fn blast(sockets: &mut [TcpStream], order: Order) -> Outcome<Cost> {
    let (begin_us, cpu_before) = (clock::now_us(), proc_stat::own_thread_cpu_time());
    let frames = (order.frames_per_s * order.duration_ms as f64 / 1000.0) as u64;
    let (mut text, mut deliveries) = (String::new(), 0);
    for number in 0..frames {
        let due_us = begin_us + (number as f64 * 1_000_000.0 / order.frames_per_s) as u64;
        clock::sleep_until_us(due_us);
        marked_text(&mut text, due_us);
        let frame = wire::server_frame(Kind::Text, revision(number + 1, &text).as_bytes());
        for socket in &mut *sockets {
            socket.write_all(&frame).doing("writing at the floor")?;
            deliveries += 1;
        }
    }
    let cpu = proc_stat::own_thread_cpu_time().saturating_sub(cpu_before);
    Ok(Cost {
        deliveries,
        cpu_us: cpu.as_micros() as u64,
        elapsed_ms: (clock::now_us() - begin_us) / 1000,
    })
}

/// As long as a real frame.
fn revision(seq: u64, text: &str) -> String {
    format!(
        concat!(
            r#"{{"type":"revision","channel_id":"{}","epoch":1,"seq":{},"kind":"create","late":false,"#,
            r#""accepted_at_ms":1790000000000,"signal":{{"signal_id":"1553400000000000000","channel_id":"610000000000000000","#,
            r#""guild_id":"600000000000000001","revision":1,"created_at_ms":1790000000000,"deleted":false,"#,
            r#""author":{{"user_id":"700000000000000001","username":"desk","global_name":"The Desk"}},"#,
            r#""text":"{}","embeds":[],"attachments":[]}}}}"#
        ),
        CHANNEL, seq, text
    )
}

/// A floor that serves, in a process of its own where this program can be one.
pub struct Floor {
    /// Where it listens.
    pub address: SocketAddr,
    runner: Runner,
}

enum Runner {
    Process(Child),
    Thread(std::thread::JoinHandle<Outcome<Cost>>),
}

impl Floor {
    /// Starts serving `order`. With `bench_binary` the loop is a process of its own, as a server is.
    ///
    /// # Errors
    /// It did not start.
    pub fn start(bench_binary: Option<&Path>, order: Order) -> Outcome<Self> {
        let Some(binary) = bench_binary else {
            let (tell, told) = std::sync::mpsc::channel();
            let thread = std::thread::spawn(move || {
                serve(order, |address| {
                    // Nobody listening means nobody wants the floor any more.
                    let _ = tell.send(address);
                })
            });
            let address = told.recv().doing("starting the floor")?;
            return Ok(Self {
                address,
                runner: Runner::Thread(thread),
            });
        };
        let mut command = children::command(binary);
        command
            .arg("--serve-floor")
            .arg(serde_json::to_string(&order)?)
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        let mut child = children::spawn(command).doing("starting the floor")?;
        let mut first = Vec::new();
        let output = child.stdout.as_mut().doing("the output of the floor")?;
        let mut byte = [0];
        while output.read(&mut byte)? == 1 && byte[0] != b'\n' {
            first.push(byte[0]);
        }
        let address = String::from_utf8_lossy(&first)
            .parse()
            .doing("the address of the floor")?;
        Ok(Self {
            address,
            runner: Runner::Process(child),
        })
    }

    /// Waits for the end of the loop.
    ///
    /// # Errors
    /// It failed.
    pub fn finish(self) -> Outcome<Cost> {
        match self.runner {
            Runner::Thread(thread) => thread
                .join()
                .unwrap_or_else(|_| Err(Failure::new("the floor panicked"))),
            Runner::Process(mut child) => {
                let mut text = String::new();
                if let Some(output) = child.stdout.as_mut() {
                    output.read_to_string(&mut text)?;
                }
                children::wait(&mut child, Duration::from_secs(10))?;
                serde_json::from_str(&text).doing("the cost told by the floor")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::live_client::fleet::{Fleet, FleetSettings};
    use std::collections::HashMap;

    #[test]
    fn a_fleet_reads_everything_the_floor_writes() {
        let order = Order {
            sockets: 5,
            frames_per_s: 200.0,
            duration_ms: 250,
        };
        let floor = Floor::start(None, order).unwrap();
        let fleet = Fleet::connect(FleetSettings {
            address: floor.address,
            token: None,
            sockets: vec![vec![CHANNEL]; 5],
            threads: 2,
            attach_within: Duration::from_secs(10),
        })
        .unwrap();
        let heads = HashMap::from([(CHANNEL, 50)]);
        let tally = fleet.settle(&heads, Duration::from_secs(10));
        let cost = floor.finish().unwrap();
        assert_eq!(cost.deliveries, 250);
        assert_eq!(tally.deliveries, 250);
        assert_eq!(tally.latency.count(), 250);
        assert_eq!((tally.lost(&heads), tally.doubled, tally.gaps), (0, 0, 0));
        assert!((550..=650).contains(&revision(1000, &"x".repeat(200)).len()));
    }
}
