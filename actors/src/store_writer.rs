//! Group commit: everything that arrived while the last transaction ran goes into the next one; no timer waits. One actor on a
//! thread of its own, where it may block; its connection holds the router lock, so that whoever writes is the only one. After
//! COMMIT it answers, then hands frames to the hubs and work to the mirrors. Decides nothing about signals.

use crate::{
    figures::Figures,
    messages::{CommittedFrame, Keep, Open, Opened, Recall, StoreRequest, Write, WriteAnswer},
    noticeboard::{Noticeboard, Topic},
    outlets::Outlets,
    port::Mail,
    supervision::{Observe, OnFatal, Restartable},
    term::Term,
    wire,
};
use actix::{Actor, AsyncContext, Context, Handler, Message, MessageResult, Supervised};
use diesel::{pg::PgConnection, prelude::*};
use heliograph_schema::{
    delivery::WantedDelivery,
    ids::{ChannelId, SignalId},
    signal::{RevisionKind, SignalState},
    store::{
        self, StoreError,
        router_lock::try_router_lock,
        signals::{self, CommitError, Group, HeadMove, NewRevision, NewState, RaisedDelivery},
    },
};
use serde_json::json;
use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

/// Bodies in one transaction: PostgreSQL takes no message above 1 GB, and a group must not hold the next one up.
const GROUP_BYTES_MAX: usize = 16 * 1024 * 1024;
/// An idle connection is asked this often whether it still stands, so that readiness is true without traffic.
const ASK_WHEN_IDLE_FOR: Duration = Duration::from_secs(1);
/// A router that another one has replaced for so long ends: its sessions and mirrors must not go on beside the other's.
const SHUT_OUT_MAX: Duration = Duration::from_secs(3);
/// Pause between two attempts to reach a database that is away.
const RECONNECT_PAUSE: Duration = Duration::from_millis(200);

/// What a store writer is made of; all generations share it.
#[derive(Clone)]
pub struct StoreWriterMakings {
    /// Where the tables are.
    pub database_url: String,
    /// The current term.
    pub term: Term,
    /// Where committed signals leave.
    pub outlets: Outlets,
    /// Where it counts what was accepted.
    pub figures: Figures,
    /// Where it says that there are new items that could not be taken.
    pub notices: Noticeboard,
    /// Revisions in one transaction.
    pub group_revisions_max: usize,
    /// Set while the writer can commit; `/readyz` reads it.
    pub ready: Arc<AtomicBool>,
    /// Ends the process, by name of who wants it.
    pub give_up: OnFatal,
}

/// The actor.
pub struct StoreWriter {
    makings: StoreWriterMakings,
    connection: Option<PgConnection>,
    next_connect_at: Instant,
    /// When the connection last answered.
    used_at: Instant,
    /// Since when another router holds the lock that was ours.
    shut_out_since: Option<Instant>,
    writes: Vec<Write>,
    keeps: Vec<Keep>,
    revisions_pending: usize,
    bytes_pending: usize,
    flush_asked: bool,
    /// Writes still to be committed one by one, to find the one whose data the database refuses.
    alone: usize,
    commits: u64,
    last_error: Option<String>,
}

/// To itself, behind everything that waits already.
struct Flush;

impl Message for Flush {
    type Result = ();
}

/// To itself, while the database is away.
struct Reconnect;

impl Message for Reconnect {
    type Result = ();
}

impl StoreWriter {
    /// The first generation. `connection` holds the router lock; without it the writer connects and locks by itself.
    pub fn new(makings: StoreWriterMakings, connection: Option<PgConnection>) -> Self {
        makings.ready.store(connection.is_some(), SeqCst);
        Self {
            makings,
            connection,
            next_connect_at: Instant::now(),
            writes: Vec::new(),
            keeps: Vec::new(),
            revisions_pending: 0,
            bytes_pending: 0,
            used_at: Instant::now(),
            shut_out_since: None,
            flush_asked: false,
            alone: 0,
            commits: 0,
            last_error: None,
        }
    }

