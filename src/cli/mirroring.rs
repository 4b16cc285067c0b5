//! `heliograph dead-letter …`, `heliograph target …` and `heliograph signal …`: what stands between a signal and its target
//! channels, and what a person decides about it.

use super::{
    Failure, Shown, bot,
    client::{Client, segment},
    show::{self, DEAD_LETTERS, DECIDED, RECONCILIATIONS, TARGETS},
    trail,
};
use clap::{Args, Subcommand, ValueEnum};
use reqwest::Method;
use serde_json::{Value, json};

/// Requests of one command at most: each puts back as many as one request may.
const REDRIVES_MAX: usize = 1_000;

#[derive(Debug, Subcommand)]
pub(super) enum DeadLetter {
    /// Deliveries that were given up, with their reasons
    List {
        /// Of this target channel only
        #[arg(long, value_name = "CHANNEL")]
        target: Option<String>,
    },
    /// Put back: one delivery, all of a target, or all
    Redrive(Meant),
    /// Never try a delivery again; what stands in Discord stays
    Drop {
        signal_id: String,
        target_channel_id: String,
        /// Why, for the audit
        #[arg(long)]
        reason: String,
    },
    /// Put back what was dropped: one delivery, all of a target, or all
    Restore(Meant),
}

#[derive(Debug, Args)]
pub(super) struct Meant {
    /// The signal and the target channel of one delivery
    #[arg(num_args = 2, value_names = ["SIGNAL", "TARGET"])]
    one: Option<Vec<String>>,
    /// Everything of this target channel
    #[arg(long, value_name = "CHANNEL", conflicts_with = "one")]
    target: Option<String>,
    /// Everything
    #[arg(long, conflicts_with_all = ["one", "target"], required_unless_present_any = ["one", "target"])]
    all: bool,
}

impl Meant {
    fn body(&self) -> Value {
        match (self.one.as_deref(), &self.target) {
            (Some([signal, target]), _) => json!({ "items": [item(signal, target)] }),
            (_, Some(target)) => json!({ "target_channel_id": target }),
            _ => json!({ "all": true }),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Offered {
    /// Offered
    On,
    /// No longer
    Off,
}

#[derive(Debug, Subcommand)]
pub(super) enum Target {
    /// Every target channel: how its mirror stands, what waits, how long things take
    List,
    /// Let mappings lead into a channel that the bot sees, or no longer
    Offer {
        target_channel_id: String,
        state: Offered,
    },
    /// Send nothing there; what is wanted waits
    Pause { target_channel_id: String },
    /// Go on, in order
    Resume { target_channel_id: String },
    /// Compare what stands there with what is on record, and put right what differs
    Reconcile { target_channel_id: String },
    /// The comparisons and what they showed
    Reconciliations { target_channel_id: String },
}

#[derive(Debug, Subcommand)]
pub(super) enum Signal {
    /// What became of a signal: captured, committed, shown, posted, and why not
    Trail { signal_id: String },
}

fn item(signal_id: &str, target_channel_id: &str) -> Value {
    json!({ "signal_id": signal_id, "target_channel_id": target_channel_id })
}

pub(super) async fn dead_letter(client: &Client, command: DeadLetter) -> Result<Shown, Failure> {
    match command {
        DeadLetter::List { target } => {
            let path = match target {
                Some(target) => format!("/api/dead-letters?target_channel_id={}", segment(&target)),
                None => "/api/dead-letters".to_owned(),
            };
            Ok(show::rows(DEAD_LETTERS, client.list(&path).await?))
        }
        DeadLetter::Redrive(meant) => {
            put_back(client, "/api/dead-letters/redrive", "redriven", &meant).await
        }
        DeadLetter::Restore(meant) => {
            put_back(client, "/api/deliveries/restore", "restored", &meant).await
        }
        DeadLetter::Drop {
            signal_id,
            target_channel_id,
            reason,
        } => {
            let body = json!({ "items": [item(&signal_id, &target_channel_id)], "reason": reason });
            let answer = client
                .ask(Method::POST, "/api/deliveries/drop", Some(body))
                .await?;
            let text = match answer["dropped"].as_u64() {
                Some(0) => "it was dropped already".to_owned(),
                _ => "dropped".to_owned(),
            };
            Ok(Shown { json: answer, text })
        }
    }
}

/// Asks until nothing is left of what is meant: each request is bounded.
async fn put_back(
    client: &Client,
    path: &str,
    done: &str,
    meant: &Meant,
) -> Result<Shown, Failure> {
    let (mut count, mut more) = (0, true);
    for _ in 0..REDRIVES_MAX {
        let answer = client.ask(Method::POST, path, Some(meant.body())).await?;
        count += answer[done].as_u64().unwrap_or(0);
        more = answer["more"] == true;
        if !more {
            break;
        }
    }
    let rest = if more { ", more are left" } else { "" };
    Ok(Shown {
        json: json!({ done: count, "more": more }),
        text: format!("{count} {done}{rest}"),
    })
}

pub(super) async fn target(client: &Client, command: Target) -> Result<Shown, Failure> {
    let (id, action) = match command {
        Target::List => return Ok(show::rows(TARGETS, client.list("/api/targets").await?)),
        Target::Reconcile { target_channel_id } => {
            let path = format!("/api/targets/{}/reconcile", segment(&target_channel_id));
            let asked = client.ask(Method::POST, &path, None).await?;
            return Ok(show::row(RECONCILIATIONS, asked));
        }
        Target::Reconciliations { target_channel_id } => {
            let path = format!(
                "/api/targets/{}/reconciliations",
                segment(&target_channel_id)
            );
            return Ok(show::rows(RECONCILIATIONS, client.list(&path).await?));
        }
        Target::Offer {
            target_channel_id,
            state,
        } => {
            let answer = bot::offer(client, &target_channel_id, state == Offered::On).await?;
            return Ok(show::row(DECIDED, answer));
        }
        Target::Pause { target_channel_id } => (target_channel_id, "pause"),
        Target::Resume { target_channel_id } => (target_channel_id, "resume"),
    };
    let found = client
        .find("/api/targets", "target_channel_id", &id)
        .await?;
    let version = found
        .map(|row| row["version"].clone())
        .ok_or_else(|| Failure::Other(format!("there is no target channel {id}")))?;
    let path = format!("/api/targets/{}/{action}", segment(&id));
    let answer = client
        .ask(Method::POST, &path, Some(json!({ "version": version })))
        .await?;
    Ok(show::row(DECIDED, answer))
}

pub(super) async fn signal(client: &Client, command: Signal) -> Result<Shown, Failure> {
    let Signal::Trail { signal_id } = command;
    let path = format!("/api/signals/{}/trail", segment(&signal_id));
    Ok(trail::shown(client.get(&path).await?))
}
