//! Why a delivery stands as it does, and why there is none: sentences from facts, reading nothing.

/// What a delivery that waits may wait for.
#[derive(Debug, Clone, Copy)]
pub(super) struct WaitingBecause<'a> {
    pub(super) is_paused: bool,
    pub(super) obstacle: Option<&'a str>,
    pub(super) last_error: Option<&'a str>,
    /// An earlier revision stands completely.
    pub(super) delivered_before: bool,
    /// Messages that stand.
    pub(super) stands: usize,
}

/// How a delivery in the state of this letter stands, for people.
pub(super) fn explanation(state: u8, waiting: &WaitingBecause<'_>) -> String {
    let and = |words: &str, said: Option<&str>| match said {
        Some(said) => format!("{words}: {said}"),
        None => words.to_owned(),
    };
    match state {
        b'd' if waiting.stands == 0 => and(
            "nothing of it stands in Discord, as it should be",
            waiting.last_error,
        ),
        b'd' => and("Discord shows what it should", waiting.last_error),
        b'x' => and("given up", waiting.last_error),
        b'c' => waiting.last_error.unwrap_or("dropped").to_owned(),
        _ if waiting.is_paused => "waits: the target channel is paused".to_owned(),
        _ if waiting.obstacle.is_some() => {
            and("waits: the bot cannot mirror there", waiting.obstacle)
        }
        _ if waiting.last_error.is_some() => and("waits for another attempt", waiting.last_error),
        _ if waiting.delivered_before => {
            "waits for its turn: an earlier revision stands".to_owned()
        }
        _ => "waits for its turn".to_owned(),
    }
}

/// What is known where a mapping led to no delivery.
#[derive(Debug, Clone, Copy)]
pub(super) struct Circumstances {
    pub(super) is_visible: bool,
    pub(super) is_deleted: bool,
    pub(super) mapping_is_enabled: bool,
    pub(super) target_is_enabled: bool,
    /// Some connector that captures the source channel now has its signals mirrored.
    pub(super) is_forwarded: bool,
    /// Made after the signal was committed; `None` when the moment is not kept any more.
    pub(super) mapping_is_younger: Option<bool>,
}

impl Circumstances {
    /// The reason that explains it, what lies furthest back first.
    pub(super) fn why_not(&self) -> &'static str {
        if !self.is_visible && self.is_deleted {
            return "it was deleted before its create came";
        }
        if !self.is_visible {
            return "its create has not come: it is held until then";
        }
        if self.mapping_is_younger == Some(true) {
            return "the mapping was made after the signal was committed, and did not start with it";
        }
        if !self.mapping_is_enabled {
            return "the mapping is switched off";
        }
        if !self.target_is_enabled {
            return "no connector marks the target channel as an enabled target";
        }
        if !self.is_forwarded {
            return "forwarding is off for every connector that captures its source channel";
        }
        "not known: the configuration of now would deliver it, so it was another one when the signal was committed"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delivery_is_explained_by_what_matters_most() {
        let free = WaitingBecause {
            is_paused: false,
            obstacle: None,
            last_error: None,
            delivered_before: false,
            stands: 1,
        };
        let failed = WaitingBecause {
            last_error: Some("50013: no"),
            ..free
        };
        let blocked = WaitingBecause {
            obstacle: Some("give it Send Messages"),
            ..failed
        };
        let paused = WaitingBecause {
            is_paused: true,
            ..blocked
        };
        let table = [
            (b'p', free, "waits for its turn"),
            (
                b'p',
                WaitingBecause {
                    delivered_before: true,
                    ..free
                },
                "waits for its turn: an earlier revision stands",
            ),
            (b'p', failed, "waits for another attempt: 50013: no"),
            (
                b'p',
                blocked,
                "waits: the bot cannot mirror there: give it Send Messages",
            ),
            (b'p', paused, "waits: the target channel is paused"),
            (b'd', free, "Discord shows what it should"),
            (
                b'd',
                WaitingBecause { stands: 0, ..free },
                "nothing of it stands in Discord, as it should be",
            ),
            (b'x', failed, "given up: 50013: no"),
            (
                b'c',
                WaitingBecause {
                    last_error: Some("dropped: spam"),
                    ..free
                },
                "dropped: spam",
            ),
        ];
        for (state, waiting, want) in table {
            assert_eq!(explanation(state, &waiting), want, "{}", char::from(state));
        }
    }

    #[test]
    fn a_missing_delivery_has_the_first_reason_that_holds() {
        let unknown = Circumstances {
            is_visible: true,
            is_deleted: false,
            mapping_is_enabled: true,
            target_is_enabled: true,
            is_forwarded: true,
            mapping_is_younger: Some(false),
        };
        let unforwarded = Circumstances {
            is_forwarded: false,
            ..unknown
        };
        let untargeted = Circumstances {
            target_is_enabled: false,
            ..unforwarded
        };
        let off = Circumstances {
            mapping_is_enabled: false,
            ..untargeted
        };
        let younger = Circumstances {
            mapping_is_younger: Some(true),
            ..off
        };
        let held = Circumstances {
            is_visible: false,
            ..younger
        };
        let deleted = Circumstances {
            is_deleted: true,
            ..held
        };
        for (circumstances, words) in [
            (unknown, "not known"),
            (unforwarded, "forwarding is off"),
            (untargeted, "enabled target"),
            (off, "switched off"),
            (younger, "was made after"),
            (held, "has not come"),
            (deleted, "deleted before"),
        ] {
            assert!(circumstances.why_not().contains(words), "{words}");
        }
    }
}
