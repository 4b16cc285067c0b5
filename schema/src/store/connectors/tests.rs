//! Tokens that overlap, and connectors that may go.
#![allow(clippy::unwrap_used)]
use super::*;
use crate::test_database::TestDatabase;
use diesel::connection::SimpleConnection;

fn make(conn: &mut PgConnection, connector_id: &str, token: u8) -> ConnectorRow {
    let new = NewConnector {
        connector_id: connector_id.to_owned(),
        tenant_key: "tenant".to_owned(),
        name: connector_id.to_owned(),
        token_hash: [token; 32],
    };
    create(conn, "test", &new).unwrap()
}

/// The first bytes of both hashes, and the seconds that the older one has, counted from the change.
fn tokens(conn: &mut PgConnection, connector_id: &str) -> (u8, Option<u8>, Option<i64>) {
    let hashes: TokenHashes = connectors::table
        .find(connector_id)
        .select(TokenHashes::as_select())
        .first(conn)
        .unwrap();
    let left_s = Sql::new(
        "select ceil(extract(epoch from previous_token_until - now()))::bigint from connectors where connector_id = $1",
    )
    .bind::<Text, _>(connector_id)
    .rows::<diesel::sql_types::Nullable<BigInt>>()
    .get_result(conn)
    .unwrap();
    (
        hashes.current[0],
        hashes.previous.map(|hash| hash[0]),
        left_s,
    )
}

#[test]
fn the_old_token_works_as_long_as_was_said_and_only_one_does() {
    let db = TestDatabase::new();
    let conn = &mut db.connect();
    let mut version = make(conn, "c", 1).version;
    assert_eq!(tokens(conn, "c"), (1, None, None));
    // new token, overlap, tokens afterwards
    for (token, overlap_s, expected) in [
        (2, 3_600, (2, Some(1), Some(3_600))),
        (3, 604_800, (3, Some(2), Some(604_800))),
        (4, 0, (4, None, None)),
    ] {
        let row = conn
            .transaction(|conn| {
                let row = rotate(conn, "test", "c", version, [token; 32], overlap_s)?;
                // Inside, the clock of the database stands still.
                assert_eq!(tokens(conn, "c"), expected, "{token}");
                Ok::<_, StoreError>(row)
            })
            .unwrap();
        assert_eq!(row.previous_token_until.is_some(), overlap_s > 0);
        assert_eq!((row.version, row.config_version), (version + 1, 1));
        version = row.version;
    }
    assert!(matches!(
        rotate(conn, "test", "c", version - 1, [9; 32], 0),
        Err(StoreError::Conflict)
    ));
}

#[test]
fn a_connector_goes_unless_an_enabled_mapping_needs_it() {
    /// Whose, of which channel; source, target, enabled.
    type Roles = (&'static str, i64, bool, bool, bool);
    /// Its roles, those of others, whether the mapping 1 → 2 is enabled, whether the bot offers 2, words of the refusal.
    type Case<'a> = (&'a [Roles], &'a [Roles], bool, bool, Option<&'static str>);
    let own: &[Roles] = &[("c", 1, true, false, true), ("c", 2, false, true, true)];
    let table: [Case<'_>; 7] = [
        (own, &[], false, false, None),
        (own, &[], true, false, Some("capture only through")),
        (own, &[("other", 1, true, false, true)], true, true, None),
        (
            own,
            &[("other", 1, true, false, true)],
            true,
            false,
            Some("only this connector offers"),
        ),
        (
            own,
            &[
                ("other", 1, true, false, false),
                ("other", 2, false, true, true),
            ],
            true,
            false,
            Some("capture only through"),
        ),
        (&[("c", 1, true, true, false)], &[], true, false, None),
        (&[], &[], true, false, None),
    ];
    for (own, others, is_enabled, by_the_bot, refusal) in table {
        let case = format!("{own:?} {others:?} {is_enabled} {by_the_bot}");
        let db = TestDatabase::new();
        let conn = &mut db.connect();
        let version = make(conn, "c", 1).version;
        make(conn, "other", 2);
        for (connector_id, channel, is_source, is_target, is_enabled) in own.iter().chain(others) {
            conn.batch_execute(&format!(
                "insert into channel_roles (connector_id, channel_id, guild_id, is_source, is_target, is_enabled, thread_mode) \
                 values ('{connector_id}', {channel}, 7, {is_source}, {is_target}, {is_enabled}, 'include'); \
                 insert into channel_sightings (observer, channel_id, guild_id) values ('{connector_id}', {channel}, 7)"
            ))
            .unwrap();
        }
        conn.batch_execute(&format!(
            "insert into mappings (source_channel_id, target_channel_id, is_enabled) values (1, 2, {is_enabled}); \
             insert into target_channels (target_channel_id, is_target) values (2, {by_the_bot}); \
             insert into guild_sightings (observer, guild_id) values ('c', 7), ('other', 7)"
        ))
        .unwrap();
        assert!(matches!(
            remove(conn, "test", "c", version + 1),
            Err(StoreError::Conflict)
        ));
        let outcome = remove(conn, "test", "c", version);
        match (refusal, outcome) {
            (Some(words), Err(StoreError::Refused(reason))) => {
                assert!(reason.contains(words), "{case}: {reason}");
                assert!(find(conn, "c").is_ok(), "{case}");
            }
            (None, Ok(())) => {
                assert!(
                    matches!(find(conn, "c"), Err(StoreError::NotFound(_))),
                    "{case}"
                );
                let left: (i64, i64, i64) = Sql::new(
                    "select (select count(*) from channel_roles where connector_id = 'c'), \
                     (select count(*) from channel_sightings where observer = 'c') + \
                     (select count(*) from guild_sightings where observer = 'c'), \
                     (select count(*) from guild_sightings where observer = 'other')",
                )
                .rows::<(BigInt, BigInt, BigInt)>()
                .get_result(conn)
                .unwrap();
                assert_eq!(left, (0, 0, 1), "{case}");
            }
            (_, outcome) => panic!("{case}: {outcome:?}"),
        }
    }
}
