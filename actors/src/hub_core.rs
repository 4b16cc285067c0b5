//! Who gets which revision, and from where: recent ones from a ring in memory, older ones from the table, new ones as they are
//! committed. Every session sees every revision of an attached channel exactly once and in order, or is told to resync. A hole
//! in what arrives is filled from the table before anything behind it goes out.

use bytes::Bytes;
use heliograph_schema::{
    frame::{AttachStatus, Cursor},
    ids::ChannelId,
};
use std::collections::{HashMap, VecDeque};

/// A session of this hub.
pub type SessionKey = u64;

/// Bounds of a channel's ring.
#[derive(Debug, Clone, Copy)]
pub struct RingBounds {
    /// Frames.
    pub frames_max: usize,
    /// Bytes.
    pub bytes_max: usize,
}

#[derive(Debug)]
struct Feed {
    head: Cursor,
    /// The last frames, dense, ending at `head.seq`.
    ring: VecDeque<Bytes>,
    ring_bytes: usize,
    live: Vec<SessionKey>,
    replaying: Vec<SessionKey>,
    /// A hole is being read; what arrives behind it is in the table too.
    healing: bool,
    /// Something arrived since the table was last read for it.
    missed: bool,
}

/// What to do with a committed frame.
#[derive(Debug, PartialEq, Eq)]
pub enum Arrival {
    /// Send it to these.
    Deliver(Vec<SessionKey>),
    /// It was delivered before, or belongs to a healing hole.
    Nothing,
    /// Revisions behind this place are missing: read the table from here, then call [`HubCore::healed`].
    Heal(Cursor),
    /// The channel began anew: these sessions must resync.
    Resync(Vec<SessionKey>),
}

/// What to do with a session that wants a channel.
#[derive(Debug, PartialEq, Eq)]
pub struct Attachment {
    /// For the answer.
    pub status: AttachStatus,
    /// The head, for the answer.
    pub head: Cursor,
    /// What follows.
    pub then: Next,
}

/// How a session goes on in one channel.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// These frames, then it is live.
    Live(Vec<Bytes>),
    /// Read the table behind this place, at most to the head, then call [`HubCore::replayed`].
    Replay(Cursor),
    /// Nothing.
    Stop,
}

/// How a hub comes up with a cursor ahead of it; see [`HubCore::catch_up`].
#[derive(Debug, PartialEq, Eq)]
pub enum CatchUp {
    /// It is not ahead.
    NotNeeded,
    /// Read the table from here, as for a hole, and attach then.
    Heal(Cursor),
    /// The table is being read already.
    UnderWay,
}

/// All channels of one hub.
#[derive(Debug)]
pub struct HubCore {
    bounds: RingBounds,
    feeds: HashMap<ChannelId, Feed>,
}

impl HubCore {
    /// A hub that knows no channel yet.
    pub fn new(bounds: RingBounds) -> Self {
        Self {
            bounds,
            feeds: HashMap::new(),
        }
    }

    /// Learns where a channel stands. Ignored when it already knows as much or more.
    pub fn learn_head(&mut self, channel_id: ChannelId, head: Cursor) {
        self.feeds
            .entry(channel_id)
            .or_insert_with(|| Feed::at(head));
    }

    /// Where a channel stands; `None` when it is not known yet.
    pub fn head(&self, channel_id: ChannelId) -> Option<Cursor> {
        self.feeds.get(&channel_id).map(|feed| feed.head)
    }

    /// A frame was committed.
    pub fn arrived(&mut self, channel_id: ChannelId, place: Cursor, frame: &Bytes) -> Arrival {
        // A channel nobody asked for yet: it begins where this frame is.
        let feed = self.feeds.entry(channel_id).or_insert_with(|| {
            Feed::at(Cursor {
                seq: place.seq - 1,
                ..place
            })
        });
        if place.epoch > feed.head.epoch {
            let mut sessions = std::mem::take(&mut feed.live);
            sessions.append(&mut feed.replaying);
            *feed = Feed::at(Cursor {
                seq: place.seq - 1,
                ..place
            });
            feed.append(frame, self.bounds);
            return Arrival::Resync(sessions);
        }
        if place.epoch < feed.head.epoch || place.seq <= feed.head.seq {
            return Arrival::Nothing;
        }
        if feed.healing {
            feed.missed = true;
            return Arrival::Nothing;
        }
        if place.seq > feed.head.seq + 1 {
            feed.healing = true;
            return Arrival::Heal(feed.head);
        }
        feed.append(frame, self.bounds);
        Arrival::Deliver(feed.live.clone())
    }

