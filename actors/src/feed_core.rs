//! Who of the administrators' pages is told what: what each watches, which signals fit under the bound of a second, which target
//! channels stand otherwise than they last stood. Knows no socket, no clock and no frame: keys, moments and rows come in.

use crate::noticeboard::{Notices, Topic, changed};
use heliograph_schema::{
    ids::{ChannelId, SignalId},
    signal::RevisionKind,
};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Signals in a second; what is beyond is counted and left out.
const SIGNALS_PER_S: usize = 20;
const SECOND_MS: i64 = 1_000;

/// A page's socket.
pub type SocketKey = u64;

/// What a page can watch beyond what all are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Watched {
    /// Signals as they are committed.
    Signals,
    /// The tree.
    Actors,
    /// How target channels stand.
    Targets,
}

/// A committed change of a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeardSignal {
    /// Which.
    pub signal_id: SignalId,
    /// What kind of change.
    pub kind: RevisionKind,
    /// When it came in, in ms since 1970.
    pub accepted_at_ms: i64,
}

/// Rows of target channels, and who is to get them.
#[derive(Debug, PartialEq, Eq)]
pub struct TargetNews {
    /// Those who are told.
    pub to: Vec<SocketKey>,
    /// What they are told.
    pub rows: Vec<String>,
}

/// The rules.
#[derive(Debug, Default)]
pub struct FeedCore {
    sockets: BTreeMap<SocketKey, BTreeSet<Watched>>,
    noticed: Notices,
    second_began_ms: i64,
    in_this_second: usize,
    waiting: Vec<HeardSignal>,
    skipped: u64,
    targets: HashMap<ChannelId, String>,
    /// Those who watch targets and have been told nothing of them.
    new_to_targets: BTreeSet<SocketKey>,
}

impl FeedCore {
    /// A page is there. What was changed before is not news to it.
    pub fn join(&mut self, key: SocketKey, notices: &Notices) {
        if self.sockets.is_empty() {
            self.noticed = *notices;
        }
        self.sockets.insert(key, BTreeSet::new());
    }

    /// A page is gone.
    pub fn leave(&mut self, key: SocketKey) {
        self.sockets.remove(&key);
        self.new_to_targets.remove(&key);
        self.forget_unwatched();
    }

    /// A page watches these from now on, and nothing else.
    pub fn watch(&mut self, key: SocketKey, watched: impl IntoIterator<Item = Watched>) {
        let Some(before) = self.sockets.get_mut(&key) else {
            return;
        };
        let now: BTreeSet<Watched> = watched.into_iter().collect();
        let had = before.contains(&Watched::Targets);
        match (had, now.contains(&Watched::Targets)) {
            (false, true) => drop(self.new_to_targets.insert(key)),
            (true, false) => drop(self.new_to_targets.remove(&key)),
            _ => {}
        }
        *before = now;
        self.forget_unwatched();
    }

    fn forget_unwatched(&mut self) {
        if !self.is_watched(Watched::Targets) {
            self.targets.clear();
        }
        if !self.is_watched(Watched::Signals) {
            self.waiting.clear();
            self.skipped = 0;
        }
    }

    /// Everybody.
    pub fn all(&self) -> Vec<SocketKey> {
        self.sockets.keys().copied().collect()
    }

    /// Whether nobody is there.
    pub fn is_empty(&self) -> bool {
        self.sockets.is_empty()
    }

    /// Those who watch this.
    pub fn watching(&self, watched: Watched) -> Vec<SocketKey> {
        let of = |entry: (&SocketKey, &BTreeSet<Watched>)| {
            entry.1.contains(&watched).then_some(*entry.0)
        };
        self.sockets.iter().filter_map(of).collect()
    }

    /// Whether anybody watches this.
    pub fn is_watched(&self, watched: Watched) -> bool {
        self.sockets.values().any(|set| set.contains(&watched))
    }

    /// What was changed since the last look.
    pub fn notice(&mut self, notices: &Notices) -> Vec<Topic> {
        let topics = changed(&self.noticed, notices);
        self.noticed = *notices;
        topics
    }

    /// These were committed.
    pub fn hear(&mut self, now_ms: i64, heard: impl ExactSizeIterator<Item = HeardSignal>) {
        if !self.is_watched(Watched::Signals) {
            return;
        }
        if !(0..SECOND_MS).contains(&(now_ms - self.second_began_ms)) {
            (self.second_began_ms, self.in_this_second) = (now_ms, 0);
        }
        let count = heard.len();
        let taken = count.min(SIGNALS_PER_S - self.in_this_second);
        self.in_this_second += taken;
        self.waiting.extend(heard.take(taken));
        self.skipped += (count - taken) as u64;
    }

    /// So many were committed and are left out.
    pub fn skip(&mut self, count: u64) {
        self.skipped += count;
    }

    /// What is to be shown now, and how many were left out before it. Empty as long as there is nothing to show.
    pub fn take_signals(&mut self) -> (Vec<HeardSignal>, u64) {
        if self.waiting.is_empty() {
            return (Vec::new(), 0);
        }
        (
            std::mem::take(&mut self.waiting),
            std::mem::take(&mut self.skipped),
        )
    }

