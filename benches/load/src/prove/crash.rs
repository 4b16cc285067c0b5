//! The server is killed at random moments under load, sometimes while it still recovers from the kill before.

use std::time::Duration;

use rand::SeedableRng as _;
use rand::rngs::SmallRng;
use serde_json::json;

use super::ground::{Ground, Layout, drawn_ms};
use super::{Report, Settings};
use crate::failure::Outcome;

/// A life lasts at most so long.
const LIFE_MS_MAX: u64 = 700;
/// Between two kills the load must have gone on.
const ACKED_WITHIN: Duration = Duration::from_secs(30);

/// Runs the proof.
///
/// # Errors
/// The stage could not be set up, or the load could not go on; a broken promise is in the report.
pub fn run(settings: &Settings) -> Outcome<Report> {
    let mut ground = Ground::lay_out(settings, &Layout::default())?;
    let mut random = SmallRng::seed_from_u64(settings.seed);
    let mut report = Report::of(settings);
    let mut ready_s_max = 0.0_f64;
    for _ in 0..settings.faults {
        ground.wait_for_acks(1, ACKED_WITHIN)?;
        std::thread::sleep(drawn_ms(&mut random, LIFE_MS_MAX));
        let ready = ground.kill_server(&mut random, Duration::ZERO)?;
        ready_s_max = ready_s_max.max(ready.as_secs_f64());
        report.runs += 1;
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
