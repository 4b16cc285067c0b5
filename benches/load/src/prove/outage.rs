//! Discord is away in three manners while fifty targets go on being mapped into: requests hang, are answered with 503, or find
//! nobody listening. What is said meanwhile, edits and deletes included, waits in the table; memory stays flat and requests stay
//! few. Then Discord is back, and everything appears once, in order, in its last state; what was deleted meanwhile never appears.

mod telling;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use fake_discord::{Control, Fault, FaultBody, FaultRule, HangEnd, RequestLine, RouteKind, When};
use serde_json::json;

use super::ground::{self, Ground, Layout};
use super::verdict::signal_in;
use super::{Report, Settings};
use crate::failure::{Doing, Outcome};
use crate::messages::Snowflakes;
use crate::proc_stat;
use crate::stage::Stage;
use telling::{FIRST_MS, LIVES, Teller, tell_all};

const TARGETS: usize = 50;
const CONNECTORS: usize = 2;
/// Ten times the limits observed, so that a drain takes minutes: 50 creates in 5 s in a channel, which over fifty channels is
/// what is allowed in all, 500 requests a second.
const LIMITS_PERCENT: u32 = 1_000;
const REQUESTS_PER_S: u32 = 500;
const REQUEST_TIMEOUT_MS: u64 = 2_000;
const RETRY_DELAY_MS_MIN: u64 = 500;
const RETRY_DELAY_MS_MAX: u64 = 5_000;
/// Doublings from the least delay to the most.
const DOUBLINGS: f64 = 4.0;
/// Delays are drawn; so much more than the mean over all targets is no chance any more.
const DRAWN_SPREAD: f64 = 1.5;
/// A turn lasts at least so long, so that an outage lasts a minute.
const TURN: Duration = Duration::from_millis(600);
/// In so many stretches each manner of being away has its turn more than once.
const STRETCHES: u64 = 10;
/// P9.
const RSS_GROWTH_MIB_MAX: u64 = 64;
const LIMITED_PERCENT_MAX: f64 = 1.0;

/// How Discord is away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    Hanging,
    Failing,
    Refusing,
}

/// Runs the proof; a fault is a turn of the outage, in which ten signals are born for each target.
///
/// # Errors
/// The stage could not be set up, or the load could not go on; a broken promise is in the report.
pub fn run(settings: &Settings) -> Outcome<Report> {
    let mut ground = Ground::lay_out(settings, &layout())?;
    let discord = ground.discord()?;
    let mut report = Report::of(settings);
    let ids = Snowflakes::from_ms(FIRST_MS);
    let lanes = ground.scene.lanes.clone();
    let mut tellers: Vec<Teller> = lanes.into_iter().map(Teller::of).collect();
    let book = ground.scene.stage.book();
    // Something stands already when Discord goes away.
    tell_all(&mut tellers, 0, &book, &ids)?;
    report.stuck += ground.rest(|_| ())?;
    let stood = discord.stats().requests;
    let pid = ground.scene.stage.pid();
    let mut memory = Memory::of(pid);

    let began = Instant::now();
    let stretch = settings.faults.div_ceil(STRETCHES).max(1);
    for turn in 1..=settings.faults {
        if (turn - 1) % stretch == 0 {
            let manner = [Manner::Hanging, Manner::Failing, Manner::Refusing];
            let number = usize::try_from((turn - 1) / stretch).unwrap_or_default();
            go_away(&mut ground.scene.stage, manner[number % manner.len()])?;
        }
        let due = Instant::now() + TURN;
        tell_all(&mut tellers, turn, &book, &ids)?;
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        memory.look(pid);
        report.runs += 1;
    }
    let away = began.elapsed();
    let outage_rss_kb = memory.most_kb;
    let asked = discord.requests(stood);
    let tries = ground.counted_by_mirrors("faults")?;
    storms(tries, away, &mut report);
    let queued = ground.scene.stage.table()?.number(QUEUED)?;

    let drained = come_back(&mut ground.scene.stage)?;
    report.stuck += ground.rest(|_| memory.look(pid))?;
    let drain = drained.elapsed();
    let growth_mib = memory.growth_mib();
    if growth_mib > RSS_GROWTH_MIB_MAX {
        report.breach(format!("memory grew by {growth_mib} MiB"));
    }
    only_heads(&asked, &tellers, &mut report);
    never_asked(&discord, &tellers, &mut report);
    let since_back = stood + asked.len() as u64;
    drain_figures(&discord, since_back, drain, &mut report);
    for (name, value) in [
        ("targets", json!(TARGETS)),
        ("outage_s", json!(away.as_secs_f64())),
        ("queued", json!(queued)),
        ("requests_in_outage", json!(tries)),
        ("requests_in_outage_that_arrived", json!(asked.len())),
        ("rss_before_mib", json!(memory.first_kb / 1024)),
        (
            "rss_growth_outage_mib",
            json!((outage_rss_kb - memory.first_kb) / 1024),
        ),
        ("rss_growth_mib", json!(growth_mib)),
    ] {
        report.own.insert(name.into(), value);
    }
    ground.accounts = tellers.into_iter().map(Teller::into_account).collect();
    ground.end(&mut report)?;
    Ok(report)
}

