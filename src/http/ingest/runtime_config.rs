//! What a connector must know: its switches, its channels, their mappings, and whether an admin wishes to see guilds or
//! channels. Built from the routing snapshot alone; a poll costs no query, and a long poll waits for the snapshot to move. What a
//! connector asks with says what it works by and which discovery request it has read.

use super::{
    Ingest, answer,
    auth::{self, Authenticated},
};
use crate::{clock, error::ApiError, http::correlation::CorrelationId};
use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, HeaderMap},
    web,
};
use heliograph_actors::routing::{Connector, Mapping, RoutingTable};
use heliograph_schema::{
    ids::{ChannelId, GuildId},
    rules::{Filters, Transform},
};
use serde::{Deserialize, Serialize};
use std::{sync::Arc, time::Duration};
use tokio::sync::watch;

/// `config` of the contract.
#[derive(Debug, Serialize)]
pub struct RuntimeConfig<'a> {
    connector_id: &'a str,
    tenant_key: &'a str,
    status: &'static str,
    config_version: i64,
    ingest_enabled: bool,
    forward_enabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    discovery_request: Option<Discovery>,
    sources: Vec<Source>,
    mappings: Vec<MappedTo<'a>>,
}

#[derive(Debug, Serialize)]
struct Discovery {
    version: i64,
    guild_id: Option<GuildId>,
    requested_at: Option<i64>,
}

#[derive(Debug, Serialize)]
struct Source {
    guild_id: GuildId,
    channel_id: ChannelId,
    is_source: bool,
    is_target: bool,
    thread_mode: &'static str,
    is_enabled: bool,
}

#[derive(Debug, Serialize)]
struct MappedTo<'a> {
    source_channel_id: ChannelId,
    target_channel_id: ChannelId,
    #[serde(skip_serializing_if = "Option::is_none")]
    filters_json: Option<&'a Filters>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transform_json: Option<&'a Transform>,
    priority: i32,
}

/// The configuration of `connector` by this snapshot, in an order that depends on nothing else.
pub fn runtime_config<'a>(connector: &'a Connector, table: &'a RoutingTable) -> RuntimeConfig<'a> {
    let mut roles: Vec<_> = connector.roles.values().collect();
    roles.sort_by_key(|role| (role.guild_id, role.channel_id));
    let sources = roles.iter().filter(|role| role.is_source);
    let mappings = sources
        .filter_map(|role| table.mappings.get(&role.channel_id))
        .flatten();
    RuntimeConfig {
        connector_id: &connector.connector_id,
        tenant_key: &connector.tenant_key,
        status: if connector.is_paused {
            "paused"
        } else {
            "active"
        },
        config_version: connector.config_version,
        ingest_enabled: connector.ingest_enabled,
        forward_enabled: connector.forward_enabled,
        discovery_request: discovery(connector),
        mappings: mappings.map(|mapping| mapped_to(mapping, table)).collect(),
        sources: roles
            .iter()
            .map(|role| Source {
                guild_id: role.guild_id,
                channel_id: role.channel_id,
                is_source: role.is_source,
                is_target: role.is_target,
                thread_mode: role.thread_mode.word(),
                is_enabled: role.is_enabled,
            })
            .collect(),
    }
}

/// Filters that let everything pass, and transforms that change nothing, are not mentioned.
fn mapped_to<'a>(mapping: &Mapping, table: &'a RoutingTable) -> MappedTo<'a> {
    let rules = mapping.rule_set_id.and_then(|id| table.rule_sets.get(&id));
    let (filters, transform) = rules
        .map(|rules| (&rules.filters, &rules.transform))
        .unzip();
    MappedTo {
        source_channel_id: mapping.source_channel_id,
        target_channel_id: mapping.target_channel_id,
        filters_json: filters.filter(|filters| **filters != Filters::default()),
        transform_json: transform.filter(|transform| **transform != Transform::default()),
        priority: mapping.priority,
    }
}

/// Absent until an admin has asked for the first time.
fn discovery(connector: &Connector) -> Option<Discovery> {
    let asked = connector.discovery;
    (asked.version > 0).then_some(Discovery {
        version: asked.version,
        guild_id: asked.guild_id,
        requested_at: asked.requested_at_ms,
    })
}

/// Moves when either version moves, and never else.
pub fn etag(connector: &Connector) -> String {
    format!(
        "W/\"{}:{}\"",
        connector.config_version, connector.discovery.version
    )
}

/// Whether one of the `If-None-Match` headers names this ETag. Compared weakly, as a GET may.
fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let lists = headers
        .get_all(header::IF_NONE_MATCH)
        .filter_map(|value| value.to_str().ok());
    lists
        .flat_map(|list| list.split(','))
        .any(|tag| tag.trim() == "*" || opaque(tag) == opaque(etag))
}

