//! A backlog that never ends against a model of Discord's window, on a virtual clock, one request at a time, with ways there
//! and back that take now this long and now that. The yardstick is a sender that sees Discord's window itself and only cannot
//! know how long the way will take: what it gets through is what is allowed.
#![allow(clippy::unwrap_used, clippy::cast_possible_wrap)]

use super::*;

/// Seeds of a plain run of the tests.
const SEEDS: u64 = 80;
const WINDOWS: i64 = 40;
const START_MS: i64 = 1_000_000;
/// Discord's clock is not ours.
const CLOCKS_DIFFER_MS: i64 = 77_777;

struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: i64) -> i64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        i64::try_from((mixed ^ (mixed >> 31)) >> 1).unwrap() % bound.max(1)
    }
    fn between(&mut self, least: i64, most: i64) -> i64 {
        least + self.below(most - least + 1)
    }
}

/// What `Reset-After` speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    AllBack,
    NextBack,
}

#[derive(Debug, Clone, Copy)]
struct Case {
    limit: usize,
    window_ms: i64,
    is_fixed: bool,
    meaning: Meaning,
    /// Shortest and longest way, each way.
    way_ms: (i64, i64),
    has_clock: bool,
    /// Of 100 answers, how many say nothing of limits.
    silent_percent: i64,
    /// A limit below the bucket that no header tells.
    hidden: Option<(usize, i64)>,
}

impl Case {
    fn drawn(dice: &mut Dice) -> Self {
        let least = dice.between(5, 150);
        let way_ms = match dice.below(3) {
            0 => (5, 150),
            1 => (least, dice.between(least, 150)),
            _ => (least, (least + least / 10).min(150)),
        };
        Self {
            limit: usize::try_from(dice.between(1, 50)).unwrap(),
            window_ms: dice.between(1_000, 10_000),
            is_fixed: dice.below(2) == 0,
            meaning: if dice.below(2) == 0 {
                Meaning::AllBack
            } else {
                Meaning::NextBack
            },
            way_ms,
            has_clock: true,
            silent_percent: 0,
            hidden: None,
        }
    }
}

/// Discord's end.
struct Window {
    case: Case,
    /// What the bucket counts, and the limit below it.
    used: VecDeque<i64>,
    used_below: VecDeque<i64>,
}

impl Window {
    fn new(case: Case) -> Self {
        Self {
            case,
            used: VecDeque::new(),
            used_below: VecDeque::new(),
        }
    }

    /// How many of the counted requests have come back by then.
    fn back(&self, at_ms: i64) -> usize {
        let is_back = |taken: i64| taken + self.case.window_ms <= at_ms;
        match self.used.front() {
            Some(first) if self.case.is_fixed && is_back(*first) => self.used.len(),
            Some(_) if self.case.is_fixed => 0,
            _ => self.used.partition_point(|taken| is_back(*taken)),
        }
    }

    /// Until one more fits.
    fn wait_ms(&self, at_ms: i64) -> i64 {
        let back = self.back(at_ms);
        let surplus = (self.used.len() - back).checked_sub(self.case.limit);
        let bucket_ms = surplus.map(|surplus| {
            let blocking = if self.case.is_fixed {
                0
            } else {
                back + surplus
            };
            self.used[blocking] + self.case.window_ms - at_ms
        });
        let hidden_ms = self.case.hidden.and_then(|(limit, window_ms)| {
            let first = self.used_below.len().checked_sub(limit)?;
            Some(self.used_below[first] + window_ms - at_ms)
        });
        bucket_ms.max(hidden_ms).unwrap_or(0).max(0)
    }

    fn answer(&mut self, at_ms: i64) -> (bool, Answer) {
        let wait_ms = self.wait_ms(at_ms);
        self.used.drain(..self.back(at_ms));
        if wait_ms == 0 {
            self.used.push_back(at_ms);
            self.used_below.push_back(at_ms);
            if self.used_below.len() > 100 {
                self.used_below.pop_front();
            }
        }
        let used = &self.used;
        let last = if self.case.is_fixed || self.case.meaning == Meaning::NextBack {
            used.front()
        } else {
            used.back()
        };
        let reset_after_ms = last.map_or(0, |last| last + self.case.window_ms - at_ms);
        let headers = LimitHeaders {
            bucket: Some("bucket".to_owned()),
            limit: Some(u32::try_from(self.case.limit).unwrap()),
            remaining: Some(u32::try_from(self.case.limit.saturating_sub(used.len())).unwrap()),
            reset_after_ms: Some(reset_after_ms),
            answered_at_ms: self.case.has_clock.then_some(at_ms + CLOCKS_DIFFER_MS),
        };
        let outcome = if wait_ms == 0 {
            Outcome::Edited
        } else {
            Outcome::RateLimited {
                kind: LimitKind::Bucket,
                retry_after_ms: wait_ms,
            }
        };
        let headers = Some(headers);
        (wait_ms == 0, Answer { outcome, headers })
    }
}

#[derive(Debug, Default, Clone, Copy)]
struct Score {
    taken: usize,
    refused: usize,
}

/// One mirror with a backlog.
struct Sender {
    limits: Limits,
    discord: Window,
    dice: Dice,
    now_ms: i64,
}

impl Sender {
    fn new(case: Case, seed: u64) -> Self {
        Self {
            limits: Limits::default(),
            discord: Window::new(case),
            dice: Dice(seed),
            now_ms: START_MS,
        }
    }

