//! Scripted faults as a client meets them.

use std::{
    io::{ErrorKind, Read, Write},
    net::TcpStream,
    time::Duration,
};

use fake_discord::{
    Control, DEFAULT_BOT_TOKEN, Fault, FaultBody, FaultRule, HangEnd, RouteKind, When,
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Harness, message_path};

const ONCE: When = When::Next { count: 1, skip: 0 };

fn faulty(fault: Fault) -> Harness {
    let fake = Harness::plain();
    fake.control()
        .add_fault(FaultRule::new(ONCE, fault).on(RouteKind::MessageCreate));
    fake
}

fn posted(fake: &Harness) -> usize {
    fake.control().messages(None).len()
}

/// Writes a create to a bare socket.
fn raw_request(fake: &Harness) -> TcpStream {
    let address = fake.discord.base_url().replace("http://", "");
    let mut socket = TcpStream::connect(address).unwrap();
    socket
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    let body = r#"{"content":"x"}"#;
    let request = format!(
        "POST /api/v10/channels/10/messages HTTP/1.1\r\nHost: fake\r\nAuthorization: Bot {DEFAULT_BOT_TOKEN}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    socket.write_all(request.as_bytes()).unwrap();
    socket
}

/// Posts over a bare socket and reads until its end.
fn raw_post(fake: &Harness) -> Result<String, ErrorKind> {
    let mut answer = Vec::new();
    let read = raw_request(fake).read_to_end(&mut answer);
    read.map(|_| String::from_utf8(answer).unwrap())
        .map_err(|error| error.kind())
}

#[tokio::test]
async fn a_closed_connection_with_and_without_the_work() {
    for (fault, work) in [(Fault::CommitThenDrop, 1), (Fault::DropBefore, 0)] {
        let fake = faulty(fault);
        assert_eq!(raw_post(&fake), Ok(String::new()), "not a byte of answer");
        assert_eq!(posted(&fake), work);
        assert_eq!(
            fake.post(json!({ "content": "x" })).await.status,
            200,
            "only once"
        );
        let stats = fake.control().stats();
        assert_eq!((stats.unanswered, stats.faulted), (1, 1));
        let line = fake.control().requests(0).remove(0);
        assert!(line.unanswered && line.faulted);
        assert_eq!(line.status, if work == 1 { 200 } else { 0 });
    }
}

#[tokio::test]
async fn a_reset_connection_with_and_without_the_work() {
    for commit in [true, false] {
        let fake = faulty(Fault::Reset { commit });
        assert_eq!(raw_post(&fake), Err(ErrorKind::ConnectionReset));
        assert_eq!(posted(&fake), usize::from(commit));
    }
}

#[tokio::test]
async fn a_dropped_answer_is_an_error_for_an_ordinary_client() {
    let fake = faulty(Fault::CommitThenDrop);
    let body = Some(json!({ "content": "x" }));
    let sent = fake
        .try_send(Method::POST, "/api/v10/channels/10/messages", body)
        .await;
    assert!(sent.is_err_and(|error| error.is_request()));
    assert_eq!(posted(&fake), 1);
}

#[tokio::test]
async fn statuses_without_json() {
    for (status, body, commit) in [
        (500, FaultBody::Empty, false),
        (502, FaultBody::Html, false),
        (503, FaultBody::Html, true),
    ] {
        let fake = faulty(Fault::Status {
            status,
            body,
            commit,
        });
        let answer = fake.post(json!({ "content": "x" })).await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.text.is_empty(), body == FaultBody::Empty);
        assert_eq!(
            answer.text.starts_with("<!DOCTYPE html>"),
            body == FaultBody::Html
        );
        assert_eq!(posted(&fake), usize::from(commit));
    }
}

#[tokio::test]
async fn errors_in_discords_form() {
    let fake = faulty(Fault::Unauthorized);
    assert_eq!(
        fake.post(json!({ "content": "x" })).await.failure(),
        (401, 0)
    );
    let error = Fault::Error {
        status: 403,
        code: 50013,
        message: "Missing Permissions".to_owned(),
    };
    fake.control().add_fault(FaultRule::new(ONCE, error));
    assert_eq!(
        fake.post(json!({ "content": "x" })).await.failure(),
        (403, 50013)
    );
    assert_eq!(fake.control().stats().invalid_requests, 2);
    assert_eq!(posted(&fake), 0);
}

#[tokio::test]
async fn broken_bodies_after_the_work() {
    let fake = faulty(Fault::TruncatedJson);
    let answer = fake.post(json!({ "content": "x" })).await;
    assert_eq!(answer.status, 200);
    assert!(serde_json::from_str::<Value>(&answer.text).is_err());
    assert_eq!(posted(&fake), 1);

    let fake = faulty(Fault::CutBody);
    let answer = raw_post(&fake).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let announced = head.lines().find_map(|line| {
        line.to_ascii_lowercase()
            .strip_prefix("content-length: ")?
            .parse::<usize>()
            .ok()
    });
    assert!(head.starts_with("HTTP/1.1 200"));
    assert_eq!(
        announced.unwrap() / 2,
        body.len(),
        "half of what was announced"
    );
    assert_eq!(posted(&fake), 1);
}

