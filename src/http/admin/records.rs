//! Where deliveries stand.

use super::{
    Admin,
    extract::Query,
    lists::{Asked, Listed},
};
use crate::error::ApiError;
use actix_web::{HttpResponse, web::Data};
use heliograph_schema::{
    ids::ChannelId,
    store::delivery_list::{self, DeliveryFilter, DeliveryListRow, DeliveryState},
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
