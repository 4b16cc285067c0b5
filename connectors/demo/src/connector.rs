//! The running connector: plays a day into the outbox, sends the outbox one request at a time, and watches its runtime
//! config. Owns clock and waiting; every decision is taken in a core.

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::Utc;
use serde::Serialize;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, sleep_until};

use crate::contract::{IngestAnswer, Message, MessageBatch};
use crate::day_core::{Day, Happening};
use crate::guilds::{snapshot, source_channels};
use crate::ingest_client::{ConfigReply, IngestClient};
use crate::outbox_core::{Item, Outbox, Parcel};
use crate::poll_core::{NextPoll, Poll, Polled};
use crate::retry_core::{Answer, Verdict};
use crate::settings::{Settings, StartError, Tally};
use crate::snowflake::iso;
use crate::subscription_core::{Change, Subscription};

/// Plays until the day's events are spent or `stop` is ready, and sends what is left.
///
/// # Errors
/// [`StartError`] when the server refuses the first runtime config. A server that is away is waited for.
pub async fn run(settings: Settings, stop: impl Future<Output = ()>) -> Result<Tally, StartError> {
    let connector = Connector::new(settings)?;
    let mut poll = Poll::new(
        connector.settings.tempo.poll,
        connector.settings.tempo.schedule,
    );
    let mut stop = std::pin::pin!(stop);
    let first = tokio::select! {
        () = &mut stop => return Ok(Tally::default()),
        first = connector.first_config(&mut poll) => first?,
    };
    let mut sending = std::pin::pin!(connector.send_all());
    let stopped = tokio::select! {
        () = &mut sending => false,
        () = connector.play() => false,
        () = &mut stop => true,
        () = connector.watch_config(poll, first) => false,
        () = connector.summarise() => false,
    };
    connector.close();
    let patience = async {
        if stopped {
            sleep(Duration::from_millis(connector.settings.tempo.drain_ms_max)).await;
        } else {
            // Ends by itself: every request has a last try.
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        () = &mut sending => {}
        () = &mut stop, if !stopped => {}
        () = patience => {}
    }
    connector.log_summary("connector ended");
    Ok(*lock(&connector.tally))
}

/// The config the connector knows, by its ETag, and when to ask for the next.
struct Known {
    etag: Option<String>,
    next: NextPoll,
}

struct Connector {
    settings: Settings,
    client: IngestClient,
    started: Instant,
    started_unix_ms: u64,
    outbox: Mutex<Outbox>,
    subscription: Mutex<Subscription>,
    tally: Mutex<Tally>,
    outbox_changed: Notify,
    config_changed: Notify,
    closed: AtomicBool,
}

impl Connector {
    fn new(settings: Settings) -> Result<Self, StartError> {
        let Settings {
            server,
            tenant_key,
            connector_id,
            token,
            tempo,
            ..
        } = &settings;
        let client = IngestClient::new(
            server.clone(),
            tenant_key,
            connector_id,
            token,
            tempo.request_timeout_ms,
        )?;
        Ok(Self {
            client,
            started: Instant::now(),
            started_unix_ms: u64::try_from(Utc::now().timestamp_millis()).unwrap_or(0),
            outbox: Mutex::new(Outbox::new(tempo.outbox)),
            subscription: Mutex::default(),
            tally: Mutex::default(),
            outbox_changed: Notify::new(),
            config_changed: Notify::new(),
            closed: AtomicBool::new(false),
            settings,
        })
    }

    /// Steady: a clock set back must not make ids go back.
    fn now_unix_ms(&self) -> u64 {
        self.started_unix_ms + millis(self.started.elapsed())
    }

    async fn first_config(&self, poll: &mut Poll) -> Result<Known, StartError> {
        loop {
            let asked = Instant::now();
            let reply = self.client.runtime_config(None, None).await;
            if let ConfigReply::Refused {
                code: code @ (401 | 403 | 404),
                body,
            } = reply
            {
                let IngestAnswer {
                    error_code,
                    message,
                    ..
                } = body;
                let (error_code, message) =
                    (error_code.unwrap_or_default(), message.unwrap_or_default());
                return Err(StartError::Refused {
                    code,
                    error_code,
                    message,
                });
            }
            let mut etag = None;
            let polled = self.take_config(reply, &mut etag);
            let next = poll.after(polled, millis(asked.elapsed()));
            if polled == Polled::Fresh {
                return Ok(Known { etag, next });
            }
            sleep(Duration::from_millis(next.delay_ms)).await;
        }
    }

    async fn watch_config(&self, mut poll: Poll, known: Known) {
        let Known { mut etag, mut next } = known;
        loop {
            sleep(Duration::from_millis(next.delay_ms)).await;
            let asked = Instant::now();
            let reply = self
                .client
                .runtime_config(etag.as_deref(), next.wait_s)
                .await;
            let polled = self.take_config(reply, &mut etag);
            next = poll.after(polled, millis(asked.elapsed()));
        }
    }

    fn take_config(&self, reply: ConfigReply, etag: &mut Option<String>) -> Polled {
        let connector_id = &self.settings.connector_id;
        match reply {
            ConfigReply::Fresh {
                config,
                etag: fresh,
            } => {
                *etag = fresh;
                let changes = lock(&self.subscription).apply(&config);
                for change in changes {
                    self.follow(change);
                }
                self.config_changed.notify_one();
                Polled::Fresh
            }
            ConfigReply::Unchanged => Polled::Unchanged,
            ConfigReply::Refused { code: 400, .. } => Polled::NotUnderstood,
            ConfigReply::Refused { code, body } => {
                tracing::warn!(%connector_id, code, error_code = body.error_code, message = body.message,
                    "runtime config refused, the last one stays in force");
                Polled::Failed
            }
            ConfigReply::Failed(reason) => {
                tracing::warn!(%connector_id, %reason, "runtime config not reached, the last one stays in force");
                Polled::Failed
            }
        }
    }

    fn follow(&self, change: Change) {
        let Settings {
            connector_id,
            tenant_key,
            ..
        } = &self.settings;
        match change {
            Change::Sources {
                config_version,
                captured,
            } => {
                tracing::info!(%connector_id, config_version, captured, "source channels applied");
            }
            Change::Sending { allowed } => {
                tracing::info!(%connector_id, allowed, "sending switched")
            }
            Change::SnapshotWanted { version, guild_id } => {
                match snapshot(tenant_key, connector_id, version, guild_id.as_deref()) {
                    Some(snapshot) => {
                        tracing::info!(%connector_id, version, guild_id, "discovery answered");
                        self.put(Item::Snapshot(Box::new(snapshot)));
                    }
                    None => {
                        tracing::warn!(%connector_id, version, guild_id, "discovery of a guild not in the demo")
                    }
                }
            }
        }
    }

    /// The day begins when somebody listens: its first burst is not for the void.
    async fn play(&self) {
        while !lock(&self.subscription).is_listening() {
            tracing::info!(connector_id = %self.settings.connector_id, "no source channel enabled yet, waiting");
            self.config_changed.notified().await;
        }
        let begun = Instant::now();
        let mut day = Day::new(self.settings.seed, &source_channels(), self.now_unix_ms())
            .speaking_as(&self.settings.tenant_key, &self.settings.connector_id)
            .paced(self.settings.events_per_1000_s);
        if let Some(base_url) = &self.settings.charts_base_url {
            day = day.with_charts(base_url);
        }
        let events_until = self.settings.events_until.unwrap_or(u64::MAX);
        while lock(&self.tally).captured < events_until {
            let Some(event) = day.next() else { return };
            // Always a wait, though often none: it lets the others have their turn when the pace is high.
            sleep_until(begun + Duration::from_millis(event.at_ms)).await;
            if !lock(&self.subscription).wants(&event) {
                lock(&self.tally).skipped += 1;
                continue;
            }
            lock(&self.tally).captured += 1;
            self.put(match event.happening {
                Happening::Message(message) => Item::Message(message),
                Happening::Thread(thread) => Item::Thread(thread),
            });
        }
    }

    fn put(&self, item: Item) {
        if lock(&self.outbox).push(self.now_unix_ms(), item) {
            lock(&self.tally).overflowed += 1;
        }
        self.outbox_changed.notify_one();
    }

    fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        self.outbox_changed.notify_one();
    }

    /// Sends until the outbox is closed and empty; one request at a time, so that order is kept.
    async fn send_all(&self) {
        for number in 1_u64.. {
            if !self.until_due().await {
                return;
            }
            let parcel = lock(&self.outbox).take();
            if let Some(parcel) = parcel {
                self.deliver(number, parcel).await;
            }
        }
    }

    /// Waits until a request is due. Says whether there is one; there is none when closed and empty.
    async fn until_due(&self) -> bool {
        loop {
            let due_in_ms = lock(&self.outbox).due_in_ms(self.now_unix_ms());
            let closed = self.closed.load(Ordering::SeqCst);
            match due_in_ms {
                None if closed => return false,
                None => self.outbox_changed.notified().await,
                Some(0) => return true,
                Some(_) if closed => return true,
                Some(wait_ms) => tokio::select! {
                    () = sleep(Duration::from_millis(wait_ms)) => {}
                    () = self.outbox_changed.notified() => {}
                },
            }
        }
    }

    async fn deliver(&self, number: u64, parcel: Parcel) {
        let connector_id = &self.settings.connector_id;
        let (items, request_id) = (
            parcel.items(),
            format!("{connector_id}-{}-{number}", self.started_unix_ms),
        );
        let (route, json) = match parcel {
            Parcel::Messages(messages) => {
                ("message-batch", to_json(&self.batch(&request_id, messages)))
            }
            Parcel::Thread(event) => ("thread", to_json(&*event)),
            Parcel::Snapshot(snapshot) => ("channel-guild-sync", to_json(&*snapshot)),
        };
        for tries_made in 1.. {
            let (answer, body) = self.client.post(route, &request_id, json.clone()).await;
            let code = match answer {
                Answer::Status { code, .. } => Some(code),
                Answer::Unreachable => None,
            };
            let IngestAnswer {
                error_code,
                message,
                correlation_id,
                ..
            } = &body;
            match self.settings.tempo.schedule.verdict(tries_made, answer) {
                Verdict::Done => return self.count_delivered(items, &body),
                Verdict::Again { delay_ms } => {
                    tracing::warn!(%connector_id, route, code, error_code, message, tries_made, delay_ms,
                        "not taken, trying again");
                    lock(&self.tally).retries += 1;
                    sleep(Duration::from_millis(delay_ms)).await;
                }
                Verdict::Exhausted => {
                    tracing::error!(%connector_id, route, code, error_code, message, tries_made, items,
                        "dropped after the last try");
                    lock(&self.tally).exhausted += items;
                    return;
                }
                Verdict::Refused => {
                    tracing::error!(%connector_id, route, code, error_code, message, correlation_id, items,
                        "dropped, the server refused it for good");
                    lock(&self.tally).refused += items;
                    return;
                }
            }
        }
    }

    fn batch(&self, batch_id: &str, messages: Vec<Message>) -> MessageBatch {
        MessageBatch {
            tenant_key: self.settings.tenant_key.clone(),
            connector_id: self.settings.connector_id.clone(),
            sent_at: iso(self.now_unix_ms()),
            batch_id: batch_id.to_owned(),
            messages,
        }
    }

    fn count_delivered(&self, items: u64, body: &IngestAnswer) {
        let rejected = u64::try_from(body.rejected.len()).unwrap_or(u64::MAX);
        if rejected > 0 {
            tracing::warn!(connector_id = %self.settings.connector_id, rejected, first = %body.rejected[0],
                correlation_id = body.correlation_id, "the server set events aside");
        }
        let mut tally = lock(&self.tally);
        tally.delivered += items;
        tally.accepted += body.accepted;
        tally.deduped += body.deduped;
        tally.ignored += body.ignored;
        tally.rejected += rejected;
    }

    async fn summarise(&self) {
        loop {
            sleep(Duration::from_millis(self.settings.tempo.summary_ms)).await;
            self.log_summary("connector summary");
        }
    }

    fn log_summary(&self, headline: &'static str) {
        let Tally {
            captured,
            skipped,
            delivered,
            accepted,
            deduped,
            ignored,
            rejected,
            ..
        } = *lock(&self.tally);
        let Tally {
            retries,
            exhausted,
            refused,
            overflowed,
            ..
        } = *lock(&self.tally);
        let waiting = lock(&self.outbox).len();
        tracing::info!(connector_id = %self.settings.connector_id, captured, skipped, delivered, accepted, deduped,
            ignored, rejected, retries, exhausted, refused, overflowed, waiting, "{headline}");
    }
}

/// Our own types always serialise; an empty body would be refused and logged.
fn to_json(body: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(body).unwrap_or_default()
}

/// A panic elsewhere leaves plain counters and queues behind, which stay usable.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
