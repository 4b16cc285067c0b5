//! The files of the two pages, compiled in, and the headers they go out with. Pages hold no data: whoever may not see any
//! gets the same files.

use actix_web::{HttpResponse, http::header, web};
use rust_embed::RustEmbed;

/// Nothing from elsewhere but pictures of signals; no inline script, no inline style.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' https: http://127.0.0.1:* data:; connect-src 'self'; base-uri 'none'; form-action 'self'; \
    frame-ancestors 'none'";

#[derive(RustEmbed)]
#[folder = "web/"]
#[include = "live/*"]
#[include = "admin/*"]
#[include = "shared/*"]
struct Files;

fn media_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, extension)| extension) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    }
}

/// The file at this path below `web/`.
fn file(path: &str) -> HttpResponse {
    let Some(found) = Files::get(path) else {
        return HttpResponse::NotFound().finish();
    };
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, media_type(path)))
        .insert_header((header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::REFERRER_POLICY, "no-referrer"))
        // The files change with the binary: asked for again each time, answered from memory.
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .body(found.data.into_owned())
}

/// The routes of the page in `web/<page>/`.
pub fn routes(page: &'static str) -> impl FnOnce(&mut web::ServiceConfig) {
    move |config| {
        config
            .route(
                "/",
                web::get().to(move || async move { file(&format!("{page}/index.html")) }),
            )
            .route(
                "/assets/{folder}/{file}",
                web::get().to(move |asked: web::Path<(String, String)>| async move {
                    let (folder, name) = asked.into_inner();
                    let ours = folder == page || folder == "shared";
                    if ours {
                        file(&format!("{folder}/{name}"))
                    } else {
                        HttpResponse::NotFound().finish()
                    }
                }),
            );
    }
}
