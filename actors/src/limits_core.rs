//! What the rate limits of one mirror's lanes are, learned from answers alone: no limit of Discord is written here. One of these
//! belongs to one mirror; the limit over all channels is in `global_gate`. Knows no clock: `now_ms` is any steady one.
//!
//! Three things are learned. Of a **bucket**, from headers: what is left and when there is more. Headers may speak of the next
//! request that comes back or of all of them, and counting our own requests tells which: when a bucket is empty and all of a
//! window's requests were ours, the first of them is the first to come back. Of a **ceiling**, which no header tells, from
//! refusals (`ceiling.rs`). Of the **way**, how much later than sent a request is counted (`pace.rs`).

mod ceiling;
mod history;
mod pace;
#[cfg(test)]
mod saturation;
#[cfg(test)]
mod tests;

use crate::exchange::{Answer, Outcome};
use ceiling::{Ceilings, Scope};
use heliograph_schema::ids::ChannelId;
use history::{AGE_MS_MAX, History, Window};
use pace::{Arrival, Pace};
use std::collections::{HashMap, VecDeque};

/// Lanes remembered; beyond it the one that was used longest ago is forgotten.
const LANES_MAX: usize = 64;
/// The own count of a bucket that was wrong is not believed for so many windows, doubled each time …
const DOUBT_WINDOWS: i64 = 2;
/// … up to so often.
const DOUBT_DOUBLINGS_MAX: u32 = 6;

/// Requests that share fate as far as we know before Discord says more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Route {
    /// Post a message.
    Create,
    /// Edit one.
    Edit,
    /// Delete one.
    Delete,
    /// Read the channel back.
    List,
    /// Open a thread.
    OpenThread,
    /// Look for one.
    FindThread,
    /// Archive one, or open it again.
    ChangeThread,
    /// Look for the webhook, or make it.
    Webhook,
}

impl Route {
    /// The label of metrics.
    pub fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Edit => "edit",
            Self::Delete => "delete",
            Self::List => "list",
            Self::OpenThread => "open_thread",
            Self::FindThread => "find_thread",
            Self::ChangeThread => "change_thread",
            Self::Webhook => "webhook",
        }
    }

    /// Whether it changes what stands in a channel.
    fn writes(self) -> bool {
        matches!(
            self,
            Self::Create | Self::Edit | Self::Delete | Self::OpenThread
        )
    }
}

/// A route and the place it leads to, which Discord counts apart: a channel, a thread or a webhook, by its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Lane {
    /// What is asked.
    pub route: Route,
    /// Where.
    pub place: ChannelId,
}

impl Lane {
    /// This route to this place.
    pub fn new(route: Route, place: ChannelId) -> Self {
        Self { route, place }
    }
}

/// The rate limit headers of one answer, as far as it carried them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LimitHeaders {
    /// Opaque name of the bucket.
    pub bucket: Option<String>,
    /// Requests a window takes.
    pub limit: Option<u32>,
    /// Requests left in it.
    pub remaining: Option<u32>,
    /// Until there are more.
    pub reset_after_ms: Option<i64>,
    /// Discord's clock when it answered, milliseconds since 1970: good for differences, not to be held against ours.
    pub answered_at_ms: Option<i64>,
}

/// Which limit a 429 speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LimitKind {
    /// The bucket of the route, whatever `Remaining` said (some have hidden limits below).
    Bucket,
    /// The same, but caused by others too; not counted against us.
    Shared,
    /// All requests of this bot.
    Global,
    /// A limit with a code of its own: 30046, edits of old messages.
    OldEdits,
    /// Another with a code: 20028, all writes into the channel; or 20016, its slow mode.
    ChannelWrites,
    /// The network in front of Discord: all requests of this address.
    Address,
}

/// Whether a request may go now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permit {
    /// It may.
    Now,
    /// Not before this moment.
    At(i64),
    /// Not before an answer on the way has said what the limit is.
    AfterAnswer,
}

/// Buckets of the same name are counted apart for each place.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct BucketName {
    name: String,
    place: ChannelId,
}

#[derive(Debug, Default)]
struct LaneState {
    /// The one it was last said to be in.
    bucket: Option<BucketName>,
    /// It answered at least once without naming a bucket, and never with.
    is_open: bool,
    /// When its requests under way were sent.
    in_flight: VecDeque<i64>,
    /// Set by 429s.
    closed_until_ms: Option<i64>,
    used_ms: i64,
}

/// What the first request after an empty bucket was let through by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Probe {
    Headers,
    OwnCount,
}

