//! The admin routes over a real database: JSON in, JSON out, and what the router would then work by.
#![allow(clippy::unwrap_used)]

mod configuration;
mod inspection;
mod mapping_rules;
mod mappings;
mod problems;

use super::*;
use crate::{
    error::{no_such_route, uniform_errors},
    http::{changes::NotApplied, correlation::correlate, listeners::JSON_BYTES_MAX},
};
use actix_web::{
    App, Error,
    body::{BoxBody, to_bytes},
    dev::{Service, ServiceResponse},
    http::Method,
    middleware::from_fn,
    test::{self, TestRequest},
    web,
};
use diesel::{RunQueryDsl, sql_types::Text};
use futures_util::future::BoxFuture;
use heliograph_actors::{
    connector_board::ConnectorBoard, mirror_board::MirrorSeen, routing::RoutingTable, routing_load,
};
use heliograph_schema::{frame::Cursor, sql::Sql, test_database::TestDatabase};
use serde_json::{Value, json};
use std::sync::{
    Mutex,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

/// Counts, and fails when told to.
#[derive(Default)]
struct Counted {
    applied: AtomicUsize,
    fails: AtomicBool,
}

impl ConfigurationChanged for Counted {
    fn apply(&self) -> BoxFuture<'static, Result<(), NotApplied>> {
        self.applied.fetch_add(1, Ordering::SeqCst);
        let fails = self.fails.load(Ordering::SeqCst);
        Box::pin(async move {
            if fails {
                Err(NotApplied("on purpose".to_owned()))
            } else {
                Ok(())
            }
        })
    }
}

mod mirrors;

/// Remembers who was told to look; of mirrors and sessions it knows nothing.
#[derive(Default)]
struct Still {
    looked_at: Mutex<Vec<i64>>,
}

impl Running for Still {
    fn look_at(&self, target: ChannelId) {
        self.looked_at.lock().unwrap().push(target.get());
    }

    fn settled(&self) -> BoxFuture<'static, Result<(), NotApplied>> {
        Box::pin(async { Ok(()) })
    }

    fn mirror(&self, _: ChannelId) -> Option<MirrorSeen> {
        None
    }

    fn sessions_told(&self, _: ChannelId, _: Cursor) -> Option<u64> {
        None
    }
}

struct Listener {
    db: TestDatabase,
    changes: Arc<Counted>,
    still: Arc<Still>,
    admin: Admin,
}

impl Listener {
    fn new(token: Option<&str>) -> Self {
        let (db, changes) = (TestDatabase::new(), Arc::new(Counted::default()));
        let still = Arc::new(Still::default());
        let admin = Admin {
            store: db.store(),
            changes: changes.clone(),
            inspector: None,
            connectors: ConnectorBoard::default(),
            running: still.clone(),
            routing: watch::channel(Arc::default()).1,
            token: token.map(Secret::new),
            sign_ins: Arc::default(),
            figures: Figures::default(),
            notices: Noticeboard::default(),
        };
        Self {
            db,
            changes,
            still,
            admin,
        }
    }

    async fn app(
        &self,
    ) -> impl Service<actix_http::Request, Response = ServiceResponse<BoxBody>, Error = Error> + use<>
    {
        let app = App::new()
            .configure(uniform_errors(JSON_BYTES_MAX))
            .app_data(web::Data::new(self.admin.clone()))
            .configure(routes)
            .route("/healthz", web::get().to(async || "ok"))
            .default_service(web::to(no_such_route))
            .wrap(from_fn(access::guard))
            .wrap(from_fn(correlate));
        test::init_service(app).await
    }

