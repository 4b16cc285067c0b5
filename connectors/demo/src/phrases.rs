//! What desks say besides numbers. Words only; `prose` puts them together.

use crate::guilds::Desk;

/// Why a trade is taken.
pub(crate) fn reasons(desk: Desk) -> &'static [&'static str] {
    match desk {
        Desk::Futures => &[
            "Failed auction above the overnight high, delta divergence on the 1m.",
            "Back inside value, looking for the rotation to the other side.",
            "Opening range break with breadth confirming.",
            "Third test of VWAP, sellers are thinning out on the ladder.",
        ],
        Desk::Fx => &[
            "Retest of the London high failed, Asia range below is the magnet.",
            "Two-year spread moved first, spot has to follow.",
            "Month-end fixing flow should be done by 16:00 London.",
            "Daily trendline and the 61.8 % retracement meet here.",
        ],
        Desk::Crypto => &[
            "Funding flipped negative while spot is bid, shorts are paying.",
            "Liquidity sweep below the weekly low, reclaimed within one candle.",
            "Open interest is down 8 % into support: leverage is washed out.",
            "Basis back to normal, spot leads perps for the first time this week.",
        ],
        Desk::Equities => &[
            "Gap held above yesterday's close, relative strength against the sector.",
            "Earnings drift: second day above the anchored VWAP.",
            "Large call sweeps in the front month, dealers are short gamma here.",
            "Inside day on declining volume, taking the break.",
        ],
        Desk::Macro => &[
            "Term premium is rebuilding faster than the curve prices.",
            "Positioning is one-sided into the print.",
            "Real yields and the dollar disagree; one of them is wrong.",
        ],
    }
}

/// Short lines between signals.
pub(crate) fn chatter(desk: Desk) -> &'static [&'static str] {
    match desk {
        Desk::Futures => &[
            "Flat into the number. No new risk until 5 minutes after.",
            "Stops to breakeven on everything still open.",
            "10:30 inventories next, CL will be jumpy.",
            "Tape is slow, size down by half.",
            "TICK +1100, breadth 4:1. Do not fade this.",
        ],
        Desk::Fx => &[
            "ECB speakers from 14:00, keep stops wide or stay out.",
            "Expiries at 1.1400 (1.2bn) and 1.1450 (900m) for the New York cut.",
            "Tokyo fix done, ranges should hold until London.",
            "Spreads are wide, wait for liquidity.",
        ],
        Desk::Crypto => &[
            "Weekend liquidity: half size, limit orders only.",
            "$180m longs liquidated in the last hour.",
            "Moving the rest of the position to spot.",
            "Funding in 12 minutes.",
            "Nothing to do here. Patience.",
        ],
        Desk::Equities => &[
            "Halted on volatility, orders stay in.",
            "Watching the 10-day for a second entry.",
            "No overnight holds today, earnings after the bell.",
            "Taking half off into the close.",
        ],
        Desk::Macro => &[
            "CPI 0.2 % m/m, core 0.2 %. In line, first reaction is noise.",
            "Auction tailed by 1.1bp, weak indirect bid.",
            "Claims 231k, prior revised up.",
            "Note on the curve comes this afternoon.",
        ],
    }
}

/// Text that breaks programs which think a character is a byte, a code point or a letter from left to right.
pub(crate) const WORLD: &[&str] = &[
    "日経平均先物 ▲ 39,850 でロング、損切り 39,620。目標 40,300 🎯",
    "الذهب: شراء 3348 وقف 3339 هدف 3366 ✅",
    "Zürich öffnet fester: SMI +0,6 % – „Kaufen bei Schwäche“ 🇨🇭",
    "Нефть: шорт 68.42, стоп 68.80, цель 67.55 📉",
    "👩🏽‍💻🧑‍🚀 team on it, 🏴󠁧󠁢󠁥󠁮󠁧󠁿 data at 07:00 … e\u{301} ≠ é, ½ size, ∆ −0.35, ₿ → 🚀🚀",
    "크립토 데스크: 비트코인 롱 유지, 손절 본전 <:helio_bull:1072457382657131294>",
    "कच्चा तेल: खरीद 6842, स्टॉप 6810 🙏 <a:helio_bell:1072457382657131294>",
];

/// Answers under a signal.
pub(crate) const REPLIES: &[&str] = &[
    "Filled. Same stop for everyone.",
    "Missed the fill, not chasing. Next level only.",
    "Half is off, rest runs with the stop at entry.",
    "Valid until the close, then cancelled.",
    "Correct, risk is 0.5R because of the print.",
];

/// Sections of a research note: headline and text.
pub(crate) const NOTE_SECTIONS: &[(&str, &str)] = &[
    (
        "Rates",
        "The front end has priced two cuts and stopped listening. What matters from here is supply: three auctions, \
         a refunding statement and a balance sheet that still shrinks. We stay in steepeners, financed by carry in the \
         belly, and add only when the 5y5y trades above its autumn range.",
    ),
    (
        "Dollar",
        "Hedging, not selling: foreign holders keep the assets and sell the currency. That is slow, it does not show in \
         spot for weeks and then shows all at once. Rallies into the monthly open are for selling until the cost of \
         hedging rises again.",
    ),
    (
        "Equities",
        "Breadth improved while the leaders rested, the best version of sideways. Dealers are long gamma above the \
         round number and short below it, so the range is calm on one side and not on the other. Keep size small under \
         the pivot.",
    ),
    (
        "Energy",
        "Spreads lead flat price again. Inventories at the delivery point are at the low end of five years and the \
         curve has noticed; headlines have not. We buy dips in the front spread and leave outright length to others.",
    ),
    (
        "Crypto",
        "Spot demand from funds is steady and leverage is not. The basis is back to single digits, which historically is \
         where corrections end, not where they start. Majors over everything else, options over perps.",
    ),
];
