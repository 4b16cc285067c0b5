//! The gate told step by step.
#![allow(clippy::unwrap_used)]

use super::*;

const SECOND_MS: i64 = 1_000;
/// As documented, and as far below the ban as we stay.
const INVALID_WINDOW_MS: i64 = 600_000;

fn target(number: i64) -> ChannelId {
    ChannelId::new(number).unwrap()
}

fn rejected(status: u16, code: u64) -> Outcome {
    Outcome::Rejected {
        status,
        code,
        message: String::new(),
    }
}

fn limited(kind: LimitKind) -> Outcome {
    Outcome::RateLimited {
        kind,
        retry_after_ms: 1,
    }
}

#[test]
fn no_second_holds_more_than_the_limit() {
    let mut gate = GateCore::new(50);
    let mut sent = Vec::new();
    for now_ms in 0..5_000 {
        while gate.enter(now_ms, target(1)).is_ok() {
            sent.push(now_ms);
        }
    }
    assert_eq!(sent.len(), 250);
    assert!(
        sent.windows(51)
            .all(|window| window[50] - window[0] >= SECOND_MS)
    );
    let wait = gate.enter(4_500, target(1)).unwrap_err();
    assert_eq!(wait.why, Closed::GlobalRate);
}

#[test]
fn a_global_429_closes_it_for_all() {
    let mut gate = GateCore::new(50);
    gate.refused(1_000, 2_500);
    gate.refused(1_100, 10);
    assert_eq!(
        gate.enter(3_499, target(1)),
        Err(Wait {
            until_ms: 3_500,
            why: Closed::GlobalLimit
        })
    );
    assert_eq!(gate.enter(3_500, target(1)), Ok(()));
}

#[test]
fn a_refused_token_pauses_and_one_success_opens() {
    let mut gate = GateCore::new(50);
    gate.hear(0, target(1), &Outcome::Unauthorized);
    assert_eq!(
        gate.enter(4_999, target(1)).unwrap_err().why,
        Closed::Unauthorized
    );
    gate.hear(4_999, target(1), &Outcome::Edited);
    assert_eq!(gate.enter(4_999, target(1)), Ok(()));
}

#[test]
fn pauses_double_while_the_token_is_refused_and_begin_anew_after_an_authorised_answer() {
    let mut gate = GateCore::new(50);
    let mut now_ms = 0;
    for pause_ms in [
        5_000, 10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000,
    ] {
        assert_eq!(gate.enter(now_ms, target(1)), Ok(()));
        // Of all mirrors at once, but the last of them comes late.
        (0..20).for_each(|_| gate.hear(now_ms, target(1), &Outcome::Unauthorized));
        gate.hear(now_ms + pause_ms - 1, target(1), &Outcome::Unauthorized);
        let shut = Wait {
            until_ms: now_ms + pause_ms,
            why: Closed::Unauthorized,
        };
        assert_eq!(gate.enter(now_ms + pause_ms - 1, target(1)), Err(shut));
        now_ms += pause_ms;
    }
    let table = [
        (Outcome::Edited, true),
        (rejected(404, 10_008), true),
        (rejected(403, 50_013), true),
        (rejected(413, 0), false),
        (
            Outcome::Ambiguous {
                reason: "502".to_owned(),
            },
            false,
        ),
    ];
    for (outcome, proves) in table {
        gate.hear(now_ms, target(1), &Outcome::Unauthorized);
        gate.hear(now_ms, target(1), &outcome);
        assert_eq!(gate.enter(now_ms, target(1)).is_ok(), proves, "{outcome:?}");
        now_ms += if proves { 5_000 } else { 300_000 };
        gate.authorized();
    }
    gate.hear(now_ms, target(1), &Outcome::Unauthorized);
    assert_eq!(
        gate.enter(now_ms, target(1)).unwrap_err().until_ms,
        now_ms + 5_000
    );
}

