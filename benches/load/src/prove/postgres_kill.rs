//! PostgreSQL is killed at random moments under load and brought back; the server stays and must heal by itself.

use std::time::{Duration, Instant};

use rand::SeedableRng as _;
use rand::rngs::SmallRng;
use serde_json::json;

use super::ground::{Ground, Layout, drawn_ms};
use super::{Report, Settings};
use crate::failure::{Doing, Outcome};
use crate::stage::Database;

const LIFE_MS_MAX: u64 = 600;
const AWAY_MS_MAX: u64 = 800;
/// The promise: commits again so long after PostgreSQL is back.
const HEAL_WITHIN: Duration = Duration::from_secs(30);

/// Runs the proof.
///
/// # Errors
/// The stage could not be set up, or nothing was committed any more; a broken promise is in the report.
pub fn run(settings: &Settings) -> Outcome<Report> {
    let mut ground = Ground::lay_out(
        settings,
        &Layout {
            database: Database::Own,
            ..Layout::default()
        },
    )?;
    let mut random = SmallRng::seed_from_u64(settings.seed);
    let mut report = Report::of(settings);
    let (mut heal_s_max, mut server_restarts) = (0.0_f64, 0_u64);
    for _ in 0..settings.faults {
        ground.wait_for_acks(1, HEAL_WITHIN)?;
        std::thread::sleep(drawn_ms(&mut random, LIFE_MS_MAX));
        let postgres = ground
            .scene
            .stage
            .postgres()
            .doing("the PostgreSQL of this run")?;
        postgres.kill9()?;
        report.runs += 1;
        std::thread::sleep(drawn_ms(&mut random, AWAY_MS_MAX));
        postgres.relaunch()?;
        let began = Instant::now();
        if !ground.scene.stage.is_running() {
            // A service manager would start it again; it is counted, since the promise is to heal.
            server_restarts += 1;
            ground.scene.stage.restart()?;
        }
        ground.wait_for_acks(1, HEAL_WITHIN)?;
        heal_s_max = heal_s_max.max(began.elapsed().as_secs_f64());
    }
    ground.end(&mut report)?;
    if server_restarts > 0 {
        report.stuck += server_restarts;
        report.breach(format!("the server ended {server_restarts} times"));
    }
    report.own.insert("heal_s_max".into(), json!(heal_s_max));
    report
        .own
        .insert("server_restarts".into(), json!(server_restarts));
    Ok(report)
}
