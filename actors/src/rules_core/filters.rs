//! Whether a signal passes. Every filter that is set must let it through; the first that does not names itself.

use super::{
    RuleError, Said, Verdict, compiled,
    links::Domains,
    patterns::patterns,
    words::{Folded, Phrase, fold},
};
use heliograph_schema::{
    rules::{ENTRIES_MAX, ENTRY_CHARS_MAX, Filters},
    signal::{Author, Embed, SignalState},
};
use regex::Regex;

/// Filters that can be asked.
#[derive(Debug, Clone, Default)]
pub(super) struct CompiledFilters {
    authors_allow: Vec<Entry<String>>,
    authors_deny: Vec<Entry<String>>,
    keywords_any: Vec<Entry<Phrase>>,
    keywords_none: Vec<Entry<Phrase>>,
    regex_any: Vec<Regex>,
    regex_none: Vec<Regex>,
    has_attachment: Option<bool>,
    has_embed: Option<bool>,
    domains_blocked: Domains,
    text_chars_min: Option<usize>,
    text_chars_max: Option<usize>,
}

/// What somebody wrote, and what is looked for.
#[derive(Debug, Clone)]
struct Entry<T> {
    written: String,
    sought: T,
}

impl CompiledFilters {
    pub(super) fn compile(filters: &Filters) -> Result<Self, RuleError> {
        let chars = |count: Option<u32>| count.and_then(|count| usize::try_from(count).ok());
        if let (Some(min), Some(max)) = (filters.text_chars_min, filters.text_chars_max)
            && min > max
        {
            let message = format!("is above text_chars_max, which is {max}: nothing would pass");
            return Err(RuleError::new("filters_json.text_chars_min", message));
        }
        Ok(Self {
            authors_allow: entries("filters_json.authors_allow", &filters.authors_allow, author)?,
            authors_deny: entries("filters_json.authors_deny", &filters.authors_deny, author)?,
            keywords_any: entries("filters_json.keywords_any", &filters.keywords_any, keyword)?,
            keywords_none: entries(
                "filters_json.keywords_none",
                &filters.keywords_none,
                keyword,
            )?,
            regex_any: patterns("filters_json.regex_any", &filters.regex_any)?,
            regex_none: patterns("filters_json.regex_none", &filters.regex_none)?,
            has_attachment: filters.has_attachment,
            has_embed: filters.has_embed,
            domains_blocked: Domains::compile(
                "filters_json.domains_blocked",
                &filters.domains_blocked,
            )?,
            text_chars_min: chars(filters.text_chars_min),
            text_chars_max: chars(filters.text_chars_max),
        })
    }

    pub(super) fn verdict(&self, signal: &SignalState, said: &Said) -> Verdict {
        let objection = self
            .on_author(signal.author.as_ref())
            .or_else(|| self.on_shape(signal, said))
            .or_else(|| self.on_domains(said))
            .or_else(|| self.on_keywords(said))
            .or_else(|| self.on_patterns(said));
        objection.map_or(Verdict::Passes, |(filter, reason)| {
            Verdict::HeldBack(format!("filters_json.{filter}: {reason}"))
        })
    }

    fn on_author(&self, author: Option<&Author>) -> Option<Objection> {
        if let Some(denied) = named(&self.authors_deny, author) {
            return Some(("authors_deny", quoted(denied)));
        }
        if self.authors_allow.is_empty() || named(&self.authors_allow, author).is_some() {
            return None;
        }
        let who = author.map_or_else(
            || "nobody is known as its author".to_owned(),
            |author| {
                let name = author.username.as_deref().or(author.global_name.as_deref());
                let id = author.user_id;
                name.map_or_else(
                    || format!("{id} is not on it"),
                    |name| format!("{} ({id}) is not on it", quoted(name)),
                )
            },
        );
        Some(("authors_allow", who))
    }

