//! `/api/mappings`, more than a change of one: copies, many at once, their order, and what was done to one before.

use super::{
    Admin, actor,
    extract::{Json, Query},
    fields::{self, Tier},
    inspection::With,
    lists::{Asked, Listed},
    mappings::{Start, make},
    rule_fields::{self, WithRules},
};
use crate::error::ApiError;
use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Path},
};
use heliograph_schema::{
    ids::{ChannelId, RoleId},
    store::{
        StoreError,
        audit::{self, AuditEntry, AuditFilter},
        mappings::{
            self, BULK_MAX, MappingChange, ORDERED_MAX, RuledMapping, ShownMapping, Versioned,
        },
    },
};
use serde::{Deserialize, Serialize};

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = MappingClone)]
#[serde(deny_unknown_fields)]
pub(super) struct Clone {
    source_channel_id: Option<ChannelId>,
    target_channel_id: Option<ChannelId>,
    /// As the original is without it.
    is_enabled: Option<bool>,
    start: Option<Start>,
}

/// A mapping at the version that was read.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = MappingAtVersion)]
#[serde(deny_unknown_fields)]
pub(super) struct Item {
    mapping_id: i64,
    version: i64,
}

/// Either `change`, or `remove`: `true`.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = MappingBulk)]
#[serde(deny_unknown_fields)]
pub(super) struct Bulk {
    /// At most 500.
    #[schema(min_items = 1, max_items = 500)]
    items: Vec<Item>,
    change: Option<RuledBulkChange>,
    remove: Option<bool>,
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = MappingBulkChange)]
#[serde(deny_unknown_fields)]
pub(super) struct BulkChange {
    tier: Option<Tier>,
    #[serde(default, deserialize_with = "fields::said")]
    #[schema(value_type = Option<RoleId>)]
    ping_role_id: Option<Option<RoleId>>,
    priority: Option<i32>,
    is_enabled: Option<bool>,
}

type RuledBulkChange = WithRules<BulkChange>;

/// All mappings of a source in their new order.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = MappingOrder)]
#[serde(deny_unknown_fields)]
pub(super) struct Order {
    source_channel_id: ChannelId,
    #[schema(min_items = 1, max_items = 2000)]
    items: Vec<Item>,
}

/// The mappings in the order of the request, as they stand now.
#[derive(Serialize, utoipa::ToSchema)]
struct Changed {
    items: Vec<With<ShownMapping>>,
}

/// Copies a mapping between other channels: rules, tier and priority, and the ping where its role is one of the target's guild.
#[utoipa::path(
    post,
    path = "/api/mappings/{mapping_id}/clone",
    request_body = Clone,
    responses((status = 201, body = With<ShownMapping>), (status = 422))
)]
pub(super) async fn clone(
    request: HttpRequest,
    admin: Data<Admin>,
    mapping_id: Path<i64>,
    body: Json<Clone>,
) -> Result<HttpResponse, ApiError> {
    let Clone {
        source_channel_id,
        target_channel_id,
        is_enabled,
        start,
    } = body.into_inner();
    let mut settings = admin
        .read(move |conn| {
            mappings::clone_settings(conn, *mapping_id, source_channel_id, target_channel_id)
        })
        .await?;
    settings.is_enabled = is_enabled.unwrap_or(settings.is_enabled);
    let made = make(&admin, actor(&request), settings, start).await?;
    Ok(HttpResponse::Created().json(made))
}

/// Makes one change of many mappings, or takes many away: all of it or nothing.
#[utoipa::path(
    post,
    path = "/api/mappings/bulk",
    request_body = Bulk,
    responses((status = 200, body = Changed), (status = 409), (status = 422))
)]
pub(super) async fn bulk(
    request: HttpRequest,
    admin: Data<Admin>,
    body: Json<Bulk>,
) -> Result<HttpResponse, ApiError> {
    let Bulk {
        items,
        change,
        remove,
    } = body.into_inner();
    let items = versioned(&items, BULK_MAX)?;
    let actor = actor(&request);
    let changed = match (change, remove.unwrap_or(false)) {
        (Some(change), false) => changed(&admin, actor, items, change).await?,
        (None, true) => {
            admin
                .change(move |conn| mappings::remove_many(conn, &actor, &items))
                .await?;
            Vec::new()
        }
        (Some(_), true) => {
            let said = "what is taken away cannot be changed: say change or remove";
            return Err(ApiError::invalid(said).field("remove"));
        }
        (None, false) => {
            return Err(ApiError::invalid("change is missing, or remove: true").field("change"));
        }
    };
    Ok(HttpResponse::Ok().json(Changed { items: changed }))
}

