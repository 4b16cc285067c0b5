//! Reads the JSON of a message request as Discord does: every limit on content, embeds, nonce and mentions, with
//! errors in the tree form of code 50035. Pure: knows no channel and no stored message.

use serde_json::{Map, Value, json};

use crate::{id::Id, mentions_core::AllowedMentions};

const CONTENT_CHARS_MAX: usize = 2_000;
const NONCE_CHARS_MAX: usize = 25;
const AVATAR_URL_CHARS_MAX: usize = 2_048;
pub(crate) const THREAD_NAME_CHARS_MAX: usize = 100;
const EMBEDS_MAX: usize = 10;
const EMBED_CHARS_MAX: usize = 6_000;
const FIELDS_MAX: usize = 25;
const MENTIONS_MAX: usize = 100;
pub(crate) const ATTACHMENTS_MAX: usize = 10;

/// A message request that passed. `None` means the request did not mention it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Draft {
    pub(crate) content: Option<String>,
    pub(crate) embeds: Option<Vec<Value>>,
    pub(crate) components: Option<Vec<Value>>,
    pub(crate) attachments: Option<Vec<AttachmentEntry>>,
    pub(crate) allowed_mentions: Option<AllowedMentions>,
    /// Text or number, given back as it came.
    pub(crate) nonce: Option<Value>,
    pub(crate) enforce_nonce: bool,
    pub(crate) flags: Option<u64>,
    pub(crate) tts: bool,
    pub(crate) reference: Option<Reference>,
    /// Stickers or a poll: content this fake does not store but that makes a message not empty.
    pub(crate) has_other_content: bool,
    /// The name a webhook speaks under.
    pub(crate) username: Option<String>,
    /// The picture a webhook speaks under.
    pub(crate) avatar_url: Option<String>,
    /// The thread a webhook opens in a forum.
    pub(crate) thread_name: Option<String>,
}

/// An entry of `attachments`: an uploaded part by its number, or a stored attachment by its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AttachmentEntry {
    pub(crate) id: u64,
    pub(crate) filename: Option<String>,
    pub(crate) description: Option<String>,
}

/// The message replied to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reference {
    pub(crate) message_id: Id,
    pub(crate) channel_id: Option<Id>,
    pub(crate) fail_if_not_exists: bool,
}

/// Collects errors by path and builds Discord's tree.
#[derive(Debug, Default)]
struct FormErrors {
    tree: Value,
}

impl FormErrors {
    fn add(&mut self, path: &[&str], code: &str, message: &str) {
        let mut node = &mut self.tree;
        for part in path {
            node = &mut node[*part];
        }
        match &mut node["_errors"] {
            Value::Array(list) => list.push(json!({ "code": code, "message": message })),
            empty => *empty = json!([{ "code": code, "message": message }]),
        }
    }

    fn too_long(&mut self, path: &[&str], max: usize) {
        let message = format!("Must be {max} or fewer in length.");
        self.add(path, "BASE_TYPE_MAX_LENGTH", &message);
    }

    fn bad_type(&mut self, path: &[&str], message: &str) {
        self.add(path, "BASE_TYPE_BAD_TYPE", message);
    }

    fn text<'a>(&mut self, path: &[&str], value: &'a Value, chars_max: usize) -> Option<&'a str> {
        let Some(text) = value.as_str() else {
            if !value.is_null() {
                self.bad_type(path, "Could not interpret value as string.");
            }
            return None;
        };
        if text.chars().count() > chars_max {
            self.too_long(path, chars_max);
        }
        Some(text)
    }

    fn list<'a>(&mut self, path: &[&str], value: &'a Value, max: usize) -> &'a [Value] {
        let Some(list) = value.as_array() else {
            if !value.is_null() {
                self.add(
                    path,
                    "LIST_TYPE_CONVERT",
                    "Only iterables may be used in a ListType",
                );
            }
            return &[];
        };
        if list.len() > max {
            self.too_long(path, max);
        }
        list
    }
}

