//! Taking changes back over a real database.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::{
    sql::Sql,
    store::mappings::{RulesChange, Versioned, change_many},
    test_database::TestDatabase,
};
use diesel::{RunQueryDsl, connection::SimpleConnection, sql_types::Text};
use proptest::prelude::*;

/// Channels 1 to 4 are marked as both; the bot sees them.
const MARKS: &str = "insert into connectors (connector_id, tenant_key, name, token_hash) values ('c', 't', 'c', ''); \
    insert into guilds (guild_id, name) values (7, 'Desk'); \
    insert into channels (channel_id, guild_id, name, kind) select n, 7, 'channel ' || n, 0 from generate_series(1, 4) n; \
    insert into channel_roles (connector_id, channel_id, guild_id, is_source, is_target, is_enabled, thread_mode) \
        select 'c', n, 7, true, true, true, 'include' from generate_series(1, 4) n; \
    insert into guild_sightings (observer, guild_id) values ('@bot', 7); \
    insert into channel_sightings (observer, channel_id, guild_id) select '@bot', n, 7 from generate_series(1, 4) n";

fn marked() -> (TestDatabase, PgConnection) {
    let db = TestDatabase::new();
    let mut conn = db.connect();
    conn.batch_execute(MARKS).unwrap();
    (db, conn)
}

fn channel(number: i64) -> ChannelId {
    ChannelId::new(number).unwrap()
}

fn settings(source: i64, target: i64) -> MappingSettings {
    MappingSettings {
        source_channel_id: channel(source),
        target_channel_id: channel(target),
        tier: 1,
        ping_role_id: RoleId::new(9),
        priority: 2,
        is_enabled: true,
        rules: MappingRules {
            author_style: rules::AuthorStyle::NameLine,
            ..MappingRules::default()
        },
    }
}

fn newest(conn: &mut PgConnection) -> AuditEntry {
    let page = Page {
        after: None,
        limit: 1,
    };
    audit::list(conn, page).unwrap().pop().unwrap()
}

/// Everything that a person decides, without what counts up by itself.
fn decided(conn: &mut PgConnection) -> String {
    Sql::new(
        "select coalesce((select string_agg(concat_ws('|', mapping_id, source_channel_id, target_channel_id, tier, ping_role_id, \
            priority, is_enabled, rule_set_id, trunc(extract(epoch from created_at), 3)), ';' order by mapping_id) \
            from mappings), '') || e'\\n' || \
         coalesce((select string_agg(concat_ws('|', connector_id, channel_id, guild_id, is_source, is_target, is_enabled, \
            thread_mode), ';' order by connector_id, channel_id) from channel_roles), '') || e'\\n' || \
         coalesce((select string_agg(concat_ws('|', channel_id, min_tier), ';' order by channel_id) from channels \
            where min_tier is not null), '') || e'\\n' || \
         coalesce((select string_agg(concat_ws('|', connector_id, name, is_paused, ingest_enabled, forward_enabled), ';' \
            order by connector_id) from connectors), '') || e'\\n' || \
         coalesce((select string_agg(concat_ws('|', target_channel_id, is_paused, is_target), ';' order by target_channel_id) \
            from target_channels where is_paused or is_target), '')",
    )
    .rows::<Text>()
    .get_result(conn)
    .unwrap()
}

#[test]
fn a_removed_mapping_comes_back_as_it_was_and_goes_again() {
    let (_db, mut conn) = marked();
    let conn = &mut conn;
    let made = mappings::create(conn, "a", &settings(1, 2)).unwrap();
    let id = made.row.mapping_id;
    mappings::remove(conn, "a", id, 1).unwrap();
    let removal = newest(conn);
    assert!(removal.can_undo && removal.undone_by.is_none());
    let undone = undo(conn, "b", removal.audit_id, false).unwrap();
    let back = mappings::find(conn, id).unwrap();
    assert_eq!(
        (
            back.settings(),
            back.row.version,
            back.row.created_at.timestamp_millis()
        ),
        (made.settings(), 2, made.row.created_at.timestamp_millis())
    );
    let [entry] = &undone.entries[..] else {
        panic!("{undone:?}")
    };
    assert_eq!(
        (entry.action.as_str(), entry.actor.as_str(), entry.undoes),
        ("mapping.create", "b", Some(removal.audit_id))
    );
    assert_eq!(
        entry.subject_name.as_deref(),
        Some("Desk / channel 1 → Desk / channel 2")
    );
    // Twice is refused; what took back can be taken back, and goes on counting versions.
    let twice = undo(conn, "b", removal.audit_id, false).unwrap_err();
    assert!(
        matches!(&twice, StoreError::OtherState(said) if said.contains("already")),
        "{twice:?}"
    );
    undo(conn, "b", entry.audit_id, false).unwrap();
    assert!(matches!(
        mappings::find(conn, id),
        Err(StoreError::NotFound(_))
    ));
    let redone = newest(conn);
    undo(conn, "b", redone.audit_id, false).unwrap();
    assert_eq!(mappings::find(conn, id).unwrap().row.version, 3);
    // A new mapping gets an id of its own.
    assert!(
        mappings::create(conn, "a", &settings(3, 4))
            .unwrap()
            .row
            .mapping_id
            > id
    );
}

