//! Scraping: fetches a [`Target`](crate::discover::Target) and gives the response as it arrives, on a schedule.
//!
//! Timeouts, TLS, authentication, redirects, content encodings, charsets and the limits of a response are settled here;
//! what the bytes mean is not known here.

mod auth;
mod body;
mod charset;
mod client;
mod connect;
mod deadline;
mod decode;
mod driver;
mod error;
mod exposition;
mod failure;
mod grid;
mod head;
mod http_message;
mod negotiation;
mod pool;
mod proxy;
mod request;
mod schedule;
mod tls;

pub use body::Body;
pub use client::{Client, Clock, Response};
pub use error::{ClientError, ScrapeError};
pub use exposition::Exposition;
pub use grid::{Grid, TickClock};
pub use head::Head;
pub use http_message::{HttpMessage, HttpMessageError};
pub use schedule::{Job, Plan, Skip, run_schedule};
pub(crate) use tls::Described;

/// How Retriever names itself to targets and to the intake.
pub const USER_AGENT: &str = concat!("retriever/", env!("CARGO_PKG_VERSION"));
