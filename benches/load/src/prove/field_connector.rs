//! Owns a connector as they are in the field: one batch at a time, pushed again until it is acknowledged, whatever happens to
//! the server. What it says is drawn from a seed; what every signal must have become is kept as an account of what was
//! acknowledged. It decides nothing about whether the server kept its word.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::Value;

use crate::clock;
use crate::failure::{Failure, Outcome};
use crate::http::HttpClient;
use crate::ingest_load::{Lane, post_batch};
use crate::messages::{Batch, Message, Said, Snowflakes, created_ms};
use crate::stage::AddressBook;

/// Messages of one batch at most.
const BATCH_ITEMS_MAX: u32 = 8;
/// Edits and deletes are of one of so many latest signals.
const RECENT_SIGNALS: usize = 40;
/// How long one answer may take before the batch is pushed again.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
const RETRY_PAUSE: Duration = Duration::from_millis(30);
/// A batch that nobody takes for so long is a fault of the server.
const GIVE_UP_AFTER: Duration = Duration::from_secs(90);
/// Ids begin here whatever the day, so that the same seed makes the same load. Long enough ago that no connector is in the
/// future, where ids are refused.
const FIRST_MS: u64 = 1_600_000_000_000;

/// What a signal must have become.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Story {
    /// The signal.
    pub signal_id: u64,
    /// Its source channel.
    pub channel_id: u64,
    /// Acknowledged changes that said something new.
    pub revisions: i64,
    /// The last text; carries [`mark_of`].
    pub text: String,
    /// It is gone.
    pub is_deleted: bool,
}

/// What may happen to a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Create,
    Edit,
    Delete,
}

impl Story {
    /// A signal of which nothing was said yet.
    pub(super) fn untold(signal_id: u64, channel_id: u64) -> Self {
        Self {
            signal_id,
            channel_id,
            revisions: 0,
            text: String::new(),
            is_deleted: false,
        }
    }

    /// Goes on with the story and puts what is said of it into the batch.
    pub(super) fn tell(&mut self, change: Change, size: u32, guild_id: u64, batch: &mut Batch) {
        // A later edit has a greater stamp, whatever the clock.
        let stamp = created_ms(self.signal_id) + self.revisions.unsigned_abs() * 1000;
        self.revisions += 1;
        self.is_deleted = change == Change::Delete;
        self.text.clear();
        if !self.is_deleted {
            let (mark, revision) = (mark_of(self.signal_id), self.revisions);
            self.text = format!("{mark} v{revision} long {size}");
        }
        batch.push(&Message {
            signal_id: self.signal_id,
            channel_id: self.channel_id,
            guild_id,
            said: match change {
                Change::Create => Said::Create,
                Change::Edit => Said::Edit(stamp),
                Change::Delete => Said::Delete,
            },
            text: &self.text,
        });
    }
}

/// The token the connector uses, which somebody may change.
pub type SharedToken = Arc<Mutex<String>>;

/// What became of the items of one channel, by the answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Items said.
    pub said: u64,
    /// Items acknowledged.
    pub acked: u64,
    /// Changed something.
    pub accepted: u64,
    /// Nothing new: the answer to a batch that was committed before its answer was lost.
    pub deduped: u64,
    /// Not from a source then.
    pub ignored: u64,
    /// Held or rejected; neither is expected.
    pub refused: u64,
}

/// What one connector has said in all.
#[derive(Clone, Debug, Default)]
pub struct Account {
    /// Every signal, in the order of creation.
    pub stories: Vec<Story>,
    /// By source channel.
    pub channels: BTreeMap<u64, Counts>,
    /// Batches that had to be pushed more than once.
    pub tried_again: u64,
    /// The first answer with an item that was held or rejected.
    pub first_refusal: Option<String>,
}

/// How a connector is driven.
#[derive(Clone, Debug)]
pub struct FieldConnector {
    /// Who, and which channels.
    pub lane: Lane,
    /// Its token now.
    pub token: SharedToken,
    /// Draws what is said.
    pub seed: u64,
    /// Longest pause between two batches, ms; the mean is half of it.
    pub pause_ms_max: u64,
}

