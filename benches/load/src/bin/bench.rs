//! `bench`: runs scenarios against a server binary, prints a table of each and writes target/bench/<scenario>.json.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use heliograph_bench::failure::{Doing, Outcome};
use heliograph_bench::report;
use heliograph_bench::scenarios::{self, Context, Scenario, Size, floor};

/// Measures whole paths against a real server process.
#[derive(Parser)]
#[command(name = "bench")]
struct Arguments {
    /// Only this scenario (e1, e2, …); may be given again
    #[arg(long)]
    scenario: Vec<String>,
    /// A second or less each: shows that everything works, measures nothing
    #[arg(long, alias = "quick")]
    tiny: bool,
    /// The server to measure [default: heliograph beside this program]
    #[arg(long, value_name = "PATH")]
    server: Option<PathBuf>,
    /// How often each measured part is run [default: 5, tiny 1]
    #[arg(long)]
    repetitions: Option<usize>,
    /// Serves one order of the floor and ends (used by this program itself)
    #[arg(long, value_name = "JSON", hide = true)]
    serve_floor: Option<String>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = match &arguments.serve_floor {
        Some(order) => serve_floor(order),
        None => run(&arguments),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}

fn serve_floor(order: &str) -> Outcome<()> {
    let order = serde_json::from_str(order).doing("the order of the floor")?;
    let cost = floor::serve(order, |address| println!("{address}"))?;
    println!("{}", serde_json::to_string(&cost)?);
    Ok(())
}

fn run(arguments: &Arguments) -> Outcome<()> {
    let size = if arguments.tiny {
        Size::Tiny
    } else {
        Size::Full
    };
    let context = Context {
        server_binary: heliograph_bench::stage::server_binary(arguments.server.as_deref())?,
        bench_binary: std::env::current_exe().ok(),
        size,
        repetitions: arguments
            .repetitions
            .unwrap_or(if arguments.tiny { 1 } else { 5 })
            .max(1),
    };
    let wanted: Vec<&Scenario> = if arguments.scenario.is_empty() {
        scenarios::ALL.iter().collect()
    } else {
        let found: Outcome<Vec<_>> = arguments
            .scenario
            .iter()
            .map(|name| scenarios::by_name(name))
            .collect();
        found?
    };
    for scenario in wanted {
        let mut figures = scenario
            .measure(&context)
            .doing(format!("scenario {}", scenario.name))?;
        figures.insert(
            "size".into(),
            serde_json::json!(format!("{size:?}").to_lowercase()),
        );
        let path = report::write("bench", scenario.name, &figures)?;
        let title = format!("{}  {}", scenario.name, scenario.title);
        println!(
            "{}  -> {}\n",
            report::table(&title, &figures),
            path.display()
        );
    }
    Ok(())
}
