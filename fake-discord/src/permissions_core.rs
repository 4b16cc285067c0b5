//! What a member may do in a channel, by Discord's documented algorithm: base from `@everyone` and the roles, then the
//! overwrites of the channel. Pure. Written apart from the server's own, so that a mistake in one shows against the other.

use crate::{
    id::Id,
    settings::{Channel, Guild, Overwrite, OverwriteKind, Rights},
};

pub(crate) const ADMINISTRATOR: u64 = 1 << 3;
pub(crate) const VIEW: u64 = 1 << 10;
pub(crate) const SEND: u64 = 1 << 11;
pub(crate) const MANAGE_MESSAGES: u64 = 1 << 13;
pub(crate) const EMBED_LINKS: u64 = 1 << 14;
pub(crate) const ATTACH_FILES: u64 = 1 << 15;
pub(crate) const READ_HISTORY: u64 = 1 << 16;
pub(crate) const MENTION_EVERYONE: u64 = 1 << 17;
pub(crate) const MANAGE_ROLES: u64 = 1 << 28;
pub(crate) const MANAGE_WEBHOOKS: u64 = 1 << 29;
pub(crate) const CREATE_THREADS: u64 = 1 << 35;
pub(crate) const SEND_IN_THREADS: u64 = 1 << 38;
const EVERYTHING: u64 = u64::MAX;

/// The bits of rights.
pub(crate) fn bits(rights: &Rights) -> u64 {
    [
        (rights.view, VIEW),
        (rights.send, SEND | SEND_IN_THREADS),
        (rights.manage_messages, MANAGE_MESSAGES),
        (rights.embed_links, EMBED_LINKS),
        (rights.attach_files, ATTACH_FILES),
        (rights.read_history, READ_HISTORY),
        (rights.mention_everyone, MENTION_EVERYONE),
        (rights.manage_webhooks, MANAGE_WEBHOOKS),
        (rights.create_threads, CREATE_THREADS),
    ]
    .into_iter()
    .filter(|(has, _)| *has)
    .fold(0, |bits, (_, bit)| bits | bit)
}

/// The role that bots hold in a guild: it stands at their position.
pub(crate) const fn bot_role(guild: &Guild) -> Id {
    Id(guild.id.0 + 1)
}

/// The overwrites of a channel, as it shows them and as they count: those declared, and for each bot what is missing of the
/// channel's rights.
pub(crate) fn overwrites(channel: &Channel, bots: &[Id]) -> Vec<Overwrite> {
    let mut all = channel.overwrites.clone();
    let missing = bits(&Rights::default()) & !bits(&channel.rights);
    if missing == 0 {
        return all;
    }
    for &bot in bots {
        let own = all
            .iter_mut()
            .find(|one| one.kind == OverwriteKind::Member && one.id == bot);
        match own {
            Some(own) => {
                own.allow &= !missing;
                own.deny |= missing;
            }
            None => all.push(Overwrite::deny(OverwriteKind::Member, bot, missing)),
        }
    }
    all
}

/// What a bot may do in its guild before any channel is looked at.
pub(crate) fn base(guild: &Guild, bot: Id) -> u64 {
    if guild.owner_id == bot {
        return EVERYTHING;
    }
    let mut bits = guild.everyone_permissions | own_role_bits(guild);
    for role in &guild.roles {
        if guild.bot_roles.contains(&role.id) {
            bits |= role.permissions;
        }
    }
    if bits & ADMINISTRATOR == 0 {
        bits
    } else {
        EVERYTHING
    }
}

/// The bits of the bots' own role.
pub(crate) const fn own_role_bits(guild: &Guild) -> u64 {
    if guild.bot_manages_roles {
        guild.bot_permissions | MANAGE_ROLES
    } else {
        guild.bot_permissions & !MANAGE_ROLES
    }
}

