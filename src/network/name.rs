//! Name look-ups, by the resolver of the system.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use tower_service::Service;

use super::event::{Event, Observed};

/// The resolver of the system, with an error that can be told from others.
#[derive(Clone, Debug)]
pub(crate) struct Resolver {
    system: GaiResolver,
    observed: Observed,
}

/// The error of a name look-up, which could not be told from others otherwise.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct NameError(pub(crate) io::Error);

impl Resolver {
    pub(crate) fn new(observed: Observed) -> Self {
        Self { system: GaiResolver::new(), observed }
    }
}

impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = NameError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, NameError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), NameError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let looking = self.system.call(name.clone());
        let observed = self.observed.clone();
        Box::pin(async move {
            let addresses: Vec<SocketAddr> = looking.await.map_err(NameError)?.collect();
            observed.tell(|| Event::LookedUp { host: name.as_str(), addresses: &addresses });
            Ok(addresses.into_iter())
        })
    }
}
