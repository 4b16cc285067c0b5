//! Sessions are cut at random frames, in the replay and live, and come back by cursor thousands of times.

use std::time::Duration;

use serde_json::json;

use super::ground::{Ground, Layout};
use super::{Report, Settings};
use crate::failure::Outcome;

const VIEWERS: usize = 16;
/// Some come while the replay still runs, some long after: a viewer of six channels reads seven frames before its first
/// revision that is live.
const FRAMES_UNTIL_CUT_MAX: u64 = 60;
/// Acknowledged before the reconnects are counted, so that there is something to replay.
const WARM_ITEMS: u64 = 200;
/// A viewer comes back many times a second; slower than one in five seconds over all is a standstill.
const RECONNECT_WITHIN: Duration = Duration::from_secs(5);

/// Runs the proof.
///
/// # Errors
/// The stage could not be set up, or the sessions could not come back; a broken promise is in the report.
pub fn run(settings: &Settings) -> Outcome<Report> {
    let ground = Ground::lay_out(
        settings,
        &Layout {
            channels: 6,
            mappings: 0,
            viewers: VIEWERS,
            frames_until_cut_max: FRAMES_UNTIL_CUT_MAX,
            ..Layout::default()
        },
    )?;
    let mut report = Report::of(settings);
    ground.wait_for_acks(WARM_ITEMS, Duration::from_secs(30))?;
    let mut before = ground.audience.connects();
    let wanted = before + settings.faults;
    while before < wanted {
        before = ground
            .scene
            .stage
            .wait_for("a session to come back", RECONNECT_WITHIN, || {
                let connects = ground.audience.connects();
                Ok((connects > before).then_some(connects))
            })?;
    }
    let connects = ground.audience.connects();
    report.runs = connects;
    ground.end(&mut report)?;
    report.own.insert("reconnects".into(), json!(connects));
    report.own.insert("sessions".into(), json!(VIEWERS));
    Ok(report)
}
