//! The admin listener: configuration and what to look at when something is wrong. One file per subject. Every change goes
//! through the store, which checks and audits it, and is answered when the running router works by it.
//!
//! [`routes`] holds no check of who asks: the listener wraps [`access::guard`] around all its routes.

pub mod access;
mod audit;
mod bot;
mod channels;
mod configuration;
mod connectors;
mod deliveries;
mod dry_run;
mod extract;
mod fields;
mod figures;
mod guilds;
mod inspection;
mod lists;
mod live;
mod mapping_bulk;
mod mappings;
pub mod noticing;
mod offers;
pub mod openapi;
mod quarantine;
mod raw_events;
mod records;
mod roles;
mod routes;
mod rule_fields;
mod session;
mod session_tokens;
mod sign_ins;
mod signals;
mod targets;
mod trail;

pub use live::AdminThread;
pub(in crate::http) use live::views::LiveViews;
pub use routes::routes;
pub use sign_ins::SignIns;

use crate::{
    config::Secret,
    error::ApiError,
    http::{changes::ConfigurationChanged, running::Running},
};
use actix_web::HttpRequest;
use diesel::PgConnection;
use heliograph_actors::{
    connector_board::ConnectorBoard, figures::Figures, messages::Inspect, noticeboard::Noticeboard,
    port::Port, routing::RoutingTable,
};
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
    /// What connectors said and sent.
    pub connectors: ConnectorBoard,
    /// The actors at work.
    pub running: Arc<dyn Running>,
    /// What the running router works by.
    pub routing: watch::Receiver<Arc<RoutingTable>>,
    /// What every request must bring; `None`: only this machine can ask.
    pub token: Option<Secret>,
    /// Browsers that signed in with it.
    pub sign_ins: Arc<SignIns>,
    /// Figures of the way of signals over the last day.
    pub figures: Figures,
    /// Where it is said what was changed.
    pub notices: Noticeboard,
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
        let (admin, notices) = (self.clone(), self.notices.clone());
        let carried = noticing::carried(notices, async move { work(admin).await });
        actix_web::rt::spawn(carried)
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
