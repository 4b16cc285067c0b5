//! E13: how long a start takes over a large table, from the command to the moment it may be used.

use std::time::Instant;

use serde_json::json;

use super::Context;
use super::e14_growth::grow_to;
use super::scene::{Scene, SceneSettings};
use crate::failure::Outcome;
use crate::report::Figures;

pub(super) fn run(context: &Context) -> Outcome<Vec<Figures>> {
    let (mut scene, signals) = set_up(context)?;
    (0..context.repetitions)
        .map(|_| repetition(&mut scene, signals))
        .collect()
}

fn set_up(context: &Context) -> Outcome<(Scene, u64)> {
    let settings = SceneSettings {
        connectors: 1,
        channels: context.pick(1000, 40),
        ..SceneSettings::default()
    };
    let mut scene = Scene::set_up(context, &settings)?;
    let signals = context.pick(10_000_000, 2_000);
    grow_to(&mut scene, settings.channels, signals)?;
    Ok((scene, signals))
}

fn repetition(scene: &mut Scene, signals: u64) -> Outcome<Figures> {
    scene.stage.terminate()?;
    let began = Instant::now();
    scene.stage.restart()?;
    let ready_s = began.elapsed().as_secs_f64();
    let mut figures = Figures::new();
    figures.insert("ready_s".into(), json!(ready_s));
    figures.insert("signals_stored".into(), json!(signals));
    Ok(figures)
}
