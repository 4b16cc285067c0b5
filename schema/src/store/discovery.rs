//! What became of a connector's discovery request: read, answered, and with how much. It moves no version: a connector must not
//! take it for a change of its configuration.

use super::StoreError;
use crate::{ids::GuildId, sql::Sql};
use diesel::{
    pg::PgConnection,
    prelude::*,
    sql_types::{BigInt, Bool, Integer, Nullable, Text},
};

/// A request that has not been answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenRequest {
    /// Its number.
    pub version: i64,
    /// The guild whose channels are wanted; `None`: the guilds.
    pub guild_id: Option<GuildId>,
    /// The connector has read it.
    pub is_picked_up: bool,
}

/// The open request of this connector; `None` when there is none.
pub fn open_request(
    conn: &mut PgConnection,
    connector_id: &str,
) -> Result<Option<OpenRequest>, StoreError> {
    let row: Option<(i64, Option<GuildId>, bool)> = Sql::new(
        "select discovery_request_version, discovery_guild_id, discovery_picked_up_at is not null from connectors \
         where connector_id = $1 and discovery_request_version > 0 and discovery_answered_at is null",
    )
    .bind::<Text, _>(connector_id)
    .rows::<(BigInt, Nullable<BigInt>, Bool)>()
    .get_result(conn)
    .optional()?;
    Ok(row.map(|(version, guild_id, is_picked_up)| OpenRequest {
        version,
        guild_id,
        is_picked_up,
    }))
}

/// The connector has read the request with this number. Nothing happens to another one, and a second time nothing.
pub fn picked_up(
    conn: &mut PgConnection,
    connector_id: &str,
    version: i64,
) -> Result<(), StoreError> {
    Sql::new(
        "update connectors set discovery_picked_up_at = now() \
         where connector_id = $1 and discovery_request_version = $2 and discovery_picked_up_at is null",
    )
    .bind::<Text, _>(connector_id)
    .bind::<BigInt, _>(version)
    .execute(conn)?;
    Ok(())
}

/// The answer to the request with this number came, and named so much. Nothing happens to another one, and a second time nothing.
pub fn answered(
    conn: &mut PgConnection,
    connector_id: &str,
    version: i64,
    guilds: usize,
    channels: usize,
) -> Result<(), StoreError> {
    let count = |count| i32::try_from(count).unwrap_or(i32::MAX);
    Sql::new(
        "update connectors set discovery_picked_up_at = coalesce(discovery_picked_up_at, clock_timestamp()), \
         discovery_answered_at = clock_timestamp(), discovery_guilds = $1, discovery_channels = $2 \
         where connector_id = $3 and discovery_request_version = $4 and discovery_answered_at is null",
    )
    .bind::<Integer, _>(count(guilds))
    .bind::<Integer, _>(count(channels))
    .bind::<Text, _>(connector_id)
    .bind::<BigInt, _>(version)
    .execute(conn)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{
        store::connectors::{self, ConnectorRow, NewConnector, request_discovery},
        test_database::TestDatabase,
    };

    fn stands(row: &ConnectorRow) -> (bool, bool, Option<i32>, Option<i32>) {
        (
            row.discovery_picked_up_at.is_some(),
            row.discovery_answered_at.is_some(),
            row.discovery_guilds,
            row.discovery_channels,
        )
    }

    #[test]
    fn a_request_is_read_and_answered_once_and_moves_no_version() {
        let db = TestDatabase::new();
        let conn = &mut db.connect();
        let new = NewConnector {
            connector_id: "c".into(),
            tenant_key: "t".into(),
            name: "n".into(),
            token_hash: [1; 32],
        };
        let made = connectors::create(conn, "test", &new).unwrap();
        let stand = |conn: &mut PgConnection| {
            let row = connectors::find(conn, "c").unwrap();
            assert_eq!(
                (row.config_version, row.version),
                (made.config_version, made.version)
            );
            stands(&row)
        };
        assert_eq!(open_request(conn, "c").unwrap(), None);
        picked_up(conn, "c", 0).unwrap();

        let guild_id = GuildId::new(7);
        assert_eq!(request_discovery(conn, "test", "c", guild_id).unwrap(), 1);
        let open = |is_picked_up, version, guild_id| {
            Some(OpenRequest {
                version,
                guild_id,
                is_picked_up,
            })
        };
        assert_eq!(open_request(conn, "c").unwrap(), open(false, 1, guild_id));
        picked_up(conn, "c", 2).unwrap();
        assert_eq!(stand(conn), (false, false, None, None));
        picked_up(conn, "c", 1).unwrap();
        assert_eq!(open_request(conn, "c").unwrap(), open(true, 1, guild_id));
        answered(conn, "c", 2, 9, 9).unwrap();
        assert_eq!(stand(conn), (true, false, None, None));
        answered(conn, "c", 1, 1, 30).unwrap();
        answered(conn, "c", 1, 9, 9).unwrap();
        assert_eq!(stand(conn), (true, true, Some(1), Some(30)));
        assert_eq!(open_request(conn, "c").unwrap(), None);

        // Asked anew, nothing of the old one is left; an answer also tells that it was read.
        assert_eq!(request_discovery(conn, "test", "c", None).unwrap(), 2);
        assert_eq!(stand(conn), (false, false, None, None));
        answered(conn, "c", 2, 3, 0).unwrap();
        assert_eq!(stand(conn), (true, true, Some(3), Some(0)));
    }
}
