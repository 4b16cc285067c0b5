//! The record of deliveries over a real database.
#![allow(clippy::unwrap_used)]
use super::*;
use crate::test_database::TestDatabase;
use diesel::connection::SimpleConnection;

const TARGET: i64 = 900;

fn target() -> ChannelId {
    ChannelId::new(TARGET).unwrap()
}

fn signal(number: i64) -> SignalId {
    SignalId::new(number).unwrap()
}

fn message(number: i64) -> MessageId {
    MessageId::new(number).unwrap()
}

/// Signals 1, 2 and 3 wanted in revision 2, first said a minute ago.
fn with_work() -> (TestDatabase, PgConnection) {
    let db = TestDatabase::new();
    let mut conn = db.connect();
    for number in [1, 2, 3] {
        let state = SignalState::unknown(
            signal(number),
            ChannelId::new(5).unwrap(),
            GuildId::new(6).unwrap(),
        );
        let state = serde_json::to_string(&state).unwrap();
        let frame = format!(
            r#"{{"type":"revision","signal":{{"signal_id":"{number}","channel_id":"5","guild_id":"6","thread_id":"7","author":{{"user_id":"8","username":"ada"}},"text":"first {number}","embeds":[],"attachments":[]}}}}"#
        );
        conn.batch_execute(&format!(
            "insert into signals (signal_id, channel_id, is_visible, revision, state) values ({number}, 5, true, 2, '{state}');
             insert into revisions (channel_id, epoch, seq, signal_id, revision, kind, frame, committed_at)
                values (5, 1, {number}, {number}, 1, 'c', '{frame}', now() - interval '60 s');
             insert into deliveries (signal_id, target_channel_id, source_channel_id, mapping_id, desired_revision, wanted_at)
                values ({number}, {TARGET}, 5, 1, 2, now() - interval '60 s');"
        ))
        .unwrap();
    }
    (db, conn)
}

fn did(number: i64, change: Option<PartChange>, progress: Progress) -> DeliveryRecord {
    DeliveryRecord {
        signal_id: signal(number),
        target_channel_id: target(),
        change,
        progress,
    }
}

fn stands(part: u16, id: i64) -> Option<PartChange> {
    Some(PartChange::Stands(PostedPart {
        part,
        message_id: message(id),
        digest: vec![7],
        at: Address::default(),
    }))
}

#[test]
fn work_comes_in_order_with_its_age_and_pages_say_when_they_end() {
    let (_db, mut conn) = with_work();
    let page = pending(&mut conn, target(), 2).unwrap();
    assert_eq!(
        page.rows
            .iter()
            .map(|row| row.signal.signal_id.get())
            .collect::<Vec<_>>(),
        [1, 2]
    );
    assert!(!page.complete);
    assert!(pending(&mut conn, target(), 4).unwrap().complete);
    let first = &page.rows[0];
    assert!(
        (60_000..120_000).contains(&first.wanted_age_ms),
        "{}",
        first.wanted_age_ms
    );
    assert_eq!(
        (
            first.desired_revision,
            first.delivered_revision,
            first.wait_ms
        ),
        (2, 0, 0)
    );
    assert!(
        pending(&mut conn, ChannelId::new(1).unwrap(), 4)
            .unwrap()
            .rows
            .is_empty()
    );
}

#[test]
fn records_say_what_stands_and_what_is_done() {
    let (_db, mut conn) = with_work();
    let records = [
        did(1, stands(0, 11), Progress::Working),
        did(
            2,
            stands(0, 21),
            Progress::Delivered {
                revision: 2,
                note: None,
            },
        ),
        did(
            3,
            None,
            Progress::Dead {
                revision: 2,
                attempts: 4,
                error: "no\0".into(),
            },
        ),
    ];
    for _ in 0..2 {
        record(&mut conn, &records).unwrap();
    }
    let left = pending(&mut conn, target(), 9).unwrap().rows;
    assert_eq!(left.len(), 1);
    assert_eq!(
        left[0].parts,
        [PostedPart {
            part: 0,
            message_id: message(11),
            digest: vec![7],
            at: Address::default(),
        }]
    );
    let known = recorded_messages(
        &mut conn,
        target(),
        &[message(11), message(12), message(21)],
    )
    .unwrap();
    assert_eq!(known, [message(11), message(21)]);
    record(
        &mut conn,
        &[did(
            1,
            Some(PartChange::Removed { part: 0 }),
            Progress::Working,
        )],
    )
    .unwrap();
    assert_eq!(
        pending_one(&mut conn, target(), signal(1))
            .unwrap()
            .unwrap()
            .parts,
        []
    );
    assert!(
        pending_one(&mut conn, target(), signal(2))
            .unwrap()
            .is_none()
    );
}