/// Deliveries that wait.
const QUEUED: &str = "SELECT count(*) AS number FROM deliveries WHERE state = 'p'";

fn layout() -> Layout {
    Layout {
        connectors: CONNECTORS,
        channels: TARGETS,
        mappings: TARGETS,
        pause_ms_max: None,
        viewers: 1,
        frames_until_cut_max: 0,
        discord: fake_discord::Settings {
            request_log_max: 1_000_000,
            ..ground::discord(LIMITS_PERCENT)
        },
        env: vec![
            (
                "HELIOGRAPH_DISCORD_GLOBAL_REQUESTS_PER_S",
                REQUESTS_PER_S.to_string(),
            ),
            (
                "HELIOGRAPH_DISCORD_REQUEST_TIMEOUT_MS",
                REQUEST_TIMEOUT_MS.to_string(),
            ),
            (
                "HELIOGRAPH_MIRRORS_RETRY_DELAY_MS_MIN",
                RETRY_DELAY_MS_MIN.to_string(),
            ),
            (
                "HELIOGRAPH_MIRRORS_RETRY_DELAY_MS_MAX",
                RETRY_DELAY_MS_MAX.to_string(),
            ),
        ],
        ..Layout::default()
    }
}

fn go_away(stage: &mut Stage, manner: Manner) -> Outcome<()> {
    let fake = stage.fake_discord_mut().doing("the fake Discord")?;
    let control = fake.control();
    control.clear_faults();
    let fault = match manner {
        Manner::Refusing => return fake.go_away().doing("refusing connections"),
        Manner::Failing => Fault::Status {
            status: 503,
            body: FaultBody::Html,
            commit: false,
        },
        Manner::Hanging => Fault::Hang {
            hang_ms: 60_000,
            commit: false,
            then: HangEnd::Close,
        },
    };
    control.add_fault(FaultRule::new(When::Always, fault));
    fake.come_back().doing("listening again")
}

/// Discord is back; since when.
fn come_back(stage: &mut Stage) -> Outcome<Instant> {
    let fake = stage.fake_discord_mut().doing("the fake Discord")?;
    fake.control().clear_faults();
    fake.come_back().doing("listening again")?;
    Ok(Instant::now())
}

/// Resident memory of the server, at first and at most.
struct Memory {
    first_kb: u64,
    most_kb: u64,
}

impl Memory {
    fn of(pid: u32) -> Self {
        let now_kb = proc_stat::rss_kb(pid);
        Self {
            first_kb: now_kb,
            most_kb: now_kb,
        }
    }

    fn look(&mut self, pid: u32) {
        self.most_kb = self.most_kb.max(proc_stat::rss_kb(pid));
    }

    fn growth_mib(&self) -> u64 {
        (self.most_kb - self.first_kb) / 1024
    }
}

/// A mirror has one request under way, and after a failure it waits: between the least delay and one that doubles up to the
/// most. So over all targets there are a few requests while the delay still doubles, and then one for each mean delay. What is
/// queued must not matter.
#[allow(clippy::cast_precision_loss)]
fn requests_max(away: Duration) -> f64 {
    let mean_s = (RETRY_DELAY_MS_MIN + RETRY_DELAY_MS_MAX) as f64 / 2_000.0;
    TARGETS as f64 * (DOUBLINGS + 1.0 + DRAWN_SPREAD * away.as_secs_f64() / mean_s)
}

