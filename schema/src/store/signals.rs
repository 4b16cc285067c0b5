//! Signals, their revisions and the heads of their channels: the one transaction that makes a group of changes durable, and the
//! reads that recall, replay and show them. Only the store writer writes here.

use super::StoreError;
use crate::{
    frame::Cursor,
    ids::{ChannelId, RoleId, SignalId},
    signal::{RevisionKind, SignalState},
    sql::Sql,
};
use diesel::{
    pg::PgConnection,
    prelude::*,
    sql_types::{Array, BigInt, Bool, Bytea, Integer, Nullable, Text, Timestamptz},
};

/// Where a channel stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The source channel.
    pub channel_id: ChannelId,
    /// Its last committed revision.
    pub cursor: Cursor,
    /// The greatest id of which anything is stored; 0 for none. Greater ids are certainly unknown.
    pub newest_known_id: i64,
    /// The greatest id whose create was taken; 0 for none. A create below it comes late.
    pub newest_created_id: i64,
}

/// Moves a channel's head. The row must stand at `seq_before`: anything else means another writer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeadMove {
    /// The source channel.
    pub channel_id: ChannelId,
    /// Where the writer believes it stands.
    pub before: Cursor,
    /// Where it stands afterwards.
    pub seq_after: i64,
    /// See [`Head`].
    pub newest_known_id: i64,
    /// See [`Head`].
    pub newest_created_id: i64,
    /// Where the writer believes the greatest known id to be.
    pub newest_known_before: i64,
}

impl HeadMove {
    /// Something changes by it.
    pub fn moves(&self) -> bool {
        self.seq_after != self.before.seq || self.newest_known_id != self.newest_known_before
    }
}

/// One accepted change.
#[derive(Debug, Clone)]
pub struct NewRevision {
    /// The source channel.
    pub channel_id: ChannelId,
    /// Its place.
    pub place: Cursor,
    /// The signal.
    pub signal_id: SignalId,
    /// Its count of changes.
    pub revision: i32,
    /// What kind of change.
    pub kind: RevisionKind,
    /// What sessions receive, as JSON.
    pub frame: String,
}

/// The state of a signal after its last change in the group; one per signal.
#[derive(Debug, Clone)]
pub struct NewState {
    /// The signal.
    pub signal_id: SignalId,
    /// Its source channel.
    pub channel_id: ChannelId,
    /// Readers may see it.
    pub is_visible: bool,
    /// Its count of changes.
    pub revision: i32,
    /// JSON of [`SignalState`].
    pub state: String,
}

/// A signal that is to stand in a target channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewDelivery {
    /// The signal.
    pub signal_id: SignalId,
    /// Where to.
    pub target_channel_id: ChannelId,
    /// Where from.
    pub source_channel_id: ChannelId,
    /// Why.
    pub mapping_id: i64,
    /// Whom to ping.
    pub ping_role_id: Option<RoleId>,
    /// By which rules; `None`: unchanged.
    pub rule_set_id: Option<i64>,
    /// What to show.
    pub desired_revision: i32,
}

/// A body as a connector sent it.
#[derive(Debug, Clone)]
pub struct RawBatch {
    /// Milliseconds since 1970.
    pub received_at_ms: i64,
    /// Who sent it.
    pub connector_id: String,
    /// `message-batch`, `thread` or `channel-guild-sync`.
    pub kind: &'static str,
    /// For the logs of both sides.
    pub correlation_id: String,
    /// Every byte.
    pub body: bytes::Bytes,
}

/// An item that could not be taken.
#[derive(Debug, Clone)]
pub struct QuarantinedItem {
    /// Who sent it.
    pub connector_id: String,
    /// In what.
    pub kind: &'static str,
    /// Of which request.
    pub correlation_id: String,
    /// Its place there.
    pub item_index: i32,
    /// What was wrong, for people.
    pub reason: String,
    /// Every byte of it.
    pub body: Vec<u8>,
}

