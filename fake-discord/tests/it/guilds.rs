//! Guilds, channels, roles and members, in the shapes of the models.

use fake_discord::{Channel, Guild, Id, Overwrite, OverwriteKind, Rights, Role, Settings};
use reqwest::Method;
use serde::de::DeserializeOwned;
use serde_json::json;
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

/// What the models read is what is enforced: the fake's answers are worked out here again, by the documented steps.
#[tokio::test]
async fn permissions_show_and_hold() {
    let fake = Harness::plain();
    let bits = |permissions: Permissions| permissions.bits();
    let mut reader = Role::new(501, 5);
    reader.permissions = bits(Permissions::EMBED_LINKS);
    let mut guild = Guild::new(GUILD, vec![reader], Vec::new());
    guild.everyone_permissions = bits(Permissions::VIEW_CHANNEL);
    guild.bot_permissions = bits(Permissions::SEND_MESSAGES);
    let put = |guild: &Guild, overwrites: Vec<Overwrite>| {
        fake.control().put_guild(guild.clone());
        let channel = Channel::text(CHANNEL, GUILD).with_overwrites(overwrites);
        fake.control().put_channel(channel);
    };
    let embed = json!({ "content": "x", "embeds": [{ "title": "t" }] });

    put(&guild, Vec::new());
    assert_eq!(fake.post(json!({ "content": "x" })).await.status, 200);
    assert_eq!(fake.post(embed.clone()).await.failure(), (403, 50013));
    guild.bot_roles = vec![Id(501)];
    put(&guild, Vec::new());
    assert_eq!(fake.post(embed).await.status, 200, "a role gives it");
    let bot: Member = model(&fake.get("/guilds/1000/members/900000000000000001").await);
    let held: Vec<u64> = bot.roles.iter().map(|role| role.get()).collect();
    assert_eq!(held, [1_001, 501]);

    let hidden = Overwrite::deny(
        OverwriteKind::Role,
        Id(GUILD),
        bits(Permissions::VIEW_CHANNEL),
    );
    put(&guild, vec![hidden]);
    assert_eq!(fake.get("/channels/10").await.failure(), (403, 50001));
    let channels: Vec<twilight_model::channel::Channel> =
        model(&fake.get("/guilds/1000/channels").await);
    let shown = channels[0].permission_overwrites.as_ref().unwrap()[0];
    assert_eq!(
        (shown.id.get(), shown.deny),
        (GUILD, Permissions::VIEW_CHANNEL)
    );
    let given = Overwrite {
        allow: hidden.deny,
        ..Overwrite::deny(OverwriteKind::Role, Id(501), 0)
    };
    put(&guild, vec![hidden, given]);
    assert_eq!(fake.get("/channels/10").await.status, 200);

    guild.owner_id = bot.user.id.get().into();
    put(&guild, vec![hidden]);
    assert_eq!(
        fake.get("/channels/10").await.status,
        200,
        "owners see everything"
    );
    guild.has_bots = false;
    put(&guild, Vec::new());
    assert_eq!(fake.get("/channels/10").await.failure(), (403, 50001));
    assert_eq!(fake.get("/guilds/1000").await.failure(), (404, 10004));
    let guilds: Vec<CurrentUserGuild> = model(&fake.get("/users/@me/guilds").await);
    assert!(guilds.is_empty());
}

#[tokio::test]
async fn threads_have_the_permissions_of_their_parent() {
    let fake = Harness::plain();
    let thread = Channel {
        kind: 11,
        parent_id: Some(Id(CHANNEL)),
        ..Channel::text(12, GUILD)
    };
    fake.control().put_channel(thread);
    let post = || {
        fake.api(
            Method::POST,
            "/channels/12/messages",
            json!({ "content": "x" }),
        )
    };
    assert_eq!(post().await.status, 200);
    let in_threads = Permissions::SEND_MESSAGES_IN_THREADS.bits();
    let denied = Overwrite::deny(OverwriteKind::Role, Id(GUILD), in_threads);
    let parent = Channel::text(CHANNEL, GUILD).with_overwrites(vec![denied]);
    fake.control().put_channel(parent);
    assert_eq!(post().await.failure(), (403, 50013));
    assert_eq!(fake.post(json!({ "content": "x" })).await.status, 200);
}

/// Where any channel exists its guild answers too, with every right.
#[tokio::test]
async fn open_channels_have_a_guild() {
    let fake = Harness::start(Settings::open());
    let channel: twilight_model::channel::Channel = model(&fake.get("/channels/77").await);
    let guild = channel.guild_id.unwrap().get();
    let roles: Vec<RoleModel> = model(&fake.get(&format!("/guilds/{guild}/roles")).await);
    let me: CurrentUser = model(&fake.get("/users/@me").await);
    let bot: Member = model(
        &fake
            .get(&format!("/guilds/{guild}/members/{}", me.id))
            .await,
    );
    let own = roles.iter().find(|role| role.id == bot.roles[0]).unwrap();
    assert_eq!(
        own.tags.as_ref().unwrap().bot_id.map(|id| id.get()),
        Some(me.id.get())
    );
    assert!(
        own.permissions
            .contains(Permissions::SEND_MESSAGES | Permissions::VIEW_CHANNEL)
    );
}

