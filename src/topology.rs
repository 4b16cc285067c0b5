//! The whole tree in one function, last stage first: who exists, on which thread, with which bounds, and what happens when its
//! restart budget is spent. Rules are elsewhere.

use crate::{
    clock,
    config::Config,
    http::{
        changes::{ConfigurationChanged, NotApplied},
        running::Running,
    },
    mirroring::{self, Mirroring, Shared},
};
use actix::{Arbiter, ArbiterHandle};
use diesel::pg::PgConnection;
use futures_util::future::BoxFuture;
use heliograph_actors::{
    admin_feed::{AdminFeed, AdminFeedMakings, AdminSockets, FeedBounds, FeedRequest, FeedViews},
    audience::Audience,
    connector_board::ConnectorBoard,
    directory::DirectoryMakings,
    directory_board::{BotSeen, DirectoryBoard},
    discord::inspect::Way,
    figures::Figures,
    figures_keeper::{self, FiguresKeeper, FiguresKeeperMakings},
    hub_core::RingBounds,
    inlets::Inlets,
    messages::{Capture, Inspect, Recall, RefreshDirectory, RouterRequest, StoreRequest},
    mirror_board::{MirrorBoard, MirrorSeen},
    noticeboard::Noticeboard,
    outlets::{FeedOutlet, HubOutlet, Outlets},
    port::Port,
    restart_core::RestartBudget,
    retention::{Kept, Retention, RetentionMakings},
    root::{Root, RootMakings, RootRequest, source_channel_name},
    router::{Router, RouterMakings},
    routing::RoutingTable,
    routing_load,
    session_hub::{HubRequest, SessionBounds, SessionHub, SessionHubMakings},
    source_channel::{SourceChannel, SourceChannelMakings},
    store_writer::{StoreWriter, StoreWriterMakings},
    supervision::{Exhausted, OnFatal, Tree},
    term::Term,
    vitals::{Kind, Vitals},
};
use heliograph_schema::{frame::Cursor, ids::ChannelId, store::Store};
use std::{
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};
use tokio::sync::{oneshot, watch};

/// What was routed is committed within this, or the database is away.
const SETTLED_WITHIN: Duration = Duration::from_secs(5);

/// Messages that may wait for an actor, by kind. Ingest admits at most `ingest.batches_in_flight_max` batches, which is what
/// really bounds the first three; these are beyond it, so that they refuse only when something is stuck.
mod mailbox {
    pub(super) const STORE_WRITER: usize = 8_192;
    pub(super) const ROUTER: usize = 8_192;
    pub(super) const SOURCE_CHANNEL: usize = 512;
    /// Commits and session requests; a refused commit is read from the table.
    pub(super) const SESSION_HUB: usize = 32_768;
    pub(super) const ROOT: usize = 1_024;
    pub(super) const RETENTION: usize = 8;
    pub(super) const FIGURES: usize = 8;
    /// Commits, which it may miss, and what pages say.
    pub(super) const ADMIN_FEED: usize = 1_024;
}

/// What the listeners need of the tree.
#[derive(Clone)]
pub struct Topology {
    /// Every actor.
    pub tree: Tree,
    /// The configuration everyone works by.
    pub routing: watch::Receiver<Arc<RoutingTable>>,
    /// Source channels.
    pub inlets: Inlets,
    /// Hubs and mirrors.
    pub outlets: Outlets,
    /// Looks at target channels.
    pub inspector: Port<Inspect>,
    /// What the bot sees.
    pub bot: DirectoryBoard,
    directory: Port<RefreshDirectory>,
    way: Option<Way>,
    /// Keeps bodies and bad items.
    pub writer: Port<StoreRequest>,
    /// The store writer can commit.
    pub can_commit: Arc<AtomicBool>,
    /// Where changes are said, for whoever shows them to people.
    pub notices: Noticeboard,
    /// What connectors said and sent.
    pub connectors: ConnectorBoard,
    keeping: FiguresKeeperMakings,
    root: Port<RootRequest>,
    router: Port<RouterRequest>,
    board: MirrorBoard,
    audience: Audience,
    store: Store,
    bounds: SessionBounds,
    hubs: Arc<AtomicUsize>,
}

