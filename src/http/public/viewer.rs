//! Who looks: a session token from a header or a cookie becomes a viewer with a tier. The seam for real accounts: whatever
//! proves itself in another way ends here as a [`Viewer`] too.

use super::Public;
use crate::{
    error::ApiError,
    http::{bearer, origin},
    token::{self, SESSION_PREFIX},
};
use actix_web::{HttpRequest, HttpResponse, web};
use heliograph_schema::store::session_tokens;
use serde_json::json;
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};

/// The cookie that a browser's token is kept in.
pub(super) const COOKIE: &str = "heliograph_session";
/// Tokens looked up at a time: strangers who try tokens leave the other connections of the pool to everybody else.
const LOOK_UPS_MAX: usize = 2;
/// Longest wait for one's turn.
const LOOK_UP_WAIT_MAX: Duration = Duration::from_millis(1_500);
/// Seconds a client waits when its turn did not come.
const RETRY_AFTER_S: u32 = 2;

/// The turns of token look-ups, shared by the threads of the listener.
pub struct LookUps(Semaphore);

impl Default for LookUps {
    fn default() -> Self {
        Self(Semaphore::new(LOOK_UPS_MAX))
    }
}

impl LookUps {
    /// One turn, given back when it is dropped; 503 when none comes free within `wait_max`.
    async fn turn(&self, wait_max: Duration) -> Result<SemaphorePermit<'_>, ApiError> {
        let turn = tokio::time::timeout(wait_max, self.0.acquire()).await;
        turn.ok().and_then(Result::ok).ok_or_else(|| {
            let message = "too many tokens are being looked up";
            ApiError::unavailable("unavailable", message, RETRY_AFTER_S)
        })
    }
}

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
/// 401 without a token that lives, 503 when the tables do not answer or too many ask.
pub(super) async fn of(request: &HttpRequest, public: &Public) -> Result<Viewer, ApiError> {
    match token(request) {
        Some(token) => by_token(&token, public).await,
        None => visitor(public),
    }
}

/// The viewer with this token.
pub(super) async fn by_token(token: &str, public: &Public) -> Result<Viewer, ApiError> {
    if !token::has_form(token, SESSION_PREFIX) {
        return Err(ApiError::unauthorized());
    }
    let _turn = public.look_ups.turn(LOOK_UP_WAIT_MAX).await?;
    let hash = token::hash(token);
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
    let cookie = || Some(request.cookie(COOKIE)?.value().to_owned());
    bearer::token(request.headers())
        .map(str::to_owned)
        .or_else(cookie)
}

/// Refuses what a browser sends from another site's page: it would carry our cookie.
///
/// # Errors
/// 403 `forbidden`.
pub(super) fn same_origin(request: &HttpRequest) -> Result<(), ApiError> {
    if !origin::is_foreign(request.headers()) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[actix_web::test]
    async fn who_gets_no_turn_in_time_is_to_come_again() {
        let look_ups = LookUps::default();
        let now = Duration::ZERO;
        let mut turns = Vec::new();
        for _ in 0..LOOK_UPS_MAX {
            turns.push(look_ups.turn(now).await.ok());
        }
        assert!(turns.iter().all(Option::is_some));
        let refused = look_ups.turn(now).await.err();
        assert_eq!(refused.map(|error| error.error_code()), Some("unavailable"));
        turns.pop();
        assert!(look_ups.turn(now).await.is_ok());
    }
}
