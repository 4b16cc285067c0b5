//! Discord ids: a creation time in their upper bits, a counter below. Owns the arithmetic and the minting of new ones.

use chrono::{DateTime, SecondsFormat};

/// The first millisecond an id can carry: 2015-01-01T00:00:00Z in Unix milliseconds.
pub const DISCORD_EPOCH_MS: u64 = 1_420_070_400_000;

const TIME_SHIFT: u32 = 22;
const COUNTER_MASK: u64 = (1 << TIME_SHIFT) - 1;

/// When the thing with this id was created, in Unix milliseconds.
#[must_use]
pub fn created_ms(id: u64) -> u64 {
    (id >> TIME_SHIFT) + DISCORD_EPOCH_MS
}

/// Unix milliseconds as ISO-8601 in UTC with milliseconds, the form of every timestamp in the contract.
#[must_use]
pub fn iso(unix_ms: u64) -> String {
    i64::try_from(unix_ms)
        .ok()
        .and_then(DateTime::from_timestamp_millis)
        .unwrap_or_default()
        .to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Makes ids that are never equal and sort by creation time.
#[derive(Debug, Clone, Default)]
pub struct Mint {
    minted: u64,
}

impl Mint {
    /// The next id for a thing created at `unix_ms`. Ids of one millisecond sort in the order they were minted
    /// until the 22-bit counter wraps, after four million ids.
    pub fn id_at(&mut self, unix_ms: u64) -> u64 {
        self.minted += 1;
        (unix_ms.saturating_sub(DISCORD_EPOCH_MS) << TIME_SHIFT) | (self.minted & COUNTER_MASK)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_carries_its_creation_time() {
        for unix_ms in [DISCORD_EPOCH_MS, 1_700_000_000_123, 1_900_000_000_999] {
            assert_eq!(created_ms(Mint::default().id_at(unix_ms)), unix_ms);
        }
        // A published example: 175928847299117063 was made at 2016-04-30T11:18:25.796Z.
        assert_eq!(
            iso(created_ms(175_928_847_299_117_063)),
            "2016-04-30T11:18:25.796Z"
        );
    }

    #[test]
    fn ids_of_one_millisecond_differ_and_ascend() {
        let mut mint = Mint::default();
        let ids: Vec<u64> = (0..500)
            .map(|n| mint.id_at(1_700_000_000_000 + n / 100))
            .collect();
        assert!(ids.is_sorted_by(|a, b| a < b));
    }
}
