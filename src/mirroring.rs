//! How mirrors are made: the one way to Discord, the gate that all of them share, the ledger that writes for all of them, the
//! inspector that looks at their channels; and the directory, which reads over the same way and through the same gate.

use crate::{config::Config, http::changes::NotApplied};
use actix::{Arbiter, ArbiterHandle};
use heliograph_actors::{
    delivery_ledger::{DeliveryLedger, DeliveryLedgerMakings},
    directory::{Directory, DirectoryMakings},
    discord::{Discord, DiscordSettings, inspect::Way},
    figures::Figures,
    global_gate::Gate,
    inspector::{Inspector, InspectorMakings},
    messages::{Inspect, RecordDeliveries, RefreshDirectory},
    mirror::{Mirror, MirrorMakings},
    mirror_board::MirrorBoard,
    mirror_core,
    mirror_reads::MirrorReads,
    noticeboard::Noticeboard,
    outlets::{MirrorOutlet, Outlets},
    port::Port,
    root::{StartMirror, mirror_name},
    routing::RoutingTable,
    steady_clock::SteadyClock,
    supervision::{Exhausted, Tree},
    vitals::{Kind, Vitals},
};
use heliograph_schema::{ids::ChannelId, store::Store};
use std::{sync::Arc, time::Duration};
use tokio::sync::watch;

/// Commits that may wait for one mirror; what does not fit it reads from the table.
const MIRROR_MAILBOX: usize = 1_024;
/// One record of each mirror, and room for what their predecessors left.
const LEDGER_MAILBOX: usize = 16_384;

/// Questions of mirrors and persons that may wait.
const INSPECTOR_MAILBOX: usize = 4_096;

/// Persons that may wait for what the bot sees.
const DIRECTORY_MAILBOX: usize = 64;

/// What the rest of the tree needs of mirrors.
pub(crate) struct Mirroring {
    /// How to start one.
    pub(crate) start: StartMirror,
    /// Looks at target channels.
    pub(crate) inspector: Port<Inspect>,
    /// Where they show how they stand.
    pub(crate) board: MirrorBoard,
    /// The way to Discord; `None` without a bot token.
    pub(crate) way: Option<Way>,
}

/// What mirrors share with the rest of the tree.
pub(crate) struct Shared<'a> {
    /// Where the tables are.
    pub(crate) store: &'a Store,
    /// The same, for connections of their own.
    pub(crate) database_url: &'a str,
    /// The configuration everyone works by.
    pub(crate) routing: &'a watch::Receiver<Arc<RoutingTable>>,
    /// Where mirrors are registered.
    pub(crate) outlets: &'a Outlets,
    /// Where they count what was posted.
    pub(crate) figures: &'a Figures,
    /// Where changes are said that no administrator made.
    pub(crate) notices: &'a Noticeboard,
}

/// Starts the ledger on a thread of its own, where it blocks, and the inspector on `arbiter`, and says how to start a mirror
/// there.
///
/// # Errors
/// When there is a bot token that cannot be one, or no HTTP client.
pub(crate) fn mirrors(
    tree: &Tree,
    arbiter: &ArbiterHandle,
    config: &Config,
    shared: &Shared<'_>,
) -> Result<Mirroring, NotApplied> {
    let discord = way_to_discord(config)?;
    let ledger = start_ledger(tree, shared);
    let (tree, arbiter) = (tree.clone(), arbiter.clone());
    let (reads, routing) = (
        MirrorReads::new(shared.store.clone(), shared.routing.clone()),
        shared.routing.clone(),
    );
    let (gate, clock) = (
        Gate::new(config.discord.global_requests_per_s),
        SteadyClock::start(),
    );
    let way = discord.clone().map(|discord| Way {
        discord,
        gate: gate.clone(),
        clock,
    });
    let makings = InspectorMakings {
        way: way.clone(),
        store: shared.store.clone(),
        routing: routing.clone(),
        outlets: shared.outlets.clone(),
        notices: shared.notices.clone(),
        interval: Duration::from_secs(config.mirrors.inspection_interval_s),
    };
    let inspector = start_inspector(&tree, &arbiter, makings);
    let board = MirrorBoard::default();
    let (config, shown, asked) = (config.clone(), board.clone(), inspector.clone());
    let figures = shared.figures.clone();
    let start: StartMirror = Arc::new(move |target| {
        let vitals = Vitals::new(mirror_name(target), Kind::Mirror, MIRROR_MAILBOX);
        let makings = MirrorMakings {
            settings: settings(&config, target),
            reads: reads.clone(),
            routing: routing.clone(),
            ledger: ledger.clone(),
            inspector: Some(asked.clone()),
            discord: discord.clone(),
            gate: gate.clone(),
            clock,
            fell_behind: Arc::default(),
            place: shown.place(target, &vitals),
            figures: figures.clone(),
        };
        start_mirror(&tree, &arbiter, vitals, makings)
    });
    Ok(Mirroring {
        start,
        inspector,
        board,
        way,
    })
}

