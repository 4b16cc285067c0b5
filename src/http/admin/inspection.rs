//! What Discord says of a target channel, looked at now; and the look before a mapping is saved. What stands in the way is
//! the inspector's word.

use super::Admin;
use crate::error::ApiError;
use actix_web::{
    HttpResponse,
    web::{Data, Path},
};
use heliograph_actors::messages::{Asker, Inspect, NotKnown, Seen};
use heliograph_schema::{
    ids::{ChannelId, RoleId},
    store::{
        mappings::{self, MappingChange, MappingSettings},
        target_channels::{self, TargetChannelRow},
    },
};
use serde::Serialize;
use std::time::Duration;
use tokio::sync::oneshot;

/// How long a person waits for Discord's word.
const PATIENCE: Duration = Duration::from_secs(10);

/// A row, and what its reader should know beside it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct With<Row> {
    #[serde(flatten)]
    row: Row,
    /// For people.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<String>,
}

impl<Row> With<Row> {
    pub(super) fn warning(row: Row, warning: Option<String>) -> Self {
        Self { row, warning }
    }
}

impl Admin {
    async fn look(&self, target_channel_id: ChannelId, afresh: bool) -> Seen {
        let (answer, answered) = oneshot::channel();
        let inspect = Inspect {
            target_channel_id,
            asker: Asker::Person { afresh, answer },
        };
        let Some(inspector) = &self.inspector else {
            return Err(NotKnown("nobody looks".to_owned()));
        };
        inspector
            .post(inspect)
            .map_err(|(refused, _)| NotKnown(format!("the inspector takes nothing: {refused}")))?;
        match tokio::time::timeout(PATIENCE, answered).await {
            Ok(Ok(seen)) => seen,
            Ok(Err(_)) => Err(NotKnown("the inspector did not answer".to_owned())),
            Err(_) => Err(NotKnown("Discord does not answer in time".to_owned())),
        }
    }

    /// Looks at a channel that is to be offered as a target. Gives what the person should know.
    ///
    /// # Errors
    /// When it is known that nothing could be mirrored there, with what is to be changed.
    pub(super) async fn check_target(
        &self,
        target_channel_id: ChannelId,
    ) -> Result<Option<String>, ApiError> {
        match self.look(target_channel_id, true).await {
            Ok(sight) => match sight.obstacle {
                Some(obstacle) => Err(ApiError::refused(obstacle.0)),
                None => Ok(sight.advice),
            },
            Err(reason) => Ok(Some(unknown(&reason))),
        }
    }

    /// Looks at the target of a mapping that is to be saved. Gives what the person should know.
    ///
    /// # Errors
    /// When it is known that the mapping could not work, with what is to be changed.
    pub(super) async fn check(&self, wanted: &MappingSettings) -> Result<Option<String>, ApiError> {
        if !wanted.is_enabled {
            return Ok(None);
        }
        let mut seen = self.look(wanted.target_channel_id, false).await;
        if seen
            .as_ref()
            .is_ok_and(|sight| lacks(&sight.roles, wanted.ping_role_id))
        {
            // It may be younger than what is remembered of the guild.
            seen = self.look(wanted.target_channel_id, true).await;
        }
        let sight = match seen {
            Ok(sight) => sight,
            Err(reason) => return Ok(Some(unknown(&reason))),
        };
        match (sight.obstacle, wanted.ping_role_id) {
            (Some(obstacle), _) => Err(ApiError::refused(obstacle.0).field("target_channel_id")),
            (None, Some(role)) if lacks(&sight.roles, Some(role)) => {
                let said = format!(
                    "There is no role {role} on the server of the target channel: choose one of its roles for the ping."
                );
                Err(ApiError::refused(said).field("ping_role_id"))
            }
            _ => Ok(sight.advice),
        }
    }

    /// The same for a change; nothing is looked at where it touches nothing that Discord knows.
    pub(super) async fn check_change(
        &self,
        mapping_id: i64,
        change: &MappingChange,
    ) -> Result<Option<String>, ApiError> {
        let touches = change.target_channel_id.is_some()
            || change.ping_role_id.is_some()
            || change.is_enabled == Some(true);
        if !touches {
            return Ok(None);
        }
        let mapping = self
            .read(move |conn| mappings::find(conn, mapping_id))
            .await?;
        self.check(&change.applied_to(&mapping)).await
    }
}

fn lacks(roles: &[RoleId], wanted: Option<RoleId>) -> bool {
    wanted.is_some_and(|role| !roles.contains(&role))
}

fn unknown(reason: &NotKnown) -> String {
    format!("It is not known whether the bot can mirror into the target channel: {reason}.")
}

/// Asks Discord now what the bot may do in a target channel. A mirror that waits for what was repaired goes on at once.
#[utoipa::path(
    post,
    path = "/api/targets/{target_channel_id}/inspect",
    responses((status = 200, body = With<TargetChannelRow>))
)]
pub(super) async fn inspect(
    admin: Data<Admin>,
    target: Path<ChannelId>,
) -> Result<HttpResponse, ApiError> {
    let target = *target;
    let warning = match admin.look(target, true).await {
        Ok(sight) => sight.advice,
        Err(reason) => Some(unknown(&reason)),
    };
    let row = admin
        .read(move |conn| target_channels::get(conn, target))
        .await?;
    Ok(HttpResponse::Ok().json(With::warning(row, warning)))
}
