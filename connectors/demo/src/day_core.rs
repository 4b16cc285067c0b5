//! The day: when something is said, in which order it is heard, and that it never ends. A seed, the channels and a
//! start give the same events for ever, in the order a connector would send them. Times and ids are made from the
//! start that is passed in; this file has no clock.

use std::collections::BTreeMap;

use crate::guilds::Channel;
use crate::stories::Story;
use crate::teller::Teller;
pub use crate::teller::{Event, Happening, NATURAL_EVENTS_PER_1000_S};

/// A stretch of the day: how many stories begin, and the pause between two in milliseconds.
struct Phase {
    stories: u32,
    gap_ms: (u64, u64),
}

/// Market open, morning, lunch, afternoon; then the next market opens.
const PHASES: [Phase; 4] = [
    Phase {
        stories: 20,
        gap_ms: (20, 120),
    },
    Phase {
        stories: 28,
        gap_ms: (700, 1_500),
    },
    Phase {
        stories: 4,
        gap_ms: (2_500, 5_000),
    },
    Phase {
        stories: 28,
        gap_ms: (700, 1_500),
    },
];

/// An endless iterator of timed [`Event`]s, ordered by `at_ms`.
#[derive(Debug, Clone)]
pub struct Day {
    teller: Teller,
    channels: Vec<Channel>,
    deck: Vec<Story>,
    phase: usize,
    left_in_phase: u32,
    next_story_ms: u64,
    heard: u64,
    pending: BTreeMap<(u64, u64), Event>,
}

impl Day {
    /// A day in `channels` that starts at `start_ms` (Unix milliseconds). Without channels it is empty.
    /// It speaks as tenant `demo`, connector `demo`, shows no pictures and runs at its natural rate.
    #[must_use]
    pub fn new(seed: u64, channels: &[Channel], start_ms: u64) -> Self {
        Self {
            teller: Teller::new(seed, start_ms),
            channels: channels.to_vec(),
            deck: Vec::new(),
            phase: 0,
            left_in_phase: PHASES[0].stories,
            next_story_ms: 0,
            heard: 0,
            pending: BTreeMap::new(),
        }
    }

    /// Whose idempotency keys the events carry.
    #[must_use]
    pub fn speaking_as(mut self, tenant_key: &str, connector_id: &str) -> Self {
        self.teller.speaking_as(tenant_key, connector_id);
        self
    }

    /// Runs at about this many events per 1,000 seconds, stretching or pressing every pause alike.
    #[must_use]
    pub fn paced(mut self, events_per_1000_s: u64) -> Self {
        self.teller.paced(events_per_1000_s);
        self
    }

    /// Shows charts served under this base address (no slash at the end). Without it stories that live by a picture
    /// are told in words.
    #[must_use]
    pub fn with_charts(mut self, base_url: &str) -> Self {
        self.teller.with_charts(base_url);
        self
    }

    fn begin_story(&mut self) {
        if self.deck.is_empty() {
            self.deck = Story::deck();
            self.teller.dice.shuffle(&mut self.deck);
        }
        let story = self.deck.pop().unwrap_or(Story::Call);
        let channel = self.teller.dice.pick(&self.channels);
        for (heard_ms, event) in self.teller.tell(story, channel, self.next_story_ms) {
            self.heard += 1;
            self.pending.insert((heard_ms, self.heard), event);
        }
        self.left_in_phase -= 1;
        if self.left_in_phase == 0 {
            self.phase = (self.phase + 1) % PHASES.len();
            self.left_in_phase = PHASES[self.phase].stories;
        }
        let (low, high) = PHASES[self.phase].gap_ms;
        self.next_story_ms += self.teller.dice.millis(low, high);
    }
}

impl Iterator for Day {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        if self.channels.is_empty() {
            return None;
        }
        // A story only adds events at or after its beginning: what is due before the next beginning is final.
        while self
            .pending
            .first_key_value()
            .is_none_or(|((heard_ms, _), _)| *heard_ms >= self.next_story_ms)
        {
            self.begin_story();
        }
        self.pending.pop_first().map(|(_, event)| event)
    }
}
