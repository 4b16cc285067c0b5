//! A signal as messages: which text, which embeds, in how many parts, within Discord's documented limits for any input. Knows
//! nothing of what stands in the channel already.

use crate::{payload::PartPayload, split_core::split};
use heliograph_schema::{
    ids::RoleId,
    signal::{Embed, EmbedField, SignalState},
};

/// Characters of a message's text.
pub const CONTENT_CHARS_MAX: usize = 2_000;
/// Embeds of a message.
pub const EMBEDS_MAX: usize = 10;
/// Characters over all embeds of a message.
pub const EMBED_CHARS_MAX: usize = 6_000;
const TITLE_CHARS_MAX: usize = 256;
const DESCRIPTION_CHARS_MAX: usize = 4_096;
const FIELDS_MAX: usize = 25;
const FIELD_NAME_CHARS_MAX: usize = 256;
const FIELD_VALUE_CHARS_MAX: usize = 1_024;
const FOOTER_CHARS_MAX: usize = 2_048;
const AUTHOR_CHARS_MAX: usize = 256;
const URL_CHARS_MAX: usize = 2_048;
const COLOR_MAX: u32 = 0xFF_FFFF;
/// Fields must say something; this says nothing.
const ZERO_WIDTH_SPACE: &str = "\u{200B}";
const ELLIPSIS: char = '…';

/// The messages that show `signal`, in order. None for one that is deleted or has nothing to show.
pub fn render(signal: &SignalState, ping_role_id: Option<RoleId>) -> Vec<PartPayload> {
    if signal.deleted_at_ms.is_some() {
        return Vec::new();
    }
    let body = body(signal);
    let embeds = pack(
        signal
            .embeds()
            .iter()
            .filter(|embed| is_ours_to_show(embed, &body))
            .filter_map(fit)
            .collect(),
    );
    if is_blank(&body) && embeds.is_empty() {
        return Vec::new();
    }
    let ping = ping_role_id
        .map(|role| format!("<@&{role}>\n"))
        .unwrap_or_default();
    let content = format!("{ping}{body}");
    // Discord refuses a message of nothing but space.
    let texts = split(&content, CONTENT_CHARS_MAX)
        .into_iter()
        .map(|piece| piece.text(&content))
        .filter(|t| !is_blank(t));
    let mut parts: Vec<PartPayload> = texts
        .map(|content| PartPayload {
            content,
            ..PartPayload::default()
        })
        .collect();
    for (place, embeds) in embeds.into_iter().enumerate() {
        // The first pack stands below the end of the text.
        match parts.last_mut().filter(|_| place == 0) {
            Some(last) => last.embeds = embeds,
            None => parts.push(PartPayload {
                embeds,
                ..PartPayload::default()
            }),
        }
    }
    if let Some(first) = parts.first_mut() {
        first.ping_role_id = ping_role_id;
    }
    parts
}

fn body(signal: &SignalState) -> String {
    let mut body = signal.clean_text().to_owned();
    for attachment in signal
        .attachments()
        .iter()
        .filter(|attachment| is_web(&attachment.url))
    {
        if !body.is_empty() && !body.ends_with('\n') {
            body.push('\n');
        }
        body.push_str(&attachment.url);
    }
    body
}

