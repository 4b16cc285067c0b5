//! `heliograph raw …` and `heliograph quarantine …`: what connectors sent, as it came, and the items that could not be taken.

use super::{
    Failure, Shown,
    client::{Client, query, segment},
    show::{self, Columns},
};
use clap::{Subcommand, ValueEnum};
use reqwest::Method;
use serde_json::{Value, json};

const RAW_EVENTS: Columns = &[
    ("EVENT", "raw_event_id"),
    ("RECEIVED", "received_at_ms"),
    ("CONNECTOR", "connector_id"),
    ("KIND", "kind"),
    ("BYTES", "bytes"),
    ("CORRELATION", "correlation_id"),
];

pub(super) const QUARANTINE: Columns = &[
    ("ITEM", "quarantine_id"),
    ("RECEIVED", "received_at_ms"),
    ("CONNECTOR", "connector_id"),
    ("KIND", "kind"),
    ("OUTCOME", "outcome"),
    ("DONE", "done_at_ms"),
    ("REASON", "reason"),
];

const REPLAYED: Columns = &[
    ("ITEM", "quarantine_id"),
    ("OUTCOME", "outcome"),
    ("REASON", "reason"),
];

/// Items that one request may name.
const ITEMS_MAX: usize = 100;

#[derive(Debug, Subcommand)]
pub(super) enum Raw {
    /// Bodies that connectors sent, newest first
    List {
        /// Of this connector
        #[arg(long)]
        connector: Option<String>,
        /// Of this kind
        #[arg(long, value_enum)]
        kind: Option<Kind>,
        /// So many at most
        #[arg(long, value_name = "N", default_value_t = 100)]
        last: usize,
    },
    /// One body
    Show { raw_event_id: String },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Kind {
    MessageBatch,
    Thread,
    ChannelGuildSync,
}

#[derive(Debug, Subcommand)]
pub(super) enum Quarantine {
    /// Newest first
    List {
        /// Of this connector
        #[arg(long)]
        connector: Option<String>,
        /// Only what waits, or only what is done
        #[arg(long, value_enum)]
        state: Option<State>,
        /// So many at most
        #[arg(long, value_name = "N", default_value_t = 100)]
        last: usize,
    },
    /// Take items as if their connector sent them now
    Replay {
        #[arg(required = true)]
        quarantine_ids: Vec<i64>,
    },
    /// Mark items as done without taking them
    Drop {
        #[arg(required = true)]
        quarantine_ids: Vec<i64>,
        /// Why, for the audit
        #[arg(long)]
        reason: String,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum State {
    Open,
    Done,
}

fn word(value: &impl ValueEnum) -> Option<String> {
    value
        .to_possible_value()
        .map(|value| value.get_name().to_owned())
}

pub(super) async fn raw(client: &Client, command: Raw) -> Result<Shown, Failure> {
    match command {
        Raw::List {
            connector,
            kind,
            last,
        } => {
            let kind = kind.as_ref().and_then(word);
            let path = query(
                "/api/raw-events",
                &[
                    ("connector_id", connector.as_deref()),
                    ("kind", kind.as_deref()),
                ],
            );
            Ok(show::rows(RAW_EVENTS, client.first(&path, last).await?))
        }
        Raw::Show { raw_event_id } => {
            let path = format!("/api/raw-events/{}", segment(&raw_event_id));
            let json = client.get(&path).await?;
            let table = show::row(RAW_EVENTS, json.clone()).text;
            let cut = if json["is_cut"] == true {
                "\n(only its beginning)"
            } else {
                ""
            };
            let body = readable(json["body"].as_str().unwrap_or_default());
            Ok(Shown {
                text: format!("{table}\n{body}{cut}"),
                json,
            })
        }
    }
}

/// JSON with its lines apart; what is none, as it came but for what could steer a terminal.
fn readable(body: &str) -> String {
    match serde_json::from_str::<Value>(body) {
        Ok(json) => format!("{json:#}"),
        Err(_) => body
            .chars()
            .map(|c| if c.is_control() && c != '\n' { ' ' } else { c })
            .collect(),
    }
}

pub(super) async fn quarantine(client: &Client, command: Quarantine) -> Result<Shown, Failure> {
    match command {
        Quarantine::List {
            connector,
            state,
            last,
        } => {
            let state = state.as_ref().and_then(word);
            let path = query(
                "/api/quarantine",
                &[
                    ("connector_id", connector.as_deref()),
                    ("state", state.as_deref()),
                ],
            );
            Ok(show::rows(QUARANTINE, client.first(&path, last).await?))
        }
        Quarantine::Replay { quarantine_ids } => {
            let mut results = Vec::new();
            for items in quarantine_ids.chunks(ITEMS_MAX) {
                let body = json!({ "items": items });
                let mut answer = client
                    .ask(Method::POST, "/api/quarantine/replay", Some(body))
                    .await?;
                if let Value::Array(more) = answer["results"].take() {
                    results.extend(more);
                }
            }
            Ok(show::rows(REPLAYED, results))
        }
        Quarantine::Drop {
            quarantine_ids,
            reason,
        } => {
            let mut dropped = 0;
            for items in quarantine_ids.chunks(ITEMS_MAX) {
                let body = json!({ "items": items, "reason": reason });
                let answer = client
                    .ask(Method::POST, "/api/quarantine/drop", Some(body))
                    .await?;
                dropped += answer["dropped"].as_u64().unwrap_or(0);
            }
            Ok(Shown {
                json: json!({ "dropped": dropped }),
                text: format!("{dropped} dropped"),
            })
        }
    }
}