    fn take(&mut self, request: StoreRequest, ctx: &mut Context<Self>) {
        match request {
            StoreRequest::Write(mut write) => {
                if let Some(keep) = write.keep.take() {
                    self.take_keep(keep);
                }
                if self.alone > 0 && write.term == self.makings.term.current() {
                    // Whatever waits goes first, so that this one is really alone.
                    self.flush();
                    self.alone -= 1;
                    self.writes.push(*write);
                    return self.flush();
                }
                self.revisions_pending += write.changes.len();
                self.writes.push(*write);
            }
            StoreRequest::Keep(keep) => self.take_keep(keep),
            // Reads see everything that was sent before them.
            StoreRequest::Open(open) => {
                self.flush();
                return self.open(open);
            }
            StoreRequest::Recall(recall) => {
                self.flush();
                return self.recall(recall);
            }
        }
        if self.revisions_pending >= self.makings.group_revisions_max
            || self.bytes_pending >= GROUP_BYTES_MAX
        {
            self.flush();
        } else if !self.flush_asked {
            self.flush_asked = true;
            ctx.notify(Flush);
        }
    }

    fn take_keep(&mut self, keep: Keep) {
        self.bytes_pending += keep.raw.as_ref().map_or(0, |raw| raw.body.len());
        self.keeps.push(keep);
    }

    fn flush(&mut self) {
        let (writes, mut keeps) = (
            std::mem::take(&mut self.writes),
            std::mem::take(&mut self.keeps),
        );
        (self.revisions_pending, self.bytes_pending) = (0, 0);
        // Nobody waits for it any more; its connector sends it again. (A write in that case still has its place in the sequence.)
        keeps.retain(|keep| !keep.answer.is_closed());
        if writes.is_empty() && keeps.is_empty() {
            return;
        }
        let current = self.makings.term.current();
        let (writes, stale): (Vec<_>, Vec<_>) =
            writes.into_iter().partition(|write| write.term == current);
        for write in stale {
            let _ = write.answer.send(WriteAnswer::Stale);
        }
        self.commit(Pending { writes, keeps });
    }

    fn commit(&mut self, pending: Pending) {
        let group = pending.group();
        let Some(connection) = self.connected() else {
            return pending.answer_all(WriteAnswer::Unavailable);
        };
        let started = Instant::now();
        match group.commit(connection) {
            Ok(raised) => {
                self.used_at = Instant::now();
                self.commits += 1;
                metrics::histogram!("heliograph_store_commit_seconds")
                    .record(started.elapsed().as_secs_f64());
                metrics::histogram!("heliograph_store_group_revisions")
                    .record(group.revisions.len() as f64);
                self.makings.figures.accepted(pending.accepted());
                if !group.quarantined.is_empty() {
                    self.makings.notices.raise(Topic::Quarantine);
                }
                pending.publish(&self.makings.outlets, &raised);
            }
            Err(error) => self.commit_failed(pending, &error),
        }
    }

    /// Nothing of the group is durable. Memory is ahead of the tables, so the term ends. Data that the database refuses is
    /// tried alone, so that it costs its neighbours nothing.
    fn commit_failed(&mut self, pending: Pending, error: &CommitError) {
        self.makings.term.end();
        self.last_error = Some(error.to_string());
        metrics::counter!("heliograph_store_commit_failures_total").increment(1);
        let refused_data = matches!(error, CommitError::Store(store) if is_about_data(store));
        tracing::error!(%error, writes = pending.writes.len(), refused_data, "commit failed");
        if !refused_data {
            // The connection may be broken or, after a fence, not ours any more: a new one must take the lock anew.
            self.disconnect();
            return pending.answer_all(WriteAnswer::Unavailable);
        }
        if pending.len() == 1 {
            return pending.answer_all(WriteAnswer::Poisoned);
        }
        let Pending { writes, keeps } = pending;
        self.alone = writes.len();
        for write in writes {
            // Planned in the term that has just ended; it comes again and is then tried alone.
            let _ = write.answer.send(WriteAnswer::Stale);
        }
        for keep in keeps {
            self.commit(Pending {
                writes: Vec::new(),
                keeps: vec![keep],
            });
        }
    }

