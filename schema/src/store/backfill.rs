//! The last signals of a source for a target that has not seen them: their deliveries, in the order of the signals and before
//! anything that comes later. Nobody is pinged for what is old.

use super::{
    StoreError,
    audit::{changing, record},
    delivery_list::DeliveryKey,
    mappings::{self, MappingRow, MappingSettings, RuledMapping},
    signals,
};
use crate::{
    frame::Cursor,
    ids::{ChannelId, SignalId},
    sql::Sql,
};
use diesel::{
    pg::PgConnection,
    prelude::*,
    sql_types::{Array, BigInt, Integer, Nullable},
};
use serde::Serialize;

/// Signals that one back-fill may ask for.
pub const LAST_MAX: i64 = 1_000;
/// Signals it looks at: deleted ones among them are passed over.
const LOOKED_AT_MAX: i64 = 10_000;
/// Signals that may be committed between the commit of a new mapping and the moment from which the router works by it. That
/// is milliseconds; each has its place in the order set aside.
const GAP_MAX: i64 = 1_000;

/// What a new mapping was filled with, and what is to be seen to once the router works by it.
#[derive(Debug, Clone)]
pub struct Backfilled {
    /// The new deliveries. One that was there already is left alone.
    pub keys: Vec<DeliveryKey>,
    gap: Gap,
}

/// From where on the router may not have known of the mapping, and the places set aside for that.
#[derive(Debug, Clone)]
struct Gap {
    after: Cursor,
    ordinals: Vec<i64>,
}

/// What the audit holds.
#[derive(Debug, Serialize)]
struct Asked {
    last: i64,
    deliveries: usize,
}

/// Maps, and gives the target the last signals of the source: in one transaction.
///
/// # Errors
/// As [`mappings::create`], and [`StoreError::Refused`] for one that is to be switched off.
pub fn create_mapping(
    conn: &mut PgConnection,
    actor: &str,
    new: &MappingSettings,
    last: i64,
) -> Result<(RuledMapping, Backfilled), StoreError> {
    if !new.is_enabled {
        return Err(StoreError::refused_field(
            "start",
            "a mapping that is switched off cannot start with the last signals",
        ));
    }
    changing(conn, |conn| {
        let mapping = mappings::create(conn, actor, new)?;
        // First the head: what is committed before the filling is then in both, which does no harm.
        let head = signals::heads(conn, &[mapping.row.source_channel_id])?;
        let after = head
            .first()
            .map_or(Cursor { epoch: 1, seq: 0 }, |head| head.cursor);
        let keys = fill(conn, actor, &mapping.row, last)?;
        let ordinals = set_aside(conn)?;
        let gap = Gap { after, ordinals };
        Ok((mapping, Backfilled { keys, gap }))
    })
}

/// The places behind everything that has one and before everything that will get one.
fn set_aside(conn: &mut PgConnection) -> Result<Vec<i64>, StoreError> {
    Ok(Sql::new(
        "select nextval(pg_get_serial_sequence('deliveries', 'ordinal')) from generate_series(1, $1)",
    )
    .bind::<BigInt, _>(GAP_MAX)
    .rows::<BigInt>()
    .load(conn)?)
}

/// Gives the target of a mapping the last signals of its source. What its target has already seen of them is left alone; the rest
/// comes behind what is mirrored already, for Discord puts nothing in between.
///
/// # Errors
/// [`StoreError::NotFound`] for a mapping that is not there, [`StoreError::Refused`] for one that is switched off or could not be made
/// now, or when the database does not answer.
pub fn of_mapping(
    conn: &mut PgConnection,
    actor: &str,
    mapping_id: i64,
    last: i64,
) -> Result<Vec<DeliveryKey>, StoreError> {
    changing(conn, |conn| {
        let found = mappings::find(conn, mapping_id)?;
        if !found.row.is_enabled {
            return Err(StoreError::Refused(format!(
                "mapping {mapping_id} is switched off"
            )));
        }
        mappings::check(conn, &found)?;
        fill(conn, actor, &found.row, last)
    })
}