async fn changed(
    admin: &Admin,
    actor: String,
    items: Vec<Versioned>,
    body: WithRules<BulkChange>,
) -> Result<Vec<With<ShownMapping>>, ApiError> {
    let WithRules { own, rules } = body;
    let change = MappingChange {
        tier: own.tier.map(|Tier(tier)| tier),
        ping_role_id: own.ping_role_id,
        priority: own.priority,
        is_enabled: own.is_enabled,
        rules,
        ..MappingChange::default()
    };
    let warnings = admin.check_bulk(&items, &change).await?;
    let rows = admin
        .change(move |conn| {
            rule_fields::check(&change.rules).map_err(in_change)?;
            let rows = mappings::change_many(conn, &actor, &items, &change).map_err(in_bulk)?;
            shown(conn, &rows)
        })
        .await?;
    let with = |row: ShownMapping| {
        let warning = warnings.get(&row.target.channel_id).cloned();
        With::warning(row, warning)
    };
    Ok(rows.into_iter().map(with).collect())
}

/// Puts all mappings of a source in order: their priorities become 0, 10, 20 …
#[utoipa::path(
    post,
    path = "/api/mappings/order",
    request_body = Order,
    responses((status = 200, body = Changed), (status = 409), (status = 422))
)]
pub(super) async fn order(
    request: HttpRequest,
    admin: Data<Admin>,
    body: Json<Order>,
) -> Result<HttpResponse, ApiError> {
    let Order {
        source_channel_id,
        items,
    } = body.into_inner();
    let items = versioned(&items, ORDERED_MAX)?;
    let actor = actor(&request);
    let rows = admin
        .change(move |conn| {
            let rows = mappings::order(conn, &actor, source_channel_id, &items)?;
            shown(conn, &rows)
        })
        .await?;
    let items = rows.into_iter().map(|row| With::warning(row, None));
    Ok(HttpResponse::Ok().json(Changed {
        items: items.collect(),
    }))
}

/// What was done to a mapping, newest first; also to one that is gone.
#[utoipa::path(
    get,
    path = "/api/mappings/{mapping_id}/history",
    params(Asked),
    responses((status = 200, body = Listed<AuditEntry>))
)]
pub(super) async fn history(
    admin: Data<Admin>,
    mapping_id: Path<i64>,
    asked: Query<Asked>,
) -> Result<HttpResponse, ApiError> {
    let page = asked.page()?;
    let filter = AuditFilter {
        subject: Some(mapping_id.to_string()),
        action: Some("mapping.".to_owned()),
        ..AuditFilter::default()
    };
    let rows = admin
        .read(move |conn| audit::list_of(conn, &filter, page))
        .await?;
    Ok(HttpResponse::Ok().json(asked.answer(rows, |row| row.audit_id)?))
}

fn versioned(items: &[Item], items_max: usize) -> Result<Vec<Versioned>, ApiError> {
    if !(1..=items_max).contains(&items.len()) {
        let said = format!("items must name 1 to {items_max} mappings");
        return Err(ApiError::refused(said).field("items"));
    }
    let item = |item: &Item| Versioned {
        mapping_id: item.mapping_id,
        version: item.version,
    };
    Ok(items.iter().map(item).collect())
}

fn shown(
    conn: &mut diesel::PgConnection,
    rows: &[RuledMapping],
) -> Result<Vec<ShownMapping>, StoreError> {
    let ids: Vec<i64> = rows.iter().map(|mapping| mapping.row.mapping_id).collect();
    mappings::show(conn, &ids)
}

/// What is wrong with the change itself.
fn in_change(error: StoreError) -> StoreError {
    match error {
        StoreError::RefusedField { field, reason } => {
            StoreError::refused_field(format!("change.{field}"), reason)
        }
        other => other,
    }
}

/// A channel of a mapping is no field of this request: the item that names the mapping is at fault.
fn in_bulk(error: StoreError) -> StoreError {
    match error {
        StoreError::RefusedField { field, reason } => {
            let item = field.split('.').next().unwrap_or_default().to_owned();
            let field = if field.ends_with(".mapping_id") {
                field
            } else {
                item
            };
            StoreError::refused_field(field, reason)
        }
        other => other,
    }
}
