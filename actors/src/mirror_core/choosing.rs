//! What to do next: the first delivery that can go on, within the limits, and the request for it.

use super::delivery::{Delivery, Earlier, Reply, Step, UNCERTAIN};
use super::inventory::Inventory;
use super::places::lane;
use super::planted::{Bug, planted};
use super::{Door, Effect, Errand, Flight, MirrorCore, RECORD_REPEAT_MS};
use crate::{
    exchange::{Call, Request},
    limits_core::{Lane, Permit, Route},
};
use heliograph_schema::{
    delivery::{Address, PartChange, PostedPart, Progress},
    ids::{ChannelId, MessageId, SignalId, ThreadId},
};

impl MirrorCore {
    pub(super) fn advance(&mut self, now_ms: i64, door: Door<'_>, effects: &mut Vec<Effect>) {
        if let Some(recording) = &self.recording
            && !(self.is_settled && planted(Bug::RecordNotAwaited))
        {
            effects.push(Effect::WakeAt(
                (recording.handed_over_ms + RECORD_REPEAT_MS).max(now_ms + 1),
            ));
            return;
        }
        if let Some(flight) = &self.flight {
            effects.push(Effect::WakeAt(
                flight.sent_ms + 2 * self.settings.request_timeout_ms + 1,
            ));
            return;
        }
        if self.is_comparing() {
            return;
        }
        if self.record_cancelled(now_ms, effects) || !self.settings.has_token || self.is_paused {
            return;
        }
        // A probe of a parked target may fail for other reasons: then both wait.
        let probe_at_ms = self.parked.as_ref().map(|parked| parked.probe_at_ms);
        let pause_ms = probe_at_ms.map_or(self.not_before_ms, |at| at.max(self.not_before_ms));
        if now_ms < pause_ms {
            effects.push(Effect::WakeAt(pause_ms));
            return;
        }
        match self.choose(now_ms, effects) {
            Choice::Act(signal_id, step) => self.act(now_ms, signal_id, step, door, effects),
            Choice::Wait(wake_ms) => {
                effects.extend(wake_ms.map(Effect::WakeAt));
                if self.archiving.is_empty() {
                    self.survey(now_ms, door, effects);
                } else {
                    self.archive(now_ms, door, effects);
                }
            }
        }
    }

    /// What was deleted before it was ever sent needs no request: all of it goes on record at once.
    pub(super) fn record_cancelled(&mut self, now_ms: i64, effects: &mut Vec<Effect>) -> bool {
        let cancelled = self
            .deliveries
            .values()
            .filter(|delivery| delivery.is_cancelled());
        let records: Vec<_> = cancelled
            .map(|delivery| {
                let progress = Progress::Delivered {
                    revision: delivery.desired_revision,
                    note: delivery.remark(),
                };
                self.record_of(delivery.signal_id(), None, progress)
            })
            .collect();
        let any = !records.is_empty();
        if any {
            self.record(now_ms, records, effects);
        }
        any
    }

