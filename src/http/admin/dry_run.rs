//! What rules would make of the latest signals of a source channel, rendered as mirrors render them: by the same function, with
//! the same names. Nothing is written and nothing is sent. Holds no rule about signals, only the bounds of one answer.

use super::{
    Admin,
    extract::{Json, Query},
    rule_fields::{self, WithRules},
};
use crate::error::ApiError;
use actix_web::{
    HttpResponse,
    web::{self, Data, Path},
};
use heliograph_actors::{
    markup_core::Names,
    payload::PartPayload,
    render_core::{How, Rendering, render_with},
    rules_core::{CompiledRules, author_name},
};
use heliograph_schema::{
    ids::{ChannelId, RoleId, SignalId, ThreadId},
    rules::MappingRules,
    signal::SignalState,
    store::{mappings, mirrored_threads, signals},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::Semaphore;

const LAST_DEFAULT: i64 = 20;
const LAST_MAX: i64 = 200;
/// Characters of a signal's own text that are shown.
const TEXT_CHARS_MAX: usize = 300;
/// How long one answer is rendered; patterns may take a tenth of a second for a signal.
const RENDERING_MAX: Duration = Duration::from_secs(2);
/// Bytes of items after which no further one is added.
const ITEMS_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Dry runs at a time: they take a core from those who deliver.
static TURNS: Semaphore = Semaphore::const_new(1);

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Last {
    /// So many signals, the latest ones; 20 without it.
    #[param(minimum = 1, maximum = 200)]
    last: Option<i64>,
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = DryRunUnsaved)]
#[serde(deny_unknown_fields)]
pub(super) struct Unsaved {
    source_channel_id: ChannelId,
    ping_role_id: Option<RoleId>,
    #[schema(minimum = 1, maximum = 200)]
    last: Option<i64>,
}

type RuledUnsaved = WithRules<Unsaved>;

/// What rules make of signals.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = DryRun)]
struct Answer {
    /// Newest first.
    items: Vec<Item>,
    /// Why there are fewer items than signals.
    cut_short: Option<&'static str>,
}

/// What they make of one signal.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = DryRunItem)]
struct Item {
    signal_id: SignalId,
    author: Option<String>,
    /// The name of the thread it stands in.
    thread: Option<String>,
    /// Its own text, the beginning of it.
    text: String,
    deleted: bool,
    result: Outcome,
    reason: Option<String>,
    /// The messages that would be posted.
    parts: Vec<Part>,
}

/// What would become of a signal.
#[derive(Clone, Copy, Serialize, utoipa::ToSchema)]
#[schema(as = DryRunResult)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    Posts,
    HeldBack,
    NothingToShow,
}

/// One message, its embeds as Discord would be given them.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = DryRunPart)]
struct Part {
    content: String,
    embeds: Value,
    pings_role: Option<RoleId>,
    /// Whom a webhook would post as; without one the bot posts it under its own name.
    sender: Option<Sender>,
}

/// See [`Part`].
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = DryRunSender)]
struct Sender {
    name: String,
    avatar_url: Option<String>,
}

struct DryRun {
    source_channel_id: ChannelId,
    ping_role_id: Option<RoleId>,
    rules: MappingRules,
    last: i64,
}

/// The signals that are looked at, newest first, and what is known beside them.
struct Material {
    signals: Vec<SignalState>,
    threads: HashMap<ThreadId, String>,
    names: Arc<Names>,
}

/// What the saved rules of a mapping make of the latest signals.
#[utoipa::path(get, path = "/api/mappings/{mapping_id}/dry-run", params(Last), responses((status = 200, body = Answer), (status = 422)))]
pub(super) async fn saved(
    admin: Data<Admin>,
    mapping_id: Path<i64>,
    asked: Query<Last>,
) -> Result<HttpResponse, ApiError> {
    let last = within_bounds(asked.last)?;
    let mapping = admin
        .read(move |conn| mappings::find(conn, *mapping_id))
        .await?;
    let asked = DryRun {
        source_channel_id: mapping.row.source_channel_id,
        ping_role_id: mapping.row.ping_role_id,
        rules: mapping.rules,
        last,
    };
    run(&admin, asked).await
}

