//! What was changed, by subject: a counter each, raised by whoever commits a change and compared by whoever shows them to people.
//! Nobody waits for anybody, and nothing can pile up: two changes between two looks are seen as one.

use serde::Serialize;
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

/// What a change is about, as pages tell their data apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Topic {
    /// Connectors and their discovery requests.
    Connectors,
    /// Guilds, channels, what they are to connectors and who sees them.
    Channels,
    /// What the bot sees.
    Bot,
    /// Target channels: paused, offered, looked at.
    Targets,
    /// Mappings and their rules.
    Mappings,
    /// Deliveries given up, put back or dropped.
    DeadLetters,
    /// Items that could not be taken.
    Quarantine,
    /// Who changed what.
    Audit,
    /// Tokens of viewers.
    SessionTokens,
}

/// Every topic, in the order of their counters.
pub const TOPICS: [Topic; 9] = [
    Topic::Connectors,
    Topic::Channels,
    Topic::Bot,
    Topic::Targets,
    Topic::Mappings,
    Topic::DeadLetters,
    Topic::Quarantine,
    Topic::Audit,
    Topic::SessionTokens,
];

/// How often each topic was changed since the start.
pub type Notices = [u64; TOPICS.len()];

/// The counters; a clone is the same board.
#[derive(Clone, Default)]
pub struct Noticeboard(Arc<[AtomicU64; TOPICS.len()]>);

impl Noticeboard {
    /// Something of this was changed and is committed.
    pub fn raise(&self, topic: Topic) {
        self.0[topic as usize].fetch_add(1, Relaxed);
    }

    /// The counters as they are.
    pub fn read(&self) -> Notices {
        std::array::from_fn(|at| self.0[at].load(Relaxed))
    }
}

/// What was changed between two looks.
pub fn changed(before: &Notices, now: &Notices) -> Vec<Topic> {
    let pairs = before.iter().zip(now);
    let differing = TOPICS.iter().zip(pairs).filter(|(_, (a, b))| a != b);
    differing.map(|(topic, _)| *topic).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_raised_is_seen_once() {
        let board = Noticeboard::default();
        let (before, same) = (board.read(), board.clone());
        board.raise(Topic::Quarantine);
        same.raise(Topic::Quarantine);
        board.raise(Topic::Connectors);
        let now = board.read();
        assert_eq!(
            changed(&before, &now),
            [Topic::Connectors, Topic::Quarantine]
        );
        assert_eq!(changed(&now, &board.read()), []);
    }

    #[test]
    fn each_topic_has_its_counter() {
        for (at, topic) in TOPICS.iter().enumerate() {
            assert_eq!(*topic as usize, at);
        }
    }
}
