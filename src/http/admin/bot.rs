//! `/api/bot`: who the bot is and what it sees: its guilds, their channels and how each stands as a target, their roles. Read
//! from the tables and the board of the directory; Discord is asked only when a person wants it read anew.

use super::{
    Admin,
    extract::Query,
    lists::{Asked, Listed},
};
use crate::error::ApiError;
use actix_web::{
    HttpResponse,
    web::{Data, Path},
};
use heliograph_actors::directory_board::BotSeen;
use heliograph_schema::{
    ids::GuildId,
    store::{
        bot_guilds::{self, BotGuildRow, RoleRow},
        bot_tree::{self, BotTree},
    },
};
use serde::Serialize;
use std::time::Duration;

/// How long a person waits for a refresh. It goes on behind it.
const PATIENCE: Duration = Duration::from_secs(10);

/// The bot, as it is shown.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Bot {
    #[serde(flatten)]
    seen: BotSeen,
    /// Requests of the last minutes that Discord counts as invalid; it bans an address for too many.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    invalid_requests: Option<usize>,
}

impl Bot {
    fn now(admin: &Admin) -> Self {
        Self {
            seen: admin.running.bot(),
            invalid_requests: admin.running.invalid_requests(),
        }
    }
}

/// Who the bot is and whether what it sees can be read.
#[utoipa::path(get, path = "/api/bot", responses((status = 200, body = Bot)))]
pub(super) async fn show(admin: Data<Admin>) -> HttpResponse {
    HttpResponse::Ok().json(Bot::now(&admin))
}

/// Has everything that the bot sees read anew; answers when that is done, when it cannot be done, or after ten seconds.
#[utoipa::path(post, path = "/api/bot/refresh", responses((status = 200, body = Bot)))]
pub(super) async fn refresh(admin: Data<Admin>) -> HttpResponse {
    // Not in time: the answer says since when what is shown is fresh.
    let _ = tokio::time::timeout(PATIENCE, admin.running.refresh_bot()).await;
    HttpResponse::Ok().json(Bot::now(&admin))
}

/// The guilds that the bot is or was in.
#[utoipa::path(get, path = "/api/bot/guilds", params(Asked), responses((status = 200, body = Listed<BotGuildRow>)))]
pub(super) async fn guilds(
    admin: Data<Admin>,
    asked: Query<Asked>,
) -> Result<HttpResponse, ApiError> {
    let page = asked.page()?;
    let rows = admin.read(move |conn| bot_guilds::list(conn, page)).await?;
    Ok(HttpResponse::Ok().json(asked.answer(rows, |guild| guild.guild_id)?))
}

/// The channels of a guild as Discord shows them, each with how it stands as a target.
#[utoipa::path(get, path = "/api/bot/guilds/{guild_id}/tree", responses((status = 200, body = BotTree)))]
pub(super) async fn tree(
    admin: Data<Admin>,
    guild_id: Path<GuildId>,
) -> Result<HttpResponse, ApiError> {
    let tree = admin
        .read(move |conn| bot_tree::tree(conn, *guild_id))
        .await?;
    Ok(HttpResponse::Ok().json(tree))
}

/// The roles of a guild, the highest first, without `@everyone`.
#[utoipa::path(
    get,
    path = "/api/bot/guilds/{guild_id}/roles",
    params(Asked),
    responses((status = 200, body = Listed<RoleRow>))
)]
pub(super) async fn roles(
    admin: Data<Admin>,
    guild_id: Path<GuildId>,
    asked: Query<Asked>,
) -> Result<HttpResponse, ApiError> {
    let page = asked.page()?;
    let rows = admin
        .read(move |conn| {
            bot_guilds::find(conn, *guild_id)?;
            bot_guilds::roles(conn, *guild_id, page)
        })
        .await?;
    Ok(HttpResponse::Ok().json(asked.answer(rows, |role| role.role_id)?))
}
