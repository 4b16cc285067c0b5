//! Snapshots of guilds and channels: the names an admin chooses from and readers see, and what the connector sees of them. An
//! entry that cannot be read is quarantined and named in the answer; the others are taken. A snapshot adds and renames, it never
//! removes; what it leaves out is marked as gone only where it tells everything, and it may be the answer to a discovery request.

use super::{
    Ingest, answer, auth,
    field::{self, Reason, Value},
    parse::{self, BatchError},
};
use crate::{
    error::ApiError,
    http::{correlation::CorrelationId, operators::Readiness},
};
use actix_web::{HttpRequest, HttpResponse, web};
use diesel::PgConnection;
use heliograph_actors::{
    discovery_core::{self, SnapshotSeen},
    noticeboard::Topic,
};
use heliograph_schema::{
    ids::{ChannelId, GuildId},
    store::{
        StoreError,
        channels::{Snapshot, SnapshotChannel, SnapshotGuild},
        discovery::{self, OpenRequest},
        sightings::{self, Completeness, Observed},
        signals::{Group, QuarantinedItem},
    },
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::BTreeSet;
use tokio::sync::OwnedSemaphorePermit;

/// Guilds, and channels, in one snapshot: twice what an account can be in.
const GUILDS_MAX: usize = 400;
const CHANNELS_MAX: usize = 100_000;
const NAME_CHARS_MAX: usize = 200;
/// Bad entries of one snapshot that are named in the answer and quarantined one by one. The body is kept whole either way.
const REJECTED_MAX: usize = 1_000;

/// A snapshot, entry by entry.
#[derive(Debug, PartialEq, Eq)]
struct Told {
    tenant_key: String,
    connector_id: String,
    snapshot: Snapshot,
    rejected: Vec<RejectedEntry>,
    /// Entries that cannot be taken either, beyond [`REJECTED_MAX`].
    unnamed: usize,
}

/// An entry that cannot be taken.
#[derive(Debug, PartialEq, Eq)]
struct RejectedEntry {
    kind: &'static str,
    index: i32,
    reason: Reason,
    body: Vec<u8>,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    tenant_key: Value<'a>,
    #[serde(borrow)]
    connector_id: Value<'a>,
    #[serde(borrow)]
    guilds: Value<'a>,
    #[serde(borrow)]
    channels: Value<'a>,
}

#[derive(Deserialize)]
struct WireGuild<'a> {
    #[serde(borrow)]
    discord_guild_id: Value<'a>,
    #[serde(borrow)]
    name: Value<'a>,
}

#[derive(Deserialize)]
struct WireChannel<'a> {
    #[serde(borrow)]
    discord_channel_id: Value<'a>,
    #[serde(borrow)]
    guild_id: Value<'a>,
    #[serde(borrow)]
    name: Value<'a>,
    #[serde(borrow, rename = "type")]
    kind: Value<'a>,
    #[serde(borrow)]
    parent_id: Value<'a>,
    #[serde(borrow)]
    position: Value<'a>,
}

#[derive(Serialize)]
struct Taken {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    rejected: Vec<Named>,
}

/// A rejected entry in the answer.
#[derive(Serialize)]
struct Named {
    kind: &'static str,
    index: i32,
    reason: Reason,
}

/// `POST /ingest/channel-guild-sync`.
pub(super) async fn post(
    ingest: web::Data<Ingest>,
    readiness: web::Data<Readiness>,
    request: HttpRequest,
    payload: web::Payload,
    correlation_id: CorrelationId,
) -> HttpResponse {
    answer::of(
        take(&ingest, &readiness, &request, payload, &correlation_id).await,
        &correlation_id,
    )
}

