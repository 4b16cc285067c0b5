//! What our own bot sees, as the `directory` read it: its guilds, their channels and their roles. What it does not see any more is
//! marked and kept. Settings of channels as targets are in `target_channels`.

use super::{
    Page, StoreError,
    channels::{Snapshot, SnapshotChannel, SnapshotGuild},
    sightings::{self, BOT, Completeness},
};
use crate::{
    ids::{GuildId, RoleId},
    sql::Sql,
};
use chrono::{
    DateTime, Utc,
    serde::{ts_milliseconds, ts_milliseconds_option},
};
use diesel::{
    pg::PgConnection,
    prelude::*,
    sql_types::{Array, BigInt, Bool, Integer, Nullable, Text, Timestamptz},
};
use serde::Serialize;

/// A role as Discord shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleSeen {
    /// The role.
    pub role_id: RoleId,
    /// Its name.
    pub name: String,
    /// Its place in the hierarchy; higher is mightier.
    pub position: i32,
    /// 24 bits; 0: none.
    pub color: i32,
    /// Belongs to an integration.
    pub is_managed: bool,
    /// Everybody may ping it.
    pub is_mentionable: bool,
}

/// What was new in something that was taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Taken {
    /// A name of a guild or channel is new or different: the routing snapshot is to be read again.
    pub has_new_names: bool,
    /// Anything that is shown is different.
    pub is_different: bool,
}

/// The guilds that the bot is known to be in.
pub fn known(conn: &mut PgConnection) -> Result<Vec<GuildId>, StoreError> {
    let known = Sql::new(
        "select guild_id from guild_sightings where observer = $1 and gone_at is null order by 1",
    )
    .bind::<Text, _>(BOT)
    .rows::<BigInt>()
    .load(conn)?;
    Ok(known)
}

/// Takes in the list of guilds that the bot is in. `gone`: those it is in no more, whose channels and roles go with them.
pub fn take_list(
    conn: &mut PgConnection,
    guilds: &[SnapshotGuild],
    gone: &[GuildId],
) -> Result<Taken, StoreError> {
    conn.transaction(|conn| {
        let snapshot = Snapshot {
            guilds: guilds.to_vec(),
            channels: Vec::new(),
        };
        let observed = sightings::observe(conn, BOT, &snapshot, Completeness::Some)?;
        for &guild_id in gone {
            let nothing = Snapshot::default();
            sightings::observe(conn, BOT, &nothing, Completeness::Guild(guild_id))?;
        }
        Sql::new(
            "update guild_sightings set gone_at = now() where observer = $1 and guild_id = any($2) and gone_at is null",
        )
        .bind::<Text, _>(BOT)
        .bind::<Array<BigInt>, _>(gone)
        .execute(conn)?;
        Sql::new("update guild_roles set gone_at = now() where guild_id = any($1) and gone_at is null")
            .bind::<Array<BigInt>, _>(gone)
            .execute(conn)?;
        Ok(Taken {
            has_new_names: observed.has_new_names,
            is_different: observed.has_new_names || observed.has_moved || !gone.is_empty(),
        })
    })
}

/// Takes in what stands in a guild: all its channels, and all its roles but `@everyone`.
pub fn take_guild(
    conn: &mut PgConnection,
    guild_id: GuildId,
    channels: &[SnapshotChannel],
    roles: &[RoleSeen],
) -> Result<Taken, StoreError> {
    conn.transaction(|conn| {
        let before = fingerprint(conn, guild_id)?;
        let snapshot = Snapshot {
            guilds: Vec::new(),
            channels: channels.to_vec(),
        };
        let observed = sightings::observe(conn, BOT, &snapshot, Completeness::Guild(guild_id))?;
        take_roles(conn, guild_id, roles)?;
        Ok(Taken {
            has_new_names: observed.has_new_names,
            is_different: before != fingerprint(conn, guild_id)?,
        })
    })
}

/// A digest of all that is shown of a guild.
fn fingerprint(conn: &mut PgConnection, guild_id: GuildId) -> Result<String, StoreError> {
    let digest = Sql::new(
        "select md5(coalesce((select string_agg(concat_ws(',', c.channel_id, c.name, c.kind, coalesce(c.parent_id, 0), c.position, \
            s.gone_at is null), ';' order by c.channel_id) from channel_sightings s join channels c using (channel_id) \
            where s.guild_id = $1 and s.observer = '@bot'), '')) \
         || md5(coalesce((select string_agg(concat_ws(',', role_id, name, position, color, is_managed, is_mentionable, \
            gone_at is null), ';' order by role_id) from guild_roles where guild_id = $1), ''))",
    )
    .bind::<BigInt, _>(guild_id)
    .rows::<Text>()
    .get_result(conn)?;
    Ok(digest)
}

fn take_roles(
    conn: &mut PgConnection,
    guild_id: GuildId,
    roles: &[RoleSeen],
) -> Result<(), StoreError> {
    fn all<T>(roles: &[RoleSeen], of: impl Fn(&RoleSeen) -> T) -> Vec<T> {
        roles.iter().map(of).collect()
    }
    Sql::new(
        "insert into guild_roles (guild_id, role_id, name, position, color, is_managed, is_mentionable) \
         select $1, said.* from (select distinct on (role_id) * from unnest($2, $3, $4, $5, $6, $7) \
         as said (role_id, name, position, color, is_managed, is_mentionable) order by role_id) said \
         on conflict (role_id) do update set guild_id = excluded.guild_id, name = excluded.name, position = excluded.position, \
         color = excluded.color, is_managed = excluded.is_managed, is_mentionable = excluded.is_mentionable, seen_at = now(), \
         gone_at = null",
    )
    .bind::<BigInt, _>(guild_id)
    .bind::<Array<BigInt>, _>(all(roles, |role| role.role_id))
    .bind::<Array<Text>, _>(all(roles, |role| role.name.clone()))
    .bind::<Array<Integer>, _>(all(roles, |role| role.position))
    .bind::<Array<Integer>, _>(all(roles, |role| role.color))
    .bind::<Array<Bool>, _>(all(roles, |role| role.is_managed))
    .bind::<Array<Bool>, _>(all(roles, |role| role.is_mentionable))
    .execute(conn)?;
    Sql::new(
        "update guild_roles set gone_at = now() where guild_id = $1 and gone_at is null and role_id <> all($2)",
    )
    .bind::<BigInt, _>(guild_id)
    .bind::<Array<BigInt>, _>(all(roles, |role| role.role_id))
    .execute(conn)?;
    Ok(())
}

