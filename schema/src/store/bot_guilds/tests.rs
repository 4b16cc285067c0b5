//! What the bot sees comes, changes, goes and comes back in the tables.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::{
    ids::ChannelId,
    store::{bot_tree, target_channels},
    test_database::TestDatabase,
};
use diesel::connection::SimpleConnection;

fn guild_id(number: i64) -> GuildId {
    GuildId::new(number).unwrap()
}

fn guild(number: i64, name: &str) -> SnapshotGuild {
    SnapshotGuild {
        guild_id: guild_id(number),
        name: name.to_owned(),
    }
}

fn channel(number: i64, name: &str, kind: i16, parent: Option<i64>) -> SnapshotChannel {
    SnapshotChannel {
        channel_id: ChannelId::new(number).unwrap(),
        guild_id: guild_id(7),
        name: name.to_owned(),
        kind: Some(kind),
        parent_id: parent.and_then(ChannelId::new),
        position: Some(0),
    }
}

fn role(number: i64, name: &str, position: i32) -> RoleSeen {
    RoleSeen {
        role_id: RoleId::new(number).unwrap(),
        name: name.to_owned(),
        position,
        color: 255,
        is_managed: false,
        is_mentionable: true,
    }
}

fn page<K>() -> Page<K> {
    Page {
        after: None,
        limit: 100,
    }
}

/// The guild as one line, gone things with a minus: `g7 Desk: 1 alerts/9, -2 chat; @70 VIP`.
fn seen(conn: &mut PgConnection) -> Vec<String> {
    let guilds = list(conn, page()).unwrap();
    let mark = |gone: bool| if gone { "-" } else { "" };
    guilds
        .iter()
        .map(|guild| {
            let mut channels = bot_tree::channels(conn, guild.guild_id).unwrap();
            channels.sort_by_key(|channel| channel.channel_id);
            let channels: Vec<_> = channels
                .iter()
                .map(|c| {
                    let parent = c.parent_id.map(|id| format!("/{id}")).unwrap_or_default();
                    format!(
                        "{}{} {}{parent}",
                        mark(c.gone_at.is_some()),
                        c.channel_id,
                        c.name
                    )
                })
                .collect();
            let roles = roles(conn, guild.guild_id, page()).unwrap();
            let roles: Vec<_> = roles
                .iter()
                .map(|role| format!("@{} {}", role.role_id, role.name))
                .collect();
            format!(
                "{}g{} {}: {}; {}",
                mark(guild.gone_at.is_some()),
                guild.guild_id,
                guild.name,
                channels.join(", "),
                roles.join(", ")
            )
        })
        .collect()
}

/// Channels, roles, new names, different, what is seen afterwards.
type Step<'a> = (&'a [SnapshotChannel], &'a [RoleSeen], bool, bool, &'a str);

#[test]
fn what_the_bot_sees_comes_changes_goes_and_comes_back() {
    let db = TestDatabase::new();
    let conn = &mut db.connect();
    let both = [guild(7, "Desk"), guild(8, "Other")];
    let taken = take_list(conn, &both, &[]).unwrap();
    assert!(taken.has_new_names && taken.is_different);
    assert_eq!(take_list(conn, &both, &[]).unwrap(), Taken::default());
    assert_eq!(known(conn).unwrap(), [guild_id(7), guild_id(8)]);

    let first = [
        channel(1, "alerts", 0, Some(9)),
        channel(2, "chat", 0, None),
        channel(9, "Signals", 4, None),
    ];
    let moved = [
        channel(1, "alerts", 0, None),
        channel(9, "Signals", 4, None),
    ];
    let (vip, boss) = (role(70, "VIP", 1), role(71, "Boss", 2));
    let full = [vip, boss];
    #[rustfmt::skip]
    let steps: &[Step<'_>] = &[
        (&first, &full, true, true, "g7 Desk: 1 alerts/9, 2 chat, 9 Signals; @71 Boss, @70 VIP"),
        (&first, &full, false, false, "g7 Desk: 1 alerts/9, 2 chat, 9 Signals; @71 Boss, @70 VIP"),
        (&moved, &full, false, true, "g7 Desk: 1 alerts, -2 chat, 9 Signals; @71 Boss, @70 VIP"),
        (&moved, &full[..1], false, true, "g7 Desk: 1 alerts, -2 chat, 9 Signals; @70 VIP"),
        (&moved, &[], false, true, "g7 Desk: 1 alerts, -2 chat, 9 Signals; "),
        (&first, &[role(70, "Very important", 1)], false, true,
            "g7 Desk: 1 alerts/9, 2 chat, 9 Signals; @70 Very important"),
        (&first, &full, false, true, "g7 Desk: 1 alerts/9, 2 chat, 9 Signals; @71 Boss, @70 VIP"),
    ];
    for (channels, roles, has_new_names, is_different, after) in steps {
        let taken = take_guild(conn, guild_id(7), channels, roles).unwrap();
        let expected = Taken {
            has_new_names: *has_new_names,
            is_different: *is_different,
        };
        assert_eq!(taken, expected, "{after}");
        assert_eq!(seen(conn)[0], *after);
    }
    // Thrown out: everything goes with it, and comes back with it.
    let taken = take_list(conn, &both[1..], &[guild_id(7)]).unwrap();
    assert!(!taken.has_new_names && taken.is_different);
    assert_eq!(
        seen(conn),
        [
            "-g7 Desk: -1 alerts/9, -2 chat, -9 Signals; ",
            "g8 Other: ; "
        ]
    );
    assert_eq!(known(conn).unwrap(), [guild_id(8)]);
    assert!(take_list(conn, &both, &[]).unwrap().is_different);
    take_guild(conn, guild_id(7), &first, &full).unwrap();
    assert_eq!(
        seen(conn)[0],
        "g7 Desk: 1 alerts/9, 2 chat, 9 Signals; @71 Boss, @70 VIP"
    );
}

