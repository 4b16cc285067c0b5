//! What mirrored messages look like, and that Discord would take all of them.

#![allow(clippy::unwrap_used)]
use super::{
    embeds::{
        AUTHOR_CHARS_MAX, DESCRIPTION_CHARS_MAX, FIELD_NAME_CHARS_MAX, FIELD_VALUE_CHARS_MAX,
        FIELDS_MAX, FOOTER_CHARS_MAX, TITLE_CHARS_MAX, URL_CHARS_MAX, chars,
    },
    *,
};
use heliograph_schema::{
    ids::{AttachmentId, ChannelId, GuildId, SignalId, UserId},
    signal::{Attachment, Author, Embed, EmbedField, Stamped, Text},
};
use proptest::prelude::*;
use serde_json::json;

fn signal(text: &str, embeds: Vec<Embed>, urls: &[&str]) -> SignalState {
    let id = 1_400_000_000_000_000_000;
    let (signal_id, channel_id, guild_id) = (SignalId::new(id), ChannelId::new(1), GuildId::new(2));
    let mut signal =
        SignalState::unknown(signal_id.unwrap(), channel_id.unwrap(), guild_id.unwrap());
    signal.text = Some(Stamped {
        stamp_ms: 0,
        value: Text {
            raw: text.into(),
            clean: text.into(),
        },
    });
    signal.embeds = Some(Stamped {
        stamp_ms: 0,
        value: embeds,
    });
    let attachment = |url: &&str| Attachment {
        attachment_id: AttachmentId::new(3).unwrap(),
        filename: "x.png".into(),
        url: (*url).into(),
        size: 1,
        content_type: None,
    };
    signal.attachments = Some(Stamped {
        stamp_ms: 0,
        value: urls.iter().map(attachment).collect(),
    });
    signal
}

fn contents(signal: &SignalState) -> Vec<String> {
    render(signal, None)
        .into_iter()
        .map(|part| part.content)
        .collect()
}

#[test]
fn nothing_to_show_is_no_message() {
    let mut deleted = signal("gone", vec![], &[]);
    deleted.deleted_at_ms = Some(1);
    let empty_embed = Embed {
        kind: Some("rich".into()),
        url: Some("javascript:x".into()),
        ..Embed::default()
    };
    for nothing in [
        deleted,
        signal("", vec![], &[]),
        signal(" \n", vec![empty_embed], &["file:///etc"]),
    ] {
        assert_eq!(render(&nothing, RoleId::new(5)), vec![]);
    }
}

#[test]
fn the_ping_stands_in_the_first_part_only_and_files_below_the_text() {
    let long = signal(
        &"word ".repeat(500),
        vec![],
        &["https://cdn/a.png", "https://cdn/b.png"],
    );
    let parts = render(&long, RoleId::new(5));
    assert_eq!(parts.len(), 2);
    assert!(parts[0].content.starts_with("<@&5>\nword"));
    assert_eq!(
        (parts[0].ping_role_id, parts[1].ping_role_id),
        (RoleId::new(5), None)
    );
    assert!(
        parts[1]
            .content
            .ends_with("word \nhttps://cdn/a.png\nhttps://cdn/b.png")
    );
}

#[test]
fn only_what_discord_does_not_make_itself_is_recreated() {
    let embed = |kind: &str, url: &str| Embed {
        kind: Some(kind.into()),
        title: Some("t".into()),
        url: Some(url.into()),
        ..Embed::default()
    };
    let table = [
        ("rich", "see https://example.org/1", true),
        ("link", "see https://example.org/1", false),
        ("video", "see https://example.org/1", false),
        ("article", "see https://example.org/1", false),
        ("gifv", "https://example.org/1", false),
        ("image", "https://example.org/1", false),
        ("image", "nothing said of it", true),
        ("link", "nothing said of it", true),
    ];
    for (kind, text, recreated) in table {
        let parts = render(
            &signal(text, vec![embed(kind, "https://example.org/1")], &[]),
            None,
        );
        assert_eq!(
            parts[0].embeds.len(),
            usize::from(recreated),
            "{kind} {text}"
        );
    }
}

