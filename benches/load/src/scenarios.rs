//! Owns the list of what is measured. One file a scenario, each in three parts: set up, run, report; what they share is in
//! [`scene`]. Targets are not checked here: a person compares figures, tests only look at losses.

mod e01_ingest_to_session;
mod e03_ingest_saturated;
mod e05_fan_out;
mod e06_idle_sessions;
mod e07_many_channels;
mod e10_commit_to_request;
mod e11_saturation;
mod e12_idle_server;
mod e13_start;
mod e14_growth;
mod e15_admin_pages;
mod e16_change;
pub mod floor;
pub mod scene;

use std::path::PathBuf;
use std::time::Duration;

use crate::failure::{Failure, Outcome};
use crate::report::{self, Figures};

/// How large a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// A second or less: shows that the scenario works, measures nothing.
    Tiny,
    /// As the targets are stated.
    Full,
}

/// What a scenario is given.
#[derive(Clone, Debug)]
pub struct Context {
    /// The server to measure.
    pub server_binary: PathBuf,
    /// This program, when it can serve the floor as a process of its own; a thread does otherwise.
    pub bench_binary: Option<PathBuf>,
    /// How large.
    pub size: Size,
    /// How often the measured part is run.
    pub repetitions: usize,
}

impl Context {
    /// One tiny repetition against this server, as tests run it.
    #[must_use]
    pub fn tiny(server_binary: impl Into<PathBuf>) -> Self {
        Self {
            server_binary: server_binary.into(),
            bench_binary: None,
            size: Size::Tiny,
            repetitions: 1,
        }
    }

    /// `full`, or `tiny` in a tiny run.
    #[must_use]
    pub fn pick<T>(&self, full: T, tiny: T) -> T {
        match self.size {
            Size::Full => full,
            Size::Tiny => tiny,
        }
    }

    /// How long the measured part lasts: half a second when tiny.
    #[must_use]
    pub fn seconds(&self, full: u64) -> Duration {
        self.pick(Duration::from_secs(full), Duration::from_millis(500))
    }
}

/// One scenario.
pub struct Scenario {
    /// As in the table of targets.
    pub name: &'static str,
    /// What it measures, in one line.
    pub title: &'static str,
    run: fn(&Context) -> Outcome<Vec<Figures>>,
}

/// All scenarios, in the order of the table of targets.
pub const ALL: &[Scenario] = &[
    Scenario {
        name: "e1",
        title: "ingest to session, 1,000 sessions on one channel, 50 signals/s",
        run: e01_ingest_to_session::many,
    },
    Scenario {
        name: "e2",
        title: "ingest to session, 1 session, 10 signals/s",
        run: e01_ingest_to_session::one,
    },
    Scenario {
        name: "e3",
        title: "ingest saturated, batches of 100, 4 connectors with a mapping each",
        run: e03_ingest_saturated::batches_of_100,
    },
    Scenario {
        name: "e4",
        title: "ingest saturated, batches of 1, 16 in flight",
        run: e03_ingest_saturated::batches_of_1,
    },
    Scenario {
        name: "e5",
        title: "fan-out to 1,000 sessions: CPU a delivery against the floor, and the most deliveries/s",
        run: e05_fan_out::run,
    },
    Scenario {
        name: "e6",
        title: "10,000 idle sessions: memory",
        run: e06_idle_sessions::run,
    },
    Scenario {
        name: "e7",
        title: "5,000 sessions on 5 of 1,000 channels each, 2,000 signals/s",
        run: e07_many_channels::run,
    },
    Scenario {
        name: "e10",
        title: "commit to request at Discord",
        run: e10_commit_to_request::run,
    },
    Scenario {
        name: "e11",
        title: "50 targets saturated, then one that answers late and one with 500s among them",
        run: e11_saturation::run,
    },
    Scenario {
        name: "e12",
        title: "idle server with 1,000 sources and 1,000 mirrors",
        run: e12_idle_server::run,
    },
    Scenario {
        name: "e13",
        title: "start with 1,000 sources and 10^7 signals",
        run: e13_start::run,
    },
    Scenario {
        name: "e14",
        title: "growth: e1 at 10^4, 10^6 and 10^7 stored signals",
        run: e14_growth::run,
    },
    Scenario {
        name: "e15",
        title: "every request of the admin pages, 10,000 channels in 100 guilds, 1,000 mappings",
        run: e15_admin_pages::run,
    },
    Scenario {
        name: "e16",
        title: "a change of the configuration: until the router and a long poll have it, 1,000 sources and mappings",
        run: e16_change::run,
    },
];

/// The scenario of this name.
///
/// # Errors
/// There is none.
pub fn by_name(name: &str) -> Outcome<&'static Scenario> {
    ALL.iter()
        .find(|scenario| scenario.name == name)
        .ok_or_else(|| {
            let names: Vec<&str> = ALL.iter().map(|scenario| scenario.name).collect();
            Failure::new(format!(
                "no scenario {name}; there are {}",
                names.join(", ")
            ))
        })
}

impl Scenario {
    /// Sets up, runs, and folds the repetitions.
    ///
    /// # Errors
    /// Something could not be set up or driven; a missed target is no error.
    pub fn measure(&self, context: &Context) -> Outcome<Figures> {
        let repetitions = (self.run)(context)?;
        Ok(report::fold(repetitions))
    }
}
