//! Whose turn it is under a limit that all targets share: a place goes to the target that was served longest ago. Who is
//! refused is told the moment of the place that is its by rank, and has a claim on it; who does not come for it loses it.

use super::forget;
use heliograph_schema::ids::ChannelId;
use std::collections::{BTreeMap, HashMap, VecDeque};

const SECOND_MS: i64 = 1_000;
/// Who comes for its place later than this has lost the claim, though not its rank.
const CLAIM_MS: i64 = 50;
/// Places that come back all at once are spread over so much of the second while somebody waits: who comes later then finds the
/// next place near.
const SPREAD_US: i64 = 950_000;
/// Targets whose last turn is remembered; when there are more, the longest ago are forgotten, and are first anyway.
const TARGETS_MAX: usize = 16_384;

/// Served longest ago comes first; among those never served, the lower id.
type Rank = (u64, ChannelId);

/// Places of a sliding second, and who waits for the next.
#[derive(Debug)]
pub(super) struct Turns {
    per_s: u32,
    /// Places taken in the last second.
    taken_ms: VecDeque<i64>,
    /// The turn each target had last, counted from 1.
    served: HashMap<ChannelId, u64>,
    turns: u64,
    /// While somebody waits, no place is given before this moment.
    next_us: i64,
    /// Claims, with the moment each was told.
    waiting: BTreeMap<Rank, i64>,
}

impl Turns {
    pub(super) fn new(per_s: u32) -> Self {
        Self {
            per_s: per_s.max(1),
            taken_ms: VecDeque::new(),
            served: HashMap::new(),
            turns: 0,
            next_us: i64::MIN / 2,
            waiting: BTreeMap::new(),
        }
    }

    /// Takes a place, or says when to come again.
    pub(super) fn take(&mut self, now_ms: i64, target: ChannelId) -> Result<(), i64> {
        forget(&mut self.taken_ms, now_ms - SECOND_MS);
        self.waiting
            .retain(|_, told_ms| *told_ms + CLAIM_MS >= now_ms);
        let own = (self.served.get(&target).copied().unwrap_or(0), target);
        let before = self.waiting.range(..own).count();
        let has_room = self.taken_ms.len() + before < self.per_s as usize;
        let own_claim = usize::from(self.waiting.contains_key(&own));
        let is_contended = self.waiting.len() > own_claim;
        let spacing_us = SPREAD_US / i64::from(self.per_s);
        if has_room && (!is_contended || self.next_us <= now_ms * 1_000) {
            let from_us = if is_contended {
                self.next_us.max((now_ms - CLAIM_MS) * 1_000)
            } else {
                now_ms * 1_000
            };
            self.next_us = from_us + spacing_us;
            self.waiting.remove(&own);
            self.taken_ms.push_back(now_ms);
            self.turns += 1;
            self.served.insert(target, self.turns);
            self.forget_turns();
            return Ok(());
        }
        let place_ms = if has_room {
            now_ms + 1
        } else {
            self.place_ms(now_ms, before)
        };
        let rank = i64::try_from(before).unwrap_or(i64::MAX / SPREAD_US);
        let spread_ms = (self.next_us + rank * spacing_us).div_euclid(1_000) + 1;
        let at_ms = spread_ms.max(place_ms);
        self.waiting.insert(own, at_ms);
        Err(at_ms)
    }

    /// When the last place was taken, if that is not long ago.
    pub(super) fn last_ms(&self) -> Option<i64> {
        self.taken_ms.back().copied()
    }

    /// When the place comes that is left after `before` others: one comes back a second after it was taken.
    fn place_ms(&self, now_ms: i64, before: usize) -> i64 {
        let (taken, per_s) = (self.taken_ms.len(), self.per_s as usize);
        // Those that are free now, then those taken, oldest first, over and over.
        let place = (before + taken).saturating_sub(per_s);
        let (round, place) = (place / per_s, place % per_s);
        let round_ms = i64::try_from(round).unwrap_or(i64::MAX / SECOND_MS) * SECOND_MS;
        let free_ms = match self.taken_ms.get(place) {
            Some(taken_ms) => taken_ms + SECOND_MS,
            // One that is free now and that those before take: it comes back after them.
            None => now_ms + SECOND_MS,
        };
        free_ms + round_ms
    }

