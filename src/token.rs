//! Tokens of ours: made from randomness, shown once, kept and compared as hashes only.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use subtle::ConstantTimeEq;

/// Of a connector.
pub const CONNECTOR_PREFIX: &str = "hgc_";

/// Of a viewer.
pub const SESSION_PREFIX: &str = "hgs_";

/// Characters after the prefix: 32 bytes in base64.
const SECRET_CHARS: usize = 43;

/// A token that was just made: the only time its text is known.
pub struct NewToken {
    /// To show once.
    pub text: String,
    /// To keep.
    pub hash: [u8; 32],
}

/// Makes a token of these 32 random bytes. The prefix tells people, and scanners for leaked secrets, what they found.
pub fn make(prefix: &str, random: [u8; 32]) -> NewToken {
    let text = format!("{prefix}{}", URL_SAFE_NO_PAD.encode(random));
    NewToken {
        hash: hash(&text),
        text,
    }
}

/// Whether a text has the form of a token that [`make`] made with this prefix: cheap to ask, before any hash or query.
pub fn has_form(text: &str, prefix: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    text.strip_prefix(prefix)
        .is_some_and(|secret| secret.len() == SECRET_CHARS && secret.bytes().all(is_plain))
}

/// These random bytes in hexadecimal: an id to find something by, no secret.
pub fn hex(random: &[u8]) -> String {
    let mut hex = String::with_capacity(random.len() * 2);
    for byte in random {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

/// What is kept of a token. It is as random as the hash, so no salt and no slow function are needed.
pub fn hash(text: &str) -> [u8; 32] {
    Sha256::digest(text).into()
}

/// Whether both are the same token, in a time that tells nothing about where they differ.
pub fn is_same(left: &str, right: &str) -> bool {
    hash(left).ct_eq(&hash(right)).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_its_form() {
        let made = make(SESSION_PREFIX, [7; 32]).text;
        let cut = &made[..made.len() - 1];
        for (text, has) in [
            (made.as_str(), true),
            (&make(SESSION_PREFIX, [255; 32]).text, true),
            (&make(CONNECTOR_PREFIX, [7; 32]).text, false),
            (cut, false),
            (&format!("{made}A"), false),
            (&format!("{cut}="), false),
            (&format!("{cut} "), false),
            ("", false),
            ("hgs_", false),
        ] {
            assert_eq!(has_form(text, SESSION_PREFIX), has, "{text:?}");
        }
    }

    #[test]
    fn two_digits_a_byte() {
        assert_eq!(hex(&[0, 10, 255]), "000aff");
    }

    #[test]
    fn a_token_is_its_prefix_and_its_bytes() {
        let token = make(CONNECTOR_PREFIX, [255; 32]);
        assert_eq!(token.text, format!("hgc_{}8", "_".repeat(42)));
        assert_eq!(token.hash, hash(&token.text));
        assert!(is_same(&token.text, &token.text));
        assert!(!is_same(
            &token.text,
            &make(CONNECTOR_PREFIX, [254; 32]).text
        ));
        assert!(!is_same(&token.text, ""));
    }
}
