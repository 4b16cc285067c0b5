//! The words of a mapping's rules: which signals pass, what is changed in them, whose name stands above them. As JSON they are
//! the contract's `filters_json` and `transform_json`. Only words and limits: what they mean for a signal is decided in the
//! actors crate, and rules that cannot be carried out are refused there when they are compiled.

use serde::{Deserialize, Serialize};

/// Entries in a list of authors, keywords, domains or replacements.
pub const ENTRIES_MAX: usize = 100;
/// Patterns in a list of regular expressions.
pub const PATTERNS_MAX: usize = 10;
/// Characters of an author, a keyword, or a side of a replacement.
pub const ENTRY_CHARS_MAX: usize = 200;
/// Characters of a regular expression.
pub const PATTERN_CHARS_MAX: usize = 500;
/// Characters of a domain.
pub const DOMAIN_CHARS_MAX: usize = 253;
/// Characters of a prefix or a suffix.
pub const AFFIX_CHARS_MAX: usize = 500;
/// Characters of a template.
pub const TEMPLATE_CHARS_MAX: usize = 1_000;

/// The fields of [`MappingRules`] in JSON.
pub const FIELDS: [&str; 5] = [
    "filters_json",
    "transform_json",
    "author_style",
    "thread_style",
    "hand_deletions",
];

/// All that a mapping makes of a signal. The default is plain: everything passes, nothing is changed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MappingRules {
    /// Which signals pass.
    #[serde(rename = "filters_json", skip_serializing_if = "is_default")]
    pub filters: Filters,
    /// What is changed in them.
    #[serde(rename = "transform_json", skip_serializing_if = "is_default")]
    pub transform: Transform,
    /// How the author is shown.
    #[serde(skip_serializing_if = "is_default")]
    pub author_style: AuthorStyle,
    /// Where a thread's signals go.
    #[serde(skip_serializing_if = "is_default")]
    pub thread_style: ThreadStyle,
    /// What becomes of a mirrored message that somebody deleted by hand.
    #[serde(skip_serializing_if = "is_default")]
    pub hand_deletions: HandDeletions,
}

/// Conditions; a signal passes that meets all that are set. Keywords and patterns look at the text and at every text of the
/// embeds, with names in place of Discord's markup. Case never matters, but in patterns, which say `(?i)` for themselves.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Filters {
    /// Only of these: user ids, unique names or shown names. Anybody can take a shown name; an id is one person's.
    #[serde(skip_serializing_if = "is_default")]
    pub authors_allow: Vec<String>,
    /// Of none of these.
    #[serde(skip_serializing_if = "is_default")]
    pub authors_deny: Vec<String>,
    /// At least one of these words or phrases stands in it, whole.
    #[serde(skip_serializing_if = "is_default")]
    pub keywords_any: Vec<String>,
    /// None of these does.
    #[serde(skip_serializing_if = "is_default")]
    pub keywords_none: Vec<String>,
    /// At least one of these patterns matches (syntax of Rust's `regex` crate: no look-around, no back-references).
    #[serde(skip_serializing_if = "is_default")]
    pub regex_any: Vec<String>,
    /// None of these does.
    #[serde(skip_serializing_if = "is_default")]
    pub regex_none: Vec<String>,
    /// `true`: it must have an attachment; `false`: it must have none.
    #[serde(skip_serializing_if = "is_default")]
    pub has_attachment: Option<bool>,
    /// The same of embeds. Discord's previews of links in the text are none: they come later and by themselves.
    #[serde(skip_serializing_if = "is_default")]
    pub has_embed: Option<bool>,
    /// A signal with a link to one of these domains, or to a subdomain, is held back.
    #[serde(skip_serializing_if = "is_default")]
    pub domains_blocked: Vec<String>,
    /// Links to these domains, or to their subdomains, are taken out of it; it passes.
    #[serde(skip_serializing_if = "is_default")]
    pub domains_stripped: Vec<String>,
    /// The text has at least as many characters.
    #[serde(skip_serializing_if = "is_default")]
    pub text_chars_min: Option<u32>,
    /// The text has at most as many characters.
    #[serde(skip_serializing_if = "is_default")]
    pub text_chars_max: Option<u32>,
}

