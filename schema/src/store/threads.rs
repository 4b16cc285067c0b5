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
