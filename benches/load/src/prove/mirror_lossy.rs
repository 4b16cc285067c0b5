//! Discord loses a fifth of its answers, fails before or after the work, or answers late, while the server is killed again and
//! again; sometimes it stays away for longer than a nonce is remembered, so that only reading the channel back can tell what
//! was posted. Every signal must stand at Discord once, in order, as it was said last.

use std::collections::BTreeMap;
use std::time::Duration;

use fake_discord::{
    Control, Fault, FaultBody, FaultRule, HangEnd, Id, RequestLine, RouteKind, When,
};
use rand::SeedableRng as _;
use rand::rngs::SmallRng;
use serde_json::json;

use super::ground::{self, Ground, Layout, drawn_ms};
use super::{Report, Settings};
use crate::failure::Outcome;

const TARGETS: usize = 60;
const CONNECTORS: usize = 4;
/// Together they say some fifty signals a second.
const PAUSE_MS_MAX: u64 = 300;
/// Far above what is needed.
const LIMITS_PERCENT: u32 = 10_000;
const POSTS_A_KILL: u64 = 100;
const POSTED_WITHIN: Duration = Duration::from_secs(120);
/// The moment of a kill after so many posts is drawn from this span.
const LIFE_MS_MAX: u64 = 300;
const REQUEST_TIMEOUT_MS: u64 = 1_000;
/// Short, so that doubts outlive it.
const NONCE_WINDOW_MS: u64 = 4_000;
/// What a request may be late beyond its timeout when its client is gone already. A server that trusts a nonce for its window
/// needs a Discord that remembers it for so much longer; with the default of 110 s that is what "a few minutes" is for.
const LATE_MS: u64 = 300;
/// One absence in so many outlasts the nonces.
const AWAY_ONE_IN: u64 = 10;
const AWAY: Duration = Duration::from_millis(NONCE_WINDOW_MS + REQUEST_TIMEOUT_MS);
const LOSS_WITHIN: Duration = Duration::from_secs(30);

/// Runs the proof; a fault is a kill.
///
/// # Errors
/// The stage could not be set up, or the load could not go on; a broken promise is in the report.
pub fn run(settings: &Settings) -> Outcome<Report> {
    let mut ground = Ground::lay_out(
        settings,
        &Layout {
            connectors: CONNECTORS,
            channels: TARGETS,
            mappings: TARGETS,
            pause_ms_max: Some(PAUSE_MS_MAX),
            viewers: 2,
            discord: fake_discord::Settings {
                nonce_window_ms: NONCE_WINDOW_MS + REQUEST_TIMEOUT_MS,
                faults: losses(settings.seed),
                ..ground::discord(LIMITS_PERCENT)
            },
            env: vec![
                (
                    "HELIOGRAPH_DISCORD_REQUEST_TIMEOUT_MS",
                    REQUEST_TIMEOUT_MS.to_string(),
                ),
                (
                    "HELIOGRAPH_DISCORD_NONCE_WINDOW_MS",
                    NONCE_WINDOW_MS.to_string(),
                ),
            ],
            ..Layout::default()
        },
    )?;
    let discord = ground.discord()?;
    let mut random = SmallRng::seed_from_u64(settings.seed);
    let mut report = Report::of(settings);
    let (mut adopted, mut absences) = (0, 0);
    for kill in 0..settings.faults {
        posted(&ground, &discord, (kill + 1) * POSTS_A_KILL)?;
        adopted += ground.counted_by_mirrors("adopted")?;
        let outlasts = kill % AWAY_ONE_IN == 0;
        if outlasts {
            absences += 1;
            next_loss(&ground, &discord)?;
        } else {
            std::thread::sleep(drawn_ms(&mut random, LIFE_MS_MAX));
        }
        ground.kill_server(&mut random, if outlasts { AWAY } else { Duration::ZERO })?;
        report.runs += 1;
    }
    ground.hush()?;
    report.stuck += ground.rest(|_| ())?;
    adopted += ground.counted_by_mirrors("adopted")?;
    if adopted == 0 {
        report.breach(
            "no mirror ever found a message by reading back: that way was not proved".into(),
        );
    }
    let created = Created::in_log(&discord.requests(0));
    if created.read_back == 0 {
        report.breach("every create was answered in the end: reading back was not proved".into());
    }
    let stats = discord.stats();
    for (name, count) in [
        ("absences_beyond_the_nonce", absences),
        ("requests", stats.requests),
        ("posts", stats.messages_created),
        ("edits", stats.messages_edited),
        ("deletes", stats.messages_deleted),
        ("creates_with_lost_answer", created.lost),
        ("nonce_repeats", stats.nonce_repeats),
        ("adopted", adopted),
        ("known_only_by_reading_back", created.read_back),
    ] {
        report.own.insert(name.into(), json!(count));
    }
    let share = 100.0 * ratio(created.lost, created.done);
    report
        .own
        .insert("lost_answers_percent".into(), json!(share));
    ground.end(&mut report)?;
    Ok(report)
}

