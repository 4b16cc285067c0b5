//! Single turns of the core told step by step, where what matters is when something is sent and not only what stands in the
//! end: edits after a restart, creates behind an edit that waits, a refused token.
#![allow(clippy::unwrap_used)]

mod places;

use super::{Effect, Input, MirrorCore, Settings, State};
use crate::{
    exchange::{Answer, Call, Outcome, Request},
    global_gate::GateCore,
    render_core::render,
};
use heliograph_schema::{
    delivery::{Address, PendingDelivery, PendingPage, PostedPart, WantedDelivery},
    ids::{ChannelId, DISCORD_EPOCH_MS, GuildId, MessageId, SignalId},
    signal::{SignalState, Stamped, Text},
};
use std::sync::Arc;

const START_MS: i64 = 1_800_000_000_000;
const SETTLE_MS: i64 = 30_000;
/// Before the start by more than anybody trusts a nonce.
const LONG_AGO_MS: i64 = 3_600_000;

struct Turn {
    now_ms: i64,
    core: MirrorCore,
    gate: GateCore,
    /// What was sent and is not answered.
    sent: Vec<Request>,
    /// When it wants to be told of the time.
    wake_ms: Option<i64>,
    reads: Vec<Effect>,
}

impl Turn {
    /// A mirror that found `rows` in the table at its start.
    fn begin(rows: Vec<PendingDelivery>) -> Self {
        Self::begin_with(PendingPage {
            rows,
            complete: true,
            ..PendingPage::default()
        })
    }

    /// A mirror that found this in the tables at its start.
    fn begin_with(page: PendingPage) -> Self {
        let settings = Settings {
            target_channel_id: ChannelId::new(77).unwrap(),
            backlog_max: 100,
            attempts_max: 5,
            retry_delay_ms_min: 500,
            retry_delay_ms_max: 60_000,
            nonce_window_ms: 110_000,
            request_timeout_ms: SETTLE_MS / 2,
            has_token: true,
            seed: 1,
        };
        let mut turn = Self {
            now_ms: START_MS,
            core: MirrorCore::new(START_MS, settings),
            gate: GateCore::new(50),
            sent: Vec::new(),
            wake_ms: None,
            reads: Vec::new(),
        };
        turn.tell(Input::Tick);
        assert!(matches!(turn.reads[..], [Effect::ReadPending { .. }]));
        turn.reads.clear();
        turn.tell(Input::Pending(page));
        turn
    }

    /// What goes on record is there at once.
    fn tell(&mut self, input: Input) {
        let mut inputs = vec![input];
        while let Some(input) = inputs.pop() {
            let (now_ms, gate) = (self.now_ms, &mut self.gate);
            self.wake_ms = None;
            for effect in self.core.handle(now_ms, input, &mut || {
                gate.enter(now_ms, ChannelId::new(77).unwrap())
            }) {
                match effect {
                    Effect::Send { request, .. } => self.sent.push(request),
                    Effect::Record { record_id, .. } => inputs.push(Input::Recorded(record_id)),
                    Effect::Took(..) => {}
                    Effect::WakeAt(at_ms) => self.wake_ms = Some(at_ms),
                    read => self.reads.push(read),
                }
            }
        }
    }

    fn at(&mut self, now_ms: i64) {
        self.now_ms = now_ms;
        self.tell(Input::Tick);
    }

    fn answer(&mut self, outcome: Outcome) {
        let request = self.sent.remove(0);
        self.gate
            .hear(self.now_ms, ChannelId::new(77).unwrap(), &outcome);
        let headers = None;
        self.tell(Input::Answered(
            request.request_id,
            Answer { outcome, headers },
        ));
    }

    /// The request under way, in a word or two; empty when there is none.
    fn asks(&self) -> String {
        match self.sent.first().map(|request| &request.call) {
            None => String::new(),
            Some(Call::Create { payload, .. }) => format!("create {:.9}", payload.content),
            Some(Call::Edit { payload, .. }) => format!("edit {:.9}", payload.content),
            Some(Call::Delete { .. }) => "delete".to_owned(),
            Some(Call::List { .. }) => "list".to_owned(),
            Some(other) => other.route().word().to_owned(),
        }
    }
}

