//! `/api/audit`: who changed what, and taking it back.

use super::{
    Admin, actor,
    extract::{Json, Query},
    lists::{Asked, Listed, plain},
};
use crate::error::ApiError;
use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Path},
};
use heliograph_schema::store::{
    audit::{self, AuditEntry, AuditFilter},
    undo,
};
use serde::{Deserialize, Serialize};

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    /// Only what was done to this.
    subject: Option<String>,
    /// Only what begins so: `mapping.`
    action: Option<String>,
    /// Only by this one.
    actor: Option<String>,
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = AuditUndo)]
#[serde(deny_unknown_fields)]
pub(super) struct Undo {
    /// All that was changed together with it.
    #[serde(default)]
    whole_group: bool,
}

/// What was taken back.
#[derive(Serialize, utoipa::ToSchema)]
struct Undone {
    undone: usize,
    /// The changes that take back, newest first; each can be taken back itself.
    items: Vec<AuditEntry>,
}

/// Who changed what, newest first.
#[utoipa::path(get, path = "/api/audit", params(Which, Asked), responses((status = 200, body = Listed<AuditEntry>)))]
pub(super) async fn list(
    admin: Data<Admin>,
    which: Query<Which>,
    asked: Query<Asked>,
) -> Result<HttpResponse, ApiError> {
    let page = asked.page()?;
    let filter = AuditFilter {
        subject: plain(which.subject.as_deref(), "subject")?,
        action: plain(which.action.as_deref(), "action")?,
        actor: plain(which.actor.as_deref(), "actor")?,
        ..AuditFilter::default()
    };
    let rows = admin
        .read(move |conn| audit::list_of(conn, &filter, page))
        .await?;
    Ok(HttpResponse::Ok().json(asked.answer(rows, |row| row.audit_id)?))
}

/// Takes a change back, as far as nobody changed the same again since.
#[utoipa::path(
    post,
    path = "/api/audit/{audit_id}/undo",
    request_body = Undo,
    responses((status = 200, body = Undone), (status = 409), (status = 422))
)]
pub(super) async fn undo(
    request: HttpRequest,
    admin: Data<Admin>,
    audit_id: Path<i64>,
    body: Json<Undo>,
) -> Result<HttpResponse, ApiError> {
    let (actor, whole_group) = (actor(&request), body.whole_group);
    let undone = admin
        .to_its_end(async move |admin: Admin| {
            let undone = admin
                .change(move |conn| undo::undo(conn, &actor, *audit_id, whole_group))
                .await?;
            for target in &undone.targets {
                admin.running.look_at(*target);
            }
            Ok(undone)
        })
        .await?;
    Ok(HttpResponse::Ok().json(Undone {
        undone: undone.entries.len(),
        items: undone.entries,
    }))
}
