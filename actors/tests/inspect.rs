//! How a target channel is looked at over real HTTP: what is asked, what is remembered, and that whatever Discord does not
//! clearly say is "not known".
#![allow(clippy::unwrap_used)]

use fake_discord::{
    Channel, Control, FakeDiscord, Fault, FaultBody, FaultRule, Guild, Overwrite, OverwriteKind,
    RefusalKind, RouteKind, Settings, When,
};
use heliograph_actors::{
    discord::{Discord, DiscordSettings, inspect::Way},
    exchange::Outcome,
    global_gate::Gate,
    limits_core::LimitKind,
    messages::{Obstacle, Seen},
    steady_clock::SteadyClock,
};
use heliograph_schema::ids::{ChannelId, GuildId};
use std::{sync::Arc, time::Duration};

const GUILD: u64 = 7;
const VIEW: u64 = 1 << 10;
const IN_THREADS: u64 = 1 << 38;
const HOUR: Duration = Duration::from_secs(3_600);

struct Stage {
    fake: FakeDiscord,
    way: Way,
}

impl Stage {
    fn new() -> Self {
        let channels = vec![Channel::text(1, GUILD), Channel::text(2, GUILD)];
        let settings = Settings {
            guilds: vec![Guild::new(GUILD, Vec::new(), Vec::new())],
            channels,
            ..Settings::default()
        };
        let _ = rustls::crypto::ring::default_provider().install_default();
        let fake = FakeDiscord::start(settings).unwrap();
        let way = way(fake.base_url());
        Self { fake, way }
    }

    fn control(&self) -> Control {
        self.fake.control()
    }

    async fn look(&self, target: i64, guild: i64, age_max: Duration) -> Seen {
        let target = ChannelId::new(target).unwrap();
        self.way.inspect(target, GuildId::new(guild), age_max).await
    }

    /// Of a fresh look.
    async fn obstacle(&self, target: i64, guild: i64) -> Option<String> {
        let sight = self.look(target, guild, Duration::ZERO).await.unwrap();
        sight.obstacle.map(|Obstacle(sentence)| sentence)
    }
}

fn way(base_url: String) -> Way {
    let settings = DiscordSettings {
        base_url,
        bot_token: fake_discord::DEFAULT_BOT_TOKEN.to_owned(),
        request_timeout: Duration::from_secs(5),
        version: "0".to_owned(),
    };
    Way {
        discord: Arc::new(Discord::new(reqwest::Client::new(), &settings).unwrap()),
        gate: Gate::new(50),
        clock: SteadyClock::start(),
    }
}

#[tokio::test]
async fn a_guild_is_asked_once_for_its_channels() {
    let s = Stage::new();
    let sight = s.look(1, 0, HOUR).await.unwrap();
    assert_eq!(
        (sight.obstacle, sight.advice, sight.can_read_history),
        (None, None, true)
    );
    assert_eq!((sight.guild_id, sight.kind), (GuildId::new(7), Some(0)));
    assert_eq!(
        s.control().stats().requests,
        4,
        "who am I, channel, guild, member"
    );
    s.look(2, 0, HOUR).await.unwrap();
    assert_eq!(s.control().stats().requests, 5);
    s.look(2, 0, Duration::ZERO).await.unwrap();
    assert_eq!(s.control().stats().requests, 8);
    // What is remembered may say that all is well, never that something is missing.
    let mut guild = Guild::new(GUILD, Vec::new(), Vec::new());
    (guild.everyone_permissions, guild.bot_permissions) = (VIEW, 0);
    s.control().put_guild(guild);
    assert!(s.look(1, 0, HOUR).await.unwrap().obstacle.is_none());
    assert!(s.obstacle(1, 0).await.is_some());
    s.control()
        .put_guild(Guild::new(GUILD, Vec::new(), Vec::new()));
    assert!(s.look(1, 0, HOUR).await.unwrap().obstacle.is_none());
}

