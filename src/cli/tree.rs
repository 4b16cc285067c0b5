//! A guild's channels as Discord shows them, for people: what stands in what, with what each is to us beside it. Pure: JSON in,
//! text out.

use super::{Shown, show::cell};
use serde_json::Value;

/// The answer of a tree, of a connector or of the bot. Its channels come in order, each below its parent.
pub(super) fn shown(answer: Value) -> Shown {
    let guild = &answer["guild"];
    let mut text = format!(
        "{} ({}){}\n",
        cell(guild, "name"),
        cell(guild, "guild_id"),
        gone(guild)
    );
    let channels = answer["channels"].as_array().map_or(&[][..], Vec::as_slice);
    let threads = answer["threads"].as_array().map_or(&[][..], Vec::as_slice);
    for channel in channels {
        let depth = 1 + usize::from(!channel["parent_id"].is_null());
        text.push_str(&format!(
            "{}{} {} ({}){}{}\n",
            "  ".repeat(depth),
            sign(&channel["kind"]),
            cell(channel, "name"),
            cell(channel, "channel_id"),
            marks(channel),
            gone(channel)
        ));
        for thread in threads
            .iter()
            .filter(|thread| thread["parent_channel_id"] == channel["channel_id"])
        {
            let archived = if thread["archived"] == true {
                ", archived"
            } else {
                ""
            };
            text.push_str(&format!(
                "{}thread {} ({}){archived}\n",
                "  ".repeat(depth + 1),
                cell(thread, "name"),
                cell(thread, "thread_id")
            ));
        }
    }
    if answer["threads_are_more"] == true {
        text.push_str("there are more threads\n");
    }
    Shown { json: answer, text }
}

/// Discord's channel types.
fn sign(kind: &Value) -> &'static str {
    match kind.as_i64() {
        Some(4) => "category",
        Some(2) => "voice",
        Some(5) => "news",
        Some(13) => "stage",
        Some(15) => "forum",
        Some(16) => "media",
        _ => "#",
    }
}

/// What the channel is to us, in words.
fn marks(channel: &Value) -> String {
    let (role, target) = (&channel["role"], &channel["target"]);
    let is = |of: &Value, field: &str| of[field] == true;
    let enabled = is(role, "is_enabled");
    let mut marks = Vec::new();
    for (said, word) in [
        (is(role, "is_source"), "source"),
        (is(role, "is_target") || is(target, "is_target"), "target"),
        (!role.is_null() && !enabled, "disabled"),
        (is(target, "is_paused"), "paused"),
        (
            target["obstacle"].is_string(),
            "something stands in the way",
        ),
    ] {
        if said {
            marks.push(word.to_owned());
        }
    }
    if let Some(tier) = channel["min_tier"].as_i64() {
        marks.push(format!("tier {tier}"));
    }
    if let Some(count) = channel["mappings"].as_i64().filter(|count| *count > 0) {
        marks.push(format!("{count} mapped"));
    }
    match &marks[..] {
        [] => String::new(),
        marks => format!(" [{}]", marks.join(", ")),
    }
}

fn gone(of: &Value) -> String {
    match of["gone_at_ms"] {
        Value::Null => String::new(),
        _ => format!(", gone since {}", cell(of, "gone_at_ms")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn channels_stand_below_what_they_belong_to() {
        let answer = json!({
            "guild": { "guild_id": "7", "name": "Desk", "gone_at_ms": null },
            "channels": [
                { "channel_id": "1", "name": "rules", "kind": 0, "parent_id": null, "role": null, "gone_at_ms": null },
                { "channel_id": "2", "name": "TRADES", "kind": 4, "parent_id": null, "gone_at_ms": null },
                { "channel_id": "3", "name": "btc\u{1b}[2J", "kind": 15, "parent_id": "2", "min_tier": 2, "mappings": 1,
                  "role": { "is_source": true, "is_target": false, "is_enabled": false }, "gone_at_ms": 0 },
                { "channel_id": "4", "name": "talk", "kind": 2, "parent_id": "2",
                  "target": { "is_target": true, "is_paused": true, "obstacle": null }, "gone_at_ms": null },
            ],
            "threads": [{ "thread_id": "9", "parent_channel_id": "3", "name": "plan", "archived": true }],
            "threads_are_more": true,
        });
        let expected = "Desk (7)\n  # rules (1)\n  category TRADES (2)\n    forum btc [2J (3) [source, disabled, tier 2, 1 mapped], gone since \
            1970-01-01T00:00:00Z\n      thread plan (9), archived\n    voice talk (4) [target, paused]\nthere are more threads\n";
        assert_eq!(shown(answer).text, expected);
    }
}
