//! The file read, written and compared, without a database.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::rules::{AuthorStyle, Filters, HandDeletions, Replacement, ThreadStyle, Transform};
use proptest::{collection, option, prelude::*};

fn id(number: i64) -> ChannelId {
    ChannelId::new(number).unwrap()
}

fn read_well(text: &str) -> ReadDocument {
    read(text, &|_| Ok(())).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

const FILE: &str = r#"
format = 1
[connectors.desk]
tenant_key = "acme"
forward_enabled = true
[connectors.desk.channels.1]
guild_id = "7"
is_source = true
[connectors.desk.channels.2]
guild_id = "7"
is_target = true
[visibility.1]
guild_id = "7"
min_tier = 2
[targets.3]
is_target = true
[[mappings]]
source_channel_id = "1"
target_channel_id = "2"
filters_json.keywords_any = ["btc"]
[[mappings]]
source_channel_id = "1"
target_channel_id = "3"
"#;

#[test]
fn what_is_not_said_is_at_its_default() {
    let read = read_well(FILE);
    let configuration = &read.configuration;
    let desk = &configuration.connectors["desk"];
    assert_eq!(
        (
            desk.name.as_str(),
            desk.status,
            desk.ingest_enabled,
            desk.forward_enabled
        ),
        ("desk", Status::Active, true, true)
    );
    let role = &configuration.channels[&("desk".to_owned(), id(1))];
    assert!(role.is_enabled && role.is_source && !role.is_target);
    let mapping = &configuration.mappings[&(id(1), id(2))];
    assert_eq!(mapping.rules.filters.keywords_any, ["btc"]);
    assert!(mapping.is_enabled && mapping.tier == 0);
    assert_eq!(read.mappings[&(id(1), id(3))].line, 21);
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let long = format!("format = 1\n#{}", "x".repeat(DOCUMENT_BYTES_MAX));
    let deep = format!("format = 1\nx = {}", "[".repeat(100_000));
    let in_mapping = |line: &str| format!("{FILE}{line}\n");
    let table: Vec<(String, usize, &str)> = vec![
        (String::new(), 1, "format"),
        ("format = 2".to_owned(), 1, "format 2 is not known"),
        ("format = \"1\"".to_owned(), 1, "invalid type"),
        (
            "format = 1\nconectors = 1".to_owned(),
            2,
            "unknown field `conectors`",
        ),
        ("format = 1\nformat = 1".to_owned(), 2, "duplicate key"),
        (
            "format = 1\n[connectors.a]\ntenant_key = \"t\"\n[connectors.a]".to_owned(),
            4,
            "duplicate key",
        ),
        (
            "format = 1\n\n[connectors.\"a b\"]\ntenant_key = \"t\"".to_owned(),
            3,
            "A-Z a-z 0-9",
        ),
        (
            "format = 1\n[connectors.a]\nname = \"x\"".to_owned(),
            2,
            "tenant_key",
        ),
        (
            "format = 1\n[connectors.a]\ntenant_key = \"t\"\nname = \"x\\u0000\"".to_owned(),
            4,
            "control characters",
        ),
        (
            "format = 1\n[connectors.a]\ntenant_key = \"t\"\nstatus = \"away\"".to_owned(),
            4,
            "unknown variant `away`",
        ),
        (
            "format = 1\n[connectors.a]\ntenant_key = 3".to_owned(),
            3,
            "invalid type",
        ),
        (
            "format = 1\n[visibility.9223372036854775808]\nguild_id = \"1\"\nmin_tier = 1"
                .to_owned(),
            2,
            "2^63",
        ),
        (
            "format = 1\n[visibility.01]\nguild_id = \"1\"\nmin_tier = 1".to_owned(),
            2,
            "write 1",
        ),
        (
            "format = 1\n[visibility.1]\nguild_id = \"1\"\nmin_tier = 101".to_owned(),
            4,
            "0 to 100",
        ),
        (
            "format = 1\n[targets.1]\nis_target = 1".to_owned(),
            3,
            "invalid type",
        ),
        (in_mapping("tier = -1"), 24, "0 to 100"),
        (in_mapping("priority = 99999999999"), 24, "invalid"),
        (in_mapping("ping_role_id = 5"), 24, "invalid type"),
        (
            in_mapping("ping_role_id = \"9223372036854775808\""),
            24,
            "2^63",
        ),
        (
            in_mapping("filters_json.keyword = []"),
            24,
            "unknown field `keyword`",
        ),
        (
            in_mapping("filters_json.text_chars_min = -1"),
            24,
            "invalid value",
        ),
        (in_mapping("transform_json = [1]"), 24, "invalid"),
        (
            in_mapping("[[mappings]]\nsource_channel_id = \"1\"\ntarget_channel_id = \"2\""),
            24,
            "in line 17 already",
        ),
        (
            in_mapping("[[mappings]]\nsource_channel_id = \"4\"\ntarget_channel_id = \"4\""),
            24,
            "into itself",
        ),
        ("format = 1\nx = [".to_owned(), 2, ""),
        ("format = 1\n\u{0}".to_owned(), 2, ""),
        (long, 1, "at most 2097152"),
        (deep, 2, ""),
    ];
    for (text, line, words) in table {
        let shown: String = text.chars().take(300).collect();
        let error = read(&text, &|_| Ok(())).expect_err(&shown);
        assert_eq!(error.place.line, line, "{error}\n{shown}");
        assert!(error.message.contains(words), "{error}\n{shown}");
    }
    let error = read(FILE, &|_| Err("cannot be carried out".to_owned())).unwrap_err();
    assert_eq!(
        (error.place.line, error.message.as_str()),
        (17, "cannot be carried out")
    );
    assert_eq!(
        error.to_string(),
        "line 17, column 1: cannot be carried out"
    );
}

#[test]
fn a_name_cannot_leave_its_comment() {
    let read = read_well(FILE);
    let names = KnownNames {
        channels: [(
            id(1),
            "Desk\n[connectors.evil]\r\ntenant_key = 'x'".to_owned(),
        )]
        .into(),
        roles: HashMap::new(),
    };
    let text = write(&read.configuration, &names);
    assert!(
        text.contains("# Desk [connectors.evil]  tenant_key = 'x'\n"),
        "{text}"
    );
    assert_eq!(read_well(&text).configuration, read.configuration);
}

#[test]
fn differences_are_told_by_field() {
    let present = read_well(FILE).configuration;
    let text = FILE
        .replace("forward_enabled = true\n", "")
        .replace("min_tier = 2", "min_tier = 3")
        .replace("keywords_any = [\"btc\"]", "keywords_any = [\"eth\"]")
        .replace("[targets.3]\nis_target = true", "[targets.3]\nis_target = true\nis_paused = true")
        .replace("target_channel_id = \"3\"", "target_channel_id = \"3\"\nis_enabled = false\n[[mappings]]\nsource_channel_id = \"1\"\ntarget_channel_id = \"9\"\nis_enabled = false");
    let names = KnownNames {
        channels: [(id(1), "Desk / alerts".to_owned())].into(),
        roles: HashMap::new(),
    };
    let found = compare(&present, &read_well(&text), &names).unwrap();
    let told: Vec<String> = found
        .changes
        .iter()
        .map(|change| {
            let fields: Vec<String> = change
                .fields
                .iter()
                .map(|field| format!("{}:{}>{}", field.field, field.before, field.after))
                .collect();
            format!(
                "{:?} {} {} {}",
                change.action,
                change.kind,
                change.key,
                fields.join(" ")
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            "Change connector desk forward_enabled:true>false",
            "Change visibility 1 min_tier:2>3",
            "Change target 3 is_paused:false>true",
            r#"Change mapping 1/2 filters_json:{"keywords_any":["btc"]}>{"keywords_any":["eth"]}"#,
            "Change mapping 1/3 is_enabled:true>false",
            "Create mapping 1/9 is_enabled:null>false priority:null>0 tier:null>0",
        ]
    );
    assert_eq!(found.changes[1].name.as_deref(), Some("Desk / alerts"));
    assert_eq!(found.changes[3].name.as_deref(), Some("Desk / alerts → 2"));
    assert_eq!(
        found.warnings,
        ["Nobody has seen 1 of these channels yet: 9"]
    );
    let same = compare(&present, &read_well(FILE), &names).unwrap();
    assert_eq!(same, Comparison::default());
}

#[test]
fn a_file_may_not_break_what_works() {
    let present = read_well(FILE).configuration;
    let empty = Configuration::default();
    let names = KnownNames::default();
    let without_mark = FILE.replace("is_source = true", "is_source = false");
    let unoffered = FILE.replace("[targets.3]\nis_target = true", "");
    let looped = format!(
        "{FILE}is_enabled = false\n[[mappings]]\nsource_channel_id = \"3\"\ntarget_channel_id = \"1\"\nis_enabled = false"
    );
    let moved = FILE.replace("tenant_key = \"acme\"", "tenant_key = \"other\"");
    // present, file, line, words
    let table = [
        (&present, &without_mark, 17, "source_channel_id: channel 1"),
        (&empty, &without_mark, 17, "source_channel_id: channel 1"),
        (&present, &unoffered, 20, "target_channel_id: channel 3"),
        (&present, &moved, 3, "belongs to acme"),
        (&present, &looped, 25, "close a loop"),
    ];
    for (present, text, line, words) in table {
        let error = compare(present, &read_well(text), &names).unwrap_err();
        assert_eq!(error.place.line, line, "{error}");
        assert!(error.message.contains(words), "{error}");
    }
    // What was broken before may stay so, and is told.
    let broken = read_well(&without_mark);
    let found = compare(&broken.configuration, &broken, &names).unwrap();
    assert!(found.changes.is_empty());
    assert_eq!(found.warnings.len(), 2, "{:?}", found.warnings);
    let nothing = compare(&present, &read_well("format = 1"), &names).unwrap();
    assert!(
        nothing.warnings[0].contains("marks of 2 channels"),
        "{:?}",
        nothing.warnings
    );
    assert_eq!(nothing.changes.len(), 5);
}

fn words() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z \"'\\\\\n\t#\\[\\]=]{1,8}", "\\PC{1,8}"]
}

