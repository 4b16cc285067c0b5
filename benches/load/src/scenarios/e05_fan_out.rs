//! E5: what one delivery costs the server, against a bare loop of writes in the same run, and how many deliveries a second
//! arrive within 100 ms. The same ladder against the bare loop tells how much the fleet itself can read.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::Context;
use super::floor::{CHANNEL, Cost, Floor, Order};
use super::scene::{self, Scene, SceneSettings};
use crate::failure::Outcome;
use crate::ingest_load::{Pace, Plan};
use crate::live_client::fleet::{Fleet, FleetSettings, Tally};
use crate::report::Figures;

/// Frames a second to each session when the cost of one is measured.
const STEADY_PER_S: f64 = 20.0;
/// The ladder of frames a second, climbed until deliveries take longer than [`P99_MS_MAX`].
const LADDER_PER_S: [f64; 7] = [50.0, 100.0, 200.0, 400.0, 600.0, 850.0, 1100.0];
const P99_MS_MAX: f64 = 100.0;
/// Signals of one batch on the ladder: a busy connector batches.
const LADDER_BATCH_ITEMS: usize = 10;

pub(super) fn run(context: &Context) -> Outcome<Vec<Figures>> {
    let sessions = context.pick(1000, 20);
    let scene = set_up(context)?;
    let mut repetitions = Vec::new();
    for number in 0..context.repetitions {
        // The bare loop and the server in turn, so that a noisy moment hits both.
        let floor = steady_floor(context, sessions)?;
        let mut figures = steady_server(context, &scene, sessions)?;
        let floor_us = us_each(floor.cpu_us, floor.deliveries);
        let ours_us = figures["us_per_delivery"].as_f64().unwrap_or_default();
        figures.insert("floor_us_per_delivery".into(), json!(floor_us));
        figures.insert("times_floor".into(), json!(ours_us / floor_us.max(0.001)));
        // The ladder is long; once tells enough.
        if number == 0 {
            let (most, steps) =
                ladder(context, |rate| server_step(context, &scene, sessions, rate))?;
            figures.insert("deliveries_per_s".into(), json!(most));
            figures.insert("steps".into(), json!(steps));
            let (most, steps) = ladder(context, |rate| floor_step(context, sessions, rate))?;
            figures.insert("generator_deliveries_per_s".into(), json!(most));
            figures.insert("generator_steps".into(), json!(steps));
        }
        repetitions.push(figures);
    }
    Ok(repetitions)
}

fn set_up(context: &Context) -> Outcome<Scene> {
    let settings = SceneSettings {
        connectors: 1,
        channels: 1,
        ..SceneSettings::default()
    };
    Scene::set_up(context, &settings)
}

fn plan(scene: &Scene, signals_per_s: f64, batch_items: usize, duration: Duration) -> Plan {
    #[allow(clippy::cast_precision_loss)]
    let pace = Pace::PerSecond(signals_per_s / batch_items as f64);
    Plan {
        lanes: scene.lanes.clone(),
        pace,
        batch_items,
        in_flight: 8,
        duration,
    }
}

fn steady_server(context: &Context, scene: &Scene, sessions: usize) -> Outcome<Figures> {
    let fleet = scene.listen(vec![scene.lanes[0].channels.clone(); sessions])?;
    let plan = plan(scene, STEADY_PER_S, 1, context.seconds(8));
    let cpu_before = scene.stage.server_cpu();
    let (pushed, tally, lost) = scene.push_to(&fleet, &plan)?;
    let cpu = scene.stage.server_cpu().saturating_sub(cpu_before);
    let cpu_us = u64::try_from(cpu.as_micros()).unwrap_or(u64::MAX);
    let mut figures = Figures::new();
    figures.insert(
        "us_per_delivery".into(),
        json!(us_each(cpu_us, tally.deliveries)),
    );
    scene::put_latency(&mut figures, &tally.latency);
    scene::put_pushed(&mut figures, &pushed);
    scene::put_tally(&mut figures, &tally, lost);
    Ok(figures)
}

fn steady_floor(context: &Context, sessions: usize) -> Outcome<Cost> {
    Ok(on_floor(context, sessions, STEADY_PER_S, context.seconds(8))?.0)
}

/// What one step of the ladder came to.
struct Step {
    deliveries_per_s: f64,
    p99_ms: f64,
    is_kept_up: bool,
}

/// Climbs until a step is too slow; the most deliveries a second that were in time, and every step.
fn ladder(
    context: &Context,
    mut step: impl FnMut(f64) -> Outcome<Step>,
) -> Outcome<(f64, Vec<Value>)> {
    let (mut most, mut steps) = (0.0_f64, Vec::new());
    for rate in LADDER_PER_S
        .into_iter()
        .take(context.pick(LADDER_PER_S.len(), 1))
    {
        let result = step(rate)?;
        steps.push(json!({"frames_per_s": rate, "deliveries_per_s": result.deliveries_per_s, "p99_ms": result.p99_ms}));
        if !result.is_kept_up || result.p99_ms > P99_MS_MAX {
            break;
        }
        most = most.max(result.deliveries_per_s);
    }
    Ok((most, steps))
}

fn server_step(context: &Context, scene: &Scene, sessions: usize, rate: f64) -> Outcome<Step> {
    let fleet = scene.listen(vec![scene.lanes[0].channels.clone(); sessions])?;
    let plan = plan(scene, rate, LADDER_BATCH_ITEMS, context.seconds(4));
    let (pushed, tally, lost) = scene.push_to(&fleet, &plan)?;
    let is_kept_up = lost == 0 && tally.closed.is_empty();
    Ok(step_of(&tally, is_kept_up, pushed.elapsed))
}

fn floor_step(context: &Context, sessions: usize, rate: f64) -> Outcome<Step> {
    let (cost, tally, lost) = on_floor(context, sessions, rate, context.seconds(4))?;
    // The loop closes its sockets when it is done.
    let elapsed = Duration::from_millis(cost.elapsed_ms);
    Ok(step_of(&tally, lost == 0, elapsed))
}

fn step_of(tally: &Tally, is_kept_up: bool, elapsed: Duration) -> Step {
    Step {
        deliveries_per_s: scene::per_second(tally.deliveries, elapsed),
        p99_ms: tally.latency.quantile_ms(0.99),
        is_kept_up,
    }
}

#[allow(clippy::cast_possible_truncation)]
fn on_floor(
    context: &Context,
    sessions: usize,
    frames_per_s: f64,
    duration: Duration,
) -> Outcome<(Cost, Tally, u64)> {
    let order = Order {
        sockets: sessions,
        frames_per_s,
        duration_ms: duration.as_millis() as u64,
    };
    // Marks are of the clock of the process that writes them: a step that looks at latency stays in ours.
    let is_latency_wanted = frames_per_s > STEADY_PER_S;
    let binary = context
        .bench_binary
        .as_deref()
        .filter(|_| !is_latency_wanted);
    let floor = Floor::start(binary, order)?;
    let fleet = Fleet::connect(FleetSettings {
        address: floor.address,
        token: None,
        sockets: vec![vec![CHANNEL]; sessions],
        threads: 1,
        attach_within: Duration::from_secs(30),
    })?;
    let cost = floor.finish()?;
    let heads = HashMap::from([(CHANNEL, cost.deliveries / sessions as u64)]);
    let tally = fleet.settle(&heads, Duration::from_secs(5));
    let lost = tally.lost(&heads);
    Ok((cost, tally, lost))
}

#[allow(clippy::cast_precision_loss)]
fn us_each(cpu_us: u64, deliveries: u64) -> f64 {
    cpu_us as f64 / deliveries.max(1) as f64
}
