//! Keeps actors alive. actix ends an actor at its first panic and tells nobody; here a panic costs the message in hand, a
//! successor built by the actor's own factory takes over behind the same address, and the messages queued behind the panic
//! are served. A restart budget bounds this: after it an actor is parked (a mirror, a source channel) or ends the process
//! (a router, a writer), and the service manager starts it anew. Nothing acknowledged lives in an actor, so a successor
//! begins from the tables.

use crate::{
    restart_core::{RestartBudget, RestartHistory},
    vitals::{ActorReport, LifeState, Vitals},
};
use actix::{
    Actor, Addr, ArbiterHandle, Context, Handler, Message, Recipient, Supervised,
    dev::{ContextFut, channel},
};
use futures_util::{future::join_all, task::AtomicWaker};
use std::{
    collections::BTreeMap,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicU8, Ordering::SeqCst},
    },
    task::{self, Poll},
    time::{Duration, Instant},
};

/// Asks an actor for its own word on itself, as JSON.
pub struct Observe;

impl Message for Observe {
    type Result = serde_json::Value;
}

/// An actor that the tree can restart: it can build its successor from its makings, knowing nothing of its own state.
pub trait Restartable: Actor<Context = Context<Self>> + Supervised + Handler<Observe> {
    /// The next generation. Must not trust anything but what was given at the first start.
    fn successor(&self) -> Self;
}

/// What happens when the restart budget is spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exhausted {
    /// It waits, red, for a person; the others go on.
    Park,
    /// Nothing works without it: the process ends.
    EndProcess,
}

const ORDER_NONE: u8 = 0;
const ORDER_STOP: u8 = 1;
const ORDER_UNPARK: u8 = 2;

struct Leash {
    order: AtomicU8,
    waker: AtomicWaker,
}

impl Leash {
    fn give(&self, order: u8) {
        self.order.store(order, SeqCst);
        self.waker.wake();
    }
}

struct Child {
    vitals: Arc<Vitals>,
    observe: Recipient<Observe>,
    leash: Arc<Leash>,
}

/// Called with the name of an actor without which the process cannot go on.
pub type OnFatal = Arc<dyn Fn(&str) + Send + Sync>;

/// The tree: every supervised actor, by name. Cheap to clone.
#[derive(Clone)]
pub struct Tree {
    children: Arc<Mutex<BTreeMap<String, Child>>>,
    budget: RestartBudget,
    on_fatal: OnFatal,
}

impl Tree {
    /// An empty tree.
    pub fn new(budget: RestartBudget, on_fatal: OnFatal) -> Self {
        Self {
            children: Arc::default(),
            budget,
            on_fatal,
        }
    }

    fn children(&self) -> MutexGuard<'_, BTreeMap<String, Child>> {
        self.children
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Starts an actor on `arbiter`. `first` builds its first generation there.
    pub fn start<A: Restartable>(
        &self,
        arbiter: &ArbiterHandle,
        vitals: &Arc<Vitals>,
        exhausted: Exhausted,
        first: impl FnOnce(&mut Context<A>) -> A + Send + 'static,
    ) -> Addr<A> {
        let (address, receiver, leash) = self.register(vitals);
        let (tree, vitals) = (self.clone(), vitals.clone());
        arbiter.spawn_fn(move || {
            let mut context = Context::with_receiver(receiver);
            let actor = first(&mut context);
            actix::spawn(tree.guard(context.into_future(actor), vitals, leash, exhausted));
        });
        address
    }

    /// Starts an actor on the arbiter of this thread, which may hold what cannot leave it.
    pub fn start_here<A: Restartable>(
        &self,
        vitals: &Arc<Vitals>,
        exhausted: Exhausted,
        first: A,
    ) -> Addr<A> {
        let (address, receiver, leash) = self.register(vitals);
        let life = Context::with_receiver(receiver).into_future(first);
        actix::spawn(self.clone().guard(life, vitals.clone(), leash, exhausted));
        address
    }

    fn register<A: Restartable>(
        &self,
        vitals: &Arc<Vitals>,
    ) -> (Addr<A>, channel::AddressReceiver<A>, Arc<Leash>) {
        // Twice the places: a port refuses before the mailbox would.
        let (sender, receiver) = channel::channel(vitals.capacity * 2 + 16);
        let address = Addr::new(sender);
        let leash = Arc::new(Leash {
            order: AtomicU8::new(ORDER_NONE),
            waker: AtomicWaker::new(),
        });
        let observe = address.clone().recipient();
        self.children().insert(
            vitals.name.clone(),
            Child {
                vitals: vitals.clone(),
                observe,
                leash: leash.clone(),
            },
        );
        (address, receiver, leash)
    }

    fn guard<A: Restartable>(
        self,
        life: ContextFut<A, Context<A>>,
        vitals: Arc<Vitals>,
        leash: Arc<Leash>,
        exhausted: Exhausted,
    ) -> Guarded<A> {
        let (history, since) = (RestartHistory::default(), Instant::now());
        Guarded {
            life: Some(life),
            vitals,
            leash,
            tree: self,
            exhausted,
            history,
            since,
        }
    }

