//! What can happen to a signal: each story is one signal (or thread) from its first word to its last, with the traps
//! connectors meet in the field. Owns plots only: `day_core` decides when a story begins, `signal_core` what its messages carry.
//!
//! Times inside a story are natural milliseconds since the start of the day; `teller` turns them into dates.

use crate::contract::{Embed, MemberDelta, Message, Thread, ThreadEventType};
use crate::guilds::{Channel, Desk, RISK_DESK, TAPE, desk_of};
use crate::prose::{self, Text};
use crate::snowflake::iso;
use crate::teller::{Event, Teller};
use crate::{pictures, signal_core};

/// The kinds of stories.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Story {
    /// A trade in words, edited as targets or the stop are reached: several edits, one idempotency key.
    Call,
    /// Empty content, the embed carries all.
    EmbedCall,
    /// A link whose embed resolves later, in an update that is no edit.
    LinkResolved,
    /// More than 2,000 characters.
    Note,
    /// A file and nothing else.
    PictureOnly,
    /// An update that says only attachments.
    LatePicture,
    /// An edit whose attachment list is empty although the message has one.
    TextAfterPicture,
    /// Deleted while the connector still has the message.
    Deleted,
    /// Deleted when it no longer has it: creation time is the time of the delete.
    DeletedForgotten,
    /// The edit is heard before the create.
    EditFirst,
    /// The delete is heard before the create.
    DeleteFirst,
    /// Heard twice, at once or long after.
    Twice,
    /// A thread with its messages, members and end.
    Thread,
    /// An answer that quotes and mentions.
    Reply,
    /// A short line.
    Chatter,
    /// An update that changes no text and is no edit.
    Pinned,
    /// Other scripts, directions and emoji.
    World,
}

impl Story {
    /// One round of stories: every kind occurs, the common ones often.
    pub(crate) fn deck() -> Vec<Self> {
        let counts = [
            (Self::Call, 16),
            (Self::EmbedCall, 9),
            (Self::LinkResolved, 4),
            (Self::Note, 2),
            (Self::PictureOnly, 3),
            (Self::LatePicture, 2),
            (Self::TextAfterPicture, 2),
            (Self::Deleted, 3),
            (Self::DeletedForgotten, 2),
            (Self::EditFirst, 2),
            (Self::DeleteFirst, 1),
            (Self::Twice, 3),
            (Self::Thread, 2),
            (Self::Reply, 6),
            (Self::Chatter, 14),
            (Self::Pinned, 2),
            (Self::World, 4),
        ];
        counts
            .iter()
            .flat_map(|&(story, count)| std::iter::repeat_n(story, count))
            .collect()
    }
}

impl Teller {
    /// The events of one story that begins at `at`, each with its natural time.
    pub(crate) fn tell(&mut self, story: Story, channel: Channel, at: u64) -> Vec<(u64, Event)> {
        let base = self.charts_base_url.clone();
        match (story, base) {
            (Story::EmbedCall, base) => self.embed_call(channel, at, base.as_deref()),
            (Story::LinkResolved, Some(base)) => self.link_resolved(channel, at, &base),
            (Story::PictureOnly, Some(base)) => self.picture_only(channel, at, &base),
            (Story::LatePicture, Some(base)) => self.late_picture(channel, at, &base),
            (Story::TextAfterPicture, Some(base)) => self.text_after_picture(channel, at, &base),
            (Story::Note, _) => self.note(channel, at),
            (Story::Deleted, _) => self.deleted(channel, at, true),
            (Story::DeletedForgotten, _) => self.deleted(channel, at, false),
            (Story::EditFirst, _) => self.edit_first(channel, at),
            (Story::DeleteFirst, _) => self.delete_first(channel, at),
            (Story::Twice, _) => self.twice(channel, at),
            (Story::Thread, _) => self.thread(channel, at),
            (Story::Reply, _) => self.reply(channel, at),
            (Story::Chatter, _) => self.chatter(channel, at),
            (Story::Pinned, _) => self.pinned(channel, at),
            (Story::World, _) => self.world(channel, at),
            // Pictures are off: the same trade in words.
            (Story::Call, _)
            | (
                Story::LinkResolved
                | Story::PictureOnly
                | Story::LatePicture
                | Story::TextAfterPicture,
                None,
            ) => {
                self.call(channel, at);
            }
        }
        std::mem::take(&mut self.told)
    }

    fn call(&mut self, channel: Channel, at: u64) {
        let (mut signal, trade) = self.trade_signal(channel, at);
        self.hear(at, &signal, signal.create(&self.speaker));
        self.last_call.retain(|(id, ..)| *id != channel.id);
        self.last_call
            .push((channel.id, signal.author, signal.text.clean.clone()));
        let mut edited = at;
        for target in 0..self.dice.index(4) {
            edited = self.later(edited, 4_000, 14_000);
            let stops = self.dice.chance(20);
            let words = if stops {
                prose::stopped(&trade)
            } else {
                prose::target_hit(&trade, target)
            };
            signal.text = signal.text.say(&words);
            self.hear_edit(edited, &signal);
            if stops {
                break;
            }
        }
    }

