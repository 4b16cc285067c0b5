//! Sign-in with a session token: the token moves from the body into an HttpOnly cookie, where no script can read it.

use super::{Public, viewer};
use crate::error::ApiError;
use actix_web::{
    HttpRequest, HttpResponse,
    cookie::{Cookie, SameSite, time::Duration},
    web,
};
use serde::Deserialize;

#[derive(Deserialize)]
pub(super) struct SignIn {
    token: String,
}

fn cookie(request: &HttpRequest, value: String) -> Cookie<'static> {
    // Behind a TLS proxy the scheme is in the forwarding headers.
    let secure = request.connection_info().scheme() == "https";
    Cookie::build(viewer::COOKIE, value)
        .path("/")
        .http_only(true)
        .secure(secure)
        .same_site(SameSite::Strict)
        .finish()
}

/// `POST /api/session`.
pub(super) async fn post(
    request: HttpRequest,
    public: web::Data<Public>,
    body: web::Json<SignIn>,
) -> Result<HttpResponse, ApiError> {
    viewer::same_origin(&request)?;
    viewer::by_token(&body.token, &public).await?;
    Ok(HttpResponse::NoContent()
        .cookie(cookie(&request, body.into_inner().token))
        .finish())
}

/// `DELETE /api/session`.
pub(super) async fn delete(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    viewer::same_origin(&request)?;
    let mut gone = cookie(&request, String::new());
    gone.set_max_age(Duration::ZERO);
    Ok(HttpResponse::NoContent().cookie(gone).finish())
}
