//! What connections to targets and to the intake have in common: name look-ups, TCP, and the telling of each step.
//!
//! Whoever wants to know how a connection came about passes an [`Observer`]; for all others the steps are told to nobody,
//! which costs nothing.

mod event;
mod name;
mod overheard;
mod tcp;

pub(crate) use event::{CredentialSource, Event, Observed, Observer, Whom};
pub(crate) use name::{NameError, Resolver};
pub(crate) use overheard::{overheard, tell_secured};
pub(crate) use tcp::Tcp;