/// Starts everything but the hubs, which belong to the threads of the public listener. `connection` holds the router lock.
///
/// # Errors
/// When the configuration cannot be read from the tables.
pub async fn start(
    config: &Config,
    store: &Store,
    database_url: &str,
    connection: PgConnection,
    on_fatal: OnFatal,
) -> Result<Topology, NotApplied> {
    let budget = RestartBudget {
        restarts_max: config.supervision.restarts_max as usize,
        window: Duration::from_secs(config.supervision.restart_window_s),
    };
    let tree = Tree::new(budget, on_fatal.clone());
    let (routing_sender, routing) = watch::channel(Arc::new(RoutingTable::default()));
    let (inlets, outlets, term) = (Inlets::default(), Outlets::default(), Term::default());
    let (figures, notices) = (Figures::default(), Noticeboard::default());
    let can_commit = Arc::new(AtomicBool::new(false));

    // Each of these threads belongs to one subtree: what blocks or floods one does not touch the others.
    let [writing, routing_thread, mirroring_thread, rooting] =
        std::array::from_fn(|_| Arbiter::new().handle());

    let writer = start_store_writer(
        &tree,
        &writing,
        connection,
        StoreWriterMakings {
            database_url: database_url.to_owned(),
            term: term.clone(),
            outlets: outlets.clone(),
            figures: figures.clone(),
            notices: notices.clone(),
            group_revisions_max: config.store.group_commit_revisions_max,
            ready: can_commit.clone(),
            give_up: on_fatal,
        },
    );
    let router = start_router(
        &tree,
        &routing_thread,
        RouterMakings {
            routing: routing.clone(),
            term: term.clone(),
            writer: writer.clone(),
        },
    );
    start_retention(&tree, &rooting, config, store);
    let keeping = FiguresKeeperMakings {
        store: store.clone(),
        figures: figures.clone(),
        now_ms: clock::now_ms,
    };
    start_figures_keeper(&tree, &rooting, keeping.clone());
    let Mirroring {
        start: start_mirror,
        inspector,
        board,
        way,
    } = mirroring::mirrors(
        &tree,
        &mirroring_thread,
        config,
        &Shared {
            store,
            database_url,
            routing: &routing,
            outlets: &outlets,
            figures: &figures,
            notices: &notices,
        },
    )?;
    let channel_makings = ChannelMakings {
        routing: routing.clone(),
        remembered_max: config.store.channel_signals_cached_max,
        term,
        router: router.clone(),
    };
    let (channel_tree, channel_thread) = (tree.clone(), routing_thread);
    let root = start_root(
        &tree,
        &rooting,
        RootMakings {
            tree: tree.clone(),
            store: store.clone(),
            load_routing: routing_load::load,
            routing: Arc::new(routing_sender),
            inlets: inlets.clone(),
            outlets: outlets.clone(),
            start_source_channel: Arc::new(move |id| {
                channel_makings.start(&channel_tree, &channel_thread, id)
            }),
            start_mirror,
        },
    );
    let bot = DirectoryBoard::default();
    let directory = mirroring::start_directory(
        &tree,
        &mirroring_thread,
        DirectoryMakings {
            way: way.clone(),
            global_requests_per_s: config.discord.global_requests_per_s,
            store: store.clone(),
            interval: Duration::from_secs(config.discord.directory_interval_s),
            board: bot.clone(),
            notices: notices.clone(),
            reload: reload(&root),
            now_ms: clock::now_ms,
        },
    );
    let missing = root.clone();
    outlets.when_mirror_is_missing(Arc::new(move |target| {
        // Refused: its deliveries are in the table, and the next change or start finds them.
        let _ = missing.post(RootRequest::MissingMirror(target));
    }));
    let topology = Topology {
        tree,
        routing,
        inlets,
        outlets,
        inspector,
        bot,
        directory,
        way,
        writer,
        can_commit,
        root,
        router,
        board,
        audience: Audience::default(),
        notices,
        connectors: ConnectorBoard::default(),
        keeping,
        store: store.clone(),
        bounds: session_bounds(config),
        hubs: Arc::default(),
    };
    topology.apply().await?;
    Ok(topology)
}

fn start_store_writer(
    tree: &Tree,
    arbiter: &ArbiterHandle,
    connection: PgConnection,
    makings: StoreWriterMakings,
) -> Port<StoreRequest> {
    let vitals = Vitals::new("store_writer", Kind::StoreWriter, mailbox::STORE_WRITER);
    let first = move |_: &mut _| StoreWriter::new(makings, Some(connection));
    Port::new(
        tree.start(arbiter, &vitals, Exhausted::EndProcess, first)
            .recipient(),
        vitals,
    )
}