    /// How target channels stand now: what is different goes to those who know the rest, everything to those who know nothing.
    pub fn targets(&mut self, rows: Vec<(ChannelId, String)>) -> Vec<TargetNews> {
        let watching = self.watching(Watched::Targets);
        let (new, old): (Vec<SocketKey>, Vec<SocketKey>) = watching
            .into_iter()
            .partition(|key| self.new_to_targets.contains(key));
        let differs = |entry: &&(ChannelId, String)| self.targets.get(&entry.0) != Some(&entry.1);
        let different: Vec<String> = rows
            .iter()
            .filter(differs)
            .map(|entry| entry.1.clone())
            .collect();
        let everything = || rows.iter().map(|entry| entry.1.clone()).collect();
        let mut news = Vec::new();
        if !old.is_empty() && !different.is_empty() {
            news.push(TargetNews {
                to: old,
                rows: different,
            });
        }
        if !new.is_empty() {
            news.push(TargetNews {
                to: new,
                rows: everything(),
            });
        }
        self.new_to_targets.clear();
        self.targets = rows.into_iter().collect();
        news
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::noticeboard::TOPICS;

    fn heard(number: i64) -> HeardSignal {
        HeardSignal {
            signal_id: SignalId::new(number).unwrap(),
            kind: RevisionKind::Create,
            accepted_at_ms: 0,
        }
    }

    fn many(count: i64) -> impl ExactSizeIterator<Item = HeardSignal> {
        (1..=count).map(heard).collect::<Vec<_>>().into_iter()
    }

    fn row(channel: i64, text: &str) -> (ChannelId, String) {
        (ChannelId::new(channel).unwrap(), text.to_owned())
    }

    #[test]
    fn what_was_changed_before_somebody_came_is_no_news() {
        let mut core = FeedCore::default();
        let mut notices = [7; TOPICS.len()];
        core.join(1, &notices);
        assert_eq!(core.notice(&notices), []);
        notices[Topic::Mappings as usize] += 3;
        // One who comes between does not hide it from the others.
        core.join(2, &notices);
        assert_eq!(core.notice(&notices), [Topic::Mappings]);
        assert_eq!(core.notice(&notices), []);
    }

    #[test]
    fn each_watches_what_it_said_last() {
        let mut core = FeedCore::default();
        core.watch(9, [Watched::Signals]);
        assert!(!core.is_watched(Watched::Signals), "it is not there");
        for key in [1, 2] {
            core.join(key, &Notices::default());
        }
        core.watch(1, [Watched::Signals, Watched::Actors]);
        core.watch(2, [Watched::Actors]);
        assert_eq!(core.watching(Watched::Actors), [1, 2]);
        core.watch(1, [Watched::Signals]);
        assert_eq!(core.watching(Watched::Actors), [2]);
        core.leave(1);
        assert!(!core.is_watched(Watched::Signals));
        core.leave(2);
        assert!(core.is_empty());
    }

    #[test]
    fn a_second_has_room_for_so_many_signals_and_the_rest_is_counted() {
        let mut core = FeedCore::default();
        core.join(1, &Notices::default());
        core.hear(0, many(5));
        assert_eq!(core.take_signals(), (vec![], 0), "nobody watches");
        core.watch(1, [Watched::Signals]);
        // now, committed, shown, left out before
        for (now_ms, count, shown, skipped) in [
            (10_000, 3, 3, 0),
            (10_100, 30, 17, 13),
            (10_900, 5, 0, 0),
            (10_999, 1, 0, 0),
            (11_000, 2, 2, 6),
            // A clock that goes back begins a new second.
            (5_000, 25, 20, 5),
            (6_000, 1, 1, 0),
        ] {
            core.hear(now_ms, many(count));
            let (taken, left_out) = core.take_signals();
            assert_eq!((taken.len(), left_out), (shown, skipped), "at {now_ms}");
        }
        core.skip(4);
        assert_eq!(core.take_signals().1, 0, "told with the next signal");
        core.hear(9_000, many(1));
        assert_eq!(core.take_signals(), (vec![heard(1)], 4));
    }

    #[test]
    fn a_newcomer_is_told_of_every_target_and_the_others_what_changed() {
        let mut core = FeedCore::default();
        for key in [1, 2] {
            core.join(key, &Notices::default());
        }
        core.watch(1, [Watched::Targets]);
        let news = |to: &[u64], rows: &[&str]| TargetNews {
            to: to.to_vec(),
            rows: rows.iter().map(|row| (*row).to_owned()).collect(),
        };
        let rows = |a: &str, b: &str| vec![row(1, a), row(2, b)];
        assert_eq!(core.targets(rows("a", "b")), [news(&[1], &["a", "b"])]);
        assert_eq!(core.targets(rows("a", "b")), []);
        core.watch(2, [Watched::Targets]);
        assert_eq!(
            core.targets(rows("a", "c")),
            [news(&[1], &["c"]), news(&[2], &["a", "c"])]
        );
        assert_eq!(core.targets(rows("d", "c")), [news(&[1, 2], &["d"])]);
        // Once nobody watches, nothing is remembered.
        core.watch(1, []);
        core.watch(2, []);
        core.watch(1, [Watched::Targets]);
        assert_eq!(core.targets(rows("d", "c")), [news(&[1], &["d", "c"])]);
    }
}
