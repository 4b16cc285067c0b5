//! Guilds, channels, roles and members, in the shapes of the models.

use fake_discord::{Channel, Guild, Id, Rights, Role};
use reqwest::Method;
use serde::de::DeserializeOwned;
use twilight_model::{
    guild::{Member, Permissions, Role as RoleModel},
    user::{CurrentUser, CurrentUserGuild},
};

use crate::harness::{Answer, CHANNEL, GUILD, Harness};

fn model<T: DeserializeOwned>(answer: &Answer) -> T {
    serde_json::from_str(&answer.text).unwrap_or_else(|error| panic!("{error}: {}", answer.text))
}

#[tokio::test]
async fn what_exists_is_shown() {
    let fake = Harness::plain();
    let rights = Rights {
        send: false,
        ..Rights::default()
    };
    fake.control()
        .put_channel(Channel::text(11, GUILD).with_rights(rights));
    let me: CurrentUser = model(&fake.get("/users/@me").await);
    assert!(me.bot);
    let guilds: Vec<CurrentUserGuild> = model(&fake.get("/users/@me/guilds").await);
    assert_eq!(guilds[0].id.get(), GUILD);
    let guild: twilight_model::guild::Guild = model(&fake.get("/guilds/1000").await);
    assert_eq!(guild.id.get(), GUILD);
    let channel: twilight_model::channel::Channel = model(&fake.get("/channels/10").await);
    assert_eq!(
        (channel.id.get(), channel.guild_id.unwrap().get()),
        (CHANNEL, GUILD)
    );
    let channels: Vec<twilight_model::channel::Channel> =
        model(&fake.get("/guilds/1000/channels").await);
    let denied: Vec<_> = channels
        .iter()
        .map(|channel| {
            channel
                .permission_overwrites
                .as_ref()
                .unwrap()
                .first()
                .map(|one| one.deny)
        })
        .collect();
    let sending = Permissions::SEND_MESSAGES | Permissions::SEND_MESSAGES_IN_THREADS;
    assert_eq!(
        denied,
        [None, Some(sending)],
        "a missing right shows as an overwrite"
    );
    let roles: Vec<RoleModel> = model(&fake.get("/guilds/1000/roles").await);
    let ids: Vec<_> = roles.iter().map(|role| role.id.get()).collect();
    assert_eq!(ids, [1_000, 501, 502, 503, 1_001]);
    let bot: Member = model(&fake.get(&format!("/guilds/1000/members/{}", me.id)).await);
    assert_eq!(bot.roles[0].get(), 1_001);
    assert_eq!(fake.get("/guilds/1").await.failure(), (404, 10004));
}

#[tokio::test]
async fn roles_are_given_and_taken() {
    let fake = Harness::plain();
    let path = |user: u64, role: u64| format!("/api/v10/guilds/1000/members/{user}/roles/{role}");
    for _ in 0..2 {
        assert_eq!(
            fake.send(Method::PUT, &path(700, 501), None).await.status,
            204
        );
    }
    let member: Member = model(&fake.get("/guilds/1000/members/700").await);
    assert_eq!(
        member
            .roles
            .iter()
            .map(|role| role.get())
            .collect::<Vec<_>>(),
        [501]
    );
    for _ in 0..2 {
        assert_eq!(
            fake.send(Method::DELETE, &path(700, 501), None)
                .await
                .status,
            204
        );
    }
    assert!(
        fake.control()
            .member(Id(GUILD), Id(700))
            .unwrap()
            .roles
            .is_empty()
    );
    for (user, role, expected) in [
        (701, 501, (404, 10007)),
        (700, 599, (404, 10011)),
        (700, 502, (403, 50013)),
        (700, 503, (403, 50013)),
    ] {
        let refused = fake.send(Method::PUT, &path(user, role), None).await;
        assert_eq!(refused.failure(), expected, "user {user} role {role}");
    }
    let mut guild = Guild::new(GUILD, vec![Role::new(501, 5)], Vec::new());
    guild.bot_manages_roles = false;
    fake.control().put_guild(guild);
    assert_eq!(
        fake.send(Method::PUT, &path(700, 501), None)
            .await
            .failure(),
        (403, 50013)
    );
    assert_eq!(
        fake.get("/guilds/1000/members/700").await.failure(),
        (404, 10007)
    );
}
