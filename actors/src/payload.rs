//! One mirrored message as we mean it: its JSON, the digest that says whether it must be sent again, the identity by which it
//! is recognised in a channel, and the nonce under which it is posted once. Knows no limits and no transport.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use heliograph_schema::{
    ids::{ChannelId, RoleId, SignalId},
    signal::{Embed, unsigned_url},
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// One message.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PartPayload {
    /// Text, within the limits.
    pub content: String,
    /// Within the limits.
    pub embeds: Vec<Embed>,
    /// The only mention that may ping.
    pub ping_role_id: Option<RoleId>,
    /// Whose name and picture a webhook posts it under; the bot posts it without. No part of the content.
    pub author: Option<PartAuthor>,
}

/// The sender that a webhook shows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PartAuthor {
    /// 1 to 80 characters that Discord takes as a webhook's name.
    pub name: String,
    /// The picture; without one the webhook's own is shown.
    pub avatar_url: Option<String>,
}

/// What a message shows, in a form that survives the way through Discord.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Identity([u8; 32]);

impl PartPayload {
    /// The body of an edit; of a create together with [`PartPayload::to_create_json`]. Mentions are closed in both: an edit
    /// without `allowed_mentions` would be read with Discord's defaults again.
    pub fn to_json(&self) -> Value {
        let roles: Vec<String> = self.ping_role_id.iter().map(ToString::to_string).collect();
        let mut mentions = json!({ "parse": [] });
        if !roles.is_empty() {
            mentions["roles"] = json!(roles);
        }
        json!({
            "content": self.content,
            "embeds": self.embeds.iter().map(embed_json).collect::<Vec<_>>(),
            "allowed_mentions": mentions,
        })
    }

    /// The body of a create that Discord carries out at most once.
    pub fn to_create_json(&self, nonce: &str) -> Value {
        let mut body = self.to_json();
        body["nonce"] = json!(nonce);
        body["enforce_nonce"] = json!(true);
        body
    }

    /// SHA-256 of what it says: equal means that there is nothing to send.
    pub fn digest(&self) -> Vec<u8> {
        let mut hash = Sha256::new_with_prefix(self.to_json().to_string());
        if let Some(author) = &self.author {
            hash.update(json!([author.name, author.avatar_url]).to_string());
        }
        hash.finalize().to_vec()
    }

    /// By which it is found again in a channel.
    pub fn identity(&self) -> Identity {
        Identity::of(&self.content, &self.embeds)
    }
}

impl Identity {
    /// Of a message with this text and these embeds. Space is taken loosely, because Discord trims it; addresses are compared
    /// without their signatures; what Discord adds to an embed does not count.
    pub fn of(content: &str, embeds: &[Embed]) -> Self {
        let mut hash = Sha256::new();
        let mut put = |text: &str| {
            for word in text.split_whitespace() {
                hash.update(word);
                hash.update([b' ']);
            }
            hash.update([0]);
        };
        put(content);
        for embed in embeds {
            put(embed.title.as_deref().unwrap_or_default());
            put(embed.description.as_deref().unwrap_or_default());
            put(&unsigned_url(
                embed.image_url.as_deref().unwrap_or_default(),
            ));
            for field in &embed.fields {
                put(&field.name);
                put(&field.value);
            }
            put("\u{1}");
        }
        Self(hash.finalize().into())
    }
}

/// One posting of one part, told apart from every other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Posting {
    /// The signal.
    pub signal_id: SignalId,
    /// Where.
    pub target_channel_id: ChannelId,
    /// From 0.
    pub part: u16,
    /// With `removals` (parts taken away since) and `repairs` it tells a part that is posted anew, after it was taken away, from
    /// its predecessor.
    pub delivered_revision: i32,
    /// See above.
    pub removals: u32,
    /// How often the delivery was put right after the fact.
    pub repairs: u32,
}

/// The nonce of a posting: the same in every life of the process, so that a create that was repeated is carried out once. At
/// most 25 characters are allowed.
pub fn nonce(posting: &Posting) -> String {
    let mut hash = Sha256::new();
    hash.update(posting.signal_id.get().to_be_bytes());
    hash.update(posting.target_channel_id.get().to_be_bytes());
    hash.update(posting.part.to_be_bytes());
    hash.update(posting.delivered_revision.to_be_bytes());
    hash.update(posting.removals.to_be_bytes());
    // Nonces of before there were repairs stay what they were.
    if posting.repairs > 0 {
        hash.update(posting.repairs.to_be_bytes());
    }
    URL_SAFE_NO_PAD.encode(&hash.finalize()[..16])
}

