//! Which operation a method and a path below `/api/v10` mean. Pure: knows no HTTP framework and no state.

use serde::{Deserialize, Serialize};

use crate::id::Id;

/// An operation with the ids of its path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    CurrentUser,
    CurrentUserGuilds,
    ChannelGet {
        channel: Id,
    },
    ChannelEdit {
        channel: Id,
    },
    MessageCreate {
        channel: Id,
    },
    MessageList {
        channel: Id,
    },
    MessageGet {
        channel: Id,
        message: Id,
    },
    MessageEdit {
        channel: Id,
        message: Id,
    },
    MessageDelete {
        channel: Id,
        message: Id,
    },
    ThreadFromMessage {
        channel: Id,
        message: Id,
    },
    ThreadCreate {
        channel: Id,
    },
    ThreadsArchivedPublic {
        channel: Id,
    },
    WebhookList {
        channel: Id,
    },
    WebhookCreate {
        channel: Id,
    },
    WebhookExecute {
        webhook: Id,
        token: String,
    },
    WebhookMessageGet {
        webhook: Id,
        token: String,
        message: Id,
    },
    WebhookMessageEdit {
        webhook: Id,
        token: String,
        message: Id,
    },
    WebhookMessageDelete {
        webhook: Id,
        token: String,
        message: Id,
    },
    GuildGet {
        guild: Id,
    },
    GuildChannels {
        guild: Id,
    },
    GuildRoles {
        guild: Id,
    },
    GuildThreadsActive {
        guild: Id,
    },
    MemberGet {
        guild: Id,
        user: Id,
    },
    MemberRoleAdd {
        guild: Id,
        user: Id,
        role: Id,
    },
    MemberRoleRemove {
        guild: Id,
        user: Id,
        role: Id,
    },
}

/// The name of an operation, as used by fault rules and the request log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum RouteKind {
    CurrentUser,
    CurrentUserGuilds,
    ChannelGet,
    ChannelEdit,
    MessageCreate,
    MessageList,
    MessageGet,
    MessageEdit,
    MessageDelete,
    ThreadFromMessage,
    ThreadCreate,
    ThreadsArchivedPublic,
    WebhookList,
    WebhookCreate,
    WebhookExecute,
    WebhookMessageGet,
    WebhookMessageEdit,
    WebhookMessageDelete,
    GuildGet,
    GuildChannels,
    GuildRoles,
    GuildThreadsActive,
    MemberGet,
    MemberRoleAdd,
    MemberRoleRemove,
}

/// Why a method and path are no operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoRoute {
    NotFound,
    MethodNotAllowed,
    /// A part that must be an id is none.
    BadId,
}

impl Route {
    pub(crate) const fn kind(&self) -> RouteKind {
        match self {
            Self::CurrentUser => RouteKind::CurrentUser,
            Self::CurrentUserGuilds => RouteKind::CurrentUserGuilds,
            Self::ChannelGet { .. } => RouteKind::ChannelGet,
            Self::ChannelEdit { .. } => RouteKind::ChannelEdit,
            Self::MessageCreate { .. } => RouteKind::MessageCreate,
            Self::MessageList { .. } => RouteKind::MessageList,
            Self::MessageGet { .. } => RouteKind::MessageGet,
            Self::MessageEdit { .. } => RouteKind::MessageEdit,
            Self::MessageDelete { .. } => RouteKind::MessageDelete,
            Self::ThreadFromMessage { .. } => RouteKind::ThreadFromMessage,
            Self::ThreadCreate { .. } => RouteKind::ThreadCreate,
            Self::ThreadsArchivedPublic { .. } => RouteKind::ThreadsArchivedPublic,
            Self::WebhookList { .. } => RouteKind::WebhookList,
            Self::WebhookCreate { .. } => RouteKind::WebhookCreate,
            Self::WebhookExecute { .. } => RouteKind::WebhookExecute,
            Self::WebhookMessageGet { .. } => RouteKind::WebhookMessageGet,
            Self::WebhookMessageEdit { .. } => RouteKind::WebhookMessageEdit,
            Self::WebhookMessageDelete { .. } => RouteKind::WebhookMessageDelete,
            Self::GuildGet { .. } => RouteKind::GuildGet,
            Self::GuildChannels { .. } => RouteKind::GuildChannels,
            Self::GuildRoles { .. } => RouteKind::GuildRoles,
            Self::GuildThreadsActive { .. } => RouteKind::GuildThreadsActive,
            Self::MemberGet { .. } => RouteKind::MemberGet,
            Self::MemberRoleAdd { .. } => RouteKind::MemberRoleAdd,
            Self::MemberRoleRemove { .. } => RouteKind::MemberRoleRemove,
        }
    }

