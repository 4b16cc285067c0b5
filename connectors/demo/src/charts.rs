//! Serves the charts that demo signals show, on 127.0.0.1 only. Keeps nothing: the address tells the picture.

use std::io;
use std::net::Ipv4Addr;

use actix_web::dev::Server;
use actix_web::http::header;
use actix_web::{App, HttpResponse, HttpServer, web};

use crate::chart_core::Chart;

/// A bound chart listener that serves once its server is spawned.
pub struct Charts {
    /// Runs the listener; spawn it.
    pub server: Server,
    /// What chart addresses begin with, without a slash at the end.
    pub base_url: String,
}

/// Binds `port` on 127.0.0.1; port 0 takes any free one.
///
/// # Errors
/// When the port is taken.
pub fn bind(port: u16) -> io::Result<Charts> {
    let server = HttpServer::new(|| App::new().route("/charts/{name}.svg", web::get().to(chart)))
        .workers(1)
        .disable_signals()
        .shutdown_timeout(1)
        .bind((Ipv4Addr::LOCALHOST, port))?;
    let port = server
        .addrs()
        .first()
        .map_or(port, |address| address.port());
    Ok(Charts {
        server: server.run(),
        base_url: format!("http://127.0.0.1:{port}"),
    })
}

async fn chart(name: web::Path<String>) -> HttpResponse {
    let Some(chart) = Chart::parse(&name) else {
        return HttpResponse::NotFound().finish();
    };
    HttpResponse::Ok()
        .content_type("image/svg+xml")
        .insert_header((header::CACHE_CONTROL, "public, max-age=31536000, immutable"))
        .insert_header((header::CONTENT_SECURITY_POLICY, "default-src 'none'"))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .body(chart.svg())
}
