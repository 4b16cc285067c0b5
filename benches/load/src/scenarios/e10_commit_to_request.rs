//! E10: from the commit of a signal until its mirror's request has arrived at the fake Discord, with nothing limited.
//!
//! Two clocks tell it. The server's own histogram `heliograph_mirror_commit_to_request_seconds` counts from the commit; it is
//! cumulative over a repetition's server and knows only its buckets. The fake's log against `accepted_at_ms` of the same
//! revision is exact to a millisecond and includes the way over the socket; `p50_ms p95_ms p99_ms` are of this one.

use std::collections::HashMap;
use std::time::Duration;

use fake_discord::RequestLine;
use serde_json::json;

use super::Context;
use super::scene::{self, Scene, SceneSettings};
use crate::clock;
use crate::failure::{Doing, Outcome};
use crate::histogram::Histogram;
use crate::ingest_load::{Pace, Plan};
use crate::live_client::session::{Event, Session};
use crate::live_client::wire;
use crate::report::Figures;

const METRIC: &str = "heliograph_mirror_commit_to_request_seconds";
/// Slow enough that no limit is ever near.
const SIGNALS_PER_S: f64 = 4.0;
const MIRRORED_WITHIN: Duration = Duration::from_secs(20);

pub(super) fn run(context: &Context) -> Outcome<Vec<Figures>> {
    (0..context.repetitions)
        .map(|_| repetition(context, &set_up(context)?))
        .collect()
}

fn set_up(context: &Context) -> Outcome<Scene> {
    let settings = SceneSettings {
        connectors: 1,
        channels: 1,
        mappings: 1,
        ..SceneSettings::default()
    };
    Scene::set_up(context, &settings)
}

fn repetition(context: &Context, scene: &Scene) -> Outcome<Figures> {
    let mut session = attached(scene)?;
    let plan = Plan {
        lanes: scene.lanes.clone(),
        pace: Pace::PerSecond(context.pick(SIGNALS_PER_S, 10.0)),
        batch_items: 1,
        in_flight: 2,
        duration: context.seconds(10),
    };
    let pushed = scene.push(&plan)?;
    let accepted_at_ms = accepted(&mut session, pushed.acked)?;
    let created = mirrored(scene, pushed.acked)?;
    let mut from_accepted = Histogram::default();
    let mut from_due = Histogram::default();
    // Our clock and the fake's log meet in this process.
    let offset_us = clock::now_ms() * 1000 - clock::now_us();
    for line in &created {
        let Some(mark_us) = clock::mark_in(line.content.as_bytes()) else {
            continue;
        };
        from_due.record_us(line.received_at_us.saturating_sub(mark_us + offset_us));
        if let Some(at_ms) = accepted_at_ms.get(&mark_us) {
            from_accepted.record_us(line.received_at_us.saturating_sub(at_ms * 1000));
        }
    }
    let mut figures = Figures::new();
    scene::put_latency(&mut figures, &from_accepted);
    figures.insert(
        "due_to_request_p50_ms".into(),
        json!(from_due.quantile_ms(0.5)),
    );
    figures.insert(
        "due_to_request_p95_ms".into(),
        json!(from_due.quantile_ms(0.95)),
    );
    let metrics = scene.stage.admin().metrics()?;
    for (name, quantile) in [("metric_p50_ms", 0.5), ("metric_p95_ms", 0.95)] {
        if let Some(seconds) = quantile_of(&metrics, METRIC, quantile) {
            figures.insert(name.into(), json!(seconds * 1000.0));
        }
    }
    scene::put_pushed(&mut figures, &pushed);
    let count = created.len() as u64;
    figures.insert("lost".into(), json!(pushed.acked.saturating_sub(count)));
    figures.insert("doubled".into(), json!(count.saturating_sub(pushed.acked)));
    Ok(figures)
}

fn attached(scene: &Scene) -> Outcome<Session> {
    let (mut session, _) = Session::open(scene.stage.book().now().public, None)?;
    session.send(&wire::attach([(scene::source(0), None)].into_iter()))?;
    scene
        .stage
        .wait_for("the session to be attached", MIRRORED_WITHIN, || {
            Ok(match session.next(Duration::from_millis(50))? {
                Event::Frame(frame) if frame["type"] == "attached" => Some(()),
                _ => None,
            })
        })?;
    Ok(session)
}