    /// The frames of the table behind the head, in order, dense from it. Returns who gets them, and the place to read on from:
    /// until a page is empty and nothing arrived while it was read.
    pub fn healed(
        &mut self,
        channel_id: ChannelId,
        frames: &[Bytes],
    ) -> (Vec<SessionKey>, Option<Cursor>) {
        let Some(feed) = self.feeds.get_mut(&channel_id) else {
            return (Vec::new(), None);
        };
        for frame in frames {
            feed.append(frame, self.bounds);
        }
        feed.healing = std::mem::take(&mut feed.missed) || !frames.is_empty();
        (feed.live.clone(), feed.healing.then_some(feed.head))
    }

    /// Whether a cursor stands ahead of what has arrived here. It may be right: another thread, or the table, showed its owner
    /// a revision that is still on its way to us.
    pub fn catch_up(&mut self, channel_id: ChannelId, cursor: Cursor) -> CatchUp {
        let Some(feed) = self.feeds.get_mut(&channel_id) else {
            return CatchUp::NotNeeded;
        };
        if cursor.epoch != feed.head.epoch || cursor.seq <= feed.head.seq {
            return CatchUp::NotNeeded;
        }
        if feed.healing {
            // The page that is being read may have been read too early for it.
            feed.missed = true;
            return CatchUp::UnderWay;
        }
        feed.healing = true;
        CatchUp::Heal(feed.head)
    }

    /// A session wants a channel from `cursor` on, or from the head.
    /// What is in the ring is given at once when it has at most `room` bytes; else it is replayed piece by piece.
    pub fn attach(
        &mut self,
        session: SessionKey,
        channel_id: ChannelId,
        cursor: Option<Cursor>,
        room: usize,
    ) -> Attachment {
        let Some(feed) = self.feeds.get_mut(&channel_id) else {
            return Attachment {
                status: AttachStatus::Forbidden,
                head: Cursor { epoch: 0, seq: 0 },
                then: Next::Stop,
            };
        };
        let head = feed.head;
        let from = cursor.unwrap_or(head);
        if feed.has(session) {
            return Attachment {
                status: AttachStatus::Resumed,
                head,
                then: Next::Stop,
            };
        }
        if from.epoch != head.epoch || from.seq > head.seq || from.seq < 0 {
            return Attachment {
                status: AttachStatus::ResyncRequired,
                head,
                then: Next::Stop,
            };
        }
        Attachment {
            status: AttachStatus::Resumed,
            head,
            then: feed.follow(session, from, room),
        }
    }

    /// A page of the table went out to a session; it stands at `at` now and has `room` bytes left.
    pub fn replayed(
        &mut self,
        session: SessionKey,
        channel_id: ChannelId,
        at: Cursor,
        room: usize,
    ) -> Next {
        let Some(feed) = self.feeds.get_mut(&channel_id) else {
            return Next::Stop;
        };
        let Some(place) = feed.replaying.iter().position(|&key| key == session) else {
            return Next::Stop;
        };
        if at.epoch != feed.head.epoch {
            return Next::Stop;
        }
        feed.replaying.swap_remove(place);
        feed.follow(session, at, room)
    }

    /// A session wants no more of a channel. `false` when it was not attached.
    pub fn detach(&mut self, session: SessionKey, channel_id: ChannelId) -> bool {
        self.feeds
            .get_mut(&channel_id)
            .is_some_and(|feed| feed.remove(session))
    }

    /// Channels known.
    pub fn channels(&self) -> impl Iterator<Item = ChannelId> {
        self.feeds.keys().copied()
    }
}

