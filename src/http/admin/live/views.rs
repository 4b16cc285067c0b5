//! What the feed has to say: how everything stands, put together of what is counted in memory and one small reading of the tables a
//! second. While the database does not answer, what it last said is shown.

use crate::{
    clock,
    http::{
        admin::{Admin, targets},
        connector_view::{self, ConnectorPulse, Named},
        operators::{self, Operators},
    },
};
use actix_web::web;
use futures_util::future::LocalBoxFuture;
use heliograph_actors::{
    admin_feed::FeedViews, directory_board::DirectoryState, feed_core::HeardSignal,
    figures::Totals, series_core::Point, vitals::LifeState,
};
use heliograph_schema::{
    ids::ChannelId,
    store::{
        Page, Store, StoreError, connectors, signal_lines,
        waiting::{self, Waiting},
    },
};
use serde::Serialize;
use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

/// Version of the frames.
const PROTOCOL: u32 = 1;
/// A pulse does not wait longer for the tables.
const TABLES_WITHIN: Duration = Duration::from_millis(300);
/// Connectors in a pulse.
const CONNECTORS_MAX: i64 = 500;
/// Target channels at a time, and in all.
const TARGETS_PER_PAGE: i64 = 500;
const TARGETS_MAX: usize = 5_000;

/// The first frame.
#[derive(Serialize)]
#[serde(tag = "type", rename = "welcome")]
struct Welcome {
    protocol: u32,
    version: &'static str,
    server_time_ms: i64,
}

/// How everything stands.
#[derive(Serialize)]
#[serde(tag = "type", rename = "pulse")]
struct Pulse {
    at_ms: i64,
    ready: bool,
    not_ready_reason: Option<&'static str>,
    sessions: usize,
    accepted_per_s: f64,
    posted_per_s: f64,
    backlog: i64,
    dead_letters: i64,
    quarantined: i64,
    actors: ActorsSum,
    connectors: Vec<ConnectorPulse>,
    minute: Point,
    bot: PulseBot,
}

/// The bot in a pulse.
#[derive(Serialize)]
struct PulseBot {
    state: DirectoryState,
    reason: Option<String>,
}

/// The tree in figures.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
struct ActorsSum {
    count: usize,
    restarting: usize,
    parked: usize,
    deepest: Option<Deepest>,
}

/// The fullest mailbox.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Deepest {
    name: String,
    depth: usize,
    capacity: usize,
}

/// What the tables said last.
#[derive(Default)]
struct Tables {
    waiting: Waiting,
    connectors: Vec<Named>,
}

/// How much there was, and when.
#[derive(Clone, Copy)]
struct Tally {
    at: Instant,
    totals: Totals,
}

/// The views of one thread.
pub(in crate::http) struct LiveViews {
    admin: Admin,
    operators: web::Data<Operators>,
    sessions: Arc<AtomicUsize>,
    tables: Rc<RefCell<Tables>>,
    is_reading: Rc<Cell<bool>>,
    tally: Rc<Cell<Option<Tally>>>,
}

impl LiveViews {
    /// Of what this process works with.
    pub(in crate::http) fn new(
        admin: Admin,
        operators: web::Data<Operators>,
        sessions: Arc<AtomicUsize>,
    ) -> Self {
        Self {
            admin,
            operators,
            sessions,
            tables: Rc::default(),
            is_reading: Rc::default(),
            tally: Rc::default(),
        }
    }

    /// Begins to read the tables, unless that is under way. Resolves when they have answered.
    fn read_tables(&self) -> Option<impl Future<Output = ()> + use<>> {
        if self.is_reading.replace(true) {
            return None;
        }
        let (store, tables, is_reading) = (
            self.admin.store.clone(),
            self.tables.clone(),
            self.is_reading.clone(),
        );
        let reading = actix_web::rt::spawn(async move {
            match read_tables(&store).await {
                Ok(read) => *tables.borrow_mut() = read,
                Err(error) => tracing::debug!(%error, "a pulse found no tables"),
            }
            is_reading.set(false);
        });
        Some(async move {
            let _ = reading.await;
        })
    }

    /// Of the time since the last pulse, or nothing in the first one.
    fn rates(&self) -> (f64, f64) {
        let now = Tally {
            at: Instant::now(),
            totals: self.admin.figures.totals(),
        };
        let before = self.tally.replace(Some(now));
        before.map_or((0.0, 0.0), |before| rates(&before, &now))
    }
}

fn rates(before: &Tally, now: &Tally) -> (f64, f64) {
    let seconds = now.at.duration_since(before.at).as_secs_f64().max(0.001);
    let rate = |before: u64, now: u64| {
        // One decimal is as much as anybody reads.
        (now.saturating_sub(before) as f64 / seconds * 10.0).round() / 10.0
    };
    (
        rate(before.totals.accepted, now.totals.accepted),
        rate(before.totals.posted, now.totals.posted),
    )
}

