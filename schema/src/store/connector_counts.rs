//! How much hangs on each connector: what it sees, what it captures and offers, and what is mapped from there.

use super::StoreError;
use crate::sql::Sql;
use diesel::{
    pg::PgConnection,
    prelude::*,
    sql_types::{Array, BigInt, Text},
};
use serde::Serialize;
use std::collections::HashMap;

/// Of one connector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Queryable, Serialize, utoipa::ToSchema)]
pub struct ConnectorCounts {
    /// Guilds that it sees.
    pub guilds: i64,
    /// Channels that it sees there.
    pub channels: i64,
    /// Channels that it captures.
    pub sources: i64,
    /// Channels that it offers as targets.
    pub targets: i64,
    /// Mappings from channels that it captures.
    pub mappings: i64,
}

/// Of these connectors, by id.
pub fn of(
    conn: &mut PgConnection,
    connector_ids: &[String],
) -> Result<HashMap<String, ConnectorCounts>, StoreError> {
    type Columns = (Text, (BigInt, BigInt, BigInt, BigInt, BigInt));
    let counts: Vec<(String, ConnectorCounts)> = Sql::new(
        "select id, coalesce(g.guilds, 0), coalesce(c.channels, 0), coalesce(r.sources, 0), coalesce(r.targets, 0), \
         coalesce(r.mappings, 0)::bigint from unnest($1) as id \
         left join (select observer, count(*) as guilds from guild_sightings \
         where observer = any($1) and gone_at is null group by observer) g on g.observer = id \
         left join (select s.observer, count(*) as channels from channels_seen s join guild_sightings using (observer, guild_id) \
         where s.observer = any($1) and s.gone_at is null group by s.observer) c on c.observer = id \
         left join (select connector_id, count(*) filter (where is_source) as sources, \
         count(*) filter (where is_target) as targets, sum(mapped.count) filter (where is_source) as mappings \
         from channel_roles left join (select source_channel_id, count(*) from mappings group by 1) mapped \
         on mapped.source_channel_id = channel_id \
         where connector_id = any($1) and is_enabled group by connector_id) r on r.connector_id = id",
    )
    .bind::<Array<Text>, _>(connector_ids)
    .rows::<Columns>()
    .load(conn)?;
    Ok(counts.into_iter().collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::test_database::TestDatabase;
    use diesel::connection::SimpleConnection;

    #[test]
    fn what_is_gone_or_off_does_not_count() {
        let db = TestDatabase::new();
        let conn = &mut db.connect();
        conn.batch_execute(
            "insert into connectors (connector_id, tenant_key, name, token_hash) values ('a', 't', 'n', 'a'), ('b', 't', 'n', 'b'); \
             insert into guild_sightings (observer, guild_id, gone_at) values ('a', 1, null), ('a', 2, now()), ('b', 1, null); \
             insert into channel_sightings (observer, channel_id, guild_id, gone_at) values \
             ('a', 10, 1, null), ('a', 11, 1, null), ('a', 12, 1, now()), ('a', 20, 2, null), ('b', 10, 1, null); \
             insert into channel_roles (connector_id, channel_id, guild_id, is_source, is_target, is_enabled, thread_mode) values \
             ('a', 10, 1, true, false, true, 'include'), ('a', 11, 1, true, true, true, 'include'), \
             ('a', 12, 1, true, true, false, 'include'), ('b', 10, 1, false, true, true, 'include'); \
             insert into mappings (source_channel_id, target_channel_id, is_enabled) values \
             (10, 50, true), (10, 51, false), (11, 50, true), (12, 50, true)",
        )
        .unwrap();
        let counts = |guilds, channels, sources, targets, mappings| ConnectorCounts {
            guilds,
            channels,
            sources,
            targets,
            mappings,
        };
        let found = of(conn, &["a".to_owned(), "b".to_owned(), "c".to_owned()]).unwrap();
        assert_eq!(found["a"], counts(1, 2, 2, 1, 3));
        assert_eq!(found["b"], counts(1, 1, 0, 1, 0));
        assert_eq!(found["c"], ConnectorCounts::default());
    }
}
