//! `prove`: runs proofs against a server binary, writes target/prove/<name>.json, and ends with 1 when a promise broke.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use heliograph_bench::failure::{Doing, Outcome};
use heliograph_bench::prove::{self, Proof, Settings};
use heliograph_bench::report;

/// Breaks a real server again and again under load and checks every promise.
#[derive(Parser)]
#[command(name = "prove")]
struct Arguments {
    /// Only this proof (crash, postgres-kill, resume, reconfigure, mirror-lossy, outage); may be given again
    #[arg(long)]
    name: Vec<String>,
    /// A few faults each
    #[arg(long)]
    tiny: bool,
    /// The same seed pushes the same load and draws the same faults [default: drawn from the clock]
    #[arg(long)]
    seed: Option<u64>,
    /// How many faults: kills, changes, reconnects or turns of an outage
    #[arg(long)]
    faults: Option<u64>,
    /// The server to break [default: heliograph beside this program]
    #[arg(long, value_name = "PATH")]
    server: Option<PathBuf>,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Outcome<bool> {
    let server_binary = heliograph_bench::stage::server_binary(arguments.server.as_deref())?;
    let wanted: Vec<&Proof> = if arguments.name.is_empty() {
        prove::ALL.iter().collect()
    } else {
        let found: Outcome<Vec<_>> = arguments
            .name
            .iter()
            .map(|name| prove::by_name(name))
            .collect();
        found?
    };
    let seed = arguments
        .seed
        .unwrap_or_else(|| heliograph_bench::clock::now_ms() % 1_000_000);
    let mut all_hold = true;
    for proof in wanted {
        let (full, tiny) = proof.faults;
        let faults = arguments
            .faults
            .unwrap_or(if arguments.tiny { tiny } else { full });
        println!("{}  seed {seed}, {faults} faults", proof.name);
        let settings = Settings {
            server_binary: server_binary.clone(),
            seed,
            faults,
        };
        let report =
            (proof.run)(&settings).doing(format!("proof {} with seed {seed}", proof.name))?;
        let figures = report.figures();
        let path = report::write("prove", proof.name, &figures)?;
        println!("{}", report::table(proof.name, &figures));
        for breach in &report.breaches {
            println!("  broken: {breach}");
        }
        println!("  -> {}\n", path.display());
        all_hold &= report.holds();
    }
    Ok(all_hold)
}
