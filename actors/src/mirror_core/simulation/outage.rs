//! Six hours without Discord while signals go on, and then the way back: what it costs while nobody answers, and how fast and
//! in which order the backlog is delivered once somebody does.

use super::{
    Plan, Verdict,
    chance::{Climate, Dice},
    world::{START_MS, World},
};
use heliograph_schema::ids::SignalId;

const OUTAGE_MS: i64 = 6 * 3_600_000;
/// What the model of Discord takes in a window of 5 s.
const ALLOWED_PER_S: f64 = 1.0;
/// After so long per signal the way back has come to no end.
const DELIVERY_MS_MAX: i64 = 3_000;

/// What was found.
#[derive(Debug, Clone, Default)]
pub struct OutageVerdict {
    /// As of every run.
    pub verdict: Verdict,
    /// Signals that were said while nobody answered.
    pub queued: u64,
    /// Of these, said, edited twice and deleted again.
    pub cancelled: u64,
    /// Requests made for those. None should be.
    pub cancelled_requests: u64,
    /// Requests sent during the outage.
    pub requests_in_outage: u64,
    /// The most of them in any minute.
    pub requests_per_minute_max: u64,
    /// How long the way back took, in virtual seconds from the end of the outage.
    pub drain_s: f64,
    /// Of the posts that the limit allowed in that time, how many were made.
    pub drain_share: f64,
    /// Of the requests in that time, how many were answered with 429.
    pub rate_limited_share: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Saying {
    New,
    Edit,
    Delete,
}

/// When what is said of which signal.
fn script(dice: &mut Dice, signals: i64) -> Vec<(i64, i64, Saying)> {
    let mut script = Vec::new();
    for number in 1..=signals {
        let at_ms = 10_000 + number * (OUTAGE_MS - 120_000) / signals;
        script.push((at_ms, number, Saying::New));
        if is_cancelled(number) {
            let edits = [1_000, 2_000].map(|after| (at_ms + after, number, Saying::Edit));
            script.extend(edits);
            script.push((at_ms + 3_000 + dice.below(60_000), number, Saying::Delete));
        } else if number % 5 == 1 {
            let later_ms = at_ms + dice.below(OUTAGE_MS - 1_000 - at_ms);
            script.push((later_ms, number, Saying::Edit));
        }
    }
    script.sort_unstable();
    script
}

fn is_cancelled(number: i64) -> bool {
    number % 5 == 0
}

/// Runs it with so many signals.
pub fn outage(seed: u64, signals: u64) -> OutageVerdict {
    let plan = Plan {
        seed,
        events: 0,
        trace: false,
        bug: None,
    };
    let mut dice = Dice::new(seed);
    let script = script(&mut dice, signals as i64);
    let mut world = World::begin(&plan, dice, Climate::fair());
    (world.trouble, world.is_out) = (false, true);
    for (at_ms, number, saying) in script {
        world.run_until(START_MS + at_ms);
        world.say(number, saying);
    }
    world.run_until(START_MS + OUTAGE_MS);
    let mut found = OutageVerdict {
        queued: signals,
        cancelled: signals / 5,
        requests_in_outage: world.verdict.requests,
        requests_per_minute_max: world.targets[0].manners.in_vain_max as u64,
        ..OutageVerdict::default()
    };
    world.is_out = false;
    let posted_before = world.targets[0].channel.appeared.len();
    let limited_before = world.verdict.rate_limited;
    let ends_ms = START_MS + OUTAGE_MS + DELIVERY_MS_MAX * signals as i64;
    while world.pending_count() > 0 && world.now_ms < ends_ms && world.step() {}
    found.drain_s = (world.now_ms - START_MS - OUTAGE_MS) as f64 / 1_000.0;
    world.end_run();
    let channel = &world.targets[0].channel;
    let posted = channel.appeared.len() - posted_before;
    found.drain_share = posted as f64 / (found.drain_s * ALLOWED_PER_S).max(1.0);
    let requests = world.verdict.requests - found.requests_in_outage;
    let limited = world.verdict.rate_limited - limited_before;
    found.rate_limited_share = limited as f64 / requests.max(1) as f64;
    let cancelled = channel.appeared.iter().filter(|id| is_cancelled(id.get()));
    found.cancelled_requests = cancelled.count() as u64;
    found.verdict = world.into_trace().0;
    found
}

impl World {
    fn say(&mut self, number: i64, saying: Saying) {
        if saying == Saying::New {
            let mut state = self.unsaid();
            self.write(&mut state);
            return self.commit(0, state);
        }
        let row = SignalId::new(number).and_then(|id| self.targets[0].table.get(id));
        let Some(mut state) = row.map(|row| (**row.latest()).clone()) else {
            return;
        };
        state.revision += 1;
        match saying {
            Saying::Delete => state.deleted_at_ms = Some(self.now_ms),
            Saying::New | Saying::Edit => self.write(&mut state),
        }
        self.commit(0, state);
    }
}
