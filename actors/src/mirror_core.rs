//! What a mirror does next. Works from the latest wish for each signal, in the order of commits where messages appear, one
//! request at a time, and never twice: what a request did is on record before the next one goes out, and what nobody answered
//! is settled by its nonce or by reading the channel back. Knows no clock, no chance, no transport and no table: time and
//! answers come in, effects go out.

mod answers;
mod delivery;
mod inventory;
#[cfg(test)]
mod simulation;
mod standing;

pub use standing::{Counts, Standing, State};

use crate::{
    exchange::{Answer, Call, Request},
    global_gate::Wait,
    limits_core::{Limits, Permit},
};
use delivery::{Delivery, Earlier, Spans, Step};
use heliograph_schema::{
    delivery::{DeliveryRecord, PartChange, PendingDelivery, PostedPart, Progress, WantedDelivery},
    ids::{ChannelId, MessageId, SignalId},
    signal::SignalState,
};
use inventory::Inventory;
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
    time::Instant,
};

/// A record that is not confirmed is handed over again after this long; the ledger knows it by its number.
const RECORD_REPEAT_MS: i64 = 5_000;
/// A read that failed is repeated after this long.
const READ_RETRY_MS: i64 = 1_000;

/// What a mirror is told at its start.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where it mirrors to.
    pub target_channel_id: ChannelId,
    /// Deliveries held in memory; the rest waits in the table.
    pub backlog_max: usize,
    /// Refusals after which a delivery is a dead letter.
    pub attempts_max: u32,
    /// First delay after a failure; doubles …
    pub retry_delay_ms_min: i64,
    /// … up to this.
    pub retry_delay_ms_max: i64,
    /// How long Discord certainly recognises a nonce.
    pub nonce_window_ms: i64,
    /// How long a request may be under way.
    pub request_timeout_ms: i64,
    /// Without a bot token deliveries wait.
    pub has_token: bool,
    /// For the jitter of delays.
    pub seed: u64,
}

impl Settings {
    fn spans(&self) -> Spans {
        Spans {
            // The last attempt may be under way for as long as a request may.
            trust_ms: (self.nonce_window_ms - self.request_timeout_ms).max(0),
            settle_ms: 2 * self.request_timeout_ms,
        }
    }
}

/// What happens to a mirror.
#[derive(Debug)]
pub enum Input {
    /// It begins, or time has passed.
    Tick,
    /// A commit wants something.
    Wanted(WantedDelivery),
    /// A commit wanted something that did not fit into the mailbox.
    FellBehind,
    /// Answer to [`Effect::ReadPending`].
    Pending {
        /// In order of ordinals.
        rows: Vec<PendingDelivery>,
        /// There are no more.
        complete: bool,
    },
    /// Answer to [`Effect::ReadRow`]: the row, if it has work to do.
    Row(SignalId, Option<Box<PendingDelivery>>),
    /// Answer to [`Effect::ReadRevisions`].
    Revisions(SignalId, Vec<Arc<SignalState>>),
    /// Instead of an answer to any read.
    ReadFailed(Effect),
    /// Answer to [`Effect::Send`].
    Answered(u64, Answer),
    /// Answer to [`Effect::Record`]: durable.
    Recorded(u64),
    /// A person, or a change of the configuration, asks to try again now.
    Unpark,
}

/// What a mirror wants done.
#[derive(Debug, Clone)]
pub enum Effect {
    /// Read the rows with work to do, lowest ordinals first.
    ReadPending {
        /// Rows at most.
        limit: usize,
    },
    /// Read one row.
    ReadRow(SignalId),
    /// Read what a signal was in revisions after this one, except the latest.
    ReadRevisions(SignalId, i32),
    /// Send a request.
    Send {
        /// Which.
        request: Request,
        /// When the wish behind it was committed, of a first attempt.
        committed_at: Option<Instant>,
    },
    /// Make this durable, after everything that this mirror and its predecessors handed over before.
    Record {
        /// Comes back. The same again means the same records: they are to be written once.
        record_id: u64,
        /// At most one for each signal; none at the start, to know that the tables say what predecessors did.
        records: Vec<DeliveryRecord>,
    },
    /// Send a tick at this moment, unless something else comes before.
    WakeAt(i64),
}

