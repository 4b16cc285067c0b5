//! When which target channel is looked at: each once in an interval, at a moment of its own; one with an obstacle every few
//! minutes, so that it works again soon after the repair; one whose mirror was refused at once, but not again and again.

use heliograph_schema::ids::ChannelId;
use std::collections::{BTreeSet, HashMap};

/// A target with an obstacle, or of which Discord did not say anything, is looked at again after this.
pub const LOOK_AGAIN_MS: i64 = 120_000;

#[derive(Debug)]
struct Plan {
    due_ms: i64,
    /// Its mirror wants it looked at.
    is_asked: bool,
    /// When that was last done.
    answered_ms: Option<i64>,
    is_obstructed: bool,
}

impl Plan {
    /// When its mirror may have it looked at. Discord may go on refusing what it says is allowed: not again and again.
    fn mirrors_turn_ms(&self, now_ms: i64) -> i64 {
        self.answered_ms.map_or(now_ms, |answered_ms| {
            now_ms.max(answered_ms + LOOK_AGAIN_MS)
        })
    }
}

/// The plan of all inspections that nobody waits for. Takes the time in.
#[derive(Debug)]
pub struct Schedule {
    interval_ms: i64,
    plans: HashMap<ChannelId, Plan>,
    order: BTreeSet<(i64, ChannelId)>,
    seed: u64,
}

impl Schedule {
    /// Nothing to look at yet. `seed` spreads the moments.
    pub fn new(interval_ms: i64, seed: u64) -> Self {
        Self {
            interval_ms: interval_ms.max(1),
            plans: HashMap::new(),
            order: BTreeSet::new(),
            seed,
        }
    }

    /// These are the targets now. Each new one is looked at some time within an interval.
    pub fn follow(&mut self, now_ms: i64, targets: &[ChannelId]) {
        let kept: BTreeSet<ChannelId> = targets.iter().copied().collect();
        self.plans.retain(|target, _| kept.contains(target));
        self.order.retain(|(_, target)| kept.contains(target));
        for target in kept {
            if !self.plans.contains_key(&target) {
                let due_ms = now_ms + self.draw(self.interval_ms);
                let plan = Plan {
                    due_ms,
                    is_asked: false,
                    answered_ms: None,
                    is_obstructed: false,
                };
                self.order.insert((due_ms, target));
                self.plans.insert(target, plan);
            }
        }
    }

    /// Its mirror was refused: now, unless that was a short time ago.
    pub fn ask(&mut self, now_ms: i64, target: ChannelId) {
        let Some(plan) = self.plans.get_mut(&target) else {
            return;
        };
        plan.is_asked = true;
        let due_ms = plan.due_ms.min(plan.mirrors_turn_ms(now_ms));
        self.plan(target, due_ms);
    }

    /// The one that is due for longest. It is due again later, whatever comes of it.
    pub fn next(&mut self, now_ms: i64) -> Option<ChannelId> {
        let (due_ms, target) = *self.order.first()?;
        if due_ms > now_ms {
            return None;
        }
        let plan = self.plans.get_mut(&target)?;
        if std::mem::take(&mut plan.is_asked) {
            plan.answered_ms = Some(now_ms);
        }
        self.plan(target, now_ms + LOOK_AGAIN_MS);
        Some(target)
    }

    /// What came of an inspection: `None` when Discord did not say.
    pub fn seen(&mut self, now_ms: i64, target: ChannelId, is_obstructed: Option<bool>) {
        let around_interval_ms = self.interval_ms / 2 + self.draw(self.interval_ms);
        let Some(plan) = self.plans.get_mut(&target) else {
            return;
        };
        plan.is_obstructed = is_obstructed.unwrap_or(plan.is_obstructed);
        let is_well = is_obstructed == Some(false);
        let wait_ms = if is_well {
            around_interval_ms
        } else {
            LOOK_AGAIN_MS.min(around_interval_ms)
        };
        let mut due_ms = now_ms + wait_ms;
        if plan.is_asked {
            // Refused while it was looked at, or since.
            due_ms = due_ms.min(plan.mirrors_turn_ms(now_ms));
        }
        self.plan(target, due_ms);
    }

    /// Targets with an obstacle, as far as is known.
    pub fn obstructed(&self) -> usize {
        self.plans
            .values()
            .filter(|plan| plan.is_obstructed)
            .count()
    }

    /// All targets.
    pub fn targets(&self) -> usize {
        self.plans.len()
    }

    fn plan(&mut self, target: ChannelId, due_ms: i64) {
        if let Some(plan) = self.plans.get_mut(&target) {
            self.order.remove(&(plan.due_ms, target));
            plan.due_ms = due_ms;
            self.order.insert((due_ms, target));
        }
    }

