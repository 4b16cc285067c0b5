//! E15: what an admin waits for: every request that the pages of the admin web app make, over an installation with 10,000
//! channels in 100 guilds and 1,000 mappings.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::Context;
use super::scene::put_latency;
use crate::failure::{Doing, Failure, Outcome};
use crate::histogram::Histogram;
use crate::http::HttpClient;
use crate::report::Figures;
use crate::stage::{Stage, StageSettings};

/// Ids of the installation, apart from those of other scenarios.
const FIRST_GUILD: u64 = 630_000_000_000_000_000;
const FIRST_CHANNEL: u64 = 640_000_000_000_000_000;
const CONNECTOR: &str = "admin-pages";
const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// How large the installation is.
#[derive(Clone, Copy, Debug)]
struct Extent {
    guilds: u64,
    channels_per_guild: u64,
    mappings: u64,
    signals: u64,
}

pub(super) fn run(context: &Context) -> Outcome<Vec<Figures>> {
    let extent = context.pick(
        Extent {
            guilds: 100,
            channels_per_guild: 100,
            mappings: 1_000,
            signals: 20_000,
        },
        Extent {
            guilds: 4,
            channels_per_guild: 10,
            mappings: 10,
            signals: 50,
        },
    );
    let stage = set_up(context, extent)?;
    let rounds = context.pick(40, 1);
    (0..context.repetitions)
        .map(|_| repetition(&stage, rounds).map_err(|failure| stage.explain(&failure)))
        .collect()
}

fn set_up(context: &Context, extent: Extent) -> Outcome<Stage> {
    let settings = StageSettings::new(&context.server_binary).with_open_fake_discord();
    let mut stage = Stage::start(settings)?;
    stage.admin().create_connector(CONNECTOR, "bench")?;
    stage.terminate()?;
    stage.table()?.run(&as_sql(extent))?;
    stage.restart()?;
    Ok(stage)
}