#[allow(clippy::cast_precision_loss)]
fn storms(tries: u64, away: Duration, report: &mut Report) {
    let bound = requests_max(away);
    report
        .own
        .insert("requests_in_outage_max".into(), json!(bound.round()));
    if tries as f64 > bound {
        report.breach(format!(
            "{tries} requests while Discord was away, at most {bound:.0} are due"
        ));
    }
}

/// While Discord is away a mirror asks for the first message that is to appear, and for no other.
fn only_heads(asked: &[RequestLine], tellers: &[Teller], report: &mut Report) {
    let heads: BTreeSet<u64> = tellers
        .iter()
        .flat_map(|teller| &teller.told)
        .filter_map(|stories| Some(stories.get(LIVES.len())?.signal_id))
        .collect();
    let creates = asked
        .iter()
        .filter(|line| line.route == Some(RouteKind::MessageCreate));
    for line in creates {
        if !signal_in(&line.content).is_some_and(|signal| heads.contains(&signal)) {
            report.breach(format!(
                "asked out of turn while Discord was away: {line:?}"
            ));
        }
    }
}

/// What was created and deleted while Discord was away never cost a request, and never stood there.
fn never_asked(discord: &Control, tellers: &[Teller], report: &mut Report) {
    let vanished: BTreeSet<u64> = tellers
        .iter()
        .flat_map(|teller| &teller.told)
        .flat_map(|stories| stories.iter().skip(LIVES.len()))
        .filter(|story| story.is_deleted)
        .map(|story| story.signal_id)
        .collect();
    let lines = discord.requests(0);
    let asked: Vec<&RequestLine> = lines
        .iter()
        .filter(|line| signal_in(&line.content).is_some_and(|signal| vanished.contains(&signal)))
        .collect();
    report.own.insert(
        "created_and_deleted_in_outage".into(),
        json!(vanished.len()),
    );
    report
        .own
        .insert("requests_for_these".into(), json!(asked.len()));
    if let Some(first) = asked.first() {
        report.breach(format!(
            "{} requests for signals that were gone already: {first:?}",
            asked.len()
        ));
    }
    if vanished.is_empty() {
        report.breach("no signal was created and deleted while Discord was away".into());
    }
}

/// How the drain went: posts a second against what the limits allow, and the share of 429s.
#[allow(clippy::cast_precision_loss)]
fn drain_figures(discord: &Control, since: u64, drain: Duration, report: &mut Report) {
    let lines = discord.requests(since);
    let count =
        |wanted: &dyn Fn(&RequestLine) -> bool| lines.iter().filter(|line| wanted(line)).count();
    let posts = count(&|line| line.route == Some(RouteKind::MessageCreate) && line.status == 200);
    let limited = count(&|line| line.status == 429);
    let limited_percent = 100.0 * limited as f64 / lines.len().max(1) as f64;
    let requests_per_s = lines.len() as f64 / drain.as_secs_f64();
    for (name, value) in [
        ("drain_s", json!(drain.as_secs_f64())),
        ("drain_posts", json!(posts)),
        ("drain_requests", json!(lines.len())),
        ("drain_requests_per_s", json!(requests_per_s)),
        (
            "drain_percent_of_allowed",
            json!(100.0 * requests_per_s / f64::from(REQUESTS_PER_S)),
        ),
        ("limited_percent", json!(limited_percent)),
    ] {
        report.own.insert(name.into(), value);
    }
    if limited_percent >= LIMITED_PERCENT_MAX {
        report.breach(format!(
            "{limited} of {} requests of the drain were limited",
            lines.len()
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_on_requests_knows_time_and_targets_alone() {
        let (none, minute) = (Duration::ZERO, Duration::from_secs(60));
        assert!((requests_max(none) - 250.0).abs() < 0.1);
        assert!((1_800.0..2_000.0).contains(&requests_max(minute)));
    }
}
