//! `/api/live` on the admin listener: what a page is told, of what and when; and how its socket ends.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
};

use fake_discord::{Fault, FaultRule, When};
use heliograph_bench::{
    live_client::{
        session::{Event, Session},
        wire,
    },
    stage::Stage,
};
use serde_json::{Value, json};

use crate::{
    harness::{Desk, PATIENCE, actor, raw, server, start, status_of, wait_for},
    said::{create, delete, signal_id, update},
};

/// Frames that come meanwhile, at most, before the one that is waited for.
const FRAMES_MAX: usize = 200;

/// A page of the administration, as far as its socket goes.
struct Page {
    session: Session,
    welcome: Value,
}

impl Page {
    fn open(address: SocketAddr) -> Self {
        Self::open_with(address, &[])
    }

    fn open_with(address: SocketAddr, headers: &[&str]) -> Self {
        let request = request(address, headers);
        let (session, welcome) =
            Session::open_by(address, &request).unwrap_or_else(|failure| panic!("{failure}"));
        Self { session, welcome }
    }

    fn watch(&mut self, topics: &[&str]) {
        self.say(&json!({ "type": "watch", "topics": topics }).to_string());
    }

    fn say(&mut self, text: &str) {
        self.session.send(text).unwrap();
    }

    /// The next frame of which this holds; others come meanwhile.
    fn until(&mut self, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
        for _ in 0..FRAMES_MAX {
            match self.session.next(PATIENCE).unwrap() {
                Event::Frame(frame) if holds(&frame) => return frame,
                Event::Frame(_) => {}
                other => panic!("instead of {what}: {other:?}"),
            }
        }
        panic!("no {what} among {FRAMES_MAX} frames");
    }

    fn next(&mut self, kind: &str) -> Value {
        self.until(kind, |frame| frame["type"] == kind)
    }

    /// The next word of a change of this.
    fn changed(&mut self, topic: &str) -> Value {
        self.until(topic, |frame| {
            let topics = frame["topics"].as_array();
            frame["type"] == "changed"
                && topics.is_some_and(|topics| topics.iter().any(|it| it == topic))
        })
    }

    fn signal(&mut self, signal: u64) -> Value {
        self.until("the signal", |frame| {
            frame["type"] == "signal" && frame["line"]["signal_id"] == signal.to_string()
        })
    }

    /// Reads until the server closes: the code.
    fn closed(&mut self) -> u16 {
        for _ in 0..FRAMES_MAX {
            match self.session.next(PATIENCE).unwrap() {
                Event::Frame(_) => {}
                Event::Closed(code) => return code,
                Event::Silence => panic!("not closed within {PATIENCE:?}"),
            }
        }
        panic!("not closed");
    }
}

fn request(address: SocketAddr, headers: &[&str]) -> String {
    let mut request = wire::upgrade_request_for("/api/live", &address.to_string(), None);
    request.truncate(request.len() - 2);
    for header in headers {
        request += header;
        request += "\r\n";
    }
    request + "\r\n"
}

/// The head of the answer to an upgrade with these header lines.
fn head_of(address: SocketAddr, headers: &[&str]) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
        .write_all(request(address, headers).as_bytes())
        .unwrap();
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() == 1 {
        head.push(byte[0]);
    }
    String::from_utf8_lossy(&head).into_owned()
}

fn admin(desk: &Desk) -> SocketAddr {
    desk.book.now().admin
}

/// What the feed says of itself.
fn feed(desk: &Desk) -> Value {
    actor(&desk.admin, "admin_feed")["detail"].clone()
}