#[test]
fn embeds_that_do_not_fit_move_into_further_parts() {
    let card = Embed {
        description: Some("d".repeat(3_500)),
        ..Embed::default()
    };
    let parts = render(&signal("text", vec![card.clone(), card], &[]), None);
    let shape: Vec<_> = parts
        .iter()
        .map(|part| (part.content.as_str(), part.embeds.len()))
        .collect();
    assert_eq!(shape, [("text", 1), ("", 1)]);
    let small = Embed {
        title: Some("t".into()),
        ..Embed::default()
    };
    let parts = render(&signal("", vec![small; 25], &[]), None);
    assert_eq!(
        parts
            .iter()
            .map(|part| part.embeds.len())
            .collect::<Vec<_>>(),
        [10, 10, 5]
    );
}

#[test]
fn a_message_of_nothing_but_space_is_left_out() {
    let text = format!("a{}b", " ".repeat(5_000));
    assert!(
        contents(&signal(&text, vec![], &[]))
            .iter()
            .all(|content| !is_blank(content))
    );
}

fn any_embed() -> impl Strategy<Value = Embed> {
    let text = |max: usize| prop::option::of((0..max).prop_map(|n| "é".repeat(n)));
    let url = prop::option::of(prop_oneof![
        Just("https://example.org/1".to_owned()),
        Just("attachment://y".to_owned()),
        ".{0,20}"
    ]);
    let field = (0..400_usize, 0..1_500_usize).prop_map(|(name, value)| EmbedField {
        name: "n".repeat(name),
        value: "v".repeat(value),
        inline: false,
    });
    (
        text(400),
        text(6_000),
        text(3_000),
        text(400),
        url,
        prop::collection::vec(field, 0..30),
    )
        .prop_map(
            |(title, description, footer, author_name, url, fields)| Embed {
                title,
                description,
                footer,
                author_name,
                author_url: url.clone(),
                image_url: url.clone(),
                url,
                fields,
                color: Some(0x1FF_FFFF),
                timestamp: Some("yesterday".into()),
                ..Embed::default()
            },
        )
}

fn rules(json: serde_json::Value) -> CompiledRules {
    CompiledRules::compile(&serde_json::from_value(json).unwrap()).unwrap()
}

fn how<'a>(rules: &'a CompiledRules, names: &'a Names) -> How<'a> {
    How {
        rules,
        ping_role_id: None,
        names,
        thread_name: None,
    }
}

fn by(mut signal: SignalState, name: &str) -> SignalState {
    signal.author = Some(Author {
        user_id: UserId::new(9).unwrap(),
        username: Some("bob".into()),
        global_name: Some(name.into()),
        avatar_url: Some("https://cdn/avatar.png".into()),
    });
    signal
}

#[test]
fn first_lines_stand_in_their_order_and_cannot_format() {
    let rules = rules(json!({ "author_style": "name_line" }));
    let names = Names::default();
    let how = How {
        ping_role_id: RoleId::new(5),
        thread_name: Some("Q3 *plan*\n<@1>"),
        ..how(&rules, &names)
    };
    let parts = render_with(&by(signal("text", vec![], &[]), "**Bob** @everyone"), &how).parts;
    assert_eq!(
        parts[0].content,
        "<@&5>\n**\\*\\*Bob\\*\\* \\@everyone**\n*Q3 \\*plan\\* ‹\\@1›*\ntext"
    );
    assert_eq!(parts[0].author, None);
    // Without a name or a thread there is no line, and nothing but lines is no message.
    let bare = How {
        thread_name: Some(" \n"),
        ping_role_id: None,
        ..how
    };
    assert_eq!(
        render_with(&signal("text", vec![], &[]), &bare).parts[0].content,
        "text"
    );
    assert_eq!(
        render_with(&by(signal(" ", vec![], &[]), "Bob"), &how),
        Rendering::default()
    );
}