/// Asks for a place under the limit over all channels.
pub type Door<'a> = &'a mut dyn FnMut() -> Result<(), Wait>;

#[derive(Debug)]
struct Flight {
    request_id: u64,
    sent_ms: i64,
    errand: Errand,
}

/// Why a request is under way.
#[derive(Debug)]
enum Errand {
    Delivery { signal_id: SignalId, part: u16, call: Call, digest: Vec<u8> },
    Reading { inventory: Inventory, after: i64 },
}

#[derive(Debug)]
struct StrayEdit {
    message_id: MessageId,
    digest: Vec<u8>,
    until_ms: i64,
}

#[derive(Debug)]
struct Recording {
    record_id: u64,
    handed_over_ms: i64,
    records: Vec<DeliveryRecord>,
}

#[derive(Debug)]
struct Parked {
    reason: String,
    probe_at_ms: i64,
}

/// One target channel.
#[derive(Debug)]
pub struct MirrorCore {
    settings: Settings,
    started_ms: i64,
    deliveries: BTreeMap<i64, Delivery>,
    ordinals: HashMap<SignalId, i64>,
    limits: Limits,
    /// The table may hold work that is not in memory.
    behind: bool,
    /// What predecessors handed over is on record.
    is_settled: bool,
    reading: bool,
    read_not_before_ms: i64,
    /// While the table is read: signals whose rows may be older than what we recorded, and whether news was passed over.
    touched: HashSet<SignalId>,
    passed_over: bool,
    flight: Option<Flight>,
    recording: Option<Recording>,
    inventory: Option<Inventory>,
    /// A reading that is not complete, and where its next page begins.
    paging: Option<(Inventory, i64)>,
    /// Edits that may still be under way though nobody waits for their answer.
    stray_edits: Vec<StrayEdit>,
    parked: Option<Parked>,
    /// Failures in a row, of any delivery.
    faults: u32,
    not_before_ms: i64,
    failing: Option<String>,
    held: Option<Wait>,
    next_id: u64,
    seed: u64,
    counts: Counts,
}

impl MirrorCore {
    /// A mirror that knows nothing yet: it begins by reading the table, at its first input.
    pub fn new(now_ms: i64, settings: Settings) -> Self {
        Self {
            started_ms: now_ms,
            seed: settings.seed,
            settings,
            deliveries: BTreeMap::new(),
            ordinals: HashMap::new(),
            limits: Limits::default(),
            behind: true,
            is_settled: false,
            reading: false,
            read_not_before_ms: now_ms,
            touched: HashSet::new(),
            passed_over: false,
            flight: None,
            recording: Some(Recording { record_id: 0, handed_over_ms: now_ms - RECORD_REPEAT_MS, records: Vec::new() }),
            inventory: None,
            paging: None,
            stray_edits: Vec::new(),
            parked: None,
            faults: 0,
            not_before_ms: now_ms,
            failing: None,
            held: None,
            next_id: 0,
            counts: Counts::default(),
        }
    }

    /// Takes an input and says what is to be done about it.
    pub fn handle(&mut self, now_ms: i64, input: Input, door: Door<'_>) -> Vec<Effect> {
        let mut effects = Vec::new();
        match input {
            Input::Tick => self.repeat(now_ms, &mut effects),
            Input::Wanted(wanted) => self.wanted(now_ms, wanted, &mut effects),
            Input::FellBehind => self.pass_over(),
            Input::Pending { rows, complete } => self.pending(now_ms, rows, complete),
            Input::Row(signal_id, row) => self.row(now_ms, signal_id, row),
            Input::Revisions(signal_id, states) => {
                if let Some(delivery) = self.delivery(signal_id) {
                    delivery.learn_revisions(&states);
                }
            }
            Input::ReadFailed(read) => self.read_failed(now_ms, &read),
            Input::Answered(request_id, answer) => self.answered(now_ms, request_id, answer, &mut effects),
            Input::Recorded(record_id) => self.recorded(record_id),
            Input::Unpark => {
                self.parked = None;
                self.not_before_ms = now_ms;
            }
        }
        self.read(now_ms, &mut effects);
        self.advance(now_ms, door, &mut effects);
        effects
    }