#[test]
fn a_newer_wish_stays_pending_whatever_became_of_the_older() {
    let (_db, mut conn) = with_work();
    conn.batch_execute("update deliveries set desired_revision = 3")
        .unwrap();
    let dead = Progress::Dead {
        revision: 2,
        attempts: 1,
        error: "refused".into(),
    };
    record(
        &mut conn,
        &[
            did(
                1,
                stands(0, 11),
                Progress::Delivered {
                    revision: 2,
                    note: None,
                },
            ),
            did(2, None, dead),
        ],
    )
    .unwrap();
    let left = pending(&mut conn, target(), 9).unwrap().rows;
    assert_eq!(
        left.iter()
            .map(|row| row.delivered_revision)
            .collect::<Vec<_>>(),
        [2, 0, 0]
    );
}

#[test]
fn what_a_person_dropped_stays_dropped_whatever_its_mirror_did_meanwhile() {
    let (_db, mut conn) = with_work();
    conn.batch_execute("update deliveries set state = 'c', last_error = 'dropped: spam'")
        .unwrap();
    let (revision, attempts, error) = (2, 4, "no".to_owned());
    let done = Progress::Delivered {
        revision,
        note: None,
    };
    let dead = Progress::Dead {
        revision,
        attempts,
        error: error.clone(),
    };
    let retrying = Progress::Retrying {
        attempts,
        wait_ms: 50,
        error,
    };
    let records = [
        did(1, stands(0, 11), done),
        did(2, None, dead),
        did(3, None, retrying),
    ];
    record(&mut conn, &records).unwrap();
    let rows: Vec<String> = Sql::new(
        "select concat_ws(' ', d.state, d.delivered_revision, d.attempts, d.next_attempt_at, d.last_error, p.message_id) \
         from deliveries d left join mirrored_parts p using (signal_id, target_channel_id) order by signal_id",
    )
    .rows::<Text>()
    .load(&mut conn)
    .unwrap();
    assert_eq!(
        rows,
        [
            "c 2 0 dropped: spam 11",
            "c 0 0 dropped: spam",
            "c 0 0 dropped: spam"
        ]
    );
}

#[test]
fn a_retry_says_when() {
    let (_db, mut conn) = with_work();
    record(
        &mut conn,
        &[did(
            1,
            None,
            Progress::Retrying {
                attempts: 3,
                wait_ms: 50_000,
                error: "503".into(),
            },
        )],
    )
    .unwrap();
    let row = pending_one(&mut conn, target(), signal(1))
        .unwrap()
        .unwrap();
    assert_eq!(row.attempts, 3);
    assert!((1..=50_000).contains(&row.wait_ms), "{}", row.wait_ms);
}

#[test]
fn what_was_shown_earlier_can_be_read() {
    let (_db, mut conn) = with_work();
    let shown = revisions_after(&mut conn, signal(2), 0).unwrap();
    assert_eq!(
        shown
            .iter()
            .map(SignalState::clean_text)
            .collect::<Vec<_>>(),
        ["first 2"]
    );
    let author = shown[0].author.as_ref().and_then(Author::shown_name);
    assert_eq!(
        (author, shown[0].thread_id),
        (Some("ada"), ThreadId::new(7))
    );
    conn.batch_execute(
        "insert into revisions (channel_id, epoch, seq, signal_id, revision, kind, frame) values (5, 1, 9, 2, 2, 'u', '{}')",
    )
    .unwrap();
    assert_eq!(revisions_after(&mut conn, signal(2), 0).unwrap(), shown);
    assert!(revisions_after(&mut conn, signal(2), 1).unwrap().is_empty());
}