/// The versions that the connector has in hand: those of the first ETag of ours among its `If-None-Match` headers.
fn in_hand(headers: &HeaderMap) -> Option<(i64, i64)> {
    let tags = headers
        .get_all(header::IF_NONE_MATCH)
        .filter_map(|value| value.to_str().ok())
        .flat_map(|list| list.split(','));
    tags.filter_map(|tag| {
        let opaque = tag.trim().trim_start_matches("W/");
        let (config, discovery) = opaque
            .strip_prefix('"')?
            .strip_suffix('"')?
            .split_once(':')?;
        Some((config.parse().ok()?, discovery.parse().ok()?))
    })
    .next()
}

#[derive(Debug, Default, Deserialize)]
struct Query {
    tenant_key: Option<String>,
    wait: Option<String>,
}

#[derive(Serialize)]
struct Body<'a> {
    config: RuntimeConfig<'a>,
}

/// `GET /connectors/{connector_id}/runtime-config`.
pub(super) async fn get(
    ingest: web::Data<Ingest>,
    connector_id: web::Path<String>,
    request: HttpRequest,
    correlation_id: CorrelationId,
) -> HttpResponse {
    let query = web::Query::<Query>::from_query(request.query_string())
        .map(web::Query::into_inner)
        .unwrap_or_default();
    let asked = Asked {
        headers: request.headers(),
        connector_id: &connector_id,
        tenant_key: query.tenant_key.as_deref().unwrap_or_default(),
    };
    let wait_s = query
        .wait
        .and_then(|wait| wait.parse().ok())
        .unwrap_or(0)
        .min(ingest.limits.long_poll_s_max);
    // What it asks with is known now, and not only when a long wait is over.
    let table = Arc::clone(&ingest.routing.borrow());
    if let Ok(connector) = asked
        .by_whom(&table, clock::now_ms())
        .map(|who| who.connector)
    {
        note(&ingest, &connector, asked.headers);
    }
    let patience = tokio::time::sleep(Duration::from_secs(wait_s));
    let outcome = poll(&asked, ingest.routing.clone(), patience, clock::now_ms).await;
    match outcome {
        Err(error) => error.answer(&correlation_id),
        Ok((table, connector, is_new)) => {
            ingest.heard_from(&connector.connector_id);
            let etag = etag(&connector);
            let mut response = if is_new {
                ingest.has_read_discovery(&connector.connector_id, connector.discovery.version);
                answer::done(
                    &Body {
                        config: runtime_config(&connector, &table),
                    },
                    &correlation_id,
                )
            } else {
                HttpResponse::NotModified().finish()
            };
            if let Ok(value) = header::HeaderValue::from_str(&etag) {
                response.headers_mut().insert(header::ETAG, value);
            }
            response
        }
    }
}

/// Who asks, and for what.
struct Asked<'a> {
    headers: &'a HeaderMap,
    connector_id: &'a str,
    tenant_key: &'a str,
}

impl Asked<'_> {
    fn by_whom(&self, table: &RoutingTable, now_ms: i64) -> Result<Authenticated, ApiError> {
        let who = auth::authenticate(self.headers, table, now_ms)?;
        auth::belongs(&who.connector, self.tenant_key, self.connector_id)?;
        Ok(who)
    }
}

/// What the connector says with its question.
fn note(ingest: &Ingest, connector: &Connector, headers: &HeaderMap) {
    ingest.heard_from(&connector.connector_id);
    if let Some((config_version, discovery_version)) = in_hand(headers) {
        let place = ingest.board.place(&connector.connector_id);
        place.asks_with(config_version, connector.config_version);
        if discovery_version <= connector.discovery.version {
            ingest.has_read_discovery(&connector.connector_id, discovery_version);
        }
    }
}

/// Waits until the connector has something new to read, at the longest until `patience` is over. Whoever rotates the token ends the
/// wait with a 401: the token is looked up again with every snapshot, and when its time is over.
async fn poll(
    asked: &Asked<'_>,
    mut routing: watch::Receiver<Arc<RoutingTable>>,
    patience: impl Future<Output = ()>,
    now_ms: impl Fn() -> i64,
) -> Result<(Arc<RoutingTable>, Arc<Connector>, bool), ApiError> {
    let mut patience = std::pin::pin!(patience);
    loop {
        let table = Arc::clone(&routing.borrow_and_update());
        let Authenticated {
            connector,
            until_ms,
        } = asked.by_whom(&table, now_ms())?;
        let is_new = !is_known(asked.headers, &etag(&connector));
        if is_new {
            return Ok((table, connector, is_new));
        }
        let moved = tokio::select! {
            biased;
            changed = routing.changed() => changed.is_ok(),
            () = token_ends(until_ms, &now_ms) => true,
            () = &mut patience => false,
        };
        // The time is over, or the process stops.
        if !moved {
            return Ok((table, connector, is_new));
        }
    }
}

/// Resolves when the time of the token is over; never for one that stands.
async fn token_ends(until_ms: Option<i64>, now_ms: impl Fn() -> i64) {
    let Some(until_ms) = until_ms else {
        return std::future::pending().await;
    };
    let left_ms = until_ms.saturating_sub(now_ms());
    tokio::time::sleep(Duration::from_millis(u64::try_from(left_ms).unwrap_or(0))).await;
}

#[cfg(test)]
mod tests;
