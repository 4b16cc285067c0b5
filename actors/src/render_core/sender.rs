//! Names under which a webhook may post. Discord refuses a name with `discord` or `clyde` in it, the names `everyone` and `here`,
//! and the signs `@`, `#`, `:` and three backticks (documented: Webhook Resource, Usernames and Nicknames); here each becomes
//! something that reads alike and is taken.

/// Characters of a webhook's name.
pub(super) const NAME_CHARS_MAX: usize = 80;
const UNKNOWN: &str = "unknown-user";
const REFUSED_INSIDE: [&str; 2] = ["discord", "clyde"];
const REFUSED_ALONE: [&str; 2] = ["everyone", "here"];
/// Breaks a word that is refused, and is seen: what is invisible may be taken out before the name is judged.
const BREAK: char = '·';

/// A name that is taken, from any.
pub(super) fn name(author: &str) -> String {
    let mut name = String::new();
    for c in author.chars().filter(|c| !is_invisible(*c)) {
        match c {
            '@' => name.push('＠'),
            '#' => name.push('＃'),
            ':' => name.push('：'),
            '`' => name.push('\''),
            // One space is kept of many, none at the beginning.
            c if c.is_whitespace() => {
                if !name.is_empty() && !name.ends_with(' ') {
                    name.push(' ');
                }
            }
            c => name.push(c),
        }
    }
    let alone = REFUSED_ALONE
        .iter()
        .any(|word| name.trim().eq_ignore_ascii_case(word));
    if alone {
        name.insert(1, BREAK);
    }
    for word in REFUSED_INSIDE {
        while let Some(at) = name.to_ascii_lowercase().find(word) {
            name.insert(at + 1, BREAK);
        }
    }
    let cut: String = name.chars().take(NAME_CHARS_MAX).collect();
    let name = cut.trim();
    if name.is_empty() {
        UNKNOWN.to_owned()
    } else {
        name.to_owned()
    }
}

/// Controls, and signs of no width: a word that is refused could hide behind them.
fn is_invisible(c: char) -> bool {
    (c.is_control() && !c.is_whitespace())
        || matches!(c, '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}'..='\u{1160}' | '\u{17B4}'..='\u{17B5}' | '\u{180B}'..='\u{180F}'
            | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}'
            | '\u{FEFF}' | '\u{FFA0}' | '\u{E0000}'..='\u{E0FFF}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_that_are_refused_become_names_that_read_alike() {
        let table = [
            ("Bob", "Bob"),
            ("  Bob \n Smith ", "Bob Smith"),
            ("Discord Bob", "D·iscord Bob"),
            ("CLYDE", "C·LYDE"),
            ("dis\u{200B}cord", "d·iscord"),
            ("discordiscord", "d·iscord·iscord"),
            ("Everyone", "E·veryone"),
            ("here ", "h·ere"),
            ("adherent", "adherent"),
            ("@a#b:c```d", "＠a＃b：c'''d"),
            ("", "unknown-user"),
            ("\u{200B} \u{202E}", "unknown-user"),
            ("é🚀", "é🚀"),
        ];
        for (author, expected) in table {
            assert_eq!(name(author), expected, "{author:?}");
        }
    }

    proptest! {
        #[test]
        fn any_name_is_taken(author in prop_oneof![".{0,120}", "(dis|cord|\u{200B}|cl|yde| |@){0,40}"]) {
            let name = name(&author);
            let chars = name.chars().count();
            prop_assert!((1..=NAME_CHARS_MAX).contains(&chars));
            let small = name.to_ascii_lowercase();
            prop_assert!(!REFUSED_INSIDE.iter().any(|word| small.contains(word)), "{}", name);
            prop_assert!(!REFUSED_ALONE.contains(&small.as_str()), "{}", name);
            prop_assert!(!name.contains(['@', '#', ':', '`']) && name.trim() == name, "{}", name);
        }
    }
}
