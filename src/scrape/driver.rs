//! What moves the bytes of a connection: whoever waits for something of it, and a task of its own only while none does.
//!
//! So a body is read by the task that parses it, and who asked in vain learns why the connection ended.

use std::future::{Future, poll_fn};
use std::mem;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use tokio::sync::oneshot;
use tokio::task::JoinHandle;

type Task<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Drives one connection; dropped, it cuts it.
pub(super) struct Driver(State);

enum State {
    /// The connection moves while its driver is waited with.
    Held(Moving),
    /// A task moves it until `call` is gone.
    Resting { task: JoinHandle<Moving>, call: Option<oneshot::Sender<()>> },
    /// There is nothing to move.
    Gone,
}

struct Moving {
    /// None once it has ended. Of HTTP/2 this takes requests only, and ends as soon as no more may be made: what was asked
    /// for before still comes.
    connection: Option<Task<hyper::Result<()>>>,
    /// Why it ended, if it failed.
    failure: Option<hyper::Error>,
    /// What HTTP/2 does beside it.
    beside: Vec<Task<()>>,
    begun: Beside,
}

/// What a connection begins beside itself: it is done where the connection is, in the same task.
#[derive(Clone, Default)]
pub(super) struct Beside(Arc<Mutex<Vec<Task<()>>>>);

impl<F: Future<Output = ()> + Send + 'static> hyper::rt::Executor<F> for Beside {
    fn execute(&self, future: F) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(Box::pin(future));
    }
}

impl Beside {
    fn take(&self) -> Vec<Task<()>> {
        mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Moving {
    /// Moves what can be moved; ready when there is nothing left that ever could.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        loop {
            self.beside.retain_mut(|task| task.as_mut().poll(context).is_pending());
            if let Some(connection) = &mut self.connection
                && let Poll::Ready(end) = connection.as_mut().poll(context)
            {
                self.failure = end.err();
                self.connection = None;
            }
            let begun = self.begun.take();
            if begun.is_empty() {
                let is_over = self.connection.is_none() && self.beside.is_empty();
                return if is_over { Poll::Ready(()) } else { Poll::Pending };
            }
            self.beside.extend(begun);
        }
    }

    /// Moves it until it has ended.
    async fn end(&mut self) {
        poll_fn(|context| self.poll(context)).await;
    }
}

impl Driver {
    /// For a connection that was made with `beside` as its executor, if it needs one.
    pub(super) fn new(connection: impl Future<Output = hyper::Result<()>> + Send + 'static, beside: Beside) -> Self {
        let connection: Task<_> = Box::pin(connection);
        let moving = Moving { connection: Some(connection), failure: None, beside: Vec::new(), begun: beside };
        Self(State::Held(moving))
    }

    /// Waits for something that comes over the connection.
    pub(super) async fn during<F: Future>(&mut self, step: F) -> F::Output {
        self.wake().await;
        let mut step = pin!(step);
        poll_fn(|context| {
            let output = step.as_mut().poll(context);
            if let (Poll::Pending, State::Held(moving)) = (&output, &mut self.0) {
                // What is waited for knows itself when the connection has ended.
                let _ = moving.poll(context);
                return step.as_mut().poll(context);
            }
            output
        })
        .await
    }

    /// Has a task move the connection: nothing is waited for until it is used again, but its end is to be noticed.
    pub(super) fn rest(&mut self) {
        let State::Held(mut moving) = mem::replace(&mut self.0, State::Gone) else { return };
        let (call, called) = oneshot::channel::<()>();
        let task = tokio::spawn(async move {
            tokio::select! {
                () = moving.end() => {}
                _ = called => {}
            }
            moving
        });
        self.0 = State::Resting { task, call: Some(call) };
    }

    /// Has the connection moved by a task to its end, which comes as soon as nothing can be asked for any more.
    pub(super) fn finish(mut self) {
        if let State::Held(mut moving) = mem::replace(&mut self.0, State::Gone) {
            tokio::spawn(async move { moving.end().await });
        }
    }

    /// Why the connection ended, if it failed; told once.
    pub(super) fn failure(&mut self) -> Option<hyper::Error> {
        match &mut self.0 {
            State::Held(moving) => moving.failure.take(),
            State::Resting { .. } | State::Gone => None,
        }
    }

    async fn wake(&mut self) {
        if let State::Resting { task, call } = &mut self.0 {
            drop(call.take());
            self.0 = task.await.map_or(State::Gone, State::Held);
        }
    }
}
