//! TCP connections, to the first address of a name that answers.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::Uri;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower_service::Service;

use super::event::{Event, Observed};
use super::name::Resolver;

type Connector = HttpConnector<Resolver>;

/// Connects to host and port of a URL, whatever its scheme.
#[derive(Clone, Debug)]
pub(crate) struct Tcp {
    connector: Connector,
    observed: Observed,
}

impl Tcp {
    /// `options` says what is particular about the connections.
    pub(crate) fn new(observed: Observed, options: impl FnOnce(&mut Connector)) -> Self {
        let mut connector = HttpConnector::new_with_resolver(Resolver::new(observed.clone()));
        connector.enforce_http(false);
        connector.set_nodelay(true);
        options(&mut connector);
        Self { connector, observed }
    }
}

impl Service<Uri> for Tcp {
    type Response = TokioIo<TcpStream>;
    type Error = <Connector as Service<Uri>>::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.connector.poll_ready(cx)
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        let connecting = self.connector.call(to);
        let observed = self.observed.clone();
        Box::pin(async move {
            let stream = connecting.await?;
            if let Ok(address) = stream.inner().peer_addr() {
                observed.tell(|| Event::Connected { address });
            }
            Ok(stream)
        })
    }
}
