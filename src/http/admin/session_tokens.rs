//! `/api/session-tokens`: who may watch live, and until when.

use super::{
    Admin, actor,
    fields::{Name, Tier},
    lists::Asked,
};
use crate::{
    error::ApiError,
    token::{self, SESSION_PREFIX},
};
use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Json, Path, Query},
};
use chrono::{DateTime, Utc};
use heliograph_schema::store::session_tokens::{self, NewSessionToken, SessionTokenRow};
use serde::{Deserialize, Serialize};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Create {
    name: Name,
    tier: Tier,
    expires_at_ms: Option<i64>,
}

/// A session token's row with the token: the only answer that holds one.
#[derive(Serialize)]
struct WithToken {
    session_token: SessionTokenRow,
    token: String,
}

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
        .ok_or_else(|| ApiError::refused("expires_at_ms is not in the future"))
}
