//! Reads which guilds, channels and roles the bot sees, writes them into the tables and shows how it stands. What is read when,
//! and what is believed, is decided in `directory_core`; `discord/directory.rs` asks.

use crate::{
    directory_board::{BotSeen, BotUser, DirectoryBoard, DirectoryState},
    directory_core::{Reading, Schedule, Silence},
    discord::{
        directory::{GuildSays, OwnGuilds},
        inspect::Way,
    },
    messages::RefreshDirectory,
    noticeboard::{Noticeboard, Topic},
    port::Mail,
    steady_clock::SteadyClock,
    supervision::{Observe, Restartable},
};
use actix::{
    Actor, ActorFutureExt, AsyncContext, Context, Handler, MessageResult, Supervised, WrapFuture,
};
use diesel::pg::PgConnection;
use heliograph_schema::{
    ids::GuildId,
    store::{
        Store, StoreError,
        bot_guilds::{self, Taken},
    },
};
use serde_json::json;
use std::{collections::BTreeSet, sync::Arc, time::Duration};
use tokio::sync::oneshot;

/// Shortest distance between two requests: four a second.
const SPACING_MS_MIN: u64 = 250;
/// Fewer than one in this many of the requests that Discord allows over all channels.
const SHARE: u64 = 11;

/// What the directory is made of; all generations share it.
#[derive(Clone)]
pub struct DirectoryMakings {
    /// The way to Discord; `None` without a bot token: nothing is read.
    pub way: Option<Way>,
    /// Requests in a second that Discord allows over all channels.
    pub global_requests_per_s: u32,
    /// Where it writes down what it saw.
    pub store: Store,
    /// Time between two readings of a guild.
    pub interval: Duration,
    /// Where it shows how it stands.
    pub board: DirectoryBoard,
    /// Where it says that what the bot sees has changed.
    pub notices: Noticeboard,
    /// Has the routing snapshot read again, when names changed.
    pub reload: Arc<dyn Fn() + Send + Sync>,
    /// Milliseconds since 1970.
    pub now_ms: fn() -> i64,
}

impl DirectoryMakings {
    fn spacing(&self) -> Duration {
        let share_ms = 1_000 * SHARE / u64::from(self.global_requests_per_s.max(1));
        Duration::from_millis(SPACING_MS_MIN.max(share_ms))
    }
}

/// Somebody waits until everything was read since that moment.
struct Waiting {
    since_ms: i64,
    answer: oneshot::Sender<()>,
}

/// What Discord said.
enum Came {
    /// With the guilds that were known before this life, when it is the first list of it.
    List(OwnGuilds, Option<Vec<GuildId>>),
    Guild(GuildSays),
}

/// The actor.
pub struct Directory {
    makings: DirectoryMakings,
    schedule: Schedule,
    waiting: Vec<Waiting>,
    reads: bool,
    /// The guilds that were known before this life are.
    remembers: bool,
    user: Option<BotUser>,
    refreshed_at_ms: Option<i64>,
    readings: u64,
    silences: u64,
    clock: SteadyClock,
}

