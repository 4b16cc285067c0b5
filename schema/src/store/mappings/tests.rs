//! Mappings over a real database: what may be made and changed, one or many, and how they are shown.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::{store::Page, test_database::TestDatabase};
use diesel::connection::SimpleConnection;

/// Channels 1 to 9 are sources, 11 to 19 targets, 20 both.
const MARKS: &str = "insert into connectors (connector_id, tenant_key, name, token_hash, forward_enabled) \
        values ('c', 't', 'c', '', true); \
    insert into guilds (guild_id, name) values (1, 'Desk'), (2, 'Floor'); \
    insert into channels (channel_id, guild_id, name) select n, 1, 'source ' || n from generate_series(1, 9) n; \
    insert into channels (channel_id, guild_id, name) select n, 2, 'target ' || n from generate_series(11, 19) n; \
    insert into channel_roles (connector_id, channel_id, guild_id, is_source, is_target, is_enabled, thread_mode) \
        select 'c', n, 1, n < 10 or n = 20, n > 10, true, 'include' from generate_series(1, 20) n where n <> 10";

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
        tier: 0,
        ping_role_id: None,
        priority: 0,
        is_enabled: true,
        rules: MappingRules::default(),
    }
}

fn versioned(mapping: &RuledMapping) -> Versioned {
    Versioned {
        mapping_id: mapping.row.mapping_id,
        version: mapping.row.version,
    }
}

fn all() -> Page<PlaceInOrder> {
    Page {
        after: None,
        limit: 500,
    }
}

fn shown(conn: &mut PgConnection, filter: &MappingFilter) -> Vec<i64> {
    let rows = list(conn, filter, all()).unwrap();
    rows.iter()
        .map(|shown| shown.mapping.row.mapping_id)
        .collect()
}

#[test]
fn what_may_be_mapped() {
    let (_db, mut conn) = marked();
    let conn = &mut conn;
    for (source, target) in [(1, 11), (20, 12), (1, 20)] {
        create(conn, "a", &settings(source, target)).unwrap();
    }
    let off = MappingSettings {
        is_enabled: false,
        ..settings(2, 3)
    };
    // wish, field, words of the reason
    let table = [
        (settings(4, 4), TARGET, "into itself"),
        (settings(10, 11), SOURCE, "not an enabled source"),
        (settings(1, 3), TARGET, "not marked as an enabled target"),
        (off, TARGET, "not marked as an enabled target"),
        (settings(1, 11), TARGET, "mapped into 11 already"),
    ];
    for (wish, field, words) in table {
        let refused = create(conn, "a", &wish).unwrap_err();
        assert!(
            matches!(&refused, StoreError::RefusedField { field: named, reason } if named == field && reason.contains(words)),
            "{wish:?}: {refused:?}"
        );
    }
    // What is marked so can be mapped in a ring.
    conn.batch_execute("update channel_roles set is_source = true, is_target = true")
        .unwrap();
    create(conn, "a", &settings(12, 13)).unwrap();
    let refused = create(conn, "a", &settings(13, 1)).unwrap_err();
    assert!(refused.to_string().contains("close a loop"), "{refused}");
    create(conn, "a", &settings(13, 14)).unwrap();
}

#[test]
fn a_change_of_rules_replaces_what_it_names() {
    let rules = MappingRules {
        author_style: AuthorStyle::NameLine,
        filters: Filters {
            has_embed: Some(true),
            ..Filters::default()
        },
        ..MappingRules::default()
    };
    assert_eq!(RulesChange::default().applied_to(&rules), rules);
    assert_eq!(
        RulesChange::to(&rules).applied_to(&MappingRules::default()),
        rules
    );
    let other = RulesChange {
        filters: Some(Filters::default()),
        hand_deletions: Some(HandDeletions::Repost),
        ..RulesChange::default()
    };
    let expected = MappingRules {
        author_style: AuthorStyle::NameLine,
        hand_deletions: HandDeletions::Repost,
        ..MappingRules::default()
    };
    assert_eq!(other.applied_to(&rules), expected);
}

