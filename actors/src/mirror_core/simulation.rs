//! The cores, their limits and their gate against a model of Discord and of the tables, on a virtual clock, with every trouble
//! drawn from a seed: lost and late answers, 429s of all kinds, outages, a refused token, crashes of mirrors and of the process
//! between any two effects. Then the troubles end, and an oracle that knows only what was committed and what stands in the
//! channels judges. Built for tests and for `examples/mirror_sim.rs`, never into a server.
#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_wrap,
    clippy::cast_possible_truncation
)]

mod chance;
mod discord_model;
mod manners;
mod oracle;
mod outage;
mod people;
mod table_model;
mod trace;
mod world;

pub use super::planted::Bug;
pub use outage::{OutageVerdict, outage};

use super::planted::plant;
use crate::supervision::panic_text;
use std::panic::{AssertUnwindSafe, catch_unwind};
use world::World;

/// How long after the last trouble everything must be delivered: a probe of a parked target and a paused token, and …
const CALM_MS: i64 = 3_600_000;
/// … so much for each delivery.
const DELIVERY_MS: i64 = 30_000;
/// What still waits in the queue when everything is delivered: a few answers and wakes, but no circle.
const AFTERMATH_MAX: usize = 10_000;
/// Sentences kept of a run.
const BREACHES_MAX: usize = 20;

/// One run.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The same seed makes the same run.
    pub seed: u64,
    /// Inputs told to cores and requests that reached Discord, before the troubles end.
    pub events: u64,
    /// Keep what happened, line by line.
    pub trace: bool,
    /// Planted in the cores.
    pub bug: Option<Bug>,
}

/// What a run found; everything but the counts of events and requests is zero in a good one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Of the plan.
    pub seed: u64,
    /// Inputs told to cores and requests that reached Discord.
    pub events: u64,
    /// Requests sent.
    pub requests: u64,
    /// 429s heard.
    pub rate_limited: u64,
    /// Most deliveries that one core held in memory.
    pub backlog_max: u64,
    /// Messages that should stand and do not, show something else, or were given up without a reason.
    pub lost: u64,
    /// Messages that stand once too often.
    pub doubled: u64,
    /// Signals or parts that appeared before older ones.
    pub out_of_order: u64,
    /// Signals of which some parts stand and others do not.
    pub gaps: u64,
    /// Deliveries that came to no end though nothing failed any more.
    pub stuck: u64,
    /// Requests that were told not to come yet, came twice at a time or in vain again and again, and memory that grew.
    pub rude: u64,
    /// Panics of a core.
    pub panics: u64,
    /// What broke, as sentences; the first few.
    pub breaches: Vec<String>,
}

impl Verdict {
    fn of(seed: u64) -> Self {
        Self {
            seed,
            ..Self::default()
        }
    }

    /// Whether every promise was kept.
    pub fn holds(&self) -> bool {
        let counts = [self.lost, self.doubled, self.out_of_order, self.gaps];
        let others = [self.stuck, self.rude, self.panics];
        counts.iter().chain(&others).all(|count| *count == 0) && self.breaches.is_empty()
    }

    fn breach(&mut self, sentence: String) {
        if self.breaches.len() < BREACHES_MAX {
            self.breaches.push(sentence);
        }
    }
}

/// Runs it. The second is what happened, when it was to be kept.
pub fn simulate(plan: &Plan) -> (Verdict, Vec<String>) {
    plant(plan.bug);
    let mut world = World::new(plan);
    let panicked = catch_unwind(AssertUnwindSafe(|| world.run())).err();
    if let Some(panic) = panicked {
        world.verdict.panics += 1;
        world.verdict.breach(panic_text(panic.as_ref()));
    }
    plant(None);
    world.into_trace()
}

impl World {
    /// Until the troubles end, then until nothing is left to do; then it is judged.
    fn run(&mut self) {
        while self.trouble && self.step() {}
        if self.verdict.stuck == 0 {
            self.drain();
        }
        self.end_run();
    }

    /// What came of it.
    fn end_run(&mut self) {
        let Self {
            verdict, targets, ..
        } = self;
        for target in targets {
            verdict.judge(&target.table, &target.channel);
        }
    }

    fn pending_count(&self) -> usize {
        let tables = self.targets.iter().map(|target| &target.table);
        tables.map(table_model::Table::pending_count).sum()
    }

    fn drain(&mut self) {
        for at in 0..self.targets.len() {
            self.redrive(at);
        }
        let patience_ms = CALM_MS + DELIVERY_MS * self.pending_count() as i64;
        let ends_ms = self.now_ms + patience_ms;
        loop {
            while self.pending_count() > 0 && self.now_ms < ends_ms && self.step() {}
            // What was given up just before the troubles ended.
            if self.redrive_all() == 0 {
                break;
            }
        }
        let stuck = self.pending_count() as u64;
        if stuck > 0 {
            self.verdict.stuck += stuck;
            let standing = self
                .targets
                .iter()
                .map(|target| target.core.standing(self.now_ms));
            let standing: Vec<_> = standing.collect();
            self.verdict
                .breach(format!("{stuck} deliveries do not go on: {standing:?}"));
            return;
        }
        let mut left = AFTERMATH_MAX;
        while left > 0 && self.step() {
            left -= 1;
        }
        if left == 0 {
            self.verdict.stuck += 1;
            self.verdict.breach("it comes to no rest".to_owned());
        }
    }

    fn redrive_all(&mut self) -> usize {
        let before = self.pending_count();
        if before > 0 {
            return 0;
        }
        for at in 0..self.targets.len() {
            self.redrive(at);
        }
        self.pending_count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(seed: u64, events: u64, bug: Option<Bug>) -> Verdict {
        let plan = Plan {
            seed,
            events,
            trace: false,
            bug,
        };
        simulate(&plan).0
    }

    /// Short lives and long ones; more of them by `examples/mirror_sim.rs`.
    #[test]
    fn nothing_is_lost_doubled_or_out_of_order_whatever_fails() {
        let long = [(7, 6_000), (8, 6_000)];
        for (seed, events) in (1..=250).map(|seed| (seed, 400)).chain(long) {
            let verdict = run(seed, events, None);
            assert!(verdict.holds(), "{verdict:#?}");
            assert!(verdict.requests > 0, "{verdict:#?}");
        }
    }

    #[test]
    fn a_seed_makes_the_same_run_again() {
        assert_eq!(run(3, 1_000, None), run(3, 1_000, None));
        assert_ne!(run(3, 1_000, None).requests, run(4, 1_000, None).requests);
    }

    #[test]
    fn an_outage_costs_little_and_its_backlog_goes_out_in_order() {
        let found = outage(1, 400);
        assert!(found.verdict.holds(), "{found:#?}");
        assert_eq!(found.cancelled_requests, 0);
        assert!(found.verdict.backlog_max <= 256);
    }
}
