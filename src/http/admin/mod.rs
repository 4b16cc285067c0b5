//! The admin listener: configuration and what to look at when something is wrong. One file per subject. Every change goes
//! through the store, which checks and audits it, and is answered when the running router works by it.
//!
//! [`routes`] holds no check of who asks: the listener wraps [`access::guard`] around all its routes.

pub mod access;
mod channels;
mod connectors;
mod fields;
mod lists;
mod mappings;
mod records;
mod roles;
mod session_tokens;
mod targets;

use crate::{config::Secret, error::ApiError, http::changes::ConfigurationChanged};
use actix_web::{HttpRequest, web};
use diesel::PgConnection;
use heliograph_actors::{messages::Inspect, port::Port};
use heliograph_schema::store::{Store, StoreError};
use std::{fmt, sync::Arc};

/// What the routes of this listener work with.
#[derive(Clone)]
pub struct Admin {
    /// Where the configuration is.
    pub store: Store,
    /// Who makes the router work by it.
    pub changes: Arc<dyn ConfigurationChanged>,
    /// Looks at target channels; `None`: nothing is known of them.
    pub inspector: Option<Port<Inspect>>,
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

    /// Commits a change and waits until the router works by it.
    async fn change<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut PgConnection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let changed = self.store.run(work).await?;
        self.changes.apply().await?;
        Ok(changed)
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
            "/api/targets/{target_channel_id}/inspect",
            web::post().to(targets::inspect),
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
