//! `demo`: everything on this machine, no account anywhere. A fake Discord, the server, a connector that plays a day.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clap::Parser;
use heliograph_bench::demo::{self, Places, Settings};
use heliograph_bench::failure::{Doing, Outcome};

/// Runs a whole Heliograph on this machine, with a fake Discord and a connector that plays a day of signals.
#[derive(Parser)]
#[command(name = "demo")]
struct Arguments {
    /// Port of the live page
    #[arg(long, default_value_t = 8080)]
    public_port: u16,
    /// Port of the admin page
    #[arg(long, default_value_t = 8081)]
    admin_port: u16,
    /// Port of the connector contract
    #[arg(long, default_value_t = 8082)]
    ingest_port: u16,
    /// Port of the fake Discord
    #[arg(long, default_value_t = 8181)]
    fake_discord_port: u16,
    /// Port of the connector's charts; 0: no pictures
    #[arg(long, default_value_t = 8089)]
    charts_port: u16,
    /// Database, logs and the connector's token
    #[arg(long, default_value = "data")]
    data_dir: PathBuf,
    /// Configuration of the server
    #[arg(long, default_value = "config/development.toml")]
    config: PathBuf,
    /// Events per second
    #[arg(long, default_value_t = 2.0)]
    rate: f64,
    /// End after so many seconds
    #[arg(long)]
    seconds: Option<u64>,
    /// The server [default: heliograph beside this program]
    #[arg(long, value_name = "PATH")]
    server: Option<PathBuf>,
    /// The connector [default: demo-connector beside this program]
    #[arg(long, value_name = "PATH")]
    connector: Option<PathBuf>,
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Outcome<()> {
    let connector = match arguments.connector {
        Some(path) => path,
        None => std::env::current_exe()
            .doing("finding this program")?
            .with_file_name("demo-connector"),
    };
    let settings = Settings {
        server_binary: heliograph_bench::stage::server_binary(arguments.server.as_deref())?,
        connector_binary: connector
            .canonicalize()
            .doing(format!("the connector {}", connector.display()))?,
        config_file: arguments.config,
        data_dir: arguments.data_dir,
        public_port: arguments.public_port,
        admin_port: arguments.admin_port,
        ingest_port: arguments.ingest_port,
        fake_discord_port: arguments.fake_discord_port,
        charts_port: arguments.charts_port,
        rate: arguments.rate,
        lasts: arguments.seconds.map(Duration::from_secs),
    };
    let stop = Arc::new(AtomicBool::new(false));
    listen_for_the_end(Arc::clone(&stop))?;
    println!("starting; the first time this takes some seconds …");
    demo::run(&settings, &stop, show)?;
    println!("stopped");
    Ok(())
}

fn show(places: &Places) {
    println!();
    println!("  live page      {}", places.live_page);
    println!("  admin page     {}", places.admin_page);
    println!("  ingest         {}", places.ingest);
    println!("  fake Discord   {}", places.fake_discord);
    println!();
    println!("Ctrl-C stops everything.");
}

/// Sets `stop` at the first SIGINT or SIGTERM; the second SIGINT ends the program at once.
fn listen_for_the_end(stop: Arc<AtomicBool>) -> Outcome<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()
        .doing("listening for signals")?;
    let (mut interrupt, mut terminate) = {
        let _guard = runtime.enter();
        (
            signal(SignalKind::interrupt()).doing("listening for Ctrl-C")?,
            signal(SignalKind::terminate()).doing("listening for SIGTERM")?,
        )
    };
    std::thread::spawn(move || {
        runtime.block_on(async {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            stop.store(true, Ordering::Relaxed);
            interrupt.recv().await;
        });
        std::process::exit(130);
    });
    Ok(())
}
