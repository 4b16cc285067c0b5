//! Message batches: from the body to the source channels, and the answer after COMMIT. An item that a channel cannot take is
//! tried alone and then quarantined; its neighbours lose nothing.

use super::{
    Ingest, Push, answer, auth,
    parse::{self, BatchLimits, ParsedBatch, RejectedItem},
};
use crate::{clock, error::ApiError, http::correlation::CorrelationId};
use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::future::join_all;
use heliograph_actors::{
    connector_board::{self, BatchTaken},
    inlets::Inlets,
    messages::{Capture, Counts, Keep, Received, StoreRequest, WriteAnswer},
    observation::Observation,
    port::{Port, Refused},
    routing::Connector,
};
use heliograph_schema::{
    ids::ChannelId,
    store::signals::{QuarantinedItem, RawBatch},
};
use serde::Serialize;
use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};
use tokio::sync::oneshot;

/// What batches and their items are kept as.
pub(super) const KIND: &str = "message-batch";
const PARKED: &str = "the source channel is parked";
/// An item is tried so often, the last times alone, before it is quarantined.
const TRIES_MAX: u32 = 3;
/// Plans may become stale under a change of term so often before the connector is asked to come again.
const STALE_MAX: u32 = 8;

/// The way of batches into the tree.
pub struct Intake {
    /// Source channels by id.
    pub inlets: Inlets,
    /// Keeps bodies and bad items.
    pub writer: Port<StoreRequest>,
    /// No more are taken.
    pub stopping: Arc<AtomicBool>,
    /// The store writer can commit.
    pub ready: Arc<AtomicBool>,
    /// Over all connectors.
    pub in_flight_max: usize,
    /// Of one connector.
    pub in_flight_per_connector_max: usize,
    in_flight: AtomicUsize,
    per_connector: Mutex<HashMap<String, usize>>,
}

impl Intake {
    /// Nothing in flight.
    pub fn new(
        inlets: Inlets,
        writer: Port<StoreRequest>,
        stopping: Arc<AtomicBool>,
        ready: Arc<AtomicBool>,
        in_flight_max: usize,
        in_flight_per_connector_max: usize,
    ) -> Self {
        Self {
            inlets,
            writer,
            stopping,
            ready,
            in_flight_max,
            in_flight_per_connector_max,
            in_flight: AtomicUsize::new(0),
            per_connector: Mutex::default(),
        }
    }

    /// Batches in flight.
    pub fn in_flight(&self) -> usize {
        self.in_flight.load(SeqCst)
    }

    /// A place for one more batch, before a byte of it is read.
    fn admit(&self, connector_id: &str) -> Result<Admission<'_>, ApiError> {
        if self.stopping.load(SeqCst) {
            return Err(ApiError::unavailable(
                "stopping",
                "the server stops",
                answer::RETRY_AFTER_S,
            ));
        }
        if !self.ready.load(SeqCst) {
            return Err(unavailable());
        }
        let mut per_connector = self
            .per_connector
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let own = per_connector.entry(connector_id.to_owned()).or_default();
        if *own >= self.in_flight_per_connector_max || self.in_flight() >= self.in_flight_max {
            metrics::counter!("heliograph_ingest_refused_total").increment(1);
            let message = "as many batches are in flight as may be";
            return Err(ApiError::too_many(
                "too_many_batches",
                message,
                answer::RETRY_AFTER_S,
            ));
        }
        *own += 1;
        self.in_flight.fetch_add(1, SeqCst);
        Ok(Admission {
            intake: self,
            connector_id: connector_id.to_owned(),
        })
    }
}

/// A batch in flight; its place is given back when it is dropped.
struct Admission<'a> {
    intake: &'a Intake,
    connector_id: String,
}

