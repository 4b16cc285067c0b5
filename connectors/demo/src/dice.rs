//! A small seeded generator (SplitMix64). It is our own because a seed must play the same day for ever, and
//! general-purpose generators promise that only within one release. Not for secrets.

/// A reproducible stream of choices.
#[derive(Debug, Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A whole number in `low..=high`; `low` when the range is empty.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        let span = high.abs_diff(low).saturating_add(1);
        if high <= low {
            return low;
        }
        low.saturating_add_unsigned(self.roll() % span)
    }

    /// A whole number in `low..=high`, for durations in milliseconds.
    pub(crate) fn millis(&mut self, low: u64, high: u64) -> u64 {
        low + self.roll() % (high.saturating_sub(low) + 1)
    }

    /// An index below `len`; 0 when `len` is 0.
    pub(crate) fn index(&mut self, len: usize) -> usize {
        let len = u64::try_from(len).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.roll() % len).unwrap_or(0)
    }

    pub(crate) fn chance(&mut self, percent: u64) -> bool {
        self.roll() % 100 < percent
    }

    /// One of `choices`, which must not be empty.
    pub(crate) fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.index(choices.len())]
    }

    /// Fisher-Yates.
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.index(last + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_of_a_seed_never_changes() {
        // The published first outputs of SplitMix64 for seed 0: whoever changes the generator changes every demo.
        let mut dice = Dice::new(0);
        assert_eq!(dice.roll(), 0xE220_A839_7B1D_CDAF);
        assert_eq!(dice.roll(), 0x6E78_9E6A_A1B9_65F4);
    }

    #[test]
    fn every_choice_stays_in_its_range() {
        let mut dice = Dice::new(3);
        for _ in 0..2_000 {
            assert!((-3..=5).contains(&dice.between(-3, 5)));
            assert!((10..=20).contains(&dice.millis(10, 20)));
            assert!(dice.index(7) < 7);
        }
        assert_eq!(dice.between(5, 5), 5);
        assert_eq!(dice.index(0), 0);
    }

    #[test]
    fn a_shuffle_keeps_every_item() {
        let mut items: Vec<u8> = (0..50).collect();
        Dice::new(9).shuffle(&mut items);
        assert_ne!(items, (0..50).collect::<Vec<u8>>());
        items.sort_unstable();
        assert_eq!(items, (0..50).collect::<Vec<u8>>());
    }
}