    fn open(&mut self, open: Open) {
        // The term first: whatever ends it from here on makes what we answer stale, never wrong.
        let term = self.makings.term.current();
        let head = self.read(|connection| signals::open_heads(connection, &[open.channel_id]));
        let head = head.ok().and_then(|heads| heads.first().copied());
        let opened = head.map(|head| Opened { term, head });
        let _ = open.answer.send(opened);
    }

    fn recall(&mut self, recall: Recall) {
        let states = self.read(|connection| signals::recall(connection, &recall.signals));
        let _ = recall.answer.send(states);
    }

    /// What is read; else whether the database is away or holds what does not read.
    fn read<T>(
        &mut self,
        read: impl FnOnce(&mut PgConnection) -> Result<T, StoreError>,
    ) -> Result<T, WriteAnswer> {
        let connection = self.connected().ok_or(WriteAnswer::Unavailable)?;
        match read(connection) {
            Ok(found) => {
                self.used_at = Instant::now();
                Ok(found)
            }
            Err(error) => {
                tracing::error!(%error, "read failed");
                self.last_error = Some(error.to_string());
                if is_about_data(&error) {
                    return Err(WriteAnswer::Poisoned);
                }
                self.makings.term.end();
                self.disconnect();
                Err(WriteAnswer::Unavailable)
            }
        }
    }

    fn disconnect(&mut self) {
        self.makings.ready.store(false, SeqCst);
        self.connection = None;
        self.next_connect_at = Instant::now();
    }

    /// The connection; when there is none, one attempt to make one and to take the router lock, not too often.
    fn connected(&mut self) -> Option<&mut PgConnection> {
        if self.connection.is_none() && Instant::now() >= self.next_connect_at {
            match connect_and_lock(&self.makings.database_url) {
                Ok(connection) => self.begin_anew(connection),
                Err(away) => self.stay_away(&away),
            }
        }
        self.connection.as_mut()
    }

    fn begin_anew(&mut self, connection: PgConnection) {
        tracing::info!("store writer connected");
        self.connection = Some(connection);
        (self.last_error, self.shut_out_since, self.used_at) = (None, None, Instant::now());
        // Whatever the lost connection may still have committed is settled now, and nobody has been told of it.
        self.makings.term.end();
        self.makings.outlets.look_at_tables();
        self.makings.ready.store(true, SeqCst);
    }

    fn stay_away(&mut self, away: &NoLock) {
        self.last_error = Some(away.to_string());
        self.next_connect_at = Instant::now() + RECONNECT_PAUSE;
        if !matches!(away, NoLock::Held) {
            self.shut_out_since = None;
            return;
        }
        let since = *self.shut_out_since.get_or_insert_with(Instant::now);
        if since.elapsed() > SHUT_OUT_MAX {
            tracing::error!("another router has taken over");
            (self.makings.give_up)("store_writer");
        }
    }
}

/// Why a router may not write.
#[derive(Debug, thiserror::Error)]
pub enum NoLock {
    /// Another one holds the lock.
    #[error("another router writes to this database")]
    Held,
    /// The database is away or not usable.
    #[error("{0}")]
    Away(String),
}

/// Connects and takes the router lock, as a writer must before its first statement.
///
/// # Errors
/// When the database is away or another router holds the lock.
pub fn connect_and_lock(database_url: &str) -> Result<PgConnection, NoLock> {
    let away = |error: StoreError| NoLock::Away(error.to_string());
    let mut connection = store::connect_single(database_url).map_err(away)?;
    match try_router_lock(&mut connection) {
        Ok(true) => Ok(connection),
        Ok(false) => Err(NoLock::Held),
        Err(error) => Err(away(error)),
    }
}

