//! Which of the bot's guilds is read when: the list of guilds and each guild once in an interval, the one read longest ago first,
//! all of them at once when a person asks, never faster than the spacing. Nothing is believed to be gone on the word of an answer
//! that is empty or comes right after an error: it must be said twice.

use heliograph_schema::ids::GuildId;
use std::collections::{BTreeMap, BTreeSet};

/// A list that was read is not read again before this, whoever asks.
const LIST_AGAIN_MS: i64 = 1_000;
/// Who asks so soon behind another waits with that one.
const JOIN_MS: i64 = 1_000;
/// What was not believed is asked for again after this.
const CONFIRM_MS: i64 = 2_000;
/// Pause after a silence; doubles while they go on …
const PAUSE_MS_MIN: i64 = 2_000;
/// … up to this.
const PAUSE_MS_MAX: i64 = 60_000;
/// A guild that refuses, or of which nothing was heard, is read again after this; doubles …
const GUILD_PAUSE_MS_MIN: i64 = 30_000;
/// … up to this.
const GUILD_PAUSE_MS_MAX: i64 = 3_600_000;
/// A limit that lasts shorter is the ordinary course of things, and nothing that people are told.
const LIMIT_MS_WORTH_A_WORD: i64 = 10_000;
/// New names are taken over this seldom while more is to be read.
const RELOAD_AGAIN_MS: i64 = 5_000;

/// What to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// Who the bot is and which guilds it is in.
    List,
    /// Channels and roles of this guild.
    Guild(GuildId),
}

/// Why nothing was heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Silence {
    /// The bot token was refused.
    Token,
    /// Not before this time has passed.
    Limited {
        /// How long.
        wait_ms: i64,
    },
    /// Discord or the database is away.
    Away(String),
}

/// The sentence for a refused token.
pub const TOKEN_REFUSED: &str = "the bot token was refused";

#[derive(Debug, Default)]
struct Plan {
    due_ms: i64,
    /// When the reading began whose answer was believed last.
    read_ms: Option<i64>,
    /// It said that it has no channel, and was not believed.
    says_empty: bool,
    /// Channels at the last reading; `None` when nothing is known of it.
    channels: Option<usize>,
    /// Refusals and silences in a row.
    failures: u32,
    trouble: Option<String>,
}

/// The plan of all readings. Takes the time in.
#[derive(Debug)]
pub struct Schedule {
    interval_ms: i64,
    spacing_ms: i64,
    list: Plan,
    guilds: BTreeMap<GuildId, Plan>,
    /// Missing in the last list, and not believed to be gone yet.
    missing: BTreeSet<GuildId>,
    /// No whole answer came since the last silence.
    is_doubtful: bool,
    silences: u32,
    /// Nothing before this: spacing, and what Discord asked for.
    not_before_ms: i64,
    /// Nothing before this, unless a person asks.
    paused_until_ms: i64,
    /// When a person asked last.
    asked_ms: Option<i64>,
    has_new_names: bool,
    reloaded_ms: Option<i64>,
}

impl Schedule {
    /// Nothing is known yet, and everything is due.
    pub fn new(interval_ms: i64, spacing_ms: i64) -> Self {
        Self {
            interval_ms: interval_ms.max(1),
            spacing_ms: spacing_ms.max(1),
            list: Plan {
                due_ms: i64::MIN,
                ..Plan::default()
            },
            guilds: BTreeMap::new(),
            missing: BTreeSet::new(),
            is_doubtful: false,
            silences: 0,
            not_before_ms: i64::MIN,
            paused_until_ms: i64::MIN,
            asked_ms: None,
            has_new_names: false,
            reloaded_ms: None,
        }
    }

    /// These guilds were known before this life.
    pub fn remember(&mut self, guilds: impl IntoIterator<Item = GuildId>) {
        for guild_id in guilds {
            self.guilds.entry(guild_id).or_insert_with(unread);
        }
    }

    /// A person wants everything read from now on. Since when it must have been read to serve: now, or when another asked
    /// a moment ago.
    pub fn ask(&mut self, now_ms: i64) -> i64 {
        let joined = self.asked_ms.filter(|asked_ms| {
            now_ms <= asked_ms + JOIN_MS
                && self.trouble().is_none()
                && !self.is_read_since(*asked_ms)
        });
        if let Some(asked_ms) = joined {
            return asked_ms;
        }
        self.asked_ms = Some(now_ms);
        self.paused_until_ms = i64::MIN;
        let again_ms = self
            .list
            .read_ms
            .map_or(now_ms, |read_ms| now_ms.max(read_ms + LIST_AGAIN_MS));
        self.list.due_ms = self.list.due_ms.min(again_ms);
        for plan in self.guilds.values_mut() {
            // In the order in which they were read, so that asking again and again does not keep the others waiting.
            plan.due_ms = plan.due_ms.min(plan.read_ms.unwrap_or(i64::MIN));
        }
        now_ms
    }

