//! `/api/configuration`: the whole configuration as one file, what a file would change, and applying it.

use super::{Admin, actor, extract::Json};
use crate::{
    error::ApiError,
    token::{self, CONNECTOR_PREFIX},
};
use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{CONTENT_DISPOSITION, ContentType},
    web::Data,
};
use heliograph_actors::rules_core::CompiledRules;
use heliograph_schema::{
    configuration_core::{self, Change, DOCUMENT_BYTES_MAX, ReadDocument},
    rules::MappingRules,
    store::{StoreError, configuration},
};
use serde::{Deserialize, Serialize};

/// A file as a JSON string: quotes and line breaks are two bytes there.
const BODY_BYTES_MAX: usize = 2 * DOCUMENT_BYTES_MAX;
const FILE_NAME: &str = "attachment; filename=\"heliograph-configuration.toml\"";

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = ConfigurationCompare)]
#[serde(deny_unknown_fields)]
pub(super) struct Compare {
    /// The file, at most 2 MiB.
    document: String,
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = ConfigurationApply)]
#[serde(deny_unknown_fields)]
pub(super) struct Apply {
    /// The file that was compared.
    document: String,
    /// What the comparison answered.
    digest: String,
}

/// What a file would change.
#[derive(Serialize, utoipa::ToSchema)]
struct Compared {
    /// Stands for what was compared; to be given when it is applied.
    digest: String,
    changes: Vec<Change>,
    /// For people.
    warnings: Vec<String>,
}

/// What was applied.
#[derive(Serialize, utoipa::ToSchema)]
struct Applied {
    /// Things that are different now.
    applied: usize,
    /// Of the connectors that are new; shown once.
    tokens: Vec<MadeToken>,
}

/// The token of a new connector.
#[derive(Serialize, utoipa::ToSchema)]
struct MadeToken {
    connector_id: String,
    token: String,
}

/// The configuration as a file in TOML, without tokens.
#[utoipa::path(get, path = "/api/configuration", responses((status = 200, body = String, content_type = "text/plain")))]
pub(super) async fn export(admin: Data<Admin>) -> Result<HttpResponse, ApiError> {
    let file = admin.store.read(configuration::export).await?;
    Ok(HttpResponse::Ok()
        .content_type(ContentType::plaintext())
        .insert_header((CONTENT_DISPOSITION, FILE_NAME))
        .body(file))
}

/// What applying a file would change.
#[utoipa::path(
    post,
    path = "/api/configuration/compare",
    request_body = Compare,
    responses((status = 200, body = Compared), (status = 422))
)]
pub(super) async fn compare(
    admin: Data<Admin>,
    body: Json<Compare, BODY_BYTES_MAX>,
) -> Result<HttpResponse, ApiError> {
    let document = body.into_inner().document;
    let compared = admin
        .store
        .read(move |conn| configuration::compare_with(conn, &document, &read(&document)?))
        .await?;
    Ok(HttpResponse::Ok().json(Compared {
        digest: compared.digest,
        changes: compared.comparison.changes,
        warnings: compared.comparison.warnings,
    }))
}

/// Makes the configuration what the file says: all of it or nothing.
#[utoipa::path(
    post,
    path = "/api/configuration/apply",
    request_body = Apply,
    responses((status = 200, body = Applied), (status = 409), (status = 422))
)]
pub(super) async fn apply(
    request: HttpRequest,
    admin: Data<Admin>,
    body: Json<Apply, BODY_BYTES_MAX>,
) -> Result<HttpResponse, ApiError> {
    let (Apply { document, digest }, actor) = (body.into_inner(), actor(&request));
    let (applied, tokens) = admin
        .to_its_end(async move |admin: Admin| {
            let (applied, tokens) = admin
                .change(move |conn| {
                    let read = read(&document)?;
                    let mut tokens = Vec::new();
                    let mut token_of = |connector_id: &str| {
                        let made = token::make(CONNECTOR_PREFIX, rand::random());
                        tokens.push(MadeToken {
                            connector_id: connector_id.to_owned(),
                            token: made.text,
                        });
                        made.hash
                    };
                    let applied = configuration::apply(
                        conn,
                        &actor,
                        &document,
                        &read,
                        &digest,
                        &mut token_of,
                    )?;
                    Ok((applied, tokens))
                })
                .await?;
            for target in &applied.targets {
                admin.running.look_at(*target);
            }
            Ok((applied, tokens))
        })
        .await?;
    Ok(HttpResponse::Ok().json(Applied {
        applied: applied.changes,
        tokens,
    }))
}

/// What the file says; refused with its place when something is wrong with it, rules that cannot be carried out included.
fn read(document: &str) -> Result<ReadDocument, StoreError> {
    let judged = |rules: &MappingRules| {
        CompiledRules::compile(rules)
            .map(drop)
            .map_err(|error| error.to_string())
    };
    configuration_core::read(document, &judged)
        .map_err(|error| StoreError::refused_field("document", error.to_string()))
}