#[test]
fn a_thread_that_is_mirrored_needs_no_line() {
    let names = Names::default();
    for (style, content) in [("mirrored", "text"), ("channel", "*plan*\ntext")] {
        let rules = rules(json!({ "thread_style": style }));
        let how = How {
            thread_name: Some("plan"),
            ..how(&rules, &names)
        };
        assert_eq!(
            render_with(&signal("text", vec![], &[]), &how).parts[0].content,
            content
        );
    }
}

#[test]
fn a_webhook_posts_every_part_under_the_authors_name() {
    let rules = rules(json!({ "author_style": "webhook" }));
    let names = Names::default();
    let table = [
        (Some("https://cdn/a.png"), Some("https://cdn/a.png")),
        (Some("javascript:x"), None),
        (None, None),
    ];
    for (avatar, taken) in table {
        let mut signal = by(signal(&"word ".repeat(600), vec![], &[]), "Discord Bob");
        if let Some(author) = &mut signal.author {
            author.avatar_url = avatar.map(str::to_owned);
        }
        let parts = render_with(&signal, &how(&rules, &names)).parts;
        assert_eq!(parts.len(), 2);
        for part in &parts {
            let author = part.author.as_ref().unwrap();
            assert_eq!(
                (author.name.as_str(), author.avatar_url.as_deref()),
                ("D·iscord Bob", taken)
            );
            assert!(part.content.starts_with("word"));
        }
    }
    let nobody = render_with(&signal("text", vec![], &[]), &how(&rules, &names)).parts;
    assert_eq!(nobody[0].author.as_ref().unwrap().name, "unknown-user");
}

#[test]
fn held_back_says_why_and_deleted_needs_no_reason() {
    let names = Names::default();
    let scam = rules(
        json!({ "filters_json": { "keywords_none": ["scam"], "domains_stripped": ["evil.example"] } }),
    );
    let held = |text: &str| render_with(&signal(text, vec![], &[]), &how(&scam, &names));
    assert_eq!(
        held("a SCAM!").held_back.as_deref(),
        Some("filters_json.keywords_none: \"scam\"")
    );
    assert_eq!(held("a SCAM!").parts, vec![]);
    assert_eq!(
        held(" https://evil.example/x").held_back.as_deref(),
        Some("transform_json, filters_json.domains_stripped: nothing is left of it")
    );
    assert_eq!(held("fine").parts.len(), 1);
    let mut deleted = signal("scam", vec![], &[]);
    deleted.deleted_at_ms = Some(1);
    for nothing in [deleted, signal(" ", vec![], &[])] {
        assert_eq!(
            render_with(&nothing, &how(&scam, &names)),
            Rendering::default()
        );
    }
}

#[test]
fn a_template_that_says_nothing_of_a_signal_holds_it_back() {
    let names = Names::default();
    let rules = rules(
        json!({ "transform_json": { "template": " {thread}\n" }, "author_style": "name_line" }),
    );
    let silent = render_with(
        &by(signal("text", vec![], &[]), "Bob"),
        &how(&rules, &names),
    );
    assert_eq!(silent.parts, vec![]);
    assert!(silent.held_back.unwrap().ends_with("nothing is left of it"));
}

#[test]
fn a_preview_of_a_link_that_leaves_is_not_recreated() {
    let preview = Embed {
        kind: Some("link".into()),
        title: Some("t".into()),
        url: Some("https://evil.example/x".into()),
        ..Embed::default()
    };
    let names = Names::default();
    let rules = rules(json!({ "filters_json": { "domains_stripped": ["evil.example"] } }));
    let parts = render_with(
        &signal("see https://evil.example/x", vec![preview], &[]),
        &how(&rules, &names),
    )
    .parts;
    assert_eq!(
        (
            parts.len(),
            parts[0].content.as_str(),
            parts[0].embeds.len()
        ),
        (1, "see ", 0)
    );
}

