//! What mirrors read from the tables, as answers to what their cores ask: pending work with the rules it speaks of, earlier
//! revisions, threads, and which messages are on record. Rules are compiled once for all mirrors.

use crate::{
    exchange::{Answer, Outcome},
    mirror_core::{Effect, Input, Page},
    payload::PartPayload,
    reconcile_core::{self, Expected},
    render_core::{How, render_with},
    routing::RoutingTable,
    rules_core::CompiledRules,
};
use diesel::Connection;
use heliograph_schema::{
    delivery::{PendingDelivery, PendingPage},
    ids::{ChannelId, MessageId},
    rules::HandDeletions,
    store::{
        Store, StoreError, deliveries, mirrored_threads,
        reconciliations::{self, RecordedPart},
        rule_sets,
    },
};
use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::watch;

/// Sets of rules that stay compiled; beyond it all are compiled anew as they are met.
const RULES_MAX: usize = 10_000;

/// Records in one piece of a comparison.
const RECORDS: i64 = 500;
/// Why an empty channel is not believed.
const BLIND: &str =
    "Discord shows no message of ours in the channel: the bot may lack Read Message History";

/// A set of rules as it can be carried out, or why it cannot.
pub type Rules = Result<Arc<CompiledRules>, String>;

/// The tables as mirrors read them; a clone is the same.
#[derive(Clone)]
pub struct MirrorReads {
    store: Store,
    /// Where the names are that stand in place of markup.
    routing: watch::Receiver<Arc<RoutingTable>>,
    compiled: Arc<Mutex<HashMap<i64, Rules>>>,
}

impl MirrorReads {
    /// Over this store.
    pub fn new(store: Store, routing: watch::Receiver<Arc<RoutingTable>>) -> Self {
        Self {
            store,
            routing,
            compiled: Arc::default(),
        }
    }

    /// What a core is to be told after it wanted this read, in this order.
    ///
    /// # Errors
    /// When the tables cannot be read.
    pub async fn answer(&self, target: ChannelId, read: &Effect) -> Result<Vec<Input>, StoreError> {
        match *read {
            Effect::ReadPending { limit } => {
                let limit = i64::try_from(limit).unwrap_or(i64::MAX);
                let page: PendingPage = self
                    .store
                    .read(move |connection| deliveries::pending(connection, target, limit))
                    .await?;
                let rules = self.rules(spoken_of(&page.rows)).await?;
                Ok(vec![Input::Rules(rules), Input::Pending(page)])
            }
            Effect::ReadRow(signal_id) => {
                let row = self
                    .store
                    .read(move |connection| deliveries::pending_one(connection, target, signal_id))
                    .await?;
                let rules = self.rules(spoken_of(row.as_slice())).await?;
                let row = Input::Row(signal_id, row.map(Box::new));
                Ok(vec![Input::Rules(rules), row])
            }
            Effect::ReadRevisions(signal_id, after) => {
                let states = self
                    .store
                    .read(move |connection| {
                        deliveries::revisions_after(connection, signal_id, after)
                    })
                    .await?;
                let states = states.into_iter().map(Arc::new).collect();
                Ok(vec![Input::Revisions(signal_id, states)])
            }
            Effect::ReadReply(signal_id, answered) => {
                let found = self
                    .store
                    .read(move |connection| deliveries::first_part(connection, target, answered))
                    .await?;
                Ok(vec![Input::Reply(signal_id, found)])
            }
            Effect::ReadThread(thread_id) => {
                let known = self
                    .store
                    .read(move |connection| mirrored_threads::known(connection, target, thread_id))
                    .await?;
                Ok(vec![Input::Thread(thread_id, known)])
            }
            Effect::Compare(ref page) => {
                self.compare(target, page).await?;
                Ok(vec![Input::Compared])
            }
            Effect::Send { .. } | Effect::Record { .. } | Effect::Took(..) | Effect::WakeAt(_) => {
                Ok(Vec::new())
            }
        }
    }

    /// These sets of rules.
    async fn rules(&self, ids: BTreeSet<i64>) -> Result<Vec<(i64, Rules)>, StoreError> {
        let compiled = || self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        let missing: Vec<i64> = {
            let known = compiled();
            let is_missing = |id: &i64| !known.contains_key(id);
            ids.iter().copied().filter(is_missing).collect()
        };
        if !missing.is_empty() {
            let read = self
                .store
                .read(move |connection| rule_sets::load(connection, &missing))
                .await?;
            let compile = |(id, rules)| {
                let rules = CompiledRules::compile(&rules).map(Arc::new);
                (id, rules.map_err(|error| error.to_string()))
            };
            let fresh: Vec<(i64, Rules)> = read.into_iter().map(compile).collect();
            let mut known = compiled();
            if known.len() + fresh.len() > RULES_MAX {
                known.clear();
            }
            known.extend(fresh);
        }
        let known = compiled();
        let unknown = || Err("its rules are not in the tables".to_owned());
        let rules = ids
            .into_iter()
            .map(|id| (id, known.get(&id).cloned().unwrap_or_else(unknown)));
        Ok(rules.collect())
    }

