//! A connector as people see it: its row, what became of its discovery request, how it stands in this process, and how much hangs
//! on it. Reads in two questions whatever is on a page; knows no request.

use diesel::PgConnection;
use heliograph_actors::{
    connector_board::{ConnectorBoard, ConnectorStanding},
    discovery_core::{self, Asked, DiscoveryState, Respondent},
};
use heliograph_schema::{
    ids::GuildId,
    store::{
        StoreError, channels,
        connector_counts::{self, ConnectorCounts},
        connectors::{ConnectorRow, ConnectorStatus},
    },
};
use serde::Serialize;

/// A connector with what is known around it.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Connector {
    /// What is configured, and when it was last heard.
    #[serde(flatten)]
    row: ConnectorRow,
    /// The last discovery request; `null`: never asked.
    discovery: Option<Discovery>,
    /// As this process sees it.
    standing: Standing,
    /// How much hangs on it.
    counts: ConnectorCounts,
}

impl Connector {
    /// Its id.
    pub fn connector_id(&self) -> String {
        self.row.connector_id.clone()
    }
}

/// What became of a discovery request.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Discovery {
    /// Counts the requests.
    version: i64,
    /// The guild whose channels are wanted; `null`: the guilds.
    guild_id: Option<GuildId>,
    /// Its name, where it is known.
    guild_name: Option<String>,
    /// When it was made.
    requested_at_ms: i64,
    /// When the connector read it.
    picked_up_at_ms: Option<i64>,
    /// When its snapshot came.
    answered_at_ms: Option<i64>,
    /// From the request to the snapshot.
    took_ms: Option<i64>,
    /// Guilds in the snapshot.
    guilds: Option<i32>,
    /// Channels in the snapshot.
    channels: Option<i32>,
    /// How it stands now.
    state: DiscoveryState,
    /// What to look at, in one sentence; `null` where nothing is wrong.
    advice: Option<&'static str>,
}

/// How a connector stands in this process; what it does not know yet is `null`.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Standing {
    /// The configuration version that it last said it works by.
    applied_config_version: Option<i64>,
    /// That is the one that stands.
    is_applied: bool,
    /// Of its newest batch: from the newest thing in it at the source to when it came in.
    lag_ms: Option<i64>,
    /// Items of its batches a second, over the last minute.
    events_per_s: f64,
    /// Items of its batches since this process started.
    events: u64,
    /// Its batches.
    batches: u64,
    /// Items that were rejected.
    rejected: u64,
    /// When the newest one came in.
    last_batch_at_ms: Option<i64>,
}

/// A connector in a pulse: what moves.
#[derive(Debug, Clone, Serialize)]
pub struct ConnectorPulse {
    connector_id: String,
    status: ConnectorStatus,
    last_seen_at_ms: Option<i64>,
    config_version: i64,
    discovery: Option<Discovery>,
    standing: Standing,
}

/// A row and the name of the guild that its discovery request is of.
#[derive(Debug, Clone)]
pub struct Named {
    row: ConnectorRow,
    guild_name: Option<String>,
}

/// Reads those names.
///
/// # Errors
/// Whatever the tables say.
pub fn name(conn: &mut PgConnection, rows: Vec<ConnectorRow>) -> Result<Vec<Named>, StoreError> {
    let guilds: Vec<GuildId> = rows
        .iter()
        .filter_map(|row| row.discovery_guild_id)
        .collect();
    let names = channels::guild_names(conn, &guilds)?;
    let named = rows.into_iter().map(|row| Named {
        guild_name: row
            .discovery_guild_id
            .and_then(|guild_id| names.get(&guild_id).cloned()),
        row,
    });
    Ok(named.collect())
}

