//! Answers as tables for people. Pure: JSON in, text out.

use super::{Failure, Shown};
use chrono::{DateTime, SecondsFormat};
use serde_json::Value;

/// A table: what a column is called, and the field it shows. Fields that end in `_at_ms` or `_since_ms` are moments.
pub(super) type Columns = &'static [(&'static str, &'static str)];

pub(super) const CONNECTORS: Columns = &[
    ("CONNECTOR", "connector_id"),
    ("TENANT", "tenant_key"),
    ("NAME", "name"),
    ("STATUS", "status"),
    ("INGEST", "ingest_enabled"),
    ("FORWARD", "forward_enabled"),
    ("CONFIG", "config_version"),
    ("LAST SEEN", "last_seen_at_ms"),
];

pub(super) const ROLES: Columns = &[
    ("CHANNEL", "channel_id"),
    ("GUILD", "guild_id"),
    ("SOURCE", "is_source"),
    ("TARGET", "is_target"),
    ("ENABLED", "is_enabled"),
    ("THREADS", "thread_mode"),
];

pub(super) const CHANNELS: Columns = &[
    ("CHANNEL", "channel_id"),
    ("NAME", "name"),
    ("GUILD", "guild_id"),
    ("GUILD NAME", "guild_name"),
    ("MIN TIER", "min_tier"),
];

pub(super) const MAPPINGS: Columns = &[
    ("MAPPING", "mapping_id"),
    ("SOURCE", "source_channel_id"),
    ("TARGET", "target_channel_id"),
    ("FROM", "source.name"),
    ("INTO", "target.name"),
    ("STATE", "state"),
    ("TIER", "tier"),
    ("PING", "ping_role_id"),
    ("PRIORITY", "priority"),
    ("ENABLED", "is_enabled"),
];

pub(super) const DRY_RUN: Columns = &[
    ("SIGNAL", "signal_id"),
    ("AUTHOR", "author"),
    ("TEXT", "text"),
    ("RESULT", "result"),
    ("BECOMES", "becomes"),
];

pub(super) const SESSION_TOKENS: Columns = &[
    ("TOKEN", "session_token_id"),
    ("NAME", "name"),
    ("TIER", "tier"),
    ("EXPIRES", "expires_at_ms"),
    ("REVOKED", "revoked_at_ms"),
];

pub(super) const DEAD_LETTERS: Columns = &[
    ("SIGNAL", "signal_id"),
    ("TARGET", "target_channel_id"),
    ("SOURCE", "source_channel_id"),
    ("SINCE", "wanted_at_ms"),
    ("ATTEMPTS", "attempts"),
    ("REASON", "reason"),
];

pub(super) const TARGETS: Columns = &[
    ("TARGET", "target_channel_id"),
    ("NAME", "name"),
    ("OFFERED", "is_target"),
    ("STATE", "state"),
    ("BACKLOG", "backlog"),
    ("SINCE", "backlog_since_ms"),
    ("DEAD", "dead_letters"),
    ("CREATE P50 MS", "latency.create.p50_ms"),
    ("P99 MS", "latency.create.p99_ms"),
    ("REASON", "reason"),
];

pub(super) const RECONCILIATIONS: Columns = &[
    ("NUMBER", "reconciliation_id"),
    ("TARGET", "target_channel_id"),
    ("ASKED", "asked_at_ms"),
    ("FINISHED", "finished_at_ms"),
    ("LOOKED FOR", "report.looked_for"),
    ("KEPT DELETED", "report.missing_kept"),
    ("REPOSTED", "report.missing_reposted"),
    ("EDITED", "report.changed"),
    ("UNRECORDED", "report.unrecorded"),
    ("BROKEN OFF", "report.broken_off"),
];

pub(super) const DECIDED: Columns = &[
    ("TARGET", "target_channel_id"),
    ("OFFERED", "is_target"),
    ("PAUSED", "is_paused"),
    ("OBSTACLE", "obstacle"),
];

pub(super) const BOT: Columns = &[
    ("BOT", "user.name"),
    ("ID", "user.user_id"),
    ("STATE", "state"),
    ("GUILDS", "guilds"),
    ("READ", "refreshed_at_ms"),
    ("REASON", "reason"),
];

pub(super) const BOT_GUILDS: Columns = &[
    ("GUILD", "guild_id"),
    ("NAME", "name"),
    ("CHANNELS", "channels"),
    ("TARGETS", "targets"),
    ("ROLES", "roles"),
    ("GONE", "gone_at_ms"),
];