    async fn send(&self, request: TestRequest) -> (u16, Value) {
        let (status, body) =
            match test::try_call_service(&self.app().await, request.to_request()).await {
                Ok(response) => (
                    response.status(),
                    to_bytes(response.into_body()).await.ok().unwrap(),
                ),
                Err(error) => {
                    let response = error.error_response();
                    (
                        response.status(),
                        to_bytes(response.into_body()).await.unwrap(),
                    )
                }
            };
        let json = if body.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&body).unwrap()
        };
        (status.as_u16(), json)
    }

    async fn ask(&self, method: Method, path: &str, body: Value) -> (u16, Value) {
        let request = TestRequest::default().method(method).uri(path);
        self.send(if body.is_null() {
            request
        } else {
            request.set_json(body)
        })
        .await
    }

    /// As [`Listener::ask`], for what must go well.
    async fn done(&self, method: Method, path: &str, body: Value) -> Value {
        let (status, answer) = self.ask(method.clone(), path, body).await;
        assert!(
            (200..300).contains(&status),
            "{method} {path}: {status} {answer}"
        );
        answer
    }

    /// As [`Listener::ask`], for what must be refused with this status and code; returns the message.
    async fn refused(
        &self,
        method: Method,
        path: &str,
        body: Value,
        status: u16,
        error_code: &str,
    ) -> String {
        let (got, answer) = self.ask(method.clone(), path, body.clone()).await;
        assert_eq!(
            (got, answer["error_code"].as_str()),
            (status, Some(error_code)),
            "{method} {path} {body}: {answer}"
        );
        answer["message"].as_str().unwrap().to_owned()
    }

    async fn connector(&self, connector_id: &str) -> Value {
        let body = json!({ "connector_id": connector_id, "tenant_key": "acme" });
        self.done(Method::POST, "/api/connectors", body).await
    }

    async fn role(
        &self,
        connector_id: &str,
        channel_id: i64,
        is_source: bool,
        is_target: bool,
    ) -> Value {
        let path = format!("/api/connectors/{connector_id}/channels/{channel_id}");
        self.done(Method::PUT, &path, role(is_source, is_target))
            .await
    }

    async fn config_version(&self, connector_id: &str) -> i64 {
        let list = self.done(Method::GET, "/api/connectors", Value::Null).await;
        let items = list["items"].as_array().unwrap();
        items
            .iter()
            .find(|c| c["connector_id"] == connector_id)
            .unwrap()["config_version"]
            .as_i64()
            .unwrap()
    }

    fn routing(&self) -> RoutingTable {
        routing_load::load(&mut self.db.connect(), 1).unwrap()
    }
}

fn role(is_source: bool, is_target: bool) -> Value {
    json!({ "guild_id": "7", "is_source": is_source, "is_target": is_target, "is_enabled": true, "thread_mode": "include" })
}

fn mapping(source: i64, target: i64) -> Value {
    json!({ "source_channel_id": source.to_string(), "target_channel_id": target.to_string() })
}

#[actix_web::test]
async fn what_is_configured_is_what_the_router_works_by() {
    let l = Listener::new(None);
    let made = l.connector("c1").await;
    l.role("c1", 1, true, false).await;
    l.role("c1", 2, false, true).await;
    l.done(
        Method::PUT,
        "/api/channels/1/visibility",
        json!({ "min_tier": 3 }),
    )
    .await;
    l.done(
        Method::PATCH,
        "/api/connectors/c1",
        json!({ "version": 1, "forward_enabled": true }),
    )
    .await;
    let wish = json!({ "source_channel_id": "1", "target_channel_id": "2", "tier": 2, "ping_role_id": "9", "priority": -1 });
    let mapped = l.done(Method::POST, "/api/mappings", wish).await;
    assert_eq!(
        (
            &mapped["ping_role_id"],
            &mapped["version"],
            &mapped["is_enabled"]
        ),
        (&json!("9"), &json!(1), &json!(true))
    );

    let table = l.routing();
    let connector = &table.connectors["c1"];
    assert!(connector.forward_enabled && connector.ingest_enabled && !connector.is_paused);
    let token = made["token"].as_str().unwrap();
    assert!(token.starts_with("hgc_"));
    assert_eq!(
        table.connector_by_token[&crate::token::hash(token)].connector_id,
        "c1"
    );
    let (source, target) = ("1".parse().unwrap(), "2".parse().unwrap());
    let described = &table.sources[&source];
    assert_eq!(
        (
            described.name.as_str(),
            described.guild_name.as_str(),
            described.min_tier
        ),
        ("1", "7", Some(3))
    );
    assert_eq!(table.mappings[&source].len(), 1);
    assert_eq!(
        table.mappings[&source][0].ping_role_id,
        Some("9".parse().unwrap())
    );
    assert_eq!(table.targets, [target]);
    // Every change was followed by the router, reads were not.
    assert_eq!(l.changes.applied.load(Ordering::SeqCst), 6);
}