/// `accepted_at_ms` of each mark.
fn accepted(session: &mut Session, wanted: u64) -> Outcome<HashMap<u64, u64>> {
    let mut found = HashMap::new();
    crate::children::wait_for("the session's frames", MIRRORED_WITHIN, || {
        while let Event::Frame(frame) = session.next(Duration::ZERO)? {
            let text = frame["signal"]["text"].as_str().unwrap_or_default();
            if let Some(mark) = clock::mark_in(text.as_bytes()) {
                found.insert(
                    mark,
                    frame["accepted_at_ms"].as_u64().doing("accepted_at_ms")?,
                );
            }
        }
        Ok((found.len() as u64 >= wanted).then_some(()))
    })?;
    Ok(found)
}

/// The creates that reached the fake Discord, when there are enough of them.
fn mirrored(scene: &Scene, wanted: u64) -> Outcome<Vec<RequestLine>> {
    let control = scene
        .stage
        .fake_discord()
        .doing("the fake Discord")?
        .control();
    scene.stage.wait_for(
        &format!("{wanted} requests at the fake Discord"),
        MIRRORED_WITHIN,
        || {
            let created: Vec<RequestLine> = control
                .requests(0)
                .into_iter()
                .filter(|line| line.method == "POST" && line.status == 200)
                .collect();
            Ok((created.len() as u64 >= wanted).then_some(created))
        },
    )
}

/// A quantile of a metric in Prometheus text, whether it is a summary or a histogram (interpolated in its bucket).
#[must_use]
pub(super) fn quantile_of(metrics: &str, name: &str, quantile: f64) -> Option<f64> {
    let mut buckets: Vec<(f64, f64)> = Vec::new();
    for line in metrics.lines().filter(|line| line.starts_with(name)) {
        let (series, value) = line.rsplit_once(' ')?;
        let value: f64 = value.parse().ok()?;
        if let Some(label) = label(series, "quantile")
            && label.parse::<f64>().ok()? == quantile
        {
            return Some(value);
        }
        if let Some(bound) = label(series, "le") {
            let bound = if bound == "+Inf" {
                f64::INFINITY
            } else {
                bound.parse().ok()?
            };
            // Series with other labels (one a mirror) are added up bound by bound.
            match buckets.iter_mut().find(|(known, _)| *known == bound) {
                Some((_, count)) => *count += value,
                None => buckets.push((bound, value)),
            }
        }
    }
    buckets.sort_by(|left, right| left.0.total_cmp(&right.0));
    let wanted = buckets.last()?.1 * quantile;
    let (mut below, mut counted) = (0.0, 0.0);
    for (bound, count) in buckets {
        if count >= wanted && count > counted {
            if bound.is_infinite() {
                return Some(below);
            }
            return Some(below + (bound - below) * (wanted - counted) / (count - counted));
        }
        (below, counted) = (bound, count);
    }
    None
}

fn label<'a>(series: &'a str, name: &str) -> Option<&'a str> {
    let start = series.find(&format!("{name}=\""))? + name.len() + 2;
    series[start..].split('"').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_read_from_summaries_and_histograms() {
        let summary = "m{quantile=\"0.5\"} 0.25\nm{quantile=\"0.95\"} 0.5\nm_sum 3\nm_count 9\n";
        assert_eq!(quantile_of(summary, "m", 0.95), Some(0.5));
        let histogram = "# TYPE m histogram\nm_bucket{le=\"0.001\"} 50\nm_bucket{le=\"0.002\"} 100\nm_bucket{le=\"+Inf\"} 100\nm_count 100\n";
        assert_eq!(quantile_of(histogram, "m", 0.5), Some(0.001));
        assert_eq!(quantile_of(histogram, "m", 0.75), Some(0.0015));
        let two = "m_bucket{t=\"1\",le=\"1\"} 1\nm_bucket{t=\"2\",le=\"1\"} 1\nm_bucket{t=\"1\",le=\"+Inf\"} 1\nm_bucket{t=\"2\",le=\"+Inf\"} 1\n";
        assert_eq!(quantile_of(two, "m", 0.5), Some(0.5));
        assert_eq!(quantile_of("", "m", 0.5), None);
    }
}
