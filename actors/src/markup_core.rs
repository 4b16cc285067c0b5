//! Discord's markup for things of the source guild, turned into plain names: a mention means nothing, or somebody else, in
//! another guild. Times stay, everybody's client can show them. Code stays, Discord shows it as it is typed. Nothing here keeps
//! a ping from ringing: `allowed_mentions` of every request does.

use heliograph_schema::ids::{ChannelId, RoleId, UserId};
use std::{borrow::Cow, collections::HashMap};

/// Longest markup in angle brackets, in bytes: a command of three words of 32 characters and its id.
const MARKUP_BYTES_MAX: usize = 160;
/// Characters of a name; Discord's own names have at most 100.
pub const NAME_CHARS_MAX: usize = 100;
/// Pings without angle brackets.
const CALLS: [&str; 2] = ["@everyone", "@here"];
const FENCE_LENGTH: usize = 3;

/// What is called how in the source guild.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// Channels and threads, without `#`.
    pub channels: HashMap<ChannelId, String>,
    /// Roles, without `@`.
    pub roles: HashMap<RoleId, String>,
    /// People, without `@`.
    pub users: HashMap<UserId, String>,
}

impl Names {
    /// The channel's or thread's name, `unknown-channel` without one.
    pub fn channel(&self, id: ChannelId) -> String {
        named(self.channels.get(&id), "unknown-channel")
    }

    fn role(&self, id: RoleId) -> String {
        named(self.roles.get(&id), "unknown-role")
    }

    fn user(&self, id: UserId) -> String {
        named(self.users.get(&id), "unknown-user")
    }
}

fn named(name: Option<&String>, unknown: &str) -> String {
    name.and_then(|name| one_line(name))
        .unwrap_or_else(|| unknown.to_owned())
}

/// The name in one line, of bounded length, unable to begin markup or code; `None` when nothing is left.
pub fn one_line(name: &str) -> Option<String> {
    let shown = name.chars().filter_map(|c| match c {
        '<' => Some('‹'),
        '>' => Some('›'),
        '`' => Some('\''),
        c if c.is_whitespace() => Some(' '),
        c if c.is_control() => None,
        c => Some(c),
    });
    let line: String = shown.take(NAME_CHARS_MAX).collect();
    let line = line.trim();
    (!line.is_empty()).then(|| line.to_owned())
}

/// A name as [`one_line`] gives it, for a place where markup works: every sign that could begin some is escaped.
pub fn escaped(line: &str) -> String {
    let mut out = String::with_capacity(line.len() + 8);
    for c in line.chars() {
        if matches!(
            c,
            '\\' | '*'
                | '_'
                | '~'
                | '|'
                | '`'
                | '>'
                | '#'
                | '-'
                | '['
                | ']'
                | '('
                | ')'
                | '<'
                | '@'
                | ':'
                | '/'
        ) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// `text` with names in place of markup.
pub fn plain<'a>(text: &'a str, names: &Names) -> Cow<'a, str> {
    rewritten(text, |mark| mark.named(names))
}

/// `text` without mentions of people, roles and everyone, and with names in place of other markup.
pub fn without_mentions<'a>(text: &'a str, names: &Names) -> Cow<'a, str> {
    rewritten(text, |mark| match mark {
        Mark::User(_) | Mark::Role(_) | Mark::Call => Some(String::new()),
        other => other.named(names),
    })
}

/// Whether [`without_mentions`] would take something out.
pub fn has_mentions(text: &str) -> bool {
    let found = std::cell::Cell::new(false);
    rewritten(text, |mark| {
        let is_mention = matches!(mark, Mark::User(_) | Mark::Role(_) | Mark::Call);
        found.set(found.get() || is_mention);
        None
    });
    found.get()
}