#[test]
fn many_are_changed_together_or_not_at_all() {
    let (_db, mut conn) = marked();
    let conn = &mut conn;
    let made: Vec<RuledMapping> = (1..6)
        .map(|n| create(conn, "a", &settings(n, 11)).unwrap())
        .collect();
    let mut items: Vec<Versioned> = made.iter().map(versioned).collect();
    let change = MappingChange {
        tier: Some(3),
        rules: RulesChange {
            author_style: Some(AuthorStyle::NameLine),
            ..RulesChange::default()
        },
        ..MappingChange::default()
    };
    items[3].version = 9;
    let stale = change_many(conn, "a", &items, &change).unwrap_err();
    assert!(
        matches!(&stale, StoreError::StaleField(field) if field == "items[3].version"),
        "{stale:?}"
    );
    items[3].version = 1;
    let gone = Versioned {
        mapping_id: 99,
        version: 1,
    };
    let with_gone = [&items[..], &[gone]].concat();
    let stale = change_many(conn, "a", &with_gone, &change).unwrap_err();
    assert!(
        matches!(&stale, StoreError::StaleField(field) if field == "items[5].mapping_id"),
        "{stale:?}"
    );
    let twice = [items[0], items[0]];
    let refused = change_many(conn, "a", &twice, &change).unwrap_err();
    assert!(
        matches!(&refused, StoreError::RefusedField { field, .. } if field == "items[1].mapping_id"),
        "{refused:?}"
    );
    assert_eq!(shown(conn, &MappingFilter::default()).len(), 5);
    let untouched = list(conn, &MappingFilter::default(), all()).unwrap();
    assert!(untouched.iter().all(|shown| shown.mapping.row.version == 1));

    let before = config_version(conn);
    let changed = change_many(conn, "a", &items, &change).unwrap();
    let versions: Vec<_> = changed
        .iter()
        .map(|m| (m.row.tier, m.row.version))
        .collect();
    assert_eq!(versions, [(3, 2); 5]);
    assert_eq!(config_version(conn), before + 1);
    // One of them is so already; its version stays.
    let items: Vec<Versioned> = changed.iter().map(versioned).collect();
    let again = change_many(conn, "a", &items, &change).unwrap();
    assert_eq!(again, changed);
    // A mark that is gone is said with its item; switching off needs none.
    conn.batch_execute("update channel_roles set is_source = false where channel_id = 3")
        .unwrap();
    let more = MappingChange {
        tier: Some(4),
        ..MappingChange::default()
    };
    let refused = change_many(conn, "a", &items, &more).unwrap_err();
    assert!(
        matches!(&refused, StoreError::RefusedField { field, .. } if field == "items[2].source_channel_id"),
        "{refused:?}"
    );
    let off = MappingChange {
        is_enabled: Some(false),
        ..MappingChange::default()
    };
    let off = change_many(conn, "a", &items, &off).unwrap();
    remove_many(
        conn,
        "a",
        &off[1..].iter().map(versioned).collect::<Vec<_>>(),
    )
    .unwrap();
    assert_eq!(
        shown(conn, &MappingFilter::default()),
        [off[0].row.mapping_id]
    );
}

fn config_version(conn: &mut PgConnection) -> i64 {
    crate::store::connectors::find(conn, "c")
        .unwrap()
        .config_version
}

#[test]
fn the_mappings_of_a_source_are_put_in_order() {
    let (_db, mut conn) = marked();
    let conn = &mut conn;
    let made: Vec<RuledMapping> = (11..16)
        .map(|n| create(conn, "a", &settings(1, n)).unwrap())
        .collect();
    let foreign = create(conn, "a", &settings(2, 11)).unwrap();
    let reversed: Vec<Versioned> = made.iter().rev().map(versioned).collect();
    let ordered = order(conn, "a", channel(1), &reversed).unwrap();
    let priorities: Vec<i32> = ordered.iter().map(|m| m.row.priority).collect();
    assert_eq!(priorities, [0, 10, 20, 30, 40]);
    let of_source = MappingFilter {
        source_channel_id: Some(channel(1)),
        ..MappingFilter::default()
    };
    let ids: Vec<i64> = reversed.iter().map(|item| item.mapping_id).collect();
    assert_eq!(shown(conn, &of_source), ids);
    // Page by page.
    let (mut paged, mut after) = (Vec::new(), None);
    loop {
        let rows = list(conn, &of_source, Page { after, limit: 2 }).unwrap();
        let Some(last) = rows.last() else { break };
        let place = of_source.place(&last.mapping.row).to_string();
        after = Some(place.parse().unwrap());
        paged.extend(rows.iter().map(|shown| shown.mapping.row.mapping_id));
    }
    assert_eq!(paged, ids);
    let items: Vec<Versioned> = ordered.iter().map(versioned).collect();
    let incomplete = order(conn, "a", channel(1), &items[1..]).unwrap_err();
    assert!(
        matches!(incomplete, StoreError::OtherState(_)),
        "{incomplete:?}"
    );
    let odd = [&items[..], &[versioned(&foreign)]].concat();
    let refused = order(conn, "a", channel(1), &odd).unwrap_err();
    assert!(
        matches!(&refused, StoreError::RefusedField { field, .. } if field == "items[5].mapping_id"),
        "{refused:?}"
    );
}

