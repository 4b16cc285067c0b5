//! Threads of target channels that mirror threads of source channels. Written by the delivery ledger, read by mirrors; how they are
//! wanted is written along with what is told of their source threads.

use super::StoreError;
use crate::{
    delivery::{KnownThread, MirroredThread},
    ids::{ChannelId, MessageId, ThreadId},
    sql::Sql,
};
use diesel::{
    pg::PgConnection,
    prelude::*,
    sql_types::{Array, BigInt, Bool, Nullable, Text},
};
use std::collections::HashMap;

/// Threads of one target channel that are archived or opened again in one go.
const CHANGES_MAX: i64 = 100;

/// The names of those of these threads that are known.
///
/// # Errors
/// When the database does not answer.
pub fn names(
    conn: &mut PgConnection,
    threads: &[ThreadId],
) -> Result<HashMap<ThreadId, String>, StoreError> {
    let rows: Vec<(ThreadId, String)> =
        Sql::new("select thread_id, name from threads where thread_id = any($1)")
            .bind::<Array<BigInt>, _>(threads)
            .rows::<(BigInt, Text)>()
            .load(conn)?;
    Ok(rows.into_iter().collect())
}

/// What is known of a source thread for this target channel.
///
/// # Errors
/// When the database does not answer.
pub fn known(
    conn: &mut PgConnection,
    target: ChannelId,
    thread_id: ThreadId,
) -> Result<KnownThread, StoreError> {
    let (mirrored_thread_id, name, starter): (
        Option<ThreadId>,
        Option<String>,
        Option<MessageId>,
    ) = Sql::new(
        "select (select mirrored_thread_id from mirrored_threads where target_channel_id = $1 and thread_id = $2), \
         (select name from threads where thread_id = $2), \
         (select message_id from mirrored_parts where signal_id = $2 and target_channel_id = $1 and part = 0 \
          and mirrored_thread_id is null and length(digest) > 0)",
    )
    .bind::<BigInt, _>(target)
    .bind::<BigInt, _>(thread_id)
    .rows::<(Nullable<BigInt>, Nullable<Text>, Nullable<BigInt>)>()
    .get_result(conn)?;
    Ok(KnownThread {
        mirrored_thread_id,
        name,
        starter,
    })
}

/// The threads of this target channel whose source threads were archived or opened again since, as they are to be.
///
/// # Errors
/// When the database does not answer.
pub(super) fn to_change(
    conn: &mut PgConnection,
    target: ChannelId,
) -> Result<Vec<MirroredThread>, StoreError> {
    let rows: Vec<(ThreadId, ThreadId, bool)> = Sql::new(
        "select m.thread_id, m.mirrored_thread_id, m.wants_archived from mirrored_threads m \
         where m.target_channel_id = $1 and m.is_archived <> m.wants_archived and not exists \
         (select from threads t where t.thread_id = m.thread_id and t.deleted_at is not null) limit $2",
    )
    .bind::<BigInt, _>(target)
    .bind::<BigInt, _>(CHANGES_MAX)
    .rows::<(BigInt, BigInt, Bool)>()
    .load(conn)?;
    let typed = |(thread_id, mirrored_thread_id, is_archived)| MirroredThread {
        thread_id,
        mirrored_thread_id,
        is_archived,
    };
    Ok(rows.into_iter().map(typed).collect())
}

/// Wants the threads that mirror this source thread as that is now, in the transaction that changed it; a deleted one asks for
/// nothing more. The target channels in which that makes a difference.
///
/// # Errors
/// When the database does not answer.
pub fn want_as_source(
    conn: &mut PgConnection,
    thread_id: ThreadId,
) -> Result<Vec<ChannelId>, StoreError> {
    Ok(Sql::new(
        "update mirrored_threads m set wants_archived = t.archived from threads t \
         where m.thread_id = $1 and t.thread_id = $1 and t.deleted_at is null and m.wants_archived <> t.archived \
         returning m.target_channel_id",
    )
    .bind::<BigInt, _>(thread_id)
    .rows::<BigInt>()
    .load(conn)?)
}