    /// What to read now, if anything.
    pub fn next(&self, now_ms: i64) -> Option<Reading> {
        if now_ms < self.not_before_ms.max(self.paused_until_ms) {
            return None;
        }
        if self.list.due_ms <= now_ms {
            return Some(Reading::List);
        }
        self.due_guild(now_ms)
    }

    fn due_guild(&self, now_ms: i64) -> Option<Reading> {
        let due = self.guilds.iter().filter(|(_, plan)| plan.due_ms <= now_ms);
        let first = due.min_by_key(|(guild_id, plan)| (plan.due_ms, **guild_id));
        first.map(|(guild_id, _)| Reading::Guild(*guild_id))
    }

    /// All pages of the list came; the reading began at `begun_ms`. Gives the guilds that the bot is in no more; `None` when
    /// some are missing and that is not believed yet.
    pub fn list_came(
        &mut self,
        begun_ms: i64,
        now_ms: i64,
        listed: &BTreeSet<GuildId>,
    ) -> Option<Vec<GuildId>> {
        let missing: BTreeSet<GuildId> = self
            .guilds
            .keys()
            .filter(|guild_id| !listed.contains(guild_id))
            .copied()
            .collect();
        for &guild_id in listed {
            self.guilds.entry(guild_id).or_insert_with(unread);
        }
        let is_doubtful = self.is_doubtful || listed.is_empty();
        self.heard(now_ms);
        self.list.trouble = None;
        if !missing.is_empty() && is_doubtful && missing != self.missing {
            self.missing = missing;
            self.list.due_ms = now_ms + CONFIRM_MS;
            return None;
        }
        self.missing.clear();
        self.list.read_ms = Some(begun_ms);
        self.list.due_ms = begun_ms + self.interval_ms;
        self.guilds.retain(|guild_id, _| listed.contains(guild_id));
        Some(missing.into_iter().collect())
    }

    /// Channels and roles of a guild came. Whether they are believed.
    pub fn guild_came(
        &mut self,
        begun_ms: i64,
        now_ms: i64,
        guild_id: GuildId,
        channels: usize,
    ) -> bool {
        let is_doubtful = self.is_doubtful;
        self.heard(now_ms);
        let interval_ms = self.interval_ms;
        let Some(plan) = self.guilds.get_mut(&guild_id) else {
            // It went meanwhile.
            return false;
        };
        (plan.failures, plan.trouble) = (0, None);
        // A guild without a channel is possible and rare; one that lost all at once is rather a fault.
        let is_suspect = channels == 0 && (is_doubtful || plan.channels != Some(0));
        if is_suspect && !plan.says_empty {
            plan.says_empty = true;
            plan.due_ms = now_ms + CONFIRM_MS;
            return false;
        }
        plan.says_empty = false;
        plan.channels = Some(channels);
        plan.read_ms = Some(begun_ms);
        plan.due_ms = begun_ms + interval_ms;
        true
    }

    /// The guild does not let itself be read. It stays as it is known unless the list, which is read again, no longer has it.
    pub fn guild_refused(&mut self, begun_ms: i64, now_ms: i64, guild_id: GuildId) {
        self.heard(now_ms);
        if let Some(plan) = self.guilds.get_mut(&guild_id) {
            plan.read_ms = Some(begun_ms);
            plan.trouble = None;
            plan.put_off(now_ms);
            self.list.due_ms = self.list.due_ms.min(now_ms + LIST_AGAIN_MS);
        }
    }

    /// Nothing was heard.
    pub fn silent(&mut self, now_ms: i64, reading: Reading, silence: &Silence) {
        self.not_before_ms = now_ms + self.spacing_ms;
        let trouble = match silence {
            Silence::Limited { wait_ms } => {
                self.not_before_ms = now_ms + self.spacing_ms.max(*wait_ms);
                if *wait_ms < LIMIT_MS_WORTH_A_WORD {
                    return;
                }
                "Discord limits the rate of requests".to_owned()
            }
            Silence::Token => TOKEN_REFUSED.to_owned(),
            Silence::Away(reason) => reason.clone(),
        };
        self.is_doubtful = true;
        self.missing.clear();
        let pause_ms = doubled(PAUSE_MS_MIN, self.silences, PAUSE_MS_MAX);
        self.silences = self.silences.saturating_add(1);
        self.paused_until_ms = now_ms + pause_ms;
        match reading {
            Reading::Guild(guild_id) if *silence != Silence::Token => {
                if let Some(plan) = self.guilds.get_mut(&guild_id) {
                    // Of this one alone nothing may be heard: the others have their turns.
                    plan.put_off(now_ms);
                    plan.trouble = Some(format!("server {guild_id}: {trouble}"));
                }
            }
            _ => {
                // Whether the token works again is asked by the list.
                self.list.due_ms = self.list.due_ms.min(now_ms);
                self.list.trouble = Some(trouble);
            }
        }
    }

