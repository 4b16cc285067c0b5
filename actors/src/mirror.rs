//! One actor per target channel: carries messages between the rules in `mirror_core`, the way to Discord, the tables and the
//! delivery ledger. Decides nothing. A successor begins from the tables.

use crate::{
    discord::Discord,
    exchange::{Call, Request},
    figures::Figures,
    global_gate::Gate,
    latency_core::LatencyKind,
    limits_core::Route,
    messages::{Asker, Inspect, Inspected, RecordDeliveries, Wanted},
    mirror_board::MirrorPlace,
    mirror_core::{Effect, Input, MirrorCore, Settings, State},
    mirror_reads::MirrorReads,
    port::{Mail, Port},
    routing::RoutingTable,
    steady_clock::SteadyClock,
    supervision::{Observe, Restartable},
};
use actix::{
    Actor, ActorFutureExt, AsyncContext, Context, Handler, MessageResult, SpawnHandle, Supervised,
    WrapFuture,
};
use heliograph_schema::{
    delivery::{DeliveryRecord, MirroredThread, Progress},
    ids::ChannelId,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};
use tokio::sync::{oneshot, watch};

/// How often the mark of what did not fit into the mailbox is looked at.
const MARK_INTERVAL: Duration = Duration::from_secs(1);
/// A mirror reads its table now and then even when nobody told it to: whoever should have may have ended before.
const LOOK_INTERVAL: Duration = Duration::from_secs(300);

/// What a mirror is made of; all generations share it.
#[derive(Clone)]
pub struct MirrorMakings {
    /// Where it mirrors to, and its bounds. The seed is drawn anew for each generation.
    pub settings: Settings,
    /// Where it reads.
    pub reads: MirrorReads,
    /// Where the names are that stand in place of markup.
    pub routing: watch::Receiver<Arc<RoutingTable>>,
    /// Where it has written down what it did.
    pub ledger: Port<RecordDeliveries>,
    /// Asked what is to be changed when Discord refuses the channel; `None`: nobody looks, and it is tried now and then.
    pub inspector: Option<Port<Inspect>>,
    /// The way to Discord; `None` without a bot token: deliveries wait.
    pub discord: Option<Arc<Discord>>,
    /// Shared by all mirrors.
    pub gate: Gate,
    /// Shared by all mirrors, as the gate's moments are.
    pub clock: SteadyClock,
    /// Set when something could not be posted to it.
    pub fell_behind: Arc<AtomicBool>,
    /// Where it shows how it stands.
    pub place: MirrorPlace,
    /// Where it counts what was posted.
    pub figures: Figures,
}

/// The actor.
pub struct Mirror {
    makings: MirrorMakings,
    core: MirrorCore,
    life: u64,
    timer: Option<SpawnHandle>,
    shown: Contribution,
}

impl Mirror {
    /// A generation.
    pub fn new(makings: MirrorMakings) -> Self {
        let mut settings = makings.settings.clone();
        settings.seed = rand::random();
        settings.has_token = makings.discord.is_some();
        let core = MirrorCore::new(makings.clock.now_ms(), settings);
        Self {
            makings,
            core,
            life: rand::random(),
            timer: None,
            shown: Contribution::default(),
        }
    }

    fn target(&self) -> ChannelId {
        self.makings.settings.target_channel_id
    }

    fn tell(&mut self, input: Input, ctx: &mut Context<Self>) {
        let now_ms = self.makings.clock.now_ms();
        let (gate, target) = (&self.makings.gate, self.target());
        let effects = self
            .core
            .handle(now_ms, input, &mut || gate.enter(now_ms, target));
        let mut wake_at_ms: Option<i64> = None;
        for effect in effects {
            match effect {
                Effect::WakeAt(at_ms) => {
                    wake_at_ms = Some(wake_at_ms.map_or(at_ms, |known| known.min(at_ms)))
                }
                Effect::Send {
                    request,
                    committed_at,
                } => self.send(request, committed_at, ctx),
                Effect::Record {
                    record_id,
                    records,
                    threads,
                } => self.record(record_id, records, threads, ctx),
                Effect::Took(route, took_ms, received_at) => {
                    if route == Route::Create {
                        let since_wanted =
                            || Duration::from_millis(u64::try_from(took_ms).unwrap_or(0));
                        let took = received_at.map_or_else(since_wanted, |at| at.elapsed());
                        self.makings.figures.posted(took);
                    }
                    metrics::histogram!("heliograph_mirror_delivery_seconds", "kind" => route.word())
                        .record(took_ms.max(0) as f64 / 1_000.0);
                    if let Some(kind) = latency_kind(route) {
                        self.makings.place.record(now_ms, kind, took_ms);
                    }
                }
                read => self.read(read, ctx),
            }
        }
        self.wake_at(wake_at_ms, now_ms, ctx);
        let standing = self.core.standing(now_ms);
        self.shown.show(
            self.makings.settings.target_channel_id,
            standing.state,
            standing.reason.as_deref(),
            standing.backlog,
        );
        self.makings.place.show(standing);
    }

