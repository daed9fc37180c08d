//! What moves the bytes of a connection: whoever waits for something of it, and a task of its own only while none does.
//!
//! So a body is read by the task that parses it, which takes a fifth less time than to hand it from task to task.

use std::future::{Future, poll_fn};
use std::mem;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use tokio::sync::oneshot;
use tokio::task::JoinHandle;

type Task<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Ends with the connection; dropped, it cuts it.
pub(super) struct Driver(State);

enum State {
    /// The connection moves while its driver is waited with.
    Held(Moving),
    /// A task moves it until `call` is gone.
    Resting {
        task: JoinHandle<Result<Moving, End>>,
        call: Option<oneshot::Sender<()>>,
    },
    Ended(End),
}

/// Why there is nothing to move any more.
type End = Option<hyper::Error>;

struct Moving {
    connection: Task<hyper::Result<()>>,
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
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<End> {
        loop {
            self.beside.retain_mut(|task| task.as_mut().poll(context).is_pending());
            if let Poll::Ready(end) = self.connection.as_mut().poll(context) {
                return Poll::Ready(end.err());
            }
            let begun = self.begun.take();
            if begun.is_empty() {
                return Poll::Pending;
            }
            self.beside.extend(begun);
        }
    }

    /// Moves on until the end, which none waits for.
    async fn finish(mut self) {
        poll_fn(|context| self.poll(context)).await;
        // What is still to be said, such as that the connection ends, is said beside it.
        poll_fn(|context| {
            self.beside.extend(self.begun.take());
            self.beside.retain_mut(|task| task.as_mut().poll(context).is_pending());
            if self.beside.is_empty() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}

impl Driver {
    /// For a connection that was made with `beside` as its executor, if it needs one.
    pub(super) fn new(connection: impl Future<Output = hyper::Result<()>> + Send + 'static, beside: Beside) -> Self {
        Self(State::Held(Moving { connection: Box::pin(connection), beside: Vec::new(), begun: beside }))
    }

    /// Waits for something that comes over the connection.
    pub(super) async fn during<F: Future>(&mut self, step: F) -> F::Output {
        self.wake().await;
        let mut step = pin!(step);
        poll_fn(|context| {
            let mut output = step.as_mut().poll(context);
            if output.is_pending()
                && let State::Held(moving) = &mut self.0
            {
                if let Poll::Ready(end) = moving.poll(context) {
                    self.0 = State::Ended(end);
                }
                output = step.as_mut().poll(context);
            }
            output
        })
        .await
    }

    /// Has a task move the connection: nothing is waited for until it is used again, but its end is to be noticed.
    pub(super) fn rest(&mut self) {
        let State::Held(mut moving) = mem::replace(&mut self.0, State::Ended(None)) else { return };
        let (call, called) = oneshot::channel::<()>();
        let task = tokio::spawn(async move {
            tokio::select! {
                end = poll_fn(|context| moving.poll(context)) => Err(end),
                _ = called => Ok(moving),
            }
        });
        self.0 = State::Resting { task, call: Some(call) };
    }

    /// Has the connection moved by a task to its end, which comes as soon as nothing can be asked for any more.
    pub(super) fn finish(mut self) {
        if let State::Held(moving) = mem::replace(&mut self.0, State::Ended(None)) {
            tokio::spawn(moving.finish());
        }
    }

    /// Why the connection ended, if that is known; told once.
    pub(super) fn failure(&mut self) -> Option<hyper::Error> {
        match &mut self.0 {
            State::Ended(end) => end.take(),
            State::Held(_) | State::Resting { .. } => None,
        }
    }

    async fn wake(&mut self) {
        if let State::Resting { task, call } = &mut self.0 {
            drop(call.take());
            self.0 = match task.await {
                Ok(Ok(moving)) => State::Held(moving),
                Ok(Err(end)) => State::Ended(end),
                Err(_) => State::Ended(None),
            };
        }
    }
}
