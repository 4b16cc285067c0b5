//! The documented algorithm as a table, and the sentences.
#![allow(clippy::unwrap_used)]
use super::*;
use proptest::prelude::*;
use twilight_model::id::Id;

const VIEW: Permissions = Permissions::VIEW_CHANNEL;
const SEND: Permissions = Permissions::SEND_MESSAGES;
const EMBED: Permissions = Permissions::EMBED_LINKS;
const NONE: Permissions = Permissions::empty();
const EVERYONE: u64 = 9;
const OWN: u64 = 50;
const OTHER: u64 = 51;
const ME: u64 = 7;

fn role(id: u64, name: &str, permissions: Permissions) -> RoleFacts {
    RoleFacts {
        role_id: RoleId::new(id.cast_signed()).unwrap(),
        name: name.to_owned(),
        position: id.cast_signed(),
        permissions,
        bot_id: (id == OWN).then(|| UserId::new(ME.cast_signed()).unwrap()),
    }
}

/// The bot holds its own role and another, which stands higher.
fn guild(everyone: Permissions, own: Permissions) -> GuildFacts {
    let id = |id: u64| RoleId::new(id.cast_signed()).unwrap();
    GuildFacts {
        guild_id: GuildId::new(EVERYONE.cast_signed()).unwrap(),
        owner_id: UserId::new(1).unwrap(),
        roles: vec![
            role(EVERYONE, "@everyone", everyone),
            role(OWN, "Heliograph", own),
            role(OTHER, "Robots", NONE),
            role(52, "Staff", Permissions::ADMINISTRATOR),
        ],
        me: UserId::new(ME.cast_signed()).unwrap(),
        my_roles: vec![id(OWN), id(OTHER)],
    }
}

fn over(id: u64, allow: Permissions, deny: Permissions) -> PermissionOverwrite {
    let kind = if id == ME {
        PermissionOverwriteType::Member
    } else {
        PermissionOverwriteType::Role
    };
    PermissionOverwrite {
        allow,
        deny,
        id: Id::new(id),
        kind,
    }
}

fn channel(kind: ChannelType, overwrites: Vec<PermissionOverwrite>) -> ChannelFacts {
    ChannelFacts {
        kind,
        name: "signals".to_owned(),
        overwrites,
    }
}

#[test]
fn the_documented_order() {
    let plain = guild(VIEW | SEND, EMBED);
    let whole = VIEW | SEND | EMBED;
    for (name, overwrites, expected) in [
        ("roles add up", vec![], whole),
        (
            "everyone denied",
            vec![over(EVERYONE, NONE, SEND)],
            VIEW | EMBED,
        ),
        (
            "a role over everyone",
            vec![over(OWN, SEND, NONE), over(EVERYONE, NONE, SEND)],
            whole,
        ),
        (
            "a role denied",
            vec![over(EVERYONE, SEND, NONE), over(OWN, NONE, SEND)],
            VIEW | EMBED,
        ),
        (
            "of roles allow beats deny",
            vec![over(OWN, NONE, SEND), over(OTHER, SEND, NONE)],
            whole,
        ),
        (
            "a role that is not held",
            vec![over(52, NONE, whole)],
            whole,
        ),
        (
            "the member over roles",
            vec![over(ME, NONE, SEND), over(OWN, SEND, NONE)],
            VIEW | EMBED,
        ),
        (
            "the member over everyone",
            vec![over(ME, SEND, NONE), over(EVERYONE, NONE, SEND)],
            whole,
        ),
        (
            "who may not view may nothing",
            vec![over(EVERYONE, NONE, VIEW)],
            NONE,
        ),
        (
            "viewing given back",
            vec![over(EVERYONE, NONE, VIEW), over(ME, VIEW, NONE)],
            whole,
        ),
    ] {
        assert_eq!(in_channel(&plain, &overwrites), expected, "{name}");
    }
    let everything = [
        over(EVERYONE, NONE, Permissions::all()),
        over(ME, NONE, Permissions::all()),
    ];
    let admin = guild(VIEW, Permissions::ADMINISTRATOR);
    assert_eq!(in_channel(&admin, &everything), Permissions::all());
    let owner = GuildFacts {
        owner_id: plain.me,
        ..plain.clone()
    };
    assert_eq!(in_channel(&owner, &everything), Permissions::all());
    // A member's id that equals a role's is still a member's.
    let of_role = PermissionOverwrite {
        kind: PermissionOverwriteType::Role,
        ..over(ME, NONE, SEND)
    };
    assert_eq!(in_channel(&plain, &[of_role]), whole);
}

