//! What a mirror does next. Works from the latest wish for each signal, in the order of commits where messages appear, one
//! request at a time, and never twice: what a request did is on record before the next one goes out, and what nobody answered
//! is settled by its nonce or by reading the channel back. Knows no clock, no chance, no transport and no table: time and
//! answers come in, effects go out.

mod answers;
mod backlog;
mod choosing;
mod delivery;
mod doubt;
mod inventory;
mod places;
mod planted;
mod records;
mod refusals;
mod retries;
#[cfg(test)]
mod scenarios;
#[cfg(any(test, feature = "simulation"))]
pub mod simulation;
mod standing;
mod survey;

pub use standing::{Counts, Standing, State};
pub use survey::Page;

use crate::{
    exchange::{Answer, Call, Request},
    global_gate::Wait,
    limits_core::{Limits, Route},
    markup_core::Names,
    messages::Inspected,
    rules_core::CompiledRules,
};
use delivery::{Delivery, Reply, Spans};
use heliograph_schema::{
    delivery::{
        Address, DeliveryRecord, KnownThread, MirroredThread, PendingDelivery, PendingPage,
        WantedDelivery,
    },
    ids::{ChannelId, MessageId, SignalId, ThreadId, WebhookId},
    signal::SignalState,
};
use inventory::Inventory;
use places::Places;
use std::{
    collections::{BTreeMap, HashMap, HashSet, VecDeque},
    sync::Arc,
    time::Instant,
};
use survey::Survey;

/// A record that is not confirmed is handed over again after this long; the ledger knows it by its number.
const RECORD_REPEAT_MS: i64 = 5_000;

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
    Pending(PendingPage),
    /// Answer to [`Effect::ReadRow`]: the row, if it has work to do.
    Row(SignalId, Option<Box<PendingDelivery>>),
    /// Answer to [`Effect::ReadRevisions`].
    Revisions(SignalId, Vec<Arc<SignalState>>),
    /// Answer to [`Effect::ReadReply`]: the first message that stands for the signal it answers.
    Reply(SignalId, Option<(MessageId, Address)>),
    /// Answer to [`Effect::ReadThread`].
    Thread(ThreadId, KnownThread),
    /// Rules that rows will speak of, before these rows; the reason of those that cannot be carried out.
    Rules(Vec<(i64, Result<Arc<CompiledRules>, String>)>),
    /// The names that stand in place of markup from now on.
    Names(Arc<Names>),
    /// Answer to [`Effect::Compare`].
    Compared,
    /// Instead of an answer to any read.
    ReadFailed(Effect),
    /// Answer to [`Effect::Send`].
    Answered(u64, Answer),
    /// Answer to [`Effect::Record`]: durable.
    Recorded(u64),
    /// What Discord says of the channel.
    Inspected(Inspected),
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
    /// Read, for the first of these signals, where the second stands, which it answers.
    ReadReply(SignalId, SignalId),
    /// Read what is known of a source thread.
    ReadThread(ThreadId),
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
        /// How threads of the target channel stand since.
        threads: Vec<MirroredThread>,
    },
    /// Compare a page of the channel with what is on record, and write down what is to be put right. Nothing is sent meanwhile.
    Compare(Page),
    /// Discord has carried out what was wanted so many milliseconds ago; only measures. Of a create with the moment when it was
    /// received, where that is known.
    Took(Route, i64, Option<Instant>),
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
    Delivery {
        signal_id: SignalId,
        part: u16,
        call: Call,
        digest: Vec<u8>,
        at: Address,
    },
    /// Opens or looks for the thread this signal is to stand in.
    Thread {
        signal_id: SignalId,
        thread_id: ThreadId,
        call: Call,
        digest: Vec<u8>,
        /// Through which it opens it.
        webhook_id: Option<WebhookId>,
    },
    /// Archives one, or opens it again.
    Archive(MirroredThread),
    /// Looks for the webhook that this signal goes through, or makes it.
    Webhook {
        signal_id: SignalId,
        call: Call,
    },
    /// A page for the comparison.
    Survey {
        thread_id: Option<ThreadId>,
        after: i64,
    },
    Reading {
        inventory: Inventory,
        after: i64,
    },
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
    threads: Vec<MirroredThread>,
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
    rules: HashMap<i64, Result<Arc<CompiledRules>, String>>,
    names: Arc<Names>,
    places: Places,
    /// Threads to archive, or to open again.
    archiving: VecDeque<MirroredThread>,
    survey: Option<Survey>,
    /// What a request is under way for may have been dropped.
    is_dropping: bool,
    /// A person has paused the channel. Until the tables have said, nothing is sent.
    is_paused: bool,
    /// The table may hold work that is not in memory.
    behind: bool,
    /// What predecessors handed over is on record.
    is_settled: bool,
    reading: bool,
    read_asked_ms: i64,
    /// What was paused, resumed or dropped is to be learned even when there is no room for more.
    look_again: bool,
    /// The table was read up to this ordinal: of what stands before it nothing has yet to come.
    read_up_to: i64,
    read_not_before_ms: i64,
    /// Signals whose rows could not be read.
    rows_unread: Vec<SignalId>,
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
            rules: HashMap::new(),
            names: Arc::default(),
            places: Places::default(),
            archiving: VecDeque::new(),
            survey: None,
            is_dropping: false,
            is_paused: true,
            behind: true,
            is_settled: false,
            reading: false,
            read_asked_ms: now_ms,
            look_again: false,
            read_up_to: 0,
            read_not_before_ms: now_ms,
            rows_unread: Vec::new(),
            touched: HashSet::new(),
            passed_over: false,
            flight: None,
            recording: Some(Recording {
                record_id: 0,
                handed_over_ms: now_ms - RECORD_REPEAT_MS,
                records: Vec::new(),
                threads: Vec::new(),
            }),
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
            Input::FellBehind => {
                self.look_again = true;
                self.pass_over();
            }
            Input::Pending(page) => self.pending(now_ms, page),
            Input::Row(signal_id, row) => self.row(signal_id, row),
            Input::Revisions(signal_id, states) => {
                if let Some(delivery) = self.delivery(signal_id) {
                    delivery.learn_revisions(&states);
                }
            }
            Input::Reply(signal_id, found) => {
                if let Some(delivery) = self.delivery(signal_id) {
                    delivery.reply = Reply::Read(found);
                }
            }
            Input::Thread(thread_id, known) => self.places.learn(thread_id, Some(known)),
            Input::Rules(rules) => self.learn_rules(rules),
            Input::Names(names) => self.names = names,
            Input::Compared => self.compared(),
            Input::ReadFailed(read) => self.read_failed(now_ms, &read),
            Input::Answered(request_id, answer) => {
                self.answered(now_ms, request_id, answer, &mut effects)
            }
            Input::Recorded(record_id) => self.recorded(record_id),
            Input::Inspected(inspected) => self.inspected(now_ms, inspected),
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
}