#[actix_web::test]
async fn a_target_that_is_no_longer_one_gets_no_new_signals() {
    let l = Listener::new(None);
    l.connector("c1").await;
    l.connector("c2").await;
    l.role("c1", 1, true, false).await;
    l.role("c2", 2, false, true).await;
    l.done(Method::POST, "/api/mappings", mapping(1, 2)).await;
    assert_eq!(l.routing().mappings.len(), 1);
    let before = l.config_version("c1").await;
    let mut off = role(false, true);
    off["is_enabled"] = json!(false);
    off["version"] = json!(1);
    l.done(Method::PUT, "/api/connectors/c2/channels/2", off)
        .await;
    assert!(l.routing().mappings.is_empty());
    // It may still have work.
    assert_eq!(l.routing().targets, ["2".parse().unwrap()]);
    // The connector of the source is told, though the mark was another's.
    assert_eq!(l.config_version("c1").await, before + 1);
}

#[actix_web::test]
async fn only_what_a_connector_must_see_moves_its_config_version() {
    let l = Listener::new(None);
    l.connector("c1").await;
    l.connector("stranger").await;
    let change =
        |version: i64, field: &str, value: Value| json!({ "version": version, field: value });
    // field, value, how far config_version moves
    let table = [
        ("name", json!("Another name"), 0),
        ("status", json!("paused"), 1),
        ("status", json!("active"), 1),
        ("ingest_enabled", json!(false), 1),
        ("forward_enabled", json!(true), 1),
    ];
    let mut version = 1;
    for (field, value, moves) in table {
        let before = l.config_version("c1").await;
        let changed = l
            .done(
                Method::PATCH,
                "/api/connectors/c1",
                change(version, field, value.clone()),
            )
            .await;
        assert_eq!(changed[field], value);
        assert_eq!(changed["config_version"], before + moves, "{field}");
        version += 1;
        assert_eq!(changed["version"], version, "{field}");
        // The same again changes nothing.
        let again = l
            .done(
                Method::PATCH,
                "/api/connectors/c1",
                change(version, field, value),
            )
            .await;
        assert_eq!(again, changed);
    }
    let before = l.config_version("c1").await;
    let asked = l
        .done(
            Method::POST,
            "/api/connectors/c1/discovery",
            json!({ "guild_id": "7" }),
        )
        .await;
    assert_eq!(asked["discovery_request_version"], 1);
    let asked = l
        .done(
            Method::POST,
            "/api/connectors/c1/discovery",
            json!({ "guild_id": null }),
        )
        .await;
    assert_eq!(asked["discovery_request_version"], 2);
    assert_eq!(l.config_version("c1").await, before);
    l.role("c1", 1, true, false).await;
    l.role("c1", 2, false, true).await;
    assert_eq!(l.config_version("c1").await, before + 2);
    l.done(Method::POST, "/api/mappings", mapping(1, 2)).await;
    l.done(
        Method::PATCH,
        "/api/mappings/1",
        json!({ "version": 1, "priority": 4 }),
    )
    .await;
    l.done(Method::DELETE, "/api/mappings/1?version=2", Value::Null)
        .await;
    assert_eq!(l.config_version("c1").await, before + 5);
    assert_eq!(l.config_version("stranger").await, 1);
}