    /// The first delivery that can go on. Messages appear in order; edits and deletions need not wait for them. While a create
    /// of this life is in doubt nothing else appears, so that what is read back can only be its.
    pub(super) fn choose(&mut self, now_ms: i64, effects: &mut Vec<Effect>) -> Choice {
        let in_doubt = self
            .deliveries
            .values()
            .find(|delivery| delivery.is_in_doubt())
            .map(Delivery::signal_id);
        let (target, spans) = (self.settings.target_channel_id, self.settings.spans());
        let mut wake_ms: Option<i64> = None;
        let mut sooner =
            |at_ms: i64| wake_ms = Some(wake_ms.map_or(at_ms, |known| known.min(at_ms)));
        let mut earlier_is_waiting = false;
        let mut earlier_is_in_doubt = false;
        let mut wanted_is_in_doubt = false;
        let mut left_over = None;
        for delivery in self.deliveries.values_mut() {
            if !delivery.known {
                // Its messages may have yet to appear; its row will tell in a moment.
                (earlier_is_waiting, earlier_is_in_doubt, wanted_is_in_doubt) = (true, true, true);
                continue;
            }
            let (may_be_anothers, may_be_an_older_ones) = (earlier_is_in_doubt, wanted_is_in_doubt);
            earlier_is_in_doubt |= delivery.doubt.is_some();
            wanted_is_in_doubt |= delivery.doubt.is_some() && !delivery.is_deleted();
            let (signal_id, is_to_appear) = (delivery.signal_id(), delivery.is_to_appear());
            let is_out_of_turn = is_to_appear && earlier_is_waiting && in_doubt != Some(signal_id);
            if is_out_of_turn && !planted(Bug::CreatesOutOfTurn) {
                continue;
            }
            earlier_is_waiting |= is_to_appear;
            if now_ms < delivery.not_before_ms {
                sooner(delivery.not_before_ms);
                continue;
            }
            let first = delivery.is_to_post().then(|| {
                self.places
                    .prepare(now_ms, delivery, self.started_ms, spans)
            });
            let step = match first.flatten() {
                Some(first) => first,
                None => delivery.step(now_ms, target, self.inventory.as_ref(), spans),
            };
            let mut step = match step {
                Step::Edit { at, .. } => self.places.reach(at).unwrap_or(step),
                Step::Delete { at, .. } if self.places.is_unsought(at) => Step::FindWebhook,
                step => step,
            };
            let makes_or_reads = matches!(
                step,
                Step::Create { .. }
                    | Step::OpenPost { .. }
                    | Step::FindThread { .. }
                    | Step::List { .. }
                    | Step::Adopt { .. }
            );
            let is_shut_out = in_doubt.is_some_and(|other| other != signal_id);
            if makes_or_reads && is_shut_out && !planted(Bug::DoubtNotExclusive) {
                continue;
            }
            // What is found and looks like several is the oldest's that is to stay: they appeared in order. What this life sent
            // cannot wait for that one's turn. One that may have found another's is edited.
            if let Step::Adopt { digest, .. } = &mut step {
                if in_doubt.is_none() && delivery.is_deleted() {
                    left_over = left_over.or(Some((signal_id, step)));
                    continue;
                }
                if in_doubt.is_none() && may_be_an_older_ones {
                    continue;
                }
                if may_be_anothers {
                    *digest = UNCERTAIN.to_vec();
                }
            }
            match step {
                Step::Wait(at_ms) => at_ms.into_iter().for_each(&mut sooner),
                Step::ReadRevisions => {
                    delivery.earlier = Earlier::Asked;
                    effects.push(Effect::ReadRevisions(
                        signal_id,
                        delivery.delivered_revision,
                    ));
                }
                Step::ReadReply(answered) => {
                    delivery.reply = Reply::Asked;
                    effects.push(Effect::ReadReply(signal_id, answered));
                }
                Step::ReadThread(thread_id) => {
                    self.places.ask(thread_id);
                    effects.push(Effect::ReadThread(thread_id));
                }
                step => match step
                    .lane(target)
                    .filter(|_| !planted(Bug::LimitsIgnored))
                    .map_or(Permit::Now, |lane| self.limits.may_send(now_ms, lane))
                {
                    Permit::Now => return Choice::Act(signal_id, step),
                    Permit::At(at_ms) => sooner(at_ms),
                    Permit::AfterAnswer => {}
                },
            }
        }
        match left_over.filter(|_| !wanted_is_in_doubt) {
            Some((signal_id, step)) => Choice::Act(signal_id, step),
            None => Choice::Wait(wake_ms),
        }
    }

