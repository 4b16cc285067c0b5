//! A text with names in braces, read once and filled for every signal.

use super::{TEXT_BYTES_MAX, bounded};

/// What is filled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Name {
    Text,
    Author,
    Channel,
    Thread,
    Link,
}

const NAMES: [(&str, Name); 5] = [
    ("text", Name::Text),
    ("author", Name::Author),
    ("channel", Name::Channel),
    ("thread", Name::Thread),
    ("link", Name::Link),
];

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Literal(String),
    Value(Name),
}

/// A template that is understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Template(Vec<Piece>);

impl Template {
    /// Reads `{name}`; `{{` and `}}` are braces. The error is a sentence.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let (mut pieces, mut literal, mut rest) = (Vec::new(), String::new(), text);
        while let Some(at) = rest.find(['{', '}']) {
            literal.push_str(&rest[..at]);
            let brace = &rest[at..=at];
            rest = &rest[at + 1..];
            if let Some(behind) = rest.strip_prefix(brace) {
                literal.push_str(brace);
                rest = behind;
                continue;
            }
            let (name, behind) = Some(rest)
                .filter(|_| brace == "{")
                .and_then(|rest| rest.split_once('}'))
                .ok_or_else(|| {
                    format!(
                        "a \"{brace}\" without its partner; write \"{brace}{brace}\" for a brace"
                    )
                })?;
            pieces.push(Piece::Literal(std::mem::take(&mut literal)));
            pieces.push(Piece::Value(known(name)?));
            rest = behind;
        }
        literal.push_str(rest);
        pieces.push(Piece::Literal(literal));
        Ok(Self(pieces))
    }

    /// The text, cut at [`TEXT_BYTES_MAX`].
    pub(super) fn fill(&self, value: impl Fn(Name) -> String) -> String {
        let mut out = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Literal(text) => out.push_str(text),
                Piece::Value(name) => out.push_str(&value(*name)),
            }
            if out.len() > TEXT_BYTES_MAX {
                break;
            }
        }
        bounded(out)
    }
}

fn known(name: &str) -> Result<Name, String> {
    let found = NAMES.iter().find(|(known, _)| *known == name);
    found.map(|(_, name)| *name).ok_or_else(|| {
        format!("{{{name}}} is unknown; there are {{text}}, {{author}}, {{channel}}, {{thread}} and {{link}}")
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn names_are_filled_in_and_braces_stay() {
        let table = [
            ("{text}", "<Text>"),
            (
                "{author} in {channel}/{thread}: {text}\n{link}",
                "<Author> in <Channel>/<Thread>: <Text>\n<Link>",
            ),
            ("{{text}} {{{text}}}", "{text} {<Text>}"),
            ("no names", "no names"),
            ("}}{{", "}{"),
            ("é{text}é", "é<Text>é"),
        ];
        for (text, expected) in table {
            let filled = Template::parse(text)
                .unwrap()
                .fill(|name| format!("<{name:?}>"));
            assert_eq!(filled, expected, "{text}");
        }
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        let table = [
            ("{txt}", "{txt} is unknown"),
            ("{}", "{} is unknown"),
            ("{ text }", "{ text } is unknown"),
            ("{text", "a \"{\" without its partner"),
            ("text}", "a \"}\" without its partner"),
            ("{te{xt}", "{te{xt} is unknown"),
        ];
        for (text, message) in table {
            let refused = Template::parse(text).unwrap_err();
            assert!(refused.starts_with(message), "{text}: {refused}");
        }
    }

    #[test]
    fn repeating_a_long_text_is_cut() {
        let template = Template::parse(&"{text}".repeat(160)).unwrap();
        let filled = template.fill(|_| "é".repeat(30_000));
        assert!(filled.len() <= TEXT_BYTES_MAX && filled.ends_with('…'));
    }
}
