//! Holds what one story leaves behind for the next (dice, prices, ids, the last call of each channel) and turns what a
//! story says into timed events. Pace is applied here and only here. Knows no story.

use crate::contract::{MemberDelta, Message, Thread, ThreadEvent, ThreadEventType};
use crate::dice::Dice;
use crate::guilds::{Author, Channel, desk_of};
use crate::market::{Market, Trade};
use crate::pictures;
use crate::prose::{self, Text};
use crate::signal_core::{Signal, Speaker};
use crate::snowflake::Mint;

/// Events per 1,000 seconds at which the stories read as they were written: about two per second.
pub const NATURAL_EVENTS_PER_1000_S: u64 = 2_000;

/// Something the connector heard.
#[derive(Debug, Clone, PartialEq)]
pub enum Happening {
    /// For the message batch.
    Message(Box<Message>),
    /// For the thread route.
    Thread(Box<ThreadEvent>),
}

/// One timed event of the day.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Milliseconds after the start of the day at which the connector hears it.
    pub at_ms: u64,
    /// The channel it belongs to; for a thread the parent.
    pub channel_id: &'static str,
    /// Whether it is in or about a thread.
    pub in_thread: bool,
    /// What was heard.
    pub happening: Happening,
}

/// Tells stories: holds everything that one story leaves behind for the next.
#[derive(Debug, Clone)]
pub(crate) struct Teller {
    pub(crate) dice: Dice,
    pub(crate) market: Market,
    mint: Mint,
    pub(crate) speaker: Speaker,
    pub(crate) charts_base_url: Option<String>,
    start_ms: u64,
    events_per_1000_s: u64,
    pub(crate) last_call: Vec<(&'static str, Author, String)>,
    pub(crate) told: Vec<(u64, Event)>,
}

impl Teller {
    pub(crate) fn new(seed: u64, start_ms: u64) -> Self {
        Self {
            dice: Dice::new(seed),
            market: Market::new(),
            mint: Mint::default(),
            speaker: Speaker {
                tenant_key: "demo".to_owned(),
                connector_id: "demo".to_owned(),
            },
            charts_base_url: None,
            start_ms,
            events_per_1000_s: NATURAL_EVENTS_PER_1000_S,
            last_call: Vec::new(),
            told: Vec::new(),
        }
    }

    pub(crate) fn speaking_as(&mut self, tenant_key: &str, connector_id: &str) {
        self.speaker = Speaker {
            tenant_key: tenant_key.to_owned(),
            connector_id: connector_id.to_owned(),
        };
    }

    pub(crate) fn paced(&mut self, events_per_1000_s: u64) {
        self.events_per_1000_s = events_per_1000_s.max(1);
    }

    pub(crate) fn with_charts(&mut self, base_url: &str) {
        self.charts_base_url = Some(base_url.to_owned());
    }

    pub(crate) fn trade_signal(&mut self, channel: Channel, at: u64) -> (Signal, Trade) {
        let desk = desk_of(&channel);
        let trade = self.market.trade(&mut self.dice, desk);
        let text = prose::call(&mut self.dice, desk, &trade);
        (self.signal(channel, at, desk.author(), text), trade)
    }

    pub(crate) fn signal(
        &mut self,
        channel: Channel,
        at: u64,
        author: Author,
        text: Text,
    ) -> Signal {
        Signal::new(self.mint.id_at(self.unix_ms(at)), channel, author, text)
    }

    pub(crate) fn attach_chart(&mut self, signal: &mut Signal, at: u64, base_url: &str) {
        let trade = self.market.trade(&mut self.dice, desk_of(&signal.channel));
        let chart = pictures::chart(&mut self.dice, signal.id, &trade);
        let id = self.mint.id_at(self.unix_ms(at));
        signal.attachments = vec![pictures::attachment(&mut self.dice, id, &chart, base_url)];
    }

    pub(crate) fn later(&mut self, at: u64, low_ms: u64, high_ms: u64) -> u64 {
        at + self.dice.millis(low_ms, high_ms)
    }

    fn offset_ms(&self, at: u64) -> u64 {
        at * NATURAL_EVENTS_PER_1000_S / self.events_per_1000_s
    }

    pub(crate) fn unix_ms(&self, at: u64) -> u64 {
        self.start_ms + self.offset_ms(at)
    }

    pub(crate) fn hear_edit(&mut self, at: u64, signal: &Signal) {
        let edit = signal.edit(&self.speaker, self.unix_ms(at));
        self.hear(at, signal, edit);
    }

    pub(crate) fn hear(&mut self, at: u64, signal: &Signal, message: Message) {
        let event = Event {
            at_ms: self.offset_ms(at),
            channel_id: signal.channel.id,
            in_thread: signal.thread_id.is_some(),
            happening: Happening::Message(Box::new(message)),
        };
        self.told.push((at, event));
    }

    pub(crate) fn hear_thread(
        &mut self,
        at: u64,
        channel: Channel,
        event_type: ThreadEventType,
        thread: Thread,
        member_delta: Option<MemberDelta>,
    ) {
        let event = self.speaker.thread_event(event_type, thread, member_delta);
        let event = Event {
            at_ms: self.offset_ms(at),
            channel_id: channel.id,
            in_thread: true,
            happening: Happening::Thread(Box::new(event)),
        };
        self.told.push((at, event));
    }
}
