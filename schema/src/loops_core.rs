//! Whether mappings lead a signal back to where it came from. Looks at all mappings at once: what was switched off counts, so
//! that switching it on can never close a loop.

use crate::ids::ChannelId;
use std::collections::{HashMap, HashSet, VecDeque};

/// From which channel into which.
pub(crate) type Edge = (ChannelId, ChannelId);

/// The first of `new` that lies on a loop of `all`, by its place in `new`. `all` holds the new ones too. A loop that was there
/// already and that none of the new ones is part of is nobody's fault now.
pub(crate) fn closing(all: &[Edge], new: &[Edge]) -> Option<usize> {
    let left = on_or_between_loops(all);
    if left.is_empty() {
        return None;
    }
    let mut targets: HashMap<ChannelId, Vec<ChannelId>> = HashMap::new();
    for (source, target) in left {
        targets.entry(source).or_default().push(target);
    }
    new.iter()
        .position(|(source, target)| reaches(*target, *source, &targets))
}

/// What is left when everything that leads nowhere, or that nothing leads to, is taken away until nothing changes.
fn on_or_between_loops(all: &[Edge]) -> Vec<Edge> {
    let forward = pruned(all);
    let backward: Vec<Edge> = forward.into_iter().map(|(a, b)| (b, a)).collect();
    let kept = pruned(&backward);
    kept.into_iter().map(|(b, a)| (a, b)).collect()
}

/// The edges from whose end one can go on without end.
fn pruned(all: &[Edge]) -> Vec<Edge> {
    let (mut ways_on, mut into): (HashMap<_, usize>, HashMap<_, Vec<_>>) = Default::default();
    for (source, target) in all {
        *ways_on.entry(*source).or_default() += 1;
        ways_on.entry(*target).or_default();
        into.entry(*target).or_default().push(*source);
    }
    let ends = ways_on.iter().filter(|(_, count)| **count == 0);
    let mut open: VecDeque<ChannelId> = ends.map(|(channel, _)| *channel).collect();
    while let Some(end) = open.pop_front() {
        for source in into.get(&end).into_iter().flatten() {
            if let Some(count) = ways_on.get_mut(source) {
                *count -= 1;
                if *count == 0 {
                    open.push_back(*source);
                }
            }
        }
    }
    let goes_on = |channel: &ChannelId| ways_on.get(channel).is_some_and(|count| *count > 0);
    let kept = all.iter().filter(|(_, target)| goes_on(target));
    kept.copied().collect()
}

/// Whether following the mappings from `from` comes to `to`.
fn reaches(from: ChannelId, to: ChannelId, targets: &HashMap<ChannelId, Vec<ChannelId>>) -> bool {
    let mut seen = HashSet::from([from]);
    let mut open = vec![from];
    while let Some(here) = open.pop() {
        if here == to {
            return true;
        }
        let next = targets.get(&here).into_iter().flatten();
        open.extend(next.filter(|target| seen.insert(**target)));
    }
    false
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn edges(pairs: &[(i64, i64)]) -> Vec<Edge> {
        let channel = |number| ChannelId::new(number).unwrap();
        pairs
            .iter()
            .map(|&(a, b)| (channel(a), channel(b)))
            .collect()
    }

    #[test]
    fn only_what_is_part_of_a_loop_is_refused() {
        type Case<'a> = (&'a [(i64, i64)], &'a [(i64, i64)], Option<usize>);
        let table: [Case<'_>; 8] = [
            (&[], &[(1, 2)], None),
            (&[(2, 1)], &[(1, 2)], Some(0)),
            (&[(2, 3), (3, 4), (4, 1)], &[(1, 2)], Some(0)),
            (&[(1, 3), (2, 3), (3, 4)], &[(1, 2)], None),
            // A loop that was there: leading into it, out of it, and from it into another is no part of it.
            (&[(2, 3), (3, 2)], &[(1, 2), (3, 4)], None),
            (&[(2, 3), (3, 2), (5, 6), (6, 5)], &[(3, 5)], None),
            (
                &[(2, 3), (3, 2), (5, 6), (6, 5)],
                &[(9, 8), (3, 5), (6, 2)],
                Some(1),
            ),
            // Two that close one only together.
            (&[], &[(1, 2), (2, 1)], Some(0)),
        ];
        for (old, new, at) in table {
            let (mut all, new) = (edges(old), edges(new));
            all.extend(&new);
            assert_eq!(closing(&all, &new), at, "{old:?} {new:?}");
        }
    }

    #[test]
    fn a_long_chain_and_a_wide_fan_are_no_loop() {
        let chain: Vec<_> = (1..20_000).map(|n| (n, n + 1)).collect();
        let fan: Vec<_> = (1..20_000).map(|n| (30_000, n)).collect();
        let all = edges(&[chain, fan].concat());
        assert_eq!(closing(&all, &all), None);
        let closed = [all, edges(&[(20_000, 1)])].concat();
        assert_eq!(closing(&closed, &closed[40_000 - 2..]), Some(0));
    }

    proptest! {
        #[test]
        fn it_is_what_following_every_way_finds(old in proptest::collection::vec((1_i64..9, 1_i64..9), 0..20),
            new in proptest::collection::vec((1_i64..9, 1_i64..9), 1..5)) {
            let (mut all, new) = (edges(&old), edges(&new));
            all.extend(&new);
            let mut targets: HashMap<_, Vec<_>> = HashMap::new();
            for (source, target) in &all {
                targets.entry(*source).or_default().push(*target);
            }
            let expected = new.iter().position(|(source, target)| reaches(*target, *source, &targets));
            prop_assert_eq!(closing(&all, &new), expected);
        }

        #[test]
        fn mappings_that_were_all_allowed_hold_no_loop(wishes in proptest::collection::vec((1_i64..9, 1_i64..9), 0..40)) {
            let mut allowed: Vec<Edge> = Vec::new();
            for wish in edges(&wishes) {
                allowed.push(wish);
                if closing(&allowed, &[wish]).is_some() {
                    allowed.pop();
                }
            }
            // Take away what leads nowhere until nothing changes: only loops would be left.
            let mut left = allowed;
            while let Some(end) = left.iter().position(|(_, target)| !left.iter().any(|(source, _)| source == target)) {
                left.remove(end);
            }
            prop_assert!(left.is_empty(), "{left:?}");
        }
    }
}