/// The mark by which a signal is found wherever it was mirrored.
#[must_use]
pub fn mark_of(signal_id: u64) -> String {
    format!("[[s={signal_id}]]")
}

impl FieldConnector {
    /// Pushes until told to stop and everything said is acknowledged. `acked` counts acknowledged items as they come.
    ///
    /// # Errors
    /// Nobody took a batch for too long, or one was refused for good.
    pub fn run(
        &self,
        book: &AddressBook,
        stop: &AtomicBool,
        acked: &AtomicU64,
    ) -> Outcome<Account> {
        let mut random = SmallRng::seed_from_u64(self.seed);
        // Ids of different connectors are a day apart.
        let ids = Snowflakes::from_ms(FIRST_MS + (self.seed % 1000) * 86_400_000);
        let mut client = HttpClient::new(book.now().ingest, ANSWER_WITHIN);
        let (mut account, mut batch) = (Account::default(), Batch::default());
        let mut number = 0;
        while !stop.load(Ordering::Relaxed) {
            number += 1;
            let channel = self.lane.channels[random.random_range(0..self.lane.channels.len())];
            batch.begin(&self.lane.connector, number, clock::now_ms());
            let mut next = account.stories.clone_tail();
            for _ in 0..random.random_range(1..=BATCH_ITEMS_MAX) {
                say(
                    &mut random,
                    &ids,
                    channel,
                    &mut next,
                    &mut batch,
                    self.lane.guild_id,
                );
            }
            let said = batch.items() as u64;
            account.channels.entry(channel).or_default().said += said;
            let body = batch.end();
            let answer = until_taken(book, &mut client, &self.token, body, &mut account)?;
            acked.fetch_add(said, Ordering::Relaxed);
            account.take_in(channel, said, &answer, next);
            let pause_ms = random.random_range(0..=self.pause_ms_max);
            std::thread::sleep(Duration::from_millis(pause_ms));
        }
        Ok(account)
    }
}

/// Pushes one batch until it is acknowledged: the answer.
pub(super) fn until_taken(
    book: &AddressBook,
    client: &mut HttpClient,
    token: &SharedToken,
    body: &[u8],
    account: &mut Account,
) -> Outcome<Value> {
    let began = Instant::now();
    let mut is_first = true;
    loop {
        client.move_to(book.now().ingest);
        let token = token.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let outcome = post_batch(client, &format!("Bearer {token}"), body);
        match &outcome {
            Ok(response) if response.status == 200 => {
                return Ok(serde_json::from_slice(&response.body)?);
            }
            // 401 while the token changes hands and 403 while paused are waited out: nothing of this batch was stored.
            Ok(response) if matches!(response.status, 401 | 403 | 429 | 500..) => {}
            Ok(response) => {
                return Err(Failure::new(format!(
                    "a batch was refused for good with {}: {}",
                    response.status,
                    response.text()
                )));
            }
            Err(_) => {}
        }
        if began.elapsed() > GIVE_UP_AFTER {
            let last = outcome.map(|response| (response.status, response.text()));
            return Err(Failure::new(format!(
                "nobody took a batch for {GIVE_UP_AFTER:?}, last: {last:?}"
            )));
        }
        account.tried_again += u64::from(is_first);
        is_first = false;
        std::thread::sleep(RETRY_PAUSE);
    }
}

/// The latest stories as they will be once the batch in hand is acknowledged, and where they stand in the account.
struct Tail {
    from: usize,
    stories: Vec<Story>,
}

trait CloneTail {
    fn clone_tail(&self) -> Tail;
}

impl CloneTail for Vec<Story> {
    fn clone_tail(&self) -> Tail {
        let from = self.len().saturating_sub(RECENT_SIGNALS);
        Tail {
            from,
            stories: self[from..].to_vec(),
        }
    }
}

