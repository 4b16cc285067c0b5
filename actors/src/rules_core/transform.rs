//! What is changed in a signal: mentions and links leave, words are replaced, the text is framed. In this order, always.

use super::{
    RuleError, Said, Surroundings, author_name, bounded, compiled,
    links::Domains,
    template::{Name, Template},
    within,
    words::{Phrase, Swap, swapped},
};
use crate::markup_core::{escaped, one_line};
use heliograph_schema::{
    rules::{
        AFFIX_CHARS_MAX, ENTRIES_MAX, ENTRY_CHARS_MAX, Replacement, TEMPLATE_CHARS_MAX, Transform,
    },
    signal::SignalState,
};

/// Changes that can be made.
#[derive(Debug, Clone, Default)]
pub(super) struct CompiledTransform {
    domains_stripped: Domains,
    strip_mentions: bool,
    swaps: Vec<Swap>,
    prefix: String,
    suffix: String,
    template: Option<Template>,
}

impl CompiledTransform {
    pub(super) fn compile(
        transform: &Transform,
        domains_stripped: &[String],
    ) -> Result<Self, RuleError> {
        let bounded = |field: &str, text: &str, chars_max| {
            within(text, chars_max)
                .map_err(|message| RuleError::new(format_args!("transform_json.{field}"), message))
        };
        bounded("prefix", &transform.prefix, AFFIX_CHARS_MAX)?;
        bounded("suffix", &transform.suffix, AFFIX_CHARS_MAX)?;
        bounded("template", &transform.template, TEMPLATE_CHARS_MAX)?;
        let template = Some(&transform.template)
            .filter(|text| !text.is_empty())
            .map(|text| Template::parse(text))
            .transpose()
            .map_err(|message| RuleError::new("transform_json.template", message))?;
        Ok(Self {
            domains_stripped: Domains::compile("filters_json.domains_stripped", domains_stripped)?,
            strip_mentions: transform.strip_mentions,
            swaps: swaps(&transform.replace_words)?,
            prefix: transform.prefix.clone(),
            suffix: transform.suffix.clone(),
            template,
        })
    }

    pub(super) fn apply(
        &self,
        signal: &SignalState,
        said: Said,
        surroundings: &Surroundings<'_>,
    ) -> Option<Said> {
        let mut said = if self.strip_mentions {
            Said::without_mentions(signal, surroundings.names)
        } else {
            said
        };
        if !self.domains_stripped.is_empty() {
            self.strip_domains(&mut said);
        }
        if !self.swaps.is_empty() {
            said.change_texts(|text| swapped(text, &self.swaps));
        }
        let has_text = !said.text.trim().is_empty();
        if !has_text && said.embeds.is_empty() && signal.attachments().is_empty() {
            return None;
        }
        if has_text && !(self.prefix.is_empty() && self.suffix.is_empty()) {
            said.text = bounded(format!("{}{}{}", self.prefix, said.text, self.suffix));
        }
        if let Some(template) = &self.template {
            said.text = template.fill(|name| value(name, &said.text, signal, surroundings));
        }
        Some(said)
    }

    fn strip_domains(&self, said: &mut Said) {
        said.change_texts(|text| self.domains_stripped.stripped(text));
        for embed in &mut said.embeds {
            for address in [
                &mut embed.url,
                &mut embed.author_url,
                &mut embed.image_url,
                &mut embed.thumbnail_url,
            ] {
                *address = address
                    .take()
                    .filter(|url| self.domains_stripped.of_address(url).is_none());
            }
        }
    }
}

fn swaps(list: &[Replacement]) -> Result<Vec<Swap>, RuleError> {
    let limits = (ENTRIES_MAX, ENTRY_CHARS_MAX);
    let field = "transform_json.replace_words";
    compiled(
        field,
        list,
        limits,
        |entry| &entry.from,
        |entry| {
            within(&entry.to, ENTRY_CHARS_MAX)
                .map_err(|message| format!("\"to\" has {message}"))?;
            Ok(Swap {
                from: Phrase::new(&entry.from, entry.whole_word),
                to: entry.to.clone(),
            })
        },
    )
}

fn value(name: Name, text: &str, signal: &SignalState, surroundings: &Surroundings<'_>) -> String {
    match name {
        Name::Text => text.to_owned(),
        Name::Author => signal
            .author
            .as_ref()
            .and_then(|author| author_name(author, surroundings.names))
            .map_or_else(String::new, |name| escaped(&name)),
        Name::Channel => escaped(&surroundings.names.channel(signal.channel_id)),
        Name::Thread => surroundings
            .thread_name
            .and_then(one_line)
            .map_or_else(String::new, |name| escaped(&name)),
        Name::Link => link(signal),
    }
}

/// Where the source message stands.
fn link(signal: &SignalState) -> String {
    let guild = signal.guild_id;
    let place = signal.thread_id.map_or_else(
        || signal.channel_id.to_string(),
        |thread| thread.to_string(),
    );
    format!(
        "https://discord.com/channels/{guild}/{place}/{}",
        signal.signal_id
    )
}