/// Markup that means something in one guild only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark<'a> {
    User(UserId),
    Role(RoleId),
    Channel(ChannelId),
    Emoji(&'a str),
    Command(&'a str),
    Place(&'a str),
    /// Everyone, or everyone who is there.
    Call,
}

impl Mark<'_> {
    /// How it reads; `None` when it stays as it is.
    fn named(self, names: &Names) -> Option<String> {
        Some(match self {
            Self::User(id) => format!("@{}", names.user(id)),
            Self::Role(id) => format!("@{}", names.role(id)),
            Self::Channel(id) => format!("#{}", names.channel(id)),
            Self::Emoji(name) => format!(":{name}:"),
            Self::Command(name) => format!("/{name}"),
            Self::Place("customize") => "Channels & Roles".to_owned(),
            Self::Place("browse") => "Browse Channels".to_owned(),
            Self::Place("guide") => "Server Guide".to_owned(),
            Self::Place("home") => "Home".to_owned(),
            Self::Place(other) if other.starts_with("linked-roles") => "Linked Roles".to_owned(),
            Self::Place(other) => other.to_owned(),
            Self::Call => return None,
        })
    }
}

/// The text with what `write` says in place of each mark outside of code; marks stay for which it says `None`.
fn rewritten<'a>(text: &'a str, write: impl Fn(Mark<'_>) -> Option<String>) -> Cow<'a, str> {
    if !text.contains(['<', '@']) {
        return text.into();
    }
    let code = Ticks::of(text);
    let (mut out, mut copied, mut at) = (String::new(), 0, 0);
    while let Some(skip) = text[at..].find(['<', '@', '`', '\\']) {
        at += skip;
        match text.as_bytes()[at] {
            b'`' => at = code.end(text, at),
            b'\\' => at += 1 + escaped_bytes(&text[at + 1..]),
            _ => {
                let Some((mark, bytes)) = mark(&text[at..]) else {
                    at += 1;
                    continue;
                };
                let end = at + bytes;
                if let Some(written) = write(mark) {
                    out.push_str(&text[copied..at]);
                    out.push_str(&written);
                    copied = end;
                    if written.is_empty() {
                        copied += close_gap(&mut out, &text[end..]);
                    }
                }
                at = end.max(copied);
            }
        }
    }
    if copied == 0 {
        return text.into();
    }
    out.push_str(&text[copied..]);
    out.into()
}

/// Where something was taken out between two spaces, one is enough. Says how many bytes of `rest` to leave out.
fn close_gap(out: &mut String, rest: &str) -> usize {
    let at_border = out.is_empty() || out.ends_with(char::is_whitespace);
    if at_border && rest.starts_with(' ') {
        return 1;
    }
    if out.ends_with(' ') && (rest.is_empty() || rest.starts_with('\n')) {
        out.pop();
    }
    0
}

/// What a backslash before `rest` takes its meaning from: any sign that is no letter, digit or space.
fn escaped_bytes(rest: &str) -> usize {
    rest.chars()
        .next()
        .filter(|c| !c.is_ascii_alphanumeric() && !c.is_whitespace())
        .map_or(0, char::len_utf8)
}

/// The mark that `text` begins with, and its length in bytes.
fn mark(text: &str) -> Option<(Mark<'_>, usize)> {
    if let Some(call) = CALLS.iter().find(|call| text.starts_with(**call)) {
        return Some((Mark::Call, call.len()));
    }
    let end = text
        .bytes()
        .take(MARKUP_BYTES_MAX)
        .position(|byte| byte == b'>')?;
    let inner = text[..end].strip_prefix('<')?;
    Some((inside(inner)?, end + 1))
}

fn inside(inner: &str) -> Option<Mark<'_>> {
    if let Some(id) = inner.strip_prefix("@&") {
        return id.parse().ok().map(Mark::Role);
    }
    if let Some(id) = inner.strip_prefix('@') {
        let id = id.strip_prefix('!').unwrap_or(id);
        return id.parse().ok().map(Mark::User);
    }
    if let Some(id) = inner.strip_prefix('#') {
        return id.parse().ok().map(Mark::Channel);
    }
    if let Some(place) = inner.strip_prefix("id:") {
        let is_word = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b':');
        return (!place.is_empty() && place.bytes().all(is_word)).then_some(Mark::Place(place));
    }
    if let Some(command) = inner.strip_prefix('/') {
        let (name, id) = command.rsplit_once(':')?;
        let is_name = !name.is_empty() && !name.contains(['<', '\n', '`', '/']);
        return (is_name && is_id(id)).then_some(Mark::Command(name));
    }
    let emoji = inner.strip_prefix('a').unwrap_or(inner).strip_prefix(':')?;
    let (name, id) = emoji.split_once(':')?;
    let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    (is_name && is_id(id)).then_some(Mark::Emoji(name))
}

