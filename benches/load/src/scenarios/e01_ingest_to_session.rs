//! E1 and E2: from the moment a signal was due to be pushed until a session has read its frame, with the commit in between.

use std::time::Duration;

use super::Context;
use super::scene::{self, Scene, SceneSettings};
use crate::failure::Outcome;
use crate::ingest_load::{Pace, Plan};
use crate::report::Figures;

/// Connections of the pushing side: enough that a slow commit delays only itself.
const IN_FLIGHT: usize = 8;

struct Wish {
    sessions: usize,
    signals_per_s: f64,
    seconds: u64,
}

/// E1.
pub(super) fn many(context: &Context) -> Outcome<Vec<Figures>> {
    let wish = Wish {
        sessions: context.pick(1000, 10),
        signals_per_s: 50.0,
        seconds: 10,
    };
    run(context, &wish)
}

/// E2.
pub(super) fn one(context: &Context) -> Outcome<Vec<Figures>> {
    let wish = Wish {
        sessions: 1,
        signals_per_s: context.pick(10.0, 50.0),
        seconds: 15,
    };
    run(context, &wish)
}

fn run(context: &Context, wish: &Wish) -> Outcome<Vec<Figures>> {
    let scene = set_up(context)?;
    (0..context.repetitions)
        .map(|_| repetition(&scene, wish, context.seconds(wish.seconds)))
        .collect()
}

fn set_up(context: &Context) -> Outcome<Scene> {
    let settings = SceneSettings {
        connectors: 1,
        channels: 1,
        ..SceneSettings::default()
    };
    let scene = Scene::set_up(context, &settings)?;
    warm_up(context, &scene)?;
    Ok(scene)
}

/// The first second fills caches and opens connections; it is not counted.
pub(super) fn warm_up(context: &Context, scene: &Scene) -> Outcome<()> {
    scene.push(&plan(scene, 50.0, context.pick(1000, 100)))?;
    Ok(())
}

fn plan(scene: &Scene, signals_per_s: f64, duration_ms: u64) -> Plan {
    Plan {
        lanes: scene.lanes.clone(),
        pace: Pace::PerSecond(signals_per_s),
        batch_items: 1,
        in_flight: IN_FLIGHT,
        duration: Duration::from_millis(duration_ms),
    }
}

fn repetition(scene: &Scene, wish: &Wish, duration: Duration) -> Outcome<Figures> {
    measure(scene, wish.sessions, wish.signals_per_s, duration)
}

/// One measured stretch on an existing scene; E14 repeats it over a growing table.
pub(super) fn measure(
    scene: &Scene,
    sessions: usize,
    signals_per_s: f64,
    duration: Duration,
) -> Outcome<Figures> {
    let fleet = scene.listen(vec![scene.lanes[0].channels.clone(); sessions])?;
    let mut plan = plan(scene, signals_per_s, 0);
    plan.duration = duration;
    let (pushed, tally, lost) = scene.push_to(&fleet, &plan)?;
    let mut figures = Figures::new();
    scene::put_latency(&mut figures, &tally.latency);
    scene::put_pushed(&mut figures, &pushed);
    scene::put_tally(&mut figures, &tally, lost);
    Ok(figures)
}