impl Drop for Admission<'_> {
    fn drop(&mut self) {
        self.intake.in_flight.fetch_sub(1, SeqCst);
        let mut per_connector = self
            .intake
            .per_connector
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = per_connector.get_mut(&self.connector_id) {
            *own -= 1;
            if *own == 0 {
                per_connector.remove(&self.connector_id);
            }
        }
    }
}

fn unavailable() -> ApiError {
    ApiError::unavailable(
        "unavailable",
        "the database is unavailable",
        answer::RETRY_AFTER_S,
    )
}

/// What a connector hears of its batch.
#[derive(Debug, Default, Serialize)]
struct Taken {
    accepted: u32,
    deduped: u32,
    ignored: u32,
    held: u32,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    rejected: Vec<Rejected>,
}

#[derive(Debug, Serialize)]
struct Rejected {
    index: u32,
    reason: String,
}

impl Taken {
    fn add(&mut self, counts: Counts) {
        self.accepted += counts.accepted;
        self.deduped += counts.deduped;
        self.held += counts.held;
    }
}

/// The route.
pub(super) async fn post(
    ingest: web::Data<Ingest>,
    intake: web::Data<Intake>,
    request: HttpRequest,
    payload: web::Payload,
    correlation_id: CorrelationId,
) -> HttpResponse {
    let started = std::time::Instant::now();
    let outcome = take(&ingest, &intake, &request, payload, &correlation_id).await;
    metrics::histogram!("heliograph_ingest_batch_seconds").record(started.elapsed().as_secs_f64());
    answer::of(outcome, &correlation_id)
}

async fn take(
    ingest: &Ingest,
    intake: &Intake,
    request: &HttpRequest,
    payload: web::Payload,
    correlation_id: &CorrelationId,
) -> Result<Taken, ApiError> {
    let now_ms = clock::now_ms();
    let who = auth::authenticate(request.headers(), &ingest.routing.borrow(), now_ms)?;
    let _admission = intake.admit(&who.connector.connector_id)?;
    let push = ingest.receive(request, payload).await?;
    let limits = BatchLimits {
        items_max: ingest.limits.batch_items_max,
    };
    let batch = parse::parse_batch(&push.body, &limits, push.received_at_ms)?;
    auth::belongs(&push.connector, &batch.tenant_key, &batch.connector_id)?;
    let mut shown = BatchTaken {
        received_at_ms: push.received_at_ms,
        happened_at_ms: connector_board::happened_at_ms(&batch.observations),
        events: batch.items as u64,
        rejected: 0,
    };
    let work = store(intake, &push, batch, correlation_id);
    let taken = ingest.batch_within_time(work).await?;
    shown.rejected = taken.rejected.len() as u64;
    ingest
        .board
        .place(&push.connector.connector_id)
        .takes(shown);
    Ok(taken)
}

impl Ingest {
    /// Waits for a batch as long as a connector is let wait.
    ///
    /// # Errors
    /// Its own, and 503 `unavailable` when it takes too long.
    async fn batch_within_time<T>(
        &self,
        work: impl Future<Output = Result<T, ApiError>>,
    ) -> Result<T, ApiError> {
        let limit = Duration::from_millis(self.limits.commit_timeout_ms);
        tokio::time::timeout(limit, work).await.unwrap_or_else(|_| {
            metrics::counter!("heliograph_ingest_timeouts_total").increment(1);
            Err(unavailable())
        })
    }
}

