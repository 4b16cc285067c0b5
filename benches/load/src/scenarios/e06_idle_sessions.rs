//! E6: how much memory of the server an attached session that nothing happens to holds.

use serde_json::json;

use super::Context;
use super::scene::{self, Scene, SceneSettings};
use crate::failure::Outcome;
use crate::proc_stat;
use crate::report::Figures;

const CHANNELS: usize = 10;
/// Connected first and kept, so that what the first sessions allocate for all is not counted.
const FIRST_SESSIONS: usize = 50;
/// For the database, the log and the listeners of either process.
const FILES_KEPT_FREE: u64 = 100;
/// Starting a server with so many sessions is slow; more often than this tells nothing new.
const REPETITIONS_MAX: usize = 3;

pub(super) fn run(context: &Context) -> Outcome<Vec<Figures>> {
    (0..context.repetitions.min(REPETITIONS_MAX))
        .map(|_| repetition(&set_up(context)?, context.pick(9_950, 100)))
        .collect()
}

/// A fresh server for each repetition: memory that was freed is not given back.
fn set_up(context: &Context) -> Outcome<Scene> {
    let settings = SceneSettings {
        connectors: 1,
        channels: CHANNELS,
        ..SceneSettings::default()
    };
    Scene::set_up(context, &settings)
}

fn sockets(count: usize) -> Vec<Vec<u64>> {
    (0..count)
        .map(|number| vec![scene::source(number % CHANNELS)])
        .collect()
}

/// How many sessions may be added: as many as wanted, or as the limit on open files allows both processes.
fn affordable(wanted: u64, fds_per_session: f64, server: u32) -> usize {
    let room = |process: u32| {
        proc_stat::open_files_max(process)
            .saturating_sub(proc_stat::open_files(process) + FILES_KEPT_FREE)
    };
    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss
    )]
    let of_server = (room(server) as f64 / fds_per_session.max(1.0)) as u64;
    let affordable = wanted.min(of_server).min(room(std::process::id()));
    usize::try_from(affordable).unwrap_or(usize::MAX)
}

#[allow(clippy::cast_precision_loss)]
fn repetition(scene: &Scene, wanted: u64) -> Outcome<Figures> {
    let server = scene.stage.pid();
    let files_before = proc_stat::open_files(server);
    let _first = scene.listen(sockets(FIRST_SESSIONS))?;
    let files = proc_stat::open_files(server).saturating_sub(files_before);
    let fds_per_session = files as f64 / FIRST_SESSIONS as f64;
    let sessions = affordable(wanted, fds_per_session, server);
    let before_kb = scene.stage.server_rss_kb();
    let fleet = scene.listen(sockets(sessions))?;
    let after_kb = scene.stage.server_rss_kb();
    let tally = fleet.tally();
    let mut figures = Figures::new();
    figures.insert("sessions".into(), json!(sessions + FIRST_SESSIONS));
    figures.insert("fds_per_session".into(), json!(fds_per_session));
    figures.insert(
        "kb_per_session".into(),
        json!(after_kb.saturating_sub(before_kb) as f64 / sessions.max(1) as f64),
    );
    figures.insert("rss_mib".into(), json!(after_kb as f64 / 1024.0));
    scene::put_tally(&mut figures, &tally, tally.lost(&scene.heads()?));
    Ok(figures)
}
