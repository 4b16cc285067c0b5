//! Every filter and every transform by examples, and what is refused.

#![allow(clippy::unwrap_used)]
use super::*;
use heliograph_schema::{
    ids::{AttachmentId, ChannelId, GuildId, SignalId, ThreadId, UserId},
    signal::{Attachment, Author, Embed, EmbedField, Stamped, Text},
};
use serde_json::{Value, json};

fn stamped<T>(value: T) -> Option<Stamped<T>> {
    Some(Stamped { stamp_ms: 0, value })
}

/// A signal of bob (5), shown as Bob Smith, in channel 1 of guild 2.
fn signal(text: &str) -> SignalState {
    let mut signal = SignalState::unknown(
        SignalId::new(77).unwrap(),
        ChannelId::new(1).unwrap(),
        GuildId::new(2).unwrap(),
    );
    signal.author = Some(Author {
        user_id: UserId::new(5).unwrap(),
        username: Some("bob".into()),
        global_name: Some("Bob Smith".into()),
        avatar_url: None,
    });
    signal.text = stamped(Text {
        raw: text.into(),
        clean: text.into(),
    });
    signal
}

fn with_embed(text: &str, embed: Embed) -> SignalState {
    let mut signal = signal(text);
    signal.embeds = stamped(vec![embed]);
    signal
}

fn with_file(text: &str) -> SignalState {
    let mut signal = signal(text);
    signal.attachments = stamped(vec![Attachment {
        attachment_id: AttachmentId::new(3).unwrap(),
        filename: "x.png".into(),
        url: "https://cdn/x.png".into(),
        size: 1,
        content_type: None,
    }]);
    signal
}

fn card() -> Embed {
    Embed {
        title: Some("Entry ACME".into()),
        description: Some("see https://evil.example/d".into()),
        url: Some("https://evil.example/u".into()),
        image_url: Some("https://good.example/i.png".into()),
        author_name: Some("ACME desk".into()),
        footer: Some("<@&6> acme".into()),
        fields: vec![EmbedField {
            name: "acme".into(),
            value: "<#1> 5".into(),
            inline: true,
        }],
        ..Embed::default()
    }
}

fn names() -> Names {
    Names {
        channels: [(ChannelId::new(1).unwrap(), "calls_*".to_owned())].into(),
        ..Names::default()
    }
}

fn compile(rules: Value) -> Result<CompiledRules, RuleError> {
    CompiledRules::compile(&serde_json::from_value(rules).unwrap())
}

fn verdict(filters: &Value, signal: &SignalState) -> String {
    let rules = compile(json!({ "filters_json": filters })).unwrap();
    match rules.verdict(signal, &names()) {
        Verdict::Passes => "passes".into(),
        Verdict::HeldBack(reason) => reason.strip_prefix("filters_json.").unwrap().into(),
    }
}