impl Account {
    /// An acknowledged batch: its stories count from now on, unless its channel was not a source at that moment.
    fn take_in(&mut self, channel: u64, said: u64, answer: &Value, next: Tail) {
        self.count(channel, said, answer);
        if answer["ignored"].as_u64().unwrap_or_default() == 0 {
            self.stories.truncate(next.from);
            self.stories.extend(next.stories);
        }
    }

    /// Counts what an answer says of a batch.
    pub(super) fn count(&mut self, channel: u64, said: u64, answer: &Value) {
        let field = |name: &str| answer[name].as_u64().unwrap_or_default();
        let rejected = answer["rejected"].as_array().map_or(0, Vec::len) as u64;
        let counts = self.channels.entry(channel).or_default();
        counts.acked += said;
        counts.accepted += field("accepted");
        counts.deduped += field("deduped");
        counts.ignored += field("ignored");
        counts.refused += field("held") + rejected;
        if field("held") + rejected > 0 && self.first_refusal.is_none() {
            self.first_refusal = Some(answer.to_string());
        }
    }
}

/// Draws one thing to say: a new signal, an edit or a delete of a recent one of this channel.
fn say(
    random: &mut SmallRng,
    ids: &Snowflakes,
    channel: u64,
    tail: &mut Tail,
    batch: &mut Batch,
    guild_id: u64,
) {
    let dice: u32 = random.random_range(0..100);
    let alive: Vec<usize> = (0..tail.stories.len())
        .filter(|place| {
            tail.stories[*place].channel_id == channel && !tail.stories[*place].is_deleted
        })
        .collect();
    let (place, change) = if dice < 55 || alive.is_empty() {
        tail.stories.push(Story::untold(ids.next(), channel));
        (tail.stories.len() - 1, Change::Create)
    } else {
        let place = alive[random.random_range(0..alive.len())];
        let change = if dice < 90 {
            Change::Edit
        } else {
            Change::Delete
        };
        (place, change)
    };
    let size = random.random_range(1..100);
    tail.stories[place].tell(change, size, guild_id, batch);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stage::Connector;
    use serde_json::json;

    fn drawn(seed: u64) -> (Vec<Story>, Vec<u8>) {
        let connector = Connector {
            connector_id: "c".into(),
            tenant_key: "t".into(),
            token: String::new(),
        };
        let mut random = SmallRng::seed_from_u64(seed);
        let ids = Snowflakes::from_ms(FIRST_MS);
        let (mut batch, mut tail) = (Batch::default(), Vec::new().clone_tail());
        batch.begin(&connector, 1, FIRST_MS);
        for _ in 0..200 {
            say(&mut random, &ids, 5, &mut tail, &mut batch, 6);
        }
        (tail.stories, batch.end().to_vec())
    }

    #[test]
    fn the_same_seed_says_the_same_and_the_account_is_of_what_was_said() {
        let (stories, body) = drawn(7);
        assert_eq!((stories.clone(), body.clone()), drawn(7));
        assert_ne!(body, drawn(8).1);
        let revisions: i64 = stories.iter().map(|story| story.revisions).sum();
        assert_eq!(revisions, 200);
        assert!(stories.iter().any(|story| story.is_deleted));
        assert!(stories.iter().any(|story| story.revisions > 2));
        for story in &stories {
            assert_eq!(story.text.is_empty(), story.is_deleted);
        }
    }

    #[test]
    fn an_ignored_batch_leaves_the_stories_as_they_were() {
        let mut account = Account::default();
        let (stories, _) = drawn(7);
        let tail = |stories: &[Story]| Tail {
            from: 0,
            stories: stories.to_vec(),
        };
        account.take_in(5, 2, &json!({"ignored": 2}), tail(&stories));
        assert!(account.stories.is_empty());
        account.take_in(5, 3, &json!({"accepted": 2, "deduped": 1}), tail(&stories));
        assert_eq!(account.stories, stories);
        let counts = account.channels[&5];
        assert_eq!((counts.acked, counts.accepted, counts.ignored), (5, 2, 2));
    }
}
