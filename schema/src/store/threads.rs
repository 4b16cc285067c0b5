//! Threads of source channels, as connectors tell them: one row a thread, joined from events that say only a part each.

use super::StoreError;
use crate::{
    ids::{ChannelId, GuildId, SignalId, ThreadId, UserId},
    sql::Sql,
};
use chrono::{DateTime, Utc};
use diesel::{
    pg::PgConnection,
    prelude::*,
    sql_types::{Array, BigInt, Bool, Integer, Nullable, Text, Timestamptz},
};

/// What happened to a thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ThreadEventKind {
    /// It appeared.
    Create,
    /// It reads differently.
    Update,
    /// It is gone, for good.
    Delete,
    /// Somebody joined or left. What such an event says of `archived` and `locked` is not true and is not taken.
    MembersUpdate,
}

/// One event. `None` means not said, and erases nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThreadEvent {
    /// What happened.
    pub kind: ThreadEventKind,
    /// The thread.
    pub thread_id: ThreadId,
    /// The source channel it stands in.
    pub parent_channel_id: ChannelId,
    /// The guild.
    pub guild_id: GuildId,
    /// Its name; empty means not said.
    pub name: String,
    /// Put away.
    pub archived: Option<bool>,
    /// Closed to ordinary members.
    pub locked: Option<bool>,
    /// Minutes of silence after which it is archived.
    pub auto_archive_duration: Option<i32>,
    /// When `archived` last changed.
    pub archive_timestamp: Option<DateTime<Utc>>,
    /// Messages in it, as Discord counts.
    pub message_count: Option<i32>,
    /// Members, as Discord counts.
    pub member_count: Option<i32>,
    /// Slow mode, in seconds.
    pub rate_limit_per_user: Option<i32>,
    /// Who opened it.
    pub owner_id: Option<UserId>,
    /// The owner's unique name.
    pub owner_username: Option<String>,
    /// The name the owner shows.
    pub owner_global_name: Option<String>,
    /// The newest message in it; an older one than is known changes nothing.
    pub last_message_id: Option<SignalId>,
    /// When that was; an earlier time than is known changes nothing.
    pub last_message_at: Option<DateTime<Utc>>,
    /// When it was opened.
    pub created_timestamp: Option<DateTime<Utc>>,
    /// Who joined.
    pub members_added: Vec<UserId>,
    /// Who left.
    pub members_removed: Vec<UserId>,
}

/// Takes an event in. A deleted thread stays deleted whatever comes later; a later count replaces an earlier one.
pub fn take_event(conn: &mut PgConnection, event: &ThreadEvent) -> Result<(), StoreError> {
    conn.transaction(|conn| {
        write_thread(conn, event)?;
        if event.kind == ThreadEventKind::Delete {
            Sql::new("delete from thread_members where thread_id = $1")
                .bind::<BigInt, _>(event.thread_id)
                .execute(conn)?;
            return Ok(());
        }
        write_members(conn, event)
    })
}