#[test]
fn every_filter_says_why() {
    let mut nobody = signal("text");
    nobody.author = None;
    let preview = Embed {
        kind: Some("link".into()),
        title: Some("preview".into()),
        url: Some("https://good.example".into()),
        ..Embed::default()
    };
    let table = [
        (json!({}), signal(""), "passes"),
        (json!({ "authors_allow": ["5"] }), signal("x"), "passes"),
        (
            json!({ "authors_allow": ["x", "@BOB"] }),
            signal("x"),
            "passes",
        ),
        (
            json!({ "authors_allow": ["bob smith"] }),
            signal("x"),
            "passes",
        ),
        (
            json!({ "authors_allow": ["bo"] }),
            signal("x"),
            "authors_allow: \"bob\" (5) is not on it",
        ),
        (
            json!({ "authors_allow": ["bob"] }),
            nobody.clone(),
            "authors_allow: nobody is known as its author",
        ),
        (
            json!({ "authors_deny": [" Bob "] }),
            signal("x"),
            "authors_deny: \"Bob\"",
        ),
        (json!({ "authors_deny": ["55"] }), signal("x"), "passes"),
        (json!({ "authors_deny": ["bob"] }), nobody, "passes"),
        (
            json!({ "authors_allow": ["bob"], "authors_deny": ["5"] }),
            signal("x"),
            "authors_deny: \"5\"",
        ),
        (
            json!({ "keywords_any": ["eth", "btc"] }),
            signal("Buy BTC"),
            "passes",
        ),
        (
            json!({ "keywords_any": ["eth", "btc"] }),
            signal("BTCUSD"),
            "keywords_any: none of them is in it",
        ),
        (
            json!({ "keywords_any": ["entry acme"] }),
            with_embed("", card()),
            "passes",
        ),
        (
            json!({ "keywords_any": ["#calls_*"] }),
            with_embed("", card()),
            "passes",
        ),
        (
            json!({ "keywords_none": ["x", "Покупка"] }),
            signal("ПОКУПКА"),
            "keywords_none: \"Покупка\"",
        ),
        (
            json!({ "keywords_none": ["acme"] }),
            with_embed("", card()),
            "keywords_none: \"acme\"",
        ),
        (
            json!({ "keywords_none": ["preview"] }),
            with_embed("https://good.example", preview.clone()),
            "passes",
        ),
        (
            json!({ "regex_any": ["^a", "^B.y$"] }),
            signal("Buy"),
            "passes",
        ),
        (
            json!({ "regex_any": ["^b"] }),
            signal("Buy"),
            "regex_any: none of them matches",
        ),
        (
            json!({ "regex_any": ["^@unknown-role"] }),
            with_embed("", card()),
            "passes",
        ),
        (
            json!({ "regex_none": ["x", "(?i)^b"] }),
            signal("Buy"),
            "regex_none: \"(?i)^b\"",
        ),
        (
            json!({ "has_attachment": true }),
            signal("x"),
            "has_attachment: it has none",
        ),
        (json!({ "has_attachment": true }), with_file("x"), "passes"),
        (
            json!({ "has_attachment": false }),
            with_file("x"),
            "has_attachment: it has one",
        ),
        (
            json!({ "has_embed": true }),
            signal("x"),
            "has_embed: it has none",
        ),
        (
            json!({ "has_embed": true }),
            with_embed("x", card()),
            "passes",
        ),
        (
            json!({ "has_embed": false }),
            with_embed("x", card()),
            "has_embed: it has one",
        ),
        (
            json!({ "has_embed": false }),
            with_embed("https://good.example", preview),
            "passes",
        ),
        (
            json!({ "domains_blocked": ["evil.example"] }),
            signal("at www.EVIL.example/x"),
            "domains_blocked: \"evil.example\"",
        ),
        (
            json!({ "domains_blocked": ["evil.example"] }),
            with_embed("", card()),
            "domains_blocked: \"evil.example\"",
        ),
        (
            json!({ "domains_blocked": ["good.example"] }),
            with_embed("", card()),
            "domains_blocked: \"good.example\"",
        ),
        (
            json!({ "domains_blocked": ["other.example"] }),
            with_embed("", card()),
            "passes",
        ),
        (
            json!({ "domains_stripped": ["evil.example"] }),
            with_embed("", card()),
            "passes",
        ),
        (
            json!({ "text_chars_min": 3 }),
            signal(" éé "),
            "text_chars_min: it has 2, needs 3",
        ),
        (
            json!({ "text_chars_min": 2, "text_chars_max": 2 }),
            signal("éé"),
            "passes",
        ),
        (
            json!({ "text_chars_max": 2 }),
            signal("ééé"),
            "text_chars_max: it has 3, may have 2",
        ),
        // All that are set.
        (
            json!({ "keywords_any": ["buy"], "has_attachment": true, "text_chars_min": 2 }),
            with_file("buy"),
            "passes",
        ),
        (
            json!({ "keywords_any": ["buy"], "has_attachment": true }),
            signal("buy"),
            "has_attachment: it has none",
        ),
    ];
    for (filters, signal, expected) in table {
        assert_eq!(verdict(&filters, &signal), expected, "{filters}");
    }
}