    fn delivery(&mut self, signal_id: SignalId) -> Option<&mut Delivery> {
        let ordinal = self.ordinals.get(&signal_id)?;
        self.deliveries.get_mut(ordinal)
    }

    fn insert(&mut self, delivery: Delivery) {
        self.ordinals.insert(delivery.signal_id(), delivery.ordinal);
        self.deliveries.insert(delivery.ordinal, delivery);
    }

    fn remove(&mut self, signal_id: SignalId) {
        if let Some(ordinal) = self.ordinals.remove(&signal_id) {
            self.deliveries.remove(&ordinal);
        }
    }

    fn fresh_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    // ---- what is wanted -------------------------------------------------------------------------------------------------

    fn wanted(&mut self, now_ms: i64, wanted: WantedDelivery, effects: &mut Vec<Effect>) {
        let signal_id = wanted.signal.signal_id;
        if let Some(delivery) = self.delivery(signal_id) {
            delivery.want(wanted.signal, wanted.desired_revision, wanted.committed_at);
            return;
        }
        // The first revision of a signal: nothing of it can stand anywhere.
        let is_new = wanted.desired_revision == 1;
        let out_of_turn = is_new && self.behind;
        if self.reading || out_of_turn || self.deliveries.len() >= self.settings.backlog_max {
            self.pass_over();
            return;
        }
        self.insert(Delivery::wanted(now_ms, wanted, is_new));
        if !is_new {
            effects.push(Effect::ReadRow(signal_id));
        }
    }

    fn pass_over(&mut self) {
        self.behind = true;
        self.passed_over = true;
    }

    // ---- the table ------------------------------------------------------------------------------------------------------

    fn read(&mut self, now_ms: i64, effects: &mut Vec<Effect>) {
        let has_room = self.deliveries.len() * 2 <= self.settings.backlog_max;
        if !self.is_settled || self.reading || !self.behind || !has_room {
            return;
        }
        if now_ms < self.read_not_before_ms {
            effects.push(Effect::WakeAt(self.read_not_before_ms));
            return;
        }
        self.reading = true;
        self.passed_over = false;
        self.touched.clear();
        if let Some(recording) = &self.recording {
            self.touched.extend(recording.records.iter().map(|record| record.signal_id));
        }
        effects.push(Effect::ReadPending { limit: self.settings.backlog_max.max(1) });
    }

    fn pending(&mut self, now_ms: i64, rows: Vec<PendingDelivery>, complete: bool) {
        if !std::mem::replace(&mut self.reading, false) {
            return;
        }
        let (started_ms, spans) = (self.started_ms, self.settings.spans());
        let mut all_taken = complete;
        for row in rows {
            let signal_id = row.signal.signal_id;
            let is_full = self.deliveries.len() >= self.settings.backlog_max;
            let is_touched = self.touched.contains(&signal_id);
            match self.delivery(signal_id) {
                // Of one that is not known yet a reading of its own is under way, which alone may tell.
                Some(delivery) => delivery.want(row.signal, row.desired_revision, None),
                // The row may be older than what we recorded meanwhile: it is read once more.
                None if is_touched => all_taken = false,
                None if is_full => {
                    all_taken = false;
                    break;
                }
                None => self.insert(Delivery::pending(now_ms, row, started_ms, spans)),
            }
        }
        self.behind = !all_taken || self.passed_over;
    }

