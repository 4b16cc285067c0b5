//! The end of a trail: where a signal is to stand and how that went, and where it does not stand although it might.

use super::{
    Committed, NotDelivered, TrailDelivery, TrailPart, TrailSignal,
    reasons::{self, Circumstances, WaitingBecause},
};
use crate::{
    ids::{ChannelId, GuildId, MessageId, SignalId, ThreadId},
    sql::Sql,
    store::{StoreError, delivery_list},
};
use chrono::{DateTime, Utc};
use diesel::{
    pg::{PgConnection, sql_types::CChar},
    prelude::*,
    sql_types::{BigInt, Bool, Integer, Nullable, SmallInt, Text, Timestamptz},
};
use std::collections::HashMap;

/// Mappings of the source channel that are told.
const MAPPINGS_MAX: i64 = 500;
/// Deliveries that are told.
const DELIVERIES_MAX: i64 = 500;
type DeliverySql = (
    (
        BigInt,
        BigInt,
        CChar,
        Integer,
        Integer,
        Integer,
        Nullable<Text>,
    ),
    (Nullable<Timestamptz>, Timestamptz),
    (Nullable<Text>, Nullable<BigInt>, Bool, Nullable<Text>),
);
type DeliveryRow = (
    (ChannelId, i64, u8, i32, i32, i32, Option<String>),
    (Option<DateTime<Utc>>, DateTime<Utc>),
    (Option<String>, Option<GuildId>, bool, Option<String>),
);

/// Where it is to stand.
pub(super) fn made(
    conn: &mut PgConnection,
    signal_id: SignalId,
) -> Result<Vec<TrailDelivery>, StoreError> {
    let rows: Vec<DeliveryRow> = Sql::new(
        "select d.target_channel_id, d.mapping_id, d.state, d.desired_revision, d.delivered_revision, d.attempts, d.last_error, \
            d.next_attempt_at, d.created_at, c.name, coalesce(t.guild_id, c.guild_id, \
            (select r.guild_id from channel_roles r where r.channel_id = d.target_channel_id limit 1)), \
            coalesce(t.is_paused, false), t.obstacle \
         from deliveries d left join channels c on c.channel_id = d.target_channel_id \
         left join target_channels t on t.target_channel_id = d.target_channel_id \
         where d.signal_id = $1 order by d.target_channel_id limit $2",
    )
    .bind::<BigInt, _>(signal_id)
    .bind::<BigInt, _>(DELIVERIES_MAX)
    .rows::<DeliverySql>()
    .load(conn)?;
    let mut parts = parts(conn, signal_id)?;
    let typed = |row: DeliveryRow| {
        let parts = parts.remove(&row.0.0).unwrap_or_default();
        delivery(row, parts)
    };
    Ok(rows.into_iter().map(typed).collect())
}

struct PartRow {
    part: i16,
    message_id: MessageId,
    thread_id: Option<ThreadId>,
    posted_at: DateTime<Utc>,
}

fn parts(
    conn: &mut PgConnection,
    signal_id: SignalId,
) -> Result<HashMap<ChannelId, Vec<PartRow>>, StoreError> {
    type Row = (ChannelId, i16, MessageId, Option<ThreadId>, DateTime<Utc>);
    let rows: Vec<Row> = Sql::new(
        "select target_channel_id, part, message_id, mirrored_thread_id, posted_at from mirrored_parts where signal_id = $1 \
         order by target_channel_id, part",
    )
    .bind::<BigInt, _>(signal_id)
    .rows::<(BigInt, SmallInt, BigInt, Nullable<BigInt>, Timestamptz)>()
    .load(conn)?;
    let mut parts: HashMap<ChannelId, Vec<PartRow>> = HashMap::new();
    for (target, part, message_id, thread_id, posted_at) in rows {
        parts.entry(target).or_default().push(PartRow {
            part,
            message_id,
            thread_id,
            posted_at,
        });
    }
    Ok(parts)
}