/// Everything of the batch at once: its body, its bad items, and its signals channel by channel.
async fn store(
    intake: &Intake,
    push: &Push,
    batch: ParsedBatch,
    correlation_id: &CorrelationId,
) -> Result<Taken, ApiError> {
    let quarantined = |items: &[RejectedItem]| -> Vec<QuarantinedItem> {
        let of_push = |item| push.quarantined(item, correlation_id);
        items.iter().map(of_push).collect()
    };
    let mut rejected = batch.rejected;
    let bad = quarantined(&rejected);
    let (mut taken, poisoned) = intake
        .bring(push, batch.observations, bad, correlation_id)
        .await?;
    if !poisoned.is_empty() {
        let items: Vec<RejectedItem> = poisoned
            .into_iter()
            .map(|bad| bad.with_body(&push.body))
            .collect();
        intake.keep(None, quarantined(&items)).await?;
        rejected.extend(items);
    }
    taken.rejected = rejected
        .into_iter()
        .map(|item| Rejected {
            index: item.index,
            reason: item.reason,
        })
        .collect();
    metrics::counter!("heliograph_ingest_items_total", "outcome" => "accepted")
        .increment(taken.accepted.into());
    metrics::counter!("heliograph_ingest_items_total", "outcome" => "deduped")
        .increment(taken.deduped.into());
    metrics::counter!("heliograph_ingest_items_total", "outcome" => "ignored")
        .increment(taken.ignored.into());
    metrics::counter!("heliograph_ingest_items_total", "outcome" => "held")
        .increment(taken.held.into());
    metrics::counter!("heliograph_ingest_items_total", "outcome" => "rejected")
        .increment(taken.rejected.len() as u64);
    Ok(taken)
}

/// What is captured, by source channel, and how much is not: channels that are no enabled source of this connector, and
/// messages that the channel's thread mode leaves out.
fn by_source_channel(
    connector: &Connector,
    observations: Vec<Observation>,
) -> (BTreeMap<ChannelId, Vec<Observation>>, u32) {
    let mut by_channel: BTreeMap<ChannelId, Vec<Observation>> = BTreeMap::new();
    let mut ignored = 0;
    for said in observations {
        let role = connector.roles.get(&said.channel_id);
        if role.is_some_and(|role| {
            role.is_source && role.is_enabled && role.thread_mode.takes(said.thread_id)
        }) {
            by_channel.entry(said.channel_id).or_default().push(said);
        } else {
            ignored += 1;
        }
    }
    (by_channel, ignored)
}

/// An item that no try could get through.
struct Poisoned {
    index: u32,
    reason: &'static str,
}

impl Poisoned {
    fn with_body(self, batch: &[u8]) -> RejectedItem {
        let body = parse::item_body(batch, self.index).unwrap_or_default();
        RejectedItem {
            index: self.index,
            reason: self.reason.to_owned(),
            body,
        }
    }
}

/// What became of one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OneTaken {
    /// It changed something.
    Accepted,
    /// It said nothing new.
    Deduped,
    /// It is not of a channel that is captured, or of a thread that is not.
    Ignored,
    /// It waits for its create.
    Held,
}

/// Why one item was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NotTaken {
    /// For what it says.
    Item(String),
    /// For something that is not its own.
    Elsewhere(&'static str),
}

/// What a try came to.
enum Tried {
    Done(Counts),
    /// The channel, the router or the tables broke over it.
    Broken,
    /// The channel takes nothing until a person looks at it.
    Parked,
}

/// A body under way with the events it brought, and what to do again should it be lost there.
struct Kept {
    raw: RawBatch,
    quarantined: Vec<QuarantinedItem>,
    answered: oneshot::Receiver<WriteAnswer>,
}

impl Kept {
    fn of(raw: RawBatch, quarantined: Vec<QuarantinedItem>) -> (Keep, Self) {
        let (answer, answered) = oneshot::channel();
        let keep = Keep {
            raw: Some(raw.clone()),
            quarantined: quarantined.clone(),
            answer,
        };
        let kept = Self {
            raw,
            quarantined,
            answered,
        };
        (keep, kept)
    }
}

