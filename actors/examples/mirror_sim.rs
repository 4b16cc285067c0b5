//! The proofs `mirror-sim` and `outage`, on a virtual clock: many seeds of the mirrors' rules against a model of Discord and of
//! the tables, then the same with bugs planted, to see that they would be found. Writes target/prove/mirror-sim.json and
//! target/prove/outage-virtual.json and ends with 1 when a promise broke. `--seed N` replays one seed and tells what happened.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use heliograph_actors::mirror_core::simulation::{Bug, Plan, Verdict, outage, simulate};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    io::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
    time::Instant,
};

/// Sentences and failing seeds that are kept.
const TOLD_MAX: usize = 20;
/// Bugs that may stay unfound.
const UNFOUND_MAX: usize = 2;
const DRAIN_SHARE_MIN: f64 = 0.95;
const RATE_LIMITED_SHARE_MAX: f64 = 0.01;
const REQUESTS_PER_MINUTE_MAX: u64 = 20;

struct Arguments {
    seeds: u64,
    events: u64,
    /// Replays this one.
    seed: Option<u64>,
    bug: Option<Bug>,
    /// Signals of the outage.
    signals: u64,
}

fn arguments() -> Result<Arguments, String> {
    let mut given = BTreeMap::new();
    let mut words = std::env::args().skip(1);
    while let Some(name) = words.next() {
        let value = words.next().ok_or(format!("{name} needs a value"))?;
        given.insert(name, value);
    }
    let mut number = |name: &str, default: u64| match given.remove(name) {
        None => Ok(default),
        Some(text) => text
            .parse()
            .map_err(|_| format!("{name} {text}: no number")),
    };
    let (seeds, events) = (number("--seeds", 1_000)?, number("--events", 5_000)?);
    let (seed, signals) = (number("--seed", 0)?, number("--signals", 50_000)?);
    let bug = given.remove("--bug");
    if let Some(name) = given.keys().next() {
        return Err(format!(
            "{name}? There are --seeds, --events, --signals, --seed and --bug"
        ));
    }
    let named = |name: &String| Bug::ALL.into_iter().find(|bug| format!("{bug:?}") == *name);
    let planted = bug.as_ref().and_then(named);
    if planted.is_none() && bug.is_some() {
        return Err(format!("there are {:?}", Bug::ALL));
    }
    Ok(Arguments {
        seeds,
        events,
        seed: Some(seed).filter(|seed| *seed > 0),
        bug: planted,
        signals,
    })
}

/// What many seeds found together.
#[derive(Default)]
struct Sum {
    runs: u64,
    total: Verdict,
    failing: Vec<u64>,
}

impl Sum {
    fn add(&mut self, found: Verdict) {
        self.runs += 1;
        if !found.holds() && self.failing.len() < TOLD_MAX {
            self.failing.push(found.seed);
            let told = |it: &String| format!("seed {}: {it}", found.seed);
            self.total
                .breaches
                .extend(found.breaches.iter().take(1).map(told));
        }
        let total = &mut self.total;
        total.events += found.events;
        total.requests += found.requests;
        total.rate_limited += found.rate_limited;
        total.backlog_max = total.backlog_max.max(found.backlog_max);
        total.lost += found.lost;
        total.doubled += found.doubled;
        total.out_of_order += found.out_of_order;
        total.gaps += found.gaps;
        total.stuck += found.stuck;
        total.rude += found.rude;
        total.panics += found.panics;
    }
}

/// Runs seeds 1 to `seeds` on every core; with a bug planted, until one finds it.
fn run(seeds: u64, events: u64, bug: Option<Bug>) -> Sum {
    let (next, is_found) = (AtomicU64::new(1), AtomicBool::new(false));
    let sum = Mutex::new(Sum::default());
    let work = || {
        while !is_found.load(SeqCst) {
            let seed = next.fetch_add(1, SeqCst);
            if seed > seeds {
                return;
            }
            let plan = Plan {
                seed,
                events,
                trace: false,
                bug,
            };
            let (found, _) = simulate(&plan);
            // A seed that fails without the bug says nothing of it.
            let fails_anyway = bug.is_some() && !found.holds() && {
                let plan = Plan { bug: None, ..plan };
                !simulate(&plan).0.holds()
            };
            if fails_anyway {
                continue;
            }
            is_found.fetch_or(bug.is_some() && !found.holds(), SeqCst);
            sum.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .add(found);
        }
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(work);
        }
    });
    sum.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn replay(seed: u64, arguments: &Arguments) -> bool {
    let plan = Plan {
        seed,
        events: arguments.events,
        trace: true,
        bug: arguments.bug,
    };
    let (found, lines) = simulate(&plan);
    let mut out = std::io::stdout().lock();
    for line in lines {
        // Whoever reads it may have read enough.
        if writeln!(out, "{line}").is_err() {
            return found.holds();
        }
    }
    let _ = writeln!(out, "{found:#?}");
    found.holds()
}