fn is_id(text: &str) -> bool {
    text.parse::<UserId>().is_ok()
}

/// Where backticks stand: runs of them open and close code, as Discord reads it.
struct Ticks {
    /// Starts of runs by their length.
    by_length: HashMap<usize, Vec<usize>>,
    /// Starts of runs that are long enough for a block.
    fences: Vec<usize>,
}

impl Ticks {
    fn of(text: &str) -> Self {
        let mut ticks = Self {
            by_length: HashMap::new(),
            fences: Vec::new(),
        };
        let mut at = 0;
        while let Some(skip) = text[at..].find('`') {
            let length = run(&text[at + skip..]);
            ticks.by_length.entry(length).or_default().push(at + skip);
            if length >= FENCE_LENGTH {
                ticks.fences.push(at + skip);
            }
            at += skip + length;
        }
        ticks
    }

    /// The end of the code that the backticks at `at` open; of the backticks alone when they open none.
    fn end(&self, text: &str, at: usize) -> usize {
        let length = run(&text[at..]);
        let behind = at + length;
        if length >= FENCE_LENGTH
            && let Some(fence) = first_from(&self.fences, behind)
        {
            return fence + FENCE_LENGTH;
        }
        // A longer run may open with fewer of its backticks, closed by a run of exactly as many.
        let closing = (1..=length).rev().find_map(|length| {
            let start = first_from(self.by_length.get(&length)?, behind)?;
            Some(start + length)
        });
        closing.unwrap_or(behind)
    }
}

fn run(text: &str) -> usize {
    text.bytes().take_while(|byte| *byte == b'`').count()
}

