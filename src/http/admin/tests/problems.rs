//! What is wrong with a request is said with its field, and in one form whatever is asked.

use super::*;
use crate::http::listeners::JSON_BYTES_MAX;

#[actix_web::test]
async fn the_field_at_fault_is_named() {
    let l = Listener::new(None);
    l.connector("c1").await;
    l.role("c1", 1, true, false).await;
    l.role("c1", 2, false, true).await;
    l.done(Method::POST, "/api/mappings", mapping(1, 2)).await;
    let (post, put, get, patch) = (Method::POST, Method::PUT, Method::GET, Method::PATCH);
    let rules = |rules: Value| {
        let mut body = json!({ "version": 1 });
        body.as_object_mut()
            .unwrap()
            .extend(rules.as_object().unwrap().clone());
        body
    };
    let named =
        json!({ "items": [{ "signal_id": "1", "target_channel_id": "2" }, { "signal_id": 1 }] });
    let started =
        json!({ "source_channel_id": "1", "target_channel_id": "2", "start": { "last": 0 } });
    let table = [
        (
            &post,
            "/api/connectors",
            json!({ "connector_id": "a b", "tenant_key": "t" }),
            400,
            "connector_id",
        ),
        (
            &post,
            "/api/connectors",
            json!({ "connector_id": "c1" }),
            400,
            "tenant_key",
        ),
        (
            &post,
            "/api/connectors",
            json!({ "connector_id": "c1", "tenant_key": "t" }),
            422,
            "connector_id",
        ),
        (&post, "/api/connectors", json!(7), 400, ""),
        (&get, "/api/connectors?limit=0", Value::Null, 400, "limit"),
        (&get, "/api/connectors?limit=x", Value::Null, 400, "limit"),
        (&get, "/api/connectors?after=%00", Value::Null, 400, "after"),
        (&get, "/api/mappings?after=x", Value::Null, 400, "after"),
        (
            &get,
            "/api/channels?guild_id=x",
            Value::Null,
            400,
            "guild_id",
        ),
        (
            &put,
            "/api/channels/1/visibility",
            json!({}),
            400,
            "min_tier",
        ),
        (
            &put,
            "/api/channels/1/visibility",
            json!({ "min_tier": 101 }),
            400,
            "min_tier",
        ),
        (
            &put,
            "/api/connectors/c1/channels/3",
            json!({ "guild_id": "7" }),
            400,
            "is_source",
        ),
        (
            &post,
            "/api/mappings",
            mapping(1, 1),
            422,
            "target_channel_id",
        ),
        (
            &post,
            "/api/mappings",
            mapping(2, 1),
            422,
            "source_channel_id",
        ),
        (
            &post,
            "/api/mappings",
            mapping(1, 3),
            422,
            "target_channel_id",
        ),
        (
            &post,
            "/api/mappings",
            mapping(1, 2),
            422,
            "target_channel_id",
        ),
        (&post, "/api/mappings", started, 422, "start.last"),
        (
            &patch,
            "/api/mappings/1",
            rules(json!({ "tier": "x" })),
            400,
            "tier",
        ),
        (
            &patch,
            "/api/mappings/1",
            rules(json!({ "filters_json": { "contains": 1 } })),
            400,
            "filters_json.contains",
        ),
        (
            &patch,
            "/api/mappings/1",
            rules(json!({ "filters_json": { "keywords_any": [1] } })),
            400,
            "filters_json.keywords_any[0]",
        ),
        (
            &patch,
            "/api/mappings/1",
            rules(json!({ "filters_json": { "regex_any": ["a", "("] } })),
            422,
            "filters_json.regex_any[1]",
        ),
        (
            &patch,
            "/api/mappings/1",
            rules(json!({ "thread_style": "x" })),
            400,
            "thread_style",
        ),
        (
            &post,
            "/api/dead-letters/redrive",
            named,
            400,
            "items[1].signal_id",
        ),
        (
            &post,
            "/api/deliveries/drop",
            json!({ "items": [], "reason": "r" }),
            422,
            "items",
        ),
        (
            &post,
            "/api/session-tokens",
            json!({ "name": "n", "tier": 1, "expires_at_ms": 1 }),
            422,
            "expires_at_ms",
        ),
        (&patch, "/api/mappings/1", json!({ "version": 7 }), 409, ""),
        (&patch, "/api/mappings/x", json!({ "version": 7 }), 404, ""),
        (
            &post,
            "/api/connectors/a%00b/rotate",
            json!({ "version": 7 }),
            404,
            "",
        ),
    ];
    for (method, path, body, status, field) in table {
        let (got, answer) = l.ask(method.clone(), path, body.clone()).await;
        assert_eq!(got, status, "{method} {path} {body}: {answer}");
        let named = answer.get("field").map(|field| field.as_str().unwrap());
        assert_eq!(
            named.unwrap_or_default(),
            field,
            "{method} {path} {body}: {answer}"
        );
        assert_eq!(
            named.is_some(),
            !field.is_empty(),
            "{method} {path} {body}: {answer}"
        );
    }
}

#[actix_web::test]
async fn a_method_that_a_path_does_not_take_is_told_those_that_it_does() {
    let l = Listener::new(None);
    for (method, path, allow) in [
        (Method::PUT, "/api/connectors", "GET, POST"),
        (Method::GET, "/api/mappings/dry-run", "POST"),
        (
            Method::DELETE,
            "/api/actors/source_channel/1/unpark",
            "POST",
        ),
    ] {
        let request = TestRequest::default().method(method.clone()).uri(path);
        let answered = test::call_service(&l.app().await, request.to_request()).await;
        let allowed = answered.headers().get("allow").unwrap().to_str().unwrap();
        assert_eq!(
            (answered.status().as_u16(), allowed),
            (405, allow),
            "{method} {path}"
        );
        let said: Value =
            serde_json::from_slice(&to_bytes(answered.into_body()).await.ok().unwrap()).unwrap();
        assert_eq!(said["error_code"], "method_not_allowed", "{method} {path}");
    }
    l.refused(Method::GET, "/api/nowhere", Value::Null, 404, "not_found")
        .await;
}

#[actix_web::test]
async fn a_body_over_the_bound_is_told_so() {
    let l = Listener::new(None);
    let name = "x".repeat(JSON_BYTES_MAX);
    let body = json!({ "connector_id": "c1", "tenant_key": "t", "name": name });
    l.refused(Method::POST, "/api/connectors", body, 413, "body_too_large")
        .await;
}
