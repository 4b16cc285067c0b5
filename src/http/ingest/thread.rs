//! Thread events: made, changed, gone, joined and left. One request holds one event, so a body that is none is refused as a
//! whole; but only what says which thread it is must be right, and the rest is taken as far as it can be read.

use super::{
    Ingest, Push, answer, auth,
    field::{self, Reason, Value},
    parse::{self, BatchError},
};
use crate::{
    error::ApiError,
    http::{correlation::CorrelationId, operators::Readiness},
};
use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, Utc};
use heliograph_schema::{
    ids::{DISCORD_EPOCH_MS, SignalId, UserId},
    store::{
        mirrored_threads,
        signals::Group,
        threads::{self, ThreadEvent, ThreadEventKind},
    },
};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

const NAME_CHARS_MAX: usize = 200;
/// Members that one event adds, or removes; more are left out.
const MEMBERS_MAX: usize = 10_000;
/// Where the id of a member stands when it is told as an object.
const MEMBER_ID_SPELLINGS: [&str; 3] = ["user_id", "discord_user_id", "id"];

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    tenant_key: Value<'a>,
    #[serde(borrow)]
    connector_id: Value<'a>,
    #[serde(borrow)]
    event_type: Value<'a>,
    #[serde(borrow)]
    thread: Value<'a>,
    #[serde(borrow)]
    member_delta: Value<'a>,
}

#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(borrow)]
    discord_thread_id: Value<'a>,
    #[serde(borrow)]
    parent_channel_id: Value<'a>,
    #[serde(borrow)]
    guild_id: Value<'a>,
    #[serde(borrow)]
    name: Value<'a>,
    #[serde(borrow)]
    archived: Value<'a>,
    #[serde(borrow)]
    locked: Value<'a>,
    #[serde(borrow)]
    auto_archive_duration: Value<'a>,
    #[serde(borrow)]
    archive_timestamp: Value<'a>,
    #[serde(borrow)]
    message_count: Value<'a>,
    #[serde(borrow)]
    member_count: Value<'a>,
    #[serde(borrow)]
    rate_limit_per_user: Value<'a>,
    #[serde(borrow)]
    owner_id: Value<'a>,
    #[serde(borrow)]
    owner_username: Value<'a>,
    #[serde(borrow)]
    owner_global_name: Value<'a>,
    #[serde(borrow)]
    last_message_id: Value<'a>,
    #[serde(borrow)]
    last_message_at: Value<'a>,
    #[serde(borrow)]
    created_timestamp: Value<'a>,
}

#[derive(Default, Deserialize)]
struct Delta {
    #[serde(default)]
    added: Json,
    #[serde(default)]
    removed: Json,
}

/// An event and whose it says it is.
#[derive(Debug, PartialEq, Eq)]
struct Told {
    tenant_key: String,
    connector_id: String,
    event: ThreadEvent,
}

#[derive(Serialize)]
struct Taken {}

/// `POST /ingest/thread`.
pub(super) async fn post(
    ingest: web::Data<Ingest>,
    readiness: web::Data<Readiness>,
    request: HttpRequest,
    payload: web::Payload,
    correlation_id: CorrelationId,
) -> HttpResponse {
    answer::of(
        take(&ingest, &readiness, &request, payload, &correlation_id).await,
        &correlation_id,
    )
}

async fn take(
    ingest: &Ingest,
    readiness: &Readiness,
    request: &HttpRequest,
    payload: web::Payload,
    correlation_id: &CorrelationId,
) -> Result<Taken, ApiError> {
    let (push, _place) = ingest.receive_event(readiness, request, payload).await?;
    let told = parse_event(&push.body, push.received_at_ms)?;
    auth::belongs(&push.connector, &told.tenant_key, &told.connector_id)?;
    let kept = push.kept("thread", correlation_id, Vec::new());
    store(ingest, kept, told.event).await?;
    Ok(Taken {})
}

async fn store(ingest: &Ingest, kept: Group, event: ThreadEvent) -> Result<(), ApiError> {
    let commit = ingest.commit(kept, move |conn| {
        threads::take_event(conn, &event)?;
        mirrored_threads::want_as_source(conn, event.thread_id)
    });
    // Threads that mirror it are archived and opened again as it is.
    for target in ingest.within_time(commit).await? {
        ingest.outlets.look_at(target);
    }
    Ok(())
}

/// Takes the body of a thread event as if it came now.
pub(super) async fn take_again(
    ingest: &Ingest,
    push: &Push,
    correlation_id: &CorrelationId,
) -> Result<Result<(), Reason>, ApiError> {
    let told = match parse_event(&push.body, push.received_at_ms) {
        Ok(told) => told,
        Err(error) => return Ok(Err(error.to_string())),
    };
    let kept = push.kept("thread", correlation_id, Vec::new());
    store(ingest, kept, told.event).await.map(Ok)
}

