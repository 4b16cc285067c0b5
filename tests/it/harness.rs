//! What tests stand on: servers, alone or shared, and a desk, which is a connector with channels of its own and eyes on what
//! became of what it said. Every wait is for a condition, with a bound and a name.

use std::{
    fmt::Write as _,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use heliograph_bench::{
    children,
    http::{HttpClient, Response},
    stage::{AddressBook, Admin, Connector, Stage, StageSettings},
};
use serde_json::{Value, json};

use crate::said::{self, GUILD};

/// How long anything that is awaited may take: far above what it takes, since the machine may be busy.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// The server under test with a fresh database and without Discord.
pub fn server() -> StageSettings {
    StageSettings::new(env!("CARGO_BIN_EXE_heliograph"))
}

/// A server for one test.
pub fn start(settings: StageSettings) -> Stage {
    Stage::start(settings).unwrap_or_else(|failure| panic!("{failure}"))
}

/// The server that tests with channels of their own share; it lives as long as one of them runs.
pub fn shared() -> Arc<Stage> {
    static SHARED: Mutex<Weak<Stage>> = Mutex::new(Weak::new());
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(stage) = shared.upgrade() {
        return stage;
    }
    let stage = Arc::new(start(server()));
    *shared = Arc::downgrade(&stage);
    stage
}

/// Waits for a condition, by name.
pub fn wait_for<T>(what: &str, mut ready: impl FnMut() -> Option<T>) -> T {
    children::wait_for(what, PATIENCE, || Ok(ready())).unwrap_or_else(|failure| panic!("{failure}"))
}

/// One request as bytes; the whole answer as text. For what a well-behaved client cannot say.
pub fn raw(address: SocketAddr, request: &[u8]) -> String {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    // A server that has refused may close before it has read everything.
    let _ = stream.write_all(request);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

/// The status of a raw answer.
pub fn status_of(answer: &str) -> u16 {
    let code = answer
        .strip_prefix("HTTP/1.1 ")
        .and_then(|rest| rest.get(..3));
    code.and_then(|code| code.parse().ok())
        .unwrap_or_else(|| panic!("no answer: {answer:?}"))
}

/// A body in chunks of `size` bytes.
pub fn chunked(body: &[u8], size: usize) -> Vec<u8> {
    let mut chunks = Vec::new();
    for piece in body.chunks(size) {
        write!(chunks, "{:x}\r\n", piece.len()).unwrap();
        chunks.extend_from_slice(piece);
        chunks.extend_from_slice(b"\r\n");
    }
    chunks.extend_from_slice(b"0\r\n\r\n");
    chunks
}

/// The body of an answer.
pub fn json_of(response: &Response) -> Value {
    serde_json::from_slice(&response.body)
        .unwrap_or_else(|error| panic!("{error}: {}", response.text()))
}

/// Checks a refusal in full: status, code, the four fields of its body and no others but `field`, and `Retry-After` where it helps.
#[track_caller]
pub fn refused(response: &Response, status: u16, error_code: &str) {
    let body = json_of(response);
    assert_eq!(
        (response.status, &body["error_code"], &body["ok"]),
        (status, &json!(error_code), &json!(false)),
        "{body}"
    );
    let mut keys: Vec<&String> = body.as_object().unwrap().keys().collect();
    keys.retain(|key| *key != "field");
    keys.sort();
    assert_eq!(keys, ["correlation_id", "error_code", "message", "ok"]);
    for key in ["message", "correlation_id", "field"] {
        let says = |text: &str| !text.is_empty();
        let is_absent = key == "field" && body.get(key).is_none();
        assert!(
            is_absent || body[key].as_str().is_some_and(says),
            "{key} in {body}"
        );
    }
    assert_eq!(
        response.retry_after_s.is_some(),
        matches!(status, 429 | 503),
        "Retry-After of {body}"
    );
}

/// The actor of this name, as the tree shows it.
pub fn actor(admin: &Admin, name: &str) -> Value {
    let tree = admin.actors().unwrap();
    let actors = tree["actors"].as_array().unwrap();
    actors
        .iter()
        .find(|actor| actor["name"] == name)
        .unwrap_or_else(|| panic!("no {name} in {tree}"))
        .clone()
}

/// Panics of all actors together.
pub fn restarts(admin: &Admin) -> u64 {
    let tree = admin.actors().unwrap();
    tree["actors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|actor| actor["restarts"].as_u64().unwrap())
        .sum()
}

/// What the server has logged so far.
pub fn log_of(stage: &Stage) -> String {
    std::fs::read_to_string(stage.directory().join("server.log")).unwrap()
}

/// What an answer counts: accepted, deduped, ignored, held, rejected.
pub fn counts(answer: &Value) -> [u64; 5] {
    let count = |name: &str| {
        answer[name]
            .as_u64()
            .unwrap_or_else(|| panic!("no {name} in {answer}"))
    };
    let rejected = answer["rejected"].as_array().map_or(0, Vec::len);
    [
        count("accepted"),
        count("deduped"),
        count("ignored"),
        count("held"),
        rejected as u64,
    ]
}

/// A connector at work on a server.
pub struct Desk {
    /// The connector, its token included.
    pub connector: Connector,
    /// The admin listener.
    pub admin: Admin,
    /// Where the listeners are.
    pub book: AddressBook,
    // A shared server lives as long as its desks.
    shared: Option<Arc<Stage>>,
}

impl Desk {
    /// A new connector of this server.
    pub fn on(stage: &Stage) -> Self {
        let admin = stage.admin();
        let name = format!("c{}", said::fresh_id());
        let connector = admin.create_connector(&name, "tenant").unwrap();
        Self {
            connector,
            admin,
            book: stage.book(),
            shared: None,
        }
    }

    /// A new connector of the shared server.
    pub fn shared() -> Self {
        let stage = shared();
        Self {
            shared: Some(stage.clone()),
            ..Self::on(&stage)
        }
    }

    /// The shared server.
    pub fn stage(&self) -> &Stage {
        self.shared.as_ref().expect("a desk of the shared server")
    }

    /// Marks a new channel as a source that everybody sees.
    pub fn source(&self) -> u64 {
        let channel = said::fresh_id();
        self.admin
            .mark_channel(&self.connector.connector_id, GUILD, channel, true, false)
            .unwrap();
        self.admin.set_visibility(channel, Some(0)).unwrap();
        channel
    }

    /// Marks a new channel as a target.
    pub fn target(&self) -> u64 {
        let channel = said::fresh_id();
        self.admin
            .mark_channel(&self.connector.connector_id, GUILD, channel, false, true)
            .unwrap();
        channel
    }

    /// The body of a batch.
    pub fn batch(&self, items: &[Value]) -> Value {
        self.body(
            json!({ "sent_at": "2025-06-01T10:00:00.000Z", "batch_id": "b1", "messages": items }),
        )
    }

    /// A body of this connector with these fields.
    pub fn body(&self, fields: Value) -> Value {
        let owner = json!({ "tenant_key": self.connector.tenant_key, "connector_id": self.connector.connector_id });
        said::with(owner, fields)
    }

    /// One request to the ingest listener with this connector's token.
    pub fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> Response {
        let bearer = format!("Bearer {}", self.connector.token);
        let mut all = vec![("authorization", bearer.as_str()), ("connection", "close")];
        all.extend(headers);
        let mut client = HttpClient::new(self.book.now().ingest, Duration::from_secs(40));
        client
            .request(method, path, &all, body)
            .unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    /// Posts a body.
    pub fn post(&self, path: &str, body: &Value) -> Response {
        self.ask("POST", path, &[], Some(body.to_string().as_bytes()))
    }

    /// Pushes a batch, whatever is answered.
    pub fn try_push(&self, items: &[Value]) -> Response {
        self.post("/ingest/message-batch", &self.batch(items))
    }

    /// Pushes a batch that must be taken: the answer.
    pub fn push(&self, items: &[Value]) -> Value {
        let response = self.try_push(items);
        assert_eq!(response.status, 200, "{}", response.text());
        json_of(&response)
    }

    /// Pushes a batch of which exactly so many must be accepted, deduped, ignored, held and rejected.
    #[track_caller]
    pub fn says(&self, expected: [u64; 5], items: &[Value]) {
        let answer = self.push(items);
        assert_eq!(
            counts(&answer),
            expected,
            "accepted, deduped, ignored, held, rejected of {answer}"
        );
    }

    /// Pushes a batch as connectors in the field do, again and again while it is refused for now: the answer.
    pub fn push_until_taken(&self, items: &[Value]) -> Value {
        let response = wait_for("a batch to be taken", || {
            let response = self.try_push(items);
            match response.status {
                200 => Some(response),
                429 | 503 => {
                    assert!(
                        response.retry_after_s.is_some(),
                        "no Retry-After: {}",
                        response.text()
                    );
                    None
                }
                status => panic!("{status}: {}", response.text()),
            }
        });
        json_of(&response)
    }

    /// The head of an ingest request with this connector's token, for raw bodies.
    pub fn head(&self, method: &str, path: &str, more: &[&str]) -> String {
        let mut head = format!("{method} {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n");
        write!(
            head,
            "authorization: Bearer {}\r\ncontent-type: application/json\r\n",
            self.connector.token
        )
        .unwrap();
        for line in more {
            write!(head, "{line}\r\n").unwrap();
        }
        head + "\r\n"
    }

    /// Posts bytes as a batch.
    pub fn post_bytes(&self, path: &str, body: &[u8]) -> Response {
        self.ask("POST", path, &[], Some(body))
    }

    /// A page of a channel's signals as a visitor sees them.
    pub fn page(&self, channel: u64, query: &str) -> Value {
        let mut client = HttpClient::new(self.book.now().public, PATIENCE);
        let path = format!("/api/channels/{channel}/signals{query}");
        let response = client
            .request("GET", &path, &[("connection", "close")], None)
            .unwrap();
        assert_eq!(response.status, 200, "{}", response.text());
        json_of(&response)
    }

    /// The newest signals of a channel, newest first.
    pub fn signals(&self, channel: u64) -> Vec<Value> {
        self.page(channel, "?limit=200")["signals"]
            .as_array()
            .unwrap()
            .clone()
    }

    /// How a signal reads now; `None` when nobody sees it.
    pub fn signal(&self, channel: u64, signal: u64) -> Option<Value> {
        self.signals(channel)
            .into_iter()
            .find(|seen| seen["signal_id"] == signal.to_string())
    }

    /// How many revisions the channel has had.
    pub fn seq(&self, channel: u64) -> u64 {
        self.page(channel, "?limit=1")["cursor"]["seq"]
            .as_u64()
            .unwrap()
    }

    /// The quarantined items of this connector, newest first.
    pub fn quarantined(&self) -> Vec<Value> {
        let mut all = self.admin.all("/api/quarantine").unwrap();
        all.retain(|item| item["connector_id"] == self.connector.connector_id.as_str());
        all
    }
}
