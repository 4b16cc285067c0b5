//! What happened: items that were not taken, changes that were made, and where deliveries stand.

use super::{
    Admin,
    extract::Query,
    lists::{Asked, Listed},
};
use crate::error::ApiError;
use actix_web::{HttpResponse, web::Data};
use heliograph_schema::{
    ids::ChannelId,
    store::{
        audit::{self, AuditEntry},
        delivery_list::{self, DeliveryFilter, DeliveryListRow, DeliveryState},
        quarantine::{self, QuarantinedRow},
    },
};
use serde::Deserialize;

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct WhichDeliveries {
    /// Only those into this channel.
    target_channel_id: Option<ChannelId>,
    /// Only those that stand so.
    state: Option<DeliveryState>,
}

/// Items of connectors that could not be taken, newest first.
#[utoipa::path(get, path = "/api/quarantine", params(Asked), responses((status = 200, body = Listed<QuarantinedRow>)))]
pub(super) async fn quarantine(
    admin: Data<Admin>,
    asked: Query<Asked>,
) -> Result<HttpResponse, ApiError> {
    let page = asked.page()?;
    let rows = admin.read(move |conn| quarantine::list(conn, page)).await?;
    Ok(HttpResponse::Ok().json(asked.answer(rows, |row| row.quarantine_id)?))
}

/// Who changed what, newest first.
#[utoipa::path(get, path = "/api/audit", params(Asked), responses((status = 200, body = Listed<AuditEntry>)))]
pub(super) async fn audit(
    admin: Data<Admin>,
    asked: Query<Asked>,
) -> Result<HttpResponse, ApiError> {
    let page = asked.page()?;
    let rows = admin.read(move |conn| audit::list(conn, page)).await?;
    Ok(HttpResponse::Ok().json(asked.answer(rows, |row| row.audit_id)?))
}

/// Where deliveries stand.
#[utoipa::path(
    get,
    path = "/api/deliveries",
    params(WhichDeliveries, Asked),
    responses((status = 200, body = Listed<DeliveryListRow>))
)]
pub(super) async fn deliveries(
    admin: Data<Admin>,
    which: Query<WhichDeliveries>,
    asked: Query<Asked>,
) -> Result<HttpResponse, ApiError> {
    let page = asked.page()?;
    let filter = DeliveryFilter {
        target_channel_id: which.target_channel_id,
        state: which.state,
    };
    let rows = admin
        .read(move |conn| delivery_list::list(conn, filter, page))
        .await?;
    Ok(HttpResponse::Ok().json(asked.answer(rows, |row| row.place())?))
}
