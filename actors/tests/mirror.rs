//! A mirror as it runs: the actor, the ledger, a real PostgreSQL and the fake Discord over real HTTP. The rules have their own
//! tests beside them; here is shown that the pieces fit.
#![allow(clippy::unwrap_used)]

use actix::Arbiter;
use diesel::{connection::SimpleConnection, pg::PgConnection, prelude::*, sql_types::Text};
use fake_discord::{Channel, Control, FakeDiscord, Fault, FaultRule, When};
use heliograph_actors::{
    delivery_ledger::{DeliveryLedger, DeliveryLedgerMakings},
    discord::{Discord, DiscordSettings},
    figures::Figures,
    global_gate::Gate,
    messages::{RecordDeliveries, Wanted},
    mirror::{Mirror, MirrorMakings},
    mirror_board::MirrorPlace,
    mirror_core::Settings,
    mirror_reads::MirrorReads,
    noticeboard::Noticeboard,
    port::Port,
    restart_core::RestartBudget,
    steady_clock::SteadyClock,
    supervision::{Exhausted, Tree},
    vitals::{Kind, Vitals},
};
use heliograph_schema::{
    delivery::WantedDelivery,
    ids::{ChannelId, GuildId, SignalId},
    signal::{SignalState, Stamped, Text as SignalText},
    sql::Sql,
    test_database::TestDatabase,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};
use tokio::sync::watch;

const TARGET: u64 = 900;
const PATIENCE: Duration = Duration::from_secs(60);

struct Stage {
    db: TestDatabase,
    conn: PgConnection,
    fake: FakeDiscord,
    tree: Tree,
    ledger: Port<RecordDeliveries>,
    discord: Arc<Discord>,
}