#[test]
fn what_no_message_of_discord_can_hold_is_not_looked_at() {
    let near = format!("{}scam", "a ".repeat(5_000));
    let far = format!("{}scam", "a ".repeat(6_000));
    for filter in [
        json!({ "keywords_none": ["scam"] }),
        json!({ "regex_none": ["scam"] }),
    ] {
        assert_ne!(verdict(&filter, &signal(&near)), "passes");
        assert_eq!(verdict(&filter, &signal(&far)), "passes");
    }
}

fn transformed(rules: Value, signal: &SignalState) -> Option<Said> {
    let names = names();
    let surroundings = Surroundings {
        names: &names,
        thread_name: Some("plan_b"),
    };
    compile(rules)
        .unwrap()
        .transformed(signal, Said::of(signal, &names), &surroundings)
}

#[test]
fn every_transform_of_the_text() {
    let swaps = json!([{ "from": "acme", "to": "We", "whole_word": true }, { "from": "we", "to": "us" }, { "from": "!" }]);
    let table = [
        (
            json!({}),
            "a <#1> <:x:5> @everyone",
            "a #calls_* :x: @everyone",
        ),
        (
            json!({ "strip_mentions": true }),
            "<@5> a <@&6> @here b <#1>",
            "a b #calls_*",
        ),
        (
            json!({ "replace_words": swaps }),
            "ACME! acmes web",
            "us acmes usb",
        ),
        (json!({ "prefix": "> ", "suffix": " <" }), "a", "> a <"),
        (
            json!({ "template": "{author} {channel} {thread} {text} {{}} {link}" }),
            "a",
            "Bob Smith calls\\_\\* plan\\_b a {} https://discord.com/channels/2/1/77",
        ),
        (
            json!({ "prefix": "1 ", "suffix": " 2", "template": "[{text}]", "replace_words": [{ "from": "1", "to": "x" }] }),
            "1",
            "[1 x 2]",
        ),
        (
            json!({ "template": "only {channel}" }),
            "a",
            "only calls\\_\\*",
        ),
    ];
    for (transform, text, expected) in table {
        let said = transformed(json!({ "transform_json": transform }), &signal(text)).unwrap();
        assert_eq!(said.text, expected, "{transform}");
    }
}

#[test]
fn embeds_are_changed_in_every_text() {
    let rules = json!({
        "filters_json": { "domains_stripped": ["evil.example"] },
        "transform_json": {
            "replace_words": [{ "from": "acme", "to": "us" }], "strip_mentions": true, "prefix": "> ",
        },
    });
    let said = transformed(rules, &with_embed("", card())).unwrap();
    let expected = Embed {
        title: Some("Entry us".into()),
        description: Some("see ".into()),
        url: None,
        author_name: Some("us desk".into()),
        footer: Some("us".into()),
        fields: vec![EmbedField {
            name: "us".into(),
            value: "#calls_* 5".into(),
            inline: true,
        }],
        ..card()
    };
    // There is no text to put a prefix before.
    assert_eq!((said.text.as_str(), said.embeds), ("", vec![expected]));
}

#[test]
fn mentions_are_known_where_they_were_typed() {
    let mut signal = signal("");
    signal.text = stamped(Text {
        raw: "<@5> BUY <#1> @here".into(),
        clean: "@Bob Smith BUY #calls_* @here".into(),
    });
    let strip = json!({ "transform_json": { "strip_mentions": true } });
    assert_eq!(transformed(strip, &signal).unwrap().text, "BUY #calls_*");
    assert_eq!(
        transformed(json!({}), &signal).unwrap().text,
        "@Bob Smith BUY #calls_* @here"
    );
}

#[test]
fn a_link_leads_into_the_thread_and_nobody_is_an_empty_author() {
    let mut signal = signal("a");
    signal.thread_id = ThreadId::new(88);
    signal.author = None;
    let rules = json!({ "transform_json": { "template": "{author}{link}" } });
    assert_eq!(
        transformed(rules, &signal).unwrap().text,
        "https://discord.com/channels/2/88/77"
    );
}

