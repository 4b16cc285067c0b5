//! Owns viewers that never give up: each keeps its record, is cut or cuts itself, and comes back by cursor until it has seen
//! the head of every channel. It judges nothing.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};

use crate::failure::{Failure, Outcome};
use crate::live_client::session::{Event, Follower};
use crate::stage::AddressBook;

const RECONNECT_PAUSE_MS_MAX: u64 = 40;
const LISTEN_SLICE: Duration = Duration::from_millis(40);

/// What all viewers of one audience share.
#[derive(Debug, Default)]
struct Common {
    /// Set when the load is over: the sequence every viewer has to reach, by channel.
    heads: Mutex<Option<BTreeMap<u64, i64>>>,
    /// Viewers end at once.
    is_over: AtomicBool,
    /// Connections made by all.
    connects: AtomicU64,
}

/// Viewers, each on a thread of its own.
pub struct Audience {
    common: Arc<Common>,
    viewers: Vec<JoinHandle<Outcome<Follower>>>,
}

/// How viewers behave.
#[derive(Clone, Debug)]
pub struct Manner {
    /// What each attaches.
    pub channels: Vec<u64>,
    /// How many viewers.
    pub viewers: usize,
    /// A viewer cuts its own connection after at most so many frames; 0: never.
    pub frames_until_cut_max: u64,
    /// Draws when.
    pub seed: u64,
}

impl Audience {
    /// Seats the viewers; each wants every revision from the first on.
    #[must_use]
    pub fn seat(book: &AddressBook, manner: &Manner) -> Self {
        let common = Arc::new(Common::default());
        let viewers = (0..manner.viewers as u64)
            .map(|number| {
                let (book, manner, common) = (book.clone(), manner.clone(), Arc::clone(&common));
                let random = SmallRng::seed_from_u64(manner.seed.wrapping_mul(1009) + number);
                std::thread::spawn(move || view(&book, &manner, &common, random))
            })
            .collect();
        Self { common, viewers }
    }

    /// Connections made so far.
    #[must_use]
    pub fn connects(&self) -> u64 {
        self.common.connects.load(Ordering::Relaxed)
    }

    /// Tells the viewers where the channels ended, waits until each is there, and takes their records. A viewer that is not
    /// there in time gives the record it has.
    ///
    /// # Errors
    /// A viewer was told something that is not the protocol.
    pub fn dismiss(self, heads: BTreeMap<u64, i64>, within: Duration) -> Outcome<Vec<Follower>> {
        *lock(&self.common.heads) = Some(heads);
        let deadline = Instant::now() + within;
        while Instant::now() < deadline && !self.viewers.iter().all(JoinHandle::is_finished) {
            std::thread::sleep(crate::children::POLL_INTERVAL);
        }
        self.common.is_over.store(true, Ordering::Relaxed);
        self.viewers
            .into_iter()
            .map(|viewer| {
                viewer
                    .join()
                    .unwrap_or_else(|_| Err(Failure::new("a viewer panicked")))
            })
            .collect()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn is_done(follower: &Follower, common: &Common) -> bool {
    common.is_over.load(Ordering::Relaxed)
        || lock(&common.heads).as_ref().is_some_and(|heads| {
            heads
                .iter()
                .all(|(channel, head)| follower.seq(*channel) >= *head)
        })
}

fn view(
    book: &AddressBook,
    manner: &Manner,
    common: &Common,
    mut random: SmallRng,
) -> Outcome<Follower> {
    let mut follower = Follower::from_the_beginning(&manner.channels);
    while !is_done(&follower, common) {
        // Once the load is over a viewer only wants to see the rest.
        let until_cut = match manner.frames_until_cut_max {
            max if max > 0 && lock(&common.heads).is_none() => random.random_range(1..=max),
            _ => u64::MAX,
        };
        // Refused while the server is away: that is what coming back is for.
        if let Ok(session) = follower.connect(book.now().public, None) {
            common.connects.fetch_add(1, Ordering::Relaxed);
            listen(session, &mut follower, common, until_cut)?;
        }
        let pause_ms = random.random_range(0..=RECONNECT_PAUSE_MS_MAX);
        std::thread::sleep(Duration::from_millis(pause_ms));
    }
    Ok(follower)
}

/// Listens on one connection until it ends, is to be cut, or everything was seen.
fn listen(
    mut session: crate::live_client::session::Session,
    follower: &mut Follower,
    common: &Common,
    until_cut: u64,
) -> Outcome<()> {
    let mut frames = 0;
    while frames < until_cut && !is_done(follower, common) {
        match session.next(LISTEN_SLICE) {
            Ok(Event::Frame(frame)) => {
                if is_hidden(&frame) {
                    break;
                }
                follower.take_in(&frame)?;
                frames += 1;
            }
            Ok(Event::Silence) => {}
            // A connection that breaks in the middle of anything is what this audience is about.
            Ok(Event::Closed(_)) | Err(_) => return Ok(()),
        }
    }
    session.cut();
    Ok(())
}

/// A channel may not be seen for now: whoever waits for it has to ask again.
fn is_hidden(frame: &serde_json::Value) -> bool {
    let forbidden = |channel: &serde_json::Value| channel["status"] == "forbidden";
    match frame["type"].as_str() {
        Some("detached") => true,
        Some("attached") => frame["channels"]
            .as_array()
            .is_some_and(|all| all.iter().any(forbidden)),
        _ => false,
    }
}
