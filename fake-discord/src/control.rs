//! The handle by which tests look into a fake and steer it, in process; `control_http` offers the same over HTTP.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::watch;

use crate::{
    fake::Fake,
    faults_core::FaultRule,
    id::Id,
    limits::Limits,
    message_store::Message,
    request_log::{RequestLine, Stats},
    settings::{Bot, Channel, Guild, Member, Role, Settings},
    world::Webhook,
};

/// Looks into a fake and steers it. Cheap to clone; outlives the server it belongs to.
#[derive(Clone, Debug)]
pub struct Control {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    fake: Mutex<Fake>,
    changes: watch::Sender<u64>,
    at_start: Settings,
}

impl Control {
    pub(crate) fn new(settings: Settings, base_url: String) -> Self {
        let at_start = settings.clone();
        let fake = Mutex::new(Fake::new(settings, base_url));
        Self {
            shared: Arc::new(Shared {
                fake,
                changes: watch::Sender::new(0),
                at_start,
            }),
        }
    }

    /// The state. Never held across a wait.
    pub(crate) fn fake(&self) -> MutexGuard<'_, Fake> {
        self.shared
            .fake
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes those in [`Control::wait_for`].
    pub(crate) fn changed(&self) {
        self.shared.changes.send_modify(|count| *count += 1);
    }

    /// Every message of a channel, or of all, in the order of ids: living and deleted, with edits and pings.
    pub fn messages(&self, channel: Option<Id>) -> Vec<Message> {
        self.fake().store.everything(channel)
    }

    /// The messages of a channel that are not deleted, in the order of ids.
    pub fn live_messages(&self, channel: Id) -> Vec<Message> {
        let mut messages = self.messages(Some(channel));
        messages.retain(|message| message.deleted_at_ms.is_none());
        messages
    }

    /// Requests with a number above `since`, oldest first, as far as the log reaches back.
    pub fn requests(&self, since: u64) -> Vec<RequestLine> {
        self.fake().log.since(since)
    }

    /// All counters.
    pub fn stats(&self) -> Stats {
        self.fake().stats()
    }

    /// Adds a fault rule behind those in force.
    pub fn add_fault(&self, rule: FaultRule) {
        self.fake().faults.add(rule);
    }

    /// The fault rules in force.
    pub fn faults(&self) -> Vec<FaultRule> {
        self.fake().faults.rules()
    }

    /// Removes all fault rules.
    pub fn clear_faults(&self) {
        self.fake().faults.clear();
    }

    /// The limits in force.
    pub fn limits(&self) -> Limits {
        self.fake().settings.limits.clone()
    }

    /// Changes the limits; what is used of them stays used.
    pub fn set_limits(&self, limits: Limits) {
        self.fake().settings.limits = limits;
    }

    /// How long enforced nonces are remembered from now on, milliseconds.
    pub fn set_nonce_window_ms(&self, window_ms: u64) {
        self.fake().settings.nonce_window_ms = window_ms;
    }

    /// The fake's clock, milliseconds since the Unix epoch.
    pub fn now_ms(&self) -> u64 {
        self.fake().clock.now_ms()
    }

    /// Moves the clock forward, a manual or a running one, and gives the new time.
    pub fn advance_clock(&self, by_ms: u64) -> u64 {
        let mut fake = self.fake();
        fake.clock.advance(by_ms);
        fake.clock.now_ms()
    }

    /// Replaces the bots: tokens no longer among them are refused with 401.
    pub fn set_bots(&self, bots: Vec<Bot>) {
        self.fake().settings.bots = bots;
    }

    /// Declares a channel, or declares it anew.
    pub fn put_channel(&self, channel: Channel) {
        self.fake().world.channels.insert(channel.id, channel);
    }

    /// Removes a channel or thread with its threads and webhooks: they are unknown from now on.
    pub fn remove_channel(&self, channel: Id) {
        self.fake().world.remove_channel(channel);
    }

    /// A channel as it is now.
    pub fn channel(&self, channel: Id) -> Option<Channel> {
        self.fake().world.channels.get(&channel).cloned()
    }

    /// The threads of a channel, archived ones included, oldest first.
    pub fn threads(&self, parent: Id) -> Vec<Channel> {
        self.fake().world.threads_of(parent).cloned().collect()
    }

    /// Archives, wakes, locks or unlocks a thread as a moderator would; false when it is not there.
    pub fn set_thread(&self, thread: Id, archived: bool, locked: bool) -> bool {
        let mut fake = self.fake();
        let now_ms = fake.clock.now_ms();
        let Some(channel) = fake.world.channels.get_mut(&thread) else {
            return false;
        };
        channel.set_archived(archived, now_ms);
        channel.locked = locked;
        true
    }