    fn row(&mut self, now_ms: i64, signal_id: SignalId, row: Option<Box<PendingDelivery>>) {
        let (started_ms, spans, behind) = (self.started_ms, self.settings.spans(), self.behind);
        let Some(delivery) = self.delivery(signal_id).filter(|delivery| !delivery.known) else { return };
        match row {
            Some(row) => delivery.learn(now_ms, *row, started_ms, spans),
            None => return self.remove(signal_id),
        }
        // Its messages have yet to appear, and others that come before it may still wait in the table.
        if behind && delivery.delivered_revision == 0 {
            self.remove(signal_id);
        }
    }

    fn read_failed(&mut self, now_ms: i64, read: &Effect) {
        self.read_not_before_ms = now_ms + READ_RETRY_MS;
        match read {
            Effect::ReadPending { .. } => self.reading = false,
            Effect::ReadRow(signal_id) => {
                // The table is asked for everything again.
                if self.delivery(*signal_id).is_some_and(|delivery| !delivery.known) {
                    self.remove(*signal_id);
                }
                self.pass_over();
            }
            Effect::ReadRevisions(signal_id, _) => {
                if let Some(delivery) = self.delivery(*signal_id) {
                    delivery.earlier = Earlier::Unasked;
                    delivery.not_before_ms = delivery.not_before_ms.max(now_ms + READ_RETRY_MS);
                }
            }
            Effect::Send { .. } | Effect::Record { .. } | Effect::WakeAt(_) => {}
        }
    }

    // ---- records --------------------------------------------------------------------------------------------------------

    fn record(&mut self, now_ms: i64, records: Vec<DeliveryRecord>, effects: &mut Vec<Effect>) {
        let record_id = self.fresh_id();
        if self.reading {
            self.touched.extend(records.iter().map(|record| record.signal_id));
        }
        effects.push(Effect::Record { record_id, records: records.clone() });
        self.recording = Some(Recording { record_id, handed_over_ms: now_ms, records });
    }

    fn record_of(&self, signal_id: SignalId, change: Option<PartChange>, progress: Progress) -> DeliveryRecord {
        DeliveryRecord { signal_id, target_channel_id: self.settings.target_channel_id, change, progress }
    }

    fn recorded(&mut self, record_id: u64) {
        let Some(recording) = self.recording.take_if(|recording| recording.record_id == record_id) else { return };
        self.is_settled = true;
        for record in recording.records {
            let Some(delivery) = self.delivery(record.signal_id) else { continue };
            let (Progress::Delivered { revision, .. } | Progress::Dead { revision, .. }) = record.progress else { continue };
            if delivery.desired_revision <= revision {
                self.remove(record.signal_id);
            } else if matches!(record.progress, Progress::Delivered { .. }) {
                delivery.delivered_revision = revision;
                delivery.removals = 0;
                delivery.gone.clear();
                delivery.deleting.clear();
                delivery.may_have_deleted = false;
                delivery.note = None;
            }
        }
    }

    /// Hands over again what was not confirmed, and gives up on a request whose answer never came.
    fn repeat(&mut self, now_ms: i64, effects: &mut Vec<Effect>) {
        if let Some(recording) = self.recording.as_mut().filter(|it| now_ms >= it.handed_over_ms + RECORD_REPEAT_MS) {
            recording.handed_over_ms = now_ms;
            effects.push(Effect::Record { record_id: recording.record_id, records: recording.records.clone() });
        }
        let patience_ms = 2 * self.settings.request_timeout_ms;
        if let Some(request_id) = self.flight.as_ref().filter(|it| now_ms > it.sent_ms + patience_ms).map(|it| it.request_id) {
            let outcome = crate::exchange::Outcome::Ambiguous { reason: "no answer came back".to_owned() };
            self.answered(now_ms, request_id, Answer { outcome, headers: None }, effects);
        }
    }

    // ---- what to do next ------------------------------------------------------------------------------------------------

