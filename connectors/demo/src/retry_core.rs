//! What a connector does with the answer to a request: done, try again and when, or give up. The rules of the field
//! client as one table; no clock and no socket.

use chrono::DateTime;

/// When a request is tried again. Injectable, so that tests need no patience.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    /// Wait after the first try.
    pub retry_delay_ms_min: u64,
    /// Longest wait that doubling reaches.
    pub retry_delay_ms_max: u64,
    /// Longest wait a server may ask for; a broken header must not silence the connector for a day.
    pub retry_after_ms_max: u64,
    /// Tries of one request, the first included.
    pub tries_max: u32,
}

impl Schedule {
    /// The schedule of the field client: 0.75 s doubling to 30 s, six tries.
    pub const FIELD: Self = Self {
        retry_delay_ms_min: 750,
        retry_delay_ms_max: 30_000,
        retry_after_ms_max: 300_000,
        tries_max: 6,
    };

    /// The wait after `tries_made` tries, in milliseconds, when the server asked for nothing.
    #[must_use]
    pub fn delay_ms(&self, tries_made: u32) -> u64 {
        let doublings = tries_made.saturating_sub(1).min(32);
        self.retry_delay_ms_min
            .saturating_mul(1 << doublings)
            .min(self.retry_delay_ms_max)
    }

    /// What to do after `tries_made` tries of one request, the last of which got `answer`.
    #[must_use]
    pub fn verdict(&self, tries_made: u32, answer: Answer) -> Verdict {
        let retry_after_ms = match answer {
            Answer::Status {
                code: 200..=299 | 409,
                ..
            } => return Verdict::Done,
            Answer::Status {
                code: 429 | 500..=599,
                retry_after_ms,
            } => retry_after_ms,
            Answer::Status { .. } => return Verdict::Refused,
            Answer::Unreachable => None,
        };
        if tries_made >= self.tries_max {
            return Verdict::Exhausted;
        }
        let asked_ms = retry_after_ms.unwrap_or(0).min(self.retry_after_ms_max);
        Verdict::Again {
            delay_ms: self.delay_ms(tries_made).max(asked_ms),
        }
    }
}

/// How a try ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The server answered.
    Status {
        /// HTTP status code.
        code: u16,
        /// Its `Retry-After`, if it sent one.
        retry_after_ms: Option<u64>,
    },
    /// No answer: refused, reset or timed out. The server may have the request all the same.
    Unreachable,
}

/// What follows from an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The server has it (409: had it already).
    Done,
    /// The same request again, after this wait.
    Again {
        /// Milliseconds to wait.
        delay_ms: u64,
    },
    /// Tried as often as allowed: drop it.
    Exhausted,
    /// The server will never take it: drop it and say so.
    Refused,
}

/// A `Retry-After` header, seconds or an HTTP date, as milliseconds from `now_ms` (Unix). `None` when unreadable.
#[must_use]
pub fn parse_retry_after(header: &str, now_ms: u64) -> Option<u64> {
    let header = header.trim();
    if let Ok(seconds) = header.parse::<u64>() {
        return Some(seconds.saturating_mul(1_000));
    }
    let until_ms = DateTime::parse_from_rfc2822(header)
        .ok()?
        .timestamp_millis();
    Some(u64::try_from(until_ms).unwrap_or(0).saturating_sub(now_ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_from_three_quarters_of_a_second_to_thirty() {
        let waits: Vec<u64> = (1..=8)
            .map(|tries| Schedule::FIELD.delay_ms(tries))
            .collect();
        assert_eq!(
            waits,
            [750, 1_500, 3_000, 6_000, 12_000, 24_000, 30_000, 30_000]
        );
        assert_eq!(Schedule::FIELD.delay_ms(u32::MAX), 30_000);
    }

    #[test]
    fn every_answer_has_one_verdict() {
        let status = |code| Answer::Status {
            code,
            retry_after_ms: None,
        };
        let asking = |code, seconds: u64| Answer::Status {
            code,
            retry_after_ms: Some(seconds * 1_000),
        };
        let again = |delay_ms| Verdict::Again { delay_ms };
        for (tries_made, answer, verdict) in [
            (1, status(200), Verdict::Done),
            (1, status(204), Verdict::Done),
            (6, status(200), Verdict::Done),
            (1, status(409), Verdict::Done),
            (1, status(429), again(750)),
            (2, status(500), again(1_500)),
            (3, status(502), again(3_000)),
            (5, status(503), again(12_000)),
            (6, status(503), Verdict::Exhausted),
            (1, Answer::Unreachable, again(750)),
            (6, Answer::Unreachable, Verdict::Exhausted),
            // Retry-After lengthens a wait, never shortens it, and has a limit.
            (1, asking(429, 7), again(7_000)),
            (1, asking(503, 60), again(60_000)),
            (5, asking(429, 1), again(12_000)),
            (1, asking(429, 86_400), again(300_000)),
            (6, asking(429, 7), Verdict::Exhausted),
            // Everything else is final, redirects included: the token goes to one server only.
            (1, status(400), Verdict::Refused),
            (1, status(401), Verdict::Refused),
            (1, status(403), Verdict::Refused),
            (1, status(404), Verdict::Refused),
            (1, status(408), Verdict::Refused),
            (1, status(413), Verdict::Refused),
            (1, status(302), Verdict::Refused),
            (1, asking(400, 5), Verdict::Refused),
        ] {
            assert_eq!(
                Schedule::FIELD.verdict(tries_made, answer),
                verdict,
                "try {tries_made}: {answer:?}"
            );
        }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now_ms = 784_111_770_000; // 1994-11-06T08:49:30Z
        for (header, wait_ms) in [
            ("0", Some(0)),
            (" 12 ", Some(12_000)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(7_000)),
            ("Sun, 06 Nov 1994 08:49:00 GMT", Some(0)),
            ("soon", None),
            ("-3", None),
            ("", None),
        ] {
            assert_eq!(parse_retry_after(header, now_ms), wait_ms, "{header:?}");
        }
    }
}
