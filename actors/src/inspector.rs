//! Looks at target channels: when a person asks, when a mirror was refused, and each now and then. Writes down what it saw and
//! tells the mirror. What stands in the way is decided in `permissions_core`, when to look in `inspection_core`.

use crate::{
    discord::inspect::Way,
    inspection_core::Schedule,
    messages::{Asker, Inspect, Inspected, NotKnown, Seen, Sight},
    noticeboard::{Noticeboard, Topic},
    outlets::Outlets,
    port::Mail,
    routing::RoutingTable,
    steady_clock::SteadyClock,
    supervision::{Observe, Restartable},
};
use actix::{
    Actor, ActorFutureExt, AsyncContext, Context, Handler, MessageResult, Supervised, WrapFuture,
};
use heliograph_schema::{
    ids::ChannelId,
    store::{Store, StoreError, target_channels},
};
use serde_json::json;
use std::{sync::Arc, time::Duration};
use tokio::sync::{oneshot, watch};

/// At most one inspection that nobody waits for begins in this time: at most four requests a second, and less than a tenth of
/// the refusals that bring a ban, even when every target refuses us.
const SPACING: Duration = Duration::from_secs(1);
/// So long a guild's roles serve for the inspections of its other channels …
const GUILD_AGE_MAX: Duration = Duration::from_secs(300);
/// … and so long for what a person waits for: a person saves many mappings at once, but repairs one thing after the other.
const GUILD_AGE_MAX_FOR_A_PERSON: Duration = Duration::from_secs(5);
/// Inspections for persons at the same time; more are answered "not known".
const PERSONS_MAX: usize = 16;

/// What the inspector is made of; all generations share it.
#[derive(Clone)]
pub struct InspectorMakings {
    /// The way to Discord; `None` without a bot token: nothing is known.
    pub way: Option<Way>,
    /// Where it writes down what it saw.
    pub store: Store,
    /// Says which targets there are.
    pub routing: watch::Receiver<Arc<RoutingTable>>,
    /// Leads to the mirrors.
    pub outlets: Outlets,
    /// Where it says that it knows more of a target channel.
    pub notices: Noticeboard,
    /// Time between two looks at a target.
    pub interval: Duration,
}

/// The actor.
pub struct Inspector {
    makings: InspectorMakings,
    schedule: Schedule,
    follows: Option<u64>,
    persons: usize,
    looks: bool,
    inspections: u64,
    not_known: u64,
    last_not_known: Option<String>,
    clock: SteadyClock,
}

impl Inspector {
    /// A generation.
    pub fn new(makings: InspectorMakings) -> Self {
        let interval_ms = i64::try_from(makings.interval.as_millis()).unwrap_or(i64::MAX / 4);
        Self {
            makings,
            schedule: Schedule::new(interval_ms.min(i64::MAX / 4), rand::random()),
            follows: None,
            persons: 0,
            looks: false,
            inspections: 0,
            not_known: 0,
            last_not_known: None,
            clock: SteadyClock::start(),
        }
    }

    /// Works by the targets that there are now.
    fn follow(&mut self) {
        let table = self.makings.routing.borrow().clone();
        if self.follows != Some(table.version) {
            self.follows = Some(table.version);
            self.schedule.follow(self.clock.now_ms(), &table.targets);
            self.show();
        }
    }

    /// Looks at the next target that is due, if none is being looked at.
    fn tick(&mut self, ctx: &mut Context<Self>) {
        self.follow();
        let now_ms = self.clock.now_ms();
        if self.looks || self.makings.way.is_none() {
            return;
        }
        let Some(target) = self.schedule.next(now_ms) else {
            return;
        };
        self.looks = true;
        let look = look(self.makings.clone(), target, GUILD_AGE_MAX);
        ctx.spawn(look.into_actor(self).map(move |seen, inspector, _| {
            inspector.looks = false;
            inspector.take(target, &seen);
        }));
    }

