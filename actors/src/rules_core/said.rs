//! What a signal says, text by text, with names in place of Discord's markup: what filters look at and transforms change.

use crate::markup_core::{Names, has_mentions, one_line, plain, without_mentions};
use heliograph_schema::signal::{Author, Embed, SignalState};
use std::borrow::Cow;

/// Characters that filters look at, over all texts together. Discord's longest message has 4,000 and 6,000 in embeds; what a
/// connector says beyond this is not from there.
pub(super) const LOOKED_AT_CHARS_MAX: usize = 12_000;

/// A signal's words.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Said {
    /// The message's text.
    pub text: String,
    /// Its own embeds. Previews that Discord made of an address in the text are left out: it makes them again.
    pub embeds: Vec<Embed>,
}

impl Said {
    /// What `signal` says.
    pub fn of(signal: &SignalState, names: &Names) -> Self {
        Self::read(signal, signal.clean_text(), |text| plain(text, names))
    }

    /// The same without mentions. In a text whose connector put names in place of mentions nobody can tell them from words:
    /// that text is read as it was typed.
    pub(super) fn without_mentions(signal: &SignalState, names: &Names) -> Self {
        let raw = signal.text.as_ref().map_or("", |text| &text.value.raw);
        let text = if has_mentions(raw) {
            raw
        } else {
            signal.clean_text()
        };
        Self::read(signal, text, |text| without_mentions(text, names))
    }

    fn read<'a>(
        signal: &'a SignalState,
        text: &'a str,
        read: impl Fn(&'a str) -> Cow<'a, str>,
    ) -> Self {
        let own = signal
            .embeds()
            .iter()
            .filter(|embed| !is_preview(embed, signal));
        Self {
            text: read(text).into_owned(),
            embeds: own.map(|embed| read_embed(embed, &read)).collect(),
        }
    }

    /// The texts that filters look at, together at most [`LOOKED_AT_CHARS_MAX`] characters.
    pub(super) fn looked_at(&self) -> Vec<&str> {
        let mut left = LOOKED_AT_CHARS_MAX;
        let embeds = self.embeds.iter().flat_map(embed_texts);
        let mut texts = Vec::new();
        for text in std::iter::once(self.text.as_str()).chain(embeds) {
            let end = text
                .char_indices()
                .nth(left)
                .map_or(text.len(), |(at, _)| at);
            let text = &text[..end];
            left -= text.chars().count();
            texts.push(text);
            if left == 0 {
                break;
            }
        }
        texts
    }

    /// Lets `change` at every text.
    pub(super) fn change_texts(&mut self, change: impl Fn(&str) -> Cow<'_, str>) {
        let change = |text: &mut String| {
            if let Cow::Owned(changed) = change(text) {
                *text = changed;
            }
        };
        change(&mut self.text);
        for embed in &mut self.embeds {
            let lines = [
                &mut embed.title,
                &mut embed.description,
                &mut embed.author_name,
                &mut embed.footer,
            ];
            lines.into_iter().flatten().for_each(change);
            for field in &mut embed.fields {
                change(&mut field.name);
                change(&mut field.value);
            }
        }
    }
}

/// What the author is called, in one line; `None` when nobody says it.
pub fn author_name(author: &Author, names: &Names) -> Option<String> {
    let known = || names.users.get(&author.user_id).map(String::as_str);
    author.shown_name().or_else(known).and_then(one_line)
}

/// Discord shows a preview of an address in the text by itself; everything else is recreated.
fn is_preview(embed: &Embed, signal: &SignalState) -> bool {
    let of_address = matches!(
        embed.kind.as_deref(),
        Some("link" | "video" | "article" | "gifv" | "image")
    );
    let in_text = |url: &Option<String>| {
        url.as_deref()
            .filter(|url| !url.is_empty())
            .is_some_and(|url| {
                let files = signal.attachments();
                signal.clean_text().contains(url) || files.iter().any(|file| file.url.contains(url))
            })
    };
    of_address && (in_text(&embed.url) || in_text(&embed.image_url))
}

fn read_embed<'a>(embed: &'a Embed, read: &impl Fn(&'a str) -> Cow<'a, str>) -> Embed {
    let line = |text: &'a Option<String>| text.as_deref().map(|text| read(text).into_owned());
    let mut read_as = Embed {
        title: line(&embed.title),
        description: line(&embed.description),
        author_name: line(&embed.author_name),
        footer: line(&embed.footer),
        ..embed.clone()
    };
    for (field, was) in read_as.fields.iter_mut().zip(&embed.fields) {
        field.name = read(&was.name).into_owned();
        field.value = read(&was.value).into_owned();
    }
    read_as
}

fn embed_texts(embed: &Embed) -> impl Iterator<Item = &str> {
    let lines = [
        &embed.author_name,
        &embed.title,
        &embed.description,
        &embed.footer,
    ];
    let fields = embed
        .fields
        .iter()
        .flat_map(|field| [&*field.name, &*field.value]);
    lines
        .into_iter()
        .filter_map(|text| text.as_deref())
        .chain(fields)
}