/// Rules of which every one can matter, with everything that could grow or smuggle.
fn any_rules() -> impl Strategy<Value = CompiledRules> {
    let frame = || {
        prop_oneof![
            Just(String::new()),
            Just("@everyone <@&7> ".to_owned()),
            Just("é".repeat(500)),
            Just(" \n".to_owned())
        ]
    };
    let template = prop_oneof![
        Just(""),
        Just("{text}"),
        Just("**{author}** in {channel}, {thread}: {text}\n{link}"),
        Just("{text}{text}{text}{{```"),
        Just("{thread}"),
        Just(" "),
    ];
    let swap = prop_oneof![
        Just(json!({ "from": "e", "to": "<@&7>" })),
        Just(json!({ "from": "word", "to": "" })),
        Just(json!({ "from": "é", "to": "é@everyone ".repeat(18) })),
        Just(json!({ "from": "n", "to": "` ```", "whole_word": true })),
    ];
    let style = prop_oneof![Just("none"), Just("name_line"), Just("webhook")];
    let all = (
        frame(),
        frame(),
        template,
        prop::collection::vec(swap, 0..4),
        style,
        any::<bool>(),
        prop::option::of(0_u32..50),
    );
    all.prop_map(|(prefix, suffix, template, swaps, style, strip, chars_min)| {
        let mut filters = json!({ "keywords_none": ["scam"], "domains_stripped": if strip { vec!["example.org"] } else { vec![] } });
        if let Some(chars_min) = chars_min {
            filters["text_chars_min"] = json!(chars_min);
        }
        rules(json!({
            "filters_json": filters, "author_style": style,
            "transform_json": { "prefix": prefix, "suffix": suffix, "template": template, "replace_words": swaps, "strip_mentions": strip },
        }))
    })
}

fn any_signal() -> impl Strategy<Value = SignalState> {
    let word = prop_oneof![
        Just("@everyone @here ".to_owned()),
        Just("<@&7><@5> ".to_owned()),
        Just("`<@&7>` ".to_owned()),
        Just("```\n".to_owned()),
        Just("https://example.org/1 ".to_owned()),
        Just("word ".to_owned()),
        Just("scam ".to_owned()),
        "(.|\n){0,40}",
    ];
    let text = (prop::collection::vec(word, 0..30), 1_usize..20)
        .prop_map(|(words, times)| words.concat().repeat(times));
    (
        text,
        prop::collection::vec(any_embed(), 0..6),
        "(.|\n){0,50}",
    )
        .prop_map(|(text, embeds, name)| by(signal(&text, embeds, &["https://cdn/a.png"]), &name))
}

/// What Discord would say of these messages, whatever signal and rules they come from.
fn within_the_limits(parts: &[PartPayload]) -> Result<(), TestCaseError> {
    for part in parts {
        prop_assert!(part.content.chars().count() <= CONTENT_CHARS_MAX);
        prop_assert!(!is_blank(&part.content) || !part.embeds.is_empty());
        prop_assert!(part.embeds.len() <= EMBEDS_MAX);
        prop_assert!(part.embeds.iter().map(chars).sum::<usize>() <= EMBED_CHARS_MAX);
        for embed in &part.embeds {
            let limits = [
                (&embed.title, TITLE_CHARS_MAX),
                (&embed.description, DESCRIPTION_CHARS_MAX),
                (&embed.footer, FOOTER_CHARS_MAX),
                (&embed.author_name, AUTHOR_CHARS_MAX),
                (&embed.url, URL_CHARS_MAX),
            ];
            for (text, max) in limits {
                prop_assert!(
                    text.as_ref()
                        .is_none_or(|text| !text.is_empty() && text.chars().count() <= max)
                );
            }
            prop_assert!(embed.author_url.is_none() || embed.author_name.is_some());
            prop_assert!(
                embed.fields.len() <= FIELDS_MAX
                    && embed.color.is_none()
                    && embed.timestamp.is_none()
            );
            prop_assert!(
                embed
                    .fields
                    .iter()
                    .all(|f| !f.name.is_empty() && f.name.chars().count() <= FIELD_NAME_CHARS_MAX)
            );
            prop_assert!(
                embed.fields.iter().all(
                    |f| !f.value.is_empty() && f.value.chars().count() <= FIELD_VALUE_CHARS_MAX
                )
            );
        }
        if let Some(author) = &part.author {
            prop_assert!((1..=80).contains(&author.name.chars().count()));
        }
    }
    Ok(())
}

