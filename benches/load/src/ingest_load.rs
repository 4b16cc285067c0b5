//! Owns the pushing: batches by a schedule that does not wait for answers, or as fast as they are taken. Latency counts from
//! the moment a batch was due, so that a stall of the server is not hidden by a generator that waits with it.
//! What nobody acknowledged is pushed again, as a field connector would.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::Deserialize;

use crate::clock;
use crate::failure::{Failure, Outcome};
use crate::histogram::Histogram;
use crate::http::{HttpClient, Response};
use crate::messages::{Batch, Message, Said, Snowflakes, marked_text};
use crate::stage::{AddressBook, Connector};

/// How long one answer may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// Between two tries of a batch that was not acknowledged.
const RETRY_PAUSE: Duration = Duration::from_millis(20);
/// A batch that nobody took for so long ends the run.
const GIVE_UP_AFTER: Duration = Duration::from_secs(60);
/// The first batches are due a little later, so that every thread is there in time.
const HEAD_START_US: u64 = 20_000;

/// A connector and the channels it captures.
#[derive(Clone, Debug)]
pub struct Lane {
    /// Who pushes.
    pub connector: Connector,
    /// The guild of its channels.
    pub guild_id: u64,
    /// Its source channels; items of a batch go round them.
    pub channels: Vec<u64>,
}

/// When batches are due.
#[derive(Clone, Copy, Debug)]
pub enum Pace {
    /// So many batches a second, whatever the answers do.
    PerSecond(f64),
    /// The next one as soon as a connection is free.
    AsFastAsTaken,
}

/// What is pushed.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Batches go round these.
    pub lanes: Vec<Lane>,
    /// When batches are due.
    pub pace: Pace,
    /// Messages in a batch.
    pub batch_items: usize,
    /// Connections, each with one batch in flight.
    pub in_flight: usize,
    /// For how long batches are due.
    pub duration: Duration,
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Pushed {
    /// Messages made.
    pub sent: u64,
    /// Messages answered with 2xx.
    pub acked: u64,
    /// Of these: changed something.
    pub accepted: u64,
    /// Of these: said nothing new. More than the tries again would be a fault.
    pub deduped: u64,
    /// Of these: not from a source, held, or rejected. This load makes none of them.
    pub not_taken: u64,
    /// Batches answered with 2xx.
    pub batches: u64,
    /// Batches that had to be pushed again.
    pub tried_again: u64,
    /// From due to acknowledged.
    pub latency: Histogram,
    /// From the first batch due to the last acknowledged.
    pub elapsed: Duration,
}

impl Pushed {
    fn add(&mut self, other: &Self) {
        self.sent += other.sent;
        self.acked += other.acked;
        self.accepted += other.accepted;
        self.deduped += other.deduped;
        self.not_taken += other.not_taken;
        self.batches += other.batches;
        self.tried_again += other.tried_again;
        self.latency.merge(&other.latency);
        self.elapsed = self.elapsed.max(other.elapsed);
    }
}

#[derive(Deserialize, Default)]
struct Answer {
    #[serde(default)]
    accepted: u64,
    #[serde(default)]
    deduped: u64,
    #[serde(default)]
    ignored: u64,
    #[serde(default)]
    held: u64,
    #[serde(default)]
    rejected: Vec<serde_json::Value>,
}

/// Pushes by `plan` until it is over; blocks so long.
///
/// # Errors
/// A batch was refused for good, or nobody took one for a minute.
pub fn push(book: &AddressBook, plan: &Plan, ids: &Snowflakes) -> Outcome<Pushed> {
    let next = AtomicU64::new(0);
    let begin_us = clock::now_us() + HEAD_START_US;
    let results: Vec<Outcome<Pushed>> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..plan.in_flight.max(1))
            .map(|_| scope.spawn(|| work(book, plan, ids, &next, begin_us)))
            .collect();
        workers
            .into_iter()
            .map(|worker| {
                worker
                    .join()
                    .unwrap_or_else(|_| Err(Failure::new("a pushing thread panicked")))
            })
            .collect()
    });
    let mut sum = Pushed::default();
    for result in results {
        sum.add(&result?);
    }
    Ok(sum)
}

