//! What is refused when a mapping is saved because of what Discord says, over the fake Discord and the real inspector.

use super::*;
use fake_discord::{
    Channel, DEFAULT_BOT_TOKEN, FakeDiscord, Guild, Overwrite, OverwriteKind, Rights,
    Role as GuildRole, Settings,
};
use heliograph_actors::{
    discord::{Discord, DiscordSettings, inspect::Way},
    global_gate::Gate,
    inspector::{Inspector, InspectorMakings},
    outlets::Outlets,
    restart_core::RestartBudget,
    steady_clock::SteadyClock,
    supervision::{Exhausted, Tree},
    vitals::{Kind, Vitals},
};
use std::time::Duration;
use tokio::sync::watch;

const GUILD: u64 = 7;
const TARGET: u64 = 2;
const VIEW: u64 = 1 << 10;

struct Stage {
    l: Listener,
    fake: FakeDiscord,
    // The inspector ends with it.
    _routing: watch::Sender<Arc<RoutingTable>>,
}

impl Stage {
    /// Channel 1 is a source, 2 and 3 are targets; the bot may do everything in the guild.
    async fn new() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let fake = FakeDiscord::start(Settings {
            guilds: vec![Guild::new(GUILD, vec![GuildRole::new(70, 1)], Vec::new())],
            channels: vec![Channel::text(TARGET, GUILD)],
            ..Settings::default()
        })
        .unwrap();
        let mut l = Listener::new(None);
        let settings = DiscordSettings {
            base_url: fake.base_url(),
            bot_token: DEFAULT_BOT_TOKEN.to_owned(),
            request_timeout: Duration::from_secs(5),
            version: "0".to_owned(),
        };
        let discord = Discord::new(reqwest::Client::new(), &settings).unwrap();
        let (sender, routing) = watch::channel(Arc::new(RoutingTable::default()));
        let makings = InspectorMakings {
            notices: heliograph_actors::noticeboard::Noticeboard::default(),
            way: Some(Way {
                discord: Arc::new(discord),
                gate: Gate::new(50),
                clock: SteadyClock::start(),
            }),
            store: l.db.store(),
            routing,
            outlets: Outlets::default(),
            interval: Duration::from_secs(3_600),
        };
        let budget = RestartBudget {
            restarts_max: 0,
            window: Duration::from_secs(60),
        };
        let tree = Tree::new(budget, Arc::new(|name| panic!("{name} ended the process")));
        let vitals = Vitals::new("inspector", Kind::Inspector, 16);
        let address = tree.start_here(&vitals, Exhausted::Park, Inspector::new(makings));
        l.admin.inspector = Some(Port::new(address.recipient(), vitals));
        l.connector("c1").await;
        l.role("c1", 1, true, false).await;
        l.role("c1", 2, false, true).await;
        l.role("c1", 3, false, true).await;
        Self {
            l,
            fake,
            _routing: sender,
        }
    }

    fn channel(&self, rights: Rights) -> Channel {
        let channel = Channel::text(TARGET, GUILD).with_rights(rights);
        self.fake.control().put_channel(channel.clone());
        channel
    }

    async fn refused(&self, wish: Value) -> String {
        self.l
            .refused(Method::POST, "/api/mappings", wish, 422, "refused")
            .await
    }

    async fn inspect(&self) -> Value {
        let path = format!("/api/targets/{TARGET}/inspect");
        self.l.done(Method::POST, &path, Value::Null).await
    }
}

#[actix_web::test]
async fn what_could_not_work_is_refused_with_the_repair() {
    let s = Stage::new().await;
    let all = Rights::default();
    s.channel(Rights {
        send: false,
        embed_links: false,
        ..all
    });
    assert_eq!(
        s.refused(mapping(1, 2)).await,
        "In #channel-2 give the bot itself, under Members, the permissions \"Send Messages\" and \"Embed Links\"."
    );
    assert_eq!(
        s.refused(mapping(1, 3)).await,
        "The channel does not exist any more: choose another target or delete the mapping."
    );
    let hidden = Overwrite::deny(OverwriteKind::Role, GUILD.into(), VIEW);
    s.fake
        .control()
        .put_channel(Channel::text(TARGET, GUILD).with_overwrites(vec![hidden]));
    assert_eq!(
        s.refused(mapping(1, 2)).await,
        "The bot cannot see #channel-2: there give the bot's role \"bots\" the permission \"View Channel\"."
    );
    s.fake.control().put_channel(Channel {
        kind: 4,
        ..Channel::text(TARGET, GUILD)
    });
    assert!(
        s.refused(mapping(1, 2))
            .await
            .contains("is a category and takes no messages")
    );
    let mut guild = Guild::new(GUILD, Vec::new(), Vec::new());
    guild.has_bots = false;
    s.fake.control().put_guild(guild);
    assert!(
        s.refused(mapping(1, 2))
            .await
            .starts_with("The bot is not on the server")
    );
    // Refused: nothing was saved, and what was seen is in the row.
    let list = s.l.done(Method::GET, "/api/mappings", Value::Null).await;
    assert_eq!(list["items"], json!([]));
    assert!(
        s.inspect().await["obstacle"]
            .as_str()
            .unwrap()
            .contains("not on the server")
    );
}

