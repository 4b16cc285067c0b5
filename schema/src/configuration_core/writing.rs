//! Writes a configuration as a file: in one order, with names as comments, and nothing that is as it would be without being said.

use super::{Channel, Configuration, Connector, FORMAT, KnownNames, Mapping, Status, ThreadMode};
use crate::{ids::ChannelId, rules::MappingRules};
use serde::Serialize;
use std::{collections::HashMap, fmt::Write as _};

const HEAD: &str = "# The configuration of Heliograph: connectors with their channels, who sees which channel live, target channels and \
mappings.\n# Names behind # are for people; ids count. What is not said is at its default. No tokens are in it.\n";

/// The file.
pub fn write(configuration: &Configuration, names: &KnownNames) -> String {
    let mut file = File(HEAD.to_owned());
    file.value("format", &FORMAT);
    let mut of_connectors: HashMap<&str, Vec<(&ChannelId, &Channel)>> = HashMap::new();
    for ((connector, channel), role) in &configuration.channels {
        let of_it = of_connectors.entry(connector).or_default();
        of_it.push((channel, role));
    }
    for (id, connector) in &configuration.connectors {
        file.table(&format!("connectors.{}", key(id)), None);
        file.connector(id, connector);
        for (channel, role) in of_connectors.remove(id.as_str()).unwrap_or_default() {
            let name = names.channels.get(channel).map(String::as_str);
            file.table(&format!("connectors.{}.channels.{channel}", key(id)), name);
            file.value("guild_id", &role.guild_id);
            file.unless("is_source", &role.is_source, &false);
            file.unless("is_target", &role.is_target, &false);
            file.unless("is_enabled", &role.is_enabled, &true);
            file.unless("thread_mode", &role.thread_mode, &ThreadMode::default());
        }
    }
    for (channel, visibility) in &configuration.visibility {
        let name = names.channels.get(channel).map(String::as_str);
        file.table(&format!("visibility.{channel}"), name);
        file.value("guild_id", &visibility.guild_id);
        file.value("min_tier", &visibility.min_tier);
    }
    for (channel, target) in &configuration.targets {
        let name = names.channels.get(channel).map(String::as_str);
        file.table(&format!("targets.{channel}"), name);
        file.unless("is_target", &target.is_target, &false);
        file.unless("is_paused", &target.is_paused, &false);
    }
    for (pair, mapping) in &configuration.mappings {
        file.table("[mappings]", names.pair(*pair).as_deref());
        file.value("source_channel_id", &pair.0);
        file.value("target_channel_id", &pair.1);
        file.mapping(mapping, names);
    }
    file.0
}

/// The text so far.
struct File(String);

impl File {
    fn connector(&mut self, id: &str, connector: &Connector) {
        self.value("tenant_key", &connector.tenant_key);
        self.unless("name", &connector.name.as_str(), &id);
        self.unless("status", &connector.status, &Status::default());
        self.unless("ingest_enabled", &connector.ingest_enabled, &true);
        self.unless("forward_enabled", &connector.forward_enabled, &false);
    }

    fn mapping(&mut self, mapping: &Mapping, names: &KnownNames) {
        self.unless("tier", &mapping.tier, &0);
        if let Some(role) = &mapping.ping_role_id {
            self.value("ping_role_id", role);
            if let Some(name) = names.roles.get(role) {
                self.0.pop();
                self.0.push_str(&format!("  # {}\n", plain(name)));
            }
        }
        self.unless("priority", &mapping.priority, &0);
        self.unless("is_enabled", &mapping.is_enabled, &true);
        let MappingRules {
            filters,
            transform,
            author_style,
            thread_style,
            hand_deletions,
        } = &mapping.rules;
        self.fields("filters_json", filters);
        self.fields("transform_json", transform);
        let plain = MappingRules::default();
        self.unless("author_style", author_style, &plain.author_style);
        self.unless("thread_style", thread_style, &plain.thread_style);
        self.unless("hand_deletions", hand_deletions, &plain.hand_deletions);
    }

    fn table(&mut self, name: &str, comment: Option<&str>) {
        self.0.push('\n');
        if let Some(comment) = comment {
            self.0.push_str(&format!("# {}\n", plain(comment)));
        }
        self.0.push_str(&format!("[{name}]\n"));
    }

    fn unless<T: Serialize + PartialEq>(&mut self, field: &str, value: &T, default: &T) {
        if value != default {
            self.value(field, value);
        }
    }

    fn value<T: Serialize>(&mut self, field: &str, value: &T) {
        // Everything that is said here has a form in TOML: strings, numbers, booleans and lists of them.
        if let Ok(value) = toml::Value::try_from(value) {
            // Writing to a String cannot fail.
            let _ = writeln!(self.0, "{field} = {value}");
        }
    }

    /// Each field of a struct in a line of its own.
    fn fields<T: Serialize>(&mut self, name: &str, value: &T) {
        if let Ok(toml::Value::Table(fields)) = toml::Value::try_from(value) {
            for (field, value) in fields {
                self.value(&format!("{name}.{field}"), &value);
            }
        }
    }
}

/// An id of a connector as a key.
fn key(id: &str) -> String {
    if id.contains('.') {
        format!("\"{id}\"")
    } else {
        id.to_owned()
    }
}

/// A name of somebody else's as a comment: whatever it holds, it ends with its line.
fn plain(name: &str) -> String {
    name.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect::<String>()
        .trim()
        .to_owned()
}
