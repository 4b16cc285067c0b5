//! The configuration as one file through the admin routes.

use super::*;

/// What a route answers that is no JSON: type, disposition and text.
async fn file(l: &Listener) -> (String, String, String) {
    let request = TestRequest::get().uri("/api/configuration").to_request();
    let response = test::call_service(&l.app().await, request).await;
    assert_eq!(response.status(), 200);
    let header = |name: &str| {
        let value = response.headers().get(name).unwrap();
        value.to_str().unwrap().to_owned()
    };
    let (kind, disposition) = (header("content-type"), header("content-disposition"));
    let body = to_bytes(response.into_body()).await.ok().unwrap();
    (kind, disposition, String::from_utf8(body.to_vec()).unwrap())
}

async fn compare(l: &Listener, document: &str) -> Value {
    let body = json!({ "document": document });
    l.done(Method::POST, "/api/configuration/compare", body)
        .await
}

async fn apply(l: &Listener, document: &str) -> Value {
    let digest = compare(l, document).await["digest"].clone();
    let body = json!({ "document": document, "digest": digest });
    l.done(Method::POST, "/api/configuration/apply", body).await
}

#[actix_web::test]
async fn a_file_is_exported_compared_and_applied_elsewhere() {
    let l = Listener::new(None);
    l.connector("c1").await;
    l.role("c1", 1, true, false).await;
    l.role("c1", 2, false, true).await;
    l.done(
        Method::PUT,
        "/api/channels/1/visibility",
        json!({ "min_tier": 3 }),
    )
    .await;
    let mut wish = mapping(1, 2);
    wish["filters_json"] = json!({ "regex_any": ["^BUY \"(\\d+)\"$"] });
    l.done(Method::POST, "/api/mappings", wish).await;
    let (kind, disposition, document) = file(&l).await;
    assert!(kind.starts_with("text/plain"), "{kind}");
    assert_eq!(
        disposition,
        "attachment; filename=\"heliograph-configuration.toml\""
    );
    assert!(!document.contains("hgc_"));
    let same = compare(&l, &document).await;
    assert_eq!(
        (&same["changes"], &same["warnings"]),
        (&json!([]), &json!([]))
    );

    let other = Listener::new(None);
    let shown = compare(&other, &document).await;
    let told: Vec<String> = shown["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| {
            format!("{} {} {}", change["action"], change["kind"], change["key"]).replace('"', "")
        })
        .collect();
    assert_eq!(
        told,
        [
            "create connector c1",
            "create channel c1/1",
            "create channel c1/2",
            "create visibility 1",
            "create mapping 1/2"
        ]
    );
    let done = apply(&other, &document).await;
    assert_eq!(
        (&done["applied"], &done["tokens"][0]["connector_id"]),
        (&json!(5), &json!("c1"))
    );
    let token = done["tokens"][0]["token"].as_str().unwrap();
    assert!(token.starts_with("hgc_"));
    assert!(
        other
            .routing()
            .connector_by_token
            .contains_key(&crate::token::hash(token))
    );
    assert_eq!(file(&other).await.2, document);
    let again = apply(&other, &document).await;
    assert_eq!(again, json!({ "applied": 0, "tokens": [] }));
}