async fn take(
    ingest: &web::Data<Ingest>,
    readiness: &Readiness,
    request: &HttpRequest,
    payload: web::Payload,
    correlation_id: &CorrelationId,
) -> Result<Taken, ApiError> {
    let (push, place) = ingest.receive_event(readiness, request, payload).await?;
    let Told {
        tenant_key,
        connector_id,
        snapshot,
        rejected,
        unnamed,
    } = parse_snapshot(&push.body)?;
    auth::belongs(&push.connector, &tenant_key, &connector_id)?;
    if unnamed > 0 {
        tracing::warn!(
            connector_id,
            unnamed,
            "a snapshot has more bad entries than are named"
        );
    }
    let quarantined = rejected.iter().map(|entry| QuarantinedItem {
        connector_id: connector_id.clone(),
        kind: entry.kind,
        correlation_id: correlation_id.as_str().to_owned(),
        item_index: entry.index,
        reason: entry.reason.clone(),
        body: entry.body.clone(),
    });
    let kept = push.kept("channel-guild-sync", correlation_id, quarantined.collect());
    let seen = Seen {
        connector_id,
        snapshot,
        tells: if rejected.is_empty() {
            Tells::Everything
        } else {
            Tells::AllButBadEntries
        },
    };
    store(ingest, Some(place), kept, seen).await?;
    let named = rejected.into_iter().map(|entry| Named {
        kind: entry.kind,
        index: entry.index,
        reason: entry.reason,
    });
    Ok(Taken {
        rejected: named.collect(),
    })
}

/// How far a snapshot goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tells {
    /// Every entry of it was read.
    Everything,
    /// Some were not: nothing follows from what it leaves out.
    AllButBadEntries,
    /// It is one entry, and answers nothing.
    OneEntry,
}

/// A snapshot that is to be taken in.
struct Seen {
    connector_id: String,
    snapshot: Snapshot,
    tells: Tells,
}

/// One entry of a snapshot that is taken by itself.
pub(super) async fn take_entry(
    ingest: &web::Data<Ingest>,
    connector_id: &str,
    snapshot: Snapshot,
) -> Result<Observed, ApiError> {
    let seen = Seen {
        connector_id: connector_id.to_owned(),
        snapshot,
        tells: Tells::OneEntry,
    };
    store(ingest, None, Group::default(), seen).await
}

/// Goes on by itself when the connector hangs up or is told to come again: whoever commits new names must also show them,
/// because the same snapshot a second time brings none.
async fn store(
    ingest: &web::Data<Ingest>,
    place: Option<OwnedSemaphorePermit>,
    kept: Group,
    seen: Seen,
) -> Result<Observed, ApiError> {
    let own = ingest.clone();
    let storing = actix_web::rt::spawn(async move {
        let _place = place;
        let board = own.board.place(&seen.connector_id);
        let has_read = move |number| board.has_read_discovery(number);
        let (observed, is_answer) = own
            .commit(kept, move |conn| take_in(conn, &seen, has_read))
            .await?;
        if is_answer || observed.has_moved {
            own.notices.raise(Topic::Connectors);
        }
        if observed.has_moved || observed.has_new_names {
            own.notices.raise(Topic::Channels);
        }
        if observed.has_new_names {
            // The names are durable; that they do not show yet is no reason to send them again.
            if let Err(error) = own.changes.apply().await {
                tracing::warn!(%error, "the new names of a snapshot are stored and not shown yet");
            }
        }
        Ok(observed)
    });
    let stored = async {
        storing
            .await
            .unwrap_or_else(|error| Err(StoreError::Interrupted(error.to_string())))
    };
    ingest.within_time(stored).await
}

/// Takes in what the connector sees, as the answer to its open discovery request where it is one. `has_read`: whether the connector
/// was heard to have read the request with this number. What was observed, and whether it is the answer.
fn take_in(
    conn: &mut PgConnection,
    seen: &Seen,
    has_read: impl Fn(i64) -> bool,
) -> Result<(Observed, bool), StoreError> {
    let Seen {
        connector_id,
        snapshot,
        tells,
    } = seen;
    let guilds: Vec<GuildId> = snapshot.guilds.iter().map(|guild| guild.guild_id).collect();
    let channels_of: BTreeSet<GuildId> = snapshot
        .channels
        .iter()
        .map(|channel| channel.guild_id)
        .collect();
    let channels_of: Vec<GuildId> = channels_of.into_iter().collect();
    let answers = |open: &OpenRequest| {
        let named = SnapshotSeen {
            guilds: &guilds,
            channels_of: &channels_of,
        };
        (open.is_picked_up || has_read(open.version))
            && discovery_core::answers(open.guild_id, named)
    };
    let answered = match tells {
        Tells::OneEntry => None,
        _ => discovery::open_request(conn, connector_id)?.filter(answers),
    };
    let completeness = match (tells, answered.map(|open| open.guild_id)) {
        (Tells::Everything, None) => Completeness::NamedGuilds,
        (Tells::Everything, Some(None)) => Completeness::AllGuilds,
        (Tells::Everything, Some(Some(guild_id))) => Completeness::Guild(guild_id),
        _ => Completeness::Some,
    };
    let observed = sightings::observe(conn, connector_id, snapshot, completeness)?;
    if let Some(open) = answered {
        let (guilds, channels) = (guilds.len(), snapshot.channels.len());
        discovery::answered(conn, connector_id, open.version, guilds, channels)?;
    }
    Ok((observed, answered.is_some()))
}

