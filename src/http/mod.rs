//! The three listeners: routes, bodies, status codes. The only place with actix-web.

pub mod admin;
pub mod admin_app;
pub mod bearer;
pub mod changes;
pub mod connector_view;
pub mod correlation;
pub mod headers;
pub mod ingest;
pub mod listeners;
pub mod operators;
pub mod origin;
pub mod pages;
pub mod public;
pub mod running;
pub mod socket;