#[actix_web::test]
async fn a_stale_version_changes_nothing() {
    let l = Listener::new(None);
    l.connector("c1").await;
    l.role("c1", 1, true, false).await;
    l.role("c1", 2, false, true).await;
    l.done(Method::POST, "/api/mappings", mapping(1, 2)).await;
    let mut put = role(true, true);
    l.refused(
        Method::PUT,
        "/api/connectors/c1/channels/1",
        put.clone(),
        409,
        "stale_version",
    )
    .await;
    put["version"] = json!(2);
    l.refused(
        Method::PUT,
        "/api/connectors/c1/channels/1",
        put.clone(),
        409,
        "stale_version",
    )
    .await;
    l.refused(
        Method::PUT,
        "/api/connectors/c1/channels/3",
        put,
        409,
        "stale_version",
    )
    .await;
    for (method, path, body) in [
        (
            Method::PATCH,
            "/api/connectors/c1",
            json!({ "version": 2, "name": "x" }),
        ),
        (
            Method::POST,
            "/api/connectors/c1/rotate",
            json!({ "version": 0 }),
        ),
        (
            Method::PATCH,
            "/api/mappings/1",
            json!({ "version": 9, "is_enabled": false }),
        ),
        (Method::DELETE, "/api/mappings/1?version=9", Value::Null),
    ] {
        l.refused(method, path, body, 409, "stale_version").await;
    }
    let audit = l.done(Method::GET, "/api/audit", Value::Null).await;
    assert_eq!(audit["items"].as_array().unwrap().len(), 4);
}

#[actix_web::test]
async fn mappings_that_make_no_sense_are_refused_with_the_reason() {
    let l = Listener::new(None);
    l.connector("c1").await;
    for channel_id in 1..=3 {
        l.role("c1", channel_id, true, true).await;
    }
    l.role("c1", 4, true, false).await;
    l.done(Method::POST, "/api/mappings", mapping(1, 2)).await;
    l.done(Method::POST, "/api/mappings", mapping(2, 3)).await;
    for (source, target, words) in [
        (1, 2, "mapped into 2 already"),
        (3, 1, "loop"),
        (1, 1, "itself"),
        (1, 4, "not marked as an enabled target"),
        (5, 2, "not an enabled source"),
    ] {
        let message = l
            .refused(
                Method::POST,
                "/api/mappings",
                mapping(source, target),
                422,
                "refused",
            )
            .await;
        assert!(message.contains(words), "{source}->{target}: {message}");
    }
    l.refused(
        Method::PATCH,
        "/api/mappings/1",
        json!({ "version": 1, "source_channel_id": "3" }),
        422,
        "refused",
    )
    .await;
    // A ping can be given and taken away.
    let pinged = l
        .done(
            Method::PATCH,
            "/api/mappings/1",
            json!({ "version": 1, "ping_role_id": "5" }),
        )
        .await;
    assert_eq!(pinged["ping_role_id"], "5");
    let quiet = l
        .done(
            Method::PATCH,
            "/api/mappings/1",
            json!({ "version": 2, "ping_role_id": null }),
        )
        .await;
    assert_eq!(quiet["ping_role_id"], Value::Null);
}