/// What happens to requests of every kind: one in five is done and its answer lost, in four ways; a few fail before the work or
/// are late, some of them after their client has given up. Rules are asked in turn, so each share is of what the ones before
/// have left.
fn losses(seed: u64) -> Vec<FaultRule> {
    let hang = Fault::Hang {
        hang_ms: 2 * REQUEST_TIMEOUT_MS,
        commit: true,
        then: HangEnd::Close,
    };
    let status = |status, commit| Fault::Status {
        status,
        body: FaultBody::Html,
        commit,
    };
    let late = |delay_ms| Fault::Delay { delay_ms };
    [
        (0.07, Fault::CommitThenDrop),
        (0.06, Fault::Reset { commit: true }),
        (0.04, hang),
        (0.05, status(502, true)),
        (0.02, status(503, false)),
        (0.02, Fault::DropBefore),
        (0.01, Fault::Reset { commit: false }),
        (0.02, late(REQUEST_TIMEOUT_MS / 2)),
        (0.01, late(REQUEST_TIMEOUT_MS + LATE_MS)),
    ]
    .into_iter()
    .zip(seed.wrapping_mul(1_009)..)
    .map(|((probability, fault), seed)| {
        FaultRule::new(When::Probability { probability, seed }, fault)
    })
    .collect()
}

/// Waits until so many messages were posted.
fn posted(ground: &Ground, discord: &Control, wanted: u64) -> Outcome<()> {
    ground.scene.stage.wait_for("posts", POSTED_WITHIN, || {
        Ok((discord.stats().messages_created >= wanted).then_some(()))
    })
}

/// Waits until the answer of another create is lost: whoever is killed now does not know what became of it.
fn next_loss(ground: &Ground, discord: &Control) -> Outcome<()> {
    let since = discord.stats().requests;
    let stage = &ground.scene.stage;
    stage.wait_for("an answer to be lost", LOSS_WITHIN, || {
        let lines = discord.requests(since);
        Ok(lines
            .iter()
            .any(|line| creates(line) && is_lost(line))
            .then_some(()))
    })
}

fn creates(line: &RequestLine) -> bool {
    line.route == Some(RouteKind::MessageCreate) && line.message_id.is_some()
}

/// The work was done and its answer certainly did not arrive, or said nothing of it.
fn is_lost(line: &RequestLine) -> bool {
    line.faulted && (line.unanswered || line.status >= 500)
}

/// What became of the creates that were carried out.
#[derive(Debug, Default, PartialEq, Eq)]
struct Created {
    done: u64,
    lost: u64,
    /// Messages of which no create was ever answered, the repeated ones included.
    read_back: u64,
}

impl Created {
    fn in_log(lines: &[RequestLine]) -> Self {
        let mut created = Self::default();
        let mut messages: BTreeMap<Id, bool> = BTreeMap::new();
        for line in lines.iter().filter(|line| creates(line)) {
            let is_lost = is_lost(line);
            created.done += 1;
            created.lost += u64::from(is_lost);
            if let Some(message_id) = line.message_id {
                *messages.entry(message_id).or_default() |= !is_lost;
            }
        }
        created.read_back = messages
            .values()
            .filter(|is_answered| !**is_answered)
            .count() as u64;
        created
    }
}

#[allow(clippy::cast_precision_loss)]
fn ratio(part: u64, whole: u64) -> f64 {
    part as f64 / whole.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn line(message: Option<u64>, status: u16, unanswered: bool, faulted: bool) -> RequestLine {
        RequestLine {
            number: 1,
            received_at_us: 0,
            clock_ms: 0,
            method: "POST",
            route: Some(RouteKind::MessageCreate),
            path: "".into(),
            status,
            unanswered,
            channel_id: None,
            message_id: message.map(Id),
            nonce_repeat: false,
            content: "".into(),
            faulted,
        }
    }

    #[test]
    fn a_fifth_of_the_answers_is_lost() {
        let (mut left, mut lost) = (1.0, 0.0);
        for rule in losses(7) {
            let When::Probability { probability, .. } = rule.when else {
                panic!("{rule:?} is not drawn");
            };
            let is_loss = match rule.fault {
                Fault::CommitThenDrop => true,
                Fault::Reset { commit }
                | Fault::Status { commit, .. }
                | Fault::Hang { commit, .. } => commit,
                _ => false,
            };
            lost += if is_loss { left * probability } else { 0.0 };
            left *= 1.0 - probability;
        }
        assert!((0.195..0.215).contains(&lost), "{lost}");
        let seeds: BTreeSet<String> = losses(7)
            .iter()
            .map(|rule| format!("{:?}", rule.when))
            .collect();
        assert_eq!(seeds.len(), losses(7).len(), "no two rules draw the same");
    }

    #[test]
    fn what_was_never_answered_was_read_back() {
        for (lines, done, lost, read_back) in [
            (vec![line(Some(1), 200, false, false)], 1, 0, 0),
            (vec![line(Some(1), 200, true, true)], 1, 1, 1),
            (vec![line(Some(1), 502, false, true)], 1, 1, 1),
            (vec![line(None, 503, false, true)], 0, 0, 0),
            (
                vec![
                    line(Some(1), 200, true, true),
                    line(Some(1), 200, false, false),
                ],
                2,
                1,
                0,
            ),
            (
                vec![
                    line(Some(1), 200, true, true),
                    line(Some(2), 200, false, true),
                ],
                2,
                1,
                1,
            ),
        ] {
            assert_eq!(
                Created::in_log(&lines),
                Created {
                    done,
                    lost,
                    read_back
                }
            );
        }
    }
}