    /// At random from 0 up to `below`, by a splitmix64 sequence.
    fn draw(&mut self, below: i64) -> i64 {
        self.seed = self.seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.seed;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        i64::try_from(mixed % below.max(1).unsigned_abs()).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const HOUR_MS: i64 = 3_600_000;

    fn channel(number: i64) -> ChannelId {
        ChannelId::new(number).unwrap()
    }

    fn following(count: i64) -> Schedule {
        let mut schedule = Schedule::new(HOUR_MS, 1);
        let targets: Vec<ChannelId> = (1..=count).map(channel).collect();
        schedule.follow(0, &targets);
        schedule
    }

    /// Runs a schedule second by second, as the inspector does; gives the moments of each target.
    fn run(schedule: &mut Schedule, from_ms: i64, to_ms: i64, blocked: &[i64]) -> Vec<(i64, i64)> {
        let mut done = Vec::new();
        for now_ms in (from_ms..to_ms).step_by(1_000) {
            if let Some(target) = schedule.next(now_ms) {
                let is_obstructed = blocked.contains(&target.get());
                schedule.seen(now_ms, target, Some(is_obstructed));
                done.push((now_ms, target.get()));
            }
        }
        done
    }

    #[test]
    fn a_thousand_targets_are_spread_over_the_hour() {
        let mut schedule = following(1_000);
        let done = run(&mut schedule, 0, 6 * HOUR_MS, &[]);
        for minutes in 0..36 {
            let (from_ms, to_ms) = (minutes * 600_000, (minutes + 1) * 600_000);
            let here = done
                .iter()
                .filter(|(at_ms, _)| (from_ms..to_ms).contains(at_ms));
            let count = here.count();
            assert!(
                (80..260).contains(&count),
                "{count} in ten minutes from {from_ms}"
            );
        }
        for target in 1..=1_000 {
            let moments: Vec<i64> = done
                .iter()
                .filter(|(_, it)| *it == target)
                .map(|(at, _)| *at)
                .collect();
            assert!(moments[0] <= HOUR_MS + 600_000);
            let longest = moments
                .windows(2)
                .map(|pair| pair[1] - pair[0])
                .max()
                .unwrap();
            assert!(
                longest <= 2 * HOUR_MS,
                "{longest} ms between two looks at {target}"
            );
        }
    }

    #[test]
    fn an_obstacle_is_looked_at_again_soon() {
        let mut schedule = following(3);
        run(&mut schedule, 0, HOUR_MS + 1_000, &[2]);
        assert_eq!((schedule.obstructed(), schedule.targets()), (1, 3));
        let again = run(&mut schedule, HOUR_MS + 1_000, HOUR_MS + 602_000, &[2]);
        let of_blocked = again.iter().filter(|(_, it)| *it == 2).count();
        assert_eq!(of_blocked, 5, "{again:?}");
        run(&mut schedule, HOUR_MS + 602_000, HOUR_MS + 722_000, &[]);
        assert_eq!(schedule.obstructed(), 0);
    }

    #[test]
    fn a_mirror_is_heard_at_once_and_then_every_few_minutes() {
        let mut schedule = following(1);
        let target = channel(1);
        schedule.seen(0, target, Some(false));
        let mut looks = Vec::new();
        // Refused every second, though every look finds nothing.
        for now_ms in (1_000..LOOK_AGAIN_MS * 3).step_by(1_000) {
            schedule.ask(now_ms, target);
            if schedule.next(now_ms).is_some() {
                schedule.seen(now_ms, target, Some(false));
                looks.push(now_ms);
            }
        }
        assert_eq!(
            looks,
            [1_000, 1_000 + LOOK_AGAIN_MS, 1_000 + 2 * LOOK_AGAIN_MS]
        );
    }

    #[test]
    fn what_is_not_known_changes_nothing_and_is_asked_again() {
        let mut schedule = following(1);
        let target = channel(1);
        schedule.seen(0, target, Some(true));
        schedule.seen(1, target, None);
        assert_eq!(schedule.obstructed(), 1);
        assert_eq!(schedule.next(LOOK_AGAIN_MS), None);
        assert_eq!(schedule.next(1 + LOOK_AGAIN_MS), Some(target));
        // Under way: not a second time beside it.
        assert_eq!(schedule.next(2 + LOOK_AGAIN_MS), None);
    }

    #[test]
    fn targets_come_and_go() {
        let mut schedule = following(2);
        schedule.seen(0, channel(2), Some(true));
        schedule.follow(1, &[channel(1), channel(3)]);
        assert_eq!((schedule.obstructed(), schedule.targets()), (0, 2));
        schedule.ask(1, channel(2));
        schedule.seen(1, channel(2), Some(true));
        let looked = run(&mut schedule, 1, HOUR_MS + 2_000, &[]);
        let looked: BTreeSet<i64> = looked.into_iter().map(|(_, target)| target).collect();
        assert_eq!(looked, [1, 3].into());
    }
}
