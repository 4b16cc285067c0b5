//! A signal and what is known of it: the registers that the join works on, and the view that readers get. The rules of the
//! join are in the actors crate; here are only the words and their JSON, which the `signals` table holds.

use crate::ids::{AttachmentId, ChannelId, GuildId, RoleId, SignalId, ThreadId, UserId};
use serde::{Deserialize, Serialize};

/// Who wrote the source message, as far as it was said.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Author {
    /// The account.
    #[cfg_attr(test, ts(type = "string"))]
    pub user_id: UserId,
    /// The account's unique name.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[cfg_attr(test, ts(optional))]
    pub username: Option<String>,
    /// The name it shows.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[cfg_attr(test, ts(optional))]
    pub global_name: Option<String>,
    /// Its picture, for mirrors that show one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[cfg_attr(test, ts(optional))]
    pub avatar_url: Option<String>,
}

impl Author {
    /// The name people know it by.
    pub fn shown_name(&self) -> Option<&str> {
        [&self.global_name, &self.username]
            .into_iter()
            .flatten()
            .map(String::as_str)
            .find(|name| !name.trim().is_empty())
    }
}

/// The text in both forms a connector sends.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct Text {
    /// With Discord's markup for mentions and emoji.
    pub raw: String,
    /// With names in place of that markup.
    pub clean: String,
}

/// One row of an embed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct EmbedField {
    /// Heading.
    pub name: String,
    /// Text below it.
    pub value: String,
    /// May stand beside others.
    #[serde(default)]
    pub inline: bool,
}

/// What an embed shows, whatever spelling its connector used.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(test, ts(optional_fields))]
#[serde(default)]
pub struct Embed {
    /// Discord's type: `rich`, `image`, `link` …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Heading.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Where the heading leads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// 24-bit RGB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub color: Option<u32>,
    /// ISO-8601, as it came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<String>,
    /// Line above the heading.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub author_name: Option<String>,
    /// Where that line leads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub author_url: Option<String>,
    /// Small print.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub footer: Option<String>,
    /// Large picture: often the chart that is the whole signal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_url: Option<String>,
    /// Small picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thumbnail_url: Option<String>,
    /// Rows.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(test, ts(optional, as = "Option<Vec<EmbedField>>"))]
    pub fields: Vec<EmbedField>,
}

/// A file of the source message. The address is signed and ends: see `signed_url`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Attachment {
    /// Discord's id of the file.
    #[cfg_attr(test, ts(type = "string"))]
    pub attachment_id: AttachmentId,
    /// Name as uploaded; never a path to write to.
    pub filename: String,
    /// Where it can be fetched while the signature lasts.
    pub url: String,
    /// Bytes.
    #[cfg_attr(test, ts(type = "number"))]
    pub size: i64,
    /// Media type, as the connector says.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[cfg_attr(test, ts(optional))]
    pub content_type: Option<String>,
}

/// A value with the edit stamp (ms) under which it was said. Stamp 0 is the creation; the greatest stamp wins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamped<T> {
    /// Milliseconds since 1970 of the edit, 0 for the creation.
    pub stamp_ms: i64,
    /// What was said.
    pub value: T,
}

/// Everything known of a signal: the join of all that was said of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignalState {
    /// The source message.
    pub signal_id: SignalId,
    /// Where it was captured; of a thread message the parent channel.
    pub channel_id: ChannelId,
    /// The guild of that channel.
    pub guild_id: GuildId,
    /// The thread, when it stands in one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub thread_id: Option<ThreadId>,
    /// The message it answers, in the same channel.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reply_to: Option<SignalId>,
    /// Its create has come. Until then it is held and nobody sees it.
    pub created: bool,
    /// When it was deleted, if it was. Absorbing.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub deleted_at_ms: Option<i64>,
    /// The latest edit stamp heard.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub edited_at_ms: Option<i64>,
    /// Who wrote it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub author: Option<Author>,
    /// The text register.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub text: Option<Stamped<Text>>,
    /// The embeds register.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub embeds: Option<Stamped<Vec<Embed>>>,
    /// The attachments register.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub attachments: Option<Stamped<Vec<Attachment>>>,
    /// Roles and users it mentions.
    #[serde(skip_serializing_if = "Mentions::is_empty", default)]
    pub mentions: Mentions,
    /// Accepted visible changes so far; 0 while held.
    pub revision: i32,
}

