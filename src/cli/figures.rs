//! `heliograph figures`: how much came and went minute by minute, and how long it took.

use super::{
    Failure, Shown,
    client::Client,
    show::{self, Columns},
};
use clap::ValueEnum;

const POINTS: Columns = &[
    ("MINUTE", "at_ms"),
    ("ACCEPTED", "accepted"),
    ("POSTED", "posted"),
    ("SCREEN P50 MS", "screen.p50_ms"),
    ("P95 MS", "screen.p95_ms"),
    ("P99 MS", "screen.p99_ms"),
    ("DISCORD P50 MS", "discord.p50_ms"),
    ("P95 MS", "discord.p95_ms"),
    ("P99 MS", "discord.p99_ms"),
];

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Span {
    Hour,
    Day,
}

pub(super) async fn run(client: &Client, span: Span) -> Result<Shown, Failure> {
    let span = match span {
        Span::Hour => "hour",
        Span::Day => "day",
    };
    let json = client.get(&format!("/api/figures?span={span}")).await?;
    let points = json["points"].as_array().cloned().unwrap_or_default();
    let text = show::rows(POINTS, points).text;
    Ok(Shown { json, text })
}
