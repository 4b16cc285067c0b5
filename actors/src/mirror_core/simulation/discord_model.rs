//! Discord as far as one channel of it matters: messages, enforced nonces, buckets of both kinds, and every way to refuse. What
//! it was asked to do it does, whether or not the answer arrives. Knows no table: it lists what stands.

use super::chance::{Climate, Dice};
use crate::{
    exchange::{Answer, Call, Listed, Outcome},
    limits_core::{LimitHeaders, LimitKind, Route},
    payload::{Identity, PartPayload},
};
use heliograph_schema::ids::{DISCORD_EPOCH_MS, MessageId, SignalId};
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

/// Text that Discord will not take while it is minded so.
pub(super) const FORBIDDEN: &str = "forbidden";
/// The same, with a code that nobody knows.
pub(super) const PUZZLING: &str = "puzzling";
/// It remembers nonces for "a few minutes".
const NONCE_WINDOW_MS: i64 = 130_000;
const HIDDEN_REQUESTS: usize = 30;
const HIDDEN_WINDOW_MS: i64 = 60_000;

#[derive(Debug, Clone)]
pub(super) struct Message {
    /// Whose it is by what it said when it was made; none of a message somebody posted by hand.
    pub(super) signal_id: Option<SignalId>,
    pub(super) payload: PartPayload,
}

/// Requests that share a limit.
#[derive(Debug, Clone)]
struct Bucket {
    name: String,
    limit: usize,
    window_ms: i64,
    is_fixed: bool,
    hits: VecDeque<i64>,
}

impl Bucket {
    /// Forgets what no longer counts.
    fn roll(&mut self, now_ms: i64) {
        let ends_ms = |hit: i64| hit + self.window_ms;
        if self.is_fixed {
            if self.hits.front().is_some_and(|hit| ends_ms(*hit) <= now_ms) {
                self.hits.clear();
            }
            return;
        }
        while self.hits.front().is_some_and(|hit| ends_ms(*hit) <= now_ms) {
            self.hits.pop_front();
        }
    }

    /// Until there is room again.
    fn reset_after_ms(&self, now_ms: i64) -> i64 {
        let oldest = self.hits.front().copied().unwrap_or(now_ms);
        oldest + self.window_ms - now_ms
    }
}

#[derive(Debug)]
pub(super) struct Channel {
    pub(super) live: BTreeMap<i64, Message>,
    /// Signals in the order in which something of them first appeared.
    pub(super) appeared: Vec<SignalId>,
    has_appeared: HashSet<SignalId>,
    /// Nonces that made a message beside the one they had made.
    pub(super) doubled: Vec<String>,
    pub(super) moderated: HashSet<SignalId>,
    pub(super) by_hand: BTreeMap<i64, PartPayload>,
    pub(super) handled: u64,
    pub(super) refused: u64,
    /// Refuses everything: no permission.
    pub(super) locked: bool,
    /// Takes any text.
    pub(super) is_lenient: bool,
    nonces: HashMap<String, (i64, i64)>,
    last_id: i64,
    buckets: Vec<Bucket>,
    generation: u32,
    hidden: Option<VecDeque<i64>>,
}

/// Who a payload says it shows: every text carries its signal's id and revision, in its words or in the small print of its
/// embed, so that nothing need be known of nonces.
pub(super) fn signal_of(payload: &PartPayload) -> Option<SignalId> {
    let footer = payload.embeds.first().and_then(|it| it.footer.as_deref());
    let words = payload.content.split_whitespace().chain(footer);
    words
        .filter_map(|word| word.strip_prefix('#')?.split_once('.'))
        .find_map(|(id, _)| id.parse().ok())
}

impl Channel {
    pub(super) fn new(climate: &Climate) -> Self {
        let mut channel = Self {
            live: BTreeMap::new(),
            appeared: Vec::new(),
            has_appeared: HashSet::new(),
            doubled: Vec::new(),
            moderated: HashSet::new(),
            by_hand: BTreeMap::new(),
            handled: 0,
            refused: 0,
            locked: false,
            is_lenient: false,
            nonces: HashMap::new(),
            last_id: 0,
            buckets: Vec::new(),
            generation: 0,
            hidden: climate.hidden_limit.then(VecDeque::new),
        };
        channel.limit(5, 5_000, climate.fixed_windows);
        channel
    }

