//! The root: keeps the tree in step with the configuration. One source-channel actor per source channel, one mirror per
//! target channel that is mapped or has work left; what is no longer needed ends. It swaps the routing snapshot first, so that
//! whoever hears of a change already works by it. How those actors are made it is told at its start.

use crate::{
    inlets::Inlets,
    messages::Capture,
    outlets::{MirrorOutlet, Outlets},
    port::{Mail, Port},
    routing::RoutingTable,
    session_hub::HubRequest,
    supervision::{Observe, Restartable, Tree},
};
use actix::{
    Actor, ActorFutureExt, AsyncContext, Context, Handler, MessageResult, Supervised, WrapFuture,
};
use diesel::pg::PgConnection;
use heliograph_schema::{
    ids::ChannelId,
    store::{Store, StoreError},
};
use serde_json::json;
use std::{
    collections::HashSet,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::{oneshot, watch};

/// Pause before a configuration is read again that the database did not give.
const READ_AGAIN_AFTER: Duration = Duration::from_millis(500);

/// What the root is asked.
#[derive(Debug)]
pub enum RootRequest {
    /// The configuration in the tables has changed: work by it, then answer.
    Reconfigure {
        /// When it was asked, the change being committed: who has read since then knows it.
        asked: Instant,
        /// Where to.
        answer: oneshot::Sender<Result<(), StoreError>>,
    },
    /// A target channel has work but no mirror.
    MissingMirror(ChannelId),
}

/// Starts the actor of a source channel.
pub type StartSourceChannel = Arc<dyn Fn(ChannelId) -> Port<Capture> + Send + Sync>;
/// Starts the mirror of a target channel.
pub type StartMirror = Arc<dyn Fn(ChannelId) -> MirrorOutlet + Send + Sync>;
/// Reads the configuration; the number counts the snapshots of this process.
pub type LoadRouting = fn(&mut PgConnection, u64) -> Result<RoutingTable, StoreError>;

/// What the root is made of; all generations share it.
#[derive(Clone)]
pub struct RootMakings {
    /// The tree it grows.
    pub tree: Tree,
    /// Where the configuration is.
    pub store: Store,
    /// How to read it.
    pub load_routing: LoadRouting,
    /// The snapshot everyone works by.
    pub routing: Arc<watch::Sender<Arc<RoutingTable>>>,
    /// Where source channels are registered.
    pub inlets: Inlets,
    /// Where mirrors are registered.
    pub outlets: Outlets,
    /// How to start them.
    pub start_source_channel: StartSourceChannel,
    /// How to start them.
    pub start_mirror: StartMirror,
}

/// The actor.
pub struct Root {
    makings: RootMakings,
    sources: HashSet<ChannelId>,
    mirrors: HashSet<ChannelId>,
    /// When the reading began that everyone works by.
    read: Option<Instant>,
}

/// The name of a source channel's actor.
pub fn source_channel_name(channel_id: ChannelId) -> String {
    format!("source_channel/{channel_id}")
}

/// The name of a mirror.
pub fn mirror_name(target_channel_id: ChannelId) -> String {
    format!("mirror/{target_channel_id}")
}

impl Root {
    /// The first generation.
    pub fn new(makings: RootMakings) -> Self {
        Self {
            makings,
            sources: HashSet::new(),
            mirrors: HashSet::new(),
            read: None,
        }
    }

    /// Brings the tree in step. `true` when a mirror was stopped.
    fn work_by(&mut self, table: RoutingTable) -> bool {
        let sources: HashSet<ChannelId> = table.sources.keys().copied().collect();
        let targets: HashSet<ChannelId> = table.targets.iter().copied().collect();
        self.makings.routing.send_replace(Arc::new(table));
        for &gone in self.sources.difference(&sources) {
            self.makings.inlets.remove(gone);
            self.makings.tree.stop(&source_channel_name(gone));
        }
        for &new in sources.difference(&self.sources) {
            self.makings
                .inlets
                .add(new, (self.makings.start_source_channel)(new));
        }
        self.sources = sources;
        for &gone in self.mirrors.difference(&targets) {
            self.makings.outlets.remove_mirror(gone);
            self.makings.tree.stop(&mirror_name(gone));
        }
        let new: Vec<ChannelId> = targets.difference(&self.mirrors).copied().collect();
        let before = self.mirrors.len();
        self.mirrors.retain(|mirror| targets.contains(mirror));
        let stopped_one = self.mirrors.len() < before;
        for target in new {
            self.ensure_mirror(target);
        }
        self.makings.outlets.tell_hubs(|| HubRequest::Reconfigured);
        stopped_one
    }

    /// A commit may have given work to a mirror after its target was read as idle and before it was stopped. Its rows are in
    /// the table now: whoever has any gets a mirror again.
    fn look_for_work_left(&self, ctx: &mut Context<Self>) {
        let version = self.makings.routing.borrow().version;
        let (store, load) = (self.makings.store.clone(), self.makings.load_routing);
        let read = async move { store.run(move |connection| load(connection, version)).await };
        ctx.spawn(read.into_actor(self).map(|read, root, _| {
            match read {
                Ok(table) => table
                    .targets
                    .into_iter()
                    .for_each(|target| root.ensure_mirror(target)),
                Err(error) => tracing::warn!(%error, "targets with work left could not be read"),
            }
        }));
    }

    fn ensure_mirror(&mut self, target: ChannelId) {
        if self.mirrors.insert(target) {
            self.makings
                .outlets
                .add_mirror(target, (self.makings.start_mirror)(target));
        }
    }

    /// Reads the configuration and works by it. What cannot be read now is read again until it can: the change is committed.
    fn reconfigure(
        &self,
        answer: Option<oneshot::Sender<Result<(), StoreError>>>,
        ctx: &mut Context<Self>,
    ) {
        let began = Instant::now();
        let version = self.makings.routing.borrow().version + 1;
        let (store, load) = (self.makings.store.clone(), self.makings.load_routing);
        let read = async move { store.run(move |connection| load(connection, version)).await };
        // Nothing else meanwhile: snapshots are swapped in the order in which they were read.
        ctx.wait(read.into_actor(self).map(move |read, root, ctx| {
            let stopped_one = read.map(|table| {
                let stopped_one = root.work_by(table);
                root.read = Some(began);
                stopped_one
            });
            match &stopped_one {
                Ok(true) => root.look_for_work_left(ctx),
                Ok(false) => {}
                Err(error) => {
                    tracing::warn!(%error, "the configuration could not be read");
                    ctx.run_later(READ_AGAIN_AFTER, |root, ctx| root.reconfigure(None, ctx));
                }
            }
            if let Some(answer) = answer {
                let _ = answer.send(stopped_one.map(|_| ()));
            }
        }));
    }
}

impl Actor for Root {
    type Context = Context<Self>;
}

impl Supervised for Root {
    fn restarting(&mut self, _: &mut Context<Self>) {
        *self = self.successor();
    }
}

impl Restartable for Root {
    /// The one exception: what runs is what runs, and a root that forgot it would start everything twice.
    fn successor(&self) -> Self {
        Self {
            makings: self.makings.clone(),
            sources: self.sources.clone(),
            mirrors: self.mirrors.clone(),
            read: self.read,
        }
    }
}

impl Handler<Mail<RootRequest>> for Root {
    type Result = ();

    fn handle(&mut self, mail: Mail<RootRequest>, ctx: &mut Context<Self>) {
        let (request, _handling) = mail.open();
        match request {
            // Changes that were made while the last reading waited for its turn are in it: many at once cost two readings.
            RootRequest::Reconfigure { asked, answer }
                if self.read.is_some_and(|at| at > asked) =>
            {
                let _ = answer.send(Ok(()));
            }
            RootRequest::Reconfigure { answer, .. } => self.reconfigure(Some(answer), ctx),
            RootRequest::MissingMirror(target) => self.ensure_mirror(target),
        }
    }
}

impl Handler<Observe> for Root {
    type Result = MessageResult<Observe>;

    fn handle(&mut self, _: Observe, _: &mut Context<Self>) -> Self::Result {
        MessageResult(json!({
            "routing_version": self.makings.routing.borrow().version,
            "source_channels": self.sources.len(),
            "mirrors": self.mirrors.len(),
        }))
    }
}