    fn wake_at(&mut self, at_ms: Option<i64>, now_ms: i64, ctx: &mut Context<Self>) {
        if let Some(timer) = self.timer.take() {
            ctx.cancel_future(timer);
        }
        let wait = at_ms
            .map(|at_ms| Duration::from_millis(u64::try_from(at_ms - now_ms).unwrap_or(0).max(1)));
        self.timer = wait.map(|wait| {
            ctx.run_later(wait, |mirror, ctx| {
                mirror.timer = None;
                mirror.tell(Input::Tick, ctx);
            })
        });
    }

    fn send(&self, request: Request, committed_at: Option<Instant>, ctx: &mut Context<Self>) {
        let Some(discord) = self.makings.discord.clone() else {
            return;
        };
        if let Some(committed_at) = committed_at {
            metrics::histogram!("heliograph_mirror_commit_to_request_seconds")
                .record(committed_at.elapsed().as_secs_f64());
        }
        let (reads, request_id, kind) = (
            self.makings.reads.clone(),
            request.request_id,
            request.call.route().word(),
        );
        let answered = async move {
            let answer = discord.carry_out(&request).await;
            if matches!(request.call, Call::Survey { .. }) {
                return answer;
            }
            reads
                .without_recorded(request.target_channel_id, answer)
                .await
        };
        ctx.spawn(answered.into_actor(self).map(move |answer, mirror, ctx| {
            let outcome = answer.outcome.word();
            metrics::counter!("heliograph_mirror_requests_total", "kind" => kind, "outcome" => outcome).increment(1);
            let now_ms = mirror.makings.clock.now_ms();
            mirror.makings.gate.hear(now_ms, mirror.target(), &answer.outcome);
            if answer.outcome.speaks_of_permissions() {
                mirror.ask_inspector();
            }
            mirror.tell(Input::Answered(request_id, answer), ctx);
        }));
    }

    fn ask_inspector(&self) {
        let inspect = Inspect {
            target_channel_id: self.target(),
            asker: Asker::Mirror,
        };
        if let Some(Err((refused, _))) = self.makings.inspector.as_ref().map(|it| it.post(inspect))
        {
            // The channel is looked at in its turn.
            tracing::warn!(target_channel_id = %self.target(), %refused, "the inspector takes nothing");
        }
    }

    fn record(
        &self,
        record_id: u64,
        records: Vec<DeliveryRecord>,
        threads: Vec<MirroredThread>,
        ctx: &mut Context<Self>,
    ) {
        for record in &records {
            if let Progress::Dead { error, .. } = &record.progress {
                let (signal_id, target_channel_id) = (record.signal_id, record.target_channel_id);
                tracing::warn!(%signal_id, %target_channel_id, error, "delivery given up");
                metrics::counter!("heliograph_mirror_dead_letters_total").increment(1);
            }
        }
        let (answer, recorded) = oneshot::channel();
        let message = RecordDeliveries {
            target_channel_id: self.target(),
            life: self.life,
            record_id,
            records,
            threads,
            answer,
        };
        if let Err((refused, _)) = self.makings.ledger.post(message) {
            // It is handed over again after a while.
            tracing::warn!(target_channel_id = %self.target(), %refused, "the delivery ledger takes nothing");
            return;
        }
        ctx.spawn(recorded.into_actor(self).map(|recorded, mirror, ctx| {
            if let Ok(recorded) = recorded {
                mirror.tell(Input::Recorded(recorded.record_id), ctx);
            }
        }));
    }

    fn read(&self, read: Effect, ctx: &mut Context<Self>) {
        let (reads, target) = (self.makings.reads.clone(), self.target());
        let answered = async move {
            reads.answer(target, &read).await.unwrap_or_else(|error| {
                tracing::warn!(target_channel_id = %target, %error, "deliveries cannot be read");
                vec![Input::ReadFailed(read)]
            })
        };
        ctx.spawn(answered.into_actor(self).map(|inputs, mirror, ctx| {
            for input in inputs {
                mirror.tell(input, ctx);
            }
        }));
    }