/// One entry of a snapshot, as the quarantine keeps it. `kind`: `guild` or `channel`.
pub(super) fn parse_entry(kind: &str, body: &[u8]) -> Result<Snapshot, Reason> {
    let text = field::body_text(body);
    let text = field::repaired(&text);
    let raw: &RawValue = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    let mut snapshot = Snapshot::default();
    let read = if kind == "guild" {
        guild(raw).map(|guild| snapshot.guilds.push(guild))
    } else {
        channel(raw).map(|channel| snapshot.channels.push(channel))
    };
    read.map_err(|reason| field::bounded_reason(field::within(kind, 0, &reason)))?;
    Ok(snapshot)
}

/// Reads the body of a snapshot.
fn parse_snapshot(body: &[u8]) -> Result<Told, BatchError> {
    let text = field::body_text(body);
    let text = field::repaired(&text);
    let envelope: Envelope<'_> = parse::object(&text)?;
    let (mut rejected, mut unnamed) = (Vec::new(), 0);
    let mut reject = |entry| {
        if rejected.len() < REJECTED_MAX {
            rejected.push(entry);
        } else {
            unnamed += 1;
        }
    };
    Ok(Told {
        tenant_key: parse::owner("tenant_key", envelope.tenant_key)?,
        connector_id: parse::owner("connector_id", envelope.connector_id)?,
        snapshot: Snapshot {
            guilds: entries(
                "guilds",
                "guild",
                envelope.guilds,
                GUILDS_MAX,
                guild,
                &mut reject,
            )?,
            channels: entries(
                "channels",
                "channel",
                envelope.channels,
                CHANNELS_MAX,
                channel,
                &mut reject,
            )?,
        },
        rejected,
        unnamed,
    })
}

/// The entries of one list that can be taken; the others go to `reject`.
fn entries<T>(
    name: &str,
    kind: &'static str,
    list: Value<'_>,
    count_max: usize,
    read: impl Fn(&RawValue) -> Result<T, Reason>,
    reject: &mut impl FnMut(RejectedEntry),
) -> Result<Vec<T>, BatchError> {
    let list = field::list(name, list, count_max).map_err(BatchError::InvalidBatch)?;
    let mut taken = Vec::with_capacity(list.len());
    for (at, raw) in list {
        match read(raw) {
            Ok(entry) => taken.push(entry),
            Err(reason) => reject(RejectedEntry {
                kind,
                index: i32::try_from(at).unwrap_or(i32::MAX),
                reason: field::bounded_reason(field::within(name, at, &reason)),
                body: raw.get().as_bytes().to_vec(),
            }),
        }
    }
    Ok(taken)
}

fn guild(raw: &RawValue) -> Result<SnapshotGuild, Reason> {
    let wire: WireGuild<'_> = field::object(raw)?;
    Ok(SnapshotGuild {
        guild_id: field::required_id("discord_guild_id", wire.discord_guild_id)?,
        name: field::cut_text("name", wire.name, NAME_CHARS_MAX)?.unwrap_or_default(),
    })
}

