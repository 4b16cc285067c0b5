//! The router: takes joined changes, gives each its place and its targets, hands the plan to the store writer. One for the
//! whole process, on one thread with the source channels, so that a hop costs less than a microsecond.

use crate::{
    messages::{Route, RouterRequest, StoreRequest, WriteAnswer},
    port::{Mail, Port},
    router_core::RouterCore,
    routing::RoutingTable,
    supervision::{Observe, Restartable},
    term::Term,
};
use actix::{Actor, Context, Handler, MessageResult, Supervised};
use serde_json::json;
use std::sync::Arc;
use tokio::sync::watch;

/// What the router is made of; all generations share it.
#[derive(Clone)]
pub struct RouterMakings {
    /// The configuration, swapped live.
    pub routing: watch::Receiver<Arc<RoutingTable>>,
    /// The current term.
    pub term: Term,
    /// Where plans go.
    pub writer: Port<StoreRequest>,
}

/// The actor.
pub struct Router {
    makings: RouterMakings,
    core: RouterCore,
    core_term: u64,
}

impl Router {
    /// The first generation.
    pub fn new(makings: RouterMakings) -> Self {
        let core_term = makings.term.current();
        Self {
            makings,
            core: RouterCore::default(),
            core_term,
        }
    }

    fn route(&mut self, route: Route) {
        let current = self.makings.term.current();
        if self.core_term != current {
            self.core = RouterCore::default();
            self.core_term = current;
        }
        if route.term != current {
            let _ = route.answer.send(WriteAnswer::Stale);
            return;
        }
        let table = self.makings.routing.borrow().clone();
        match self.core.plan(&table, route) {
            Ok(write) => self.hand_over(write),
            Err(error) => {
                // The answer went with the route: its sender sees it dropped and isolates the item.
                self.makings.term.end();
                tracing::error!(%error, "a change cannot be encoded");
            }
        }
    }

    fn hand_over(&self, write: crate::messages::Write) {
        if let Err((refused, request)) = self
            .makings
            .writer
            .post(StoreRequest::Write(Box::new(write)))
        {
            // Planned but not to be written: the numbers given out would leave a gap, so the term ends here.
            self.makings.term.end();
            tracing::warn!(%refused, "store writer did not take a plan");
            if let StoreRequest::Write(write) = request {
                let _ = write.answer.send(WriteAnswer::Unavailable);
            }
        }
    }
}

impl Actor for Router {
    type Context = Context<Self>;
}

impl Supervised for Router {
    fn restarting(&mut self, _: &mut Context<Self>) {
        // What the last generation gave out is unknown to this one.
        self.makings.term.end();
        *self = self.successor();
    }
}

impl Restartable for Router {
    fn successor(&self) -> Self {
        Self::new(self.makings.clone())
    }
}

impl Handler<Mail<RouterRequest>> for Router {
    type Result = ();

    fn handle(&mut self, mail: Mail<RouterRequest>, _: &mut Context<Self>) {
        let (request, _handling) = mail.open();
        fail::fail_point!("router::plan", |_| ());
        match request {
            RouterRequest::Route(route) => self.route(route),
            // Refused: its answer is dropped, which the channel hears.
            RouterRequest::Forward(request) => drop(self.makings.writer.post(request)),
        }
    }
}

impl Handler<Observe> for Router {
    type Result = MessageResult<Observe>;

    fn handle(&mut self, _: Observe, _: &mut Context<Self>) -> Self::Result {
        let table = self.makings.routing.borrow();
        MessageResult(json!({
            "term": self.core_term,
            "channels": self.core.channels(),
            "duplicates": self.core.duplicates(),
            "routing_version": table.version,
            "sources": table.sources.len(),
            "mappings": table.mappings.values().map(Vec::len).sum::<usize>(),
        }))
    }
}