#[tokio::test]
async fn hanging_and_late_answers() {
    let hang = |commit, then| Fault::Hang {
        hang_ms: 30,
        commit,
        then,
    };
    for (fault, answered, work) in [
        (hang(true, HangEnd::Answer), true, 1),
        (hang(false, HangEnd::Answer), true, 1),
        (hang(true, HangEnd::Close), false, 1),
        (hang(false, HangEnd::Close), false, 0),
        (Fault::Delay { delay_ms: 30 }, true, 1),
    ] {
        let fake = faulty(fault.clone());
        let body = Some(json!({ "content": "x" }));
        let sent = fake
            .try_send(Method::POST, "/api/v10/channels/10/messages", body)
            .await;
        assert_eq!(
            sent.is_ok_and(|answer| answer.status == 200),
            answered,
            "{fault:?}"
        );
        assert_eq!(posted(&fake), work, "{fault:?}");
    }
}

#[tokio::test]
async fn a_client_that_gave_up_has_still_posted() {
    let at_most = Duration::from_secs(20);
    let hour_ms = 3_600_000;
    let hang = Fault::Hang {
        hang_ms: hour_ms,
        commit: true,
        then: HangEnd::Answer,
    };
    for fault in [hang, Fault::Delay { delay_ms: 100 }] {
        let fake = faulty(fault);
        drop(raw_request(&fake));
        let there = |control: &Control| control.messages(None).len() == 1;
        assert!(fake.control().wait_for(at_most, there).await);
        // A connection that still hangs does not keep the fake from stopping here.
    }
}

#[tokio::test]
async fn what_was_asked_is_logged_also_when_it_was_not_done() {
    let fake = faulty(Fault::Status {
        status: 503,
        body: FaultBody::Empty,
        commit: false,
    });
    fake.post(json!({ "content": "in vain" })).await;
    fake.post(json!({ "content": "done" })).await;
    let lines = fake.control().requests(0);
    let said: Vec<_> = lines
        .iter()
        .map(|line| (line.status, &*line.content, line.message_id.is_some()))
        .collect();
    assert_eq!(said, [(503, "in vain", false), (200, "done", true)]);
}

#[tokio::test]
async fn away_it_refuses_connections_and_back_it_remembers() {
    let mut fake = Harness::plain();
    let address = fake.discord.base_url().replace("http://", "");
    for turn in 1..=3 {
        let there = |control: &Control| control.messages(None).len() == turn;
        let socket = raw_request(&fake);
        let at_most = Duration::from_secs(20);
        assert!(fake.control().wait_for(at_most, there).await, "{turn}");
        // Twice is as good as once.
        fake.discord.go_away().unwrap();
        fake.discord.go_away().unwrap();
        let refused = TcpStream::connect(&address).map_err(|error| error.kind());
        assert_eq!(refused.err(), Some(ErrorKind::ConnectionRefused));
        drop(socket);
        fake.discord.come_back().unwrap();
        fake.discord.come_back().unwrap();
    }
    assert_eq!(fake.control().stats().requests, 3);
}

#[tokio::test]
async fn faults_over_http_and_by_seed() {
    let fake = Harness::plain();
    let rules = json!([
        { "method": "PATCH", "when": { "every": { "every": 2 } }, "fault": "drop_before" },
        { "route": "message_create", "channel_id": "10",
          "when": { "probability": { "probability": 0.5, "seed": 1 } },
          "fault": { "status": { "status": 502, "body": "html" } } },
    ]);
    let run = async || {
        fake.send(Method::DELETE, "/_fake/faults", None).await;
        assert_eq!(
            fake.send(Method::POST, "/_fake/faults", Some(rules.clone()))
                .await
                .status,
            200
        );
        let mut statuses = Vec::new();
        for _ in 0..20 {
            statuses.push(fake.post(json!({ "content": "x" })).await.status);
        }
        statuses
    };
    let first = run().await;
    assert!(first.contains(&200) && first.contains(&502));
    assert_eq!(first, run().await, "the same seed, the same faults");

    let id = fake.control().messages(None)[0].id;
    let edit = async || {
        let path = format!("/api/v10{}", message_path(id));
        fake.try_send(Method::PATCH, &path, Some(json!({ "content": "y" })))
            .await
            .is_ok()
    };
    assert_eq!(
        (edit().await, edit().await, edit().await),
        (true, false, true)
    );
    let shown = fake.send(Method::GET, "/_fake/faults", None).await.json();
    assert_eq!(shown.as_array().unwrap().len(), 2);
    let wrong = json!({ "when": "always", "fault": "explode" });
    assert_eq!(
        fake.send(Method::POST, "/_fake/faults", Some(wrong))
            .await
            .status,
        400
    );
}
