//! Whom a content would ping, given `allowed_mentions` and the rights of the author. Pure. Mentions inside code
//! blocks count as pings here, though a real client may not show them as such: "nobody was pinged" is then a
//! stronger statement.

use serde::Serialize;

use crate::id::Id;

/// The parsed `allowed_mentions` of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct AllowedMentions {
    pub(crate) parse_everyone: bool,
    pub(crate) parse_users: bool,
    pub(crate) parse_roles: bool,
    pub(crate) users: Vec<Id>,
    pub(crate) roles: Vec<Id>,
    pub(crate) replied_user: bool,
}

impl AllowedMentions {
    /// What holds when a request says nothing: everything pings.
    pub(crate) const fn everything() -> Self {
        Self {
            parse_everyone: true,
            parse_users: true,
            parse_roles: true,
            users: Vec::new(),
            roles: Vec::new(),
            replied_user: true,
        }
    }
}

/// Who is pinged.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Pinged {
    /// `@everyone` or `@here`.
    pub everyone: bool,
    /// Users, by mention or as the author of the message replied to.
    pub users: Vec<Id>,
    /// Roles.
    pub roles: Vec<Id>,
}

impl Pinged {
    /// Nobody is.
    pub const fn is_empty(&self) -> bool {
        !self.everyone && self.users.is_empty() && self.roles.is_empty()
    }
}

/// Works out who is pinged by a content.
pub(crate) fn pinged(
    content: &str,
    allowed: &AllowedMentions,
    reply_to: Option<Id>,
    may_everyone: bool,
    may_role: impl Fn(Id) -> bool,
) -> Pinged {
    let mut pinged = Pinged {
        everyone: allowed.parse_everyone
            && may_everyone
            && (content.contains("@everyone") || content.contains("@here")),
        ..Pinged::default()
    };
    for mention in mentions(content) {
        match mention {
            Mention::User(user) if allowed.parse_users || allowed.users.contains(&user) => {
                push_once(&mut pinged.users, user);
            }
            Mention::Role(role)
                if (allowed.parse_roles || allowed.roles.contains(&role)) && may_role(role) =>
            {
                push_once(&mut pinged.roles, role);
            }
            _ => {}
        }
    }
    if let Some(author) = reply_to
        && allowed.replied_user
    {
        push_once(&mut pinged.users, author);
    }
    pinged
}

enum Mention {
    User(Id),
    Role(Id),
}

fn mentions(content: &str) -> impl Iterator<Item = Mention> {
    content.split("<@").skip(1).filter_map(|rest| {
        let (inside, _) = rest.split_once('>')?;
        match inside.strip_prefix('&') {
            Some(role) => role.parse().ok().map(Mention::Role),
            None => inside
                .strip_prefix('!')
                .unwrap_or(inside)
                .parse()
                .ok()
                .map(Mention::User),
        }
    })
}

fn push_once(list: &mut Vec<Id>, id: Id) {
    if !list.contains(&id) {
        list.push(id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_pinged() {
        let none = AllowedMentions::default;
        let all = AllowedMentions::everything;
        let role = || AllowedMentions {
            roles: vec![Id(9)],
            ..none()
        };
        let nobody = Pinged::default;
        let cases = [
            ("plain", all(), true, nobody()),
            (
                "hi @everyone",
                all(),
                true,
                Pinged {
                    everyone: true,
                    ..nobody()
                },
            ),
            (
                "hi @here",
                all(),
                true,
                Pinged {
                    everyone: true,
                    ..nobody()
                },
            ),
            ("hi @everyone", all(), false, nobody()),
            ("hi @everyone <@1> <@&9>", none(), true, nobody()),
            (
                "<@1> <@!1> <@2>",
                all(),
                true,
                Pinged {
                    users: vec![Id(1), Id(2)],
                    ..nobody()
                },
            ),
            (
                "<@1> <@&9> <@&8>",
                role(),
                true,
                Pinged {
                    roles: vec![Id(9)],
                    ..nobody()
                },
            ),
            ("<@&9>", role(), false, nobody()),
            ("<@x> <@ <@&> <@1", all(), true, nobody()),
        ];
        for (content, allowed, may, expected) in cases {
            assert_eq!(
                pinged(content, &allowed, None, may, |_| may),
                expected,
                "{content}"
            );
        }
    }

    #[test]
    fn a_reply_pings_its_author_unless_told_not_to() {
        let by_default = pinged(
            "",
            &AllowedMentions::everything(),
            Some(Id(3)),
            true,
            |_| true,
        );
        assert_eq!(by_default.users, [Id(3)]);
        assert!(pinged("", &AllowedMentions::default(), Some(Id(3)), true, |_| true).is_empty());
    }
}