#[derive(Debug, Default)]
struct Bucket {
    limit: Option<u32>,
    /// As far as known.
    remaining: Option<u32>,
    /// When there is more by what the headers said.
    said_ms: i64,
    /// When there is more by what is believed: this, or sooner by our own count.
    reopens_ms: i64,
    /// How long a window is: what `Reset-After` says of one with a single request.
    window_ms: Option<i64>,
    probe: Option<Probe>,
    /// How often the own count was wrong, and from when on it is believed again.
    doubts: u32,
    doubted_until_ms: i64,
}

/// All that is known.
#[derive(Debug, Default)]
pub struct Limits {
    lanes: HashMap<Lane, LaneState>,
    buckets: HashMap<BucketName, Bucket>,
    ceilings: Ceilings,
    history: History,
    pace: Pace,
}

impl Limits {
    /// Whether a request of this lane may go.
    pub fn may_send(&self, now_ms: i64, lane: Lane) -> Permit {
        let state = self.lanes.get(&lane);
        let closed_ms = state.and_then(|state| state.closed_until_ms);
        let shut_ms = closed_ms.max(self.ceilings.opens_ms(lane));
        if let Some(until_ms) = shut_ms.filter(|until_ms| *until_ms > now_ms) {
            return Permit::At(until_ms);
        }
        let Some(state) = state else {
            return Permit::Now;
        };
        let Some(bucket) = self.bucket_of(lane) else {
            let is_probing = !state.in_flight.is_empty() && !state.is_open;
            return if is_probing {
                Permit::AfterAnswer
            } else {
                Permit::Now
            };
        };
        if bucket.remaining != Some(0) {
            return Permit::Now;
        }
        if bucket.reopens_ms > now_ms {
            return Permit::At(bucket.reopens_ms);
        }
        // The window is over and nobody has told what the next one holds: one request finds out.
        if bucket.probe.is_some() {
            return Permit::AfterAnswer;
        }
        Permit::Now
    }

    /// A request of this lane goes out.
    pub fn sent(&mut self, now_ms: i64, lane: Lane) {
        self.make_room_for(lane);
        let state = self.lanes.entry(lane).or_default();
        state.in_flight.push_back(now_ms);
        state.used_ms = now_ms;
        let Some(bucket) = state
            .bucket
            .as_ref()
            .and_then(|name| self.buckets.get_mut(name))
        else {
            return;
        };
        match bucket.remaining {
            Some(0) if now_ms < bucket.said_ms => bucket.probe = Some(Probe::OwnCount),
            Some(0) => bucket.probe = Some(Probe::Headers),
            left => bucket.remaining = left.map(|left| left - 1),
        }
    }

    /// The request came back, with or without an answer.
    pub fn heard(&mut self, now_ms: i64, lane: Lane, answer: &Answer) {
        let state = self.lanes.entry(lane).or_default();
        let sent_ms = state.in_flight.pop_front().unwrap_or(now_ms);
        let headers = answer.headers.as_ref();
        let arrival = match headers {
            Some(said) => self.pace.arrived(sent_ms, now_ms, said.answered_at_ms),
            None => Arrival {
                earliest_ms: sent_ms,
                latest_ms: now_ms,
            },
        };
        let arrived_ms = arrival.latest_ms;
        let bucket_before = state.bucket.clone();
        let refusal = match answer.outcome {
            Outcome::RateLimited {
                kind,
                retry_after_ms,
            } => Some((kind, retry_after_ms)),
            _ => None,
        };
        // What was refused or never arrived is counted nowhere; of anything else it is safe to think that it was.
        let is_counted =
            refusal.is_none() && !matches!(answer.outcome, Outcome::Unreachable { .. });
        if is_counted {
            self.history.add(lane, arrival);
            self.ceilings.taken(arrived_ms, lane, &self.history);
        }
        let limit_before = self.bucket_of(lane).and_then(|bucket| bucket.limit);
        match headers {
            Some(said) if said.bucket.is_some() => {
                self.learn(arrived_ms, lane, said, refusal.is_none());
            }
            Some(_) => self.go_by_own_count(arrived_ms, lane, true),
            None => self.go_by_own_count(arrived_ms, lane, false),
        }
        if let Some((kind, retry_after_ms)) = refusal {
            let is_bucket = kind == LimitKind::Bucket
                && headers.is_some_and(|said| said.bucket.is_some() && said.remaining == Some(0));
            let (ends_ms, until_ms) = (arrived_ms + retry_after_ms, now_ms + retry_after_ms.max(1));
            if is_bucket && self.bucket_of(lane).map(|bucket| bucket.limit) == Some(limit_before) {
                self.doubt(arrived_ms, lane);
            }
            if is_bucket {
                self.learn_window(ends_ms, lane);
            } else if let Some(scope) = Scope::of(kind, lane) {
                self.ceilings
                    .refused(scope, ends_ms, until_ms, &self.history);
            }
            self.refused(until_ms, lane, kind);
        }
        if let Some(bucket) = self.bucket_of_mut(lane) {
            bucket.probe = None;
        }
        // The one it was sent by: the answer may have put the lane into another.
        if let Some(bucket) = bucket_before.and_then(|name| self.buckets.get_mut(&name)) {
            bucket.probe = None;
        }
    }