/// A guild that the bot is or was in.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Serialize, utoipa::ToSchema)]
pub struct BotGuildRow {
    /// The guild.
    pub guild_id: GuildId,
    /// Its name.
    pub name: String,
    /// Channels that the bot sees there.
    pub channels: i64,
    /// Of these, those that are enabled targets.
    pub targets: i64,
    /// Roles, without `@everyone`.
    pub roles: i64,
    /// When it was last in the bot's list.
    #[serde(rename = "seen_at_ms", with = "ts_milliseconds")]
    #[schema(value_type = i64)]
    pub seen_at: DateTime<Utc>,
    /// Since when the bot is in it no more.
    #[serde(rename = "gone_at_ms", with = "ts_milliseconds_option")]
    #[schema(value_type = Option<i64>)]
    pub gone_at: Option<DateTime<Utc>>,
}

type GuildColumns = (
    BigInt,
    Text,
    BigInt,
    BigInt,
    BigInt,
    Timestamptz,
    Nullable<Timestamptz>,
);

/// The guilds of the bot, by id.
pub fn list(conn: &mut PgConnection, page: Page<GuildId>) -> Result<Vec<BotGuildRow>, StoreError> {
    let rows = Sql::new(
        "select s.guild_id, coalesce(g.name, s.guild_id::text), coalesce(c.channels, 0), coalesce(c.targets, 0), \
            coalesce(r.roles, 0), s.seen_at, s.gone_at from guild_sightings s left join guilds g using (guild_id) \
         left join (select c.guild_id, count(*) as channels, count(t.channel_id) as targets from channel_sightings c \
            left join enabled_targets t using (channel_id) where c.observer = '@bot' and c.gone_at is null \
            group by c.guild_id) c using (guild_id) \
         left join (select guild_id, count(*) as roles from guild_roles where gone_at is null group by guild_id) r \
            using (guild_id) \
         where s.observer = '@bot' and s.guild_id > $1 order by s.guild_id limit $2",
    )
    .bind::<BigInt, _>(page.after.map_or(0, GuildId::get))
    .bind::<BigInt, _>(page.limit)
    .rows::<GuildColumns>()
    .load(conn)?;
    Ok(rows)
}

/// A guild of the bot; [`StoreError::NotFound`] when it was never in it.
pub fn find(conn: &mut PgConnection, guild_id: GuildId) -> Result<BotGuildRow, StoreError> {
    let page = Page {
        after: GuildId::new(guild_id.get() - 1),
        limit: 1,
    };
    let found = list(conn, page)?.pop();
    found
        .filter(|guild| guild.guild_id == guild_id)
        .ok_or(StoreError::NotFound("such guild of the bot"))
}

/// A role of a guild.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Serialize, utoipa::ToSchema)]
pub struct RoleRow {
    /// The role.
    pub role_id: RoleId,
    /// Its name.
    pub name: String,
    /// Its place in the hierarchy; higher is mightier.
    pub position: i32,
    /// 24 bits; 0: none.
    pub color: i32,
    /// Belongs to an integration.
    pub is_managed: bool,
    /// Everybody may ping it.
    pub is_mentionable: bool,
}

type RoleColumns = (BigInt, Text, Integer, Integer, Bool, Bool);

/// The roles of a guild that are there now, the highest first; after a role, those below it.
pub fn roles(
    conn: &mut PgConnection,
    guild_id: GuildId,
    page: Page<RoleId>,
) -> Result<Vec<RoleRow>, StoreError> {
    // At one place the older role is the higher one, as at Discord.
    let rows = Sql::new(
        "select r.role_id, r.name, r.position, r.color, r.is_managed, r.is_mentionable from guild_roles r \
         where r.guild_id = $1 and r.gone_at is null and ($2 is null or exists (select from guild_roles a where a.role_id = $2 \
            and (r.position < a.position or r.position = a.position and r.role_id > a.role_id))) \
         order by r.position desc, r.role_id limit $3",
    )
    .bind::<BigInt, _>(guild_id)
    .bind::<Nullable<BigInt>, _>(page.after)
    .bind::<BigInt, _>(page.limit)
    .rows::<RoleColumns>()
    .load(conn)?;
    Ok(rows)
}

/// A role, in which guild ever: the guild, the name of it and of the role.
pub fn role_anywhere(
    conn: &mut PgConnection,
    role_id: RoleId,
) -> Result<Option<(GuildId, String, String)>, StoreError> {
    let row = Sql::new(
        "select r.guild_id, coalesce(g.name, r.guild_id::text), r.name from guild_roles r left join guilds g using (guild_id) \
         where r.role_id = $1",
    )
    .bind::<BigInt, _>(role_id)
    .rows::<(BigInt, Text, Text)>()
    .get_result(conn)
    .optional()?;
    Ok(row)
}

#[cfg(test)]
mod tests;