    fn embed_call(&mut self, channel: Channel, at: u64, base_url: Option<&str>) {
        let mut signal = self.signal(channel, at, desk_of(&channel).author(), Text::default());
        let trade = self.market.trade(&mut self.dice, desk_of(&channel));
        let url = base_url.map(|base| pictures::chart(&mut self.dice, signal.id, &trade).url(base));
        let stamp = iso(self.unix_ms(at));
        let embed = pictures::trade_embed(
            &mut self.dice,
            desk_of(&channel),
            &trade,
            url.as_deref(),
            &stamp,
        );
        if self.dice.chance(20) {
            signal.text = Text::new(&format!("New idea: {}", trade.symbol));
        }
        signal.embeds = vec![embed];
        self.hear(at, &signal, signal.create(&self.speaker));
        if self.dice.chance(60) {
            let edited = self.later(at, 5_000, 20_000);
            signal.embeds = signal
                .embeds
                .into_iter()
                .map(|e| pictures::with_progress(e, &prose::target_hit(&trade, 0)))
                .collect();
            self.hear_edit(edited, &signal);
        }
    }

    fn link_resolved(&mut self, channel: Channel, at: u64, base_url: &str) {
        let mut signal = self.signal(channel, at, desk_of(&channel).author(), Text::default());
        let trade = self.market.trade(&mut self.dice, desk_of(&channel));
        let url = pictures::chart(&mut self.dice, signal.id, &trade).url(base_url);
        signal.text = Text::new(&format!("{} levels I am watching: {url}", trade.symbol));
        self.hear(at, &signal, signal.create(&self.speaker));
        let embeds: Vec<Embed> = vec![pictures::link_embed(&mut self.dice, &trade, &url)];
        let resolved = Message {
            embeds,
            ..signal.sparse_update(&self.speaker)
        };
        let at = self.later(at, 700, 2_500);
        self.hear(at, &signal, resolved);
    }

    fn picture_only(&mut self, channel: Channel, at: u64, base_url: &str) {
        let mut signal = self.signal(channel, at, desk_of(&channel).author(), Text::default());
        self.attach_chart(&mut signal, at, base_url);
        self.hear(at, &signal, signal.create(&self.speaker));
    }

    fn late_picture(&mut self, channel: Channel, at: u64, base_url: &str) {
        let (mut signal, _) = self.trade_signal(channel, at);
        self.hear(at, &signal, signal.create(&self.speaker));
        self.attach_chart(&mut signal, at, base_url);
        let late = Message {
            attachments: signal.attachments.clone(),
            ..signal.sparse_update(&self.speaker)
        };
        let at = self.later(at, 800, 3_000);
        self.hear(at, &signal, late);
    }

    fn text_after_picture(&mut self, channel: Channel, at: u64, base_url: &str) {
        let (mut signal, trade) = self.trade_signal(channel, at);
        self.attach_chart(&mut signal, at, base_url);
        self.hear(at, &signal, signal.create(&self.speaker));
        signal.text = signal.text.say(&prose::target_hit(&trade, 0));
        let at = self.later(at, 4_000, 12_000);
        let edit = signal.edit(&self.speaker, self.unix_ms(at));
        self.hear(
            at,
            &signal,
            Message {
                attachments: Vec::new(),
                ..edit
            },
        );
    }

    fn note(&mut self, channel: Channel, at: u64) {
        let text = prose::note(&mut self.dice, &mut self.market, desk_of(&channel));
        let mut signal = self.signal(channel, at, Desk::Macro.author(), text);
        self.hear(at, &signal, signal.create(&self.speaker));
        let at = self.later(at, 6_000, 15_000);
        signal.text = signal.text.say("\n_Edit: table refreshed._");
        self.hear_edit(at, &signal);
    }

    fn deleted(&mut self, channel: Channel, at: u64, remembered: bool) {
        let (signal, _) = self.trade_signal(channel, at);
        self.hear(at, &signal, signal.create(&self.speaker));
        let at = self.later(at, 3_000, 15_000);
        let delete = signal.delete(&self.speaker, self.unix_ms(at), remembered);
        self.hear(at, &signal, delete);
    }

    fn edit_first(&mut self, channel: Channel, at: u64) {
        let (mut signal, trade) = self.trade_signal(channel, at);
        let create = signal.create(&self.speaker);
        signal.text = signal.text.say(&prose::target_hit(&trade, 0));
        let edited = self.later(at, 400, 1_000);
        self.hear_edit(edited, &signal);
        let late = self.later(edited, 500, 2_500);
        self.hear(late, &signal, create);
    }

    fn delete_first(&mut self, channel: Channel, at: u64) {
        let (signal, _) = self.trade_signal(channel, at);
        let deleted = self.later(at, 300, 900);
        let delete = signal.delete(&self.speaker, self.unix_ms(deleted), false);
        self.hear(deleted, &signal, delete);
        let late = self.later(deleted, 500, 2_500);
        self.hear(late, &signal, signal.create(&self.speaker));
    }