    /// The latest moment anything is closed until, when that is still ahead.
    pub fn limited_until_ms(&self, now_ms: i64) -> Option<i64> {
        let waits = self
            .lanes
            .keys()
            .map(|lane| match self.may_send(now_ms, *lane) {
                Permit::At(at) => Some(at),
                Permit::Now | Permit::AfterAnswer => None,
            });
        waits.flatten().max()
    }

    /// What an answer with headers says. A refused request is in no window, so its headers do not tell how long one is.
    fn learn(&mut self, arrived_ms: i64, lane: Lane, said: &LimitHeaders, is_taken: bool) {
        let Some(name) = said.bucket.clone() else {
            return;
        };
        let place = lane.place;
        self.move_into(lane, BucketName { name, place });
        let in_flight = self.in_flight_of(lane);
        let Some(bucket) = self.bucket_of_mut(lane) else {
            return;
        };
        bucket.limit = said.limit.or(bucket.limit);
        bucket.remaining = said.remaining.map(|left| left.saturating_sub(in_flight));
        let reset_after_ms = said.reset_after_ms.map(|after_ms| after_ms.max(0));
        bucket.said_ms = arrived_ms + reset_after_ms.unwrap_or(0);
        if is_taken && let Some(reset_after_ms) = reset_after_ms {
            let is_alone = said
                .limit
                .is_some_and(|limit| said.remaining.map(|left| left + 1) == Some(limit));
            bucket.window_ms = match bucket.window_ms {
                known_ms if !is_alone => known_ms.map(|known_ms| known_ms.max(reset_after_ms)),
                _ => Some(reset_after_ms),
            }
            .filter(|length_ms| *length_ms <= AGE_MS_MAX);
        }
        self.reckon(arrived_ms, lane);
    }

    /// An answer said nothing of a bucket: when it is known all the same, our own requests are what we know of it.
    fn go_by_own_count(&mut self, arrived_ms: i64, lane: Lane, is_answer: bool) {
        let in_bucket = self.members(lane);
        let Some(bucket) = self.bucket_of(lane) else {
            if is_answer && let Some(state) = self.lanes.get_mut(&lane) {
                state.is_open = true;
            }
            return;
        };
        let (Some(limit), Some(window_ms)) = (bucket.limit, bucket.window_ms) else {
            return;
        };
        let after_ms = arrived_ms - window_ms;
        let used = self
            .history
            .count_after(after_ms, |lane| in_bucket.contains(&lane));
        let used = u32::try_from(used).unwrap_or(u32::MAX);
        let in_flight = self.in_flight_of(lane);
        let left = limit.saturating_sub(used).saturating_sub(in_flight);
        if let Some(bucket) = self
            .bucket_of_mut(lane)
            .filter(|bucket| arrived_ms >= bucket.doubted_until_ms)
        {
            bucket.remaining = bucket.remaining.max(Some(left));
            if bucket.said_ms <= arrived_ms {
                bucket.said_ms = arrived_ms + window_ms;
            }
        }
        self.reckon(arrived_ms, lane);
    }

    /// When there is more in the bucket: as the headers say, or sooner when all that fills the window was ours.
    fn reckon(&mut self, arrived_ms: i64, lane: Lane) {
        let (in_bucket, lead_ms) = (self.members(lane), self.pace.lead_ms());
        let Some(bucket) = self.bucket_of(lane) else {
            return;
        };
        let window = bucket
            .limit
            .zip(bucket.window_ms)
            .filter(|_| arrived_ms >= bucket.doubted_until_ms)
            .map(|(limit, length_ms)| Window {
                requests: limit as usize,
                length_ms,
            });
        let ours_ms = window.and_then(|window| {
            self.history
                .opens_ms(arrived_ms, window, |lane| in_bucket.contains(&lane))
        });
        if let Some(bucket) = self.bucket_of_mut(lane) {
            let said_ms = bucket.said_ms;
            bucket.reopens_ms = ours_ms.map_or(said_ms, |ours_ms| ours_ms.min(said_ms)) - lead_ms;
        }
    }