impl Intake {
    /// Brings the events of a body to COMMIT, channel by channel, and with them the body itself and the items of it that could not be
    /// read. Items that no try got through come back.
    async fn bring(
        &self,
        push: &Push,
        observations: Vec<Observation>,
        quarantined: Vec<QuarantinedItem>,
        correlation_id: &CorrelationId,
    ) -> Result<(Taken, Vec<Poisoned>), ApiError> {
        let (by_channel, ignored) = by_source_channel(&push.connector, observations);
        let mut taken = Taken {
            ignored,
            ..Taken::default()
        };
        // The body goes with the first channel's events, into the same transaction; alone when there are none.
        let (keep, answered) = Kept::of(push.raw(KIND, correlation_id), quarantined);
        let mut keep = Some(keep);
        let captures: Vec<_> = by_channel
            .into_iter()
            .map(|(channel_id, observations)| {
                self.capture(
                    channel_id,
                    &push.connector,
                    Received {
                        at_ms: push.received_at_ms,
                        at: push.received_at,
                    },
                    observations,
                    keep.take(),
                )
            })
            .collect();
        let kept = self.kept(keep, answered);
        let (kept, captured) = futures_util::future::join(kept, join_all(captures)).await;
        kept?;
        let mut poisoned = Vec::new();
        for outcome in captured {
            let (counts, bad) = outcome?;
            taken.add(counts);
            poisoned.extend(bad);
        }
        Ok((taken, poisoned))
    }

    /// Takes one message as if its connector sent it now, alone in a batch: what became of it, or why it cannot be taken.
    pub(super) async fn take_again(
        &self,
        ingest: &Ingest,
        push: &Push,
        correlation_id: &CorrelationId,
    ) -> Result<Result<OneTaken, NotTaken>, ApiError> {
        let _admission = self.admit(&push.connector.connector_id)?;
        let limits = BatchLimits { items_max: 1 };
        let batch = match parse::parse_batch(&push.body, &limits, push.received_at_ms) {
            Ok(batch) => batch,
            Err(error) => return Ok(Err(NotTaken::Item(error.to_string()))),
        };
        if let Some(bad) = batch.rejected.into_iter().next() {
            return Ok(Err(NotTaken::Item(bad.reason)));
        }
        let work = self.bring(push, batch.observations, Vec::new(), correlation_id);
        let (taken, poisoned) = ingest.batch_within_time(work).await?;
        Ok(match poisoned.first() {
            Some(bad) if bad.reason == PARKED => Err(NotTaken::Elsewhere(PARKED)),
            Some(bad) => Err(NotTaken::Item(bad.reason.to_owned())),
            None if taken.accepted > 0 => Ok(OneTaken::Accepted),
            None if taken.held > 0 => Ok(OneTaken::Held),
            None if taken.ignored > 0 => Ok(OneTaken::Ignored),
            None => Ok(OneTaken::Deduped),
        })
    }

    /// Resolves when a body is committed, with the events it was sent along with or, when it was sent with none or was lost
    /// with them, by itself.
    async fn kept(&self, unsent: Option<Keep>, kept: Kept) -> Result<(), ApiError> {
        drop(unsent);
        match kept.answered.await {
            Ok(WriteAnswer::Committed(_)) => Ok(()),
            Ok(WriteAnswer::Unavailable | WriteAnswer::Poisoned) => Err(unavailable()),
            Ok(WriteAnswer::Stale) | Err(_) => self.keep(Some(kept.raw), kept.quarantined).await,
        }
    }

    /// Keeps a body and bad items; resolves after COMMIT.
    async fn keep(
        &self,
        raw: Option<RawBatch>,
        quarantined: Vec<QuarantinedItem>,
    ) -> Result<(), ApiError> {
        for _ in 0..STALE_MAX {
            let (answer, answered) = oneshot::channel();
            let keep = Keep {
                raw: raw.clone(),
                quarantined: quarantined.clone(),
                answer,
            };
            self.writer
                .post(StoreRequest::Keep(keep))
                .map_err(|_| unavailable())?;
            match answered.await {
                Ok(WriteAnswer::Committed(_)) => return Ok(()),
                Ok(WriteAnswer::Unavailable | WriteAnswer::Poisoned) => return Err(unavailable()),
                Ok(WriteAnswer::Stale) | Err(_) => {}
            }
        }
        Err(unavailable())
    }

