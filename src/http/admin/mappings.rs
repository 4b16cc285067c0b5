//! `/api/mappings`: from which source channel into which target channel.

use super::{
    Admin, actor,
    extract::{Json, Query},
    fields::{self, Tier},
    inspection::With,
    lists::{Asked, Listed, plain},
    rule_fields::{self, WithRules},
};
use crate::error::ApiError;
use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Path},
};
use diesel::PgConnection;
use heliograph_schema::{
    ids::{ChannelId, RoleId},
    rules::MappingRules,
    store::{
        StoreError,
        backfill::{self, Backfilled},
        mappings::{
            self, MappingChange, MappingFilter, MappingRow, MappingSettings, MappingState,
            RuledMapping, ShownMapping,
        },
    },
};
use serde::{Deserialize, Serialize};

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = MappingCreate)]
#[serde(deny_unknown_fields)]
pub(super) struct Create {
    source_channel_id: ChannelId,
    target_channel_id: ChannelId,
    tier: Option<Tier>,
    ping_role_id: Option<RoleId>,
    priority: Option<i32>,
    is_enabled: Option<bool>,
    start: Option<Start>,
}

type RuledCreate = WithRules<Create>;

/// With which signals a mapping begins: `"now"` or `{"last":n}`.
#[derive(Debug, Clone, Copy, Deserialize, utoipa::ToSchema)]
#[schema(as = MappingStart)]
#[serde(rename_all = "snake_case")]
pub(super) enum Start {
    Now,
    Last(i64),
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = MappingBackfill)]
#[serde(deny_unknown_fields)]
pub(super) struct Last {
    /// So many signals, the latest ones.
    #[schema(minimum = 1, maximum = 1000)]
    last: i64,
}

/// What a back-fill did.
#[derive(Serialize, utoipa::ToSchema)]
struct BackfillDone {
    backfilled: usize,
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = MappingChange)]
#[serde(deny_unknown_fields)]
pub(super) struct Change {
    version: i64,
    source_channel_id: Option<ChannelId>,
    target_channel_id: Option<ChannelId>,
    tier: Option<Tier>,
    #[serde(default, deserialize_with = "fields::said")]
    #[schema(value_type = Option<RoleId>)]
    ping_role_id: Option<Option<RoleId>>,
    priority: Option<i32>,
    is_enabled: Option<bool>,
}

type RuledChange = WithRules<Change>;

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct AtVersion {
    /// The version that was read.
    version: i64,
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    /// Only of this source, by priority.
    source_channel_id: Option<ChannelId>,
    /// Only into this target.
    target_channel_id: Option<ChannelId>,
    /// Part of the name of a channel or guild, or the beginning of an id.
    q: Option<String>,
    /// Only those that stand so.
    state: Option<MappingState>,
}

/// Mappings with their rules, the names of their channels, and whether they work.
#[utoipa::path(get, path = "/api/mappings", params(Which, Asked), responses((status = 200, body = Listed<ShownMapping>)))]
pub(super) async fn list(
    admin: Data<Admin>,
    which: Query<Which>,
    asked: Query<Asked>,
) -> Result<HttpResponse, ApiError> {
    let page = asked.page()?;
    let filter = MappingFilter {
        source_channel_id: which.source_channel_id,
        target_channel_id: which.target_channel_id,
        q: plain(which.q.as_deref(), "q")?,
        state: which.state,
    };
    let (rows, filter) = admin
        .read(move |conn| Ok((mappings::list(conn, &filter, page)?, filter)))
        .await?;
    Ok(HttpResponse::Ok().json(asked.answer(rows, |shown| filter.place(&shown.mapping.row))?))
}

/// One mapping.
#[utoipa::path(get, path = "/api/mappings/{mapping_id}", responses((status = 200, body = ShownMapping)))]
pub(super) async fn show(
    admin: Data<Admin>,
    mapping_id: Path<i64>,
) -> Result<HttpResponse, ApiError> {
    let shown = admin.read(move |conn| shown(conn, *mapping_id)).await?;
    Ok(HttpResponse::Ok().json(shown))
}

fn shown(conn: &mut PgConnection, mapping_id: i64) -> Result<ShownMapping, StoreError> {
    let found = mappings::show(conn, &[mapping_id])?.pop();
    found.ok_or(StoreError::NotFound("such mapping"))
}

/// Maps a source channel into a target channel.
#[utoipa::path(
    post,
    path = "/api/mappings",
    request_body = RuledCreate,
    responses((status = 201, body = With<ShownMapping>), (status = 422))
)]
pub(super) async fn create(
    request: HttpRequest,
    admin: Data<Admin>,
    body: Json<RuledCreate>,
) -> Result<HttpResponse, ApiError> {
    let WithRules { own: body, rules } = body.into_inner();
    let settings = MappingSettings {
        source_channel_id: body.source_channel_id,
        target_channel_id: body.target_channel_id,
        tier: body.tier.map_or(0, |Tier(tier)| tier),
        ping_role_id: body.ping_role_id,
        priority: body.priority.unwrap_or(0),
        is_enabled: body.is_enabled.unwrap_or(true),
        rules: rules.applied_to(&MappingRules::default()),
    };
    let made = make(&admin, actor(&request), settings, body.start).await?;
    Ok(HttpResponse::Created().json(made))
}

