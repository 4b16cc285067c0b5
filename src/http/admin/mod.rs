//! The admin listener: configuration and what to look at when something is wrong. One file per subject. Every change goes
//! through the store, which checks and audits it, and is answered when the running router works by it.
//!
//! [`routes`] holds no check of who asks: the listener wraps [`access::guard`] around all its routes.

pub mod access;
mod channels;
mod connectors;
mod deliveries;
mod dry_run;
mod fields;
mod inspection;
mod lists;
mod mappings;
mod records;
mod roles;
mod rule_fields;
mod session_tokens;
mod targets;
mod trail;

use crate::{
    config::Secret,
    error::ApiError,
    http::{changes::ConfigurationChanged, running::Running},
};
use actix_web::{HttpRequest, web};
use diesel::PgConnection;
use heliograph_actors::{messages::Inspect, port::Port, routing::RoutingTable};
use heliograph_schema::{
    ids::ChannelId,
    store::{Store, StoreError, decisions, delivery_list::DeliveryKey},
};
use std::{collections::BTreeSet, fmt, sync::Arc};
use tokio::sync::watch;

/// What the routes of this listener work with.
#[derive(Clone)]
pub struct Admin {
    /// Where the configuration is.
    pub store: Store,
    /// Who makes the router work by it.
    pub changes: Arc<dyn ConfigurationChanged>,
    /// Looks at target channels; `None`: nothing is known of them.
    pub inspector: Option<Port<Inspect>>,
    /// The actors at work.
    pub running: Arc<dyn Running>,
    /// What the running router works by.
    pub routing: watch::Receiver<Arc<RoutingTable>>,
    /// What every request must bring; `None`: only this machine can ask.
    pub token: Option<Secret>,
}

impl fmt::Debug for Admin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admin")
            .field("store", &self.store)
            .field("token", &self.token)
            .finish_non_exhaustive()
    }
}

impl Admin {
    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut PgConnection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, ApiError> {
        Ok(self.store.run(work).await?)
    }

    /// Commits what the router does not work by.
    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut PgConnection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, ApiError> {
        Ok(self.store.run(work).await?)
    }

    /// Commits a change and waits until the router works by it.
    async fn change<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut PgConnection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, ApiError> {
        self.to_its_end(async move |admin: Self| {
            let changed = admin.store.run(work).await?;
            admin.changes.apply().await?;
            Ok(changed)
        })
        .await
    }

    /// Does this to its end even when the client goes away meanwhile: what is committed is also seen to.
    async fn to_its_end<T: 'static>(
        &self,
        work: impl AsyncFnOnce(Self) -> Result<T, ApiError> + 'static,
    ) -> Result<T, ApiError> {
        let admin = self.clone();
        actix_web::rt::spawn(async move { work(admin).await })
            .await
            .unwrap_or_else(|error| Err(ApiError::internal(&error)))
    }

    /// The mirrors of these deliveries look at their rows.
    fn look_at(&self, keys: &[DeliveryKey]) {
        let targets: BTreeSet<ChannelId> = keys.iter().map(|key| key.target_channel_id).collect();
        for target in targets {
            self.running.look_at(target);
        }
    }

    /// After deliveries were made or put back: their mirrors look, and an edit that was being committed meanwhile, which did not
    /// see them, is raised.
    async fn see_to(&self, keys: Vec<DeliveryKey>) -> Result<(), ApiError> {
        if keys.is_empty() {
            return Ok(());
        }
        self.look_at(&keys);
        self.running.settled().await?;
        let (raised, missed) = self
            .write(move |conn| Ok((decisions::raise_missed(conn, &keys)?, keys)))
            .await?;
        if raised > 0 {
            self.look_at(&missed);
        }
        Ok(())
    }
}

/// Who the audit says it was: there is one token, so the address tells the most.
fn actor(request: &HttpRequest) -> String {
    request.peer_addr().map_or_else(
        || "admin".to_owned(),
        |address| format!("admin@{}", address.ip()),
    )
}

/// The routes of the configuration and of the lists.
pub fn routes(service: &mut web::ServiceConfig) {
    let connector = "/api/connectors/{connector_id}";
    service
        .route("/api/connectors", web::get().to(connectors::list))
        .route("/api/connectors", web::post().to(connectors::create))
        .route(connector, web::patch().to(connectors::change))
        .route(
            &format!("{connector}/rotate"),
            web::post().to(connectors::rotate),
        )
        .route(
            &format!("{connector}/discovery"),
            web::post().to(connectors::discover),
        )
        .route(&format!("{connector}/channels"), web::get().to(roles::list))
        .route(
            &format!("{connector}/channels/{{channel_id}}"),
            web::put().to(roles::put),
        )
        .route("/api/channels", web::get().to(channels::list))
        .route(
            "/api/channels/{channel_id}/visibility",
            web::put().to(channels::set_visibility),
        )
        .route("/api/mappings", web::get().to(mappings::list))
        .route("/api/mappings", web::post().to(mappings::create))
        .route(
            "/api/mappings/{mapping_id}",
            web::patch().to(mappings::change),
        )
        .route(
            "/api/mappings/{mapping_id}",
            web::delete().to(mappings::remove),
        )
        .route(
            "/api/mappings/{mapping_id}/backfill",
            web::post().to(mappings::backfill),
        )
        .route("/api/targets", web::get().to(targets::list))
        .route(
            "/api/targets/{target_channel_id}/pause",
            web::post().to(targets::pause),
        )
        .route(
            "/api/targets/{target_channel_id}/resume",
            web::post().to(targets::resume),
        )
        .route(
            "/api/targets/{target_channel_id}/inspect",
            web::post().to(inspection::inspect),
        )
        .route(
            "/api/targets/{target_channel_id}/reconcile",
            web::post().to(targets::reconcile),
        )
        .route(
            "/api/targets/{target_channel_id}/reconcile/cancel",
            web::post().to(targets::cancel_reconciliation),
        )
        .route(
            "/api/targets/{target_channel_id}/reconciliations",
            web::get().to(targets::reconciliations),
        )
        .route("/api/dead-letters", web::get().to(deliveries::dead_letters))
        .route(
            "/api/dead-letters/redrive",
            web::post().to(deliveries::redrive),
        )
        .route(
            "/api/deliveries/drop",
            web::post().to(deliveries::drop_named),
        )
        .route(
            "/api/deliveries/restore",
            web::post().to(deliveries::restore),
        )
        .route("/api/signals/{signal_id}/trail", web::get().to(trail::show))
        .route("/api/mappings/dry-run", web::post().to(dry_run::unsaved))
        .route(
            "/api/mappings/{mapping_id}/dry-run",
            web::get().to(dry_run::saved),
        )
        .route("/api/session-tokens", web::get().to(session_tokens::list))
        .route(
            "/api/session-tokens",
            web::post().to(session_tokens::create),
        )
        .route(
            "/api/session-tokens/{session_token_id}",
            web::delete().to(session_tokens::revoke),
        )
        .route("/api/quarantine", web::get().to(records::quarantine))
        .route("/api/audit", web::get().to(records::audit))
        .route("/api/deliveries", web::get().to(records::deliveries));
}

#[cfg(test)]
mod tests;