fn work(
    book: &AddressBook,
    plan: &Plan,
    ids: &Snowflakes,
    next: &AtomicU64,
    begin_us: u64,
) -> Outcome<Pushed> {
    let mut client = HttpClient::new(book.now().ingest, ANSWER_WITHIN);
    let (mut batch, mut text, mut pushed) = (Batch::default(), String::new(), Pushed::default());
    let end_us = begin_us + u64::try_from(plan.duration.as_micros()).unwrap_or(u64::MAX);
    clock::sleep_until_us(begin_us);
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let due_us = match plan.pace {
            Pace::PerSecond(rate) => begin_us + due_after_us(number, rate),
            Pace::AsFastAsTaken => clock::now_us(),
        };
        if due_us >= end_us {
            return Ok(pushed);
        }
        clock::sleep_until_us(due_us);
        let lane = &plan.lanes[index(number, plan.lanes.len())];
        marked_text(&mut text, due_us);
        batch.begin(&lane.connector, number, clock::now_ms());
        for item in 0..plan.batch_items {
            let turn = number / plan.lanes.len() as u64 * plan.batch_items as u64 + item as u64;
            batch.push(&Message {
                signal_id: ids.next(),
                channel_id: lane.channels[index(turn, lane.channels.len())],
                guild_id: lane.guild_id,
                said: Said::Create,
                text: &text,
            });
        }
        pushed.sent += plan.batch_items as u64;
        let token = format!("Bearer {}", lane.connector.token);
        let (answer, tries) = until_taken(book, &mut client, &token, batch.end())?;
        let now_us = clock::now_us();
        pushed.tried_again += u64::from(tries > 1);
        pushed.batches += 1;
        pushed.acked += plan.batch_items as u64;
        pushed.accepted += answer.accepted;
        pushed.deduped += answer.deduped;
        pushed.not_taken += answer.ignored + answer.held + answer.rejected.len() as u64;
        pushed.latency.record_us(now_us.saturating_sub(due_us));
        pushed.elapsed = Duration::from_micros(now_us.saturating_sub(begin_us));
    }
}

/// Pushes one body until it is acknowledged.
fn until_taken(
    book: &AddressBook,
    client: &mut HttpClient,
    token: &str,
    body: &[u8],
) -> Outcome<(Answer, u32)> {
    let began_us = clock::now_us();
    let mut tries = 0;
    loop {
        tries += 1;
        let outcome = post_batch(client, token, body);
        match outcome {
            Ok(response) if response.status == 200 => {
                return Ok((serde_json::from_slice(&response.body)?, tries));
            }
            Ok(response) if response.status != 429 && response.status < 500 => {
                return Err(Failure::new(format!(
                    "a batch was refused for good with {}: {}",
                    response.status,
                    response.text()
                )));
            }
            again => {
                let waited = Duration::from_micros(clock::now_us().saturating_sub(began_us));
                if waited > GIVE_UP_AFTER {
                    return Err(Failure::new(format!(
                        "nobody took a batch for {waited:?}, last: {:?}",
                        again.map(|response| response.status)
                    )));
                }
                std::thread::sleep(RETRY_PAUSE);
                client.move_to(book.now().ingest);
            }
        }
    }
}

/// One try of one batch.
///
/// # Errors
/// The connection broke; whether the batch was taken is not known.
pub fn post_batch(client: &mut HttpClient, bearer: &str, body: &[u8]) -> io::Result<Response> {
    client.request(
        "POST",
        "/ingest/message-batch",
        &[("authorization", bearer)],
        Some(body),
    )
}

#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss
)]
fn due_after_us(number: u64, rate_per_s: f64) -> u64 {
    (number as f64 * 1_000_000.0 / rate_per_s) as u64
}

#[allow(clippy::cast_possible_truncation)]
fn index(turn: u64, length: usize) -> usize {
    (turn % length.max(1) as u64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_are_due_evenly() {
        assert_eq!(due_after_us(0, 50.0), 0);
        assert_eq!(due_after_us(50, 50.0), 1_000_000);
        assert_eq!(due_after_us(1, 1000.0), 1000);
        assert_eq!(index(7, 3), 1);
        assert_eq!(index(7, 0), 0);
    }
}
