//! `/api/dead-letters` and what a person decides about deliveries: put them back, drop them, restore them.

use super::{
    Admin, actor,
    extract::{Json, Query},
    fields::Name,
    lists::{Asked, Listed},
};
use crate::error::ApiError;
use actix_web::{HttpRequest, HttpResponse, web::Data};
use heliograph_schema::{
    ids::ChannelId,
    store::{
        dead_letters::{self, DeadLetter},
        decisions::{self, Changed, NAMED_MAX, PutBack, Which},
        delivery_list::DeliveryKey,
    },
};
use serde::{Deserialize, Serialize};

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct OfTarget {
    /// Only those into this channel.
    target_channel_id: Option<ChannelId>,
}

/// Which deliveries: exactly one of the three.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[schema(as = DeliveriesMeant)]
#[serde(deny_unknown_fields)]
pub(super) struct Meant {
    #[schema(min_items = 1, max_items = 500)]
    items: Option<Vec<DeliveryKey>>,
    target_channel_id: Option<ChannelId>,
    all: Option<bool>,
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = DeliveriesDrop)]
#[serde(deny_unknown_fields)]
pub(super) struct Drop {
    #[schema(min_items = 1, max_items = 500)]
    items: Vec<DeliveryKey>,
    reason: Name,
}

/// What a redrive did.
#[derive(Serialize, utoipa::ToSchema)]
struct Redriven {
    redriven: usize,
    /// More of what was meant is left: ask again.
    more: bool,
}

/// What a restore did.
#[derive(Serialize, utoipa::ToSchema)]
struct Restored {
    restored: usize,
    /// More of what was meant is left: ask again.
    more: bool,
}

/// What a drop did.
#[derive(Serialize, utoipa::ToSchema)]
struct Dropped {
    dropped: usize,
}

impl Meant {
    fn which(self) -> Result<Which, ApiError> {
        match (self.items, self.target_channel_id, self.all) {
            (Some(items), None, None) => Ok(Which::Named(named(items)?)),
            (None, Some(target), None) => Ok(Which::OfTarget(target)),
            (None, None, Some(true)) => Ok(Which::All),
            _ => Err(ApiError::refused(
                "say one of items, target_channel_id and all: true",
            )),
        }
    }
}

/// Bounded and each once.
fn named(mut items: Vec<DeliveryKey>) -> Result<Vec<DeliveryKey>, ApiError> {
    if !(1..=NAMED_MAX).contains(&items.len()) {
        let said = format!("items must be from 1 to {NAMED_MAX}");
        return Err(ApiError::refused(said).field("items"));
    }
    items.sort_unstable_by_key(|key| (key.signal_id, key.target_channel_id));
    items.dedup();
    Ok(items)
}

/// Deliveries that were given up.
#[utoipa::path(get, path = "/api/dead-letters", params(OfTarget, Asked), responses((status = 200, body = Listed<DeadLetter>)))]
pub(super) async fn dead_letters(
    admin: Data<Admin>,
    of: Query<OfTarget>,
    asked: Query<Asked>,
) -> Result<HttpResponse, ApiError> {
    let (page, target) = (asked.page()?, of.target_channel_id);
    let rows = admin
        .read(move |conn| dead_letters::list(conn, target, page))
        .await?;
    Ok(HttpResponse::Ok().json(asked.answer(rows, |row| row.place())?))
}

/// Puts dead letters back: at most 1,000 a request. What is put back pings nobody.
#[utoipa::path(
    post,
    path = "/api/dead-letters/redrive",
    request_body = Meant,
    responses((status = 200, body = Redriven), (status = 404), (status = 409), (status = 422))
)]
pub(super) async fn redrive(
    request: HttpRequest,
    admin: Data<Admin>,
    meant: Json<Meant>,
) -> Result<HttpResponse, ApiError> {
    let changed = put_back(&request, &admin, PutBack::DeadLetters, meant.into_inner()).await?;
    Ok(HttpResponse::Ok().json(Redriven {
        redriven: changed.keys.len(),
        more: changed.more,
    }))
}

/// Puts back what was dropped: at most 1,000 a request. It pings nobody.
#[utoipa::path(
    post,
    path = "/api/deliveries/restore",
    request_body = Meant,
    responses((status = 200, body = Restored), (status = 404), (status = 409), (status = 422))
)]
pub(super) async fn restore(
    request: HttpRequest,
    admin: Data<Admin>,
    meant: Json<Meant>,
) -> Result<HttpResponse, ApiError> {
    let changed = put_back(&request, &admin, PutBack::Dropped, meant.into_inner()).await?;
    Ok(HttpResponse::Ok().json(Restored {
        restored: changed.keys.len(),
        more: changed.more,
    }))
}

async fn put_back(
    request: &HttpRequest,
    admin: &Admin,
    what: PutBack,
    meant: Meant,
) -> Result<Changed, ApiError> {
    let (actor, which) = (actor(request), meant.which()?);
    admin
        .to_its_end(async move |admin: Admin| {
            let changed = admin
                .write(move |conn| decisions::put_back(conn, &actor, what, &which))
                .await?;
            admin.see_to(changed.keys.clone()).await?;
            Ok(changed)
        })
        .await
}

/// Drops deliveries, pending or dead: they are never tried again, and what stands in Discord stays.
#[utoipa::path(
    post,
    path = "/api/deliveries/drop",
    request_body = Drop,
    responses((status = 200, body = Dropped), (status = 404), (status = 409), (status = 422))
)]
pub(super) async fn drop_named(
    request: HttpRequest,
    admin: Data<Admin>,
    body: Json<Drop>,
) -> Result<HttpResponse, ApiError> {
    let Drop { items, reason } = body.into_inner();
    let (actor, items) = (actor(&request), named(items)?);
    let changed = admin
        .to_its_end(async move |admin: Admin| {
            let changed = admin
                .write(move |conn| decisions::drop_named(conn, &actor, &items, &reason.0))
                .await?;
            admin.look_at(&changed.keys);
            Ok(changed)
        })
        .await?;
    Ok(HttpResponse::Ok().json(Dropped {
        dropped: changed.keys.len(),
    }))
}