/// Everything one transaction makes durable.
#[derive(Debug, Default)]
pub struct Group {
    /// At most one per channel.
    pub heads: Vec<HeadMove>,
    /// In order.
    pub revisions: Vec<NewRevision>,
    /// At most one per signal.
    pub states: Vec<NewState>,
    /// At most one per signal and target.
    pub deliveries: Vec<NewDelivery>,
    /// Signals whose existing deliveries want this revision now; at most one per signal, and none that is in `deliveries`.
    pub raised: Vec<(SignalId, i32)>,
    /// Bodies.
    pub raw: Vec<RawBatch>,
    /// Bad items.
    pub quarantined: Vec<QuarantinedItem>,
}

/// A delivery that has work to do since this transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RaisedDelivery {
    /// The signal.
    pub signal_id: SignalId,
    /// Where to.
    pub target_channel_id: ChannelId,
    /// Order of creates in the target.
    pub ordinal: i64,
    /// What to show.
    pub desired_revision: i32,
    /// Why.
    pub mapping_id: i64,
    /// Whom to ping.
    pub ping_role_id: Option<RoleId>,
    /// By which rules; `None`: unchanged.
    pub rule_set_id: Option<i64>,
}

/// Why a group was not committed.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// Another writer has moved a head. What this process believes is stale.
    #[error("channel heads moved under the writer")]
    Fenced,
    /// The database said no, or nothing.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<diesel::result::Error> for CommitError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Store(error.into())
    }
}

impl Group {
    /// Nothing to make durable.
    pub fn is_empty(&self) -> bool {
        self.states.is_empty()
            && self.raw.is_empty()
            && self.quarantined.is_empty()
            && self.heads.is_empty()
    }

    /// Commits all of it or none. Returns the deliveries that have work to do now.
    ///
    /// One statement, so that a commit costs one round trip and no more: each part is a common table expression, and `fence`
    /// divides by zero, which takes everything back, when a head did not stand where it was believed or a state would have
    /// gone back. The parts see the tables as they were before: what one inserts another does not update.
    ///
    /// # Errors
    /// [`CommitError`]; after any of them the caller must take what it knows of heads and states as unknown.
    pub fn commit(&self, conn: &mut PgConnection) -> Result<Vec<RaisedDelivery>, CommitError> {
        let rows: Vec<DeliveryRow> = Sql::new(COMMIT)
            .bind::<Array<BigInt>, _>(column(&self.heads, |m| m.channel_id.get()))
            .bind::<Array<Integer>, _>(column(&self.heads, |m| m.before.epoch))
            .bind::<Array<BigInt>, _>(column(&self.heads, |m| m.before.seq))
            .bind::<Array<BigInt>, _>(column(&self.heads, |m| m.seq_after))
            .bind::<Array<BigInt>, _>(column(&self.heads, |m| m.newest_known_id))
            .bind::<Array<BigInt>, _>(column(&self.heads, |m| m.newest_created_id))
            .bind::<Array<BigInt>, _>(column(&self.revisions, |r| r.channel_id.get()))
            .bind::<Array<Integer>, _>(column(&self.revisions, |r| r.place.epoch))
            .bind::<Array<BigInt>, _>(column(&self.revisions, |r| r.place.seq))
            .bind::<Array<BigInt>, _>(column(&self.revisions, |r| r.signal_id.get()))
            .bind::<Array<Integer>, _>(column(&self.revisions, |r| r.revision))
            .bind::<Array<Text>, _>(column(&self.revisions, |r| r.kind.letter()))
            .bind::<Array<Text>, _>(column(&self.revisions, |r| r.frame.as_str()))
            .bind::<Array<BigInt>, _>(column(&self.states, |s| s.signal_id.get()))
            .bind::<Array<BigInt>, _>(column(&self.states, |s| s.channel_id.get()))
            .bind::<Array<Bool>, _>(column(&self.states, |s| s.is_visible))
            .bind::<Array<Integer>, _>(column(&self.states, |s| s.revision))
            .bind::<Array<Text>, _>(column(&self.states, |s| s.state.as_str()))
            .bind::<Array<BigInt>, _>(column(&self.deliveries, |d| d.signal_id.get()))
            .bind::<Array<BigInt>, _>(column(&self.deliveries, |d| d.target_channel_id.get()))
            .bind::<Array<BigInt>, _>(column(&self.deliveries, |d| d.source_channel_id.get()))
            .bind::<Array<BigInt>, _>(column(&self.deliveries, |d| d.mapping_id))
            .bind::<Array<Nullable<BigInt>>, _>(column(&self.deliveries, |d| {
                d.ping_role_id.map(RoleId::get)
            }))
            .bind::<Array<Nullable<BigInt>>, _>(column(&self.deliveries, |d| d.rule_set_id))
            .bind::<Array<Integer>, _>(column(&self.deliveries, |d| d.desired_revision))
            .bind::<Array<BigInt>, _>(column(&self.raised, |r| r.0.get()))
            .bind::<Array<Integer>, _>(column(&self.raised, |r| r.1))
            .bind::<Array<Timestamptz>, _>(column(&self.raw, |b| {
                chrono::DateTime::from_timestamp_millis(b.received_at_ms).unwrap_or_default()
            }))
            .bind::<Array<Text>, _>(column(&self.raw, |b| b.connector_id.as_str()))
            .bind::<Array<Text>, _>(column(&self.raw, |b| b.kind))
            .bind::<Array<Text>, _>(column(&self.raw, |b| b.correlation_id.as_str()))
            .bind::<Array<Bytea>, _>(column(&self.raw, |b| b.body.as_ref()))
            .bind::<Array<Text>, _>(column(&self.quarantined, |q| q.connector_id.as_str()))
            .bind::<Array<Text>, _>(column(&self.quarantined, |q| q.kind))
            .bind::<Array<Text>, _>(column(&self.quarantined, |q| q.correlation_id.as_str()))
            .bind::<Array<Integer>, _>(column(&self.quarantined, |q| q.item_index))
            .bind::<Array<Text>, _>(column(&self.quarantined, |q| q.reason.as_str()))
            .bind::<Array<Bytea>, _>(column(&self.quarantined, |q| q.body.as_slice()))
            .rows::<DeliverySql>()
            .load(conn)
            .map_err(fenced)?;
        Ok(raised(rows))
    }
}

