//! Candlestick charts as SVG text. A chart is fully told by its name, so the same name draws the same picture for ever
//! and an address in yesterday's database still works. Knows nothing of HTTP.

use std::fmt::Write as _;

use crate::dice::Dice;
use crate::market::format_price;

const WIDTH: i64 = 640;
const HEIGHT: i64 = 360;
const MARGIN_TOP: i64 = 40;
const MARGIN_BOTTOM: i64 = 24;
const LABELS_WIDTH: i64 = 96;
const CANDLES: i64 = 48;
const LEVEL_MAX: i64 = 1_000_000_000_000;
const SYMBOL_CHARS_MAX: usize = 12;
const DECIMALS_MAX: u32 = 8;
const TIMEFRAMES: [&str; 4] = ["5m", "15m", "1h", "4h"];

/// One chart: an instrument with the levels of a trade.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chart {
    /// Chooses the candles; the id of the message that shows the chart.
    pub seed: u64,
    /// Ticker, letters and digits only.
    pub symbol: String,
    /// One of `5m`, `15m`, `1h`, `4h`.
    pub timeframe: String,
    /// Decimals of the prices below.
    pub decimals: u32,
    /// Entry, in units of the last decimal.
    pub entry: i64,
    /// Stop, in the same unit.
    pub stop: i64,
    /// Target, in the same unit.
    pub target: i64,
}

impl Chart {
    /// The timeframe a seed gets.
    pub(crate) fn timeframe(dice: &mut Dice) -> String {
        dice.pick(&TIMEFRAMES).to_owned()
    }

    /// The name that [`Chart::parse`] reads back.
    #[must_use]
    pub fn name(&self) -> String {
        let Self {
            seed,
            symbol,
            timeframe,
            decimals,
            entry,
            stop,
            target,
        } = self;
        format!("{seed}-{symbol}-{timeframe}-{decimals}-{entry}-{stop}-{target}")
    }