fn start_router(
    tree: &Tree,
    arbiter: &ArbiterHandle,
    makings: RouterMakings,
) -> Port<RouterRequest> {
    let vitals = Vitals::new("router", Kind::Router, mailbox::ROUTER);
    let first = move |_: &mut _| Router::new(makings);
    Port::new(
        tree.start(arbiter, &vitals, Exhausted::EndProcess, first)
            .recipient(),
        vitals,
    )
}

fn start_root(tree: &Tree, arbiter: &ArbiterHandle, makings: RootMakings) -> Port<RootRequest> {
    let vitals = Vitals::new("root", Kind::Root, mailbox::ROOT);
    let first = move |_: &mut _| Root::new(makings);
    Port::new(
        tree.start(arbiter, &vitals, Exhausted::EndProcess, first)
            .recipient(),
        vitals,
    )
}

/// Has the root read the configuration, when nobody waits for it.
fn reload(root: &Port<RootRequest>) -> Arc<dyn Fn() + Send + Sync> {
    let root = root.clone();
    Arc::new(move || {
        let (answer, _) = oneshot::channel();
        // Refused: the names are taken over with the next change.
        let _ = root.post(RootRequest::Reconfigure {
            asked: Instant::now(),
            answer,
        });
    })
}

fn start_retention(tree: &Tree, arbiter: &ArbiterHandle, config: &Config, store: &Store) {
    let makings = RetentionMakings {
        store: store.clone(),
        kept: Kept {
            raw_batches_days: config.retention.raw_batches_days,
            revisions_days: config.retention.revisions_days,
            quarantine_days: config.retention.quarantine_days,
        },
        interval: Duration::from_secs(config.retention.interval_s),
        today: || chrono::Utc::now().date_naive(),
    };
    let vitals = Vitals::new("retention", Kind::Retention, mailbox::RETENTION);
    tree.start(arbiter, &vitals, Exhausted::Park, move |_| {
        Retention::new(makings)
    });
}

fn start_figures_keeper(tree: &Tree, arbiter: &ArbiterHandle, makings: FiguresKeeperMakings) {
    let vitals = Vitals::new("figures", Kind::Figures, mailbox::FIGURES);
    tree.start(arbiter, &vitals, Exhausted::Park, move |_| {
        FiguresKeeper::new(makings)
    });
}

/// What every source channel is made of but its id.
struct ChannelMakings {
    routing: watch::Receiver<Arc<RoutingTable>>,
    remembered_max: usize,
    term: Term,
    router: Port<RouterRequest>,
}

impl ChannelMakings {
    fn start(&self, tree: &Tree, arbiter: &ArbiterHandle, channel_id: ChannelId) -> Port<Capture> {
        let makings = SourceChannelMakings {
            channel_id,
            routing: self.routing.clone(),
            remembered_max: self.remembered_max,
            term: self.term.clone(),
            router: self.router.clone(),
        };
        let vitals = Vitals::new(
            source_channel_name(channel_id),
            Kind::SourceChannel,
            mailbox::SOURCE_CHANNEL,
        );
        let first = move |_: &mut _| SourceChannel::new(makings);
        Port::new(
            tree.start(arbiter, &vitals, Exhausted::Park, first)
                .recipient(),
            vitals,
        )
    }
}

fn session_bounds(config: &Config) -> SessionBounds {
    let sessions = &config.sessions;
    SessionBounds {
        channels_max: sessions.channels_max,
        outbox_age_max: Duration::from_millis(sessions.outbox_age_ms_max),
        replay_page: i64::try_from(sessions.replay_page).unwrap_or(i64::MAX),
        ring: RingBounds {
            frames_max: sessions.ring_frames_max,
            bytes_max: sessions.ring_bytes_max,
        },
        heartbeat: Duration::from_millis(sessions.heartbeat_ms),
    }
}

impl Topology {
    /// Bounds of sessions.
    pub fn session_bounds(&self) -> SessionBounds {
        self.bounds
    }

    /// Figures of the way of signals over the last day.
    pub fn figures(&self) -> &Figures {
        &self.keeping.figures
    }

    /// Writes down what the running minute has so far, for the end of the process.
    pub async fn write_figures(&self) {
        // A failure is in the log, and costs a minute of a chart.
        let _ = figures_keeper::write(&self.keeping, true).await;
    }