    fn advance(&mut self, now_ms: i64, door: Door<'_>, effects: &mut Vec<Effect>) {
        if let Some(recording) = &self.recording {
            effects.push(Effect::WakeAt((recording.handed_over_ms + RECORD_REPEAT_MS).max(now_ms + 1)));
            return;
        }
        if let Some(flight) = &self.flight {
            effects.push(Effect::WakeAt(flight.sent_ms + 2 * self.settings.request_timeout_ms + 1));
            return;
        }
        if self.record_cancelled(now_ms, effects) || !self.settings.has_token {
            return;
        }
        let pause_ms = self.parked.as_ref().map_or(self.not_before_ms, |parked| parked.probe_at_ms);
        if now_ms < pause_ms {
            effects.push(Effect::WakeAt(pause_ms));
            return;
        }
        match self.choose(now_ms, effects) {
            Choice::Act(signal_id, step) => self.act(now_ms, signal_id, step, door, effects),
            Choice::Wait(Some(wake_ms)) => effects.push(Effect::WakeAt(wake_ms)),
            Choice::Wait(None) => {}
        }
    }

    /// What was deleted before it was ever sent needs no request: all of it goes on record at once.
    fn record_cancelled(&mut self, now_ms: i64, effects: &mut Vec<Effect>) -> bool {
        let cancelled = self.deliveries.values().filter(|delivery| delivery.is_cancelled());
        let records: Vec<_> = cancelled
            .map(|delivery| {
                let progress = Progress::Delivered { revision: delivery.desired_revision, note: delivery.note.clone() };
                self.record_of(delivery.signal_id(), None, progress)
            })
            .collect();
        let any = !records.is_empty();
        if any {
            self.record(now_ms, records, effects);
        }
        any
    }

    /// The first delivery that can go on. Messages appear in order; edits and deletions need not wait for them. While a create
    /// of this life is in doubt nothing else appears, so that what is read back can only be its.
    fn choose(&mut self, now_ms: i64, effects: &mut Vec<Effect>) -> Choice {
        let in_doubt = self.deliveries.values().find(|delivery| delivery.is_in_doubt()).map(Delivery::signal_id);
        let (target, spans) = (self.settings.target_channel_id, self.settings.spans());
        let mut wake_ms: Option<i64> = None;
        let mut sooner = |at_ms: i64| wake_ms = Some(wake_ms.map_or(at_ms, |known| known.min(at_ms)));
        let mut first_is_waiting = false;
        for delivery in self.deliveries.values_mut() {
            if !delivery.known {
                // Its messages may have yet to appear; its row will tell in a moment.
                first_is_waiting = true;
                continue;
            }
            let (signal_id, is_first) = (delivery.signal_id(), delivery.is_first());
            if is_first && first_is_waiting && in_doubt != Some(signal_id) {
                continue;
            }
            first_is_waiting |= is_first;
            if now_ms < delivery.not_before_ms {
                sooner(delivery.not_before_ms);
                continue;
            }
            let step = delivery.step(now_ms, target, self.inventory.as_ref(), spans);
            let makes_or_reads = matches!(step, Step::Create { .. } | Step::List { .. } | Step::Adopt { .. });
            if makes_or_reads && in_doubt.is_some_and(|other| other != signal_id) {
                continue;
            }
            match step {
                Step::Wait(at_ms) => at_ms.into_iter().for_each(&mut sooner),
                Step::ReadRevisions => {
                    delivery.earlier = Earlier::Asked;
                    effects.push(Effect::ReadRevisions(signal_id, delivery.delivered_revision));
                }
                step => match step.route().map_or(Permit::Now, |route| self.limits.may_send(now_ms, route)) {
                    Permit::Now => return Choice::Act(signal_id, step),
                    Permit::At(at_ms) => sooner(at_ms),
                    Permit::AfterAnswer => {}
                },
            }
        }
        Choice::Wait(wake_ms)
    }

