//! Everything the running router works by, read in one moment, as plain rows. What they mean together is put together in the
//! actors crate.

use super::StoreError;
use crate::{
    ids::{ChannelId, GuildId},
    rules::MappingRules,
    sql::Sql,
    store::{
        channel_roles::ChannelRoleRow,
        connectors::{ConnectorRow, TokenHashes},
        mappings::MappingRow,
        rule_sets, tables,
    },
};
use diesel::{
    dsl::sql,
    pg::PgConnection,
    prelude::*,
    sql_types::{BigInt, Bool, Nullable, SmallInt, Text},
};

/// The rows.
#[derive(Debug, Clone, Default)]
pub struct RoutingRows {
    /// All connectors, each with the hashes of its tokens.
    pub connectors: Vec<(ConnectorRow, TokenHashes)>,
    /// All roles.
    pub roles: Vec<ChannelRoleRow>,
    /// The enabled mappings whose target is an enabled target, of some connector or of the bot, by source and priority.
    pub mappings: Vec<MappingRow>,
    /// The rules that those mappings name, by id.
    pub rule_sets: Vec<(i64, MappingRules)>,
    /// Every channel that is an enabled source of some connector.
    pub sources: Vec<SourceRow>,
    /// Targets of all mappings, of all deliveries with work to do and of all reconciliations under way.
    pub targets: Vec<ChannelId>,
    /// Every channel that a snapshot gave a name.
    pub channel_names: Vec<(ChannelId, String)>,
}

/// A source channel and what is known of it.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct SourceRow {
    /// The channel.
    pub channel_id: ChannelId,
    /// Its guild.
    pub guild_id: GuildId,
    /// Its name, if a snapshot named it.
    pub name: Option<String>,
    /// The guild's name, if a snapshot named it.
    pub guild_name: Option<String>,
    /// Lowest tier that sees it live; `None` hides it.
    pub min_tier: Option<i16>,
}

/// Reads it all in one snapshot of the database. Not inside a transaction of the caller's.
pub fn load(conn: &mut PgConnection) -> Result<RoutingRows, StoreError> {
    conn.build_transaction()
        .repeatable_read()
        .read_only()
        .run(|conn| {
            let mappings = mappings(conn)?;
            let named: Vec<i64> = mappings.iter().filter_map(|row| row.rule_set_id).collect();
            Ok(RoutingRows {
                connectors: tables::connectors::table
                    .select((ConnectorRow::as_select(), TokenHashes::as_select()))
                    .load(conn)?,
                roles: tables::channel_roles::table
                    .select(ChannelRoleRow::as_select())
                    .load(conn)?,
                mappings,
                rule_sets: rule_sets::load(conn, &named)?,
                sources: sources(conn)?,
                targets: targets(conn)?,
                channel_names: tables::channels::table
                    .filter(sql::<Bool>("name <> channel_id::text"))
                    .select((tables::channels::channel_id, tables::channels::name))
                    .load(conn)?,
            })
        })
}

fn mappings(conn: &mut PgConnection) -> Result<Vec<MappingRow>, StoreError> {
    use tables::mappings;
    let rows = mappings::table
        .filter(mappings::is_enabled)
        .filter(sql::<Bool>(
            "target_channel_id in (select channel_id from enabled_targets)",
        ))
        .order((
            mappings::source_channel_id,
            mappings::priority,
            mappings::mapping_id,
        ))
        .select(MappingRow::as_select())
        .load(conn)?;
    Ok(rows)
}

fn sources(conn: &mut PgConnection) -> Result<Vec<SourceRow>, StoreError> {
    let rows = Sql::new(
        "select distinct on (r.channel_id) r.channel_id, coalesce(c.guild_id, r.guild_id), c.name, g.name, c.min_tier \
         from channel_roles r left join channels c using (channel_id) \
         left join guilds g on g.guild_id = coalesce(c.guild_id, r.guild_id) \
         where r.is_source and r.is_enabled order by r.channel_id, r.connector_id",
    )
    .rows::<(BigInt, BigInt, Nullable<Text>, Nullable<Text>, Nullable<SmallInt>)>()
    .load(conn)?;
    Ok(rows)
}

/// Steps from target to target along the index of pending deliveries: a long backlog costs no more than a short one.
fn targets(conn: &mut PgConnection) -> Result<Vec<ChannelId>, StoreError> {
    let targets = Sql::new(
        "with recursive pending (target) as (\
         (select target_channel_id from deliveries where state = 'p' order by target_channel_id limit 1) \
         union all select (select d.target_channel_id from deliveries d \
         where d.state = 'p' and d.target_channel_id > pending.target order by d.target_channel_id limit 1) \
         from pending where pending.target is not null) \
         select target from pending where target is not null \
         union select target_channel_id from mappings \
         union select target_channel_id from reconciliations where finished_at is null order by 1",
    )
    .rows::<BigInt>()
    .load(conn)?;
    Ok(targets)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::test_database::TestDatabase;
    use diesel::connection::SimpleConnection;

    #[test]
    fn targets_are_those_of_mappings_of_deliveries_with_work_and_of_reconciliations() {
        let db = TestDatabase::new();
        let conn = &mut db.connect();
        assert!(load(conn).unwrap().targets.is_empty());
        conn.batch_execute(
            "insert into deliveries (signal_id, target_channel_id, source_channel_id, mapping_id, desired_revision, state) \
             select n, 100 + n % 3, 1, 1, 1, case when n % 3 = 2 then 'd' else 'p' end::\"char\" from generate_series(1, 300) n; \
             insert into mappings (source_channel_id, target_channel_id, is_enabled) values (1, 50, false), (1, 101, true); \
             insert into reconciliations (target_channel_id, asked_by, finished_at) values (60, 'a', null), (70, 'a', now())",
        )
        .unwrap();
        let targets: Vec<i64> = load(conn)
            .unwrap()
            .targets
            .into_iter()
            .map(ChannelId::get)
            .collect();
        assert_eq!(targets, [50, 60, 100, 101]);
    }
}