fn rules() -> impl Strategy<Value = MappingRules> {
    let filters = (
        collection::vec(words(), 0..3),
        option::of(any::<bool>()),
        option::of(0_u32..9),
    );
    let transform = (any::<bool>(), option::of((words(), words())), words());
    (filters, transform, 0..3, any::<bool>(), any::<bool>()).prop_map(
        |(
            (keywords_any, has_embed, text_chars_max),
            (strip_mentions, replaced, prefix),
            author,
            mirrored,
            repost,
        )| {
            MappingRules {
                filters: Filters {
                    keywords_any,
                    has_embed,
                    text_chars_max,
                    ..Filters::default()
                },
                transform: Transform {
                    strip_mentions,
                    replace_words: replaced
                        .map(|(from, to)| Replacement {
                            from,
                            to,
                            whole_word: strip_mentions,
                        })
                        .into_iter()
                        .collect(),
                    prefix,
                    ..Transform::default()
                },
                author_style: [
                    AuthorStyle::None,
                    AuthorStyle::NameLine,
                    AuthorStyle::Webhook,
                ][author as usize],
                thread_style: if mirrored {
                    ThreadStyle::Mirrored
                } else {
                    ThreadStyle::Channel
                },
                hand_deletions: if repost {
                    HandDeletions::Repost
                } else {
                    HandDeletions::Keep
                },
            }
        },
    )
}