    fn run_until(&mut self, until_ms: i64) -> Score {
        let lane = Lane::new(Route::Create, ChannelId::new(1).unwrap());
        let mut score = Score::default();
        loop {
            match self.limits.may_send(self.now_ms, lane) {
                // Timers come a little late.
                Permit::At(at_ms) => {
                    assert!(at_ms > self.now_ms);
                    self.now_ms = at_ms + self.dice.below(2);
                }
                Permit::AfterAnswer => panic!("nothing is under way"),
                Permit::Now => {}
            }
            if self.now_ms >= until_ms {
                return score;
            }
            if self.limits.may_send(self.now_ms, lane) != Permit::Now {
                continue;
            }
            self.limits.sent(self.now_ms, lane);
            let (least, most) = self.discord.case.way_ms;
            let arrives_ms = self.now_ms + self.dice.between(least, most);
            let (is_taken, mut answer) = self.discord.answer(arrives_ms);
            if self.dice.below(100) < self.discord.case.silent_percent {
                answer.headers = Some(LimitHeaders::default());
            }
            score.taken += usize::from(is_taken);
            score.refused += usize::from(!is_taken);
            self.now_ms = arrives_ms + self.dice.between(least, most);
            self.limits.heard(self.now_ms, lane, &answer);
        }
    }
}

/// What the sender that sees the window gets through.
fn allowed(case: Case, seed: u64, lasts_ms: i64) -> usize {
    let (mut discord, mut dice) = (Window::new(case), Dice(seed));
    let (mut now_ms, mut taken) = (0, 0);
    while now_ms < lasts_ms {
        let (least, most) = case.way_ms;
        now_ms += (discord.wait_ms(now_ms + least)).max(0);
        let arrives_ms = now_ms + dice.between(least, most);
        assert!(discord.answer(arrives_ms).0);
        taken += 1;
        now_ms = arrives_ms + dice.between(least, most);
    }
    taken
}

fn lasts_ms(case: Case) -> i64 {
    WINDOWS
        * case
            .hidden
            .map_or(case.window_ms, |(_, window_ms)| window_ms)
}

/// Share of the allowed, and share of requests that were refused.
fn saturate(case: Case, seed: u64) -> (f64, f64) {
    let score = Sender::new(case, seed).run_until(START_MS + lasts_ms(case));
    let allowed = allowed(case, seed, lasts_ms(case));
    (
        score.taken as f64 / allowed as f64,
        score.refused as f64 / (score.taken + score.refused) as f64,
    )
}

/// Every seed uses at least this share of what is allowed, with fewer refusals than this.
fn check(share_min: f64, refused_max: f64, case: impl Fn(&mut Dice) -> Case) {
    let (mut worst, mut most_refused, mut failed) = (1.0_f64, 0.0_f64, Vec::new());
    for seed in 0..SEEDS {
        let case = case(&mut Dice(seed));
        let (share, refused) = saturate(case, seed);
        (worst, most_refused) = (worst.min(share), most_refused.max(refused));
        if share < share_min || refused >= refused_max {
            failed.push(format!(
                "seed {seed}: {share:.3} used, {refused:.4} refused: {case:?}"
            ));
        }
    }
    assert!(
        failed.is_empty(),
        "{worst:.3} used at least, {most_refused:.4} refused at most\n{}",
        failed.join("\n")
    );
}

#[test]
fn nearly_all_that_is_allowed_is_used() {
    check(0.95, 0.01, Case::drawn);
}

#[test]
fn without_the_clock_of_discord_only_the_way_back_is_lost() {
    let case = |dice: &mut Dice| Case {
        has_clock: false,
        window_ms: dice.between(5_000, 10_000),
        ..Case::drawn(dice)
    };
    check(0.95, 0.01, case);
}

#[test]
fn answers_that_say_nothing_of_limits_cost_little() {
    let case = |dice: &mut Dice| Case {
        silent_percent: dice.between(1, 60),
        ..Case::drawn(dice)
    };
    check(0.75, 0.02, case);
}

#[test]
fn without_any_header_the_limit_is_learned_from_refusals() {
    let case = |dice: &mut Dice| Case {
        silent_percent: 100,
        ..Case::drawn(dice)
    };
    check(0.6, 0.06, case);
}

#[test]
fn a_hidden_limit_is_learned_from_refusals() {
    // As webhooks and old edits are said to have: stricter than the bucket, over longer.
    let case = |dice: &mut Dice| Case {
        limit: 5,
        window_ms: 2_000,
        hidden: Some((usize::try_from(dice.between(3, 30)).unwrap(), 60_000)),
        ..Case::drawn(dice)
    };
    check(0.95, 0.05, case);
}

/// Limits change while the backlog lasts; what the window after the change loses is the price, and nothing after it.
#[test]
fn changed_limits_are_followed_within_a_window() {
    for seed in 0..SEEDS {
        let mut dice = Dice(seed);
        let before = Case {
            limit: usize::try_from(dice.between(2, 25)).unwrap(),
            ..Case::drawn(&mut dice)
        };
        let changed = if dice.below(2) == 0 {
            before.limit / 2
        } else {
            before.limit * 2
        };
        let mut sender = Sender::new(before, seed);
        let change_ms = START_MS + 10 * before.window_ms + dice.below(before.window_ms);
        sender.run_until(change_ms);
        sender.discord.case.limit = changed;
        let adapting = sender.run_until(change_ms + before.window_ms);
        assert!(
            adapting.refused <= 1,
            "seed {seed}: {adapting:?} {before:?}"
        );
        let lasts_ms = 20 * before.window_ms;
        let adapted = sender.run_until(change_ms + before.window_ms + lasts_ms);
        let allowed = allowed(sender.discord.case, seed, lasts_ms) - changed;
        let share = adapted.taken as f64 / allowed as f64;
        assert!(
            share >= 0.95 && adapted.refused == 0,
            "seed {seed}: {share} {adapted:?} {before:?} to {changed}"
        );
    }
}
