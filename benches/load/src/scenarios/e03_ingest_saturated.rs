//! E3 and E4: how much is taken when connectors push as fast as they are answered, with mirrors working beside it.

use serde_json::json;

use super::Context;
use super::scene::{self, Scene, SceneSettings};
use crate::failure::Outcome;
use crate::ingest_load::{Pace, Plan};
use crate::report::Figures;

struct Wish {
    connectors: usize,
    mappings: usize,
    batch_items: usize,
    in_flight: usize,
}

/// E3.
pub(super) fn batches_of_100(context: &Context) -> Outcome<Vec<Figures>> {
    let wish = Wish {
        connectors: 4,
        mappings: 4,
        batch_items: context.pick(100, 10),
        in_flight: 8,
    };
    run(context, &wish)
}

/// E4.
pub(super) fn batches_of_1(context: &Context) -> Outcome<Vec<Figures>> {
    let wish = Wish {
        connectors: 4,
        mappings: 0,
        batch_items: 1,
        in_flight: 16,
    };
    run(context, &wish)
}

fn run(context: &Context, wish: &Wish) -> Outcome<Vec<Figures>> {
    let scene = set_up(context, wish)?;
    (0..context.repetitions)
        .map(|_| repetition(context, &scene, wish))
        .collect()
}

fn set_up(context: &Context, wish: &Wish) -> Outcome<Scene> {
    let settings = SceneSettings {
        connectors: wish.connectors,
        channels: wish.connectors,
        mappings: wish.mappings,
        ..SceneSettings::default()
    };
    Scene::set_up(context, &settings)
}

fn repetition(context: &Context, scene: &Scene, wish: &Wish) -> Outcome<Figures> {
    let plan = Plan {
        lanes: scene.lanes.clone(),
        pace: Pace::AsFastAsTaken,
        batch_items: wish.batch_items,
        in_flight: wish.in_flight,
        duration: context.seconds(8),
    };
    let before: u64 = scene.heads()?.values().sum();
    let (cpu_before, rss_kb_before) = (scene.stage.server_cpu(), scene.stage.server_rss_kb());
    let pushed = scene.push(&plan)?;
    let cpu = scene.stage.server_cpu().saturating_sub(cpu_before);
    let committed = scene.heads()?.values().sum::<u64>() - before;
    let mut figures = Figures::new();
    figures.insert(
        "revisions_per_s".into(),
        json!(scene::per_second(pushed.accepted, pushed.elapsed)),
    );
    figures.insert(
        "batches_per_s".into(),
        json!(scene::per_second(pushed.batches, pushed.elapsed)),
    );
    scene::put_latency(&mut figures, &pushed.latency);
    scene::put_pushed(&mut figures, &pushed);
    figures.insert("lost".into(), json!(pushed.acked.saturating_sub(committed)));
    figures.insert(
        "doubled".into(),
        json!(committed.saturating_sub(pushed.acked)),
    );
    figures.insert(
        "cpu_percent".into(),
        json!(cpu.as_secs_f64() / pushed.elapsed.as_secs_f64().max(0.001) * 100.0),
    );
    figures.insert(
        "rss_mib".into(),
        json!(scene.stage.server_rss_kb().max(rss_kb_before) / 1024),
    );
    Ok(figures)
}