fn write_thread(conn: &mut PgConnection, event: &ThreadEvent) -> Result<(), StoreError> {
    let tells_of_archive = event.kind != ThreadEventKind::MembersUpdate;
    Sql::new(
        "insert into threads as known (thread_id, parent_channel_id, guild_id, name, archived, locked, \
         auto_archive_duration, archive_timestamp, message_count, member_count, rate_limit_per_user, owner_id, \
         owner_username, owner_global_name, last_message_id, last_message_at, created_timestamp, deleted_at) \
         values ($1, $2, $3, coalesce(nullif($4, ''), $1::text), coalesce($5, false), coalesce($6, false), \
         $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, case when $18 then now() end) \
         on conflict (thread_id) do update set updated_at = now(), \
         parent_channel_id = $2, guild_id = $3, name = coalesce(nullif($4, ''), known.name), \
         archived = coalesce($5, known.archived), locked = coalesce($6, known.locked), \
         auto_archive_duration = coalesce($7, known.auto_archive_duration), \
         archive_timestamp = coalesce($8, known.archive_timestamp), \
         message_count = coalesce($9, known.message_count), member_count = coalesce($10, known.member_count), \
         rate_limit_per_user = coalesce($11, known.rate_limit_per_user), owner_id = coalesce($12, known.owner_id), \
         owner_username = coalesce($13, known.owner_username), \
         owner_global_name = coalesce($14, known.owner_global_name), \
         last_message_id = greatest($15, known.last_message_id), last_message_at = greatest($16, known.last_message_at), \
         created_timestamp = coalesce($17, known.created_timestamp), \
         deleted_at = coalesce(known.deleted_at, excluded.deleted_at)",
    )
    .bind::<BigInt, _>(event.thread_id)
    .bind::<BigInt, _>(event.parent_channel_id)
    .bind::<BigInt, _>(event.guild_id)
    .bind::<Text, _>(&event.name)
    .bind::<Nullable<Bool>, _>(event.archived.filter(|_| tells_of_archive))
    .bind::<Nullable<Bool>, _>(event.locked.filter(|_| tells_of_archive))
    .bind::<Nullable<Integer>, _>(event.auto_archive_duration)
    .bind::<Nullable<Timestamptz>, _>(event.archive_timestamp)
    .bind::<Nullable<Integer>, _>(event.message_count)
    .bind::<Nullable<Integer>, _>(event.member_count)
    .bind::<Nullable<Integer>, _>(event.rate_limit_per_user)
    .bind::<Nullable<BigInt>, _>(event.owner_id)
    .bind::<Nullable<Text>, _>(event.owner_username.as_deref())
    .bind::<Nullable<Text>, _>(event.owner_global_name.as_deref())
    .bind::<Nullable<BigInt>, _>(event.last_message_id)
    .bind::<Nullable<Timestamptz>, _>(event.last_message_at)
    .bind::<Nullable<Timestamptz>, _>(event.created_timestamp)
    .bind::<Bool, _>(event.kind == ThreadEventKind::Delete)
    .execute(conn)?;
    Ok(())
}