/// The installation as statements for a stopped server: the connector sees everything, the first half of each guild's channels
/// are sources, the second half targets; each tenth mapping has rules, and every tenth delivery is a dead letter.
fn as_sql(extent: Extent) -> String {
    let Extent {
        guilds,
        channels_per_guild: per_guild,
        mappings,
        signals,
    } = extent;
    let half = per_guild / 2;
    format!(
        "INSERT INTO guilds (guild_id, name) SELECT {FIRST_GUILD} + g, 'Guild ' || g FROM generate_series(0, {guilds} - 1) g;
         INSERT INTO guild_sightings (observer, guild_id) SELECT o, guild_id FROM guilds, unnest(array['{CONNECTOR}', '@bot']) o;
         INSERT INTO channels (channel_id, guild_id, parent_id, name, kind, position, min_tier)
           SELECT {FIRST_CHANNEL} + g * {per_guild} + c, {FIRST_GUILD} + g,
             CASE WHEN c % 10 > 0 THEN {FIRST_CHANNEL} + g * {per_guild} + c - c % 10 END, 'channel-' || g || '-' || c,
             CASE WHEN c % 10 = 0 THEN 4 ELSE 0 END, c, CASE WHEN c < {half} THEN 0 END
           FROM generate_series(0, {guilds} - 1) g, generate_series(0, {per_guild} - 1) c;
         INSERT INTO channel_sightings (observer, channel_id, guild_id)
           SELECT o, channel_id, guild_id FROM channels, unnest(array['{CONNECTOR}', '@bot']) o;
         INSERT INTO guild_roles (role_id, guild_id, name, position)
           SELECT guild_id + 1000 * r, guild_id, 'Role ' || r, r FROM guilds, generate_series(1, 20) r;
         INSERT INTO channel_roles (connector_id, channel_id, guild_id, is_source, is_target, is_enabled, thread_mode)
           SELECT '{CONNECTOR}', channel_id, guild_id, position < {half}, position >= {half}, true, 'include'
           FROM channels WHERE kind = 0;
         INSERT INTO threads (thread_id, parent_channel_id, guild_id, name)
           SELECT channel_id + 500000000 + t, channel_id, guild_id, 'thread ' || t
           FROM channels, generate_series(1, 3) t WHERE kind = 0 AND position % 10 = 1;
         INSERT INTO rule_sets (digest, rules) SELECT sha256(n::text::bytea),
           '{{\"filters_json\":{{\"keywords_any\":[\"word' || n || '\"]}}}}' FROM generate_series(1, greatest({mappings} / 10, 1)) n;
         INSERT INTO mappings (source_channel_id, target_channel_id, tier, priority, rule_set_id)
           SELECT s.channel_id, t.channel_id, s.n % 3, s.n % 100,
             CASE WHEN s.n % 10 = 0 THEN (SELECT min(rule_set_id) FROM rule_sets) + (s.n / 10) % (SELECT count(*) FROM rule_sets) END
           FROM (SELECT channel_id, row_number() OVER (ORDER BY channel_id) AS n FROM channel_roles WHERE is_source) s
           JOIN (SELECT channel_id, row_number() OVER (ORDER BY channel_id) AS n FROM channel_roles WHERE is_target) t USING (n)
           WHERE n <= {mappings};
         INSERT INTO signals (signal_id, channel_id, is_visible, revision, state)
           SELECT s.id, s.source, true, 1, json_build_object('signal_id', s.id::text, 'channel_id', s.source::text, 'guild_id',
             s.guild::text, 'created', true, 'revision', 1, 'text', json_build_object('stamp_ms', 0, 'value',
             json_build_object('raw', 'signal ' || s.n, 'clean', 'signal ' || s.n)))::text
           FROM (SELECT 700000000000000000 + (n::bigint << 22) AS id, n, m.source_channel_id AS source, c.guild_id AS guild
             FROM generate_series(1, {signals}) n
             JOIN (SELECT source_channel_id, row_number() OVER (ORDER BY mapping_id) AS place FROM mappings) m
               ON m.place = 1 + n % (SELECT count(*) FROM mappings)
             JOIN channels c ON c.channel_id = m.source_channel_id) s;
         INSERT INTO deliveries (signal_id, target_channel_id, source_channel_id, mapping_id, desired_revision,
             delivered_revision, state, last_error)
           SELECT s.signal_id, m.target_channel_id, m.source_channel_id, m.mapping_id, 1, 1,
             CASE WHEN (s.signal_id >> 22) % 10 = 0 THEN 'x' ELSE 'd' END::\"char\", CASE WHEN (s.signal_id >> 22) % 10 = 0 THEN 'refused' END
           FROM signals s JOIN mappings m ON m.source_channel_id = s.channel_id;
         INSERT INTO audit (actor, action, subject, after)
           SELECT 'bench', 'mapping.change', mapping_id::text, '{{\"tier\":1}}' FROM mappings, generate_series(1, 5);
         INSERT INTO quarantine (connector_id, kind, correlation_id, item_index, reason, body)
           SELECT '{CONNECTOR}', 'message-batch', 'c', n, 'text: expected a string', '{{}}' FROM generate_series(1, 1000) n;
         ANALYZE"
    )
}

