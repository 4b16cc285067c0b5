//! What waits to be sent, in the order it was heard: cuts it into requests, and says when one is due. Bounded: when the
//! server is away too long the oldest events go, as they would in the field. No clock and no socket.

use std::collections::VecDeque;

use crate::contract::{ChannelGuildSync, Message, ThreadEvent};

/// The limits of an outbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutboxLimits {
    /// Events kept; more push out the oldest.
    pub items_max: usize,
    /// Messages in one batch.
    pub batch_messages_max: usize,
    /// A batch goes when nothing new came for this long.
    pub flush_quiet_ms: u64,
    /// A batch goes when its oldest message waited this long.
    pub flush_delay_ms_max: u64,
}

impl OutboxLimits {
    /// The limits of the field client.
    pub const FIELD: Self = Self {
        items_max: 5_000,
        batch_messages_max: 100,
        flush_quiet_ms: 25,
        flush_delay_ms_max: 250,
    };
}

/// One thing to send.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// Goes into a message batch.
    Message(Box<Message>),
    /// A request of its own.
    Thread(Box<ThreadEvent>),
    /// A request of its own.
    Snapshot(Box<ChannelGuildSync>),
}

/// The content of one request.
#[derive(Debug, Clone, PartialEq)]
pub enum Parcel {
    /// `POST /ingest/message-batch`.
    Messages(Vec<Message>),
    /// `POST /ingest/thread`.
    Thread(Box<ThreadEvent>),
    /// `POST /ingest/channel-guild-sync`.
    Snapshot(Box<ChannelGuildSync>),
}

impl Parcel {
    /// How many events are in it.
    #[must_use]
    pub fn items(&self) -> u64 {
        match self {
            Self::Messages(messages) => u64::try_from(messages.len()).unwrap_or(u64::MAX),
            Self::Thread(_) | Self::Snapshot(_) => 1,
        }
    }
}

/// Events that wait, each with the time it came.
#[derive(Debug)]
pub struct Outbox {
    limits: OutboxLimits,
    queue: VecDeque<(u64, Item)>,
}

impl Outbox {
    /// An empty outbox.
    #[must_use]
    pub fn new(limits: OutboxLimits) -> Self {
        Self {
            limits,
            queue: VecDeque::new(),
        }
    }

    /// Events that wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.queue.len()
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Takes an event in at `now_ms`. Says whether the oldest one had to go for it.
    pub fn push(&mut self, now_ms: u64, item: Item) -> bool {
        let full = self.queue.len() >= self.limits.items_max;
        if full {
            self.queue.pop_front();
        }
        self.queue.push_back((now_ms, item));
        full
    }

    /// How long from `now_ms` until the next request is due; 0: now; `None`: nothing waits.
    #[must_use]
    pub fn due_in_ms(&self, now_ms: u64) -> Option<u64> {
        let (oldest_ms, first) = self.queue.front()?;
        let (newest_ms, _) = self.queue.back()?;
        let ahead = self.messages_ahead();
        let batch_ends = ahead < self.queue.len() || ahead >= self.limits.batch_messages_max;
        if batch_ends || !matches!(first, Item::Message(_)) {
            return Some(0);
        }
        let due_ms = (newest_ms + self.limits.flush_quiet_ms)
            .min(oldest_ms + self.limits.flush_delay_ms_max);
        Some(due_ms.saturating_sub(now_ms))
    }

    /// The next request: the messages ahead up to the limit of a batch, or one thread event, or one snapshot.
    pub fn take(&mut self) -> Option<Parcel> {
        let batch = self.messages_ahead();
        if batch == 0 {
            return match self.queue.pop_front()?.1 {
                Item::Message(message) => Some(Parcel::Messages(vec![*message])),
                Item::Thread(event) => Some(Parcel::Thread(event)),
                Item::Snapshot(snapshot) => Some(Parcel::Snapshot(snapshot)),
            };
        }
        let messages = self
            .queue
            .drain(..batch)
            .filter_map(|(_, item)| match item {
                Item::Message(message) => Some(*message),
                Item::Thread(_) | Item::Snapshot(_) => None,
            });
        Some(Parcel::Messages(messages.collect()))
    }

    fn messages_ahead(&self) -> usize {
        self.queue
            .iter()
            .take(self.limits.batch_messages_max)
            .take_while(|(_, item)| matches!(item, Item::Message(_)))
            .count()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::day_core::{Day, Happening};
    use crate::guilds::{snapshot, source_channels};

    const LIMITS: OutboxLimits = OutboxLimits {
        items_max: 8,
        batch_messages_max: 3,
        ..OutboxLimits::FIELD
    };

    fn messages(count: usize) -> Vec<Item> {
        Day::new(1, &source_channels(), 1_750_000_000_000)
            .filter_map(|event| match event.happening {
                Happening::Message(message) => Some(Item::Message(message)),
                Happening::Thread(_) => None,
            })
            .take(count)
            .collect()
    }

    fn a_snapshot() -> Item {
        Item::Snapshot(Box::new(snapshot("demo", "demo", 1, None).unwrap()))
    }

    fn sizes(outbox: &mut Outbox) -> Vec<u64> {
        std::iter::from_fn(|| outbox.take())
            .map(|parcel| parcel.items())
            .collect()
    }

    #[test]
    fn requests_keep_the_order_and_the_size_limit() {
        let mut outbox = Outbox::new(LIMITS);
        let mut items = messages(6);
        items.insert(5, a_snapshot());
        for item in items {
            assert!(!outbox.push(0, item));
        }
        assert_eq!(sizes(&mut outbox), [3, 2, 1, 1]);
        assert!(outbox.is_empty());
    }

    #[test]
    fn a_full_outbox_lets_the_oldest_go() {
        let mut outbox = Outbox::new(LIMITS);
        let items = messages(10);
        let pushed_out: Vec<bool> = items
            .iter()
            .map(|item| outbox.push(0, item.clone()))
            .collect();
        assert_eq!(pushed_out.iter().filter(|out| **out).count(), 2);
        assert_eq!(outbox.len(), LIMITS.items_max);
        let (Some(Parcel::Messages(first)), Item::Message(third)) = (outbox.take(), &items[2])
        else {
            panic!()
        };
        assert_eq!(first[0], **third);
    }

    #[test]
    fn a_batch_is_due_when_it_is_quiet_late_or_full() {
        let mut outbox = Outbox::new(LIMITS);
        assert_eq!(outbox.due_in_ms(0), None);
        let mut items = messages(3).into_iter();
        outbox.push(1_000, items.next().unwrap());
        assert_eq!(outbox.due_in_ms(1_000), Some(25));
        outbox.push(1_240, items.next().unwrap());
        // 25 ms of quiet would end at 1,265, but the first message may wait until 1,250 only.
        assert_eq!(outbox.due_in_ms(1_240), Some(10));
        assert_eq!(outbox.due_in_ms(1_300), Some(0));
        outbox.push(1_241, items.next().unwrap());
        assert_eq!(
            outbox.due_in_ms(1_241),
            Some(0),
            "a full batch does not wait"
        );
    }

    #[test]
    fn a_batch_that_something_else_follows_is_due_at_once() {
        let mut outbox = Outbox::new(LIMITS);
        outbox.push(0, messages(1).remove(0));
        outbox.push(0, a_snapshot());
        assert_eq!(outbox.due_in_ms(0), Some(0));
        assert_eq!(sizes(&mut outbox), [1, 1]);
    }
}