    fn look_for_a_person(
        &mut self,
        target: ChannelId,
        afresh: bool,
        answer: oneshot::Sender<Seen>,
        ctx: &mut Context<Self>,
    ) {
        if self.persons >= PERSONS_MAX {
            let _ = answer.send(Err(NotKnown(
                "too many channels are being looked at".to_owned(),
            )));
            return;
        }
        self.persons += 1;
        let age_max = if afresh {
            Duration::ZERO
        } else {
            GUILD_AGE_MAX_FOR_A_PERSON
        };
        let look = look(self.makings.clone(), target, age_max);
        ctx.spawn(look.into_actor(self).map(move |seen, inspector, _| {
            inspector.persons -= 1;
            inspector.take(target, &seen);
            let _ = answer.send(seen);
        }));
    }

    /// Learns from what was seen, and tells the mirror.
    fn take(&mut self, target_channel_id: ChannelId, seen: &Seen) {
        self.inspections += 1;
        let is_obstructed = match seen {
            Ok(sight) => {
                self.makings.outlets.tell_mirror(
                    target_channel_id,
                    Inspected {
                        obstacle: sight.obstacle.clone(),
                        can_read_history: sight.can_read_history,
                    },
                );
                Some(sight.obstacle.is_some())
            }
            Err(NotKnown(reason)) => {
                tracing::warn!(%target_channel_id, reason, "a target channel could not be looked at");
                self.not_known += 1;
                self.last_not_known = Some(reason.clone());
                None
            }
        };
        let now_ms = self.clock.now_ms();
        self.schedule.seen(now_ms, target_channel_id, is_obstructed);
        self.show();
    }

    fn show(&self) {
        metrics::gauge!("heliograph_mirror_obstructed_targets")
            .set(self.schedule.obstructed() as f64);
    }
}

/// Looks, and writes down what was seen.
async fn look(makings: InspectorMakings, target: ChannelId, age_max: Duration) -> Seen {
    let Some(way) = &makings.way else {
        return Err(NotKnown("there is no bot token".to_owned()));
    };
    let guild_id = makings
        .store
        .run(move |connection| target_channels::said_guild(connection, target))
        .await
        .map_err(unwritten)?;
    let sight = way.inspect(target, guild_id, age_max).await?;
    let said = row_of(&sight);
    makings
        .store
        .run(move |connection| target_channels::inspected(connection, target, &said))
        .await
        .map_err(unwritten)?;
    makings.notices.raise(Topic::Targets);
    Ok(sight)
}

fn row_of(sight: &Sight) -> target_channels::Inspected {
    target_channels::Inspected {
        guild_id: sight.guild_id,
        kind: sight.kind,
        obstacle: sight.obstacle.as_ref().map(|obstacle| obstacle.0.clone()),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "handed over by map_err")]
fn unwritten(error: StoreError) -> NotKnown {
    NotKnown(format!("the database does not answer: {error}"))
}

impl Actor for Inspector {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        ctx.run_interval(SPACING, |inspector, ctx| inspector.tick(ctx));
    }
}

impl Supervised for Inspector {
    fn restarting(&mut self, _: &mut Context<Self>) {
        *self = self.successor();
    }
}

impl Restartable for Inspector {
    fn successor(&self) -> Self {
        Self::new(self.makings.clone())
    }
}

impl Handler<Mail<Inspect>> for Inspector {
    type Result = ();

    fn handle(&mut self, mail: Mail<Inspect>, ctx: &mut Context<Self>) {
        let (inspect, _handling) = mail.open();
        let target = inspect.target_channel_id;
        match inspect.asker {
            Asker::Mirror => {
                self.follow();
                self.schedule.ask(self.clock.now_ms(), target);
            }
            Asker::Person { afresh, answer } => self.look_for_a_person(target, afresh, answer, ctx),
        }
    }
}

impl Handler<Observe> for Inspector {
    type Result = MessageResult<Observe>;

    fn handle(&mut self, _: Observe, _: &mut Context<Self>) -> Self::Result {
        MessageResult(json!({
            "targets": self.schedule.targets(),
            "obstructed": self.schedule.obstructed(),
            "inspections": self.inspections,
            "not_known": self.not_known,
            "last_not_known": self.last_not_known,
        }))
    }
}