/// The new deliveries. One that was there already is left alone.
fn fill(
    conn: &mut PgConnection,
    actor: &str,
    mapping: &MappingRow,
    last: i64,
) -> Result<Vec<DeliveryKey>, StoreError> {
    // A range of one channel in the order of its index: for a channel that has been quiet for long, the index of all signals would be
    // walked through whole.
    let rows: Vec<SignalId> = Sql::new(
        "with looked_at as (select channel_id, signal_id, revision, state from signals \
            where channel_id between $1 and $1 and is_visible order by channel_id, signal_id desc limit $2), \
         newest as (select signal_id, revision from looked_at where state::json ->> 'deleted_at_ms' is null \
            order by channel_id, signal_id desc limit $3) \
         insert into deliveries (signal_id, target_channel_id, source_channel_id, mapping_id, rule_set_id, desired_revision) \
         select signal_id, $4, $1, $5, $6, revision from newest order by signal_id \
         on conflict do nothing returning signal_id",
    )
    .bind::<BigInt, _>(mapping.source_channel_id)
    .bind::<BigInt, _>(LOOKED_AT_MAX)
    .bind::<BigInt, _>(last)
    .bind::<BigInt, _>(mapping.target_channel_id)
    .bind::<BigInt, _>(mapping.mapping_id)
    .bind::<Nullable<BigInt>, _>(mapping.rule_set_id)
    .rows::<BigInt>()
    .load(conn)?;
    let asked = Asked {
        last,
        deliveries: rows.len(),
    };
    let subject = mapping.mapping_id.to_string();
    record(
        conn,
        actor,
        "mapping.backfill",
        &subject,
        None,
        Some(&asked),
    )?;
    Ok(keys(rows, mapping.target_channel_id))
}

/// Gives the target what was committed after the back-fill by a router that did not know of the mapping yet, each in the place set
/// aside for it. Call it when the router works by the mapping and everything planned before is committed; again does nothing.
///
/// # Errors
/// When the database does not answer.
pub fn close_gap(
    conn: &mut PgConnection,
    mapping: &MappingRow,
    filled: &Backfilled,
) -> Result<Vec<DeliveryKey>, StoreError> {
    let Gap { after, ordinals } = &filled.gap;
    let rows: Vec<SignalId> = Sql::new(
        "with missed as (select r.signal_id, row_number() over (order by r.seq) as place from revisions r \
            where r.channel_id = $1 and r.epoch = $2 and r.seq > $3 and r.kind = 'c' and not exists \
            (select from deliveries d where d.signal_id = r.signal_id and d.target_channel_id = $4)) \
         insert into deliveries (signal_id, target_channel_id, source_channel_id, mapping_id, rule_set_id, desired_revision, \
            ordinal) overriding system value \
         select s.signal_id, $4, $1, $5, $6, s.revision, o.ordinal from missed m \
         join unnest($7) with ordinality as o (ordinal, place) on o.place = m.place \
         join signals s on s.signal_id = m.signal_id \
         on conflict do nothing returning signal_id",
    )
    .bind::<BigInt, _>(mapping.source_channel_id)
    .bind::<Integer, _>(after.epoch)
    .bind::<BigInt, _>(after.seq)
    .bind::<BigInt, _>(mapping.target_channel_id)
    .bind::<BigInt, _>(mapping.mapping_id)
    .bind::<Nullable<BigInt>, _>(mapping.rule_set_id)
    .bind::<Array<BigInt>, _>(ordinals)
    .rows::<BigInt>()
    .load(conn)?;
    if rows.len() >= ordinals.len() {
        let (mapping_id, target_channel_id) = (mapping.mapping_id, mapping.target_channel_id);
        tracing::warn!(mapping_id, %target_channel_id, closed = rows.len(), "more signals came than a back-fill has places for: back-fill again");
    }
    Ok(keys(rows, mapping.target_channel_id))
}

