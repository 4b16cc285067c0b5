//! The world of a run: a queue of moments, the cores with their ledger, mailbox and reads, the way to Discord and back. What
//! happens in it is drawn in `people`; whether it was right is judged in `oracle`.

use super::{
    Plan, Verdict,
    chance::{Climate, Dice},
    discord_model::Channel,
    manners::Manners,
    table_model::Table,
    trace,
};
use crate::{
    exchange::{Answer, Outcome, Request},
    global_gate::GateCore,
    limits_core::LimitKind,
    mirror_core::{Effect, Input, MirrorCore, Settings},
};
use heliograph_schema::{delivery::DeliveryRecord, ids::ChannelId};
use std::{
    cmp::Ordering,
    collections::{BinaryHeap, VecDeque},
};

pub(super) const START_MS: i64 = 1_800_000_000_000;
pub(super) const REQUEST_TIMEOUT_MS: i64 = 15_000;
/// Discord counts all requests of a bot over this long.
const GLOBAL_WINDOW_MS: i64 = 1_000;
/// Things at one moment; more is a core that turns in circles.
const AT_ONE_MOMENT_MAX: u32 = 2_000;

#[derive(Debug)]
pub(super) enum Event {
    /// Something comes to the mirror of this life.
    Input(u32, Input),
    /// Discord's answer; what is on record is left out of a list now.
    Answered(u32, u64, Answer),
    Wake(u32, u64),
    /// Discord gets a request; its answer is there after so long, or never.
    Arrives {
        life: u32,
        request: Request,
        answer_after_ms: Option<i64>,
    },
    /// The ledger commits.
    Commits {
        life: u32,
        record_id: u64,
        records: Vec<DeliveryRecord>,
    },
    /// The store looks; its answer is there after so long.
    Reads(u32, Effect, i64),
    /// The mark of what did not fit into the mailbox is looked at.
    LooksAtMark,
    Starts(u32),
    Happens,
    Ends(Incident),
}

/// What lasts for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Incident {
    Outage,
    OutageOfAll,
    RefusedToken,
    Locked,
    Jammed,
    Paused,
}

#[derive(Debug)]
struct Moment {
    at_ms: i64,
    number: u64,
    target: usize,
    event: Event,
}

impl PartialEq for Moment {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}
impl Eq for Moment {}
impl PartialOrd for Moment {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Moment {
    /// The soonest is the greatest.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at_ms, other.number).cmp(&(self.at_ms, self.number))
    }
}

/// One target channel and all that belongs to it.
pub(super) struct Target {
    pub(super) core: MirrorCore,
    pub(super) life: u32,
    is_up: bool,
    wake: u64,
    pub(super) table: Table,
    pub(super) channel: Channel,
    pub(super) manners: Manners,
    ledger_free_ms: i64,
    mailbox_free_ms: i64,
    is_marked: bool,
    /// The last that was written: of which life, and its number.
    written: (u32, u64),
    /// Lives up to this one belong to a process that is gone.
    ended_with: u32,
    /// Nothing fits into its mailbox.
    pub(super) is_jammed: bool,
    pub(super) is_out: bool,
}

pub(super) struct World {
    pub(super) now_ms: i64,
    pub(super) dice: Dice,
    pub(super) climate: Climate,
    queue: BinaryHeap<Moment>,
    next_number: u64,
    at_this_moment: u32,
    pub(super) targets: Vec<Target>,
    gate: GateCore,
    /// Requests of the last second, at Discord.
    global: VecDeque<i64>,
    /// Faults of every kind may happen.
    pub(super) trouble: bool,
    pub(super) is_out: bool,
    pub(super) token_refused: bool,
    pub(super) events_wanted: u64,
    pub(super) next_signal: i64,
    pub(super) verdict: Verdict,
    trace: Option<Vec<String>>,
}

impl World {
    pub(super) fn new(plan: &Plan) -> Self {
        let mut dice = Dice::new(plan.seed);
        let climate = Climate::draw(&mut dice);
        let mut world = Self::begin(plan, dice, climate);
        world.after(0, 10, Event::Happens);
        world
    }

