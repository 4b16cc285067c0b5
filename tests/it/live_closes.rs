//! How sessions end: every close code that a client or an operator can bring about, and what a viewer does after it.

use std::{io::Write as _, net::TcpStream};

use heliograph_bench::{
    live_client::{
        session::{Event, Session},
        wire,
    },
    stage::Stage,
};
use serde_json::json;
use socket2::{Domain, Socket, Type};

use crate::{
    harness::{Desk, PATIENCE, actor, log_of, raw, refused, server, start, status_of, wait_for},
    said::{create, signal_id},
    watcher::{Watcher, rest_of, upgrade},
};

#[test]
fn what_is_no_frame_of_ours_ends_the_session() {
    let desk = Desk::shared();
    let address = desk.book.now().public;
    for text in ["not JSON", "{", "\u{1F680}"] {
        let mut watcher = Watcher::open(address, None);
        watcher.say(text);
        assert_eq!(watcher.closed(), 4400, "{text}");
    }
    let deep = format!("{}1{}", r#"{"a":"#.repeat(10_000), "}".repeat(10_000));
    let mut watcher = Watcher::open(address, None);
    watcher.say(&deep);
    assert_eq!(watcher.closed(), 4400, "10,000 deep");
    let too_long = {
        // A head that announces one byte more than may be.
        let mut frame = vec![0x81, 0x80 | 127];
        frame.extend(65_537_u64.to_be_bytes());
        frame.extend([0; 4]);
        frame.extend(vec![b' '; 65_537]);
        frame
    };
    let unmasked = wire::server_frame(wire::Kind::Text, br#"{"type":"pong"}"#);
    let not_utf8 = wire::client_frame(wire::Kind::Text, &[0xff, 0xfe]);
    let binary = wire::client_frame(wire::Kind::Other, b"binary");
    for (name, frame) in [
        ("binary", binary),
        ("too long", too_long),
        ("unmasked", unmasked),
        ("not UTF-8", not_utf8),
    ] {
        let (head, mut stream) = upgrade(address, &[]);
        assert_eq!(status_of(&head), 101);
        stream.write_all(&frame).unwrap();
        assert_eq!(rest_of(stream), 4400, "{name}");
    }
}

#[test]
fn a_client_that_talks_without_end_is_ended() {
    let desk = Desk::shared();
    let mut watcher = Watcher::open(desk.book.now().public, None);
    for _ in 0..101 {
        watcher.say(r#"{"type":"pong"}"#);
    }
    assert_eq!(watcher.closed(), 4408);
}

/// A server whose bounds are close at hand.
fn narrow() -> Stage {
    start(
        server()
            .with_env("HELIOGRAPH_SESSIONS_COUNT_MAX", "3")
            .with_env("HELIOGRAPH_SESSIONS_CHANNELS_MAX", "2")
            .with_env("HELIOGRAPH_SESSIONS_OUTBOX_BYTES_MAX", "65536")
            .with_env("HELIOGRAPH_SESSIONS_RING_FRAMES_MAX", "2")
            .with_env("HELIOGRAPH_PUBLIC_THREADS", "1")
            .with_env("HELIOGRAPH_PUBLIC_SEND_BUFFER_BYTES", "4096"),
    )
}

#[test]
fn bounds_of_sessions_and_of_one_session() {
    let stage = narrow();
    let desk = Desk::on(&stage);
    too_many_channels(&desk);
    too_many_sessions(&desk);
    no_longer_kept(&desk, &stage);
    too_slow(&desk, &stage);
}

fn too_many_channels(desk: &Desk) {
    let mut watcher = Watcher::open(desk.book.now().public, None);
    let [first, second, third] = [(); 3].map(|()| (desk.source(), None));
    watcher.attach(&[first, second]);
    watcher.say(&wire::attach([third].into_iter()));
    assert_eq!(watcher.closed(), 4429);
    wait_until_empty(desk);
}

fn wait_until_empty(desk: &Desk) {
    wait_for("ended sessions to leave", || {
        (actor(&desk.admin, "session_hub/0")["detail"]["sessions"] == 0).then_some(())
    });
}

fn too_many_sessions(desk: &Desk) {
    let address = desk.book.now().public;
    let seated: Vec<Watcher> = (0..3).map(|_| Watcher::open(address, None)).collect();
    let request = wire::upgrade_request("test", None)
        .replace("connection: Upgrade", "connection: Upgrade, close");
    let answer = raw(address, request.as_bytes());
    assert_eq!(status_of(&answer), 503, "{answer}");
    assert!(
        answer.to_lowercase().contains("\r\nretry-after: ") && answer.contains("\"unavailable\""),
        "{answer}"
    );
    // Everything but a socket is there for everybody.
    let mut client = heliograph_bench::http::HttpClient::new(address, PATIENCE);
    assert_eq!(
        client
            .request("GET", "/api/channels", &[], None)
            .unwrap()
            .status,
        200
    );
    drop(seated);
    wait_for("a place to be free", || {
        let (head, _stream) = upgrade(address, &[]);
        (status_of(&head) == 101).then_some(())
    });
    wait_until_empty(desk);
}

/// The retention has passed over what a cursor needs.
fn no_longer_kept(desk: &Desk, stage: &Stage) {
    let channel = desk.source();
    let items: Vec<_> = (0..10)
        .map(|_| create(channel, signal_id(), "old"))
        .collect();
    desk.push(&items);
    stage
        .table()
        .unwrap()
        .run(&format!(
            "DELETE FROM revisions WHERE channel_id = {channel} AND seq <= 5"
        ))
        .unwrap();
    let mut watcher = Watcher::open_at(desk.book.now().public, channel, 10);
    let mut answer = watcher.attach(&[(channel, Some((1, 3)))]);
    if answer[0]["status"] == "resumed" {
        // It is found out when the table is read.
        answer = watcher.next("attached")["channels"]
            .as_array()
            .unwrap()
            .clone();
    }
    assert_eq!(
        answer[0],
        json!({"channel_id": channel.to_string(), "status": "resync_required", "epoch": 1, "seq": 10})
    );
    // What a viewer does then: load the signals, attach with their cursor.
    let cursor = desk.page(channel, "")["cursor"]["seq"].as_i64().unwrap();
    assert_eq!(
        watcher.attach(&[(channel, Some((1, cursor)))])[0]["status"],
        "resumed"
    );
    watcher.next("live");
    // From a place that is kept it goes on as ever.
    assert_eq!(
        watcher.attach(&[(desk.source(), None)])[0]["status"],
        "resumed"
    );
    drop(watcher);
    let mut watcher = Watcher::open_at(desk.book.now().public, channel, 10);
    watcher.attach(&[(channel, Some((1, 5)))]);
    for seq in 6..=10 {
        watcher.revision(seq);
    }
    drop(watcher);
    wait_until_empty(desk);
}

fn too_slow(desk: &Desk, stage: &Stage) {
    const SIGNALS: i64 = 60;
    let (channel, address) = (desk.source(), desk.book.now().public);
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    // So that little fits on the way and the rest has to wait at the server.
    socket.set_recv_buffer_size(4096).unwrap();
    socket.connect(&address.into()).unwrap();
    let mut stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
        .write_all(wire::upgrade_request("test", None).as_bytes())
        .unwrap();
    stream
        .write_all(&wire::client_frame(
            wire::Kind::Text,
            wire::attach([(channel, None)].into_iter()).as_bytes(),
        ))
        .unwrap();
    let hub = || actor(&desk.admin, "session_hub/0")["detail"].clone();
    wait_for("the slow session to be seated", || {
        (hub()["sessions"] == 1).then_some(())
    });
    let long = "x".repeat(20_000);
    // Its `attached` is not read, so a quick viewer tells when attaching is over for both: they share one hub.
    let mut quick = Watcher::live(address, &[channel]);
    for seq in 1..=SIGNALS {
        desk.says([1, 0, 0, 0, 0], &[create(channel, signal_id(), &long)]);
        quick.revision(seq);
    }
    wait_for("the slow session to be cut", || {
        (hub()["cut"] == 1).then_some(())
    });
    assert!(log_of(stage).contains("slow_session"));
    // The close frame is read if it still fits on the way.
    assert!([4001, 0].contains(&rest_after_upgrade(stream)));
    // It lost nothing: it comes back with its cursor.
    drop(quick);
    wait_until_empty(desk);
    let mut back = Watcher::open_at(address, channel, SIGNALS);
    back.attach(&[(channel, Some((1, 0)))]);
    for seq in 1..=SIGNALS {
        back.revision(seq);
    }
    back.next("live");
}

/// As [`rest_of`], when the answer to the upgrade has not been read yet.
fn rest_after_upgrade(mut stream: TcpStream) -> u16 {
    use std::io::Read as _;
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) == 1 {
        head.push(byte[0]);
    }
    rest_of(stream)
}

#[test]
fn a_session_says_where_it_stands_when_the_server_goes_and_resumes_at_the_next_one() {
    let mut stage = start(server());
    let desk = Desk::on(&stage);
    let (channel, other) = (desk.source(), desk.source());
    desk.says(
        [2, 0, 0, 0, 0],
        &[
            create(channel, signal_id(), "one"),
            create(channel, signal_id(), "two"),
        ],
    );
    let mut watcher =
        Watcher::open_at(desk.book.now().public, channel, 2).go_live(&[channel, other]);
    desk.says([1, 0, 0, 0, 0], &[create(channel, signal_id(), "three")]);
    watcher.revision(3);
    // A long poll and an idle session do not hold it up.
    stage.terminate().unwrap();
    let farewell = watcher.next("going_away");
    let cursors = farewell["cursors"].as_array().unwrap();
    assert_eq!(cursors.len(), 2);
    assert!(
        cursors.contains(&json!({"channel_id": channel.to_string(), "epoch": 1, "seq": 3})),
        "{farewell}"
    );
    assert_eq!(watcher.frame(), Err(4000));

    stage.restart().unwrap();
    desk.says([1, 0, 0, 0, 0], &[create(channel, signal_id(), "four")]);
    let mut watcher = Watcher::open(desk.book.now().public, None);
    let answer = watcher.attach(&[(channel, Some((1, 3))), (other, Some((1, 0)))]);
    assert!(
        answer.iter().all(|channel| channel["status"] == "resumed"),
        "{answer:?}"
    );
    let mut left = vec!["live", "live", "revision"];
    while !left.is_empty() {
        let frame = watcher.frame().unwrap();
        let at = left
            .iter()
            .position(|kind| frame["type"] == *kind)
            .unwrap_or_else(|| panic!("{frame}"));
        left.remove(at);
        if frame["type"] == "revision" {
            assert_eq!(
                (&frame["seq"], &frame["signal"]["text"]),
                (&json!(4), &json!("four"))
            );
        }
    }
}

#[test]
fn who_is_silent_is_ended() {
    let stage = start(
        server()
            .with_env("HELIOGRAPH_SESSIONS_HEARTBEAT_MS", "100")
            .with_env("HELIOGRAPH_SESSIONS_SILENCE_MS_MAX", "500"),
    );
    let address = stage.book().now().public;
    // A client that answers no ping: the answer to the upgrade is read, and then only the end.
    let (head, silent) = upgrade(address, &[]);
    assert_eq!(status_of(&head), 101);
    std::thread::scope(|scope| {
        let ended = scope.spawn(|| rest_of(silent));
        // Beside it one that answers pings and says nothing else, for longer than the silence that is allowed.
        let (mut session, _) = Session::open(address, None).unwrap();
        for _ in 0..10 {
            match session.next(PATIENCE).unwrap() {
                Event::Frame(frame) => assert!(
                    frame["type"] == "heartbeat" && frame["server_time_ms"].is_i64(),
                    "{frame}"
                ),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(ended.join().unwrap(), 4003);
    });
}

#[test]
fn a_batch_on_its_way_is_finished_and_a_later_one_refused_while_the_server_stops() {
    let mut stage =
        start(server().with_env("HELIOGRAPH_INGEST_BATCHES_IN_FLIGHT_PER_CONNECTOR_MAX", "1"));
    let desk = Desk::on(&stage);
    let channel = desk.source();
    let body = desk
        .batch(&[create(channel, signal_id(), "on its way")])
        .to_string();
    let head = desk.head(
        "POST",
        "/ingest/message-batch",
        &[&format!("content-length: {}", body.len())],
    );
    let mut slow = TcpStream::connect(desk.book.now().ingest).unwrap();
    slow.write_all(head.as_bytes()).unwrap();
    wait_for("the batch to be on its way", || {
        (desk.try_push(&[]).status == 429).then_some(())
    });
    heliograph_bench::children::signal(stage.pid(), "TERM").unwrap();
    let answer = wait_for("a refusal", || {
        let answer = desk.try_push(&[create(channel, signal_id(), "after")]);
        (answer.status != 429).then_some(answer)
    });
    refused(&answer, 503, "stopping");
    slow.write_all(body.as_bytes()).unwrap();
    let mut answer = String::new();
    std::io::Read::read_to_string(&mut slow, &mut answer).unwrap();
    assert_eq!(status_of(&answer), 200, "{answer}");
    wait_for("the server to end", || (!stage.is_running()).then_some(()));
    stage.restart().unwrap();
    assert!(
        desk.signals(channel)
            .iter()
            .any(|signal| signal["text"] == "on its way")
    );
}
