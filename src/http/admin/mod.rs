//! The admin listener: configuration and what to look at when something is wrong. One file per subject. Every change goes
//! through the store, which checks and audits it, and is answered when the running router works by it.
//!
//! [`routes`] holds no check of who asks: the listener wraps [`access::guard`] around all its routes.

pub mod access;
mod bot;
mod channels;
mod connectors;
mod deliveries;
mod dry_run;
mod extract;
mod fields;
mod inspection;
mod lists;
mod mappings;
mod offers;
pub mod openapi;
mod records;
mod roles;
mod routes;
mod rule_fields;
mod session_tokens;
mod targets;
mod trail;

pub use routes::routes;

use crate::{
    config::Secret,
    error::ApiError,
    http::{changes::ConfigurationChanged, running::Running},
};
use actix_web::HttpRequest;
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

#[cfg(test)]
mod tests;