    /// The chart of a name; `None` when it is not one of ours. Nothing in an accepted name needs escaping.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let parts: Vec<&str> = name.split('-').collect();
        let [seed, symbol, timeframe, decimals, entry, stop, target] = parts[..] else {
            return None;
        };
        let level = |text: &str| {
            text.parse()
                .ok()
                .filter(|level| (1..LEVEL_MAX).contains(level))
        };
        let chart = Self {
            seed: seed.parse().ok()?,
            symbol: symbol.to_owned(),
            timeframe: timeframe.to_owned(),
            decimals: decimals
                .parse()
                .ok()
                .filter(|&decimals| decimals <= DECIMALS_MAX)?,
            entry: level(entry)?,
            stop: level(stop)?,
            target: level(target)?,
        };
        let symbol_fits = (1..=SYMBOL_CHARS_MAX).contains(&symbol.len())
            && symbol
                .bytes()
                .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
        (symbol_fits && TIMEFRAMES.contains(&timeframe)).then_some(chart)
    }

    /// Its address under the base address of a chart listener.
    #[must_use]
    pub fn url(&self, base_url: &str) -> String {
        format!("{base_url}/charts/{}.svg", self.name())
    }

    /// The picture.
    #[must_use]
    pub fn svg(&self) -> String {
        let candles = self.candles();
        let levels = [self.entry, self.stop, self.target];
        let low = candles
            .iter()
            .map(|candle| candle.low)
            .chain(levels)
            .min()
            .unwrap_or(0);
        let high = candles
            .iter()
            .map(|candle| candle.high)
            .chain(levels)
            .max()
            .unwrap_or(1);
        let span = (high - low).max(1);
        let y =
            |level: i64| MARGIN_TOP + (high - level) * (HEIGHT - MARGIN_TOP - MARGIN_BOTTOM) / span;

        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" \
             height=\"{HEIGHT}\" font-family=\"ui-monospace,monospace\" font-size=\"12\">\
             <title>{symbol} {timeframe}</title><rect width=\"100%\" height=\"100%\" fill=\"#0f172a\"/>\
             <text x=\"16\" y=\"26\" fill=\"#e2e8f0\" font-size=\"16\">{symbol} · {timeframe}</text>",
            symbol = self.symbol,
            timeframe = self.timeframe,
        );
        let plot_right = WIDTH - LABELS_WIDTH;
        let step = (plot_right - 16) / CANDLES;
        for (n, candle) in (0..).zip(&candles) {
            let x = 16 + n * step;
            let colour = if candle.close >= candle.open {
                "#22c55e"
            } else {
                "#ef4444"
            };
            let (top, bottom) = (
                y(candle.open.max(candle.close)),
                y(candle.open.min(candle.close)),
            );
            // Writing to a String cannot fail.
            let _ = write!(
                svg,
                "<path d=\"M{middle} {}V{}\" stroke=\"{colour}\"/><rect x=\"{x}\" y=\"{top}\" width=\"{}\" \
                 height=\"{}\" fill=\"{colour}\"/>",
                y(candle.high),
                y(candle.low),
                step - 3,
                (bottom - top).max(1),
                middle = x + (step - 3) / 2,
            );
        }
        for (label, level, colour) in [
            ("IN", self.entry, "#38bdf8"),
            ("SL", self.stop, "#f87171"),
            ("TP", self.target, "#4ade80"),
        ] {
            let _ = write!(
                svg,
                "<path d=\"M16 {at}H{plot_right}\" stroke=\"{colour}\" stroke-dasharray=\"5 4\"/>\
                 <text x=\"{}\" y=\"{}\" fill=\"{colour}\">{label} {}</text>",
                plot_right + 4,
                y(level) + 4,
                format_price(level, self.decimals),
                at = y(level),
            );
        }
        svg.push_str("</svg>");
        svg
    }

    /// A walk that ends at the entry, drawn from the end backwards.
    fn candles(&self) -> Vec<Candle> {
        let mut dice = Dice::new(self.seed);
        let unit = (self.entry - self.stop).abs().max(4);
        let mut close = self.entry;
        let mut candles: Vec<Candle> = (0..CANDLES)
            .map(|_| {
                let open = close + dice.between(-unit * 2 / 5, unit * 2 / 5);
                let candle = Candle {
                    open,
                    close,
                    high: open.max(close) + dice.between(0, unit / 4),
                    low: open.min(close) - dice.between(0, unit / 4),
                };
                close = open;
                candle
            })
            .collect();
        candles.reverse();
        candles
    }
}

struct Candle {
    open: i64,
    close: i64,
    high: i64,
    low: i64,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const NAME: &str = "1400000000000000001-ES-15m-2-612525-611725-613325";

    #[test]
    fn a_name_tells_the_whole_chart() {
        let chart = Chart::parse(NAME).unwrap();
        assert_eq!(chart.name(), NAME);
        let svg = chart.svg();
        assert_eq!(svg, Chart::parse(NAME).unwrap().svg());
        for part in ["ES · 15m", "IN 6125.25", "SL 6117.25", "TP 6133.25"] {
            assert!(svg.contains(part), "{part}");
        }
        assert_eq!(svg.matches("<rect").count(), 1 + 48);
        assert_ne!(svg, Chart { seed: 2, ..chart }.svg());
    }

    #[test]
    fn everything_is_drawn_inside_the_picture() {
        for seed in 0..200 {
            let svg = Chart {
                seed,
                ..Chart::parse(NAME).unwrap()
            }
            .svg();
            for y in svg
                .split(" y=\"")
                .skip(1)
                .map(|rest| rest.split('"').next().unwrap().parse::<i64>().unwrap())
            {
                assert!((0..=HEIGHT).contains(&y), "seed {seed}: {y}");
            }
        }
    }

    #[test]
    fn other_names_are_refused() {
        for name in [
            "",
            "1-ES-15m-2-1-2",
            "1-ES-15m-2-1-2-3-4",
            "x-ES-15m-2-1-2-3",
            "1-<b>-15m-2-1-2-3",
            "1-ES-7m-2-1-2-3",
            "1-ES-15m-9-1-2-3",
            "1-ES-15m-2-0-2-3",
            "1-ES-15m-2-1000000000000-2-3",
            "1-ABCDEFGHIJKLM-15m-2-1-2-3",
        ] {
            assert_eq!(Chart::parse(name), None, "{name}");
        }
    }
}
