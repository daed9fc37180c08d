//! Pages that wait for the thread that writes them: bounded in bytes, the oldest first out, the oldest first dropped.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::submit::stats::{DropReason, Stats};
use crate::time::UnixTime;

/// Room for the scrapes of a reader that pauses. A page that is larger still waits alone.
const LIMIT: usize = 16 << 20;

/// What is shown of one scrape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) text: String,
    /// Points, sketches, service checks and events.
    pub(super) points: u64,
}

/// The pages and what became of earlier ones.
#[derive(Debug, Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    /// Wakes the writer.
    filled: Condvar,
    /// Wakes who waits for the end.
    settled: Notify,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Page>,
    bytes: usize,
    /// Points of the page that is being written.
    taken: Option<u64>,
    is_closed: bool,
    is_unread: bool,
    stats: Stats,
}

impl State {
    fn drop_first(&mut self, reason: DropReason) {
        if let Some(page) = self.waiting.pop_front() {
            self.bytes -= page.text.len();
            self.stats.dropped.add(reason, page.points);
        }
    }

    fn drop_all(&mut self, reason: DropReason) {
        while !self.waiting.is_empty() {
            self.drop_first(reason);
        }
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change below is whole before anything can panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a page in; what cannot stay is counted.
    pub(super) fn put(&self, page: Page) {
        let mut state = self.lock();
        if state.is_closed || state.is_unread {
            let reason = if state.is_closed { DropReason::Shutdown } else { DropReason::SendFailed };
            state.stats.dropped.add(reason, page.points);
            return;
        }
        state.bytes += page.text.len();
        state.waiting.push_back(page);
        while state.bytes > LIMIT && state.waiting.len() > 1 {
            state.drop_first(DropReason::QueueFull);
        }
        drop(state);
        self.filled.notify_one();
    }

    /// The page to write next, once there is one. `None` when there will be no more.
    pub(super) fn take(&self) -> Option<Page> {
        let mut state = self.lock();
        loop {
            if let Some(page) = state.waiting.pop_front() {
                state.bytes -= page.text.len();
                state.taken = Some(page.points);
                return Some(page);
            }
            if state.is_closed || state.is_unread {
                return None;
            }
            state = self.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The taken page was written.
    pub(super) fn written(&self, bytes: usize) {
        let mut state = self.lock();
        if let Some(points) = state.taken.take() {
            state.stats.succeed(UnixTime::now(), points, bytes);
            state.stats.unhealthy_since = None;
        }
        drop(state);
        self.settled.notify_waiters();
    }

    /// The taken page is lost, and with it all others if nobody will ever read them.
    pub(super) fn lost(&self, message: String, is_unread: bool) {
        let mut state = self.lock();
        if let Some(points) = state.taken.take() {
            state.stats.dropped.add(DropReason::SendFailed, points);
        }
        let now = UnixTime::now();
        state.stats.fail(now, message);
        state.stats.unhealthy_since.get_or_insert(now);
        if is_unread {
            state.is_unread = true;
            state.drop_all(DropReason::SendFailed);
        }
        drop(state);
        self.settled.notify_waiters();
    }

    /// Lets nothing more in.
    pub(super) fn close(&self) {
        self.lock().is_closed = true;
        self.filled.notify_one();
    }

    /// Drops all that is left, the page that is being written with it.
    pub(super) fn give_up(&self) {
        let mut state = self.lock();
        let taken = state.taken.take().unwrap_or_default();
        state.stats.dropped.add(DropReason::Shutdown, taken);
        state.drop_all(DropReason::Shutdown);
    }

    pub(super) fn is_unread(&self) -> bool {
        self.lock().is_unread
    }

    pub(super) async fn unread(&self) {
        self.until(|state| state.is_unread).await;
    }

    /// Waits until nothing waits and nothing is being written.
    pub(super) async fn emptied(&self) {
        self.until(|state| state.waiting.is_empty() && state.taken.is_none()).await;
    }

    async fn until(&self, is_so: impl Fn(&State) -> bool) {
        loop {
            let settled = self.settled.notified();
            if is_so(&self.lock()) {
                return;
            }
            settled.await;
        }
    }

    pub(super) fn stats(&self) -> Stats {
        let state = self.lock();
        Stats { queue_bytes: state.bytes, queue_payloads: state.waiting.len(), ..state.stats.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(bytes: usize, points: u64) -> Page {
        Page { text: " ".repeat(bytes), points }
    }

    #[test]
    fn the_oldest_makes_room_and_a_large_page_waits_alone() {
        let queue = Queue::default();
        queue.put(page(LIMIT / 2, 1));
        queue.put(page(LIMIT / 2, 10));
        queue.put(page(1, 100));
        assert_eq!(queue.stats().dropped.count(DropReason::QueueFull), 1);
        queue.put(page(2 * LIMIT, 1000));
        assert_eq!(queue.stats().dropped.count(DropReason::QueueFull), 111);
        assert_eq!(queue.take().map(|page| page.points), Some(1000));
        assert_eq!((queue.stats().queue_bytes, queue.stats().queue_payloads), (0, 0));
        queue.give_up();
        // It came to its end after all, which is not counted twice.
        queue.written(1);
        assert_eq!((queue.stats().dropped.total(), queue.stats().points_delivered), (1111, 0));
    }

    #[tokio::test]
    async fn nothing_is_kept_for_a_reader_that_went_away() {
        let queue = Queue::default();
        queue.put(page(1, 1));
        queue.put(page(1, 10));
        assert!(queue.take().is_some());
        queue.lost("nobody reads".to_owned(), true);
        queue.unread().await;
        queue.put(page(1, 100));
        assert_eq!(queue.take(), None);
        assert_eq!(queue.stats().dropped.count(DropReason::SendFailed), 111);
        assert!(queue.stats().unhealthy_since.is_some());
    }
}
