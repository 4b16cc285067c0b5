//! Connectors and routing snapshots for the tests of this listener.

use heliograph_actors::routing::{
    ChannelRole, Connector, DiscoveryRequest, Mapping, RoutingTable, ThreadMode,
};
use std::{collections::HashMap, sync::Arc};

/// A connector of the tenant `tenant`, whose token is `token-of-<its id>`.
pub(super) fn connector(connector_id: &str) -> Connector {
    Connector {
        connector_id: connector_id.to_owned(),
        tenant_key: "tenant".to_owned(),
        token_hash: crate::token::hash(&format!("token-of-{connector_id}")),
        previous_token: None,
        is_paused: false,
        ingest_enabled: true,
        forward_enabled: false,
        config_version: 7,
        discovery: DiscoveryRequest::default(),
        roles: HashMap::new(),
    }
}

/// A role of the channel with this number in the guild with that number.
pub(super) fn role(channel: i64, guild: i64, is_source: bool) -> ChannelRole {
    ChannelRole {
        channel_id: heliograph_schema::ids::ChannelId::new(channel).expect("a test's id"),
        guild_id: heliograph_schema::ids::GuildId::new(guild).expect("a test's id"),
        is_source,
        is_target: !is_source,
        is_enabled: true,
        thread_mode: ThreadMode::Include,
    }
}

/// A mapping from one channel into another.
pub(super) fn mapping(source: i64, target: i64, priority: i32) -> Mapping {
    Mapping {
        mapping_id: source * 1000 + target,
        source_channel_id: heliograph_schema::ids::ChannelId::new(source).expect("a test's id"),
        target_channel_id: heliograph_schema::ids::ChannelId::new(target).expect("a test's id"),
        tier: 0,
        ping_role_id: None,
        rule_set_id: None,
        priority,
    }
}

/// A snapshot of these connectors.
pub(super) fn table(connectors: impl IntoIterator<Item = Connector>) -> RoutingTable {
    let mut table = RoutingTable::default();
    for connector in connectors {
        let connector = Arc::new(connector);
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
    table
}
