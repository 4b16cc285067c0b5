//! `/api/mappings`: from which source channel into which target channel.

use super::{
    Admin, actor,
    fields::{self, Tier},
    lists::Asked,
    targets::With,
};
use crate::error::ApiError;
use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Json, Path, Query},
};
use heliograph_schema::{
    ids::{ChannelId, RoleId},
    store::mappings::{self, MappingChange, MappingSettings},
};
use serde::Deserialize;
use serde_json::Value;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Create {
    source_channel_id: ChannelId,
    target_channel_id: ChannelId,
    tier: Option<Tier>,
    ping_role_id: Option<RoleId>,
    priority: Option<i32>,
    is_enabled: Option<bool>,
    filters_json: Option<Value>,
    transform_json: Option<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Change {
    version: i64,
    source_channel_id: Option<ChannelId>,
    target_channel_id: Option<ChannelId>,
    tier: Option<Tier>,
    #[serde(default, deserialize_with = "fields::said")]
    ping_role_id: Option<Option<RoleId>>,
    priority: Option<i32>,
    is_enabled: Option<bool>,
    filters_json: Option<Value>,
    transform_json: Option<Value>,
}

#[derive(Debug, Deserialize)]
pub(super) struct AtVersion {
    version: i64,
}

/// A filter that is stored and not evaluated would let through what somebody meant to keep back.
fn refuse_unevaluated(filters: Option<&Value>, transform: Option<&Value>) -> Result<(), ApiError> {
    let says_something = |value: &&Value| match value {
        Value::Null => false,
        Value::String(text) => !text.trim().is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        Value::Bool(_) | Value::Number(_) => true,
    };
    if [filters, transform]
        .into_iter()
        .flatten()
        .any(|value| says_something(&value))
    {
        return Err(ApiError::refused(
            "filters and transforms are not evaluated yet",
        ));
    }
    Ok(())
}

pub(super) async fn list(
    admin: Data<Admin>,
    asked: Query<Asked>,
) -> Result<HttpResponse, ApiError> {
    let page = asked.page()?;
    let rows = admin.read(move |conn| mappings::list(conn, page)).await?;
    Ok(HttpResponse::Ok().json(asked.answer(rows, |row| row.mapping_id)?))
}

pub(super) async fn create(
    request: HttpRequest,
    admin: Data<Admin>,
    body: Json<Create>,
) -> Result<HttpResponse, ApiError> {
    refuse_unevaluated(body.filters_json.as_ref(), body.transform_json.as_ref())?;
    let settings = MappingSettings {
        source_channel_id: body.source_channel_id,
        target_channel_id: body.target_channel_id,
        tier: body.tier.map_or(0, |Tier(tier)| tier),
        ping_role_id: body.ping_role_id,
        priority: body.priority.unwrap_or(0),
        is_enabled: body.is_enabled.unwrap_or(true),
    };
    let warning = admin.check(&settings).await?;
    let actor = actor(&request);
    let row = admin
        .change(move |conn| mappings::create(conn, &actor, &settings))
        .await?;
    Ok(HttpResponse::Created().json(With::warning(row, warning)))
}

pub(super) async fn change(
    request: HttpRequest,
    admin: Data<Admin>,
    mapping_id: Path<i64>,
    body: Json<Change>,
) -> Result<HttpResponse, ApiError> {
    refuse_unevaluated(body.filters_json.as_ref(), body.transform_json.as_ref())?;
    let change = MappingChange {
        source_channel_id: body.source_channel_id,
        target_channel_id: body.target_channel_id,
        tier: body.tier.map(|Tier(tier)| tier),
        ping_role_id: body.ping_role_id,
        priority: body.priority,
        is_enabled: body.is_enabled,
    };
    let warning = admin.check_change(*mapping_id, &change).await?;
    let (actor, version) = (actor(&request), body.version);
    let row = admin
        .change(move |conn| mappings::change(conn, &actor, *mapping_id, version, &change))
        .await?;
    Ok(HttpResponse::Ok().json(With::warning(row, warning)))
}

pub(super) async fn remove(
    request: HttpRequest,
    admin: Data<Admin>,
    mapping_id: Path<i64>,
    at: Query<AtVersion>,
) -> Result<HttpResponse, ApiError> {
    let (actor, version) = (actor(&request), at.version);
    admin
        .change(move |conn| mappings::remove(conn, &actor, *mapping_id, version))
        .await?;
    Ok(HttpResponse::NoContent().finish())
}
