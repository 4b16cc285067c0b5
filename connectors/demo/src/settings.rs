//! What a running connector is told before it starts, and what it tells when it ends.

use reqwest::Url;

use crate::ingest_client::Token;
use crate::outbox_core::OutboxLimits;
use crate::poll_core::PollTempo;
use crate::retry_core::Schedule;

/// Every duration and limit of a running connector; injectable, so that tests need no patience.
#[derive(Debug, Clone, Copy)]
pub struct Tempo {
    /// When requests are tried again.
    pub schedule: Schedule,
    /// When the runtime config is asked for.
    pub poll: PollTempo,
    /// When and how the outbox is flushed.
    pub outbox: OutboxLimits,
    /// Longest time for one request, the long poll's wait not counted.
    pub request_timeout_ms: u64,
    /// Longest time for sending what is left after a stop.
    pub drain_ms_max: u64,
    /// Time between two summaries in the log.
    pub summary_ms: u64,
}

impl Tempo {
    /// The tempo of the field client.
    pub const FIELD: Self = Self {
        schedule: Schedule::FIELD,
        poll: PollTempo::FIELD,
        outbox: OutboxLimits::FIELD,
        request_timeout_ms: 15_000,
        drain_ms_max: 5_000,
        summary_ms: 30_000,
    };
}

/// What to play, to whom, and as whom.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Base address of the server's ingest listener.
    pub server: Url,
    /// Tenant of the token.
    pub tenant_key: String,
    /// Connector of the token.
    pub connector_id: String,
    /// The token.
    pub token: Token,
    /// Seed of the day.
    pub seed: u64,
    /// Events per 1,000 seconds.
    pub events_per_1000_s: u64,
    /// End after this many captured events; `None`: never.
    pub events_until: Option<u64>,
    /// Base address of the charts; `None`: no pictures.
    pub charts_base_url: Option<String>,
    /// Durations and limits.
    pub tempo: Tempo,
}

/// What a connector has done so far, in events unless stated.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Heard in source channels and put into the outbox.
    pub captured: u64,
    /// Heard elsewhere, or while sending was not allowed.
    pub skipped: u64,
    /// Taken by the server, snapshots included.
    pub delivered: u64,
    /// Of the delivered messages: new or changed signals, by the server's count.
    pub accepted: u64,
    /// Of the delivered messages: known already.
    pub deduped: u64,
    /// Of the delivered messages: not of a source channel.
    pub ignored: u64,
    /// Of the delivered messages: set aside by the server.
    pub rejected: u64,
    /// Requests tried again.
    pub retries: u64,
    /// Dropped after the last try.
    pub exhausted: u64,
    /// Dropped because the server refused the request for good.
    pub refused: u64,
    /// Dropped because the outbox was full.
    pub overflowed: u64,
}

/// Why a connector did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The HTTP client could not be made.
    #[error("no HTTP client: {0}")]
    Client(#[from] reqwest::Error),
    /// The server does not know this token or connector.
    #[error("the server refused the runtime config with {code} {error_code}: {message}")]
    Refused {
        /// HTTP status code.
        code: u16,
        /// The server's word for it.
        error_code: String,
        /// The server's sentence about it.
        message: String,
    },
}