fn state(signal_id: i64, revision: i32, text: &str) -> Arc<SignalState> {
    let (channel, guild) = (ChannelId::new(5).unwrap(), GuildId::new(6).unwrap());
    let mut state = SignalState::unknown(SignalId::new(signal_id).unwrap(), channel, guild);
    (state.created, state.revision) = (true, revision);
    let (raw, clean) = (text.to_owned(), text.to_owned());
    state.text = Some(Stamped {
        stamp_ms: 0,
        value: Text { raw, clean },
    });
    Arc::new(state)
}

fn wanted(signal_id: i64, revision: i32, text: &str) -> WantedDelivery {
    WantedDelivery {
        signal: state(signal_id, revision, text),
        mapping_id: 1,
        ping_role_id: None,
        rule_set_id: None,
        ordinal: signal_id,
        desired_revision: revision,
        committed_at: None,
        received_at: None,
    }
}

/// A row of which revision `delivered` is on record, and `stands` of its parts, all of an earlier life.
fn row(signal_id: i64, delivered: i32, desired: i32, text: &str, age_ms: i64) -> PendingDelivery {
    PendingDelivery {
        signal: state(signal_id, desired, text),
        mapping_id: 1,
        ping_role_id: None,
        rule_set_id: None,
        repairs: 0,
        ordinal: signal_id,
        desired_revision: desired,
        delivered_revision: delivered,
        attempts: 0,
        wait_ms: 0,
        wanted_age_ms: age_ms,
        is_first_wish: delivered == 0,
        parts: vec![part(signal_id, 0, "old")],
        thread_name: None,
    }
}

fn part(signal_id: i64, part: u16, text: &str) -> PostedPart {
    let posted_ms = START_MS - LONG_AGO_MS - DISCORD_EPOCH_MS;
    PostedPart {
        part,
        message_id: MessageId::new((posted_ms << 22) + 10 * signal_id + i64::from(part)).unwrap(),
        digest: render(&state(signal_id, 1, text), None)[0].digest(),
        at: Address::default(),
    }
}

#[test]
fn only_an_edit_that_was_wanted_before_the_start_is_repeated() {
    // How long after the start it is wanted, and whether it is sent once more.
    for (wanted_ms, is_repeated) in [
        (-LONG_AGO_MS, true),
        (-1, true),
        (6_000, false),
        (20_000, false),
    ] {
        let told_ms = wanted_ms.max(0) + 100;
        let pending = row(1, 1, 2, "new", told_ms - wanted_ms);
        let mut turn = if wanted_ms < 0 {
            Turn::begin(vec![pending])
        } else {
            let mut turn = Turn::begin(Vec::new());
            turn.now_ms = START_MS + told_ms;
            turn.tell(Input::Wanted(wanted(1, 2, "new")));
            let signal_id = SignalId::new(1).unwrap();
            turn.tell(Input::Row(signal_id, Some(Box::new(pending))));
            turn
        };
        assert_eq!(turn.asks(), "edit new", "{wanted_ms}");
        turn.answer(Outcome::Edited);
        assert_eq!(turn.asks(), "", "{wanted_ms}");
        let backlog = turn.core.standing(turn.now_ms).backlog;
        assert_eq!(backlog, usize::from(is_repeated), "{wanted_ms}");
        turn.at(START_MS + SETTLE_MS);
        assert_eq!(
            turn.asks(),
            if is_repeated { "edit new" } else { "" },
            "{wanted_ms}"
        );
    }
}

#[test]
fn what_stands_is_edited_before_a_part_that_is_not_wanted_any_more_is_looked_for() {
    let long = "two parts ".repeat(250);
    // Revisions 2 and 3 were wanted before the start: one of them may have been longer.
    for (text, asks) in [
        ("new", ["edit new", "list"]),
        // The second part is wanted: whether it stands comes first.
        (long.as_str(), ["list", "list"]),
    ] {
        let mut turn = Turn::begin(vec![row(1, 1, 3, text, LONG_AGO_MS)]);
        assert_eq!(turn.asks(), asks[0]);
        if asks[0] != asks[1] {
            turn.answer(Outcome::Edited);
        }
        assert_eq!(turn.asks(), asks[1]);
    }
}