fn embed_json(embed: &Embed) -> Value {
    let mut body = json!({});
    let mut put = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            body[key] = value;
        }
    };
    put("title", embed.title.as_ref().map(|t| json!(t)));
    put("description", embed.description.as_ref().map(|t| json!(t)));
    put("url", embed.url.as_ref().map(|t| json!(t)));
    put("color", embed.color.map(|c| json!(c)));
    put("timestamp", embed.timestamp.as_ref().map(|t| json!(t)));
    put(
        "author",
        embed
            .author_name
            .as_ref()
            .map(|name| author_json(name, embed.author_url.as_deref())),
    );
    put(
        "footer",
        embed.footer.as_ref().map(|text| json!({ "text": text })),
    );
    put(
        "image",
        embed.image_url.as_ref().map(|url| json!({ "url": url })),
    );
    put(
        "thumbnail",
        embed
            .thumbnail_url
            .as_ref()
            .map(|url| json!({ "url": url })),
    );
    if !embed.fields.is_empty() {
        put("fields", Some(json!(embed.fields)));
    }
    body
}

fn author_json(name: &str, url: Option<&str>) -> Value {
    let mut author = json!({ "name": name });
    if let Some(url) = url {
        author["url"] = json!(url);
    }
    author
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn mentions_are_closed_but_for_the_role_that_is_meant() {
        let quiet = PartPayload {
            content: "@everyone".into(),
            ..PartPayload::default()
        };
        assert_eq!(quiet.to_json()["allowed_mentions"], json!({ "parse": [] }));
        let loud = PartPayload {
            ping_role_id: RoleId::new(7),
            ..quiet.clone()
        };
        assert_eq!(
            loud.to_json()["allowed_mentions"],
            json!({ "parse": [], "roles": ["7"] })
        );
        let create = loud.to_create_json("n");
        assert_eq!(
            (&create["nonce"], &create["enforce_nonce"]),
            (&json!("n"), &json!(true))
        );
        assert_ne!(quiet.digest(), loud.digest());
    }

    #[test]
    fn the_sender_counts_for_the_digest_and_is_no_content() {
        let by = |name: &str, avatar_url: Option<&str>| PartPayload {
            content: "BUY".into(),
            author: Some(PartAuthor {
                name: name.into(),
                avatar_url: avatar_url.map(str::to_owned),
            }),
            ..PartPayload::default()
        };
        let nobody = PartPayload {
            author: None,
            ..by("", None)
        };
        let all = [
            nobody,
            by("a", None),
            by("b", None),
            by("a", Some("https://x/a.png")),
        ];
        let digests: std::collections::HashSet<_> = all.iter().map(PartPayload::digest).collect();
        assert_eq!(digests.len(), all.len());
        for part in &all {
            assert_eq!(part.to_json(), all[0].to_json());
            assert_eq!(part.identity(), all[0].identity());
        }
    }

    #[test]
    fn nonces_are_short_and_tell_everything_apart() {
        let mut seen = std::collections::HashSet::new();
        for (signal, target) in [(1, 2), (2, 1), (12, 3), (1, 23)] {
            for part in 0..3 {
                for (delivered_revision, removals, repairs) in [
                    (0, 0, 0),
                    (0, 1, 0),
                    (1, 0, 0),
                    (1, 1, 0),
                    (1, 0, 1),
                    (1, 1, 1),
                ] {
                    let nonce = nonce(&Posting {
                        signal_id: SignalId::new(signal).unwrap(),
                        target_channel_id: ChannelId::new(target).unwrap(),
                        part,
                        delivered_revision,
                        removals,
                        repairs,
                    });
                    assert!(nonce.len() <= 25);
                    assert!(seen.insert(nonce));
                }
            }
        }
    }

    #[test]
    fn an_identity_survives_trimming_and_signatures_but_no_change_of_words() {
        let image = |url: &str| Embed {
            image_url: Some(url.into()),
            ..Embed::default()
        };
        let posted = Identity::of(" BUY  at 4\n", &[image("https://cdn/x.png?ex=1&hm=2")]);
        assert_eq!(
            posted,
            Identity::of("BUY at 4", &[image("https://cdn/x.png?ex=9&hm=8")])
        );
        assert_ne!(
            posted,
            Identity::of("BUY at 5", &[image("https://cdn/x.png")])
        );
        assert_ne!(
            posted,
            Identity::of("BUY at 4", &[image("https://cdn/y.png")])
        );
        assert_ne!(posted, Identity::of("BUY at 4", &[]));
    }
}