fn prove_mirror_sim(arguments: &Arguments) -> Result<bool, String> {
    let began = Instant::now();
    println!(
        "mirror-sim  {} seeds, {} events each",
        arguments.seeds, arguments.events
    );
    let sum = run(arguments.seeds, arguments.events, None);
    let events_per_s = sum.total.events as f64 / began.elapsed().as_secs_f64();
    println!(
        "  without a bug: failing {:?}, {}",
        sum.failing,
        events_per_s.round()
    );
    let mut by_bug = BTreeMap::new();
    for bug in Bug::ALL {
        let found = run(arguments.seeds, arguments.events, Some(bug));
        println!(
            "  {bug:?}: {:?} after {} runs",
            found.failing.first(),
            found.runs
        );
        by_bug.insert(format!("{bug:?}"), found.failing.first().copied());
    }
    let found = by_bug.values().flatten().count();
    let holds = sum.total.holds() && by_bug.len() - found <= UNFOUND_MAX;
    let total = &sum.total;
    let figures = json!({
        "runs": sum.runs, "seeds": [1, arguments.seeds], "events": total.events, "requests": total.requests,
        "lost": total.lost, "doubled": total.doubled, "out_of_order": total.out_of_order, "gaps": total.gaps,
        "stuck": total.stuck, "rude": total.rude, "panics": total.panics, "planted": by_bug.len(),
        "planted_found": found, "planted_found_by_seed": by_bug, "events_per_s": events_per_s.round(),
        "failing_seeds": sum.failing, "holds": holds, "breaches": total.breaches,
    });
    report("mirror-sim", &figures)?;
    Ok(holds)
}

fn prove_outage(arguments: &Arguments) -> Result<bool, String> {
    println!("outage-virtual  six hours, {} signals", arguments.signals);
    let found = outage(1, arguments.signals);
    let verdict = &found.verdict;
    let holds = verdict.holds()
        && found.cancelled_requests == 0
        && found.requests_per_minute_max <= REQUESTS_PER_MINUTE_MAX
        && found.drain_share >= DRAIN_SHARE_MIN
        && found.rate_limited_share < RATE_LIMITED_SHARE_MAX;
    let figures = json!({
        "runs": 1, "seeds": [1], "events": verdict.events, "queued": found.queued, "cancelled": found.cancelled,
        "cancelled_requests": found.cancelled_requests, "requests_in_outage": found.requests_in_outage,
        "requests_per_minute_max": found.requests_per_minute_max, "backlog_max": verdict.backlog_max,
        "drain_s": found.drain_s, "drain_share": found.drain_share, "rate_limited_share": found.rate_limited_share,
        "lost": verdict.lost, "doubled": verdict.doubled, "out_of_order": verdict.out_of_order, "gaps": verdict.gaps,
        "stuck": verdict.stuck, "rude": verdict.rude, "panics": verdict.panics, "holds": holds,
        "breaches": verdict.breaches,
    });
    report("outage-virtual", &figures)?;
    Ok(holds)
}

/// Prints the figures and writes them to `target/prove/<name>.json`.
fn report(name: &str, figures: &Value) -> Result<(), String> {
    for (name, value) in figures.as_object().into_iter().flatten() {
        match value {
            Value::Array(sentences) => {
                sentences.iter().for_each(|it| println!("  {name}: {it}"));
            }
            Value::Object(_) => {}
            plain => println!("  {name:<28}{plain:>14}"),
        }
    }
    let path = directory().join(format!("{name}.json"));
    let text = serde_json::to_string_pretty(figures).map_err(|error| error.to_string())?;
    std::fs::create_dir_all(directory())
        .and_then(|()| std::fs::write(&path, text + "\n"))
        .map_err(|error| format!("{}: {error}", path.display()))?;
    println!("  -> {}\n", path.display());
    Ok(())
}

/// The build directory this program lies in.
fn directory() -> PathBuf {
    let program = std::env::current_exe().ok();
    let mut above = program.iter().flat_map(|program| program.ancestors());
    above
        .find(|path| path.join("CACHEDIR.TAG").exists() || path.ends_with("target"))
        .map_or_else(|| PathBuf::from("target"), Path::to_path_buf)
        .join("prove")
}

fn main() -> ExitCode {
    // A core that panics is a finding with its seed: told once, at the end.
    std::panic::set_hook(Box::new(|_| {}));
    let holds = arguments().and_then(|arguments| match arguments.seed {
        Some(seed) => Ok(replay(seed, &arguments)),
        None => Ok(prove_mirror_sim(&arguments)? & prove_outage(&arguments)?),
    });
    match holds {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(wrong) => {
            eprintln!("{wrong}");
            ExitCode::FAILURE
        }
    }
}