#[test]
fn one_sentence_says_what_to_change() {
    use ChannelType::{GuildCategory, GuildForum, GuildText, GuildVoice, PublicThread};
    let all = VIEW | SEND | EMBED | WISHED | Permissions::SEND_MESSAGES_IN_THREADS;
    let says = |everyone, kind, overwrites| {
        let verdict = judge(&guild(everyone, NONE), &channel(kind, overwrites));
        verdict.obstacle.map(|Obstacle(sentence)| sentence)
    };
    let own = "the bot's role \"Heliograph\"";
    for (everyone, kind, overwrites, expected) in [
        (all, GuildText, vec![], None),
        (
            VIEW,
            GuildText,
            vec![],
            Some(format!(
                "In #signals give {own} the permissions \"Send Messages\" and \"Embed Links\"."
            )),
        ),
        (
            all,
            GuildText,
            vec![over(EVERYONE, NONE, VIEW)],
            Some(format!(
                "The bot cannot see #signals: there give {own} the permission \"View Channel\"."
            )),
        ),
        (
            NONE,
            GuildText,
            vec![],
            Some(format!(
                "The bot cannot see #signals: there give {own} the permissions \"View Channel\", \"Send Messages\" and \
                 \"Embed Links\"."
            )),
        ),
        (
            all,
            GuildText,
            vec![over(ME, NONE, SEND)],
            Some(
                "In #signals give the bot itself, under Members, the permission \"Send Messages\"."
                    .to_owned(),
            ),
        ),
        (
            all - Permissions::SEND_MESSAGES_IN_THREADS,
            PublicThread,
            vec![],
            Some(format!(
                "In #signals give {own} the permission \"Send Messages in Threads\"."
            )),
        ),
        (all - SEND, PublicThread, vec![], None),
        (
            all - Permissions::SEND_MESSAGES_IN_THREADS,
            GuildText,
            vec![],
            None,
        ),
        (
            all - Permissions::SEND_MESSAGES_IN_THREADS,
            GuildForum,
            vec![],
            Some(format!(
                "In #signals give {own} the permission \"Send Messages in Threads\"."
            )),
        ),
        (
            all,
            GuildVoice,
            vec![],
            Some(format!(
                "In #signals give {own} the permission \"Connect\"."
            )),
        ),
        (
            all,
            GuildCategory,
            vec![],
            Some("#signals is a category and takes no messages: choose a text channel.".to_owned()),
        ),
    ] {
        assert_eq!(
            says(everyone, kind, overwrites),
            expected,
            "{everyone:?} {kind:?}"
        );
    }
}

#[test]
fn what_is_only_wished_is_advice() {
    let needed = VIEW | SEND | EMBED;
    let verdict = judge(
        &guild(needed, NONE),
        &channel(ChannelType::GuildText, vec![]),
    );
    assert_eq!(verdict.obstacle, None);
    assert!(!verdict.can_read_history);
    assert_eq!(
        verdict.advice.unwrap(),
        "In #signals give the bot's role \"Heliograph\" the permissions \"Attach Files\" and \"Read Message History\"."
    );
    let verdict = judge(
        &guild(needed | WISHED, NONE),
        &channel(ChannelType::GuildText, vec![]),
    );
    assert_eq!((verdict.advice, verdict.can_read_history), (None, true));
}

#[test]
fn without_a_role_the_bot_itself_is_meant() {
    let bare = GuildFacts {
        my_roles: Vec::new(),
        ..guild(VIEW, NONE)
    };
    let sentence = judge(&bare, &channel(ChannelType::GuildText, vec![]))
        .obstacle
        .unwrap()
        .0;
    assert!(
        sentence.contains("give the bot itself, under Members, the permissions"),
        "{sentence}"
    );
    assert!(not_a_member(bare.guild_id).0.contains("(9)"));
}

fn some_permissions() -> impl Strategy<Value = Permissions> {
    prop::collection::vec(0..NAMES.len(), 0..4).prop_map(|picks| {
        picks
            .into_iter()
            .fold(NONE, |all, pick| all | NAMES[pick].0)
    })
}

proptest! {
    /// Doing what the sentence says removes the obstacle, whatever stood there before.
    #[test]
    fn following_the_sentence_helps(
        everyone in some_permissions(),
        own in some_permissions(),
        overwrites in prop::collection::vec((prop::sample::select(vec![EVERYONE, OWN, OTHER, ME]), some_permissions(), some_permissions()), 0..5),
    ) {
        let guild = guild(everyone, own);
        let overwrites: Vec<_> = overwrites.into_iter().map(|(id, allow, deny)| over(id, allow, deny - allow)).collect();
        let mut channel = channel(ChannelType::GuildText, overwrites);
        let needed = needed(channel.kind).unwrap();
        let is_enough = in_channel(&guild, &channel.overwrites).contains(needed);
        let Some(Obstacle(sentence)) = obstacle(needed, &guild, &channel) else {
            prop_assert!(is_enough);
            return Ok(());
        };
        prop_assert!(!is_enough);
        let given = NAMES.iter().filter(|(_, name)| sentence.contains(&format!("\"{name}\""))).fold(NONE, |all, (one, _)| all | *one);
        let whom = if sentence.contains("the bot itself") { ME } else { OWN };
        for one in channel.overwrites.iter_mut().filter(|one| one.id.get() == whom) {
            one.deny -= given;
        }
        channel.overwrites.push(over(whom, given, NONE));
        prop_assert!(in_channel(&guild, &channel.overwrites).contains(needed), "{}", sentence);
    }
}
