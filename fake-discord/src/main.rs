//! The fake Discord as a program: prints its address and serves until it is killed.

use clap::Parser;
use fake_discord::{Bot, Channel, FakeDiscord, Guild, Limits, Settings};

/// A fake Discord REST API v10 on 127.0.0.1. Any channel exists unless channels are named.
#[derive(Parser)]
struct Arguments {
    /// Port; 0 picks a free one.
    #[arg(long, default_value_t = 8181)]
    port: u16,
    /// Accepted bot tokens.
    #[arg(long = "bot-token", default_value = fake_discord::DEFAULT_BOT_TOKEN)]
    bot_tokens: Vec<String>,
    /// The guild of the channels.
    #[arg(long, default_value_t = 1)]
    guild: u64,
    /// Text channels that exist. Without any, every channel id does.
    #[arg(long = "channel")]
    channels: Vec<u64>,
    /// No rate limits.
    #[arg(long)]
    no_limits: bool,
    /// Threads that answer requests.
    #[arg(long, default_value_t = 1)]
    worker_threads: usize,
}

fn main() -> std::io::Result<()> {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .init();
    let arguments = Arguments::parse();
    let settings = Settings {
        port: arguments.port,
        bots: arguments
            .bot_tokens
            .iter()
            .zip(900_000_000_000_000_001..)
            .map(|(token, user_id)| Bot::new(token, user_id))
            .collect(),
        guilds: vec![Guild::new(arguments.guild, Vec::new(), Vec::new())],
        auto_create_channels: arguments.channels.is_empty(),
        channels: arguments
            .channels
            .iter()
            .map(|channel| Channel::text(*channel, arguments.guild))
            .collect(),
        limits: if arguments.no_limits {
            Limits::off()
        } else {
            Limits::default()
        },
        worker_threads: arguments.worker_threads,
        ..Settings::default()
    };
    let discord = FakeDiscord::start(settings)?;
    announce(&discord.base_url());
    discord.join();
    Ok(())
}

/// The address is what the program is asked for, so it goes to standard output.
#[allow(clippy::print_stdout)]
fn announce(base_url: &str) {
    println!("{base_url}");
}