fn keys(signals: Vec<SignalId>, target_channel_id: ChannelId) -> Vec<DeliveryKey> {
    let key = |signal_id| DeliveryKey {
        signal_id,
        target_channel_id,
    };
    signals.into_iter().map(key).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::test_database::TestDatabase;
    use diesel::connection::SimpleConnection;

    const MARKS: &str = "insert into connectors (connector_id, tenant_key, name, token_hash) values ('c', 't', 'c', ''); \
        insert into channel_roles (connector_id, channel_id, guild_id, is_source, is_target, is_enabled, thread_mode) values \
            ('c', 5, 1, true, false, true, 'include'), ('c', 9, 1, false, true, true, 'include'); \
        insert into channel_heads (channel_id) values (5)";

    fn settings() -> MappingSettings {
        MappingSettings {
            source_channel_id: ChannelId::new(5).unwrap(),
            target_channel_id: ChannelId::new(9).unwrap(),
            tier: 0,
            ping_role_id: crate::ids::RoleId::new(44),
            priority: 0,
            is_enabled: true,
            rules: crate::rules::MappingRules::default(),
        }
    }

    /// Commits a signal, as far as a back-fill looks at it.
    fn say(conn: &mut PgConnection, id: i64, deleted: bool) {
        let gone = if deleted {
            r#"{"deleted_at_ms":1}"#
        } else {
            "{}"
        };
        conn.batch_execute(&format!(
            "update channel_heads set seq = seq + 1 where channel_id = 5; \
             insert into revisions (channel_id, epoch, seq, signal_id, revision, kind, frame) \
                select 5, 1, seq, {id}, 1, 'c', '{{}}' from channel_heads where channel_id = 5; \
             insert into signals (signal_id, channel_id, is_visible, revision, state) values ({id}, 5, true, 1, '{gone}')"
        ))
        .unwrap();
    }

    /// Signals of the target's deliveries in their order, and how many would ping.
    fn delivered(conn: &mut PgConnection) -> (Vec<i64>, usize) {
        let rows: Vec<(i64, Option<i64>)> = Sql::new(
            "select signal_id, ping_role_id from deliveries where target_channel_id = 9 order by ordinal",
        )
        .rows::<(BigInt, Nullable<BigInt>)>()
        .load(conn)
        .unwrap();
        let pings = rows.iter().filter(|row| row.1.is_some()).count();
        (rows.into_iter().map(|row| row.0).collect(), pings)
    }

    #[test]
    fn the_last_are_filled_in_order_and_the_gap_comes_before_what_is_live() {
        let db = TestDatabase::new();
        let conn = &mut db.connect();
        conn.batch_execute(MARKS).unwrap();
        for (id, deleted) in [
            (10, false),
            (12, false),
            (11, false),
            (13, true),
            (14, false),
        ] {
            say(conn, id, deleted);
        }
        let (mapping, filled) = create_mapping(conn, "admin", &settings(), 3).unwrap();
        assert_eq!(delivered(conn), (vec![11, 12, 14], 0));
        // Committed by a router that did not know of the mapping, then one that did.
        say(conn, 15, false);
        say(conn, 16, false);
        say(conn, 17, false);
        conn.batch_execute(
            "insert into deliveries (signal_id, target_channel_id, source_channel_id, mapping_id, desired_revision) values (17, 9, 5, 1, 1)",
        )
        .unwrap();
        let closed = close_gap(conn, &mapping.row, &filled).unwrap();
        assert_eq!(closed.len(), 2);
        assert_eq!(delivered(conn), (vec![11, 12, 14, 15, 16, 17], 0));
        assert!(close_gap(conn, &mapping.row, &filled).unwrap().is_empty());
        // Later, and more: what is there is left alone.
        let more = of_mapping(conn, "admin", mapping.row.mapping_id, 100).unwrap();
        assert_eq!(more.len(), 1);
        assert_eq!(delivered(conn).0, [11, 12, 14, 15, 16, 17, 10]);
    }

    #[test]
    fn a_mapping_that_may_not_be_fills_nothing() {
        let db = TestDatabase::new();
        let conn = &mut db.connect();
        assert!(matches!(
            create_mapping(conn, "admin", &settings(), 3),
            Err(StoreError::RefusedField { .. })
        ));
        assert!(matches!(
            of_mapping(conn, "admin", 7, 3),
            Err(StoreError::NotFound(_))
        ));
        conn.batch_execute(MARKS).unwrap();
        let off = MappingSettings {
            is_enabled: false,
            ..settings()
        };
        assert!(matches!(
            create_mapping(conn, "admin", &off, 3),
            Err(StoreError::RefusedField { .. })
        ));
        let made = mappings::create(conn, "admin", &off).unwrap();
        assert!(matches!(
            of_mapping(conn, "admin", made.row.mapping_id, 3),
            Err(StoreError::Refused(_))
        ));
        conn.batch_execute("update mappings set is_enabled = true")
            .unwrap();
        for mark in ["is_target", "is_source"] {
            conn.batch_execute(&format!("update channel_roles set is_enabled = not {mark}"))
                .unwrap();
            let refused = of_mapping(conn, "admin", made.row.mapping_id, 3);
            assert!(
                matches!(refused, Err(StoreError::Refused(_))),
                "{refused:?}"
            );
        }
        assert_eq!(delivered(conn).0, Vec::<i64>::new());
    }
}
