//! The configuration to the byte, the ETag's comparison, and the long poll, without a clock.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::http::ingest::fixture;
use actix_web::http::header::{HeaderName, HeaderValue};
use futures_util::FutureExt as _;
use heliograph_actors::routing::{DiscoveryRequest, PreviousToken};
use heliograph_schema::rules::MappingRules;
use serde_json::json;
use std::{
    cell::Cell,
    future::{pending, ready},
};

fn connector() -> Connector {
    let mut connector = fixture::connector("c1");
    for role in [
        fixture::role(30, 2, false),
        fixture::role(20, 1, true),
        fixture::role(10, 1, true),
    ] {
        connector.roles.insert(role.channel_id, role);
    }
    connector
}

fn table(connector: Connector) -> RoutingTable {
    let mut table = fixture::table([connector, fixture::connector("c2")]);
    for mapping in [
        fixture::mapping(20, 31, 0),
        fixture::mapping(20, 30, 5),
        fixture::mapping(99, 30, 0),
        fixture::mapping(30, 31, 0),
    ] {
        table
            .mappings
            .entry(mapping.source_channel_id)
            .or_default()
            .push(mapping);
    }
    table
}

#[test]
fn the_configuration_is_the_contracts() {
    let table = table(connector());
    let config = serde_json::to_string(&runtime_config(&table.connectors["c1"], &table)).unwrap();
    let expected = concat!(
        r#"{"connector_id":"c1","tenant_key":"tenant","status":"active","config_version":7,"ingest_enabled":true,"forward_enabled":false,"#,
        r#""sources":[{"guild_id":"1","channel_id":"10","is_source":true,"is_target":false,"thread_mode":"include","is_enabled":true},"#,
        r#"{"guild_id":"1","channel_id":"20","is_source":true,"is_target":false,"thread_mode":"include","is_enabled":true},"#,
        r#"{"guild_id":"2","channel_id":"30","is_source":false,"is_target":true,"thread_mode":"include","is_enabled":true}],"#,
        r#""mappings":[{"source_channel_id":"20","target_channel_id":"31","priority":0},{"source_channel_id":"20","target_channel_id":"30","priority":5}]}"#,
    );
    assert_eq!(config, expected);
}

#[test]
fn rules_are_told_as_the_contract_names_them_and_plain_ones_not_at_all() {
    let mut table = table(connector());
    let rules = |json| serde_json::from_value::<MappingRules>(json).unwrap();
    table.rule_sets = [
        (
            1,
            rules(
                json!({ "filters_json": { "keywords_any": ["btc"] }, "author_style": "name_line" }),
            ),
        ),
        (2, rules(json!({ "transform_json": { "prefix": "> " } }))),
    ]
    .into();
    let mapped = table
        .mappings
        .get_mut(&ChannelId::new(20).unwrap())
        .unwrap();
    (mapped[0].rule_set_id, mapped[1].rule_set_id) = (Some(1), Some(2));
    let config = serde_json::to_value(runtime_config(&table.connectors["c1"], &table)).unwrap();
    let expected = json!([
        { "source_channel_id": "20", "target_channel_id": "31", "priority": 0, "filters_json": { "keywords_any": ["btc"] } },
        { "source_channel_id": "20", "target_channel_id": "30", "priority": 5, "transform_json": { "prefix": "> " } },
    ]);
    assert_eq!(config["mappings"], expected);
}

#[test]
fn a_discovery_request_shows_once_it_was_made_and_moves_only_its_half_of_the_etag() {
    let mut connector = connector();
    assert_eq!(etag(&connector), "W/\"7:0\"");
    connector.is_paused = true;
    connector.discovery = DiscoveryRequest {
        version: 3,
        guild_id: None,
        requested_at_ms: Some(1_795_255_200_000),
    };
    assert_eq!(etag(&connector), "W/\"7:3\"");
    let asked_for = |connector: &Connector| {
        serde_json::to_value(runtime_config(connector, &RoutingTable::default())).unwrap()
    };
    let config = asked_for(&connector);
    assert_eq!(config["status"], "paused");
    assert_eq!(
        config["discovery_request"],
        json!({"version": 3, "guild_id": null, "requested_at": 1_795_255_200_000_i64})
    );
    connector.discovery.guild_id = GuildId::new(9);
    assert_eq!(asked_for(&connector)["discovery_request"]["guild_id"], "9");
}

fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.append(
        HeaderName::from_static("authorization"),
        HeaderValue::from_static("Bearer token-of-c1"),
    );
    for (name, value) in lines {
        headers.append(
            HeaderName::from_static(name),
            HeaderValue::from_str(value).unwrap(),
        );
    }
    headers
}

#[test]
fn an_etag_is_known_in_a_list_weakly_or_by_a_star() {
    let table = [
        ("W/\"7:0\"", true),
        ("\"7:0\"", true),
        ("*", true),
        ("\"a\", W/\"7:0\" ,\"b\"", true),
        ("W/\"7:1\"", false),
        ("W/\"17:0\"", false),
        ("7:0", false),
        ("", false),
    ];
    for (value, known) in table {
        assert_eq!(
            is_known(&headers(&[("if-none-match", value)]), "W/\"7:0\""),
            known,
            "{value}"
        );
    }
    assert!(!is_known(&headers(&[]), "W/\"7:0\""));
    assert!(is_known(
        &headers(&[("if-none-match", "\"x\""), ("if-none-match", "W/\"7:0\"")]),
        "W/\"7:0\""
    ));
}

