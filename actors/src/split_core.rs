//! Cuts a long text into messages: never inside a code point, a combined character, a mention, an emoji, a time, an address or
//! a code fence's mark. A cut inside a code block closes it and opens it again, with its language, in the next message.

use std::ops::Range;

/// One message's piece of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// What of the text stands in it.
    pub range: Range<usize>,
    /// Opens the code block again that the piece before had to close.
    pub opening: String,
    /// Closes a code block that goes on in the next piece.
    pub closing: &'static str,
}

impl Piece {
    /// The message's text.
    pub fn text(&self, whole: &str) -> String {
        format!(
            "{}{}{}",
            self.opening,
            &whole[self.range.clone()],
            self.closing
        )
    }
}

const FENCE: &str = "```";
const CLOSING: &str = "\n```";
const CLOSING_AFTER_NEWLINE: &str = "```";
/// Longest language name that is taken along.
const LANGUAGE_CHARS_MAX: usize = 32;
/// Longest markup in angle brackets that is kept whole.
const MARKUP_BYTES_MAX: usize = 128;

/// A code block with both its marks.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Block {
    /// Its opening mark with the language and its line's end.
    head: Range<usize>,
    /// Its closing mark.
    tail: Range<usize>,
}

/// The pieces of `text`, each at most `chars_max` code points with what is added to it. A text that fits is one piece, as it is.
/// Nothing is lost: the ranges follow on one another from the first byte to the last.
pub fn split(text: &str, chars_max: usize) -> Vec<Piece> {
    let blocks = blocks(text);
    let kept = kept_whole(text, &blocks);
    let mut pieces = Vec::new();
    let mut start = 0;
    let mut opening = String::new();
    loop {
        let room = chars_max.saturating_sub(opening.chars().count());
        if text[start..].chars().count() <= room {
            pieces.push(Piece {
                range: start..text.len(),
                opening,
                closing: "",
            });
            return pieces;
        }
        // Room for the closing mark is kept always; it costs four characters of two thousand.
        let end = cut(
            text,
            start,
            room.saturating_sub(CLOSING.len()).max(1),
            &kept,
        );
        let inside = blocks.iter().find(|block| {
            block.head.end <= end && end <= block.tail.start && end > block.head.start
        });
        let closing = match inside {
            None => "",
            Some(_) if text[..end].ends_with('\n') => CLOSING_AFTER_NEWLINE,
            Some(_) => CLOSING,
        };
        pieces.push(Piece {
            range: start..end,
            opening,
            closing,
        });
        opening = inside.map_or_else(String::new, |block| reopening(&text[block.head.clone()]));
        start = end;
    }
}

fn reopening(head: &str) -> String {
    let language = head[FENCE.len()..].trim_end();
    format!("{FENCE}{language}\n")
}

/// The place of the next cut: after the last paragraph, line or word that fits, else wherever nothing is broken.
fn cut(text: &str, start: usize, room: usize, kept: &[Range<usize>]) -> usize {
    let rest = &text[start..];
    let limit = start
        + rest
            .char_indices()
            .nth(room)
            .map_or(rest.len(), |(at, _)| at);
    let window = &text[start..limit];
    let may = |at: usize| at > start && !is_inside(kept, at);
    // A message must not be blank: something is to stand before the cut.
    let ink = window
        .find(|c: char| !c.is_whitespace())
        .map_or(limit, |at| start + at);
    // The first half is only used when nothing better is there, so that messages do not become tiny.
    let half = start + window.len() / 2;
    let marks: [fn(&str) -> bool; 3] = [
        |before| before.ends_with("\n\n"),
        |before| before.ends_with('\n'),
        |before| before.ends_with(char::is_whitespace),
    ];
    for least in [half, start] {
        for mark in marks {
            let mut ends = window
                .char_indices()
                .rev()
                .map(|(at, c)| start + at + c.len_utf8());
            if let Some(at) =
                ends.find(|&at| at > least && at > ink && mark(&text[start..at]) && may(at))
            {
                return at;
            }
        }
    }
    let mut anywhere = window
        .char_indices()
        .rev()
        .map(|(at, c)| start + at + c.len_utf8());
    anywhere
        .find(|&at| !joined(text, at) && may(at))
        .unwrap_or(limit)
}

/// Whether a cut at `at` breaks one of `kept`, which are in order and do not overlap.
fn is_inside(kept: &[Range<usize>], at: usize) -> bool {
    let behind = kept.partition_point(|span| span.start < at);
    kept[..behind].last().is_some_and(|span| at < span.end)
}

/// Whether the characters on both sides of `at` are one to a reader.
fn joined(text: &str, at: usize) -> bool {
    const JOINER: char = '\u{200D}';
    let (Some(before), Some(after)) = (text[..at].chars().next_back(), text[at..].chars().next())
    else {
        return false;
    };
    let regional = |c: char| ('\u{1F1E6}'..='\u{1F1FF}').contains(&c);
    let odd_flags = || {
        text[..at]
            .chars()
            .rev()
            .take_while(|c| regional(*c))
            .count()
            % 2
            == 1
    };
    before == JOINER
        || extends(after)
        || (before == '\r' && after == '\n')
        || (regional(before) && regional(after) && odd_flags())
}

