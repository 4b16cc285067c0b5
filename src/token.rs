//! Tokens of ours: made from randomness, shown once, kept and compared as hashes only.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// Of a connector.
pub const CONNECTOR_PREFIX: &str = "hgc_";

/// Of a viewer.
pub const SESSION_PREFIX: &str = "hgs_";

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
