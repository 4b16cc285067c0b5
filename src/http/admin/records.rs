//! What happened: items that were not taken, changes that were made, and where deliveries stand.

use super::{Admin, lists::Asked};
use crate::error::ApiError;
use actix_web::{
    HttpResponse,
    web::{Data, Query},
};
use heliograph_schema::{
    ids::ChannelId,
    store::{
        audit,
        delivery_list::{self, DeliveryFilter, DeliveryState},
        quarantine,
    },
};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
pub(super) struct WhichDeliveries {
    target_channel_id: Option<ChannelId>,
    state: Option<DeliveryState>,
}

pub(super) async fn quarantine(
    admin: Data<Admin>,
    asked: Query<Asked>,
) -> Result<HttpResponse, ApiError> {
    let page = asked.page()?;
    let rows = admin.read(move |conn| quarantine::list(conn, page)).await?;
    Ok(HttpResponse::Ok().json(asked.answer(rows, |row| row.quarantine_id)?))
}

pub(super) async fn audit(
    admin: Data<Admin>,
    asked: Query<Asked>,
) -> Result<HttpResponse, ApiError> {
    let page = asked.page()?;
    let rows = admin.read(move |conn| audit::list(conn, page)).await?;
    Ok(HttpResponse::Ok().json(asked.answer(rows, |row| row.audit_id)?))
}

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