#[test]
fn the_first_etag_of_ours_says_what_the_connector_has() {
    for (value, expected) in [
        ("W/\"7:3\"", Some((7, 3))),
        ("\"7:0\"", Some((7, 0))),
        ("\"a\", W/\"8:1\", W/\"7:0\"", Some((8, 1))),
        ("*", None),
        ("W/\"7\"", None),
        ("7:3", None),
        ("W/\"7:x\"", None),
        ("W/\"99999999999999999999:1\"", None),
        ("", None),
    ] {
        let headers = headers(&[("if-none-match", value)]);
        assert_eq!(in_hand(&headers), expected, "{value}");
    }
    assert_eq!(in_hand(&headers(&[])), None);
}

/// What the clock of a poll says.
const NOW_MS: i64 = 1_795_255_200_000;

type Polled = Result<(i64, bool), &'static str>;

async fn poll_for(
    headers: &HeaderMap,
    tenant_key: &str,
    routing: &watch::Receiver<Arc<RoutingTable>>,
    patience: impl Future<Output = ()>,
) -> Polled {
    let asked = Asked {
        headers,
        connector_id: "c1",
        tenant_key,
    };
    let outcome = poll(&asked, routing.clone(), patience, || NOW_MS).await;
    outcome
        .map(|(_, connector, is_new)| (connector.config_version, is_new))
        .map_err(|error| error.error_code())
}

#[tokio::test]
async fn a_poll_answers_at_once_unless_it_may_wait() {
    let (_swap, routing) = watch::channel(Arc::new(table(connector())));
    let known = headers(&[("if-none-match", "W/\"7:0\"")]);
    let (unknown, nobody) = (headers(&[]), HeaderMap::new());
    let at_once =
        |headers, tenant_key| poll_for(headers, tenant_key, &routing, pending()).now_or_never();
    assert_eq!(at_once(&unknown, "tenant"), Some(Ok((7, true))));
    assert_eq!(at_once(&known, "other"), Some(Err("forbidden")));
    assert_eq!(at_once(&known, ""), Some(Err("forbidden")));
    assert_eq!(at_once(&nobody, "tenant"), Some(Err("unauthorized")));
    assert_eq!(at_once(&known, "tenant"), None);
    assert_eq!(
        poll_for(&known, "tenant", &routing, ready(())).await,
        Ok((7, false))
    );
}

/// What a waiting poll answers as soon as the snapshot becomes this; `None` when it goes on waiting.
fn after_swap(change: impl FnOnce(&mut Connector)) -> Option<Polled> {
    let (swap, routing) = watch::channel(Arc::new(table(connector())));
    let known = headers(&[("if-none-match", "W/\"7:0\"")]);
    let mut waiting = std::pin::pin!(poll_for(&known, "tenant", &routing, pending()));
    assert_eq!(waiting.as_mut().now_or_never(), None);
    let mut changed = connector();
    change(&mut changed);
    swap.send_replace(Arc::new(table(changed)));
    waiting.now_or_never()
}

#[tokio::test]
async fn a_waiting_poll_ends_with_what_concerns_it() {
    assert_eq!(after_swap(|c| c.config_version = 8), Some(Ok((8, true))));
    assert_eq!(after_swap(|c| c.discovery.version = 1), Some(Ok((7, true))));
    assert_eq!(
        after_swap(|c| c.token_hash = [0; 32]),
        Some(Err("unauthorized"))
    );
    assert_eq!(after_swap(|_| {}), None);
}

#[tokio::test]
async fn a_token_that_ends_while_a_poll_waits_ends_the_wait() {
    let known = headers(&[("if-none-match", "W/\"7:0\"")]);
    let asked = Asked {
        headers: &known,
        connector_id: "c1",
        tenant_key: "tenant",
    };
    // How long the token has, whether the patience is over, what the poll hears.
    for (left_ms, is_over, expected) in [
        (3, false, Err("unauthorized")),
        (60_000, true, Ok(false)),
        (0, false, Err("unauthorized")),
        (0, true, Err("unauthorized")),
    ] {
        let mut connector = connector();
        connector.token_hash = [0; 32];
        connector.previous_token = Some(PreviousToken {
            hash: crate::token::hash("token-of-c1"),
            until_ms: NOW_MS + left_ms,
        });
        let (_swap, routing) = watch::channel(Arc::new(table(connector)));
        // A millisecond passes between two looks at the clock.
        let clock = Cell::new(NOW_MS);
        let patience = async move {
            if !is_over {
                pending::<()>().await;
            }
        };
        let outcome = poll(&asked, routing, patience, || clock.replace(clock.get() + 1)).await;
        let heard = outcome
            .map(|(_, _, is_new)| is_new)
            .map_err(|error| error.error_code());
        assert_eq!(heard, expected, "{left_ms} {is_over}");
    }
}

#[tokio::test]
async fn a_stop_ends_the_wait() {
    let (swap, routing) = watch::channel(Arc::new(table(connector())));
    let known = headers(&[("if-none-match", "*")]);
    drop(swap);
    assert_eq!(
        poll_for(&known, "tenant", &routing, pending()).await,
        Ok((7, false))
    );
}