impl Feed {
    fn at(head: Cursor) -> Self {
        Self {
            head,
            ring: VecDeque::new(),
            ring_bytes: 0,
            live: Vec::new(),
            replaying: Vec::new(),
            healing: false,
            missed: false,
        }
    }

    fn has(&self, session: SessionKey) -> bool {
        self.live.contains(&session) || self.replaying.contains(&session)
    }

    fn remove(&mut self, session: SessionKey) -> bool {
        for list in [&mut self.live, &mut self.replaying] {
            if let Some(place) = list.iter().position(|&key| key == session) {
                list.swap_remove(place);
                return true;
            }
        }
        false
    }

    fn append(&mut self, frame: &Bytes, bounds: RingBounds) {
        self.head.seq += 1;
        self.ring.push_back(frame.clone());
        self.ring_bytes += frame.len();
        while self.ring.len() > bounds.frames_max || self.ring_bytes > bounds.bytes_max {
            let Some(oldest) = self.ring.pop_front() else {
                return;
            };
            self.ring_bytes -= oldest.len();
        }
    }

    /// Puts a session that has everything up to `at` among the live ones when the ring holds the rest, else to replay.
    fn follow(&mut self, session: SessionKey, at: Cursor, room: usize) -> Next {
        let missing = usize::try_from(self.head.seq - at.seq).unwrap_or(0);
        let in_ring = self
            .ring
            .len()
            .checked_sub(missing)
            .map(|known| self.ring.iter().skip(known));
        let fits = in_ring.filter(|frames| frames.clone().map(Bytes::len).sum::<usize>() <= room);
        let Some(frames) = fits else {
            self.replaying.push(session);
            return Next::Replay(at);
        };
        self.live.push(session);
        Next::Live(frames.cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ROOM: usize = 1_000_000;

    fn channel() -> ChannelId {
        ChannelId::new(8).unwrap()
    }

    fn at(seq: i64) -> Cursor {
        Cursor { epoch: 1, seq }
    }

    fn frame(seq: i64) -> Bytes {
        Bytes::from(seq.to_string())
    }

    fn hub(ring: usize, head: i64) -> HubCore {
        let mut hub = HubCore::new(RingBounds {
            frames_max: ring,
            bytes_max: 1_000_000,
        });
        hub.learn_head(channel(), at(0));
        for seq in 1..=head {
            hub.arrived(channel(), at(seq), &frame(seq));
        }
        hub
    }

    #[test]
    fn where_a_session_begins() {
        let table: [(Option<i64>, AttachStatus, Next); 6] = [
            (None, AttachStatus::Resumed, Next::Live(vec![])),
            (Some(10), AttachStatus::Resumed, Next::Live(vec![])),
            (
                Some(8),
                AttachStatus::Resumed,
                Next::Live(vec![frame(9), frame(10)]),
            ),
            (Some(3), AttachStatus::Resumed, Next::Replay(at(3))),
            (Some(11), AttachStatus::ResyncRequired, Next::Stop),
            (Some(-1), AttachStatus::ResyncRequired, Next::Stop),
        ];
        for (cursor, status, then) in table {
            let got = hub(4, 10).attach(1, channel(), cursor.map(at), ROOM);
            assert_eq!(
                got,
                Attachment {
                    status,
                    head: at(10),
                    then
                },
                "{cursor:?}"
            );
        }
        let other_epoch = hub(4, 10).attach(1, channel(), Some(Cursor { epoch: 2, seq: 1 }), ROOM);
        assert_eq!(other_epoch.status, AttachStatus::ResyncRequired);
        assert_eq!(
            hub(4, 1)
                .attach(1, ChannelId::new(5).unwrap(), None, ROOM)
                .status,
            AttachStatus::Forbidden
        );
    }

    #[test]
    fn a_hole_is_filled_before_anything_behind_it() {
        let mut hub = hub(4, 10);
        hub.attach(1, channel(), None, ROOM);
        assert_eq!(
            hub.arrived(channel(), at(13), &frame(13)),
            Arrival::Heal(at(10))
        );
        assert_eq!(hub.arrived(channel(), at(14), &frame(14)), Arrival::Nothing);
        assert_eq!(
            hub.healed(channel(), &[frame(11), frame(12)]),
            (vec![1], Some(at(12)))
        );
        assert_eq!(
            hub.healed(channel(), &[frame(13), frame(14)]),
            (vec![1], Some(at(14)))
        );
        assert_eq!(hub.healed(channel(), &[]), (vec![1], None));
        assert_eq!(hub.arrived(channel(), at(14), &frame(14)), Arrival::Nothing);
        assert_eq!(
            hub.arrived(channel(), at(15), &frame(15)),
            Arrival::Deliver(vec![1])
        );
    }

    #[test]
    fn what_arrives_while_the_last_page_is_read_is_read_too() {
        let mut hub = hub(4, 10);
        hub.attach(1, channel(), None, ROOM);
        assert_eq!(
            hub.arrived(channel(), at(12), &frame(12)),
            Arrival::Heal(at(10))
        );
        assert_eq!(
            hub.healed(channel(), &[frame(11), frame(12)]).1,
            Some(at(12))
        );
        assert_eq!(hub.arrived(channel(), at(13), &frame(13)), Arrival::Nothing);
        assert_eq!(
            hub.healed(channel(), &[]).1,
            Some(at(12)),
            "13 came after this page was read"
        );
        assert_eq!(hub.healed(channel(), &[frame(13)]).1, Some(at(13)));
        assert_eq!(hub.healed(channel(), &[]).1, None);
    }

    #[test]
    fn a_cursor_ahead_of_the_hub_waits_for_the_table() {
        let mut hub = hub(4, 10);
        assert_eq!(hub.catch_up(channel(), at(10)), CatchUp::NotNeeded);
        assert_eq!(
            hub.catch_up(channel(), Cursor { epoch: 2, seq: 99 }),
            CatchUp::NotNeeded
        );
        assert_eq!(hub.catch_up(channel(), at(12)), CatchUp::Heal(at(10)));
        assert_eq!(hub.catch_up(channel(), at(11)), CatchUp::UnderWay);
        assert_eq!(
            hub.healed(channel(), &[frame(11), frame(12)]).1,
            Some(at(12))
        );
        assert_eq!(hub.healed(channel(), &[]).1, None);
        assert_eq!(
            hub.attach(1, channel(), Some(at(12)), ROOM).then,
            Next::Live(vec![])
        );
    }

    #[test]
    fn a_new_epoch_sends_everyone_to_resync() {
        let mut hub = hub(4, 10);
        hub.attach(1, channel(), None, ROOM);
        hub.attach(2, channel(), Some(at(1)), ROOM);
        assert_eq!(
            hub.arrived(channel(), Cursor { epoch: 2, seq: 1 }, &frame(1)),
            Arrival::Resync(vec![1, 2])
        );
        assert_eq!(hub.head(channel()), Some(Cursor { epoch: 2, seq: 1 }));
        assert_eq!(hub.replayed(2, channel(), at(5), ROOM), Next::Stop);
    }

    /// One step of a random life: frames are committed (some never arrive at the hub), sessions attach, replay, leave.
    #[derive(Debug, Clone)]
    enum Step {
        Commit { arrives: bool },
        Attach { session: u64, back: i64 },
        Page { session: u64, size: i64 },
        Leave { session: u64 },
        Heal { size: i64 },
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => prop::bool::weighted(0.8).prop_map(|arrives| Step::Commit { arrives }),
            2 => (0..4_u64, 0..12_i64).prop_map(|(session, back)| Step::Attach { session, back }),
            2 => (0..4_u64, 1..6_i64).prop_map(|(session, size)| Step::Page { session, size }),
            1 => (0..4_u64).prop_map(|session| Step::Leave { session }),
            2 => (1..6_i64).prop_map(|size| Step::Heal { size }),
        ]
    }

    /// A client that insists on dense numbers.
    #[derive(Default)]
    struct Client {
        seen: Option<i64>,
        replay_at: Option<i64>,
    }

    impl Client {
        fn gets(&mut self, frames: &[Bytes]) {
            for bytes in frames {
                let seq: i64 = std::str::from_utf8(bytes).unwrap().parse().unwrap();
                assert_eq!(Some(seq - 1), self.seen, "hole or double");
                self.seen = Some(seq);
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]
        #[test]
        fn every_session_sees_every_revision_once(steps in prop::collection::vec(step(), 1..120), ring in 0..6_usize, room in 0..8_usize) {
            let mut hub = hub(ring, 0);
            let (mut committed, mut healing) = (0_i64, false);
            let mut clients: HashMap<u64, Client> = HashMap::new();
            // What a heal has read of the table and not handed over yet: more may be committed meanwhile.
            let mut page: Option<(i64, i64)> = None;
            let rows = |from: i64, to: i64| (from + 1..=to).map(frame).collect::<Vec<_>>();
            for step in steps {
                match step {
                    Step::Commit { arrives } => {
                        committed += 1;
                        if !arrives { continue }
                        match hub.arrived(channel(), at(committed), &frame(committed)) {
                            Arrival::Deliver(sessions) => for session in sessions {
                                clients.get_mut(&session).unwrap().gets(&[frame(committed)]);
                            },
                            Arrival::Heal(_) => healing = true,
                            Arrival::Nothing => {}
                            Arrival::Resync(_) => unreachable!(),
                        }
                    }
                    Step::Attach { session, back } => {
                        if clients.contains_key(&session) { continue }
                        let head = hub.head(channel()).unwrap().seq;
                        let cursor = (head - back).max(0);
                        let got = hub.attach(session, channel(), Some(at(cursor)), room);
                        let mut client = Client { seen: Some(cursor), replay_at: None };
                        match got.then {
                            Next::Live(frames) => client.gets(&frames),
                            Next::Replay(from) => client.replay_at = Some(from.seq),
                            Next::Stop => unreachable!(),
                        }
                        clients.insert(session, client);
                    }
                    Step::Page { session, size } => {
                        let Some(client) = clients.get_mut(&session) else { continue };
                        let Some(from) = client.replay_at.take() else { continue };
                        // The shell reads a page and never beyond the head it sees.
                        let to = (from + size).min(hub.head(channel()).unwrap().seq).max(from);
                        client.gets(&rows(from, to));
                        match hub.replayed(session, channel(), at(to), room) {
                            Next::Live(frames) => client.gets(&frames),
                            Next::Replay(from) => client.replay_at = Some(from.seq),
                            Next::Stop => unreachable!(),
                        }
                    }
                    Step::Leave { session } => {
                        if clients.remove(&session).is_some() {
                            prop_assert!(hub.detach(session, channel()));
                        }
                    }
                    Step::Heal { size } => {
                        if !healing { continue }
                        let Some((from, to)) = page.take() else {
                            let from = hub.head(channel()).unwrap().seq;
                            page = Some((from, (from + size).min(committed)));
                            continue;
                        };
                        let (sessions, on) = hub.healed(channel(), &rows(from, to));
                        healing = on.is_some();
                        for session in sessions {
                            clients.get_mut(&session).unwrap().gets(&rows(from, to));
                        }
                    }
                }
            }
            // One more that arrives, and everything that is read is handed over: whoever is live has all of it.
            committed += 1;
            match hub.arrived(channel(), at(committed), &frame(committed)) {
                Arrival::Deliver(sessions) => for session in sessions {
                    clients.get_mut(&session).unwrap().gets(&[frame(committed)]);
                },
                Arrival::Heal(_) => healing = true,
                Arrival::Nothing => {}
                Arrival::Resync(_) => unreachable!(),
            }
            while healing {
                let (from, to) = page.take().unwrap_or((hub.head(channel()).unwrap().seq, committed));
                let (sessions, on) = hub.healed(channel(), &rows(from, to));
                healing = on.is_some();
                for session in sessions {
                    clients.get_mut(&session).unwrap().gets(&rows(from, to));
                }
            }
            for client in clients.values().filter(|client| client.replay_at.is_none()) {
                prop_assert_eq!(client.seen, Some(committed));
            }
        }
    }
}
