//! What the words are made of that people give to things: ids of ours, names, tiers. One rule for every way they come in.

/// Longest id that we give ourselves.
pub const KEY_CHARS_MAX: usize = 64;

/// Longest name for people.
pub const NAME_CHARS_MAX: usize = 100;

/// The highest tier.
pub const TIER_MAX: i16 = 100;

/// Whether this can be an id of a connector or a tenant.
///
/// # Errors
/// What is expected.
pub fn key(text: &str) -> Result<(), String> {
    let plain = text
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b));
    // A path would read these as "here" and "above".
    let is_a_path = text == "." || text == "..";
    if plain && !is_a_path && (1..=KEY_CHARS_MAX).contains(&text.len()) {
        return Ok(());
    }
    Err(format!(
        "expected 1 to {KEY_CHARS_MAX} of the characters A-Z a-z 0-9 _ . -"
    ))
}

/// A name for people, one line, without what stands around it.
///
/// # Errors
/// What is expected.
pub fn name(text: &str) -> Result<&str, String> {
    let trimmed = text.trim();
    let fits = (1..=NAME_CHARS_MAX).contains(&trimmed.chars().count());
    if fits && !trimmed.chars().any(char::is_control) {
        return Ok(trimmed);
    }
    Err(format!(
        "expected 1 to {NAME_CHARS_MAX} characters without control characters"
    ))
}

/// A tier.
///
/// # Errors
/// What is expected.
pub fn tier(number: i64) -> Result<i16, String> {
    i16::try_from(number)
        .ok()
        .filter(|tier| (0..=TIER_MAX).contains(tier))
        .ok_or_else(|| format!("expected a tier from 0 to {TIER_MAX}"))
}