/// Whether it is the data that PostgreSQL does not take, rather than PostgreSQL that is away, full or stopping.
fn is_about_data(error: &StoreError) -> bool {
    use diesel::result::{
        DatabaseErrorKind::{
            CheckViolation, ForeignKeyViolation, NotNullViolation, UniqueViolation,
        },
        Error,
    };
    match error {
        StoreError::Corrupt(_) => true,
        StoreError::Database(Error::SerializationError(_) | Error::DeserializationError(_)) => true,
        StoreError::Database(Error::DatabaseError(kind, information)) => {
            matches!(
                kind,
                UniqueViolation | CheckViolation | NotNullViolation | ForeignKeyViolation
            ) || [
                "invalid byte sequence",
                "out of range",
                "unsupported Unicode",
                "invalid input syntax",
                "value too long",
            ]
            .iter()
            .any(|sign| information.message().contains(sign))
        }
        _ => false,
    }
}

/// What one transaction is to make durable, and who waits for it.
struct Pending {
    writes: Vec<Write>,
    keeps: Vec<Keep>,
}

impl Pending {
    fn len(&self) -> usize {
        self.writes.len() + self.keeps.len()
    }

    fn accepted(&self) -> u64 {
        let accepted = |write: &Write| u64::from(write.counts.accepted);
        self.writes.iter().map(accepted).sum()
    }

    /// One move per channel, one state per signal, everything else in order.
    fn group(&self) -> Group {
        let mut group = Group::default();
        let mut moves: HashMap<ChannelId, HeadMove> = HashMap::new();
        let mut last: HashMap<SignalId, NewState> = HashMap::new();
        let mut raised: HashMap<SignalId, i32> = HashMap::new();
        for write in &self.writes {
            let head = write.after;
            let step = moves.entry(head.channel_id).or_insert(HeadMove {
                channel_id: head.channel_id,
                before: write.before.cursor,
                seq_after: 0,
                newest_known_id: 0,
                newest_created_id: 0,
                newest_known_before: write.before.newest_known_id,
            });
            step.seq_after = head.cursor.seq;
            step.newest_known_id = head.newest_known_id;
            step.newest_created_id = head.newest_created_id;
            for change in &write.changes {
                let state = &change.state;
                last.insert(
                    state.signal_id,
                    NewState {
                        signal_id: state.signal_id,
                        channel_id: state.channel_id,
                        is_visible: state.is_visible(),
                        revision: state.revision,
                        state: change.state_json.clone(),
                    },
                );
                if let Some(revision) = &change.revision {
                    group.revisions.push(NewRevision {
                        channel_id: head.channel_id,
                        place: revision.place,
                        signal_id: state.signal_id,
                        revision: state.revision,
                        kind: revision.kind,
                        frame: revision.frame.clone(),
                    });
                    if revision.kind != RevisionKind::Create {
                        raised.insert(state.signal_id, state.revision);
                    }
                }
                group.deliveries.extend(&change.deliveries);
            }
        }
        // A channel whose head does not move (nothing but repetitions) is left alone.
        group.heads = moves.into_values().filter(HeadMove::moves).collect();
        group.states = last.into_values().collect();
        // A signal that appears in this very group is wanted in its last revision from the start.
        for delivery in &mut group.deliveries {
            if let Some(revision) = raised.get(&delivery.signal_id) {
                delivery.desired_revision = *revision;
            }
        }
        for delivery in &group.deliveries {
            raised.remove(&delivery.signal_id);
        }
        group.raised = raised.into_iter().collect();
        for keep in &self.keeps {
            group.raw.extend(keep.raw.clone());
            group.quarantined.extend(keep.quarantined.iter().cloned());
        }
        group
    }

