//! Rules of mappings through the admin routes: saved whole or refused with their place, changed field by field, audited, told
//! to routers and connectors, and tried on signals without being saved.

use super::*;
use diesel::connection::SimpleConnection;
use heliograph_schema::store::signals as stored;

async fn with_two_channels() -> Listener {
    let l = Listener::new(None);
    l.connector("c1").await;
    l.role("c1", 1, true, false).await;
    l.role("c1", 2, false, true).await;
    l
}

fn with(mut body: Value, fields: &Value) -> Value {
    let fields = fields.as_object().unwrap().clone();
    body.as_object_mut().unwrap().extend(fields);
    body
}

#[actix_web::test]
async fn rules_are_saved_shown_changed_by_field_and_audited() {
    let l = with_two_channels().await;
    let rules = json!({
        "filters_json": { "keywords_any": ["btc"], "regex_none": ["(?i)test"] },
        "transform_json": { "prefix": "> " },
        "author_style": "name_line", "thread_style": "mirrored", "hand_deletions": "repost",
    });
    let made = l
        .done(Method::POST, "/api/mappings", with(mapping(1, 2), &rules))
        .await;
    let shows = |row: &Value, rules: &Value| {
        for field in heliograph_schema::rules::FIELDS {
            assert_eq!(row.get(field), rules.get(field), "{field} of {row}");
        }
        assert_eq!(row.get("rule_set_id"), None);
    };
    shows(&made, &rules);
    let version = l.config_version("c1").await;
    let set = l.routing().mappings[&"1".parse().unwrap()][0].rule_set_id;
    let told = serde_json::to_value(&l.routing().rule_sets[&set.unwrap()]).unwrap();
    assert_eq!(told, rules);

    // Each change, and what the rules are afterwards.
    let steps = [
        (
            json!({ "filters_json": { "has_embed": true } }),
            with(
                rules.clone(),
                &json!({ "filters_json": { "has_embed": true } }),
            ),
        ),
        (
            json!({ "filters_json": null, "transform_json": {}, "author_style": null }),
            json!({ "thread_style": "mirrored", "hand_deletions": "repost" }),
        ),
        (
            json!({ "thread_style": "channel", "hand_deletions": null }),
            json!({}),
        ),
        (rules.clone(), rules.clone()),
    ];
    for (at, (change, after)) in (1..).zip(steps) {
        let change = with(json!({ "version": at }), &change);
        let row = l
            .done(Method::PATCH, "/api/mappings/1", change.clone())
            .await;
        shows(&row, &after);
        assert_eq!(l.config_version("c1").await, version + at);
        let listed = l.done(Method::GET, "/api/mappings", Value::Null).await;
        assert_eq!(listed["items"][0], row, "{change}");
        let audit = l.done(Method::GET, "/api/audit?limit=1", Value::Null).await;
        shows(&audit["items"][0]["after"], &after);
    }
    let audit = l.done(Method::GET, "/api/audit?limit=1", Value::Null).await;
    shows(&audit["items"][0]["before"], &json!({}));
    // Saying what is so already is no change, and another field leaves the rules as they are.
    let same = with(json!({ "version": 5 }), &rules);
    let row = l.done(Method::PATCH, "/api/mappings/1", same).await;
    assert_eq!(row["version"], 5);
    let other = json!({ "version": 5, "priority": 3 });
    shows(
        &l.done(Method::PATCH, "/api/mappings/1", other).await,
        &rules,
    );
    let table = l.routing();
    assert_eq!(table.mappings[&"1".parse().unwrap()][0].rule_set_id, set);
}

#[actix_web::test]
async fn rules_that_cannot_be_carried_out_are_refused_with_their_place() {
    let l = with_two_channels().await;
    l.done(Method::POST, "/api/mappings", mapping(1, 2)).await;
    let many = vec!["x"; 101];
    let table = [
        (
            json!({ "filters_json": { "regex_any": ["a", "("] } }),
            422,
            "filters_json.regex_any[1]: ",
        ),
        (
            json!({ "filters_json": { "keywords_none": many } }),
            422,
            "filters_json.keywords_none: ",
        ),
        (
            json!({ "filters_json": { "authors_allow": [" "] } }),
            422,
            "filters_json.authors_allow[0]: ",
        ),
        (
            json!({ "filters_json": { "domains_blocked": ["https://a.example/"] } }),
            422,
            "filters_json.domains_blocked[0]: ",
        ),
        (
            json!({ "transform_json": { "template": "{price}" } }),
            422,
            "transform_json.template: ",
        ),
        (
            json!({ "transform_json": { "prefix": "x".repeat(501) } }),
            422,
            "transform_json.prefix: ",
        ),
        (
            json!({ "filters_json": { "contains": "long" } }),
            400,
            "filters_json.contains: unknown field `contains`",
        ),
        (
            json!({ "transform_json": { "replace_words": [{ "from": "a", "with": "b" }] } }),
            400,
            "transform_json.replace_words[0].with: unknown field `with`",
        ),
        (
            json!({ "author_style": "loud" }),
            400,
            "author_style: unknown variant `loud`",
        ),
    ];
    for (rules, status, words) in table {
        let error_code = if status == 422 { "refused" } else { "invalid" };
        for (method, path, body) in [
            (Method::POST, "/api/mappings", mapping(2, 1)),
            (
                Method::POST,
                "/api/mappings",
                with(mapping(2, 1), &json!({ "start": { "last": 5 } })),
            ),
            (Method::PATCH, "/api/mappings/1", json!({ "version": 1 })),
            (
                Method::POST,
                "/api/mappings/dry-run",
                json!({ "source_channel_id": "1" }),
            ),
        ] {
            // A channel without signals can be tried once it has a head.
            stored::open_heads(&mut l.db.connect(), &["1".parse().unwrap()]).unwrap();
            let body = with(body, &rules);
            let message = l.refused(method, path, body, status, error_code).await;
            assert!(message.contains(words), "{rules}: {message}");
        }
    }
    let listed = l.done(Method::GET, "/api/mappings", Value::Null).await;
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    assert_eq!(listed["items"][0]["version"], 1);
}