#[test]
fn a_page_is_welcomed_and_hears_how_everything_stands() {
    let desk = Desk::shared();
    let mut page = Page::open(admin(&desk));
    assert_eq!(page.welcome["protocol"], 1);
    assert!(page.welcome["server_time_ms"].is_i64() && page.welcome["version"].is_string());
    let id = desk.connector.connector_id.as_str();
    let pulse = page.until("a pulse with the connector", |frame| {
        let connectors = frame["connectors"].as_array().into_iter().flatten();
        frame["type"] == "pulse" && connectors.clone().any(|it| it["connector_id"] == id)
    });
    assert_eq!(
        (&pulse["ready"], &pulse["not_ready_reason"]),
        (&json!(true), &Value::Null)
    );
    for key in [
        "at_ms",
        "sessions",
        "accepted_per_s",
        "posted_per_s",
        "backlog",
        "dead_letters",
        "quarantined",
    ] {
        assert!(pulse[key].is_number(), "{key} in {pulse}");
    }
    let mut connectors = pulse["connectors"].as_array().unwrap().iter();
    let own = connectors.find(|it| it["connector_id"] == id).unwrap();
    assert_eq!(
        (
            &own["status"],
            &own["discovery"],
            &own["standing"]["batches"]
        ),
        (&json!("active"), &Value::Null, &json!(0)),
        "{own}"
    );
    assert!(pulse["actors"]["count"].as_u64().unwrap() > 5, "{pulse}");
    assert!(pulse["minute"]["at_ms"].is_i64(), "{pulse}");
    assert_eq!(pulse["bot"]["state"], "no_token", "{pulse}");
    // They go on coming.
    let next = page.next("pulse");
    assert!(next["at_ms"].as_i64() > pulse["at_ms"].as_i64());
}

#[test]
fn whatever_is_changed_by_anybody_is_told_to_every_page() {
    let desk = Desk::shared();
    let mut pages = [Page::open(admin(&desk)), Page::open(admin(&desk))];
    let (source, target) = (desk.source(), desk.target());
    for page in &mut pages {
        page.changed("channels");
    }
    let mapping =
        json!({"source_channel_id": source.to_string(), "target_channel_id": target.to_string()});
    desk.admin
        .ask("POST", "/api/mappings", Some(&mapping))
        .unwrap();
    for page in &mut pages {
        page.changed("mappings");
    }
    // An item that cannot be taken comes from a connector, not from an administrator.
    desk.push(&[json!({ "event_type": "create" })]);
    for page in &mut pages {
        page.changed("quarantine");
    }
    // A page that came later is told of what comes later.
    let mut late = Page::open(admin(&desk));
    let wish = json!({"name": "a viewer", "tier": 1});
    desk.admin
        .ask("POST", "/api/session-tokens", Some(&wish))
        .unwrap();
    late.changed("session_tokens");
}

#[test]
fn signals_are_shown_as_they_are_committed_while_somebody_watches() {
    let stage = start(server());
    let desk = Desk::on(&stage);
    let source = desk.source();
    let mut page = Page::open(admin(&desk));
    assert_eq!(feed(&desk)["hears_commits"], false);
    page.watch(&["signals"]);
    wait_for("the feed to hear commits", || {
        (feed(&desk)["hears_commits"] == true).then_some(())
    });
    let signal = signal_id();
    desk.says([1, 0, 0, 0, 0], &[create(source, signal, "first words")]);
    let shown = page.signal(signal);
    assert_eq!(
        (&shown["kind"], &shown["skipped"]),
        (&json!("create"), &json!(0)),
        "{shown}"
    );
    let line = &shown["line"];
    assert_eq!(
        (&line["text"], &line["channel_id"], &line["deleted"]),
        (
            &json!("first words"),
            &json!(source.to_string()),
            &json!(false)
        ),
        "{line}"
    );
    assert!(shown["accepted_at_ms"].as_i64() >= line["created_at_ms"].as_i64());
    desk.says([1, 0, 0, 0, 0], &[update(source, signal, "other words", 1)]);
    assert_eq!(page.signal(signal)["line"]["text"], "other words");
    desk.says([1, 0, 0, 0, 0], &[delete(source, signal)]);
    let gone = page.signal(signal);
    assert_eq!(
        (
            &gone["kind"],
            &gone["line"]["deleted"],
            &gone["line"]["text"]
        ),
        (&json!("delete"), &json!(true), &json!(""))
    );
    // The list says the same.
    let listed = desk.admin.ask("GET", "/api/signals", None).unwrap();
    assert_eq!(listed["items"][0], gone["line"]);
    // A flood shows what fits, and says how much it left out.
    let many: Vec<Value> = (0..200)
        .map(|_| create(source, signal_id(), "one of many"))
        .collect();
    desk.says([200, 0, 0, 0, 0], &many);
    desk.says([1, 0, 0, 0, 0], &[create(source, signal_id(), "after it")]);
    let told = wait_for("a signal that says how many were left out", || {
        desk.push(&[create(source, signal_id(), "and on")]);
        let frame = page.next("signal");
        (frame["skipped"].as_u64()? > 0).then_some(frame)
    });
    assert!(told["skipped"].as_u64().unwrap() >= 100, "{told}");
    page.watch(&[]);
    wait_for("the feed to hear no more commits", || {
        (feed(&desk)["hears_commits"] == false).then_some(())
    });
    drop(page);
    wait_for("the feed to be alone", || {
        (feed(&desk)["sockets"] == 0).then_some(())
    });
}

