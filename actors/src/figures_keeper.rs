//! Writes down the figures of each minute when it is over, and reads back those of the last day at the start. Late or failing it
//! costs a chart its line, never a signal.

use crate::{
    figures::Figures,
    series_core::{Minute, SLOT_MS, SLOTS_KEPT, Spread},
    supervision::{Observe, Restartable},
};
use actix::{
    Actor, ActorFutureExt, AsyncContext, Context, Handler, MessageResult, Supervised, WrapFuture,
};
use heliograph_schema::store::{
    Store, StoreError,
    figures::{self, FigureRow},
};
use serde_json::json;
use std::{collections::BTreeMap, time::Duration};

/// Pause before figures are read again that the database did not give.
const READ_AGAIN_AFTER: Duration = Duration::from_secs(2);

/// What the keeper is made of; all generations share it.
#[derive(Clone)]
pub struct FiguresKeeperMakings {
    /// Where they are written.
    pub store: Store,
    /// Where they are counted.
    pub figures: Figures,
    /// Milliseconds since 1970.
    pub now_ms: fn() -> i64,
}

/// The actor.
pub struct FiguresKeeper {
    makings: FiguresKeeperMakings,
    /// Successors know what the first generation has read.
    has_read: bool,
    written: u64,
    last_error: Option<String>,
}

impl FiguresKeeper {
    /// The first generation.
    pub fn new(makings: FiguresKeeperMakings) -> Self {
        Self {
            makings,
            has_read: false,
            written: 0,
            last_error: None,
        }
    }

    fn read(&self, ctx: &mut Context<Self>) {
        let since_ms = (self.makings.now_ms)() - SLOT_MS * SLOTS_KEPT as i64;
        let store = self.makings.store.clone();
        let read = async move { store.run(move |conn| figures::since(conn, since_ms)).await };
        ctx.spawn(read.into_actor(self).map(|read, keeper, ctx| match read {
            Ok(rows) => {
                keeper.has_read = true;
                keeper.makings.figures.learn(minutes(rows));
            }
            Err(error) => {
                tracing::warn!(%error, "figures could not be read");
                ctx.run_later(READ_AGAIN_AFTER, |keeper, ctx| keeper.read(ctx));
            }
        }));
    }

    /// Again when the minute that runs is over.
    fn wait(&self, ctx: &mut Context<Self>) {
        let left_ms = SLOT_MS - (self.makings.now_ms)().rem_euclid(SLOT_MS);
        let left = Duration::from_millis(u64::try_from(left_ms).unwrap_or(1));
        ctx.run_later(left, |keeper, ctx| {
            let makings = keeper.makings.clone();
            let written = async move { write(&makings, false).await };
            ctx.spawn(written.into_actor(keeper).map(|written, keeper, _| {
                keeper.last_error = written.as_ref().err().map(ToString::to_string);
                keeper.written += written.unwrap_or_default();
            }));
            keeper.wait(ctx);
        });
    }
}

/// Writes down the minutes that are over; with `all` also what the running one has so far, for the end of the process.
///
/// # Errors
/// When the database does not answer; they are tried again the next time.
pub async fn write(makings: &FiguresKeeperMakings, all: bool) -> Result<u64, StoreError> {
    let minutes = makings.figures.take_unwritten((makings.now_ms)(), all);
    if minutes.is_empty() {
        return Ok(0);
    }
    let rows = rows(&minutes);
    let written = makings
        .store
        .run(move |conn| figures::add(conn, &rows))
        .await;
    if let Err(error) = written {
        tracing::warn!(%error, "figures could not be written");
        makings.figures.give_back(minutes);
        return Err(error);
    }
    Ok(minutes.len() as u64)
}

const ACCEPTED: &str = "accepted";
const POSTED: &str = "posted";
const SCREEN: &str = "screen";
const DISCORD: &str = "discord";

fn rows(minutes: &[Minute]) -> Vec<FigureRow> {
    let mut rows = Vec::new();
    for minute in minutes {
        let slot_at_ms = minute.number * SLOT_MS;
        let mut row = |series: &str, count: u64, spread: Option<Spread>| {
            if count > 0 {
                rows.push(FigureRow {
                    slot_at_ms,
                    series: series.to_owned(),
                    count: i64::try_from(count).unwrap_or(i64::MAX),
                    percentiles_ms: spread
                        .map(|spread| [spread.p50_ms, spread.p95_ms, spread.p99_ms]),
                });
            }
        };
        row(ACCEPTED, minute.accepted, None);
        row(POSTED, minute.posted, None);
        row(
            SCREEN,
            minute.screen.map_or(0, |spread| spread.count),
            minute.screen,
        );
        row(
            DISCORD,
            minute.discord.map_or(0, |spread| spread.count),
            minute.discord,
        );
    }
    rows
}

fn minutes(rows: Vec<FigureRow>) -> Vec<Minute> {
    let mut minutes: BTreeMap<i64, Minute> = BTreeMap::new();
    for row in rows {
        let number = row.slot_at_ms.div_euclid(SLOT_MS);
        let minute = minutes.entry(number).or_insert(Minute {
            number,
            ..Minute::default()
        });
        let count = u64::try_from(row.count).unwrap_or_default();
        let spread = row.percentiles_ms.map(|[p50_ms, p95_ms, p99_ms]| Spread {
            count,
            p50_ms,
            p95_ms,
            p99_ms,
        });
        match row.series.as_str() {
            ACCEPTED => minute.accepted = count,
            POSTED => minute.posted = count,
            SCREEN => minute.screen = spread,
            DISCORD => minute.discord = spread,
            // Of a newer version of the program.
            _ => {}
        }
    }
    minutes.into_values().collect()
}

impl Actor for FiguresKeeper {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        if !self.has_read {
            self.read(ctx);
        }
        self.wait(ctx);
    }
}

impl Supervised for FiguresKeeper {
    fn restarting(&mut self, _: &mut Context<Self>) {
        *self = self.successor();
    }
}

impl Restartable for FiguresKeeper {
    fn successor(&self) -> Self {
        Self {
            has_read: self.has_read,
            ..Self::new(self.makings.clone())
        }
    }
}

impl Handler<Observe> for FiguresKeeper {
    type Result = MessageResult<Observe>;

    fn handle(&mut self, _: Observe, _: &mut Context<Self>) -> Self::Result {
        MessageResult(json!({
            "has_read": self.has_read,
            "written": self.written,
            "last_error": self.last_error,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minutes_are_rows_and_rows_are_minutes() {
        let minute = Minute {
            number: 28_333_333,
            accepted: 5,
            posted: 0,
            screen: Some(Spread {
                count: 9,
                p50_ms: 0.5,
                p95_ms: 1.5,
                p99_ms: 2.5,
            }),
            discord: None,
        };
        let other = Minute {
            number: 28_333_334,
            posted: 2,
            ..Minute::default()
        };
        let rows = rows(&[minute, other]);
        let series: Vec<&str> = rows.iter().map(|row| row.series.as_str()).collect();
        assert_eq!(series, [ACCEPTED, SCREEN, POSTED]);
        assert_eq!(minutes(rows), [minute, other]);
    }
}
