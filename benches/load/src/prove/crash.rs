//! The server is killed at random moments under load, sometimes while it still recovers from the kill before.

use std::time::{Duration, Instant};

use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::json;

use super::ground::{Ground, Layout};
use super::{Report, Settings};
use crate::failure::Outcome;
use crate::stage::Database;

/// A life lasts at most so long.
const LIFE_MS_MAX: u64 = 700;
/// One in so many lives is ended before it is ready.
const EARLY_ONE_IN: u32 = 6;
const EARLY_MS_MAX: u64 = 150;
/// Between two kills the load must have gone on.
const ACKED_WITHIN: Duration = Duration::from_secs(30);

/// Runs the proof.
///
/// # Errors
/// The stage could not be set up, or the load could not go on; a broken promise is in the report.
pub fn run(settings: &Settings) -> Outcome<Report> {
    let mut ground = Ground::lay_out(
        settings,
        &Layout {
            connectors: 2,
            channels: 4,
            mappings: 3,
            pause_ms_max: 60,
            viewers: 6,
            frames_until_cut_max: 80,
            database: Database::Fresh,
        },
    )?;
    let mut random = SmallRng::seed_from_u64(settings.seed);
    let mut report = Report {
        seeds: vec![settings.seed],
        ..Report::default()
    };
    let mut ready_s_max = 0.0_f64;
    for _ in 0..settings.faults {
        ground.wait_for_acks(1, ACKED_WITHIN)?;
        std::thread::sleep(Duration::from_millis(random.random_range(0..LIFE_MS_MAX)));
        ground.scene.stage.kill9()?;
        report.runs += 1;
        if random.random_ratio(1, EARLY_ONE_IN) {
            let delay = Duration::from_millis(random.random_range(0..EARLY_MS_MAX));
            ground.scene.stage.start_and_kill9(delay)?;
        }
        let began = Instant::now();
        ground.scene.stage.restart()?;
        ready_s_max = ready_s_max.max(began.elapsed().as_secs_f64());
    }
    ground.wait_for_acks(1, ACKED_WITHIN)?;
    let connects = ground.audience.connects();
    ground.end(&mut report)?;
    report.own.insert("ready_s_max".into(), json!(ready_s_max));
    report
        .own
        .insert("session_connects".into(), json!(connects));
    Ok(report)
}