    /// Brings the events of one channel to COMMIT. Those that cannot be brought there come back.
    async fn capture(
        &self,
        channel_id: ChannelId,
        connector: &Connector,
        received: Received,
        observations: Vec<Observation>,
        keep: Option<Keep>,
    ) -> Result<(Counts, Vec<Poisoned>), ApiError> {
        let forward = connector.forward_enabled;
        let bad = |observations: &[Observation], reason| {
            observations
                .iter()
                .map(|said| Poisoned {
                    index: said.index,
                    reason,
                })
                .collect::<Vec<_>>()
        };
        match self
            .attempt(channel_id, forward, received, &observations, keep)
            .await?
        {
            Tried::Done(counts) => return Ok((counts, Vec::new())),
            Tried::Parked => {
                return Ok((Counts::default(), bad(&observations, PARKED)));
            }
            Tried::Broken => {}
        }
        // Somewhere in it is something that cannot be taken: each alone, in order, so that only that one is lost sight of.
        let (mut counts, mut poisoned) = (Counts::default(), Vec::new());
        for said in &observations {
            let alone = std::slice::from_ref(said);
            let mut tries = 1;
            loop {
                match self
                    .attempt(channel_id, forward, received, alone, None)
                    .await?
                {
                    Tried::Done(one) => {
                        counts = sum(counts, one);
                        break;
                    }
                    Tried::Broken if tries + 1 < TRIES_MAX => tries += 1,
                    Tried::Broken => {
                        tracing::error!(source_channel_id = %channel_id, signal_id = %said.signal_id, "poison event quarantined");
                        poisoned.extend(bad(alone, "it could not be processed"));
                        break;
                    }
                    Tried::Parked => {
                        poisoned.extend(bad(alone, PARKED));
                        break;
                    }
                }
            }
        }
        Ok((counts, poisoned))
    }

    async fn attempt(
        &self,
        channel_id: ChannelId,
        forward: bool,
        received: Received,
        observations: &[Observation],
        mut keep: Option<Keep>,
    ) -> Result<Tried, ApiError> {
        for _ in 0..STALE_MAX {
            let port = self.inlets.get(channel_id).ok_or_else(unavailable)?;
            let (answer, answered) = oneshot::channel();
            let capture = Capture {
                forward,
                received,
                observations: observations.to_vec(),
                keep: keep.take(),
                answer,
            };
            match port.post(capture) {
                Ok(()) => {}
                // No source channel since a moment ago: when it comes again it is ignored.
                Err((Refused::Gone, _)) if self.inlets.get(channel_id).is_none() => {
                    return Err(unavailable());
                }
                Err((Refused::Gone, _)) => return Ok(Tried::Parked),
                Err((Refused::Full, _)) => return Err(unavailable()),
            }
            match answered.await {
                Ok(WriteAnswer::Committed(counts)) => return Ok(Tried::Done(counts)),
                Ok(WriteAnswer::Unavailable) => return Err(unavailable()),
                Ok(WriteAnswer::Poisoned) | Err(_) => return Ok(Tried::Broken),
                Ok(WriteAnswer::Stale) => {}
            }
        }
        Err(unavailable())
    }
}

fn sum(a: Counts, b: Counts) -> Counts {
    Counts {
        accepted: a.accepted + b.accepted,
        deduped: a.deduped + b.deduped,
        held: a.held + b.held,
    }
}

impl Push {
    fn quarantined(&self, item: &RejectedItem, correlation_id: &CorrelationId) -> QuarantinedItem {
        QuarantinedItem {
            connector_id: self.connector.connector_id.clone(),
            kind: KIND,
            correlation_id: correlation_id.as_str().to_owned(),
            item_index: i32::try_from(item.index).unwrap_or(i32::MAX),
            reason: item.reason.clone(),
            body: item.body.clone(),
        }
    }
}
