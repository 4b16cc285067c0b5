//! Who looks: a session token from a header or a cookie becomes a viewer with a tier. The seam for real accounts: whatever
//! proves itself in another way ends here as a [`Viewer`] too.

use super::Public;
use crate::error::ApiError;
use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{AUTHORIZATION, HOST, ORIGIN},
    web,
};
use heliograph_schema::store::session_tokens;
use serde_json::json;
use sha2::{Digest, Sha256};
use std::time::Duration;

/// The cookie that a browser's token is kept in.
pub(super) const COOKIE: &str = "heliograph_session";
const TOKEN_BYTES_MAX: usize = 512;

/// Somebody who may see channels up to a tier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Viewer {
    /// For people.
    pub(super) name: String,
    /// What it may see.
    pub(super) tier: i16,
    /// By which token; `None` for a visitor.
    pub(super) session_token_id: Option<i64>,
    /// How much longer; `None`: without end.
    pub(super) access_for: Option<Duration>,
}

/// The viewer behind a request.
///
/// # Errors
/// 401 without a token that lives, 503 when the tables do not answer.
pub(super) async fn of(request: &HttpRequest, public: &Public) -> Result<Viewer, ApiError> {
    match token(request) {
        Some(token) => by_token(&token, public).await,
        None => visitor(public),
    }
}

/// The viewer with this token.
pub(super) async fn by_token(token: &str, public: &Public) -> Result<Viewer, ApiError> {
    if token.is_empty() || token.len() > TOKEN_BYTES_MAX {
        return Err(ApiError::unauthorized());
    }
    let hash: [u8; 32] = Sha256::digest(token.as_bytes()).into();
    let found = public
        .store
        .run(move |connection| session_tokens::find_alive(connection, &hash))
        .await?;
    let row = found.ok_or_else(ApiError::unauthorized)?;
    let left = |end: chrono::DateTime<chrono::Utc>| {
        (end - chrono::Utc::now())
            .to_std()
            .unwrap_or(Duration::ZERO)
    };
    Ok(Viewer {
        name: row.name,
        tier: row.tier,
        session_token_id: Some(row.session_token_id),
        access_for: row.expires_at.map(left),
    })
}

fn visitor(public: &Public) -> Result<Viewer, ApiError> {
    let tier = public.open_tier.ok_or_else(ApiError::unauthorized)?;
    Ok(Viewer {
        name: "visitor".to_owned(),
        tier,
        session_token_id: None,
        access_for: None,
    })
}

fn token(request: &HttpRequest) -> Option<String> {
    let header = request
        .headers()
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let bearer = header.and_then(|value| value.split_once(' '));
    if let Some((_, token)) = bearer.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")) {
        return Some(token.trim().to_owned());
    }
    request
        .cookie(COOKIE)
        .map(|cookie| cookie.value().to_owned())
}

/// Refuses what a browser sends from another site's page: it would carry our cookie.
///
/// # Errors
/// 403 `forbidden`.
pub(super) fn same_origin(request: &HttpRequest) -> Result<(), ApiError> {
    let text = |name| {
        request
            .headers()
            .get(name)
            .map(|value| value.to_str().unwrap_or_default())
    };
    let Some(origin) = text(ORIGIN) else {
        return Ok(());
    };
    let authority = origin.split_once("://").map(|(_, authority)| authority);
    if authority.is_some() && authority == text(HOST) {
        return Ok(());
    }
    Err(ApiError::forbidden(
        "forbidden",
        "the request comes from another site",
    ))
}

/// `GET /api/me`.
pub(super) async fn get(
    request: HttpRequest,
    public: web::Data<Public>,
) -> Result<HttpResponse, ApiError> {
    let viewer = of(&request, &public).await?;
    Ok(HttpResponse::Ok().json(json!({ "name": viewer.name, "tier": viewer.tier })))
}
