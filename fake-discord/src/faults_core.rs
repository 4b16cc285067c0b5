//! Scripted faults: which request gets which. Pure and repeatable: rules count the requests they match, and a
//! probability draws from a seed.

use serde::{Deserialize, Serialize};

use crate::{id::Id, limits_core::RefusalKind, route_core::RouteKind};

/// Which requests, which of those, and what happens to them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRule {
    /// Only requests with this method (`POST`).
    #[serde(default)]
    pub method: Option<String>,
    /// Only this operation.
    #[serde(default)]
    pub route: Option<RouteKind>,
    /// Only requests whose path names this channel.
    #[serde(default)]
    pub channel_id: Option<Id>,
    /// Which of the matching requests.
    pub when: When,
    /// What happens to them.
    pub fault: Fault,
}

impl FaultRule {
    /// A rule for every operation.
    pub const fn new(when: When, fault: Fault) -> Self {
        Self {
            method: None,
            route: None,
            channel_id: None,
            when,
            fault,
        }
    }

    /// Only this operation.
    pub const fn on(mut self, route: RouteKind) -> Self {
        self.route = Some(route);
        self
    }

    /// Only this channel.
    pub const fn in_channel(mut self, channel_id: u64) -> Self {
        self.channel_id = Some(Id(channel_id));
        self
    }
}

/// Which of the matching requests a rule hits.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum When {
    /// Every one, until the rule is removed.
    Always,
    /// The next `count`, after letting `skip` pass.
    Next {
        /// How many are hit.
        count: u64,
        /// How many pass before.
        #[serde(default)]
        skip: u64,
    },
    /// Every `every`-th.
    Every {
        /// 1 hits all, 2 every second one.
        every: u64,
    },
    /// Each with this probability, drawn from the seed: the same requests in the same order give the same faults.
    Probability {
        /// 0.0 to 1.0.
        probability: f64,
        /// Seed of the draws.
        seed: u64,
    },
}

/// What happens to a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// A status without Discord's JSON, as its front ends answer.
    Status {
        /// 500, 502, 503 …
        status: u16,
        /// Its body.
        body: FaultBody,
        /// Whether the work was done all the same.
        #[serde(default)]
        commit: bool,
    },
    /// An error in Discord's JSON. The work is not done.
    Error {
        /// 403, 404 …
        status: u16,
        /// Discord's code.
        code: u32,
        /// Discord's message.
        message: String,
    },
    /// 401, as if the token had been revoked.
    Unauthorized,
    /// A 429 that no limit caused.
    RateLimited {
        /// Which kind.
        kind: RefusalKind,
        /// How long to wait, milliseconds.
        retry_after_ms: u64,
        /// A code in the body.
        #[serde(default)]
        code: Option<u32>,
    },
    /// Does the work, then closes the connection without a byte of answer.
    CommitThenDrop,
    /// Closes the connection without having done anything.
    DropBefore,
    /// Resets the connection (RST).
    Reset {
        /// Whether the work was done before.
        #[serde(default)]
        commit: bool,
    },
    /// Does the work or not, holds the connection silently for so long, then answers or closes. Real time.
    Hang {
        /// How long, milliseconds.
        hang_ms: u64,
        /// Whether the work is done before the silence. An answer without it is worked out after the silence.
        #[serde(default)]
        commit: bool,
        /// What ends the silence.
        then: HangEnd,
    },
    /// Works and answers so much later. Real time.
    Delay {
        /// How much later, milliseconds.
        delay_ms: u64,
    },
    /// Does the work and answers well-formed HTTP whose JSON stops in the middle.
    TruncatedJson,
    /// Does the work, sends head and half of the body, then closes the connection.
    CutBody,
}

/// The body of a [`Fault::Status`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultBody {
    /// A short HTML page.
    Html,
    /// Nothing.
    Empty,
}

/// What ends a [`Fault::Hang`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HangEnd {
    /// The answer comes after all.
    Answer,
    /// The connection closes without one.
    Close,
}

/// What of a request the rules look at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'a> {
    pub(crate) method: &'a str,
    pub(crate) route: RouteKind,
    pub(crate) channel: Option<Id>,
}

/// The rules in force with what they have counted.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    rules: Vec<Armed>,
}