/// Whom a signal mentions; sets only grow, so that they join.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Mentions {
    /// Roles of the source guild.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub roles: Vec<RoleId>,
    /// People.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub users: Vec<UserId>,
}

impl Mentions {
    /// Nobody.
    pub fn is_empty(&self) -> bool {
        self.roles.is_empty() && self.users.is_empty()
    }
}

impl SignalState {
    /// A signal of which nothing is known but its place.
    pub fn unknown(signal_id: SignalId, channel_id: ChannelId, guild_id: GuildId) -> Self {
        Self {
            signal_id,
            channel_id,
            guild_id,
            thread_id: None,
            reply_to: None,
            created: false,
            deleted_at_ms: None,
            edited_at_ms: None,
            author: None,
            text: None,
            embeds: None,
            attachments: None,
            mentions: Mentions::default(),
            revision: 0,
        }
    }

    /// Readers may see it: its create has come, and it was not deleted before that was ever shown.
    pub fn is_visible(&self) -> bool {
        self.revision > 0
    }

    /// The text in names, empty when there is none.
    pub fn clean_text(&self) -> &str {
        self.text.as_ref().map_or("", |t| &t.value.clean)
    }

    /// The embeds, empty when there are none.
    pub fn embeds(&self) -> &[Embed] {
        self.embeds.as_ref().map_or(&[], |e| &e.value)
    }

    /// The attachments, empty when there are none.
    pub fn attachments(&self) -> &[Attachment] {
        self.attachments.as_ref().map_or(&[], |a| &a.value)
    }
}

/// What kind of change a revision is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "lowercase")]
pub enum RevisionKind {
    /// The signal appears.
    Create,
    /// It reads differently.
    Update,
    /// It is gone.
    Delete,
}

impl RevisionKind {
    /// The letter in the tables.
    pub fn letter(self) -> &'static str {
        match self {
            Self::Create => "c",
            Self::Update => "u",
            Self::Delete => "d",
        }
    }
}

/// `url` without the parameters that only sign it (`ex`, `is`, `hm` of Discord's CDN): two addresses of one file compare equal.
pub fn unsigned_url(url: &str) -> std::borrow::Cow<'_, str> {
    let Some((path, query)) = url.split_once('?') else {
        return url.into();
    };
    let (query, fragment) = query
        .split_once('#')
        .map_or((query, None), |(q, f)| (q, Some(f)));
    let signs = |pair: &&str| matches!(pair.split('=').next(), Some("ex" | "is" | "hm"));
    if !query.split('&').any(|pair| signs(&pair)) {
        return url.into();
    }
    let kept: Vec<&str> = query
        .split('&')
        .filter(|pair| !signs(pair) && !pair.is_empty())
        .collect();
    let mut plain = path.to_owned();
    if !kept.is_empty() {
        plain.push('?');
        plain.push_str(&kept.join("&"));
    }
    if let Some(fragment) = fragment {
        plain.push('#');
        plain.push_str(fragment);
    }
    plain.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_signature_leaves_an_address() {
        let table = [
            ("https://cdn/x.png", "https://cdn/x.png"),
            ("https://cdn/x.png?ex=1&is=2&hm=3&", "https://cdn/x.png"),
            (
                "https://cdn/x.png?ex=1&width=4&hm=3",
                "https://cdn/x.png?width=4",
            ),
            (
                "https://cdn/x.png?width=4&examine=1",
                "https://cdn/x.png?width=4&examine=1",
            ),
            ("https://cdn/x.png?ex=1#part", "https://cdn/x.png#part"),
        ];
        for (url, plain) in table {
            assert_eq!(unsigned_url(url), plain, "{url}");
        }
    }
}