/// Starts the directory on `arbiter`.
pub(crate) fn start_directory(
    tree: &Tree,
    arbiter: &ArbiterHandle,
    makings: DirectoryMakings,
) -> Port<RefreshDirectory> {
    let vitals = Vitals::new("directory", Kind::Directory, DIRECTORY_MAILBOX);
    let address = tree.start(arbiter, &vitals, Exhausted::Park, move |_| {
        Directory::new(makings)
    });
    Port::new(address.recipient(), vitals)
}

fn start_inspector(
    tree: &Tree,
    arbiter: &ArbiterHandle,
    makings: InspectorMakings,
) -> Port<Inspect> {
    let vitals = Vitals::new("inspector", Kind::Inspector, INSPECTOR_MAILBOX);
    let address = tree.start(arbiter, &vitals, Exhausted::Park, move |_| {
        Inspector::new(makings)
    });
    Port::new(address.recipient(), vitals)
}

fn start_mirror(
    tree: &Tree,
    arbiter: &ArbiterHandle,
    vitals: Arc<Vitals>,
    makings: MirrorMakings,
) -> MirrorOutlet {
    let fell_behind = makings.fell_behind.clone();
    let address = tree.start(arbiter, &vitals, Exhausted::Park, move |_| {
        Mirror::new(makings)
    });
    MirrorOutlet {
        port: Port::new(address.clone().recipient(), vitals.clone()),
        inspected: Port::new(address.recipient(), vitals),
        fell_behind,
    }
}

fn start_ledger(tree: &Tree, shared: &Shared<'_>) -> Port<RecordDeliveries> {
    let makings = DeliveryLedgerMakings {
        database_url: shared.database_url.to_owned(),
        notices: shared.notices.clone(),
    };
    let vitals = Vitals::new("delivery_ledger", Kind::DeliveryLedger, LEDGER_MAILBOX);
    let address = tree.start(
        &Arbiter::new().handle(),
        &vitals,
        Exhausted::EndProcess,
        move |_| DeliveryLedger::new(makings),
    );
    Port::new(address.recipient(), vitals)
}

fn way_to_discord(config: &Config) -> Result<Option<Arc<Discord>>, NotApplied> {
    let Some(token) = &config.discord.bot_token else {
        tracing::warn!("no bot token: signals are committed and shown live, deliveries wait");
        return Ok(None);
    };
    // A proxy named by the environment would see the bot token; the configuration alone says where requests go.
    let http = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .map_err(|error| NotApplied(format!("no HTTP client: {error}")))?;
    let settings = DiscordSettings {
        base_url: config.discord.base_url.clone(),
        bot_token: token.expose().to_owned(),
        request_timeout: Duration::from_millis(config.discord.request_timeout_ms),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let discord = Discord::new(http, &settings).map_err(|error| NotApplied(error.to_string()))?;
    Ok(Some(Arc::new(discord)))
}

fn settings(config: &Config, target_channel_id: ChannelId) -> mirror_core::Settings {
    let ms = |ms: u64| i64::try_from(ms).unwrap_or(i64::MAX);
    mirror_core::Settings {
        target_channel_id,
        backlog_max: config.mirrors.backlog_max,
        attempts_max: config.mirrors.attempts_max,
        retry_delay_ms_min: ms(config.mirrors.retry_delay_ms_min),
        retry_delay_ms_max: ms(config.mirrors.retry_delay_ms_max),
        nonce_window_ms: ms(config.discord.nonce_window_ms),
        request_timeout_ms: ms(config.discord.request_timeout_ms),
        has_token: config.discord.bot_token.is_some(),
        seed: 0,
    }
}