    fn forget_turns(&mut self) {
        if self.served.len() > TARGETS_MAX {
            let oldest = self.turns - (TARGETS_MAX / 2) as u64;
            self.served.retain(|_, turn| *turn > oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn target(number: i64) -> ChannelId {
        ChannelId::new(number).unwrap()
    }

    /// The part of a second without places, with the time it takes to wake.
    const UNSPREAD_MS: i64 = 60;
    /// From here on all are there.
    const BEGUN_MS: i64 = 2_000;

    struct Dice(u64);

    impl Dice {
        fn below(&mut self, bound: u64) -> u64 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11) % bound
        }
        fn ms(&mut self, least: u64, most: u64) -> i64 {
            i64::try_from(least + self.below(most - least + 1)).unwrap()
        }
    }

    /// What came of some seconds in which `saturated` targets always want a place, target 1 wants fewer than its share, and who
    /// is told a moment wakes a little after it.
    struct Played {
        served: HashMap<ChannelId, u64>,
        quiet_waits_ms: Vec<i64>,
    }

    fn play(seed: u64, per_s: u32, saturated: i64, lasts_ms: i64) -> Played {
        let share_ms = 1_000 * (saturated.unsigned_abs() + 1) / u64::from(per_s);
        let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        let mut turns = Turns::new(per_s);
        let mut due: BTreeMap<(i64, ChannelId), i64> = (2..2 + saturated)
            .map(|number| ((dice.ms(0, 500), target(number)), 0))
            .collect();
        due.insert((dice.ms(5_000, 6_000), target(1)), 0);
        let mut played = Played {
            served: HashMap::new(),
            quiet_waits_ms: Vec::new(),
        };
        while let Some(((now_ms, of), since_ms)) = due.pop_first() {
            if now_ms >= lasts_ms {
                break;
            }
            let since_ms = if since_ms == 0 { now_ms } else { since_ms };
            match turns.take(now_ms, of) {
                Err(at_ms) => {
                    assert!(at_ms > now_ms, "who is told to come at once would spin");
                    due.insert((at_ms + dice.ms(1, 3), of), since_ms);
                }
                Ok(()) if of == target(1) => {
                    played.quiet_waits_ms.push(now_ms - since_ms);
                    due.insert((now_ms + dice.ms(2 * share_ms, 4 * share_ms), of), 0);
                }
                Ok(()) => {
                    // Before that, those who are there first take what the others do not want yet.
                    if now_ms >= BEGUN_MS {
                        *played.served.entry(of).or_default() += 1;
                    }
                    // Its answer.
                    due.insert((now_ms + dice.ms(1, 20), of), 0);
                }
            }
        }
        played
    }

    #[test]
    fn a_backlog_of_some_costs_the_others_nothing_and_none_starves() {
        for seed in 0..60 {
            let mut dice = Dice(seed | 1 << 40);
            let rates = [1, 10, 50, 200];
            let rate = usize::try_from(dice.below(4)).unwrap();
            let (per_s, saturated) = (rates[rate], dice.ms(2, 150));
            // Each alone could take more than its share.
            if i64::from(per_s) > 40 * saturated {
                continue;
            }
            let lasts_ms = (40_000 * saturated / i64::from(per_s)).max(60_000);
            let played = play(seed, per_s, saturated, lasts_ms);
            let sum: u64 = played.served.values().sum::<u64>() + played.quiet_waits_ms.len() as u64;
            let allowed = f64::from(per_s) * (lasts_ms - BEGUN_MS) as f64 / 1_000.0;
            let what = format!("seed {seed}: {per_s}/s, {saturated} saturated");
            assert!(sum as f64 >= 0.99 * allowed, "{what}: {sum} of {allowed}");
            let (least, most) = (
                played.served.values().min().unwrap(),
                played.served.values().max().unwrap(),
            );
            assert_eq!(
                played.served.len() as i64,
                saturated.min(sum as i64),
                "{what}: all served"
            );
            assert!(
                most - least <= 3 + most / 50,
                "{what}: from {least} to {most}"
            );
            // A few places, and the part of the second that has none.
            let place_ms = 1_000 / i64::from(per_s) + 10;
            let longest_ms = played.quiet_waits_ms.iter().max().unwrap();
            assert!(
                *longest_ms <= 5 * place_ms + UNSPREAD_MS,
                "{what}: {longest_ms} ms"
            );
        }
    }

    #[test]
    fn who_does_not_come_loses_the_claim() {
        let mut turns = Turns::new(1);
        assert_eq!(turns.take(0, target(1)), Ok(()));
        assert_eq!(turns.take(0, target(2)), Err(1_000));
        assert_eq!(turns.take(0, target(1)), Err(2_000));
        // The place is the other's, for a while.
        assert_eq!(turns.take(1_010, target(1)), Err(2_010));
        assert_eq!(turns.take(1_051, target(1)), Ok(()));
        assert!(turns.waiting.is_empty());
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut turns = Turns::new(1_000_000);
        for number in 1..=40_000 {
            assert_eq!(turns.take(0, target(number)), Ok(()));
        }
        assert!(turns.served.len() <= TARGETS_MAX);
    }
}