/// Those of these threads of the target channel that mirror something already.
///
/// # Errors
/// When the database does not answer.
pub fn recorded(
    conn: &mut PgConnection,
    target: ChannelId,
    threads: &[ThreadId],
) -> Result<Vec<ThreadId>, StoreError> {
    Ok(Sql::new(
        "select mirrored_thread_id from mirrored_threads where target_channel_id = $1 and mirrored_thread_id = any($2)",
    )
    .bind::<BigInt, _>(target)
    .bind::<Array<BigInt>, _>(threads)
    .rows::<BigInt>()
    .load(conn)?)
}

/// Writes down how threads stand; a new one is wanted as its source thread is. Doing it again changes nothing. To be run in a
/// transaction.
///
/// # Errors
/// When the database does not answer.
pub fn record(
    conn: &mut PgConnection,
    threads: &[(ChannelId, MirroredThread)],
) -> Result<(), StoreError> {
    for (target, thread) in threads {
        // The lock: what is told of the source thread at this moment comes either before this or finds the new row.
        Sql::new(
            "insert into mirrored_threads (target_channel_id, thread_id, mirrored_thread_id, is_archived, wants_archived) \
             values ($1, $2, $3, $4, coalesce((select archived from threads where thread_id = $2 for share), false)) on conflict (target_channel_id, thread_id) do update \
             set mirrored_thread_id = excluded.mirrored_thread_id, is_archived = excluded.is_archived",
        )
        .bind::<BigInt, _>(target)
        .bind::<BigInt, _>(thread.thread_id)
        .bind::<BigInt, _>(thread.mirrored_thread_id)
        .bind::<Bool, _>(thread.is_archived)
        .execute(conn)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::test_database::TestDatabase;
    use diesel::connection::SimpleConnection;

    #[test]
    fn a_thread_is_known_by_its_name_its_mirror_and_the_message_it_hangs_on() {
        let db = TestDatabase::new();
        let conn = &mut db.connect();
        let (target, thread) = (ChannelId::new(9).unwrap(), ThreadId::new(5).unwrap());
        assert_eq!(known(conn, target, thread).unwrap(), KnownThread::default());
        conn.batch_execute(
            "insert into threads (thread_id, parent_channel_id, guild_id, name, archived) values (5, 1, 2, 'ideas', true); \
             insert into deliveries (signal_id, target_channel_id, source_channel_id, mapping_id, desired_revision) \
                values (5, 9, 1, 1, 1); \
             insert into mirrored_parts (signal_id, target_channel_id, part, message_id, digest) values (5, 9, 0, 77, 'x')",
        )
        .unwrap();
        let mirrored = MirroredThread {
            thread_id: thread,
            mirrored_thread_id: ThreadId::new(77).unwrap(),
            is_archived: false,
        };
        assert_eq!(to_change(conn, target).unwrap(), []);
        for _ in 0..2 {
            record(conn, &[(target, mirrored)]).unwrap();
        }
        let expected = KnownThread {
            mirrored_thread_id: Some(mirrored.mirrored_thread_id),
            name: Some("ideas".to_owned()),
            starter: MessageId::new(77),
        };
        assert_eq!(known(conn, target, thread).unwrap(), expected);
        assert_eq!(
            recorded(conn, target, &[thread, mirrored.mirrored_thread_id]).unwrap(),
            [mirrored.mirrored_thread_id]
        );
        let archived = MirroredThread {
            is_archived: true,
            ..mirrored
        };
        assert_eq!(to_change(conn, target).unwrap(), [archived]);
        record(conn, &[(target, archived)]).unwrap();
        assert_eq!(to_change(conn, target).unwrap(), []);
        let set = |conn: &mut PgConnection, how: &str| {
            conn.batch_execute(&format!("update threads set {how}"))
                .unwrap();
            want_as_source(conn, thread).unwrap()
        };
        assert_eq!(set(conn, "name = 'views'"), []);
        assert_eq!(set(conn, "archived = false"), [target]);
        assert_eq!(to_change(conn, target).unwrap(), [mirrored]);
        assert_eq!(set(conn, "archived = false"), []);
        assert_eq!(set(conn, "archived = true, deleted_at = now()"), []);
        assert_eq!(to_change(conn, target).unwrap(), []);
    }
}
