//! A mapping's rules, ready to be carried out: whether a signal passes, and what is changed in it. Rules that cannot be carried
//! out are refused when they are compiled, with the field and a sentence for whoever wrote them. Nothing here asks a clock, so
//! there is no time limit to miss: what takes time is bounded instead, see [`patterns`].

mod filters;
mod links;
mod patterns;
mod said;
mod template;
#[cfg(test)]
mod tests;
mod transform;
mod words;

pub use said::{Said, author_name};

use crate::markup_core::Names;
use filters::CompiledFilters;
use heliograph_schema::{
    rules::{AuthorStyle, HandDeletions, MappingRules, ThreadStyle},
    signal::SignalState,
};
use std::fmt;
use transform::CompiledTransform;

/// Bytes of a text after it was changed; what is longer is cut. As much as a connector may send of one.
pub const TEXT_BYTES_MAX: usize = 64 * 1024;
const ELLIPSIS: char = '…';

/// Rules that can be carried out. The default is plain: everything passes, nothing is changed.
#[derive(Debug, Clone, Default)]
pub struct CompiledRules {
    filters: CompiledFilters,
    transform: CompiledTransform,
    author_style: AuthorStyle,
    thread_style: ThreadStyle,
    hand_deletions: HandDeletions,
}

/// Why rules cannot be carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {message}")]
pub struct RuleError {
    /// Where in the JSON, such as `filters_json.regex_any[1]`.
    pub field: String,
    /// What is wrong with it, for an admin.
    pub message: String,
}

impl RuleError {
    fn new(field: impl fmt::Display, message: impl Into<String>) -> Self {
        Self {
            field: field.to_string(),
            message: message.into(),
        }
    }
}

/// What the filters say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is mirrored.
    Passes,
    /// It is not, for this reason, which begins with the field of the filter: `filters_json.keywords_none: "scam"`.
    HeldBack(String),
}

/// What a signal does not know of itself.
#[derive(Debug, Clone, Copy)]
pub struct Surroundings<'a> {
    /// Of its guild.
    pub names: &'a Names,
    /// The thread it stands in.
    pub thread_name: Option<&'a str>,
}

impl CompiledRules {
    /// The rules, ready to be carried out.
    ///
    /// # Errors
    /// The first field that is over its limit, says nothing or cannot be understood.
    pub fn compile(rules: &MappingRules) -> Result<Self, RuleError> {
        Ok(Self {
            filters: CompiledFilters::compile(&rules.filters)?,
            transform: CompiledTransform::compile(
                &rules.transform,
                &rules.filters.domains_stripped,
            )?,
            author_style: rules.author_style,
            thread_style: rules.thread_style,
            hand_deletions: rules.hand_deletions,
        })
    }

    /// Whether this signal passes, as it is now; an edit may change it.
    pub fn verdict(&self, signal: &SignalState, names: &Names) -> Verdict {
        self.verdict_on(signal, &Said::of(signal, names))
    }

    /// The same of what was read of the signal already.
    pub fn verdict_on(&self, signal: &SignalState, said: &Said) -> Verdict {
        self.filters.verdict(signal, said)
    }

    /// What the mirrored message is to say, but for first lines and attachments. `said` is what [`Said::of`] read of the signal;
    /// `None` when nothing of it is left.
    pub fn transformed(
        &self,
        signal: &SignalState,
        said: Said,
        surroundings: &Surroundings<'_>,
    ) -> Option<Said> {
        self.transform.apply(signal, said, surroundings)
    }

    /// How the author is shown.
    pub fn author_style(&self) -> AuthorStyle {
        self.author_style
    }

    /// Where a thread's signals go.
    pub fn thread_style(&self) -> ThreadStyle {
        self.thread_style
    }

    /// What becomes of a mirrored message that somebody deleted by hand.
    pub fn hand_deletions(&self) -> HandDeletions {
        self.hand_deletions
    }
}

/// Every entry of a list, compiled; refused with its place when there are too many, or one is blank, too long or not understood.
fn compiled<E, T>(
    field: &str,
    entries: &[E],
    (entries_max, chars_max): (usize, usize),
    text: impl Fn(&E) -> &str,
    compile: impl Fn(&E) -> Result<T, String>,
) -> Result<Vec<T>, RuleError> {
    if entries.len() > entries_max {
        let message = format!("{} entries, at most {entries_max}", entries.len());
        return Err(RuleError::new(field, message));
    }
    let one = |(place, entry): (usize, &E)| {
        within(text(entry), chars_max)
            .and_then(|()| match text(entry).trim() {
                "" => Err("is empty".to_owned()),
                _ => compile(entry),
            })
            .map_err(|message| RuleError::new(format_args!("{field}[{place}]"), message))
    };
    entries.iter().enumerate().map(one).collect()
}

fn within(text: &str, chars_max: usize) -> Result<(), String> {
    // No message holds one, and the tables cannot.
    if text.contains('\0') {
        return Err("holds the character U+0000".to_owned());
    }
    match text.chars().count() {
        chars if chars <= chars_max => Ok(()),
        chars => Err(format!("{chars} characters, at most {chars_max}")),
    }
}

/// The text, cut to [`TEXT_BYTES_MAX`] with an ellipsis.
fn bounded(mut text: String) -> String {
    if text.len() > TEXT_BYTES_MAX {
        let mut end = TEXT_BYTES_MAX - ELLIPSIS.len_utf8();
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.push(ELLIPSIS);
    }
    text
}