/// Checks a request body. The error is the tree of code 50035.
pub(crate) fn read(body: &Value) -> Result<Draft, Value> {
    let mut errors = FormErrors::default();
    let Some(body) = body.as_object() else {
        errors.add(
            &[],
            "DICT_TYPE_CONVERT",
            "Only dictionaries may be used in a DictType",
        );
        return Err(errors.tree);
    };
    let given = |name: &str| body.get(name);
    let draft = Draft {
        content: given("content").map(|value| read_content(value, &mut errors)),
        embeds: given("embeds").map(|value| read_embeds(value, &mut errors)),
        components: given("components")
            .map(|value| errors.list(&["components"], value, usize::MAX).to_vec()),
        attachments: given("attachments").map(|value| read_attachments(value, &mut errors)),
        allowed_mentions: given("allowed_mentions")
            .filter(|value| !value.is_null())
            .map(|value| read_mentions(value, &mut errors)),
        nonce: given("nonce").and_then(|value| read_nonce(value, &mut errors)),
        enforce_nonce: given("enforce_nonce")
            .and_then(Value::as_bool)
            .unwrap_or_default(),
        flags: given("flags").and_then(Value::as_u64),
        tts: given("tts").and_then(Value::as_bool).unwrap_or_default(),
        reference: given("message_reference").and_then(|value| read_reference(value, &mut errors)),
        has_other_content: has_items(body, "sticker_ids")
            || given("poll").is_some_and(Value::is_object),
        username: given("username")
            .and_then(|value| errors.text(&["username"], value, 80))
            .map(str::to_owned),
        avatar_url: given("avatar_url")
            .and_then(|value| errors.text(&["avatar_url"], value, AVATAR_URL_CHARS_MAX))
            .map(str::to_owned),
        thread_name: given("thread_name")
            .and_then(|value| errors.text(&["thread_name"], value, THREAD_NAME_CHARS_MAX))
            .map(str::to_owned),
    };
    if errors.tree.is_null() {
        Ok(draft)
    } else {
        Err(errors.tree)
    }
}

fn has_items(body: &Map<String, Value>, name: &str) -> bool {
    body.get(name)
        .and_then(Value::as_array)
        .is_some_and(|list| !list.is_empty())
}

/// Discord strips white space around a content before it measures and stores it.
fn read_content(value: &Value, errors: &mut FormErrors) -> String {
    let trimmed = value
        .as_str()
        .map_or_else(|| value.clone(), |text| text.trim().into());
    errors
        .text(&["content"], &trimmed, CONTENT_CHARS_MAX)
        .unwrap_or_default()
        .to_owned()
}

fn read_nonce(value: &Value, errors: &mut FormErrors) -> Option<Value> {
    match value {
        Value::Number(_) => Some(value.clone()),
        _ => errors
            .text(&["nonce"], value, NONCE_CHARS_MAX)
            .map(Value::from),
    }
}

fn read_reference(value: &Value, errors: &mut FormErrors) -> Option<Reference> {
    let reference = value.as_object()?;
    let id = |name: &str| reference.get(name).and_then(as_id);
    let Some(message_id) = id("message_id") else {
        errors.add(
            &["message_reference", "message_id"],
            "BASE_TYPE_REQUIRED",
            "This field is required",
        );
        return None;
    };
    Some(Reference {
        message_id,
        channel_id: id("channel_id"),
        fail_if_not_exists: reference
            .get("fail_if_not_exists")
            .and_then(Value::as_bool)
            .unwrap_or(true),
    })
}

fn read_attachments(value: &Value, errors: &mut FormErrors) -> Vec<AttachmentEntry> {
    let mut entries = Vec::new();
    for (at, entry) in errors
        .list(&["attachments"], value, ATTACHMENTS_MAX)
        .iter()
        .enumerate()
    {
        let at = at.to_string();
        let text = |name: &str| entry.get(name).and_then(Value::as_str).map(str::to_owned);
        match entry.get("id").and_then(as_id) {
            Some(id) => entries.push(AttachmentEntry {
                id: id.0,
                filename: text("filename"),
                description: text("description"),
            }),
            None => errors.add(
                &["attachments", &at, "id"],
                "BASE_TYPE_REQUIRED",
                "This field is required",
            ),
        }
    }
    entries
}

