//! The three listeners: routes, bodies, status codes. The only place with actix-web.

pub mod correlation;
pub mod ingest;
