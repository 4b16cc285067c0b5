//! E16: how soon a change of the configuration works: in the router, by a signal that is pushed the moment the change is
//! answered, and at a connector, by its long poll. Over the installation of an admin: 1,000 sources, 1,000 mappings.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::Context;
use super::scene::{SOURCE_GUILD, Scene, SceneSettings, put_latency, source};
use crate::clock;
use crate::failure::{Doing, Failure, Outcome};
use crate::histogram::Histogram;
use crate::http::HttpClient;
use crate::messages::{Batch, Message, Said, Snowflakes};
use crate::report::Figures;
use crate::stage::Connector;

const CALL_TIMEOUT: Duration = Duration::from_secs(40);
/// A long poll that says nothing for so long has missed the change.
const POLLED_WITHIN: Duration = Duration::from_secs(10);

pub(super) fn run(context: &Context) -> Outcome<Vec<Figures>> {
    let count = context.pick(1_000, 40);
    let settings = SceneSettings {
        connectors: 1,
        channels: count,
        mappings: count,
        ..SceneSettings::default()
    };
    let scene = Scene::set_up(context, &settings)?;
    // Even, so that the source is on again.
    let changes = context.pick(100, 4);
    (0..context.repetitions)
        .map(|_| repetition(&scene, changes).map_err(|failure| scene.stage.explain(&failure)))
        .collect()
}

/// One connector that long polls in a thread of its own and tells when each new configuration arrived.
struct Poller {
    arrivals: mpsc::Receiver<Outcome<(i64, Instant)>>,
}

impl Poller {
    /// Polls from the configuration of now on; the first arrival tells that it listens.
    fn start(scene: &Scene, connector: &Connector, polls: usize) -> Self {
        let (told, arrivals) = mpsc::channel();
        let (address, connector) = (scene.stage.book().now().ingest, connector.clone());
        std::thread::spawn(move || {
            let mut client = HttpClient::new(address, CALL_TIMEOUT);
            let mut etag = None;
            for _ in 0..polls {
                let polled = poll(&mut client, &connector, &mut etag);
                let failed = polled.is_err();
                if told.send(polled).is_err() || failed {
                    return;
                }
            }
        });
        Self { arrivals }
    }

    fn next(&self) -> Outcome<(i64, Instant)> {
        self.arrivals
            .recv_timeout(POLLED_WITHIN)
            .map_err(|_| Failure::new("the long poll did not answer"))?
    }
}

/// Waits for a configuration other than the one known, and tells its version and when it came.
fn poll(
    client: &mut HttpClient,
    connector: &Connector,
    etag: &mut Option<String>,
) -> Outcome<(i64, Instant)> {
    let path = format!(
        "/connectors/{}/runtime-config?tenant_key={}&wait=30",
        connector.connector_id, connector.tenant_key
    );
    let bearer = format!("Bearer {}", connector.token);
    loop {
        let known = etag.clone().unwrap_or_default();
        let headers = [
            ("authorization", bearer.as_str()),
            ("if-none-match", known.as_str()),
        ];
        let response = client
            .request("GET", &path, &headers, None)
            .doing("the long poll")?;
        let arrived = Instant::now();
        match response.status {
            200 => {
                *etag = response.etag.clone();
                let body: Value = serde_json::from_slice(&response.body)?;
                let version = body["config"]["config_version"].as_i64();
                return Ok((version.doing("config_version")?, arrived));
            }
            304 => {}
            status => return Err(Failure::new(format!("the long poll answered {status}"))),
        }
    }
}

/// Switches one source off and on; after each answer pushes a signal of it at once and waits for the poll.
fn repetition(scene: &Scene, changes: usize) -> Outcome<Figures> {
    let connector = &scene.lanes[0].connector;
    let channel = source(0);
    let path = format!(
        "/api/connectors/{}/channels/{channel}",
        connector.connector_id
    );
    let listed = scene.stage.admin().all(&format!(
        "/api/connectors/{}/channels",
        connector.connector_id
    ))?;
    let role = listed
        .iter()
        .find(|role| role["channel_id"] == json!(channel.to_string()));
    let mut version = role
        .map(|role| role["version"].clone())
        .doing("the role of the first source")?;
    let poller = Poller::start(scene, connector, changes + 1);
    poller.next()?;
    let mut admin = HttpClient::new(scene.stage.book().now().admin, CALL_TIMEOUT);
    let mut pushes = HttpClient::new(scene.stage.book().now().ingest, CALL_TIMEOUT);
    let ids = Snowflakes::from_ms(clock::now_ms());
    let (mut answered_in, mut polled_after) = (Histogram::default(), Histogram::default());
    let mut under_the_old = 0_u64;
    for number in 0..changes {
        let is_enabled = number % 2 == 1;
        let body = json!({"guild_id": SOURCE_GUILD.to_string(), "is_source": true, "is_target": false,
            "is_enabled": is_enabled, "thread_mode": "include", "version": version});
        let body = serde_json::to_vec(&body)?;
        let began = Instant::now();
        let response = admin
            .request("PUT", &path, &[], Some(&body))
            .doing("the change")?;
        let answered = Instant::now();
        if response.status != 200 {
            return Err(Failure::new(format!(
                "the change answered {}: {}",
                response.status,
                response.text()
            )));
        }
        version = serde_json::from_slice::<Value>(&response.body)?["version"].clone();
        under_the_old += u64::from(is_taken(&mut pushes, connector, channel, &ids)? != is_enabled);
        let (_, arrived) = poller.next()?;
        answered_in.record(answered - began);
        // It may be there before the answer is.
        polled_after.record(arrived.saturating_duration_since(answered));
    }
    let mut figures = Figures::new();
    put_latency(&mut figures, &polled_after);
    figures.insert("answer_p50_ms".into(), json!(answered_in.quantile_ms(0.50)));
    figures.insert("answer_p95_ms".into(), json!(answered_in.quantile_ms(0.95)));
    figures.insert("answer_max_ms".into(), json!(answered_in.max_ms()));
    figures.insert("pushed_under_the_old".into(), json!(under_the_old));
    Ok(figures)
}

/// Pushes one signal; whether it was captured.
fn is_taken(
    client: &mut HttpClient,
    connector: &Connector,
    channel_id: u64,
    ids: &Snowflakes,
) -> Outcome<bool> {
    let mut batch = Batch::default();
    let signal_id = ids.next();
    batch.begin(connector, signal_id, clock::now_ms());
    batch.push(&Message {
        signal_id,
        channel_id,
        guild_id: SOURCE_GUILD,
        said: Said::Create,
        text: "said the moment after",
    });
    let bearer = format!("Bearer {}", connector.token);
    let response = client
        .request(
            "POST",
            "/ingest/message-batch",
            &[("authorization", &bearer)],
            Some(batch.end()),
        )
        .doing("the push after a change")?;
    let answer: Value = serde_json::from_slice(&response.body)?;
    match (response.status, &answer["accepted"], &answer["ignored"]) {
        (200, accepted, ignored) if *accepted == json!(1) || *ignored == json!(1) => {
            Ok(*accepted == json!(1))
        }
        (status, ..) => Err(Failure::new(format!(
            "the push answered {status}: {answer}"
        ))),
    }
}