#[test]
fn what_was_changed_since_stays_and_says_by_what() {
    let (_db, mut conn) = marked();
    let conn = &mut conn;
    let id = mappings::create(conn, "a", &settings(1, 2))
        .unwrap()
        .row
        .mapping_id;
    let creation = newest(conn).audit_id;
    let tier = |tier| MappingChange {
        tier: Some(tier),
        ..MappingChange::default()
    };
    let priority = MappingChange {
        priority: Some(50),
        ..MappingChange::default()
    };
    mappings::change(conn, "a", id, 1, &tier(5)).unwrap();
    let first = newest(conn).audit_id;
    mappings::change(conn, "x", id, 2, &tier(6)).unwrap();
    let second = newest(conn).audit_id;
    mappings::change(conn, "a", id, 3, &priority).unwrap();
    for odd in [creation, first] {
        let before = decided(conn);
        let refused = undo(conn, "a", odd, false).unwrap_err();
        let words = if odd == first {
            format!("again by change {second} (mapping.change by x)")
        } else {
            "changed again by change".to_owned()
        };
        assert!(
            matches!(&refused, StoreError::OtherState(said) if said.contains(&words)),
            "{refused:?}"
        );
        assert_eq!(decided(conn), before);
    }
    // What another change did to other fields stays.
    undo(conn, "a", second, false).unwrap();
    let row = mappings::find(conn, id).unwrap().row;
    assert_eq!((row.tier, row.priority, row.version), (5, 50, 5));
    undo(conn, "a", first, false).unwrap();
    assert_eq!(mappings::find(conn, id).unwrap().row.tier, 1);
}

#[test]
fn it_goes_back_only_by_the_rules() {
    let (_db, mut conn) = marked();
    let conn = &mut conn;
    let id = mappings::create(conn, "a", &settings(1, 2))
        .unwrap()
        .row
        .mapping_id;
    mappings::remove(conn, "a", id, 1).unwrap();
    let removal = newest(conn).audit_id;
    let other = mappings::create(conn, "a", &settings(2, 1)).unwrap().row;
    let refused = undo(conn, "a", removal, false).unwrap_err();
    assert!(
        matches!(&refused, StoreError::Refused(said) if said.contains("loop")),
        "{refused:?}"
    );
    mappings::remove(conn, "a", other.mapping_id, 1).unwrap();
    conn.batch_execute("update channel_roles set is_target = false where channel_id = 2")
        .unwrap();
    let refused = undo(conn, "a", removal, false).unwrap_err();
    assert!(
        matches!(&refused, StoreError::Refused(said) if said.contains("not marked")),
        "{refused:?}"
    );
    assert!(matches!(
        undo(conn, "a", 999_999, false),
        Err(StoreError::NotFound(_))
    ));
    connectors::request_discovery(conn, "a", "c", None).unwrap();
    let asked = newest(conn);
    assert!(!asked.can_undo);
    let refused = undo(conn, "a", asked.audit_id, false).unwrap_err();
    assert!(
        matches!(&refused, StoreError::Refused(said) if said.contains("cannot be taken back")),
        "{refused:?}"
    );
}

#[test]
fn a_group_goes_back_whole_or_not_at_all() {
    let (_db, mut conn) = marked();
    let conn = &mut conn;
    let items: Vec<Versioned> = [(1, 2), (1, 3), (1, 4)]
        .map(|(a, b)| {
            let row = mappings::create(conn, "a", &settings(a, b)).unwrap().row;
            Versioned {
                mapping_id: row.mapping_id,
                version: 1,
            }
        })
        .to_vec();
    let before = decided(conn);
    let change = MappingChange {
        tier: Some(7),
        rules: RulesChange::to(&MappingRules::default()),
        ..MappingChange::default()
    };
    change_many(conn, "a", &items, &change).unwrap();
    let last = newest(conn);
    assert!(last.group_id.is_some());
    // One of them was changed since: none goes back.
    let later = MappingChange {
        tier: Some(8),
        ..MappingChange::default()
    };
    mappings::change(conn, "a", items[0].mapping_id, 2, &later).unwrap();
    let later = newest(conn).audit_id;
    let standing = decided(conn);
    let refused = undo(conn, "a", last.audit_id, true).unwrap_err();
    assert!(matches!(refused, StoreError::OtherState(_)), "{refused:?}");
    assert_eq!(decided(conn), standing);
    undo(conn, "a", later, false).unwrap();
    // One alone, then the rest.
    undo(conn, "a", last.audit_id, false).unwrap();
    let undone = undo(conn, "a", last.audit_id, true).unwrap();
    assert_eq!(undone.entries.len(), 2);
    assert_eq!(decided(conn), before);
    let group = undone.entries[0].group_id;
    assert!(group.is_some() && group == undone.entries[1].group_id);
    assert!(matches!(
        undo(conn, "a", last.audit_id, true),
        Err(StoreError::OtherState(_))
    ));
    // And forth.
    assert_eq!(
        undo(conn, "a", undone.entries[1].audit_id, true)
            .unwrap()
            .entries
            .len(),
        2
    );
}

