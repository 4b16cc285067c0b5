//! Every route of the admin listener, once: what is in this table is registered, and described in `docs/openapi.json` by the
//! `#[utoipa::path]` of its handler. The pages alone are registered elsewhere.

use super::{
    audit, bot, channels, configuration, connectors, deliveries, dry_run, figures, guilds,
    inspection, live, mapping_bulk, mappings, offers, openapi, quarantine, raw_events, records,
    roles, session, session_tokens, signals, targets, trail,
};
use crate::{error::wrong_method, http::operators};
use actix_web::{
    HttpRequest, Resource, Route,
    web::{self, ServiceConfig},
};
use std::{collections::BTreeMap, future::ready};

/// One line of the table.
pub(super) struct Entry {
    /// In lower case.
    pub(super) method: &'static str,
    /// As actix-web reads it.
    pub(super) path: &'static str,
    /// The module of the handler: its tag in the description.
    pub(super) module: &'static str,
    /// The handler.
    pub(super) handler: &'static str,
}

macro_rules! table {
    ($($method:ident $path:literal => $module:ident::$handler:ident;)+) => {
        /// The table.
        pub(super) const TABLE: &[Entry] = &[$(Entry {
            method: stringify!($method),
            path: $path,
            module: stringify!($module),
            handler: stringify!($handler),
        }),+];

        /// What the handlers say of themselves.
        #[derive(utoipa::OpenApi)]
        #[openapi(paths($($module::$handler),+))]
        pub(super) struct Described;

        /// Registers all of them; a method that a path does not take is answered with those that it does.
        pub fn routes(service: &mut ServiceConfig) {
            // In this order what is named plainly comes before a parameter in its place.
            let mut by_path: BTreeMap<&str, Vec<(&str, Route)>> = BTreeMap::new();
            $(by_path
                .entry($path)
                .or_default()
                .push((stringify!($method), web::$method().to($module::$handler)));)+
            for (path, routes) in by_path {
                service.service(resource(path, routes));
            }
        }
    };
}

table! {
    get "/healthz" => operators::healthz;
    get "/readyz" => operators::readyz;
    get "/metrics" => operators::metrics;
    get "/debug/actors" => operators::actors;
    post "/api/actors/{name:.*}/unpark" => operators::unpark;
    get "/api/openapi.json" => openapi::show;

    get "/api/session" => session::get;
    post "/api/session" => session::post;
    delete "/api/session" => session::delete;
    get "/api/live" => live::get;
    get "/api/figures" => figures::show;

    get "/api/connectors" => connectors::list;
    post "/api/connectors" => connectors::create;
    get "/api/connectors/{connector_id}" => connectors::show;
    patch "/api/connectors/{connector_id}" => connectors::change;
    delete "/api/connectors/{connector_id}" => connectors::remove;
    post "/api/connectors/{connector_id}/rotate" => connectors::rotate;
    post "/api/connectors/{connector_id}/discovery" => connectors::discover;
    get "/api/connectors/{connector_id}/channels" => roles::list;
    put "/api/connectors/{connector_id}/channels/{channel_id}" => roles::put;
    post "/api/connectors/{connector_id}/channels/bulk" => roles::bulk;
    get "/api/connectors/{connector_id}/guilds" => guilds::list;
    get "/api/connectors/{connector_id}/guilds/{guild_id}/tree" => guilds::tree;

    get "/api/channels" => channels::list;
    put "/api/channels/{channel_id}/visibility" => channels::set_visibility;

    get "/api/mappings" => mappings::list;
    post "/api/mappings" => mappings::create;
    post "/api/mappings/bulk" => mapping_bulk::bulk;
    post "/api/mappings/order" => mapping_bulk::order;
    get "/api/mappings/{mapping_id}" => mappings::show;
    patch "/api/mappings/{mapping_id}" => mappings::change;
    delete "/api/mappings/{mapping_id}" => mappings::remove;
    post "/api/mappings/{mapping_id}/clone" => mapping_bulk::clone;
    post "/api/mappings/{mapping_id}/backfill" => mappings::backfill;
    get "/api/mappings/{mapping_id}/history" => mapping_bulk::history;
    get "/api/mappings/{mapping_id}/dry-run" => dry_run::saved;
    post "/api/mappings/dry-run" => dry_run::unsaved;

    get "/api/bot" => bot::show;
    post "/api/bot/refresh" => bot::refresh;
    get "/api/bot/guilds" => bot::guilds;
    get "/api/bot/guilds/{guild_id}/tree" => bot::tree;
    get "/api/bot/guilds/{guild_id}/roles" => bot::roles;

    get "/api/targets" => targets::list;
    put "/api/targets/{target_channel_id}" => offers::put;
    post "/api/targets/{target_channel_id}/pause" => targets::pause;
    post "/api/targets/{target_channel_id}/resume" => targets::resume;
    post "/api/targets/{target_channel_id}/inspect" => inspection::inspect;
    post "/api/targets/{target_channel_id}/reconcile" => targets::reconcile;
    post "/api/targets/{target_channel_id}/reconcile/cancel" => targets::cancel_reconciliation;
    get "/api/targets/{target_channel_id}/reconciliations" => targets::reconciliations;

    get "/api/dead-letters" => deliveries::dead_letters;
    post "/api/dead-letters/redrive" => deliveries::redrive;
    get "/api/deliveries" => records::deliveries;
    post "/api/deliveries/drop" => deliveries::drop_named;
    post "/api/deliveries/restore" => deliveries::restore;

    get "/api/signals" => signals::list;
    get "/api/signals/{signal_id}/trail" => trail::show;

    get "/api/session-tokens" => session_tokens::list;
    post "/api/session-tokens" => session_tokens::create;
    delete "/api/session-tokens/{session_token_id}" => session_tokens::revoke;

    get "/api/raw-events" => raw_events::list;
    get "/api/raw-events/{raw_event_id}" => raw_events::show;
    get "/api/quarantine" => quarantine::list;
    post "/api/quarantine/replay" => quarantine::replay;
    post "/api/quarantine/drop" => quarantine::drop_items;

    get "/api/audit" => audit::list;
    post "/api/audit/{audit_id}/undo" => audit::undo;

    get "/api/configuration" => configuration::export;
    post "/api/configuration/compare" => configuration::compare;
    post "/api/configuration/apply" => configuration::apply;
}

fn resource(path: &str, routes: Vec<(&str, Route)>) -> Resource {
    let methods: Vec<String> = routes
        .iter()
        .map(|(method, _)| method.to_ascii_uppercase())
        .collect();
    let allow = methods.join(", ");
    let wrong = move |request: HttpRequest| ready(wrong_method(&request, &allow));
    routes
        .into_iter()
        .fold(web::resource(path), |resource, (_, route)| {
            resource.route(route)
        })
        .default_service(web::to(wrong))
}