/// See [`Group::commit`].
const COMMIT: &str = "\
with moved as ( \
    update channel_heads h set seq = m.seq_after, newest_known_id = m.known, newest_created_id = m.created \
    from unnest($1, $2, $3, $4, $5, $6) as m (channel_id, epoch, seq_before, seq_after, known, created) \
    where h.channel_id = m.channel_id and h.epoch = m.epoch and h.seq = m.seq_before \
    returning 1), \
revised as ( \
    insert into revisions (channel_id, epoch, seq, signal_id, revision, kind, frame) \
    select channel_id, epoch, seq, signal_id, revision, kind::\"char\", frame \
    from unnest($7, $8, $9, $10, $11, $12, $13) as r (channel_id, epoch, seq, signal_id, revision, kind, frame)), \
stored as ( \
    insert into signals (signal_id, channel_id, is_visible, revision, state) \
    select * from unnest($14, $15, $16, $17, $18) \
    on conflict (signal_id) do update set is_visible = excluded.is_visible, revision = excluded.revision, \
        state = excluded.state, updated_at = now() \
        where signals.revision <= excluded.revision \
    returning 1), \
delivered as ( \
    insert into deliveries (signal_id, target_channel_id, source_channel_id, mapping_id, ping_role_id, rule_set_id, \
        desired_revision) \
    select signal_id, target, source, mapping, ping, rules, desired \
    from unnest($19, $20, $21, $22, $23, $24, $25) with ordinality \
        as d (signal_id, target, source, mapping, ping, rules, desired, place) \
    order by place \
    on conflict (signal_id, target_channel_id) do update \
        set desired_revision = greatest(deliveries.desired_revision, excluded.desired_revision), state = 'p', \
            attempts = 0, next_attempt_at = null, \
            wanted_at = case deliveries.state when 'p' then deliveries.wanted_at else now() end \
        where deliveries.state <> 'c' \
    returning signal_id, target_channel_id, ordinal, desired_revision, mapping_id, ping_role_id, rule_set_id), \
raised as ( \
    update deliveries d set desired_revision = r.revision, state = 'p', attempts = 0, next_attempt_at = null, \
        wanted_at = case d.state when 'p' then d.wanted_at else now() end \
    from unnest($26, $27) as r (signal_id, revision) \
    where d.signal_id = r.signal_id and d.desired_revision < r.revision and d.state <> 'c' \
    returning d.signal_id, d.target_channel_id, d.ordinal, d.desired_revision, d.mapping_id, d.ping_role_id, d.rule_set_id), \
kept as ( \
    insert into raw_batches (received_at, connector_id, kind, correlation_id, body) \
    select * from unnest($28, $29, $30, $31, $32)), \
bad as ( \
    insert into quarantine (connector_id, kind, correlation_id, item_index, reason, body) \
    select * from unnest($33, $34, $35, $36, $37, $38)), \
fence as ( \
    select 1::bigint / (case when (select count(*) from moved) = cardinality($1) \
                      and (select count(*) from stored) = cardinality($14) then 1 else 0 end) as holds) \
select fence.holds, d.* from fence left join (select * from delivered union all select * from raised) d on true";

