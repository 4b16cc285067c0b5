//! `heliograph mapping …`.

use super::{
    Failure, Shown,
    audit::AUDIT,
    client::{Client, query},
    connector::Switch,
    show::{self, DRY_RUN, MAPPINGS},
};
use clap::{Args, Subcommand, ValueEnum};
use heliograph_schema::rules;
use reqwest::Method;
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};

/// Characters of a text in a table.
const CELL_CHARS_MAX: usize = 60;

#[derive(Debug, Subcommand)]
pub(super) enum Mapping {
    /// Map a source channel into a target channel
    #[command(visible_alias = "create")]
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
    /// All mappings, or those that are looked for
    List {
        /// From this channel, in their order
        #[arg(long, value_name = "CHANNEL")]
        source: Option<String>,
        /// Into this channel
        #[arg(long, value_name = "CHANNEL")]
        target: Option<String>,
        /// Only those that work, are off, or are broken
        #[arg(long, value_enum)]
        state: Option<State>,
        /// Whose channels or guilds are called so, or an id
        text: Option<String>,
    },
    /// One mapping with its rules
    Show { mapping_id: i64 },
    /// Make another one like it
    Clone {
        mapping_id: i64,
        /// From this channel instead
        #[arg(long, value_name = "CHANNEL")]
        source: Option<String>,
        /// Into this channel instead
        #[arg(long, value_name = "CHANNEL")]
        target: Option<String>,
        /// Off keeps the settings
        #[arg(long, value_enum)]
        enabled: Option<Switch>,
        /// Begin with the last so many signals, instead of now
        #[arg(long, value_name = "N")]
        last: Option<u32>,
    },
    /// Change or remove several at once: all or nothing
    Bulk {
        #[arg(required = true)]
        mapping_ids: Vec<i64>,
        #[command(flatten)]
        settings: Settings,
        /// Ping nobody any more
        #[arg(long, conflicts_with = "ping")]
        no_ping: bool,
        /// Take them away; what was mirrored stays
        #[arg(long, conflicts_with_all = ["tier", "ping", "no_ping", "priority", "enabled", "rules"])]
        remove: bool,
    },
    /// Say in which order the mappings of a source stand: all of them
    Order {
        source_channel_id: String,
        #[arg(required = true)]
        mapping_ids: Vec<i64>,
    },
    /// What was changed in a mapping, newest first
    History { mapping_id: i64 },
    /// What the rules would make of the latest signals; nothing is saved, nothing is sent
    DryRun {
        mapping_id: i64,
        /// Of how many signals, newest first
        #[arg(long, value_name = "N")]
        last: Option<u32>,
        /// Rules to try in place of those that are saved, as for `change`
        #[arg(long, value_name = "FILE")]
        rules: Option<PathBuf>,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum State {
    Working,
    Off,
    Broken,
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
    /// JSON object with any of `filters_json`, `transform_json`, `author_style`, `thread_style`, `hand_deletions`;
    /// one that is absent stays, one that is null becomes plain
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
}

impl Settings {
    /// Only what was said.
    fn body(&self) -> Result<Map<String, Value>, Failure> {
        let rules = self.rules.as_deref().map(read_rules).transpose()?;
        let said = [
            ("tier", self.tier.map(Value::from)),
            ("ping_role_id", self.ping.clone().map(Value::from)),
            ("priority", self.priority.map(Value::from)),
            (
                "is_enabled",
                self.enabled.map(|switch| (switch == Switch::On).into()),
            ),
        ];
        let said = said
            .into_iter()
            .filter_map(|(field, value)| Some((field.to_owned(), value?)));
        Ok(said.chain(rules.unwrap_or_default()).collect())
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
            let mut body = settings.body()?;
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
            let mut body = settings.body()?;
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
        Mapping::List {
            source,
            target,
            state,
            text,
        } => {
            let state = state.map(|state| match state {
                State::Working => "working",
                State::Off => "off",
                State::Broken => "broken",
            });
            let path = query(
                "/api/mappings",
                &[
                    ("source_channel_id", source.as_deref()),
                    ("target_channel_id", target.as_deref()),
                    ("state", state),
                    ("q", text.as_deref()),
                ],
            );
            Ok(show::rows(MAPPINGS, client.list(&path).await?))
        }
        Mapping::Show { mapping_id } => Ok(whole(find(client, mapping_id).await?)),
        Mapping::Clone {
            mapping_id,
            source,
            target,
            enabled,
            last,
        } => {
            let said = [
                ("source_channel_id", source.map(Value::from)),
                ("target_channel_id", target.map(Value::from)),
                (
                    "is_enabled",
                    enabled.map(|switch| (switch == Switch::On).into()),
                ),
                ("start", last.map(|last| json!({ "last": last }))),
            ];
            let body: Map<String, Value> = said
                .into_iter()
                .filter_map(|(field, value)| Some((field.to_owned(), value?)))
                .collect();
            let path = format!("/api/mappings/{mapping_id}/clone");
            Ok(show::row(
                MAPPINGS,
                client.ask(Method::POST, &path, Some(body.into())).await?,
            ))
        }
        Mapping::Bulk {
            mapping_ids,
            settings,
            no_ping,
            remove,
        } => {
            let items = at_versions(client, &mapping_ids).await?;
            let body = if remove {
                json!({ "items": items, "remove": true })
            } else {
                let mut change = settings.body()?;
                if no_ping {
                    change.insert("ping_role_id".to_owned(), Value::Null);
                }
                json!({ "items": items, "change": change })
            };
            let mut answer = client
                .ask(Method::POST, "/api/mappings/bulk", Some(body))
                .await?;
            if remove {
                return Ok(show::done(format!(
                    "{} mappings are gone",
                    mapping_ids.len()
                )));
            }
            Ok(show::rows(MAPPINGS, items_of(&mut answer)))
        }
        Mapping::Order {
            source_channel_id,
            mapping_ids,
        } => {
            let items = at_versions(client, &mapping_ids).await?;
            let body = json!({ "source_channel_id": source_channel_id, "items": items });
            let mut answer = client
                .ask(Method::POST, "/api/mappings/order", Some(body))
                .await?;
            Ok(show::rows(MAPPINGS, items_of(&mut answer)))
        }
        Mapping::History { mapping_id } => {
            let path = format!("/api/mappings/{mapping_id}/history");
            Ok(show::rows(AUDIT, client.list(&path).await?))
        }
        Mapping::DryRun {
            mapping_id,
            last,
            rules: None,
        } => {
            let last = last.map_or_else(String::new, |last| format!("?last={last}"));
            let path = format!("/api/mappings/{mapping_id}/dry-run{last}");
            Ok(dry_run(client.get(&path).await?))
        }
        Mapping::DryRun {
            mapping_id,
            last,
            rules: Some(path),
        } => {
            let tried = read_rules(&path)?;
            let mapping = find(client, mapping_id).await?;
            let kept = ["source_channel_id", "ping_role_id"]
                .iter()
                .chain(&rules::FIELDS);
            let mut body: Map<String, Value> = kept
                .filter_map(|field| Some(((*field).to_owned(), mapping.get(field)?.clone())))
                .collect();
            body.extend(tried);
            body.extend(last.map(|last| ("last".to_owned(), last.into())));
            let path = "/api/mappings/dry-run";
            Ok(dry_run(
                client.ask(Method::POST, path, Some(body.into())).await?,
            ))
        }
    }
}

async fn find(client: &Client, mapping_id: i64) -> Result<Value, Failure> {
    client.get(&format!("/api/mappings/{mapping_id}")).await
}

/// These mappings as they were read now.
async fn at_versions(client: &Client, mapping_ids: &[i64]) -> Result<Vec<Value>, Failure> {
    let mut items = Vec::with_capacity(mapping_ids.len());
    for &mapping_id in mapping_ids {
        let version = version(client, mapping_id).await?;
        items.push(json!({ "mapping_id": mapping_id, "version": version }));
    }
    Ok(items)
}

fn items_of(answer: &mut Value) -> Vec<Value> {
    match answer["items"].take() {
        Value::Array(items) => items,
        _ => Vec::new(),
    }
}

/// A mapping, and below it what is wrong with it and what its rules say.
fn whole(json: Value) -> Shown {
    let mut text = show::row(MAPPINGS, json.clone()).text;
    if let Some(trouble) = json["trouble"].as_str() {
        text.push_str(&format!("\n{trouble}\n"));
    }
    let said = rules::FIELDS
        .iter()
        .filter_map(|field| Some((*field, json.get(field)?)));
    for (field, rule) in said {
        text.push_str(&format!("\n{field}: {rule:#}\n"));
    }
    Shown { json, text }
}

async fn version(client: &Client, mapping_id: i64) -> Result<Value, Failure> {
    Ok(find(client, mapping_id).await?["version"].clone())
}

/// The fields of rules in this file. What they say is judged by the server, which names the field.
fn read_rules(path: &Path) -> Result<Map<String, Value>, Failure> {
    let refused = |reason: String| Failure::Other(format!("{}: {reason}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| refused(error.to_string()))?;
    let fields: Map<String, Value> =
        serde_json::from_str(&text).map_err(|error| refused(error.to_string()))?;
    let is_unknown = |field: &&String| !rules::FIELDS.contains(&field.as_str());
    match fields.keys().find(is_unknown) {
        None => Ok(fields),
        Some(unknown) => Err(refused(format!(
            "unknown field {unknown:?}, expected {}",
            rules::FIELDS.join(", ")
        ))),
    }
}

/// A line a signal: what was captured, and what stands in the target channel afterwards or why nothing does.
fn dry_run(answer: Value) -> Shown {
    let items = answer["items"].as_array().map_or(&[][..], Vec::as_slice);
    let line = |item: &Value| {
        let mut shown = item.clone();
        shown["text"] = cut(item["text"].as_str().unwrap_or_default()).into();
        shown["becomes"] = cut(&becomes(item)).into();
        shown
    };
    let mut text = show::rows(DRY_RUN, items.iter().map(line).collect()).text;
    if items.is_empty() {
        text = "there are no signals yet".to_owned();
    }
    if let Some(reason) = answer["cut_short"].as_str() {
        text.push_str(&format!("cut short: {reason}\n"));
    }
    Shown { json: answer, text }
}

fn becomes(item: &Value) -> String {
    if let Some(reason) = item["reason"].as_str() {
        return reason.to_owned();
    }
    let parts = item["parts"].as_array().map_or(&[][..], Vec::as_slice);
    let first = parts.first().and_then(|part| part["content"].as_str());
    let first = first.filter(|content| !content.is_empty());
    let more = match parts.len() {
        0 | 1 => String::new(),
        count => format!("[{count} messages] "),
    };
    format!("{more}{}", first.unwrap_or("[embed]"))
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(CELL_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