#[test]
fn counts_and_marks_are_shown() {
    let db = TestDatabase::new();
    let conn = &mut db.connect();
    take_list(conn, &[guild(7, "Desk")], &[]).unwrap();
    let channels = [
        channel(1, "alerts", 0, None),
        channel(2, "chat", 0, None),
        channel(3, "ideas", 15, None),
        channel(9, "Signals", 4, None),
    ];
    take_guild(conn, guild_id(7), &channels, &[role(70, "VIP", 1)]).unwrap();
    conn.batch_execute(
        "insert into connectors (connector_id, tenant_key, name, token_hash) values ('c', 't', 'n', ''); \
         insert into channel_roles (connector_id, channel_id, guild_id, is_source, is_target, is_enabled, thread_mode) values \
            ('c', 2, 7, false, true, true, 'include'), ('c', 3, 7, false, true, false, 'include'); \
         insert into mappings (source_channel_id, target_channel_id) values (100, 1), (101, 1), (1, 2)",
    )
    .unwrap();
    let alerts = ChannelId::new(1).unwrap();
    target_channels::set_offered(conn, "admin", alerts, 0, true).unwrap();
    target_channels::set_paused(conn, "admin", alerts, 1, true).unwrap();
    let found = find(conn, guild_id(7)).unwrap();
    assert_eq!((found.channels, found.targets, found.roles), (4, 2, 1));
    assert!(matches!(
        find(conn, guild_id(6)),
        Err(StoreError::NotFound(_))
    ));
    let mut tree = bot_tree::channels(conn, guild_id(7)).unwrap();
    tree.sort_by_key(|channel| channel.channel_id);
    let shown: Vec<_> = tree
        .iter()
        .map(|channel| {
            let mark = channel.target.as_ref();
            let mark = mark.map(|m| {
                (
                    m.is_target,
                    m.is_target_of_connector,
                    m.is_paused,
                    m.version,
                )
            });
            (channel.channel_id.get(), mark, channel.mappings)
        })
        .collect();
    assert_eq!(
        shown,
        [
            (1, Some((true, false, true, 2)), 3),
            (2, Some((false, true, false, 0)), 1),
            (3, Some((false, false, false, 0)), 0),
            (9, None, 0)
        ]
    );
}

#[test]
fn roles_come_from_the_highest_page_by_page() {
    let db = TestDatabase::new();
    let conn = &mut db.connect();
    let all = [
        role(5, "e", 1),
        role(1, "a", 3),
        role(3, "c", 1),
        role(2, "b", 2),
    ];
    take_guild(conn, guild_id(7), &[channel(1, "x", 0, None)], &all).unwrap();
    let ids = |conn: &mut PgConnection, after: Option<i64>| -> Vec<i64> {
        let page = Page {
            after: after.and_then(RoleId::new),
            limit: 2,
        };
        let rows = roles(conn, guild_id(7), page).unwrap();
        rows.iter().map(|role| role.role_id.get()).collect()
    };
    assert_eq!(ids(conn, None), [1, 2]);
    assert_eq!(ids(conn, Some(2)), [3, 5]);
    assert_eq!(ids(conn, Some(5)), [0; 0]);
    let (guild, guild_name, name) = role_anywhere(conn, RoleId::new(3).unwrap())
        .unwrap()
        .unwrap();
    assert_eq!(
        (guild, guild_name.as_str(), name.as_str()),
        (guild_id(7), "7", "c")
    );
}
