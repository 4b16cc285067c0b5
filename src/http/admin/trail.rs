//! `/api/signals/{signal_id}/trail`: what became of one signal, everywhere.

use super::Admin;
use crate::error::ApiError;
use actix_web::{
    HttpResponse,
    web::{Data, Path},
};
use heliograph_schema::{
    ids::SignalId,
    store::trail::{self, Trail},
};

/// What became of one signal, everywhere.
#[utoipa::path(get, path = "/api/signals/{signal_id}/trail", responses((status = 200, body = Trail)))]
pub(super) async fn show(
    admin: Data<Admin>,
    signal_id: Path<SignalId>,
) -> Result<HttpResponse, ApiError> {
    let signal_id = signal_id.into_inner();
    let mut trail = admin
        .store
        .read(move |conn| trail::of(conn, signal_id))
        .await?;
    for revision in &mut trail.committed {
        let channel_id = trail.signal.source_channel_id;
        revision.sessions = admin.running.sessions_told(channel_id, revision.place);
    }
    Ok(HttpResponse::Ok().json(trail))
}
