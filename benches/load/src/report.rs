//! Owns what a run leaves behind: a JSON file below target/, and a table on the terminal. It knows no scenario.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Map, Value, json};

use crate::failure::{Doing, Outcome};

/// Figures by name, in the order they were put in.
pub type Figures = Map<String, Value>;

/// The build directory this program lies in, or `target` in the working directory.
#[must_use]
pub fn target_dir() -> PathBuf {
    std::env::current_exe()
        .ok()
        .and_then(|program| {
            program
                .ancestors()
                .find(|path| path.join("CACHEDIR.TAG").exists() || path.ends_with("target"))
                .map(Path::to_path_buf)
        })
        .unwrap_or_else(|| PathBuf::from("target"))
}

/// What the figures depend on: the machine, the commit, the moment.
#[must_use]
pub fn circumstances() -> Figures {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let cpu = read("/proc/cpuinfo")
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or_else(String::new, |(_, name)| name.to_owned());
    let memory_mib = read("/proc/meminfo")
        .split_whitespace()
        .nth(1)
        .and_then(|kib| kib.parse::<u64>().ok())
        .map_or(0, |kib| kib / 1024);
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let mut figures = Figures::new();
    figures.insert(
        "machine".into(),
        json!({"cpu": cpu, "cores": cores, "memory_mib": memory_mib,
            "kernel": read("/proc/sys/kernel/osrelease").trim()}),
    );
    figures.insert("commit".into(), json!(commit()));
    figures.insert(
        "date".into(),
        json!(chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true)),
    );
    figures
}

/// The commit of the working directory, with a mark when files differ from it.
fn commit() -> String {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).output().ok()?;
        output
            .status
            .success()
            .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    match git(&["rev-parse", "--short=12", "HEAD"]) {
        None => "unknown".to_owned(),
        Some(hash) => match git(&["status", "--porcelain", "--untracked-files=no"]) {
            Some(changes) if changes.is_empty() => hash,
            _ => format!("{hash}+changes"),
        },
    }
}

/// Writes `figures` with the circumstances to `<target>/<kind>/<name>.json`.
///
/// # Errors
/// The file could not be written.
pub fn write(kind: &str, name: &str, figures: &Figures) -> Outcome<PathBuf> {
    let directory = target_dir().join(kind);
    std::fs::create_dir_all(&directory).doing(format!("making {}", directory.display()))?;
    let mut all = figures.clone();
    all.extend(circumstances());
    let path = directory.join(format!("{name}.json"));
    let text = serde_json::to_string_pretty(&all)?;
    std::fs::write(&path, text + "\n").doing(format!("writing {}", path.display()))?;
    Ok(path)
}

/// What a reader looks for first; everything else follows by name.
const HEADLINES: [&str; 23] = [
    "p50_ms",
    "p95_ms",
    "p99_ms",
    "max_ms",
    "revisions_per_s",
    "batches_per_s",
    "deliveries_per_s",
    "us_per_delivery",
    "floor_us_per_delivery",
    "times_floor",
    "kb_per_session",
    "cpu_percent",
    "rss_mib",
    "ready_s",
    "p99_ratio",
    "runs",
    "events",
    "sent",
    "acked",
    "lost",
    "doubled",
    "gaps",
    "pushed_under_the_old",
];

/// `figures` as lines of name and value, median with minimum and maximum where there are several; nested values are left to
/// the file.
#[must_use]
pub fn table(title: &str, figures: &Figures) -> String {
    let mut names: Vec<&String> = figures.keys().collect();
    names.sort_by_key(|name| {
        HEADLINES
            .iter()
            .position(|headline| headline == name)
            .unwrap_or(HEADLINES.len())
    });
    let mut lines = vec![title.to_owned()];
    for name in names {
        let text = match &figures[name] {
            Value::Object(spread) if spread.contains_key("median") => {
                let median = plain(&spread["median"]);
                if spread["min"] == spread["max"] {
                    format!("{median:>12}")
                } else {
                    let (min, max) = (plain(&spread["min"]), plain(&spread["max"]));
                    format!("{median:>12}   ({min} to {max})")
                }
            }
            Value::Object(_) | Value::Array(_) => continue,
            other => format!("{:>12}", plain(other)),
        };
        lines.push(format!("  {name:<28}{text}"));
    }
    lines.join("\n") + "\n"
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.as_i64().map_or_else(
            || format!("{:.3}", number.as_f64().unwrap_or_default()),
            |whole| whole.to_string(),
        ),
        other => other.to_string(),
    }
}

