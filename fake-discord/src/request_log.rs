//! What was asked and how it was answered: a bounded log of lean lines, and counters that are never forgotten.

use std::collections::{BTreeMap, VecDeque};

use serde::Serialize;

use crate::{id::Id, limits_core::RefusalKind, route_core::RouteKind};

/// One request.
#[derive(Clone, Debug, Serialize)]
pub struct RequestLine {
    /// Number of the request, from 1, without holes.
    pub number: u64,
    /// When its head had arrived, microseconds since the Unix epoch, real time.
    pub received_at_us: u64,
    /// The fake's clock, milliseconds since the Unix epoch.
    pub clock_ms: u64,
    /// GET, POST …
    pub method: &'static str,
    /// The operation; `None` for paths that are none.
    pub route: Option<RouteKind>,
    /// The path behind `/api/v10`, with webhook tokens left out.
    pub path: Box<str>,
    /// The status of the answer that was worked out, also when a fault kept it from being sent; 0 when there was none.
    pub status: u16,
    /// The connection was closed or reset instead of a whole answer.
    pub unanswered: bool,
    /// The channel it was about.
    pub channel_id: Option<Id>,
    /// The message it was about, or created.
    pub message_id: Option<Id>,
    /// A create that was answered with the message its nonce had made before.
    pub nonce_repeat: bool,
    /// The start of the content sent, or else of the first embed's description; also of a request that was not carried out.
    pub content: Box<str>,
    /// A fault rule hit it.
    pub faulted: bool,
}

/// Counters since the start or the last reset.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// Requests under `/api/v10`.
    pub requests: u64,
    /// By status of the answer that was worked out; 0 where a fault let nothing be worked out.
    pub by_status: BTreeMap<u16, u64>,
    /// Requests whose connection was closed or reset instead of a whole answer.
    pub unanswered: u64,
    /// Requests a fault rule hit.
    pub faulted: u64,
    /// 429 answers by kind.
    pub rate_limited: BTreeMap<RefusalKind, u64>,
    /// Invalid requests in the last period.
    pub invalid_requests: usize,
    /// The ban for invalid requests is in force.
    pub banned: bool,
    /// Messages created over the API.
    pub messages_created: u64,
    /// Edits made.
    pub messages_edited: u64,
    /// Deletes made.
    pub messages_deleted: u64,
    /// Creates answered with the message their nonce had made before.
    pub nonce_repeats: u64,
    /// Messages created with a nonce that their author had used in the channel before, ever.
    pub duplicate_nonces: u64,
    /// Messages created with content and embeds that the channel had seen before, alive or deleted.
    pub duplicate_contents: u64,
    /// Creates and edits that pinged somebody.
    pub pings: u64,
    /// Messages per channel.
    pub channels: BTreeMap<Id, ChannelCounts>,
}

/// Messages of a channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ChannelCounts {
    /// Alive.
    pub live: usize,
    /// Deleted and still remembered.
    pub deleted: usize,
}

#[derive(Debug, Default)]
pub(crate) struct RequestLog {
    lines: VecDeque<RequestLine>,
    numbered: u64,
}

impl RequestLog {
    /// Adds a line and gives it its number.
    pub(crate) fn push(&mut self, mut line: RequestLine, lines_max: usize) {
        self.numbered += 1;
        line.number = self.numbered;
        self.lines.push_back(line);
        while self.lines.len() > lines_max {
            self.lines.pop_front();
        }
    }

    /// Remembered lines with a number above `since`, oldest first.
    pub(crate) fn since(&self, since: u64) -> Vec<RequestLine> {
        let from = self.lines.partition_point(|line| line.number <= since);
        self.lines.range(from..).cloned().collect()
    }
}