async fn read_tables(store: &Store) -> Result<Tables, StoreError> {
    store
        .read(|conn| {
            let page = Page {
                after: None,
                limit: CONNECTORS_MAX,
            };
            let rows = connectors::list(conn, &page)?;
            Ok(Tables {
                waiting: waiting::count(conn)?,
                connectors: connector_view::name(conn, rows)?,
            })
        })
        .await
}

fn sum_up(operators: &Operators) -> ActorsSum {
    let mut sum = ActorsSum::default();
    for vitals in operators.tree.vitals() {
        sum.count += 1;
        sum.restarting += usize::from(vitals.state() == LifeState::Restarting);
        sum.parked += usize::from(vitals.state() == LifeState::Parked);
        let depth = vitals.depth();
        if depth > sum.deepest.as_ref().map_or(0, |deepest| deepest.depth) {
            sum.deepest = Some(Deepest {
                name: vitals.name.clone(),
                depth,
                capacity: vitals.capacity,
            });
        }
    }
    sum
}

/// Our frames hold nothing that JSON cannot say.
fn json(frame: &impl Serialize) -> String {
    serde_json::to_string(frame).unwrap_or_else(|_| "{}".to_owned())
}

impl FeedViews for LiveViews {
    fn welcome(&self) -> String {
        json(&Welcome {
            protocol: PROTOCOL,
            version: env!("CARGO_PKG_VERSION"),
            server_time_ms: clock::now_ms(),
        })
    }

    fn pulse(&self) -> LocalBoxFuture<'static, String> {
        let reading = self.read_tables();
        let (accepted_per_s, posted_per_s) = self.rates();
        let (admin, operators) = (self.admin.clone(), self.operators.clone());
        let (sessions, tables) = (self.sessions.clone(), self.tables.clone());
        Box::pin(async move {
            if let Some(reading) = reading {
                let _ = tokio::time::timeout(TABLES_WITHIN, reading).await;
            }
            let now_ms = clock::now_ms();
            let not_ready_reason = operators.readiness.why_not();
            let bot = admin.running.bot();
            let tables = tables.borrow();
            json(&Pulse {
                at_ms: now_ms,
                ready: not_ready_reason.is_none(),
                not_ready_reason,
                sessions: sessions.load(SeqCst),
                accepted_per_s,
                posted_per_s,
                backlog: tables.waiting.backlog,
                dead_letters: tables.waiting.dead_letters,
                quarantined: tables.waiting.quarantined,
                actors: sum_up(&operators),
                connectors: tables
                    .connectors
                    .iter()
                    .map(|named| named.pulse(&admin.connectors, now_ms))
                    .collect(),
                minute: admin.figures.running(now_ms),
                bot: PulseBot {
                    state: bot.state,
                    reason: bot.reason,
                },
            })
        })
    }

    fn actors(&self) -> LocalBoxFuture<'static, String> {
        #[derive(Serialize)]
        #[serde(tag = "type", rename = "actors")]
        struct Frame {
            #[serde(flatten)]
            actors: operators::Actors,
        }
        let operators = self.operators.clone();
        Box::pin(async move {
            json(&Frame {
                actors: operators.actors().await,
            })
        })
    }

    fn targets(&self) -> LocalBoxFuture<'static, Option<Vec<(ChannelId, String)>>> {
        let admin = self.admin.clone();
        Box::pin(async move {
            let mut all: Vec<(ChannelId, String)> = Vec::new();
            loop {
                let page = Page {
                    after: all.last().map(|last| last.0),
                    limit: TARGETS_PER_PAGE,
                };
                let rows = targets::rows(&admin, page).await.ok()?;
                let is_last = rows.len() < usize::try_from(TARGETS_PER_PAGE).unwrap_or(0);
                all.extend(
                    rows.iter()
                        .map(|target| (target.target_channel_id(), json(target))),
                );
                if is_last || all.len() >= TARGETS_MAX {
                    return Some(all);
                }
            }
        })
    }

    fn lines(
        &self,
        heard: Vec<HeardSignal>,
    ) -> LocalBoxFuture<'static, Option<Vec<(HeardSignal, String)>>> {
        let store = self.admin.store.clone();
        Box::pin(async move {
            let ids: Vec<_> = heard.iter().map(|heard| heard.signal_id).collect();
            let lines = store
                .read(move |conn| signal_lines::of(conn, &ids))
                .await
                .ok()?;
            let by_id: HashMap<_, String> = lines
                .iter()
                .map(|line| (line.signal_id, json(line)))
                .collect();
            let said = |heard: HeardSignal| Some((heard, by_id.get(&heard.signal_id)?.clone()));
            Some(heard.into_iter().filter_map(said).collect())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_of_the_time_between_two_pulses() {
        let at = Instant::now();
        let tally = |s: u64, accepted, posted| Tally {
            at: at + Duration::from_secs(s),
            totals: Totals { accepted, posted },
        };
        for (before, now, want) in [
            (tally(0, 0, 0), tally(1, 100, 5), (100.0, 5.0)),
            (tally(0, 100, 5), tally(4, 101, 5), (0.3, 0.0)),
            (tally(0, 1, 1), tally(0, 1, 1), (0.0, 0.0)),
        ] {
            assert_eq!(rates(&before, &now), want);
        }
    }
}
