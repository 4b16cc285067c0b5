//! Invented prices of real instruments: levels that drift, and trades with entry, stop and three targets on the tick
//! grid. Owns the arithmetic in whole price units; knows nothing of messages.

use crate::dice::Dice;
use crate::guilds::Desk;

/// An instrument; prices are whole numbers of its last decimal.
struct Instrument {
    symbol: &'static str,
    desk: Desk,
    decimals: u32,
    tick: i64,
    opening_level: i64,
    risk_ticks: (i64, i64),
}

const fn instrument(
    symbol: &'static str,
    desk: Desk,
    decimals: u32,
    tick: i64,
    opening_level: i64,
    risk_ticks: (i64, i64),
) -> Instrument {
    Instrument {
        symbol,
        desk,
        decimals,
        tick,
        opening_level,
        risk_ticks,
    }
}

const INSTRUMENTS: [Instrument; 17] = [
    instrument("ES", Desk::Futures, 2, 25, 612_500, (16, 36)),
    instrument("NQ", Desk::Futures, 2, 25, 2_214_050, (60, 160)),
    instrument("CL", Desk::Futures, 2, 1, 6_842, (18, 45)),
    instrument("GC", Desk::Futures, 1, 1, 33_480, (30, 80)),
    instrument("EURUSD", Desk::Fx, 5, 1, 114_320, (150, 320)),
    instrument("GBPUSD", Desk::Fx, 5, 1, 134_510, (180, 380)),
    instrument("USDJPY", Desk::Fx, 3, 1, 147_230, (180, 400)),
    instrument("AUDUSD", Desk::Fx, 5, 1, 65_210, (120, 260)),
    instrument("BTCUSDT", Desk::Crypto, 1, 5, 1_084_250, (600, 1_600)),
    instrument("ETHUSDT", Desk::Crypto, 2, 1, 256_240, (1_200, 3_200)),
    instrument("SOLUSDT", Desk::Crypto, 2, 1, 15_284, (90, 240)),
    instrument("NVDA", Desk::Equities, 2, 1, 15_480, (90, 210)),
    instrument("AAPL", Desk::Equities, 2, 1, 20_955, (80, 190)),
    instrument("TSLA", Desk::Equities, 2, 1, 31_840, (250, 600)),
    instrument("AMD", Desk::Equities, 2, 1, 13_790, (90, 220)),
    instrument("DXY", Desk::Macro, 2, 1, 9_742, (15, 40)),
    instrument("VIX", Desk::Macro, 2, 1, 1_665, (40, 90)),
];

/// A trade idea with its levels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trade {
    /// Whose instrument it is, which may be another desk than the one that trades it.
    pub(crate) desk: Desk,
    pub(crate) symbol: &'static str,
    pub(crate) decimals: u32,
    pub(crate) entry: i64,
    pub(crate) stop: i64,
    pub(crate) targets: [i64; 3],
}

impl Trade {
    pub(crate) fn is_long(&self) -> bool {
        self.stop < self.entry
    }

    /// `LONG` or `SHORT`.
    pub(crate) fn side(&self) -> &'static str {
        if self.is_long() { "LONG" } else { "SHORT" }
    }

    pub(crate) fn price(&self, level: i64) -> String {
        format_price(level, self.decimals)
    }

    /// What target `n` (0 to 2) pays, in units of the risk, as text: `1.8R`.
    pub(crate) fn reward(&self, n: usize) -> String {
        let risk = self.entry.abs_diff(self.stop).max(1);
        let tenths = self.targets[n].abs_diff(self.entry) * 10 / risk;
        format!("{}.{}R", tenths / 10, tenths % 10)
    }
}

/// A price in whole units of its last decimal, as text.
pub(crate) fn format_price(level: i64, decimals: u32) -> String {
    let unit = 10_u64.pow(decimals);
    let sign = if level < 0 { "-" } else { "" };
    let level = level.unsigned_abs();
    if decimals == 0 {
        return format!("{sign}{level}");
    }
    let width = usize::try_from(decimals).unwrap_or(0);
    format!("{sign}{}.{:0width$}", level / unit, level % unit)
}

/// Where every instrument trades now.
#[derive(Debug, Clone)]
pub(crate) struct Market {
    levels: [i64; INSTRUMENTS.len()],
}

