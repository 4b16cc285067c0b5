//! The client of the admin listener. Brings the token in its header, never in a URL, and follows no redirect with it.

use super::Failure;
use crate::config::{self, Secret};
use reqwest::{Method, Url, redirect::Policy};
use serde_json::Value;
use std::{net::IpAddr, time::Duration};

const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// The largest page that the listener gives.
const PAGE: usize = 500;

/// Items of one list that are shown at most.
const ITEMS_MAX: usize = 100_000;

/// Asks one process.
pub(super) struct Client {
    http: reqwest::Client,
    base: Url,
    token: Option<Secret>,
}

impl Client {
    /// Asks the process at this address, else at the configured one.
    pub(super) fn new(address: Option<String>, admin: &config::Admin) -> Result<Self, Failure> {
        let address = address.map_or_else(|| configured(admin), Ok)?;
        let base: Url = address
            .parse()
            .map_err(|error| Failure::Other(format!("--admin {address}: {error}")))?;
        // One TLS provider for the process; a second call only says that there is one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .timeout(ANSWER_TIMEOUT)
            .redirect(Policy::none())
            .no_proxy()
            .build();
        let http = http.map_err(|error| Failure::Other(error.to_string()))?;
        Ok(Self {
            http,
            base,
            token: admin.token.clone(),
        })
    }

    pub(super) async fn get(&self, path: &str) -> Result<Value, Failure> {
        self.ask(Method::GET, path, None).await
    }

    /// An answer that is no JSON.
    pub(super) async fn text(&self, path: &str) -> Result<String, Failure> {
        let bytes = self.answer(Method::GET, path, None).await?;
        String::from_utf8(bytes).map_err(|_| self.no_listener())
    }

    /// One request; the answer's JSON, `null` when it has no body.
    pub(super) async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<Value, Failure> {
        let bytes = self.answer(method, path, body).await?;
        if bytes.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&bytes).map_err(|_| self.no_listener())
    }

    fn no_listener(&self) -> Failure {
        Failure::Other(format!(
            "what answers at {} is no admin listener",
            self.base
        ))
    }

    /// The body of an answer that is a success.
    async fn answer(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<Vec<u8>, Failure> {
        let url = self
            .base
            .join(path)
            .map_err(|error| Failure::Other(format!("{path}: {error}")))?;
        let mut request = self.http.request(method, url);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token.expose());
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request
            .send()
            .await
            .map_err(|error| self.no_answer(&error))?;
        let status = response.status();
        let bytes = response
            .bytes()
            .await
            .map_err(|error| self.no_answer(&error))?;
        if status.is_success() {
            return Ok(bytes.into());
        }
        let json: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        let message = json["message"].as_str().unwrap_or("no reason was given");
        let place = json["field"]
            .as_str()
            .filter(|place| !message.contains(*place))
            .map_or_else(String::new, |place| format!("{place}: "));
        let hint = if status.as_u16() == 401 {
            " (HELIOGRAPH_ADMIN_TOKEN or admin.token_file)"
        } else {
            ""
        };
        Err(Failure::Other(format!("{place}{message}{hint}")))
    }

    /// All items of a list, page by page.
    pub(super) async fn list(&self, path: &str) -> Result<Vec<Value>, Failure> {
        self.first(path, ITEMS_MAX).await
    }

    /// The first items of a list, at most so many.
    pub(super) async fn first(&self, path: &str, count: usize) -> Result<Vec<Value>, Failure> {
        let mut items = Vec::new();
        let mut after = String::new();
        loop {
            let joint = if path.contains('?') { '&' } else { '?' };
            let limit = (count - items.len()).clamp(1, PAGE);
            let asked = format!("{path}{joint}limit={limit}&after={}", segment(&after));
            let mut page = self.get(&asked).await?;
            if let Value::Array(more) = page["items"].take() {
                items.extend(more);
            }
            match page["next_after"].as_str() {
                Some(next) if items.len() < count => next.clone_into(&mut after),
                _ => return Ok(items),
            }
        }
    }

    /// The item of a list whose `key` reads so.
    pub(super) async fn find(
        &self,
        path: &str,
        key: &str,
        wanted: &str,
    ) -> Result<Option<Value>, Failure> {
        let reads_so = |item: &Value| match &item[key] {
            Value::String(text) => text == wanted,
            other => wanted.parse().is_ok_and(|wanted: i64| *other == wanted),
        };
        Ok(self.list(path).await?.into_iter().find(reads_so))
    }

    fn no_answer(&self, error: &reqwest::Error) -> Failure {
        let reason = if error.is_timeout() {
            "it did not answer in time"
        } else {
            "is it running?"
        };
        Failure::Other(format!("no answer from {}: {reason}", self.base))
    }
}

/// The URL of the configured admin listener, from this machine.
fn configured(admin: &config::Admin) -> Result<String, Failure> {
    let mut listen = admin.listen;
    if listen.port() == 0 {
        return Err(Failure::Other(
            "admin.listen has port 0: say the address with --admin".to_owned(),
        ));
    }
    if listen.ip().is_unspecified() {
        let loopback = if listen.is_ipv4() {
            IpAddr::from([127, 0, 0, 1])
        } else {
            IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1_u16])
        };
        listen.set_ip(loopback);
    }
    Ok(format!("http://{listen}/"))
}

/// The path with those parameters that are there.
pub(super) fn query(path: &str, parameters: &[(&str, Option<&str>)]) -> String {
    let mut asked = path.to_owned();
    for (name, value) in parameters {
        if let Some(value) = value {
            let joint = if asked.contains('?') { '&' } else { '?' };
            asked.push_str(&format!("{joint}{name}={}", segment(value)));
        }
    }
    asked
}

/// `text` as one segment of a path or a value of a query.
pub(super) fn segment(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}