/// Reads the body of a thread event that was received at `now_ms`.
fn parse_event(body: &[u8], now_ms: i64) -> Result<Told, BatchError> {
    let text = field::body_text(body);
    let text = field::repaired(&text);
    let envelope: Envelope<'_> = parse::object(&text)?;
    Ok(Told {
        tenant_key: parse::owner("tenant_key", envelope.tenant_key)?,
        connector_id: parse::owner("connector_id", envelope.connector_id)?,
        event: event(&envelope, now_ms)
            .map_err(|reason| BatchError::InvalidBatch(field::bounded_reason(reason)))?,
    })
}

fn event(envelope: &Envelope<'_>, now_ms: i64) -> Result<ThreadEvent, Reason> {
    let kind = kind(envelope.event_type)?;
    let raw = field::required("thread", envelope.thread)?;
    let thread: Wire<'_> = field::object(raw).map_err(|reason| format!("thread{reason}"))?;
    let delta = envelope
        .member_delta
        .and_then(|raw| serde_json::from_str::<Delta>(raw.get()).ok())
        .unwrap_or_default();
    Ok(ThreadEvent {
        kind,
        thread_id: field::required_id("thread.discord_thread_id", thread.discord_thread_id)?,
        parent_channel_id: field::required_id(
            "thread.parent_channel_id",
            thread.parent_channel_id,
        )?,
        guild_id: field::required_id("thread.guild_id", thread.guild_id)?,
        name: words(thread.name).unwrap_or_default(),
        archived: field::boolean(thread.archived),
        locked: field::boolean(thread.locked),
        auto_archive_duration: count(thread.auto_archive_duration),
        archive_timestamp: moment(thread.archive_timestamp, now_ms),
        message_count: count(thread.message_count),
        member_count: count(thread.member_count),
        rate_limit_per_user: count(thread.rate_limit_per_user),
        owner_id: field::id("", thread.owner_id).ok().flatten(),
        owner_username: words(thread.owner_username),
        owner_global_name: words(thread.owner_global_name),
        last_message_id: field::id::<SignalId>("", thread.last_message_id)
            .ok()
            .flatten()
            .filter(|id| id.created_at_ms() <= field::latest_ms(now_ms)),
        last_message_at: moment(thread.last_message_at, now_ms),
        created_timestamp: moment(thread.created_timestamp, now_ms),
        members_added: members(&delta.added),
        members_removed: members(&delta.removed),
    })
}

fn kind(value: Value<'_>) -> Result<ThreadEventKind, Reason> {
    let word = field::required("event_type", field::text("event_type", value)?)?;
    match &*word {
        "create" => Ok(ThreadEventKind::Create),
        "update" => Ok(ThreadEventKind::Update),
        "delete" => Ok(ThreadEventKind::Delete),
        "members_update" => Ok(ThreadEventKind::MembersUpdate),
        _ => Err(format!(
            "event_type: expected create, update, delete or members_update, got {}",
            field::bounded(&word, 40)
        )),
    }
}

/// What is said in words; `None` for anything else.
fn words(value: Value<'_>) -> Option<String> {
    field::cut_text("", value, NAME_CHARS_MAX).ok().flatten()
}

/// What counts something; `None` for anything else.
fn count(value: Value<'_>) -> Option<i32> {
    field::integer(value)
        .and_then(|number| i32::try_from(number).ok())
        .filter(|number| *number >= 0)
}

/// A time in ISO-8601 or in milliseconds since 1970; `None` for anything else, and for a time out of range: the greatest one
/// that was ever said stays.
fn moment(value: Value<'_>, now_ms: i64) -> Option<DateTime<Utc>> {
    let in_words = field::text("", value)
        .ok()
        .flatten()
        .and_then(|text| field::moment_ms(&text));
    let at_ms = in_words.or_else(|| field::integer(value))?;
    (DISCORD_EPOCH_MS..=field::latest_ms(now_ms))
        .contains(&at_ms)
        .then(|| DateTime::from_timestamp_millis(at_ms))
        .flatten()
}