    /// The channel named in the path.
    pub(crate) const fn channel(&self) -> Option<Id> {
        match self {
            Self::ChannelGet { channel }
            | Self::ChannelEdit { channel }
            | Self::MessageCreate { channel }
            | Self::MessageList { channel }
            | Self::MessageGet { channel, .. }
            | Self::MessageEdit { channel, .. }
            | Self::MessageDelete { channel, .. }
            | Self::ThreadFromMessage { channel, .. }
            | Self::ThreadCreate { channel }
            | Self::ThreadsArchivedPublic { channel }
            | Self::WebhookList { channel }
            | Self::WebhookCreate { channel } => Some(*channel),
            _ => None,
        }
    }

    /// The webhook named in the path with a token, which stands in for a bot's authorization.
    pub(crate) const fn webhook(&self) -> Option<Id> {
        match self {
            Self::WebhookExecute { webhook, .. }
            | Self::WebhookMessageGet { webhook, .. }
            | Self::WebhookMessageEdit { webhook, .. }
            | Self::WebhookMessageDelete { webhook, .. } => Some(*webhook),
            _ => None,
        }
    }

    /// The top-level resource of a rate limit: channel, guild or webhook; 0 for none.
    pub(crate) const fn resource(&self) -> Id {
        match self {
            Self::GuildGet { guild }
            | Self::GuildChannels { guild }
            | Self::GuildRoles { guild }
            | Self::GuildThreadsActive { guild }
            | Self::MemberGet { guild, .. }
            | Self::MemberRoleAdd { guild, .. }
            | Self::MemberRoleRemove { guild, .. } => *guild,
            _ => match (self.channel(), self.webhook()) {
                (Some(id), _) | (None, Some(id)) => id,
                (None, None) => Id(0),
            },
        }
    }

    /// The message named in the path.
    pub(crate) const fn message(&self) -> Option<Id> {
        match self {
            Self::MessageGet { message, .. }
            | Self::MessageEdit { message, .. }
            | Self::MessageDelete { message, .. }
            | Self::ThreadFromMessage { message, .. }
            | Self::WebhookMessageGet { message, .. }
            | Self::WebhookMessageEdit { message, .. }
            | Self::WebhookMessageDelete { message, .. } => Some(*message),
            _ => None,
        }
    }
}

const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/// Reads a method and the path behind `/api/v10`.
pub(crate) fn parse(method: &str, path: &str) -> Result<Route, NoRoute> {
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    match with_method(method, &parts) {
        Err(NoRoute::NotFound)
            if METHODS.iter().any(|other| {
                *other != method && with_method(other, &parts) != Err(NoRoute::NotFound)
            }) =>
        {
            Err(NoRoute::MethodNotAllowed)
        }
        answer => answer,
    }
}

fn with_method(method: &str, parts: &[&str]) -> Result<Route, NoRoute> {
    let id = |text: &str| text.parse::<Id>().map_err(|_| NoRoute::BadId);
    Ok(match (method, parts) {
        ("GET", ["users", "@me"]) => Route::CurrentUser,
        ("GET", ["users", "@me", "guilds"]) => Route::CurrentUserGuilds,
        (_, ["channels", channel, rest @ ..]) => {
            return in_channel(method, rest, || id(channel), id);
        }
        (_, ["webhooks", webhook, token, rest @ ..]) => {
            let token = (*token).to_owned();
            match (method, rest) {
                ("POST", []) => Route::WebhookExecute {
                    webhook: id(webhook)?,
                    token,
                },
                ("GET", ["messages", message]) => Route::WebhookMessageGet {
                    webhook: id(webhook)?,
                    token,
                    message: id(message)?,
                },
                ("PATCH", ["messages", message]) => Route::WebhookMessageEdit {
                    webhook: id(webhook)?,
                    token,
                    message: id(message)?,
                },
                ("DELETE", ["messages", message]) => Route::WebhookMessageDelete {
                    webhook: id(webhook)?,
                    token,
                    message: id(message)?,
                },
                _ => return Err(NoRoute::NotFound),
            }
        }
        ("GET", ["guilds", guild]) => Route::GuildGet { guild: id(guild)? },
        ("GET", ["guilds", guild, "channels"]) => Route::GuildChannels { guild: id(guild)? },
        ("GET", ["guilds", guild, "roles"]) => Route::GuildRoles { guild: id(guild)? },
        ("GET", ["guilds", guild, "threads", "active"]) => {
            Route::GuildThreadsActive { guild: id(guild)? }
        }
        ("GET", ["guilds", guild, "members", user]) => Route::MemberGet {
            guild: id(guild)?,
            user: id(user)?,
        },
        ("PUT", ["guilds", guild, "members", user, "roles", role]) => Route::MemberRoleAdd {
            guild: id(guild)?,
            user: id(user)?,
            role: id(role)?,
        },
        ("DELETE", ["guilds", guild, "members", user, "roles", role]) => Route::MemberRoleRemove {
            guild: id(guild)?,
            user: id(user)?,
            role: id(role)?,
        },
        _ => return Err(NoRoute::NotFound),
    })
}

