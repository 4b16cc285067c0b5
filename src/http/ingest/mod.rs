//! The ingest listener: the connector contract, version 1. Each route is one file with the same parts: who pushes, what the
//! body says, what is made durable, the answer after COMMIT. Nothing here decides what a signal becomes.

mod answer;
pub mod auth;
mod body;
mod embed;
mod field;
#[cfg(test)]
mod fixture;
mod guild_sync;
mod item;
mod last_seen;
pub mod message_batch;
pub mod parse;
pub mod replay;
pub mod runtime_config;
mod thread;

use crate::{
    clock,
    error::{ApiError, no_such_route},
    http::{changes::ConfigurationChanged, correlation::CorrelationId, operators::Readiness},
};
use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header},
    web,
};
use diesel::{Connection as _, PgConnection};
use heliograph_actors::{
    connector_board::ConnectorBoard,
    noticeboard::{Noticeboard, Topic},
    outlets::Outlets,
    routing::{Connector, RoutingTable},
};
use heliograph_schema::store::{
    Store, StoreError, connectors, discovery,
    signals::{CommitError, Group, QuarantinedItem, RawBatch},
};
use last_seen::LastSeen;
use std::{
    sync::{Arc, atomic::Ordering::SeqCst},
    time::{Duration, Instant},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

/// Thread events and snapshots in hand, over all connectors: they are few, and each may hold a whole body.
const EVENTS_IN_FLIGHT_MAX: usize = 16;

/// Bounds of this listener, from `[ingest]` of the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IngestLimits {
    /// Bytes of one body.
    pub body_bytes_max: usize,
    /// Messages in one batch.
    pub batch_items_max: usize,
    /// Longest wait for a commit before the connector is told to come again.
    pub commit_timeout_ms: u64,
    /// Longest wait of a runtime-config poll, in seconds.
    pub long_poll_s_max: u64,
}

/// What the routes of this listener work with.
pub struct Ingest {
    /// Connectors, channels and mappings as they are now.
    pub routing: watch::Receiver<Arc<RoutingTable>>,
    /// For thread events and snapshots.
    pub store: Store,
    /// Told when a snapshot brought other names.
    pub changes: Arc<dyn ConfigurationChanged>,
    /// Mirrors, which follow what becomes of threads.
    pub outlets: Outlets,
    /// Where it shows what connectors say and send.
    pub board: ConnectorBoard,
    /// Told what of it people look at.
    pub notices: Noticeboard,
    /// See there.
    pub limits: IngestLimits,
    last_seen: LastSeen,
    events: Arc<Semaphore>,
}

/// A body that may come in, and whose it is.
#[derive(Debug, Clone)]
pub struct Push {
    /// Whose token it came with. What the body says of its owner is still to be compared.
    pub connector: Arc<Connector>,
    /// Every byte.
    pub body: web::Bytes,
    /// When it was complete, in milliseconds since 1970.
    pub received_at_ms: i64,
    /// The same moment, to measure by.
    pub received_at: Instant,
}

impl Ingest {
    /// Of these parts; no connector has been heard yet.
    pub fn new(
        routing: watch::Receiver<Arc<RoutingTable>>,
        store: Store,
        changes: Arc<dyn ConfigurationChanged>,
        outlets: Outlets,
        board: ConnectorBoard,
        notices: Noticeboard,
        limits: IngestLimits,
    ) -> Self {
        Self {
            routing,
            store,
            changes,
            outlets,
            board,
            notices,
            limits,
            last_seen: LastSeen::default(),
            events: Arc::new(Semaphore::new(EVENTS_IN_FLIGHT_MAX)),
        }
    }

    /// Takes a request in as far as every push has it in common: token, pause, body.
    ///
    /// # Errors
    /// 401, 403 before a byte of the body is read; 429 `body_too_large` over the bound, with nothing kept.
    pub async fn receive(
        &self,
        request: &HttpRequest,
        payload: web::Payload,
    ) -> Result<Push, ApiError> {
        let connector = self.who_pushes(request)?;
        self.read(connector, request, payload).await
    }

    /// The same for a thread event or a snapshot, with its place among those in hand, which is given back when it is dropped.
    ///
    /// # Errors
    /// Those, and before a byte of the body is read 503 `stopping` and 429 `too_many_batches`.
    async fn receive_event(
        &self,
        readiness: &Readiness,
        request: &HttpRequest,
        payload: web::Payload,
    ) -> Result<(Push, OwnedSemaphorePermit), ApiError> {
        let connector = self.who_pushes(request)?;
        let place = self.admit(readiness)?;
        Ok((self.read(connector, request, payload).await?, place))
    }

    fn who_pushes(&self, request: &HttpRequest) -> Result<Arc<Connector>, ApiError> {
        let table = Arc::clone(&self.routing.borrow());
        let connector = auth::authenticate(request.headers(), &table, clock::now_ms())?.connector;
        self.heard_from(&connector.connector_id);
        auth::may_push(&connector)?;
        Ok(connector)
    }

    fn admit(&self, readiness: &Readiness) -> Result<OwnedSemaphorePermit, ApiError> {
        let retry_after_s = answer::RETRY_AFTER_S;
        if readiness.stopping.load(SeqCst) {
            let message = "the server stops";
            return Err(ApiError::unavailable("stopping", message, retry_after_s));
        }
        Arc::clone(&self.events).try_acquire_owned().map_err(|_| {
            metrics::counter!("heliograph_ingest_refused_total").increment(1);
            let message = "as many thread events and snapshots are in flight as may be";
            ApiError::too_many("too_many_batches", message, retry_after_s)
        })
    }