    /// A world in which nothing happens by itself.
    pub(super) fn begin(plan: &Plan, dice: Dice, climate: Climate) -> Self {
        let mut world = Self {
            now_ms: START_MS,
            queue: BinaryHeap::new(),
            next_number: 0,
            at_this_moment: 0,
            targets: Vec::new(),
            gate: GateCore::new(climate.requests_per_s),
            global: VecDeque::new(),
            trouble: true,
            is_out: false,
            token_refused: false,
            events_wanted: plan.events,
            next_signal: 0,
            verdict: Verdict::of(plan.seed),
            trace: plan.trace.then(Vec::new),
            climate,
            dice,
        };
        let climate = world.climate.clone();
        world.note(0, || format!("{climate:?}"));
        for number in 0..world.climate.targets {
            let settings = world.settings(number);
            world.targets.push(Target {
                core: MirrorCore::new(START_MS, settings),
                life: 1,
                is_up: false,
                wake: 0,
                table: Table::default(),
                channel: Channel::new(&world.climate),
                manners: Manners::default(),
                ledger_free_ms: 0,
                mailbox_free_ms: 0,
                is_marked: false,
                written: (0, 0),
                ended_with: 0,
                is_jammed: false,
                is_out: false,
            });
            world.after(number, 0, Event::Starts(1));
        }
        world
    }

    fn settings(&mut self, target: usize) -> Settings {
        Settings {
            target_channel_id: ChannelId::new(77 + target as i64).unwrap(),
            backlog_max: self.climate.backlog_max,
            attempts_max: 5,
            retry_delay_ms_min: 500,
            retry_delay_ms_max: 60_000,
            nonce_window_ms: 110_000,
            request_timeout_ms: REQUEST_TIMEOUT_MS,
            has_token: true,
            seed: self.dice.below(i64::MAX) as u64,
        }
    }