#[test]
fn actors_and_targets_are_shown_to_those_who_watch_them() {
    let desk = Desk::shared();
    let (source, target) = (desk.source(), desk.target());
    let mapping =
        json!({"source_channel_id": source.to_string(), "target_channel_id": target.to_string()});
    desk.admin
        .ask("POST", "/api/mappings", Some(&mapping))
        .unwrap();
    let mut page = Page::open(admin(&desk));
    page.watch(&["actors"]);
    let actors = page.next("actors");
    let names: Vec<&Value> = actors["actors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|actor| &actor["name"])
        .collect();
    assert!(names.contains(&&json!("router")), "{names:?}");
    let of_target = |frame: &Value, is_paused: bool| {
        let rows = frame["items"].as_array().into_iter().flatten();
        rows.clone().any(|row| {
            row["target_channel_id"] == target.to_string() && row["is_paused"] == is_paused
        })
    };
    page.watch(&["targets"]);
    page.until("the target", |frame| of_target(frame, false));
    desk.admin
        .ask(
            "POST",
            &format!("/api/targets/{target}/pause"),
            Some(&json!({"version": 0})),
        )
        .unwrap();
    page.until("the pause", |frame| of_target(frame, true));
}

#[test]
fn what_is_not_understood_is_said_and_what_is_no_frame_ends() {
    let desk = Desk::shared();
    let mut page = Page::open(admin(&desk));
    for text in [
        r#"{"type":"watch","topics":["everything"]}"#,
        r#"{"type":"attach","channels":[]}"#,
    ] {
        page.say(text);
        assert_eq!(page.next("error")["code"], "not_understood", "{text}");
    }
    page.say(r#"{"type":"pong"}"#);
    page.say("no JSON");
    assert_eq!(page.closed(), 4400);
    let mut talker = Page::open(admin(&desk));
    for _ in 0..101 {
        talker.say(r#"{"type":"pong"}"#);
    }
    assert_eq!(talker.closed(), 4408);
}

#[test]
fn pages_of_others_and_too_many_are_refused() {
    let stage = start(server());
    let desk = Desk::on(&stage);
    let address = admin(&desk);
    for (headers, status) in [
        (vec!["origin: https://evil.example"], 403),
        (vec!["origin: null"], 403),
        (vec!["sec-fetch-site: cross-site"], 403),
    ] {
        let answer = head_of(address, &headers);
        assert_eq!(status_of(&answer), status, "{headers:?}: {answer}");
    }
    let no_upgrade =
        format!("GET /api/live HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    assert_eq!(status_of(&raw(address, no_upgrade.as_bytes())), 400);
    let own = format!("origin: http://{address}");
    let pages: Vec<Page> = (0..64)
        .map(|_| Page::open_with(address, &[own.as_str()]))
        .collect();
    let answer = head_of(address, &[]);
    assert_eq!(status_of(&answer), 429, "{answer}");
    assert!(answer.contains("retry-after"), "{answer}");
    drop(pages);
    wait_for("room for another page", || {
        Session::open_by(address, &crate::admin_live::request(address, &[])).ok()
    });
}

#[test]
fn a_page_that_reads_nothing_costs_the_others_nothing() {
    let mut stage = start(
        server()
            .with_env("HELIOGRAPH_SESSIONS_OUTBOX_AGE_MS_MAX", "1000")
            .with_env("HELIOGRAPH_PUBLIC_SEND_BUFFER_BYTES", "4096"),
    );
    let desk = Desk::on(&stage);
    // So that the tree fills a socket in a few frames.
    for _ in 0..60 {
        desk.source();
    }
    let stalled = stalled(admin(&desk));
    let mut page = Page::open(admin(&desk));
    page.watch(&["actors"]);
    wait_for("the stalled page to be cut", || {
        page.next("actors");
        (feed(&desk)["cut"].as_u64()? > 0).then_some(())
    });
    page.next("pulse");
    // When the process stops, pages are told to come again.
    std::thread::scope(|scope| {
        scope.spawn(|| stage.terminate().unwrap());
        assert_eq!(page.closed(), 4000);
    });
    drop(stalled);
}

/// A page that asks for much, over a socket with hardly any room, and never reads.
fn stalled(address: SocketAddr) -> socket2::Socket {
    use socket2::{Domain, Socket, Type};
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(2_048).unwrap();
    socket.connect(&address.into()).unwrap();
    let watch = json!({ "type": "watch", "topics": ["actors"] }).to_string();
    let mut all = request(address, &[]).into_bytes();
    all.extend(wire::client_frame(wire::Kind::Text, watch.as_bytes()));
    std::io::Write::write_all(&mut &socket, &all).unwrap();
    socket
}

#[test]
fn posts_are_counted_in_the_pulse_and_dead_letters_are_said() {
    let stage: Stage = start(
        server()
            .with_open_fake_discord()
            .with_env("HELIOGRAPH_MIRRORS_ATTEMPTS_MAX", "1"),
    );
    let control = stage.fake_discord().unwrap().control();
    let desk = Desk::on(&stage);
    let (source, target) = (desk.source(), desk.target());
    let mapping =
        json!({"source_channel_id": source.to_string(), "target_channel_id": target.to_string()});
    desk.admin
        .ask("POST", "/api/mappings", Some(&mapping))
        .unwrap();
    let mut page = Page::open(admin(&desk));
    desk.says([1, 0, 0, 0, 0], &[create(source, signal_id(), "posted")]);
    page.until("a minute with a post", |frame| {
        frame["minute"]["posted"]
            .as_u64()
            .is_some_and(|posted| posted > 0)
    });
    let refusal = Fault::Error {
        status: 400,
        code: 50_035,
        message: "Invalid Form Body".into(),
    };
    control.add_fault(FaultRule::new(When::Always, refusal).in_channel(target));
    desk.says([1, 0, 0, 0, 0], &[create(source, signal_id(), "refused")]);
    page.changed("dead_letters");
    page.until("a pulse with the dead letter", |frame| {
        frame["dead_letters"] == 1
    });
}

#[test]
fn a_sign_out_ends_the_sockets_of_that_browser() {
    let stage = start(server().with_env("HELIOGRAPH_ADMIN_TOKEN", "a-secret"));
    let address = stage.book().now().admin;
    let cookie = crate::admin_session::sign_in(address, "a-secret");
    let (own, cookie) = (
        format!("origin: http://{address}"),
        format!("cookie: {cookie}"),
    );
    for (headers, status) in [
        (vec![], 401),
        (vec![own.as_str()], 401),
        (vec![cookie.as_str()], 403),
        (vec![cookie.as_str(), "origin: https://evil.example"], 403),
        (vec!["authorization: Bearer other"], 401),
    ] {
        let answer = head_of(address, &headers);
        assert_eq!(status_of(&answer), status, "{headers:?}: {answer}");
    }
    let mut program = Page::open_with(address, &["authorization: Bearer a-secret"]);
    let mut browser = Page::open_with(address, &[cookie.as_str(), own.as_str()]);
    browser.next("pulse");
    let signed_out =
        crate::admin_session::ask(address, "DELETE", "/api/session", &[&cookie, &own], "");
    assert_eq!(status_of(&signed_out), 204);
    assert_eq!(browser.closed(), 4403);
    program.next("pulse");
}
