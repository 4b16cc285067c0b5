//! Embeds within Discord's limits: what of each is shown, and how many go into one message.

use heliograph_schema::signal::{Embed, EmbedField};

/// Embeds of a message.
pub const EMBEDS_MAX: usize = 10;
/// Characters over all embeds of a message.
pub const EMBED_CHARS_MAX: usize = 6_000;
pub(super) const TITLE_CHARS_MAX: usize = 256;
pub(super) const DESCRIPTION_CHARS_MAX: usize = 4_096;
pub(super) const FIELDS_MAX: usize = 25;
pub(super) const FIELD_NAME_CHARS_MAX: usize = 256;
pub(super) const FIELD_VALUE_CHARS_MAX: usize = 1_024;
pub(super) const FOOTER_CHARS_MAX: usize = 2_048;
pub(super) const AUTHOR_CHARS_MAX: usize = 256;
pub(super) const URL_CHARS_MAX: usize = 2_048;
const COLOR_MAX: u32 = 0xFF_FFFF;
/// Fields must say something; this says nothing.
const ZERO_WIDTH_SPACE: &str = "\u{200B}";
const ELLIPSIS: char = '…';

/// The embeds that show something, message by message.
pub(super) fn messages(embeds: &[Embed]) -> Vec<Vec<Embed>> {
    pack(embeds.iter().filter_map(fit).collect())
}

/// Whether any of them shows something.
pub(super) fn shows_any(embeds: &[Embed]) -> bool {
    embeds.iter().any(|embed| fit(embed).is_some())
}

/// The embed within the limits; `None` when nothing of it is left.
fn fit(embed: &Embed) -> Option<Embed> {
    let author_name = short(embed.author_name.as_deref(), AUTHOR_CHARS_MAX);
    let mut fitted = Embed {
        kind: None,
        title: short(embed.title.as_deref(), TITLE_CHARS_MAX),
        description: short(embed.description.as_deref(), DESCRIPTION_CHARS_MAX),
        url: web(embed.url.as_deref()),
        color: embed.color.filter(|color| *color <= COLOR_MAX),
        timestamp: embed
            .timestamp
            .clone()
            .filter(|stamp| chrono::DateTime::parse_from_rfc3339(stamp).is_ok()),
        author_url: web(embed.author_url.as_deref()).filter(|_| author_name.is_some()),
        author_name,
        footer: short(embed.footer.as_deref(), FOOTER_CHARS_MAX),
        image_url: web(embed.image_url.as_deref()),
        thumbnail_url: web(embed.thumbnail_url.as_deref()),
        fields: embed
            .fields
            .iter()
            .filter_map(fit_field)
            .take(FIELDS_MAX)
            .collect(),
    };
    // A bare picture: its address may be all that a connector says of it.
    if embed.kind.as_deref() == Some("image") && fitted.image_url.is_none() {
        fitted.image_url = fitted.url.clone();
    }
    shrink(&mut fitted);
    let shows = fitted.title.is_some()
        || fitted.description.is_some()
        || fitted.author_name.is_some()
        || fitted.footer.is_some()
        || fitted.image_url.is_some()
        || fitted.thumbnail_url.is_some()
        || !fitted.fields.is_empty();
    shows.then_some(fitted)
}

/// Takes from the end of an embed that is too large for a message of its own: fields first, then small print, then the body.
fn shrink(embed: &mut Embed) {
    while chars(embed) > EMBED_CHARS_MAX && embed.fields.pop().is_some() {}
    if chars(embed) > EMBED_CHARS_MAX {
        let over = chars(embed) - EMBED_CHARS_MAX;
        let left = count(embed.description.as_deref()).saturating_sub(over);
        embed.description = short(embed.description.take().as_deref(), left);
    }
}

fn fit_field(field: &EmbedField) -> Option<EmbedField> {
    if is_blank(&field.name) && is_blank(&field.value) {
        return None;
    }
    let filled =
        |text: &str, max| short(Some(text), max).unwrap_or_else(|| ZERO_WIDTH_SPACE.to_owned());
    Some(EmbedField {
        name: filled(&field.name, FIELD_NAME_CHARS_MAX),
        value: filled(&field.value, FIELD_VALUE_CHARS_MAX),
        inline: field.inline,
    })
}

/// Embeds message by message.
fn pack(embeds: Vec<Embed>) -> Vec<Vec<Embed>> {
    let mut packs: Vec<(usize, Vec<Embed>)> = Vec::new();
    for embed in embeds {
        let size = chars(&embed);
        match packs
            .last_mut()
            .filter(|(sum, pack)| sum + size <= EMBED_CHARS_MAX && pack.len() < EMBEDS_MAX)
        {
            Some((sum, pack)) => {
                *sum += size;
                pack.push(embed);
            }
            None => packs.push((size, vec![embed])),
        }
    }
    packs.into_iter().map(|(_, pack)| pack).collect()
}

/// What counts towards [`EMBED_CHARS_MAX`].
pub(super) fn chars(embed: &Embed) -> usize {
    let texts = [
        &embed.title,
        &embed.description,
        &embed.author_name,
        &embed.footer,
    ];
    let fields = embed
        .fields
        .iter()
        .map(|field| field.name.chars().count() + field.value.chars().count());
    texts
        .into_iter()
        .map(|text| count(text.as_deref()))
        .sum::<usize>()
        + fields.sum::<usize>()
}

fn count(text: Option<&str>) -> usize {
    text.map_or(0, |text| text.chars().count())
}

/// The text, cut with an ellipsis; `None` when it says nothing.
fn short(text: Option<&str>, chars_max: usize) -> Option<String> {
    let text = text.filter(|text| !is_blank(text))?;
    if text.chars().count() <= chars_max {
        return Some(text.to_owned());
    }
    let kept: String = text
        .chars()
        .take(chars_max.checked_sub(1)?)
        .chain([ELLIPSIS])
        .collect();
    Some(kept)
}

pub(super) fn is_blank(text: &str) -> bool {
    text.chars().all(|c| c.is_whitespace() || c.is_control())
}

pub(super) fn web(url: Option<&str>) -> Option<String> {
    url.filter(|url| is_web(url) && url.chars().count() <= URL_CHARS_MAX)
        .map(str::to_owned)
}

pub(super) fn is_web(url: &str) -> bool {
    let host = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"));
    host.is_some_and(|host| host.starts_with(|c: char| c.is_alphanumeric() || c == '['))
        && !url
            .chars()
            .any(|c| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | '"'))
}