    fn on_shape(&self, signal: &SignalState, said: &Said) -> Option<Objection> {
        let shape = [
            (
                "has_attachment",
                self.has_attachment,
                !signal.attachments().is_empty(),
            ),
            ("has_embed", self.has_embed, !said.embeds.is_empty()),
        ];
        for (filter, wanted, has) in shape {
            if wanted.is_some_and(|wanted| wanted != has) {
                return Some((
                    filter,
                    if has { "it has one" } else { "it has none" }.to_owned(),
                ));
            }
        }
        if self.text_chars_min.is_none() && self.text_chars_max.is_none() {
            return None;
        }
        let chars = said.text.trim().chars().count();
        if let Some(min) = self.text_chars_min.filter(|min| chars < *min) {
            return Some(("text_chars_min", format!("it has {chars}, needs {min}")));
        }
        let max = self.text_chars_max.filter(|max| chars > *max)?;
        Some(("text_chars_max", format!("it has {chars}, may have {max}")))
    }

    fn on_domains(&self, said: &Said) -> Option<Objection> {
        if self.domains_blocked.is_empty() {
            return None;
        }
        let in_texts = said
            .looked_at()
            .into_iter()
            .find_map(|text| self.domains_blocked.first_in(text));
        let of_embeds = || {
            let mut addresses = said.embeds.iter().flat_map(addresses);
            addresses.find_map(|address| self.domains_blocked.of_address(address))
        };
        let domain = in_texts.or_else(of_embeds)?;
        Some(("domains_blocked", quoted(domain)))
    }

    fn on_keywords(&self, said: &Said) -> Option<Objection> {
        if self.keywords_any.is_empty() && self.keywords_none.is_empty() {
            return None;
        }
        let texts: Vec<Folded> = said.looked_at().into_iter().map(Folded::of).collect();
        let stands = |entry: &&Entry<Phrase>| texts.iter().any(|text| text.contains(&entry.sought));
        if let Some(unwanted) = self.keywords_none.iter().find(stands) {
            return Some(("keywords_none", quoted(&unwanted.written)));
        }
        let lacks =
            !self.keywords_any.is_empty() && !self.keywords_any.iter().any(|entry| stands(&entry));
        lacks.then(|| ("keywords_any", "none of them is in it".to_owned()))
    }

    fn on_patterns(&self, said: &Said) -> Option<Objection> {
        if self.regex_any.is_empty() && self.regex_none.is_empty() {
            return None;
        }
        let texts = said.looked_at();
        let matches = |regex: &&Regex| texts.iter().any(|text| regex.is_match(text));
        if let Some(unwanted) = self.regex_none.iter().find(matches) {
            return Some(("regex_none", quoted(unwanted.as_str())));
        }
        let lacks =
            !self.regex_any.is_empty() && !self.regex_any.iter().any(|regex| matches(&regex));
        lacks.then(|| ("regex_any", "none of them matches".to_owned()))
    }
}

/// The filter, and why.
type Objection = (&'static str, String);

fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}

fn entries<T>(
    field: &str,
    list: &[String],
    sought: impl Fn(&str) -> T,
) -> Result<Vec<Entry<T>>, RuleError> {
    let limits = (ENTRIES_MAX, ENTRY_CHARS_MAX);
    compiled(field, list, limits, String::as_str, |text| {
        let written = text.trim().to_owned();
        Ok(Entry {
            sought: sought(&written),
            written,
        })
    })
}

fn author(written: &str) -> String {
    fold(written.strip_prefix('@').unwrap_or(written))
}

fn keyword(written: &str) -> Phrase {
    Phrase::new(written, true)
}

/// The entry that means this author: by id, unique name or shown name.
fn named<'a>(entries: &'a [Entry<String>], author: Option<&Author>) -> Option<&'a str> {
    let author = author.filter(|_| !entries.is_empty())?;
    let names = [author.username.as_deref(), author.global_name.as_deref()];
    let known: Vec<String> = names
        .into_iter()
        .flatten()
        .map(|name| fold(name.trim()))
        .chain([author.user_id.to_string()])
        .collect();
    let found = entries.iter().find(|entry| known.contains(&entry.sought));
    found.map(|entry| entry.written.as_str())
}

fn addresses(embed: &Embed) -> impl Iterator<Item = &str> {
    let addresses = [
        &embed.url,
        &embed.author_url,
        &embed.image_url,
        &embed.thumbnail_url,
    ];
    addresses
        .into_iter()
        .filter_map(|address| address.as_deref())
}