/// What rules that are nowhere saved make of the latest signals.
#[utoipa::path(
    post,
    path = "/api/mappings/dry-run",
    request_body = RuledUnsaved,
    responses((status = 200, body = Answer), (status = 404), (status = 422))
)]
pub(super) async fn unsaved(
    admin: Data<Admin>,
    body: Json<RuledUnsaved>,
) -> Result<HttpResponse, ApiError> {
    let WithRules { own, rules } = body.into_inner();
    let asked = DryRun {
        source_channel_id: own.source_channel_id,
        ping_role_id: own.ping_role_id,
        rules: rules.applied_to(&MappingRules::default()),
        last: within_bounds(own.last)?,
    };
    run(&admin, asked).await
}

fn within_bounds(last: Option<i64>) -> Result<i64, ApiError> {
    let last = last.unwrap_or(LAST_DEFAULT);
    if (1..=LAST_MAX).contains(&last) {
        return Ok(last);
    }
    let said = format!("last must be from 1 to {LAST_MAX}");
    Err(ApiError::invalid(said).field("last"))
}

async fn run(admin: &Admin, asked: DryRun) -> Result<HttpResponse, ApiError> {
    let turn = TURNS
        .acquire()
        .await
        .map_err(|closed| ApiError::internal(&closed))?;
    let material = material(admin, asked.source_channel_id, asked.last).await?;
    let answer = web::block(move || {
        // Kept until the work is done, though nobody may wait for it any more.
        let _turn = turn;
        let rules = rule_fields::compiled(&asked.rules)?;
        let started = Instant::now();
        let is_late = || started.elapsed() > RENDERING_MAX;
        Ok::<_, ApiError>(answer(&material, &rules, asked.ping_role_id, is_late))
    });
    let answer = answer.await.map_err(|error| ApiError::internal(&error))??;
    Ok(HttpResponse::Ok().json(answer))
}

async fn material(admin: &Admin, source: ChannelId, last: i64) -> Result<Material, ApiError> {
    let routing = admin.routing.borrow().clone();
    let read = admin.store.read(move |conn| {
        let Some((_, signals)) = signals::history(conn, source, None, last)? else {
            return Ok(None);
        };
        let threads: Vec<ThreadId> = signals.iter().filter_map(|it| it.thread_id).collect();
        let threads = mirrored_threads::names(conn, &threads)?;
        Ok(Some((signals, threads)))
    });
    let found = read.await?;
    if found.is_none() && !routing.sources.contains_key(&source) {
        return Err(ApiError::not_found("such source channel"));
    }
    let (signals, threads) = found.unwrap_or_default();
    Ok(Material {
        signals,
        threads,
        names: routing.names.clone(),
    })
}

fn answer(
    material: &Material,
    rules: &CompiledRules,
    ping_role_id: Option<RoleId>,
    is_late: impl Fn() -> bool,
) -> Answer {
    let (mut items, mut bytes, mut cut_short) = (Vec::new(), 0, None);
    for signal in &material.signals {
        if is_late() {
            cut_short = Some("the rules take too long for more signals at once");
            break;
        }
        let thread = signal.thread_id.and_then(|id| material.threads.get(&id));
        let how = How {
            rules,
            ping_role_id,
            names: &material.names,
            thread_name: thread.map(String::as_str),
        };
        let item = item(signal, &how);
        bytes += serde_json::to_vec(&item).map_or(0, |json| json.len());
        items.push(item);
        if bytes > ITEMS_BYTES_MAX && items.len() < material.signals.len() {
            cut_short = Some("the answer would become too large");
            break;
        }
    }
    Answer { items, cut_short }
}

fn item(signal: &SignalState, how: &How<'_>) -> Item {
    let deleted = signal.deleted_at_ms.is_some();
    let Rendering { parts, held_back } = render_with(signal, how);
    let (result, reason) = match held_back {
        Some(reason) => (Outcome::HeldBack, Some(reason)),
        None if !parts.is_empty() => (Outcome::Posts, None),
        None if deleted => (Outcome::NothingToShow, Some("it was deleted".to_owned())),
        None => (
            Outcome::NothingToShow,
            Some("it has no text, no file and no embed of its own".to_owned()),
        ),
    };
    let author = signal
        .author
        .as_ref()
        .map(|author| author_name(author, how.names).unwrap_or_else(|| author.user_id.to_string()));
    Item {
        signal_id: signal.signal_id,
        author,
        thread: how.thread_name.map(str::to_owned),
        text: shortened(signal.clean_text()),
        deleted,
        result,
        reason,
        parts: parts.iter().map(part).collect(),
    }
}