    pub(super) fn act(
        &mut self,
        now_ms: i64,
        signal_id: SignalId,
        step: Step,
        door: Door<'_>,
        effects: &mut Vec<Effect>,
    ) {
        let errand = |part, call, digest, at| Errand::Delivery {
            signal_id,
            part,
            call,
            digest,
            at,
        };
        let thread = |thread_id, call, digest, webhook_id| Errand::Thread {
            signal_id,
            thread_id,
            call,
            digest,
            webhook_id,
        };
        let errand = match step {
            Step::Create {
                part,
                payload,
                digest,
                nonce,
                reply_to,
                at,
            } => errand(
                part,
                Call::Create {
                    payload,
                    nonce,
                    reply_to,
                },
                digest,
                at,
            ),
            Step::Edit {
                part,
                message_id,
                payload,
                digest,
                at,
            } => errand(
                part,
                Call::Edit {
                    message_id,
                    payload,
                },
                digest,
                at,
            ),
            Step::Delete {
                part,
                message_id,
                at,
            } => {
                let at = self.places.for_deletion(at);
                errand(part, Call::Delete { message_id }, Vec::new(), at)
            }
            Step::OpenPost {
                thread_id,
                name,
                payload,
                digest,
                webhook_id,
            } => thread(
                thread_id,
                Call::OpenPost { name, payload },
                digest,
                webhook_id,
            ),
            Step::OpenThread {
                thread_id,
                name,
                from,
            } => thread(thread_id, Call::OpenThread { name, from }, Vec::new(), None),
            Step::FindThread {
                thread_id,
                name,
                since_ms,
            } => thread(
                thread_id,
                Call::FindThread { name, since_ms },
                Vec::new(),
                None,
            ),
            Step::FindWebhook => Errand::Webhook {
                signal_id,
                call: Call::FindWebhook,
            },
            Step::MakeWebhook => Errand::Webhook {
                signal_id,
                call: Call::MakeWebhook,
            },
            Step::List { from_ms, thread_id } => self.reading_from(now_ms, from_ms, thread_id),
            Step::Done => return self.complete(now_ms, signal_id, None, effects),
            Step::Poison(reason) => return self.bury(now_ms, signal_id, reason, effects),
            Step::Forget { part } => {
                if let Some(delivery) = self.delivery(signal_id) {
                    delivery.parts.remove(&part);
                }
                return self.complete(
                    now_ms,
                    signal_id,
                    Some(PartChange::Removed { part }),
                    effects,
                );
            }
            Step::Adopt {
                part,
                message_id,
                digest,
                at,
            } => {
                if let Some(delivery) = self.delivery(signal_id) {
                    delivery.doubt = None;
                    delivery.stand(part, message_id, &digest, at);
                }
                self.claim(message_id);
                self.counts.adopted += 1;
                let change = PartChange::Stands(PostedPart {
                    part,
                    message_id,
                    digest,
                    at,
                });
                return self.complete(now_ms, signal_id, Some(change), effects);
            }
            Step::ReadRevisions | Step::ReadReply(_) | Step::ReadThread(_) | Step::Wait(_) => {
                return;
            }
        };
        self.send(now_ms, errand, door, effects);
    }

    /// The next page of the reading under way when it reaches back far enough, else the first page of one that serves every
    /// doubt there is.
    fn reading_from(&mut self, now_ms: i64, from_ms: i64, thread_id: Option<ThreadId>) -> Errand {
        if let Some((inventory, after)) = self.paging.take_if(|(inventory, _)| {
            inventory.thread_id == thread_id && inventory.from_ms <= from_ms
        }) {
            return Errand::Reading { inventory, after };
        }
        let doubts = self
            .deliveries
            .values()
            .filter_map(|delivery| delivery.doubt.as_ref());
        let inventory = Inventory::new(
            doubts.map(|doubt| doubt.first_ms).fold(from_ms, i64::min),
            thread_id,
            now_ms,
        );
        Errand::Reading {
            after: inventory.first_after(),
            inventory,
        }
    }

    pub(super) fn send(
        &mut self,
        now_ms: i64,
        errand: Errand,
        door: Door<'_>,
        effects: &mut Vec<Effect>,
    ) {
        if let Err(wait) = door() {
            self.held = Some(wait);
            self.keep_paging(errand);
            effects.push(Effect::WakeAt(wait.until_ms));
            return;
        }
        self.held = None;
        let (call, at) = (errand.call(), errand.at());
        let signal_id = errand.signal_id();
        let lane = errand.lane(self.settings.target_channel_id);
        self.limits.sent(now_ms, lane);
        let request_id = self.fresh_id();
        self.flight = Some(Flight {
            request_id,
            sent_ms: now_ms,
            errand,
        });
        let committed_at =
            signal_id.and_then(|signal_id| self.delivery(signal_id)?.committed_at.take());
        let request = Request {
            request_id,
            target_channel_id: self.settings.target_channel_id,
            at,
            call,
        };
        effects.push(Effect::Send {
            request,
            committed_at,
        });
        effects.push(Effect::WakeAt(
            now_ms + 2 * self.settings.request_timeout_ms + 1,
        ));
    }