fn read_mentions(value: &Value, errors: &mut FormErrors) -> AllowedMentions {
    let mut allowed = AllowedMentions {
        replied_user: value
            .get("replied_user")
            .and_then(Value::as_bool)
            .unwrap_or_default(),
        ..AllowedMentions::default()
    };
    let path = "allowed_mentions";
    for (at, kind) in errors
        .list(&[path, "parse"], &value["parse"], 3)
        .iter()
        .enumerate()
    {
        match kind.as_str() {
            Some("everyone") => allowed.parse_everyone = true,
            Some("users") => allowed.parse_users = true,
            Some("roles") => allowed.parse_roles = true,
            _ => errors.add(
                &[path, "parse", &at.to_string()],
                "BASE_TYPE_CHOICES",
                "Value must be one of ('everyone', 'users', 'roles').",
            ),
        }
    }
    for (name, parsed, ids) in [
        ("users", allowed.parse_users, &mut allowed.users),
        ("roles", allowed.parse_roles, &mut allowed.roles),
    ] {
        ids.extend(
            errors
                .list(&[path, name], &value[name], MENTIONS_MAX)
                .iter()
                .filter_map(as_id),
        );
        if parsed && !ids.is_empty() {
            let message =
                format!("parse:[\"{name}\"] and {name}: [ids...] are mutually exclusive.");
            errors.add(
                &[path],
                "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE",
                &message,
            );
        }
    }
    allowed
}

fn read_embeds(value: &Value, errors: &mut FormErrors) -> Vec<Value> {
    let embeds = errors.list(&["embeds"], value, EMBEDS_MAX);
    let mut chars = 0;
    let read = embeds
        .iter()
        .enumerate()
        .filter_map(|(at, embed)| read_embed(&at.to_string(), embed, &mut chars, errors))
        .collect();
    if chars > EMBED_CHARS_MAX {
        let message = format!("Embed size exceeds maximum size of {EMBED_CHARS_MAX}");
        errors.add(&["embeds"], "MAX_EMBED_SIZE_EXCEEDED", &message);
    }
    read
}

/// Checks one embed and gives it the fields Discord adds. `chars` sums what counts towards the total.
fn read_embed(
    at: &str,
    embed: &Value,
    chars: &mut usize,
    errors: &mut FormErrors,
) -> Option<Value> {
    let Some(parts) = embed.as_object() else {
        errors.bad_type(&["embeds", at], "Could not interpret value as an embed.");
        return None;
    };
    let mut counted =
        |path: &[&str], value: Option<&Value>, max: usize, errors: &mut FormErrors| {
            let mut whole = vec!["embeds", at];
            whole.extend(path);
            let text = value
                .and_then(|value| errors.text(&whole, value, max))
                .unwrap_or_default();
            *chars += text.chars().count();
            !text.is_empty()
        };
    counted(&["title"], parts.get("title"), 256, errors);
    counted(&["description"], parts.get("description"), 4_096, errors);
    counted(
        &["footer", "text"],
        embed.pointer("/footer/text"),
        2_048,
        errors,
    );
    counted(
        &["author", "name"],
        embed.pointer("/author/name"),
        256,
        errors,
    );
    let fields = errors.list(&["embeds", at, "fields"], &embed["fields"], FIELDS_MAX);
    for (field_at, field) in fields.iter().enumerate() {
        let field_at = field_at.to_string();
        for (name, max) in [("name", 256), ("value", 1_024)] {
            if !counted(&["fields", &field_at, name], field.get(name), max, errors) {
                let path = ["embeds", at, "fields", &field_at, name];
                errors.add(&path, "BASE_TYPE_REQUIRED", "This field is required");
            }
        }
    }
    check_urls(at, embed, errors);
    let mut read = embed.clone();
    read["type"] = "rich".into();
    if let Some(fields) = read.get_mut("fields").and_then(Value::as_array_mut) {
        for field in fields.iter_mut().filter_map(Value::as_object_mut) {
            field.entry("inline").or_insert(false.into());
        }
    }
    Some(read)
}

fn check_urls(at: &str, embed: &Value, errors: &mut FormErrors) {
    for (path, attachments) in [
        (vec!["url"], false),
        (vec!["image", "url"], true),
        (vec!["thumbnail", "url"], true),
        (vec!["footer", "icon_url"], true),
        (vec!["author", "url"], false),
        (vec!["author", "icon_url"], true),
    ] {
        let Some(url) = embed
            .pointer(&format!("/{}", path.join("/")))
            .and_then(Value::as_str)
        else {
            continue;
        };
        let web = url.starts_with("http://") || url.starts_with("https://");
        if !(web || attachments && url.starts_with("attachment://")) {
            let mut whole = vec!["embeds", at];
            whole.extend(path);
            errors.add(&whole, "URL_TYPE_INVALID_URL", "Not a well formed URL.");
        }
    }
}

/// An id as text or number.
pub(crate) fn as_id(value: &Value) -> Option<Id> {
    match value {
        Value::String(text) => text.parse().ok(),
        _ => value.as_u64().map(Id),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