impl Stage {
    fn new() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let db = TestDatabase::new();
        let channels = vec![Channel::text(TARGET, 1)];
        let fake = FakeDiscord::start(fake_discord::Settings {
            channels,
            ..Default::default()
        })
        .unwrap();
        let budget = RestartBudget {
            restarts_max: 5,
            window: Duration::from_secs(60),
        };
        let tree = Tree::new(budget, Arc::new(|name| panic!("{name} ended the process")));
        let vitals = Vitals::new("delivery_ledger", Kind::DeliveryLedger, 64);
        let makings = DeliveryLedgerMakings {
            notices: Noticeboard::default(),
            database_url: db.url().to_owned(),
        };
        let arbiter = Arbiter::new().handle();
        let ledger = tree.start(&arbiter, &vitals, Exhausted::EndProcess, move |_| {
            DeliveryLedger::new(makings)
        });
        let settings = DiscordSettings {
            base_url: fake.base_url(),
            bot_token: fake_discord::DEFAULT_BOT_TOKEN.to_owned(),
            request_timeout: Duration::from_secs(5),
            version: "0".to_owned(),
        };
        let discord = Arc::new(Discord::new(reqwest::Client::new(), &settings).unwrap());
        let ledger = Port::new(ledger.recipient(), vitals);
        Self {
            conn: db.connect(),
            db,
            fake,
            tree,
            ledger,
            discord,
        }
    }

    fn start_mirror(&self) -> Port<Wanted> {
        self.start_marked_mirror(Arc::default())
    }

    /// With the mark that says that it has more to do than it was told.
    fn start_marked_mirror(&self, fell_behind: Arc<AtomicBool>) -> Port<Wanted> {
        let makings = MirrorMakings {
            figures: Figures::default(),
            settings: Settings {
                target_channel_id: target(),
                backlog_max: 8,
                attempts_max: 3,
                retry_delay_ms_min: 5,
                retry_delay_ms_max: 50,
                nonce_window_ms: 110_000,
                request_timeout_ms: 5_000,
                has_token: true,
                seed: 0,
            },
            reads: MirrorReads::new(self.db.store(), watch::channel(Arc::default()).1),
            routing: watch::channel(Arc::default()).1,
            ledger: self.ledger.clone(),
            inspector: None,
            discord: Some(self.discord.clone()),
            gate: Gate::new(50),
            clock: SteadyClock::start(),
            fell_behind,
            place: MirrorPlace::default(),
        };
        let vitals = Vitals::new("mirror/900", Kind::Mirror, 64);
        let mirror = self.tree.start(
            &Arbiter::new().handle(),
            &vitals,
            Exhausted::Park,
            move |_| Mirror::new(makings),
        );
        Port::new(mirror.recipient(), vitals)
    }

    /// What the store writer commits for this signal.
    fn commit(&mut self, number: i64, revision: i32, text: Option<&str>) -> WantedDelivery {
        let (id, source, guild) = (SignalId::new(number), ChannelId::new(5), GuildId::new(6));
        let mut state = SignalState::unknown(id.unwrap(), source.unwrap(), guild.unwrap());
        (state.created, state.revision) = (true, revision);
        let words = text.unwrap_or_default().to_owned();
        state.text = Some(Stamped {
            stamp_ms: 0,
            value: SignalText {
                raw: words.clone(),
                clean: words,
            },
        });
        state.deleted_at_ms = text.is_none().then_some(1);
        let json = serde_json::to_string(&state).unwrap().replace('\'', "''");
        self.conn
            .batch_execute(&format!(
                "insert into signals (signal_id, channel_id, is_visible, revision, state) values ({number}, 5, true, {revision}, '{json}')
                    on conflict (signal_id) do update set revision = excluded.revision, state = excluded.state;
                 insert into deliveries (signal_id, target_channel_id, source_channel_id, mapping_id, desired_revision)
                    values ({number}, {TARGET}, 5, 1, {revision})
                    on conflict (signal_id, target_channel_id) do update set desired_revision = {revision}, state = 'p';"
            ))
            .unwrap();
        WantedDelivery {
            signal: Arc::new(state),
            mapping_id: 1,
            ping_role_id: None,
            rule_set_id: None,
            ordinal: number,
            desired_revision: revision,
            committed_at: None,
            received_at: None,
        }
    }

    /// Texts that stand in the target, oldest first, once the table says that nothing is left to do.
    async fn settled(&mut self) -> Vec<String> {
        let conn = &mut self.conn;
        let control = self.fake.control();
        let done = tokio::time::timeout(PATIENCE, async {
            while states(conn).contains(&"p".to_owned()) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        done.await.expect("everything is delivered in time");
        standing(&control)
    }
}

fn target() -> ChannelId {
    ChannelId::new(TARGET as i64).unwrap()
}

fn states(conn: &mut PgConnection) -> Vec<String> {
    Sql::new("select state::text from deliveries order by ordinal")
        .rows::<Text>()
        .load(conn)
        .unwrap()
}

fn standing(control: &Control) -> Vec<String> {
    control
        .live_messages(TARGET.into())
        .into_iter()
        .map(|message| message.content)
        .collect()
}

fn run(test: impl Future<Output = ()>) {
    actix::System::new().block_on(test);
}

#[test]
fn what_was_committed_appears_in_order_and_follows_its_edits_and_deletion() {
    run(async {
        let mut stage = Stage::new();
        for number in 1..=12 {
            stage.commit(number, 1, Some(&format!("signal {number}")));
        }
        // More than a mirror holds in memory; told of nothing, it reads the table.
        let port = stage.start_mirror();
        let expected: Vec<_> = (1..=12).map(|number| format!("signal {number}")).collect();
        assert_eq!(stage.settled().await, expected);

        let edit = stage.commit(3, 2, Some("signal 3, edited"));
        let delete = stage.commit(4, 2, None);
        let new = stage.commit(13, 1, Some("signal 13"));
        port.post(Wanted(vec![edit, delete, new])).unwrap();
        let mut expected = expected;
        expected[2] = "signal 3, edited".to_owned();
        expected.remove(3);
        expected.push("signal 13".to_owned());
        assert_eq!(stage.settled().await, expected);
    });
}

/// A commit whose answer was lost tells nobody; the mark is set before the next commit tells of its own signals.
#[test]
fn what_a_mirror_was_not_told_of_appears_before_what_it_is_told_next() {
    run(async {
        let mut stage = Stage::new();
        let fell_behind = Arc::new(AtomicBool::new(false));
        let port = stage.start_marked_mirror(fell_behind.clone());
        let first = stage.commit(1, 1, Some("signal 1"));
        port.post(Wanted(vec![first])).unwrap();
        assert_eq!(stage.settled().await, ["signal 1"]);
        stage.commit(2, 1, Some("signal 2"));
        fell_behind.store(true, SeqCst);
        let third = stage.commit(3, 1, Some("signal 3"));
        port.post(Wanted(vec![third])).unwrap();
        assert_eq!(stage.settled().await, ["signal 1", "signal 2", "signal 3"]);
    });
}

#[test]
fn lost_answers_and_a_new_life_double_nothing() {
    run(async {
        let mut stage = Stage::new();
        let lossy = FaultRule {
            method: Some("POST".to_owned()),
            ..FaultRule::new(When::Every { every: 3 }, Fault::CommitThenDrop)
        };
        stage.fake.control().add_fault(lossy);
        for number in 1..=9 {
            stage.commit(number, 1, Some(&format!("signal {number}")));
        }
        stage.start_mirror();
        let control = stage.fake.control();
        assert!(
            control
                .wait_for(PATIENCE, |control| standing(control).len() >= 3)
                .await
        );
        // Whatever is in hand is dropped.
        stage.tree.stop("mirror/900");
        stage.start_mirror();
        let expected: Vec<_> = (1..=9).map(|number| format!("signal {number}")).collect();
        assert_eq!(stage.settled().await, expected);
        assert_eq!(
            control.messages(Some(TARGET.into())).len(),
            9,
            "nothing was posted twice and taken away"
        );
    });
}

#[test]
fn a_refused_message_is_set_aside_and_the_next_one_goes_out() {
    run(async {
        let mut stage = Stage::new();
        let refuse = Fault::Error {
            status: 400,
            code: 50_035,
            message: "Invalid Form Body".to_owned(),
        };
        stage
            .fake
            .control()
            .add_fault(FaultRule::new(When::Next { count: 1, skip: 0 }, refuse));
        stage.commit(1, 1, Some("refused"));
        stage.commit(2, 1, Some("taken"));
        stage.start_mirror();
        assert_eq!(stage.settled().await, ["taken"]);
        assert_eq!(states(&mut stage.conn), ["x", "d"]);
    });
}

#[test]
fn a_long_signal_is_several_messages_that_shrink_again() {
    run(async {
        let mut stage = Stage::new();
        let long = stage.commit(1, 1, Some(&"word ".repeat(900)));
        let port = stage.start_mirror();
        port.post(Wanted(vec![long])).unwrap();
        assert_eq!(stage.settled().await.len(), 3);
        let short = stage.commit(1, 2, Some("short"));
        port.post(Wanted(vec![short])).unwrap();
        assert_eq!(stage.settled().await, ["short"]);
    });
}