#[actix_web::test]
async fn bodies_of_another_form_are_invalid() {
    let l = Listener::new(None);
    l.connector("c1").await;
    let with = |mut body: Value, field: &str, value: Value| {
        body[field] = value;
        body
    };
    let connector = json!({ "connector_id": "c9", "tenant_key": "t" });
    for (method, path, body) in [
        (
            Method::POST,
            "/api/connectors",
            with(connector.clone(), "connector_id", json!("a b")),
        ),
        (
            Method::POST,
            "/api/connectors",
            with(connector.clone(), "tenant_key", json!("")),
        ),
        (
            Method::POST,
            "/api/connectors",
            with(connector.clone(), "name", json!("a\u{0}b")),
        ),
        (
            Method::POST,
            "/api/connectors",
            with(connector, "nmae", json!("x")),
        ),
        (Method::PATCH, "/api/connectors/c1", json!({ "name": "x" })),
        (
            Method::PATCH,
            "/api/connectors/c1",
            json!({ "version": 1, "status": "off" }),
        ),
        (
            Method::PUT,
            "/api/connectors/c1/channels/1",
            with(role(true, false), "thread_mode", json!("some")),
        ),
        (
            Method::PUT,
            "/api/connectors/c1/channels/1",
            with(role(true, false), "guild_id", json!(7)),
        ),
        (Method::PUT, "/api/channels/1/visibility", json!({})),
        (
            Method::PUT,
            "/api/channels/1/visibility",
            json!({ "min_tier": 101 }),
        ),
        (
            Method::POST,
            "/api/mappings",
            with(mapping(1, 2), "tier", json!(-1)),
        ),
        (
            Method::POST,
            "/api/mappings",
            with(mapping(1, 2), "ping_role_id", json!("@here")),
        ),
        (
            Method::POST,
            "/api/mappings",
            with(mapping(1, 2), "filter", json!({})),
        ),
        (Method::POST, "/api/session-tokens", json!({ "name": "n" })),
        (Method::GET, "/api/connectors?limit=501", Value::Null),
        (Method::GET, "/api/mappings?after=x", Value::Null),
        (Method::GET, "/api/deliveries?state=lost", Value::Null),
        (Method::DELETE, "/api/mappings/1", Value::Null),
    ] {
        let message = l.refused(method, path, body, 400, "invalid").await;
        assert!(!message.is_empty());
    }
    for (method, path, body) in [
        (
            Method::PATCH,
            "/api/connectors/none",
            json!({ "version": 1 }),
        ),
        (Method::GET, "/api/connectors/none/channels", Value::Null),
        (
            Method::PUT,
            "/api/connectors/none/channels/1",
            role(true, false),
        ),
        (
            Method::PUT,
            "/api/connectors/c1/channels/zero",
            role(true, false),
        ),
        (
            Method::PUT,
            "/api/channels/404/visibility",
            json!({ "min_tier": 1 }),
        ),
        (Method::DELETE, "/api/mappings/404?version=1", Value::Null),
        (Method::DELETE, "/api/session-tokens/404", Value::Null),
        (Method::GET, "/api/nothing", Value::Null),
    ] {
        l.refused(method, path, body, 404, "not_found").await;
    }
}

#[actix_web::test]
async fn tokens_are_shown_once_and_never_written_down() {
    let l = Listener::new(None);
    let first = l.connector("c1").await;
    let second = l
        .done(
            Method::POST,
            "/api/connectors/c1/rotate",
            json!({ "version": 1 }),
        )
        .await;
    assert_ne!(first["token"], second["token"]);
    let table = l.routing();
    let hash = |answer: &Value| crate::token::hash(answer["token"].as_str().unwrap());
    assert!(!table.connector_by_token.contains_key(&hash(&first)));
    assert!(table.connector_by_token.contains_key(&hash(&second)));
    let session = l
        .done(
            Method::POST,
            "/api/session-tokens",
            json!({ "name": "bench", "tier": 9 }),
        )
        .await;
    assert!(session["token"].as_str().unwrap().starts_with("hgs_"));
    l.refused(
        Method::POST,
        "/api/connectors",
        json!({ "connector_id": "c1", "tenant_key": "t" }),
        422,
        "refused",
    )
    .await;

    let mut seen = String::new();
    for path in ["/api/connectors", "/api/session-tokens", "/api/audit"] {
        seen += &l.done(Method::GET, path, Value::Null).await.to_string();
    }
    let rows: Vec<String> = Sql::new("select row_to_json(c)::text from connectors c union all select row_to_json(s)::text from session_tokens s")
        .rows::<Text>()
        .load(&mut l.db.connect())
        .unwrap();
    for answer in [&first, &second, &session] {
        let token = answer["token"].as_str().unwrap();
        assert!(!seen.contains(token) && !rows.concat().contains(token));
    }
    assert!(!seen.contains("hash"));
}

#[actix_web::test]
async fn session_tokens_end() {
    let l = Listener::new(None);
    let later = chrono::Utc::now().timestamp_millis() + 3_600_000;
    let made = l
        .done(
            Method::POST,
            "/api/session-tokens",
            json!({ "name": "a", "tier": 1, "expires_at_ms": later }),
        )
        .await;
    assert_eq!(made["session_token"]["expires_at_ms"], later);
    let past = json!({ "name": "a", "tier": 1, "expires_at_ms": 1 });
    l.refused(Method::POST, "/api/session-tokens", past, 422, "refused")
        .await;
    let (status, body) = l
        .ask(Method::DELETE, "/api/session-tokens/1", Value::Null)
        .await;
    assert_eq!((status, body), (204, Value::Null));
    let list = l
        .done(Method::GET, "/api/session-tokens", Value::Null)
        .await;
    assert!(list["items"][0]["revoked_at_ms"].is_i64());
}