/// Combining marks, variation selectors, skin tones, the joiner itself, tags.
fn extends(c: char) -> bool {
    matches!(c,
        '\u{0300}'..='\u{036F}' | '\u{0483}'..='\u{0489}' | '\u{0591}'..='\u{05BD}' | '\u{0610}'..='\u{061A}'
        | '\u{064B}'..='\u{065F}' | '\u{093A}'..='\u{094F}' | '\u{0E31}' | '\u{0E34}'..='\u{0E3A}' | '\u{0E47}'..='\u{0E4E}'
        | '\u{1AB0}'..='\u{1AFF}' | '\u{1DC0}'..='\u{1DFF}' | '\u{200C}'..='\u{200D}' | '\u{20D0}'..='\u{20FF}'
        | '\u{3099}'..='\u{309A}' | '\u{FE00}'..='\u{FE0F}' | '\u{FE20}'..='\u{FE2F}' | '\u{1F3FB}'..='\u{1F3FF}'
        | '\u{E0020}'..='\u{E007F}' | '\u{E0100}'..='\u{E01EF}')
}

/// Marks in pairs; a last one without a partner is text, as it is in Discord.
fn blocks(text: &str) -> Vec<Block> {
    let marks: Vec<usize> = text.match_indices(FENCE).map(|(at, _)| at).collect();
    let pair = |pair: &[usize]| {
        let [open, close] = *pair else { return None };
        let inner = &text[open + FENCE.len()..close];
        let line = inner
            .find('\n')
            .filter(|&end| is_language(&inner[..end]) && end + 1 < inner.len());
        Some(Block {
            head: open..open + FENCE.len() + line.map_or(0, |end| end + 1),
            tail: close..close + FENCE.len(),
        })
    };
    marks.chunks_exact(2).filter_map(pair).collect()
}

fn is_language(word: &str) -> bool {
    word.len() <= LANGUAGE_CHARS_MAX
        && word
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"+-_.#".contains(&b))
}

/// Everything that must not be cut, in order. Spans may touch; those that overlapped are one.
fn kept_whole(text: &str, blocks: &[Block]) -> Vec<Range<usize>> {
    let mut spans = Vec::new();
    for block in blocks {
        // With a character of the code on the inner side: an empty block in a message would be odd.
        let first = text[block.head.end..]
            .chars()
            .next()
            .map_or(0, char::len_utf8);
        let last = text[..block.tail.start]
            .chars()
            .next_back()
            .map_or(0, char::len_utf8);
        spans.push(
            block.head.start..(block.head.end + first).min(block.tail.start.max(block.head.end)),
        );
        spans.push((block.tail.start - last).max(block.head.end)..block.tail.end);
    }
    spans.extend(
        text.match_indices(FENCE)
            .map(|(at, mark)| at..at + mark.len()),
    );
    spans.extend(
        text.match_indices('<')
            .filter_map(|(at, _)| markup(&text[at..]).map(|len| at..at + len)),
    );
    for scheme in ["https://", "http://"] {
        let mut done = 0;
        for (at, _) in text.match_indices(scheme) {
            // Inside an address is only more of it.
            if at < done {
                continue;
            }
            let rest = &text[at..];
            let end = rest
                .find(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '`'))
                .unwrap_or(rest.len());
            done = at + end;
            spans.push(at..done);
        }
    }
    joined_where_they_overlap(spans)
}

fn joined_where_they_overlap(mut spans: Vec<Range<usize>>) -> Vec<Range<usize>> {
    spans.sort_unstable_by_key(|span| (span.start, span.end));
    let mut joined: Vec<Range<usize>> = Vec::with_capacity(spans.len());
    for span in spans {
        match joined.last_mut().filter(|last| span.start < last.end) {
            Some(last) => last.end = last.end.max(span.end),
            None => joined.push(span),
        }
    }
    joined
}