    /// A whole answer came.
    fn heard(&mut self, now_ms: i64) {
        self.not_before_ms = now_ms + self.spacing_ms;
        self.is_doubtful = false;
        self.silences = 0;
        self.paused_until_ms = i64::MIN;
    }

    /// Whether everything was read in readings that began at this moment or later.
    pub fn is_read_since(&self, since_ms: i64) -> bool {
        self.fresh_since_ms()
            .is_some_and(|fresh_ms| fresh_ms >= since_ms)
    }

    /// The moment from which on everything was read; `None` before all was read once.
    pub fn fresh_since_ms(&self) -> Option<i64> {
        let all = std::iter::once(&self.list).chain(self.guilds.values());
        all.map(|plan| plan.read_ms)
            .min()
            .flatten()
            .filter(|_| self.missing.is_empty())
    }

    /// Whether the list was ever read.
    pub fn knows_list(&self) -> bool {
        self.list.read_ms.is_some()
    }

    /// What keeps it from reading.
    pub fn trouble(&self) -> Option<&str> {
        let all = std::iter::once(&self.list).chain(self.guilds.values());
        all.filter_map(|plan| plan.trouble.as_deref()).next()
    }

    /// Guilds the bot is in, as far as is known.
    pub fn guilds(&self) -> usize {
        self.guilds.len()
    }

    /// Guilds that are due.
    pub fn due(&self, now_ms: i64) -> usize {
        let due = self.guilds.values().filter(|plan| plan.due_ms <= now_ms);
        due.count()
    }

    /// A name is new or different: the routing snapshot is to be read again.
    pub fn found_new_names(&mut self) {
        self.has_new_names = true;
    }

    /// Whether to have it read now: not again and again while much is read.
    pub fn takes_reload(&mut self, now_ms: i64) -> bool {
        let is_recent = self
            .reloaded_ms
            .is_some_and(|reloaded_ms| now_ms < reloaded_ms + RELOAD_AGAIN_MS);
        if !self.has_new_names || is_recent {
            return false;
        }
        self.has_new_names = false;
        self.reloaded_ms = Some(now_ms);
        true
    }
}

impl Plan {
    fn put_off(&mut self, now_ms: i64) {
        self.due_ms = now_ms + doubled(GUILD_PAUSE_MS_MIN, self.failures, GUILD_PAUSE_MS_MAX);
        self.failures = self.failures.saturating_add(1);
    }
}

/// A guild that was never read is due before all others.
fn unread() -> Plan {
    Plan {
        due_ms: i64::MIN,
        ..Plan::default()
    }
}

