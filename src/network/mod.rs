//! What connections to targets and to the intake have in common: name look-ups, TCP, proxies, and the telling of each step.
//!
//! Whoever wants to know how a connection came about passes an [`Observer`]; for all others the steps are told to nobody,
//! which costs nothing.

mod credentials;
mod event;
mod failure;
mod name;
mod overheard;
mod proxy;
mod tcp;

pub(crate) use credentials::{authorization, basic_authorization, latin1, latin1_or_utf8, pair};
pub(crate) use event::{CredentialSource, Event, Observed, Observer, Whom};
pub(crate) use failure::{describe, find, shortened, shown};
pub(crate) use name::NameError;
pub(crate) use overheard::{overheard, tell_secured};
pub(crate) use proxy::{
    BoxError, Destination, Gate, ProxyError, Stream, Traveller, Way, authorize, exchange_failure, forwards,
};
pub(crate) use tcp::Tcp;