#[actix_web::test]
async fn lists_come_in_pages() {
    let l = Listener::new(None);
    for connector_id in ["a", "b", "c"] {
        l.connector(connector_id).await;
    }
    for channel_id in [30, 4, 100] {
        l.role("a", channel_id, true, false).await;
    }
    for (path, key, want) in [
        ("/api/connectors", "connector_id", ["a", "b", "c"]),
        (
            "/api/connectors/a/channels",
            "channel_id",
            ["4", "30", "100"],
        ),
    ] {
        let first = l
            .done(Method::GET, &format!("{path}?limit=2"), Value::Null)
            .await;
        let after = first["next_after"].as_str().unwrap();
        let second = l
            .done(
                Method::GET,
                &format!("{path}?limit=2&after={after}"),
                Value::Null,
            )
            .await;
        assert_eq!(second["next_after"], Value::Null);
        let items = [&first, &second]
            .into_iter()
            .flat_map(|page| page["items"].as_array().unwrap());
        assert_eq!(
            items
                .map(|item| item[key].as_str().unwrap())
                .collect::<Vec<_>>(),
            want
        );
    }
    // The newest change is the first.
    let audit = l.done(Method::GET, "/api/audit?limit=1", Value::Null).await;
    let entry = &audit["items"][0];
    assert_eq!(
        (&entry["action"], &entry["subject"], &entry["before"]),
        (&json!("channel_role.put"), &json!("a/100"), &Value::Null)
    );
    assert_eq!(entry["after"]["thread_mode"], "include");
    assert_eq!(entry["actor"], "admin");
}

#[actix_web::test]
async fn with_a_token_nothing_is_served_without_it() {
    let l = Listener::new(Some("the-token"));
    let get = |path: &str| TestRequest::get().uri(path);
    for path in [
        "/api/connectors",
        "/api/nothing",
        "/metrics",
        "/debug/actors",
    ] {
        let (status, body) = l.send(get(path)).await;
        assert_eq!(
            (status, &body["error_code"]),
            (401, &json!("unauthorized")),
            "{path}"
        );
    }
    let (status, _) = l
        .send(get("/api/connectors").insert_header(("authorization", "Bearer the-token")))
        .await;
    assert_eq!(status, 200);
    let app = l.app().await;
    assert_eq!(
        test::call_service(&app, get("/healthz").to_request())
            .await
            .status(),
        200
    );
}

#[actix_web::test]
async fn a_page_of_another_origin_changes_nothing() {
    let l = Listener::new(None);
    let body = json!({ "connector_id": "c1", "tenant_key": "t" });
    let post = || {
        TestRequest::post()
            .uri("/api/connectors")
            .set_json(&body)
            .insert_header(("host", "127.0.0.1:8081"))
    };
    let (status, _) = l
        .send(post().insert_header(("origin", "https://evil.example")))
        .await;
    assert_eq!(status, 403);
    let (status, _) = l
        .send(post().insert_header(("sec-fetch-site", "cross-site")))
        .await;
    assert_eq!(status, 403);
    assert!(l.routing().connectors.is_empty());
    let (status, _) = l
        .send(post().insert_header(("origin", "http://127.0.0.1:8081")))
        .await;
    assert_eq!(status, 201);
}

#[actix_web::test]
async fn a_change_that_the_router_did_not_take_over_is_not_answered_as_done() {
    let l = Listener::new(None);
    l.changes.fails.store(true, Ordering::SeqCst);
    let body = json!({ "connector_id": "c1", "tenant_key": "t" });
    let message = l
        .refused(Method::POST, "/api/connectors", body, 503, "unavailable")
        .await;
    assert!(message.contains("stored"), "{message}");
}
