//! Decisions on deliveries over a real database.
#![allow(clippy::unwrap_used)]
use super::*;
use crate::{
    store::dead_letters::tests::{key, put},
    test_database::TestDatabase,
};
use diesel::connection::SimpleConnection;

fn named(numbers: &[i64]) -> Which {
    Which::Named(numbers.iter().copied().map(key).collect())
}

/// State, attempts, desired revision, whether an error stands, whether it is wanted since a moment.
fn stands(conn: &mut PgConnection, n: i64) -> (char, i32, i32, bool, bool) {
    let (state, attempts, desired, errs, fresh): (u8, i32, i32, bool, bool) = Sql::new(
        "select state, attempts, desired_revision, last_error is not null, wanted_at > now() - interval '1 hour' \
         from deliveries where signal_id = $1",
    )
    .bind::<BigInt, _>(n)
    .rows::<(CChar, Integer, Integer, Bool, Bool)>()
    .get_result(conn)
    .unwrap();
    (char::from(state), attempts, desired, errs, fresh)
}

fn audited(conn: &mut PgConnection) -> Vec<(String, String)> {
    Sql::new("select action, subject from audit order by audit_id")
        .rows::<(Text, Text)>()
        .load(conn)
        .unwrap()
}

#[test]
fn what_is_put_back_begins_anew_and_once() {
    let db = TestDatabase::new();
    let conn = &mut db.connect();
    put(conn, 1, "x");
    put(conn, 2, "d");
    conn.batch_execute("update deliveries set ping_role_id = 44")
        .unwrap();
    let back = put_back(conn, "admin", PutBack::DeadLetters, &named(&[1])).unwrap();
    assert_eq!((back.keys, back.more), (vec![key(1)], false));
    assert_eq!(stands(conn, 1), ('p', 0, 3, false, true));
    let pinging: Vec<i64> =
        Sql::new("select signal_id from deliveries where ping_role_id is not null")
            .rows::<BigInt>()
            .load(conn)
            .unwrap();
    assert_eq!(pinging, [2], "what is put back pings nobody");
    let again = put_back(conn, "admin", PutBack::DeadLetters, &named(&[1])).unwrap();
    assert!(again.keys.is_empty());
    assert_eq!(audited(conn), [("delivery.redrive".into(), "1/9".into())]);
    let delivered = put_back(conn, "admin", PutBack::DeadLetters, &named(&[1, 2]));
    assert!(
        matches!(&delivered, Err(StoreError::OtherState(reason)) if reason.contains("signal 2 into channel 9 is delivered")),
        "{delivered:?}"
    );
    let missing = put_back(conn, "admin", PutBack::DeadLetters, &named(&[1, 7]));
    assert!(matches!(missing, Err(StoreError::NotFound(_))));
}

#[test]
fn what_is_dropped_stays_dropped_until_it_is_restored() {
    let db = TestDatabase::new();
    let conn = &mut db.connect();
    for (n, state) in [(1, "x"), (2, "p"), (3, "d")] {
        put(conn, n, state);
    }
    let dropped = drop_named(conn, "admin", &[key(1), key(2)], "spam").unwrap();
    assert_eq!(dropped.keys.len(), 2);
    assert_eq!(stands(conn, 2), ('c', 5, 2, true, false));
    assert!(
        drop_named(conn, "admin", &[key(1)], "spam")
            .unwrap()
            .keys
            .is_empty()
    );
    assert!(matches!(
        drop_named(conn, "admin", &[key(3)], "spam"),
        Err(StoreError::OtherState(_))
    ));
    // A redrive is of dead letters: what a person dropped is only restored.
    assert!(matches!(
        put_back(conn, "admin", PutBack::DeadLetters, &named(&[1])),
        Err(StoreError::OtherState(_))
    ));
    assert!(
        put_back(conn, "admin", PutBack::DeadLetters, &Which::All)
            .unwrap()
            .keys
            .is_empty()
    );
    assert_eq!(raise_missed(conn, &[key(1)]).unwrap(), 0);
    let restored = put_back(conn, "admin", PutBack::Dropped, &Which::All).unwrap();
    assert_eq!(restored.keys.len(), 2);
    // Its create may have been on its way when it was dropped.
    assert_eq!(stands(conn, 1), ('p', 0, 3, false, false));
    let actions: Vec<_> = audited(conn)
        .into_iter()
        .map(|(action, _)| action)
        .collect();
    assert_eq!(actions, ["delivery.drop", "delivery.restore"]);
}

#[test]
fn many_are_put_back_in_bounded_steps_and_only_of_the_target_that_is_meant() {
    let db = TestDatabase::new();
    let conn = &mut db.connect();
    conn.batch_execute(
        "insert into signals (signal_id, channel_id, is_visible, revision, state) \
             select n, 5, true, 1, '{}' from generate_series(1, 1700) n; \
         insert into deliveries (signal_id, target_channel_id, source_channel_id, mapping_id, desired_revision, state) \
             select n, case when n <= 1200 then 9 else 10 end, 5, 1, 1, 'x' from generate_series(1, 1700) n",
    )
    .unwrap();
    let target = Which::OfTarget(ChannelId::new(9).unwrap());
    let steps: Vec<(usize, bool)> = (0..3)
        .map(|_| put_back(conn, "admin", PutBack::DeadLetters, &target).unwrap())
        .map(|changed| (changed.keys.len(), changed.more))
        .collect();
    assert_eq!(steps, [(1000, true), (200, false), (0, false)]);
    let rest = put_back(conn, "admin", PutBack::DeadLetters, &Which::All).unwrap();
    assert_eq!((rest.keys.len(), rest.more), (500, false));
}

#[test]
fn an_edit_that_was_missed_is_raised() {
    let db = TestDatabase::new();
    let conn = &mut db.connect();
    put(conn, 1, "d");
    assert_eq!(raise_missed(conn, &[key(1)]).unwrap(), 1);
    assert_eq!(stands(conn, 1), ('p', 0, 3, true, true));
    assert_eq!(raise_missed(conn, &[key(1)]).unwrap(), 0);
}
