//! What the bot sees, read from a fake Discord over real HTTP into real tables: what comes, what goes, and what is not believed.
#![allow(clippy::unwrap_used)]

use fake_discord::{
    Bot, Channel, Control, DEFAULT_BOT_TOKEN, FakeDiscord, Fault, FaultBody, FaultRule, Guild, Id,
    Role, RouteKind, Settings, When,
};
use heliograph_actors::{
    directory::{Directory, DirectoryMakings},
    directory_board::{BotSeen, DirectoryBoard, DirectoryState},
    discord::{Discord, DiscordSettings, inspect::Way},
    global_gate::Gate,
    messages::RefreshDirectory,
    noticeboard::{Noticeboard, Topic},
    port::Port,
    restart_core::RestartBudget,
    steady_clock::SteadyClock,
    supervision::{Exhausted, Tree},
    vitals::{Kind, Vitals},
};
use heliograph_schema::{
    ids::GuildId,
    store::{Page, bot_guilds, bot_tree},
    test_database::TestDatabase,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};
use tokio::sync::oneshot;

const DESK: u64 = 7;
/// Far above what anything takes.
const PATIENCE: Duration = Duration::from_secs(30);

struct Stage {
    db: TestDatabase,
    fake: FakeDiscord,
    board: DirectoryBoard,
    port: Port<RefreshDirectory>,
    reloads: Arc<AtomicUsize>,
    notices: Noticeboard,
}

impl Stage {
    async fn new() -> Self {
        let stage = Self::with(true);
        if stage.fake.control().stats().requests == 0 {
            stage.refresh().await;
        }
        stage
    }

    /// It reads seldom by itself: tests ask.
    fn with(has_token: bool) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let fake = FakeDiscord::start(Settings {
            guilds: vec![Guild {
                name: "Desk".to_owned(),
                ..Guild::new(DESK, vec![Role::new(70, 1)], Vec::new())
            }],
            channels: vec![
                Channel::text(9, DESK).placed(4, "Signals", None, 0),
                Channel::text(1, DESK).placed(0, "alerts", Some(9), 1),
                Channel::text(2, DESK).placed(0, "chat", Some(9), 2),
            ],
            limits: fake_discord::Limits::off(),
            ..Settings::default()
        })
        .unwrap();
        let settings = DiscordSettings {
            base_url: fake.base_url(),
            bot_token: DEFAULT_BOT_TOKEN.to_owned(),
            request_timeout: Duration::from_secs(5),
            version: "0".to_owned(),
        };
        let (db, board) = (TestDatabase::new(), DirectoryBoard::default());
        let notices = Noticeboard::default();
        let reloads = Arc::new(AtomicUsize::new(0));
        let counted = reloads.clone();
        let makings = DirectoryMakings {
            way: has_token.then(|| Way {
                discord: Arc::new(Discord::new(reqwest::Client::new(), &settings).unwrap()),
                gate: Gate::new(50),
                clock: SteadyClock::start(),
            }),
            global_requests_per_s: 50,
            store: db.store(),
            interval: Duration::from_secs(3_600),
            board: board.clone(),
            notices: notices.clone(),
            reload: Arc::new(move || {
                counted.fetch_add(1, SeqCst);
            }),
            now_ms: || 1_800_000_000_000,
        };
        let budget = RestartBudget {
            restarts_max: 0,
            window: Duration::from_secs(60),
        };
        let tree = Tree::new(budget, Arc::new(|name| panic!("{name} ended the process")));
        let vitals = Vitals::new("directory", Kind::Directory, 16);
        let address = tree.start_here(&vitals, Exhausted::Park, Directory::new(makings));
        let port = Port::new(address.recipient(), vitals);
        Self {
            db,
            fake,
            board,
            port,
            reloads,
            notices,
        }
    }

    fn control(&self) -> Control {
        self.fake.control()
    }

    /// As a person asks: what is known when it is answered.
    async fn refresh(&self) -> BotSeen {
        let (answer, answered) = oneshot::channel();
        self.port.post(RefreshDirectory { answer }).unwrap();
        tokio::time::timeout(PATIENCE, answered)
            .await
            .unwrap()
            .unwrap();
        self.board.see()
    }

    /// The guilds as lines, gone things with a minus: `Desk: 1 alerts, -2 chat; @70 role-70`.
    fn seen(&self) -> Vec<String> {
        let conn = &mut self.db.connect();
        let page = Page {
            after: None,
            limit: 500,
        };
        let guilds = bot_guilds::list(conn, page).unwrap();
        let mark = |gone: bool| if gone { "-" } else { "" };
        let line = |guild: &bot_guilds::BotGuildRow| {
            let mut channels = bot_tree::channels(conn, guild.guild_id).unwrap();
            channels.sort_by_key(|channel| channel.channel_id);
            let channels: Vec<_> = channels
                .iter()
                .map(|c| format!("{}{} {}", mark(c.gone_at.is_some()), c.channel_id, c.name))
                .collect();
            let page = Page {
                after: None,
                limit: 500,
            };
            let roles = bot_guilds::roles(conn, guild.guild_id, page).unwrap();
            let roles: Vec<_> = roles.iter().map(|role| format!("@{}", role.name)).collect();
            let (gone, name) = (mark(guild.gone_at.is_some()), &guild.name);
            format!("{gone}{name}: {}; {}", channels.join(", "), roles.join(" "))
        };
        guilds.iter().map(line).collect()
    }

    fn fault(&self, route: RouteKind, times: u64, fault: Fault) {
        let when = When::Next {
            count: times,
            skip: 0,
        };
        self.control()
            .add_fault(FaultRule::new(when, fault).on(route));
    }
}

