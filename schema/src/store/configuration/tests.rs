//! The file against real tables: what is exported is what is applied elsewhere, and nothing is applied by halves.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::{
    configuration_core::Action,
    store::{
        Page,
        audit::{self, AuditFilter},
        undo,
    },
    test_database::TestDatabase,
};
use diesel::connection::SimpleConnection;

/// Names, and what the bot sees: channels 1 to 9 of the guild 7, where some names try to be more than names.
const SEEN: &str = "insert into guilds (guild_id, name) values (7, E'Desk\\n[evil]'); \
    insert into channels (channel_id, guild_id, name, kind) select n, 7, 'channel ' || n, 0 from generate_series(1, 9) n; \
    insert into guild_roles (role_id, guild_id, name, position) values (77, 7, 'Traders', 1); \
    insert into guild_sightings (observer, guild_id) values ('@bot', 7); \
    insert into channel_sightings (observer, channel_id, guild_id) select '@bot', n, 7 from generate_series(1, 9) n";

const FILE: &str = r#"
format = 1
[connectors."a.b"]
tenant_key = "acme"
name = "The \"desk\""
status = "paused"
[connectors."a.b".channels.1]
guild_id = "7"
is_source = true
thread_mode = "only"
[connectors.c]
tenant_key = "acme"
forward_enabled = true
[connectors.c.channels.1]
guild_id = "7"
is_source = true
[connectors.c.channels.2]
guild_id = "7"
is_source = true
is_target = true
[visibility.1]
guild_id = "7"
min_tier = 3
[visibility.20]
guild_id = "8"
min_tier = 0
[targets.3]
is_target = true
is_paused = true
[targets.4]
is_target = true
[[mappings]]
source_channel_id = "1"
target_channel_id = "2"
tier = 4
ping_role_id = "77"
priority = -3
filters_json.regex_any = ["^\\w+\"$"]
transform_json.prefix = "> \n"
[[mappings]]
source_channel_id = "2"
target_channel_id = "3"
[[mappings]]
source_channel_id = "2"
target_channel_id = "9"
is_enabled = false
author_style = "webhook"
"#;

fn seen() -> (TestDatabase, PgConnection) {
    let db = TestDatabase::new();
    let mut conn = db.connect();
    conn.batch_execute(SEEN).unwrap();
    (db, conn)
}

fn understood(document: &str) -> ReadDocument {
    configuration_core::read(document, &|_| Ok(())).unwrap_or_else(|error| panic!("{error}"))
}

fn hash(id: &str) -> [u8; 32] {
    Sha256::digest(id).into()
}

fn compared(conn: &mut PgConnection, document: &str) -> Result<Compared, StoreError> {
    compare_with(conn, document, &understood(document))
}

fn applied(conn: &mut PgConnection, document: &str) -> Result<(Applied, Vec<String>), StoreError> {
    let digest = compared(conn, document)?.digest;
    let mut made = Vec::new();
    let mut token_of = |id: &str| {
        made.push(id.to_owned());
        hash(id)
    };
    let read = understood(document);
    let done = apply(conn, "a", document, &read, &digest, &mut token_of)?;
    Ok((done, made))
}

/// What stands, and everything that was recorded.
fn all(conn: &mut PgConnection) -> (String, usize) {
    let page = Page {
        after: None,
        limit: 1_000,
    };
    (
        export(conn).unwrap(),
        audit::list(conn, page).unwrap().len(),
    )
}