    /// After COMMIT: the answers first, then frames and work.
    fn publish(self, outlets: &Outlets, raised: &[RaisedDelivery]) {
        let committed_at = Instant::now();
        let mut frames = Vec::new();
        let mut newest: HashMap<SignalId, Newest> = HashMap::new();
        for write in self.writes {
            let _ = write.answer.send(WriteAnswer::Committed(write.counts));
            for change in write.changes {
                if let Some(revision) = &change.revision {
                    frames.push(CommittedFrame {
                        channel_id: write.after.channel_id,
                        place: revision.place,
                        signal_id: change.state.signal_id,
                        kind: revision.kind,
                        received: write.received,
                        bytes: wire::text(&revision.frame),
                    });
                }
                let first = newest.entry(change.state.signal_id);
                let first = first.or_insert_with(|| Newest {
                    state: change.state.clone(),
                    received_at: write.received.at,
                });
                first.state = change.state;
            }
        }
        for keep in self.keeps {
            let _ = keep
                .answer
                .send(WriteAnswer::Committed(crate::messages::Counts::default()));
        }
        outlets.publish(frames);
        outlets.wake_mirrors(wanted(raised, &newest, committed_at));
    }

    fn answer_all(self, answer: WriteAnswer) {
        for write in self.writes {
            let _ = write.answer.send(answer);
        }
        for keep in self.keeps {
            let _ = keep.answer.send(answer);
        }
    }
}

/// What a signal is after a group, and when the first word of it in the group was received.
struct Newest {
    state: Arc<SignalState>,
    received_at: Instant,
}

fn wanted(
    raised: &[RaisedDelivery],
    newest: &HashMap<SignalId, Newest>,
    committed_at: Instant,
) -> HashMap<ChannelId, Vec<WantedDelivery>> {
    let mut wanted: HashMap<ChannelId, Vec<WantedDelivery>> = HashMap::new();
    for delivery in raised {
        let Some(newest) = newest.get(&delivery.signal_id) else {
            continue;
        };
        let signal = &newest.state;
        wanted
            .entry(delivery.target_channel_id)
            .or_default()
            .push(WantedDelivery {
                signal: signal.clone(),
                mapping_id: delivery.mapping_id,
                ping_role_id: delivery.ping_role_id,
                rule_set_id: delivery.rule_set_id,
                ordinal: delivery.ordinal,
                desired_revision: signal.revision,
                committed_at: Some(committed_at),
                received_at: Some(newest.received_at),
            });
    }
    for deliveries in wanted.values_mut() {
        deliveries.sort_unstable_by_key(|delivery| delivery.ordinal);
    }
    wanted
}

impl Actor for StoreWriter {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        ctx.notify(Reconnect);
    }
}

impl Supervised for StoreWriter {
    fn restarting(&mut self, _: &mut Context<Self>) {
        // What this generation had in hand may or may not be committed; its connection, and with it the lock, goes with it.
        self.makings.term.end();
        *self = self.successor();
    }
}

impl Restartable for StoreWriter {
    fn successor(&self) -> Self {
        Self::new(self.makings.clone(), None)
    }
}

impl Handler<Mail<StoreRequest>> for StoreWriter {
    type Result = ();

    fn handle(&mut self, mail: Mail<StoreRequest>, ctx: &mut Context<Self>) {
        let (request, _handling) = mail.open();
        fail::fail_point!("store_writer::take", |_| ());
        self.take(request, ctx);
    }
}

impl Handler<Flush> for StoreWriter {
    type Result = ();

    fn handle(&mut self, _: Flush, _: &mut Context<Self>) {
        self.flush_asked = false;
        self.flush();
    }
}

impl Handler<Reconnect> for StoreWriter {
    type Result = ();

    fn handle(&mut self, _: Reconnect, ctx: &mut Context<Self>) {
        if self.connected().is_some() && self.used_at.elapsed() > ASK_WHEN_IDLE_FOR {
            // A failure is dealt with there.
            let _ = self.read(|connection| {
                Ok(
                    diesel::select(diesel::dsl::sql::<diesel::sql_types::Integer>("1"))
                        .execute(connection)?,
                )
            });
        }
        ctx.notify_later(Reconnect, RECONNECT_PAUSE);
    }
}

impl Handler<Observe> for StoreWriter {
    type Result = MessageResult<Observe>;

    fn handle(&mut self, _: Observe, _: &mut Context<Self>) -> Self::Result {
        MessageResult(json!({
            "connected": self.connection.is_some(),
            "term": self.makings.term.current(),
            "commits": self.commits,
            "last_error": self.last_error,
        }))
    }
}