/// What a bot may do in a channel of its guild with these overwrites; nothing where it may not look.
pub(crate) fn in_channel(guild: &Guild, bot: Id, overwrites: &[Overwrite]) -> u64 {
    let mut bits = base(guild, bot);
    if bits == EVERYTHING {
        return bits;
    }
    let mut apply = |allow: u64, deny: u64| bits = bits & !deny | allow;
    let of = |kind: OverwriteKind| overwrites.iter().filter(move |one| one.kind == kind);
    for one in of(OverwriteKind::Role).filter(|one| one.id == guild.id) {
        apply(one.allow, one.deny);
    }
    let holds = |role: Id| role == bot_role(guild) || guild.bot_roles.contains(&role);
    let roles = of(OverwriteKind::Role).filter(|one| one.id != guild.id && holds(one.id));
    let (allow, deny) = roles.fold((0, 0), |(allow, deny), one| {
        (allow | one.allow, deny | one.deny)
    });
    apply(allow, deny);
    for one in of(OverwriteKind::Member).filter(|one| one.id == bot) {
        apply(one.allow, one.deny);
    }
    if bits & VIEW == 0 { 0 } else { bits }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Role;

    const BOT: Id = Id(7);

    fn guild() -> Guild {
        let mut role = Role::new(50, 3);
        role.permissions = EMBED_LINKS;
        Guild {
            everyone_permissions: VIEW | SEND,
            bot_permissions: 0,
            bot_roles: vec![Id(50)],
            bot_manages_roles: false,
            ..Guild::new(9, vec![role, Role::new(51, 4)], Vec::new())
        }
    }

    #[test]
    fn overwrites_go_from_everyone_to_the_member() {
        let role = |id, allow, deny| Overwrite {
            id: Id(id),
            kind: OverwriteKind::Role,
            allow,
            deny,
        };
        let member = |allow, deny| Overwrite {
            kind: OverwriteKind::Member,
            ..role(BOT.0, allow, deny)
        };
        let whole = VIEW | SEND | EMBED_LINKS;
        for (name, overwrites, expected) in [
            ("none", vec![], whole),
            (
                "everyone denied",
                vec![role(9, 0, SEND)],
                VIEW | EMBED_LINKS,
            ),
            (
                "a role gives it back",
                vec![role(50, SEND, 0), role(9, 0, SEND)],
                whole,
            ),
            (
                "the bots' own role too",
                vec![role(9, 0, SEND), role(10, SEND, 0)],
                whole,
            ),
            (
                "of roles, allow beats deny",
                vec![role(50, 0, SEND), role(10, SEND, 0)],
                whole,
            ),
            (
                "the member comes last",
                vec![member(0, SEND), role(50, SEND, 0)],
                VIEW | EMBED_LINKS,
            ),
            ("a role that is not held", vec![role(51, 0, SEND)], whole),
            ("who may not look may nothing", vec![role(9, 0, VIEW)], 0),
        ] {
            assert_eq!(in_channel(&guild(), BOT, &overwrites), expected, "{name}");
        }
        let all = [role(9, 0, EVERYTHING), member(0, EVERYTHING)];
        let owned = Guild {
            owner_id: BOT,
            ..guild()
        };
        assert_eq!(in_channel(&owned, BOT, &all), EVERYTHING);
        let administered = Guild {
            bot_permissions: ADMINISTRATOR,
            ..guild()
        };
        assert_eq!(in_channel(&administered, BOT, &all), EVERYTHING);
    }

    #[test]
    fn missing_rights_are_overwrites_of_the_member() {
        let rights = Rights {
            send: false,
            ..Rights::default()
        };
        let mut channel = Channel::text(1, 9).with_rights(rights);
        let denied = Overwrite::deny(OverwriteKind::Member, BOT, SEND | SEND_IN_THREADS);
        assert_eq!(overwrites(&channel, &[BOT]), [denied]);
        channel.overwrites.push(Overwrite {
            allow: SEND | VIEW,
            ..Overwrite::deny(OverwriteKind::Member, BOT, 0)
        });
        let merged = Overwrite {
            allow: VIEW,
            ..denied
        };
        assert_eq!(overwrites(&channel, &[BOT]), [merged]);
    }
}
