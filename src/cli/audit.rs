//! `heliograph audit …`: who changed what, and taking it back.

use super::{
    Failure, Shown,
    client::{Client, query},
    show::{self, Columns},
};
use clap::Subcommand;
use reqwest::Method;
use serde_json::{Value, json};

pub(super) const AUDIT: Columns = &[
    ("ENTRY", "audit_id"),
    ("AT", "at_ms"),
    ("WHO", "actor"),
    ("ACTION", "action"),
    ("SUBJECT", "subject"),
    ("NAME", "subject_name"),
    ("GROUP", "group_id"),
    ("UNDOES", "undoes"),
    ("UNDONE BY", "undone_by"),
];

#[derive(Debug, Subcommand)]
pub(super) enum Audit {
    /// Changes, newest first
    List {
        /// Of this subject: the id of a mapping, a channel, a connector
        #[arg(long)]
        subject: Option<String>,
        /// Whose action begins so: `mapping.`
        #[arg(long)]
        action: Option<String>,
        /// By this person or program
        #[arg(long)]
        actor: Option<String>,
        /// So many at most
        #[arg(long, value_name = "N", default_value_t = 100)]
        last: usize,
    },
    /// Take a change back
    Undo {
        audit_id: i64,
        /// All that was changed together with it
        #[arg(long)]
        group: bool,
    },
}

pub(super) async fn run(client: &Client, command: Audit) -> Result<Shown, Failure> {
    match command {
        Audit::List {
            subject,
            action,
            actor,
            last,
        } => {
            let path = query(
                "/api/audit",
                &[
                    ("subject", subject.as_deref()),
                    ("action", action.as_deref()),
                    ("actor", actor.as_deref()),
                ],
            );
            Ok(show::rows(AUDIT, client.first(&path, last).await?))
        }
        Audit::Undo { audit_id, group } => {
            let path = format!("/api/audit/{audit_id}/undo");
            let body = json!({ "whole_group": group });
            let json = client.ask(Method::POST, &path, Some(body)).await?;
            let items = json["items"].as_array().cloned().unwrap_or_default();
            let text = format!("{} undone\n\n{}", json["undone"], table(items));
            Ok(Shown { json, text })
        }
    }
}

fn table(items: Vec<Value>) -> String {
    show::rows(AUDIT, items).text
}
