//! A signal as messages, by a mapping's rules: which text, which embeds, in how many parts, under whose name, within Discord's
//! documented limits for any input. Knows nothing of what stands in the channel already.

mod embeds;
mod sender;
#[cfg(test)]
mod tests;

pub use embeds::{EMBED_CHARS_MAX, EMBEDS_MAX};

use crate::{
    markup_core::{Names, escaped, one_line},
    payload::{PartAuthor, PartPayload},
    rules_core::{CompiledRules, Said, Surroundings, Verdict, author_name},
    split_core::split,
};
use embeds::{is_blank, is_web};
use heliograph_schema::{
    ids::RoleId,
    rules::{AuthorStyle, ThreadStyle},
    signal::SignalState,
};

/// Characters of a message's text.
pub const CONTENT_CHARS_MAX: usize = 2_000;

/// By what a signal is rendered, beside itself.
#[derive(Debug, Clone, Copy)]
pub struct How<'a> {
    /// The mapping's.
    pub rules: &'a CompiledRules,
    /// The role of the target guild to ping with the first message.
    pub ping_role_id: Option<RoleId>,
    /// Of the source guild.
    pub names: &'a Names,
    /// Of the source thread, where the signal stands in one.
    pub thread_name: Option<&'a str>,
}

/// What is to stand in the target channel.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rendering {
    /// The messages, in order. None for a signal that is deleted, held back or has nothing to show.
    pub parts: Vec<PartPayload>,
    /// Why the rules hold it back, for an admin.
    pub held_back: Option<String>,
}

/// The messages that show `signal` by plain rules.
pub fn render(signal: &SignalState, ping_role_id: Option<RoleId>) -> Vec<PartPayload> {
    let plain = How {
        rules: &CompiledRules::default(),
        ping_role_id,
        names: &Names::default(),
        thread_name: None,
    };
    render_with(signal, &plain).parts
}

/// The messages that show `signal`, in order.
pub fn render_with(signal: &SignalState, how: &How<'_>) -> Rendering {
    if signal.deleted_at_ms.is_some() {
        return Rendering::default();
    }
    let said = Said::of(signal, how.names);
    if !shows(&said, signal) {
        return Rendering::default();
    }
    if let Verdict::HeldBack(reason) = how.rules.verdict_on(signal, &said) {
        return held_back(reason);
    }
    let surroundings = Surroundings {
        names: how.names,
        thread_name: how.thread_name,
    };
    let changed = how.rules.transformed(signal, said, &surroundings);
    let Some(changed) = changed.filter(|changed| shows(changed, signal)) else {
        return held_back(
            "transform_json, filters_json.domains_stripped: nothing is left of it".into(),
        );
    };
    Rendering {
        parts: parts(&changed, signal, how),
        held_back: None,
    }
}

fn held_back(reason: String) -> Rendering {
    Rendering {
        parts: Vec::new(),
        held_back: Some(reason),
    }
}

/// Whether there is anything to post but first lines.
fn shows(said: &Said, signal: &SignalState) -> bool {
    let has_files = signal.attachments().iter().any(|file| is_web(&file.url));
    has_files || !is_blank(&said.text) || embeds::shows_any(&said.embeds)
}

fn parts(said: &Said, signal: &SignalState, how: &How<'_>) -> Vec<PartPayload> {
    let mut content = first_lines(signal, how);
    content.push_str(&with_attachments_as_links(said.text.clone(), signal));
    let author = posted_by(signal, how);
    // Discord refuses a message of nothing but space.
    let texts = split(&content, CONTENT_CHARS_MAX)
        .into_iter()
        .map(|piece| piece.text(&content))
        .filter(|text| !is_blank(text));
    let mut parts: Vec<PartPayload> = texts
        .map(|content| PartPayload {
            content,
            author: author.clone(),
            ..PartPayload::default()
        })
        .collect();
    for (place, embeds) in embeds::messages(&said.embeds).into_iter().enumerate() {
        // The first pack stands below the end of the text.
        match parts.last_mut().filter(|_| place == 0) {
            Some(last) => last.embeds = embeds,
            None => parts.push(PartPayload {
                embeds,
                author: author.clone(),
                ..PartPayload::default()
            }),
        }
    }
    if let Some(first) = parts.first_mut() {
        first.ping_role_id = how.ping_role_id;
    }
    parts
}

/// Who is pinged, who wrote it, in which thread: a line each, above the text.
fn first_lines(signal: &SignalState, how: &How<'_>) -> String {
    let ping = how.ping_role_id.map(|role| format!("<@&{role}>\n"));
    let author = signal
        .author
        .as_ref()
        .filter(|_| how.rules.author_style() == AuthorStyle::NameLine)
        .and_then(|author| author_name(author, how.names))
        .map(|name| format!("**{}**\n", escaped(&name)));
    let thread = how
        .thread_name
        .filter(|_| how.rules.thread_style() == ThreadStyle::Channel)
        .and_then(one_line)
        .map(|name| format!("*{}*\n", escaped(&name)));
    [ping, author, thread].into_iter().flatten().collect()
}

/// Under whose name and picture it is posted, where a webhook does.
fn posted_by(signal: &SignalState, how: &How<'_>) -> Option<PartAuthor> {
    if how.rules.author_style() != AuthorStyle::Webhook {
        return None;
    }
    let author = signal.author.as_ref();
    let name = author.and_then(|author| author_name(author, how.names));
    Some(PartAuthor {
        name: sender::name(name.as_deref().unwrap_or_default()),
        avatar_url: embeds::web(author.and_then(|author| author.avatar_url.as_deref())),
    })
}

/// The text with the address of each attachment in a line below it. Discord shows what they lead to while they are valid.
fn with_attachments_as_links(mut text: String, signal: &SignalState) -> String {
    for attachment in signal.attachments().iter().filter(|file| is_web(&file.url)) {
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        text.push_str(&attachment.url);
    }
    text
}
