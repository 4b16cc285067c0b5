//! Finds and replaces words and phrases whatever their case: text is folded once, and every folded byte knows where it came
//! from. Runs of space are one space, so that a phrase is found across a line's end. Composed and decomposed accents are told
//! apart, as Discord tells them apart.

use super::{TEXT_BYTES_MAX, bounded};
use std::{borrow::Cow, ops::Range};

/// A text without its case.
pub(super) struct Folded {
    text: String,
    /// For every byte of it, where its character begins in the original; and the original's length at the end.
    origins: Vec<usize>,
}

/// A word or phrase to look for.
#[derive(Debug, Clone)]
pub(super) struct Phrase {
    folded: String,
    /// Not inside a longer word.
    is_whole: bool,
}

/// One phrase for another text.
#[derive(Debug, Clone)]
pub(super) struct Swap {
    pub(super) from: Phrase,
    pub(super) to: String,
}

/// The text without its case: upper case first, so that `ß` is `ss` and both small sigmas are one.
pub(super) fn fold(text: &str) -> String {
    Folded::of(text).text
}

fn folded_char(c: char) -> impl Iterator<Item = char> {
    c.to_uppercase().flat_map(char::to_lowercase)
}

impl Folded {
    pub(super) fn of(original: &str) -> Self {
        let mut folded = Self {
            text: String::with_capacity(original.len()),
            origins: Vec::with_capacity(original.len() + 1),
        };
        let mut after_space = false;
        for (at, c) in original.char_indices() {
            if c.is_whitespace() {
                if !after_space {
                    folded.push(' ', at);
                }
            } else if c.is_ascii() {
                folded.push(c.to_ascii_lowercase(), at);
            } else {
                folded_char(c).for_each(|lower| folded.push(lower, at));
            }
            after_space = c.is_whitespace();
        }
        folded.origins.push(original.len());
        folded
    }

    fn push(&mut self, c: char, origin: usize) {
        self.text.push(c);
        self.origins.extend((0..c.len_utf8()).map(|_| origin));
    }

    pub(super) fn contains(&self, phrase: &Phrase) -> bool {
        self.find(phrase, 0).is_some()
    }

    /// The first place of the phrase that is not before `at`, in folded bytes.
    fn find(&self, phrase: &Phrase, mut at: usize) -> Option<Range<usize>> {
        loop {
            let start = at + self.text.get(at..)?.find(&phrase.folded)?;
            let range = start..start + phrase.folded.len();
            let inside_word = phrase.is_whole && self.is_inside_word(start);
            let is_whole = !phrase.is_whole || !(inside_word || self.is_inside_word(range.end));
            if is_whole && self.is_between_chars(start) && self.is_between_chars(range.end) {
                return Some(range);
            }
            // Nowhere in this word does another word begin.
            let mut rest = self.text[start..].char_indices().skip(1);
            let next = rest.find(|(_, c)| !inside_word || !is_word(*c));
            at = start + next?.0;
        }
    }

    /// Whether letters on both sides of `at` make one word of it.
    fn is_inside_word(&self, at: usize) -> bool {
        let before = self.text[..at].chars().next_back();
        let after = self.text[at..].chars().next();
        before.is_some_and(is_word) && after.is_some_and(is_word)
    }

    /// Whether `at` is no place inside what one character was folded into.
    fn is_between_chars(&self, at: usize) -> bool {
        at == 0 || self.origins[at - 1] != self.origins[at]
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

impl Phrase {
    pub(super) fn new(text: &str, is_whole: bool) -> Self {
        Self {
            folded: fold(text),
            is_whole,
        }
    }
}

/// The text after all swaps, one after the other.
pub(super) fn swapped<'a>(text: &'a str, swaps: &[Swap]) -> Cow<'a, str> {
    let mut text = Cow::Borrowed(text);
    if swaps.is_empty() || text.is_empty() {
        return text;
    }
    let mut folded = Folded::of(&text);
    for swap in swaps {
        if let Some(changed) = swap.apply(&text, &folded) {
            folded = Folded::of(&changed);
            text = Cow::Owned(changed);
        }
    }
    text
}

