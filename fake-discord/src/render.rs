//! Discord's JSON of users, messages, channels, guilds, roles and members, in the shape the twilight models read.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use crate::{
    id::Id,
    message_store::{Attachment, Message},
    permissions_core::{self, bot_role, own_role_bits},
    settings::{Channel, Guild, Member, Overwrite, OverwriteKind, Role},
    world::Webhook,
};

/// A moment as Discord writes it.
pub(crate) fn timestamp(at_ms: u64) -> String {
    let moment = i64::try_from(at_ms)
        .ok()
        .and_then(DateTime::<Utc>::from_timestamp_millis);
    moment
        .unwrap_or_default()
        .to_rfc3339_opts(SecondsFormat::Micros, false)
}

pub(crate) fn user(id: Id, username: &str, bot: bool) -> Value {
    json!({
        "id": id,
        "username": username,
        "discriminator": "0",
        "global_name": null,
        "avatar": null,
        "bot": bot,
        "public_flags": 0,
    })
}

/// A message; `referenced` is the living message it replies to.
pub(crate) fn message(message: &Message, base_url: &str, referenced: Option<&Message>) -> Value {
    let mentions: Vec<Value> = message
        .mentions
        .users
        .iter()
        .map(|id| user(*id, &format!("user-{id}"), false))
        .collect();
    let attachments: Vec<Value> = message
        .attachments
        .iter()
        .map(|attachment| attachment_json(message.channel_id, attachment, base_url))
        .collect();
    let mut body = json!({
        "id": message.id,
        "type": message.kind,
        "channel_id": message.channel_id,
        "author": user(message.author_id, &message.author_name, true),
        "content": message.content,
        "timestamp": timestamp(message.created_at_ms),
        "edited_timestamp": message.edited_at_ms.map(timestamp),
        "tts": message.tts,
        "mention_everyone": message.mentions.everyone,
        "mentions": mentions,
        "mention_roles": message.mentions.roles,
        "attachments": attachments,
        "embeds": message.embeds,
        "components": message.components,
        "pinned": false,
        "flags": message.flags,
    });
    if let Some(webhook) = message.webhook_id {
        body["webhook_id"] = json!(webhook);
        body["application_id"] = json!(message.application_id);
    }
    if let Some(reply_to) = message.reply_to {
        body["message_reference"] = json!({
            "type": 0,
            "message_id": reply_to.message_id,
            "channel_id": reply_to.channel_id,
        });
        body["referenced_message"] =
            referenced.map_or(Value::Null, |target| self::message(target, base_url, None));
    }
    body
}

fn attachment_json(channel: Id, attachment: &Attachment, base_url: &str) -> Value {
    let url = format!(
        "{base_url}/attachments/{channel}/{}/{}",
        attachment.id, attachment.filename
    );
    let mut body = json!({
        "id": attachment.id,
        "filename": attachment.filename,
        "size": attachment.size,
        "url": url,
        "proxy_url": url,
    });
    for (name, value) in [
        ("content_type", &attachment.content_type),
        ("description", &attachment.description),
    ] {
        if let Some(value) = value {
            body[name] = value.as_str().into();
        }
    }
    body
}

/// A channel with the overwrites that count in it. `owner`: who opened it, of a thread.
pub(crate) fn channel(
    channel: &Channel,
    overwrites: &[Overwrite],
    owner: Option<Id>,
    last_message: Option<Id>,
) -> Value {
    let mut body = json!({
        "id": channel.id,
        "type": channel.kind,
        "guild_id": channel.guild_id,
        "name": channel.name,
        "parent_id": channel.parent_id,
        "last_message_id": last_message,
        "flags": 0,
    });
    if channel.is_thread() {
        let created = timestamp(channel.id.created_at_ms());
        body["owner_id"] = json!(owner);
        body["message_count"] = 0.into();
        body["member_count"] = 1.into();
        body["rate_limit_per_user"] = 0.into();
        body["thread_metadata"] = json!({
            "archived": channel.archived,
            "locked": channel.locked,
            "auto_archive_duration": channel.auto_archive_minutes.unwrap_or(1_440),
            "archive_timestamp": channel.archived_at_ms.map_or_else(|| created.clone(), timestamp),
            "create_timestamp": created,
        });
    } else {
        let overwrites: Vec<Value> = overwrites
            .iter()
            .map(|one| {
                let kind = u8::from(one.kind == OverwriteKind::Member);
                let (allow, deny) = (one.allow.to_string(), one.deny.to_string());
                json!({ "id": one.id, "type": kind, "allow": allow, "deny": deny })
            })
            .collect();
        body["position"] = channel.position.into();
        body["nsfw"] = false.into();
        body["topic"] = Value::Null;
        body["permission_overwrites"] = overwrites.into();
    }
    body
}