#[test]
fn what_is_exported_is_what_is_applied_elsewhere() {
    let (_db, mut conn) = seen();
    let conn = &mut conn;
    let (done, made) = applied(conn, FILE).unwrap();
    assert_eq!(
        (done.changes, made),
        (12, vec!["a.b".to_owned(), "c".to_owned()])
    );
    assert_eq!(done.targets.len(), 2);
    let file = export(conn).unwrap();
    assert_eq!(
        understood(&file).configuration,
        understood(FILE).configuration
    );
    assert!(
        file.contains("# Desk [evil] / channel 1 → Desk [evil] / channel 2\n[[mappings]]"),
        "{file}"
    );
    assert!(
        file.contains("ping_role_id = \"77\"  # Traders\n"),
        "{file}"
    );
    assert_eq!(file.matches("token").count(), 1, "{file}");
    // Nothing is different now, and applying it again does nothing.
    assert_eq!(
        compared(conn, &file).unwrap().comparison,
        Comparison::default()
    );
    let before = all(conn);
    assert_eq!(applied(conn, &file).unwrap().0.changes, 0);
    assert_eq!(all(conn), before);

    let (_other, mut other) = seen();
    assert!(applied(&mut other, &file).is_ok());
    assert_eq!(export(&mut other).unwrap(), file);
    // Where nobody has seen anything yet, all but what the bot is to offer can be had.
    let unseen = TestDatabase::new();
    let unseen = &mut unseen.connect();
    let refused = applied(unseen, &file).unwrap_err();
    assert!(
        matches!(&refused, StoreError::RefusedField { field, reason } if field == "document" && reason.contains("the bot does not see")),
        "{refused:?}"
    );
    let without = FILE
        .replace("is_target = true\nis_paused", "is_paused")
        .replace("[targets.4]\nis_target = true", "")
        .replace(
            "target_channel_id = \"3\"",
            "target_channel_id = \"3\"\nis_enabled = false",
        );
    applied(unseen, &without).unwrap();
    let again = export(unseen).unwrap();
    assert_eq!(
        understood(&again).configuration,
        understood(&without).configuration
    );
}

#[test]
fn what_was_shown_is_what_is_applied() {
    let (_db, mut conn) = seen();
    let conn = &mut conn;
    let shown = compared(conn, FILE).unwrap();
    let mut token_of = hash;
    // Another file, and another configuration.
    let other = FILE.replace("tier = 4", "tier = 5");
    let refused = apply(
        conn,
        "a",
        &other,
        &understood(&other),
        &shown.digest,
        &mut token_of,
    );
    assert!(
        matches!(refused, Err(StoreError::OtherState(_))),
        "{refused:?}"
    );
    conn.batch_execute(
        "insert into target_channels (target_channel_id, is_paused) values (5, true)",
    )
    .unwrap();
    let refused = apply(
        conn,
        "a",
        FILE,
        &understood(FILE),
        &shown.digest,
        &mut token_of,
    );
    assert!(
        matches!(refused, Err(StoreError::OtherState(_))),
        "{refused:?}"
    );
    // What no person decides does not count.
    let shown = compared(conn, FILE).unwrap();
    conn.batch_execute("update channels set name = 'renamed', seen_at = now()")
        .unwrap();
    let read = understood(FILE);
    assert!(apply(conn, "a", FILE, &read, &shown.digest, &mut token_of).is_ok());
}