/// The members of a list that tells them by id or as objects; what is neither is left out.
fn members(list: &Json) -> Vec<UserId> {
    let id = |member: &Json| match member {
        Json::String(id) => id.parse().ok(),
        Json::Object(map) => MEMBER_ID_SPELLINGS
            .iter()
            .find_map(|key| map.get(*key)?.as_str()?.parse().ok()),
        _ => None,
    };
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(id)
        .take(MEMBERS_MAX)
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    /// 2026-11-21T10:00:00Z.
    const NOW_MS: i64 = 1_795_255_200_000;

    fn body(event_type: &str, thread: &Json, member_delta: &Json) -> Vec<u8> {
        json!({"tenant_key": "t", "connector_id": "c", "idempotency_key": "k", "event_type": event_type, "thread": thread, "member_delta": member_delta}).to_string().into_bytes()
    }

    fn read(event_type: &str, thread: &Json, member_delta: &Json) -> Result<ThreadEvent, String> {
        parse_event(&body(event_type, thread, member_delta), NOW_MS)
            .map(|told| told.event)
            .map_err(|error| error.to_string())
    }

    fn least() -> ThreadEvent {
        ThreadEvent {
            kind: ThreadEventKind::Update,
            thread_id: "3".parse().unwrap(),
            parent_channel_id: "2".parse().unwrap(),
            guild_id: "1".parse().unwrap(),
            name: String::new(),
            archived: None,
            locked: None,
            auto_archive_duration: None,
            archive_timestamp: None,
            message_count: None,
            member_count: None,
            rate_limit_per_user: None,
            owner_id: None,
            owner_username: None,
            owner_global_name: None,
            last_message_id: None,
            last_message_at: None,
            created_timestamp: None,
            members_added: vec![],
            members_removed: vec![],
        }
    }

    #[test]
    fn a_full_event_reads_in_full() {
        let thread = json!({
            "discord_thread_id": "3", "parent_channel_id": "2", "guild_id": "1", "name": "BTC \u{1F680}", "archived": true, "locked": false,
            "auto_archive_duration": 1440, "archive_timestamp": "2026-11-21T09:00:00+00:00", "message_count": 5, "member_count": 6,
            "rate_limit_per_user": 0, "owner_id": "77", "owner_username": "ada", "owner_global_name": "Ada", "last_message_id": "1300000000000000001",
            "last_message_at": "2026-11-21T09:30:00.000Z", "created_timestamp": 1_795_255_100_000_i64,
        });
        let at = |ms| DateTime::from_timestamp_millis(ms);
        let expected = ThreadEvent {
            kind: ThreadEventKind::MembersUpdate,
            name: "BTC \u{1F680}".into(),
            archived: Some(true),
            locked: Some(false),
            auto_archive_duration: Some(1440),
            archive_timestamp: at(NOW_MS - 3_600_000),
            message_count: Some(5),
            member_count: Some(6),
            rate_limit_per_user: Some(0),
            owner_id: "77".parse().ok(),
            owner_username: Some("ada".into()),
            owner_global_name: Some("Ada".into()),
            last_message_id: "1300000000000000001".parse().ok(),
            last_message_at: at(NOW_MS - 1_800_000),
            created_timestamp: at(NOW_MS - 100_000),
            members_added: vec!["5".parse().unwrap(), "6".parse().unwrap()],
            members_removed: vec!["7".parse().unwrap()],
            ..least()
        };
        let delta =
            json!({"added": ["5", {"user_id": "6", "id": "3"}, 7, "x"], "removed": [{"id": "7"}]});
        assert_eq!(read("members_update", &thread, &delta), Ok(expected));
    }

    #[test]
    fn only_ids_and_event_must_be_right() {
        let ids = json!({"discord_thread_id": "3", "parent_channel_id": "2", "guild_id": "1"});
        assert_eq!(read("update", &ids, &Json::Null), Ok(least()));
        let mut odd = ids;
        for key in [
            "name",
            "archived",
            "locked",
            "auto_archive_duration",
            "archive_timestamp",
            "message_count",
            "member_count",
            "owner_id",
            "owner_username",
            "last_message_at",
        ] {
            odd[key] = json!({"not": ["this"]});
        }
        odd["last_message_id"] = json!("9223372036854775807");
        odd["created_timestamp"] = json!("9999-01-01T00:00:00Z");
        odd["rate_limit_per_user"] = json!(-1);
        assert_eq!(read("update", &odd, &json!([1])), Ok(least()));
    }

    #[test]
    fn what_is_no_thread_event_is_refused_and_named() {
        let ids = json!({"discord_thread_id": "3", "parent_channel_id": "2", "guild_id": "1"});
        let table = [
            (
                "moved",
                ids,
                "event_type: expected create, update, delete or members_update, got moved",
            ),
            ("create", Json::Null, "thread: missing"),
            (
                "create",
                json!([]),
                "thread: expected an object, got an array",
            ),
            (
                "create",
                json!({"discord_thread_id": 3}),
                "thread.discord_thread_id: expected a string, got a number",
            ),
            (
                "delete",
                json!({"discord_thread_id": "3"}),
                "thread.parent_channel_id: missing",
            ),
        ];
        for (event_type, thread, reason) in table {
            assert_eq!(
                read(event_type, &thread, &Json::Null).unwrap_err(),
                format!("the body is not a batch: {reason}")
            );
        }
        assert!(matches!(
            parse_event(b"{", NOW_MS),
            Err(BatchError::InvalidJson(_))
        ));
    }

    #[test]
    fn a_name_that_no_text_can_hold_is_repaired() {
        let body = String::from_utf8(body("create", &json!({"discord_thread_id": "3", "parent_channel_id": "2", "guild_id": "1", "name": "NAME"}), &Json::Null)).unwrap();
        let told = parse_event(body.replace("NAME", r"a\ud800\u0000").as_bytes(), NOW_MS).unwrap();
        assert_eq!(told.event.name, "a\u{FFFD}\u{FFFD}");
    }
}
