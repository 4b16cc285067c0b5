//! E12: what a server costs that has much to watch and nothing to do.

use std::time::Duration;

use serde_json::json;

use super::Context;
use super::scene::{Scene, SceneSettings};
use crate::failure::Outcome;
use crate::proc_stat;
use crate::report::Figures;

/// Left alone so long before it is watched.
const SETTLE: Duration = Duration::from_secs(3);
const REPETITIONS_MAX: usize = 3;

pub(super) fn run(context: &Context) -> Outcome<Vec<Figures>> {
    let scene = set_up(context)?;
    std::thread::sleep(context.pick(SETTLE, Duration::ZERO));
    (0..context.repetitions.min(REPETITIONS_MAX))
        .map(|_| Ok(repetition(&scene, context.seconds(20))))
        .collect()
}

fn set_up(context: &Context) -> Outcome<Scene> {
    let count = context.pick(1000, 40);
    let settings = SceneSettings {
        connectors: 1,
        channels: count,
        mappings: count,
        ..SceneSettings::default()
    };
    Scene::set_up(context, &settings)
}

#[allow(clippy::cast_precision_loss)]
fn repetition(scene: &Scene, duration: Duration) -> Figures {
    let postgres = scene.stage.postgres().map(|postgres| postgres.pid());
    let postgres_cpu = || {
        let backends = postgres.map(proc_stat::descendants).unwrap_or_default();
        backends
            .into_iter()
            .map(proc_stat::cpu_time)
            .sum::<Duration>()
    };
    let (server_before, postgres_before) = (scene.stage.server_cpu(), postgres_cpu());
    std::thread::sleep(duration);
    let share = |cpu: Duration| cpu.as_secs_f64() / duration.as_secs_f64() * 100.0;
    let mut figures = Figures::new();
    figures.insert(
        "cpu_percent".into(),
        json!(share(
            scene.stage.server_cpu().saturating_sub(server_before)
        )),
    );
    figures.insert(
        "postgres_cpu_percent".into(),
        json!(share(postgres_cpu().saturating_sub(postgres_before))),
    );
    figures.insert(
        "rss_mib".into(),
        json!(scene.stage.server_rss_kb() as f64 / 1024.0),
    );
    figures
}
