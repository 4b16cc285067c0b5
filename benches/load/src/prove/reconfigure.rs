//! The configuration is changed hundreds of times under load: mappings come, change and go, a channel stops being a source,
//! forwarding and connectors are switched off and on, tokens change. Nothing acknowledged may be lost or doubled, and
//! afterwards no actor and no memory may be left over from it.

use std::sync::PoisonError;
use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::json;

use super::ground::{Ground, Layout};
use super::{Report, Settings};
use crate::failure::Outcome;
use crate::scenarios::scene::{SOURCE_GUILD, TARGET_GUILD, source, target};
use crate::stage::{Admin, Connector, Mapping, MappingWish, Stage};

const CHANNELS: usize = 6;
/// The source that is switched off and on; of the second connector.
const FLICKERING: usize = 5;
/// Targets of mappings that come and go: numbers from here on.
const FIRST_PASSING_TARGET: usize = 100;
const PASSING_TARGETS: usize = 8;
/// Items acknowledged before the actors are counted for the first time, so that all of them live.
const WARM_ITEMS: u64 = 150;
const ACKED_WITHIN: Duration = Duration::from_secs(30);
/// Growth of resident memory beyond this is a leak: a tenth of it would be caches filling.
const RSS_GROWTH_MIB_MAX: u64 = 64;

/// What is switched how at the moment.
struct Changer {
    admin: Admin,
    random: SmallRng,
    passing: Vec<Option<Mapping>>,
    is_source: bool,
    is_forwarding: bool,
    is_active: bool,
}

/// Runs the proof.
///
/// # Errors
/// The stage could not be set up, a change was refused, or the load could not go on; a broken promise is in the report.
pub fn run(settings: &Settings) -> Outcome<Report> {
    let mut ground = Ground::lay_out(
        settings,
        &Layout {
            channels: CHANNELS,
            mappings: 2,
            pause_ms_max: Some(25),
            viewers: 3,
            frames_until_cut_max: 0,
            ..Layout::default()
        },
    )?;
    // The second connector's forwarding is switched: what was said meanwhile is not mirrored.
    ground.at_most_once(source(1), target(1));
    let mut report = Report::of(settings);
    let connectors: Vec<Connector> = ground
        .scene
        .lanes
        .iter()
        .map(|lane| lane.connector.clone())
        .collect();
    let mut changer = Changer {
        admin: ground.scene.stage.admin(),
        random: SmallRng::seed_from_u64(settings.seed),
        passing: vec![None; PASSING_TARGETS],
        is_source: true,
        is_forwarding: true,
        is_active: true,
    };
    for number in 0..PASSING_TARGETS {
        let channel = target(FIRST_PASSING_TARGET + number);
        let id = &connectors[0].connector_id;
        changer
            .admin
            .mark_channel(id, TARGET_GUILD, channel, false, true)?;
        ground.at_most_once(0, channel);
    }
    ground.wait_for_acks(WARM_ITEMS, ACKED_WITHIN)?;
    let actors_before = actors(&ground.scene.stage)?;
    let mut rss_kb_early = ground.scene.stage.server_rss_kb();
    for number in 0..settings.faults {
        changer
            .change(&connectors, &ground)
            .map_err(|failure| ground.scene.stage.explain(&failure))?;
        report.runs += 1;
        ground.wait_for_acks(1, ACKED_WITHIN)?;
        if number == settings.faults / 5 {
            rss_kb_early = ground.scene.stage.server_rss_kb();
        }
    }
    changer.restore(&connectors)?;
    let rss_kb_late = ground.scene.stage.server_rss_kb();
    let (stage, accounts) = ground.end(&mut report)?;
    let ignored: u64 = accounts
        .iter()
        .flat_map(|account| account.channels.values())
        .map(|counts| counts.ignored)
        .sum();
    leftovers(&stage, actors_before, &mut report)?;
    let growth_mib = rss_kb_late.saturating_sub(rss_kb_early) / 1024;
    report
        .own
        .insert("rss_growth_mib".into(), json!(growth_mib));
    report.own.insert("ignored".into(), json!(ignored));
    if growth_mib > RSS_GROWTH_MIB_MAX {
        report.breach(format!("memory grew by {growth_mib} MiB"));
    }
    Ok(report)
}