impl Market {
    pub(crate) fn new() -> Self {
        Self {
            levels: INSTRUMENTS.map(|instrument| instrument.opening_level),
        }
    }

    /// A new trade of the desk; the macro desk trades everything. Its instrument drifts a little first.
    pub(crate) fn trade(&mut self, dice: &mut Dice, desk: Desk) -> Trade {
        let choices: Vec<usize> = (0..INSTRUMENTS.len())
            .filter(|&n| desk == Desk::Macro || INSTRUMENTS[n].desk == desk)
            .collect();
        let chosen = dice.pick(&choices);
        let instrument = &INSTRUMENTS[chosen];
        let risk_ticks = dice.between(instrument.risk_ticks.0, instrument.risk_ticks.1);
        self.drift(dice, chosen);

        let entry = self.levels[chosen];
        let direction = if dice.chance(55) { 1 } else { -1 };
        let mut reach_tenths = 0;
        let targets = [(9, 12), (8, 12), (9, 16)].map(|(low, high)| {
            reach_tenths += dice.between(low, high);
            entry + direction * (risk_ticks * reach_tenths / 10) * instrument.tick
        });
        Trade {
            desk: instrument.desk,
            symbol: instrument.symbol,
            decimals: instrument.decimals,
            entry,
            stop: entry - direction * risk_ticks * instrument.tick,
            targets,
        }
    }

    /// One line per instrument with its level and a range around it, for a research note.
    pub(crate) fn table(&mut self, dice: &mut Dice) -> Vec<[String; 4]> {
        (0..INSTRUMENTS.len())
            .map(|n| {
                self.drift(dice, n);
                let Instrument {
                    symbol,
                    decimals,
                    tick,
                    risk_ticks,
                    ..
                } = &INSTRUMENTS[n];
                let half_range = dice.between(risk_ticks.0, risk_ticks.1) * 2 * tick;
                let at = |level| format_price(level, *decimals);
                let level = self.levels[n];
                [
                    (*symbol).to_owned(),
                    at(level),
                    at(level - half_range),
                    at(level + half_range),
                ]
            })
            .collect()
    }

    /// Moves by less than one risk, and back towards the opening level when it went more than a tenth away, so that a
    /// demo that runs for weeks still shows sane prices.
    fn drift(&mut self, dice: &mut Dice, n: usize) {
        let instrument = &INSTRUMENTS[n];
        let reach = instrument.risk_ticks.1;
        let away = self.levels[n] - instrument.opening_level;
        let pull = if away.abs() * 10 > instrument.opening_level {
            -away.signum() * reach / 2
        } else {
            0
        };
        self.levels[n] += (dice.between(-reach / 2, reach / 2) + pull) * instrument.tick;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_shows_its_decimals() {
        for (level, decimals, text) in [
            (612_525, 2, "6125.25"),
            (114_305, 5, "1.14305"),
            (9, 2, "0.09"),
            (-1_205, 2, "-12.05"),
            (42, 0, "42"),
        ] {
            assert_eq!(format_price(level, decimals), text);
        }
    }

    #[test]
    fn stop_entry_and_targets_are_in_order_on_the_tick_grid_for_a_long_day() {
        let (mut market, mut dice) = (Market::new(), Dice::new(11));
        for _ in 0..20_000 {
            let trade = market.trade(&mut dice, Desk::Macro);
            let path = [
                trade.stop,
                trade.entry,
                trade.targets[0],
                trade.targets[1],
                trade.targets[2],
            ];
            let ordered = if trade.is_long() {
                path.is_sorted_by(|a, b| a < b)
            } else {
                path.is_sorted_by(|a, b| a > b)
            };
            assert!(ordered, "{trade:?}");
            let instrument = INSTRUMENTS
                .iter()
                .find(|known| known.symbol == trade.symbol)
                .expect("known symbol");
            let grid = instrument.opening_level.rem_euclid(instrument.tick);
            assert!(
                path.iter()
                    .all(|level| level.rem_euclid(instrument.tick) == grid),
                "{trade:?}"
            );
            assert!(
                trade.stop.min(trade.targets[2]) > instrument.opening_level / 2,
                "{trade:?}"
            );
        }
    }
}
