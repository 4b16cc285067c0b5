//! The public listener: who a viewer is, what it may see, the live socket, the page. Every route reads the routing snapshot
//! and the tables; none of them changes a signal.

mod channels;
mod live;
mod session_cookie;
mod viewer;

pub use live::PublicThread;
pub use viewer::LookUps;

use crate::error::no_such_route;
use actix_web::web;
use heliograph_actors::{routing::RoutingTable, session_hub::SessionBounds};
use heliograph_schema::store::Store;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize},
    },
    time::Duration,
};
use tokio::sync::watch;

/// What the routes of this listener work with, shared by its threads.
pub struct Public {
    /// Connectors, channels and mappings as they are now.
    pub routing: watch::Receiver<Arc<RoutingTable>>,
    /// Session tokens and history.
    pub store: Store,
    /// Turns of session tokens.
    pub look_ups: LookUps,
    /// The tier of visitors without a token; `None`: they must have one.
    pub open_tier: Option<i16>,
    /// Sessions over all threads.
    pub sessions: Arc<AtomicUsize>,
    /// Sessions that may be.
    pub sessions_max: usize,
    /// Bytes queued for one session.
    pub outbox_bytes_max: usize,
    /// See there.
    pub bounds: SessionBounds,
    /// Nothing heard from a client for so long: it is cut.
    pub silence_max: Duration,
    /// No new sessions.
    pub stopping: Arc<AtomicBool>,
}

/// The routes of the listener.
pub fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/live", web::get().to(live::get))
        .route("/api/session", web::post().to(session_cookie::post))
        .route("/api/session", web::delete().to(session_cookie::delete))
        .route("/api/me", web::get().to(viewer::get))
        .route("/api/channels", web::get().to(channels::list))
        .route(
            "/api/channels/{channel_id}/signals",
            web::get().to(channels::signals),
        )
        .configure(crate::http::pages::routes("live"))
        .default_service(web::to(no_such_route));
}
