//! Owns what the scenarios share: a stage with connectors, channels and mappings on it, sessions that listen, and the figures
//! that every run over live sessions has in common.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};

use super::Context;
use crate::clock;
use crate::failure::{Doing, Failure, Outcome};
use crate::histogram::Histogram;
use crate::ingest_load::{self, Lane, Plan, Pushed};
use crate::live_client::fleet::{Fleet, FleetSettings, Tally};
use crate::messages::Snowflakes;
use crate::report::Figures;
use crate::stage::{MappingWish, Stage, StageSettings};

/// Guild of all source channels.
pub const SOURCE_GUILD: u64 = 600_000_000_000_000_001;
/// Guild of all target channels.
pub const TARGET_GUILD: u64 = 600_000_000_000_000_002;
const FIRST_SOURCE: u64 = 610_000_000_000_000_000;
const FIRST_TARGET: u64 = 620_000_000_000_000_000;
/// More channels than this are written into the tables of a stopped server: thousands of calls would only cost time.
const CHANNELS_BY_ADMIN_MAX: usize = 32;
/// Threads that share the sockets of a fleet.
const FLEET_THREADS: usize = 1;
/// How long all sessions may take to attach, and later to catch up.
const ATTACH_WITHIN: Duration = Duration::from_secs(120);
const SETTLE_WITHIN: Duration = Duration::from_secs(20);

/// What is on the stage.
#[derive(Clone, Debug, Default)]
pub struct SceneSettings {
    /// Connectors; channels are dealt out to them in turn.
    pub connectors: usize,
    /// Source channels, all seen by everybody.
    pub channels: usize,
    /// Of these, how many are mirrored, each into a target channel of its own.
    pub mappings: usize,
    /// Configuration keys of the server.
    pub env: Vec<(String, String)>,
}

/// A stage that is ready to be played on.
pub struct Scene {
    /// The processes.
    pub stage: Stage,
    /// Who pushes what.
    pub lanes: Vec<Lane>,
    /// Ids for new signals.
    pub ids: Snowflakes,
}

/// The n-th source channel.
#[must_use]
pub fn source(number: usize) -> u64 {
    FIRST_SOURCE + number as u64
}

/// The n-th target channel.
#[must_use]
pub fn target(number: usize) -> u64 {
    FIRST_TARGET + number as u64
}

impl Scene {
    /// Starts a server and sets it up.
    ///
    /// # Errors
    /// It did not start, or refused.
    pub fn set_up(context: &Context, settings: &SceneSettings) -> Outcome<Self> {
        let mut stage_settings =
            StageSettings::new(&context.server_binary).with_open_fake_discord();
        stage_settings.env.extend(settings.env.iter().cloned());
        Self::on(Stage::start(stage_settings)?, settings)
    }

    /// Sets up a server that runs already.
    ///
    /// # Errors
    /// It refused.
    pub fn on(mut stage: Stage, settings: &SceneSettings) -> Outcome<Self> {
        let mut lanes = Vec::new();
        for number in 0..settings.connectors {
            let connector = stage
                .admin()
                .create_connector(&format!("connector-{number}"), "bench")
                .map_err(|failure| stage.explain(&failure))?;
            lanes.push(Lane {
                connector,
                guild_id: SOURCE_GUILD,
                channels: (0..settings.channels)
                    .filter(|channel| channel % settings.connectors == number)
                    .map(source)
                    .collect(),
            });
        }
        if settings.channels <= CHANNELS_BY_ADMIN_MAX {
            by_admin(&stage, &lanes, settings).map_err(|failure| stage.explain(&failure))?;
        } else {
            stage.terminate()?;
            stage.table()?.run(&as_sql(&lanes, settings))?;
            stage.restart()?;
        }
        Ok(Self {
            stage,
            lanes,
            ids: Snowflakes::from_ms(clock::now_ms()),
        })
    }

    /// Sessions on these channels, attached and live.
    ///
    /// # Errors
    /// Not all were attached in time.
    pub fn listen(&self, sockets: Vec<Vec<u64>>) -> Outcome<Fleet> {
        Fleet::connect(FleetSettings {
            address: self.stage.book().now().public,
            token: None,
            sockets,
            threads: FLEET_THREADS,
            attach_within: ATTACH_WITHIN,
        })
        .map_err(|failure| self.stage.explain(&failure))
    }

    /// Pushes by a plan over this scene's lanes.
    ///
    /// # Errors
    /// See [`ingest_load::push`].
    pub fn push(&self, plan: &Plan) -> Outcome<Pushed> {
        ingest_load::push(&self.stage.book(), plan, &self.ids)
            .map_err(|failure| self.stage.explain(&failure))
    }

    /// Where each channel stands, as a viewer is told.
    ///
    /// # Errors
    /// The public listener did not answer.
    pub fn heads(&self) -> Outcome<HashMap<u64, u64>> {
        heads(&self.stage)
    }

    /// Pushes while a fleet listens, waits until everything arrived, and tells what the fleet saw in between.
    ///
    /// # Errors
    /// The push failed. Losses are no error: they are in the tally.
    pub fn push_to(&self, fleet: &Fleet, plan: &Plan) -> Outcome<(Pushed, Tally, u64)> {
        fleet.begin_window();
        let pushed = self.push(plan)?;
        let heads = self.heads()?;
        let tally = fleet.settle(&heads, SETTLE_WITHIN);
        let lost = tally.lost(&heads);
        Ok((pushed, tally, lost))
    }
}

