//! Owns the admin listener's routes as a scenario uses them: connectors, channels, mappings, the tree, the metrics.
//! Every call is one fresh connection, so that a restart of the server in between cannot double a change.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::AddressBook;
use crate::failure::{Doing, Failure, Outcome};
use crate::http::{HttpClient, Response};

/// How long one call may take.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// A change is tried again this often when somebody else changed the same thing in between (409).
const STALE_TRIES_MAX: u32 = 5;

/// A connector and what it proves itself with.
#[derive(Clone, Debug)]
pub struct Connector {
    /// Its id.
    pub connector_id: String,
    /// Its tenant.
    pub tenant_key: String,
    /// The token, shown once.
    pub token: String,
}

/// A mapping as the server tells it.
#[derive(Clone, Debug, Deserialize)]
pub struct Mapping {
    /// Its id, opaque.
    pub mapping_id: Value,
    /// Guards changes.
    pub version: Value,
}

impl Mapping {
    /// The id as it stands in a path.
    #[must_use]
    pub fn path_id(&self) -> String {
        path_text(&self.mapping_id)
    }
}

/// What a mapping should be.
#[derive(Clone, Copy, Debug)]
pub struct MappingWish {
    /// Captured from.
    pub source_channel_id: u64,
    /// Mirrored into.
    pub target_channel_id: u64,
}

/// A client of the admin listener.
#[derive(Clone, Debug)]
pub struct Admin {
    book: AddressBook,
}

impl Admin {
    /// A client of the server that this book is of.
    #[must_use]
    pub fn new(book: AddressBook) -> Self {
        Self { book }
    }

    /// One call, whatever it answers.
    ///
    /// # Errors
    /// The server could not be reached.
    pub fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Outcome<Response> {
        let mut client = HttpClient::new(self.book.now().admin, CALL_TIMEOUT);
        let bytes = body.map(serde_json::to_vec).transpose()?;
        client
            .request(method, path, &[("connection", "close")], bytes.as_deref())
            .doing(format!("{method} {path}"))
    }

