//! What became of a discovery request, and what a person should look at when nothing came of it; and which snapshot answers
//! which request. No clock, no tables, no HTTP.

use heliograph_schema::ids::GuildId;
use serde::Serialize;

/// So long after a request its snapshot is there, or something is wrong. A connector polls every 1-2 s and asks Discord a few
/// pages; a slow one that answers later still counts as answered.
pub const DISCOVERY_TIMEOUT_MS: i64 = 30_000;

/// A discovery request with what is known of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// The guild whose channels are wanted; `None`: the guilds.
    pub guild_id: Option<GuildId>,
    /// When it was made, in ms since 1970.
    pub requested_at_ms: i64,
    /// When the connector read it.
    pub picked_up_at_ms: Option<i64>,
    /// When its snapshot came.
    pub answered_at_ms: Option<i64>,
}

/// What is known of whom was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Respondent {
    /// When it was last heard at all, in ms since 1970; right to about a minute.
    pub last_seen_at_ms: Option<i64>,
    /// It may push: neither paused nor with its ingest off.
    pub may_push: bool,
}

/// How a request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DiscoveryState {
    /// Not read yet.
    Requested,
    /// Read; the snapshot has not come.
    PickedUp,
    /// Its snapshot came.
    Answered,
    /// [`DISCOVERY_TIMEOUT_MS`] are over without a snapshot.
    TimedOut,
}

/// How a request stands at `now_ms`.
pub fn state(asked: &Asked, now_ms: i64) -> DiscoveryState {
    if asked.answered_at_ms.is_some() {
        DiscoveryState::Answered
    } else if now_ms.saturating_sub(asked.requested_at_ms) >= DISCOVERY_TIMEOUT_MS {
        DiscoveryState::TimedOut
    } else if asked.picked_up_at_ms.is_some() {
        DiscoveryState::PickedUp
    } else {
        DiscoveryState::Requested
    }
}

/// What a person should look at, in one sentence; `None` where nothing is wrong.
pub fn advice(asked: &Asked, respondent: Respondent, now_ms: i64) -> Option<&'static str> {
    let timed_out = state(asked, now_ms) == DiscoveryState::TimedOut;
    if timed_out && respondent.last_seen_at_ms.is_none() {
        return Some(
            "The connector was never heard: start it, and check its ingest address, its connector id and its token.",
        );
    }
    let is_open = asked.answered_at_ms.is_none();
    if is_open && !respondent.may_push {
        return Some(
            "The connector is paused or its ingest is off, so that its snapshot is refused: resume it and ask again.",
        );
    }
    if !timed_out {
        return None;
    }
    Some(match (asked.picked_up_at_ms, asked.guild_id) {
        (Some(_), Some(_)) => {
            "The connector read the request and sent no channels: it answers only what is asked while it runs, and only for a guild \
             that its account is a member of. Fetch the guilds, see whether this one is among them, and ask again."
        }
        (Some(_), None) => {
            "The connector read the request and sent no guilds: one that was started after the request, or does not know discovery, \
             does not answer. Ask again, and look at its log when nothing comes."
        }
        (None, _) => {
            let was_heard_since = respondent
                .last_seen_at_ms
                .is_some_and(|seen| seen >= asked.requested_at_ms);
            if was_heard_since {
                "The connector sends signals and has not read its configuration since: check that it polls its runtime configuration."
            } else {
                "The connector has not been heard since the request: check that it runs and reaches the ingest listener."
            }
        }
    })
}

/// What a snapshot names, as far as a request goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SnapshotSeen<'a> {
    /// The guilds in its list of guilds.
    pub guilds: &'a [GuildId],
    /// The guilds of its channels, each at least once.
    pub channels_of: &'a [GuildId],
}