#[test]
fn they_are_found_by_name_id_and_state_and_told_why_they_do_not_work() {
    let (_db, mut conn) = marked();
    let conn = &mut conn;
    for (source, target) in [(1, 11), (2, 12), (3, 13), (4, 14)] {
        create(conn, "a", &settings(source, target)).unwrap();
    }
    conn.batch_execute(
        "update channel_roles set is_enabled = false where channel_id = 2; \
         insert into target_channels (target_channel_id, is_paused) values (13, true); \
         update mappings set is_enabled = false, ping_role_id = 77 where mapping_id = 4; \
         insert into guild_roles (role_id, guild_id, name, position) values (77, 2, 'Traders', 1)",
    )
    .unwrap();
    let rows = list(conn, &MappingFilter::default(), all()).unwrap();
    let states: Vec<_> = rows.iter().map(|shown| shown.state).collect();
    use MappingState::{Broken, Off, Working};
    assert_eq!(states, [Working, Broken, Broken, Off]);
    assert!(rows[1].trouble.as_ref().unwrap().contains("No connector"));
    assert!(rows[2].trouble.as_ref().unwrap().contains("paused"));
    assert_eq!(rows[3].ping_role_name.as_deref(), Some("Traders"));
    assert_eq!(
        (
            rows[0].source.name.as_str(),
            rows[0].target.guild_name.as_deref()
        ),
        ("source 1", Some("Floor"))
    );
    let by = |state, q: &str| MappingFilter {
        state,
        q: (!q.is_empty()).then(|| q.to_owned()),
        ..MappingFilter::default()
    };
    for (filter, ids) in [
        (by(Some(Broken), ""), vec![2, 3]),
        (by(Some(Off), ""), vec![4]),
        (by(None, "SOURCE 3"), vec![3]),
        (by(None, "floor"), vec![1, 2, 3, 4]),
        (by(None, "14"), vec![4]),
        (by(Some(Broken), "target 12"), vec![2]),
        (by(None, "nothing"), vec![]),
        (by(None, "%"), vec![]),
    ] {
        assert_eq!(shown(conn, &filter), ids, "{filter:?}");
    }
    let into = MappingFilter {
        target_channel_id: Some(channel(12)),
        ..MappingFilter::default()
    };
    assert_eq!(shown(conn, &into), [2]);
    let some = show(conn, &[3, 9, 1]).unwrap();
    assert_eq!(
        some.iter()
            .map(|s| s.mapping.row.mapping_id)
            .collect::<Vec<_>>(),
        [3, 1]
    );
    // One of several states, page by page.
    let page = Page {
        after: Some("2".parse().unwrap()),
        limit: 1,
    };
    let next = list(conn, &by(Some(Broken), ""), page).unwrap();
    assert_eq!(next[0].mapping.row.mapping_id, 3);
}

#[test]
fn who_lost_a_guild_sees_its_channels_no_more() {
    let (_db, mut conn) = marked();
    let conn = &mut conn;
    create(conn, "a", &settings(1, 11)).unwrap();
    conn.batch_execute(
        "insert into guild_sightings (observer, guild_id) values ('c', 1), ('@bot', 2); \
         insert into channel_sightings (observer, channel_id, guild_id) values ('c', 1, 1), ('@bot', 11, 2)",
    )
    .unwrap();
    // which guild is gone, and the channel that this takes along
    for (guild, words) in [
        ("none", ""),
        ("1", "source channel is not seen"),
        ("2", "target channel is not seen"),
    ] {
        conn.batch_execute(&format!(
            "update guild_sightings set gone_at = case when guild_id::text = '{guild}' then now() end"
        ))
        .unwrap();
        let shown = list(conn, &MappingFilter::default(), all()).unwrap();
        let trouble = shown[0].trouble.clone().unwrap_or_default();
        assert!(
            trouble.contains(words) && words.is_empty() == trouble.is_empty(),
            "guild {guild}: {trouble}"
        );
    }
}

#[test]
fn a_copy_keeps_the_ping_where_its_role_is_known() {
    let (_db, mut conn) = marked();
    let conn = &mut conn;
    let original = MappingSettings {
        ping_role_id: RoleId::new(77),
        tier: 5,
        ..settings(1, 11)
    };
    let made = create(conn, "a", &original).unwrap().row.mapping_id;
    let copy = |conn: &mut PgConnection, target| {
        clone_settings(conn, made, None, Some(channel(target))).unwrap()
    };
    // Nothing is known of the role: in the same guild it is there.
    assert_eq!(copy(conn, 12).ping_role_id, RoleId::new(77));
    assert_eq!(copy(conn, 20).ping_role_id, None);
    conn.batch_execute(
        "insert into guild_roles (role_id, guild_id, name, position) values (77, 1, 'r', 1)",
    )
    .unwrap();
    assert_eq!(copy(conn, 12).ping_role_id, None);
    assert_eq!(copy(conn, 20).ping_role_id, RoleId::new(77));
    assert_eq!(copy(conn, 12).tier, 5);
    assert!(matches!(
        clone_settings(conn, 99, None, None),
        Err(StoreError::NotFound(_))
    ));
}
