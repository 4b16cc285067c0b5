//! The commands that look back, take back, and carry a whole configuration.

use super::*;

/// A server with a connector, a source, three targets and a mapping of tier 3.
async fn furnished() -> Running {
    let running = Running::start();
    for typed in [
        "connector create c1 --tenant acme",
        "channel set c1 1 --guild 7 --source",
        "channel set c1 2 --guild 7 --target",
        "channel set c1 3 --guild 7 --target",
        "channel set c1 4 --guild 7 --target",
        "mapping add 1 2 --tier 3",
    ] {
        running
            .run(typed)
            .await
            .unwrap_or_else(|failure| panic!("{typed}: {failure}"));
    }
    running
}

impl Running {
    /// As [`Running::run`], for what must go well.
    async fn done(&self, typed: &str) -> Shown {
        self.run(typed)
            .await
            .unwrap_or_else(|failure| panic!("{typed}: {failure}"))
    }
}

#[actix_web::test]
async fn mappings_are_cloned_ordered_changed_together_and_looked_back_on() {
    let running = furnished().await;
    let cloned = running
        .done("mapping clone 1 --target 3 --enabled off")
        .await;
    assert_eq!(
        (&cloned.json["tier"], &cloned.json["is_enabled"]),
        (&json!(3), &json!(false))
    );
    let ordered = running.done("mapping order 1 2 1").await;
    assert_eq!(ordered.json[0]["mapping_id"], 2);
    let changed = running.done("mapping bulk 1 2 --tier 5 --enabled on").await;
    assert_eq!(
        (&changed.json[0]["tier"], &changed.json[1]["tier"]),
        (&json!(5), &json!(5))
    );
    let shown = running.done("mapping show 2").await;
    assert!(shown.text.starts_with("MAPPING  SOURCE"), "{}", shown.text);
    let listed = running.done("mapping list --source 1 --target 3").await;
    assert_eq!(listed.json.as_array().unwrap().len(), 1);
    let history = running.done("mapping history 2").await;
    assert_eq!(history.json[0]["action"], "mapping.change");
    let first = history.text.lines().nth(1).unwrap();
    assert!(first.contains("T") && first.contains("Z  "), "{first}");
    let gone = running.done("mapping bulk 1 2 --remove").await;
    assert_eq!(gone.text, "2 mappings are gone");
    assert_eq!(running.done("mapping list").await.json, json!([]));

    let last = running.done("audit list --action mapping. --last 2").await;
    let entries = last.json.as_array().unwrap();
    assert_eq!(entries.len(), 2);
    let undone = running
        .done(&format!("audit undo {} --group", entries[0]["audit_id"]))
        .await;
    assert!(undone.text.starts_with("2 undone\n"), "{}", undone.text);
    assert_eq!(
        running
            .done("mapping list")
            .await
            .json
            .as_array()
            .unwrap()
            .len(),
        2
    );
    let again = format!("audit undo {}", entries[0]["audit_id"]);
    assert!(running.run(&again).await.is_err());
    running.server.stop(false).await;
}

#[actix_web::test]
async fn a_configuration_is_written_compared_and_applied_when_it_is_said() {
    let running = furnished().await;
    let file = RulesFile::new("configuration", "");
    let typed = |command: &str| format!("config {command} {}", file.0.display());
    running.done(&typed("export")).await;
    let written = std::fs::read_to_string(&file.0).unwrap();
    assert!(written.contains("tier = 3"), "{written}");
    assert!(!written.contains("hgc_"), "{written}");
    assert_eq!(running.done("config export").await.text, written);
    let same = running.done(&typed("compare")).await;
    assert_eq!(same.text, "nothing would change\n");
    assert_eq!(running.done(&typed("apply")).await.json["applied"], 0);

    std::fs::write(&file.0, written.replace("tier = 3", "tier = 4")).unwrap();
    let compared = running.done(&typed("compare")).await;
    assert!(compared.text.starts_with("~ mapping "), "{}", compared.text);
    assert!(compared.text.contains("tier: 3 -> 4"), "{}", compared.text);
    let Err(Failure::LeftUndone { shown, reason }) = running.run(&typed("apply")).await else {
        panic!("it was applied without a word");
    };
    assert_eq!(shown.text, compared.text);
    assert!(reason.contains("--yes"), "{reason}");
    assert_eq!(running.done("mapping show 1").await.json["tier"], 3);

    let applied = running.done(&format!("{} --yes", typed("apply"))).await;
    assert!(
        applied.text.ends_with("1 changes applied\n"),
        "{}",
        applied.text
    );
    assert_eq!(running.done("mapping show 1").await.json["tier"], 4);
    std::fs::write(&file.0, "version = [").unwrap();
    let failure = running
        .run(&typed("compare"))
        .await
        .err()
        .unwrap()
        .to_string();
    assert!(failure.contains("line 1"), "{failure}");
    running.server.stop(false).await;
}

#[actix_web::test]
async fn what_connectors_sent_and_see_is_looked_at() {
    let running = furnished().await;
    let conn = &mut running.db.connect();
    conn.batch_execute(
        "insert into quarantine (connector_id, kind, correlation_id, item_index, reason, body) \
         values ('c1', 'message', 'x', 0, 'no id', '{}'), ('c1', 'message', 'x', 1, 'no id', '{}')",
    )
    .unwrap();
    let open = running
        .done("quarantine list --state open --connector c1")
        .await;
    assert_eq!(open.json.as_array().unwrap().len(), 2);
    let dropped = running.done("quarantine drop 1 2 --reason old").await;
    assert_eq!(dropped.text, "2 dropped");
    let done = running.done("quarantine list --state done").await;
    assert_eq!(done.json[0]["outcome"], "dropped");
    assert_eq!(running.done("raw list --kind thread").await.json, json!([]));
    let available = running.done("channel available --as target").await;
    assert_eq!(
        available.json.as_array().unwrap().len(),
        3,
        "{}",
        available.text
    );
    let tree = running.done("channel tree 7 --connector c1").await;
    assert!(tree.text.contains("(2) [target"), "{}", tree.text);
    let shown = running.done("connector show c1").await;
    assert!(shown.text.contains("CONFIG APPLIED"), "{}", shown.text);
    let guilds = running.done("connector guilds c1").await;
    assert_eq!(guilds.json[0]["guild_id"], "7");
    let rotated = running.done("connector rotate c1 --overlap 60").await;
    assert!(rotated.json["connector"]["previous_token_until_ms"].is_i64());
    let figures = running.done("figures --span hour").await;
    assert!(figures.text.starts_with("MINUTE"), "{}", figures.text);
    running.done("mapping bulk 1 --remove").await;
    running.done("connector delete c1").await;
    assert_eq!(running.done("connector list").await.json, json!([]));
    running.server.stop(false).await;
}
