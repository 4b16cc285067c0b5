//! Owns what every proof stands on: a stage with field connectors pushing and an audience watching, and the orderly end of
//! both before the verdict.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rand::rngs::SmallRng;
use rand::{Rng as _, RngCore};

use super::audience::{Audience, Manner};
use super::field_connector::{Account, FieldConnector, SharedToken};
use super::verdict::{Evidence, judge};
use super::{Report, Settings};
use crate::failure::{Doing, Failure, Outcome};
use crate::live_client::session::Follower;
use crate::scenarios::scene::{self, Scene, SceneSettings};
use crate::stage::{Database, Stage, StageSettings};

/// Far above what the load needs, so that drains are quick.
const DISCORD_REQUESTS_PER_S: u32 = 2_000;
const DISCORD_LIMITS_PERCENT: u32 = 10_000;
/// One start in so many is ended before it is ready.
const EARLY_ONE_IN: u32 = 6;
const EARLY_MS_MAX: u64 = 150;
/// Work that a mirror still has to do. What was planned for a mapping that is gone since need not be done any more.
const PENDING: &str = "SELECT count(*) AS number FROM deliveries d JOIN mappings m USING (source_channel_id, target_channel_id)
     WHERE d.state = 'p' AND m.is_enabled";
/// How long everything may take to come to rest after the last fault.
pub(super) const REST_WITHIN: Duration = Duration::from_secs(60);
/// Counting a long queue costs the database more than an empty one.
const REST_LOOK_INTERVAL: Duration = Duration::from_millis(100);

/// How a ground is laid out. The default is what kills are made on.
pub(super) struct Layout {
    pub(super) connectors: usize,
    pub(super) channels: usize,
    pub(super) mappings: usize,
    /// Longest pause of a connector between two batches; `None`: nobody pushes but the proof itself.
    pub(super) pause_ms_max: Option<u64>,
    pub(super) viewers: usize,
    pub(super) frames_until_cut_max: u64,
    pub(super) database: Database,
    /// The Discord that is mirrored into.
    pub(super) discord: fake_discord::Settings,
    /// Keys of the server beside those of every proof; these win.
    pub(super) env: Vec<(&'static str, String)>,
}

impl Default for Layout {
    fn default() -> Self {
        Self {
            connectors: 2,
            channels: 4,
            mappings: 3,
            pause_ms_max: Some(60),
            viewers: 6,
            frames_until_cut_max: 80,
            database: Database::Fresh,
            discord: discord(DISCORD_LIMITS_PERCENT),
            env: Vec::new(),
        }
    }
}

/// A Discord whose limits are so many percent of those observed. Told in every answer: without a word about limits a mirror
/// goes carefully.
pub(super) fn discord(limits_percent: u32) -> fake_discord::Settings {
    fake_discord::Settings {
        limits: fake_discord::Limits::default().scaled_percent(limits_percent),
        ..fake_discord::Settings::open()
    }
}

type Pushing = JoinHandle<Outcome<Account>>;

/// A stage under load.
pub(super) struct Ground {
    pub(super) scene: Scene,
    pub(super) audience: Audience,
    pub(super) tokens: Vec<SharedToken>,
    /// What was said; the proof adds what it pushed itself.
    pub(super) accounts: Vec<Account>,
    pushing: Vec<Pushing>,
    stop: Arc<AtomicBool>,
    acked: Arc<AtomicU64>,
    /// Why a connector gave up.
    complaint: Arc<Mutex<Option<String>>>,
    mirrored: BTreeMap<u64, u64>,
    passing_targets: Vec<u64>,
}

impl Ground {
    /// Sets up the stage, seats the audience and lets the connectors push.
    pub(super) fn lay_out(settings: &Settings, layout: &Layout) -> Outcome<Self> {
        let mut stage_settings = StageSettings::new(&settings.server_binary)
            .with_env(
                "HELIOGRAPH_DISCORD_GLOBAL_REQUESTS_PER_S",
                DISCORD_REQUESTS_PER_S.to_string(),
            )
            .with_env("HELIOGRAPH_MIRRORS_RETRY_DELAY_MS_MAX", "1000")
            // A mirror waits twice as long before it trusts what an earlier life may still have under way.
            .with_env("HELIOGRAPH_DISCORD_REQUEST_TIMEOUT_MS", "2000");
        for (name, value) in &layout.env {
            stage_settings = stage_settings.with_env(name, value);
        }
        stage_settings.fake_discord = Some(layout.discord.clone());
        stage_settings.database = layout.database.clone();
        let scene = Scene::on(
            Stage::start(stage_settings)?,
            &SceneSettings {
                connectors: layout.connectors,
                channels: layout.channels,
                mappings: layout.mappings,
                env: Vec::new(),
            },
        )?;
        let book = scene.stage.book();
        let audience = Audience::seat(
            &book,
            &Manner {
                channels: (0..layout.channels).map(scene::source).collect(),
                viewers: layout.viewers,
                frames_until_cut_max: layout.frames_until_cut_max,
                seed: settings.seed,
            },
        );
        let tokens: Vec<SharedToken> = scene
            .lanes
            .iter()
            .map(|lane| Arc::new(Mutex::new(lane.connector.token.clone())))
            .collect();
        let mut ground = Self {
            scene,
            audience,
            tokens,
            accounts: Vec::new(),
            pushing: Vec::new(),
            stop: Arc::default(),
            acked: Arc::default(),
            complaint: Arc::default(),
            mirrored: (0..layout.mappings)
                .map(|number| (scene::source(number), scene::target(number)))
                .collect(),
            passing_targets: Vec::new(),
        };
        if let Some(pause_ms_max) = layout.pause_ms_max {
            ground.let_push(settings.seed, pause_ms_max);
        }
        Ok(ground)
    }

