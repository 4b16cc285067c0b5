//! Limits that no header tells: those below a bucket that still has requests left, those with a code of their own, and all of
//! them where answers carry no headers. They are learned from refusals, and forgotten again to see whether they still hold.

use super::{
    Lane, LimitKind, Route,
    history::{History, Window},
};
use heliograph_schema::ids::ChannelId;

/// Limits known at once; those that hold nothing any more go first.
const CEILINGS_MAX: usize = 16;
/// How many requests a limit is believed for after a first refusal, which may have been an accident …
const TAKEN_MIN: u32 = 16;
/// The same for a limit of one request at a time: it explains every refusal after a pause, so little speaks for it …
const TAKEN_SINGLE_MIN: u32 = 2;
/// … until what was sent in less than its time was refused again.
const TAKEN_SINGLE_CONFIRMED: u32 = 64;
/// … and after many: one refusal in so many requests is the price of learning that it is gone.
const TAKEN_MAX: u32 = 256;

/// Which requests a limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    Lane(Lane),
    Edits(ChannelId),
    Writes(ChannelId),
}

impl Scope {
    /// What a refusal of this kind speaks of, as far as it can be learned from our own requests.
    pub(super) fn of(kind: LimitKind, lane: Lane) -> Option<Self> {
        match kind {
            LimitKind::Bucket => Some(Self::Lane(lane)),
            LimitKind::OldEdits => Some(Self::Edits(lane.place)),
            LimitKind::ChannelWrites => Some(Self::Writes(lane.place)),
            LimitKind::Shared | LimitKind::Global | LimitKind::Address => None,
        }
    }

    pub(super) fn covers(self, lane: Lane) -> bool {
        match self {
            Self::Lane(own) => own == lane,
            Self::Edits(place) => lane.place == place && lane.route == Route::Edit,
            Self::Writes(place) => lane.place == place && lane.route.writes(),
        }
    }
}

#[derive(Debug)]
struct Ceiling {
    scope: Scope,
    /// Until then Discord asked to wait.
    closed_until_ms: i64,
    /// What was learned from that, if anything.
    window: Option<Window>,
    /// Requests it is believed for after a refusal …
    believed_for: u32,
    /// … and how many of them it has taken.
    taken: u32,
    opens_ms: i64,
}

/// One request at a time.
fn is_single(window: Option<Window>) -> bool {
    window.is_some_and(|window| window.requests == 1)
}

impl Ceiling {
    fn is_believed(&self) -> bool {
        self.window.is_some() && self.taken < self.believed_for
    }

    fn opens_ms(&self) -> i64 {
        if self.is_believed() {
            self.opens_ms.max(self.closed_until_ms)
        } else {
            self.closed_until_ms
        }
    }
}

/// The learned ones.
#[derive(Debug, Default)]
pub(super) struct Ceilings(Vec<Ceiling>);

impl Ceilings {
    /// Until when they hold this lane; a moment that has passed is none.
    pub(super) fn opens_ms(&self, lane: Lane) -> Option<i64> {
        let covering = self.0.iter().filter(|it| it.scope.covers(lane));
        covering.map(Ceiling::opens_ms).max()
    }

    /// A request of this lane was taken and is in the history.
    pub(super) fn taken(&mut self, now_ms: i64, lane: Lane, history: &History) {
        for ceiling in self.0.iter_mut().filter(|it| it.scope.covers(lane)) {
            ceiling.taken = ceiling.taken.saturating_add(1);
            let scope = ceiling.scope;
            let opens_ms = ceiling
                .window
                .and_then(|window| history.opens_ms(now_ms, window, |lane| scope.covers(lane)));
            ceiling.opens_ms = opens_ms.unwrap_or(now_ms);
        }
    }

    /// A request was refused by a limit of this scope, which ends at `ends_ms` and asks to wait until `closed_until_ms`: that
    /// is later by the way back.
    pub(super) fn refused(
        &mut self,
        scope: Scope,
        ends_ms: i64,
        closed_until_ms: i64,
        history: &History,
    ) {
        let known = self.0.iter().position(|it| it.scope == scope);
        let before = known.map(|place| self.0.swap_remove(place));
        if self.0.len() >= CEILINGS_MAX {
            let least = self
                .0
                .iter()
                .enumerate()
                .min_by_key(|(_, it)| it.opens_ms());
            let least = least.map_or(0, |(place, _)| place);
            self.0.swap_remove(least);
        }
        let window = history.strictest(ends_ms, |lane| scope.covers(lane));
        let is_single_now = is_single(window);
        let confirmed = before
            .as_ref()
            .filter(|it| is_single(it.window) == is_single_now);
        let believed_for = match confirmed {
            Some(it) if is_single_now => {
                (2 * it.believed_for).clamp(TAKEN_SINGLE_CONFIRMED, TAKEN_MAX)
            }
            Some(it) => (2 * it.believed_for).min(TAKEN_MAX),
            None if is_single_now => TAKEN_SINGLE_MIN,
            None => TAKEN_MIN,
        };
        let until_ms = before.map_or(closed_until_ms, |it| {
            it.closed_until_ms.max(closed_until_ms)
        });
        self.0.push(Ceiling {
            scope,
            closed_until_ms: until_ms,
            window,
            believed_for,
            taken: 0,
            opens_ms: until_ms,
        });
    }
}