fn doubled(min_ms: i64, times: u32, max_ms: i64) -> i64 {
    min_ms.saturating_mul(1 << times.min(20)).min(max_ms)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const INTERVAL_MS: i64 = 300_000;
    const SPACING_MS: i64 = 250;

    fn id(number: i64) -> GuildId {
        GuildId::new(number).unwrap()
    }

    fn ids(numbers: &[i64]) -> BTreeSet<GuildId> {
        numbers.iter().map(|number| id(*number)).collect()
    }

    /// Answers every question at once, as long as something is due: what was read, in order.
    fn read_all(s: &mut Schedule, now_ms: &mut i64, listed: &[i64]) -> Vec<Reading> {
        let mut read = Vec::new();
        while let Some(reading) = s.next(*now_ms) {
            match reading {
                Reading::List => drop(s.list_came(*now_ms, *now_ms, &ids(listed)).unwrap()),
                Reading::Guild(guild_id) => assert!(s.guild_came(*now_ms, *now_ms, guild_id, 3)),
            }
            read.push(reading);
            assert_eq!(s.next(*now_ms), None, "the spacing is kept");
            *now_ms += SPACING_MS;
        }
        read
    }

    fn schedule() -> (Schedule, i64) {
        (Schedule::new(INTERVAL_MS, SPACING_MS), 0)
    }

    #[test]
    fn everything_is_read_once_in_an_interval_and_when_a_person_asks() {
        let (mut s, mut now_ms) = schedule();
        s.remember([id(2)]);
        let all = [
            Reading::List,
            Reading::Guild(id(1)),
            Reading::Guild(id(2)),
            Reading::Guild(id(3)),
        ];
        assert_eq!(s.fresh_since_ms(), None);
        assert_eq!(read_all(&mut s, &mut now_ms, &[1, 2, 3]), all);
        assert_eq!((now_ms, s.fresh_since_ms()), (1_000, Some(0)));
        now_ms = INTERVAL_MS - 1;
        assert_eq!(s.next(now_ms), None);
        now_ms += 1_000;
        assert_eq!(read_all(&mut s, &mut now_ms, &[1, 2, 3]), all);
        // A person asks twice: everything is read once.
        now_ms += 5_000;
        let asked_ms = s.ask(now_ms);
        assert_eq!((asked_ms, s.ask(now_ms + 900)), (now_ms, now_ms));
        assert!(!s.is_read_since(asked_ms));
        assert_eq!(read_all(&mut s, &mut now_ms, &[1, 2, 3]), all);
        assert!(s.is_read_since(asked_ms) && !s.is_read_since(now_ms));
        assert_eq!(s.next(now_ms), None);
    }

    #[test]
    fn who_asks_again_and_again_keeps_nobody_waiting() {
        let (mut s, mut now_ms) = schedule();
        read_all(&mut s, &mut now_ms, &[1, 2, 3]);
        let mut read = Vec::new();
        now_ms += 10_000;
        while read.len() < 7 {
            s.ask(now_ms);
            match s.next(now_ms) {
                Some(Reading::List) => drop(s.list_came(now_ms, now_ms, &ids(&[1, 2, 3]))),
                Some(Reading::Guild(guild_id)) => {
                    read.push(guild_id.get());
                    s.guild_came(now_ms, now_ms, guild_id, 3);
                }
                None => {}
            }
            now_ms += 100;
        }
        assert_eq!(read, [1, 2, 3, 1, 2, 3, 1]);
    }

    #[test]
    fn an_unknown_guild_is_read_at_once_and_a_missing_one_is_gone() {
        let (mut s, mut now_ms) = schedule();
        read_all(&mut s, &mut now_ms, &[1, 2]);
        now_ms = INTERVAL_MS;
        assert_eq!(s.next(now_ms), Some(Reading::List));
        assert_eq!(
            s.list_came(now_ms, now_ms, &ids(&[2, 9])),
            Some(vec![id(1)])
        );
        now_ms += SPACING_MS;
        assert_eq!(s.next(now_ms), Some(Reading::Guild(id(9))));
        assert_eq!(s.guilds(), 2);
        assert!(
            !s.guild_came(now_ms, now_ms, id(1), 5),
            "its answer is too late"
        );
    }

    #[test]
    fn what_is_missing_after_an_error_or_from_an_empty_list_must_be_said_twice() {
        // silent before, what is listed, whether the first word is believed
        for (is_silent, listed, is_believed) in [
            (false, &[1_i64, 2][..], true),
            (false, &[1][..], true),
            (false, &[][..], false),
            (true, &[1, 2][..], true),
            (true, &[1][..], false),
            (true, &[][..], false),
        ] {
            let (mut s, mut now_ms) = schedule();
            read_all(&mut s, &mut now_ms, &[1, 2]);
            now_ms = INTERVAL_MS;
            if is_silent {
                s.silent(now_ms, Reading::List, &Silence::Away("502".to_owned()));
                assert_eq!(s.next(now_ms + 1_999), None);
                now_ms += 2_000;
            }
            assert_eq!(s.next(now_ms), Some(Reading::List));
            let listed = ids(listed);
            let first = s.list_came(now_ms, now_ms, &listed);
            assert_eq!(first.is_some(), is_believed, "{is_silent} {listed:?}");
            if is_believed {
                continue;
            }
            assert_eq!((s.guilds(), s.fresh_since_ms()), (2, None));
            now_ms += CONFIRM_MS;
            assert_eq!(s.next(now_ms), Some(Reading::List));
            // Another word is believed as little; the same word is.
            let other = ids(if listed.is_empty() { &[2] } else { &[] });
            let silence = Silence::Away("502".to_owned());
            s.silent(now_ms, Reading::List, &silence);
            now_ms += PAUSE_MS_MAX;
            assert!(s.list_came(now_ms, now_ms, &other).is_none());
            assert!(s.list_came(now_ms, now_ms, &other).is_some());
        }
    }

    #[test]
    fn a_guild_without_channels_must_say_so_twice() {
        let (mut s, mut now_ms) = schedule();
        read_all(&mut s, &mut now_ms, &[1]);
        now_ms = INTERVAL_MS + 1_000;
        assert!(!s.guild_came(now_ms, now_ms, id(1), 0));
        assert!(s.guild_came(now_ms + CONFIRM_MS, now_ms + CONFIRM_MS, id(1), 0));
        // Known to be empty, it need not say so again and again.
        assert!(s.guild_came(now_ms + INTERVAL_MS, now_ms, id(1), 0));
        s.silent(
            now_ms,
            Reading::Guild(id(1)),
            &Silence::Away("x".to_owned()),
        );
        assert!(
            !s.guild_came(now_ms, now_ms, id(1), 0),
            "right after an error"
        );
    }

    #[test]
    fn a_guild_that_refuses_stays_and_has_the_list_read() {
        let (mut s, mut now_ms) = schedule();
        read_all(&mut s, &mut now_ms, &[1, 2]);
        now_ms = INTERVAL_MS + 500;
        s.list_came(now_ms, now_ms, &ids(&[1, 2]));
        s.guild_refused(now_ms, now_ms, id(1));
        assert_eq!(s.next(now_ms + SPACING_MS), Some(Reading::Guild(id(2))));
        assert!(s.guild_came(now_ms, now_ms, id(2), 3));
        now_ms += LIST_AGAIN_MS;
        assert_eq!(s.next(now_ms), Some(Reading::List));
        assert_eq!(s.list_came(now_ms, now_ms, &ids(&[1, 2])), Some(Vec::new()));
        assert_eq!((s.guilds(), s.trouble()), (2, None));
        // It is asked again, ever less often.
        assert_eq!(
            s.next(now_ms + GUILD_PAUSE_MS_MIN),
            Some(Reading::Guild(id(1)))
        );
        s.guild_refused(now_ms, now_ms, id(1));
        s.list_came(now_ms, now_ms, &ids(&[1, 2]));
        assert_eq!(s.next(now_ms + GUILD_PAUSE_MS_MIN), None);
        s.list_came(now_ms, now_ms, &ids(&[2]));
        assert_eq!(s.guilds(), 1);
    }

    #[test]
    fn silences_make_pauses_that_a_person_ends() {
        let (mut s, mut now_ms) = schedule();
        for pause_ms in [2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000] {
            assert_eq!(s.next(now_ms), Some(Reading::List));
            s.silent(now_ms, Reading::List, &Silence::Token);
            assert_eq!(s.trouble(), Some(TOKEN_REFUSED));
            assert_eq!(s.next(now_ms + pause_ms - 1), None, "{pause_ms}");
            now_ms += pause_ms;
        }
        s.silent(now_ms, Reading::List, &Silence::Token);
        s.ask(now_ms);
        now_ms += SPACING_MS;
        assert_eq!(s.next(now_ms), Some(Reading::List));
        s.list_came(now_ms, now_ms, &ids(&[1, 2]));
        assert_eq!(s.trouble(), None);
        // One guild alone: the other goes on, and the word of trouble stays until the guild is read.
        now_ms += SPACING_MS;
        let silence = Silence::Away("Discord does not answer: 500".to_owned());
        s.silent(now_ms, Reading::Guild(id(1)), &silence);
        now_ms += PAUSE_MS_MIN;
        assert_eq!(s.next(now_ms), Some(Reading::Guild(id(2))));
        s.guild_came(now_ms, now_ms, id(2), 3);
        assert_eq!(s.trouble(), Some("server 1: Discord does not answer: 500"));
        s.guild_came(now_ms, now_ms, id(1), 3);
        assert_eq!(s.trouble(), None);
    }

    #[test]
    fn what_discord_asks_for_is_waited_even_when_a_person_asks() {
        let (mut s, now_ms) = schedule();
        for (wait_ms, trouble) in [
            (3_000, None),
            (60_000, Some("Discord limits the rate of requests")),
        ] {
            s.silent(now_ms, Reading::List, &Silence::Limited { wait_ms });
            s.ask(now_ms);
            assert_eq!(s.next(now_ms + wait_ms - 1), None);
            assert_eq!(s.next(now_ms + wait_ms), Some(Reading::List));
            assert_eq!(s.trouble(), trouble);
        }
    }

    #[test]
    fn new_names_are_taken_over_soon_and_seldom() {
        let (mut s, _) = schedule();
        assert!(!s.takes_reload(0));
        s.found_new_names();
        assert!(s.takes_reload(0) && !s.takes_reload(0));
        s.found_new_names();
        assert!(!s.takes_reload(RELOAD_AGAIN_MS - 1));
        assert!(s.takes_reload(RELOAD_AGAIN_MS));
    }
}
