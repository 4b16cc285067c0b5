//! Owns the one clock that schedules and measures: microseconds since this process began. Marks in texts carry it, so that
//! whoever receives a text knows how long it was under way. It says nothing about the time of day but [`now_ms`].

use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How a mark begins in a text; digits and `]]` follow. ASCII, so that no escaping changes it.
pub const MARK: &[u8] = b"[[t=";

fn begin() -> Instant {
    static BEGIN: OnceLock<Instant> = OnceLock::new();
    *BEGIN.get_or_init(Instant::now)
}

/// Microseconds since the process began to measure.
#[must_use]
pub fn now_us() -> u64 {
    u64::try_from(begin().elapsed().as_micros()).unwrap_or(u64::MAX)
}

/// Milliseconds since 1970.
#[must_use]
pub fn now_ms() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(0))
}

/// Sleeps until the clock shows `at_us`; returns at once when it is over.
pub fn sleep_until_us(at_us: u64) {
    let now = now_us();
    if at_us > now {
        std::thread::sleep(Duration::from_micros(at_us - now));
    }
}

/// The mark in `payload`, if there is one.
#[must_use]
pub fn mark_in(payload: &[u8]) -> Option<u64> {
    number_after(payload, MARK)
}

/// The number that follows the first occurrence of `marker`.
#[must_use]
pub fn number_after(payload: &[u8], marker: &[u8]) -> Option<u64> {
    let at = find(payload, marker)? + marker.len();
    let digits = payload[at..]
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .take(20);
    let (mut number, mut any) = (0_u64, false);
    for digit in digits {
        number = number
            .checked_mul(10)?
            .checked_add(u64::from(digit - b'0'))?;
        any = true;
    }
    any.then_some(number)
}

/// Where `needle` begins in `haystack`. Looks at the first byte only, until it matches: frames are short.
#[must_use]
pub fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    let first = *needle.first()?;
    let last_start = haystack.len().checked_sub(needle.len())?;
    let mut from = 0;
    while from <= last_start {
        let step = haystack[from..=last_start]
            .iter()
            .position(|byte| *byte == first)?;
        let at = from + step;
        if &haystack[at..at + needle.len()] == needle {
            return Some(at);
        }
        from = at + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_and_numbers_are_found_where_they_are() {
        for (payload, want) in [
            ("[[t=42]] to the moon", Some(42)),
            ("[[[t=7]]", Some(7)),
            ("[[t=]]", None),
            ("[[t=99999999999999999999999]]", None),
            ("[[t", None),
            ("", None),
        ] {
            assert_eq!(mark_in(payload.as_bytes()), want, "{payload}");
        }
        assert_eq!(number_after(br#"{"a":1,"seq":12}"#, br#""seq":"#), Some(12));
        assert_eq!(find(b"aab", b"ab"), Some(1));
        assert_eq!(find(b"ab", b"abc"), None);
        assert_eq!(find(b"abc", b""), None);
    }

    #[test]
    fn the_clock_moves_and_a_past_moment_is_not_waited_for() {
        let before = now_us();
        sleep_until_us(before + 200);
        assert!(now_us() >= before + 200);
        sleep_until_us(0);
        assert!(now_ms() > 1_700_000_000_000);
    }
}