#[derive(Debug)]
struct Armed {
    rule: FaultRule,
    matched: u64,
    draw: u64,
}

impl Faults {
    pub(crate) fn add(&mut self, rule: FaultRule) {
        let draw = match rule.when {
            When::Probability { seed, .. } => seed,
            _ => 0,
        };
        self.rules.push(Armed {
            rule,
            matched: 0,
            draw,
        });
    }

    pub(crate) fn clear(&mut self) {
        self.rules.clear();
    }

    pub(crate) fn rules(&self) -> Vec<FaultRule> {
        self.rules.iter().map(|armed| armed.rule.clone()).collect()
    }

    /// The fault of this request. Rules are asked in the order they were added; each one that matches counts the
    /// request, until one hits.
    pub(crate) fn pick(&mut self, subject: Subject<'_>) -> Option<Fault> {
        self.rules
            .iter_mut()
            .filter(|armed| matches(&armed.rule, subject))
            .find_map(|armed| armed.hit().then(|| armed.rule.fault.clone()))
    }
}

fn matches(rule: &FaultRule, subject: Subject<'_>) -> bool {
    rule.method
        .as_deref()
        .is_none_or(|method| method.eq_ignore_ascii_case(subject.method))
        && rule.route.is_none_or(|route| route == subject.route)
        && rule
            .channel_id
            .is_none_or(|channel| Some(channel) == subject.channel)
}

impl Armed {
    fn hit(&mut self) -> bool {
        self.matched += 1;
        match self.rule.when {
            When::Always => true,
            When::Next { count, skip } => {
                self.matched > skip && self.matched <= skip.saturating_add(count)
            }
            When::Every { every } => every > 0 && self.matched.is_multiple_of(every),
            When::Probability { probability, .. } => {
                self.draw = self.draw.wrapping_add(0x9E37_79B9_7F4A_7C15);
                unit(self.draw) < probability
            }
        }
    }
}

/// A number in 0.0..1.0 from the state of a SplitMix64 generator.
fn unit(state: u64) -> f64 {
    let mut mixed = state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^= mixed >> 31;
    // 53 bits fit a double exactly.
    (mixed >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hits(when: When, requests: usize) -> Vec<bool> {
        let mut faults = Faults::default();
        faults.add(FaultRule::new(when, Fault::DropBefore));
        let subject = Subject {
            method: "POST",
            route: RouteKind::MessageCreate,
            channel: Some(Id(1)),
        };
        (0..requests)
            .map(|_| faults.pick(subject).is_some())
            .collect()
    }

    #[test]
    fn which_requests_are_hit() {
        assert_eq!(hits(When::Always, 2), [true, true]);
        assert_eq!(
            hits(When::Next { count: 2, skip: 1 }, 4),
            [false, true, true, false]
        );
        assert_eq!(
            hits(When::Every { every: 3 }, 6),
            [false, false, true, false, false, true]
        );
        assert_eq!(hits(When::Every { every: 0 }, 2), [false, false]);
    }

    #[test]
    fn a_probability_is_repeatable_and_about_right() {
        let when = |seed| When::Probability {
            probability: 0.3,
            seed,
        };
        let first = hits(when(7), 10_000);
        assert_eq!(first, hits(when(7), 10_000));
        assert_ne!(first, hits(when(8), 10_000));
        let count = first.iter().filter(|hit| **hit).count();
        assert!((2_700..3_300).contains(&count), "{count}");
    }

    #[test]
    fn only_matching_requests_count() {
        let mut faults = Faults::default();
        let rule = FaultRule::new(When::Next { count: 1, skip: 0 }, Fault::Unauthorized);
        faults.add(rule.on(RouteKind::MessageEdit).in_channel(5));
        let subject = |route, channel| Subject {
            method: "PATCH",
            route,
            channel: Some(Id(channel)),
        };
        assert_eq!(faults.pick(subject(RouteKind::MessageEdit, 4)), None);
        assert_eq!(faults.pick(subject(RouteKind::MessageDelete, 5)), None);
        assert_eq!(
            faults.pick(subject(RouteKind::MessageEdit, 5)),
            Some(Fault::Unauthorized)
        );
        assert_eq!(faults.pick(subject(RouteKind::MessageEdit, 5)), None);
    }
}
