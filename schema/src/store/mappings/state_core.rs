//! Whether a mapping works, from what is known of its two channels, and one sentence for a person where it does not.

/// What a mapping's state rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Facts {
    /// The mapping itself.
    pub(super) is_enabled: bool,
    /// Some connector has the source as an enabled source …
    pub(super) source_is_marked: bool,
    /// … and one of those may push …
    pub(super) source_is_taken: bool,
    /// … and one of those has its signals mirrored.
    pub(super) source_is_forwarded: bool,
    /// Whoever saw the source does not see it any more.
    pub(super) source_is_gone: bool,
    /// Some connector has the target as an enabled target, or the bot offers it.
    pub(super) target_is_offered: bool,
    /// A person paused the target.
    pub(super) target_is_paused: bool,
    /// What stands in the way of the bot there.
    pub(super) obstacle: Option<String>,
    /// Whoever saw the target does not see it any more.
    pub(super) target_is_gone: bool,
}

/// How a mapping stands.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum MappingState {
    /// New signals are mirrored by it.
    Working,
    /// A person switched it off.
    Off,
    /// It is on, and nothing is mirrored by it.
    Broken,
}

/// How a mapping stands, and what to do about it where it is broken.
pub(super) fn state(facts: &Facts) -> (MappingState, Option<String>) {
    if !facts.is_enabled {
        return (MappingState::Off, None);
    }
    trouble(facts).map_or((MappingState::Working, None), |trouble| {
        (MappingState::Broken, Some(trouble))
    })
}

/// The first thing in the way of a signal, from its source on.
fn trouble(facts: &Facts) -> Option<String> {
    let sentence = if !facts.source_is_marked {
        "No connector captures the source channel any more: mark it as an enabled source."
    } else if facts.source_is_gone {
        "The source channel is not seen by any connector any more: it was deleted, or access to it was taken away."
    } else if !facts.source_is_taken {
        "Every connector that captures the source channel is paused or may not push: resume one."
    } else if !facts.source_is_forwarded {
        "No connector that captures the source channel is forwarded: switch forwarding on."
    } else if !facts.target_is_offered {
        "The target channel is not offered as a target any more: offer it, or mark it as an enabled target."
    } else if facts.target_is_gone {
        "The target channel is not seen any more: it was deleted, or access to it was taken away."
    } else if let Some(obstacle) = &facts.obstacle {
        obstacle
    } else if facts.target_is_paused {
        "The target channel is paused: what is wanted there waits until it is resumed."
    } else {
        return None;
    };
    Some(sentence.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn well() -> Facts {
        Facts {
            is_enabled: true,
            source_is_marked: true,
            source_is_taken: true,
            source_is_forwarded: true,
            source_is_gone: false,
            target_is_offered: true,
            target_is_paused: false,
            obstacle: None,
            target_is_gone: false,
        }
    }

    #[test]
    fn the_first_thing_in_the_way_is_said() {
        use MappingState::{Broken, Off, Working};
        type Case = (fn(&mut Facts), MappingState, &'static str);
        let table: [Case; 10] = [
            (|_| {}, Working, ""),
            (
                |f| f.source_is_marked = false,
                Broken,
                "No connector captures",
            ),
            (
                |f| f.source_is_taken = false,
                Broken,
                "is paused or may not push",
            ),
            (
                |f| f.source_is_forwarded = false,
                Broken,
                "switch forwarding on",
            ),
            (
                |f| f.source_is_gone = true,
                Broken,
                "source channel is not seen",
            ),
            (|f| f.target_is_offered = false, Broken, "not offered"),
            (
                |f| f.target_is_gone = true,
                Broken,
                "target channel is not seen",
            ),
            (
                |f| f.obstacle = Some("Give the bot a role.".to_owned()),
                Broken,
                "Give the bot a role.",
            ),
            (
                |f| f.target_is_paused = true,
                Broken,
                "is paused: what is wanted",
            ),
            (
                |f| {
                    f.source_is_marked = false;
                    f.is_enabled = false;
                },
                Off,
                "",
            ),
        ];
        for (change, expected, words) in table {
            let mut facts = well();
            change(&mut facts);
            let (state, trouble) = state(&facts);
            assert_eq!(
                (state, trouble.is_some()),
                (expected, !words.is_empty()),
                "{facts:?}"
            );
            assert!(trouble.unwrap_or_default().contains(words), "{facts:?}");
        }
    }
}
