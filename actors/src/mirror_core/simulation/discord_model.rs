//! Discord as far as one channel of it matters: messages, enforced nonces, buckets that slide, and every way to refuse. What it
//! was asked to do it does, whether or not the answer arrives.

use super::Dice;
use crate::{
    exchange::{Answer, Call, Listed, Outcome},
    limits_core::{LimitHeaders, LimitKind, Route},
    payload::{Identity, PartPayload},
};
use heliograph_schema::ids::{DISCORD_EPOCH_MS, MessageId};
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

/// Text that Discord will not take.
pub(super) const FORBIDDEN: &str = "forbidden";
/// It remembers nonces for "a few minutes".
const NONCE_WINDOW_MS: i64 = 130_000;
const BUCKET_REQUESTS: usize = 5;
const PAGE: usize = 10;

#[derive(Debug, Clone)]
pub(super) struct Message {
    pub(super) nonce: String,
    pub(super) payload: PartPayload,
}

#[derive(Debug, Default)]
pub(super) struct Discord {
    pub(super) live: BTreeMap<i64, Message>,
    /// Nonces in the order in which their messages first appeared.
    pub(super) appeared: Vec<String>,
    /// Nonces that made more than one message.
    pub(super) doubled: Vec<String>,
    pub(super) moderated: HashSet<String>,
    pub(super) refused: u64,
    pub(super) handled: u64,
    nonces: HashMap<String, (i64, i64)>,
    last_id: i64,
    windows: HashMap<Route, VecDeque<i64>>,
    window_ms: i64,
    pub(super) locked: bool,
}

impl Discord {
    pub(super) fn new() -> Self {
        Self {
            window_ms: 5_000,
            ..Self::default()
        }
    }

    /// Other limits from now on.
    pub(super) fn change_limits(&mut self, dice: &mut Dice) {
        self.window_ms = 500 + dice.below(8_000);
    }

    /// A moderator deletes a message of ours.
    pub(super) fn moderate(&mut self, dice: &mut Dice) {
        let place = usize::try_from(dice.below(self.live.len() as i64 + 1)).unwrap();
        if let Some(id) = self.live.keys().nth(place).copied() {
            let message = self.live.remove(&id).unwrap();
            self.moderated.insert(message.nonce);
        }
    }

    pub(super) fn handle(
        &mut self,
        now_ms: i64,
        call: &Call,
        faults: bool,
        dice: &mut Dice,
        recorded: &HashSet<MessageId>,
    ) -> Answer {
        self.handled += 1;
        let route = call.route();
        let (window_ms, window) = (self.window_ms, self.windows.entry(route).or_default());
        while window
            .front()
            .is_some_and(|sent| *sent <= now_ms - window_ms)
        {
            window.pop_front();
        }
        let mut limited = (window.len() >= BUCKET_REQUESTS)
            .then(|| (LimitKind::Bucket, window[0] + window_ms - now_ms));
        if faults && dice.one_in(40) {
            let kinds = [
                LimitKind::Bucket,
                LimitKind::Shared,
                LimitKind::Global,
                LimitKind::OldEdits,
                LimitKind::ChannelWrites,
                LimitKind::Address,
            ];
            limited = Some((dice.pick(&kinds), 200 + dice.below(4_000)));
        }
        if limited.is_none() {
            window.push_back(now_ms);
        }
        let left = u32::try_from(BUCKET_REQUESTS - window.len().min(BUCKET_REQUESTS)).unwrap();
        let reset_after_ms = window
            .front()
            .map_or(window_ms, |oldest| oldest + window_ms - now_ms);
        let headers = (!faults || !dice.one_in(10)).then(|| LimitHeaders {
            bucket: Some(format!("{route:?}-{window_ms}")),
            limit: Some(5),
            remaining: Some(left),
            reset_after_ms: Some(reset_after_ms),
            answered_at_ms: None,
        });
        let outcome = match limited {
            Some((kind, retry_after_ms)) => {
                self.refused += 1;
                Outcome::RateLimited {
                    kind,
                    retry_after_ms,
                }
            }
            None if self.locked => rejected(403, 50_013),
            None => self.carry_out(now_ms, call, recorded),
        };
        Answer { outcome, headers }
    }

    fn carry_out(&mut self, now_ms: i64, call: &Call, recorded: &HashSet<MessageId>) -> Outcome {
        match call {
            Call::Create { payload, .. } | Call::Edit { payload, .. }
                if payload.content.contains(FORBIDDEN) =>
            {
                rejected(400, 50_035)
            }
            Call::Create { payload, nonce, .. } => self.create(now_ms, payload, nonce),
            Call::Edit {
                message_id,
                payload,
            } => match self.live.get_mut(&message_id.get()) {
                Some(message) => {
                    message.payload = payload.clone();
                    Outcome::Edited
                }
                None => rejected(404, 10_008),
            },
            Call::Delete { message_id } => match self.live.remove(&message_id.get()) {
                Some(_) => Outcome::Deleted,
                None => rejected(404, 10_008),
            },
            Call::List { after } => self.list(*after, recorded),
            other => panic!("nobody asks this here: {other:?}"),
        }
    }

    fn create(&mut self, now_ms: i64, payload: &PartPayload, nonce: &str) -> Outcome {
        if let Some(&(posted_ms, id)) = self.nonces.get(nonce) {
            if now_ms < posted_ms + NONCE_WINDOW_MS {
                let exists = self.live.contains_key(&id);
                return if exists {
                    Outcome::Posted {
                        message_id: MessageId::new(id).unwrap(),
                    }
                } else {
                    rejected(404, 10_008)
                };
            }
            // A message that a moderator took away leaves no trace that anybody could find.
            if !self.moderated.contains(nonce) {
                self.doubled.push(nonce.to_owned());
            }
        }
        self.last_id = ((now_ms - DISCORD_EPOCH_MS) << 22).max(self.last_id + 1);
        self.nonces.insert(nonce.to_owned(), (now_ms, self.last_id));
        self.appeared.push(nonce.to_owned());
        self.live.insert(
            self.last_id,
            Message {
                nonce: nonce.to_owned(),
                payload: payload.clone(),
            },
        );
        Outcome::Posted {
            message_id: MessageId::new(self.last_id).unwrap(),
        }
    }

    fn list(&self, after: i64, recorded: &HashSet<MessageId>) -> Outcome {
        let page: Vec<_> = self.live.range(after + 1..).take(PAGE).collect();
        let next_after = page
            .last()
            .filter(|_| page.len() == PAGE)
            .map(|(id, _)| **id);
        let listed = page.into_iter().map(|(id, message)| Listed {
            message_id: MessageId::new(*id).unwrap(),
            identity: Identity::of(&message.payload.content, &message.payload.embeds),
        });
        Outcome::Listed {
            unrecorded: listed
                .filter(|it| !recorded.contains(&it.message_id))
                .collect(),
            next_after,
        }
    }
}

fn rejected(status: u16, code: u64) -> Outcome {
    Outcome::Rejected {
        status,
        code,
        message: String::new(),
    }
}
