//! What mirrors read from the tables, as answers to what their cores ask: pending work with the rules it speaks of, earlier
//! revisions, threads, and which messages are on record. Rules are compiled once for all mirrors.

use crate::{
    exchange::{Answer, Outcome},
    mirror_core::{Effect, Input},
    rules_core::CompiledRules,
};
use heliograph_schema::{
    delivery::{PendingDelivery, PendingPage},
    ids::ChannelId,
    store::{Store, StoreError, deliveries, mirrored_threads, rule_sets},
};
use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
};

/// Sets of rules that stay compiled; beyond it all are compiled anew as they are met.
const RULES_MAX: usize = 10_000;

/// A set of rules as it can be carried out, or why it cannot.
pub type Rules = Result<Arc<CompiledRules>, String>;

/// The tables as mirrors read them; a clone is the same.
#[derive(Clone)]
pub struct MirrorReads {
    store: Store,
    compiled: Arc<Mutex<HashMap<i64, Rules>>>,
}

impl MirrorReads {
    /// Over this store.
    pub fn new(store: Store) -> Self {
        Self {
            store,
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
                let rules = self.rules(&page.rows).await?;
                Ok(vec![Input::Rules(rules), Input::Pending(page)])
            }
            Effect::ReadRow(signal_id) => {
                let row = self
                    .store
                    .read(move |connection| deliveries::pending_one(connection, target, signal_id))
                    .await?;
                let rules = self.rules(row.as_slice()).await?;
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
            Effect::Send { .. } | Effect::Record { .. } | Effect::Took(..) | Effect::WakeAt(_) => {
                Ok(Vec::new())
            }
        }
    }

    /// The rules these rows speak of.
    async fn rules(&self, rows: &[PendingDelivery]) -> Result<Vec<(i64, Rules)>, StoreError> {
        let ids: BTreeSet<i64> = rows.iter().filter_map(|row| row.rule_set_id).collect();
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
