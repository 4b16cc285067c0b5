//! E11: every target has more to post than its limit takes, over a fake Discord with the limits that others have observed.
//!
//! Played twice with the same backlog: once with all targets well, which tells the share of the allowed rate that is used and
//! how many requests are refused; then with one target that answers late and one that answers with 500s, which tells what that
//! costs the others: how much later the last hundredth of their messages stands at Discord.

use std::collections::BTreeMap;
use std::time::Duration;

use fake_discord::{Control, Fault, FaultBody, FaultRule, Limits, RequestLine, When, Window};
use serde_json::json;

use super::Context;
use super::scene::{self, Scene, SceneSettings};
use crate::clock;
use crate::failure::{Doing, Outcome};
use crate::histogram::Histogram;
use crate::ingest_load::{Pace, Plan, Pushed};
use crate::report::Figures;
use crate::stage::{Stage, StageSettings};

/// A full run takes a minute; more of them would say the same.
const REPETITIONS_MAX: usize = 3;
/// Pushed far faster than any target may post.
const BATCHES_PER_S: f64 = 20.0;
/// Targets that fall ill: the first answers late, the second with 500s.
const ILL: usize = 2;

/// How much of everything.
#[derive(Clone, Copy)]
struct Extent {
    targets: usize,
    /// Messages for each target; full windows.
    messages: u32,
    /// What a target takes.
    create: Window,
    late_answer: Duration,
    drained_within: Duration,
}

impl Extent {
    fn of(context: &Context) -> Self {
        let observed = Limits::default().message_create;
        let quicker = Window {
            period_ms: 1_000,
            ..observed
        };
        let create = context.pick(observed, quicker);
        Self {
            targets: context.pick(50, 6),
            messages: context.pick(6, 2) * create.limit,
            create,
            late_answer: context.pick(Duration::from_secs(30), Duration::from_secs(3)),
            drained_within: Duration::from_secs(90),
        }
    }

    /// The shortest time between the first and the last message of a target.
    fn allowed_ms(&self) -> f64 {
        let windows = f64::from(self.messages / self.create.limit - 1);
        windows * self.period().as_secs_f64() * 1_000.0
    }

    fn period(&self) -> Duration {
        Duration::from_millis(self.create.period_ms)
    }
}

pub(super) fn run(context: &Context) -> Outcome<Vec<Figures>> {
    (0..context.repetitions.min(REPETITIONS_MAX))
        .map(|_| repetition(Extent::of(context), &set_up(context)?))
        .collect()
}

fn set_up(context: &Context) -> Outcome<Scene> {
    let extent = Extent::of(context);
    let limits = Limits {
        message_create: extent.create,
        // The limit over all channels would be the narrower one: it has tests of its own.
        global: Window::fixed(1_000_000, 1_000),
        ..Limits::default()
    };
    let mut stage = StageSettings::new(&context.server_binary)
        .with_env("HELIOGRAPH_DISCORD_GLOBAL_REQUESTS_PER_S", "1000");
    stage.fake_discord = Some(fake_discord::Settings {
        limits,
        ..fake_discord::Settings::open()
    });
    let settings = SceneSettings {
        connectors: 1,
        channels: extent.targets,
        mappings: extent.targets,
        ..SceneSettings::default()
    };
    Scene::on(Stage::start(stage)?, &settings)
}

fn repetition(extent: Extent, scene: &Scene) -> Outcome<Figures> {
    let fake = scene.stage.fake_discord().doing("the fake Discord")?;
    let control = fake.control();
    let well = play(extent, scene, &control)?;
    // The next backlog finds the windows as empty as the first one did.
    std::thread::sleep(extent.period());
    fall_ill(extent, &control);
    let ill = play(extent, scene, &control)?;

    let mut figures = Figures::new();
    let shares: Vec<f64> = well
        .spans_ms
        .iter()
        .map(|ms| extent.allowed_ms() / ms)
        .collect();
    let least = shares.iter().copied().fold(f64::INFINITY, f64::min);
    figures.insert("allowed_rate_share".into(), json!(mean(&shares)));
    figures.insert("allowed_rate_share_min".into(), json!(least));
    figures.insert("http_429_share".into(), json!(well.refused_share));
    let (before_ms, after_ms) = (
        well.latency.quantile_ms(0.99),
        ill.latency.quantile_ms(0.99),
    );
    figures.insert("well_p99_ms".into(), json!(before_ms));
    figures.insert("beside_ill_p99_ms".into(), json!(after_ms));
    figures.insert(
        "p99_change_percent".into(),
        json!(100.0 * (after_ms - before_ms) / before_ms),
    );
    scene::put_pushed(&mut figures, &well.pushed);
    figures.insert("lost".into(), json!(well.lost + ill.lost));
    figures.insert("doubled".into(), json!(well.doubled + ill.doubled));
    Ok(figures)
}

