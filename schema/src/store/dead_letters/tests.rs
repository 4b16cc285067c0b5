//! Dead letters as they are listed, over a real database.
#![allow(clippy::unwrap_used)]
use super::*;
use crate::{ids::GuildId, test_database::TestDatabase};
use diesel::connection::SimpleConnection;

/// Signal `n` in revision 3, delivered into channel 9 with this state.
pub(in crate::store) fn put(conn: &mut PgConnection, n: i64, state: &str) {
    let id = SignalId::new(n).unwrap();
    let mut said = SignalState::unknown(id, ChannelId::new(5).unwrap(), GuildId::new(6).unwrap());
    said.text = Some(crate::signal::Stamped {
        stamp_ms: 0,
        value: crate::signal::Text {
            raw: String::new(),
            clean: format!("text {n}"),
        },
    });
    let said = serde_json::to_string(&said).unwrap();
    conn.batch_execute(&format!(
        "insert into signals (signal_id, channel_id, is_visible, revision, state) values ({n}, 5, true, 3, '{said}');
         insert into deliveries (signal_id, target_channel_id, source_channel_id, mapping_id, desired_revision, state, \
             attempts, last_error, next_attempt_at, wanted_at) \
             values ({n}, 9, 5, 1, 2, '{state}', 5, 'it said no', now(), now() - interval '1 day')"
    ))
    .unwrap();
}

pub(in crate::store) fn key(n: i64) -> DeliveryKey {
    DeliveryKey {
        signal_id: SignalId::new(n).unwrap(),
        target_channel_id: ChannelId::new(9).unwrap(),
    }
}

#[test]
fn the_list_shows_reason_payload_and_what_stands() {
    let db = TestDatabase::new();
    let conn = &mut db.connect();
    for (n, state) in [(1, "x"), (2, "p"), (3, "x")] {
        put(conn, n, state);
    }
    conn.batch_execute(
        "insert into mirrored_parts (signal_id, target_channel_id, part, message_id, digest) values (3, 9, 1, 71, ''), (3, 9, 0, 70, '')",
    )
    .unwrap();
    let page = |after| Page { after, limit: 1 };
    let first = list(conn, None, page(None)).unwrap();
    let second = list(conn, ChannelId::new(9), page(Some(first[0].place()))).unwrap();
    assert_eq!((first[0].key, second[0].key), (key(1), key(3)));
    assert_eq!(first[0].reason.as_deref(), Some("it said no"));
    assert_eq!(first[0].payload.as_ref().unwrap()["text"], "text 1");
    let parts: Vec<i64> = second[0]
        .parts
        .iter()
        .map(|part| part.message_id.get())
        .collect();
    assert_eq!(parts, [70, 71]);
    assert!(
        list(conn, ChannelId::new(8), page(None))
            .unwrap()
            .is_empty()
    );
    let json = serde_json::to_value(&second[0]).unwrap();
    assert_eq!(
        (&json["signal_id"], &json["attempts"]),
        (&"3".into(), &5.into())
    );
}