/// Whether this snapshot answers a request for this guild's channels, or for the guilds, that its sender has read. A snapshot does
/// not say what it answers: guilds without a channel are the answer to a request for guilds; channels of the guild are the one to
/// a request for it, and so is a snapshot without a channel that names no other guild: the guild then has none.
pub fn answers(guild_id: Option<GuildId>, snapshot: SnapshotSeen<'_>) -> bool {
    let has_channels = !snapshot.channels_of.is_empty();
    match guild_id {
        None => !has_channels,
        Some(guild_id) if has_channels => snapshot.channels_of.contains(&guild_id),
        Some(guild_id) => snapshot.guilds.iter().all(|named| *named == guild_id),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const ASKED_MS: i64 = 1_000_000;

    fn guild(number: i64) -> GuildId {
        GuildId::new(number).unwrap()
    }

    #[test]
    fn each_state_and_its_advice() {
        use DiscoveryState::{Answered, PickedUp, Requested, TimedOut};
        let (soon, late) = (ASKED_MS + 1, ASKED_MS + DISCOVERY_TIMEOUT_MS);
        let (before, since) = (Some(ASKED_MS - 1), Some(ASKED_MS));
        let no: &[&str] = &[];
        // picked up, answered, last seen, may push, now, state, words of the advice
        #[rustfmt::skip]
        let table = [
            (None, None, None, true, soon, Requested, no),
            (None, None, before, true, late - 1, Requested, no),
            (Some(soon), None, since, true, late - 1, PickedUp, no),
            (Some(soon), Some(late + 5), since, true, late + 9, Answered, no),
            (Some(soon), Some(late + 5), since, false, late + 9, Answered, no),
            (None, Some(soon), None, true, late, Answered, no),
            (None, None, None, true, late, TimedOut, &["never heard"]),
            (None, None, None, false, late, TimedOut, &["never heard"]),
            (None, None, before, true, late, TimedOut, &["not been heard since"]),
            (None, None, since, true, late, TimedOut, &["has not read its configuration"]),
            (Some(soon), None, since, true, late, TimedOut, &["sent no channels", "member"]),
            (Some(soon), None, since, false, late, TimedOut, &["paused"]),
            // One that is paused is told of at once: waiting does not help.
            (Some(soon), None, since, false, soon, PickedUp, &["paused"]),
            (None, None, before, false, soon, Requested, &["paused"]),
        ];
        for (picked_up, answered, last_seen, may_push, now, expected, words) in table {
            let asked = Asked {
                guild_id: Some(guild(1)),
                requested_at_ms: ASKED_MS,
                picked_up_at_ms: picked_up,
                answered_at_ms: answered,
            };
            let respondent = Respondent {
                last_seen_at_ms: last_seen,
                may_push,
            };
            let case = format!("{asked:?} {respondent:?} at {now}");
            assert_eq!(state(&asked, now), expected, "{case}");
            let said = advice(&asked, respondent, now);
            assert_eq!(said.is_none(), words.is_empty(), "{case}: {said:?}");
            for word in words {
                assert!(said.unwrap().contains(word), "{case}: {said:?}");
            }
        }
    }

    #[test]
    fn guilds_and_channels_that_were_read_and_not_sent_are_told_apart() {
        let said = |guild_id| {
            let asked = Asked {
                guild_id,
                requested_at_ms: ASKED_MS,
                picked_up_at_ms: Some(ASKED_MS),
                answered_at_ms: None,
            };
            let respondent = Respondent {
                last_seen_at_ms: Some(ASKED_MS),
                may_push: true,
            };
            advice(&asked, respondent, ASKED_MS + DISCOVERY_TIMEOUT_MS).unwrap()
        };
        assert!(said(None).contains("sent no guilds"));
        assert!(said(Some(guild(1))).contains("sent no channels"));
    }

    #[test]
    fn a_snapshot_answers_what_it_can_answer() {
        let (one, two) = (guild(1), guild(2));
        let all: &[GuildId] = &[one, two];
        /// Asked for, guilds named, guilds of the channels, whether it is the answer.
        type Case<'a> = (Option<GuildId>, &'a [GuildId], &'a [GuildId], bool);
        let table: [Case<'_>; 11] = [
            (None, all, &[], true),
            (None, &[], &[], true),
            (None, all, &[one], false),
            (None, &[], &[one], false),
            (Some(one), &[], &[one], true),
            (Some(one), all, &[two, one], true),
            (Some(one), &[one], &[two], false),
            (Some(one), &[one], &[], true),
            (Some(one), &[], &[], true),
            (Some(one), all, &[], false),
            (Some(one), &[two], &[], false),
        ];
        for (guild_id, guilds, channels_of, expected) in table {
            let snapshot = SnapshotSeen {
                guilds,
                channels_of,
            };
            assert_eq!(
                answers(guild_id, snapshot),
                expected,
                "{guild_id:?} {snapshot:?}"
            );
        }
    }
}