#[test]
fn of_two_at_once_one_takes_back() {
    let (db, mut conn) = marked();
    let id = mappings::create(&mut conn, "a", &settings(1, 2))
        .unwrap()
        .row
        .mapping_id;
    mappings::remove(&mut conn, "a", id, 1).unwrap();
    let removal = newest(&mut conn).audit_id;
    let outcomes: Vec<Result<Undone, StoreError>> = std::thread::scope(|scope| {
        let db = &db;
        let asked: Vec<_> = (0..4)
            .map(|_| scope.spawn(move || undo(&mut db.connect(), "b", removal, false)))
            .collect();
        asked.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let (done, refused): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
    assert_eq!(done.len(), 1);
    assert!(
        refused
            .iter()
            .all(|one| matches!(one, Err(StoreError::OtherState(_)))),
        "{refused:?}"
    );
}

/// One thing a person may do; what may not be is refused and leaves no trace.
#[derive(Debug, Clone)]
enum Deed {
    Map(i64, i64),
    Unmap(usize),
    Tier(usize, i16),
    Move(usize, i64),
    Rules(usize, bool),
    Role(i64, bool, bool),
    Unmark(i64),
    Show(i64, Option<i16>),
    Name(u8),
    Forward(bool),
    Pause(i64, bool),
    Offer(i64, bool),
    Bulk(i32),
}

fn deed() -> impl Strategy<Value = Deed> {
    let (channel, nth) = (1_i64..5, 0_usize..4);
    prop_oneof![
        3 => (channel.clone(), channel.clone()).prop_map(|(a, b)| Deed::Map(a, b)),
        2 => nth.clone().prop_map(Deed::Unmap),
        2 => (nth.clone(), 0_i16..3).prop_map(|(n, tier)| Deed::Tier(n, tier)),
        2 => (nth.clone(), channel.clone()).prop_map(|(n, to)| Deed::Move(n, to)),
        2 => (nth, any::<bool>()).prop_map(|(n, plain)| Deed::Rules(n, plain)),
        1 => (channel.clone(), any::<bool>(), any::<bool>()).prop_map(|(c, s, t)| Deed::Role(c, s, t)),
        1 => channel.clone().prop_map(Deed::Unmark),
        1 => (channel.clone(), proptest::option::of(0_i16..3)).prop_map(|(c, tier)| Deed::Show(c, tier)),
        1 => (0_u8..3).prop_map(Deed::Name),
        1 => any::<bool>().prop_map(Deed::Forward),
        1 => (channel.clone(), any::<bool>()).prop_map(|(c, paused)| Deed::Pause(c, paused)),
        1 => (channel, any::<bool>()).prop_map(|(c, offered)| Deed::Offer(c, offered)),
        2 => (0_i32..3).prop_map(Deed::Bulk),
    ]
}

fn is_mapped(conn: &mut PgConnection, channel: i64) -> bool {
    Sql::new(
        "select exists (select from mappings where $1 in (source_channel_id, target_channel_id))",
    )
    .bind::<diesel::sql_types::BigInt, _>(channel)
    .rows::<diesel::sql_types::Bool>()
    .get_result(conn)
    .unwrap()
}

impl Deed {
    fn carry_out(self, conn: &mut PgConnection) -> Result<(), StoreError> {
        let ids: Vec<(i64, i64)> =
            Sql::new("select mapping_id, version from mappings order by mapping_id")
                .rows::<(diesel::sql_types::BigInt, diesel::sql_types::BigInt)>()
                .load(conn)
                .unwrap();
        let nth = |n: usize| {
            ids.get(n)
                .copied()
                .ok_or(StoreError::NotFound("such mapping"))
        };
        let mut change = MappingChange::default();
        // A mapping may outlive the marks of its channels, but does not come back without them.
        if let Self::Role(c, ..) | Self::Unmark(c) | Self::Offer(c, false) = self
            && is_mapped(conn, c)
        {
            return Ok(());
        }
        match self {
            Self::Map(a, b) => return mappings::create(conn, "a", &settings(a, b)).map(drop),
            Self::Unmap(n) => {
                let (id, version) = nth(n)?;
                return mappings::remove(conn, "a", id, version);
            }
            Self::Bulk(priority) => {
                let items: Vec<Versioned> = ids
                    .iter()
                    .map(|&(mapping_id, version)| Versioned {
                        mapping_id,
                        version,
                    })
                    .collect();
                change.priority = Some(priority);
                return change_many(conn, "a", &items, &change).map(drop);
            }
            Self::Role(c, is_source, is_target) => {
                let version = channel_roles::find(conn, "c", channel(c))?.map(|row| row.version);
                let role = RoleSettings {
                    guild_id: GuildId::new(7).unwrap(),
                    is_source,
                    is_target,
                    is_enabled: true,
                    thread_mode: "include".to_owned(),
                };
                return channel_roles::put(conn, "a", "c", channel(c), &role, version).map(drop);
            }
            Self::Unmark(c) => {
                let row = channel_roles::find(conn, "c", channel(c))?;
                let version = row.ok_or(StoreError::NotFound("such channel"))?.version;
                return channel_roles::remove(conn, "a", "c", channel(c), version);
            }
            Self::Show(c, tier) => {
                return channels::set_visibility(conn, "a", channel(c), tier).map(drop);
            }
            Self::Name(_) | Self::Forward(_) => {
                let version = connectors::find(conn, "c")?.version;
                let change = match self {
                    Self::Name(n) => ConnectorChange {
                        name: Some(format!("name {n}")),
                        ..ConnectorChange::default()
                    },
                    _ => ConnectorChange {
                        forward_enabled: Some(matches!(self, Self::Forward(true))),
                        is_paused: Some(matches!(self, Self::Forward(false))),
                        ..ConnectorChange::default()
                    },
                };
                return connectors::change(conn, "a", "c", version, &change).map(drop);
            }
            Self::Pause(c, is_paused) => {
                let version = target_channels::get(conn, channel(c))?.version;
                return target_channels::set_paused(conn, "a", channel(c), version, is_paused)
                    .map(drop);
            }
            Self::Offer(c, is_target) => {
                let version = target_channels::get(conn, channel(c))?.version;
                return target_channels::set_offered(conn, "a", channel(c), version, is_target)
                    .map(drop);
            }
            Self::Tier(_, tier) => change.tier = Some(tier),
            Self::Move(_, to) => change.target_channel_id = Some(channel(to)),
            Self::Rules(_, plain) => {
                let rules = MappingRules::default();
                change.rules = RulesChange::to(&if plain { rules } else { settings(1, 2).rules });
            }
        }
        let (Self::Tier(n, _) | Self::Move(n, _) | Self::Rules(n, _)) = self else {
            return Ok(());
        };
        let (id, version) = nth(n)?;
        mappings::change(conn, "a", id, version, &change).map(drop)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn what_was_done_and_taken_back_in_reverse_was_never_done(deeds in proptest::collection::vec(deed(), 1..24)) {
        let (_db, mut conn) = marked();
        let conn = &mut conn;
        let start = decided(conn);
        let mut states = Vec::new();
        let mut last = 0;
        for deed in deeds {
            let before = decided(conn);
            let _ = deed.carry_out(conn);
            let page = Page { after: None, limit: 1 };
            let newest = audit::list(conn, page).unwrap().pop();
            if let Some(entry) = newest.filter(|entry| entry.audit_id > last) {
                last = entry.audit_id;
                states.push((entry, before));
            } else {
                prop_assert_eq!(decided(conn), before, "a change without a record");
            }
        }
        let versions = |conn: &mut PgConnection| -> Vec<i64> {
            Sql::new("select version from mappings order by mapping_id").rows::<diesel::sql_types::BigInt>().load(conn).unwrap()
        };
        let mut redo = Vec::new();
        let end = decided(conn);
        for (entry, before) in states.into_iter().rev() {
            let undone = undo(conn, "b", entry.audit_id, true);
            prop_assert!(undone.is_ok(), "{:?}: {:?}", entry, undone);
            redo.push(undone.unwrap().entries[0].audit_id);
            prop_assert_eq!(decided(conn), before, "{:?}", entry);
        }
        prop_assert_eq!(decided(conn), start);
        prop_assert!(versions(conn).iter().all(|version| *version >= 1));
        for entry in redo.into_iter().rev() {
            let redone = undo(conn, "b", entry, true);
            prop_assert!(redone.is_ok(), "{redone:?}");
        }
        prop_assert_eq!(decided(conn), end);
    }
}