/// Discord itself shows a preview of an address in the text; everything else is recreated.
fn is_ours_to_show(embed: &Embed, body: &str) -> bool {
    let is_preview = matches!(
        embed.kind.as_deref(),
        Some("link" | "video" | "article" | "gifv" | "image")
    );
    let in_text = |url: &Option<String>| {
        url.as_deref()
            .is_some_and(|url| !url.is_empty() && body.contains(url))
    };
    !(is_preview && (in_text(&embed.url) || in_text(&embed.image_url)))
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
fn chars(embed: &Embed) -> usize {
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

fn is_blank(text: &str) -> bool {
    text.chars().all(|c| c.is_whitespace() || c.is_control())
}

fn web(url: Option<&str>) -> Option<String> {
    url.filter(|url| is_web(url) && url.chars().count() <= URL_CHARS_MAX)
        .map(str::to_owned)
}

fn is_web(url: &str) -> bool {
    let host = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"));
    host.is_some_and(|host| host.starts_with(|c: char| c.is_alphanumeric() || c == '['))
        && !url
            .chars()
            .any(|c| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | '"'))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use heliograph_schema::{
        ids::{AttachmentId, ChannelId, GuildId, SignalId},
        signal::{Attachment, Stamped, Text},
    };
    use proptest::prelude::*;

    fn signal(text: &str, embeds: Vec<Embed>, urls: &[&str]) -> SignalState {
        let id = 1_400_000_000_000_000_000;
        let (signal_id, channel_id, guild_id) =
            (SignalId::new(id), ChannelId::new(1), GuildId::new(2));
        let mut signal =
            SignalState::unknown(signal_id.unwrap(), channel_id.unwrap(), guild_id.unwrap());
        signal.text = Some(Stamped {
            stamp_ms: 0,
            value: Text {
                raw: text.into(),
                clean: text.into(),
            },
        });
        signal.embeds = Some(Stamped {
            stamp_ms: 0,
            value: embeds,
        });
        let attachment = |url: &&str| Attachment {
            attachment_id: AttachmentId::new(3).unwrap(),
            filename: "x.png".into(),
            url: (*url).into(),
            size: 1,
            content_type: None,
        };
        signal.attachments = Some(Stamped {
            stamp_ms: 0,
            value: urls.iter().map(attachment).collect(),
        });
        signal
    }

    fn contents(signal: &SignalState) -> Vec<String> {
        render(signal, None)
            .into_iter()
            .map(|part| part.content)
            .collect()
    }

    #[test]
    fn nothing_to_show_is_no_message() {
        let mut deleted = signal("gone", vec![], &[]);
        deleted.deleted_at_ms = Some(1);
        let empty_embed = Embed {
            kind: Some("rich".into()),
            url: Some("javascript:x".into()),
            ..Embed::default()
        };
        for nothing in [
            deleted,
            signal("", vec![], &[]),
            signal(" \n", vec![empty_embed], &["file:///etc"]),
        ] {
            assert_eq!(render(&nothing, RoleId::new(5)), vec![]);
        }
    }

    #[test]
    fn the_ping_stands_in_the_first_part_only_and_files_below_the_text() {
        let long = signal(
            &"word ".repeat(500),
            vec![],
            &["https://cdn/a.png", "https://cdn/b.png"],
        );
        let parts = render(&long, RoleId::new(5));
        assert_eq!(parts.len(), 2);
        assert!(parts[0].content.starts_with("<@&5>\nword"));
        assert_eq!(
            (parts[0].ping_role_id, parts[1].ping_role_id),
            (RoleId::new(5), None)
        );
        assert!(
            parts[1]
                .content
                .ends_with("word \nhttps://cdn/a.png\nhttps://cdn/b.png")
        );
    }

    #[test]
    fn only_what_discord_does_not_make_itself_is_recreated() {
        let embed = |kind: &str, url: &str| Embed {
            kind: Some(kind.into()),
            title: Some("t".into()),
            url: Some(url.into()),
            ..Embed::default()
        };
        let table = [
            ("rich", "see https://example.org/1", true),
            ("link", "see https://example.org/1", false),
            ("video", "see https://example.org/1", false),
            ("article", "see https://example.org/1", false),
            ("gifv", "https://example.org/1", false),
            ("image", "https://example.org/1", false),
            ("image", "nothing said of it", true),
            ("link", "nothing said of it", true),
        ];
        for (kind, text, recreated) in table {
            let parts = render(
                &signal(text, vec![embed(kind, "https://example.org/1")], &[]),
                None,
            );
            assert_eq!(
                parts[0].embeds.len(),
                usize::from(recreated),
                "{kind} {text}"
            );
        }
    }

    #[test]
    fn embeds_that_do_not_fit_move_into_further_parts() {
        let card = Embed {
            description: Some("d".repeat(3_500)),
            ..Embed::default()
        };
        let parts = render(&signal("text", vec![card.clone(), card], &[]), None);
        let shape: Vec<_> = parts
            .iter()
            .map(|part| (part.content.as_str(), part.embeds.len()))
            .collect();
        assert_eq!(shape, [("text", 1), ("", 1)]);
        let small = Embed {
            title: Some("t".into()),
            ..Embed::default()
        };
        let parts = render(&signal("", vec![small; 25], &[]), None);
        assert_eq!(
            parts
                .iter()
                .map(|part| part.embeds.len())
                .collect::<Vec<_>>(),
            [10, 10, 5]
        );
    }

    #[test]
    fn a_message_of_nothing_but_space_is_left_out() {
        let text = format!("a{}b", " ".repeat(5_000));
        assert!(
            contents(&signal(&text, vec![], &[]))
                .iter()
                .all(|content| !is_blank(content))
        );
    }

    fn any_embed() -> impl Strategy<Value = Embed> {
        let text = |max: usize| prop::option::of((0..max).prop_map(|n| "é".repeat(n)));
        let url = prop::option::of(prop_oneof![
            Just("https://example.org/1".to_owned()),
            Just("attachment://y".to_owned()),
            ".{0,20}"
        ]);
        let field = (0..400_usize, 0..1_500_usize).prop_map(|(name, value)| EmbedField {
            name: "n".repeat(name),
            value: "v".repeat(value),
            inline: false,
        });
        (
            text(400),
            text(6_000),
            text(3_000),
            text(400),
            url,
            prop::collection::vec(field, 0..30),
        )
            .prop_map(
                |(title, description, footer, author_name, url, fields)| Embed {
                    title,
                    description,
                    footer,
                    author_name,
                    author_url: url.clone(),
                    image_url: url.clone(),
                    url,
                    fields,
                    color: Some(0x1FF_FFFF),
                    timestamp: Some("yesterday".into()),
                    ..Embed::default()
                },
            )
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]
        #[test]
        fn any_signal_is_within_the_limits(text in "(.|\n){0,300}", times in 1_usize..30, embeds in prop::collection::vec(any_embed(), 0..12)) {
            let parts = render(&signal(&text.repeat(times), embeds, &["https://cdn/a.png"]), RoleId::new(5));
            for part in &parts {
                prop_assert!(part.content.chars().count() <= CONTENT_CHARS_MAX);
                prop_assert!(!is_blank(&part.content) || !part.embeds.is_empty());
                prop_assert!(part.embeds.len() <= EMBEDS_MAX);
                prop_assert!(part.embeds.iter().map(chars).sum::<usize>() <= EMBED_CHARS_MAX);
                for embed in &part.embeds {
                    let limits = [
                        (&embed.title, TITLE_CHARS_MAX), (&embed.description, DESCRIPTION_CHARS_MAX),
                        (&embed.footer, FOOTER_CHARS_MAX), (&embed.author_name, AUTHOR_CHARS_MAX), (&embed.url, URL_CHARS_MAX),
                    ];
                    for (text, max) in limits {
                        prop_assert!(text.as_ref().is_none_or(|text| !text.is_empty() && text.chars().count() <= max));
                    }
                    prop_assert!(embed.author_url.is_none() || embed.author_name.is_some());
                    prop_assert!(embed.fields.len() <= FIELDS_MAX && embed.color.is_none() && embed.timestamp.is_none());
                    prop_assert!(embed.fields.iter().all(|f| !f.name.is_empty() && f.name.chars().count() <= FIELD_NAME_CHARS_MAX));
                    prop_assert!(embed.fields.iter().all(|f| !f.value.is_empty() && f.value.chars().count() <= FIELD_VALUE_CHARS_MAX));
                }
            }
        }
    }
}
