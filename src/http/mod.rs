//! The three listeners: routes, bodies, status codes. The only place with actix-web.

pub mod changes;
pub mod correlation;
pub mod ingest;