    /// These limits from now on.
    fn limit(&mut self, limit: usize, window_ms: i64, is_fixed: bool) {
        self.generation += 1;
        let bucket = |route: &str| Bucket {
            name: format!("{route}-{}", self.generation),
            limit,
            window_ms,
            is_fixed,
            hits: VecDeque::new(),
        };
        self.buckets = ["create", "change", "list"].map(bucket).into();
    }

    pub(super) fn change_limits(&mut self, dice: &mut Dice) {
        let (limit, window_ms) = (1 + dice.below(8) as usize, 300 + dice.below(8_000));
        self.limit(limit, window_ms, dice.one_in(2));
    }

    /// A moderator deletes a message of ours.
    pub(super) fn moderate(&mut self, dice: &mut Dice) {
        // Mostly a recent one.
        let back = dice.pick(&[1, 3, 1_000]);
        let place = dice.below(back.min(self.live.len() as i64));
        let Some(id) = self.live.keys().rev().nth(place as usize).copied() else {
            return;
        };
        if let Some(signal_id) = self.live[&id].signal_id {
            self.live.remove(&id);
            self.moderated.insert(signal_id);
        }
    }

    /// Somebody posts as the same bot by hand.
    pub(super) fn post_by_hand(&mut self, now_ms: i64) {
        let payload = PartPayload {
            content: format!("by hand at {now_ms}"),
            ..PartPayload::default()
        };
        let id = self.fresh_id(now_ms);
        self.by_hand.insert(id, payload.clone());
        self.live.insert(
            id,
            Message {
                signal_id: None,
                payload,
            },
        );
    }

    fn fresh_id(&mut self, now_ms: i64) -> i64 {
        self.last_id = ((now_ms - DISCORD_EPOCH_MS) << 22).max(self.last_id + 1);
        self.last_id
    }