fn part(payload: &PartPayload) -> Part {
    let sender = payload.author.as_ref();
    Part {
        content: payload.content.clone(),
        embeds: payload.to_json()["embeds"].take(),
        pings_role: payload.ping_role_id,
        sender: sender.map(|it| Sender {
            name: it.name.clone(),
            avatar_url: it.avatar_url.clone(),
        }),
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(TEXT_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use heliograph_schema::{
        ids::{GuildId, SignalId},
        signal::{Stamped, Text},
    };
    use serde_json::json;
    use std::cell::Cell;

    fn signal(number: i64, text: &str) -> SignalState {
        let ids = (SignalId::new(number), ChannelId::new(1), GuildId::new(7));
        let mut signal = SignalState::unknown(ids.0.unwrap(), ids.1.unwrap(), ids.2.unwrap());
        let (raw, clean) = (text.to_owned(), text.to_owned());
        signal.text = Some(Stamped {
            stamp_ms: 0,
            value: Text { raw, clean },
        });
        signal
    }

    fn material(signals: Vec<SignalState>) -> Material {
        Material {
            signals,
            threads: HashMap::new(),
            names: Arc::default(),
        }
    }

    fn plain(material: &Material, is_late: impl Fn() -> bool) -> Value {
        json!(answer(material, &CompiledRules::default(), None, is_late))
    }

    #[test]
    fn each_result_says_why() {
        let mut deleted = signal(3, "sold");
        deleted.deleted_at_ms = Some(1);
        let signals = vec![signal(4, "long"), deleted, signal(2, " "), signal(1, "ad")];
        let rules =
            json!({ "filters_json": { "keywords_none": ["ad"] }, "author_style": "webhook" });
        let rules = CompiledRules::compile(&serde_json::from_value(rules).unwrap()).unwrap();
        let shown = json!(answer(&material(signals), &rules, RoleId::new(9), || false));
        let told = |item: &Value| {
            let [result, reason] = ["result", "reason"].map(|field| item[field].clone());
            (result, reason, item["parts"].as_array().unwrap().len())
        };
        let items: Vec<_> = shown["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(told)
            .collect();
        let expected = [
            (json!("posts"), json!(null), 1),
            (json!("nothing_to_show"), json!("it was deleted"), 0),
            (
                json!("nothing_to_show"),
                json!("it has no text, no file and no embed of its own"),
                0,
            ),
            (
                json!("held_back"),
                json!("filters_json.keywords_none: \"ad\""),
                0,
            ),
        ];
        assert_eq!(items, expected);
        let part = &shown["items"][0]["parts"][0];
        assert_eq!(
            (
                &part["content"],
                &part["pings_role"],
                part["sender"]["name"].is_string()
            ),
            (&json!("<@&9>\nlong"), &json!("9"), true)
        );
        assert_eq!(shown["cut_short"], Value::Null);
    }

    #[test]
    fn an_answer_ends_in_time_and_in_size_and_says_so() {
        let asked = Cell::new(0);
        let is_late = || asked.replace(asked.get() + 1) == 2;
        let signals = (1..=5).map(|number| signal(number, "long")).collect();
        let shown = plain(&material(signals), is_late);
        assert_eq!(shown["items"].as_array().unwrap().len(), 2);
        assert!(shown["cut_short"].as_str().unwrap().contains("too long"));

        let long = "x".repeat(ITEMS_BYTES_MAX / 4);
        let large: Vec<_> = (1..=9).map(|number| signal(number, &long)).collect();
        let shown = plain(&material(large.clone()), || false);
        assert_eq!(shown["items"].as_array().unwrap().len(), 4);
        assert!(shown["cut_short"].as_str().unwrap().contains("too large"));
        let item = &shown["items"][0];
        assert_eq!(
            item["text"].as_str().unwrap().chars().count(),
            TEXT_CHARS_MAX + 1
        );
        let shown = plain(&material(large[..4].to_vec()), || false);
        assert_eq!(shown["cut_short"], Value::Null);
    }
}