#[actix_web::test]
async fn what_is_wrong_with_a_file_is_said_with_its_line() {
    let l = Listener::new(None);
    let connector = "format = 1\n[connectors.a]\ntenant_key = \"t\"\n[connectors.a.channels.1]\nguild_id = \"7\"\nis_source = true\n\
        [connectors.a.channels.2]\nguild_id = \"7\"\nis_target = true\n";
    let mapped = |rest: &str| {
        format!(
            "{connector}[[mappings]]\nsource_channel_id = \"1\"\ntarget_channel_id = \"2\"\n{rest}"
        )
    };
    let huge = format!("format = 1\n#{}", "x".repeat(2 * 1024 * 1024));
    let table = [
        ("format = 9".to_owned(), "line 1, column 10: format 9"),
        (
            "format = 1\nformat = 1".to_owned(),
            "line 2, column 1: duplicate key",
        ),
        (
            mapped("tire = 1"),
            "line 13, column 1: unknown field `tire`",
        ),
        (mapped("tier = \"x\""), "line 13, column 8: invalid type"),
        (
            mapped("ping_role_id = \"9223372036854775808\""),
            "line 13, column 16: not a snowflake",
        ),
        (
            mapped("filters_json.regex_any = [\"(\"]"),
            "line 10, column 1: filters_json.regex_any[0]",
        ),
        (
            mapped("transform_json.prefix = \"\\u0000\""),
            "line 10, column 1: transform_json.prefix: holds the character U+0000",
        ),
        (format!("{connector}name = \"\\u0000\""), "line 10"),
        (
            mapped("").replace("is_source = true\n", ""),
            "line 9, column 1: source_channel_id: channel 1",
        ),
        (
            format!("{connector}[targets.3]\nis_target = true"),
            "line 10, column 1: the bot does not see channel 3",
        ),
        (huge, "at most 2097152"),
    ];
    for (document, words) in table {
        for path in ["compare", "apply"] {
            let mut body = json!({ "document": document });
            if path == "apply" {
                body["digest"] = json!("0");
            }
            let path = format!("/api/configuration/{path}");
            let (status, answer) = l.ask(Method::POST, &path, body).await;
            let said = answer["message"].as_str().unwrap();
            if path.ends_with("apply") && status == 409 {
                // What only the comparison can tell.
                continue;
            }
            assert_eq!(
                (status, &answer["field"]),
                (422, &json!("document")),
                "{answer}"
            );
            assert!(said.contains(words), "{said}, not {words}");
        }
    }
    for (body, status) in [
        (json!({}), 400),
        (json!({ "document": 1 }), 400),
        (json!({ "document": "x".repeat(5 * 1024 * 1024) }), 413),
    ] {
        let (got, answer) = l
            .ask(Method::POST, "/api/configuration/compare", body)
            .await;
        assert_eq!(got, status, "{answer}");
    }
    assert_eq!(file(&l).await.2.lines().count(), 3);
}

#[actix_web::test]
async fn what_was_compared_is_what_is_applied_and_goes_back_whole() {
    let l = Listener::new(None);
    l.connector("c1").await;
    l.role("c1", 1, true, false).await;
    l.role("c1", 2, false, true).await;
    let (_, _, before) = file(&l).await;
    let mapped = format!(
        "{before}\n[[mappings]]\nsource_channel_id = \"1\"\ntarget_channel_id = \"2\"\n[targets.2]\nis_paused = true\n"
    );
    let digest = compare(&l, &mapped).await["digest"].clone();
    l.done(
        Method::PUT,
        "/api/channels/1/visibility",
        json!({ "min_tier": 3 }),
    )
    .await;
    let body = json!({ "document": mapped, "digest": digest });
    l.refused(
        Method::POST,
        "/api/configuration/apply",
        body,
        409,
        "other_state",
    )
    .await;
    l.done(
        Method::PUT,
        "/api/channels/1/visibility",
        json!({ "min_tier": null }),
    )
    .await;
    l.still.looked_at.lock().unwrap().clear();
    let applied = l.changes.applied.load(Ordering::SeqCst);
    let version = l.config_version("c1").await;
    assert_eq!(
        apply(&l, &mapped).await,
        json!({ "applied": 2, "tokens": [] })
    );
    assert_eq!(l.changes.applied.load(Ordering::SeqCst), applied + 1);
    assert_eq!(*l.still.looked_at.lock().unwrap(), [2]);
    assert!(l.config_version("c1").await > version);
    assert_eq!(l.routing().mappings.len(), 1);
    let audit = l.done(Method::GET, "/api/audit?limit=1", Value::Null).await;
    let path = format!("/api/audit/{}/undo", audit["items"][0]["audit_id"]);
    let undone = l
        .done(Method::POST, &path, json!({ "whole_group": true }))
        .await;
    assert_eq!(undone["undone"], 2);
    assert_eq!(file(&l).await.2, before);
}
