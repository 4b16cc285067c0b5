//! E7: many sessions that each see a few of many channels, while all channels are written to in batches.

use super::Context;
use super::scene::{self, Scene, SceneSettings};
use crate::failure::Outcome;
use crate::ingest_load::{Pace, Plan};
use crate::report::Figures;

const CHANNELS_PER_SESSION: usize = 5;
const BATCHES_PER_S: f64 = 100.0;
const BATCH_ITEMS: usize = 20;

pub(super) fn run(context: &Context) -> Outcome<Vec<Figures>> {
    let channels = context.pick(1000, 40);
    let scene = set_up(context, channels)?;
    (0..context.repetitions)
        .map(|_| repetition(context, &scene, channels))
        .collect()
}

fn set_up(context: &Context, channels: usize) -> Outcome<Scene> {
    let settings = SceneSettings {
        connectors: 2,
        channels,
        ..SceneSettings::default()
    };
    Scene::set_up(context, &settings)
}

fn repetition(context: &Context, scene: &Scene, channels: usize) -> Outcome<Figures> {
    let sessions = context.pick(5000, 40);
    let sockets = (0..sessions)
        .map(|session| {
            (0..CHANNELS_PER_SESSION)
                .map(|turn| scene::source((session * CHANNELS_PER_SESSION + turn) % channels))
                .collect()
        })
        .collect();
    let fleet = scene.listen(sockets)?;
    let plan = Plan {
        lanes: scene.lanes.clone(),
        pace: Pace::PerSecond(context.pick(BATCHES_PER_S, 20.0)),
        batch_items: BATCH_ITEMS,
        in_flight: 16,
        duration: context.seconds(8),
    };
    let cpu_before = scene.stage.server_cpu();
    let (pushed, tally, lost) = scene.push_to(&fleet, &plan)?;
    let cpu = scene.stage.server_cpu().saturating_sub(cpu_before);
    let mut figures = Figures::new();
    scene::put_latency(&mut figures, &tally.latency);
    scene::put_pushed(&mut figures, &pushed);
    scene::put_tally(&mut figures, &tally, lost);
    figures.insert(
        "cpu_percent".into(),
        serde_json::json!(cpu.as_secs_f64() / pushed.elapsed.as_secs_f64().max(0.001) * 100.0),
    );
    Ok(figures)
}
