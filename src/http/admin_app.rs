//! The admin web app as Vite built it, compiled in. It holds no data, so everybody gets it; what it shows it asks the API for.
//! Its paths (`/connectors/x`) are for the app to make out, so each of them is answered with the same page.

use super::pages::{self, PictureSources};
use crate::error::no_such_route;
use actix_web::{
    HttpRequest, HttpResponse,
    http::{
        Method,
        header::{ACCEPT, HeaderMap},
    },
    web,
};
use rust_embed::RustEmbed;

/// The page of the app, at every path of it.
const INDEX: &str = "index.html";
/// Below it a name holds a hash of its content.
const HASHED: &str = "assets/";
/// What belongs to the server: never a path of the app.
const OURS: [&str; 5] = ["api", "debug", "metrics", "healthz", "readyz"];
const UNCHANGING: &str = "public, max-age=31536000, immutable";
/// The files change with the binary: asked for again each time, answered from memory.
const ASKED_AGAIN: &str = "no-cache";

const NOT_BUILT: &str = "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>Heliograph</title>\n\
    <h1>The admin web app is not in this binary</h1>\n<p>Run <code>make web</code> and build again. \
    The API is here all the same.</p>\n</html>\n";

#[derive(RustEmbed)]
#[folder = "web/dist/admin/"]
#[exclude = "*.map"]
struct Files;

/// Whether a path is the server's, whether or not it is one of its routes.
pub(super) fn is_ours(path: &str) -> bool {
    let first = path.trim_start_matches('/').split('/').next();
    OURS.contains(&first.unwrap_or_default())
}

/// What a path of this listener that is no route leads to.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    File(String),
    Index,
    Nothing,
}

/// `is_there` tells which files there are.
fn find(
    method: &Method,
    path: &str,
    headers: &HeaderMap,
    is_there: impl Fn(&str) -> bool,
) -> Found {
    let file = path.trim_start_matches('/');
    if !(method == Method::GET || method == Method::HEAD) || is_ours(path) {
        return Found::Nothing;
    }
    if file != INDEX && is_there(file) {
        return Found::File(file.to_owned());
    }
    let wants_a_page = headers
        .get(ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"));
    if file.is_empty() || file == INDEX || (wants_a_page && !file.starts_with(HASHED)) {
        Found::Index
    } else {
        Found::Nothing
    }
}

async fn answer(request: HttpRequest) -> HttpResponse {
    let pictures = request.app_data::<web::Data<PictureSources>>();
    let policy = pages::content_security_policy(pictures.map(|sources| &***sources));
    let is_there = |path: &str| Files::get(path).is_some();
    match find(
        request.method(),
        request.path(),
        request.headers(),
        is_there,
    ) {
        Found::File(path) => {
            let cache = if path.starts_with(HASHED) {
                UNCHANGING
            } else {
                ASKED_AGAIN
            };
            let bytes = Files::get(&path).map(|file| file.data.into_owned());
            pages::answer(&path, bytes.unwrap_or_default(), policy, cache)
        }
        Found::Index => {
            let page = Files::get(INDEX).map_or_else(
                || NOT_BUILT.as_bytes().to_vec(),
                |page| page.data.into_owned(),
            );
            pages::answer(INDEX, page, policy, ASKED_AGAIN)
        }
        Found::Nothing => no_such_route(request).await,
    }
}

/// Whatever is no route: goes behind all routes of the listener.
pub fn routes(config: &mut web::ServiceConfig) {
    config.default_service(web::to(answer));
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::{
        App,
        http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue},
        test,
    };

    #[::core::prelude::v1::test]
    fn where_a_path_leads() {
        let there = ["index.html", "assets/a-1.js", "icon.svg"];
        let page = "text/html,application/xhtml+xml";
        let file = |path: &str| Found::File(path.to_owned());
        for (method, path, accept, want) in [
            ("GET", "/", page, Found::Index),
            ("GET", "/", "*/*", Found::Index),
            ("HEAD", "/", "*/*", Found::Index),
            ("POST", "/", page, Found::Nothing),
            ("GET", "/index.html", "*/*", Found::Index),
            ("GET", "/connectors/x", page, Found::Index),
            ("GET", "/connectors/x", "*/*", Found::Nothing),
            ("GET", "/assets/a-1.js", "*/*", file("assets/a-1.js")),
            ("GET", "/icon.svg", "*/*", file("icon.svg")),
            ("GET", "/assets/gone.js", page, Found::Nothing),
            ("GET", "/api", page, Found::Nothing),
            ("GET", "/api/none", page, Found::Nothing),
            ("GET", "/debug/none", page, Found::Nothing),
            ("GET", "/apinone", page, Found::Index),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, HeaderValue::from_static(accept));
            let method = Method::from_bytes(method.as_bytes()).unwrap_or_default();
            let found = find(&method, path, &headers, |path| there.contains(&path));
            assert_eq!(found, want, "{method} {path} {accept}");
        }
    }

    #[actix_web::test]
    async fn the_page_goes_out_with_a_policy_and_is_asked_for_again() {
        let pictures = web::Data::new(PictureSources("https:".to_owned()));
        let app = App::new().app_data(pictures).configure(routes);
        let app = test::init_service(app).await;
        let asked = test::TestRequest::get().uri("/mappings/7");
        let asked = asked.insert_header((ACCEPT, "text/html")).to_request();
        let answered = test::call_service(&app, asked).await;
        let text = |name| {
            let value = answered.headers().get(name);
            value.and_then(|value| value.to_str().ok()).unwrap_or("")
        };
        assert_eq!(
            (text(CONTENT_TYPE), text(CACHE_CONTROL)),
            ("text/html; charset=utf-8", ASKED_AGAIN)
        );
        let policy = text(CONTENT_SECURITY_POLICY);
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"));
        assert!(policy.contains("img-src 'self' data: https:;"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
    }
}