/// The fence speaks by a division by zero; nothing else of ours divides.
fn fenced(error: diesel::result::Error) -> CommitError {
    match &error {
        diesel::result::Error::DatabaseError(_, said) if said.message() == "division by zero" => {
            CommitError::Fenced
        }
        _ => error.into(),
    }
}

/// Every column but the fence's is null in the one row that comes when no delivery has work to do. The fence is asked for, or
/// PostgreSQL would not evaluate it.
type DeliverySql = (
    BigInt,
    Nullable<BigInt>,
    Nullable<BigInt>,
    Nullable<BigInt>,
    Nullable<Integer>,
    Nullable<BigInt>,
    Nullable<BigInt>,
    Nullable<BigInt>,
);
type DeliveryRow = (
    i64,
    Option<i64>,
    Option<i64>,
    Option<i64>,
    Option<i32>,
    Option<i64>,
    Option<i64>,
    Option<i64>,
);

fn raised(rows: Vec<DeliveryRow>) -> Vec<RaisedDelivery> {
    let typed = |(_, signal, target, ordinal, desired, mapping, ping, rule_set_id): DeliveryRow| {
        Some(RaisedDelivery {
            signal_id: SignalId::new(signal?)?,
            target_channel_id: ChannelId::new(target?)?,
            ordinal: ordinal?,
            desired_revision: desired?,
            mapping_id: mapping?,
            ping_role_id: ping.and_then(RoleId::new),
            rule_set_id,
        })
    };
    rows.into_iter().filter_map(typed).collect()
}

fn column<'a, T, C>(rows: &'a [T], take: impl Fn(&'a T) -> C) -> Vec<C> {
    rows.iter().map(take).collect()
}

/// The heads of these channels. A channel that had none begins its first epoch here.
///
/// # Errors
/// When the database does not answer.
pub fn open_heads(
    conn: &mut PgConnection,
    channels: &[ChannelId],
) -> Result<Vec<Head>, StoreError> {
    Sql::new("insert into channel_heads (channel_id) select unnest($1) on conflict do nothing")
        .bind::<Array<BigInt>, _>(column(channels, |c| c.get()))
        .execute(conn)?;
    heads(conn, channels)
}

/// The heads of those of these channels that have one.
///
/// # Errors
/// When the database does not answer.
pub fn heads(conn: &mut PgConnection, channels: &[ChannelId]) -> Result<Vec<Head>, StoreError> {
    let rows: Vec<(i64, i32, i64, i64, i64)> =
        Sql::new("select channel_id, epoch, seq, newest_known_id, newest_created_id from channel_heads where channel_id = any($1)")
            .bind::<Array<BigInt>, _>(column(channels, |c| c.get()))
            .rows::<(BigInt, Integer, BigInt, BigInt, BigInt)>()
            .load(conn)?;
    let typed = |(channel, epoch, seq, newest_known_id, newest_created_id)| {
        let channel_id = ChannelId::new(channel)?;
        Some(Head {
            channel_id,
            cursor: Cursor { epoch, seq },
            newest_known_id,
            newest_created_id,
        })
    };
    Ok(rows.into_iter().filter_map(typed).collect())
}