    /// The webhooks of a channel, oldest first.
    pub fn webhooks(&self, channel: Id) -> Vec<Webhook> {
        self.fake().world.webhooks_of(channel).cloned().collect()
    }

    /// Makes a webhook as this user would, a bot or a person, without any check. Gives its id.
    pub fn put_webhook(&self, channel: Id, owner: Id, name: &str) -> Id {
        let mut fake = self.fake();
        let now_ms = fake.clock.now_ms();
        let id = fake.snowflakes.next(now_ms);
        fake.world
            .webhooks
            .insert(id, Webhook::new(id, channel, owner, name));
        id
    }

    /// Deletes a webhook as a moderator would; false when it is not there.
    pub fn remove_webhook(&self, webhook: Id) -> bool {
        self.fake().world.webhooks.remove(&webhook).is_some()
    }

    /// Declares a guild with its roles and members, or declares it anew.
    pub fn put_guild(&self, guild: Guild) {
        self.fake().world.guilds.insert(guild.id, guild);
    }

    /// A guild as it is now.
    pub fn guild(&self, guild: Id) -> Option<Guild> {
        self.fake().world.guilds.get(&guild).cloned()
    }

    /// Changes a guild: its name, whether bots are in it; `None` leaves as it is. False when it is not there.
    pub fn change_guild(&self, guild: Id, name: Option<&str>, has_bots: Option<bool>) -> bool {
        let mut fake = self.fake();
        let Some(guild) = fake.world.guilds.get_mut(&guild) else {
            return false;
        };
        if let Some(name) = name {
            name.clone_into(&mut guild.name);
        }
        guild.has_bots = has_bots.unwrap_or(guild.has_bots);
        true
    }

    /// Removes a guild with its channels; false when it is not there.
    pub fn remove_guild(&self, guild: Id) -> bool {
        self.fake().world.remove_guild(guild)
    }

    /// Declares a role of a guild, or declares it anew; false when the guild is not there.
    pub fn put_role(&self, guild: Id, role: Role) -> bool {
        let mut fake = self.fake();
        let Some(guild) = fake.world.guilds.get_mut(&guild) else {
            return false;
        };
        guild.roles.retain(|known| known.id != role.id);
        guild.roles.push(role);
        true
    }

    /// Removes a role of a guild, also from its members; false when it is not there.
    pub fn remove_role(&self, guild: Id, role: Id) -> bool {
        let mut fake = self.fake();
        let Some(guild) = fake.world.guilds.get_mut(&guild) else {
            return false;
        };
        for member in &mut guild.members {
            member.roles.retain(|held| *held != role);
        }
        let before = guild.roles.len();
        guild.roles.retain(|known| known.id != role);
        guild.roles.len() < before
    }

    /// The channels of a guild, threads too, in the order of ids.
    pub fn channels(&self, guild: Id) -> Vec<Channel> {
        let fake = self.fake();
        let of_guild = |channel: &&Channel| channel.guild_id == Some(guild);
        fake.world
            .channels
            .values()
            .filter(of_guild)
            .cloned()
            .collect()
    }

    /// A member as it is now, to see the roles held.
    pub fn member(&self, guild: Id, user: Id) -> Option<Member> {
        self.fake().world.member(guild, user).ok().cloned()
    }

    /// Posts as somebody who is no bot of this fake: no limit, no check, no log. Gives the message's id.
    pub fn post_as(&self, channel: Id, author: Id, username: &str, content: &str) -> Id {
        let mut fake = self.fake();
        let now_ms = fake.clock.now_ms();
        let id = fake.snowflakes.next(now_ms);
        let messages_max = fake.settings.messages_max;
        let message = Message::written(id, channel, (author, username), content, now_ms);
        fake.store.insert(message, messages_max);
        drop(fake);
        self.changed();
        id
    }

    /// Deletes a message as a moderator would; false when it is not there.
    pub fn delete_message(&self, channel: Id, message: Id) -> bool {
        let mut fake = self.fake();
        let now_ms = fake.clock.now_ms();
        fake.store.delete(channel, message, now_ms)
    }

    /// Forgets messages, log, counters, faults, webhooks and used limits; settings are as at the start. Clock and ids
    /// go on.
    pub fn reset(&self) {
        self.fake().reset(self.shared.at_start.clone());
        self.changed();
    }

    /// Waits until the condition holds, looking again after each request; false when it does not in time.
    pub async fn wait_for(
        &self,
        at_most: Duration,
        mut condition: impl FnMut(&Self) -> bool,
    ) -> bool {
        let mut changes = self.shared.changes.subscribe();
        let until_true = async {
            while !condition(self) {
                // The sender lives as long as this handle.
                let _ = changes.changed().await;
            }
        };
        tokio::time::timeout(at_most, until_true).await.is_ok()
    }
}
