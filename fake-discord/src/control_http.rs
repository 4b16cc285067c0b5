//! The control over HTTP, JSON under `/_fake`. Each route is one method of [`Control`].

use actix_web::{HttpResponse, web};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::{
    control::Control,
    faults_core::FaultRule,
    id::Id,
    settings::{Bot, Channel, Guild, Role},
};

/// The routes, to be mounted at `/_fake`.
pub(crate) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/messages", web::get().to(messages))
        .route("/messages", web::post().to(post_as))
        .route("/requests", web::get().to(requests))
        .route("/stats", web::get().to(stats))
        .route("/faults", web::get().to(faults))
        .route("/faults", web::post().to(add_faults))
        .route("/faults", web::delete().to(clear_faults))
        .route("/limits", web::get().to(limits))
        .route("/limits", web::post().to(change_limits))
        .route("/nonce_window", web::post().to(nonce_window))
        .route("/clock", web::get().to(clock))
        .route("/clock", web::post().to(advance_clock))
        .route("/bots", web::post().to(set_bots))
        .route("/channels", web::post().to(put_channels))
        .route("/channels/{channel}", web::delete().to(remove_channel))
        .route("/threads", web::get().to(threads))
        .route("/threads/{thread}", web::post().to(set_thread))
        .route("/webhooks", web::get().to(webhooks))
        .route("/webhooks", web::post().to(put_webhook))
        .route("/webhooks/{webhook}", web::delete().to(remove_webhook))
        .route("/channels", web::get().to(channels))
        .route("/guilds", web::post().to(put_guilds))
        .route("/guilds/{guild}", web::get().to(guild))
        .route("/guilds/{guild}", web::patch().to(change_guild))
        .route("/guilds/{guild}", web::delete().to(remove_guild))
        .route("/guilds/{guild}/roles", web::post().to(put_roles))
        .route(
            "/guilds/{guild}/roles/{role}",
            web::delete().to(remove_role),
        )
        .route("/reset", web::post().to(reset));
}

type Handle = web::Data<Control>;

#[derive(Deserialize)]
struct OfChannel {
    channel: Option<Id>,
}

#[derive(Deserialize)]
struct Since {
    #[serde(default)]
    since: u64,
}

#[derive(Deserialize)]
struct Advance {
    advance_ms: u64,
}

#[derive(Deserialize)]
struct NonceWindow {
    nonce_window_ms: u64,
}

#[derive(Deserialize)]
struct PostAs {
    channel_id: Id,
    author_id: Id,
    #[serde(default)]
    username: String,
    content: String,
}

#[derive(Deserialize)]
struct InChannel {
    channel: Id,
}

