//! A signal's trail as lines for people. Pure: JSON in, text out.

use super::{Shown, show::cell};
use serde_json::Value;
use std::fmt::Write as _;

/// The trail, from capture to the last target.
pub(super) fn shown(json: Value) -> Shown {
    let mut text = String::new();
    let signal = &json["signal"];
    let mut line = |indent: usize, words: String| {
        // Writing into a string does not fail.
        let _ = writeln!(text, "{}{words}", "  ".repeat(indent));
    };
    line(
        0,
        format!(
            "signal {} of channel {} ({}), revision {}{}",
            cell(signal, "signal_id"),
            cell(signal, "source_channel_id"),
            cell(signal, "source_channel_name"),
            cell(signal, "revision"),
            if signal["deleted_at_ms"].is_null() {
                ""
            } else {
                ", deleted"
            }
        ),
    );
    for body in items(&json["captured"]) {
        line(
            1,
            format!(
                "{}  captured by {} ({})",
                cell(body, "received_at_ms"),
                cell(body, "connector_id"),
                cell(body, "correlation_id")
            ),
        );
    }
    for revision in items(&json["committed"]) {
        let sessions = match revision["sessions"].as_u64() {
            Some(sessions) => format!("sent to {sessions} sessions"),
            None => "sessions not known any more".to_owned(),
        };
        line(
            1,
            format!(
                "{}  committed {} as {}.{}{}, {sessions}",
                cell(revision, "committed_at_ms"),
                cell(revision, "kind"),
                cell(revision, "epoch"),
                cell(revision, "seq"),
                if revision["late"] == true {
                    ", late"
                } else {
                    ""
                }
            ),
        );
    }
    for delivery in items(&json["deliveries"]) {
        line(
            1,
            format!(
                "channel {} ({}): {}, revision {} of {}, {}",
                cell(delivery, "target_channel_id"),
                cell(delivery, "target_channel_name"),
                cell(delivery, "state"),
                cell(delivery, "delivered_revision"),
                cell(delivery, "desired_revision"),
                cell(delivery, "explanation")
            ),
        );
        for part in items(&delivery["parts"]) {
            line(
                2,
                format!(
                    "{}  {}",
                    cell(part, "posted_at_ms"),
                    cell(
                        part,
                        if part["link"].is_null() {
                            "message_id"
                        } else {
                            "link"
                        }
                    )
                ),
            );
        }
        if let Some(delay_ms) = delivery["delay_ms"].as_i64() {
            line(2, format!("{delay_ms} ms after it was wanted there"));
        }
    }
    for missing in items(&json["not_delivered"]) {
        line(
            1,
            match missing["target_channel_id"].as_str() {
                Some(_) => format!(
                    "channel {} ({}): nothing, {}",
                    cell(missing, "target_channel_id"),
                    cell(missing, "target_channel_name"),
                    cell(missing, "reason")
                ),
                None => cell(missing, "reason"),
            },
        );
    }
    Shown { json, text }
}

fn items(list: &Value) -> &[Value] {
    list.as_array().map_or(&[], Vec::as_slice)
}