    fn refused(&mut self, until_ms: i64, lane: Lane, kind: LimitKind) {
        if !matches!(kind, LimitKind::Bucket | LimitKind::Shared) {
            return;
        }
        for other in self.members(lane) {
            let state = self.lanes.entry(other).or_default();
            state.closed_until_ms = state.closed_until_ms.max(Some(until_ms));
        }
    }

    /// The bucket was empty when we thought that it was not.
    fn doubt(&mut self, arrived_ms: i64, lane: Lane) {
        let Some(bucket) = self.bucket_of_mut(lane) else {
            return;
        };
        let Some(probe) = bucket.probe else { return };
        if probe == Probe::OwnCount
            && let Some(window_ms) = bucket.window_ms.take()
        {
            let doubling = 1 << bucket.doubts.min(DOUBT_DOUBLINGS_MAX);
            bucket.doubted_until_ms = arrived_ms + window_ms * DOUBT_WINDOWS * doubling;
            bucket.doubts = bucket.doubts.saturating_add(1);
            bucket.reopens_ms = bucket.said_ms;
        }
        self.pace.forget();
    }

    /// A refused request tells when the first of a full window leaves it; were they all ours, it tells how long the window is.
    fn learn_window(&mut self, ends_ms: i64, lane: Lane) {
        let in_bucket = self.members(lane);
        let Some(limit) = self.bucket_of(lane).and_then(|bucket| bucket.limit) else {
            return;
        };
        let first = self
            .history
            .nth_last(limit as usize, |lane| in_bucket.contains(&lane));
        if let Some(first) = first
            && let Some(bucket) = self.bucket_of_mut(lane)
        {
            let length_ms = ends_ms - first.earliest_ms;
            bucket.window_ms = bucket
                .window_ms
                .or((length_ms <= AGE_MS_MAX).then_some(length_ms));
        }
    }

    fn move_into(&mut self, lane: Lane, name: BucketName) {
        let state = self.lanes.entry(lane).or_default();
        state.is_open = false;
        if state.bucket.as_ref() != Some(&name) {
            let before = state.bucket.replace(name.clone());
            // The lanes that stay behind are not to wait for an answer that came from elsewhere.
            if let Some(before) = before.and_then(|before| self.buckets.get_mut(&before)) {
                before.probe = None;
            }
            self.forget_unused_buckets();
        }
        self.buckets.entry(name).or_default();
    }

    fn make_room_for(&mut self, lane: Lane) {
        if self.lanes.len() < LANES_MAX || self.lanes.contains_key(&lane) {
            return;
        }
        let idle = self
            .lanes
            .iter()
            .filter(|(_, state)| state.in_flight.is_empty());
        let oldest = idle
            .min_by_key(|(_, state)| state.used_ms.max(state.closed_until_ms.unwrap_or(i64::MIN)));
        if let Some(oldest) = oldest.map(|(lane, _)| *lane) {
            self.lanes.remove(&oldest);
            self.forget_unused_buckets();
        }
    }

    fn forget_unused_buckets(&mut self) {
        let lanes = &self.lanes;
        self.buckets.retain(|name, _| {
            lanes
                .values()
                .any(|state| state.bucket.as_ref() == Some(name))
        });
    }

    /// The lanes that share this one's bucket; itself alone while none is known.
    fn members(&self, lane: Lane) -> Vec<Lane> {
        let own = self
            .lanes
            .get(&lane)
            .and_then(|state| state.bucket.as_ref());
        let shared = |(other, state): (&Lane, &LaneState)| {
            let shares = *other == lane || (own.is_some() && state.bucket.as_ref() == own);
            shares.then_some(*other)
        };
        self.lanes.iter().filter_map(shared).collect()
    }

    fn in_flight_of(&self, lane: Lane) -> u32 {
        let lanes = self.members(lane);
        let states = lanes.iter().filter_map(|lane| self.lanes.get(lane));
        let count: usize = states.map(|state| state.in_flight.len()).sum();
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    fn bucket_of(&self, lane: Lane) -> Option<&Bucket> {
        self.buckets.get(self.lanes.get(&lane)?.bucket.as_ref()?)
    }

    fn bucket_of_mut(&mut self, lane: Lane) -> Option<&mut Bucket> {
        self.buckets
            .get_mut(self.lanes.get(&lane)?.bucket.as_ref()?)
    }
}