impl Named {
    /// What of it moves, as it stands at `now_ms`.
    pub fn pulse(&self, board: &ConnectorBoard, now_ms: i64) -> ConnectorPulse {
        let row = &self.row;
        ConnectorPulse {
            connector_id: row.connector_id.clone(),
            status: if row.is_paused {
                ConnectorStatus::Paused
            } else {
                ConnectorStatus::Active
            },
            last_seen_at_ms: row.last_seen_at.map(|at| at.timestamp_millis()),
            config_version: row.config_version,
            discovery: discovery(row, self.guild_name.clone(), now_ms),
            standing: standing(row, board.see(&row.connector_id, now_ms)),
        }
    }
}

/// A row and what the tables know around it.
#[derive(Debug, Clone)]
pub struct Surrounded {
    row: ConnectorRow,
    guild_name: Option<String>,
    counts: ConnectorCounts,
}

/// Reads what the tables know around these rows.
///
/// # Errors
/// Whatever the tables say.
pub fn surround(
    conn: &mut PgConnection,
    rows: Vec<ConnectorRow>,
) -> Result<Vec<Surrounded>, StoreError> {
    let ids: Vec<String> = rows.iter().map(|row| row.connector_id.clone()).collect();
    let counts = connector_counts::of(conn, &ids)?;
    let surrounded = name(conn, rows)?.into_iter().map(|named| Surrounded {
        counts: counts
            .get(&named.row.connector_id)
            .copied()
            .unwrap_or_default(),
        guild_name: named.guild_name,
        row: named.row,
    });
    Ok(surrounded.collect())
}

impl Surrounded {
    /// What became of its last discovery request at `now_ms`; `None` when there was none.
    pub fn discovery(&self, now_ms: i64) -> Option<Discovery> {
        discovery(&self.row, self.guild_name.clone(), now_ms)
    }

    /// The connector as it is shown at `now_ms`.
    pub fn shown(self, board: &ConnectorBoard, now_ms: i64) -> Connector {
        let Self {
            mut row,
            guild_name,
            counts,
        } = self;
        row.previous_token_until = row
            .previous_token_until
            .filter(|until| until.timestamp_millis() > now_ms);
        Connector {
            discovery: discovery(&row, guild_name, now_ms),
            standing: standing(&row, board.see(&row.connector_id, now_ms)),
            counts,
            row,
        }
    }
}

/// What became of the last discovery request of this row; `None` when there was none.
fn discovery(row: &ConnectorRow, guild_name: Option<String>, now_ms: i64) -> Option<Discovery> {
    let at_ms = |at: Option<chrono::DateTime<chrono::Utc>>| at.map(|at| at.timestamp_millis());
    let asked = Asked {
        guild_id: row.discovery_guild_id,
        requested_at_ms: at_ms(row.discovery_requested_at)?,
        picked_up_at_ms: at_ms(row.discovery_picked_up_at),
        answered_at_ms: at_ms(row.discovery_answered_at),
    };
    let respondent = Respondent {
        last_seen_at_ms: at_ms(row.last_seen_at),
        may_push: !row.is_paused && row.ingest_enabled,
    };
    Some(Discovery {
        version: row.discovery_request_version,
        guild_id: asked.guild_id,
        guild_name,
        requested_at_ms: asked.requested_at_ms,
        picked_up_at_ms: asked.picked_up_at_ms,
        answered_at_ms: asked.answered_at_ms,
        took_ms: asked
            .answered_at_ms
            .map(|answered| (answered - asked.requested_at_ms).max(0)),
        guilds: row.discovery_guilds,
        channels: row.discovery_channels,
        state: discovery_core::state(&asked, now_ms),
        advice: discovery_core::advice(&asked, respondent, now_ms),
    })
}

/// How the connector of this row stands.
fn standing(row: &ConnectorRow, seen: ConnectorStanding) -> Standing {
    Standing {
        applied_config_version: seen.applied_config_version,
        is_applied: seen.applied_config_version == Some(row.config_version),
        lag_ms: seen.lag_ms,
        events_per_s: (seen.events_per_s * 100.0).round() / 100.0,
        events: seen.events,
        batches: seen.batches,
        rejected: seen.rejected,
        last_batch_at_ms: seen.last_batch_at_ms,
    }
}
