//! What the way to Discord has learned on it and keeps for later: the guilds of target channels, and the webhooks of ours with
//! their tokens, which are told to nobody. Bounded; what is forgotten is asked for again.

use heliograph_schema::ids::{ChannelId, GuildId, WebhookId};
use std::{
    collections::BTreeMap,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Webhooks kept, and guilds; a mirror needs one of each.
const KEPT_MAX: usize = 10_000;

/// Whoever has it may post: it is shown nowhere.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct WebhookToken(String);

impl WebhookToken {
    /// `None` for what cannot stand in a path as it is, and so is no token.
    pub(super) fn new(text: String) -> Option<Self> {
        let is_plain =
            |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '=' | '~');
        (!text.is_empty() && text.chars().all(is_plain)).then_some(Self(text))
    }

    /// For the path of a request, and nothing else.
    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for WebhookToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookToken")
    }
}

#[derive(Default)]
pub(super) struct Learned {
    guilds: Mutex<BTreeMap<ChannelId, GuildId>>,
    webhooks: Mutex<BTreeMap<WebhookId, (ChannelId, WebhookToken)>>,
}

impl Learned {
    pub(super) fn guild(&self, target: ChannelId) -> Option<GuildId> {
        lock(&self.guilds).get(&target).copied()
    }

    pub(super) fn learn_guild(&self, target: ChannelId, guild_id: GuildId) {
        keep(&mut lock(&self.guilds), target, guild_id);
    }

    pub(super) fn token(&self, webhook_id: WebhookId) -> Option<WebhookToken> {
        let webhooks = lock(&self.webhooks);
        webhooks.get(&webhook_id).map(|(_, token)| token.clone())
    }

    pub(super) fn learn_webhook(
        &self,
        target: ChannelId,
        webhook_id: WebhookId,
        token: WebhookToken,
    ) {
        keep(&mut lock(&self.webhooks), webhook_id, (target, token));
    }

    pub(super) fn forget_webhook(&self, webhook_id: WebhookId) {
        lock(&self.webhooks).remove(&webhook_id);
    }

    /// Those of ours that post into this target.
    pub(super) fn webhooks_of(&self, target: ChannelId) -> Vec<WebhookId> {
        let webhooks = lock(&self.webhooks);
        webhooks
            .iter()
            .filter(|(_, (channel_id, _))| *channel_id == target)
            .map(|(webhook_id, _)| *webhook_id)
            .collect()
    }
}

/// The oldest id goes when there is no room.
fn keep<K: Ord, V>(kept: &mut BTreeMap<K, V>, key: K, value: V) {
    if kept.len() >= KEPT_MAX && !kept.contains_key(&key) {
        kept.pop_first();
    }
    kept.insert(key, value);
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn ids(number: i64) -> (ChannelId, WebhookId) {
        (
            ChannelId::new(number).unwrap(),
            WebhookId::new(number).unwrap(),
        )
    }

    fn token(text: &str) -> Option<WebhookToken> {
        WebhookToken::new(text.to_owned())
    }

    #[test]
    fn a_token_is_never_shown() {
        let token = token("aB3-_x.Y").unwrap();
        assert!(!format!("{token:?}{:?}", Some(&token)).contains("aB3"));
        assert_eq!(token.reveal(), "aB3-_x.Y");
    }

    #[test]
    fn what_would_change_a_path_is_no_token() {
        for bad in ["", "a/b", "a?b", "a#b", "a b", "a%2f", "ä"] {
            assert_eq!(token(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_oldest_goes_when_there_is_no_room_and_never_the_newcomer() {
        let learned = Learned::default();
        let room = i64::try_from(KEPT_MAX).unwrap();
        for number in 2..=room + 2 {
            let (channel, webhook) = ids(number);
            learned.learn_webhook(channel, webhook, token("t").unwrap());
        }
        let (channel, webhook) = ids(1);
        learned.learn_webhook(channel, webhook, token("t").unwrap());
        assert_eq!(lock(&learned.webhooks).len(), KEPT_MAX);
        assert!(learned.token(webhook).is_some());
        for gone in [2, 3] {
            assert_eq!(learned.token(ids(gone).1), None);
        }
        assert_eq!(learned.webhooks_of(channel), [webhook]);
        learned.forget_webhook(webhook);
        assert!(learned.token(webhook).is_none() && learned.webhooks_of(channel).is_empty());
    }
}
