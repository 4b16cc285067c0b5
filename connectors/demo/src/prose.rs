//! Puts words and numbers together into the text of messages, in both forms of the contract: raw with mention markup
//! and clean with names. Owns wording; decides nothing about when something is said.

use crate::dice::Dice;
use crate::guilds::{Author, Desk, Role};
use crate::market::{Market, Trade};
use crate::phrases;

/// A text in both forms, with whom it mentions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Text {
    pub(crate) raw: String,
    pub(crate) clean: String,
    pub(crate) role_ids: Vec<String>,
    pub(crate) user_ids: Vec<String>,
}

impl Text {
    pub(crate) fn new(words: &str) -> Self {
        Self::default().say(words)
    }

    pub(crate) fn say(mut self, words: &str) -> Self {
        self.raw.push_str(words);
        self.clean.push_str(words);
        self
    }

    fn role(mut self, role: Role) -> Self {
        self.raw.push_str(&format!("<@&{}>", role.id));
        self.clean.push_str(&format!("@{}", role.name));
        self.role_ids.push(role.id.to_owned());
        self
    }

    fn user(mut self, user: Author) -> Self {
        self.raw.push_str(&format!("<@{}>", user.id));
        self.clean.push_str(&format!("@{}", user.global_name));
        self.user_ids.push(user.id.to_owned());
        self
    }
}

/// A trade as plain text, in one of three manners.
pub(crate) fn call(dice: &mut Dice, desk: Desk, trade: &Trade) -> Text {
    let reason = dice.pick(phrases::reasons(trade.desk));
    let arrow = if trade.is_long() { "🟢" } else { "🔴" };
    let (side, symbol, entry, stop) = (
        trade.side(),
        trade.symbol,
        trade.price(trade.entry),
        trade.price(trade.stop),
    );
    let [first, second, third] = trade.targets.map(|target| trade.price(target));
    match dice.index(3) {
        0 => Text::default().role(desk.role()).say(&format!(
            " {arrow} **{side} {symbol}** @ {entry}\n🎯 TP1 {first} · TP2 {second} · TP3 {third}\n🛑 SL {stop}\n_{reason}_"
        )),
        1 => Text::new(&format!("{side} {symbol} now {entry}, stop {stop}, targets {first} / {second}. {reason}")),
        _ => Text::new("").role(desk.role()).say(&format!(
            "\n```\n{symbol:<8} {side}\nentry    {entry:>12}\nstop     {stop:>12}\ntarget 1 {first:>12}\ntarget 2 {second:>12}\n```"
        )),
    }
}

/// What an edit adds when target `n` (0 to 2) is reached.
pub(crate) fn target_hit(trade: &Trade, n: usize) -> String {
    let (price, reward) = (trade.price(trade.targets[n]), trade.reward(n));
    match n {
        0 => format!("\n✅ **TP1 hit** {price} (+{reward}), stop to entry"),
        1 => format!("\n✅ **TP2 hit** {price} (+{reward}), half off"),
        _ => format!("\n🏁 **TP3 hit** {price} (+{reward}), closed"),
    }
}

/// What an edit adds when the stop is reached.
pub(crate) fn stopped(trade: &Trade) -> String {
    format!("\n❌ **stopped** {} (-1.0R)", trade.price(trade.stop))
}

/// A short line between signals, sometimes in another script.
pub(crate) fn chatter(dice: &mut Dice, desk: Desk) -> Text {
    Text::new(dice.pick(phrases::chatter(desk)))
}

/// A line that is hard to count, cut and draw.
pub(crate) fn world(dice: &mut Dice) -> Text {
    Text::new(dice.pick(phrases::WORLD))
}

/// An answer to what somebody said: the contract has no word for a reply, so it quotes.
pub(crate) fn reply(dice: &mut Dice, to: Author, quoted: &str) -> Text {
    let first_line = quoted.lines().next().unwrap_or_default();
    Text::new(&format!("> {first_line}\n"))
        .user(to)
        .say(" ")
        .say(dice.pick(phrases::REPLIES))
}

/// A research note of 2,001 to 4,000 characters: several sections and a table in a code fence that is itself long
/// enough to lie across the place where a message must be split.
pub(crate) fn note(dice: &mut Dice, market: &mut Market, desk: Desk) -> Text {
    let mut sections: Vec<_> = phrases::NOTE_SECTIONS.to_vec();
    dice.shuffle(&mut sections);
    let table_after = dice.index(sections.len());
    let mut body = String::from("# Morning note 📰\n");
    for (n, (headline, words)) in sections.into_iter().enumerate() {
        body.push_str(&format!("\n## {headline}\n{words}\n"));
        if n == table_after {
            body.push_str("\n```text\nmarket         last     support  resistance\n");
            for [symbol, last, support, resistance] in market.table(dice) {
                body.push_str(&format!(
                    "{symbol:<8} {last:>10} {support:>11} {resistance:>11}\n"
                ));
            }
            body.push_str("```\n");
        }
    }
    body.push_str("\n```rust\nlet risk = account * 0.005; // never more on one idea\nlet size = risk / (entry - stop).abs();\n```");
    Text::default().role(desk.role()).say("\n").say(&body)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Discord refuses longer messages even from paying accounts.
    const CONTENT_CHARS_MAX: usize = 4_000;

    #[test]
    fn a_note_is_longer_than_one_message_and_shorter_than_discord_allows() {
        let mut dice = Dice::new(5);
        let mut market = Market::new();
        let mut fence_across_the_split = 0;
        for _ in 0..200 {
            let note = note(&mut dice, &mut market, Desk::Macro);
            let count = note.raw.chars().count();
            assert!((2_001..=CONTENT_CHARS_MAX).contains(&count), "{count}");
            assert_eq!(note.raw.matches("```").count() % 2, 0);
            let first_part: String = note.raw.chars().take(2_000).collect();
            fence_across_the_split += first_part.matches("```").count() % 2;
        }
        assert!(fence_across_the_split > 10, "{fence_across_the_split}");
    }

    #[test]
    fn raw_carries_markup_and_clean_carries_names() {
        let to = Desk::Fx.author();
        let reply = reply(&mut Dice::new(1), to, "LONG EURUSD\nsecond line");
        assert!(
            reply
                .raw
                .starts_with(&format!("> LONG EURUSD\n<@{}> ", to.id))
        );
        assert!(reply.clean.starts_with("> LONG EURUSD\n@FX Desk "));
        assert_eq!(reply.user_ids, [to.id]);
    }
}