/// One target answers after half a minute, another never with anything but 500.
fn fall_ill(extent: Extent, control: &Control) {
    let late = Fault::Delay {
        delay_ms: u64::try_from(extent.late_answer.as_millis()).unwrap_or(u64::MAX),
    };
    let broken = Fault::Status {
        status: 500,
        body: FaultBody::Html,
        commit: false,
    };
    for (number, fault) in [late, broken].into_iter().enumerate() {
        let rule = FaultRule::new(When::Always, fault);
        control.add_fault(rule.in_channel(scene::target(number)));
    }
}

/// What became of a backlog in the targets that stay well.
struct Played {
    pushed: Pushed,
    /// From the first to the last message of each target.
    spans_ms: Vec<f64>,
    /// From pushed to standing at Discord.
    latency: Histogram,
    refused_share: f64,
    lost: u64,
    doubled: u64,
}

fn play(extent: Extent, scene: &Scene, control: &Control) -> Outcome<Played> {
    let since = control.stats().requests;
    let plan = Plan {
        lanes: scene.lanes.clone(),
        pace: Pace::PerSecond(BATCHES_PER_S),
        batch_items: extent.targets,
        in_flight: 2,
        duration: Duration::from_secs_f64((f64::from(extent.messages) - 0.5) / BATCHES_PER_S),
    };
    let pushed = scene.push(&plan)?;
    let wanted = (extent.targets - ILL) * extent.messages as usize;
    let requests = scene.stage.wait_for(
        &format!("{wanted} messages in the targets that are well"),
        extent.drained_within,
        || {
            let requests = of_the_well(extent, control, since);
            let posted = requests.iter().filter(|line| is_posted(line)).count();
            Ok((posted >= wanted).then_some(requests))
        },
    )?;
    Ok(judge(wanted, pushed, &requests))
}

fn of_the_well(extent: Extent, control: &Control, since: u64) -> Vec<RequestLine> {
    let well: Vec<u64> = (ILL..extent.targets).map(scene::target).collect();
    let mut requests = control.requests(since);
    requests.retain(|line| {
        line.channel_id
            .is_some_and(|channel| well.contains(&channel.0))
    });
    requests
}

fn is_posted(line: &RequestLine) -> bool {
    line.method == "POST" && line.status == 200 && !line.nonce_repeat
}

fn judge(wanted: usize, pushed: Pushed, requests: &[RequestLine]) -> Played {
    let mut at_us: BTreeMap<u64, (u64, u64)> = BTreeMap::new();
    let mut latency = Histogram::default();
    let offset_us = clock::now_ms() * 1000 - clock::now_us();
    for line in requests.iter().filter(|line| is_posted(line)) {
        let received_us = line.received_at_us;
        let target = line.channel_id.map_or(0, |channel| channel.0);
        let (first_us, last_us) = at_us.entry(target).or_insert((received_us, received_us));
        (*first_us, *last_us) = ((*first_us).min(received_us), (*last_us).max(received_us));
        if let Some(mark_us) = clock::mark_in(line.content.as_bytes()) {
            latency.record_us(received_us.saturating_sub(mark_us + offset_us));
        }
    }
    let posted = requests.iter().filter(|line| is_posted(line)).count();
    let refused = requests.iter().filter(|line| line.status == 429).count();
    Played {
        pushed,
        spans_ms: at_us
            .values()
            .map(|(first_us, last_us)| {
                Duration::from_micros(last_us - first_us).as_secs_f64() * 1e3
            })
            .collect(),
        latency,
        refused_share: ratio(refused, requests.len()),
        lost: wanted.saturating_sub(posted) as u64,
        doubled: posted.saturating_sub(wanted) as u64,
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / f64::from(u32::try_from(values.len().max(1)).unwrap_or(u32::MAX))
}

#[allow(clippy::cast_precision_loss)]
fn ratio(part: usize, whole: usize) -> f64 {
    part as f64 / whole.max(1) as f64
}
