//! `heliograph config …`: the whole configuration as one file, what it would change, and changing it.

use super::{Failure, Shown, client::Client};
use clap::Subcommand;
use reqwest::Method;
use serde_json::{Value, json};
use std::{
    io::Read,
    path::{Path, PathBuf},
};

#[derive(Debug, Subcommand)]
pub(super) enum Configuration {
    /// Write connectors, channels, targets and mappings as TOML; no tokens
    Export {
        /// Here instead of to the terminal
        file: Option<PathBuf>,
    },
    /// What applying this file would change
    Compare {
        /// `-` reads the standard input
        file: PathBuf,
    },
    /// Change what this file says is to be different, all or nothing
    Apply {
        /// `-` reads the standard input
        file: PathBuf,
        /// Without it the changes are shown and nothing is done
        #[arg(long)]
        yes: bool,
    },
}

pub(super) async fn run(client: &Client, command: Configuration) -> Result<Shown, Failure> {
    match command {
        Configuration::Export { file } => {
            let document = client.text("/api/configuration").await?;
            let Some(file) = file else {
                let json = json!({ "document": document });
                return Ok(Shown {
                    json,
                    text: document,
                });
            };
            std::fs::write(&file, &document).map_err(|error| at(&file, &error))?;
            Ok(Shown {
                json: json!({ "file": file, "bytes": document.len() }),
                text: format!("{} bytes in {}", document.len(), file.display()),
            })
        }
        Configuration::Compare { file } => {
            let json = compare(client, &read(&file)?).await?;
            let text = difference(&json);
            Ok(Shown { json, text })
        }
        Configuration::Apply { file, yes } => {
            let document = read(&file)?;
            let compared = compare(client, &document).await?;
            let text = difference(&compared);
            if changes(&compared).is_empty() {
                return Ok(Shown {
                    json: json!({ "applied": 0, "tokens": [] }),
                    text,
                });
            }
            if !yes {
                let shown = Shown {
                    json: compared,
                    text,
                };
                let reason = "nothing was changed: say --yes to apply this".to_owned();
                return Err(Failure::LeftUndone { shown, reason });
            }
            let body = json!({ "document": document, "digest": compared["digest"] });
            let json = client
                .ask(Method::POST, "/api/configuration/apply", Some(body))
                .await?;
            let text = format!("{text}\n{}", applied(&json));
            Ok(Shown { json, text })
        }
    }
}

async fn compare(client: &Client, document: &str) -> Result<Value, Failure> {
    let body = json!({ "document": document });
    client
        .ask(Method::POST, "/api/configuration/compare", Some(body))
        .await
}

fn read(file: &Path) -> Result<String, Failure> {
    let mut text = String::new();
    let read = if file == Path::new("-") {
        std::io::stdin().read_to_string(&mut text).map(drop)
    } else {
        std::fs::read_to_string(file).map(|read| text = read)
    };
    read.map_err(|error| at(file, &error))?;
    Ok(text)
}

fn at(file: &Path, error: &std::io::Error) -> Failure {
    Failure::Other(format!("{}: {error}", file.display()))
}

fn changes(compared: &Value) -> &[Value] {
    compared["changes"].as_array().map_or(&[], Vec::as_slice)
}

/// A line a change, `+`, `-` or `~`; below it a line for each field that becomes another.
fn difference(compared: &Value) -> String {
    let mut text = String::new();
    for change in changes(compared) {
        let word = |field: &str| plain(change[field].as_str().unwrap_or_default());
        let (action, name) = (word("action"), word("name"));
        let sign = match action.as_str() {
            "create" => '+',
            "remove" => '-',
            _ => '~',
        };
        text.push_str(&format!("{sign} {} {}", word("kind"), word("key")));
        if !name.is_empty() {
            text.push_str(&format!(" ({name})"));
        }
        text.push('\n');
        for field in change["fields"].as_array().into_iter().flatten() {
            let named = plain(field["field"].as_str().unwrap_or_default());
            text.push_str(&match sign {
                '~' => format!("    {named}: {} -> {}\n", field["before"], field["after"]),
                '+' => format!("    {named}: {}\n", field["after"]),
                _ => format!("    {named}: {}\n", field["before"]),
            });
        }
    }
    if text.is_empty() {
        text.push_str("nothing would change\n");
    }
    for warning in compared["warnings"].as_array().into_iter().flatten() {
        let warning = warning.as_str().map_or_else(|| warning.to_string(), plain);
        text.push_str(&format!("warning: {warning}\n"));
    }
    text
}

/// On one line, and nothing that could steer a terminal.
fn plain(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

fn applied(answer: &Value) -> String {
    let mut text = format!("{} changes applied\n", answer["applied"]);
    let tokens = answer["tokens"].as_array().map_or(&[][..], Vec::as_slice);
    for made in tokens {
        let word = |field: &str| plain(made[field].as_str().unwrap_or_default());
        text.push_str(&format!(
            "token of {}: {}\n",
            word("connector_id"),
            word("token")
        ));
    }
    if !tokens.is_empty() {
        text.push_str("These are shown once. Give each to its connector as its bearer token.\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_reads_like_one() {
        let compared = json!({
            "digest": "d",
            "changes": [
                { "action": "create", "kind": "connector", "key": "c1", "name": "One\nline", "fields": [
                    { "field": "tenant_key", "before": null, "after": "acme" },
                ] },
                { "action": "change", "kind": "mapping", "key": "1 -> 2", "name": null, "fields": [
                    { "field": "tier", "before": 0, "after": 3 },
                    { "field": "filters_json.keywords_any", "before": null, "after": ["btc"] },
                ] },
                { "action": "remove", "kind": "visibility", "key": "1", "name": "btc", "fields": [
                    { "field": "min_tier", "before": 2, "after": null },
                ] },
            ],
            "warnings": ["channel 9 was never seen"],
        });
        let expected = "+ connector c1 (One line)\n    tenant_key: \"acme\"\n~ mapping 1 -> 2\n    tier: 0 -> 3\n    \
            filters_json.keywords_any: null -> [\"btc\"]\n- visibility 1 (btc)\n    min_tier: 2\nwarning: channel 9 was never seen\n";
        assert_eq!(difference(&compared), expected);
        assert_eq!(
            difference(&json!({ "changes": [], "warnings": [] })),
            "nothing would change\n"
        );
    }

    #[test]
    fn what_was_applied_tells_the_tokens_once() {
        let answer =
            json!({ "applied": 2, "tokens": [{ "connector_id": "c1", "token": "hgc_x" }] });
        let text = applied(&answer);
        assert!(
            text.starts_with("2 changes applied\ntoken of c1: hgc_x\n"),
            "{text}"
        );
        assert_eq!(
            applied(&json!({ "applied": 1, "tokens": [] })),
            "1 changes applied\n"
        );
    }
}
