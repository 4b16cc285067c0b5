//! Reads the routing snapshot from the tables. The only place where rows of the configuration become routing; a row that makes
//! no sense is an error, since a router that leaves it out would lose signals silently.

use crate::markup_core::Names;
use crate::routing::{
    ChannelRole, Connector, DiscoveryRequest, Mapping, PreviousToken, RoutingTable, SourceChannel,
    ThreadMode,
};
use diesel::pg::PgConnection;
use heliograph_schema::store::{
    StoreError,
    channel_roles::ChannelRoleRow,
    connectors::{ConnectorRow, TokenHashes},
    mappings::MappingRow,
    routing::{self, RoutingRows, SourceRow},
};
use std::{collections::HashMap, sync::Arc};

/// Reads the whole snapshot as it stands at one moment; `version` is the caller's count of its swaps.
pub fn load(conn: &mut PgConnection, version: u64) -> Result<RoutingTable, StoreError> {
    table(routing::load(conn)?, version)
}

fn table(rows: RoutingRows, version: u64) -> Result<RoutingTable, StoreError> {
    let mut roles: HashMap<String, Vec<ChannelRole>> = HashMap::new();
    for row in &rows.roles {
        roles
            .entry(row.connector_id.clone())
            .or_default()
            .push(role(row)?);
    }
    let mut table = RoutingTable {
        version,
        targets: rows.targets,
        rule_sets: rows.rule_sets.into_iter().collect(),
        names: Arc::new(Names {
            channels: rows.channel_names.into_iter().collect(),
            ..Names::default()
        }),
        ..RoutingTable::default()
    };
    for (row, hashes) in rows.connectors {
        let roles = roles.remove(&row.connector_id).unwrap_or_default();
        let connector = Arc::new(connector(row, &hashes, roles)?);
        let previous = connector.previous_token.map(|previous| previous.hash);
        for hash in previous.into_iter().chain([connector.token_hash]) {
            table
                .connector_by_token
                .insert(hash, Arc::clone(&connector));
        }
        table
            .connectors
            .insert(connector.connector_id.clone(), connector);
    }
    table.sources = rows
        .sources
        .into_iter()
        .map(|row| (row.channel_id, Arc::new(source(row))))
        .collect();
    for row in rows.mappings {
        table
            .mappings
            .entry(row.source_channel_id)
            .or_default()
            .push(mapping(&row));
    }
    Ok(table)
}

fn role(row: &ChannelRoleRow) -> Result<ChannelRole, StoreError> {
    let thread_mode = ThreadMode::from_word(&row.thread_mode).ok_or_else(|| {
        StoreError::Corrupt(format!(
            "channel {} has the thread mode {}",
            row.channel_id, row.thread_mode
        ))
    })?;
    Ok(ChannelRole {
        channel_id: row.channel_id,
        guild_id: row.guild_id,
        is_source: row.is_source,
        is_target: row.is_target,
        is_enabled: row.is_enabled,
        thread_mode,
    })
}

fn connector(
    row: ConnectorRow,
    hashes: &TokenHashes,
    roles: Vec<ChannelRole>,
) -> Result<Connector, StoreError> {
    let digest = |hash: &[u8]| {
        hash.try_into().map_err(|_| {
            StoreError::Corrupt(format!(
                "a token hash of connector {} is no SHA-256",
                row.connector_id
            ))
        })
    };
    let token_hash = digest(&hashes.current)?;
    let previous_token = match (&hashes.previous, row.previous_token_until) {
        (Some(hash), Some(until)) => Some(PreviousToken {
            hash: digest(hash)?,
            until_ms: until.timestamp_millis(),
        }),
        _ => None,
    };
    Ok(Connector {
        connector_id: row.connector_id,
        tenant_key: row.tenant_key,
        token_hash,
        previous_token,
        is_paused: row.is_paused,
        ingest_enabled: row.ingest_enabled,
        forward_enabled: row.forward_enabled,
        config_version: row.config_version,
        discovery: DiscoveryRequest {
            version: row.discovery_request_version,
            guild_id: row.discovery_guild_id,
            requested_at_ms: row.discovery_requested_at.map(|at| at.timestamp_millis()),
        },
        roles: roles
            .into_iter()
            .map(|role| (role.channel_id, role))
            .collect(),
    })
}

fn source(row: SourceRow) -> SourceChannel {
    SourceChannel {
        channel_id: row.channel_id,
        name: row.name.unwrap_or_else(|| row.channel_id.to_string()),
        guild_id: row.guild_id,
        guild_name: row.guild_name.unwrap_or_else(|| row.guild_id.to_string()),
        min_tier: row.min_tier,
    }
}

fn mapping(row: &MappingRow) -> Mapping {
    Mapping {
        mapping_id: row.mapping_id,
        source_channel_id: row.source_channel_id,
        target_channel_id: row.target_channel_id,
        tier: row.tier,
        ping_role_id: row.ping_role_id,
        rule_set_id: row.rule_set_id,
        priority: row.priority,
    }
}
