//! Regular expressions that admins write. They need no time limit because they cannot take long: the engine is linear, with no
//! back-references and no look-around. For each character it asks at most once for each place that a pattern can be in; the
//! places of a list are bounded by [`PLACES_MAX`], the characters by `LOOKED_AT_CHARS_MAX`, and a pattern is only asked whether
//! it matches. Listing all matches, as replacing by a pattern would, is quadratic in that engine: so there is no such transform.

use super::{RuleError, compiled};
use heliograph_schema::rules::{PATTERN_CHARS_MAX, PATTERNS_MAX};
use regex::{Regex, RegexBuilder};
use regex_syntax::{
    ParserBuilder,
    hir::{Hir, HirKind},
};

/// Places that the patterns of one list can be in, all together. A letter is one, `\d` and `.` are four, `x{50}` is fifty. The worst
/// pattern that uses them up takes a tenth of a second for the longest text that is looked at; what people write, microseconds.
const PLACES_MAX: u64 = 1_000;
/// Bytes of one compiled pattern: room for about six Unicode classes such as `\w`.
const COMPILED_BYTES_MAX: usize = 256 * 1024;
/// Bytes of what the engine remembers of a pattern while it searches.
const REMEMBERED_BYTES_MAX: usize = 256 * 1024;
/// Groups inside groups.
const NESTING_MAX: u32 = 32;

/// The patterns of one list.
pub(super) fn patterns(field: &str, list: &[String]) -> Result<Vec<Regex>, RuleError> {
    let limits = (PATTERNS_MAX, PATTERN_CHARS_MAX);
    let patterns = compiled(field, list, limits, String::as_str, |text| pattern(text))?;
    let mut sum = 0_u64;
    for (place, (_, places)) in patterns.iter().enumerate() {
        sum = sum.saturating_add(*places);
        if sum > PLACES_MAX {
            let message = format!(
                "is too much with those before it: {sum} places to look at, at most {PLACES_MAX}; repeat less"
            );
            return Err(RuleError::new(format_args!("{field}[{place}]"), message));
        }
    }
    Ok(patterns.into_iter().map(|(regex, _)| regex).collect())
}

/// The pattern and its places.
fn pattern(text: &str) -> Result<(Regex, u64), String> {
    let parsed = ParserBuilder::new()
        .nest_limit(NESTING_MAX)
        .build()
        .parse(text);
    let hir = parsed.map_err(|error| not_understood(&error.to_string()))?;
    let regex = RegexBuilder::new(text)
        .size_limit(COMPILED_BYTES_MAX)
        .dfa_size_limit(REMEMBERED_BYTES_MAX)
        .nest_limit(NESTING_MAX)
        .build();
    let regex = regex.map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => {
            "is too large: repeat less, or use ASCII classes such as [0-9] or [A-Za-z]".to_owned()
        }
        other => not_understood(&other.to_string()),
    });
    Ok((regex?, places(&hir)))
}

/// The parser draws the pattern with marks below; its last line says what is wrong.
fn not_understood(drawn: &str) -> String {
    let reason = drawn.lines().last().unwrap_or_default();
    let reason = reason.strip_prefix("error: ").unwrap_or(reason);
    format!("is no regular expression that is understood: {reason}")
}

/// In how many places of it a search can be at once.
fn places(hir: &Hir) -> u64 {
    let sum = |parts: &[Hir]| parts.iter().map(places).fold(1, u64::saturating_add);
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => 1,
        HirKind::Literal(literal) => literal.0.len() as u64,
        HirKind::Class(class) => class.maximum_len().unwrap_or(1) as u64,
        HirKind::Capture(capture) => places(&capture.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => sum(parts),
        HirKind::Repetition(repeated) => {
            let times = repeated.max.unwrap_or(repeated.min).max(1);
            places(&repeated.sub).saturating_mul(u64::from(times))
        }
    }
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

    #[test]
    fn a_list_has_only_so_many_places() {
        let table = [
            (r"abc", 3),
            (r"a|b", 1),
            (r"ab|cd", 5),
            (r"é", 2),
            (r".", 4),
            (r"(ab){50}", 100),
            (r"(a{10}){10}", 100),
            (r"a{5,}", 5),
            (r"a*b?", 3),
        ];
        for (text, expected) in table {
            assert_eq!(pattern(text).unwrap().1, expected, "{text}");
        }
        let list = ["a{500}", "b{500}", "c"].map(str::to_owned);
        assert_eq!(patterns("list", &list[..2]).unwrap().len(), 2);
        let refused = patterns("list", &list).unwrap_err().to_string();
        assert!(
            refused.starts_with("list[2]: is too much with those before it: 1001"),
            "{refused}"
        );
    }

    /// Patterns that take exponential or quadratic time elsewhere, over far more text than is ever looked at.
    #[test]
    fn the_worst_patterns_answer_for_the_worst_texts() {
        let patterns = [
            r"(a+)+$",
            r"(a|aa)+$",
            r"(a|a?)+c",
            r"^(\w+\s?)*$",
            r"(.*)(.*)(.*)(.*)(.*)c",
            r"(x+x+)+y",
            r"[ab]*a[ab]{400}c",
        ];
        for text in patterns {
            let regex = pattern(text).unwrap().0;
            // Every next pair differs: what was remembered of the last ones is of no use.
            let mut bits = 1_u32;
            let mixed = std::iter::repeat_with(|| {
                bits = (bits >> 1) ^ (0xB400 & 0_u32.wrapping_sub(bits & 1));
                if bits & 1 == 0 { 'a' } else { 'b' }
            });
            let mixed = mixed.take(2_000).collect::<String>() + "!";
            assert!(!regex.is_match(&mixed), "{text}");
            for unit in ["a", "ab", "x", "aé"] {
                let hay = unit.repeat(32_000 / unit.len()) + "!";
                assert!(!regex.is_match(&hay), "{text} on {unit}");
            }
        }
    }
}