#[tokio::test]
async fn own_guilds_come_in_pages() {
    let fake = Harness::plain();
    for id in 2_000..2_250 {
        fake.control()
            .put_guild(Guild::new(id, Vec::new(), Vec::new()));
    }
    let page = async |query: &str| -> Vec<u64> {
        let guilds: Vec<CurrentUserGuild> =
            model(&fake.get(&format!("/users/@me/guilds{query}")).await);
        guilds.iter().map(|guild| guild.id.get()).collect()
    };
    let first = page("").await;
    assert_eq!((first.len(), first[0], first[199]), (200, GUILD, 2_198));
    assert_eq!(
        page("?after=2198").await,
        (2_199..2_250).collect::<Vec<_>>()
    );
    assert_eq!(page("?limit=2&after=2100").await, [2_101, 2_102]);
    assert_eq!(page("?limit=2&before=2100").await, [2_098, 2_099]);
    for query in ["?limit=0", "?limit=201", "?after=x"] {
        let refused = fake.get(&format!("/users/@me/guilds{query}")).await;
        assert_eq!(refused.failure(), (400, 50035), "{query}");
    }
}

#[tokio::test]
async fn a_guild_is_laid_out_and_changes() {
    let fake = Harness::plain();
    let control = fake.control();
    control.put_channel(Channel::text(40, GUILD).placed(4, "Signals", None, 1));
    control.put_channel(Channel::text(41, GUILD).placed(15, "ideas", Some(40), 7));
    let colored = Role {
        color: 0x00_c0_ff,
        bot_id: Some(Id(3)),
        managed: true,
        ..Role::new(504, 9)
    };
    assert!(control.put_role(Id(GUILD), colored));
    let channels: Vec<twilight_model::channel::Channel> =
        model(&fake.get("/guilds/1000/channels").await);
    let laid: Vec<_> = channels
        .iter()
        .map(|one| {
            let parent = one.parent_id.map(|id| id.get());
            (one.id.get(), u8::from(one.kind), parent, one.position)
        })
        .collect();
    assert_eq!(
        laid,
        [
            (CHANNEL, 0, None, Some(0)),
            (40, 4, None, Some(1)),
            (41, 15, Some(40), Some(7))
        ]
    );
    let roles: Vec<RoleModel> = model(&fake.get("/guilds/1000/roles").await);
    let role = roles.iter().find(|role| role.id.get() == 504).unwrap();
    assert_eq!(role.colors.primary_color, 0x00_c0_ff);
    assert_eq!(role.tags.as_ref().unwrap().bot_id.unwrap().get(), 3);
    assert!(control.remove_role(Id(GUILD), Id(504)) && !control.remove_role(Id(GUILD), Id(504)));

    // The same by HTTP: renamed, thrown out, let in again, deleted.
    let steer = async |method: Method, path: &str, body: serde_json::Value| {
        fake.send(method, &format!("/_fake{path}"), Some(body))
            .await
            .status
    };
    let named = async || -> Vec<String> {
        let guilds: Vec<CurrentUserGuild> = model(&fake.get("/users/@me/guilds").await);
        guilds.into_iter().map(|guild| guild.name).collect()
    };
    assert_eq!(
        steer(Method::PATCH, "/guilds/1000", json!({"name": "Desk"})).await,
        200
    );
    assert_eq!(named().await, ["Desk"]);
    let out = json!({"has_bots": false});
    assert_eq!(steer(Method::PATCH, "/guilds/1000", out).await, 200);
    assert!(named().await.is_empty());
    let back = json!({"has_bots": true});
    assert_eq!(steer(Method::PATCH, "/guilds/1000", back).await, 200);
    let role = json!({"id": "600", "name": "VIP", "color": 255});
    assert_eq!(steer(Method::POST, "/guilds/1000/roles", role).await, 200);
    assert_eq!(
        steer(Method::DELETE, "/guilds/1000/roles/501", json!({})).await,
        200
    );
    let shown = fake.send(Method::GET, "/_fake/guilds/1000", None).await;
    let held: Vec<_> = shown.json()["roles"]
        .as_array()
        .unwrap()
        .iter()
        .map(|role| role["id"].clone())
        .collect();
    assert_eq!(held, ["502", "503", "600"]);
    let listed = fake
        .send(Method::GET, "/_fake/channels?guild=1000", None)
        .await;
    assert_eq!(listed.json().as_array().unwrap().len(), 3);
    assert_eq!(steer(Method::DELETE, "/guilds/1000", json!({})).await, 200);
    for path in ["/guilds/1000/channels", "/channels/40"] {
        assert_eq!(fake.get(path).await.status, 404, "{path}");
    }
    for (method, path) in [
        (Method::PATCH, "/guilds/1000"),
        (Method::DELETE, "/guilds/1000"),
        (Method::POST, "/guilds/1000/roles"),
        (Method::DELETE, "/guilds/1000/roles/1"),
    ] {
        assert_eq!(steer(method, path, json!({})).await, 404, "{path}");
    }
}
