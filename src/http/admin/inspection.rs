//! What Discord says of a target channel, looked at now; and the look before a mapping is saved. What stands in the way is
//! the inspector's word.

use super::Admin;
use crate::error::ApiError;
use actix_web::{
    HttpResponse,
    web::{Data, Path},
};
use futures_util::{StreamExt as _, stream};
use heliograph_actors::messages::{Asker, Inspect, NotKnown, Seen, Sight};
use heliograph_schema::{
    ids::{ChannelId, GuildId, RoleId},
    store::{
        bot_guilds,
        mappings::{self, MappingChange, MappingSettings, Versioned},
        target_channels::{self, TargetChannelRow},
    },
};
use serde::Serialize;
use std::{collections::HashMap, time::Duration};
use tokio::{
    sync::oneshot,
    time::{Instant, timeout_at},
};

/// How long a person waits for Discord's word.
const PATIENCE: Duration = Duration::from_secs(10);
/// Targets of a bulk change that are looked at at the same time; the inspector takes twice as many persons.
const LOOKS_MAX: usize = 8;
/// The fields that a refusal names.
const TARGET: &str = "target_channel_id";
const PING: &str = "ping_role_id";

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
        match judged(&seen, wanted.ping_role_id) {
            Ok(advice) => Ok(advice),
            Err((field, said)) => {
                let role = wanted.ping_role_id.filter(|_| field == PING);
                let guild_id = seen.ok().and_then(|sight| sight.guild_id);
                let named = self.lacked_by_name(role, guild_id).await;
                Err(ApiError::refused(named.unwrap_or(said)).field(field))
            }
        }
    }

    /// What is said of a role that the guild of the target lacks, when it is known by name.
    async fn lacked_by_name(
        &self,
        role: Option<RoleId>,
        guild_id: Option<GuildId>,
    ) -> Option<String> {
        let role = role?;
        let known = self.read(move |conn| bot_guilds::role_anywhere(conn, role));
        let (of, guild, name) = known.await.ok()??;
        let choose = "choose a role of the target channel's own server for the ping";
        Some(if Some(of) == guild_id {
            format!("The role @{name} is gone from the server \"{guild}\": {choose}.")
        } else {
            format!("@{name} is a role of the server \"{guild}\": {choose}.")
        })
    }

    /// The same for a change of many mappings: each of their targets is looked at once, a few at a time, and no longer than for one.
    /// Gives what the person should know of targets.
    pub(super) async fn check_bulk(
        &self,
        items: &[Versioned],
        change: &MappingChange,
    ) -> Result<HashMap<ChannelId, String>, ApiError> {
        if !touches(change) {
            return Ok(HashMap::new());
        }
        let ids: Vec<i64> = items.iter().map(|item| item.mapping_id).collect();
        let rows = self.read(move |conn| mappings::show(conn, &ids)).await?;
        let wanted: HashMap<i64, MappingSettings> = rows
            .iter()
            .map(|row| (row.mapping.row.mapping_id, change.applied_to(&row.mapping)))
            .filter(|(_, wanted)| wanted.is_enabled)
            .collect();
        let mut pings: HashMap<ChannelId, Vec<Option<RoleId>>> = HashMap::new();
        for wanted in wanted.values() {
            let of_target = pings.entry(wanted.target_channel_id).or_default();
            of_target.push(wanted.ping_role_id);
        }
        let until = Instant::now() + PATIENCE;
        let look = |(target, pings): (ChannelId, Vec<Option<RoleId>>)| async move {
            let in_time = |afresh| async move {
                let late = || Err(NotKnown("Discord does not answer in time".to_owned()));
                let seen = timeout_at(until, self.look(target, afresh)).await;
                seen.unwrap_or_else(|_| late())
            };
            let mut seen = in_time(false).await;
            let lacking = |seen: &Sight| pings.iter().any(|ping| lacks(&seen.roles, *ping));
            if seen.as_ref().is_ok_and(lacking) {
                seen = in_time(true).await;
            }
            (target, seen)
        };
        let seen: HashMap<ChannelId, Seen> = stream::iter(pings)
            .map(look)
            .buffer_unordered(LOOKS_MAX)
            .collect()
            .await;
        let mut warnings = HashMap::new();
        for (at, item) in items.iter().enumerate() {
            let Some(wanted) = wanted.get(&item.mapping_id) else {
                continue;
            };
            let Some(seen) = seen.get(&wanted.target_channel_id) else {
                continue;
            };
            let warning = judged(seen, wanted.ping_role_id).map_err(|(field, said)| {
                // The ping is the same for all; a target is the item's own.
                let is_said = field == PING && change.ping_role_id.is_some();
                let field = if is_said {
                    format!("change.{field}")
                } else {
                    format!("items[{at}]")
                };
                ApiError::refused(said).field(field)
            })?;
            if let Some(warning) = warning {
                warnings.insert(wanted.target_channel_id, warning);
            }
        }
        Ok(warnings)
    }

    /// The same for a change; nothing is looked at where it touches nothing that Discord knows.
    pub(super) async fn check_change(
        &self,
        mapping_id: i64,
        change: &MappingChange,
    ) -> Result<Option<String>, ApiError> {
        if !touches(change) {
            return Ok(None);
        }
        let mapping = self
            .read(move |conn| mappings::find(conn, mapping_id))
            .await?;
        self.check(&change.applied_to(&mapping)).await
    }
}

/// Whether Discord knows of what is changed.
fn touches(change: &MappingChange) -> bool {
    change.target_channel_id.is_some()
        || change.ping_role_id.is_some()
        || change.is_enabled == Some(true)
}

/// What the person should know of a target with this ping; or the field that cannot be so, and why.
fn judged(
    seen: &Seen,
    ping_role_id: Option<RoleId>,
) -> Result<Option<String>, (&'static str, String)> {
    let sight = match seen {
        Ok(sight) => sight,
        Err(reason) => return Ok(Some(unknown(reason))),
    };
    match (&sight.obstacle, ping_role_id) {
        (Some(obstacle), _) => Err((TARGET, obstacle.0.clone())),
        (None, Some(role)) if lacks(&sight.roles, Some(role)) => {
            let said = format!(
                "There is no role {role} on the server of the target channel: choose one of its roles for the ping."
            );
            Err((PING, said))
        }
        _ => Ok(sight.advice.clone()),
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