    /// Threads follow their source threads when nothing else is to be done.
    fn archive(&mut self, now_ms: i64, door: Door<'_>, effects: &mut Vec<Effect>) {
        let Some(thread) = self.archiving.front().copied() else {
            return;
        };
        let errand = Errand::Archive(thread);
        let lane = errand.lane(self.settings.target_channel_id);
        match self.limits.may_send(now_ms, lane) {
            Permit::Now => self.send(now_ms, errand, door, effects),
            Permit::At(at_ms) => effects.push(Effect::WakeAt(at_ms)),
            Permit::AfterAnswer => {}
        }
    }

    /// A page that did not come is asked for again.
    pub(super) fn keep_paging(&mut self, errand: Errand) {
        if let Errand::Reading { inventory, after } = errand {
            self.paging = Some((inventory, after));
        }
    }

    pub(super) fn claim(&mut self, message_id: MessageId) {
        let readings = self
            .inventory
            .iter_mut()
            .chain(self.paging.as_mut().map(|(inventory, _)| inventory));
        readings.for_each(|inventory| inventory.claim(message_id));
    }
}

impl Flight {
    /// The signal it is for.
    pub(super) fn signal_id(&self) -> Option<SignalId> {
        self.errand.signal_id()
    }
}

impl Errand {
    pub(super) fn route(&self) -> Route {
        match self {
            Self::Delivery { call, .. }
            | Self::Thread { call, .. }
            | Self::Webhook { call, .. } => call.route(),
            Self::Archive(_) => Route::ChangeThread,
            Self::Reading { .. } | Self::Survey { .. } => Route::List,
        }
    }

    /// Whose limits its request falls under.
    pub(super) fn lane(&self, target: ChannelId) -> Lane {
        lane(self.route(), self.at(), target)
    }

    fn signal_id(&self) -> Option<SignalId> {
        match self {
            Self::Delivery { signal_id, .. } | Self::Thread { signal_id, .. } => Some(*signal_id),
            Self::Archive(_)
            | Self::Webhook { .. }
            | Self::Survey { .. }
            | Self::Reading { .. } => None,
        }
    }

    /// A refusal of it may speak of the target channel as a whole, and not only of one thread in it or of a mapping's wish for
    /// webhooks or threads.
    pub(super) fn speaks_of_target(&self) -> bool {
        match self {
            Self::Delivery { .. } | Self::Reading { .. } => true,
            Self::Survey { thread_id, .. } => thread_id.is_none(),
            Self::Thread { .. } | Self::Webhook { .. } | Self::Archive(_) => false,
        }
    }

    /// Where its request goes.
    pub(super) fn at(&self) -> Address {
        let in_thread = |thread_id| Address {
            thread_id,
            webhook_id: None,
        };
        match self {
            Self::Delivery { at, .. } => *at,
            Self::Thread { webhook_id, .. } => Address {
                thread_id: None,
                webhook_id: *webhook_id,
            },
            Self::Webhook { .. } => Address::default(),
            Self::Archive(thread) => in_thread(Some(thread.mirrored_thread_id)),
            Self::Survey { thread_id, .. } => in_thread(*thread_id),
            Self::Reading { inventory, .. } => in_thread(inventory.thread_id),
        }
    }

    fn call(&self) -> Call {
        match self {
            Self::Delivery { call, .. }
            | Self::Thread { call, .. }
            | Self::Webhook { call, .. } => call.clone(),
            Self::Archive(thread) => Call::Archive {
                archived: thread.is_archived,
            },
            Self::Survey { after, .. } => Call::Survey { after: *after },
            Self::Reading { after, .. } => Call::List { after: *after },
        }
    }
}

pub(super) enum Choice {
    Act(SignalId, Step),
    Wait(Option<i64>),
}
