//! What one source channel remembers of its recent signals, and the joining of a batch into it. A signal that is not
//! remembered and may be known to the tables must be recalled before it is joined.

use crate::{
    join_core::{Joined, join},
    messages::{Change, Counts},
    observation::{Event, Observation},
};
use heliograph_schema::{ids::SignalId, signal::SignalState, store::signals::Head};
use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::Arc,
};

/// The memory of one channel in one term.
#[derive(Debug)]
pub struct ChannelCore {
    /// Greater ids are unknown to the tables.
    newest_known_id: i64,
    remembered_max: usize,
    states: HashMap<SignalId, (Arc<SignalState>, u64)>,
    /// Touches in order; one that was touched again later is skipped when it comes to the front.
    touched: VecDeque<(SignalId, u64)>,
    touches: u64,
}

impl ChannelCore {
    /// A channel that stands at `head` and remembers nothing yet.
    pub fn new(head: Head, remembered_max: usize) -> Self {
        Self {
            newest_known_id: head.newest_known_id,
            remembered_max,
            states: HashMap::new(),
            touched: VecDeque::new(),
            touches: 0,
        }
    }

    /// Signals that must be recalled before these observations can be joined.
    pub fn unremembered(&self, observations: &[Observation]) -> Vec<SignalId> {
        let mut seen = HashSet::new();
        let unknown =
            |id: &SignalId| id.get() <= self.newest_known_id && !self.states.contains_key(id);
        observations
            .iter()
            .map(|said| said.signal_id)
            .filter(unknown)
            .filter(|id| seen.insert(*id))
            .collect()
    }

    /// Takes what the tables know. `asked` are all ids asked for: those without a state are unknown to the tables too.
    pub fn remember(&mut self, states: Vec<SignalState>) {
        for state in states {
            self.touch(Arc::new(state));
        }
    }

    /// Joins a batch, creates first and by age, and says what changed, in order.
    pub fn join_batch(&mut self, mut observations: Vec<Observation>) -> (Vec<Change>, Counts) {
        // A stable sort: edits and deletes keep the order in which they were said.
        observations.sort_by_key(|said| match said.event {
            Event::Create => (0, said.signal_id.get()),
            Event::Update | Event::Delete => (1, 0),
        });
        let (mut changes, mut counts) = (Vec::with_capacity(observations.len()), Counts::default());
        for said in &observations {
            self.join_one(said, &mut changes, &mut counts);
        }
        self.forget_oldest();
        (changes, counts)
    }

    fn join_one(&mut self, said: &Observation, changes: &mut Vec<Change>, counts: &mut Counts) {
        fail::fail_point!("source_channel::join", |_| ());
        // For tests of poison events: compiled out without the feature `failpoints`.
        fail::fail_point!(
            "source_channel::poison",
            said.text.raw.contains('\u{2620}'),
            |_| ()
        );
        let known = self
            .states
            .get(&said.signal_id)
            .map(|(state, _)| state.clone());
        let mut state = known.unwrap_or_else(|| {
            Arc::new(SignalState::unknown(
                said.signal_id,
                said.channel_id,
                said.guild_id,
            ))
        });
        let kind = match join(Arc::make_mut(&mut state), said) {
            Joined::Revised(kind) => {
                counts.accepted += 1;
                Some(kind)
            }
            Joined::Learned if state.created => {
                counts.deduped += 1;
                None
            }
            Joined::Learned => {
                counts.held += 1;
                None
            }
            Joined::Known => {
                counts.deduped += 1;
                return;
            }
        };
        self.newest_known_id = self.newest_known_id.max(said.signal_id.get());
        self.touch(state.clone());
        changes.push(Change { kind, state });
    }

    fn touch(&mut self, state: Arc<SignalState>) {
        self.touches += 1;
        self.touched.push_back((state.signal_id, self.touches));
        self.states.insert(state.signal_id, (state, self.touches));
    }

    fn forget_oldest(&mut self) {
        while self.states.len() > self.remembered_max
            || self.touched.len() > 4 * self.remembered_max
        {
            let Some((id, touch)) = self.touched.pop_front() else {
                return;
            };
            if self.states.get(&id).is_some_and(|(_, last)| *last == touch) {
                self.states.remove(&id);
            }
        }
    }

    /// How many signals are remembered.
    pub fn remembered(&self) -> usize {
        self.states.len()
    }
}
