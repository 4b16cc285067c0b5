//! Writes down what mirrors did, many in one transaction, and tells each of them after COMMIT. One actor on a thread of its
//! own, where it may block. While the database is away everything is kept and tried again: there is at most one record of each
//! living mirror, so that this is bounded. Decides nothing about deliveries.

use crate::{
    messages::{RecordDeliveries, Recorded},
    noticeboard::{Noticeboard, Topic},
    port::Mail,
    supervision::{Observe, Restartable},
};
use actix::{Actor, AsyncContext, Context, Handler, Message, MessageResult, Supervised};
use diesel::{Connection, pg::PgConnection};
use heliograph_schema::{
    delivery::{DeliveryRecord, MirroredThread, Progress},
    ids::{ChannelId, SignalId},
    store::{StoreError, connect_single, deliveries, mirrored_threads},
};
use serde_json::json;
use std::{
    collections::{HashMap, HashSet, VecDeque},
    time::Duration,
};

/// Pause between two attempts while the database is away.
const RETRY_PAUSE: Duration = Duration::from_millis(300);
/// Deliveries in one transaction; a single record of a mirror may hold more.
const GROUP_DELIVERIES_MAX: usize = 500;

/// What the ledger is made of; all generations share it.
#[derive(Clone)]
pub struct DeliveryLedgerMakings {
    /// Where the tables are.
    pub database_url: String,
    /// Where it says that deliveries were given up.
    pub notices: Noticeboard,
}

/// The actor.
pub struct DeliveryLedger {
    makings: DeliveryLedgerMakings,
    connection: Option<PgConnection>,
    /// In the order of arrival, which for each mirror is the order of what it did.
    waiting: VecDeque<RecordDeliveries>,
    /// The last record written for each target, so that one handed over again is not written over its successors.
    written: HashMap<ChannelId, (u64, u64)>,
    flush_asked: bool,
    commits: u64,
    refused: u64,
    last_error: Option<String>,
}

/// To itself, behind everything that waits already.
struct Flush;

impl Message for Flush {
    type Result = ();
}

impl DeliveryLedger {
    /// The first generation.
    pub fn new(makings: DeliveryLedgerMakings) -> Self {
        Self {
            makings,
            connection: None,
            waiting: VecDeque::new(),
            written: HashMap::new(),
            flush_asked: false,
            commits: 0,
            refused: 0,
            last_error: None,
        }
    }

    fn take(&mut self, record: RecordDeliveries, ctx: &mut Context<Self>) {
        let number = (record.life, record.record_id);
        if self.written.get(&record.target_channel_id) == Some(&number) {
            // Written, but the word of it was lost.
            return answer(record);
        }
        let is_waiting = |other: &RecordDeliveries| {
            other.target_channel_id == record.target_channel_id
                && (other.life, other.record_id) == number
        };
        if self.waiting.iter().any(is_waiting) {
            return;
        }
        self.waiting.push_back(record);
        self.ask_flush(ctx);
    }

    fn ask_flush(&mut self, ctx: &mut Context<Self>) {
        if !std::mem::replace(&mut self.flush_asked, true) {
            ctx.notify(Flush);
        }
    }

    fn flush(&mut self, ctx: &mut Context<Self>) {
        self.flush_asked = false;
        while !self.waiting.is_empty() {
            let size = group_size(&self.waiting);
            if let Err(error) = self.write(size) {
                self.last_error = Some(error.to_string());
                if !is_refusal(&error) {
                    tracing::warn!(%error, waiting = self.waiting.len(), "deliveries cannot be recorded, trying again");
                    self.connection = None;
                    self.flush_asked = true;
                    ctx.notify_later(Flush, RETRY_PAUSE);
                    return;
                }
                self.write_one_by_one(size, &error);
            }
        }
    }

    /// Writes the first `size` records in one transaction and answers them.
    fn write(&mut self, size: usize) -> Result<(), StoreError> {
        let records: Vec<DeliveryRecord> = self
            .waiting
            .iter()
            .take(size)
            .flat_map(|record| record.records.iter().cloned())
            .collect();
        let threads: Vec<(ChannelId, MirroredThread)> = self
            .waiting
            .iter()
            .take(size)
            .flat_map(|record| {
                let of_target = |thread: &MirroredThread| (record.target_channel_id, *thread);
                record.threads.iter().map(of_target)
            })
            .collect();
        let connection = self.connected()?;
        connection.transaction(|connection| {
            mirrored_threads::record(connection, &threads)?;
            deliveries::record(connection, &records)
        })?;
        self.commits += 1;
        self.last_error = None;
        let is_dead = |record: &DeliveryRecord| matches!(record.progress, Progress::Dead { .. });
        if records.iter().any(is_dead) {
            self.makings.notices.raise(Topic::DeadLetters);
        }
        metrics::histogram!("heliograph_ledger_group_deliveries").record(records.len() as f64);
        for record in self.waiting.drain(..size) {
            self.written
                .insert(record.target_channel_id, (record.life, record.record_id));
            answer(record);
        }
        Ok(())
    }