/// Only the mapping's role may be pinged, by the first message alone, on create and on edit.
fn nothing_pings(parts: &[PartPayload], ping_role_id: Option<RoleId>) -> Result<(), TestCaseError> {
    for (place, part) in parts.iter().enumerate() {
        let may = ping_role_id.filter(|_| place == 0);
        let closed = may.map_or_else(
            || json!({ "parse": [] }),
            |role| json!({ "parse": [], "roles": [role.to_string()] }),
        );
        for body in [part.to_json(), part.to_create_json("n")] {
            prop_assert_eq!(&body["allowed_mentions"], &closed);
            let keys: Vec<_> = body
                .as_object()
                .unwrap()
                .keys()
                .map(String::as_str)
                .collect();
            let known = [
                "allowed_mentions",
                "content",
                "embeds",
                "enforce_nonce",
                "nonce",
            ];
            prop_assert!(keys.iter().all(|key| known.contains(key)), "{:?}", keys);
        }
    }
    Ok(())
}

/// What was rendered before mappings had rules.
fn without_rules(signal: &SignalState) -> Vec<(String, Vec<Embed>)> {
    let files: Vec<_> = signal
        .attachments()
        .iter()
        .map(|file| file.url.as_str())
        .collect();
    let text = signal.clean_text();
    let gap = if text.is_empty() || text.ends_with('\n') {
        ""
    } else {
        "\n"
    };
    let body = format!("{text}{gap}{}", files.join("\n"));
    let pieces = split(&body, CONTENT_CHARS_MAX);
    let mut parts: Vec<_> = pieces
        .iter()
        .map(|piece| (piece.text(&body), vec![]))
        .filter(|(text, _)| !is_blank(text))
        .collect();
    let mut packs = embeds::messages(signal.embeds()).into_iter();
    if let (Some(last), Some(pack)) = (parts.last_mut(), packs.next()) {
        last.1 = pack;
    }
    parts.extend(packs.map(|pack| (String::new(), pack)));
    parts
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]
    #[test]
    fn any_signal_by_any_rules_is_within_the_limits_and_pings_nobody(
        signal in any_signal(), rules in any_rules(), ping in prop::option::of(Just(7)), thread in prop::option::of(".{0,120}"),
    ) {
        let names = Names::default();
        let how = How {
            ping_role_id: ping.and_then(RoleId::new),
            thread_name: thread.as_deref(),
            ..how(&rules, &names)
        };
        let rendering = render_with(&signal, &how);
        within_the_limits(&rendering.parts)?;
        nothing_pings(&rendering.parts, how.ping_role_id)?;
        prop_assert!(rendering.parts.is_empty() || rendering.held_back.is_none());
        prop_assert_eq!(&render_with(&signal, &how), &rendering, "the same again");
        let again: Vec<_> = render_with(&signal, &how).parts.iter().map(PartPayload::digest).collect();
        prop_assert_eq!(again, rendering.parts.iter().map(PartPayload::digest).collect::<Vec<_>>());
    }

    #[test]
    fn plain_rules_change_nothing(text in "([a-zé@ `*\\\\]|\n){0,200}", times in 1_usize..30, embeds in prop::collection::vec(any_embed(), 0..6)) {
        let signal = signal(&text.repeat(times), embeds, &["https://cdn/a.png", "https://cdn/b.png"]);
        let parts = render(&signal, None).into_iter().map(|part| (part.content, part.embeds));
        prop_assert_eq!(parts.collect::<Vec<_>>(), without_rules(&signal));
    }
}
