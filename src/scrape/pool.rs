//! Connections that wait for the next scrape.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::connect::Connection;
use crate::discover::Origin;

/// Servers and the boxes between close idle connections silently; after this time a new one is the safer bet.
const IDLE: Duration = Duration::from_secs(90);

/// Connections kept for one origin. More are only in use at once if several scrapes of one client meet.
const PER_ORIGIN: usize = 4;

/// The idle connections of one client.
#[derive(Default)]
pub(super) struct Pool {
    idle: Mutex<HashMap<Origin, Vec<(Instant, Connection)>>>,
}

impl Pool {
    /// The connection that was used last, if one waits.
    pub(super) fn take(&self, origin: &Origin) -> Option<Connection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        forget_old(&mut idle);
        idle.get_mut(&origin.normal())?.pop().map(|(_, connection)| connection)
    }

    fn put(&self, origin: &Origin, connection: Connection) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        forget_old(&mut idle);
        let waiting = idle.entry(origin.normal()).or_default();
        if waiting.len() < PER_ORIGIN {
            waiting.push((Instant::now(), connection));
        }
    }
}

fn forget_old(idle: &mut HashMap<Origin, Vec<(Instant, Connection)>>) {
    idle.retain(|_, waiting| {
        waiting.retain(|(since, _)| since.elapsed() < IDLE);
        !waiting.is_empty()
    });
}

/// A connection in use. Dropped before it is given back, it is cut: what it was about to bring nobody wants.
pub(super) struct Lease {
    connection: Option<Connection>,
    /// None: the connection serves one request only.
    home: Option<(Arc<Pool>, Origin)>,
}

impl Lease {
    pub(super) fn new(connection: Connection, home: Option<(Arc<Pool>, Origin)>) -> Self {
        Self { connection: Some(connection), home }
    }

    /// The connection, for another request of the same kind.
    pub(super) fn take(mut self) -> Option<Connection> {
        self.connection.take()
    }

    /// The connection has done its work.
    pub(super) fn give_back(&mut self) {
        match (self.connection.take(), self.home.take()) {
            (Some(connection), Some((pool, origin))) => pool.put(&origin, connection),
            (Some(connection), None) => connection.close(),
            (None, _) => {}
        }
    }
}