    /// The database takes one of these never: its neighbours are not held up by it, and its mirror goes on.
    fn write_one_by_one(&mut self, size: usize, error: &StoreError) {
        if size > 1 {
            for _ in 0..size {
                if let Err(error) = self.write(1) {
                    if !is_refusal(&error) {
                        return;
                    }
                    self.write_one_by_one(1, &error);
                }
            }
            return;
        }
        let Some(record) = self.waiting.pop_front() else {
            return;
        };
        self.refused += 1;
        metrics::counter!("heliograph_ledger_refused_total").increment(1);
        tracing::error!(target_channel_id = %record.target_channel_id, %error, records = ?record.records, "a delivery cannot be recorded");
        answer(record);
    }

    fn connected(&mut self) -> Result<&mut PgConnection, StoreError> {
        match &mut self.connection {
            Some(connection) => Ok(connection),
            none => Ok(none.insert(connect_single(&self.makings.database_url)?)),
        }
    }
}

/// How many records from the front go into one transaction: each delivery at most once, and not too many.
fn group_size(waiting: &VecDeque<RecordDeliveries>) -> usize {
    let mut seen: HashSet<(ChannelId, SignalId)> = HashSet::new();
    let fits = |record: &&RecordDeliveries| {
        let is_new = record
            .records
            .iter()
            .all(|one| seen.insert((one.target_channel_id, one.signal_id)));
        is_new && seen.len() <= GROUP_DELIVERIES_MAX
    };
    waiting.iter().take_while(fits).count().max(1)
}

/// A mirror that is gone hears nothing; its successor asks anew.
fn answer(record: RecordDeliveries) {
    let _ = record.answer.send(Recorded {
        record_id: record.record_id,
    });
}

/// Whether it is the data that PostgreSQL does not take, rather than PostgreSQL that is away.
fn is_refusal(error: &StoreError) -> bool {
    use diesel::result::{
        DatabaseErrorKind::{
            CheckViolation, ForeignKeyViolation, NotNullViolation, UniqueViolation,
        },
        Error::{DatabaseError, SerializationError},
    };
    match error {
        StoreError::Corrupt(_) | StoreError::Database(SerializationError(_)) => true,
        StoreError::Database(DatabaseError(kind, _)) => {
            matches!(
                kind,
                UniqueViolation | CheckViolation | NotNullViolation | ForeignKeyViolation
            )
        }
        _ => false,
    }
}

impl Actor for DeliveryLedger {
    type Context = Context<Self>;
}

impl Supervised for DeliveryLedger {
    fn restarting(&mut self, _: &mut Context<Self>) {
        // Mirrors hand over again what they do not hear of.
        *self = self.successor();
    }
}

impl Restartable for DeliveryLedger {
    fn successor(&self) -> Self {
        let mut successor = Self::new(self.makings.clone());
        // Numbers alone: without them a repeated record could be written over its successors.
        successor.written.clone_from(&self.written);
        successor
    }
}

impl Handler<Mail<RecordDeliveries>> for DeliveryLedger {
    type Result = ();

    fn handle(&mut self, mail: Mail<RecordDeliveries>, ctx: &mut Context<Self>) {
        let (record, _handling) = mail.open();
        self.take(record, ctx);
    }
}

impl Handler<Flush> for DeliveryLedger {
    type Result = ();

    fn handle(&mut self, _: Flush, ctx: &mut Context<Self>) {
        self.flush(ctx);
    }
}

impl Handler<Observe> for DeliveryLedger {
    type Result = MessageResult<Observe>;

    fn handle(&mut self, _: Observe, _: &mut Context<Self>) -> Self::Result {
        MessageResult(json!({
            "waiting": self.waiting.len(),
            "commits": self.commits,
            "refused": self.refused,
            "last_error": self.last_error,
        }))
    }
}
