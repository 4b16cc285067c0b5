//! For operators: health, readiness, metrics, the actor tree. Each listener answers health and readiness; the rest is on the
//! admin listener, registered with its other routes.

use crate::error::ApiError;
use actix_web::{HttpResponse, web};
use heliograph_actors::{
    supervision::Tree,
    vitals::{ActorReport, Kind, LifeState},
};
use metrics_exporter_prometheus::PrometheusHandle;
use serde::Serialize;
use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};

/// An actor that does not answer in this time is shown as stuck.
const PATIENCE: Duration = Duration::from_millis(300);

/// Whether and why the process can or cannot do its work.
#[derive(Clone)]
pub struct Readiness {
    /// The store writer can commit.
    pub can_commit: Arc<AtomicBool>,
    /// The process is on its way out.
    pub stopping: Arc<AtomicBool>,
}

impl Readiness {
    /// `None` when ready, else the reason.
    pub fn why_not(&self) -> Option<&'static str> {
        if self.stopping.load(SeqCst) {
            Some("the server stops")
        } else if !self.can_commit.load(SeqCst) {
            Some("the store writer has no database")
        } else {
            None
        }
    }
}

/// What the routes work with.
pub struct Operators {
    /// Every actor.
    pub tree: Tree,
    /// See there.
    pub readiness: Readiness,
    /// Every metric.
    pub metrics: PrometheusHandle,
}

impl Operators {
    /// The tree now.
    pub(crate) async fn actors(&self) -> Actors {
        let why_not = self.readiness.why_not();
        Actors {
            at_ms: crate::clock::now_ms(),
            ready: why_not.is_none(),
            not_ready_reason: why_not,
            actors: self.tree.observe(PATIENCE).await,
        }
    }
}

/// How the process is.
#[derive(Serialize, utoipa::ToSchema)]
struct Health {
    ok: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    reason: Option<&'static str>,
}

/// The tree at one moment.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct Actors {
    at_ms: i64,
    ready: bool,
    not_ready_reason: Option<&'static str>,
    actors: Vec<ActorReport>,
}

/// Whether the process lives.
#[utoipa::path(get, path = "/healthz", security(()), responses((status = 200, body = Health)))]
pub(crate) async fn healthz() -> HttpResponse {
    HttpResponse::Ok().json(Health {
        ok: true,
        reason: None,
    })
}

/// Whether it can commit.
#[utoipa::path(
    get,
    path = "/readyz",
    security(()),
    responses((status = 200, body = Health), (status = 503, body = Health, description = "It cannot, for this reason."))
)]
pub(crate) async fn readyz(readiness: web::Data<Readiness>) -> HttpResponse {
    let reason = readiness.why_not();
    let health = Health {
        ok: reason.is_none(),
        reason,
    };
    match reason {
        None => HttpResponse::Ok().json(health),
        Some(_) => HttpResponse::ServiceUnavailable().json(health),
    }
}

/// Every actor: its life, its mailbox, and its own word on itself.
#[utoipa::path(get, path = "/debug/actors", responses((status = 200, body = Actors)))]
pub(crate) async fn actors(operators: web::Data<Operators>) -> HttpResponse {
    HttpResponse::Ok().json(operators.actors().await)
}

/// Starts a parked actor again.
#[utoipa::path(post, path = "/api/actors/{name}/unpark", responses((status = 204)))]
pub(crate) async fn unpark(
    operators: web::Data<Operators>,
    name: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    if operators.tree.unpark(&name) {
        tracing::info!(actor = %name, "unparked by an operator");
        return Ok(HttpResponse::NoContent().finish());
    }
    Err(ApiError::not_found("parked actor of this name"))
}

/// Every metric, as Prometheus reads it.
#[utoipa::path(get, path = "/metrics", responses((status = 200, body = String, content_type = "text/plain")))]
pub(crate) async fn metrics(operators: web::Data<Operators>) -> HttpResponse {
    sum_up_actors(&operators.tree);
    HttpResponse::Ok()
        .content_type("text/plain; version=0.0.4; charset=utf-8")
        .body(operators.metrics.render())
}

/// Gauges of the tree, by kind of actor and not by name, so that they stay few.
fn sum_up_actors(tree: &Tree) {
    #[derive(Default)]
    struct Sum {
        count: u32,
        parked: u32,
        depth: usize,
        deepest: usize,
    }
    let mut sums: HashMap<Kind, Sum> = HashMap::new();
    for vitals in tree.vitals() {
        let sum = sums.entry(vitals.kind).or_default();
        sum.count += 1;
        sum.parked += u32::from(vitals.state() == LifeState::Parked);
        sum.depth += vitals.depth();
        sum.deepest = sum.deepest.max(vitals.depth());
    }
    for (kind, sum) in sums {
        metrics::gauge!("heliograph_actors", "kind" => kind.word()).set(sum.count);
        metrics::gauge!("heliograph_actors_parked", "kind" => kind.word()).set(sum.parked);
        metrics::gauge!("heliograph_mailbox_depth_sum", "kind" => kind.word())
            .set(sum.depth as f64);
        metrics::gauge!("heliograph_mailbox_depth_max", "kind" => kind.word())
            .set(sum.deepest as f64);
    }
}

/// Health and readiness, on the listeners without a table of their own.
pub fn probes(config: &mut web::ServiceConfig) {
    config
        .route("/healthz", web::get().to(healthz))
        .route("/readyz", web::get().to(readyz));
}
