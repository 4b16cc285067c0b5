//! Regular expressions that admins write. They need no time limit because they cannot take long: the engine is linear, at most
//! (size of the compiled pattern) × (length of the text), with no back-references and no look-around; the first factor is
//! bounded by [`COMPILED_BYTES_MAX`], the second by `LOOKED_AT_CHARS_MAX`, and each pattern is only asked whether it matches.
//! Listing all matches, as replacing by a pattern would, is quadratic in that engine: therefore there is no such transform.

use super::{RuleError, compiled};
use heliograph_schema::rules::{PATTERN_CHARS_MAX, PATTERNS_MAX};
use regex::{Regex, RegexBuilder};

/// Bytes of one compiled pattern: room for about three Unicode classes such as `\w`, and thousands of plain letters.
const COMPILED_BYTES_MAX: usize = 128 * 1024;
/// Bytes of what the engine learns of a pattern while it searches.
const LEARNED_BYTES_MAX: usize = 512 * 1024;
/// Groups inside groups.
const NESTING_MAX: u32 = 32;

/// The patterns of one list.
pub(super) fn patterns(field: &str, list: &[String]) -> Result<Vec<Regex>, RuleError> {
    let limits = (PATTERNS_MAX, PATTERN_CHARS_MAX);
    compiled(field, list, limits, String::as_str, |text| pattern(text))
}

fn pattern(text: &str) -> Result<Regex, String> {
    let regex = RegexBuilder::new(text)
        .size_limit(COMPILED_BYTES_MAX)
        .dfa_size_limit(LEARNED_BYTES_MAX)
        .nest_limit(NESTING_MAX)
        .build();
    regex.map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => {
            "is too large: repeat less, or use ASCII classes such as [0-9] or (?-u:\\w)".to_owned()
        }
        other => {
            // The engine draws the pattern with marks below; its last line says what is wrong.
            let drawn = other.to_string();
            let reason = drawn.lines().last().unwrap_or_default();
            let reason = reason.strip_prefix("error: ").unwrap_or(reason);
            format!("is no regular expression that is understood: {reason}")
        }
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_people_write_is_understood() {
        for text in [
            r"(?i)\b(buy|sell|long|short)\b.*\d+(\.\d+)?",
            r"^[A-Z]{2,10}(/|-)?USDT?\s*@\s*\$?\d",
            r"\p{Emoji}",
            r"(?m)^(TP|SL)\s*\d*\s*[:=]\s*\d+$",
            r"\w+@\w+",
        ] {
            pattern(text).unwrap();
        }
    }

    #[test]
    fn what_would_be_large_or_is_not_understood_is_refused_with_a_sentence() {
        let table = [
            (
                r"(",
                "is no regular expression that is understood: unclosed group",
            ),
            (
                r"(?=a)",
                "is no regular expression that is understood: look-around",
            ),
            (
                r"(a)\1",
                "is no regular expression that is understood: backreferences are not supported",
            ),
            (r"(((a{100}){100}){100}){100}", "is too large"),
            (r"\w{100}", "is too large"),
            (r"(\pL|\pN|\pS){60}", "is too large"),
        ];
        for (text, message) in table {
            let refused = pattern(text).unwrap_err();
            assert!(refused.starts_with(message), "{text}: {refused}");
        }
        let nested = format!("{}a{}", "(".repeat(100), ")".repeat(100));
        assert!(pattern(&nested).unwrap_err().contains("nest"), "{nested}");
    }

    /// Patterns that take exponential or quadratic time elsewhere, over far more text than is ever looked at.
    #[test]
    fn the_worst_patterns_answer_for_the_worst_texts() {
        let patterns = [
            r"(a+)+$",
            r"(a|aa)+$",
            r"(a|a?)+b",
            r"^(\w+\s?)*$",
            r"(.*)(.*)(.*)(.*)(.*)c",
            r"(x+x+)+y",
            r"[ab]*a[ab]{60}c",
        ];
        for text in patterns {
            let regex = pattern(text).unwrap();
            for unit in ["a", "ab", "x", "aé"] {
                let hay = unit.repeat(32_000 / unit.len()) + "!";
                assert!(!regex.is_match(&hay), "{text} on {unit}");
            }
        }
    }
}
