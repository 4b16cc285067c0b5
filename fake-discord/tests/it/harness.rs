//! A fake with a small client.

use std::sync::Once;

use fake_discord::{
    Channel, Control, DEFAULT_BOT_TOKEN, FakeDiscord, Guild, Id, Limits, Member, Role, Settings,
};
use reqwest::{Method, header::HeaderMap};
use serde_json::{Value, json};

pub(crate) const CHANNEL: u64 = 10;
pub(crate) const GUILD: u64 = 1_000;
pub(crate) const NOON_MS: u64 = 1_800_000_000_000;

pub(crate) struct Harness {
    pub(crate) discord: FakeDiscord,
    http: reqwest::Client,
    token: String,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

/// One guild with a channel, roles and a member; limits off; a clock that stands at noon.
pub(crate) fn settings() -> Settings {
    Settings {
        guilds: vec![Guild::new(
            GUILD,
            vec![
                Role::new(501, 5),
                Role::new(502, 100),
                Role {
                    managed: true,
                    ..Role::new(503, 1)
                },
            ],
            vec![Member::new(700)],
        )],
        channels: vec![Channel::text(CHANNEL, GUILD)],
        limits: Limits::off(),
        manual_clock_at_ms: Some(NOON_MS),
        ..Settings::default()
    }
}

impl Harness {
    pub(crate) fn start(settings: Settings) -> Self {
        static PROVIDER: Once = Once::new();
        PROVIDER.call_once(|| {
            rustls::crypto::ring::default_provider()
                .install_default()
                .unwrap();
        });
        Self {
            discord: FakeDiscord::start(settings).unwrap(),
            http: reqwest::Client::new(),
            token: format!("Bot {DEFAULT_BOT_TOKEN}"),
        }
    }

    pub(crate) fn plain() -> Self {
        Self::start(settings())
    }

    /// The same fake, asked with another Authorization header.
    pub(crate) fn speak_as(&mut self, authorization: &str) {
        authorization.clone_into(&mut self.token);
    }

    pub(crate) fn control(&self) -> Control {
        self.discord.control()
    }

    pub(crate) async fn try_send(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> reqwest::Result<Answer> {
        let url = format!("{}{path}", self.discord.base_url());
        let mut request = self
            .http
            .request(method, url)
            .header("authorization", &self.token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        Answer::read(request.send().await?).await
    }

    pub(crate) async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        self.try_send(method, path, body).await.unwrap()
    }

    pub(crate) async fn api(&self, method: Method, path: &str, body: Value) -> Answer {
        self.send(method, &format!("/api/v10{path}"), Some(body))
            .await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, &format!("/api/v10{path}"), None)
            .await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, &format!("/api/v10{path}"), None)
            .await
    }

    pub(crate) async fn post(&self, body: Value) -> Answer {
        self.api(Method::POST, &format!("/channels/{CHANNEL}/messages"), body)
            .await
    }

    /// Posts a content and gives the message's id.
    pub(crate) async fn posted(&self, content: &str) -> Id {
        let answer = self.post(json!({ "content": content })).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.id()
    }

    /// Posts a form of these parts: (name, file name, data).
    pub(crate) async fn upload(
        &self,
        method: Method,
        path: &str,
        parts: &[(&str, Option<&str>, Vec<u8>)],
    ) -> Answer {
        let mut body = Vec::new();
        for (name, filename, data) in parts {
            let filename = filename.map_or(String::new(), |name| format!("; filename=\"{name}\""));
            let head = format!(
                "--edge\r\nContent-Disposition: form-data; name=\"{name}\"{filename}\r\nContent-Type: image/png\r\n\r\n"
            );
            body.extend_from_slice(head.as_bytes());
            body.extend_from_slice(data);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(b"--edge--\r\n");
        let request = self
            .http
            .request(method, format!("{}/api/v10{path}", self.discord.base_url()))
            .header("authorization", &self.token)
            .header("content-type", "multipart/form-data; boundary=edge")
            .body(body);
        Answer::read(request.send().await.unwrap()).await.unwrap()
    }
}

impl Answer {
    async fn read(response: reqwest::Response) -> reqwest::Result<Self> {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Ok(Self {
            status,
            headers,
            text: response.text().await?,
        })
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {}", self.text))
    }

    pub(crate) fn id(&self) -> Id {
        self.json()["id"].as_str().unwrap().parse().unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// Status and Discord's code.
    pub(crate) fn failure(&self) -> (u16, u64) {
        (
            self.status,
            self.json()["code"].as_u64().unwrap_or(u64::MAX),
        )
    }
}

/// The path of a message in the harness's channel.
pub(crate) fn message_path(id: Id) -> String {
    format!("/channels/{CHANNEL}/messages/{id}")
}
