//! `/api/dead-letters` and what a person decides about deliveries: put them back, drop them, restore them.

use super::{Admin, actor, fields::Name, lists::Asked};
use crate::error::ApiError;
use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Json, Query},
};
use heliograph_schema::{
    ids::ChannelId,
    store::{
        dead_letters,
        decisions::{self, Changed, NAMED_MAX, PutBack, Which},
        delivery_list::DeliveryKey,
    },
};
use serde::Deserialize;
use serde_json::json;

#[derive(Debug, Deserialize)]
pub(super) struct OfTarget {
    target_channel_id: Option<ChannelId>,
}

/// Which deliveries: exactly one of the three.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Meant {
    items: Option<Vec<DeliveryKey>>,
    target_channel_id: Option<ChannelId>,
    all: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Drop {
    items: Vec<DeliveryKey>,
    reason: Name,
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
        return Err(ApiError::refused(format!(
            "items must be from 1 to {NAMED_MAX}"
        )));
    }
    items.sort_unstable_by_key(|key| (key.signal_id, key.target_channel_id));
    items.dedup();
    Ok(items)
}

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

pub(super) async fn redrive(
    request: HttpRequest,
    admin: Data<Admin>,
    meant: Json<Meant>,
) -> Result<HttpResponse, ApiError> {
    let changed = put_back(&request, &admin, PutBack::DeadLetters, meant.into_inner()).await?;
    Ok(HttpResponse::Ok().json(json!({ "redriven": changed.keys.len(), "more": changed.more })))
}

pub(super) async fn restore(
    request: HttpRequest,
    admin: Data<Admin>,
    meant: Json<Meant>,
) -> Result<HttpResponse, ApiError> {
    let changed = put_back(&request, &admin, PutBack::Dropped, meant.into_inner()).await?;
    Ok(HttpResponse::Ok().json(json!({ "restored": changed.keys.len(), "more": changed.more })))
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
    Ok(HttpResponse::Ok().json(json!({ "dropped": changed.keys.len() })))
}