pub(super) const BOT_CHANNELS: Columns = &[
    ("CHANNEL", "channel_id"),
    ("NAME", "name"),
    ("KIND", "kind"),
    ("CATEGORY", "parent_id"),
    ("OFFERED", "target.is_target"),
    ("PAUSED", "target.is_paused"),
    ("MAPPINGS", "mappings"),
    ("GONE", "gone_at_ms"),
    ("OBSTACLE", "target.obstacle"),
];

pub(super) const GUILD_ROLES: Columns = &[
    ("ROLE", "role_id"),
    ("NAME", "name"),
    ("POSITION", "position"),
    ("MANAGED", "is_managed"),
    ("MENTIONABLE", "is_mentionable"),
];

const ACTORS: Columns = &[
    ("ACTOR", "name"),
    ("KIND", "kind"),
    ("STATE", "state"),
    ("GEN", "generation"),
    ("RESTARTS", "restarts"),
    ("DEPTH", "mailbox.depth"),
    ("REFUSED", "mailbox.refused"),
    ("HANDLED", "handled"),
    ("LAST PANIC", "last_panic"),
];

/// A list.
pub(super) fn rows(columns: Columns, items: Vec<Value>) -> Shown {
    let text = table(columns, &items);
    Shown {
        json: Value::Array(items),
        text,
    }
}

/// One row.
pub(super) fn row(columns: Columns, item: Value) -> Shown {
    let text = table(columns, std::slice::from_ref(&item));
    Shown { json: item, text }
}

/// Something that was done, with nothing more to show.
pub(super) fn done(what: String) -> Shown {
    Shown {
        json: serde_json::json!({ "ok": true }),
        text: what,
    }
}

/// The tree of `/debug/actors`: children stand below their parent, indented.
pub(super) fn actors(answer: Value) -> Result<Shown, Failure> {
    let actors = answer["actors"]
        .as_array()
        .ok_or_else(|| Failure::Other("the answer holds no actors".to_owned()))?;
    let mut ordered = Vec::with_capacity(actors.len());
    let is_root = |actor: &Value| {
        !actors
            .iter()
            .any(|other| other["name"] == actor["parent"] && other["name"] != actor["name"])
    };
    for root in actors.iter().filter(|actor| is_root(actor)) {
        below(root, actors, 0, &mut ordered);
    }
    let readiness = match answer["not_ready_reason"].as_str() {
        Some(reason) => format!("not ready: {reason}"),
        None => "ready".to_owned(),
    };
    let text = format!("{readiness}\n\n{}", table(ACTORS, &ordered));
    Ok(Shown { json: answer, text })
}

fn below(actor: &Value, all: &[Value], depth: usize, ordered: &mut Vec<Value>) {
    if ordered.len() >= all.len() {
        return;
    }
    let mut shown = actor.clone();
    shown["name"] = format!("{}{}", "  ".repeat(depth), cell(actor, "name")).into();
    ordered.push(shown);
    for child in all
        .iter()
        .filter(|child| child["parent"] == actor["name"] && child["name"] != actor["name"])
    {
        below(child, all, depth + 1, ordered);
    }
}

/// Columns as wide as their widest cell, two spaces apart.
fn table(columns: Columns, items: &[Value]) -> String {
    let header = columns
        .iter()
        .map(|(title, _)| (*title).to_owned())
        .collect::<Vec<_>>();
    let body = items.iter().map(|item| {
        columns
            .iter()
            .map(|(_, field)| cell(item, field))
            .collect::<Vec<_>>()
    });
    let lines: Vec<Vec<String>> = std::iter::once(header).chain(body).collect();
    let width = |column: usize| {
        lines
            .iter()
            .map(|line| line[column].chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns.len()).map(width).collect();
    let mut text = String::new();
    for line in &lines {
        let cells: Vec<String> = line
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:<width$}"))
            .collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// One field as text on one line: times as times, nothing as a dash.
pub(super) fn cell(item: &Value, field: &str) -> String {
    let value = field
        .split('.')
        .try_fold(item, |value, name| value.get(name));
    match value {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::Bool(is_so)) => if *is_so { "yes" } else { "no" }.to_owned(),
        Some(Value::Number(at)) if is_moment(field) => time(at.as_i64().unwrap_or_default()),
        // What others wrote is shown on one line and cannot steer a terminal.
        Some(Value::String(text)) => text
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect(),
        Some(other) => other.to_string(),
    }
}

fn is_moment(field: &str) -> bool {
    field == "at_ms" || field.ends_with("_at_ms") || field.ends_with("_since_ms")
}

fn time(at_ms: i64) -> String {
    let at = DateTime::from_timestamp_millis(at_ms).unwrap_or_default();
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}
