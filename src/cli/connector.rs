//! `heliograph connector …`.

use super::{
    Failure, Shown,
    client::{Client, segment},
    show::{self, CONNECTORS, Columns},
};
use clap::{Subcommand, ValueEnum};
use reqwest::Method;
use serde_json::{Value, json};

const GUILDS: Columns = &[
    ("GUILD", "guild_id"),
    ("NAME", "name"),
    ("CHANNELS", "channels"),
    ("SOURCES", "sources"),
    ("TARGETS", "targets"),
    ("SEEN", "seen_at_ms"),
    ("GONE", "gone_at_ms"),
];

const DISCOVERY: Columns = &[
    ("DISCOVERY", "state"),
    ("GUILD", "guild_id"),
    ("NAME", "guild_name"),
    ("REQUESTED", "requested_at_ms"),
    ("TOOK MS", "took_ms"),
    ("GUILDS", "guilds"),
    ("CHANNELS", "channels"),
];

const STANDING: Columns = &[
    ("CONFIG APPLIED", "is_applied"),
    ("LAG MS", "lag_ms"),
    ("EVENTS/S", "events_per_s"),
    ("EVENTS", "events"),
    ("BATCHES", "batches"),
    ("REJECTED", "rejected"),
    ("LAST BATCH", "last_batch_at_ms"),
];

#[derive(Debug, Subcommand)]
pub(super) enum Connector {
    /// Make a connector known and print its token, once
    Create {
        /// Its id: A-Z a-z 0-9 _ . -
        connector_id: String,
        /// The tenant it belongs to
        #[arg(long)]
        tenant: String,
        /// A name for people
        #[arg(long)]
        name: Option<String>,
    },
    /// All connectors
    List,
    /// One connector: what it may do, what it last said, how it stands
    Show { connector_id: String },
    /// The guilds it saw
    Guilds { connector_id: String },
    /// Print a new token, once; the old one ends at once, or after an overlap
    Rotate {
        connector_id: String,
        /// So long the old token works on, in seconds
        #[arg(long, value_name = "SECONDS")]
        overlap: Option<u32>,
    },
    /// Forget a connector and its channels; what it brought stays
    Delete { connector_id: String },
    /// Refuse what it pushes
    Pause { connector_id: String },
    /// Take what it pushes again
    Resume { connector_id: String },
    /// Mirror its signals, or not
    Forward {
        connector_id: String,
        switch: Switch,
    },
    /// Let it push, or not
    Ingest {
        connector_id: String,
        switch: Switch,
    },
    /// Ask it for its guilds, or for the channels of one
    Discover {
        connector_id: String,
        /// Whose channels
        #[arg(long)]
        guild: Option<String>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Switch {
    On,
    Off,
}

pub(super) async fn run(client: &Client, command: Connector) -> Result<Shown, Failure> {
    match command {
        Connector::Create {
            connector_id,
            tenant,
            name,
        } => {
            let body = json!({ "connector_id": connector_id, "tenant_key": tenant, "name": name });
            Ok(with_token(
                client
                    .ask(Method::POST, "/api/connectors", Some(body))
                    .await?,
            ))
        }
        Connector::List => Ok(show::rows(
            CONNECTORS,
            client.list("/api/connectors").await?,
        )),
        Connector::Show { connector_id } => {
            let path = format!("/api/connectors/{}", segment(&connector_id));
            Ok(whole(client.get(&path).await?))
        }
        Connector::Guilds { connector_id } => {
            let path = format!("/api/connectors/{}/guilds", segment(&connector_id));
            Ok(show::rows(GUILDS, client.list(&path).await?))
        }
        Connector::Delete { connector_id } => {
            let version = version(client, &connector_id).await?;
            let path = format!(
                "/api/connectors/{}?version={version}",
                segment(&connector_id)
            );
            client.ask(Method::DELETE, &path, None).await?;
            Ok(show::done(format!("connector {connector_id} is gone")))
        }
        Connector::Rotate {
            connector_id,
            overlap,
        } => {
            let mut body = json!({ "version": version(client, &connector_id).await? });
            if let Some(overlap) = overlap {
                body["overlap_s"] = overlap.into();
            }
            let path = format!("/api/connectors/{}/rotate", segment(&connector_id));
            Ok(with_token(
                client.ask(Method::POST, &path, Some(body)).await?,
            ))
        }
        Connector::Pause { connector_id } => {
            change(client, &connector_id, "status", "paused".into()).await
        }
        Connector::Resume { connector_id } => {
            change(client, &connector_id, "status", "active".into()).await
        }
        Connector::Forward {
            connector_id,
            switch,
        } => {
            change(
                client,
                &connector_id,
                "forward_enabled",
                (switch == Switch::On).into(),
            )
            .await
        }
        Connector::Ingest {
            connector_id,
            switch,
        } => {
            change(
                client,
                &connector_id,
                "ingest_enabled",
                (switch == Switch::On).into(),
            )
            .await
        }
        Connector::Discover {
            connector_id,
            guild,
        } => {
            let path = format!("/api/connectors/{}/discovery", segment(&connector_id));
            let json = client
                .ask(Method::POST, &path, Some(json!({ "guild_id": guild })))
                .await?;
            let text = format!(
                "asked, request {}: see `heliograph connector show {connector_id}`",
                json["discovery_request_version"]
            );
            Ok(Shown { json, text })
        }
    }
}

/// A connector, and below it what it answered last and how it stands.
fn whole(json: Value) -> Shown {
    let mut text = show::row(CONNECTORS, json.clone()).text;
    for (field, columns) in [("discovery", DISCOVERY), ("standing", STANDING)] {
        if json[field].is_object() {
            text.push('\n');
            text.push_str(&show::row(columns, json[field].clone()).text);
        }
    }
    if let Some(advice) = json["discovery"]["advice"].as_str() {
        text.push_str(&format!("{advice}\n"));
    }
    Shown { json, text }
}

fn with_token(json: Value) -> Shown {
    let token = json["token"].as_str().unwrap_or_default().to_owned();
    Shown {
        json,
        text: format!(
            "{token}\n\nThis is shown once. Give it to the connector as its bearer token."
        ),
    }
}

async fn version(client: &Client, connector_id: &str) -> Result<Value, Failure> {
    let path = format!("/api/connectors/{}", segment(connector_id));
    Ok(client.get(&path).await?["version"].clone())
}

async fn change(
    client: &Client,
    connector_id: &str,
    field: &str,
    value: Value,
) -> Result<Shown, Failure> {
    let body = json!({ "version": version(client, connector_id).await?, field: value });
    let path = format!("/api/connectors/{}", segment(connector_id));
    Ok(show::row(
        CONNECTORS,
        client.ask(Method::PATCH, &path, Some(body)).await?,
    ))
}