fn channel(raw: &RawValue) -> Result<SnapshotChannel, Reason> {
    let wire: WireChannel<'_> = field::object(raw)?;
    Ok(SnapshotChannel {
        channel_id: field::required_id("discord_channel_id", wire.discord_channel_id)?,
        guild_id: field::required_id("guild_id", wire.guild_id)?,
        name: field::cut_text("name", wire.name, NAME_CHARS_MAX)?.unwrap_or_default(),
        // What is only shown or sorted by does not cost the channel its name.
        kind: field::integer(wire.kind).and_then(|kind| i16::try_from(kind).ok()),
        parent_id: field::id::<ChannelId>("parent_id", wire.parent_id)
            .ok()
            .flatten(),
        position: field::integer(wire.position).and_then(|position| i32::try_from(position).ok()),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::{Value as Json, json};

    fn read(guilds: &Json, channels: &Json) -> Result<Told, String> {
        let body = json!({"tenant_key": "t", "connector_id": "c", "idempotency_key": "k", "guilds": guilds, "channels": channels});
        parse_snapshot(body.to_string().as_bytes()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_snapshot_reads_in_full() {
        let told = read(
            &json!([{"discord_guild_id": "1", "name": "Desk"}, {"discord_guild_id": "2"}]),
            &json!([
                {"discord_channel_id": "10", "guild_id": "1", "name": "btc", "type": 0, "parent_id": "9", "position": 3},
                {"discord_channel_id": "11", "guild_id": "1", "name": "eth", "type": null, "parent_id": null, "position": "x"},
            ]),
        );
        let channel = |id: &str, name: &str| SnapshotChannel {
            channel_id: id.parse().unwrap(),
            guild_id: "1".parse().unwrap(),
            name: name.to_owned(),
            kind: None,
            parent_id: None,
            position: None,
        };
        let expected = Snapshot {
            guilds: vec![
                SnapshotGuild {
                    guild_id: "1".parse().unwrap(),
                    name: "Desk".into(),
                },
                SnapshotGuild {
                    guild_id: "2".parse().unwrap(),
                    name: String::new(),
                },
            ],
            channels: vec![
                SnapshotChannel {
                    kind: Some(0),
                    parent_id: "9".parse().ok(),
                    position: Some(3),
                    ..channel("10", "btc")
                },
                channel("11", "eth"),
            ],
        };
        let told = told.unwrap();
        assert_eq!((told.snapshot, told.rejected), (expected, vec![]));
    }

    #[test]
    fn a_bad_entry_costs_only_itself() {
        let told = read(
            &json!([{"discord_guild_id": 1, "name": "Desk"}, {"discord_guild_id": "2", "name": "Desk"}]),
            &json!([5, {"discord_channel_id": "10", "guild_id": "1", "name": ["x"]}, {"discord_channel_id": "11", "guild_id": "1", "name": "ok"}]),
        );
        let told = told.unwrap();
        assert_eq!(
            (told.snapshot.guilds.len(), told.snapshot.channels.len()),
            (1, 1)
        );
        let rejected: Vec<_> = told
            .rejected
            .iter()
            .map(|entry| (entry.kind, entry.index, entry.reason.as_str()))
            .collect();
        let expected = [
            (
                "guild",
                0,
                "guilds[0].discord_guild_id: expected a string, got a number",
            ),
            (
                "channel",
                0,
                "channels[0]: expected an object, got a number",
            ),
            (
                "channel",
                1,
                "channels[1].name: expected a string, got an array",
            ),
        ];
        assert_eq!(rejected, expected);
        assert_eq!(told.rejected[1].body, b"5");
    }

    #[test]
    fn only_so_many_bad_entries_are_named() {
        for (bad, named, unnamed) in [
            (REJECTED_MAX, REJECTED_MAX, 0),
            (REJECTED_MAX + 7, REJECTED_MAX, 8),
        ] {
            let guilds = usize::from(unnamed > 0);
            let told = read(&json!(vec![5; guilds]), &json!(vec![5; bad])).unwrap();
            assert_eq!((told.rejected.len(), told.unnamed), (named, unnamed));
        }
    }

    #[test]
    fn lists_may_be_missing_but_not_be_something_else() {
        assert_eq!(
            read(&Json::Null, &Json::Null).unwrap().snapshot,
            Snapshot::default()
        );
        assert_eq!(
            read(&json!({}), &json!([])).unwrap_err(),
            "the body is not a batch: guilds: expected an array, got an object"
        );
        assert_eq!(
            parse_snapshot(b"[]")
                .unwrap_err()
                .to_string()
                .split(':')
                .next(),
            Some("the body is not a batch")
        );
    }
}