fn delivery(row: DeliveryRow, parts: Vec<PartRow>) -> TrailDelivery {
    let (
        (
            target_channel_id,
            mapping_id,
            state,
            desired_revision,
            delivered_revision,
            attempts,
            last_error,
        ),
        (next_attempt_at, created_at),
        (target_channel_name, guild_id, is_paused, obstacle),
    ) = row;
    let explanation = reasons::explanation(
        state,
        &WaitingBecause {
            is_paused,
            obstacle: obstacle.as_deref(),
            last_error: last_error.as_deref(),
            delivered_before: delivered_revision > 0,
            stands: parts.len(),
        },
    );
    let first = parts.iter().map(|part| part.posted_at).min();
    let part = |part: PartRow| TrailPart {
        part: part.part,
        message_id: part.message_id,
        link: guild_id.map(|guild_id| {
            let place = part
                .thread_id
                .map_or(target_channel_id.get(), ThreadId::get);
            format!(
                "https://discord.com/channels/{guild_id}/{place}/{}",
                part.message_id
            )
        }),
        posted_at: part.posted_at,
    };
    TrailDelivery {
        target_channel_id,
        target_channel_name,
        mapping_id,
        state: delivery_list::word_of(state),
        explanation,
        desired_revision,
        delivered_revision,
        attempts,
        last_error,
        next_attempt_at,
        created_at,
        delay_ms: first.map(|first| (first - created_at).num_milliseconds()),
        parts: parts.into_iter().map(part).collect(),
    }
}

/// The mappings of its source that led to no delivery, and why.
pub(super) fn missing(
    conn: &mut PgConnection,
    signal: &TrailSignal,
    committed: &[Committed],
    deliveries: &[TrailDelivery],
) -> Result<Vec<NotDelivered>, StoreError> {
    type Row = (i64, ChannelId, bool, DateTime<Utc>, Option<String>, bool);
    let rows: Vec<Row> = Sql::new(
        "select m.mapping_id, m.target_channel_id, m.is_enabled, m.created_at, c.name, exists (select from enabled_targets t \
            where t.channel_id = m.target_channel_id) \
         from mappings m left join channels c on c.channel_id = m.target_channel_id \
         where m.source_channel_id = $1 order by m.mapping_id limit $2",
    )
    .bind::<BigInt, _>(signal.source_channel_id)
    .bind::<BigInt, _>(MAPPINGS_MAX)
    .rows::<(BigInt, BigInt, Bool, Timestamptz, Nullable<Text>, Bool)>()
    .load(conn)?;
    let is_forwarded: bool = Sql::new(
        "select exists (select from channel_roles r join connectors c using (connector_id) \
         where r.channel_id = $1 and r.is_source and r.is_enabled and c.forward_enabled)",
    )
    .bind::<BigInt, _>(signal.source_channel_id)
    .rows::<Bool>()
    .get_result(conn)?;
    if rows.is_empty() && deliveries.is_empty() {
        return Ok(vec![NotDelivered {
            mapping_id: None,
            target_channel_id: None,
            target_channel_name: None,
            reason: "no mapping leads from its source channel".to_owned(),
        }]);
    }
    let first = committed
        .iter()
        .find(|revision| revision.kind == "create")
        .map(|revision| revision.committed_at);
    let has_none = |row: &Row| {
        deliveries
            .iter()
            .all(|known| known.target_channel_id != row.1)
    };
    let reason = |(mapping_id, target, is_enabled, created_at, name, is_target): Row| {
        let circumstances = Circumstances {
            is_visible: signal.is_visible,
            is_deleted: signal.deleted_at_ms.is_some(),
            mapping_is_enabled: is_enabled,
            target_is_enabled: is_target,
            is_forwarded,
            mapping_is_younger: first.map(|first| created_at > first),
        };
        NotDelivered {
            mapping_id: Some(mapping_id),
            target_channel_id: Some(target),
            target_channel_name: name,
            reason: circumstances.why_not().to_owned(),
        }
    };
    Ok(rows.into_iter().filter(has_none).map(reason).collect())
}
