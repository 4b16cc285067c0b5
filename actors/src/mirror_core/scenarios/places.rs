//! Where messages go: replies, threads, forums and webhooks, what is asked before, and what is never done twice.

use super::*;
use crate::rules_core::CompiledRules;
use heliograph_schema::{
    delivery::{KnownThread, Reconciliation},
    ids::{ThreadId, WebhookId},
    rules::{AuthorStyle, Filters, MappingRules, ThreadStyle},
};

const RULES: i64 = 5;
const SOURCE_THREAD: i64 = 4_000;

fn thread(number: i64) -> ThreadId {
    ThreadId::new(number).unwrap()
}

fn message(number: i64) -> MessageId {
    MessageId::new(number).unwrap()
}

/// A mirror that has no work yet, in a channel of this kind, and knows these rules.
fn begin(is_forum: bool, rules: &MappingRules) -> Turn {
    let mut turn = Turn::begin_with(PendingPage {
        complete: true,
        is_forum,
        ..PendingPage::default()
    });
    let compiled = CompiledRules::compile(rules).map(Arc::new).unwrap();
    turn.tell(Input::Rules(vec![(RULES, Ok(compiled))]));
    turn
}

/// Wants a new signal by those rules, in the source thread or outside of it.
fn want(turn: &mut Turn, signal_id: i64, text: &str, is_in_thread: bool) {
    let mut new = wanted(signal_id, 1, text);
    let mut signal = (*new.signal).clone();
    signal.thread_id = is_in_thread.then(|| thread(SOURCE_THREAD));
    new.signal = Arc::new(signal);
    new.rule_set_id = Some(RULES);
    let row = PendingDelivery {
        parts: Vec::new(),
        signal: new.signal.clone(),
        rule_set_id: Some(RULES),
        thread_name: Some("ideas".to_owned()),
        ..row(signal_id, 0, 1, text, 0)
    };
    // Not of an earlier life.
    turn.now_ms = turn.now_ms.max(START_MS + 10_000);
    turn.tell(Input::Wanted(new));
    if turn.reads.contains_row(row.signal.signal_id) {
        turn.tell(Input::Row(row.signal.signal_id, Some(Box::new(row))));
    }
}

trait Reads {
    fn contains_row(&self, signal_id: SignalId) -> bool;
    fn contains_thread(&self) -> bool;
}

impl Reads for Vec<Effect> {
    fn contains_row(&self, signal_id: SignalId) -> bool {
        self.iter()
            .any(|read| matches!(read, Effect::ReadRow(read) if *read == signal_id))
    }

    fn contains_thread(&self) -> bool {
        let is_it =
            |read: &Effect| matches!(read, Effect::ReadThread(id) if *id == thread(SOURCE_THREAD));
        self.iter().any(is_it)
    }
}

fn lost() -> Outcome {
    Outcome::Ambiguous {
        reason: "timeout".to_owned(),
    }
}

fn posted(number: i64) -> Outcome {
    Outcome::Posted {
        message_id: message(number),
    }
}

fn at(turn: &Turn) -> Address {
    turn.sent[0].at
}

fn in_thread(number: i64) -> Address {
    Address {
        thread_id: Some(thread(number)),
        webhook_id: None,
    }
}

fn mirrored_threads() -> MappingRules {
    MappingRules {
        thread_style: ThreadStyle::Mirrored,
        ..MappingRules::default()
    }
}

#[test]
fn a_reply_waits_for_what_it_answers_and_hangs_on_it() {
    let mut turn = begin(false, &MappingRules::default());
    turn.tell(Input::Wanted(wanted(1, 1, "question")));
    let mut answer = wanted(2, 1, "answer");
    let mut signal = (*answer.signal).clone();
    signal.reply_to = SignalId::new(1);
    answer.signal = Arc::new(signal);
    turn.tell(Input::Wanted(answer));
    assert_eq!(turn.asks(), "create question");
    assert!(turn.reads.is_empty(), "its turn has not come");
    turn.answer(posted(77));
    let (asker, answered) = (SignalId::new(2).unwrap(), SignalId::new(1).unwrap());
    assert!(matches!(turn.reads[..], [Effect::ReadReply(a, b)] if (a, b) == (asker, answered)));
    assert_eq!(turn.asks(), "");
    turn.tell(Input::Reply(asker, Some((message(77), Address::default()))));
    assert_eq!(turn.asks(), "create answer");
    let Call::Create { reply_to, .. } = &turn.sent[0].call else {
        panic!("{:?}", turn.sent);
    };
    assert_eq!(*reply_to, Some(message(77)));
    // What it answers may stand nowhere, or in a thread from which no reply leads here.
    for found in [None, Some((message(77), in_thread(9)))] {
        let mut turn = begin(false, &MappingRules::default());
        let mut answer = wanted(2, 1, "answer");
        let mut signal = (*answer.signal).clone();
        signal.reply_to = SignalId::new(1);
        answer.signal = Arc::new(signal);
        turn.tell(Input::Wanted(answer));
        turn.tell(Input::Reply(asker, found));
        assert!(matches!(
            turn.sent[0].call,
            Call::Create { reply_to: None, .. }
        ));
    }
}