/// The length of a mention, emoji, time or command that `text` begins with.
fn markup(text: &str) -> Option<usize> {
    let known = ["<@", "<#", "<:", "<a:", "<t:", "</", "<id:"]
        .iter()
        .any(|start| text.starts_with(start));
    let end = known
        .then(|| text.bytes().take(MARKUP_BYTES_MAX).position(|b| b == b'>'))
        .flatten()?;
    let inner = &text.as_bytes()[1..end];
    (!inner.iter().any(|b| matches!(b, b'<' | b'\n' | b'`'))).then_some(end + 1)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn texts(text: &str, chars_max: usize) -> Vec<String> {
        split(text, chars_max)
            .iter()
            .map(|piece| piece.text(text))
            .collect()
    }

    #[test]
    fn the_better_boundary_wins() {
        let table: [(&str, usize, &[&str]); 7] = [
            ("fits", 20, &["fits"]),
            (
                "one two three four five",
                20,
                &["one two three ", "four five"],
            ),
            (
                "aaaa bbbb\ncccc dddd eeee",
                20,
                &["aaaa bbbb\n", "cccc dddd eeee"],
            ),
            (
                "aaaa\n\nbb cc\ndd ee ff gg",
                14,
                &["aaaa\n\n", "bb cc\n", "dd ee ff gg"],
            ),
            (
                "aaaaaaaaaaaaaaaaaaaaaaaaa",
                14,
                &["aaaaaaaaaa", "aaaaaaaaaa", "aaaaa"],
            ),
            (
                "pay <@123456789> and go home",
                18,
                &["pay ", "<@123456789> ", "and go home"],
            ),
            (
                "see https://example.org/long and go",
                14,
                &["see ", "https://ex", "ample.org/", "long and go"],
            ),
        ];
        for (text, chars_max, expected) in table {
            assert_eq!(texts(text, chars_max), expected, "{text:?}");
        }
    }

    #[test]
    fn a_code_block_is_closed_and_opened_again_with_its_language() {
        let text = format!("before\n```rust\n{}```\nafter", "let a = 1;\n".repeat(8));
        let parts = texts(&text, 60);
        assert!(parts.len() > 2);
        assert_eq!(
            parts[0],
            "before\n```rust\nlet a = 1;\nlet a = 1;\nlet a = 1;\n```"
        );
        assert!(parts[1].starts_with("```rust\nlet a = 1;\n"));
        assert!(parts.last().unwrap().ends_with("```\nafter"));
    }

    #[test]
    fn what_is_one_character_to_a_reader_stays_one() {
        let family = "👨\u{200D}👩\u{200D}👧";
        for unit in ["e\u{301}", family, "👍🏽", "🇩🇪"] {
            for piece in texts(&unit.repeat(40), 31) {
                assert_eq!(piece.replace(unit, ""), "", "{unit}: {piece}");
            }
        }
    }

    /// As much as a signal can hold, of what makes the search for a place longest.
    #[test]
    fn the_longest_texts_of_nothing_but_markup_are_cut_between_it() {
        let table = [
            "<@1>",
            "<@ >",
            "<@1> ",
            "https://a ",
            "`` `",
            "🇩🇪",
            "```a```",
        ];
        for unit in table {
            let text = unit.repeat(65_536 / unit.len());
            let pieces = split(&text, 2_000);
            assert!(pieces.len() <= 80, "{unit}: {}", pieces.len());
            for piece in &pieces {
                assert!(piece.text(&text).chars().count() <= 2_000, "{unit}");
                let begins_whole = piece.range.start % unit.len() == 0;
                assert!(begins_whole || unit == "`` `", "{unit}: {piece:?}");
            }
        }
        for unit in [" ", "https://", "<"] {
            let text = unit.repeat(65_536 / unit.len());
            let ends: usize = split(&text, 2_000).iter().map(|it| it.range.len()).sum();
            assert_eq!(ends, text.len(), "{unit:?}");
        }
    }

    /// Text made of what matters here.
    fn interesting() -> impl Strategy<Value = String> {
        let word = prop_oneof![
            "[a-zA-Zäß]{1,12}",
            Just("```".to_owned()),
            Just("```rust\n".to_owned()),
            Just("<@123456789012345678>".to_owned()),
            Just("<a:wave:123456789012345678>".to_owned()),
            Just("https://example.org/a/b?c=d".to_owned()),
            Just("\n".to_owned()),
            Just("\n\n".to_owned()),
            Just("👨\u{200D}👩\u{200D}👧".to_owned()),
            ".{0,6}",
        ];
        prop::collection::vec((word, prop_oneof![Just(""), Just(" ")]), 0..120).prop_map(|words| {
            words
                .into_iter()
                .map(|(word, space)| word + space)
                .collect()
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]
        #[test]
        fn any_text_is_kept_within_the_limit_and_unbroken(text in interesting(), chars_max in 80_usize..400) {
            let pieces = split(&text, chars_max);
            let mut at = 0;
            let odd = text.matches(FENCE).count() % 2 == 1;
            let unpaired = text.rfind(FENCE).filter(|_| odd);
            for piece in &pieces {
                prop_assert_eq!(piece.range.start, at, "nothing lost, nothing twice");
                at = piece.range.end;
                let shown = piece.text(&text);
                prop_assert!(shown.chars().count() <= chars_max);
                let alone = unpaired.is_some_and(|mark| piece.range.contains(&mark));
                prop_assert_eq!(shown.matches(FENCE).count() % 2 == 1, alone, "fences balanced in {:?}", shown);
            }
            prop_assert_eq!(at, text.len());
            for cut in pieces.iter().map(|piece| piece.range.end).filter(|end| *end < text.len()) {
                for whole in ["<@123456789012345678>", "<a:wave:123456789012345678>", "https://example.org/a/b?c=d"] {
                    let broken = text.match_indices(whole).any(|(start, _)| start < cut && cut < start + whole.len());
                    // A run without any break may be longer than a message: then there is no better place.
                    let run = text[..cut].chars().rev().take_while(|c| !c.is_whitespace()).count();
                    prop_assert!(!broken || run + 40 >= chars_max / 2, "cut through {} at {}", whole, cut);
                }
            }
        }
    }
}
