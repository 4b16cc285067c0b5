//! E14: whether E1 stays as fast while the tables grow. The rows are copies of one real signal with other ids, written by
//! PostgreSQL itself; every signal gets a row in `signals`, the newest also in `revisions` (what retention would have kept),
//! and every channel its head.

use serde_json::json;

use super::Context;
use super::e01_ingest_to_session::{measure, warm_up};
use super::scene::{self, Scene, SceneSettings};
use crate::failure::{Doing, Outcome};
use crate::report::Figures;

const CHANNELS: usize = 32;
/// Signals whose revisions are still kept.
const REVISIONS_KEPT_MAX: u64 = 1_000_000;
/// Rows of one statement: bounds what a failure has to repeat.
const STEP_ROWS: u64 = 500_000;
/// Ids of filled rows are below all ids that are pushed: the year 2020.
const FIRST_FILLED_ID: u64 = 700_000_000_000_000_000;

pub(super) fn run(context: &Context) -> Outcome<Vec<Figures>> {
    let mut scene = set_up(context)?;
    let sizes: [u64; 3] = context.pick([10_000, 1_000_000, 10_000_000], [100, 500, 1_000]);
    let mut by_size: Vec<Vec<Figures>> = Vec::new();
    for size in sizes {
        grow_to(&mut scene, CHANNELS, size)?;
        warm_up(context, &scene)?;
        let runs: Outcome<Vec<Figures>> = (0..context.repetitions)
            .map(|_| measure(&scene, context.pick(1000, 10), 50.0, context.seconds(8)))
            .collect();
        by_size.push(runs?);
    }
    Ok((0..context.repetitions)
        .map(|number| report(&sizes, by_size.iter().map(|runs| &runs[number])))
        .collect())
}

fn set_up(context: &Context) -> Outcome<Scene> {
    let settings = SceneSettings {
        connectors: 1,
        channels: CHANNELS,
        ..SceneSettings::default()
    };
    Scene::set_up(context, &settings)
}

/// One figure of each size in a row, the n-th repetition of each.
fn report<'a>(sizes: &[u64], runs: impl Iterator<Item = &'a Figures>) -> Figures {
    let mut figures = Figures::new();
    let (mut p99s, mut faults) = (Vec::new(), [0_u64; 4]);
    for (size, run) in sizes.iter().zip(runs) {
        for name in ["p50_ms", "p99_ms"] {
            figures.insert(format!("{name}_at_{size}"), run[name].clone());
        }
        p99s.push(run["p99_ms"].as_f64().unwrap_or_default());
        for (sum, name) in faults
            .iter_mut()
            .zip(["lost", "doubled", "gaps", "out_of_order"])
        {
            *sum += run[name].as_u64().unwrap_or_default();
        }
    }
    let first = p99s.first().copied().unwrap_or_default().max(0.001);
    let last = p99s.last().copied().unwrap_or_default();
    figures.insert("p99_ratio".into(), json!(last / first));
    for (sum, name) in faults
        .iter()
        .zip(["lost", "doubled", "gaps", "out_of_order"])
    {
        figures.insert(name.into(), json!(sum));
    }
    figures
}

/// Fills the tables until `signals` signals are stored, with the server stopped meanwhile.
pub(super) fn grow_to(scene: &mut Scene, channels: usize, signals: u64) -> Outcome<()> {
    let mut table = scene.stage.table()?;
    if table.number("SELECT count(*) AS number FROM revisions")? == 0 {
        push_a_template(scene)?;
    }
    scene.stage.terminate()?;
    let stored = table.number(&format!(
        "SELECT count(*) AS number FROM signals WHERE signal_id < {}",
        FIRST_FILLED_ID + 1_000_000_000
    ))?;
    let mut done = u64::try_from(stored).doing("a count")?;
    while done < signals {
        let until = (done + STEP_ROWS).min(signals);
        table.run(&fill(channels, done, until, signals))?;
        done = until;
    }
    for settle in [
        "VACUUM ANALYZE signals",
        "VACUUM ANALYZE revisions",
        "CHECKPOINT",
    ] {
        table.run(settle)?;
    }
    scene.stage.restart()
}

/// One real signal whose rows the copies are made of.
fn push_a_template(scene: &Scene) -> Outcome<()> {
    let plan = crate::ingest_load::Plan {
        lanes: scene.lanes.clone(),
        pace: crate::ingest_load::Pace::PerSecond(100.0),
        batch_items: 1,
        in_flight: 1,
        duration: std::time::Duration::from_millis(10),
    };
    scene.push(&plan)?;
    Ok(())
}

/// Signals number `from` to `until` (not included) of `total`. A channel's n-th signal has the sequence after its head, in
/// order; the text of the template stands in all of them.
fn fill(channels: usize, from: u64, until: u64, total: u64) -> String {
    let revisions_from = from.max(total.saturating_sub(REVISIONS_KEPT_MAX));
    let first_source = scene::source(0);
    format!(
        "CREATE TEMP TABLE template AS
           SELECT s.signal_id, s.channel_id, s.state, r.epoch, r.seq, r.frame
             FROM signals s JOIN revisions r USING (signal_id) WHERE s.signal_id > {FIRST_FILLED_ID} + 1000000000
            ORDER BY r.committed_at LIMIT 1;
         CREATE TEMP TABLE filled AS
           SELECT {FIRST_FILLED_ID} + n AS signal_id, {first_source} + n % {channels} AS channel_id, n,
                  coalesce(h.seq, 0) + row_number() OVER (PARTITION BY n % {channels} ORDER BY n) AS seq
             FROM generate_series({from}::bigint, {until}::bigint - 1) AS n
             LEFT JOIN channel_heads h ON h.channel_id = {first_source} + n % {channels};
         INSERT INTO signals (signal_id, channel_id, is_visible, revision, state)
           SELECT f.signal_id, f.channel_id, true, 1,
                  replace(replace(t.state, t.signal_id::text, f.signal_id::text), t.channel_id::text, f.channel_id::text)
             FROM filled f, template t;
         INSERT INTO revisions (channel_id, epoch, seq, signal_id, revision, kind, frame)
           SELECT f.channel_id, t.epoch, f.seq, f.signal_id, 1, 'c',
                  replace(replace(replace(t.frame, t.signal_id::text, f.signal_id::text), t.channel_id::text, f.channel_id::text),
                          '\"seq\":' || t.seq || ',', '\"seq\":' || f.seq || ',')
             FROM filled f, template t WHERE f.n >= {revisions_from};
         INSERT INTO channel_heads (channel_id, epoch, seq, newest_known_id, newest_created_id)
           SELECT channel_id, 1, max(seq), max(signal_id), max(signal_id) FROM filled GROUP BY channel_id
           ON CONFLICT (channel_id) DO UPDATE SET seq = EXCLUDED.seq,
             newest_known_id = greatest(channel_heads.newest_known_id, EXCLUDED.newest_known_id),
             newest_created_id = greatest(channel_heads.newest_created_id, EXCLUDED.newest_created_id);
         DROP TABLE filled; DROP TABLE template;"
    )
}