#[actix_web::test]
async fn a_dry_run_reads_the_latest_signals_and_writes_nothing() {
    let l = with_two_channels().await;
    let saved = json!({ "ping_role_id": "9", "transform_json": { "suffix": "!" } });
    l.done(Method::POST, "/api/mappings", with(mapping(1, 2), &saved))
        .await;
    let conn = &mut l.db.connect();
    stored::open_heads(conn, &["1".parse().unwrap()]).unwrap();
    for number in 1..=25 {
        // One that was never shown, and one in a thread with a name.
        let (is_visible, thread) = (number != 24, if number == 25 { Some("5") } else { None });
        let mut state = json!({
            "signal_id": number.to_string(), "channel_id": "1", "guild_id": "7", "created": true, "revision": 1,
            "author": { "user_id": "77", "username": "desk" },
            "text": { "stamp_ms": 0, "value": { "raw": format!("s{number}"), "clean": format!("s{number}") } },
        });
        if let Some(thread) = thread {
            state["thread_id"] = json!(thread);
        }
        conn.batch_execute(&format!(
            "insert into signals (signal_id, channel_id, is_visible, revision, state) values ({number}, 1, {is_visible}, 1, '{state}')"
        ))
        .unwrap();
    }
    conn.batch_execute(
        "insert into threads (thread_id, parent_channel_id, guild_id, name) values (5, 1, 7, 'earnings')",
    )
    .unwrap();
    let rows = |l: &Listener| -> Vec<i64> {
        Sql::new("select (select count(*) from deliveries) + (select count(*) from audit) + (select count(*) from rule_sets)")
            .rows::<diesel::sql_types::BigInt>()
            .load(&mut l.db.connect())
            .unwrap()
    };
    let before = rows(&l);

    let shown = l
        .done(Method::GET, "/api/mappings/1/dry-run", Value::Null)
        .await;
    let items = shown["items"].as_array().unwrap();
    assert_eq!((items.len(), &shown["cut_short"]), (20, &Value::Null));
    let expected = json!({
        "signal_id": "25", "author": "desk", "thread": "earnings", "text": "s25", "deleted": false,
        "result": "posts", "reason": null,
        "parts": [{ "content": "<@&9>\n*earnings*\ns25!", "embeds": [], "pings_role": "9", "sender": null }],
    });
    assert_eq!(items[0], expected);
    assert_eq!(items[1]["signal_id"], "23");

    let tried =
        json!({ "source_channel_id": "1", "last": 2, "filters_json": { "keywords_any": ["s23"] } });
    let shown = l.done(Method::POST, "/api/mappings/dry-run", tried).await;
    let results = [0, 1].map(|place| &shown["items"][place]["result"]);
    assert_eq!(results, ["held_back", "posts"]);
    assert_eq!(shown["items"][1]["parts"][0]["content"], "s23");
    assert_eq!(rows(&l), before);
    let applied = l.changes.applied.load(Ordering::SeqCst);
    assert_eq!(applied, 4, "a dry run changes no configuration");

    for (method, path, body, status, error_code) in [
        (
            Method::GET,
            "/api/mappings/1/dry-run?last=201",
            Value::Null,
            400,
            "invalid",
        ),
        (
            Method::GET,
            "/api/mappings/1/dry-run?last=0",
            Value::Null,
            400,
            "invalid",
        ),
        (
            Method::GET,
            "/api/mappings/8/dry-run",
            Value::Null,
            404,
            "not_found",
        ),
        (
            Method::POST,
            "/api/mappings/dry-run",
            json!({ "source_channel_id": "404" }),
            404,
            "not_found",
        ),
        (
            Method::POST,
            "/api/mappings/dry-run",
            json!({ "source_channel_id": "1", "target_channel_id": "2" }),
            400,
            "invalid",
        ),
    ] {
        l.refused(method, path, body, status, error_code).await;
    }
}
