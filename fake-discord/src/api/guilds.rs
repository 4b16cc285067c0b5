//! The bot's own user, guilds, members and their roles.

use serde_json::{Value, json};

use super::Answer;
use crate::{
    fake::{Fake, Speaker},
    id::Id,
    render,
    reply::Reply,
    settings::Member,
};

impl Fake {
    pub(super) fn current_user(&self, bot: &Speaker) -> Reply {
        let mut user = render::user(bot.id, &bot.name, true);
        user["mfa_enabled"] = false.into();
        user["verified"] = true.into();
        Reply::json(200, &user)
    }

    pub(super) fn current_user_guilds(&self) -> Reply {
        let guilds = self.world.guilds.values().map(render::own_guild).collect();
        Reply::json(200, &Value::Array(guilds))
    }

    pub(super) fn get_guild(&self, id: Id) -> Answer {
        Ok(Reply::json(200, &render::guild(self.world.guild(id)?)))
    }

    /// Like Discord's: without threads, and with channels bots cannot see.
    pub(super) fn guild_channels(&self, id: Id) -> Answer {
        self.world.guild(id)?;
        let channels = self
            .world
            .channels
            .values()
            .filter(|channel| channel.guild_id == Some(id) && !channel.is_thread())
            .map(|channel| self.render_channel(channel))
            .collect();
        Ok(Reply::json(200, &Value::Array(channels)))
    }

    pub(super) fn guild_roles(&self, id: Id) -> Answer {
        Ok(Reply::json(
            200,
            &json!(render::roles(self.world.guild(id)?)),
        ))
    }

    pub(super) fn get_member(&self, guild: Id, user: Id) -> Answer {
        if let Some(bot) = self.settings.bots.iter().find(|bot| bot.user_id == user) {
            let member = Member {
                user_id: user,
                username: bot.username.clone(),
                roles: vec![render::bot_role(self.world.guild(guild)?)],
            };
            return Ok(Reply::json(200, &render::member(&member, true)));
        }
        Ok(Reply::json(
            200,
            &render::member(self.world.member(guild, user)?, false),
        ))
    }

    /// Giving a role that is held, or taking one that is not, changes nothing and is fine.
    pub(super) fn change_role(&mut self, guild: Id, user: Id, role: Id, give: bool) -> Answer {
        let member = self.world.managed_member(guild, user, role)?;
        member.roles.retain(|held| *held != role);
        if give {
            member.roles.push(role);
        }
        Ok(Reply::empty(204))
    }
}