#[actix_web::test]
async fn repaired_it_is_saved_at_once_and_a_draft_always() {
    let s = Stage::new().await;
    s.channel(Rights {
        send: false,
        ..Rights::default()
    });
    let mut draft = mapping(1, 2);
    draft["is_enabled"] = json!(false);
    let saved = s.l.done(Method::POST, "/api/mappings", draft).await;
    assert_eq!(saved.get("warning"), None, "{saved}");
    let id = saved["mapping_id"].as_i64().unwrap();
    let path = format!("/api/mappings/{id}");
    let enable = json!({ "version": 1, "is_enabled": true });
    s.l.refused(Method::PATCH, &path, enable.clone(), 422, "refused")
        .await;
    let obstructed = s.inspect().await;
    assert!(
        obstructed["obstacle"]
            .as_str()
            .unwrap()
            .contains("Send Messages"),
        "{obstructed}"
    );
    assert_eq!(
        (&obstructed["guild_id"], &obstructed["kind"]),
        (&json!("7"), &json!(0))
    );

    // Another permission of the guild's role was taken, and given back: nothing remembered stands in the way.
    s.channel(Rights::default());
    let mut guild = Guild::new(GUILD, vec![GuildRole::new(70, 1)], Vec::new());
    (guild.everyone_permissions, guild.bot_permissions) = (VIEW, 0);
    s.fake.control().put_guild(guild);
    s.inspect().await;
    s.l.refused(Method::PATCH, &path, enable.clone(), 422, "refused")
        .await;
    s.fake
        .control()
        .put_guild(Guild::new(GUILD, vec![GuildRole::new(70, 1)], Vec::new()));
    let enabled = s.l.done(Method::PATCH, &path, enable).await;
    assert_eq!(
        (&enabled["is_enabled"], enabled.get("warning")),
        (&json!(true), None)
    );
    assert_eq!(s.inspect().await["obstacle"], Value::Null);

    // What Discord does not know of is changed without asking it.
    s.channel(Rights {
        send: false,
        ..Rights::default()
    });
    let tier = json!({ "version": enabled["version"], "tier": 3 });
    s.l.done(Method::PATCH, &path, tier).await;
}

#[actix_web::test]
async fn a_ping_is_of_a_role_of_the_targets_guild() {
    let s = Stage::new().await;
    let with_ping = |role: &str| {
        let mut wish = mapping(1, 2);
        wish["ping_role_id"] = json!(role);
        wish
    };
    for foreign in ["71", "7"] {
        let message = s.refused(with_ping(foreign)).await;
        assert!(
            message.contains(&format!("no role {foreign} on the server")),
            "{message}"
        );
    }
    // What is known of the role is said by its name.
    Sql::new("insert into guild_roles (role_id, guild_id, name, position) values (71, 8, 'VIP', 1), (72, 7, 'Old', 1)")
        .execute(&mut s.l.db.connect())
        .unwrap();
    for (role, said) in [
        ("71", "@VIP is a role of the server \"8\""),
        ("72", "The role @Old is gone from the server \"7\""),
    ] {
        let message = s.refused(with_ping(role)).await;
        assert!(message.starts_with(said), "{message}");
    }
    let saved =
        s.l.done(Method::POST, "/api/mappings", with_ping("70"))
            .await;
    let path = format!("/api/mappings/{}", saved["mapping_id"]);
    let change = json!({ "version": 1, "ping_role_id": "71" });
    s.l.refused(Method::PATCH, &path, change.clone(), 422, "refused")
        .await;
    // Made just now, though the guild was asked a moment ago.
    let roles = vec![GuildRole::new(70, 1), GuildRole::new(71, 2)];
    s.fake
        .control()
        .put_guild(Guild::new(GUILD, roles, Vec::new()));
    s.l.done(Method::PATCH, &path, change).await;
}

#[actix_web::test]
async fn what_is_not_known_is_said_and_saved() {
    let s = Stage::new().await;
    s.channel(Rights {
        read_history: false,
        ..Rights::default()
    });
    let saved = s.l.done(Method::POST, "/api/mappings", mapping(1, 2)).await;
    let warning = saved["warning"].as_str().unwrap();
    assert!(warning.contains("\"Read Message History\""), "{warning}");
    s.l.done(
        Method::DELETE,
        &format!("/api/mappings/{}?version=1", saved["mapping_id"]),
        Value::Null,
    )
    .await;

    s.fake.control().set_bots(Vec::new());
    let saved = s.l.done(Method::POST, "/api/mappings", mapping(1, 2)).await;
    assert_eq!(
        saved["warning"],
        "It is not known whether the bot can mirror into the target channel: Discord refuses the bot token."
    );
    // The row keeps what was last known.
    let row = s.inspect().await;
    assert!(
        row["inspected_at_ms"].is_i64() && row["obstacle"].is_null() && row["warning"].is_string(),
        "{row}"
    );

    let without = Listener::new(None);
    without.connector("c1").await;
    without.role("c1", 1, true, false).await;
    without.role("c1", 2, false, true).await;
    let saved = without
        .done(Method::POST, "/api/mappings", mapping(1, 2))
        .await;
    assert!(
        saved["warning"]
            .as_str()
            .unwrap()
            .starts_with("It is not known"),
        "{saved}"
    );
}