#[tokio::test]
async fn what_is_hidden_is_found_in_its_guild() {
    let s = Stage::new();
    let hidden = Overwrite::deny(OverwriteKind::Role, GUILD.into(), VIEW);
    s.control()
        .put_channel(Channel::text(1, GUILD).with_overwrites(vec![hidden]));
    let sentence = s.obstacle(1, 7).await.unwrap();
    assert!(
        sentence.contains("cannot see #channel-1: there give the bot's role \"bots\""),
        "{sentence}"
    );
    let sentence = s.obstacle(1, 0).await.unwrap();
    assert!(
        sentence.starts_with("The bot cannot see the channel: add the bot"),
        "{sentence}"
    );
    let sentence = s.obstacle(1, 8).await.unwrap();
    assert!(
        sentence.contains("not on the server of the channel (8)"),
        "{sentence}"
    );
    assert!(
        s.obstacle(9, 7)
            .await
            .unwrap()
            .starts_with("The channel does not exist any more")
    );
}

#[tokio::test]
async fn a_thread_is_repaired_in_its_parent() {
    let s = Stage::new();
    let thread = Channel {
        kind: 11,
        parent_id: Some(1.into()),
        ..Channel::text(5, GUILD)
    };
    s.control().put_channel(thread);
    assert_eq!(s.obstacle(5, 0).await, None);
    let denied = Overwrite::deny(OverwriteKind::Role, GUILD.into(), IN_THREADS);
    s.control()
        .put_channel(Channel::text(1, GUILD).with_overwrites(vec![denied]));
    assert_eq!(
        s.obstacle(5, 0).await.unwrap(),
        "In #channel-1 give the bot's role \"bots\" the permission \"Send Messages in Threads\"."
    );
    assert_eq!(s.obstacle(1, 0).await, None);
}

#[tokio::test]
async fn what_discord_does_not_say_is_not_known() {
    let faults = || {
        [
            (
                "limited",
                Fault::RateLimited {
                    kind: RefusalKind::Bucket,
                    retry_after_ms: 1_000,
                    code: None,
                },
            ),
            (
                "500",
                Fault::Status {
                    status: 500,
                    body: FaultBody::Html,
                    commit: false,
                },
            ),
            (
                "403 of something else",
                Fault::Error {
                    status: 403,
                    code: 40_333,
                    message: "internal network error".to_owned(),
                },
            ),
            ("reset", Fault::Reset { commit: false }),
            ("cut", Fault::CutBody),
            ("no JSON", Fault::TruncatedJson),
            ("401", Fault::Unauthorized),
        ]
    };
    for route in [
        RouteKind::ChannelGet,
        RouteKind::GuildGet,
        RouteKind::MemberGet,
    ] {
        for (name, fault) in faults() {
            // A gate of its own each time: a 401 closes it.
            let s = Stage::new();
            s.control()
                .add_fault(FaultRule::new(When::Always, fault).on(route));
            let seen = s.look(1, 7, Duration::ZERO).await;
            assert!(seen.is_err(), "{name} on {route:?}: {seen:?}");
            s.control().clear_faults();
        }
    }
    let nobody = way("http://127.0.0.1:9".to_owned());
    let seen = nobody.inspect(ChannelId::new(1).unwrap(), None, HOUR).await;
    assert!(seen.unwrap_err().0.starts_with("Discord does not answer"));
    // A gate that stays closed is not waited for.
    let s = Stage::new();
    let everybody_waits = Outcome::RateLimited {
        kind: LimitKind::Global,
        retry_after_ms: 3_600_000,
    };
    let target = ChannelId::new(1).unwrap();
    s.way
        .gate
        .hear(s.way.clock.now_ms(), target, &everybody_waits);
    let seen = s.look(1, 7, HOUR).await;
    assert!(seen.unwrap_err().0.contains("global_limit"));
    assert_eq!(s.control().stats().requests, 0);
}