    /// Every connector pushes on a thread of its own until the end.
    fn let_push(&mut self, seed: u64, pause_ms_max: u64) {
        for (number, (lane, token)) in self.scene.lanes.iter().zip(&self.tokens).enumerate() {
            let connector = FieldConnector {
                lane: lane.clone(),
                token: Arc::clone(token),
                seed: seed.wrapping_mul(31) + number as u64,
                pause_ms_max,
            };
            let book = self.scene.stage.book();
            let (stop, acked) = (Arc::clone(&self.stop), Arc::clone(&self.acked));
            let complaint = Arc::clone(&self.complaint);
            self.pushing.push(std::thread::spawn(move || {
                let outcome = connector.run(&book, &stop, &acked);
                if let Err(failure) = &outcome {
                    *complaint.lock().unwrap_or_else(PoisonError::into_inner) =
                        Some(failure.to_string());
                }
                outcome
            }));
        }
    }

    /// Kills the server and starts it again after a while; now and then it is killed once more while it recovers. How long
    /// the start took that lasted.
    pub(super) fn kill_server(
        &mut self,
        random: &mut SmallRng,
        away: Duration,
    ) -> Outcome<Duration> {
        self.scene.stage.kill9()?;
        std::thread::sleep(away);
        if random.random_ratio(1, EARLY_ONE_IN) {
            let delay = drawn_ms(random, EARLY_MS_MAX);
            self.scene.stage.start_and_kill9(delay)?;
        }
        let began = Instant::now();
        self.scene.stage.restart()?;
        Ok(began.elapsed())
    }

    /// The fake Discord as it remembers.
    pub(super) fn discord(&self) -> Outcome<fake_discord::Control> {
        let fake = self.scene.stage.fake_discord();
        Ok(fake.doing("the fake Discord of this run")?.control())
    }

    /// What all mirrors have counted under this name in this life of the server.
    pub(super) fn counted_by_mirrors(&self, name: &str) -> Outcome<u64> {
        let tree = self.scene.stage.admin().actors()?;
        let actors = tree["actors"].as_array().into_iter().flatten();
        let counts: Option<Vec<u64>> = actors
            .filter(|actor| actor["kind"] == "mirror")
            .map(|mirror| mirror["detail"][name].as_u64())
            .collect();
        let counts = counts.doing(format!("what every mirror counted as {name}"))?;
        Ok(counts.into_iter().sum())
    }

    /// Waits until so many more items were acknowledged: the load goes on.
    pub(super) fn wait_for_acks(&self, more: u64, within: Duration) -> Outcome<()> {
        let wanted = self.acked.load(Ordering::Relaxed) + more;
        self.scene
            .stage
            .wait_for("connectors to be acknowledged", within, || {
                let complaint = self
                    .complaint
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner);
                if let Some(complaint) = complaint.as_ref() {
                    return Err(Failure::new(format!("a connector gave up: {complaint}")));
                }
                Ok((self.acked.load(Ordering::Relaxed) >= wanted).then_some(()))
            })
    }

    /// Stops the load.
    pub(super) fn hush(&mut self) -> Outcome<()> {
        self.stop.store(true, Ordering::Relaxed);
        for connector in self.pushing.drain(..) {
            let account = connector
                .join()
                .unwrap_or_else(|_| Err(Failure::new("a connector panicked")));
            let account = account.map_err(|failure| self.scene.stage.explain(&failure))?;
            self.accounts.push(account);
        }
        Ok(())
    }

    /// Waits until the mirrors have nothing left to do, looking in between; how much is left when they stand still. They keep
    /// to limits, so a long backlog takes long; standing still is what must not happen. In vain is an answer too.
    pub(super) fn rest(&self, mut look: impl FnMut(&Stage)) -> Outcome<u64> {
        let mut table = self.scene.stage.table()?;
        let mut left = table.number(PENDING)?;
        let mut moved = Instant::now();
        while left > 0 && moved.elapsed() < REST_WITHIN {
            std::thread::sleep(REST_LOOK_INTERVAL);
            look(&self.scene.stage);
            let now = table.number(PENDING)?;
            if now < left {
                (left, moved) = (now, Instant::now());
            }
        }
        Ok(left.unsigned_abs())
    }

    /// Stops the load, lets everything come to rest, and judges.
    pub(super) fn end(mut self, report: &mut Report) -> Outcome<(Stage, Vec<Account>)> {
        self.hush()?;
        report.stuck += self.rest(|_| ())?;
        let (stage, accounts) = (self.scene.stage, self.accounts);
        let mut table = stage.table()?;
        let heads = scene::heads(&stage)?
            .into_iter()
            .filter_map(|(channel, seq)| Some((channel, i64::try_from(seq).ok()?)))
            .collect::<BTreeMap<u64, i64>>();
        let viewers: Vec<Follower> = self
            .audience
            .dismiss(heads, REST_WITHIN)
            .map_err(|failure| stage.explain(&failure))?;
        judge(
            &Evidence {
                stage: &stage,
                accounts: &accounts,
                viewers: &viewers,
                mirrored: &self.mirrored,
                passing_targets: &self.passing_targets,
            },
            &mut table,
            report,
        )?;
        Ok((stage, accounts))
    }

    /// What this target shows may be incomplete, since its mapping did not stand all the time; nothing may be there twice.
    pub(super) fn at_most_once(&mut self, source: u64, target: u64) {
        self.mirrored.remove(&source);
        self.passing_targets.push(target);
    }
}

/// Up to so many milliseconds.
pub(super) fn drawn_ms(random: &mut impl RngCore, ms_max: u64) -> Duration {
    Duration::from_millis(random.random_range(0..ms_max))
}