/// Living source channels and mirrors, and whether each has a name of its own.
fn actors(stage: &Stage) -> Outcome<(usize, usize, bool)> {
    let tree = stage.admin().actors()?;
    let all: Vec<_> = tree["actors"].as_array().into_iter().flatten().collect();
    let count = |kind: &str| all.iter().filter(|actor| actor["kind"] == kind).count();
    let mut names: Vec<_> = all
        .iter()
        .filter_map(|actor| actor["name"].as_str())
        .collect();
    names.sort_unstable();
    names.dedup();
    Ok((
        count("source_channel"),
        count("mirror"),
        names.len() == all.len(),
    ))
}

/// One source channel for each source, and one mirror for each target that was ever mapped: it still owes edits and deletes
/// to what it posted. However often a mapping came and went, nothing may be there twice.
fn leftovers(stage: &Stage, before: (usize, usize, bool), report: &mut Report) -> Outcome<()> {
    let after = actors(stage)?;
    report
        .own
        .insert("actors_before".into(), json!([before.0, before.1]));
    report
        .own
        .insert("actors_after".into(), json!([after.0, after.1]));
    if after.0 != before.0 || after.1 > before.1 + PASSING_TARGETS || !after.2 {
        report.stuck += 1;
        report.breach(format!(
            "{before:?} source channels and mirrors before, {after:?} after"
        ));
    }
    Ok(())
}

impl Changer {
    fn change(&mut self, connectors: &[Connector], ground: &Ground) -> Outcome<()> {
        let second = &connectors[1].connector_id;
        match self.random.random_range(0..10) {
            0..=4 => self.mapping(),
            5 => {
                self.is_source = !self.is_source;
                self.flicker(second)
            }
            6 => {
                self.is_forwarding = !self.is_forwarding;
                let change = json!({"forward_enabled": self.is_forwarding});
                self.admin.patch_connector(second, &change).map(drop)
            }
            7 => {
                self.is_active = !self.is_active;
                self.activity(second)
            }
            _ => {
                let number = self.random.random_range(0..connectors.len());
                // Nobody may push with the old token between its end and the new one being known: hold it meanwhile.
                let mut token = ground.tokens[number]
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner);
                *token = self.admin.rotate(&connectors[number].connector_id)?;
                Ok(())
            }
        }
    }

    /// Adds, changes or removes the mapping of one passing target.
    fn mapping(&mut self) -> Outcome<()> {
        let number = self.random.random_range(0..PASSING_TARGETS);
        self.passing[number] = match self.passing[number].take() {
            None => Some(self.admin.create_mapping(MappingWish {
                // Always the same source for a target: it is the pair that must not be doubled.
                source_channel_id: source(number % (CHANNELS - 1)),
                target_channel_id: target(FIRST_PASSING_TARGET + number),
            })?),
            Some(mapping) if self.random.random_ratio(1, 2) => {
                let change = json!({"is_enabled": self.random.random_ratio(1, 2), "priority": self.random.random_range(0..9)});
                Some(self.admin.patch_mapping(&mapping, &change)?)
            }
            Some(mapping) => {
                self.admin.delete_mapping(&mapping)?;
                None
            }
        };
        Ok(())
    }

    fn flicker(&self, connector_id: &str) -> Outcome<()> {
        let channel = source(FLICKERING);
        self.admin
            .mark_channel(connector_id, SOURCE_GUILD, channel, self.is_source, false)
    }

    fn activity(&self, connector_id: &str) -> Outcome<()> {
        let status = if self.is_active { "active" } else { "paused" };
        self.admin
            .patch_connector(connector_id, &json!({"status": status}))
            .map(drop)
    }

    /// Everything as it was before the first change.
    fn restore(&mut self, connectors: &[Connector]) -> Outcome<()> {
        let second = &connectors[1].connector_id;
        (self.is_source, self.is_forwarding, self.is_active) = (true, true, true);
        self.flicker(second)?;
        self.activity(second)?;
        self.admin
            .patch_connector(second, &json!({"forward_enabled": true}))?;
        for mapping in self.passing.iter_mut().filter_map(Option::take) {
            self.admin.delete_mapping(&mapping)?;
        }
        Ok(())
    }
}