/// What is known of those of these signals that are known at all.
///
/// # Errors
/// When the database does not answer, or a row does not read.
pub fn recall(
    conn: &mut PgConnection,
    signals: &[SignalId],
) -> Result<Vec<SignalState>, StoreError> {
    let rows: Vec<String> = Sql::new("select state from signals where signal_id = any($1)")
        .bind::<Array<BigInt>, _>(column(signals, |s| s.get()))
        .rows::<Text>()
        .load(conn)?;
    rows.iter().map(|row| parse_state(row)).collect()
}

fn parse_state(row: &str) -> Result<SignalState, StoreError> {
    serde_json::from_str(row)
        .map_err(|error| StoreError::Corrupt(format!("signals.state: {error}")))
}

/// A page of revisions behind a cursor, in order: `(seq, frame)`.
///
/// # Errors
/// When the database does not answer.
pub fn replay(
    conn: &mut PgConnection,
    channel_id: ChannelId,
    after: Cursor,
    limit: i64,
) -> Result<Vec<(i64, String)>, StoreError> {
    Ok(Sql::new(
        "select seq, frame from revisions where channel_id = $1 and epoch = $2 and seq > $3 order by seq limit $4",
    )
    .bind::<BigInt, _>(channel_id.get())
    .bind::<Integer, _>(after.epoch)
    .bind::<BigInt, _>(after.seq)
    .bind::<BigInt, _>(limit)
    .rows::<(BigInt, Text)>()
    .load(conn)?)
}