fn configuration() -> impl Strategy<Value = Configuration> {
    let channel = 1_i64..6;
    let connector =
        (words(), any::<[bool; 3]>()).prop_map(|(name, [paused, ingest, forward])| Connector {
            tenant_key: "acme".to_owned(),
            name: crate::words::name(&name).unwrap_or("n").to_owned(),
            status: if paused {
                Status::Paused
            } else {
                Status::Active
            },
            ingest_enabled: ingest,
            forward_enabled: forward,
        });
    let role =
        (any::<[bool; 3]>(), 0..3).prop_map(|([is_source, is_target, is_enabled], mode)| Channel {
            guild_id: GuildId::new(7).unwrap(),
            is_source,
            is_target,
            is_enabled,
            thread_mode: [ThreadMode::Include, ThreadMode::Exclude, ThreadMode::Only]
                [mode as usize],
        });
    let mapping = (
        0_i16..101,
        option::of(1_i64..9),
        any::<i32>(),
        any::<bool>(),
        rules(),
    )
        .prop_map(|(tier, role, priority, is_enabled, rules)| Mapping {
            tier,
            ping_role_id: role.and_then(RoleId::new),
            priority,
            is_enabled,
            rules,
        });
    (
        collection::btree_map(
            "[a-z._-]{1,5}x",
            (
                connector,
                collection::btree_map(channel.clone(), role, 0..3),
            ),
            0..3,
        ),
        collection::btree_map(channel.clone(), 0_i16..101, 0..3),
        collection::btree_map(channel.clone(), any::<bool>(), 0..3),
        collection::btree_map((channel.clone(), channel), mapping, 0..4),
    )
        .prop_map(|(connectors, visibility, targets, mappings)| {
            let mut made = Configuration::default();
            for (key, (connector, roles)) in connectors {
                let of_it = roles
                    .into_iter()
                    .map(|(channel, role)| ((key.clone(), id(channel)), role));
                made.channels.extend(of_it);
                made.connectors.insert(key, connector);
            }
            made.visibility = visibility
                .into_iter()
                .map(|(channel, min_tier)| {
                    let guild_id = GuildId::new(7).unwrap();
                    (id(channel), Visibility { guild_id, min_tier })
                })
                .collect();
            made.targets = targets
                .into_iter()
                .map(|(channel, is_paused)| {
                    let target = Target {
                        is_target: !is_paused,
                        is_paused,
                    };
                    (id(channel), target)
                })
                .collect();
            made.mappings = mappings
                .into_iter()
                .filter(|((source, target), _)| source != target)
                .map(|((source, target), mapping)| ((id(source), id(target)), mapping))
                .collect();
            made
        })
}

proptest! {
    #[test]
    fn what_is_written_is_read_as_it_was(made in configuration(), name in words()) {
        let names = KnownNames {
            channels: (1..6).map(|n| (id(n), format!("{name} {n}"))).collect(),
            roles: (1..9).map(|n| (RoleId::new(n).unwrap(), name.clone())).collect(),
        };
        let text = write(&made, &names);
        let read = read(&text, &|_| Ok(()));
        prop_assert!(read.is_ok(), "{}\n{text}", read.unwrap_err());
        let read = read.unwrap();
        prop_assert_eq!(&read.configuration, &made, "{}", text);
        prop_assert_eq!(write(&read.configuration, &names), text);
        prop_assert!(read.mappings.values().all(|place| place.line > 1));
    }

    #[test]
    fn no_text_is_too_odd(text in "\\PC{0,60}|(format = 1\n)?[\\[\\]a-z0-9.=\" \n{}]{0,60}") {
        let _ = read(&text, &|_| Ok(()));
    }
}
