//! What is queued for one session's socket: shared, pre-encoded frames, bounded in bytes. The hub and the session push, the
//! response body takes; all three live on one worker thread. Knows nothing of sockets: it says when it is too full or too old.

use bytes::Bytes;
use futures_util::future::poll_fn;
use std::{
    cell::RefCell,
    collections::VecDeque,
    rc::Rc,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

/// The queue was full: the session is to be cut. What was queued is gone; the client resumes by its cursors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overflowed;

#[derive(Debug)]
struct Queue {
    frames: VecDeque<Bytes>,
    bytes: usize,
    bytes_max: usize,
    /// When the socket last took something, or the queue was last empty.
    moved_at: Instant,
    closed: bool,
    taker: Option<Waker>,
    filler: Option<Waker>,
}

/// One session's queue; a clone is the same queue.
#[derive(Debug, Clone)]
pub struct Outbox(Rc<RefCell<Queue>>);

impl Outbox {
    /// An empty queue for at most `bytes_max` bytes.
    pub fn new(bytes_max: usize) -> Self {
        Self(Rc::new(RefCell::new(Queue {
            frames: VecDeque::new(),
            bytes: 0,
            bytes_max,
            moved_at: Instant::now(),
            closed: false,
            taker: None,
            filler: None,
        })))
    }

    /// Queues a frame. Into a closed queue nothing is put, and nobody is told: the session is ending.
    ///
    /// # Errors
    /// [`Overflowed`] when there is no room.
    pub fn push(&self, frame: &Bytes) -> Result<(), Overflowed> {
        let mut queue = self.0.borrow_mut();
        if queue.closed {
            return Ok(());
        }
        if queue.bytes + frame.len() > queue.bytes_max {
            return Err(Overflowed);
        }
        if queue.frames.is_empty() {
            queue.moved_at = Instant::now();
        }
        queue.bytes += frame.len();
        queue.frames.push_back(frame.clone());
        if let Some(taker) = queue.taker.take() {
            taker.wake();
        }
        Ok(())
    }

    /// Ends the queue with a last frame. `at_once` drops what is queued, for a socket that does not take it.
    pub fn close(&self, last: Bytes, at_once: bool) {
        let mut queue = self.0.borrow_mut();
        if queue.closed {
            return;
        }
        if at_once {
            queue.frames.clear();
            queue.bytes = 0;
        }
        queue.bytes += last.len();
        queue.frames.push_back(last);
        queue.closed = true;
        for waker in [queue.taker.take(), queue.filler.take()]
            .into_iter()
            .flatten()
        {
            waker.wake();
        }
    }

    /// Whether everything queued was taken, or since when nothing has moved.
    pub fn stuck_for(&self, now: Instant) -> Option<Duration> {
        let queue = self.0.borrow();
        (!queue.frames.is_empty()).then(|| now.saturating_duration_since(queue.moved_at))
    }

    /// Bytes queued.
    pub fn bytes(&self) -> usize {
        self.0.borrow().bytes
    }

    /// Bytes that what a viewer missed may still fill: half of the room, so that what is live finds the other half.
    pub fn replay_room(&self) -> usize {
        let queue = self.0.borrow();
        (queue.bytes_max / 2).saturating_sub(queue.bytes)
    }

    /// For the socket: the next frame, `None` after the last.
    pub fn poll_take(&self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let mut queue = self.0.borrow_mut();
        let Some(frame) = queue.frames.pop_front() else {
            if queue.closed {
                return Poll::Ready(None);
            }
            queue.taker = Some(cx.waker().clone());
            return Poll::Pending;
        };
        queue.bytes -= frame.len();
        queue.moved_at = Instant::now();
        if queue.bytes * 2 <= queue.bytes_max
            && let Some(filler) = queue.filler.take()
        {
            filler.wake();
        }
        Poll::Ready(Some(frame))
    }

    /// At least half of the room is free.
    pub fn is_half_empty(&self) -> bool {
        let queue = self.0.borrow();
        queue.bytes * 2 <= queue.bytes_max
    }

    /// For a replay: resolves when at least half of the room is free, or the queue is closed.
    pub async fn half_empty(&self) {
        poll_fn(|cx| {
            let mut queue = self.0.borrow_mut();
            if queue.closed || queue.bytes * 2 <= queue.bytes_max {
                return Poll::Ready(());
            }
            queue.filler = Some(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(outbox: &Outbox) -> Poll<Option<Bytes>> {
        outbox.poll_take(&mut Context::from_waker(&futures_util::task::noop_waker()))
    }

    #[test]
    fn frames_leave_in_order_and_the_bound_holds() {
        let outbox = Outbox::new(4);
        let (ab, cd, e) = (Bytes::from("ab"), Bytes::from("cd"), Bytes::from("e"));
        assert_eq!(
            (outbox.push(&ab), outbox.push(&cd), outbox.push(&e)),
            (Ok(()), Ok(()), Err(Overflowed))
        );
        assert_eq!(take(&outbox), Poll::Ready(Some(ab)));
        assert_eq!(outbox.push(&e), Ok(()));
        assert_eq!(
            (take(&outbox), take(&outbox), take(&outbox)),
            (Poll::Ready(Some(cd)), Poll::Ready(Some(e)), Poll::Pending)
        );
    }

    #[test]
    fn what_was_missed_fills_half_of_the_room() {
        let outbox = Outbox::new(5);
        assert_eq!(outbox.replay_room(), 2);
        outbox.push(&Bytes::from("a")).unwrap();
        assert_eq!(outbox.replay_room(), 1);
        outbox.push(&Bytes::from("bcd")).unwrap();
        assert_eq!(outbox.replay_room(), 0);
    }

    #[test]
    fn closing_ends_after_the_last_frame() {
        for (at_once, left) in [(false, vec!["ab", "bye"]), (true, vec!["bye"])] {
            let outbox = Outbox::new(4);
            outbox.push(&Bytes::from("ab")).unwrap();
            outbox.close(Bytes::from("bye"), at_once);
            assert_eq!(outbox.push(&Bytes::from("late")), Ok(()));
            for frame in left {
                assert_eq!(take(&outbox), Poll::Ready(Some(Bytes::from(frame))));
            }
            assert_eq!(take(&outbox), Poll::Ready(None));
        }
    }
}
