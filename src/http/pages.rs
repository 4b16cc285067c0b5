//! The files of the live page, compiled in, and the headers that files go out with. Pages hold no data: whoever may not see any
//! gets the same files.

use actix_web::{HttpRequest, HttpResponse, http::header, web};
use rust_embed::RustEmbed;

/// Where pictures of signals may come from, as source expressions of a content security policy. A listener has it in its app
/// data when its page shows signals.
pub struct PictureSources(pub String);

/// Nothing from elsewhere but pictures of signals; no inline script, no inline style.
pub(super) fn content_security_policy(pictures: Option<&PictureSources>) -> String {
    let pictures = pictures.map_or("", |sources| &sources.0);
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: {pictures}; \
        font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
}

#[derive(RustEmbed)]
#[folder = "web/"]
#[include = "live/*"]
#[include = "shared/*"]
struct Files;

fn media_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, extension)| extension) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        Some("woff2") => "font/woff2",
        Some("json" | "webmanifest") => "application/json",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

/// The file at this path below `web/`.
fn file(request: &HttpRequest, path: &str) -> HttpResponse {
    let Some(found) = Files::get(path) else {
        return HttpResponse::NotFound().finish();
    };
    let pictures = request.app_data::<web::Data<PictureSources>>();
    let policy = content_security_policy(pictures.map(|sources| &***sources));
    // The files change with the binary: asked for again each time, answered from memory.
    answer(path, found.data.into_owned(), policy, "no-cache")
}

/// A file with the type that its name says.
pub(super) fn answer(
    path: &str,
    bytes: Vec<u8>,
    policy: String,
    cache: &'static str,
) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, media_type(path)))
        .insert_header((header::CONTENT_SECURITY_POLICY, policy))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::REFERRER_POLICY, "no-referrer"))
        .insert_header((header::CACHE_CONTROL, cache))
        .body(bytes)
}

/// The routes of the page in `web/<page>/`.
pub fn routes(page: &'static str) -> impl FnOnce(&mut web::ServiceConfig) {
    move |config| {
        config
            .route(
                "/",
                web::get().to(move |request: HttpRequest| async move {
                    file(&request, &format!("{page}/index.html"))
                }),
            )
            .route(
                "/assets/{folder}/{file}",
                web::get().to(
                    move |request: HttpRequest, asked: web::Path<(String, String)>| async move {
                        let (folder, name) = asked.into_inner();
                        let ours = folder == page || folder == "shared";
                        if ours {
                            file(&request, &format!("{folder}/{name}"))
                        } else {
                            HttpResponse::NotFound().finish()
                        }
                    },
                ),
            );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::{App, test};

    async fn policy(page: &'static str, pictures: Option<&str>) -> String {
        let mut app = App::new().configure(routes(page));
        if let Some(pictures) = pictures {
            app = app.app_data(web::Data::new(PictureSources(pictures.to_owned())));
        }
        let app = test::init_service(app).await;
        let asked = test::TestRequest::get().uri("/").to_request();
        let answered = test::call_service(&app, asked).await;
        let policy = answered.headers().get(header::CONTENT_SECURITY_POLICY);
        policy
            .and_then(|policy| policy.to_str().ok())
            .unwrap_or_default()
            .to_owned()
    }

    #[actix_web::test]
    async fn pictures_come_from_where_the_configuration_says() {
        for (page, pictures, want) in [
            ("live", Some("https:"), "img-src 'self' data: https:;"),
            (
                "live",
                Some("https: http://127.0.0.1:*"),
                "img-src 'self' data: https: http://127.0.0.1:*;",
            ),
            ("live", None, "img-src 'self' data: ;"),
        ] {
            let policy = policy(page, pictures).await;
            assert!(policy.contains(want), "{policy}");
            assert!(policy.starts_with("default-src 'none';"), "{policy}");
        }
    }
}