    fn look_at_names(&mut self, ctx: &mut Context<Self>) {
        let names = self.makings.routing.borrow_and_update().names.clone();
        self.tell(Input::Names(names), ctx);
    }

    fn look_at_mark(&mut self, ctx: &mut Context<Self>) {
        if self.makings.fell_behind.swap(false, SeqCst) {
            self.tell(Input::FellBehind, ctx);
        }
        if self.makings.routing.has_changed().unwrap_or(false) {
            self.look_at_names(ctx);
        }
    }
}

/// Under which of the three a delivery counts that ended with this kind of request.
fn latency_kind(route: Route) -> Option<LatencyKind> {
    match route {
        Route::Create => Some(LatencyKind::Create),
        Route::Edit => Some(LatencyKind::Edit),
        Route::Delete => Some(LatencyKind::Delete),
        _ => None,
    }
}

/// What this mirror adds to the sums over all mirrors; taken back when it ends.
#[derive(Default)]
struct Contribution(Option<(State, usize)>);

impl Contribution {
    fn show(
        &mut self,
        target_channel_id: ChannelId,
        state: State,
        reason: Option<&str>,
        backlog: usize,
    ) {
        let before = self.0;
        if before == Some((state, backlog)) {
            return;
        }
        self.take_back();
        pending_gauge(state).increment(backlog as f64);
        self.0 = Some((state, backlog));
        if before.is_some_and(|(before, _)| before != state)
            && matches!(state, State::Failing | State::Parked)
        {
            tracing::warn!(%target_channel_id, state = state.word(), reason, "mirror cannot deliver");
        }
    }

    fn take_back(&mut self) {
        if let Some((state, backlog)) = self.0.take() {
            pending_gauge(state).decrement(backlog as f64);
        }
    }
}

impl Drop for Contribution {
    fn drop(&mut self) {
        self.take_back();
    }
}

fn pending_gauge(state: State) -> metrics::Gauge {
    metrics::gauge!("heliograph_mirror_deliveries_pending", "state" => state.word())
}

impl Actor for Mirror {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        ctx.run_interval(MARK_INTERVAL, |mirror, ctx| mirror.look_at_mark(ctx));
        // Not all at once, after a start of many.
        let first = LOOK_INTERVAL.mul_f64(rand::random_range(0.5..1.0));
        ctx.run_later(first, |_, ctx| {
            ctx.run_interval(LOOK_INTERVAL, |mirror, ctx| {
                mirror.tell(Input::FellBehind, ctx)
            });
        });
        self.look_at_names(ctx);
        self.tell(Input::Tick, ctx);
    }
}

impl Supervised for Mirror {
    fn restarting(&mut self, _: &mut Context<Self>) {
        *self = self.successor();
    }
}

impl Restartable for Mirror {
    fn successor(&self) -> Self {
        Self::new(self.makings.clone())
    }
}

impl Handler<Mail<Wanted>> for Mirror {
    type Result = ();

    fn handle(&mut self, mail: Mail<Wanted>, ctx: &mut Context<Self>) {
        let (Wanted(deliveries), _handling) = mail.open();
        fail::fail_point!("mirror::wanted", |_| ());
        // The mark first: what it stands for was committed before this, and appears before it.
        self.look_at_mark(ctx);
        for wanted in deliveries {
            self.tell(Input::Wanted(wanted), ctx);
        }
    }
}

impl Handler<Mail<Inspected>> for Mirror {
    type Result = ();

    fn handle(&mut self, mail: Mail<Inspected>, ctx: &mut Context<Self>) {
        let (inspected, _handling) = mail.open();
        self.tell(Input::Inspected(inspected), ctx);
    }
}

impl Handler<Observe> for Mirror {
    type Result = MessageResult<Observe>;

    fn handle(&mut self, _: Observe, _: &mut Context<Self>) -> Self::Result {
        let mut detail = serde_json::json!({ "target_channel_id": self.target() });
        let standing = serde_json::to_value(self.core.standing(self.makings.clock.now_ms()))
            .unwrap_or_default();
        if let (Some(detail), serde_json::Value::Object(standing)) =
            (detail.as_object_mut(), standing)
        {
            detail.extend(standing);
        }
        MessageResult(detail)
    }
}