impl Swap {
    /// The text with the other phrase wherever the first one stood; `None` where it does not.
    fn apply(&self, text: &str, folded: &Folded) -> Option<String> {
        let mut found = folded.find(&self.from, 0)?;
        let (mut out, mut copied) = (String::with_capacity(text.len()), 0);
        loop {
            out.push_str(&text[copied..folded.origins[found.start]]);
            out.push_str(&self.to);
            copied = folded.origins[found.end];
            if out.len() > TEXT_BYTES_MAX {
                break;
            }
            match folded.find(&self.from, found.end) {
                Some(next) => found = next,
                None => break,
            }
        }
        out.push_str(&text[copied..]);
        Some(bounded(out))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn whole_words_and_phrases_are_found_in_any_case() {
        let table = [
            ("scam", "This is a SCAM!", true),
            ("scam", "scammers", false),
            ("scam", "unscam scam2 scam", true),
            ("scam", "un_scam", false),
            ("buy now", "BUY\n  now!", true),
            ("buy now", "buy nowhere, buy now", true),
            ("buy now", "buynow", false),
            ("$btc", "a$BTC up", true),
            ("$btc", "$BTCUSD", false),
            ("c++", "C++11", true),
            ("straße", "STRASSE", true),
            ("όδος", "ΌΔΟΣ", true),
            ("покупка", "ПОКУПКА!", true),
            ("покупка", "покупками", false),
            ("買", "買い", false),
            ("買い", "今 買い。", true),
            ("🚀", "to🚀🚀moon", true),
            ("s", "ß", false),
        ];
        for (phrase, text, expected) in table {
            let found = Folded::of(text).contains(&Phrase::new(phrase, true));
            assert_eq!(found, expected, "{phrase} in {text}");
        }
    }

    #[test]
    fn words_are_replaced_where_they_stand() {
        let swap = |from, to: &str, is_whole| Swap {
            from: Phrase::new(from, is_whole),
            to: to.into(),
        };
        let table = [
            (
                vec![swap("acme", "us", true)],
                "ACME, acmes: Acme",
                "us, acmes: us",
            ),
            (
                vec![swap("acme", "us", false)],
                "ACME, acmes: Acme",
                "us, uss: us",
            ),
            (
                vec![swap("a", "b", false), swap("b", "c", false)],
                "ab",
                "cc",
            ),
            (
                vec![swap("ß", "x", false)],
                "Straße STRASSE",
                "Straxe STRAxE",
            ),
            (vec![swap("s", "x", false)], "ß s", "ß x"),
            (
                vec![swap("buy now", "wait", true)],
                "é buy \n now é",
                "é wait é",
            ),
            (vec![swap("gone ", "", false)], "gone gone by", "by"),
            (vec![swap("a", "aa", false)], "aaa", "aaaaaa"),
            (vec![swap("İ", "i", false)], "İstanbul", "istanbul"),
        ];
        for (swaps, text, expected) in table {
            assert_eq!(swapped(text, &swaps), expected, "{text}");
        }
        assert!(matches!(
            swapped("nothing here", &[swap("else", "x", true)]),
            Cow::Borrowed(_)
        ));
    }

    #[test]
    fn replacing_cannot_blow_a_text_up() {
        let swaps: Vec<_> = (0..20)
            .map(|_| Swap {
                from: Phrase::new("a", false),
                to: "aé".repeat(100),
            })
            .collect();
        let text = swapped("aaaaaaaaaa", &swaps).into_owned();
        assert!(text.len() <= TEXT_BYTES_MAX && text.ends_with('…'));
    }

    #[test]
    fn the_longest_texts_that_nearly_match_are_searched_once() {
        for (unit, phrase) in [
            ("a", "aaaaaaaaab"),
            ("a", "aaaaaaaaaa"),
            ("ab ", "ab ab ab a"),
        ] {
            let text = unit.repeat(65_536 / unit.len());
            assert!(
                !Folded::of(&text).contains(&Phrase::new(phrase, true)),
                "{phrase}"
            );
        }
    }

    proptest! {
        #[test]
        fn swapping_is_replacing_where_nothing_is_folded(text in "[a-cé ]{0,60}", from in "[a-cé]{1,3}", to in "[a-z]{0,3}") {
            let single: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
            let swap = Swap { from: Phrase::new(&from, false), to: to.clone() };
            let swapped = swapped(&single, std::slice::from_ref(&swap)).into_owned();
            prop_assert_eq!(swapped, single.replace(&from, &to));
        }

        #[test]
        fn any_text_can_be_searched(text in ".{0,60}", phrase in ".{1,4}") {
            let folded = Folded::of(&text);
            prop_assert_eq!(folded.origins.len(), folded.text.len() + 1);
            let swap = Swap { from: Phrase::new(&phrase, true), to: String::new() };
            prop_assert!(swapped(&text, &[swap]).len() <= text.len());
        }
    }
}