#[test]
fn a_thread_is_opened_once_and_then_used() {
    let mut turn = begin(false, &mirrored_threads());
    want(&mut turn, 1, "first", true);
    assert!(turn.reads.contains_thread());
    turn.tell(Input::Thread(thread(SOURCE_THREAD), KnownThread::default()));
    assert_eq!(turn.asks(), "open_thread");
    let Call::OpenThread { name, from } = &turn.sent[0].call else {
        panic!("{:?}", turn.sent);
    };
    assert_eq!((name.as_str(), *from), ("ideas", None));
    turn.answer(Outcome::Opened {
        thread_id: thread(900),
    });
    assert_eq!(
        (turn.asks().as_str(), at(&turn)),
        ("create first", in_thread(900))
    );
    turn.answer(posted(901));
    want(&mut turn, 2, "second", true);
    assert_eq!(
        (turn.asks().as_str(), at(&turn)),
        ("create second", in_thread(900))
    );
    turn.answer(posted(902));
    want(&mut turn, 3, "outside", false);
    assert_eq!(
        (turn.asks().as_str(), at(&turn)),
        ("create outside", Address::default())
    );
}

#[test]
fn a_thread_that_may_be_open_is_looked_for_before_another_is_opened() {
    for found in [Some(thread(900)), None] {
        let mut turn = begin(false, &mirrored_threads());
        want(&mut turn, 1, "first", true);
        turn.tell(Input::Thread(thread(SOURCE_THREAD), KnownThread::default()));
        let sent_ms = turn.now_ms;
        turn.answer(lost());
        while turn.asks().is_empty() {
            turn.at(turn.wake_ms.unwrap());
        }
        assert_eq!(turn.asks(), "find_thread");
        assert!(turn.now_ms >= sent_ms + SETTLE_MS, "it may still be opened");
        turn.answer(Outcome::Found { thread_id: found });
        let then = if found.is_some() {
            "create first"
        } else {
            "open_thread"
        };
        assert_eq!(turn.asks(), then);
    }
}

#[test]
fn a_thread_that_hangs_on_a_mirrored_message_is_opened_there_however_often() {
    let mut turn = begin(false, &mirrored_threads());
    want(&mut turn, 1, "first", true);
    let known = KnownThread {
        starter: Some(message(55)),
        name: Some("ideas".to_owned()),
        mirrored_thread_id: None,
    };
    turn.tell(Input::Thread(thread(SOURCE_THREAD), known));
    for _ in 0..2 {
        let from = match &turn.sent[0].call {
            Call::OpenThread { from, .. } => *from,
            other => panic!("{other:?}"),
        };
        assert_eq!(from, Some(message(55)));
        turn.answer(lost());
        while turn.asks().is_empty() {
            turn.at(turn.wake_ms.unwrap());
        }
    }
}

