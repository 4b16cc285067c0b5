//! The command line of the demo connector: reads arguments and the token, starts the chart listener and the connector.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use actix_web::rt;
use clap::Parser;
use demo_connector::connector::run;
use demo_connector::ingest_client::Token;
use demo_connector::settings::{Settings, Tempo};
use demo_connector::{charts, source_channels};
use reqwest::Url;
use tracing_subscriber::EnvFilter;

const TOKEN_VARIABLE: &str = "HELIOGRAPH_CONNECTOR_TOKEN";
const EVENTS_PER_S_MAX: f64 = 10_000.0;

/// Plays a realistic day of trading signals against a Heliograph server.
///
/// The connector token comes from --token-file or from the environment variable HELIOGRAPH_CONNECTOR_TOKEN.
#[derive(Parser)]
#[command(name = "demo-connector")]
struct Arguments {
    /// Base address of the server's ingest listener
    #[arg(long, default_value = "http://127.0.0.1:8082", value_parser = http_address)]
    server: Url,
    /// Tenant of the token
    #[arg(long, default_value = "demo")]
    tenant: String,
    /// Connector of the token
    #[arg(long, default_value = "demo")]
    connector: String,
    /// File that holds the token and nothing else
    #[arg(long, value_name = "PATH")]
    token_file: Option<PathBuf>,
    /// The same seed plays the same day
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Events per second on average; bursts at the market open are faster
    #[arg(long, default_value_t = 2.0)]
    rate: f64,
    /// How many times faster than the rate
    #[arg(long, default_value_t = 1.0)]
    speed: f64,
    /// End after this many captured events
    #[arg(long, value_name = "EVENTS", conflicts_with = "forever")]
    until: Option<u64>,
    /// Play until stopped (the default)
    #[arg(long)]
    forever: bool,
    /// Port on 127.0.0.1 where charts are served; 0: no pictures
    #[arg(long, value_name = "PORT", default_value_t = 8089)]
    charts_port: u16,
}

fn http_address(text: &str) -> Result<Url, String> {
    let url: Url = text.parse().map_err(|error| format!("{error}"))?;
    let plain = matches!(url.scheme(), "http" | "https")
        && url.username().is_empty()
        && url.password().is_none();
    let bare = url.query().is_none() && url.fragment().is_none();
    if plain && bare {
        Ok(url)
    } else {
        Err("expected http://host:port without credentials or query".to_owned())
    }
}

/// The pace as events per 1,000 seconds.
fn events_per_1000_s(rate: f64, speed: f64) -> Result<u64, String> {
    let events_per_s = rate * speed;
    if !(0.001..=EVENTS_PER_S_MAX).contains(&events_per_s) {
        return Err(format!(
            "rate times speed must be between 0.001 and {EVENTS_PER_S_MAX} events per second"
        ));
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the range was checked above"
    )]
    Ok((events_per_s * 1_000.0).round() as u64)
}

fn read_token(file: Option<&Path>) -> Result<Token, String> {
    let (text, place) = match file {
        Some(path) => {
            let text = std::fs::read_to_string(path)
                .map_err(|error| format!("{}: {error}", path.display()))?;
            (text, path.display().to_string())
        }
        None => {
            let text = std::env::var(TOKEN_VARIABLE)
                .map_err(|_| format!("give --token-file or set {TOKEN_VARIABLE}"))?;
            (text, TOKEN_VARIABLE.to_owned())
        }
    };
    Token::new(&text).ok_or_else(|| format!("{place} holds no usable token"))
}

fn settings(arguments: Arguments) -> Result<Settings, String> {
    let events_per_1000_s = events_per_1000_s(arguments.rate, arguments.speed)?;
    let token = read_token(arguments.token_file.as_deref())?;
    Ok(Settings {
        server: arguments.server,
        tenant_key: arguments.tenant,
        connector_id: arguments.connector,
        token,
        seed: arguments.seed,
        events_per_1000_s,
        events_until: arguments.until,
        charts_base_url: None,
        tempo: Tempo::FIELD,
    })
}

/// Ready when the process is asked to end.
async fn asked_to_end() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        // Without a handler the signal ends the process at once, which is an end as well.
        return std::future::pending().await;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

async fn start(arguments: Arguments) -> Result<(), String> {
    let charts_port = arguments.charts_port;
    let mut settings = settings(arguments)?;
    if charts_port != 0 {
        let charts = charts::bind(charts_port)
            .map_err(|error| format!("charts port {charts_port}: {error}; choose another with --charts-port, or 0 for none"))?;
        rt::spawn(charts.server);
        settings.charts_base_url = Some(charts.base_url);
    }
    tracing::info!(
        connector_id = %settings.connector_id,
        server = %settings.server,
        seed = settings.seed,
        channels = source_channels().len(),
        events_per_1000_s = settings.events_per_1000_s,
        charts = settings.charts_base_url,
        "demo connector started"
    );
    run(settings, asked_to_end())
        .await
        .map(drop)
        .map_err(|error| error.to_string())
}

#[actix_web::main]
async fn main() -> ExitCode {
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new("info,actix_server=warn"));
    tracing_subscriber::fmt().with_env_filter(filter).init();
    match start(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            tracing::error!(%reason, "demo connector failed");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_command_line_is_sound_and_has_no_place_for_a_token() {
        use clap::CommandFactory;
        Arguments::command().debug_assert();
        assert!(Arguments::try_parse_from(["demo-connector", "--token", "hg_secret"]).is_err());
        assert!(
            Arguments::try_parse_from(["demo-connector", "--until", "5", "--forever"]).is_err()
        );
        assert_eq!(
            Arguments::try_parse_from(["demo-connector", "--until", "5"])
                .unwrap()
                .until,
            Some(5)
        );
    }

    #[test]
    fn rate_and_speed_multiply_within_limits() {
        for (rate, speed, pace) in [
            (2.0, 1.0, Some(2_000)),
            (2.0, 10.0, Some(20_000)),
            (0.5, 0.5, Some(250)),
            (0.0, 1.0, None),
            (-1.0, 1.0, None),
            (f64::NAN, 1.0, None),
            (10_000.0, 2.0, None),
        ] {
            assert_eq!(
                events_per_1000_s(rate, speed).ok(),
                pace,
                "{rate} x {speed}"
            );
        }
    }

    #[test]
    fn an_address_carries_no_credentials() {
        assert!(http_address("http://127.0.0.1:8082").is_ok());
        for bad in [
            "127.0.0.1:8082",
            "ftp://host",
            "http://user:word@host",
            "http://host/?token=x",
            "http://host/#a",
        ] {
            assert!(http_address(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_missing_token_file_names_the_file() {
        let error = read_token(Some(Path::new("/nonexistent/token"))).unwrap_err();
        assert!(error.contains("/nonexistent/token"), "{error}");
    }
}
