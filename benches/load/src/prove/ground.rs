//! Owns what every proof stands on: a stage with field connectors pushing and an audience watching, and the orderly end of
//! both before the verdict.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::audience::{Audience, Manner};
use super::field_connector::{Account, FieldConnector, SharedToken};
use super::verdict::{Evidence, judge};
use super::{Report, Settings};
use crate::failure::{Failure, Outcome};
use crate::live_client::session::Follower;
use crate::scenarios::scene::{self, Scene, SceneSettings};
use crate::stage::{Database, Stage, StageSettings};

/// Far above what the load needs, so that drains are quick.
const DISCORD_REQUESTS_PER_S: &str = "2000";
const DISCORD_LIMITS_PERCENT: u32 = 10_000;
/// Work that a mirror still has to do. What was planned for a mapping that is gone since need not be done any more.
const PENDING: &str = "SELECT count(*) AS number FROM deliveries d JOIN mappings m USING (source_channel_id, target_channel_id)
     WHERE d.state = 'p' AND m.is_enabled";
/// How long everything may take to come to rest after the last fault.
pub(super) const REST_WITHIN: Duration = Duration::from_secs(60);

/// How a ground is laid out.
pub(super) struct Layout {
    pub(super) connectors: usize,
    pub(super) channels: usize,
    pub(super) mappings: usize,
    pub(super) pause_ms_max: u64,
    pub(super) viewers: usize,
    pub(super) frames_until_cut_max: u64,
    pub(super) database: Database,
}

type Pushing = JoinHandle<Outcome<Account>>;

/// A stage under load.
pub(super) struct Ground {
    pub(super) scene: Scene,
    pub(super) audience: Audience,
    pub(super) tokens: Vec<SharedToken>,
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
                DISCORD_REQUESTS_PER_S,
            )
            .with_env("HELIOGRAPH_MIRRORS_RETRY_DELAY_MS_MAX", "1000")
            // A mirror waits twice as long before it trusts what an earlier life may still have under way.
            .with_env("HELIOGRAPH_DISCORD_REQUEST_TIMEOUT_MS", "2000");
        // Wide limits that are told in every answer: without a word about limits a mirror goes carefully.
        stage_settings.fake_discord = Some(fake_discord::Settings {
            limits: fake_discord::Limits::default().scaled_percent(DISCORD_LIMITS_PERCENT),
            ..fake_discord::Settings::open()
        });
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
        let (stop, acked) = (
            Arc::new(AtomicBool::new(false)),
            Arc::new(AtomicU64::new(0)),
        );
        let complaint = Arc::new(Mutex::new(None));
        let tokens: Vec<SharedToken> = scene
            .lanes
            .iter()
            .map(|lane| Arc::new(Mutex::new(lane.connector.token.clone())))
            .collect();
        let pushing = scene
            .lanes
            .iter()
            .zip(&tokens)
            .enumerate()
            .map(|(number, (lane, token))| {
                let connector = FieldConnector {
                    lane: lane.clone(),
                    token: Arc::clone(token),
                    seed: settings.seed.wrapping_mul(31) + number as u64,
                    pause_ms_max: layout.pause_ms_max,
                };
                let (book, stop, acked) = (book.clone(), Arc::clone(&stop), Arc::clone(&acked));
                let complaint = Arc::clone(&complaint);
                std::thread::spawn(move || {
                    let outcome = connector.run(&book, &stop, &acked);
                    if let Err(failure) = &outcome {
                        *complaint.lock().unwrap_or_else(PoisonError::into_inner) =
                            Some(failure.to_string());
                    }
                    outcome
                })
            })
            .collect();
        Ok(Self {
            scene,
            audience,
            tokens,
            pushing,
            stop,
            acked,
            complaint,
            mirrored: (0..layout.mappings)
                .map(|number| (scene::source(number), scene::target(number)))
                .collect(),
            passing_targets: Vec::new(),
        })
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

    /// Stops the load, lets everything come to rest, and judges.
    pub(super) fn end(self, report: &mut Report) -> Outcome<(Stage, Vec<Account>)> {
        self.stop.store(true, Ordering::Relaxed);
        let stage = self.scene.stage;
        let mut accounts = Vec::new();
        for connector in self.pushing {
            let account = connector
                .join()
                .unwrap_or_else(|_| Err(Failure::new("a connector panicked")));
            accounts.push(account.map_err(|failure| stage.explain(&failure))?);
        }
        let mut table = stage.table()?;
        // Mirrors keep to limits, so a long backlog takes long; standing still is what must not happen. In vain is an answer
        // too: what is pending is counted as stuck.
        let mut left = table.number(PENDING)?;
        while left > 0 {
            let less = crate::children::wait_for("the mirrors to go on", REST_WITHIN, || {
                let now = table.number(PENDING)?;
                Ok((now < left).then_some(now))
            });
            match less {
                Ok(now) => left = now,
                Err(_) => break,
            }
        }
        report.stuck += table.number(PENDING)?.unsigned_abs();
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
