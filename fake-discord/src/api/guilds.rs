//! The bot's own user, guilds, members and their roles.

use serde_json::{Value, json};

use super::{Answer, Job};
use crate::{
    fake::{Fake, Speaker},
    id::Id,
    permissions_core, render,
    reply::{ApiError, Reply},
    settings::Member,
};

/// Guilds of one page.
const GUILDS_MAX: u64 = 200;

impl Fake {
    pub(super) fn current_user(&self, bot: &Speaker) -> Reply {
        let mut user = render::user(bot.id, &bot.name, true);
        user["mfa_enabled"] = false.into();
        user["verified"] = true.into();
        Reply::json(200, &user)
    }

    /// Up to a page of the guilds that the bot is in, in the order of ids.
    pub(super) fn current_user_guilds(&self, job: &Job<'_>, bot: &Speaker) -> Answer {
        let number = |name| job.query(name).map(str::parse::<u64>).transpose();
        let (Ok(limit), Ok(after), Ok(before)) =
            (number("limit"), number("after"), number("before"))
        else {
            return Err(ApiError::new(400, 50035, "Invalid Form Body"));
        };
        let limit = limit.unwrap_or(GUILDS_MAX);
        if !(1..=GUILDS_MAX).contains(&limit) {
            return Err(ApiError::new(400, 50035, "Invalid Form Body"));
        }
        let is_asked = |id: Id| {
            after.is_none_or(|after| id.0 > after) && before.is_none_or(|before| id.0 < before)
        };
        let mut guilds: Vec<Value> = self
            .world
            .guilds
            .values()
            .filter(|guild| guild.has_bots && is_asked(guild.id))
            .map(|guild| render::own_guild(guild, bot.id))
            .collect();
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        // Before an id alone, the last of them; else the first.
        if before.is_some() && after.is_none() {
            guilds.drain(..guilds.len().saturating_sub(limit));
        }
        guilds.truncate(limit);
        Ok(Reply::json(200, &Value::Array(guilds)))
    }

    pub(super) fn get_guild(&self, id: Id) -> Answer {
        let guild = self.world.guild(id)?;
        Ok(Reply::json(200, &render::guild(guild, self.first_bot())))
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
            &json!(render::roles(self.world.guild(id)?, self.first_bot())),
        ))
    }

    pub(super) fn get_member(&self, guild: Id, user: Id) -> Answer {
        if let Some(bot) = self.settings.bots.iter().find(|bot| bot.user_id == user) {
            let guild = self.world.guild(guild)?;
            let mut roles = vec![permissions_core::bot_role(guild)];
            roles.extend(&guild.bot_roles);
            let member = Member {
                user_id: user,
                username: bot.username.clone(),
                roles,
            };
            return Ok(Reply::json(200, &render::member(&member, true)));
        }
        Ok(Reply::json(
            200,
            &render::member(self.world.member(guild, user)?, false),
        ))
    }

    /// Whose role the bots' own is said to be.
    fn first_bot(&self) -> Option<Id> {
        self.settings.bots.first().map(|bot| bot.user_id)
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