fn write_members(conn: &mut PgConnection, event: &ThreadEvent) -> Result<(), StoreError> {
    if !event.members_removed.is_empty() {
        Sql::new("delete from thread_members where thread_id = $1 and user_id = any($2)")
            .bind::<BigInt, _>(event.thread_id)
            .bind::<Array<BigInt>, _>(&event.members_removed)
            .execute(conn)?;
    }
    if !event.members_added.is_empty() {
        Sql::new(
            "insert into thread_members (thread_id, user_id) select $1, user_id from unnest($2) as user_id \
             where exists (select from threads where thread_id = $1 and deleted_at is null) on conflict do nothing",
        )
        .bind::<BigInt, _>(event.thread_id)
        .bind::<Array<BigInt>, _>(&event.members_added)
        .execute(conn)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::test_database::TestDatabase;
    use proptest::prelude::*;

    fn event(kind: ThreadEventKind) -> ThreadEvent {
        ThreadEvent {
            kind,
            thread_id: ThreadId::new(5).unwrap(),
            parent_channel_id: ChannelId::new(1).unwrap(),
            guild_id: GuildId::new(7).unwrap(),
            name: "earnings".to_owned(),
            archived: None,
            locked: None,
            auto_archive_duration: None,
            archive_timestamp: None,
            message_count: None,
            member_count: None,
            rate_limit_per_user: None,
            owner_id: None,
            owner_username: None,
            owner_global_name: None,
            last_message_id: None,
            last_message_at: None,
            created_timestamp: None,
            members_added: Vec::new(),
            members_removed: Vec::new(),
        }
    }

    /// One line of what is known: name, archived, locked, message count, owner, last message, deleted.
    fn known(conn: &mut PgConnection) -> String {
        Sql::new(
            "select concat_ws(' ', name, archived, locked, coalesce(message_count::text, '-'), coalesce(owner_username, '-'), \
             coalesce(last_message_id::text, '-'), deleted_at is not null) from threads where thread_id = 5",
        )
        .rows::<Text>()
        .get_result(conn)
        .unwrap()
    }

    fn members(conn: &mut PgConnection) -> Vec<i64> {
        Sql::new("select user_id from thread_members where thread_id = 5 order by 1")
            .rows::<BigInt>()
            .load(conn)
            .unwrap()
    }

    fn users(ids: &[i64]) -> Vec<UserId> {
        ids.iter().map(|id| UserId::new(*id).unwrap()).collect()
    }

    #[test]
    fn each_event_adds_what_it_says_and_erases_nothing() {
        use ThreadEventKind::{Create, Delete, MembersUpdate, Update};
        let db = TestDatabase::new();
        let conn = &mut db.connect();
        let message = |id| SignalId::new(id);
        let steps = [
            (
                ThreadEvent {
                    owner_username: Some("ada".into()),
                    ..event(Create)
                },
                "earnings f f - ada - f",
            ),
            (
                ThreadEvent {
                    archived: Some(true),
                    locked: Some(true),
                    message_count: Some(9),
                    ..event(Update)
                },
                "earnings t t 9 ada - f",
            ),
            // What it says of archived and locked is never true.
            (
                ThreadEvent {
                    archived: Some(false),
                    locked: Some(false),
                    message_count: Some(8),
                    ..event(MembersUpdate)
                },
                "earnings t t 8 ada - f",
            ),
            (
                ThreadEvent {
                    name: String::new(),
                    last_message_id: message(90),
                    ..event(Update)
                },
                "earnings t t 8 ada 90 f",
            ),
            (
                ThreadEvent {
                    name: "q3".into(),
                    last_message_id: message(80),
                    ..event(Update)
                },
                "q3 t t 8 ada 90 f",
            ),
            (
                ThreadEvent {
                    name: String::new(),
                    archived: Some(false),
                    ..event(Update)
                },
                "q3 f t 8 ada 90 f",
            ),
            (
                ThreadEvent {
                    name: String::new(),
                    ..event(Delete)
                },
                "q3 f t 8 ada 90 t",
            ),
            (
                ThreadEvent {
                    name: "again".into(),
                    ..event(Create)
                },
                "again f t 8 ada 90 t",
            ),
        ];
        for (event, want) in steps {
            take_event(conn, &event).unwrap();
            assert_eq!(known(conn), want, "{event:?}");
        }
    }

    #[test]
    fn members_come_and_go_and_end_with_the_thread() {
        use ThreadEventKind::{Create, Delete, MembersUpdate};
        let db = TestDatabase::new();
        let conn = &mut db.connect();
        let joined = |added: &[i64], removed: &[i64]| ThreadEvent {
            members_added: users(added),
            members_removed: users(removed),
            ..event(MembersUpdate)
        };
        take_event(
            conn,
            &ThreadEvent {
                members_added: users(&[1]),
                ..event(Create)
            },
        )
        .unwrap();
        take_event(conn, &joined(&[2, 3, 2], &[])).unwrap();
        take_event(conn, &joined(&[4], &[1, 9])).unwrap();
        assert_eq!(members(conn), [2, 3, 4]);
        take_event(conn, &event(Delete)).unwrap();
        take_event(conn, &joined(&[5], &[])).unwrap();
        assert_eq!(members(conn), Vec::<i64>::new());
    }

    #[test]
    fn a_delete_of_an_unknown_thread_is_remembered() {
        let db = TestDatabase::new();
        let conn = &mut db.connect();
        take_event(
            conn,
            &ThreadEvent {
                name: String::new(),
                ..event(ThreadEventKind::Delete)
            },
        )
        .unwrap();
        take_event(conn, &event(ThreadEventKind::Create)).unwrap();
        assert_eq!(known(conn), "earnings f f - - - t");
    }

    #[test]
    fn an_event_that_comes_again_changes_nothing() {
        let db = TestDatabase::new();
        let conn = std::cell::RefCell::new(db.connect());
        let kinds = prop_oneof![
            Just(ThreadEventKind::Create),
            Just(ThreadEventKind::Update),
            Just(ThreadEventKind::MembersUpdate)
        ];
        let said = (
            kinds,
            any::<Option<bool>>(),
            any::<Option<i32>>(),
            proptest::option::of(1_i64..99),
            "[a-c]{0,2}",
        );
        let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
            cases: 40,
            failure_persistence: None,
            ..ProptestConfig::default()
        });
        let outcome = runner.run(&said, |(kind, archived, count, last, name)| {
            let event = ThreadEvent {
                archived,
                message_count: count,
                last_message_id: last.and_then(SignalId::new),
                name,
                ..event(kind)
            };
            let conn = &mut *conn.borrow_mut();
            take_event(conn, &event).unwrap();
            let once = known(conn);
            take_event(conn, &event).unwrap();
            prop_assert_eq!(known(conn), once);
            Ok(())
        });
        outcome.unwrap();
    }
}