/// Folds the figures of several repetitions into one: counts that must be zero are added up, everything else becomes its
/// median with minimum and maximum, and `repetitions` holds each run as it was.
#[must_use]
pub fn fold(repetitions: Vec<Figures>) -> Figures {
    const ADDED_UP: [&str; 9] = [
        "sent",
        "acked",
        "lost",
        "doubled",
        "out_of_order",
        "gaps",
        "stuck",
        "closed",
        "pushed_under_the_old",
    ];
    let mut folded = Figures::new();
    for name in repetitions.first().into_iter().flat_map(Map::keys) {
        let values: Vec<&Value> = repetitions.iter().filter_map(|run| run.get(name)).collect();
        let mut numbers: Vec<f64> = values.iter().filter_map(|value| value.as_f64()).collect();
        if numbers.is_empty() || numbers.len() != values.len() {
            if let Some(value) = values.last() {
                folded.insert(name.clone(), (*value).clone());
            }
        } else if ADDED_UP.contains(&name.as_str()) {
            let sum: u64 = values.iter().filter_map(|value| value.as_u64()).sum();
            folded.insert(name.clone(), json!(sum));
        } else {
            numbers.sort_by(f64::total_cmp);
            let spread = json!({"median": median(&numbers), "min": numbers[0], "max": numbers[numbers.len() - 1]});
            folded.insert(name.clone(), spread);
        }
    }
    let runs: Vec<Value> = repetitions.into_iter().map(Value::Object).collect();
    folded.insert("repetitions".into(), json!(runs));
    folded
}

/// How many losses, doubles, holes, disorders and closed sessions the figures of a run tell: zero in a good one, at any size.
#[must_use]
pub fn faults(figures: &Figures) -> u64 {
    ["lost", "doubled", "out_of_order", "gaps", "closed", "stuck"]
        .iter()
        .filter_map(|name| figures.get(*name)?.as_u64())
        .sum()
}

fn median(sorted: &[f64]) -> f64 {
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 {
        sorted[middle]
    } else {
        f64::midpoint(sorted[middle - 1], sorted[middle])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(p99_ms: f64, lost: u64) -> Figures {
        let mut figures = Figures::new();
        figures.insert("p99_ms".into(), json!(p99_ms));
        figures.insert("lost".into(), json!(lost));
        figures.insert("source".into(), json!("metrics"));
        figures
    }

    #[test]
    fn repetitions_fold_to_medians_and_sums() {
        let folded = fold(vec![run(3.0, 1), run(1.0, 0), run(2.0, 4), run(9.0, 0)]);
        assert_eq!(
            folded["p99_ms"],
            json!({"median": 2.5, "min": 1.0, "max": 9.0})
        );
        assert_eq!(folded["lost"], json!(5));
        assert_eq!(faults(&folded), 5);
        assert_eq!(folded["source"], json!("metrics"));
        assert_eq!(folded["repetitions"][3]["p99_ms"], json!(9.0));
        let table = table("e0", &folded);
        assert!(
            table.contains("2.500") && table.contains("metrics"),
            "{table}"
        );
    }

    #[test]
    fn circumstances_are_told() {
        let figures = circumstances();
        assert!(figures["machine"]["cores"].as_u64() > Some(0));
        assert!(figures.contains_key("commit") && figures.contains_key("date"));
    }
}