/// Changes, carried out in the order of these fields, after links to stripped domains have left. The first two reach every text
/// of the embeds too; the others are about the text alone.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Transform {
    /// Mentions of people, roles and everyone leave without a trace; otherwise they become names.
    #[serde(skip_serializing_if = "is_default")]
    pub strip_mentions: bool,
    /// One after the other: what the first wrote, the second may replace.
    #[serde(skip_serializing_if = "is_default")]
    pub replace_words: Vec<Replacement>,
    /// Put before the text, where there is one.
    #[serde(skip_serializing_if = "is_default")]
    pub prefix: String,
    /// Put behind the text, where there is one.
    #[serde(skip_serializing_if = "is_default")]
    pub suffix: String,
    /// The whole text, where it is set: `{text}` (with prefix and suffix), `{author}`, `{channel}`, `{thread}`, and `{link}` to the
    /// source message. `{{` and `}}` are braces.
    #[serde(skip_serializing_if = "is_default")]
    pub template: String,
}

/// One word or phrase for another.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Replacement {
    /// What is looked for; case does not matter.
    pub from: String,
    /// What stands there afterwards; nothing to take it out.
    #[serde(skip_serializing_if = "is_default")]
    pub to: String,
    /// Not inside longer words.
    #[serde(skip_serializing_if = "is_default")]
    pub whole_word: bool,
}

/// How a mirrored message says who wrote the signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuthorStyle {
    /// Not at all.
    #[default]
    None,
    /// In a line above the text.
    NameLine,
    /// As the sender: the message goes through a webhook, which Discord does not carry out exactly once.
    Webhook,
}

/// Where the signals of a thread go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ThreadStyle {
    /// Into the target channel, with the thread's name in a line above the text.
    #[default]
    Channel,
    /// Into a thread of the target channel that mirrors it.
    Mirrored,
}

/// What becomes of a mirrored message that somebody deleted by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum HandDeletions {
    /// It stays deleted.
    #[default]
    Keep,
    /// It is posted again when the channel is reconciled.
    Repost,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    #[test]
    fn plain_rules_are_an_empty_object() {
        assert_eq!(json!(MappingRules::default()), json!({}));
        assert_eq!(
            serde_json::from_value::<MappingRules>(json!({})).unwrap(),
            MappingRules::default()
        );
        assert_eq!(json!(Filters::default()), json!({}));
        assert_eq!(json!(Transform::default()), json!({}));
    }

    #[test]
    fn the_json_is_as_the_contract_and_the_manual_name_it() {
        let json = json!({
            "filters_json": {
                "authors_allow": ["5"], "authors_deny": ["bob"], "keywords_any": ["btc"], "keywords_none": ["scam"],
                "regex_any": ["^BUY"], "regex_none": ["test"], "has_attachment": true, "has_embed": false,
                "domains_blocked": ["a.example"], "domains_stripped": ["b.example"], "text_chars_min": 1, "text_chars_max": 9,
            },
            "transform_json": {
                "strip_mentions": true, "replace_words": [{ "from": "a", "to": "b", "whole_word": true }, { "from": "c" }],
                "prefix": "p", "suffix": "s", "template": "{text}",
            },
            "author_style": "name_line", "thread_style": "mirrored", "hand_deletions": "repost",
        });
        let rules: MappingRules = serde_json::from_value(json.clone()).unwrap();
        assert_eq!(serde_json::to_value(&rules).unwrap(), json);
        assert!(FIELDS.iter().all(|field| json.get(field).is_some()));
        assert_eq!(json.as_object().unwrap().len(), FIELDS.len());
        assert_eq!(rules.filters.has_embed, Some(false));
        assert_eq!(rules.transform.replace_words[1].to, "");
    }

    #[test]
    fn what_nobody_would_carry_out_is_refused() {
        for unknown in [
            json!({ "filter": {} }),
            json!({ "filters_json": { "keyword_any": ["a"] } }),
            json!({ "filters_json": { "keywords_any": "a" } }),
            json!({ "filters_json": { "text_chars_min": -1 } }),
            json!({ "transform_json": { "replace_words": [{ "from": "a", "with": "b" }] } }),
            json!({ "author_style": "loud" }),
        ] {
            assert!(
                serde_json::from_value::<MappingRules>(unknown.clone()).is_err(),
                "{unknown}"
            );
        }
    }
}
