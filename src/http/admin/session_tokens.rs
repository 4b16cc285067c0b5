//! `/api/session-tokens`: who may watch live, and until when.

use super::{
    Admin, actor,
    extract::{Json, Query},
    fields::{Name, Tier},
    lists::{Asked, Listed},
};
use crate::{
    error::ApiError,
    token::{self, SESSION_PREFIX},
};
use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Path},
};
use chrono::{DateTime, Utc};
use heliograph_schema::store::session_tokens::{self, NewSessionToken, SessionTokenRow};
use serde::{Deserialize, Serialize};

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = SessionTokenCreate)]
#[serde(deny_unknown_fields)]
pub(super) struct Create {
    name: Name,
    tier: Tier,
    /// Absent or `null`: it does not end by itself.
    expires_at_ms: Option<i64>,
}

/// A session token's row with the token: the only answer that holds one.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = SessionTokenWithToken)]
struct WithToken {
    session_token: SessionTokenRow,
    token: String,
}

/// All session tokens; never the tokens themselves.
#[utoipa::path(get, path = "/api/session-tokens", params(Asked), responses((status = 200, body = Listed<SessionTokenRow>)))]
pub(super) async fn list(
    admin: Data<Admin>,
    asked: Query<Asked>,
) -> Result<HttpResponse, ApiError> {
    let page = asked.page()?;
    let rows = admin
        .read(move |conn| session_tokens::list(conn, page))
        .await?;
    Ok(HttpResponse::Ok().json(asked.answer(rows, |row| row.session_token_id)?))
}

/// Makes a session token. It is shown once.
#[utoipa::path(
    post,
    path = "/api/session-tokens",
    request_body = Create,
    responses((status = 201, body = WithToken), (status = 422))
)]
pub(super) async fn create(
    request: HttpRequest,
    admin: Data<Admin>,
    body: Json<Create>,
) -> Result<HttpResponse, ApiError> {
    let Create {
        name: Name(name),
        tier: Tier(tier),
        expires_at_ms,
    } = body.into_inner();
    let expires_at = expires_at_ms.map(in_the_future).transpose()?;
    let token = token::make(SESSION_PREFIX, rand::random());
    let (actor, new) = (
        actor(&request),
        NewSessionToken {
            name,
            tier,
            expires_at,
            token_hash: token.hash,
        },
    );
    // The router is not asked: a token is looked up when a session begins.
    let session_token = admin
        .read(move |conn| session_tokens::create(conn, &actor, &new))
        .await?;
    Ok(HttpResponse::Created().json(WithToken {
        session_token,
        token: token.text,
    }))
}

/// Ends a session token, and the sessions that came with it.
#[utoipa::path(delete, path = "/api/session-tokens/{session_token_id}", responses((status = 204)))]
pub(super) async fn revoke(
    request: HttpRequest,
    admin: Data<Admin>,
    session_token_id: Path<i64>,
) -> Result<HttpResponse, ApiError> {
    let actor = actor(&request);
    admin
        .change(move |conn| session_tokens::revoke(conn, &actor, *session_token_id))
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

fn in_the_future(at_ms: i64) -> Result<DateTime<Utc>, ApiError> {
    DateTime::from_timestamp_millis(at_ms)
        .filter(|at| *at > Utc::now())
        .ok_or_else(|| {
            ApiError::refused("expires_at_ms is not in the future").field("expires_at_ms")
        })
}