    /// Ends an actor and takes it out of the tree. What waits in its mailbox is dropped; its senders hear of it.
    pub fn stop(&self, name: &str) {
        if let Some(child) = self.children().remove(name) {
            child.vitals.set_state(LifeState::Stopped);
            child.leash.give(ORDER_STOP);
        }
    }

    /// Gives a parked actor a new budget and a new life. `false` when no such actor is parked.
    pub fn unpark(&self, name: &str) -> bool {
        let children = self.children();
        let parked = children
            .get(name)
            .filter(|child| child.vitals.state() == LifeState::Parked);
        parked
            .inspect(|child| child.leash.give(ORDER_UNPARK))
            .is_some()
    }

    /// How many actors there are.
    pub fn len(&self) -> usize {
        self.children().len()
    }

    /// None at all.
    pub fn is_empty(&self) -> bool {
        self.children().is_empty()
    }

    /// Counters of every actor, for metrics; asks none of them.
    pub fn vitals(&self) -> Vec<Arc<Vitals>> {
        self.children()
            .values()
            .map(|child| child.vitals.clone())
            .collect()
    }

    /// Every actor with its own word on itself. One that does not answer in `patience` is shown as stuck.
    pub async fn observe(&self, patience: Duration) -> Vec<ActorReport> {
        let asked: Vec<_> = self
            .children()
            .values()
            .map(|child| {
                let parked = child.vitals.state() != LifeState::Running;
                (
                    child.vitals.clone(),
                    (!parked).then(|| child.observe.send(Observe)),
                )
            })
            .collect();
        join_all(asked.into_iter().map(|(vitals, answer)| async move {
            let detail = match answer {
                None => serde_json::Value::Null,
                Some(answer) => match tokio::time::timeout(patience, answer).await {
                    Ok(Ok(detail)) => detail,
                    Ok(Err(_)) | Err(_) => serde_json::json!({ "stuck": true }),
                },
            };
            vitals.report(detail)
        }))
        .await
    }
}

/// The future that lives an actor's lives.
struct Guarded<A: Restartable> {
    life: Option<ContextFut<A, Context<A>>>,
    vitals: Arc<Vitals>,
    leash: Arc<Leash>,
    tree: Tree,
    exhausted: Exhausted,
    history: RestartHistory,
    since: Instant,
}

impl<A: Restartable> Unpin for Guarded<A> {}

impl<A: Restartable> Guarded<A> {
    /// After a panic: a successor, or the end of the budget.
    fn recover(&mut self, panic: &(dyn std::any::Any + Send)) -> bool {
        let what = panic_text(panic);
        tracing::error!(actor = %self.vitals.name, panic = %what, "actor panicked");
        metrics::counter!("heliograph_actor_panics_total", "kind" => self.vitals.kind.word())
            .increment(1);
        self.vitals.record_panic(what);
        self.vitals.set_state(LifeState::Restarting);
        if !self.history.allow(self.tree.budget, self.since.elapsed()) {
            self.give_up();
            return false;
        }
        self.restart()
    }

    fn restart(&mut self) -> bool {
        let Some(life) = self.life.as_mut() else {
            return false;
        };
        let restarted = catch_unwind(AssertUnwindSafe(|| life.restart())).unwrap_or(false);
        if restarted {
            self.vitals.set_state(LifeState::Running);
        } else {
            self.give_up();
        }
        restarted
    }

    fn give_up(&self) {
        self.vitals.set_state(LifeState::Parked);
        tracing::error!(actor = %self.vitals.name, "restart budget spent, actor parked");
        if self.exhausted == Exhausted::EndProcess {
            (self.tree.on_fatal)(&self.vitals.name);
        }
    }
}

impl<A: Restartable> Future for Guarded<A> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        this.leash.waker.register(cx.waker());
        match this.leash.order.swap(ORDER_NONE, SeqCst) {
            ORDER_STOP => {
                let life = this.life.take();
                // Dropping runs `stopping` and `stopped` of the actor, which may panic as well.
                let _ = catch_unwind(AssertUnwindSafe(|| drop(life)));
                return Poll::Ready(());
            }
            ORDER_UNPARK => {
                this.history.forgive();
                this.restart();
            }
            _ => {}
        }
        while this.vitals.state() == LifeState::Running {
            let Some(life) = this.life.as_mut() else {
                return Poll::Ready(());
            };
            match catch_unwind(AssertUnwindSafe(|| Pin::new(life).poll(cx))) {
                Ok(Poll::Pending) => return Poll::Pending,
                Ok(Poll::Ready(())) => {
                    this.vitals.set_state(LifeState::Stopped);
                    this.tree.children().remove(&this.vitals.name);
                    return Poll::Ready(());
                }
                Err(panic) => {
                    this.recover(panic.as_ref());
                }
            }
        }
        Poll::Pending
    }
}

/// What a panic said, when it said something.
pub fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
        .to_owned()
}
