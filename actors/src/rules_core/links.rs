//! Which domains a text links to, and the text without such links. An address is read as a browser reads it, so that capitals,
//! user names, percent signs, full-width dots and `xn--` hide nothing. `discord.gg/abc` counts without its scheme: Discord
//! makes a card of it, and people type it.

use super::{RuleError, compiled};
use heliograph_schema::rules::{DOMAIN_CHARS_MAX, ENTRIES_MAX};
use std::{borrow::Cow, ops::Range};
use url::{Host, Url};

const SCHEMES: [&str; 2] = ["https://", "http://"];
/// What IDNA reads as a dot.
const DOTS: [char; 4] = ['.', '。', '．', '｡'];
/// Signs of the sentence, or of italics, around a name.
const AROUND_NAMES: [char; 4] = ['.', '_', '~', '?'];

/// Domains with all their subdomains.
#[derive(Debug, Clone, Default)]
pub(super) struct Domains(Vec<String>);

impl Domains {
    pub(super) fn compile(field: &str, list: &[String]) -> Result<Self, RuleError> {
        let limits = (ENTRIES_MAX, DOMAIN_CHARS_MAX);
        compiled(field, list, limits, String::as_str, |text| domain(text)).map(Self)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Which of them this address leads to.
    pub(super) fn of_address(&self, address: &str) -> Option<&str> {
        let host = host(address)?;
        let is_below = |domain: &&String| {
            let rest = host.strip_suffix(domain.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        self.0.iter().find(is_below).map(String::as_str)
    }

    /// Which of them this text links to, first of all.
    pub(super) fn first_in(&self, text: &str) -> Option<&str> {
        if self.is_empty() {
            return None;
        }
        let links = links(text).into_iter();
        links.filter_map(|link| self.of_address(&text[link])).next()
    }

    /// The text without links to them. Of `[words](link)` the words stay.
    pub(super) fn stripped<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if self.is_empty() {
            return text.into();
        }
        let (mut out, mut copied) = (String::new(), 0);
        for link in links(text) {
            if self.of_address(&text[link.clone()]).is_none() {
                continue;
            }
            out.push_str(&text[copied..link.start]);
            copied = link.end + take_frame(&mut out, &text[link.end..]);
        }
        if copied == 0 {
            return text.into();
        }
        out.push_str(&text[copied..]);
        out.into()
    }
}

/// Takes away what only served the link that stood between `before` and `after`: angle brackets, and the brackets of a link with
/// words. Says how many bytes of `after` went.
fn take_frame(before: &mut String, after: &str) -> usize {
    let mut taken = 0;
    if before.ends_with('<') && after.starts_with('>') {
        before.pop();
        taken += 1;
    }
    let line = before.rfind('\n').map_or(0, |at| at + 1);
    if before.ends_with("](")
        && after[taken..].starts_with(')')
        && let Some(bracket) = before[line..].rfind('[')
    {
        before.truncate(before.len() - "](".len());
        before.remove(line + bracket);
        taken += 1;
    }
    taken
}

/// One entry of a list, as a browser writes it.
fn domain(text: &str) -> Result<String, String> {
    let bare = text.trim().trim_start_matches("*.").trim_end_matches('.');
    if bare.contains(['/', ':', '@', '?', '#', ' ']) {
        return Err("write the domain alone, such as example.org".to_owned());
    }
    match Host::parse(bare) {
        Ok(Host::Domain(domain)) => Ok(domain),
        Ok(address) => Ok(address.to_string()),
        Err(error) => Err(format!("is no domain: {error}")),
    }
}

/// The host of an address, with or without its scheme.
fn host(address: &str) -> Option<String> {
    let url = if scheme(address).is_some() {
        Url::parse(address)
    } else {
        Url::parse(&format!("https://{address}"))
    };
    let host = url.ok()?.host_str()?.trim_end_matches('.').to_owned();
    (!host.is_empty()).then_some(host)
}

/// The length of the scheme that `text` begins with.
fn scheme(text: &str) -> Option<usize> {
    let begins = |scheme: &&&str| {
        let start = text.as_bytes().get(..scheme.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(scheme.as_bytes()))
    };
    SCHEMES.iter().find(begins).map(|scheme| scheme.len())
}

/// All links and bare names of hosts in the text, in order.
fn links(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let ends_run =
        |c: char| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | '"' | '`' | '|');
    let mut at = 0;
    for run in text.split_inclusive(ends_run) {
        let run = run.trim_end_matches(ends_run);
        in_run(text, at..at + run.len(), &mut found);
        at = text.len().min(at + run.len());
        at += text[at..].chars().next().map_or(0, char::len_utf8);
    }
    found
}

/// The same of a run without space.
fn in_run(text: &str, run: Range<usize>, found: &mut Vec<Range<usize>>) {
    let mut at = run.start;
    while at < run.end {
        let rest = &text[at..run.end];
        let start = rest
            .match_indices(':')
            .filter_map(|(colon, _)| {
                let letters = [5, 4].map(|length: usize| colon.checked_sub(length));
                let starts = letters.into_iter().flatten();
                starts
                    .filter(|&start| rest.is_char_boundary(start))
                    .find(|&start| scheme(&rest[start..]).is_some())
            })
            .next();
        let Some(start) = start else {
            bare_names(text, at..run.end, found);
            return;
        };
        bare_names(text, at..at + start, found);
        let length = scheme(&rest[start..]).unwrap_or(0);
        let end = at + start + length + address_bytes(&rest[start + length..]);
        found.push(at + start..end);
        at = end;
    }
}

/// How far an address goes: not beyond a bracket that was opened before it, and not over the sentence's own signs at its end.
fn address_bytes(text: &str) -> usize {
    let mut open = 0_i32;
    let closes = |c: char| {
        open += match c {
            '(' | '[' => 1,
            ')' | ']' => -1,
            _ => 0,
        };
        open < 0
    };
    let end = text.find(closes).unwrap_or(text.len());
    let sentence = ['.', ',', ':', ';', '!', '?', '\'', '*', '_', '~'];
    text[..end].trim_end_matches(sentence).len()
}

/// Names with a dot in them that stand without a scheme.
fn bare_names(text: &str, range: Range<usize>, found: &mut Vec<Range<usize>>) {
    let ends_name = |c: char| {
        matches!(
            c,
            '(' | ')' | '[' | ']' | '{' | '}' | '\'' | '*' | ',' | ';' | '!' | ':' | '='
        )
    };
    let mut at = range.start;
    for name in text[range].split(ends_name) {
        let tail = name.trim_start_matches(AROUND_NAMES);
        let bare = tail.trim_end_matches(AROUND_NAMES);
        if bare.contains(DOTS) {
            let start = at + name.len() - tail.len();
            found.push(start..start + bare.len());
        }
        // Everything that ends a name is one byte long.
        at += name.len() + 1;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn domains(list: &[&str]) -> Domains {
        let list: Vec<_> = list.iter().map(|text| (*text).to_owned()).collect();
        Domains::compile("list", &list).unwrap()
    }

    #[test]
    fn links_are_found_however_they_are_written() {
        let table = [
            ("see https://evil.example/x", true),
            ("see http://evil.example", true),
            ("HTTPS://EVIL.EXAMPLE.", true),
            ("https://sub.evil.example:8080?q#f", true),
            ("https://good.org@evil.example/", true),
            ("https://e%76il.example", true),
            ("https://evil。example/", true),
            ("https://evil.example./", true),
            ("https://ev\u{AD}il.example/", true),
            ("[good.org](https://evil.example)", true),
            ("<https://evil.example>", true),
            ("**evil.example/abc**", true),
            ("go:evil.example", true),
            ("x=evil.example", true),
            ("me@evil.example", true),
            ("||evil.example||", true),
            ("éhttps://evil.example", true),
            ("https://good.org/https://evil.example", false),
            ("https://evil.example.org", false),
            ("https://notevil.example", false),
            ("https://good.org/evil.example", false),
            ("https://good.org/?evil.example", false),
            ("evil example", false),
            ("example", false),
            ("https://", false),
            ("://evil", false),
        ];
        for (text, expected) in table {
            let found = domains(&["evil.example"]).first_in(text).is_some();
            assert_eq!(found, expected, "{text}");
        }
        assert!(
            domains(&["münchen.example"])
                .first_in("https://xn--mnchen-3ya.example")
                .is_some()
        );
        assert!(
            domains(&["xn--mnchen-3ya.example"])
                .first_in("www.MÜNCHEN.example")
                .is_some()
        );
        assert!(domains(&["127.0.0.1"]).first_in("http://0x7f.1/").is_some());
    }

    #[test]
    fn links_leave_and_their_words_stay() {
        let table = [
            ("see https://evil.example/x.", "see ."),
            ("a https://evil.example/a_(b) b", "a  b"),
            ("(https://evil.example/a)", "()"),
            (
                "[the *words*](https://evil.example) stay",
                "the *words* stay",
            ),
            ("[a] [b](<https://evil.example>)", "[a] b"),
            ("<https://evil.example>!", "!"),
            ("https://good.org https://evil.example", "https://good.org "),
            ("evil.example/x, www.evil.example", ", "),
            ("nothing", "nothing"),
        ];
        for (text, expected) in table {
            assert_eq!(
                domains(&["evil.example"]).stripped(text),
                expected,
                "{text}"
            );
        }
    }

    #[test]
    fn an_entry_is_a_domain_alone() {
        for (text, domain) in [
            ("*.Evil.Example.", "evil.example"),
            (" ru ", "ru"),
            ("1.2.3.4", "1.2.3.4"),
        ] {
            assert_eq!(domains(&[text]).0, [domain]);
        }
        for bad in [
            "https://evil.example",
            "evil.example/x",
            "a b",
            "a:80",
            "evil..%",
            ".",
        ] {
            assert!(domain(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read(words in prop::collection::vec(prop_oneof![
            Just("https://".to_owned()), Just("evil.example".to_owned()), "[\\[\\]()<>.,:|é ]{0,3}", ".{0,4}",
        ], 0..20)) {
            let text = words.concat();
            let spans = links(&text);
            for pair in spans.windows(2) {
                prop_assert!(pair[0].end <= pair[1].start);
            }
            let evil = domains(&["evil.example"]);
            let stripped = evil.stripped(&text).into_owned();
            prop_assert!(stripped.len() <= text.len());
            prop_assert_eq!(evil.first_in(&text).is_none(), stripped == text);
        }
    }
}