    /// One call that must answer 2xx; the body as JSON, or null when there is none.
    ///
    /// # Errors
    /// The server could not be reached, or answered otherwise.
    pub fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Outcome<Value> {
        let response = self.call(method, path, body)?;
        if !(200..300).contains(&response.status) {
            return Err(Failure::new(format!(
                "{method} {path} answered {}: {}",
                response.status,
                response.text()
            )));
        }
        if response.body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&response.body).doing(format!("the body of {method} {path}"))
    }

    /// Makes a connector that may push and mirror.
    ///
    /// # Errors
    /// The server refused.
    pub fn create_connector(&self, connector_id: &str, tenant_key: &str) -> Outcome<Connector> {
        let answer = self.ask(
            "POST",
            "/api/connectors",
            Some(&json!({"connector_id": connector_id, "tenant_key": tenant_key, "name": connector_id})),
        )?;
        let token = text_of(&answer, "token")?;
        self.patch_connector(
            connector_id,
            &json!({"ingest_enabled": true, "forward_enabled": true}),
        )?;
        Ok(Connector {
            connector_id: connector_id.to_owned(),
            tenant_key: tenant_key.to_owned(),
            token,
        })
    }

    /// The connector as it stands in the list, if it exists.
    ///
    /// # Errors
    /// The server refused.
    pub fn connector(&self, connector_id: &str) -> Outcome<Option<Value>> {
        let all = self.all("/api/connectors")?;
        Ok(all
            .into_iter()
            .find(|connector| connector["connector_id"] == connector_id))
    }

    /// Changes a connector by what it is now; a change of somebody else in between is read and tried again.
    ///
    /// # Errors
    /// There is no such connector, or the server refused.
    pub fn patch_connector(&self, connector_id: &str, change: &Value) -> Outcome<Value> {
        self.change_connector(
            "PATCH",
            &format!("/api/connectors/{connector_id}"),
            connector_id,
            change,
        )
    }

    /// Gives the connector another token; the old one ends at once.
    ///
    /// # Errors
    /// There is no such connector, or the server refused.
    pub fn rotate(&self, connector_id: &str) -> Outcome<String> {
        let path = format!("/api/connectors/{connector_id}/rotate");
        let answer = self.change_connector("POST", &path, connector_id, &json!({}))?;
        text_of(&answer, "token")
    }

    fn change_connector(
        &self,
        method: &str,
        path: &str,
        connector_id: &str,
        change: &Value,
    ) -> Outcome<Value> {
        for _ in 0..STALE_TRIES_MAX {
            let connector = self
                .connector(connector_id)?
                .doing(format!("connector {connector_id}"))?;
            let mut body = change.clone();
            body["version"] = connector["version"].clone();
            let response = self.call(method, path, Some(&body))?;
            if response.status == 409 {
                continue;
            }
            if response.status != 200 {
                return Err(Failure::new(format!(
                    "{method} {path} answered {}: {}",
                    response.status,
                    response.text()
                )));
            }
            return serde_json::from_slice(&response.body).doing(path);
        }
        Err(Failure::new(format!(
            "{method} {path} was stale {STALE_TRIES_MAX} times"
        )))
    }

    /// Marks a channel as source, target or both; an existing mark is changed.
    ///
    /// # Errors
    /// The server refused.
    pub fn mark_channel(
        &self,
        connector_id: &str,
        guild_id: u64,
        channel_id: u64,
        is_source: bool,
        is_target: bool,
    ) -> Outcome<()> {
        let path = format!("/api/connectors/{connector_id}/channels/{channel_id}");
        let mut body = json!({"guild_id": guild_id.to_string(), "is_source": is_source, "is_target": is_target,
            "is_enabled": true, "thread_mode": "include"});
        let response = self.call("PUT", &path, Some(&body))?;
        if response.status == 409 {
            let list = format!("/api/connectors/{connector_id}/channels");
            let id = channel_id.to_string();
            let known = self
                .all(&list)?
                .into_iter()
                .find(|channel| channel["channel_id"] == id.as_str())
                .doing(format!("the roles of channel {id}"))?;
            body["version"] = known["version"].clone();
            self.ask("PUT", &path, Some(&body))?;
            return Ok(());
        }
        if (200..300).contains(&response.status) {
            return Ok(());
        }
        Err(Failure::new(format!(
            "PUT {path} answered {}: {}",
            response.status,
            response.text()
        )))
    }

    /// Has the bot read what it sees, until it has.
    ///
    /// # Errors
    /// The server refused, or what the bot sees cannot be read.
    pub fn refresh_bot(&self) -> Outcome<Value> {
        let bot = self.ask("POST", "/api/bot/refresh", None)?;
        if bot["state"] == "ok" {
            return Ok(bot);
        }
        Err(Failure::new(format!(
            "what the bot sees is not read: {bot}"
        )))
    }

    /// Offers a channel that the bot sees as a target.
    ///
    /// # Errors
    /// The server refused.
    pub fn offer_target(&self, channel_id: u64) -> Outcome<()> {
        let path = format!("/api/targets/{channel_id}");
        let id = channel_id.to_string();
        let known = self.all("/api/targets")?;
        let known = known
            .iter()
            .find(|row| row["target_channel_id"] == id.as_str());
        let version = known.map_or(json!(0), |row| row["version"].clone());
        self.ask(
            "PUT",
            &path,
            Some(&json!({"is_target": true, "version": version})),
        )?;
        Ok(())
    }

    /// Who sees the channel live; `None` hides it.
    ///
    /// # Errors
    /// The server refused.
    pub fn set_visibility(&self, channel_id: u64, min_tier: Option<i32>) -> Outcome<()> {
        let path = format!("/api/channels/{channel_id}/visibility");
        self.ask("PUT", &path, Some(&json!({"min_tier": min_tier})))?;
        Ok(())
    }

    /// Makes a mapping.
    ///
    /// # Errors
    /// The server refused.
    pub fn create_mapping(&self, wish: MappingWish) -> Outcome<Mapping> {
        let body = json!({"source_channel_id": wish.source_channel_id.to_string(),
            "target_channel_id": wish.target_channel_id.to_string(), "is_enabled": true});
        let answer = self.ask("POST", "/api/mappings", Some(&body))?;
        serde_json::from_value(answer).doing("the new mapping")
    }

    /// Changes a mapping and returns it as it is then.
    ///
    /// # Errors
    /// The server refused.
    pub fn patch_mapping(&self, mapping: &Mapping, change: &Value) -> Outcome<Mapping> {
        let mut body = change.clone();
        body["version"] = mapping.version.clone();
        let path = format!("/api/mappings/{}", mapping.path_id());
        let answer = self.ask("PATCH", &path, Some(&body))?;
        serde_json::from_value(answer).doing("the changed mapping")
    }

    /// Removes a mapping.
    ///
    /// # Errors
    /// The server refused.
    pub fn delete_mapping(&self, mapping: &Mapping) -> Outcome<()> {
        let version = path_text(&mapping.version);
        let path = format!("/api/mappings/{}?version={version}", mapping.path_id());
        self.ask("DELETE", &path, None)?;
        Ok(())
    }

    /// All items of a list, page by page.
    ///
    /// # Errors
    /// The server refused.
    pub fn all(&self, path: &str) -> Outcome<Vec<Value>> {
        let joint = if path.contains('?') { '&' } else { '?' };
        let mut items = Vec::new();
        let mut after = None::<String>;
        loop {
            let page = match &after {
                None => format!("{path}{joint}limit=500"),
                Some(after) => format!("{path}{joint}limit=500&after={after}"),
            };
            let mut answer = self.ask("GET", &page, None)?;
            match answer["items"].take() {
                Value::Array(more) => items.extend(more),
                other => return Err(Failure::new(format!("{path} has no items: {other}"))),
            }
            if answer["next_after"].is_null() {
                return Ok(items);
            }
            after = Some(path_text(&answer["next_after"]));
        }
    }

    /// The tree.
    ///
    /// # Errors
    /// The server could not be reached.
    pub fn actors(&self) -> Outcome<Value> {
        self.ask("GET", "/debug/actors", None)
    }

    /// The metrics text.
    ///
    /// # Errors
    /// The server could not be reached.
    pub fn metrics(&self) -> Outcome<String> {
        let response = self.call("GET", "/metrics", None)?;
        if response.status != 200 {
            return Err(Failure::new(format!(
                "/metrics answered {}",
                response.status
            )));
        }
        Ok(response.text())
    }

    /// Whether the server can commit.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.call("GET", "/readyz", None)
            .is_ok_and(|response| response.status == 200)
    }
}

fn text_of(answer: &Value, name: &str) -> Outcome<String> {
    answer[name]
        .as_str()
        .map(ToOwned::to_owned)
        .ok_or_else(|| Failure::new(format!("no {name} in the answer")))
}

/// A scalar as it stands in a path: strings without quotes.
fn path_text(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), ToOwned::to_owned)
}
