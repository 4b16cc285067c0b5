//! What connectors, moderators, operators and machines do in a run: signals and their changes, rows filled in later, dead
//! letters put back, messages deleted or posted by hand, and troubles that begin and end.

use super::{
    discord_model::{FORBIDDEN, PUZZLING},
    world::{Event, Incident, World},
};
use crate::mirror_core::Input;
use heliograph_schema::{
    ids::{ChannelId, GuildId, SignalId},
    signal::{Embed, SignalState, Stamped, Text},
};

impl World {
    /// The next thing that happens, and when the one after it does.
    pub(super) fn happen(&mut self) {
        if self.verdict.events >= self.events_wanted {
            return self.end_troubles();
        }
        let at = self.dice.below(self.targets.len() as i64) as usize;
        if self.dice.one_in(self.climate.incidents) {
            self.incident(at);
        } else {
            let drawn = self.dice.below(100);
            if drawn < self.climate.edits {
                self.change_signal(at, false);
            } else if drawn < self.climate.edits + self.climate.deletions {
                self.change_signal(at, true);
            } else {
                self.new_signal(at);
            }
        }
        let most_ms = self
            .dice
            .pick(&[1, 20, 300, 3_000, 4 * self.climate.pause_ms]);
        let pause_ms = 1 + self.dice.below(most_ms) / self.targets.len() as i64;
        self.after(at, pause_ms, Event::Happens);
    }

    fn incident(&mut self, at: usize) {
        let lasts_ms = self.dice.pick(&[300, 5_000, 60_000, 400_000]);
        let drawn = self.dice.below(14);
        self.note(at, || format!("-- incident {drawn}, {lasts_ms} ms"));
        let channel = &mut self.targets[at].channel;
        match drawn {
            0 => self.last(at, Incident::Outage, lasts_ms),
            1 => self.last(at, Incident::OutageOfAll, lasts_ms),
            2 => self.last(at, Incident::RefusedToken, lasts_ms),
            3 => self.last(at, Incident::Locked, lasts_ms),
            4 => self.last(at, Incident::Jammed, lasts_ms),
            5 => self.crash(at),
            6 => channel.change_limits(&mut self.dice),
            7 => channel.moderate(&mut self.dice),
            8 => channel.post_by_hand(self.now_ms),
            9 => channel.is_lenient = !channel.is_lenient,
            10 => self.redrive(at),
            11 => self.last(at, Incident::Paused, lasts_ms),
            _ => self.fill_in(at),
        }
    }

    fn last(&mut self, at: usize, incident: Incident, lasts_ms: i64) {
        self.set(at, incident, true);
        self.after(at, lasts_ms, Event::Ends(incident));
    }

    pub(super) fn end(&mut self, at: usize, incident: Incident) {
        self.set(at, incident, false);
    }

    fn set(&mut self, at: usize, incident: Incident, begins: bool) {
        self.note(at, || format!("-- {incident:?}: {begins}"));
        let target = &mut self.targets[at];
        match incident {
            Incident::Outage => target.is_out = begins,
            Incident::OutageOfAll => self.is_out = begins,
            Incident::RefusedToken => self.token_refused = begins,
            Incident::Locked => target.channel.locked = begins,
            Incident::Jammed => target.is_jammed = begins,
            Incident::Paused => {
                target.table.is_paused = begins;
                self.deliver(at, Input::FellBehind);
            }
        }
    }

    /// From here on nothing fails any more, and dead letters are put back.
    fn end_troubles(&mut self) {
        self.note(0, || "== all troubles end".to_owned());
        self.trouble = false;
        for at in 0..self.targets.len() {
            for incident in [
                Incident::Outage,
                Incident::OutageOfAll,
                Incident::RefusedToken,
                Incident::Locked,
                Incident::Jammed,
                Incident::Paused,
            ] {
                self.set(at, incident, false);
            }
            self.targets[at].channel.is_lenient = true;
        }
    }

