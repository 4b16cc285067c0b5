//! Administrators who signed in with a browser: who they are is a random id in a cookie, of which only a hash is kept, in memory
//! and not for long. Bounded, and whoever tries tokens is slowed down. Knows no HTTP; moments come in.

use crate::token;
use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};
use subtle::ConstantTimeEq;

/// How long a sign-in holds, in milliseconds.
pub(super) const HELD_MS: i64 = 12 * 3_600_000;
/// Sign-ins at a time; the oldest ends for one more.
const SIGN_INS_MAX: usize = 64;
/// Wrong tokens in [`FAILURES_WINDOW_MS`]; more are not looked at.
const FAILURES_MAX: usize = 10;
const FAILURES_WINDOW_MS: i64 = 60_000;
/// What the text in the cookie begins with.
const PREFIX: &str = "hga_";

#[derive(Debug)]
struct SignIn {
    hash: [u8; 32],
    until_ms: i64,
}

#[derive(Debug, Default)]
struct Kept {
    /// Oldest first.
    sign_ins: VecDeque<SignIn>,
    /// When wrong tokens came, oldest first.
    failures: VecDeque<i64>,
}

/// Why nobody was signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NotSignedIn {
    /// It is another token.
    WrongToken,
    /// Too many wrong ones came; so many seconds until one is looked at again.
    TooMany(u32),
}

/// Everybody who is signed in.
#[derive(Debug, Default)]
pub struct SignIns {
    kept: Mutex<Kept>,
    /// The cookie goes over https only, whatever the request says.
    pub(super) secure_cookie: bool,
}

impl SignIns {
    /// Nobody yet. `secure_cookie`: the cookie goes over https only, whatever the request says.
    pub fn new(secure_cookie: bool) -> Self {
        Self {
            kept: Mutex::default(),
            secure_cookie,
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Signs in whoever brings the right token: the text for the cookie, made of these random bytes.
    pub(super) fn sign_in(
        &self,
        now_ms: i64,
        given: &str,
        right: &str,
        random: [u8; 32],
    ) -> Result<String, NotSignedIn> {
        let mut kept = self.kept();
        let is_old = |at_ms: &i64| !(0..FAILURES_WINDOW_MS).contains(&(now_ms - at_ms));
        while kept.failures.front().is_some_and(is_old) {
            kept.failures.pop_front();
        }
        if kept.failures.len() >= FAILURES_MAX {
            let oldest_ms = kept.failures.front().copied().unwrap_or(now_ms);
            let left_ms = oldest_ms + FAILURES_WINDOW_MS - now_ms;
            let left_s = u32::try_from(left_ms.max(1).unsigned_abs().div_ceil(1_000)).unwrap_or(60);
            return Err(NotSignedIn::TooMany(left_s));
        }
        if !token::is_same(given, right) {
            kept.failures.push_back(now_ms);
            return Err(NotSignedIn::WrongToken);
        }
        let made = token::make(PREFIX, random);
        kept.sign_ins.retain(|sign_in| sign_in.until_ms > now_ms);
        if kept.sign_ins.len() >= SIGN_INS_MAX {
            kept.sign_ins.pop_front();
        }
        kept.sign_ins.push_back(SignIn {
            hash: made.hash,
            until_ms: now_ms + HELD_MS,
        });
        Ok(made.text)
    }

    /// Whether the text of a cookie is that of somebody who is signed in. All are compared, in a time that tells nothing.
    pub(super) fn is_signed_in(&self, now_ms: i64, text: &str) -> bool {
        if !token::has_form(text, PREFIX) {
            return false;
        }
        let hash = token::hash(text);
        self.kept().sign_ins.iter().fold(false, |found, sign_in| {
            let is_same = bool::from(sign_in.hash.ct_eq(&hash));
            found | (is_same && sign_in.until_ms > now_ms)
        })
    }

    /// Signs out whoever has this text in the cookie.
    pub(super) fn sign_out(&self, text: &str) {
        let hash = token::hash(text);
        self.kept()
            .sign_ins
            .retain(|sign_in| !bool::from(sign_in.hash.ct_eq(&hash)));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use NotSignedIn::{TooMany, WrongToken};

    fn sign_in(all: &SignIns, now_ms: i64, given: &str, seed: u8) -> Result<String, NotSignedIn> {
        all.sign_in(now_ms, given, "right", [seed; 32])
    }

    #[test]
    fn a_sign_in_ends_when_it_is_over_or_signed_out() {
        let all = SignIns::default();
        let (one, two) = (
            sign_in(&all, 0, "right", 1).unwrap(),
            sign_in(&all, 0, "right", 2).unwrap(),
        );
        assert!(all.is_signed_in(HELD_MS - 1, &one));
        assert!(!all.is_signed_in(HELD_MS, &one));
        all.sign_out(&one);
        assert!(!all.is_signed_in(1, &one) && all.is_signed_in(1, &two));
        for text in ["", "hga_", "right", &two[1..], &format!("{two}x")] {
            assert!(!all.is_signed_in(1, text), "{text}");
        }
    }

    #[test]
    fn the_oldest_of_too_many_ends() {
        let all = SignIns::default();
        let texts: Vec<String> = (0..=64)
            .map(|seed| sign_in(&all, 0, "right", seed).unwrap())
            .collect();
        assert!(!all.is_signed_in(1, &texts[0]));
        assert!(texts[1..].iter().all(|text| all.is_signed_in(1, text)));
    }

    #[test]
    fn whoever_tries_tokens_waits_and_so_does_everybody_else() {
        let all = SignIns::default();
        for n in 0..10 {
            assert_eq!(sign_in(&all, n * 1_000, "wrong", 1), Err(WrongToken));
        }
        // now, token, answer
        for (now_ms, given, want) in [
            (9_500, "wrong", Err(TooMany(51))),
            (59_999, "right", Err(TooMany(1))),
            (60_000, "right", Ok(())),
            (60_000, "wrong", Err(WrongToken)),
            (60_001, "wrong", Err(TooMany(1))),
            (61_000, "right", Ok(())),
            // A clock that goes back locks nobody out.
            (-1_000_000, "right", Ok(())),
        ] {
            let answer = sign_in(&all, now_ms, given, 2).map(|_| ());
            assert_eq!(answer, want, "{given} at {now_ms}");
        }
    }
}
