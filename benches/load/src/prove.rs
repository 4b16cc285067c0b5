//! Owns the proofs against real processes: something is broken again and again under load, and at the end every promise is
//! checked against what was acknowledged. [`field_connector`] pushes as connectors in the field do and keeps its own account
//! of what every signal must have become; [`audience`] is viewers that come back by cursor; [`verdict`] compares the account
//! with the tables, the record of every viewer and the messages that stand at the fake Discord.

pub mod audience;
pub mod crash;
pub mod field_connector;
mod ground;
pub mod mirror_lossy;
pub mod outage;
pub mod postgres_kill;
pub mod reconfigure;
pub mod resume;
mod verdict;

use std::path::PathBuf;

use serde_json::json;

use crate::failure::{Failure, Outcome};
use crate::report::Figures;

/// What a proof is given.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The server to break.
    pub server_binary: PathBuf,
    /// The same seed pushes the same load and draws the same faults.
    pub seed: u64,
    /// How many faults: kills, changes, reconnects or turns of an outage.
    pub faults: u64,
}

/// What a proof found.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Faults that were made.
    pub runs: u64,
    /// Seeds that were used.
    pub seeds: Vec<u64>,
    /// Events that connectors said.
    pub events: u64,
    /// Of these, acknowledged.
    pub acked: u64,
    /// Acknowledged revisions that are not in the table, told to a viewer, or mirrored.
    pub lost: u64,
    /// Revisions in the table, told to a viewer, or mirrored, more than once.
    pub doubled: u64,
    /// Revisions whose order differs between the table and a viewer, or within a signal.
    pub out_of_order: u64,
    /// Holes in a channel's sequence, in the table or at a viewer.
    pub gaps: u64,
    /// Deliveries, viewers or actors that did not come to rest in time.
    pub stuck: u64,
    /// Figures of this proof alone.
    pub own: Figures,
    /// What broke, as sentences; the first few of each kind.
    pub breaches: Vec<String>,
}

/// Sentences kept; counts go on.
const BREACHES_MAX: usize = 20;

impl Report {
    /// An empty one of this run.
    fn of(settings: &Settings) -> Self {
        Self {
            seeds: vec![settings.seed],
            ..Self::default()
        }
    }

    /// Whether every promise held.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.breaches.is_empty()
            && self.lost + self.doubled + self.out_of_order + self.gaps + self.stuck == 0
    }

    /// As it is written to the file.
    #[must_use]
    pub fn figures(&self) -> Figures {
        let mut figures = Figures::new();
        for (name, count) in [
            ("runs", self.runs),
            ("events", self.events),
            ("acked", self.acked),
            ("lost", self.lost),
            ("doubled", self.doubled),
            ("out_of_order", self.out_of_order),
            ("gaps", self.gaps),
            ("stuck", self.stuck),
        ] {
            figures.insert(name.into(), json!(count));
        }
        figures.insert("seeds".into(), json!(self.seeds));
        figures.insert("holds".into(), json!(self.holds()));
        figures.extend(self.own.clone());
        figures.insert("breaches".into(), json!(self.breaches));
        figures
    }

    /// Counts losses, in all and of this place: `table`, `viewers`, `newcomer`, `discord`.
    fn lose(&mut self, place: &str, count: u64) {
        self.lost += count;
        self.count_at("lost", place, count);
    }

    /// Counts doubles, in all and of this place.
    fn double(&mut self, place: &str, count: u64) {
        self.doubled += count;
        self.count_at("doubled", place, count);
    }

    fn count_at(&mut self, what: &str, place: &str, count: u64) {
        if count > 0 {
            let name = format!("{what}_at_{place}");
            let before = self.own.get(&name).and_then(serde_json::Value::as_u64);
            self.own
                .insert(name, json!(before.unwrap_or_default() + count));
        }
    }

    fn breach(&mut self, sentence: String) {
        if self.breaches.len() < BREACHES_MAX {
            self.breaches.push(sentence);
        }
    }
}

/// One proof.
pub struct Proof {
    /// As in `make prove NAME=…`.
    pub name: &'static str,
    /// Faults at full size and at tiny size.
    pub faults: (u64, u64),
    /// Runs it.
    pub run: fn(&Settings) -> Outcome<Report>,
}

impl Proof {
    /// Runs it with a few faults, as tests do.
    ///
    /// # Errors
    /// The stage could not be set up or the load could not go on; a broken promise is in the report.
    pub fn run_tiny(&self, server_binary: impl Into<PathBuf>, seed: u64) -> Outcome<Report> {
        (self.run)(&Settings {
            server_binary: server_binary.into(),
            seed,
            faults: self.faults.1,
        })
    }
}

/// All proofs of this crate.
pub const ALL: &[Proof] = &[
    Proof {
        name: "crash",
        faults: (200, 3),
        run: crash::run,
    },
    Proof {
        name: "postgres-kill",
        faults: (100, 1),
        run: postgres_kill::run,
    },
    Proof {
        name: "resume",
        faults: (10_000, 40),
        run: resume::run,
    },
    Proof {
        name: "reconfigure",
        faults: (500, 12),
        run: reconfigure::run,
    },
    Proof {
        name: "mirror-lossy",
        faults: (100, 3),
        run: mirror_lossy::run,
    },
    Proof {
        name: "outage",
        faults: (100, 3),
        run: outage::run,
    },
];

/// The proof of this name.
///
/// # Errors
/// There is none.
pub fn by_name(name: &str) -> Outcome<&'static Proof> {
    ALL.iter().find(|proof| proof.name == name).ok_or_else(|| {
        let names: Vec<&str> = ALL.iter().map(|proof| proof.name).collect();
        Failure::new(format!("no proof {name}; there are {}", names.join(", ")))
    })
}