    pub(super) fn handle(
        &mut self,
        now_ms: i64,
        call: &Call,
        trouble: Option<(&Climate, &mut Dice)>,
        page: usize,
    ) -> Answer {
        self.handled += 1;
        let route = call.route();
        let mut limited = self.hidden_wait_ms(now_ms, route);
        let bucket = match route {
            Route::Create => &mut self.buckets[0],
            Route::Edit | Route::Delete => &mut self.buckets[1],
            _ => &mut self.buckets[2],
        };
        bucket.roll(now_ms);
        if bucket.hits.len() >= bucket.limit {
            limited = Some((LimitKind::Bucket, bucket.reset_after_ms(now_ms)));
        }
        let (mut puzzled, mut headerless) = (false, false);
        if let Some((climate, dice)) = trouble {
            if dice.one_in(climate.limited) {
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
            puzzled = dice.one_in(climate.puzzling);
            headerless = dice.one_in(climate.headerless);
        }
        if limited.is_none() {
            bucket.hits.push_back(now_ms);
            if route == Route::Create {
                self.hidden.iter_mut().for_each(|it| it.push_back(now_ms));
            }
        }
        let left = bucket.limit - bucket.hits.len().min(bucket.limit);
        let told = LimitHeaders {
            bucket: Some(bucket.name.clone()),
            limit: u32::try_from(bucket.limit).ok(),
            remaining: u32::try_from(left).ok(),
            reset_after_ms: Some(bucket.reset_after_ms(now_ms)),
            answered_at_ms: Some(now_ms),
        };
        let outcome = match limited {
            Some((kind, retry_after_ms)) => {
                self.refused += 1;
                Outcome::RateLimited {
                    kind,
                    retry_after_ms,
                }
            }
            None if self.locked => rejected(403, 50_013),
            None if puzzled => rejected(400, 0),
            None => self.carry_out(now_ms, call, page),
        };
        let headers = if headerless {
            LimitHeaders::default()
        } else {
            told
        };
        Answer {
            outcome,
            headers: Some(headers),
        }
    }

    fn hidden_wait_ms(&mut self, now_ms: i64, route: Route) -> Option<(LimitKind, i64)> {
        let hits = self.hidden.as_mut().filter(|_| route == Route::Create)?;
        while hits
            .front()
            .is_some_and(|hit| hit + HIDDEN_WINDOW_MS <= now_ms)
        {
            hits.pop_front();
        }
        (hits.len() >= HIDDEN_REQUESTS)
            .then(|| (LimitKind::Bucket, hits[0] + HIDDEN_WINDOW_MS - now_ms))
    }

    fn carry_out(&mut self, now_ms: i64, call: &Call, page: usize) -> Outcome {
        match call {
            // A nonce it knows is answered before anybody looks at the text.
            Call::Create { payload, nonce, .. } if !self.knows(now_ms, nonce) => {
                match self.refusal(payload) {
                    Some(refusal) => refusal,
                    None => self.create(now_ms, payload, nonce),
                }
            }
            Call::Create { payload, nonce, .. } => self.create(now_ms, payload, nonce),
            Call::Edit {
                message_id,
                payload,
            } => {
                if let Some(refusal) = self.refusal(payload) {
                    return refusal;
                }
                match self.live.get_mut(&message_id.get()) {
                    Some(message) => {
                        message.payload = payload.clone();
                        Outcome::Edited
                    }
                    None => rejected(404, 10_008),
                }
            }
            Call::Delete { message_id } => match self.live.remove(&message_id.get()) {
                Some(_) => Outcome::Deleted,
                None => rejected(404, 10_008),
            },
            Call::List { after } => self.list(*after, page),
            other => panic!("nobody asks this here: {other:?}"),
        }
    }

    fn refusal(&self, payload: &PartPayload) -> Option<Outcome> {
        let refusals = [
            (FORBIDDEN, rejected(400, 50_035)),
            (PUZZLING, rejected(400, 0)),
        ];
        let mut refusals = refusals.into_iter().filter(|_| !self.is_lenient);
        let refused = refusals.find(|(word, _)| payload.content.contains(word));
        refused.map(|(_, refusal)| refusal)
    }

    fn knows(&self, now_ms: i64, nonce: &str) -> bool {
        let posted = self.nonces.get(nonce);
        posted.is_some_and(|(posted_ms, _)| now_ms < posted_ms + NONCE_WINDOW_MS)
    }

    fn create(&mut self, now_ms: i64, payload: &PartPayload, nonce: &str) -> Outcome {
        if let Some(&(posted_ms, id)) = self.nonces.get(nonce) {
            if now_ms < posted_ms + NONCE_WINDOW_MS {
                return match MessageId::new(id).filter(|_| self.live.contains_key(&id)) {
                    Some(message_id) => Outcome::Posted { message_id },
                    None => rejected(404, 10_008),
                };
            }
            if self.live.contains_key(&id) {
                let age_ms = now_ms - posted_ms;
                let signal_id = signal_of(payload);
                self.doubled
                    .push(format!("{nonce} of {signal_id:?}, {age_ms} ms later"));
            }
        }
        let id = self.fresh_id(now_ms);
        self.nonces.insert(nonce.to_owned(), (now_ms, id));
        let signal_id = signal_of(payload);
        if let Some(signal_id) = signal_id
            && self.has_appeared.insert(signal_id)
        {
            self.appeared.push(signal_id);
        }
        self.live.insert(
            id,
            Message {
                signal_id,
                payload: payload.clone(),
            },
        );
        Outcome::Posted {
            message_id: MessageId::new(id).unwrap(),
        }
    }

    /// Everything that stands, ours or not on record: what is on record is left out on the way back.
    fn list(&self, after: i64, page: usize) -> Outcome {
        let listed: Vec<_> = self.live.range(after + 1..).take(page).collect();
        let next_after = listed
            .last()
            .filter(|_| listed.len() == page)
            .map(|(id, _)| **id);
        let unrecorded = listed.into_iter().map(|(id, message)| Listed {
            message_id: MessageId::new(*id).unwrap(),
            identity: Identity::of(&message.payload.content, &message.payload.embeds),
            is_ours: true,
        });
        Outcome::Listed {
            unrecorded: unrecorded.collect(),
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