    pub(super) fn redrive(&mut self, at: usize) {
        if self.targets[at].table.redrive(self.now_ms) > 0 {
            self.deliver(at, Input::FellBehind);
        }
    }

    fn new_signal(&mut self, at: usize) {
        let mut state = self.unsaid();
        self.write(&mut state);
        self.commit(at, state);
    }

    pub(super) fn unsaid(&mut self) -> SignalState {
        self.next_signal += 1;
        let (id, channel, guild) = (
            SignalId::new(self.next_signal),
            ChannelId::new(5),
            GuildId::new(6),
        );
        let mut state = SignalState::unknown(id.unwrap(), channel.unwrap(), guild.unwrap());
        (state.created, state.revision) = (true, 1);
        state
    }

    /// Signals that were said before there was a mapping, as they are now.
    fn fill_in(&mut self, at: usize) {
        for _ in 0..1 + self.dice.below(4) {
            let mut state = self.unsaid();
            self.write(&mut state);
            let mut revisions = vec![state.clone()];
            for _ in 0..self.dice.below(4) {
                state.revision += 1;
                self.write(&mut state);
                revisions.push(state.clone());
            }
            let now_ms = self.now_ms;
            self.targets[at].table.fill_in(now_ms, revisions);
        }
        self.deliver(at, Input::FellBehind);
    }

    fn change_signal(&mut self, at: usize, delete: bool) {
        let rows = &self.targets[at].table.rows;
        // Mostly recent ones.
        let most = self.dice.pick(&[3, 3, 30]);
        let back = self.dice.below(most.min(rows.len() as i64)) as usize;
        let Some(row) = rows.iter().rev().nth(back) else {
            return;
        };
        let mut state = (**row.latest()).clone();
        if state.deleted_at_ms.is_some() {
            return;
        }
        state.revision += 1;
        if delete {
            state.deleted_at_ms = Some(self.now_ms);
        } else if self.dice.one_in(6) && row.revisions.len() > 1 {
            // A change is taken back.
            let before = &row.revisions[row.revisions.len() - 2];
            (state.text, state.embeds) = (before.text.clone(), before.embeds.clone());
        } else {
            self.write(&mut state);
        }
        self.commit(at, state);
    }

    pub(super) fn commit(&mut self, at: usize, state: SignalState) {
        self.note(at, || {
            let words = state.clean_text().split(' ').next().unwrap_or_default();
            let deleted = state.deleted_at_ms.is_some();
            let (signal_id, revision) = (state.signal_id, state.revision);
            format!("-- commit {signal_id}.{revision} {words}, deleted: {deleted}")
        });
        let wanted = self.targets[at].table.want(self.now_ms, state);
        self.deliver(at, Input::Wanted(wanted));
    }

    /// What it says from now on: always something by which it is told from all others, if only in small print, which does not
    /// count when a message is recognised.
    pub(super) fn write(&mut self, state: &mut SignalState) {
        let name = format!("#{}.{} ", state.signal_id, state.revision);
        // Up to three messages.
        let long = (1_500 + self.dice.below(4_000) as usize) / name.len();
        let mut embeds = Vec::new();
        let mut text = if self.dice.one_in(24) {
            String::new()
        } else if self.dice.one_in(self.climate.alike) {
            embeds.push(Embed {
                description: Some("chart".to_owned()),
                footer: Some(name.trim().to_owned()),
                ..Embed::default()
            });
            "BUY".to_owned()
        } else if self.dice.one_in(self.climate.long) {
            name.repeat(long)
        } else {
            name
        };
        if !text.is_empty() && self.dice.one_in(self.climate.forbidden) {
            // One word with the name: no part of it is without.
            let word = self.dice.pick(&[FORBIDDEN, PUZZLING]);
            text = format!("{},{word}", text.trim_end());
        }
        let stamped = |value| Stamped { stamp_ms: 0, value };
        state.text = Some(stamped(Text {
            raw: String::new(),
            clean: text,
        }));
        state.embeds = Some(Stamped {
            stamp_ms: 0,
            value: embeds,
        });
    }
}
