//! Connections that wait for the next scrape.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Frame, Incoming};
use tokio::time::Instant;

use super::connect::Connection;
use super::tls::Materials;
use crate::config::Proxy;
use crate::discover::Origin;

/// Servers and the boxes between close idle connections silently; after this time a new one is the safer bet.
const IDLE: Duration = Duration::from_secs(90);

/// Connections kept for one peer. More are only in use at once if several scrapes of one client meet.
const PER_PEER: usize = 4;

/// Whom a connection leads to, and through whom.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Peer {
    origin: Origin,
    proxy: Option<Arc<Proxy>>,
}

impl Peer {
    pub(super) fn new(origin: &Origin, proxy: Option<Arc<Proxy>>) -> Self {
        Self { origin: origin.normal(), proxy }
    }

    pub(super) fn proxy(&self) -> Option<&Arc<Proxy>> {
        self.proxy.as_ref()
    }
}

/// The idle connections of one client.
#[derive(Default)]
pub(super) struct Pool {
    idle: Mutex<HashMap<Peer, Vec<(Instant, Connection)>>>,
}

impl Pool {
    /// The connection that was used last, if one waits.
    pub(super) fn take(&self, peer: &Peer) -> Option<Connection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        forget_old(&mut idle);
        idle.get_mut(peer)?.pop().map(|(_, connection)| connection)
    }

    fn put(&self, peer: Peer, mut connection: Connection) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        forget_old(&mut idle);
        let waiting = idle.entry(peer).or_default();
        if waiting.len() < PER_PEER {
            connection.rest();
            waiting.push((Instant::now(), connection));
        }
    }
}

/// The pool of one client, which holds only connections that were made with the present TLS material: others are cut,
/// or die with the pool that they belong to as soon as they are done.
#[derive(Default)]
pub(super) struct Pools(Mutex<Option<(Materials, Arc<Pool>)>>);

impl Pools {
    /// The pool of connections that are made with `tls`.
    pub(super) fn of(&self, tls: &Materials) -> Arc<Pool> {
        let mut current = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*current {
            Some((made_with, pool)) if made_with.are_those(tls) => Arc::clone(pool),
            _ => Arc::clone(&current.insert((tls.clone(), Arc::default())).1),
        }
    }
}

fn forget_old(idle: &mut HashMap<Peer, Vec<(Instant, Connection)>>) {
    idle.retain(|_, waiting| {
        waiting.retain(|(since, _)| since.elapsed() < IDLE);
        !waiting.is_empty()
    });
}

/// A connection in use. Dropped before it is given back, it is cut: what it was about to bring nobody wants.
pub(super) struct Lease {
    connection: Option<Connection>,
    /// None: the connection serves one request only.
    home: Option<(Arc<Pool>, Peer)>,
}

impl Lease {
    pub(super) fn new(connection: Connection, home: Option<(Arc<Pool>, Peer)>) -> Self {
        Self { connection: Some(connection), home }
    }

    /// The next part of the body that comes over the connection.
    pub(super) async fn frame(&mut self, body: &mut Incoming) -> Option<hyper::Result<Frame<Bytes>>> {
        match &mut self.connection {
            Some(connection) => connection.frame(body).await,
            None => None,
        }
    }

    /// The connection, for another request of the same kind.
    pub(super) fn take(mut self) -> Option<Connection> {
        self.connection.take()
    }

    /// The connection has done its work.
    pub(super) fn give_back(&mut self) {
        match (self.connection.take(), self.home.take()) {
            (Some(connection), Some((pool, peer))) => pool.put(peer, connection),
            (Some(connection), None) => connection.close(),
            (None, _) => {}
        }
    }
}