/// Looks at the target, maps and fills in what is to stand there first.
pub(super) async fn make(
    admin: &Admin,
    actor: String,
    settings: MappingSettings,
    start: Option<Start>,
) -> Result<With<ShownMapping>, ApiError> {
    let warning = admin.check(&settings).await?;
    let mapping = match start.unwrap_or(Start::Now) {
        Start::Now => {
            admin
                .change(move |conn| {
                    rule_fields::compiled(&settings.rules)?;
                    let made = mappings::create(conn, &actor, &settings)?;
                    shown(conn, made.row.mapping_id)
                })
                .await?
        }
        Start::Last(last) => {
            let last = countable(last, "start.last")?;
            admin
                .to_its_end(async move |admin| {
                    let made = create_filled(&admin, actor, settings, last).await?;
                    let mapping_id = made.row.mapping_id;
                    admin.read(move |conn| shown(conn, mapping_id)).await
                })
                .await?
        }
    };
    Ok(With::warning(mapping, warning))
}

/// Maps and back-fills, so that nothing is missing between what is filled in and what comes live, and nothing live comes first.
async fn create_filled(
    admin: &Admin,
    actor: String,
    settings: MappingSettings,
    last: i64,
) -> Result<RuledMapping, ApiError> {
    let (mapping, filled) = admin
        .write(move |conn| {
            rule_fields::compiled(&settings.rules)?;
            backfill::create_mapping(conn, &actor, &settings, last)
        })
        .await?;
    let mapping_id = mapping.row.mapping_id;
    let seen_to = see_to_filled(admin, mapping.row.clone(), filled).await;
    seen_to.map_err(|error| {
        tracing::warn!(%error, mapping_id, "a mapping was made and not filled in whole");
        let sentence = format!("mapped; run a back-fill again (mapping {mapping_id}): {error}");
        ApiError::unavailable("unavailable", sentence, 1)
    })?;
    Ok(mapping)
}

/// Makes the router work by the mapping, and closes the gap between what was filled in and what comes live.
async fn see_to_filled(admin: &Admin, row: MappingRow, filled: Backfilled) -> Result<(), ApiError> {
    // Before the first live signal can come: what is old stands in front of it.
    admin.running.look_at(row.target_channel_id);
    admin.changes.apply().await?;
    admin.running.settled().await?;
    let mut keys = filled.keys.clone();
    let missed = admin
        .write(move |conn| backfill::close_gap(conn, &row, &filled))
        .await?;
    keys.extend(missed);
    admin.see_to(keys).await
}

/// Puts what the target has not seen of the latest signals behind what stands there.
#[utoipa::path(
    post,
    path = "/api/mappings/{mapping_id}/backfill",
    request_body = Last,
    responses((status = 200, body = BackfillDone), (status = 422))
)]
pub(super) async fn backfill(
    request: HttpRequest,
    admin: Data<Admin>,
    mapping_id: Path<i64>,
    body: Json<Last>,
) -> Result<HttpResponse, ApiError> {
    let (actor, last) = (actor(&request), countable(body.last, "last")?);
    let count = admin
        .to_its_end(async move |admin: Admin| {
            let keys = admin
                .write(move |conn| backfill::of_mapping(conn, &actor, *mapping_id, last))
                .await?;
            let count = keys.len();
            admin.see_to(keys).await?;
            Ok(count)
        })
        .await?;
    Ok(HttpResponse::Ok().json(BackfillDone { backfilled: count }))
}

/// How many signals a back-fill may ask for.
fn countable(last: i64, field: &str) -> Result<i64, ApiError> {
    if (1..=backfill::LAST_MAX).contains(&last) {
        return Ok(last);
    }
    let said = format!("last must be from 1 to {}", backfill::LAST_MAX);
    Err(ApiError::refused(said).field(field))
}

/// Changes a mapping; a field of rules that is `null` becomes plain.
#[utoipa::path(
    patch,
    path = "/api/mappings/{mapping_id}",
    request_body = RuledChange,
    responses((status = 200, body = With<ShownMapping>), (status = 409), (status = 422))
)]
pub(super) async fn change(
    request: HttpRequest,
    admin: Data<Admin>,
    mapping_id: Path<i64>,
    body: Json<RuledChange>,
) -> Result<HttpResponse, ApiError> {
    let WithRules { own: body, rules } = body.into_inner();
    let change = MappingChange {
        source_channel_id: body.source_channel_id,
        target_channel_id: body.target_channel_id,
        tier: body.tier.map(|Tier(tier)| tier),
        ping_role_id: body.ping_role_id,
        priority: body.priority,
        is_enabled: body.is_enabled,
        rules,
    };
    let warning = admin.check_change(*mapping_id, &change).await?;
    let (actor, version) = (actor(&request), body.version);
    let row = admin
        .change(move |conn| {
            rule_fields::check(&change.rules)?;
            mappings::change(conn, &actor, *mapping_id, version, &change)?;
            shown(conn, *mapping_id)
        })
        .await?;
    Ok(HttpResponse::Ok().json(With::warning(row, warning)))
}

/// Takes a mapping away. What was mirrored by it stays.
#[utoipa::path(delete, path = "/api/mappings/{mapping_id}", params(AtVersion), responses((status = 204), (status = 409)))]
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
