//! One actor per source channel: carries captures through the join to the router. Its memory is good for one term; when the
//! term ends, or in a new generation, it asks the store writer where the channel stands and begins again. Knows no mapping
//! and no session.

use crate::{
    messages::{
        Answer, Capture, Open, Opened, Recall, Recalled, Route, RouterRequest, StoreRequest,
        WriteAnswer,
    },
    port::{Mail, Port},
    routing::RoutingTable,
    source_channel_core::ChannelCore,
    supervision::{Observe, Restartable},
    term::Term,
};
use actix::{
    Actor, ActorFutureExt, AsyncContext, Context, Handler, MessageResult, Supervised, WrapFuture,
};
use heliograph_schema::{
    ids::{ChannelId, SignalId},
    store::signals::Head,
};
use serde_json::json;
use std::sync::Arc;
use tokio::sync::{oneshot, watch};

/// What a source channel is made of; all generations share it.
#[derive(Clone)]
pub struct SourceChannelMakings {
    /// The channel.
    pub channel_id: ChannelId,
    /// For its name.
    pub routing: watch::Receiver<Arc<RoutingTable>>,
    /// Recent signals it remembers.
    pub remembered_max: usize,
    /// The current term.
    pub term: Term,
    /// Where joined changes go, and behind them what is asked of the store.
    pub router: Port<RouterRequest>,
}

struct Memory {
    term: u64,
    opened_at: Head,
    /// Visible changes routed since.
    routed: i64,
    core: ChannelCore,
}

/// The actor.
pub struct SourceChannel {
    makings: SourceChannelMakings,
    memory: Option<Memory>,
}

impl SourceChannel {
    /// The first generation.
    pub fn new(makings: SourceChannelMakings) -> Self {
        Self {
            makings,
            memory: None,
        }
    }

    fn begin(&mut self, opened: Opened) {
        let core = ChannelCore::new(opened.head, self.makings.remembered_max);
        self.memory = Some(Memory {
            term: opened.term,
            opened_at: opened.head,
            routed: 0,
            core,
        });
    }

    /// The memory, when it is of the current term.
    fn memory(&mut self) -> Option<&mut Memory> {
        let current = self.makings.term.current();
        self.memory.as_mut().filter(|memory| memory.term == current)
    }

    /// Takes a capture one step further: opens the channel, recalls what is not remembered, or joins and routes. While it
    /// waits for the writer no other message is taken, so that batches stay in their order.
    fn advance(&mut self, capture: Capture, ctx: &mut Context<Self>) {
        let Some(memory) = self.memory() else {
            return self.open_and_retry(capture, ctx);
        };
        let unremembered = memory.core.unremembered(&capture.observations);
        if !unremembered.is_empty() {
            return self.recall_and_retry(unremembered, capture, ctx);
        }
        self.join_and_route(capture);
    }

    fn join_and_route(&mut self, capture: Capture) {
        let router = self.makings.router.clone();
        let Some(memory) = self.memory() else {
            return refuse(capture.answer, WriteAnswer::Stale);
        };
        let (changes, counts) = memory.core.join_batch(capture.observations);
        memory.routed += i64::from(counts.accepted);
        let route = Route {
            term: memory.term,
            opened_at: memory.opened_at,
            forward: capture.forward,
            received: capture.received,
            changes,
            keep: capture.keep,
            counts,
            answer: capture.answer,
        };
        if let Err((refused, request)) = router.post(RouterRequest::Route(route)) {
            // Joined but not routed: memory is ahead of the tables, so it is dropped.
            self.memory = None;
            tracing::warn!(source_channel_id = %self.makings.channel_id, %refused, "router did not take a route");
            if let RouterRequest::Route(route) = request {
                refuse(route.answer, WriteAnswer::Unavailable);
            }
        }
    }

    /// Asks the store writer, through the router: what was routed before is planned and written before this is answered.
    fn ask(&self, request: StoreRequest) -> bool {
        self.makings
            .router
            .post(RouterRequest::Forward(request))
            .is_ok()
    }

    fn open_and_retry(&self, capture: Capture, ctx: &mut Context<Self>) {
        let (answer, opened) = oneshot::channel();
        let request = StoreRequest::Open(Open {
            channel_id: self.makings.channel_id,
            answer,
        });
        if !self.ask(request) {
            return refuse(capture.answer, WriteAnswer::Unavailable);
        }
        ctx.wait(
            opened
                .into_actor(self)
                .map(move |opened, actor, ctx| match opened {
                    Ok(Some(opened)) => {
                        actor.begin(opened);
                        actor.advance_once(capture, ctx);
                    }
                    Ok(None) | Err(_) => refuse(capture.answer, WriteAnswer::Unavailable),
                }),
        );
    }

    fn recall_and_retry(&self, signals: Vec<SignalId>, capture: Capture, ctx: &mut Context<Self>) {
        let (answer, recalled) = oneshot::channel();
        if !self.ask(StoreRequest::Recall(Recall { signals, answer })) {
            return refuse(capture.answer, WriteAnswer::Unavailable);
        }
        ctx.wait(recalled.into_actor(self).map(
            move |recalled: Result<Recalled, _>, actor, _| match (recalled, actor.memory()) {
                (Ok(Ok(states)), Some(memory)) => {
                    memory.core.remember(states);
                    actor.join_and_route(capture);
                }
                (Ok(Err(why)), _) => refuse(capture.answer, why),
                (Err(_), _) | (_, None) => refuse(capture.answer, WriteAnswer::Stale),
            },
        ));
    }

    /// After opening: the term may have ended meanwhile, and then the sender tries again rather than we for ever.
    fn advance_once(&mut self, capture: Capture, ctx: &mut Context<Self>) {
        if self.memory().is_some() {
            self.advance(capture, ctx);
        } else {
            refuse(capture.answer, WriteAnswer::Stale);
        }
    }
}

fn refuse(answer: Answer, why: WriteAnswer) {
    // Nobody waits any more: the connector's request has timed out.
    let _ = answer.send(why);
}

impl Actor for SourceChannel {
    type Context = Context<Self>;
}

impl Supervised for SourceChannel {
    fn restarting(&mut self, _: &mut Context<Self>) {
        *self = self.successor();
    }
}

impl Restartable for SourceChannel {
    fn successor(&self) -> Self {
        Self::new(self.makings.clone())
    }
}

impl Handler<Mail<Capture>> for SourceChannel {
    type Result = ();

    fn handle(&mut self, mail: Mail<Capture>, ctx: &mut Context<Self>) {
        let (capture, _handling) = mail.open();
        // Nobody waits for it any more: it comes again or not at all, and must not pile up behind what is slow.
        if !capture.answer.is_closed() {
            self.advance(capture, ctx);
        }
    }
}

impl Handler<Observe> for SourceChannel {
    type Result = MessageResult<Observe>;

    fn handle(&mut self, _: Observe, _: &mut Context<Self>) -> Self::Result {
        let memory = self.memory.as_ref();
        let routing = self.makings.routing.borrow();
        MessageResult(json!({
            "channel_id": self.makings.channel_id,
            "name": routing.sources.get(&self.makings.channel_id).map(|source| &source.name),
            "term": memory.map(|m| m.term),
            "seq": memory.map(|m| m.opened_at.cursor.seq + m.routed),
            "remembered": memory.map(|m| m.core.remembered()),
        }))
    }
}