#[test]
fn nothing_is_refused_for_what_is_there_only_in_between() {
    let (_db, mut conn) = seen();
    let conn = &mut conn;
    let file = |mappings: &[(i64, i64)]| {
        let mut file = "format = 1\n[connectors.c]\ntenant_key = \"t\"\n".to_owned();
        for n in 1..5 {
            let _ = writeln!(
                file,
                "[connectors.c.channels.{n}]\nguild_id = \"7\"\nis_source = true\nis_target = true"
            );
        }
        for (source, target) in mappings {
            let _ = writeln!(
                file,
                "[[mappings]]\nsource_channel_id = \"{source}\"\ntarget_channel_id = \"{target}\""
            );
        }
        file
    };
    applied(conn, &file(&[(1, 2), (2, 3)])).unwrap();
    // Turned round: one by one, each would close a loop.
    let turned = file(&[(2, 1), (3, 2)]);
    let (done, _) = applied(conn, &turned).unwrap();
    assert_eq!(done.changes, 4);
    assert_eq!(
        understood(&export(conn).unwrap()).configuration,
        understood(&turned).configuration
    );
    let loops = compared(conn, &file(&[(1, 2), (2, 3), (3, 1)])).unwrap_err();
    assert!(loops.to_string().contains("close a loop"), "{loops}");
    // The group goes back whole.
    let newest = audit::list(
        conn,
        Page {
            after: None,
            limit: 1,
        },
    )
    .unwrap()
    .pop()
    .unwrap();
    undo::undo(conn, "a", newest.audit_id, true).unwrap();
    assert_eq!(
        understood(&export(conn).unwrap()).configuration,
        understood(&file(&[(1, 2), (2, 3)])).configuration
    );
    // A source and its connector go together with the mapping, and a mapping moves to a channel that is marked by the same file.
    let moved = "format = 1\n[connectors.d]\ntenant_key = \"t\"\n[connectors.d.channels.1]\nguild_id = \"7\"\nis_source = true\n\
        [connectors.d.channels.6]\nguild_id = \"7\"\nis_target = true\n\
        [[mappings]]\nsource_channel_id = \"1\"\ntarget_channel_id = \"6\"\n";
    conn.batch_execute("insert into target_channels (target_channel_id, obstacle) values (6, 'Give the bot a role.')")
        .unwrap();
    let shown = compared(conn, moved).unwrap().comparison;
    let warned = shown.warnings.last().unwrap();
    assert_eq!(warned, "Desk\n[evil] / channel 6: Give the bot a role.");
    let removed = shown
        .changes
        .iter()
        .filter(|change| change.action == Action::Remove);
    assert_eq!(
        removed.map(|change| change.kind).collect::<Vec<_>>(),
        ["connector", "mapping", "mapping"]
    );
    let (done, made) = applied(conn, moved).unwrap();
    assert_eq!(
        (done.changes, made),
        (shown.changes.len(), vec!["d".to_owned()])
    );
    assert_eq!(
        understood(&export(conn).unwrap()).configuration,
        understood(moved).configuration
    );
    assert_eq!(applied(conn, "format = 1").unwrap().0.changes, 2);
    assert_eq!(
        understood(&export(conn).unwrap()).configuration,
        Configuration::default()
    );
}

#[test]
fn what_is_refused_leaves_no_trace_and_what_is_done_is_one_group() {
    let (_db, mut conn) = seen();
    let conn = &mut conn;
    applied(conn, FILE).unwrap();
    let page = || Page {
        after: None,
        limit: 1_000,
    };
    let entries = audit::list(conn, page()).unwrap();
    let group = entries[0].group_id;
    assert!(group.is_some() && entries.iter().all(|entry| entry.group_id == group));
    let of_group = AuditFilter {
        group_id: group,
        ..AuditFilter::default()
    };
    assert_eq!(
        audit::list_of(conn, &of_group, page()).unwrap().len(),
        entries.len()
    );
    let before = all(conn);
    let broken = FILE.replace(
        "[connectors.c.channels.2]\nguild_id = \"7\"\nis_source = true",
        "[connectors.c.channels.2]\nguild_id = \"7\"",
    );
    let refused = applied(conn, &broken).unwrap_err();
    assert!(
        refused
            .to_string()
            .contains("line 39, column 1: source_channel_id: channel 2"),
        "{refused}"
    );
    // A failure in the middle of applying.
    let (digest, read) = (
        compared(conn, "format = 1").unwrap().digest,
        understood("format = 1"),
    );
    conn.batch_execute(
        "create function refuse() returns trigger language plpgsql as $$ begin raise exception 'on purpose'; end $$; \
         create trigger refuse before delete on connectors for each row execute function refuse()",
    )
    .unwrap();
    let failed = apply(conn, "a", "format = 1", &read, &digest, &mut |_| [9; 32]);
    assert!(matches!(failed, Err(StoreError::Database(_))), "{failed:?}");
    assert_eq!(all(conn), before);
}