    /// Starts the hub of this thread and lets it hear every commit.
    pub fn start_hub_here(
        &self,
        sessions: heliograph_actors::session_hub::LocalSessions,
    ) -> Port<HubRequest> {
        let name = format!("session_hub/{}", self.hubs.fetch_add(1, SeqCst));
        let vitals = Vitals::new(name, Kind::SessionHub, mailbox::SESSION_HUB);
        let fell_behind = Arc::new(AtomicBool::new(false));
        let hub = SessionHub::new(SessionHubMakings {
            fell_behind: fell_behind.clone(),
            routing: self.routing.clone(),
            store: self.store.clone(),
            sessions,
            bounds: self.bounds,
            now_ms: clock::now_ms,
            audience: self.audience.of_new_hub(),
            screen: self.keeping.figures.of_new_hub(),
        });
        let address = self.tree.start_here(&vitals, Exhausted::EndProcess, hub);
        let requests = Port::new(address.clone().recipient(), vitals.clone());
        self.outlets.add_hub(HubOutlet {
            committed: Port::new(address.recipient(), vitals),
            requests: requests.clone(),
            fell_behind,
        });
        requests
    }
}

/// What a feed needs beyond what the tree knows.
pub struct FeedParts {
    /// The sockets of its thread.
    pub sockets: AdminSockets,
    /// What it has to say.
    pub views: Rc<dyn FeedViews>,
    /// The process is on its way out.
    pub stopping: Arc<AtomicBool>,
    /// Limits.
    pub bounds: FeedBounds,
}

impl Topology {
    /// Starts the feed of administrators on this thread.
    pub fn start_feed_here(&self, parts: FeedParts) -> Port<FeedRequest> {
        let vitals = Vitals::new("admin_feed", Kind::AdminFeed, mailbox::ADMIN_FEED);
        let outlet = Rc::default();
        let feed = AdminFeed::new(AdminFeedMakings {
            sockets: parts.sockets,
            views: parts.views,
            notices: self.notices.clone(),
            outlets: self.outlets.clone(),
            outlet: Rc::clone(&outlet),
            stopping: parts.stopping,
            bounds: parts.bounds,
            now_ms: clock::now_ms,
        });
        let address = self.tree.start_here(&vitals, Exhausted::Park, feed);
        *outlet.borrow_mut() = Some(FeedOutlet {
            committed: Port::new(address.clone().recipient(), vitals.clone()),
            left_out: Arc::default(),
        });
        Port::new(address.recipient(), vitals)
    }
}

impl ConfigurationChanged for Topology {
    fn apply(&self) -> BoxFuture<'static, Result<(), NotApplied>> {
        let (answer, answered) = oneshot::channel();
        let asked = self
            .root
            .post(RootRequest::Reconfigure {
                asked: Instant::now(),
                answer,
            })
            .map_err(|(refused, _)| NotApplied(refused.to_string()));
        Box::pin(async move {
            asked?;
            let applied = answered
                .await
                .map_err(|_| NotApplied("the root did not answer".to_owned()))?;
            applied.map_err(|error| NotApplied(error.to_string()))
        })
    }
}

impl Running for Topology {
    fn look_at(&self, target: ChannelId) {
        self.outlets.look_at(target);
    }

    fn settled(&self) -> BoxFuture<'static, Result<(), NotApplied>> {
        let (answer, answered) = oneshot::channel();
        // Nothing is asked: the answer alone tells that everything routed before is committed or refused.
        let question = Recall {
            signals: Vec::new(),
            answer,
        };
        let asked = self
            .router
            .post(RouterRequest::Forward(StoreRequest::Recall(question)))
            .map_err(|(refused, _)| NotApplied(refused.to_string()));
        Box::pin(async move {
            asked?;
            match tokio::time::timeout(SETTLED_WITHIN, answered).await {
                Ok(Ok(Ok(_))) => Ok(()),
                _ => Err(NotApplied("the store writer did not answer".to_owned())),
            }
        })
    }

    fn mirror(&self, target: ChannelId) -> Option<MirrorSeen> {
        self.board.see(target, clock::now_ms())
    }

    fn sessions_told(&self, channel_id: ChannelId, place: Cursor) -> Option<u64> {
        self.audience.of(channel_id, place)
    }

    fn bot(&self) -> BotSeen {
        self.bot.see()
    }

    fn invalid_requests(&self) -> Option<usize> {
        let way = self.way.as_ref()?;
        Some(way.gate.invalid_count(way.clock.now_ms()))
    }

    fn refresh_bot(&self) -> BoxFuture<'static, ()> {
        let (answer, answered) = oneshot::channel();
        // Refused: nobody waits, and what is known is shown.
        let asked = self.directory.post(RefreshDirectory { answer });
        Box::pin(async move {
            if asked.is_ok() {
                let _ = answered.await;
            }
        })
    }
}