const AS_IT_WAS: &str = "Desk: 1 alerts, 2 chat, 9 Signals; @bots @role-70";

fn broken() -> Fault {
    Fault::Status {
        status: 502,
        body: FaultBody::Html,
        commit: false,
    }
}

#[actix::test]
async fn what_the_bot_sees_is_read_and_kept_fresh() {
    let s = Stage::new().await;
    let seen = s.board.see();
    assert_eq!(
        (seen.state, seen.reason, seen.guilds),
        (DirectoryState::Ok, None, 1)
    );
    assert_eq!(seen.user.unwrap().name, "fake-bot");
    assert!(
        seen.refreshed_at_ms
            .is_some_and(|at_ms| at_ms <= 1_800_000_000_000)
    );
    assert_eq!(s.seen(), [AS_IT_WAS]);

    // Nothing new: nobody is told, and nothing is read again but by who asked.
    let raised = || s.notices.read()[Topic::Bot as usize];
    let before = raised();
    s.refresh().await;
    assert_eq!(raised(), before);

    // A guild more, a role and a channel less, another name.
    let control = s.control();
    control.put_guild(Guild {
        name: "Floor".to_owned(),
        ..Guild::new(8, Vec::new(), Vec::new())
    });
    control.put_channel(Channel::text(3, 8).placed(15, "ideas", None, 0));
    control.remove_channel(Id(2));
    control.remove_role(Id(DESK), Id(70));
    control.change_guild(Id(DESK), Some("Trading desk"), None);
    assert_eq!(s.refresh().await.guilds, 2);
    assert_eq!(
        s.seen(),
        [
            "Trading desk: 1 alerts, -2 chat, 9 Signals; @bots",
            "Floor: 3 ideas; @bots"
        ]
    );
    assert!(raised() > before);
    // Thrown out, and let in again.
    control.change_guild(Id(8), None, Some(false));
    assert_eq!(s.refresh().await.guilds, 1);
    assert_eq!(s.seen()[1], "-Floor: -3 ideas; ");
    control.change_guild(Id(8), None, Some(true));
    assert_eq!(s.refresh().await.guilds, 2);
    assert_eq!(s.seen()[1], "Floor: 3 ideas; @bots");
    let reloads = s.reloads.load(SeqCst);
    assert!((1..=3).contains(&reloads), "{reloads}");
}