#[test]
fn nothing_left_is_not_framed() {
    let rules = json!({
        "filters_json": { "domains_stripped": ["evil.example"] },
        "transform_json": { "prefix": "new: ", "template": "{text} by {author}" },
    });
    assert_eq!(
        transformed(rules.clone(), &signal("https://evil.example/x")),
        None
    );
    let file = transformed(rules, &with_file("https://evil.example/x")).unwrap();
    assert_eq!(file.text, " by Bob Smith");
}

#[test]
fn what_cannot_be_carried_out_is_refused_with_its_place() {
    let many = |count: usize, text: &str| json!(vec![text; count]);
    let long = |chars: usize| "é".repeat(chars);
    let table = [
        (
            json!({ "filters_json": { "regex_any": ["ok", "("] } }),
            "filters_json.regex_any[1]: is no regular expression",
        ),
        (
            json!({ "filters_json": { "regex_none": [long(501)] } }),
            "filters_json.regex_none[0]: 501 characters, at most 500",
        ),
        (
            json!({ "filters_json": { "regex_none": many(11, "a") } }),
            "filters_json.regex_none: 11 entries, at most 10",
        ),
        (
            json!({ "filters_json": { "regex_none": ["\\w{200}"] } }),
            "filters_json.regex_none[0]: is too large",
        ),
        (
            json!({ "filters_json": { "keywords_any": many(101, "a") } }),
            "filters_json.keywords_any: 101 entries, at most 100",
        ),
        (
            json!({ "filters_json": { "keywords_none": ["a", " \n"] } }),
            "filters_json.keywords_none[1]: is empty",
        ),
        (
            json!({ "filters_json": { "authors_allow": [""] } }),
            "filters_json.authors_allow[0]: is empty",
        ),
        (
            json!({ "filters_json": { "authors_deny": [long(201)] } }),
            "filters_json.authors_deny[0]: 201 characters, at most 200",
        ),
        (
            json!({ "filters_json": { "domains_blocked": ["https://a.b"] } }),
            "filters_json.domains_blocked[0]: write the domain alone",
        ),
        (
            json!({ "filters_json": { "domains_stripped": ["a b"] } }),
            "filters_json.domains_stripped[0]: write the domain alone",
        ),
        (
            json!({ "filters_json": { "text_chars_min": 5, "text_chars_max": 4 } }),
            "filters_json.text_chars_min: is above text_chars_max",
        ),
        (
            json!({ "transform_json": { "replace_words": [{ "from": " " }] } }),
            "transform_json.replace_words[0]: is empty",
        ),
        (
            json!({ "transform_json": { "replace_words": [{ "from": "a", "to": long(201) }] } }),
            "transform_json.replace_words[0]: \"to\" has 201 characters",
        ),
        (
            json!({ "transform_json": { "prefix": long(501) } }),
            "transform_json.prefix: 501 characters, at most 500",
        ),
        (
            json!({ "transform_json": { "suffix": long(501) } }),
            "transform_json.suffix: 501 characters, at most 500",
        ),
        (
            json!({ "transform_json": { "template": long(1_001) } }),
            "transform_json.template: 1001 characters, at most 1000",
        ),
        (
            json!({ "transform_json": { "template": "{who}" } }),
            "transform_json.template: {who} is unknown",
        ),
    ];
    for (rules, message) in table {
        let refused = compile(rules.clone()).unwrap_err().to_string();
        assert!(refused.starts_with(message), "{rules}: {refused}");
    }
}

#[test]
fn the_styles_are_kept() {
    let rules = compile(json!({ "author_style": "webhook", "thread_style": "mirrored", "hand_deletions": "repost" })).unwrap();
    assert_eq!(
        (
            rules.author_style(),
            rules.thread_style(),
            rules.hand_deletions()
        ),
        (
            AuthorStyle::Webhook,
            ThreadStyle::Mirrored,
            HandDeletions::Repost
        )
    );
}
