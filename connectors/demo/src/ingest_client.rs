//! The HTTP side of the contract: two kinds of requests, one token, no decisions. What follows from an answer is
//! decided in `retry_core` and `poll_core`. The token goes into one header and nowhere else.

use std::fmt;
use std::time::Duration;

use chrono::Utc;
use reqwest::header::{
    AUTHORIZATION, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue, IF_NONE_MATCH, RETRY_AFTER,
};
use reqwest::{Client, Url, redirect};

use crate::contract::{IngestAnswer, RuntimeConfig, RuntimeConfigAnswer};
use crate::retry_core::{Answer, parse_retry_after};

/// A connector token. Never shown, not even for debugging.
#[derive(Clone)]
pub struct Token(HeaderValue);

impl Token {
    /// A token from a file or the environment; surrounding white space is not part of it. `None` when it is empty or
    /// has characters that no header can carry.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        let mut header = HeaderValue::from_str(&format!("Bearer {text}"))
            .ok()
            .filter(|_| !text.is_empty())?;
        header.set_sensitive(true);
        Some(Self(header))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// How a request for the runtime config ended.
#[derive(Debug)]
pub enum ConfigReply {
    /// 200: a config, with the ETag to ask for the next one.
    Fresh {
        /// The config.
        config: RuntimeConfig,
        /// Its ETag, if the server sent one.
        etag: Option<String>,
    },
    /// 304: nothing changed.
    Unchanged,
    /// Any other status.
    Refused {
        /// HTTP status code.
        code: u16,
        /// What the server said about it.
        body: IngestAnswer,
    },
    /// No answer, or a body that is no config; the reason for the log.
    Failed(String),
}

/// Speaks to one server as one connector.
#[derive(Debug, Clone)]
pub struct IngestClient {
    http: Client,
    server: Url,
    tenant_key: String,
    connector_id: String,
    request_timeout: Duration,
}

impl IngestClient {
    /// A client for the server at `server`. Fails when the TLS roots of this machine cannot be read.
    ///
    /// # Errors
    /// What the HTTP client says.
    pub fn new(
        server: Url,
        tenant_key: &str,
        connector_id: &str,
        token: &Token,
        request_timeout_ms: u64,
    ) -> Result<Self, reqwest::Error> {
        // Err means that another part of the process chose a provider already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let headers = HeaderMap::from_iter([(AUTHORIZATION, token.0.clone())]);
        // No redirects: the token is for this server only.
        let http = Client::builder()
            .default_headers(headers)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .build()?;
        Ok(Self {
            http,
            server,
            tenant_key: tenant_key.to_owned(),
            connector_id: connector_id.to_owned(),
            request_timeout: Duration::from_millis(request_timeout_ms),
        })
    }

    /// Asks for the runtime config; with `wait_s` the server may hold the answer that long.
    pub async fn runtime_config(&self, etag: Option<&str>, wait_s: Option<u64>) -> ConfigReply {
        let mut url = self.address(&["connectors", &self.connector_id, "runtime-config"]);
        url.query_pairs_mut()
            .append_pair("tenant_key", &self.tenant_key);
        if let Some(wait_s) = wait_s {
            url.query_pairs_mut()
                .append_pair("wait", &wait_s.to_string());
        }
        let held = Duration::from_secs(wait_s.unwrap_or(0));
        let mut request = self.http.get(url).timeout(self.request_timeout + held);
        if let Some(etag) = etag {
            request = request.header(IF_NONE_MATCH, etag);
        }
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) => return ConfigReply::Failed(chain(&error)),
        };
        match response.status().as_u16() {
            304 => ConfigReply::Unchanged,
            200 => {
                let etag = response
                    .headers()
                    .get(ETAG)
                    .and_then(|etag| etag.to_str().ok())
                    .map(str::to_owned);
                match response.json::<RuntimeConfigAnswer>().await {
                    Ok(answer) => ConfigReply::Fresh {
                        config: answer.config,
                        etag,
                    },
                    Err(error) => ConfigReply::Failed(chain(&error)),
                }
            }
            code => ConfigReply::Refused {
                code,
                body: response.json().await.unwrap_or_default(),
            },
        }
    }

    /// One try of one request to the ingest route `route` (`message-batch`, `thread`, `channel-guild-sync`).
    pub async fn post(
        &self,
        route: &str,
        correlation_id: &str,
        json: Vec<u8>,
    ) -> (Answer, IngestAnswer) {
        let request = self
            .http
            .post(self.address(&["ingest", route]))
            .timeout(self.request_timeout)
            .header(CONTENT_TYPE, "application/json")
            .header("X-Correlation-Id", correlation_id)
            .body(json);
        match request.send().await {
            Ok(response) => {
                let now_ms = u64::try_from(Utc::now().timestamp_millis()).unwrap_or(0);
                let retry_after = response
                    .headers()
                    .get(RETRY_AFTER)
                    .and_then(|header| header.to_str().ok());
                let retry_after_ms =
                    retry_after.and_then(|header| parse_retry_after(header, now_ms));
                let answer = Answer::Status {
                    code: response.status().as_u16(),
                    retry_after_ms,
                };
                // The status decides; a body that is cut off or no JSON only makes the log poorer.
                (answer, response.json().await.unwrap_or_default())
            }
            Err(error) => {
                let body = IngestAnswer {
                    message: Some(chain(&error)),
                    ..IngestAnswer::default()
                };
                (Answer::Unreachable, body)
            }
        }
    }

    fn address(&self, segments: &[&str]) -> Url {
        let mut url = self.server.clone();
        // Only addresses that cannot have a path (mailto:) refuse; the command line refuses those first.
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }
}

/// An error with its causes: the outermost alone says only "error sending request".
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_token_is_trimmed_and_never_shown() {
        let token = Token::new(" hg_secret\n").unwrap();
        assert_eq!(token.0, "Bearer hg_secret");
        assert!(!format!("{token:?} {:?}", token.0).contains("hg_secret"));
        for bad in ["", "  \n", "two\nlines"] {
            assert!(Token::new(bad).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn addresses_keep_a_path_prefix_and_escape_ids() {
        let token = Token::new("t").unwrap();
        for (server, address) in [
            (
                "http://127.0.0.1:8082",
                "http://127.0.0.1:8082/connectors/a%2Fb/runtime-config",
            ),
            (
                "https://example.org/signals/",
                "https://example.org/signals/connectors/a%2Fb/runtime-config",
            ),
        ] {
            let client =
                IngestClient::new(server.parse().unwrap(), "demo", "a/b", &token, 1_000).unwrap();
            assert_eq!(
                client
                    .address(&["connectors", "a/b", "runtime-config"])
                    .as_str(),
                address
            );
        }
    }
}