/// Visible signals of a channel, newest first, and the cursor they belong to: one statement, one moment. `None` for a channel
/// that never had a head.
///
/// # Errors
/// When the database does not answer, or a row does not read.
pub fn history(
    conn: &mut PgConnection,
    channel_id: ChannelId,
    before: Option<SignalId>,
    limit: i64,
) -> Result<Option<(Cursor, Vec<SignalState>)>, StoreError> {
    let rows: Vec<(i32, i64, Option<String>)> = Sql::new(
        "select h.epoch, h.seq, s.state from channel_heads h left join lateral \
           (select state, signal_id from signals where channel_id = $1 and signal_id < $2 and is_visible \
            order by signal_id desc limit $3) s on true \
         where h.channel_id = $1 order by s.signal_id desc",
    )
    .bind::<BigInt, _>(channel_id.get())
    .bind::<BigInt, _>(before.map_or(i64::MAX, SignalId::get))
    .bind::<BigInt, _>(limit)
    .rows::<(Integer, BigInt, Nullable<Text>)>()
    .load(conn)?;
    let Some(&(epoch, seq, _)) = rows.first() else {
        return Ok(None);
    };
    let states = rows
        .iter()
        .filter_map(|row| row.2.as_deref())
        .map(parse_state)
        .collect::<Result<_, _>>()?;
    Ok(Some((Cursor { epoch, seq }, states)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ids::GuildId, test_database::TestDatabase};

    fn channel() -> ChannelId {
        ChannelId::new(8).unwrap()
    }

    fn signal(number: i64) -> SignalId {
        SignalId::new(number).unwrap()
    }

    fn state(number: i64, revision: i32) -> NewState {
        let guild = GuildId::new(9).unwrap();
        let state = SignalState {
            revision,
            ..SignalState::unknown(signal(number), channel(), guild)
        };
        NewState {
            signal_id: signal(number),
            channel_id: channel(),
            is_visible: revision > 0,
            revision,
            state: serde_json::to_string(&state).unwrap(),
        }
    }

    fn moves(before: i64, after: i64) -> HeadMove {
        HeadMove {
            channel_id: channel(),
            before: Cursor {
                epoch: 1,
                seq: before,
            },
            seq_after: after,
            newest_known_id: 1,
            newest_created_id: 1,
            newest_known_before: 0,
        }
    }

    fn revision(number: i64, seq: i64, revision: i32) -> NewRevision {
        NewRevision {
            channel_id: channel(),
            place: Cursor { epoch: 1, seq },
            signal_id: signal(number),
            revision,
            kind: RevisionKind::Create,
            frame: format!("frame {seq}"),
        }
    }

    fn delivery(number: i64, target: i64) -> NewDelivery {
        NewDelivery {
            signal_id: signal(number),
            target_channel_id: ChannelId::new(target).unwrap(),
            source_channel_id: channel(),
            mapping_id: 1,
            ping_role_id: None,
            rule_set_id: None,
            desired_revision: 1,
        }
    }

    #[test]
    fn a_group_is_there_whole_and_says_what_is_to_be_delivered() {
        let db = TestDatabase::new();
        let conn = &mut db.connect();
        open_heads(conn, &[channel()]).unwrap();
        let group = Group {
            heads: vec![moves(0, 2)],
            revisions: vec![revision(1, 1, 1), revision(2, 2, 1)],
            states: vec![state(1, 1), state(2, 1)],
            deliveries: vec![delivery(1, 100), delivery(2, 100)],
            ..Group::default()
        };
        let raised = group.commit(conn).unwrap();
        let signals: Vec<_> = raised.iter().map(|d| d.signal_id).collect();
        assert_eq!(signals, [signal(1), signal(2)]);
        assert!(raised[0].ordinal < raised[1].ordinal);
        assert_eq!(heads(conn, &[channel()]).unwrap()[0].cursor.seq, 2);
        let page = replay(conn, channel(), Cursor { epoch: 1, seq: 0 }, 10).unwrap();
        assert_eq!(page, [(1, "frame 1".to_owned()), (2, "frame 2".to_owned())]);
        assert_eq!(recall(conn, &[signal(1), signal(3)]).unwrap().len(), 1);
        assert_eq!(
            history(conn, channel(), None, 10).unwrap().unwrap().1.len(),
            2
        );

        let edit = Group {
            heads: vec![moves(2, 3)],
            revisions: vec![revision(1, 3, 2)],
            states: vec![state(1, 2)],
            raised: vec![(signal(1), 2)],
            ..Group::default()
        };
        let raised = edit.commit(conn).unwrap();
        assert_eq!(
            (
                raised.len(),
                raised[0].signal_id,
                raised[0].desired_revision
            ),
            (1, signal(1), 2)
        );
    }

    #[test]
    fn a_head_that_somebody_else_moved_takes_everything_back() {
        let db = TestDatabase::new();
        let conn = &mut db.connect();
        open_heads(conn, &[channel()]).unwrap();
        let group = Group {
            heads: vec![moves(5, 6)],
            revisions: vec![revision(1, 6, 1)],
            states: vec![state(1, 1)],
            deliveries: vec![delivery(1, 100)],
            ..Group::default()
        };
        assert!(matches!(group.commit(conn), Err(CommitError::Fenced)));
        assert!(recall(conn, &[signal(1)]).unwrap().is_empty());
        assert!(
            replay(conn, channel(), Cursor { epoch: 1, seq: 0 }, 10)
                .unwrap()
                .is_empty()
        );
    }

    #[test]
    fn a_state_never_goes_back() {
        let db = TestDatabase::new();
        let conn = &mut db.connect();
        let group = |revision| Group {
            states: vec![state(1, revision)],
            ..Group::default()
        };
        group(2).commit(conn).unwrap();
        group(2).commit(conn).unwrap();
        let refused = group(1).commit(conn);
        assert!(matches!(refused, Err(CommitError::Fenced)), "{refused:?}");
        assert_eq!(recall(conn, &[signal(1)]).unwrap()[0].revision, 2);
    }

    #[test]
    fn bodies_are_kept_as_they_came() {
        let db = TestDatabase::new();
        let conn = &mut db.connect();
        let raw = RawBatch {
            received_at_ms: 1_700_000_000_000,
            connector_id: "c".into(),
            kind: "message-batch",
            correlation_id: "x".into(),
            body: bytes::Bytes::from_static(b"\x00\xff not json"),
        };
        let group = Group {
            raw: vec![raw],
            ..Group::default()
        };
        assert!(group.commit(conn).unwrap().is_empty());
        let kept: Vec<Vec<u8>> = Sql::new("select body from raw_batches")
            .rows::<Bytea>()
            .load(conn)
            .unwrap();
        assert_eq!(kept, [b"\x00\xff not json".to_vec()]);
    }
}