/// Each request of each page, by the page's name.
fn requests(stage: &Stage) -> Outcome<Vec<(&'static str, String)>> {
    let admin = stage.admin();
    let first = |path: &str, field: &str| -> Outcome<String> {
        let list = admin.ask("GET", path, None)?;
        let value = &list["items"][0][field];
        Ok(value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned))
    };
    let mapping = first("/api/mappings?limit=1", "mapping_id")?;
    let signal = first("/api/signals?limit=1", "signal_id")?;
    let guild = FIRST_GUILD + 1;
    Ok([
        ("overview", "/api/figures?span=hour".to_owned()),
        ("overview", "/api/figures?span=day".to_owned()),
        ("signals", "/api/signals?limit=50".to_owned()),
        ("signal", format!("/api/signals/{signal}/trail")),
        ("actors", "/debug/actors".to_owned()),
        ("connectors", "/api/connectors".to_owned()),
        ("connector", format!("/api/connectors/{CONNECTOR}")),
        (
            "channels",
            format!("/api/connectors/{CONNECTOR}/guilds?limit=500"),
        ),
        (
            "channels",
            format!("/api/connectors/{CONNECTOR}/guilds/{guild}/tree"),
        ),
        ("bot channels", "/api/bot".to_owned()),
        ("bot channels", "/api/bot/guilds?limit=500".to_owned()),
        ("bot channels", format!("/api/bot/guilds/{guild}/tree")),
        ("bot channels", format!("/api/bot/guilds/{guild}/roles")),
        ("mappings", "/api/mappings?limit=100".to_owned()),
        ("mappings", "/api/mappings?limit=500".to_owned()),
        (
            "mappings",
            "/api/mappings?q=channel-5-1&limit=100".to_owned(),
        ),
        ("mapping", format!("/api/mappings/{mapping}")),
        ("mapping", format!("/api/mappings/{mapping}/history")),
        (
            "mapping",
            format!("/api/mappings/{mapping}/dry-run?last=20"),
        ),
        (
            "mapping",
            "/api/channels?use=source&q=channel-1&limit=50".to_owned(),
        ),
        (
            "mapping",
            "/api/channels?use=target&q=channel-1&limit=50".to_owned(),
        ),
        ("targets", "/api/targets?limit=100".to_owned()),
        ("targets", "/api/targets?limit=500".to_owned()),
        ("dead letters", "/api/dead-letters?limit=100".to_owned()),
        ("raw events", "/api/raw-events?limit=100".to_owned()),
        (
            "quarantine",
            "/api/quarantine?state=open&limit=100".to_owned(),
        ),
        ("audit", "/api/audit?limit=100".to_owned()),
        ("session tokens", "/api/session-tokens?limit=100".to_owned()),
        ("configuration", "/api/configuration".to_owned()),
    ]
    .into())
}

fn repetition(stage: &Stage, rounds: usize) -> Outcome<Figures> {
    let mut client = HttpClient::new(stage.book().now().admin, CALL_TIMEOUT);
    let requests = requests(stage)?;
    let mut all = Histogram::default();
    let mut each: Vec<Histogram> = requests.iter().map(|_| Histogram::default()).collect();
    let mut largest = vec![0; requests.len()];
    for _ in 0..rounds {
        for (number, (_, path)) in requests.iter().enumerate() {
            let began = Instant::now();
            let response = client
                .request("GET", path, &[], None)
                .doing(format!("GET {path}"))?;
            let took = began.elapsed();
            if response.status != 200 {
                return Err(Failure::new(format!(
                    "GET {path} answered {}: {}",
                    response.status,
                    response.text()
                )));
            }
            largest[number] = largest[number].max(response.body.len());
            all.record(took);
            each[number].record(took);
        }
    }
    let mut figures = Figures::new();
    put_latency(&mut figures, &all);
    let (mut slowest_ms, mut slowest) = (0.0, "");
    let mut by_request = serde_json::Map::new();
    for ((histogram, bytes), (page, path)) in each.iter().zip(&largest).zip(&requests) {
        let p95_ms = histogram.quantile_ms(0.95);
        if p95_ms > slowest_ms {
            (slowest_ms, slowest) = (p95_ms, path);
        }
        by_request.insert(
            format!("{page}: {path}"),
            json!({"p50_ms": histogram.quantile_ms(0.50), "p95_ms": p95_ms, "kb": bytes / 1024}),
        );
    }
    figures.insert("slowest_p95_ms".into(), json!(slowest_ms));
    figures.insert("slowest".into(), json!(slowest));
    figures.insert("by_request".into(), Value::Object(by_request));
    Ok(figures)
}
