//! `heliograph mapping …`.

use super::{
    Failure, Shown,
    client::Client,
    connector::Switch,
    show::{self, MAPPINGS},
};
use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Map, Value, json};

#[derive(Debug, Subcommand)]
pub(super) enum Mapping {
    /// Map a source channel into a target channel
    Add {
        source_channel_id: String,
        target_channel_id: String,
        #[command(flatten)]
        settings: Settings,
        /// Begin with the last so many signals, instead of now
        #[arg(long, value_name = "N")]
        last: Option<u32>,
    },
    /// Give the target the last signals of the source that it has not seen
    Backfill { mapping_id: i64, last: u32 },
    /// Change what is said, leave the rest
    Change {
        mapping_id: i64,
        #[command(flatten)]
        settings: Settings,
        /// Ping nobody any more
        #[arg(long, conflicts_with = "ping")]
        no_ping: bool,
    },
    /// Take a mapping away; what was mirrored stays
    Remove { mapping_id: i64 },
    /// All mappings
    List,
}

#[derive(Debug, Args)]
pub(super) struct Settings {
    /// Who the target is for
    #[arg(long)]
    tier: Option<i16>,
    /// Role of the target guild to ping with a new signal
    #[arg(long, value_name = "ROLE")]
    ping: Option<String>,
    /// Order among the mappings of a source, for connectors
    #[arg(long, allow_hyphen_values = true)]
    priority: Option<i32>,
    /// Off keeps the settings
    #[arg(long, value_enum)]
    enabled: Option<Switch>,
}

impl Settings {
    /// Only what was said.
    fn body(&self) -> Map<String, Value> {
        let said = [
            ("tier", self.tier.map(Value::from)),
            ("ping_role_id", self.ping.clone().map(Value::from)),
            ("priority", self.priority.map(Value::from)),
            (
                "is_enabled",
                self.enabled.map(|switch| (switch == Switch::On).into()),
            ),
        ];
        said.into_iter()
            .filter_map(|(field, value)| Some((field.to_owned(), value?)))
            .collect()
    }
}

pub(super) async fn run(client: &Client, command: Mapping) -> Result<Shown, Failure> {
    match command {
        Mapping::Add {
            source_channel_id,
            target_channel_id,
            settings,
            last,
        } => {
            let mut body = settings.body();
            if let Some(last) = last {
                body.insert("start".to_owned(), json!({ "last": last }));
            }
            body.insert("source_channel_id".to_owned(), source_channel_id.into());
            body.insert("target_channel_id".to_owned(), target_channel_id.into());
            Ok(show::row(
                MAPPINGS,
                client
                    .ask(Method::POST, "/api/mappings", Some(body.into()))
                    .await?,
            ))
        }
        Mapping::Backfill { mapping_id, last } => {
            let path = format!("/api/mappings/{mapping_id}/backfill");
            let answer = client
                .ask(Method::POST, &path, Some(json!({ "last": last })))
                .await?;
            let text = format!("{} signals", answer["backfilled"]);
            Ok(Shown { json: answer, text })
        }
        Mapping::Change {
            mapping_id,
            settings,
            no_ping,
        } => {
            let mut body = settings.body();
            if no_ping {
                body.insert("ping_role_id".to_owned(), Value::Null);
            }
            body.insert("version".to_owned(), version(client, mapping_id).await?);
            let path = format!("/api/mappings/{mapping_id}");
            Ok(show::row(
                MAPPINGS,
                client.ask(Method::PATCH, &path, Some(json!(body))).await?,
            ))
        }
        Mapping::Remove { mapping_id } => {
            let path = format!(
                "/api/mappings/{mapping_id}?version={}",
                version(client, mapping_id).await?
            );
            client.ask(Method::DELETE, &path, None).await?;
            Ok(show::done(format!("mapping {mapping_id} is gone")))
        }
        Mapping::List => Ok(show::rows(MAPPINGS, client.list("/api/mappings").await?)),
    }
}

async fn version(client: &Client, mapping_id: i64) -> Result<Value, Failure> {
    let found = client
        .find("/api/mappings", "mapping_id", &mapping_id.to_string())
        .await?;
    found
        .map(|row| row["version"].clone())
        .ok_or_else(|| Failure::Other(format!("there is no mapping {mapping_id}")))
}