    /// Compares a page of the channel with the records of its range, piece by piece, and writes down what is to be put right.
    async fn compare(&self, target: ChannelId, page: &Page) -> Result<(), StoreError> {
        let reconciliation_id = page.reconciliation_id;
        let mut report = self
            .store
            .read(move |connection| reconciliations::report(connection, reconciliation_id))
            .await?;
        let ours = page.messages.iter().filter(|it| it.is_ours);
        let listed: Vec<MessageId> = ours.map(|it| it.message_id).collect();
        let ids = listed.clone();
        let known = self
            .store
            .read(move |connection| deliveries::recorded_messages(connection, target, &listed))
            .await?;
        let known: HashSet<MessageId> = known.into_iter().collect();
        let mut unrecorded = ids;
        unrecorded.retain(|id| !known.contains(id));
        let mut after = page.after;
        loop {
            let (thread_id, range) = (page.thread_id, (after, page.until));
            let (records, is_whole) = self
                .store
                .read(move |connection| {
                    reconciliations::recorded_parts(connection, target, thread_id, range, RECORDS)
                })
                .await?;
            after = records.last().map_or(page.until, |it| it.message_id.get());
            let expected = self.expected(records).await?;
            // Without Read Message History Discord shows an empty channel, and calls it no error.
            let is_blind = page.after == 0
                && page.messages.is_empty()
                && expected.iter().any(|it| !it.is_gone);
            let repairs = if is_blind {
                report.broken_off = Some(BLIND.to_owned());
                Vec::new()
            } else {
                let unrecorded = std::mem::take(&mut unrecorded);
                reconcile_core::compare(&mut report, &expected, &page.messages, &unrecorded)
            };
            let is_end = is_whole || report.broken_off.is_some();
            let (written, is_finished) = (
                report.clone(),
                is_end && (page.is_last || report.broken_off.is_some()),
            );
            self.store
                .run(move |connection| {
                    connection.transaction(|connection| {
                        reconciliations::apply(
                            connection,
                            target,
                            reconciliation_id,
                            &repairs,
                            &written,
                            is_finished,
                        )
                    })
                })
                .await?;
            if is_end {
                return Ok(());
            }
        }
    }

    /// How these messages should look.
    async fn expected(&self, records: Vec<RecordedPart>) -> Result<Vec<Expected>, StoreError> {
        let ids = records.iter().filter_map(|it| it.rule_set_id).collect();
        let rules: HashMap<i64, Rules> = self.rules(ids).await?.into_iter().collect();
        let names = self.routing.borrow().names.clone();
        let expected = |record: RecordedPart| {
            let rules = match record.rule_set_id {
                None => Some(Arc::default()),
                Some(id) => rules.get(&id).cloned().and_then(Result::ok),
            };
            let rendering = rules.as_ref().map(|rules| {
                let how = How {
                    rules,
                    ping_role_id: record.ping_role_id,
                    names: &names,
                    thread_name: record.thread_name.as_deref(),
                };
                render_with(&record.signal, &how)
            });
            let part = rendering.and_then(|it| {
                it.parts
                    .get(usize::from(record.part))
                    .map(PartPayload::identity)
            });
            Expected {
                signal_id: record.signal_id,
                part: record.part,
                message_id: record.message_id,
                identity: part,
                is_gone: record.is_gone,
                hand_deletions: rules.map_or(HandDeletions::Keep, |rules| rules.hand_deletions()),
            }
        };
        Ok(records.into_iter().map(expected).collect())
    }

    /// Of what Discord listed or found only what is not on record as something else.
    pub async fn without_recorded(&self, target: ChannelId, answer: Answer) -> Answer {
        let outcome = match answer.outcome {
            Outcome::Listed {
                unrecorded,
                next_after,
            } => {
                let ids: Vec<_> = unrecorded.iter().map(|it| it.message_id).collect();
                let recorded = self
                    .store
                    .read(move |connection| deliveries::recorded_messages(connection, target, &ids))
                    .await;
                recorded.map(|recorded| {
                    let recorded: HashSet<_> = recorded.into_iter().collect();
                    let mut unrecorded = unrecorded;
                    unrecorded.retain(|it| !recorded.contains(&it.message_id));
                    Outcome::Listed {
                        unrecorded,
                        next_after,
                    }
                })
            }
            Outcome::Found {
                thread_id: Some(thread_id),
            } => {
                let recorded = self
                    .store
                    .read(move |connection| {
                        mirrored_threads::recorded(connection, target, &[thread_id])
                    })
                    .await;
                recorded.map(|recorded| Outcome::Found {
                    thread_id: recorded.is_empty().then_some(thread_id),
                })
            }
            outcome => Ok(outcome),
        };
        let unread = |error: StoreError| Outcome::Ambiguous {
            reason: error.to_string(),
        };
        Answer {
            outcome: outcome.unwrap_or_else(unread),
            headers: answer.headers,
        }
    }
}

/// The sets of rules these rows speak of.
fn spoken_of(rows: &[PendingDelivery]) -> BTreeSet<i64> {
    rows.iter().filter_map(|row| row.rule_set_id).collect()
}