/// Where each channel stands, as a viewer is told.
///
/// # Errors
/// The public listener did not answer.
pub fn heads(stage: &Stage) -> Outcome<HashMap<u64, u64>> {
    let response = stage
        .public_client()
        .request("GET", "/api/channels", &[], None)
        .doing("GET /api/channels")?;
    if response.status != 200 {
        return Err(Failure::new(format!(
            "GET /api/channels answered {}",
            response.status
        )));
    }
    let answer: Value = serde_json::from_slice(&response.body)?;
    let channels = answer["channels"].as_array().doing("channels")?;
    Ok(channels
        .iter()
        .filter_map(|channel| {
            let id = channel["channel_id"].as_str()?.parse().ok()?;
            Some((id, channel["seq"].as_u64()?))
        })
        .collect())
}

fn by_admin(stage: &Stage, lanes: &[Lane], settings: &SceneSettings) -> Outcome<()> {
    let admin = stage.admin();
    for lane in lanes {
        for channel in &lane.channels {
            admin.mark_channel(
                &lane.connector.connector_id,
                SOURCE_GUILD,
                *channel,
                true,
                false,
            )?;
            admin.set_visibility(*channel, Some(0))?;
        }
    }
    for number in 0..settings.mappings {
        let lane = &lanes[number % lanes.len()];
        admin.mark_channel(
            &lane.connector.connector_id,
            TARGET_GUILD,
            target(number),
            false,
            true,
        )?;
        admin.create_mapping(MappingWish {
            source_channel_id: source(number),
            target_channel_id: target(number),
        })?;
    }
    Ok(())
}

/// The same as [`by_admin`], as statements for a stopped server.
fn as_sql(lanes: &[Lane], settings: &SceneSettings) -> String {
    let mut sql = String::new();
    let mut role = |connector: &str, guild: u64, channel: u64, is_source: bool| {
        let min_tier = if is_source { "0" } else { "NULL" };
        // Writing to a String cannot fail.
        let _ = writeln!(
            sql,
            "INSERT INTO channels (channel_id, guild_id, name, min_tier) VALUES ({channel}, {guild}, 'channel {channel}', {min_tier})
               ON CONFLICT (channel_id) DO UPDATE SET min_tier = EXCLUDED.min_tier;
             INSERT INTO channel_roles (connector_id, channel_id, guild_id, is_source, is_target, is_enabled, thread_mode)
               VALUES ('{connector}', {channel}, {guild}, {is_source}, {}, true, 'include');",
            !is_source
        );
    };
    for lane in lanes {
        for channel in &lane.channels {
            role(&lane.connector.connector_id, SOURCE_GUILD, *channel, true);
        }
    }
    for number in 0..settings.mappings {
        let connector = &lanes[number % lanes.len()].connector.connector_id;
        role(connector, TARGET_GUILD, target(number), false);
    }
    for number in 0..settings.mappings {
        let _ = writeln!(
            sql,
            "INSERT INTO mappings (source_channel_id, target_channel_id) VALUES ({}, {});",
            source(number),
            target(number)
        );
    }
    sql
}

/// `p50_ms p95_ms p99_ms max_ms` of a scenario's own span.
pub fn put_latency(figures: &mut Figures, latency: &Histogram) {
    for (name, quantile) in [("p50_ms", 0.50), ("p95_ms", 0.95), ("p99_ms", 0.99)] {
        figures.insert(name.into(), json!(latency.quantile_ms(quantile)));
    }
    figures.insert("max_ms".into(), json!(latency.max_ms()));
    figures.insert("samples".into(), json!(latency.count()));
}

/// What was pushed and what became of it.
pub fn put_pushed(figures: &mut Figures, pushed: &Pushed) {
    figures.insert("sent".into(), json!(pushed.sent));
    figures.insert("acked".into(), json!(pushed.acked));
    figures.insert("ack_p50_ms".into(), json!(pushed.latency.quantile_ms(0.50)));
    figures.insert("ack_p99_ms".into(), json!(pushed.latency.quantile_ms(0.99)));
    figures.insert("tried_again".into(), json!(pushed.tried_again));
}

/// What the sessions saw of it.
pub fn put_tally(figures: &mut Figures, tally: &Tally, lost: u64) {
    let closed: u64 = tally.closed.values().sum();
    for (name, count) in [
        ("lost", lost),
        ("doubled", tally.doubled),
        ("out_of_order", tally.out_of_order),
        ("gaps", tally.gaps),
        ("closed", closed),
        ("deliveries", tally.deliveries),
    ] {
        figures.insert(name.into(), json!(count));
    }
    if let Some(failure) = tally.failures.first() {
        figures.insert("first_failure".into(), json!(failure));
    }
}

/// A rate, or zero over no time.
#[must_use]
#[allow(clippy::cast_precision_loss)]
pub fn per_second(count: u64, elapsed: Duration) -> f64 {
    if elapsed.is_zero() {
        0.0
    } else {
        count as f64 / elapsed.as_secs_f64()
    }
}
