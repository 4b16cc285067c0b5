//! Lets go of what is old, a slice at a time, and keeps the partitions ahead of the day. Late or failing it costs disk, never a
//! signal.

use crate::supervision::{Observe, Restartable};
use actix::{
    Actor, ActorFutureExt, AsyncContext, Context, Handler, MessageResult, Supervised, WrapFuture,
};
use chrono::{Days, NaiveDate};
use heliograph_schema::store::{Store, StoreError, figures, retention};
use serde_json::json;
use std::time::Duration;

/// How long what is kept.
#[derive(Debug, Clone, Copy)]
pub struct Kept {
    /// Connectors' bodies.
    pub raw_batches_days: u32,
    /// What a cursor can resume from.
    pub revisions_days: u32,
    /// Items that could not be taken.
    pub quarantine_days: u32,
}

/// What the retention is made of; all generations share it.
#[derive(Clone)]
pub struct RetentionMakings {
    /// Where it works.
    pub store: Store,
    /// How long what is kept.
    pub kept: Kept,
    /// How often it works.
    pub interval: Duration,
    /// Today, in UTC.
    pub today: fn() -> NaiveDate,
}

/// The actor.
pub struct Retention {
    makings: RetentionMakings,
    rounds: u64,
    last_error: Option<String>,
}

impl Retention {
    /// The first generation.
    pub fn new(makings: RetentionMakings) -> Self {
        Self {
            makings,
            rounds: 0,
            last_error: None,
        }
    }

    fn round(&self, ctx: &mut Context<Self>) {
        let (store, kept, today) = (
            self.makings.store.clone(),
            self.makings.kept,
            (self.makings.today)(),
        );
        ctx.spawn(
            clean(store, kept, today)
                .into_actor(self)
                .map(|done, actor, _| {
                    actor.rounds += 1;
                    actor.last_error = done.err().map(|error| {
                        tracing::warn!(%error, "retention round failed");
                        error.to_string()
                    });
                }),
        );
    }
}

async fn clean(store: Store, kept: Kept, today: NaiveDate) -> Result<(), StoreError> {
    store
        .run(move |connection| retention::make_partitions(connection, today))
        .await?;
    if let Some(first_kept) = today.checked_sub_days(Days::new(kept.raw_batches_days.into())) {
        store
            .run(move |connection| retention::drop_partitions(connection, first_kept))
            .await?;
    }
    let days = i32::try_from(kept.revisions_days).unwrap_or(i32::MAX);
    while store
        .run(move |connection| retention::delete_revisions(connection, days))
        .await?
        > 0
    {}
    let days = i32::try_from(kept.quarantine_days).unwrap_or(i32::MAX);
    while store
        .run(move |connection| retention::delete_quarantine(connection, days))
        .await?
        > 0
    {}
    store.run(figures::delete_old).await?;
    Ok(())
}

impl Actor for Retention {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        self.round(ctx);
        ctx.run_interval(self.makings.interval, |actor, ctx| actor.round(ctx));
    }
}

impl Supervised for Retention {
    fn restarting(&mut self, _: &mut Context<Self>) {
        *self = self.successor();
    }
}

impl Restartable for Retention {
    fn successor(&self) -> Self {
        Self::new(self.makings.clone())
    }
}

impl Handler<Observe> for Retention {
    type Result = MessageResult<Observe>;

    fn handle(&mut self, _: Observe, _: &mut Context<Self>) -> Self::Result {
        MessageResult(json!({ "rounds": self.rounds, "last_error": self.last_error }))
    }
}