    fn act(&mut self, now_ms: i64, signal_id: SignalId, step: Step, door: Door<'_>, effects: &mut Vec<Effect>) {
        let errand = |part, call, digest| Errand::Delivery { signal_id, part, call, digest };
        let errand = match step {
            Step::Create { part, payload, digest, nonce } => errand(part, Call::Create { payload, nonce }, digest),
            Step::Edit { part, message_id, payload, digest } => errand(part, Call::Edit { message_id, payload }, digest),
            Step::Delete { part, message_id } => errand(part, Call::Delete { message_id }, Vec::new()),
            Step::List { from_ms } => self.reading_from(now_ms, from_ms),
            Step::Done => return self.complete(now_ms, signal_id, None, effects),
            Step::Poison(reason) => return self.bury(now_ms, signal_id, reason, effects),
            Step::Forget { part } => {
                if let Some(delivery) = self.delivery(signal_id) {
                    delivery.parts.remove(&part);
                }
                return self.complete(now_ms, signal_id, Some(PartChange::Removed { part }), effects);
            }
            Step::Adopt { part, message_id, digest } => {
                if let Some(delivery) = self.delivery(signal_id) {
                    delivery.doubt = None;
                    delivery.stand(part, message_id, &digest);
                }
                self.claim(message_id);
                self.counts.adopted += 1;
                let change = PartChange::Stands(PostedPart { part, message_id, digest });
                return self.complete(now_ms, signal_id, Some(change), effects);
            }
            Step::ReadRevisions | Step::Wait(_) => return,
        };
        self.send(now_ms, errand, door, effects);
    }

    /// The next page of the reading under way when it reaches back far enough, else the first page of one that serves every
    /// doubt there is.
    fn reading_from(&mut self, now_ms: i64, from_ms: i64) -> Errand {
        if let Some((inventory, after)) = self.paging.take_if(|(inventory, _)| inventory.from_ms <= from_ms) {
            return Errand::Reading { inventory, after };
        }
        let doubts = self.deliveries.values().filter_map(|delivery| delivery.doubt.as_ref());
        let inventory = Inventory::new(doubts.map(|doubt| doubt.first_ms).fold(from_ms, i64::min), now_ms);
        Errand::Reading { after: inventory.first_after(), inventory }
    }

    fn send(&mut self, now_ms: i64, errand: Errand, door: Door<'_>, effects: &mut Vec<Effect>) {
        if let Err(wait) = door() {
            self.held = Some(wait);
            self.keep_paging(errand);
            effects.push(Effect::WakeAt(wait.until_ms));
            return;
        }
        self.held = None;
        let (call, signal_id) = match &errand {
            Errand::Delivery { call, signal_id, .. } => (call.clone(), Some(*signal_id)),
            Errand::Reading { after, .. } => (Call::List { after: *after }, None),
        };
        self.limits.sent(now_ms, call.route());
        let request_id = self.fresh_id();
        self.flight = Some(Flight { request_id, sent_ms: now_ms, errand });
        let committed_at = signal_id.and_then(|signal_id| self.delivery(signal_id)?.committed_at.take());
        let request = Request { request_id, target_channel_id: self.settings.target_channel_id, call };
        effects.push(Effect::Send { request, committed_at });
        effects.push(Effect::WakeAt(now_ms + 2 * self.settings.request_timeout_ms + 1));
    }

    /// A page that did not come is asked for again.
    fn keep_paging(&mut self, errand: Errand) {
        if let Errand::Reading { inventory, after } = errand {
            self.paging = Some((inventory, after));
        }
    }

    fn claim(&mut self, message_id: MessageId) {
        let readings = self.inventory.iter_mut().chain(self.paging.as_mut().map(|(inventory, _)| inventory));
        readings.for_each(|inventory| inventory.claim(message_id));
    }
}

enum Choice {
    Act(SignalId, Step),
    Wait(Option<i64>),
}