#[test]
fn a_forum_gets_one_post_for_each_signal_and_finds_it_again() {
    let mut turn = begin(true, &MappingRules::default());
    want(&mut turn, 7, "BUY now", false);
    turn.tell(Input::Thread(thread(7), KnownThread::default()));
    let name = match &turn.sent[0].call {
        Call::OpenPost { name, .. } => name.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(name, "BUY now");
    turn.answer(lost());
    while turn.asks().is_empty() {
        turn.at(turn.wake_ms.unwrap());
    }
    assert_eq!(turn.asks(), "find_thread");
    turn.answer(Outcome::Found {
        thread_id: Some(thread(900)),
    });
    // What an attempt left there may be another revision: it is made certain.
    assert_eq!(
        (turn.asks().as_str(), at(&turn)),
        ("edit BUY now", in_thread(900))
    );
    turn.answer(Outcome::Edited);
    assert_eq!(turn.core.standing(turn.now_ms).backlog, 0);
}

#[test]
fn what_went_through_a_webhook_is_looked_for_and_never_repeated_in_hope() {
    let rules = MappingRules {
        author_style: AuthorStyle::Webhook,
        ..MappingRules::default()
    };
    let mut turn = begin(false, &rules);
    want(&mut turn, 1, "first", false);
    assert_eq!(turn.asks(), "webhook");
    turn.answer(Outcome::Webhook { webhook_id: None });
    assert!(matches!(turn.sent[0].call, Call::MakeWebhook));
    let webhook_id = WebhookId::new(3);
    turn.answer(Outcome::Webhook { webhook_id });
    let through = Address {
        thread_id: None,
        webhook_id,
    };
    assert_eq!((turn.asks().as_str(), at(&turn)), ("create first", through));
    let Call::Create { payload, .. } = turn.sent[0].call.clone() else {
        panic!("{:?}", turn.sent);
    };
    turn.answer(lost());
    while turn.asks().is_empty() {
        turn.at(turn.wake_ms.unwrap());
    }
    assert_eq!(turn.asks(), "list");
    turn.answer(Outcome::Listed {
        unrecorded: vec![crate::exchange::Listed {
            message_id: message((turn.now_ms - DISCORD_EPOCH_MS) << 22),
            identity: payload.identity(),
            is_ours: true,
        }],
        next_after: None,
    });
    assert_eq!(
        (
            turn.asks().as_str(),
            turn.core.standing(turn.now_ms).backlog
        ),
        ("", 0)
    );
}

#[test]
fn what_the_rules_hold_back_costs_no_request() {
    let rules = MappingRules {
        filters: Filters {
            keywords_none: vec!["scam".to_owned()],
            ..Filters::default()
        },
        ..MappingRules::default()
    };
    let mut turn = begin(false, &rules);
    want(&mut turn, 1, "a scam", false);
    assert_eq!(
        (
            turn.asks().as_str(),
            turn.core.standing(turn.now_ms).backlog
        ),
        ("", 0)
    );
}

#[test]
fn a_paused_channel_keeps_what_is_wanted_and_drops_what_was_dropped() {
    let page = |rows, is_paused| PendingPage {
        rows,
        complete: true,
        is_paused,
        ..PendingPage::default()
    };
    let rows = || vec![row(1, 1, 2, "one", 0), row(2, 1, 2, "two", 0)];
    let mut turn = Turn::begin_with(page(rows(), true));
    let standing = turn.core.standing(turn.now_ms);
    assert_eq!((standing.state, standing.backlog), (State::Paused, 2));
    assert_eq!(turn.asks(), "");
    // One of them is dropped meanwhile.
    turn.tell(Input::FellBehind);
    turn.tell(Input::Pending(page(rows().split_off(1), true)));
    assert_eq!(
        (
            turn.asks().as_str(),
            turn.core.standing(turn.now_ms).backlog
        ),
        ("", 1)
    );
    turn.tell(Input::FellBehind);
    turn.tell(Input::Pending(page(rows().split_off(1), false)));
    assert_eq!(turn.asks(), "edit two");
}

#[test]
fn a_reconciliation_walks_the_channel_and_its_threads_and_sends_nothing_while_it_compares() {
    let mut turn = Turn::begin_with(PendingPage {
        complete: true,
        reconciliation: Some(Reconciliation {
            reconciliation_id: 8,
            threads: vec![thread(900)],
        }),
        ..PendingPage::default()
    });
    let listed = |next_after| Outcome::Listed {
        unrecorded: Vec::new(),
        next_after,
    };
    let mut seen = Vec::new();
    for next_after in [Some(50), None, None] {
        assert_eq!(turn.asks(), "list");
        let Call::Survey { after } = turn.sent[0].call else {
            panic!("{:?}", turn.sent);
        };
        seen.push((at(&turn).thread_id, after));
        turn.reads.clear();
        turn.answer(listed(next_after));
        let is_first = seen.len() == 1;
        if is_first {
            turn.tell(Input::Wanted(wanted(9, 1, "new")));
        }
        assert_eq!(turn.asks(), "", "a page is being compared");
        let [Effect::Compare(page)] = &turn.reads[..] else {
            panic!("{:?}", turn.reads);
        };
        assert_eq!(page.is_last, seen.len() == 3);
        turn.tell(Input::Compared);
        if is_first {
            assert_eq!(turn.asks(), "create new", "work comes first");
            turn.answer(posted(70));
        }
        turn.tell(Input::Pending(PendingPage {
            complete: true,
            reconciliation: (seen.len() < 3).then(|| Reconciliation {
                reconciliation_id: 8,
                threads: vec![thread(900)],
            }),
            ..PendingPage::default()
        }));
    }
    assert_eq!(seen, [(None, 0), (None, 50), (Some(thread(900)), 0)]);
    assert_eq!(turn.asks(), "");
}