#[actix::test]
async fn nothing_goes_on_the_word_of_an_error() {
    for (route, fault, reason) in [
        (
            RouteKind::CurrentUserGuilds,
            broken(),
            "Discord does not answer: 502",
        ),
        (
            RouteKind::CurrentUserGuilds,
            Fault::TruncatedJson,
            "an answer does not read",
        ),
        (
            RouteKind::CurrentUserGuilds,
            Fault::CutBody,
            "Discord does not answer",
        ),
        (
            RouteKind::GuildChannels,
            broken(),
            "server 7: Discord does not answer: 502",
        ),
        (
            RouteKind::GuildRoles,
            Fault::TruncatedJson,
            "server 7: an answer does not read",
        ),
        (
            RouteKind::CurrentUser,
            Fault::Unauthorized,
            "the bot token was refused",
        ),
    ] {
        let s = Stage::new().await;
        s.fault(route, 1, fault);
        let seen = s.refresh().await;
        assert_eq!(seen.state, DirectoryState::Failing, "{route:?}");
        let said = seen.reason.unwrap();
        assert!(said.starts_with(reason), "{route:?}: {said}");
        assert_eq!(s.seen(), [AS_IT_WAS], "{route:?}");
    }
}

#[actix::test]
async fn a_guild_that_refuses_is_gone_only_when_the_list_says_so() {
    let s = Stage::new().await;
    for code in [50_001, 10_004] {
        let refusal = Fault::Error {
            status: 403,
            code,
            message: "no".to_owned(),
        };
        s.fault(RouteKind::GuildChannels, 1, refusal);
        let seen = s.refresh().await;
        assert_eq!((seen.state, seen.guilds), (DirectoryState::Ok, 1));
        assert_eq!(s.seen(), [AS_IT_WAS], "{code}");
    }
    // The last guild of all: an empty list is believed when it comes twice.
    s.control().remove_guild(Id(DESK));
    let lists = || {
        let requests = s.control().requests(0);
        let lists = requests
            .iter()
            .filter(|line| line.route == Some(RouteKind::CurrentUserGuilds));
        lists.count()
    };
    let before = lists();
    assert_eq!(s.refresh().await.guilds, 0);
    assert_eq!(lists(), before + 2);
    assert_eq!(s.seen(), ["-Desk: -1 alerts, -2 chat, -9 Signals; "]);
}

#[actix::test]
async fn a_refused_token_is_said_and_forgotten_when_it_works_again() {
    let s = Stage::new().await;
    s.control().set_bots(vec![Bot::new("another", 5)]);
    let seen = s.refresh().await;
    assert_eq!(seen.state, DirectoryState::Failing);
    assert_eq!(seen.reason.as_deref(), Some("the bot token was refused"));
    assert_eq!((seen.guilds, s.seen()), (1, vec![AS_IT_WAS.to_owned()]));
    s.control().set_bots(Settings::default().bots);
    let seen = s.refresh().await;
    assert_eq!((seen.state, seen.reason), (DirectoryState::Ok, None));
}

#[actix::test]
async fn without_a_token_nothing_is_read() {
    let s = Stage::with(false);
    assert_eq!(s.refresh().await.state, DirectoryState::NoToken);
    assert_eq!(s.control().stats().requests, 0);
}

#[actix::test]
async fn those_who_ask_together_are_served_together() {
    let s = Stage::new().await;
    for id in 20..24 {
        s.control()
            .put_guild(Guild::new(id, Vec::new(), Vec::new()));
        s.control().put_channel(Channel::text(id + 100, id));
    }
    let since = s.control().requests(0).last().unwrap().number;
    let (one, two, three) = tokio::join!(s.refresh(), s.refresh(), s.refresh());
    assert_eq!((one.guilds, &one, &two), (5, &two, &three));
    let requests = s.control().requests(since);
    assert_eq!(
        requests.len(),
        2 + 5 * 2,
        "the account, the list, five guilds"
    );
    let known = bot_guilds::known(&mut s.db.connect()).unwrap();
    assert_eq!(known.len(), 5);
    assert_eq!(known[0], GuildId::new(7).unwrap());
}
