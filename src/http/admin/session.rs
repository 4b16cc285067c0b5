//! `/api/session`: signing in with a browser. The admin token moves from the body into memory here; the browser gets a cookie that
//! no script can read and that goes nowhere else.

use super::{Admin, extract::Json, sign_ins, sign_ins::NotSignedIn};
use crate::{clock, error::ApiError};
use actix_web::{
    HttpRequest, HttpResponse,
    cookie::{Cookie, SameSite, time::Duration},
    web::Data,
};
use serde::{Deserialize, Serialize};

/// The cookie.
pub(super) const COOKIE: &str = "heliograph_admin";

/// Who wants to sign in.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SignIn {
    /// The admin token.
    token: String,
}

/// Whether a browser must sign in.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct SignInState {
    /// Without the token nothing is answered.
    token_needed: bool,
    /// This browser is signed in, or need not be.
    signed_in: bool,
}

fn cookie(request: &HttpRequest, admin: &Admin, value: String) -> Cookie<'static> {
    // Behind a TLS proxy the scheme is in the forwarding headers.
    let secure = admin.sign_ins.secure_cookie || request.connection_info().scheme() == "https";
    Cookie::build(COOKIE, value)
        .path("/")
        .http_only(true)
        .secure(secure)
        .same_site(SameSite::Strict)
        .finish()
}

/// Signs a browser in for twelve hours, by a cookie.
#[utoipa::path(
    post,
    path = "/api/session",
    request_body = SignIn,
    security(()),
    responses((status = 204), (status = 401), (status = 403), (status = 429, description = "Too many wrong tokens."))
)]
pub(super) async fn post(
    request: HttpRequest,
    admin: Data<Admin>,
    body: Json<SignIn>,
) -> Result<HttpResponse, ApiError> {
    let Some(right) = &admin.token else {
        return Ok(HttpResponse::NoContent().finish());
    };
    let signed_in = admin.sign_ins.sign_in(
        clock::now_ms(),
        &body.token,
        right.expose(),
        rand::random::<[u8; 32]>(),
    );
    match signed_in {
        Ok(text) => {
            let mut cookie = cookie(&request, &admin, text);
            cookie.set_max_age(Duration::milliseconds(sign_ins::HELD_MS));
            Ok(HttpResponse::NoContent().cookie(cookie).finish())
        }
        Err(NotSignedIn::WrongToken) => {
            tracing::warn!(from = ?request.peer_addr().map(|at| at.ip()), "a wrong admin token");
            Err(ApiError::unauthorized())
        }
        Err(NotSignedIn::TooMany(retry_after_s)) => Err(ApiError::too_many(
            "too_many_sign_ins",
            "too many wrong tokens",
            retry_after_s,
        )),
    }
}

/// Whether a browser must sign in, and whether this one is.
#[utoipa::path(get, path = "/api/session", security(()), responses((status = 200, body = SignInState), (status = 403)))]
pub(super) async fn get(request: HttpRequest, admin: Data<Admin>) -> HttpResponse {
    let token_needed = admin.token.is_some();
    let is_signed_in =
        |cookie: Cookie<'_>| admin.sign_ins.is_signed_in(clock::now_ms(), cookie.value());
    HttpResponse::Ok().json(SignInState {
        token_needed,
        signed_in: !token_needed || request.cookie(COOKIE).is_some_and(is_signed_in),
    })
}

/// Signs this browser out; its live sockets end.
#[utoipa::path(delete, path = "/api/session", security(()), responses((status = 204), (status = 403)))]
pub(super) async fn delete(request: HttpRequest, admin: Data<Admin>) -> HttpResponse {
    if let Some(cookie) = request.cookie(COOKIE) {
        admin.sign_ins.sign_out(cookie.value());
    }
    let mut gone = cookie(&request, &admin, String::new());
    gone.set_max_age(Duration::ZERO);
    HttpResponse::NoContent().cookie(gone).finish()
}
