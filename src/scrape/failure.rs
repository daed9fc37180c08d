//! What the errors of sockets, TLS and HTTP mean for the one who reads the message.

use std::error::Error;
use std::io;
use std::time::Duration;

use super::error::Kind;
use super::tls::{Material, tls_problem};
use crate::discover::Location;
use crate::network::NameError;
pub(super) use crate::network::{describe, find, shortened, shown};

/// Why no connection came about.
pub(super) fn connect_failure(
    error: &(dyn Error + 'static),
    location: &Location,
    tls: &Material,
    limit: Duration,
) -> Kind {
    if let Some(error) = find::<rustls::Error>(error) {
        return Kind::Tls(tls_problem(error, tls.target()));
    }
    if let Some(NameError(error)) = find::<NameError>(error) {
        return Kind::Name { host: location.host().to_owned(), cause: error.to_string() };
    }
    match find::<io::Error>(error).map(io::Error::kind) {
        Some(io::ErrorKind::ConnectionRefused) => Kind::Refused,
        Some(io::ErrorKind::TimedOut) => Kind::ConnectTimeout(limit),
        Some(io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe)
            if location.is_tls() =>
        {
            Kind::Tls("the target closed the connection in the handshake; check that it speaks TLS".to_owned())
        }
        _ => Kind::Connect(describe(error)),
    }
}

/// What went wrong with a request that was sent.
pub(super) fn request_failure(error: &hyper::Error, tls: &Material, header_bytes: usize) -> Kind {
    if let Some(error) = find::<rustls::Error>(error) {
        return Kind::Tls(tls_problem(error, tls.target()));
    }
    if error.is_parse_too_large() {
        Kind::HeadTooLarge(header_bytes)
    } else if find::<h2::Error>(error).is_some_and(h2::Error::is_library) {
        Kind::NotHttp2 { cause: describe(error), header_bytes }
    } else if error.is_parse() || is_unasked(error) {
        Kind::NotHttp(describe(error))
    } else {
        Kind::Closed(describe(error))
    }
}

/// Whether the peer spoke before the request was sent, which then was not sent.
fn is_unasked(error: &hyper::Error) -> bool {
    let cause = error.source().and_then(<dyn Error>::downcast_ref::<hyper::Error>);
    error.is_canceled()
        && cause.is_some_and(|cause| !cause.is_closed() && !cause.is_incomplete_message() && cause.source().is_none())
}