impl Directory {
    /// A generation.
    pub fn new(makings: DirectoryMakings) -> Self {
        let ms = |duration: Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 4);
        let seen = makings.board.see();
        Self {
            schedule: Schedule::new(
                ms(makings.interval).min(i64::MAX / 4),
                ms(makings.spacing()),
            ),
            waiting: Vec::new(),
            reads: false,
            remembers: false,
            user: seen.user,
            refreshed_at_ms: seen.refreshed_at_ms,
            readings: 0,
            silences: 0,
            clock: SteadyClock::start(),
            makings,
        }
    }

    /// Reads what is due, if nothing is being read.
    fn tick(&mut self, ctx: &mut Context<Self>) {
        let now_ms = self.clock.now_ms();
        let Some(way) = self.makings.way.clone().filter(|_| !self.reads) else {
            return;
        };
        if self.schedule.takes_reload(now_ms) {
            (self.makings.reload)();
        }
        let Some(reading) = self.schedule.next(now_ms) else {
            return;
        };
        self.reads = true;
        let (spacing, remembers) = (self.makings.spacing(), self.remembers);
        let store = self.makings.store.clone();
        let asked = async move {
            match reading {
                Reading::List => {
                    let known = if remembers {
                        None
                    } else {
                        Some(store.run(bot_guilds::known).await.map_err(unanswered)?)
                    };
                    Ok(Came::List(way.own_guilds(spacing).await?, known))
                }
                Reading::Guild(guild_id) => {
                    Ok(Came::Guild(way.guild_contents(guild_id, spacing).await?))
                }
            }
        };
        let asked = asked.into_actor(self);
        ctx.spawn(asked.map(move |came, directory, ctx| match came {
            Ok(came) => directory.take(now_ms, reading, came, ctx),
            Err(silence) => directory.silent(reading, &silence),
        }));
    }

    /// Decides whether it is believed, and has it written.
    fn take(&mut self, begun_ms: i64, reading: Reading, came: Came, ctx: &mut Context<Self>) {
        let now_ms = self.clock.now_ms();
        match (reading, came) {
            (Reading::Guild(guild_id), Came::Guild(Err(code))) => {
                tracing::info!(%guild_id, code, "a guild of the bot does not let itself be read");
                self.schedule.guild_refused(begun_ms, now_ms, guild_id);
                self.done(Taken::default());
            }
            (Reading::Guild(guild_id), Came::Guild(Ok(contents))) => {
                let channels = contents.channels.len();
                if !self
                    .schedule
                    .guild_came(begun_ms, now_ms, guild_id, channels)
                {
                    return self.done(Taken::default());
                }
                self.write(reading, Vec::new(), ctx, move |conn| {
                    let (channels, roles) = (&contents.channels, &contents.roles);
                    bot_guilds::take_guild(conn, guild_id, channels, roles)
                });
            }
            (_, Came::List(own, known)) => {
                self.remembers = true;
                self.schedule.remember(known.unwrap_or_default());
                self.user = Some(BotUser {
                    user_id: own.user_id,
                    name: own.name,
                });
                let listed: BTreeSet<GuildId> =
                    own.guilds.iter().map(|guild| guild.guild_id).collect();
                let gone = self.schedule.list_came(begun_ms, now_ms, &listed);
                let gone = gone.unwrap_or_default();
                let missed = gone.clone();
                self.write(reading, missed, ctx, move |conn| {
                    bot_guilds::take_list(conn, &own.guilds, &gone)
                });
            }
            (Reading::List, Came::Guild(_)) => self.done(Taken::default()),
        }
    }

    /// `gone`: guilds that are missed again when it cannot be written.
    fn write(
        &mut self,
        reading: Reading,
        gone: Vec<GuildId>,
        ctx: &mut Context<Self>,
        work: impl FnOnce(&mut PgConnection) -> Result<Taken, StoreError> + Send + 'static,
    ) {
        let store = self.makings.store.clone();
        let written = async move { store.run(work).await };
        ctx.spawn(
            written
                .into_actor(self)
                .map(move |written, directory, _| match written {
                    Ok(taken) => directory.done(taken),
                    Err(error) => {
                        directory.schedule.remember(gone);
                        directory.silent(reading, &unanswered(error));
                    }
                }),
        );
    }

    fn done(&mut self, taken: Taken) {
        self.reads = false;
        self.readings += 1;
        if taken.has_new_names {
            self.schedule.found_new_names();
        }
        self.show(taken.is_different);
    }

    fn silent(&mut self, reading: Reading, silence: &Silence) {
        tracing::warn!(?reading, ?silence, "what the bot sees could not be read");
        metrics::counter!("heliograph_directory_silences_total").increment(1);
        self.reads = false;
        self.silences += 1;
        self.schedule.silent(self.clock.now_ms(), reading, silence);
        self.show(false);
    }

    /// Shows how it stands, and answers who waited for it: also when it fails, since then nothing is to be waited for.
    fn show(&mut self, is_different: bool) {
        let now_ms = self.clock.now_ms();
        if let Some(fresh_ms) = self.schedule.fresh_since_ms() {
            self.refreshed_at_ms = Some((self.makings.now_ms)() - (now_ms - fresh_ms));
        }
        metrics::gauge!("heliograph_directory_guilds").set(self.schedule.guilds() as f64);
        let reason = self.schedule.trouble().map(str::to_owned);
        let fails = reason.is_some();
        let state = match (&self.makings.way, fails) {
            (None, _) => DirectoryState::NoToken,
            (Some(_), true) => DirectoryState::Failing,
            (Some(_), false) if self.schedule.knows_list() => DirectoryState::Ok,
            (Some(_), false) => DirectoryState::NotYet,
        };
        let seen = BotSeen {
            state,
            reason,
            user: self.user.clone(),
            refreshed_at_ms: self.refreshed_at_ms,
            guilds: self.schedule.guilds(),
        };
        if self.makings.board.show(&seen) || is_different {
            self.makings.notices.raise(Topic::Bot);
        }
        if is_different {
            self.makings.notices.raise(Topic::Channels);
        }
        let is_served = |waiting: &mut Waiting| {
            fails || self.makings.way.is_none() || self.schedule.is_read_since(waiting.since_ms)
        };
        for waiting in self.waiting.extract_if(.., is_served) {
            // Who is gone does not wait.
            let _ = waiting.answer.send(());
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "handed over by map_err")]
fn unanswered(error: StoreError) -> Silence {
    Silence::Away(format!("the database does not answer: {error}"))
}

impl Actor for Directory {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        self.show(false);
        if self.makings.way.is_some() {
            ctx.run_interval(self.makings.spacing(), |directory, ctx| directory.tick(ctx));
        }
    }
}

impl Supervised for Directory {
    fn restarting(&mut self, _: &mut Context<Self>) {
        *self = self.successor();
    }
}

impl Restartable for Directory {
    fn successor(&self) -> Self {
        Self::new(self.makings.clone())
    }
}

impl Handler<Mail<RefreshDirectory>> for Directory {
    type Result = ();

    fn handle(&mut self, mail: Mail<RefreshDirectory>, ctx: &mut Context<Self>) {
        let (RefreshDirectory { answer }, _handling) = mail.open();
        if self.makings.way.is_none() {
            let _ = answer.send(());
            return;
        }
        let since_ms = self.schedule.ask(self.clock.now_ms());
        self.waiting.retain(|waiting| !waiting.answer.is_closed());
        self.waiting.push(Waiting { since_ms, answer });
        self.tick(ctx);
    }
}

impl Handler<Observe> for Directory {
    type Result = MessageResult<Observe>;

    fn handle(&mut self, _: Observe, _: &mut Context<Self>) -> Self::Result {
        let seen = self.makings.board.see();
        MessageResult(json!({
            "state": seen.state,
            "reason": seen.reason,
            "guilds": seen.guilds,
            "due": self.schedule.due(self.clock.now_ms()),
            "refreshed_at_ms": seen.refreshed_at_ms,
            "waiting": self.waiting.len(),
            "readings": self.readings,
            "silences": self.silences,
        }))
    }
}