/// The first of these ascending places that is not before `at`.
fn first_from(places: &[usize], at: usize) -> Option<usize> {
    places
        .get(places.partition_point(|place| *place < at))
        .copied()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn names() -> Names {
        Names {
            channels: [(ChannelId::new(1).unwrap(), "signals".to_owned())].into(),
            roles: [(RoleId::new(2).unwrap(), "Traders <VIP>\n".to_owned())].into(),
            users: [
                (UserId::new(3).unwrap(), "bob".to_owned()),
                (UserId::new(4).unwrap(), " \n".to_owned()),
            ]
            .into(),
        }
    }

    #[test]
    fn markup_reads_as_names() {
        let table = [
            ("no markup at all", "no markup at all"),
            (
                "<@3> and <@!3>, <@&2>, <#1>",
                "@bob and @bob, @Traders ‹VIP›, #signals",
            ),
            (
                "<@9> <@4> <@&9> <#9>",
                "@unknown-user @unknown-user @unknown-role #unknown-channel",
            ),
            ("<:moon:77><a:wave:78>", ":moon::wave:"),
            ("</play loud:5>", "/play loud"),
            (
                "<id:customize> <id:browse> <id:guide> <id:linked-roles:5> <id:new>",
                "Channels & Roles Browse Channels Server Guide Linked Roles new",
            ),
            ("<t:1618953630:R> <t:1>", "<t:1618953630:R> <t:1>"),
            ("@everyone @here", "@everyone @here"),
            // No markup, whatever it looks like.
            (
                "<@> <@x> <#> <:a> <:a:> <::5> <a:b:c> </:5> </x> a < b > <@3",
                "<@> <@x> <#> <:a> <:a:> <::5> <a:b:c> </:5> </x> a < b > <@3",
            ),
            ("<<@3>>", "<@bob>"),
            ("<https://example.org/<@3>>", "<https://example.org/@bob>"),
        ];
        for (text, expected) in table {
            assert_eq!(plain(text, &names()), expected, "{text}");
        }
    }

    #[test]
    fn code_and_what_is_escaped_stay_as_they_are() {
        let table = [
            ("`<@3>` <@3>", "`<@3>` @bob"),
            ("``a ` <@3>`` <@3>", "``a ` <@3>`` @bob"),
            ("```\n<@3>\n``` <@3>", "```\n<@3>\n``` @bob"),
            ("```<@3> ` <@3>``` <@3> `", "```<@3> ` <@3>``` @bob `"),
            // Backticks without a partner are text.
            ("` <@3>", "` @bob"),
            ("``` <@3>", "``` @bob"),
            ("``<@3>`", "``<@3>`"),
            ("`<@3>``", "`@bob``"),
            // A backtick that is escaped opens nothing, and an escape in code closes nothing.
            ("\\`<@3>`", "\\`@bob`"),
            ("\\``<@3>`", "\\``<@3>`"),
            ("`\\`<@3>", "`\\`@bob"),
            ("\\<@3> \\\\<@3> \\a<@3>", "\\<@3> \\\\@bob \\a@bob"),
            ("\\é<@3> \\", "\\é@bob \\"),
        ];
        for (text, expected) in table {
            assert_eq!(plain(text, &names()), expected, "{text}");
        }
    }

    #[test]
    fn mentions_leave_without_a_trace() {
        let table = [
            ("<@3> BUY", "BUY"),
            ("BUY <@&2> now", "BUY now"),
            ("BUY <@3>\n@everyone\nnow @here", "BUY\n\nnow"),
            ("<@3><@&2>", ""),
            ("see <#1> <:moon:7>, `<@3>`", "see #signals :moon:, `<@3>`"),
            ("a@everyone", "a"),
            ("bob@example.org <t:5>", "bob@example.org <t:5>"),
        ];
        for (text, expected) in table {
            assert_eq!(without_mentions(text, &names()), expected, "{text}");
            assert_eq!(
                has_mentions(text),
                text.contains("<@3>") && !text.contains("`<@3>`")
                    || text.contains("<@&2>")
                    || text.contains("@everyone"),
                "{text}"
            );
        }
    }

    #[test]
    fn the_longest_texts_of_nothing_but_marks_are_read_once() {
        for unit in [
            "<@3>",
            "<@",
            "`",
            "` `` ",
            "\\`",
            "```a",
            "<:a:",
            "@everyone",
        ] {
            let text = unit.repeat(65_536 / unit.len());
            let read = plain(&text, &names());
            assert_eq!(read.contains("@bob"), unit == "<@3>", "{unit}");
        }
    }

    proptest! {
        #[test]
        fn any_text_loses_its_foreign_markup_outside_of_code_and_nothing_else(words in prop::collection::vec(
            prop_oneof![Just("<@3>".to_owned()), Just("<@&9>".to_owned()), Just("<#1>".to_owned()), Just(" ".to_owned()), "[a-zé<>@#:\\\\]{0,6}"], 0..40,
        )) {
            let text = words.concat();
            let read = plain(&text, &names());
            if !text.contains('\\') {
                for mark in ["<@3>", "<@&9>", "<#1>"] {
                    prop_assert!(!read.contains(mark), "{mark} in {read}");
                }
            }
            if !text.contains("<") {
                prop_assert_eq!(&*read, &*text);
            }
        }
    }
}