#[test]
fn after_a_refused_token_one_mirror_tries_it_for_all() {
    let mut gate = GateCore::new(50);
    gate.hear(0, target(1), &Outcome::Unauthorized);
    assert_eq!(gate.enter(5_000, target(2)), Ok(()));
    let ask_again = Err(Wait {
        until_ms: 6_000,
        why: Closed::Unauthorized,
    });
    for other in [1, 3, 4] {
        assert_eq!(gate.enter(5_000, target(other)), ask_again);
    }
    // What others hear now was sent before the token was refused.
    gate.hear(5_100, target(1), &Outcome::Unauthorized);
    assert_eq!(gate.enter(5_100, target(3)).unwrap_err().until_ms, 6_100);
    // The trial says nothing: another one tries.
    let lost = Outcome::Ambiguous {
        reason: "timeout".to_owned(),
    };
    gate.hear(5_200, target(2), &lost);
    assert_eq!(gate.enter(5_200, target(3)), Ok(()));
    assert!(gate.enter(5_200, target(4)).is_err());
    gate.hear(5_300, target(3), &Outcome::Unauthorized);
    assert_eq!(gate.enter(5_300, target(4)).unwrap_err().until_ms, 15_300);
    assert_eq!(gate.enter(15_300, target(4)), Ok(()));
    gate.hear(15_400, target(4), &Outcome::Deleted);
    for other in [1, 2, 3] {
        assert_eq!(gate.enter(15_400, target(other)), Ok(()));
    }
    // A trial whose mirror ended meanwhile is nobody's for ever.
    gate.hear(20_000, target(1), &Outcome::Unauthorized);
    assert_eq!(gate.enter(25_000, target(1)), Ok(()));
    assert!(gate.enter(84_999, target(2)).is_err());
    assert_eq!(gate.enter(85_000, target(2)), Ok(()));
}

#[test]
fn invalid_requests_stay_far_below_the_ban() {
    let mut gate = GateCore::new(50);
    let (mut in_window, mut most) = (VecDeque::new(), 0);
    let mut alarms = Vec::new();
    // All 200 targets are refused for an hour, and ask as soon as they may.
    let mut due: std::collections::BTreeSet<(i64, ChannelId)> =
        (1..=200).map(|number| (0, target(number))).collect();
    while let Some((now_ms, of)) = due.pop_first()
        && now_ms < 3_600_000
    {
        match gate.enter(now_ms, of) {
            Ok(()) => {
                gate.hear(now_ms, of, &rejected(403, 50_013));
                in_window.push_back(now_ms);
                forget(&mut in_window, now_ms - INVALID_WINDOW_MS);
                most = in_window.len().max(most);
                due.insert((now_ms + 1, of));
            }
            Err(wait) => drop(due.insert((wait.until_ms.max(now_ms + 1), of))),
        }
        alarms.extend(gate.alarms());
    }
    assert!((1_000..=5_000).contains(&most), "{most}");
    assert_eq!(alarms.iter().filter(|it| **it == Alarm::Slow).count(), 1);
    let later_ms = 3_600_000 + INVALID_WINDOW_MS;
    assert_eq!(gate.enter(later_ms, target(1)), Ok(()), "all is forgotten");
    assert_eq!(gate.invalid_count(), 0);
}

#[test]
fn a_target_that_offends_is_held_back_and_the_others_are_not() {
    let mut gate = GateCore::new(50);
    let (mut offences, mut others) = (0, 0);
    for now_ms in 0..INVALID_WINDOW_MS {
        if gate.enter(now_ms, target(1)).is_ok() {
            gate.hear(now_ms, target(1), &limited(LimitKind::Bucket));
            offences += 1;
        }
        if gate.enter(now_ms, target(2)).is_ok() {
            gate.hear(now_ms, target(2), &Outcome::Edited);
            others += 1;
        }
    }
    // One a minute after the first hundred.
    assert!((100..=111).contains(&offences), "{offences}");
    assert!(others >= 50 * 600 - 200, "{others}");
    assert_eq!(gate.alarms(), [Alarm::Offender(target(1))]);
    assert_eq!(
        gate.enter(INVALID_WINDOW_MS, target(1)).unwrap_err().why,
        Closed::Offender
    );
    assert_eq!(gate.enter(3 * INVALID_WINDOW_MS, target(1)), Ok(()));
}

#[test]
fn only_what_is_its_own_doing_is_held_against_a_target() {
    let mut gate = GateCore::new(50);
    let innocent = [
        (limited(LimitKind::Shared), 0),
        (limited(LimitKind::Global), 1),
        (limited(LimitKind::Address), 1),
        (rejected(404, 10_008), 0),
    ];
    for (outcome, counted) in innocent {
        let before = gate.invalid_count();
        (0..150).for_each(|_| gate.hear(0, target(1), &outcome));
        assert_eq!(gate.invalid_count() - before, counted * 150, "{outcome:?}");
    }
    assert_eq!(gate.enter(1_000, target(1)), Ok(()));
    assert!(gate.alarms().is_empty());
}
