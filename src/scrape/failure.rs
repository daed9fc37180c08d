//! What the errors of sockets, TLS and HTTP mean for the one who reads the message.

use std::error::Error;
use std::io;
use std::time::Duration;

use super::error::Kind;
use super::tls::{Material, tls_problem};
use crate::discover::Location;
use crate::network::NameError;

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

/// Looks for a cause of one type, also inside of `io::Error`, whose `source` skips what it wraps.
pub(super) fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<T>() {
            // The outer one of two nested `io::Error`s only carries the inner.
            let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
            return inner.and_then(|inner| find::<T>(inner)).or(Some(found));
        }
        next = inside(error);
    }
    None
}

fn inside<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(wrapped) => Some(wrapped),
        None => error.source(),
    }
}

/// Text of a peer that can stand in a message: of one line, and not too long.
pub(super) fn shown(text: &str) -> String {
    shortened(text, 200)
}

/// The same with at most so many characters.
pub(super) fn shortened(text: &str, most: usize) -> String {
    let mut shown: String = text.chars().take(most).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if text.chars().nth(most).is_some() {
        shown.push('…');
    }
    shown
}

/// An error and its causes, each text once.
pub(super) fn describe(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = inside(error);
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        next = inside(cause);
    }
    // What a peer says when it closes a connection of HTTP/2 is part of it.
    shortened(&text, 400)
}
