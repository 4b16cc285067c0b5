//! A trail over a real database.
#![allow(clippy::unwrap_used)]
use super::*;
use crate::test_database::TestDatabase;
use diesel::connection::SimpleConnection;

const SIGNAL: i64 = 700_000_000_000_000_000;

/// A signal with two revisions, posted into 20, pending in 30, not mapped early enough into 40.
fn told() -> (TestDatabase, PgConnection) {
    let db = TestDatabase::new();
    let mut conn = db.connect();
    conn.batch_execute(&format!(
        "insert into guilds (guild_id, name) values (1, 'there'), (2, 'here'); \
         insert into channels (channel_id, guild_id, name) values (10, 1, 'source'), (20, 2, 'target'); \
         insert into connectors (connector_id, tenant_key, name, token_hash, forward_enabled) values ('desk', 't', 'd', '', true); \
         insert into channel_roles (connector_id, channel_id, guild_id, is_source, is_target, is_enabled, thread_mode) values \
            ('desk', 10, 1, true, false, true, 'include'), ('desk', 30, 2, false, true, true, 'include'), \
            ('desk', 40, 2, false, true, true, 'include'); \
         insert into signals (signal_id, channel_id, is_visible, revision, state) values ({SIGNAL}, 10, true, 2, '{{}}'); \
         insert into revisions (channel_id, epoch, seq, signal_id, revision, kind, frame, committed_at) values \
            (10, 1, 7, {SIGNAL}, 1, 'c', '{{\"late\":true,\"accepted_at_ms\":1000}}', to_timestamp(1.005)), \
            (10, 1, 9, {SIGNAL}, 2, 'u', '{{\"late\":false,\"accepted_at_ms\":2000}}', to_timestamp(2.005)); \
         insert into raw_batches (received_at, connector_id, kind, correlation_id, body) values \
            (to_timestamp(1), 'desk', 'message-batch', 'one', '{{\"id\":\"{SIGNAL}\"}}'), \
            (to_timestamp(1), 'other', 'message-batch', 'two', '{{\"id\":\"5\"}}'), \
            (to_timestamp(2), 'desk', 'message-batch', 'three', '{{\"id\":\"{SIGNAL}\"}}'), \
            (to_timestamp(3), 'desk', 'message-batch', 'four', '{{\"id\":\"{SIGNAL}\"}}'); \
         insert into mappings (source_channel_id, target_channel_id, created_at) values \
            (10, 20, to_timestamp(0)), (10, 30, to_timestamp(0)), (10, 40, to_timestamp(60)); \
         insert into deliveries (signal_id, target_channel_id, source_channel_id, mapping_id, desired_revision, \
            delivered_revision, state, created_at) values ({SIGNAL}, 20, 10, 1, 2, 2, 'd', to_timestamp(1.005)), \
            ({SIGNAL}, 30, 10, 2, 2, 0, 'p', to_timestamp(1.005)); \
         insert into mirrored_parts (signal_id, target_channel_id, part, message_id, digest, posted_at, mirrored_thread_id) values \
            ({SIGNAL}, 20, 0, 90, '', to_timestamp(1.255), null), ({SIGNAL}, 20, 1, 91, '', to_timestamp(1.5), 25); \
         insert into target_channels (target_channel_id, is_paused) values (30, true);"
    ))
    .unwrap();
    (db, conn)
}

#[test]
fn a_trail_tells_the_whole_way() {
    let (_db, mut conn) = told();
    let trail = of(&mut conn, SignalId::new(SIGNAL).unwrap()).unwrap();
    assert_eq!(
        (
            trail.signal.source_channel_name.as_deref(),
            trail.signal.source_guild_name.as_deref()
        ),
        (Some("source"), Some("there"))
    );
    let bodies: Vec<_> = trail
        .captured
        .iter()
        .map(|body| (body.connector_id.as_str(), body.correlation_id.as_str()))
        .collect();
    assert_eq!(bodies, [("desk", "one"), ("desk", "three")]);
    let revisions: Vec<_> = trail
        .committed
        .iter()
        .map(|one| (one.revision, one.kind, one.place.seq, one.late))
        .collect();
    assert_eq!(revisions, [(1, "create", 7, true), (2, "update", 9, false)]);
    let [posted, waiting] = trail.deliveries.as_slice() else {
        panic!("{:?}", trail.deliveries)
    };
    assert_eq!((posted.state, posted.delay_ms), ("delivered", Some(250)));
    let links: Vec<_> = posted
        .parts
        .iter()
        .map(|part| part.link.as_deref())
        .collect();
    assert_eq!(
        links,
        [
            Some("https://discord.com/channels/2/20/90"),
            Some("https://discord.com/channels/2/25/91")
        ]
    );
    assert_eq!(
        (
            waiting.state,
            waiting.explanation.as_str(),
            waiting.delay_ms
        ),
        ("pending", "waits: the target channel is paused", None)
    );
    let [missing] = trail.not_delivered.as_slice() else {
        panic!("{:?}", trail.not_delivered)
    };
    assert_eq!(missing.target_channel_id, ChannelId::new(40));
    assert!(missing.reason.contains("after the signal"), "{missing:?}");
}

#[test]
fn nothing_heard_and_nothing_mapped_are_told_apart() {
    let db = TestDatabase::new();
    let conn = &mut db.connect();
    let id = SignalId::new(SIGNAL).unwrap();
    assert!(matches!(of(conn, id), Err(StoreError::NotFound(_))));
    conn.batch_execute(&format!(
        "insert into signals (signal_id, channel_id, is_visible, revision, state) values ({SIGNAL}, 10, false, 0, '{{\"deleted_at_ms\":5}}')"
    ))
    .unwrap();
    let trail = of(conn, id).unwrap();
    assert_eq!(trail.signal.deleted_at_ms, Some(5));
    assert!(trail.captured.is_empty() && trail.committed.is_empty() && trail.deliveries.is_empty());
    assert_eq!(
        trail.not_delivered[0].reason,
        "no mapping leads from its source channel"
    );
}