#[derive(Deserialize)]
struct InGuild {
    guild: Id,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GuildChange {
    name: Option<String>,
    has_bots: Option<bool>,
}

#[derive(Deserialize)]
struct ThreadState {
    archived: bool,
    locked: bool,
}

#[derive(Deserialize)]
struct PutWebhook {
    channel_id: Id,
    owner_id: Id,
    name: String,
}

async fn messages(control: Handle, query: web::Query<OfChannel>) -> HttpResponse {
    HttpResponse::Ok().json(control.messages(query.channel))
}

async fn post_as(control: Handle, body: web::Json<PostAs>) -> HttpResponse {
    let id = control.post_as(
        body.channel_id,
        body.author_id,
        &body.username,
        &body.content,
    );
    HttpResponse::Ok().json(json!({ "id": id }))
}

async fn requests(control: Handle, query: web::Query<Since>) -> HttpResponse {
    HttpResponse::Ok().json(control.requests(query.since))
}

async fn stats(control: Handle) -> HttpResponse {
    HttpResponse::Ok().json(control.stats())
}

async fn faults(control: Handle) -> HttpResponse {
    HttpResponse::Ok().json(control.faults())
}

async fn add_faults(control: Handle, body: web::Json<Value>) -> HttpResponse {
    each(body.into_inner(), |rule: FaultRule| control.add_fault(rule))
}

async fn clear_faults(control: Handle) -> HttpResponse {
    control.clear_faults();
    done()
}

async fn limits(control: Handle) -> HttpResponse {
    HttpResponse::Ok().json(control.limits())
}

/// What the body does not name stays as it is. `scale_percent` scales the result.
async fn change_limits(control: Handle, body: web::Json<Value>) -> HttpResponse {
    let mut change = body.into_inner();
    let percent = change
        .as_object_mut()
        .and_then(|parts| parts.remove("scale_percent"));
    let mut merged = json!(control.limits());
    merge(&mut merged, change);
    match serde_json::from_value::<crate::Limits>(merged) {
        Err(error) => refused(&error),
        Ok(limits) => {
            let percent = percent.and_then(|percent| u32::try_from(percent.as_u64()?).ok());
            control.set_limits(limits.scaled_percent(percent.unwrap_or(100)));
            done()
        }
    }
}

async fn nonce_window(control: Handle, body: web::Json<NonceWindow>) -> HttpResponse {
    control.set_nonce_window_ms(body.nonce_window_ms);
    done()
}

async fn clock(control: Handle) -> HttpResponse {
    HttpResponse::Ok().json(json!({ "now_ms": control.now_ms() }))
}

async fn advance_clock(control: Handle, body: web::Json<Advance>) -> HttpResponse {
    HttpResponse::Ok().json(json!({ "now_ms": control.advance_clock(body.advance_ms) }))
}

async fn set_bots(control: Handle, body: web::Json<Vec<Bot>>) -> HttpResponse {
    control.set_bots(body.into_inner());
    done()
}

async fn put_channels(control: Handle, body: web::Json<Value>) -> HttpResponse {
    each(body.into_inner(), |channel: Channel| {
        control.put_channel(channel)
    })
}

async fn remove_channel(control: Handle, channel: web::Path<Id>) -> HttpResponse {
    control.remove_channel(*channel);
    done()
}

async fn threads(control: Handle, query: web::Query<InChannel>) -> HttpResponse {
    HttpResponse::Ok().json(control.threads(query.channel))
}

async fn set_thread(
    control: Handle,
    thread: web::Path<Id>,
    state: web::Json<ThreadState>,
) -> HttpResponse {
    done_if(control.set_thread(*thread, state.archived, state.locked))
}

async fn webhooks(control: Handle, query: web::Query<InChannel>) -> HttpResponse {
    HttpResponse::Ok().json(control.webhooks(query.channel))
}

async fn put_webhook(control: Handle, body: web::Json<PutWebhook>) -> HttpResponse {
    let id = control.put_webhook(body.channel_id, body.owner_id, &body.name);
    HttpResponse::Ok().json(json!({ "id": id }))
}

async fn remove_webhook(control: Handle, webhook: web::Path<Id>) -> HttpResponse {
    done_if(control.remove_webhook(*webhook))
}

async fn put_guilds(control: Handle, body: web::Json<Value>) -> HttpResponse {
    each(body.into_inner(), |guild: Guild| control.put_guild(guild))
}

async fn channels(control: Handle, query: web::Query<InGuild>) -> HttpResponse {
    HttpResponse::Ok().json(control.channels(query.guild))
}

async fn guild(control: Handle, guild: web::Path<Id>) -> HttpResponse {
    match control.guild(*guild) {
        Some(guild) => HttpResponse::Ok().json(guild),
        None => done_if(false),
    }
}

async fn change_guild(
    control: Handle,
    guild: web::Path<Id>,
    change: web::Json<GuildChange>,
) -> HttpResponse {
    done_if(control.change_guild(*guild, change.name.as_deref(), change.has_bots))
}

async fn remove_guild(control: Handle, guild: web::Path<Id>) -> HttpResponse {
    done_if(control.remove_guild(*guild))
}

async fn put_roles(control: Handle, guild: web::Path<Id>, body: web::Json<Value>) -> HttpResponse {
    if control.guild(*guild).is_none() {
        return done_if(false);
    }
    each(body.into_inner(), |role: Role| {
        control.put_role(*guild, role);
    })
}

async fn remove_role(control: Handle, path: web::Path<(Id, Id)>) -> HttpResponse {
    let (guild, role) = path.into_inner();
    done_if(control.remove_role(guild, role))
}

async fn reset(control: Handle) -> HttpResponse {
    control.reset();
    done()
}

/// Takes one thing or a list of them; all are read before the first is used.
fn each<T: DeserializeOwned>(body: Value, use_one: impl FnMut(T)) -> HttpResponse {
    let list = match body {
        Value::Array(list) => list,
        one => vec![one],
    };
    match list
        .into_iter()
        .map(serde_json::from_value)
        .collect::<Result<Vec<T>, _>>()
    {
        Err(error) => refused(&error),
        Ok(things) => {
            things.into_iter().for_each(use_one);
            done()
        }
    }
}

fn done_if(found: bool) -> HttpResponse {
    if found {
        done()
    } else {
        HttpResponse::NotFound().json(json!({ "message": "there is none" }))
    }
}

fn done() -> HttpResponse {
    HttpResponse::Ok().json(json!({}))
}

fn refused(error: &serde_json::Error) -> HttpResponse {
    HttpResponse::BadRequest().json(json!({ "message": error.to_string() }))
}

fn merge(into: &mut Value, change: Value) {
    match (into, change) {
        (Value::Object(into), Value::Object(change)) => {
            for (name, value) in change {
                merge(into.entry(name).or_insert(Value::Null), value);
            }
        }
        (into, change) => *into = change,
    }
}
