//! The three listeners: public, ingest, admin. Each has its own threads, so that a fan-out to sockets cannot throttle ingest,
//! and each can be firewalled by itself.

use super::{
    admin::{self, AdminThread, LiveViews, SignIns},
    admin_app,
    changes::ConfigurationChanged,
    correlation, headers, ingest,
    ingest::{Ingest, IngestLimits, message_batch::Intake},
    operators::{self, Operators, Readiness},
    pages::PictureSources,
    public::{self, Public, PublicThread},
    socket::Tuning,
};
use crate::{
    config::Config,
    error::uniform_errors,
    serve::close_within_s,
    topology::{FeedParts, Topology},
};
use actix_web::{App, HttpServer, dev::ServerHandle, middleware::from_fn, web};
use heliograph_actors::{
    admin_feed::{AdminSockets, FeedBounds},
    session_hub::{HubRequest, LocalSessions},
};
use heliograph_schema::store::Store;
use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};
use std::{
    cell::Cell,
    io,
    net::SocketAddr,
    path::Path,
    rc::Rc,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

/// Bounds of JSON bodies on the public and the admin listener.
pub const JSON_BYTES_MAX: usize = 256 * 1024;
/// Connections that may wait to be accepted: as many as a site may lose and get back at once.
const BACKLOG: u32 = 16_384;
/// Seconds, for every histogram.
const BUCKETS_S: [f64; 14] = [
    0.0002, 0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0,
];

/// The listeners at work.
pub struct Listening {
    /// Where they listen.
    pub addresses: Addresses,
    handles: Vec<ServerHandle>,
    topology: Topology,
    intake: web::Data<Intake>,
    sessions: Arc<AtomicUsize>,
    admin_sockets: Arc<AtomicUsize>,
    stopping: Arc<AtomicBool>,
}

/// Where the listeners listen.
#[derive(Debug, Clone, Copy, serde::Serialize)]
pub struct Addresses {
    /// Dashboard, API, `/live`.
    pub public: SocketAddr,
    /// Connector contract.
    pub ingest: SocketAddr,
    /// Administration and operators.
    pub admin: SocketAddr,
}

/// Binds and starts all three.
///
/// # Errors
/// When an address cannot be had.
pub async fn listen(config: &Config, store: &Store, topology: &Topology) -> io::Result<Listening> {
    let stopping = Arc::new(AtomicBool::new(false));
    let sessions = Arc::new(AtomicUsize::new(0));
    let readiness = Readiness {
        can_commit: topology.can_commit.clone(),
        stopping: stopping.clone(),
    };
    let changes: Arc<dyn ConfigurationChanged> = Arc::new(topology.clone());
    let intake = web::Data::new(Intake::new(
        topology.inlets.clone(),
        topology.writer.clone(),
        stopping.clone(),
        topology.can_commit.clone(),
        config.ingest.batches_in_flight_max,
        config.ingest.batches_in_flight_per_connector_max,
    ));
    let public = web::Data::new(Public {
        routing: topology.routing.clone(),
        store: store.clone(),
        look_ups: public::LookUps::default(),
        open_tier: config.sessions.open_tier,
        sessions: sessions.clone(),
        sessions_max: config.sessions.count_max,
        outbox_bytes_max: config.sessions.outbox_bytes_max,
        bounds: topology.session_bounds(),
        silence_max: Duration::from_millis(config.sessions.silence_ms_max),
        stopping: stopping.clone(),
    });
    let ingest = web::Data::new(Ingest::new(
        topology.routing.clone(),
        store.clone(),
        changes.clone(),
        topology.outlets.clone(),
        topology.connectors.clone(),
        topology.notices.clone(),
        IngestLimits {
            body_bytes_max: config.ingest.body_bytes_max,
            batch_items_max: config.ingest.batch_items_max,
            commit_timeout_ms: config.ingest.commit_timeout_ms,
            long_poll_s_max: config.ingest.long_poll_s_max,
        },
    ));
    let (public_address, public_handle) = serve_public(config, public, topology, &readiness)?;
    let taking_in = TakingIn {
        ingest,
        intake: intake.clone(),
    };
    let (ingest_address, ingest_handle) = serve_ingest(config, taking_in.clone(), &readiness)?;
    let admin_sockets = Arc::new(AtomicUsize::new(0));
    let (admin_address, admin_handle) = serve_admin(
        config,
        store,
        topology,
        taking_in,
        &readiness,
        &Counts {
            sessions: sessions.clone(),
            admin_sockets: admin_sockets.clone(),
        },
    )?;
    let addresses = Addresses {
        public: public_address,
        ingest: ingest_address,
        admin: admin_address,
    };
    tracing::info!(public = %addresses.public, ingest = %addresses.ingest, admin = %addresses.admin, "listening");
    let handles = vec![public_handle, ingest_handle, admin_handle];
    Ok(Listening {
        addresses,
        handles,
        topology: topology.clone(),
        intake,
        sessions,
        admin_sockets,
        stopping,
    })
}

fn threads(configured: usize) -> usize {
    if configured > 0 {
        configured
    } else {
        std::thread::available_parallelism().map_or(2, usize::from)
    }
}

fn tuning(config: &Config) -> Tuning {
    Tuning {
        send_buffer_bytes: config.public.send_buffer_bytes as usize,
        user_timeout: Duration::from_millis(config.public.user_timeout_ms.into()),
    }
}

fn serve_public(
    config: &Config,
    public: web::Data<Public>,
    topology: &Topology,
    readiness: &Readiness,
) -> io::Result<(SocketAddr, ServerHandle)> {
    let (topology, readiness) = (topology.clone(), web::Data::new(readiness.clone()));
    let pictures = web::Data::new(PictureSources(config.public.picture_sources.clone()));
    let tuning = tuning(config);
    let server = HttpServer::new(move || {
        // Runs once on each worker thread: what is made here stays there.
        let sessions = LocalSessions::default();
        let hub = topology.start_hub_here(sessions.clone());
        App::new()
            .app_data(public.clone())
            .app_data(pictures.clone())
            .app_data(readiness.clone())
            .app_data(web::Data::new(PublicThread {
                hub,
                sessions,
                next_key: Cell::new(1),
            }))
            .wrap(from_fn(correlation::correlate))
            .configure(uniform_errors(JSON_BYTES_MAX))
            .configure(operators::probes)
            .configure(public::routes)
    })
    .on_connect(move |connection, data| tuning.apply(connection, data))
    .workers(threads(config.public.threads))
    .max_connections(usize::MAX)
    .backlog(BACKLOG);
    start(server.bind(config.public.listen)?)
}

/// The way in, for connectors and for what a person sends through again.
#[derive(Clone)]
struct TakingIn {
    ingest: web::Data<Ingest>,
    intake: web::Data<Intake>,
}

fn serve_ingest(
    config: &Config,
    TakingIn { ingest, intake }: TakingIn,
    readiness: &Readiness,
) -> io::Result<(SocketAddr, ServerHandle)> {
    let readiness = web::Data::new(readiness.clone());
    let server = HttpServer::new(move || {
        App::new()
            .app_data(ingest.clone())
            .app_data(intake.clone())
            .app_data(readiness.clone())
            .wrap(from_fn(correlation::correlate))
            .configure(uniform_errors(JSON_BYTES_MAX))
            .configure(operators::probes)
            .configure(ingest::routes)
    })
    .workers(threads(config.ingest.threads));
    start(server.bind(config.ingest.listen)?)
}

/// Sockets at work.
struct Counts {
    sessions: Arc<AtomicUsize>,
    admin_sockets: Arc<AtomicUsize>,
}

fn feed_bounds(config: &Config) -> FeedBounds {
    FeedBounds {
        outbox_age_max: Duration::from_millis(config.sessions.outbox_age_ms_max),
        heartbeat: Duration::from_millis(config.sessions.heartbeat_ms),
        silence_max: Duration::from_millis(config.sessions.silence_ms_max),
    }
}

fn serve_admin(
    config: &Config,
    store: &Store,
    topology: &Topology,
    TakingIn { ingest, intake }: TakingIn,
    readiness: &Readiness,
    counts: &Counts,
) -> io::Result<(SocketAddr, ServerHandle)> {
    let metrics = recorder().map_err(io::Error::other)?;
    let operators = web::Data::new(Operators {
        tree: topology.tree.clone(),
        readiness: readiness.clone(),
        metrics,
    });
    let stopping = readiness.stopping.clone();
    let readiness = web::Data::new(readiness.clone());
    let pictures = web::Data::new(PictureSources(config.public.picture_sources.clone()));
    let admin = web::Data::new(admin::Admin {
        store: store.clone(),
        changes: Arc::new(topology.clone()),
        inspector: Some(topology.inspector.clone()),
        connectors: topology.connectors.clone(),
        running: Arc::new(topology.clone()),
        routing: topology.routing.clone(),
        token: config.admin.token.clone(),
        sign_ins: Arc::new(SignIns::new(config.admin.secure_cookie)),
        figures: topology.figures().clone(),
        notices: topology.notices.clone(),
    });
    let (topology, bounds, tuning) = (topology.clone(), feed_bounds(config), tuning(config));
    let (sessions, admin_sockets) = (counts.sessions.clone(), counts.admin_sockets.clone());
    let server = HttpServer::new(move || {
        // Runs on its one thread: what is made here stays there.
        let sockets = AdminSockets::default();
        let views = LiveViews::new(admin.get_ref().clone(), operators.clone(), sessions.clone());
        let feed = topology.start_feed_here(FeedParts {
            sockets: sockets.clone(),
            views: Rc::new(views),
            stopping: stopping.clone(),
            bounds,
        });
        App::new()
            .app_data(web::Data::new(AdminThread {
                feed,
                sockets,
                count: admin_sockets.clone(),
                stopping: stopping.clone(),
                next_key: Cell::new(1),
            }))
            .app_data(admin.clone())
            .app_data(ingest.clone())
            .app_data(intake.clone())
            .app_data(operators.clone())
            .app_data(readiness.clone())
            .app_data(pictures.clone())
            .wrap(from_fn(admin::noticing::notice))
            .wrap(from_fn(admin::access::guard))
            .wrap(from_fn(correlation::correlate))
            .wrap(from_fn(headers::protect))
            .configure(uniform_errors(JSON_BYTES_MAX))
            .configure(admin::routes)
            .configure(admin_app::routes)
    })
    .on_connect(move |connection, data| tuning.apply(connection, data))
    .workers(1);
    start(server.bind(config.admin.listen)?)
}

/// The metrics of this process; the recorder can be installed only once.
fn recorder() -> Result<PrometheusHandle, BuildError> {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    if let Some(handle) = HANDLE.get() {
        return Ok(handle.clone());
    }
    let handle = PrometheusBuilder::new()
        .set_buckets(&BUCKETS_S)?
        .install_recorder()?;
    Ok(HANDLE.get_or_init(|| handle).clone())
}

fn start<F, I, S, B>(server: HttpServer<F, I, S, B>) -> io::Result<(SocketAddr, ServerHandle)>
where
    F: Fn() -> I + Send + Clone + 'static,
    I: actix_service::IntoServiceFactory<S, actix_http::Request>,
    S: actix_service::ServiceFactory<actix_http::Request, Config = actix_web::dev::AppConfig>
        + 'static,
    S::Error: Into<actix_web::Error> + 'static,
    S::InitError: std::fmt::Debug,
    S::Response: Into<actix_http::Response<B>> + 'static,
    <S::Service as actix_service::Service<actix_http::Request>>::Future: 'static,
    S::Service: 'static,
    B: actix_web::body::MessageBody + 'static,
{
    let address = server
        .addrs()
        .first()
        .copied()
        .ok_or_else(|| io::Error::other("no address"))?;
    let running = server
        .disable_signals()
        .shutdown_timeout(close_within_s())
        .run();
    let handle = running.handle();
    actix_web::rt::spawn(running);
    Ok((address, handle))
}

impl Listening {
    /// Writes where the listeners are, whole or not at all.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write_addresses(&self, path: &Path) -> io::Result<()> {
        let Addresses {
            public,
            ingest,
            admin,
        } = self.addresses;
        let said = serde_json::json!({ "public": public, "ingest": ingest, "admin": admin, "pid": std::process::id() });
        let beside = path.with_extension("new");
        std::fs::write(&beside, said.to_string())?;
        std::fs::rename(beside, path)
    }

    /// From now on no batch and no session is taken; sessions get their farewell.
    pub fn refuse_new(&self) {
        self.stopping.store(true, SeqCst);
        self.topology.outlets.tell_hubs(|| HubRequest::Drain);
    }

    /// Nothing is in hand any more.
    pub fn is_drained(&self) -> bool {
        self.intake.in_flight() == 0
            && self.sessions.load(SeqCst) == 0
            && self.admin_sockets.load(SeqCst) == 0
    }

    /// Closes the listeners.
    pub async fn close(&self) {
        self.topology.write_figures().await;
        futures_util::future::join_all(self.handles.iter().map(|handle| handle.stop(true))).await;
    }
}
