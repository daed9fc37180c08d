//! What the stages count, on Retriever's own pages, and what they say, in its log.
//!
//! The stages know nothing of this folder: the run loop hands over what they report, and everything else is read when a
//! page is asked for.

mod delivery;
mod families;
mod log;
mod metrics;
mod process;
mod readiness;
mod reload;
mod server;
mod target;

pub use delivery::DeliverySource;
pub use log::{LogError, init as init_log};
pub use metrics::Telemetry;
pub use readiness::{NotReady, Readiness};
pub use reload::{Reload, ReloadRequest, ReloadRequests};
pub use server::{AdminServer, ListenError};
pub use target::{Running, Scraped, TargetTelemetry};