#[test]
fn a_refused_edit_beside_a_doubt_is_given_up_only_after_the_doubt_is_settled() {
    let rejected = |status, code| Outcome::Rejected {
        status,
        code,
        message: String::new(),
    };
    for (refused, then) in [
        (rejected(400, 50_035), ["list", "edit new"]),
        // It was taken away by an earlier life, perhaps: it is posted anew once nothing is in doubt.
        (rejected(404, 10_008), ["list", "create new"]),
    ] {
        let mut turn = Turn::begin(vec![row(1, 1, 3, "new", LONG_AGO_MS)]);
        turn.answer(refused);
        assert_eq!(turn.asks(), then[0]);
        turn.now_ms = START_MS + SETTLE_MS;
        let nothing = || Outcome::Listed {
            unrecorded: Vec::new(),
            next_after: None,
        };
        turn.answer(nothing());
        // What was read had begun before the doubt was old enough.
        assert_eq!(turn.asks(), "list");
        turn.answer(nothing());
        assert_eq!(turn.asks(), then[1]);
    }
}

#[test]
fn a_change_that_is_taken_back_is_sent_when_the_change_may_have_been() {
    let lost = || Outcome::Ambiguous {
        reason: "timeout".to_owned(),
    };
    // In one life: whether the edit to "new" was lost, and what follows when "old" is wanted again.
    for (outcome, asks) in [(lost(), "edit old"), (Outcome::Edited, "edit old")] {
        let mut turn = Turn::begin(vec![row(1, 1, 2, "new", LONG_AGO_MS)]);
        turn.tell(Input::Wanted(wanted(1, 3, "old")));
        assert_eq!(turn.asks(), "edit new");
        turn.answer(outcome);
        turn.at(START_MS + 1_000);
        assert_eq!(turn.asks(), asks);
    }
    // Over a restart: how many changes are not delivered, and what is asked for although "old" is on record.
    for (desired, asks) in [(2, ""), (3, "edit old")] {
        let turn = Turn::begin(vec![row(1, 1, desired, "old", LONG_AGO_MS)]);
        assert_eq!(turn.asks(), asks, "{desired}");
    }
    // Over a restart, and taken back after it, before anything else was sent.
    let mut pending = row(1, 1, 2, "new", LONG_AGO_MS);
    pending.wait_ms = 5_000;
    let mut turn = Turn::begin(vec![pending]);
    turn.tell(Input::Wanted(wanted(1, 3, "old")));
    turn.at(START_MS + 5_000);
    assert_eq!(turn.asks(), "edit old");
}

#[test]
fn creates_wait_only_for_messages_that_are_still_to_appear() {
    let long = "two parts ".repeat(250);
    let half = |text: &str, stands: Vec<PostedPart>| PendingDelivery {
        parts: stands,
        ..row(1, 0, 2, text, LONG_AGO_MS)
    };
    // The first delivery, what it asks for at once, and what is asked for when that has succeeded.
    let table = [
        (
            "edits only",
            half("new", vec![part(1, 0, "old")]),
            "edit new",
            true,
        ),
        ("not posted", half("new", Vec::new()), "list", false),
        (
            "one of two",
            half(&long, vec![part(1, 0, "old")]),
            "list",
            false,
        ),
    ];
    for (what, first, asks, goes_on) in table {
        let mut turn = Turn::begin(vec![first]);
        assert_eq!(turn.asks(), asks, "{what}");
        turn.tell(Input::Wanted(wanted(2, 1, "second")));
        turn.answer(match asks {
            "list" => Outcome::Listed {
                unrecorded: Vec::new(),
                next_after: None,
            },
            _ => Outcome::Edited,
        });
        if goes_on && turn.asks() == "list" {
            // Whether an earlier life posted more than is wanted now is looked for meanwhile.
            turn.answer(Outcome::Listed {
                unrecorded: Vec::new(),
                next_after: None,
            });
        }
        let asks = turn.asks();
        assert_eq!(asks == "create second", goes_on, "{what}: {asks}");
    }
}

#[test]
fn a_mirror_goes_on_as_soon_as_the_gate_opens_after_a_401() {
    let mut turn = Turn::begin(Vec::new());
    turn.tell(Input::Wanted(wanted(1, 1, "first")));
    for pause_ms in [5_000, 10_000, 20_000] {
        assert_eq!(turn.asks(), "create first");
        turn.answer(Outcome::Unauthorized);
        assert_eq!(turn.core.standing(turn.now_ms).state, State::Parked);
        let opens_ms = turn.now_ms + pause_ms;
        while turn.now_ms < opens_ms {
            assert_eq!(turn.asks(), "", "{pause_ms}");
            turn.at(turn.wake_ms.unwrap());
        }
        assert_eq!(turn.now_ms, opens_ms);
    }
    turn.answer(Outcome::Posted {
        message_id: MessageId::new(9).unwrap(),
    });
    assert_eq!(turn.core.standing(turn.now_ms).state, State::Healthy);
}