    pub(super) fn note(&mut self, target: usize, what: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            let since_ms = self.now_ms - START_MS;
            trace.push(format!("{since_ms:>9} ms  [{target}] {}", what()));
        }
    }

    fn rude(&mut self, sentence: &str) {
        self.verdict.rude += 1;
        let since_ms = self.now_ms - START_MS;
        self.verdict.breach(format!("at {since_ms} ms: {sentence}"));
    }

    pub(super) fn after(&mut self, target: usize, delay_ms: i64, event: Event) {
        self.next_number += 1;
        self.queue.push(Moment {
            at_ms: self.now_ms + delay_ms,
            number: self.next_number,
            target,
            event,
        });
    }

    /// The next moment; none when nothing will ever happen any more.
    pub(super) fn step(&mut self) -> bool {
        let Some(moment) = self.queue.pop() else {
            return false;
        };
        if moment.at_ms > self.now_ms {
            self.at_this_moment = 0;
        }
        self.at_this_moment += 1;
        if self.at_this_moment > AT_ONE_MOMENT_MAX {
            self.verdict.stuck += 1;
            self.verdict.breach("it turns in circles".to_owned());
            return false;
        }
        self.now_ms = moment.at_ms;
        self.come(moment.target, moment.event);
        true
    }

    /// Everything that comes up to this moment.
    pub(super) fn run_until(&mut self, at_ms: i64) {
        while self
            .queue
            .peek()
            .is_some_and(|moment| moment.at_ms <= at_ms)
        {
            self.step();
        }
        self.now_ms = self.now_ms.max(at_ms);
    }

    fn come(&mut self, at: usize, event: Event) {
        let target = &mut self.targets[at];
        let is_current = |life: u32| target.is_up && life == target.life;
        match event {
            Event::Input(life, input) if is_current(life) => {
                // The mark of what did not fit is looked at before what came after it.
                if matches!(input, Input::Wanted(_)) && std::mem::take(&mut target.is_marked) {
                    self.tell(at, Input::FellBehind);
                }
                if self.targets[at].life == life {
                    self.tell(at, input);
                }
            }
            Event::Wake(life, wake) if is_current(life) && wake == target.wake => {
                self.tell(at, Input::Tick);
            }
            Event::Answered(life, request_id, answer) if is_current(life) => {
                self.answered(at, request_id, answer);
            }
            Event::LooksAtMark if target.is_up && std::mem::take(&mut target.is_marked) => {
                self.tell(at, Input::FellBehind);
            }
            Event::Starts(life) if life == target.life => {
                target.is_up = true;
                self.tell(at, Input::Tick);
            }
            Event::Arrives {
                life,
                request,
                answer_after_ms,
            } => self.arrives(at, life, &request, answer_after_ms),
            Event::Commits {
                life,
                record_id,
                records,
            } => self.commits(at, life, record_id, &records),
            Event::Reads(life, read, back_ms) => {
                let answer = self.look(at, read);
                self.after(at, back_ms, Event::Input(life, answer));
            }
            Event::Happens => self.happen(),
            Event::Ends(incident) => self.end(at, incident),
            Event::Input(..)
            | Event::Wake(..)
            | Event::Answered(..)
            | Event::Starts(_)
            | Event::LooksAtMark => {}
        }
    }

    pub(super) fn tell(&mut self, at: usize, input: Input) {
        self.verdict.events += 1;
        if self.trace.is_some() {
            let told = format!("<- {}", trace::input(&input));
            self.note(at, || told);
        }
        let (now_ms, gate) = (self.now_ms, &mut self.gate);
        let target = &mut self.targets[at];
        let target_id = target.core.settings.target_channel_id;
        let mut entered = 0;
        let effects = target.core.handle(now_ms, input, &mut || {
            let place = gate.enter(now_ms, target_id);
            entered += u32::from(place.is_ok());
            place
        });
        let held = target.core.deliveries.len();
        self.verdict.backlog_max = self.verdict.backlog_max.max(held as u64);
        if held > self.climate.backlog_max {
            self.rude(&format!("{held} deliveries in memory"));
        }
        let sends = effects
            .iter()
            .filter(|effect| matches!(effect, Effect::Send { .. }));
        if sends.count() != entered as usize {
            self.rude("a request that the gate let through was not sent, or the reverse");
        }
        let crashes = self.trouble && self.dice.one_in(self.climate.crash);
        let kept = if crashes {
            self.dice.below(effects.len() as i64 + 1) as usize
        } else {
            effects.len()
        };
        self.carry_out(at, effects, kept);
        if crashes {
            self.crash(at);
        }
    }

    fn carry_out(&mut self, at: usize, effects: Vec<Effect>, kept: usize) {
        self.targets[at].wake += 1;
        let mut wake_ms: Option<i64> = None;
        for effect in effects.into_iter().take(kept) {
            if self.trace.is_some() && !matches!(effect, Effect::WakeAt(_) | Effect::Took(..)) {
                let wanted = format!("-> {}", trace::effect(&effect));
                self.note(at, || wanted);
            }
            match effect {
                Effect::WakeAt(at_ms) => {
                    wake_ms = Some(wake_ms.map_or(at_ms, |known| known.min(at_ms)));
                }
                Effect::Send { request, .. } => self.send(at, request),
                Effect::Record {
                    record_id, records, ..
                } => self.record(at, record_id, records),
                Effect::Took(..) => {}
                read => self.read(at, read),
            }
        }
        let Some(at_ms) = wake_ms else { return };
        if at_ms <= self.now_ms {
            self.rude("a wake that is due already would spin");
        }
        let (life, wake) = (self.targets[at].life, self.targets[at].wake);
        let wait_ms = (at_ms - self.now_ms).max(1);
        self.after(at, wait_ms, Event::Wake(life, wake));
    }

    fn record(&mut self, at: usize, record_id: u64, records: Vec<DeliveryRecord>) {
        let slow = self.trouble && self.dice.one_in(self.climate.ledger_slow);
        let most_ms = if slow {
            self.climate.ledger_slow_ms
        } else {
            20
        };
        let delay_ms = 1 + self.dice.below(most_ms);
        let target = &mut self.targets[at];
        // One after the other, as they were handed over.
        target.ledger_free_ms = target.ledger_free_ms.max(self.now_ms + delay_ms);
        let (delay_ms, life) = (target.ledger_free_ms - self.now_ms, target.life);
        let commits = Event::Commits {
            life,
            record_id,
            records,
        };
        self.after(at, delay_ms, commits);
    }

    /// What was handed over is written once, even after the mirror's end, unless the process went down.
    fn commits(&mut self, at: usize, life: u32, record_id: u64, records: &[DeliveryRecord]) {
        let now_ms = self.now_ms;
        let target = &mut self.targets[at];
        if life <= target.ended_with {
            return;
        }
        if target.written != (life, record_id) {
            target.written = (life, record_id);
            self.verdict.give_ups(&target.table, records);
            target.table.record(now_ms, records);
        }
        self.after(at, 1, Event::Input(life, Input::Recorded(record_id)));
    }

    fn read(&mut self, at: usize, read: Effect) {
        let slow = self.trouble && self.dice.one_in(self.climate.read_slow);
        let most_ms = if slow { self.climate.read_slow_ms } else { 10 };
        // The store looks at any moment between question and answer.
        let (there_ms, back_ms) = (1 + self.dice.below(most_ms), 1 + self.dice.below(most_ms));
        let life = self.targets[at].life;
        self.after(at, there_ms, Event::Reads(life, read, back_ms));
    }

    fn look(&mut self, at: usize, read: Effect) -> Input {
        if self.trouble && self.dice.one_in(self.climate.read_fails) {
            return Input::ReadFailed(read);
        }
        let table = &self.targets[at].table;
        match read {
            Effect::ReadPending { limit } => Input::Pending(table.pending(self.now_ms, limit)),
            Effect::ReadRow(signal_id) => Input::Row(signal_id, table.row(self.now_ms, signal_id)),
            Effect::ReadRevisions(signal_id, after) => {
                Input::Revisions(signal_id, table.revisions(signal_id, after))
            }
            other => panic!("nobody reads this here: {other:?}"),
        }
    }

    /// What a commit wants, in the order of commits, when it fits into the mailbox of a mirror that is there.
    pub(super) fn deliver(&mut self, at: usize, input: Input) {
        let is_lost = self.trouble
            && (self.targets[at].is_jammed || self.dice.one_in(self.climate.mailbox_full));
        let delay_ms = 1 + self.dice.below(self.climate.mailbox_slow_ms);
        if is_lost || matches!(input, Input::FellBehind) {
            self.targets[at].is_marked = true;
            let delay_ms = 1 + self.dice.below(1_000);
            return self.after(at, delay_ms, Event::LooksAtMark);
        }
        let target = &mut self.targets[at];
        target.mailbox_free_ms = target.mailbox_free_ms.max(self.now_ms + delay_ms);
        let (delay_ms, life) = (target.mailbox_free_ms - self.now_ms, target.life);
        self.after(at, delay_ms, Event::Input(life, input));
    }

    /// The end of one mirror, or of the process and with it of all that was not committed.
    pub(super) fn crash(&mut self, at: usize) {
        let whole_process = self.dice.one_in(2);
        let down_ms = match whole_process {
            true => self.dice.pick(&[500, 20_000, 300_000]),
            false => 1,
        };
        self.note(at, || {
            format!("== ends, the process with it: {whole_process}, down for {down_ms} ms")
        });
        if whole_process {
            self.gate = GateCore::new(self.climate.requests_per_s);
        }
        for other in 0..self.targets.len() {
            if other != at && !whole_process {
                continue;
            }
            let mut settings = self.settings(other);
            settings.seed ^= 1;
            let starts_ms = self.now_ms + down_ms;
            let target = &mut self.targets[other];
            if whole_process {
                target.ended_with = target.life;
                target.ledger_free_ms = 0;
                target.is_marked = false;
            }
            target.life += 1;
            target.is_up = false;
            target.core = MirrorCore::new(starts_ms, settings);
            target.manners = Manners::default();
            let life = target.life;
            self.after(other, down_ms, Event::Starts(life));
        }
    }

    fn send(&mut self, at: usize, request: Request) {
        self.verdict.requests += 1;
        let target = &mut self.targets[at];
        let is_out = self.is_out || target.is_out;
        let (life, request_id) = (target.life, request.request_id);
        let sent = target
            .manners
            .sends(self.now_ms, request.call.route(), is_out);
        if let Err(rudeness) = sent {
            self.rude(&rudeness);
        }
        let way_ms = self.climate.way_ms;
        let (there_ms, back_ms) = (2 + self.dice.below(way_ms), 3 + self.dice.below(way_ms));
        let answered = |outcome| {
            let headers = None;
            Event::Answered(life, request_id, Answer { outcome, headers })
        };
        let ambiguous = |reason: &str| Outcome::Ambiguous {
            reason: reason.to_owned(),
        };
        let unreachable = || Outcome::Unreachable {
            reason: "refused".to_owned(),
        };
        let arrives = |answer_after_ms| Event::Arrives {
            life,
            request,
            answer_after_ms,
        };
        match self.fate(is_out) {
            Fate::Answered => self.after(at, there_ms, arrives(Some(back_ms))),
            Fate::Lost => {
                self.after(at, there_ms, arrives(None));
                self.after(at, there_ms + back_ms, answered(ambiguous("reset")));
            }
            Fate::Late => {
                let late_ms = self.dice.below(2 * REQUEST_TIMEOUT_MS - 1_000);
                self.after(at, late_ms, arrives(None));
                self.after(at, REQUEST_TIMEOUT_MS, answered(ambiguous("timeout")));
            }
            Fate::Vanished => self.after(at, REQUEST_TIMEOUT_MS, answered(ambiguous("timeout"))),
            Fate::Unreachable => self.after(at, there_ms, answered(unreachable())),
            Fate::Broken => self.after(at, there_ms + back_ms, answered(ambiguous("502"))),
            // Nobody will ever say anything.
            Fate::Silent => {}
        }
    }

    fn fate(&mut self, is_out: bool) -> Fate {
        if is_out {
            return self.dice.pick(&[
                Fate::Unreachable,
                Fate::Unreachable,
                Fate::Broken,
                Fate::Broken,
                Fate::Vanished,
                Fate::Lost,
            ]);
        }
        if !self.trouble {
            return Fate::Answered;
        }
        let climate = &self.climate;
        let fates = [
            (climate.lost, Fate::Lost),
            (climate.late, Fate::Late),
            (climate.unreachable, Fate::Unreachable),
            (climate.broken, Fate::Broken),
            (climate.silent, Fate::Silent),
        ];
        let drawn = fates
            .into_iter()
            .find(|(often, _)| self.dice.one_in(*often));
        drawn.map_or(Fate::Answered, |(_, fate)| fate)
    }

    fn arrives(&mut self, at: usize, life: u32, request: &Request, answer_after_ms: Option<i64>) {
        self.verdict.events += 1;
        let now_ms = self.now_ms;
        while self
            .global
            .front()
            .is_some_and(|hit| *hit <= now_ms - GLOBAL_WINDOW_MS)
        {
            self.global.pop_front();
        }
        let answer = if self.token_refused {
            let outcome = Outcome::Unauthorized;
            let headers = None;
            Answer { outcome, headers }
        } else if self.global.len() >= self.climate.requests_per_s as usize {
            let retry_after_ms = self.global[0] + GLOBAL_WINDOW_MS - now_ms;
            let outcome = Outcome::RateLimited {
                kind: LimitKind::Global,
                retry_after_ms,
            };
            let headers = None;
            Answer { outcome, headers }
        } else {
            self.global.push_back(now_ms);
            let trouble = self.trouble.then_some((&self.climate, &mut self.dice));
            let page = self.climate.page;
            let channel = &mut self.targets[at].channel;
            channel.handle(now_ms, &request.call, trouble, page)
        };
        if self.trace.is_some() {
            let (call, told) = (trace::call(&request.call), trace::answer(&answer));
            let done = format!("   Discord: {call}: {told}");
            self.note(at, || done);
        }
        if let Some(back_ms) = answer_after_ms {
            let answered = Event::Answered(life, request.request_id, answer);
            self.after(at, back_ms, answered);
        }
    }

    fn answered(&mut self, at: usize, request_id: u64, mut answer: Answer) {
        if let Outcome::Listed { unrecorded, .. } = &mut answer.outcome {
            let table = &self.targets[at].table;
            unrecorded.retain(|message| !table.is_recorded(message.message_id));
            if self.trouble && self.dice.one_in(self.climate.read_fails) {
                answer.outcome = Outcome::Ambiguous {
                    reason: "the tables do not answer".to_owned(),
                };
            }
        }
        if matches!(answer.outcome, Outcome::RateLimited { .. }) {
            self.verdict.rate_limited += 1;
        }
        let target_id = self.targets[at].core.settings.target_channel_id;
        self.gate.hear(self.now_ms, target_id, &answer.outcome);
        self.targets[at].manners.hears(self.now_ms, &answer);
        self.tell(at, Input::Answered(request_id, answer));
    }

    pub(super) fn into_trace(self) -> (Verdict, Vec<String>) {
        (self.verdict, self.trace.unwrap_or_default())
    }
}

/// What becomes of a request on its way.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Answered,
    /// Carried out, and the connection breaks.
    Lost,
    /// Carried out, now or after everybody stopped waiting.
    Late,
    /// Never carried out, and nobody says so.
    Vanished,
    Unreachable,
    Broken,
    Silent,
}