    async fn read(
        &self,
        connector: Arc<Connector>,
        request: &HttpRequest,
        payload: web::Payload,
    ) -> Result<Push, ApiError> {
        let body = body::read(request, payload, self.limits.body_bytes_max).await?;
        Ok(Push {
            connector,
            body,
            received_at_ms: clock::now_ms(),
            received_at: Instant::now(),
        })
    }

    /// Notes that this connector lives, beside the request's own way. Whether it could be noted changes nothing for it.
    fn heard_from(&self, connector_id: &str) {
        if !self.last_seen.is_due(connector_id, Instant::now()) {
            return;
        }
        let (store, heard) = (self.store.clone(), [connector_id.to_owned()]);
        actix_web::rt::spawn(async move {
            if let Err(error) = store
                .run(move |conn| connectors::mark_seen(conn, &heard))
                .await
            {
                tracing::debug!(%error, "when a connector was last heard could not be noted");
            }
        });
    }

    /// Notes that this connector has read the discovery request with this number, the first time it is seen to.
    fn has_read_discovery(&self, connector_id: &str, number: i64) {
        let place = self.board.place(connector_id);
        if number == 0 || !place.reads_discovery(number) {
            return;
        }
        let (store, connector_id) = (self.store.clone(), connector_id.to_owned());
        let notices = self.notices.clone();
        actix_web::rt::spawn(async move {
            let noted = store
                .run(move |conn| discovery::picked_up(conn, &connector_id, number))
                .await;
            match noted {
                Ok(()) => notices.raise(Topic::Connectors),
                Err(error) => {
                    place.forget_discovery(number);
                    tracing::debug!(%error, "that a discovery request was read could not be noted");
                }
            }
        });
    }

    /// Makes `kept` and what `work` does durable in one transaction.
    ///
    /// # Errors
    /// Whatever the tables say.
    async fn commit<T: Send + 'static>(
        &self,
        kept: Group,
        work: impl FnOnce(&mut PgConnection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let transaction = move |conn: &mut PgConnection| {
            let done = work(conn)?;
            kept.commit(conn).map_err(unfenced)?;
            Ok(done)
        };
        self.store
            .run(move |conn| conn.transaction(transaction))
            .await
    }

    /// Waits for a commit as long as a connector is let wait.
    ///
    /// # Errors
    /// 503 `unavailable` when it fails or takes too long. Then it may still happen: the same again changes nothing.
    async fn within_time<T>(
        &self,
        commit: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, ApiError> {
        let limit_ms = self.limits.commit_timeout_ms;
        let late = |_| {
            let reason = format!("no commit within {limit_ms} ms");
            Err(StoreError::Unavailable(reason))
        };
        let outcome = tokio::time::timeout(Duration::from_millis(limit_ms), commit).await;
        outcome
            .unwrap_or_else(late)
            .map_err(|error| answer::not_stored(&error))
    }
}

/// Bodies and bad items move no head, so that no fence can stand in their way.
fn unfenced(error: CommitError) -> StoreError {
    match error {
        CommitError::Store(error) => error,
        CommitError::Fenced => {
            StoreError::Interrupted("another router writes to these tables".to_owned())
        }
    }
}

impl Push {
    /// What is kept of it as it came: the body, and the items that could not be taken.
    fn kept(
        &self,
        kind: &'static str,
        correlation_id: &CorrelationId,
        quarantined: Vec<QuarantinedItem>,
    ) -> Group {
        Group {
            raw: vec![self.raw(kind, correlation_id)],
            quarantined,
            ..Group::default()
        }
    }

    /// The body as it came.
    fn raw(&self, kind: &'static str, correlation_id: &CorrelationId) -> RawBatch {
        RawBatch {
            received_at_ms: self.received_at_ms,
            connector_id: self.connector.connector_id.clone(),
            kind,
            correlation_id: correlation_id.as_str().to_owned(),
            body: self.body.clone(),
        }
    }
}

/// The routes of the listener.
pub fn routes(config: &mut web::ServiceConfig) {
    let only = |path: &str, method: &'static str, route: actix_web::Route| {
        web::resource(path).route(route).default_service(web::to(
            move |id: CorrelationId| async move { not_allowed(method, &id) },
        ))
    };
    config
        .service(only(
            "/connectors/{connector_id}/runtime-config",
            "GET",
            web::get().to(runtime_config::get),
        ))
        .service(only(
            "/ingest/message-batch",
            "POST",
            web::post().to(message_batch::post),
        ))
        .service(only("/ingest/thread", "POST", web::post().to(thread::post)))
        .service(only(
            "/ingest/channel-guild-sync",
            "POST",
            web::post().to(guild_sync::post),
        ))
        .default_service(web::to(no_such_route));
}

/// A known path with a method it does not have.
fn not_allowed(method: &'static str, correlation_id: &CorrelationId) -> HttpResponse {
    let message = format!("this path takes {method} only");
    let mut response = ApiError::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        message,
    )
    .answer(correlation_id);
    response
        .headers_mut()
        .insert(header::ALLOW, header::HeaderValue::from_static(method));
    response
}

#[cfg(test)]
mod tests;