pub(crate) fn guild(guild: &Guild, bot: Option<Id>) -> Value {
    json!({
        "id": guild.id,
        "name": guild.name,
        "owner_id": guild.owner_id,
        "roles": roles(guild, bot),
        "icon": null,
        "splash": null,
        "discovery_splash": null,
        "banner": null,
        "description": null,
        "afk_channel_id": null,
        "afk_timeout": 300,
        "application_id": null,
        "default_message_notifications": 1,
        "explicit_content_filter": 0,
        "emojis": [],
        "stickers": [],
        "features": [],
        "large": false,
        "mfa_level": 0,
        "nsfw_level": 0,
        "nsfw": false,
        "preferred_locale": "en-US",
        "premium_progress_bar_enabled": false,
        "premium_tier": 0,
        "public_updates_channel_id": null,
        "rules_channel_id": null,
        "system_channel_flags": 0,
        "system_channel_id": null,
        "vanity_url_code": null,
        "verification_level": 0,
    })
}

/// An entry of the bot's own list of guilds.
pub(crate) fn own_guild(guild: &Guild, bot: Id) -> Value {
    json!({
        "id": guild.id,
        "name": guild.name,
        "icon": null,
        "owner": guild.owner_id == bot,
        "permissions": permissions_core::base(guild, bot).to_string(),
        "features": [],
    })
}

/// All roles of a guild with `@everyone` and the bots' own.
pub(crate) fn roles(guild: &Guild, bot: Option<Id>) -> Vec<Value> {
    let everyone = Role {
        name: "@everyone".to_owned(),
        permissions: guild.everyone_permissions,
        ..Role::new(guild.id.0, 0)
    };
    let bots = Role {
        name: "bots".to_owned(),
        managed: true,
        bot_id: bot,
        permissions: own_role_bits(guild),
        ..Role::new(bot_role(guild).0, guild.bot_role_position)
    };
    std::iter::once(&everyone)
        .chain(&guild.roles)
        .chain([&bots])
        .map(|role| {
            let mut shown = json!({
                "id": role.id,
                "name": role.name,
                "position": role.position,
                "permissions": role.permissions.to_string(),
                "color": role.color,
                "colors": { "primary_color": role.color, "secondary_color": null, "tertiary_color": null },
                "hoist": false,
                "managed": role.managed,
                "mentionable": role.mentionable,
                "flags": 0,
            });
            if let Some(bot) = role.bot_id {
                shown["tags"] = json!({ "bot_id": bot });
            }
            shown
        })
        .collect()
}

pub(crate) fn member(member: &Member, bot: bool) -> Value {
    json!({
        "user": user(member.user_id, &member.username, bot),
        "nick": null,
        "roles": member.roles,
        "joined_at": timestamp(Id(member.user_id.0).created_at_ms()),
        "deaf": false,
        "mute": false,
        "flags": 0,
        "pending": false,
        "communication_disabled_until": null,
    })
}

/// A webhook as this bot sees it: with its token, unless another bot made it.
pub(crate) fn webhook(webhook: &Webhook, guild: Option<Id>, bots: &[Id], asks: Id) -> Value {
    let by_bot = bots.contains(&webhook.owner_id);
    let mut body = json!({
        "id": webhook.id,
        "type": 1,
        "guild_id": guild,
        "channel_id": webhook.channel_id,
        "name": webhook.name,
        "avatar": null,
        "user": user(webhook.owner_id, &format!("user-{}", webhook.owner_id), by_bot),
        "application_id": by_bot.then_some(webhook.owner_id),
    });
    if !by_bot || webhook.owner_id == asks {
        body["token"] = json!(webhook.token);
    }
    body
}