    fn twice(&mut self, channel: Channel, at: u64) {
        let (signal, _) = self.trade_signal(channel, at);
        self.hear(at, &signal, signal.create(&self.speaker));
        let again = if self.dice.chance(50) {
            at
        } else {
            self.later(at, 10_000, 40_000)
        };
        self.hear(again, &signal, signal.create(&self.speaker));
    }

    fn reply(&mut self, channel: Channel, at: u64) {
        let Some((_, to, quoted)) = self
            .last_call
            .iter()
            .find(|(id, ..)| *id == channel.id)
            .cloned()
        else {
            return self.chatter(channel, at);
        };
        let text = prose::reply(&mut self.dice, to, &quoted);
        let signal = self.signal(channel, at, RISK_DESK, text);
        self.hear(at, &signal, signal.create(&self.speaker));
    }

    fn chatter(&mut self, channel: Channel, at: u64) {
        let author = self
            .dice
            .pick(&[desk_of(&channel).author(), RISK_DESK, TAPE]);
        let text = prose::chatter(&mut self.dice, desk_of(&channel));
        let signal = self.signal(channel, at, author, text);
        self.hear(at, &signal, signal.create(&self.speaker));
    }

    fn world(&mut self, channel: Channel, at: u64) {
        let text = prose::world(&mut self.dice);
        let signal = self.signal(channel, at, TAPE, text);
        self.hear(at, &signal, signal.create(&self.speaker));
    }

    fn pinned(&mut self, channel: Channel, at: u64) {
        let (signal, _) = self.trade_signal(channel, at);
        self.hear(at, &signal, signal.create(&self.speaker));
        let at = self.later(at, 2_000, 8_000);
        self.hear(
            at,
            &signal,
            Message {
                edited_at: None,
                ..signal.edit(&self.speaker, 0)
            },
        );
    }

    fn thread(&mut self, channel: Channel, at: u64) {
        let (starter, trade) = self.trade_signal(channel, at);
        self.hear(at, &starter, starter.create(&self.speaker));

        let opened = self.later(at, 500, 1_500);
        // A thread opened on a message has the id of that message.
        let mut thread = Thread {
            discord_thread_id: starter.id.to_string(),
            parent_channel_id: channel.id.to_owned(),
            guild_id: channel.guild_id.to_owned(),
            name: format!(
                "{} {} – management",
                trade.symbol,
                trade.side().to_lowercase()
            ),
            archived: Some(false),
            locked: Some(false),
            auto_archive_duration: Some(1_440),
            owner_id: Some(starter.author.id.to_owned()),
            owner_username: Some(starter.author.username.to_owned()),
            owner_global_name: Some(starter.author.global_name.to_owned()),
            created_timestamp: Some(iso(self.unix_ms(opened))),
            ..Thread::default()
        };
        self.hear_thread(
            opened,
            channel,
            ThreadEventType::Create,
            thread.clone(),
            None,
        );

        let joined = self.later(opened, 200, 900);
        let members = Thread {
            member_count: Some(2),
            ..signal_core::bare_thread(&thread)
        };
        let delta = MemberDelta {
            added: vec![RISK_DESK.id.to_owned()],
            removed: Vec::new(),
        };
        self.hear_thread(
            joined,
            channel,
            ThreadEventType::MembersUpdate,
            members,
            Some(delta),
        );

        let mut said = joined;
        for n in 0..2 + self.dice.index(3) {
            said = self.later(said, 2_000, 7_000);
            let text = match n {
                0 => prose::reply(&mut self.dice, starter.author, &starter.text.clean),
                1 => Text::new(prose::target_hit(&trade, 0).trim()),
                _ => prose::chatter(&mut self.dice, desk_of(&channel)),
            };
            let author = self.dice.pick(&[starter.author, RISK_DESK]);
            let mut signal = self.signal(channel, said, author, text);
            signal.thread_id = Some(thread.discord_thread_id.clone());
            self.hear(said, &signal, signal.create(&self.speaker));
            thread.message_count = Some(thread.message_count.unwrap_or(0) + 1);
            thread.last_message_id = Some(signal.id.to_string());
            thread.last_message_at = Some(iso(self.unix_ms(said)));
        }

        let closed = self.later(said, 3_000, 9_000);
        thread.archived = Some(true);
        thread.archive_timestamp = Some(iso(self.unix_ms(closed)));
        self.hear_thread(
            closed,
            channel,
            ThreadEventType::Update,
            thread.clone(),
            None,
        );
        // Members still leave an archived thread, and that event claims it is open.
        let left = self.later(closed, 300, 1_200);
        let delta = MemberDelta {
            added: Vec::new(),
            removed: vec![RISK_DESK.id.to_owned()],
        };
        let members = Thread {
            member_count: Some(1),
            ..signal_core::bare_thread(&thread)
        };
        self.hear_thread(
            left,
            channel,
            ThreadEventType::MembersUpdate,
            members,
            Some(delta),
        );
        if self.dice.chance(30) {
            let gone = self.later(left, 2_000, 6_000);
            self.hear_thread(
                gone,
                channel,
                ThreadEventType::Delete,
                signal_core::bare_thread(&thread),
                None,
            );
        }
    }
}
