//! What a viewer missed: read from the table page by page, as fast as its queue has room, until the hub's own frames go on
//! from there. Also the holes of the hub itself, which are read in the same way.

use super::{READ_AGAIN_AFTER, SessionHub, read_until_told};
use crate::{
    hub_core::{Next, SessionKey},
    outbox::Outbox,
    wire,
};
use actix::{ActorFutureExt, AsyncContext, Context, WrapFuture};
use bytes::Bytes;
use heliograph_schema::{
    frame::{AttachStatus, AttachedChannel, ChannelCursor, Cursor, ServerFrame},
    ids::ChannelId,
    store::signals,
};

impl SessionHub {
    pub(super) fn go_on(
        &mut self,
        session: SessionKey,
        channel_id: ChannelId,
        next: Next,
        ctx: &mut Context<Self>,
    ) {
        match next {
            Next::Stop => {}
            Next::Replay(after) => self.replay(session, channel_id, after, ctx),
            Next::Live(frames) => {
                self.push_all(&[session], &frames);
                let Some(cursor) = self.core.head(channel_id) else {
                    return;
                };
                self.push(
                    session,
                    &wire::frame(&ServerFrame::Live(ChannelCursor { channel_id, cursor })),
                );
            }
        }
    }

    /// Reads one page for a session when its queue has room and it is its turn.
    fn replay(
        &mut self,
        session: SessionKey,
        channel_id: ChannelId,
        after: Cursor,
        ctx: &mut Context<Self>,
    ) {
        let Some(outbox) = self.outbox_of(session) else {
            return;
        };
        let (store, turns, page) = (
            self.makings.store.clone(),
            self.turns.clone(),
            self.makings.bounds.replay_page,
        );
        self.replays_begun += 1;
        let replay = self.replays_begun;
        self.replays.insert((session, channel_id), replay);
        let read = async move {
            outbox.half_empty().await;
            loop {
                let turn = turns.acquire().await;
                let read = store
                    .run(move |connection| signals::replay(connection, channel_id, after, page))
                    .await;
                drop(turn);
                match read {
                    Ok(rows) => return rows,
                    Err(error) => {
                        tracing::warn!(%error, %channel_id, "replay could not be read");
                        tokio::time::sleep(READ_AGAIN_AFTER).await;
                    }
                }
            }
        };
        ctx.spawn(read.into_actor(self).map(move |rows, actor, ctx| {
            actor.replayed(session, channel_id, replay, after, rows, ctx);
        }));
    }

    fn outbox_of(&self, session: SessionKey) -> Option<Outbox> {
        self.makings
            .sessions
            .borrow()
            .get(&session)
            .map(|local| local.outbox.clone())
    }

    /// Sends as much of a page as there is room for, and goes on with the rest when the socket has taken some of it: a page of
    /// long signals may be larger than the whole queue.
    fn replayed(
        &mut self,
        session: SessionKey,
        channel_id: ChannelId,
        replay: u64,
        after: Cursor,
        mut rows: Vec<(i64, String)>,
        ctx: &mut Context<Self>,
    ) {
        if self.replays.get(&(session, channel_id)) != Some(&replay) {
            return;
        }
        let (Some(head), Some(outbox)) = (self.core.head(channel_id), self.outbox_of(session))
        else {
            return;
        };
        // The table may be ahead of what has arrived here: what is beyond the head comes live.
        let dense = (after.seq + 1..)
            .zip(&rows)
            .take_while(|(seq, row)| *seq == row.0 && row.0 <= head.seq)
            .count();
        rows.truncate(dense);
        if rows.is_empty() && after.seq < head.seq {
            // The table no longer holds what the cursor needs: the retention has passed over it.
            return self.must_resync(session, channel_id, head);
        }
        let mut room = outbox.replay_room();
        let fitting = rows
            .iter()
            .take_while(|row| match room.checked_sub(row.1.len()) {
                Some(left) => {
                    room = left;
                    true
                }
                None => false,
            });
        // One at least, so that it goes on: half of the queue is free, or all of it.
        let mut count = fitting.count();
        if count == 0 && outbox.is_half_empty() {
            count = rows.len().min(1);
        }
        let frames: Vec<Bytes> = rows.drain(..count).map(|row| wire::text(&row.1)).collect();
        let at = Cursor {
            seq: after.seq + count as i64,
            ..after
        };
        self.push_all(&[session], &frames);
        if !rows.is_empty() {
            let rest = async move { outbox.half_empty().await };
            ctx.spawn(rest.into_actor(self).map(move |(), actor, ctx| {
                actor.replayed(session, channel_id, replay, at, rows, ctx);
            }));
            return;
        }
        self.replays.remove(&(session, channel_id));
        let next = self
            .core
            .replayed(session, channel_id, at, outbox.replay_room());
        self.go_on(session, channel_id, next, ctx);
    }

    pub(super) fn must_resync(&mut self, session: SessionKey, channel_id: ChannelId, head: Cursor) {
        self.leave_channel(session, channel_id);
        if let Some(channels) = self.attached.get_mut(&session) {
            channels.remove(&channel_id);
        }
        let channels = vec![AttachedChannel {
            channel_id,
            status: AttachStatus::ResyncRequired,
            head,
        }];
        self.push(session, &wire::frame(&ServerFrame::Attached { channels }));
    }

    pub(super) fn heal(&mut self, channel_id: ChannelId, after: Cursor, ctx: &mut Context<Self>) {
        let (store, page) = (self.makings.store.clone(), self.makings.bounds.replay_page);
        metrics::counter!("heliograph_hub_holes_total").increment(1);
        let read = read_until_told(store, "a hole", move |connection| {
            signals::replay(connection, channel_id, after, page)
        });
        ctx.spawn(read.into_actor(self).map(move |rows, actor, ctx| {
            let frames: Vec<Bytes> = rows.iter().map(|row| wire::text(&row.1)).collect();
            let (sessions, on) = actor.core.healed(channel_id, &frames);
            actor.push_all(&sessions, &frames);
            match on {
                Some(after) => actor.heal(channel_id, after, ctx),
                None => actor.attach_those_that_waited(channel_id, ctx),
            }
        }));
    }
}