fn in_channel(
    method: &str,
    rest: &[&str],
    channel: impl Fn() -> Result<Id, NoRoute>,
    id: impl Fn(&str) -> Result<Id, NoRoute>,
) -> Result<Route, NoRoute> {
    Ok(match (method, rest) {
        ("GET", []) => Route::ChannelGet {
            channel: channel()?,
        },
        ("PATCH", []) => Route::ChannelEdit {
            channel: channel()?,
        },
        ("POST", ["messages"]) => Route::MessageCreate {
            channel: channel()?,
        },
        ("GET", ["messages"]) => Route::MessageList {
            channel: channel()?,
        },
        ("GET", ["messages", message]) => Route::MessageGet {
            channel: channel()?,
            message: id(message)?,
        },
        ("PATCH", ["messages", message]) => Route::MessageEdit {
            channel: channel()?,
            message: id(message)?,
        },
        ("DELETE", ["messages", message]) => Route::MessageDelete {
            channel: channel()?,
            message: id(message)?,
        },
        ("POST", ["messages", message, "threads"]) => Route::ThreadFromMessage {
            channel: channel()?,
            message: id(message)?,
        },
        ("POST", ["threads"]) => Route::ThreadCreate {
            channel: channel()?,
        },
        ("GET", ["threads", "archived", "public"]) => Route::ThreadsArchivedPublic {
            channel: channel()?,
        },
        ("GET", ["webhooks"]) => Route::WebhookList {
            channel: channel()?,
        },
        ("POST", ["webhooks"]) => Route::WebhookCreate {
            channel: channel()?,
        },
        _ => return Err(NoRoute::NotFound),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_and_paths() {
        let (channel, message, guild) = (Id(1), Id(2), Id(7));
        let cases = [
            ("GET", "/users/@me", Ok(Route::CurrentUser)),
            (
                "POST",
                "/channels/1/messages",
                Ok(Route::MessageCreate { channel }),
            ),
            (
                "GET",
                "/channels/1/messages",
                Ok(Route::MessageList { channel }),
            ),
            (
                "PATCH",
                "/channels/1/messages/2",
                Ok(Route::MessageEdit { channel, message }),
            ),
            (
                "POST",
                "/channels/1/messages/2/threads",
                Ok(Route::ThreadFromMessage { channel, message }),
            ),
            (
                "GET",
                "/guilds/7/threads/active",
                Ok(Route::GuildThreadsActive { guild }),
            ),
            (
                "GET",
                "/channels/1/threads/archived/public",
                Ok(Route::ThreadsArchivedPublic { channel }),
            ),
            (
                "GET",
                "/channels/1/webhooks",
                Ok(Route::WebhookList { channel }),
            ),
            (
                "POST",
                "/webhooks/7/secret",
                Ok(Route::WebhookExecute {
                    webhook: Id(7),
                    token: "secret".into(),
                }),
            ),
            (
                "PUT",
                "/guilds/7/members/2/roles/1",
                Ok(Route::MemberRoleAdd {
                    guild,
                    user: message,
                    role: channel,
                }),
            ),
            (
                "PUT",
                "/channels/1/messages",
                Err(NoRoute::MethodNotAllowed),
            ),
            ("GET", "/channels/one/messages", Err(NoRoute::BadId)),
            ("GET", "/nothing", Err(NoRoute::NotFound)),
            ("GET", "/", Err(NoRoute::NotFound)),
        ];
        for (method, path, expected) in cases {
            assert_eq!(parse(method, path), expected, "{method} {path}");
        }
    }
}
